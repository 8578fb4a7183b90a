// The market looked at without joining: against a real node that is killed, started again and set up anew, and with a played worker for what is
// hard to reach.

import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {axe} from './support/axe.mjs';
import {launch, open} from './support/browser.mjs';
import {Node} from './support/node.mjs';
import {until} from './support/wait.mjs';
import {begun, head, watchedSite, watcher} from './support/watched.mjs';

const SITE = process.env.PEERAGE_SITE ?? join(fileURLToPath(new URL('../../', import.meta.url)), 'pkg/site');

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

describe('the market, played', () => {
  /** @type {Awaited<ReturnType<typeof watchedSite>>} */
  let site;
  before(async () => {
    site = await watchedSite();
  });
  after(() => site?.close());

  /** @param {string} name @param {import('playwright-core').BrowserContextOptions} [wishes] @param {string} [rest] */
  const visit = (name, wishes, rest) => watcher(browser, site.url, name, wishes, rest);
  /** @param {import('playwright-core').Page} page @param {string} id @param {RegExp} pattern */
  const says = (page, id, pattern) => until(`${id} says ${pattern}`, 10, async () => pattern.test(await page.locator(id).innerText()), () => page.locator(id).innerText());

  test('draws the newest epoch by itself, and any other that a person looks at', async () => {
    const v = await visit('epochs');
    await v.tell(...begun());
    await v.give({peers: 5, first: 1, last: 5});
    await says(v.page, '#where', /Epoch 5 of 1–5/);
    assert.match(await v.text('#phase'), /^Live$/);
    assert.match(await v.text('#fact-checked'), /Proven/);
    await v.tell({type: 'audit', audit: {epoch: 6, height: 60, outcome: 'sound', peers: 5, transactions: 2}}, head(61));
    await v.give({peers: 5, first: 6, last: 6, since: 1, origin: 'computed'});
    await says(v.page, '#where', /Epoch 6 of 1–6/);
    assert.match(await v.text('#fact-checked'), /Sound/);
    assert.match(await v.text('#known'), /3 of 4 validators signed it.*\n.*computed again here from the tables/s);

    await v.page.locator('#back').click();
    await says(v.page, '#where', /Epoch 5 of/);
    assert.equal(await v.page.locator('#live').getAttribute('aria-pressed'), 'false');
    assert.match(await v.text('#phase'), /past/);
    await v.give({peers: 5, first: 7, last: 7, since: 1});
    await says(v.page, '#where', /Epoch 5 of 1–7/);
    await v.page.locator('#play').click();
    await says(v.page, '#where', /Epoch 7 of/);
    await until('the end is live again', 10, async () => (await v.page.locator('#live').getAttribute('aria-pressed')) === 'true');
    await v.page.locator('#slider').focus();
    await v.page.keyboard.press('Home');
    await says(v.page, '#where', /Epoch 1 of/);
    assert.match(new URL(v.page.url()).hash, /^#epoch=1$/, 'the address restores it');
    await v.close();
  });

  test('shows a peer’s history and rows wherever it is clicked, and the address restores it', async () => {
    const v = await visit('peer');
    await v.tell(...begun());
    await v.give({peers: 4, first: 1, last: 6});
    await v.page.locator('#peers button').first().click();
    await says(v.page, '#peer-title', /^Peer 0$/);
    assert.match(await v.text('#peer-facts'), /Stake\s+107 tokens/);
    assert.match(await v.text('#row-out'), /itself\s+40.0 %\s+Peer 1\s+30.0 %/);
    assert.match(await v.text('#row-in'), /Peer 3/);
    assert.equal(await v.page.locator('#histories svg path.line').count(), 4);
    // In the heat map the column is the peer: the last of four.
    const box = await v.page.locator('#heat canvas').boundingBox();
    assert.ok(box);
    await v.page.locator('#heat canvas').click({position: {x: box.width * 0.9, y: box.height * 0.1}});
    await says(v.page, '#peer-title', /^Peer 3$/);
    await v.page.locator('#scatter circle').nth(1).click();
    await until('another is shown', 10, async () => !/Peer 3$/.test(await v.text('#peer-title')));
    const where = new URL(v.page.url()).hash;
    assert.match(where, /^#peer=\d$/);
    await v.page.locator('#peer-close').click();
    assert.equal(await v.page.locator('#peer').isHidden(), true);
    await v.close();

    const again = await visit('restored', {}, '#epoch=2&peer=1');
    await again.tell(...begun());
    await again.give({peers: 4, first: 1, last: 6});
    await says(again.page, '#peer-title', /^Peer 1$/);
    await says(again.page, '#where', /Epoch 2 of 1–6/);
    assert.ok((await again.asked()).some((/** @type {any} */ one) => one.want === 2));
    await again.close();
  });

  test('says what each epoch is known by, and asks for what a node may still have', async () => {
    const v = await visit('kept');
    await v.tell(...begun());
    await v.give({peers: 4, first: 1, last: 6, bare: 3});
    await v.page.locator('#slider').focus();
    await v.page.keyboard.press('Home');
    await says(v.page, '#heat-says', /Nodes keep W of the newest epochs alone/);
    assert.match(await v.text('#known'), /Of 3 epochs there is rank, trust and payment, but no stake and no W/);
    assert.match(await v.text('#peers'), /Peer 0\s+77777777\s+–\s+–/);
    await until('it is asked for', 10, async () => (await v.asked()).some((/** @type {any} */ one) => one.want === 1));
    await v.give({peers: 4, first: 1, last: 1, origin: 'kept'});
    await says(v.page, '#fact-checked', /Kept/);
    await v.close();
  });

  /** @type {[string, any[], RegExp][]} */
  const states = [
    ['no node', [{type: 'failed', code: 'unavailable', message: 'x'}], /No node answers at this address.*asks again by itself/],
    ['another chain than at the last visit', [{type: 'failed', code: 'wrong-chain', message: 'x'}], /another chain than at your last visit/],
    ['another chain meanwhile', [...begun(), {type: 'other-chain', before: 'a', now: 'b'}], /serves another chain than before.*Follow the new chain/s],
    ['a node that lies', [...begun(), {type: 'alarm', code: 'lied', why: 'bad-proof', message: 'x', fatal: false}], /gave something that its validators did not sign \(tables that are not those of the block\)/],
    ['wrong economics', [...begun(), {type: 'alarm', code: 'wrong-economics', message: 'peer 3 at block 50: the chain says rank is 1, computed here it is 0.5', fatal: false}], /do not follow from the rules: peer 3 at block 50/],
    ['two histories', [...begun(), {type: 'alarm', code: 'stopped', why: 'two-histories', message: 'the validators signed two histories', fatal: true}], /Nothing more of this chain can be believed: the validators signed two/],
    ['a node that is silent', [...begun(), {type: 'silent'}], /The node does not answer/],
    ['a chain that stands still', [...begun(), {type: 'alarm', code: 'stalled', message: 'x', fatal: false}], /no new block for a while/],
    ['too many peers', [...begun(), {type: 'audit', audit: {epoch: 5, height: 50, outcome: 'not-audited', reason: 'the chain has 20000 peers, and this client fetches whole tables up to 16384'}}], /Epoch 5 was not computed again: the chain has 20000 peers/],
    ['a browser that keeps nothing', [...begun(), {type: 'alarm', code: 'store', message: 'x', fatal: false}], /keeps nothing for this page any more/],
    ['a program that broke', [{type: 'failed', code: 'broken', message: 'unreachable'}], /own program broke \(unreachable\)/],
    ['a checkpoint of long ago', [{type: 'failed', code: 'stale-checkpoint', message: 'x'}], /too old to be followed/],
  ];
  test('has a sentence for whatever is wrong', async () => {
    for (const [name, told, pattern] of states) {
      const v = await visit(name);
      await v.tell(...told);
      await says(v.page, '#messages', pattern);
      await v.close();
    }
  });

  test('takes back what is over, and starts anew where a person wants it', async () => {
    const v = await visit('back');
    await v.tell(...begun(), {type: 'silent'});
    await says(v.page, '#messages', /does not answer/);
    assert.match(await v.text('#phase'), /silent/);
    await v.tell({type: 'answers'}, head(70));
    await until('the sentence is gone', 10, async () => (await v.page.locator('#messages .message').count()) === 0);
    await v.tell({type: 'other-chain', before: 'a', now: 'b'});
    await v.page.getByRole('button', {name: 'Follow the new chain'}).click();
    await until('it lets go', 10, async () => (await v.asked()).some((/** @type {any} */ one) => one.forget));
    await v.close();
  });

  test('shows a chain before its first epoch, one without peers, and one without trust', async () => {
    const v = await visit('first');
    await v.tell(begun()[0], head(4));
    await v.give({peers: 3, first: 0, last: 0, origin: 'computed', trust: false});
    await says(v.page, '#messages', /No epoch has ended yet.*first ends in 6 blocks, about 6 s/);
    assert.match(await v.page.locator('#scatter svg').getAttribute('aria-label') ?? '', /come with the first epoch/);
    await v.close();
    const empty = await visit('empty');
    await empty.tell(...begun());
    await empty.give({peers: 0, first: 0, last: 0, origin: 'computed'});
    await says(empty.page, '#messages', /There are no peers yet/);
    await empty.close();
    const other = await visit('competitive');
    await other.tell(...begun('competitive'));
    await other.give({peers: 3, first: 1, last: 3, trust: false});
    await until('it says so', 10, async () => /competitive, has no trust/.test((await other.page.locator('#scatter svg').getAttribute('aria-label')) ?? ''));
    await other.close();
  });

  test('draws 2,000 peers, and stays usable', async () => {
    const v = await visit('many');
    await v.tell(...begun());
    await v.give({peers: 2_000, first: 1, last: 4});
    await says(v.page, '#fact-peers', /2,000/);
    await until('the heat map is drawn', 20, async () => Number(await v.page.locator('#heat canvas').getAttribute('width')) > 200);
    assert.equal(await v.page.locator('#peers tbody tr').count(), 25);
    assert.equal(await v.page.locator('#over path.line').count(), 64);
    const took = await v.page.evaluate(async () => {
      const began = performance.now();
      document.getElementById('back')?.click();
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return performance.now() - began;
    });
    assert.ok(took < 3_000, `one step took ${took} ms`);
    await v.page.locator('#more').click();
    await until('all are listed', 20, async () => (await v.page.locator('#peers tbody tr').count()) === 2_000);
    await v.close();
  });

  test('fills the screen for a projector, follows by itself, and has nothing to press', async () => {
    const v = await visit('projector', {viewport: {width: 1920, height: 1080}}, '?projector#epoch=1');
    await v.tell(...begun());
    await v.give({peers: 6, first: 1, last: 4});
    await says(v.page, '#fact-epoch', /^4$/);
    const seen = () => v.page.evaluate(() => ({pressed: [...document.querySelectorAll('button, input, a')].filter((e) => /** @type {HTMLElement} */ (e).offsetParent).length, over: document.documentElement.scrollHeight - innerHeight, size: parseFloat(getComputedStyle(document.querySelector('#fact-epoch') ?? document.body).fontSize)}));
    const {pressed, over, size} = await seen();
    assert.deepEqual([pressed, over], [0, 0]);
    assert.ok(size > 40, `${size} px`);
    await v.give({peers: 6, first: 5, last: 5, since: 1});
    await says(v.page, '#fact-epoch', /^5$/);
    // A window that is seen again asks for the light anew; without that this waits in vain.
    await v.page.evaluate(() => new Promise((resolve) => {
      Object.defineProperty(navigator, 'wakeLock', {value: {request: async () => resolve(undefined)}});
      document.dispatchEvent(new Event('visibilitychange'));
    }));
    await v.page.keyboard.press('f');
    assert.ok((await seen()).pressed > 5);
    assert.equal(new URL(v.page.url()).search, '');
    await v.page.getByRole('button', {name: /Projector/}).click();
    await until('it is on', 10, async () => (await seen()).pressed === 0);
    await v.page.keyboard.press('Escape');
    await until('it is off', 10, async () => (await seen()).pressed > 5);
    await v.close();
  });

  for (const [name, wishes] of /** @type {[string, import('playwright-core').BrowserContextOptions][]} */ ([
    ['light', {colorScheme: 'light'}],
    ['dark', {colorScheme: 'dark'}],
    ['a phone', {viewport: {width: 390, height: 844}, hasTouch: true}],
  ])) {
    test(`is found free of faults: ${name}`, async () => {
      const v = await visit(name, wishes);
      assert.deepEqual(await axe(v.page), [], 'before anything is known');
      await v.tell(...begun(), {type: 'alarm', code: 'lied', why: 'bad-proof', message: 'x', fatal: false});
      await v.give({peers: 9, first: 1, last: 6, bare: 2});
      await v.page.locator('#peers button').first().click();
      await says(v.page, '#peer-title', /^Peer 0$/);
      assert.deepEqual(await axe(v.page), []);
      const wide = await v.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} px wider than the screen`);
      await v.page.evaluate(() => document.body.setAttribute('data-projector', ''));
      assert.deepEqual(await axe(v.page), [], 'projected');
      await v.close();
    });
  }
});

describe('the market of a node', () => {
  /** @type {Node} */
  let node;
  before(async () => {
    assert.ok(existsSync(join(SITE, 'market/light/index.js')), `there is no market in ${SITE}: \`cargo xtask market\` builds it`);
    node = await Node.start({residents: 2});
  });
  after(() => node?.remove());

  test('is verified, goes on over a restart, and follows another chain when a person wants it', async () => {
    const {page, errors, context} = await open(browser, 'market');
    /** @type {string[]} */
    const outside = [];
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(node.url)) outside.push(request.url());
    });
    const text = (/** @type {string} */ id) => page.locator(id).innerText();
    const epoch = async () => Number((await text('#fact-epoch')).replace(/\D/g, ''));
    const told = async () => `${await text('#phase')} ${await text('#facts')} ${await text('#messages')}`;
    await page.goto(`${node.url}market/`);
    await until('an epoch is computed again', 120, async () => (await text('#fact-checked')) === 'Sound' && (await epoch()) >= 3, told);
    assert.equal(await page.locator('#peers tbody tr').count(), 2);
    assert.match(await text('#known'), /signed it, each signature checked here/);
    await until('past epochs come', 60, async () => /of [01]–\d/.test(await text('#where')), told);

    const {chain} = await node.bootstrap();
    assert.match(await text('#known'), new RegExp(chain));
    await page.locator('#slider').focus();
    await page.keyboard.press('Home');
    await until('the first epoch is shown', 30, async () => (await epoch()) <= 1 && /Proven|Sound/.test(await text('#fact-checked')), told);
    await page.locator('#live').click();

    await node.end('SIGKILL');
    await until('its silence is told', 60, async () => /does not answer/.test(await text('#messages')), told);
    const before = await epoch();
    await node.run();
    await until('it goes on', 120, async () => (await epoch()) > before && (await text('#phase')) === 'Live', told);

    // The next visit has what this one saw.
    await page.reload();
    await until('it is live again', 120, async () => (await text('#phase')) === 'Live' && (await epoch()) > before, told);

    await node.reset();
    await until('another chain is noticed', 120, async () => /another chain/.test(await text('#messages')), told);
    await page.getByRole('button', {name: 'Follow the new chain'}).click();
    await until('the new chain is followed', 120, async () => (await text('#fact-checked')) === 'Sound' && !(await text('#known')).includes(chain), told);
    assert.deepEqual([outside, errors.filter((error) => !/Failed to load resource/.test(error))], [[], []]);
    await context.close();
  });

  test('opens without its node from the second visit on, with what it kept', async () => {
    const {page, context} = await open(browser, 'kept', {serviceWorkers: 'allow'});
    const text = (/** @type {string} */ id) => page.locator(id).innerText();
    const told = async () => `${await text('#phase')} ${await text('#facts')} ${await text('#messages')}`;
    await page.goto(`${node.url}market/`);
    await until('an epoch is computed again', 120, async () => (await text('#fact-checked')) === 'Sound', told);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    await until('the files are kept', 60, () => page.evaluate(() => navigator.serviceWorker.controller !== null));
    await until('it is live again', 120, async () => (await text('#phase')) === 'Live' && (await page.locator('#heat canvas').isVisible()), told);
    const epoch = Number(await text('#fact-epoch'));
    await node.end('SIGKILL');
    await page.reload();
    await until('it is drawn from what was kept', 60, async () => Number(await text('#fact-epoch')) >= epoch - 1 && /kept here at an earlier visit/.test(await text('#messages')), told);
    assert.equal(await page.locator('#peers tbody tr').count(), 2);
    await context.close();
    await node.run();
  });
});
