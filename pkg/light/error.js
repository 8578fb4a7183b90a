// @ts-check
// What goes wrong, with a code that a program can compare.

export class LightError extends Error {
  /** @param {import('./index.js').LightErrorCode} code @param {string} message @param {{cause?: unknown}} [options] */
  constructor(code, message, options) {
    super(message, options);
    this.name = 'LightError';
    this.code = code;
  }

  /** The error behind something that was thrown. @param {unknown} thrown @returns {LightError} */
  static of(thrown) {
    if (thrown instanceof LightError) return thrown;
    if (thrown instanceof WebAssembly.RuntimeError) return new LightError('broken', 'the light client broke: make a new one', {cause: thrown});
    const {code, message} = /** @type {{code?: any, message?: string}} */ (thrown ?? {});
    const ours = !(thrown instanceof Error) && typeof code === 'string';
    return new LightError(ours ? /** @type {any} */ (code) : 'unavailable', message ?? String(thrown), {cause: thrown});
  }
}
