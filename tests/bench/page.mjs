// Makes one page of a report of `cargo xtask bench`, which can be kept and sent: nothing in it is fetched.
//   node tests/bench/page.mjs REPORT.json PAGE.html

import {readFile, writeFile} from 'node:fs/promises';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';

const [from, to] = process.argv.slice(2);
if (!to) throw new Error('Name a report and where its page goes: node tests/bench/page.mjs REPORT.json PAGE.html');
const here = (/** @type {string} */ name) => fileURLToPath(new URL(`page/${name}`, import.meta.url));

const {outputFiles} = await build({entryPoints: [here('report.js')], bundle: true, minify: true, format: 'iife', target: 'es2022', charset: 'utf8', write: false, legalComments: 'none'});
/** What may stand in a script of a document: nothing in it ends the script. @param {string} text */
const inert = (text) => text.replaceAll('<', '\\u003c');
const parts = {
  style: await readFile(here('report.css'), 'utf8'),
  report: inert(JSON.stringify(JSON.parse(await readFile(from, 'utf8')))),
  script: outputFiles[0].text.replaceAll('</script', '<\\/script'),
};
const document = await readFile(here('report.html'), 'utf8');
await writeFile(to, document.replace(/\{\{(style|report|script)\}\}/g, (_, name) => parts[/** @type {keyof typeof parts} */ (name)]));
