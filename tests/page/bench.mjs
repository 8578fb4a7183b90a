// What opening the page costs, as a person who opens it would see it, with a node on this machine.
//   node tests/page/bench.mjs [--quick]
// It needs what the end-to-end tests need (tests/e2e/run.mjs). What is measured, each a median over visits:
//   first visit    in a browser context that knows nothing: until something can be read (first contentful paint), until the Join
//                  button does what it says, until the page's module is there;
//   second visit   the same, in a context whose service worker keeps the files;
//   first step     from opening to the first training step, Join pressed at once, all files kept from a visit before;
//   long tasks     of more than 50 ms on the page's thread: until the first step, and in a minute of training after it, with the
//                  longest by what it computed itself: the rest is the wait for a processor that others use;
//   sizes          what a first load and the trainer weigh as a browser fetches them, against their budgets.

import {cell, list, publish, quick} from '../bench/tables.mjs';
import {launch, open} from '../e2e/support/browser.mjs';
import {Node} from '../e2e/support/node.mjs';
import {sleep, until} from '../e2e/support/wait.mjs';
import {budgets, bytes, weigh} from '../e2e/support/weight.mjs';

const VISITS = quick ? 3 : 7;
const JOINS = quick ? 2 : 5;
const TRAINED_S = quick ? 20 : 60; // watched after the first step
const FIRST_STEP_S = 300;
const AIMS = {usable: 1000, step: 5000, longTasks: 0}; // ms, ms, of them

/** @typedef {import('../bench/tables.mjs').Table} Table */

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

/** @param {import('playwright-core').Browser} browser @param {string} url @returns {Promise<Table>} */
async function visits(browser, url) {
  const first = /** @type {any[]} */ ([]);
  const second = /** @type {any[]} */ ([]);
  for (let i = 0; i < VISITS; i += 1) {
    const {context, page} = await open(browser, `visit ${i}`, {serviceWorkers: 'allow'});
    first.push(await visit(page, url));
    await kept(page);
    await page.close();
    second.push(await visit(await context.newPage(), url));
    await context.close();
  }
  const times = (/** @type {string} */ what, aim = {}) => [cell(first.map((one) => one[what]), aim), cell(second.map((one) => one[what]), aim)];
  return {
    title: 'Opening the page',
    columns: [{name: 'first visit', unit: 'ms'}, {name: 'second visit', unit: 'ms'}],
    rows: [
      {name: 'something to read', cells: times('paint'), note: 'first contentful paint'},
      {name: 'Join does what it says', cells: times('usable', {at_most: AIMS.usable})},
      {name: 'the module is there', cells: times('module'), note: 'network code, compiled'},
    ],
    notes: [`Medians of ${VISITS} visits, with least and most. A second visit has its files from the service worker.`],
  };
}

/** @param {import('playwright-core').Browser} browser @param {string} url @returns {Promise<Table>} */
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
  return list(
    'Joining and training',
    [
      {name: 'open to first step', unit: 'ms', measured: started, at_most: AIMS.step, note: 'Join pressed at once; CPU, files and model kept'},
      {name: 'long tasks until then', unit: 'of > 50 ms', measured: tasks.start.map((all) => all.length)},
      {name: 'longest of them', unit: 'ms', measured: tasks.start.map((all) => Math.max(0, ...all))},
      {name: 'long tasks in training', unit: 'of > 50 ms', measured: tasks.training.length, at_most: AIMS.longTasks, note: `in ${TRAINED_S} s`},
      {name: 'longest of them', unit: 'ms', measured: Math.max(0, ...tasks.training)},
      {name: 'longest by its own computing', unit: 'ms', measured: tasks.own, note: 'processor time, without waits for a processor'},
    ],
    [`Medians of ${JOINS} visits, with least and most.`],
  );
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
 * @returns {Promise<Table>}
 */
async function sizes(browser, url) {
  const {opened, joined} = await weigh(browser, url);
  const limits = await budgets();
  const groups = {
    'first load': [...opened, ...joined.filter(({name}) => name.startsWith('peerage-auditor'))],
    trainer: joined.filter(({name}) => name.startsWith('peerage-trainer')),
  };
  /** @type {import('../bench/tables.mjs').Row[]} */
  const rows = [];
  for (const [group, files] of Object.entries(groups)) {
    rows.push({name: group, cells: [cell(bytes(files) / 1000, {at_most: limits[group] / 1000}), cell(limits[group] / 1000)]});
    /** @type {Map<string, number>} */
    const parts = new Map();
    for (const {name, bytes: size} of files) {
      const module = /peerage-(page|auditor|trainer)/.exec(name)?.[1];
      const part = module ? `${module}${name.endsWith('.wasm') ? '.wasm' : ' glue'}` : name.endsWith('.css') ? 'styles' : name.endsWith('.js') ? 'scripts' : 'document';
      parts.set(part, (parts.get(part) ?? 0) + size);
    }
    rows.push(...[...parts].sort((a, b) => b[1] - a[1]).map(([part, size]) => ({name: `· ${part}`, cells: [cell(size / 1000), null]})));
  }
  return {title: 'What is fetched, compressed', columns: [{name: 'size', unit: 'KB'}, {name: 'budget', unit: 'KB'}], rows};
}

const node = await Node.start({residents: 0});
const browser = await launch();
try {
  publish([await visits(browser, node.url), await joins(browser, node.url), await sizes(browser, node.url)], `Chromium ${browser.version()}`);
} finally {
  await browser.close();
  await node.end('SIGTERM');
  await node.remove();
}
