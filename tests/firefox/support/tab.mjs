// The page in a window of Firefox, seen through its script interface as the other end-to-end tests see theirs.

import {Tab} from '../../e2e/support/tab.mjs';

/** Opens `url` in a window of `firefox`. @param {import('./webdriver.mjs').Firefox} firefox @param {string} name @param {string} url */
export async function openTab(firefox, name, url) {
  const page = await firefox.page();
  await page.goto(url);
  await page.waitForFunction(() => 'peerage' in window);
  return Object.assign(new Tab(name, /** @type {any} */ (firefox), /** @type {any} */ (page), firefox.errors, false), {page});
}
