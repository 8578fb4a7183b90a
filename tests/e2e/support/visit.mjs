// Visits to the page with a played tab, each in a browser context of its own.

import assert from 'node:assert/strict';
import {after, before} from 'node:test';
import {launch, open} from './browser.mjs';
import {playedSite} from './site.mjs';
import {until} from './wait.mjs';

/** Visits to where `site` says. @param {() => {browser: import('playwright-core').Browser, url: string}} site known once tests run */
export const visitor =
  (site) =>
  /** @param {string} name @param {import('playwright-core').BrowserContextOptions} [options] @param {() => void} [first] */
  async (name, options, first) => {
    const {browser, url} = site();
    const seen = await open(browser, name, options);
    if (first) await seen.page.addInitScript(first);
    await seen.page.goto(url);
    await seen.page.waitForFunction(() => 'peerage' in window);
    const text = () => seen.page.locator('body').innerText();
    const shows = (/** @type {RegExp} */ what) => until(`${name} shows ${what}`, 10, async () => what.test(await text()), text);
    /** @param {any} event */
    const emit = (event) => seen.page.evaluate((e) => /** @type {any} */ (window).peerage.tab.emit(e), event);
    const join = async () => {
      await seen.page.click('#join');
      await shows(/Proof of work/);
    };
    const minute = async () => {
      await seen.page.evaluate(() => /** @type {any} */ (window).peerage.tab.minute());
      await shows(/all ten done/);
    };
    /** What the page has asked the tab to sign. @returns {Promise<any[]>} */
    const asked = () => seen.page.evaluate(() => /** @type {any} */ (window).peerage.tab.asked);
    /** What else it wants of it. @returns {Promise<any[]>} */
    const wishes = () => seen.page.evaluate(() => /** @type {any} */ (window).peerage.tab.wishes);
    /** @returns {Promise<import('../../../www/types.js').State>} */
    const snapshot = () => seen.page.evaluate(() => /** @type {any} */ (window).peerage.snapshot);
    const close = async () => {
      assert.deepEqual(seen.errors, []);
      await seen.context.close();
    };
    return {...seen, text, shows, emit, join, minute, asked, wishes, snapshot, close};
  };

/** A played site and a browser for the tests around: started before them, closed after them. */
export function playedVisits() {
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {Awaited<ReturnType<typeof playedSite>>} */
  let served;
  before(async () => {
    served = await playedSite();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await served?.close();
  });
  return {
    visit: visitor(() => ({browser, url: served.url})),
    get url() {
      return served.url;
    },
    get site() {
      return served.site;
    },
  };
}
