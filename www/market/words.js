// @ts-check
/** Sentences: what state the page is in, what is wrong and what to do, and how each epoch is known. No document in here. */

import {count, duration, whole} from './numbers.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {{key: string, tone: 'info'|'warning'|'error', text: string, act?: {text: string, what: 'forget'}}} Message */

/** In one line: what this page does just now. @param {State} state @param {number} now */
export function phase(state, now) {
  if (state.over) return 'Stopped';
  if ((state.failed || state.silent) && !state.head) return state.failed && state.failed !== 'unavailable' && state.failed !== 'no-checkpoint' ? 'Stopped' : 'No node answers';
  if (!state.head) return 'Asking the node for its newest block …';
  if (state.silent) return `The node is silent, ${duration(now - state.silentAt)}`;
  if (state.stalled) return 'The chain stands still';
  if (!state.markets.size) return 'Fetching the newest epoch …';
  return state.live ? 'Live' : 'Looking at the past';
}

/** @param {State} state @returns {Message[]} */
export function messages(state) {
  const all = /** @type {Message[]} */ ([]);
  /** @param {string} key @param {Message['tone']} tone @param {string} text @param {Message['act']} [act] */
  const say = (key, tone, text, act) => all.push({key, tone, text, act});
  const forget = /** @type {const} */ ({text: 'Follow the new chain', what: 'forget'});
  if (state.other) {
    say('other', 'warning', 'The node serves another chain than before: it was set up anew, or is another one. What is drawn is of the chain before. To follow the new one, let go of what this browser keeps of the old.', forget);
  }
  if (state.over) say('over', 'error', `Nothing more of this chain can be believed: ${state.over}. What is drawn is older than that.`);
  if (state.wrong) say('wrong', 'error', `The validators signed figures that do not follow from the rules: ${state.wrong}. What is drawn is the newest epoch that does.`);
  if (state.lied && !state.other) say('lied', 'warning', `The node gave something that its validators did not sign (${LIES[state.lied] ?? state.lied}). It was thrown away: what is drawn is what was verified. It is asked again after a pause, since a damaged wire lies too.`);
  if ((state.failed || state.silent) && !state.head) {
    const kept = state.markets.size ? ' What is drawn was kept here at an earlier visit.' : '';
    if (state.failed === 'wrong-chain') say('failed', 'warning', 'The node serves another chain than at your last visit: it was set up anew, or is another one. To follow it, let go of what this browser keeps of the old.', forget);
    else if (state.failed === 'broken') say('failed', 'error', `This page’s own program broke (${state.why}). It is started again by itself; if that does not help, reload the page.`);
    else if (state.failed === 'stale-checkpoint') say('failed', 'error', 'What the node names as trustworthy is too old to be followed: it has been standing still for long. Whoever runs it can help.');
    else say('failed', 'warning', `No node answers at this address, so there is no market to look at. A node serves this page beside the market: open it there, or start one with \`cargo xtask run\`. This page asks again by itself.${kept}`);
  } else if (state.silent) {
    say('silent', 'warning', 'The node does not answer: it is being started anew, or your connection is gone. What is drawn was verified and stays. This page asks again by itself.');
  } else if (state.stalled) {
    say('stalled', 'warning', 'The node answers, and has no new block for a while: too few validators are there to agree on one, or it holds them back.');
  }
  if (!state.keeps) say('store', 'info', 'This browser keeps nothing for this page any more, its disk may be full: what nodes forget is forgotten here too, at the next visit.');
  const {audit} = state;
  if (audit?.outcome === 'not-audited' && !state.silent) say('audit', 'warning', `Epoch ${whole(audit.epoch)} was not computed again: ${audit.reason}.`);
  const newest = state.markets.get(state.last);
  if (newest && newest.market.epoch === 0 && state.parameters && state.head) {
    const left = Math.max(0, state.parameters.tempo - (state.head.height % state.parameters.tempo));
    say('first', 'info', `No epoch has ended yet: what is drawn is how the chain began. The first ends in ${count(left, 'block')}, about ${duration(left * state.parameters.blockMs)}.`);
  }
  if (newest?.market.peers && newest.market.peers.keys.every((key) => !key)) {
    say('empty', 'info', 'There are no peers yet. Who joins appears here with the end of the epoch.');
  }
  return all;
}

/** Why something was refused, in a few words. @type {Record<string, string>} */
const LIES = {
  'bad-certificate': 'a block without their signatures',
  'bad-proof': 'tables that are not those of the block',
  'bad-link': 'validators who were not elected',
  'not-rising': 'a block that does not follow',
  malformed: 'bytes that are no answer',
  'wrong-reply': 'an answer to something else',
};

/** How an epoch is known. @param {import('./types.js').Origin} origin */
export const known = (origin) => (origin === 'computed' ? 'computed again here' : origin === 'proven' ? 'as its validators signed it' : 'here since an earlier visit');

/** The same at length. @param {State} state @returns {string[]} */
export function grounds(state) {
  const {head, audit, trusted, markets} = state;
  const all = [];
  if (trusted) {
    all.push(
      trusted === 'store'
        ? 'Verification began at your first visit, by the word of the node then, and every link since was checked.'
        : 'Verification begins with the chain’s genesis or a checkpoint, by the word of the node that serves this page. Everything after it is checked: who trusts that node with nothing compares the chain’s id with somebody else.',
    );
  }
  if (state.chain) all.push(`Chain ${state.chain}.`);
  if (head) all.push(`Block ${whole(head.height)}: ${head.signers} of ${count(head.validators, 'validator')} signed it, each signature checked here. Who validates was followed from epoch to epoch.`);
  if (audit?.outcome === 'sound') all.push(`Epoch ${whole(audit.epoch)}: rank, trust, incentive, payment and loss of ${count(audit.peers, 'peer')} were computed again here from the tables before it, and met the chain’s to the last bit.`);
  const origins = {computed: 0, proven: 0, kept: 0, bare: 0};
  for (const {market, origin} of markets.values()) {
    origins[origin] += 1;
    if (!market.peers) origins.bare += 1;
  }
  const parts = [];
  if (origins.computed) parts.push(`${whole(origins.computed)} computed again here`);
  if (origins.proven) parts.push(`${whole(origins.proven)} proven against the block that ended them, as their validators signed it, without being computed again`);
  if (origins.kept) parts.push(`${whole(origins.kept)} kept in this browser since an earlier visit, when they were one of these`);
  if (parts.length) all.push(`Of ${count(markets.size, 'epoch')} shown: ${parts.join('; ')}.`);
  if (origins.bare) all.push(`Of ${count(origins.bare, 'epoch')} there is rank, trust and payment, but no stake and no W: nodes keep these of the newest few epochs alone. This page keeps what it sees, in this browser, so the longer it is open the more there is.`);
  all.push('This page signs nothing, has no key and trains nothing. It asks no other address than the node that serves it.');
  return all;
}
