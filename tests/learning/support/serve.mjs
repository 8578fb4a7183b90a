// The page of the race and both modules, on a free port of this machine.

import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {basename, dirname, extname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';
import {listen} from '../../e2e/support/files.mjs';

const SITE = process.env.PEERAGE_SITE ?? fileURLToPath(new URL('../../../pkg/site', import.meta.url));
const TYPES = {'.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm'};

/** The trainer's module: $PEERAGE_TRAINER, else the site's. */
function trainer() {
  const named = process.env.PEERAGE_TRAINER;
  if (named) return named;
  const found = existsSync(SITE) && readdirSync(SITE).find((name) => /^peerage-trainer.*(?<!_loader)\.js$/.test(name));
  if (!found) throw new Error('The tab is not built: run `cargo xtask build`, or name the folder of the site in $PEERAGE_SITE.');
  return join(SITE, found);
}

/** Bundles the page and serves it. */
export async function serve() {
  const module = trainer();
  const {outputFiles} = await build({
    entryPoints: [fileURLToPath(new URL('../pages/race.mjs', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'chrome120',
    logLevel: 'error',
    // Node's modules that TensorFlow.js asks for where it runs in Node.
    external: ['fs', 'path', 'worker_threads', 'perf_hooks', 'os', 'crypto', 'util', 'string_decoder'],
  });
  const page = '<!doctype html><meta charset="utf-8"><title>Race</title><script type="module" src="/race.js"></script>';
  const wasm = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  const server = createServer((request, response) => {
    const name = basename(new URL(request.url ?? '/', 'http://x').pathname) || 'index.html';
    const send = (/** @type {string|Uint8Array} */ body) => response.writeHead(200, {'content-type': TYPES[/** @type {'.js'} */ (extname(name))] ?? 'text/plain'}).end(body);
    if (name === 'index.html') return send(page);
    if (name === 'race.js') return send(outputFiles[0].contents);
    const file = [join(dirname(module), name), join(wasm, 'dist', name)].find((path) => existsSync(path));
    return file ? send(readFileSync(file)) : response.writeHead(404).end();
  });
  const {port, close} = await listen(server);
  return {url: `http://127.0.0.1:${port}/`, module: `/${basename(module)}`, close};
}
