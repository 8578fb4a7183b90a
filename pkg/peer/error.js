// @ts-check
// What goes wrong, with a code that a program can compare.

export class PeerError extends Error {
  /** @param {import('./index.js').PeerErrorCode} code @param {string} message @param {{cause?: unknown}} [options] */
  constructor(code, message, options) {
    super(message, options);
    this.name = 'PeerError';
    this.code = code;
  }

  /**
   * The error behind something that was thrown; `code` where it does not tell.
   * @param {unknown} thrown @param {import('./index.js').PeerErrorCode} code @returns {PeerError}
   */
  static of(thrown, code) {
    if (thrown instanceof PeerError) return thrown;
    if (thrown instanceof WebAssembly.RuntimeError) return new PeerError('broken', 'the peer broke: load the page anew', {cause: thrown});
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new PeerError(/has joined chain/.test(message) ? 'other-chain' : code, message, {cause: thrown});
  }
}
