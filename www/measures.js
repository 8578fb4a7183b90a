// @ts-check
/** What can be computed from the state: rates, shares, names. */

import {short} from './format.js';

/** @typedef {import('./types.js').State} State */

/** Steps and bytes of text a second over the last half minute. @param {State} s @param {number} now */
export function rates(s, now) {
  const {pace} = s;
  if (pace.length < 2) return null;
  const seconds = (Math.max(now - 2000, pace[pace.length - 1].at) - pace[0].at) / 1000;
  if (seconds <= 0) return null;
  const tokens = pace.slice(1).reduce((sum, p) => sum + p.tokens, 0);
  return {steps: (pace.length - 1) / seconds, tokens: tokens / seconds};
}

/** Share of the time in which the device computed, over the last half minute; null before two steps. @param {State} s @param {number} now */
export function busy(s, now) {
  const {pace} = s;
  if (pace.length < 2) return null;
  const elapsed = Math.max(now - 2000, pace[pace.length - 1].at) - pace[0].at;
  return elapsed > 0 ? Math.min(1, pace.slice(1).reduce((sum, p) => sum + p.busy, 0) / elapsed) : null;
}

/** Bytes a second in and out over the last half minute. @param {State} s */
export function flow(s) {
  const {marks} = s.traffic;
  if (marks.length < 2) return null;
  const first = marks[0];
  const last = marks[marks.length - 1];
  const seconds = (last.at - first.at) / 1000;
  return seconds > 0 ? {in: (last.in - first.in) / seconds, out: (last.out - first.out) / seconds} : null;
}

/** Share of all scores that belongs to `key`; null where there are none yet. @param {State} s @param {string|null|undefined} key */
export function share(s, key) {
  if (!key || !(key in s.scores)) return null;
  const total = Object.values(s.scores).reduce((a, b) => a + b, 0);
  return total > 0 ? s.scores[key] / total : null;
}

/** What this tab is worth to `key`, of what it is worth to who values it most; null where the ledger does not tell. @param {State} s @param {string|null|undefined} key */
export const valued = (s, key) => (key && key in s.askers ? s.askers[key] : key && s.neurons[key] && Object.keys(s.askers).length > 0 ? 0 : null);

/** Those connected who said who they are, without the node. @param {State} s */
export const neighbours = (s) => s.connections.filter((c) => c.kind === 'tab' || c.kind === 'resident');

/** How many of those connected are reached by each path. @param {import('./types.js').Connection[]} list */
export const paths = (list) => ({direct: of(list, 'direct'), relayed: of(list, 'relayed'), websocket: of(list, 'websocket')});

/** @param {import('./types.js').Connection[]} list @param {string} path */
const of = (list, path) => list.filter((c) => c.path === path).length;

/** Exchanges of a tally by path, whoever they were with. @param {import('./types.js').Tally|undefined} tally */
export const byPath = (tally) => {
  const all = (/** @type {import('./types.js').ByKind|undefined} */ kinds) => (kinds ? kinds.residents + kinds.tabs : 0);
  return {direct: all(tally?.direct), relayed: all(tally?.relayed), websocket: all(tally?.websocket)};
};

/** `peer 7`, or the start of the key while it is on no verified list. @param {State} s @param {string|null|undefined} key */
export const name = (s, key) => (key && s.neurons[key] ? `Peer ${s.neurons[key].uid}` : short(key));

const ASKED = 8; // peers that are asked about the ledger at a time

/** Who is asked about the ledger: nodes, and tabs that are connected directly; not those who lied. @param {State} s */
export function sources(s) {
  const lied = new Set(s.dropped.map((d) => d.source));
  const fit = [...s.connections.filter((c) => c.kind === 'node'), ...s.connections.filter((c) => c.kind === 'tab' && c.path === 'direct')];
  const list = fit.filter((c) => !lied.has(c.peer)).slice(0, ASKED);
  const nodes = list.filter((c) => c.kind === 'node').length;
  return {list, nodes, tabs: list.length - nodes};
}
