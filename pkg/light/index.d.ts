// Light client of a Peerage chain. Keys, digests and roots are lower-case hexadecimal, times ms since 1970, amounts base units
// (10⁹ a token) as bigint. Everything given was verified here, but for what is marked as somebody's word.

/** Starts to follow a chain. Resolves when it is known where verification begins; `ready` says when the first head is verified. */
export function createLightClient(options: LightClientOptions): Promise<LightClient>;

export interface LightClientOptions {
  /** Who is asked: addresses of nodes such as `https://node.example`, or anything that answers queries. */
  sources: (string | LightSource)[];
  /** Where verification begins. Without it: the genesis where that is given, else what `/bootstrap.json` of the first node says. */
  checkpoint?: Checkpoint;
  /** The encoded genesis. Without it: from the sources, checked against the chain of the checkpoint. */
  genesis?: Uint8Array;
  /** Keeps what was verified for the next visit: `indexedDBStore()`, or one of your own. */
  store?: LightStore;
  /** Most peers up to which epochs are audited; 16,384 where not said, 0: never. */
  auditUpTo?: number;
  /**
   * Where a node names the checkpoint: verify from genesis on if that is within the trust period, so that `market` can tell of every
   * epoch. One signature of each validator an epoch is the price.
   */
  history?: boolean;
  /** Hears every event, the first ones too. */
  onEvent?(event: LightEvent): void;
  /** The module's bytes or address, where it is not found beside this one. */
  wasm?: BufferSource | URL | string;
}

/** Whoever answers queries; trusted with nothing. */
export interface LightSource {
  /** By which it is named in events; different from that of any other. */
  name: string;
  /** Answers an encoded query with an encoded reply. Rejects where it cannot. */
  ask(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
}

/** A block that is trusted without proof. Get it from somebody you trust, not from the node that you ask. */
export interface Checkpoint {
  chain: string;
  height: number;
  digest: string;
  time: number;
  /** Keys of the validators of the block after it. */
  validators: string[];
}

/** A place for bytes by name. A write that resolves has lasted. */
export interface LightStore {
  read(shelf: string): Promise<Uint8Array>;
  write(shelf: string, bytes: Uint8Array, append: boolean): Promise<void>;
}

export interface LightClient {
  readonly chain: string;
  /** What verification rests on: a checkpoint or genesis of yours, the first node's word, or its word at an earlier visit. */
  readonly trusted: 'checkpoint' | 'genesis' | 'bootstrap' | 'store';
  /** The first verified head of this visit. */
  readonly ready: Promise<Head>;
  /** The newest verified head; `undefined` before the first. */
  readonly head: Head | undefined;
  /** How the newest epoch was found; `undefined` before the first audit. */
  readonly audit: Audit | undefined;
  /** Proof that the validators signed two histories; `undefined` unless they did. */
  readonly evidence: Evidence | undefined;
  /** Who is asked, and whether it was found to lie. */
  readonly sources: { name: string; lied: boolean }[];
  /** The account of a key at the newest head, proven. */
  account(key: string): Promise<Proven<Account>>;
  /** The peer with a hot key at the newest head, proven. */
  neuron(key: string): Promise<Proven<Neuron>>;
  /** The row of a peer at the newest head, proven. */
  row(uid: number): Promise<Proven<Row>>;
  /** What the last epoch found about a peer, proven at the newest head. */
  standing(uid: number): Promise<Proven<Standing>>;
  /** Figures of the whole chain at the newest head, proven. */
  totals(): Promise<Proven<Totals>>;
  /** Everyone in the tables of the newest audited epoch; `LightError` `not-audited` before that. */
  peers(): { height: number; peers: Neuron[] };
  /** What the chain reckons by. */
  readonly parameters: Parameters;
  /** The epochs that `market` can tell of: those whose end is verified here; `undefined` before the first. */
  readonly epochs: { first: number; last: number } | undefined;
  /**
   * The market after an epoch, every table against its root in a verified header. Without a number: that of the newest whole tables,
   * without asking anybody; `LightError` `not-audited` where there are none. `unavailable` where nobody has it.
   */
  market(epoch?: number): Promise<Market>;
  /** Hands in a signed transaction. Resolves with a source's word that it waits; the event `included` is the proof. */
  submit(transaction: Uint8Array): Promise<{ digest: string; source: string }>;
  addSource(source: string | LightSource): void;
  removeSource(name: string): void;
  /** There may be a newer head: ask soon. */
  hint(): void;
  /** Hears events of a type; gives what ends that. */
  on<T extends LightEvent['type']>(type: T, listener: (event: Extract<LightEvent, { type: T }>) => void): () => void;
  /** Ends it: nothing is asked any more, what is waited for is rejected with `closed`. */
  close(): Promise<void>;
}

/** A leaf of the ledger. That there is none cannot be proven by a leaf: then `source` says so. */
export type Proven<T> =
  | { height: number; source: string; there: true; value: T }
  | { height: number; source: string; there: false };

export interface Head {
  height: number;
  digest: string;
  time: number;
  parent: string;
  roots: Record<'accounts' | 'neurons' | 'weights' | 'bonds' | 'epoch' | 'candidates', string>;
  transactions: string;
  /** Digest of the validators of the next block. */
  elects: string;
  /** How many of how many validators signed, each signature checked. */
  signers: number;
  validators: number;
}

export type Audit = { epoch: number; height: number } & (
  | { outcome: 'sound'; peers: number; transactions: number }
  | { outcome: 'wrong'; difference: Difference }
  | { outcome: 'not-audited'; reason: string }
);

/** The first place where the chain differs from what was computed here. */
export interface Difference {
  height: number;
  table?: string;
  uid?: number;
  figure: string;
  chain: string;
  own: string;
  message: string;
}

export interface Evidence {
  height: number;
  first: Signed;
  second: Signed;
}
export interface Signed {
  digest: string;
  header: Uint8Array;
  finalization: Uint8Array;
}

export interface Account {
  key: string;
  balance: bigint;
  nonce: number;
  unbonding: { due: number; amount: bigint }[];
}
export interface Neuron {
  uid: number;
  key: string;
  cold: string;
  modality: number;
  stake: bigint;
  pending: bigint;
  scaling: number;
  registered: number;
  generation: number;
}
export interface Row {
  entries: { uid: number; share: number }[];
  version: number;
  updated: number;
}
export interface Standing {
  rank: number;
  trust: number;
  incentive: number;
  dividend: number;
  paid: bigint;
}
export interface Totals {
  epoch: number;
  height: number;
  loss: number;
  stake: bigint;
  paid: bigint;
  pool: bigint;
  minted: bigint;
  tau: number;
}

export interface Parameters {
  mechanism: 'trust' | 'connectivity' | 'consensus' | 'competitive';
  /** Blocks of an epoch. */
  tempo: number;
  /** Time from block to block, ms. */
  blockMs: number;
  /** How old a checkpoint may be, ms. */
  trustMs: number;
}

/**
 * The market after an epoch, arrays by uid: plain values that can be kept in IndexedDB and sent between threads.
 * Nodes keep the figures of thousands of epochs, and `peers` of the newest few.
 */
export interface Market {
  epoch: number;
  height: number;
  /** Of its last block. */
  time: number;
  /** Whether it was computed again here, and found to be so; else it is what the validators signed. */
  computed: boolean;
  totals: Totals;
  rank: Float64Array;
  trust: Float64Array;
  incentive: Float64Array;
  dividend: Float64Array;
  paid: BigUint64Array;
  /** Who they are and what they think; absent where nobody asked has it any more. */
  peers?: {
    /** Hot keys; empty where the uid is vacant. */
    keys: string[];
    /** Keys of the owners. */
    cold: string[];
    stake: BigUint64Array;
    pending: BigUint64Array;
    scaling: Float64Array;
    /** Height of the registration. */
    registered: Float64Array;
    /** Height of the last update of the row. */
    updated: Float64Array;
    /** W. */
    weights: Matrix;
    /** B; without entries where the mechanism has no bonds. */
    bonds: Matrix;
  };
}

/** A sparse matrix, row by row: row i has the entries `starts[i]` to `starts[i + 1]`. */
export interface Matrix {
  starts: Uint32Array;
  uids: Uint32Array;
  values: Float64Array;
}

export type LightEvent =
  /** Where verification begins. */
  | { type: 'trust'; trusted: LightClient['trusted']; checkpoint: Checkpoint }
  | { type: 'head'; head: Head }
  | { type: 'audit'; audit: Audit }
  /** A submitted transaction is proven to be in a block that a quorum signed. */
  | { type: 'included'; digest: string; height: number; index: number }
  /** What was kept at the last visit was verified again. */
  | { type: 'restored'; height: number; epochs: number; tables: boolean }
  | Alarm;

/** Something is wrong. `why` names the check that failed. After a fatal one nothing more comes. */
export type Alarm = { type: 'alarm'; message: string; fatal: boolean } & (
  | { code: 'lied'; source: string; why: Why }
  | { code: 'reply'; why: Why }
  | { code: 'stalled'; height: number }
  | { code: 'damaged'; shelf: string; why: Why }
  | { code: 'store' }
  | { code: 'wrong-economics'; difference: Difference }
  | { code: 'stopped'; why: Why }
);

export type Why =
  | 'wrong-chain'
  | 'stale-checkpoint'
  | 'not-the-checkpoint'
  | 'bad-validators'
  | 'two-histories'
  | 'unknown-validators'
  | 'bad-link'
  | 'malformed'
  | 'bad-certificate'
  | 'not-rising'
  | 'bad-proof'
  | 'wrong-reply';

export type LightErrorCode =
  | Why
  /** No checkpoint, no genesis, and no node among the sources that could name one. */
  | 'no-checkpoint'
  /** What is given as a source is none, or there is one of this name. */
  | 'bad-source'
  /** Nobody answers. */
  | 'unavailable'
  /** The ledger refuses the transaction, by a source's word. */
  | 'refused'
  /** No epoch was audited yet. */
  | 'not-audited'
  /** It was closed. */
  | 'closed'
  /** Nothing more can be believed: see the fatal alarm. */
  | 'stopped'
  /** The module broke: make a new client. */
  | 'broken';

export class LightError extends Error {
  readonly code: LightErrorCode;
  constructor(code: LightErrorCode, message: string, options?: { cause?: unknown });
}

/** The node at an address, as a source. */
export function nodeSource(address: string): LightSource;
/** A store in IndexedDB, for pages and workers. */
export function indexedDBStore(name?: string): LightStore;
/** A store that lasts as long as the program. */
export function memoryStore(): LightStore;
