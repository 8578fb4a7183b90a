// @ts-check
/**
 * The settings: which STUN and TURN servers help this tab to connect directly. Those of the network are what the node
 * names; own ones are kept in this browser, for each chain, and taken in their place at the next join.
 */

import {attribute, each, fill, make, show, the, write} from './dom.js';
import {count} from './format.js';
import {parse, read, same, written} from './ice.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./ice.js').IceServer} IceServer */

/** What the node says of the network; null before it was asked. @type {{chain: string, servers: IceServer[]}|null} */
let network = null;
/** Own servers of that chain; null: the network's are taken. @type {IceServer[]|null} */
let own = null;
/** What this tab has joined with, as `own`; undefined before. @type {IceServer[]|null|undefined} */
let joined;
let running = false;
/** Whether what is kept was put into the field. */
let filled = false;
/** Own servers by chain where the browser keeps nothing. @type {Map<string, string>} */
const unkept = new Map();

/** @param {string} chain */
const place = (chain) => `peerage.${chain}.servers`;

/**
 * The node has said what it is; throws where its servers are none. Gives why own ones that were kept cannot be used, or null.
 * @param {{chain: string, iceServers?: unknown}} json
 */
function meet(json) {
  network = {chain: json.chain, servers: read(json.iceServers ?? [])};
  own = null;
  try {
    const kept = stored(json.chain);
    if (kept != null) own = read(JSON.parse(kept));
    return null;
  } catch (error) {
    return reason(error);
  }
}

/**
 * For a join: own servers, or undefined where the network's are to be taken.
 * @param {{chain: string, iceServers?: unknown}} json @param {(reason: string) => void} unusable
 * @returns {{from: 'own'|'network', own: IceServer[]|undefined, urls: string[]}}
 */
export function choose(json, unusable) {
  try {
    const why = meet(json);
    if (why) unusable(why);
  } catch {
    // The module refuses such a description, and says why.
  }
  joined = own;
  return {from: own ? 'own' : 'network', own: own ?? undefined, urls: (own ?? network?.servers ?? []).flatMap((s) => s.urls)};
}

/**
 * Makes the settings work.
 * @param {{ask: () => Promise<{json: any}>, draw: () => void, rejoin: () => void}} with_  `ask`: for the node's description
 */
export function start({ask, draw, rejoin}) {
  const details = /** @type {HTMLDetailsElement} */ (the('settings-details'));
  const lines = /** @type {HTMLTextAreaElement} */ (the('servers-own'));
  const open = (/** @type {Event} */ event) => {
    event.preventDefault(); // the browser would give the focus to the section
    details.open = true;
    details.querySelector('summary')?.focus();
  };
  for (const link of document.querySelectorAll('a[href="#settings"]')) link.addEventListener('click', open);
  details.addEventListener('toggle', async () => {
    if (!details.open) return;
    if (network == null) {
      fill('servers-said', 'Asking the node which servers it names.');
      try {
        const {json} = await ask();
        const why = meet(json);
        fill('servers-said', why ? `Own servers kept in this browser cannot be used (${why}).` : '');
      } catch (error) {
        fill('servers-said', `Which servers the network has is not known: ${reason(error)}. Close and open this to ask again.`);
      }
    }
    if (network && !filled) lines.value = written(own ?? []);
    filled ||= network != null;
    draw();
  });
  lines.addEventListener('input', () => wrong(''));
  the('servers-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const {servers, lines: at, fault} = parse(lines.value);
    if (fault) return point(lines, fault.line, fault.text);
    for (const [i, server] of servers.entries()) {
      const refused = refusal(server);
      if (refused) return point(lines, at[i], `this browser refuses it: ${refused}`);
    }
    take(servers);
    draw();
  });
  the('servers-network-use').addEventListener('click', () => {
    take(null);
    lines.value = '';
    draw();
  });
  the('servers-rejoin').addEventListener('click', rejoin);
}

/** @param {State} s */
export function drawSettings(s) {
  running = s.phase === 'joining' || s.phase === 'running' || s.phase === 'paused';
  const list = own ?? network?.servers;
  const what = list == null ? '' : `: ${list.length ? count(list.length, 'server') : 'no servers'}`;
  fill('settings-state', `${own ? 'my own' : 'the network’s'}${what}`);
  /** @type {HTMLFieldSetElement} */ (the('servers-fields')).disabled = network == null;
  /** @type {HTMLButtonElement} */ (the('servers-network-use')).disabled = own == null;
  const urls = (network?.servers ?? []).flatMap((server) => server.urls.map((url) => ({url, known: server.username})));
  each(
    the('servers-network'),
    urls.length ? urls : [{url: '', known: undefined}],
    ({url}) => url,
    () => make('li'),
    (item, {url, known}) => {
      if (url === '') return write(item, network ? 'none' : 'not asked yet');
      if (item.childElementCount === 0) item.append(make('code', '', url));
      attribute(item, 'title', known ? `asked as ${known}` : null);
    },
  );
  show(the('servers-rejoin'), running && joined !== undefined && !same(joined, own));
}

/** Own servers from now on; null: the network's. @param {IceServer[]|null} servers */
function take(servers) {
  if (network == null) return;
  wrong('');
  own = servers;
  const key = place(network.chain);
  let kept = 'Kept in this browser.';
  try {
    unkept.delete(key);
    if (servers) localStorage.setItem(key, JSON.stringify(servers));
    else localStorage.removeItem(key);
  } catch {
    if (servers) unkept.set(key, JSON.stringify(servers));
    kept = 'This browser keeps nothing, so that it is forgotten when the page is loaded again.';
  }
  const which = servers == null ? 'The network’s servers are used' : servers.length === 0 ? 'No servers are used' : `Your ${count(servers.length, 'server is', 'servers are')} used`;
  const next = running && !same(joined ?? null, own);
  const when = next ? ' when this tab joins the next time; until then it goes on as it is' : running ? ', as now' : ' when this tab joins';
  fill('servers-said', `${which}${when}. ${servers ? kept : ''}`.trim());
}

/** @param {string} chain */
function stored(chain) {
  const key = place(chain);
  try {
    return localStorage.getItem(key) ?? unkept.get(key);
  } catch {
    return unkept.get(key);
  }
}

/** Why this browser would not connect with `server`; null where it would. @param {IceServer} server */
function refusal(server) {
  if (typeof RTCPeerConnection !== 'function') return null;
  try {
    new RTCPeerConnection({iceServers: [server]}).close();
    return null;
  } catch (error) {
    return reason(error).replace(/^Failed to construct 'RTCPeerConnection': /, '');
  }
}

/** Shows what is wrong with a line, and the line. @param {HTMLTextAreaElement} lines @param {number} line @param {string} text */
function point(lines, line, text) {
  const before = lines.value.split('\n').slice(0, line).join('\n').length + (line > 0 ? 1 : 0);
  lines.focus();
  lines.setSelectionRange(before, before + (lines.value.split('\n')[line]?.length ?? 0));
  wrong(`Line ${line + 1}: ${text.replace(/[.\s]+$/, '')}.`);
}

/** @param {string} text */
function wrong(text) {
  fill('servers-fault', text);
  if (text) fill('servers-said', '');
  attribute(the('servers-own'), 'aria-invalid', text ? 'true' : null);
}

/** @param {unknown} error */
const reason = (error) => (error instanceof Error ? error.message : String(error));
