// Clocks that are set: in a tab and its workers, and of a validator's process, whose wall clock libfaketime moves. A validator waits by
// its wall clock, so that one that was set stands still for about as long as it was set by; the others go on.

import {writeFileSync} from 'node:fs';
import {FAKETIME, VALIDATORS} from '../support/system.mjs';
import {anyTab, tabNamed} from './tabs.mjs';

/** @typedef {import('./index.mjs').Fault} Fault */

/** Seconds forth or back. @param {import('../support/random.mjs').Random} random @param {number} most */
const jump = (random, most) => random.whole(5, most) * (random.next() < 0.5 ? -1 : 1);

/** @type {Fault[]} */
export const clocks = [
  {
    name: 'tab clock set',
    kind: 'clock',
    draw: (random, system) => ({...anyTab(random, system), seconds: jump(random, 300)}),
    touches: ({target}) => [target],
    async inject(system, {target, seconds}) {
      const tab = tabNamed(system, target);
      await tab.shift(seconds * 1000);
      return async () => void (await tab.shift(0));
    },
  },
  {
    name: 'node clock set',
    kind: 'clock',
    needs: () => (FAKETIME ? null : 'there is no libfaketime (Debian: apt-get install faketime), so clocks of nodes are not moved'),
    draw: (random) => ({target: `validator ${random.whole(0, VALIDATORS - 1)}`, seconds: jump(random, 30)}),
    touches: ({target}) => [`clock of ${target}`],
    async inject(system, {target, seconds}) {
      const node = system.nodes.find(({name}) => name === target);
      if (!node) throw new Error(`there is no ${target}`);
      writeFileSync(node.clock, `${seconds > 0 ? '+' : ''}${seconds}`);
      return async () => writeFileSync(node.clock, '+0');
    },
  },
];
