/**
 * Which tasks scaling in stops: the placement strategies in reverse, one task at a time, each choice counting those before.
 *
 * @source spec/placement.md 2.5
 */

import type { Draws } from '../../kernel/index.ts';
import type { TaskDemand } from '../taskDefinition.ts';
import type { PlacementAssumptions } from './assumptions.ts';
import { fieldReader, isInstanceField, type PlacementInstance } from './instance.ts';
import type { PlacementStrategyConfig } from './strategies.ts';

/** A task that scaling in may stop. */
export interface StoppableTask {
  readonly taskId: string;
  /** Position in the order of creation. */
  readonly number: number;
  readonly running: boolean;
  /** Fails its health checks; left out: it does not. */
  readonly unhealthy?: boolean;
  /** Protected from scale-in; left out: it is not. */
  readonly protectedFromScaleIn?: boolean;
  /** Absent on Fargate and before placement. */
  readonly instance: PlacementInstance | undefined;
  readonly availabilityZone: string | undefined;
}

export interface ScaleInOptions {
  readonly demand: Pick<TaskDemand, 'cpuUnits' | 'memoryMiB'>;
  /** The chain by which the tasks were placed. */
  readonly strategies: readonly PlacementStrategyConfig[];
  readonly assumptions: Pick<PlacementAssumptions, 'tieBreak' | 'stopFirst'>;
  readonly draws: Draws;
}

/**
 * As many of the tasks as asked for, or as may be stopped: protected ones never. Those that fail their health checks go
 * first, then those that do not run yet: they serve nobody. Then the strategies decide, then the newest task.
 */
export function chooseVictims(
  tasks: readonly StoppableTask[],
  count: number,
  options: ScaleInOptions,
): readonly StoppableTask[] {
  const { strategies, assumptions, draws } = options;
  const rankers = strategies.map((config) => rankerOf(config, tasks, options));
  const chosen: StoppableTask[] = [];
  for (const stoppable of byUrgency(tasks, assumptions))
    while (chosen.length < count && stoppable.length > 0) {
      let candidates: readonly StoppableTask[] = stoppable;
      for (const ranker of rankers) candidates = ranker.narrow(candidates);
      const victim = (
        assumptions.tieBreak === 'seeded'
          ? candidates[draws.int(candidates.length)]
          : lowest(candidates, newestFirst)[0]
      ) as StoppableTask;
      stoppable.splice(stoppable.indexOf(victim), 1);
      for (const ranker of rankers) ranker.stopped(victim);
      chosen.push(victim);
    }
  return chosen;
}

/** Those that may be stopped, in their order: the unhealthy ones that do not run yet, then those that do; then the healthy ones. */
function byUrgency(
  tasks: readonly StoppableTask[],
  { stopFirst }: ScaleInOptions['assumptions'],
): readonly StoppableTask[][] {
  const groups: readonly StoppableTask[][] = [[], [], [], []];
  for (const task of tasks) {
    if (task.protectedFromScaleIn === true) continue;
    const waits = stopFirst === 'any' || task.running ? 1 : 0;
    (groups[task.unhealthy === true ? waits : 2 + waits] as StoppableTask[]).push(task);
  }
  return groups;
}

function newestFirst({ number }: StoppableTask): number {
  return -number;
}

interface Ranker {
  /** Those of the candidates that the strategy would stop first. */
  readonly narrow: (candidates: readonly StoppableTask[]) => readonly StoppableTask[];
  /** Takes into account that a task was chosen. */
  readonly stopped: (task: StoppableTask) => void;
}

function rankerOf(config: PlacementStrategyConfig, tasks: readonly StoppableTask[], options: ScaleInOptions): Ranker {
  switch (config.type) {
    case 'random':
      return {
        narrow: (candidates) => [candidates[options.draws.int(candidates.length)] as StoppableTask],
        stopped() {},
      };
    case 'spread': {
      const valueOf = valueIn(config.field);
      const tallies = new Map<unknown, { count: number }>();
      for (const task of tasks) {
        const value = valueOf(task);
        const tally = tallies.get(value);
        if (tally === undefined) tallies.set(value, { count: 1 });
        else tally.count++;
      }
      const tallyOf = (task: StoppableTask) => tallies.get(valueOf(task)) as { count: number };
      const isZone = config.field === ZONE_FIELD;
      return {
        narrow: (candidates) =>
          lowest(candidates, (task) => (isZone || task.instance !== undefined ? -tallyOf(task).count : undefined)),
        stopped(task) {
          tallyOf(task).count--;
        },
      };
    }
    case 'binpack': {
      const resource = config.field.toLowerCase() === 'cpu' ? 'cpuUnits' : 'memoryMiB';
      const freed = new Map<string, number>();
      // All tasks of a service have one size, so most left before the stop is most left after it.
      return {
        narrow: (candidates) =>
          lowest(candidates, ({ instance }) =>
            instance === undefined
              ? undefined
              : -(instance.remaining[resource] + (freed.get(instance.ec2InstanceId) ?? 0)),
          ),
        stopped({ instance }) {
          if (instance === undefined) return;
          const id = instance.ec2InstanceId;
          freed.set(id, (freed.get(id) ?? 0) + options.demand[resource]);
        },
      };
    }
  }
}

const ZONE_FIELD = 'attribute:ecs.availability-zone';

function valueIn(field: string): (task: StoppableTask) => unknown {
  if (field === ZONE_FIELD) return ({ availabilityZone }) => availabilityZone;
  if (isInstanceField(field)) return ({ instance }) => instance?.ec2InstanceId;
  const read = fieldReader(field);
  return ({ instance }) => (instance === undefined ? undefined : read(instance));
}

/**
 * The items with the lowest rank, in their order. All of them when one has no rank: on Fargate, and before placement, there is
 * no instance. Only the zone may be known then, and the rest decides nothing.
 */
function lowest<Item>(items: readonly Item[], rank: (item: Item) => number | undefined): readonly Item[] {
  let least = Number.POSITIVE_INFINITY;
  let best: Item[] = [];
  for (const item of items) {
    const value = rank(item);
    if (value === undefined) return items;
    if (value > least) continue;
    if (value < least) best = [];
    least = value;
    best.push(item);
  }
  return best;
}
