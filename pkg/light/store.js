// @ts-check
// Ready-made stores for the next visit. What comes back from a store is checked like a stranger's word, but for the checkpoint in it.

import {joined} from './source.js';

/**
 * A store in IndexedDB, for pages and workers: a shelf is a list of pieces, so that adding to it writes only what is new.
 * @param {string} [name] of the database
 * @returns {import('./index.js').LightStore}
 */
export function indexedDBStore(name = 'peerage-light') {
  const opened = once(() => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore('pieces');
    return done(request);
  });
  const all = (/** @type {string} */ shelf) => IDBKeyRange.bound([shelf, 0], [shelf, Infinity]);
  const pieces = async (/** @type {IDBTransactionMode} */ mode) => (await opened()).transaction('pieces', mode, {durability: 'strict'}).objectStore('pieces');
  return {
    async read(shelf) {
      return joined(await done((await pieces('readonly')).getAll(all(shelf))));
    },
    async write(shelf, bytes, append) {
      const list = await pieces('readwrite');
      const finished = new Promise((resolve, reject) => {
        list.transaction.oncomplete = () => resolve(undefined);
        list.transaction.onabort = list.transaction.onerror = () => reject(list.transaction.error);
      });
      if (append) {
        const count = list.count(all(shelf));
        count.onsuccess = () => list.put(bytes, [shelf, count.result]);
      } else {
        list.delete(all(shelf));
        list.put(bytes, [shelf, 0]);
      }
      await finished;
    },
  };
}

/**
 * A store that lasts as long as the program.
 * @returns {import('./index.js').LightStore}
 */
export function memoryStore() {
  /** @type {Map<string, Uint8Array>} */
  const shelves = new Map();
  return {
    read: async (shelf) => shelves.get(shelf) ?? new Uint8Array(),
    write: async (shelf, bytes, append) => void shelves.set(shelf, append ? joined([shelves.get(shelf) ?? new Uint8Array(), bytes]) : bytes),
  };
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @template T @param {() => Promise<T>} make @returns {() => Promise<T>} */
function once(make) {
  /** @type {Promise<T>|undefined} */
  let made;
  return () => (made ??= make());
}
