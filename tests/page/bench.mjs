// What opening the page costs, as a person who opens it would see it, with a node on this machine.
//   node tests/page/bench.mjs [--json]
// It needs what the end-to-end tests need (tests/e2e/run.mjs). What is measured, each a median over visits:
//   first visit    in a browser context that knows nothing: until something can be read (first contentful paint), until the Join
//                  button does what it says, until the page's module is there;
//   second visit   the same, in a context whose service worker keeps the files;
//   first step     from opening to the first training step, Join pressed at once, all files kept from a visit before;
//   long tasks     of more than 50 ms on the page's thread: until the first step, and in a minute of training after it, with the
//                  longest by what it computed itself: the rest is the wait for a processor that others use;
//   sizes          what a first load and the trainer weigh as a browser fetches them, against their budgets.

import {cpus} from 'node:os';
import {launch, open} from '../e2e/support/browser.mjs';
import {Node} from '../e2e/support/node.mjs';
import {sleep, until} from '../e2e/support/wait.mjs';
import {budgets, bytes, weigh} from '../e2e/support/weight.mjs';

const VISITS = 7;
const JOINS = 5;
const TRAINED_S = 60; // watched after the first step
const FIRST_STEP_S = 300;
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
  let tasks = {start: /** @type {number[][]} */ ([]), training: /** @type {number[]} */ ([]), own: /** @type {number|null} */ (null)};
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
        tasks.own = await longestOwn(browser, () => sleep(TRAINED_S * 1000));
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
    {name: 'longest by its own computing', value: tasks.own, unit: 'ms', note: 'processor time, without waits for a processor'},
  ];
}

/**
 * The most processor time, in milliseconds, that one task of a page's thread takes while something else lasts.
 * @param {import('playwright-core').Browser} browser @param {() => Promise<unknown>} lasts
 */
async function longestOwn(browser, lasts) {
  const cdp = await browser.newBrowserCDPSession();
  /** @type {any[]} */
  const events = [];
  cdp.on('Tracing.dataCollected', ({value}) => events.push(...value));
  await cdp.send('Tracing.start', {transferMode: 'ReportEvents', traceConfig: {includedCategories: ['toplevel']}});
  await lasts();
  const complete = new Promise((resolve) => cdp.once('Tracing.tracingComplete', resolve));
  await cdp.send('Tracing.end');
  await complete;
  await cdp.detach();
  const thread = (/** @type {any} */ {pid, tid}) => `${pid} ${tid}`;
  const pages = new Set(events.filter((one) => one.name === 'thread_name' && one.args.name === 'CrRendererMain').map(thread));
  const own = events.filter((one) => one.ph === 'X' && pages.has(thread(one))).map((one) => (one.tdur ?? 0) / 1000);
  return own.length === 0 ? null : own.reduce((a, b) => Math.max(a, b), 0);
}

/**
 * What a first load and the trainer are made of, largest first.
 * @param {import('playwright-core').Browser} browser @param {string} url
 * @returns {Promise<Record<string, {bytes: number, budget: number, parts: [string, number][]}>>}
 */
async function sizes(browser, url) {
  const {opened, joined} = await weigh(browser, url);
  const limits = await budgets();
  const groups = {
    'first load': [...opened, ...joined.filter(({name}) => name.startsWith('peerage-auditor'))],
    trainer: joined.filter(({name}) => name.startsWith('peerage-trainer')),
  };
  return Object.fromEntries(
    Object.entries(groups).map(([group, files]) => {
      /** @type {Map<string, number>} */
      const parts = new Map();
      for (const {name, bytes: size} of files) {
        const module = /peerage-(page|auditor|trainer)/.exec(name)?.[1];
        const part = module ? `${module}${name.endsWith('.wasm') ? '.wasm' : ' glue'}` : name.endsWith('.css') ? 'styles' : name.endsWith('.js') ? 'scripts' : 'document';
        parts.set(part, (parts.get(part) ?? 0) + size);
      }
      return [group, {bytes: bytes(files), budget: limits[group], parts: [...parts].sort((a, b) => b[1] - a[1])}];
    }),
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
  for (const [name, {bytes, budget, parts}] of Object.entries(/** @type {Record<string, {bytes: number, budget: number, parts: [string, number][]}>} */ (sizes))) {
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
  const result = {version: 1, machine, figures, sizes: await sizes(browser, node.url)};
  console.log(process.argv.includes('--json') ? JSON.stringify(result, null, 2) : table(result));
} finally {
  await browser.close();
  await node.end('SIGTERM');
  await node.remove();
}
