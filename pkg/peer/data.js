// @ts-check
// What a program gives to learn from, as a source and its content.

import {against, contents, drawn, sound} from './modules/reading.js';
import {PeerError} from './error.js';
import {corpus} from './node.js';

/** @typedef {import('./index.js').Source} Source */
/** @typedef {import('./index.js').Content} Content */
/** `content` null: it is given by hand; `own`: it is the program's own, not the network's. @typedef {{source: Source, content: AsyncIterable<Content>|null, own: boolean}} Given */

/**
 * Reads nothing yet, but for what tells that it cannot be learned from.
 * @param {import('./index.js').PeerData} data @param {import('./node.js').Node} node @returns {Given}
 */
export function given(data, node) {
  if (data === 'corpus') return {source: {type: 'text'}, content: corpus(node), own: false};
  if (data === 'captions') return {source: {type: 'captions'}, content: corpus(node), own: false};
  if (data === 'glyphs') return {source: {type: 'glyphs'}, content: drawn(), own: false};
  if (typeof data !== 'object' || data === null) throw new PeerError('bad-argument', `${data} is nothing to learn from: see PeerData`);
  if ('source' in data) return {source: data.source, content: data.content ?? null, own: !['text', 'glyphs', 'captions'].includes(data.source.type)};
  if ('samples' in data) return {source: {type: 'microphone', rate: Math.round(data.rate)}, content: sound(data.samples), own: true};
  const files = 'files' in data ? [...data.files] : 'text' in data ? [file(data.text, data.name ?? 'text.txt')] : 'bytes' in data ? [file(data.bytes, data.name)] : null;
  if (!files) throw new PeerError('bad-argument', 'data with text, bytes, files, samples or a source is wanted: see PeerData');
  const why = against(files);
  if (why) throw new PeerError('bad-data', why);
  return {source: {type: 'files'}, content: contents(files), own: true};
}

/** @param {string|Uint8Array} content @param {string} name */
const file = (content, name) => new File([/** @type {BlobPart} */ (content)], name);
