// The short seed: a few rounds of a fixed seed on four validators, a follower and two tabs.

import assert from 'node:assert/strict';
import {mkdtemp} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, test} from 'node:test';
import {INVARIANTS} from './invariants.mjs';
import {torture} from './rounds.mjs';
import {System} from './support/system.mjs';

const SEED = 'short';
const ROUNDS = 3;
/** Quick ones, of each kind that needs neither root nor a graphics chip. */
const FAULTS = ['killed', 'tab crashed', 'link cut', 'tab clock set', 'hostile: self_voter', 'malformed: API', 'malformed: network'];

/** @type {System|null} */
let system = null;
after(() => system?.stop());

test('two tabs and five nodes get over every fault of the short seed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-torture-'));
  system = await System.start({folder, tabs: 2, residents: 0, webgpu: false, say: (line) => t.diagnostic(line)});
  const {rounds, checks} = await torture(system, {seed: SEED, among: FAULTS, enough: (round) => round >= ROUNDS, say: (line) => t.diagnostic(line)});
  assert.equal(rounds.length, ROUNDS);
  assert.ok(new Set(rounds.flatMap(({faults}) => faults.map(({kind}) => kind))).size >= 3);
  for (const name of Object.keys(INVARIANTS)) assert.equal(checks[name], ROUNDS, name);
});
