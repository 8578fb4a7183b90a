// @ts-check
/** What the state says to a person: the lines of the first minute, and messages. Changes the state it is given. */

/** @typedef {import('./types.js').State} State */

const MESSAGES = 12; // at most so many at a time

/** The first minute, in order. */
export const LINES = ['browser', 'identity', 'node', 'ledger', 'device', 'text', 'step', 'neighbour', 'registered', 'update'];

/** Where what is kept does not last: until what closes, and what to do. @type {Record<string, {until: string, instead: string}>} */
export const FLEETING = {
  window: {until: 'this private window', instead: 'Open this page in an ordinary window to keep them.'},
  tab: {until: 'this tab', instead: 'Allow cookies and site data for this address and load the page again to keep them.'},
};

/** An empty register by names that others give: none of them is something that every object has. @returns {Record<string, any>} */
export const register = () => Object.create(null);

/* Lines of the checklist. */

/** @param {State} s @param {string} id */
export const ended = (s, id) => ['done', 'note'].includes(s.lines[id].state);

/** @param {State} s @param {string} id @param {number} now */
export function begin(s, id, now) {
  const line = s.lines[id];
  if (line.state !== 'idle' && line.state !== 'failed') return;
  Object.assign(line, {state: 'waiting', started: line.started ?? now, ended: null, help: ''});
}

/** @param {State} s @param {string} id @param {string} text */
export function detail(s, id, text) {
  if (!ended(s, id)) s.lines[id].detail = text;
}

/** @param {State} s @param {string} id @param {number} now @param {string} text */
export function done(s, id, now, text) {
  Object.assign(s.lines[id], {state: 'done', started: s.lines[id].started ?? now, ended: now, detail: text, help: ''});
}

/** @param {State} s @param {string} id */
export function note(s, id) {
  s.lines[id].state = 'note';
}

/** @param {State} s @param {string} id @param {number} now @param {string} text @param {string} help */
export function fail(s, id, now, text, help) {
  Object.assign(s.lines[id], {state: 'failed', started: s.lines[id].started ?? now, ended: now, detail: text, help});
}

/* Messages. */

/**
 * @param {State} s @param {number} now @param {string} id @param {'info'|'warning'|'error'} tone @param {string} text
 * @param {{until?: number|null, retryAt?: number|null, action?: {id: string, label: string}|null, other?: {id: string, label: string}|null}} [more]
 */
export function tell(s, now, id, tone, text, {until = null, retryAt = null, action = null, other = null} = {}) {
  const next = {id, tone, text, since: now, until, retryAt, action, other};
  const at = s.messages.findIndex((m) => m.id === id);
  if (at >= 0) s.messages[at] = {...next, since: s.messages[at].since};
  else s.messages.push(next);
  while (s.messages.length > MESSAGES) {
    const drop = s.messages.findIndex((m) => m.tone === 'info');
    s.messages.splice(Math.max(drop, 0), 1);
  }
}

/** @param {State} s @param {string} id */
export function clear(s, id) {
  s.messages = s.messages.filter((m) => m.id !== id);
}

/* Words. */

/** A reason as a sentence of its own. @param {string} text */
export function sentence(text) {
  const t = clause(text);
  return t && t[0].toUpperCase() + t.slice(1);
}

/** A reason as the end of a sentence. @param {string} text */
export function clause(text) {
  const t = (text ?? '').trim();
  return !t || /[.!?]$/.test(t) ? t : `${t}.`;
}
