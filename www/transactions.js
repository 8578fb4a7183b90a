// @ts-check
/** What this tab has signed and where it stands, and the form to sign one by hand. */

import {isIn, kind} from './auditing.js';
import {confirm} from './confirm.js';
import {attribute, cells, each, fill, rowsOf, show, the, write} from './dom.js';
import * as format from './format.js';
import {read} from './intents.js';
import {sentence} from './lines.js';

/** @typedef {import('./types.js').State} State */

const SHOWN = 24;

/** @type {Record<string, string>} */
const NAMES = {
  weights: 'My row',
  register: 'Registration',
  transfer: 'Transfer',
  sponsor: 'Sponsoring',
  subscribe: 'A place bought',
  stake: 'Stake put in',
  unstake: 'Stake taken out',
  leave: 'The place given up',
  purchase: 'Answers bought',
};

/** What each wish means, before anything is signed. @type {Record<string, string>} */
const SAYS = {
  transfer: 'Tokens of an account go to another, which is opened if need be.',
  stake: 'Balance becomes stake, which gives this tab’s row its influence.',
  unstake: 'Stake counts no longer and becomes balance after the unbonding time.',
  sponsor: 'Somebody else gets the price of a place, and needs no proof of work to take part.',
  leave: 'This tab’s number is freed, and its stake becomes balance after the unbonding time.',
};

/** @param {State} s */
export function drawTransactions(s) {
  if (s.joinedAt == null) return;
  const list = [
    ...s.asked.map((a) => ({key: `asked ${a.id}`, what: a.words, by: a.signer, at: a.at, state: a.reason == null ? {type: 'asked'} : {type: 'unasked', reason: a.reason}, digest: ''})),
    ...s.transactions.map((t) => ({key: t.digest, what: NAMES[kind(t.action)] ?? sentence(t.action).replace(/\.$/, ''), by: t.signer, at: t.since, state: t.state, digest: t.digest})),
  ].sort((a, b) => b.at - a.at);
  const waiting = s.asked.filter((a) => a.reason == null).length + s.transactions.filter((t) => t.state.type === 'pending').length;
  const ins = s.transactions.filter((t) => isIn(t.state)).length;
  fill('transactions-state', list.length === 0 ? 'None yet. This tab signs its registration and its rows by itself.' : `${format.whole(ins)} in blocks, ${format.whole(waiting)} on the way${list.length > SHOWN ? `; the newest ${SHOWN} are shown` : ''}.`);
  show(the('transactions-table'), list.length > 0);
  each(
    rowsOf('transactions-table'),
    list.slice(0, SHOWN),
    (t) => t.key,
    () => cells(['What', 'Key', 'Where it stands', 'Digest'], []),
    (tr, t) => {
      write(tr.children[0], t.what);
      write(tr.children[1], t.by);
      write(tr.children[2], standing(t.state));
      attribute(tr.children[2], 'data-standing', t.state.type);
      write(tr.children[3], t.digest ? format.short(t.digest) : '–');
      attribute(tr.children[3], 'title', t.digest || null);
    },
  );
  drawForm(s);
}

/** Where a transaction stands. @param {any} state */
function standing(state) {
  switch (state.type) {
    case 'asked':
      return 'Being signed';
    case 'unasked':
      return `Not signed: ${bare(state.reason)}`;
    case 'pending':
      return 'Pending: signed and handed on, waits for a block';
    case 'included':
      return `Included: its effect stands in the verified tables of block ${format.whole(state.height)}`;
    case 'final':
      return `Final: block ${format.whole(state.height)}, ${format.ordinal(state.index + 1)} in it, proven here`;
    default:
      return `Refused: ${bare(state.reason ?? 'no reason was given')}`;
  }
}

/** A reason without its full stop. @param {string} text */
const bare = (text) => text.trim().replace(/\.$/, '');

const what = () => /** @type {HTMLSelectElement} */ (the('intent-what')).value;

/** @param {State} s */
function drawForm(s) {
  const type = what();
  show(the('intent-from-line'), type === 'transfer' && s.identity?.cold != null);
  show(the('intent-to-line'), type === 'transfer' || type === 'sponsor');
  show(the('intent-amount-line'), type !== 'sponsor' && type !== 'leave');
  fill('intent-to-label', type === 'sponsor' ? 'Their public key' : 'To, a public key');
  const has = !s.own ? '' : type === 'unstake' ? ` There is ${format.amount(s.own.stake)} of it.` : type === 'transfer' || type === 'stake' ? ` The balance${s.identity?.cold ? ' of the cold key' : ''} is ${format.amount(s.own.balance)}.` : '';
  fill('intent-says', `${SAYS[type]}${has}`);
}

const FIELDS = {what: 'intent-what', to: 'intent-to', amount: 'intent-amount'};

/** Makes the form work. @param {{state: () => State, draw: () => void}} with_ */
export function startTransactions({state, draw}) {
  const value = (/** @type {string} */ id) => /** @type {HTMLInputElement|HTMLSelectElement} */ (the(id)).value;
  const clean = () => {
    fill('intent-fault', '');
    fill('intent-said', '');
    for (const id of Object.values(FIELDS)) attribute(the(id), 'aria-invalid', null);
  };
  the('intent').addEventListener('input', clean);
  the('intent-what').addEventListener('change', () => {
    clean();
    draw();
  });
  the('intent').addEventListener('submit', (event) => {
    event.preventDefault();
    clean();
    const form = {what: what(), to: value('intent-to'), amount: value('intent-amount'), from: value('intent-from')};
    const found = read(form, state());
    if ('fault' in found) {
      fill('intent-fault', found.fault);
      attribute(the(FIELDS[found.field]), 'aria-invalid', 'true');
      the(FIELDS[found.field]).focus();
      return;
    }
    const busy = confirm(found.intent, () => {
      for (const id of ['intent-to', 'intent-amount']) /** @type {HTMLInputElement} */ (the(id)).value = '';
      fill('intent-said', 'Asked for; the list above says where it stands.');
      the('intent-what').focus();
    });
    fill('intent-fault', busy ?? '');
  });
}
