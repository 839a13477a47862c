/**
 * Tasks of their own, without a service: `RunTask` has ECS find places, `StartTask` names the instances. Nobody replaces them.
 *
 * @source spec/placement.md 1.10, 2.3 (AWS, "Amazon ECS standalone tasks")
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  event,
  json,
  numbers,
  optional,
  text,
  texts,
  type Decide,
  type EventsOf,
  type Evolve,
} from '../kernel/index.ts';
import { fargateFailure, type FargateFailure } from './capacity/fargate.ts';
import {
  capacityProviderStrategyItem,
  isFargate,
  splitByStrategy,
  type CapacityProviderStrategyItem,
} from './capacity/strategy.ts';
import type { ContainerInstance } from './containerInstance.ts';
import { noteAnswer, type JobOfRun } from './jobs.ts';
import { unassumableRole } from './permissions.ts';
import { placementConstraint } from './placement/constraints.ts';
import type { PlacementFailure } from './placement/engine.ts';
import { placementStrategy, RUN_TASK_STRATEGY } from './placement/strategies.ts';
import { createdTask } from './scheduler.ts';
import { networkConfiguration } from './service.ts';
import { findPlace, placedOn, placedOnFargate, refusalOf, waitingFor, zonesOf, type TaskEvent } from './task.ts';
import type { RegisteredTaskDefinition } from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

const common = {
  taskDefinition: z.string().min(1).describe('family (its latest revision), or family:revision'),
  group: z.string().min(1).max(255).optional().describe('task group; family:<family> when left out'),
  networkConfiguration: networkConfiguration.optional(),
};

/** As `aws ecs run-task` takes it. */
export const runTask = z.strictObject({
  ...common,
  count: z.int().min(1).max(10).default(1),
  launchType: z.enum(['EC2', 'FARGATE']).optional(),
  capacityProviderStrategy: z.array(capacityProviderStrategyItem).min(1).optional(),
  placementStrategy: z.array(placementStrategy).max(5).default([]).describe('random when left out'),
  placementConstraints: z.array(placementConstraint).max(10).default([]),
});
export type RunTaskConfig = z.output<typeof runTask>;

/** As `aws ecs start-task` takes it; EC2 instance ids name container instances. */
export const startTask = z.strictObject({
  ...common,
  containerInstances: z.array(z.string().min(1)).min(1, 'Container Instances cannot be empty.').max(10),
});
export type StartTaskConfig = z.output<typeof startTask>;

/** Tasks that were asked for together. It is kept while any of them is not STOPPED. */
export interface TaskRun {
  /** Their task group. */
  readonly group: string;
  /** What placement wants to know of them. */
  readonly config: Pick<RunTaskConfig, 'placementConstraints' | 'placementStrategy' | 'networkConfiguration'>;
  readonly taskDefinition: string;
  readonly zoneCounts: Map<string, number>;
  /** Tasks not created yet, and tasks not STOPPED. */
  starting: number;
  tasks: number;
  /** RUNNING ones, and those of them that are on container instances. */
  runningCount: number;
  runningOnInstances: number;
  /** Absent when a person has asked for them. */
  readonly job?: JobOfRun;
}

/** ECS's reasons besides those of placement. */
const NO_ROLE = 'ECS was unable to assume the role that was provided for this task.';
type TaskRunFailure =
  typeof NO_ROLE | PlacementFailure | FargateFailure | 'MISSING' | 'INACTIVE' | 'PROVISIONING LIMIT';

export const taskRunEvents = {
  TaskRunRequested: event('Tasks of their own were asked for, with RunTask or StartTask.', {
    runId: text('what its tasks are startedBy'),
    group: text('their task group'),
    taskDefinition: text('family:revision'),
    placement: json<TaskRun['config']>('their constraints, strategy and subnets'),
    capacityProviders: texts('RunTask: the provider of each; empty for the launch type EC2'),
    containerInstances: texts('StartTask: the instance of each'),
  }),
  TaskRunFailed: event('A task of its own could not be placed: it is not tried again.', {
    runId: text('the request it was part of'),
    group: text('its task group'),
    taskDefinition: text('family:revision'),
    reason: text<TaskRunFailure>("ECS's failure reason"),
    closest: optional(text('the instance that came closest, or was named')),
    lack: optional(text('what that instance lacked')),
    refusedBy: texts("what kept active instances from taking the task, each of ECS's reasons once"),
    refusedCounts: numbers('instances that each reason turned away'),
  }),
} as const;
export type TaskRunEvent = EventsOf<typeof taskRunEvents>;

export type TaskRunCommand =
  | { readonly type: 'RunTask'; readonly config: RunTaskConfig }
  | { readonly type: 'StartTask'; readonly config: StartTaskConfig }
  | { readonly type: 'LaunchTask'; readonly runId: string; readonly capacityProvider: string }
  | { readonly type: 'LaunchTaskOn'; readonly runId: string; readonly ec2InstanceId: string };

type World = Immutable<EcsWorld>;

export const decideTaskRun: Decide<EcsWorld, TaskRunCommand, TaskRunEvent | TaskEvent> = {
  RunTask({ config }, { world: { ecs } }) {
    return [
      {
        ...requested(ecs, config, rulesOf(config)),
        capacityProviders: providersOf(ecs, config.count, strategyOf(ecs, config)),
        containerInstances: [],
      },
    ];
  },

  StartTask({ config }, { world: { ecs } }) {
    return [
      {
        ...requested(ecs, config, { placementConstraints: [], placementStrategy: [] }),
        capacityProviders: [],
        containerInstances: config.containerInstances,
      },
    ];
  },

  LaunchTask({ runId, capacityProvider }, context) {
    const { ecs } = context.world;
    const run = ecs.runs.get(runId);
    if (run === undefined) return [];
    if (unassumableRole(context.world, definitionOf(ecs, run)) !== undefined)
      return [failed(run, runId, { reason: NO_ROLE, refusedBy: [], refusedCounts: [] })];
    const provider = capacityProvider === '' ? undefined : capacityProvider;
    const task = newTask(ecs, runId, run, provider);
    const created = createdTask(task, '');
    if (provider !== undefined && isFargate(provider)) {
      const failure = fargateFailure(context.world, provider, zonesOf(ecs, run.config));
      return failure === undefined
        ? [created, placedOnFargate(run, task, context)]
        : [failed(run, runId, { reason: failure, refusedBy: [], refusedCounts: [] })];
    }
    const place = findPlace(context, run, task);
    if ('instance' in place) return [created, placedOn(place, run.config, task, context)];
    const managed = ecs.capacityProviders.get(capacityProvider)?.config.autoScalingGroupProvider.managedScaling.status;
    if (managed === 'ENABLED' && ecs.waiting.size < ecs.capacity.provisioningLimit)
      return [created, waitingFor(place, task, context)];
    const refusal = refusalOf(place);
    return [failed(run, runId, managed === 'ENABLED' ? { ...refusal, reason: 'PROVISIONING LIMIT' } : refusal)];
  },

  LaunchTaskOn({ runId, ec2InstanceId }, context) {
    const { ecs } = context.world;
    const run = ecs.runs.get(runId);
    if (run === undefined) return [];
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (unassumableRole(context.world, definitionOf(ecs, run)) !== undefined)
      return [failed(run, runId, { reason: NO_ROLE, closest: ec2InstanceId, refusedBy: [], refusedCounts: [] })];
    if (instance?.status !== 'ACTIVE')
      return [failed(run, runId, { ...unfit(instance), closest: ec2InstanceId, refusedBy: [], refusedCounts: [] })];
    const task = newTask(ecs, runId, run, undefined);
    const place = findPlace(context, run, task, [instance]);
    return 'instance' in place
      ? [createdTask(task, ''), placedOn(place, run.config, task, context)]
      : [failed(run, runId, refusalOf(place))];
  },
};

function definitionOf(
  { taskDefinitions }: World['ecs'],
  { taskDefinition }: { readonly taskDefinition: string },
): Immutable<RegisteredTaskDefinition> {
  return taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
}

function requested(
  ecs: World['ecs'],
  { taskDefinition: named, group, networkConfiguration }: RunTaskConfig | StartTaskConfig,
  rules: Rules,
) {
  const taskDefinition = ecs.latestRevisions.get(named) ?? named;
  const family = taskDefinition.slice(0, taskDefinition.lastIndexOf(':'));
  return {
    type: 'TaskRunRequested',
    runId: `run-${ecs.nextRun}`,
    group: group ?? `family:${family}`,
    taskDefinition,
    placement: networkConfiguration === undefined ? rules : { ...rules, networkConfiguration },
  } as const;
}

type Rules = Pick<RunTaskConfig, 'placementConstraints' | 'placementStrategy'>;

/** Where tasks may go and where they go first, with ECS's default filled in. */
export function rulesOf({ placementConstraints, placementStrategy }: Rules): Rules {
  return {
    placementConstraints,
    placementStrategy: placementStrategy.length > 0 ? placementStrategy : [...RUN_TASK_STRATEGY],
  };
}

/** The capacity provider strategy that a request comes to; empty for the launch type EC2. */
export function strategyOf(
  { defaultCapacityProviderStrategy }: World['ecs'],
  { capacityProviderStrategy, launchType }: Immutable<Pick<RunTaskConfig, 'capacityProviderStrategy' | 'launchType'>>,
): readonly CapacityProviderStrategyItem[] {
  if (capacityProviderStrategy !== undefined) return capacityProviderStrategy;
  if (launchType === undefined) return defaultCapacityProviderStrategy;
  return launchType === 'FARGATE' ? [{ capacityProvider: 'FARGATE', base: 0, weight: 1 }] : [];
}

/** Which provider each of the tasks of a request goes to. */
export function providersOf(
  { capacity }: World['ecs'],
  count: number,
  strategy: readonly CapacityProviderStrategyItem[],
): readonly string[] {
  if (strategy.length === 0) return Array.from({ length: count }, () => '');
  const shares = splitByStrategy(count, strategy, capacity.splitRule);
  return strategy.flatMap(({ capacityProvider }, index) =>
    Array.from({ length: shares[index] as number }, () => capacityProvider),
  );
}

function newTask(ecs: World['ecs'], runId: string, run: Immutable<TaskRun>, capacityProvider: string | undefined) {
  const number = ecs.nextTask;
  const { taskDefinition, group } = run;
  return { taskId: `task-${number}`, number, taskDefinition, startedBy: runId, capacityProvider, group };
}

/** Why a named instance takes no tasks, whatever they need. */
function unfit(instance: Immutable<ContainerInstance> | undefined): Pick<Refusal, 'reason' | 'lack'> {
  return instance === undefined
    ? { reason: 'MISSING', lack: 'is not registered in the cluster' }
    : { reason: 'INACTIVE', lack: `is ${instance.status}` };
}

type Failed = Extract<TaskRunEvent, { readonly type: 'TaskRunFailed' }>;
type Refusal = Pick<Failed, 'reason' | 'closest' | 'lack' | 'refusedBy' | 'refusedCounts'>;

function failed({ group, taskDefinition }: Immutable<TaskRun>, runId: string, refusal: Refusal): TaskRunEvent {
  return { type: 'TaskRunFailed', runId, group, taskDefinition, ...refusal };
}

export const evolveTaskRun: Evolve<EcsWorld, TaskRunEvent> = {
  TaskRunRequested({ ecs }, { runId, group, taskDefinition, placement, capacityProviders, containerInstances }) {
    ecs.nextRun++;
    ecs.runs.set(runId, {
      group,
      config: placement,
      taskDefinition,
      zoneCounts: new Map(),
      starting: capacityProviders.length + containerInstances.length,
      tasks: 0,
      runningCount: 0,
      runningOnInstances: 0,
    });
  },
  TaskRunFailed({ ecs }, { runId }) {
    const run = ecs.runs.get(runId) as TaskRun;
    run.starting--;
    noteAnswer(ecs, run, runId);
    if (run.tasks === 0 && run.starting === 0) ecs.runs.delete(runId);
  },
};
