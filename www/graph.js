// @ts-check
/**
 * The neighbours as a graph in SVG: this tab in the middle, each neighbour at the end of its path, the node where paths lead through
 * it. Peers can be dragged, or moved with the arrow keys; pressing one tells about it. Nothing moves by itself.
 *
 * Elements stay as long as their peer does, so that the focus and a drag outlive a drawing.
 */

import {attribute, fill, show, the} from './dom.js';
import {percent, roundTrip} from './format.js';
import {name, neighbours, share, valued} from './measures.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Connection} Connection */
/** @typedef {{x: number, y: number}} Place  shares of width and height */
/**
 * @typedef {object} Seen
 * @property {SVGGElement} group
 * @property {SVGElement} path
 * @property {SVGElement} mine     what it is worth to this tab
 * @property {SVGElement} theirs   what this tab is worth to it
 * @property {SVGElement} hit
 * @property {SVGElement} mark
 * @property {SVGElement} words
 * @property {SVGElement} label
 * @property {SVGElement} below
 */

const NS = 'http://www.w3.org/2000/svg';
const MOST = 24; // peers drawn; the table has all
const MIDDLE = {x: 0.5, y: 0.56};
const NODE = {x: 0.5, y: 0.12};
const STEP = 0.03; // of an arrow key
const THICK = 7; // pixels of a worth of 100 %
const R = 9; // of a peer

/** Where each of `n` neighbours is before anyone moves it: a ring that leaves room for the node at the top. @param {number} i @param {number} n @returns {Place} */
export function ring(i, n) {
  const gap = 0.9; // radians at the top
  const angle = -Math.PI / 2 + gap / 2 + ((i + 0.5) / n) * (2 * Math.PI - gap);
  return {x: MIDDLE.x + 0.4 * Math.cos(angle), y: MIDDLE.y + 0.34 * Math.sin(angle)};
}

/** Inside the picture. @param {Place} place @returns {Place} */
export const inside = ({x, y}) => ({x: Math.min(0.95, Math.max(0.05, x)), y: Math.min(0.92, Math.max(0.06, y))});

/** What is known of a neighbour, as one sentence. @param {State} s @param {Connection} c */
export function about(s, c) {
  const path = {direct: 'directly, browser to browser', relayed: 'through the node', websocket: 'by a websocket to the node'}[c.path] ?? c.path;
  const worth = share(s, c.key);
  const theirs = valued(s, c.key);
  const a = s.answers[c.peer];
  return [
    `${name(s, c.key)}, ${c.kind === 'tab' ? 'a tab' : 'a resident'}, reached ${path}`,
    c.rtt != null && `round trip ${roundTrip(c.rtt)}`,
    a && `${a.answered} of ${a.answered + a.missed} answers came in time`,
    worth != null && `worth ${percent(worth)} to me`,
    theirs != null && `I am worth ${percent(theirs)} to it`,
  ]
    .filter((t) => t)
    .join('; ');
}

/** A graph that fills `host`. */
export class Graph {
  /** @type {Map<string, Place>} */ #moved = new Map();
  /** @type {Map<string, Seen>} */ #seen = new Map();
  /** @type {State|null} */ #state = null;
  /** @type {string|null} */ #told = null;

  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    this.root = element('svg', {role: 'group', 'aria-label': 'How this tab is connected with its neighbours'});
    this.lines = element('g', {'aria-hidden': 'true'});
    this.node = element('g', {class: 'node', 'aria-hidden': 'true'});
    this.node.append(element('rect', {x: -7, y: -7, width: 14, height: 14, transform: 'rotate(45)'}), text({class: 'name', y: 26}, 'the node'));
    this.me = element('g', {class: 'me', 'aria-hidden': 'true'});
    this.me.append(element('circle', {r: 13}), text({class: 'name', y: 30}, 'this tab'));
    this.peers = element('g', {});
    this.names = element('g', {'aria-hidden': 'true'});
    this.root.append(this.lines, this.node, this.me, this.peers, this.names);
    host.append(this.root);
    new ResizeObserver(() => this.#state && this.draw(this.#state)).observe(host);
    the('graph-back').addEventListener('click', () => {
      this.#moved.clear();
      this.#again();
      /** @type {HTMLElement|null} */ (this.peers.querySelector('g'))?.focus();
    });
  }

  /** @param {State} s */
  draw(s) {
    this.#state = s;
    const {clientWidth: width, clientHeight: height} = this.host;
    if (width < 80 || height < 80) return;
    for (const [k, v] of Object.entries({viewBox: `0 0 ${width} ${height}`, width, height})) attribute(this.root, k, String(v));
    const at = (/** @type {Place} */ {x, y}) => ({x: x * width, y: y * height});
    const put = (/** @type {Element} */ e, /** @type {{x: number, y: number}} */ {x, y}) => attribute(e, 'transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    const [me, node] = [at(MIDDLE), at(NODE)];
    put(this.me, me);
    put(this.node, node);
    const all = neighbours(s).sort((a, b) => a.peer.localeCompare(b.peer)).slice(0, MOST);
    attribute(this.node, 'display', all.some((c) => c.path !== 'direct') || s.node?.up ? null : 'none');
    for (const [peer, seen] of this.#seen) {
      if (all.some((c) => c.peer === peer)) continue;
      for (const gone of [seen.group, seen.path, seen.mine, seen.theirs, seen.words]) gone.remove();
      this.#seen.delete(peer);
      this.#moved.delete(peer);
    }
    all.forEach((c, i) => {
      const seen = this.#seen.get(c.peer) ?? this.#begin(c.peer);
      const place = at(this.#moved.get(c.peer) ?? ring(i, all.length));
      put(seen.group, place);
      put(seen.words, place);
      if (seen.group.dataset.kind !== c.kind) attribute(seen.group, 'data-kind', c.kind ?? 'tab');
      const small = width < 480;
      const label = short(name(s, c.key), small);
      if (seen.label.textContent !== label) seen.label.textContent = label;
      const below = c.rtt == null ? c.path : small ? roundTrip(c.rtt) : `${roundTrip(c.rtt)}, ${c.path}`;
      if (seen.below.textContent !== below) seen.below.textContent = below;
      attribute(seen.group, 'aria-label', `${about(s, c)}. Arrow keys move it.`);
      attribute(seen.path, 'data-path', c.path);
      // Through the node where the path is: the relay passes it on, a resident lives there.
      attribute(seen.path, 'd', c.path === 'relayed' ? `M${me.x} ${me.y}L${node.x} ${node.y}L${place.x} ${place.y}` : `M${me.x} ${me.y}L${place.x} ${place.y}`);
      bow(seen.mine, me, place, share(s, c.key), 1);
      bow(seen.theirs, me, place, valued(s, c.key), -1);
    });
    show(the('graph-back'), this.#moved.size > 0);
    const told = all.find((c) => c.peer === this.#told);
    if (this.#told) fill('graph-said', told ? `${about(s, told)}.` : 'This neighbour is gone.');
    for (const [peer, {group}] of this.#seen) attribute(group, 'aria-pressed', String(peer === this.#told));
  }

  /** @param {string} peer @returns {Seen} */
  #begin(peer) {
    const group = element('g', {class: 'peer', tabindex: 0, role: 'button'});
    const mark = element('g', {class: 'mark-of'});
    mark.append(element('circle', {r: R}), element('rect', {x: -R, y: -R, width: 2 * R, height: 2 * R, rx: 2}));
    const seen = {
      group: /** @type {SVGGElement} */ (group),
      path: element('path', {class: 'path-of'}),
      mine: element('path', {class: 'mine'}),
      theirs: element('path', {class: 'theirs'}),
      hit: element('circle', {class: 'hit', r: 24}),
      mark,
      words: element('g', {class: 'words'}),
      label: text({class: 'name', y: -R - 8}, ''),
      below: text({class: 'below', y: R + 18}, ''),
    };
    group.append(seen.hit, mark);
    seen.words.append(seen.label, seen.below);
    this.names.append(seen.words);
    this.lines.append(seen.path, seen.mine, seen.theirs);
    this.peers.append(group);
    this.#seen.set(peer, seen);
    this.#listen(seen.group, peer);
    return seen;
  }

  /** @param {SVGGElement} group @param {string} peer */
  #listen(group, peer) {
    /** @type {{x: number, y: number}|null} */
    let from = null;
    let dragged = false;
    const where = (/** @type {PointerEvent} */ event) => {
      const box = this.host.getBoundingClientRect();
      return {x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height};
    };
    group.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      from = where(event);
      dragged = false;
      group.setPointerCapture(event.pointerId);
    });
    group.addEventListener('pointermove', (event) => {
      if (!from) return;
      const to = where(event);
      if (!dragged && Math.hypot((to.x - from.x) * this.host.clientWidth, (to.y - from.y) * this.host.clientHeight) < 4) return;
      dragged = true;
      this.#move(peer, to);
    });
    for (const end of ['pointerup', 'pointercancel']) group.addEventListener(end, () => (from = null));
    const tell = () => {
      this.#told = peer;
      this.#again();
    };
    group.addEventListener('click', () => dragged || tell());
    group.addEventListener('keydown', (event) => {
      const [dx, dy] = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key] ?? [0, 0];
      if (event.key === 'Enter' || event.key === ' ') tell();
      else if (dx === 0 && dy === 0) return;
      else this.#move(peer, this.#shifted(group, dx * STEP, dy * STEP));
      event.preventDefault();
    });
  }

  /** @param {SVGGElement} group @param {number} dx @param {number} dy */
  #shifted(group, dx, dy) {
    const [x, y] = (group.getAttribute('transform')?.match(/[\d.]+/g) ?? ['0', '0']).map(Number);
    return {x: x / this.host.clientWidth + dx, y: y / this.host.clientHeight + dy};
  }

  /** @param {string} peer @param {Place} to */
  #move(peer, to) {
    this.#moved.set(peer, inside(to));
    this.#again();
  }

  #again() {
    if (this.#state) this.draw(this.#state);
  }
}

/** @param {string} kind @param {Record<string, string|number>} attributes */
function element(kind, attributes) {
  const made = /** @type {SVGElement} */ (document.createElementNS(NS, kind));
  for (const [k, v] of Object.entries(attributes)) made.setAttribute(k, String(v));
  return made;
}

/** @param {Record<string, string|number>} attributes @param {string} words */
function text(attributes, words) {
  const made = element('text', attributes);
  made.textContent = words;
  return made;
}

/** A bow beside the line, as thick as a worth; not there without one. @param {SVGElement} path @param {Place} a @param {Place} b @param {number|null} worth @param {1|-1} side */
function bow(path, a, b, worth, side) {
  attribute(path, 'display', worth ? null : 'none');
  if (!worth) return;
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const off = (side * Math.min(26, length * 0.16)) / length;
  const x = (a.x + b.x) / 2 - (b.y - a.y) * off;
  const y = (a.y + b.y) / 2 + (b.x - a.x) * off;
  attribute(path, 'd', `M${a.x} ${a.y}Q${x} ${y} ${b.x} ${b.y}`);
  attribute(path, 'stroke-width', Math.max(1, worth * THICK).toFixed(2));
}

/** @param {string} words @param {boolean} small */
const short = (words, small) => (small ? words.replace(/^Peer /, '') : words);
