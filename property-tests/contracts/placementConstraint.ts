/** What every placement constraint keeps. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { z } from 'zod';
import type { ContainerInstance, placementConstraints } from '../../core/ecs/index.ts';
import {
  allowsBoth,
  type PlacementConstraint,
  type PlacementConstraintConfig,
} from '../../core/ecs/placement/constraints.ts';
import { thaw } from '../../core/kernel/index.ts';
import { clusters, expressions, GROUP } from '../arbitraries.ts';

type ConstraintName = keyof typeof placementConstraints;
export type AnyConstraint = PlacementConstraint<z.ZodType<PlacementConstraintConfig>>;

/** What a user may write, for each constraint. */
export const writtenConstraints: { readonly [Name in ConstraintName]: fc.Arbitrary<object> } = {
  distinctInstance: fc.record({ type: fc.constant('distinctInstance') }),
  memberOf: fc.record({ type: fc.constant('memberOf'), expression: expressions }),
};

/** An answer depends on one instance only, is the same each time, changes nothing, and a refusal has words. */
export const answersAreStable = (constraint: AnyConstraint, written: fc.Arbitrary<object>): fc.IProperty<unknown> =>
  fc.property(written, clusters, fc.constantFrom('full' as const, 'find' as const), (config, instances, regexMode) => {
    const parsed = constraint.schema.parse(config);
    const before = thaw(instances);
    const allows = () => {
      const rule = constraint.allows(parsed, GROUP, { regexMode });
      return (instance: ContainerInstance) => allowsBoth(rule, instance);
    };
    const forwards = instances.map(allows());
    const backwards = instances.toReversed().map(allows());
    assert.deepEqual(backwards.toReversed(), forwards);
    for (const answer of forwards) assert.equal(typeof answer, 'boolean');
    assert.match(constraint.refusal, /\w.*\.$/);
    assert.deepEqual(instances, before);
    // What is settled stays so, whatever runs there.
    const { settled } = constraint.allows(parsed, GROUP, { regexMode });
    for (const instance of settled === undefined ? [] : instances) {
      const other = {
        ...instance,
        agentConnected: !instance.agentConnected,
        runningTasksCount: instance.runningTasksCount + 3,
        taskGroups: new Map([...instance.taskGroups, [GROUP, 3]]),
      };
      assert.equal(settled?.(other), settled?.(instance));
    }
  });
