// Draws docs/screens anew: every screen of the page, with a played tab, of the market, with a played client, and of the lab; light, dark and on
// a phone.
//   node tests/screens/draw.mjs [part of a name …]
// It needs Chromium and, for the lab, the site built ($PEERAGE_SITE, else pkg/site). `cargo xtask screens` sets that up.

import {mkdir, readdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {launch} from '../e2e/support/browser.mjs';
import {POLICY, serve} from '../e2e/support/files.mjs';
import {SCENES} from '../e2e/support/scenes.mjs';
import {playedSite} from '../e2e/support/site.mjs';
import {visitor} from '../e2e/support/visit.mjs';
import {begun, head, watchedSite, watcher} from '../e2e/support/watched.mjs';
import {small} from './palette.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SITE = process.env.PEERAGE_SITE ?? join(ROOT, 'pkg/site');
const FOLDER = join(ROOT, 'docs/screens');
const LARGEST = 150_000; // bytes of a picture
const ALL = 3_000_000; // bytes of all of them

/** @type {[string, import('playwright-core').BrowserContextOptions][]} */
const LOOKS = [
  ['light', {colorScheme: 'light', viewport: {width: 1280, height: 860}}],
  ['dark', {colorScheme: 'dark', viewport: {width: 1280, height: 860}}],
  ['phone', {colorScheme: 'light', viewport: {width: 390, height: 844}, hasTouch: true}],
];
/** Screens of the lab, by name: the page and what is looked at on it. @type {[string, string, string][]} */
const LAB = [
  ['lab', '', ''],
  ['lab-chapter', '', '#half'],
  ['lab-cabal-decay', 'bench.html#cabal-decay', ''],
  ['lab-adversaries', 'bench.html#adversaries?blocks=60&step=20', ''],
];

const wanted = process.argv.slice(2);
const isWanted = (/** @type {string} */ name) => wanted.length === 0 || wanted.some((part) => name.includes(part));
/** @type {Map<string, number>} */
const sizes = new Map();

/** @param {string} name @param {Buffer} png */
async function keep(name, png) {
  const picture = small(png);
  await writeFile(join(FOLDER, `${name}.png`), picture);
  sizes.set(name, picture.length);
}

/** Hides the bar that stays at the top and would lie over a part, or shows it again. @param {import('playwright-core').Page} page @param {boolean} hidden */
const bar = (page, hidden) =>
  page.evaluate((hidden) => {
    for (const e of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.bar, .parts'))) e.style.display = hidden ? 'none' : '';
  }, hidden);

/** @param {import('playwright-core').Browser} browser @param {string} look @param {import('playwright-core').BrowserContextOptions} wishes */
async function page(browser, look, wishes) {
  const served = await playedSite();
  try {
    const v = await visitor(() => ({browser, url: served.url}))(look, wishes);
    for (const {name, play, parts} of SCENES) {
      await play(v);
      await v.page.waitForTimeout(400); // what is drawn is drawn four times a second
      for (const place of parts ?? ['.']) {
        const full = `${[name, place === '.' || place.startsWith('dialog') || parts?.length === 1 ? '' : place.slice(1)].filter((t) => t).join('-')}-${look}`;
        if (!isWanted(full)) continue;
        if (place === '.' || place.startsWith('dialog')) {
          await keep(full, await v.page.screenshot({animations: 'disabled'}));
        } else {
          await bar(v.page, true);
          await keep(full, await v.page.locator(place).screenshot({animations: 'disabled'}));
          await bar(v.page, false);
        }
      }
    }
    await v.close();
  } finally {
    await served.close();
  }
}

/** @param {import('playwright-core').Browser} browser @param {string} look @param {import('playwright-core').BrowserContextOptions} wishes */
async function lab(browser, look, wishes) {
  const site = await serve(SITE, {headers: {'content-security-policy': POLICY}});
  try {
    for (const [name, path, place] of LAB) {
      if (!isWanted(`${name}-${look}`)) continue;
      const context = await browser.newContext({serviceWorkers: 'block', ...wishes});
      const page = await context.newPage();
      await page.goto(`${site.url}lab/${path}`);
      const element = page.locator(place ? `${place} peerage-lab` : 'peerage-lab').first();
      await page.locator('h1').waitFor();
      if (place || path) {
        await element.scrollIntoViewIfNeeded();
        await page.waitForFunction((e) => e?.shadowRoot?.querySelector('.sheet svg') != null && !e.shadowRoot.querySelector('.pictures[aria-busy]') && e.shadowRoot.querySelectorAll('.formula').length > 0, await element.elementHandle());
        await page.evaluate(() => scrollTo(0, 0));
      }
      await page.waitForTimeout(400);
      await bar(page, place !== '');
      await keep(`${name}-${look}`, await (place ? page.locator(place) : page).screenshot({animations: 'disabled'}));
      await context.close();
    }
  } finally {
    await site.close();
  }
}

/** @param {import('playwright-core').Browser} browser @param {string} look @param {import('playwright-core').BrowserContextOptions} wishes */
async function market(browser, look, wishes) {
  const site = await watchedSite();
  try {
    for (const [name, rest] of /** @type {[string, string][]} */ ([['market', ''], ['market-peer', '#peer=9'], ['market-projector', '?projector']])) {
      if (!isWanted(`${name}-${look}`) || (rest === '?projector' && look === 'phone')) continue;
      const v = await watcher(browser, site.url, name, wishes, rest);
      await v.tell(...begun(), {type: 'audit', audit: {epoch: 24, height: 240, outcome: 'sound', peers: 16, transactions: 9}}, head(243));
      await v.give({peers: 16, first: 1, last: 23, bare: 4, lively: true});
      await v.give({peers: 16, first: 24, last: 24, since: 1, origin: 'computed', lively: true});
      await v.page.waitForFunction(() => document.querySelector('#over svg circle'));
      const peer = name === 'market-peer';
      await keep(`${name}-${look}`, await (peer ? v.page.locator('#peer') : v.page).screenshot({animations: 'disabled'}));
      await v.close();
    }
  } finally {
    await site.close();
  }
}

await mkdir(FOLDER, {recursive: true});
if (wanted.length === 0) for (const file of await readdir(FOLDER)) if (file.endsWith('.png')) await rm(join(FOLDER, file));
const browser = await launch({more: ['--hide-scrollbars']});
try {
  for (const [look, wishes] of LOOKS) {
    await page(browser, look, {...wishes, timezoneId: 'UTC', locale: 'en-GB'});
    await market(browser, look, {...wishes, timezoneId: 'UTC', locale: 'en-GB'});
    await lab(browser, look, wishes);
  }
} finally {
  await browser.close();
}
const total = [...sizes.values()].reduce((a, b) => a + b, 0);
for (const [name, size] of sizes) console.log(`${name.padEnd(32)} ${String(Math.ceil(size / 1000)).padStart(5)} kB`);
console.log(`${sizes.size} pictures, ${Math.ceil(total / 1000)} kB`);
const large = [...sizes].filter(([, size]) => size > LARGEST).map(([name]) => name);
if (large.length > 0 || total > ALL) {
  console.error(`Too large for the repository: ${large.join(', ') || 'all together'}. A picture may have ${LARGEST / 1000} kB, all of them ${ALL / 1000} kB.`);
  process.exitCode = 1;
}
