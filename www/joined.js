// @ts-check
/** The panels that come with Join: fetched then, so that whoever only opens the page does not wait for them. */

import {drawBuying, startBuying} from './buying.js';
import {startConfirm} from './confirm.js';
import {drawGradient} from './gradient.js';
import {drawHand, startHand} from './hand.js';
import {drawKeys, startKeys} from './keys.js';
import {drawAlarm, drawLedger, startAlarm} from './ledger.js';
import {drawLimits, startLimits} from './limits.js';
import {drawModel, startModel} from './model.js';
import {drawNeighbours, drawTab} from './panels.js';
import {drawRow, startRow} from './row.js';
import {drawSources} from './sources.js';
import {drawTransactions, startTransactions} from './transactions.js';

/** @typedef {import('./types.js').State} State */

/**
 * Makes their forms and buttons work.
 * @param {object} with_
 * @param {() => State} with_.state
 * @param {() => any} with_.tab
 * @param {() => void} with_.draw
 * @param {(event: any) => void} with_.put
 * @param {(intent: import('./types.js').Intent, words: string) => void} with_.ask
 * @param {(type: string, heard: (event: any) => void) => void} with_.listen
 * @param {(policy: import('./types.js').Policy) => void} with_.policy
 * @param {() => void} with_.reload
 * @param {() => void} with_.rejoin
 */
export function startJoined({state, tab, draw, put, ask, listen, policy, reload, rejoin}) {
  startAlarm(state, reload);
  startConfirm({state, ask});
  startRow({policy});
  startHand({state, draw});
  startTransactions({state, draw});
  startKeys({state, draw, tab, rejoin});
  startModel({state, put, tab, listen});
  startBuying({state, draw, put, tab});
  startLimits({state, put, tab, listen});
}

/** What is drawn of them, part by part. @param {State} s @param {number} now */
export const joinedParts = (s, now) => [
  () => drawAlarm(s),
  () => drawTab(s, now),
  () => drawLimits(s, now),
  () => drawModel(s, now),
  () => drawNeighbours(s),
  () => drawBuying(s),
  () => drawLedger(s, now),
  () => drawGradient(s),
  () => drawRow(s),
  () => drawHand(s),
  () => drawTransactions(s),
  () => drawKeys(s),
  () => drawSources(s),
];
