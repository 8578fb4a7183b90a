// A probe page in a browser of its own, and the server it comes from.

import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';
import {launch, open} from '../../e2e/support/browser.mjs';
import {until} from '../../e2e/support/wait.mjs';
import {bundle, folder} from './bundle.mjs';

const TYPES = {'.mjs': 'text/javascript', '.js': 'text/javascript', '.wasm': 'application/wasm'};
/** With these a page's clock is exact to 5 µs. */
const ISOLATED = {'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp'};
const PATIENCE = Number(process.env.PEERAGE_E2E_PATIENCE ?? 1);

/** What libp2p and the browser say of connections that were refused or ended on purpose. */
const EXPECTED = [/WebSocket connection to/, /ERR_CONNECTION_REFUSED/, /favicon/];

/** Serves the pages on a port of this machine that was free. */
export async function serve() {
  const dir = folder();
  await bundle(dir);
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const kind = /^\/(\w+)\.html$/.exec(path)?.[1];
    try {
      const body = kind ? `<!doctype html><title>${kind}</title><script type="module" src="/${kind}.mjs"></script>` : await readFile(join(dir, path));
      const type = kind ? 'text/html' : TYPES[/** @type {'.js'} */ (extname(path))];
      response.writeHead(200, {'content-type': type ?? 'application/octet-stream', ...ISOLATED}).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  server.unref();
  const {port} = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}/`;
}

/** @typedef {{peer: string, addr: string, direct: boolean, relayed: boolean}} Connection */

export class Probe {
  /** Its peer id, once it has started. */
  id = '';

  /** @param {string} name @param {import('playwright-core').Page} page @param {string[]} errors */
  constructor(name, page, errors) {
    this.name = name;
    this.page = page;
    this.errors = errors;
  }

  /**
   * Opens a page of `kind` in `browser`; a name makes its errors readable.
   * @param {import('playwright-core').Browser} browser @param {string} site @param {typeof import('./bundle.mjs').KINDS[number]} kind @param {string} name
   */
  static async open(browser, site, kind, name) {
    const {page, errors} = await open(browser, name);
    await page.goto(`${site}${kind}.html`);
    await page.waitForFunction(() => 'api' in window, undefined, {timeout: 20_000});
    return new Probe(name, page, errors);
  }

  /** Makes it a peer that can be reached through `relay`. @param {string} relay @param {object} [options] */
  async start(relay, options = {}) {
    this.relay = relay;
    this.id = await this.call('start', {relay, ice: [], ...options});
    return this.id;
  }

  /** Its address for a direct connection. @returns {Promise<string>} */
  async address() {
    const own = await this.call('waitAddr', '/webrtc/p2p/', 15_000);
    return own.find((/** @type {string} */ address) => address.startsWith(/** @type {string} */ (this.relay))) ?? own[0];
  }

  /**
   * A method of the page's `window.api`, within a minute.
   * @param {string} method @param {...any} rest @returns {Promise<any>}
   */
  async call(method, ...rest) {
    /** @type {NodeJS.Timeout|undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.name}.${method}: not within 60 s`)), 60_000 * PATIENCE);
    });
    const done = this.page.evaluate(([method, rest]) => /** @type {any} */ (window).api[method](...rest), /** @type {[string, any[]]} */ ([method, rest]));
    try {
      return await Promise.race([done, late]);
    } catch (error) {
      throw new Error(`${this.name}.${method}(${rest.map((r) => JSON.stringify(r)).join(', ')}): ${/** @type {Error} */ (error).message}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Its connections with `peer`. @param {string} peer @returns {Promise<Connection[]>} */
  async connections(peer) {
    return (await this.call('conns')).filter((/** @type {Connection} */ c) => c.peer === peer);
  }

  /** Waits until its connections with `peer` are as `probe` says. @param {string} what @param {number} seconds @param {string} peer @param {(all: Connection[]) => boolean} probe */
  until(what, seconds, peer, probe) {
    return until(`${this.name}: ${what}`, seconds, async () => probe(await this.connections(peer)), async () => JSON.stringify(await this.call('conns')));
  }

  /** Makes what it sends late, in ms, and loses some of it, in percent: on connections made from now on, direct ones too. @param {{latency: number, loss: number}} how */
  async disturb({latency, loss}) {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send('Network.enable');
    // Without latency Chromium leaves loss out.
    await session.send('Network.emulateNetworkConditions', {offline: false, latency, downloadThroughput: -1, uploadThroughput: -1, packetLoss: loss});
  }

  /** What its console said against it. */
  complaints() {
    return this.errors.filter((error) => !EXPECTED.some((e) => e.test(error)));
  }

  async close() {
    await this.page.context().close();
  }
}

/** Two browser processes, and the pages in them. */
export class Browsers {
  /** @type {import('playwright-core').Browser[]} */ all = [];
  site = '';

  static async launch() {
    const browsers = new Browsers();
    browsers.site = await serve();
    browsers.all = [await launch(), await launch()];
    return browsers;
  }

  /** A page of `kind` in the first (0) or second (1) browser. @param {0|1} which @param {typeof import('./bundle.mjs').KINDS[number]} kind */
  open(which, kind) {
    return Probe.open(this.all[which], this.site, kind, `${kind} ${'AB'[which]}`);
  }

  /** A page in each, both started. @param {'rust'|'js'} first @param {'rust'|'js'} second @param {string} relay @param {{latency: number, loss: number}} [disturbance] */
  async pair(first, second, relay, disturbance) {
    const pages = /** @type {[Probe, Probe]} */ (await Promise.all([this.open(0, first), this.open(1, second)]));
    if (disturbance) await Promise.all(pages.map((page) => page.disturb(disturbance)));
    await Promise.all(pages.map((page) => page.start(relay)));
    // Also the one that dials: where the connection to the relay is still being made, rust-libp2p's relay client gives up.
    await Promise.all(pages.map((page) => page.address()));
    return pages;
  }

  async close() {
    await Promise.allSettled(this.all.map((browser) => browser.close()));
  }
}
