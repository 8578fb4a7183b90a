// @ts-check
/**
 * W as a heat map on a canvas: a row for each who scores, a column for each who is scored, both by stake. Where there are more peers than
 * pixels a cell stands for several, and shows the largest share among them.
 */

import {make} from './dom.js';
import {byStake} from './market.js';
import {percent} from './numbers.js';

/** @typedef {import('./types.js').Market} Market */

/** Most cells a side. */
const CELLS = 320;
/** Least and most pixels of a cell. */
const LEAST = 1;
const MOST = 110;

/** Pixels of a cell from which on it has a whole number of them. */
const WHOLE = 4;

/** @typedef {{uid: number, by: number, share: number}} Cell who is scored, by whom */

export class Heat {
  /** @type {Market|undefined} */ #market;
  /** @type {number[]} */ #order = [];
  /** Peers a cell. */ #bin = 1;
  /** Largest share in each cell, and where it is. */ #shares = new Float64Array(0);
  #cells = new Map();
  #side = 0;
  /** @type {number|null} */ #peer = null;

  /** @param {HTMLElement} host @param {(uid: number) => void} pick */
  constructor(host, pick) {
    this.host = host;
    this.canvas = /** @type {HTMLCanvasElement} */ (make('canvas', {role: 'img'}));
    this.read = make('p', {class: 'read', 'aria-hidden': 'true'});
    this.scale = make('p', {class: 'scale aside'}, '0', make('span', {class: 'ramp'}), make('span'));
    this.axes = make('div', {class: 'axes', 'aria-hidden': 'true'});
    host.replaceChildren(make('div', {class: 'square'}, this.canvas, this.axes), this.scale, this.read);
    new ResizeObserver(() => this.draw(this.#market, this.#peer)).observe(host);
    this.canvas.addEventListener('pointermove', (event) => this.#say(this.#at(event)));
    this.canvas.addEventListener('pointerleave', () => this.#say(undefined));
    this.canvas.addEventListener('click', (event) => {
      const cell = this.#at(event);
      if (cell) pick(cell.uid);
    });
  }

  /** @param {Market|undefined} market @param {number|null} peer the one that is looked at */
  draw(market, peer) {
    this.#peer = peer;
    if (market !== this.#market) this.#take(market);
    const count = this.#side;
    // Names along the sides take some of it.
    const large = parseFloat(getComputedStyle(this.host).getPropertyValue('--large')) || 1;
    const room = Math.min(this.host.clientWidth, this.#tall()) - 30 * large;
    const fit = room / Math.max(count, 1);
    const size = Math.max(LEAST, Math.min(Math.round(MOST * large), fit < WHOLE ? fit : Math.floor(fit)));
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const side = count * size;
    this.canvas.style.setProperty('--side', `${side}px`);
    // Whole pixels a cell, stretched to where it lies.
    const pixels = Math.max(1, Math.round(size * ratio));
    this.canvas.width = this.canvas.height = Math.max(1, count * pixels);
    const pen = this.canvas.getContext('2d');
    if (!pen) return;
    const [empty, full, ink, soft] = ['--cell', '--full', '--ink', '--soft'].map((name) => this.#colour(name));
    pen.setTransform(pixels, 0, 0, pixels, 0, 0);
    pen.fillStyle = empty;
    pen.fillRect(0, 0, count, count);
    const gap = size >= 8 ? 1 / pixels : 0;
    const own = (/** @type {number} */ at) => this.#bin === 1 && at % count === Math.floor(at / count);
    const most = this.#shares.reduce((most, share, at) => (own(at) ? most : Math.max(most, share)), 0);
    this.#shares.forEach((share, at) => {
      if (share <= 0) return;
      pen.fillStyle = own(at) ? soft : full;
      // The eye sees small shares too.
      pen.globalAlpha = own(at) ? 0.15 + 0.35 * share : 0.15 + 0.85 * Math.sqrt(share / most);
      pen.fillRect(at % count, Math.floor(at / count), 1 - gap, 1 - gap);
    });
    pen.globalAlpha = 1;
    this.#mark(pen, peer, ink, size);
    this.#label(size);
    const last = this.scale.lastElementChild;
    if (last) last.textContent = `${percent(most)}${this.#bin === 1 ? '; grey: kept for itself' : `; a cell stands for ${this.#bin} × ${this.#bin} peers`}`;
    this.scale.hidden = count === 0;
    this.canvas.setAttribute('aria-label', this.#sentence());
    this.#say(undefined);
  }

  /** Height that there is for the square. */
  #tall() {
    const fixed = parseFloat(getComputedStyle(this.host).getPropertyValue('--tall'));
    return fixed || this.host.clientHeight;
  }

  /** @param {Market|undefined} market */
  #take(market) {
    this.#market = market;
    const peers = market?.peers;
    this.#order = market && peers ? byStake(market) : [];
    this.#bin = Math.max(1, Math.ceil(this.#order.length / CELLS));
    this.#side = Math.ceil(this.#order.length / this.#bin);
    this.#shares = new Float64Array(this.#side ** 2);
    this.#cells = new Map();
    if (!peers) return;
    const place = new Map(this.#order.map((uid, at) => [uid, Math.floor(at / this.#bin)]));
    const {starts, uids, values} = peers.weights;
    for (const by of this.#order) {
      for (let at = starts[by]; at < starts[by + 1]; at += 1) {
        const across = place.get(uids[at]);
        if (across === undefined) continue;
        const cell = (place.get(by) ?? 0) * this.#side + across;
        if (values[at] <= this.#shares[cell]) continue;
        this.#shares[cell] = values[at];
        this.#cells.set(cell, {uid: uids[at], by, share: values[at]});
      }
    }
  }

  /** A colour of the style sheet, as light or dark as it is just now. @param {string} name */
  #colour(name) {
    this.canvas.style.color = `var(${name})`;
    return getComputedStyle(this.canvas).color;
  }

  /** A frame around the row and the column of a peer. @param {CanvasRenderingContext2D} pen @param {number|null} peer @param {string} ink @param {number} size */
  #mark(pen, peer, ink, size) {
    const at = peer === null ? -1 : Math.floor(this.#order.indexOf(peer) / this.#bin);
    if (at < 0) return;
    pen.strokeStyle = ink;
    pen.lineWidth = Math.min(2 / size, 0.4);
    pen.strokeRect(0, at, this.#side, 1);
    pen.strokeRect(at, 0, 1, this.#side);
  }

  /** Uids along the sides, where there is room. @param {number} size */
  #label(size) {
    const names = this.#bin === 1 && size >= 16 ? this.#order : [];
    const line = (/** @type {string} */ name) => make('ol', {class: name}, ...names.map((uid) => make('li', {}, String(uid))));
    this.axes.replaceChildren(line('down'), line('across'));
    this.host.style.setProperty('--size', `${size}px`);
    this.host.toggleAttribute('data-labelled', names.length > 0);
  }

  /** @param {PointerEvent|MouseEvent} event @returns {Cell|undefined} */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    const part = (/** @type {number} */ x, /** @type {number} */ side) => Math.floor((x / side) * this.#side);
    const [across, down] = [part(event.clientX - box.left, box.width), part(event.clientY - box.top, box.height)];
    if (across < 0 || down < 0 || across >= this.#side || down >= this.#side) return undefined;
    const known = this.#cells.get(down * this.#side + across);
    return known ?? {uid: this.#order[across * this.#bin], by: this.#order[down * this.#bin], share: 0};
  }

  /** @param {Cell|undefined} cell */
  #say(cell) {
    this.read.textContent = !cell
      ? 'Rows score, columns are scored; the largest stake comes first.'
      : cell.uid === cell.by
        ? `Peer ${cell.uid} keeps ${percent(cell.share)} for itself.`
        : `Peer ${cell.by} gives ${cell.share ? percent(cell.share) : 'nothing'} to peer ${cell.uid}.`;
  }

  #sentence() {
    const strongest = [...this.#cells.values()].filter((cell) => cell.uid !== cell.by).sort((a, b) => b.share - a.share)[0];
    const most = strongest ? ` The largest share for another is ${percent(strongest.share)}, from peer ${strongest.by} to peer ${strongest.uid}.` : '';
    return `Heat map of W: what each of ${this.#order.length} peers gives to each.${most} The table of peers and a peer’s own page have the numbers.`;
  }
}
