// Runs the end-to-end tests one file after the other, each in a process of its own:
//   node tests/e2e/run.mjs [part of a file name …]
// What they need: the program and the site built (`cargo xtask build`), and Chromium.
//   PEERAGE_BIN, PEERAGE_SITE, CHROME     where those are, if not in the usual places
//   PEERAGE_E2E_PATIENCE=3                three times as patient, for a slow machine
//   PEERAGE_E2E_CONSOLE=1, PEERAGE_E2E_NODE=1   what browsers and node say, as they say it

import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {run} from 'node:test';
import {spec} from 'node:test/reporters';
import {fileURLToPath} from 'node:url';

const here = fileURLToPath(new URL('./', import.meta.url));
const wanted = process.argv.slice(2);
/** Quick ones first: what is wrong with the page alone is known before a node starts. */
const ORDER = ['state', 'page', 'skeleton', 'faults'];
const files = readdirSync(here)
  .filter((f) => f.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((w) => f.includes(w))))
  .sort((a, b) => place(a) - place(b) || a.localeCompare(b));

/** @param {string} file */
function place(file) {
  const at = ORDER.indexOf(file.replace('.test.mjs', ''));
  return at < 0 ? ORDER.length : at;
}

if (files.length === 0) {
  console.error(`No end-to-end test is named like ${wanted.join(', ')}.`);
  process.exitCode = 1;
} else {
  const patience = Number(process.env.PEERAGE_E2E_PATIENCE ?? 1);
  run({files: files.map((f) => join(here, f)), concurrency: false, timeout: 40 * 60_000 * patience})
    .on('test:fail', () => {
      process.exitCode = 1;
    })
    .compose(spec)
    .pipe(process.stdout);
}
