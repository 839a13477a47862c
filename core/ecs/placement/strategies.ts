/**
 * Placement strategies: preferences among the instances that are left. Each strategy keeps those with the lowest rank, the
 * next one chooses among them. Scaling in asks the same question in reverse.
 *
 * @source spec/placement.md chapter 2. To add a strategy: an entry here.
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import type { Draws } from '../../kernel/index.ts';
import type { ContainerInstance } from '../containerInstance.ts';
import type { TaskDemand } from '../taskDefinition.ts';

/** What a strategy may ask about the service whose task is placed or stopped. */
export interface ServiceSpread {
  readonly serviceName: string;
  readonly demand: TaskDemand;
  /** Tasks of the service meant to run, on all instances whose `field` has the same value. */
  readonly countWhere: (field: string, instance: Immutable<ContainerInstance>) => number;
}

export interface PlacementStrategy<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** Where to place: the smaller the better. */
  readonly placeRank: (
    config: z.output<Schema>,
    instance: Immutable<ContainerInstance>,
    service: ServiceSpread,
    draws: Draws,
  ) => number;
  /** Where to stop: the smaller the sooner. */
  readonly stopRank: (
    config: z.output<Schema>,
    instance: Immutable<ContainerInstance>,
    service: ServiceSpread,
    draws: Draws,
  ) => number;
}

const spreadSchema = z.strictObject({
  type: z.literal('spread'),
  field: z.string().min(1).describe('instanceId, host, or attribute:ecs.availability-zone and other attributes'),
});

const spread: PlacementStrategy<typeof spreadSchema> = {
  schema: spreadSchema,
  placeRank: ({ field }, instance, { countWhere }) => countWhere(field, instance),
  stopRank: ({ field }, instance, { countWhere }) => -countWhere(field, instance),
};

const binpackSchema = z.strictObject({
  type: z.literal('binpack'),
  field: z.enum(['cpu', 'memory', 'CPU', 'MEMORY']).describe('which resource to pack'),
});

function remainingOf(field: string, instance: Immutable<ContainerInstance>): number {
  return field.toLowerCase() === 'cpu' ? instance.remaining.cpuUnits : instance.remaining.memoryMiB;
}

const binpack: PlacementStrategy<typeof binpackSchema> = {
  schema: binpackSchema,
  placeRank: ({ field }, instance) => remainingOf(field, instance),
  // All tasks of a service have one size, so most left before the stop is most left after it.
  stopRank: ({ field }, instance) => -remainingOf(field, instance),
};

const randomSchema = z.strictObject({ type: z.literal('random'), field: z.string().optional() });

const random: PlacementStrategy<typeof randomSchema> = {
  schema: randomSchema,
  placeRank: (_config, _instance, _service, draws) => draws.uniform(),
  stopRank: (_config, _instance, _service, draws) => draws.uniform(),
};

export const placementStrategies = { spread, binpack, random } as const;

export const placementStrategy = z.discriminatedUnion('type', [
  placementStrategies.spread.schema,
  placementStrategies.binpack.schema,
  placementStrategies.random.schema,
]);
export type PlacementStrategyConfig = z.output<typeof placementStrategy>;

/** What ECS does for a service without a strategy: even over zones, then over instances. */
export const DEFAULT_STRATEGY: readonly PlacementStrategyConfig[] = [
  { type: 'spread', field: 'attribute:ecs.availability-zone' },
  { type: 'spread', field: 'instanceId' },
];

/** A registry entry by a configuration's type; the compiler cannot see that the two belong together. */
export function strategyOf(config: PlacementStrategyConfig): PlacementStrategy<z.ZodType<PlacementStrategyConfig>> {
  return placementStrategies[config.type];
}

/** The value of an attribute of an instance; undefined when it does not carry it. */
export function attributeOf(field: string, instance: Immutable<ContainerInstance>): string | undefined {
  switch (field) {
    case 'instanceId':
    case 'host':
      return instance.ec2InstanceId;
    case 'attribute:ecs.availability-zone':
      return instance.availabilityZone;
    case 'attribute:ecs.instance-type':
      return instance.instanceType;
    default:
      return undefined;
  }
}
