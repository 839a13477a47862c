/**
 * The service scheduler: one look at a service, and what to start and to stop. Within a look it stops first, then starts.
 *
 * @source spec/placement.md 2.5, 4.2 to 4.9, 4.11
 */

import type { Immutable } from 'immer';
import { hasFailedTargets, type TargetGroup } from '../elb/index.ts';
import type { Context, Decide, Draws, Millis } from '../kernel/index.ts';
import { holdsTasks } from './capacity/capacityProvider.ts';
import { fargateFailure } from './capacity/fargate.ts';
import { isFargate, splitByStrategy, type CapacityProviderStrategyItem } from './capacity/strategy.ts';
import { checkedHealth, isChecked } from './container.ts';
import type { ContainerInstance } from './containerInstance.ts';
import { failures, primaryOf, type Deployment, type DeploymentEvent } from './deployment.ts';
import { unassumableRole } from './permissions.ts';
import { chooseVictims, type StoppableTask } from './placement/scaleIn.ts';
import { rosterOf, type RosteredTask } from './roster.ts';
import { boundsOf, CYCLE_MS, type Service, type ServiceEvent } from './service.ts';
import {
  chainOf,
  findPlace,
  groupOf,
  instanceOf,
  mayRunOn,
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

export type SchedulerCommand =
  /** One cycle of the service scheduler. @param retry  what kept tasks from a place may have changed */
  | { readonly type: 'ReconcileService'; readonly serviceName: string; readonly retry: boolean }
  /** The same for a daemon, whose tasks go before all others. */
  | { readonly type: 'ReconcileDaemon'; readonly serviceName: string; readonly retry: boolean }
  | {
      readonly type: 'RunServiceTask';
      readonly serviceName: string;
      readonly deploymentId: string;
      readonly capacityProvider: string;
    }
  /** A task may have become healthy, which the circuit breaker is glad to hear. */
  | { readonly type: 'NoteHealthyTask'; readonly taskId: string };

type World = Immutable<EcsWorld>;
type View = Immutable<Service>;
type Answer = ServiceEvent | DeploymentEvent | TaskEvent;

export const decideScheduler: Decide<EcsWorld, SchedulerCommand, Answer> = {
  ReconcileService({ serviceName, retry }, context) {
    const found = context.world.ecs.services.get(serviceName);
    if (found === undefined || found.status === 'INACTIVE') return [];
    const { world, nowMs } = context;
    return answerTo(censusByCounts(world, found, nowMs) ?? censusByTasks(world, found, nowMs), found, retry, context);
  },

  ReconcileDaemon({ serviceName, retry }, context) {
    const found = context.world.ecs.services.get(serviceName);
    if (found === undefined || found.status === 'INACTIVE') return [];
    return reconcileDaemon(found, retry, context);
  },

  RunServiceTask({ serviceName, deploymentId, capacityProvider }, context) {
    const { ecs } = context.world;
    const found = ecs.services.get(serviceName);
    const deployment = found?.deployments.find((other) => other.deploymentId === deploymentId);
    const count = deployment?.starting.get(capacityProvider) ?? 0;
    if (found === undefined || deployment === undefined || count === 0) return [];
    const provider = capacityProvider === '' ? undefined : capacityProvider;
    const roleName = unassumableRole(context.world, revisionOf(context.world, deployment));
    if (roleName !== undefined) return notConfigured(found, deployment, capacityProvider, count, roleName, context);
    const task = newTask(context.world, found, deployment, provider, 0);
    const created = createdTask(task, serviceName);
    if (provider !== undefined && isFargate(provider)) {
      const reason = fargateFailure(context.world, provider, zonesOf(ecs, found.config));
      if (reason === undefined) return [created, placedOnFargate(found, task, context)];
      const refusal = { reason, refusedBy: [], refusedCounts: [] };
      return notPlaced(found, deployment, capacityProvider, count, refusal, context);
    }
    const place = findPlace(context, found, task);
    if ('instance' in place) return [created, placedOn(place, found.config, task, context)];
    const managed = ecs.capacityProviders.get(capacityProvider)?.config.autoScalingGroupProvider.managedScaling.status;
    const limited = managed === 'ENABLED' && ecs.waiting.size >= ecs.capacity.provisioningLimit;
    if (managed === 'ENABLED' && !limited) return [created, waitingFor(place, task, context)];
    const refusal = refusalOf(place);
    const reason = limited ? 'PROVISIONING LIMIT' : refusal.reason;
    return notPlaced(found, deployment, capacityProvider, count, { ...refusal, reason }, context);
  },

  NoteHealthyTask({ taskId }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    const found = world.ecs.services.get(task?.serviceName ?? '');
    if (task === undefined || found === undefined) return [];
    const { deploymentId, failedTasks, rolloutState } = primaryOf(found);
    const { deploymentCircuitBreaker: breaker } = found.config.deploymentConfiguration;
    if (failedTasks === 0 || rolloutState !== 'IN_PROGRESS' || breaker?.resetOnHealthyTask === false) return [];
    if (task.startedBy !== deploymentId || healthOf(world, found, task, nowMs).state !== 'healthy') return [];
    return [{ type: 'DeploymentFailuresReset', serviceName: found.config.serviceName, deploymentId }];
  },
};

interface NewTask {
  readonly taskId: string;
  readonly number: number;
  readonly taskDefinition: string;
  readonly startedBy: string;
  readonly capacityProvider: string | undefined;
}

function newTask(
  { ecs }: World,
  { config }: View,
  { deploymentId, taskDefinition }: Immutable<Deployment>,
  capacityProvider: string | undefined,
  index: number,
): NewTask & { readonly group: string } {
  const number = ecs.nextTask + index;
  const group = groupOf(config.serviceName);
  return { taskId: `task-${number}`, number, taskDefinition, startedBy: deploymentId, capacityProvider, group };
}

/** The event that creates a task. */
export function createdTask(task: NewTask & { readonly group: string }, serviceName: string): TaskEvent {
  const { taskId, number, group, startedBy, taskDefinition, capacityProvider } = task;
  return {
    type: 'TaskCreated',
    taskId,
    number,
    serviceName,
    group,
    startedBy,
    taskDefinition,
    ...(capacityProvider === undefined ? {} : { capacityProvider }),
  };
}

type PlacementFailed = Extract<ServiceEvent, { readonly type: 'ServiceTaskPlacementFailed' }>;
type Refusal = Pick<PlacementFailed, 'reason' | 'closest' | 'lack' | 'refusedBy' | 'refusedCounts'>;

/** Tasks of one deployment and provider are alike: when one finds no place, none of them does. */
function notPlaced(
  found: View,
  { deploymentId }: Immutable<Deployment>,
  capacityProvider: string,
  count: number,
  refusal: Refusal,
  { world, nowMs }: Context<EcsWorld>,
): Answer[] {
  const { serviceName } = found.config;
  const tries = { serviceName, deploymentId, capacityProvider, count, ...retryOf(world, found, nowMs) };
  return [
    { type: 'ServiceTaskPlacementFailed', ...tries, ...refusal },
    ...failures(world, found, deploymentId, count, 'start'),
  ];
}

/** Tasks whose role ECS cannot assume are not even created. */
function notConfigured(
  found: View,
  { deploymentId }: Immutable<Deployment>,
  capacityProvider: string,
  count: number,
  roleName: string,
  { world, nowMs }: Context<EcsWorld>,
): Answer[] {
  const { serviceName } = found.config;
  const tries = { serviceName, deploymentId, capacityProvider, count, ...retryOf(world, found, nowMs) };
  return [
    { type: 'ServiceTaskConfigurationFailed', ...tries, roleName },
    ...failures(world, found, deploymentId, count, 'start'),
  ];
}

/** When tasks that could not be started are tried again. One retry at a time: the providers of a round share it. */
function retryOf({ ecs }: World, found: View, nowMs: Millis): { readonly retryAtMs?: Millis } {
  if (nowMs < found.retryAtMs) return {};
  const { first, factor, most } = ecs.assumptions.services.placementRetry;
  return { retryAtMs: nowMs + Math.min(most, Math.round(first * factor ** Math.min(found.placementFailures, 50))) };
}

function revisionOf(
  { ecs }: World,
  { taskDefinition }: { readonly taskDefinition: string },
): Immutable<RegisteredTaskDefinition> {
  return ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
}

/** A task that may have to stop. */
interface Standing {
  readonly taskId: string;
  readonly number: number;
  readonly running: boolean;
  readonly startedBy: string;
  readonly isProtected: boolean;
  readonly health: Health;
  readonly draining: boolean;
}

interface Health {
  readonly state: 'healthy' | 'unhealthy' | 'unknown';
  /** Counts towards the minimum healthy percent: a task without any check only after a while. */
  readonly counts: boolean;
  /** Why it is unhealthy, as AWS says when it is stopped for that. */
  readonly reason: string;
}

const UNKNOWN: Health = { state: 'unknown', counts: false, reason: '' };
const HEALTHY: Health = { state: 'healthy', counts: true, reason: '' };
/** It has no check, and has not run for long. */
const FRESH: Health = { state: 'healthy', counts: false, reason: '' };
/** How AWS's reasons begin when a task is stopped for its health. */
const HEALTH_REASON = 'Task failed';

/**
 * Health of a task as far as its service has checks: of its containers, of its target in each target group.
 *
 * @source AWS, ECS API, DeploymentConfiguration, minimumHealthyPercent
 */
export function healthOf(world: World, found: View, task: Immutable<Task>, nowMs: Millis): Health {
  return healthBy(world, targetGroupsOf(world, found), checkedContainers(world, task), task, nowMs);
}

/** The target groups of a service; undefined for one that is not there. */
function targetGroupsOf({ elb }: World, { config }: View): readonly (Immutable<TargetGroup> | undefined)[] {
  return config.loadBalancers.map(({ targetGroup }) => elb.targetGroups.get(targetGroup));
}

/** The containers of a revision; undefined when no health check decides on it. */
function checkedContainers(world: World, of: { readonly taskDefinition: string }) {
  const { containerDefinitions } = revisionOf(world, of).definition;
  return containerDefinitions.some(isChecked) ? containerDefinitions : undefined;
}

function healthBy(
  world: World,
  groups: ReturnType<typeof targetGroupsOf>,
  containers: ReturnType<typeof checkedContainers>,
  task: Immutable<Task>,
  nowMs: Millis,
): Health {
  if (task.status !== 'RUNNING') return UNKNOWN;
  const ofContainers = containers === undefined ? undefined : checkedHealth(containers, task.containers);
  const sinceMs = task.runningSinceMs as Millis;
  if (ofContainers === 'UNHEALTHY')
    return { state: 'unhealthy', counts: false, reason: `${HEALTH_REASON} container health checks` };
  let areTargetsHealthy = true;
  for (const group of groups) {
    const state = group?.targets.get(task.taskId);
    if (state !== 'healthy') areTargetsHealthy = false;
    // In a zone that the load balancer does not have, a task never becomes healthy, and is killed.
    if (state === 'unhealthy' || (state === 'unused' && nowMs > sinceMs))
      return {
        state: 'unhealthy',
        counts: false,
        reason: `${HEALTH_REASON} ELB health checks in (target-group ${group?.config.Name})`,
      };
  }
  if (ofContainers === 'UNKNOWN' || !areTargetsHealthy) return UNKNOWN;
  const { warmStartMs, assumptions } = world.ecs;
  const hasChecks = ofContainers !== undefined || groups.length > 0;
  const counts = hasChecks || sinceMs === warmStartMs || nowMs >= sinceMs + assumptions.services.healthyAfterRunning;
  return counts ? HEALTHY : FRESH;
}

/** How a service stands. */
interface Census {
  /** Tasks of the primary deployment that are meant to run and may stay; how many are healthy, and count as that. */
  readonly staying: number;
  readonly fit: number;
  readonly counting: number;
  /** Those that would stay but fail their health checks: they are replaced. */
  readonly unhealthy: readonly Standing[];
  /** Tasks that must go: of older deployments, and on draining instances. */
  readonly leaving: readonly Standing[];
  readonly leavingCount: number;
  /** All of these serve, and none is protected: none goes before there are more healthy ones than there have to be. */
  readonly leavingServe: boolean;
  /** Tasks that count towards the minimum healthy percent. */
  readonly healthy: number;
}

/** Looks at every task. */
export function censusByTasks(world: World, found: View, nowMs: Millis): Census {
  const { ecs } = world;
  const unhealthy: Standing[] = [];
  const leavers: Immutable<Task>[] = [];
  const healths: Health[] = [];
  const { deploymentId, taskDefinition } = primaryOf(found);
  const groups = targetGroupsOf(world, found);
  const containers = checkedContainers(world, { taskDefinition });
  const graceMs = (found.config.healthCheckGracePeriodSeconds ?? 0) * 1_000;
  let staying = 0;
  let healthy = 0;
  let fit = 0;
  let counting = 0;
  let leavingServe = true;
  const { asked, draining: allDraining } = found;
  for (const { task, taskId } of rosterOf(ecs, found)) {
    // A look into a Map that is empty is a look at the text all the same.
    if (asked.size > 0 && asked.has(taskId)) continue;
    const draining = allDraining.size > 0 && allDraining.has(taskId);
    const own = task.taskDefinition === taskDefinition ? containers : checkedContainers(world, task);
    const health = healthBy(world, groups, own, task, nowMs);
    if (health.counts) healthy++;
    const isIgnored = task.status === 'RUNNING' && nowMs < (task.runningSinceMs as Millis) + graceMs;
    if (draining || task.startedBy !== deploymentId) {
      leavers.push(task);
      healths.push(health);
      if (health.state !== 'healthy' || isProtectedNow(task, nowMs)) leavingServe = false;
    } else if (health.state === 'unhealthy' && !isIgnored) unhealthy.push(standing(task, health, draining, nowMs));
    else {
      staying++;
      if (health.state === 'healthy') fit++;
      if (health.counts) counting++;
    }
  }
  unhealthy.sort((a, b) => a.number - b.number);
  return {
    staying,
    fit,
    counting,
    unhealthy,
    get leaving() {
      return leavers
        .map((task, index) => standing(task, healths[index] as Health, found.draining.has(task.taskId), nowMs))
        .toSorted(byUse);
    },
    leavingCount: leavers.length,
    leavingServe,
    healthy,
  };
}

/**
 * The same, where counts tell it: one deployment without container health checks, no target that fails, and no target group
 * that others use too. So it is nearly always.
 */
export function censusByCounts(world: World, found: View, nowMs: Millis): Census | undefined {
  const { deployments, draining, config } = found;
  if (deployments.length > 1 || checkedContainers(world, primaryOf(found)) !== undefined) return undefined;
  const [first, second] = config.loadBalancers;
  // Without any check a task counts only after a while.
  if (first === undefined) return draining.size > 0 ? undefined : new Counted(world, found, undefined, nowMs);
  const group = world.elb.targetGroups.get(first.targetGroup);
  if (second !== undefined || group === undefined || hasFailedTargets(group)) return undefined;
  return world.ecs.targetGroupUsers.get(first.targetGroup)?.length === 1
    ? new Counted(world, found, group, nowMs)
    : undefined;
}

/**
 * Looks at no more tasks than it is asked for: at most those on draining instances and on their way out. (A look in which
 * nothing comes to pass, as in five of six, takes 2 us, whatever the number of tasks; a look at 200 tasks took 60.)
 */
class Counted implements Census {
  readonly unhealthy: readonly Standing[] = [];
  readonly staying: number;
  readonly leavingCount: number;
  readonly #world: World;
  readonly #found: View;
  readonly #group: Immutable<TargetGroup> | undefined;
  readonly #nowMs: Millis;

  constructor(world: World, found: View, group: Immutable<TargetGroup> | undefined, nowMs: Millis) {
    this.#world = world;
    this.#found = found;
    this.#group = group;
    this.#nowMs = nowMs;
    let leaving = found.draining.size;
    for (const taskId of found.asked.keys()) if (found.draining.has(taskId)) leaving--;
    this.leavingCount = leaving;
    this.staying = found.pendingCount + found.runningCount - found.asked.size - leaving;
  }

  get healthy(): number {
    const { runningCount, asked, stopping } = this.#found;
    if (this.#group === undefined) {
      let running = runningCount;
      for (const taskId of asked.keys()) if (this.#world.ecs.tasks.get(taskId)?.status === 'RUNNING') running--;
      return running;
    }
    // Of the tasks on their way out the load balancer may not have heard yet.
    return this.#group.healthyCount - this.#healthyOf(asked) - this.#healthyOf(stopping);
  }

  get fit(): number {
    const { draining, asked } = this.#found;
    let fit = this.healthy;
    for (const taskId of draining.keys()) if (!asked.has(taskId) && this.#isHealthy(taskId)) fit--;
    return fit;
  }

  get counting(): number {
    return this.fit;
  }

  get leaving(): readonly Standing[] {
    const { ecs } = this.#world;
    const leaving: Standing[] = [];
    for (const taskId of this.#found.draining.keys()) {
      if (this.#found.asked.has(taskId)) continue;
      const task = ecs.tasks.get(taskId) as Immutable<Task>;
      const health = healthBy(this.#world, [this.#group], undefined, task, this.#nowMs);
      leaving.push(standing(task, health, true, this.#nowMs));
    }
    return leaving.toSorted(byUse);
  }

  get leavingServe(): boolean {
    for (const taskId of this.#found.draining.keys())
      if (!this.#found.asked.has(taskId) && !this.#isHealthy(taskId)) return false;
    return true;
  }

  #healthyOf(taskIds: ReadonlyMap<string, true>): number {
    let count = 0;
    for (const taskId of taskIds.keys()) if (this.#isHealthy(taskId)) count++;
    return count;
  }

  #isHealthy(taskId: string): boolean {
    return this.#group?.targets.get(taskId) === 'healthy';
  }
}

/** The tasks that may stay. */
function stayingTasks({ ecs }: World, found: View, { unhealthy, leaving }: Census): readonly RosteredTask[] {
  const { asked } = found;
  const roster = rosterOf(ecs, found);
  const others = new Set([...unhealthy, ...leaving].map(({ taskId }) => taskId));
  if (asked.size + others.size === 0) return roster;
  return roster.filter(({ taskId }) => !asked.has(taskId) && !others.has(taskId));
}

/** Whether tasks are being replaced, also if they are on their way out by now. */
function isReplacing({ ecs }: World, found: View, { unhealthy, leavingCount }: Census): boolean {
  if (found.deployments.length > 1 || unhealthy.length > 0 || leavingCount > 0 || found.draining.size > 0) return true;
  for (const taskId of found.stopping.keys()) {
    const task = ecs.tasks.get(taskId) as Immutable<Task>;
    if (task.stopping?.reason.startsWith(HEALTH_REASON) === true) return true;
    if (ecs.drainingInstances > 0 && instanceOf(ecs, task)?.status === 'DRAINING') return true;
  }
  return false;
}

function standing(task: Immutable<Task>, health: Health, draining: boolean, nowMs: Millis): Standing {
  const { taskId, number, status, startedBy } = task;
  const isProtected = isProtectedNow(task, nowMs);
  return { taskId, number, running: status === 'RUNNING', startedBy, isProtected, health, draining };
}

function isProtectedNow({ protectedUntilMs = 0 }: Immutable<Task>, nowMs: Millis): boolean {
  return protectedUntilMs > nowMs;
}

/** Which of the leaving tasks go first: those that serve nobody, then those whose instance is to go, then the oldest. */
function byUse(a: Standing, b: Standing): number {
  return (
    Number(a.running) - Number(b.running) ||
    Number(a.health.counts) - Number(b.health.counts) ||
    Number(b.draining) - Number(a.draining) ||
    a.number - b.number
  );
}

const NOTHING: readonly Answer[] = [];

/** What a look at a service leads to. */
export function answerTo(census: Census, found: View, retry: boolean, context: Context<EcsWorld>): readonly Answer[] {
  const { world, nowMs } = context;
  const { staying, unhealthy, leavingCount } = census;
  const target = found.desiredCount + (found.rebalancing?.extra ?? 0);
  const isQuiet =
    found.pendingCount === 0 && found.starting === 0 && found.stopping.size === 0 && found.asked.size === 0;
  if (!isQuiet && staying + found.starting === target && leavingCount === 0 && unhealthy.length === 0) return NOTHING;
  const primary = primaryOf(found);
  const { minimumHealthy, maximumTasks } = boundsOf(found);
  const isStalled = primary.rolloutState === 'FAILED';
  const { services: assumed } = world.ecs.assumptions;
  const events: Answer[] = [];

  const { stops, protectedTasks: keptOld } = leavingToStop(census, minimumHealthy, isStalled);
  const alive = assumed.stoppingCountsInMaximum
    ? found.tasks.size + found.starting
    : found.pendingCount + found.runningCount + found.starting;
  const gone = stops.filter(({ running }) => !running).length;
  const room = maximumTasks - alive + gone;
  const startsFirst = assumed.replaceUnhealthy === 'startFirst';
  const failed =
    isStalled || unhealthy.length === 0
      ? []
      : unhealthyToStop(unhealthy, {
          decided: census.fit + unhealthy.length - target,
          mayStartFirst: startsFirst && room > 0,
          isQuiet: isQuiet && staying + unhealthy.length <= target,
          draws: context.rng.at('ecs.unhealthy', nowMs, found.config.serviceName),
        });
  stops.push(...failed);

  // Tasks that are being started this instant come to be first: which ones are too many is decided among all.
  const isMoved = isQuiet && (found.rebalancing?.extra ?? 0) > 0 && unhealthy.length === 0 && census.fit === target;
  const tooMany = found.starting > 0 ? 0 : staying - (isMoved ? found.desiredCount : target);
  let keptPrimary = 0;
  if (tooMany > 0) {
    const tasks = stayingTasks(world, found, census);
    const free =
      found.protectedCount === 0 ? tasks.length : tasks.filter(({ task }) => !isProtectedNow(task, nowMs)).length;
    keptPrimary = Math.max(0, tooMany - free);
    stops.push(...surplus(found, primary, tasks, Math.min(tooMany, free), context));
  }
  events.push(...stopEvents(found.config.serviceName, stops));
  if (failed.length > 0) events.push(...failures(world, found, primary.deploymentId, failed.length, 'health'));

  const missing = target - staying - found.starting - (startsFirst ? 0 : unhealthy.length);
  const stopped = events.some(({ type }) => type === 'DeploymentFailed');
  const isWaiting = waitsForRoom(found, retry, nowMs);
  if (missing > 0 && !isStalled && !stopped && !isWaiting && nowMs >= found.throttledUntilMs) {
    // Replacing tasks must stay within the maximum; filling up to the desired count need not wait for stops.
    const wanted = isReplacing(world, found, census) ? Math.min(missing, room) : missing;
    const start = startTasks(world, found, census, wanted, unhealthy.length - failed.length, nowMs);
    if (start !== undefined) events.push(start);
  }
  const kept = keptOld + keptPrimary;
  if (kept > 0 && kept !== found.protectedSurplus && stops.length === 0)
    events.push({
      type: 'ServiceScaleInBlocked',
      serviceName: found.config.serviceName,
      deploymentId:
        keptOld > 0 ? (census.leaving.find(({ isProtected }) => isProtected)?.startedBy ?? '') : primary.deploymentId,
      protectedTasks: kept,
    });
  if (events.length > 0) return events;
  if (found.status === 'DRAINING' && found.tasks.size === 0 && found.starting === 0)
    return [{ type: 'ServiceInactive', serviceName: found.config.serviceName }];
  if (!isQuiet) return NOTHING;
  const isEven = leavingCount === 0 && unhealthy.length === 0 && staying === target && census.fit === target;
  if (isEven && found.deployments.length === 1 && (found.rebalancing?.extra ?? 0) === 0)
    return isStalled || found.steady ? NOTHING : steady(found, primary);
  const waits = isWaiting || nowMs < found.throttledUntilMs || census.counting < staying;
  if (!waits && kept === 0 && !isStalled && !found.blocked && leavingCount > 0)
    return [
      {
        type: 'ServiceDeploymentBlocked',
        serviceName: found.config.serviceName,
        deploymentId: primary.deploymentId,
      },
    ];
  return NOTHING;
}

/** Tasks have found no room, and nothing says that there is more by now. */
function waitsForRoom({ placementFailures, retryAtMs }: View, retry: boolean, nowMs: Millis): boolean {
  return placementFailures > 0 && !retry && nowMs < retryAtMs;
}

function steady({ config, runningCount }: View, { deploymentId, taskDefinition, rolloutState }: Immutable<Deployment>) {
  const { serviceName } = config;
  const completed = { type: 'DeploymentCompleted', serviceName, deploymentId, taskDefinition } as const;
  const reached = { type: 'ServiceReachedSteadyState', serviceName, runningCount } as const;
  return rolloutState === 'IN_PROGRESS' ? [completed, reached] : [reached];
}

interface Stop {
  readonly taskId: string;
  readonly running: boolean;
  readonly reason: string;
}

/**
 * Which tasks of older deployments and draining instances stop now: those that do not serve freely, the others as far as the
 * minimum healthy percent allows. Choice: a failed deployment that is not rolled back stops no task of those before it.
 */
function leavingToStop(
  census: Census,
  minimumHealthy: number,
  isStalled: boolean,
): { readonly stops: Stop[]; readonly protectedTasks: number } {
  const stops: Stop[] = [];
  let protectedTasks = 0;
  if (census.leavingCount === 0) return { stops, protectedTasks };
  let left = Math.max(0, census.healthy - minimumHealthy);
  if (left === 0 && census.leavingServe) return { stops, protectedTasks };
  for (const { taskId, running, health, draining, isProtected, startedBy } of census.leaving) {
    if (!draining && isStalled) continue;
    // Choice: AWS protects tasks from scale-in and deployments; that draining waits for them too, it does not say.
    if (!draining && isProtected) {
      protectedTasks++;
      continue;
    }
    // A task that runs without any check serves from the start, though it counts only after a while.
    const serves = running && health.state === 'healthy';
    if (serves && (!health.counts || left === 0)) continue;
    if (serves) left--;
    stops.push({ taskId, running, reason: draining ? DRAINING_REASON : scalingReason(startedBy) });
  }
  return { stops, protectedTasks };
}

/** AWS's words. */
export const DRAINING_REASON = 'Task is on a draining container instance';

function scalingReason(deploymentId: string): string {
  return `Scaling activity initiated by (deployment ${deploymentId})`;
}

/**
 * Which unhealthy tasks stop now. A replacement starts first where it may: of an unhealthy task and its replacement, one stops
 * as soon as it is known how the other one is. Otherwise they stop one at a time, at random.
 *
 * @source AWS, "Amazon ECS services" (current); until 2023 a task was stopped before it was replaced
 */
function unhealthyToStop(
  unhealthy: readonly Standing[],
  look: {
    /** Tasks above the desired count whose health is known. */
    readonly decided: number;
    readonly mayStartFirst: boolean;
    /** No task is on its way in or out, and none too many. */
    readonly isQuiet: boolean;
    readonly draws: Draws;
  },
): Stop[] {
  const asStop = ({ taskId, running, health }: Standing): Stop => ({ taskId, running, reason: health.reason });
  if (look.decided > 0) return unhealthy.slice(0, look.decided).map(asStop);
  if (look.mayStartFirst || !look.isQuiet) return [];
  return [asStop(unhealthy[look.draws.int(unhealthy.length)] as Standing)];
}

/** One event for each reason, in the order in which the reasons come up. */
function stopEvents(serviceName: string, stops: readonly Stop[]): ServiceEvent[] {
  const byReason = new Map<string, string[]>();
  for (const { taskId, reason } of stops) {
    const taskIds = byReason.get(reason);
    if (taskIds === undefined) byReason.set(reason, [taskId]);
    else taskIds.push(taskId);
  }
  const events: ServiceEvent[] = [];
  for (const [reason, taskIds] of byReason) events.push({ type: 'ServiceTasksStopping', serviceName, taskIds, reason });
  return events;
}

/** Each missing task goes to the provider furthest below its share; tasks that are replaced hold no share any more. */
function startTasks(
  { ecs }: World,
  found: View,
  census: Census,
  wanted: number,
  replaced: number,
  nowMs: Millis,
): ServiceEvent | undefined {
  const { strategy, config } = found;
  const { cycleStartMs, perCycle, started } = cycleOf(ecs, found, nowMs);
  const count = Math.min(wanted, perCycle - started);
  const { deploymentId } = primaryOf(found);
  const serviceName = config.serviceName;
  if (count <= 0) return undefined;
  const starting = (capacityProviders: readonly string[]): ServiceEvent => ({
    type: 'ServiceTasksStarting',
    serviceName,
    deploymentId,
    capacityProviders,
    replaced: Math.min(count, replaced),
    ...(count < wanted ? { continuesAtMs: cycleStartMs + CYCLE_MS } : {}),
  });
  if (strategy.length <= 1) return starting(Array.from({ length: count }, () => strategy[0]?.capacityProvider ?? ''));
  const { leaving, unhealthy } = census;
  const shares = splitByStrategy(
    found.desiredCount + (found.rebalancing?.extra ?? 0),
    strategy,
    ecs.capacity.splitRule,
  );
  const short = strategy.map(
    ({ capacityProvider }, index) => (shares[index] as number) - (found.providerCounts.get(capacityProvider) ?? 0),
  );
  for (const taskId of [...[...leaving, ...unhealthy].map((task) => task.taskId), ...found.asked.keys()]) {
    const provider = ecs.tasks.get(taskId)?.capacityProvider;
    const index = strategy.findIndex(({ capacityProvider }) => capacityProvider === provider);
    if (index !== -1) short[index] = (short[index] as number) + 1;
  }
  const capacityProviders = Array.from({ length: count }, () => {
    const index = short.indexOf(Math.max(...short));
    short[index] = (short[index] as number) - 1;
    return (strategy[index] as CapacityProviderStrategyItem).capacityProvider;
  });
  return starting(capacityProviders);
}

/** The launch cycle that runs: when it began, and how many tasks may start and have started in it. */
function cycleOf(
  ecs: World['ecs'],
  { strategy, cycleStartMs, cycleStarts }: View,
  nowMs: Millis,
): { readonly cycleStartMs: Millis; readonly perCycle: number; readonly started: number } {
  if (nowMs === ecs.warmStartMs) return { cycleStartMs: nowMs, perCycle: Number.MAX_SAFE_INTEGER, started: 0 };
  const { ec2, fargate } = ecs.assumptions.services.launchesPerMinute;
  const rate = strategy.some(({ capacityProvider }) => isFargate(capacityProvider)) ? fargate : ec2;
  const perCycle = Math.max(1, Math.round((rate * CYCLE_MS) / 60_000));
  const isNew = nowMs >= cycleStartMs + CYCLE_MS;
  return { cycleStartMs: isNew ? nowMs : cycleStartMs, perCycle, started: isNew ? 0 : cycleStarts };
}

/** Which tasks are too many: each from the provider most above its share, there by the placement strategy in reverse. */
function surplus(
  found: View,
  { taskDefinition, deploymentId }: Immutable<Deployment>,
  staying: readonly RosteredTask[],
  count: number,
  { world: { ecs }, nowMs, rng }: Context<EcsWorld>,
): readonly Stop[] {
  const { demand } = ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const options = {
    demand,
    strategies: chainOf(found.config),
    assumptions: ecs.placement,
    draws: rng.at('ecs.scaleIn', nowMs, found.config.serviceName),
  };
  const reason = scalingReason(deploymentId);
  const asStop = ({ taskId, running }: StoppableTask): Stop => ({ taskId, running, reason });
  const candidates = found.protectedCount === 0 ? staying : staying.filter(({ task }) => !isProtectedNow(task, nowMs));
  if (found.strategy.length <= 1) return chooseVictims(candidates, count, options).map(asStop);
  const shares = splitByStrategy(found.desiredCount, found.strategy, ecs.capacity.splitRule);
  const providerOf = ({ taskId }: Pick<StoppableTask, 'taskId'>) =>
    (ecs.tasks.get(taskId) as Immutable<Task>).capacityProvider ?? '';
  const above = new Map(found.strategy.map(({ capacityProvider }, index) => [capacityProvider, -(shares[index] ?? 0)]));
  // A strategy that was changed may have left tasks on a provider that it does not name any more: their share is 0.
  for (const task of staying) above.set(providerOf(task), (above.get(providerOf(task)) ?? 0) + 1);
  let left: readonly StoppableTask[] = candidates;
  const chosen: Stop[] = [];
  while (chosen.length < count) {
    let from: readonly StoppableTask[] = [];
    let mostAbove = Number.NEGATIVE_INFINITY;
    for (const [provider, surplusThere] of above) {
      const tasks = left.filter((task) => providerOf(task) === provider);
      if (tasks.length === 0 || surplusThere <= mostAbove) continue;
      mostAbove = surplusThere;
      from = tasks;
    }
    const [victim] = chooseVictims(from, 1, options) as [StoppableTask];
    above.set(providerOf(victim), mostAbove - 1);
    chosen.push(asStop(victim));
    left = left.filter((task) => task !== victim);
  }
  return chosen;
}

/**
 * A daemon has one task on each active instance that its constraints allow. It stops an old task before it starts a new one
 * there, and leaves a draining instance last.
 */
function reconcileDaemon(found: View, retry: boolean, context: Context<EcsWorld>): Answer[] {
  const { world, nowMs } = context;
  const { ecs } = world;
  const { serviceName } = found.config;
  const primary = primaryOf(found);
  const isStalled = primary.rolloutState === 'FAILED';
  const eligible = Array.from(ecs.containerInstances.values()).filter(
    (instance) => found.status === 'ACTIVE' && instance.status === 'ACTIVE' && mayRunOn(world, found, instance),
  );
  const events: Answer[] = [];
  if (eligible.length !== found.desiredCount)
    events.push({ type: 'ServiceUpdated', serviceName, from: found.desiredCount, to: eligible.length });
  const onInstance = new Map<string, Immutable<Task>>();
  for (const taskId of found.tasks.keys()) {
    const task = ecs.tasks.get(taskId) as Immutable<Task>;
    onInstance.set(task.ec2InstanceId as string, task);
  }
  const stops: Stop[] = [];
  const starts: Immutable<ContainerInstance>[] = [];
  let failed = 0;
  let fit = 0;
  let spare = -boundsOf({ ...found, desiredCount: eligible.length }).minimumHealthy;
  for (const task of onInstance.values())
    if (!found.asked.has(task.taskId) && healthOf(world, found, task, nowMs).counts) spare++;
  const graceMs = (found.config.healthCheckGracePeriodSeconds ?? 0) * 1_000;
  for (const instance of eligible) {
    const task = onInstance.get(instance.ec2InstanceId);
    onInstance.delete(instance.ec2InstanceId);
    if (task === undefined) starts.push(instance);
    else if (task.stopping === undefined && !found.asked.has(task.taskId)) {
      const { taskId, startedBy } = task;
      const running = task.status === 'RUNNING';
      const health = healthOf(world, found, task, nowMs);
      const isIgnored = running && nowMs < (task.runningSinceMs as Millis) + graceMs;
      if (isStalled) continue;
      if (startedBy !== primary.deploymentId) {
        if (running && health.counts && spare <= 0) continue;
        if (health.counts) spare--;
        stops.push({ taskId, running, reason: scalingReason(startedBy) });
      } else if (health.state === 'unhealthy' && !isIgnored) {
        failed++;
        stops.push({ taskId, running, reason: health.reason });
      } else if (health.state === 'healthy') fit++;
    }
  }
  // What is left is on instances that are not eligible: on draining ones it stays until all other tasks have gone.
  for (const { taskId, status, stopping, ec2InstanceId } of onInstance.values()) {
    if (
      stopping !== undefined ||
      found.asked.has(taskId) ||
      (found.status === 'ACTIVE' && holdsTasks(world, ec2InstanceId as string))
    )
      continue;
    stops.push({ taskId, running: status === 'RUNNING', reason: DRAINING_REASON });
  }
  events.push(...stopEvents(serviceName, stops));
  if (failed > 0) events.push(...failures(world, found, primary.deploymentId, failed, 'health'));
  const isWaiting = found.placementFailures > 0 && !retry && nowMs < found.retryAtMs;
  const stopped = events.some(({ type }) => type === 'DeploymentFailed');
  if (!isStalled && !stopped && !isWaiting && nowMs >= found.throttledUntilMs)
    events.push(...startDaemonTasks(found, primary, starts, context));
  if (events.length > 0) return events;
  if (found.status === 'DRAINING') return found.tasks.size === 0 ? [{ type: 'ServiceInactive', serviceName }] : [];
  const isEven = fit === eligible.length && found.tasks.size === fit;
  return isEven && !isStalled && !found.steady ? steady(found, primary) : [];
}

/** Starts and places the tasks at once, so that nothing else can take the room that a daemon needs. */
function startDaemonTasks(
  found: View,
  primary: Immutable<Deployment>,
  instances: readonly Immutable<ContainerInstance>[],
  context: Context<EcsWorld>,
): Answer[] {
  const { serviceName } = found.config;
  const started: TaskEvent[] = [];
  const refused: Refusal[] = [];
  const roleName =
    instances.length === 0 ? undefined : unassumableRole(context.world, revisionOf(context.world, primary));
  for (const instance of roleName === undefined ? instances : []) {
    const provider = found.strategy.length === 0 ? undefined : instance.capacityProvider;
    const task = newTask(context.world, found, primary, provider, started.length / 2);
    const place = findPlace(context, found, task, [instance]);
    if ('instance' in place) started.push(createdTask(task, serviceName), placedOn(place, found.config, task, context));
    else refused.push(refusalOf(place));
  }
  const providers = started
    .filter((event) => event.type === 'TaskCreated')
    .map((event) => event.capacityProvider ?? '');
  const without = roleName === undefined ? refused.length : instances.length;
  const asked = [...providers, ...Array.from({ length: without }, () => '')];
  if (asked.length === 0) return [];
  const start: ServiceEvent = {
    type: 'ServiceTasksStarting',
    serviceName,
    deploymentId: primary.deploymentId,
    capacityProviders: asked,
    replaced: 0,
  };
  if (roleName !== undefined) return [start, ...notConfigured(found, primary, '', instances.length, roleName, context)];
  const failed = refused.length === 0 ? [] : notPlaced(found, primary, '', refused.length, allOf(refused), context);
  return [start, ...started, ...failed];
}

/** A daemon is refused by each instance for itself: the first one's reason, and how many each reason turned away. */
function allOf(refused: readonly Refusal[]): Refusal {
  const counts = new Map<Refusal['refusedBy'][number], number>();
  for (const { refusedBy } of refused)
    for (const reason of refusedBy) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return { ...(refused[0] as Refusal), refusedBy: [...counts.keys()], refusedCounts: [...counts.values()] };
}
