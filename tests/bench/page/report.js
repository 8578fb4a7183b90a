// Draws a report: its tables with units, spreads and aims, lines of those that have a picture, and how ratios lie about one.

import * as Plot from '@observablehq/plot';

/** @typedef {import('../tables.mjs').Table} Table */
/** @typedef {import('../tables.mjs').Cell} Cell */
/** @typedef {{subject: string, about: string, seconds: number, browser?: string, tables: Table[], error?: string}} Subject */

const report = JSON.parse(document.getElementById('figures')?.textContent ?? '{}');
const WIDTH = Math.min(720, document.body.clientWidth);
const STYLE = {fontSize: '12px'};

/**
 * An element with what is in it.
 * @param {string} name @param {Record<string, string>} attributes @param {(Node|string)[]} inside
 */
function make(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}

/** Three digits that say something. @param {number} x */
function number(x) {
  if (Math.abs(x) >= 1000) return x.toLocaleString('en', {maximumFractionDigits: 0});
  return x.toLocaleString('en', Number.isInteger(x) ? {} : {minimumSignificantDigits: 3, maximumSignificantDigits: 3});
}

/** Whether a figure is as wanted; nothing where nothing is wanted. @param {Cell} cell */
function verdict({value, at_most: most, at_least: least}) {
  if (most === undefined && least === undefined) return '';
  return (most !== undefined && value > most) || (least !== undefined && value < least) ? 'missed' : 'met';
}

/** @param {Cell|null} cell @param {string} unit */
function figure(cell, unit) {
  if (!cell) return make('td', {}, '–');
  const inside = [make('b', {}, number(cell.value)), unit ? ` ${unit}` : ''];
  if (cell.spread) inside.push(make('small', {}, `${number(cell.spread[0])} to ${number(cell.spread[1])}`));
  if (cell.at_most !== undefined) inside.push(make('small', {}, `wanted: at most ${number(cell.at_most)}`));
  if (cell.at_least !== undefined) inside.push(make('small', {}, `wanted: at least ${number(cell.at_least)}`));
  return make('td', {class: verdict(cell)}, ...inside);
}

/** @param {Table} table */
function rows({columns, rows}) {
  const noted = rows.some((row) => row.note);
  const head = columns.map(({name, unit}) => make('th', {scope: 'col'}, [name, unit && `(${unit})`].filter((word) => word).join(' ')));
  const body = rows.map((row) =>
    make('tr', {}, make('th', {scope: 'row'}, row.name), ...row.cells.map((cell, index) => figure(cell, columns[index]?.unit ? '' : (row.unit ?? ''))), ...(noted ? [make('td', {class: 'note'}, row.note ?? '')] : [])),
  );
  const named = columns.some(({name, unit}) => name || unit);
  return make('div', {class: 'wide', tabindex: '0'}, make('table', {}, ...(named ? [make('thead', {}, make('tr', {}, make('th'), ...head, ...(noted ? [make('th')] : [])))] : []), make('tbody', {}, ...body)));
}

/** Lines over a column. @param {Table} table */
function lines({columns, rows, plot}) {
  if (!plot) return null;
  const at = (/** @type {string} */ name) => columns.findIndex((column) => column.name === name);
  const x = at(plot.x);
  const points = plot.y.flatMap((name) =>
    rows.flatMap(({cells}) => {
      const [over, value] = [cells[x], cells[at(name)]];
      return over && value && !(plot.log && value.value <= 0) ? [{x: over.value, y: value.value, name, least: value.spread?.[0], most: value.spread?.[1]}] : [];
    }),
  );
  if (points.length === 0) return null;
  const scale = plot.log ? {type: /** @type {const} */ ('log'), grid: true} : {grid: true, nice: true};
  const unit = columns[at(plot.y[0])]?.unit;
  const spreads = points.filter(({least, most}) => least !== undefined && most !== undefined && !(plot.log && least <= 0));
  return Plot.plot({
    width: WIDTH,
    height: 300,
    style: STYLE,
    marginLeft: 64,
    color: {legend: true, domain: plot.y},
    x: {...scale, label: [plot.x, columns[x]?.unit && `(${columns[x].unit})`].filter((word) => word).join(' '), ...(plot.log ? {} : {zero: true})},
    y: {...scale, label: unit ?? '', ...(plot.log ? {} : {zero: true})},
    marks: [
      Plot.ruleX(spreads, {x: 'x', y1: 'least', y2: 'most', stroke: 'name', strokeOpacity: 0.4, strokeWidth: 3}),
      Plot.line(points, {x: 'x', y: 'y', stroke: 'name', sort: 'x', marker: plot.alone ? 'none' : 'circle-stroke', tip: true}),
    ],
  });
}

/** How the ratios of a table lie about one. @param {Table} table */
function ratios({columns, rows}) {
  const all = columns.flatMap((column, index) =>
    column.unit === '×'
      ? rows.flatMap(({name, cells}) => {
          const cell = cells[index];
          return cell && cell.value > 0 ? [{name: `${name} ${column.name}`, ratio: cell.value, least: cell.spread?.[0] ?? cell.value, most: cell.spread?.[1] ?? cell.value, verdict: verdict(cell)}] : [];
        })
      : [],
  );
  if (all.length === 0) return null;
  const colour = (/** @type {typeof all[0]} */ one) => ({met: 'var(--good)', missed: 'var(--bad)', '': 'var(--ink)'})[one.verdict];
  return Plot.plot({
    width: WIDTH,
    marginLeft: Math.min(300, WIDTH * 0.45),
    style: STYLE,
    x: {type: 'log', grid: true, label: 'ratio', tickFormat: (/** @type {number} */ x) => number(x), domain: [Math.min(0.5, ...all.map((one) => one.least)), Math.max(2, ...all.map((one) => one.most))]},
    y: {label: null, domain: all.map((one) => one.name)},
    marks: [
      Plot.ruleX([1], {stroke: 'currentColor'}),
      Plot.ruleY(all, {y: 'name', x1: 'least', x2: 'most', stroke: colour, strokeWidth: 3, strokeOpacity: 0.4}),
      Plot.dot(all, {y: 'name', x: 'ratio', fill: colour, r: 4, tip: true}),
    ],
  });
}

/** @param {Table} table */
function section(table) {
  const pictures = [lines(table), ratios(table)].filter((picture) => picture !== null);
  return make(
    'section',
    {},
    make('h3', {}, table.title),
    ...(table.plot?.alone ? [] : [rows(table)]),
    ...pictures.map((picture) => make('figure', {role: 'img', 'aria-label': `A picture of the table: ${table.title}`}, picture)),
    ...(table.notes ?? []).map((note) => make('p', {class: 'faint'}, note)),
  );
}

/** @param {Subject} one */
function subject({subject, about, seconds, browser, tables, error}) {
  return make(
    'article',
    {id: subject},
    make('h2', {}, subject),
    make('p', {}, about),
    make('p', {class: 'faint'}, `cargo xtask bench ${subject}; it took ${number(seconds)} s${browser ? ` in ${browser}` : ''}`),
    ...(error ? [make('p', {class: 'error'}, `Not measured: ${error}`)] : []),
    ...tables.map(section),
  );
}

/** What misses its aim, with a link to its table. @param {Subject[]} subjects */
function missed(subjects) {
  const all = subjects.flatMap(({subject, tables}) =>
    tables.flatMap(({title, columns, rows}) =>
      rows.flatMap(({name, cells}) =>
        cells.flatMap((cell, index) => (cell && verdict(cell) === 'missed' ? [make('li', {}, make('a', {href: `#${subject}`}, title), `: ${[name, columns[index]?.name].filter((word) => word).join(', ')}`)] : [])),
      ),
    ),
  );
  return all.length === 0 ? [] : [make('h2', {}, 'Aims that are missed'), make('ul', {}, ...all)];
}

const {machine, source, subjects, quick} = report;
const facts = {
  Machine: `${machine.processor}, ${machine.cores} cores${machine.memory ? `, ${number(machine.memory / 2 ** 30)} GiB` : ''}, ${machine.system}`,
  Load: machine.load === null ? 'not known' : `${machine.load} programs that ran before it began`,
  Commit: source.commit,
  Date: new Date(source.at * 1000).toISOString().slice(0, 16).replace('T', ' ') + ' UTC',
  Versions: Object.entries(source.versions).map(([name, version]) => `${name} ${version}`).join(', '),
  ...(quick ? {Quick: 'measured less, and less sure'} : {}),
};
document.getElementById('source')?.append(...Object.entries(facts).flatMap(([name, fact]) => [make('dt', {}, name), make('dd', {}, fact)]));
document.getElementById('subjects')?.append(...subjects.map((/** @type {Subject} */ one) => make('a', {href: `#${one.subject}`}, one.subject)));
document.getElementById('report')?.append(...missed(subjects), ...subjects.map(subject));
