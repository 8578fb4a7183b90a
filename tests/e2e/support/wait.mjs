// Waiting with a deadline, and saying what was there when it passed.

/** Factor on every deadline, for machines slower than two shared cores. */
const PATIENCE = Number(process.env.PEERAGE_E2E_PATIENCE ?? 1);

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks `probe` twice a second until it gives something true, and gives that.
 * @template T
 * @param {string} what        what is waited for, as in "no ... within 60 s"
 * @param {number} seconds
 * @param {() => Promise<T>|T} probe
 * @param {() => Promise<string>|string} [describe] what to show when the deadline has passed
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, seconds, probe, describe = () => '') {
  const deadline = Date.now() + seconds * 1000 * PATIENCE;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) break;
    await sleep(500);
  }
  let seen = '';
  try {
    seen = await describe();
  } catch (error) {
    seen = `(nothing could be read: ${error})`;
  }
  throw new Error(`${what}: not within ${seconds * PATIENCE} s${last ? ` (${last})` : ''}\n${seen}`);
}
