// @ts-check
/**
 * Has service-worker.js keep this page's files, so that it opens without a network from the second visit on, and says in a line when
 * another version has come. Does nothing where the build named no version.
 */

const SEEN = 'peerage-market.version'; // local storage: the version of the last visit

const own = /** @type {HTMLMetaElement|null} */ (document.querySelector('meta[name="version"]'))?.content;
if (own && navigator.serviceWorker) {
  let seen = null;
  try {
    seen = localStorage.getItem(SEEN);
    localStorage.setItem(SEEN, own);
  } catch {
    // No storage, no visit before.
  }
  if (seen !== null && seen !== own) {
    const line = document.createElement('p');
    line.className = 'newer';
    line.setAttribute('role', 'status');
    document.querySelector('.bar')?.after(line);
    line.textContent = 'This page is newer than at your last visit.';
  }
  navigator.serviceWorker
    .register(new URL('service-worker.js', import.meta.url), {updateViaCache: 'none'})
    .catch((error) => console.warn(`This browser keeps no files of the market: ${error}`));
}
