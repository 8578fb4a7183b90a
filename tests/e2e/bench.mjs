// Training in a tab: alone on both devices, and in a short run with a node and two tabs.
//   node tests/e2e/bench.mjs [--quick]
// It needs what the end-to-end tests need (see run.mjs). What is measured, and how:
//   training   the trainer's own `bench(device, steps)` in a page by itself, alone, nothing else running;
//   launches   calls of `dispatchWorkgroups…` of two runs of different length, so that what the first step needs more
//              than others cancels out;
//   together   one node with two residents and two tabs on the CPU, one of them watched from its first step on.
// On a machine without a GPU the WebGPU figures are those of a software adapter: only its launches mean anything.

import {cell, list, publish, quick} from '../bench/tables.mjs';
import {launch, open} from './support/browser.mjs';
import {Node} from './support/node.mjs';
import {Tab} from './support/tab.mjs';
import {sleep} from './support/wait.mjs';

const STEPS = {cpu: 40, gpu: quick ? 2 : 8};
const WATCHED_S = quick ? 15 : 40; // of the run together, after the first step
const FIRST_STEP_S = 180;

/** @typedef {import('../bench/tables.mjs').Table} Table */

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

/** @param {string} url @returns {Promise<Table>} */
async function training(url) {
  const cpu = await alone(url, 'cpu', STEPS.cpu);
  const gpu = async () => {
    const few = await alone(url, 'gpu', 1);
    const many = await alone(url, 'gpu', 1 + STEPS.gpu);
    return {...many, launches: (many.launches - few.launches) / STEPS.gpu};
  };
  const many = await gpu().catch((error) => ({failed: String(error).split('\n')[0]}));
  const of = (/** @type {'steps_per_second'|'tokens_per_second'|'first_step_ms'|'launches'} */ what) => [what === 'launches' ? null : cell(cpu[what]), 'failed' in many ? null : cell(many[what])];
  return {
    title: 'Training alone',
    columns: [{name: 'CPU'}, {name: 'WebGPU'}],
    rows: [
      {name: 'steps', unit: '/s', cells: of('steps_per_second')},
      {name: 'tokens', unit: '/s', cells: of('tokens_per_second')},
      {name: 'first step', unit: 'ms', cells: of('first_step_ms')},
      {name: 'launches', unit: 'a step', cells: of('launches')},
    ],
    notes: [`On ${cpu.device} and ${'failed' in many ? `no WebGPU: ${many.failed}` : many.device}.`],
  };
}

/** @param {string} url @returns {Promise<Table>} */
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
      return list('Training with a node, two residents and another tab', [
        {name: 'open to usable', measured: usable, unit: 'ms'},
        {name: 'open to first step', measured: first, unit: 'ms', note: 'Join pressed at once'},
        {name: 'training with peers', measured: steps / seconds, unit: 'steps/s', note: 'CPU, node and two tabs on this machine'},
        {name: 'received', measured: moved('in'), unit: 'bytes/step'},
        {name: 'sent', measured: moved('out'), unit: 'bytes/step'},
        {name: 'waited for peers', measured: seen.map((s) => s.waited), unit: 'ms/step'},
        {name: 'round trip', measured: trips, unit: 'ms', note: `${trips.length} connections`},
        {name: 'block lag', measured: lags, unit: 'ms', note: `${lags.length} heads`},
        {name: 'answers of tabs', measured: after.heard.tab - before.heard.tab, unit: 'in this run'},
        {name: 'answers of residents', measured: after.heard.resident - before.heard.resident, unit: 'in this run'},
      ], ['On the CPU; all of them share this machine. Medians with least and most.']);
    } finally {
      await tab.close();
    }
  } finally {
    await other.close();
  }
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
publish([await withNode(0, training), await withNode(2, together)], `Chromium ${version}`);
