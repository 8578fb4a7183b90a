// Several tabs of one browser: one has its identity, the others watch it or are other peers.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {faults} from './support/accessible.mjs';
import {axe} from './support/axe.mjs';
import {playedVisits} from './support/visit.mjs';
import {until} from './support/wait.mjs';

const played = playedVisits();
const {visit} = played;

/** A tab that runs, and a second page of the same browser. @param {string} name @param {import('playwright-core').BrowserContextOptions} [options] */
async function two(name, options) {
  const v = await visit(name, options);
  await v.join();
  await v.minute();
  const second = await v.context.newPage();
  second.on('pageerror', (error) => v.errors.push(`second: ${error.stack}`));
  await second.goto(played.url);
  const text = () => second.locator('body').innerText();
  const shows = (/** @type {RegExp} */ what) => until(`the second tab shows ${what}`, 15, async () => what.test(await text()), text);
  return {v, second, shows};
}

describe('a second tab of one browser', () => {
  test('says at once that another runs, with both ways, and no more when it has stopped', async () => {
    const {v, second, shows} = await two('offer');
    await shows(/already runs in another tab of this browser.*Watch it here.*Join here as another peer/s);
    await v.page.click('#stop');
    await v.shows(/This tab has stopped/);
    await until('nothing is offered any more', 10, async () => !/already runs/.test(await second.locator('body').innerText()));
    await second.click('#join');
    await shows(/Proof of work/);
    await v.close();
  });

  test('watches: it shows the other’s figures as they come, and can change nothing', async () => {
    const {v, second, shows} = await two('watch', {bypassCSP: true});
    await second.getByRole('button', {name: 'Watch it here'}).click();
    await shows(/Watching: Training/);
    await shows(/all ten done/);
    await v.page.evaluate(() => /** @type {any} */ (window).peerage.tab.steps(20));
    await until('the steps are there', 10, async () => (await second.locator('#steps').innerText()) === '23', () => second.locator('#tab').innerText());
    await shows(/This tab only watches/);
    assert.equal(await second.locator('#controls').isVisible(), false);
    assert.equal(await second.evaluate(() => /** @type {any} */ (window).peerage.tab), null);
    assert.equal(await second.evaluate(() => [...document.querySelectorAll('main :is(button[type=submit], input, textarea, select)')].filter((e) => e.checkVisibility() && !e.closest('[inert], #settings')).length), 0);
    await second.evaluate(() => /** @type {any} */ (window).peerage.ask({type: 'subscribe'}));
    assert.deepEqual(await v.asked(), [], 'a wish of a script goes nowhere');
    assert.deepEqual([...(await axe(second)), ...(await faults(second))], []);
    await v.page.click('#pause');
    await shows(/Watching: Paused/);
    await v.close();
  });

  test('says that the tab it watched is gone, and joins in its place', async () => {
    const {v, second, shows} = await two('gone');
    await second.getByRole('button', {name: 'Watch it here'}).click();
    await shows(/all ten done/);
    await v.page.close();
    await shows(/The tab that ran here has stopped or was closed\. What is shown is the last that it told\./);
    await second.getByRole('button', {name: 'Join here', exact: true}).click();
    await shows(/Proof of work/);
    assert.equal(await second.evaluate(() => /** @type {any} */ (window).peerage.snapshot.watching), false);
    await v.context.close();
  });

  test('joins as another peer from watching, and is not what others watch', async () => {
    const {v, second, shows} = await two('another');
    await second.getByRole('button', {name: 'Watch it here'}).click();
    await shows(/Watching: Training/);
    await second.getByRole('button', {name: 'Join here as another peer'}).click();
    await shows(/Proof of work/);
    await second.evaluate(() => /** @type {any} */ (window).peerage.tab.steps(500));
    const third = await v.context.newPage();
    await third.goto(played.url);
    await third.getByRole('button', {name: 'Watch it here'}).click();
    await until('the third shows the first', 15, async () => (await third.locator('#steps').innerText()) === '3', () => third.locator('#tab').innerText());
    await third.waitForTimeout(2500); // the second is asked too, and keeps silent
    assert.equal(await third.locator('#steps').innerText(), '3');
    await v.close();
  });
});
