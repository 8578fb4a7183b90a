// A hostile peer against a Rust page: signalling that is none, answers that never come, channels and bytes without end.
// After each of these an honest peer dials the same page and exchanges, and the page's memory has not grown much.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {until} from '../e2e/support/wait.mjs';
import {Browsers} from './support/probe.mjs';
import {relays} from './support/relay.mjs';

/** @typedef {import('./support/probe.mjs').Probe} Probe */

/** What the page gives a dial, in ms; 20 s where nobody tests. */
const TIMEOUT = 4000;
const MIB = 1 << 20;
/** Streams of one connection that others may have open. */
const STREAMS = 512;
/** What the WebAssembly memory, which never shrinks, may have grown by in the end: 16 MiB may wait to be read in each of a few streams. */
const GROWTH = 96 * MIB;

/** How a call has to end. `late`: only when the page's patience does. @type {Record<string, 'soon'|'late'|'any'>} */
const CALLS = {
  junk: 'soon',
  oversized: 'soon',
  'length without end': 'soon',
  'wrong protobuf': 'soon',
  'a candidate first': 'soon',
  'an answer first': 'soon',
  'an offer of nonsense': 'soon',
  'two offers': 'soon',
  silence: 'late',
  'an offer, then silence': 'late',
  'candidates without end': 'late',
};

describe('a hostile peer', {concurrency: false}, () => {
  /** @type {Browsers} */
  let browsers;
  /** @type {import('./support/relay.mjs').Relay} */
  let relay;
  /** @type {Probe} */
  let victim;
  /** @type {Probe} */
  let hostile;
  /** @type {Probe} */
  let honest;
  /** The memory that all of it began with. */
  let memory = 0;

  before(async () => {
    [browsers, relay] = await Promise.all([Browsers.launch(), relays.js()]);
    victim = await browsers.open(0, 'rust');
    hostile = await browsers.open(1, 'hostile');
    honest = await browsers.open(1, 'rust');
    await Promise.all([victim, hostile, honest].map((page) => page.start(relay.address, {timeout: TIMEOUT})));
    await Promise.all([victim.address(), honest.address()]);
    await usable();
    memory = await victim.call('memory');
  });
  after(() => Promise.allSettled([browsers?.close(), relay?.close()]));

  /** Whether an honest peer can dial the page and exchange with it, and what its memory has grown by, in bytes. */
  async function usable() {
    await honest.call('dial', await victim.address(), 10_000);
    const {crcSent, crcReceived} = await honest.call('echo', victim.id, MIB, 1 << 18, 5);
    assert.equal(crcReceived, crcSent);
    const {ok} = await victim.call('requests', honest.id, 20, 1000, 4);
    assert.equal(ok, 20);
    await honest.call('hangup', victim.id);
    await victim.until('no connection', 5, honest.id, (all) => all.length === 0);
    return (await victim.call('memory')) - memory;
  }

  test('calls with signalling that is none', async () => {
    assert.deepEqual((await hostile.call('openings')).sort(), Object.keys(CALLS).sort());
    for (const [name, end] of Object.entries(CALLS).filter(([, end]) => end === 'soon')) {
      const {end: seen, ms} = await hostile.call('call', victim.id, name, 2 * TIMEOUT);
      assert.notEqual(seen, 'open', name);
      assert.ok(ms < TIMEOUT / 2, `${name}: ${end} was ${Math.round(ms)} ms`);
    }
    assert.ok((await usable()) < GROWTH);
  });

  test('calls and then says nothing, or too much', async (t) => {
    for (const name of Object.keys(CALLS).filter((name) => CALLS[name] === 'late')) {
      const {end, ms} = await hostile.call('call', victim.id, name, 2 * TIMEOUT + 2000);
      assert.notEqual(end, 'open', `${name}: still open after ${Math.round(ms)} ms`);
      t.diagnostic(`${name}: ${end} after ${Math.round(ms)} ms`);
    }
    assert.ok((await usable()) < GROWTH);
  });

  test('calls many times at once, while an honest peer dials', async (t) => {
    const calls = Array.from({length: 30}, () => hostile.call('call', victim.id, 'an offer, then silence', 2 * TIMEOUT + 2000));
    await usable();
    const ends = await Promise.all(calls);
    const count = (/** @type {string} */ end) => ends.filter((e) => e.end === end).length;
    t.diagnostic(`${count('reset')} were reset, ${count('end')} ended, ${count('refused')} could not be made`);
    assert.ok(ends.every(({end}) => end !== 'open') && count('reset') > 2, JSON.stringify(ends));
    assert.ok((await usable()) < GROWTH);
  });

  test('is dialled, and answers wrongly or not at all', async () => {
    const address = `${relay.address}/p2p-circuit/webrtc/p2p/${hostile.id}`;
    for (const name of await hostile.call('answers')) {
      await hostile.call('answer', name);
      const started = performance.now();
      await assert.rejects(victim.call('dial', address, 3 * TIMEOUT), (error) => !/not within/.test(String(error)), name);
      assert.ok(performance.now() - started < 2 * TIMEOUT, name);
    }
    assert.ok((await usable()) < GROWTH);
  });

  test('connects, and sends frames that are none', async () => {
    await hostile.call('connect', victim.id);
    const ends = await hostile.call('frames', 3000);
    for (const name of ['oversized', 'length without end', 'wrong protobuf', 'no multistream']) assert.notEqual(ends[name], 'open', name);
    assert.ok((await usable()) < GROWTH, JSON.stringify(ends));
  });

  test('sends what nobody reads', async () => {
    await hostile.call('connect', victim.id);
    for (let stream = 0; stream < 3; stream += 1) {
      const {sent, end} = await hostile.call('unread', 64 * MIB, 30_000);
      assert.notEqual(end, 'open');
      assert.ok(sent > 15 * MIB && sent < 32 * MIB, `${sent} bytes were taken`);
    }
    assert.ok((await usable()) < GROWTH);
  });

  test('opens a thousand channels', async (t) => {
    await victim.page.evaluate(watchChannels);
    await hostile.call('connect', victim.id);
    const made = await hostile.call('channels', 1000);
    const states = () => victim.page.evaluate(() => /** @type {RTCDataChannel[]} */ (/** @type {any} */ (window).channels).map((channel) => channel.readyState));
    await until('all of them arrive', 20, async () => (await states()).length >= made, async () => `${(await states()).length} of ${made}`);
    const open = (await states()).filter((state) => state === 'open').length;
    t.diagnostic(`${made} channels arrived, ${open} are open`);
    assert.ok(made > STREAMS && open <= STREAMS, `${open} of ${made}`);
    const growth = await usable();
    await hostile.call('hangup');
    await victim.until('the hostile connection gone', 10, hostile.id, (all) => all.every((c) => !c.direct));
    t.diagnostic(`the page's memory grew by ${(growth / MIB).toFixed(1)} MiB from ${(memory / MIB).toFixed(1)} in all`);
    assert.ok(growth < GROWTH, `${growth}`);
  });

  test('leaves no error on the console', () => {
    assert.deepEqual([...victim.complaints(), ...honest.complaints()], []);
  });
});

/**
 * In a page: `window.channels` are from now on those that others open. The other side's view does not do: Chromium can take
 * long to say that a channel is closed when hundreds are at once.
 */
function watchChannels() {
  const channels = /** @type {RTCDataChannel[]} */ ([]);
  const Watched = class extends RTCPeerConnection {
    /** @param {RTCConfiguration} [configuration] */
    constructor(configuration) {
      super(configuration);
      this.addEventListener('datachannel', ({channel}) => channel.label === '' && channels.push(channel));
    }
  };
  Object.assign(window, {channels, RTCPeerConnection: Watched});
}
