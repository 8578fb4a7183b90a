// The page's state, folded from events: what follows from what, and the bounds of what others can make it grow.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as format from '../../www/format.js';
import {parse, read, same, written} from '../../www/ice.js';
import {LINES} from '../../www/lines.js';
import {byPath, paths, rates, share} from '../../www/measures.js';
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
  assert.match(s.messages[0].text, /goes on training alone and loses nothing/);
  assert.equal(s.messages[0].retryAt, 5000);
  fold(s, {type: 'network', node: {up: true}}, 3000);
  assert.match(s.messages[0].text, /back after 2\.0 s/);
  fold(s, {type: 'page:tick'}, 60_000);
  assert.equal(s.messages.length, 0);
});

test('where nothing lasts the checklist and the messages say so, with what to do', () => {
  const browser = {type: 'page:browser', webgpu: false, webrtc: true, locks: true, secure: true, missing: []};
  const own = {type: 'own', uid: 1, peers: 2, row: [], version: 0};
  /** @type {[string, RegExp, RegExp, RegExp][]} */
  const cases = [
    ['window', /but nothing is kept when this private window closes\.$/, /Open this page in an ordinary window/, /is gone when this private window closes\. Save a copy/],
    ['tab', /but nothing is kept when this tab closes\.$/, /Allow cookies and site data/, /is gone when this tab closes\. Save a copy/],
    ['lasting', /^Everything needed is here \(WebGPU no, WebRTC yes\)\.$/, /^$/, /is in this browser alone/],
  ];
  for (const [keeps, detail, help, backup] of cases) {
    const s = initial();
    fold(s, browser, 0);
    fold(s, {type: 'page:storage', keys: null, vault: null, files: null, left: null, keeps}, 1);
    assert.equal(s.lines.browser.state, keeps === 'lasting' ? 'done' : 'note');
    assert.match(s.lines.browser.detail, detail);
    assert.match(s.lines.browser.help, help);
    fold(s, {type: 'page:join'}, 2);
    fold(s, {type: 'identity', key: 'a', chain: 'b', cold: 'c', kept: false}, 3);
    assert.match(s.lines.identity.detail, keeps === 'window' ? /kept until this private window closes/ : /kept in this browser/);
    fold(s, own, 4);
    assert.match(s.messages.find((m) => m.id === 'backup')?.text ?? '', backup);
    fold(s, {type: 'modelKept', step: 0, bytes: 0, place: 'memory', reason: 'Security error when calling GetDirectory'}, 5);
    assert.match(s.messages.find((m) => m.id === 'unkept')?.text ?? '', keeps === 'window' ? /not kept: private windows of this browser keep no files\./ : /not kept any more: Security error/);
  }
});

test('what a browser lacks is said even where storage is asked about later', () => {
  const s = initial();
  fold(s, {type: 'page:browser', webgpu: false, webrtc: true, locks: true, secure: true, missing: ['WebAssembly']}, 0);
  fold(s, {type: 'page:storage', keys: 'it is blocked', vault: null, files: null, left: null, keeps: 'tab'}, 1);
  assert.equal(s.lines.browser.state, 'failed');
});

test('without WebGPU the device line says why, and that nothing need be done', () => {
  for (const [webgpu, secure, help] of /** @type {[boolean, boolean, RegExp][]} */ ([[false, true, /Chrome and Edge offer WebGPU/], [false, false, /only over https/], [true, true, /^$/]])) {
    const s = initial();
    fold(s, {type: 'page:browser', webgpu, webrtc: true, locks: true, secure, missing: []}, 0);
    fold(s, {type: 'device', kind: 'CPU', name: 'one', why: 'no device: this browser has no WebGPU'}, 1);
    assert.equal(s.lines.device.detail, 'Processor (CPU): one. This browser has no WebGPU.');
    assert.match(s.lines.device.help, help);
  }
});

test('a tab that has stopped no longer says that it waits for its node', () => {
  const s = initial();
  fold(s, {type: 'page:join'}, 0);
  fold(s, {type: 'network', node: {up: true}}, 100);
  fold(s, {type: 'network', node: {up: false, reason: 'closed', retryMs: 4000}}, 1000);
  assert.equal(s.messages.length, 1);
  fold(s, {type: 'stopped'}, 1500);
  assert.deepEqual(s.messages, []);
});

test('a node that never came is waited for without calling it gone', () => {
  const s = initial();
  fold(s, {type: 'page:join'}, 0);
  fold(s, {type: 'network', node: {up: false, reason: 'refused', retryMs: 500}}, 100);
  assert.equal(s.lines.node.state, 'waiting');
  assert.doesNotMatch(s.messages[0].text, /gone/);
});

test('a node that goes leaves the neighbours that are reached without it', () => {
  const s = initial();
  const tab = (/** @type {string} */ peer, /** @type {string} */ path) => ({peer, kind: 'tab', path});
  fold(s, {type: 'page:join'}, 0);
  fold(s, {type: 'network', node: {up: true}, connections: [tab('a', 'direct'), tab('b', 'relayed')]}, 100);
  assert.equal(s.lines.neighbour.state, 'done');
  fold(s, {type: 'network', node: {up: false, reason: 'closed', retryMs: 4000}, connections: [tab('a', 'direct'), tab('b', 'relayed')]}, 1000);
  assert.match(s.messages[0].text, /goes on training with 1 neighbour that it reaches without it, and loses nothing/);
  fold(s, {type: 'network', node: {up: false, reason: 'closed', retryMs: 3000}, connections: []}, 2000);
  assert.match(s.messages[0].text, /goes on training alone and loses nothing/);
});

test('connections and exchanges are counted by path', () => {
  const list = ['direct', 'relayed', 'direct', 'websocket', 'something new'].map((path, i) => ({peer: `${i}`, path}));
  assert.deepEqual(paths(list), {direct: 2, relayed: 1, websocket: 1});
  const tally = {websocket: {residents: 5, tabs: 0}, relayed: {residents: 0, tabs: 1}, direct: {residents: 1, tabs: 2}};
  assert.deepEqual(byPath(tally), {direct: 3, relayed: 1, websocket: 5});
  assert.deepEqual(byPath(undefined), {direct: 0, relayed: 0, websocket: 0});
});

test('servers are read one a line and written back', () => {
  const text = 'stun:a.example:3478\n\n  turn:[2001:db8::1]:443?transport=tcp   me  s,e:c\r\nstuns:192.0.2.1';
  const {servers, lines, fault} = parse(text);
  assert.equal(fault, null);
  assert.deepEqual(lines, [0, 2, 3]);
  assert.deepEqual(servers[1], {urls: ['turn:[2001:db8::1]:443?transport=tcp'], username: 'me', credential: 's,e:c'});
  assert.ok(same(parse(written(servers)).servers, servers));
  assert.deepEqual(read(JSON.parse(JSON.stringify(servers))), servers);
  assert.deepEqual(parse(' \n'), {servers: [], lines: [], fault: null});
  assert.deepEqual(read(['stun:a.example', {urls: 'stun:b.example', username: null}]), [{urls: ['stun:a.example']}, {urls: ['stun:b.example']}]);
});

test('what a browser would refuse as a server is refused with its line', () => {
  const long = `stun:${'a'.repeat(300)}`;
  for (const [line, why] of /** @type {[string, RegExp][]} */ ([
    ['a.example:3478', /does not begin with stun:/], ['http://a.example', /does not begin/], ['STUN:a.example', /does not begin/],
    ['stun://a.example', /no \/\/ belongs/], ['stun:', /its host/], ['stun::3478', /its host/], ['stun:me@a.example', /its host/],
    ['stun:[a.example]', /its host/], ['stun:2001:db8::1', /its port/], ['stun:a.example:', /its port/], ['stun:a.example:0', /its port/],
    ['stun:a.example:65536', /its port/], ['stun:[::1]3478', /its port/], ['stun:a.example?transport=udp', /only \?transport/],
    ['turn:a.example?transport=sctp u c', /only \?transport/], [long, /more than 300 bytes/], ['turn:a.example', /needs a username and a credential/],
    ['turns:a.example me', /needs a username and a credential/], [`turn:a.example ${'u'.repeat(510)} c`, /username of more than 509/],
    [`turn:a.example u ${'c'.repeat(513)}`, /credential of more than 512/], ['turn:a.example u c d', /more than an address/],
  ])) {
    const {fault} = parse(`stun:a.example\n${line}`);
    assert.equal(fault?.line, 1, line);
    assert.match(fault?.text ?? '', why, line);
  }
  assert.match(parse('stun:a.example\n'.repeat(9)).fault?.text ?? '', /more than 8 servers/);
  for (const json of [null, {}, 'stun:a.example', [7], [null], [{}], [{urls: [7]}], [{urls: []}], ['turn:a.example'], Array(9).fill('stun:a.example')]) {
    assert.throws(() => read(json), Error, JSON.stringify(json));
  }
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

test('what others name is never something that every object has', () => {
  const s = initial();
  for (const name of ['__proto__', 'constructor', 'toString']) {
    fold(s, step(1, {answered: [name], missed: [name]}), 1);
    fold(s, {type: 'blamed', peer: name, reason: 'r'}, 1);
    fold(s, {type: 'neurons', neurons: [[name, name, '1']]}, 1);
    fold(s, {type: 'credit', peer: name, positions: '1', all: true}, 1);
    assert.equal(s.answers[name].answered, 1);
  }
  assert.deepEqual([Object.keys(Object.prototype), /** @type {any} */ ({}).answered, /** @type {any} */ ({}).uid], [[], undefined, undefined]);
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
  fold(s, {type: 'scores', scores: Array.from({length: 5000}, (_, i) => ({key: `${i}`, score: 1, error: 0, exact: null, mass: 0}))}, 6000);
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
  fold(s, {type: 'scores', scores: [{key: 'a', score: 1}, {key: 'b', score: 3}]}, 0);
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
