// @ts-check
/**
 * The element `<peerage-lab>`: one scenario with its settings, picture, steps, formulas, numbers, files and link.
 *
 * | attribute | |
 * |---|---|
 * | `scenario` | its name; the first one where nothing is said |
 * | `settings` | those that are not the default, and `seed` and `step`: `share=0.45&blocks=60&step=12` |
 * | `show` | names of settings that stand beside the picture; the others are folded away |
 * | `figures` | `all`: every figure below the other, else one at a time |
 * | `open` | unfolds the formulas |
 * | `bare` | no title and no words of its own, where the page has them
 * | `heading` | level of its heading, 3 where nothing is said |
 * | `linked` | its state is the address of the page, as on the bench |
 * | `theme` | `light` or `dark`, where it is not to follow the reader's wish |
 *
 * It tells `change` with its state as `detail`. It begins to work when it comes into view.
 */

import {among, command, read, written} from './address.js';
import {Controls} from './controls.js';
import {make} from './dom.js';
import {GivenUp, engine, scenarios} from './engine.js';
import {factsOf, formulasOf, tableOf} from './numbers.js';
import {Picture} from './picture.js';
import {file, png, save} from './save.js';
import {Stepper} from './stepper.js';
import {styled} from './sheet.js';

/** @typedef {import('./types.js').Outline} Outline */
/** @typedef {import('./types.js').Drawing} Drawing */
/** @typedef {import('./address.js').State} State */

/** How far from the window it begins to work. */
const NEAR = '600px';
/** A run that takes longer says so and can be stopped. */
const LONG_MS = 400;
/** Widths of drawings are multiples of this, so that resizing draws seldom. */
const GRAIN = 20;
const WIDEST = 720;
const NARROWEST = 280;

export class PeerageLab extends HTMLElement {
  /** @type {State} */
  #state = {scenario: '', seed: '0', step: 0, settings: {}};
  /** @type {import('./types.js').Scenario|undefined} */
  #scenario;
  /** @type {{outline: Outline, drawings: Drawing[]}|null} */
  #shown = null;
  /** @type {{since: number, stop: AbortController}|null} */
  #running = null;
  #again = false;
  #figure = 0;
  #width = 0;
  #begun = false;
  /** @type {Picture[]} */
  #pictures = [];
  #parts = this.#build();
  #controls = new Controls(this.#parts.controls, (name, text) => this.#set(name, text));
  #stepper = new Stepper((step) => this.#step(step));
  #formulas = {wanted: -1, running: false};
  #seen = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && this.#begin(), {rootMargin: NEAR});
  #sized = new ResizeObserver(() => this.#measure());
  #moved = () => this.#follow(location.hash);

  static observedAttributes = ['scenario', 'settings'];

  attributeChangedCallback() {
    if (this.#begun) this.#follow(this.#given());
  }

  connectedCallback() {
    this.#parts.header.hidden = this.hasAttribute('bare');
    this.#parts.title.setAttribute('aria-level', this.getAttribute('heading') ?? '3');
    this.#parts.fold.open = this.hasAttribute('open');
    this.#parts.steps.replaceChildren(this.#stepper.element);
    if (this.#begun) this.#sized.observe(this.#parts.pictures);
    else this.#seen.observe(this);
    if (this.hasAttribute('linked')) addEventListener('hashchange', this.#moved);
  }

  disconnectedCallback() {
    this.#seen.disconnect();
    this.#sized.disconnect();
    this.#stepper.stop();
    this.#running?.stop.abort();
    removeEventListener('hashchange', this.#moved);
  }

  /** What it shows: scenario, seed, step, and settings that are not the default. @returns {State} */
  get state() {
    return structuredClone(this.#state);
  }

  /** The address that shows the same. */
  get link() {
    return new URL(`bench.html${written(this.#state)}`, import.meta.url).href;
  }

  /**
   * Shows its scenario with these settings, written as in the attribute; the defaults stay those of the attribute.
   * @param {string} settings
   */
  async show(settings) {
    await this.#begin();
    await this.#follow(`#${this.#state.scenario}?${settings}`);
  }

  /** The first thing in it that can be used. */
  focus() {
    /** @type {HTMLElement|null|undefined} */ (this.shadowRoot?.querySelector('select, input, button'))?.focus();
  }

  #build() {
    const root = this.attachShadow({mode: 'open'});
    const part = (/** @type {'div'|'p'|'ul'|'dl'} */ tag, /** @type {string} */ name) => make(tag, {class: name});
    const parts = {
      title: make('div', {class: 'title', role: 'heading'}),
      about: part('p', 'about'),
      header: make('header', {}),
      faults: make('div', {class: 'faults', role: 'alert'}),
      controls: part('div', 'set'),
      choose: part('div', 'choose'),
      pictures: part('div', 'pictures'),
      busy: make('p', {class: 'busy', hidden: true}, 'Computing … ', make('button', {type: 'button', onclick: () => this.#running?.stop.abort()}, 'Stop')),
      steps: part('div', 'steps-of'),
      formulas: make('ol', {class: 'formulas'}),
      facts: part('dl', 'facts'),
      tables: part('div', 'tables'),
      open: make('a', {class: 'open'}, 'Open by itself'),
      link: make('input', {type: 'text', readonly: true, 'aria-label': 'Link to exactly this', class: 'link'}),
      said: make('span', {role: 'status', class: 'said'}),
      command: make('code', {}),
    };
    const button = (/** @type {string} */ name, /** @type {() => void} */ onclick) => make('button', {type: 'button', onclick}, name);
    const files = /** @type {const} */ (['csv', 'svg', 'json']).map((kind) => button(kind.toUpperCase(), () => this.#file(kind)));
    files.splice(2, 0, button('PNG', () => this.#png()));
    const formulas = make('details', {class: 'fold'}, make('summary', {}, 'Formulas with these numbers'), parts.formulas);
    const numbers = make('details', {class: 'fold', ontoggle: () => this.#tables()}, make('summary', {}, 'All numbers'), parts.facts, parts.tables);
    parts.header.append(parts.title, parts.about);
    const section = make(
        'div',
        {class: 'lab', role: 'group'},
        parts.header,
        parts.faults,
        make(
          'div',
          {class: 'bench'},
          make('div', {class: 'left'}, parts.choose, parts.busy, parts.pictures, parts.steps),
          make('div', {class: 'right'}, parts.controls, make('div', {class: 'row'}, button('Back to the defaults', () => this.#reset()))),
        ),
        formulas,
        numbers,
        make('details', {class: 'fold'}, make('summary', {}, 'Save, link, or run in a terminal'),
          make('div', {class: 'row'}, ...files, parts.said),
          make('div', {class: 'row'}, parts.link, button('Copy link', () => this.#copy()), parts.open),
          make('p', {class: 'terminal'}, 'The same numbers in a terminal: ', parts.command)),
    );
    styled(root, section);
    return {...parts, section, fold: formulas, numbers};
  }

  async #begin() {
    if (this.#begun) return;
    this.#begun = true;
    this.#seen.disconnect();
    this.#sized.observe(this.#parts.pictures);
    this.#measure();
    await this.#follow(this.#given());
  }

  /** What the address says, or the attributes, as a fragment. */
  #given() {
    return this.hasAttribute('linked') ? location.hash : `#${this.getAttribute('scenario') ?? ''}?${this.getAttribute('settings') ?? ''}`;
  }

  /** Shows what an address says. @param {string} fragment */
  async #follow(fragment) {
    try {
      const {state, faults} = read(fragment, await scenarios());
      this.#fault(faults);
      await this.#use(state);
    } catch (error) {
      this.#fault([`The lab could not be loaded: ${/** @type {Error} */ (error).message}. Load the page again.`]);
    }
  }

  /** @param {State} state */
  async #use(state) {
    const known = (await scenarios()).find((one) => one.name === state.scenario);
    if (!known) return;
    const other = known !== this.#scenario;
    this.#scenario = known;
    this.#state = state;
    if (other) {
      this.#figure = 0;
      this.#shown = null;
      this.#parts.section.setAttribute('aria-label', known.title);
      this.#parts.title.textContent = known.title;
      this.#parts.about.textContent = known.about;
      this.#controls.build(known, (this.getAttribute('show') ?? '').split(/\s+/).filter((name) => name));
    }
    this.#controls.set(known, state);
    this.#tell();
    this.#run();
  }

  /** @param {string} name @param {string} text */
  #set(name, text) {
    const setting = this.#scenario?.settings.find((one) => one.name === name);
    if (name === 'seed') this.#state.seed = text;
    else if (text === String(setting?.default)) delete this.#state.settings[name];
    else this.#state.settings[name] = text;
    this.#fault([]);
    this.#stepper.stop();
    this.#tell();
    this.#run();
  }

  #reset() {
    if (!this.#scenario) return;
    const fresh = among(new URLSearchParams(this.hasAttribute('linked') ? '' : (this.getAttribute('settings') ?? '')), this.#scenario, []);
    this.#fault([]);
    this.#stepper.stop();
    this.#use({scenario: this.#scenario.name, ...fresh});
  }

  /** @param {number} step */
  #step(step) {
    this.#state.step = step;
    this.#tell();
    this.#point();
  }

  /** Runs what is set; while a run goes on the next waits, and a long one is given up for it. */
  async #run() {
    if (this.#width === 0) return;
    if (this.#running) {
      this.#again = true;
      if (performance.now() - this.#running.since > LONG_MS) this.#running.stop.abort();
      return;
    }
    const running = {since: performance.now(), stop: new AbortController()};
    this.#running = running;
    const slow = setTimeout(() => (this.#parts.busy.hidden = false), LONG_MS);
    this.#parts.pictures.setAttribute('aria-busy', 'true');
    const {scenario, seed, settings} = this.#state;
    try {
      const shown = await engine.ask({kind: 'run', recipe: {scenario, seed, settings: {...settings}}, width: this.#width}, running.stop.signal);
      if (scenario === this.#state.scenario) this.#show(shown);
    } catch (error) {
      if (error instanceof GivenUp) {
        if (!this.#again) this.#fault(['Stopped. Smaller settings take less time.']);
      } else {
        this.#fault([`${/** @type {Error} */ (error).message}.`.replace(/\.\.$/, '.')]);
      }
    }
    clearTimeout(slow);
    this.#parts.busy.hidden = true;
    this.#running = null;
    this.#parts.pictures.removeAttribute('aria-busy');
    if (this.#again) {
      this.#again = false;
      this.#run();
    }
  }

  /** @param {{outline: Outline, drawings: Drawing[]}} shown */
  #show(shown) {
    this.#shown = shown;
    const {outline, drawings} = shown;
    this.#state.step = Math.min(this.#state.step, Math.max(outline.steps - 1, 0));
    const all = this.getAttribute('figures') === 'all';
    const places = all ? outline.figures.map((_, i) => i) : [Math.min(this.#figure, outline.figures.length - 1)];
    while (this.#pictures.length > places.length) this.#pictures.pop()?.element.remove();
    while (this.#pictures.length < places.length) {
      const picture = new Picture((step) => this.#step(step));
      this.#pictures.push(picture);
      this.#parts.pictures.append(picture.element);
    }
    const main = outline.tables.find((table) => table.name === outline.figures[0]?.table) ?? null;
    places.forEach((place, i) => {
      const figure = outline.figures[place];
      this.#pictures[i].show(figure, drawings[place], figure.table === main?.name ? main : null);
    });
    this.#choice(all ? 1 : outline.figures.length);
    const first = outline.figures[places[0]];
    if (main) this.#stepper.build(main, first.table === main.name ? first : outline.figures[0], drawings[first.table === main.name ? places[0] : 0].marks?.colours ?? []);
    this.#parts.facts.replaceChildren(...factsOf(outline.facts));
    this.#tell();
    this.#point();
  }

  /** Which of several figures. @param {number} count */
  #choice(count) {
    if (count < 2) return this.#parts.choose.replaceChildren();
    const options = this.#shown?.outline.figures.map((figure, i) => make('option', {value: i, selected: i === this.#figure}, figure.title)) ?? [];
    const select = make('select', {'aria-label': 'Picture', onchange: () => {
      this.#figure = Number(select.value);
      if (this.#shown) this.#show(this.#shown);
      this.shadowRoot?.querySelector('select')?.focus();
    }}, ...options);
    this.#parts.choose.replaceChildren(select);
  }

  /** Shows the step: rule, values, formulas, lines of tables. */
  #point() {
    const {step} = this.#state;
    for (const picture of this.#pictures) picture.point(step);
    this.#stepper.show(step);
    this.#tables();
    this.#formulas.wanted = step;
    this.#formulate();
  }

  /** Asks for the formulas of the step that is wanted last. */
  async #formulate() {
    if (this.#formulas.running) return;
    this.#formulas.running = true;
    const {scenario, seed, settings, step} = this.#state;
    const asked = JSON.stringify(this.#state);
    try {
      const formulas = await engine.ask({kind: 'formulas', recipe: {scenario, seed, settings: {...settings}}, step});
      this.#parts.formulas.replaceChildren(...formulasOf(formulas));
    } catch {
      this.#parts.formulas.replaceChildren();
    }
    this.#formulas.running = false;
    if (asked !== JSON.stringify(this.#state)) this.#formulate();
  }

  #tables() {
    const {outline} = this.#shown ?? {};
    if (!outline || !this.#parts.numbers.open) return;
    const main = outline.figures[0]?.table;
    this.#parts.tables.replaceChildren(...outline.tables.map((table) => tableOf(table, table.name === main ? this.#state.step : null)));
  }

  #measure() {
    const width = Math.min(Math.max(Math.floor(this.#parts.pictures.clientWidth / GRAIN) * GRAIN, NARROWEST), WIDEST);
    if (width === this.#width || this.#parts.pictures.clientWidth === 0) return;
    this.#width = width;
    if (this.#scenario) this.#run();
  }

  /** The address, the link and the command are those of the state. */
  #tell() {
    const {link} = this;
    this.#parts.link.value = link;
    this.#parts.open.href = link;
    this.#parts.command.textContent = command(this.#state);
    const fragment = written(this.#state);
    if (this.hasAttribute('linked') && location.hash !== fragment) history.replaceState(null, '', fragment);
    this.dispatchEvent(new CustomEvent('change', {detail: this.state}));
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.link);
      this.#parts.said.textContent = 'The link is copied.';
    } catch {
      this.#parts.link.select();
      this.#parts.said.textContent = 'The link is marked: copy it with the keyboard.';
    }
  }

  /** @param {'csv'|'svg'|'json'} kind */
  async #text(kind) {
    const {scenario, seed, settings} = this.#state;
    return engine.ask({kind, recipe: {scenario, seed, settings: {...settings}}});
  }

  /** @param {'csv'|'svg'|'json'} kind */
  async #file(kind) {
    await this.#saving(`${this.#state.scenario}.${kind}`, async () => file(await this.#text(kind), kind));
  }

  async #png() {
    await this.#saving(`${this.#state.scenario}.png`, async () => png(await this.#text('svg')));
  }

  /** @param {string} name @param {() => Promise<Blob>} made */
  async #saving(name, made) {
    try {
      save(await made(), name);
      this.#parts.said.textContent = `${name} is saved.`;
    } catch (error) {
      this.#parts.said.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** @param {string[]} faults sentences */
  #fault(faults) {
    this.#parts.faults.replaceChildren(...faults.map((fault) => make('p', {}, fault)));
  }
}
