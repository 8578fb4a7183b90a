// The npm package in Firefox, in a page and in a worker, against a real development network; and its example page.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {door} from '../client/support/places.mjs';
import {check} from '../client/support/verdict.mjs';
import {Node} from '../e2e/support/node.mjs';
import {until} from '../e2e/support/wait.mjs';
import {Firefox} from './support/webdriver.mjs';

describe('the light client in Firefox', {concurrency: false}, () => {
  /** @type {Node} */ let node;
  /** @type {import('../client/support/places.mjs').Door[]} */ let doors = [];
  /** @type {Firefox} */ let firefox;
  /** @type {string[]} */ let [honest, liar] = ['', ''];
  before(async () => {
    node = await Node.start({residents: 2});
    doors = [await door(node.url), await door(node.url, {lies: true})];
    [honest, liar] = doors.map((one) => one.url);
    firefox = await Firefox.launch();
  });
  after(async () => {
    await firefox?.close();
    await Promise.allSettled(doors.map((one) => one.close()));
    await node?.remove();
  });

  test('follows, audits, proves, keeps, and names who lies: in a page, then in a worker', async () => {
    const page = await firefox.page();
    for (const place of ['page', 'worker']) {
      await page.goto(honest);
      const {seen, error} = await page.evaluate(
        async ([place, world]) => {
          if (place === 'page') return {seen: await (await import(/** @type {any} */ ('/test/scenario.mjs'))).scenario('/light/index.js', world)};
          return new Promise((resolve) => {
            const worker = new Worker('/test/worker.mjs', {type: 'module'});
            worker.onmessage = ({data}) => resolve(data);
            worker.onerror = ({message}) => resolve({error: message});
            worker.postMessage(world);
          });
        },
        [place, {honest, liar, kept: place === 'page'}],
      );
      assert.equal(error, undefined, place);
      check(seen, (await node.bootstrap()).chain, {honest, liar});
    }
  });

  test('the example page shows an audited epoch and proves an account', async () => {
    const page = await firefox.page();
    await page.goto(`${honest}/light/example/index.html`);
    await page.evaluate((url) => Object.assign(document.querySelector('#nodes') ?? {}, {value: url}), node.url);
    await page.press('Follow');
    await until('the example shows an audited epoch', 120, async () => /as computed here/.test(await page.text('#audit')), () => page.text('body'));
    assert.match(await page.text('#trusted'), /^bootstrap: block \d+/);
    await page.type('input[name=key]', (await node.bootstrap()).validators[0]);
    await page.press('Prove');
    await until('the example proves an account', 30, async () => /tokens, proven at block \d+|no such account, says/.test(await page.text('#account')));
  });

  test('its console has nothing against it', () => {
    assert.deepEqual(firefox.errors, []);
  });
});
