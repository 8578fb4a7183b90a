// What can go wrong with a browser or a device, each with its sentence and its way back.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {fold, initial} from '../../www/state.js';
import {playedVisits} from './support/visit.mjs';
import {until} from './support/wait.mjs';

test('a graphics chip that is lost is said once, with its way back', () => {
  const s = initial();
  fold(s, {type: 'page:join', source: 'text'}, 0);
  fold(s, {type: 'device', kind: 'WebGPU', name: 'chip', why: 'faster'}, 1);
  fold(s, {type: 'trouble', message: 'the device is lost: device hung; going on with the CPU from step 120', fatal: false}, 2);
  fold(s, {type: 'device', kind: 'CPU', name: '', why: 'the GPU was lost'}, 3);
  assert.equal(s.messages.length, 1);
  assert.match(s.messages[0].text, /graphics chip was lost.*goes on with the processor from step 120; nothing else is lost/);
  assert.equal(s.messages[0].action?.id, 'again');
  assert.match(s.lines.device.detail, /Processor \(CPU\)\. The GPU was lost\./);
});

test('a disk that is full is said with what to do, and no more once the model is kept again', () => {
  const s = initial();
  fold(s, {type: 'modelKept', step: 50, bytes: 0, place: 'memory', reason: 'QuotaExceededError: no space is left'}, 0);
  assert.match(s.messages[0].text, /not kept any more: QuotaExceededError.*This device is full.*Free some space, then join again/);
  assert.deepEqual([s.messages[0].action?.id, s.messages[0].other?.id], ['model', 'again']);
  fold(s, {type: 'modelKept', step: 51, bytes: 0, place: 'memory', reason: 'the file is open elsewhere'}, 1);
  assert.doesNotMatch(s.messages[0].text, /full/);
  assert.equal(s.messages[0].other, null);
  fold(s, {type: 'modelKept', step: 52, bytes: 9, place: 'opfs', reason: null}, 2);
  assert.deepEqual(s.messages, []);
});

test('what a browser does not keep is said with what that means', () => {
  const told = (/** @type {any} */ found) => {
    const s = initial();
    fold(s, {type: 'page:storage', keys: null, vault: null, files: null, left: null, ...found}, 0);
    return s.messages.map((m) => m.text).join('\n');
  };
  assert.equal(told({}), '');
  assert.match(told({keys: 'The operation is insecure.'}), /keeps nothing for this page \(The operation is insecure\)\. It is so in private windows.*key, with what it earns, and its model are gone when it closes/);
  assert.match(told({vault: 'x'}), /no place for a cold key, so that the hot key will own the stake/);
  assert.match(told({files: 'x'}), /no files for pages, so that model and ledger begin anew/);
  assert.match(told({left: 5e6}), /only 5\.0 MB left for this page/);
});

describe('the page with a played tab', () => {
  const played = playedVisits();
  const {visit} = played;

  test('runs where a browser keeps nothing, and says so', async () => {
    const v = await visit('private window', {}, () => {
      Object.defineProperty(window, 'localStorage', {get: () => { throw new DOMException('The operation is insecure.', 'SecurityError'); }});
      Object.defineProperty(window, 'sessionStorage', {get: () => { throw new DOMException('The operation is insecure.', 'SecurityError'); }});
      Object.defineProperty(window, 'indexedDB', {value: undefined});
      Object.defineProperty(StorageManager.prototype, 'getDirectory', {value: async () => { throw new DOMException('No.', 'SecurityError'); }});
    });
    await v.shows(/This browser keeps nothing for this page \(The operation is insecure\)/);
    await v.page.getByRole('button', {name: 'Look again'}).waitFor();
    await v.join();
    await v.minute();
    await v.page.selectOption('#effort-most', '0.5');
    await v.close();
  });

  test('says what a browser without workers lacks, and does not begin', async () => {
    const v = await visit('no workers', {}, () => {
      // @ts-expect-error absent on purpose
      delete window.Worker;
    });
    await v.shows(/This browser lacks workers\..*Open this page in a current Chrome, Edge, Firefox or Safari/s);
    await v.page.click('#join');
    assert.equal(await v.page.locator('#phase').innerText(), 'Not joined');
    await v.close();
  });

  test('says that a worker was kept from starting, with the way back', async () => {
    const v = await visit('blocked worker');
    await v.join();
    await v.emit({type: 'trouble', message: 'the training program stopped working: it could not be loaded', fatal: true});
    await v.shows(/Training has ended: the training program stopped working: it could not be loaded\. Join again to go on\./);
    const again = v.page.waitForEvent('framenavigated');
    await v.page.locator('#messages').getByRole('button', {name: 'Join again'}).click();
    await again;
    await v.shows(/Proof of work/);
    await v.close();
  });

  test('an old page whose program is gone from the site says so, and is loaded again', async () => {
    const v = await visit('stale');
    await v.page.route('**/played.js', (route) => route.fulfill({status: 404, body: 'gone'}));
    await v.page.route(played.url, (route) => (route.request().isNavigationRequest() ? route.continue() : route.fulfill({contentType: 'text/html', body: '<link id="page-module" href="/played-4567.js" />'})));
    await v.page.reload();
    await v.page.click('#join');
    await v.shows(/The program of this page did not load: the site has a newer version by now, and this one is gone from it\. Load the page again to try once more\./);
    assert.equal(await v.page.locator('[data-line=identity]').getAttribute('data-state'), 'failed');
    await v.page.unroute('**/played.js');
    const again = v.page.waitForEvent('framenavigated');
    await v.page.locator('#messages').getByRole('button', {name: 'Load the page again'}).click();
    await again;
    await v.page.waitForFunction(() => 'peerage' in window);
    await v.join();
    await v.context.close(); // the console has said that the script is missing
  });

  test('a graphics chip that is lost while it trains leaves a tab that trains', async () => {
    const v = await visit('lost device');
    await v.join();
    await v.minute();
    await v.emit({type: 'trouble', message: 'the device is lost: device hung; going on with the CPU from step 3', fatal: false});
    await v.emit({type: 'device', kind: 'CPU', name: '', why: 'the GPU was lost'});
    await v.page.evaluate(() => /** @type {any} */ (window).peerage.tab.steps(4));
    await v.shows(/The graphics chip was lost/);
    await until('the figures are of the processor', 5, async () => (await v.page.locator('#busy-name').innerText()) === 'CPU share');
    assert.equal(await v.page.locator('#phase').innerText(), 'Training');
    await v.close();
  });

  for (const [device, words] of /** @type {[string, RegExp][]} */ ([['auto', /Graphics chip through WebGPU: NVIDIA/], ['cpu', /Processor \(CPU\)\. You chose it/]])) {
    test(`the first minute ends well with ${device === 'cpu' ? 'the processor' : 'a graphics chip'}`, async () => {
      const v = await visit(device);
      await v.page.selectOption('#device', device);
      await v.join();
      await v.minute();
      assert.match((await v.snapshot()).lines.device.detail, words);
      await v.close();
    });
  }
});
