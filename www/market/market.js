// @ts-check
/** What can be read off a market: who counts, in which order, whose row says what, how it went over the epochs. No document in here. */

import {tokens} from './numbers.js';

/** @typedef {import('./types.js').Market} Market */
/** @typedef {import('./types.js').Known} Known */
/** @typedef {import('./types.js').Figure} Figure */

/** Peers that have a colour of their own: the largest. */
export const COLOURS = 7;

/** Uids of those who are there, largest stake first. @param {Market} market @returns {number[]} */
export function byStake({peers, rank}) {
  if (!peers) return Array.from(rank.keys()).sort((a, b) => rank[b] - rank[a] || a - b);
  const there = Array.from(peers.keys.keys()).filter((uid) => peers.keys[uid]);
  return there.sort((a, b) => Number(peers.stake[b] - peers.stake[a]) || a - b);
}

/** Stake of all, in tokens; 0 where it is not known. @param {Market} market */
export const allStake = ({peers}) => (peers ? peers.stake.reduce((sum, stake) => sum + tokens(stake), 0) : 0);

/** A figure of a peer; none where it is not known. @param {Market} market @param {Figure} figure @param {number} uid @returns {number|undefined} */
export function value(market, figure, uid) {
  switch (figure) {
    case 'stake':
      return market.peers?.keys[uid] ? tokens(market.peers.stake[uid]) : undefined;
    case 'paid':
      return uid < market.paid.length ? tokens(market.paid[uid]) : undefined;
    default:
      return market[figure][uid];
  }
}

/** Whether anybody has this figure at all. @param {Market} market @param {'trust'|'dividend'} figure */
export const has = (market, figure) => market[figure].some((x) => x !== 0);

/** Entries of a row, largest first. @param {import('./types.js').Matrix} matrix @param {number} uid */
export function row({starts, uids, values}, uid) {
  const entries = [];
  for (let at = starts[uid] ?? 0; at < (starts[uid + 1] ?? 0); at += 1) entries.push({uid: uids[at], share: values[at]});
  return entries.sort((a, b) => b.share - a.share);
}

/** Who names this peer, most stake behind it first. @param {Market} market @param {number} uid */
export function column(market, uid) {
  const {peers} = market;
  if (!peers) return [];
  const {starts, uids, values} = peers.weights;
  const found = [];
  for (let from = 0; from + 1 < starts.length; from += 1) {
    if (!peers.keys[from]) continue;
    for (let at = starts[from]; at < starts[from + 1]; at += 1) {
      if (uids[at] === uid) found.push({uid: from, share: values[at], stake: values[at] * tokens(peers.stake[from])});
    }
  }
  return found.sort((a, b) => b.stake - a.stake || b.share - a.share);
}

/**
 * A figure of a peer over the epochs, as far as they are known and it is the same peer: a uid can be somebody else's before.
 * @param {Map<number, Known>} all @param {Figure} figure @param {number} uid @param {number} [since] height of its registration
 * @returns {{x: number, y: number}[]}
 */
export function history(all, figure, uid, since = 0) {
  const points = [];
  for (const [epoch, {market}] of all) {
    if (market.height < since) continue;
    const y = value(market, figure, uid);
    if (y !== undefined && Number.isFinite(y)) points.push({x: epoch, y});
  }
  return points.sort((a, b) => a.x - b.x);
}

/** Height of the registration of a peer, by the newest market that knows it. @param {Map<number, Known>} all @param {number} uid */
export function since(all, uid) {
  let [newest, height] = [-1, 0];
  for (const [epoch, {market}] of all) {
    if (epoch > newest && market.peers) [newest, height] = [epoch, market.peers.registered[uid] ?? 0];
  }
  return height;
}

/** The key of a peer, by the nearest market that knows it. @param {Map<number, Known>} all @param {number} epoch @param {number} uid */
export function keyOf(all, epoch, uid) {
  let [nearest, key] = [Infinity, ''];
  for (const [at, {market}] of all) {
    if (market.peers?.keys[uid] && Math.abs(at - epoch) < nearest) [nearest, key] = [Math.abs(at - epoch), market.peers.keys[uid]];
  }
  return key;
}
