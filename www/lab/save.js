// @ts-check
/** Files for the reader: what the module wrote, and the picture as PNG. They are made here and go nowhere else. */

import {make} from './dom.js';

/** Hands a file to the reader. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  make('a', {href: url, download: name}).click();
  // The download has begun by then; what is left of it is freed.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const TYPES = {csv: 'text/csv', svg: 'image/svg+xml', json: 'application/json'};

/** @param {string} text @param {'csv'|'svg'|'json'} kind */
export const file = (text, kind) => new Blob([text], {type: `${TYPES[kind]};charset=utf-8`});

/** Pixels of the PNG for each of the drawing. */
const FINE = 2;
/** Pixels that every browser's canvas has. */
const MOST = 8_000;

/** The picture in pixels. @param {string} svg @returns {Promise<Blob>} */
export async function png(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const fine = Math.min(FINE, MOST / image.naturalHeight);
  const canvas = make('canvas', {width: Math.round(image.naturalWidth * fine), height: Math.round(image.naturalHeight * fine)});
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser draws no picture here. Save the SVG instead.');
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((/** @type {(blob: Blob|null) => void} */ resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('This browser made no PNG of the picture. Save the SVG instead.');
  return blob;
}
