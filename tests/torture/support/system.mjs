// The system under torture: four validators, a follower, residents and tabs, each a process of its own on this machine, with links
// between them that can fail. Every address is of 127.0.0.0/8.
//
//   127.0.0.1    what nodes listen on          127.0.2.N  tab N's way to its node (page and network)
//   127.0.1.xy   validator x's way to y        127.0.3.N  resident N's; 127.0.4.1 the follower's

import {execFileSync, spawnSync} from 'node:child_process';
import {randomInt} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {program} from '../../e2e/support/node.mjs';
import {until} from '../../e2e/support/wait.mjs';
import {Link} from '../link.mjs';
import {ask, get, Signer} from './ledger.mjs';
import {Program} from './program.mjs';
import {Tab} from './tab.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const VALIDATORS = 4;
/** Nodes that tabs join at, by number: two share the first so that they meet over its relay; 4 is the follower. */
const HOMES = [0, 4, 0, 1, 4, 2, 3, 1];
/** What a development network changes in a genesis: work that a tab does in a moment. */
const GENESIS = {difficulty: '1024'};
/** Room of the nodes whose disks are filled. */
const DISK = '64m';
/** Where Debian puts the library that moves clocks of programs. */
export const FAKETIME = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1'].find((file) => existsSync(file)) ?? null;

/**
 * A process that makes or serves blocks.
 * @typedef {Program & {folder: string, listen: number, api: number, p2p: number, clock: string}} ChainNode
 */

/**
 * So many ports of this machine that are free now, below those that the system gives to whoever dials, so that nobody is given one
 * between two starts of a node.
 * @param {number} count
 */
async function freePorts(count) {
  /** @type {Set<number>} */
  const found = new Set();
  while (found.size < count) {
    const port = randomInt(12_000, 30_000);
    const server = createServer();
    const free = await new Promise((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)));
    if (free) found.add(port);
    await new Promise((resolve) => server.close(resolve));
  }
  return [...found];
}

/**
 * What a link to a node's page changes: the addresses that the node tells become those of the link, of the same length, so that what
 * reads them uses links alone. Nothing is asked for packed, or they could not be found.
 * @param {ChainNode} node @param {string} at
 */
function rewriting({p2p}, at) {
  const [from, to] = [`/ip4/127.0.0.1/tcp/${p2p}/`, `/ip4/${at}/tcp/${p2p}/`];
  const replaced = (/** @type {Buffer} */ bytes, /** @type {string|RegExp} */ what, /** @type {string} */ by) => Buffer.from(bytes.toString('latin1').replaceAll(what, by), 'latin1');
  return {
    rewrite: (/** @type {Buffer} */ bytes) => (bytes.includes(from) ? replaced(bytes, from, to) : bytes),
    ask: (/** @type {Buffer} */ bytes) => replaced(bytes, /accept-encoding:/gi, 'X-Not-To-Encode:'),
  };
}

export class System {
  /** Validators by number, then the follower. @type {ChainNode[]} */ nodes = [];
  /** @type {Program[]} */ residents = [];
  /** @type {Tab[]} */ tabs = [];
  /** By name. @type {Map<string, Link>} */ links = new Map();
  chain = '';
  /** What the chain began with. */ begun = 0n;
  /** File systems of some nodes that are small enough to be filled. @type {string[]} */ mounts = [];
  /** The money of this program waits for nobody but itself. */ #paid = Promise.resolve();
  /** @type {Promise<void>|null} */ #stopped = null;
  /** Who pays for the keys of this program. */ faucet = new Signer(Buffer.alloc(32, 7));

  /**
   * Made and begun.
   * @param {ConstructorParameters<typeof System>[0]} options
   */
  static async start(options) {
    const system = new System(options);
    await system.begin();
    return system;
  }

  /**
   * Everything will lie in `folder`; `say` is told what happens.
   * @param {{folder: string, tabs?: number, residents?: number, share?: number, webgpu?: boolean, say: (line: string) => void}} options
   */
  constructor(options) {
    this.options = options;
    this.folder = options.folder;
    this.say = options.say;
    this.logs = join(this.folder, 'logs');
    mkdirSync(this.logs, {recursive: true});
  }

  /** Starts all of it; where that fails, what there is by then is stopped and logs and data stay. */
  async begin() {
    const {tabs = 4, residents = 1, share = 0.25, webgpu = true} = this.options;
    try {
      await this.#chain();
      await this.#residents(residents);
      await this.#open(tabs, share, webgpu);
    } catch (error) {
      await this.stop({keep: true});
      throw error;
    }
  }

  get follower() {
    return this.nodes[VALIDATORS];
  }

  async #chain() {
    const ports = await freePorts(3 * VALIDATORS + 2);
    const bin = program();
    const folder = (/** @type {number} */ i) => join(this.folder, i < VALIDATORS ? `validator-${i}` : 'follower');
    for (const i of [VALIDATORS - 1, VALIDATORS]) this.#mount(folder(i));
    const keys = Array.from({length: VALIDATORS}, (_, i) => {
      execFileSync(bin, ['keys', 'new', '--data', folder(i), '--name', 'validator']);
      return new Signer(Buffer.from(readFileSync(join(folder(i), 'validator.key'), 'utf8').trim(), 'hex')).key;
    });
    const file = join(this.folder, 'genesis.toml');
    const named = keys.flatMap((key, i) => ['--validator', `${key}@127.0.0.1:${ports[i]}:1000`]);
    const text = execFileSync(bin, ['genesis', 'new', '--preset', 'dev', '--mechanism', 'trust', '--name', 'torture', ...named, '--account', `${this.faucet.key}:100000`], {encoding: 'utf8'});
    const change = (/** @type {string} */ line) => {
      const [name] = line.split(' = ');
      return name in GENESIS ? `${name} = ${/** @type {any} */ (GENESIS)[name]}` : line;
    };
    writeFileSync(file, text.split('\n').map(change).join('\n'));
    execFileSync(bin, ['genesis', 'check', file]);
    this.begun = BigInt(VALIDATORS * 1000 + 100_000) * 1_000_000_000n;

    const site = process.env.PEERAGE_SITE ?? join(ROOT, 'pkg/site');
    for (let i = 0; i <= VALIDATORS; i += 1) {
      const [api, p2p] = [ports[VALIDATORS + i], ports[2 * VALIDATORS + 1 + i]];
      const validates = i < VALIDATORS;
      const peers = keys.flatMap((key, j) => (j === i ? [] : ['--peers', `${key}@127.0.1.${10 * (i + 1) + j + 1}:${ports[j]}`]));
      const own = validates ? ['validator', '--listen', `127.0.0.1:${ports[i]}`, ...peers] : ['follow', ...[0, 1, 2].flatMap((j) => ['--from', `http://127.0.4.1:${ports[VALIDATORS + j]}`])];
      const words = [...own, '--genesis', file, '--data', folder(i), '--api', `127.0.0.1:${api}`, '--p2p-port', `${p2p}`, '--site', site];
      const clock = join(this.folder, `clock-${i}`);
      writeFileSync(clock, '+0');
      // The wall clock alone: a machine whose clock is set keeps its monotonic one.
      const env = FAKETIME && validates ? {LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_CACHE_DURATION: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1', DONT_FAKE_MONOTONIC: '1'} : {};
      const node = new Program({name: validates ? `validator ${i}` : 'follower', logs: this.logs, command: bin, words: () => words, env: /** @type {Record<string, string>} */ (env)});
      this.nodes.push(Object.assign(node, {folder: folder(i), listen: ports[i], api, p2p, clock}));
    }
    for (let i = 0; i < VALIDATORS; i += 1) {
      for (let j = 0; j < VALIDATORS; j += 1) if (i !== j) await this.#link(`validator ${i} to ${j}`, `127.0.1.${10 * (i + 1) + j + 1}`, ports[j]);
      await this.#link(`follower to ${i}`, '127.0.4.1', this.nodes[i].api);
      this.nodes[i].start();
    }
    await this.#ready(this.nodes.slice(0, VALIDATORS));
    this.chain = (await get(this.nodes[0].api, '/api/head')).chain;
    this.follower.start();
    await this.#ready([this.follower]);
    this.say(`chain ${this.chain.slice(0, 12)}: ${VALIDATORS} validators and a follower`);
  }

  /** Puts a small file system at `folder`, where this program may. @param {string} folder */
  #mount(folder) {
    mkdirSync(folder, {recursive: true});
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'peerage-torture', folder], {stdio: 'ignore'});
    } catch {
      return; // not root, or no Linux: said by the fault that needs it
    }
    this.mounts.push(folder);
    process.once('exit', () => this.#unmount());
  }

  #unmount() {
    for (const folder of this.mounts.splice(0)) spawnSync('umount', ['-l', folder], {stdio: 'ignore'});
  }

  /** Does something with the faucet's account, one after the other. @param {() => Promise<void>} pay */
  bank(pay) {
    const mine = this.#paid.then(pay);
    this.#paid = mine.catch(() => {});
    return mine;
  }

  /** Those answer that blocks become final. @param {ChainNode[]} nodes */
  async #ready(nodes) {
    await Promise.all(nodes.map((node) => until(`${node.name} is ready`, 90, async () => !node.alive() || (await ask(node.api, '/ready')).status === 200, () => `${node.log}:\n${node.tail()}`)));
    for (const node of nodes) if (!node.alive()) throw new Error(`${node.name} has ended:\n${node.tail()}`);
  }

  /** @param {string} name @param {string} at @param {number} port @param {ChainNode} [node] whose addresses in what it answers become those of the link */
  async #link(name, at, port, node) {
    this.links.set(name, await Link.open({name, at, port, ...(node ? rewriting(node, at) : {})}));
  }

  /** Both ports of a node, for one user. @param {string} user @param {string} at @param {ChainNode} node */
  async #way(user, at, node) {
    await this.#link(`${user} page`, at, node.api, node);
    await this.#link(`${user} network`, at, node.p2p);
    return `http://${at}:${node.api}/`;
  }

  /** @param {number} count */
  async #residents(count) {
    for (let i = 0; i < count; i += 1) {
      const url = await this.#way(`resident ${i}`, `127.0.3.${i + 1}`, this.nodes[i === 0 ? 0 : VALIDATORS]);
      const folder = join(this.folder, `resident-${i}`);
      const words = () => ['peer', '--node', url, '--folder', folder, '--share', '0.25'];
      this.residents.push(new Program({name: `resident ${i}`, logs: this.logs, command: program(), words}));
      this.residents[i].start();
    }
  }

  /** @param {number} count @param {number} share @param {boolean} webgpu */
  async #open(count, share, webgpu) {
    for (let i = 0; i < count; i += 1) {
      const node = HOMES[i % HOMES.length];
      const url = await this.#way(`tab ${i}`, `127.0.2.${i + 1}`, this.nodes[node]);
      const tab = new Tab({name: `tab ${i}`, url, folder: join(this.folder, `tab-${i}`), share, node, webgpu: webgpu && i === count - 1 && i > 0});
      this.tabs.push(tab);
      const began = Date.now();
      await tab.open();
      // One after the other: eight that compile at once on two cores would all be slow.
      const s = await tab.until('is registered and trains', 240, (s) => (s.own?.uid != null && s.steps.count >= 2 ? s : null));
      tab.place = {key: /** @type {string} */ (s.identity?.key), uid: s.own.uid};
      this.say(`${tab.name} at ${this.nodes[node].name}: uid ${s.own.uid}, ${s.device?.kind}, after ${Math.round((Date.now() - began) / 1000)} s`);
    }
  }

  /** All processes that are no browser. */
  programs() {
    return [...this.nodes, ...this.residents];
  }

  /** The links of a user or between two nodes whose names begin so. @param {string} user */
  linksOf(user) {
    return [...this.links].filter(([name]) => name.startsWith(`${user} `)).map(([, link]) => link);
  }

  /** A node that answers, for questions. */
  async someone() {
    for (const node of this.nodes) if (node.alive() && (await ask(node.api, '/ready', {seconds: 2}).catch(() => null))?.status === 200) return node.api;
    throw new Error('no node is ready');
  }

  /** Ends all of it, once; `keep` leaves the folder. @param {{keep?: boolean}} [options] */
  stop({keep = false} = {}) {
    return (this.#stopped ??= this.#stop(keep));
  }

  /** @param {boolean} keep */
  async #stop(keep) {
    await Promise.allSettled(this.tabs.map((tab) => tab.close()));
    await Promise.allSettled(this.programs().map((one) => one.kill('SIGKILL')));
    for (const link of this.links.values()) link.close();
    if (keep) for (const folder of this.mounts) spawnSync('cp', ['-a', folder, `${folder}-kept`], {stdio: 'ignore'});
    this.#unmount();
    if (!keep) await rm(this.folder, {recursive: true, force: true, maxRetries: 5, retryDelay: 300});
  }
}
