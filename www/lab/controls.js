// @ts-check
/**
 * What can be set: a slider and a field for each number, a list for each choice, the seed. The default of a number stands
 * near the middle of its slider, however wide its range is. A value that cannot be is told beside its field and not run.
 */

import {allowed, range} from './address.js';
import {capital, make} from './dom.js';

/** @typedef {import('./types.js').Setting} Setting */
/** @typedef {{set: (text: string) => void, name: string}} Control */

/** Places of a slider. */
const PLACES = 400;

export class Controls {
  /** @type {Control[]} */
  #controls = [];
  /** @type {Control|null} */
  #seed = null;

  /**
   * @param {HTMLElement} host where they stand
   * @param {(name: string, text: string) => void} changed is told a name, or `seed`, and an allowed value
   */
  constructor(host, changed) {
    this.host = host;
    this.changed = changed;
  }

  /**
   * Builds those of a scenario; those whose name is not `shown` are folded away.
   * @param {import('./types.js').Scenario} scenario @param {string[]} shown none is all
   */
  build(scenario, shown) {
    this.#controls = [];
    this.#seed = null;
    const first = make('div', {class: 'controls'});
    const rest = make('div', {class: 'controls'});
    for (const setting of scenario.settings) {
      const into = shown.length === 0 || shown.includes(setting.name) ? first : rest;
      into.append(setting.kind === 'choice' ? this.#choice(setting) : this.#number(setting));
    }
    if (scenario.random) (shown.length === 0 || shown.includes('seed') ? first : rest).append(this.#draw());
    const parts = [first];
    if (rest.childElementCount > 0) {
      const more = make('details', {class: 'more'}, make('summary', {}, `${rest.childElementCount} more ${rest.childElementCount === 1 ? 'setting' : 'settings'}`), rest);
      parts.push(/** @type {any} */ (more));
    }
    this.host.replaceChildren(...parts);
  }

  /** Shows these values. @param {import('./types.js').Scenario} scenario @param {{seed: string, settings: Record<string, string>}} state */
  set(scenario, {seed, settings}) {
    for (const control of this.#controls) {
      const known = scenario.settings.find((s) => s.name === control.name);
      control.set(settings[control.name] ?? String(known?.default));
    }
    this.#seed?.set(seed);
  }

  /** @param {Setting} setting */
  #choice(setting) {
    const options = (setting.among ?? []).map((word) => make('option', {value: word}, word));
    const select = make('select', {id: `set-${setting.name}`, onchange: () => this.changed(setting.name, select.value)}, ...options);
    this.#controls.push({name: setting.name, set: (text) => (select.value = text)});
    return make('div', {class: 'control'}, label(setting), select);
  }

  /** @param {Setting} setting */
  #number(setting) {
    const {name, kind} = setting;
    const scale = scaleOf(setting);
    const fault = make('p', {class: 'fault', id: `fault-${name}`, 'aria-live': 'polite'});
    const field = make('input', {type: 'number', id: `set-${name}`, inputmode: kind === 'whole' ? 'numeric' : 'decimal', min: setting.least, max: setting.most, step: kind === 'whole' ? 1 : 'any', 'aria-describedby': `fault-${name}`});
    const slider = make('input', {type: 'range', min: 0, max: scale.places, step: 1, 'aria-labelledby': `label-${name}`});
    let at = Number(setting.default);
    const set = (/** @type {string} */ text) => {
      at = Number(text);
      if (field.value !== text) field.value = text;
      slider.value = String(scale.place(at));
      slider.setAttribute('aria-valuetext', text);
      fault.textContent = '';
      invalid(field, false);
    };
    slider.addEventListener('input', () => {
      let value = scale.value(Number(slider.value));
      // Where a slider is finer than its numbers, a key still moves it.
      if (kind === 'whole' && value === at) value += Math.sign(Number(slider.value) - scale.place(at));
      const text = String(Math.min(Math.max(value, setting.least ?? value), setting.most ?? value));
      set(text);
      this.changed(name, text);
    });
    field.addEventListener('input', () => {
      const good = allowed(setting, field.value);
      fault.textContent = good ? '' : `${capital(name)} must be ${range(setting)}.`;
      invalid(field, !good);
      if (!good) return;
      at = Number(field.value);
      slider.value = String(scale.place(at));
      slider.setAttribute('aria-valuetext', field.value);
      this.changed(name, field.value);
    });
    this.#controls.push({name, set});
    return make('div', {class: 'control'}, label(setting), make('div', {class: 'pair'}, slider, field), fault);
  }

  #draw() {
    const field = make('input', {type: 'number', id: 'set-seed', inputmode: 'numeric', min: 0, max: 999999999999999, step: 1});
    field.addEventListener('input', () => {
      const good = /^\d{1,15}$/.test(field.value);
      invalid(field, !good);
      if (good) this.changed('seed', field.value);
    });
    const another = make('button', {type: 'button', onclick: () => {
      field.value = String(Number(field.value) + 1);
      this.changed('seed', field.value);
    }}, 'Another draw');
    this.#seed = {name: 'seed', set: (text) => (field.value = text)};
    const words = make('label', {for: 'set-seed', id: 'label-seed'}, make('b', {}, 'seed'), ' where its randomness begins');
    return make('div', {class: 'control'}, words, make('div', {class: 'pair'}, another, field));
  }
}

/** @param {HTMLElement} field @param {boolean} is */
const invalid = (field, is) => (is ? field.setAttribute('aria-invalid', 'true') : field.removeAttribute('aria-invalid'));

/** @param {Setting} setting */
const label = ({name, about}) => make('label', {for: `set-${name}`, id: `label-${name}`}, make('b', {}, name), about === name ? null : ` ${about}`);

/**
 * Between numbers and places of a slider: even where the default is well inside the range, else by a power that brings it
 * to the middle.
 * @param {Setting} setting
 */
export function scaleOf({kind, least, most, default: given}) {
  const low = least ?? 0;
  const span = (most ?? 1) - low;
  const part = (Number(given) - low) / span;
  const even = part > 0.08 && part < 0.97;
  const power = even ? 1 : part > 0 && part < 1 ? Math.log(part) / Math.log(0.5) : part <= 0 ? 3 : 1;
  const places = kind === 'whole' && power === 1 && span <= PLACES ? span : PLACES;
  const exact = (/** @type {number} */ place) => low + span * (place / places) ** power;
  const value = (/** @type {number} */ place) => {
    if (place <= 0) return low;
    if (place >= places) return low + span;
    if (kind === 'whole') return Math.round(exact(place));
    const step = exact(place) - exact(place - 1);
    const decimals = Math.min(Math.max(Math.ceil(-Math.log10(step)), 0), 15);
    return Number(exact(place).toFixed(decimals));
  };
  const place = (/** @type {number} */ number) => Math.round(places * Math.max((number - low) / span, 0) ** (1 / power));
  return {places, value, place};
}
