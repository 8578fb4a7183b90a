// @ts-check
/** Numbers as a person reads them: always with a unit, a true minus sign, and as many digits as mean something. */

const MINUS = '\u2212';
const plain = new Intl.NumberFormat('en', {maximumFractionDigits: 0});

/** A whole number with groups: 65,536. @param {number} x */
export const whole = (x) => plain.format(Math.round(x)).replace('-', MINUS);

/** Formats by their decimals: making one takes longer than using it. @type {Map<number, Intl.NumberFormat>} */
const decimals = new Map();

/** `digits` decimals. @param {number} x @param {number} digits */
export function fixed(x, digits) {
  let format = decimals.get(digits);
  if (!format) decimals.set(digits, (format = new Intl.NumberFormat('en', {minimumFractionDigits: digits, maximumFractionDigits: digits})));
  return format.format(x).replace('-', MINUS);
}

const six = new Intl.NumberFormat('en', {maximumSignificantDigits: 6});

/** A number as it was given, at most six digits that count. @param {number} x */
export const plainly = (x) => six.format(x).replace('-', MINUS);

/** A loss in nats a byte. @param {number|null|undefined} x */
export const loss = (x) => (x == null || !Number.isFinite(x) ? '–' : fixed(x, 3));

/** Three significant digits, powers of ten where it is small. @param {number} x */
export function signed(x) {
  if (!Number.isFinite(x)) return 'not a number';
  if (x === 0) return '0';
  const size = Math.abs(x);
  const text = size >= 1e-3 && size < 1e5 ? String(Number(x.toPrecision(3))) : power(x);
  return (x > 0 ? '+' : '') + text.replace(/-/g, MINUS);
}

/** 1.24 × 10⁻⁷ @param {number} x */
function power(x) {
  const [mantissa, exponent] = x.toExponential(2).split('e');
  const raised = [...String(Number(exponent))].map((c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)])).join('');
  return `${mantissa} × 10${raised}`;
}

/** A share of 1 in per cent. @param {number} x */
export const percent = (x) =>
  !Number.isFinite(x) ? '–' : x !== 0 && Math.abs(x) < 0.001 ? `< 0.1 %` : `${fixed(x * 100, 1)} %`;

/** Bytes in decimal units. @param {number} n */
export function bytes(n) {
  if (n < 1000) return `${whole(n)} B`;
  if (n < 1e6) return `${fixed(n / 1e3, n < 1e4 ? 1 : 0)} kB`;
  if (n < 1e9) return `${fixed(n / 1e6, n < 1e7 ? 1 : 0)} MB`;
  return `${fixed(n / 1e9, 2)} GB`;
}

/** Something a second, with one digit where it is small. @param {number} x */
export const pace = (x) => (x < 10 ? fixed(x, x < 1 ? 2 : 1) : whole(x));

/** A length of time. @param {number} ms @returns {string} */
export function duration(ms) {
  if (ms < 0) return MINUS + duration(-ms);
  if (ms < 1000) return `${whole(ms)} ms`;
  if (ms < 60_000) return `${fixed(ms / 1000, 1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** A round trip in milliseconds. @param {number|null|undefined} ms */
export const roundTrip = (ms) => (ms == null ? '–' : ms < 10 ? `${fixed(ms, 1)} ms` : duration(ms));

/** Tokens from base units as text, at most six decimals. @param {string} base */
export function tokens(base) {
  if (!/^\d+$/.test(base)) return '–';
  const units = BigInt(base);
  const millionths = units / 1000n;
  if (units > 0n && millionths === 0n) return '< 0.000001';
  const fraction = String(millionths % 1_000_000n).padStart(6, '0').replace(/0+$/, '');
  const integer = plain.format(millionths / 1_000_000n);
  return fraction ? `${integer}.${fraction}` : integer;
}

/** Tokens with their unit. @param {string} base */
export const amount = (base) => (tokens(base) === '–' ? '–' : `${tokens(base)} tokens`);

/** The start of a key or digest, enough to tell them apart. @param {string|null|undefined} hex */
export const short = (hex) => (hex ? hex.slice(0, 8) : '–');

/** `1 peer`, `2 peers`. @param {number} n @param {string} one @param {string} [many] */
export const count = (n, one, many = `${one}s`) => `${whole(n)} ${n === 1 ? one : many}`;

/** First, second, third: 1st, 2nd, 3rd, 4th. @param {number} n */
export function ordinal(n) {
  const tail = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return whole(n) + tail;
}
