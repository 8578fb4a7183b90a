// Chance from a seed: the same seed draws the same, on every machine and whatever happens meanwhile.

/** A number from any text (FNV-1a). @param {string} text */
function hash(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

export class Random {
  /** @param {string} seed what it is for belongs into it, such as `7/round 3` */
  constructor(seed) {
    this.state = hash(seed);
  }

  /** Evenly from 0 to below 1 (mulberry32). */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. @param {number} from @param {number} to */
  whole(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** One of them. @template T @param {readonly T[]} all @returns {T} */
  pick(all) {
    if (all.length === 0) throw new Error('nothing to pick from');
    return all[this.whole(0, all.length - 1)];
  }

  /** So many of them, each once. @template T @param {readonly T[]} all @param {number} count */
  some(all, count) {
    const left = [...all];
    return Array.from({length: Math.min(count, left.length)}, () => left.splice(this.whole(0, left.length - 1), 1)[0]);
  }

  /** @param {number} length */
  bytes(length) {
    return Buffer.from(Array.from({length}, () => this.whole(0, 255)));
  }
}
