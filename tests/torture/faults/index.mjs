// All faults, and how those of a round are drawn: by the seed and the round alone, whatever happens meanwhile.

import {Random} from '../support/random.mjs';
import {clocks} from './clocks.mjs';
import {disks} from './disks.mjs';
import {graphics} from './graphics.mjs';
import {hostile} from './hostile.mjs';
import {links} from './links.mjs';
import {malformed} from './malformed.mjs';
import {processes} from './processes.mjs';
import {simulation} from './simulation.mjs';
import {tabs} from './tabs.mjs';

/** @typedef {import('../support/system.mjs').System} System */
/** What exactly a fault does: plain values, so that they can be printed. @typedef {{target: string} & Record<string, any>} Draw */
/**
 * One way in which something breaks.
 * @typedef {object} Fault
 * @property {string} name
 * @property {string} kind
 * @property {(system: System) => string|null} [needs]       why it cannot be done here, if it cannot
 * @property {(random: Random, system: System) => Draw} draw
 * @property {(draw: Draw) => string[]} touches              what no other fault of the round may touch
 * @property {(system: System, draw: Draw) => Promise<() => Promise<unknown>>} inject  gives what heals it
 */

/** @type {Fault[]} */
export const FAULTS = [...processes, ...tabs, ...links, ...clocks, ...disks, ...graphics, ...hostile, ...malformed, ...simulation];

/** Most faults of a round. */
const MOST = 3;
/** Seconds for which they last. */
const LAST = [4, 12];

/** What cannot be together, beside what touches the same. */
const clash = (/** @type {{fault: Fault, draw: Draw}[]} */ drawn, /** @type {string[]} */ touched) => drawn.some(({fault, draw}) => fault.touches(draw).some((one) => touched.includes(one)));

/**
 * What happens in a round. Faults come in an order that the seed shuffles, so that each comes once before any comes again.
 * @param {string} seed @param {number} round from 0 on @param {System} system @param {Fault[]} [among]
 */
export function drawRound(seed, round, system, among = FAULTS) {
  let next = 0;
  /** @type {{fault: Fault, draw: Draw}[]} */
  let drawn = [];
  let seconds = 0;
  for (let at = 0; at <= round; at += 1) {
    const random = new Random(`${seed}/round ${at}`);
    const count = random.whole(1, MOST);
    seconds = random.whole(LAST[0], LAST[1]);
    drawn = [];
    for (let i = 0; i < count; i += 1, next += 1) {
      const cycle = Math.floor(next / among.length);
      const fault = new Random(`${seed}/cycle ${cycle}`).some(among, among.length)[next % among.length];
      for (let tries = 0; tries < 8; tries += 1) {
        const draw = fault.draw(random, system);
        if (clash(drawn, fault.touches(draw))) continue;
        drawn.push({fault, draw});
        break;
      }
    }
  }
  return {faults: drawn, seconds};
}

/** A fault as a line says it. @param {{fault: {name: string}, draw: Draw}} drawn */
export function words({fault, draw: {target, ...rest}}) {
  const more = Object.entries(rest).map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(', ');
  return `${fault.name} (${target}${more ? `; ${more}` : ''})`;
}
