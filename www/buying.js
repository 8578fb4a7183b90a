// @ts-check
/** Asking others without training: whom, for what price, what they answer; and the own price. */

import {className, goOn, look, patches, ranked} from './asking.js';
import {confirm} from './confirm.js';
import {attribute, each, fill, make, show, the, write} from './dom.js';
import * as format from './format.js';
import {amount} from './intents.js';
import {sentence} from './lines.js';
import {name, neighbours} from './measures.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Connection} Connection */

const TEXT = 1; // bits of modalities
const IMAGE = 2;
const WINDOW = 64; // bytes of context that text models here are taught with
const POSITIONS = 1024; // that a price is for

let asking = false;
/** Ends the asking under way. */
let enough = false;

/** Whom there is to ask. @param {State} s */
const sellers = (s) => neighbours(s).filter((c) => c.key != null);

/** @param {Connection} c @param {State} s */
const offer = (c, s) => `${name(s, c.key)} (${c.kind}): ${c.price && c.price !== '0' ? `${format.amount(c.price)} for ${POSITIONS.toLocaleString('en')} positions` : 'names no price'}`;

/** @param {State} s */
export function drawBuying(s) {
  show(the('buying'), s.joinedAt != null);
  if (s.joinedAt == null) return;
  const list = sellers(s);
  const select = /** @type {HTMLSelectElement} */ (the('seller'));
  each(select, list, (c) => c.peer, (c) => Object.assign(make('option'), {value: c.peer}), (option, c) => write(option, offer(c, s)));
  const seller = list.find((c) => c.peer === select.value);
  const price = BigInt(seller?.price ?? '0');
  const active = s.phase === 'running' || s.phase === 'paused' || s.phase === 'joining';
  fill(
    'buying-state',
    list.length === 0
      ? 'Nobody is connected who could be asked.'
      : `${format.count(list.length, 'peer')} can be asked. Those without stake are answered last, unless they have paid.`,
  );
  const credit = seller && s.credits[seller.peer];
  fill('credit', credit && credit.positions !== '0' ? `Up to ${format.whole(Number(credit.positions))} positions are paid for and not used yet.` : '');
  show(the('pay-form'), price > 0n);
  /** @type {HTMLButtonElement} */ (the('pay')).disabled = !active || !seller;
  const sum = amount(/** @type {HTMLInputElement} */ (the('pay-amount')).value);
  fill('pay-worth', price > 0n && 'base' in sum ? `buys ${format.whole(Number((BigInt(sum.base) * BigInt(POSITIONS)) / price))} positions: a byte of text that is asked for takes up to ${WINDOW}` : '');
  const text = seller == null || ((seller.modalities ?? TEXT) & TEXT) !== 0;
  const image = seller != null && ((seller.modalities ?? 0) & IMAGE) !== 0;
  show(the('ask-form'), text);
  show(the('look-form'), image);
  const button = /** @type {HTMLButtonElement} */ (the('ask'));
  button.disabled = !seller || (!asking && !active);
  write(button, asking ? 'Enough' : 'Ask');
  /** @type {HTMLButtonElement} */ (the('look')).disabled = !seller || asking || !active;
  fill('price-state', s.price === '0' ? 'Nothing: others without stake are answered last, and for nothing.' : `${format.amount(s.price)} for ${POSITIONS.toLocaleString('en')} positions.`);
  show(the('price-part'), s.source.type !== 'nothing');
}

/**
 * Makes the forms work.
 * @param {{state: () => State, draw: () => void, put: (event: any) => void, tab: () => any}} with_
 */
export function startBuying({state, draw, put, tab}) {
  const seller = () => {
    const peer = /** @type {HTMLSelectElement} */ (the('seller')).value;
    return sellers(state()).find((c) => c.peer === peer);
  };
  const fault = (/** @type {unknown} */ error) => fill('ask-fault', sentence(error instanceof Error ? error.message : String(error)));
  for (const id of ['seller', 'pay-amount']) the(id).addEventListener('input', draw);

  the('pay-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (the('pay-amount'));
    const why = pay(input.value, seller(), state(), () => fill('pay-said', 'Asked for. When the payment is final the seller is shown it by itself.'));
    fill('pay-fault', why ?? '');
    attribute(input, 'aria-invalid', why ? 'true' : null);
    if (why) input.focus();
  });

  the('ask-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    if (asking) {
      enough = true;
      return;
    }
    const to = seller();
    const bytes = new TextEncoder().encode(/** @type {HTMLTextAreaElement} */ (the('ask-text')).value);
    fill('ask-fault', '');
    if (!to) return;
    if (bytes.length === 0) return fault('Write how the text begins');
    asking = true;
    enough = false;
    draw();
    const output = the('ask-answer');
    output.textContent = '';
    const decoder = new TextDecoder();
    let positions = 0;
    const started = performance.now();
    let count = 0;
    try {
      const how = {most: number('ask-bytes', 1, 1000), window: WINDOW, temperature: number('ask-temperature', 0, 5)};
      const next = async (/** @type {Uint8Array} */ window) => {
        positions += window.length;
        const logits = await tab().logits(to.peer, {type: 'text', bytes: window});
        put({type: 'page:used', peer: to.peer, positions: window.length});
        return logits;
      };
      for await (const byte of goOn(bytes, how, next)) {
        output.append(decoder.decode(Uint8Array.of(byte), {stream: true}));
        count += 1;
        fill('ask-said', `${format.count(count, 'byte')}, ${format.whole(positions)} positions asked, ${format.duration((performance.now() - started) / count)} a byte`);
        if (enough) break;
      }
      output.append(decoder.decode());
    } catch (error) {
      fault(error);
    } finally {
      asking = false;
      draw();
    }
  });

  the('look-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const to = seller();
    const file = /** @type {HTMLInputElement} */ (the('look-file')).files?.[0];
    fill('ask-fault', '');
    if (!to) return;
    if (!file) return fault('Choose a picture first');
    asking = true;
    draw();
    try {
      const picture = patches(await look(file), /** @type {HTMLInputElement} */ (the('look-ink')).checked);
      const logits = await tab().logits(to.peer, picture);
      put({type: 'page:used', peer: to.peer, positions: picture.seq});
      const best = ranked(logits).slice(0, 3);
      fill('look-answer', `${best.map(({index, share}) => `${className(index, logits.length)} ${format.percent(share)}`).join(', ')}.`);
    } catch (error) {
      fault(error);
    } finally {
      asking = false;
      draw();
    }
  });

  the('price-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (the('price'));
    const zero = /^\s*0*([.]0*)?\s*$/.test(input.value);
    const sum = zero ? {base: '0'} : amount(input.value);
    const why = 'fault' in sum ? sum.fault : null;
    fill('price-fault', why ?? '');
    attribute(input, 'aria-invalid', why ? 'true' : null);
    if ('fault' in sum) return input.focus();
    tab()?.price(sum.base);
    put({type: 'page:price', price: sum.base});
    fill('price-said', 'Told to the neighbours.');
  });
}

/** Pays a seller, once a person has said yes. Why not, or null. @param {string} text @param {Connection|undefined} seller @param {State} s @param {() => void} then */
function pay(text, seller, s, then) {
  if (!seller?.key) return 'Choose whom to pay.';
  const uid = s.neurons[seller.key]?.uid;
  if (uid == null) return 'This peer has no place on the ledger yet, so that nothing can be paid to it.';
  const sum = amount(text);
  if ('fault' in sum) return sum.fault;
  if (s.own && BigInt(sum.base) > BigInt(s.own.balance)) return `More than there is: the balance is ${format.amount(s.own.balance)}.`;
  return confirm({type: 'purchase', from: s.identity?.cold ? 'cold' : 'hot', seller: seller.key, amount: sum.base}, then);
}

/** A number of a field, within bounds. @param {string} id @param {number} least @param {number} most */
function number(id, least, most) {
  const value = Number(/** @type {HTMLInputElement} */ (the(id)).value);
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : least;
}
