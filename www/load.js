// @ts-check
/** What the page fetches: the module with the network, the node's description of itself, the text. */

import {pieces} from './reading.js';

const PATIENCE = 15_000; // ms without a byte of the text; the node is then as good as gone
const MAX_CORPUS = 256e6; // bytes; more is refused before it fills the memory
const MAX_BOOTSTRAP = 1 << 20; // bytes, as the module takes

/** The address of a link in the page's head. @param {string} id */
function address(id) {
  const link = document.getElementById(id);
  if (!(link instanceof HTMLLinkElement)) throw new Error(`This page was put together without #${id}. Build it again with “cargo xtask build”.`);
  return link.href;
}

/** @type {Promise<any>|undefined} */
let loading;
let tries = 0;

/** The module of the page with its class `Tab`, loaded once. @returns {Promise<any>} */
export function pageModule() {
  loading ??= (async () => {
    try {
      // Firefox remembers a module that did not come by its whole address, and never asks for it again.
      const module = await import(tries === 0 ? address('page-module') : `${address('page-module')}#${tries}`);
      await module.default({module_or_path: address('page-wasm')});
      return module;
    } catch (error) {
      throw new Error(`The program of this page did not load: ${(await isOld()) ? 'the site has a newer version by now, and this one is gone from it' : error instanceof Error ? error.message : error}`);
    }
  })();
  loading.catch(() => {
    loading = undefined;
    tries += 1;
  });
  return loading;
}

/** Whether the site serves another version of this page than this one. */
async function isOld() {
  try {
    const response = await fetch(new URL('./', document.baseURI), {cache: 'no-store', signal: AbortSignal.timeout(5_000)});
    const theirs = new DOMParser().parseFromString(await response.text(), 'text/html').getElementById('page-module')?.getAttribute('href');
    return theirs != null && new URL(theirs, document.baseURI).href !== address('page-module');
  } catch {
    return false; // nobody answers
  }
}

/** Where the two workers are. */
export const workers = () => ({trainerUrl: address('trainer-worker'), auditorUrl: address('auditor-worker')});

/** A response, or the reason there is none as a person would say it. @param {URL} url @param {RequestInit} options */
async function get(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') throw new Error('no answer within 10 s');
    throw new Error('no connection to the server of this page');
  }
}

/** The node's description of itself, as text and parsed. @returns {Promise<{text: string, json: any}>} */
export async function bootstrap() {
  const response = await get(new URL('bootstrap.json', document.baseURI), {cache: 'no-store', signal: AbortSignal.timeout(10_000)});
  if (!response.ok) throw new Error(response.status === 503 ? 'it is still starting' : `it answered ${response.status}`);
  const text = await within(response, MAX_BOOTSTRAP);
  try {
    return {text, json: JSON.parse(text)};
  } catch {
    throw new Error('what it says of itself cannot be read');
  }
}

/** A text of so many bytes at most. @param {Response} response @param {number} most */
async function within(response, most) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for (let next; !(next = await reader?.read())?.done && next; ) {
    if ((bytes += next.value.length) > most) throw new Error('what it says of itself is too long');
    text += decoder.decode(next.value, {stream: true});
  }
  return text + decoder.decode();
}

/**
 * The node's text as content for the trainer, as it comes. Throws a sentence.
 *
 * The clock runs while a byte is waited for and at no other time: a trainer that takes nothing for a while, because its module
 * still loads, is no fault of the node.
 * @param {{url: string, bytes: number, name: string}} corpus
 * @returns {AsyncGenerator<import('./types.js').Content>}
 */
export async function* corpus({url, bytes, name}) {
  const end = new AbortController();
  /** What comes, unless nothing does. @template T @param {Promise<T>} coming @returns {Promise<T>} */
  const soon = async (coming) => {
    const timer = setTimeout(() => end.abort(new Error(`no byte came for ${PATIENCE / 1000} s`)), PATIENCE);
    try {
      return await coming;
    } finally {
      clearTimeout(timer);
    }
  };
  let received = 0;
  try {
    const place = new URL(url.replace(/^\//, ''), document.baseURI);
    // What lies elsewhere is not the node's to have taught to others.
    if (place.origin !== new URL(document.baseURI).origin) throw new Error('This node names a text that is not its own.');
    const response = await soon(get(place, {signal: end.signal}));
    if (!response.ok || !response.body) throw new Error(`The node did not hand out its text (it answered ${response.status}).`);
    const reader = response.body.getReader();
    const heard = new ReadableStream(
      {
        async pull(stream) {
          const {done, value} = await soon(reader.read());
          if (done) return stream.close();
          received += value.length;
          if (received > MAX_CORPUS) throw new Error('The text of this node is larger than a tab can hold (256 MB).');
          stream.enqueue(value);
        },
      },
      // Nothing is read ahead, so that no read waits while nobody asks.
      {highWaterMark: 0},
    );
    yield {type: 'file', name: /\.\w+$/.test(name) ? name : `${name}.txt`, size: bytes || 0};
    yield* pieces(heard);
    if (received === 0) throw new Error('The text of this node is empty.');
  } catch (error) {
    throw end.signal.aborted ? end.signal.reason : error;
  } finally {
    end.abort();
  }
}
