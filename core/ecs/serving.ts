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
import { bucketOf, latencyLevels, servings, type Carried, type LoadConfig, type Served } from '../workload/index.ts';
import { HIGH_RESOLUTION_MS, isHighResolution } from './metricKeys.ts';
import type { MetricSettings } from './metrics.ts';
import { nothingMeasured, noUtilization, type Service, type UtilizationSums } from './service.ts';
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
      addRow(frame, service, config, targets.receiving.length, came, result, world);
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
  const { demand } = world.ecs.taskDefinitions.get(service.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const { startMs, stepMs } = world.workload;
  const serving = servings[config.serving];
  return serving.serve({
    fromMs,
    toMs,
    offered,
    targets: targets.receiving,
    drainingTargets: targets.draining,
    cpuUnits: demand.cpuUnits,
    profile: config.request,
    routing: config.routing,
    carried: service.carried ?? serving.empty,
    draws: rng.at(`workload.requests.${config.service}`, (fromMs - startMs) / stepMs),
  });
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
  targets: number,
  offered: number,
  result: Served,
  { ecs }: Immutable<EcsWorld>,
): void {
  const { demand } = ecs.taskDefinitions.get(service.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const { idleMiB = demand.memoryMiB * IDLE_MEMORY_SHARE, perRequestMiB = 0 } = config?.memory ?? {};
  const running = service.runningCount;
  const usedMiB = running * idleMiB + result.queued * perRequestMiB;
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
  frame.targets.push(targets);
  // The metric is over all running tasks, also those that do not get requests yet.
  frame.cpuPercent.push(running === 0 ? 0 : rounded(result.busyPercent * Math.min(1, targets / running)));
  frame.memoryPercent.push(running === 0 ? 0 : rounded(Math.min(100, (100 * usedMiB) / (running * demand.memoryMiB))));
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
  LoadServed(world, frame) {
    const { ecs } = world;
    const newMinute = frame.fromMs % METRIC_PERIOD_MS === 0;
    const newHighResolution = frame.fromMs % HIGH_RESOLUTION_MS === 0;
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
      if (newMinute) {
        service.measured = nothingMeasured();
        service.utilization.minute = noUtilization();
        service.latencies.clear();
      }
      if (newHighResolution) service.utilization.highResolution = noUtilization();
      measureUtilization(service, frame, row, ecs.metrics);
      measureRequests(world, service, frame, row);
      if (frame.toMs % METRIC_PERIOD_MS === 0) service.startedCount = 0;
    }
  },
  RequestsServed(world, { serviceName, buckets, counts, carried }) {
    const service = world.ecs.services.get(serviceName);
    if (service === undefined) return;
    service.carried = carried;
    if (!wantsLatencies(world, service)) return;
    for (const [index, bucket] of buckets.entries()) addLatencies(service, bucket, counts[index] as number);
  },
};

/** Without a task that counts there is no sample. */
function measureUtilization(
  service: Service,
  frame: LoadServed,
  row: number,
  { firstMinuteOfTask }: MetricSettings,
): void {
  const running = frame.runningTasks[row] as number;
  if (running === 0) return;
  const targets = Math.min(running, frame.targets[row] as number);
  const cpuPercent = frame.cpuPercent[row] as number;
  // Choice: a task's first minute gives no CPU sample; those that serve are taken to be the others first.
  const counting = firstMinuteOfTask === 'omitted' ? Math.max(0, running - service.startedCount) : running;
  const busyPercent = targets === 0 ? 0 : (cpuPercent * running) / targets;
  const { minute, highResolution } = service.utilization;
  const both = isHighResolution(service.config) ? [minute, highResolution] : [minute];
  for (const { cpu, memory } of both) {
    if (counting > 0) sample(cpu, rounded(busyPercent * Math.min(1, targets / counting)), counting);
    sample(memory, frame.memoryPercent[row] as number, running);
  }
}

function sample(sums: UtilizationSums, percent: number, tasks: number): void {
  sums.minimum = sums.steps === 0 ? percent : Math.min(sums.minimum, percent);
  sums.maximum = Math.max(sums.maximum, percent);
  sums.percent += percent;
  sums.tasks = tasks;
  sums.steps++;
}

function measureRequests(world: EcsWorld, service: Service, frame: LoadServed, row: number): void {
  const { measured, config } = service;
  const targets = frame.targets[row] as number;
  const served = frame.served[row] as number;
  if (targets > 0) {
    const group = world.elb.targetGroups.get(config.loadBalancers[0]?.targetGroup ?? '');
    const registered = world.ecs.metrics.requestCountPerTarget === 'registered' ? group?.targets.size : undefined;
    measured.targetSteps++;
    measured.requests += frame.offered[row] as number;
    measured.requestsPerTarget += (frame.offered[row] as number) / (registered ?? targets);
  }
  if (served > 0) {
    const lowMs = frame.meanMs[row] as number;
    const highMs = frame.quantilesMs[row * latencyLevels.length + latencyLevels.length - 1] as number;
    measured.latencyMinimum = measured.completed === 0 ? lowMs : Math.min(measured.latencyMinimum, lowMs);
    measured.latencyMaximum = Math.max(measured.latencyMaximum, highMs);
    measured.latencyMs += served * lowMs;
    measured.completed += served;
    if (wantsLatencies(world, service) && world.workload.loads.get(config.serviceName)?.config.serving !== 'requests')
      spreadLatencies(service, frame, row, served);
  }
  measured.target5xx += frame.rejected[row] as number;
  measured.elb5xx += (frame.unserved[row] as number) + (frame.lost[row] as number);
}

/** Whether a percentile of the service's latency is read. */
function wantsLatencies({ cloudwatch }: EcsWorld, { latencyMetrics }: Service): boolean {
  return latencyMetrics.some((key) => cloudwatch.metrics.get(key)?.wantsDistribution === true);
}

function addLatencies({ latencies }: Service, bucket: number, count: number): void {
  latencies.set(bucket, (latencies.get(bucket) ?? 0) + count);
}

/** Shares of the requests that are told apart below the median, and between one quantile and the next. */
const SLICES = [5, 8, 5, 4, 9] as const;

/**
 * Fluid serving knows five quantiles of a step: between them latencies lie evenly, below the median down to half of it.
 * Choice: no request is simulated, so nothing finer is known.
 */
function spreadLatencies(service: Service, frame: LoadServed, row: number, served: number): void {
  let level = 0;
  let fromMs = (frame.quantilesMs[row * latencyLevels.length] as number) / 2;
  for (const [index, upTo] of latencyLevels.entries()) {
    const toMs = frame.quantilesMs[row * latencyLevels.length + index] as number;
    const slices = SLICES[index] as number;
    for (let slice = 1; slice <= slices; slice++) {
      const bucket = bucketOf(fromMs + ((toMs - fromMs) * slice) / slices);
      addLatencies(service, bucket, (served * (upTo - level)) / slices);
    }
    level = upTo;
    fromMs = toMs;
  }
  addLatencies(service, bucketOf(fromMs), served * (1 - level));
}
