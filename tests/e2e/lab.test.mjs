// The lab on a server of files: the numbers of `peerage lab` in a tab, links that restore, files, keyboard, other people's pages.

import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {axe} from './support/axe.mjs';
import {launch, open} from './support/browser.mjs';
import {POLICY, serve} from './support/files.mjs';
import {until} from './support/wait.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SITE = process.env.PEERAGE_SITE ?? join(ROOT, 'pkg/site');
const PROGRAM = process.env.PEERAGE_BIN ?? join(process.env.HOME ?? '', '.cache/peerage/target/debug/peerage');
const PATIENCE = Number(process.env.PEERAGE_E2E_PATIENCE ?? 1);

/** Two runs of each scenario beside its defaults, as their fragments say them. */
const RUNS = {
  'cabal-decay': ['mechanism=connectivity&share=0.51', 'mechanism=consensus&tau=0.3&blocks=40&temperature=4.5'],
  'cabal-share': ['blocks=7&points=23', 'temperature=1.25&tau=1'],
  simulation: ['blocks=40&seed=7', 'blocks=25&honest=9&cabal=11&density=0.3&share=0.4&seed=3'],
  'loose-stake': ['first=0.2&second=0.3', 'peers=3&rate=0.7&steps=200&beta=3'],
  adversaries: ['adversary=cabal&mechanism=competitive&seed=2', 'adversary=lazy-copier&worth=0&blocks=30&members=5&peers=17'],
  'adversary-table': ['blocks=10&seed=4', 'blocks=5&peers=12&members=1&share=0.3'],
  'stake-splitting': ['share=0.6&seed=9', 'peers=40&sources=3'],
  bonders: ['late=3&seed=1', 'peers=5&blocks=30&top=0.5&weight=1&tau=0.1'],
  'three-thirds': ['rho=2.5', 'steps=13&rho=0.001'],
  'trust-sources': ['peers=64&seed=5', 'peers=96&share=0.7&heads=3&weights=5&kappa=2&spread=1.5'],
  'direct-trust': ['peers=20&blocks=30&seed=6', 'weights=3&direct=0.25&peers=12&blocks=9'],
  emission: ['tau=2&seed=8', 'tau=0.003&tokens=1&peers=7&pool=3'],
  'market-game': ['law=independent&seeds=2&steps=40', 'law=diagonal&seeds=1&peers=6&steps=60&seed=11'],
  'market-play': ['ratio=0.3&steps=50&seed=1', 'peers=4&steps=20&temperature=1&law=diagonal'],
  'adaptive-inflation': ['blocks=300&seed=2', 'blocks=120&target=1&rise=0.05&peers=5'],
  'self-vote': ['steps=60&enough=3&seed=3', 'steps=20&peers=5&little=0&rate=0.2'],
  'zero-regret': ['states=3&directions=20&seed=4', 'states=2&directions=12&peers=5&ratio=1'],
  'score-forms': ['models=2&examples=50&seed=5', 'models=1&neighbours=4&examples=300&noise=2&common=1'],
  gating: ['steps=40&seed=3', 'neighbours=5&kinds=2&asked=1&noise=0.5&steps=60&balance=0.1'],
  distillation: ['steps=300&cut=0.3&seed=2', 'size=5&drift=1&noise=0&rate=0.5&steps=120'],
};

const run = promisify(execFile);
/** What the program prints. @param {string[]} options */
const prints = async (...options) => (await run(PROGRAM, ['lab', ...options], {maxBuffer: 1 << 27})).stdout;
/** A fragment's query as options of the program. @param {string} query */
const options = (query) => [...new URLSearchParams(query)].flatMap(([name, value]) => [`--${name}`, value]);

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let site;

before(async () => {
  assert.ok(existsSync(join(SITE, 'lab/index.html')), `there is no lab in ${SITE}: \`cargo xtask lab\` builds it`);
  // Below a path, as on a host that others share.
  site = await serve(SITE, {under: '/some/where/', headers: {'content-security-policy': POLICY}});
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/** A page of the lab, and everything that it asked for. @param {string} name @param {string} path @param {import('playwright-core').BrowserContextOptions} [wishes] */
async function visit(name, path, wishes = {}) {
  const seen = await open(browser, name, wishes);
  /** @type {string[]} */
  const outside = [];
  seen.page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site.url)) outside.push(request.url());
  });
  await seen.page.goto(`${site.url}lab/${path}`);
  const lab = seen.page.locator('peerage-lab').first();
  const quiet = () => until(`${name} has computed`, 60, () => lab.evaluate((e) => e.shadowRoot?.querySelector('.sheet svg') != null && !e.shadowRoot.querySelector('.pictures[aria-busy]') && e.shadowRoot.querySelectorAll('.formula').length > 0));
  /** Everything of the picture, the step's rule over it, and what stands beside it. */
  const picture = () => lab.evaluate((e) => [...(e.shadowRoot?.querySelectorAll('.sheet svg, .over, .read, .formula') ?? [])].map((part) => part.outerHTML).join('\n'));
  const close = async () => {
    assert.deepEqual(seen.errors, []);
    assert.deepEqual(outside, [], 'requests to others');
    await seen.context.close();
  };
  return {...seen, lab, quiet, picture, close};
}

describe('the lab', () => {
  test('gives the numbers, tables and figures of `peerage lab`, byte for byte', async () => {
    const v = await visit('numbers', 'bench.html');
    await v.quiet();
    const list = JSON.parse(await prints('list', '--json'));
    assert.deepEqual(list.map((/** @type {any} */ one) => one.name).sort(), Object.keys(RUNS).sort());
    const known = await v.page.evaluate(async () => (await import(new URL('engine.js', location.href).href)).scenarios());
    const given = known.map((/** @type {any} */ {settings, ...scenario}) => ({...scenario, settings: settings.map((/** @type {any} */ one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== null)))}));
    assert.deepEqual(given, list);
    for (const [scenario, runs] of Object.entries(RUNS)) {
      for (const query of ['', ...runs]) {
        const got = await v.page.evaluate(
          async ([scenario, query]) => {
            const {engine} = await import(new URL('engine.js', location.href).href);
            const {seed = '0', ...settings} = Object.fromEntries(new URLSearchParams(query));
            const recipe = {scenario, seed, settings};
            return Promise.all(['json', 'csv', 'svg'].map((kind) => engine.ask({kind, recipe})));
          },
          [scenario, query],
        );
        const expected = await Promise.all([['--json'], ['--csv'], ['--svg', '-']].map((output) => prints(scenario, ...options(query), ...output)));
        for (const [place, kind] of ['json', 'csv', 'svg'].entries()) assert.equal(got[place], expected[place], `${kind} of ${scenario} ${query}`);
      }
    }
    await v.close();
  });

  test('opens every scenario with a picture, steps and formulas', async () => {
    const v = await visit('every scenario', 'bench.html');
    await v.quiet();
    const names = await v.page.locator('#list a').evaluateAll((all) => all.map((a) => /** @type {HTMLElement} */ (a).dataset.name ?? ''));
    assert.equal(names.length, 20);
    for (const name of names) {
      await v.page.locator(`#list a[data-name="${name}"]`).click();
      await until(`${name} is shown`, 60, () => v.lab.evaluate((e, name) => /** @type {any} */ (e).state.scenario === name && !e.shadowRoot?.querySelector('.pictures[aria-busy]'), name));
      await v.quiet();
      assert.equal(await v.lab.locator('.faults p').count(), 0, await v.lab.locator('.faults').innerText());
      assert.ok((await v.lab.locator('.sheet svg').count()) > 0 && (await v.lab.locator('.over .rule').count()) > 0, name);
      assert.ok((await v.lab.locator('.formula math').count()) > 1, name);
      assert.match(v.page.url(), new RegExp(`#${name}$`));
    }
    await v.close();
  });

  test('says the link that restores exactly this picture', async () => {
    const v = await visit('here', 'bench.html#adversaries?blocks=60&seed=5');
    await v.quiet();
    const before = await v.picture();
    await v.lab.getByLabel('mechanism').selectOption('consensus');
    await v.lab.getByLabel(/^share the adversary/).and(v.page.locator('[type=number]')).fill('0.25');
    for (let i = 0; i < 17; i++) await v.lab.getByRole('button', {name: 'Step forward'}).click();
    await v.lab.getByRole('button', {name: 'Another draw'}).click();
    const state = {scenario: 'adversaries', seed: '6', step: 17, settings: {blocks: '60', mechanism: 'consensus', share: '0.25'}};
    assert.deepEqual(await v.lab.evaluate((e) => /** @type {any} */ (e).state), state);
    await v.quiet();
    const [picture, link] = [await v.picture(), await v.lab.evaluate((e) => /** @type {any} */ (e).link)];
    assert.notEqual(picture, before);
    assert.equal(link, v.page.url());
    const other = await visit('there', link.replace(`${site.url}lab/`, ''));
    await other.quiet();
    await until('the same picture', 30, async () => (await other.picture()) === picture, other.picture);
    assert.deepEqual(await other.lab.evaluate((e) => /** @type {any} */ (e).state), state);
    await other.close();
    await v.close();
  });

  test('says what is wrong with a link and shows the defaults', async () => {
    const v = await visit('bad links', 'bench.html#cabal-decay?share=7&colour=red&step=x&tau=0.2');
    await v.quiet();
    const faults = await v.lab.locator('.faults').innerText();
    assert.match(faults, /share is “7”, but must be a number from 0 to 1; it has its default, 0\.49\./);
    assert.match(faults, /has no setting “colour”; it was left out/);
    assert.match(faults, /step is “x”, but must be a whole number; it is 0\./);
    assert.deepEqual(await v.lab.evaluate((e) => /** @type {any} */ (e).state), {scenario: 'cabal-decay', seed: '0', step: 0, settings: {tau: '0.2'}});
    await v.page.goto(`${site.url}lab/bench.html#nothing?share=0.3`);
    await until('another sentence', 10, async () => /There is no scenario “nothing”/.test(await v.lab.locator('.faults').innerText()));
    await v.page.goto(`${site.url}lab/bench.html#loose-stake?first=0.9&second=0.9`);
    await until('what the scenario says', 10, async () => /first \+ second is 1\.8, but must be at most 1\./.test(await v.lab.locator('.faults').innerText()));
    await v.close();
  });

  test('changes its numbers with a slider, a field and the reset', async () => {
    const v = await visit('sliders', 'bench.html#cabal-decay');
    await v.quiet();
    const end = () => v.lab.locator('.facts dd').first().textContent();
    const first = await end();
    const slider = v.lab.getByRole('slider', {name: /^share/});
    await slider.fill('230');
    await until('the slider moved it', 20, async () => (await end()) !== first);
    const value = await v.lab.locator('#set-share').inputValue();
    const printed = JSON.parse(await prints('cabal-decay', '--share', value, '--json'));
    assert.equal(await v.lab.evaluate((e) => /** @type {any} */ (e).state.settings.share), value);
    await until('as the program says', 20, async () => Math.abs(Number(await end()) - printed.facts[0].value) < 1e-3 * printed.facts[0].value, async () => `${await end()} ${printed.facts[0].value}`);
    await v.lab.locator('#set-share').fill('2');
    assert.match(await v.lab.locator('#fault-share').innerText(), /Share must be a number from 0 to 1\./);
    assert.equal(await v.lab.evaluate((e) => /** @type {any} */ (e).state.settings.share), value);
    await v.lab.getByRole('button', {name: 'Back to the defaults'}).click();
    await until('the defaults again', 20, async () => (await end()) === first);
    await v.close();
  });

  test('can be used with the keyboard alone', async () => {
    const v = await visit('keyboard', 'bench.html#cabal-decay');
    await v.quiet();
    const focused = () => v.lab.evaluate(({shadowRoot}) => shadowRoot?.activeElement?.getAttribute('aria-label') || shadowRoot?.activeElement?.id || shadowRoot?.activeElement?.textContent || '');
    const reach = async (/** @type {string} */ name) => {
      for (let i = 0; i < 80; i++) {
        if ((await focused()) === name) return;
        await v.page.keyboard.press('Tab');
      }
      assert.fail(`Tab does not reach ${name}`);
    };
    await reach('Step forward');
    await v.page.keyboard.press('Enter');
    await v.page.keyboard.press('Enter');
    await reach('Step');
    await v.page.keyboard.press('ArrowRight');
    assert.equal(await v.lab.evaluate((e) => /** @type {any} */ (e).state.step), 3);
    await reach('set-share');
    await v.page.keyboard.press('Control+A');
    await v.page.keyboard.type('0.3');
    assert.match(v.page.url(), /#cabal-decay\?share=0\.3&step=3$/);
    await v.page.keyboard.press('Shift+Tab');
    await v.page.keyboard.press('ArrowRight');
    assert.notEqual(await v.lab.locator('#set-share').inputValue(), '0.3');
    await reach('Save, link, or run in a terminal');
    await v.page.keyboard.press('Enter');
    await reach('Link to exactly this');
    await v.close();
  });

  test('saves what the program prints, and the picture as PNG', async () => {
    const v = await visit('files', 'bench.html#bonders?blocks=50&seed=3');
    await v.quiet();
    await v.lab.getByText('Save, link, or run in a terminal').click();
    assert.equal(await v.lab.locator('code').innerText(), 'peerage lab bonders --blocks 50 --seed 3');
    const saved = async (/** @type {string} */ name) => {
      const [download] = await Promise.all([v.page.waitForEvent('download'), v.lab.getByRole('button', {name, exact: true}).click()]);
      assert.equal(download.suggestedFilename(), `bonders.${name.toLowerCase()}`);
      return readFile(await download.path());
    };
    const of = (/** @type {string[]} */ ...output) => prints('bonders', '--blocks', '50', '--seed', '3', ...output);
    assert.equal(String(await saved('CSV')), await of('--csv'));
    assert.equal(String(await saved('JSON')), await of('--json'));
    const svg = String(await saved('SVG'));
    assert.equal(svg, await of('--svg', '-'));
    const png = await saved('PNG');
    assert.equal(png.subarray(1, 4).toString(), 'PNG');
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [2 * Number(width), 2 * Number(height)]);
    assert.ok(png.length > 10_000, 'something is drawn');
    await v.close();
  });

  test('goes on when a long run is stopped or replaced', async () => {
    const v = await visit('long', 'bench.html#simulation?blocks=5000&honest=120&cabal=120');
    await v.lab.getByRole('button', {name: 'Stop'}).click({timeout: 30_000 * PATIENCE});
    assert.match(await v.lab.locator('.faults').innerText(), /Stopped\. Smaller settings take less time\./);
    await v.lab.locator('#set-blocks').fill('10');
    await v.quiet();
    await v.close();
  });

  test('teaches fourteen chapters, each with a picture that computes', async () => {
    const v = await visit('lessons', '');
    const chapters = v.page.locator('.chapter');
    assert.equal(await chapters.count(), 14);
    for (let i = 0; i < 14; i++) {
      const lab = chapters.nth(i).locator('peerage-lab');
      await lab.scrollIntoViewIfNeeded();
      await until(`chapter ${i + 1} has a picture`, 60, () => lab.evaluate((e) => e.shadowRoot?.querySelector('.sheet svg') != null));
      assert.equal(await lab.locator('.faults p').count(), 0);
      const shown = (await lab.getAttribute('show'))?.split(' ').length ?? 0;
      assert.ok((await lab.locator('.set > .controls:first-child > .control').count()) >= shown, `chapter ${i + 1} shows its settings`);
    }
    for (const button of await v.page.locator('.try button').all()) {
      const lab = button.locator('xpath=ancestor::section').locator('peerage-lab');
      await button.click();
      const wanted = new URLSearchParams((await button.getAttribute('data-settings')) ?? '');
      const {step = '0', ...rest} = Object.fromEntries(wanted);
      await until(`step ${step}`, 20, async () => (await lab.evaluate((e) => /** @type {any} */ (e).state.step)) === Number(step));
      for (const [name, value] of Object.entries(rest)) assert.equal(await lab.locator(`#set-${name}`).inputValue(), value, await button.innerText());
      assert.equal(await lab.locator('.faults p').count(), 0, await button.innerText());
    }
    for (const link of await v.page.locator('main a').evaluateAll((all) => all.map((a) => a.getAttribute('href') ?? ''))) {
      if (link.startsWith('#')) assert.equal(await v.page.locator(link).count(), 1, link);
    }
    await v.close();
  });

  for (const [name, wishes] of /** @type {[string, import('playwright-core').BrowserContextOptions][]} */ ([
    ['light', {colorScheme: 'light'}],
    ['dark', {colorScheme: 'dark', reducedMotion: 'reduce'}],
    ['a phone', {viewport: {width: 390, height: 844}, hasTouch: true}],
  ])) {
    test(`is found free of faults by axe-core: ${name}`, async () => {
      for (const path of ['bench.html#loose-stake?step=2', 'bench.html#market-play?steps=20&peers=5', '']) {
        const v = await visit(`axe ${path}`, path, {...wishes, bypassCSP: true}); // axe sets styles of its own
        await v.lab.scrollIntoViewIfNeeded();
        await v.quiet();
        await v.lab.evaluate((e) => e.shadowRoot?.querySelectorAll('details').forEach((one) => (one.open = true)));
        assert.deepEqual(await axe(v.page), [], path);
        const wide = await v.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(wide, 0, `${path} scrolls sideways`);
        assert.equal(await v.lab.locator('.play').isVisible(), wishes.reducedMotion !== 'reduce');
        await v.close();
      }
    });
  }

  test('stands on other people’s pages with one script tag, with a worker or without', async () => {
    const own = await serve(SITE, {headers: {'access-control-allow-origin': '*'}});
    const page = `<!doctype html><title>Mine</title><style>p, svg { display: none } * { color: red }</style><script type="module" src="${own.url}lab/lab.js"></script><peerage-lab scenario="cabal-share" settings="blocks=9&amp;step=30" show="blocks"></peerage-lab>`;
    const strict = `default-src 'none'; script-src ${own.url} 'wasm-unsafe-eval'; style-src 'unsafe-inline' ${own.url}; connect-src ${own.url}`;
    for (const [name, headers] of /** @type {[string, Record<string, string>][]} */ ([['open', {}], ['strict', {'content-security-policy': strict}]])) {
      const host = await serve(SITE, {under: '/none/', headers, pages: {'/page': page}});
      const seen = await open(browser, name);
      await seen.page.goto(host.url.replace('none/', 'page'));
      const lab = seen.page.locator('peerage-lab');
      await until('a picture', 30, () => lab.evaluate((e) => e.shadowRoot?.querySelector('.over .rule') != null && e.shadowRoot.querySelectorAll('.formula').length > 0));
      assert.ok(await lab.locator('.sheet svg').isVisible());
      assert.equal(await lab.evaluate((e) => /** @type {any} */ (e).link), `${own.url}lab/bench.html#cabal-share?blocks=9&step=30`);
      await lab.evaluate((e) => e.setAttribute('settings', 'blocks=3'));
      await until('its attributes are followed', 10, () => lab.evaluate((e) => /** @type {any} */ (e).state.settings.blocks === '3'));
      if (name === 'open') assert.deepEqual(seen.errors, []);
      await seen.context.close();
      await host.close();
    }
    await own.close();
  });

  test('is linked by the page and costs its first load nothing', async () => {
    const seen = await open(browser, 'first load');
    /** @type {string[]} */
    const asked = [];
    seen.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await seen.page.goto(site.url, {waitUntil: 'load'});
    await seen.page.locator('a[href="lab/"]').first().waitFor({state: 'attached'});
    assert.ok(asked.length > 1 && asked.every((path) => !path.includes('/lab/')), asked.join(' '));
    await seen.context.close();
  });
});
