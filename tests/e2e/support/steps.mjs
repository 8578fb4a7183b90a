// Tests that build on each other: after one has failed, the rest say so at once instead of waiting in vain.

import {test} from 'node:test';

/** A series of tests: call the result like `test`. */
export function steps() {
  /** @type {string|null} */
  let failed = null;
  /** @param {string} name @param {() => Promise<void>|void} body */
  return (name, body) =>
    test(name, async () => {
      if (failed !== null) throw new Error(`not tried, because this failed before: ${failed}`);
      try {
        await body();
      } catch (error) {
        failed = name;
        throw error;
      }
    });
}
