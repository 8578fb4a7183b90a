// @ts-check
/** Numbers as a person reads them: a true minus sign, a unit, as many digits as mean something. */

const MINUS = '\u2212';
const grouped = new Intl.NumberFormat('en', {maximumFractionDigits: 0});

/** @param {number} x */
export const whole = (x) => grouped.format(Math.round(x)).replace('-', MINUS);

/** @param {number} x @param {number} digits */
export const fixed = (x, digits) => new Intl.NumberFormat('en', {minimumFractionDigits: digits, maximumFractionDigits: digits}).format(x).replace('-', MINUS);

/** Three digits that count. @param {number} x */
export function short(x) {
  if (!Number.isFinite(x)) return '–';
  if (x === 0) return '0';
  const size = Math.abs(x);
  if (size < 1e-4) return `${x.toExponential(1).replace('e-', ' × 10⁻').replace(/⁻(\d+)$/, (_, n) => `⁻${[...n].map((d) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(d)]).join('')}`)}`.replace('-', MINUS);
  return new Intl.NumberFormat('en', {maximumSignificantDigits: size >= 1000 ? Math.ceil(Math.log10(size)) : 3}).format(x).replace('-', MINUS);
}

/** The same with all three, for columns. @param {number} x */
export const three = (x) => (x !== 0 && Math.abs(x) >= 1e-4 && Math.abs(x) < 100 ? new Intl.NumberFormat('en', {minimumSignificantDigits: 3, maximumSignificantDigits: 3}).format(x).replace('-', MINUS) : short(x));

/** A share of one in per cent. @param {number} x */
export const percent = (x) => (!Number.isFinite(x) ? '–' : x > 0 && x < 0.001 ? '< 0.1 %' : `${fixed(x * 100, 1)} %`);

/** Tokens from base units, 10⁹ a token. @param {bigint|number} units */
export const tokens = (units) => Number(units) / 1e9;

/** @param {number} n @param {string} one @param {string} [many] */
export const count = (n, one, many = `${one}s`) => `${whole(n)} ${n === 1 ? one : many}`;

/** The start of a key. @param {string} key */
export const start = (key) => key.slice(0, 8);

/** @param {number} ms */
export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** Date and time, as where the reader is. @param {number} time ms since 1970 */
export const moment = (time) => new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'medium'}).format(time);
