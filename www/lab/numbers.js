// @ts-check
/** Formulas, facts and tables of a run. Long tables show their beginning and the lines around the step. */

import {capital, make, parsed, said} from './dom.js';

/** @typedef {import('./types.js').Formula} Formula */
/** @typedef {import('./types.js').Reading} Reading */

/** Lines of a table that are shown around the step. */
const AROUND = 12;

/** @param {Formula[]} formulas */
export function formulasOf(formulas) {
  return formulas.map((formula) => {
    const terms = formula.terms.map((term) => make('li', {}, parsed(term.symbol), ` ${term.about}`));
    const right = make('div', {class: 'reading'}, ...(formula.literal ? [make('p', {class: 'kind'}, 'Right')] : []), ...lines(formula.right));
    const literal = formula.literal;
    const readings = literal
      ? make('div', {class: 'readings'}, right, make('div', {class: 'reading literal'}, make('p', {class: 'kind'}, 'As the draft prints it'), ...lines(literal), make('p', {class: 'why'}, literal.why ?? '')))
      : right;
    return make('li', {class: 'formula'}, make('p', {class: 'says'}, `${formula.says}.`), readings, ...(terms.length ? [make('ul', {class: 'terms'}, ...terms)] : []));
  });
}

/** Wide formulas scroll, so that they can be reached by keys. @param {Reading} reading */
function lines({text, math, numbers}) {
  const line = (/** @type {string} */ text, /** @type {string} */ name) => make('div', {class: 'math', role: 'group', tabindex: 0, 'aria-label': name}, parsed(text));
  // A symbol by itself says nothing before its number.
  if (numbers && /^\p{L}(_\w+|′)?$/u.test(text)) return [line(numbers, 'Number')];
  return [line(math, 'Formula'), ...(numbers ? [line(numbers, 'With numbers')] : [])];
}

/** @param {import('./types.js').Outline['facts']} facts */
export function factsOf(facts) {
  return facts.map(({name, value, unit}) => make('div', {}, make('dt', {}, capital(name)), make('dd', {}, make('b', {}, said(value)), unit ? ` ${unit}` : '')));
}

/**
 * A table, as its line `step` is looked at.
 * @param {import('./types.js').Table} table @param {number|null} step
 */
export function tableOf(table, step) {
  const count = Math.max(...table.columns.map((column) => column.values.length), 0);
  const first = step === null ? 0 : Math.min(Math.max(step - Math.floor(AROUND / 2), 0), Math.max(count - AROUND, 0));
  const last = Math.min(first + AROUND, count);
  const heads = table.columns.map(({name, unit}) => make('th', {scope: 'col'}, unit ? `${name} [${unit}]` : name));
  const rows = Array.from({length: last - first}, (_, i) => {
    const line = first + i;
    const cells = table.columns.map(({values, labels}, place) => {
      const value = values[line];
      const text = value === undefined ? '' : labels.length ? (labels[value] ?? '') : said(value);
      return place === 0 ? make('th', {scope: 'row'}, text) : make('td', {}, text);
    });
    return make('tr', {'aria-current': line === step ? 'step' : null}, ...cells);
  });
  const where = last - first < count ? `, lines ${first + 1} to ${last} of ${count}; the CSV has all` : `, ${count} ${count === 1 ? 'line' : 'lines'}`;
  const whole = make('table', {}, make('caption', {}, `${capital(table.name)}${where}`), make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...rows));
  return make('div', {class: 'wide', role: 'group', tabindex: 0, 'aria-label': `Table ${table.name}`}, whole);
}
