// What Firefox does not give as a person has set it or for lack of a device, and what the page says then: a private window, cookies and
// site data blocked, no WebRTC, no adapter, no loudspeakers, no WebAssembly. Where the page can run it does.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {Node} from '../e2e/support/node.mjs';
import {until} from '../e2e/support/wait.mjs';
import {openTab} from './support/tab.mjs';
import {Firefox} from './support/webdriver.mjs';

/** @type {Node} */ let node;
before(async () => {
  node = await Node.start({residents: 1});
});
after(() => node?.remove());

/**
 * The page in a Firefox with these settings; what its console says against it fails the test.
 * @param {string} name @param {Record<string, unknown>} prefs @param {(tab: Awaited<ReturnType<typeof openTab>>, says: (id: string, what: RegExp) => Promise<unknown>) => Promise<void>} body
 */
const refused = (name, prefs, body) =>
  test(name, async () => {
    const firefox = await Firefox.launch({prefs});
    try {
      const tab = await openTab(firefox, name, node.url);
      /** Whether a line of the checklist, or the messages, say it. @param {string} id @param {RegExp} what */
      const says = (id, what) => {
        const text = () => tab.page.evaluate((id) => document.querySelector(id === 'messages' ? '#messages' : `[data-line="${id}"]`)?.textContent ?? '', id);
        return until(`${id} says ${what}`, 60, async () => what.test(await text()), text);
      };
      await body(tab, says);
      assert.deepEqual(firefox.errors, []);
    } finally {
      await firefox.close();
    }
  });

/** It takes part all the same. @param {Awaited<ReturnType<typeof openTab>>} tab */
const takesPart = async (tab) => {
  await tab.page.press('Join');
  await tab.until('trains with the resident and is registered', 90, (s) => s.heard.resident > 0 && s.own?.uid != null);
};

describe('Firefox as a person has set it', {concurrency: false}, () => {
  refused('a private window: nothing outlasts it, and the page says so', {'browser.privatebrowsing.autostart': true}, async (tab, says) => {
    await says('browser', /but nothing is kept when this private window closes\..*Open this page in an ordinary window to keep them\./s);
    await takesPart(tab);
    await says('identity', /New key, kept until this private window closes/);
    await says('messages', /The model is not kept: private windows of this browser keep no files\./);
    await says('messages', /cold key owns its stake and is gone when this private window closes\. Save a copy of it before, or the stake is lost\./);
    assert.equal((await tab.snapshot()).kept?.place ?? 'memory', 'memory');
  });

  refused('cookies and site data blocked: the key is for this tab alone, and the page says how to keep it', {'network.cookie.cookieBehavior': 2}, async (tab, says) => {
    await says('browser', /but nothing is kept when this tab closes\..*Allow cookies and site data for this address and load the page again/s);
    await takesPart(tab);
    await says('identity', /Key ready, for this tab alone/);
  });

  const bare = {
    'media.peerconnection.enabled': false,
    'dom.webgpu.enabled': true,
    'dom.webgpu.workers.enabled': true,
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
  };
  refused('no WebRTC, WebGPU without an adapter, nothing to play sound on: it takes part, and says what is not', bare, async (tab, says) => {
    await says('browser', /WebRTC no/);
    await says('messages', /This browser has no WebRTC\. Nothing to do: other tabs are reached through the node/);
    await takesPart(tab);
    const adapter = await tab.page.evaluate(async () => (await /** @type {any} */ (navigator).gpu.requestAdapter()) !== null);
    if (!adapter) await says('device', /Processor \(CPU\).*This browser offers no WebGPU adapter\./s);
    await tab.page.click('input[value=microphone]');
    await tab.page.click('#record');
    // Where there is something to play sound on, it is heard.
    await until('the sentence', 30, async () => /No sound comes from the browser\. Firefox needs something to play sound on/.test(await tab.text('#source-fault')) || /s recorded/.test(await tab.text('#heard')), () => tab.text('#learning'));
  });

  refused('no WebAssembly: the page cannot run, and says what to open it in', {'javascript.options.wasm': false}, async (tab, says) => {
    await says('browser', /This browser lacks WebAssembly\..*Open this page in a current Chrome, Edge, Firefox or Safari\./s);
    await tab.page.evaluate(() => document.getElementById('join')?.click());
    assert.equal((await tab.snapshot()).phase, 'ready');
  });
});
