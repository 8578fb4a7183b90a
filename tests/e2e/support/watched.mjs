// The market's page as it lies in the checkout, with a played worker (watched-worker.js) in the place of the light client: states that are hard
// to reach, and markets of any size, without a node and without building anything.

import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';
import {fileURLToPath} from 'node:url';
import {open} from './browser.mjs';
import {POLICY, TYPES, listen} from './files.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const WORKER = fileURLToPath(new URL('./watched-worker.js', import.meta.url));

/** Serves it on a free port of this machine. */
export async function watchedSite() {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    try {
      if (!path.startsWith('/market/')) throw new Error('nothing here');
      const name = path.slice('/market/'.length) || 'index.html';
      const file = name === 'worker.js' ? WORKER : join(ROOT, 'www/market', name);
      response.writeHead(200, {'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': POLICY}).end(await readFile(file));
    } catch {
      response.writeHead(404, {'content-type': 'text/plain'}).end('nothing here');
    }
  });
  const {port, close} = await listen(server);
  return {url: `http://127.0.0.1:${port}/market/`, close};
}

/**
 * A visitor of the played page.
 * @param {import('playwright-core').Browser} browser @param {string} url @param {string} name
 * @param {import('playwright-core').BrowserContextOptions} [wishes] @param {string} [rest] of the address
 */
export async function watcher(browser, url, name, wishes = {}, rest = '') {
  const seen = await open(browser, name, {bypassCSP: true, ...wishes});
  const {page} = seen;
  await page.addInitScript(() => {
    const channel = new BroadcastChannel('watched');
    const w = /** @type {any} */ (window);
    w.asked = [];
    channel.onmessage = ({data}) => w.asked.push(data.asked);
    w.tell = (/** @type {any} */ told) => channel.postMessage({told});
  });
  await page.goto(url + rest);
  await page.waitForFunction(() => /** @type {any} */ (window).asked.length > 0);
  /** Tells the page something plain. @param {any[]} all */
  const tell = (...all) => page.evaluate((all) => all.forEach((one) => /** @type {any} */ (window).tell(one)), all);
  /** Markets of so many peers. @param {Parameters<typeof markets>[0]} what */
  const give = (what) => page.evaluate(markets, what);
  const text = (/** @type {string} */ selector) => page.locator(selector).innerText();
  const asked = () => page.evaluate(() => /** @type {any} */ (window).asked);
  const close = async () => {
    if (seen.errors.length) throw new Error(seen.errors.join('\n'));
    await seen.context.close();
  };
  return {...seen, tell, give, text, asked, close};
}

/** What a worker tells first. @param {string} [mechanism] */
export const begun = (mechanism = 'trust') => [
  {type: 'begun', chain: 'c4a1'.padEnd(64, '0'), trusted: 'bootstrap', parameters: {mechanism, tempo: 10, blockMs: 1000, trustMs: 1e9}},
  head(57),
];

/** @param {number} height */
export const head = (height) => ({type: 'head', head: {height, digest: 'd', time: Date.now(), parent: 'p', roots: {}, transactions: 't', elects: 'e', signers: 3, validators: 4}});

/**
 * Tells the page of made-up markets, in the page. A peer's stake grows with the epoch, its row names those after it.
 * @param {{peers: number, first: number, last: number, origin?: string, since?: number, bare?: number, trust?: boolean, lively?: boolean}} what `since`: the first that
 * can be asked for; `bare`: the last epoch whose rows and
 * stakes are unknown; `trust`: whether there is any; `lively`: as a chain has them, and not so that a test can reckon
 */
function markets({peers: n, first, last, since = first, origin = 'proven', bare = -1, trust = true, lively = false}) {
  /** Something between 0 and 1 that is always the same. */
  const chance = (/** @type {number[]} */ ...of) => (Math.abs(Math.sin(of.reduce((sum, x, at) => sum + x * (12.9898 + 65.233 * at), 1)) * 43758.5453) % 1);
  const all = Array.from({length: n}, (_, uid) => uid);
  const floats = (/** @type {(uid: number) => number} */ f) => Float64Array.from(all, (uid) => f(uid));
  const amounts = (/** @type {(uid: number) => number} */ f) => BigUint64Array.from(all, (uid) => BigInt(Math.round(f(uid) * 1e9)));
  /** Rows that favour who is good, and drift. */
  const rows = (/** @type {number} */ epoch) => {
    /** @type {{starts: number[], uids: number[], values: number[]}} */
    const matrix = {starts: [0], uids: [], values: []};
    for (const uid of all) {
      const named = all.filter((other) => other === uid || chance(uid, other) < 0.45 || (chance(other) > 0.8 && chance(uid, other, 2) < 0.8));
      const worth = named.map((other) => (other === uid ? 0.35 : (0.1 + chance(other) ** 2) * (0.6 + 0.4 * Math.sin(epoch / 4 + uid + other))));
      const sum = worth.reduce((a, b) => a + b, 0);
      matrix.uids.push(...named);
      matrix.values.push(...worth.map((x) => x / sum));
      matrix.starts.push(matrix.uids.length);
    }
    return {starts: Uint32Array.from(matrix.starts), uids: Uint32Array.from(matrix.uids), values: Float64Array.from(matrix.values)};
  };
  const tell = /** @type {any} */ (window).tell;
  tell({type: 'epochs', first: since, last});
  for (let epoch = last; epoch >= first; epoch -= 1) {
    const entries = Math.min(n, 8);
    const weights = {
      starts: Uint32Array.from({length: n + 1}, (_, i) => i * entries),
      uids: Uint32Array.from({length: n * entries}, (_, at) => (Math.floor(at / entries) + (at % entries) ** 2) % n),
      values: Float64Array.from({length: n * entries}, (_, at) => (2 * (entries - (at % entries))) / (entries * (entries + 1))),
    };
    if (lively) Object.assign(weights, rows(epoch));
    const good = (/** @type {number} */ uid) => 0.15 + 0.85 * chance(uid) ** 2;
    const all_ = all.reduce((sum, uid) => sum + good(uid), 0);
    const wave = (/** @type {number} */ uid) => 1 + 0.12 * Math.sin(epoch / 3 + uid);
    const rank = (/** @type {number} */ uid) => lively ? (good(uid) / all_) * wave(uid) : (2 * (n - uid)) / (n * (n + 1));
    const key = (/** @type {number} */ uid) => (uid + 1).toString(16).padStart(64, '7');
    const none = {starts: new Uint32Array(n + 1), uids: new Uint32Array(0), values: new Float64Array(0)};
    const peers = {keys: all.map(key), cold: all.map(key), stake: amounts((uid) => (lively ? 60 + 40 * chance(uid, 7) + good(uid) ** 2 * epoch * 4 * wave(uid) : 100 + (n - uid) * epoch * 0.3 + (uid % 3))), pending: amounts(() => 0), scaling: floats(() => 1), registered: floats(() => 0), updated: floats(() => epoch * 10), weights, bonds: none};
    const market = {
      epoch, height: epoch * 10, time: 1.7e12 + epoch * 10_000, computed: origin === 'computed',
      totals: {epoch, height: epoch * 10, loss: lively ? -0.2 + 0.6 * Math.exp(-epoch / 4) + 0.02 * Math.sin(epoch) : epoch ? 0.3 - 0.05 * epoch : 0, stake: 0n, paid: 500_000_000n, pool: 0n, minted: 0n, tau: 0.5},
      rank: floats(rank), trust: floats((uid) => (!trust ? 0 : lively ? Math.tanh(2.2 * good(uid) - 0.7) + 0.15 * (chance(uid, 3) - 0.5) : 0.9 - (1.5 * uid) / n)), incentive: floats(rank), dividend: floats(() => 0), paid: amounts((uid) => rank(uid)),
      ...(epoch <= bare ? {} : {peers}),
    };
    tell({type: 'market', known: {market, origin}});
  }
}
