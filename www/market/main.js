// @ts-check
/** The page: hears the worker, moves over the epochs, draws. */

import {fill, make, the} from './dom.js';
import {Heat} from './heat.js';
import {whole} from './numbers.js';
import * as panels from './panels.js';
import {projector} from './projector.js';
import {begin, take} from './state.js';
import {watch} from './watch.js';
import {messages, phase} from './words.js';

/** Time of an epoch when it is played, ms. */
const FRAME_MS = 700;
/** Epochs that are played from where the person was at the end, at least. */
const PLAYED = 1;

const state = begin();
let everyPeer = false;
/** @type {ReturnType<typeof setInterval>|undefined} */
let playing;
/** @type {Set<() => void>} */
const due = new Set();
const client = watch((told) => {
  take(state, told, Date.now());
  // An address may name what has not been yet.
  if (told.type === 'audit' && !state.live && state.last > 0 && state.shown > state.last) look(state.last);
  if (told.type === 'market' || told.type === 'epochs' || told.type === 'lacking') later(all);
  else later(figures);
});
const heat = new Heat(the('heat'), pick);
const slider = /** @type {HTMLInputElement} */ (the('slider'));
const projected = projector((on) => {
  if (on) follow();
  later(all);
});

/** Once before the next picture. @param {() => void} what */
function later(what) {
  if (due.size === 0) {
    requestAnimationFrame(() => {
      const now = [...due];
      due.clear();
      // Everything holds the figures too.
      for (const one of now.includes(all) ? [all] : now) one();
    });
  }
  due.add(what);
}

function figures() {
  const now = Date.now();
  document.body.dataset.phase = state.over || state.wrong ? 'wrong' : state.silent || state.stalled || state.failed || state.lied ? 'waiting' : state.head ? 'live' : 'asking';
  fill('phase', phase(state, now));
  panels.facts(state, now);
  say();
  panels.ground(state);
}

function all() {
  time();
  figures();
  heat.draw(state.markets.get(state.shown)?.market, state.peer);
  panels.pictures(state, pick, go);
  panels.table(state, everyPeer, pick);
  panels.peer(state, pick, go);
}

function say() {
  const host = the('messages');
  const wanted = messages(state);
  const text = wanted.map(({key, text}) => key + text).join();
  if (host.dataset.text === text) return;
  host.dataset.text = text;
  host.replaceChildren(
    ...wanted.map(({tone, text, act}) => {
      const box = make('div', {class: 'message', 'data-tone': tone, role: tone === 'error' ? 'alert' : 'status'}, make('p', {}, text));
      if (act) {
        const button = make('button', {type: 'button'}, act.text);
        button.addEventListener('click', () => client.forget());
        box.append(button);
      }
      return box;
    }),
  );
}

function time() {
  const {first, last, shown, live} = state;
  slider.min = String(first);
  slider.max = String(Math.max(last, first));
  slider.value = String(shown);
  slider.disabled = last <= first;
  slider.setAttribute('aria-valuetext', `epoch ${shown} of ${first} to ${last}`);
  fill('where', state.markets.size || last > 0 ? `Epoch ${whole(shown)} of ${whole(first)}–${whole(last)}` : '–');
  the('live').setAttribute('aria-pressed', String(live));
  the('play').setAttribute('aria-pressed', String(playing !== undefined));
  fill('play', playing === undefined ? 'Play' : 'Pause');
  for (const [id, off] of /** @type {const} */ ([['back', shown <= first], ['forth', shown >= last], ['play', last <= first]])) /** @type {HTMLButtonElement} */ (the(id)).disabled = off;
}

/** Looks at an epoch, and fetches it where it is not there. @param {number} epoch */
function look(epoch) {
  state.shown = Math.min(Math.max(epoch, state.first), state.last);
  state.live = false;
  if (!state.markets.get(state.shown)?.market.peers) client.want(state.shown);
  remember();
  later(all);
}

/** @param {number} epoch */
function go(epoch) {
  stop();
  look(epoch);
}

function follow() {
  stop();
  state.live = true;
  const newest = Math.max(...state.markets.keys(), -1);
  if (newest >= 0) state.shown = newest;
  remember();
  later(all);
}

function play() {
  if (playing !== undefined) return stop();
  if (state.shown >= state.last) look(Math.max(state.first, Math.min(...state.markets.keys(), state.last - PLAYED)));
  playing = setInterval(() => {
    if (state.shown >= state.last) follow();
    // What is still on its way is waited for.
    else if (state.markets.has(state.shown) || state.lacking.has(state.shown)) look(state.shown + 1);
  }, FRAME_MS);
  later(all);
}

function stop() {
  clearInterval(playing);
  playing = undefined;
}

/** @param {number} uid */
function pick(uid) {
  if (projected.on()) return;
  state.peer = uid;
  remember();
  later(all);
  // After it is drawn.
  requestAnimationFrame(() => {
    the('peer').focus({preventScroll: true});
    the('peer').scrollIntoView({block: 'nearest'});
  });
}

/** The address restores what is looked at. */
function remember() {
  const words = [...(state.live ? [] : [`epoch=${state.shown}`]), ...(state.peer === null ? [] : [`peer=${state.peer}`])];
  const address = new URL(location.href);
  address.hash = words.join('&');
  history.replaceState(null, '', address.href.replace(/#$/, ''));
}

function recall() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const number = (/** @type {string} */ name) => (/^\d{1,9}$/.test(wanted.get(name) ?? '') ? Number(wanted.get(name)) : null);
  const [epoch, peer] = [number('epoch'), number('peer')];
  state.peer = peer;
  if (epoch === null) return;
  state.live = false;
  state.shown = epoch;
  client.want(epoch);
}

slider.addEventListener('input', () => go(Number(slider.value)));
the('back').addEventListener('click', () => go(state.shown - 1));
the('forth').addEventListener('click', () => go(state.shown + 1));
the('play').addEventListener('click', play);
the('live').addEventListener('click', follow);
the('projector').addEventListener('click', projected.toggle);
the('more').addEventListener('click', () => {
  everyPeer = true;
  later(all);
});
the('peer-close').addEventListener('click', () => {
  const uid = state.peer;
  state.peer = null;
  remember();
  later(all);
  requestAnimationFrame(() => /** @type {HTMLElement|null} */ (document.querySelector(`#peers [data-uid="${uid}"]`))?.focus());
});
the('figure').addEventListener('change', (event) => {
  state.figure = /** @type {import('./types.js').Figure} */ (/** @type {HTMLSelectElement} */ (event.target).value);
  later(all);
});
new ResizeObserver(() => later(all)).observe(the('over'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => later(all));
// The age of the newest block goes on without one.
setInterval(() => later(figures), 1000);
recall();
addEventListener('hashchange', () => {
  stop();
  if (!/epoch=/.test(location.hash)) state.live = true;
  recall();
  later(all);
});
