// First figures, measured on this machine: training on both devices, a short run with a node and two tabs, sizes.
//   node tests/e2e/bench.mjs [--json]
// It needs what the end-to-end tests need (see run.mjs). What is measured, and how:
//   training   the trainer's own `bench(device, steps)` in a page by itself, alone, nothing else running;
//   launches   calls of `dispatchWorkgroups…` of two runs of different length, so that what the first step needs more
//              than others cancels out;
//   together   one node with two residents and two tabs on the CPU, one of them watched from its first step on;
//   sizes      the files that a browser loads.
// On a machine without a GPU the WebGPU figures are those of a software adapter: only its launches mean anything.

import {readdirSync, readFileSync} from 'node:fs';
import {cpus, totalmem} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {constants, brotliCompressSync, gzipSync} from 'node:zlib';
import {launch, open} from './support/browser.mjs';
import {Node} from './support/node.mjs';
import {Tab} from './support/tab.mjs';
import {sleep} from './support/wait.mjs';

const SITE = process.env.PEERAGE_SITE ?? fileURLToPath(new URL('../../pkg/site', import.meta.url));
const STEPS = {cpu: 40, gpu: 8};
const WATCHED_S = 40; // of the run together, after the first step
const FIRST_STEP_S = 180;

/** @typedef {{name: string, value: number|null, unit: string, note?: string}} Figure */

/** @param {number[]} values */
const median = (values) => {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[sorted.length >> 1];
};

/**
 * Trains alone on `device` in a fresh browser.
 * @param {string} url @param {'cpu'|'gpu'} device @param {number} steps
 * @returns {Promise<{device: string, steps_per_second: number, tokens_per_second: number, first_step_ms: number, launches: number}>}
 */
async function alone(url, device, steps) {
  const browser = await launch({webgpu: device === 'gpu'});
  try {
    const {page} = await open(browser, `bench-${device}`);
    await page.addInitScript(() => {
      Object.assign(globalThis, {launches: 0});
      const pass = /** @type {any} */ (globalThis).GPUComputePassEncoder?.prototype;
      for (const name of pass ? ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect'] : []) {
        const real = pass[name];
        pass[name] = function (/** @type {any[]} */ ...sizes) {
          /** @type {any} */ (globalThis).launches += 1;
          return real.apply(this, sizes);
        };
      }
    });
    await page.goto(url, {waitUntil: 'domcontentloaded'});
    return await page.evaluate(
      async ({device, steps}) => {
        const worker = document.getElementById('trainer-worker');
        if (!(worker instanceof HTMLLinkElement)) throw new Error('this page has no trainer');
        const trainer = await import(worker.href.replace('_loader.js', '.js'));
        await trainer.default();
        const measured = await trainer.bench(device, steps);
        return {...measured, launches: /** @type {any} */ (globalThis).launches};
      },
      {device, steps},
    );
  } finally {
    await browser.close();
  }
}

/** @param {string} url @returns {Promise<{figures: Figure[], devices: Record<string, string>}>} */
async function training(url) {
  const cpu = await alone(url, 'cpu', STEPS.cpu);
  /** @type {Figure[]} */
  const figures = [
    {name: 'training on the CPU', value: cpu.steps_per_second, unit: 'steps/s'},
    {name: 'training on the CPU', value: cpu.tokens_per_second, unit: 'tokens/s'},
    {name: 'first step on the CPU', value: cpu.first_step_ms, unit: 'ms'},
  ];
  try {
    const few = await alone(url, 'gpu', 1);
    const many = await alone(url, 'gpu', 1 + STEPS.gpu);
    figures.push(
      {name: 'training on WebGPU', value: many.steps_per_second, unit: 'steps/s', note: many.device},
      {name: 'training on WebGPU', value: many.tokens_per_second, unit: 'tokens/s'},
      {name: 'first step on WebGPU', value: many.first_step_ms, unit: 'ms'},
      {name: 'launches on WebGPU', value: (many.launches - few.launches) / STEPS.gpu, unit: 'per step'},
    );
    return {figures, devices: {cpu: cpu.device, gpu: many.device}};
  } catch (error) {
    figures.push({name: 'training on WebGPU', value: null, unit: 'steps/s', note: String(error).split('\n')[0]});
    return {figures, devices: {cpu: cpu.device, gpu: 'none'}};
  }
}

/** @param {string} url @returns {Promise<Figure[]>} */
async function together(url) {
  const other = await Tab.open('other', url, {});
  try {
    await other.page.evaluate(() => /** @type {any} */ (globalThis).peerage.join({device: 'cpu'}));
    await other.until('a first step', FIRST_STEP_S, (s) => s.steps.count > 0);
    const opened = performance.now();
    const tab = await Tab.open('watched', url, {});
    try {
      const usable = performance.now() - opened;
      // Lags are taken as the heads arrive, since a snapshot shows the newest alone.
      await tab.page.evaluate(() => {
        const {peerage} = /** @type {any} */ (globalThis);
        const lags = /** @type {number[]} */ ([]);
        Object.assign(globalThis, {lags});
        peerage.addEventListener('event', (/** @type {any} */ {detail}) => detail.type === 'head' && lags.push(detail.lag));
        peerage.join({device: 'cpu'});
      });
      await tab.until('a first step', FIRST_STEP_S, (s) => s.steps.count > 0);
      const first = performance.now() - opened;
      await sleep(5000); // neighbours are found
      const [before, started] = [await tab.snapshot(), performance.now()];
      await sleep(WATCHED_S * 1000);
      const [after, ended] = [await tab.snapshot(), performance.now()];
      const lags = await tab.page.evaluate(() => /** @type {any} */ (globalThis).lags);
      const steps = after.steps.count - before.steps.count;
      const seconds = (ended - started) / 1000;
      const moved = (/** @type {'in'|'out'} */ way) => (steps === 0 ? null : (after.traffic[way] - before.traffic[way]) / steps);
      const seen = after.steps.last.slice(-Math.max(steps, 1));
      const trips = after.connections.map((c) => c.rtt).filter((rtt) => typeof rtt === 'number');
      return [
        {name: 'open to usable', value: usable, unit: 'ms'},
        {name: 'open to first step', value: first, unit: 'ms', note: 'Join pressed at once'},
        {name: 'training with peers', value: steps / seconds, unit: 'steps/s', note: 'CPU, node and two tabs on this machine'},
        {name: 'received', value: moved('in'), unit: 'bytes/step'},
        {name: 'sent', value: moved('out'), unit: 'bytes/step'},
        {name: 'waited for peers', value: median(seen.map((s) => s.waited)), unit: 'ms/step', note: 'median'},
        {name: 'round trip', value: median(trips), unit: 'ms', note: `median of ${trips.length} connections`},
        {name: 'block lag', value: median(lags), unit: 'ms', note: `median of ${lags.length} heads`},
        {name: 'answers of tabs', value: after.heard.tab - before.heard.tab, unit: 'in this run'},
        {name: 'answers of residents', value: after.heard.resident - before.heard.resident, unit: 'in this run'},
      ];
    } finally {
      await tab.close();
    }
  } finally {
    await other.close();
  }
}

/** Sizes of the modules and of the first load: raw, gzip, brotli. @returns {Record<string, {raw: number, gzip: number, brotli: number}>} */
function sizes() {
  const files = readdirSync(SITE, {recursive: true, withFileTypes: true})
    .filter((f) => f.isFile() && !f.name.endsWith('.br'))
    .map((f) => join(f.parentPath, f.name));
  /** @type {Record<string, {raw: number, gzip: number, brotli: number}>} */
  const all = {};
  for (const file of files) {
    const bytes = readFileSync(file);
    const size = {
      raw: bytes.length,
      gzip: gzipSync(bytes, {level: 9}).length,
      brotli: brotliCompressSync(bytes, {params: {[constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length}}).length,
    };
    const module = /peerage-(page|auditor|trainer)-?[^/]*\.wasm$/.exec(file)?.[1];
    for (const name of [module && `${module}.wasm`, file.includes('peerage-trainer') ? undefined : 'first load']) {
      if (!name) continue;
      const sum = (all[name] ??= {raw: 0, gzip: 0, brotli: 0});
      for (const kind of /** @type {const} */ (['raw', 'gzip', 'brotli'])) sum[kind] += size[kind];
    }
  }
  return all;
}

/** @param {any} result */
function table({machine, figures, sizes}) {
  const number = (/** @type {number|null} */ x) => (x == null ? '–' : x.toLocaleString('en', {maximumFractionDigits: x < 100 ? 1 : 0}));
  const lines = [`${machine.cpu}, ${machine.cores} cores, ${machine.browser}`, ''];
  for (const {name, value, unit, note} of figures) lines.push(`${name.padEnd(24)} ${number(value).padStart(10)} ${unit.padEnd(12)} ${note ?? ''}`.trimEnd());
  lines.push('', `${'size, bytes'.padEnd(24)} ${['raw', 'gzip', 'brotli'].map((k) => k.padStart(12)).join('')}`);
  for (const [name, size] of Object.entries(/** @type {ReturnType<typeof sizes>} */ (sizes)))
    lines.push(`${name.padEnd(24)} ${[size.raw, size.gzip, size.brotli].map((n) => number(n).padStart(12)).join('')}`);
  return lines.join('\n');
}

/**
 * Measures with a node that is there for this alone.
 * @template T
 * @param {number} residents @param {(url: string) => Promise<T>} measure
 */
async function withNode(residents, measure) {
  const node = await Node.start({residents});
  try {
    return await measure(node.url);
  } finally {
    await node.end('SIGTERM');
    await node.remove();
  }
}

const browser = await launch();
const version = browser.version();
await browser.close();
const {figures, devices} = await withNode(0, training);
figures.push(...(await withNode(2, together)));
const machine = {cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memory: totalmem(), browser: `Chromium ${version}`, devices};
const result = {version: 1, machine, figures, sizes: sizes()};
console.log(process.argv.includes('--json') ? JSON.stringify(result, null, 2) : table(result));
