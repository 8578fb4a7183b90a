// What a browser fetches to open the page and to join, as the node sends it.

import {readFile} from 'node:fs/promises';
import {open} from './browser.mjs';
import {until} from './wait.mjs';

/** The most bytes that each group of files may have, compressed: the build refuses more. @returns {Promise<Record<string, number>>} */
export const budgets = async () => JSON.parse(await readFile(new URL('../../../crates/app/xtask/budgets.json', import.meta.url), 'utf8'));

/**
 * @typedef {object} Fetched a file, as it came
 * @property {string} name  its path, without the first `/`
 * @property {number} bytes  of its body, as sent
 * @property {Record<string, string>} headers
 */

/**
 * Opens the page until it has all it needs to be used, then joins until it learns. What the node says of itself and the text
 * are no files, and are left out.
 * @param {import('playwright-core').Browser} browser @param {string} url
 * @returns {Promise<{opened: Fetched[], joined: Fetched[], errors: string[]}>} `joined`: what came after the press of Join
 */
export async function weigh(browser, url) {
  const {context, page, errors} = await open(browser, 'weight');
  try {
    /** @type {Promise<Fetched|null>[]} */
    const coming = [];
    context.on('requestfinished', (request) =>
      coming.push(
        (async () => {
          const response = await request.response();
          const name = new URL(request.url()).pathname.slice(1) || 'index.html';
          if (!response?.ok() || !request.url().startsWith(url) || /^(bootstrap\.json|corpus|api\/)/.test(name)) return null;
          return {name, bytes: (await request.sizes()).responseBodySize, headers: response.headers()};
        })(),
      ),
    );
    const all = async () => {
      const list = /** @type {Fetched[]} */ ((await Promise.all(coming)).filter((one) => one !== null));
      return list.filter(({name}, i) => list.findIndex((other) => other.name === name) === i);
    };
    const has = (/** @type {RegExp} */ what) => async () => (await all()).some(({name}) => what.test(name));
    await page.goto(url);
    await page.waitForFunction(() => 'peerage' in globalThis);
    await until('the page’s module is fetched', 60, has(/^peerage-page.*\.wasm$/));
    await page.waitForLoadState('networkidle');
    const opened = await all();
    await page.evaluate(() => void (/** @type {any} */ (globalThis).peerage.join({device: 'cpu'})));
    await until('the auditor is fetched', 60, has(/^peerage-auditor.*\.wasm$/));
    await until('the trainer is fetched', 120, has(/^peerage-trainer.*\.wasm$/));
    await until('it learns', 300, () => page.evaluate(() => /** @type {any} */ (globalThis).peerage.snapshot.steps.count > 0));
    const joined = (await all()).slice(opened.length);
    return {opened, joined, errors};
  } finally {
    await context.close();
  }
}

/** Bytes of those whose names fit. @param {Fetched[]} list @param {RegExp} [what] */
export const bytes = (list, what = /./) => list.filter(({name}) => what.test(name)).reduce((sum, one) => sum + one.bytes, 0);
