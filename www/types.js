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
 * @property {{id: string, label: string}|null} other   a second way
 */

/**
 * One training step. Losses are nats a target: a byte of text, a frame of speech, a picture.
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
 * @property {number} [sent]      bytes of asks and gradients of this step
 * @property {number} [received]  bytes of answers of this step
 * @property {number} [ahead]     steps that its asks were out before their answers were used; 0: they were waited for
 * @property {number} [stoodIn]   peers in whose place their student stood, or nothing
 * @property {number} [launch]    ms until forward and backward pass were handed to the device
 * @property {number} [read]      ms until what they found was read back
 * @property {number} [update]    ms of moving the weights
 * @property {number} [sold]      positions that others paid for
 */

/** What a person can learn from. @typedef {'text'|'glyphs'|'captions'|'files'|'microphone'|'nothing'} SourceName */

/** For the trainer. @typedef {{type: 'text'|'glyphs'|'captions'|'files'} | {type: 'microphone', rate: number}} Source */

/**
 * Content of a source, piece by piece. Pixels: red, green, blue, opacity.
 * @typedef {{type: 'file', name: string, size: number} | {type: 'piece', bytes: Uint8Array} |
 *   {type: 'picture', name: string, rows: number, columns: number, bytes: Uint8Array} | {type: 'end'}} Content
 */

/**
 * A source that is learned from.
 * @typedef {object} Learned
 * @property {Source} source
 * @property {string} words
 * @property {number} modalities  bits: 1 TEXT, 2 IMAGE, 4 SPEECH, 8 TENSOR
 * @property {number} classes
 * @property {boolean} each       a target for each position, else one for each example
 * @property {number} bytes       of the own part
 * @property {number} offset
 * @property {boolean} private    nobody is asked
 * @property {string} [answers]   how answers travel: f32, f16 or int8
 * @property {string} [gradients]
 */

/** What a neighbour was worth lately. @typedef {{key: string, score: number, error: number, fisher: number, gain: number, exact: number|null, mass: number}} Worth */

/**
 * The held-out part, looked at in three ways.
 * @typedef {object} Validation
 * @property {number} step
 * @property {number|null} [withPeers]
 * @property {number} alone
 * @property {number} student
 * @property {(number|null)[]|null} [accuracy]  share of examples that are right, in the same three ways
 * @property {number} examples
 * @property {number} at
 * @property {boolean} offline
 */

/**
 * The model beside its figures.
 * @typedef {object} Model
 * @property {{step: number, bytes: number, place: 'opfs'|'memory', reason: string|null, at: number}|null} kept
 * @property {{step: number, bytes: number, at: number}|null} restored
 * @property {string|null} damaged
 * @property {{step: number, bytes: number}|null} exported
 * @property {{step: number}|null} imported
 */

/**
 * @typedef {object} Connection
 * @property {string} peer
 * @property {string|null} [key]
 * @property {'tab'|'resident'|'node'|string} [kind]
 * @property {'websocket'|'relayed'|'direct'|string} path  relayed: by a circuit through the node; direct: browser to browser
 * @property {number|null} [rtt]  milliseconds
 * @property {string} [price]      base units for 1,024 positions; absent or 0: not for sale
 * @property {number} [modalities]  bits, as of `Learned`
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
 *   {type: 'unstake', uid: number, amount: string} | {type: 'leave', uid: number} |
 *   {type: 'purchase', from: Signer, seller: string, amount: string}} Intent
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
 * @property {boolean} watching       all of this is of another tab of this browser
 * @property {number|null} joinedAt
 * @property {Record<string, Line>} lines
 * @property {Message[]} messages
 * @property {{webgpu: boolean, webrtc: boolean, secure: boolean, missing: string[], keeps: 'lasting'|'window'|'tab'}|null} browser  keeps: as `storage` of browser.js says
 * @property {{key: string, chain: string, peer: string|null, cold: string|null, backedUp: boolean, kept: boolean|null}|null} identity  cold: null where the hot key owns the stake; kept: from an earlier visit, null: for this tab alone
 * @property {string|null} chain      chain id of the bootstrap file
 * @property {{from: 'own'|'network', urls: string[]}|null} servers  STUN and TURN servers it has joined with
 * @property {{up: boolean, reason: string, since: number, retryAt: number|null, times: number}|null} node
 * @property {any} head               newest verified head, with `at`
 * @property {[number, string][]} heads  heights and digests verified, newest last
 * @property {{kind: string, name: string, why: string, cpu: number|null, gpu: number|null}|null} device  cpu, gpu: steps a second where measured
 * @property {{type: SourceName, private: boolean}} source  chosen here
 * @property {Learned|null} learned   what the trainer learns from
 * @property {{done: number, of: number}|null} reading
 * @property {string|null} unusable   why the newest choice cannot be learned from
 * @property {Validation[]} validations  newest last
 * @property {boolean} validating
 * @property {boolean} offline        cut off from the network for learning
 * @property {Model} model
 * @property {Record<string, Worth>} worth
 * @property {Record<string, {peer: string, positions: string, at: number}>} credits  positions that a seller still owes
 * @property {string} price           own, base units for 1,024 positions; 0: not for sale
 * @property {{count: number, first: Step[], last: Step[], stride: number, series: Point[], pending: Point[]}} steps
 * @property {{at: number, step: number, tokens: number, busy: number}[]} pace  busy: ms of its step that were not spent waiting
 * @property {{most: number, onBattery: 'same'|'less'|'rest'}} effort  most: share of the time that training may take
 * @property {{charging: boolean, level: number}|null} battery  null: there is none, or the browser does not tell
 * @property {{hidden: boolean, at: number|null, count: number, seen: {ms: number, steps: number}, unseen: {ms: number, steps: number}}} sight
 * @property {{ms: number, at: number}|null} slept  how long nothing ran, and until when
 * @property {Connection[]} connections
 * @property {Record<string, Answers>} answers
 * @property {{in: number, out: number, marks: {at: number, in: number, out: number}[]}} traffic
 * @property {Exchanges} exchanges
 * @property {Record<string, number>} scores
 * @property {Record<string, {uid: number, stake: string}>} neurons
 * @property {Record<string, string>} keys  hot key by uid
 * @property {Record<string, number>} askers  stake × weight given to this tab, as a share of the largest, by hot key; from verified tables
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
