// Direct connections between Firefox and Chromium, either dialling, and between two Firefoxes: the probe of crates/lib/webrtc as in
// tests/webrtc, and the page itself, whose tabs ask and answer each other over one.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {launch} from '../e2e/support/browser.mjs';
import {Node} from '../e2e/support/node.mjs';
import {steps} from '../e2e/support/steps.mjs';
import {summary, Tab} from '../e2e/support/tab.mjs';
import {checksum} from '../webrtc/pages/pattern.mjs';
import {Probe, serve} from '../webrtc/support/probe.mjs';
import {openTab} from './support/tab.mjs';
import {Firefox} from './support/webdriver.mjs';

const MIB = 1 << 20;
const MUCH = 4 * MIB;
/** Seconds in which ICE notices, where the packet that tells of the end is lost. */
const NOTICED_S = 30;

/** @type {Node} */ let node;
/** @type {string} */ let site;
/** @type {import('playwright-core').Browser} */ let chromium;
/** @type {Firefox[]} */ let firefoxes = [];

before(async () => {
  [node, site, chromium, ...firefoxes] = await Promise.all([Node.start({residents: 0}), serve(), launch(), Firefox.launch(), Firefox.launch()]);
});
after(async () => {
  await Promise.allSettled([chromium?.close(), ...firefoxes.map((one) => one.close())]);
  await node?.remove();
});

/** A probe in a window of Firefox. @param {Firefox} firefox @param {string} name */
async function probeIn(firefox, name) {
  const page = await firefox.page();
  await page.goto(`${site}rust.html`);
  await page.waitForFunction(() => 'api' in window);
  return new Probe(name, /** @type {any} */ (page), firefox.errors);
}

/** @type {Record<string, () => Promise<Probe>>} */
const open = {
  Chromium: () => Probe.open(chromium, site, 'rust', 'rust in Chromium'),
  Firefox: () => probeIn(firefoxes[0], 'rust in Firefox'),
  'another Firefox': () => probeIn(firefoxes[1], 'rust in another Firefox'),
};

for (const [first, second] of [['Firefox', 'Chromium'], ['Chromium', 'Firefox'], ['Firefox', 'another Firefox']]) {
  describe(`${first} dials ${second}`, {concurrency: false}, () => {
    const step = steps();
    /** @type {Probe} */ let a;
    /** @type {Probe} */ let b;
    before(async () => {
      [a, b] = await Promise.all([open[first](), open[second]()]);
      const [relay] = (await node.bootstrap()).node;
      await Promise.all([a.start(relay), b.start(relay)]);
      await Promise.all([a.address(), b.address()]);
    });
    after(async () => {
      for (const one of [a, b]) if (one?.name.includes('Firefox')) await /** @type {any} */ (one.page).goto('about:blank');
        else await one?.close();
    });

    step('connects directly, and needs the relay no more', async () => {
      await a.call('dial', await b.address(), 15_000);
      for (const [own, other] of [[a, b], [b, a]]) await own.until('a direct connection', 10, other.id, (all) => all.some((c) => c.direct));
      await a.call('closeRelayed', b.id);
      for (const [own, other] of [[a, b], [b, a]]) await own.until('direct alone', 10, other.id, (all) => all.length === 1 && all[0].direct);
    });

    step(`echoes ${MUCH / MIB} MiB from either side`, async () => {
      for (const [own, other] of [[a, b], [b, a]]) {
        const {crcSent, crcReceived} = await own.call('echo', other.id, MUCH, MIB, 7);
        assert.deepEqual([crcSent, crcReceived], [checksum(7, MUCH), checksum(7, MUCH)]);
      }
    });

    step('carries 20 streams at once, answers after the end of a question, and notices an aborted stream', async () => {
      for (const [own, other] of [[a, b], [b, a]]) {
        const all = await own.call('streams', other.id, 20, 100_000);
        assert.deepEqual(all.map((/** @type {any} */ one) => one.crcReceived), all.map((/** @type {any} */ _, /** @type {number} */ i) => checksum(i + 1, 100_000)));
        const {length, crcSent, crcReceived, answer} = await own.call('halfClose', other.id, 300_000);
        assert.deepEqual([length, crcReceived, answer], [300_000, crcSent, 8]);
        for (const kind of ['local', 'remote']) assert.equal((await own.call('reset', other.id, kind)).seen, 'reset', kind);
      }
    });

    step('notices that the other side hangs up', async () => {
      await b.call('hangup', a.id);
      await a.until('no connection', NOTICED_S, b.id, (all) => all.length === 0);
      await a.call('dial', await b.address(), 15_000);
      await a.call('hangup', b.id);
      await b.until('no connection', NOTICED_S, a.id, (all) => all.length === 0);
    });

    test('no console has anything against it', () => {
      assert.deepEqual([...a.complaints(), ...b.complaints()], []);
    });
  });
}

describe('a tab in Firefox and one in Chromium', {concurrency: false}, () => {
  const step = steps();
  /** @type {Tab[]} */ let tabs = [];
  before(async () => {
    const inFirefox = await openTab(firefoxes[0], 'Firefox', node.url);
    tabs = [inFirefox, await Tab.open('Chromium', node.url)];
    await Promise.all([inFirefox.page.press('Join'), tabs[1].page.click('#join')]);
  });
  after(() => tabs[1]?.close());

  step('connect directly', () => Promise.all(tabs.map((tab) => tab.until('is connected directly with the other', 120, (s) => s.connections.some((c) => c.kind === 'tab' && c.path === 'direct')))));

  step('ask each other over that, answer, and take corrections', async () => {
    await Promise.all(tabs.map((tab) => tab.until('has exchanged', 180, (s) => (s.exchanges.asked?.direct.tabs ?? 0) >= 3 && (s.exchanges.served?.direct.tabs ?? 0) >= 3 && s.heard.tab >= 3 && s.helped.applied > 0)));
    for (const tab of tabs) {
      const s = await tab.snapshot();
      assert.ok(s.steps.last.some((x) => x.answered.length > 0 && Number.isFinite(x.withPeers)), summary(s));
      assert.ok(Object.values(s.worth).some((w) => w.key !== s.identity?.key && w.mass > 0), summary(s));
    }
  });

  test('no console has anything against the page', () => {
    assert.deepEqual(tabs.flatMap((tab) => tab.errors), []);
  });
});
