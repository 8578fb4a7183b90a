// The built site as a node serves it: what a browser fetches and how much of it, how long it may keep it, and a
// Content-Security-Policy on every document that lets nothing else run.

import assert from 'node:assert/strict';
import {readdirSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join, relative} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {launch, open} from './support/browser.mjs';
import {Node} from './support/node.mjs';
import {sleep, until} from './support/wait.mjs';
import {budgets, bytes, weigh} from './support/weight.mjs';

const SITE = process.env.PEERAGE_SITE ?? fileURLToPath(new URL('../../pkg/site', import.meta.url));
const HASHED = /-[0-9a-f]{8,16}[._]/;
/** What keeps one name: documents, what is embedded by others, the light client as it is published, and the script that keeps the rest. */
const NAMED = /(\.html|\.d\.ts|\.map|icon\.svg|service-worker\.js|^lab\/(lab|engine)\.js|^market\/light\/.+)$/;

/** Every file of the site, as its address names it. */
const all = readdirSync(SITE, {recursive: true, withFileTypes: true})
  .filter((entry) => entry.isFile() && !entry.name.endsWith('.br'))
  .map((entry) => relative(SITE, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
const documents = all.filter((name) => name.endsWith('.html'));

describe('the site', () => {
  /** @type {Node} */
  let node;
  /** @type {import('playwright-core').Browser} */
  let browser;
  before(async () => {
    node = await Node.start({residents: 0});
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await node?.end('SIGTERM');
    await node?.remove();
  });

  test('is opened with what its document names, joined with the auditor and the trainer, and stays within its budgets', async () => {
    const {opened, joined, errors} = await weigh(browser, node.url);
    const html = await readFile(join(SITE, 'index.html'), 'utf8');
    const named = [...html.matchAll(/<(?:link|script) [^>]*(?:href|src)="(?:\.\/)?([^":]+)"/g)].map(([, name]) => name);
    // The links of the two workers only say where they are.
    const first = named.filter((name) => !/^peerage-(auditor|trainer)/.test(name));
    assert.deepEqual(opened.map(({name}) => name).sort(), ['index.html', ...first].sort());
    for (const {name} of joined) assert.match(name, /^(peerage-(auditor|trainer)-|www\/)/, 'nothing else is fetched to join');

    const limits = await budgets();
    const weights = {
      'first load': bytes(opened) + bytes(joined, /^peerage-auditor/),
      'scripts, styles and document': bytes(opened, /\.(html|js|css)$/) + bytes(joined, /^peerage-auditor.*\.js$/),
      trainer: bytes(joined, /^peerage-trainer/),
    };
    for (const [group, weight] of Object.entries(weights)) {
      assert.ok(weight > 10_000, `${group} was measured`);
      assert.ok(weight <= limits[group], `${group}: ${weight} bytes of ${limits[group]}`);
    }
    for (const {name, headers, bytes: size} of [...opened, ...joined]) if (size > 1024) assert.equal(headers['content-encoding'], 'br', name);
    assert.deepEqual(errors, []);
  });

  test('is kept for ever by names with a hash, and asked for again by others', async () => {
    assert.ok(all.length > 20, 'there is a site');
    for (const name of all) {
      const {headers, status} = await fetch(new URL(name, node.url), {method: 'HEAD'});
      assert.equal(status, 200, name);
      const kept = HASHED.test(name);
      assert.equal(headers.get('cache-control'), kept ? 'public, max-age=31536000, immutable' : 'no-cache', name);
      assert.ok(kept || NAMED.test(name), `${name} has a hash in its name or a reason to have none`);
    }
  });

  test('sends a policy with every document that allows scripts of its own files alone', async () => {
    assert.ok(documents.includes('index.html') && documents.includes('lab/index.html') && documents.includes('lab/bench.html'));
    for (const name of [...documents, '', 'lab/', 'no-such-page.html']) {
      const policy = (await fetch(new URL(name, node.url))).headers.get('content-security-policy') ?? '';
      const rules = Object.fromEntries(policy.split(';').map((rule) => rule.trim().split(/\s+/)).map(([rule, ...sources]) => [rule, sources]));
      assert.deepEqual(rules['default-src'], ["'none'"], name);
      assert.deepEqual(rules['script-src'], ["'self'", "'wasm-unsafe-eval'"], name);
      assert.deepEqual(rules['style-src'], ["'self'"], name);
      assert.deepEqual(rules['base-uri'], ["'none'"], name);
      assert.doesNotMatch(policy, /unsafe-inline|unsafe-hashes|'unsafe-eval'|strict-dynamic|\*/, name);
    }
  });

  for (const name of documents) {
    test(`${name} breaks no rule of its policy, and nothing that is put into it runs`, async () => {
      const {page, context, errors} = await open(browser, name);
      await page.addInitScript(() => {
        const broken = /** @type {string[]} */ ([]);
        Object.assign(globalThis, {broken});
        addEventListener('securitypolicyviolation', (event) => broken.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
      });
      const broken = () => page.evaluate(() => /** @type {any} */ (globalThis).broken);
      await page.goto(new URL(name, node.url).href);
      await page.waitForLoadState('networkidle');
      if (name === 'index.html') {
        await page.getByRole('button', {name: 'Join', exact: true}).click();
        await until('it learns', 300, () => page.evaluate(() => /** @type {any} */ (globalThis).peerage.snapshot.steps.count > 0));
        await sleep(1000);
      }
      assert.deepEqual(await broken(), [], 'the document itself');
      assert.deepEqual(errors, []);

      const ran = await page.evaluate(async () => {
        const did = /** @type {any} */ (globalThis);
        const script = document.createElement('script');
        script.textContent = 'globalThis.inline = true';
        document.body.append(script);
        const image = document.createElement('img');
        image.setAttribute('onerror', 'globalThis.handler = true');
        image.src = 'data:,';
        document.body.append(image);
        const data = document.createElement('script');
        data.src = 'data:text/javascript,globalThis.data = true';
        document.body.append(data);
        const blob = document.createElement('script');
        blob.src = URL.createObjectURL(new Blob(['globalThis.blob = true'], {type: 'text/javascript'}));
        document.body.append(blob);
        document.body.insertAdjacentHTML('beforeend', '<p id="styled" style="position: fixed">.</p>');
        // Only now: what a debugger calls itself is let off the rule on evaluation.
        await new Promise((resolve) => setTimeout(resolve, 500));
        let evaluated = true;
        try {
          (0, eval)('globalThis.evaluated = true');
        } catch {
          evaluated = false;
        }
        await new Promise((resolve) => setTimeout(resolve));
        const styled = getComputedStyle(/** @type {Element} */ (document.getElementById('styled'))).position;
        return {inline: 'inline' in did, handler: 'handler' in did, data: 'data' in did, blob: 'blob' in did, evaluated, styled};
      });
      assert.deepEqual(ran, {inline: false, handler: false, data: false, blob: false, evaluated: false, styled: 'static'});
      const said = (await broken()).join('\n');
      for (const what of [/script-src-elem inline/, /script-src-attr inline/, /script-src-elem data/, /script-src-elem blob/, /script-src eval/, /style-src-attr inline/]) assert.match(said, what);
      await context.close();
    });
  }

  test('opens without its node at the second visit, with every piece but the model', async () => {
    const {page, context, errors} = await open(browser, 'again', {serviceWorkers: 'allow'});
    await page.goto(node.url);
    await until('the files are kept', 60, () => page.evaluate(() => navigator.serviceWorker.controller !== null));
    const kept = await page.evaluate(async () => {
      const [name] = await caches.keys();
      return (await (await caches.open(name)).keys()).map(({url}) => new URL(url).pathname.slice(1) || 'index.html');
    });
    const wanted = all.filter((name) => !/\.(map|d\.ts)$|^lab\/|^peerage-trainer|^service-worker\.js$/.test(name) && (!name.includes('/') || name.startsWith('www/')));
    assert.deepEqual(kept.sort(), wanted.sort());
    await node.end('SIGKILL');
    await page.goto(node.url);
    await until('the page says that its node is not reached', 30, async () => /The node that serves this page is not reached/.test(await page.locator('body').innerText()));
    const panels = kept.find((name) => /^www\/joined-/.test(name));
    assert.equal(await page.evaluate(async (name) => typeof (await import(new URL(String(name), location.href).href)).startJoined, panels), 'function');
    assert.deepEqual(errors, []);
    await context.close();
  });
});
