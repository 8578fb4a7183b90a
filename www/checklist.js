// @ts-check
/** The first minute: each line with its state, the time it took, and what to do when it fails or takes long. */

import {each, fill, make, the, write} from './dom.js';
import {duration} from './format.js';
import {LINES} from './lines.js';

/** @typedef {import('./types.js').State} State */

/** What a line says before it has begun. @type {Record<string, string>} */
const BEFORE = {
  browser: 'Looking at what this browser can do.',
  identity: 'A key for this tab, made here or kept from your last visit.',
  node: 'A connection to the node, which introduces peers to each other.',
  ledger: 'The newest block, with the validators’ signatures checked.',
  device: 'Graphics chip or processor, and why.',
  text: 'This tab’s own part of the text.',
  step: 'The model reads its first lines.',
  neighbour: 'Another peer that answers this tab’s questions.',
  registered: 'A place on the ledger, for a few seconds of computing.',
  update: 'This tab’s scores, signed and found again in a block.',
};

/** When a wait is longer than usual (seconds), and what may help. @type {Record<string, [number, string]>} */
const LONG = {
  identity: [15, 'The program for it is still loading. On a slow connection this can take a minute; otherwise load the page again.'],
  node: [10, 'Is the node still running? It is tried again by itself.'],
  ledger: [15, 'The node has served no block yet. A node that has just started needs some seconds; it is asked again by itself.'],
  device: [45, 'The training program is large and is still loading or being prepared. If nothing happens, choose “the processor” and join again.'],
  text: [30, 'The text is still on its way. The node may be busy.'],
  step: [60, 'Very slow so far. Closing other heavy tabs helps; so may training on the other device.'],
  neighbour: [30, 'Nobody else is here yet. This tab trains alone meanwhile; open the page in a second browser to be its neighbour.'],
  registered: [90, 'Unlucky so far, or this computer is busy. It goes on by itself.'],
  update: [120, 'The ledger allows a change only every few blocks, and scores need some answers first. It goes on by itself.'],
};

const STATES = {idle: 'not started', waiting: 'in progress', done: 'done', note: 'done, with a remark', failed: 'failed'};

/** @param {State} s @param {number} now @param {(id: string) => void} act */
export function drawChecklist(s, now, act) {
  for (const id of LINES) {
    const item = document.querySelector(`[data-line="${id}"]`);
    if (!(item instanceof HTMLElement)) continue;
    const line = s.lines[id];
    if (!item.querySelector('p')) {
      item.prepend(make('span', 'sign'));
      item.append(make('span', 'time'), make('p', 'detail'), make('p', 'help'));
      const bar = document.createElement('progress');
      bar.max = 1;
      bar.hidden = true;
      bar.setAttribute('aria-label', 'Chance of having found it by now');
      item.append(bar);
      if (id === 'registered') item.append(hold(act));
    }
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (item.querySelector(name));
    if (item.dataset.state !== line.state) {
      item.dataset.state = line.state;
      const title = part('h3').firstChild?.textContent ?? id;
      write(part('.sign'), '');
      part('.sign').append(make('span', 'hidden', `${STATES[line.state]}: `));
      if (line.state === 'done' || line.state === 'note' || line.state === 'failed') announce(`${title} ${STATES[line.state]}. ${line.detail}`);
    }
    const waited = line.started == null ? 0 : (line.ended ?? now) - line.started;
    write(part('.time'), line.state === 'idle' || id === 'browser' ? '' : line.state === 'waiting' ? counting(waited) : waited < 1 ? 'at once' : duration(waited));
    write(part('.detail'), line.state === 'idle' ? BEFORE[id] : line.detail || BEFORE[id]);
    const long = LONG[id];
    write(part('.help'), line.help || (line.state === 'waiting' && long && waited > long[0] * 1000 ? long[1] : ''));
    const bar = /** @type {HTMLProgressElement} */ (part('progress'));
    const working = id === 'registered' && line.state === 'waiting' && s.work != null;
    bar.hidden = !working;
    const button = /** @type {HTMLElement|null} */ (item.querySelector('.hold'));
    if (button) {
      button.hidden = !working;
      write(button, s.work?.paused ? 'Go on with it' : 'Hold it');
    }
    if (working && s.work) bar.value = 1 - Math.exp(-s.work.tried / Math.max(s.work.expected, 1));
  }
  summary(s, now);
}

/** Holds the proof of work, or goes on with it. @param {(id: string) => void} act */
function hold(act) {
  const button = make('button', 'hold');
  button.setAttribute('type', 'button');
  button.addEventListener('click', () => act('work'));
  return button;
}

/** Whole seconds of a wait that goes on. @param {number} ms */
const counting = (ms) => (ms < 1000 ? '' : duration(Math.floor(ms / 1000) * 1000).replace('.0 s', ' s'));

/** @param {State} s @param {number} now */
function summary(s, now) {
  const lines = LINES.map((id) => s.lines[id]);
  const ready = lines.filter((l) => l.state === 'done' || l.state === 'note').length;
  const failed = lines.filter((l) => l.state === 'failed').length;
  const text =
    s.joinedAt == null
      ? 'ten steps, filled in as they happen'
      : ready === LINES.length
        ? `all ten done in ${duration(Math.max(...lines.map((l) => l.ended ?? now)) - s.joinedAt)}`
        : `${ready} of ten done${failed ? `, ${failed} failed` : ''}`;
  fill('minute-state', text);
  if (ready === LINES.length && !folded) {
    folded = true;
    /** @type {HTMLDetailsElement} */ (the('minute-details')).open = false;
  }
}

let folded = false;

/** Says a change to those who do not see it. @param {string} text */
export function announce(text) {
  const region = the('announce');
  region.append(make('p', '', text));
  while (region.children.length > 4) region.firstElementChild?.remove();
}

const URGENCY = {error: 0, warning: 1, info: 2};

/** Messages, most urgent first, each with its sentence, countdown and way back. @param {State} s @param {number} now @param {(id: string) => void} act */
export function drawMessages(s, now, act) {
  each(
    the('messages'),
    [...s.messages].sort((a, b) => URGENCY[a.tone] - URGENCY[b.tone]),
    (m) => m.id,
    (m) => {
      const box = make('div', 'message');
      box.append(make('p'), make('span', 'buttons'));
      const close = make('button', 'quiet', 'Dismiss');
      close.setAttribute('type', 'button');
      close.addEventListener('click', () => act(`dismiss:${m.id}`));
      box.lastElementChild?.append(close);
      return box;
    },
    (box, m) => {
      box.dataset.tone = m.tone;
      const left = m.retryAt == null ? null : Math.max(0, Math.ceil((m.retryAt - now) / 1000));
      const p = /** @type {HTMLElement} */ (box.querySelector('p'));
      if (p.childElementCount === 0) {
        const tail = make('span', 'countdown');
        tail.setAttribute('aria-live', 'off');
        p.append(make('span', 'text'), ' ', tail);
      }
      write(/** @type {HTMLElement} */ (p.querySelector('.text')), m.text);
      write(/** @type {HTMLElement} */ (p.querySelector('.countdown')), left == null ? '' : left > 0 ? `Next try in ${left} s.` : 'Trying now.');
      const buttons = /** @type {HTMLElement} */ (box.querySelector('.buttons'));
      const ways = [m.action, m.other].filter((way) => way != null);
      const known = /** @type {HTMLElement[]} */ ([...buttons.querySelectorAll('.act')]);
      if (known.map((button) => button.dataset.act).join() !== ways.map((way) => way.id).join()) {
        for (const button of known) button.remove();
        buttons.prepend(...ways.map((way) => button(way, act)));
      }
    },
  );
}

/** A way back as a button. @param {{id: string, label: string}} way @param {(id: string) => void} act */
function button({id, label}, act) {
  const made = make('button', 'act', label);
  made.setAttribute('type', 'button');
  made.dataset.act = id;
  made.addEventListener('click', () => act(id));
  return made;
}
