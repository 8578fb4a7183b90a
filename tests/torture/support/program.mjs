// One process of the system: started, killed, stopped and watched; its log in a file, its memory and time from /proc.

import {spawn} from 'node:child_process';
import {closeSync, openSync, readFileSync, readdirSync, readSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {until} from '../../e2e/support/wait.mjs';

/** All that run; none outlives this program. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Clock ticks a second, as /proc counts time. */
const TICKS = 100;
const PAGE = 4096;

export class Program {
  /** @type {import('node:child_process').ChildProcess|null} */ child = null;
  /** Whether it should run now. */ wanted = false;
  stopped = false;
  /** What was read of its log. */ read = 0;

  /** @param {{name: string, logs: string, command: string, words: () => string[], env?: Record<string, string>}} options */
  constructor({name, logs, command, words, env = {}}) {
    this.name = name;
    this.log = join(logs, `${name.replaceAll(' ', '-')}.log`);
    this.command = command;
    this.words = words;
    this.env = env;
  }

  start() {
    if (this.alive()) return;
    const log = openSync(this.log, 'a');
    const child = spawn(this.command, this.words(), {stdio: ['ignore', log, log], env: {...process.env, RUST_BACKTRACE: '1', ...this.env}});
    closeSync(log);
    running.add(child);
    child.once('exit', () => running.delete(child)).once('error', () => running.delete(child));
    this.child = child;
    this.wanted = true;
    this.stopped = false;
  }

  alive() {
    return this.child !== null && this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Ends it with a signal and waits until it has. @param {NodeJS.Signals} [signal] */
  async kill(signal = 'SIGKILL') {
    this.wanted = false;
    const {child} = this;
    if (!child || !this.alive()) return;
    child.kill(signal);
    if (this.stopped) child.kill('SIGCONT');
    await until(`${this.name} ends after ${signal}`, 30, () => !this.alive()).catch((error) => {
      child.kill('SIGKILL');
      throw error;
    });
  }

  /** Holds it, as a machine that sleeps, or lets it go on. @param {boolean} held */
  hold(held) {
    if (this.alive()) this.child?.kill(held ? 'SIGSTOP' : 'SIGCONT');
    this.stopped = held;
  }

  /** Memory that it holds, in bytes; 0 where it does not run. */
  memory() {
    return this.alive() ? resident(this.child?.pid ?? 0) : 0;
  }

  /** CPU seconds so far. */
  time() {
    return this.alive() ? seconds(this.child?.pid ?? 0) : 0;
  }

  /** The end of its log. */
  tail() {
    return readFileSync(this.log, 'utf8').split('\n').slice(-12).join('\n');
  }

  /** What the log has said since this was last asked. */
  news() {
    try {
      const size = statSync(this.log).size;
      const bytes = Buffer.alloc(Math.min(size - this.read, 1 << 24));
      const file = openSync(this.log, 'r');
      const length = readSync(file, bytes, 0, bytes.length, this.read);
      closeSync(file);
      this.read = size;
      return bytes.toString('utf8', 0, length);
    } catch {
      return ''; // it has said nothing yet
    }
  }
}

/** Resident memory of a process, in bytes. @param {number} pid */
export function resident(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE;
  } catch {
    return 0;
  }
}

/** CPU seconds of a process. @param {number} pid */
export function seconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return 0;
  }
}

/** All processes: their parents and command lines. */
export function processes() {
  /** @type {Map<number, {parent: number, words: string}>} */
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ')[1]);
      all.set(Number(name), {parent, words: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')});
    } catch {
      // It has ended meanwhile.
    }
  }
  return all;
}

/** A process and all below it. @param {number} root */
export function family(root) {
  const all = processes();
  const found = all.has(root) ? [root] : [];
  for (const pid of found) for (const [child, {parent}] of all) if (parent === pid) found.push(child);
  return found.map((pid) => ({pid, words: all.get(pid)?.words ?? ''}));
}
