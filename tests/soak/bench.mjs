// Eight tabs and four validators for half an hour, with no faults: whether memory and speed stay flat, what a volunteer gives, and
// whether anything is lost.
//   node tests/soak/bench.mjs [--quick]
//   PEERAGE_SOAK_MINUTES=30, PEERAGE_SOAK_TABS=8, PEERAGE_SOAK_RESIDENTS=0
// It needs what the end-to-end tests need (../e2e/run.mjs). Every 15 s of all that runs:
//   memory     of a tab what its renderers hold (resident), the page's JavaScript heap, and the buffers beside that heap, which the
//              WebAssembly memory of the page belongs to; of a node what its process holds;
//   speed      training steps a second since the sample before;
//   CPU        of all processes of the tab's browser, from /proc, as a share of one core;
//   bytes      that the page counts (messages with peers and nodes), and those on the links to its node, which direct connections
//              between tabs are not on.
// Tabs join one after another and train a quarter of their time each, the least that the page offers: eight at full speed would measure
// how two cores are shared. Slopes are by Theil and Sen, with their 95 % interval, over the time after all had joined and settled.

import {mkdtempSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {isIn} from '../../www/auditing.js';
import {cell, publish, quick} from '../bench/tables.mjs';
import {sleep} from '../e2e/support/wait.mjs';
import {INVARIANTS} from '../torture/invariants.mjs';
import {get} from '../torture/support/ledger.mjs';
import {median, mib, slope} from '../torture/support/statistics.mjs';
import {System} from '../torture/support/system.mjs';

const MINUTES = Number(process.env.PEERAGE_SOAK_MINUTES ?? (quick ? 3 : 30));
const TABS = Number(process.env.PEERAGE_SOAK_TABS ?? 8);
const RESIDENTS = Number(process.env.PEERAGE_SOAK_RESIDENTS ?? 0);
const SHARE = 0.25;
const EVERY_S = 15;
/** Part of the time at the beginning that slopes leave out: caches fill, codes are compiled. */
const SETTLING = 1 / 6;

/** @typedef {import('../bench/tables.mjs').Table} Table */
/** @typedef {{name: string, value: number|null, unit: string, low?: number, high?: number, note?: string}} Figure */
/** What was seen of one tab or node at one time. @typedef {{minutes: number, memory: number, heap?: number, buffers?: number, steps?: number, seconds: number, in?: number, out?: number, wire?: number, height?: number}} Sample */
/** @typedef {{name: string, kind: 'tab'|'node', samples: Sample[]}} Watched */

/** @param {System} system @param {Watched[]} watched @param {number} minutes */
async function sample(system, watched, minutes) {
  for (const one of watched) {
    const tab = system.tabs.find(({name}) => name === one.name);
    if (tab) {
      const steps = await tab.steps();
      const {renderer, seconds} = tab.usage();
      const bytes = tab.bytes();
      const wire = system.linksOf(tab.name).reduce((sum, link) => sum + link.bytes.in + link.bytes.out, 0);
      const {heap, buffers} = await tab.heaps();
      one.samples.push({minutes, memory: renderer, heap, buffers, steps, seconds, in: bytes.in, out: bytes.out, wire});
    } else {
      const node = system.programs().find(({name}) => name === one.name);
      if (!node) continue;
      const api = 'api' in node ? Number(node.api) : 0;
      const height = api ? (await get(api, '/api/head')).header.height : undefined;
      one.samples.push({minutes, memory: node.memory(), seconds: node.time(), height});
    }
  }
}

/** Differences a minute between samples. @param {Sample[]} samples @param {(sample: Sample) => number} of @returns {[number, number][]} */
const rates = (samples, of) => samples.slice(1).map((now, i) => [now.minutes, (of(now) - of(samples[i])) / (now.minutes - samples[i].minutes)]);

/** @param {Watched} one @returns {Figure[]} */
function figuresOf({name, kind, samples: all}) {
  const samples = all.slice(Math.floor(all.length * SETTLING));
  const [first, last] = [samples[0], samples[samples.length - 1]];
  const hours = (last.minutes - first.minutes) / 60;
  const growth = (/** @type {(sample: Sample) => number} */ of) => {
    const {slope: s, low, high} = slope(samples.map((one) => /** @type {[number, number]} */ ([one.minutes / 60, mib(of(one))])));
    return {value: s, low, high, unit: 'MiB/hour'};
  };
  /** @type {Figure[]} */
  const figures = [
    {name: `${name}: memory`, value: mib(median(samples.map(({memory}) => memory))), unit: 'MiB', note: 'median, resident'},
    {name: `${name}: memory, slope`, ...growth(({memory}) => memory)},
    {name: `${name}: CPU`, value: (100 * (last.seconds - first.seconds)) / (hours * 3600), unit: '% of a core'},
  ];
  if (kind === 'node') return figures;
  const speed = rates(samples, ({steps}) => (steps ?? 0) / 60);
  const usual = median(speed.map(([, rate]) => rate));
  const change = slope(speed.map(([minutes, rate]) => [minutes / 60, (100 * rate) / usual]));
  return [
    ...figures,
    {name: `${name}: heap, slope`, ...growth(({heap}) => heap ?? 0)},
    {name: `${name}: buffers, slope`, ...growth(({buffers}) => buffers ?? 0)},
    {name: `${name}: speed`, value: usual, unit: 'steps/s', note: 'median'},
    {name: `${name}: speed, slope`, value: change.slope, low: change.low, high: change.high, unit: '%/hour'},
    {name: `${name}: received`, value: ((last.in ?? 0) - (first.in ?? 0)) / hours, unit: 'bytes/hour'},
    {name: `${name}: sent`, value: ((last.out ?? 0) - (first.out ?? 0)) / hours, unit: 'bytes/hour'},
    {name: `${name}: with its node`, value: ((last.wire ?? 0) - (first.wire ?? 0)) / hours, unit: 'bytes/hour', note: 'on the wire, both ways'},
  ];
}

/** What one volunteer gives: medians over the tabs. @param {Figure[]} figures @returns {Figure[]} */
function volunteer(figures) {
  return [['memory', 'MiB'], ['CPU', '% of a core'], ['speed', 'steps/s'], ['received', 'bytes/hour'], ['sent', 'bytes/hour'], ['with its node', 'bytes/hour']].map(([what, unit]) => {
    const values = figures.filter(({name}) => name.startsWith('tab') && name.endsWith(`: ${what}`)).map(({value}) => value ?? NaN);
    return {name: `a volunteer: ${what}`, value: median(values), low: Math.min(...values), high: Math.max(...values), unit, note: `median of ${values.length} tabs; least and most`};
  });
}

/** Steepest slopes of all tabs and nodes, and what of it is sure. @param {Figure[]} figures @returns {Figure[]} */
function steepest(figures) {
  return ['memory, slope', 'heap, slope', 'speed, slope'].flatMap((what) => {
    return ['tab', 'validator', 'follower'].flatMap((who) => {
      const all = figures.filter(({name}) => name.startsWith(who) && name.endsWith(`: ${what}`));
      if (all.length === 0) return [];
      const values = all.map(({value}) => value ?? NaN);
      return [{name: `every ${who}: ${what}`, value: median(values), low: Math.min(...values), high: Math.max(...values), unit: all[0].unit, note: `median of ${all.length}; least and most`}];
    });
  });
}

/** What did not get through. @param {System} system @param {Watched[]} watched @returns {Promise<Figure[]>} */
async function lost(system, watched) {
  let refused = 0;
  let rows = 0;
  let included = 0;
  let missed = 0;
  let used = 0;
  for (const tab of system.tabs) {
    const s = await tab.snapshot();
    refused += s.transactions.filter(({state}) => state.type === 'refused').length;
    included += s.transactions.filter(({state}) => isIn(state)).length;
    rows += s.own?.version ?? 0;
    used += s.heard.tab + s.heard.resident;
    missed += Object.values(s.answers).reduce((sum, one) => sum + one.missed, 0);
  }
  const still = (/** @type {Watched} */ {samples}, /** @type {(sample: Sample) => number} */ of) => rates(samples, of).filter(([, rate]) => rate <= 0).length;
  const memory = {memory: new Map(), heads: new Map(), losses: new Map()};
  const broken = (await Promise.all(Object.values(INVARIANTS).map((holds) => holds(system, memory)))).flat();
  for (const sentence of broken) console.error(`BROKEN: ${sentence}`);
  const errors = system.tabs.reduce((sum, tab) => sum + tab.errors.length, 0);
  return [
    {name: 'rows on the ledger', value: rows, unit: 'updates', note: `${included} of the newest transactions are in blocks`},
    {name: 'transactions refused', value: refused, unit: 'transactions'},
    {name: 'answers used', value: used, unit: 'answers', note: `${missed} missed`},
    {name: 'tabs that stood still', value: watched.filter(({kind}) => kind === 'tab').reduce((sum, one) => sum + still(one, ({steps}) => steps ?? 0), 0), unit: `intervals of ${EVERY_S} s`},
    {name: 'nodes that stood still', value: watched.filter(({samples}) => samples[0]?.height !== undefined).reduce((sum, one) => sum + still(one, ({height}) => height ?? 0), 0), unit: `intervals of ${EVERY_S} s`},
    {name: 'invariants broken', value: broken.length, unit: `of ${Object.keys(INVARIANTS).length}`, note: broken[0]},
    {name: 'errors on consoles', value: errors, unit: 'errors'},
  ];
}

/** @param {Figure} figure */
const shown = ({value, low, high}) => {
  const one = cell(value);
  return one && (low !== undefined && high !== undefined && Number.isFinite(low) && Number.isFinite(high) ? {...one, spread: /** @type {[number, number]} */ ([low, high])} : one);
};

/** @param {string} title @param {Figure[]} figures @param {string[]} [notes] @returns {Table} */
const table = (title, figures, notes = []) => ({
  title,
  columns: [{name: ''}],
  rows: figures.map((figure) => ({name: figure.name, unit: figure.unit, cells: [shown(figure)], ...(figure.note ? {note: figure.note} : {})})),
  notes,
});

/** A row for each tab and node, a column for each figure. @param {Watched[]} watched @param {Figure[]} figures @returns {Table} */
function apart(watched, figures) {
  const of = (/** @type {Figure} */ {name}) => name.slice(name.indexOf(': ') + 2);
  const columns = [...new Map(figures.map((figure) => [of(figure), figure.unit]))].map(([name, unit]) => ({name, unit}));
  const rows = watched.map(({name}) => ({name, cells: columns.map((column) => shown(figures.find((figure) => figure.name === `${name}: ${column.name}`) ?? {name, value: null, unit: ''}))}));
  return {title: 'Each tab and node', columns, rows, notes: ['Slopes with their 95 % interval.']};
}

/**
 * Lines over the whole time, those of each tab or node in a column.
 * @param {string} title @param {string} unit @param {{name: string, points: [number, number][]}[]} lines @returns {Table}
 */
const over = (title, unit, lines) => ({
  title,
  columns: [{name: 'time', unit: 'min'}, ...lines.map(({name}) => ({name, unit}))],
  rows: lines[0].points.map(([minutes], i) => ({name: minutes.toFixed(2), cells: [cell(minutes), ...lines.map(({points}) => cell(points[i]?.[1]))]})),
  plot: {x: 'time', y: lines.map(({name}) => name), alone: true},
});

const folder = mkdtempSync(join(tmpdir(), 'peerage-soak-'));
const system = await System.start({folder, tabs: TABS, residents: RESIDENTS, share: SHARE, webgpu: false, say: (line) => console.error(line)});
try {
  /** @type {Watched[]} */
  const watched = [
    ...system.tabs.map(({name}) => ({name, kind: /** @type {const} */ ('tab'), samples: []})),
    ...system.programs().map(({name}) => ({name, kind: /** @type {const} */ ('node'), samples: []})),
  ];
  const began = Date.now();
  for (let at = 0; at <= MINUTES * 60; at += EVERY_S) {
    await sleep(Math.max(0, began + at * 1000 - Date.now()));
    await sample(system, watched, (Date.now() - began) / 60_000);
    const speeds = watched.filter(({kind}) => kind === 'tab').map(({samples}) => (rates(samples.slice(-2), ({steps}) => (steps ?? 0) / 60)[0]?.[1] ?? 0).toFixed(2));
    console.error(`${(at / 60).toFixed(2)} min: ${speeds.join(' ')} steps/s`);
  }
  const each = watched.flatMap(figuresOf);
  const tabs = watched.filter(({kind}) => kind === 'tab');
  const memory = watched.map(({name, samples}) => ({name, points: samples.map((one) => /** @type {[number, number]} */ ([one.minutes, mib(one.memory)]))}));
  const how = `${TABS} tabs, a quarter of their time each, and ${system.nodes.length - 1} validators for ${MINUTES} minutes.`;
  publish([
    table('What a volunteer gives', volunteer(each), [how]),
    table('Whether memory and speed stay flat', steepest(each), ['Theil–Sen slopes after the first sixth of the time.']),
    table('What was lost', await lost(system, watched)),
    apart(watched, each),
    over('Memory over time', 'MiB', memory),
    over('Speed over time', 'steps/s', tabs.map(({name, samples}) => ({name, points: rates(samples, ({steps}) => (steps ?? 0) / 60)}))),
  ]);
} finally {
  await system.stop();
}
process.exit(0);
