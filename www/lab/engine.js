// @ts-check
/**
 * One worker for all elements of a page. It is started with the first question and ended where a run is given up, since
 * nothing else stops a run. A page of another origin gets a worker that imports ours; where it allows no worker at all, the
 * page's own thread computes.
 */

/** @typedef {import('./types.js').Request} Request */

/** A run that was given up. */
export class GivenUp extends Error {}

/** @typedef {{id: number, request: Request, resolve: (value: any) => void, reject: (error: Error) => void}} Asked */

class Engine {
  /** @type {Map<number, Asked>} in the order in which they were asked */
  #open = new Map();
  /** @type {Worker|null} */
  #worker = null;
  #alone = false;
  #next = 0;

  /**
   * Asks, and gives the answer. An error's message is a sentence.
   * @param {Request} request @param {AbortSignal} [signal] gives it up
   * @returns {Promise<any>}
   */
  ask(request, signal) {
    return new Promise((resolve, reject) => {
      const asked = {id: this.#next++, request, resolve, reject};
      this.#open.set(asked.id, asked);
      signal?.addEventListener('abort', () => this.#giveUp(asked), {once: true});
      this.#send(asked);
    });
  }

  /** @param {Asked} asked */
  async #send(asked) {
    if (this.#alone) {
      const {answer} = await import('./answer.js');
      answer(asked.request).then((value) => this.#done(asked.id, value), (error) => this.#failed(asked.id, error.message ?? String(error)));
      return;
    }
    this.#worker ??= this.#start();
    this.#worker?.postMessage({id: asked.id, request: asked.request});
  }

  /** @returns {Worker|null} */
  #start() {
    const place = new URL('./worker.js', import.meta.url);
    const own = place.origin === location.origin;
    try {
      const url = own ? place : URL.createObjectURL(new Blob([`import ${JSON.stringify(place.href)};`], {type: 'text/javascript'}));
      const worker = new Worker(url, {type: 'module'});
      let ready = false;
      worker.onmessage = ({data}) => {
        ready ||= data.ready === true;
        if (data.broken) this.#restart(data.id);
        if (data.error !== undefined) this.#failed(data.id, data.broken ? 'This scenario ended in a fault of the program. Other settings may work.' : data.error);
        else if (data.id !== undefined) this.#done(data.id, data.value);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        if (this.#worker !== worker) return;
        // A worker that never began is one that this page does not allow.
        if (!ready) this.#onThePage();
        else this.#restart(-1);
      };
      return worker;
    } catch {
      this.#onThePage();
      return null;
    }
  }

  #onThePage() {
    this.#alone = true;
    this.#worker = null;
    for (const asked of this.#open.values()) this.#send(asked);
  }

  /** Starts another worker for all that is open but `without`. @param {number} without */
  #restart(without) {
    this.#worker?.terminate();
    this.#worker = null;
    for (const asked of this.#open.values()) if (asked.id !== without) this.#send(asked);
  }

  /** @param {Asked} asked */
  #giveUp(asked) {
    if (!this.#open.delete(asked.id)) return;
    asked.reject(new GivenUp('given up'));
    if (!this.#alone) this.#restart(asked.id);
  }

  /** @param {number} id @param {any} value */
  #done(id, value) {
    this.#open.get(id)?.resolve(value);
    this.#open.delete(id);
  }

  /** @param {number} id @param {string} message */
  #failed(id, message) {
    this.#open.get(id)?.reject(new Error(message));
    this.#open.delete(id);
  }
}

export const engine = new Engine();

/** @type {Promise<import('./types.js').Scenario[]>|undefined} */
let known;

/** All scenarios, asked once. @returns {Promise<import('./types.js').Scenario[]>} */
export const scenarios = () => (known ??= engine.ask({kind: 'scenarios'}));
