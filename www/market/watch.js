// @ts-check
/** The worker, as the page sees it: started, told what to fetch, started anew where it broke. */

/** @typedef {import('./types.js').Told} Told */

/** After how long a worker that broke is started again, ms. */
const AGAIN_MS = 5_000;

/** @param {(told: Told) => void} hear */
export function watch(hear) {
  /** @type {Worker} */
  let worker;
  const start = () => {
    worker = new Worker(new URL('./worker.js', import.meta.url), {type: 'module'});
    const mine = worker;
    worker.onmessage = ({data}) => {
      if (data.type === 'forgotten') return location.reload();
      hear(data);
      if (data.type === 'failed' && data.code === 'broken') again(mine);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      hear({type: 'failed', code: 'broken', message: event.message || 'its worker ended'});
      again(mine);
    };
  };
  const again = (/** @type {Worker} */ broken) => {
    broken.terminate();
    setTimeout(() => worker === broken && start(), AGAIN_MS);
  };
  start();
  return {
    /** Soon, please. @param {number} epoch */
    want: (epoch) => worker.postMessage({want: epoch}),
    /** Lets everything go that is kept of the chain before, and begins anew. */
    forget: () => worker.postMessage({forget: true}),
  };
}
