// Rounds of a deterministic simulation beside those of the real system: a program that is given a seed and says with its exit code
// whether all held. What it is, PEERAGE_TORTURE_SIMULATION says: a command line in which {seed} stands for the seed.

import {execFile} from 'node:child_process';
import {promisify} from 'node:util';

/** @typedef {import('./index.mjs').Fault} Fault */

const run = promisify(execFile);

/** @type {Fault[]} */
export const simulation = [
  {
    name: 'simulated network',
    kind: 'simulation',
    needs: () => (process.env.PEERAGE_TORTURE_SIMULATION ? null : 'PEERAGE_TORTURE_SIMULATION names no simulation, so none is run'),
    draw: (random) => ({target: 'simulation', seed: random.whole(0, 2 ** 31)}),
    touches: ({target}) => [target],
    async inject(_, {seed}) {
      const words = (process.env.PEERAGE_TORTURE_SIMULATION ?? '').replaceAll('{seed}', `${seed}`).split(' ');
      const over = run(words[0], words.slice(1), {env: {...process.env, PEERAGE_SIMULATION_SEED: `${seed}`}, timeout: 300_000, maxBuffer: 1 << 26});
      over.catch(() => {});
      return async () => {
        await over.catch((error) => {
          throw new Error(`the simulation of seed ${seed} failed: ${String(error.stdout ?? '').slice(-2000)}${String(error.stderr ?? error).slice(-2000)}`);
        });
      };
    },
  },
];
