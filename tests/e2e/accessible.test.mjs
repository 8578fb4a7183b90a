// The page for everybody: axe-core over every scene in light, dark and on a phone; the first minute by keyboard alone; nothing moves
// for those who want nothing to move.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {faults} from './support/accessible.mjs';
import {axe} from './support/axe.mjs';
import {launch} from './support/browser.mjs';
import {SCENES} from './support/scenes.mjs';
import {playedSite} from './support/site.mjs';
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

describe('the page for everybody', () => {
  for (const [name, wishes] of /** @type {[string, import('playwright-core').BrowserContextOptions][]} */ ([
    ['light', {colorScheme: 'light'}],
    ['dark', {colorScheme: 'dark'}],
    ['a phone', {viewport: {width: 390, height: 844}, hasTouch: true}],
  ])) {
    test(`is found free of faults in every scene: ${name}`, async () => {
      const v = await visit(name, {...wishes, bypassCSP: true});
      /** @type {string[]} */
      const found = [];
      for (const scene of SCENES) {
        await scene.play(v);
        for (const fault of [...(await axe(v.page)), ...(await faults(v.page))]) found.push(`${scene.name}: ${fault}`);
      }
      assert.deepEqual(found, []);
      await v.close();
    });
  }

  test('would be told of faults, were there any', async () => {
    const v = await visit('faulty', {bypassCSP: true});
    await v.page.evaluate(() => {
      document.getElementById('join')?.replaceChildren();
      document.getElementById('title')?.setAttribute('style', 'color: #eee');
    });
    const found = (await axe(v.page)).join('\n');
    assert.match(found, /button-name: #join/);
    assert.match(found, /color-contrast: #title/);
    await v.close();
  });

  test('goes through the first minute by keyboard alone, and shows where it is', async () => {
    const v = await visit('keyboard');
    const focused = () => v.page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent?.trim() || '');
    const reach = async (/** @type {string} */ name, back = false) => {
      for (let i = 0; i < 60; i += 1) {
        if ((await focused()) === name) return;
        await v.page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
        const seen = await v.page.evaluate(() => {
          const at = document.activeElement;
          if (!at || at === document.body) return true;
          const {outlineStyle, outlineWidth} = getComputedStyle(at);
          return at.matches('dialog') || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) ? true : at.outerHTML.slice(0, 80);
        });
        assert.equal(seen, true, 'what has the focus can be seen to have it');
      }
      assert.fail(`Tab does not reach ${name}`);
    };
    await reach('join');
    await reach('device');
    await v.page.keyboard.press('End'); // the last of the choices: the processor
    assert.equal(await v.page.inputValue('#device'), 'cpu');
    await reach('join', true);
    await v.page.keyboard.press('Enter');
    await v.shows(/Proof of work/);
    assert.equal(await focused(), 'minute', 'the focus goes to what happens next');
    await reach('Hold it');
    await v.page.keyboard.press('Space');
    await v.shows(/Go on with it/);
    await v.page.keyboard.press('Space');
    await v.minute();
    await v.page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement)?.blur());
    await reach('Skip to this tab’s figures');
    await v.page.keyboard.press('Enter');
    await until('the figures have the focus', 5, async () => (await focused()) === 'tab');
    await reach('pause', true);
    await v.page.keyboard.press('Enter');
    await v.shows(/Paused/);
    await reach('stop');
    await v.page.keyboard.press('Enter');
    await v.shows(/This tab has stopped/);
    await until('the focus is where one goes on', 5, async () => (await focused()) === 'join');
    await v.close();
  });

  test('says each step of the first minute to those who do not see it', async () => {
    const v = await visit('by ear');
    await v.page.evaluate(() => {
      Object.assign(window, {said: []});
      const region = document.getElementById('announce');
      new MutationObserver((all) => all.forEach((one) => one.addedNodes.forEach((node) => /** @type {any} */ (window).said.push(node.textContent)))).observe(/** @type {Node} */ (region), {childList: true});
    });
    await v.join();
    await v.minute();
    /** @type {string[]} */
    const said = await v.page.evaluate(() => /** @type {any} */ (window).said);
    for (const step of ['Identity', 'Node', 'Ledger verified', 'Device', 'Data', 'First training step', 'First neighbour', 'Registered', 'First signed update']) {
      assert.ok(said.some((words) => words.startsWith(`${step} done`)), `${step} in ${said.join(' | ')}`);
    }
    await v.close();
  });

  for (const [reducedMotion, wanted] of /** @type {['reduce'|'no-preference', boolean][]} */ ([['reduce', false], ['no-preference', true]])) {
    test(`${wanted ? 'moves the sign of what is waited for' : 'moves nothing for those who want nothing to move'}`, async () => {
      const v = await visit(reducedMotion, {reducedMotion});
      await v.join();
      const moving = await v.page.evaluate(() => document.getAnimations().map((one) => /** @type {any} */ (one).animationName ?? /** @type {any} */ (one).transitionProperty));
      assert.equal(moving.length > 0, wanted, moving.join());
      assert.equal(await v.page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior), 'auto');
      await v.close();
    });
  }
});
