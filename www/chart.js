// @ts-check
/**
 * The loss as a line chart in SVG: three series over steps, axes with units, the value under the pointer. Colours come
 * from the style sheet. Drawn anew once a second at most, from some hundred points.
 */

import {fixed, loss, whole} from './format.js';

/** @typedef {import('./types.js').Point} Point */

const NS = 'http://www.w3.org/2000/svg';
const EVERY_MS = 1000; // between drawings of a line that grows
const PAD = {left: 40, right: 12, top: 24, bottom: 36};
/** ln 256: the loss of a model that expects every byte alike. */
const CLUELESS = Math.log(256);
/** @type {['student', 'alone', 'withPeers']} */
export const SERIES = ['student', 'alone', 'withPeers'];

/** @param {string} name @param {Record<string, string|number>} attributes @param {string} [text] */
function svg(name, attributes, text) {
  const element = document.createElementNS(NS, name);
  for (const [k, v] of Object.entries(attributes)) element.setAttribute(k, String(v));
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A round step so that about `n` marks cover `span`. @param {number} span @param {number} n */
function round(span, n) {
  const raw = span / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

/** @param {number} from @param {number} to @param {number} n */
function marks(from, to, n) {
  const by = round(to - from || 1, n);
  const all = [];
  for (let v = Math.ceil(from / by) * by; v <= to + by * 1e-6; v += by) all.push(v);
  return {all, digits: Math.max(0, -Math.floor(Math.log10(by)))};
}

/** Mean of the last `w` values at each point, skipping absent ones. @param {(number|null)[]} values @param {number} w */
function smooth(values, w) {
  return values.map((_, i) => {
    const some = values.slice(Math.max(0, i - w + 1), i + 1).filter((x) => x != null);
    return some.length ? some.reduce((a, b) => a + b, 0) / some.length : null;
  });
}

/** @param {(number|null)[]} values @param {(i: number) => number} x @param {(v: number) => number} y */
function path(values, x, y) {
  let d = '';
  let pen = false;
  values.forEach((v, i) => {
    if (v == null) return void (pen = false);
    d += `${pen ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    pen = true;
  });
  return d;
}

/** A chart that fills `host` and is drawn from points. */
export class LossChart {
  /** @type {number|null} */ #pointer = null;
  /** @type {Point[]} */ #points = [];
  /** Width and height, in pixels. */ #size = [0, 0];
  /** When it was drawn. */ #at = 0;

  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    new ResizeObserver(() => {
      // Asked here alone, where it is known: elsewhere the browser would have to lay out the page at once.
      this.#size = [host.clientWidth, host.clientHeight];
      this.#render();
    }).observe(host);
    host.addEventListener('pointermove', (e) => {
      this.#pointer = e.clientX - host.getBoundingClientRect().left;
      this.#render();
    });
    host.addEventListener('pointerleave', () => {
      this.#pointer = null;
      this.#render();
    });
  }

  /** What it shows from now on, or within a second. @param {Point[]} points */
  draw(points) {
    const grows = this.#points.length > 0 && points.length >= this.#points.length;
    this.#points = points;
    if (!grows || performance.now() - this.#at >= EVERY_MS) this.#render();
  }

  #render() {
    const points = this.#points;
    const [width, height] = this.#size;
    this.#at = performance.now();
    if (width < 80 || height < 80) return;
    const root = svg('svg', {viewBox: `0 0 ${width} ${height}`, width, height, role: 'img'});
    if (points.length === 0) {
      root.setAttribute('aria-label', 'Loss: no step yet');
      root.append(svg('text', {x: width / 2, y: height / 2, class: 'empty'}, 'The line begins with the first step'));
      this.host.replaceChildren(root);
      return;
    }
    const all = /** @type {number[]} */ (points.flatMap((p) => SERIES.map((s) => p[s])).filter((v) => v != null && Number.isFinite(v)));
    const low = Math.min(...all);
    const high = Math.max(...all);
    const air = Math.max((high - low) * 0.08, 0.02);
    const [bottom, top] = [Math.max(0, low - air), high + air];
    const [first, last] = [points[0].step, Math.max(points[points.length - 1].step, points[0].step + 1)];
    const x = (/** @type {number} */ step) => PAD.left + ((step - first) / (last - first)) * (width - PAD.left - PAD.right);
    const y = (/** @type {number} */ v) => height - PAD.bottom - ((v - bottom) / (top - bottom)) * (height - PAD.top - PAD.bottom);

    const vertical = marks(bottom, top, Math.max(2, Math.floor(height / 60)));
    for (const v of vertical.all) {
      root.append(svg('line', {x1: PAD.left, x2: width - PAD.right, y1: y(v), y2: y(v), class: 'grid'}));
      root.append(svg('text', {x: PAD.left - 8, y: y(v) + 4, class: 'tick end'}, fixed(v, vertical.digits)));
    }
    const horizontal = marks(first, last, Math.max(2, Math.floor(width / 110)));
    for (const v of horizontal.all.filter(Number.isInteger)) {
      root.append(svg('text', {x: x(v), y: height - PAD.bottom + 18, class: 'tick middle'}, whole(v)));
    }
    root.append(svg('text', {x: width - PAD.right, y: height - 2, class: 'unit end'}, 'step'));
    root.append(svg('text', {x: 0, y: 11, class: 'unit'}, 'nats per byte'));
    if (CLUELESS < top) {
      root.append(svg('line', {x1: PAD.left, x2: width - PAD.right, y1: y(CLUELESS), y2: y(CLUELESS), class: 'clueless'}));
      root.append(svg('text', {x: width - PAD.right, y: y(CLUELESS) - 5, class: 'unit end'}, 'knows nothing: 5.55'));
    }

    const w = Math.max(1, Math.round(points.length / 30));
    /** @type {Record<string, (number|null)[]>} */
    const lines = {};
    for (const s of SERIES) {
      const values = points.map((p) => p[s]);
      lines[s] = smooth(values, w);
      if (w > 1) root.append(svg('path', {d: path(values, (i) => x(points[i].step), y), class: `raw ${s}`}));
    }
    for (const s of SERIES) {
      root.append(svg('path', {d: path(lines[s], (i) => x(points[i].step), y), class: `line ${s}`}));
      if (points.length === 1 && lines[s][0] != null) root.append(svg('circle', {cx: x(first), cy: y(/** @type {number} */ (lines[s][0])), r: 3, class: `dot ${s}`}));
    }
    const end = points.length - 1;
    const said = SERIES.toReversed().map((s) => `${NAMES[s]} ${loss(lines[s][end])}`);
    root.setAttribute('aria-label', `Loss in nats per byte up to step ${points[end].step}: ${said.join(', ')}`);
    if (this.#pointer != null) this.#read(root, lines, x, y, width, height);
    this.host.replaceChildren(root);
  }

  /**
   * The values under the pointer.
   * @param {Element} root @param {Record<string, (number|null)[]>} lines @param {(s: number) => number} x
   * @param {(v: number) => number} y @param {number} width @param {number} height
   */
  #read(root, lines, x, y, width, height) {
    const at = /** @type {number} */ (this.#pointer);
    let i = 0;
    this.#points.forEach((p, k) => {
      if (Math.abs(x(p.step) - at) < Math.abs(x(this.#points[i].step) - at)) i = k;
    });
    const px = x(this.#points[i].step);
    root.append(svg('line', {x1: px, x2: px, y1: PAD.top, y2: height - PAD.bottom, class: 'cross'}));
    const right = px > width / 2;
    const tx = right ? px - 10 : px + 10;
    const label = [`step ${whole(this.#points[i].step)}`, ...SERIES.toReversed().map((s) => `${NAMES[s]} ${loss(lines[s][i])}`)];
    label.forEach((t, k) => root.append(svg('text', {x: tx, y: PAD.top + 14 + k * 17, class: `read ${right ? 'end' : ''} ${k ? SERIES.toReversed()[k - 1] : ''}`}, t)));
    for (const s of SERIES) {
      const v = lines[s][i];
      if (v != null) root.append(svg('circle', {cx: px, cy: y(v), r: 3.5, class: `dot ${s}`}));
    }
  }
}

/** @type {Record<string, string>} */
export const NAMES = {withPeers: 'with peers', alone: 'alone', student: 'student'};
