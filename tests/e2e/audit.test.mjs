// The light client that audits, in a real tab on a real chain: it recomputes each epoch, keeps what it verified over a reload,
// signs a row by hand and a transfer that becomes final, writes a damaged store anew, and leaves a second tab one of its own.
//
// The tab is light: its text never ends coming and the module that trains is an empty one, so that network and light client
// run, and nothing else. Its tokens come from the faucet of the development network.

import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {after, before, describe, test} from 'node:test';
import {promisify} from 'node:util';
import {faults} from './support/accessible.mjs';
import {launch, open} from './support/browser.mjs';
import {endlessText} from './support/light.mjs';
import {Node, program} from './support/node.mjs';
import {steps} from './support/steps.mjs';
import {summary, Tab} from './support/tab.mjs';
import {until} from './support/wait.mjs';

/** @typedef {import('../../www/types.js').State} State */

/** @type {Node} */
let node;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Tab} */
let tab;

/** A light tab in its own context, or in that of another. @param {string} name @param {import('playwright-core').BrowserContext} [context] */
async function lightTab(name, context) {
  const seen = context ? {context, page: await context.newPage(), errors: /** @type {string[]} */ ([])} : await open(browser, name);
  await seen.page.addInitScript(endlessText);
  await seen.page.route(/trainer.*\.js$/, (route) => route.fulfill({contentType: 'text/javascript', body: ''}));
  const made = new Tab(name, browser, seen.page, seen.errors, false);
  await seen.page.goto(node.url, {waitUntil: 'domcontentloaded'});
  await seen.page.waitForFunction(() => 'peerage' in window, undefined, {timeout: 30_000});
  return made;
}

/** Lets the text end, so that the tab takes part. @param {Tab} t */
async function takePart(t) {
  await t.page.click('#join');
  await t.until('verifies a head', 60, (s) => s.head);
  await t.page.evaluate(() => /** @type {any} */ (window).endOfText());
}

/** Waits until the page shows `what` at `selector`. @param {string} selector @param {RegExp} what @param {number} seconds */
const shows = (selector, what, seconds) => until(`${selector} shows ${what}`, seconds, async () => what.test(await tab.text(selector)), async () => `${await tab.text(selector)}\n${summary(await tab.snapshot())}`);

/** Signs what the dialogue shows. */
const sign = () => tab.page.locator('#confirm-sign').click();

/** Loads the page again, once the tab has let go of its files. */
async function again() {
  await tab.page.click('#stop');
  await tab.until('has stopped', 30, (s) => s.phase === 'stopped');
  await tab.page.reload({waitUntil: 'domcontentloaded'});
  await tab.page.waitForFunction(() => 'peerage' in window, undefined, {timeout: 30_000});
}

describe('a tab that audits', {concurrency: false}, () => {
  const step = steps();

  before(async () => {
    node = await Node.start({residents: 2});
    browser = await launch();
    tab = await lightTab('auditor');
  });
  after(async () => {
    await browser?.close();
    await node?.remove();
  });

  step('recomputes epochs and finds every figure as the chain says', async () => {
    await takePart(tab);
    await tab.until('finds two epochs sound', 120, (s) => s.audit.sound >= 2);
    await shows('#audit-last', /^Epoch [\d,]+ recomputed: \d+ peers?, every figure as the chain says, .*\d (ms|s)\.$/, 10);
    const s = await tab.snapshot();
    assert.equal(s.audit.wrong, null);
    assert.deepEqual(s.audit.history.filter((a) => a.outcome.type !== 'sound'), [], summary(s));
    for (const a of s.audit.history) assert.ok((a.millis ?? 0) > 0 && (a.bytes ?? 0) > 0, JSON.stringify(a));
    assert.equal(await tab.page.locator('#alarm').isVisible(), false);
    assert.equal(s.kept?.place, 'opfs');
    assert.ok(s.kept && s.kept.bytes > 0 && s.kept.epochs > 0, JSON.stringify(s.kept));
  });

  step('registers, and shows its gradients as numbers or with the reason', async () => {
    await tab.until('is registered', 240, (s) => s.own?.uid != null);
    await shows('#uid', /^peer \d+$/, 10);
    for (const text of await tab.page.locator('#gradients .value').allInnerTexts()) assert.match(text, /^(None\. \S|[+−]?\d)/);
    assert.deepEqual(await faults(tab.page), []);
  });

  step('has a cold key that owns its stake, and saves it once', async () => {
    const {identity} = await tab.snapshot();
    assert.match(identity?.cold ?? '', /^[0-9a-f]{64}$/);
    assert.notEqual(identity?.cold, identity?.key);
    assert.equal(identity?.backedUp, false);
    const [file] = await Promise.all([tab.page.waitForEvent('download'), tab.page.click('#backup-save')]);
    assert.match(await readFile(await file.path(), 'utf8'), /^[0-9a-f]{64}\n$/);
    await tab.page.click('#backup-done');
    await tab.until('has its backup', 10, (s) => s.identity?.backedUp);
    await shows('#backup-state', /can no longer be read out/, 10);
  });

  step('signs a row by hand, and finds it final', async () => {
    const own = (await tab.snapshot()).own.uid;
    await tab.page.getByRole('radio', {name: /^By hand/}).check();
    await until('the form is there', 10, () => tab.page.locator('#hand').isVisible());
    const field = (/** @type {string} */ name) => tab.page.getByRole('textbox', {name: `Parts of peer ${name}`, exact: true});
    await until('its fields are there', 30, async () => (await tab.page.locator('#hand-table input').count()) > 0);
    if ((await field('0').count()) === 0) {
      await tab.page.fill('#hand-peer', '0');
      await tab.page.click('#hand-add');
    }
    await field('0').fill('1');
    await field(`${own}, myself`).fill('3');
    await tab.page.click('#hand-sign');
    assert.match(await tab.text('#confirm'), /Peer 0\s+25\.0 %[^]*Signed by\s+the hot key/);
    const versions = (await tab.snapshot()).own.version;
    await sign();
    await tab.until('has the row on the ledger', 120, (s) => s.own.version > versions && s.transactions.some((t) => /weight/i.test(t.action) && t.state.type === 'final'));
    const {row} = (await tab.snapshot()).own;
    assert.ok(row.some((/** @type {[number, number]} */ [uid, score]) => uid === 0 && score > 0), JSON.stringify(row));
    await shows('#transactions-table', /My row\s+hot\s+Final: block [\d,]+, \d+(st|nd|rd|th) in it, proven here/, 10);
  });

  step('transfers tokens, from pending to final', async () => {
    const {identity} = await tab.snapshot();
    await promisify(execFile)(program(), ['send', '--data', node.data, '--key', 'faucet', '--to', node.url, 'transfer', identity?.cold ?? '', '5'], {timeout: 60_000});
    await tab.until('has the tokens', 60, (s) => BigInt(s.own.balance) >= 5_000_000_000n);
    await tab.page.click('#intent-details summary');
    await tab.page.fill('#intent-to', identity?.key ?? '');
    await tab.page.fill('#intent-amount', '1.5');
    await tab.page.click('#intent-sign');
    assert.match(await tab.text('#confirm'), /Transfer 1\.5 tokens[^]*Signed by\s+the cold key/);
    await sign();
    /** @type {Set<string>} */
    const states = new Set();
    await tab.until('finds the transfer final', 120, (s) => {
      const found = s.transactions.find((t) => /transfer/i.test(t.action));
      if (found) states.add(found.state.type);
      return found?.state.type === 'final';
    });
    assert.ok(!states.has('refused'), [...states].join());
    await shows('#transactions-table', /Transfer\s+cold\s+Final: block [\d,]+, \d+(st|nd|rd|th) in it, proven here/, 10);
    await tab.until('has paid', 60, (s) => BigInt(s.own.balance) <= 3_500_000_000n);
  });

  step('puts stake in with the cold key', async () => {
    const before = BigInt((await tab.snapshot()).own.stake);
    await tab.page.selectOption('#intent-what', 'stake');
    await tab.page.fill('#intent-amount', '1');
    await tab.page.click('#intent-sign');
    assert.match(await tab.text('#confirm'), /Signed by\s+the cold key/);
    await sign();
    await tab.until('has more stake', 120, (s) => BigInt(s.own.stake) >= before + 1_000_000_000n);
  });

  step('says why a transfer of more than it has is refused, and sends nothing', async () => {
    const {transactions} = await tab.snapshot();
    await tab.page.selectOption('#intent-what', 'transfer');
    await tab.page.fill('#intent-to', 'ab'.repeat(32));
    await tab.page.fill('#intent-amount', '1000000');
    await tab.page.click('#intent-sign');
    assert.match(await tab.text('#intent-fault'), /More than there is: the balance is [\d.]+ tokens\./);
    assert.equal((await tab.snapshot()).transactions.length, transactions.length);
  });

  step('verifies what it kept again after a reload, and goes on from there', async () => {
    const before = await tab.snapshot();
    await again();
    await tab.page.click('#join');
    await tab.until('restores', 60, (s) => s.restored && s.restored.epochs > 0);
    await shows('#restored', /^[\d,]+ epochs? verified again from this device/, 10);
    await tab.until('audits the next epoch', 90, (s) => s.audit.sound >= 1);
    const s = await tab.snapshot();
    assert.ok((s.restored?.epochs ?? 0) >= before.audit.sound, summary(s));
    assert.deepEqual(s.damaged, []);
    assert.deepEqual([s.identity?.key, s.identity?.cold, s.identity?.backedUp], [before.identity?.key, before.identity?.cold, true]);
    assert.equal(s.own?.uid ?? before.own.uid, before.own.uid);
    assert.equal(s.policy.type, 'hand', 'a choice outlives the page');
  });

  step('a second tab has its own identity, keeps nothing, and audits as well', async () => {
    const second = await lightTab('second', tab.page.context());
    await second.page.click('#join');
    await second.page.getByRole('button', {name: 'Join here as another peer'}).click({timeout: 30_000});
    await second.until('finds an epoch sound', 120, (s) => s.audit.sound >= 1);
    const s = await second.snapshot();
    assert.notEqual(s.identity?.key, (await tab.snapshot()).identity?.key);
    assert.equal(s.kept?.place ?? 'memory', 'memory');
    assert.equal(s.restored?.epochs ?? 0, 0);
    await second.page.close();
  });

  step('throws a damaged store away, says so, and keeps anew', async () => {
    await again();
    const damaged = await tab.page.evaluate(async () => {
      let files = 0;
      /** @param {FileSystemDirectoryHandle} folder */
      const damage = async (folder) => {
        for await (const entry of /** @type {any} */ (folder).values()) {
          if (entry.kind === 'directory') {
            await damage(entry);
            continue;
          }
          const bytes = new Uint8Array(await (await entry.getFile()).arrayBuffer());
          if (bytes.length === 0) continue;
          for (let i = bytes.length >> 1; i < bytes.length; i += 1) bytes[i] ^= 0x5a;
          const stream = await entry.createWritable();
          await stream.write(bytes);
          await stream.close();
          files += 1;
        }
      };
      await damage(await navigator.storage.getDirectory());
      return files;
    });
    assert.ok(damaged > 0, 'something was kept');
    await tab.page.click('#join');
    await tab.until('notices the damage', 60, (s) => s.damaged.length > 0);
    await shows('#damaged', /^Damaged and written anew: /, 10);
    await tab.until('audits and keeps again', 120, (s) => s.audit.sound >= 1 && s.kept != null && s.kept.epochs > 0);
    const s = await tab.snapshot();
    assert.equal(s.audit.wrong, null);
    assert.equal(s.messages.filter((m) => m.tone === 'error').length, 0, summary(s));
    await again();
    await tab.page.click('#join');
    await tab.until('restores what it kept anew', 60, (x) => x.restored && x.restored.epochs > 0);
    assert.deepEqual((await tab.snapshot()).damaged, []);
  });

  test('no console has anything against the page', () => {
    assert.deepEqual(tab?.errors, []);
  });
});
