// What a program does with the light client, the same in a page, in a worker and in Node.js; what it saw comes back as plain values.

/** @typedef {import('../../../pkg/light/index.js').LightClient} Client */
/** @typedef {import('../../../pkg/light/index.js').LightEvent} Event */

/** @param {string} index address of the package @param {{honest: string, liar: string, kept: boolean}} world */
export async function scenario(index, {honest, liar, kept}) {
  const light = /** @type {typeof import('../../../pkg/light/index.js')} */ (await import(index));
  const store = kept ? light.indexedDBStore() : light.memoryStore();
  const told = /** @type {Event[]} */ ([]);
  const client = await light.createLightClient({sources: [honest], store, history: true, onEvent: (event) => told.push(event)});
  const ready = await client.ready;
  const audit = await next(client, 'audit', ({audit}) => audit.outcome !== 'not-audited' && audit);
  // With another end of an epoch there is something to keep.
  await next(client, 'audit', (event) => event.audit.epoch > audit.epoch);
  const {peers} = client.peers();
  const [first] = peers;
  const account = await client.account(first.cold);
  const neuron = await client.neuron(first.key);
  const row = await client.row(first.uid);
  const standing = await client.standing(first.uid);
  const totals = await client.totals();
  const newest = await client.market();
  const {parameters} = client;
  const {epochs} = client;
  const past = await client.market(epochs?.first ?? 0);
  const future = await fault(client.market(10 ** 9));
  const nobody = await client.account(NOBODY);
  const malformed = await fault(client.account('nothing'));
  const nonsense = await fault(client.submit(new Uint8Array(10)));
  const twice = await fault(async () => client.addSource(honest));
  const {head} = client;
  const waiting = fault(client.account(first.cold));
  await client.close();
  const closed = [await waiting, await fault(client.totals())];

  const again = await light.createLightClient({sources: [honest], store});
  const restored = await next(again, 'restored', (event) => event);
  await again.close();

  const {chain, checkpoint, validators} = await (await fetch(`${honest}/bootstrap.json`)).json();
  const trusted = {chain, ...checkpoint, validators};
  const wary = await light.createLightClient({sources: [liar, honest], checkpoint: trusted});
  const lied = await next(wary, 'alarm', (event) => event.code === 'lied' && event);
  const later = await next(wary, 'head', ({head}) => head);
  const sources = wary.sources;
  const by = wary.trusted;
  await wary.close();

  const fooled = await fault(light.createLightClient({sources: [honest], checkpoint: {...trusted, chain: NOBODY}}));
  const blind = await fault(light.createLightClient({sources: []}));
  const firstTold = told[0];
  return plain({firstTold, newest: {...newest, stake: [...(newest.peers?.stake ?? [])]}, past: {...past, rank: past.rank.length}, epochs, future, parameters, trusted: client.trusted, chain: client.chain, ready, audit, peers, account, neuron, row, standing, totals, nobody, head, malformed, nonsense, twice, closed, restored, lied, later, sources, by, fooled, blind});
}

/** A key that is nobody's: the curve's base point. */
const NOBODY = '5866666666666666666666666666666666666666666666666666666666666666';

/**
 * The next event of a type for which `probe` gives something.
 * @template {Event['type']} T @template R
 * @param {Client} client @param {T} type @param {(event: Extract<Event, {type: T}>) => R} probe @returns {Promise<Exclude<R, false>>}
 */
function next(client, type, probe) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no event ${type}`)), 120_000);
    const stop = client.on(type, (event) => {
      const found = probe(event);
      if (!found) return;
      clearTimeout(late);
      stop();
      resolve(/** @type {Exclude<R, false>} */ (found));
    });
  });
}

/** The name and code of what is thrown. @param {Promise<unknown>|(() => Promise<unknown>)} what */
async function fault(what) {
  try {
    await (typeof what === 'function' ? what() : what);
    return 'none';
  } catch (error) {
    const {name, code} = /** @type {any} */ (error);
    return `${name} ${code}`;
  }
}

/** Amounts as text, so that they can be posted as JSON. @param {unknown} value */
const plain = (value) => JSON.parse(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part)));
