/**
 * Services: what is wanted of them, and what there is. What the scheduler makes of the difference is in scheduler.ts.
 *
 * @source spec/placement.md chapter 4
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  event,
  json,
  number,
  numbers,
  optional,
  SECOND,
  text,
  texts,
  thaw,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { Carried } from '../workload/index.ts';
import type { FargateFailure } from './capacity/fargate.ts';
import { capacityProviderStrategyItem, type CapacityProviderStrategyItem } from './capacity/strategy.ts';
import { addTo } from './containerInstance.ts';
import {
  deploymentBounds,
  deploymentConfiguration,
  deploymentName,
  newDeployment,
  primaryOf,
  releaseStarts,
  type Deployment,
  type DeploymentEvent,
} from './deployment.ts';
import { placementConstraint } from './placement/constraints.ts';
import type { PlacementFailure } from './placement/engine.ts';
import { placementStrategy } from './placement/strategies.ts';
import { latencyMetricsOf } from './metricKeys.ts';
import type { EcsWorld } from './world.ts';

const desiredCount = z.int().min(0).max(5000);
const gracePeriod = z.int().min(0).max(2_147_483_647);
const rebalancing = z.enum(['ENABLED', 'DISABLED']);
export const networkConfiguration = z
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
  .describe('awsvpc only: tasks run in the zones of these subnets');

/** A service as `aws ecs create-service` takes it; names replace ARNs. */
export const service = z.strictObject({
  serviceName: z.string().min(1).max(255),
  taskDefinition: z.string().min(1).describe('family (its latest revision), or family:revision'),
  desiredCount: desiredCount.optional().describe('required for REPLICA, not allowed for DAEMON'),
  schedulingStrategy: z
    .enum(['REPLICA', 'DAEMON'])
    .default('REPLICA')
    .describe('DAEMON: one task on each active instance that satisfies the constraints'),
  launchType: z.enum(['EC2', 'FARGATE']).optional(),
  capacityProviderStrategy: z.array(capacityProviderStrategyItem).min(1).optional(),
  placementStrategy: z.array(placementStrategy).max(5).default([]),
  placementConstraints: z.array(placementConstraint).max(10).default([]),
  networkConfiguration: networkConfiguration.optional(),
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
  healthCheckGracePeriodSeconds: gracePeriod
    .optional()
    .describe('for so long after its start, failed health checks do not get a task replaced; 0 when left out'),
  availabilityZoneRebalancing: rebalancing
    .optional()
    .describe(
      'ENABLED when left out, where the service is eligible: REPLICA, spread over zones first, maximumPercent over 100',
    ),
  deploymentConfiguration: deploymentConfiguration.prefault({}),
});
export type ServiceConfig = z.output<typeof service>;

/** What `aws ecs update-service` may change; what is left out stays. */
export const serviceUpdate = z.strictObject({
  service: z.string().min(1).describe('serviceName'),
  desiredCount: desiredCount.optional(),
  taskDefinition: z
    .string()
    .min(1)
    .optional()
    .describe('family (its latest revision), or family:revision; starts a deployment'),
  forceNewDeployment: z.boolean().optional().describe('starts a deployment also of the same revision'),
  deploymentConfiguration: deploymentConfiguration.optional(),
  capacityProviderStrategy: z.array(capacityProviderStrategyItem).min(1).optional(),
  placementStrategy: z.array(placementStrategy).max(5).optional(),
  placementConstraints: z.array(placementConstraint).max(10).optional(),
  networkConfiguration: networkConfiguration.optional().describe('starts a deployment'),
  healthCheckGracePeriodSeconds: gracePeriod.optional(),
  availabilityZoneRebalancing: rebalancing.optional(),
});
export type ServiceUpdate = Omit<z.output<typeof serviceUpdate>, 'service'>;

export interface Service {
  config: ServiceConfig;
  /** Empty for the launch type EC2. */
  strategy: readonly CapacityProviderStrategyItem[];
  /** DRAINING: deleted, and its tasks are on their way out. */
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE';
  /** Of a daemon: the instances that should have a task of it. */
  desiredCount: number;
  /** The newest first: it is PRIMARY. Older ones are ACTIVE while they have tasks, and then forgotten. */
  readonly deployments: Deployment[];
  /** The last deployment that was COMPLETED and has not been gone back to since. */
  completed: { readonly deploymentId: string; readonly taskDefinition: string } | undefined;
  /** Tasks the scheduler has asked for that are not created yet. */
  starting: number;
  /** Every task that is not STOPPED. */
  readonly tasks: Map<string, true>;
  /** Tasks before RUNNING, and RUNNING. */
  pendingCount: number;
  runningCount: number;
  /** Tasks on their way out. */
  readonly stopping: Map<string, true>;
  /** Tasks whose stop has been asked for in this instant. */
  readonly asked: Map<string, true>;
  /** Tasks on draining instances that are not on their way out. */
  readonly draining: Map<string, true>;
  /** Tasks with scale-in protection. */
  protectedCount: number;
  /** Tasks meant to run: placed ones by zone; all by capacity provider, those that are being started included. */
  readonly zoneCounts: Map<string, number>;
  readonly providerCounts: Map<string, number>;
  /** Has reached a steady state since the last change. */
  steady: boolean;
  /** Rounds in a row that could not place a task, and when the next one is due. */
  placementFailures: number;
  retryAtMs: Millis;
  /** Tasks in a row that did not reach RUNNING, and until when none is started. */
  startFailures: number;
  throttledUntilMs: Millis;
  /** The launch cycle that runs, and the tasks started in it. */
  cycleStartMs: Millis;
  cycleStarts: number;
  /** Zones are being rebalanced: so many tasks above the desired count, so many in the wrong zone before that. */
  rebalancing: { extra: number; readonly misplaced: number } | undefined;
  /** The last try to rebalance led nowhere: the next one waits for a change. */
  rebalancingGivenUp: boolean;
  /** Neither bound of the deployment configuration lets the scheduler act, as it has said. */
  blocked: boolean;
  /** Protected tasks that are too many, as last said. */
  protectedSurplus: number;
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

const NOTHING_MEASURED: Measured = {
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
};

/** A copy: the same written out as a literal takes 3.5 us in a run. */
export const nothingMeasured = (): Measured => ({ ...NOTHING_MEASURED });

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
  ServiceConfigured: event('Settings of a service were changed that start no deployment.', {
    serviceName: text('the service'),
    config: json<ServiceConfig>('all of its settings, as they are now'),
    strategy: json<readonly CapacityProviderStrategyItem[]>('its capacity provider strategy; empty for EC2'),
  }),
  ServiceDeleted: event('A service was deleted: it is DRAINING until its tasks have stopped.', {
    serviceName: text('the service'),
  }),
  ServiceInactive: event('The last task of a deleted service has stopped: it is INACTIVE.', {
    serviceName: text('the service'),
  }),
  ServiceTasksStarting: event('The scheduler starts tasks.', {
    serviceName: text('the service'),
    deploymentId: text('their deployment'),
    capacityProviders: texts('the provider of each; empty for the launch type EC2'),
    replaced: number('those of them that replace unhealthy tasks'),
    continuesAtMs: optional(number('when the scheduler goes on: more are missing than it starts in a cycle')),
  }),
  ServiceTasksStopping: event('The scheduler stops tasks.', {
    serviceName: text('the service'),
    taskIds: texts('the tasks'),
    reason: text("AWS's stopped reason"),
  }),
  ServiceTaskPlacementFailed: event('Tasks could not be placed; the scheduler tries again later.', {
    serviceName: text('the service'),
    deploymentId: text('their deployment'),
    capacityProvider: text('the provider they were meant for; empty for the launch type EC2'),
    count: number('tasks; where the first finds no place, those like it are not tried'),
    reason: text<PlacementFailure | FargateFailure | 'PROVISIONING LIMIT'>("ECS's failure reason"),
    closest: optional(text('the instance that came closest')),
    lack: optional(text('what the closest instance lacked')),
    refusedBy: texts("what kept active instances from taking the task, each of ECS's reasons once"),
    refusedCounts: numbers('instances that each reason turned away'),
    retryAtMs: optional(number('when the scheduler tries again unless something changes before; absent: as it said')),
  }),
  ServiceTaskConfigurationFailed: event('ECS cannot assume a role of the tasks; the scheduler tries again later.', {
    serviceName: text('the service'),
    deploymentId: text('their deployment'),
    capacityProvider: text('the provider they were meant for; empty for the launch type EC2'),
    count: number('tasks'),
    roleName: text('the role'),
    retryAtMs: optional(number('when the scheduler tries again unless something changes before; absent: as it said')),
  }),
  ServiceDeploymentBlocked: event(
    'Neither bound of the deployment configuration lets the scheduler start or stop a task.',
    {
      serviceName: text('the service'),
      deploymentId: text('the deployment'),
    },
  ),
  ServiceScaleInBlocked: event(
    'More tasks are protected from scale-in than are desired: no steady state can be reached.',
    {
      serviceName: text('the service'),
      deploymentId: text('the deployment of the tasks'),
      protectedTasks: number('tasks under protection that are too many'),
    },
  ),
  ServiceRebalancingStarted: event(
    'The tasks of a service are not balanced over zones: some are started where few are.',
    {
      serviceName: text('the service'),
      extra: number('tasks above the desired count for the time being'),
      misplaced: number('tasks that are in the wrong zone'),
      zones: texts('the zones that it may use'),
      counts: numbers('its tasks in each'),
    },
  ),
  ServiceRebalancingStopped: event('Rebalancing was given up: a deployment or protected tasks are in the way.', {
    serviceName: text('the service'),
  }),
  ServiceRebalancingCompleted: event('The tasks of a service are balanced over zones.', {
    serviceName: text('the service'),
    zones: texts('the zones that it may use'),
    counts: numbers('its tasks in each'),
  }),
  ServiceReachedSteadyState: event('The service has its desired count of running, healthy tasks.', {
    serviceName: text('the service'),
    runningCount: number('tasks'),
  }),
} as const;
export type ServiceEvent = EventsOf<typeof serviceEvents>;

export type ServiceCommand =
  | { readonly type: 'CreateService'; readonly config: ServiceConfig }
  | ({ readonly type: 'UpdateService'; readonly serviceName: string } & ServiceUpdate)
  | { readonly type: 'DeleteService'; readonly serviceName: string; readonly force: boolean };

/** Minimum and maximum healthy percent, with the defaults of the scheduling strategy. */
export function healthyPercents({
  schedulingStrategy,
  deploymentConfiguration: configuration,
}: Immutable<Pick<ServiceConfig, 'schedulingStrategy' | 'deploymentConfiguration'>>): {
  readonly minimumHealthyPercent: number;
  readonly maximumPercent: number;
} {
  const daemon = schedulingStrategy === 'DAEMON';
  const { minimumHealthyPercent = daemon ? 0 : 100, maximumPercent = daemon ? 100 : 200 } = configuration;
  return { minimumHealthyPercent, maximumPercent };
}

/** The bounds within which the scheduler keeps a service while it replaces tasks. */
export function boundsOf({ config, desiredCount: desired }: Immutable<Service>): ReturnType<typeof deploymentBounds> {
  const { minimumHealthyPercent, maximumPercent } = healthyPercents(config);
  return deploymentBounds(desired, minimumHealthyPercent, maximumPercent);
}

const ZONE = 'attribute:ecs.availability-zone';

/** Why a service cannot be rebalanced; undefined when it can. */
export function rebalancingProblem(config: Immutable<ServiceConfig>): string | undefined {
  const refuse = (why: string) => `Availability Zone Rebalancing does not support ${why}`;
  if (config.schedulingStrategy === 'DAEMON') return refuse('the daemon scheduling strategy');
  const [first] = config.placementStrategy;
  if (first !== undefined && (first.type !== 'spread' || first.field !== ZONE))
    return "The service couldn't be updated because Availability Zone Rebalancing only supports availability zone spread as task placement strategy.";
  if (healthyPercents(config).maximumPercent <= 100) return refuse('a maximumPercent of 100');
  const byZone = config.placementConstraints.some((constraint) => JSON.stringify(constraint).includes(ZONE));
  return byZone ? refuse(`a placement constraint that uses ${ZONE}`) : undefined;
}

/** What AWS refuses of a service, whatever else there is: the key, and AWS's words where they are known. */
export function serviceProblems(config: Immutable<ServiceConfig>): readonly (readonly [keyof ServiceConfig, string])[] {
  const problems: [keyof ServiceConfig, string][] = [];
  const { schedulingStrategy, placementStrategy: strategies, placementConstraints: constraints } = config;
  const { maximumPercent } = healthyPercents(config);
  if (schedulingStrategy === 'DAEMON') {
    const refuse = (key: keyof ServiceConfig, what: string) =>
      problems.push([key, `The daemon scheduling strategy does not support ${what} and try again`]);
    if (config.desiredCount !== undefined)
      refuse('desiredCount', 'a desired count for services. Remove the desired count value');
    if (strategies.length > 0) refuse('placementStrategy', 'placement strategies. Remove the placement strategy');
    if (maximumPercent > 100)
      refuse(
        'deploymentConfiguration',
        'values above 100 for maximumPercent on a deployment configuration. Change the maximumPercent value to 100,',
      );
    if (config.launchType === 'FARGATE') problems.push(['launchType', 'found FARGATE, expected EC2 for a DAEMON']);
  } else {
    if (config.desiredCount === undefined)
      problems.push(['desiredCount', 'found nothing, expected a number of tasks for a REPLICA service']);
    if (maximumPercent < 100)
      problems.push(['deploymentConfiguration', `found maximumPercent ${maximumPercent}, expected at least 100`]);
  }
  const unbalanced = config.availabilityZoneRebalancing === 'ENABLED' ? rebalancingProblem(config) : undefined;
  if (unbalanced !== undefined) problems.push(['availabilityZoneRebalancing', unbalanced]);
  if (constraints.length > 10) problems.push(['placementConstraints', 'expected at most 10']);
  return problems;
}

export const decideService: Decide<EcsWorld, ServiceCommand, ServiceEvent | DeploymentEvent> = {
  CreateService({ config: written }, { world: { ecs } }) {
    const taskDefinition = revisionOf(ecs, written.taskDefinition);
    const strategy =
      written.capacityProviderStrategy ??
      (written.launchType === 'FARGATE' ? [{ capacityProvider: 'FARGATE', base: 0, weight: 1 }] : undefined) ??
      (written.launchType === 'EC2' || written.schedulingStrategy === 'DAEMON'
        ? []
        : ecs.defaultCapacityProviderStrategy);
    const availabilityZoneRebalancing =
      written.availabilityZoneRebalancing ?? (rebalancingProblem(written) === undefined ? 'ENABLED' : 'DISABLED');
    return [{ type: 'ServiceCreated', config: { ...written, availabilityZoneRebalancing }, taskDefinition, strategy }];
  },

  UpdateService({ type: _type, serviceName, ...update }, { world: { ecs } }) {
    const found = ecs.services.get(serviceName);
    if (found?.status !== 'ACTIVE') return [];
    const {
      desiredCount: to = found.desiredCount,
      taskDefinition: wanted,
      forceNewDeployment = false,
      ...changed
    } = update;
    const events: (ServiceEvent | DeploymentEvent)[] = [];
    const isDaemon = found.config.schedulingStrategy === 'DAEMON';
    if (to !== found.desiredCount && !isDaemon)
      events.push({ type: 'ServiceUpdated', serviceName, from: found.desiredCount, to });
    const settings = Object.entries(changed).filter(([, value]) => value !== undefined);
    if (settings.length > 0) {
      const config = {
        ...(found.config as ServiceConfig),
        ...(Object.fromEntries(settings) as Partial<ServiceConfig>),
      };
      const strategy = changed.capacityProviderStrategy ?? found.strategy;
      events.push({ type: 'ServiceConfigured', serviceName, config, strategy });
    }
    const primary = primaryOf(found);
    const taskDefinition = wanted === undefined ? primary.taskDefinition : revisionOf(ecs, wanted);
    const deploys = forceNewDeployment || changed.networkConfiguration !== undefined;
    if (deploys || taskDefinition !== primary.taskDefinition) {
      if (found.rebalancing !== undefined) events.push({ type: 'ServiceRebalancingStopped', serviceName });
      const deploymentId = deploymentName(ecs.nextDeployment);
      events.push({ type: 'DeploymentStarted', serviceName, deploymentId, taskDefinition });
    }
    return events;
  },

  DeleteService({ serviceName, force }, { world: { ecs } }) {
    const found = ecs.services.get(serviceName);
    // AWS: "The service cannot be stopped while it is scaled above 0."
    if (found?.status !== 'ACTIVE' || (found.desiredCount > 0 && !force)) return [];
    return [{ type: 'ServiceDeleted', serviceName }];
  },
};

/** A family's latest revision, or the one that is named. */
function revisionOf(ecs: Immutable<EcsWorld>['ecs'], taskDefinition: string): string {
  return ecs.latestRevisions.get(taskDefinition) ?? taskDefinition;
}

/** Tasks that were asked for will not be created now. */
function giveUpStarts(
  { ecs }: EcsWorld,
  failed: Pick<
    EventsOf<typeof serviceEvents> & { readonly type: 'ServiceTaskPlacementFailed' },
    'serviceName' | 'deploymentId' | 'capacityProvider' | 'count' | 'retryAtMs'
  >,
): void {
  const found = ecs.services.get(failed.serviceName) as Service;
  const deployment = found.deployments.find((other) => other.deploymentId === failed.deploymentId) as Deployment;
  releaseStarts(found, deployment, failed.capacityProvider, failed.count);
  if (failed.retryAtMs === undefined) return;
  found.placementFailures++;
  found.retryAtMs = failed.retryAtMs;
}

export const evolveService: Evolve<EcsWorld, ServiceEvent> = {
  ServiceCreated({ ecs }, { config, taskDefinition, strategy }) {
    for (const { targetGroup } of config.loadBalancers) {
      const users = ecs.targetGroupUsers.get(targetGroup);
      if (users === undefined) ecs.targetGroupUsers.set(targetGroup, [config.serviceName]);
      else if (!users.includes(config.serviceName)) users.push(config.serviceName);
    }
    const first = newDeployment(deploymentName(ecs.nextDeployment++), taskDefinition);
    ecs.services.set(config.serviceName, {
      config: thaw(config),
      strategy,
      status: 'ACTIVE',
      desiredCount: config.desiredCount ?? 0,
      deployments: [first],
      completed: undefined,
      starting: 0,
      tasks: new Map(),
      pendingCount: 0,
      runningCount: 0,
      stopping: new Map(),
      asked: new Map(),
      draining: new Map(),
      protectedCount: 0,
      zoneCounts: new Map(),
      providerCounts: new Map(),
      steady: false,
      placementFailures: 0,
      retryAtMs: 0,
      startFailures: 0,
      throttledUntilMs: 0,
      cycleStartMs: 0,
      cycleStarts: 0,
      rebalancing: undefined,
      rebalancingGivenUp: false,
      blocked: false,
      protectedSurplus: 0,
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
    found.blocked = false;
    found.rebalancingGivenUp = false;
    if (found.rebalancing !== undefined) found.rebalancing.extra = 0;
  },
  ServiceConfigured({ ecs }, { serviceName, config, strategy }) {
    const found = ecs.services.get(serviceName) as Service;
    found.config = thaw(config);
    found.strategy = strategy;
    found.steady = false;
    found.blocked = false;
    found.rebalancingGivenUp = false;
  },
  ServiceDeleted({ ecs }, { serviceName }) {
    const found = ecs.services.get(serviceName) as Service;
    found.status = 'DRAINING';
    found.desiredCount = 0;
    found.rebalancing = undefined;
    found.steady = false;
  },
  ServiceInactive({ ecs }, { serviceName }) {
    (ecs.services.get(serviceName) as Service).status = 'INACTIVE';
  },
  ServiceTasksStarting({ ecs }, { serviceName, capacityProviders }, atMs) {
    const found = ecs.services.get(serviceName) as Service;
    const { starting } = primaryOf(found);
    const count = capacityProviders.length;
    found.starting += count;
    for (const capacityProvider of capacityProviders) {
      addTo(starting, capacityProvider, 1);
      addTo(found.providerCounts, capacityProvider, 1);
    }
    found.steady = false;
    found.blocked = false;
    if (atMs >= found.cycleStartMs + CYCLE_MS) {
      found.cycleStartMs = atMs;
      found.cycleStarts = 0;
    }
    found.cycleStarts += count;
  },
  ServiceTasksStopping({ ecs }, { serviceName, taskIds }) {
    const found = ecs.services.get(serviceName) as Service;
    for (const taskId of taskIds) found.asked.set(taskId, true);
    found.blocked = false;
    // What rebalancing had started on top is what stops now.
    if (found.rebalancing !== undefined) found.rebalancing.extra = 0;
  },
  ServiceTaskPlacementFailed: giveUpStarts,
  ServiceTaskConfigurationFailed: giveUpStarts,
  ServiceDeploymentBlocked({ ecs }, { serviceName }) {
    (ecs.services.get(serviceName) as Service).blocked = true;
  },
  ServiceScaleInBlocked({ ecs }, { serviceName, protectedTasks }) {
    (ecs.services.get(serviceName) as Service).protectedSurplus = protectedTasks;
  },
  ServiceRebalancingStarted({ ecs }, { serviceName, extra, misplaced }) {
    const found = ecs.services.get(serviceName) as Service;
    found.rebalancing = { extra, misplaced };
    found.rebalancingGivenUp = false;
    found.steady = false;
  },
  ServiceRebalancingStopped({ ecs }, { serviceName }) {
    const found = ecs.services.get(serviceName) as Service;
    found.rebalancing = undefined;
    found.rebalancingGivenUp = true;
  },
  ServiceRebalancingCompleted({ ecs }, { serviceName }) {
    (ecs.services.get(serviceName) as Service).rebalancing = undefined;
  },
  ServiceReachedSteadyState({ ecs }, { serviceName }) {
    const found = ecs.services.get(serviceName) as Service;
    found.steady = true;
    found.placementFailures = 0;
    found.protectedSurplus = 0;
  },
};

/** A launch cycle of the scheduler; AWS documents how many tasks it starts in a minute, not how often it looks. */
export const CYCLE_MS = 10 * SECOND;
