// @ts-check
/**
 * Has service-worker.js keep the lab's files, so that it opens without a network from the second visit on, and says in a line when
 * another version has come. For the lab's own pages alone: an element on somebody else's page keeps nothing. Does nothing where
 * the build named no version.
 */

const SEEN = 'peerage-lab.version'; // local storage: the version of the last visit

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
    line.textContent = 'This lab is newer than at your last visit.';
  }
  navigator.serviceWorker
    .register(new URL('service-worker.js', import.meta.url), {updateViaCache: 'none'})
    .catch((error) => console.warn(`This browser keeps no files of the lab: ${error}`));
}
