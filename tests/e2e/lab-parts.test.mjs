// What the lab's element is made of, without a browser: addresses and sliders.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {allowed, command, read, written} from '../../www/lab/address.js';
import {scaleOf} from '../../www/lab/controls.js';

/** @type {import('../../www/lab/types.js').Setting[]} */
const settings = [
  {name: 'which', about: 'a word', kind: 'choice', default: 'one', least: null, most: null, among: ['one', 'two words & more']},
  {name: 'share', about: 'a share', kind: 'number', default: 0.49, least: 0, most: 1, among: null},
  {name: 'blocks', about: 'blocks', kind: 'whole', default: 100, least: 1, most: 100_000, among: null},
];
const scenario = {name: 'a', title: 'A', about: '', random: true, settings};
const scenarios = [scenario, {...scenario, name: 'b', title: 'B'}];

test('an address holds what is not the default, and gives the same state again', () => {
  const state = {scenario: 'b', seed: '7', step: 12, settings: {which: 'two words & more', share: '1e-7'}};
  assert.equal(written(state), '#b?which=two+words+%26+more&share=1e-7&seed=7&step=12');
  assert.deepEqual(read(written(state), scenarios), {state, faults: []});
  const plain = {scenario: 'a', seed: '0', step: 0, settings: {}};
  assert.equal(written(plain), '#a');
  for (const fragment of ['', '#', '#a', '#a?', '#a?share=0.49&seed=00']) assert.deepEqual(read(fragment, scenarios), {state: plain, faults: []});
});

test('what an address says that cannot be is told, and has its default', () => {
  const wrong = {
    '#c?share=0.2': /no scenario “c”/,
    '#a?share=2': /share is “2”, but must be a number from 0 to 1; it has its default, 0\.49/,
    '#a?share=': /share is “”/,
    '#a?share=NaN': /share is “NaN”/,
    '#a?share=Infinity': /share is “Infinity”/,
    '#a?blocks=1.5': /blocks is “1\.5”, but must be a whole number from 1 to 100000/,
    '#a?which=three': /which is “three”, but must be one of one, two words & more/,
    '#a?__proto__=1': /no setting “__proto__”/,
    '#a?constructor=1': /no setting “constructor”/,
    '#a?seed=-1': /seed is “-1”, but must be a whole number/,
    '#a?step=1e9': /step is “1e9”/,
    '#a?seed=99999999999999999999': /seed is/,
  };
  for (const [fragment, sentence] of Object.entries(wrong)) {
    const {state, faults} = read(fragment, scenarios);
    assert.deepEqual(state, {scenario: 'a', seed: '0', step: 0, settings: {}}, fragment);
    assert.equal(faults.length, 1, fragment);
    assert.match(faults[0], sentence);
  }
  assert.ok(read(`#a?${'x=1&'.repeat(100_000)}`, scenarios).faults.length < 1_000);
});

test('a run has its command', () => {
  assert.equal(command({scenario: 'a', seed: '0', step: 5, settings: {}}), 'peerage lab a');
  assert.equal(command({scenario: 'a', seed: '3', step: 0, settings: {share: '0.2'}}), 'peerage lab a --share 0.2 --seed 3');
});

test('a slider reaches both ends, has the default inside, and rises', () => {
  /** @type {[number, number, number, 'number'|'whole'][]} */
  const ranges = [[0.49, 0, 1, 'number'], [0.1, 0, 10, 'number'], [0, 0, 5, 'number'], [1, 0, 1, 'number'], [100, 1, 100_000, 'whole'], [12, 3, 64, 'whole'], [1_000_000, 1, 1_000_000_000, 'whole'], [0.0011, 0, 1_000, 'number'], [0.0078125, 0, 1, 'number']];
  for (const [given, least, most, kind] of ranges) {
    const setting = {name: 'x', about: '', kind, default: given, least, most, among: null};
    const scale = scaleOf(setting);
    const values = Array.from({length: scale.places + 1}, (_, place) => scale.value(place));
    assert.deepEqual([values[0], values.at(-1)], [least, most]);
    assert.ok(values.every((value, i) => i === 0 || value >= values[i - 1]), `${given} of ${least} to ${most}`);
    assert.ok(values.every((value) => allowed(setting, String(value))), `${given} of ${least} to ${most}`);
    const place = scale.place(given);
    assert.ok(place >= 0 && place <= scale.places);
    if (given !== least && given !== most) assert.ok(place > scale.places * 0.05 && place < scale.places * 0.98, `${place} of ${scale.places}`);
  }
});
