// @ts-check
/**
 * STUN and TURN servers: as a person writes them, one a line, as the node names them, and as `RTCIceServer` wants them.
 * Pure. The rules are those of `crates/core/protocol/src/bootstrap/ice.rs`: what passes here passes there.
 */

const SERVERS = 8; // at most so many
const URLS = 4; // of one server
const URL_BYTES = 300;
const USERNAME_BYTES = 509; // RFC 8489, 14.3
const CREDENTIAL_BYTES = 512;

/** @typedef {{urls: string[], username?: string, credential?: string}} IceServer */

/** What is wrong with a URL; null where nothing is. @param {string} url */
function fault(url) {
  if (size(url) > URL_BYTES) return `it has more than ${URL_BYTES} bytes`;
  const [, scheme, rest] = /^(stuns?|turns?):(.*)$/s.exec(url) ?? [];
  if (!scheme) return 'it does not begin with stun:, stuns:, turn: or turns:';
  if (rest.startsWith('/')) return 'no // belongs after the scheme';
  const [place, query] = split(rest, '?');
  if (query != null && !(scheme.startsWith('turn') && /^transport=(udp|tcp)$/.test(query))) {
    return 'only ?transport=udp or ?transport=tcp may follow, and only for turn: and turns:';
  }
  const six = /^\[([^\]]*)\](.*)$/s.exec(place);
  const [host, port] = six ? [six[1], six[2]] : [/^[^:]*/.exec(place)?.[0] ?? '', place.replace(/^[^:]*/, '')];
  if (!(six ? isSix(host) : /^[\w.-]*[A-Za-z0-9][\w.-]*$/.test(host))) return 'its host is neither a name nor an address; one of IPv6 stands in [ ]';
  if (port && !(/^:\d+$/.test(port) && Number(port.slice(1)) >= 1 && Number(port.slice(1)) <= 65_535)) return 'its port is no number from 1 to 65535';
  return null;
}

/** What is wrong with a server; null where nothing is. @param {IceServer} server */
export function faultOf({urls, username, credential}) {
  if (urls.length === 0 || urls.length > URLS) return `a server with ${urls.length} URLs, 1 to ${URLS} are taken`;
  if (size(username) > USERNAME_BYTES) return `a username of more than ${USERNAME_BYTES} bytes`;
  if (size(credential) > CREDENTIAL_BYTES) return `a credential of more than ${CREDENTIAL_BYTES} bytes`;
  for (const url of urls) {
    const wrong = fault(url);
    if (wrong) return `${size(url) > URL_BYTES ? 'this' : `“${url}”`} is no STUN or TURN server: ${wrong}`;
    if (/^turns?:/.test(url) && !(username && credential)) return `${url} needs a username and a credential after it`;
  }
  return null;
}

/**
 * What a person wrote, one server a line; `line` of a fault counts from 0.
 * @param {string} text
 * @returns {{servers: IceServer[], lines: number[], fault: {line: number, text: string}|null}} `lines`: where each stands
 */
export function parse(text) {
  /** @type {IceServer[]} */
  const servers = [];
  const lines = [];
  for (const [line, words] of text.split('\n').map((l, i) => /** @type {const} */ ([i, l.trim().split(/\s+/)]))) {
    const [url, username, credential, ...more] = words;
    if (!url) continue;
    const server = {urls: [url], ...(username && {username}), ...(credential && {credential})};
    const wrong =
      more.length > 0
        ? 'more than an address, a username and a credential'
        : (faultOf(server) ?? (servers.length >= SERVERS ? `more than ${SERVERS} servers` : null));
    if (wrong) return {servers, lines, fault: {line, text: wrong}};
    servers.push(server);
    lines.push(line);
  }
  return {servers, lines, fault: null};
}

/** The same back, a line for each URL. @param {IceServer[]} servers */
export const written = (servers) => servers.flatMap((s) => s.urls.map((url) => [url, s.username, s.credential].filter((x) => x).join(' '))).join('\n');

/**
 * Servers from JSON of the node or of the storage: objects, or URLs alone. Throws what is wrong.
 * @param {unknown} json @returns {IceServer[]}
 */
export function read(json) {
  if (!Array.isArray(json)) throw new Error('not a list of servers');
  if (json.length > SERVERS) throw new Error(`more than ${SERVERS} servers`);
  return json.map((entry) => {
    const {urls, username, credential} = typeof entry === 'string' ? {urls: entry} : (entry ?? {});
    const texts = [urls].flat();
    if (![...texts, username ?? '', credential ?? ''].every((x) => typeof x === 'string')) throw new Error('a server that is none');
    const server = {urls: texts, ...(username && {username}), ...(credential && {credential})};
    const wrong = faultOf(server);
    if (wrong) throw new Error(wrong);
    return server;
  });
}

/** Whether two lists say the same. @param {IceServer[]|null} a @param {IceServer[]|null} b */
export const same = (a, b) => (a == null || b == null ? a === b : written(a) === written(b));

/** @param {string} host */
function isSix(host) {
  try {
    return /^[0-9a-f:.]+$/i.test(host) && new URL(`http://[${host}]/`).hostname.startsWith('[');
  } catch {
    return false;
  }
}

/** @param {string} text @param {string} at @returns {[string, string|null]} */
function split(text, at) {
  const i = text.indexOf(at);
  return i < 0 ? [text, null] : [text.slice(0, i), text.slice(i + 1)];
}

/** @param {string|undefined} text */
const size = (text) => new TextEncoder().encode(text ?? '').length;
