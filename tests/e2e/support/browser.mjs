// Chromium processes of their own, without a word to anyone outside this machine.

import {existsSync} from 'node:fs';
import {chromium} from 'playwright-core';

const QUIET = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A tab that trains must not be slowed down because nobody looks at it.
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  // The page and everything it may reach is on this machine.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.*, EXCLUDE localhost, EXCLUDE *.local',
];

/** Where the browser is: $CHROME, or the usual places. */
export function executable() {
  const places = [process.env.CHROME, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = places.find((p) => p && existsSync(p));
  if (!found) throw new Error('No Chromium found: install it (Debian: apt-get install chromium) or name it in $CHROME.');
  return found;
}

/** A microphone that beeps, and a person who lets the page hear it. */
const MICROPHONE = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

/**
 * A browser process with a fresh profile.
 * @param {{webgpu?: boolean, microphone?: boolean, more?: string[]}} [options] `webgpu`: offer WebGPU, in software where there is no graphics
 * chip; `microphone`: one that needs no device; `more`: arguments
 */
export const launch = (options) => chromium.launch(settings(options));

/**
 * The same on a profile in `folder`, which outlives it. Who starts it ends it, also when this program is told to end.
 * @param {string} folder @param {Parameters<typeof launch>[0]} [options]
 */
export const launchKept = (folder, options) => chromium.launchPersistentContext(folder, {...settings(options), handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false});

/** @param {Parameters<typeof launch>[0]} [options] */
const settings = ({webgpu = false, microphone = false, more = []} = {}) => ({
  executablePath: executable(),
  headless: false, // playwright's own switch would choose the old mode
  args: [...QUIET, ...(webgpu ? ['--enable-unsafe-webgpu'] : []), ...(microphone ? MICROPHONE : []), ...more],
});

/** Console lines that come with a node that goes away, and with nothing else. */
const EXPECTED = [/WebSocket connection to .* failed/i, /ERR_CONNECTION_(REFUSED|RESET|CLOSED)/i, /ERR_EMPTY_RESPONSE/i, /ERR_INCOMPLETE_CHUNKED/i, /Failed to load resource.*(503|net::)/i, /favicon\.ico/];

/**
 * A page of `browser` and what its console says against it.
 * @param {import('playwright-core').Browser} browser @param {string} name
 * @param {import('playwright-core').BrowserContextOptions} [options] where they do not ask for service workers there are none, so that
 * nothing stands between a test and the files it serves
 */
export async function open(browser, name, options = {}) {
  const context = await browser.newContext({serviceWorkers: 'block', ...options});
  const page = await context.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on('crash', () => errors.push(`${name}: the page crashed`));
  hear(page, name, errors, EXPECTED);
  return {name, context, page, errors};
}

/**
 * Keeps what a page's console says against it, but for what is expected.
 * @param {import('playwright-core').Page} page @param {string} name @param {string[]} errors @param {RegExp[]} expected
 */
export function hear(page, name, errors, expected) {
  page.on('pageerror', (e) => errors.push(`${name}: uncaught ${e.stack ?? e}`));
  page.on('console', (m) => {
    const where = m.location().url ? ` (${m.location().url})` : '';
    const text = `${m.text()}${where}`;
    if (process.env.PEERAGE_E2E_CONSOLE) console.error(`[${name}] ${m.type()}: ${text}`);
    if (m.type() === 'error' && !expected.some((e) => e.test(text))) errors.push(`${name}: ${text}`);
  });
}
