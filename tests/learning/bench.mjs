// A training step of preset S, ours against TensorFlow.js: the same network from the same weights, the same bytes, the same
// Adam, in one page of one browser, in turns.
//   node tests/learning/bench.mjs [--json] [cpu] [gpu]
// It needs the site (`cargo xtask build`) and Chromium. What is measured:
//   step       median over rounds of the time of a step, readback of its losses included;
//   ratio      median of the rounds' ratios, TensorFlow.js over ours: above 1, ours is faster;
//   first step with the making of the model and all that is compiled for it, after the backends are ready;
//   launches   calls of `dispatchWorkgroups…` a step;
//   kernels    on WebGPU, which of them the time goes to: every launch of a step again, by itself;
//   losses     of both after the same steps: they show that both do the same work.
// Where there is no graphics chip, Chromium computes WebGPU in software, which says little about a GPU; launches do.

import {cpus, totalmem} from 'node:os';
import {launch, open} from '../e2e/support/browser.mjs';
import {serve} from './support/serve.mjs';

const PLAN = {cpu: {warm: 10, rounds: 9, steps: 10}, gpu: {warm: 1, rounds: 3, steps: 1}};

/** @typedef {{ms: number, launches: number, losses: number[]}} Turn */

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

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
      return {device: opened.devices[who], ms: median(all.map((t) => t.ms)), first: opened.first[who].ms, launches: all[0].launches, start: opened.first[who].losses[0], end: loss, replayed: replayed[who]};
    };
    const [ours, theirs] = [side('ours'), side('theirs')];
    return {device, ours, theirs, ratio: median(turns.ours.map((t, i) => turns.theirs[i].ms / t.ms)), first: theirs.first / ours.first};
  } finally {
    await Promise.allSettled([browser.close(), site.close()]);
  }
}

/** @param {any} result */
function table({machine, races}) {
  const lines = [`${machine.cpu}, ${machine.cores} cores, ${machine.browser}`];
  const number = (/** @type {number} */ x, digits = 1) => x.toFixed(digits).padStart(14);
  for (const {device, ours, theirs, ratio, first} of races) {
    lines.push('', `${device}: ${ours.device} and ${theirs.device}`, `${''.padEnd(24)}${'ours'.padStart(14)}${'TensorFlow.js'.padStart(14)}${'ratio'.padStart(14)}`);
    lines.push(`${'step, ms'.padEnd(24)}${number(ours.ms)}${number(theirs.ms)}${number(ratio, 2)}`);
    lines.push(`${'first step, ms'.padEnd(24)}${number(ours.first)}${number(theirs.first)}${number(first, 2)}`);
    if (device === 'gpu') lines.push(`${'launches a step'.padEnd(24)}${number(ours.launches)}${number(theirs.launches)}${number(theirs.launches / ours.launches, 2)}`);
    for (const {name, replayed} of [{name: 'ours', ...ours}, {name: 'TensorFlow.js', ...theirs}]) {
      if (!replayed) continue;
      lines.push(`${`${name}, launch by launch`.padEnd(33)}${replayed.ms.toFixed(0)} ms`);
      for (const k of replayed.kernels) lines.push(`  ${k.name.slice(0, 28).padEnd(28)} ${((100 * k.ms) / replayed.ms).toFixed(0).padStart(3)} % in ${k.launches}`);
    }
    lines.push(`${'first loss, nats'.padEnd(24)}${number(ours.start, 4)}${number(theirs.start, 4)}`);
    lines.push(`${'last loss, nats'.padEnd(24)}${number(ours.end, 4)}${number(theirs.end, 4)}`);
  }
  return lines.join('\n');
}

const named = process.argv.slice(2).filter((word) => word === 'cpu' || word === 'gpu');
const devices = /** @type {('cpu'|'gpu')[]} */ (named.length > 0 ? named : ['cpu', 'gpu']);
const browser = await launch();
const version = browser.version();
await browser.close();
const races = [];
for (const device of devices) races.push(await race(device));
const machine = {cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memory: totalmem(), browser: `Chromium ${version}`};
const result = {version: 1, machine, races};
console.log(process.argv.includes('--json') ? JSON.stringify(result, null, 2) : table(result));
