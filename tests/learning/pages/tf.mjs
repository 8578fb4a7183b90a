// The same step as the trainer's, written with TensorFlow.js: the network of crates/lib/model with its initial weights,
// the losses alone and of the student, the gradient at the own encoding, and Adam. Written as TensorFlow.js wants it:
// fused matmul with ReLU, transposed operands instead of transposes, one readback a step, everything tidied.
//
// Its WASM backend has no kernel for the gradient of `gather`, so that bytes are looked up by a matmul with their
// one-hot rows on every backend.

import * as tf from '@tensorflow/tfjs-core';
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-webgpu';

const BATCH = 8;
const SEQ = 64;
const DIM = 64;
const LAYERS = 2;
const HEADS = 4;
const WIDTH = DIM / HEADS;
const TOKENS = BATCH * SEQ;
const RATE = 3e-3;
const WARMUP = 20;
/** Not reached by the losses of a step without answers. */
const IDLE = ['projection', 'query', 'keys'];

/** Makes a backend ready. @param {'cpu'|'gpu'} device */
export async function start(device) {
  setWasmPaths('/');
  const backend = device === 'cpu' ? 'wasm' : 'webgpu';
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js has no ${backend} here`);
  await tf.ready();
  return `TensorFlow.js ${tf.version_core}, ${tf.getBackend()}`;
}

/** The same values, outside of what is differentiated. @param {tf.Tensor} x */
function detach(x) {
  tf.engine().backend.incRef(x.dataId);
  return tf.engine().makeTensorFromTensorInfo({dataId: x.dataId, shape: x.shape, dtype: x.dtype});
}

/** One-hot rows; what is asked of `oneHot` directly, the WASM backend gives whole numbers for. @param {Uint8Array} bytes */
const hot = (bytes) => tf.cast(tf.oneHot(tf.tensor1d(Int32Array.from(bytes), 'int32'), 256), 'float32');

export class Session {
  /** @param {[string, number[], Float32Array][]} weights */
  constructor(weights) {
    /** @type {Record<string, tf.Variable>} */
    this.w = {};
    for (const [name, shape, values] of weights) this.w[name] = tf.variable(tf.tensor(values, shape), !IDLE.includes(name), `${name}.${Math.random()}`);
    this.probe = tf.variable(tf.zeros([BATCH, SEQ, DIM]), true, `probe.${Math.random()}`);
    this.learned = Object.values(this.w).filter((v) => v.trainable);
    const mask = Float32Array.from({length: SEQ * SEQ}, (_, i) => (i % SEQ > Math.floor(i / SEQ) ? -1e4 : 0));
    this.mask = tf.tensor(mask, [1, 1, SEQ, SEQ]);
    this.optimizer = tf.train.adam(RATE, 0.9, 0.99, 1e-8);
    this.steps = 0;
  }

  /** @param {string} name @param {tf.Tensor} x [n, dim] */
  perceptron(name, x) {
    const inner = tf.fused.matMul({a: x, b: this.w[`${name}.up`], activation: 'relu'});
    return tf.matMul(inner, this.w[`${name}.down`]);
  }

  /** @param {tf.Tensor} x [n, dim] */
  attend(x, /** @type {string} */ block) {
    const mixed = tf.transpose(tf.reshape(tf.matMul(x, this.w[`${block}.mix`]), [BATCH, SEQ, 3 * HEADS, WIDTH]), [0, 2, 1, 3]);
    const [query, key, value] = tf.split(mixed, 3, 1);
    const weights = tf.softmax(tf.add(tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(WIDTH)), this.mask));
    const heard = tf.reshape(tf.transpose(tf.matMul(weights, value), [0, 2, 1, 3]), [TOKENS, DIM]);
    return tf.matMul(heard, this.w[`${block}.out`]);
  }

  /** @param {tf.Tensor} bytes [tokens, 256] one-hot */
  encode(bytes) {
    const looked = tf.reshape(tf.matMul(bytes, this.w.bytes), [BATCH, SEQ, DIM]);
    let x = tf.reshape(tf.add(looked, this.w.positions), [TOKENS, DIM]);
    for (let i = 0; i < LAYERS; i += 1) {
      x = tf.add(this.attend(x, `blocks.${i}`), x);
      x = tf.add(this.perceptron(`blocks.${i}.perceptron`, x), x);
    }
    return tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), 1e-5)));
  }

  /** One step; gives the losses alone and of the student. @param {Uint8Array} inputs @param {Uint8Array} targets */
  async step(inputs, targets) {
    this.steps += 1;
    this.optimizer.learningRate = RATE * Math.min(1, this.steps / WARMUP);
    const read = tf.tidy(() => {
      const bytes = hot(inputs);
      const wanted = hot(targets);
      const rows = tf.concat([wanted, wanted]);
      const shares = tf.tensor1d([0.5, 1]);
      /** @type {tf.Tensor[]} */
      let kept = [];
      const loss = () => {
        const own = this.encode(bytes);
        const constant = detach(own);
        const scores = tf.matMul(tf.matMul(tf.mean(tf.reshape(constant, [BATCH, SEQ, DIM]), 1), this.w.query), this.w.keys);
        const student = tf.add(own, this.perceptron('student', constant));
        const joined = tf.concat([own, tf.add(student, tf.reshape(this.probe, [TOKENS, DIM]))]);
        const logits = tf.matMul(tf.add(this.perceptron('trunk', joined), joined), this.w.head);
        const nats = tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), rows), 1));
        const means = tf.mean(tf.reshape(nats, [2, TOKENS]), 1);
        kept = [tf.keep(own), tf.keep(means), tf.keep(scores)];
        return /** @type {tf.Scalar} */ (tf.sum(tf.mul(means, shares)));
      };
      const {grads} = tf.variableGrads(loss, [...this.learned, this.probe]);
      const atOwn = grads[this.probe.name];
      delete grads[this.probe.name];
      this.optimizer.applyGradients(grads);
      const [own, means, scores] = kept;
      const along = tf.sum(tf.reshape(tf.mul(tf.reshape(atOwn, [TOKENS, DIM]), own), [BATCH, SEQ * DIM]), 1);
      const norm = tf.reshape(tf.sum(tf.square(atOwn)), [1]);
      const read = tf.concat([means, along, norm]);
      for (const tensor of [own, means, scores]) tensor.dispose();
      return read;
    });
    const [alone, student] = await read.data();
    read.dispose();
    return [alone, student];
  }
}
