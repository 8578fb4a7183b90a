// @ts-check
/**
 * What a person gives to learn from, as pieces for the trainer: files as they are, pictures decoded. Nothing is held that the
 * trainer has not taken: a large file streams.
 */

import {bytes, count} from './format.js';

/** @typedef {import('./types.js').Content} Content */

const PIECE = 1 << 20; // bytes of a piece
const AHEAD = 4 << 20; // bytes given that the trainer has not taken yet
const MOST = 256e6; // bytes of all files; more is refused before it fills the memory
const SIDE = 96; // longest side of a picture that is given, pixels
const PICTURES = 20_000;

/** What no reader takes; said before any byte is read. @type {[RegExp, string][]} */
const REFUSED = [
  [/\.pdf$/i, 'a PDF holds pages, not text; save it as text first'],
  [/\.(docx?|odt|rtf|epub)$/i, 'a document with formatting; save it as plain text first'],
  [/\.(xlsx?|ods)$/i, 'a spreadsheet; save it as CSV first'],
  [/\.(zip|gz|7z|rar|xz|zst|tar)$/i, 'an archive; unpack it first'],
  [/\.(mp3|m4a|aac|ogg|opus|flac|webm|mp4|mov|mkv)$/i, 'compressed sound or video; save the sound as WAV first'],
];

/** @param {File} file */
const isPicture = (file) => /^image\/(?!svg)/.test(file.type);

/** Where a file was, as far as the browser tells: `cats/1.png`. @param {File} file */
const nameOf = (file) => /** @type {any} */ (file).path_ ?? (file.webkitRelativePath || file.name);

/** Why these files cannot be learned from together, as a sentence; null where nothing is against it. @param {File[]} files */
export function against(files) {
  if (files.length === 0) return 'Choose a file first: text, CSV with a header, WAV, or pictures.';
  for (const file of files) {
    const found = REFUSED.find(([what]) => what.test(file.name));
    if (found) return `“${file.name}” cannot be learned from: it is ${found[1]}.`;
    if (file.size === 0) return `“${file.name}” is empty.`;
  }
  const pictures = files.filter(isPicture).length;
  if (pictures > 0 && pictures < files.length) return `${count(pictures, 'picture')} and ${count(files.length - pictures, 'other file')}: a model learns from one sort at a time. Choose only one.`;
  if (pictures > PICTURES) return `${count(pictures, 'picture')} are more than a tab can hold; choose ${PICTURES.toLocaleString('en')} at most.`;
  const size = files.reduce((sum, f) => sum + f.size, 0);
  if (pictures === 0 && size > MOST) return `These files have ${bytes(size)}, more than a tab can hold (${bytes(MOST)}). Choose fewer, or a part.`;
  return null;
}

/** Files in words. @param {File[]} files */
export function filesWords(files) {
  const size = bytes(files.reduce((sum, f) => sum + f.size, 0));
  return files.length === 1 ? `“${files[0].name}”, ${size}` : `${count(files.length, files.every(isPicture) ? 'picture' : 'file')}, ${size}`;
}

/** Files as content. Throws a sentence where one cannot be read. @param {File[]} files @returns {AsyncGenerator<Content>} */
export async function* contents(files) {
  for (const file of files) {
    if (isPicture(file)) {
      yield await picture(file);
      continue;
    }
    yield {type: 'file', name: nameOf(file), size: file.size};
    try {
      yield* pieces(file.stream());
    } catch (error) {
      throw new Error(`“${file.name}” cannot be read to its end: ${error instanceof Error ? error.message : error}. Has it changed or moved since it was chosen?`);
    }
  }
}

/** The bytes of a stream in pieces of one size. @param {ReadableStream<Uint8Array>} stream @returns {AsyncGenerator<Content>} */
export async function* pieces(stream) {
  const reader = stream.getReader();
  /** @type {Uint8Array[]} */
  let held = [];
  let size = 0;
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (value) {
        held.push(value);
        size += value.length;
      }
      if (size > 0 && (done || size >= PIECE)) {
        yield {type: 'piece', bytes: joined(held, size)};
        held = [];
        size = 0;
      }
      if (done) return;
    }
  } finally {
    reader.releaseLock();
  }
}

/** @param {Uint8Array[]} parts @param {number} size */
function joined(parts, size) {
  if (parts.length === 1) return parts[0].slice();
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A picture decoded, no side longer than is of use. @param {File} file @returns {Promise<Content & {type: 'picture'}>} */
export async function picture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`“${file.name}” cannot be shown by this browser, so it cannot be learned from. Is it a picture, and whole? PNG, JPEG and WebP are.`);
  }
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const columns = Math.max(1, Math.round(bitmap.width * scale));
  const rows = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = new OffscreenCanvas(columns, rows);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  if (!context) throw new Error('This browser gives no canvas to decode pictures with.');
  // Paper behind what is transparent.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, columns, rows);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, columns, rows);
  bitmap.close();
  const {data} = context.getImageData(0, 0, columns, rows);
  return {type: 'picture', name: nameOf(file), rows, columns, bytes: new Uint8Array(data.buffer)};
}

/** Samples as content: f32, little endian. @param {Float32Array} samples @returns {AsyncGenerator<Content>} */
export async function* sound(samples) {
  const view = new DataView(new ArrayBuffer(samples.length * 4));
  samples.forEach((s, i) => view.setFloat32(i * 4, s, true));
  for (let at = 0; at < view.byteLength; at += PIECE) yield {type: 'piece', bytes: new Uint8Array(view.buffer, at, Math.min(PIECE, view.byteLength - at)).slice()};
}

/** No content: the trainer draws it. @returns {AsyncGenerator<Content>} */
export async function* drawn() {}

/** Hands content on as fast as it is taken. One at a time: a new one ends the one before. */
export class Feed {
  /** @param {(content: Content) => void} give */
  constructor(give) {
    this.give = give;
    this.turn = 0;
    this.taken = 0;
    /** @type {(() => void)|null} */
    this.wake = null;
  }

  /** So many bytes have been taken. @param {number} done */
  reading(done) {
    this.taken = done;
    this.wake?.();
  }

  /** Ends what is under way. */
  end() {
    this.turn += 1;
    this.wake?.();
  }

  /** All of it, then its end; false where another came in between. @param {AsyncIterable<Content>} all */
  async run(all) {
    this.end();
    const {turn} = this;
    this.taken = 0;
    let given = 0;
    try {
      for await (const content of all) {
        if (turn !== this.turn) return false;
        if ('bytes' in content) given += content.bytes.length;
        this.give(content);
        while (given - this.taken > AHEAD && turn === this.turn) await new Promise((resolve) => (this.wake = () => resolve(undefined)));
      }
    } catch (error) {
      // What ended meanwhile may fail unheard.
      if (turn === this.turn) throw error;
    }
    if (turn !== this.turn) return false;
    this.give({type: 'end'});
    return true;
  }
}

/**
 * What was dropped, folders and all, each file with its path in `path_`.
 * @param {DataTransfer} dropped @returns {Promise<File[]>}
 */
export async function droppedFiles(dropped) {
  // Entries must be taken before the first wait; after it the drop is gone.
  const entries = [...dropped.items].filter((i) => i.kind === 'file').map((i) => i.webkitGetAsEntry?.() ?? i.getAsFile());
  /** @type {File[]} */
  const files = [];
  for (const entry of entries) await gather(entry, files);
  return files;
}

/** @param {FileSystemEntry|File|null} entry @param {File[]} into */
async function gather(entry, into) {
  if (entry == null || into.length > PICTURES) return;
  if (entry instanceof File) {
    into.push(entry);
  } else if (entry.isFile) {
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
    if (!file.name.startsWith('.')) into.push(Object.assign(file, {path_: entry.fullPath.replace(/^\//, '')}));
  } else {
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    for (;;) {
      /** @type {FileSystemEntry[]} */
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return;
      for (const one of some) await gather(one, into);
    }
  }
}
