// @ts-check
/** A hot key from another browser, brought along before this tab has joined. */

import {fill, the} from './dom.js';
import * as hot from './hot.js';
import {sentence} from './lines.js';
import {askToReplace} from './replace.js';
import {taken} from './watch.js';

/** @typedef {import('./types.js').State} State */

/**
 * A hot key brought along before joining.
 * @param {{state: () => State, ask: () => Promise<{json: any}>}} with_
 */
export function startBefore({state, ask}) {
  const file = /** @type {HTMLInputElement} */ (the('before-file'));
  const tell = (/** @type {string} */ said, /** @type {string} */ fault = '') => (fill('before-said', said), fill('before-fault', fault));
  file.addEventListener('change', async () => {
    const chosen = file.files?.[0];
    if (!chosen) return;
    tell('Being looked at.');
    try {
      if (await taken()) throw new Error('Peerage runs in another tab of this browser and has its keys. Stop it there first.');
      const {json} = await ask().catch((error) => {
        throw new Error(`Which chain the node serves is not known (${error instanceof Error ? error.message : error}), so the key cannot be put in its place yet. Choose the file again when the node answers.`);
      });
      const found = await hot.read(await hot.content(chosen), String(json.chain));
      const here = hot.kept(found.chain);
      const then = () => {
        try {
          hot.keep(found);
          tell(`The key ${found.key.slice(0, 8)} is here. Press Join, and this tab is that peer.`);
        } catch (error) {
          tell('', sentence(error instanceof Error ? error.message : String(error)));
        }
      };
      if (here === null || here === found.seed) return then();
      tell('');
      askToReplace({
        title: 'Replace the hot key that is here?',
        text: 'This browser has a key of this chain from an earlier visit. With another in its place it is another peer, and what the one that is here has earned stays with it. To save that one first, join with it and save it under “Keys”.',
        save: null,
        then,
      });
    } catch (error) {
      tell('', sentence(error instanceof Error ? error.message : String(error)));
    } finally {
      file.value = '';
    }
  });
  // What was said is of the visit before.
  the('join').addEventListener('click', () => state().phase === 'ready' && tell(''));
}
