// Disks that are full: a node's folder on a small file system that is filled to the last byte, a tab's quota below what it keeps.

import {appendFileSync, rmSync, statfsSync} from 'node:fs';
import {join} from 'node:path';
import {again, named} from './processes.mjs';
import {anyTab, tabNamed} from './tabs.mjs';

/** @typedef {import('./index.mjs').Fault} Fault */

/** @type {Fault[]} */
export const disks = [
  {
    name: 'node disk full',
    kind: 'disk',
    needs: (system) => (system.mounts.length > 0 ? null : 'no small file systems can be mounted here (not root), so no disk of a node is filled'),
    draw: (random, system) => ({target: random.pick(system.nodes.slice(-2)).name}),
    touches: ({target}) => [target],
    async inject(system, {target}) {
      const node = system.nodes.find(({name}) => name === target);
      if (!node) throw new Error(`there is no ${target}`);
      const ballast = join(node.folder, 'ballast');
      const fill = () => {
        const {bavail, bsize} = statfsSync(node.folder);
        try {
          for (let left = bavail * bsize + bsize; left > 0; left -= 1 << 20) appendFileSync(ballast, Buffer.alloc(Math.min(left, 1 << 20)));
        } catch (error) {
          if (/** @type {any} */ (error).code !== 'ENOSPC') throw error;
        }
      };
      named(system, target).wanted = false; // it may end: that is what it is to do
      fill();
      const filling = setInterval(fill, 500); // what it has freed meanwhile
      return async () => {
        clearInterval(filling);
        rmSync(ballast, {force: true});
        // It has ended or has not noticed; either way it goes on from what it has.
        await again(system, target);
        named(system, target).wanted = true;
      };
    },
  },
  {
    name: 'tab disk full',
    kind: 'disk',
    draw: anyTab,
    touches: ({target}) => [target],
    async inject(system, {target}) {
      const tab = tabNamed(system, target);
      const page = tab.page;
      if (!page) throw new Error(`${target} is not open`);
      const session = await page.context().newCDPSession(page);
      const origin = new URL(tab.url).origin;
      await session.send('Storage.overrideQuotaForOrigin', {origin, quotaSize: 1});
      return async () => {
        await session.send('Storage.overrideQuotaForOrigin', {origin});
        await session.detach();
      };
    },
  },
];
