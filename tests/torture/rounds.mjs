// Rounds of torture: faults are drawn, injected, borne for some seconds and healed; everything recovers; the invariants hold.

import {sleep, until} from '../e2e/support/wait.mjs';
import {summary} from '../e2e/support/tab.mjs';
import {drawRound, FAULTS, words} from './faults/index.mjs';
import {INVARIANTS} from './invariants.mjs';
import {ask, get} from './support/ledger.mjs';

/** @typedef {import('./support/system.mjs').System} System */
/**
 * @typedef {object} Round
 * @property {number} round
 * @property {{name: string, kind: string, words: string}[]} faults
 * @property {number} seconds      for which they lasted
 * @property {number} recovery     seconds from the healing on until all was well
 * @property {string} slowest      who were last
 */

/** Steps that a tab has to train after a round, on the processor and on a graphics chip in software. */
const STEPS = {cpu: 3, gpu: 1};
/** Blocks that every node has to add. */
const BLOCKS = 2;
/** How far behind the nodes a tab's light client may be. */
const BEHIND = 6;
/** Seconds that recovery may take. */
const PATIENCE = 180;

/** Broken invariants, or what did not recover: sentences. */
export class Broken extends Error {
  /** @param {string[]} sentences @param {number} round */
  constructor(sentences, round) {
    super(sentences.join('\n'));
    this.sentences = sentences;
    this.round = round;
  }
}

/**
 * Runs rounds until `until` says that it is enough.
 * @param {System} system
 * @param {{seed: string, enough: (round: number) => boolean, say: (line: string) => void, among?: string[]}} options `among`: names of faults
 */
export async function torture(system, {seed, enough, say, among}) {
  const faults = among ? FAULTS.filter(({name}) => among.includes(name)) : FAULTS;
  const began = Date.now();
  /** @type {import('./invariants.mjs').Memory} */
  const memory = {memory: new Map(), heads: new Map(), losses: new Map()};
  /** @type {Round[]} */
  const rounds = [];
  /** @type {Map<string, string>} */
  const skipped = new Map();
  const checks = Object.fromEntries(Object.keys(INVARIANTS).map((name) => [name, 0]));
  const result = {seed, rounds, skipped, checks, memory, began};
  for (let number = 0; !enough(number); number += 1) {
    const drawn = drawRound(seed, number, system, faults);
    const possible = drawn.faults.filter(({fault}) => {
      const why = fault.needs?.(system) ?? null;
      if (why && !skipped.has(fault.name)) {
        say(`left out: ${fault.name}: ${why}`);
        skipped.set(fault.name, why);
      }
      return !why;
    });
    if (possible.length === 0) continue;
    say(`round ${number}: ${possible.map(words).join('; ')}, for ${drawn.seconds} s`);
    const {recovery, slowest} = await round(system, possible, drawn.seconds, number);
    const well = Date.now();
    await check(system, memory, number, began, checks);
    const checked = ((Date.now() - well) / 1000).toFixed(1);
    rounds.push({round: number, faults: possible.map((one) => ({name: one.fault.name, kind: one.fault.kind, words: words(one)})), seconds: drawn.seconds, recovery, slowest});
    const losses = [...memory.losses].map(([name, loss]) => `${name} ${loss.toFixed(2)}`).join(', ');
    say(`  well after ${slowest}; looked at in ${checked} s; loss: ${losses || 'not yet known'}`);
  }
  return result;
}

/** Injects, waits, heals, and waits until all is well. @param {System} system @param {ReturnType<typeof drawRound>['faults']} drawn @param {number} seconds @param {number} number */
async function round(system, drawn, seconds, number) {
  const injected = await Promise.allSettled(drawn.map(({fault, draw}) => fault.inject(system, draw)));
  await sleep(seconds * 1000);
  const healed = Date.now();
  const heals = await Promise.allSettled(injected.map((one) => (one.status === 'fulfilled' ? one.value() : Promise.reject(one.reason))));
  const failed = heals.flatMap((one, i) => (one.status === 'rejected' ? [`${words(drawn[i])} could not be done or undone: ${one.reason?.stack ?? one.reason}`] : []));
  if (failed.length > 0) throw new Broken(failed, number);
  const all = await Promise.allSettled([...system.nodes.map((node) => nodeIsWell(node, healed)), ...system.tabs.map((tab) => tabIsWell(system, tab, healed))]);
  const broken = all.flatMap((one) => (one.status === 'rejected' ? [`did not recover: ${one.reason?.message ?? one.reason}`] : []));
  if (broken.length > 0) throw new Broken(broken, number);
  const times = all.map((one) => /** @type {PromiseFulfilledResult<{name: string, seconds: number}>} */ (one).value);
  times.sort((a, b) => b.seconds - a.seconds);
  return {recovery: times[0].seconds, slowest: times.slice(0, 3).map(({name, seconds}) => `${name} ${seconds.toFixed(1)} s`).join(', ')};
}

/** Blocks become final again. @param {import('./support/system.mjs').ChainNode} node @param {number} since */
async function nodeIsWell(node, since) {
  let first = -1;
  await until(`${node.name} makes or follows blocks`, PATIENCE, async () => {
    if ((await ask(node.api, '/ready')).status !== 200) return false;
    const {height} = (await get(node.api, '/api/head')).header;
    if (first < 0) first = height;
    return height >= first + BLOCKS;
  }, async () => `alive: ${node.alive()}; /ready: ${(await ask(node.api, '/ready')).text}; see ${node.log}`);
  return {name: node.name, seconds: (Date.now() - since) / 1000};
}

/** It trains, is connected, has its place and sees the chain go on. @param {System} system @param {import('./support/tab.mjs').Tab} tab @param {number} since */
async function tabIsWell(system, tab, since) {
  let first = -1;
  let missing = '';
  await until(`${tab.name} is well`, PATIENCE, async () => {
    const s = await tab.snapshot();
    const steps = await tab.steps();
    if (first < 0) first = steps;
    const wanted = s.device?.kind === 'WebGPU' ? STEPS.gpu : STEPS.cpu;
    const {height} = (await get(await system.someone(), '/api/head')).header;
    missing = [
      s.phase === 'running' ? '' : `it is ${s.phase}`,
      s.node?.up ? '' : 'its node is away',
      s.own?.uid === tab.place?.uid ? '' : `its uid is ${s.own?.uid}`,
      s.head && height - s.head.height <= BEHIND ? '' : `its head is ${s.head?.height}, the chain's ${height}`,
      steps >= first + wanted ? '' : `it trained ${steps - first} steps`,
    ].filter((one) => one).join(', ');
    return !missing;
  }, async () => `${missing}\n${summary(await tab.snapshot())}`);
  return {name: tab.name, seconds: (Date.now() - since) / 1000};
}

/** @param {System} system @param {import('./invariants.mjs').Memory} memory @param {number} number @param {number} began @param {Record<string, number>} checks */
async function check(system, memory, number, began, checks) {
  const minutes = (Date.now() - began) / 60_000;
  const note = (/** @type {string} */ name, /** @type {number} */ bytes) => memory.memory.set(name, [...(memory.memory.get(name) ?? []), [minutes, bytes]]);
  for (const one of system.programs()) note(one.name, one.memory());
  for (const tab of system.tabs) {
    note(`${tab.name} renderer`, tab.usage().renderer);
    note(`${tab.name} heap`, (await tab.heaps()).heap);
  }
  /** @type {string[]} */
  const broken = [];
  for (const [name, invariant] of Object.entries(INVARIANTS)) {
    checks[name] += 1;
    const sentences = await invariant(system, memory).catch((error) => [`it could not be looked at: ${error.stack ?? error}`]);
    broken.push(...sentences.map((sentence) => `${name}: ${sentence}`));
  }
  if (broken.length > 0) throw new Broken(broken, number);
}
