// @ts-check
/** A row by hand: parts that are made to sum to the whole, what they would change, and the wish to sign them. */

import {confirm} from './confirm.js';
import {attribute, cells, each, fill, rowsOf, the, write} from './dom.js';
import * as format from './format.js';
import {distance, normalised, shares} from './intents.js';
import {bars, stretch} from './row.js';

/** @typedef {import('./types.js').State} State */

const ROWS = 64; // entries of a row
const STILL = 5e-4; // a shorter step is what rounding makes of the ledger’s row
const HEADS = ['Peer', 'Parts', 'Share', 'Change'];

/** What was typed, by peer; null: nothing yet, and the ledger's row is shown. @type {Map<number, string>|null} */
let parts = null;
/** @type {() => void} */
let draw = () => {};

/** The ledger's row, as parts of a hundred. @param {State} s */
const begun = (s) => new Map(shares(s.own.row).map(([uid, share]) => [uid, String(Number((share * 100).toFixed(2)))]));

/** @param {State} s */
export function drawHand(s) {
  if (the('hand').hidden || s.own == null) return;
  if (parts == null || parts.size === 0) parts = s.own.row.length > 0 ? begun(s) : new Map([[s.own.uid, '100']]);
  const wrong = [...parts].filter(([, text]) => !fine(text));
  const to = normalised([...parts].map(([uid, text]) => [uid, fine(text) ? Number(text) : 0]));
  const [before, after] = [new Map(shares(s.own.row)), new Map(to ?? [])];
  each(
    rowsOf('hand-table'),
    [...parts],
    ([uid]) => String(uid),
    ([uid]) => line(uid, s.own.uid),
    (tr, [uid, text]) => {
      const input = /** @type {HTMLInputElement} */ (tr.children[1].firstElementChild);
      if (document.activeElement !== input && input.value !== text) input.value = text;
      attribute(input, 'aria-invalid', fine(text) ? null : 'true');
      write(tr.children[2], fine(text) ? format.percent(after.get(uid) ?? 0) : '–');
      stretch(tr.children[3], before.get(uid) ?? 0, after.get(uid) ?? 0);
    },
  );
  const step = to ? distance(shares(s.own.row), to) : 0;
  fill(
    'hand-said',
    wrong.length > 0
      ? `Peer ${wrong[0][0]}: “${wrong[0][1]}” is no number of parts. Write zero or more.`
      : to == null
        ? 'At least one peer must get a part.'
        : step < STILL
          ? 'This is the row that stands on the ledger.'
          : `A step of length ${format.fixed(step, 3)} from the ledger’s row${s.own.version === 0 ? '; a first row is exempt from the chain’s ε' : '; what the chain’s ε does not allow at once follows with later updates'}.`,
  );
  /** @type {HTMLButtonElement} */ (the('hand-sign')).disabled = wrong.length > 0 || to == null || step < STILL;
}

/** @param {string} text */
const fine = (text) => text.trim() !== '' && Number.isFinite(Number(text)) && Number(text) >= 0;

/** A row of the table with its field. @param {number} uid @param {number} own */
function line(uid, own) {
  const tr = cells(HEADS, [2]);
  const name = uid === own ? `${uid}, myself` : String(uid);
  write(tr.children[0], name);
  const input = document.createElement('input');
  Object.assign(input, {type: 'text', inputMode: 'decimal', autocomplete: 'off', maxLength: 20});
  input.setAttribute('aria-label', `Parts of peer ${name}`);
  input.addEventListener('input', () => {
    parts?.set(uid, input.value);
    draw();
  });
  tr.children[1].append(input);
  tr.children[3].append(...bars());
  return tr;
}

/** Makes the form work. @param {{state: () => State, draw: () => void}} with_ */
export function startHand({state, draw: again}) {
  draw = again;
  const field = /** @type {HTMLInputElement} */ (the('hand-peer'));
  const add = () => {
    const s = state();
    const uid = field.valueAsNumber;
    const fault = !Number.isInteger(uid)
      ? 'Write the number of a peer.'
      : !(uid in s.keys)
        ? `No peer ${uid} stands on the verified ledger.`
        : parts?.has(uid)
          ? `Peer ${uid} is in the row already.`
          : (parts?.size ?? 0) >= ROWS
            ? `A row holds at most ${ROWS} peers.`
            : '';
    fill('hand-fault', fault);
    attribute(field, 'aria-invalid', fault ? 'true' : null);
    if (fault) return field.focus();
    parts ??= new Map();
    parts.set(uid, '0');
    field.value = '';
    draw();
    /** @type {HTMLElement|null} */ (the('hand-table').querySelector('tbody tr:last-child input'))?.focus();
  };
  the('hand-add').addEventListener('click', add);
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault(); // it adds, and does not sign
    add();
  });
  the('hand-reset').addEventListener('click', () => {
    parts = null;
    draw();
  });
  the('hand').addEventListener('submit', (event) => {
    event.preventDefault();
    const row = normalised([...(parts ?? [])].map(([uid, text]) => [uid, fine(text) ? Number(text) : 0]));
    if (!row || /** @type {HTMLButtonElement} */ (the('hand-sign')).disabled) return;
    fill('hand-fault', confirm({type: 'weights', row}, () => fill('hand-said', 'Asked for.')) ?? '');
  });
}
