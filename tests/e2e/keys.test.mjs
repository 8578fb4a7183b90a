// Keys as files: the hot one saved, read, and brought along before joining; neither key takes the place of one that nobody has saved
// without a question.

import assert from 'node:assert/strict';
import {generateKeyPairSync} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {describe, test} from 'node:test';
import {read, written} from '../../www/hot.js';
import {faults} from './support/accessible.mjs';
import {axe} from './support/axe.mjs';
import {CHAIN} from './support/site.mjs';
import {playedVisits} from './support/visit.mjs';
import {until} from './support/wait.mjs';

/** A new hot key of the played chain. @returns {import('../../www/hot.js').Hot} */
function fresh() {
  const {d = '', x = ''} = generateKeyPairSync('ed25519').privateKey.export({format: 'jwk'});
  const hex = (/** @type {string} */ text) => Buffer.from(text, 'base64url').toString('hex');
  return {chain: CHAIN, seed: hex(d), key: hex(x)};
}

test('a hot key is read as it was written, and anything else is refused with what to do', async () => {
  const hot = fresh();
  assert.deepEqual(await read(written(hot), CHAIN), hot);
  for (const [text, why] of /** @type {[string, RegExp][]} */ ([
    ['', /no file of a hot key: it cannot be read/],
    ['null', /no file of a hot key\./],
    ['{"what":"something"}', /no file of a hot key\./],
    [`${'c0ffee00'.repeat(8)}\n`, /looks like the file of a cold key/],
    [written({...hot, seed: hot.seed.slice(1)}), /torn/],
    [written({...hot, seed: fresh().seed}), /its two halves do not belong together/],
    [written({...hot, chain: 'ab'.repeat(32)}), /of another chain, abababab; the node here serves c4a10000/],
  ])) {
    await assert.rejects(read(text, CHAIN), (error) => error instanceof Error && why.test(error.message), text);
  }
});

describe('the page with a played tab', () => {
  const played = playedVisits();
  const {visit} = played;
  /** @param {string} name @param {import('playwright-core').BrowserContextOptions} [options] */
  async function running(name, options) {
    const v = await visit(name, options);
    await v.join();
    await v.minute();
    return v;
  }
  /** @param {Awaited<ReturnType<typeof visit>>} v @param {string} field @param {string} text */
  const give = (v, field, text) => v.page.setInputFiles(field, {name: 'key.json', mimeType: 'application/json', buffer: Buffer.from(text)});
  /** The seed that the browser keeps. @param {Awaited<ReturnType<typeof visit>>} v */
  const seed = (v) => v.page.evaluate((chain) => localStorage.getItem(`peerage.${chain}.seed`), CHAIN);
  const dialog = (/** @type {Awaited<ReturnType<typeof visit>>} */ v) => v.page.getByRole('dialog');

  test('saves the hot key as a file that is read again', async () => {
    const v = await running('save');
    const [file] = await Promise.all([v.page.waitForEvent('download'), v.page.getByRole('button', {name: 'Save the hot key’s file'}).click()]);
    assert.equal(file.suggestedFilename(), 'peerage-hot-key-a3f109bc.json');
    const json = JSON.parse(await readFile(await file.path(), 'utf8'));
    assert.equal(json.seed, await seed(v));
    assert.deepEqual([json.chain, json.key.slice(0, 8)], [CHAIN, 'a3f109bc']);
    await v.shows(/A copy was saved\. Who has the file signs as this peer, but owns none of its stake/);
    await v.close();
  });

  test('asks before a hot key takes the place of one that was not saved, offers to save it, and joins with the new one', async () => {
    const v = await running('import', {bypassCSP: true});
    const hot = fresh();
    const was = await seed(v);
    await give(v, '#hot-file', written(hot));
    await dialog(v).getByText(/Replace the hot key that is here\?/).waitFor();
    assert.deepEqual([...(await axe(v.page)), ...(await faults(v.page))], []);
    assert.equal(await v.page.evaluate(() => document.activeElement?.id), 'replace-cancel', 'the harmless button has the focus');
    await v.page.keyboard.press('Escape');
    assert.equal(await seed(v), was, 'nothing is replaced by going away');
    await give(v, '#hot-file', written(hot));
    const [file] = await Promise.all([v.page.waitForEvent('download'), v.page.getByRole('button', {name: 'Save the one that is here'}).click()]);
    assert.equal(JSON.parse(await readFile(await file.path(), 'utf8')).seed, was);
    await dialog(v).getByText(/on its way to your downloads/).waitFor();
    const again = v.page.waitForEvent('framenavigated');
    await v.page.getByRole('button', {name: 'I have the file: import'}).click();
    await again;
    await v.shows(/Proof of work/);
    assert.equal(await seed(v), hot.seed);
    await v.close();
  });

  test('refuses a file of another chain and keeps the key that is here', async () => {
    const v = await running('other chain');
    const was = await seed(v);
    await give(v, '#hot-file', written({...fresh(), chain: 'ab'.repeat(32)}));
    await v.shows(/This key is of another chain, abababab/);
    assert.equal(await seed(v), was);
    assert.equal(await dialog(v).count(), 0);
    await v.close();
  });

  test('takes a hot key along before joining, and asks where one was kept from an earlier visit', async () => {
    const v = await visit('before');
    const [first, second] = [fresh(), fresh()];
    await v.page.getByText('I have a key from another browser').click();
    await give(v, '#before-file', written(first));
    await v.shows(new RegExp(`The key ${first.key.slice(0, 8)} is here\\. Press Join`));
    assert.equal(await seed(v), first.seed);
    await give(v, '#before-file', written(second));
    await dialog(v).getByText(/has a key of this chain from an earlier visit/).waitFor();
    await v.page.getByRole('button', {name: 'Do not import'}).click();
    assert.equal(await seed(v), first.seed);
    await v.join();
    assert.equal(await seed(v), first.seed);
    await v.close();
  });

  test('takes none along while another tab has the keys, or before the chain is known', async () => {
    const v = await running('one');
    const second = await v.context.newPage();
    await second.goto(played.url);
    await second.getByText('I have a key from another browser').click();
    await second.setInputFiles('#before-file', {name: 'k.json', mimeType: '', buffer: Buffer.from(written(fresh()))});
    await second.getByText(/Peerage runs in another tab of this browser and has its keys\. Stop it there first\./).waitFor({timeout: 10_000});
    await v.close();
    const w = await visit('silent');
    await w.page.getByText('I have a key from another browser').click();
    played.site.late = 1;
    await give(w, '#before-file', written(fresh()));
    await w.shows(/Which chain the node serves is not known \(it is still starting\)/);
    assert.equal(await seed(w), null);
    await w.close();
  });

  test('asks before a cold key takes the place of one that was not saved, and saves it first when told to', async () => {
    const v = await running('cold');
    const pick = () => v.page.setInputFiles('#import-file', {name: 'key.txt', mimeType: 'text/plain', buffer: Buffer.from(`${'c0ffee00'.repeat(8)}\n`)});
    const cold = () => v.page.locator('#key-cold').innerText();
    await pick();
    await v.page.click('#import');
    await dialog(v).getByText(/It was never saved\. It owns this peer’s stake/).waitFor();
    await v.page.getByRole('button', {name: 'Do not import'}).click();
    assert.match(await cold(), /^f00dcafe/);
    await v.page.click('#import');
    const [file] = await Promise.all([v.page.waitForEvent('download'), v.page.getByRole('button', {name: 'Save the one that is here'}).click()]);
    assert.equal(file.suggestedFilename(), 'peerage-cold-key-f00dcafe.txt');
    assert.match(await readFile(await file.path(), 'utf8'), /^[0-9a-f]{64}\n$/);
    await v.page.keyboard.press('Escape');
    // It was given out, and nobody has said that it arrived: it is asked again.
    await v.page.click('#import');
    await dialog(v).getByText(/nobody has said that it arrived/).waitFor();
    await v.page.getByRole('button', {name: 'Import without saving'}).click();
    await until('the other is here', 5, async () => /^(beef){16}$/.test(await cold()), cold);
    await v.close();
  });

  test('replaces a cold key that was saved without a question', async () => {
    const v = await running('saved');
    await v.page.evaluate(() => {
      const {tab} = /** @type {any} */ (window).peerage;
      tab.emit(tab.identity('f00dcafe'.padEnd(64, '7'), true));
    });
    await v.shows(/can no longer be read out/);
    await v.page.setInputFiles('#import-file', {name: 'key.txt', mimeType: 'text/plain', buffer: Buffer.from('c0ffee00'.repeat(8))});
    await v.page.click('#import');
    await v.shows(/The cold key is here, and used from now on/);
    await v.close();
  });

  test('a tab that is another peer has no hot key to save or to replace', async () => {
    const v = await running('alone');
    await v.page.evaluate(() => {
      const {tab} = /** @type {any} */ (window).peerage;
      tab.emit({...tab.identity(null, false), kept: null});
    });
    await v.shows(/The hot key of this tab is in this tab alone and goes with it/);
    assert.equal(await v.page.locator('#hot-save').isDisabled(), true);
    assert.equal(await v.page.locator('#hot-choose').isDisabled(), true);
    await v.close();
  });
});
