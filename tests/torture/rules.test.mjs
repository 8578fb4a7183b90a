// The harness by itself: what a seed draws, that no adversary is forgotten, slopes, links, rows and signatures.

import assert from 'node:assert/strict';
import {readdirSync} from 'node:fs';
import {connect, createServer} from 'node:net';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {drawRound, FAULTS, words} from './faults/index.mjs';
import {NO_STRATEGY, STRATEGIES} from './faults/hostile.mjs';
import {Link} from './link.mjs';
import {actions, Signer, towards} from './support/ledger.mjs';
import {Random} from './support/random.mjs';
import {median, slope} from './support/statistics.mjs';

/** A system as far as faults are drawn for it. */
const SYSTEM = /** @type {any} */ ({
  nodes: [0, 1, 2, 3, 4].map((i) => ({name: i < 4 ? `validator ${i}` : 'follower'})),
  residents: [{name: 'resident 0'}],
  tabs: [0, 1, 2, 3].map((i) => ({name: `tab ${i}`})),
  programs() {
    return [...this.nodes, ...this.residents];
  },
});

describe('what a seed draws', () => {
  const drawn = (/** @type {string} */ seed) => Array.from({length: 40}, (_, i) => drawRound(seed, i, SYSTEM)).map(({faults, seconds}) => ({faults: faults.map(words), seconds}));

  test('is the same for the same seed, and another for another', () => {
    assert.deepEqual(drawn('a'), drawn('a'));
    assert.notDeepEqual(drawn('a'), drawn('b'));
  });

  test('is every fault within some rounds, one to three at a time, none on what another touches', () => {
    const rounds = Array.from({length: 40}, (_, i) => drawRound('c', i, SYSTEM).faults);
    assert.deepEqual([...new Set(rounds.flat().map(({fault}) => fault.name))].sort(), FAULTS.map(({name}) => name).sort());
    for (const faults of rounds) {
      const touched = faults.flatMap(({fault, draw}) => fault.touches(draw));
      assert.equal(new Set(touched).size, touched.length);
      assert.ok(faults.length >= 1 && faults.length <= 3);
    }
  });
});

test('every adversary of the lab has a hostile peer here', () => {
  const folder = fileURLToPath(new URL('../../crates/lib/lab/src/adversary/', import.meta.url));
  const files = readdirSync(folder).map((file) => file.replace(/\.rs$/, '')).filter((name) => !NO_STRATEGY.includes(name));
  assert.deepEqual(files.sort(), Object.keys(STRATEGIES).sort(), 'name the new one in STRATEGIES of faults/hostile.mjs');
  for (const name of files) assert.ok(FAULTS.some((fault) => fault.name === `hostile: ${name}`), name);
});

test('a row moves no further than one update may, and sums to what it must', () => {
  const row = (/** @type {[number, number][]} */ entries) => Object.fromEntries(entries);
  const distance = (/** @type {Record<string, number>} */ a, /** @type {Record<string, number>} */ b) => Math.hypot(...[...new Set([...Object.keys(a), ...Object.keys(b)])].map((uid) => ((a[uid] ?? 0) - (b[uid] ?? 0)) / 65_535));
  let now = row([[3, 65_535]]);
  const wanted = new Map([[0, 1], [1, 2], [7, 4]]);
  for (let step = 0; step < 12; step += 1) {
    const next = towards(now, wanted, 0.5);
    assert.equal(next.reduce((sum, [, score]) => sum + score, 0), 65_535);
    assert.deepEqual(next.map(([uid]) => uid), next.map(([uid]) => uid).sort((a, b) => a - b));
    assert.ok(distance(now, row(next)) < 0.5);
    now = row(next);
  }
  assert.ok(Math.abs(now[7] / 65_535 - 4 / 7) < 1e-3, JSON.stringify(now));
});

test('transactions have the length and the order of the ledger', () => {
  const signer = new Signer(Buffer.alloc(32, 1));
  assert.match(signer.key, /^[0-9a-f]{64}$/);
  const bytes = signer.signed('ab'.repeat(32), 5, 9, actions.weights(2, [[0, 1], [4, 65_534]], 7));
  assert.equal(bytes.length, 1 + 32 + 32 + 8 + 8 + (1 + 4 + 2 + 12 + 8) + 64);
  assert.equal(bytes.subarray(81, 108).toString('hex'), '01' + '00000002' + '0002' + '000000000001' + '00000004fffe' + '0000000000000007');
});

test('a slope is not moved by a wild value, and its interval holds the true one', () => {
  const line = Array.from({length: 30}, (_, i) => /** @type {[number, number]} */ ([i, 2 * i + new Random(`${i}`).next()]));
  line[7][1] = 1e6;
  const {slope: s, low, high} = slope(line);
  assert.ok(Math.abs(s - 2) < 0.05 && low < 2 && high > 2, JSON.stringify({s, low, high}));
  assert.equal(median([3, 1, 2]), 2);
  assert.deepEqual([slope([[0, 1], [1, 2]]).low, slope([[0, 1], [1, 2]]).high], [-Infinity, Infinity]);
});

test('a link carries, delays, throttles, swallows, cuts and heals', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const {port} = /** @type {import('node:net').AddressInfo} */ (server.address());
  const link = await Link.open({name: 'link', at: '127.0.8.1', port});
  /** ms until as much has come back, or null where the connection ended. @param {number} bytes @param {number} [patience] */
  const echo = (bytes, patience = 5000) =>
    new Promise((resolve) => {
      const began = Date.now();
      let got = 0;
      const socket = connect(port, '127.0.8.1', () => socket.write(Buffer.alloc(bytes)));
      const over = (/** @type {number|null|'silent'} */ how) => {
        clearTimeout(timer);
        socket.destroy();
        resolve(how);
      };
      const timer = setTimeout(over, patience, 'silent');
      socket.on('data', (data) => (got += data.length) >= bytes && over(Date.now() - began)).on('error', () => {}).once('close', () => over(null));
    });
  try {
    assert.equal(typeof (await echo(3 << 20)), 'number');
    link.set({delay: 150});
    assert.ok((await echo(10)) >= 300);
    link.set({rate: 100_000});
    assert.ok((await echo(50_000)) >= 500);
    link.set({mode: 'hole'});
    assert.equal(await echo(10, 300), 'silent');
    link.set({mode: 'cut'});
    assert.equal(await echo(10), null);
    link.heal();
    assert.equal(typeof (await echo(10)), 'number');
  } finally {
    link.close();
    server.close();
  }
});
