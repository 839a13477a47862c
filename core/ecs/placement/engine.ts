/**
 * Placement: instances with room, then constraints, then strategies, then one of them. The answer says how many instances
 * each step left, or why there is none.
 *
 * @source spec/placement.md 1.1, 2.2, 2.4
 */

import type { Immutable } from 'immer';
import type { Draws } from '../../kernel/index.ts';
import { hostPorts, type ContainerInstance } from '../containerInstance.ts';
import type { TaskDemand } from '../taskDefinition.ts';
import { placementConstraints, type ConstraintRefusal, type PlacementConstraintConfig } from './constraints.ts';
import {
  attributeOf,
  DEFAULT_STRATEGY,
  strategyOf,
  type PlacementStrategyConfig,
  type ServiceSpread,
} from './strategies.ts';

export interface PlacementRequest {
  readonly serviceName: string;
  readonly demand: TaskDemand;
  readonly constraints: readonly PlacementConstraintConfig[];
  readonly strategies: readonly PlacementStrategyConfig[];
  /** Only instances of this provider; absent: any. */
  readonly capacityProvider: string | undefined;
}

/** ECS's failure reasons. */
export type PlacementFailure =
  'NO ACTIVE INSTANCES' | 'RESOURCE:CPU' | 'RESOURCE:MEMORY' | 'RESOURCE:PORTS' | 'RESOURCE:ENI' | ConstraintRefusal;

export type Placement =
  | {
      readonly instance: Immutable<ContainerInstance>;
      /** Instances left after each step: active, with room, allowed, then one per strategy. */
      readonly left: readonly number[];
    }
  | {
      readonly reason: PlacementFailure;
      /** The active instance that came closest. */
      readonly closest?: string;
    };

/**
 * Chooses an instance. Ties go to the one registered first.
 * Choice: AWS does not document ties; the order of registration is stable and easy to explain.
 *
 * @param instances  in the order of registration
 */
export function placeTask(
  request: PlacementRequest,
  instances: Iterable<Immutable<ContainerInstance>>,
  countWhere: ServiceSpread['countWhere'],
  draws: Draws,
): Placement {
  let active = 0;
  let withRoom = 0;
  let closest: { readonly reason: PlacementFailure; readonly closest: string } | undefined;
  let closestSteps = -1;
  let candidates: Immutable<ContainerInstance>[] = [];
  for (const instance of instances) {
    if (instance.status !== 'ACTIVE' || !instance.agentConnected) continue;
    if (request.capacityProvider !== undefined && instance.capacityProvider !== request.capacityProvider) continue;
    active++;
    const lack = lackOf(request.demand, instance);
    const reason = lack?.reason ?? refusalOf(request, instance);
    if (lack === undefined) withRoom++;
    if (reason === undefined) candidates.push(instance);
    else if ((lack?.steps ?? ROOM_STEPS) > closestSteps) {
      closestSteps = lack?.steps ?? ROOM_STEPS;
      closest = { reason, closest: instance.ec2InstanceId };
    }
  }
  if (candidates.length === 0) return closest ?? { reason: 'NO ACTIVE INSTANCES' };
  const left = [active, withRoom, candidates.length];
  const service = { serviceName: request.serviceName, demand: request.demand, countWhere };
  for (const config of strategiesOf(request)) {
    const { placeRank } = strategyOf(config);
    candidates = lowest(candidates, (instance) => placeRank(config, instance, service, draws));
    left.push(candidates.length);
  }
  return { instance: candidates[0] as Immutable<ContainerInstance>, left };
}

function strategiesOf({ strategies }: Pick<PlacementRequest, 'strategies'>): readonly PlacementStrategyConfig[] {
  return strategies.length === 0 ? DEFAULT_STRATEGY : strategies;
}

/** The items with the lowest rank, in their order. */
function lowest<Item>(items: readonly Item[], rank: (item: Item) => number): Item[] {
  let least = Number.POSITIVE_INFINITY;
  let best: Item[] = [];
  for (const item of items) {
    const value = rank(item);
    if (value > least) continue;
    if (value < least) best = [];
    least = value;
    best.push(item);
  }
  return best;
}

const ROOM_STEPS = 4;

/** The first resource an instance lacks, and how many it had before; undefined when the demand fits. */
function lackOf(
  demand: TaskDemand,
  { remaining, ports }: Immutable<ContainerInstance>,
): { readonly reason: PlacementFailure; readonly steps: number } | undefined {
  if (remaining.cpuUnits < demand.cpuUnits) return { reason: 'RESOURCE:CPU', steps: 0 };
  if (remaining.memoryMiB < demand.memoryMiB) return { reason: 'RESOURCE:MEMORY', steps: 1 };
  if (hostPorts(demand).some((port) => ports.has(port))) return { reason: 'RESOURCE:PORTS', steps: 2 };
  if (remaining.enis < demand.enis) return { reason: 'RESOURCE:ENI', steps: 3 };
  return undefined;
}

function refusalOf(request: PlacementRequest, instance: Immutable<ContainerInstance>): PlacementFailure | undefined {
  for (const config of request.constraints) {
    const constraint = placementConstraints[config.type];
    if (!constraint.allows(config, instance, request)) return constraint.refusal;
  }
  return undefined;
}

/** A task that scaling in may stop. */
export interface StoppableTask {
  readonly taskId: string;
  /** Position in the order of creation. */
  readonly number: number;
  readonly running: boolean;
  /** Absent on Fargate and before placement. */
  readonly instance: Immutable<ContainerInstance> | undefined;
  readonly availabilityZone: string | undefined;
}

/**
 * Which tasks scaling in stops: those that do not run yet first, then by the strategies in reverse, then the newest.
 * Chosen one at a time, each choice counting the ones before it.
 */
export function chooseTasksToStop(
  tasks: readonly StoppableTask[],
  count: number,
  request: Pick<PlacementRequest, 'serviceName' | 'demand' | 'strategies'>,
  draws: Draws,
): readonly StoppableTask[] {
  const left = [...tasks];
  const chosen: StoppableTask[] = [];
  while (chosen.length < count && left.length > 0) {
    let candidates = lowest(left, ({ running }) => Number(running));
    for (const config of strategiesOf(request)) {
      if (candidates.some(({ instance }) => instance === undefined)) {
        // On Fargate, and before placement, only the zone is known.
        const byZone = 'field' in config && config.field === 'attribute:ecs.availability-zone';
        if (byZone) candidates = inFullest(candidates, left, ({ availabilityZone }) => availabilityZone);
        continue;
      }
      const service = { ...request, countWhere: countsOf(left) };
      const { stopRank } = strategyOf(config);
      candidates = lowest(candidates, ({ instance }) =>
        stopRank(config, instance as Immutable<ContainerInstance>, service, draws),
      );
    }
    const [victim] = lowest(candidates, ({ number }) => -number) as [StoppableTask];
    left.splice(left.indexOf(victim), 1);
    chosen.push(victim);
  }
  return chosen;
}

/** How many of the tasks are on instances that share a field's value with this one; counted once per field. */
function countsOf(tasks: readonly StoppableTask[]): ServiceSpread['countWhere'] {
  const counts = new Map<string, ReadonlyMap<string | undefined, number>>();
  return (field, instance) => {
    let ofField = counts.get(field);
    if (ofField === undefined) {
      ofField = countBy(tasks, (task) => task.instance && attributeOf(field, task.instance));
      counts.set(field, ofField);
    }
    return ofField.get(attributeOf(field, instance)) ?? 0;
  };
}

/** Those of the candidates whose value is the most frequent among all tasks. */
function inFullest(
  candidates: readonly StoppableTask[],
  all: readonly StoppableTask[],
  valueOf: (task: StoppableTask) => string | undefined,
): StoppableTask[] {
  const counts = countBy(all, valueOf);
  return lowest(candidates, (task) => -(counts.get(valueOf(task)) ?? 0));
}

function countBy(
  tasks: readonly StoppableTask[],
  valueOf: (task: StoppableTask) => string | undefined,
): ReadonlyMap<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const task of tasks) counts.set(valueOf(task), (counts.get(valueOf(task)) ?? 0) + 1);
  return counts;
}
