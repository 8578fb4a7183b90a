// @ts-check
/** The three keys of a tab, what each can do, and the one backup of the cold key. */

import {attribute, fill, save, show, the} from './dom.js';
import {clause, sentence} from './lines.js';

/** @typedef {import('./types.js').State} State */

/** The text of the backup, from when it was given out until a person has the file. @type {string|null} */
let held = null;

/** @param {State} s */
export function drawKeys(s) {
  if (s.joinedAt == null) return;
  const {identity} = s;
  if (!identity) return;
  const {key, cold, peer, backedUp} = identity;
  fill('key-hot', key);
  fill('key-cold', cold ?? 'none of its own');
  fill('key-peer', peer ?? '–');
  show(the('key-cold-copy'), cold != null);
  show(the('backup'), cold != null);
  fill('key-hot-can', cold ? 'Signs this tab’s rows, and what its own account pays. It is used all the time, which is why it does not own the stake.' : 'Signs this tab’s rows and what its account pays, and owns the stake.');
  fill('key-cold-can', cold ? 'Owns the stake and what it earned: puts stake in, takes it out, pays, gives up the place. It is used only when you say so.' : 'This identity has none: the hot key owns the stake. A new identity gets one, where the browser can keep it safely.');
  const open = held != null || !backedUp;
  attribute(the('backup'), 'data-open', open ? '' : null);
  fill(
    'backup-state',
    held
      ? 'The file is on its way to your downloads. Look whether it is there, and keep it where nobody else finds it: who has it owns the stake.'
      : backedUp
        ? 'A copy was saved. What is here can no longer be read out, only used to sign.'
        : 'Not saved yet. The file can be saved once; after that the key can no longer be read out of this browser. Who has the file owns the stake, so keep it where nobody else finds it.',
  );
  fill('backup-save', held ? 'Save it again' : 'Save the cold key’s file');
  show(the('backup-save'), open);
  show(the('backup-done'), held != null);
}

/**
 * Makes the buttons work.
 * @param {{state: () => State, draw: () => void, tab: () => any}} with_
 */
export function startKeys({state, draw, tab}) {
  const said = (/** @type {string} */ text) => (fill('keys-said', text), fill('keys-fault', ''));
  const fault = (/** @type {unknown} */ error) => (fill('keys-said', ''), fill('keys-fault', sentence(error instanceof Error ? error.message : String(error))));
  for (const button of document.querySelectorAll('[data-copy]')) {
    const what = /** @type {HTMLElement} */ (button).dataset.copy ?? '';
    const name = the(what).closest('li')?.querySelector('h3')?.textContent ?? '';
    button.setAttribute('aria-label', `Copy the ${name.toLowerCase()}`);
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(the(what).textContent ?? '');
        said(`${name} copied.`);
      } catch {
        getSelection()?.selectAllChildren(the(what));
        said(`This browser does not let the page copy; the ${name.toLowerCase()} is selected.`);
      }
    });
  }
  const button = /** @type {HTMLButtonElement} */ (the('backup-save'));
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      held ??= String(await tab().backup());
      save(`peerage-cold-key-${state().identity?.cold?.slice(0, 8)}.txt`, held, 'text/plain');
      said('');
    } catch (error) {
      fault(error);
    } finally {
      button.disabled = false;
      draw();
    }
  });
  the('backup-done').addEventListener('click', () => {
    held = null;
    said('Good. This page holds no readable copy any more.');
    draw();
    the('keys').focus({preventScroll: true});
  });
  const file = /** @type {HTMLInputElement} */ (the('import-file'));
  const go = /** @type {HTMLButtonElement} */ (the('import'));
  file.addEventListener('change', () => (go.disabled = file.files?.length !== 1));
  go.addEventListener('click', async () => {
    const chosen = file.files?.[0];
    if (!chosen) return;
    go.disabled = true;
    try {
      if (chosen.size > LARGEST) throw new Error(`“${chosen.name}” is no backup of a key: it is larger than ${LARGEST} bytes`);
      await tab().importCold(await chosen.text());
      file.value = '';
      said('The cold key is here, and used from now on.');
    } catch (error) {
      fault(clause(error instanceof Error ? error.message : String(error)));
      go.disabled = false;
    }
    draw();
  });
}

const LARGEST = 10_000; // bytes of a backup file
