// The js-libp2p probe page: a peer with the same `window.api` as the Rust one (crates/lib/webrtc/tests/probe).

import {circuitRelayTransport} from '@libp2p/circuit-relay-v2';
import {identify} from '@libp2p/identify';
import {noise} from '@libp2p/noise';
import {ping} from '@libp2p/ping';
import {webRTC} from '@libp2p/webrtc';
import {webSockets} from '@libp2p/websockets';
import {yamux} from '@libp2p/yamux';
import {multiaddr} from '@multiformats/multiaddr';
import {createLibp2p} from 'libp2p';
import * as exercises from './js-exercises.mjs';
import {serve} from './js-serve.mjs';
import {ask, until} from './wait.mjs';

/** @typedef {import('@libp2p/interface').Connection} Connection */

/** @type {import('libp2p').Libp2p} */
let node;
/** Connections on which js-libp2p has learned who the other side is. @type {Set<string>} */
const identified = new Set();

const isDirect = (/** @type {Connection} */ c) => c.remoteAddr.toString().includes('/webrtc');
const isRelayed = (/** @type {Connection} */ c) => !isDirect(c) && c.remoteAddr.toString().includes('/p2p-circuit');
const of = (/** @type {string} */ peer) => node.getConnections().filter((c) => c.remotePeer.toString() === peer);

/** A stream of a direct connection. @param {string} peer @param {string} protocol @param {number} [ms] */
async function open(peer, protocol, ms = 15_000) {
  const connections = of(peer).filter(isDirect);
  let reason = new Error(`no direct connection with ${peer}`);
  // js-libp2p keeps one that the other side has closed until ICE fails: where there are several, the next is tried soon.
  for (const connection of connections) {
    try {
      return await connection.newStream(protocol, {signal: AbortSignal.timeout(connections.length > 1 ? 2000 : ms)});
    } catch (error) {
      reason = /** @type {Error} */ (error);
    }
  }
  throw reason;
}

const api = {
  /** @param {{relay: string, ice?: string[]}} options */
  async start({relay, ice = []}) {
    node = await createLibp2p({
      addresses: {listen: [`${relay}/p2p-circuit`, '/webrtc']},
      transports: [webSockets(), circuitRelayTransport(), webRTC({rtcConfiguration: {iceServers: ice.map((urls) => ({urls}))}})],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: {denyDialMultiaddr: () => false}, // as a browser's gater it refuses addresses of this machine
      services: {identify: identify(), ping: ping()},
    });
    node.addEventListener('peer:identify', ({detail}) => identified.add(detail.connection.id));
    await serve(node);
    return node.peerId.toString();
  },

  /** Own addresses that contain `part`. @param {string} part @param {number} ms */
  waitAddr: (part, ms) =>
    until(ms, `an address with ${part}`, () => {
      const found = node.getMultiaddrs().map(String).filter((a) => a.includes(part));
      return found.length > 0 && found;
    }),

  conns: async () => node.getConnections().map((c) => ({peer: c.remotePeer.toString(), addr: c.remoteAddr.toString(), direct: isDirect(c), relayed: isRelayed(c)})),

  /** @param {string} address @param {number} ms */
  async dial(address, ms) {
    const started = performance.now();
    const connection = await node.dial(multiaddr(address), {signal: AbortSignal.timeout(ms)});
    return {ms: performance.now() - started, addr: connection.remoteAddr.toString()};
  },

  /** Who the other side says it is when it is asked on the direct connection. @param {string} peer */
  agent: (peer) =>
    until(10_000, `${peer} says who it is`, async () => {
      const connection = of(peer).find(isDirect);
      // The one that runs by itself may be under way, and there can be but one.
      const said = connection && (await /** @type {any} */ (node.services.identify)._identify(connection).catch(() => null));
      return said && {agent: said.agentVersion, protocols: said.protocols};
    }),

  /** Waits until js-libp2p has made use of what it was told on the direct connection. @param {string} peer */
  identified: (peer) => until(10_000, `${peer} identified`, () => of(peer).some((c) => isDirect(c) && identified.has(c.id))),

  /** The round trip of libp2p's ping on the direct connection, in ms. @param {string} peer */
  async ping(peer) {
    const stream = await open(peer, '/ipfs/ping/1.0.0');
    const sent = crypto.getRandomValues(new Uint8Array(32));
    const started = performance.now();
    const answer = await ask(stream, sent, sent.length);
    const ms = performance.now() - started;
    if (answer.some((byte, i) => byte !== sent[i])) throw new Error('the ping came back changed');
    await stream.close();
    return ms;
  },

  /** @param {string} peer */
  closeRelayed: (peer) => Promise.all(of(peer).filter(isRelayed).map((c) => c.close())).then(() => undefined),
  /** As js-libp2p itself does: where a stream does not end in its time, the connection ends without it. @param {string} peer */
  hangup: (peer) => Promise.all(of(peer).map((c) => c.close().catch((error) => c.abort(error)))).then(() => undefined),
  stop: async () => node.stop(),
  memory: async () => /** @type {any} */ (performance).memory.usedJSHeapSize,
};

/** An exercise of js-exercises.mjs, with the streams of the peer that it is called with. @param {(open: exercises.Open, ...rest: any[]) => unknown} exercise */
const withPeer = (exercise) => (/** @type {string} */ peer, /** @type {any[]} */ ...rest) => exercise((protocol, ms) => open(peer, protocol, ms), ...rest);
const bound = Object.fromEntries(Object.entries(exercises).map(([name, exercise]) => [name, withPeer(/** @type {any} */ (exercise))]));
Object.assign(window, {api: {...api, ...bound}});
