// The page's state, folded from events: what follows from what, and the bounds of what others can make it grow.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as format from '../../www/format.js';
import {LINES} from '../../www/lines.js';
import {rates, share} from '../../www/measures.js';
import {fold, initial} from '../../www/state.js';

/** @param {number} step @param {Partial<import('../../www/types.js').Step>} [more] */
const step = (step, more = {}) => ({
  type: 'step', step, withPeers: 2, alone: 3, student: 2.5, distillation: 0, tokens: 512, millis: 100, waited: 10,
  answered: [], missed: [], applied: 0, served: 0, ...more,
});

test('a node that goes and comes is said, with the time until the next try', () => {
  const s = initial();
  fold(s, {type: 'page:join'}, 0);
  fold(s, {type: 'network', node: {up: true}}, 100);
  assert.equal(s.lines.node.state, 'done');
  assert.equal(s.messages.length, 0);
  fold(s, {type: 'network', node: {up: false, reason: 'closed', retryMs: 4000}}, 1000);
  assert.match(s.messages[0].text, /goes on with the neighbours it reaches directly, or alone/);
  assert.equal(s.messages[0].retryAt, 5000);
  fold(s, {type: 'network', node: {up: true}}, 3000);
  assert.match(s.messages[0].text, /back after 2\.0 s/);
  fold(s, {type: 'page:tick'}, 60_000);
  assert.equal(s.messages.length, 0);
});

test('a node that never came is waited for without calling it gone', () => {
  const s = initial();
  fold(s, {type: 'page:join'}, 0);
  fold(s, {type: 'network', node: {up: false, reason: 'refused', retryMs: 500}}, 100);
  assert.equal(s.lines.node.state, 'waiting');
  assert.doesNotMatch(s.messages[0].text, /gone/);
});

test('another chain is told from other alarms and has a way back', () => {
  const s = initial();
  fold(s, {type: 'alarm', message: 'a reply was refused: quorum not met: 1 of 4 validators signed, 3 are needed', fatal: false}, 0);
  assert.equal(s.messages[0].action, null);
  fold(s, {type: 'alarm', message: 'wrong chain: this genesis belongs to chain 12, expected 34', fatal: true}, 0);
  assert.deepEqual(s.messages.find((m) => m.id === 'chain')?.action?.id, 'forget');
  fold(s, {type: 'alarm', message: 'no new block since 31000 ms, the last is 7', fatal: false}, 0);
  assert.match(s.messages.find((m) => m.id === 'stalled')?.text ?? '', /No new block for 31\.0 s/);
  fold(s, {type: 'head', height: 8, digest: 'd', lag: 1, signers: 1, validators: 1}, 0);
  assert.equal(s.messages.find((m) => m.id === 'stalled'), undefined);
});

test('nothing that others name grows without bound', () => {
  const s = initial();
  for (let i = 1; i <= 5000; i += 1) {
    fold(s, step(i, {answered: [`peer${i}`], missed: [`other${i}`]}), i);
    fold(s, {type: 'blamed', peer: `peer${i}`, reason: 'r'}, i);
    fold(s, {type: 'head', height: i, digest: `${i}`, lag: 1, signers: 1, validators: 1}, i);
    fold(s, {type: 'alarm', message: `m${i}`, fatal: false}, i);
    fold(s, {type: 'transaction', digest: `${i}`, action: 'set weights', state: {type: 'pending'}}, i);
    fold(s, {type: 'network', node: {up: true}, connections: Array(400).fill({peer: 'p', path: 'relayed'}), bytesIn: i, bytesOut: i}, i);
  }
  fold(s, {type: 'scores', scores: Array.from({length: 5000}, (_, i) => [`${i}`, 1])}, 6000);
  assert.ok(Object.keys(s.answers).length <= 256);
  assert.ok(s.messages.length <= 12);
  assert.ok(s.heads.length <= 900 && s.transactions.length <= 64 && s.connections.length <= 256);
  assert.ok(s.steps.last.length <= 512 && s.steps.series.length <= 600 && s.steps.pending.length <= s.steps.stride);
  assert.ok(Object.keys(s.scores).length <= 256);
  assert.equal(s.steps.count, 5000);
});

test('the chart keeps the mean when its stride doubles, and absent values stay absent', () => {
  const s = initial();
  for (let i = 1; i <= 1200; i += 1) fold(s, step(i, {alone: i, withPeers: null}), i);
  assert.ok(s.steps.stride > 1);
  const {series} = s.steps;
  assert.ok(series.every((p) => p.withPeers === null));
  assert.ok(series.every((p, i) => i === 0 || p.step > series[i - 1].step));
  const covered = series.length * s.steps.stride;
  const average = series.reduce((a, p) => a + p.alone, 0) / series.length;
  assert.ok(Math.abs(average - (covered + 1) / 2) < 1e-9, `${average}`);
});

test('rates and shares are of what was counted', () => {
  const s = initial();
  for (let i = 1; i <= 11; i += 1) fold(s, step(i), i * 500);
  const rate = rates(s, 5500);
  assert.equal(rate?.steps, 2);
  assert.equal(rate?.tokens, 1024);
  fold(s, {type: 'scores', scores: [['a', 1], ['b', 3]]}, 0);
  assert.equal(share(s, 'b'), 0.75);
  assert.equal(share(s, 'c'), null);
});

test('unknown events change nothing', () => {
  const s = initial();
  fold(s, {type: 'query', id: 1, bytes: new Uint8Array()}, 0);
  fold(s, {type: 'constructor'}, 0);
  fold(s, {type: 'toString'}, 0);
  assert.deepEqual(s, initial());
  assert.equal(LINES.length, 10);
});

test('numbers are written with their units and a true minus', () => {
  assert.equal(format.tokens('1250731000'), '1.250731');
  assert.equal(format.tokens('18446744073709551615'), '18,446,744,073.709551');
  assert.equal(format.tokens('7'), '< 0.000001');
  assert.equal(format.tokens('0'), '0');
  assert.equal(format.tokens('x'), '–');
  assert.equal(format.signed(-0.0312), '−0.0312');
  assert.equal(format.signed(4e-7), '+4.00 × 10⁻⁷');
  assert.equal(format.signed(0), '0');
  assert.equal(format.duration(950), '950 ms');
  assert.equal(format.duration(65_000), '1 min 5 s');
  assert.equal(format.bytes(1_115_394), '1.1 MB');
  assert.equal(format.ordinal(12), '12th');
  assert.equal(format.ordinal(23), '23rd');
  assert.equal(format.percent(0.0001), '< 0.1 %');
  assert.equal(format.loss(null), '–');
});
