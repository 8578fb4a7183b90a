// @ts-check
/** My next row: what it follows, the step that the light client proposes, and what that would change. */

import {isWeights} from './auditing.js';
import {cells, each, fill, make, rowsOf, show, the, write} from './dom.js';
import * as format from './format.js';
import {distance, shares} from './intents.js';
import {policyWords} from './policy.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Policy} Policy */

const ROWS = 64; // entries of a row
const HEADS = ['Peer', 'Now', 'Next', 'Change'];

/** What of a proposal is shown: name, key, whether it is a share of 1. @type {[string, string, boolean][]} */
const EFFECTS = [
  ['My rank', 'rank', true],
  ['My trust', 'trust', false],
  ['My stake after clipping', 'clipped', true],
  ['What I am paid of an epoch', 'paid', true],
  ['The chain’s loss', 'loss', false],
];

const FOLLOWED = {scores: 'the scores', payoff: 'my payoff', hand: 'what I write', never: 'nothing'};

/** What a proposal follows. @param {any} policy */
const followed = (policy) => (typeof policy === 'string' ? policy : policy?.type);

/** @param {State} s */
export function drawRow(s) {
  if (s.joinedAt == null) return;
  drawState(s);
  drawPolicy(s);
  drawProposal(s);
}

/** @param {State} s */
function drawState(s) {
  const {own} = s;
  const waiting = s.transactions.some((t) => isWeights(t.action) && t.state.type === 'pending');
  if (s.audit.wrong) fill('row-state', 'No row is signed any more: the chain’s figures differ from those computed here.');
  else if (own?.uid == null) fill('row-state', 'No row yet: this tab has no place on the ledger.');
  else if (own.row.length === 0) fill('row-state', `No row on the ledger yet${waiting ? '; a first one is signed and waits for its block' : ''}.`);
  else if (own.version === 0) fill('row-state', `Not updated yet: a new peer’s row is all on itself${waiting ? '; a first one of its own is signed and waits for its block' : ''}.`);
  else fill('row-state', `Updated ${own.version === 1 ? 'once' : `${format.whole(own.version)} times`}, as of block ${format.whole(own.height)}${waiting ? '; the next one is signed' : ''}.`);
}

/** @type {string|null} */
let drawn = null;

/** @param {State} s */
function drawPolicy(s) {
  const now = JSON.stringify(s.policy);
  if (drawn !== now) {
    drawn = now;
    for (const radio of document.querySelectorAll('input[name="policy"]')) {
      const input = /** @type {HTMLInputElement} */ (radio);
      input.checked = input.value === s.policy.type;
    }
    if (s.policy.type === 'payoff') /** @type {HTMLInputElement} */ (the('alpha')).value = String(s.policy.alpha);
    fill('policy-said', policyWords(s.policy));
  }
  show(the('alpha-line'), s.policy.type === 'payoff');
  show(the('hand'), s.policy.type === 'hand' && s.own?.uid != null && !s.audit.wrong);
}

/** @param {State} s */
function drawProposal(s) {
  const p = s.proposal;
  const there = p != null && Array.isArray(p.row) && s.own?.uid != null && followed(p.policy) === s.policy.type;
  show(the('proposal'), there);
  show(the('proposal-table'), there && s.policy.type !== 'hand');
  if (!there) return;
  fill('proposal-title', p.signed ? 'The step signed last' : 'The step proposed');
  const length = p.length ?? distance(shares(p.from), shares(p.row));
  const still = length === 0 ? 'The row stays as it is' : `Its length is ${format.fixed(length, 3)}`;
  const epsilon = typeof p.epsilon === 'number' ? `; the chain takes steps shorter than ε = ${format.plainly(p.epsilon)}` : '; the chain takes steps shorter than its\u00a0ε';
  const first = s.own.version === 0 ? '; a first row is exempt from ε' : epsilon;
  fill('proposal-length', `It follows ${FOLLOWED[s.policy.type]}. ${still}${first}.`);
  each(
    rowsOf('effect-table'),
    EFFECTS,
    ([, key]) => key,
    () => cells(['Figure', 'Now', 'After', 'Change'], [1, 2, 3]),
    (tr, [name, key, isShare]) => {
      const [a, b] = [p.before?.[key] ?? null, p.after?.[key] ?? null];
      const text = (/** @type {number|null} */ x) => (x == null ? 'none' : isShare ? format.percent(x) : format.signed(x));
      write(tr.children[0], name);
      write(tr.children[1], text(a));
      write(tr.children[2], text(b));
      write(tr.children[3], a == null || b == null ? '–' : b === a ? 'none' : isShare ? `${format.signed((b - a) * 100)} points` : format.signed(b - a));
    },
  );
  drawSteps(rowsOf('proposal-table'), s, shares(p.from), shares(p.row));
}

/** From one row to another, peer by peer, as bars and in words. @param {Element} body @param {State} s @param {[number, number][]} from @param {[number, number][]} to */
function drawSteps(body, s, from, to) {
  const [before, after] = [new Map(from), new Map(to)];
  const all = [...new Set([...after.keys(), ...before.keys()])].sort((a, b) => (after.get(b) ?? 0) - (after.get(a) ?? 0) || a - b);
  each(
    body,
    all.slice(0, ROWS),
    String,
    () => {
      const tr = cells(HEADS, [1, 2]);
      tr.children[3].append(...bars());
      return tr;
    },
    (tr, uid) => {
      const [a, b] = [before.get(uid) ?? 0, after.get(uid) ?? 0];
      write(tr.children[0], uid === s.own?.uid ? `${uid}, myself` : String(uid));
      write(tr.children[1], format.percent(a));
      write(tr.children[2], format.percent(b));
      stretch(tr.children[3], a, b);
    },
  );
}

/** Two bars, one below the other, and the change in words beside them. */
export function bars() {
  const both = make('span', 'bars');
  both.setAttribute('aria-hidden', 'true');
  return [both, make('span', 'change')];
}

/** @param {Element} cell @param {number} from @param {number} to shares of 1 */
export function stretch(cell, from, to) {
  const both = /** @type {HTMLElement} */ (cell.children[0]);
  both.style.setProperty('--from', String(from));
  both.style.setProperty('--to', String(to));
  const change = (to - from) * 100;
  write(cell.children[1], Math.abs(change) < 0.05 ? 'stays' : `${change > 0 ? '+' : ''}${format.fixed(change, 1)} points`);
}

/**
 * Makes the choice work.
 * @param {{policy: (policy: Policy) => void}} with_
 */
export function startRow({policy}) {
  const alpha = /** @type {HTMLInputElement} */ (the('alpha'));
  const choose = () => {
    const type = /** @type {HTMLInputElement|null} */ (document.querySelector('input[name="policy"]:checked'))?.value;
    if (type === 'payoff') {
      show(the('alpha-line'), true);
      const value = alpha.valueAsNumber;
      const fine = Number.isFinite(value) && value >= 0;
      fill('alpha-fault', fine ? '' : 'Write α as a number, zero or more.');
      alpha.toggleAttribute('aria-invalid', !fine);
      if (fine) policy({type, alpha: value});
    } else if (type === 'scores' || type === 'hand' || type === 'never') {
      policy({type});
    }
  };
  the('policy').addEventListener('change', choose);
  the('policy-form').addEventListener('submit', (event) => event.preventDefault());
}
