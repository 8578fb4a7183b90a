// A tab that only plays: it has the shape of the WebAssembly module's `Tab` and sends the events of a plausible first
// minutes, the same each time. `tab.emit(event)` sends one more, `tab.steps(n)` n training steps at once; `tab.played`: the events
// of audited.js. What the page asks it to sign is in `tab.asked`,
// what else it wants of it in `tab.wishes`.

import * as audited from './audited.js';

const CHAIN = 'c4a10000'.padEnd(64, '0');
const KEYS = ['a3f109bc', '5be2770d', '91c4e8f2', 'e07d63a1'].map((k) => k.padEnd(64, '7'));
const NEAR = 'c8130a5d'.padEnd(64, '7'); // a tab that has not registered yet
const COLD = 'f00dcafe'.padEnd(64, '7');
const PEERS = ['12D3KooWResidentOne', '12D3KooWResidentTwo', '12D3KooWOtherTab', '12D3KooWTabNearBy', '12D3KooWNode'];

export default async function init() {}

export class Tab {
  constructor({onEvent, device, iceServers}) {
    this.onEvent = onEvent;
    this.iceServers = iceServers;
    this.device = device;
    this.timers = [];
    this.step = 0;
    this.seed = 7;
    this.height = 1200;
    this.bytesIn = 0;
    this.bytesOut = 0;
    this.asked = [];
    this.wishes = [];
    this.played = audited;
  }

  emit(event) {
    this.onEvent(event);
  }

  random() {
    this.seed = (this.seed * 16807) % 2147483647;
    return this.seed / 2147483647;
  }

  at(ms, event) {
    this.timers.push(setTimeout(() => this.emit(typeof event === 'function' ? event() : event), ms));
  }

  async join() {
    const place = `peerage.${CHAIN}.seed`;
    try {
      if (!localStorage.getItem(place)) localStorage.setItem(place, '5eed'.repeat(16));
    } catch {
      // A browser that keeps nothing.
    }
    this.at(40, this.identity(COLD, false));
    this.at(90, () => this.network());
    this.at(160, () => this.head());
    this.at(200, {type: 'loaded'});
    this.at(260, {type: 'device', cpu: 21.4, gpu: this.device === 'cpu' ? null : 96.2, kind: this.device === 'cpu' ? 'CPU' : 'WebGPU', name: this.device === 'cpu' ? '' : 'NVIDIA GeForce RTX 3060', why: this.device === 'cpu' ? 'you chose it' : 'an adapter is there, and it is the faster of the two'});
    this.at(300, {type: 'working', tried: 20_480, expected: 65_536, rate: 41_200, paused: false});
  }

  /** Takes a source as the trainer does: what it says of it comes with the end of its content. */
  learn({source, private: alone}) {
    this.wishes.push({type: 'learn', source, private: alone});
    this.source = {source, private: alone, files: [], taken: 0};
  }

  give(content) {
    const {source, files} = this.source;
    if (content.type === 'file' || content.type === 'picture') files.push(content.name);
    if (content.bytes) this.source.taken += content.bytes.length;
    if (content.type !== 'end') return this.at(1, {type: 'reading', done: this.source.taken, of: this.source.taken});
    if (files.some((name) => name.includes('broken'))) return this.at(5, {type: 'unusable', source, reason: `“${files[0]}”, line 3: 2 fields where the header has 4; remove the line or complete it`});
    this.at(20, this.learned());
  }

  learned() {
    const {source, private: alone, files, taken} = this.source;
    const kinds = {text: [1, true, 256], glyphs: [2, false, 36], captions: [3, true, 256], files: [8, false, 3], microphone: [4, true, 256]};
    const [modalities, each, classes] = kinds[source.type];
    const words = source.type === 'text' ? '52 kB of the node’s text as this tab’s own part.' : `${files.length ? files.join(', ') : source.type}: ${taken} bytes.`;
    return {type: 'dataset', source, words, modalities, classes, each, bytes: taken, offset: 104_000, private: alone, answers: 'f16', gradients: 'int8'};
  }

  validate() {
    this.wishes.push({type: 'validate'});
    this.at(20, {type: 'validation', step: this.step, withPeers: this.cut ? null : 1.912, alone: 2.104, student: 1.968, accuracy: null, examples: 96});
  }

  offline(cut) {
    this.cut = cut;
    this.wishes.push({type: 'offline', offline: cut});
  }

  private(alone) {
    this.wishes.push({type: 'private', private: alone});
  }

  keep() {
    this.emit({type: 'modelKept', step: this.step, bytes: 2_310_400, place: 'opfs', reason: null});
  }

  export() {
    const head = new TextEncoder().encode('{"head":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}');
    const bytes = new Uint8Array(8 + head.length + 4);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
    bytes.set(head, 8);
    this.emit({type: 'exported', step: this.step, bytes});
  }

  importModel(bytes) {
    this.wishes.push({type: 'import', size: bytes.length});
    if (bytes.length < 16) this.emit({type: 'trouble', message: 'the file is no safetensors file: it ends after 3 bytes', fatal: false});
    else this.emit({type: 'imported', step: this.step});
  }

  forgetModel() {
    this.wishes.push({type: 'forget'});
    this.step = 0;
    this.emit(this.learned());
  }

  price(base) {
    this.wishes.push({type: 'price', price: base});
  }

  /** Says “ba” for ever. */
  async logits(peer, inputs) {
    this.wishes.push({type: 'logits', peer, inputs: inputs.type, size: inputs.bytes.length});
    if (inputs.type === 'image') return Float32Array.from({length: 36}, (_, i) => (i === 7 ? 4 : 0));
    const next = inputs.bytes.at(-1) === 98 ? 97 : 98;
    return Float32Array.from({length: 256}, (_, i) => (i === next ? 30 : 0));
  }

  identity(cold, backedUp) {
    return {type: 'identity', key: KEYS[0], chain: CHAIN, peer: '12D3KooWThisTab', kept: false, cold, backedUp};
  }

  /** All that the first minute brings, at once. */
  minute() {
    this.emit({type: 'neurons', neurons: KEYS.map((k, i) => [i, k, String((4 - i) * 1_250_000_000)])});
    this.emit({type: 'transaction', digest: 'aa'.padEnd(64, '1'), action: 'register', state: {type: 'included', height: this.height}});
    this.emit({type: 'askers', askers: [[KEYS[2], 1], [KEYS[1], 0.62], [KEYS[3], 0.08]]});
    this.own(0);
    this.steps(3);
    this.scores();
    this.emit({type: 'transaction', digest: 'bb'.padEnd(64, '1'), action: 'set weights', state: {type: 'pending'}});
    this.emit({type: 'transaction', digest: 'bb'.padEnd(64, '1'), action: 'set weights', state: {type: 'included', height: this.height + 1}});
    this.own(1);
    this.emit(audited.KEPT);
    for (const epoch of [117, 118, 119]) this.emit(audited.sound(epoch, 98 + epoch % 7));
    this.emit(audited.proposal());
  }

  network(node = {up: true, reason: null, retryMs: null}) {
    const kinds = ['resident', 'resident', 'tab', 'tab', 'node'];
    const paths = ['websocket', 'websocket', 'relayed', 'direct', 'websocket'];
    const none = {residents: 0, tabs: 0};
    this.bytesIn += 48_000 + this.random() * 9_000;
    this.bytesOut += 31_000 + this.random() * 9_000;
    return {
      type: 'network',
      node,
      connections: node.up ? PEERS.map((peer, i) => ({peer, key: [...KEYS.slice(1), NEAR][i] ?? null, kind: kinds[i], path: paths[i], rtt: [1.2, 1.4, 3.8, 2.1, 0.9][i], modalities: [1, 3, 1, 2, 0][i], price: ['50000000', '0', '1250000', '0', '0'][i]})) : [],
      bytesIn: Math.round(this.bytesIn),
      bytesOut: Math.round(this.bytesOut),
      exchanges: {
        tab: 46,
        resident: 11,
        asked: {websocket: {residents: 11, tabs: 0}, relayed: {residents: 0, tabs: 4}, direct: {residents: 0, tabs: 42}},
        served: {websocket: none, relayed: {residents: 0, tabs: 3}, direct: {residents: 0, tabs: 37}},
        failed: 2,
      },
    };
  }

  head() {
    this.height += 1;
    return {
      type: 'head',
      height: this.height,
      digest: (0x9e3779b9 ^ this.height).toString(16).replace('-', '').padStart(8, '0').padEnd(64, 'd'),
      time: Date.now() - 24,
      lag: 24,
      signers: 3,
      validators: 4,
      certificateBytes: 237,
      checked: ['the header hashes to the digest that was signed', '3 of 4 validators signed it, more than two thirds', 'the validators are those of the last verified epoch', 'height and time rise'],
    };
  }

  own(version) {
    this.emit({
      type: 'own',
      uid: 0,
      height: this.height,
      stake: '1250731000',
      balance: '40500000',
      place: 3,
      peers: 4,
      rank: 0.218,
      trust: 0.742,
      scaling: 0.981,
      loss: -0.1273,
      scalingGradient: {type: 'defined', value: -0.0312},
      clippingGradient: {type: 'defined', values: [[0, -0.00021], [1, 0.00184], [2, 0.000093], [3, 0.0000004]]},
      row: version ? [[0, 21_000], [1, 25_535], [2, 12_000], [3, 7_000]] : [],
      version,
      ...audited.GRADIENTS,
    });
  }

  scores() {
    const worth = [[0.8, 0.04, null, 0], [1.1, 0.06, 0.0213, 0.52], [0.45, 0.03, 0.0091, 0.31], [0.22, 0.05, -0.0004, 0.17]];
    this.emit({type: 'scores', scores: worth.map(([score, error, exact, mass], i) => ({key: KEYS[i], score, error, fisher: score, gain: score / 10, exact, mass}))});
  }

  steps(n) {
    for (let i = 0; i < n; i += 1) {
      this.step += 1;
      const base = 1.9 + 3.6 * Math.exp(-this.step / 90);
      const noise = () => (this.random() - 0.5) * 0.28;
      const alone = base + 0.16 + noise();
      const heard = this.random() > 0.08;
      this.emit({
        type: 'step',
        step: this.step,
        withPeers: heard ? alone - 0.12 * Math.min(1, this.step / 60) + noise() * 0.2 : null,
        alone,
        student: alone - 0.05 * Math.min(1, this.step / 90) + noise() * 0.3,
        distillation: 0.02,
        tokens: 512,
        millis: 180 + this.random() * 60,
        waited: 12 + this.random() * 10,
        answered: heard ? [PEERS[this.step % 3], PEERS[(this.step + 1) % 3]] : [],
        missed: heard ? [] : [PEERS[0]],
        applied: this.step % 2,
        served: 1,
        stoodIn: heard ? 0 : 1,
        ahead: this.step > 2 ? 1 : 0,
        sent: 34_816,
        received: heard ? 65_536 : 0,
        launch: 140 + this.random() * 20,
        read: 9,
        update: 22,
        sold: 0,
      });
    }
  }

  pause(held) {
    this.held = held;
  }

  /** Signs nothing by itself: a test sends the transactions. */
  ask(intent) {
    if (this.refusal) throw new Error(this.refusal);
    this.asked.push(intent);
  }

  policy(policy) {
    this.asked.push({type: 'policy', policy});
  }

  work(paused) {
    this.asked.push({type: 'work', paused});
    this.emit({type: 'working', tried: 30_000, expected: 65_536, rate: 41_200, paused});
  }

  async backup() {
    this.backups = (this.backups ?? 0) + 1;
    if (this.backups > 1) throw new Error('the backup was given out before, and the key cannot be read any more');
    this.emit(this.identity(COLD, true));
    return `${'c0ffee00'.repeat(8)}\n`;
  }

  async importCold(text) {
    if (!/^[0-9a-f]{64}\s*$/.test(text)) throw new Error('This is no backup of a cold key: a file with 64 hexadecimal digits is wanted.');
    this.emit(this.identity('beef'.repeat(16), true));
  }

  stop() {
    this.timers.forEach(clearTimeout);
    this.at(30, {type: 'stopped'});
  }

  forgetChain() {
    globalThis.forgotten = true;
  }

  snapshot() {
    return {};
  }
}
