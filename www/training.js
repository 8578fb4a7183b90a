// @ts-check
/**
 * The part of the state that tells of learning: what is learned from, what the model is worth, where it is kept, what was bought.
 * Folded like the rest (state.js): pure but for the object it changes, every list with a bound.
 */

import {bytes, duration, fixed, whole} from './format.js';
import {begin, clause, clear, detail, done, ended, fail, note, register, sentence, tell} from './lines.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').PeerageEvent} PeerageEvent */

const PEERS = 256; // peers whose worth is kept
const VALIDATIONS = 64; // newest validations kept
const CREDITS = 64; // sellers

/** What to do where there is no WebGPU. */
const WITHOUT_WEBGPU = 'Nothing to do: it only takes longer. Chrome and Edge offer WebGPU on most computers, Firefox not yet on Linux.';
const WITHOUT_HTTPS = 'Nothing to do: it only takes longer. Browsers offer WebGPU only over https or on this machine itself.';

/** Lines of the first minute that who does not train goes without, and what they say then. */
const UNTRAINED = ['device', 'text', 'step', 'registered', 'update'];
const IDLE = 'Not needed: this tab does not train, it only asks others.';

/** How the part begins. */
export const untrained = () => ({
  source: {type: /** @type {import('./types.js').SourceName} */ ('text'), private: false},
  learned: null,
  reading: null,
  unusable: null,
  validations: [],
  validating: false,
  offline: false,
  model: {kept: null, restored: null, damaged: null, exported: null, imported: null},
  scores: register(),
  worth: register(),
  credits: register(),
  price: '0',
});

/** @type {Record<string, (s: State, e: PeerageEvent, now: number) => void>} */
export const training = {
  'page:source'(s, {source, private: alone}, now) {
    s.source = {type: source, private: alone === true};
    s.reading = null;
    s.unusable = null;
    clear(s, 'unusable');
    for (const id of UNTRAINED) {
      if (source !== 'nothing') {
        if (s.lines[id].detail === IDLE) Object.assign(s.lines[id], {state: 'idle', detail: '', ended: null});
      } else if (!ended(s, id)) {
        done(s, id, now, IDLE);
        note(s, id);
      }
    }
    if (source !== 'nothing') for (const id of ['device', 'text']) begin(s, id, now);
  },

  'page:validate'(s) {
    // The trainer passes over a wish that comes before it has anything to learn from.
    s.validating = s.learned != null;
  },

  'page:offline'(s, {offline}) {
    s.offline = offline === true;
  },

  'page:price'(s, {price}) {
    s.price = String(price);
  },

  reading(s, {done: taken, of}) {
    s.reading = {done: taken, of};
    if (s.lines.text.state === 'waiting') detail(s, 'text', `Read so far: ${bytes(taken)}${of > taken ? ` of ${bytes(of)}` : ''}.`);
  },

  dataset(s, {type: _, ...learned}, now) {
    const changed = s.learned != null;
    s.learned = /** @type {import('./types.js').Learned} */ (learned);
    s.reading = null;
    s.unusable = null;
    s.validations = [];
    s.validating = false;
    done(s, 'text', now, sentence(learned.words));
    if (changed) {
      // Another model, with figures of its own.
      s.steps = {count: 0, first: [], last: [], stride: 1, series: [], pending: []};
      s.pace = [];
      s.scores = register();
      s.worth = register();
      s.model = {kept: null, restored: null, damaged: null, exported: null, imported: null};
    }
    ready(s, now);
  },

  unusable(s, {reason}, now) {
    s.reading = null;
    s.unusable = sentence(reason);
    const running = s.learned != null;
    tell(s, now, 'unusable', running ? 'warning' : 'error', `${clause(reason)} ${running ? 'What was learned from before goes on.' : 'Choose something else to learn from.'}`);
    if (!running) fail(s, 'text', now, sentence(reason), 'Choose something else under “What I learn from”.');
  },

  loaded(s) {
    detail(s, 'device', 'Choosing between graphics chip and processor.');
  },

  device(s, {kind, name, why, cpu, gpu}, now) {
    s.device = {kind, name, why, cpu: cpu ?? null, gpu: gpu ?? null};
    const reason = sentence(why.replace(/^no device: /, ''));
    const text = `${kind === 'WebGPU' ? 'Graphics chip through WebGPU' : 'Processor (CPU)'}${name ? `: ${name}` : ''}. ${reason}`;
    done(s, 'device', now, text.trim());
    if (kind !== 'WebGPU' && s.browser?.webgpu) note(s, 'device');
    if (kind !== 'WebGPU' && s.browser?.webgpu === false) s.lines.device.help = s.browser.secure ? WITHOUT_WEBGPU : WITHOUT_HTTPS;
    clear(s, 'webgpu');
    if (kind !== 'WebGPU' && !s.messages.some((m) => m.id === 'device-lost')) tell(s, now, 'webgpu', 'info', `This tab trains on the processor. ${reason} It takes part like any other.`, {until: now + 60_000});
    ready(s, now);
  },

  scores(s, {scores}) {
    const list = /** @type {import('./types.js').Worth[]} */ (scores.slice(0, PEERS));
    s.scores = Object.fromEntries(list.map((w) => [w.key, w.score]));
    s.worth = Object.fromEntries(list.map((w) => [w.key, w]));
  },

  validation(s, {type: _, ...validation}, now) {
    s.validating = false;
    s.validations.push(/** @type {import('./types.js').Validation} */ ({...validation, at: now, offline: s.offline}));
    if (s.validations.length > VALIDATIONS) s.validations.shift();
  },

  modelKept(s, {step, bytes: size, place, reason: said}, now) {
    const reason = said && s.browser?.keeps === 'window' ? 'private windows of this browser keep no files' : (said ?? null);
    s.model.kept = {step, bytes: size, place, reason, at: now};
    if (!reason) return clear(s, 'unkept');
    const full = /quota|space|full/i.test(reason);
    const way = full ? ' This device is full, or this page has had its share of it. Free some space, then join again.' : '';
    tell(s, now, 'unkept', 'warning', `The model is not kept${said === reason ? ' any more' : ''}: ${clause(reason)} Training goes on; what it learns is gone when this tab closes, unless you export it.${way}`, {
      action: {id: 'model', label: 'Show the model'},
      other: full ? {id: 'again', label: 'Join again'} : null,
    });
  },

  modelRestored(s, {step, bytes: size}, now) {
    s.model.restored = {step, bytes: size, at: now};
    tell(s, now, 'restored', 'info', `The model of your last visit goes on from step ${whole(step)}.`, {until: now + 20_000});
  },

  modelDamaged(s, {reason}, now) {
    s.model.damaged = sentence(reason);
    tell(s, now, 'model-damaged', 'warning', sentence(reason));
  },

  exported(s, {step, bytes: file}) {
    s.model.exported = {step, bytes: file?.length ?? 0};
  },

  imported(s, {step}) {
    s.model.imported = {step};
    s.validations = [];
  },

  credit(s, {peer, positions, all}, now) {
    const known = Object.values(s.credits);
    if (known.length >= CREDITS && !(peer in s.credits)) delete s.credits[known.reduce((a, b) => (a.at <= b.at ? a : b)).peer];
    const before = all ? 0 : Number(s.credits[peer]?.positions ?? 0);
    s.credits[peer] = {peer, positions: String(before + Number(positions)), at: now};
  },

  'page:used'(s, {peer, positions}) {
    const credit = s.credits[peer];
    // A seller takes an ask whole from what is paid for, or not at all.
    if (credit && Number(credit.positions) >= positions) credit.positions = String(Number(credit.positions) - positions);
  },
};

/** The trainer has what it needs for its first step. @param {State} s @param {number} now */
function ready(s, now) {
  if (!s.device || !s.learned) return;
  begin(s, 'step', now);
  if (!s.lines.step.detail) detail(s, 'step', `Computing. The first step also prepares the ${s.device.kind === 'WebGPU' ? 'graphics chip' : 'processor'} and is the slowest.`);
}

/** A loss with its unit: bits a byte beside nats for text. @param {number|null|undefined} loss @param {boolean} text */
export const lossWords = (loss, text) => (loss == null || !Number.isFinite(loss) ? '–' : `${fixed(loss, 3)} nats${text ? ` (${fixed(loss / Math.LN2, 2)} bits a byte)` : ''}`);

/** How long ago. @param {number} at @param {number} now */
export const ago = (at, now) => (now - at < 1500 ? 'now' : `${duration(now - at)} ago`);
