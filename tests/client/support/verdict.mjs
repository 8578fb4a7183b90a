// What a program must have seen of a development network whose chain is `chain`.

import assert from 'node:assert/strict';

/** @param {any} seen @param {string} chain @param {{honest: string, liar: string}} doors */
export function check(seen, chain, {honest, liar}) {
  assert.equal(seen.trusted, 'bootstrap', 'whose word was taken at the first visit is said');
  assert.equal(seen.firstTold.type, 'trust');
  assert.equal(seen.chain, chain);

  assert.ok(seen.ready.height > 0 && seen.ready.signers * 3 > seen.ready.validators * 2, 'a head is signed by a quorum');
  assert.match(seen.ready.digest, /^[0-9a-f]{64}$/);
  assert.equal(seen.audit.outcome, 'sound', JSON.stringify(seen.audit));
  assert.ok(seen.audit.epoch > 0 && seen.audit.peers > 0 && seen.peers.length > 0, 'an epoch was computed again for all peers');

  const [first] = seen.peers;
  assert.match(first.stake, /^\d+n$/, 'amounts are whole and of any size');
  if (seen.account.there) assert.equal(seen.account.value.key, first.cold);
  assert.ok(seen.account.height >= seen.ready.height && seen.account.height <= seen.head.height);
  assert.equal(seen.neuron.value.uid, first.uid);
  assert.equal(seen.neuron.value.key, first.key);
  const shares = seen.row.value.entries.map((/** @type {any} */ entry) => entry.share);
  assert.ok(Math.abs(shares.reduce((/** @type {number} */ sum, /** @type {number} */ share) => sum + share, 0) - 1) < 1e-9, 'a row is shares of one');
  assert.equal(typeof seen.standing.value.rank, 'number');
  assert.ok(seen.totals.value.epoch >= seen.audit.epoch);
  assert.equal(seen.nobody.there, false);
  assert.equal(seen.nobody.source, honest, 'who says that there is none is named');

  assert.ok(seen.newest.computed && seen.newest.epoch >= seen.audit.epoch, 'the newest market was computed here');
  assert.equal(`${seen.newest.stake[first.uid]}`, first.stake);
  assert.equal(seen.epochs.first, 1, 'with `history` the chain is followed from its genesis');
  assert.equal(seen.past.epoch, 1);
  assert.ok(!seen.past.computed && seen.past.rank > 0 && seen.past.totals.epoch === 1, 'a past epoch is proven');
  assert.equal(seen.future, 'LightError unavailable');
  assert.ok(seen.parameters.tempo > 0 && seen.parameters.blockMs > 0 && seen.parameters.mechanism);

  assert.equal(seen.malformed, 'LightError malformed');
  assert.equal(seen.nonsense, 'LightError malformed');
  assert.equal(seen.twice, 'LightError bad-source');
  assert.deepEqual(seen.closed, ['LightError closed', 'LightError closed']);
  assert.ok(seen.restored.height > 0, 'the next visit begins with what was kept');

  assert.equal(seen.by, 'checkpoint');
  assert.equal(seen.lied.source, liar);
  assert.match(seen.lied.why, /^(bad-certificate|bad-link|bad-proof|malformed|wrong-reply)$/);
  assert.deepEqual(seen.sources, [{name: liar, lied: true}, {name: honest, lied: false}]);
  assert.ok(seen.later.height >= seen.head.height, 'the honest source goes on');
  assert.equal(seen.fooled, 'LightError wrong-chain');
  assert.equal(seen.blind, 'LightError no-checkpoint');
}
