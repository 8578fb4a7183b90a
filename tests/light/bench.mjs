// What a light client costs, natively and in a tab: epochs, headers and proofs a second, the audit of an epoch by the number of
// peers, a cold start over 1,000 epochs, and the bytes of its module.
//   node tests/light/bench.mjs [--json]
// `cargo xtask bench light` builds what it needs and says where it is ($PEERAGE_LIGHT). Figures are medians of the rounds, each
// after one that is not counted; native and tab take turns, so that both see the same moods of the machine. Both read the same
// bytes, which a program makes from seeds.

import {execFile} from 'node:child_process';
import {readFile, readdir} from 'node:fs/promises';
import {createServer} from 'node:http';
import {cpus, totalmem} from 'node:os';
import {extname, join} from 'node:path';
import {promisify} from 'node:util';
import {brotliCompressSync, constants, gzipSync} from 'node:zlib';
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
const COLD = 7;
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
/** @typedef {{subject: string, unit: string, count: number, native: number|null, tab: number}} Row */

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

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

/** @param {{measure: typeof native, cold: () => Promise<number>}} page @returns {Promise<Row[]>} */
async function measureAll(page) {
  const rows = /** @type {Row[]} */ ([]);
  for (const [subject, rounds, unit] of SUBJECTS) {
    const here = await native(subject, rounds);
    const there = await page.measure(subject, rounds);
    if (here.count !== there.count) throw new Error(`${subject}: ${here.count} natively, ${there.count} in the tab`);
    rows.push({subject, unit, count: here.count, native: median(here.ms), tab: median(there.ms)});
  }
  const starts = [];
  for (let round = 0; round <= COLD; round++) starts.push(await page.cold());
  rows.push({subject: 'cold', unit: 'epoch', count: 1000, native: null, tab: median(starts.slice(1))});
  return rows;
}

/** Bytes of the module, where it is built: as it is, and as servers send it. */
async function sizes() {
  const files = await readdir(MODULE).catch(() => []);
  const name = files.find((file) => file.endsWith('.wasm'));
  if (!name) return null;
  const bytes = await readFile(join(MODULE, name));
  const brotli = brotliCompressSync(bytes, {params: {[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length}});
  return {name, raw: bytes.length, gzip: gzipSync(bytes, {level: 9}).length, brotli: brotli.length};
}

/** What is worse than its aim, a line each. @param {Row[]} rows */
const missed = (rows) =>
  rows.filter(({subject, tab: ms}) => ms > (AIMS[subject] ?? Infinity)).map(({subject, tab: ms}) => `${subject}: ${ms.toFixed(0)} ms in the tab, ${AIMS[subject]} are the aim`);

/** @param {any} result */
function table({machine, rows, module}) {
  const cell = (/** @type {number|null} */ x) => (x === null ? '–' : x.toFixed(x < 10 ? 2 : x < 100 ? 1 : 0)).padStart(12);
  const line = (/** @type {Row} */ {subject, unit, count, native: here, tab: there}) => {
    const rate = (/** @type {number|null} */ ms) => (ms === null ? '–' : Math.round((count / ms) * 1e3).toLocaleString('en')).padStart(14);
    const ratio = (here === null ? '–' : (there / here).toFixed(2)).padStart(12);
    return `${subject.padEnd(14)}${`${count.toLocaleString('en')} ${unit}s`.padStart(16)}${cell(here)}${cell(there)}${ratio}${rate(here)}${rate(there)}`;
  };
  const kib = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(0)} KiB`;
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.browser}; medians`,
    '',
    `${'subject'.padEnd(14)}${'one is of'.padStart(16)}${'native ms'.padStart(12)}${'tab ms'.padStart(12)}${'tab/native'.padStart(12)}${'native/s'.padStart(14)}${'tab/s'.padStart(14)}`,
    ...rows.map(line),
    '',
    `cold: from genesis to the verified head over HTTP on this machine, the module loaded, and without the pauses between questions (aim: ${AIMS.cold} ms); audit-N: the end of an epoch of N peers with 64 weights each (aim for 4,096: ${AIMS['audit-4096']} ms in the tab).`,
    module ? `${module.name}: ${kib(module.raw)}, ${kib(module.gzip)} by gzip, ${kib(module.brotli)} by brotli` : 'The client module is not built (cargo xtask client).',
    ...missed(rows),
  ].join('\n');
}

await run(program, [data]);
const browser = await launch();
const page = await tab(browser);
try {
  const machine = {cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memory: totalmem(), browser: `Chromium ${browser.version()}`};
  const rows = await measureAll(page);
  const result = {version: 1, machine, rows, module: await sizes()};
  console.log(process.argv.includes('--json') ? JSON.stringify(result, null, 2) : table(result));
} finally {
  page.close();
  await browser.close();
}
