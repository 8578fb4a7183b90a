// Links that are slow, narrow, cut or silent: between a user and its node, between two validators, around one validator, between halves.

import {VALIDATORS} from '../support/system.mjs';

/** @typedef {import('./index.mjs').Fault} Fault */
/** @typedef {import('../support/system.mjs').System} System */
/** @typedef {import('../support/random.mjs').Random} Random */

/** Whose links. @param {Random} random @param {System} system */
function place(random, system) {
  const users = [...system.tabs.map((tab) => tab.name), ...system.residents.map((one) => one.name), 'follower'];
  const validators = Array.from({length: VALIDATORS}, (_, i) => i);
  switch (random.whole(0, 5)) {
    case 0: return {target: `around validator ${random.pick(validators)}`};
    case 1: {
      const [a, b] = random.some(validators, 2);
      return {target: `between validators ${a} and ${b}`};
    }
    case 2: {
      const other = random.whole(1, VALIDATORS - 1);
      return {target: `between validators 0, ${other} and the others`};
    }
    default: return {target: random.pick(users)};
  }
}

/** @param {System} system @param {string} target @returns {import('../link.mjs').Link[]} */
export function linksAt(system, target) {
  const numbers = [...target.matchAll(/\d+/g)].map(([n]) => Number(n));
  const between = (/** @type {(a: number, b: number) => boolean} */ which) =>
    [...system.links].filter(([name]) => {
      const [, a, b] = /^validator (\d) to (\d)$/.exec(name) ?? [];
      return a !== undefined && (which(Number(a), Number(b)) || which(Number(b), Number(a)));
    }).map(([, link]) => link);
  if (target.startsWith('around')) return between((a) => a === numbers[0]);
  if (target.endsWith('the others')) return between((a, b) => numbers.includes(a) && !numbers.includes(b));
  if (target.startsWith('between')) return between((a, b) => a === numbers[0] && b === numbers[1]);
  return system.linksOf(target);
}

/**
 * @param {string} name @param {(random: Random) => Partial<import('../link.mjs').Weather>} weather
 * @returns {Fault}
 */
const weather = (name, weather) => ({
  name,
  kind: 'link',
  draw: (random, system) => ({...place(random, system), weather: weather(random)}),
  touches: ({target}) => [`link ${target}`],
  async inject(system, {target, weather}) {
    const links = linksAt(system, target);
    if (links.length === 0) throw new Error(`no link is ${target}`);
    for (const link of links) link.set(weather);
    return async () => links.forEach((link) => link.heal());
  },
});

/** @type {Fault[]} */
export const links = [
  weather('link slow', (random) => ({delay: random.whole(100, 1500)})),
  weather('link narrow', (random) => ({rate: 1000 * random.whole(4, 64)})),
  weather('link cut', () => ({mode: 'cut'})),
  weather('link silent', () => ({mode: 'hole'})),
];
