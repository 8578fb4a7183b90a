// The second visit in Firefox: page and lab open without their server, another version is taken whole; and what axe-core finds in the page.

import assert from 'node:assert/strict';
import {cp, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {faults} from '../e2e/support/accessible.mjs';
import {axe} from '../e2e/support/axe.mjs';
import {POLICY, serve} from '../e2e/support/files.mjs';
import {playedSite} from '../e2e/support/site.mjs';
import {until} from '../e2e/support/wait.mjs';
import {Firefox} from './support/webdriver.mjs';

const SITE = process.env.PEERAGE_SITE ?? fileURLToPath(new URL('../../pkg/site', import.meta.url));
const FIRST = 'aaaa000011112222';
const SECOND = 'bbbb000011112222';

describe('the second visit in Firefox', {concurrency: false}, () => {
  /** @type {Firefox} */ let firefox;
  /** @type {import('./support/webdriver.mjs').Page} */ let page;
  before(async () => {
    firefox = await Firefox.launch();
    page = await firefox.page();
  });
  after(() => firefox?.close());

  const text = () => page.text('body');
  const shows = (/** @type {RegExp} */ what) => until(`the page shows ${what}`, 20, async () => what.test(await text()), text);
  /** @param {RegExp} name of the one cache there shall be */
  const keeps = (name) =>
    until(`${name} is kept`, 30, () => page.evaluate(async (name) => {
      const all = await caches.keys();
      return all.length === 1 && new RegExp(name).test(all[0]) && (await (await caches.open(all[0])).keys()).length > 5 && navigator.serviceWorker.controller !== null;
    }, name.source));

  test('the page opens without its node, says so, and goes on when the node answers', async () => {
    const served = await playedSite({version: FIRST});
    try {
      await page.goto(served.url);
      await keeps(new RegExp(`^peerage / ${FIRST}$`));
      served.site.down = true;
      await page.goto(`${served.url}index.html?again`);
      await shows(/The node that serves this page is not reached \(no connection to the server of this page\)\..*Next try in \d+ s\./s);
      assert.equal(await page.evaluate(() => document.styleSheets.length), 3);
      served.site.down = false;
      await page.evaluate(() => dispatchEvent(new Event('online')));
      await until('the sentence goes', 10, async () => !/not reached/.test(await text()), text);
      // A module that did not come while the node was gone, of a kind that is not kept at the first visit, comes with a page that is loaded again.
      await page.reload();
      await page.press('Join');
      await shows(/Proof of work/);
    } finally {
      await served.close();
    }
  });

  test('a module that did not come at first is asked for again when somebody joins', async () => {
    const served = await playedSite();
    try {
      served.site.lacks = '/played.js';
      await page.goto(served.url);
      await page.waitForFunction(() => 'peerage' in window);
      served.site.lacks = '';
      await page.press('Join');
      await shows(/Proof of work/);
    } finally {
      await served.close();
    }
  });

  test('another version of the page is taken whole', async () => {
    const served = await playedSite({version: FIRST});
    try {
      await page.goto(served.url);
      await keeps(new RegExp(`^peerage / ${FIRST}$`));
      served.site.version = SECOND;
      await page.reload();
      await shows(/This page is newer than at your last visit/);
      await keeps(new RegExp(`^peerage / ${SECOND}$`));
      served.site.down = true;
      await page.reload();
      await shows(/not reached/);
      assert.equal(await page.evaluate(() => document.querySelector('meta[name=version]')?.getAttribute('content')), SECOND);
      Object.assign(served.site, {down: false, version: FIRST});
      await page.reloadWhole();
      await keeps(new RegExp(`^peerage / ${FIRST}$`));
    } finally {
      await served.close();
    }
  });

  test('the lab works wholly without a network', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'peerage-offline-'));
    try {
      await cp(join(SITE, 'lab'), folder, {recursive: true});
      const site = await serve(folder, {under: '/lab/', headers: {'content-security-policy': POLICY}});
      await page.goto(site.url);
      await keeps(/^peerage \/lab\//);
      await site.close();
      for (const path of ['bench.html#cabal-share?blocks=9', '']) {
        await page.goto(site.url + path);
        await page.evaluate(() => document.querySelector('peerage-lab')?.scrollIntoView());
        await until('a picture', 60, () => page.evaluate(() => {
          const shown = document.querySelector('peerage-lab')?.shadowRoot;
          return shown?.querySelector('.sheet svg') != null && shown.querySelectorAll('.formula').length > 0;
        }));
      }
    } finally {
      await rm(folder, {recursive: true, force: true});
    }
  });

  test('axe-core and our own look find nothing in the page that runs', async () => {
    const served = await playedSite();
    try {
      await page.goto(served.url);
      await page.waitForFunction(() => 'peerage' in window);
      assert.deepEqual(await axe(/** @type {any} */ (page)), []);
      await page.press('Join');
      await shows(/Proof of work/);
      await page.evaluate(() => {
        const {tab} = /** @type {any} */ (window).peerage;
        tab.minute();
        tab.steps(60);
        tab.emit(tab.network());
      });
      await shows(/all ten done/);
      assert.deepEqual(await axe(/** @type {any} */ (page)), []);
      assert.deepEqual(await faults(/** @type {any} */ (page)), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, 'it scrolls sideways');
    } finally {
      await served.close();
    }
  });

  test('its console has nothing against them', () => {
    assert.deepEqual(firefox.errors, []);
  });
});
