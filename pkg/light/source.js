// @ts-check
// Nodes as sources, asked over HTTP. Nothing that they say is believed here; what is too long is not even read to its end.

import {LightError} from './error.js';

/** Longest reply, bytes: that of the ledger's queries. */
const MAX_REPLY_BYTES = 2 ** 20 + 2 ** 18;
/** Longest `/bootstrap.json`, bytes. */
const MAX_BOOTSTRAP_BYTES = 4 * 2 ** 20;
/** Longest wait that a node may ask for, ms. */
const LONGEST_WAIT_MS = 15_000;

/**
 * The node at an address such as `https://node.example`.
 * @param {string} address
 * @returns {import('./index.js').LightSource & {bootstrap(signal: AbortSignal): Promise<any>}}
 */
export function nodeSource(address) {
  const base = parsed(address);
  return {
    name: base.origin,
    async ask(query, signal) {
      const init = {method: 'POST', headers: {'content-type': 'application/octet-stream'}, body: /** @type {BodyInit} */ (query), signal};
      let response = await fetch(new URL('/api/query', base), init);
      if (response.status === 429) {
        await pause(1000 * Number(response.headers.get('retry-after') ?? 1), signal);
        response = await fetch(new URL('/api/query', base), init);
      }
      return bounded(response, MAX_REPLY_BYTES);
    },
    async bootstrap(signal) {
      const bytes = await bounded(await fetch(new URL('/bootstrap.json', base), {signal}), MAX_BOOTSTRAP_BYTES);
      return JSON.parse(new TextDecoder().decode(bytes));
    },
  };
}

/** @param {string} address */
function parsed(address) {
  const base = URL.canParse(address) ? new URL(address) : undefined;
  if (base && /^https?:$/.test(base.protocol) && base.pathname === '/' && !base.search) return base;
  throw new LightError('bad-source', `${address} is no address of a node: one such as https://node.example is wanted`);
}

/** The body, if it is not longer than it may be. @param {Response} response @param {number} limit @returns {Promise<Uint8Array>} */
async function bounded(response, limit) {
  if (!response.ok || !response.body) throw new LightError('unavailable', `${response.url} answers with status ${response.status}`);
  const parts = [];
  let length = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > limit) {
      await reader.cancel();
      throw new LightError('unavailable', `${response.url} answers with more than ${limit} bytes`);
    }
    parts.push(part.value);
  }
  return joined(parts);
}

/** @param {Uint8Array[]} parts */
export function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** @param {number} ms @param {AbortSignal} signal */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve(undefined);
    }, Math.min(ms || 1000, LONGEST_WAIT_MS));
    signal.addEventListener('abort', stop, {once: true});
  });
}
