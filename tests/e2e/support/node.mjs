// The program `peerage dev`, on ports of this machine that were free, in a folder of its own.

import {execFileSync, spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {createServer} from 'node:net';
import {homedir, tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {until} from './wait.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The native program: $PEERAGE_BIN, else where cargo puts it. */
export function program() {
  const named = process.env.PEERAGE_BIN;
  if (named) return named;
  const targets = [process.env.CARGO_TARGET_DIR, join(homedir(), '.cache/peerage/target')];
  const found = targets.filter((t) => t).map((t) => join(/** @type {string} */ (t), 'debug/peerage')).find((p) => existsSync(p));
  if (found) return found;
  const {target_directory} = JSON.parse(execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1'], {cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26}));
  const last = join(target_directory, 'debug/peerage');
  if (!existsSync(last)) throw new Error('The program is not built: run `cargo xtask build`, or name it in $PEERAGE_BIN.');
  return last;
}

/** A port of this machine that is free now. @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const {port} = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** Programs that still run; none outlives the tests. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => process.exit(130));

export class Node {
  /** @type {import('node:child_process').ChildProcess|null} */ child = null;
  /** What it said, newest last. @type {string[]} */ said = [];
  url = '';

  /** @param {{residents?: number}} [options] */
  static async start({residents = 2} = {}) {
    const node = new Node();
    node.residents = residents;
    node.port = await freePort();
    node.p2pPort = await freePort();
    node.data = await mkdtemp(join(tmpdir(), 'peerage-e2e-'));
    try {
      await node.run();
    } catch (error) {
      await node.remove();
      throw error;
    }
    return node;
  }

  residents = 2;
  port = 0;
  p2pPort = 0;
  data = '';

  /** Runs the program on the same data and ports, until it says that it can be opened. */
  async run() {
    const site = process.env.PEERAGE_SITE ?? join(ROOT, 'pkg/site');
    const child = spawn(
      program(),
      ['dev', '--port', `${this.port}`, '--p2p-port', `${this.p2pPort}`, '--data', this.data, '--residents', `${this.residents}`, '--site', site],
      {stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env, RUST_BACKTRACE: '1'}},
    );
    this.child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.url = '';
    const hear = (/** @type {string} */ text) => {
      for (const line of text.split('\n').filter((l) => l.trim())) {
        this.said.push(line);
        if (this.said.length > 200) this.said.shift();
        if (process.env.PEERAGE_E2E_NODE) console.error(`[node] ${line}`);
      }
    };
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      hear(text);
      const found = /Open (http:\/\/\S+)/.exec(text);
      if (found) this.url = found[1].replace(/\/?$/, '/');
    });
    child.stderr?.setEncoding('utf8').on('data', hear);
    child.once('error', (error) => hear(String(error)));
    await until('the node says where to open it', 60, () => {
      if (child.exitCode !== null) return 'over';
      return this.url;
    }, () => this.tail());
    if (child.exitCode !== null) throw new Error(`The node ended with ${child.exitCode}:\n${this.tail()}`);
  }

  /** `/bootstrap.json`. @returns {Promise<any>} */
  async bootstrap() {
    return (await fetch(new URL('bootstrap.json', this.url), {signal: AbortSignal.timeout(5000)})).json();
  }

  /** Its last lines. */
  tail() {
    return this.said.slice(-40).join('\n');
  }

  /** Ends it with a signal and gives its exit code, null where the signal ended it. @param {NodeJS.Signals} signal */
  async end(signal) {
    const {child} = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    child.kill(signal);
    try {
      await until(`the node ends after ${signal}`, 20, () => child.exitCode !== null || child.signalCode !== null, () => this.tail());
    } finally {
      child.kill('SIGKILL');
    }
    return child.exitCode;
  }

  /** Another chain in the same place: ends it, empties the data folder and runs it again. */
  async reset() {
    await this.end('SIGKILL');
    await rm(this.data, {recursive: true, force: true});
    await this.run();
  }

  /** Nothing of it is left. */
  async remove() {
    this.child?.kill('SIGKILL');
    await rm(this.data, {recursive: true, force: true, maxRetries: 5, retryDelay: 200});
  }
}
