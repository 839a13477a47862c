/**
 * Placement on its own, without a simulation: plain JSON in, an instance or ECS's failure reason out.
 *
 * @source spec/placement.md chapters 1 and 2
 */

import { z } from 'zod';
import { keyedRng, parseInstant } from '../../kernel/index.ts';
import { taskDemand, type TaskDefinitionLike } from '../taskDefinition.ts';
import { placementAssumptions } from './assumptions.ts';
import { requiredAttributes, type AskingTaskDefinition } from './capabilities.ts';
import { placementConstraint, taskDefinitionConstraint } from './constraints.ts';
import { prepare, scanForPlace, type Refused } from './engine.ts';
import type { PlacementInstance } from './instance.ts';
import { chooseVictims } from './scaleIn.ts';
import { placementStrategy, RUN_TASK_STRATEGY, SERVICE_STRATEGY } from './strategies.ts';

/** A container instance. What is left out is what most instances have. */
export interface InstanceJson {
  readonly ec2InstanceId: string;
  readonly availabilityZone: string;
  /** What is left of it. */
  readonly remaining: {
    readonly cpuUnits: number;
    readonly memoryMiB: number;
    /** 0 when left out. */
    readonly gpuCount?: number;
    /** Network interfaces for awsvpc tasks; 0 when left out. */
    readonly enis?: number;
  };
  /** Host ports that are taken; none when left out. The agent's own are 22, 2375, 2376, 51678 and 51679. */
  readonly tcpPorts?: readonly number[];
  readonly udpPorts?: readonly number[];
  readonly instanceType?: string;
  readonly capacityProvider?: string;
  /** ACTIVE when left out. */
  readonly status?: 'ACTIVE' | 'DRAINING';
  /** true when left out. */
  readonly agentConnected?: boolean;
  readonly agentVersion?: string;
  /** ISO 8601; instances without it count as registered in the order of the list. */
  readonly registeredAt?: string;
  /** Custom attributes, and built-in ones that differ from the zone and type above; null: one without a value. */
  readonly attributes?: Readonly<Record<string, string | null>>;
  /** Tasks meant to run of each task group, such as `{ 'service:web': 2 }`. */
  readonly taskGroups?: Readonly<Record<string, number>>;
  /** Those of them that are RUNNING; all when left out. */
  readonly runningGroups?: Readonly<Record<string, number>>;
}

export interface PlaceTaskRequest {
  /** As register-task-definition takes it. */
  readonly taskDefinition: TaskDefinitionLike &
    AskingTaskDefinition & { readonly family?: string; readonly placementConstraints?: readonly object[] };
  /** The task group; `family:<family>` when left out. A group of `service:<name>` is placed as a service is. */
  readonly group?: string;
  /** As create-service and run-task take them. Without a strategy: a service's default, or random for other tasks. */
  readonly placementStrategy?: readonly object[];
  readonly placementConstraints?: readonly object[];
  readonly capacityProvider?: string;
  /** awsvpc: zones of the subnets; any when left out. */
  readonly availabilityZones?: readonly string[];
}

export interface PlacementOptions extends z.input<typeof placementAssumptions> {
  /** Where chance begins, for `random` and for ties that chance breaks; 1 when left out. */
  readonly seed?: number;
}

export interface PlaceTaskAnswer {
  readonly ec2InstanceId: string;
  readonly left: readonly number[];
  readonly scores: readonly number[];
}

/**
 * Chooses an instance for a task.
 *
 * @returns the instance, how many instances each step left (active, fit for the task, with room, allowed, then one number
 *   per strategy) and the winner's scores; or ECS's failure reason with the closest instance and what it lacked
 * @throws ZodError for a strategy or constraint that AWS would not take; RangeError for an instance that cannot be read
 */
export function placeTask(
  request: PlaceTaskRequest,
  instances: readonly InstanceJson[],
  options: PlacementOptions = {},
): PlaceTaskAnswer | Refused {
  const { seed = 1, ...written } = options;
  const { taskDefinition, placementStrategy: strategies = [], placementConstraints = [] } = request;
  const own = taskDefinition.placementConstraints ?? [];
  const group = request.group ?? `family:${taskDefinition.family ?? ''}`;
  const chain = z.array(placementStrategy).max(5).parse(strategies);
  const place = scanForPlace(
    prepare(
      {
        group,
        demand: taskDemand(taskDefinition),
        requiredAttributes: requiredAttributes(taskDefinition),
        zones: request.availabilityZones,
        constraints: z
          .array(placementConstraint)
          .max(10)
          .parse([...z.array(taskDefinitionConstraint).parse(own), ...placementConstraints]),
        strategies: chain.length > 0 ? chain : group.startsWith('service:') ? SERVICE_STRATEGY : RUN_TASK_STRATEGY,
        capacityProvider: request.capacityProvider,
      },
      placementAssumptions.parse(written),
    ),
    instances.map(instanceOf),
    keyedRng(seed).at('ecs.placement', 1),
  );
  if (!('instance' in place)) return place;
  return { ec2InstanceId: place.instance.ec2InstanceId, left: place.left, scores: place.scores };
}

/** @throws RangeError for what is left of it, and an instant, that cannot be read */
function instanceOf(json: InstanceJson, index: number): PlacementInstance {
  const { instanceType = 'unknown', availabilityZone, registeredAt, taskGroups = {} } = json;
  const { cpuUnits, memoryMiB, gpuCount = 0, enis = 0 } = json.remaining;
  const remaining = { cpuUnits, memoryMiB, gpuCount, enis };
  const refuse = (key: string, found: unknown, expected: string) => {
    throw new RangeError(`instances[${index}].${key}: found ${JSON.stringify(found)}, expected ${expected}`);
  };
  for (const [key, amount] of Object.entries(remaining))
    if (!Number.isFinite(amount)) refuse(`remaining.${key}`, amount, 'a number');
  const registeredAtMs = registeredAt === undefined ? index : parseInstant(registeredAt);
  if (Number.isNaN(registeredAtMs)) refuse('registeredAt', registeredAt, 'an instant such as 2030-01-07T08:00:00Z');
  const ports = [
    ...(json.tcpPorts ?? []).map((port) => `tcp/${port}`),
    ...(json.udpPorts ?? []).map((port) => `udp/${port}`),
  ];
  const counts = Object.entries(taskGroups).filter(([, count]) => count > 0);
  return {
    ec2InstanceId: json.ec2InstanceId,
    ordinal: index,
    instanceType,
    availabilityZone,
    capacityProvider: json.capacityProvider,
    registeredAtMs,
    status: json.status ?? 'ACTIVE',
    agentConnected: json.agentConnected ?? true,
    agentVersion: json.agentVersion ?? placementAssumptions.parse({}).agentVersion,
    remaining,
    ports: new Map(ports.map((port) => [port, true])),
    attributes: new Map<string, string | null>(
      Object.entries({
        'ecs.availability-zone': availabilityZone,
        'ecs.instance-type': instanceType,
        'ecs.os-type': 'linux',
        'ecs.os-family': 'LINUX',
        'ecs.cpu-architecture': 'x86_64',
        ...json.attributes,
      }),
    ),
    missingCapabilities: [],
    taskGroups: new Map(counts),
    runningGroups: new Map(Object.entries(json.runningGroups ?? taskGroups).filter(([, count]) => count > 0)),
    runningTasksCount: counts.reduce((sum, [, count]) => sum + count, 0),
  };
}

/** A task that scaling in may stop. */
export interface StoppableTaskJson {
  readonly taskId: string;
  /** Position in the order of creation; the position in the list when left out. */
  readonly number?: number;
  /** RUNNING, not on its way there; true when left out. */
  readonly running?: boolean;
  readonly unhealthy?: boolean;
  readonly protectedFromScaleIn?: boolean;
  /** Left out on Fargate and before placement. */
  readonly instance?: InstanceJson;
  /** The instance's when left out. */
  readonly availabilityZone?: string;
}

export interface ChooseTasksToStopOptions extends Pick<PlacementOptions, 'seed' | 'tieBreak' | 'stopFirst'> {
  /** The service's; its default when left out. */
  readonly placementStrategy?: readonly object[];
  /** What stopping a task gives back; nothing when left out. */
  readonly demand?: { readonly cpuUnits: number; readonly memoryMiB: number };
}

/**
 * The tasks that scaling in stops, in the order in which it takes them; fewer than `count` when the others are protected.
 *
 * @param tasks  all tasks of the service that are meant to run
 * @throws ZodError for a strategy that AWS would not take
 */
export function chooseTasksToStop<Task extends StoppableTaskJson>(
  tasks: readonly Task[],
  count: number,
  options: ChooseTasksToStopOptions = {},
): readonly Task[] {
  const { seed = 1, tieBreak = 'lexical', stopFirst = 'pending', placementStrategy: strategies = [], demand } = options;
  const chain = z.array(placementStrategy).max(5).parse(strategies);
  const stoppable = tasks.map(({ taskId, number, running = true, instance, availabilityZone, ...rest }, index) => ({
    taskId,
    number: number ?? index,
    running,
    unhealthy: rest.unhealthy === true,
    protectedFromScaleIn: rest.protectedFromScaleIn === true,
    instance: instance === undefined ? undefined : instanceOf(instance, index),
    availabilityZone: availabilityZone ?? instance?.availabilityZone,
  }));
  const victims = chooseVictims(stoppable, count, {
    demand: demand ?? { cpuUnits: 0, memoryMiB: 0 },
    strategies: chain.length === 0 ? SERVICE_STRATEGY : chain,
    assumptions: { tieBreak, stopFirst },
    draws: keyedRng(seed).at('ecs.scaleIn', 1),
  });
  const taskOf = new Map<unknown, Task>(stoppable.map((task, index) => [task, tasks[index] as Task]));
  return victims.map((victim) => taskOf.get(victim) as Task);
}
