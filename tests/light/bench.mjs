// What a light client costs, natively and in a tab: epochs, headers and proofs a second, the audit of an epoch by the number of
// peers, a cold start over 1,000 epochs, and the bytes of its module.
//   node tests/light/bench.mjs [--quick]
// `cargo xtask bench light` builds what it needs and says where it is ($PEERAGE_LIGHT). Figures are medians of the rounds, each
// after one that is not counted; native and tab take turns, so that both see the same moods of the machine. Both read the same
// bytes, which a program makes from seeds.

import {execFile} from 'node:child_process';
import {readFile, readdir} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join} from 'node:path';
import {promisify} from 'node:util';
import {brotliCompressSync, constants, gzipSync} from 'node:zlib';
import {cell, list, publish, quick} from '../bench/tables.mjs';
import {launch, open} from '../e2e/support/browser.mjs';

/** What is timed, in how many rounds, and what one of it is. @type {[string, number, string][]} */
const SUBJECTS = [
  ['links', 5, 'epoch'],
  ['headers', 15, 'header'],
  ['proofs-4096', 5, 'proof'],
  ['audit-256', 15, 'peer'],
  ['audit-4096', 7, 'peer'],
  ['audit-16384', 3, 'peer'],
];
const COLD = quick ? 3 : 7;
/** Most milliseconds, in the tab. @type {Record<string, number>} */
const AIMS = {cold: 500, 'audit-4096': 150};
/** Where the module of the light client for other people's pages is built. */
const MODULE = new URL('../../pkg/light/wasm/', import.meta.url).pathname;

const folder = process.env.PEERAGE_LIGHT;
if (!folder) throw new Error('Run this as `cargo xtask bench light`.');
const program = join(folder, '..', 'release', 'examples', 'measure');
const data = join(folder, 'data');
const run = promisify(execFile);

/** @typedef {{subject: string, count: number, ms: number[]}} Measured */

/** @param {string} subject @param {number} rounds @returns {Promise<Measured>} */
const native = async (subject, rounds) => JSON.parse((await run(program, [data, subject, String(rounds)])).stdout);

/** A page that has loaded the module, from a server that has the bytes. @param {import('playwright-core').Browser} browser */
async function tab(browser) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    if (path === '/') return response.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html><title>light</title>');
    const type = {'.js': 'text/javascript', '.wasm': 'application/wasm'}[extname(path)] ?? 'application/octet-stream';
    const file = path.startsWith('/data/') ? join(data, path.slice(6)) : join(/** @type {string} */ (folder), path.slice(1));
    const body = path.includes('..') ? null : await readFile(file).catch(() => null);
    return body ? response.writeHead(200, {'content-type': type, 'cache-control': 'no-store'}).end(body) : response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const {port} = /** @type {import('node:net').AddressInfo} */ (server.address());
  const {page} = await open(browser, 'light');
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.evaluate(async () => {
    const module = await import(/** @type {any} */ ('/measure.js'));
    await module.default();
    const fetched = async (/** @type {string} */ name) => new Uint8Array(await (await fetch(`/data/${name}`)).arrayBuffer());
    Object.assign(globalThis, {
      timed: async (/** @type {string} */ subject, /** @type {number} */ rounds) => module.time(subject, await fetched(subject), rounds),
      cold: async () => {
        const genesis = await fetched('cold-genesis');
        const since = performance.now();
        const client = new module.Cold(genesis);
        for (let there = false; !there; ) {
          const asked = client.ask();
          if (asked === undefined) throw new Error('It asks for nothing, and has not arrived.');
          const [id, name] = asked.split(' ');
          there = client.answer(Number(id), await fetched(name));
        }
        return performance.now() - since;
      },
    });
  });
  /** @param {string} subject @param {number} rounds @returns {Promise<Measured>} */
  const measure = async (subject, rounds) => JSON.parse(await page.evaluate((given) => /** @type {any} */ (globalThis).timed(...given), [subject, rounds]));
  /** @returns {Promise<number>} */
  const cold = () => page.evaluate(() => /** @type {any} */ (globalThis).cold());
  return {measure, cold, close: () => server.close()};
}

/** @param {{measure: typeof native, cold: () => Promise<number>}} page @returns {Promise<import('../bench/tables.mjs').Table>} */
async function measureAll(page) {
  const rows = /** @type {import('../bench/tables.mjs').Row[]} */ ([]);
  for (const [subject, most, unit] of SUBJECTS) {
    const rounds = quick ? Math.min(most, 3) : most;
    const here = await native(subject, rounds);
    const there = await page.measure(subject, rounds);
    if (here.count !== there.count) throw new Error(`${subject}: ${here.count} natively, ${there.count} in the tab`);
    const [outside, inside] = [cell(here.ms), cell(there.ms, subject in AIMS ? {at_most: AIMS[subject]} : {})];
    const rate = (/** @type {typeof inside} */ ms) => ms && cell((here.count / ms.value) * 1e3);
    rows.push({name: subject, cells: [cell(here.count), outside, inside, inside && outside && cell(inside.value / outside.value), rate(outside), rate(inside)], note: `${unit}s`});
  }
  const starts = [];
  for (let round = 0; round <= COLD; round++) starts.push(await page.cold());
  rows.push({name: 'cold', cells: [cell(1000), null, cell(starts.slice(1), {at_most: AIMS.cold}), null, null, null], note: 'epochs'});
  return {
    title: 'What a light client costs',
    columns: [{name: 'one is of'}, {name: 'native', unit: 'ms'}, {name: 'tab', unit: 'ms'}, {name: 'tab / native', unit: '×'}, {name: 'native', unit: '/s'}, {name: 'tab', unit: '/s'}],
    rows,
    notes: [
      'Medians of the rounds with least and most. cold: from genesis to the verified head over HTTP on this machine, the module loaded, without the pauses between questions.',
      'audit-N: the end of an epoch of N peers with 64 weights each.',
    ],
  };
}

/** Bytes of the module, where it is built: as it is, and as servers send it. */
async function sizes() {
  const files = await readdir(MODULE).catch(() => []);
  const name = files.find((file) => file.endsWith('.wasm'));
  if (!name) return [];
  const bytes = await readFile(join(MODULE, name));
  const brotli = brotliCompressSync(bytes, {params: {[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length}});
  const size = (/** @type {string} */ how, /** @type {number} */ length) => ({name: how, unit: 'KB', measured: length / 1000});
  return [list('The module of the light client', [size('as it is', bytes.length), size('by gzip', gzipSync(bytes, {level: 9}).length), size('by brotli', brotli.length)], [name])];
}

await run(program, [data]);
const browser = await launch();
const page = await tab(browser);
try {
  publish([await measureAll(page), ...(await sizes())], `Chromium ${browser.version()}`);
} finally {
  page.close();
  await browser.close();
}
