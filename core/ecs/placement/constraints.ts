/** Placement constraints: binding rules on an instance. To add one: an entry here. */

import type { Immutable } from 'immer';
import { z } from 'zod';
import type { ContainerInstance } from '../containerInstance.ts';
import type { PlacementRequest } from './engine.ts';

/** ECS's words when a constraint is what stands in the way. */
export type ConstraintRefusal = 'DistinctInstance placement constraint unsatisfied.';

export interface PlacementConstraint<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly allows: (
    config: z.output<Schema>,
    instance: Immutable<ContainerInstance>,
    request: PlacementRequest,
  ) => boolean;
  readonly refusal: ConstraintRefusal;
}

const distinctInstanceSchema = z.strictObject({ type: z.literal('distinctInstance') });

/** Each task of the service on an instance of its own. */
const distinctInstance: PlacementConstraint<typeof distinctInstanceSchema> = {
  schema: distinctInstanceSchema,
  allows: (_config, instance, { serviceName }) => (instance.serviceCounts.get(serviceName) ?? 0) === 0,
  refusal: 'DistinctInstance placement constraint unsatisfied.',
};

export const placementConstraints = { distinctInstance } as const;

export const placementConstraint = z.discriminatedUnion('type', [placementConstraints.distinctInstance.schema]);
export type PlacementConstraintConfig = z.output<typeof placementConstraint>;
