// @ts-check
/**
 * Shapes of what the page is told and of what it remembers. No code.
 *
 * Events come from the Rust side (`crates/core/protocol/src/port`, `crates/app/page`) as plain objects tagged by
 * `type`; those whose type starts with `page:` come from the page itself. Keys and digests are lower-case hex, peer
 * ids base58, times milliseconds since the Unix epoch, amounts base units as text (1 token = 10⁹).
 */

/** @typedef {{type: string} & Record<string, any>} PeerageEvent */

/** @typedef {'idle'|'waiting'|'done'|'note'|'failed'} LineState  `note`: done, with something a person should know. */

/**
 * One line of the first-minute checklist.
 * @typedef {object} Line
 * @property {LineState} state
 * @property {number|null} started  when it began to wait
 * @property {number|null} ended    when it was done or failed
 * @property {string} detail        what it found, or what it waits for
 * @property {string} help          what to do, when it failed
 */

/**
 * Something a person should know, with its way back.
 * @typedef {object} Message
 * @property {string} id
 * @property {'info'|'warning'|'error'} tone
 * @property {string} text
 * @property {number} since
 * @property {number|null} until    when it goes away by itself
 * @property {number|null} retryAt  when the next try is, shown as a countdown
 * @property {{id: string, label: string}|null} action
 */

/**
 * One training step. Losses are nats a byte.
 * @typedef {object} Step
 * @property {number} step
 * @property {number|null} [withPeers]
 * @property {number} alone
 * @property {number} student
 * @property {number|null} [distillation]
 * @property {number} tokens
 * @property {number} millis
 * @property {number} waited
 * @property {string[]} answered
 * @property {string[]} missed
 * @property {number} applied
 * @property {number} served
 */

/**
 * @typedef {object} Connection
 * @property {string} peer
 * @property {string|null} [key]
 * @property {'tab'|'resident'|'node'|string} [kind]
 * @property {'websocket'|'relayed'|'direct'|string} path  relayed: by a circuit through the node; direct: browser to browser
 * @property {number|null} [rtt]  milliseconds
 */

/** @typedef {{peer: string, answered: number, missed: number, blamed: number, reason: string, last: number}} Answers */

/** Exchanges of one path. @typedef {{residents: number, tabs: number}} ByKind */
/** @typedef {{websocket: ByKind, relayed: ByKind, direct: ByKind}} Tally */

/**
 * Exchanges since the start: own asks and corrections that were taken, those of others, and those that came to nothing.
 * @typedef {{tab?: number, resident?: number, asked?: Tally, served?: Tally, failed?: number}} Exchanges
 */

/** @typedef {{step: number, withPeers: number|null, alone: number, student: number}} Point */

/**
 * An epoch that was recomputed here, or why not.
 * @typedef {object} Audit
 * @property {number} epoch
 * @property {number} height  of its last block
 * @property {Outcome} outcome
 * @property {number|null} millis
 * @property {number|null} bytes  fetched for it
 * @property {number} at
 */

/** Where chain and own computing differ first. @typedef {{type: 'wrong', table: string|null, uid: number|null, figure: string, chain: string, own: string}} Wrong */
/** @typedef {{type: 'sound', peers: number, transactions: number}|Wrong|{type: 'notAudited', reason: string}} Outcome */

/** What the own row follows. @typedef {{type: 'scores'}|{type: 'payoff', alpha: number}|{type: 'hand'}|{type: 'never'}} Policy */

/** @typedef {'hot'|'cold'} Signer */

/**
 * What a person can ask to be signed; amounts are base units as text.
 * @typedef {{type: 'weights', row: [number, number][]} | {type: 'transfer', from: Signer, to: string, amount: string} |
 *   {type: 'sponsor', key: string} | {type: 'subscribe'} | {type: 'stake', uid: number, amount: string} |
 *   {type: 'unstake', uid: number, amount: string} | {type: 'leave', uid: number}} Intent
 */

/** @typedef {{id: number, intent: Intent, signer: Signer, words: string, at: number, reason: string|null}} Asked  reason: why nothing came of it */

/**
 * An own transaction. Included: its effect stands in verified tables; final: its place in a block is proven here.
 * @typedef {object} OwnTransaction
 * @property {string} digest
 * @property {string} action
 * @property {Signer} signer
 * @property {any} state  {type: 'pending'|'included'|'final'|'refused', height?, index?, reason?}
 * @property {number} since
 * @property {number} at
 */

/**
 * Everything the page knows; `peerage.snapshot` gives a copy of it.
 * @typedef {object} State
 * @property {'ready'|'joining'|'running'|'paused'|'stopping'|'stopped'} phase
 * @property {number|null} joinedAt
 * @property {Record<string, Line>} lines
 * @property {Message[]} messages
 * @property {{webgpu: boolean, webrtc: boolean, missing: string[]}|null} browser
 * @property {{key: string, chain: string, peer: string|null, cold: string|null, backedUp: boolean}|null} identity  cold: null where the hot key owns the stake
 * @property {string|null} chain      chain id of the bootstrap file
 * @property {{from: 'own'|'network', urls: string[]}|null} servers  STUN and TURN servers it has joined with
 * @property {{up: boolean, reason: string, since: number, retryAt: number|null, times: number}|null} node
 * @property {any} head               newest verified head, with `at`
 * @property {[number, string][]} heads  heights and digests verified, newest last
 * @property {{kind: string, name: string, why: string}|null} device
 * @property {{bytes: number, offset: number}|null} dataset
 * @property {{name: string, received: number, total: number}|null} corpus
 * @property {{count: number, first: Step[], last: Step[], stride: number, series: Point[], pending: Point[]}} steps
 * @property {{at: number, step: number, tokens: number}[]} pace
 * @property {Connection[]} connections
 * @property {Record<string, Answers>} answers
 * @property {{in: number, out: number, marks: {at: number, in: number, out: number}[]}} traffic
 * @property {Exchanges} exchanges
 * @property {Record<string, number>} scores
 * @property {Record<string, {uid: number, stake: string}>} neurons
 * @property {Record<string, string>} keys  hot key by uid
 * @property {{last: Audit|null, wrong: Audit|null, sound: number, history: Audit[]}} audit  wrong: the first that differed
 * @property {any} own
 * @property {any} proposal           the next row as the light client would sign it, with `at`
 * @property {Policy} policy          chosen here
 * @property {{tried: number, expected: number, rate: number, paused: boolean}|null} work
 * @property {Asked[]} asked          wishes of a person that are not signed yet
 * @property {OwnTransaction[]} transactions
 * @property {{source: string, reason: string, at: number}[]} dropped  sources that lied
 * @property {{bytes: number, epochs: number, place: 'opfs'|'memory'}|null} kept  on this device
 * @property {{height: number, epochs: number, tables: boolean, millis: number|null, at: number}|null} restored
 * @property {{shelf: string, reason: string, at: number}[]} damaged
 * @property {boolean} reminded       of the backup
 * @property {{tab: number, resident: number}} heard  answers used in training, by the kind of who gave them
 * @property {{served: number, applied: number}} helped  answers given to others, gradients of others applied
 */

export {};
