/** Keyed chance against one sequential generator of the same quality: what common random numbers cost. */

import { keyedRng } from '../core/kernel/index.ts';
import { hashOf } from './hash.ts';
import type { Bench, Contender } from './suite.ts';

export const rng: Bench = (smoke) => {
  const draws = smoke ? 1_000 : 100_000;
  return [
    {
      name: 'rng, a key for each number',
      amounts: { numbers: draws },
      contenders: [keyed(draws, 1), sequential(draws)],
    },
    {
      name: 'rng, 100 numbers of each key',
      amounts: { numbers: draws },
      contenders: [keyed(draws, 100), sequential(draws)],
    },
  ];
};

function keyed(draws: number, ofEachKey: number): Contender {
  return {
    name: 'keyedRng',
    start() {
      const chance = keyedRng(1);
      let sum = 0;
      let key = 0;
      return {
        run() {
          for (let drawn = 0; drawn < draws; drawn += ofEachKey) {
            const sequence = chance.at('bench.rng', key++);
            for (let index = 0; index < ofEachKey; index++) sum += sequence.uniform();
          }
        },
        hash: () => hashOf(sum),
      };
    },
  };
}

/** Marsaglia's xorshift128, two steps for 53 bits as ours has them. Its numbers depend on the order of asking. */
function sequential(draws: number): Contender {
  return {
    name: 'xorshift128, sequential',
    otherWork: true,
    start() {
      let [a, b, c, d] = [123_456_789, 362_436_069, 521_288_629, 88_675_123];
      let sum = 0;
      const next = () => {
        const mixed = a ^ (a << 11);
        a = b;
        b = c;
        c = d;
        d = d ^ (d >>> 19) ^ mixed ^ (mixed >>> 8);
        return d >>> 0;
      };
      return {
        run() {
          for (let drawn = 0; drawn < draws; drawn++)
            sum += ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 0x20000000000000;
        },
        hash: () => hashOf(sum),
      };
    },
  };
}
