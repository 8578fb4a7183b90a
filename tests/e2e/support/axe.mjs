// What axe-core finds, each with where and why; empty where nothing is.

import {readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/**
 * Of a page whose context was opened with `bypassCSP`: axe-core sets styles of its own.
 * @param {import('playwright-core').Page} page @returns {Promise<string[]>}
 */
export async function axe(page) {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const {violations} = await page.evaluate(() => /** @type {any} */ (window).axe.run());
  return violations.map((/** @type {any} */ one) => `${one.id}: ${one.nodes.map((/** @type {any} */ node) => `${node.target.join(' ')} (${node.failureSummary})`).join('; ')}`);
}
