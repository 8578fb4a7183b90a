// @ts-check
/** The shapes that pass between the page and its worker. */

/** @typedef {import('../../pkg/light/index.js').Market} Market */
/** @typedef {import('../../pkg/light/index.js').Matrix} Matrix */
/** @typedef {import('../../pkg/light/index.js').Head} Head */
/** @typedef {import('../../pkg/light/index.js').Audit} Audit */
/** @typedef {import('../../pkg/light/index.js').Parameters} Parameters */

/**
 * How an epoch is known: computed again here, proven against what the validators signed, or kept since an earlier visit, when it was one of
 * these.
 * @typedef {'computed'|'proven'|'kept'} Origin
 */

/** @typedef {{market: Market, origin: Origin}} Known */

/**
 * What the worker tells.
 * @typedef {{type: 'begun', chain: string, trusted: string, parameters: Parameters}
 *   | {type: 'head', head: Head}
 *   | {type: 'audit', audit: Audit}
 *   | {type: 'epochs', first: number, last: number}
 *   | {type: 'market', known: Known}
 *   | {type: 'lacking', epoch: number, reason: string}
 *   | {type: 'silent'} | {type: 'answers'}
 *   | {type: 'alarm', code: string, why?: string, message: string, fatal: boolean}
 *   | {type: 'other-chain', before: string, now: string}
 *   | {type: 'failed', code: string, message: string}} Told
 */

/** What the page asks for. @typedef {{want: number} | {forget: true}} Asked */

/** What a chart over time can show of each peer. @typedef {'stake'|'rank'|'trust'|'incentive'|'paid'} Figure */

export {};
