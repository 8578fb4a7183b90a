// What a run came to: faults, invariants, recovery, memory, loss and bytes, as one object and as a table.

import {cpus} from 'node:os';
import {partiesOf} from './faults/hostile.mjs';
import {median, mib, slope} from './support/statistics.mjs';

/** @typedef {import('./support/system.mjs').System} System */
/** @typedef {Awaited<ReturnType<typeof import('./rounds.mjs').torture>>} Result */

/** @param {System} system @param {Pick<Result, 'seed'|'rounds'|'skipped'|'checks'|'memory'|'began'>} result */
export function report(system, {seed, rounds, skipped, checks, memory, began}) {
  /** @type {Map<string, {name: string, kind: string, rounds: number, times: number[]}>} */
  const faults = new Map();
  for (const {faults: of, recovery} of rounds) {
    for (const {name, kind} of of) {
      const one = faults.get(name) ?? {name, kind, rounds: 0, times: []};
      one.rounds += 1;
      one.times.push(recovery);
      faults.set(name, one);
    }
  }
  const times = rounds.map(({recovery}) => recovery);
  const round = (/** @type {number} */ x) => Math.round(x * 10) / 10;
  return {
    version: 1,
    subject: 'torture',
    seed,
    machine: {cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length},
    system: {validators: system.nodes.length - 1, followers: 1, residents: system.residents.length, tabs: system.tabs.length, webgpu: system.tabs.filter((tab) => tab.webgpu).length},
    minutes: round((Date.now() - began) / 60_000),
    rounds: rounds.length,
    recovery: {median: round(median(times)), worst: round(Math.max(0, ...times))},
    faults: [...faults.values()].sort((a, b) => a.kind.localeCompare(b.kind) || a.name.localeCompare(b.name)).map(({times, ...one}) => ({...one, median: round(median(times)), worst: round(Math.max(...times))})),
    hostile: partiesOf(system),
    skipped: Object.fromEntries(skipped),
    invariants: checks,
    memory: [...memory.memory].map(([name, points]) => {
      const hourly = slope(points.slice(points.length >> 2));
      return {name, from: round(mib(points[0]?.[1] ?? 0)), to: round(mib(points.at(-1)?.[1] ?? 0)), hourly: round(mib(hourly.slope) * 60), low: round(mib(hourly.low) * 60), high: round(mib(hourly.high) * 60)};
    }),
    tabs: system.tabs.map((tab) => ({name: tab.name, loss: memory.losses.get(tab.name) ?? null, best: tab.losses.length > 0 ? Math.min(...tab.losses.map(([, loss]) => loss)) : null, steps: tab.earlier + tab.lastCount, received: tab.bytes().in, sent: tab.bytes().out})),
    links: [...system.links].reduce((sum, [, {bytes}]) => ({in: sum.in + bytes.in, out: sum.out + bytes.out}), {in: 0, out: 0}),
  };
}

const cell = (/** @type {unknown} */ value) => (value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value)) ? '–' : typeof value === 'number' ? value.toLocaleString('en', {maximumFractionDigits: value < 100 ? 2 : 0}) : String(value));

/** Lines of a table: the first column to the left, the rest to the right. @param {string[]} head @param {unknown[][]} rows */
export function columns(head, rows) {
  const cells = [head, ...rows.map((row) => row.map(cell))];
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells.map((row) => row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ').trimEnd());
}

/** @param {ReturnType<typeof report>} r */
export function print(r) {
  const {system} = r;
  return [
    `Torture with seed ${r.seed}: ${r.rounds} rounds in ${r.minutes} minutes, on ${r.machine.cpu}, ${r.machine.cores} cores`,
    `${system.validators} validators, ${system.followers} follower, ${system.residents} residents, ${system.tabs} tabs (${system.webgpu} on WebGPU)`,
    `Recovered after ${cell(r.recovery.median)} s (median), ${cell(r.recovery.worst)} s at worst`,
    '',
    ...columns(['fault', 'kind', 'rounds', 'recovery, s', 'worst, s'], r.faults.map((one) => [one.name, one.kind, one.rounds, one.median, one.worst])),
    ...r.hostile.map(({name, rows, refused}) => `hostile: ${name}: ${rows} rows taken by the ledger${refused ? `; last refused: ${refused}` : ''}`),
    ...Object.entries(r.skipped).map(([name, why]) => `${name}: left out, ${why}`),
    '',
    ...columns(['invariant', 'held after'], Object.entries(r.invariants).map(([name, times]) => [name, `${times} rounds`])),
    '',
    ...columns(['memory, MiB', 'first', 'last', 'an hour', '95 % from', 'to'], r.memory.map((one) => [one.name, one.from, one.to, one.hourly, one.low, one.high])),
    '',
    ...columns(['tab', 'steps', 'loss', 'best', 'received', 'sent'], r.tabs.map((one) => [one.name, one.steps, one.loss, one.best, one.received, one.sent])),
    `over all links: ${cell(r.links.in)} bytes to users, ${cell(r.links.out)} from them`,
  ].join('\n');
}
