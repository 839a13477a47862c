/** What every placement strategy keeps. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { z } from 'zod';
import type { placementStrategies } from '../../core/ecs/index.ts';
import type { PlacementStrategy, PlacementStrategyConfig } from '../../core/ecs/placement/strategies.ts';
import { thaw } from '../../core/kernel/index.ts';
import { clusters, GROUP } from '../arbitraries.ts';

type StrategyName = keyof typeof placementStrategies;
export type AnyStrategy = PlacementStrategy<z.ZodType<PlacementStrategyConfig>>;

/** What a user may write, for each strategy. */
export const writtenStrategies: { readonly [Name in StrategyName]: fc.Arbitrary<object> } = {
  spread: fc.record({
    type: fc.constant('spread'),
    field: fc.constantFrom(
      'instanceId',
      'host',
      'attribute:ecs.availability-zone',
      'attribute:ecs.instance-type',
      'attribute:x',
    ),
  }),
  binpack: fc.record({ type: fc.constant('binpack'), field: fc.constantFrom('cpu', 'memory', 'CPU', 'MEMORY') }),
  random: fc.record({ type: fc.constant('random') }),
};

/** Keys are whole numbers that an index can hold, or values to count by; the same for the same question; and asking changes nothing. */
export const keysAreStable = (strategy: AnyStrategy, written: fc.Arbitrary<object>): fc.IProperty<unknown> =>
  fc.property(written, clusters, (config, instances) => {
    const parsed = strategy.schema.parse(config);
    const before = thaw(instances);
    const ask = () =>
      instances.map((instance) => strategy.key?.(parsed, ({ taskGroups }) => taskGroups.get(GROUP) ?? 0)(instance));
    const keys = ask();
    assert.deepEqual(ask(), keys);
    const counted = strategy.countedBy?.(parsed) !== undefined;
    for (const key of keys)
      if (strategy.key !== undefined && !counted)
        assert.equal(Number.isInteger(key) && Math.abs(key as number) < 2 ** 25, true, `key ${key}`);
      else assert.notEqual(typeof key, 'number');
    assert.deepEqual(instances, before);
  });
