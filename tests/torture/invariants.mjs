// What has to hold after every round, each with the sentence that says what is broken.

import {isIn} from '../../www/auditing.js';
import {get, table} from './support/ledger.mjs';
import {mib, slope} from './support/statistics.mjs';
import {until} from '../e2e/support/wait.mjs';

/** @typedef {import('./support/system.mjs').System} System */
/** @typedef {{memory: Map<string, [number, number][]>, heads: Map<number, string>, losses: Map<string, number>}} Memory  memory: minutes and bytes by process; heads: digests that all nodes had before */

/** A tab's smoothed loss: at most this times its best at any step up to this one, and as many nats on top, since one batch is luckier than another. */
export const LOSS = {times: 1.25, plus: 0.35};
/** Memory that a process may gain an hour, in MiB, where its whole growth is not within `SLACK`; judged from so many rounds on. */
export const GROWTH = {node: 120, tab: 400, rounds: 12};
export const SLACK = {node: 96, tab: 256};
/** Blocks up to the newest common one that are compared. */
const SEEN = 16;
/** What a log or a console must not say. */
const PANIC = /panicked at|thread '[^']*' panicked|RuntimeError: unreachable|stack backtrace/;

/** Sentences of what is broken. @typedef {(system: System, memory: Memory) => Promise<string[]>} Invariant */

/** All nodes have one history, and the tabs' light clients verified no other. @type {Invariant} */
async function noFork(system, memory) {
  const broken = [];
  const heads = await Promise.all(system.nodes.map(async (node) => ({node, height: (await get(node.api, '/api/head')).header.height})));
  const common = Math.min(...heads.map(({height}) => height));
  const from = Math.max(1, common - SEEN);
  const histories = await Promise.all(heads.map(async ({node}) => new Map(await headers(node.api, from, common))));
  const [first, ...others] = histories;
  for (const [i, history] of others.entries()) {
    for (const [height, digest] of history) if (first.has(height) && first.get(height) !== digest) broken.push(`fork: at height ${height} ${system.nodes[0].name} has block ${first.get(height)} and ${system.nodes[i + 1].name} has ${digest}`);
  }
  for (const [height, digest] of memory.heads) {
    for (const node of system.nodes) {
      const [now] = await headers(node.api, height, height);
      if (now && now[1] !== digest) broken.push(`history changed: block ${height} of ${node.name} was ${digest} and is ${now[1]}`);
    }
  }
  memory.heads.clear();
  memory.heads.set(common, /** @type {string} */ (first.get(common)));
  for (const tab of system.tabs) {
    const s = await tab.snapshot();
    for (const [height, digest] of s.heads) if (first.has(height) && first.get(height) !== digest) broken.push(`fork: ${tab.name} verified block ${digest} at height ${height}, the nodes have ${first.get(height)}`);
    if (s.audit.wrong) broken.push(`${tab.name} found epoch ${s.audit.wrong.epoch} wrong: ${JSON.stringify(s.audit.wrong.outcome)}`);
    for (const {source, reason} of s.dropped) broken.push(`${tab.name} calls an honest source a liar: ${source}, ${reason}`);
    const alarm = s.messages.find(({id}) => id === 'alarm');
    if (alarm) broken.push(`${tab.name} raises an alarm: ${alarm.text}`);
  }
  return broken;
}

/** Heights and digests. @param {number} api @param {number} from @param {number} to @returns {Promise<[number, string][]>} */
async function headers(api, from, to) {
  /** @type {[number, string][]} */
  const all = [];
  while (from + all.length <= to) {
    const part = await get(api, `/api/headers?from=${from + all.length}&limit=${to - from - all.length + 1}`).catch(() => null);
    if (!part || part.headers.length === 0) break;
    for (const {height, digest} of part.headers) all.push([height, digest]);
  }
  return all;
}

/** Balances, stake, unbonding stake and pool are what genesis began with and what was minted since, on every node. @type {Invariant} */
async function noUnitLost(system) {
  const broken = [];
  for (const node of system.nodes) {
    const [accounts, neurons, epoch] = await until(`${node.name} gives three tables of one height`, 30, async () => {
      const all = await Promise.all(['accounts', 'neurons', 'epoch'].map((name) => table(node.api, name)));
      return new Set(all.map(({height}) => height)).size === 1 ? all : null;
    });
    const sum = (/** @type {any[]} */ amounts) => amounts.reduce((total, amount) => total + BigInt(amount), 0n);
    const held = sum(accounts.leaves.flatMap((account) => [account.balance, ...account.unbonding.map((/** @type {any} */ one) => one.amount)])) + sum(neurons.leaves.map((peer) => peer.stake));
    const {pool, minted} = epoch.leaves[0];
    const [is, must] = [held + BigInt(pool), system.begun + BigInt(minted)];
    if (is !== must) broken.push(`units lost: at height ${epoch.height} ${node.name} holds ${is} base units, but genesis and emission make ${must}`);
    const struck = (await table(node.api, 'candidates')).leaves.filter((one) => one.struck);
    if (struck.length > 0) broken.push(`${node.name} says that validators were convicted of conflicting votes: ${struck.map(({key}) => key).join(', ')}`);
  }
  return broken;
}

/** No tab falls behind the model that it had kept, and none is worse than it was at an equal or earlier step. @type {Invariant} */
async function lossWithinBounds(system, memory) {
  const broken = [];
  for (const tab of system.tabs) {
    const s = await tab.snapshot();
    const bad = s.steps.last.find((step) => !Number.isFinite(step.alone) || !Number.isFinite(step.student));
    if (bad) broken.push(`${tab.name} has a loss that is no number: ${JSON.stringify(bad)}`);
    const step = s.steps.last.at(-1)?.step ?? 0;
    if (step < tab.kept) broken.push(`${tab.name} is at step ${step}, and had kept its model of step ${tab.kept}`);
    if (s.model.kept?.place === 'opfs') tab.kept = Math.max(tab.kept, s.model.kept.step);
    const loss = tab.loss(s);
    if (loss === null) continue;
    const best = Math.min(...tab.losses.filter(([at]) => at <= step).map(([, before]) => before));
    if (loss > best * LOSS.times + LOSS.plus) broken.push(`${tab.name} lost what it had learned: at step ${step} its loss is ${loss.toFixed(3)}, and was ${best.toFixed(3)} before that`);
    tab.losses.push([step, loss]);
    memory.losses.set(tab.name, loss);
  }
  return broken;
}

/** Every tab is who it was, where it was. That it trains and is connected was waited for. @type {Invariant} */
async function recovered(system) {
  const broken = [];
  for (const tab of system.tabs) {
    const s = await tab.snapshot();
    const place = {key: s.identity?.key, uid: s.own?.uid};
    if (s.phase !== 'running') broken.push(`${tab.name} is ${s.phase}`);
    if (place.key !== tab.place?.key || place.uid !== tab.place?.uid) broken.push(`${tab.name} was ${JSON.stringify(tab.place)} and is ${JSON.stringify(place)}`);
    const lost = s.transactions.filter((t) => !isIn(t.state) && t.state.type === 'refused' && /bad nonce|NotYours|unsigned/i.test(t.state.reason ?? ''));
    if (lost.length > 0) broken.push(`${tab.name} signed what no honest peer signs: ${JSON.stringify(lost[0])}`);
  }
  for (const one of system.programs()) if (one.wanted && !one.alive()) broken.push(`${one.name} has ended by itself (${one.child?.exitCode ?? one.child?.signalCode}): see ${one.log}`);
  return broken;
}

/** No process grows for ever. @type {Invariant} */
async function memoryFlat(_, memory) {
  const broken = [];
  for (const [name, points] of memory.memory) {
    const kind = name.startsWith('tab') ? 'tab' : 'node';
    if (points.length < GROWTH.rounds) continue;
    const half = points.slice(points.length >> 1);
    const hourly = slope(half);
    const grown = mib(half[half.length - 1][1] - half[0][1]);
    if (mib(hourly.low) * 60 > GROWTH[kind] && grown > SLACK[kind]) broken.push(`${name} grows by ${Math.round(mib(hourly.slope) * 60)} MiB an hour, surely by ${Math.round(mib(hourly.low) * 60)}`);
  }
  return broken;
}

/** Nothing panicked, no page threw. @type {Invariant} */
async function noPanic(system) {
  const broken = [];
  for (const one of system.programs()) {
    const line = one.news().split('\n').find((text) => PANIC.test(text));
    if (line) broken.push(`${one.name} panicked: ${line}`);
  }
  for (const tab of system.tabs) for (const error of tab.errors.splice(0)) broken.push(`on a console: ${error}`);
  return broken;
}

/** By name. @type {Record<string, Invariant>} */
export const INVARIANTS = {
  'no fork': noFork,
  'no unit lost': noUnitLost,
  'loss within bounds': lossWithinBounds,
  'every tab recovered': recovered,
  'memory flat': memoryFlat,
  'no panic': noPanic,
};
