// @ts-check
/** What is about to be signed, and by which key, for a person to say yes or no to; then it is asked for, once. */

import {each, fill, make, the, write} from './dom.js';
import {describe, same, signer} from './intents.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Intent} Intent */

/** @type {(() => State)|undefined} */
let state;
/** @type {((intent: Intent, words: string) => void)|undefined} */
let send;
/** What the dialogue is about; null: nothing any more. @type {{intent: Intent, words: string, then: () => void}|null} */
let open = null;

/** @param {{state: () => State, ask: (intent: Intent, words: string) => void}} with_ */
export function startConfirm(with_) {
  state = with_.state;
  send = with_.ask;
  const dialog = /** @type {HTMLDialogElement} */ (the('confirm'));
  the('confirm-cancel').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => (open = null));
  the('confirm-sign').addEventListener('click', () => {
    const asked = open;
    open = null; // a second click finds nothing to sign
    dialog.close();
    if (!asked) return;
    send?.(asked.intent, asked.words);
    asked.then();
  });
}

/**
 * Shows what would be signed. Gives why it cannot be, or null.
 * @param {Intent} intent @param {() => void} then when it was asked for
 */
export function confirm(intent, then) {
  if (!state || open) return null;
  const s = state();
  if (s.asked.some((a) => a.reason == null && same(a.intent, intent))) return 'The same is being signed already.';
  const {title, facts, after, words} = describe(intent, s);
  open = {intent, words, then};
  fill('confirm-title', title);
  each(
    the('confirm-facts'),
    facts,
    ([what]) => what,
    () => {
      const line = make('div');
      line.append(make('dt'), make('dd'));
      return line;
    },
    (line, [what, value]) => {
      write(line.children[0], what);
      write(line.children[1], value);
    },
  );
  fill('confirm-after', after);
  fill('confirm-sign', `Sign with the ${signer(intent, s)} key`);
  /** @type {HTMLDialogElement} */ (the('confirm')).showModal();
  the('confirm-cancel').focus();
  return null;
}
