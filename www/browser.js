// @ts-check
/** What this browser can do and keep, found without asking a person for anything. */

/** A module whose only function returns an `i8x16.splat`: valid exactly where 128-bit SIMD is. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/**
 * `missing` holds what the page cannot do without, in words; empty where it can run.
 * @returns {{webgpu: boolean, webrtc: boolean, locks: boolean, secure: boolean, missing: string[]}}
 */
export function capabilities() {
  const missing = [];
  if (typeof WebAssembly !== 'object') missing.push('WebAssembly');
  else if (!WebAssembly.validate(SIMD)) missing.push('WebAssembly SIMD');
  if (typeof Worker !== 'function') missing.push('workers');
  if (typeof WebSocket !== 'function') missing.push('WebSocket');
  if (!globalThis.crypto?.getRandomValues) missing.push('random numbers for keys');
  return {
    webgpu: 'gpu' in navigator && navigator.gpu != null,
    webrtc: typeof globalThis.RTCPeerConnection === 'function',
    locks: 'locks' in navigator && navigator.locks != null,
    secure: globalThis.isSecureContext === true,
    missing,
  };
}

const LITTLE = 30e6; // bytes that are left for a page, below which its model may not fit

/**
 * What this browser keeps for the page, tried out.
 * @returns {Promise<{keys: string|null, vault: string|null, files: string|null, left: number|null, keeps: 'lasting'|'window'|'tab'}>} each
 * null where it can be used, else why not; `left`: bytes, where they are few; `keeps`: how long what is kept lasts, `window`: until a private
 * window of Firefox closes, where keys can be kept and files cannot (private windows of other browsers cannot be told)
 */
export async function storage() {
  const [vault, files, left] = await Promise.all([why(vaulted), why(filed), room().catch(() => null)]);
  const keys = await why(kept);
  return {keys, vault, files, left, keeps: keys ? 'tab' : (await isPrivate()) ? 'window' : 'lasting'};
}

/** Why something does not work; null where it does. @param {() => unknown} act */
async function why(act) {
  try {
    await act();
    return null;
  } catch (error) {
    return error instanceof Error || error instanceof DOMException ? error.message || error.name : String(error);
  }
}

function kept() {
  const name = 'peerage-tried';
  localStorage.setItem(name, 'x'.repeat(200));
  localStorage.removeItem(name);
}

/** A database of its own name: one that is opened comes into being. */
function vaulted() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('peerage-tried');
    opening.onerror = () => reject(opening.error ?? new Error('it is closed'));
    opening.onsuccess = () => {
      opening.result.close();
      indexedDB.deleteDatabase('peerage-tried');
      resolve(undefined);
    };
  });
}

async function isPrivate() {
  try {
    await navigator.storage?.getDirectory?.();
    return false;
  } catch (error) {
    return error instanceof DOMException && error.name === 'SecurityError';
  }
}

async function filed() {
  if (!navigator.storage?.getDirectory) throw new Error('it has none for pages');
  await navigator.storage.getDirectory();
}

async function room() {
  const {quota, usage = 0} = await navigator.storage.estimate();
  return quota != null && quota - usage < LITTLE ? Math.max(0, quota - usage) : null;
}
