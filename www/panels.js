// @ts-check
/** What runs, drawn from the state: the bar, this tab's figures, its neighbours. */

import {LossChart} from './chart.js';
import {attribute, cells, each, fill, make, meter, show, the, write} from './dom.js';
import * as format from './format.js';
import {Graph} from './graph.js';
import {byPath, flow, name, neighbours, paths, rates, share, valued} from './measures.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Connection} Connection */

/** @type {LossChart|undefined} */
let chart;

/** @param {State} s @param {number} now */
export function drawTab(s, now) {
  if (s.joinedAt == null) return;
  const {steps} = s;
  const rate = s.phase === 'running' ? rates(s, now) : null;
  const recent = steps.last.slice(-20);
  const latest = recent[recent.length - 1];
  fill('steps', steps.count ? format.whole(steps.count) : '–');
  fill('steps-rate', rate ? `${format.pace(rate.steps)} a second` : '');
  const text = s.learned == null || (s.learned.each && (s.learned.modalities & 1) === 1);
  const units = text ? 'bytes' : s.learned?.each ? 'frames' : 'examples';
  fill('text-rate', rate ? (text ? `${format.bytes(rate.tokens)}/s` : `${format.pace(rate.tokens)} ${units}/s`) : '–');
  fill('text-total', latest ? `${format.whole(latest.tokens)} ${units} a step` : '');
  fill('loss-unit', `nats per ${text ? 'byte of text' : s.learned?.each ? 'frame of sound' : 'example'}; lower is better`);
  const average = (/** @type {(x: import('./types.js').Step) => number} */ of) => recent.reduce((a, b) => a + of(b), 0) / Math.max(recent.length, 1);
  fill('step-time', latest ? format.duration(average((x) => x.millis)) : '–');
  fill('step-wait', latest ? `${format.percent(Math.min(1, average((x) => x.waited) / Math.max(average((x) => x.millis), 1e-9)))} of it waiting` : '');
  const speed = flow(s);
  fill('bytes-in', format.bytes(s.traffic.in));
  fill('bytes-in-rate', speed ? `${format.bytes(speed.in)}/s` : '');
  fill('bytes-out', format.bytes(s.traffic.out));
  fill('bytes-out-rate', speed ? `${format.bytes(speed.out)}/s` : '');
  const helped = s.helped;
  fill('served', helped.served ? format.whole(helped.served) : '–');
  fill('served-rate', helped.served ? `${helped.served === 1 ? 'answer' : 'answers'}; ${format.count(helped.applied, 'correction')} taken` : '');

  for (const item of the('legend').children) {
    const key = /** @type {HTMLElement} */ (item).dataset.series;
    const values = recent.map((x) => (key === 'withPeers' ? x.withPeers : key === 'alone' ? x.alone : x.student)).filter((v) => v != null);
    const mean = values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
    write(/** @type {Element} */ (item.querySelector('b')), format.loss(mean));
  }
  chart ??= new LossChart(the('chart'));
  const points = steps.pending.length && steps.series.length < 2 ? [...steps.series, ...steps.pending] : steps.series;
  chart.draw(points);
}

/** @type {Graph|undefined} */
let graph;

/** What a path is, in plain words. @type {Record<string, string>} */
const PATHS = {
  direct: 'Direct: browser to browser',
  relayed: 'Relayed: through the node, because no direct path was found',
  websocket: 'Websocket: to a resident in the node',
};

/** `3 direct, 1 relayed`: only what there is. @param {{direct: number, relayed: number, websocket: number}} n */
function pathWords({direct, relayed, websocket}) {
  const parts = [direct && `${format.whole(direct)} direct`, relayed && `${format.whole(relayed)} relayed`, websocket && `${format.whole(websocket)} by websocket`];
  return parts.filter((p) => p).join(', ');
}

/** @param {State} s */
export function drawNeighbours(s) {
  if (s.joinedAt == null) return;
  const peers = neighbours(s);
  const tabs = peers.filter((c) => c.kind === 'tab');
  const how = pathWords(paths(tabs));
  fill(
    'neighbours-state',
    peers.length === 0
      ? s.node && !s.node.up
        ? 'None: the node is gone, and this tab goes on alone.'
        : 'Nobody yet. Other peers are introduced by the node.'
      : `${format.count(peers.length, 'neighbour')}: ${format.count(tabs.length, 'tab')}${how && ` (${how})`}, ${format.count(peers.length - tabs.length, 'resident')}.`,
  );
  const table = the('neighbours-table');
  show(table, peers.length > 0);
  show(the('graph-figure'), peers.length > 0);
  graph ??= new Graph(the('graph'));
  graph.draw(s);
  show(the('paths'), peers.length > 0);
  const rows = [...peers].sort((a, b) => (share(s, b.key) ?? -1) - (share(s, a.key) ?? -1) || a.peer.localeCompare(b.peer));
  const heads = ['Peer', 'Kind', 'Path', 'Round trip', 'Answers', 'Worth to me', 'My worth to it'];
  each(
    /** @type {Element} */ (table.querySelector('tbody')),
    rows,
    (c) => c.peer,
    () => {
      const row = cells(heads, [3, 4, 5, 6]);
      row.children[2].append(make('span', 'path'));
      return row;
    },
    (row, c) => {
      const a = s.answers[c.peer];
      const worth = share(s, c.key);
      const theirs = valued(s, c.key);
      const text = [
        name(s, c.key),
        c.kind ?? '–',
        c.path,
        format.roundTrip(c.rtt),
        a ? `${format.whole(a.answered)} of ${format.whole(a.answered + a.missed)}` : 'not asked yet',
        worth == null ? '–' : format.percent(worth),
        theirs == null ? '–' : format.percent(theirs),
      ];
      const path = /** @type {HTMLElement} */ (row.children[2].firstElementChild);
      text.forEach((t, i) => write(i === 2 ? path : row.children[i], t));
      attribute(path, 'data-path', c.path);
      attribute(path, 'title', PATHS[c.path] ?? null);
      attribute(row.children[0], 'title', c.key ?? c.peer);
      attribute(row.children[4], 'title', a?.reason ? `Last unusable answer: ${a.reason}` : null);
      attribute(row, 'data-kind', c.kind ?? null);
      meter(row.children[5], worth);
      meter(row.children[6], theirs);
    },
  );
  const {asked, served, failed} = s.exchanges;
  const counted = [
    [pathWords(byPath(asked)), 'this tab began'],
    [pathWords(byPath(served)), 'others began'],
    [failed ? format.whole(failed) : '', 'failed or late'],
  ].filter(([n]) => n);
  show(the('exchanges'), counted.length > 0);
  fill('exchanges', `Exchanges ${counted.map(([n, what]) => `${what}: ${n}`).join('; ')}.`);
}
