/**
 * Deployments: the revision a service is at, and those it is leaving; how far a rollout has come, when it has failed, and
 * what it goes back to.
 *
 * @source spec/placement.md 4.3, 4.6 to 4.8
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { event, number, optional, text, type EventsOf, type Evolve, type Millis } from '../kernel/index.ts';
import type { Service } from './service.ts';
import type { EcsWorld } from './world.ts';

/** As `create-service` takes it. The defaults of the percentages are those of the scheduling strategy. */
export const deploymentConfiguration = z.strictObject({
  minimumHealthyPercent: z.int().min(0).max(100).optional().describe('100 when left out; 0 for DAEMON'),
  maximumPercent: z.int().min(0).max(1000).optional().describe('200 when left out; 100 for DAEMON'),
  deploymentCircuitBreaker: z
    .strictObject({
      enable: z.boolean(),
      rollback: z.boolean(),
      resetOnHealthyTask: z
        .boolean()
        .optional()
        .describe('a task that becomes healthy resets the count; true when left out'),
      thresholdConfiguration: z
        .strictObject({
          type: z.enum(['COUNT', 'BOUNDED_PERCENT', 'UNBOUNDED_PERCENT']),
          value: z.int().min(0).max(10_000),
        })
        .optional()
        .describe('half of the desired count, 3 to 200, when left out'),
    })
    .optional(),
});
export type DeploymentConfiguration = z.output<typeof deploymentConfiguration>;

export interface Deployment {
  /** ecs-svc/N */
  readonly deploymentId: string;
  /** family:revision */
  readonly taskDefinition: string;
  rolloutState: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  /** Tasks asked for that are not created yet, by capacity provider. */
  readonly starting: Map<string, number>;
  /** Tasks that are not STOPPED; those among them that run. */
  taskCount: number;
  runningCount: number;
  /** A task of it has been RUNNING: from then on only failed health checks count. */
  hasRun: boolean;
  /** failureCount of the circuit breaker. */
  failedTasks: number;
}

export const newDeployment = (deploymentId: string, taskDefinition: string): Deployment => ({
  deploymentId,
  taskDefinition,
  rolloutState: 'IN_PROGRESS',
  starting: new Map(),
  taskCount: 0,
  runningCount: 0,
  hasRun: false,
  failedTasks: 0,
});

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

export interface CircuitBreakerThreshold {
  readonly type: 'COUNT' | 'BOUNDED_PERCENT' | 'UNBOUNDED_PERCENT';
  readonly value: number;
}

/**
 * Failed tasks at which a deployment fails: half of the desired count, up, 3 at least and 200 at most.
 * Choice: AWS does not say how an unbounded percentage is rounded, nor what 0 means; we round up, to 1 at least.
 *
 * @param minimum  10 until 2023
 * @source AWS, "How the Amazon ECS deployment circuit breaker detects failures"; ECS API, ThresholdConfiguration
 */
export function circuitBreakerThreshold(
  desiredCount: number,
  { type, value }: CircuitBreakerThreshold = { type: 'BOUNDED_PERCENT', value: 50 },
  minimum = 3,
): number {
  if (type === 'COUNT') return Math.max(1, value);
  const share = Math.floor((desiredCount * value + 99) / 100);
  return type === 'UNBOUNDED_PERCENT' ? Math.max(1, share) : Math.min(Math.max(share, minimum), 200);
}

export const deploymentEvents = {
  DeploymentStarted: event('A deployment of a service began: it is PRIMARY, and those before it are ACTIVE.', {
    serviceName: text('the service'),
    deploymentId: text('ecs-svc/N'),
    taskDefinition: text('family:revision'),
    rollsBack: optional(text('the failed deployment that it undoes')),
  }),
  DeploymentTaskFailed: event('A task of a deployment failed; the circuit breaker counts it.', {
    serviceName: text('the service'),
    deploymentId: text('the deployment'),
    failedTasks: number('failures so far'),
    threshold: number('failures at which the circuit breaker lets the deployment fail'),
  }),
  DeploymentFailuresReset: event('A task of a deployment became healthy: the circuit breaker starts to count anew.', {
    serviceName: text('the service'),
    deploymentId: text('the deployment'),
  }),
  DeploymentCompleted: event('The rollout of a deployment is COMPLETED: the service is steady, and no other is left.', {
    serviceName: text('the service'),
    deploymentId: text('the deployment'),
    taskDefinition: text('family:revision'),
  }),
  DeploymentFailed: event('The circuit breaker let a deployment fail: it starts no more tasks.', {
    serviceName: text('the service'),
    deploymentId: text('the deployment'),
    failedTasks: number('failures counted'),
    reason: text<DeploymentFailure>("AWS's words"),
  }),
  ServiceTaskStartFailed: event('A task of a service did not reach RUNNING; after some in a row the scheduler waits.', {
    serviceName: text('the service'),
    failures: number('failures in a row'),
    retryAtMs: optional(number('when it tries again; absent: at once')),
  }),
} as const;
export type DeploymentEvent = EventsOf<typeof deploymentEvents>;

type DeploymentFailure = 'tasks failed to start.' | 'tasks failed health checks.';

/** The newest deployment, which is PRIMARY. */
export function primaryOf<Some extends { readonly deployments: readonly unknown[] }>(
  service: Some,
): Some['deployments'][number] {
  return service.deployments[0];
}

type ServiceView = Immutable<Service>;

/**
 * What follows when tasks of a deployment fail: the circuit breaker counts each, and at its threshold the deployment fails
 * and is rolled back to the last one that was COMPLETED, if there is one.
 *
 * @param cause  `start`: they did not reach RUNNING, or found no place; counts until one of them has.  `health`: they failed
 *               health checks, and were stopped
 */
export function failures(
  { ecs }: Immutable<EcsWorld>,
  service: ServiceView,
  deploymentId: string,
  count: number,
  cause: 'start' | 'health',
): DeploymentEvent[] {
  const primary: Immutable<Deployment> = primaryOf(service);
  if (primary.deploymentId !== deploymentId || primary.rolloutState !== 'IN_PROGRESS') return [];
  if (cause === 'start' && primary.hasRun) return [];
  const { serviceName, deploymentConfiguration: configuration } = service.config;
  const breaker = configuration.deploymentCircuitBreaker;
  if (breaker?.enable !== true) return [];
  const minimum = ecs.assumptions.services.circuitBreakerMinimum;
  const threshold = circuitBreakerThreshold(service.desiredCount, breaker.thresholdConfiguration, minimum);
  const events: DeploymentEvent[] = [];
  for (let failedTasks = primary.failedTasks + 1; failedTasks <= primary.failedTasks + count; failedTasks++) {
    events.push({ type: 'DeploymentTaskFailed', serviceName, deploymentId, failedTasks, threshold });
    if (failedTasks < threshold) continue;
    const reason = cause === 'start' ? 'tasks failed to start.' : 'tasks failed health checks.';
    events.push({ type: 'DeploymentFailed', serviceName, deploymentId, failedTasks, reason });
    if (breaker.rollback && service.completed !== undefined)
      events.push({
        type: 'DeploymentStarted',
        serviceName,
        deploymentId: deploymentName(ecs.nextDeployment),
        taskDefinition: service.completed.taskDefinition,
        rollsBack: deploymentId,
      });
    return events;
  }
  return events;
}

export function deploymentName(number: number): string {
  return `ecs-svc/${number}`;
}

/**
 * What follows when a task did not reach RUNNING: after some of these in a row, the scheduler waits longer and longer.
 * Failures while it waits are of the attempt that it waits for already: they do not count again.
 *
 * @source spec/placement.md 4.8: AWS documents that delays grow, and their maximum
 */
export function throttle(
  { ecs }: Immutable<EcsWorld>,
  { config, startFailures, throttledUntilMs }: ServiceView,
  nowMs: Millis,
): DeploymentEvent[] {
  if (nowMs < throttledUntilMs) return [];
  const { trigger, first, factor, most } = ecs.assumptions.services.throttle;
  const { serviceName } = config;
  const counted = startFailures + 1;
  const failed = { type: 'ServiceTaskStartFailed', serviceName, failures: counted } as const;
  if (counted < trigger) return [failed];
  const delayMs = Math.min(most, Math.round(first * factor ** Math.min(counted - trigger, 50)));
  return [{ ...failed, retryAtMs: nowMs + delayMs }];
}

export const evolveDeployment: Evolve<EcsWorld, DeploymentEvent> = {
  DeploymentStarted({ ecs }, { serviceName, deploymentId, taskDefinition, rollsBack }) {
    const service = ecs.services.get(serviceName) as Service;
    ecs.nextDeployment++;
    const before = primaryOf(service);
    for (const [provider, count] of Array.from(before.starting)) releaseStarts(service, before, provider, count);
    service.deployments.unshift(newDeployment(deploymentId, taskDefinition));
    dropInactive(service);
    // A deployment that is gone back to is in progress again, and nothing to go back to until it completes.
    if (rollsBack !== undefined) service.completed = undefined;
    service.rebalancing = undefined;
    service.rebalancingGivenUp = false;
    service.steady = false;
    service.blocked = false;
    if (before.taskDefinition === taskDefinition) return;
    service.startFailures = 0;
    service.throttledUntilMs = 0;
  },
  DeploymentTaskFailed({ ecs }, { serviceName, failedTasks }) {
    primaryOf(ecs.services.get(serviceName) as Service).failedTasks = failedTasks;
  },
  DeploymentFailuresReset({ ecs }, { serviceName }) {
    primaryOf(ecs.services.get(serviceName) as Service).failedTasks = 0;
  },
  DeploymentCompleted({ ecs }, { serviceName, deploymentId, taskDefinition }) {
    const service = ecs.services.get(serviceName) as Service;
    primaryOf(service).rolloutState = 'COMPLETED';
    service.completed = { deploymentId, taskDefinition };
  },
  DeploymentFailed({ ecs }, { serviceName }) {
    const service = ecs.services.get(serviceName) as Service;
    const primary = primaryOf(service);
    primary.rolloutState = 'FAILED';
    for (const [provider, count] of Array.from(primary.starting)) releaseStarts(service, primary, provider, count);
  },
  ServiceTaskStartFailed({ ecs }, { serviceName, failures: count, retryAtMs = 0 }) {
    const service = ecs.services.get(serviceName) as Service;
    service.startFailures = count;
    service.throttledUntilMs = retryAtMs;
  },
};

/** Tasks that were asked for and will not be created. For `evolve`. */
export function releaseStarts(service: Service, deployment: Deployment, provider: string, count: number): void {
  const left = (deployment.starting.get(provider) ?? 0) - count;
  if (left === 0) deployment.starting.delete(provider);
  else deployment.starting.set(provider, left);
  service.starting -= count;
  const held = (service.providerCounts.get(provider) ?? 0) - count;
  if (held === 0) service.providerCounts.delete(provider);
  else service.providerCounts.set(provider, held);
}

/** An older deployment without tasks is INACTIVE, and forgotten. For `evolve`. */
export function dropInactive(service: Service): void {
  for (let index = service.deployments.length - 1; index > 0; index--)
    if ((service.deployments[index] as Deployment).taskCount === 0) service.deployments.splice(index, 1);
}
