/**
 * What the instances of a group publish together: AWS/EC2 CPUUtilization by AutoScalingGroupName, each minute with detailed
 * monitoring, every five minutes with basic monitoring. Instances that warm up do not count.
 *
 * @source AWS, "Monitor CloudWatch metrics for your Auto Scaling groups and instances", "Set the default instance warmup"
 */

import type { Immutable } from 'immer';
import type { Samples } from '../cloudwatch/index.ts';
import {
  event,
  MINUTE,
  numbers,
  rounded,
  texts,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { AutoScalingGroup, Instance } from './autoScalingGroup.ts';
import { groupCpuMetric, monitoringPeriodMs, warmupMs } from './groupPolicy.ts';
import { hasWarmedUp } from './groupScaling.ts';
import { instanceType } from './instanceTypes.ts';
import type { Ec2World } from './world.ts';

/** Percent of its vCPUs that an instance has used. */
export interface InstanceCpu {
  /** In the last minute. */
  percent: number;
  /** Sum over the minutes of the period of basic monitoring that runs, or has just ended. */
  sum: number;
  minutes: number;
}

export const instanceMetricEvents = {
  InstancesMeasured: event('What the instances that count towards the metrics of their groups did in a minute.', {
    instanceIds: texts('the instances'),
    cpuPercents: numbers('of their vCPUs'),
  }),
} as const;
export type InstanceMetricEvent = EventsOf<typeof instanceMetricEvents>;

export type InstanceMetricCommand = {
  readonly type: 'MeasureInstances';
  /** Instances that worked, and their vCPU-minutes in the last minute; the others were idle. */
  readonly instanceIds: readonly string[];
  readonly vcpuMinutes: readonly number[];
};

/** Whether something reads the metrics of a group's instances. */
function isWatched({ cloudwatch }: Immutable<Ec2World>, { config }: Immutable<AutoScalingGroup>): boolean {
  return cloudwatch.metrics.has(groupCpuMetric(config.AutoScalingGroupName));
}

/** Periods in which instances publish what something reads, the shortest first. */
export function watchedPeriodsMs(world: Immutable<Ec2World>): readonly Millis[] {
  const periods = new Set<Millis>();
  for (const group of world.ec2.groups.values())
    if (isWatched(world, group)) periods.add(monitoringPeriodMs(group.config));
  return [...periods].toSorted((a, b) => a - b);
}

export const decideInstanceMetrics: Decide<Ec2World, InstanceMetricCommand, InstanceMetricEvent> = {
  MeasureInstances({ instanceIds: working, vcpuMinutes }, { world, nowMs }) {
    const used = new Map(working.map((id, row) => [id, vcpuMinutes[row] as number]));
    const rows = { instanceIds: [] as string[], cpuPercents: [] as number[] };
    for (const group of world.ec2.groups.values()) {
      if (!isWatched(world, group)) continue;
      const { AutoScalingGroupName: name } = group.config;
      const warmMs = longestWarmupMs(world, group);
      for (const instance of world.ec2.instances.values()) {
        if (instance.autoScalingGroupName !== name || !counts(instance, warmMs, nowMs, world.ec2.warmStartMs)) continue;
        const vcpus = instanceType(instance.instanceType)?.vcpu ?? 1;
        rows.instanceIds.push(instance.instanceId);
        rows.cpuPercents.push(rounded(Math.min(100, (100 * (used.get(instance.instanceId) ?? 0)) / vcpus)));
      }
    }
    return [{ type: 'InstancesMeasured', ...rows }];
  },
};

/** Those that are about to go are measured until they have gone. */
function counts(instance: Immutable<Instance>, warmMs: Millis, nowMs: Millis, warmStartMs: Millis): boolean {
  return instance.state === 'Terminating:Wait' || hasWarmedUp(instance, warmMs, nowMs, warmStartMs);
}

/** Choice: AWS has one metric, but each policy its own warm-up; an instance is measured when all of them count it. */
function longestWarmupMs({ ec2 }: Immutable<Ec2World>, { config }: Immutable<AutoScalingGroup>): Millis {
  let longestMs = 0;
  for (const policy of ec2.scalingPolicies.values())
    if (policy.autoScalingGroupName === config.AutoScalingGroupName)
      longestMs = Math.max(longestMs, warmupMs(policy.config, config));
  return longestMs;
}

/** What the instances of a group publish of the period that has just ended; undefined when there is none to publish. */
export function groupCpu(
  { ec2 }: Immutable<Ec2World>,
  autoScalingGroupName: string,
  periodMs: Millis,
): Samples | undefined {
  const group = ec2.groups.get(autoScalingGroupName);
  if (group === undefined || monitoringPeriodMs(group.config) !== periodMs) return undefined;
  const percents: number[] = [];
  for (const { autoScalingGroupName: name, cpu } of ec2.instances.values())
    if (name === autoScalingGroupName && cpu !== undefined)
      percents.push(periodMs === MINUTE ? cpu.percent : cpu.sum / cpu.minutes);
  if (percents.length === 0) return undefined;
  return {
    sampleCount: percents.length,
    sum: percents.reduce((sum, percent) => sum + percent, 0),
    minimum: Math.min(...percents),
    maximum: Math.max(...percents),
  };
}

export const evolveInstanceMetrics: Evolve<Ec2World, InstanceMetricEvent> = {
  InstancesMeasured({ ec2 }, { instanceIds, cpuPercents }, atMs) {
    for (const [row, instanceId] of instanceIds.entries()) {
      const instance = ec2.instances.get(instanceId);
      const group = ec2.groups.get(instance?.autoScalingGroupName ?? '');
      if (instance === undefined || group === undefined) continue;
      const percent = cpuPercents[row] as number;
      const startsPeriod = (atMs - MINUTE) % monitoringPeriodMs(group.config) === 0;
      const { sum, minutes } = startsPeriod || instance.cpu === undefined ? { sum: 0, minutes: 0 } : instance.cpu;
      instance.cpu = { percent, sum: sum + percent, minutes: minutes + 1 };
    }
  },
};
