// One tab in a browser process of its own, on a profile that outlives it: killed and opened again it is the same peer.

import {rm} from 'node:fs/promises';
import {hear, launchKept} from '../../e2e/support/browser.mjs';
import {summary} from '../../e2e/support/tab.mjs';
import {sleep, until} from '../../e2e/support/wait.mjs';
import {mean} from './statistics.mjs';
import {family, processes, resident, seconds} from './program.mjs';
import {within} from './within.mjs';

/** @typedef {import('../../../www/types.js').State} State */

/** Lines on a console that come with a network, a disk or a graphics chip that is broken on purpose. */
const EXPECTED = [/WebSocket/i, /net::ERR_/i, /Failed to load resource/i, /Failed to fetch/i, /NetworkError/i, /QuotaExceeded/i, /GPU|WebGPU|device (is|was) lost|Dawn/i, /ServiceWorker/i];
/** Steps over which a loss is smoothed. */
const SMOOTH = 20;

export class Tab {
  /** @type {import('playwright-core').BrowserContext|null} */ context = null;
  /** @type {import('playwright-core').Page|null} */ page = null;
  /** The browser's own process. */ pid = 0;
  /** What the console said against it. @type {string[]} */ errors = [];
  /** Who it is, once it has a place. @type {{key: string, uid: number}|null} */ place = null;
  /** Smoothed losses after rounds, by step of its model. @type {[number, number][]} */ losses = [];
  /** Step of the newest model that it has on disk. */ kept = 0;
  /** Steps of pages that are gone. */ earlier = 0;
  lastCount = 0;
  /** Bytes of pages that are gone. */ carried = {in: 0, out: 0};
  lastTraffic = {in: 0, out: 0};

  /** @param {{name: string, url: string, folder: string, webgpu?: boolean, share?: number, node: number}} options `share`: of the time that it may train; `node`: number of the one it joins at */
  constructor({name, url, folder, webgpu = false, share = 0.25, node}) {
    this.name = name;
    this.url = url;
    this.folder = folder;
    this.webgpu = webgpu;
    this.share = share;
    this.node = node;
  }

  /** Starts the browser and joins. */
  async open() {
    this.context = await launchKept(this.folder, {webgpu: this.webgpu});
    await this.context.addInitScript(shiftable);
    await this.context.addInitScript((share) => localStorage.setItem('peerage.effort', JSON.stringify({most: share, onBattery: 'same'})), this.share);
    this.pid = [...processes()].find(([, {words}]) => words.includes(`--user-data-dir=${this.folder} `) && !words.includes('--type='))?.[0] ?? 0;
    await this.join();
  }

  /** A page that joins, in the browser that runs. */
  async join() {
    const context = /** @type {import('playwright-core').BrowserContext} */ (this.context);
    const old = context.pages();
    const page = await context.newPage();
    await Promise.allSettled(old.map((p) => p.close()));
    hear(page, this.name, this.errors, EXPECTED);
    this.page = page;
    await this.load(() => page.goto(this.url, {waitUntil: 'domcontentloaded', timeout: 30_000}));
  }

  /** Joins once the page is there; a node that is away is asked again. @param {() => Promise<unknown>} go */
  async load(go) {
    this.earlier += this.lastCount;
    this.lastCount = 0;
    for (const way of /** @type {const} */ (['in', 'out'])) this.carried[way] += this.lastTraffic[way];
    this.lastTraffic = {in: 0, out: 0};
    const page = /** @type {import('playwright-core').Page} */ (this.page);
    await until(`${this.name}: the page opens`, 60, async () => {
      await go();
      await page.waitForFunction(() => 'peerage' in window, undefined, {timeout: 10_000});
      return true;
    });
    await page.evaluate((device) => void /** @type {any} */ (window).peerage.join({device}), this.webgpu ? 'gpu' : 'cpu');
  }

  /** Kills the renderer or the whole browser, as the system does with who takes too much. @param {'page'|'browser'} what */
  async kill(what) {
    if (what === 'browser') {
      process.kill(this.pid, 'SIGKILL');
    } else {
      const renderers = family(this.pid).filter(({words}) => words.includes('--type=renderer'));
      for (const {pid} of renderers) process.kill(pid, 'SIGKILL');
    }
    await sleep(500);
  }

  /** Is there again after whatever happened to it. */
  async revive() {
    const there = await this.alive();
    if (there) return;
    const usable = this.context !== null && processes().has(this.pid);
    if (usable) return this.join();
    await within(Promise.resolve(this.context?.close().catch(() => {})), 3);
    await rm(`${this.folder}/SingletonLock`, {force: true});
    await this.open();
  }

  /** Whether its page answers. */
  async alive() {
    const page = this.page;
    if (!page || page.isClosed()) return false;
    const answer = page.evaluate(() => 'peerage' in window && /** @type {any} */ (window).peerage.snapshot.phase !== 'ready').catch(() => false);
    return within(answer, 8, false);
  }

  /** @returns {Promise<State>} */
  async snapshot() {
    const page = this.page;
    if (!page) throw new Error(`${this.name} is not open`);
    const asked = page.evaluate(() => /** @type {any} */ (window).peerage.snapshot);
    const s = /** @type {State} */ (await within(asked, 15, new Error(`${this.name} does not answer`)));
    this.lastCount = Math.max(this.lastCount, s.steps.count);
    this.lastTraffic = {in: s.traffic.in, out: s.traffic.out};
    return s;
  }

  /** Steps since the beginning, over all its pages. */
  async steps() {
    await this.snapshot();
    return this.earlier + this.lastCount;
  }

  /** Bytes that its pages counted. */
  bytes() {
    return {in: this.carried.in + this.lastTraffic.in, out: this.carried.out + this.lastTraffic.out};
  }

  /** @template T @param {string} what @param {number} seconds @param {(s: State) => T} probe */
  until(what, seconds, probe) {
    return until(`${this.name}: ${what}`, seconds, async () => probe(await this.snapshot()), async () => summary(await this.snapshot()));
  }

  /** Its own loss now, smoothed, or null before it has trained enough. @param {State} s */
  loss(s) {
    const last = s.steps.last.slice(-SMOOTH).map((step) => step.alone);
    return last.length < SMOOTH / 2 ? null : mean(last);
  }

  /** Memory and CPU time of all its processes. */
  usage() {
    const all = family(this.pid);
    const sum = (/** @type {(pid: number) => number} */ of, /** @type {(words: string) => boolean} */ which) => all.filter(({words}) => which(words)).reduce((total, {pid}) => total + of(pid), 0);
    return {renderer: sum(resident, (words) => words.includes('--type=renderer')), all: sum(resident, () => true), seconds: sum(seconds, () => true)};
  }

  /** What the page's JavaScript holds, and its buffers beside that, in bytes. */
  async heaps() {
    if (!this.page) return {heap: 0, buffers: 0};
    const session = await this.page.context().newCDPSession(this.page);
    try {
      await session.send('HeapProfiler.collectGarbage');
      const usage = /** @type {any} */ (await session.send('Runtime.getHeapUsage'));
      return {heap: usage.usedSize, buffers: usage.backingStorageSize ?? 0};
    } finally {
      await session.detach();
    }
  }

  /** Moves the clock of the page and its workers; says of how many workers. @param {number} ms */
  async shift(ms) {
    const page = this.page;
    if (!page) return 0;
    await page.evaluate((by) => void Object.assign(globalThis, {clockShift: by}), ms);
    const moved = await Promise.allSettled(page.workers().map((worker) => worker.evaluate(shiftable).then(() => worker.evaluate((by) => void Object.assign(globalThis, {clockShift: by}), ms))));
    return moved.filter(({status}) => status === 'fulfilled').length;
  }

  async close() {
    await within(Promise.resolve(this.context?.close().catch(() => {})), 5);
    for (const {pid} of this.pid ? family(this.pid) : []) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
  }
}

/** In a page or a worker: the wall clock is off by `globalThis.clockShift` ms, 0 at first. */
function shiftable() {
  const all = /** @type {any} */ (globalThis);
  if ('clockShift' in all) return;
  all.clockShift = 0;
  const Real = Date;
  const Shifted = /** @type {any} */ (function Date(/** @type {any[]} */ ...given) {
    if (!new.target) return new Real(Shifted.now()).toString();
    return Reflect.construct(Real, given.length ? given : [Shifted.now()], new.target);
  });
  Object.setPrototypeOf(Shifted, Real);
  Shifted.prototype = Real.prototype;
  Shifted.now = () => Real.now() + all.clockShift;
  all.Date = Shifted;
}
