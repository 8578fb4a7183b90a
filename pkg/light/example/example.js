// @ts-check
// A page that follows a chain by the light client and does nothing else. Its nodes may be named in the address: `?node=https://a.example`.

import {createLightClient, indexedDBStore, LightError} from '../index.js';

const TOKEN = 1_000_000_000n;

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const begin = /** @type {HTMLFormElement} */ (at('begin'));
const prove = /** @type {HTMLFormElement} */ (at('prove'));
const nodes = /** @type {HTMLTextAreaElement} */ (begin.elements.namedItem('nodes'));

/** @type {import('../index.js').LightClient|undefined} */
let client;

/** @param {string} id @param {string} text */
const show = (id, text) => (at(id).textContent = text);

/** @param {unknown} error */
function tell(error) {
  const line = document.createElement('li');
  line.textContent = error instanceof LightError ? `${error.message} (${error.code})` : String(error);
  at('alarms').append(line);
}

async function follow() {
  await client?.close();
  client = await createLightClient({
    sources: nodes.value.split(/\s+/).filter(Boolean),
    store: indexedDBStore(),
    onEvent(event) {
      if (event.type === 'trust') show('trusted', `${event.trusted}: block ${event.checkpoint.height} of chain ${event.checkpoint.chain}`);
      if (event.type === 'head') show('head', `${event.head.height}, signed by ${event.head.signers} of ${event.head.validators}: ${event.head.digest}`);
      if (event.type === 'audit') show('audit', audit(event.audit));
      if (event.type === 'alarm') tell(new LightError(event.code === 'stopped' ? 'stopped' : 'unavailable', event.message));
      if (client) show('sources', client.sources.map(({name, lied}) => (lied ? `${name} (lied)` : name)).join(', '));
    },
  });
}

/** @param {import('../index.js').Audit} audit */
function audit(audit) {
  if (audit.outcome === 'sound') return `${audit.epoch}: every figure of ${audit.peers} peers is as computed here`;
  return `${audit.epoch}: ${audit.outcome === 'wrong' ? audit.difference.message : `not audited: ${audit.reason}`}`;
}

begin.addEventListener('submit', (event) => {
  event.preventDefault();
  follow().catch(tell);
});

prove.addEventListener('submit', async (event) => {
  event.preventDefault();
  const key = /** @type {HTMLInputElement} */ (prove.elements.namedItem('key')).value;
  try {
    if (!client) throw new LightError('unavailable', 'follow a chain first');
    const account = await client.account(key);
    show('account', account.there ? `${tokens(account.value.balance)} tokens, proven at block ${account.height}` : `no such account, says ${account.source}`);
  } catch (error) {
    tell(error);
  }
});

/** @param {bigint} units */
const tokens = (units) => `${units / TOKEN}.${String(units % TOKEN).padStart(9, '0')}`;

const named = new URL(location.href).searchParams.getAll('node');
nodes.value = (named.length > 0 ? named : [location.origin]).join('\n');
if (named.length > 0) follow().catch(tell);
