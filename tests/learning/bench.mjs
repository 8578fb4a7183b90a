// A training step of preset S, ours against TensorFlow.js: the same network from the same weights, the same bytes, the same
// Adam, in one page of one browser, in turns.
//   node tests/learning/bench.mjs [--quick] [cpu] [gpu]
// It needs the site (`cargo xtask build`) and Chromium. What is measured:
//   step       median over rounds of the time of a step, readback of its losses included;
//   ratio      median of the rounds' ratios, TensorFlow.js over ours: above 1, ours is faster;
//   first step with the making of the model and all that is compiled for it, after the backends are ready;
//   launches   calls of `dispatchWorkgroups…` a step;
//   kernels    on WebGPU, which of them the time goes to: every launch of a step again, by itself;
//   losses     of both after the same steps: they show that both do the same work.
// Where there is no graphics chip, Chromium computes WebGPU in software, which says little about a GPU; launches do.

import {cell, publish, quick} from '../bench/tables.mjs';
import {launch, open} from '../e2e/support/browser.mjs';
import {serve} from './support/serve.mjs';

const PLAN = {cpu: {warm: 10, rounds: quick ? 3 : 9, steps: 10}, gpu: {warm: 1, rounds: 3, steps: 1}};
/** How many times as fast as TensorFlow.js, at least; on WebGPU where it is computed in software. */
const AIMS = {cpu: 3, gpu: 0.5};

/** @typedef {{ms: number, launches: number, losses: number[]}} Turn */

/** @param {'cpu'|'gpu'} device */
async function race(device) {
  const {warm, rounds, steps} = PLAN[device];
  const site = await serve();
  const browser = await launch({webgpu: device === 'gpu'});
  try {
    const {page, errors} = await open(browser, `race-${device}`);
    await page.goto(site.url);
    await page.waitForFunction(() => 'kernels' in globalThis);
    const most = 2 + warm + rounds * steps;
    const opened = await page.evaluate(([module, device, most]) => /** @type {any} */ (globalThis).open(module, device, most), /** @type {const} */ ([site.module, device, most]));
    /** @type {(who: string, at: number, steps: number) => Promise<Turn>} */
    const turn = (who, at, steps) => page.evaluate(([who, at, steps]) => /** @type {any} */ (globalThis).steps(who, at, steps), /** @type {const} */ ([who, at, steps]));
    /** @type {Record<string, Turn[]>} */
    const turns = {ours: [], theirs: []};
    for (const who of ['ours', 'theirs']) await turn(who, 1, warm);
    for (let round = 0; round < rounds; round += 1) {
      const order = round % 2 ? ['theirs', 'ours'] : ['ours', 'theirs'];
      for (const who of order) turns[who].push(await turn(who, 1 + warm + round * steps, steps));
    }
    /** @type {Record<string, {ms: number, kernels: {name: string, ms: number, launches: number}[]}>} */
    const replayed = {};
    for (const who of device === 'gpu' ? ['ours', 'theirs'] : []) {
      replayed[who] = await page.evaluate(([who, at]) => /** @type {any} */ (globalThis).kernels(who, at), /** @type {const} */ ([who, most - 1]));
    }
    if (errors.length > 0) throw new Error(errors.join('\n'));
    const side = (/** @type {'ours'|'theirs'} */ who) => {
      const all = turns[who];
      const loss = all[rounds - 1].losses[steps - 1];
      return {device: opened.devices[who], ms: all.map((t) => t.ms), first: opened.first[who].ms, launches: all[0].launches, start: opened.first[who].losses[0], end: loss, replayed: replayed[who]};
    };
    const [ours, theirs] = [side('ours'), side('theirs')];
    return {device, ours, theirs, ratios: turns.ours.map((t, i) => turns.theirs[i].ms / t.ms)};
  } finally {
    await Promise.allSettled([browser.close(), site.close()]);
  }
}

/** @param {Awaited<ReturnType<typeof race>>} race @returns {import('../bench/tables.mjs').Table[]} */
function tables({device, ours, theirs, ratios}) {
  const name = device === 'cpu' ? 'the CPU' : 'WebGPU';
  const ratio = (/** @type {number} */ a, /** @type {number} */ b, /** @type {{at_least?: number}} */ aim = {}) => cell(b === 0 ? null : a / b, aim);
  const launches = {name: 'launches a step', cells: [cell(ours.launches), cell(theirs.launches), ratio(theirs.launches, ours.launches, {at_least: 1})]};
  const steps = {
    title: `A training step on ${name} against TensorFlow.js`,
    columns: [{name: 'ours'}, {name: 'TensorFlow.js'}, {name: 'TensorFlow.js / ours', unit: '×'}],
    rows: [
      {name: 'step', unit: 'ms', cells: [cell(ours.ms), cell(theirs.ms), cell(ratios, {at_least: AIMS[device]})]},
      {name: 'first step', unit: 'ms', cells: [cell(ours.first), cell(theirs.first), ratio(theirs.first, ours.first)]},
      ...(device === 'gpu' ? [launches] : []),
      {name: 'first loss', unit: 'nats', cells: [cell(ours.start), cell(theirs.start), null]},
      {name: 'last loss', unit: 'nats', cells: [cell(ours.end), cell(theirs.end), null]},
    ],
    notes: [`Ours on ${ours.device}, TensorFlow.js on ${theirs.device}; in turns, medians with least and most, a ratio is the median of those of the rounds.`],
  };
  const sides = /** @type {const} */ ([['ours', ours], ['TensorFlow.js', theirs]]);
  return [steps, ...sides.filter(([, side]) => side.replayed).map(([who, {replayed}]) => kernels(`${who} on ${name}`, replayed))];
}

/** Which kernels the time of a step goes to. @param {string} who @param {{ms: number, kernels: {name: string, ms: number, launches: number}[]}} replayed @returns {import('../bench/tables.mjs').Table} */
const kernels = (who, replayed) => ({
  title: `A step of ${who}, launch by launch`,
  columns: [{name: 'launches'}, {name: 'time', unit: 'ms'}, {name: 'of all', unit: '%'}],
  rows: replayed.kernels.map((k) => ({name: k.name.slice(0, 28), cells: [cell(k.launches), cell(k.ms), cell((100 * k.ms) / replayed.ms)]})),
});

const named = process.argv.slice(2).filter((word) => word === 'cpu' || word === 'gpu');
const devices = /** @type {('cpu'|'gpu')[]} */ (named.length > 0 ? named : ['cpu', 'gpu']);
const browser = await launch();
const version = browser.version();
await browser.close();
const races = [];
for (const device of devices) races.push(await race(device));
publish(races.flatMap(tables), `Chromium ${version}`);
