// What the page does with sources, validations, models and answers: the pure parts, and the page with a played tab.

import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {after, before, describe, mock, test} from 'node:test';
import {goOn, patches, pick, ranked} from '../../www/asking.js';
import {corpus} from '../../www/load.js';
import {against, Feed, pieces} from '../../www/reading.js';
import {fold, initial} from '../../www/state.js';
import {faults} from './support/accessible.mjs';
import {launch} from './support/browser.mjs';
import {safetensors} from './support/safetensors.mjs';
import {playedSite} from './support/site.mjs';
import {visitor} from './support/visit.mjs';
import {until} from './support/wait.mjs';

/** @param {string} name @param {number} size @param {string} [type] */
const file = (name, size, type = '') => /** @type {File} */ ({name, size, type});

test('files that no reader takes are refused before they are read, each with what to do', () => {
  assert.match(against([]) ?? '', /Choose a file first/);
  assert.match(against([file('a.pdf', 10)]) ?? '', /“a.pdf” cannot be learned from: it is a PDF.*save it as text/);
  assert.match(against([file('a.mp3', 10)]) ?? '', /as WAV/);
  assert.match(against([file('a.txt', 0)]) ?? '', /empty/);
  assert.match(against([file('a.png', 10, 'image/png'), file('b.txt', 10)]) ?? '', /1 picture and 1 other file/);
  assert.match(against([file('a.txt', 3e8)]) ?? '', /300 MB, more than a tab can hold/);
  assert.equal(against([file('a.csv', 10)]), null);
  assert.equal(against([file('cat-1.png', 1e9, 'image/png')]), null);
});

test('a stream comes in pieces of one size, however its chunks were cut', async () => {
  const sizes = [1, 700_000, 700_000, 3, 1_048_576, 5];
  const stream = new ReadableStream({
    start(c) {
      sizes.forEach((n, i) => c.enqueue(new Uint8Array(n).fill(i + 1)));
      c.close();
    },
  });
  const out = [];
  for await (const content of pieces(stream)) if (content.type === 'piece') out.push(content.bytes);
  assert.deepEqual(out.map((b) => b.length), [1_400_001, 1_048_579, 5]);
  const all = out.flatMap((b) => [...b.subarray(0, 1), ...b.subarray(-1)]);
  assert.deepEqual(all, [1, 3, 4, 5, 6, 6]);
});

test('content is handed on no faster than it is taken, and a newer source ends an older one', async () => {
  /** @type {any[]} */
  const given = [];
  const feed = new Feed((content) => given.push(content));
  const big = () => ({type: /** @type {'piece'} */ ('piece'), bytes: new Uint8Array(3 << 20)});
  async function* three() {
    for (let i = 0; i < 3; i += 1) yield big();
  }
  const first = feed.run(three());
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(given.length, 2, 'the third waits');
  feed.reading(3 << 20);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(given.length, 3, 'the end waits');
  feed.reading(9 << 20);
  assert.equal(await first, true);
  assert.deepEqual(given.map((c) => c.type), ['piece', 'piece', 'piece', 'end']);
  const second = feed.run(three());
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(given.length, 6);
  const third = feed.run((async function* () {})());
  assert.deepEqual([await second, await third], [false, true]);
  assert.deepEqual(given.slice(6).map((c) => c.type), ['end']);
});

test('what fails after a newer source has begun is not heard of', async () => {
  const feed = new Feed(() => {});
  let fails = () => {};
  const failing = new Promise((_, reject) => (fails = () => reject(new Error('late'))));
  const first = feed.run(
    (async function* () {
      await failing;
    })(),
  );
  assert.equal(await feed.run((async function* () {})()), true);
  fails();
  assert.equal(await first, false);
});

test('the text’s clock runs only while a byte is waited for', async () => {
  const real = {fetch: globalThis.fetch, document: globalThis.document};
  mock.timers.enable({apis: ['setTimeout']});
  try {
    /** @type {ReadableStreamDefaultController<Uint8Array>|undefined} */
    let body;
    Object.assign(globalThis, {
      document: {baseURI: 'http://node.test/'},
      fetch: async (/** @type {URL} */ _, /** @type {RequestInit} */ {signal}) => {
        const stream = new ReadableStream({start: (c) => (body = c)});
        signal?.addEventListener('abort', () => body?.error(signal.reason));
        return new Response(stream);
      },
    });
    const text = corpus({url: '/text', bytes: 3 << 20, name: 'text'});
    assert.deepEqual((await text.next()).value, {type: 'file', name: 'text.txt', size: 3 << 20});
    body?.enqueue(new Uint8Array(1 << 20));
    mock.timers.tick(60_000); // nobody asks
    assert.equal((await text.next()).value?.type, 'piece');
    mock.timers.tick(60_000);
    const next = text.next();
    await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(14_999);
    body?.enqueue(new Uint8Array(1 << 20));
    assert.equal((await next).value?.type, 'piece');
    const last = assert.rejects(text.next(), /no byte came for 15 s/);
    await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(15_000);
    await last;
  } finally {
    mock.timers.reset();
    Object.assign(globalThis, real);
  }
});

test('a look that comes to nothing can be asked for again', () => {
  const s = initial();
  fold(s, {type: 'page:join', source: 'text'}, 0);
  fold(s, {type: 'page:validate'}, 0);
  assert.equal(s.validating, false, 'nothing is there yet');
  const dataset = {type: 'dataset', source: {type: 'text'}, words: 'text.', modalities: 1, classes: 256, each: true, bytes: 9, offset: 0, private: false};
  for (const end of [dataset, {type: 'trouble', message: 'the graphics chip was lost', fatal: false}]) {
    fold(s, dataset, 1);
    fold(s, {type: 'page:validate'}, 2);
    assert.equal(s.validating, true);
    fold(s, end, 3);
    assert.equal(s.validating, false, end.type);
  }
});

test('what is paid for and not used goes down with each answer, and up with each purchase', () => {
  const s = initial();
  const left = () => s.credits.seller.positions;
  fold(s, {type: 'page:used', peer: 'seller', positions: 5}, 0);
  fold(s, {type: 'credit', peer: 'seller', positions: 100, all: false}, 1);
  fold(s, {type: 'page:used', peer: 'seller', positions: 64}, 2);
  assert.equal(left(), '36');
  fold(s, {type: 'page:used', peer: 'seller', positions: 64}, 3);
  assert.equal(left(), '36', 'answered without being paid');
  fold(s, {type: 'credit', peer: 'seller', positions: 100, all: false}, 4);
  assert.equal(left(), '136');
  fold(s, {type: 'credit', peer: 'seller', positions: 120, all: true}, 5);
  assert.equal(left(), '120');
});

test('a byte is drawn as its logits say', async () => {
  assert.equal(pick([0, 3, 1], 0, () => 0.99), 1);
  assert.equal(pick([NaN, NaN], 1, () => 0), -1);
  assert.equal(pick([-Infinity, 0], 1, () => 0), 1);
  const seen = [0, 0];
  for (let i = 0; i < 1000; i += 1) seen[pick([0, Math.log(3)], 1, () => i / 1000)] += 1;
  assert.ok(Math.abs(seen[1] - 750) <= 1, `${seen}`);
  const shares = ranked([0, Math.log(3), -Infinity]);
  assert.deepEqual(shares.map((x) => x.index), [1, 0]);
  assert.ok(Math.abs(shares[0].share - 0.75) < 1e-12);
  /** @type {number[]} */
  const windows = [];
  const bytes = [];
  const next = async (/** @type {Uint8Array} */ window) => {
    windows.push(window.length);
    return Array.from({length: 256}, (_, i) => (i === window[window.length - 1] + 1 ? 1 : 0));
  };
  for await (const b of goOn(Uint8Array.of(97), {most: 4, window: 3, temperature: 0}, next)) bytes.push(b);
  assert.deepEqual(bytes, [98, 99, 100, 101]);
  assert.deepEqual(windows, [1, 2, 3, 3]);
});

test('a picture is cut into patches, row by row, as bright as it looks', () => {
  const rgba = new Uint8Array(28 * 28 * 4);
  for (let i = 0; i < 28 * 28; i += 1) rgba.fill(Math.floor(i / 28) * 7 + Math.floor((i % 28) / 7), i * 4, i * 4 + 3);
  const {seq, item, bytes} = patches(rgba);
  assert.deepEqual([seq, item, bytes.length], [16, [1, 7, 7], 784]);
  // The sixth patch begins in row 7, in the second column of patches.
  assert.equal(bytes[5 * 49], 7 * 7 + 1);
  assert.equal(bytes[5 * 49 + 48], 13 * 7 + 1);
  assert.equal(patches(rgba, true).bytes[5 * 49], 255 - 50);
});

test('another source is another model, with figures of its own', () => {
  const s = initial();
  const dataset = (/** @type {string} */ type) => ({type: 'dataset', source: {type}, words: `${type}.`, modalities: 1, classes: 256, each: true, bytes: 9, offset: 0, private: false});
  fold(s, {type: 'page:join', source: 'text'}, 0);
  fold(s, {type: 'page:source', source: 'text', private: false}, 0);
  fold(s, dataset('text'), 1);
  fold(s, {type: 'modelKept', step: 3, bytes: 10, place: 'opfs', reason: null}, 2);
  fold(s, {type: 'scores', scores: [{key: 'a', score: 1, error: 0.1, exact: null, mass: 1}]}, 2);
  assert.equal(s.lines.text.state, 'done');
  fold(s, {type: 'unusable', source: {type: 'files'}, reason: 'line 3 has 2 fields'}, 3);
  assert.match(s.messages.find((m) => m.id === 'unusable')?.text ?? '', /line 3 has 2 fields\. What was learned from before goes on/);
  assert.equal(s.model.kept?.step, 3);
  fold(s, dataset('glyphs'), 4);
  assert.deepEqual([s.model.kept, s.steps.count, {...s.scores}], [null, 0, {}]);
  assert.equal(s.unusable, null);
});

test('who does not train has a first minute without training, and trains when it wants to', () => {
  const s = initial();
  fold(s, {type: 'page:join', source: 'nothing'}, 0);
  fold(s, {type: 'page:source', source: 'nothing', private: false}, 0);
  fold(s, {type: 'network', node: {up: true}}, 100);
  assert.equal(s.phase, 'running');
  assert.match(s.lines.step.detail, /does not train/);
  fold(s, {type: 'page:source', source: 'text', private: false}, 200);
  assert.deepEqual([s.lines.step.state, s.lines.text.state], ['idle', 'waiting']);
});

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof playedSite>>} */
let served;
const visit = visitor(() => ({browser, url: served.url}));

describe('the page with a played tab', () => {
  before(async () => {
    served = await playedSite();
    browser = await launch({microphone: true});
  });
  after(async () => {
    await browser?.close();
    await served?.close();
  });

  test('learns from glyphs when told to, and asks for a file before it joins with none', async () => {
    const v = await visit('sources');
    await v.page.check('input[value=files]');
    assert.equal(await v.page.isChecked('#private'), true, 'what is a person’s own stays here unless they say otherwise');
    await v.page.click('#join');
    await v.shows(/Choose a file first/);
    assert.equal((await v.snapshot()).phase, 'ready');
    await v.page.check('input[value=glyphs]');
    assert.equal(await v.page.isChecked('#private'), false);
    await v.shows(/small pictures of letters/);
    await v.join();
    await until('glyphs are learned from', 10, async () => (await v.snapshot()).learned?.source.type === 'glyphs', v.text);
    assert.deepEqual((await v.wishes())[0], {type: 'learn', source: {type: 'glyphs'}, private: false});
    await v.close();
  });

  test('a dropped table is learned from; a broken one is refused with its line, and the other goes on', async () => {
    const v = await visit('files');
    await v.join();
    await v.minute();
    await drop(v.page, 'iris.csv', 'a,b,label\n1,2,x\n');
    await v.shows(/“iris\.csv”, 16 B/);
    assert.equal(await v.page.isChecked('input[value=files]'), true);
    await v.page.click('#source-use');
    await v.shows(/iris\.csv: 16 bytes/);
    assert.equal((await v.snapshot()).learned?.private, true);
    await drop(v.page, 'broken.csv', 'a,b\n1\n');
    await v.page.click('#source-use');
    await v.shows(/“broken\.csv”, line 3: 2 fields where the header has 4/);
    assert.equal((await v.snapshot()).learned?.words, 'iris.csv: 16 bytes.');
    const before = (await v.wishes()).length;
    await v.page.uncheck('#private');
    await until('sharing is asked for', 10, async () => (await v.wishes()).length > before);
    assert.deepEqual((await v.wishes()).at(-1), {type: 'private', private: false});
    await v.close();
  });

  test('pictures are decoded here, and what is none is said', async () => {
    const v = await visit('pictures');
    await v.join();
    await v.page.check('input[value=files]');
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
    await v.page.setInputFiles('#files', [{name: 'cat-1.png', mimeType: 'image/png', buffer: png}, {name: 'dog-1.png', mimeType: 'image/png', buffer: png}]);
    await v.page.click('#source-use');
    await v.shows(/cat-1\.png, dog-1\.png: 8 bytes/);
    await v.page.setInputFiles('#files', {name: 'junk.png', mimeType: 'image/png', buffer: Buffer.from('no picture')});
    await v.page.click('#source-use');
    await v.shows(/“junk\.png” cannot be shown by this browser/);
    await v.close();
  });

  test('a recording of the microphone is learned from, and only once there is one', async () => {
    const v = await visit('microphone');
    await v.page.check('input[value=microphone]');
    await v.page.click('#join');
    await v.shows(/Press Record and speak/);
    // The device of the test beeps for a moment now and then: every change of the meter is looked at.
    await v.page.evaluate(() => {
      const level = /** @type {HTMLMeterElement} */ (document.getElementById('level'));
      const heard = () => Object.assign(globalThis, {loudest: Math.max(/** @type {any} */ (globalThis).loudest ?? 0, level.value)});
      new MutationObserver(heard).observe(level, {attributes: true});
    });
    await v.page.click('#record');
    await until('it listens', 10, async () => /s left/.test(await v.page.innerText('#heard')), v.text);
    await until('it is loud', 10, () => v.page.evaluate(() => /** @type {any} */ (globalThis).loudest > 0.05), v.text);
    await until('the recording is there', 20, async () => /8\.0 s recorded/.test(await v.page.innerText('#heard')), v.text);
    await v.join();
    await until('it is learned from', 10, async () => (await v.snapshot()).learned?.source.type === 'microphone', v.text);
    const {source, private: alone} = (await v.wishes())[0];
    assert.ok(source.rate >= 8000 && alone === true);
    // Eight seconds of samples, four bytes each.
    assert.equal((await v.snapshot()).learned?.bytes, 8 * 4 * source.rate);
    await v.close();
  });

  test('a microphone that is refused is said, with what to do', async () => {
    const v = await visit('refused', undefined, () => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
    });
    await v.page.check('input[value=microphone]');
    await v.page.click('#record');
    await v.shows(/may not hear the microphone: it was refused\. Allow it/);
    await v.close();
  });

  test('validation shows three figures, and cutting the network off says what that means', async () => {
    const v = await visit('validation');
    await v.join();
    await v.minute();
    await v.page.click('#validate');
    await v.shows(/1\.912 nats \(2\.76 bits a byte\)/);
    const rows = await v.page.locator('#validation-table tbody tr').allInnerTexts();
    assert.deepEqual(rows.map((r) => r.split('\t')[0].trim()), ['With peers', 'Student only', 'Alone']);
    assert.match(rows[2], /\+0\.192/);
    await v.page.check('#cut');
    await v.shows(/asks nobody and answers nobody/);
    await v.shows(/nobody answered/);
    await v.close();
  });

  test('the model is exported as a file, imported, and forgotten only after a question', async () => {
    const v = await visit('model');
    await v.join();
    await v.minute();
    await v.page.click('#model-keep');
    await v.shows(/2\.3 MB in this browser’s files, as after step 3/);
    const [download] = await Promise.all([v.page.waitForEvent('download'), v.page.click('#model-export')]);
    assert.match(download.suggestedFilename(), /^peerage-text-step-3\.safetensors$/);
    const bytes = await readFile(await download.path());
    assert.deepEqual(Object.keys(safetensors(bytes)), ['head']);
    await v.page.setInputFiles('#model-file', {name: 'a.safetensors', mimeType: '', buffer: Buffer.from('abc')});
    await v.shows(/no safetensors file: it ends after 3 bytes/);
    await v.page.setInputFiles('#model-file', {name: 'a.safetensors', mimeType: '', buffer: bytes});
    await v.shows(/The model of the file goes on from step 3/);
    await v.page.click('#model-forget');
    await v.page.click('#forget-cancel');
    assert.equal((await v.wishes()).some((a) => a.type === 'forget'), false);
    await v.page.click('#model-forget');
    await v.page.click('#forget-yes');
    await v.shows(/The model begins anew/);
    await v.close();
  });

  test('who joined without training is told by the form why the text cannot be learned from', async () => {
    const v = await visit('no-text');
    await v.page.check('input[value=nothing]');
    await v.page.click('#join');
    await v.shows(/This tab does not train/);
    await v.page.route('**/corpus', (/** @type {any} */ route) => route.abort());
    await v.page.check('input[value=text]');
    await v.page.click('#source-use');
    await until('the form says why', 10, async () => /No connection to the server of this page/.test(await v.page.innerText('#source-fault')), v.text);
    await v.close();
  });

  test('a text goes on byte by byte, a picture gets a class, and paying asks first', async () => {
    const v = await visit('asking');
    await v.page.check('input[value=nothing]');
    await v.page.click('#join');
    await until('it connects', 10, () => v.page.evaluate(() => {
      const {tab} = /** @type {any} */ (window).peerage;
      tab?.emit(tab.network());
      return tab != null;
    }));
    await v.shows(/Connected/);
    await v.emit({type: 'neurons', neurons: [[1, '5be2770d'.padEnd(64, '7'), '1']]});
    await v.emit({type: 'own', uid: null, height: 1, stake: '0', balance: '9000000000', place: null, peers: 4, row: [], version: 0, ...nothing});
    await v.page.selectOption('#seller', {index: 0});
    await v.page.fill('#ask-text', 'a');
    await v.page.fill('#ask-bytes', '6');
    await v.page.fill('#ask-temperature', '0');
    await v.page.click('#ask');
    await until('the answer is there', 10, async () => (await v.page.innerText('#ask-answer')) === 'bababa', v.text);
    await v.shows(/6 bytes, 21 positions asked/);
    await v.page.fill('#pay-amount', '0.5');
    await v.shows(/buys 10,240 positions/);
    await v.page.click('#pay');
    await v.shows(/Pay for answers \(peer 1\)/);
    await v.page.click('#confirm-sign');
    await until('the purchase is asked for', 10, async () => (await v.asked()).length > 0);
    assert.deepEqual((await v.asked()).at(-1), {type: 'purchase', from: 'hot', seller: '5be2770d'.padEnd(64, '7'), amount: '500000000'});
    await v.emit({type: 'credit', peer: '12D3KooWResidentOne', positions: 10240, all: true});
    await v.shows(/10,240 positions are paid for/);
    await v.page.selectOption('#seller', {index: 1});
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
    await v.page.setInputFiles('#look-file', {name: 'x.png', mimeType: 'image/png', buffer: png});
    await v.page.click('#look');
    await v.shows(/“7” 60\.9 %/);
    await v.close();
  });

  test('can be used by ear and keyboard, whichever source is chosen', async () => {
    const v = await visit('accessible');
    for (const source of ['files', 'microphone', 'nothing']) {
      await v.page.check(`input[value=${source}]`);
      assert.deepEqual(await faults(v.page), [], source);
    }
    await v.page.check('input[value=captions]');
    await v.join();
    await v.minute();
    await v.page.click('#validate');
    await v.shows(/1\.912/);
    assert.deepEqual(await faults(v.page), []);
    await v.close();
  });
});

/** Gradients of a peer without a place. */
const nothing = Object.fromEntries(['scalingGradient', 'clippingGradient', 'paidGradient', 'payoffGradient', 'trustGradient'].map((g) => [g, {type: 'notDefined', reason: 'no place'}]));

/** Drops a file on the page. @param {import('playwright-core').Page} page @param {string} name @param {string} text */
async function drop(page, name, text) {
  const data = await page.evaluateHandle(([n, t]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([t], n, {type: 'text/csv'}));
    return transfer;
  }, [name, text]);
  await page.dispatchEvent('body', 'drop', {dataTransfer: data});
}
