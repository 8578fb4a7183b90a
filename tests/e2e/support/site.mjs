// The page as it lies in the checkout, with a played tab (played.js) in the place of the WebAssembly modules: what the
// page does with events can be looked at and tested without building anything. Not part of what is shipped.

import {readdir, readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';
import {fileURLToPath} from 'node:url';
import {POLICY, TYPES, listen} from './files.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HERE = fileURLToPath(new URL('./', import.meta.url));
export const CHAIN = 'c4a10000'.padEnd(64, '0');
const TEXT = 'To be, or not to be, that is the question. '.repeat(5000);

/**
 * Serves the page on a free port of this machine.
 * @param {{chain?: string, late?: number, iceServers?: unknown[], version?: string}} [options] `late`: how many times bootstrap.json
 * says the node is starting; `version`: as the build names one, with a service worker
 */
export async function playedSite(options = {}) {
  const site = {chain: CHAIN, late: 0, iceServers: /** @type {unknown[]} */ ([]), version: '', lacks: '', down: false, slow: 0, ...options};
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    const send = (/** @type {number} */ status, /** @type {string} */ type, /** @type {string|Buffer} */ body) =>
      response.writeHead(status, {'content-type': type, 'content-security-policy': POLICY}).end(body);
    if (site.down) return request.socket.destroy();
    try {
      if (path === '/' || path === '/index.html') {
        const document = versioned(played(await readFile(join(ROOT, 'index.html'), 'utf8')), site.version);
        setTimeout(() => send(200, TYPES['.html'], document), site.slow).unref();
        return;
      }
      if (path === '/service-worker.js' && site.version) return send(200, TYPES['.js'], await serviceWorker(site.version));
      if (path === '/corpus') return send(200, 'text/plain', TEXT);
      if (path === '/bootstrap.json') {
        if (site.late-- > 0) return send(503, 'text/plain', 'the node is starting');
        return send(200, TYPES['.json'], JSON.stringify({version: 1, name: 'dev', chain: site.chain, corpus: {url: '/corpus', bytes: TEXT.length, name: 'Hamlet'}, iceServers: site.iceServers}));
      }
      if (path === site.lacks) return send(404, 'text/plain', 'nothing here');
      const file = path === '/played.js' || path === '/audited.js' ? join(HERE, path) : path.startsWith('/www/') ? join(ROOT, path) : null;
      if (!file) return send(404, 'text/plain', 'nothing here');
      return send(200, TYPES[extname(file)] ?? 'application/octet-stream', await readFile(file));
    } catch {
      return send(404, 'text/plain', 'nothing here');
    }
  });
  const {port, close} = await listen(server);
  return {url: `http://127.0.0.1:${port}/`, site, close};
}

/** The document as Trunk would leave it, with the played module. @param {string} html */
function played(html) {
  const links =
    '<link id="page-module" rel="modulepreload" href="/played.js" /><link id="page-wasm" rel="icon" href="data:," />' +
    '<script type="module" src="/www/main.js"></script></head>';
  return html.replace(/<link data-trunk[^>]*>/g, '').replace('</head>', links);
}

/** As the build does it. @param {string} html @param {string} version */
const versioned = (html, version) => (version ? html.replace('<meta charset="utf-8" />', `$&<meta name="version" content="${version}" />`) : html);

/** The script with the names of what the played site has; audited.js stands for what is kept once it is used. @param {string} version */
async function serviceWorker(version) {
  const files = (await readdir(join(ROOT, 'www'))).filter((name) => /\.(js|css)$/.test(name) && name !== 'service-worker.js');
  const kept = {version, documents: ['./'], first: ['./', 'played.js', ...files.map((name) => `www/${name}`)], later: ['audited.js']};
  return (await readFile(join(ROOT, 'www/service-worker.js'), 'utf8')).replace(/^const KEPT = .*$/m, () => `const KEPT = ${JSON.stringify(kept)};`);
}
