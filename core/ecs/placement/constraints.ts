/** Placement constraints: binding rules on an instance. To add one: an entry here. @source spec/placement.md chapter 3 */

import { z } from 'zod';
import type { PlacementAssumptions } from './assumptions.ts';
import { attributeOf, type PlacementInstance } from './instance.ts';
import { clusterQueryProblem, splitClusterQuery } from './query.ts';

/** ECS's words when a constraint is what stands in the way. Choice: AWS's text for distinctInstance is not known. */
export type ConstraintRefusal =
  'DistinctInstance placement constraint unsatisfied.' | 'MemberOf placement constraint unsatisfied.';

export interface PlacementConstraint<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** Whether an instance may take a task of the group: asked once per request, what it answers then of many instances. */
  readonly allows: (
    config: z.output<Schema>,
    group: string,
    assumptions: Pick<PlacementAssumptions, 'regexMode'>,
  ) => ConstraintRule;
  readonly refusal: ConstraintRefusal;
}

/** Allowed is what both parts allow; one that is left out allows everything. */
export interface ConstraintRule {
  /** By what was settled when the instance registered: an index asks once. */
  readonly settled?: (instance: PlacementInstance) => boolean;
  /** By what changes while it is there. */
  readonly changing?: (instance: PlacementInstance) => boolean;
}

/** Whether both parts of a rule allow an instance. */
export function allowsBoth({ settled, changing }: ConstraintRule, instance: PlacementInstance): boolean {
  return settled?.(instance) !== false && changing?.(instance) !== false;
}

const distinctInstanceSchema = z.strictObject({
  type: z.literal('distinctInstance'),
  // An empty text counts as specified. @source hashicorp/terraform#11446
  expression: z
    .string()
    .refine(() => false, 'distinctInstance expression should not be specified.')
    .optional()
    .describe('must be left out'),
});

/** Each task of the group on an instance of its own. A task on its way out no longer holds its instance. */
const distinctInstance: PlacementConstraint<typeof distinctInstanceSchema> = {
  schema: distinctInstanceSchema,
  allows: (_config, group) => ({ changing: ({ taskGroups }) => !taskGroups.has(group) }),
  refusal: 'DistinctInstance placement constraint unsatisfied.',
};

const memberOfSchema = z.strictObject({
  type: z.literal('memberOf'),
  expression: z
    .string()
    .describe('cluster query language, such as attribute:ecs.instance-type =~ m5.*')
    .superRefine((expression, context) => {
      const message = clusterQueryProblem(expression);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    }),
});

/** Only instances that an expression of the cluster query language selects. */
const memberOf: PlacementConstraint<typeof memberOfSchema> = {
  schema: memberOfSchema,
  allows: ({ expression }, _group, assumptions) => splitClusterQuery(expression, attributeOf, assumptions),
  refusal: 'MemberOf placement constraint unsatisfied.',
};

export const placementConstraints = { distinctInstance, memberOf } as const;

export const placementConstraint = z.discriminatedUnion('type', [
  placementConstraints.distinctInstance.schema,
  placementConstraints.memberOf.schema,
]);
export type PlacementConstraintConfig = z.output<typeof placementConstraint>;

/** What a task definition may say. @source aws-samples/aws-cdk-examples#628 for the refusal */
export const taskDefinitionConstraint = z.discriminatedUnion('type', [
  placementConstraints.memberOf.schema,
  z.strictObject({
    type: z.literal('distinctInstance').refine(() => false, "constraint.type 'distinctInstance' is not supported."),
  }),
]);

/** A registry entry by a configuration's type; the compiler cannot see that the two belong together. */
export function constraintOf(
  config: PlacementConstraintConfig,
): PlacementConstraint<z.ZodType<PlacementConstraintConfig>> {
  return placementConstraints[config.type];
}
