// The walking skeleton, whole: a node with two residents, two tabs with WebGPU and one without, each in a browser
// process of its own. They train, exchange representations with each other, lower their loss, sign rows that become
// final, and verify the same head; the node is killed and comes back in between.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {isIn} from '../../www/auditing.js';
import {Node} from './support/node.mjs';
import {steps} from './support/steps.mjs';
import {mean, summary, Tab} from './support/tab.mjs';
import {sleep, until} from './support/wait.mjs';

/** @typedef {import('../../www/types.js').State} State */

/** @type {Node} */
let node;
/** @type {Tab[]} */
let tabs = [];
/** Snapshots from before the node was killed. @type {State[]} */
let earlier = [];

/** The same wait in every tab at once. @template T @param {string} what @param {number} seconds @param {(s: State, i: number) => T} probe */
const all = (what, seconds, probe) => Promise.all(tabs.map((t, i) => t.until(what, seconds, (s) => probe(s, i))));
const snapshots = () => Promise.all(tabs.map((t) => t.snapshot()));

/** The own weights seen on the verified ledger, as the heights of their blocks. @param {State} s */
const updates = (s) => s.transactions.filter((t) => /weight/i.test(t.action) && isIn(t.state)).map((t) => t.state.height);

describe('a node, two residents and three tabs', {concurrency: false}, () => {
  const step = steps();

  before(async () => {
    node = await Node.start({residents: 2});
    for (const [name, webgpu] of /** @type {[string, boolean][]} */ ([['first (WebGPU)', true], ['second (WebGPU)', true], ['third (CPU)', false]])) {
      tabs.push(await Tab.open(name, node.url, {webgpu}));
    }
  });
  after(async () => {
    await Promise.allSettled(tabs.map((t) => t.close()));
    await node?.remove();
  });

  step('the page can be read and joined at once', async () => {
    for (const tab of tabs) {
      assert.match(await tab.text('#title'), /peer of an intelligence market/);
      // Chromium's adapter without a graphics chip is software, which the page would rather not use.
      if (tab.webgpu) await tab.page.selectOption('#device', 'gpu');
      await tab.page.getByRole('button', {name: 'Join', exact: true}).click();
    }
    await all('connects to the node', 90, (s) => s.node?.up);
  });

  step('each tab takes the device it should, and says so', async () => {
    await all('chooses a device', 240, (s) => s.device);
    const kinds = (await snapshots()).map((s) => s.device?.kind);
    assert.deepEqual(kinds, ['WebGPU', 'WebGPU', 'CPU']);
    for (const [i, words] of [/WebGPU/, /WebGPU/, /Processor \(CPU\)/].entries()) {
      await until(`${tabs[i].name} shows its device`, 10, async () => words.test(await tabs[i].page.locator('[data-line="device"] .detail').textContent() ?? ''));
    }
  });

  step('all three train', async () => {
    await all('finishes 5 steps', 600, (s) => s.steps.count >= 5);
    for (const s of await snapshots()) {
      for (const step of s.steps.last) assert.ok(Number.isFinite(step.alone) && Number.isFinite(step.student) && step.tokens > 0, JSON.stringify(step));
    }
  });

  step('each tab uses representations that other tabs computed', async () => {
    await all('uses answers of a tab', 600, (s) => s.heard.tab > 0);
    await all('answers others', 600, (s) => s.helped.served > 0);
  });

  step('each tab lowers its loss against the start', async () => {
    await all('has a lower loss in its last 10 steps than in its first 5', 900, (s) => {
      if (s.steps.count < 15) return false;
      const first = mean(s.steps.first.slice(0, 5).map((x) => x.alone));
      const last = mean(s.steps.last.slice(-10).map((x) => x.alone));
      return last < first - 0.1;
    });
  });

  step('each tab is registered and finds its own row, final and verified', async () => {
    await all('is registered', 300, (s) => s.own?.uid != null);
    const uids = (await snapshots()).map((s) => s.own.uid);
    assert.equal(new Set(uids).size, 3, `uids ${uids}`);
    await all('has a row on the ledger', 600, (s) => s.own?.version >= 1 && updates(s).length >= 1);
    // Not each of them: who is ahead of all others gains nothing by their answers, and its row says so.
    await until('a row on the ledger that names others', 600, async () => (await snapshots()).find((s) => s.own.row.some((/** @type {[number, number]} */ [uid]) => uid !== s.own.uid)));
    for (const s of await snapshots()) {
      assert.equal(s.own.row.reduce((/** @type {number} */ a, /** @type {[number, number]} */ [, w]) => a + w, 0), 65_535);
      assert.equal(s.lines.update.state, 'done', summary(s));
      assert.ok(s.own.scalingGradient.type && s.own.clippingGradient.type);
    }
  });

  step('the three light clients verify the same head', async () => {
    await until('a height that all three have verified', 120, async () => {
      const heads = (await snapshots()).map((s) => new Map(s.heads));
      const common = [...heads[0].keys()].filter((h) => heads.every((m) => m.has(h)));
      if (common.length < 3) return false;
      for (const height of common) {
        const digests = heads.map((m) => m.get(height));
        assert.equal(new Set(digests).size, 1, `height ${height}: ${digests}`);
      }
      return true;
    }, async () => (await snapshots()).map((s) => JSON.stringify(s.heads.slice(-20))).join('\n'));
    for (const s of await snapshots()) {
      assert.ok(s.head.signers * 3 > s.head.validators * 2, `${s.head.signers} of ${s.head.validators}`);
      assert.ok(s.head.checked.length > 0);
    }
  });

  step('without the node the tabs say so and go on alone', async () => {
    earlier = await snapshots();
    await node.end('SIGKILL');
    await all('notices that the node is gone', 120, (s) => s.node && !s.node.up);
    for (const tab of tabs) {
      await until(`${tab.name} says that the node is gone`, 10, async () => /The node is gone/.test(await tab.text('#messages')), () => tab.text('#messages'));
    }
    const alone = await snapshots();
    await all('goes on training', 300, (s, i) => s.steps.count >= alone[i].steps.count + 3);
    for (const s of await snapshots()) assert.equal(s.phase, 'running');
  });

  step('the node comes back on the same chain, and the tabs by themselves', async () => {
    await node.run();
    const chain = earlier[0].identity?.chain;
    assert.equal((await node.bootstrap()).chain, chain);
    await all('reconnects', 120, (s) => s.node?.up);
    await all('verifies blocks beyond those of before', 180, (s, i) => s.head.height > earlier[i].head.height);
    for (const [i, s] of (await snapshots()).entries()) {
      assert.equal(s.identity?.chain, chain);
      assert.equal(s.identity?.key, earlier[i].identity?.key);
      assert.equal(s.own.uid, earlier[i].own.uid);
      assert.equal(s.messages.find((m) => m.id === 'chain'), undefined, summary(s));
    }
  });

  step('after that they exchange and sign as before', async () => {
    const back = await snapshots();
    await all('uses answers of a tab again', 600, (s, i) => s.heard.tab > back[i].heard.tab);
    await all('has a newer row on the ledger', 600, (s, i) => s.own.version > earlier[i].own.version && updates(s).some((h) => h > earlier[i].head.height));
  });

  step('the stop button ends without an error, the others go on', async () => {
    const [first, ...others] = tabs;
    await first.page.click('#stop');
    await first.until('has stopped', 60, (s) => s.phase === 'stopped');
    const stopped = await first.snapshot();
    assert.equal(stopped.messages.filter((m) => m.tone === 'error').length, 0, summary(stopped));
    await sleep(2000);
    assert.equal((await first.snapshot()).steps.count, stopped.steps.count);
    const then = await Promise.all(others.map((t) => t.snapshot()));
    await Promise.all(others.map((t, i) => t.until('goes on', 300, (s) => s.steps.count > then[i].steps.count)));
  });

  test('no console has anything against the page', () => {
    assert.deepEqual(tabs.flatMap((t) => t.errors), []);
  });
});
