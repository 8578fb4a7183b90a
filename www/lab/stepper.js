// @ts-check
/** Step forward and back: buttons, a slider, and what the figure shows at that step. Nothing moves by itself unless asked to. */

import {make, said} from './dom.js';

const FRAMES = 120;
const PAUSE_MS = 50;

export class Stepper {
  #count = 1;
  #at = 0;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #playing;
  /** @type {import('./types.js').Table|null} */
  #table = null;
  /** @type {import('./types.js').Figure|null} */
  #figure = null;
  /** @type {string[]} */
  #colours = [];

  /** @param {(step: number) => void} stepped */
  constructor(stepped) {
    this.stepped = stepped;
    const button = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {() => void} */ onclick) => make('button', {type: 'button', 'aria-label': name, title: name, onclick}, sign);
    this.slider = make('input', {type: 'range', min: 0, step: 1, 'aria-label': 'Step', oninput: () => this.#go(Number(this.slider.value))});
    this.play = button('▶', 'Play', () => this.#toggle());
    this.play.className = 'play';
    this.where = make('b', {class: 'where'});
    this.values = make('ul', {class: 'values'});
    this.element = make(
      'div',
      {class: 'stepper', role: 'group', 'aria-label': 'Step forward and back'},
      make('div', {class: 'steps'}, button('⇤', 'First step', () => this.#go(0)), button('‹', 'Step back', () => this.#go(this.#at - 1)), this.play, button('›', 'Step forward', () => this.#go(this.#at + 1)), button('⇥', 'Last step', () => this.#go(this.#count - 1)), this.slider),
      make('div', {class: 'read'}, this.where, this.values),
    );
  }

  /**
   * Steps through the lines of this table.
   * @param {import('./types.js').Table} table @param {import('./types.js').Figure} figure @param {string[]} colours of its series
   */
  build(table, figure, colours) {
    this.#table = table;
    this.#figure = figure;
    this.#colours = colours;
    this.#count = Math.max(...table.columns.map((column) => column.values.length), 1);
    this.slider.max = String(this.#count - 1);
    this.element.hidden = this.#count < 2;
  }

  /** Shows this step. @param {number} step */
  show(step) {
    this.#at = step;
    this.slider.value = String(step);
    const column = (/** @type {string} */ name) => this.#table?.columns.find((one) => one.name === name);
    const x = column(this.#figure?.x ?? '');
    this.where.textContent = x ? `${x.name} ${cell(x, step)}` : '';
    const items = (this.#figure?.series ?? []).slice(0, 8).map((name, i) => {
      const one = column(name);
      const swatch = make('span', {class: 'swatch', 'data-colour': this.#colours[i] ?? ''});
      return make('li', {}, swatch, `${name} `, make('b', {}, one ? cell(one, step) : '–'));
    });
    this.values.replaceChildren(...items);
    this.slider.setAttribute('aria-valuetext', `${this.where.textContent}: ${items.map((item) => item.textContent).join(', ')}`);
  }

  /** Stops where it plays. */
  stop() {
    clearInterval(this.#playing);
    this.#playing = undefined;
    this.play.textContent = '▶';
    this.play.setAttribute('aria-label', 'Play');
    this.play.title = 'Play';
  }

  #toggle() {
    if (this.#playing !== undefined) return this.stop();
    if (this.#at >= this.#count - 1) this.stepped(0);
    const stride = Math.ceil(this.#count / FRAMES);
    this.play.textContent = '❚❚';
    this.play.setAttribute('aria-label', 'Pause');
    this.play.title = 'Pause';
    this.#playing = setInterval(() => {
      const next = Math.min(this.#at + stride, this.#count - 1);
      this.stepped(next);
      if (next === this.#count - 1) this.stop();
    }, Math.max(PAUSE_MS, Math.min(400, 6_000 / this.#count)));
  }

  /** @param {number} step */
  #go(step) {
    this.stop();
    this.stepped(Math.min(Math.max(step, 0), this.#count - 1));
  }
}

/** A number of a column with its unit, or the word that it stands for. @param {import('./types.js').Column} column @param {number} line */
export function cell({values, labels, unit}, line) {
  const value = values[line];
  if (value === undefined) return '–';
  if (labels.length) return labels[value] ?? '–';
  return unit ? `${said(value)} ${unit}` : said(value);
}
