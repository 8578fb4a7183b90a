// Runs the test files of a folder one after the other, each in a process of its own.

import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {run} from 'node:test';
import {spec} from 'node:test/reporters';
import {fileURLToPath} from 'node:url';

/**
 * Runs those whose name contains one of the words of the command line, or all; the exit code says whether they passed.
 * @param {string} url of the program that calls @param {string[]} order names that come first, in this order @param {number} minutes a file may take
 */
export function suite(url, order, minutes) {
  const here = fileURLToPath(new URL('./', url));
  const wanted = process.argv.slice(2);
  const place = (/** @type {string} */ file) => {
    const at = order.indexOf(file.replace('.test.mjs', ''));
    return at < 0 ? order.length : at;
  };
  const files = readdirSync(here)
    .filter((f) => f.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((w) => f.includes(w))))
    .sort((a, b) => place(a) - place(b) || a.localeCompare(b));
  if (files.length === 0) {
    console.error(`No test is named like ${wanted.join(', ')}.`);
    process.exitCode = 1;
    return;
  }
  const patience = Number(process.env.PEERAGE_E2E_PATIENCE ?? 1);
  run({files: files.map((f) => join(here, f)), concurrency: false, timeout: minutes * 60_000 * patience})
    .on('test:fail', () => {
      process.exitCode = 1;
    })
    .compose(spec)
    .pipe(process.stdout);
}
