// A tab in Firefox with a node and a resident: the first minute on the processor, what it learns, what it keeps over a reload, and a
// second tab beside it.

import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {isIn} from '../../www/auditing.js';
import {Node} from '../e2e/support/node.mjs';
import {safetensors} from '../e2e/support/safetensors.mjs';
import {steps} from '../e2e/support/steps.mjs';
import {mean, summary} from '../e2e/support/tab.mjs';
import {until} from '../e2e/support/wait.mjs';
import {openTab} from './support/tab.mjs';
import {Firefox} from './support/webdriver.mjs';

/** One that needs no device, a person who lets the page hear it, and loudspeakers, without which Firefox hears nothing. */
const MICROPHONE = {'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true, 'media.cubeb.force_mock_context': true};

describe('a tab in Firefox', {concurrency: false}, () => {
  const step = steps();
  /** @type {Node} */ let node;
  /** @type {Firefox} */ let firefox;
  /** @type {Awaited<ReturnType<typeof openTab>>} */ let tab;
  /** @type {import('../../www/types.js').State} */ let earlier;

  before(async () => {
    [node, firefox] = await Promise.all([Node.start({residents: 1}), Firefox.launch({prefs: MICROPHONE})]);
    tab = await openTab(firefox, `Firefox ${firefox.version}`, node.url);
  });
  after(async () => {
    await firefox?.close();
    await node?.remove();
  });

  step('fills the first minute, from what the browser can to its first row in a block', async () => {
    await tab.page.press('Join');
    await tab.until('all ten lines are done', 120, (s) => Object.values(s.lines).every((line) => line.state === 'done' || line.state === 'note'));
    const s = await tab.snapshot();
    assert.equal(s.lines.browser.detail, `Everything needed is here (WebGPU ${s.browser?.webgpu ? 'yes' : 'no'}, WebRTC yes).`);
    assert.match(s.lines.identity.detail, /^New key, kept in this browser/);
    assert.equal(s.own.row.reduce((/** @type {number} */ a, /** @type {[number, number]} */ [, w]) => a + w, 0), 65_535);
    assert.ok(s.transactions.some((t) => /weight/i.test(t.action) && isIn(t.state)), summary(s));
    assert.ok(s.head.signers * 3 > s.head.validators * 2 && s.head.checked.length > 0);
  });

  step('says on which device it trains, and without WebGPU that nothing need be done', async () => {
    const s = await tab.snapshot();
    if (s.browser?.webgpu) return assert.ok(s.device);
    assert.equal(s.device?.kind, 'CPU');
    assert.match(await tab.page.evaluate(() => document.querySelector('[data-line="device"]')?.textContent ?? ''), /This browser has no WebGPU\..*Nothing to do: it only takes longer\. Chrome and Edge offer WebGPU/s);
  });

  step('learns, asks the resident by websocket and answers it', async () => {
    await tab.until('has exchanged with the resident', 60, (s) => s.heard.resident >= 5 && s.helped.served > 0);
    await tab.until('has a lower loss than at its start', 120, (s) => s.steps.count >= 40 && mean(s.steps.last.slice(-10).map((x) => x.alone)) < mean(s.steps.first.slice(0, 5).map((x) => x.alone)) - 0.5);
    const s = await tab.snapshot();
    assert.ok((s.exchanges.asked?.websocket.residents ?? 0) > 0);
    assert.ok(s.steps.last.every((x) => Number.isFinite(x.alone) && Number.isFinite(x.student)));
  });

  step('hands out its model as a file, and takes it back', async () => {
    await tab.page.click('#model-export');
    await tab.until('has a file', 30, (s) => s.model.exported != null);
    const name = `peerage-text-step-${(await tab.snapshot()).model.exported?.step}.safetensors`;
    const tensors = Object.entries(safetensors(await firefox.downloaded(name)));
    assert.ok(tensors.length > 10);
    for (const [tensor, {values}] of tensors) assert.ok(values?.every(Number.isFinite), tensor);
    await tab.page.type('#model-file', `${firefox.downloads}/${name}`);
    await tab.until('takes it back', 30, (s) => s.model.imported != null);
  });

  step('goes on after a reload with its key, its model and its place', async () => {
    await tab.until('keeps its model', 120, (s) => (s.model.kept?.step ?? 0) >= 50 && (s.kept?.bytes ?? 0) > 0);
    earlier = await tab.snapshot();
    assert.deepEqual([earlier.model.kept?.place, earlier.kept?.place], ['opfs', 'opfs']);
    await tab.page.reload();
    await tab.page.waitForFunction(() => 'peerage' in window);
    await tab.page.press('Join');
    await tab.until('trains again', 120, (s) => s.steps.count > 0 && s.own?.uid != null);
    const s = await tab.snapshot();
    assert.equal(s.identity?.key, earlier.identity?.key);
    assert.equal(s.identity?.cold, earlier.identity?.cold, 'the cold key lies in IndexedDB');
    assert.equal(s.own.uid, earlier.own.uid);
    assert.match(s.lines.identity.detail, /^Key from your last visit/);
    assert.match(s.lines.registered.detail, /^Still registered from an earlier visit/);
    assert.ok((s.restored?.height ?? 0) > 0, 'the ledger begins with what was kept');
    assert.ok((s.model.restored?.step ?? 0) >= (earlier.model.kept?.step ?? 0), summary(s));
    assert.equal(s.steps.first[0].step, (s.model.restored?.step ?? 0) + 1);
  });

  step('is told in a second tab that it already runs, and offered to join as another peer', async () => {
    const second = await openTab(firefox, 'second tab', node.url);
    await second.page.press('Join');
    await until('the sentence', 20, async () => /Peerage already runs in another tab of this browser/.test(await second.text('#messages')), () => second.text('#messages'));
    await second.page.press('Join here as another peer');
    await second.until('trains as another peer', 120, (s) => s.steps.count >= 2);
    const s = await second.snapshot();
    assert.notEqual(s.identity?.key, earlier.identity?.key);
    await second.page.close();
  });

  step('learns from letters that it draws, from a file, and from a microphone', async () => {
    const file = join(firefox.downloads, 'points.csv');
    await writeFile(file, `a,b,side\n${Array.from({length: 200}, (_, i) => [((i * 37) % 101) / 101, ((i * 61) % 103) / 103]).map(([x, y]) => `${x},${y},${x > y ? 'over' : 'under'}`).join('\n')}\n`);
    const choose = (/** @type {string} */ source) => tab.page.click(`input[value=${source}]`);
    const learns = async (/** @type {string} */ source) => {
      await tab.page.click('#source-use');
      await tab.until(`learns from ${source}`, 60, (s) => s.learned?.source.type === source && s.steps.count >= 3);
    };
    await choose('glyphs');
    await learns('glyphs');
    await choose('files');
    await tab.page.type('#files', file);
    await learns('files');
    assert.equal((await tab.snapshot()).learned?.private, true);
    await choose('microphone');
    await tab.page.click('#record');
    await until('the recording is there', 30, async () => /s recorded/.test(await tab.text('#heard')), () => tab.text('#learning'));
    await learns('microphone');
  });

  step('stops without an error', async () => {
    await tab.page.press('Stop');
    await tab.until('has stopped', 30, (s) => s.phase === 'stopped');
    assert.deepEqual((await tab.snapshot()).messages.filter((m) => m.tone === 'error'), []);
  });

  test('its console has nothing against the page', () => {
    assert.deepEqual(firefox.errors, []);
  });
});
