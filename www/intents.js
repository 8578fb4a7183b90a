// @ts-check
/**
 * What a person can ask to be signed, from what was typed to what is asked, and what is said about it before it is signed.
 * Pure. Nothing is guessed: what cannot be read exactly is refused with the reason.
 */

import {count, percent, short, tokens} from './format.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Intent} Intent */
/** @typedef {import('./types.js').Signer} Signer */

const DECIMALS = 9; // of a token
const MOST = 2n ** 64n - 1n; // base units of a ledger amount
const WHOLE_ROW = 65_535; // sum of a row's scores

/** A decimal number as it is written. @param {string} base */
function exact(base) {
  const digits = base.padStart(DECIMALS + 1, '0');
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
  return `${digits.slice(0, -DECIMALS)}${fraction && `.${fraction}`}`;
}

/** Base units of an amount in tokens. @param {string} text @returns {{base: string}|{fault: string}} */
export function amount(text) {
  const t = text.trim();
  if (!t) return {fault: 'Write an amount in tokens, such as 1.5.'};
  if (/^\d{1,3}(,\d{3})+(\.\d*)?$/.test(t) || /^\d+,\d+$/.test(t)) return {fault: `Write the amount with a point and without groups, such as 1.5; “${t}” could mean two things.`};
  const parts = /^(\d*)(?:\.(\d*))?$/.exec(t);
  if (!parts || !(parts[1] || parts[2])) return {fault: `“${t}” is no amount. Write digits and a point, such as 1.5.`};
  const fraction = parts[2] ?? '';
  if (fraction.length > DECIMALS && /[1-9]/.test(fraction.slice(DECIMALS))) return {fault: `A token has ${DECIMALS} decimals, this amount has ${fraction.length}.`};
  const base = BigInt(parts[1] || '0') * 10n ** BigInt(DECIMALS) + BigInt(fraction.slice(0, DECIMALS).padEnd(DECIMALS, '0') || '0');
  if (base === 0n) return {fault: 'The amount is zero. Write how much.'};
  if (base > MOST) return {fault: `More than the ledger can count; the most is ${exact(MOST.toString())} tokens.`};
  return {base: base.toString()};
}

/** A public key as it is written on the ledger. @param {string} text @returns {{key: string}|{fault: string}} */
export function publicKey(text) {
  const t = text.trim().toLowerCase().replace(/^0x/, '');
  if (!t) return {fault: 'Write the public key of whom it is for: 64 characters, digits and a to f.'};
  if (/[^0-9a-f]/.test(t)) return {fault: 'A public key has only digits and the letters a to f.'};
  if (t.length !== 64) return {fault: `A public key has 64 characters, this one has ${t.length}. Copy it whole.`};
  return {key: t};
}

/** Which key signs it: where there is a cold key it owns stake and tokens, and the hot key signs rows and its own transfers. @param {Intent} intent @param {State} s @returns {Signer} */
export function signer(intent, s) {
  if (!s.identity?.cold) return 'hot';
  if (intent.type === 'transfer' || intent.type === 'purchase') return intent.from;
  return intent.type === 'weights' || intent.type === 'subscribe' ? 'hot' : 'cold';
}

/**
 * What a form asks for.
 * @param {{what: string, to: string, amount: string, from: string}} form @param {State} s
 * @returns {{intent: Intent}|{field: 'what'|'to'|'amount', fault: string}}
 */
export function read(form, s) {
  const {own, identity} = s;
  if (s.audit.wrong) return {field: 'what', fault: 'Nothing is signed any more: the chain’s figures differ from those computed here.'};
  if (!identity || !own) return {field: 'what', fault: 'The ledger is not verified yet, so that nothing can be signed. Wait for the first block.'};
  if (form.what === 'transfer' || form.what === 'sponsor') {
    const to = publicKey(form.to);
    if ('fault' in to) return {field: 'to', fault: to.fault};
    if (form.what === 'sponsor') {
      if (s.neurons[to.key]) return {field: 'to', fault: `This key has a place already: it is peer ${s.neurons[to.key].uid}.`};
      return {intent: {type: 'sponsor', key: to.key}};
    }
    const from = form.from === 'cold' && identity.cold ? 'cold' : 'hot';
    if (to.key === (from === 'cold' ? identity.cold : identity.key)) return {field: 'to', fault: 'This is the key it would come from.'};
    const sum = amount(form.amount);
    if ('fault' in sum) return {field: 'amount', fault: sum.fault};
    // The balance that is known is that of the key that owns the stake.
    if (from === (identity.cold ? 'cold' : 'hot') && BigInt(sum.base) > BigInt(own.balance)) return tooMuch(own.balance);
    return {intent: {type: 'transfer', from, to: to.key, amount: sum.base}};
  }
  if (own.uid == null) return {field: 'what', fault: 'This tab has no place on the ledger yet, and so no stake to move.'};
  if (form.what === 'leave') return {intent: {type: 'leave', uid: own.uid}};
  const sum = amount(form.amount);
  if ('fault' in sum) return {field: 'amount', fault: sum.fault};
  if (form.what === 'unstake') {
    if (BigInt(sum.base) > BigInt(own.stake)) return {field: 'amount', fault: `More than there is: the stake is ${exact(own.stake)} tokens.`};
    return {intent: {type: 'unstake', uid: own.uid, amount: sum.base}};
  }
  if (BigInt(sum.base) > BigInt(own.balance)) return tooMuch(own.balance);
  return {intent: {type: 'stake', uid: own.uid, amount: sum.base}};
}

/** @param {string} balance @returns {{field: 'amount', fault: string}} */
const tooMuch = (balance) => ({field: 'amount', fault: `More than there is: the balance is ${exact(balance)} tokens.`});

/**
 * What is about to be signed, for a person to confirm.
 * @param {Intent} intent @param {State} s
 * @returns {{title: string, facts: [string, string][], after: string, words: string}}
 */
export function describe(intent, s) {
  const by = signer(intent, s);
  const key = (by === 'cold' ? s.identity?.cold : s.identity?.key) ?? '';
  const known = (/** @type {string} */ k) => (s.neurons[k] ? ` (peer ${s.neurons[k].uid})` : '');
  /** @type {[string, string][]} */
  const ends = [
    ['Signed by', `the ${by} key ${key}`],
    ['Chain', s.identity?.chain ?? s.chain ?? ''],
  ];
  const own = (/** @type {number} */ uid) => `peer ${uid}, this tab`;
  switch (intent.type) {
    case 'transfer':
      return {
        title: `Transfer ${exact(intent.amount)} tokens`,
        facts: [['Amount', `${exact(intent.amount)} tokens`], ['To', `${intent.to}${known(intent.to)}`], ...ends],
        after: 'Nobody can take it back once it is in a block. The ledger takes a small fee.',
        words: `Transfer ${tokens(intent.amount)} tokens to ${short(intent.to)}${known(intent.to)}`,
      };
    case 'sponsor':
      return {
        title: 'Sponsor another key',
        facts: [['For', intent.key], ['Price', 'that of a place, as the chain sets it'], ...ends],
        after: 'The key is sent the price of a place, and its owner can subscribe with it. Nobody can take it back.',
        words: `Sponsor ${short(intent.key)}`,
      };
    case 'stake':
      return {
        title: `Put in ${exact(intent.amount)} tokens as stake`,
        facts: [['Amount', `${exact(intent.amount)} tokens`], ['Stake of', own(intent.uid)], ...ends],
        after: 'More stake gives this tab’s row more influence. Taken out again, it waits for the unbonding time.',
        words: `Put in ${tokens(intent.amount)} tokens as stake`,
      };
    case 'unstake':
      return {
        title: `Take out ${exact(intent.amount)} tokens of stake`,
        facts: [['Amount', `${exact(intent.amount)} tokens`], ['Stake of', own(intent.uid)], ...ends],
        after: 'It counts no longer at once, and becomes balance after the unbonding time.',
        words: `Take out ${tokens(intent.amount)} tokens of stake`,
      };
    case 'leave':
      return {
        title: 'Give up the place on the ledger',
        facts: [['Place', own(intent.uid)], ['Stake', `${exact(s.own?.stake ?? '0')} tokens, which become balance after the unbonding time`], ...ends],
        after: 'This tab’s number and row are gone then. To come back it registers anew, with a new proof of work.',
        words: 'Give up the place',
      };
    case 'weights':
      return {
        title: `Sign a row of ${count(intent.row.length, 'peer')}`,
        facts: [...intent.row.slice(0, 8).map(([uid, share]) => /** @type {[string, string]} */ ([uid === s.own?.uid ? `Peer ${uid}, myself` : `Peer ${uid}`, percent(share)])), ...more(intent.row.length - 8), ...ends],
        after: 'The row moves towards these shares by no more than one step that the chain allows; the rest follows with the next updates.',
        words: `Row of ${count(intent.row.length, 'peer')}, by hand`,
      };
    case 'purchase':
      return {
        title: `Pay for answers${known(intent.seller)}`,
        facts: [['Amount', `${exact(intent.amount)} tokens`], ['To', `${intent.seller}${known(intent.seller)}`], ['For', `asks of this tab’s peer id ${s.identity?.peer ?? ''}`], ...ends],
        after: 'The seller is shown the payment when it is final, and counts down what was paid for. Nobody can take it back.',
        words: `Pay ${tokens(intent.amount)} tokens for answers${known(intent.seller)}`,
      };
    default:
      return {title: 'Buy a place', facts: ends, after: 'The price of a place is taken from the balance; no proof of work is needed.', words: 'Buy a place'};
  }
}

/** @param {number} n @returns {[string, string][]} */
const more = (n) => (n > 0 ? [['And', count(n, 'peer more', 'peers more')]] : []);

/** Whether two wishes are the same. @param {Intent} a @param {Intent} b */
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/* Rows by hand. */

/** Parts as shares that sum to 1, without those of none; null where nothing is left. @param {[number, number][]} parts @returns {[number, number][]|null} */
export function normalised(parts) {
  const some = parts.filter(([, x]) => Number.isFinite(x) && x > 0);
  const largest = some.reduce((m, [, x]) => Math.max(m, x), 0);
  const total = some.reduce((a, [, x]) => a + x / largest, 0);
  return some.length > 0 ? some.map(([uid, x]) => [uid, x / largest / total]) : null;
}

/** Scores of a row as shares. @param {[number, number][]} scores @returns {[number, number][]} */
export const shares = (scores) => scores.map(([uid, score]) => [uid, score / WHOLE_ROW]);

/** Length ‖ΔW‖₂ of the step from one row to another, both as shares. @param {[number, number][]} from @param {[number, number][]} to */
export function distance(from, to) {
  const difference = new Map(to);
  for (const [uid, share] of from) difference.set(uid, (difference.get(uid) ?? 0) - share);
  return Math.sqrt([...difference.values()].reduce((a, d) => a + d * d, 0));
}
