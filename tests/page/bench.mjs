// What opening the page costs, as a person who opens it would see it, with a node on this machine.
//   node tests/page/bench.mjs [--json]
// It needs what the end-to-end tests need (tests/e2e/run.mjs). What is measured, each a median over visits:
//   first visit    in a browser context that knows nothing: until something can be read (first contentful paint), until the Join
//                  button does what it says, until the page's module is there;
//   second visit   the same, in a context whose service worker keeps the files;
//   first step     from opening to the first training step, Join pressed at once, all files kept from a visit before;
//   long tasks     of more than 50 ms on the page's thread: until the first step, and in a minute of training after it;
//   sizes          what a first load and the trainer weigh, as the node sends them, against their budgets.

import {existsSync, readdirSync, statSync} from 'node:fs';
import {cpus} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {launch, open} from '../e2e/support/browser.mjs';
import {Node} from '../e2e/support/node.mjs';
import {sleep, until} from '../e2e/support/wait.mjs';

const SITE = process.env.PEERAGE_SITE ?? fileURLToPath(new URL('../../pkg/site', import.meta.url));
const VISITS = 7;
const JOINS = 5;
const TRAINED_S = 60; // watched after the first step
const FIRST_STEP_S = 300;
const BUDGETS = {'first load': 700_000, trainer: 3_000_000}; // bytes, compressed
const AIMS = {'first visit: Join usable': 1000}; // ms

/** @typedef {{name: string, value: number|null, unit: string, note?: string}} Figure */

/** @param {(number|null|undefined)[]} values */
const median = (values) => {
  const sorted = values.filter((x) => typeof x === 'number').sort((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[sorted.length >> 1];
};

/** Runs in the page before its scripts: notes when it becomes usable, and its long tasks. */
function watch() {
  const seen = {usable: /** @type {number|null} */ (null), module: /** @type {number|null} */ (null), step: /** @type {number|null} */ (null), long: /** @type {[number, number][]} */ ([])};
  Object.assign(globalThis, {seen});
  new PerformanceObserver((list) => list.getEntries().forEach(({startTime, duration}) => seen.long.push([startTime, duration]))).observe({type: 'longtask', buffered: true});
  const look = setInterval(() => {
    const {peerage} = /** @type {any} */ (globalThis);
    if (!peerage) return;
    // The script that offers it has run to its end, or this would not run.
    seen.usable = performance.now();
    clearInterval(look);
    peerage.addEventListener('event', (/** @type {any} */ {detail}) => {
      if (detail.type === 'step') seen.step ??= performance.now();
    });
    if (/** @type {any} */ (globalThis).joining) peerage.join({device: 'cpu'});
  }, 2);
  const {instantiateStreaming} = WebAssembly;
  WebAssembly.instantiateStreaming = async (...given) => {
    const made = await instantiateStreaming.apply(WebAssembly, given);
    seen.module ??= performance.now();
    return made;
  };
}

/** @param {import('playwright-core').Page} page */
const seen = (page) => page.evaluate(() => /** @type {any} */ (globalThis).seen);

/** Opens the page and gives when what was there, in milliseconds. @param {import('playwright-core').Page} page @param {string} url */
async function visit(page, url) {
  await page.addInitScript(watch);
  await page.goto(url);
  await until('the module is there', 60, async () => (await seen(page)).module);
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null);
  return {paint, ...(await seen(page))};
}

/** The service worker has all files. @param {import('playwright-core').Page} page */
const kept = (page) => until('the files are kept', 60, () => page.evaluate(() => navigator.serviceWorker.controller !== null));

/** @param {import('playwright-core').Browser} browser @param {string} url @returns {Promise<Figure[]>} */
async function visits(browser, url) {
  const first = [];
  const second = [];
  for (let i = 0; i < VISITS; i += 1) {
    const {context, page} = await open(browser, `visit ${i}`, {serviceWorkers: 'allow'});
    first.push(await visit(page, url));
    await kept(page);
    await page.close();
    second.push(await visit(await context.newPage(), url));
    await context.close();
  }
  return [['first visit', first], ['second visit', second]].flatMap(([name, all]) => [
    {name: `${name}: something to read`, value: median(/** @type {any[]} */ (all).map((one) => one.paint)), unit: 'ms', note: 'first contentful paint'},
    {name: `${name}: Join usable`, value: median(/** @type {any[]} */ (all).map((one) => one.usable)), unit: 'ms'},
    {name: `${name}: module there`, value: median(/** @type {any[]} */ (all).map((one) => one.module)), unit: 'ms', note: 'network code, compiled'},
  ]);
}

/** @param {import('playwright-core').Browser} browser @param {string} url @returns {Promise<Figure[]>} */
async function joins(browser, url) {
  const {context, page} = await open(browser, 'before', {serviceWorkers: 'allow'});
  const started = [];
  let tasks = {start: /** @type {number[][]} */ ([]), training: /** @type {number[]} */ ([])};
  try {
    await visit(page, url);
    await kept(page);
    for (let i = 0; i <= JOINS; i += 1) {
      const tab = i === 0 ? page : await context.newPage();
      await tab.addInitScript(() => Object.assign(globalThis, {joining: true}));
      if (i === 0) await tab.evaluate(() => /** @type {any} */ (globalThis).peerage.join({device: 'cpu'}));
      else await visit(tab, url);
      await until('a first step', FIRST_STEP_S, async () => (await seen(tab)).step);
      const {step, long} = await seen(tab);
      if (i > 0) {
        // The first of them only fills the caches.
        started.push(step);
        tasks.start.push(long.filter((/** @type {number[]} */ [at]) => at < step).map((/** @type {number[]} */ [, ms]) => ms));
      }
      if (i === JOINS) {
        await sleep(TRAINED_S * 1000);
        tasks.training = (await seen(tab)).long.filter((/** @type {number[]} */ [at]) => at > step).map((/** @type {number[]} */ [, ms]) => ms);
      }
      await tab.evaluate(() => /** @type {any} */ (globalThis).peerage.stop());
      await until('it stops', 30, () => tab.evaluate(() => /** @type {any} */ (globalThis).peerage.snapshot.phase === 'stopped'));
      await tab.close();
    }
  } finally {
    await context.close();
  }
  return [
    {name: 'open to first step', value: median(started), unit: 'ms', note: `Join pressed at once; CPU, files and model kept, ${JOINS} visits`},
    {name: 'long tasks until then', value: median(tasks.start.map((all) => all.length)), unit: 'of > 50 ms'},
    {name: 'longest of them', value: median(tasks.start.map((all) => Math.max(0, ...all))), unit: 'ms'},
    {name: 'long tasks in training', value: tasks.training.length, unit: 'of > 50 ms', note: `in ${TRAINED_S} s`},
    {name: 'longest of them', value: Math.max(0, ...tasks.training), unit: 'ms'},
  ];
}

/** Compressed sizes of what a first load and the trainer are made of, largest first. @returns {Record<string, {bytes: number, budget: number, parts: [string, number][]}>} */
function sizes() {
  /** @type {Record<string, Map<string, number>>} */
  const groups = {'first load': new Map(), trainer: new Map()};
  for (const entry of readdirSync(SITE, {recursive: true, withFileTypes: true})) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /\.(br|d\.ts)$/.test(file) || file.startsWith(join(SITE, 'lab/'))) continue;
    const bytes = statSync(existsSync(`${file}.br`) ? `${file}.br` : file).size;
    const module = /peerage-(page|auditor|trainer)/.exec(entry.name)?.[1];
    const part = module ? `${module}${file.endsWith('.wasm') ? '.wasm' : ' glue'}` : file.endsWith('.css') ? 'styles' : file.endsWith('.js') ? 'scripts' : 'document';
    const group = groups[module === 'trainer' ? 'trainer' : 'first load'];
    group.set(part, (group.get(part) ?? 0) + bytes);
  }
  return Object.fromEntries(
    Object.entries(groups).map(([name, parts]) => [
      name,
      {bytes: [...parts.values()].reduce((a, b) => a + b, 0), budget: BUDGETS[/** @type {'trainer'} */ (name)], parts: [...parts].sort((a, b) => b[1] - a[1])},
    ]),
  );
}

/** @param {any} result */
function table({machine, figures, sizes}) {
  const number = (/** @type {number|null} */ x) => (x == null ? '–' : x.toLocaleString('en', {maximumFractionDigits: 0}));
  const kb = (/** @type {number} */ bytes) => `${number(bytes / 1000)} KB`;
  const lines = [`${machine.cpu}, ${machine.cores} cores, ${machine.browser}; medians`, ''];
  for (const {name, value, unit, note} of figures) {
    const aim = AIMS[/** @type {keyof typeof AIMS} */ (name)];
    lines.push(`${name.padEnd(34)} ${number(value).padStart(8)} ${unit.padEnd(11)} ${[note, aim && `${value > aim ? 'MISSED, ' : ''}the aim is ${number(aim)}`].filter((t) => t).join('; ')}`.trimEnd());
  }
  lines.push('');
  for (const [name, {bytes, budget, parts}] of Object.entries(/** @type {ReturnType<typeof sizes>} */ (sizes))) {
    const verdict = bytes > budget ? `MISSED by ${kb(bytes - budget)}` : `${kb(budget - bytes)} to spare`;
    lines.push(`${name.padEnd(12)} ${kb(bytes).padStart(9)} of ${kb(budget)} compressed, ${verdict}: ${parts.map(([part, size]) => `${part} ${kb(size)}`).join(', ')}`);
  }
  return lines.join('\n');
}

const node = await Node.start({residents: 0});
const browser = await launch();
try {
  const figures = [...(await visits(browser, node.url)), ...(await joins(browser, node.url))];
  const machine = {cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, browser: `Chromium ${browser.version()}`};
  const result = {version: 1, machine, figures, sizes: sizes()};
  console.log(process.argv.includes('--json') ? JSON.stringify(result, null, 2) : table(result));
} finally {
  await browser.close();
  await node.end('SIGTERM');
  await node.remove();
}
