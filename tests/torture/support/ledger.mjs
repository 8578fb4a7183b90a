// The ledger seen from outside: questions to a node's API, and transactions of keys that no node knows, in the encoding of
// crates/core/ledger (transaction.rs, row.rs, codec.rs).

import {createPrivateKey, createPublicKey, sign} from 'node:crypto';
import {request} from 'node:http';
import {until} from '../../e2e/support/wait.mjs';

/** Where this program asks from: an address of its own, so that it uses up nobody's limit. */
const OWN = '127.0.9.1';
/** What a row sums to. */
const SUM = 65_535;
const DOMAIN = Buffer.from('PEERAGE_TRANSACTION');

/**
 * A request to a node of this machine.
 * @param {number} port @param {string} path @param {{body?: string|Buffer, from?: string, method?: string, headers?: Record<string, string>, seconds?: number}} [options]
 * @returns {Promise<{status: number, text: string}>}
 */
export function ask(port, path, {body, from = OWN, method = body === undefined ? 'GET' : 'POST', headers = {}, seconds = 5} = {}) {
  return new Promise((resolve, reject) => {
    const asked = request({host: '127.0.0.1', port, path, method, headers, localAddress: from, agent: false}, (answer) => {
      /** @type {Buffer[]} */
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.once('error', reject);
      answer.once('end', () => resolve({status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8')}));
    });
    asked.setTimeout(seconds * 1000, () => asked.destroy(new Error(`no answer within ${seconds} s`)));
    asked.once('error', reject);
    asked.end(body);
  });
}

/** What a node's API answers, or an error. @param {number} port @param {string} path @returns {Promise<any>} */
export async function get(port, path) {
  for (;;) {
    const {status, text} = await ask(port, path);
    if (status === 429) await new Promise((resolve) => setTimeout(resolve, 300));
    else if (status !== 200) throw new Error(`${path}: ${status} ${text.slice(0, 200)}`);
    else return JSON.parse(text);
  }
}

/** A whole table at the newest height. @param {number} port @param {string} name @returns {Promise<{height: number, leaves: any[]}>} */
export async function table(port, name) {
  /** @type {any[]} */
  const leaves = [];
  for (;;) {
    const part = await get(port, `/api/tables/${name}?from=${leaves.length}&limit=1000`);
    if (part.from !== leaves.length) throw new Error(`${name}: asked from ${leaves.length}, answered from ${part.from}`);
    if (leaves.length > 0 && part.height !== /** @type {any} */ (leaves).height) leaves.length = 0;
    else leaves.push(...part.rows);
    Object.assign(leaves, {height: part.height});
    if (leaves.length >= part.total) return {height: part.height, leaves};
  }
}

const number = (/** @type {number|bigint} */ value, /** @type {number} */ bytes) => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(value));
  return out.subarray(8 - bytes);
};

/** What can be asked, as its bytes. */
export const actions = {
  /** @param {number} uid @param {[number, number][]} row @param {number} seen */
  weights: (uid, row, seen) => Buffer.concat([number(1, 1), number(uid, 4), number(row.length, 2), ...row.flatMap(([peer, score]) => [number(peer, 4), number(score, 2)]), number(seen, 8)]),
  /** @param {string} to @param {bigint} amount */
  transfer: (to, amount) => Buffer.concat([number(2, 1), Buffer.from(to, 'hex'), number(amount, 8)]),
  /** @param {string} cold */
  subscribe: (cold) => Buffer.concat([number(3, 1), Buffer.from(cold, 'hex'), number(0, 1)]),
  /** @param {number} uid @param {bigint} amount */
  stake: (uid, amount) => Buffer.concat([number(4, 1), number(uid, 4), number(amount, 8)]),
  /** @param {number} uid @param {bigint} amount */
  unstake: (uid, amount) => Buffer.concat([number(5, 1), number(uid, 4), number(amount, 8)]),
};

/** A key that signs. */
export class Signer {
  /** @param {Buffer} seed 32 bytes */
  constructor(seed) {
    this.seed = seed;
    this.private = createPrivateKey({key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8'});
    this.key = createPublicKey(this.private).export({format: 'der', type: 'spki'}).subarray(-32).toString('hex');
  }

  /**
   * The bytes of a signed transaction.
   * @param {string} chain @param {number} nonce @param {number} expires @param {Buffer} action
   */
  signed(chain, nonce, expires, action) {
    const bytes = Buffer.concat([number(3, 1), Buffer.from(chain, 'hex'), Buffer.from(this.key, 'hex'), number(nonce, 8), number(expires, 8), action]);
    return Buffer.concat([bytes, sign(null, Buffer.concat([number(DOMAIN.length, 1), DOMAIN, bytes]), this.private)]);
  }

  /** Its account, or null. @param {number} port @returns {Promise<{balance: string, nonce: number}|null>} */
  async account(port) {
    const {status, text} = await ask(port, `/api/accounts/${this.key}`);
    if (status === 404) return null;
    if (status !== 200) throw new Error(text);
    return JSON.parse(text).account.value;
  }

  /**
   * Asks once; gives the digest, or why it is refused.
   * @param {number} port @param {string} chain @param {Buffer} action @returns {Promise<{digest?: string, refused?: string}>}
   */
  async send(port, chain, action) {
    const nonce = (await this.account(port))?.nonce ?? 0;
    const height = (await get(port, '/api/head')).header.height;
    const {status, text} = await ask(port, '/api/transactions', {body: this.signed(chain, nonce, height + 30, action).toString('hex')});
    if (status === 202) return {digest: JSON.parse(text).digest};
    return {refused: text};
  }

  /** Asks until it is final. @param {number} port @param {string} chain @param {Buffer} action @param {string} what */
  async final(port, chain, action, what) {
    await until(`${what} is final`, 60, async () => {
      const {digest, refused} = await this.send(port, chain, action);
      if (!digest) throw new Error(refused);
      for (let tries = 0; tries < 30; tries += 1) {
        const {status} = await get(port, `/api/transactions/${digest}`);
        if (status === 'final' || status === 'included') return true;
        await new Promise((resolve) => setTimeout(resolve, 400));
      }
      return false;
    });
  }
}

/**
 * Shares as a row: parts of 65,535 that sum to it, those above zero, in the order of their uids.
 * @param {Map<number, number>} shares
 * @returns {[number, number][]}
 */
export function quantised(shares) {
  const largest = [...shares].filter(([, share]) => share > 0).sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 64);
  const total = largest.reduce((sum, [, share]) => sum + share, 0);
  const scores = largest.map(([, share]) => Math.floor((share / total) * SUM));
  scores[0] += SUM - scores.reduce((a, b) => a + b, 0);
  return largest.map(([uid], i) => /** @type {[number, number]} */ ([uid, scores[i]])).filter(([, score]) => score > 0).sort((a, b) => a[0] - b[0]);
}

/**
 * From a row towards another as far as one update may go, with a little to spare for rounding.
 * @param {Record<string, number>} from scores by uid @param {Map<number, number>} to shares @param {number} epsilon
 */
export function towards(from, to, epsilon) {
  const total = [...to.values()].reduce((a, b) => a + b, 0);
  const uids = new Set([...Object.keys(from).map(Number), ...to.keys()]);
  const had = (/** @type {number} */ uid) => (from[uid] ?? 0) / SUM;
  const wants = (/** @type {number} */ uid) => (total > 0 ? (to.get(uid) ?? 0) / total : 0);
  const distance = Math.sqrt([...uids].reduce((sum, uid) => sum + (wants(uid) - had(uid)) ** 2, 0));
  const part = distance > 0 ? Math.min(1, (0.95 * epsilon) / distance) : 0;
  return quantised(new Map([...uids].map((uid) => [uid, had(uid) + part * (wants(uid) - had(uid))])));
}
