// @ts-check
/** The way to the panels: the one that is read is marked, and what one learns from gives way to what one has learned. */

import {attribute, the} from './dom.js';

/** Marks the link of the topmost panel in sight. */
export function startParts() {
  const links = [...the('parts').querySelectorAll('a')];
  const panels = links.map((link) => the(link.hash.slice(1)));
  const seen = new Set();
  const watch = new IntersectionObserver(
    (changes) => {
      for (const {target, isIntersecting} of changes) {
        if (isIntersecting) seen.add(target);
        else seen.delete(target);
      }
      const first = panels.findIndex((panel) => seen.has(panel));
      links.forEach((link, i) => attribute(link, 'aria-current', i === first ? 'true' : null));
    },
    {rootMargin: '-20% 0px -40% 0px'},
  );
  panels.forEach((panel) => watch.observe(panel));
}

/** Once it has joined, this tab's own figures come first; the choice of a source follows them. */
export function figuresFirst() {
  the('tab').after(the('learning'));
}
