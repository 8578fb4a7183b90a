// @ts-check
/** The lab's worker: answers one request after the other, so that a long run never holds up a page. */

import {answer} from './answer.js';

const scope = /** @type {any} */ (self);
let last = Promise.resolve();

scope.onmessage = (/** @type {MessageEvent} */ {data: {id, request}}) => {
  last = last.then(() =>
    answer(request).then(
      (value) => scope.postMessage({id, value}),
      // A trap of the module leaves it unusable: the page starts another worker.
      (error) => scope.postMessage({id, error: error.message ?? String(error), broken: error instanceof WebAssembly.RuntimeError}),
    ),
  );
};
scope.postMessage({ready: true});
