// @ts-check
/** What this browser can do and how long it keeps what the page gives it, found without asking a person for anything. */

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

/**
 * How long what the page keeps here lasts: `window`: until a private window of Firefox closes, where keys can be kept and files cannot;
 * `tab`: nothing is kept at all, since a person blocks cookies and site data. Private windows of other browsers cannot be told.
 * @returns {Promise<'lasting'|'window'|'tab'>}
 */
export async function keeping() {
  try {
    localStorage.getItem('peerage');
  } catch {
    return 'tab';
  }
  try {
    await navigator.storage?.getDirectory?.();
    return 'lasting';
  } catch (error) {
    return error instanceof DOMException && error.name === 'SecurityError' ? 'window' : 'lasting';
  }
}
