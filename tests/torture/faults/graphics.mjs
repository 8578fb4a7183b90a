// Graphics chips that are lost: the browser's GPU process crashes, and with it every device of WebGPU.

import {within} from '../support/within.mjs';
import {tabNamed} from './tabs.mjs';

/** @typedef {import('./index.mjs').Fault} Fault */

/** @type {Fault[]} */
export const graphics = [
  {
    name: 'GPU lost',
    kind: 'GPU',
    needs: (system) => (system.tabs.some((tab) => tab.webgpu) ? null : 'no tab is on WebGPU'),
    draw: (_, system) => ({target: /** @type {import('../support/tab.mjs').Tab} */ (system.tabs.at(-1)).name}),
    touches: ({target}) => [target],
    async inject(system, {target}) {
      const tab = tabNamed(system, target);
      if (!tab.page) throw new Error(`${target} is not open`);
      const session = await tab.page.context().newCDPSession(tab.page);
      // The answer dies with what it is about.
      await within(session.send(/** @type {any} */ ('Browser.crashGpuProcess')).catch(() => {}), 2);
      await session.detach().catch(() => {});
      return () => tab.revive();
    },
  },
];
