// @ts-check
/**
 * The three keys of a tab, what each can do, and the two that are kept as files: the cold one can be saved once, the hot one as often
 * as one likes. Nothing replaces a key that nobody has saved without a question (replace.js).
 */

import {attribute, fill, save, show, the} from './dom.js';
import * as hot from './hot.js';
import {sentence} from './lines.js';
import {askToReplace} from './replace.js';

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
  fill('key-cold', cold ?? 'none in this browser');
  fill('key-peer', peer ?? '–');
  show(the('key-cold-copy'), cold != null);
  show(the('backup'), cold != null);
  fill('key-hot-can', cold ? 'Signs this tab’s rows, and what its own account pays. It is used all the time, which is why it does not own the stake.' : 'Signs this tab’s rows and what its account pays. It owns the stake too, unless it was registered with a cold key that is elsewhere.');
  fill('key-cold-can', cold ? 'Owns the stake and what it earned: puts stake in, takes it out, pays, gives up the place. It is used only when you say so.' : 'Where this peer was registered with a cold key elsewhere, that one owns the stake: keep its file. Otherwise the hot key does. A new identity gets one, where the browser can keep it safely.');
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
  const here = identity.kept !== null && !s.watching;
  fill(
    'hot-state',
    here
      ? `${hot.isSaved(identity.chain, key) ? 'A copy was saved. ' : ''}Who has the file signs as this peer${cold ? ', but owns none of its stake' : ' and owns its stake, unless a cold key elsewhere does'}. Use it in one place at a time: two browsers with one key speak against each other on the ledger.`
      : 'The hot key of this tab is in this tab alone and goes with it; it cannot be saved.',
  );
  /** @type {HTMLButtonElement} */ (the('hot-save')).disabled = !here;
  /** @type {HTMLButtonElement} */ (the('hot-choose')).disabled = !here;
}

/** Saves the hot key of `chain`. Throws a sentence. @param {string} chain @param {string|null} key */
function saveHot(chain, key) {
  const seed = hot.kept(chain);
  if (!seed || !key) throw new Error('This browser does not keep the hot key, so there is nothing to save.');
  save(`peerage-hot-key-${key.slice(0, 8)}.json`, hot.written({chain, key, seed}), 'application/json');
  hot.saved(chain, key);
}

/** The cold key's backup goes to the downloads; given out once, and held until a person has the file. @param {State} s @param {any} tab */
async function saveCold(s, tab) {
  held ??= String(await tab.backup());
  save(`peerage-cold-key-${s.identity?.cold?.slice(0, 8)}.txt`, held, 'text/plain');
}

/**
 * Makes the buttons work.
 * @param {{state: () => State, draw: () => void, tab: () => any, rejoin: () => void}} with_
 */
export function startKeys({state, draw, tab, rejoin}) {
  startHot({state, rejoin, draw});
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
      await saveCold(state(), tab());
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
  const take = async (/** @type {string} */ text) => {
    go.disabled = true;
    try {
      await tab().importCold(text);
      held = null;
      file.value = '';
      said('The cold key is here, and used from now on.');
    } catch (error) {
      fault(error);
      go.disabled = false;
    }
    draw();
  };
  go.addEventListener('click', async () => {
    const chosen = file.files?.[0];
    if (!chosen) return;
    try {
      const text = await hot.content(chosen);
      const {identity} = state();
      if (!HEX.test(text.trim()) || identity?.cold == null || (identity.backedUp && held == null)) return await take(text);
      askToReplace({
        title: 'Replace the cold key that is here?',
        text: `${held ? 'Its file was given out, and nobody has said that it arrived.' : 'It was never saved.'} It owns this peer’s stake and what it earned. Once another is in its place, only its file can bring it back; without one that stake can never be moved again.`,
        save: async () => {
          await saveCold(state(), tab());
          return 'The file is on its way to your downloads. Look whether it is there before you import.';
        },
        then: () => take(text),
      });
    } catch (error) {
      fault(error);
    }
    draw();
  });
}

/**
 * The hot key of a tab that has joined.
 * @param {{state: () => State, rejoin: () => void, draw: () => void}} with_
 */
function startHot({state, rejoin, draw}) {
  const said = (/** @type {string} */ text) => (fill('keys-said', text), fill('keys-fault', ''));
  const fault = (/** @type {unknown} */ error) => (fill('keys-said', ''), fill('keys-fault', sentence(error instanceof Error ? error.message : String(error))));
  the('hot-save').addEventListener('click', () => {
    try {
      const {identity} = state();
      saveHot(identity?.chain ?? '', identity?.key ?? null);
      said('The hot key’s file is on its way to your downloads. Keep it where nobody else finds it.');
    } catch (error) {
      fault(error);
    }
    draw();
  });
  const file = /** @type {HTMLInputElement} */ (the('hot-file'));
  the('hot-choose').addEventListener('click', () => file.click());
  file.addEventListener('change', async () => {
    const chosen = file.files?.[0];
    file.value = '';
    const {identity} = state();
    if (!chosen || !identity) return;
    try {
      const found = await hot.read(await hot.content(chosen), identity.chain);
      if (found.key === identity.key) return said('This is the hot key that is here already.');
      const then = () => {
        try {
          hot.keep(found);
          rejoin();
        } catch (error) {
          fault(error);
        }
      };
      if (hot.isSaved(identity.chain, identity.key)) return then();
      askToReplace({
        title: 'Replace the hot key that is here?',
        text: `It was never saved. With another in its place this browser is another peer: what the one that is here has earned stays with it${identity.cold ? '' : ', its stake too, which it owns'}, and only its file can bring it back. This tab stops and joins again.`,
        save: async () => {
          saveHot(identity.chain, identity.key);
          return 'The file is on its way to your downloads. Look whether it is there before you import.';
        },
        then,
      });
    } catch (error) {
      fault(error);
    }
  });
}

const HEX = /^[0-9a-f]{64}$/i;
