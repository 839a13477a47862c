/**
 * Serving: once per step, what the tasks of every service did with the requests that came. One frame for all services.
 *
 * @source the service model is core/workload's; who gets requests is the load balancer's answer
 */

import type { Immutable } from 'immer';
import { drainingTargets, routableTargets } from '../elb/index.ts';
import {
  event,
  json,
  number,
  numbers,
  text,
  texts,
  type Context,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { METRIC_PERIOD_MS } from '../cloudwatch/index.ts';
import { latencyLevels, servings, type Carried, type LoadConfig, type Served } from '../workload/index.ts';
import { primaryOf } from './deployment.ts';
import { nothingMeasured, type Measured, type Service } from './service.ts';
import type { Task } from './task.ts';
import type { RegisteredTaskDefinition } from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

export const servingEvents = {
  LoadServed: event('What became of the requests of one step, a row per service.', {
    fromMs: number('start of the step'),
    toMs: number('end of the step'),
    services: texts('the services'),
    offered: numbers('requests that came'),
    served: numbers('answered in time'),
    timedOut: numbers('given up by their clients'),
    rejected: numbers('refused by a task whose queue was full'),
    unserved: numbers('refused by the load balancer, for there was no target (HTTP 503)'),
    lost: numbers('in flight on a task that went away (HTTP 502)'),
    queued: numbers('still in the system at the end'),
    desiredTasks: numbers('desired count'),
    runningTasks: numbers('tasks in RUNNING'),
    targets: numbers('tasks that got requests'),
    cpuPercent: numbers('CPUUtilization of the service'),
    memoryPercent: numbers('MemoryUtilization of the service'),
    meanMs: numbers('mean latency of the requests served'),
    quantilesMs: numbers('their latency at `latencyLevels`, five numbers a row'),
    carriedAtTasks: numbers('fluid serving: requests at the tasks'),
    carriedAway: numbers('fluid serving: requests waiting for others'),
    carriedOldestMs: numbers('fluid serving: age of the oldest request at a task'),
    carriedTimedOutPart: numbers('fluid serving: part of a request timed out, not yet counted'),
    carriedRejectedPart: numbers('fluid serving: part of a request rejected, not yet counted'),
  }),
  RequestsServed: event('The exact latencies of a step of a service whose requests are simulated one by one.', {
    serviceName: text('the service'),
    buckets: numbers('latency buckets (1 % wide), ascending'),
    counts: numbers('requests in each'),
    carried: json<Carried>('the requests in flight at the end'),
  }),
} as const;
export type ServingEvent = EventsOf<typeof servingEvents>;
export type LoadServed = Extract<ServingEvent, { type: 'LoadServed' }>;

export type ServingCommand = {
  readonly type: 'ServeLoad';
  readonly fromMs: Millis;
  readonly services: readonly string[];
  readonly offered: readonly number[];
};

/** Without a number of its own, an idle task uses this share of its memory. Choice: no source. */
const IDLE_MEMORY_SHARE = 0.25;

/** What a service without load does. */
const IDLE: Served = {
  served: 0,
  timedOut: 0,
  rejected: 0,
  unserved: 0,
  lost: 0,
  queued: 0,
  busyPercent: 0,
  meanMs: 0,
  quantilesMs: latencyLevels.map(() => 0),
  carried: { queued: 0 },
};

export const decideServing: Decide<EcsWorld, ServingCommand, ServingEvent> = {
  ServeLoad({ fromMs, services, offered }, context) {
    const { world, nowMs: toMs } = context;
    const frame = newFrame(fromMs, toMs);
    const details: ServingEvent[] = [];
    for (const [serviceName, service] of world.ecs.services) {
      const config = world.workload.loads.get(serviceName)?.config;
      const came = offered[services.indexOf(serviceName)] ?? 0;
      const targets = targetsOf(world, service);
      const result = config === undefined ? IDLE : serve(service, config, targets, came, fromMs, context);
      addRow(frame, service, config, targets.receiving, came, result, world);
      if (result.histogram !== undefined)
        details.push({ type: 'RequestsServed', serviceName, ...result.histogram, carried: result.carried });
    }
    return [frame, ...details];
  },
};

function serve(
  service: Immutable<Service>,
  config: Immutable<LoadConfig>,
  targets: { readonly receiving: readonly string[]; readonly draining: readonly string[] },
  offered: number,
  fromMs: Millis,
  { world, nowMs: toMs, rng }: Context<EcsWorld>,
): Served {
  const { cpuUnits, workFactor } = sizeOf(world, service, targets.receiving);
  const { startMs, stepMs } = world.workload;
  const serving = servings[config.serving];
  return serving.serve({
    fromMs,
    toMs,
    offered,
    targets: targets.receiving,
    drainingTargets: targets.draining,
    cpuUnits,
    profile:
      workFactor === 1 ? config.request : { ...config.request, cpuMs: rounded(config.request.cpuMs * workFactor) },
    routing: config.routing,
    carried: service.carried ?? serving.empty,
    draws: rng.at(`workload.requests.${config.service}`, (fromMs - startMs) / stepMs),
  });
}

/** One task that stands for all that get requests: together they have their CPU, and do their work in its time. */
interface TaskSize {
  readonly cpuUnits: number;
  /** CPU of a request, as a multiple of what the load says. */
  readonly workFactor: number;
}

/**
 * The size of the tasks that get requests. While a rollout mixes revisions of different sizes, tasks with the mean of their
 * CPU, and with the work per request that gives them the same capacity together.
 */
function sizeOf(
  { ecs }: Immutable<EcsWorld>,
  { deployments }: Immutable<Service>,
  targets: readonly string[],
): TaskSize {
  const first = sizeOfRevision(ecs, primaryOf({ deployments }).taskDefinition);
  let alike = true;
  for (const { taskDefinition } of deployments) {
    const { cpuUnits, workFactor } = sizeOfRevision(ecs, taskDefinition);
    if (cpuUnits !== first.cpuUnits || workFactor !== first.workFactor) alike = false;
  }
  // Only in the minutes of such a rollout each task is looked at.
  if (alike || targets.length === 0) return first;
  let cpuUnits = 0;
  let capacity = 0;
  for (const taskId of targets) {
    const size = sizeOfRevision(ecs, (ecs.tasks.get(taskId) as Immutable<Task>).taskDefinition);
    cpuUnits += size.cpuUnits;
    capacity += size.cpuUnits / size.workFactor;
  }
  return { cpuUnits: rounded(cpuUnits / targets.length), workFactor: rounded(cpuUnits / capacity) };
}

function sizeOfRevision({ taskDefinitions }: Immutable<EcsWorld>['ecs'], name: string): TaskSize {
  const { demand, definition } = taskDefinitions.get(name) as Immutable<RegisteredTaskDefinition>;
  return { cpuUnits: demand.cpuUnits, workFactor: definition.application?.workFactor ?? 1 };
}

/** CPU and memory that the running tasks of a service reserve together. */
function reservedBy({ ecs }: Immutable<EcsWorld>, { deployments }: Immutable<Service>) {
  let cpuUnits = 0;
  let memoryMiB = 0;
  for (const { taskDefinition, runningCount } of deployments) {
    const { demand } = ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
    cpuUnits += runningCount * demand.cpuUnits;
    memoryMiB += runningCount * demand.memoryMiB;
  }
  return { cpuUnits, memoryMiB };
}

/** Behind a load balancer its targets, else every running task. */
function targetsOf(
  { ecs, elb }: Immutable<EcsWorld>,
  { config, tasks }: Immutable<Service>,
): { readonly receiving: readonly string[]; readonly draining: readonly string[] } {
  const [loadBalancer] = config.loadBalancers;
  const group = loadBalancer === undefined ? undefined : elb.targetGroups.get(loadBalancer.targetGroup);
  if (group !== undefined) return { receiving: routableTargets(group), draining: drainingTargets(group) };
  const statusIs = (wanted: Task['status']) =>
    Array.from(tasks.keys()).filter((taskId) => (ecs.tasks.get(taskId) as Immutable<Task>).status === wanted);
  return { receiving: statusIs('RUNNING'), draining: statusIs('DEACTIVATING') };
}

type Frame = {
  -readonly [K in keyof LoadServed]: LoadServed[K] extends readonly (infer Item)[] ? Item[] : LoadServed[K];
};

function newFrame(fromMs: Millis, toMs: Millis): Frame {
  return {
    type: 'LoadServed',
    fromMs,
    toMs,
    services: [],
    offered: [],
    served: [],
    timedOut: [],
    rejected: [],
    unserved: [],
    lost: [],
    queued: [],
    desiredTasks: [],
    runningTasks: [],
    targets: [],
    cpuPercent: [],
    memoryPercent: [],
    meanMs: [],
    quantilesMs: [],
    carriedAtTasks: [],
    carriedAway: [],
    carriedOldestMs: [],
    carriedTimedOutPart: [],
    carriedRejectedPart: [],
  };
}

function addRow(
  frame: Frame,
  service: Immutable<Service>,
  config: Immutable<LoadConfig> | undefined,
  targets: readonly string[],
  offered: number,
  result: Served,
  world: Immutable<EcsWorld>,
): void {
  const reserved = reservedBy(world, service);
  const running = service.runningCount;
  const { idleMiB, perRequestMiB = 0 } = config?.memory ?? {};
  const allIdleMiB = idleMiB === undefined ? reserved.memoryMiB * IDLE_MEMORY_SHARE : running * idleMiB;
  const usedMiB = allIdleMiB + result.queued * perRequestMiB;
  // The metric is over all running tasks, also those that do not get requests yet.
  const busyUnits = result.busyPercent === 0 ? 0 : targets.length * sizeOf(world, service, targets).cpuUnits;
  const busyShare = reserved.cpuUnits === 0 ? 0 : Math.min(1, busyUnits / reserved.cpuUnits);
  frame.services.push(service.config.serviceName);
  frame.offered.push(offered);
  frame.served.push(result.served);
  frame.timedOut.push(result.timedOut);
  frame.rejected.push(result.rejected);
  frame.unserved.push(result.unserved);
  frame.lost.push(result.lost);
  frame.queued.push(result.queued);
  frame.desiredTasks.push(service.desiredCount);
  frame.runningTasks.push(running);
  frame.targets.push(targets.length);
  frame.cpuPercent.push(rounded(result.busyPercent * busyShare));
  frame.memoryPercent.push(running === 0 ? 0 : rounded(Math.min(100, (100 * usedMiB) / reserved.memoryMiB)));
  frame.meanMs.push(result.meanMs);
  frame.quantilesMs.push(...result.quantilesMs);
  frame.carriedAtTasks.push(result.carried.atTasks ?? 0);
  frame.carriedAway.push(result.carried.away ?? 0);
  frame.carriedOldestMs.push(result.carried.oldestMs ?? 0);
  frame.carriedTimedOutPart.push(result.carried.timedOutPart ?? 0);
  frame.carriedRejectedPart.push(result.carried.rejectedPart ?? 0);
}

/** To a millionth: the last bits of a double decide nothing. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

export const evolveServing: Evolve<EcsWorld, ServingEvent> = {
  LoadServed({ ecs }, frame) {
    const newPeriod = frame.fromMs % METRIC_PERIOD_MS === 0;
    for (const [row, serviceName] of frame.services.entries()) {
      const service = ecs.services.get(serviceName);
      if (service === undefined) continue;
      service.carried = {
        queued: frame.queued[row] as number,
        atTasks: frame.carriedAtTasks[row] as number,
        away: frame.carriedAway[row] as number,
        oldestMs: frame.carriedOldestMs[row] as number,
        timedOutPart: frame.carriedTimedOutPart[row] as number,
        rejectedPart: frame.carriedRejectedPart[row] as number,
      };
      if (newPeriod) service.measured = nothingMeasured();
      measure(service.measured, frame, row);
    }
  },
  RequestsServed({ ecs }, { serviceName, carried }) {
    const service = ecs.services.get(serviceName);
    if (service !== undefined) service.carried = carried;
  },
};

function measure(measured: Measured, frame: LoadServed, row: number): void {
  const cpuPercent = frame.cpuPercent[row] as number;
  const memoryPercent = frame.memoryPercent[row] as number;
  const runningTasks = frame.runningTasks[row] as number;
  const targets = frame.targets[row] as number;
  const served = frame.served[row] as number;
  measured.steps++;
  if (runningTasks > 0) {
    const first = measured.runningSteps === 0;
    measured.runningSteps++;
    measured.runningTasks = runningTasks;
    measured.cpuPercent += cpuPercent;
    measured.cpuMinimum = first ? cpuPercent : Math.min(measured.cpuMinimum, cpuPercent);
    measured.cpuMaximum = Math.max(measured.cpuMaximum, cpuPercent);
    measured.memoryPercent += memoryPercent;
    measured.memoryMinimum = first ? memoryPercent : Math.min(measured.memoryMinimum, memoryPercent);
    measured.memoryMaximum = Math.max(measured.memoryMaximum, memoryPercent);
  }
  if (targets > 0) {
    measured.targetSteps++;
    measured.requests += frame.offered[row] as number;
    measured.requestsPerTarget += (frame.offered[row] as number) / targets;
  }
  if (served > 0) {
    const lowMs = frame.meanMs[row] as number;
    const highMs = frame.quantilesMs[row * latencyLevels.length + latencyLevels.length - 1] as number;
    measured.latencyMinimum = measured.completed === 0 ? lowMs : Math.min(measured.latencyMinimum, lowMs);
    measured.latencyMaximum = Math.max(measured.latencyMaximum, highMs);
    measured.latencyMs += served * lowMs;
    measured.completed += served;
  }
  measured.target5xx += frame.rejected[row] as number;
  measured.elb5xx += (frame.unserved[row] as number) + (frame.lost[row] as number);
}
