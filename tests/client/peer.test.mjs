// The npm package `pkg/peer` in Chromium, on pages of other origins than the node of a real development network: the example page, then a
// script that does all that a peer can, whose every event must be what the types say.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {axe} from '../e2e/support/axe.mjs';
import {launch, open} from '../e2e/support/browser.mjs';
import {serve} from '../e2e/support/files.mjs';
import {Node} from '../e2e/support/node.mjs';
import {until} from '../e2e/support/wait.mjs';
import {faults, ROOT, shapes} from './support/shapes.mjs';

const PACKAGE = join(ROOT, 'pkg/peer');
const BLANK = '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Blank</title></html>';
/** What is waited for, s. */
const LONG = 240;

describe('a peer on a page of another origin', {concurrency: false}, () => {
  /** @type {Node} */ let node;
  /** Servers of files: of the page, and of the modules alone. @type {{url: string, close(): Promise<unknown>}[]} */ let servers = [];
  /** @type {import('playwright-core').Browser} */ let browser;
  before(async () => {
    node = await Node.start({residents: 2});
    const {chain, ...rest} = await node.bootstrap();
    const site = await serve(PACKAGE, {pages: {'/blank': BLANK}});
    const hostile = {chain, ...rest, corpus: {...rest.corpus, url: `${site.url}package.json`}};
    const allow = {'access-control-allow-origin': '*'};
    servers = [site, await serve(PACKAGE, {headers: allow}), await serve(PACKAGE, {headers: allow, pages: {'/bootstrap.json': JSON.stringify(hostile)}})];
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await Promise.allSettled(servers.map((one) => one.close()));
    await node?.remove();
  });

  test('the example is twenty lines of script at most, with which its tab joins, trains and asks its neighbours', async () => {
    assert.ok(readFileSync(join(PACKAGE, 'example/example.js'), 'utf8').trimEnd().split('\n').length <= 20);
    const {page, errors, context} = await open(browser, 'example');
    await page.goto(`${servers[0].url}example/index.html`);
    assert.deepEqual(await axe(page), []);
    await page.fill('#node', 'http://127.0.0.1:9');
    await page.getByRole('button', {name: 'Join'}).click();
    await until('the example says that no node answers', 30, async () => /is not reached/.test((await page.textContent('#says')) ?? ''));
    await page.reload();
    await page.fill('#node', node.url);
    await page.getByRole('button', {name: 'Join'}).click();
    const told = () => page.innerText('main');
    await until('the example makes ten steps', LONG, async () => Number.parseInt((await page.textContent('#step')) ?? '') >= 10, told);
    await until('neighbours answer', LONG, async () => /, [1-9]\d* answered/.test((await page.textContent('#step')) ?? ''), told);
    await until('the example verifies a block', LONG, async () => /^\d+, signed by 1 of 1$/.test((await page.textContent('#head')) ?? ''), told);
    assert.ok(Number(await page.textContent('#neighbours')) >= 2);
    assert.equal(await page.textContent('#says'), '');
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({colorScheme});
      assert.deepEqual(await axe(page), []);
    }
    assert.deepEqual(errors, []);
    await context.close();
  });

  test('a script does all that a peer can, and every event is as it is described', async () => {
    const {page, errors, context} = await open(browser, 'script');
    await page.goto(`${servers[0].url}blank`);
    const seen = await page.evaluate(run, {node: node.url, seconds: LONG});
    assert.deepEqual(seen.missing, [], 'these events came');
    const event = shapes(join(PACKAGE, 'index.d.ts')).shape('PeerEvent');
    assert.ok(seen.events.length > 50);
    assert.deepEqual([...new Set(seen.events.flatMap((one) => faults(one, event, one.type)))], []);

    assert.equal(seen.chain, (await node.bootstrap()).chain);
    assert.equal(seen.dataset.private, false, 'the node’s text is no secret');
    assert.ok(seen.validation.alone > 0 && seen.validation.examples > 0);
    assert.equal(seen.logits, 256, 'a neighbour says what byte comes next');
    assert.ok(seen.imported.step >= seen.exported.step && seen.exported.size > 100_000);
    assert.equal(seen.own.private, true, 'own data stay in the tab unless it is said otherwise');
    assert.deepEqual([seen.given.private, seen.sound], [false, {modalities: 4, private: true}]);
    assert.match(seen.backup, /^[0-9a-f]{64}\s*$/);
    assert.deepEqual(seen.faults, {
      secondBackup: 'PeerError refused', noModel: 'PeerError refused', tooShort: 'PeerError bad-data', noFiles: 'PeerError bad-data', noData: 'PeerError bad-argument',
      noPrice: 'PeerError bad-argument', noIntent: 'PeerError bad-argument', noPeer: 'PeerError refused', replaced: 'PeerError replaced', stopped: 'PeerError stopped', stoppedToo: 'PeerError stopped',
    });
    assert.deepEqual(errors, []);
    await context.close();
  });

  test('what keeps a peer from starting is told by its code', async () => {
    const {page, context} = await open(browser, 'faults');
    await page.goto(`${servers[0].url}blank`);
    const found = await page.evaluate(async ({node, liar, here}) => {
      const {createPeer, unpin} = await import(/** @type {any} */ ('/index.js'));
      const fault = async (/** @type {any} */ options) => {
        try {
          const peer = await createPeer({data: null, join: false, ...options});
          await peer.ready.finally(() => peer.stop());
          return 'none';
        } catch (error) {
          return /** @type {any} */ (error).code;
        }
      };
      const seen = {
        words: await fault({node: 'my node'}), none: await fault({node: []}), gone: await fault({node: ['http://127.0.0.1:9', 'http://127.0.0.1:10']}), noNode: await fault({node: here}),
        device: await fault({node, device: 'abacus'}), servers: await fault({node, iceServers: ['http://a.example']}), data: await fault({node, data: 7}), modules: await fault({node, modules: '/nowhere/'}),
        another: await fault({node: ['http://127.0.0.1:9', node]}),
        // It names a text of the page's own origin, which would be taught to neighbours.
        theft: await fault({node: liar, data: 'corpus', join: true}),
        otherChain: '', unpinned: '',
      };
      localStorage.setItem('peerage.chain', 'f'.repeat(64));
      seen.otherChain = await fault({node});
      unpin();
      seen.unpinned = await fault({node});
      return seen;
    }, {node: node.url, liar: servers[2].url, here: servers[0].url});
    assert.deepEqual(found, {
      words: 'bad-node', none: 'bad-node', gone: 'unavailable', noNode: 'bad-node', device: 'bad-argument', servers: 'bad-argument', data: 'bad-argument', modules: 'no-modules',
      another: 'none', theft: 'bad-node', otherChain: 'other-chain', unpinned: 'none',
    });
    await context.close();
  });

  test('what is to be forgotten is gone, and the peer with it', async () => {
    const {page, errors, context} = await open(browser, 'forget');
    await page.goto(`${servers[0].url}blank`);
    const [before, later, code] = await page.evaluate(async (node) => {
      const {createPeer} = await import(/** @type {any} */ ('/index.js'));
      const kept = () => Object.keys(localStorage).filter((name) => name.startsWith('peerage.')).length;
      const peer = await createPeer({node, data: null});
      await new Promise((resolve) => peer.on('identity', resolve));
      const before = kept();
      await peer.forgetChain();
      try {
        peer.join();
      } catch (error) {
        return [before, kept(), /** @type {any} */ (error).code];
      }
      return [before, kept()];
    }, node.url);
    assert.deepEqual([before > 0, later, code], [true, 0, 'stopped']);
    assert.deepEqual(errors, []);
    await context.close();
  });

  test('modules of yet another origin run too', async () => {
    const {page, errors, context} = await open(browser, 'modules');
    await page.goto(`${servers[0].url}blank`);
    const steps = await page.evaluate(async ({node, modules}) => {
      const {createPeer} = await import(/** @type {any} */ ('/index.js'));
      const peer = await createPeer({node, modules, device: 'cpu', data: 'glyphs'});
      const step = await new Promise((resolve) => peer.on('step', resolve));
      await peer.stop();
      return step.step;
    }, {node: node.url, modules: `${servers[1].url}modules`});
    assert.ok(steps >= 1);
    assert.deepEqual(errors, []);
    await context.close();
  });
});

/** Runs in the page: a peer's life, and what it saw. @param {{node: string, seconds: number}} world */
async function run({node, seconds}) {
  const {createPeer} = /** @type {typeof import('../../pkg/peer/index.js')} */ (await import(/** @type {any} */ ('/index.js')));
  /** Of each type and state a few. @type {import('../../pkg/peer/index.js').PeerEvent[]} */
  const events = [];
  const count = /** @type {Record<string, number>} */ ({});
  const keep = (/** @type {any} */ event) => {
    const sort = [event.type, event.state?.type, event.outcome?.type, event.source?.type].join(' ');
    count[event.type] = (count[event.type] ?? 0) + 1;
    if ((count[sort] = (count[sort] ?? 0) + 1) <= 6) events.push(event.type === 'exported' ? {...event, bytes: event.bytes.slice(0, 8)} : event);
  };
  const fault = async (/** @type {() => any} */ what) => {
    try {
      await what();
      return 'none';
    } catch (error) {
      const {name, code} = /** @type {any} */ (error);
      return `${name} ${code}`;
    }
  };
  const text = 'Es irrt der Mensch, solang er strebt. '.repeat(200);

  const peer = await createPeer({node, device: 'cpu', policy: {type: 'scores'}, price: 5n, onEvent: keep});
  const dataset = await peer.ready;
  const wanted = ['browser', 'identity', 'network', 'loaded', 'device', 'reading', 'dataset', 'step', 'scores', 'head', 'audit', 'own', 'proposal', 'neurons', 'working', 'transaction', 'kept'];
  for (let waited = 0; waited < seconds * 2 && wanted.some((type) => !count[type]); waited += 1) await new Promise((resolve) => setTimeout(resolve, 500));
  const missing = wanted.filter((type) => !count[type]);

  const validation = await peer.validate();
  const kept = await peer.keep();
  const resident = peer.snapshot()?.connections.find(({kind}) => kind === 'resident')?.peer ?? '';
  const logits = await peer.logits(resident, {type: 'text', bytes: new TextEncoder().encode('to be or not to b')});
  const exported = await peer.exportModel();
  const imported = await peer.importModel(exported.bytes);
  const backup = await peer.backup();
  const faults = {
    secondBackup: await fault(() => peer.backup()),
    noModel: await fault(() => peer.importModel(new Uint8Array(3))),
    tooShort: await fault(() => peer.learn({text: 'short'})),
    noFiles: await fault(() => peer.learn({files: []})),
    noData: await fault(() => peer.learn(/** @type {any} */ ({}))),
    noPrice: await fault(() => peer.price('much')),
    noIntent: await fault(() => peer.ask(/** @type {any} */ ({type: 'beg'}))),
    noPeer: await fault(() => peer.logits('nobody', {type: 'text', bytes: new Uint8Array(4)})),
    replaced: '', stopped: '', stoppedToo: '',
  };
  const first = fault(() => peer.learn({text, name: 'faust.txt'}));
  const own = await peer.learn({bytes: new TextEncoder().encode(text), name: 'faust.txt'});
  faults.replaced = await first;
  const byHand = peer.learn({source: {type: 'files'}}, {private: false});
  const bytes = new TextEncoder().encode(text);
  peer.give({type: 'file', name: 'faust.txt', size: bytes.length});
  peer.give({type: 'piece', bytes});
  peer.give({type: 'end'});
  const given = await byHand;
  const sound = await peer.learn({samples: Float32Array.from({length: 128_000}, (_, at) => Math.sin(at / 20 + at * at / 1e7)), rate: 16_000});
  peer.pause(true);
  peer.offline(true);
  peer.private(false);
  peer.work(true);
  const waiting = fault(() => peer.learn({source: {type: 'files'}}));
  await peer.stop();
  await peer.stop();
  faults.stopped = await waiting;
  faults.stoppedToo = await fault(() => peer.validate());
  return {
    events, missing, chain: peer.chain, dataset: {private: dataset?.private}, validation, kept, logits: logits.length, exported: {step: exported.step, size: exported.bytes.length}, imported, backup,
    own: {private: own.private}, given: {private: given.private, bytes: given.bytes}, sound: {modalities: sound.modalities, private: sound.private}, faults,
  };
}
