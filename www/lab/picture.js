// @ts-check
/**
 * A figure as the module drew it, and over it a rule at the step that a reader looks at. Pointing at the figure moves the
 * rule. The drawing itself is never changed: lab.css gives its colours their dark twins.
 */

import {drawn, make, parsed} from './dom.js';

/** @typedef {import('./types.js').Drawing} Drawing */
/** @typedef {import('./types.js').Figure} Figure */
/** @typedef {import('./types.js').Table} Table */

export class Picture {
  /** @type {Drawing|null} */
  #drawing = null;
  /** @type {Figure|null} */
  #figure = null;
  /** @type {Table|null} */
  #table = null;

  /** @param {(step: number) => void} stepped is told at which step somebody points */
  constructor(stepped) {
    this.caption = make('figcaption');
    this.sheet = make('div', {class: 'sheet'});
    this.over = drawn('svg', {class: 'over', 'aria-hidden': 'true'});
    this.element = make('figure', {}, this.caption, make('div', {class: 'frame'}, this.sheet, /** @type {any} */ (this.over)));
    const move = (/** @type {PointerEvent} */ event) => {
      const step = this.#near(event.clientX);
      if (step !== null) stepped(step);
    };
    this.sheet.addEventListener('pointerdown', (event) => {
      move(event);
      if (this.#drawing?.marks) this.sheet.setPointerCapture(event.pointerId);
    });
    this.sheet.addEventListener('pointermove', (event) => {
      if (event.buttons === 1) move(event);
    });
  }

  /**
   * Shows a figure.
   * @param {Figure} figure @param {Drawing} drawing @param {Table|null} table where its numbers stand, if its lines are steps
   */
  show(figure, drawing, table) {
    this.#drawing = drawing;
    this.#figure = figure;
    this.#table = drawing.marks ? table : null;
    this.caption.textContent = figure.title;
    this.sheet.replaceChildren(parsed(drawing.svg));
    this.sheet.classList.toggle('pointed', this.#table !== null);
    this.over.setAttribute('viewBox', `0 0 ${drawing.width} ${drawing.height}`);
  }

  /** Moves the rule. @param {number} step */
  point(step) {
    const {marks} = this.#drawing ?? {};
    const across = marks?.across[step];
    if (!marks || !this.#table || across === undefined || !Number.isFinite(across)) {
      this.over.replaceChildren();
      return;
    }
    const rule = drawn('line', {x1: across, x2: across, y1: marks.top, y2: marks.bottom, class: 'rule'});
    const dots = (this.#figure?.mark === 'line' ? this.#figure.series : []).flatMap((name, i) => {
      const value = this.#table?.columns.find((column) => column.name === name)?.values[step];
      if (value === undefined || !Number.isFinite(value)) return [];
      const part = Math.min(Math.max((value - marks.low) / (marks.high - marks.low), 0), 1);
      return [drawn('circle', {cx: across, cy: marks.bottom - part * (marks.bottom - marks.top), r: 4.5, fill: marks.colours[i]})];
    });
    this.over.replaceChildren(rule, ...dots);
  }

  /** The step nearest to a place on the screen. @param {number} clientX */
  #near(clientX) {
    const {marks, width} = this.#drawing ?? {};
    if (!marks || !width || !this.#table) return null;
    const box = this.sheet.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * width;
    let nearest = null;
    let least = Infinity;
    marks.across.forEach((across, step) => {
      const distance = Math.abs(across - x);
      if (distance < least) [nearest, least] = [step, distance];
    });
    return nearest;
  }
}
