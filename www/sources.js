// @ts-check
/** Where the ledger comes from: who answers, who lied, and what is kept on this device. */

import {SHELVES, sourceName} from './auditing.js';
import {attribute, cells, each, fill, make, rowsOf, show, the, write} from './dom.js';
import * as format from './format.js';
import {clause, sentence} from './lines.js';
import {sources} from './measures.js';

/** @typedef {import('./types.js').State} State */

/** @type {Record<string, string>} */
const PLACES = {
  opfs: 'this browser’s own file store, read by nobody else',
  memory: 'memory only, gone when this tab closes: another tab holds the file store, or this browser offers none',
};

/** @type {Record<string, string>} */
const KINDS = {node: 'node', tab: 'tab', resident: 'resident'};

/** @param {State} s */
export function drawSources(s) {
  if (s.joinedAt == null) return;
  const asked = sources(s);
  const dropped = [...s.dropped].reverse();
  const names = [asked.nodes && format.count(asked.nodes, 'node'), asked.tabs && format.count(asked.tabs, 'tab')].filter((t) => t);
  fill(
    'sources-state',
    asked.list.length === 0 ? 'Nobody answers at the moment; what was verified stays.' : `${names.join(', ')} can be asked${dropped.length ? `; ${format.whole(dropped.length)} dropped for saying something false` : ''}.`,
  );
  show(the('sources-table'), asked.list.length + dropped.length > 0);
  each(
    rowsOf('sources-table'),
    [...dropped.map((d) => ({peer: d.source, kind: s.connections.find((c) => c.peer === d.source)?.kind, reason: d.reason, key: `dropped ${d.source} ${d.at}`})), ...asked.list.map((c) => ({...c, reason: null, key: c.peer}))],
    (c) => c.key,
    () => cells(['Source', 'Kind', 'State'], []),
    (tr, c) => {
      write(tr.children[0], sourceName(s, c.peer));
      attribute(tr.children[0], 'title', c.peer);
      write(tr.children[1], KINDS[c.kind ?? ''] ?? '–');
      write(tr.children[2], c.reason == null ? 'is asked' : `Dropped: ${clause(c.reason)}`);
      attribute(tr.children[2], 'data-standing', c.reason == null ? null : 'refused');
    },
  );
  const {kept, restored} = s;
  if (kept) {
    fill('kept-place', PLACES[kept.place] ?? kept.place);
    fill('kept-bytes', format.bytes(kept.bytes));
    fill('kept-epochs', format.whole(kept.epochs));
  }
  fill('restored', restored == null ? 'nothing was here: everything came from the sources' : restoredWords(restored));
  show(the('damaged'), s.damaged.length > 0);
  each(
    the('damaged'),
    s.damaged,
    (d) => `${d.shelf} ${d.at}`,
    () => make('li'),
    (li, d) => write(li, `Damaged and written anew: ${SHELVES[d.shelf] ?? d.shelf}. ${sentence(d.reason)}`),
  );
}

/** @param {{height: number, epochs: number, tables: boolean, millis: number|null}} restored */
export function restoredWords({height, epochs, tables, millis}) {
  if (epochs === 0 && height === 0) return 'nothing was here: everything came from the sources';
  const time = millis == null ? '' : ` in ${format.duration(millis)}`;
  return `${format.count(epochs, 'epoch')} verified again from this device${time}, up to block ${format.whole(height)}${tables ? ', with its tables' : ''}`;
}
