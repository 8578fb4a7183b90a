// @ts-check
/** What is to be tried in a chapter sets its picture: the words are buttons. */

for (const button of document.querySelectorAll('button[data-settings]')) {
  button.addEventListener('click', () => {
    const lab = /** @type {import('./element.js').PeerageLab|null|undefined} */ (button.closest('.chapter')?.querySelector('peerage-lab'));
    if (!lab) return;
    lab.show(/** @type {HTMLElement} */ (button).dataset.settings ?? '');
    // What changes must be seen.
    if (lab.getBoundingClientRect().top < 0) lab.scrollIntoView();
  });
}
