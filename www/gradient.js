// @ts-check
/** Which way what would move: the own gradients as numbers, or the reason why there is none, never a zero in its place. */

import {figure, flat, row, steepest} from './auditing.js';
import {attribute, cells, each, fill, make, meter, rowsOf, show, the, write} from './dom.js';
import * as format from './format.js';
import {sentence} from './lines.js';

/** @typedef {import('./types.js').State} State */

const ROWS = 64; // entries of a row
const STEEPEST = 'where it is steepest';
const HEADS = ['Peer', 'Weight', '∂s*/∂w', '∂p/∂w', '∂P/∂w'];

/** @param {State} s */
export function drawGradient(s) {
  if (s.joinedAt == null) return;
  const {own} = s;
  if (!own) return;
  const none = 'this tab has no place on the ledger yet, and so no figure of its own';
  const registered = own.uid != null;
  put('trust', !registered ? {reason: none} : own.trust == null ? {reason: 'the mechanism of this chain measures no trust along rows'} : number(own.trust, (x) => format.fixed(x, 3)));
  put('scaling', number(own.scalingGradient, format.signed));
  const gradients = [row(own.clippingGradient), row(own.paidGradient), row(own.payoffGradient)];
  const clipped = figure(own.clipped);
  const [most, mostPaid, mostPayoff] = gradients.map((g) => ('values' in g ? {text: steepest(g.values), more: flat(g.values) ? '' : STEEPEST} : g));
  put('clipping', 'text' in most && 'value' in clipped ? {text: `${format.percent(clipped.value)} of all stake`, more: [most.text, most.more].filter((t) => t).join(', ')} : most);
  put('paid', mostPaid);
  put('payoff', mostPayoff);
  show(the('clipping-label'), own.advisory !== false);
  show(the('gradient-hint'), Boolean(own.hint));
  fill('gradient-hint', own.hint ? sentence(own.hint) : '');
  drawTable(own, gradients);
}

/** @param {any} x @param {(x: number) => string} words @returns {{text: string}|{reason: string}} */
function number(x, words) {
  const f = figure(x);
  return 'value' in f ? {text: words(f.value)} : f;
}

/** A figure, or why there is none. @param {string} name @param {{text: string, more?: string}|{reason: string}} found */
function put(name, found) {
  const place = /** @type {HTMLElement} */ (the('gradients').querySelector(`[data-figure="${name}"] .value`));
  const none = 'reason' in found;
  place.classList.toggle('none', none);
  if (place.childElementCount === 0) place.replaceChildren(make('b'), ' ', make('span', 'reason'));
  write(place.children[0], none ? 'None.' : found.text);
  write(place.children[1], none ? sentence(found.reason) : (found.more ?? ''));
}

/** The own row, and what each of its weights would move. @param {any} own @param {({values: Map<number, number>}|{reason: string})[]} gradients */
function drawTable(own, gradients) {
  const weights = new Map(/** @type {[number, number][]} */ (own.row));
  const total = [...weights.values()].reduce((a, w) => a + w, 0) || 1;
  const named = new Set([...weights.keys(), ...gradients.flatMap((g) => ('values' in g ? largest(g.values) : []))]);
  const order = [...named].sort((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0) || a - b).slice(0, ROWS);
  const table = the('gradient-table');
  show(table, order.length > 0);
  const shown = gradients.map((g) => 'values' in g);
  table.querySelectorAll('thead th').forEach((th, i) => i >= 2 && show(/** @type {HTMLElement} */ (th), shown[i - 2]));
  each(
    rowsOf('gradient-table'),
    order,
    String,
    () => cells(HEADS, [1, 2, 3, 4]),
    (tr, uid) => {
      const weight = weights.get(uid);
      write(tr.children[0], uid === own.uid ? `${uid}, myself` : String(uid));
      write(tr.children[1], weight === undefined ? 'none' : format.percent(weight / total));
      meter(tr.children[1], weight === undefined ? null : weight / total);
      gradients.forEach((g, i) => {
        const cell = /** @type {HTMLElement} */ (tr.children[2 + i]);
        const value = 'values' in g ? g.values.get(uid) : undefined;
        show(cell, shown[i]);
        write(cell, value === undefined ? '–' : format.signed(value));
        attribute(cell, 'data-sign', value === undefined || value === 0 ? null : value > 0 ? 'up' : 'down');
      });
    },
  );
}

/** Peers that are not in the row but whose weight would move much. @param {Map<number, number>} values */
const largest = (values) => [...values].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 4).map(([uid]) => uid);
