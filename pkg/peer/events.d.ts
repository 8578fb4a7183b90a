// What a tab says, and the words that it is told in. Keys, digests and roots are lower-case hexadecimal, peer ids base58, times ms since
// 1970, amounts base units (10⁹ a token) as text, losses nats a target: a byte of text, a frame of speech, a picture.

/** Everything that a peer tells, in order, told apart by `type`. */
export type PeerEvent = PageEvent | TrainerEvent | AuditorEvent;

/** The events of one type. */
export type EventOf<T extends PeerEvent['type']> = Extract<PeerEvent, { type: T }>;

/** Of the tab and its network. */
export type PageEvent =
  /** What the browser can do. Without WebGPU the processor trains, without WebRTC all goes through the node. */
  | { type: 'browser'; webgpu: boolean; webrtc: boolean; locks: boolean }
  /** Who this tab is; again whenever its keys change. */
  | {
      type: 'identity';
      /** Hot key: signs rows. */
      key: string;
      chain: string;
      peer: string;
      /** Whether it is from an earlier visit; null: for this tab alone, since another tab of this browser has the keys. */
      kept: boolean | null;
      /** Cold key: owns the stake; null: the hot key does. */
      cold: string | null;
      /** Whether the cold key is in a file; it can be saved only once. */
      backedUp: boolean;
    }
  | Network
  /** A peer was turned away. */
  | { type: 'refused'; peer: string; reason: string }
  /** Something about learning that a person should know; after a fatal one nothing is learned any more. */
  | { type: 'trouble'; message: string; fatal: boolean }
  /** Something about the ledger that a person should know; after a fatal one nothing is signed any more. `stale`: a newer beginning is
   * being fetched, and checking goes on from there. */
  | { type: 'alarm'; message: string; fatal: boolean; stale: boolean }
  /** A seller owes so many positions: in all where `all` is true, else on top of what it owed before. */
  | { type: 'credit'; peer: string; positions: number; all: boolean }
  /** Everything has ended. */
  | { type: 'stopped' };

/** Where the network stands; at least once a second. */
export interface Network {
  type: 'network';
  /** The own peer id. */
  peer: string;
  node: { up: boolean; reason: string | null; retryMs: number | null };
  connections: Connection[];
  /** Bytes of messages since the start. */
  bytesIn: number;
  bytesOut: number;
  exchanges: {
    /** Own asks answered and gradients applied, by all tabs and by all residents. */
    tab: number;
    resident: number;
    asked: Tally;
    served: Tally;
    /** Own asks and gradients refused, lost or late. */
    failed: number;
  };
}

/** A connected peer. */
export interface Connection {
  peer: string;
  /** Its hot key, once its record is verified. */
  key: string | null;
  kind: 'node' | 'resident' | 'tab' | null;
  /** Relayed: by a circuit through the node; direct: WebRTC, browser to browser. */
  path: 'websocket' | 'relayed' | 'direct';
  /** Round trip, ms. */
  rtt: number | null;
  /** What it represents, once its record is verified: 1 text, 2 pictures, 4 speech, 8 tables, added up. */
  modalities: number | null;
  /** Base units for 1,024 positions; "0": not for sale. */
  price: string | null;
}

/** Exchanges by path. */
export interface Tally {
  websocket: ByKind;
  relayed: ByKind;
  direct: ByKind;
}
/** Exchanges by kind of neighbour. */
export interface ByKind {
  residents: number;
  tabs: number;
}

/** Of the model and what it learns. */
export type TrainerEvent =
  /** The module that trains is loaded. */
  | { type: 'loaded' }
  /** Where it trains, why there, and the steps a second that each device did where both were measured. */
  | { type: 'device'; kind: string; name: string; why: string; cpu?: number; gpu?: number }
  /** So many bytes of what is given to learn from were taken, and of how many where that is known. */
  | { type: 'reading'; done: number; of: number }
  | Dataset
  /** What was given cannot be learned from; what was learned before goes on. */
  | { type: 'unusable'; source: Source; reason: string }
  | Step
  /** What each neighbour was worth lately, the own key among them. */
  | { type: 'scores'; scores: Score[] }
  | Validation
  /** A neighbour's answer could not be used; it is masked for a while. */
  | { type: 'blamed'; peer: string; reason: string }
  | ModelKept
  /** The model of an earlier visit goes on from this step. */
  | { type: 'modelRestored'; step: number; bytes: number }
  /** What was kept cannot be used; the model begins anew. */
  | { type: 'modelDamaged'; reason: string }
  /** The model as a safetensors file. */
  | { type: 'exported'; step: number; bytes: Uint8Array }
  /** The model of a file goes on from this step. */
  | { type: 'imported'; step: number };

/** What is learned from now. */
export interface Dataset {
  type: 'dataset';
  source: Source;
  /** One sentence: how much of what, how it was read, what was left out. */
  words: string;
  /** As those of a connection. */
  modalities: number;
  /** Classes of a target; 256 where it is the next byte. */
  classes: number;
  /** Whether each position has a target; else each example has one, and accuracy means something. */
  each: boolean;
  /** Bytes of the own part, and where it begins in the whole. */
  bytes: number;
  offset: number;
  /** Whether nobody is asked. */
  private: boolean;
  /** How answers and gradients travel: "f32", "f16" or "int8". */
  answers: string;
  gradients: string;
}

/** A training step. */
export interface Step {
  type: 'step';
  /** Its number, from 1. */
  step: number;
  /** Loss with the answers of peers; absent when nobody answered. */
  withPeers?: number;
  /** Loss of the own model alone. */
  alone: number;
  /** Loss with the students in the peers' place. */
  student: number;
  /** KL(network ‖ student), nats. */
  distillation?: number;
  /** Targets learned from. */
  tokens: number;
  /** Milliseconds of the step, and of it those spent waiting for peers, computing, reading back, and moving the weights. */
  millis: number;
  waited: number;
  launch: number;
  read: number;
  update: number;
  /** Peer ids of those that answered, and of those that were asked and did not. */
  answered: string[];
  missed: string[];
  /** Peers in whose place their student stood, or nothing. */
  stoodIn: number;
  /** Examples sent, as a share of asking every known peer about all of them. */
  share: number;
  /** Steps that these asks were out before their answers were used. */
  ahead: number;
  /** Bytes of inputs and gradients sent, and of answers received. */
  sent: number;
  received: number;
  /** Gradients of others applied, and asks of others answered, since the last step; positions of those that were paid for. */
  applied: number;
  served: number;
  sold: number;
}

/** What a neighbour was worth lately. */
export interface Score {
  key: string;
  score: number;
  /** Standard error of the score. */
  error: number;
  fisher: number;
  /** Its part in what the loss falls by with all answers, nats. */
  gain: number;
  /** Change of the loss when its answers are taken away, nats; absent before it was tried. */
  exact?: number;
  /** Its share of the gate. */
  mass: number;
}

/** The held-out part, looked at in three ways. */
export interface Validation {
  type: 'validation';
  step: number;
  withPeers?: number;
  alone: number;
  student: number;
  /** Share of examples that are right with peers, alone, by the student; absent where each position has a target. */
  accuracy?: [number | undefined, number | undefined, number | undefined];
  examples: number;
}

/** The model is kept as it is after this step. */
export interface ModelKept {
  type: 'modelKept';
  step: number;
  bytes: number;
  place: Place;
  /** Why nothing more is kept. */
  reason?: string;
}

/** Files of this browser; or nowhere but here, since another tab has the files or the browser has none. */
export type Place = 'opfs' | 'memory';

/** Of the ledger, each verified by this tab. */
export type AuditorEvent =
  | Head
  /** An epoch was recomputed here, in `millis`, from `bytes` of verified tables and blocks. */
  | { type: 'audit'; epoch: number; height: number; outcome: Outcome; millis: number; bytes: number }
  | Own
  | Proposal
  /** Everyone on the ledger, with stake in base units. */
  | { type: 'neurons'; neurons: [uid: number, key: string, stake: string][] }
  /** Whose stake stands behind this peer, by hot key: stake times the weight given to it, as a share of the largest such product. */
  | { type: 'askers'; askers: [key: string, weight: number][] }
  /** The proof of work of the registration: hashes tried, expected, a second. */
  | { type: 'working'; tried: number; expected: number; rate: number; paused: boolean }
  /** Where an own transaction stands. */
  | { type: 'transaction'; digest: string; action: string; signer: Signer; state: TransactionState }
  /** A source lied and is not asked any more while there are others. */
  | { type: 'dropped'; source: string; reason: string }
  /** What is kept for the next visit. */
  | { type: 'kept'; bytes: number; epochs: number; place: Place }
  /** What was kept has been verified again. */
  | { type: 'restored'; height: number; epochs: number; tables: boolean }
  /** What was kept on this shelf is damaged; it is fetched anew. */
  | { type: 'damaged'; shelf: string; reason: string };

/** A verified head. */
export interface Head {
  type: 'head';
  height: number;
  digest: string;
  time: number;
  /** Milliseconds between that time and its verification here. */
  lag: number;
  /** How many of how many validators signed. */
  signers: number;
  validators: number;
  certificateBytes: number;
  /** What was checked, in words. */
  checked: string[];
}

/** What the recomputation of an epoch found: all is right, the first figure that is not, or why it was not done. */
export type Outcome =
  | { type: 'sound'; peers: number; transactions: number }
  | { type: 'wrong'; table: string | null; uid: number | null; figure: string; chain: string; own: string }
  | { type: 'notAudited'; reason: string };

/** Own standing, from verified tables; null where a figure is not defined. */
export interface Own {
  type: 'own';
  /** null while not registered. */
  uid: number | null;
  height: number;
  stake: string;
  balance: string;
  /** Place by stake, 1 is the largest, among so many peers. */
  place: number;
  peers: number;
  /** Share of 1. */
  rank: number | null;
  trust: number | null;
  scaling: number;
  /** Of the chain. */
  loss: number | null;
  scalingGradient: Gradient;
  clippingGradient: RowGradient;
  /** Whether that is advice only: the chain does not rank clipped stake. */
  advisory: boolean;
  /** Own row on the ledger, scores of 65,535, and how often it was updated. */
  row: [uid: number, score: number][];
  version: number;
  /** What was unstaked and is not paid out yet. */
  unbonding: [due: number, amount: string][];
  clipped: Gradient;
  paidGradient: RowGradient;
  payoffGradient: RowGradient;
  /** What a person should know to read these. */
  hint: string | null;
}

/** A number, or why it does not exist. */
export type Gradient = { type: 'defined'; value: number } | { type: 'notDefined'; reason: string };
/** A number by uid, or why they do not exist. */
export type RowGradient = { type: 'defined'; values: [uid: number, value: number][] } | { type: 'notDefined'; reason: string };

/** The own row that comes next, scores of 65,535, and what it changes. */
export interface Proposal {
  type: 'proposal';
  policy: Policy;
  /** Whether it was signed; else it waits for the next epoch, or for a person. */
  signed: boolean;
  /** Length of the step, and the length below which the chain wants it. */
  length: number;
  epsilon: number;
  row: [uid: number, score: number][];
  from: [uid: number, score: number][];
  before: Figures;
  after: Figures;
}

/** What an epoch would make of the own peer; null where it is not defined. */
export interface Figures {
  rank: number | null;
  trust: number | null;
  clipped: number | null;
  loss: number | null;
  paid: number | null;
}

/** Included: its effect was seen in verified tables; final: its place in a block is proven. */
export type TransactionState =
  | { type: 'pending' }
  | { type: 'included'; height: number }
  | { type: 'final'; height: number; index: number }
  | { type: 'refused'; reason: string };

/** Which of the two keys. */
export type Signer = 'hot' | 'cold';

/** What the own row follows: the learned scores; the gradient of the own payoff, in which what others took counts `alpha`; a person's
 * `weights`; nothing. */
export type Policy = { type: 'scores' } | { type: 'payoff'; alpha: number } | { type: 'hand' } | { type: 'never' };

/** A transaction that a person wants signed. */
export type Intent =
  /** A step towards this row, shares of any sum. */
  | { type: 'weights'; row: [uid: number, share: number][] }
  | { type: 'transfer'; from: Signer; to: string; amount: string }
  /** Pays the registration of another hot key. */
  | { type: 'sponsor'; key: string }
  /** Pays the own registration in place of a proof of work. */
  | { type: 'subscribe' }
  | { type: 'stake'; uid: number; amount: string }
  | { type: 'unstake'; uid: number; amount: string }
  /** Gives up the place of a peer. */
  | { type: 'leave'; uid: number }
  /** Another hot key for a peer. */
  | { type: 'rekey'; uid: number; hot: string }
  /** Pays the neighbour with this hot key for answers; it is shown the payment when that is final, and `credit` follows. */
  | { type: 'purchase'; from: Signer; seller: string; amount: string };

/** What is learned from. Glyphs and captions are drawn by the tab; captions take a text before them. */
export type Source = { type: 'text' } | { type: 'glyphs' } | { type: 'captions' } | { type: 'files' } | { type: 'microphone'; rate: number };

/** Content of a source, in order: whole files, then the end. Pixels: red, green, blue, opacity; samples: f32, little endian. */
export type Content =
  | { type: 'file'; name: string; size: number }
  | { type: 'piece'; bytes: Uint8Array }
  | { type: 'picture'; name: string; rows: number; columns: number; bytes: Uint8Array }
  | { type: 'end' };

/** One example to ask a neighbour about. `item`: channels, rows and columns of each of `seq` patches. */
export type Question =
  | { type: 'text'; bytes: Uint8Array }
  | { type: 'image'; seq: number; item: [channels: number, rows: number, columns: number]; bytes: Uint8Array };
