// The form in which every benchmark prints what it measured: tables of cells with units, spreads and aims, as
// crates/app/xtask/src/bench/table.rs reads them and `cargo xtask bench` shows them.

/** @typedef {{value: number, spread?: [number, number], at_most?: number, at_least?: number}} Cell */
/** @typedef {{name: string, unit?: string, cells: (Cell|null)[], note?: string}} Row */
/** @typedef {{name: string, unit?: string}} Column */
/** @typedef {{x: string, y: string[], log?: boolean, alone?: boolean}} Plot */
/** @typedef {{title: string, columns: Column[], rows: Row[], notes?: string[], plot?: Plot}} Table */
/** @typedef {number|null|undefined|(number|null|undefined)[]} Measured */

/** Measured less, and less sure: `cargo xtask bench --quick`. */
export const quick = process.argv.includes('--quick');

/** The numbers among `values`, in order. @param {(number|null|undefined)[]} values */
const sorted = (values) => /** @type {number[]} */ (values.filter((x) => typeof x === 'number' && Number.isFinite(x))).sort((a, b) => a - b);

/** @param {(number|null|undefined)[]} values */
export function median(values) {
  const all = sorted(values);
  return all.length === 0 ? null : all[all.length >> 1];
}

/**
 * One figure, or the median of several with their least and most; null where there is none.
 * @param {Measured} measured @param {{at_most?: number, at_least?: number}} [aim] @returns {Cell|null}
 */
export function cell(measured, aim = {}) {
  const all = sorted(Array.isArray(measured) ? measured : [measured]);
  if (all.length === 0) return null;
  const spread = /** @type {[number, number]} */ ([all[0], all[all.length - 1]]);
  return {value: all[all.length >> 1], ...(all.length > 1 ? {spread} : {}), ...aim};
}

/**
 * A table of single figures, each with its own unit.
 * @param {string} title @param {{name: string, unit: string, measured: Measured, note?: string, at_most?: number, at_least?: number}[]} figures
 * @param {string[]} [notes] @returns {Table}
 */
export function list(title, figures, notes = []) {
  const rows = figures.map(({name, unit, measured, note, ...aim}) => ({name, unit, cells: [cell(measured, aim)], ...(note ? {note} : {})}));
  return {title, columns: [{name: ''}], rows, notes};
}

/** Prints what was measured, with the browser that it was measured in. @param {Table[]} tables @param {string} [browser] */
export function publish(tables, browser) {
  console.log(JSON.stringify({...(browser ? {browser} : {}), tables}));
}
