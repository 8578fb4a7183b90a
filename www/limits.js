// @ts-check
/** The limits of a person on this tab: how much it takes, on mains and on a battery. Chosen here, kept by the pacer (effort.js). */

import {fill, the, write} from './dom.js';
import {allowed, Clock, keepEffort, Pacer, sightWords} from './effort.js';
import {percent} from './format.js';
import {busy} from './measures.js';

/** @typedef {import('./types.js').State} State */

const WORDS = new Map([[1, 'no limit'], [0.75, 'limit: three quarters'], [0.5, 'limit: half'], [0.25, 'limit: a quarter'], [0, 'rests']]);

/** @param {State} s @param {number} now */
export function drawLimits(s, now) {
  if (s.joinedAt == null) return;
  const gpu = s.device?.kind === 'WebGPU';
  const share = s.phase === 'running' ? busy(s, now) : null;
  fill('busy-name', gpu ? 'GPU share' : 'CPU share');
  fill('busy', share == null ? '–' : percent(share));
  fill('busy-limit', s.phase === 'stopped' ? '' : WORDS.get(allowed(s)) ?? '');
  const most = /** @type {HTMLSelectElement} */ (the('effort-most'));
  const onBattery = /** @type {HTMLSelectElement} */ (the('effort-battery'));
  if (document.activeElement !== most) most.value = String(s.effort.most);
  if (document.activeElement !== onBattery) onBattery.value = s.effort.onBattery;
  const power = s.battery == null ? 'This browser does not tell of a battery.' : s.battery.charging ? 'On mains now.' : `On battery now, ${percent(s.battery.level)} full.`;
  write(the('effort-power'), power);
  fill('sight', sightWords(s));
}

/**
 * Makes the limits work.
 * @param {{state: () => State, put: (event: any) => void, tab: () => any, listen: (type: string, heard: (event: any) => void) => void}} with_
 */
export function startLimits({state, put, tab, listen}) {
  const clock = new Clock();
  const pacer = new Pacer({
    // What a person has paused stays paused.
    hold: (held) => state().phase === 'paused' || tab()?.pause(held),
    wait: (ms, then) => clock.wait(ms, then),
  });
  const keepTo = () => pacer.set(allowed(state()));
  const say = (/** @type {any} */ event) => {
    put(event);
    keepTo();
  };
  for (const id of ['effort-most', 'effort-battery']) {
    the(id).addEventListener('change', () => {
      const effort = {
        most: Number(/** @type {HTMLSelectElement} */ (the('effort-most')).value),
        onBattery: /** @type {import('./effort.js').OnBattery} */ (/** @type {HTMLSelectElement} */ (the('effort-battery')).value),
      };
      keepEffort(effort);
      say({type: 'page:effort', ...effort});
    });
  }
  keepTo();
  listen('step', (step) => pacer.step(step));
  listen('page:pause', () => pacer.reset());
  // A trainer that has just come knows nothing of a rest.
  for (const type of ['loaded', 'dataset']) listen(type, () => pacer.reset());
  const {getBattery} = /** @type {any} */ (navigator);
  getBattery
    ?.call(navigator)
    .then((/** @type {any} */ battery) => {
      const told = () => say({type: 'page:battery', charging: battery.charging, level: battery.level});
      for (const change of ['chargingchange', 'levelchange']) battery.addEventListener(change, told);
      told();
    })
    .catch(() => {}); // a browser that keeps it to itself
  const sight = () => put({type: 'page:sight', hidden: document.hidden});
  document.addEventListener('visibilitychange', sight);
  sight();
}
