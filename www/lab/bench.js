// @ts-check
/** The page of all scenarios: their list beside the element, whose state is the address. */

import {scenarios} from './engine.js';
import {make} from './dom.js';

const lab = /** @type {import('./element.js').PeerageLab} */ (document.getElementById('lab'));
const folded = /** @type {HTMLDetailsElement} */ (document.getElementById('scenarios'));
const list = /** @type {HTMLElement} */ (document.getElementById('list'));

// Beside the element where there is room, else folded above it.
const wide = matchMedia('(min-width: 62rem)');
const fold = () => (folded.open = wide.matches);
wide.addEventListener('change', fold);
list.addEventListener('click', fold);
fold();

for (const {name, title} of await scenarios()) list.append(make('li', {}, make('a', {href: `#${name}`, 'data-name': name}, title)));

const mark = () => {
  for (const link of list.querySelectorAll('a')) {
    if (link.dataset.name === lab.state.scenario) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
  document.title = `${list.querySelector('[aria-current]')?.textContent ?? 'All scenarios'} · Peerage lab`;
};
lab.addEventListener('change', mark);
mark();

document.getElementById('skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  lab.focus();
});
