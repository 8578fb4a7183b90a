// What the page makes of the ledger's events, and what it makes of what a person types: without a browser.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {auditWords, figure, kind, row, steepest} from '../../www/auditing.js';
import {amount, describe, distance, normalised, publicKey, read, shares, signer} from '../../www/intents.js';
import {sources} from '../../www/measures.js';
import {parsePolicy, policyWords} from '../../www/policy.js';
import {restoredWords} from '../../www/sources.js';
import {fold, initial} from '../../www/state.js';
import {DAMAGED, DROPPED, KEPT, notAudited, proposal, RESTORED, sound, transaction, wrong} from './support/audited.js';

const HOT = 'a'.repeat(64);
const COLD = 'c'.repeat(64);
const OTHER = 'b'.repeat(64);

/** A tab that is peer 7 of four. @param {any} [more] */
function registered(more = {}) {
  const s = initial();
  fold(s, {type: 'page:join'}, 0);
  fold(s, {type: 'identity', key: HOT, chain: 'd'.repeat(64), peer: '12D3KooWMe', kept: true, cold: null, backedUp: false, ...more}, 1);
  fold(s, {type: 'neurons', neurons: [[7, HOT, '5000000000'], [8, OTHER, '1']]}, 2);
  fold(s, {type: 'own', uid: 7, peers: 4, stake: '5000000000', balance: '2500000000', row: [[7, 65_535]], version: 1}, 3);
  return s;
}

test('an audit says what was recomputed, and sound ones are counted', () => {
  const s = initial();
  fold(s, sound(412), 5);
  assert.equal(auditWords(/** @type {any} */ (s.audit.last)), 'Epoch 412 recomputed: 4,096 peers, every figure as the chain says, 112 ms.');
  assert.equal(auditWords({epoch: 1, outcome: {type: 'sound', peers: 1, transactions: 0}, millis: null}), 'Epoch 1 recomputed: 1 peer, every figure as the chain says.');
  fold(s, notAudited(413), 6);
  assert.equal(auditWords(/** @type {any} */ (s.audit.last)), 'Epoch 413 not recomputed: 20,000 peers are on the ledger, and this tab recomputes at most 16,384.');
  assert.equal(s.audit.sound, 1);
  assert.equal(s.audit.wrong, null);
});

test('an audit that differs stays, whatever comes after it, and nothing is signed by hand any more', () => {
  const s = registered();
  fold(s, {type: 'alarm', message: 'wrong economics at block 1209', fatal: true, stale: false}, 5);
  fold(s, wrong(120), 6);
  fold(s, {type: 'alarm', message: 'wrong economics at block 1209', fatal: true, stale: false}, 7);
  fold(s, sound(121), 8);
  assert.equal(s.audit.wrong?.epoch, 120);
  assert.equal(s.audit.last?.epoch, 121);
  assert.equal(s.messages.find((m) => m.id === 'alarm'), undefined, 'the alarm says it, once');
  assert.match(JSON.stringify(read({what: 'transfer', to: OTHER, amount: '1', from: 'hot'}, s)), /Nothing is signed any more/);
});

test('a checkpoint that is too old is told from other alarms, until the next head', () => {
  const s = initial();
  fold(s, {type: 'alarm', message: 'the checkpoint is 3000000 ms old', fatal: true, stale: true}, 5);
  assert.deepEqual(s.messages.map((m) => [m.id, m.tone]), [['stale', 'warning']]);
  assert.match(s.messages[0].text, /taken on the site’s word/);
  fold(s, {type: 'head', height: 8, digest: 'd', lag: 1, signers: 1, validators: 1}, 6);
  assert.deepEqual(s.messages, []);
});

test('a transaction goes from pending to final, and a refused one keeps its reason', () => {
  const s = registered();
  fold(s, transaction('aa', 'set weights', {type: 'pending'}), 10);
  assert.match(s.lines.update.detail, /waiting for the block/);
  fold(s, transaction('aa', 'set weights', {type: 'final', height: 40, index: 2}), 20);
  assert.equal(s.lines.update.state, 'done');
  assert.deepEqual(s.transactions.map((t) => [t.state.type, t.since, t.at, t.signer]), [['final', 10, 20, 'hot']]);
  fold(s, transaction('bb', 'transfer', {type: 'refused', reason: 'too poor'}, 'cold'), 30);
  assert.deepEqual(s.transactions[1].state, {type: 'refused', reason: 'too poor'});
  assert.equal(s.transactions[1].signer, 'cold');
});

test('a wish waits for its transaction, is refused with its reason, or is lost after a minute', () => {
  const s = registered();
  const wish = (/** @type {number} */ id, /** @type {any} */ intent) => fold(s, {type: 'page:asked', id, intent, signer: 'hot', words: 'w'}, 100);
  wish(1, {type: 'transfer', from: 'hot', to: OTHER, amount: '1'});
  wish(2, {type: 'sponsor', key: OTHER});
  wish(3, {type: 'stake', uid: 7, amount: '1'});
  fold(s, transaction('aa', 'unstake', {type: 'pending'}), 110);
  assert.deepEqual(s.asked.map((a) => a.id), [1, 2, 3], 'an unstaking is no staking');
  fold(s, transaction('bb', 'transfer', {type: 'pending'}), 110);
  fold(s, transaction('bb', 'transfer', {type: 'included', height: 5}), 120);
  assert.deepEqual(s.asked.map((a) => a.id), [2, 3], 'one transaction answers one wish');
  fold(s, {type: 'page:unasked', id: 2, reason: 'it has a place'}, 130);
  fold(s, {type: 'page:tick'}, 61_000);
  assert.deepEqual(s.asked.map((a) => a.reason), ['it has a place', 'nothing was signed within a minute; the ledger may stand still']);
  fold(s, {type: 'page:tick'}, 400_000);
  assert.deepEqual(s.asked, []);
});

test('what is said against signing answers the wish it follows, or is told by itself', () => {
  const s = registered();
  const unsigned = (/** @type {number} */ at) => fold(s, {type: 'alarm', message: 'not signed: the next row can be set at height 40', fatal: false, stale: false}, at);
  fold(s, {type: 'page:asked', id: 1, intent: {type: 'weights', row: [[1, 1]]}, signer: 'hot', words: 'w'}, 100);
  fold(s, {type: 'alarm', message: 'refused: truncated', fatal: false, stale: false}, 110);
  assert.equal(s.asked[0].reason, null);
  unsigned(120);
  assert.equal(s.asked[0].reason, 'the next row can be set at height 40');
  assert.deepEqual(s.messages.map((m) => m.text), ['Ledger check: refused: truncated.']);
  unsigned(130);
  assert.deepEqual(s.messages.map((m) => m.text), ['Ledger check: refused: truncated.', 'Nothing is signed now: the next row can be set at height 40.']);
});

test('wrong figures are told until the audit tells them better', () => {
  const s = registered();
  const alarm = () => fold(s, {type: 'alarm', message: 'the validators of this chain signed wrong figures, and nothing more is signed here: peer 2', fatal: false, stale: false}, 5);
  alarm();
  assert.deepEqual(s.messages.map((m) => [m.tone, m.until]), [['error', null]]);
  fold(s, wrong(120), 6);
  alarm();
  assert.deepEqual(s.messages, []);
});

test('kinds of transactions are read from their names', () => {
  const names = ['set weights', 'SetWeights', 'register', 'transfer', 'Stake', 'unstake', 'leave', 'sponsor', 'subscribe', 'candidate'];
  assert.deepEqual(names.map(kind), ['weights', 'weights', 'register', 'transfer', 'stake', 'unstake', 'leave', 'sponsor', 'subscribe', 'other']);
});

test('who lied is remembered, told, and no more among the sources', () => {
  const s = initial();
  const connections = [['n', 'node', 'websocket'], ['12D3KooWOtherTab', 'tab', 'direct'], ['x', 'tab', 'relayed'], ['y', 'resident', 'websocket']].map(([peer, kind, path]) => ({peer, kind, path}));
  fold(s, {type: 'network', node: {up: true}, connections}, 1);
  assert.deepEqual(sources(s).list.map((c) => c.peer), ['n', '12D3KooWOtherTab']);
  fold(s, DROPPED, 2);
  assert.deepEqual(sources(s).list.map((c) => c.peer), ['n']);
  const many = Array.from({length: 20}, (_, i) => ({peer: `t${i}`, kind: 'tab', path: 'direct'}));
  fold(s, {type: 'network', node: {up: true}, connections: [...many, ...connections]}, 3);
  assert.deepEqual([sources(s).nodes, sources(s).tabs], [1, 7]);
  assert.match(s.messages[0].text, /^A peer \(…herTab\) said something false about the ledger and is not asked any more: quorum not met/);
});

test('who lies twice is one liar, with what was said last', () => {
  const s = initial();
  for (const reason of ['a', 'b']) fold(s, {...DROPPED, reason}, 1);
  assert.deepEqual(s.dropped.map((d) => d.reason), ['b']);
});

test('what was kept, restored and damaged is remembered', () => {
  const s = initial();
  fold(s, {type: 'page:join'}, 0);
  fold(s, KEPT, 1);
  fold(s, RESTORED, 2);
  fold(s, DAMAGED, 3);
  assert.deepEqual(s.kept, {bytes: 2_310_400, epochs: 412, place: 'opfs'});
  assert.equal(restoredWords(/** @type {any} */ (s.restored)), '412 epochs verified again from this device in 204 ms, up to block 4,129, with its tables');
  assert.equal(restoredWords({height: 0, epochs: 0, tables: false, millis: 1}), 'nothing was here: everything came from the sources');
  assert.match(s.messages[0].text, /kept of the ledger \(the tables of the last epoch\) was damaged: the hash before the content is that of other bytes\. It is thrown away/);
});

test('the backup is called to mind once there is a stake, and not again', () => {
  const s = registered({cold: COLD});
  assert.deepEqual(s.messages.map((m) => [m.id, m.tone, m.action?.id]), [['backup', 'info', 'backup']]);
  fold(s, {type: 'page:clear', id: 'backup'}, 4);
  fold(s, {type: 'own', uid: 7, peers: 4, row: []}, 5);
  assert.deepEqual(s.messages, []);
  assert.deepEqual(registered({cold: COLD, backedUp: true}).messages, []);
  assert.deepEqual(registered().messages, [], 'without a cold key there is nothing to save');
});

test('a held proof of work is told from one that runs', () => {
  const s = initial();
  fold(s, {type: 'working', tried: 10, expected: 100, rate: 5, paused: true}, 0);
  assert.match(s.lines.registered.detail, /10 tries so far, 100 needed on average\. Held: /);
  assert.equal(s.work?.paused, true);
  fold(s, {type: 'working', tried: 20, expected: 100, rate: 5, paused: false}, 0);
  assert.match(s.lines.registered.detail, /5 a second\. On average this takes 20\.0 s/);
});

test('nothing of the ledger grows without bound', () => {
  const s = registered();
  for (let i = 0; i < 500; i += 1) {
    fold(s, sound(i), i);
    fold(s, {...DROPPED, source: `s${i}`}, i);
    fold(s, {...DAMAGED}, i);
    fold(s, {type: 'page:asked', id: i, intent: {type: 'subscribe'}, signer: 'hot', words: ''}, i);
    fold(s, transaction(String(i), 'candidate', {type: 'pending'}), i);
  }
  assert.ok(s.audit.history.length <= 64 && s.dropped.length <= 32 && s.damaged.length <= 8 && s.asked.length <= 16 && s.transactions.length <= 64 && s.messages.length <= 12);
  assert.equal(s.audit.history.at(-1)?.epoch, 499);
});

test('a figure is a number or its reason, never a zero in its place', () => {
  assert.deepEqual(figure({type: 'defined', value: 0}), {value: 0});
  assert.deepEqual(figure({type: 'notDefined', reason: 'binary'}), {reason: 'binary'});
  assert.deepEqual(figure(Number.NaN), {reason: 'it is not a number'});
  assert.deepEqual(figure(undefined), {reason: 'not told yet'});
  assert.deepEqual(row({type: 'defined', values: []}), {reason: 'there is no own row yet'});
  assert.deepEqual(row({type: 'notDefined', reason: 'clamped'}), {reason: 'clamped'});
  assert.equal(steepest(new Map([[3, 0.1], [4, -0.5], [5, 0.2]])), '−0.5 for peer 4');
  assert.equal(steepest(new Map([[3, 0], [4, 0]])), '0 for every weight');
});

test('amounts are read exactly or refused with the reason', () => {
  const good = {'1': '1000000000', '1.5': '1500000000', '.000000001': '1', '0001.10': '1100000000', ' 2. ': '2000000000', '18446744073.709551615': '18446744073709551615', '1.0000000000': '1000000000'};
  for (const [text, base] of Object.entries(good)) assert.deepEqual(amount(text), {base}, text);
  for (const [text, why] of /** @type {[string, RegExp][]} */ ([
    ['', /Write an amount/], ['1,5', /could mean two things/], ['1,000', /could mean two things/], ['1,000.5', /could mean two things/], ['1e3', /no amount/], ['-1', /no amount/],
    ['+1', /no amount/], ['.', /no amount/], ['1.2.3', /no amount/], ['0x10', /no amount/], ['١', /no amount/], ['0', /zero/], ['0.000', /zero/], ['0.0000000001', /9 decimals, this amount has 10/],
    ['18446744073.709551616', /the most is 18446744073\.709551615/], ['9'.repeat(60), /More than the ledger/],
  ])) {
    const found = amount(text);
    assert.match('fault' in found ? found.fault : `read as ${found.base}`, why, text);
  }
});

test('keys are taken whole and as hex only', () => {
  assert.deepEqual(publicKey(` ${'AB'.repeat(32)}\n`), {key: 'ab'.repeat(32)});
  for (const [text, why] of /** @type {[string, RegExp][]} */ ([['', /Write the public key/], ['ab', /64 characters, this one has 2/], [`${'a'.repeat(63)}g`, /only digits/], ['a'.repeat(65), /has 65/]])) {
    const found = publicKey(text);
    assert.match('fault' in found ? found.fault : 'taken', why, text);
  }
});

test('a form gives what it asks for, or the field that is wrong', () => {
  const s = registered({cold: COLD});
  const ask = (/** @type {any} */ form) => read({to: '', amount: '', from: 'hot', ...form}, s);
  assert.deepEqual(ask({what: 'transfer', to: OTHER, amount: '2.5'}), {intent: {type: 'transfer', from: 'hot', to: OTHER, amount: '2500000000'}});
  assert.deepEqual(ask({what: 'transfer', to: OTHER, amount: '1', from: 'cold'}), {intent: {type: 'transfer', from: 'cold', to: OTHER, amount: '1000000000'}});
  assert.deepEqual(ask({what: 'stake', amount: '1'}), {intent: {type: 'stake', uid: 7, amount: '1000000000'}});
  assert.deepEqual(ask({what: 'unstake', amount: '5'}), {intent: {type: 'unstake', uid: 7, amount: '5000000000'}});
  assert.deepEqual(ask({what: 'leave'}), {intent: {type: 'leave', uid: 7}});
  assert.deepEqual(ask({what: 'sponsor', to: 'e'.repeat(64)}), {intent: {type: 'sponsor', key: 'e'.repeat(64)}});
  for (const [form, field, why] of /** @type {[any, string, RegExp][]} */ ([
    [{what: 'transfer', to: 'x', amount: '1'}, 'to', /only digits/], [{what: 'transfer', to: HOT, amount: '1'}, 'to', /it would come from/], [{what: 'transfer', to: COLD, amount: '1', from: 'cold'}, 'to', /it would come from/],
    [{what: 'transfer', to: OTHER, amount: 'x'}, 'amount', /no amount/], [{what: 'transfer', to: OTHER, amount: '2.500000001', from: 'cold'}, 'amount', /the balance is 2\.5 tokens/],
    [{what: 'stake', amount: '2.6'}, 'amount', /the balance is 2\.5 tokens/],
    [{what: 'unstake', amount: '5.1'}, 'amount', /the stake is 5 tokens/], [{what: 'sponsor', to: OTHER}, 'to', /has a place already: it is peer 8/],
  ])) {
    const found = ask(form);
    assert.deepEqual('field' in found ? found.field : found, field);
    assert.match('fault' in found ? found.fault : '', why);
  }
  assert.deepEqual(ask({what: 'transfer', to: OTHER, amount: '2.6'}), {intent: {type: 'transfer', from: 'hot', to: OTHER, amount: '2600000000'}}, 'what the hot key holds is not known here');
  assert.match(JSON.stringify(read({what: 'transfer', to: OTHER, amount: '2.6', from: 'cold'}, registered())), /the balance is 2\.5/);
  const nobody = initial();
  assert.match(JSON.stringify(read({what: 'stake', to: '', amount: '1', from: 'hot'}, nobody)), /not verified yet/);
  const early = registered();
  early.own.uid = null;
  assert.match(JSON.stringify(read({what: 'leave', to: '', amount: '', from: 'hot'}, early)), /no place on the ledger yet/);
});

test('the cold key signs what moves stake, the hot key what there is no cold key for', () => {
  const [cold, hot] = [registered({cold: COLD}), registered()];
  assert.deepEqual(['stake', 'unstake', 'leave', 'sponsor'].map((type) => signer(/** @type {any} */ ({type}), cold)), Array(4).fill('cold'));
  assert.deepEqual(['weights', 'subscribe'].map((type) => signer(/** @type {any} */ ({type}), cold)), ['hot', 'hot']);
  assert.equal(signer({type: 'transfer', from: 'cold', to: OTHER, amount: '1'}, cold), 'cold');
  assert.equal(signer({type: 'stake', uid: 7, amount: '1'}, hot), 'hot');
  const {title, facts} = describe({type: 'unstake', uid: 7, amount: '1500000000'}, cold);
  assert.equal(title, 'Take out 1.5 tokens of stake');
  assert.deepEqual(facts, [['Amount', '1.5 tokens'], ['Stake of', 'peer 7, this tab'], ['Signed by', `the cold key ${COLD}`], ['Chain', 'd'.repeat(64)]]);
  assert.ok(describe({type: 'transfer', from: 'hot', to: OTHER, amount: '1'}, hot).facts.some(([, v]) => v === `${OTHER} (peer 8)`));
  const long = describe({type: 'weights', row: Array.from({length: 12}, (_, i) => [i, 1 / 12])}, hot);
  assert.deepEqual(long.facts.slice(6, 10), [['Peer 6', '8.3 %'], ['Peer 7, myself', '8.3 %'], ['And', '4 peers more'], ['Signed by', `the hot key ${HOT}`]]);
});

test('parts become shares, and steps have the length of the ledger', () => {
  assert.deepEqual(normalised([[1, 2], [2, 6], [3, 0]]), [[1, 0.25], [2, 0.75]]);
  assert.deepEqual(normalised([[1, 1e308], [2, 1e308]]), [[1, 0.5], [2, 0.5]]);
  assert.equal(normalised([[1, 0], [2, Number.NaN]]), null);
  assert.ok(Math.abs(distance([[1, 1]], [[2, 1]]) - Math.SQRT2) < 1e-12);
  const p = proposal();
  const length = distance(shares(p.from), shares(p.row));
  const scores = Math.hypot(7000, 8000, 1000, 2000) / 65_535;
  assert.ok(Math.abs(length - scores) < 1e-12, `${length}`);
});

test('a policy that was kept is read, and anything else is the scores', () => {
  for (const policy of [{type: 'scores'}, {type: 'payoff', alpha: 2.5}, {type: 'hand'}, {type: 'never'}]) assert.deepEqual(parsePolicy(JSON.stringify(policy)), policy);
  for (const text of [null, '', '{', 'null', '7', '{"type":"payoff"}', '{"type":"payoff","alpha":-1}', '{"type":"payoff","alpha":"1"}', '{"type":"all"}']) assert.deepEqual(parsePolicy(text), {type: 'scores'}, `${text}`);
  assert.equal(policyWords({type: 'payoff', alpha: 2.5}), 'My row climbs my payoff, with α = 2.5.');
});
