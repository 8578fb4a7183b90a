// @ts-check
// Events of a light client that audits, as the auditor sends them: what the played tab plays, and what the tests fold.

/** @param {number} epoch */
export const sound = (epoch, millis = 112) => ({type: 'audit', epoch, height: epoch * 10 + 9, outcome: {type: 'sound', peers: 4096, transactions: 3}, millis, bytes: 2_140_000});

/** @param {number} epoch */
export const notAudited = (epoch) => ({type: 'audit', epoch, height: epoch * 10 + 9, outcome: {type: 'notAudited', reason: '20,000 peers are on the ledger, and this tab recomputes at most 16,384'}, millis: 1, bytes: 0});

/** @param {number} epoch */
export const wrong = (epoch) => ({
  type: 'audit',
  epoch,
  height: epoch * 10 + 9,
  outcome: {type: 'wrong', table: 'Standings', uid: 2, figure: 'trust', chain: '0.7423118201', own: '0.2423118201'},
  millis: 131,
  bytes: 2_140_000,
});

/** @param {any} [more] @returns {any} */
export const proposal = (more = {}) => ({
  type: 'proposal',
  policy: {type: 'scores'},
  signed: false,
  length: 0.2134,
  from: [[0, 21_000], [1, 25_535], [2, 12_000], [3, 7_000]],
  row: [[0, 14_000], [1, 33_535], [2, 13_000], [3, 5_000]],
  before: {rank: 0.218, trust: 0.742, clipped: 0.25, loss: -0.1273, paid: null},
  after: {rank: 0.2031, trust: 0.751, clipped: 0.2544, loss: -0.1301, paid: null},
  ...more,
});

/** @param {string} digest @param {string} action @param {any} state @param {'hot'|'cold'} signer */
export const transaction = (digest, action, state, signer = 'hot') => ({type: 'transaction', digest: digest.padEnd(64, '1'), action, signer, state});

export const KEPT = {type: 'kept', bytes: 2_310_400, epochs: 412, place: 'opfs'};
export const RESTORED = {type: 'restored', height: 4129, epochs: 412, tables: true, millis: 204};
export const DAMAGED = {type: 'damaged', shelf: 'epoch', reason: 'the hash before the content is that of other bytes'};
export const DROPPED = {type: 'dropped', source: '12D3KooWOtherTab', reason: 'quorum not met: 2 of 4 validators signed, 3 are needed'};

/** Fields of `own` that come with gradients. */
export const GRADIENTS = {
  unbonding: [],
  clipped: {type: 'defined', value: 0.25},
  paidGradient: {type: 'defined', values: [[0, 0.112], [1, -0.0041], [2, -0.0012], [3, 0.0007]]},
  payoffGradient: {type: 'notDefined', reason: 'this chain masks no answers: a payoff of learning and pay exists on Competitive chains'},
  hint: 'the own row moves the own trust only along paths that return to this peer, and there are hardly any',
};
