// What the page can look like, one scene after the other, with a played tab: each is looked at by axe-core and drawn for the
// documentation.

import {DAMAGED, DROPPED, notAudited, RESTORED, transaction, wrong} from './audited.js';

/** @typedef {Awaited<ReturnType<ReturnType<typeof import('./visit.mjs').visitor>>>} Visit */
/**
 * @typedef {object} Scene
 * @property {string} name
 * @property {(v: Visit) => Promise<void>} play  leads there from the scene before
 * @property {string[]} [parts]  selectors of what is drawn by itself; else what a window shows
 */

/** All that is folded opens. @param {Visit} v */
const unfold = (v) => v.page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
/** The top of the page. @param {Visit} v */
const top = (v) => v.page.evaluate(() => scrollTo(0, 0));

/** In the order in which they are played. @type {Scene[]} */
export const SCENES = [
  {name: 'opened', play: (v) => v.shows(/Not joined/)},
  {
    name: 'sources',
    play: async (v) => {
      await v.page.check('input[value=microphone]');
      await v.page.check('input[value=files]');
    },
    parts: ['#learning'],
  },
  {
    name: 'joining',
    play: async (v) => {
      await v.page.check('input[value=text]');
      await v.join();
      await v.shows(/tries so far/);
      await top(v);
    },
  },
  {
    name: 'running',
    play: async (v) => {
      await v.minute();
      await v.page.evaluate(() => {
        const {tab} = /** @type {any} */ (window).peerage;
        tab.steps(180);
        for (let i = 0; i < 12; i += 1) tab.emit(tab.network());
        for (let i = 0; i < 20; i += 1) tab.emit(tab.head());
        tab.validate();
        tab.keep();
      });
      for (const event of [DROPPED, RESTORED, DAMAGED, notAudited(120), transaction('cc', 'transfer', {type: 'refused', reason: 'the account holds 0.2 tokens, 1.01 are needed'}), transaction('dd', 'stake', {type: 'final', height: 1203, index: 0}, 'cold')]) await v.emit(event);
      await v.shows(/1\.912/);
      await v.shows(/183/);
      await unfold(v);
      await v.page.evaluate(() => /** @type {HTMLDetailsElement} */ (document.getElementById('minute-details')).open = false);
      await top(v);
    },
    parts: ['.', '#tab', '#model', '#neighbours', '#buying', '#ledger', '#my-gradient', '#my-row', '#transactions', '#keys', '#sources', '#settings'],
  },
  {
    name: 'hand',
    play: async (v) => {
      await v.page.getByRole('radio', {name: /^By hand/}).check();
      await v.page.locator('#hand').scrollIntoViewIfNeeded();
    },
    parts: ['#hand'],
  },
  {
    name: 'confirm',
    play: async (v) => {
      await v.page.locator('#intent-what').selectOption('leave');
      await v.page.click('#intent-sign');
      await v.page.getByRole('dialog').waitFor();
    },
    parts: ['dialog[open]'],
  },
  {
    name: 'forget',
    play: async (v) => {
      await v.page.keyboard.press('Escape');
      await v.page.evaluate(() => /** @type {HTMLDialogElement} */ (document.getElementById('forget-model')).showModal());
    },
    parts: ['dialog[open]'],
  },
  {
    name: 'replace',
    play: async (v) => {
      await v.page.keyboard.press('Escape');
      await v.page.setInputFiles('#import-file', {name: 'key.txt', mimeType: 'text/plain', buffer: Buffer.from('c0ffee00'.repeat(8))});
      await v.page.click('#import');
      await v.page.getByRole('dialog').getByText(/It was never saved/).waitFor();
    },
    parts: ['dialog[open]'],
  },
  {
    name: 'gone',
    play: async (v) => {
      await v.page.keyboard.press('Escape');
      await v.emit({type: 'network', node: {up: false, reason: 'the websocket closed', retryMs: 3_600_000}, connections: []});
      await v.emit({type: 'page:message', id: 'newer', tone: 'info', text: 'A newer version of this page has come. It is taken the next time this page is opened; until then this tab goes on as it is.', action: {id: 'reload', label: 'Load it now'}});
      await v.shows(/The node is gone/);
      await v.shows(/Load it now/);
      await top(v);
    },
    parts: ['#messages'],
  },
  {
    name: 'stopped',
    play: async (v) => {
      await v.page.click('#stop');
      await v.shows(/This tab has stopped/);
      await top(v);
    },
  },
  {
    name: 'alarm',
    play: async (v) => {
      await v.emit(wrong(120));
      await v.page.getByRole('alert', {name: 'The chain’s figures are wrong'}).waitFor({timeout: 10_000});
    },
    parts: ['#alarm'],
  },
];
