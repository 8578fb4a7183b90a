// @ts-check
// Drives the light client's module: carries queries to sources and replies back, keeps the time, writes what is to be kept.
// What is true is decided in the module (crates/app/client); nothing here looks into a reply.

import init, {Core} from './wasm/peerage_client.js';
import {LightError} from './error.js';
import {nodeSource} from './source.js';

export {LightError} from './error.js';
export {nodeSource} from './source.js';
export {indexedDBStore, memoryStore} from './store.js';

/** @typedef {import('./index.js').LightClientOptions} Options */
/** @typedef {import('./index.js').LightSource} Source */
/** @typedef {import('./index.js').LightEvent} LightEvent */
/** @typedef {import('./index.js').Checkpoint} Checkpoint */
/** @typedef {{chain: string, checkpoint: Checkpoint, genesis: Uint8Array, trusted: 'checkpoint'|'genesis'|'bootstrap'|'store', first?: Checkpoint}} Beginning */
/** @typedef {{resolve: (value: any) => void, reject: (error: LightError) => void}} Waiting */

/** Longest that one answer may take, ms. */
const PATIENCE_MS = 15_000;
/** Longest that a proof is waited for, ms: two sources that are silent, and one that answers. */
const PROOF_MS = 45_000;
/** Longest timer, ms: a clock that was set back does not stop the client. */
const LONGEST_TIMER_MS = 5_000;
/** Submitted transactions that are looked for in the blocks. */
const MOST_SOUGHT = 64;

/** @param {Options} options @returns {Promise<import('./index.js').LightClient>} */
export async function createLightClient(options) {
  await load(options.wasm);
  const sources = options.sources.map((source) => (typeof source === 'string' ? nodeSource(source) : source));
  try {
    const beginning = await begin(options, sources);
    const client = driver(options, beginning);
    sources.forEach((source) => client.addSource(source));
    await client.start();
    return client;
  } catch (error) {
    throw LightError.of(error);
  }
}

/**
 * Follows from genesis where that is wanted and not too long ago, else from the checkpoint.
 * @param {Options} options @param {Beginning} beginning
 */
function driver(options, beginning) {
  const {first} = beginning;
  if (first) {
    try {
      return new Driver(options, {...beginning, checkpoint: first});
    } catch (error) {
      if (LightError.of(error).code !== 'stale-checkpoint') throw error;
    }
  }
  return new Driver(options, beginning);
}

class Driver {
  /** @type {Core} */ #core;
  /** @type {Map<string, Source>} */ #sources = new Map();
  /** Queries under way, by id. @type {Map<number, {name: string, stop: AbortController}>} */ #asked = new Map();
  /** Who waits for a proof, by subject. @type {Map<string, Waiting[]>} */ #proofs = new Map();
  /** Who waits for a past epoch. @type {Map<number, Waiting[]>} */ #epochs = new Map();
  /** Who waits for a submission, by digest. @type {Map<string, Waiting[]>} */ #submissions = new Map();
  /** Submitted and not found in a block yet. @type {Set<string>} */ #sought = new Set();
  /** @type {Map<string, Set<(event: any) => void>>} */ #listeners = new Map();
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;
  /** @type {Promise<void>|undefined} */ #pump;
  #again = false;
  #started = false;
  /** Why nothing more comes. @type {LightError|undefined} */ #over;
  /** @type {Waiting|undefined} */ #first;

  /** @param {Options} options @param {Beginning} beginning */
  constructor({store, auditUpTo = 16_384, onEvent}, {chain, checkpoint, genesis, trusted}) {
    const keys = bytesOf(checkpoint.validators.join(''));
    this.#core = new Core(chain, genesis, checkpoint.height, checkpoint.digest, checkpoint.time, keys, auditUpTo, Date.now());
    this.chain = chain;
    this.trusted = trusted;
    this.checkpoint = checkpoint;
    this.genesis = genesis;
    this.store = store;
    this.onEvent = onEvent;
    this.ready = new Promise((resolve, reject) => (this.#first = {resolve, reject}));
    // Whoever does not wait for it hears of the end as an event.
    this.ready.catch(() => {});
  }

  /** Takes what was kept, and begins to ask. */
  async start() {
    const {chain, checkpoint, genesis, store} = this;
    this.#tell({type: 'trust', trusted: this.trusted, checkpoint});
    if (store) {
      try {
        const kept = await Promise.all(Core.shelves().map((shelf) => store.read(`${chain}/${shelf}`)));
        Core.shelves().forEach((shelf, index) => this.#call(() => this.#core.restore(shelf, kept[index], Date.now())));
        const pin = {chain, checkpoint, genesis: hexOf(genesis)};
        await store.write(PIN, new TextEncoder().encode(JSON.stringify(pin)), false);
      } catch (error) {
        this.#storeFailed(error);
      }
    }
    this.#started = true;
    // Later than whoever waits for the client, so that their listeners hear the first events too.
    this.#timer = setTimeout(() => this.#work(), 0);
  }

  get head() {
    return this.#call(() => this.#core.head());
  }

  get audit() {
    return this.#call(() => this.#core.audit());
  }

  get evidence() {
    return this.#call(() => this.#core.evidence());
  }

  get sources() {
    const flat = this.#call(() => this.#core.sources());
    return [...this.#sources.keys()].map((name) => ({name, lied: flat[flat.indexOf(name) + 1] === false}));
  }

  /** @param {string} key */
  account(key) {
    return this.#prove('account', key, () => this.#core.proveKey('account', key));
  }

  /** @param {string} key */
  neuron(key) {
    return this.#prove('neuron', key, () => this.#core.proveKey('neuron', key));
  }

  /** @param {number} uid */
  row(uid) {
    return this.#prove('row', uid, () => this.#core.proveUid('row', uid));
  }

  /** @param {number} uid */
  standing(uid) {
    return this.#prove('standing', uid, () => this.#core.proveUid('standing', uid));
  }

  totals() {
    return this.#prove('totals', undefined, () => this.#core.proveUid('totals', 0));
  }

  peers() {
    const height = this.#call(() => this.#core.tablesAt());
    if (height === undefined) throw new LightError('not-audited', 'no epoch was audited yet: wait for the event `audit`');
    return {height, peers: this.#call(() => this.#core.peers())};
  }

  get parameters() {
    return this.#call(() => this.#core.parameters());
  }

  get epochs() {
    const found = this.#call(() => this.#core.epochs());
    return found && {first: found[0], last: found[1]};
  }

  /** @param {number} [epoch] */
  async market(epoch) {
    if (epoch !== undefined) {
      this.#call(() => this.#core.askMarket(epoch));
      return this.#wait(this.#epochs, epoch);
    }
    const newest = this.#call(() => this.#core.market());
    if (!newest) throw new LightError('not-audited', 'no epoch was audited yet: wait for the event `audit`');
    return newest;
  }

  /** @param {Uint8Array} transaction */
  async submit(transaction) {
    const digest = this.#call(() => this.#core.submit(transaction));
    const answer = await this.#wait(this.#submissions, digest);
    this.#sought.add(digest);
    if (this.#sought.size > MOST_SOUGHT) this.#sought.delete(this.#sought.values().next().value ?? digest);
    return answer;
  }

  /** @param {string|Source} given */
  addSource(given) {
    const source = typeof given === 'string' ? nodeSource(given) : given;
    if (!source?.name || typeof source.ask !== 'function') throw new LightError('bad-source', 'a source has a name and a function `ask`');
    if (this.#sources.has(source.name)) throw new LightError('bad-source', `there is a source named ${source.name}`);
    this.#call(() => this.#core.addSource(source.name));
    this.#sources.set(source.name, source);
    if (this.#started) this.#work();
  }

  /** @param {string} name */
  removeSource(name) {
    if (!this.#sources.delete(name)) return;
    this.#call(() => this.#core.removeSource(name));
    for (const {name: asked, stop} of this.#asked.values()) if (asked === name) stop.abort();
    this.#work();
  }

  hint() {
    this.#call(() => this.#core.hint());
    this.#work();
  }

  /** @param {string} type @param {(event: any) => void} listener */
  on(type, listener) {
    const all = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, all.add(listener));
    return () => void all.delete(listener);
  }

  async close() {
    if (this.#over?.code === 'closed') return;
    this.#end(new LightError('closed', 'the light client was closed'));
    await this.#pump;
    this.#core.free();
  }

  /** @param {string} kind @param {string|number|undefined} of @param {() => void} ask */
  async #prove(kind, of, ask) {
    this.#call(ask);
    return this.#wait(this.#proofs, `${kind} ${of}`);
  }

  /** What comes for `key`, if it comes in time. @template {string|number} K @param {Map<K, Waiting[]>} waiting @param {K} key @returns {Promise<any>} */
  #wait(waiting, key) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        settle();
        reject(new LightError('unavailable', 'no source answers: name others, or ask again later'));
      }, PROOF_MS);
      const settle = () => {
        clearTimeout(late);
        waiting.set(key, (waiting.get(key) ?? []).filter((one) => one !== mine));
      };
      const mine = {
        resolve: (/** @type {any} */ value) => (settle(), resolve(value)),
        reject: (/** @type {LightError} */ error) => (settle(), reject(error)),
      };
      waiting.set(key, [...(waiting.get(key) ?? []), mine]);
      this.#work();
    });
  }

  /** Calls the module. Where it breaks or is over, that is an error with a name. @template T @param {() => T} call @returns {T} */
  #call(call) {
    if (this.#over && this.#over.code !== 'stopped') throw this.#over;
    try {
      return call();
    } catch (error) {
      const named = LightError.of(error);
      if (named.code === 'broken') this.#end(named);
      throw named;
    }
  }

  /** Does what is to be done, soon; one round at a time. */
  #work() {
    this.#again = true;
    this.#pump ??= this.#rounds()
      .catch((error) => this.#end(LightError.of(error)))
      .finally(() => {
        this.#pump = undefined;
        if (this.#again && !this.#over) this.#work();
      });
  }

  async #rounds() {
    while (this.#again && !this.#over) {
      this.#again = false;
      for (let step = this.#core.poll(Date.now()); step && !this.#over; step = this.#core.poll(Date.now())) {
        if (step.type === 'query') this.#ask(step);
        // What comes later may rest on it.
        else await this.#keep(step);
      }
      this.#hear();
    }
    if (this.#over) return;
    clearTimeout(this.#timer);
    const at = this.#core.deadline();
    const wait = at === undefined ? LONGEST_TIMER_MS : Math.max(0, Math.min(at - Date.now(), LONGEST_TIMER_MS));
    this.#timer = setTimeout(() => this.#work(), wait);
  }

  /** @param {{id: number, source: string, query: Uint8Array}} step */
  async #ask({id, source: name, query}) {
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), PATIENCE_MS);
    this.#asked.set(id, {name, stop});
    /** @type {Uint8Array|undefined} */
    let reply;
    try {
      reply = await this.#sources.get(name)?.ask(query, stop.signal);
    } catch {
      // Silence; the module asks others.
    }
    clearTimeout(late);
    this.#asked.delete(id);
    if (this.#over) return;
    try {
      this.#call(() => (reply ? this.#core.reply(id, reply, Date.now()) : this.#core.failed(id, Date.now())));
    } catch {
      // It is over, which everyone who waits was told.
      return;
    }
    this.#work();
  }

  /** @param {{shelf: string, bytes: Uint8Array, append: boolean}} step */
  async #keep({shelf, bytes, append}) {
    try {
      await this.store?.write(`${this.chain}/${shelf}`, bytes, append);
    } catch (error) {
      this.#storeFailed(error);
    }
  }

  /** @param {unknown} error */
  #storeFailed(error) {
    this.store = undefined;
    const message = `nothing is kept any more, the store failed: ${error instanceof Error ? error.message : error}`;
    this.#tell({type: 'alarm', code: 'store', message, fatal: false});
  }

  /** Tells what the module saw. */
  #hear() {
    for (let event = this.#core.event(); event && !this.#over; event = this.#core.event()) this.#on(event);
  }

  /** @param {any} event */
  #on(event) {
    switch (event.type) {
      case 'proven': {
        const {height, source, value} = event;
        const answer = value === undefined ? {height, source, there: false} : {height, source, there: true, value};
        return this.#answer(this.#proofs, `${event.subject} ${event.of}`, (one) => one.resolve(answer));
      }
      case 'market':
        return this.#answer(this.#epochs, event.epoch, (one) => one.resolve(event.market));
      case 'no-market':
        return this.#answer(this.#epochs, event.epoch, (one) =>
          one.reject(new LightError('unavailable', `there is nothing of epoch ${event.epoch}: ${event.reason}`)),
        );
      case 'submitted':
        return this.#answer(this.#submissions, event.digest, (one) =>
          event.refusal ? one.reject(new LightError('refused', event.refusal)) : one.resolve({digest: event.digest, source: event.source}),
        );
      case 'not-submitted':
        return this.#answer(this.#submissions, event.digest, (one) =>
          one.reject(new LightError('unavailable', 'no source took the transaction: hand it in again')),
        );
      case 'included':
        this.#sought.delete(event.digest);
        break;
      case 'head':
        this.#first?.resolve(event.head);
        for (const digest of this.#sought) this.#core.find(digest);
        this.#again ||= this.#sought.size > 0;
        break;
    }
    this.#tell(event);
    if (event.type === 'alarm' && event.fatal) this.#end(new LightError('stopped', event.message));
  }

  /** @template {string|number} K @param {Map<K, Waiting[]>} waiting @param {K} key @param {(one: Waiting) => void} how */
  #answer(waiting, key, how) {
    const all = waiting.get(key) ?? [];
    all.forEach(how);
    waiting.delete(key);
  }

  /** @param {LightEvent} event */
  #tell(event) {
    for (const listener of [this.onEvent, ...(this.#listeners.get(event.type) ?? [])]) {
      try {
        listener?.(event);
      } catch (error) {
        // A listener's fault is its owner's to see, and does not stop the client.
        (globalThis.reportError ?? console.error)(error);
      }
    }
  }

  /** @param {LightError} why */
  #end(why) {
    this.#over = why;
    clearTimeout(this.#timer);
    for (const {stop} of this.#asked.values()) stop.abort();
    this.#first?.reject(why);
    for (const waiting of [this.#proofs, this.#submissions, this.#epochs]) {
      for (const all of [...waiting.values()]) all.forEach((one) => one.reject(why));
      waiting.clear();
    }
  }
}

/** Where verification begins, and by whose word. @param {Options} options @param {Source[]} sources @returns {Promise<Beginning>} */
async function begin({checkpoint, genesis, store, history}, sources) {
  if (checkpoint) {
    const {chain} = checkpoint;
    return {chain, checkpoint, genesis: genesis ?? (await genesisFrom(sources, chain)), trusted: 'checkpoint'};
  }
  if (genesis) {
    const beginning = Core.beginning(genesis);
    return {chain: beginning.chain, checkpoint: beginning, genesis, trusted: 'genesis'};
  }
  const pinned = await pin(store);
  const node = sources.find((source) => 'bootstrap' in source);
  if (!node) {
    if (pinned) return pinned;
    throw new LightError('no-checkpoint', 'give a checkpoint or a genesis, or the address of a node that names one');
  }
  let told;
  try {
    told = await /** @type {any} */ (node).bootstrap(AbortSignal.timeout(PATIENCE_MS));
  } catch (error) {
    if (pinned) return pinned;
    throw error;
  }
  const {chain, validators} = told;
  if (pinned && pinned.chain !== chain) {
    throw new LightError('wrong-chain', `${node.name} names chain ${chain}, at the first visit it was ${pinned.chain}: empty the store to follow the new one`);
  }
  const bytes = bytesOf(told.genesis);
  const first = history ? Core.beginning(bytes) : undefined;
  if (first && first.chain !== chain) throw new LightError('wrong-chain', `${node.name} names chain ${chain} and gives the genesis of ${first.chain}`);
  return {chain, checkpoint: {chain, ...told.checkpoint, validators}, genesis: bytes, trusted: 'bootstrap', first};
}

/** What an earlier visit began with. @param {Options['store']} store @returns {Promise<Beginning|undefined>} */
async function pin(store) {
  const bytes = await store?.read(PIN).catch(() => undefined);
  if (!bytes?.length) return undefined;
  try {
    const {chain, checkpoint, genesis} = JSON.parse(new TextDecoder().decode(bytes));
    return {chain, checkpoint, genesis: bytesOf(genesis), trusted: 'store'};
  } catch {
    return undefined;
  }
}

/** The genesis of `chain`, from the first that gives it. @param {Source[]} sources @param {string} chain */
async function genesisFrom(sources, chain) {
  let others = 0;
  for (const source of sources) {
    try {
      const genesis = Core.genesisIn(await source.ask(Core.genesisQuery(), AbortSignal.timeout(PATIENCE_MS)));
      if (!genesis) continue;
      if (Core.beginning(genesis).chain === chain) return genesis;
      others += 1;
    } catch {
      // Silence or nonsense: the next one is asked.
    }
  }
  if (others > 0) throw new LightError('wrong-chain', `no source gives the genesis of chain ${chain}, ${others} gave another`);
  throw new LightError('unavailable', 'no source gives the genesis: name others, or give it');
}

/** Loads the module once. @param {Options['wasm']} wasm */
async function load(wasm) {
  loading ??= (async () => {
    const place = wasm ?? new URL('./wasm/peerage_client_bg.wasm', import.meta.url);
    // Node.js fetches nothing from files.
    const local = place instanceof URL && place.protocol === 'file:';
    return init({module_or_path: local ? (await import(/* @vite-ignore */ 'node:fs/promises')).readFile(place) : place});
  })();
  try {
    await loading;
  } catch (error) {
    loading = undefined;
    throw new LightError('unavailable', `the module cannot be loaded: ${error instanceof Error ? error.message : error}`, {cause: error});
  }
}

/** @type {Promise<unknown>|undefined} */
let loading;

/** The shelf of where verification began. */
const PIN = 'pin';

/** @param {string} hex */
function bytesOf(hex) {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new LightError('malformed', 'lower-case hexadecimal is wanted');
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {Uint8Array} bytes */
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
