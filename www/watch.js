// @ts-check
/**
 * Several tabs of one browser: the one that has its identity shows what it knows to others that only watch. They ask, once a second
 * and only while somebody looks at them; what they get is a copy, and nothing they do changes anything in the other.
 *
 * Only pages of this address hear each other (BroadcastChannel). What goes over is the state that is drawn: no key is part of it.
 */

/** @typedef {import('./types.js').State} State */

const CHANNEL = 'peerage.watch';
const LOCK = 'peerage.identity'; // held by the tab that has this browser's identity
const LOOK_MS = 1000;
const GONE_MS = 6000; // without an answer the other is as good as closed

/** Answers those that watch. @param {() => State|null} shown  null: there is nothing to watch here */
export function startWatched(shown) {
  const channel = open();
  channel?.addEventListener('message', ({data}) => {
    if (data !== 'look') return;
    const state = shown();
    if (state) channel.postMessage({state});
  });
}

/**
 * Watches the tab that runs, until it is gone.
 * @param {{take: (state: State) => void, gone: (ever: boolean) => void}} with_  `ever`: whether there was one at all
 */
export function watch({take, gone}) {
  const channel = open();
  if (!channel) return gone(false);
  let heard = Date.now();
  let ever = false;
  channel.addEventListener('message', ({data}) => {
    if (!data?.state) return;
    heard = Date.now();
    ever = true;
    take(data.state);
  });
  const look = () => {
    if (document.hidden) return void (heard = Date.now()); // nobody looks, nobody waits
    if (Date.now() - heard > GONE_MS) {
      clearInterval(timer);
      channel.close();
      return gone(ever);
    }
    channel.postMessage('look');
  };
  const timer = setInterval(look, LOOK_MS);
  document.addEventListener('visibilitychange', look);
  look();
}

/** Whether another tab of this browser has its identity. */
export async function taken() {
  try {
    const {held} = await navigator.locks.query();
    return held?.some((lock) => lock.name === LOCK) ?? false;
  } catch {
    return false; // no locks, no way to know
  }
}

/** The lock of the identity if it is free, held until what this gives is called; null where another tab has it. @returns {Promise<(() => void)|null>} */
export function lock() {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    navigator.locks
      .request(LOCK, {ifAvailable: true}, (held) => {
        if (held === null) return resolve(null);
        return new Promise((end) => resolve(() => end(undefined)));
      })
      .catch(() => resolve(() => {}));
  });
}

/** Null where pages of this address may not hear each other: Firefox forbids it where a person blocks cookies and site data. */
function open() {
  try {
    return new BroadcastChannel(CHANNEL);
  } catch {
    return null;
  }
}
