// The second visit: the page and the lab open from what the browser keeps, an update replaces it whole, and nothing that a node
// says is ever kept.

import assert from 'node:assert/strict';
import {cp, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {launch, open} from './support/browser.mjs';
import {POLICY, serve} from './support/files.mjs';
import {playedSite} from './support/site.mjs';
import {until} from './support/wait.mjs';

const SITE = process.env.PEERAGE_SITE ?? fileURLToPath(new URL('../../pkg/site', import.meta.url));
const FIRST = 'aaaa000011112222';
const SECOND = 'bbbb000011112222';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** A browser context that may have service workers. @param {string} name */
const allowed = (name) => open(browser, name, {serviceWorkers: 'allow'});

/** What is kept: for each cache the paths in it. @param {import('playwright-core').Page} page @returns {Promise<Record<string, string[]>>} */
const kept = (page) =>
  page.evaluate(async () => {
    const all = [];
    for (const name of await caches.keys()) all.push([name, (await (await caches.open(name)).keys()).map(({url}) => new URL(url).pathname).sort()]);
    return Object.fromEntries(all);
  });

/** @param {import('playwright-core').Page} page @param {string} name of the one cache there shall be */
const keeps = (page, name) =>
  until(`${name} is kept`, 30, async () => Object.keys(await kept(page)).join() === name && page.evaluate(() => navigator.serviceWorker.controller !== null), async () => JSON.stringify(await kept(page)));

describe('the page at the second visit', () => {
  /** @type {Awaited<ReturnType<typeof playedSite>>} */
  let served;
  before(async () => {
    served = await playedSite({version: FIRST});
  });
  after(() => served?.close());

  test('opens without its node, says so with a way back, and goes on when the node answers', async () => {
    const v = await allowed('offline');
    const text = () => v.page.locator('body').innerText();
    await v.page.goto(served.url);
    await keeps(v.page, `peerage / ${FIRST}`);
    assert.doesNotMatch(await text(), /not reached|newer/);
    served.site.down = true;
    await v.page.goto(`${served.url}index.html?again`);
    await until('the page says that the node is not reached', 20, async () => /The node that serves this page is not reached \(no connection to the server of this page\)\..*Next try in \d+ s\./s.test(await text()), text);
    assert.equal(await v.page.locator('#checklist li').count(), 10);
    assert.ok(await v.page.getByRole('button', {name: 'Load the page again'}).isVisible());
    assert.equal(await v.page.evaluate(() => getComputedStyle(document.querySelector('.join button') ?? document.body).display !== 'none' && document.styleSheets.length), 3);
    served.site.down = false;
    await v.page.evaluate(() => dispatchEvent(new Event('online')));
    await until('the sentence goes', 10, async () => !/not reached/.test(await text()), text);
    await v.page.getByRole('button', {name: 'Join', exact: true}).click();
    await until('it joins', 10, async () => /Proof of work/.test(await text()), text);
    assert.deepEqual(v.errors, []);
    await v.context.close();
  });

  test('keeps the files of the first load, the model’s once it is used, and nothing that the node says', async () => {
    const v = await allowed('kept');
    await v.page.goto(served.url);
    await keeps(v.page, `peerage / ${FIRST}`);
    const files = (await readdir(fileURLToPath(new URL('../../www', import.meta.url)))).filter((name) => /\.(js|css)$/.test(name) && name !== 'service-worker.js');
    const first = ['/', '/played.js', ...files.map((name) => `/www/${name}`)].sort();
    assert.deepEqual(await kept(v.page), {[`peerage / ${FIRST}`]: first});
    await v.page.reload();
    await v.page.getByRole('button', {name: 'Join', exact: true}).click();
    await until('it joins', 10, async () => /Proof of work/.test(await v.page.locator('body').innerText()));
    await v.page.evaluate(() => fetch('api/status'));
    await until('the later file is kept', 10, async () => Object.values(await kept(v.page))[0].includes('/audited.js'));
    assert.deepEqual(await kept(v.page), {[`peerage / ${FIRST}`]: [...first, '/audited.js'].sort()});
    await v.context.close();
  });

  test('does not wait for a node that takes its time', async () => {
    const v = await allowed('slow');
    await v.page.goto(served.url);
    await keeps(v.page, `peerage / ${FIRST}`);
    served.site.slow = 60_000;
    await v.page.goto(served.url, {timeout: 30_000});
    assert.ok(await v.page.getByRole('button', {name: 'Join', exact: true}).isVisible());
    served.site.slow = 0;
    await v.context.close();
  });

  test('takes another version whole, says so, and keeps nothing of the one before', async () => {
    const v = await allowed('update');
    const text = () => v.page.locator('body').innerText();
    await v.page.goto(served.url);
    await keeps(v.page, `peerage / ${FIRST}`);
    const other = await v.context.newPage();
    await other.goto(served.url);
    served.site.version = SECOND;
    await v.page.reload();
    assert.equal(await v.page.locator('meta[name="version"]').getAttribute('content'), SECOND);
    await until('the page says that it is newer', 10, async () => /This page is newer than at your last visit/.test(await text()), text);
    await keeps(v.page, `peerage / ${SECOND}`);
    await until('the page that stayed open says so', 10, async () => /A newer version of this page has come/.test(await other.locator('body').innerText()));
    assert.doesNotMatch(await text(), /has come/);
    await other.getByRole('button', {name: 'Load it now'}).click();
    await until('it is loaded', 10, async () => (await other.locator('meta[name="version"]').getAttribute('content')) === SECOND);
    served.site.down = true;
    await v.page.reload();
    await until('the newer version opens without its node', 20, async () => /not reached/.test(await text()), text);
    assert.equal(await v.page.locator('meta[name="version"]').getAttribute('content'), SECOND);
    Object.assign(served.site, {down: false, version: FIRST});
    await v.context.close();
  });

  test('leaves an address to another site, and keeps its files again when it is back', async () => {
    const v = await allowed('elsewhere');
    await v.page.goto(served.url);
    await keeps(v.page, `peerage / ${FIRST}`);
    served.site.version = '';
    await v.page.reload();
    assert.equal(await v.page.locator('meta[name="version"]').count(), 0);
    assert.deepEqual(await kept(v.page), {});
    served.site.version = FIRST;
    await v.page.reload();
    await keeps(v.page, `peerage / ${FIRST}`);
    await v.context.close();
  });
});

describe('the lab at the second visit', () => {
  /** @type {string} */
  let folder;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'peerage-offline-'));
    await cp(join(SITE, 'lab'), folder, {recursive: true});
  });
  after(() => rm(folder, {recursive: true, force: true}));

  /** The names that the build wrote. @returns {Promise<{version: string, documents: string[], first: string[], later: string[]}>} */
  const names = async () => JSON.parse(/^const KEPT = (.*);$/m.exec(await readFile(join(folder, 'service-worker.js'), 'utf8'))?.[1] ?? '{}');

  test('works wholly without a network, and takes another version whole', async () => {
    const {version, documents, first, later} = await names();
    assert.deepEqual(documents, ['bench.html', './'].sort((a, b) => first.indexOf(a) - first.indexOf(b)));
    assert.deepEqual(later, []);
    let site = await serve(folder, {under: '/lab/', headers: {'content-security-policy': POLICY}});
    const {port} = new URL(site.url);
    const v = await allowed('lab');
    const computes = () => until('a picture', 60, () => v.page.locator('peerage-lab').first().evaluate((e) => e.shadowRoot?.querySelector('.sheet svg') != null && e.shadowRoot.querySelectorAll('.formula').length > 0));
    await v.page.goto(site.url);
    await keeps(v.page, `peerage /lab/ ${version}`);
    assert.deepEqual((await kept(v.page))[`peerage /lab/ ${version}`].length, first.length);
    await site.close();
    await v.page.goto(`${site.url}bench.html#cabal-share?blocks=9`);
    await computes();
    await v.page.goto(site.url);
    await v.page.locator('peerage-lab').first().scrollIntoViewIfNeeded();
    await computes();

    for (const name of ['index.html', 'bench.html', 'service-worker.js']) {
      const file = join(folder, name);
      await writeFile(file, (await readFile(file, 'utf8')).replaceAll(version, SECOND));
    }
    site = await serve(folder, {under: '/lab/', port: Number(port), headers: {'content-security-policy': POLICY}});
    await v.page.reload();
    assert.equal(await v.page.locator('.newer').innerText(), 'This lab is newer than at your last visit.');
    await keeps(v.page, `peerage /lab/ ${SECOND}`);
    await computes();
    assert.deepEqual(v.errors, []);
    await v.context.close();
    await site.close();
  });
});
