// A line between two parts of the system: a TCP proxy on an address of this machine that nobody else has. It can delay, throttle,
// cut and swallow, for what goes over it now and for what comes later.
//
// Linux has all of 127.0.0.0/8 on its loopback. Each user of a node has an address of its own there: it reaches the node under
// that address at the node's own port, and the node sees it come from there, so that limits by address are those of one user.

import {connect, createServer} from 'node:net';

/** What happens to bytes. @typedef {{mode: 'open'|'cut'|'hole', delay: number, rate: number}} Weather  delay in ms; rate in bytes a second, 0: any */

/** @type {Weather} */
const FAIR = {mode: 'open', delay: 0, rate: 0};
/** Bytes that wait in one direction before the sender is held up. */
const MOST = 1 << 20;

export class Link {
  /** @type {Weather} */ weather = {...FAIR};
  /** @type {Set<{destroy: () => void}>} */ pairs = new Set();
  /** Bytes towards the user, and from it. */ bytes = {in: 0, out: 0};

  /**
   * Listens on `at`:`port`, goes on to 127.0.0.1:`to`, seen there as `from`.
   * @param {{name: string, at: string, port: number, to?: number, from?: string, ask?: (bytes: Buffer) => Buffer, rewrite?: (bytes: Buffer) => Buffer}} options `ask` and
   * `rewrite` change what goes there and what comes back
   */
  static async open(options) {
    const link = new Link(options);
    await new Promise((resolve, reject) => link.server.once('error', reject).listen(options.port, options.at, () => resolve(undefined)));
    return link;
  }

  /** @param {Parameters<typeof Link.open>[0]} options */
  constructor({name, at, port, to = port, from = at, ask = (bytes) => bytes, rewrite = (bytes) => bytes}) {
    this.name = name;
    this.server = createServer((near) => {
      if (this.weather.mode === 'cut') return near.destroy();
      const far = connect({port: to, host: '127.0.0.1', localAddress: from});
      const pair = {
        destroy: () => {
          near.destroy();
          far.destroy();
          this.pairs.delete(pair);
        },
      };
      this.pairs.add(pair);
      for (const socket of [near, far]) {
        socket.setNoDelay(true);
        socket.once('error', pair.destroy).once('close', pair.destroy);
      }
      this.#carry(near, far, 'out', ask);
      this.#carry(far, near, 'in', rewrite);
    });
  }

  /** @param {import('node:net').Socket} a @param {import('node:net').Socket} b @param {'in'|'out'} way @param {(bytes: Buffer) => Buffer} change */
  #carry(a, b, way, change) {
    let waiting = 0;
    let free = 0; // when the line is free again for what is throttled
    const pass = (/** @type {Buffer} */ bytes) => {
      waiting -= bytes.length;
      if (waiting < MOST) a.resume();
      if (this.weather.mode === 'open' && !b.destroyed && !b.write(bytes)) {
        a.pause();
        b.once('drain', () => a.resume());
      }
    };
    a.on('data', (given) => {
      const bytes = change(/** @type {Buffer} */ (given));
      this.bytes[way] += bytes.length;
      const {mode, delay, rate} = this.weather;
      if (mode !== 'open') return; // a hole takes everything and gives nothing
      waiting += bytes.length;
      const now = Date.now();
      free = Math.max(free, now) + (rate > 0 ? (bytes.length / rate) * 1000 : 0);
      const after = free - now + delay;
      if (after <= 0) return pass(bytes);
      if (waiting >= MOST) a.pause();
      setTimeout(pass, after, bytes);
    });
    a.once('end', () => setTimeout(() => b.end(), Math.max(0, free - Date.now()) + this.weather.delay));
  }

  /** Changes the weather; what is cut is cut at once. @param {Partial<Weather>} weather */
  set(weather) {
    this.weather = {...FAIR, ...weather};
    if (this.weather.mode === 'cut') for (const pair of this.pairs) pair.destroy();
  }

  /** As it was. What went into a hole is lost, so such connections end. */
  heal() {
    const lost = this.weather.mode === 'hole';
    this.weather = {...FAIR};
    if (lost) for (const pair of this.pairs) pair.destroy();
  }

  close() {
    this.server.close();
    for (const pair of this.pairs) pair.destroy();
  }
}
