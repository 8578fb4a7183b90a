// Ten thousand short streams between two Rust pages. Browsers use the ids of closed data channels again before the other
// side has closed them, and a stream in such a channel hangs; none may be lost here.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {Browsers} from './support/probe.mjs';
import {relays} from './support/relay.mjs';

const IN_ALL = 10_000;
/** One call of the page: what a browser driver can wait for. */
const AT_ONCE = 2500;

describe('many short streams, Rust to Rust', {concurrency: false}, () => {
  /** @type {Browsers} */
  let browsers;
  /** @type {import('./support/relay.mjs').Relay} */
  let relay;
  /** @type {import('./support/probe.mjs').Probe[]} */
  let pages;
  before(async () => {
    [browsers, relay] = await Promise.all([Browsers.launch(), relays.js()]);
    pages = await browsers.pair('rust', 'rust', relay.address);
    await pages[0].call('dial', await pages[1].address(), 15_000);
  });
  after(() => Promise.allSettled([browsers?.close(), relay?.close()]));

  test(`${IN_ALL} requests come back, 8 at a time from each side`, async () => {
    const [a, b] = pages;
    const side = async (/** @type {typeof a} */ own, /** @type {typeof a} */ other) => {
      let [ok, failed] = [0, /** @type {string[]} */ ([])];
      while (ok + failed.length < IN_ALL / 2) {
        const part = await own.call('requests', other.id, AT_ONCE, 200, 8);
        ok += part.ok;
        failed = failed.concat(part.failed);
      }
      return {ok, failed: failed.slice(0, 5)};
    };
    const results = await Promise.all([side(a, b), side(b, a)]);
    for (const result of results) assert.deepEqual(result, {ok: IN_ALL / 2, failed: []});
  });

  test('the connection is the same, and alone', async () => {
    const all = await pages[0].connections(pages[1].id);
    assert.deepEqual(all.map((c) => c.direct), [true]);
  });
});
