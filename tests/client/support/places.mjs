// Two doors to one node of a development network: an honest one, which serves the package too, and one that changes a byte of every reply.

import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';
import {fileURLToPath} from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** What is served, by the first part of the path. */
const FOLDERS = {light: join(ROOT, 'pkg/light'), test: fileURLToPath(new URL('./', import.meta.url))};
const TYPES = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm'};
/** A page of one origin reads the answers of another only where that one allows it. */
const ALLOWED = {'access-control-allow-origin': '*', 'access-control-allow-headers': 'content-type', 'access-control-allow-methods': 'GET, POST'};
/** Replies without anything to change, such as that there is none. */
const SHORT = 64;

/** @typedef {{url: string, close(): Promise<void>}} Door */

/** @param {string} node address of the node @param {{lies?: boolean}} [options] @returns {Promise<Door>} */
export async function door(node, {lies = false} = {}) {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const [, folder] = path.split('/');
    try {
      if (request.method === 'OPTIONS') return void response.writeHead(204, ALLOWED).end();
      if (folder in FOLDERS) {
        const file = join(FOLDERS[/** @type {'light'} */ (folder)], path.slice(folder.length + 1));
        const type = TYPES[/** @type {'.js'} */ (extname(file))] ?? 'application/octet-stream';
        return void response.writeHead(200, {'content-type': type}).end(await readFile(file));
      }
      if (path === '/') return void response.writeHead(200, {'content-type': TYPES['.html']}).end('<!doctype html><link rel="icon" href="data:," />');
      const asked = {method: request.method, headers: {'content-type': request.headers['content-type'] ?? ''}, body: request.method === 'POST' ? await body(request) : undefined};
      const answer = await fetch(new URL(path, node), asked);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (lies && path === '/api/query' && bytes.length > SHORT) bytes[bytes.length - 1] ^= 1;
      response.writeHead(answer.status, {...ALLOWED, 'content-type': answer.headers.get('content-type') ?? ''}).end(bytes);
    } catch {
      response.writeHead(502, ALLOWED).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const {port} = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @param {import('node:http').IncomingMessage} request */
async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}
