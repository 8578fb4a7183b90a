// @ts-check
/** The own model: what peers are worth to it, how it does without them, where it is kept. */

import {cells, each, fill, meter, rowsOf, save, show, the, write} from './dom.js';
import * as format from './format.js';
import {name} from './measures.js';
import {ago, lossWords} from './training.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Validation} Validation */

const RECENT = 20; // steps of a mean
const LARGEST = 256e6; // bytes of a model that is imported

/** The three ways, in order, each with what it is. @type {[string, string, (v: Validation) => number|null|undefined][]} */
const WAYS = [
  ['With peers', 'Neighbours answer about the held-out part too.', (v) => v.withPeers],
  ['Student only', 'What was learned of their answers stands in for them. Nothing leaves this tab.', (v) => v.student],
  ['Alone', 'Without neighbours and without the student.', (v) => v.alone],
];

/** @param {State} s @param {number} now */
export function drawModel(s, now) {
  const trains = s.joinedAt != null && s.source.type !== 'nothing';
  show(the('model'), trains);
  if (!trains) return;
  drawValidation(s, now);
  drawSteps(s);
  drawWorth(s);
  drawKept(s, now);
  const active = s.phase === 'running' || s.phase === 'paused';
  for (const id of ['model-keep', 'model-export', 'model-forget', 'import-model']) /** @type {HTMLButtonElement} */ (the(id)).disabled = !active;
  const look = /** @type {HTMLButtonElement} */ (the('validate'));
  look.disabled = !active || s.validating || s.learned == null;
  write(look, s.validating ? 'Looking …' : 'Look now');
  const cut = /** @type {HTMLInputElement} */ (the('cut'));
  cut.checked = s.offline;
  cut.disabled = !active;
  const {device} = s;
  fill('model-device', device ? `${device.kind === 'WebGPU' ? 'Graphics chip' : 'Processor'}${device.name ? `, ${device.name}` : ''}` : '–');
  const speed = (/** @type {number} */ n) => `${format.pace(n)} steps a second`;
  const measured = device && [device.gpu != null && `graphics chip ${speed(device.gpu)}`, device.cpu != null && `processor ${speed(device.cpu)}`].filter((x) => x);
  fill('model-device-why', !device ? '' : measured && measured.length ? `Measured at the start: ${measured.join(', ')}.` : `${device.why}.`);
}

/** @param {State} s @param {number} now */
function drawValidation(s, now) {
  const latest = s.validations.at(-1);
  const text = s.learned == null || (s.learned.modalities & 1) === 1;
  const said = latest && `After step ${format.whole(latest.step)}, ${ago(latest.at, now)}, on ${format.count(latest.examples, 'example')} that nobody trains on.`;
  fill('validation-state', !latest ? (s.validating ? 'Being looked at.' : 'Not looked at yet. It is done by itself now and then.') : `${said}${latest.offline ? ' Cut off from the network.' : ''}`);
  const best = latest && (latest.withPeers ?? latest.student);
  const accuracy = latest?.accuracy != null;
  each(
    rowsOf('validation-table'),
    WAYS,
    ([way]) => way,
    ([way, what]) => {
      const row = cells(['Way', 'Loss', 'Right', 'Against the first'], [1, 2, 3]);
      row.children[0].textContent = way;
      row.title = what;
      return row;
    },
    (row, [way, , of]) => {
      const loss = latest ? of(latest) : null;
      const right = latest?.accuracy?.[[0, 2, 1][WAYS.findIndex(([w]) => w === way)]];
      write(row.children[1], loss == null && way === 'With peers' && latest ? 'nobody answered' : lossWords(loss, text));
      write(row.children[2], right == null ? '–' : format.percent(right));
      write(row.children[3], loss == null || best == null || loss === best ? '–' : `${loss > best ? '+' : '−'}${format.fixed(Math.abs(loss - best), 3)}`);
      show(/** @type {HTMLElement} */ (row.children[2]), accuracy);
    },
  );
  show(the('validation-right'), accuracy);
  fill(
    'offline-said',
    s.offline
      ? 'Cut off: this tab asks nobody and answers nobody. Its student carries on in their place; the table shows what that costs. The ledger is still checked.'
      : 'Try it: neighbours are neither asked nor answered, and the student stands in for them.',
  );
}

/** @param {State} s */
function drawSteps(s) {
  const recent = s.steps.last.slice(-RECENT);
  const mean = (/** @type {(x: import('./types.js').Step) => number} */ of) => recent.reduce((a, b) => a + of(b), 0) / Math.max(1, recent.length);
  const some = recent.length > 0;
  fill('step-sent', some ? format.bytes(mean((x) => x.sent ?? 0)) : '–');
  fill('step-received', some ? format.bytes(mean((x) => x.received ?? 0)) : '–');
  fill('step-encoding', s.learned?.answers ? `answers ${s.learned.answers}, gradients ${s.learned.gradients}` : '–');
  const asked = recent.filter((x) => x.answered.length + x.missed.length > 0);
  fill('step-ahead', asked.length ? format.percent(asked.filter((x) => (x.ahead ?? 0) > 0).length / asked.length) : '–');
  fill('step-waited', some ? format.duration(mean((x) => x.waited)) : '–');
  fill('step-parts', some && recent.some((x) => x.launch != null) ? `compute ${format.duration(mean((x) => x.launch ?? 0))}, read back ${format.duration(mean((x) => x.read ?? 0))}, update ${format.duration(mean((x) => x.update ?? 0))}` : '–');
  fill('step-stood', some ? `${format.fixed(mean((x) => x.stoodIn ?? 0), 1)} a step` : '–');
}

/** @param {State} s */
function drawWorth(s) {
  const list = Object.values(s.worth).sort((a, b) => b.score - a.score || a.key.localeCompare(b.key));
  show(the('worth-table'), list.length > 0);
  const others = list.filter((w) => w.key !== s.identity?.key);
  const gained = others.some((w) => w.score > 0);
  fill('worth-state', others.length === 0 ? 'Nobody has answered yet.' : gained ? '' : 'No answers lower this tab’s loss by more than chance does just now, so its scores name itself alone.');
  const heads = ['Whose answers', 'Gate', 'Gain', 'Score', 'Taken away'];
  each(
    rowsOf('worth-table'),
    list,
    (w) => w.key,
    () => cells(heads, [1, 2, 3, 4]),
    (row, w) => {
      const own = w.key === s.identity?.key;
      write(row.children[0], own ? 'This tab’s own' : name(s, w.key));
      write(row.children[1], own ? '–' : format.percent(w.mass));
      meter(row.children[1], own ? null : w.mass);
      write(row.children[2], own ? '–' : `${format.signed(w.gain)} nats`);
      write(row.children[3], `${format.plainly(Number(w.score.toPrecision(3)))} ± ${format.plainly(Number(w.error.toPrecision(1)))}`);
      write(row.children[4], w.exact == null ? '–' : `${format.signed(w.exact)} nats`);
    },
  );
}

/** @param {State} s @param {number} now */
function drawKept(s, now) {
  const {kept, restored, damaged} = s.model;
  const where = kept?.place === 'opfs' ? `${format.bytes(kept.bytes)} in this browser’s files, as after step ${format.whole(kept.step)} (${ago(kept.at, now)})` : '';
  fill('model-kept', kept == null ? 'Nothing yet.' : kept.place === 'opfs' ? `${where}.` : kept.reason ? `Nothing: ${kept.reason}` : 'Nothing: another tab has the files, or this browser has none for pages.');
  fill('model-restored', restored ? `Began with the model of the last visit, at step ${format.whole(restored.step)}.` : damaged ? damaged : 'Began anew.');
}

/**
 * Makes the buttons work.
 * @param {{state: () => State, put: (event: any) => void, tab: () => any, listen: (type: string, heard: (event: any) => void) => void}} with_
 */
export function startModel({state, put, tab, listen}) {
  const said = (/** @type {string} */ text) => (fill('model-said', text), fill('model-fault', ''));
  const fault = (/** @type {string} */ text) => (fill('model-said', ''), fill('model-fault', text));
  const validate = () => {
    if (!state().learned) return; // There is nothing to look at yet.
    tab()?.validate();
    put({type: 'page:validate'});
  };
  the('validate').addEventListener('click', validate);
  the('cut').addEventListener('change', () => {
    const offline = /** @type {HTMLInputElement} */ (the('cut')).checked;
    tab()?.offline(offline);
    put({type: 'page:offline', offline});
    validate();
  });
  the('model-keep').addEventListener('click', () => tab()?.keep());
  the('model-export').addEventListener('click', () => {
    said('Being written.');
    tab()?.export();
  });
  listen('exported', ({step, bytes}) => {
    const source = state().source.type;
    save(`peerage-${source}-step-${step}.safetensors`, bytes, 'application/octet-stream');
    said(`Exported as after step ${format.whole(step)}: ${format.bytes(bytes.length)}. Python’s safetensors reads it.`);
  });
  listen('imported', ({step}) => said(`The model of the file goes on from step ${format.whole(step)}.`));
  const forget = /** @type {HTMLDialogElement} */ (the('forget-model'));
  the('model-forget').addEventListener('click', () => forget.showModal());
  the('forget-cancel').addEventListener('click', () => forget.close());
  the('forget-yes').addEventListener('click', () => {
    forget.close();
    tab()?.forgetModel();
    said('Forgotten. The model begins anew.');
  });
  const file = /** @type {HTMLInputElement} */ (the('model-file'));
  the('import-model').addEventListener('click', () => file.click());
  file.addEventListener('change', async () => {
    const chosen = file.files?.[0];
    file.value = '';
    if (!chosen) return;
    if (chosen.size > LARGEST) return fault(`“${chosen.name}” is no model of this page: it is larger than ${format.bytes(LARGEST)}.`);
    try {
      const bytes = new Uint8Array(await chosen.arrayBuffer());
      said(`“${chosen.name}” is being looked at.`);
      tab()?.importModel(bytes);
    } catch (error) {
      fault(error instanceof Error ? error.message : String(error));
    }
  });
  listen('trouble', ({message, fatal}) => {
    if (!fatal && the('model-said').textContent?.endsWith('is being looked at.')) fault(message);
  });
}
