// A hostile peer: js-libp2p as far as the relay, and by hand from there on. `window.api` says what it can do to others.

import {circuitRelayTransport} from '@libp2p/circuit-relay-v2';
import {identify} from '@libp2p/identify';
import {noise} from '@libp2p/noise';
import {webSockets} from '@libp2p/websockets';
import {yamux} from '@libp2p/yamux';
import {multiaddr} from '@multiformats/multiaddr';
import {createLibp2p} from 'libp2p';
import {ANSWER, CANDIDATE, OFFER, decoder, encode, join, varint} from './frames.mjs';
import * as channels from './hostile-channels.mjs';
import {drain, send, until, within} from './wait.mjs';

/** @typedef {import('@libp2p/interface').Stream} Stream */

const SIGNALING = '/webrtc-signaling/0.0.1';
const LIMITED = {runOnLimitedConnection: true};
const CANDIDATES = JSON.stringify({candidate: 'candidate:1 1 udp 2113937151 127.0.0.1 9 typ host generation 0 ufrag aaaa', sdpMid: '0', sdpMLineIndex: 0});

/** @type {import('libp2p').Libp2p} */
let node;
/** Where the others can be reached. */
let relay = '';
/** What the peer that calls gets for an answer. */
let manner = 'silence';
/** The relayed connection with the one who is called. @type {Promise<import('@libp2p/interface').Connection>|null} */
let circuit = null;
/** The offers of browsers that are not meant. @type {RTCPeerConnection[]} */
const unused = [];

/** What one who calls may say first, and then. @type {Record<string, (stream: Stream) => Promise<void>>} */
const openings = {
  junk: (stream) => send(stream, join([100], crypto.getRandomValues(new Uint8Array(4000)))),
  oversized: (stream) => send(stream, join(varint(10 << 20), new Uint8Array(64 << 10))),
  'length without end': (stream) => send(stream, new Uint8Array(64).fill(0xff)),
  'wrong protobuf': (stream) => send(stream, Uint8Array.of(6, 18, 200, 1, 1, 2, 3)),
  'a candidate first': (stream) => send(stream, encode(CANDIDATE, CANDIDATES)),
  'an answer first': (stream) => send(stream, encode(ANSWER, 'v=0')),
  'an offer of nonsense': (stream) => send(stream, encode(OFFER, 'v=0\r\nnonsense\r\n')),
  'two offers': async (stream) => send(stream, join(encode(OFFER, await offer()), encode(OFFER, await offer()))),
  silence: () => Promise.resolve(),
  'an offer, then silence': async (stream) => send(stream, encode(OFFER, await offer())),
  async 'candidates without end'(stream) {
    await send(stream, encode(OFFER, await offer()));
    const many = join(...Array.from({length: 50}, () => encode(CANDIDATE, CANDIDATES)));
    for (let i = 0; i < 2000 && stream.status === 'open' && stream.writeStatus === 'writable'; i += 1) await send(stream, many);
  },
};

/** What one who is called may answer. @type {Record<string, (stream: Stream) => Promise<unknown>|void>} */
const answers = {
  silence: () => {},
  junk: openings.junk,
  oversized: openings.oversized,
  'a candidate first': openings['a candidate first'],
  'an answer of nonsense': (stream) => send(stream, encode(ANSWER, 'v=0\r\nnonsense\r\n')),
  'an end': (stream) => stream.close(),
  'a reset': (stream) => stream.abort(new Error('no')),
};

const api = {
  /** @param {{relay: string}} options */
  async start(options) {
    relay = options.relay;
    node = await createLibp2p({
      addresses: {listen: [`${relay}/p2p-circuit`]},
      transports: [webSockets(), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: {denyDialMultiaddr: () => false},
      services: {identify: identify()},
    });
    await node.handle(SIGNALING, (stream) => Promise.resolve(answers[manner](stream)).then(() => undefined, () => undefined), {...LIMITED, maxInboundStreams: 100});
    await until(15_000, 'a reserved circuit', () => node.getMultiaddrs().length > 0);
    return node.peerId.toString();
  },

  openings: async () => Object.keys(openings),
  answers: async () => Object.keys(answers),

  /** How calls are answered from now on. @param {string} name */
  async answer(name) {
    manner = name;
  },

  /** Calls `peer` with an opening, and says how its signalling stream ended within `ms`. @param {string} peer @param {string} name @param {number} ms */
  async call(peer, name, ms) {
    const started = performance.now();
    const stream = await signaling(peer).catch(() => null);
    if (!stream) return {end: 'refused', ms: performance.now() - started};
    const over = drain(stream, () => {}).then(() => 'end', () => 'reset');
    openings[name](stream).catch(() => {});
    const end = await within(ms, 'the end', over).catch(() => 'open');
    stream.abort(new Error('enough'));
    for (const pc of unused.splice(0)) pc.close();
    return {end, ms: performance.now() - started};
  },

  /** Makes a direct connection with `peer` as one should, to misuse it later. @param {string} peer */
  async connect(peer) {
    const stream = await signaling(peer);
    const pc = new RTCPeerConnection();
    const init = pc.createDataChannel('init');
    const sdp = (await pc.createOffer()).sdp ?? '';
    await send(stream, encode(OFFER, sdp));
    pc.onicecandidate = ({candidate}) => candidate?.candidate && stream.send(encode(CANDIDATE, JSON.stringify(candidate.toJSON())));
    await pc.setLocalDescription({type: 'offer', sdp});
    const decode = decoder();
    const reading = drain(stream, (part) => {
      for (const {number, data} of decode(part)) {
        const text = new TextDecoder().decode(data ?? undefined);
        if (number === ANSWER) pc.setRemoteDescription({type: 'answer', sdp: text});
        if (number === CANDIDATE) pc.addIceCandidate(JSON.parse(text)).catch(() => {});
      }
    });
    await until(10_000, 'connected by hand', () => pc.connectionState === 'connected' && init.readyState === 'open');
    init.close();
    // How signalling ends no longer matters.
    await Promise.allSettled([stream.close(), reading]);
    channels.use(pc);
  },

  channels: channels.many,
  frames: channels.frames,
  unread: channels.unread,
  /** Ends the connection made by hand. */
  hangup: async () => channels.use(null),
};
Object.assign(window, {api});

/** A signalling stream to `peer` through the relay. @param {string} peer */
async function signaling(peer) {
  // One dial for all who call at once: js-libp2p would make a connection for each, and close all but one.
  if (!circuit || (await circuit.catch(() => null))?.status !== 'open') {
    circuit = node.dial(multiaddr(`${relay}/p2p-circuit/p2p/${peer}`), {signal: AbortSignal.timeout(10_000)});
  }
  return (await circuit).newStream(SIGNALING, {...LIMITED, maxOutboundStreams: 100, signal: AbortSignal.timeout(10_000)});
}

/** An offer as browsers make them, of a connection that will never be. */
async function offer() {
  const pc = new RTCPeerConnection();
  unused.push(pc);
  pc.createDataChannel('init');
  return (await pc.createOffer()).sdp ?? '';
}
