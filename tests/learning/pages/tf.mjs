// The same step as the trainer's, written with TensorFlow.js: the network of crates/lib/model with its initial weights,
// the loss of a step alone, the gradient at the own encoding, and Adam. Written as TensorFlow.js wants it:
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
/** What a step alone reaches. */
const REACHED = /^(stem|positions|blocks\..*|trunk\..*|head)$/;
/** A weight's name here. @param {string} name */
const short = (name) => name.replace(/^encoders\.0\./, '').replace(/\.mixing\.(?:\w+\.)?(mix|out)$/, '.$1');

/** Makes a backend ready. @param {'cpu'|'gpu'} device */
export async function start(device) {
  setWasmPaths('/');
  const backend = device === 'cpu' ? 'wasm' : 'webgpu';
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js has no ${backend} here`);
  await tf.ready();
  return `TensorFlow.js ${tf.version_core}, ${tf.getBackend()}`;
}

/** One-hot rows; what is asked of `oneHot` directly, the WASM backend gives whole numbers for. @param {Uint8Array} bytes */
const hot = (bytes) => tf.cast(tf.oneHot(tf.tensor1d(Int32Array.from(bytes), 'int32'), 256), 'float32');

export class Session {
  /** @param {[string, number[], Float32Array][]} weights */
  constructor(weights) {
    /** @type {Record<string, tf.Variable>} */
    this.w = {};
    for (const [full, shape, values] of weights) {
      const name = short(full);
      if (REACHED.test(name)) this.w[name] = tf.variable(tf.tensor(values, shape), true, `${name}.${Math.random()}`);
    }
    this.probe = tf.variable(tf.zeros([BATCH, SEQ, DIM]), true, `probe.${Math.random()}`);
    this.learned = Object.values(this.w);
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
    const looked = tf.reshape(tf.matMul(bytes, this.w.stem), [BATCH, SEQ, DIM]);
    let x = tf.reshape(tf.add(looked, this.w.positions), [TOKENS, DIM]);
    for (let i = 0; i < LAYERS; i += 1) {
      x = tf.add(this.attend(x, `blocks.${i}`), x);
      x = tf.add(this.perceptron(`blocks.${i}.perceptron`, x), x);
    }
    return tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), 1e-5)));
  }

  /** One step; gives its loss. @param {Uint8Array} inputs @param {Uint8Array} targets */
  async step(inputs, targets) {
    this.steps += 1;
    this.optimizer.learningRate = RATE * Math.min(1, this.steps / WARMUP);
    const read = tf.tidy(() => {
      const bytes = hot(inputs);
      const wanted = hot(targets);
      /** @type {tf.Tensor[]} */
      let kept = [];
      const loss = () => {
        const own = this.encode(bytes);
        const joined = tf.add(own, tf.reshape(this.probe, [TOKENS, DIM]));
        const logits = tf.matMul(tf.add(this.perceptron('trunk', joined), joined), this.w.head);
        const mean = tf.mean(tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), wanted), 1)));
        kept = [tf.keep(own), tf.keep(mean)];
        return /** @type {tf.Scalar} */ (mean);
      };
      const {grads} = tf.variableGrads(loss, [...this.learned, this.probe]);
      const atOwn = grads[this.probe.name];
      delete grads[this.probe.name];
      this.optimizer.applyGradients(grads);
      const [own, mean] = kept;
      const along = tf.sum(tf.reshape(tf.mul(tf.reshape(atOwn, [TOKENS, DIM]), own), [BATCH, SEQ * DIM]), 1);
      const norm = tf.reshape(tf.sum(tf.square(atOwn)), [1]);
      const read = tf.concat([tf.reshape(mean, [1]), along, norm]);
      for (const tensor of [own, mean]) tensor.dispose();
      return read;
    });
    const [alone] = await read.data();
    read.dispose();
    return alone;
  }
}
