/**
 * Churn: how nervously a service was scaled, what starting and stopping tasks took, and which tasks lost their place or were
 * killed. A task is billed from its image pull on Fargate, from its placement on an instance, until it has stopped; it serves from
 * when it gets requests until it is told to stop.
 */

import { DRAINING_REASON, OUT_OF_MEMORY, scalableResourceId } from '../ecs/index.ts';
import { DAY, HOUR, type Millis } from '../kernel/index.ts';
import type { Event } from '../world.ts';
import { addDelay, WholeNumbers } from './delays.ts';
import type { Projection } from './projection.ts';

export interface ChurnReport {
  /** Changes of the desired count by Application Auto Scaling. */
  readonly actions: number;
  readonly actionsPerDay: number;
  /** Of these, changes against the direction of the one before, within a cooldown of it. */
  readonly reversals: number;
  /** Tasks that were created after the run had begun. */
  readonly taskStarts: number;
  /** Tasks that ended before they had served for twice as long as they took to start. */
  readonly wastedStarts: number;
  /**
   * Tasks that had to go elsewhere: their instance was drained, terminated or lost, Spot capacity was taken back, or ECS balanced
   * zones. Not of a daemon, whose tasks belong to their instances.
   */
  readonly tasksMoved: number;
  /** Containers that were killed for the memory they used, and of them for each day of a task that serves. */
  readonly outOfMemory: number;
  readonly outOfMemoryPerTaskDay: number;
  /** Of tasks that ended: a tenth served no longer than this. Absent when none ended. */
  readonly taskLifeP10S?: number;
  readonly billedTaskHours: number;
  /** Of these, while a task started or stopped. */
  readonly notServingTaskHours: number;
}

/** A start was worth it when the task served for so many times what it took. Choice: no source; the least that is not a loss. */
const WORTH = 2;

interface Life {
  readonly createdMs: Millis;
  billedFromMs: Millis | undefined;
  servesFromMs: Millis | undefined;
  servesUntilMs: Millis | undefined;
}

/** @param options.cooldownMs  the longest of its policies' cooldowns @param options.startMs  tasks there from the start are no starts */
export function churnProjection(
  serviceName: string,
  options: {
    readonly clusterName: string;
    readonly hasLoadBalancer: boolean;
    readonly cooldownMs: Millis;
    readonly startMs: Millis;
  },
): Projection<ChurnReport> {
  const { clusterName, hasLoadBalancer, cooldownMs, startMs } = options;
  const resourceId = scalableResourceId(clusterName, serviceName);
  const tasks = new Map<string, Life>();
  const lives = new WholeNumbers();
  const counts = { actions: 0, reversals: 0, taskStarts: 0, wastedStarts: 0, tasksMoved: 0, outOfMemory: 0 };
  let isDaemon = false;
  const sums = { billedMs: 0, servingMs: 0 };
  let last: { readonly atMs: Millis; readonly direction: number } | undefined;

  const serve = (taskId: string, atMs: Millis) => {
    const life = tasks.get(taskId);
    if (life !== undefined) life.servesFromMs ??= atMs;
  };
  const leave = (taskId: string, atMs: Millis) => {
    const life = tasks.get(taskId);
    if (life !== undefined) life.servesUntilMs ??= atMs;
  };
  const end = (taskId: string, atMs: Millis) => {
    const life = tasks.get(taskId);
    if (life === undefined) return;
    tasks.delete(taskId);
    const { billedMs, servingMs } = timesOf(life, atMs);
    sums.billedMs += billedMs;
    sums.servingMs += servingMs;
    addDelay(lives, servingMs);
    const { createdMs, servesFromMs } = life;
    if (createdMs === startMs) return;
    if (servesFromMs === undefined || servingMs < WORTH * (servesFromMs - createdMs)) counts.wastedStarts++;
  };

  return {
    types: [
      'ServiceCreated',
      'ServiceRebalancingStarted',
      'ScalingActivityStarted',
      'TaskCreated',
      'TaskPlaced',
      'TaskRunning',
      'TargetHealthy',
      'TaskDeactivating',
      'TaskStopping',
      'TaskStopped',
      'ContainerStopped',
    ] satisfies Event['type'][],
    on({ atMs, event }) {
      switch (event.type) {
        case 'ServiceCreated':
          if (event.config.serviceName === serviceName) isDaemon = event.config.schedulingStrategy === 'DAEMON';
          return;
        case 'ServiceRebalancingStarted':
          if (event.serviceName === serviceName) counts.tasksMoved += event.extra;
          return;
        case 'ContainerStopped':
          if (event.serviceName === serviceName && event.reason === OUT_OF_MEMORY) counts.outOfMemory++;
          return;
        case 'ScalingActivityStarted': {
          if (event.resourceId !== resourceId || event.fromCapacity === event.toCapacity) return;
          const direction = Math.sign(event.toCapacity - event.fromCapacity);
          counts.actions++;
          if (last !== undefined && last.direction !== direction && atMs - last.atMs < cooldownMs) counts.reversals++;
          last = { atMs, direction };
          return;
        }
        case 'TaskCreated':
          if (event.serviceName !== serviceName) return;
          if (atMs > startMs) counts.taskStarts++;
          tasks.set(event.taskId, {
            createdMs: atMs,
            billedFromMs: undefined,
            servesFromMs: undefined,
            servesUntilMs: undefined,
          });
          return;
        case 'TaskPlaced': {
          const life = tasks.get(event.taskId);
          if (life !== undefined)
            life.billedFromMs = event.ec2InstanceId === undefined ? (event.pullStartedAtMs ?? atMs) : atMs;
          return;
        }
        case 'TaskRunning':
          if (!hasLoadBalancer) serve(event.taskId, atMs);
          return;
        case 'TargetHealthy':
          serve(event.targetId, atMs);
          return;
        case 'TaskDeactivating':
        case 'TaskStopping':
          leave(event.taskId, atMs);
          return;
        case 'TaskStopped':
          if (event.serviceName === serviceName && !isDaemon && hasLostItsPlace(event)) counts.tasksMoved++;
          end(event.taskId, atMs);
          return;
        default:
          return;
      }
    },
    report(atMs) {
      let { billedMs, servingMs } = sums;
      for (const life of tasks.values()) {
        const soFar = timesOf(life, atMs);
        billedMs += soFar.billedMs;
        servingMs += soFar.servingMs;
      }
      const taskLifeP10S = lives.quantile(0.1);
      return {
        ...counts,
        outOfMemoryPerTaskDay: servingMs === 0 ? 0 : (counts.outOfMemory * DAY) / servingMs,
        actionsPerDay: atMs > startMs ? (counts.actions * DAY) / (atMs - startMs) : 0,
        ...(taskLifeP10S === undefined ? {} : { taskLifeP10S }),
        billedTaskHours: billedMs / HOUR,
        notServingTaskHours: Math.max(0, billedMs - servingMs) / HOUR,
      };
    },
  };
}

function hasLostItsPlace({ stopCode, reason }: Extract<Event, { type: 'TaskStopped' }>): boolean {
  return stopCode === 'TerminationNotice' || stopCode === 'SpotInterruption' || reason === DRAINING_REASON;
}

function timesOf({ billedFromMs, servesFromMs, servesUntilMs }: Life, atMs: Millis) {
  const billedMs = billedFromMs === undefined ? 0 : Math.max(0, atMs - billedFromMs);
  const servingMs = servesFromMs === undefined ? 0 : Math.max(0, (servesUntilMs ?? atMs) - servesFromMs);
  return { billedMs, servingMs };
}
