/**
 * Serving: once per step, what the tasks of every service did with the requests that came. One frame for all services.
 *
 * @source the service model is core/workload's; who gets requests is the load balancer's answer
 */

import type { Immutable } from 'immer';
import { routesOf, type FailedCheck, type Pool, type Routes, type TargetGroup } from '../elb/index.ts';
import {
  event,
  json,
  number,
  numbers,
  rounded,
  text,
  texts,
  type Context,
  type Decide,
  type Draws,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { METRIC_PERIOD_MS } from '../cloudwatch/index.ts';
import {
  bucketOf,
  latencyLevels,
  queueOf,
  servedTogether,
  servings,
  type Carried,
  type LoadConfig,
  type QueueState,
  type Served,
  type ServedPart,
  type TaskIds,
} from '../workload/index.ts';
import { primaryOf } from './deployment.ts';
import { measuredJobs, type JobEvent, type JobTraces } from './jobs.ts';
import { HIGH_RESOLUTION_MS, isHighResolution } from './metricKeys.ts';
import { agentDenial, allAgentsMay } from './permissions.ts';
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
    rejected: numbers('refused by a task whose queue was full, or failed by its application (HTTP 5xx of the target)'),
    unserved: numbers('refused by the load balancer, for there was no target (HTTP 503)'),
    lost: numbers('in flight on a task that went away, or refused its connection (HTTP 502)'),
    gatewayTimeouts: numbers('of those timed out, the ones the load balancer gave up before their clients (HTTP 504)'),
    connectionErrors: numbers('of those lost, the ones whose connection a target refused'),
    queued: numbers('still in the system at the end'),
    desiredTasks: numbers('desired count'),
    runningTasks: numbers('tasks in RUNNING'),
    targets: numbers('tasks that got requests'),
    healthyTargets: numbers('healthy targets of its target group'),
    unhealthyTargets: numbers('unhealthy ones'),
    nextMs: numbers('time that the work of one more request would take at the end, waiting included'),
    turnsAway: numbers('part of the requests that found neither place nor room'),
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
  ZonesServed: event('What the tasks of each zone leave to the next step; load is balanced within zones.', {
    serviceName: text('the service'),
    carried: json<Carried>('fluid serving: the requests in flight at the end, by zone'),
  }),
  MessagesServed: event(
    'What became of a queue in one step: what its metrics count, and where its messages are at the end.',
    {
      serviceName: text('the service that works it off'),
      queueName: text('the queue'),
      sent: number('messages sent'),
      received: number('messages received, each time counted'),
      receivedAgain: number('of these, messages that had been received before'),
      deleted: number('messages deleted'),
      emptyReceives: number('receives that came back empty'),
      visible: number('messages that a receive would get'),
      notVisible: number('messages in flight'),
      oldestMs: number('age of the oldest message that is not deleted, ms; 0 without one'),
      visibleCohorts: numbers('visible messages, oldest first: rows of count, youngest and oldest age in ms, receives'),
      hiddenCohorts: numbers('messages of tasks that went away: rows of the same and the ms until they are visible'),
      held: numbers('messages that tasks work on: rows of count and receives'),
      heldDraining: number('of these, on tasks that take no more'),
      waitMs: number('mean age of the held messages when they were received'),
      waitSpreadMs: number('half the width of its spread'),
      heldMs: number('mean time since they were received'),
      donePart: number('part of a message done, not yet counted'),
      drainedPart: number('the same on tasks that take no more'),
      taskIds: texts('the tasks that take messages'),
      drainingTaskIds: texts('tasks that hold some and take no more'),
    },
  ),
} as const;
export type ServingEvent = EventsOf<typeof servingEvents>;
type MessagesServed = Extract<ServingEvent, { type: 'MessagesServed' }>;
export type LoadServed = Extract<ServingEvent, { type: 'LoadServed' }>;

export type ServingCommand = {
  readonly type: 'ServeLoad';
  readonly fromMs: Millis;
  readonly services: readonly string[];
  readonly offered: readonly number[];
};

/** Without a number of its own, an idle task uses this share of its memory. Choice: no source. */
export const IDLE_MEMORY_SHARE = 0.25;

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
  nextMs: 0,
  turnsAway: 0,
  carried: { queued: 0 },
};

/** @param jobs  recorded jobs by the name of their file */
export function decideServing(jobs: JobTraces): Decide<EcsWorld, ServingCommand, ServingEvent | JobEvent> {
  return {
    ServeLoad({ fromMs, services, offered }, context) {
      const { world, nowMs: toMs } = context;
      const rows: Row[] = [];
      const details: (ServingEvent | JobEvent)[] = [];
      for (const [serviceName, service] of world.ecs.services) {
        const config = world.workload.loads.get(serviceName)?.config;
        const came = offered[rowOfService(services, serviceName, rows.length)] ?? 0;
        const front = frontOf(world, service);
        const routes = routesFor(world, service, config, front, toMs);
        const outcome =
          config === undefined ? NOTHING_CAME : serve(service, config, front, routes, came, fromMs, context);
        rows.push(rowOf(serviceName, service, config, routes, came, outcome, world));
        const { histogram, carried } = outcome.result;
        if (histogram !== undefined) details.push({ type: 'RequestsServed', serviceName, ...histogram, carried });
        else if (carried.zones !== undefined) details.push({ type: 'ZonesServed', serviceName, carried });
        if (outcome.result.counts !== undefined)
          details.push({
            type: 'MessagesServed',
            serviceName,
            queueName: queueOf(config as Immutable<LoadConfig>)?.QueueName ?? serviceName,
            sent: came,
            received: outcome.result.counts.received,
            receivedAgain: outcome.result.counts.receivedAgain,
            deleted: outcome.result.served,
            emptyReceives: outcome.result.counts.emptyReceives,
            visible: outcome.result.counts.visible,
            notVisible: outcome.result.counts.notVisible,
            oldestMs: outcome.result.counts.oldestMs,
            ...(outcome.result.carried.queue as QueueState),
          });
      }
      if (toMs % METRIC_PERIOD_MS === 0) details.push(...measuredJobs(world, jobs, toMs));
      return [frameOf(fromMs, toMs, rows), ...details];
    },
  };
}

/** Where a service stands among those that were sampled: mostly at the same place as in the cluster. */
function rowOfService(services: readonly string[], serviceName: string, guess: number): number {
  return services[guess] === serviceName ? guess : services.indexOf(serviceName);
}

/** What stands in front of a service: the target group that its requests come by, and its load balancer. */
interface Front {
  readonly group: Immutable<TargetGroup>;
  readonly idleTimeoutMs: Millis;
}

function frontOf({ elb }: Immutable<EcsWorld>, { config }: Immutable<Service>): Front | undefined {
  const [first] = config.loadBalancers; // of several groups, the first gets the requests
  const group = first === undefined ? undefined : elb.targetGroups.get(first.targetGroup);
  if (group === undefined) return undefined;
  return { group, idleTimeoutMs: elb.loadBalancers.get(group.settings.loadBalancer)?.idleTimeoutMs ?? Infinity };
}

/** Behind a load balancer as it says, else to every running task. */
function routesFor(
  { ecs }: Immutable<EcsWorld>,
  { tasks }: Immutable<Service>,
  config: Immutable<LoadConfig> | undefined,
  front: Front | undefined,
  nowMs: Millis,
): Routes {
  if (front !== undefined) return routesOf(front.group, nowMs);
  const receiving: string[] = [];
  const holding: string[] = [];
  for (const taskId of tasks.keys()) {
    const { status } = ecs.tasks.get(taskId) as Immutable<Task>;
    if (status === 'RUNNING') receiving.push(taskId);
    else if (status === 'DEACTIVATING') holding.push(taskId);
    // A worker that was told to stop still finishes what it can.
    else if (status === 'STOPPING' && config?.serving === 'queue') holding.push(taskId);
  }
  return {
    pools: [{ zone: '', share: 1, receiving, weights: undefined, holding }],
    failing: NO_FAILURES,
    targetCount: receiving.length,
    healthyCount: 0,
    unhealthyCount: 0,
  };
}

interface Outcome {
  readonly result: Served;
  /** Of those timed out: the load balancer gave up before the client. */
  readonly gatewayTimeouts: number;
  /** Of those lost: the target refused the connection. */
  readonly connectionErrors: number;
}

const NO_FAILURES: ReadonlyMap<FailedCheck, number> = new Map();
const NOTHING_CAME: Outcome = { result: IDLE, gatewayTimeouts: 0, connectionErrors: 0 };
const NO_POOL: Pool = { zone: '', share: 1, receiving: [], weights: undefined, holding: [] };
/** How serving picks a task, by how a target group or a load says it. */
export const SERVING_ROUTING = {
  round_robin: 'round_robin',
  least_outstanding_requests: 'least_outstanding_requests',
  // Choice: without anomaly mitigation, which is off by default, all weights are equal.
  weighted_random: 'random',
  random: 'random',
} as const;

function serve(
  service: Immutable<Service>,
  config: Immutable<LoadConfig>,
  front: Front | undefined,
  { pools, failing }: Routes,
  offered: number,
  fromMs: Millis,
  context: Context<EcsWorld>,
): Outcome {
  const [first = NO_POOL] = pools;
  const zoned = front?.group.settings.crossZone === false;
  const impatient = isImpatient(front, config);
  if (!zoned && failing.size === 0) {
    const result = serveOn(first, offered, service.carried, service, config, front, fromMs, context);
    return { result, gatewayTimeouts: impatient ? result.timedOut : 0, connectionErrors: 0 };
  }
  const { rng, nowMs: toMs } = context;
  const split = splitRequests(offered, pools, failing, rng.at('elb.split', toMs, config.service));
  const result = zoned
    ? serveZones(pools, split, service, config, front, fromMs, context)
    : serveOn(
        first,
        (split.toPools[0] ?? 0) + split.unrouted,
        service.carried,
        service,
        config,
        front,
        fromMs,
        context,
      );
  const refused = split.toFailing.get('Target.FailedHealthChecks') ?? 0;
  // Choice: what is sent to a target that hangs is counted as timed out at once, not when its time has passed.
  const timedOut = result.timedOut + (split.toFailing.get('Target.Timeout') ?? 0);
  const rejected = result.rejected + (split.toFailing.get('Target.ResponseCodeMismatch') ?? 0);
  return {
    result: { ...result, timedOut, rejected, lost: result.lost + refused },
    gatewayTimeouts: impatient ? timedOut : 0,
    connectionErrors: refused,
  };
}

/** Whether the load balancer gives a request up before its client does. */
function isImpatient(front: Front | undefined, { request }: Immutable<LoadConfig>): boolean {
  return front !== undefined && front.idleTimeoutMs < request.timeoutMs;
}

function serveOn(
  pool: Pool,
  offered: number,
  carried: Carried | undefined,
  service: Immutable<Service>,
  config: Immutable<LoadConfig>,
  front: Front | undefined,
  fromMs: Millis,
  { world, nowMs: toMs, rng }: Context<EcsWorld>,
): Served {
  const { cpuUnits, workFactor } = sizeOf(world, service, pool.receiving);
  const { startMs, stepMs } = world.workload;
  const ofPool = pool.zone === '' ? config.service : `${config.service}${pool.zone}`;
  const serving = servings[config.serving];
  return serving.serve({
    fromMs,
    toMs,
    offered,
    targets: pool.receiving,
    weights: pool.weights,
    drainingTargets: pool.holding,
    cpuUnits: cpuUnits * (world.ecs.cpuSpeeds.get(service.config.serviceName) ?? 1),
    profile: profileOf(config, front, workFactor),
    routing: SERVING_ROUTING[front?.group.settings.algorithm ?? config.routing],
    queue: queueOf(config),
    carried: carried ?? serving.empty,
    draws: rng.at('workload.requests', (fromMs - startMs) / stepMs, ofPool),
  });
}

/** The work of a request, as this front and these tasks have it; the load's own when they change nothing. */
function profileOf(
  config: Immutable<LoadConfig>,
  front: Front | undefined,
  workFactor: number,
): Immutable<LoadConfig>['request'] {
  const { request } = config;
  const timeoutMs = isImpatient(front, config) ? (front as Front).idleTimeoutMs : request.timeoutMs;
  if (workFactor === 1 && timeoutMs === request.timeoutMs) return request;
  return { ...request, timeoutMs, cpuMs: workFactor === 1 ? request.cpuMs : rounded(request.cpuMs * workFactor) };
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
function sizeOf({ ecs }: Immutable<EcsWorld>, { deployments }: Immutable<Service>, targets: TaskIds): TaskSize {
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

function serveZones(
  pools: readonly Pool[],
  { toPools, unrouted }: Split,
  service: Immutable<Service>,
  config: Immutable<LoadConfig>,
  front: Front | undefined,
  fromMs: Millis,
  context: Context<EcsWorld>,
): Served {
  const zones = service.carried?.zones ?? {};
  const parts: ServedPart[] = [];
  const add = (pool: Pool, offered: number, carried: Carried | undefined) => {
    const result = serveOn(pool, offered, carried, service, config, front, fromMs, context);
    parts.push({ zone: pool.zone, targets: pool.receiving.length, result });
  };
  for (const [index, pool] of pools.entries()) add(pool, toPools[index] as number, zones[pool.zone]);
  // Zones whose last task has gone; and requests while there is no zone at all.
  for (const [zone, left] of Object.entries(zones))
    if (left.queued > 0 && !pools.some((pool) => pool.zone === zone)) add({ ...NO_POOL, zone }, 0, left);
  if (unrouted > 0) add(NO_POOL, unrouted, undefined);
  return servedTogether(parts);
}

interface Split {
  readonly toPools: readonly number[];
  readonly toFailing: ReadonlyMap<FailedCheck, number>;
  /** There is no target at all. */
  readonly unrouted: number;
}

/** Whole requests for every pool and every kind of failing target, by their shares; in the mean exactly. */
function splitRequests(
  offered: number,
  pools: readonly Pool[],
  failing: ReadonlyMap<FailedCheck, number>,
  draws: Draws,
): Split {
  let left = offered;
  let leftShare = 1;
  const portion = (share: number): number => {
    // The last of them takes what is left.
    const count =
      share >= leftShare - 1e-9 ? left : Math.min(left, Math.floor((left * share) / leftShare + draws.uniform()));
    left -= count;
    leftShare -= share;
    return count;
  };
  const toFailing = new Map<FailedCheck, number>();
  for (const [how, share] of failing) toFailing.set(how, portion(share));
  const toPools = pools.map(({ share }) => (share === 0 ? 0 : portion(share)));
  return { toPools, toFailing, unrouted: left };
}

/** What a step did to one service: its row of the frame. */
interface Row {
  readonly serviceName: string;
  readonly service: Immutable<Service>;
  readonly routes: Routes;
  readonly offered: number;
  readonly outcome: Outcome;
  readonly cpuPercent: number;
  readonly memoryPercent: number;
}

/**
 * The frame of a step, a column at a time: lists that are made in their length take a sixth of what lists do that grow, and a
 * step of one service makes 27 of them.
 */
function frameOf(fromMs: Millis, toMs: Millis, rows: readonly Row[]): LoadServed {
  const quantilesMs: number[] = []; // flatMap looks each number up by its name: 16 us for 50 rows instead of 1.5
  for (const { outcome } of rows) quantilesMs.push(...outcome.result.quantilesMs);
  return {
    type: 'LoadServed',
    fromMs,
    toMs,
    services: rows.map(({ serviceName }) => serviceName),
    offered: rows.map(({ offered }) => offered),
    served: rows.map(({ outcome }) => outcome.result.served),
    timedOut: rows.map(({ outcome }) => outcome.result.timedOut),
    rejected: rows.map(({ outcome }) => outcome.result.rejected),
    unserved: rows.map(({ outcome }) => outcome.result.unserved),
    lost: rows.map(({ outcome }) => outcome.result.lost),
    gatewayTimeouts: rows.map(({ outcome }) => outcome.gatewayTimeouts),
    connectionErrors: rows.map(({ outcome }) => outcome.connectionErrors),
    queued: rows.map(({ outcome }) => outcome.result.queued),
    desiredTasks: rows.map(({ service }) => service.desiredCount),
    runningTasks: rows.map(({ service }) => service.runningCount),
    targets: rows.map(({ routes }) => routes.targetCount),
    healthyTargets: rows.map(({ routes }) => routes.healthyCount),
    unhealthyTargets: rows.map(({ routes }) => routes.unhealthyCount),
    nextMs: rows.map(({ outcome }) => outcome.result.nextMs),
    turnsAway: rows.map(({ outcome }) => outcome.result.turnsAway),
    cpuPercent: rows.map(({ cpuPercent }) => cpuPercent),
    memoryPercent: rows.map(({ memoryPercent }) => memoryPercent),
    meanMs: rows.map(({ outcome }) => outcome.result.meanMs),
    quantilesMs,
    carriedAtTasks: rows.map(({ outcome }) => outcome.result.carried.atTasks ?? 0),
    carriedAway: rows.map(({ outcome }) => outcome.result.carried.away ?? 0),
    carriedOldestMs: rows.map(({ outcome }) => outcome.result.carried.oldestMs ?? 0),
    carriedTimedOutPart: rows.map(({ outcome }) => outcome.result.carried.timedOutPart ?? 0),
    carriedRejectedPart: rows.map(({ outcome }) => outcome.result.carried.rejectedPart ?? 0),
  };
}

function rowOf(
  serviceName: string,
  service: Immutable<Service>,
  config: Immutable<LoadConfig> | undefined,
  routes: Routes,
  offered: number,
  outcome: Outcome,
  world: Immutable<EcsWorld>,
): Row {
  const { result } = outcome;
  const reserved = reservedBy(world, service);
  const running = service.runningCount;
  const { idleMiB, perRequestMiB = 0 } = config?.memory ?? {};
  const allIdleMiB = idleMiB === undefined ? reserved.memoryMiB * IDLE_MEMORY_SHARE : running * idleMiB;
  const usedMiB = allIdleMiB + (result.counts?.notVisible ?? result.queued) * perRequestMiB;
  // The metric is over all running tasks, also those that do not get requests yet.
  const speed = world.ecs.cpuSpeeds.get(serviceName) ?? 1;
  const busyShare = result.busyPercent === 0 ? 0 : shareOfReserved(world, service, routes, reserved.cpuUnits);
  return {
    serviceName,
    service,
    routes,
    offered,
    outcome,
    cpuPercent: rounded(result.busyPercent * speed * busyShare),
    memoryPercent: running === 0 ? 0 : rounded(Math.min(100, (100 * usedMiB) / reserved.memoryMiB)),
  };
}

/** CPU of the tasks that get requests, as a part of what all running tasks reserve. */
function shareOfReserved(
  world: Immutable<EcsWorld>,
  service: Immutable<Service>,
  { pools }: Routes,
  reservedUnits: number,
): number {
  if (reservedUnits === 0) return 0;
  let working = 0;
  for (const { receiving } of pools) working += receiving.length * sizeOf(world, service, receiving).cpuUnits;
  return Math.min(1, working / reservedUnits);
}

export const evolveServing: Evolve<EcsWorld, ServingEvent> = {
  LoadServed(world, frame) {
    const { ecs } = world;
    const newMinute = frame.fromMs % METRIC_PERIOD_MS === 0;
    const newHighResolution = frame.fromMs % HIGH_RESOLUTION_MS === 0;
    const allTell = allAgentsMay(world, TELEMETRY);
    for (let row = 0; row < frame.services.length; row++) {
      const service = ecs.services.get(frame.services[row] as string);
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
        if (service.latencies.size > 0) service.latencies.clear(); // which makes a new table each time, 0.5 us
      }
      if (newHighResolution && isHighResolution(service.config)) service.utilization.highResolution = noUtilization();
      measureUtilization(world, service, frame, row, allTell ? 0 : silentTasks(world, service));
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
  ZonesServed({ ecs }, { serviceName, carried }) {
    const service = ecs.services.get(serviceName);
    if (service !== undefined) service.carried = carried;
  },
  MessagesServed({ ecs }, event) {
    const service = ecs.services.get(event.serviceName);
    if (service === undefined) return;
    const { queueName, visible, notVisible, oldestMs, sent, received, deleted, emptyReceives } = event;
    service.carried = { queued: visible + notVisible, queue: queueStateOf(event) };
    const before = service.measured.queue;
    service.measured.queue = {
      queueName,
      visible,
      notVisible,
      oldestMs,
      sent: (before?.sent ?? 0) + sent,
      received: (before?.received ?? 0) + received,
      deleted: (before?.deleted ?? 0) + deleted,
      emptyReceives: (before?.emptyReceives ?? 0) + emptyReceives,
    };
  },
};

function queueStateOf(event: MessagesServed): QueueState {
  const { visibleCohorts, hiddenCohorts, held, heldDraining, waitMs, waitSpreadMs, heldMs } = event;
  const { donePart, drainedPart, taskIds, drainingTaskIds } = event;
  return {
    visibleCohorts,
    hiddenCohorts,
    held,
    heldDraining,
    waitMs,
    waitSpreadMs,
    heldMs,
    donePart,
    drainedPart,
    taskIds,
    drainingTaskIds,
  };
}

/** Without a task that counts there is no sample. @param silent  running tasks of whose use CloudWatch hears nothing */
function measureUtilization(world: EcsWorld, service: Service, frame: LoadServed, row: number, silent: number): void {
  const { firstMinuteOfTask } = world.ecs.metrics;
  const running = frame.runningTasks[row] as number;
  if (running === 0) return;
  const targets = Math.min(running, frame.targets[row] as number);
  const cpuPercent = frame.cpuPercent[row] as number;
  // Choice: a task's first minute gives no CPU sample; those that serve are taken to be the others first.
  const reporting = running - silent;
  const counting = firstMinuteOfTask === 'omitted' ? Math.max(0, reporting - service.startedCount) : reporting;
  const busyPercent = targets === 0 ? 0 : (cpuPercent * running) / targets;
  const { minute, highResolution } = service.utilization;
  const both = isHighResolution(service.config) ? [minute, highResolution] : [minute];
  for (const { cpu, memory } of both) {
    if (counting > 0) sample(cpu, rounded(busyPercent * Math.min(1, targets / counting)), counting);
    if (reporting > 0) sample(memory, frame.memoryPercent[row] as number, reporting);
  }
}

/** What an agent calls to tell CloudWatch of its tasks. */
const TELEMETRY = 'ecs:StartTelemetrySession';

/** Running tasks of whose use CloudWatch hears nothing: their agents may not tell. */
function silentTasks(world: EcsWorld, { tasks }: Service): number {
  let count = 0;
  for (const taskId of tasks.keys()) {
    const { status, ec2InstanceId } = world.ecs.tasks.get(taskId) as Task;
    if (status !== 'RUNNING' || ec2InstanceId === undefined) continue;
    if (agentDenial(world, ec2InstanceId, TELEMETRY) !== undefined) count++;
  }
  return count;
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
  measured.steps++;
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
  const healthy = frame.healthyTargets[row] as number;
  const unhealthy = frame.unhealthyTargets[row] as number;
  const first = measured.steps === 1;
  measured.healthyHosts += healthy;
  measured.healthyHostsMinimum = first ? healthy : Math.min(measured.healthyHostsMinimum, healthy);
  measured.healthyHostsMaximum = Math.max(measured.healthyHostsMaximum, healthy);
  measured.unhealthyHosts += unhealthy;
  measured.unhealthyHostsMinimum = first ? unhealthy : Math.min(measured.unhealthyHostsMinimum, unhealthy);
  measured.unhealthyHostsMaximum = Math.max(measured.unhealthyHostsMaximum, unhealthy);
  measured.target5xx += frame.rejected[row] as number;
  measured.elb502 += frame.lost[row] as number;
  measured.elb503 += frame.unserved[row] as number;
  measured.elb504 += frame.gatewayTimeouts[row] as number;
  measured.elb5xx = measured.elb502 + measured.elb503 + measured.elb504;
  measured.targetConnectionErrors += frame.connectionErrors[row] as number;
  // Choice: a request in flight holds one connection of its client and one to its target; idle ones are left out.
  measured.activeConnections += 2 * (frame.queued[row] as number);
  measured.newConnections += Math.round((frame.offered[row] as number) / world.elb.assumptions.requestsPerConnection);
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
