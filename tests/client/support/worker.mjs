// The scenario in a worker: the world comes in, what it saw or what went wrong goes out.

import {scenario} from './scenario.mjs';

self.onmessage = async ({data}) => {
  try {
    postMessage({seen: await scenario('/light/index.js', data)});
  } catch (error) {
    postMessage({error: String(error)});
  }
};
