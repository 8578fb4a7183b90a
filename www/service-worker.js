// @ts-check
/**
 * Keeps a site's own files, so that a second visit starts from this device and works without a network.
 *
 * The build writes the names of the files into this script and puts it beside them: once each for the page, the lab and the market. What is
 * not named is left to the browser: nothing that a node says (`/api`, `/bootstrap.json`, `/corpus`) is ever kept. A kept response
 * keeps its headers, and so its Content-Security-Policy.
 *
 * Documents come from the network where it answers in time. One of another version, or of none, makes the kept files go at
 * once, so that no two versions are ever mixed; the browser then takes the newer script, which keeps its own. Whoever serves
 * the files could serve others: this script adds no trust in them and takes none away.
 */

const KEPT = {version: '', documents: ['./'], first: ['./'], later: []}; // the build writes this line
const LIMIT_MS = 2500; // for the network, where a document is kept

const scope = /** @type {any} */ (globalThis);
const place = (/** @type {string} */ name) => new URL(name, scope.registration.scope).href;
const OURS = `peerage ${new URL(scope.registration.scope).pathname} `;
const CACHE = OURS + KEPT.version;
const documents = new Set(KEPT.documents.map(place));
const first = new Set(KEPT.first.map(place));
const later = new Set(KEPT.later.map(place));

scope.addEventListener('install', (/** @type {any} */ event) => event.waitUntil(install()));
scope.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(activate()));
scope.addEventListener('fetch', (/** @type {any} */ event) => {
  const {request} = event;
  if (request.method !== 'GET') return;
  const url = new URL(request.url);
  url.hash = '';
  if (request.mode === 'navigate') {
    url.search = '';
    url.pathname = url.pathname.replace(/\/index\.html$/, '/');
    if (documents.has(url.href)) event.respondWith(newest(event, url.href));
  } else if (first.has(url.href) || later.has(url.href)) {
    event.respondWith(kept(event, url.href));
  }
});
// A page asks which version has come.
scope.addEventListener('message', (/** @type {any} */ event) => event.ports[0]?.postMessage(KEPT.version));

async function install() {
  await fill();
  await scope.skipWaiting();
}

/** Fetches all that a first load needs, or keeps nothing. */
async function fill() {
  const cache = await caches.open(CACHE);
  try {
    await Promise.all(
      [...first].map(async (name) => {
        // Names with a hash come from the browser's own cache, others are asked for again.
        const response = await fetch(name, {cache: /-[0-9a-f]{8,16}[._]/.test(name) ? 'default' : 'no-cache'});
        if (!response.ok) throw new Error(`${name}: ${response.status}`);
        const whole = await plain(response);
        if (documents.has(name) && version(await whole.clone().text()) !== KEPT.version) throw new Error(`${name} is of another version`);
        await cache.put(name, whole);
      }),
    );
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

/** Removes what earlier versions kept, and serves the pages that are open. */
async function activate() {
  for (const name of await caches.keys()) if (name.startsWith(OURS) && name !== CACHE) await caches.delete(name);
  await scope.clients.claim();
}

/** A document, from the network where it answers in time. @param {any} event @param {string} name */
async function newest(event, name) {
  const coming = fetch(event.request);
  const answer = coming.catch(() => null);
  const slow = new Promise((resolve) => setTimeout(resolve, LIMIT_MS, null));
  const response = await Promise.race([answer, slow]);
  if (response === null || response.status >= 500) return (await find(name)) ?? coming;
  if (response.ok) {
    if (version(await response.clone().text()) !== KEPT.version) await caches.delete(CACHE);
    // Another version, or another site at this address, came and went.
    else if (!(await caches.has(CACHE))) event.waitUntil(fill().catch(() => {}));
  }
  return response;
}

/** A file that never changes within a version. @param {any} event @param {string} name */
async function kept(event, name) {
  const found = await find(name);
  if (found) return found;
  const response = await fetch(event.request);
  if (response.ok && later.has(name) && (await caches.has(CACHE))) {
    const copy = response.clone();
    // A full disk keeps nothing and breaks nothing.
    event.waitUntil(caches.open(CACHE).then((cache) => cache.put(name, copy)).catch(() => {}));
  }
  return response;
}

/** @param {string} name */
const find = (name) => caches.match(name, {cacheName: CACHE, ignoreVary: true});

/** A response that a document may be opened with, even where a server led elsewhere. @param {Response} response */
async function plain(response) {
  if (!response.redirected) return response;
  return new Response(await response.blob(), {headers: response.headers});
}

/** The version that a document of ours names, null where it is none of ours. @param {string} html */
const version = (html) => /<meta name="version" content="(\w+)"/.exec(html)?.[1] ?? null;
