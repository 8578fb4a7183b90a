// What goes wrong with one tab, without residents: another chain at the same address, a reload, a stop.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {Node} from './support/node.mjs';
import {steps} from './support/steps.mjs';
import {summary, Tab} from './support/tab.mjs';
import {until} from './support/wait.mjs';

/** @type {Node} */
let node;
/** @type {Tab} */
let tab;

describe('one tab and its troubles', {concurrency: false}, () => {
  const step = steps();

  before(async () => {
    node = await Node.start({residents: 0});
    tab = await Tab.open('tab', node.url);
  });
  after(async () => {
    await tab?.close();
    await node?.remove();
  });

  step('trains alone where nobody else is', async () => {
    await tab.page.click('#join');
    await tab.until('finishes 3 steps and is registered', 300, (s) => s.steps.count >= 3 && s.own?.uid != null);
    const s = await tab.snapshot();
    assert.equal(s.device?.kind, 'CPU');
    assert.equal(s.lines.neighbour.state, 'waiting');
    assert.match(await tab.text('#neighbours-state'), /Nobody yet/);
  });

  step('stops without an error', async () => {
    await tab.page.click('#stop');
    await tab.until('has stopped', 60, (s) => s.phase === 'stopped');
    const s = await tab.snapshot();
    assert.equal(s.messages.filter((m) => m.tone === 'error').length, 0, summary(s));
    await tab.page.getByText('This tab has stopped').waitFor({timeout: 10_000});
  });

  step('keeps its identity and its place over a reload', async () => {
    const before = await tab.snapshot();
    await tab.page.getByRole('button', {name: 'Join again'}).click();
    await until('the page is there again', 30, () => tab.page.evaluate(() => /** @type {any} */ (window).peerage?.snapshot.phase !== 'stopped'));
    await tab.until('is registered as before', 180, (s) => s.own?.uid != null && s.steps.count >= 1);
    const s = await tab.snapshot();
    assert.equal(s.identity?.key, before.identity?.key);
    assert.equal(s.own.uid, before.own.uid);
    assert.equal(s.work, null, 'no second proof of work');
  });

  step('says that the node serves another chain, and follows it only when told to', async () => {
    const before = await tab.snapshot();
    await node.reset();
    const {chain} = await node.bootstrap();
    assert.notEqual(chain, before.identity?.chain);
    await until('the tab says so', 120, async () => /another chain/.test(await tab.text('#messages')), async () => summary(await tab.snapshot()));
    const s = await tab.snapshot();
    assert.equal(s.identity?.chain, before.identity?.chain);
    assert.equal(s.phase, 'running', 'it goes on training');
    await tab.page.getByRole('button', {name: /Forget the old chain/}).click();
    await tab.until('verifies the new chain', 180, (x) => x.identity?.chain === chain && x.head != null);
  });

  step('a page opened while the chain is another one asks too', async () => {
    await tab.until('is registered on the new chain', 180, (s) => s.own?.uid != null);
    await node.reset();
    await tab.page.reload({waitUntil: 'domcontentloaded'});
    await tab.page.getByRole('button', {name: 'Join', exact: true}).click();
    const {chain} = await node.bootstrap();
    await until('the tab says so', 60, async () => /another chain/.test(await tab.text('#messages')), async () => summary(await tab.snapshot()));
    await tab.page.getByRole('button', {name: /Forget the old chain/}).click();
    await tab.until('verifies the new chain', 180, (x) => x.identity?.chain === chain && x.head != null);
  });

  test('no console has anything against the page', () => {
    assert.deepEqual(tab.errors, []);
  });

  step('the node ends in good order when asked', async () => {
    assert.equal(await node.end('SIGTERM'), 0, node.tail());
  });
});
