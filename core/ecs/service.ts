/**
 * Services: the scheduler keeps the desired number of tasks, splits them over capacity providers, replaces what drains,
 * and says when all is steady.
 *
 * @source spec/placement.md chapter 4, 2.5
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  event,
  json,
  MINUTE,
  number,
  numbers,
  optional,
  SECOND,
  text,
  texts,
  type Context,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { Carried } from '../workload/index.ts';
import { fargateFailure, type FargateFailure } from './capacity/fargate.ts';
import {
  capacityProviderStrategyItem,
  isFargate,
  splitByStrategy,
  type CapacityProviderStrategyItem,
} from './capacity/strategy.ts';
import { placementConstraint } from './placement/constraints.ts';
import type { PlacementFailure } from './placement/engine.ts';
import { chooseVictims, type StoppableTask } from './placement/scaleIn.ts';
import { placementStrategy, SERVICE_STRATEGY } from './placement/strategies.ts';
import { latencyMetricsOf } from './metricKeys.ts';
import { addTo } from './containerInstance.ts';
import {
  findPlace,
  placedOn,
  placedOnFargate,
  refusalOf,
  waitingFor,
  zonesOf,
  type Task,
  type TaskEvent,
} from './task.ts';
import type { RegisteredTaskDefinition } from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

/** A service as `aws ecs create-service` takes it; names replace ARNs. */
export const service = z.strictObject({
  serviceName: z.string().min(1).max(255),
  taskDefinition: z.string().min(1).describe('family, or family:revision'),
  desiredCount: z.int().min(0).max(5000),
  schedulingStrategy: z.literal('REPLICA').default('REPLICA'),
  launchType: z.enum(['EC2', 'FARGATE']).optional(),
  capacityProviderStrategy: z.array(capacityProviderStrategyItem).min(1).optional(),
  placementStrategy: z.array(placementStrategy).max(5).default([]),
  placementConstraints: z.array(placementConstraint).max(10).default([]),
  networkConfiguration: z
    .strictObject({
      awsvpcConfiguration: z.strictObject({
        subnets: z
          .array(z.string().min(1))
          .min(1, 'subnets can not be empty.')
          .max(16)
          .describe("SubnetIds of the subnets block; a zone's name stands for a subnet in it"),
        securityGroups: z.array(z.string().min(1)).max(5).default([]),
      }),
    })
    .optional()
    .describe('awsvpc only: tasks run in the zones of these subnets'),
  loadBalancers: z
    .array(
      z.strictObject({
        targetGroup: z.string().min(1).describe('Name of a target group'),
        containerName: z.string().min(1),
        containerPort: z.int().min(1).max(65_535),
      }),
    )
    .max(5)
    .default([])
    .describe('target groups its tasks are registered with; requests come by the first'),
  serviceConnectConfiguration: z
    .strictObject({
      enabled: z.boolean(),
      namespace: z.string().optional(),
      services: z
        .array(
          z.strictObject({
            portName: z.string().min(1),
            discoveryName: z.string().min(1).optional().describe('the name its metrics are published under; portName'),
            clientAliases: z
              .array(z.strictObject({ port: z.int().min(1).max(65_535), dnsName: z.string().optional() }))
              .max(1)
              .default([]),
          }),
        )
        .default([]),
    })
    .optional(),
  monitoring: z
    .strictObject({
      metricConfigurations: z.array(
        z.strictObject({
          metricNames: z.array(z.enum(['CPUUtilization', 'MemoryUtilization'])).min(1),
          resolutionSeconds: z.literal([20, 60]).default(60),
        }),
      ),
    })
    .optional()
    .describe('20-second CPU and memory metrics, which high-resolution policies need'),
  deploymentConfiguration: z
    .strictObject({
      minimumHealthyPercent: z.int().min(0).max(100).default(100),
      maximumPercent: z.int().min(100).max(1000).default(200),
    })
    .prefault({}),
});
export type ServiceConfig = z.output<typeof service>;

export interface Service {
  readonly config: ServiceConfig;
  /** family:revision */
  readonly taskDefinition: string;
  /** Empty for the launch type EC2. */
  readonly strategy: readonly CapacityProviderStrategyItem[];
  desiredCount: number;
  /** Tasks the scheduler has asked for that are not created yet. */
  starting: number;
  /** Every task that is not STOPPED. */
  readonly tasks: Map<string, true>;
  /** Tasks in PROVISIONING and PENDING, RUNNING, and on their way out. */
  pendingCount: number;
  runningCount: number;
  stoppingCount: number;
  /** Tasks meant to run: placed ones by zone; all by capacity provider, those that are being started included. */
  readonly zoneCounts: Map<string, number>;
  readonly providerCounts: Map<string, number>;
  deploymentInProgress: boolean;
  /** Has reached a steady state since the last change. */
  steady: boolean;
  /** Rounds in a row that could not place a task, and when the next one is due. */
  placementFailures: number;
  retryAtMs: Millis;
  /** What the last step of serving left to the next. */
  carried: Carried | undefined;
  /** Tasks that have started in the current minute. */
  startedCount: number;
  /** Running sums of the current minute, and of the current 20 seconds where `monitoring` asks for them. */
  readonly utilization: { minute: ServiceUtilization; highResolution: ServiceUtilization };
  measured: Measured;
  /** Metrics of its latency. */
  readonly latencyMetrics: readonly string[];
  /** Requests of the current minute by latency bucket, while some metric asks for percentiles. */
  readonly latencies: Map<number, number>;
}

/** What the steps of one period add up to, of one utilization. */
export interface UtilizationSums {
  /** Steps with a task that counts, and such tasks in the last of them. */
  steps: number;
  tasks: number;
  /** Sum over those steps of the mean over the tasks; and its extremes. */
  percent: number;
  minimum: number;
  maximum: number;
}

export interface ServiceUtilization {
  readonly cpu: UtilizationSums;
  readonly memory: UtilizationSums;
}

const nothingUsed = (): UtilizationSums => ({ steps: 0, tasks: 0, percent: 0, minimum: 0, maximum: 0 });
export const noUtilization = (): ServiceUtilization => ({ cpu: nothingUsed(), memory: nothingUsed() });

/** What the steps of one minute add up to. */
export interface Measured {
  steps: number;
  requests: number;
  requestsPerTarget: number;
  /** Steps with a registered target. */
  targetSteps: number;
  latencyMs: number;
  latencyMinimum: number;
  latencyMaximum: number;
  completed: number;
  /** HTTP codes: of the targets, and of the load balancer itself. */
  target5xx: number;
  elb5xx: number;
  elb502: number;
  elb503: number;
  elb504: number;
  targetConnectionErrors: number;
  /** Sum over steps, and extremes. */
  healthyHosts: number;
  healthyHostsMinimum: number;
  healthyHostsMaximum: number;
  unhealthyHosts: number;
  unhealthyHostsMinimum: number;
  unhealthyHostsMaximum: number;
  /** Sum over steps of the connections open at their ends; and those opened by clients. */
  activeConnections: number;
  newConnections: number;
  /** The queue that the service works off. */
  queue: MeasuredQueue | undefined;
}

/** Of a queue: how it was at the end of the last step, and the sums of the steps. */
export interface MeasuredQueue {
  readonly queueName: string;
  readonly visible: number;
  readonly notVisible: number;
  readonly oldestMs: number;
  readonly sent: number;
  readonly received: number;
  readonly deleted: number;
  readonly emptyReceives: number;
}

export const nothingMeasured = (): Measured => ({
  steps: 0,
  requests: 0,
  requestsPerTarget: 0,
  targetSteps: 0,
  latencyMs: 0,
  latencyMinimum: 0,
  latencyMaximum: 0,
  completed: 0,
  target5xx: 0,
  elb5xx: 0,
  elb502: 0,
  elb503: 0,
  elb504: 0,
  targetConnectionErrors: 0,
  healthyHosts: 0,
  healthyHostsMinimum: 0,
  healthyHostsMaximum: 0,
  unhealthyHosts: 0,
  unhealthyHostsMinimum: 0,
  unhealthyHostsMaximum: 0,
  activeConnections: 0,
  newConnections: 0,
  queue: undefined,
});

export const serviceEvents = {
  ServiceCreated: event('A service was created; its first deployment begins.', {
    config: json<ServiceConfig>('as create-service takes it'),
    taskDefinition: text('family:revision'),
    strategy: json<readonly CapacityProviderStrategyItem[]>('its capacity provider strategy; empty for EC2'),
  }),
  ServiceUpdated: event('The desired count of a service was changed.', {
    serviceName: text('the service'),
    from: number('tasks before'),
    to: number('tasks now'),
  }),
  ServiceTasksStarting: event('The scheduler starts tasks.', {
    serviceName: text('the service'),
    capacityProviders: texts('the provider of each; empty for the launch type EC2'),
  }),
  ServiceTasksStopping: event('The scheduler stops tasks.', {
    serviceName: text('the service'),
    taskIds: texts('the tasks'),
    reason: text("AWS's stopped reason"),
  }),
  ServiceTaskPlacementFailed: event('A task could not be placed; the scheduler tries again later.', {
    serviceName: text('the service'),
    capacityProvider: text('the provider it was meant for; empty for the launch type EC2'),
    reason: text<PlacementFailure | FargateFailure>("ECS's failure reason"),
    closest: optional(text('the instance that came closest')),
    lack: optional(text('what the closest instance lacked')),
    refusedBy: texts("what kept active instances from taking the task, each of ECS's reasons once"),
    refusedCounts: numbers('instances that each reason turned away'),
    retryAtMs: optional(number('when the scheduler tries again unless something changes before; absent: as it said')),
  }),
  ServiceReachedSteadyState: event('The service has its desired count of running, healthy tasks.', {
    serviceName: text('the service'),
    runningCount: number('tasks'),
  }),
} as const;
export type ServiceEvent = EventsOf<typeof serviceEvents>;

export type ServiceCommand =
  | { readonly type: 'CreateService'; readonly config: ServiceConfig }
  | { readonly type: 'UpdateService'; readonly serviceName: string; readonly desiredCount: number }
  /** One cycle of the service scheduler. */
  | { readonly type: 'ReconcileService'; readonly serviceName: string }
  | { readonly type: 'RunServiceTask'; readonly serviceName: string; readonly capacityProvider: string };

/** Choice: AWS documents a back-off but no numbers (spec/placement.md 4.9). */
const RETRY_MS = { first: 30 * SECOND, most: 5 * MINUTE };

/**
 * The bounds that minimum and maximum healthy percent set: up, and down, to whole tasks.
 *
 * @source AWS, ECS API, DeploymentConfiguration
 */
export function deploymentBounds(
  desiredCount: number,
  minimumHealthyPercent: number,
  maximumPercent: number,
): { readonly minimumHealthy: number; readonly maximumTasks: number } {
  return {
    minimumHealthy: Math.floor((desiredCount * minimumHealthyPercent + 99) / 100),
    maximumTasks: Math.floor((desiredCount * maximumPercent) / 100),
  };
}

export const decideService: Decide<EcsWorld, ServiceCommand, ServiceEvent | TaskEvent> = {
  CreateService({ config }, { world: { ecs } }) {
    const taskDefinition = ecs.latestRevisions.get(config.taskDefinition) ?? config.taskDefinition;
    const strategy =
      config.capacityProviderStrategy ??
      (config.launchType === 'FARGATE' ? [{ capacityProvider: 'FARGATE', base: 0, weight: 1 }] : undefined) ??
      (config.launchType === 'EC2' ? [] : ecs.defaultCapacityProviderStrategy);
    return [{ type: 'ServiceCreated', config, taskDefinition, strategy }];
  },

  UpdateService({ serviceName, desiredCount }, { world }) {
    const from = world.ecs.services.get(serviceName)?.desiredCount;
    return from === undefined || from === desiredCount
      ? []
      : [{ type: 'ServiceUpdated', serviceName, from, to: desiredCount }];
  },

  ReconcileService({ serviceName }, context) {
    const { world } = context;
    const found = world.ecs.services.get(serviceName);
    if (found === undefined) return [];
    const { staying, leaving, draining } = census(world, found);
    const { minimumHealthyPercent, maximumPercent } = found.config.deploymentConfiguration;
    const bounds = deploymentBounds(found.desiredCount, minimumHealthyPercent, maximumPercent);
    const healthy = healthyCount(world, found);
    const alive = found.tasks.size + found.starting;
    const missing = found.desiredCount - staying.length - found.starting;
    const events: ServiceEvent[] = [];
    // Replacing what drains must stay within the maximum; filling up to the desired count need not wait for stops.
    const room = draining ? Math.min(missing, bounds.maximumTasks - alive) : missing;
    if (room > 0) events.push(startTasks(world, found, leaving, room));
    const stoppable = Math.max(0, healthy - bounds.minimumHealthy);
    const drained = leaving.slice(0, leaving.filter(({ running }) => !running).length + stoppable);
    if (drained.length > 0) events.push(stopTasks(serviceName, drained, 'Task is on a draining container instance'));
    // Tasks that are being started this instant come to be first: which ones are too many is decided among all.
    if (missing < 0 && found.starting === 0) {
      const reason = 'Scaling activity initiated by the service scheduler';
      events.push(stopTasks(serviceName, surplus(found, staying, -missing, context), reason));
    }
    const steady =
      events.length === 0 &&
      !found.steady &&
      leaving.length === 0 &&
      found.pendingCount === 0 &&
      found.starting === 0 &&
      found.stoppingCount === 0 &&
      healthy === found.desiredCount &&
      found.runningCount === found.desiredCount;
    if (steady) events.push({ type: 'ServiceReachedSteadyState', serviceName, runningCount: found.runningCount });
    return events;
  },

  RunServiceTask({ serviceName, capacityProvider }, context) {
    const { ecs } = context.world;
    const found = ecs.services.get(serviceName);
    if (found === undefined) return [];
    const number = ecs.nextTask;
    const provider = capacityProvider === '' ? undefined : capacityProvider;
    const task = { taskId: `task-${number}`, number, taskDefinition: found.taskDefinition, capacityProvider: provider };
    const created: TaskEvent = {
      type: 'TaskCreated',
      taskId: task.taskId,
      number,
      serviceName,
      taskDefinition: found.taskDefinition,
      ...(provider === undefined ? {} : { capacityProvider: provider }),
    };
    const failed = (refusal: Refusal): ServiceEvent[] => [placementFailed(found, capacityProvider, refusal, context)];
    if (provider !== undefined && isFargate(provider)) {
      const reason = fargateFailure(context.world, provider, zonesOf(ecs, found.config));
      if (reason !== undefined) return failed({ reason, refusedBy: [], refusedCounts: [] });
      return [created, placedOnFargate(found, task, context)];
    }
    const place = findPlace(context, found, task);
    if ('instance' in place) return [created, placedOn(place, found.config.placementStrategy, task, context)];
    const managed = ecs.capacityProviders.get(capacityProvider)?.config.autoScalingGroupProvider.managedScaling.status;
    const mayWait = managed === 'ENABLED' && ecs.waiting.size < ecs.capacity.provisioningLimit;
    return mayWait ? [created, waitingFor(place, task, context)] : failed(refusalOf(place));
  },
};

type PlacementFailed = Extract<ServiceEvent, { readonly type: 'ServiceTaskPlacementFailed' }>;
type Refusal = Omit<PlacementFailed, 'type' | 'serviceName' | 'capacityProvider' | 'retryAtMs'>;

/** One retry at a time: the tasks of a round, and whatever else asks again before it is due, share it. */
function placementFailed(
  { config: { serviceName }, placementFailures, retryAtMs: dueMs }: Immutable<Service>,
  capacityProvider: string,
  refusal: Refusal,
  { nowMs }: Context<EcsWorld>,
): PlacementFailed {
  const retryAtMs = nowMs + Math.min(RETRY_MS.first * 2 ** Math.min(placementFailures, 10), RETRY_MS.most);
  const retry = nowMs < dueMs ? {} : { retryAtMs };
  return { type: 'ServiceTaskPlacementFailed', serviceName, capacityProvider, ...refusal, ...retry };
}

interface Census {
  /** The tasks that are meant to run: those that stay, and those that must leave because their instance drains. */
  readonly staying: readonly StoppableTask[];
  readonly leaving: readonly StoppableTask[];
  /** Whether any task, also one on its way out, is still on a draining instance. */
  readonly draining: boolean;
}

function census({ ecs }: Immutable<EcsWorld>, { tasks }: Immutable<Service>): Census {
  const staying: StoppableTask[] = [];
  const leaving: StoppableTask[] = [];
  let draining = false;
  for (const taskId of tasks.keys()) {
    const { number, status, availabilityZone, ec2InstanceId } = ecs.tasks.get(taskId) as Immutable<Task>;
    const instance = ec2InstanceId === undefined ? undefined : ecs.containerInstances.get(ec2InstanceId);
    if (instance?.status === 'DRAINING') draining = true;
    if (status === 'DEACTIVATING' || status === 'STOPPING') continue;
    const task = { taskId, number, running: status === 'RUNNING', instance, availabilityZone };
    if (instance?.status === 'DRAINING') leaving.push(task);
    else staying.push(task);
  }
  // Those that do not run yet are stopped first: they serve nobody.
  leaving.sort((a, b) => Number(a.running) - Number(b.running) || a.number - b.number);
  return { staying, leaving, draining };
}

/** Running tasks that pass their health checks, as far as they have any. A task on its way out may still be a healthy target. */
function healthyCount({ ecs, elb }: Immutable<EcsWorld>, found: Immutable<Service>): number {
  const [loadBalancer] = found.config.loadBalancers;
  if (loadBalancer === undefined) return found.runningCount;
  const targets = elb.targetGroups.get(loadBalancer.targetGroup)?.targets;
  let count = 0;
  for (const taskId of found.tasks.keys())
    if (targets?.get(taskId) === 'healthy' && ecs.tasks.get(taskId)?.status === 'RUNNING') count++;
  return count;
}

/** Each missing task goes to the provider furthest below its share; tasks that must leave hold no share any more. */
function startTasks(
  { ecs }: Immutable<EcsWorld>,
  found: Immutable<Service>,
  leaving: readonly StoppableTask[],
  count: number,
): ServiceEvent {
  const { strategy, config } = found;
  if (strategy.length === 0)
    return {
      type: 'ServiceTasksStarting',
      serviceName: config.serviceName,
      capacityProviders: Array.from({ length: count }, () => ''),
    };
  const shares = splitByStrategy(found.desiredCount, strategy, ecs.capacity.splitRule);
  const short = strategy.map(
    ({ capacityProvider }, index) => (shares[index] as number) - (found.providerCounts.get(capacityProvider) ?? 0),
  );
  for (const { taskId } of leaving) {
    const provider = ecs.tasks.get(taskId)?.capacityProvider;
    const index = strategy.findIndex(({ capacityProvider }) => capacityProvider === provider);
    if (index !== -1) short[index] = (short[index] as number) + 1;
  }
  const capacityProviders = Array.from({ length: count }, () => {
    const index = short.indexOf(Math.max(...short));
    short[index] = (short[index] as number) - 1;
    return (strategy[index] as CapacityProviderStrategyItem).capacityProvider;
  });
  return { type: 'ServiceTasksStarting', serviceName: config.serviceName, capacityProviders };
}

function stopTasks(serviceName: string, tasks: readonly StoppableTask[], reason: string): ServiceEvent {
  return { type: 'ServiceTasksStopping', serviceName, taskIds: tasks.map(({ taskId }) => taskId), reason };
}

/** Which tasks are too many: each from the provider most above its share, there by the placement strategy in reverse. */
function surplus(
  found: Immutable<Service>,
  staying: readonly StoppableTask[],
  count: number,
  { world: { ecs }, nowMs, rng }: Context<EcsWorld>,
): readonly StoppableTask[] {
  const { demand } = ecs.taskDefinitions.get(found.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const { placementStrategy: written } = found.config;
  const options = {
    demand,
    strategies: written.length === 0 ? SERVICE_STRATEGY : written,
    assumptions: ecs.placement,
    draws: rng.at(`ecs.scaleIn.${found.config.serviceName}`, nowMs),
  };
  if (found.strategy.length <= 1) return chooseVictims(staying, count, options);
  const shares = splitByStrategy(found.desiredCount, found.strategy, ecs.capacity.splitRule);
  let left = [...staying];
  const chosen: StoppableTask[] = [];
  const providerOf = ({ taskId }: StoppableTask) => (ecs.tasks.get(taskId) as Immutable<Task>).capacityProvider;
  while (chosen.length < count) {
    const above = found.strategy.map(
      ({ capacityProvider }, index) =>
        left.filter((task) => providerOf(task) === capacityProvider).length - (shares[index] as number),
    );
    const { capacityProvider } = found.strategy[above.indexOf(Math.max(...above))] as CapacityProviderStrategyItem;
    const candidates = left.filter((task) => providerOf(task) === capacityProvider);
    const [victim] = chooseVictims(candidates, 1, options) as [StoppableTask];
    chosen.push(victim);
    left = left.filter((task) => task !== victim);
  }
  return chosen;
}

export const evolveService: Evolve<EcsWorld, ServiceEvent> = {
  ServiceCreated({ ecs }, { config, taskDefinition, strategy }) {
    ecs.services.set(config.serviceName, {
      config,
      taskDefinition,
      strategy,
      desiredCount: config.desiredCount,
      starting: 0,
      tasks: new Map(),
      pendingCount: 0,
      runningCount: 0,
      stoppingCount: 0,
      zoneCounts: new Map(),
      providerCounts: new Map(),
      deploymentInProgress: true,
      steady: false,
      placementFailures: 0,
      retryAtMs: 0,
      carried: undefined,
      startedCount: 0,
      utilization: { minute: noUtilization(), highResolution: noUtilization() },
      measured: nothingMeasured(),
      latencyMetrics: latencyMetricsOf(config),
      latencies: new Map(),
    });
  },
  ServiceUpdated({ ecs }, { serviceName, to }) {
    const found = ecs.services.get(serviceName) as Service;
    found.desiredCount = to;
    found.steady = false;
  },
  ServiceTasksStarting({ ecs }, { serviceName, capacityProviders }) {
    const found = ecs.services.get(serviceName) as Service;
    found.starting += capacityProviders.length;
    for (const capacityProvider of capacityProviders) addTo(found.providerCounts, capacityProvider, 1);
    found.steady = false;
  },
  ServiceTasksStopping() {},
  ServiceTaskPlacementFailed({ ecs }, { serviceName, capacityProvider, retryAtMs }) {
    const found = ecs.services.get(serviceName) as Service;
    found.starting--;
    addTo(found.providerCounts, capacityProvider, -1);
    if (retryAtMs === undefined) return;
    found.placementFailures++;
    found.retryAtMs = retryAtMs;
  },
  ServiceReachedSteadyState({ ecs }, { serviceName }) {
    const found = ecs.services.get(serviceName) as Service;
    found.steady = true;
    found.deploymentInProgress = false;
    found.placementFailures = 0;
  },
};
