// Processes that end, stop and start again: validators, the follower, residents.

import {until, sleep} from '../../e2e/support/wait.mjs';

/** @typedef {import('./index.mjs').Fault} Fault */
/** @typedef {import('../support/system.mjs').System} System */

/** @param {System} system @param {string} name */
export const named = (system, name) => {
  const found = system.programs().find((one) => one.name === name);
  if (!found) throw new Error(`nothing is called ${name}`);
  return found;
};
/** @param {System} system */
const names = (system) => system.programs().map((one) => one.name);

/**
 * Starts it and waits until it neither ended at once nor, where it is a node, keeps silent.
 * @param {System} system @param {string} name
 */
export async function again(system, name) {
  const one = named(system, name);
  one.start();
  await sleep(1000);
  // A peer needs its node to begin: where that is away too, it is started until it stays.
  await until(`${name} runs`, 90, async () => {
    if (one.alive()) return true;
    one.start();
    await sleep(1500);
    return one.alive();
  }, () => `see ${one.log}`);
}

/** @type {Fault[]} */
export const processes = [
  {
    name: 'killed',
    kind: 'process',
    draw: (random, system) => ({target: random.pick(names(system))}),
    touches: ({target}) => [target],
    async inject(system, {target}) {
      await named(system, target).kill('SIGKILL');
      return () => again(system, target);
    },
  },
  {
    name: 'ended in order',
    kind: 'process',
    draw: (random, system) => ({target: random.pick(names(system))}),
    touches: ({target}) => [target],
    async inject(system, {target}) {
      await named(system, target).kill('SIGTERM');
      return () => again(system, target);
    },
  },
  {
    // Its time stands still and then jumps, as of a machine that slept.
    name: 'stopped',
    kind: 'process',
    draw: (random, system) => ({target: random.pick(names(system))}),
    touches: ({target}) => [target],
    async inject(system, {target}) {
      const one = named(system, target);
      one.hold(true);
      return async () => one.hold(false);
    },
  },
  {
    // Killed at once again when it has just come back, before it has caught up.
    name: 'killed twice',
    kind: 'process',
    draw: (random, system) => ({target: random.pick(system.nodes.map((node) => node.name)), after: random.whole(100, 2000)}),
    touches: ({target}) => [target],
    async inject(system, {target, after}) {
      const one = named(system, target);
      await one.kill('SIGKILL');
      one.start();
      await sleep(after);
      await one.kill('SIGKILL');
      return () => again(system, target);
    },
  },
  {
    name: 'relay gone',
    kind: 'relay',
    draw: () => ({target: 'validator 0'}), // at which two tabs and a resident meet
    touches: ({target}) => [target],
    async inject(system, {target}) {
      await named(system, target).kill('SIGKILL');
      return () => again(system, target);
    },
  },
];
