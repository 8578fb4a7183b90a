// Ours and TensorFlow.js in one page, in turns, on the same bytes from the same weights.

import {count, record, replay} from './launches.mjs';
import * as theirs from './tf.mjs';

/** @type {{ours: any, theirs: any, batches: [Uint8Array, Uint8Array][]}} */
const sides = {ours: null, theirs: null, batches: []};

/** @template T @param {string} who @param {() => Promise<T>} work @returns {Promise<[number, T]>} ms, and what it gave */
async function timed(who, work) {
  count.who = who;
  const started = performance.now();
  const value = await work();
  return [performance.now() - started, value];
}

/** Steps of one side from its `at`th batch on. @param {'ours'|'theirs'} who @param {number} at @param {number} steps */
async function steps(who, at, steps) {
  const before = count.launches[who] ?? 0;
  const losses = [];
  const [ms] = await timed(who, async () => {
    for (let i = at; i < at + steps; i += 1) losses.push(await (who === 'ours' ? sides.ours.step() : sides.theirs.step(...sides.batches[i])));
  });
  return {ms: ms / steps, launches: ((count.launches[who] ?? 0) - before) / steps, losses};
}

Object.assign(globalThis, {
  steps,
  /** The kernels of one step by the time they take, each launch by itself. @param {'ours'|'theirs'} who @param {number} at */
  async kernels(/** @type {'ours'|'theirs'} */ who, /** @type {number} */ at) {
    const kernels = await replay(await record(() => steps(who, at, 1)));
    return {ms: kernels.reduce((sum, {ms}) => sum + ms, 0), kernels: kernels.slice(0, 6)};
  },
  /** Makes both ready and takes the first step of each. @param {string} module @param {'cpu'|'gpu'} device @param {number} most steps */
  async open(/** @type {string} */ module, /** @type {'cpu'|'gpu'} */ device, /** @type {number} */ most) {
    const trainer = await import(module);
    await trainer.default();
    const name = await theirs.start(device);
    const [made, ours] = await timed('ours', () => trainer.Race.open(device));
    sides.ours = ours;
    sides.batches = Array.from({length: most}, () => ours.draw());
    const weights = await ours.weights();
    const [built] = await timed('theirs', async () => (sides.theirs = new theirs.Session(weights)));
    const [first, other] = [await steps('ours', 0, 1), await steps('theirs', 0, 1)];
    first.ms += made;
    other.ms += built;
    return {devices: {ours: ours.device(), theirs: name}, first: {ours: first, theirs: other}};
  },
});
