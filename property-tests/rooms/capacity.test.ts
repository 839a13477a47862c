import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { managedScaling, splitByStrategy, strategyProblem, type ManagedScalingInput } from '../../core/ecs/index.ts';

const runs = { numRuns: 1_000 };

/** Strategies that AWS accepts: one to five providers, at most one with a base, some weight above 0. */
const strategies = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 12 }) }, { weight: 1, arbitrary: fc.nat({ max: 1_000 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  .filter((weights) => weights.some((weight) => weight > 0))
  .chain((weights) =>
    fc.record({
      withBase: fc.nat({ max: weights.length - 1 }),
      base: fc.nat({ max: 40 }),
      weights: fc.constant(weights),
    }),
  )
  .map(({ weights, withBase, base }) =>
    weights.map((weight, index) => ({
      capacityProvider: `provider-${index}`,
      weight,
      base: index === withBase ? base : 0,
    })),
  );

/** Capacity.md 1.2, word by word. */
function oneByOne(desired: number, strategy: readonly { readonly base: number; readonly weight: number }[]): number[] {
  const counts = strategy.map(() => 0);
  let left = desired;
  for (const [index, { base }] of strategy.entries()) {
    counts[index] = Math.min(left, base);
    left -= counts[index];
  }
  const assigned = strategy.map(() => 0);
  for (; left > 0; left--) {
    let pick = -1;
    for (const [index, { weight }] of strategy.entries()) {
      if (weight === 0) continue;
      if (pick === -1 || assigned[index]! * strategy[pick]!.weight < assigned[pick]! * weight) pick = index;
    }
    assigned[pick]!++;
    counts[pick]!++;
  }
  return counts;
}

describe('the split over capacity providers', () => {
  test('it is the one-by-one algorithm, its sum is the desired count, and of two providers each is within one of the exact ratio', () =>
    fc.assert(
      fc.property(strategies, fc.nat({ max: 3_000 }), (strategy, desired) => {
        assert.equal(strategyProblem(strategy), undefined);
        const counts = splitByStrategy(desired, strategy);
        assert.deepEqual(counts, oneByOne(desired, strategy));
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          desired,
        );
        const weighted = desired - Math.min(desired, ...strategy.map(({ base }) => base).filter((base) => base > 0));
        const total = strategy.reduce((sum, { weight }) => sum + weight, 0);
        for (const [index, { base, weight }] of strategy.entries()) {
          const rest = strategy.every((item) => item.base === 0) ? desired : weighted;
          const exact = (rest * weight) / total;
          const share = counts[index]! - Math.min(base, desired);
          // Of more than two, several small ones may each be a part of a task ahead at the cost of one large one.
          const slack = strategy.length <= 2 ? 1 : strategy.length - 1;
          assert.equal(Math.abs(share - exact) <= slack, true, `${counts.join(' ')} of ${desired}`);
        }
      }),
      { numRuns: 2_000 },
    ));

  test('one task more goes to one provider: nobody loses one', () =>
    fc.assert(
      fc.property(strategies, fc.nat({ max: 500 }), (strategy, desired) => {
        const before = splitByStrategy(desired, strategy);
        const gains = splitByStrategy(desired + 1, strategy).map((count, index) => count - before[index]!);
        assert.deepEqual(
          gains.toSorted((a, b) => b - a),
          [1, ...gains.slice(1).map(() => 0)],
        );
      }),
      runs,
    ));

  test('a provider without weight gets its base and no more', () =>
    fc.assert(
      fc.property(strategies, fc.nat({ max: 500 }), (strategy, desired) => {
        const counts = splitByStrategy(desired, strategy);
        for (const [index, { weight, base }] of strategy.entries())
          if (weight === 0) assert.equal(counts[index], Math.min(base, desired));
      }),
      runs,
    ));
});

const room = { cpuUnits: 2048, memoryMiB: 7633, taskEnis: 2 };
const settings = { instanceTypes: [room], minimumScalingStepSize: 1, maximumScalingStepSize: 10_000 };
const task = { cpuUnits: 512, memoryMiB: 512 };

describe('managed scaling', () => {
  /** Constant demand: so many tasks, four to an instance, packed; those without room wait. One round is one decision. */
  function settle(tasks: number, from: number, target: number, steps: Partial<ManagedScalingInput> = {}): number[] {
    const sizes = [from];
    for (let round = 0; round < 400; round++) {
      const n = sizes.at(-1)!;
      const placed = Math.min(tasks, n * 4);
      const { desired } = managedScaling({
        ...settings,
        ...steps,
        runningInstances: n,
        instancesWithTasks: Math.ceil(placed / 4),
        provisioningTasks: Array.from({ length: tasks - placed }, () => task),
        targetCapacity: target,
      });
      if (desired === undefined || desired === n) return sizes;
      sizes.push(desired);
    }
    throw new Error(`${tasks} tasks at ${target} % never settle: ${sizes.slice(-6).join(' ')}`);
  }

  test('with constant demand a fixed point is reached for every target, from any size, and it holds all tasks', () => {
    for (let target = 1; target <= 100; target++)
      for (const tasks of [0, 1, 3, 4, 5, 17, 40])
        for (const from of [0, 1, 2, 7, 60]) {
          const size = settle(tasks, from, target).at(-1)!;
          assert.equal(size * 4 >= tasks, true, `${size} instances for ${tasks} tasks at ${target} %`);
          // What is needed, and what the target keeps spare, rounded up once.
          if (tasks > 0) assert.equal(size, Math.ceil((100 * Math.ceil(tasks / 4)) / target - 1e-9), `from ${from}`);
          else assert.equal(size, 0, `from ${from} at ${target} %`);
        }
  });

  test('also in small steps', () => {
    for (const target of [1, 33, 80, 99, 100])
      for (const tasks of [1, 17, 100]) {
        const sizes = settle(tasks, 0, target, { maximumScalingStepSize: 2 });
        assert.equal(sizes.at(-1), Math.ceil((100 * Math.ceil(tasks / 4)) / target - 1e-9));
      }
  });

  test('M is between N + the smallest and the largest step while tasks wait', () =>
    fc.assert(
      fc.property(
        fc.nat({ max: 50 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 20 }),
        percentages(),
        (n, waiting, least, more, targetCapacity) => {
          const { m, capacityProviderReservation } = managedScaling({
            runningInstances: n,
            instancesWithTasks: n,
            provisioningTasks: Array.from({ length: waiting }, () => task),
            instanceTypes: [room],
            targetCapacity,
            minimumScalingStepSize: least,
            maximumScalingStepSize: least + more,
          });
          assert.equal(m >= n + least && m <= n + least + more, true, `M ${m} of N ${n}`);
          assert.equal(m, n + Math.min(Math.max(Math.ceil(waiting / 4), least), least + more));
          assert.equal(capacityProviderReservation, n === 0 ? 200 : (100 * m) / n);
        },
      ),
      runs,
    ));

  test('the largest group of like tasks counts, not their sum; the order they wait in does not matter', () =>
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(256, 512, 2048), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 0, max: 9 }),
        (sizes, n) => {
          const ask = (cpus: readonly number[]) =>
            managedScaling({
              ...settings,
              runningInstances: n,
              instancesWithTasks: n,
              provisioningTasks: cpus.map((cpuUnits) => ({ cpuUnits, memoryMiB: 128 })),
              targetCapacity: 100,
            });
          const needs = [256, 512, 2048].map((cpu) =>
            Math.ceil(sizes.filter((size) => size === cpu).length / (2048 / cpu)),
          );
          assert.equal(ask(sizes).m, n + Math.max(...needs));
          assert.deepEqual(ask(sizes.toReversed()), ask(sizes));
        },
      ),
      runs,
    ));
});

function percentages() {
  return fc.integer({ min: 1, max: 100 });
}
