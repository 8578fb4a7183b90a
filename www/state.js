// @ts-check
/**
 * What the page knows, folded from events one after the other. Pure but for the object it changes: time is an argument,
 * nothing is drawn and nothing is fetched here, so that a recorded series of events gives the same state anywhere.
 *
 * Every list has a bound, since some of what is counted is named by other peers. What tells of the ledger is in
 * auditing.js, what tells of learning in training.js.
 */

import {auditing, lose, unaudited} from './auditing.js';
import {rested, resting} from './effort.js';
import {bytes, count, duration, fixed, short} from './format.js';
import {begin, clause, clear, detail, done, ended, fail, FLEETING, LINES, register, sentence, tell} from './lines.js';
import {name, neighbours} from './measures.js';
import {training, untrained} from './training.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').PeerageEvent} PeerageEvent */
/** @typedef {import('./types.js').Step} Step */

const STEPS = 512; // newest steps kept whole
const FIRST = 32; // oldest steps kept whole
const POINTS = 600; // points of the chart; their stride doubles when they are full
const PEERS = 256; // peers whose answers are counted
export const PACE_MS = 30_000; // window of the rates

/** Before anything has happened. @returns {State} */
export function initial() {
  return {
    phase: 'ready',
    watching: false,
    joinedAt: null,
    lines: Object.fromEntries(LINES.map((id) => [id, {state: 'idle', started: null, ended: null, detail: '', help: ''}])),
    messages: [],
    browser: null,
    identity: null,
    chain: null,
    servers: null,
    node: null,
    ...unaudited(),
    device: null,
    ...untrained(),
    ...rested(),
    steps: {count: 0, first: [], last: [], stride: 1, series: [], pending: []},
    pace: [],
    connections: [],
    answers: register(),
    traffic: {in: 0, out: 0, marks: []},
    exchanges: {},
    helped: {served: 0, applied: 0},
    heard: {tab: 0, resident: 0},
  };
}

/** One event into the state, at time `now` (ms). Unknown types change nothing. @param {State} s @param {PeerageEvent} e @param {number} now */
export function fold(s, e, now) {
  for (const part of FOLDS) if (Object.hasOwn(part, e.type)) part[e.type](s, e, now);
}

/** @type {Record<string, (s: State, e: PeerageEvent, now: number) => void>} */
const folds = {
  ...auditing,
  ...training,

  'page:browser'(s, {webgpu, webrtc, secure, missing}, now) {
    s.browser = {webgpu, webrtc, secure, missing, keeps: 'lasting'};
    begin(s, 'browser', now);
    if (missing.length > 0) {
      fail(s, 'browser', now, `This browser lacks ${missing.join(', ')}.`, 'Open this page in a current Chrome, Edge, Firefox or Safari.');
      return;
    }
    const found = `WebGPU ${webgpu ? 'yes' : 'no'}, WebRTC ${webrtc ? 'yes' : 'no'}`;
    done(s, 'browser', now, `Everything needed is here (${found}).`);
    if (!webgpu) {
      const why = secure ? 'This browser offers no WebGPU' : 'Browsers offer WebGPU only over https or on this machine itself';
      tell(s, now, 'webgpu', 'info', `${why}, so this tab will train on the processor. Slower, but it takes part like any other.`);
    }
    if (!webrtc) {
      tell(s, now, 'webrtc', 'info', 'This browser has no WebRTC. Nothing to do: other tabs are reached through the node, which only adds a little delay.');
    }
  },

  'page:storage'(s, {keys, vault, files, left, keeps = 'lasting'}, now) {
    if (s.browser) s.browser.keeps = keeps;
    if (keeps in FLEETING && ended(s, 'browser')) {
      const {until, instead} = FLEETING[keeps];
      Object.assign(s.lines.browser, {
        state: 'note',
        detail: s.lines.browser.detail.replace(/\.$/, `, but nothing is kept when ${until} closes.`),
        help: `Key, stake and model are gone with it. ${instead}`,
      });
    }
    if (keys) {
      tell(s, now, 'unstored', 'warning', `This browser keeps nothing for this page (${clause(keys).replace(/\.$/, '')}). It is so in private windows and where its storage is full. Everything works, but this tab’s key, with what it earns, and its model are gone when it closes. To keep them open the page in an ordinary window, or free some space.`, {action: {id: 'reload', label: 'Look again'}});
      return;
    }
    const without = [vault && 'no place for a cold key, so that the hot key will own the stake', files && 'no files for pages, so that model and ledger begin anew at the next visit (export the model before you close this tab)'].filter((t) => t);
    if (without.length > 0 && keeps === 'lasting') tell(s, now, 'unstored', 'info', `This browser has ${without.join('; and ')}. It may be a private window; an ordinary one keeps them.`);
    if (left != null) tell(s, now, 'little', 'warning', `This device has only ${bytes(left)} left for this page, less than a model may need. Free some space, and it is kept; without it everything works, but the next visit may begin anew.`, {action: {id: 'reload', label: 'Look again'}});
  },

  'page:join'(s, {source}, now) {
    s.phase = 'joining';
    s.joinedAt = now;
    for (const id of ['identity', 'node']) begin(s, id, now);
    detail(s, 'identity', 'Loading the program that checks the ledger.');
    detail(s, 'node', 'Asking this site where its node is.');
    if (source === 'nothing') return;
    for (const id of ['device', 'text']) begin(s, id, now);
    detail(s, 'device', 'Loading the training program, about 3 MB the first time.');
    detail(s, 'text', 'Getting what to learn from.');
  },

  'page:bootstrap'(s, {chain, node, name}) {
    s.chain = chain;
    detail(s, 'node', `Calling ${name ? `the node of “${name}”` : 'the node'}${node ? ` at ${node}` : ''}.`);
  },

  'page:servers'(s, {from, urls}) {
    s.servers = {from, urls};
  },

  'page:failed'(s, {line, text, help}, now) {
    if (s.lines[line]) fail(s, line, now, text, help ?? '');
    tell(s, now, `failed-${line}`, 'error', help ? `${text} ${help}` : text, {action: {id: 'reload', label: 'Load the page again'}});
    s.phase = 'stopped';
  },

  'page:pause'(s, {paused}) {
    if (s.phase === 'running' || s.phase === 'paused') s.phase = paused ? 'paused' : 'running';
    s.pace = [];
  },

  'page:stop'(s) {
    s.phase = 'stopping';
  },

  'page:message'(s, {id, tone, text, action, other, until, retryAt}, now) {
    tell(s, now, id, tone, text, {action, other, until, retryAt});
  },

  'page:clear'(s, {id}) {
    clear(s, id);
  },

  'page:tick'(s, _e, now) {
    s.messages = s.messages.filter((m) => m.until == null || m.until > now);
    s.pace = s.pace.filter((p) => p.at >= now - PACE_MS);
    lose(s, now);
  },

  identity(s, {key, chain, peer, kept, cold, backedUp}, now) {
    const first = s.identity == null;
    s.identity = {key, chain, peer: peer ?? null, cold: cold ?? null, backedUp: backedUp === true, kept: kept ?? null};
    if (s.identity.backedUp) clear(s, 'backup');
    if (first) {
      const fresh = s.browser?.keeps === 'window' ? 'New key, kept until this private window closes' : 'New key, kept in this browser';
      done(s, 'identity', now, `${kept === true ? 'Key from your last visit' : kept === false ? fresh : 'Key ready, for this tab alone'}: ${short(key)}. Its secret never leaves this browser.`);
    }
  },

  network(s, e, now) {
    if (Array.isArray(e.connections)) connections(s, e.connections, now);
    if (e.node) node(s, e.node, now);
    if (typeof e.bytesIn === 'number') {
      s.traffic.in = e.bytesIn;
      s.traffic.out = e.bytesOut;
      const {marks} = s.traffic;
      marks.push({at: now, in: e.bytesIn, out: e.bytesOut});
      while (marks.length > 2 && marks[0].at < now - PACE_MS) marks.shift();
    }
    if (e.exchanges) s.exchanges = e.exchanges;
  },

  step(s, e, now) {
    const step = /** @type {Step} */ (/** @type {unknown} */ (e));
    if (s.phase === 'joining') s.phase = 'running';
    if (!ended(s, 'step')) {
      begin(s, 'step', now);
      done(s, 'step', now, `Took ${duration(step.millis)}; loss ${fixed(step.alone, 2)} nats.`);
    }
    remember(s, step);
    s.pace.push({at: now, step: step.step, tokens: step.tokens, busy: Math.max(0, step.millis - step.waited)});
    while (s.pace.length > 2 && s.pace[0].at < now - PACE_MS) s.pace.shift();
    for (const peer of step.answered) {
      answer(s, peer, now).answered += 1;
      const kind = s.connections.find((c) => c.peer === peer)?.kind;
      if (kind === 'tab' || kind === 'resident') s.heard[kind] += 1;
    }
    for (const peer of step.missed) answer(s, peer, now).missed += 1;
    s.helped.served += step.served ?? 0;
    s.helped.applied += step.applied ?? 0;
    if (step.answered.length > 0) neighbour(s, now, 'answered');
  },

  blamed(s, {peer, reason}, now) {
    const a = answer(s, peer, now);
    a.blamed += 1;
    a.reason = reason;
    const c = s.connections.find((x) => x.peer === peer);
    tell(s, now, `blamed-${peer}`, 'info', `A neighbour (${c?.key ? name(s, c.key) : `…${peer.slice(-6)}`}) gave an answer that cannot be used: ${clause(reason)} It is left out for a while.`, {until: now + 15_000});
  },

  trouble(s, {message, fatal}, now) {
    s.validating = false; // what was under way may have come to nothing
    if (!fatal && /going on with the CPU/i.test(message)) return lostDevice(s, now, message);
    tell(s, now, fatal ? 'trouble' : `trouble-${message.slice(0, 40)}`, fatal ? 'error' : 'warning', `${fatal ? 'Training has ended: ' : 'Training: '}${clause(message)}${fatal ? ' Join again to go on.' : ''}`, {
      until: fatal ? null : now + 30_000,
      action: fatal ? {id: 'again', label: 'Join again'} : null,
    });
    if (!fatal) return;
    for (const id of ['device', 'text', 'step']) if (s.lines[id].state === 'waiting') fail(s, id, now, sentence(message), 'Press Stop, then join again.');
  },

  stopped(s) {
    s.phase = 'stopped';
    clear(s, 'backup'); // nothing is there any more that could give the key
    clear(s, 'node'); // nor anything that would reconnect
  },
};

/** An event may concern several parts. */
const FOLDS = [folds, resting];

/** The node went or came. @param {State} s @param {any} n @param {number} now */
function node(s, n, now) {
  const before = s.node;
  const retryAt = n.up || n.retryMs == null ? null : now + n.retryMs;
  const times = (before?.times ?? 0) + (n.up && !before?.up ? 1 : 0);
  const same = before != null && before.up === n.up;
  s.node = {up: n.up, reason: n.reason ?? '', since: same ? before.since : now, retryAt: same && n.retryMs == null ? before.retryAt : retryAt, times};
  if (n.up) {
    // Who does not train is there as soon as it is connected.
    if (s.phase === 'joining' && s.source.type === 'nothing') s.phase = 'running';
    if (!ended(s, 'node')) {
      done(s, 'node', now, 'Connected. It introduces peers to each other and serves the ledger.');
      begin(s, 'ledger', now);
      detail(s, 'ledger', 'Asking for the newest block and its certificate.');
      begin(s, 'neighbour', now);
      detail(s, 'neighbour', 'Asking the node who else is here.');
    }
    if (before && !before.up && before.times > 0) {
      clear(s, 'node');
      tell(s, now, 'node', 'info', `The node is back after ${duration(now - before.since)}. Connected again.`, {until: now + 12_000});
    } else if (!same) {
      clear(s, 'node');
    }
    return;
  }
  const reason = n.reason ? ` (${n.reason})` : '';
  if ((before?.times ?? 0) > 0) {
    const left = neighbours(s).filter((c) => c.path !== 'relayed').length;
    const company = left === 0 ? 'alone' : `with ${count(left, 'neighbour')} that it reaches without it,`;
    tell(s, now, 'node', 'warning', `The node is gone${reason}. This tab goes on training ${company} and loses nothing; it reconnects by itself.`, {retryAt: s.node.retryAt});
  } else {
    detail(s, 'node', `No answer yet${reason}.`);
    s.lines.node.help = 'Is the node still running, and does nothing between here and there block websockets? It is tried again by itself.';
    tell(s, now, 'node', 'warning', `The node does not answer${reason}.`, {retryAt: s.node.retryAt});
  }
}

/** The graphics chip is gone: the trainer went on with its newest copy. @param {State} s @param {number} now @param {string} why */
function lostDevice(s, now, why) {
  const step = /from step (\d+)/.exec(why)?.[1];
  tell(s, now, 'device-lost', 'warning', `The graphics chip was lost: its driver was restarted, another program took it, or the computer slept. Training goes on with the processor${step ? ` from step ${step}` : ''}; nothing else is lost. Join again to use the graphics chip anew.`, {action: {id: 'again', label: 'Join again'}});
}

/** @param {State} s @param {any[]} list @param {number} now */
function connections(s, list, now) {
  s.connections = list.slice(0, PEERS);
  const [c] = neighbours(s);
  if (c) neighbour(s, now, c.kind === 'tab' ? 'tab' : 'resident');
}

/** @param {State} s @param {number} now @param {'tab'|'resident'|'answered'} how */
function neighbour(s, now, how) {
  if (ended(s, 'neighbour')) return;
  begin(s, 'neighbour', now);
  const who = how === 'tab' ? 'Another tab is' : how === 'resident' ? 'A resident peer is' : 'A peer is';
  done(s, 'neighbour', now, `${who} connected and can be asked.`);
}

/** @param {State} s @param {Step} step */
function remember(s, step) {
  const {steps} = s;
  steps.count = step.step;
  if (steps.first.length < FIRST) steps.first.push(step);
  steps.last.push(step);
  if (steps.last.length > STEPS) steps.last.shift();
  steps.pending.push({step: step.step, withPeers: step.withPeers ?? null, alone: step.alone, student: step.student});
  if (steps.pending.length < steps.stride) return;
  steps.series.push(mean(steps.pending));
  steps.pending = [];
  if (steps.series.length < POINTS) return;
  steps.stride *= 2;
  steps.series = steps.series.reduce((/** @type {import('./types.js').Point[]} */ out, p, i, all) => (i % 2 ? [...out, mean([all[i - 1], p])] : out), []);
}

/** @param {import('./types.js').Point[]} points @returns {import('./types.js').Point} */
function mean(points) {
  /** @param {(p: import('./types.js').Point) => number|null} of */
  const average = (of) => {
    const values = points.map(of).filter((v) => v != null);
    return values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
  };
  return {
    step: points[points.length - 1].step,
    withPeers: average((p) => p.withPeers),
    alone: /** @type {number} */ (average((p) => p.alone)),
    student: /** @type {number} */ (average((p) => p.student)),
  };
}

/** @param {State} s @param {string} peer @param {number} now */
function answer(s, peer, now) {
  const known = s.answers[peer];
  if (known) {
    known.last = now;
    return known;
  }
  const all = Object.values(s.answers);
  if (all.length >= PEERS) {
    const oldest = all.reduce((a, b) => (a.last <= b.last ? a : b));
    delete s.answers[oldest.peer];
  }
  s.answers[peer] = {peer, answered: 0, missed: 0, blamed: 0, reason: '', last: now};
  return s.answers[peer];
}
