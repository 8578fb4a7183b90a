// @ts-check
/** The figures, the table of peers, a peer's own history, and the pictures: from what is known to the document. */

import {lines, points} from './chart.js';
import {fill, make, the} from './dom.js';
import {COLOURS, allStake, byStake, column, has, history, keyOf, row, since, value} from './market.js';
import {count, duration, fixed, moment, percent, short, start, three, tokens, whole} from './numbers.js';
import {grounds, known} from './words.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./types.js').Market} Market */
/** @typedef {import('./types.js').Figure} Figure */

/** Lines of tables that are shown at first. */
const ROWS = 25;
/** Entries of a row that are shown. */
const ENTRIES = 10;
/** Age of the newest block from which on it is said, ms. */
const QUIET_MS = 5_000;
/** Lines of a chart. */
const LINES = 64;

/** How each figure is named on an axis. @type {Record<Figure, string>} */
const UNITS = {stake: 'stake, tokens', rank: 'rank, share of 1', trust: 'trust', incentive: 'incentive, share of 1', paid: 'tokens an epoch'};

/** The colour of each peer: the largest of the newest epoch have their own. @param {State} state */
export function colours(state) {
  const newest = state.markets.get(state.last)?.market ?? [...state.markets.values()].at(-1)?.market;
  const largest = newest ? byStake(newest).slice(0, COLOURS) : [];
  return (/** @type {number} */ uid) => (largest.includes(uid) ? `c${largest.indexOf(uid)}` : 'other');
}

/** @param {State} state @param {number} now */
export function facts(state, now) {
  const {head, parameters, shown} = state;
  const found = state.markets.get(shown);
  const market = found?.market;
  fill('fact-block', head ? whole(head.height) : '–');
  fill('fact-signed', head ? `${head.signers} of ${count(head.validators, 'validator')} signed${now - state.headAt > QUIET_MS ? `, ${duration(now - state.headAt)} ago` : ''}` : '');
  fill('fact-epoch', market ? whole(shown) : '–');
  fill('fact-time', market ? moment(market.time) : '');
  fill('fact-checked', !found ? '–' : found.origin === 'computed' ? 'Sound' : found.origin === 'proven' ? 'Proven' : 'Kept');
  fill('fact-how', found ? known(found.origin) : (state.lacking.get(shown) ?? ''));
  const peers = market?.peers;
  fill('fact-peers', market ? whole(peers ? peers.keys.filter((key) => key).length : market.rank.length) : '–');
  fill('fact-stake', peers ? `${short(allStake(/** @type {Market} */ (market)))} tokens of stake` : '');
  const trusting = parameters?.mechanism === 'trust' || parameters?.mechanism === 'connectivity';
  const defined = market && (market.totals.loss !== 0 || trusting) && market.epoch > 0;
  fill('fact-loss', defined ? fixed(market.totals.loss, 4) : '–');
  fill('fact-loss-says', !market ? '' : !defined ? (parameters ? `${parameters.mechanism} has none` : '') : market.totals.loss < 0 ? 'below 0: a majority is trusted' : 'from 0 up: nothing is paid');
  fill('fact-tau', market ? `${short(market.totals.tau)}` : '–');
  fill('fact-paid', market ? `a year; ${short(tokens(market.totals.paid))} tokens paid` : '');
}

/** @param {State} state @param {(uid: number) => void} pick @param {(epoch: number) => void} go */
export function pictures(state, pick, go) {
  const {shown, markets, figure, peer} = state;
  const market = markets.get(shown)?.market;
  const colour = colours(state);
  const all = members(state);
  const [first, last] = [Math.max(state.first, ...(markets.size ? [Math.min(...markets.keys())] : [state.first])), state.last];
  const drawn = all.slice(0, LINES);
  if (peer !== null && !drawn.includes(peer)) drawn.push(peer);
  lines(the('over'), {
    lines: drawn.map((uid) => ({key: uid, name: named(state, uid), colour: colour(uid), strong: uid === peer, points: history(markets, figure, uid, since(markets, uid))})),
    first, last, at: shown, up: UNITS[figure], zero: false, tags: true,
    label: `${figure} of ${drawn.length} peers over epochs ${first} to ${last}. ${leaders(state, figure)}`,
    empty: figure === 'stake' ? 'No stake is known yet.' : 'Nothing is known yet.',
    pick: (key) => pick(Number(key)), go,
  });
  fill('over-says', all.length > LINES ? `The ${LINES} largest of ${whole(all.length)}; the ${COLOURS} largest in colour.` : '');

  const trusted = market ? has(market, 'trust') : false;
  points(the('scatter'), {
    points: market && trusted ? all.filter((uid) => uid < market.rank.length).map((uid) => ({key: uid, name: `${named(state, uid)}: rank ${short(market.rank[uid])}, trust ${short(market.trust[uid])}`, colour: colour(uid), x: market.rank[uid], y: market.trust[uid], size: part(market, uid), strong: uid === peer})) : [],
    across: 'rank', up: 'trust',
    label: market ? `Trust against rank of ${all.length} peers in epoch ${shown}. The table of peers has the numbers.` : 'Trust against rank',
    empty: !market ? 'No epoch yet.' : market.epoch === 0 ? 'Rank and trust come with the first epoch.' : state.parameters?.mechanism === 'competitive' ? 'The mechanism of this chain, competitive, has no trust.' : 'Nobody is trusted in this epoch.',
    pick,
  });
  fill('scatter-says', market && trusted ? 'Each peer by its stake: the larger the circle, the more.' : '');

  const line = (/** @type {(market: Market) => number} */ what) => [...markets].filter(([epoch]) => epoch > 0).map(([x, {market}]) => ({x, y: what(market)})).sort((a, b) => a.x - b.x);
  const loss = line((market) => market.totals.loss);
  const losses = loss.some(({y}) => y !== 0);
  const whole_ = losses ? {name: 'loss L', points: loss, up: 'loss L', colour: 'c1'} : {name: 'emission τ a year', points: line((market) => market.totals.tau), up: 'τ a year', colour: 'c0'};
  lines(the('whole'), {
    lines: [{key: 'whole', name: whole_.name, colour: whole_.colour, strong: true, points: whole_.points}], first, last, at: shown, up: whole_.up, zero: losses,
    label: `${whole_.name} over epochs ${first} to ${last}`, empty: 'It begins with the first epoch.', go,
  });
  fill('whole-says', market ? `${losses ? `L = ${fixed(market.totals.loss, 4)}; below 0 a majority is trusted. ` : ''}τ = ${short(market.totals.tau)} a year.` : '');
  fill('heat-says', market && !market.peers ? 'Nodes keep W of the newest epochs alone, and this browser did not see this one.' : '');
}

/** Everybody to draw, largest first: of the epoch that is looked at where it knows stakes, else of the nearest that does. @param {State} state */
export function members({markets, shown, last}) {
  const here = markets.get(shown)?.market;
  if (here?.peers) return byStake(here);
  const newest = markets.get(last)?.market;
  const from = newest?.peers ? newest : here;
  return from ? byStake(from) : [];
}

/** @param {Market} market @param {number} uid */
function part(market, uid) {
  const all = allStake(market);
  return all > 0 ? (value(market, 'stake', uid) ?? 0) / all : market.rank[uid] ?? 0;
}

/** @param {State} state @param {number} uid */
function named({markets, shown}, uid) {
  const key = keyOf(markets, shown, uid);
  return key ? `peer ${uid}, ${start(key)}` : `peer ${uid}`;
}

/** @param {State} state @param {Figure} figure */
function leaders(state, figure) {
  const market = state.markets.get(state.shown)?.market;
  if (!market) return '';
  const some = members(state).slice(0, 3).flatMap((uid) => {
    const number = value(market, figure, uid);
    return number === undefined ? [] : [`peer ${uid} ${short(number)}`];
  });
  return some.length ? `In epoch ${state.shown}: ${some.join(', ')}.` : '';
}

/** @param {State} state @param {boolean} whole_ every line @param {(uid: number) => void} pick */
export function table(state, whole_, pick) {
  const market = state.markets.get(state.shown)?.market;
  const all = market ? members(state).filter((uid) => uid < market.rank.length || market.peers?.keys[uid]) : [];
  const colour = colours(state);
  const body = the('peers').querySelector('tbody');
  const cell = (/** @type {number|undefined} */ number, /** @type {(x: number) => string} */ say) => make('td', {class: 'number'}, number === undefined ? '–' : say(number));
  const lines = (whole_ ? all : all.slice(0, ROWS)).map((uid) => {
    const button = make('button', {type: 'button', class: 'plain', 'data-uid': uid}, make('span', {class: `swatch ${colour(uid)}`}), `Peer ${uid}`);
    button.addEventListener('click', () => pick(uid));
    const m = /** @type {Market} */ (market);
    return make(
      'tr', {'aria-current': uid === state.peer ? 'true' : null},
      make('th', {scope: 'row'}, button),
      make('td', {}, make('code', {}, start(keyOf(state.markets, state.shown, uid)) || '–')),
      cell(value(m, 'stake', uid), three), cell(m.peers && part(m, uid), percent), cell(m.rank[uid], three), cell(m.trust[uid], three), cell(m.incentive[uid], three), cell(value(m, 'paid', uid), three),
    );
  });
  const focused = document.activeElement instanceof HTMLElement && body?.contains(document.activeElement) ? document.activeElement.dataset.uid : undefined;
  body?.replaceChildren(...lines);
  if (focused !== undefined) /** @type {HTMLElement|null|undefined} */ (body?.querySelector(`[data-uid="${focused}"]`))?.focus();
  fill('table-says', market ? `Epoch ${whole(state.shown)}, by ${market.peers ? 'stake' : 'rank'}. Choose one for its history.` : 'Nobody yet.');
  the('more').hidden = whole_ || all.length <= ROWS;
  fill('more', `Show all ${whole(all.length)}`);
}

/** A peer's history and row. @param {State} state @param {(uid: number) => void} pick @param {(epoch: number) => void} go */
export function peer(state, pick, go) {
  const {peer: uid, markets, shown} = state;
  the('peer').hidden = uid === null;
  if (uid === null) return;
  const market = markets.get(shown)?.market;
  const key = keyOf(markets, shown, uid);
  fill('peer-title', `Peer ${uid}`);
  fill('peer-says', key ? `Key ${key}${market?.peers?.keys[uid] ? `, owner ${start(market.peers.cold[uid])}, registered at block ${whole(market.peers.registered[uid])}` : ''}` : 'Its key is not known in any epoch that this browser has.');
  const there = market && (uid < market.rank.length || market.peers?.keys[uid]);
  const list = there
    ? [
        ['Stake', value(market, 'stake', uid), 'tokens'],
        ['Of all', market.peers && part(market, uid), ''],
        ['Rank', market.rank[uid], ''],
        ['Trust', market.trust[uid], ''],
        ['Incentive', market.incentive[uid], ''],
        ...(has(market, 'dividend') ? [['Dividend', market.dividend[uid], '']] : []),
        ['Paid', value(market, 'paid', uid), 'tokens'],
      ]
    : [];
  const say = (/** @type {any} */ name, /** @type {any} */ number) => (number === undefined ? '–' : name === 'Of all' ? percent(number) : short(number));
  the('peer-facts').replaceChildren(...list.map(([name, number, unit]) => make('div', {}, make('dt', {}, String(name)), make('dd', {}, say(name, number), unit && number !== undefined ? make('small', {}, ` ${unit}`) : ''))));
  const since_ = since(markets, uid);
  const host = the('histories');
  const figures = /** @type {Figure[]} */ (['stake', 'rank', 'trust', 'incentive']);
  if (host.children.length !== figures.length) host.replaceChildren(...figures.map((figure) => make('figure', {}, make('figcaption', {}, figure[0].toUpperCase() + figure.slice(1)), make('div', {class: 'sheet', id: `history-${figure}`}))));
  const colour = colours(state)(uid);
  for (const figure of figures) {
    const points = history(markets, figure, uid, since_);
    lines(the(`history-${figure}`), {
      lines: [{key: figure, name: figure, colour: colour === 'other' ? 'c0' : colour, strong: true, points}],
      first: Math.max(state.first, points[0]?.x ?? state.first), last: state.last, at: shown, up: UNITS[figure].split(', ')[1] ?? '',
      label: `${figure} of peer ${uid} over epochs${points.length ? `, ${short(points[0].y)} at first, ${short(points[points.length - 1].y)} at last` : ''}`,
      empty: 'Not known.', zero: false, go,
    });
  }
  const out = market?.peers ? row(market.peers.weights, uid) : [];
  const into = market ? column(market, uid) : [];
  const name = (/** @type {number} */ other) => {
    if (other === uid) return make('th', {scope: 'row'}, 'itself');
    const button = make('button', {type: 'button', class: 'plain'}, make('span', {class: `swatch ${colours(state)(other)}`}), `Peer ${other}`);
    button.addEventListener('click', () => pick(other));
    return make('th', {scope: 'row'}, button);
  };
  const bar = (/** @type {number} */ share) => {
    const cell = make('td', {class: 'number meter'}, percent(share));
    cell.style.setProperty('--share', String(share));
    return cell;
  };
  the('row-out').querySelector('tbody')?.replaceChildren(...out.slice(0, ENTRIES).map(({uid: other, share}) => make('tr', {}, name(other), bar(share))));
  the('row-in').querySelector('tbody')?.replaceChildren(...into.slice(0, ENTRIES).map(({uid: other, share, stake}) => make('tr', {}, name(other), bar(share), make('td', {class: 'number'}, short(stake)))));
  const gone = 'Its row in this epoch is not known here: nodes keep rows of the newest epochs alone.';
  fill('row-out-says', !market?.peers ? gone : out.length > ENTRIES ? `and ${whole(out.length - ENTRIES)} more` : '');
  fill('row-in-says', !market?.peers ? '' : into.length > ENTRIES ? `and ${whole(into.length - ENTRIES)} more` : into.length === 0 ? 'Nobody.' : '');
}

/** @param {State} state */
export function ground(state) {
  const all = grounds(state);
  const list = the('known');
  if ([...list.children].map((item) => item.textContent).join() === all.join()) return;
  list.replaceChildren(...all.map((text) => make('li', {}, text)));
}
