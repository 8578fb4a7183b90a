// @ts-check
/**
 * The second visit: has service-worker.js keep the page's files, says when another version has come, and says when the node that
 * serves this page is not reached. Does nothing where the build named no version, as in a checkout.
 */

const SEEN = 'peerage.version'; // local storage: the version of the last visit
const SAID_MS = 20_000; // that the page is newer than at the last visit
const LOOK_MS = 60 * 60 * 1000; // between looks for a newer version, in a page that stays open
const AGAIN_MS = [5_000, 10_000, 20_000, 40_000]; // between tries to reach the node; the last one from then on

/**
 * @param {object} given
 * @param {(event: any) => void} given.put says an event
 * @param {() => Promise<unknown>} given.ask fails with a sentence where the node is not reached
 * @param {() => boolean} given.waiting whether nobody has joined yet
 */
export function startOffline({put, ask, waiting}) {
  const own = /** @type {HTMLMetaElement|null} */ (document.querySelector('meta[name="version"]'))?.content;
  const {serviceWorker} = navigator;
  if (!own || !serviceWorker) return;
  const seen = remembered(own);
  if (seen !== null && seen !== own) {
    put({type: 'page:message', id: 'version', tone: 'info', text: 'This page is newer than at your last visit. Your key, your stake and your model are as they were.', until: Date.now() + SAID_MS});
  }
  // What was kept opens without the node; then it is asked whether it is there.
  if (serviceWorker.controller) reach(put, ask, waiting);
  const begin = () => keep(own, put).catch((error) => console.warn(`This browser keeps no files of this page: ${error}`));
  if (document.readyState === 'complete') begin();
  else addEventListener('load', begin, {once: true});
}

/** The version of the last visit, null at the first; remembers this one. @param {string} own */
function remembered(own) {
  try {
    const seen = localStorage.getItem(SEEN);
    localStorage.setItem(SEEN, own);
    return seen;
  } catch {
    return null; // no storage, no visit before
  }
}

/** Registers the service worker and hears of newer ones. @param {string} own @param {(event: any) => void} put */
async function keep(own, put) {
  const registration = await navigator.serviceWorker.register(new URL('service-worker.js', document.baseURI), {updateViaCache: 'none'});
  registration.addEventListener('updatefound', () => {
    const newer = registration.installing;
    newer?.addEventListener('statechange', async () => {
      if (newer.state !== 'activated' || (await versionOf(newer)) === own) return;
      put({
        type: 'page:message',
        id: 'newer',
        tone: 'info',
        text: 'A newer version of this page has come. It is taken the next time this page is opened; until then this tab goes on as it is.',
        action: {id: 'reload', label: 'Load it now'},
      });
    });
  });
  const look = () => registration.update().catch(() => {});
  setInterval(look, LOOK_MS);
  // Where this page came past an older worker, as by a reload with Shift held, not every browser looks for a newer one by itself.
  if (registration.active && (await versionOf(registration.active)) !== own) await look();
}

/** @param {ServiceWorker} worker @returns {Promise<string>} */
const versionOf = (worker) =>
  new Promise((resolve) => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = ({data}) => resolve(data);
    worker.postMessage('version', [port2]);
  });

/**
 * Says that the node is not reached until it is, or until somebody joins, which says it in its own words.
 * @param {(event: any) => void} put @param {() => Promise<unknown>} ask @param {() => boolean} waiting
 */
async function reach(put, ask, waiting) {
  let wake = () => {};
  addEventListener('online', () => wake());
  for (let tries = 0; waiting(); tries += 1) {
    const said = await ask().then(() => null, (error) => (error instanceof Error ? error.message : String(error)));
    if (said === null) break;
    const pause = AGAIN_MS[Math.min(tries, AGAIN_MS.length - 1)];
    if (!waiting()) break;
    put({
      type: 'page:message',
      id: 'unreached',
      tone: 'warning',
      text: `The node that serves this page is not reached (${said}). This page was opened from what this browser keeps, and the lab works as ever. Joining waits for the node, which is asked again by itself.`,
      retryAt: Date.now() + pause,
      action: {id: 'reload', label: 'Load the page again'},
    });
    await Promise.race([new Promise((resolve) => setTimeout(resolve, pause)), new Promise((resolve) => (wake = () => resolve(undefined)))]);
  }
  put({type: 'page:clear', id: 'unreached'});
}
