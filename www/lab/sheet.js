// @ts-check
/** The styles of the element, from lab.css beside this file: fetched by the browser once, whatever the page's own styles are. */

import {make} from './dom.js';

/** Puts `section` into a shadow root, unseen until its styles are there. @param {ShadowRoot} root @param {HTMLElement} section */
export function styled(root, section) {
  const seen = () => (section.hidden = false);
  section.hidden = true;
  root.append(make('link', {rel: 'stylesheet', href: new URL('./lab.css', import.meta.url).href, onload: seen, onerror: seen}), section);
}
