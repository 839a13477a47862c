import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hashText, keyedRng, type Draws } from '../../core/kernel/index.ts';

const runs = { numRuns: 1_000 };
const seeds = fc.oneof(fc.maxSafeNat(), fc.nat({ max: 5 }), fc.constant(Number.MAX_SAFE_INTEGER));
const keys = fc.oneof(fc.maxSafeNat(), fc.nat({ max: 5 }), fc.constant(Number.MAX_SAFE_INTEGER));
const streams = fc.oneof(fc.constantFrom('ecs.taskStart', 'ecs.taskStop'), fc.string());

/** What one (stream, key) has to say, by every kind of draw. */
function said(draws: Draws): number[] {
  return [draws.uniform(), draws.int(1_000), draws.exponential(3), draws.normal(1, 2), draws.lognormal(10, 40)];
}

test('a key keeps its luck whatever else is drawn, in whatever order', () =>
  fc.assert(
    fc.property(
      seeds,
      fc.uniqueArray(fc.tuple(streams, keys), { selector: ([stream, key]) => `${key} ${stream}`, minLength: 1 }),
      fc.infiniteStream(fc.nat()),
      (seed, places, choices) => {
        const alone = places.map(([stream, key]) => said(keyedRng(seed).at(stream, key)).slice(0, 2));
        // All of them at once, one draw at a time, interleaved as `choices` says.
        const rng = keyedRng(seed);
        const open = places.map(([stream, key], index) => ({ index, draws: rng.at(stream, key), left: 2 }));
        const together: number[][] = places.map(() => []);
        while (open.length > 0) {
          const place = (choices.next().value as number) % open.length;
          const { index, draws, left } = open[place] as (typeof open)[number];
          (together[index] as number[]).push(left === 2 ? draws.uniform() : draws.int(1_000));
          if (left === 1) open.splice(place, 1);
          else (open[place] as (typeof open)[number]).left = 1;
        }
        assert.deepEqual(together, alone);
      },
    ),
    runs,
  ));

test('the same seed, stream and key say the same; asking again starts the sequence again', () =>
  fc.assert(
    fc.property(seeds, streams, keys, (seed, stream, key) => {
      const rng = keyedRng(seed);
      const first = said(rng.at(stream, key));
      assert.deepEqual(said(rng.at(stream, key)), first);
      assert.deepEqual(said(keyedRng(seed).at(stream, key)), first);
    }),
    runs,
  ));

test('the stream of somebody is the one whose name ends in theirs, whoever was asked for before', () =>
  fc.assert(
    fc.property(seeds, fc.array(fc.tuple(streams, keys, fc.constantFrom('web', 'worker', ''))), (seed, asked) => {
      const rng = keyedRng(seed);
      for (const [stream, key, of] of asked)
        assert.deepEqual(said(rng.at(stream, key, of)), said(rng.at(of === '' ? stream : `${stream}.${of}`, key)));
    }),
    runs,
  ));

test('another seed, another stream or another key says something else', () =>
  fc.assert(
    fc.property(seeds, seeds, streams, streams, keys, keys, (seed, seed2, stream, stream2, key, key2) => {
      const here = said(keyedRng(seed).at(stream, key));
      if (seed2 !== seed) assert.notDeepEqual(said(keyedRng(seed2).at(stream, key)), here);
      if (stream2 !== stream) assert.notDeepEqual(said(keyedRng(seed).at(stream2, key)), here);
      if (key2 !== key) assert.notDeepEqual(said(keyedRng(seed).at(stream, key2)), here);
    }),
    runs,
  ));

test('no luck is shared across seeds or far keys: one seed is not another with its keys exchanged', () => {
  // Each seed is asked under its own 260,000 keys, spread over 32 bits. Were one seed's keys the other's under some xor,
  // about sixteen pairs would meet and say the same; 53 random bits never do.
  const all = [...luck(1, 0, 'law'), ...luck(2, 0, 'law'), ...luck(1, 2 ** 32, 'law'), ...luck(1, 2 ** 33, 'other')];
  assert.equal(new Set(all).size, all.length);
});

/** The first draws of 260,000 keys. */
function luck(seed: number, shift: number, stream: string): number[] {
  const rng = keyedRng(seed);
  const spread = keyedRng(seed + shift);
  const keys = new Set(Array.from({ length: 260_000 }, (_, index) => spread.at('keys', index).int(2 ** 32)));
  return Array.from(keys, (key) => rng.at(stream, key + shift).uniform());
}

test('int(below) is whole, from 0 to below - 1', () =>
  fc.assert(
    fc.property(seeds, keys, fc.oneof(fc.integer({ min: 1, max: 10 }), fc.maxSafeNat()), (seed, key, n) => {
      const below = Math.max(1, n);
      const draws = keyedRng(seed).at('int', key);
      for (let count = 0; count < 10; count++) {
        const value = draws.int(below);
        assert.ok(Number.isSafeInteger(value) && value >= 0 && value < below, `${value} below ${below}`);
      }
    }),
    runs,
  ));

test('every draw is finite; uniform lies in [0, 1), exponential is not negative, lognormal is positive', () =>
  fc.assert(
    fc.property(seeds, streams, keys, (seed, stream, key) => {
      const draws = keyedRng(seed).at(stream, key);
      for (let count = 0; count < 10; count++) {
        const uniform = draws.uniform();
        assert.ok(uniform >= 0 && uniform < 1);
        const exponential = draws.exponential(5);
        assert.ok(exponential >= 0 && Number.isFinite(exponential));
        assert.ok(Number.isFinite(draws.normal(0, 1)));
        const lognormal = draws.lognormal(100, 300);
        assert.ok(lognormal > 0 && Number.isFinite(lognormal));
      }
    }),
    runs,
  ));

const KEYS = 100_000;

/** One draw of each of 100,000 neighbouring keys, sorted. Five seeds, some large. */
function forEachSeed(draw: (draws: Draws) => number, law: (sorted: Float64Array, mean: number) => void): void {
  for (const [seed, firstKey] of [
    [0, 0],
    [1, 0],
    [2, 2 ** 32 - 50_000],
    [2 ** 40 + 3, 7],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - KEYS],
  ] as const) {
    const rng = keyedRng(seed);
    const values = Float64Array.from({ length: KEYS }, (_, index) => draw(rng.at('law', firstKey + index)));
    law(values.toSorted(), values.reduce((sum, value) => sum + value, 0) / KEYS);
  }
}

function assertNear(value: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(value - expected) <= tolerance, `${value} is not within ${tolerance} of ${expected}`);
}

test('uniform over 100,000 keys: mean 1/2, and each hundredth holds its share', () =>
  forEachSeed(
    (draws) => draws.uniform(),
    (sorted, mean) => {
      assertNear(mean, 0.5, 0.004); // 4 standard errors
      const shares = Array.from({ length: 100 }, () => 0);
      for (const value of sorted) (shares[Math.floor(value * 100)] as number)++;
      for (const share of shares) assertNear(share, 1_000, 160); // 5 standard deviations
    },
  ));

test('a second draw knows nothing of the first', () => {
  const rng = keyedRng(11);
  let sum = 0;
  for (let key = 0; key < KEYS; key++) {
    const draws = rng.at('pair', key);
    sum += (draws.uniform() - 0.5) * (draws.uniform() - 0.5) * 12;
  }
  assertNear(sum / KEYS, 0, 0.015); // the correlation
});

test('neighbouring keys know nothing of each other', () => {
  const rng = keyedRng(12);
  const values = Array.from({ length: KEYS + 1 }, (_, key) => rng.at('neighbour', key).uniform() - 0.5);
  let sum = 0;
  for (let key = 0; key < KEYS; key++) sum += (values[key] as number) * (values[key + 1] as number) * 12;
  assertNear(sum / KEYS, 0, 0.015);
});

test('int(6) over 100,000 keys: each face comes up a sixth of the time', () =>
  forEachSeed(
    (draws) => draws.int(6),
    (sorted) => {
      const faces = Array.from({ length: 6 }, () => 0);
      for (const value of sorted) (faces[value] as number)++;
      for (const face of faces) assertNear(face, KEYS / 6, 600);
    },
  ));

test('exponential over 100,000 keys: its mean, and its median at mean x ln 2', () =>
  forEachSeed(
    (draws) => draws.exponential(8),
    (sorted, mean) => {
      assertNear(mean, 8, 0.13);
      assertNear(sorted[KEYS / 2] as number, 8 * Math.LN2, 0.13);
    },
  ));

test('normal over 100,000 keys: its mean and its deviation', () =>
  forEachSeed(
    (draws) => draws.normal(10, 3),
    (sorted, mean) => {
      assertNear(mean, 10, 0.05);
      const variance = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / KEYS;
      assertNear(Math.sqrt(variance), 3, 0.04);
    },
  ));

test('lognormal over 100,000 keys: its median, its 95th percentile and the mean that follows', () =>
  forEachSeed(
    (draws) => draws.lognormal(20, 60),
    (sorted, mean) => {
      assertNear(sorted[KEYS / 2] as number, 20, 0.4);
      assertNear(sorted[KEYS * 0.95] as number, 60, 2);
      const sigma = Math.log(3) / 1.6448536269514722;
      assertNear(mean, 20 * Math.exp((sigma * sigma) / 2), 0.4);
    },
  ));

test('hashText: 32 bits without sign, the same for the same text, and rarely the same for another', () => {
  const hashes = new Set<number>();
  for (let index = 0; index < 20_000; index++) hashes.add(hashText(`task-${index}`));
  assert.ok(hashes.size >= 19_998);
  for (const hash of hashes) assert.ok(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32);
});

test('the generator is the one that every golden digest was made with', () => {
  // A change here changes every run: then golden.json changes in the same commit.
  const vector = (
    [
      [0, '', 0],
      [1, 'ecs.taskStart', 17],
      [42, 'ecs.taskStart', 2 ** 32 + 17],
      [Number.MAX_SAFE_INTEGER, 'ünïcode', Number.MAX_SAFE_INTEGER],
    ] as const
  ).map(([seed, stream, key]) => {
    const draws = keyedRng(seed).at(stream, key);
    return [draws.int(2 ** 32), draws.uniform(), draws.int(6), Math.round(draws.normal(0, 1e6))];
  });
  assert.deepEqual(vector, [
    [3016607085, 0.849868997669276, 0, 221759],
    [2468255616, 0.8710831275790478, 4, -749728],
    [1312274810, 0.4368972213582375, 0, -522708],
    [2697209489, 0.8549626403662551, 5, -1400333],
  ]);
  assert.deepEqual([hashText(''), hashText('web'), hashText('web', 7)], [2872998923, 87520214, 200942446]);
});
