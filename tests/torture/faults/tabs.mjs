// What happens to tabs: crashes, reloads, a second tab of the same browser, no network.

import {sleep} from '../../e2e/support/wait.mjs';

/** @typedef {import('./index.mjs').Fault} Fault */
/** @typedef {import('../support/system.mjs').System} System */

/** @param {System} system @param {string} name */
export const tabNamed = (system, name) => {
  const found = system.tabs.find((tab) => tab.name === name);
  if (!found) throw new Error(`no tab is called ${name}`);
  return found;
};
/** @param {import('../support/random.mjs').Random} random @param {System} system */
export const anyTab = (random, system) => ({target: random.pick(system.tabs).name});

/** @type {Fault[]} */
export const tabs = [
  {
    name: 'tab crashed',
    kind: 'tab',
    draw: anyTab,
    touches: ({target}) => [target],
    async inject(system, {target}) {
      const tab = tabNamed(system, target);
      await tab.kill('page');
      return () => tab.revive();
    },
  },
  {
    name: 'browser killed',
    kind: 'tab',
    draw: anyTab,
    touches: ({target}) => [target],
    async inject(system, {target}) {
      const tab = tabNamed(system, target);
      await tab.kill('browser');
      return () => tab.revive();
    },
  },
  {
    name: 'tab reloaded',
    kind: 'tab',
    draw: anyTab,
    touches: ({target}) => [target],
    async inject(system, {target}) {
      const tab = tabNamed(system, target);
      // While its node may be away too: then it is loaded when that is back.
      const loaded = tab.load(() => /** @type {any} */ (tab.page).reload({waitUntil: 'domcontentloaded', timeout: 20_000}));
      loaded.catch(() => {});
      return () => loaded;
    },
  },
  {
    name: 'tab offline',
    kind: 'tab',
    draw: anyTab,
    touches: ({target}) => [target],
    async inject(system, {target}) {
      const tab = tabNamed(system, target);
      await tab.context?.setOffline(true);
      return async () => void (await tab.context?.setOffline(false));
    },
  },
  {
    // The second one watches the first and must not take its place.
    name: 'two tabs at once',
    kind: 'tab',
    draw: anyTab,
    touches: ({target}) => [target],
    async inject(system, {target}) {
      const tab = tabNamed(system, target);
      const other = await tab.context?.newPage();
      await other?.goto(tab.url, {waitUntil: 'domcontentloaded', timeout: 15_000}).catch(() => {});
      await other?.evaluate(() => void /** @type {any} */ (window).peerage?.join({device: 'cpu'})).catch(() => {});
      await sleep(1000);
      return async () => void (await other?.close());
    },
  },
];
