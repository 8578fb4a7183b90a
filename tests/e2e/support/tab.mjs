// One browser process with the page in it, seen through its script interface `window.peerage`.

import {launch, open} from './browser.mjs';
import {until} from './wait.mjs';

/** @typedef {import('../../../www/types.js').State} State */

/** @param {number[]} values */
export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

export class Tab {
  /**
   * A new browser process with the page open.
   * @param {string} name @param {string} url @param {{webgpu?: boolean, microphone?: boolean}} [options]
   */
  static async open(name, url, options) {
    const browser = await launch(options);
    try {
      const {page, errors} = await open(browser, name);
      const tab = new Tab(name, browser, page, errors, options?.webgpu ?? false);
      await page.goto(url, {waitUntil: 'domcontentloaded'});
      await page.waitForFunction(() => 'peerage' in window, undefined, {timeout: 30_000});
      return tab;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** @param {string} name @param {import('playwright-core').Browser} browser @param {import('playwright-core').Page} page @param {string[]} errors @param {boolean} webgpu */
  constructor(name, browser, page, errors, webgpu) {
    this.name = name;
    this.browser = browser;
    this.page = page;
    this.errors = errors;
    this.webgpu = webgpu;
  }

  /** @returns {Promise<State>} */
  snapshot() {
    return this.page.evaluate(() => /** @type {any} */ (window).peerage.snapshot);
  }

  /**
   * Waits until `probe` of the snapshot gives something true.
   * @template T
   * @param {string} what @param {number} seconds @param {(s: State) => T} probe
   */
  until(what, seconds, probe) {
    return until(`${this.name}: ${what}`, seconds, async () => probe(await this.snapshot()), async () => summary(await this.snapshot()));
  }

  /** What the page shows at `selector`. @param {string} selector */
  text(selector) {
    return this.page.locator(selector).first().innerText();
  }

  close() {
    return this.browser.close();
  }
}

/** The parts of a snapshot that say what happened, short enough to read. @param {State} s */
export function summary(s) {
  const losses = (/** @type {import('../../../www/types.js').Step[]} */ list) => list.map((x) => Number(x.alone.toFixed(3)));
  return JSON.stringify(
    {
      phase: s.phase,
      lines: Object.fromEntries(Object.entries(s.lines).map(([id, l]) => [id, `${l.state}: ${l.detail} ${l.help}`.trim()])),
      messages: s.messages.map((m) => `${m.tone}: ${m.text}`),
      node: s.node,
      head: s.head && {height: s.head.height, digest: s.head.digest, lag: s.head.lag},
      heads: s.heads.length,
      device: s.device,
      learned: s.learned,
      source: s.source,
      model: s.model,
      validation: s.validations.at(-1),
      unusable: s.unusable,
      steps: {count: s.steps.count, first: losses(s.steps.first.slice(0, 5)), last: losses(s.steps.last.slice(-10))},
      lastStep: s.steps.last.at(-1),
      connections: s.connections,
      exchanges: s.exchanges,
      heard: s.heard,
      traffic: {in: s.traffic.in, out: s.traffic.out},
      scores: s.scores,
      own: s.own,
      work: s.work,
      transactions: s.transactions,
      asked: s.asked,
      audit: {sound: s.audit.sound, last: s.audit.last, wrong: s.audit.wrong},
      proposal: s.proposal,
      identity: s.identity,
      ledger: {kept: s.kept, restored: s.restored, damaged: s.damaged, dropped: s.dropped},
    },
    null,
    2,
  );
}
