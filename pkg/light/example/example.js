import {createLightClient, indexedDBStore} from '../index.js';

const [begin, prove] = document.forms;
const show = (id, text) => (document.getElementById(id).textContent = text);
const tell = ({message}) => document.getElementById('alarms').append(Object.assign(document.createElement('li'), {textContent: message}));
const hear = {
  trust: ({trusted, checkpoint}) => show('trusted', `${trusted}: block ${checkpoint.height} of chain ${checkpoint.chain}`),
  head: ({head}) => show('head', `${head.height}, signed by ${head.signers} of ${head.validators}: ${head.digest}`),
  audit: ({audit}) => show('audit', `${audit.epoch}: ${audit.reason ?? audit.difference?.message ?? `every figure of ${audit.peers} peers is as computed here`}`),
  alarm: tell,
};

await new Promise((follow) => (begin.onsubmit = follow));
begin.inert = true;
const sources = begin.nodes.value.split(/\s+/).filter(Boolean);
const client = await createLightClient({sources, store: indexedDBStore(), onEvent: (event) => hear[event.type]?.(event)}).catch(tell);
prove.inert = !client;
prove.onsubmit = () => client.account(prove.key.value).then(({there, height, source, value}) => {
  show('account', there ? `${Number(value.balance) / 1e9} tokens, proven at block ${height}` : `no such account, says ${source}`);
}, tell);
