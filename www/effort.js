// @ts-check
/**
 * How much of this computer training may take: a limit that a person sets, less or nothing on a battery, and what becomes of it
 * while nobody looks. The part of the state that tells of it is folded like the rest (state.js).
 *
 * A limit is kept by resting between steps: after a step of 200 ms at most half, the trainer is held for 200 ms. It ends the step
 * that it is in, so two steps may come before two rests. Neighbours are answered in the rests.
 */

import {duration, pace, percent} from './format.js';
import {clear, tell} from './lines.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').PeerageEvent} PeerageEvent */
/** @typedef {import('./types.js').Step} Step */
/** @typedef {'same'|'less'|'rest'} OnBattery */

const PLACE = 'peerage.effort'; // local storage
export const SHARES = [1, 0.75, 0.5, 0.25];
const LESS = 0.25; // on a battery, unless a person says otherwise
const SLEPT_MS = 100_000; // between two ticks; browsers let a tab that nobody sees tick once a minute
const LONGEST_MS = 60_000; // of one rest

/** How the part begins. */
export const rested = () => ({
  effort: {most: 1, onBattery: /** @type {OnBattery} */ ('less')},
  battery: /** @type {State['battery']} */ (null),
  sight: {hidden: false, at: /** @type {number|null} */ (null), count: 0, seen: {ms: 0, steps: 0}, unseen: {ms: 0, steps: 0}},
  slept: /** @type {State['slept']} */ (null),
});

/** What share of the time training may take now; 0: it rests. @param {State} s */
export function allowed({effort, battery}) {
  if (battery == null || battery.charging || effort.onBattery === 'same') return effort.most;
  return effort.onBattery === 'rest' ? 0 : Math.min(effort.most, LESS);
}

/** Whether a tab takes part at all. @param {State} s */
const active = (s) => s.phase === 'joining' || s.phase === 'running' || s.phase === 'paused';

/** @type {Record<string, (s: State, e: PeerageEvent, now: number) => void>} */
export const resting = {
  'page:effort'(s, {most, onBattery}, now) {
    s.effort = {most, onBattery};
    onPower(s, now);
  },

  'page:battery'(s, {charging, level}, now) {
    const changed = s.battery?.charging !== charging;
    s.battery = {charging, level};
    if (changed) onPower(s, now);
  },

  'page:join'(s, _e, now) {
    s.sight.at = now;
    onPower(s, now);
  },

  'page:sight'(s, {hidden}, now) {
    count(s, now);
    s.sight.hidden = hidden;
  },

  'page:tick'(s, _e, now) {
    const gap = s.sight.at == null ? 0 : now - s.sight.at;
    if (gap > SLEPT_MS && active(s)) {
      s.slept = {ms: gap, at: now};
      s.sight.at = now; // neither seen nor unseen: nothing ran
      s.sight.count = s.steps.count;
      s.pace = [];
      s.traffic.marks = [];
      tell(s, now, 'slept', 'info', `This computer slept, or its clock was set, or the browser held this tab: ${duration(gap)} are missing. Nothing is lost: connections are looked after now, and the blocks of that time are checked. If no neighbour is back within a minute, join again.`, {
        until: now + 90_000,
        action: {id: 'again', label: 'Join again'},
      });
    }
    count(s, now);
  },

  'page:pause'(s, _e, now) {
    count(s, now);
  },

  stopped(s) {
    clear(s, 'battery');
    clear(s, 'slept');
  },
};

/** What is done on a battery is said while a tab takes part. @param {State} s @param {number} now */
function onPower(s, now) {
  const {battery, effort} = s;
  if (!active(s) || battery == null || battery.charging || effort.onBattery === 'same') return clear(s, 'battery');
  const what = effort.onBattery === 'rest' ? 'training rests until it is plugged in; the ledger is checked and neighbours are answered' : `training takes at most a quarter of the time until it is plugged in`;
  tell(s, now, 'battery', 'info', `This computer runs on its battery (${percent(battery.level)} full), so ${what}.`, {action: {id: 'effort', label: 'Change that'}});
}

/** What was done since the last look goes to where it belongs. @param {State} s @param {number} now */
function count(s, now) {
  const {sight, steps} = s;
  if (sight.at != null && s.phase === 'running') {
    const part = sight.hidden ? sight.unseen : sight.seen;
    part.ms += now - sight.at;
    part.steps += Math.max(0, steps.count - sight.count);
  }
  sight.count = steps.count;
  if (s.joinedAt != null) sight.at = now;
}

/** Steps a second behind other tabs and in sight, as a sentence. @param {State} s */
export function sightWords({sight: {seen, unseen}}) {
  const rate = (/** @type {{ms: number, steps: number}} */ part) => pace((part.steps / part.ms) * 1000);
  if (unseen.ms < 1000) return 'It has been in sight all the time so far.';
  const before = seen.ms >= 1000 ? `; in sight ${rate(seen)}` : '';
  return `Out of sight for ${duration(unseen.ms)} so far: ${rate(unseen)} steps a second${before}.`;
}

/** What a person chose in this browser before. @returns {{most: number, onBattery: OnBattery}} */
export function keptEffort() {
  try {
    return parseEffort(localStorage.getItem(PLACE));
  } catch {
    return parseEffort(null); // no storage, nothing chosen
  }
}

/** @param {string|null} text @returns {{most: number, onBattery: OnBattery}} */
export function parseEffort(text) {
  /** @type {any} */
  let kept = {};
  try {
    kept = JSON.parse(text ?? '{}') ?? {};
  } catch {
    // Not ours: as if nothing had been kept.
  }
  return {most: SHARES.includes(kept.most) ? kept.most : 1, onBattery: ['same', 'less', 'rest'].includes(kept.onBattery) ? kept.onBattery : 'less'};
}

/** @param {{most: number, onBattery: OnBattery}} effort */
export function keepEffort(effort) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(effort));
  } catch {
    // Forgotten when the page is loaded again.
  }
}

/** Holds the trainer between steps so that it takes its share of the time and no more. */
export class Pacer {
  #owed = 0; // ms of rest
  #held = false;
  #turn = 0;

  /**
   * @param {object} with_
   * @param {(held: boolean) => void} with_.hold holds the trainer or lets it go on
   * @param {(ms: number, then: () => void) => void} with_.wait calls back later
   */
  constructor({hold, wait}) {
    this.hold = hold;
    this.wait = wait;
    this.share = 1;
  }

  /** Of the time, from now on; 0: none of it. @param {number} share */
  set(share) {
    if (share === this.share) return;
    this.share = share;
    this.#owed = 0;
    if (share === 0) this.#take(Infinity);
    else this.#go();
  }

  /** A step was done. @param {Step} step */
  step({millis, waited}) {
    if (this.share >= 1 || this.share === 0) return;
    const busy = Math.max(0, millis - waited);
    this.#owed = Math.min(LONGEST_MS, Math.max(0, this.#owed + busy / this.share - millis));
    if (this.#owed >= 1) this.#take(this.#owed);
  }

  /** Whether it is at rest. */
  get held() {
    return this.#held;
  }

  /** Forgets what is owed: a person has taken it into their own hands. */
  reset() {
    this.#owed = 0;
    this.#turn += 1;
    this.#held = false;
    if (this.share === 0) this.#take(Infinity);
  }

  /** @param {number} ms */
  #take(ms) {
    const turn = (this.#turn += 1);
    if (!this.#held) this.hold((this.#held = true));
    if (Number.isFinite(ms)) this.wait(ms, () => turn === this.#turn && this.#go());
  }

  #go() {
    this.#turn += 1;
    this.#owed = 0;
    if (this.#held) this.hold((this.#held = false));
  }
}

/** Waits by the clock of a worker, which goes on as ever while nobody sees the tab. Begun with the first wait. */
export class Clock {
  /** @type {Worker|null} */ #worker = null;
  #last = 0;
  /** @type {Map<number, () => void>} */ #waiting = new Map();

  /** @param {number} ms @param {() => void} then */
  wait(ms, then) {
    try {
      this.#worker ??= this.#begin();
    } catch {
      return void setTimeout(then, ms); // slower out of sight, and no worse
    }
    this.#waiting.set((this.#last += 1), then);
    this.#worker.postMessage({id: this.#last, ms});
  }

  #begin() {
    const worker = new Worker(new URL('./clock.js', import.meta.url), {type: 'module'});
    worker.onmessage = ({data}) => this.#ring(data);
    worker.onerror = () => {
      for (const id of [...this.#waiting.keys()]) this.#ring(id);
    };
    return worker;
  }

  /** @param {number} id */
  #ring(id) {
    const then = this.#waiting.get(id);
    this.#waiting.delete(id);
    then?.();
  }
}
