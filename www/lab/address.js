// @ts-check
/**
 * A state of the lab as the fragment of an address, `#cabal-decay?share=0.45&seed=7&step=12`: only what is not the default.
 * What comes in was perhaps typed or shortened by somebody: it is bounded here, its values are read by the scenario.
 */

/** @typedef {import('./types.js').Scenario} Scenario */
/** @typedef {{scenario: string, seed: string, step: number, settings: Record<string, string>}} State */

const LONGEST = 2_000;
/** Names that are no settings. */
const OWN = new Set(['seed', 'step']);

/** @param {State} state */
export function written({scenario, seed, step, settings}) {
  const parts = new URLSearchParams(settings);
  if (seed !== '0') parts.set('seed', seed);
  if (step !== 0) parts.set('step', String(step));
  const query = parts.toString();
  return `#${scenario}${query ? `?${query}` : ''}`;
}

/**
 * What a fragment says, and a sentence for each thing in it that cannot be.
 * @param {string} fragment @param {Scenario[]} scenarios
 * @returns {{state: State, faults: string[]}}
 */
export function read(fragment, scenarios) {
  /** @type {string[]} */
  const faults = [];
  const text = fragment.replace(/^#/, '').slice(0, LONGEST);
  const [name, query = ''] = text.split(/\?(.*)/s);
  let scenario = scenarios[0];
  if (name) {
    const found = scenarios.find((s) => s.name === name);
    if (found) scenario = found;
    else faults.push(`There is no scenario “${name}”. This is “${scenario.title}” instead.`);
  }
  const state = {scenario: scenario.name, ...among(new URLSearchParams(faults.length ? '' : query), scenario, faults)};
  return {state, faults};
}

/**
 * Settings, seed and step from a query, or from an attribute of the element.
 * @param {URLSearchParams} given @param {Scenario} scenario @param {string[]} faults
 */
export function among(given, scenario, faults) {
  /** @type {Record<string, string>} */
  const settings = {};
  for (const [name, value] of given) {
    if (OWN.has(name)) continue;
    const setting = scenario.settings.find((s) => s.name === name);
    if (!setting) faults.push(`“${scenario.title}” has no setting “${name}”; it was left out.`);
    else if (!allowed(setting, value)) faults.push(`${name} is “${value}”, but must be ${range(setting)}; it has its default, ${setting.default}.`);
    else if (value !== String(setting.default)) settings[name] = value;
  }
  const whole = (/** @type {string} */ name) => {
    const value = given.get(name) ?? '0';
    if (/^\d{1,15}$/.test(value)) return String(Number(value));
    faults.push(`${name} is “${value}”, but must be a whole number; it is 0.`);
    return '0';
  };
  return {seed: whole('seed'), step: Number(whole('step')), settings};
}

/** Whether a setting may have this value. @param {import('./types.js').Setting} setting @param {string} value */
export function allowed({kind, least, most, among: words}, value) {
  if (kind === 'choice') return words?.includes(value) ?? false;
  const number = Number(value);
  const written = kind === 'whole' ? /^\d+$/.test(value) : /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value);
  return written && number >= (least ?? 0) && number <= (most ?? 0);
}

/** What a setting may be, in words. @param {import('./types.js').Setting} setting */
export function range({kind, least, most, among: words}) {
  if (kind === 'choice') return `one of ${words?.join(', ')}`;
  return `${kind === 'whole' ? 'a whole number' : 'a number'} from ${least} to ${most}`;
}

/** The same run in a terminal. @param {State} state */
export function command({scenario, seed, settings}) {
  const options = Object.entries(settings).map(([name, value]) => ` --${name} ${value}`);
  return `peerage lab ${scenario}${options.join('')}${seed === '0' ? '' : ` --seed ${seed}`}`;
}
