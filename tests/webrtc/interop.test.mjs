// Every pair of a Rust page and another one, Rust or js-libp2p, through our relay and through js-libp2p's: dials, is
// identified, exchanges on streams in every manner, and notices when the other side ends.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {steps} from '../e2e/support/steps.mjs';
import {checksum} from './pages/pattern.mjs';
import {HALF} from './pages/protocols.mjs';
import {Browsers} from './support/probe.mjs';
import {relays} from './support/relay.mjs';

/** @typedef {import('./support/probe.mjs').Probe} Probe */

const PAIRS = /** @type {const} */ ([['rust', 'rust'], ['rust', 'js'], ['js', 'rust']]);
const MIB = 1 << 20;
/** What is echoed in one stream. The second relay is no longer there when it begins. */
const MUCH = {js: 64 * MIB, peerage: 8 * MIB};
/** Until the other side's hanging up is noticed: it takes some 10 ms. */
const NOTICED_S = 3;
/** Seconds in which ICE does. */
const ICE_S = 30;

/** @type {Browsers} */
let browsers;
before(async () => {
  browsers = await Browsers.launch();
});
after(() => browsers?.close());

for (const kind of /** @type {const} */ (['js', 'peerage'])) {
  describe(`through the relay of ${kind}`, {concurrency: false}, () => {
    /** @type {import('./support/relay.mjs').Relay} */
    let relay;
    before(async () => {
      relay = await relays[kind]();
    });
    after(() => relay?.close());
    for (const [first, second] of PAIRS) describe(`${first} dials ${second}`, {concurrency: false}, () => pair(first, second, () => relay.address, MUCH[kind]));
  });
}

/** @param {'rust'|'js'} first @param {'rust'|'js'} second @param {() => string} relay @param {number} much */
function pair(first, second, relay, much) {
  const step = steps();
  /** @type {Probe} */
  let a;
  /** @type {Probe} */
  let b;
  before(async () => {
    [a, b] = await browsers.pair(first, second, relay());
  });
  after(() => Promise.all([a?.close(), b?.close()]));
  /** The same for both: what one does with the other. @param {(own: Probe, other: Probe) => Promise<void>} body */
  const each = async (body) => {
    await body(a, b);
    await body(b, a);
  };

  /**
   * js-libp2p closes its data channels as they finish, and Chromium gives their ids away too early: one in some hundreds of its streams is
   * closed or lost at its start. Ours does not, so only what js opens may be tried again, once.
   * @param {Probe} own @param {string} method @param {unknown[]} args
   */
  const opened = (own, method, ...args) =>
    own.call(method, ...args).catch((error) => {
      if (own.name.startsWith('rust')) throw error;
      return own.call(method, ...args);
    });

  step('connects', async () => {
    const {addr} = await a.call('dial', await b.address(), 15_000);
    assert.match(addr, /\/webrtc\/p2p\//);
    await each((own, other) => own.until('a direct connection', 5, other.id, (all) => all.some((c) => c.direct)).then(() => {}));
  });

  step('leaves the relay', async () => {
    await each((own, other) => own.call('closeRelayed', other.id));
    await each(async (own, other) => {
      await own.until('direct alone', 10, other.id, (all) => all.length === 1 && all[0].direct);
    });
  });

  step('identifies the other side', async () => {
    await each(async (own, other) => {
      const {agent, protocols} = await own.call('agent', other.id);
      assert.match(agent, other.name.startsWith('rust') ? /^peerage-webrtc\// : /^js-libp2p\//);
      assert.ok(protocols.includes(HALF) && protocols.includes('/ipfs/ping/1.0.0'), `${protocols}`);
    });
    // As the one that dialled, js-libp2p refuses to be observed at `/webrtc/p2p/…`, and forgets what came with it.
    if (second === 'js') await b.call('identified', a.id);
  });

  step('pings', () =>
    each(async (own, other) => {
      const ms = await own.call('ping', other.id);
      assert.ok(ms > 0 && ms < 1000, `${ms} ms`);
    }));

  step(`echoes ${much / MIB} MiB`, async () => {
    const {crcSent, crcReceived} = await a.call('echo', b.id, much, MIB, 7);
    assert.equal(crcSent, checksum(7, much));
    assert.equal(crcReceived, crcSent);
  });

  step('echoes what the dialled side sends', async () => {
    const bytes = 2 * MIB + 12_345;
    const {crcSent, crcReceived} = await b.call('echo', a.id, bytes, MIB, 8);
    assert.equal(crcSent, checksum(8, bytes));
    assert.equal(crcReceived, crcSent);
  });

  step('carries 20 streams at once', () =>
    each(async (own, other) => {
      const all = await opened(own, 'streams', other.id, 20, 100_000);
      assert.equal(all.length, 20);
      for (const [i, {crcSent, crcReceived}] of all.entries()) {
        assert.equal(crcSent, checksum(i + 1, 100_000));
        assert.equal(crcReceived, crcSent);
      }
    }));

  step('answers after the end of the question', () =>
    each(async (own, other) => {
      const {length, crcSent, crcReceived, answer} = await opened(own, 'halfClose', other.id, 300_000);
      assert.deepEqual([length, crcReceived, answer], [300_000, crcSent, 8]);
    }));

  step('notices an aborted stream', () =>
    each(async (own, other) => {
      for (const kind of ['local', 'remote']) assert.equal((await opened(own, 'reset', other.id, kind)).seen, 'reset', kind);
    }));

  /** Starts an echo that cannot end, and gives what becomes of it once it is under way. @param {Probe} own @param {Probe} other */
  const endless = async (own, other) => {
    const end = own.call('echo', other.id, 1 << 30, MIB, 9).then(() => 'done', () => 'failed');
    await own.call('rtt', other.id, 3);
    return {end};
  };

  /**
   * One hangs up in the middle of an exchange, the other notices at once. What tells it is a single packet; where that is lost on a crowded
   * machine ICE has to notice, and it is tried once more.
   * @param {Probe} leaves @param {Probe} stays
   */
  const hangUp = async (leaves, stays, tries = 2) => {
    const {end} = await endless(stays, leaves);
    await leaves.call('hangup', stays.id);
    const gone = (/** @type {number} */ seconds) => stays.until('no connection', seconds, leaves.id, (all) => all.length === 0);
    try {
      await gone(NOTICED_S);
    } catch (error) {
      if (tries === 1) throw error;
      await gone(ICE_S);
      await a.call('dial', await b.address(), 15_000);
      return hangUp(leaves, stays, tries - 1);
    }
    assert.equal(await end, 'failed');
  };

  // js-libp2p waits for ICE to fail, a quarter of a minute: what ours hears is looked at, whoever dialled.
  step('notices that the other side hangs up', () => (first === 'rust' ? hangUp(b, a) : hangUp(a, b)));

  if (first === 'rust' && second === 'rust') {
    step('dials again, and hangs up itself', async () => {
      await a.call('dial', await b.address(), 15_000);
      await b.until('a direct connection', 5, a.id, (all) => all.some((c) => c.direct));
      await hangUp(a, b);
      await a.until('no connection', NOTICED_S, b.id, (all) => all.length === 0);
    });
  }

  test('no console has anything against it', () => {
    assert.deepEqual([...a.complaints(), ...b.complaints()], []);
  });
}
