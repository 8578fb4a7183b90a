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
 * Everything the page knows; `peerage.snapshot` gives a copy of it.
 * @typedef {object} State
 * @property {'ready'|'joining'|'running'|'paused'|'stopping'|'stopped'} phase
 * @property {number|null} joinedAt
 * @property {Record<string, Line>} lines
 * @property {Message[]} messages
 * @property {{webgpu: boolean, webrtc: boolean, missing: string[]}|null} browser
 * @property {{key: string, chain: string}|null} identity
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
 * @property {any} own
 * @property {{tried: number, expected: number, rate: number}|null} work
 * @property {{digest: string, action: string, state: any, at: number}[]} transactions
 * @property {{tab: number, resident: number}} heard  answers used in training, by the kind of who gave them
 * @property {{served: number, applied: number}} helped  answers given to others, gradients of others applied
 */

export {};
