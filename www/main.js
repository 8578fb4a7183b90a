// @ts-check
/**
 * The page: joins, stops, and draws what it is told. All routing, learning and checking is in the WebAssembly modules;
 * this file passes their events into the state and the state onto the document.
 *
 * For scripts and tests there is `window.peerage`, an `EventTarget`:
 *   peerage.join({device: 'auto' | 'gpu' | 'cpu'})   what the Join button does
 *   peerage.pause(true | false), peerage.stop()
 *   peerage.ask(intent)                               asks for a transaction, without a dialogue (`Intent` in types.js)
 *   peerage.policy(policy)                            what the own row follows (`Policy` in types.js)
 *   peerage.work(true | false)                        holds the proof of work, or goes on
 *   peerage.learn()                                   learns from what is chosen under “What I learn from”
 *   peerage.snapshot                                  a copy of all the page knows (`State` in types.js)
 *   peerage.tab                                       the `Tab` of the WebAssembly module, null before Join
 *   peerage.addEventListener('event', (e) => e.detail)  every event as it arrives
 */

import {isOtherChain, otherChain} from './auditing.js';
import {drawBar} from './bar.js';
import {startBefore} from './before.js';
import {capabilities, storage} from './browser.js';
import {drawChecklist, drawMessages} from './checklist.js';
import {fill, rest, the} from './dom.js';
import {keptEffort} from './effort.js';
import {begin, choose as chooseSource, chosen, drawLearning, missing, startLearning, taken} from './learning.js';
import {clause, sentence} from './lines.js';
import {bootstrap, corpus, pageModule, workers} from './load.js';
import {startOffline} from './offline.js';
import {figuresFirst, startParts} from './parts.js';
import {keepPolicy, keptPolicy} from './policy.js';
import {startReplace} from './replace.js';
import {choose, drawSettings, start as startSettings} from './settings.js';
import {fold, initial} from './state.js';
import {lock, startWatched, taken as takenElsewhere, watch} from './watch.js';

const DRAW_MS = 250;
const SLICE_MS = 8; // of drawing in one go
const STOP_MS = 8000; // after this a stop that nobody confirmed counts as done
const AGAIN = 'peerage.join'; // session storage: join at once after a reload, on this device and learning from this

const state = initial();

/** @type {any} */
let tab = null;
let drawing = false;
let asked = false;
/** Whether it takes part: what only asks others does not. */
let takesPart = false;
/** The panels that come with Join. @type {typeof import('./joined.js')|null} */
let joined = null;
let fetching = false;
/** The node's text, as the bootstrap names it. @type {any} */
let text = null;
let release = () => {};
/** Whether it has this browser's identity. */
let holds = false;

/** The page's script interface. */
class Peerage extends EventTarget {
  get tab() {
    return tab;
  }
  get snapshot() {
    return structuredClone(state);
  }
  /** @param {{device?: 'auto'|'gpu'|'cpu'}} [options] */
  join(options = {}) {
    return join(options.device ?? 'auto');
  }
  /** @param {boolean} paused */
  pause(paused) {
    tab?.pause(paused);
    put({type: 'page:pause', paused});
  }
  stop() {
    return stop();
  }
  /** @param {import('./types.js').Intent} intent */
  ask(intent) {
    return ask(intent);
  }
  /** @param {import('./types.js').Policy} policy */
  policy(policy) {
    tab?.policy(policy);
    if (state.chain) keepPolicy(state.chain, policy);
    put({type: 'page:policy', policy});
    draw();
  }
  /** @param {boolean} paused */
  work(paused) {
    tab?.work(paused);
  }
  learn() {
    return learn();
  }
}
const peerage = new Peerage();
Object.defineProperty(globalThis, 'peerage', {value: peerage});

/** An event into the state, and soon onto the page. @param {any} event */
function put(event) {
  if (!event || typeof event.type !== 'string') return;
  const up = state.node?.up;
  const {slept} = state;
  fold(state, event, Date.now());
  peerage.dispatchEvent(new CustomEvent('event', {detail: event}));
  if (event.type === 'network' && event.node && (event.node.up !== up || !event.node.up)) recheck();
  if (state.slept !== slept) wake();
  if (event.type === 'reading') taken(event.done);
  if (event.type === 'stopped') ended();
  schedule();
}

function schedule() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => requestAnimationFrame(drawInSlices), DRAW_MS);
}

/** All that is drawn, part by part. @param {number} now */
const parts = (now) => [
  () => drawBar(state, joined !== null),
  () => drawChecklist(state, now, act),
  () => drawMessages(state, now, act),
  () => drawLearning(state),
  () => drawSettings(state),
  ...(joined?.joinedParts(state, now) ?? []),
];

/** Draws at once, for somebody who has pressed something. */
function draw() {
  for (const part of parts(Date.now())) part();
}

/** Draws, and lets the browser do something else between parts where they take long. */
async function drawInSlices() {
  drawing = false;
  if (state.joinedAt != null) withPanels();
  let since = performance.now();
  for (const part of parts(Date.now())) {
    part();
    if (performance.now() - since < SLICE_MS) continue;
    await rest();
    since = performance.now();
  }
}

let wishes = 0;

/** Asks for a transaction, said in these words or its own. @param {import('./types.js').Intent} intent @param {string} [words] */
async function ask(intent, words) {
  const {describe, signer} = await import('./intents.js');
  const id = (wishes += 1);
  put({type: 'page:asked', id, intent, signer: signer(intent, state), words: words ?? describe(intent, state).words});
  try {
    if (!tab || over()) throw new Error(tab ? 'this tab has stopped' : 'this tab has not joined');
    await tab.ask(intent);
  } catch (error) {
    put({type: 'page:unasked', id, reason: reason(error)});
  }
}

/** @param {string} device @param {boolean} [another] as another peer, beside the tab that has this browser's identity */
async function join(device, another = false) {
  if (state.watching && another) return again(device, true);
  if (state.phase !== 'ready' || state.watching) return over() ? again(device) : undefined;
  if (state.lines.browser.state === 'failed' || asked) return;
  const why = missing();
  if (why) {
    fill('source-fault', why);
    show('learning');
    return;
  }
  asked = true;
  if (!another && !(await onlyOne())) {
    asked = false;
    return;
  }
  put({type: 'page:clear', id: 'twice'});
  put({type: 'page:join', source: chosen().source});
  withPanels();
  figuresFirst();
  draw();
  the('minute').focus({preventScroll: true});
  let line = 'identity';
  try {
    const module = await pageModule();
    line = 'node';
    const {text: words, json} = await bootstrapForSure();
    text = json.corpus;
    put({type: 'page:bootstrap', chain: json.chain, name: json.name, node: location.host});
    line = 'identity';
    const servers = choose(json, (why) => put({type: 'page:message', id: 'servers', tone: 'warning', text: `Own STUN and TURN servers kept in this browser cannot be used (${clause(why).slice(0, -1)}); the network’s are taken.`}));
    put({type: 'page:servers', from: servers.from, urls: servers.urls});
    tab = new module.Tab({bootstrapText: words, ...workers(), device, iceServers: servers.own, onEvent: put});
    const policy = keptPolicy(json.chain);
    if (policy.type !== 'scores') peerage.policy(policy);
    line = 'text';
    await learn(true);
  } catch (error) {
    if (over()) return;
    tab?.stop();
    const other = isOtherChain(reason(error));
    const help = other ? 'See the message above.' : 'Load the page again to try once more.';
    put({type: 'page:failed', line, text: sentence(reason(error)), help});
    if (other) {
      put({type: 'page:clear', id: `failed-${line}`});
      otherChain(state, Date.now(), reason(error));
    }
    ended();
  }
}

/** Fetches the panels that come with Join; from then on they are drawn with the rest. Nothing else waits for them. */
async function withPanels() {
  if (fetching) return;
  fetching = true;
  try {
    const panels = await import('./joined.js');
    panels.startJoined({state: () => state, tab: () => tab, draw, put, ask, listen, policy: (policy) => peerage.policy(policy), reload: () => location.reload(), rejoin: () => again(chosenDevice())});
    joined = panels;
    put({type: 'page:clear', id: 'panels'});
    draw();
  } catch (error) {
    put({type: 'page:message', id: 'panels', tone: 'error', text: `A part of this page did not come (${clause(reason(error)).slice(0, -1)}). The tab works on without showing its figures.`, action: {id: 'reload', label: 'Load the page again'}});
  }
}

/**
 * Learns from what is chosen, from now on. What cannot be learned from is said; a text that does not come ends a join, and
 * that is thrown as a sentence.
 * @param {boolean} [joining] whether this is what a join began with
 */
async function learn(joining = false) {
  const choice = chosen();
  const first = joining && state.learned == null;
  put({type: 'page:source', ...choice});
  if (choice.source !== 'nothing' && !takesPart) {
    takesPart = true;
    tab.join();
  }
  try {
    await begin(tab, () => corpus(text));
  } catch (error) {
    if (first && choice.source === 'text') throw error;
    if (!over()) put({type: 'unusable', reason: reason(error)});
  }
}

/** The node's description, asked for until it comes. @returns {Promise<{text: string, json: any}>} */
async function bootstrapForSure() {
  for (let pause = 1000; ; pause = Math.min(pause * 2, 8000)) {
    try {
      return await bootstrap();
    } catch (error) {
      if (state.phase !== 'joining') throw error;
      put({type: 'network', node: {up: false, reason: reason(error), retryMs: pause}});
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Whether a person, or the end of training, has stopped this tab meanwhile. */
const over = () => state.phase === 'stopping' || state.phase === 'stopped';

/** @param {unknown} error */
const reason = (error) => (error instanceof Error ? error.message : String(error));

/** After a sleep connections look whole and may be dead: they are looked after as when the network comes back. */
function wake() {
  dispatchEvent(new Event('online'));
}

let checkedAt = 0;

/** After the node went or came back: is it still the same chain? */
async function recheck() {
  if (!state.identity || (state.node?.times ?? 0) === 0 || Date.now() - checkedAt < 3000) return;
  checkedAt = Date.now();
  try {
    const {json} = await bootstrap();
    if (json.chain !== state.identity.chain) {
      otherChain(state, Date.now(), `${String(json.chain).slice(0, 8)} instead of ${state.identity.chain.slice(0, 8)}`);
      schedule();
    }
  } catch {
    // Gone still; it is asked again with the next change.
  }
}

/** One identity, one tab. A page that was just loaded again waits for what it was before to let go. */
async function onlyOne() {
  for (let i = 0; i < 5; i += 1) {
    const held = await lock();
    if (held) {
      release = held;
      holds = true;
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  offer();
  return false;
}

/** What a second tab of one browser can do. */
function offer() {
  put({
    type: 'page:message',
    id: 'twice',
    tone: 'warning',
    text: 'Peerage already runs in another tab of this browser, and two tabs cannot share one identity. Watch that one from here, stop it and press Join here, or join here as another peer, whose key is gone when this tab closes.',
    action: {id: 'watch', label: 'Watch it here'},
    other: {id: 'another', label: 'Join here as another peer'},
  });
}

/** Shows what the other tab does. Nothing is signed, asked or changed from here: there is no `Tab`. */
function watchOther() {
  if (state.phase !== 'ready' || state.watching) return;
  put({type: 'page:clear', id: 'twice'});
  put({type: 'page:message', id: 'watched', tone: 'info', text: 'This tab only watches: all that it shows is of the tab that runs. Pause, stop and sign there.', action: {id: 'another', label: 'Join here as another peer'}});
  state.watching = true;
  figuresFirst();
  watch({
    take: (seen) => {
      const own = state.messages.filter((m) => m.id === 'watched');
      const others = seen.messages.filter((m) => m.id !== 'watched').map((m) => ({...m, action: null, other: null}));
      Object.assign(state, seen, {messages: [...own, ...others], watching: true});
      schedule();
    },
    gone: (ever) => {
      if (ever) state.phase = 'stopped';
      put({type: 'page:clear', id: 'watched'});
      put({
        type: 'page:message',
        id: 'unwatched',
        tone: 'warning',
        text: ever ? 'The tab that ran here has stopped or was closed. What is shown is the last that it told.' : 'The tab that runs does not answer. It may be of an older version of this page; load it again there.',
        action: {id: 'again', label: 'Join here'},
        other: {id: 'reload', label: 'Load this page again'},
      });
    },
  });
}

async function stop() {
  if (state.phase === 'stopping' || state.phase === 'stopped' || state.phase === 'ready') return;
  put({type: 'page:stop'});
  setTimeout(() => state.phase === 'stopping' && put({type: 'stopped'}), STOP_MS);
  try {
    await tab?.stop();
    if (!tab) put({type: 'stopped'});
  } catch (error) {
    console.warn(error);
    put({type: 'stopped'});
  }
}

/** Nothing runs any more: the lock is free, and Join begins anew. */
function ended() {
  release();
  the('join').textContent = 'Join again';
  the('title').textContent = 'Stopped';
  the('stopped').hidden = false;
  draw();
  the('join').focus({preventScroll: true});
}

/** A fresh start is a fresh page: no thread, key or device of before is left. @param {string} [device] @param {boolean} [another] as another peer */
function again(device, another = false) {
  try {
    sessionStorage.setItem(AGAIN, `${device ?? 'auto'} ${chosen().source}${another ? ' another' : ''}`);
  } catch {
    // Then a person presses Join once more.
  }
  release();
  location.reload();
}

/** Gives up what this browser keeps of the chain. */
async function forget() {
  if (tab) await tab.forgetChain();
  else for (const key of Object.keys(localStorage)) if (key.startsWith('peerage')) localStorage.removeItem(key);
  again();
}

/** A button of a message. @param {string} id */
async function act(id) {
  if (id.startsWith('dismiss:')) put({type: 'page:clear', id: id.slice('dismiss:'.length)});
  if (id === 'reload') location.reload();
  if (id === 'again') again();
  if (id === 'forget') await forget();
  if (id === 'work') peerage.work(!state.work?.paused);
  if (id === 'backup') show('keys');
  if (id === 'effort') show('effort');
  if (id === 'model') show('model');
  if (id === 'another') await join(chosenDevice(), true);
  if (id === 'watch') watchOther();
}

/** Takes a person to a panel. @param {string} id */
function show(id) {
  the(id).scrollIntoView();
  the(id).focus({preventScroll: true});
}

/** Hears events of one type. @param {string} type @param {(event: any) => void} heard */
const listen = (type, heard) => peerage.addEventListener('event', (e) => {
  const {detail} = /** @type {CustomEvent} */ (e);
  if (detail.type === type) heard(detail);
});

/** Says at once that another tab runs, and no more when it has gone. A page that is loaded again meets what it was itself. */
async function lookAround() {
  const there = () => takenElsewhere().then((held) => held && state.phase === 'ready' && !asked && !state.watching);
  if (!(await there())) return;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  if (!(await there())) return;
  offer();
  const timer = setInterval(async () => {
    if (await there()) return;
    clearInterval(timer);
    if (state.phase === 'ready' && !asked) put({type: 'page:clear', id: 'twice'});
  }, 1000);
}

const chosenDevice = () => /** @type {HTMLSelectElement} */ (the('device')).value;

function start() {
  put({type: 'page:browser', ...capabilities()});
  put({type: 'page:effort', ...keptEffort()});
  storage().then((found) => put({type: 'page:storage', ...found}));
  the('join').addEventListener('click', () => join(chosenDevice()));
  the('pause').addEventListener('click', () => peerage.pause(state.phase !== 'paused'));
  the('stop').addEventListener('click', stop);
  addEventListener('offline', () => put({type: 'page:message', id: 'offline', tone: 'warning', text: 'This computer has lost its network. Training goes on alone; the connection comes back by itself.'}));
  addEventListener('online', () => put({type: 'page:clear', id: 'offline'}));
  document.addEventListener('visibilitychange', schedule);
  startParts();
  startReplace();
  startBefore({state: () => state, ask: bootstrap});
  startLearning({state: () => state, draw, use: learn, tab: () => tab});
  startSettings({ask: bootstrap, draw, rejoin: () => again(chosenDevice())});
  startOffline({put, ask: bootstrap, waiting: () => state.phase === 'ready'});
  startWatched(() => (holds && state.joinedAt != null && state.phase !== 'stopped' ? state : null));
  setInterval(() => state.watching || put({type: 'page:tick'}), 1000);
  draw();
  let device = null;
  try {
    device = sessionStorage.getItem(AGAIN);
    sessionStorage.removeItem(AGAIN);
  } catch {
    // No storage, no memory of a wish to join.
  }
  if (device !== null) {
    const [on, source, another] = device.split(' ');
    if (source) chooseSource(source);
    join(on, another === 'another');
  } else if (state.lines.browser.state !== 'failed') {
    pageModule().catch(() => {}); // Join shows what went wrong
    lookAround();
  }
}

start();
