// Twelve tabs on one node, connected with each other directly. For half of them the line to the node is cut: the heads of
// the ledger reach them from the others, each verified by their own light client, and what they sign reaches the node.
//
// The tabs are light: their text never ends coming and the module that trains is an empty one, so that network and light
// client run, and nothing else.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {launch, open} from './support/browser.mjs';
import {endlessText} from './support/light.mjs';
import {Line} from './support/line.mjs';
import {Node} from './support/node.mjs';
import {steps} from './support/steps.mjs';
import {Tab} from './support/tab.mjs';
import {until} from './support/wait.mjs';

/** @typedef {import('../../www/types.js').State} State */

const BROWSERS = 4;
const TABS = 12;

/** @type {Node} */
let node;
/** @type {import('playwright-core').Browser[]} */
let browsers = [];
/** Those of the even places have a line of their own. @type {Tab[]} */
let tabs = [];
/** @type {Line[]} */
let lines = [];

const cuttable = () => tabs.filter((_, i) => i % 2 === 0);
const others = () => tabs.filter((_, i) => i % 2 === 1);
const direct = (/** @type {State} */ s) => s.connections.filter((c) => c.path === 'direct' && c.kind === 'tab').length;
const seen = (/** @type {State} */ s) => ({
  node: s.node && {up: s.node.up, reason: s.node.reason},
  head: s.head && {height: s.head.height, lag: s.head.lag},
  connections: s.connections.map((c) => `${c.kind} ${c.path}`),
  messages: s.messages.map((m) => m.text),
});

/** The same wait in some tabs at once. @param {Tab[]} some @param {string} what @param {number} seconds @param {(s: State, i: number) => unknown} probe */
const all = (some, what, seconds, probe) =>
  Promise.all(some.map((t, i) => until(`${t.name}: ${what}`, seconds, async () => probe(await t.snapshot(), i), async () => JSON.stringify(seen(await t.snapshot()), null, 2))));

/** A light tab; with a `line` the node is reached over that. @param {import('playwright-core').Browser} browser @param {string} name @param {Line|undefined} line */
async function lightTab(browser, name, line) {
  const {page, errors} = await open(browser, name);
  await page.addInitScript(endlessText);
  await page.route(/trainer.*\.js$/, (route) => route.fulfill({contentType: 'text/javascript', body: ''}));
  if (line) {
    const bootstrap = await node.bootstrap();
    bootstrap.node = bootstrap.node.map((/** @type {string} */ address) => address.replace(`/tcp/${node.p2pPort}/`, `/tcp/${line.port}/`));
    await page.route('**/bootstrap.json', (route) => route.fulfill({json: bootstrap}));
  }
  const tab = new Tab(name, browser, page, errors, false);
  await page.goto(node.url, {waitUntil: 'domcontentloaded'});
  await page.waitForFunction(() => 'peerage' in window, undefined, {timeout: 30_000});
  await page.click('#join');
  return tab;
}

/** Cuts the lines of these tabs, and gives the greatest height that any tab has verified then. @param {Tab[]} some */
async function cut(some) {
  for (const tab of some) lines[tabs.indexOf(tab)].cut();
  await all(some, 'notices that the node is gone', 20, (s) => s.node?.up === false);
  return Math.max(...(await Promise.all(tabs.map((t) => t.snapshot()))).map((s) => s.head.height));
}

describe('twelve tabs on one node', {concurrency: false}, () => {
  const step = steps();

  before(async () => {
    node = await Node.start({residents: 0});
    browsers = await Promise.all(Array.from({length: BROWSERS}, () => launch()));
    for (let i = 0; i < TABS; i += 2) lines[i] = await Line.to(node.p2pPort);
    tabs = await Promise.all(Array.from({length: TABS}, (_, i) => lightTab(browsers[i % BROWSERS], `tab ${i}`, lines[i])));
  });
  after(async () => {
    lines.forEach((line) => line.cut());
    await Promise.allSettled(browsers.map((b) => b.close()));
    await node?.remove();
  });

  step('each is connected directly with at least four others, and verifies heads and tables', async () => {
    await all(tabs, 'is connected directly with four tabs', 60, (s) => s.node?.up && s.own && direct(s) >= 4);
  });

  step('one whose line to the node is cut goes on verifying heads', async () => {
    const [alone] = cuttable();
    const height = await cut([alone]);
    await all([alone], 'verifies three heads more', 20, (s) => s.head.height >= height + 3);
    const s = await alone.snapshot();
    assert.equal(s.node?.up, false);
    assert.ok(s.head.signers * 3 > s.head.validators * 2 && s.head.checked.length > 0);
    const known = new Map((await others()[0].snapshot()).heads);
    const shared = s.heads.filter(([at]) => at > height && known.has(at));
    assert.ok(shared.length > 0);
    for (const [at, digest] of shared) assert.equal(digest, known.get(at), `height ${at}`);
  });

  step('with six lines cut heads still reach all twelve', async () => {
    const height = await cut(cuttable());
    await all(tabs, 'verifies three heads more', 30, (s) => s.head.height >= height + 3);
    for (const tab of cuttable()) assert.equal((await tab.snapshot()).node?.up, false, tab.name);
    for (const tab of others()) assert.equal((await tab.snapshot()).node?.up, true, tab.name);
  });

  step('one of them registers without the node: the others carry its transaction there', async () => {
    const [alone] = cuttable();
    const key = (await alone.snapshot()).identity?.key ?? '';
    await alone.page.evaluate(() => /** @type {any} */ (window).endOfText());
    await all(others(), 'sees it on the verified ledger', 60, (s) => key in s.neurons);
    assert.equal((await alone.snapshot()).node?.up, false);
  });

  test('no console has anything against the page', () => {
    assert.deepEqual(tabs.flatMap((t) => t.errors), []);
  });
});
