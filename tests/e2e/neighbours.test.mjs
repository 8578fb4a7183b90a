// The neighbours as a graph: what it shows, moved by pointer and by keyboard, and who comes and goes.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {about, inside, ring} from '../../www/graph.js';
import {valued} from '../../www/measures.js';
import {fold, initial} from '../../www/state.js';
import {playedVisits} from './support/visit.mjs';
import {until} from './support/wait.mjs';

test('neighbours stand apart from each other, from this tab and from the node, however many there are', () => {
  for (const n of [1, 2, 5, 24]) {
    const places = Array.from({length: n}, (_, i) => ring(i, n));
    for (const [i, a] of places.entries()) {
      assert.deepEqual(inside(a), a, `${i} of ${n} is inside`);
      assert.ok(Math.hypot(a.x - 0.5, a.y - 0.56) > 0.2 && Math.hypot(a.x - 0.5, a.y - 0.12) > 0.1, `${i} of ${n}`);
      for (const b of places.slice(i + 1)) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > 0.05, `${n}`);
    }
  }
});

test('what is known of a neighbour is one sentence, without what is not known', () => {
  const s = initial();
  const c = {peer: 'p', key: 'k'.repeat(64), kind: 'tab', path: 'direct', rtt: 2.06};
  assert.equal(about(s, {...c, key: null, rtt: null}), '–, a tab, reached directly, browser to browser');
  fold(s, {type: 'neurons', neurons: [[7, c.key, '1']]}, 0);
  fold(s, {type: 'scores', scores: [{key: c.key, score: 1, error: 0}, {key: 'me', score: 3, error: 0}]}, 0);
  assert.equal(valued(s, c.key), null, 'before the ledger has told');
  fold(s, {type: 'askers', askers: [['other', 1], [c.key, 0.5]]}, 0);
  assert.equal(about(s, c), 'Peer 7, a tab, reached directly, browser to browser; round trip 2.1 ms; worth 25.0 % to me; I am worth 50.0 % to it');
  fold(s, {type: 'askers', askers: [['other', 1]]}, 0);
  assert.equal(valued(s, c.key), 0, 'who stands on the ledger and is not named values this tab at nothing');
  assert.equal(valued(s, 'unknown'), null);
  fold(s, {type: 'askers', askers: Array.from({length: 5000}, (_, i) => [`${i}`, i / 5000])}, 0);
  assert.equal(Object.keys(s.askers).length, 512);
  assert.ok('4999' in s.askers && !('0' in s.askers), 'those that value it most are kept');
});

describe('the graph of the neighbours', () => {
  const {visit} = playedVisits();
  /** @param {string} name @param {import('playwright-core').BrowserContextOptions} [options] */
  async function running(name, options) {
    const v = await visit(name, options);
    await v.join();
    await v.minute();
    await v.page.locator('#graph').scrollIntoViewIfNeeded();
    const peer = (/** @type {RegExp} */ words) => v.page.locator('#graph').getByRole('button', {name: words});
    await peer(/^Peer 1,/).waitFor();
    /** @param {RegExp} words */
    const middle = async (words) => {
      const box = await peer(words).locator('.hit').boundingBox();
      assert.ok(box);
      return {x: box.x + box.width / 2, y: box.y + box.height / 2};
    };
    return {...v, peer, middle};
  }

  test('shows who is connected how, and what each is worth', async () => {
    const v = await running('graph');
    const names = await v.page.locator('#graph [role=button]').evaluateAll((all) => all.map((e) => e.getAttribute('aria-label')));
    assert.equal(names.length, 4);
    assert.match(names.join('\n'), /Peer 1, a resident, reached by a websocket to the node; round trip 1\.2 ms.*worth 42\.8 % to me; I am worth 62\.0 % to it\. Arrow keys move it\./);
    assert.match(names.join('\n'), /Peer 3, a tab, reached through the node/);
    const paths = await v.page.locator('#graph .path-of').evaluateAll((all) => all.map((e) => [e.getAttribute('data-path'), e.getAttribute('d')?.split('L').length]));
    assert.deepEqual(paths.filter(([path]) => path === 'relayed').map(([, n]) => n), [3], 'what is relayed goes by the node');
    assert.equal(paths.filter(([path]) => path === 'direct').length, 1);
    await v.close();
  });

  test('lets a peer be dragged, keeps it there, and puts all back', async () => {
    const v = await running('drag');
    const was = await v.middle(/^Peer 2,/);
    await v.page.mouse.move(was.x, was.y);
    await v.page.mouse.down();
    await v.page.mouse.move(was.x + 60, was.y - 40, {steps: 5});
    await v.page.mouse.up();
    const there = await v.middle(/^Peer 2,/);
    assert.ok(Math.abs(there.x - was.x - 60) < 3 && Math.abs(there.y - was.y + 40) < 3, JSON.stringify([was, there]));
    await v.page.evaluate(() => {
      const {tab} = /** @type {any} */ (window).peerage;
      tab.emit(tab.network());
      tab.steps(3);
    });
    await v.page.waitForTimeout(600); // it is drawn anew
    assert.deepEqual(await v.middle(/^Peer 2,/), there);
    assert.match(await v.page.locator('#graph-said').innerText(), /^Drag a peer/, 'a drag is no press');
    await v.page.getByRole('button', {name: 'Put all back'}).click();
    assert.deepEqual(await v.middle(/^Peer 2,/), was);
    await v.close();
  });

  test('is moved and read by the keyboard, which stays where it is while the page draws', async () => {
    const v = await running('keys', {reducedMotion: 'reduce'});
    await v.peer(/^Peer 1,/).focus();
    const was = await v.middle(/^Peer 1,/);
    for (const key of ['ArrowLeft', 'ArrowLeft', 'ArrowUp']) await v.page.keyboard.press(key);
    const there = await v.middle(/^Peer 1,/);
    assert.ok(there.x < was.x - 10 && there.y < was.y - 5);
    await v.page.keyboard.press('Enter');
    assert.match(await v.page.locator('#graph-said').innerText(), /^Peer 1, a resident.*worth 42\.8 % to me/);
    assert.equal(await v.peer(/^Peer 1,/).getAttribute('aria-pressed'), 'true');
    await v.page.evaluate(() => /** @type {any} */ (window).peerage.tab.steps(3));
    await v.page.waitForTimeout(600);
    assert.match(await v.page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? ''), /^Peer 1,/);
    for (let i = 0; i < 60; i += 1) await v.page.keyboard.press('ArrowDown');
    const box = await v.page.locator('#graph').boundingBox();
    assert.ok(box && (await v.middle(/^Peer 1,/)).y < box.y + box.height, 'it cannot be moved out of the picture');
    await v.close();
  });

  test('loses who is gone and says so of who was read about', async () => {
    const v = await running('gone');
    await v.peer(/^Peer 3,/).focus();
    await v.page.keyboard.press('Enter');
    await v.emit({type: 'network', connections: [{peer: '12D3KooWResidentOne', key: '5be2770d'.padEnd(64, '7'), kind: 'resident', path: 'websocket', rtt: 1}]});
    await until('one is left', 5, async () => (await v.page.locator('#graph [role=button]').count()) === 1);
    assert.equal(await v.page.locator('#graph-said').innerText(), 'This neighbour is gone.');
    assert.equal(await v.page.locator('#graph .path-of').count(), 1);
    await v.close();
  });
});
