// @ts-check
/** The question before one key takes the place of another that nobody has saved: save that first, or know what is lost. */

import {fill, show, the} from './dom.js';

/** @type {{save: () => Promise<string>, then: () => void}|null} */
let open = null;

/** Makes the dialogue work. */
export function startReplace() {
  const dialog = /** @type {HTMLDialogElement} */ (the('replace'));
  dialog.addEventListener('close', () => (open = null));
  the('replace-cancel').addEventListener('click', () => dialog.close());
  the('replace-save').addEventListener('click', async () => {
    if (!open) return;
    const button = /** @type {HTMLButtonElement} */ (the('replace-save'));
    button.disabled = true;
    try {
      fill('replace-said', await open.save());
      fill('replace-yes', 'I have the file: import');
      lead(true);
    } catch (error) {
      fill('replace-said', `It cannot be saved: ${error instanceof Error ? error.message : error}`);
    } finally {
      button.disabled = false;
    }
  });
  the('replace-yes').addEventListener('click', () => {
    const asked = open;
    open = null; // a second click finds nothing to replace
    dialog.close();
    asked?.then();
  });
}

/** Which button is the one to press: saving comes first. @param {boolean} saved */
function lead(saved) {
  the('replace-yes').classList.toggle('strong', saved);
  the('replace-save').classList.toggle('strong', !saved);
}

/**
 * Asks. `save` saves the key that is here and says what became of it.
 * @param {{title: string, text: string, save: (() => Promise<string>)|null, then: () => void}} question  save: null where it cannot be saved
 */
export function askToReplace({title, text, save, then}) {
  if (open) return;
  open = {save: save ?? (async () => ''), then};
  fill('replace-title', title);
  fill('replace-text', text);
  fill('replace-said', '');
  fill('replace-yes', 'Import without saving');
  show(the('replace-save'), save !== null);
  lead(save === null);
  /** @type {HTMLDialogElement} */ (the('replace')).showModal();
  the('replace-cancel').focus();
}
