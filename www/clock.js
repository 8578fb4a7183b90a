// @ts-check
/** A worker that rings after a while. Timers of a page are slowed down while nobody sees it; those of its workers are not. */

addEventListener('message', ({data: {id, ms}}) => setTimeout(() => postMessage(id), ms));

export {};
