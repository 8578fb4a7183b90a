// @ts-check
/** The bar at the top, drawn from the state, and which panels there are. */

import {attribute, show, the, write} from './dom.js';
import {whole} from './format.js';
import {neighbours} from './measures.js';

/** @typedef {import('./types.js').State} State */

const PHASES = {ready: 'Not joined', joining: 'Joining', running: 'Training', paused: 'Paused', stopping: 'Stopping', stopped: 'Stopped'};

/** Panels there is nothing to show in before joining. */
const RUNNING = ['parts', 'tab', 'neighbours', 'ledger', 'my-gradient', 'my-row', 'transactions', 'keys', 'sources'];

let watched = false;

/** The bar at the top. @param {State} s @param {boolean} panels whether those that come with Join are there */
export function drawBar(s, panels) {
  const alone = s.phase === 'running' && s.source.type !== 'nothing' && s.node != null && !s.node.up && neighbours(s).length === 0;
  const idle = s.phase === 'running' && s.source.type === 'nothing';
  const phase = the('phase');
  const wrong = s.audit.wrong != null && s.phase !== 'stopped';
  attribute(phase, 'data-phase', wrong ? 'wrong' : alone ? 'alone' : s.phase);
  write(phase, `${s.watching ? 'Watching: ' : ''}${idle ? 'Connected' : alone ? 'Training alone' : PHASES[s.phase]}${wrong ? ', signs nothing' : ''}`);
  const active = s.phase === 'joining' || s.phase === 'running' || s.phase === 'paused';
  show(the('controls'), active && !s.watching);
  const pause = /** @type {HTMLButtonElement} */ (the('pause'));
  pause.disabled = s.phase === 'joining' || idle;
  write(pause, s.phase === 'paused' ? 'Go on' : 'Pause');
  attribute(pause, 'aria-pressed', String(s.phase === 'paused'));
  show(the('intro'), (s.phase === 'ready' || s.phase === 'stopped') && !s.watching);
  if (s.watching && !watched && panels) {
    watched = true;
    // Nothing can be asked of a tab that is only looked at.
    for (const part of document.querySelectorAll('main form, main :is(#key-tools, #model, #backup) .buttons, #buying .columns')) part.toggleAttribute('inert', true);
    attribute(document.body, 'data-watching', '');
  }
  attribute(document.body, 'data-joined', s.joinedAt == null ? null : '');
  for (const id of RUNNING) show(the(id), panels && s.joinedAt != null);
  const step = s.steps.count;
  const title = active && step > 0 ? `${PHASES[s.phase]}, step ${whole(step)} – Peerage` : 'Peerage';
  if (document.title !== title) document.title = title;
}
