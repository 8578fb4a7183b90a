// The lab in Firefox: the numbers of `peerage lab` to the last digit, what it saves, what a link restores, and what axe-core finds in it.

import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {axe} from '../e2e/support/axe.mjs';
import {POLICY, serve} from '../e2e/support/files.mjs';
import {program} from '../e2e/support/node.mjs';
import {until} from '../e2e/support/wait.mjs';
import {Firefox} from './support/webdriver.mjs';

const SITE = process.env.PEERAGE_SITE ?? fileURLToPath(new URL('../../pkg/site', import.meta.url));
/** Cheap runs with randomness, exponentials, games, a mechanism chosen, and learning. */
const RUNS = {
  'cabal-decay': 'mechanism=consensus&tau=0.3&blocks=40&temperature=4.5',
  simulation: 'blocks=25&honest=9&cabal=11&density=0.3&share=0.4&seed=3',
  'market-game': 'law=diagonal&seeds=1&peers=6&steps=60&seed=11',
  'market-play': 'ratio=0.3&steps=50&seed=1',
  'adaptive-inflation': 'blocks=300&seed=2',
  bonders: 'late=3&seed=1',
  emission: 'tau=0.003&tokens=1&peers=7&pool=3',
  'score-forms': 'models=1&neighbours=4&examples=300&noise=2&common=1',
};

const run = promisify(execFile);
/** What the program prints. @param {string[]} options */
const prints = async (...options) => (await run(program(), ['lab', ...options], {maxBuffer: 1 << 27})).stdout;
/** A fragment's query as options of the program. @param {string} query */
const options = (query) => [...new URLSearchParams(query)].flatMap(([name, value]) => [`--${name}`, value]);

describe('the lab in Firefox', {concurrency: false}, () => {
  /** @type {Firefox} */ let firefox;
  /** @type {import('./support/webdriver.mjs').Page} */ let page;
  /** @type {Awaited<ReturnType<typeof serve>>} */ let site;
  before(async () => {
    site = await serve(SITE, {headers: {'content-security-policy': POLICY}});
    firefox = await Firefox.launch();
    page = await firefox.page();
  });
  after(async () => {
    await firefox?.close();
    await site?.close();
  });

  /** Goes there and waits until the first scenario on the page has its picture. @param {string} path */
  async function visit(path) {
    await page.goto('about:blank');
    await page.goto(`${site.url}lab/${path}`);
    await quiet();
  }
  const quiet = () =>
    until('the lab has computed', 60, () =>
      page.evaluate(() => {
        const shown = document.querySelector('peerage-lab')?.shadowRoot;
        return shown?.querySelector('.sheet svg') != null && !shown.querySelector('.pictures[aria-busy]') && shown.querySelectorAll('.formula').length > 0;
      }),
    );
  /** Clicks in the first scenario what is called so. @param {string} name */
  const press = (name) =>
    page.evaluate((name) => {
      const found = [...(document.querySelector('peerage-lab')?.shadowRoot?.querySelectorAll('button, summary') ?? [])].find((e) => e.getAttribute('aria-label') === name || e.textContent?.trim() === name);
      if (!found) throw new Error(`no ${name}`);
      /** @type {HTMLElement} */ (found).click();
    }, name);

  test('gives the numbers, tables and figures of `peerage lab`, byte for byte', async () => {
    await visit('bench.html');
    for (const [scenario, query] of Object.entries(RUNS)) {
      const got = await page.evaluate(
        async ([scenario, query]) => {
          const {engine} = await import(new URL('engine.js', location.href).href);
          const {seed = '0', ...settings} = Object.fromEntries(new URLSearchParams(query));
          return Promise.all(['json', 'csv', 'svg'].map((kind) => engine.ask({kind, recipe: {scenario, seed, settings}})));
        },
        [scenario, query],
      );
      const expected = await Promise.all([['--json'], ['--csv'], ['--svg', '-']].map((output) => prints(scenario, ...options(query), ...output)));
      for (const [place, kind] of ['json', 'csv', 'svg'].entries()) assert.equal(got[place], expected[place], `${kind} of ${scenario} ${query}`);
    }
  });

  test('saves what the program prints, and the picture as PNG', async () => {
    await visit('bench.html#bonders?blocks=50&seed=3');
    await press('Save, link, or run in a terminal');
    const saved = async (/** @type {string} */ name) => {
      await press(name);
      return firefox.downloaded(`bonders.${name.toLowerCase()}`);
    };
    const of = (/** @type {string[]} */ ...output) => prints('bonders', '--blocks', '50', '--seed', '3', ...output);
    assert.equal(String(await saved('CSV')), await of('--csv'));
    assert.equal(String(await saved('JSON')), await of('--json'));
    const svg = String(await saved('SVG'));
    assert.equal(svg, await of('--svg', '-'));
    const png = await saved('PNG');
    assert.equal(png.subarray(1, 4).toString(), 'PNG');
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [2 * Number(width), 2 * Number(height)]);
    assert.ok(png.length > 10_000, 'something is drawn');
  });

  test('restores exactly what a link says', async () => {
    await visit('bench.html#adversaries?blocks=60&seed=5&step=17&mechanism=consensus');
    const state = () => page.evaluate(() => /** @type {any} */ (document.querySelector('peerage-lab')).state);
    assert.deepEqual(await state(), {scenario: 'adversaries', seed: '5', step: 17, settings: {blocks: '60', mechanism: 'consensus'}});
    await press('Step forward');
    await until('a step', 10, async () => (await state()).step === 18);
    assert.match(await page.url(), /step=18/);
  });

  test('teaches fourteen chapters, each with a picture that computes', async () => {
    await visit('');
    const chapters = await page.evaluate(() => document.querySelectorAll('.chapter').length);
    assert.equal(chapters, 14);
    for (let i = 0; i < chapters; i += 1) {
      await page.evaluate((i) => document.querySelectorAll('.chapter')[i].querySelector('peerage-lab')?.scrollIntoView(), i);
      await until(`chapter ${i + 1} has a picture`, 60, () => page.evaluate((i) => document.querySelectorAll('.chapter')[i].querySelector('peerage-lab')?.shadowRoot?.querySelector('.sheet svg') != null, i));
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, 'it scrolls sideways');
  });

  test('is found free of faults by axe-core', async () => {
    for (const path of ['bench.html#loose-stake?step=2', '']) {
      await visit(path);
      await page.evaluate(() => document.querySelector('peerage-lab')?.shadowRoot?.querySelectorAll('details').forEach((one) => (one.open = true)));
      assert.deepEqual(await axe(/** @type {any} */ (page)), [], path);
    }
  });

  test('its console has nothing against it', () => {
    assert.deepEqual(firefox.errors, []);
  });
});
