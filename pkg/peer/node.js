// @ts-check
// What a node hands out over HTTP: its description of itself, and its text. It is believed in nothing here, no cookie goes to it, and what
// is too long is not read to its end.

import {pieces} from './modules/reading.js';
import {PeerError} from './error.js';

/** Longest `bootstrap.json`, bytes. */
const MAX_BOOTSTRAP = 4 * 2 ** 20;
/** Longest text, bytes; more is refused before it fills the memory. */
const MAX_CORPUS = 256e6;
/** Longest that a node may be silent, ms. */
const PATIENCE = 15_000;

/** What a node says of itself, as it was written too. @typedef {{base: URL, text: string, chain: string, corpus: {url: string, bytes: number, name: string}}} Node */

/** The address of a node. @param {string|URL} given */
export function address(given) {
  const base = URL.canParse(given) ? new URL(given) : undefined;
  if (!base || !/^https?:$/.test(base.protocol) || base.search || base.hash) {
    throw new PeerError('bad-node', `${given} is no address of a node: one such as https://node.example is wanted`);
  }
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

/** The first of them that answers. @param {URL[]} addresses @returns {Promise<Node>} */
export async function first(addresses) {
  const faults = [];
  for (const base of addresses) {
    try {
      return await described(base);
    } catch (error) {
      faults.push(PeerError.of(error, 'unavailable'));
    }
  }
  const [one] = faults;
  if (!one) throw new PeerError('bad-node', 'no node is named: one such as https://node.example is wanted');
  throw faults.length === 1 ? one : new PeerError('unavailable', `no node answers: ${faults.map(({message}) => message).join('; ')}`, {cause: one});
}

/** @param {URL} base @returns {Promise<Node>} */
async function described(base) {
  const response = await get(new URL('bootstrap.json', base), AbortSignal.timeout(PATIENCE));
  if (response.status === 503) throw new PeerError('unavailable', `${base} is still starting: try again in a second`);
  if (!response.ok) throw new PeerError('bad-node', `${base} is no node: it has no bootstrap.json (status ${response.status})`);
  const text = await read(response, MAX_BOOTSTRAP);
  try {
    const {chain, corpus} = JSON.parse(text);
    if (typeof chain === 'string' && typeof corpus?.url === 'string') return {base, text, chain, corpus};
  } catch {
    // What is no JSON is no bootstrap.
  }
  throw new PeerError('bad-node', `${base} is no node: its bootstrap.json cannot be read`);
}

/**
 * The node's text as content, as it comes. The clock runs while a byte is waited for, and not while the trainer takes its time.
 * @param {Node} node @returns {AsyncGenerator<import('./index.js').Content>}
 */
export async function* corpus({base, corpus: {url, bytes, name}}) {
  const place = new URL(url, base);
  // Else a node could have a page read what lies beside the page and teach it to its neighbours.
  if (place.origin !== base.origin) throw new PeerError('bad-node', `${base} names a text that is not its own: ${place}`);
  const end = new AbortController();
  /** @template T @param {Promise<T>} coming @returns {Promise<T>} */
  const soon = async (coming) => {
    const timer = setTimeout(() => end.abort(new PeerError('unavailable', `${place}: no byte came for ${PATIENCE / 1000} s`)), PATIENCE);
    try {
      return await coming;
    } finally {
      clearTimeout(timer);
    }
  };
  try {
    const response = await soon(get(place, end.signal));
    const reader = response.ok && response.body?.getReader();
    if (!reader) throw new PeerError('unavailable', `${place} is not handed out (status ${response.status})`);
    let received = 0;
    const heard = new ReadableStream(
      {
        async pull(stream) {
          const {done, value} = await soon(reader.read());
          if (done) return stream.close();
          received += value.length;
          if (received > MAX_CORPUS) throw new PeerError('bad-node', `${place} is larger than a tab can hold (${MAX_CORPUS / 1e6} MB)`);
          stream.enqueue(value);
        },
      },
      // Nothing is read ahead, so that no read waits while nobody asks.
      {highWaterMark: 0},
    );
    yield {type: 'file', name: /\.\w+$/.test(name) ? name : `${name}.txt`, size: bytes || 0};
    yield* pieces(heard);
  } catch (error) {
    throw end.signal.aborted ? end.signal.reason : error;
  } finally {
    end.abort();
  }
}

/** @param {URL} url @param {AbortSignal} signal */
async function get(url, signal) {
  try {
    return await fetch(url, {cache: 'no-cache', credentials: 'omit', signal});
  } catch (error) {
    if (signal.aborted) throw new PeerError('unavailable', `${url.origin} does not answer`, {cause: error});
    throw new PeerError('unavailable', `${url.origin} is not reached, or lets no page of this origin read`, {cause: error});
  }
}

/** The body as text. @param {Response} response @param {number} limit bytes */
async function read(response, limit) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    text += part.value;
    if (text.length > limit) {
      await reader?.cancel();
      throw new PeerError('bad-node', `${response.url} answers with more than ${limit} bytes`);
    }
  }
  return text;
}
