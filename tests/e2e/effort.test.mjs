// What this tab may take: a limit is kept by resting between steps, a battery lowers it, and a tab that nobody sees goes on.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {allowed, Pacer, parseEffort, sightWords} from '../../www/effort.js';
import {busy} from '../../www/measures.js';
import {fold, initial} from '../../www/state.js';
import {playedVisits} from './support/visit.mjs';
import {until} from './support/wait.mjs';

const STEP = {type: 'step', withPeers: 2, alone: 3, student: 2.5, distillation: 0, tokens: 512, millis: 100, waited: 0, answered: [], missed: [], applied: 0, served: 0};

/** A trainer that is told to hold one step late, as a real one may be, and a clock of its own: the share of a minute it was at work. @param {number} share @param {number} waited */
function worked(share, waited = 0) {
  let [now, held, busy] = [0, false, 0];
  /** @type {{at: number, then: () => void}[]} */
  let timers = [];
  /** @type {boolean|null} */
  let told = null;
  const pacer = new Pacer({hold: (x) => (told = x), wait: (ms, then) => timers.push({at: now + ms, then})});
  pacer.set(share);
  while (now < 60_000) {
    if (!held) {
      held = told ?? false; // what was said during the step before is heard after the next
      now += 100;
      busy += 100 - waited;
      pacer.step(/** @type {any} */ ({millis: 100, waited}));
    } else now += 1;
    const due = timers.filter((t) => t.at <= now);
    timers = timers.filter((t) => t.at > now);
    for (const {then} of due) then();
    if (told === false) held = false;
  }
  return busy / now;
}

test('a limit is kept, whatever part of a step was waiting', () => {
  for (const share of [0.75, 0.5, 0.25]) {
    assert.ok(Math.abs(worked(share) - share) < 0.03, `${share}: ${worked(share)}`);
    assert.ok(worked(share, 50) < share + 0.03, `${share}, half of it waiting: ${worked(share, 50)}`);
  }
  assert.equal(worked(1), 1);
  assert.ok(Math.abs(worked(0.75, 50) - 0.5) < 0.01, 'a tab that waits half of the time needs no more rest');
});

test('who may take nothing is held until it may again, and a person’s own pause is theirs', () => {
  /** @type {boolean[]} */
  const told = [];
  const pacer = new Pacer({hold: (held) => told.push(held), wait: () => assert.fail('nothing ends by itself')});
  pacer.set(0);
  pacer.step(/** @type {any} */ ({millis: 100, waited: 0}));
  assert.deepEqual(told, [true]);
  pacer.reset();
  assert.deepEqual(told, [true, true], 'a trainer that knows nothing of it is told again');
  pacer.set(1);
  assert.deepEqual(told, [true, true, false]);
});

test('a battery lowers what may be taken, and that is said while a tab takes part', () => {
  const s = initial();
  assert.equal(allowed(s), 1);
  fold(s, {type: 'page:battery', charging: false, level: 0.64}, 0);
  assert.equal(allowed(s), 0.25);
  assert.deepEqual(s.messages, [], 'nothing runs yet');
  fold(s, {type: 'page:join', source: 'text'}, 1);
  assert.match(s.messages[0].text, /on its battery \(64\.0 % full\), so training takes at most a quarter/);
  fold(s, {type: 'page:effort', most: 0.5, onBattery: 'rest'}, 2);
  assert.equal(allowed(s), 0);
  assert.match(s.messages[0].text, /training rests until it is plugged in/);
  fold(s, {type: 'page:effort', most: 0.5, onBattery: 'same'}, 3);
  assert.deepEqual([allowed(s), s.messages.length], [0.5, 0]);
  fold(s, {type: 'page:effort', most: 0.5, onBattery: 'less'}, 4);
  fold(s, {type: 'page:battery', charging: true, level: 0.64}, 5);
  assert.deepEqual([allowed(s), s.messages.length], [0.5, 0]);
});

test('what was kept is read, and anything else is no limit', () => {
  assert.deepEqual(parseEffort('{"most":0.5,"onBattery":"rest"}'), {most: 0.5, onBattery: 'rest'});
  for (const text of [null, '', 'x', 'null', '{"most":0,"onBattery":"x"}', '{"most":1e9}']) assert.deepEqual(parseEffort(text), {most: 1, onBattery: 'less'}, String(text));
});

test('steps in sight and out of sight are told apart, and a sleep is neither', () => {
  const s = initial();
  fold(s, {type: 'page:join', source: 'text'}, 0);
  let now = 0;
  const run = (/** @type {number} */ seconds, /** @type {number} */ steps) => {
    for (let i = 0; i < seconds; i += 1) {
      for (let k = 0; k < steps; k += 1) fold(s, {...STEP, step: s.steps.count + 1}, now);
      fold(s, {type: 'page:tick'}, (now += 1000));
    }
  };
  run(10, 4);
  assert.match(sightWords(s), /in sight all the time/);
  fold(s, {type: 'page:sight', hidden: true}, now);
  run(20, 2);
  fold(s, {type: 'page:tick'}, (now += 60_000)); // browsers tick once a minute for tabs that nobody sees
  assert.equal(s.slept, null);
  fold(s, {type: 'page:sight', hidden: false}, now);
  assert.match(sightWords(s), /Out of sight for 1 min 20 s so far: 0\.50 steps a second; in sight 4\.0\./);
  assert.ok(s.messages.every((m) => m.id !== 'slept'));
  fold(s, {type: 'page:tick'}, (now += 3 * 3_600_000));
  assert.equal(s.slept?.at, now);
  assert.match(s.messages.find((m) => m.id === 'slept')?.text ?? '', /This computer slept.*3 h 0 min are missing.*connections are looked after/);
  assert.match(sightWords(s), /1 min 20 s so far/, 'the sleep counts nowhere');
  assert.equal(s.pace.length, 0, 'no rate is of a time before it');
  fold(s, {type: 'page:tick'}, now + 100_000);
  assert.equal(s.messages.some((m) => m.id === 'slept'), false);
});

test('the share of the device is that of the time which was not waiting', () => {
  const s = initial();
  for (let i = 1; i <= 20; i += 1) fold(s, {...STEP, step: i, millis: 100, waited: 40}, i * 200);
  assert.ok(Math.abs((busy(s, 4000) ?? 0) - 0.3) < 1e-9);
  assert.equal(busy(initial(), 0), null);
});

describe('the page with a played tab', () => {
  const {visit} = playedVisits();
  /** Whether the trainer is held. @param {Awaited<ReturnType<typeof visit>>} v */
  const held = (v) => v.page.evaluate(() => /** @type {any} */ (window).peerage.tab.held === true);

  test('rests between steps when told to take half, goes on by itself, and remembers it', async () => {
    const v = await visit('half');
    await v.join();
    await v.minute();
    assert.equal(await held(v), false);
    await v.page.selectOption('#effort-most', '0.5');
    const times = await v.page.evaluate(async () => {
      const {tab} = /** @type {any} */ (window).peerage;
      const began = performance.now();
      tab.steps(5); // about 170 ms each without the waiting
      const at = tab.held;
      while (tab.held) await new Promise((resolve) => setTimeout(resolve, 10));
      return {at, rested: performance.now() - began};
    });
    assert.equal(times.at, true);
    assert.ok(times.rested > 600 && times.rested < 5000, String(times.rested));
    await v.shows(/limit: half/);
    await v.page.reload();
    await v.page.waitForFunction(() => 'peerage' in window);
    assert.equal((await v.snapshot()).effort.most, 0.5);
    await v.close();
  });

  test('does not go on from a rest while a person has paused it', async () => {
    const v = await visit('paused');
    await v.join();
    await v.minute();
    await v.page.selectOption('#effort-most', '0.25');
    await v.page.evaluate(() => /** @type {any} */ (window).peerage.tab.steps(1));
    await v.page.click('#pause');
    assert.equal(await held(v), true);
    await v.page.waitForTimeout(1500); // the rest would have ended
    assert.equal(await held(v), true);
    await v.page.click('#pause');
    assert.equal(await held(v), false);
    await v.close();
  });

  test('takes less on a battery, says so, and leads to where that is changed', async () => {
    const v = await visit('battery', {}, () => {
      const battery = Object.assign(new EventTarget(), {charging: true, level: 0.8});
      Object.assign(window, {battery});
      Object.defineProperty(Navigator.prototype, 'getBattery', {value: async () => battery});
    });
    await v.join();
    await v.minute();
    await v.shows(/On mains now/);
    await v.page.evaluate(() => {
      const {battery} = /** @type {any} */ (window);
      battery.charging = false;
      battery.dispatchEvent(new Event('chargingchange'));
    });
    await v.shows(/This computer runs on its battery \(80\.0 % full\), so training takes at most a quarter/);
    await v.shows(/limit: a quarter/);
    await v.page.getByRole('button', {name: 'Change that'}).click();
    assert.equal(await v.page.evaluate(() => document.activeElement?.id), 'effort');
    await v.page.selectOption('#effort-battery', 'rest');
    await v.shows(/training rests until it is plugged in/);
    assert.equal(await held(v), true);
    await v.page.evaluate(() => {
      const {battery} = /** @type {any} */ (window);
      battery.charging = true;
      battery.dispatchEvent(new Event('chargingchange'));
    });
    await until('it goes on', 5, async () => !(await held(v)));
    await until('nothing is said of it any more', 5, async () => !/runs on its battery/.test(await v.text()), v.text);
    await v.close();
  });

  test('says that it has slept and looks after its connections', async () => {
    const v = await visit('slept');
    await v.join();
    await v.minute();
    const looked = await v.page.evaluate(async () => {
      let looked = 0;
      addEventListener('online', () => (looked += 1));
      const {now} = Date;
      Date.now = () => now() + 3 * 3_600_000; // the lid was closed
      await new Promise((resolve) => setTimeout(resolve, 2500));
      return looked;
    });
    assert.equal(looked, 1);
    await v.shows(/This computer slept.*3 h 0 min are missing/);
    await v.page.getByRole('button', {name: 'Join again'}).waitFor();
    await v.close();
  });
});
