// The npm package in Chromium, in a page and in a worker, against a real development network; and the example page.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {axe} from '../e2e/support/axe.mjs';
import {launch, open} from '../e2e/support/browser.mjs';
import {Node} from '../e2e/support/node.mjs';
import {until} from '../e2e/support/wait.mjs';
import {door} from './support/places.mjs';
import {check} from './support/verdict.mjs';

describe('the light client in Chromium', {concurrency: false}, () => {
  /** @type {Node} */ let node;
  /** @type {import('./support/places.mjs').Door[]} */ let doors = [];
  /** @type {import('playwright-core').Browser} */ let browser;
  /** @type {string[]} */ let [honest, liar] = ['', ''];
  before(async () => {
    node = await Node.start({residents: 2});
    doors = [await door(node.url), await door(node.url, {lies: true})];
    [honest, liar] = doors.map((one) => one.url);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await Promise.allSettled(doors.map((one) => one.close()));
    await node?.remove();
  });

  test('follows, audits, proves, keeps, and names who lies in a page', async () => {
    const {page, errors, context} = await open(browser, 'page');
    await page.goto(honest);
    const seen = await page.evaluate(async (world) => {
      const {scenario} = await import(/** @type {any} */ ('/test/scenario.mjs'));
      return scenario('/light/index.js', world);
    }, {honest, liar, kept: true});
    check(seen, (await node.bootstrap()).chain, {honest, liar});
    assert.deepEqual(errors, []);
    await context.close();
  });

  test('does so in a worker', async () => {
    const {page, errors, context} = await open(browser, 'worker');
    await page.goto(honest);
    const {seen, error} = await page.evaluate(
      (world) =>
        new Promise((resolve) => {
          const worker = new Worker('/test/worker.mjs', {type: 'module'});
          worker.onmessage = ({data}) => resolve(data);
          worker.onerror = ({message}) => resolve({error: message});
          worker.postMessage(world);
        }),
      {honest, liar, kept: true},
    );
    assert.equal(error, undefined);
    check(seen, (await node.bootstrap()).chain, {honest, liar});
    assert.deepEqual(errors, []);
    await context.close();
  });

  test('follows a node of another origin than the page', async () => {
    const {page, errors, context} = await open(browser, 'origin');
    await page.goto(honest);
    const signers = await page.evaluate(async (node) => {
      const {createLightClient} = await import(/** @type {any} */ ('/light/index.js'));
      const client = await createLightClient({sources: [node]});
      const head = await client.ready;
      await client.close();
      return head.signers;
    }, node.url);
    assert.equal(signers, 1);
    assert.deepEqual(errors, []);
    await context.close();
  });

  test('the example page shows an audited epoch and proves an account', async () => {
    const {page, errors, context} = await open(browser, 'example');
    await page.goto(`${honest}/light/example/index.html`);
    assert.deepEqual(await axe(page), []);
    await page.fill('#nodes', `${node.url}\n${liar}`);
    await page.getByRole('button', {name: 'Follow'}).click();
    await until('the example shows an audited epoch', 120, async () => /as computed here/.test((await page.textContent('#audit')) ?? ''));
    await until('the example names who lies', 60, async () => (await page.textContent('#alarms'))?.includes(new URL(liar).host));
    assert.match((await page.textContent('#trusted')) ?? '', /^bootstrap: block \d+/);
    const key = (await node.bootstrap()).validators[0];
    await page.fill('input[name=key]', key);
    await page.getByRole('button', {name: 'Prove'}).click();
    await until('the example proves an account', 30, async () => /tokens, proven at block \d+|no such account, says/.test((await page.textContent('#account')) ?? ''));
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({colorScheme});
      assert.deepEqual(await axe(page), []);
    }
    assert.deepEqual(errors, []);
    await context.close();
  });
});
