// WebDriver as far as these tests need it: a Firefox of its own behind a geckodriver of its own, spoken to with `fetch`. A library
// (selenium-webdriver) would bring ten packages for the dozen commands that are here.

import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {homedir, tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';
import {until} from '../../e2e/support/wait.mjs';

const PATIENCE = Number(process.env.PEERAGE_E2E_PATIENCE ?? 1);
/** The name of an element in WebDriver's JSON. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** Not a word to anyone outside this machine, nothing asked of a person, and a tab nobody looks at runs as fast as one that is. */
const PREFS = {
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.proxy.no_proxies_on': 'localhost, 127.0.0.1',
  'app.update.disabledForTesting': true,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.server': '',
  'browser.shell.checkDefaultBrowser': false,
  'dom.min_background_timeout_value': 4,
  'dom.timeout.enable_budget_timer_throttling': false,
  'devtools.console.stdout.content': true,
  'browser.dom.window.dump.enabled': true,
  'browser.download.folderList': 2,
  'browser.download.always_ask_before_handling_new_types': false,
  'browser.download.alwaysOpenPanel': false,
};

/** What Firefox says of itself: parts of it that asked the outside in vain, files of its own, the icon of a page in a private window. */
const BROWSER = /^console\.error: (RSLoader|[A-Z]\w+):|^console\.error: \[Exception\.\.\. "Component is not available".*location: "<unknown>"|(resource|chrome|moz-extension|moz-src):\/\//;
/** What its console says when a node goes away, and nothing else. */
const EXPECTED = [/can.t establish a connection to the server at ws/i, /connection to ws.* was interrupted/i, /NetworkError/];

/** What a page that trains may say as its window closes, one time in five: a function of the module is called that was let go. Nothing is left to suffer. */
const CLOSING = /closure invoked recursively or after being dropped/;

/** @param {string} variable @param {string[]} names */
function find(variable, names) {
  const folders = [join(homedir(), '.cache/peerage/tools/bin'), ...(process.env.PATH ?? '').split(delimiter), '/usr/bin'];
  return [process.env[variable], ...folders.flatMap((folder) => names.map((name) => join(folder, name)))].find((file) => file && existsSync(file));
}

/** Drivers that still run, each with its Firefox in a group of its own; none outlives the tests. @type {Set<number>} */
const running = new Set();
process.on('exit', () => running.forEach(end));
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => process.exit(130));

/** @param {number} group */
function end(group) {
  running.delete(group);
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** A Firefox process with a fresh profile. */
export class Firefox {
  /** What its console has against the pages. @type {string[]} */ errors = [];
  /** Where files go that a page hands out. */ downloads = '';
  version = '';
  #driver = 0;
  #session = '';
  /** Commands one after the other: they are about the one window that was switched to. @type {Promise<unknown>} */ #last = Promise.resolve();
  #window = '';
  #shut = false;
  /** Those that are open; the first has no page yet. @type {string[]} */ #windows = [];

  /** @param {{prefs?: Record<string, unknown>, more?: string[]}} [options] `more`: arguments of Firefox, such as `-private` */
  static async launch({prefs = {}, more = []} = {}) {
    const firefox = new Firefox();
    try {
      await firefox.#start(prefs, more);
    } catch (error) {
      await firefox.close();
      throw error;
    }
    return firefox;
  }

  /** @param {Record<string, unknown>} prefs @param {string[]} more */
  async #start(prefs, more) {
    const [binary, driver] = [find('FIREFOX', ['firefox-esr', 'firefox']), find('GECKODRIVER', ['geckodriver'])];
    if (!binary || !driver) throw new Error('No Firefox with its driver found: `cargo xtask setup` gets them, or name them in $FIREFOX and $GECKODRIVER.');
    this.downloads = await mkdtemp(join(tmpdir(), 'peerage-firefox-'));
    const child = spawn(driver, ['--port', '0'], {stdio: ['ignore', 'pipe', 'pipe'], detached: true});
    this.#driver = child.pid ?? 0;
    running.add(this.#driver);
    let base = '';
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          base ||= /Listening on (\S+)/.exec(line)?.[1] ?? '';
          this.#hear(line);
        }
      });
    }
    const address = await until('geckodriver says where it listens', 20, () => base);
    this.#session = `http://${address}/session`;
    const options = {binary, args: ['-headless', ...more], prefs: {...PREFS, 'browser.download.dir': this.downloads, ...prefs}};
    const {sessionId, capabilities} = await this.#send('POST', '', {capabilities: {alwaysMatch: {'moz:firefoxOptions': options, timeouts: {script: 300_000 * PATIENCE, pageLoad: 60_000 * PATIENCE, implicit: 0}}}});
    this.#session += `/${sessionId}`;
    this.version = capabilities.browserVersion;
  }

  /** @param {string} line */
  #hear(line) {
    if (process.env.PEERAGE_E2E_CONSOLE && /^(console\.|JavaScript )/.test(line)) console.error(`[firefox] ${line}`);
    if (/^(console\.error|JavaScript error):/.test(line) && !BROWSER.test(line) && !EXPECTED.some((e) => e.test(line)) && !(this.#shut && CLOSING.test(line))) this.errors.push(line);
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async #send(method, path, body) {
    const answer = await fetch(this.#session + path, {method, headers: {'content-type': 'application/json'}, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(330_000 * PATIENCE)});
    const {value} = /** @type {any} */ (await answer.json());
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  /** One command in a window, after those before. @param {string} window @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  in(window, method, path, body) {
    const next = this.#last.then(async () => {
      if (this.#window !== window) await this.#send('POST', '/window', {handle: window});
      this.#window = window;
      return this.#send(method, path, body);
    });
    this.#last = next.catch(() => {});
    return next;
  }

  /** A window with nothing in it. */
  async page() {
    const [open] = this.#windows;
    const window = open ? (await this.in(open, 'POST', '/window/new', {type: 'tab'})).handle : (this.#window = await this.#send('GET', '/window'));
    this.#windows.push(window);
    return new Page(this, window);
  }

  /** @param {string} window of several */
  async shut(window) {
    this.#shut = true;
    await this.in(window, 'DELETE', '/window');
    this.#windows = this.#windows.filter((one) => one !== window);
    this.#window = '';
  }

  /** The content of a file that a page has handed out under this name. @param {string} name */
  async downloaded(name) {
    const file = join(this.downloads, name);
    // Firefox makes the file empty, fills another one, and moves that.
    await until(`${name} is downloaded`, 20, () => existsSync(file) && !existsSync(`${file}.part`) && readFile(file).then((bytes) => bytes.length > 0));
    return readFile(file);
  }

  async close() {
    if (this.#session.includes('/session/')) await this.#send('DELETE', '').catch(() => {});
    if (this.#driver) end(this.#driver);
    if (this.downloads) await rm(this.downloads, {recursive: true, force: true, maxRetries: 5, retryDelay: 200});
  }
}

/** A page in a window of Firefox, with as much of playwright's manner as the rest of the tests ask for. */
export class Page {
  /** @param {Firefox} firefox @param {string} window */
  constructor(firefox, window) {
    this.firefox = firefox;
    this.window = window;
  }

  /** @param {string} method @param {string} path @param {unknown} [body] */
  #send(method, path, body) {
    return this.firefox.in(this.window, method, path, body);
  }

  /** @param {string} url */
  goto(url) {
    return this.#send('POST', '/url', {url});
  }
  /** As the browser's button does; WebDriver's own command passes by what a service worker keeps. */
  async reload() {
    await this.evaluate(() => {
      Object.assign(window, {leftBehind: true});
      location.reload();
    });
    await until('the page has loaded again', 60, () => this.evaluate(() => !('leftBehind' in window) && document.readyState === 'complete'));
  }
  /** As with Shift held. */
  reloadWhole() {
    return this.#send('POST', '/refresh', {});
  }
  /** @returns {Promise<string>} */
  url() {
    return this.#send('GET', '/url');
  }
  close() {
    return this.firefox.shut(this.window);
  }

  /**
   * What a function gives in the page, as JSON can say it; a text is evaluated as it is.
   * @template A, R
   * @param {((given: A) => R)|string} what @param {A} [given] @returns {Promise<Awaited<R>>}
   */
  async evaluate(what, given) {
    if (typeof what === 'string') return this.#send('POST', '/execute/sync', {script: `${what}\n;return null;`, args: []});
    const script = `const done = arguments[1];
      Promise.resolve().then(() => (${what})(arguments[0])).then((value) => done({json: JSON.stringify(value)}), (error) => done({error: String(error) + '\\n' + (error?.stack ?? '')}));`;
    const {json, error} = await this.#send('POST', '/execute/async', {script, args: [given ?? null]});
    if (error !== undefined) throw new Error(error.trim());
    return json === undefined || json === null ? undefined : JSON.parse(json);
  }

  /** @param {() => unknown} probe @param {undefined} [_] @param {{timeout?: number}} [options] */
  async waitForFunction(probe, _, {timeout = 30_000} = {}) {
    await until(`${probe}`, timeout / 1000, () => this.evaluate(probe));
  }

  /** By CSS, or by a path where it begins with `//`. @param {string} selector @returns {Promise<string>} */
  async #element(selector) {
    return (await this.#send('POST', '/element', {using: selector.startsWith('//') ? 'xpath' : 'css selector', value: selector}))[ELEMENT];
  }
  /** @param {string} selector */
  async click(selector) {
    await this.#send('POST', `/element/${await this.#element(selector)}/click`, {});
  }
  /** @param {string} name */
  press(name) {
    return this.click(`//button[normalize-space()="${name}"]`);
  }
  /** @param {string} selector @param {string} value */
  async selectOption(selector, value) {
    await this.click(`${selector} option[value="${value}"]`);
  }
  /** Types into a field that is emptied before, or names files. @param {string} selector @param {string} text */
  async type(selector, text) {
    await this.#send('POST', `/element/${await this.#element(selector)}/value`, {text});
  }
  /** @param {string} selector @returns {Promise<string>} */
  async text(selector) {
    return this.#send('GET', `/element/${await this.#element(selector)}/text`);
  }
  /** As playwright's, for what is read only. @param {string} selector */
  locator(selector) {
    const innerText = () => this.text(selector);
    return {innerText, first: () => ({innerText})};
  }
  /** @param {string} file */
  async screenshot(file) {
    await writeFile(file, Buffer.from(await this.#send('GET', '/screenshot'), 'base64'));
  }
}
