// The Rust probe page: everything it can is in crates/lib/webrtc/tests/probe.

// @ts-expect-error built by wasm-bindgen, beside this file
import init, {Probe} from './probe.js';

const {memory} = await init();
const probe = new Probe();
/** Its methods, and the size of its memory. */
const api = new Proxy(probe, {
  get: (target, name) => (name === 'memory' ? () => memory.buffer.byteLength : target[name]?.bind(target)),
});
Object.assign(window, {api});
