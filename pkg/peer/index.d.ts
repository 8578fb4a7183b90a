// Makes a browser tab a peer of a Peerage network: it trains, asks neighbours and answers them, verifies the ledger, and signs what it
// learned. Needs a page's own thread (WebRTC); the model and the light client run in workers of their own.

import type { Content, Dataset, EventOf, Intent, ModelKept, Network, PeerEvent, Policy, Question, Source, Validation } from './events.js';
export type * from './events.js';

/**
 * Starts a peer. Resolves when it has begun to take part; events tell the rest, and `ready` says when it learns.
 *
 * What fails is a `PeerError`: `unavailable` where no node answers, `other-chain` where this origin has joined another chain before.
 */
export function createPeer(options: PeerOptions): Promise<Peer>;

export interface PeerOptions {
  /** Address of a node, such as `https://node.example`, or several, which are tried in turn. */
  node: string | URL | (string | URL)[];
  /** What to learn from; the node's text where nothing is said. Null: nothing, this tab only asks others and earns nothing. */
  data?: PeerData | null;
  /** Whether nobody is asked, so that nothing of the data leaves the tab. True where nothing is said and the data are your own. */
  private?: boolean;
  /** What to train on; where nothing is said, whichever is faster in a short measurement. */
  device?: 'auto' | 'cpu' | 'gpu';
  /** What the own row follows; the learned scores where nothing is said. */
  policy?: Policy;
  /** What 1,024 positions of logits cost those without stake, base units (10⁹ a token); nothing where nothing is said. */
  price?: bigint | string;
  /** STUN and TURN servers in place of those that the node names; empty: none. */
  iceServers?: (string | IceServer)[];
  /** Seed of the hot key, 64 hexadecimal digits, in place of the one kept in this browser. Whoever reads it signs for this peer. */
  seed?: string;
  /** Whether to take part at once; else `join` does. The ledger is followed before that. */
  join?: boolean;
  /** Hears every event, the first ones too. */
  onEvent?(event: PeerEvent): void;
  /** Folder of the modules, where it is not `modules/` beside this file: a bundler must leave its files as they are. */
  modules?: string | URL;
}

/** A STUN or TURN server, as `RTCIceServer`; TURN needs username and credential. */
export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}

/** What a peer can learn from. Your own data are private where `private` is not said. */
export type PeerData =
  /** The node's text, which everyone on the network has. */
  | 'corpus'
  /** Letters and digits that the tab draws with the fonts of this device; captions: with their names, a bridge between text and pictures. */
  | 'glyphs'
  | 'captions'
  /** A text of yours. */
  | { text: string; name?: string }
  /** A file of yours, by its name: text, CSV with a header, WAV. */
  | { bytes: Uint8Array; name: string }
  /** Files of one sort: texts, CSV with a header, WAV; or pictures. */
  | { files: Iterable<File> }
  /** Mono sound, so many samples a second. */
  | { samples: Float32Array; rate: number }
  /** Content as it comes; without `content` it follows by `give`. */
  | { source: Source; content?: AsyncIterable<Content> };

export interface Peer {
  /** The chain that this tab follows. */
  readonly chain: string;
  /** The node whose word the beginning is. */
  readonly node: URL;
  /** The first data that can be learned from, null where nothing is. Rejects as `learn` does. */
  readonly ready: Promise<Dataset | null>;
  /** Takes part: registers, signs, and trains once there is something to learn from. */
  join(): void;
  /**
   * Learns from something else from now on; what was learned before goes on until that has been read. Rejects with `bad-data` where it
   * cannot be learned from, and with `replaced` where something newer came in between.
   */
  learn(data: PeerData, options?: { private?: boolean }): Promise<Dataset>;
  /** A piece of the newest source, an `end` last. `reading` events tell how much was taken: give no faster. */
  give(content: Content): void;
  /** Whether nobody is asked from now on. */
  private(alone: boolean): void;
  /** Cuts learning off from the network, or ends that: neighbours are neither asked nor answered. */
  offline(cut: boolean): void;
  /** Holds the training, or goes on. Others are answered meanwhile. */
  pause(paused: boolean): void;
  /** What the own row follows from now on. */
  policy(policy: Policy): void;
  /** What 1,024 positions cost from now on, base units; 0: nothing. */
  price(base: bigint | string): void;
  /** Asks for a transaction; `transaction` events, or an `alarm`, tell what becomes of it. */
  ask(intent: Intent): void;
  /** Holds the proof of work of the registration, or goes on with it. */
  work(paused: boolean): void;
  /** What a neighbour makes of this, by its peer id: logits of the next byte, or of the classes. */
  logits(peer: string, question: Question): Promise<Float32Array>;
  /** Looks at the held-out part: with peers, alone, by the student. */
  validate(): Promise<Validation>;
  /** Keeps the model now, for the next visit. */
  keep(): Promise<ModelKept>;
  /** The model as a safetensors file, after this step. */
  exportModel(): Promise<{ step: number; bytes: Uint8Array }>;
  /** Goes on with the model of a safetensors file; gives its step. */
  importModel(file: Uint8Array): Promise<{ step: number }>;
  /** Deletes what is kept of the model of this source, and begins anew. */
  forgetModel(): void;
  /** The text of the cold key's backup file, once: from then on nobody can read the key here. */
  backup(): Promise<string>;
  /** Takes the cold key of a backup file in place of the one kept here. */
  importCold(text: string): Promise<void>;
  /** Ends it: the step is finished, connections are closed, workers end. */
  stop(): Promise<void>;
  /** Ends it and gives up what this browser keeps of any chain, the keys too. Without a backup of the cold key its stake is lost. */
  forgetChain(): Promise<void>;
  /** The last `network` event; null before the first. */
  snapshot(): Network | null;
  /** Hears events of a type; gives what ends that. */
  on<T extends PeerEvent['type']>(type: T, listener: (event: EventOf<T>) => void): () => void;
}

/** Lets the next peer of this origin join another chain than the one before, whose keys stay. What to do about `other-chain`. */
export function unpin(): void;

export type PeerErrorCode =
  /** What was given does not have the shape that is wanted. */
  | 'bad-argument'
  /** It is no address of a node, or what answers there is none. */
  | 'bad-node'
  /** No node answers. */
  | 'unavailable'
  /** The node names another chain than the one this origin has joined before. */
  | 'other-chain'
  /** This browser, or this thread, cannot run a peer. */
  | 'unsupported'
  /** The modules are not where they are looked for. */
  | 'no-modules'
  /** It cannot be learned from. */
  | 'bad-data'
  /** Something newer to learn from came in between. */
  | 'replaced'
  /** Nothing is learned yet. */
  | 'not-learning'
  /** A neighbour, the keys or the model refuse it. */
  | 'refused'
  /** It has ended. */
  | 'stopped'
  /** The module broke: load the page anew. */
  | 'broken';

export class PeerError extends Error {
  readonly code: PeerErrorCode;
  constructor(code: PeerErrorCode, message: string, options?: { cause?: unknown });
}
