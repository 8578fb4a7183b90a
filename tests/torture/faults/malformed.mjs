// Bytes that are none, on every port of every node: what is no HTTP, HTTP that is odd, bodies and paths of chance; frames after a good
// upgrade of the websocket and within its first negotiations; handshakes of validators that never are, or never end.

import {connect} from 'node:net';
import {sleep} from '../../e2e/support/wait.mjs';
import {ask} from '../support/ledger.mjs';
import {Random} from '../support/random.mjs';

/** @typedef {import('./index.mjs').Fault} Fault */
/** @typedef {import('../support/system.mjs').System} System */

/** Whom these come from: not an address that anybody else has. */
const FROM = '127.0.9.66';
/** Connections at once. */
const AT_ONCE = 6;

/**
 * Writes pieces to a port, with pauses, and waits until the other side ends it or `seconds` are over.
 * @param {number} port @param {(Buffer|string)[]} pieces @param {{pause?: number, seconds?: number, half?: boolean}} [options] `half`: ends its own side first
 * @returns {Promise<Buffer>} what was answered, its first bytes
 */
function throwAt(port, pieces, {pause = 0, seconds = 2, half = false} = {}) {
  return new Promise((resolve) => {
    /** @type {Buffer[]} */
    const answered = [];
    const socket = connect({port, host: '127.0.0.1', localAddress: FROM});
    const over = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(answered).subarray(0, 1024));
    };
    const timer = setTimeout(over, seconds * 1000);
    socket.on('data', (bytes) => answered.length < 64 && answered.push(bytes)).once('close', over).on('error', () => {});
    socket.once('connect', async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece);
        if (pause) await sleep(pause);
      }
      if (half) socket.end();
    });
  });
}

/** A frame of a client: masked, final. @param {Random} random @param {number} kind @param {Buffer} bytes */
function frame(random, kind, bytes) {
  const mask = random.bytes(4);
  const length = bytes.length < 126 ? Buffer.from([0x80 | bytes.length]) : Buffer.from([0x80 | 126, bytes.length >> 8, bytes.length & 255]);
  return Buffer.concat([Buffer.from([0x80 | kind]), length, mask, bytes.map((byte, i) => byte ^ mask[i % 4])]);
}

/** A word of multistream-select. @param {string} word */
const select = (word) => Buffer.concat([Buffer.from([word.length + 1]), Buffer.from(`${word}\n`)]);

const upgrade = (/** @type {number} */ port, /** @type {Random} */ random) =>
  `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${random.bytes(16).toString('base64')}\r\n\r\n`;

/** One odd thing for the API. @param {Random} random @param {number} port @param {string[]} paths */
function oddRequest(random, port, paths) {
  const path = random.pick(paths).replace(/\{[^}]*\}/g, () => random.pick(['0', '-1', '4294967296', '%00', '%F0%9F%92%A5', 'a'.repeat(3000), random.bytes(32).toString('hex')]));
  const body = random.bytes(random.whole(0, 3000));
  switch (random.whole(0, 9)) {
    case 0: return throwAt(port, [body]);
    case 1: return throwAt(port, [`GET ${path} HTTP/1.1\r\nHost: x\r\n`, `X-A: ${'a'.repeat(70_000)}\r\n\r\n`]);
    case 2: return throwAt(port, [`GET ${path} HTTP/1.1\r\nHost: x\r\n${Array.from({length: 300}, (_, i) => `X-${i}: ${i}\r\n`).join('')}\r\n`]);
    case 3: return throwAt(port, [`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n`, body]);
    case 4: return throwAt(port, [`POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n`, body]);
    case 5: return throwAt(port, [...`GET ${path} HTTP/1.1\r\nHost: x\r\n`], {pause: 100, seconds: 4}); // never ends
    case 6: return throwAt(port, [`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n`, body], {half: true});
    case 7: return ask(port, path, {from: FROM, body: JSON.stringify({a: [body.toString('base64')], b: null, c: 1e400}), headers: {'content-type': 'application/json'}}).catch(() => {});
    case 8: return ask(port, random.pick(['/api/transactions', '/api/query']), {from: FROM, body, headers: {'content-type': 'application/octet-stream'}}).catch(() => {});
    default: return ask(port, `${path}?from=${random.pick(['-1', '1e9', '18446744073709551615', 'x', '%'])}&limit=${random.pick(['0', '-5', '9999999'])}`, {from: FROM, method: random.pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])}).catch(() => {});
  }
}

/** One odd thing for the network's websocket. @param {Random} random @param {number} port */
function oddFrames(random, port) {
  const bytes = () => random.bytes(random.whole(1, 2000));
  const begun = [upgrade(port, random)];
  const chosen = [...begun, frame(random, 2, Buffer.concat([select('/multistream/1.0.0'), select('/noise')]))];
  switch (random.whole(0, 6)) {
    case 0: return throwAt(port, [bytes()]);
    case 1: return throwAt(port, [...begun, frame(random, 2, bytes()), frame(random, 2, bytes())], {pause: 20});
    case 2: return throwAt(port, [...begun, bytes()], {pause: 20}); // frames that are none
    case 3: return throwAt(port, [...begun, frame(random, random.whole(3, 15), bytes())], {pause: 20});
    case 4: return throwAt(port, [...chosen, frame(random, 2, Buffer.concat([Buffer.from([0xff, 0xff]), bytes()])), frame(random, 2, bytes())], {pause: 20});
    case 5: return throwAt(port, [...chosen, frame(random, 2, Buffer.concat([Buffer.from([0, 32]), random.bytes(32)])), frame(random, 2, bytes())], {pause: 50});
    default: return throwAt(port, chosen, {pause: 20, seconds: 6}); // silent in the middle
  }
}

/** One odd thing for a validator. @param {Random} random @param {number} port */
function oddHandshake(random, port) {
  switch (random.whole(0, 3)) {
    case 0: return throwAt(port, [random.bytes(random.whole(1, 4000))]);
    case 1: return throwAt(port, [Buffer.from([0, 0, 0, random.whole(1, 255)]), random.bytes(200)], {half: true});
    case 2: return throwAt(port, [...random.bytes(60)].map((byte) => Buffer.from([byte])), {pause: 100, seconds: 8});
    default: return throwAt(port, [Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f])], {seconds: 5});
  }
}

/**
 * @param {string} name @param {(system: System) => string[]} targets @param {(system: System, target: string) => Promise<(random: Random) => unknown>} prepare
 * @returns {Fault}
 */
const bytesOn = (name, targets, prepare) => ({
  name,
  kind: 'malformed bytes',
  draw: (random, system) => ({target: random.pick(targets(system)), seed: random.whole(0, 2 ** 31)}),
  touches: ({target}) => [`${name} ${target}`],
  async inject(system, {target, seed}) {
    const random = new Random(`${name} ${seed}`);
    let over = false;
    const one = await prepare(system, target);
    const throwing = Promise.all(Array.from({length: AT_ONCE}, async () => {
      while (!over) {
        await one(random);
        await sleep(50);
      }
    }));
    return async () => {
      over = true;
      await throwing;
    };
  },
});

const nodes = (/** @type {System} */ system) => system.nodes.map((node) => node.name);
/** @param {System} system @param {string} target */
const node = (system, target) => /** @type {import('../support/system.mjs').ChainNode} */ (system.nodes.find(({name}) => name === target));

/** @type {Fault[]} */
export const malformed = [
  bytesOn('malformed: API', nodes, async (system, target) => {
    const {api} = node(system, target);
    const described = await ask(await system.someone(), '/api/openapi.json').then(({text}) => Object.keys(JSON.parse(text).paths)).catch(() => ['/api/head', '/api/neurons/{uid}']);
    const paths = [...described, '/bootstrap.json', '/corpus', '/health', '/ready', '/', '/../../etc/passwd'];
    return (random) => oddRequest(random, api, paths);
  }),
  bytesOn('malformed: network', nodes, async (system, target) => (random) => oddFrames(random, node(system, target).p2p)),
  bytesOn('malformed: validators', (system) => system.nodes.slice(0, -1).map(({name}) => name), async (system, target) => (random) => oddHandshake(random, node(system, target).listen)),
];
