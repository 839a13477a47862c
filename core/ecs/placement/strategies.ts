/**
 * Placement strategies: preferences among the instances that are left. Each keeps those with the lowest rank, the next one
 * chooses among them. Scaling in asks the same question in reverse.
 *
 * A rank depends on one key of an instance (its zone, what remains of its memory), so that an index can keep instances by
 * their keys.
 *
 * @source spec/placement.md chapter 2. To add a strategy: an entry here.
 */

import { z } from 'zod';
import { fieldReader, isInstanceField, type PlacementInstance } from './instance.ts';

/** A key of an instance: a number is its own rank. */
export type RankKey = string | number | null | undefined;

/** Tasks of the group on an instance, as spread counts them. */
export type TasksOn = (instance: PlacementInstance) => number;

export interface PlacementStrategy<Schema extends z.ZodType> {
  readonly schema: Schema;
  /**
   * The key by which it ranks instances for tasks of a group: a whole number below 2^25, the lower the better; or a text,
   * ranked by the tasks of the group on all instances with that key, and settled when an instance registers. Absent: it takes
   * any instance, by chance.
   */
  readonly key?: (config: z.output<Schema>, tasksOn: TasksOn) => (instance: PlacementInstance) => RankKey;
  /** The field whose values the tasks of the group are counted by, when keys are texts. */
  readonly countedBy?: (config: z.output<Schema>) => string | undefined;
}

const spreadSchema = z.strictObject({
  type: z.literal('spread'),
  field: z
    .string()
    .regex(/^(instanceId|host|attribute:.+)$/, 'expected instanceId, host, or attribute: and a name')
    .describe('instanceId, host, or attribute:ecs.availability-zone and other attributes'),
});

/** Evenly over the values of a field. */
const spread: PlacementStrategy<typeof spreadSchema> = {
  schema: spreadSchema,
  key: ({ field }, tasksOn) => (isInstanceField(field) ? tasksOn : fieldReader(field)),
  countedBy: ({ field }) => (isInstanceField(field) ? undefined : field),
};

const binpackSchema = z.strictObject({
  type: z.literal('binpack'),
  field: z.enum(['cpu', 'memory', 'CPU', 'MEMORY']).describe('which resource to pack'),
});

/** Onto the instance with the least left, in units, not in percent. */
const binpack: PlacementStrategy<typeof binpackSchema> = {
  schema: binpackSchema,
  key: ({ field }) => (field.toLowerCase() === 'cpu' ? remainingCpuUnits : remainingMemoryMiB),
};

function remainingCpuUnits({ remaining }: PlacementInstance): number {
  return remaining.cpuUnits;
}

function remainingMemoryMiB({ remaining }: PlacementInstance): number {
  return remaining.memoryMiB;
}

const randomSchema = z.strictObject({
  type: z.literal('random'),
  field: z.string().optional().describe('ignored, as AWS does'),
});

const random: PlacementStrategy<typeof randomSchema> = { schema: randomSchema };

export const placementStrategies = { spread, binpack, random } as const;

export const placementStrategy = z.discriminatedUnion('type', [
  placementStrategies.spread.schema,
  placementStrategies.binpack.schema,
  placementStrategies.random.schema,
]);
export type PlacementStrategyConfig = z.output<typeof placementStrategy>;

/** What ECS does for a service without a strategy: even over zones, then over instances. */
export const SERVICE_STRATEGY: readonly PlacementStrategyConfig[] = [
  { type: 'spread', field: 'attribute:ecs.availability-zone' },
  { type: 'spread', field: 'instanceId' },
];

/** What RunTask does without a strategy. */
export const RUN_TASK_STRATEGY: readonly PlacementStrategyConfig[] = [{ type: 'random' }];

/** A registry entry by a configuration's type; the compiler cannot see that the two belong together. */
export function strategyOf(config: PlacementStrategyConfig): PlacementStrategy<z.ZodType<PlacementStrategyConfig>> {
  return placementStrategies[config.type];
}
