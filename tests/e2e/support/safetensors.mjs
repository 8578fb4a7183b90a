// Reads a safetensors file as its format says (huggingface/safetensors): u64 length, JSON header, data. Throws where it is none.

import assert from 'node:assert/strict';

const SIZES = /** @type {Record<string, number>} */ ({F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1});

/** @param {Uint8Array} file @returns {Record<string, {dtype: string, shape: number[], values: Float32Array|null}>} tensors by name */
export function safetensors(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  assert.ok(length <= file.byteLength - 8, `a header of ${length} bytes in a file of ${file.byteLength}`);
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const start = 8 + length;
  let end = 0;
  /** @type {ReturnType<typeof safetensors>} */
  const tensors = {};
  for (const [name, {dtype, shape, data_offsets: [from, to]}] of Object.entries(header).filter(([n]) => n !== '__metadata__')) {
    const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
    assert.equal(to - from, count * SIZES[dtype], `${name}: ${shape} of ${dtype} in ${to - from} bytes`);
    end = Math.max(end, to);
    const values = dtype === 'F32' ? Float32Array.from({length: count}, (_, i) => view.getFloat32(start + from + i * 4, true)) : null;
    tensors[name] = {dtype, shape, values};
  }
  assert.equal(start + end, file.byteLength, 'nothing is behind the last tensor');
  return tensors;
}
