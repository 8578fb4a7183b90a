// @ts-check
/**
 * The hot key as a file: written from what this browser keeps, read back into it. The file holds the secret itself, so whoever has
 * it can sign as this peer; nothing here sends it anywhere. A file of another chain, a torn one and one whose two halves do not
 * belong together are refused before anything is replaced.
 */

/** @typedef {{chain: string, key: string, seed: string}} Hot  lower-case hex; seed: the secret */

const WHAT = 'hot key of a Peerage peer';
const HEX = /^[0-9a-f]{64}$/;
/** A private key of 32 bytes follows (RFC 8410, 7). */
const PKCS8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/** @param {string} chain */
const place = (chain) => `peerage.${chain}.seed`;
/** @param {string} chain */
const savedPlace = (chain) => `peerage.${chain}.saved`;

/** The text of a file. @param {Hot} hot */
export const written = ({chain, key, seed}) => `${JSON.stringify({what: WHAT, chain, key, seed}, null, 2)}\n`;

/** A file’s text as a key of `chain`. Throws a sentence. @param {string} text @param {string} chain @returns {Promise<Hot>} */
export async function read(text, chain) {
  /** @type {any} */
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error(HEX.test(text.trim()) ? 'This looks like the file of a cold key. Import it under “Cold key”, once this tab has joined.' : 'This is no file of a hot key: it cannot be read.');
  }
  if (json?.what !== WHAT) throw new Error('This is no file of a hot key.');
  if (!HEX.test(json.seed) || !HEX.test(json.key) || !HEX.test(json.chain)) throw new Error('This file of a hot key is torn: save it anew where it came from.');
  if (json.chain !== chain) throw new Error(`This key is of another chain, ${json.chain.slice(0, 8)}; the node here serves ${chain.slice(0, 8)}.`);
  const found = await publicOf(json.seed);
  if (found !== null && found !== json.key) throw new Error('This file of a hot key is damaged: its two halves do not belong together.');
  return {chain, key: json.key, seed: json.seed};
}

/** The public half of a seed; null where the browser cannot tell. @param {string} seed */
async function publicOf(seed) {
  try {
    const bytes = Uint8Array.from([...PKCS8, ...(seed.match(/../g) ?? []).map((pair) => parseInt(pair, 16))]);
    const key = await crypto.subtle.importKey('pkcs8', bytes, 'Ed25519', true, ['sign']);
    const {x = ''} = await crypto.subtle.exportKey('jwk', key);
    const text = atob(x.replace(/-/g, '+').replace(/_/g, '/'));
    return [...text].map((c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  } catch {
    return null;
  }
}

/** The seed that this browser keeps for a chain; null: none, or it keeps nothing. @param {string} chain */
export function kept(chain) {
  try {
    return localStorage.getItem(place(chain));
  } catch {
    return null;
  }
}

/** Takes the place of the one that is kept. Throws a sentence. @param {Hot} hot */
export function keep({chain, key, seed}) {
  try {
    localStorage.setItem(place(chain), seed);
    localStorage.setItem(savedPlace(chain), key); // it came from a file
    if (localStorage.getItem(place(chain)) === seed) return;
  } catch {
    // Said below.
  }
  throw new Error('This browser keeps nothing for this page, so it cannot keep the key: its storage is full or, as in private windows, closed.');
}

/** Whether a file of this key was saved or read here. @param {string} chain @param {string} key */
export function isSaved(chain, key) {
  try {
    return localStorage.getItem(savedPlace(chain)) === key;
  } catch {
    return false;
  }
}

/** @param {string} chain @param {string} key */
export function saved(chain, key) {
  try {
    localStorage.setItem(savedPlace(chain), key);
  } catch {
    // It is asked about once more.
  }
}

/** The text of a file that may be a key. Throws a sentence. @param {File} chosen */
export async function content(chosen) {
  if (chosen.size > LARGEST) throw new Error(`“${chosen.name}” is no backup of a key: it is larger than ${LARGEST} bytes.`);
  return chosen.text();
}

const LARGEST = 10_000; // bytes of a file with a key
