// Whole epochs of every mechanism (all terms, every gradient of the scaling), natively and in a tab: how long one takes, how
// that grows with the entries of W, and whether the same worlds give the same bits on both sides.
//   node tests/mechanism/bench.mjs [--quick]
// `cargo xtask bench mechanism` builds what it needs and says where it is ($PEERAGE_EPOCHS). Peers weigh 64 others at random.
// Connectivity solves a dense system and ends at 1,024 peers. A round is one epoch after one that is not counted; figures
// are medians of the rounds. Native and tab take turns, so that both see the same moods of the machine.

import {execFile} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join} from 'node:path';
import {promisify} from 'node:util';
import {cell, publish, quick} from '../bench/tables.mjs';
import {launch, open} from '../e2e/support/browser.mjs';

const WEIGHTS = 64;
const SIZES = quick ? [256, 1024, 4096] : [256, 1024, 4096, 16_384, 65_536, 262_144];
/** Most peers of a mechanism, natively and in the tab. @type {Record<string, [number, number]>} */
const MOST = {trust: [262_144, 16_384], consensus: [262_144, 16_384], competitive: [262_144, 16_384], connectivity: [1024, 1024]};
const AIMS = {native: 50, tab: 100, exponent: 1.15, peers: 4096};

const folder = process.env.PEERAGE_EPOCHS;
if (!folder) throw new Error('Run this as `cargo xtask bench mechanism`.');
const program = join(folder, '..', 'debug', 'examples', 'epochs');

/** @typedef {{peers: number, entries: number, hash: string, ms: number[]}} Measured */
/** @typedef {{mechanism: string, peers: number, entries: number, native: number[], tab: number[]|null, same: boolean|null}} Row */

/** Fewer rounds where one takes long. @param {number} peers */
const rounds = (peers) => (peers > 16_384 ? 3 : peers > 1024 ? 7 : 15);

/** @param {string} mechanism @param {number} peers @returns {Promise<Measured>} */
async function native(mechanism, peers) {
  const {stdout} = await promisify(execFile)(program, [mechanism, peers, WEIGHTS, rounds(peers)].map(String));
  return JSON.parse(stdout);
}

/** A page that has loaded the module. @param {import('playwright-core').Browser} browser */
async function tab(browser) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const type = {'.js': 'text/javascript', '.wasm': 'application/wasm'}[extname(path)];
    if (path === '/') return response.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html><title>epochs</title>');
    const body = type && (await readFile(join(/** @type {string} */ (folder), path.slice(1))).catch(() => null));
    return body ? response.writeHead(200, {'content-type': type}).end(body) : response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const {port} = /** @type {import('node:net').AddressInfo} */ (server.address());
  const {page} = await open(browser, 'epochs');
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.evaluate(async () => {
    const module = await import(/** @type {any} */ ('/epochs.js'));
    await module.default();
    Object.assign(globalThis, {epochs: module.epochs});
  });
  /** @param {string} mechanism @param {number} peers @returns {Promise<Measured>} */
  const measure = async (mechanism, peers) =>
    JSON.parse(await page.evaluate((given) => /** @type {any} */ (globalThis).epochs(...given), [mechanism, peers, WEIGHTS, rounds(peers)]));
  return {measure, close: () => server.close()};
}

/** The slope of log time over log entries, least squares. @param {Row[]} rows */
function exponent(rows) {
  const points = rows.map(({entries, native: ms}) => [Math.log(entries), Math.log(cell(ms)?.value ?? NaN)]);
  const mean = (/** @type {number} */ i) => points.reduce((sum, point) => sum + point[i], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  return points.reduce((sum, p) => sum + (p[0] - x) * (p[1] - y), 0) / points.reduce((sum, p) => sum + (p[0] - x) ** 2, 0);
}

/** @param {{measure: (mechanism: string, peers: number) => Promise<Measured>}} page */
async function measureAll(page) {
  const rows = /** @type {Row[]} */ ([]);
  for (const [mechanism, [most, mostInTab]] of Object.entries(MOST)) {
    for (const peers of SIZES.filter((size) => size <= most)) {
      const here = await native(mechanism, peers);
      const there = peers <= mostInTab ? await page.measure(mechanism, peers) : null;
      const same = there && there.hash === here.hash;
      rows.push({mechanism, peers, entries: here.entries, native: here.ms, tab: there && there.ms, same});
    }
  }
  return rows;
}

/** What one epoch of a mechanism costs, and how that grows. @param {string} mechanism @param {Row[]} rows @returns {import('../bench/tables.mjs').Table} */
function table(mechanism, rows) {
  const aimed = (/** @type {number} */ peers, /** @type {number} */ ms) => (mechanism !== 'connectivity' && peers === AIMS.peers ? {at_most: ms} : {});
  const grows = {name: 'grows with entries to the power of', cells: [null, null, cell(exponent(rows), mechanism === 'connectivity' ? {} : {at_most: AIMS.exponent}), null, null]};
  return {
    title: `An epoch of ${mechanism}`,
    columns: [{name: 'peers'}, {name: 'entries'}, {name: 'native', unit: 'ms'}, {name: 'tab', unit: 'ms'}, {name: 'tab / native', unit: '×'}],
    rows: [
      ...rows.map(({peers, entries, native: here, tab: there}) => {
        const [inside, outside] = [there && cell(there, aimed(peers, AIMS.tab)), cell(here, aimed(peers, AIMS.native))];
        return {name: `${peers.toLocaleString('en')} peers`, cells: [cell(peers), cell(entries), outside, inside, inside && outside && cell(inside.value / outside.value)]};
      }),
      grows,
    ],
    notes: [`All terms, every gradient of the scaling; ${WEIGHTS} weights a peer; medians of the rounds with least and most. Native and tab gave the same bits in every row that both computed.`],
    plot: {x: 'entries', y: ['native', 'tab'], log: true},
  };
}

const browser = await launch();
const page = await tab(browser);
try {
  const rows = await measureAll(page);
  const other = rows.find((row) => row.same === false);
  if (other) throw new Error(`${other.mechanism}, ${other.peers} peers: native and tab differ in bits`);
  const tables = Object.keys(MOST).map((mechanism) => table(mechanism, rows.filter((row) => row.mechanism === mechanism)));
  publish(tables, `Chromium ${browser.version()}`);
} finally {
  page.close();
  await browser.close();
}
