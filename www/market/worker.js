// @ts-check
/**
 * Follows the chain with the light client, off the page's thread: verifies heads and epochs, fetches past epochs newest first, keeps what it
 * saw. It has no key and signs nothing.
 */

import {openArchive} from './archive.js';

/** @typedef {import('../../pkg/light/index.js').LightClient} Client */
/** @typedef {import('./types.js').Told} Told */
/** @typedef {import('./types.js').Market} Market */

/** The light client: the package `pkg/light`, copied beside this script. */
const LIGHT = './light/index.js';
/** Past epochs that are fetched by themselves; others when a person looks at them. */
const BACK = 400;
/** Time between two of these, ms: a node answers others too. */
const PACE_MS = 30;
/** Silence of the node after which it is told, ms. */
const SILENT_MS = 4_000;
/** Time between attempts to begin, ms. */
const AGAIN_MS = 3_000;
/** The client's own store: another than that of a page that embeds it. */
const STORE = 'peerage-market';

const scope = /** @type {any} */ (self);
/** @param {Told} told */
const tell = (told) => scope.postMessage(told);
const origin = new URL(location.href).origin;

/** @type {Awaited<ReturnType<typeof openArchive>>|undefined} */
let archive;
/** @type {Client|undefined} */
let client;
/** Epochs that a person waits for, newest last. @type {number[]} */
let wanted = [];
/** Epochs that were given to the page, and whether there is nothing better to come. @type {Map<number, boolean>} */
const given = new Map();
/** The newest whole tables, and whether there may be newer ones. @type {Market|undefined} */
let newest;
let renewed = true;
let silentSince = 0;
let silent = false;

/** Times silence, and says that the node is there again. @param {boolean} answered */
function heard(answered) {
  if (answered) {
    silentSince = 0;
    if (silent) tell({type: 'answers'});
    silent = false;
    return;
  }
  silentSince ||= Date.now();
  if (!silent && Date.now() - silentSince >= SILENT_MS) {
    silent = true;
    tell({type: 'silent'});
  }
}

async function begin() {
  const light = /** @type {typeof import('../../pkg/light/index.js')} */ (await import(new URL(LIGHT, import.meta.url).href));
  const node = /** @type {import('../../pkg/light/index.js').LightSource & {bootstrap(signal: AbortSignal): Promise<any>}} */ (light.nodeSource(origin));
  const source = {
    name: node.name,
    ask: (/** @type {Uint8Array} */ query, /** @type {AbortSignal} */ signal) =>
      node.ask(query, signal).then(
        (reply) => (heard(true), reply),
        (error) => {
          heard(false);
          throw error;
        },
      ),
    bootstrap: (/** @type {AbortSignal} */ signal) => node.bootstrap(signal),
  };
  archive = await openArchive().catch(() => undefined);
  // A second tab looks on without a store: two that write to one would undo each other's work.
  const mine = await held('peerage-market');
  const store = mine && archive ? light.indexedDBStore(STORE) : undefined;
  for (;;) {
    try {
      client = await light.createLightClient({sources: [source], store, history: true, onEvent});
      break;
    } catch (error) {
      const {code, message} = /** @type {import('../../pkg/light/index.js').LightError} */ (error);
      tell({type: 'failed', code: code ?? 'unavailable', message});
      if (code === 'wrong-chain') return;
      await pause(AGAIN_MS);
    }
  }
  tell({type: 'begun', chain: client.chain, trusted: client.trusted, parameters: client.parameters});
  await serve(client);
}

/** @param {import('../../pkg/light/index.js').LightEvent} event */
function onEvent(event) {
  switch (event.type) {
    case 'head':
      // The tables of genesis come without an audit.
      renewed ||= newest === undefined;
      return tell({type: 'head', head: event.head});
    case 'restored':
      renewed = true;
      return;
    case 'audit':
      renewed = true;
      return tell({type: 'audit', audit: event.audit});
    case 'alarm':
      tell({type: 'alarm', code: event.code, why: 'why' in event ? event.why : undefined, message: event.message, fatal: event.fatal});
      if (event.code === 'lied' || event.code === 'stalled') compareChains();
  }
}

/** Whether the node serves another chain by now. */
async function compareChains() {
  try {
    const {chain} = await (await fetch(new URL('/bootstrap.json', origin), {signal: AbortSignal.timeout(5_000)})).json();
    if (client && chain !== client.chain) tell({type: 'other-chain', before: client.chain, now: chain});
  } catch {
    // It is away.
  }
}

/** Gives epochs, for ever: the newest, those that a person waits for, and then the others. @param {Client} client */
async function serve(client) {
  let told = '';
  const [oldest = Infinity] = (await archive?.epochs(client.chain).catch(() => [])) ?? [];
  for (;;) {
    const epochs = client.epochs;
    if (epochs) {
      const first = Math.min(epochs.first, oldest);
      if (renewed) newest = await client.market().catch(() => undefined);
      renewed = false;
      if (told !== `${first} ${epochs.last}`) tell({type: 'epochs', first, last: epochs.last});
      told = `${first} ${epochs.last}`;
      const next = choose(client, first, epochs.last);
      if (next !== undefined) {
        await give(client, next);
        await pause(PACE_MS);
        continue;
      }
    }
    await pause(250);
  }
}

/** @param {Client} client @param {number} first @param {number} last */
function choose(client, first, last) {
  if (newest && presentable(client, newest) && !given.get(newest.epoch)) return newest.epoch;
  // What is beyond waits until the chain, or what is known of it, has come so far.
  const asked = wanted.findLast((epoch) => epoch >= first && epoch <= last);
  if (asked !== undefined) {
    wanted = wanted.filter((epoch) => epoch !== asked);
    return asked;
  }
  // An epoch that has just ended comes with its audit, where there is one to come.
  const none = silent || (client.audit && client.audit.outcome !== 'sound');
  const from = none ? last : (newest?.epoch ?? -1);
  for (let epoch = from; epoch >= Math.max(first, from - BACK, 1); epoch -= 1) if (!given.has(epoch)) return epoch;
}

/** The tables of genesis are there at once, and are worth a look only until the first epoch has ended. @param {Client} client @param {Market} market */
const presentable = ({head, parameters}, market) => market.epoch > 0 || (head !== undefined && head.height < parameters.tempo);

/** @param {Client} client @param {number} epoch */
async function give(client, epoch) {
  const {chain} = client;
  const kept = await archive?.read(chain, epoch).catch(() => undefined);
  if (newest?.epoch !== epoch && kept?.market.peers) return hand({market: kept.market, origin: 'kept'});
  try {
    const market = newest?.epoch === epoch ? newest : await client.market(epoch);
    // Rows that a node has forgotten since are here from an earlier visit, if anywhere.
    const known = {market, origin: /** @type {'computed'|'proven'} */ (market.computed ? 'computed' : 'proven')};
    if (!kept || market.peers) await archive?.write(chain, known).catch(() => {});
    hand(known);
  } catch (error) {
    if (kept) return hand({market: kept.market, origin: 'kept'});
    if (silentSince > 0) {
      // It may have it all the same: asked again once it answers.
      wanted = [epoch, ...wanted].slice(0, 16);
      return void (await pause(AGAIN_MS));
    }
    given.set(epoch, true);
    tell({type: 'lacking', epoch, reason: error instanceof Error ? error.message : String(error)});
  }
}

/** @param {import('./types.js').Known} known */
function hand(known) {
  given.set(known.market.epoch, known.market.computed);
  tell({type: 'market', known});
}

/** Holds a lock as long as this worker lives; whether it was free. @param {string} name @returns {Promise<boolean>} */
const held = (name) =>
  new Promise((resolve) => {
    if (!navigator.locks) return resolve(true);
    navigator.locks.request(name, {ifAvailable: true}, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise(() => {}) : undefined;
    }).catch(() => resolve(true));
  });

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

scope.onmessage = async (/** @type {MessageEvent<import('./types.js').Asked>} */ {data}) => {
  if ('want' in data) {
    wanted = [...wanted.filter((epoch) => epoch !== data.want), data.want].slice(-16);
    return;
  }
  await client?.close();
  await archive?.forget().catch(() => {});
  await new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(STORE);
    request.onsuccess = request.onerror = request.onblocked = resolve;
  });
  scope.postMessage({type: 'forgotten'});
};

begin().catch((error) => tell({type: 'failed', code: 'broken', message: error instanceof Error ? error.message : String(error)}));
