// A server of files, as anybody has one: for what needs no node.

import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';

/** What a file is, by the end of its name. @type {Record<string, string>} */
export const TYPES = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json', '.wasm': 'application/wasm'};
/** The same policy as the node's. */
export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/**
 * Lets a server be reached on a port of this machine, a free one by itself.
 * @param {import('node:http').Server} server
 */
export async function listen(server, wanted = 0) {
  await new Promise((resolve) => server.listen(wanted, '127.0.0.1', () => resolve(undefined)));
  const {port} = /** @type {import('node:net').AddressInfo} */ (server.address());
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return {port, close};
}

/**
 * Serves a folder below `under` on a free port of this machine.
 * @param {string} folder @param {{under?: string, port?: number, headers?: Record<string, string>, pages?: Record<string, string>}} [options]
 * `pages`: documents that are no files, by path; `port`: another than a free one
 */
export async function serve(folder, {under = '/', port: wanted = 0, headers = {}, pages = {}} = {}) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    const send = (/** @type {number} */ status, /** @type {string} */ type, /** @type {string|Buffer} */ body) => response.writeHead(status, {'content-type': type, ...headers}).end(body);
    if (path in pages) return send(200, TYPES['.html'], pages[path]);
    if (!path.startsWith(under)) return send(404, 'text/plain', 'nothing here');
    const rest = path.slice(under.length);
    const file = join(folder, rest === '' || rest.endsWith('/') ? `${rest}index.html` : rest);
    try {
      return send(200, TYPES[extname(file)] ?? 'application/octet-stream', await readFile(file));
    } catch {
      return send(404, 'text/plain', 'nothing here');
    }
  });
  const {port, close} = await listen(server, wanted);
  return {url: `http://127.0.0.1:${port}${under}`, close};
}
