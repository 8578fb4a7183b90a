// @ts-check
/** The few things the lab does to a document. Text goes in as text; markup comes from our own module alone. */

/**
 * A new element. `on…` are listeners, `true` an empty attribute, `false` and `null` none.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [given] @param {...(Node|string|null)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** A new element of SVG. @param {string} tag @param {Record<string, string|number>} given */
export function drawn(tag, given = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(given)) element.setAttribute(name, String(value));
  return element;
}

/** The element that our module wrote: SVG or MathML. @param {string} text */
export function parsed(text) {
  const root = new DOMParser().parseFromString(text, 'application/xml').documentElement;
  return /** @type {Element} */ (document.importNode(root, true));
}

/** A number with four digits that count, a true minus and no more than people read. @param {number} x */
export function said(x) {
  if (!Number.isFinite(x)) return x > 0 ? '∞' : '–';
  if (x === 0) return '0';
  const size = Math.abs(x);
  if (size >= 1e300) return '∞';
  const text = size >= 1e-4 && size < 1e7 ? new Intl.NumberFormat('en', {maximumSignificantDigits: size >= 1e4 ? 7 : 4}).format(x) : power(x);
  return text.replace(/-/g, '\u2212');
}

/** 1.24 × 10⁻⁷ @param {number} x */
function power(x) {
  const [mantissa, exponent] = x.toExponential(2).split('e');
  const raised = [...String(Number(exponent))].map((c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)])).join('');
  return `${mantissa} × 10${raised}`;
}

/** A sentence begins with a capital. @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
