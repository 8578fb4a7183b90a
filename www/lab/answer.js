// @ts-check
/**
 * Answers what the lab's element asks, with the module: in a worker, or on the page where there can be none. A few runs are
 * kept, so that stepping through one computes it once.
 */

// @ts-ignore the build puts it here, under a name with a hash
import init, {Run, scenarios} from './peerage-lab.js';

/** @typedef {import('./types.js').Request} Request */
/** @typedef {import('./types.js').Recipe} Recipe */

const KEPT = 8;
/** @type {Map<string, any>} */
const runs = new Map();
/** @type {Promise<unknown>|undefined} */
let ready;

/** @param {Request} request @returns {Promise<any>} */
export async function answer(request) {
  await (ready ??= init());
  if (request.kind === 'scenarios') return scenarios();
  const run = of(request.recipe);
  switch (request.kind) {
    case 'run': {
      const outline = run.outline();
      return {outline, drawings: outline.figures.map((/** @type {unknown} */ _, /** @type {number} */ index) => run.figure(index, request.width))};
    }
    case 'formulas':
      return run.formulas(request.step);
    default:
      return run[request.kind]();
  }
}

/** The run of this recipe, computed where it is not kept. @param {Recipe} recipe */
function of({scenario, seed, settings}) {
  const key = JSON.stringify([scenario, seed, settings]);
  const known = runs.get(key);
  const run = known ?? new Run(scenario, seed, settings);
  runs.delete(key);
  runs.set(key, run);
  if (runs.size > KEPT) {
    const [oldest] = runs.keys();
    runs.get(oldest)?.free();
    runs.delete(oldest);
  }
  return run;
}
