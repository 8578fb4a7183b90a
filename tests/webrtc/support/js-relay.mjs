// A relay of js-libp2p, a process of its own: prints its address, and ends when its standard input does.

import './node20.mjs';
import {circuitRelayServer} from '@libp2p/circuit-relay-v2';
import {identify} from '@libp2p/identify';
import {noise} from '@libp2p/noise';
import {ping} from '@libp2p/ping';
import {webSockets} from '@libp2p/websockets';
import {yamux} from '@libp2p/yamux';
import {createLibp2p} from 'libp2p';

const node = await createLibp2p({
  addresses: {listen: ['/ip4/127.0.0.1/tcp/0/ws']},
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    relay: circuitRelayServer({reservations: {maxReservations: 100, defaultDataLimit: BigInt(1 << 26), defaultDurationLimit: 600_000}}),
  },
});
console.log(node.getMultiaddrs()[0].toString());
process.stdin.resume().on('end', () => process.exit(0));
