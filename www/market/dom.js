// @ts-check
/** The few things done to the document. Text goes in as text, never as markup. */

const NS = 'http://www.w3.org/2000/svg';

/** The element with this id; the page's own markup always has it. @param {string} id */
export function the(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** @param {string} id @param {string} text */
export function fill(id, text) {
  const element = the(id);
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} tag @param {Record<string, string|number|null>} attributes @param {(Node|string)[]} children */
export function make(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** The same in a drawing. @param {string} tag @param {Record<string, string|number|null>} attributes @param {(Node|string)[]} children */
export function draw(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(NS, tag), attributes, children);
}

/** @template {Element} T @param {T} element @param {Record<string, string|number|null>} attributes @param {(Node|string)[]} children */
function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}
