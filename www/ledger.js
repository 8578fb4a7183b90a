// @ts-check
/** The ledger as it was checked here: the newest block, the audit and its alarm, the own standing. */

import {auditWords} from './auditing.js';
import {attribute, cells, each, fill, make, rowsOf, save, show, the, write} from './dom.js';
import * as format from './format.js';
import {sentence} from './lines.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Audit} Audit */

const SHOWN = 6; // outcomes in the table

/** @param {State} s @param {number} now */
export function drawLedger(s, now) {
  if (s.joinedAt == null) return;
  drawBlock(s, now);
  drawAudit(s);
  drawStanding(s);
}

/** @param {State} s @param {number} now */
function drawBlock(s, now) {
  const {head} = s;
  fill('chain', format.short(s.identity?.chain ?? s.chain));
  attribute(the('chain'), 'title', s.identity?.chain ?? s.chain);
  if (!head) return;
  const age = now - head.at;
  fill('height', `block ${format.whole(head.height)}${age > 5000 ? `, ${format.duration(Math.floor(age / 1000) * 1000).replace('.0 s', ' s')} ago` : ''}`);
  fill('lag', `${format.duration(Math.abs(head.lag))} ${head.lag < 0 ? 'before the time it carries: one clock is wrong' : 'after it was made'}`);
  fill('certificate', `signed by ${head.signers} of ${format.count(head.validators, 'validator')}, ${format.whole(head.certificateBytes)} bytes`);
  fill('digest', format.short(head.digest));
  attribute(the('digest'), 'title', head.digest);
  each(the('checked'), head.checked ?? [], (/** @type {string} */ c) => c, () => make('li'), (li, c) => write(li, sentence(c)));
}

/** @param {State} s */
function drawAudit(s) {
  const {last, wrong, sound, history} = s.audit;
  if (!last) return;
  const shown = wrong ?? last;
  attribute(the('audit-last'), 'data-outcome', shown.outcome.type);
  fill('audit-last', auditWords(shown));
  const why =
    shown.outcome.type === 'notAudited'
      ? 'Its blocks were checked all the same, and nothing is known to be wrong; but nobody recomputed here who is ranked and paid.'
      : shown.outcome.type === 'wrong'
        ? 'See the alarm at the top of this page. Nothing is signed any more.'
        : [sound > 1 && `${format.count(sound, 'epoch')} sound since this tab joined.`, shown.bytes && `${format.bytes(shown.bytes)} fetched for the last.`].filter((t) => t).join(' ');
  show(the('audit-why'), why !== '');
  fill('audit-why', why);
  show(the('audit-table'), history.length > 1);
  each(
    rowsOf('audit-table'),
    history.slice(-SHOWN).reverse(),
    (a) => `${a.epoch}`,
    () => cells(['Epoch', 'Outcome', 'Took'], [2]),
    (row, a) => {
      write(row.children[0], format.whole(a.epoch));
      write(row.children[1], brief(a));
      attribute(row.children[1], 'data-outcome', a.outcome.type);
      attribute(row.children[1], 'title', auditWords(a));
      write(row.children[2], a.millis == null ? '–' : format.duration(a.millis));
    },
  );
}

/** An outcome in a few words. @param {Audit} audit */
function brief({outcome}) {
  if (outcome.type === 'sound') return `sound, ${format.count(outcome.transactions, 'transaction')}`;
  if (outcome.type === 'wrong') return `differs: ${outcome.uid == null ? '' : `peer ${outcome.uid}, `}${outcome.figure}`;
  return 'not recomputed';
}

/** @param {State} s */
function drawStanding(s) {
  const {own} = s;
  if (!own) return;
  const registered = own.uid != null;
  fill('uid', registered ? `peer ${own.uid}` : 'not registered yet');
  fill('stake', format.amount(own.stake));
  fill('balance', `${format.amount(own.balance)}${s.identity?.cold ? ', of the cold key' : ''}`);
  fill('place', registered ? `${format.ordinal(own.place)} of ${format.count(own.peers, 'peer')}` : '–');
  fill('rank', registered && own.rank != null ? `${format.percent(own.rank)} of the whole` : '–');
  fill('chain-loss', own.loss == null ? 'none' : `${format.signed(own.loss)}${own.loss < 0 ? ', rewards are paid' : ', rewards wait'}`);
  fill('scaling', registered ? format.fixed(own.scaling, 3) : '–');
  /** @type {[number, string][]} */
  const unbonding = own.unbonding ?? [];
  show(the('unbonding-line'), unbonding.length > 0);
  fill('unbonding', unbonding.map(([due, base]) => `${format.amount(base)} at block ${format.whole(due)}`).join('; '));
}

/** The alarm of an audit that differs, above everything else. @param {State} s */
export function drawAlarm(s) {
  const {wrong} = s.audit;
  const alarm = the('alarm');
  if (wrong?.outcome.type === 'wrong' && alarm.hidden) {
    const {table, uid, figure, chain, own} = wrong.outcome;
    const who = uid == null ? 'the chain as a whole' : `peer ${uid}${uid === s.own?.uid ? ', this tab' : ''}`;
    fill('alarm-says', `A quorum of validators signed the end of epoch ${format.whole(wrong.epoch)}. By the rules of the chain it does not follow from what they signed before it. The first figure that differs:`);
    fill('alarm-block', `${format.whole(wrong.height)}, the last of epoch ${format.whole(wrong.epoch)}`);
    fill('alarm-peer', `${who}${uid != null && s.keys[uid] ? ` (${format.short(s.keys[uid])})` : ''}`);
    fill('alarm-figure', `${figure}${table ? `, in the table of ${table.toLowerCase()}` : ''}`);
    fill('alarm-chain', chain);
    fill('alarm-own', own);
  }
  show(alarm, wrong != null);
}

/** Makes the alarm's buttons work. @param {() => State} state @param {() => void} reload */
export function startAlarm(state, reload) {
  the('alarm-reload').addEventListener('click', reload);
  the('alarm-save').addEventListener('click', () => {
    const {audit, identity, head} = state();
    const found = {chain: identity?.chain, head: {height: head?.height, digest: head?.digest}, wrong: audit.wrong, history: audit.history};
    save(`peerage-audit-epoch-${audit.wrong?.epoch}.json`, `${JSON.stringify(found, null, 2)}\n`, 'application/json');
  });
}
