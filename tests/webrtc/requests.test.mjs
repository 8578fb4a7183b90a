// Ten thousand short streams between two Rust pages. Browsers use the ids of closed data channels again while messages
// about the old ones are still under way, and a stream in such a channel hangs; none may be lost here, nor where packets are.
// About one channel in 100,000 takes no bytes on the side that did not open it, whoever uses Chromium: that stream ends
// soon, and its request is tried once more.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {Browsers} from './support/probe.mjs';
import {relays} from './support/relay.mjs';

/** @typedef {import('./support/probe.mjs').Probe} Probe */

/** One call of a page asks for so many at most: a minute's work on a slow machine. */
const PER_CALL = 1000;

/** How many of them may need a second try. */
const AGAIN = 2;

/** What becomes of `n` requests of one page, 8 at a time. @param {Probe} own @param {Probe} other @param {number} n */
async function requests(own, other, n) {
  let [ok, again, failed] = [0, /** @type {string[]} */ ([]), /** @type {string[]} */ ([])];
  while (ok + failed.length < n) {
    const part = await own.call('requests', other.id, Math.min(PER_CALL, n - ok - failed.length), 200, 8);
    ok += part.ok;
    again = again.concat(part.again);
    failed = failed.concat(part.failed);
  }
  assert.ok(again.length <= AGAIN, `${again.length} were tried again: ${again.slice(0, 5).join('; ')}`);
  return {ok, failed: failed.slice(0, 5)};
}

/** The same from both sides at once; all have to come back. @param {Probe[]} pages @param {number} n in all */
async function bothWays([a, b], n) {
  const results = await Promise.all([requests(a, b, n / 2), requests(b, a, n / 2)]);
  for (const result of results) assert.deepEqual(result, {ok: n / 2, failed: []});
}

// They wait more than they work, so both run at once.
describe('many short streams, Rust to Rust', {concurrency: 2}, () => {
  /** @type {Browsers} */
  let browsers;
  /** @type {import('./support/relay.mjs').Relay} */
  let relay;
  before(async () => {
    [browsers, relay] = await Promise.all([Browsers.launch(), relays.js()]);
  });
  after(() => Promise.allSettled([browsers?.close(), relay?.close()]));

  /** @param {{latency: number, loss: number}} [disturbance] */
  const connected = async (disturbance) => {
    const [a, b] = await browsers.pair('rust', 'rust', relay.address, disturbance);
    await a.call('dial', await b.address(), 15_000);
    await b.until('a direct connection', 5, a.id, (all) => all.some((c) => c.direct));
    return [a, b];
  };

  test('10000 requests come back, and then 200 at once', async () => {
    const [a, b] = await connected();
    await bothWays([a, b], 10_000);
    const {ok, failed} = await a.call('requests', b.id, 600, 200, 200);
    assert.deepEqual([ok, failed], [600, []]);
    const all = await a.connections(b.id);
    assert.deepEqual(all.map((c) => c.direct), [true]);
  });

  test('2000 requests come back where 2 of 100 packets are lost', async () => {
    const [a, b] = await connected({latency: 5, loss: 2});
    const {median} = await a.call('rtt', b.id, 20);
    assert.ok(median >= 5, `packets are not late: ${median} ms`);
    await bothWays([a, b], 2000);
  });
});
