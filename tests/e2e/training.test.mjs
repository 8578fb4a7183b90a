// What one tab learns from and keeps, with a resident to ask: the node's text, letters that it draws, files, a microphone; its
// model over a reload, as a file, and without the others.

import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {after, before, describe, test} from 'node:test';
import {Node} from './support/node.mjs';
import {safetensors} from './support/safetensors.mjs';
import {steps} from './support/steps.mjs';
import {summary, Tab} from './support/tab.mjs';
import {until} from './support/wait.mjs';

/** @typedef {import('../../www/types.js').State} State */

/** @type {Node} */
let node;
/** @type {Tab} */
let tab;

/** A small table that can be learned: the class says on which side of a line a point lies. */
function table() {
  const rows = ['a,b,side'];
  for (let i = 0; i < 200; i += 1) {
    const [x, y] = [((i * 37) % 101) / 101, ((i * 61) % 103) / 103];
    rows.push(`${x.toFixed(3)},${y.toFixed(3)},${x > y ? 'over' : 'under'}`);
  }
  return `${rows.join('\n')}\n`;
}

/** Learns from what is chosen. @param {string} type @param {number} [seconds] */
async function learns(type, seconds = 60) {
  await tab.page.click('#source-use');
  await tab.until(`learns from ${type}`, seconds, (s) => s.learned?.source.type === type && s.steps.count >= 3);
  return tab.snapshot();
}

/** @param {string} name @param {string} text */
const choose = async (name, text) => {
  await tab.page.check('input[value=files]');
  await tab.page.setInputFiles('#files', {name, mimeType: 'text/csv', buffer: Buffer.from(text)});
};

describe('one tab that learns', {concurrency: false}, () => {
  const step = steps();

  before(async () => {
    node = await Node.start({residents: 1});
    tab = await Tab.open('tab', node.url, {microphone: true});
  });
  after(async () => {
    await tab?.close();
    await node?.remove();
  });

  step('keeps its model while it learns from the node’s text', async () => {
    await tab.page.click('#join');
    await tab.until('asks the resident', 300, (s) => s.steps.last.some((x) => x.answered.length > 0));
    await tab.until('keeps its model', 300, (s) => (s.model.kept?.step ?? 0) >= 50);
    const s = await tab.snapshot();
    assert.equal(s.model.kept?.place, 'opfs');
    assert.equal(s.model.restored, null);
    const asked = s.steps.last.filter((x) => x.answered.length > 0);
    assert.ok(asked.every((x) => (x.sent ?? 0) > 0 && (x.received ?? 0) > 0), JSON.stringify(asked.at(-1)));
    assert.ok(Object.values(s.worth).some((w) => w.key !== s.identity?.key && w.mass > 0), JSON.stringify(s.worth));
  });

  step('looks at the held-out part in three ways', async () => {
    await tab.page.click('#validate');
    await tab.until('has looked', 120, (s) => s.validations.at(-1)?.withPeers != null);
    const v = /** @type {import('../../www/types.js').Validation} */ ((await tab.snapshot()).validations.at(-1));
    for (const loss of [v.withPeers, v.alone, v.student]) assert.ok(Number.isFinite(loss) && /** @type {number} */ (loss) > 0, JSON.stringify(v));
    assert.ok(v.examples > 0);
    const rows = () => tab.page.locator('#validation-table tbody tr').allInnerTexts();
    await until('shows all three', 10, async () => (await rows()).every((r) => /\d\.\d{3} nats/.test(r)), async () => (await rows()).join('|'));
  });

  step('goes on with its student when it is cut off, and comes back', async () => {
    await tab.page.check('#cut');
    await tab.until('has looked alone', 120, (s) => s.validations.at(-1)?.offline === true);
    assert.equal((await tab.snapshot()).validations.at(-1)?.withPeers ?? null, null);
    const {count} = (await tab.snapshot()).steps;
    await tab.until('goes on', 60, (s) => s.steps.count > count + 10);
    assert.deepEqual((await tab.snapshot()).steps.last.slice(-5).flatMap((x) => x.answered), []);
    await tab.page.uncheck('#cut');
    await tab.until('asks again', 60, (s) => (s.steps.last.at(-1)?.answered.length ?? 0) > 0);
  });

  step('exports its model as a file that others read', async () => {
    const [download] = await Promise.all([tab.page.waitForEvent('download'), tab.page.click('#model-export')]);
    assert.match(download.suggestedFilename(), /^peerage-text-step-\d+\.safetensors$/);
    const bytes = await readFile(await download.path());
    const tensors = Object.entries(safetensors(bytes));
    assert.ok(tensors.length > 10, `${tensors.map(([name]) => name)}`);
    for (const [name, {values}] of tensors) assert.ok(values?.every(Number.isFinite), name);
    await tab.page.setInputFiles('#model-file', {name: 'own.safetensors', mimeType: '', buffer: bytes});
    await tab.until('takes it back', 60, (s) => s.model.imported != null);
    await tab.page.setInputFiles('#model-file', {name: 'cut.safetensors', mimeType: '', buffer: bytes.subarray(0, 1000)});
    await until('a torn file is refused', 30, async () => /not taken/.test(await tab.text('#model-fault')), () => tab.text('#model'));
  });

  step('goes on where it was after a reload', async () => {
    await tab.page.click('#model-keep');
    const kept = (await tab.snapshot()).model.kept?.step ?? 0;
    await tab.page.reload({waitUntil: 'domcontentloaded'});
    await tab.page.waitForFunction(() => 'peerage' in window);
    await tab.page.click('#join');
    await tab.until('trains again', 180, (s) => s.steps.count > 0);
    const s = await tab.snapshot();
    assert.ok((s.model.restored?.step ?? 0) >= kept && kept >= 50, summary(s));
    assert.equal(s.steps.first[0].step, (s.model.restored?.step ?? 0) + 1);
    assert.ok(s.steps.first[0].alone < 5, 'a model that begins anew is near 5.5');
  });

  step('a second tab of the browser is another peer and keeps nothing', async () => {
    const second = await tab.page.context().newPage();
    await second.goto(node.url);
    await second.waitForFunction(() => 'peerage' in window);
    await second.click('#join');
    await second.getByRole('button', {name: 'Join here as another peer'}).click();
    /** @returns {Promise<State>} */
    const snapshot = () => second.evaluate(() => /** @type {any} */ (window).peerage.snapshot);
    await until('the second tab trains', 180, async () => (await snapshot()).steps.count >= 3, async () => summary(await snapshot()));
    const s = await snapshot();
    assert.equal(s.model.kept?.place, 'memory');
    assert.equal(s.model.restored, null);
    await second.close();
  });

  step('learns from letters that it draws', async () => {
    await tab.page.check('input[value=glyphs]');
    const s = await learns('glyphs');
    assert.deepEqual([s.learned?.modalities, s.learned?.classes, s.learned?.each], [2, 36, false]);
    assert.ok(s.steps.first[0].alone < 8 && Number.isFinite(s.steps.first[0].alone));
    await tab.page.click('#validate');
    await tab.until('has looked', 60, (x) => x.validations.at(-1)?.accuracy != null);
  });

  step('bridges letters and their names', async () => {
    await tab.page.check('input[value=captions]');
    const s = await learns('captions');
    assert.equal(s.learned?.modalities, 3);
  });

  step('learns from a table and asks nobody, since nobody said otherwise', async () => {
    await choose('points.csv', table());
    const s = await learns('files');
    assert.match(s.learned?.words ?? '', /2|points/);
    assert.equal(s.learned?.private, true);
    await tab.until('has trained for a while', 60, (x) => x.steps.count >= 30);
    const all = (await tab.snapshot()).steps;
    assert.deepEqual([...all.first, ...all.last].flatMap((x) => [...x.answered, ...x.missed]), []);
    assert.equal([...all.first, ...all.last].reduce((sum, x) => sum + (x.sent ?? 0), 0), 0);
  });

  step('refuses a broken table with its line, and goes on', async () => {
    const {count} = (await tab.snapshot()).steps;
    await choose('broken.csv', `${table()}0.5\n`);
    await tab.page.click('#source-use');
    await until('the table is refused', 30, async () => /broken\.csv.*202|202.*broken\.csv/is.test(await tab.text('#source-fault')), () => tab.text('#learning'));
    await tab.until('goes on', 30, (s) => s.steps.count > count + 3 && s.learned?.source.type === 'files');
  });

  step('learns from a microphone', async () => {
    await tab.page.check('input[value=microphone]');
    await tab.page.click('#record');
    await until('the recording is there', 30, async () => /s recorded/.test(await tab.text('#heard')), () => tab.text('#learning'));
    const s = await learns('microphone');
    assert.deepEqual([s.learned?.modalities, s.learned?.each], [4, true]);
  });

  step('has kept the model of each source: text goes on where it was', async () => {
    await tab.page.check('input[value=text]');
    await tab.page.click('#source-use');
    await tab.until('goes on with text', 60, (s) => s.learned?.source.type === 'text' && (s.model.restored?.step ?? 0) >= 50);
  });

  step('forgets its model when told to', async () => {
    await tab.page.click('#model-forget');
    await tab.page.click('#forget-yes');
    await tab.until('begins anew', 60, (s) => s.model.restored == null && s.steps.first[0]?.step === 1);
  });

  step('is asked by a tab that does not train how a text goes on', async () => {
    const other = await Tab.open('asker', node.url);
    try {
      await other.page.check('input[value=nothing]');
      await other.page.click('#join');
      await other.until('is connected with somebody who knows texts', 120, (s) => s.phase === 'running' && s.connections.some((c) => c.key && ((c.modalities ?? 0) & 1) === 1));
      assert.equal(await other.page.evaluate(() => performance.getEntriesByType('resource').some((r) => /trainer/.test(r.name))), false, 'it loads no trainer');
      const seller = (await other.snapshot()).connections.find((c) => c.key && ((c.modalities ?? 0) & 1) === 1);
      await other.page.selectOption('#seller', seller?.peer ?? '');
      await other.page.fill('#ask-bytes', '5');
      await other.page.click('#ask');
      await until('five bytes were answered', 60, async () => /^5 bytes, \d+ positions/.test(await other.text('#ask-said')), () => other.text('#buying'));
      assert.equal(await other.text('#ask-fault'), '');
      assert.deepEqual(other.errors, []);
    } finally {
      await other.close();
    }
  });

  test('no console has anything against the page', () => {
    assert.deepEqual(tab.errors, []);
  });
});
