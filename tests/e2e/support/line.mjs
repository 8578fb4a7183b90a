// A line to the node that can be cut: a TCP proxy on this machine in front of its p2p port.

import {connect, createServer} from 'node:net';

export class Line {
  /** @type {Set<import('node:net').Socket>} */ sockets = new Set();
  port = 0;

  /** A line to a port of this machine. @param {number} to */
  static async to(to) {
    const line = new Line();
    line.server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      for (const [a, b] of [[near, far], [far, near]]) {
        line.sockets.add(a);
        a.pipe(b);
        a.once('error', () => b.destroy());
        a.once('close', () => {
          line.sockets.delete(a);
          b.destroy();
        });
      }
    });
    await new Promise((resolve, reject) => line.server.once('error', reject).listen(0, '127.0.0.1', () => resolve(undefined)));
    ({port: line.port} = /** @type {import('node:net').AddressInfo} */ (line.server.address()));
    return line;
  }

  /** @type {import('node:net').Server} */ server = createServer();

  /** Ends what goes over it, without a word, and lets nothing come any more. */
  cut() {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
