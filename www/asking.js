// @ts-check
/**
 * What is made of answers that were asked for without training: a text goes on byte by byte, a picture gets a class. Pure but
 * for `next` and `look`, which ask.
 */

/** A number of [0, 1) that nobody can guess. */
export const random = () => crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32;

/**
 * One of the classes: the likeliest at temperature 0, else drawn from softmax(logits / temperature). −1 where no logit is a number.
 * @param {ArrayLike<number>} logits @param {number} temperature @param {() => number} random
 */
export function pick(logits, temperature, random) {
  let best = -1;
  for (let i = 0; i < logits.length; i += 1) if (Number.isFinite(logits[i]) && (best < 0 || logits[i] > logits[best])) best = i;
  if (best < 0 || temperature === 0) return best;
  const weights = Array.from(logits, (l) => (Number.isFinite(l) ? Math.exp((l - logits[best]) / temperature) : 0));
  let left = random() * weights.reduce((a, b) => a + b, 0);
  const found = weights.findIndex((w) => w > 0 && (left -= w) < 0);
  return found < 0 ? best : found;
}

/** softmax(logits), largest first. @param {ArrayLike<number>} logits @returns {{index: number, share: number}[]} */
export function ranked(logits) {
  const list = Array.from(logits, (logit, index) => ({logit, index})).filter((x) => Number.isFinite(x.logit));
  const largest = list.reduce((m, x) => Math.max(m, x.logit), -Infinity);
  const total = list.reduce((sum, x) => sum + Math.exp(x.logit - largest), 0);
  return list.map(({logit, index}) => ({index, share: Math.exp(logit - largest) / total})).sort((a, b) => b.share - a.share);
}

/**
 * The bytes that go on a text, one after the other.
 * @param {Uint8Array} text @param {{most: number, window: number, temperature: number, random?: () => number}} how  `window`: bytes of context
 * @param {(window: Uint8Array) => Promise<ArrayLike<number>>} next  logits of the byte after `window`
 * @returns {AsyncGenerator<number>}
 */
export async function* goOn(text, {most, window, temperature, random: draw = random}, next) {
  let all = [...text];
  for (let i = 0; i < most; i += 1) {
    const byte = pick(await next(Uint8Array.from(all.slice(-window))), temperature, draw);
    if (byte < 0 || byte > 255) return;
    yield byte;
    all = [...all.slice(-window), byte];
  }
}

const SIDE = 28; // pixels of a picture's side, as models here are taught
const PATCH = 7; // of a patch's
const BRIGHTNESS = [0.299, 0.587, 0.114]; // of red, green and blue

/**
 * Patches [1, 7, 7] of a picture of 28 × 28, row by row.
 * @param {ArrayLike<number>} rgba 28 × 28 × 4 @param {boolean} [ink] dark on light, to be turned round: letters are learned light on dark
 */
export function patches(rgba, ink = false) {
  const gray = new Uint8Array(SIDE * SIDE);
  for (let i = 0; i < gray.length; i += 1) {
    const light = Math.round(BRIGHTNESS.reduce((sum, share, c) => sum + share * rgba[i * 4 + c], 0));
    gray[i] = ink ? 255 - light : light;
  }
  const across = SIDE / PATCH;
  const out = new Uint8Array(gray.length);
  for (let i = 0; i < out.length; i += 1) {
    const patch = Math.floor(i / PATCH ** 2);
    const inside = i % PATCH ** 2;
    const row = Math.floor(patch / across) * PATCH + Math.floor(inside / PATCH);
    const column = (patch % across) * PATCH + (inside % PATCH);
    out[i] = gray[row * SIDE + column];
  }
  return {type: /** @type {'image'} */ ('image'), seq: across ** 2, item: [1, PATCH, PATCH], bytes: out};
}

/** A file as a square of 28 × 28 with its paper, RGBA. @param {Blob} file @returns {Promise<Uint8ClampedArray>} */
export async function look(file) {
  const bitmap = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  if (!context) throw new Error('This browser gives no canvas to decode pictures with.');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, SIDE, SIDE);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, SIDE, SIDE);
  bitmap.close();
  return context.getImageData(0, 0, SIDE, SIDE).data;
}

/** The classes of glyphs, in their order. */
const GLYPHS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** A class in words. @param {number} index @param {number} classes */
export const className = (index, classes) => (classes === GLYPHS.length ? `“${GLYPHS[index]}”` : `class ${index}`);
