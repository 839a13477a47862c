/**
 * What ECS, its load balancers and its capacity providers publish to CloudWatch each minute.
 *
 * @source spec/autoscaling.md chapter 1
 */

import type { Immutable } from 'immer';
import { METRIC_PERIOD_MS, metricKey, type MetricData } from '../cloudwatch/index.ts';
import { SECOND, type Millis } from '../kernel/index.ts';
import { reservationMetric, scalingState } from './capacity/capacityProvider.ts';
import type { MeasuredQueue, Service } from './service.ts';
import type { EcsWorld } from './world.ts';

type Rows = {
  -readonly [K in keyof MetricData]: MetricData[K] extends readonly (infer Item)[] ? Item[] : MetricData[K];
};

/** Metric of a service in AWS/ECS. */
export function serviceMetric(
  clusterName: string,
  serviceName: string,
  name: 'CPUUtilization' | 'MemoryUtilization',
): string {
  return metricKey('AWS/ECS', name, { ClusterName: clusterName, ServiceName: serviceName });
}

/** Metric of a target group in AWS/ApplicationELB. */
export function targetGroupMetric(targetGroup: string, name: string): string {
  return metricKey('AWS/ApplicationELB', name, { TargetGroup: targetGroup });
}

/** The datapoints of the period that ends now. */
export function metricData(world: Immutable<EcsWorld>, periodEndMs: Millis): MetricData {
  const rows: Rows = {
    periodStartMs: periodEndMs - METRIC_PERIOD_MS,
    periodMs: METRIC_PERIOD_MS,
    metrics: [],
    sampleCounts: [],
    sums: [],
    minimums: [],
    maximums: [],
  };
  for (const service of world.ecs.services.values()) addService(rows, world.ecs.clusterName, service);
  for (const provider of world.ecs.capacityProviders.values()) {
    if (provider.highAlarm === '') continue;
    const { capacityProviderReservation: percent } = scalingState(world, provider);
    add(rows, reservationMetric(world.ecs.clusterName, provider.config.name), 1, percent, percent, percent);
  }
  return rows;
}

function addService(rows: Rows, clusterName: string, { config, measured }: Immutable<Service>): void {
  const { serviceName, loadBalancers } = config;
  if (measured.queue !== undefined) addQueue(rows, measured.queue);
  // Without a running task there is no datapoint at all. A minute's sample count is the number of tasks.
  if (measured.runningSteps > 0) {
    const { runningSteps, runningTasks: tasks, cpuPercent, memoryPercent } = measured;
    const cpu = serviceMetric(clusterName, serviceName, 'CPUUtilization');
    add(rows, cpu, tasks, (tasks * cpuPercent) / runningSteps, measured.cpuMinimum, measured.cpuMaximum);
    const memory = serviceMetric(clusterName, serviceName, 'MemoryUtilization');
    add(rows, memory, tasks, (tasks * memoryPercent) / runningSteps, measured.memoryMinimum, measured.memoryMaximum);
  }
  const [loadBalancer] = loadBalancers;
  // RequestCount and RequestCountPerTarget are reported also when they are 0, as long as there is a target.
  if (loadBalancer === undefined || measured.targetSteps === 0) return;
  const { targetGroup } = loadBalancer;
  add(rows, targetGroupMetric(targetGroup, 'RequestCount'), measured.requests, measured.requests, 1, 1);
  const perTarget = measured.requestsPerTarget;
  add(rows, targetGroupMetric(targetGroup, 'RequestCountPerTarget'), 1, perTarget, perTarget, perTarget);
  if (measured.completed > 0) {
    const { completed, latencyMs, latencyMinimum, latencyMaximum } = measured;
    const name = targetGroupMetric(targetGroup, 'TargetResponseTime'); // seconds
    add(rows, name, completed, latencyMs / 1_000, latencyMinimum / 1_000, latencyMaximum / 1_000);
  }
  const { target5xx, elb5xx } = measured;
  if (target5xx > 0) add(rows, targetGroupMetric(targetGroup, 'HTTPCode_Target_5XX_Count'), target5xx, target5xx, 1, 1);
  if (elb5xx > 0) add(rows, targetGroupMetric(targetGroup, 'HTTPCode_ELB_5XX_Count'), elb5xx, elb5xx, 1, 1);
}

/**
 * A queue reports each minute with one sample per metric, zeros too: the number and age as they are at its end (age in
 * seconds), the others as sums over it. A queue is active as long as it holds messages or somebody polls.
 * Choice: also a queue that nobody has touched for six hours goes on reporting zeros; SQS would fall silent.
 *
 * @source AWS, SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS" and "Monitoring queues using CloudWatch"
 */
function addQueue(rows: Rows, queue: Immutable<MeasuredQueue>): void {
  const values = {
    ApproximateNumberOfMessagesVisible: queue.visible,
    ApproximateNumberOfMessagesNotVisible: queue.notVisible,
    ApproximateAgeOfOldestMessage: Math.floor(queue.oldestMs / SECOND),
    NumberOfMessagesSent: queue.sent,
    NumberOfMessagesReceived: queue.received,
    NumberOfMessagesDeleted: queue.deleted,
    NumberOfEmptyReceives: queue.emptyReceives,
  };
  for (const [name, value] of Object.entries(values))
    add(rows, metricKey('AWS/SQS', name, { QueueName: queue.queueName }), 1, value, value, value);
}

function add(rows: Rows, key: string, count: number, sum: number, minimum: number, maximum: number): void {
  rows.metrics.push(key);
  rows.sampleCounts.push(count);
  rows.sums.push(Math.round(sum * 1e6) / 1e6);
  rows.minimums.push(minimum);
  rows.maximums.push(maximum);
}
