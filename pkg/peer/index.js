// @ts-check
// A peer for scripts: loads the modules, finds a node, carries data to the trainer as fast as it takes them, and turns what a tab tells into
// promises and typed events. Learning, checking and all routing are in the modules (crates/app/page, trainer, auditor).

import {Feed} from './modules/reading.js';
import {given} from './data.js';
import {PeerError} from './error.js';
import {address, first} from './node.js';

export {PeerError} from './error.js';

/** @typedef {import('./index.js').Peer} Peer */
/** @typedef {import('./index.js').PeerOptions} Options */
/** @typedef {import('./index.js').PeerEvent} PeerEvent */
/** @typedef {import('./index.js').Dataset} Dataset */
/** @typedef {import('./data.js').Given} Given */
/** @typedef {{resolve: (value: any) => void, reject: (error: PeerError) => void}} Waiting */

/** Where this browser keeps which chain this origin has joined (crates/app/page/src/keys.rs). */
const PINNED = 'peerage.chain';

/** @param {Options} options @returns {Promise<import('./index.js').Peer>} */
export async function createPeer(options) {
  if (typeof document === 'undefined') throw new PeerError('unsupported', 'a peer needs the own thread of a page: there is no document here');
  const addresses = [options.node ?? []].flat().map(address);
  const modules = new URL(options.modules ?? 'modules/', options.modules ? document.baseURI : import.meta.url);
  if (!modules.pathname.endsWith('/')) modules.pathname += '/';
  const [Tab, node] = await Promise.all([load(modules.href), first(addresses)]);
  const {data = 'corpus'} = options;
  const begun = data === null ? null : called('bad-argument', () => given(data, node));
  return new Driver(options, begun, Tab, node, modules);
}

export function unpin() {
  localStorage.removeItem(PINNED);
}

/** @implements {Peer} */
class Driver {
  /** The module's `Tab`. @type {any} */ #tab;
  /** @type {import('./node.js').Node} */ #node;
  /** @type {((event: PeerEvent) => void)|undefined} */ #onEvent;
  /** @type {Map<string, Set<(event: any) => void>>} */ #listeners = new Map();
  /** Who waits for an event, by its type; the first that comes is for the first that asked. @type {Map<string, Waiting[]>} */ #waiting = new Map();
  /** The newest that is learned from: its type, whether all of it was given, and who waits. @type {(Waiting & {type: string, whole: boolean})|undefined} */ #learning;
  /** @type {Feed} */ #feed;
  #learned = false;
  /** Why nothing more is done. @type {PeerError|undefined} */ #over;
  /** @type {Promise<void>|undefined} */ #ending;
  /** @type {string[]} */ #blobs = [];

  /** @param {Options} options @param {Given|null} begun @param {any} Tab @param {import('./node.js').Node} node @param {URL} modules */
  constructor({private: alone, device, policy, price, iceServers, seed, join = true, onEvent}, begun, Tab, node, modules) {
    this.#onEvent = onEvent;
    this.#node = node;
    this.node = node.base;
    this.chain = node.chain;
    const worker = (/** @type {string} */ name) => this.#worker(new URL(`peerage-${name}_loader.js`, modules));
    this.#tab = called('bad-argument', () => new Tab({
      bootstrapText: node.text,
      bootstrapUrl: new URL('bootstrap.json', node.base).href,
      trainerUrl: worker('trainer'),
      auditorUrl: worker('auditor'),
      device: device ?? 'auto',
      seed,
      iceServers,
      onEvent: (/** @type {PeerEvent} */ event) => this.#on(event),
    }));
    this.#feed = new Feed((content) => this.#tab.give(content));
    try {
      if (policy) this.policy(policy);
      if (price !== undefined) this.price(price);
      if (join) this.join();
      this.ready = begun ? this.#learn(begun, alone) : Promise.resolve(null);
    } catch (error) {
      this.stop();
      throw error;
    }
    // Whoever does not wait for it hears of it as an event.
    this.ready.catch(() => {});
  }

  join() {
    this.#call(() => this.#tab.join());
  }

  /** @param {import('./index.js').PeerData} data @param {{private?: boolean}} [options] @returns {Promise<Dataset>} */
  async learn(data, {private: alone} = {}) {
    return this.#learn(called('bad-argument', () => given(data, this.#node)), alone);
  }

  /** @param {Given} given @param {boolean|undefined} alone @returns {Promise<Dataset>} */
  #learn({source, content, own}, alone) {
    this.#call(() => this.#tab.learn({source, private: alone ?? own}));
    this.#unlearned(new PeerError('replaced', 'something newer to learn from came in between'));
    return new Promise((resolve, reject) => {
      const mine = (this.#learning = {type: source.type, whole: content === null, resolve, reject});
      if (content === null) return this.#feed.end();
      this.#feed.run(content).then(
        () => (mine.whole = true),
        (error) => {
          if (this.#learning !== mine) return;
          const fault = PeerError.of(error, 'bad-data');
          this.#unlearned(fault);
          this.#tell({type: 'unusable', source, reason: fault.message});
        },
      );
    });
  }

  /** @param {import('./index.js').Content} content */
  give(content) {
    this.#call(() => this.#tab.give(content));
    if (content.type === 'end' && this.#learning) this.#learning.whole = true;
  }

  /** @param {boolean} alone */
  private(alone) {
    this.#call(() => this.#tab.private(alone));
  }

  /** @param {boolean} cut */
  offline(cut) {
    this.#call(() => this.#tab.offline(cut));
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.#call(() => this.#tab.pause(paused));
  }

  /** @param {import('./index.js').Policy} policy */
  policy(policy) {
    this.#call(() => this.#tab.policy(policy));
  }

  /** @param {bigint|string} base */
  price(base) {
    this.#call(() => this.#tab.price(String(base)));
  }

  /** @param {import('./index.js').Intent} intent */
  ask(intent) {
    this.#call(() => this.#tab.ask(intent));
  }

  /** @param {boolean} paused */
  work(paused) {
    this.#call(() => this.#tab.work(paused));
  }

  /** @param {string} peer @param {import('./index.js').Question} question @returns {Promise<Float32Array>} */
  async logits(peer, question) {
    return this.#answer(() => this.#tab.logits(peer, question));
  }

  /** @returns {Promise<import('./index.js').Validation>} */
  async validate() {
    return this.#next('validation', () => this.#tab.validate());
  }

  /** @returns {Promise<import('./index.js').ModelKept>} */
  async keep() {
    return this.#next('modelKept', () => this.#tab.keep());
  }

  /** @returns {Promise<{step: number, bytes: Uint8Array}>} */
  async exportModel() {
    const {step, bytes} = await this.#next('exported', () => this.#tab.export());
    return {step, bytes};
  }

  /** @param {Uint8Array} file @returns {Promise<{step: number}>} */
  async importModel(file) {
    if (!(file instanceof Uint8Array)) throw new PeerError('bad-argument', 'the bytes of a safetensors file are wanted');
    const {step} = await this.#next('imported', () => this.#tab.importModel(file));
    return {step};
  }

  forgetModel() {
    this.#call(() => this.#tab.forgetModel());
  }

  /** @returns {Promise<string>} */
  async backup() {
    return this.#answer(() => this.#tab.backup());
  }

  /** @param {string} text @returns {Promise<void>} */
  async importCold(text) {
    return this.#answer(() => this.#tab.importCold(text));
  }

  /** @returns {Promise<void>} */
  stop() {
    this.#ending ??= this.#end(() => this.#tab.stop());
    return this.#ending;
  }

  /** @returns {Promise<void>} */
  async forgetChain() {
    await this.#end(() => this.#tab.forgetChain());
    return this.stop();
  }

  snapshot() {
    return called('broken', () => this.#tab.snapshot());
  }

  /** @param {string} type @param {(event: any) => void} listener */
  on(type, listener) {
    const all = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, all.add(listener));
    return () => void all.delete(listener);
  }

  /** What the tab says. @param {PeerEvent} event */
  #on(event) {
    if (event.type === 'reading') this.#feed.reading(event.done);
    if (event.type === 'dataset') {
      this.#learned = true;
      if (this.#learning?.whole && this.#learning.type === event.source.type) {
        this.#learning.resolve(event);
        this.#learning = undefined;
      }
    }
    if (event.type === 'unusable') {
      this.#feed.end();
      this.#unlearned(new PeerError('bad-data', event.reason));
    }
    // A file that is no model is told as a trouble.
    if (event.type === 'trouble') this.#waiting.get('imported')?.shift()?.reject(new PeerError('refused', event.message));
    if (event.type === 'trouble' && event.fatal) this.#nothingComes(new PeerError('stopped', event.message));
    if (event.type === 'stopped') this.#over ??= new PeerError('stopped', 'this peer has stopped');
    if (event.type === 'stopped') this.#nothingComes(/** @type {PeerError} */ (this.#over));
    this.#waiting.get(event.type)?.shift()?.resolve(event);
    this.#tell(event);
  }

  /** @param {PeerEvent} event */
  #tell(event) {
    for (const listener of [this.#onEvent, ...(this.#listeners.get(event.type) ?? [])]) {
      try {
        listener?.(event);
      } catch (error) {
        // A listener's fault is its owner's to see, and does not stop the peer.
        reportError(error);
      }
    }
  }

  /** Has the tab do something. @template T @param {() => T} what @returns {T} */
  #call(what) {
    if (this.#over) throw this.#over;
    return called('bad-argument', what);
  }

  /** What it promises. @template T @param {() => Promise<T>} what @returns {Promise<T>} */
  async #answer(what) {
    const promise = this.#call(what);
    try {
      return await promise;
    } catch (error) {
      throw PeerError.of(error, 'refused');
    }
  }

  /** The event of `type` that comes of it. @param {string} type @param {() => void} what @returns {Promise<any>} */
  #next(type, what) {
    if (!this.#learned && !this.#over) throw new PeerError('not-learning', 'nothing is learned yet: wait for `ready`');
    return new Promise((resolve, reject) => {
      this.#call(what);
      this.#waiting.set(type, [...(this.#waiting.get(type) ?? []), {resolve, reject}]);
    });
  }

  /** @param {() => Promise<void>} how */
  async #end(how) {
    this.#over ??= new PeerError('stopped', 'this peer has stopped');
    this.#feed?.end();
    try {
      await how();
    } finally {
      this.#nothingComes(this.#over);
      this.#blobs.splice(0).forEach((url) => URL.revokeObjectURL(url));
    }
  }

  /** What was to be learned from is not. @param {PeerError} why */
  #unlearned(why) {
    this.#learning?.reject(why);
    this.#learning = undefined;
  }

  /** Whoever waits for the trainer waits in vain. @param {PeerError} why */
  #nothingComes(why) {
    this.#unlearned(why);
    for (const all of this.#waiting.values()) all.splice(0).forEach((one) => one.reject(why));
  }

  /** The address of a worker's module; one of another origin is imported by one of this. @param {URL} url */
  #worker(url) {
    if (url.origin === location.origin) return url.href;
    const blob = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], {type: 'text/javascript'}));
    this.#blobs.push(blob);
    return blob;
  }
}

/** @type {Map<string, Promise<any>>} */
const loading = new Map();

/** The class `Tab` of the modules in a folder, loaded once. @param {string} folder */
function load(folder) {
  const known = loading.get(folder);
  if (known) return known;
  const coming = (async () => {
    try {
      const module = await import(/* @vite-ignore */ /* webpackIgnore: true */ new URL('peerage-page.js', folder).href);
      await module.default();
      return module.Tab;
    } catch (error) {
      loading.delete(folder);
      throw new PeerError('no-modules', `the modules cannot be loaded from ${folder}: ${error instanceof Error ? error.message : error}`, {cause: error});
    }
  })();
  loading.set(folder, coming);
  return coming;
}

/** Calls the module; what it throws has a name then. @template T @param {import('./index.js').PeerErrorCode} code @param {() => T} what @returns {T} */
function called(code, what) {
  try {
    return what();
  } catch (error) {
    throw PeerError.of(error, code);
  }
}
