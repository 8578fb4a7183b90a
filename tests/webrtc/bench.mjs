// What a stream of ours costs against the browser's own data channel, and against js-libp2p's stream over the same
// transport: two browsers, in each a page of every kind, measured in turns, there and back again, so that all see the same
// moods of the machine. A ratio is the median of the ratios of each round.
//   node tests/webrtc/bench.mjs [--quick]
// It needs what the tests need (see run.mjs), but not the program. What is measured, first browser to second:
//   one way      16 MiB until the other side has counted them, in messages or writes of the size that is named;
//   round trip   32 bytes there and back on an open stream, the median of 500.
// A data channel of 16 KiB messages is what /webrtc is made of; larger messages are shown for what a browser could do.

import {cell, publish, quick} from '../bench/tables.mjs';
import {Browsers} from './support/probe.mjs';
import {relays} from './support/relay.mjs';

const KIB = 1 << 10;
const BYTES = 16 << 20;
const TRIPS = 500;
const ROUNDS = quick ? 3 : 9;
/** Our aims, as shares of the data channel with 16 KiB messages. */
const AIMS = {throughput: 0.9, trip: 1.2};

/** @typedef {import('./support/probe.mjs').Probe} Probe */
/** @typedef {{name: string, unit: string, values: number[]}} Series */

/** Connects two raw pages. @param {Probe} a @param {Probe} b */
async function join(a, b) {
  await a.call('accept', await b.call('answer', await a.call('offer')));
}

/** What is measured in each round, in this order. @param {Record<'raw'|'rust'|'js', [Probe, Probe]>} pages */
function measurements({raw, rust, js}) {
  const rate = (/** @type {number} */ ms) => BYTES / ms / 1000;
  const channel = (/** @type {number} */ size) => async () => {
    await raw[1].call('expect', BYTES);
    return rate(await raw[0].call('send', BYTES, size));
  };
  const stream = (/** @type {[Probe, Probe]} */ [a, b]) => async () => rate((await a.call('sink', b.id, BYTES, 64 * KIB)).ms);
  return /** @type {const} */ ({
    raw16: ['data channel, 16 KiB', 'MB/s', channel(16 * KIB)],
    rust: ['our stream, 64 KiB writes', 'MB/s', stream(rust)],
    js: ['js-libp2p, 64 KiB writes', 'MB/s', stream(js)],
    raw64: ['data channel, 64 KiB', 'MB/s', channel(64 * KIB)],
    raw256: ['data channel, 256 KiB', 'MB/s', channel(256 * KIB)],
    rawTrip: ['data channel, round trip', 'ms', async () => (await raw[0].call('rtt', TRIPS)).median],
    rustTrip: ['our stream, round trip', 'ms', async () => (await rust[0].call('rtt', rust[1].id, TRIPS)).median],
    jsTrip: ['js-libp2p, round trip', 'ms', async () => (await js[0].call('rtt', js[1].id, TRIPS)).median],
  });
}

/** Opens all pages, connects them, and measures; the first round only warms up. @param {Browsers} browsers @param {string} relay */
async function measure(browsers, relay) {
  const raw = /** @type {[Probe, Probe]} */ ([await browsers.open(0, 'raw'), await browsers.open(1, 'raw')]);
  await join(...raw);
  const pages = {raw, rust: await browsers.pair('rust', 'rust', relay), js: await browsers.pair('js', 'js', relay)};
  for (const [a, b] of [pages.rust, pages.js]) {
    await a.call('dial', await b.address(), 15_000);
    for (const [own, other] of [[a, b], [b, a]]) await own.call('closeRelayed', other.id);
  }
  const all = measurements(pages);
  /** @type {Record<string, number[]>} */
  const series = Object.fromEntries(Object.keys(all).map((key) => [key, []]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    const order = Object.entries(all);
    for (const [key, [, , take]] of round % 2 ? order : order.reverse()) {
      const value = await take();
      if (round > 0) series[key].push(value);
    }
  }
  /** @typedef {keyof typeof all} Key */
  const of = (/** @type {Key} */ over, /** @type {Key} */ under) => series[over].map((value, i) => value / series[under][i]);
  const figures = (/** @type {Key[]} */ keys) => keys.map((key) => ({name: all[key][0], unit: all[key][1], cells: [cell(series[key]), null, null]}));
  const compared = (/** @type {Key} */ ours, /** @type {Key} */ raw, /** @type {Key} */ theirs, /** @type {{at_most?: number, at_least?: number}} */ aim) => ({
    name: all[ours][0],
    unit: all[ours][1],
    cells: [cell(series[ours]), cell(of(ours, raw), aim), cell(of(ours, theirs))],
  });
  return {
    title: 'A stream of a direct connection beside the browser’s own data channel and js-libp2p',
    columns: [{name: ''}, {name: '/ data channel', unit: '×'}, {name: '/ js-libp2p', unit: '×'}],
    rows: [
      compared('rust', 'raw16', 'js', {at_least: AIMS.throughput}),
      ...figures(['raw16', 'raw64', 'raw256', 'js']),
      compared('rustTrip', 'rawTrip', 'jsTrip', {at_most: AIMS.trip}),
      ...figures(['rawTrip', 'jsTrip']),
    ],
    notes: [`${ROUNDS} rounds in turns; a ratio is the median of those of each round, with least and most.`],
  };
}

const [browsers, relay] = await Promise.all([Browsers.launch(), relays.js()]);
try {
  publish([await measure(browsers, relay.address)], `Chromium ${browsers.all[0].version()}`);
} finally {
  await Promise.allSettled([browsers.close(), relay.close()]);
}
