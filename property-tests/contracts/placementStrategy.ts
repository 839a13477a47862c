/** What every placement strategy keeps. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { z } from 'zod';
import type { ContainerInstance, placementStrategies } from '../../core/ecs/index.ts';
import type { PlacementStrategy, PlacementStrategyConfig } from '../../core/ecs/placement/strategies.ts';
import { keyedRng, thaw } from '../../core/kernel/index.ts';
import { clusters, demands, SERVICE } from '../arbitraries.ts';

type StrategyName = keyof typeof placementStrategies;
export type AnyStrategy = PlacementStrategy<z.ZodType<PlacementStrategyConfig>>;

/** What a user may write, for each strategy. */
export const writtenStrategies: { readonly [Name in StrategyName]: fc.Arbitrary<object> } = {
  spread: fc.record({
    type: fc.constant('spread'),
    field: fc.constantFrom('instanceId', 'host', 'attribute:ecs.availability-zone', 'attribute:ecs.instance-type', 'x'),
  }),
  binpack: fc.record({ type: fc.constant('binpack'), field: fc.constantFrom('cpu', 'memory', 'CPU', 'MEMORY') }),
  random: fc.record({ type: fc.constant('random') }),
};

const countWhere = (_field: string, { serviceCounts }: ContainerInstance) => serviceCounts.get(SERVICE) ?? 0;

/** Ranks are finite, the same for the same question and the same luck, and asking changes nothing. */
export const ranksAreStable = (strategy: AnyStrategy, written: fc.Arbitrary<object>): fc.IProperty<unknown> =>
  fc.property(written, clusters, demands, fc.nat(), (config, instances, demand, key) => {
    const parsed = strategy.schema.parse(config);
    const before = thaw(instances);
    const ask = () => {
      const draws = keyedRng(1).at('placement', key);
      const service = { serviceName: SERVICE, demand, countWhere: countWhere as never };
      return instances.map((instance) => [
        strategy.placeRank(parsed, instance, service, draws),
        strategy.stopRank(parsed, instance, service, draws),
      ]);
    };
    const ranks = ask();
    assert.deepEqual(ask(), ranks);
    for (const rank of ranks.flat()) assert.equal(Number.isFinite(rank), true, `rank ${rank}`);
    assert.deepEqual(instances, before);
  });
