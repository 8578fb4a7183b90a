// The npm package in Node.js, against a real development network.

import {after, before, describe, test} from 'node:test';
import {Node} from '../e2e/support/node.mjs';
import {door} from './support/places.mjs';
import {scenario} from './support/scenario.mjs';
import {check} from './support/verdict.mjs';

describe('the light client in Node.js', {concurrency: false}, () => {
  /** @type {Node} */ let node;
  /** @type {import('./support/places.mjs').Door[]} */ let doors = [];
  before(async () => {
    node = await Node.start({residents: 2});
    doors = [await door(node.url), await door(node.url, {lies: true})];
  });
  after(async () => {
    await Promise.allSettled(doors.map((one) => one.close()));
    await node?.remove();
  });

  test('follows, audits, proves, names who lies and goes on with the other', async () => {
    const [honest, liar] = doors.map((one) => one.url);
    const index = new URL('../../pkg/light/index.js', import.meta.url).href;
    check(await scenario(index, {honest, liar, kept: false}), (await node.bootstrap()).chain, {honest, liar});
  });
});
