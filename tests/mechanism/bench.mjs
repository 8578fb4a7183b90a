// Whole epochs of every mechanism (all terms, every gradient of the scaling), natively and in a tab: how long one takes, how
// that grows with the entries of W, and whether the same worlds give the same bits on both sides.
//   node tests/mechanism/bench.mjs [--json]
// `cargo xtask bench mechanism` builds what it needs and says where it is ($PEERAGE_EPOCHS). Peers weigh 64 others at random.
// Connectivity solves a dense system and ends at 1,024 peers. A round is one epoch after one that is not counted; figures
// are medians of the rounds. Native and tab take turns, so that both see the same moods of the machine.

import {execFile} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {cpus, totalmem} from 'node:os';
import {extname, join} from 'node:path';
import {promisify} from 'node:util';
import {launch, open} from '../e2e/support/browser.mjs';

const WEIGHTS = 64;
const SIZES = [256, 1024, 4096, 16_384, 65_536, 262_144];
/** Most peers of a mechanism, natively and in the tab. @type {Record<string, [number, number]>} */
const MOST = {trust: [262_144, 16_384], consensus: [262_144, 16_384], competitive: [262_144, 16_384], connectivity: [1024, 1024]};
const AIMS = {native: 50, tab: 100, exponent: 1.15, peers: 4096};

const folder = process.env.PEERAGE_EPOCHS;
if (!folder) throw new Error('Run this as `cargo xtask bench mechanism`.');
const program = join(folder, '..', 'debug', 'examples', 'epochs');

/** @typedef {{peers: number, entries: number, hash: string, ms: number[]}} Measured */
/** @typedef {{mechanism: string, peers: number, entries: number, native: number, tab: number|null, same: boolean|null}} Row */

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

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
  const points = rows.map(({entries, native: ms}) => [Math.log(entries), Math.log(ms)]);
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
      rows.push({mechanism, peers, entries: here.entries, native: median(here.ms), tab: there && median(there.ms), same});
    }
  }
  return rows;
}

/** @param {Row[]} rows */
function summary(rows) {
  const of = (/** @type {string} */ mechanism) => rows.filter((row) => row.mechanism === mechanism);
  return Object.keys(MOST).map((mechanism) => {
    const at = of(mechanism).find(({peers}) => peers === AIMS.peers);
    return {mechanism, native: at?.native ?? null, tab: at?.tab ?? null, exponent: exponent(of(mechanism))};
  });
}

/** What is worse than its aim, a line each. @param {ReturnType<typeof summary>} sums */
const missed = (sums) =>
  sums
    .filter(({mechanism}) => mechanism !== 'connectivity')
    .flatMap(({mechanism, native: ms, tab, exponent: e}) => [
      ...(ms !== null && ms > AIMS.native ? [`${mechanism}: ${ms.toFixed(1)} ms natively, ${AIMS.native} are the aim`] : []),
      ...(tab !== null && tab > AIMS.tab ? [`${mechanism}: ${tab.toFixed(1)} ms in the tab, ${AIMS.tab} are the aim`] : []),
      ...(e > AIMS.exponent ? [`${mechanism}: exponent ${e.toFixed(2)}, ${AIMS.exponent} is the aim`] : []),
    ]);

/** @param {any} result */
function table({machine, rows, sums, same}) {
  const ms = (/** @type {number|null} */ x) => (x === null ? '–' : x.toFixed(x < 10 ? 2 : x < 100 ? 1 : 0)).padStart(10);
  const cells = (/** @type {Row} */ r) =>
    `${r.mechanism.padEnd(14)}${String(r.peers).padStart(8)}${String(r.entries).padStart(10)}${ms(r.native)}${ms(r.tab)}${r.tab === null ? ''.padStart(12) : (r.tab / r.native).toFixed(2).padStart(12)}`;
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.browser}; one epoch, all terms; medians`,
    '',
    `${'mechanism'.padEnd(14)}${'peers'.padStart(8)}${'entries'.padStart(10)}${'native ms'.padStart(10)}${'tab ms'.padStart(10)}${'tab/native'.padStart(12)}`,
    ...rows.map(cells),
    '',
    `Growth, ms ~ entries^e, natively (aim, connectivity apart: at most ${AIMS.exponent}), and an epoch of ${AIMS.peers} peers (aims: ${AIMS.native} ms natively, ${AIMS.tab} ms in a tab):`,
    ...sums.map((/** @type {any} */ s) => `${s.mechanism.padEnd(14)} e = ${s.exponent.toFixed(2)}${s.native === null ? '' : `   native ${s.native.toFixed(1)} ms, tab ${s.tab?.toFixed(1)} ms`}`),
    same ? 'Native and tab computed the same bits in every row that both computed.' : 'NATIVE AND TAB DIFFER IN BITS.',
    ...missed(sums),
  ].join('\n');
}

const browser = await launch();
const page = await tab(browser);
try {
  const machine = {cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memory: totalmem(), browser: `Chromium ${browser.version()}`};
  const rows = await measureAll(page);
  const same = rows.every((row) => row.same !== false);
  const result = {version: 1, machine, weights: WEIGHTS, rows, sums: summary(rows), same};
  console.log(process.argv.includes('--json') ? JSON.stringify(result, null, 2) : table(result));
  if (!same) process.exitCode = 1;
} finally {
  page.close();
  await browser.close();
}
