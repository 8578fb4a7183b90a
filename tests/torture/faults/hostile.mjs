// Hostile peers: one for each file of crates/lib/lab/src/adversary, registered on the real ledger with stake, signing the rows that the
// strategy of that file would. What a row is made from is what anybody can read: the others' rows and stakes.

import {createHash} from 'node:crypto';
import {sleep} from '../../e2e/support/wait.mjs';
import {within} from '../support/within.mjs';
import {actions, get, Signer, table, towards} from '../support/ledger.mjs';

/** @typedef {import('./index.mjs').Fault} Fault */
/** @typedef {import('../support/system.mjs').System} System */
/**
 * What a strategy looks at.
 * @typedef {{own: number, members: number[], peers: number[], stakes: Map<number, number>, rows: Map<number, Record<string, number>>, worth: Map<number, number>, turn: number}} View
 */
/** @typedef {{members: number, row: (view: View) => Map<number, number>, stakes?: (members: number) => bigint[]}} Strategy */

/** A token, in base units. */
const TOKEN = 1_000_000_000n;
/** What a hostile peer stakes, unless its strategy says otherwise. */
const STAKE = 40n * TOKEN;
const BID = 0.05;
const FEW = 3;

/** The same for all of them. @param {number[]} uids */
const alike = (uids) => new Map(uids.map((uid) => [uid, 1]));
/** What the others think, by their stake. @param {View} view */
const consensus = ({worth, own}) => (worth.size > 0 ? worth : alike([own]));

/** By the name of the adversary's file. @type {Record<string, Strategy>} */
export const STRATEGIES = {
  self_voter: {members: 1, row: ({own}) => alike([own])},
  cabal: {members: 3, row: ({members}) => alike(members)},
  weight_flipper: {members: 1, row: ({peers, members, turn, own}) => {
    const pole = peers.filter((uid) => !members.includes(uid) && uid % 2 === turn % 2);
    return alike(pole.length > 0 ? pole : [own]);
  }},
  lazy_copier: {members: 1, row: consensus},
  under_bidder: {members: 1, row: (view) => {
    const others = [...view.worth].filter(([uid]) => uid !== view.own);
    const sum = others.reduce((total, [, worth]) => total + worth, 0);
    return new Map([[view.own, 1 - BID], ...others.map(([uid, worth]) => /** @type {[number, number]} */ ([uid, sum > 0 ? (BID * worth) / sum : 0]))]);
  }},
  over_bidder: {members: 1, row: (view) => {
    const best = [...view.worth].filter(([uid]) => uid !== view.own).sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, FEW);
    return alike(best.length > 0 ? best.map(([uid]) => uid) : [view.own]);
  }},
  // Its rows are honest; one stake is divided among several of its identities.
  stake_splitter: {members: 4, row: consensus, stakes: (members) => Array.from({length: members}, () => STAKE / BigInt(members))},
};

/** What is in that folder and is no adversary. */
export const NO_STRATEGY = ['trial'];

/** One adversary's peers on this chain. */
class Party {
  /** @type {number[]} */ uids = [];
  turn = 0;
  rows = 0;
  /** Why the last row that was refused was. */ refused = '';

  /** @param {System} system @param {string} name */
  constructor(system, name) {
    this.system = system;
    this.strategy = STRATEGIES[name];
    this.name = name;
    this.signers = Array.from({length: this.strategy.members}, (_, i) => new Signer(createHash('sha256').update(`${name} ${i}`).digest()));
  }

  /** Accounts, places and stakes; what is there already stays. @param {number} port */
  async register(port) {
    const {system} = this;
    const stakes = this.strategy.stakes?.(this.signers.length) ?? this.signers.map(() => STAKE);
    for (const [i, signer] of this.signers.entries()) {
      if (this.uids[i] !== undefined) continue;
      const uid = async () => (await table(port, 'neurons')).leaves.findIndex((peer) => peer.hot === signer.key && !peer.vacant);
      if ((await uid()) < 0) {
        await system.bank(() => system.faucet.final(port, system.chain, actions.transfer(signer.key, stakes[i] + TOKEN), `money for ${this.name} ${i}`));
        await signer.final(port, system.chain, actions.subscribe(signer.key), `the place of ${this.name} ${i}`);
        await signer.final(port, system.chain, actions.stake(await uid(), stakes[i]), `the stake of ${this.name} ${i}`);
      }
      this.uids[i] = await uid();
    }
  }

  /** Every member signs one row. @param {number} port */
  async act(port) {
    const [neurons, weights, {parameters}] = await Promise.all([table(port, 'neurons'), table(port, 'weights'), get(port, '/api/parameters')]);
    const peers = neurons.leaves.flatMap((peer, uid) => (peer.vacant ? [] : [uid]));
    const stakes = new Map(peers.map((uid) => [uid, Number(neurons.leaves[uid].stake)]));
    const rows = new Map(peers.map((uid) => [uid, /** @type {Record<string, number>} */ (weights.leaves[uid].scores)]));
    this.turn += 1;
    for (const [i, own] of this.uids.entries()) {
      /** @type {Map<number, number>} */
      const worth = new Map();
      for (const [uid, row] of rows) {
        if (uid === own) continue;
        for (const [peer, score] of Object.entries(row)) if (peers.includes(Number(peer))) worth.set(Number(peer), (worth.get(Number(peer)) ?? 0) + score * (stakes.get(uid) ?? 0));
      }
      for (const [peer, sum] of worth) if (sum === 0) worth.delete(peer);
      const target = this.strategy.row({own, members: this.uids, peers, stakes, rows, worth, turn: this.turn});
      const row = towards(rows.get(own) ?? {[own]: 65_535}, target, parameters.epsilon);
      const {refused} = await this.signers[i].send(port, this.system.chain, actions.weights(own, row, Math.min(neurons.height, weights.height)));
      if (refused) this.refused = refused;
      else this.rows += 1;
    }
  }
}

/** @type {WeakMap<System, Map<string, Party>>} */
const parties = new WeakMap();

/** Those of a system that have come so far, with the rows that they signed. @param {System} system */
export const partiesOf = (system) => [...(parties.get(system) ?? new Map()).values()].map(({name, rows, refused}) => ({name, rows, refused}));

/** @type {Fault[]} */
export const hostile = Object.keys(STRATEGIES).map((name) => ({
  name: `hostile: ${name}`,
  kind: 'hostile peer',
  draw: () => ({target: name}),
  touches: ({target}) => [`hostile ${target}`],
  async inject(system) {
    const known = parties.get(system) ?? new Map();
    parties.set(system, known);
    const party = known.get(name) ?? new Party(system, name);
    known.set(name, party);
    let over = false;
    // Beside other faults: where no node answers for a while, it tries again.
    const acting = (async () => {
      for (let sure = false; !over; await sleep(1500)) {
        try {
          const port = await system.someone();
          if (!sure) await party.register(port);
          sure = true;
          await party.act(port);
        } catch (error) {
          party.refused = String(error).split('\n')[0];
        }
      }
    })();
    return async () => {
      over = true;
      await within(acting, 90);
    };
  },
}));
