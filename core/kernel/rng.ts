/**
 * Chance as a function, not a sequence. `rng.at('ecs.taskStart', 17)` gives task 17 the same luck under every policy and
 * in every order of asking: common random numbers by construction. There is no state to checkpoint.
 */

/** The draws of one (stream, key): a short sequence of its own, independent of every other. */
export interface Draws {
  /** A whole number from 0 to `below` - 1. */
  int(below: number): number;
  /** A number in [0, 1), with 53 random bits. */
  uniform(): number;
  /** Exponentially distributed with the given mean. */
  exponential(mean: number): number;
  /** Normally distributed. */
  normal(mean: number, deviation: number): number;
  /** Log-normally distributed, given by its median and its 95th percentile (both above 0). */
  lognormal(median: number, p95: number): number;
}

export interface Rng {
  /**
   * The draws of `key` in `stream`. Asking again starts the same sequence again.
   *
   * @param of  whose stream it is: the stream `load` of `web` is `load.web`, which need not be put together each time
   */
  at(stream: string, key: number, of?: string): Draws;
}

/** The 95th percentile of the standard normal distribution. */
const Z95 = 1.6448536269514722;

/** murmur3's finaliser: every input bit reaches every output bit. Signed, so that the engine need not box it. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

/** 32-bit FNV-1a over UTF-16 code units. The same text has the same hash on every machine. */
export function hashText(text: string, basis = 0x811c9dc5): number {
  let hash = basis;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mix(hash) >>> 0;
}

/** xoshiro128** (Blackman and Vigna, 2018): 128 bits of state, which the key fills. (A key and its first uniform number in 10 ns.) */
class KeyedDraws implements Draws {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(low: number, high: number) {
    this.#a = low;
    this.#b = high;
    this.#c = mix(low + 0x6d2b79f5);
    this.#d = mix(high + 0x3c6ef372) | 1; // the state must not be all zeros
  }

  int(below: number): number {
    return Math.floor(this.uniform() * below);
  }

  /** Two steps of the generator, written out. */
  uniform(): number {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c ^ a;
    let d = this.#d ^ b;
    let scrambled = Math.imul(b, 5);
    const upper = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 5;
    const between = b << 9;
    b ^= c;
    a ^= d;
    c ^= between;
    d = (d << 11) | (d >>> 21);
    scrambled = Math.imul(b, 5);
    const lower = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 6;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    this.#b = b ^ c;
    this.#a = a ^ d;
    this.#c = c ^ shifted;
    this.#d = (d << 11) | (d >>> 21);
    return (upper * 0x4000000 + lower) / 0x20000000000000;
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  /** Marsaglia's polar method: no trigonometry, so only `log` and `sqrt` touch the result. */
  normal(mean: number, deviation: number): number {
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) return mean + deviation * x * Math.sqrt((-2 * Math.log(square)) / square);
    }
  }

  lognormal(median: number, p95: number): number {
    return median * Math.exp(this.normal(0, Math.log(p95 / median) / Z95));
  }
}

/** The words of a stream, which the key is mixed with. */
interface Stream {
  readonly name: string;
  readonly of: string;
  readonly low: number;
  readonly high: number;
}

/** Chance of one run. `seed` is a whole number from 0 to 2^53 - 1. */
export function keyedRng(seed: number): Rng {
  const low = mix(seed >>> 0);
  const high = mix(Math.floor(seed / 0x100000000) ^ low ^ 0x9e3779b9);
  const streams = new Map<string, Map<string, Stream>>();
  const streamOf = (name: string, of: string): Stream => {
    let ofName = streams.get(name);
    if (ofName === undefined) streams.set(name, (ofName = new Map<string, Stream>()));
    let stream = ofName.get(of);
    if (stream === undefined) {
      const text = of === '' ? name : `${name}.${of}`;
      stream = { name, of, low: hashText(text) ^ low, high: hashText(text, 0x1b873593) ^ high };
      ofName.set(of, stream);
    }
    return stream;
  };
  // The two asked for last: a name compared costs less than one looked up.
  let last = streamOf('', '');
  let before = last;
  return {
    at(name, key, of = '') {
      if (name !== last.name || of !== last.of) {
        const found = name === before.name && of === before.of ? before : streamOf(name, of);
        before = last;
        last = found;
      }
      const keyLow = mix(key ^ last.low);
      const upper = key >>> 0 === key ? 0 : Math.floor(key / 0x100000000);
      return new KeyedDraws(keyLow, mix(upper ^ keyLow ^ last.high));
    },
  };
}
