// The page with a played tab: what a person sees, reads and can do, without node, network or WebAssembly.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {notAudited, sound} from './support/audited.js';
import {launch, open} from './support/browser.mjs';
import {CHAIN, playedSite} from './support/site.mjs';
import {visitor} from './support/visit.mjs';
import {until} from './support/wait.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof playedSite>>} */
let served;

before(async () => {
  served = await playedSite();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await served?.close();
});

const visit = visitor(() => ({browser, url: served.url}));

describe('the page', () => {
  test('can be read before any module has come, and joins by the keyboard', async () => {
    const v = await open(browser, 'slow');
    /** @type {() => void} */
    let let_through = () => {};
    const gate = new Promise((resolve) => (let_through = () => resolve(undefined)));
    await v.page.route('**/played.js', async (route) => {
      await gate;
      await route.continue();
    });
    await v.page.goto(served.url, {waitUntil: 'commit'});
    await v.page.getByRole('button', {name: 'Join'}).waitFor({timeout: 10_000});
    assert.equal(await v.page.locator('#checklist li').count(), 10);
    let_through();
    await v.page.waitForFunction(() => 'peerage' in window);
    await v.page.keyboard.press('Tab');
    assert.equal(await v.page.evaluate(() => document.activeElement?.id), 'join');
    await v.page.keyboard.press('Enter');
    await until('joining by the keyboard', 10, async () => (await v.page.locator('#phase').innerText()) === 'Joining');
    assert.deepEqual(v.errors, []);
    await v.context.close();
  });

  test('fills the first minute, each line with its time', async () => {
    const v = await visit('minute');
    await v.join();
    await v.shows(/20,480 tries so far, 65,536 needed on average, 41,200 a second/);
    await v.minute();
    await v.page.click('#minute summary');
    const states = await v.page.locator('#checklist li').evaluateAll((all) => all.map((li) => /** @type {HTMLElement} */ (li).dataset.state));
    assert.deepEqual(states, Array(10).fill('done'));
    const times = await v.page.locator('#checklist .time').allInnerTexts();
    assert.ok(times.slice(1).every((t) => /^\d.* (ms|s)$|^at once$/.test(t)), times.join('|'));
    await v.close();
  });

  test('shows what runs with units, and the ledger as it was checked', async () => {
    const v = await visit('running');
    await v.join();
    await v.minute();
    await v.page.evaluate(() => {
      const {tab} = /** @type {any} */ (window).peerage;
      tab.steps(60);
      tab.emit(tab.network());
    });
    await v.shows(/B\/s/);
    const text = await v.text();
    for (const part of [/nats per byte/, /signed by 3 of 4 validators, 237 bytes/, /1\.250731 tokens/, /3rd of 4 peers/, /21\.8 %/, /−0\.0312/, /\+4\.00 × 10⁻⁷/, /4 neighbours: 2 tabs \(1 direct, 1 relayed\), 2 residents/, /1\.2 ms/, /Exchanges this tab began: 42 direct, 4 relayed, 11 by websocket; others began: 37 direct, 3 relayed; failed or late: 2\./]) {
      assert.match(text, part);
    }
    await v.page.getByRole('img', {name: /up to step 63: with peers \d\.\d{3}, alone \d/}).waitFor({timeout: 10_000});
    assert.equal(await v.page.locator('#neighbours-table tbody tr').count(), 4);
    const paths = await v.page.locator('#neighbours-table tbody .path').allInnerTexts();
    assert.deepEqual(paths, ['websocket', 'websocket', 'relayed', 'direct']);
    assert.equal(await v.page.locator('#neighbours-table .path[data-path="direct"]').getAttribute('title'), 'Direct: browser to browser');
    assert.match(await v.page.locator('#paths').innerText(), /direct: browser to browser\s+relayed: through the node, because no direct path was found/);
    const heard = await v.page.evaluate(() => /** @type {any} */ (window).peerage.snapshot.heard);
    assert.ok(heard.tab > 0 && heard.resident > 0);
    await v.close();
  });

  test('says that the node is gone, counts down, and says that it is back', async () => {
    const v = await visit('gone');
    await v.join();
    await v.minute();
    await v.emit({type: 'network', node: {up: false, reason: 'the websocket closed', retryMs: 6000}, connections: []});
    await v.shows(/The node is gone \(the websocket closed\)\. This tab goes on.*Next try in [3-6] s\./s);
    assert.equal(await v.page.locator('#phase').innerText(), 'Training alone');
    await v.emit({type: 'network', node: {up: true}});
    await v.shows(/The node is back after/);
    assert.equal(await v.page.locator('#phase').innerText(), 'Training');
    await v.close();
  });

  test('goes on with those it reaches directly when the node is gone', async () => {
    const v = await visit('direct');
    await v.join();
    await v.minute();
    await v.emit({type: 'network', node: {up: false, reason: 'gone', retryMs: 6000}, connections: [{peer: 'near', kind: 'tab', path: 'direct'}]});
    await v.shows(/goes on training with 1 neighbour that it reaches without it/);
    await v.shows(/1 neighbour: 1 tab \(1 direct\), 0 residents/);
    assert.equal(await v.page.locator('#phase').innerText(), 'Training');
    await v.close();
  });

  test('waits for a node that is still starting', async () => {
    served.site.late = 1;
    const v = await visit('late');
    await v.page.click('#join');
    await v.shows(/The node does not answer \(it is still starting\)/);
    await v.shows(/Proof of work/);
    assert.doesNotMatch(await v.text(), /does not answer/);
    await v.close();
  });

  test('notices another chain when the node is back, and forgets the old one on request', async () => {
    const v = await visit('other chain');
    await v.join();
    await v.minute();
    await v.emit({type: 'network', node: {up: false, reason: 'gone', retryMs: 500}});
    served.site.chain = 'ffff'.padEnd(64, '0');
    await until('a check is allowed again', 10, () => v.emit({type: 'network', node: {up: false, reason: 'gone', retryMs: 500}}).then(() => v.text()).then((t) => /another chain/.test(t)), v.text);
    served.site.chain = CHAIN;
    const forgotten = v.page.waitForEvent('framenavigated');
    await v.page.getByRole('button', {name: /Forget the old chain/}).click();
    await forgotten;
    await v.shows(/Proof of work/); // it has joined anew
    await v.close();
  });

  test('says what a browser lacks, and what that means', async () => {
    const none = await visit('nothing', {}, () => {
      Object.defineProperty(Navigator.prototype, 'gpu', {value: undefined});
      // @ts-expect-error absent on purpose
      delete window.RTCPeerConnection;
    });
    await none.shows(/no WebGPU, so this tab will train on the processor/);
    await none.shows(/no WebRTC\. Nothing to do/);
    await none.close();
    const old = await visit('old', {}, () => {
      WebAssembly.validate = () => false;
    });
    await old.shows(/This browser lacks WebAssembly SIMD\..*Open this page in a current/s);
    await old.page.click('#join');
    assert.equal(await old.page.locator('#phase').innerText(), 'Not joined');
    await old.close();
  });

  test('goes on where the panels that come with Join do not come, and says so with a way back', async () => {
    const v = await visit('no-panels');
    await v.page.route('**/joined.js', (/** @type {any} */ route) => route.abort());
    await v.page.click('#join');
    await v.shows(/A part of this page did not come .* The tab works on without showing its figures\./);
    await v.minute();
    assert.equal(await v.page.locator('#tab').isVisible(), false);
    await v.page.unroute('**/joined.js');
    await v.page.getByRole('button', {name: 'Load the page again'}).click();
    await v.page.waitForFunction(() => 'peerage' in window);
    await v.join();
    await v.page.locator('#tab').waitFor();
    v.errors.splice(0); // the file that did not come
    await v.close();
  });

  test('shows what others say as text, never as markup', async () => {
    const v = await visit('hostile');
    await v.join();
    await v.emit({type: 'trouble', message: '<img src=x onerror="window.hit=1"> broke', fatal: false});
    await v.emit({type: 'device', kind: 'CPU', name: '<b>chip</b>', why: '<i>why</i>'});
    await v.shows(/<img src=x/);
    await v.shows(/<b>chip<\/b>/);
    assert.equal(await v.page.evaluate(() => 'hit' in window), false);
    await v.close();
  });

  test('pauses, stops without an error, and joins again', async () => {
    const v = await visit('stop');
    await v.join();
    await v.minute();
    await v.page.click('#pause');
    await v.shows(/Paused/);
    await v.page.click('#pause');
    await v.shows(/Training/);
    await v.page.click('#stop');
    await v.shows(/This tab has stopped and uses nothing any more/);
    assert.equal(await v.page.locator('.message').count(), 0);
    await v.page.getByRole('button', {name: 'Join again'}).click();
    await v.shows(/Proof of work/);
    await v.close();
  });

  test('lets only one tab of a browser have its identity', async () => {
    const v = await visit('first');
    await v.join();
    const second = await v.context.newPage();
    await second.goto(served.url);
    await second.click('#join');
    await second.getByText(/already runs in another tab of this browser/).waitFor({timeout: 10_000});
    assert.equal(await second.locator('#phase').innerText(), 'Not joined');
    await v.page.click('#stop');
    await v.shows(/This tab has stopped/);
    await second.click('#join');
    await second.getByText(/Proof of work/).waitFor({timeout: 10_000});
    await v.close();
  });

  test('shows the network’s servers, and takes own ones in their place at the next join', async () => {
    served.site.iceServers = ['stun:one.example:3478', {urls: ['turn:two.example'], username: 'us', credential: 'x'}];
    const v = await visit('servers');
    const used = () => v.page.evaluate(() => /** @type {any} */ (window).peerage.tab.iceServers);
    await v.page.locator('#settings summary').focus();
    await v.page.keyboard.press('Enter');
    await until('the servers are there', 10, async () => (await v.page.locator('#servers-network li').allInnerTexts()).join() === 'stun:one.example:3478,turn:two.example', v.text);
    assert.match(await v.page.locator('#settings-state').innerText(), /the network’s: 2 servers/);
    const field = v.page.getByRole('textbox', {name: 'My own servers in their place'});
    await field.fill('stun:mine.example\nturn:mine.example:3478');
    await v.page.getByRole('button', {name: 'Use my own'}).click();
    assert.match(await v.page.getByRole('alert').innerText(), /^Line 2: turn:mine\.example:3478 needs a username and a credential after it\.$/);
    assert.deepEqual(await field.evaluate((f) => [f.getAttribute('aria-invalid'), f === document.activeElement, getSelection()?.toString()]), ['true', true, 'turn:mine.example:3478']);
    assert.equal(await v.page.evaluate((c) => localStorage.getItem(`peerage.${c}.servers`), CHAIN), null);
    await field.fill('stun:mine.example\nturn:mine.example:3478 me secret');
    assert.equal(await v.page.locator('#servers-fault').innerText(), '');
    await v.page.getByRole('button', {name: 'Use my own'}).click();
    await v.shows(/Your 2 servers are used when this tab joins\. Kept in this browser\./);
    assert.equal(await v.page.locator('#servers-rejoin').isVisible(), false);
    await v.join();
    assert.deepEqual(await used(), [{urls: ['stun:mine.example']}, {urls: ['turn:mine.example:3478'], username: 'me', credential: 'secret'}]);
    const said = await v.page.evaluate(() => /** @type {any} */ (window).peerage.snapshot.servers);
    assert.deepEqual(said, {from: 'own', urls: ['stun:mine.example', 'turn:mine.example:3478']});
    await v.page.getByRole('button', {name: 'Use the network’s'}).click();
    await v.shows(/The network’s servers are used when this tab joins the next time; until then it goes on as it is\./);
    const again = v.page.waitForEvent('framenavigated');
    await v.page.getByRole('button', {name: 'Join again now'}).click();
    await again;
    await v.shows(/Proof of work/);
    assert.equal(await used(), undefined);
    assert.equal(await v.page.evaluate(() => Object.keys(localStorage).some((k) => k.endsWith('.servers'))), false);
    served.site.iceServers = [];
    await v.close();
  });

  test('keeps no servers as a choice, and leaves kept ones that cannot be used', async () => {
    const v = await visit('no servers');
    await v.page.click('#settings summary');
    await v.page.getByRole('button', {name: 'Use my own'}).click();
    await v.shows(/No servers are used when this tab joins/);
    await v.join();
    assert.deepEqual(await v.page.evaluate(() => /** @type {any} */ (window).peerage.tab.iceServers), []);
    await v.page.evaluate((c) => localStorage.setItem(`peerage.${c}.servers`, '["http://a.example"]'), CHAIN);
    await v.page.reload();
    await v.join();
    await v.shows(/kept in this browser cannot be used \(“http:\/\/a\.example” is no STUN or TURN server.*; the network’s are taken\./);
    assert.equal(await v.page.evaluate(() => /** @type {any} */ (window).peerage.tab.iceServers), undefined);
    await v.close();
  });

  test('says what the browser itself has against a server, and takes no other', async () => {
    const v = await visit('picky', {}, () => {
      const {RTCPeerConnection: Real} = window;
      window.RTCPeerConnection = class extends Real {
        /** @param {RTCConfiguration} options */
        constructor(options) {
          if (JSON.stringify(options).includes('odd')) throw new DOMException("Failed to construct 'RTCPeerConnection': odd servers are not liked", 'SyntaxError');
          super(options);
        }
      };
    });
    await v.page.click('#settings summary');
    await v.page.fill('#servers-own', '\nstun:[2001:db8::1]:3478\nstuns:a_b.example\nturns:192.0.2.1?transport=udp me secret\nstun:odd.example');
    await v.page.click('#servers-use');
    // The lines before it have passed a real RTCPeerConnection.
    assert.equal(await v.page.getByRole('alert').innerText(), 'Line 5: this browser refuses it: odd servers are not liked.');
    await v.close();
  });

  test('waits with the servers for a node that says nothing, and opens them from the neighbours', async () => {
    const v = await visit('silent');
    served.site.late = 1;
    await v.page.click('#settings summary');
    await v.shows(/Which servers the network has is not known: it is still starting\./);
    assert.equal(await v.page.locator('#servers-own').isDisabled(), true);
    await v.page.click('#settings summary');
    await v.join();
    await v.page.click('#paths a');
    await until('the settings are open', 5, () => v.page.locator('#servers-own').isEnabled());
    assert.equal(await v.page.evaluate(() => document.activeElement?.tagName), 'SUMMARY');
    await v.shows(/no servers/);
    await v.close();
  });

  test('shows what comes twice twice, however often it draws', async () => {
    const v = await visit('twice');
    await v.join();
    await v.minute();
    for (const audit of [sound(130), notAudited(130), sound(131)]) await v.emit(audit);
    const rows = () => v.page.locator('#audit-table tbody th').allInnerTexts();
    await until('all are shown', 10, async () => (await rows())[0] === '131', async () => (await rows()).join());
    for (let i = 0; i < 3; i += 1) {
      await v.emit(sound(132 + i));
      await until('it has drawn again', 10, async () => (await rows())[0] === `${132 + i}`, async () => (await rows()).join());
      assert.equal((await rows()).filter((epoch) => epoch === '130').length, 2);
    }
    await v.close();
  });

  for (const width of [320, 390, 768, 1280, 1920]) {
    test(`fits ${width} pixels without scrolling sideways`, async () => {
      const v = await visit(`${width}`, {viewport: {width, height: 800}});
      await v.join();
      await v.minute();
      await v.page.click('#settings summary');
      await v.emit({type: 'alarm', message: 'wrong chain: this genesis belongs to another', fatal: true});
      await v.shows(/another chain/);
      const wide = await v.page.evaluate(() => {
        const limit = document.documentElement.clientWidth;
        return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > limit + 1 && !e.closest('.hidden, .skip, thead')).map((e) => e.tagName + (e.id ? `#${e.id}` : `.${e.className}`));
      });
      assert.deepEqual(wide, []);
      await v.close();
    });
  }
});
