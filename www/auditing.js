// @ts-check
/**
 * The part of the state that tells of the ledger: heads, audits, the own standing, what is signed, who answers and what is
 * kept. Folded like the rest (state.js): pure but for the object it changes, every list with a bound.
 */

import {count, duration, signed, whole} from './format.js';
import {begin, clause, clear, detail, done, ended, fail, FLEETING, register, sentence, tell} from './lines.js';
import {name} from './measures.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').PeerageEvent} PeerageEvent */

const HEADS = 900; // verified heads kept: fifteen minutes of one-second blocks
const AUDITS = 64; // newest outcomes kept
const TRANSACTIONS = 64;
const ASKED = 16; // wishes that are not signed yet
const DROPPED = 32; // sources that lied
const DAMAGED = 8;
const ASKERS = 512; // peers that value this tab, those that value it most
const ANSWER_MS = 5_000; // so long a reason against signing is taken as the answer to a wish
const PATIENCE_MS = 60_000; // after this a wish of which nothing came is said to be lost

/** What a shelf of the store holds, in words. @type {Record<string, string>} */
export const SHELVES = {
  links: 'who validated each epoch',
  head: 'the newest block',
  epoch: 'the tables of the last epoch',
  own: 'this tab’s own transactions',
};

/** How the part begins. */
export const unaudited = () => ({
  head: null,
  heads: /** @type {[number, string][]} */ ([]),
  audit: {last: null, wrong: null, sound: 0, history: []},
  neurons: register(),
  keys: register(),
  askers: /** @type {Record<string, number>} */ ({}),
  own: null,
  proposal: null,
  policy: {type: /** @type {'scores'} */ ('scores')},
  work: null,
  asked: [],
  transactions: [],
  dropped: [],
  kept: null,
  restored: null,
  damaged: [],
  reminded: false,
});

/** @type {Record<string, (s: State, e: PeerageEvent, now: number) => void>} */
export const auditing = {
  'page:policy'(s, {policy}) {
    s.policy = policy;
  },

  'page:asked'(s, {id, intent, signer, words}, now) {
    s.asked.push({id, intent, signer, words, at: now, reason: null});
    if (s.asked.length > ASKED) s.asked.shift();
  },

  'page:unasked'(s, {id, reason}) {
    const asked = s.asked.find((a) => a.id === id);
    if (asked) asked.reason = reason;
  },

  head(s, e, now) {
    const newer = s.head == null || e.height >= s.head.height;
    if (newer) s.head = {...e, at: now};
    s.heads.push([e.height, e.digest]);
    if (s.heads.length > HEADS) s.heads.splice(0, s.heads.length - HEADS);
    clear(s, 'stalled');
    clear(s, 'stale');
    if (!ended(s, 'ledger')) {
      const again = s.restored?.epochs ? ` ${count(s.restored.epochs, 'epoch')} before it verified again from this device.` : '';
      done(s, 'ledger', now, `Block ${whole(e.height)} checked: signed by ${e.signers} of ${count(e.validators, 'validator')}.${again}`);
      begin(s, 'registered', now);
      detail(s, 'registered', 'Reading the list of peers.');
    }
  },

  audit(s, {epoch, height, outcome, millis, bytes}, now) {
    const entry = {epoch, height, outcome, millis: millis ?? null, bytes: bytes ?? null, at: now};
    s.audit.history.push(entry);
    if (s.audit.history.length > AUDITS) s.audit.history.shift();
    s.audit.last = entry;
    if (outcome.type === 'sound') s.audit.sound += 1;
    if (outcome.type === 'wrong') {
      s.audit.wrong ??= entry;
      clear(s, 'alarm'); // the same, in fewer words
    }
  },

  own(s, e, now) {
    s.own = e;
    if (e.uid == null) return;
    if (!ended(s, 'registered')) {
      begin(s, 'registered', now);
      const again = s.work == null ? 'Still registered from an earlier visit' : 'Registered';
      done(s, 'registered', now, `${again} as peer ${e.uid}, one of ${whole(e.peers)}.`);
    }
    if (!ended(s, 'update')) {
      begin(s, 'update', now);
      if (!s.lines.update.detail) detail(s, 'update', 'Waiting for the first scores of neighbours, and for the ledger to allow a change.');
    }
    if (s.identity?.cold && !s.identity.backedUp && !s.reminded) {
      s.reminded = true;
      const fleeting = FLEETING[s.browser?.keeps ?? ''];
      const [tone, text] = fleeting
        ? /** @type {const} */ (['warning', `This tab’s cold key owns its stake and is gone when ${fleeting.until} closes. Save a copy of it before, or the stake is lost.`])
        : /** @type {const} */ (['info', 'This tab’s cold key owns its stake and is in this browser alone. Save a copy of it when you have a moment; until then the stake is lost if the browser’s data is cleared.']);
      tell(s, now, 'backup', tone, text, {action: {id: 'backup', label: 'Show the keys'}});
    }
  },

  askers(s, {askers}) {
    s.askers = Object.fromEntries([...askers].sort((a, b) => b[1] - a[1]).slice(0, ASKERS));
  },

  proposal(s, e, now) {
    s.proposal = {...e, at: now};
  },

  neurons(s, {neurons}) {
    s.neurons = register();
    s.keys = register();
    for (const [uid, key, stake] of neurons) {
      s.neurons[key] = {uid, stake};
      s.keys[uid] = key;
    }
  },

  working(s, {tried, expected, rate, paused}, now) {
    s.work = {tried, expected, rate, paused: paused === true};
    begin(s, 'registered', now);
    const tries = `Proof of work: ${whole(tried)} tries so far, ${whole(expected)} needed on average`;
    const usual = rate > 0 ? ` On average this takes ${duration((expected / rate) * 1000)}; it is a matter of luck.` : '';
    detail(s, 'registered', paused ? `${tries}. Held: this tab verifies the ledger meanwhile, but has no place on it.` : `${tries}${rate > 0 ? `, ${whole(rate)} a second` : ''}.${usual}`);
  },

  transaction(s, {digest, action, signer, state}, now) {
    const known = s.transactions.find((t) => t.digest === digest);
    if (known) Object.assign(known, {state, at: now});
    else {
      s.transactions.push({digest, action, signer: signer ?? 'hot', state, since: now, at: now});
      const came = s.asked.findIndex((a) => a.reason == null && cameOf(a.intent.type, action));
      if (came >= 0) s.asked.splice(came, 1);
    }
    if (s.transactions.length > TRANSACTIONS) s.transactions.shift();
    const line = isWeights(action) ? 'update' : isRegister(action) ? 'registered' : null;
    if (line == null || ended(s, line)) return;
    begin(s, line, now);
    if (state.type === 'pending') detail(s, line, 'Signed and handed to the node; waiting for the block that holds it.');
    if (state.type === 'refused') detail(s, line, `Refused: ${clause(state.reason)} It is tried again.`);
    if (!isIn(state)) return;
    if (line === 'update') done(s, line, now, `In block ${whole(state.height)}, proved against its header.`);
    else detail(s, line, `In block ${whole(state.height)}; reading the own entry.`);
  },

  dropped(s, {source, reason}, now) {
    s.dropped = [...s.dropped.filter((d) => d.source !== source), {source, reason, at: now}];
    if (s.dropped.length > DROPPED) s.dropped.shift();
    tell(s, now, `dropped-${source}`, 'warning', `${sourceName(s, source)} said something false about the ledger and is not asked any more: ${clause(reason)} Nothing false was believed; others are asked.`, {until: now + 60_000});
  },

  kept(s, {bytes, epochs, place}) {
    s.kept = {bytes, epochs, place};
  },

  restored(s, {height, epochs, tables, millis}, now) {
    s.restored = {height, epochs, tables: tables === true, millis: millis ?? null, at: now};
    if (epochs > 0) detail(s, 'ledger', `${count(epochs, 'epoch')} verified again from this device; asking for what is newer.`);
  },

  damaged(s, {shelf, reason}, now) {
    s.damaged.push({shelf, reason, at: now});
    if (s.damaged.length > DAMAGED) s.damaged.shift();
    tell(s, now, `damaged-${shelf}`, 'warning', `What this device kept of the ledger (${SHELVES[shelf] ?? shelf}) was damaged: ${clause(reason)} It is thrown away, fetched and checked anew. Nothing else is lost.`, {until: now + 120_000});
  },

  alarm(s, {message, fatal, stale}, now) {
    const silent = /no new block since (\d+) ms/i.exec(message);
    if (silent) {
      if (s.node?.up !== false) tell(s, now, 'stalled', 'warning', `No new block for ${duration(Number(silent[1]))}. The ledger stands still, or the node holds it back. Training goes on, and scores are signed when blocks come again.`);
      return;
    }
    if (stale) {
      tell(s, now, 'stale', 'warning', 'This tab has been away for longer than signatures of former validators can be trusted. It begins again from the newest checkpoint of this site, which has to be taken on the site’s word; everything after it is checked as before.');
      return;
    }
    const unsigned = /^not signed: (.*)/s.exec(message)?.[1];
    if (unsigned != null) {
      const wish = s.asked.findLast((a) => a.reason == null && a.at > now - ANSWER_MS);
      if (wish) wish.reason = unsigned; // told beside the wish
      else tell(s, now, 'unsigned', 'info', `Nothing is signed now: ${clause(unsigned)}`, {until: now + 30_000});
      return;
    }
    if (/\bwrong figures\b/i.test(message)) {
      // An audit says the same with the numbers; alone it must not be overlooked either.
      if (!s.audit.wrong) tell(s, now, 'alarm', 'error', `Ledger check: ${clause(message)}`);
      return;
    }
    if (isOtherChain(message)) {
      otherChain(s, now, message);
    } else if (!(fatal && s.audit.wrong)) {
      const way = fatal ? ' Nothing is signed any more. Load the page again to start from a fresh checkpoint; training goes on meanwhile.' : '';
      tell(s, now, fatal ? 'alarm' : `alarm-${message.slice(0, 40)}`, fatal ? 'error' : 'warning', `Ledger check: ${clause(message)}${way}`, {
        until: fatal ? null : now + 30_000,
        action: fatal ? {id: 'reload', label: 'Load the page again'} : null,
      });
    }
    if (fatal && !ended(s, 'ledger')) fail(s, 'ledger', now, sentence(message), 'See the message above.');
  },
};

/** Wishes of which nothing came. @param {State} s @param {number} now */
export function lose(s, now) {
  for (const a of s.asked) {
    if (a.reason == null && a.at < now - PATIENCE_MS) a.reason = 'nothing was signed within a minute; the ledger may stand still';
  }
  s.asked = s.asked.filter((a) => a.reason == null || a.at > now - 5 * PATIENCE_MS);
}

/** Whether a reason is that the chain is another one. @param {string} why */
export const isOtherChain = (why) => /\b(other|another|foreign|wrong|different)\b.*\bchain\b|\bchain\b.*\b(mismatch|changed)\b/i.test(why);

/** Another chain than the one this browser knows. @param {State} s @param {number} now @param {string} why */
export function otherChain(s, now, why) {
  tell(
    s,
    now,
    'chain',
    'error',
    `The node now serves another chain than the one this browser knows (${why.replace(/[.\s]+$/, '')}). This tab does not follow it. If you expected that, forget the old chain; its registration and stake in this browser are then given up.`,
    {action: {id: 'forget', label: 'Forget the old chain and start anew'}},
  );
}

/** Who a source is. @param {State} s @param {string} source a peer id or an address */
export function sourceName(s, source) {
  const c = s.connections.find((x) => x.peer === source);
  if (c?.kind === 'node') return 'The node';
  if (c?.key) return name(s, c.key);
  return /^https?:/.test(source) ? source : `A peer (…${source.slice(-6)})`;
}

/**
 * Words of an audit.
 * @param {{epoch: number, outcome: any, millis: number|null}} audit
 */
export function auditWords({epoch, outcome, millis}) {
  const n = whole(epoch);
  if (outcome.type === 'sound') return `Epoch ${n} recomputed: ${count(outcome.peers, 'peer')}, every figure as the chain says${millis == null ? '' : `, ${duration(millis)}`}.`;
  if (outcome.type === 'wrong') return `Epoch ${n} recomputed: the chain’s figures differ from this tab’s own.`;
  return `Epoch ${n} not recomputed: ${clause(outcome.reason)}`;
}

/** A number or the reason why there is none, as one shape. @param {any} x @returns {{value: number}|{reason: string}} */
export function figure(x) {
  if (typeof x === 'number') return Number.isFinite(x) ? {value: x} : {reason: 'it is not a number'};
  if (x?.type === 'defined' && typeof x.value === 'number') return {value: x.value};
  return {reason: x?.reason ?? 'not told yet'};
}

/** One number a peer, or the reason why there are none. @param {any} x @returns {{values: Map<number, number>}|{reason: string}} */
export function row(x) {
  if (x?.type === 'defined' && Array.isArray(x.values)) return x.values.length > 0 ? {values: new Map(x.values)} : {reason: 'there is no own row yet'};
  return {reason: x?.reason ?? 'not told yet'};
}

/** Whether nothing moves. @param {Map<number, number>} values */
export const flat = (values) => [...values.values()].every((x) => x === 0);

/** The entry whose change would move most. @param {Map<number, number>} values */
export function steepest(values) {
  if (flat(values)) return '0 for every weight';
  const [uid, value] = [...values].reduce((a, b) => (Math.abs(b[1]) > Math.abs(a[1]) ? b : a));
  return `${signed(value)} for peer ${uid}`;
}

/** Whether the ledger holds it. @param {{type: string}} state */
export const isIn = (state) => state.type === 'included' || state.type === 'final';
/** @param {string} action */
export const isWeights = (action) => /weight/i.test(action);
/** @param {string} action */
const isRegister = (action) => /regist/i.test(action);

/** Whether a transaction came of a wish; a sponsor's money may go as a transfer. @param {string} wish @param {string} action */
const cameOf = (wish, action) => kind(action) === wish || (wish === 'sponsor' && kind(action) === 'transfer');

const KINDS = ['weights', 'register', 'transfer', 'sponsor', 'subscribe', 'unstake', 'stake', 'leave', 'purchase'];

/** Which of the known actions a transaction's is. @param {string} action */
export const kind = (action) => KINDS.find((k) => action.toLowerCase().replace(/[^a-z]/g, '').includes(k)) ?? 'other';
