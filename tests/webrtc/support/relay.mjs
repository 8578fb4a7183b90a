// The two relays that the probes are reached through: the program `peerage dev`, and js-libp2p's.

import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {Node} from '../../e2e/support/node.mjs';
import {until} from '../../e2e/support/wait.mjs';

const PROGRAM = fileURLToPath(new URL('./js-relay.mjs', import.meta.url));

/**
 * @typedef {object} Relay
 * @property {string} address with its peer id
 * @property {() => Promise<unknown>} kill at once, without a word to anyone
 * @property {() => Promise<unknown>} close
 */

/** @type {Record<'peerage'|'js', () => Promise<Relay>>} */
export const relays = {
  async peerage() {
    const node = await Node.start({residents: 0});
    try {
      const {node: addresses} = await until('the node serves /bootstrap.json', 60, () => node.bootstrap(), () => node.tail());
      return {address: addresses[0], kill: () => node.end('SIGKILL'), close: () => node.remove()};
    } catch (error) {
      await node.remove();
      throw error;
    }
  },

  async js() {
    const child = spawn(process.execPath, [PROGRAM], {stdio: ['pipe', 'pipe', 'inherit']});
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const kill = () => {
      child.kill('SIGKILL');
      return gone;
    };
    await until('the relay says where it listens', 20, () => child.exitCode !== null || said.includes('\n'));
    if (child.exitCode !== null) throw new Error(`js-libp2p's relay ended with ${child.exitCode}`);
    return {address: said.trim(), kill, close: kill};
  },
};
