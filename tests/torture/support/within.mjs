// A promise that is not waited for longer than so; unlike a race with a sleep, no timer stays behind.

/**
 * What it gives, or `otherwise` if it takes longer; an error where that is one.
 * @template T, U
 * @param {Promise<T>} promise @param {number} seconds @param {U} [otherwise]
 * @returns {Promise<T|U>}
 */
export function within(promise, seconds, otherwise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => (otherwise instanceof Error ? reject(otherwise) : resolve(/** @type {U} */ (otherwise))), seconds * 1000);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
