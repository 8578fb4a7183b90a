// @ts-check
/** The few things done to the document, each only where something changed. Text goes in as text, never as markup. */

/** The element with this id; the page's own markup always has it. @param {string} id */
export function the(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** @param {Element} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} id @param {string} text */
export const fill = (id, text) => write(the(id), text);

/** @param {Element} element @param {string} name @param {string|null} value */
export function attribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @param {HTMLElement} element @param {boolean} shown */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/**
 * A new element with a class and text.
 * @param {string} tag @param {string} [name] @param {string} [text]
 */
export function make(tag, name = '', text = '') {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

/**
 * Makes the children of `parent` one for each of `items`, in order, keeping those whose key stays. Of items
 * with one key each has its own.
 * @template T
 * @param {Element} parent @param {T[]} items @param {(item: T) => string} key
 * @param {(item: T) => HTMLElement} create @param {(element: HTMLElement, item: T) => void} update
 */
export function each(parent, items, key, create, update) {
  const known = new Map([...parent.children].map((c) => [/** @type {HTMLElement} */ (c).dataset.key, /** @type {HTMLElement} */ (c)]));
  const taken = new Set();
  items.forEach((item, i) => {
    let k = key(item);
    while (taken.has(k)) k += ' again';
    taken.add(k);
    let element = known.get(k);
    known.delete(k);
    if (!element) {
      element = create(item);
      element.dataset.key = k;
    }
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null);
    update(element, item);
  });
  for (const gone of known.values()) gone.remove();
}

/**
 * A row of a table, its first cell the header of the row; `numbers`: those that hold numbers.
 * @param {string[]} heads @param {number[]} numbers
 */
export function cells(heads, numbers) {
  const row = make('tr');
  heads.forEach((head, i) => {
    const cell = make(i === 0 ? 'th' : 'td', numbers.includes(i) ? 'number' : '');
    if (i === 0) cell.setAttribute('scope', 'row');
    cell.dataset.head = head;
    row.append(cell);
  });
  return row;
}

/** A thin bar under a number, by a property that the style sheet reads. @param {Element} cell @param {number|null} value */
export function meter(cell, value) {
  const {style} = /** @type {HTMLElement} */ (cell);
  const share = String(value ?? 0);
  if (style.getPropertyValue('--share') !== share) style.setProperty('--share', share);
  cell.classList.toggle('meter', value != null);
}

/** The rows of a table. @param {string} id */
export const rowsOf = (id) => /** @type {Element} */ (the(id).querySelector('tbody'));

/** A file for a person to keep. @param {string} name @param {BlobPart} text @param {string} type */
export function save(name, text, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Lets the browser do what waits, and goes on. @returns {Promise<void>} */
export const rest = () => /** @type {any} */ (globalThis).scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));
