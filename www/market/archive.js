// @ts-check
/**
 * The epochs that this page saw, kept in the browser for the next visit: nodes forget rows and stakes after a few epochs. What is kept was
 * verified when it came and is not verified again. Newest epochs only, as many as fit.
 */

/** @typedef {import('./types.js').Known} Known */

const NAME = 'peerage-market-epochs';
/** Bytes for all epochs of a chain, and how many epochs that makes at least and at most. */
const ROOM = 64e6;
const LEAST = 32;
const MOST = 2_000;

/** @returns {Promise<Archive>} */
export async function openArchive() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore('epochs');
  return new Archive(await done(request));
}

export class Archive {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /** The epoch as it was kept. @param {string} chain @param {number} epoch @returns {Promise<Known|undefined>} */
  read(chain, epoch) {
    return done(this.#epochs('readonly').get([chain, epoch]));
  }

  /** Numbers of what is kept, ascending. @param {string} chain @returns {Promise<number[]>} */
  async epochs(chain) {
    const keys = /** @type {[string, number][]} */ (await done(this.#epochs('readonly').getAllKeys(all(chain))));
    return keys.map(([, epoch]) => epoch);
  }

  /** Keeps an epoch, and lets the oldest go. @param {string} chain @param {Known} known */
  async write(chain, known) {
    const {epoch} = known.market;
    const epochs = this.#epochs('readwrite');
    const written = done(epochs.put(known, [chain, epoch]));
    const most = Math.min(MOST, Math.max(LEAST, Math.floor(ROOM / sizeOf(known.market))));
    if (epoch >= most) epochs.delete(IDBKeyRange.bound([chain, 0], [chain, epoch - most]));
    await written;
  }

  /** Nothing is kept any more. */
  forget() {
    return done(this.#epochs('readwrite').clear());
  }

  /** @param {IDBTransactionMode} mode */
  #epochs(mode) {
    return this.database.transaction('epochs', mode).objectStore('epochs');
  }
}

/** @param {string} chain */
const all = (chain) => IDBKeyRange.bound([chain, 0], [chain, Infinity]);

/** Bytes of an epoch, about. @param {import('./types.js').Market} market */
export function sizeOf({rank, peers}) {
  const rows = peers ? peers.keys.length * 300 + 12 * (peers.weights.uids.length + peers.bonds.uids.length) : 0;
  return 200 + 40 * rank.length + rows;
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
