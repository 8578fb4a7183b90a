// @ts-check
/** What the page knows, and what each word of the worker changes. No document in here. */

/** @typedef {import('./types.js').Known} Known */
/** @typedef {import('./types.js').Told} Told */

/** Epochs with all their tables that are held; of others the figures. Whoever looks at one fetches it again. */
const WHOLE = 64;
/** Numbers of peers above which fewer are held. */
const MANY = 300;

export function begin() {
  return {
    chain: '',
    trusted: '',
    parameters: /** @type {import('./types.js').Parameters|null} */ (null),
    head: /** @type {import('./types.js').Head|null} */ (null),
    headAt: 0,
    audit: /** @type {import('./types.js').Audit|null} */ (null),
    first: 0,
    last: 0,
    /** By epoch. */
    markets: /** @type {Map<number, Known>} */ (new Map()),
    /** Why there is nothing of an epoch. */
    lacking: /** @type {Map<number, string>} */ (new Map()),
    /** The epoch that is looked at, and whether that is always the newest. */
    shown: 0,
    live: true,
    playing: false,
    peer: /** @type {number|null} */ (null),
    figure: /** @type {import('./types.js').Figure} */ ('stake'),
    silent: false,
    silentAt: 0,
    stalled: false,
    lied: '',
    wrong: '',
    over: '',
    other: false,
    failed: '',
    why: '',
    /** Whether this browser keeps what the page sees. */
    keeps: true,
  };
}

/** @typedef {ReturnType<typeof begin>} State */

/** @param {State} state @param {Told} told @param {number} now ms */
export function take(state, told, now) {
  switch (told.type) {
    case 'begun':
      state.chain = told.chain;
      state.trusted = told.trusted;
      state.parameters = told.parameters;
      state.failed = '';
      break;
    case 'head':
      state.head = told.head;
      state.headAt = now;
      state.stalled = false;
      state.lied = '';
      break;
    case 'audit':
      state.audit = told.audit;
      break;
    case 'epochs':
      state.first = told.first;
      state.last = Math.max(state.last, told.last);
      break;
    case 'market': {
      const {epoch} = told.known.market;
      state.markets.set(epoch, told.known);
      state.lacking.delete(epoch);
      state.last = Math.max(state.last, epoch);
      state.first = Math.min(state.first, epoch);
      if (state.live && epoch >= state.shown) state.shown = epoch;
      trim(state);
      break;
    }
    case 'lacking':
      state.lacking.set(told.epoch, told.reason);
      break;
    case 'silent':
      state.silent = true;
      state.silentAt = now;
      break;
    case 'answers':
      state.silent = false;
      break;
    case 'alarm':
      alarm(state, told);
      break;
    case 'other-chain':
      state.other = true;
      break;
    case 'failed':
      state.failed = told.code;
      state.why = told.message;
      // A worker that broke knows nothing of what it knew before; what it gave stays.
      if (told.code === 'broken') state.head = null;
  }
}

/** @param {State} state @param {Extract<Told, {type: 'alarm'}>} told */
function alarm(state, {code, why, message, fatal}) {
  if (fatal) state.over = message;
  else if (code === 'lied') state.lied = why ?? 'wrong-reply';
  else if (code === 'store') state.keeps = false;
  else if (code === 'stalled') state.stalled = true;
  else if (code === 'wrong-economics') state.wrong = message;
}

/** Lets go of the rows of epochs far from the one that is looked at, where they fill the memory. @param {State} state */
function trim(state) {
  const newest = state.markets.get(state.last)?.market;
  if (!newest?.peers || newest.peers.keys.length < MANY) return;
  const far = [...state.markets].filter(([, {market}]) => market.peers && market.peers.weights.uids.length > 0);
  far.sort(([a], [b]) => Math.abs(b - state.shown) - Math.abs(a - state.shown));
  for (const [epoch, {market, origin}] of far.slice(0, Math.max(0, far.length - WHOLE))) {
    state.markets.set(epoch, {market: {...market, peers: undefined}, origin});
  }
}
