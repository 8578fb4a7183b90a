// The page, the market and the package for other people's pages, told everything by someone who means harm: markup, addresses that are scripts,
// names of prototypes, control and bidirectional characters, numbers and texts without end, in every text that comes from outside. Nothing of it
// runs, nothing is asked of another origin, no key leaves the browser, and the page goes on or says why not.
//
// A played page is told with its policy put aside, so that markup that was made of a text would run; the built site keeps its policy.

import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import * as audited from './support/audited.js';
import {launch, open} from './support/browser.mjs';
import {POLICY, TYPES, listen} from './support/files.mjs';
import {Node} from './support/node.mjs';
import {playedSite} from './support/site.mjs';
import {visitor} from './support/visit.mjs';
import {until} from './support/wait.mjs';
import {begun, head, watchedSite, watcher} from './support/watched.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SITE = process.env.PEERAGE_SITE ?? join(ROOT, 'pkg/site');
const PEER = process.env.PEERAGE_PEER ?? join(ROOT, 'pkg/peer');

const RUN = 'globalThis.canary=(globalThis.canary??0)+1';
const MARKUP = `"'><img src=x onerror="${RUN}"><svg onload="${RUN}"></svg><script>${RUN}</script><iframe srcdoc="<script>parent.canary=1</script>"></iframe><a href="javascript:${RUN}">x</a><style>*{display:none}</style>`;
/** What someone puts where a text belongs. @type {Record<string, string>} */
const TEXTS = {
  markup: MARKUP,
  script: `javascript:${RUN}`,
  document: `data:text/html,<script>${RUN}</script>`,
  prototype: '__proto__',
  constructor: 'constructor',
  control: '\u0000\u0007\u001b[31m\u202egnp.exe\u2066\u200f\ufeff\u2028</script>',
  entities: '&lt;img src=x onerror=1&gt; ${7*7} {{7*7}} %00 \\x3cscript\\x3e',
  long: 'A'.repeat(20_000),
};

/** What stands against a page: something ran, was put into it, or its prototypes were changed. @param {import('playwright-core').Page} page */
const harm = (page) =>
  page.evaluate(() => {
    const found = [];
    const w = /** @type {any} */ (globalThis);
    if (w.canary) found.push('something ran');
    if (/** @type {any} */ ({}).polluted !== undefined || Object.keys(Object.prototype).length > 0 || Object.keys(Array.prototype).length > 0) found.push('a prototype was changed');
    const roots = [document, ...[...document.querySelectorAll('*')].flatMap((e) => e.shadowRoot ?? [])];
    for (const root of roots) {
      for (const bad of root.querySelectorAll('img, iframe, object, embed, base, form[action], body style, body script, [onerror], [onload], [onclick], [srcdoc], [href^="javascript:" i], [href^="data:text" i], [src^="javascript:" i]')) {
        if (bad.matches('link')) continue;
        found.push(bad.outerHTML.slice(0, 200));
      }
    }
    return found;
  });

/** Whatever the page asks of others than `origin`. @param {import('playwright-core').Page} page @param {string} origin */
function outward(page, origin) {
  /** @type {string[]} */
  const asked = [];
  page.on('request', (request) => {
    const url = request.url();
    if (/^(data|blob):/.test(url) || new URL(url).origin === new URL(origin).origin) return;
    asked.push(url.slice(0, 200));
  });
  return asked;
}

/** All places of texts in something plain, but for the words that say what it is. @param {any} value @param {(string|number)[]} [path] @returns {(string|number)[][]} */
function texts(value, path = []) {
  if (typeof value === 'string') return path.at(-1) === 'type' ? [] : [path];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) => texts(inner, [...path, Array.isArray(value) ? Number(name) : name]));
}

/** A copy with `text` at `path`. @param {any} value @param {(string|number)[]} path @param {string} text @returns {any} */
function withText(value, path, text) {
  const copy = structuredClone(value);
  let at = copy;
  for (const step of path.slice(0, -1)) at = at[step];
  at[path[path.length - 1]] = text;
  return copy;
}

describe('a page that is told by someone who means harm', () => {
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {Awaited<ReturnType<typeof playedSite>>} */
  let served;
  before(async () => {
    browser = await launch();
    served = await playedSite();
  });
  after(async () => {
    await browser?.close();
    await served?.close();
  });
  const visit = visitor(() => ({browser, url: served.url}));

  test('shows texts of events as texts, each of them, and goes on', async () => {
    const v = await visit('events', {bypassCSP: true}, () => {
      // All that a first minute tells, for the test to tell again.
      const heard = /** @type {any[]} */ ([]);
      Object.assign(globalThis, {heard});
      const stringify = JSON.stringify;
      const known = new Set();
      Object.defineProperty(globalThis, 'hear', {value: (/** @type {any} */ event) => {
        const kind = `${event.type} ${event.state?.type ?? event.outcome?.type ?? event.source?.type ?? ''}`;
        if (!known.has(kind)) heard.push(JSON.parse(stringify(event, (_, x) => (typeof x === 'bigint' ? String(x) : x))));
        known.add(kind);
      }});
    });
    const asked = outward(v.page, served.url);
    await v.page.evaluate(() => {
      const tab = /** @type {any} */ (window).peerage.tab;
      const tell = tab.onEvent;
      tab.onEvent = (/** @type {any} */ event) => (/** @type {any} */ (globalThis).hear(event), tell(event));
    }).catch(() => {});
    await v.join();
    await v.page.evaluate(() => {
      const tab = /** @type {any} */ (window).peerage.tab;
      if (!Object.hasOwn(tab, 'emit')) {
        const tell = tab.emit.bind(tab);
        tab.emit = (/** @type {any} */ event) => (/** @type {any} */ (globalThis).hear(event), tell(event));
      }
      tab.emit(tab.identity('f00dcafe'.padEnd(64, '7'), false));
      tab.emit(tab.network());
      tab.emit(tab.head());
      tab.emit(tab.learned?.call({source: {source: {type: 'text'}, private: false, files: [], taken: 1}}) ?? {type: 'stopped'});
    });
    await v.minute();
    /** @type {any[]} */
    const heard = await v.page.evaluate(() => /** @type {any} */ (globalThis).heard);
    const more = [
      {type: 'trouble', message: 'x', fatal: false},
      {type: 'unusable', source: {type: 'files'}, reason: 'x'},
      {type: 'alarm', message: 'x', fatal: false},
      {type: 'refused', peer: 'x', reason: 'x'},
      {type: 'stalled', reason: 'x'},
      {type: 'network', node: {up: false, reason: 'x', retryMs: 1000}, connections: [], bytesIn: 1, bytesOut: 1, exchanges: {}},
      {type: 'device', cpu: 1, gpu: null, kind: 'WebGPU', name: 'x', why: 'x'},
      {type: 'modelKept', step: 1, bytes: 1, place: 'memory', reason: 'x'},
      {type: 'otherChain', known: 'x', named: 'x'},
      {type: 'transaction', digest: 'x', action: 'x', signer: 'hot', state: {type: 'refused', reason: 'x'}},
      {type: 'work', state: 'x'},
      audited.wrong(120), audited.notAudited(121), audited.DAMAGED, audited.DROPPED, audited.RESTORED, audited.proposal(),
    ];
    assert.ok(heard.length > 8, heard.map((event) => event.type).join());
    let told = 0;
    for (const [name, text] of Object.entries(TEXTS)) {
      for (const event of [...heard, ...more]) {
        const paths = texts(event);
        told += paths.length;
        // One text in each place, told in the page, so that a long one crosses once.
        /** @param {[any, (string|number)[][], string]} what */
        const tell = ([event, paths, text]) => {
          for (const path of paths) {
            const one = structuredClone(event);
            const place = path.slice(0, -1).reduce((at, step) => at[step], one);
            place[path[path.length - 1]] = text;
            /** @type {any} */ (window).peerage.tab.emit(one);
          }
        };
        await v.page.evaluate(tell, /** @type {[any, (string|number)[][], string]} */ ([event, paths, text]));
        // What it draws of that.
        await v.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
        assert.deepEqual(await harm(v.page), [], `${name} in ${event.type}`);
        assert.deepEqual(v.errors, [], `${name} in ${event.type}`);
      }
    }
    assert.ok(told > 500, `${told} texts`);
    // It still draws what comes.
    await v.page.evaluate(() => {
      const tab = /** @type {any} */ (window).peerage.tab;
      tab.emit(tab.network());
      tab.emit({...tab.head(), height: 987_654});
    });
    await v.shows(/987,654/);
    assert.deepEqual(asked, []);
    await v.close();
  });

  test('would run what was made of a text, so that the others here can fail', async () => {
    const v = await visit('control', {bypassCSP: true});
    await v.page.evaluate((markup) => document.body.insertAdjacentHTML('beforeend', markup), MARKUP);
    await until('it ran', 10, async () => (await harm(v.page)).includes('something ran'));
    await v.page.evaluate(() => void (/** @type {any} */ ({}).__proto__.polluted = true));
    const found = (await harm(v.page)).join('\n');
    for (const what of [/a prototype was changed/, /<img/, /<iframe/, /<style/, /href="javascript:/]) assert.match(found, what);
    await v.context.close();
  });

  test('takes a bootstrap full of it, and tells its tab nothing but texts', async () => {
    for (const [name, text] of Object.entries(TEXTS)) {
      served.site.iceServers = [{urls: [text], username: text, credential: text}, text, {urls: text}, {__proto__: null, urls: [[text]]}];
      served.site.chain = name === 'markup' ? text : 'c4a10000'.padEnd(64, '0');
      const v = await visit(name, {bypassCSP: true});
      const asked = outward(v.page, served.url);
      await v.page.click('#join');
      await v.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
      assert.deepEqual(await harm(v.page), [], name);
      assert.deepEqual(asked, [], name);
      await v.close();
    }
    served.site.iceServers = [];
    served.site.chain = 'c4a10000'.padEnd(64, '0');
  });
});

describe('a market that is told by someone who means harm', () => {
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {Awaited<ReturnType<typeof watchedSite>>} */
  let site;
  before(async () => {
    browser = await launch();
    site = await watchedSite();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  test('shows texts as texts, and goes on', async () => {
    const told = [
      ...begun(),
      {type: 'failed', code: 'unavailable', message: 'x'},
      {type: 'other-chain', before: 'a', now: 'b'},
      {type: 'alarm', code: 'lied', why: 'bad-proof', message: 'x', fatal: false},
      {type: 'alarm', code: 'wrong-economics', message: 'x', fatal: false},
      {type: 'audit', audit: {epoch: 5, height: 50, outcome: 'not-audited', reason: 'x'}},
    ];
    for (const [name, text] of Object.entries(TEXTS)) {
      const v = await watcher(browser, site.url, name);
      const asked = outward(v.page, site.url);
      for (const one of told) {
        await v.tell(...texts(one).map((path) => withText(one, path, text)));
        assert.deepEqual(await harm(v.page), [], `${name} in ${one.type}`);
      }
      await v.tell(...begun(), head(61));
      await v.give({peers: 4, first: 1, last: 3});
      await until('it draws what comes', 10, async () => /of 1–3/.test(await v.text('#where')), () => v.text('body'));
      assert.deepEqual([await harm(v.page), asked], [[], []], name);
      await v.close();
    }
  });

  test('takes an address that somebody hands out', async () => {
    for (const [name, text] of Object.entries(TEXTS).filter(([name]) => name !== 'long')) {
      const v = await watcher(browser, site.url, name, {}, `?${encodeURIComponent(text)}=${encodeURIComponent(text)}#epoch=${encodeURIComponent(text)}&peer=${encodeURIComponent(text)}&__proto__=1`);
      await v.tell(...begun());
      await v.give({peers: 4, first: 1, last: 3});
      await until('it draws', 10, async () => /of 1–3/.test(await v.text('#where')));
      assert.deepEqual(await harm(v.page), [], name);
      await v.close();
    }
  });
});

/**
 * A node that serves the built site and passes on what a real one says, changed by whoever means harm.
 * @param {() => string} real address of the real node
 */
async function hostile(real) {
  const how = {
    /** @type {(bootstrap: any) => string} */ bootstrap: (bootstrap) => JSON.stringify(bootstrap),
    /** @type {Buffer|string|null} */ corpus: null,
    /** @type {((path: string, reply: Buffer) => {status?: number, type?: string, body: Buffer|string})|null} */ api: null,
  };
  /** All that was asked with what came with it. @type {string[]} */
  const asked = [];
  const server = createServer(async (request, response) => {
    /** @type {Buffer[]} */
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    asked.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)} ${body.toString('hex')} ${body.toString('latin1')}`);
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    const send = (/** @type {number} */ status, /** @type {string} */ type, /** @type {string|Buffer} */ what) =>
      response.writeHead(status, {'content-type': type, 'content-security-policy': POLICY}).end(what);
    try {
      if (path === '/bootstrap.json') {
        const own = await (await fetch(new URL('bootstrap.json', real()))).json();
        return send(200, TYPES['.json'], how.bootstrap(own));
      }
      if (path === '/corpus') {
        return send(200, 'text/plain', how.corpus ?? Buffer.from(await (await fetch(new URL('corpus', real()))).arrayBuffer()));
      }
      if (path.startsWith('/api')) {
        const answer = await fetch(new URL(request.url ?? '', real()), {method: request.method, headers: {'content-type': request.headers['content-type'] ?? ''}, ...(body.length && {body})});
        const reply = Buffer.from(await answer.arrayBuffer());
        const {status = answer.status, type = answer.headers.get('content-type') ?? '', body: what} = how.api?.(path, reply) ?? {body: reply};
        return send(status, type, what);
      }
      // A page of somebody else's with the package for such pages.
      if (path === '/theirs.html') return send(200, TYPES['.html'], '<!doctype html><html><head><meta charset="utf-8"><title>theirs</title><script type="module" src="theirs.js"></script></head><body><p></p></body></html>');
      if (path === '/theirs.js') {
        return send(200, TYPES['.js'], `import {createPeer} from '/peer/index.js';
          globalThis.start = async () => {
            try {
              const peer = await createPeer({node: location.origin, device: 'cpu', onEvent: (event) => { globalThis.last = event; if (event.type === 'head') globalThis.came = true; }});
              globalThis.peer = peer;
              peer.ready.catch((error) => (globalThis.failed = String(error.message)));
              return null;
            } catch (error) { return String(error?.message ?? error); }
          };`);
      }
      const file = path.startsWith('/peer/') ? join(PEER, path.slice('/peer/'.length)) : join(SITE, path.endsWith('/') ? `${path}index.html` : path);
      return send(200, TYPES[extname(file)] ?? 'application/octet-stream', await readFile(file));
    } catch {
      return send(404, 'text/plain', MARKUP);
    }
  });
  const {port, close} = await listen(server);
  return {url: `http://127.0.0.1:${port}/`, how, asked, close};
}

/**
 * Bootstraps of someone who means harm. `goes`: nothing that the page needs is missing, so it takes part; `joins`: the same of the package, which
 * takes part without a text, too.
 * @type {Record<string, {goes: boolean, joins?: boolean, make: (own: any, other: string) => string}>}
 */
const BOOTSTRAPS = {
  names: {goes: true, make: (own) => JSON.stringify({...own, name: MARKUP, corpus: {...own.corpus, name: MARKUP + TEXTS.control}, extra: {[MARKUP]: MARKUP}})},
  prototypes: {
    goes: true,
    make: (own) => JSON.stringify({...own, name: '__proto__'}).replace(/}$/, ',"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1}'),
  },
  'a text of another origin': {goes: false, joins: true, make: (own, other) => JSON.stringify({...own, corpus: {...own.corpus, url: `${other}corpus`}})},
  'a text that is a script': {goes: false, joins: true, make: (own) => JSON.stringify({...own, corpus: {...own.corpus, url: `javascript:${RUN}`}})},
  'a text of any length': {goes: true, make: (own) => JSON.stringify({...own, corpus: {...own.corpus, bytes: 1e15}})},
  servers: {goes: false, make: (own, other) => JSON.stringify({...own, iceServers: [{urls: [`javascript:${RUN}`, MARKUP, other], username: MARKUP, credential: MARKUP}]})},
  addresses: {goes: false, make: (own, other) => JSON.stringify({...own, node: [MARKUP, other, `/dns4/${MARKUP}/tcp/1/ws`, `/ip4/127.0.0.1/tcp/1/ws/p2p/${MARKUP}`]})},
  'numbers without end': {goes: false, make: (own) => JSON.stringify({...own, checkpoint: {...own.checkpoint, height: 77}}).replace('"height":77', `"height":${'9'.repeat(400)}`)},
  'a document without end': {goes: false, make: (own) => JSON.stringify({...own, name: 'A'.repeat(3 << 20)})},
  'no document': {goes: false, make: () => `<!doctype html>${MARKUP}`},
  'another kind of document': {goes: false, make: () => '[[[[[[{"__proto__":null}]]]]]]'},
};

describe('a node that means harm', () => {
  /** @type {Node} */
  let node;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {Awaited<ReturnType<typeof hostile>>} */
  let served;
  /** Somebody else's server, which hears whatever is asked of it. @type {{url: string, heard: string[], close: () => Promise<unknown>}} */
  let other;
  before(async () => {
    node = await Node.start({residents: 1});
    served = await hostile(() => node.url);
    /** @type {string[]} */
    const heard = [];
    const {port, close} = await listen(createServer((request, response) => {
      heard.push(request.url ?? '');
      response.writeHead(200, {'access-control-allow-origin': '*', 'content-type': 'text/plain'}).end('stolen '.repeat(1000));
    }));
    other = {url: `http://localhost:${port}/`, heard, close};
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await served?.close();
    await other?.close();
    await node?.end('SIGTERM');
    await node?.remove();
  });

  /**
   * A visit to `path`; what it sends over websockets is kept, and what its policy forbade.
   * @param {string} name @param {string} path
   */
  async function visited(name, path) {
    const seen = await open(browser, name);
    const asked = outward(seen.page, served.url);
    /** @type {Buffer[]} */
    const sent = [];
    seen.page.on('websocket', (socket) => socket.on('framesent', ({payload}) => sent.push(Buffer.from(payload))));
    await seen.page.addInitScript(() => {
      const broken = /** @type {string[]} */ ([]);
      Object.assign(globalThis, {broken});
      addEventListener('securitypolicyviolation', (event) => broken.push(`${event.effectiveDirective} ${event.blockedURI}`));
    });
    await seen.page.goto(new URL(path, served.url).href);
    /** Nothing ran, nothing went out, no key was sent. */
    const unharmed = async () => {
      assert.deepEqual(await harm(seen.page), [], name);
      assert.deepEqual(await seen.page.evaluate(() => /** @type {any} */ (globalThis).broken), [], `${name}: the policy had to forbid something`);
      assert.deepEqual(asked, [], `${name}: asked of others`);
      assert.deepEqual(other.heard, [], `${name}: heard elsewhere`);
      /** @type {string[]} */
      const secrets = await seen.page.evaluate(() => Object.entries(localStorage).filter(([key]) => /\.(seed|identity)$/.test(key)).map(([, value]) => value));
      const all = [...served.asked, ...sent.map((frame) => `${frame.toString('latin1')} ${frame.toString('hex')}`)];
      for (const secret of secrets) {
        const plain = Buffer.from(secret, 'hex').toString('latin1');
        for (const one of all) assert.ok(!one.includes(secret) && !one.includes(plain), `${name}: a key was sent`);
      }
      return secrets.length;
    };
    const text = () => seen.page.locator('body').innerText();
    return {...seen, sent, unharmed, text};
  }

  for (const [name, {goes, make}] of Object.entries(BOOTSTRAPS)) {
    test(`names ${name}: the page ${goes ? 'takes part' : 'says what is wrong'}`, async () => {
      served.how.bootstrap = (own) => make(own, other.url);
      const v = await visited(name, '');
      await v.page.waitForFunction(() => 'peerage' in window);
      await v.page.getByRole('button', {name: 'Join', exact: true}).click();
      const state = () => v.page.evaluate(() => /** @type {any} */ (window).peerage.snapshot);
      if (goes) {
        await until('a head is verified', 120, async () => (await state()).head != null, v.text);
        assert.equal(await v.unharmed(), 2, 'there are keys to be kept');
        assert.ok(v.sent.length > 0, 'and it speaks');
      } else {
        const said = async () => {
          const s = await state();
          return s.messages.some((/** @type {any} */ m) => m.tone !== 'info') || Object.values(s.lines).some((line) => /** @type {any} */ (line).state === 'failed') || s.node?.up === false;
        };
        await until('it says so', 60, said, v.text);
        await v.unharmed();
      }
      await v.context.close();
    });
  }

  test('gives a text full of markup, which is learned and not shown as markup', async () => {
    served.how.bootstrap = (own) => JSON.stringify({...own, corpus: {...own.corpus, bytes: Buffer.byteLength(MARKUP.repeat(200))}});
    served.how.corpus = MARKUP.repeat(200);
    const v = await visited('text', '');
    await v.page.waitForFunction(() => 'peerage' in window);
    await v.page.getByRole('button', {name: 'Join', exact: true}).click();
    await until('it learns', 180, () => v.page.evaluate(() => /** @type {any} */ (window).peerage.snapshot.steps.count > 0), v.text);
    await v.unharmed();
    await v.context.close();
    served.how.corpus = null;
  });

  /** Answers of an API that means harm. @type {[string, NonNullable<(typeof served)['how']['api']>][]} */
  const ANSWERS = [
    ['documents', () => ({status: 200, type: 'text/html', body: MARKUP})],
    ['errors full of markup', () => ({status: 500, type: 'application/json', body: JSON.stringify({error: MARKUP, __proto__: {polluted: 1}})})],
    ['bytes that are cut', (_, reply) => ({body: reply.subarray(0, reply.length / 2)})],
    ['bytes that are changed', (_, reply) => ({body: Buffer.from(reply.map((byte, at) => (at % 97 === 5 ? byte ^ 0x40 : byte)))})],
    ['bytes without end', () => ({status: 200, type: 'application/octet-stream', body: Buffer.alloc(64 << 20, 0x7f)})],
  ];
  for (const [name, api] of ANSWERS) {
    test(`answers with ${name}: the market says what is wrong`, async () => {
      served.how.bootstrap = (own) => JSON.stringify({...own, name: MARKUP});
      served.how.api = api;
      const v = await visited(name, 'market/');
      await until('it says so', 90, async () => (await v.page.locator('#messages .message').count()) > 0, v.text);
      await v.unharmed();
      await v.context.close();
      served.how.api = null;
    });
  }

  test('meets the package for other people’s pages, which throws a sentence or goes on', {skip: !existsSync(join(PEER, 'modules')) && 'the package is not built'}, async () => {
    for (const [name, {goes, joins = goes, make}] of Object.entries(BOOTSTRAPS)) {
      served.how.bootstrap = (own) => make(own, other.url);
      const v = await visited(name, 'theirs.html');
      await v.page.waitForFunction(() => 'start' in globalThis);
      const refused = await v.page.evaluate(() => /** @type {any} */ (globalThis).start());
      if (joins) {
        assert.equal(refused, null, name);
        await until('a head is verified', 120, () => v.page.evaluate(() => /** @type {any} */ (globalThis).came === true), () => v.page.evaluate(() => JSON.stringify(/** @type {any} */ (globalThis).last)));
      } else if (refused !== null) {
        assert.match(refused, /^\S.{10,}/s, name);
        assert.ok(refused.length < 10_000, `${name}: ${refused.length} characters`);
      }
      await v.unharmed();
      await v.context.close();
    }
  });
});
