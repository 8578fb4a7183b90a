// What goes wrong around a direct connection: the relay dies, both sides dial at once, the other tab dies.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {until} from '../e2e/support/wait.mjs';
import {Browsers} from './support/probe.mjs';
import {relays} from './support/relay.mjs';

/** @typedef {import('./support/probe.mjs').Probe} Probe */

/** @type {Browsers} */
let browsers;
before(async () => {
  browsers = await Browsers.launch();
});
after(() => browsers?.close());

/** An echo of a megabyte comes back as it was. @param {Probe} own @param {Probe} other */
async function exchanges(own, other) {
  const {crcSent, crcReceived} = await own.call('echo', other.id, 1 << 20, 1 << 18, 3);
  assert.equal(crcReceived, crcSent);
}

const direct = (/** @type {import('./support/probe.mjs').Connection[]} */ all) => all.filter((c) => c.direct).length;

for (const second of /** @type {const} */ (['rust', 'js'])) {
  test(`rust and ${second} go on when the relay dies`, async () => {
    const relay = await relays.js();
    const [a, b] = await browsers.pair('rust', second, relay.address);
    try {
      await a.call('dial', await b.address(), 15_000);
      await exchanges(a, b);
      const long = a.call('echo', b.id, 16 << 20, 1 << 18, 4);
      await relay.kill();
      const relayed = async () => (await a.call('conns')).filter((/** @type {any} */ c) => !c.direct);
      await until('nothing is left but the direct connection', 10, async () => (await relayed()).length === 0, async () => JSON.stringify(await relayed()));
      const {crcSent, crcReceived} = await long;
      assert.equal(crcReceived, crcSent);
      await exchanges(a, b);
      await exchanges(b, a);
      if (second === 'rust') {
        const {ok} = await b.call('requests', a.id, 200, 100, 8);
        assert.equal(ok, 200);
      }
    } finally {
      await Promise.all([a.close(), b.close(), relay.close()]);
    }
  });
}

describe('both dial at once', {concurrency: false}, () => {
  /** @type {import('./support/relay.mjs').Relay} */
  let relay;
  before(async () => {
    relay = await relays.js();
  });
  after(() => relay?.close());

  test('rust and rust are left with one connection', async (t) => {
    for (let round = 1; round <= 2; round += 1) {
      const [a, b] = await browsers.pair('rust', 'rust', relay.address);
      try {
        const addresses = [await a.address(), await b.address()];
        const dials = await Promise.allSettled([a.call('dial', addresses[1], 15_000), b.call('dial', addresses[0], 15_000)]);
        assert.deepEqual(dials.filter((d) => d.status === 'rejected').map((d) => String(d.reason)), []);
        const alone = async () => {
          for (const [own, other] of [[a, b], [b, a]]) await own.until('one direct connection and nothing else', 10, other.id, (all) => all.length === 1 && direct(all) === 1);
        };
        await alone();
        // Each may have seen one and not yet the other's, which ends what was begun on it.
        await until('they exchange', 10, () => exchanges(a, b).then(() => true, () => false));
        await alone();
        await exchanges(a, b);
        await exchanges(b, a);
        t.diagnostic((await a.call('log')).filter((/** @type {string} */ line) => line.startsWith('Connected')).join('; '));
      } finally {
        await Promise.all([a.close(), b.close()]);
      }
    }
  });

  test('rust and js are left with a connection that both can use', async () => {
    const [a, b] = await browsers.pair('rust', 'js', relay.address);
    try {
      const addresses = [await a.address(), await b.address()];
      const dials = await Promise.allSettled([a.call('dial', addresses[1], 15_000), b.call('dial', addresses[0], 15_000)]);
      assert.ok(dials.some((d) => d.status === 'fulfilled'), JSON.stringify(dials));
      await a.until('no relayed connection', 10, b.id, (all) => direct(all) > 0 && direct(all) === all.length);
      await exchanges(a, b);
      await exchanges(b, a);
    } finally {
      await Promise.all([a.close(), b.close()]);
    }
  });
});

test('a channel that the browser never calls open ends soon', async () => {
  const relay = await relays.js();
  const [a, b] = /** @type {[Probe, Probe]} */ (await Promise.all([browsers.open(0, 'rust'), browsers.open(1, 'rust')]));
  try {
    await b.page.evaluate(() => {
      // As Chromium does once in 100,000: the next channel that `stuck` is meant for stays connecting.
      const state = Object.assign(window, {stuck: false});
      const Stuck = class extends RTCPeerConnection {
        /** @param {RTCConfiguration} [configuration] */
        constructor(configuration) {
          super(configuration);
          this.addEventListener('datachannel', ({channel}) => {
            if (state.stuck) Object.defineProperty(channel, 'readyState', {get: () => 'connecting'});
            state.stuck = false;
          });
        }
      };
      Object.assign(window, {RTCPeerConnection: Stuck});
    });
    await Promise.all([a, b].map((page) => page.start(relay.address)));
    await a.address();
    await a.call('dial', await b.address(), 15_000);
    await a.call('agent', b.id); // nothing else opens a stream
    await exchanges(a, b);
    await b.page.evaluate(() => Object.assign(window, {stuck: true}));
    const {ok, again, ms} = await a.call('requests', b.id, 1, 1000, 1);
    assert.deepEqual([ok, again.length], [1, 1]);
    assert.ok(ms < 4000, `${ms} ms`);
    await exchanges(b, a);
  } finally {
    await Promise.all([a.close(), b.close(), relay.close()]);
  }
});

test('a tab that dies is missed', async () => {
  const relay = await relays.js();
  const [a, b] = await browsers.pair('rust', 'rust', relay.address);
  try {
    await a.call('dial', await b.address(), 15_000);
    await exchanges(a, b);
    await b.close(); // without a word: the page is gone before its peer could say anything
    await a.until('no connection', 30, b.id, (all) => all.length === 0);
  } finally {
    await Promise.all([a.close(), relay.close()]);
  }
});
