// Random faults on the whole system for as long as asked (see README.md):
//   node tests/torture/torture.mjs [--minutes N] [--rounds N] [--seed S] [--tabs N] [--residents N] [--only FAULT]… [--json] [--report FILE]
// The same seed and the same numbers of tabs and residents draw the same faults. Exit 1: something is broken; logs and data stay in
// the folder that is named.

import {mkdtempSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {FAULTS} from './faults/index.mjs';
import {print, report} from './report.mjs';
import {Broken, torture} from './rounds.mjs';
import {System} from './support/system.mjs';

const {values} = parseArgs({
  options: {
    minutes: {type: 'string', default: '5'},
    rounds: {type: 'string'},
    seed: {type: 'string'},
    tabs: {type: 'string', default: '4'},
    residents: {type: 'string', default: '1'},
    only: {type: 'string', multiple: true},
    json: {type: 'boolean', default: false},
    report: {type: 'string'},
  },
});
const seed = values.seed ?? `${Math.floor(Math.random() * 1e9)}`;
const [tabs, residents] = [Number(values.tabs), Number(values.residents)];
const unknown = values.only?.find((name) => !FAULTS.some((fault) => fault.name === name));
if (unknown !== undefined) {
  console.error(`There is no fault “${unknown}”; there are: ${FAULTS.map(({name}) => name).join(', ')}.`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'peerage-torture-'));
const began = Date.now();
const say = (/** @type {string} */ line) => console.error(`${((Date.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);
const again = ['cargo xtask torture', `--minutes ${values.minutes}`, `--seed ${seed}`, `--tabs ${tabs}`, `--residents ${residents}`, ...(values.only ?? []).map((name) => `--only '${name}'`)].join(' ');
say(`seed ${seed}; everything lies in ${folder}`);

const system = new System({folder, tabs, residents, say});
let interrupted = false;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.removeAllListeners(signal);
  process.on(signal, async () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    say('ending');
    await system.stop();
    process.exit(130);
  });
}

try {
  await system.begin();
  const end = Date.now() + Number(values.minutes) * 60_000;
  const most = values.rounds === undefined ? Infinity : Number(values.rounds);
  const result = await torture(system, {seed, among: values.only, say, enough: (round) => round >= most || Date.now() >= end});
  const all = report(system, result);
  writeFileSync(values.report ?? join(tmpdir(), `peerage-torture-${seed}.json`), JSON.stringify(all, null, 2));
  console.log(values.json ? JSON.stringify(all, null, 2) : print(all));
  await system.stop();
  process.exit(0);
} catch (error) {
  if (interrupted) await new Promise(() => {});
  const sentences = error instanceof Broken ? error.sentences : [error instanceof Error ? error.stack ?? error.message : String(error)];
  for (const sentence of sentences) console.error(`BROKEN: ${sentence}`);
  if (error instanceof Broken) console.error(`in round ${error.round} of seed ${seed}; to run it again: ${again}`);
  console.error(`Logs and data are in ${folder}.`);
  await system.stop({keep: true});
  process.exit(1);
}
