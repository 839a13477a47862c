/**
 * What ECS, its load balancers and its capacity providers publish to CloudWatch: a row for each metric that something
 * reads. To add a metric: an entry in `sources`.
 *
 * @source spec/autoscaling.md chapter 1
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  METRIC_PERIOD_MS,
  metricIdentity,
  metricKey,
  metricKind,
  type Metric,
  type MetricData,
  type MetricRequest,
  type Samples,
} from '../cloudwatch/index.ts';
import { groupCpu } from '../ec2/index.ts';
import { rounded, SECOND, type Millis } from '../kernel/index.ts';
import { bucketValueMs } from '../workload/index.ts';
import { scalingState, type CapacityProvider } from './capacity/capacityProvider.ts';
import { isFargate } from './capacity/strategy.ts';
import { primaryOf } from './deployment.ts';
import { discoveryNames, isHighResolution, resolutionMs } from './metricKeys.ts';
import type { Measured, MeasuredQueue, Service } from './service.ts';
import type { RegisteredTaskDefinition } from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

/** What AWS does not say of its metrics. */
export const metricAssumptions = z.strictObject({
  firstMinuteOfTask: z
    .enum(['omitted', 'counted'])
    .default('omitted')
    .describe('whether a task adds to CPUUtilization in the minute in which it has started (spec/autoscaling.md 1.1)'),
  requestCountPerTarget: z
    .enum(['healthy', 'registered'])
    .default('healthy')
    .describe('which targets RequestCountPerTarget divides by (1.2, 9.19)'),
  requestsWithoutTargets: z
    .enum(['missing', 'zero'])
    .default('missing')
    .describe('RequestCount and RequestCountPerTarget of a group without targets: no datapoint, or 0 (1.2, 9.19)'),
});
export type MetricSettings = z.output<typeof metricAssumptions>;

/** Utilization of what was asked for, in percent: 100 x used / (asked for per task x tasks). */
export function utilizationPercent(used: number, perTask: number, tasks: number): number {
  return (100 * used) / (perTask * tasks);
}

/** Reservation of what instances have registered, in percent. */
export function reservationPercent(reserved: number, registered: number): number {
  return (100 * reserved) / registered;
}

type Rows = {
  -readonly [K in keyof MetricData]: MetricData[K] extends readonly (infer Item)[] ? Item[] : MetricData[K];
};

/** The datapoints of the period that ends now, of the metrics that something reads and that come in such periods. */
export function metricData(world: Immutable<EcsWorld>, periodEndMs: Millis, periodMs: Millis): MetricData {
  const rows: Rows = {
    periodStartMs: periodEndMs - periodMs,
    periodMs,
    metrics: [],
    sampleCounts: [],
    sums: [],
    minimums: [],
    maximums: [],
    distributionEnds: [],
    distributionValues: [],
    distributionCounts: [],
  };
  for (const [key, metric] of world.cloudwatch.metrics) {
    const source = sources[metric.kind];
    if (source === undefined) continue;
    const samples = source(world, metric, periodMs);
    if (samples !== undefined) add(rows, key, samples);
  }
  return rows;
}

/** Whether a metric that something reads comes more often than once a minute. */
export function hasHighResolution({ ecs }: Immutable<EcsWorld>): boolean {
  for (const { config } of ecs.services.values()) if (isHighResolution(config)) return true;
  return false;
}

function add(rows: Rows, key: string, { sampleCount, sum, minimum, maximum, distribution }: Samples): void {
  rows.metrics.push(key);
  rows.sampleCounts.push(sampleCount);
  rows.sums.push(rounded(sum));
  rows.minimums.push(rounded(minimum));
  rows.maximums.push(rounded(maximum));
  if (distribution === undefined && rows.distributionValues.length === 0) return;
  while (rows.distributionEnds.length < rows.metrics.length - 1) rows.distributionEnds.push(0);
  rows.distributionValues.push(...(distribution?.values ?? []));
  rows.distributionCounts.push(...(distribution?.counts ?? []));
  rows.distributionEnds.push(rows.distributionValues.length);
}

/** One sample. */
function single(value: number | undefined): Samples | undefined {
  return value === undefined ? undefined : { sampleCount: 1, sum: value, minimum: value, maximum: value };
}

/** As many samples of 1 as were counted; none when nothing was, for such metrics report only what is not zero. */
function counted(count: number): Samples | undefined {
  return count === 0 ? undefined : { sampleCount: count, sum: count, minimum: 1, maximum: 1 };
}

/** What a metric tells of the period that has just ended; undefined when there is nothing to report. */
type Source = (world: Immutable<EcsWorld>, metric: Immutable<Metric>, periodMs: Millis) => Samples | undefined;

type OfService = (
  service: Immutable<Service>,
  world: Immutable<EcsWorld>,
  metric: Immutable<Metric>,
) => Samples | undefined;

/** A metric of every minute. */
function eachMinute(of: (world: Immutable<EcsWorld>, metric: Immutable<Metric>) => Samples | undefined): Source {
  return (world, metric, periodMs) => (periodMs === METRIC_PERIOD_MS ? of(world, metric) : undefined);
}

function ofService(of: OfService): Source {
  return eachMinute((world, metric) => {
    const service = serviceOf(world, metric);
    return service === undefined ? undefined : of(service, world, metric);
  });
}

function serviceOf({ ecs }: Immutable<EcsWorld>, { dimensions }: Immutable<Metric>): Immutable<Service> | undefined {
  if (dimensions['ClusterName'] !== ecs.clusterName) return undefined;
  return ecs.services.get(dimensions['ServiceName'] ?? '');
}

/** CPU and memory come in the resolution that the service asks for; without a running task there is no datapoint at all. */
function utilization(name: 'CPUUtilization' | 'MemoryUtilization'): Source {
  return (world, metric, periodMs) => {
    const service = serviceOf(world, metric);
    if (service === undefined || resolutionMs(service.config, name) !== periodMs) return undefined;
    const sums = service.utilization[periodMs === METRIC_PERIOD_MS ? 'minute' : 'highResolution'];
    const { steps, percent, minimum, maximum, tasks } = name === 'CPUUtilization' ? sums.cpu : sums.memory;
    if (steps === 0) return undefined;
    // A period's sample count is the number of tasks.
    return { sampleCount: tasks, sum: (tasks * percent) / steps, minimum, maximum };
  };
}

/** Of a target group, from the service behind it. */
function ofTargetGroup(of: OfService): Source {
  return eachMinute((world, metric) => {
    for (const service of world.ecs.services.values())
      if (service.config.loadBalancers[0]?.targetGroup === metric.dimensions['TargetGroup'])
        return of(service, world, metric);
    return undefined;
  });
}

/** Of a service that others reach by Service Connect; it measures latency in milliseconds. */
function ofDiscovery(of: OfService): Source {
  return eachMinute((world, metric) => {
    for (const service of world.ecs.services.values())
      if (discoveryNames(service.config).includes(metric.dimensions['DiscoveryName'] ?? ''))
        return of(service, world, metric);
    return undefined;
  });
}

/** RequestCount and RequestCountPerTarget are reported also when they are 0, as long as there is a target. */
function ofRequests(of: (service: Immutable<Service>) => Samples): OfService {
  return (service, { ecs }) =>
    service.measured.targetSteps === 0 && ecs.metrics.requestsWithoutTargets === 'missing' ? undefined : of(service);
}

const requestCount = ofRequests(({ measured: { requests } }) => ({
  sampleCount: requests,
  sum: requests,
  minimum: 1,
  maximum: 1,
}));
/** Its Sum is the average over the targets. */
const requestCountPerTarget = ofRequests(({ measured }) => single(measured.requestsPerTarget) as Samples);

/** @param unitMs  what the metric's unit is in milliseconds */
function responseTime(unitMs: number): OfService {
  return ({ measured, latencies }, _world, { wantsDistribution }) => {
    const { completed, latencyMs, latencyMinimum, latencyMaximum } = measured;
    if (completed === 0) return undefined;
    const ascending = wantsDistribution ? [...latencies].toSorted(([a], [b]) => a - b) : [];
    return {
      sampleCount: completed,
      sum: latencyMs / unitMs,
      minimum: latencyMinimum / unitMs,
      maximum: latencyMaximum / unitMs,
      distribution:
        ascending.length === 0
          ? undefined
          : {
              values: ascending.map(([bucket]) => rounded(bucketValueMs(bucket) / unitMs)),
              counts: ascending.map(([, count]) => count),
            },
    };
  };
}

/** Sum over the steps of a minute of something that stands, and its extremes; a sample a step. */
function standing(sum: number, minimum: number, maximum: number, { steps }: Immutable<Measured>): Samples | undefined {
  return steps === 0 ? undefined : { sampleCount: steps, sum, minimum, maximum };
}

/** Of a load balancer: of all services behind it together. */
function ofLoadBalancer(amount: (measured: Immutable<Measured>) => number, of = counted): Source {
  return eachMinute(({ ecs, elb }, { dimensions }) => {
    const name = dimensions['LoadBalancer'] ?? '';
    if (!elb.loadBalancers.has(name)) return undefined;
    let sum = 0;
    for (const { config, measured } of ecs.services.values()) {
      const group = elb.targetGroups.get(config.loadBalancers[0]?.targetGroup ?? '');
      if (group?.settings.loadBalancer === name) sum += amount(measured);
    }
    return of(sum);
  });
}

/**
 * Of a queue, one sample a minute, zeros too: the numbers and the age as they are at its end, the others as sums over it.
 * Choice: also a queue that nobody has touched for six hours goes on reporting zeros; SQS would fall silent.
 *
 * @source AWS, SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS" and "Monitoring queues using CloudWatch"
 */
function ofQueue(amount: (queue: Immutable<MeasuredQueue>) => number): Source {
  return eachMinute(({ ecs }, { dimensions }) => {
    for (const { measured } of ecs.services.values()) {
      const { queue } = measured;
      if (queue !== undefined && queue.queueName === dimensions['QueueName']) return single(amount(queue));
    }
    return undefined;
  });
}

const target2xx: OfService = ({ measured }) => counted(measured.completed);
const target5xx: OfService = ({ measured }) => counted(measured.target5xx);

/** What the tasks on container instances reserve, or use, against what the instances have registered. */
function ofCluster(
  amount: (service: Immutable<Service>, definition: Immutable<RegisteredTaskDefinition>) => number,
  ofOwnTasks: (world: Immutable<EcsWorld>) => number,
  resource: 'cpuUnits' | 'memoryMiB' | 'gpuCount',
): Source {
  return eachMinute((world, { dimensions }) => {
    const { ecs } = world;
    if (dimensions['ClusterName'] !== ecs.clusterName) return undefined;
    let registered = 0; // of ACTIVE and of DRAINING instances
    for (const instance of ecs.containerInstances.values()) registered += instance.registered[resource];
    if (registered === 0) return undefined;
    let sum = ofOwnTasks(world);
    for (const service of ecs.services.values()) {
      if (runsOnFargate(service)) continue;
      sum += amount(
        service,
        ecs.taskDefinitions.get(primaryOf(service).taskDefinition) as Immutable<RegisteredTaskDefinition>,
      );
    }
    return single(reservationPercent(sum, registered));
  });
}

/** What running tasks of their own reserve on container instances. */
function reservedByOwnTasks(resource: 'cpuUnits' | 'memoryMiB' | 'gpuCount') {
  return ({ ecs }: Immutable<EcsWorld>): number => {
    let sum = 0;
    for (const { taskDefinition, runningOnInstances } of ecs.runs.values()) {
      const { demand } = ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
      sum += runningOnInstances * demand[resource];
    }
    return sum;
  };
}

/** CPU units that tasks of their own use on container instances: only of jobs it is known. */
function usedByOwnTasks({ ecs }: Immutable<EcsWorld>): number {
  let sum = 0;
  for (const { working } of ecs.jobQueues.values())
    for (const { ec2InstanceId, usedCpuUnits } of working.values())
      if (ec2InstanceId !== undefined) sum += usedCpuUnits;
  return sum;
}

function runsOnFargate({ config, strategy }: Immutable<Service>): boolean {
  return config.launchType === 'FARGATE' || strategy.some(({ capacityProvider }) => isFargate(capacityProvider));
}

/** Mean over the minute of what a service uses, in the unit of `perTask`. */
function used({ utilization: { minute } }: Immutable<Service>, perTask: number, what: 'cpu' | 'memory'): number {
  const { steps, percent, tasks } = minute[what];
  return steps === 0 ? 0 : (tasks * perTask * percent) / steps / 100;
}

/** Container Insights: only of a cluster that has it switched on. */
function ofInsights(
  of: (service: Immutable<Service>, definition: Immutable<RegisteredTaskDefinition>) => number,
): Source {
  return ofService((service, { ecs }) => {
    if (!ecs.containerInsights) return undefined;
    const definition = ecs.taskDefinitions.get(
      primaryOf(service).taskDefinition,
    ) as Immutable<RegisteredTaskDefinition>;
    return single(of(service, definition));
  });
}

function ofClusterInsights(of: (world: Immutable<EcsWorld>) => number): Source {
  return eachMinute((world, { dimensions }) =>
    world.ecs.containerInsights && dimensions['ClusterName'] === world.ecs.clusterName ? single(of(world)) : undefined,
  );
}

const capacityProviderReservation = eachMinute((world, { dimensions }) => {
  const provider: Immutable<CapacityProvider> | undefined = world.ecs.capacityProviders.get(
    dimensions['CapacityProviderName'] ?? '',
  );
  return provider === undefined ? undefined : single(scalingState(world, provider).capacityProviderReservation);
});

/** By namespace, name and names of the dimensions. */
const sources: Readonly<Record<string, Source>> = {
  'AWS/ECS CPUUtilization ClusterName,ServiceName': utilization('CPUUtilization'),
  'AWS/ECS MemoryUtilization ClusterName,ServiceName': utilization('MemoryUtilization'),
  'AWS/ECS CPUUtilization ClusterName': ofCluster(
    (service, { demand }) => used(service, demand.cpuUnits, 'cpu'),
    usedByOwnTasks,
    'cpuUnits',
  ),
  'AWS/ECS MemoryUtilization ClusterName': ofCluster(
    (service, { demand }) => used(service, demand.memoryMiB, 'memory'),
    () => 0, // of their memory nothing is known
    'memoryMiB',
  ),
  'AWS/ECS CPUReservation ClusterName': ofCluster(
    ({ runningCount }, { demand }) => runningCount * demand.cpuUnits,
    reservedByOwnTasks('cpuUnits'),
    'cpuUnits',
  ),
  'AWS/ECS MemoryReservation ClusterName': ofCluster(
    ({ runningCount }, { demand }) => runningCount * demand.memoryMiB,
    reservedByOwnTasks('memoryMiB'),
    'memoryMiB',
  ),
  'AWS/ECS GPUReservation ClusterName': ofCluster(
    ({ runningCount }, { demand }) => runningCount * demand.gpuCount,
    reservedByOwnTasks('gpuCount'),
    'gpuCount',
  ),

  'AWS/ECS RequestCount DiscoveryName': ofDiscovery(requestCount),
  'AWS/ECS RequestCountPerTarget DiscoveryName': ofDiscovery(requestCountPerTarget),
  'AWS/ECS TargetResponseTime DiscoveryName': ofDiscovery(responseTime(1)),
  'AWS/ECS HTTPCode_Target_2XX_Count DiscoveryName': ofDiscovery(target2xx),
  'AWS/ECS HTTPCode_Target_5XX_Count DiscoveryName': ofDiscovery(target5xx),

  'AWS/ApplicationELB RequestCount TargetGroup': ofTargetGroup(requestCount),
  'AWS/ApplicationELB RequestCountPerTarget TargetGroup': ofTargetGroup(requestCountPerTarget),
  'AWS/ApplicationELB TargetResponseTime TargetGroup': ofTargetGroup(responseTime(SECOND)),
  'AWS/ApplicationELB HTTPCode_Target_2XX_Count TargetGroup': ofTargetGroup(target2xx),
  'AWS/ApplicationELB HTTPCode_Target_5XX_Count TargetGroup': ofTargetGroup(target5xx),
  'AWS/ApplicationELB TargetConnectionErrorCount TargetGroup': ofTargetGroup(({ measured }) =>
    counted(measured.targetConnectionErrors),
  ),
  'AWS/ApplicationELB HealthyHostCount TargetGroup': ofTargetGroup(({ measured }) =>
    standing(measured.healthyHosts, measured.healthyHostsMinimum, measured.healthyHostsMaximum, measured),
  ),
  'AWS/ApplicationELB UnHealthyHostCount TargetGroup': ofTargetGroup(({ measured }) =>
    standing(measured.unhealthyHosts, measured.unhealthyHostsMinimum, measured.unhealthyHostsMaximum, measured),
  ),

  'AWS/ApplicationELB RequestCount LoadBalancer': ofLoadBalancer(({ requests }) => requests, single),
  'AWS/ApplicationELB HTTPCode_ELB_5XX_Count LoadBalancer': ofLoadBalancer(({ elb5xx }) => elb5xx),
  'AWS/ApplicationELB HTTPCode_ELB_502_Count LoadBalancer': ofLoadBalancer(({ elb502 }) => elb502),
  'AWS/ApplicationELB HTTPCode_ELB_503_Count LoadBalancer': ofLoadBalancer(({ elb503 }) => elb503),
  'AWS/ApplicationELB HTTPCode_ELB_504_Count LoadBalancer': ofLoadBalancer(({ elb504 }) => elb504),
  'AWS/ApplicationELB ActiveConnectionCount LoadBalancer': ofLoadBalancer(
    ({ activeConnections, steps }) => activeConnections / Math.max(1, steps),
  ),
  'AWS/ApplicationELB NewConnectionCount LoadBalancer': ofLoadBalancer(({ newConnections }) => newConnections),
  // Nothing here runs out of connections.
  'AWS/ApplicationELB RejectedConnectionCount LoadBalancer': ofLoadBalancer(() => 0),

  'ECS/ContainerInsights DesiredTaskCount ClusterName,ServiceName': ofInsights(({ desiredCount }) => desiredCount),
  'ECS/ContainerInsights RunningTaskCount ClusterName,ServiceName': ofInsights(({ runningCount }) => runningCount),
  'ECS/ContainerInsights PendingTaskCount ClusterName,ServiceName': ofInsights(({ pendingCount }) => pendingCount),
  'ECS/ContainerInsights DeploymentCount ClusterName,ServiceName': ofInsights(({ deployments }) => deployments.length),
  'ECS/ContainerInsights TaskSetCount ClusterName,ServiceName': ofInsights(() => 0),
  'ECS/ContainerInsights CpuUtilized ClusterName,ServiceName': ofInsights((service, { demand }) =>
    used(service, demand.cpuUnits, 'cpu'),
  ),
  'ECS/ContainerInsights CpuReserved ClusterName,ServiceName': ofInsights(
    ({ runningCount }, { demand }) => runningCount * demand.cpuUnits,
  ),
  'ECS/ContainerInsights MemoryUtilized ClusterName,ServiceName': ofInsights((service, { demand }) =>
    used(service, demand.memoryMiB, 'memory'),
  ),
  'ECS/ContainerInsights MemoryReserved ClusterName,ServiceName': ofInsights(
    ({ runningCount }, { demand }) => runningCount * demand.memoryMiB,
  ),
  'ECS/ContainerInsights TaskCount ClusterName': ofClusterInsights(({ ecs }) => {
    let running = 0;
    for (const { runningCount } of ecs.services.values()) running += runningCount;
    for (const { runningCount } of ecs.runs.values()) running += runningCount;
    return running;
  }),
  'ECS/ContainerInsights ServiceCount ClusterName': ofClusterInsights(({ ecs }) => ecs.services.size),
  'ECS/ContainerInsights ContainerInstanceCount ClusterName': ofClusterInsights(
    ({ ecs }) => ecs.containerInstances.size,
  ),

  'AWS/SQS ApproximateNumberOfMessagesVisible QueueName': ofQueue(({ visible }) => visible),
  'AWS/SQS ApproximateNumberOfMessagesNotVisible QueueName': ofQueue(({ notVisible }) => notVisible),
  'AWS/SQS ApproximateAgeOfOldestMessage QueueName': ofQueue(({ oldestMs }) => Math.floor(oldestMs / SECOND)),
  'AWS/SQS NumberOfMessagesSent QueueName': ofQueue(({ sent }) => sent),
  'AWS/SQS NumberOfMessagesReceived QueueName': ofQueue(({ received }) => received),
  'AWS/SQS NumberOfMessagesDeleted QueueName': ofQueue(({ deleted }) => deleted),
  'AWS/SQS NumberOfEmptyReceives QueueName': ofQueue(({ emptyReceives }) => emptyReceives),

  'AWS/ECS/ManagedScaling CapacityProviderReservation CapacityProviderName,ClusterName': capacityProviderReservation,

  'AWS/EC2 CPUUtilization AutoScalingGroupName': (world, { dimensions }, periodMs) =>
    groupCpu(world, dimensions['AutoScalingGroupName'] ?? '', periodMs),
};

/** Namespaces whose metrics AWS publishes; all others are the user's own. */
const NAMESPACES: readonly string[] = [
  ...new Set(Object.keys(sources).map((source) => source.split(' ')[0] as string)),
];

/**
 * The metric as it is published here. Names stand for ARNs: `app/web/0123456789abcdef` is the load balancer `web`,
 * `targetgroup/web/0123456789abcdef` the target group; a target group belongs to one load balancer, which need not be named.
 */
function canonicalMetric(key: string): string {
  const { namespace, name, dimensions } = metricIdentity(key);
  if (namespace !== 'AWS/ApplicationELB') return key;
  const named: Record<string, string> = {};
  for (const [dimension, value] of Object.entries(dimensions))
    if (dimension !== 'LoadBalancer' || dimensions['TargetGroup'] === undefined)
      named[dimension] = /^(?:app|targetgroup)\/([^/]+)\//.exec(value)?.[1] ?? value;
  return metricKey(namespace, name, named);
}

export function canonicalRequest(request: MetricRequest): MetricRequest {
  return request.map((query) => ('metric' in query ? { ...query, metric: canonicalMetric(query.metric) } : query));
}

/** Why a metric will never have a datapoint, as far as its name tells; undefined when it may. */
export function metricProblem(key: string): string | undefined {
  const identity = metricIdentity(canonicalMetric(key));
  const { namespace, name, dimensions } = identity;
  if (!namespace.startsWith('AWS/') && !NAMESPACES.includes(namespace)) return undefined;
  if (Object.hasOwn(sources, metricKind(identity))) return undefined;
  const known = Object.keys(sources).map((source) => source.split(' ') as [string, string, string]);
  if (!NAMESPACES.includes(namespace))
    return `found namespace ${namespace}, expected one of ${NAMESPACES.join(', ')}, or one of your own`;
  const names = [...new Set(known.filter(([other]) => other === namespace).map(([, other]) => other))];
  if (!names.includes(name)) return `found metric ${name}, expected one of ${namespace}: ${names.join(', ')}`;
  const sets = known.filter(([other, others]) => other === namespace && others === name).map(([, , names_]) => names_);
  const found = Object.keys(dimensions).join(', ') || 'none';
  return `found dimensions ${found} of ${name}, expected ${sets.map((set) => set.split(',').join(' and ')).join(', or ')}`;
}
