// @ts-check
/** Lines over epochs and points in a plane, as SVG that fills its host. Colours come from the style sheet. */

import {draw} from './dom.js';
import {short, whole} from './numbers.js';

/** @typedef {{key: number|string, name: string, colour: string, points: {x: number, y: number}[], strong?: boolean}} Line */

const PAD = {left: 52, right: 14, top: 22, bottom: 34};

/** A round step so that about `n` marks cover `span`. @param {number} span @param {number} n */
function round(span, n) {
  const raw = span / Math.max(n, 1) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

/** @param {number} from @param {number} to @param {number} n */
function marks(from, to, n) {
  const by = round(to - from, n);
  const all = [];
  for (let v = Math.ceil(from / by - 1e-9) * by; v <= to + by * 1e-6; v += by) all.push(Math.abs(v) < by * 1e-6 ? 0 : v);
  return all;
}

/** @param {HTMLElement} host */
const scale = (host) => parseFloat(getComputedStyle(host).getPropertyValue('--large')) || 1;

/** @param {number[]} all @param {boolean} zero whether 0 belongs to it */
function span(all, zero) {
  let low = all.reduce((a, b) => Math.min(a, b), zero ? 0 : Infinity);
  let high = all.reduce((a, b) => Math.max(a, b), zero ? 0 : -Infinity);
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1];
  if (high - low < 1e-12 + Math.abs(high) * 1e-9) [low, high] = zero && low === 0 ? [0, high || 1] : [low - (Math.abs(low) * 0.05 || 0.5), high + (Math.abs(high) * 0.05 || 0.5)];
  const air = (high - low) * 0.06;
  return [zero && low === 0 ? 0 : low - air, high + air];
}

/**
 * What both kinds begin with: the frame, the grid, the axes.
 * @param {HTMLElement} host @param {{x: number[], y: number[], across: string, up: string, whole: boolean, zero: boolean, label: string, more?: number}} what `more`: room at the right, px
 */
function frame(host, {x: [left, right], y: values, across, up, whole: counts, zero, label, more = 0}) {
  const big = scale(host);
  const [width, height] = [host.clientWidth, host.clientHeight];
  const pad = {left: PAD.left * big, right: (PAD.right + more) * big, top: PAD.top * big, bottom: PAD.bottom * big};
  const root = draw('svg', {viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label});
  const [low, high] = span(values, zero);
  const x = (/** @type {number} */ v) => pad.left + ((v - left) / (right - left || 1)) * (width - pad.left - pad.right);
  const y = (/** @type {number} */ v) => height - pad.bottom - ((v - low) / (high - low || 1)) * (height - pad.top - pad.bottom);
  for (const v of marks(low, high, Math.max(2, Math.floor((height - pad.top - pad.bottom) / (40 * big))))) {
    root.append(draw('line', {class: v === 0 ? 'zero' : 'grid', x1: pad.left, x2: width - pad.right, y1: y(v), y2: y(v)}));
    root.append(draw('text', {class: 'end', x: pad.left - 8, y: y(v) + 4 * big}, short(v)));
  }
  const ticks = marks(left, right, Math.max(2, Math.floor((width - pad.left) / (60 * big)))).filter((v) => !counts || Number.isInteger(v));
  for (const v of ticks) root.append(draw('text', {class: 'middle', x: x(v), y: height - pad.bottom + 17 * big}, counts ? whole(v) : short(v)));
  root.append(draw('text', {class: 'end unit', x: width - pad.right, y: height - 3}, across));
  root.append(draw('text', {class: 'unit', x: 0, y: 12 * big}, up));
  return {root, x, y, pad, width, height};
}

/**
 * Lines over epochs; `at` is the epoch that is looked at.
 * @param {HTMLElement} host
 * @param {{lines: Line[], first: number, last: number, at: number, up: string, zero?: boolean, tags?: boolean, label: string, empty: string, pick?: (key: number|string) => void, go?: (epoch: number) => void}} what `tags`: the number of each coloured line at its end
 */
export function lines(host, {lines, first, last, at, up, zero = true, tags = false, label, empty, pick, go}) {
  if (host.clientWidth < 80 || host.clientHeight < 60) return;
  const values = lines.flatMap((line) => line.points.map((point) => point.y));
  if (values.length === 0) return void host.replaceChildren(nothing(host, empty));
  const {root, x, y, pad, width, height} = frame(host, {x: [first, Math.max(last, first + 1)], y: values, across: 'epoch', up, whole: true, zero, label, more: tags ? 16 : 0});
  root.append(draw('line', {class: 'now', x1: x(at), x2: x(at), y1: pad.top, y2: height - pad.bottom}));
  // What is looked at lies above what has a colour, and that above the rest.
  const above = (/** @type {Line} */ line) => (line.strong ? 2 : line.colour === 'other' ? 0 : 1);
  const order = [...lines].sort((a, b) => above(a) - above(b));
  for (const line of order) {
    const kind = `${line.colour}${line.strong ? ' strong' : ''}`;
    const path = draw('path', {class: `line ${kind}`, d: strokes(line.points, x, y)}, draw('title', {}, line.name));
    if (pick) path.addEventListener('click', (event) => (event.stopPropagation(), pick(line.key)));
    root.append(path);
    const now = line.points.find((point) => point.x === at);
    if (now && (line.colour !== 'other' || line.strong)) root.append(draw('circle', {class: `dot ${kind}`, cx: x(now.x), cy: y(now.y), r: (line.strong ? 5 : 3.5) * scale(host)}));
  }
  if (tags) tag(root, order, x, y, 13 * scale(host), height - pad.bottom);
  if (go) {
    root.addEventListener('click', (event) => {
      const place = /** @type {MouseEvent} */ (event).clientX - host.getBoundingClientRect().left;
      const part = (place - pad.left) / (width - pad.left - pad.right);
      go(Math.round(Math.min(Math.max(first + part * (Math.max(last, first + 1) - first), first), last)));
    });
  }
  host.replaceChildren(root);
}

/**
 * The number of each coloured line at its end, none over another.
 * @param {Element} root @param {Line[]} lines @param {(v: number) => number} x @param {(v: number) => number} y @param {number} tall @param {number} lowest
 */
function tag(root, lines, x, y, tall, lowest) {
  const ends = lines.flatMap((line) => {
    const end = line.points.at(-1);
    return end && (line.colour !== 'other' || line.strong) ? [{line, x: x(end.x), y: y(end.y)}] : [];
  });
  ends.sort((a, b) => a.y - b.y);
  ends.forEach((end, at) => (end.y = Math.max(end.y, at ? ends[at - 1].y + tall : -Infinity)));
  // What was pushed over the lower end pushes back.
  ends.forEach((_, at) => {
    const end = ends[ends.length - 1 - at];
    end.y = Math.min(end.y, lowest - at * tall);
  });
  for (const end of ends) root.append(draw('text', {class: `name ${end.line.colour}`, x: end.x + tall * 0.6, y: end.y + tall * 0.32}, String(end.line.key)));
}

/** A line with gaps where epochs are missing. @param {{x: number, y: number}[]} points @param {(v: number) => number} x @param {(v: number) => number} y */
function strokes(points, x, y) {
  let before = NaN;
  return points
    .map((point) => {
      const move = point.x !== before + 1;
      before = point.x;
      const place = `${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`;
      return move ? `M${place}h.01` : `L${place}`;
    })
    .join('');
}

/**
 * Points in a plane.
 * @param {HTMLElement} host
 * @param {{points: {key: number, name: string, colour: string, x: number, y: number, size: number, strong: boolean}[], across: string, up: string, label: string, empty: string, pick: (key: number) => void}} what
 */
export function points(host, {points, across, up, label, empty, pick}) {
  if (host.clientWidth < 80 || host.clientHeight < 60) return;
  if (points.length === 0) return void host.replaceChildren(nothing(host, empty));
  const big = scale(host);
  const xs = span(points.map((point) => point.x), true);
  const {root, x, y} = frame(host, {x: xs, y: points.map((point) => point.y), across, up, whole: false, zero: true, label});
  const order = [...points].sort((a, b) => Number(a.strong) - Number(b.strong) || b.size - a.size);
  for (const point of order) {
    const circle = draw('circle', {class: `point ${point.colour}${point.strong ? ' strong' : ''}`, cx: x(point.x), cy: y(point.y), r: (3 + 14 * Math.sqrt(point.size)) * big}, draw('title', {}, point.name));
    circle.addEventListener('click', () => pick(point.key));
    root.append(circle);
  }
  // With few of them each has its number beside it.
  if (points.length <= 12) {
    /** @type {{x: number, y: number, names: number[]}[]} one for those that lie together */
    const tags = [];
    for (const point of points) {
      const [left, top] = [x(point.x) + (5 + 14 * Math.sqrt(point.size)) * big, y(point.y) + 4 * big];
      const near = tags.find((tag) => Math.abs(tag.y - top) < 12 * big && Math.abs(tag.x - left) < 16 * big);
      if (near) [near.x, near.names] = [Math.max(near.x, left), [...near.names, point.key]];
      else tags.push({x: left, y: top, names: [point.key]});
    }
    for (const tag of tags) root.append(draw('text', {class: 'tag', x: tag.x, y: tag.y}, tag.names.sort((a, b) => a - b).join(', ')));
  }
  host.replaceChildren(root);
}

/** @param {HTMLElement} host @param {string} says */
function nothing(host, says) {
  const [width, height] = [host.clientWidth, host.clientHeight];
  const words = says.split(' ');
  const most = Math.max(20, Math.floor(width / 8 / scale(host)));
  /** @type {string[]} */
  const all = [];
  for (const word of words) {
    const last = all.at(-1);
    if (last !== undefined && last.length + word.length < most) all[all.length - 1] = `${last} ${word}`;
    else all.push(word);
  }
  const text = all.map((line, at) => draw('tspan', {x: width / 2, dy: at === 0 ? 0 : '1.4em'}, line));
  return draw('svg', {viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': says}, draw('text', {class: 'empty', x: width / 2, y: height / 2 - all.length * 8}, ...text));
}
