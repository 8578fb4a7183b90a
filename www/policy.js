// @ts-check
/** What the own row follows: in words, and kept in this browser for each chain, since a choice to sign nothing must outlive a reload. */

import {plainly} from './format.js';

/** @typedef {import('./types.js').Policy} Policy */

/** @param {string} chain */
const place = (chain) => `peerage.${chain}.policy`;

/** A policy in words. @param {Policy} policy */
export function policyWords(policy) {
  if (policy.type === 'payoff') return `My row climbs my payoff, with α = ${plainly(policy.alpha)}.`;
  if (policy.type === 'hand') return 'My row stays as it is until I sign one by hand.';
  if (policy.type === 'never') return 'This tab signs no rows. What its stake earns waits, and is not paid, until a row is signed again.';
  return 'My row follows the scores of my neighbours.';
}

/** A policy of what was kept; the scores where that is none. @param {string|null} text @returns {Policy} */
export function parsePolicy(text) {
  try {
    const {type, alpha} = JSON.parse(text ?? '{}') ?? {};
    if (type === 'payoff' && Number.isFinite(alpha) && alpha >= 0) return {type, alpha};
    if (type === 'hand' || type === 'never') return {type};
  } catch {
    // Not ours: as if nothing had been kept.
  }
  return {type: 'scores'};
}

/** @param {string} chain @returns {Policy} */
export function keptPolicy(chain) {
  try {
    return parsePolicy(localStorage.getItem(place(chain)));
  } catch {
    return {type: 'scores'};
  }
}

/** @param {string} chain @param {Policy} policy */
export function keepPolicy(chain, policy) {
  try {
    localStorage.setItem(place(chain), JSON.stringify(policy));
  } catch {
    // A browser that keeps nothing begins with the scores.
  }
}
