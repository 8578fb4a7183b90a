// @ts-check
/** What this tab learns from: chosen before joining or changed while it runs, with what leaves the tab said beside it. */

import {attribute, fill, show, the} from './dom.js';
import * as format from './format.js';
import {clause, sentence} from './lines.js';
import {against, contents, drawn, droppedFiles, Feed, filesWords, sound} from './reading.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').SourceName} SourceName */
/** @typedef {import('./types.js').Content} Content */

const SECONDS = 8; // of a recording
const STEPS = 50; // of the level bar

/** What each source is, and what of it others see. @type {Record<SourceName, {words: string, leaves: string, alone: string}>} */
const SOURCES = {
  text: {
    words: 'The node’s text',
    leaves: 'The neighbours this tab asks see the passages it is learning from at that moment; everyone on this network has that text.',
    alone: '',
  },
  glyphs: {
    words: 'Letters and digits, drawn with this device’s fonts',
    leaves: 'The neighbours this tab asks see small pictures of letters. Which fonts a device has says a little about it.',
    alone: 'The pictures stay in this tab.',
  },
  captions: {
    words: 'Letters and digits with their names: a bridge between texts and pictures',
    leaves: 'Neighbours that learn from text see names such as “digit seven”, those that learn from pictures see small pictures of letters. Which fonts a device has says a little about it.',
    alone: 'Names and pictures stay in this tab.',
  },
  files: {
    words: 'Files of mine',
    leaves: 'No file is uploaded, but the neighbours this tab asks see what it learns from at that moment: passages of a text, parts of pictures, rows of a table without their labels, frames of sound.',
    alone: 'Nothing of the files leaves this tab. The price: it learns without its neighbours’ answers; what it was taught by them before stands in.',
  },
  microphone: {
    words: 'My microphone',
    leaves: 'The recording stays in this tab, but the neighbours it asks see frames of it, 40 numbers for each hundredth of a second, from which words can be made out.',
    alone: 'Nothing of the recording leaves this tab. The price: it learns without its neighbours’ answers; what it was taught by them before stands in.',
  },
  nothing: {
    words: 'No training: I only ask others',
    leaves: 'This tab does not train, earns nothing and answers nobody. What you ask others, under “Ask others”, they see.',
    alone: '',
  },
};

/** A person's choice. */
const choice = {
  source: /** @type {SourceName} */ ('text'),
  private: false,
  /** @type {File[]} */ files: [],
  /** @type {{samples: Float32Array, rate: number}|null} */ recording: null,
};
let recording = false;
/** @type {Feed|null} */
let feed = null;

/** What was chosen last. */
export const chosen = () => ({source: choice.source, private: choice.private});

/** Chooses as a person would: what needs nothing to be given first. @param {string} source */
export function choose(source) {
  if (source === 'files' || source === 'microphone') return;
  /** @type {HTMLInputElement|null} */ (document.querySelector(`#source input[value="${CSS.escape(source)}"]`))?.click();
}

/** Why the choice cannot be begun with; null where it can. */
export function missing() {
  if (choice.source === 'files') return against(choice.files);
  if (choice.source === 'microphone' && !choice.recording) return `Press Record and speak for ${SECONDS} seconds first.`;
  return null;
}

/**
 * Gives the tab what was chosen. `text`: the node's text as content.
 * @param {any} tab @param {() => AsyncGenerator<Content>} text @returns {Promise<boolean>} whether all of it was given
 */
export async function begin(tab, text) {
  const {source, files, recording: sounds} = choice;
  feed?.end();
  if (source === 'nothing') return true;
  tab.learn({source: source === 'microphone' ? {type: source, rate: Math.round(sounds?.rate ?? 0)} : {type: source}, private: choice.private});
  feed = new Feed((content) => tab.give(content));
  const all = source === 'text' || source === 'captions' ? text() : source === 'files' ? contents(files) : source === 'microphone' && sounds ? sound(sounds.samples) : drawn();
  return feed.run(all);
}

/** The trainer has taken so much. @param {number} done */
export const taken = (done) => feed?.reading(done);

/** @param {State} s */
export function drawLearning(s) {
  const running = s.joinedAt != null && s.phase !== 'stopped';
  const now = SOURCES[s.source.type];
  fill(
    'learning-state',
    !running
      ? `When you join: ${lower(SOURCES[choice.source].words)}.`
      : s.source.type === 'nothing'
        ? 'This tab does not train.'
        : s.learned
          ? `${s.learned.words}${s.learned.private ? ' Nobody is asked.' : ''}`
          : `${now.words}: being read.`,
  );
  const words = SOURCES[choice.source];
  fill('leaves', choice.private && words.alone ? words.alone : words.leaves);
  show(the('private-line'), choice.source !== 'nothing');
  show(the('drop'), choice.source === 'files');
  show(the('hearing'), choice.source === 'microphone');
  fill('files-chosen', choice.files.length ? filesWords(choice.files) : 'None chosen yet.');
  const record = /** @type {HTMLButtonElement} */ (the('record'));
  record.disabled = recording;
  record.textContent = recording ? 'Listening …' : choice.recording ? 'Record again' : 'Record';
  if (!recording) fill('heard', choice.recording ? `${format.fixed(choice.recording.samples.length / choice.recording.rate, 1)} s recorded.` : '');
  const bar = /** @type {HTMLProgressElement} */ (the('reading'));
  show(bar, s.reading != null);
  if (s.reading) {
    bar.max = Math.max(s.reading.of, s.reading.done, 1);
    bar.value = s.reading.done;
  }
  show(the('source-use'), running);
  if (s.unusable && choice.source === s.source.type) fill('source-fault', s.unusable);
}

/**
 * Makes the form work.
 * @param {{state: () => State, draw: () => void, use: () => Promise<void>, tab: () => any}} with_ `use`: learn from the choice from now on
 */
export function startLearning({state, draw, use, tab}) {
  const form = /** @type {HTMLFormElement} */ (the('source-form'));
  const alone = /** @type {HTMLInputElement} */ (the('private'));
  const fault = (/** @type {string} */ text) => fill('source-fault', text);
  const failed = (/** @type {unknown} */ error) => fault(sentence(error instanceof Error ? error.message : String(error)));
  for (const radio of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll('input[name=source]'))) {
    radio.addEventListener('change', () => take(/** @type {SourceName} */ (radio.value)));
  }
  /** @param {SourceName} source */
  function take(source) {
    choice.source = source;
    // What is a person's own stays here unless they say otherwise.
    alone.checked = choice.private = source === 'files' || source === 'microphone';
    fault('');
    fill('source-said', '');
    draw();
  }
  alone.addEventListener('change', () => {
    choice.private = alone.checked;
    const s = state();
    if (s.learned && s.source.type === choice.source && tab()) {
      tab().private(choice.private);
      s.learned.private = choice.private;
    }
    draw();
  });
  /** @param {File[]} files */
  const choose = (files) => {
    choice.files = files;
    fault(against(files) ?? '');
    draw();
  };
  for (const id of ['files', 'folder']) {
    const input = /** @type {HTMLInputElement} */ (the(id));
    input.addEventListener('change', () => {
      if (input.files?.length) choose([...input.files].filter((f) => !f.name.startsWith('.')));
    });
  }
  startDropping(async (dropped) => {
    let files;
    try {
      files = await droppedFiles(dropped);
    } catch (error) {
      return fault(`What was dropped cannot be read: ${clause(error instanceof Error ? error.message : String(error))} Has it moved, and may this browser read it?`);
    }
    const radio = /** @type {HTMLInputElement} */ (form.querySelector('input[value=files]'));
    if (!radio.checked) {
      radio.checked = true;
      take('files');
    }
    choose(files);
    the('learning').scrollIntoView({block: 'nearest'});
  });
  const level = /** @type {HTMLMeterElement} */ (the('level'));
  the('record').addEventListener('click', async () => {
    recording = true;
    fault('');
    draw();
    try {
      const {record} = await import('./microphone.js');
      let shown = -1;
      choice.recording = await record(SECONDS, (loud, done) => {
        level.value = Math.sqrt(loud); // as loud as it sounds
        const step = Math.floor(done * STEPS);
        if (step !== shown) fill('heard', `${format.fixed(SECONDS * (1 - done), 1)} s left`);
        shown = step;
      });
    } catch (error) {
      failed(error);
    } finally {
      level.value = 0;
      recording = false;
      draw();
    }
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const why = choice.source === 'nothing' && state().learned ? 'This tab trains already. Pause it, or stop and join again without training.' : missing();
    fault(why ?? '');
    if (why) return;
    fill('source-said', '');
    use().catch(failed);
  });
}

/** Files may be dropped anywhere on the page. @param {(dropped: DataTransfer) => void} take */
function startDropping(take) {
  const files = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') === true;
  let inside = 0;
  addEventListener('dragenter', (event) => files(event) && mark((inside += 1)));
  addEventListener('dragleave', (event) => files(event) && mark((inside = Math.max(0, inside - 1))));
  addEventListener('dragover', (event) => files(event) && event.preventDefault());
  addEventListener('drop', (event) => {
    if (!files(event) || !event.dataTransfer) return;
    event.preventDefault();
    mark((inside = 0));
    take(event.dataTransfer);
  });
}

/** @param {number} inside */
const mark = (inside) => attribute(document.body, 'data-dropping', inside > 0 ? '' : null);

/** As the end of a sentence. @param {string} text */
const lower = (text) => text[0].toLowerCase() + text.slice(1);
