// One end of a bare RTCDataChannel, without libp2p: what the browser itself can do, to compare with.

const HIGH = 1 << 20;
const LOW = 1 << 18;

const pc = new RTCPeerConnection();
/** @type {RTCDataChannel} */
let channel;
let counted = 0;
/** @type {(message: any) => void} */
let hear = () => {};

/** @param {RTCDataChannel} opened */
function use(opened) {
  channel = opened;
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = LOW;
  // Text is talk, bytes are counted; 32 bytes come back.
  channel.onmessage = ({data}) => {
    if (typeof data === 'string') hear(data);
    else if (data.byteLength === 32) trip(data);
    else if ((counted -= data.byteLength) <= 0) channel.send('all');
  };
}

/** Sends round trips back, on the side that did not begin. @type {(data: ArrayBuffer) => void} */
let trip = (data) => channel.send(data);

const described = async () => {
  if (pc.iceGatheringState !== 'complete') await new Promise((resolve) => pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && resolve(undefined)));
  return pc.localDescription?.toJSON();
};

const api = {
  async offer() {
    use(pc.createDataChannel('raw'));
    await pc.setLocalDescription();
    return described();
  },
  /** @param {RTCSessionDescriptionInit} offer */
  async answer(offer) {
    pc.ondatachannel = (event) => use(event.channel);
    await pc.setRemoteDescription(offer);
    await pc.setLocalDescription();
    return described();
  },
  /** @param {RTCSessionDescriptionInit} answer */
  async accept(answer) {
    await pc.setRemoteDescription(answer);
    if (channel.readyState !== 'open') await new Promise((resolve) => (channel.onopen = () => resolve(undefined)));
  },
  /** Says how many bytes are to come. @param {number} bytes */
  async expect(bytes) {
    counted = bytes;
  },
  /** Milliseconds until the other side has them all. @param {number} bytes @param {number} size */
  async send(bytes, size) {
    const message = new Uint8Array(size);
    const all = new Promise((resolve) => (hear = resolve));
    const started = performance.now();
    for (let left = bytes; left > 0; left -= size) {
      if (channel.bufferedAmount > HIGH) await new Promise((resolve) => (channel.onbufferedamountlow = () => resolve(undefined)));
      channel.send(message);
    }
    await all;
    return performance.now() - started;
  },
  /** Round trips of 32 bytes, in ms. @param {number} n */
  async rtt(n) {
    const message = new Uint8Array(32);
    const trips = [];
    for (let i = 0; i < n; i += 1) {
      const started = performance.now();
      await new Promise((resolve) => {
        trip = resolve;
        channel.send(message);
      });
      trips.push(performance.now() - started);
    }
    trips.sort((a, b) => a - b);
    return {median: trips[n >> 1], p95: trips[Math.floor(n * 0.95)]};
  },
};
Object.assign(window, {api});
