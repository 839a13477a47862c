/**
 * Target tracking: two managed alarms around the target, and the capacity that would bring the metric back to it.
 *
 * @source spec/autoscaling.md chapter 3 (AWS, "How target tracking scaling for Application Auto Scaling works")
 */

import { z } from 'zod';
import type { MetricAlarm } from '../../cloudwatch/index.ts';
import { MINUTE, SECOND } from '../../kernel/index.ts';
import type { Scaler } from '../scaler.ts';

const predefinedMetricTypes = [
  'ECSServiceAverageCPUUtilization',
  'ECSServiceAverageMemoryUtilization',
  'ALBRequestCountPerTarget',
] as const;

const cooldown = z.int().min(0).default(300);

const schema = z.strictObject({
  PolicyName: z.string().min(1).max(256),
  PolicyType: z.literal('TargetTrackingScaling'),
  TargetTrackingScalingPolicyConfiguration: z.strictObject({
    TargetValue: z.number().positive().describe('what the metric should stay at, in its unit'),
    PredefinedMetricSpecification: z.strictObject({ PredefinedMetricType: z.enum(predefinedMetricTypes) }),
    ScaleOutCooldown: cooldown.describe('seconds; 300 when left out'),
    ScaleInCooldown: cooldown.describe('seconds; 300 when left out'),
    DisableScaleIn: z.boolean().default(false),
  }),
});

/** AlarmLow's threshold as a share of the target: seen on real alarms, not documented. */
const LOW_SHARE = 0.9;

/** 0.9 x target without the last bit's noise: 0.9 x 70 is 63. */
export function lowThreshold(targetValue: number): number {
  return Math.round(LOW_SHARE * targetValue * 1e9) / 1e9;
}

/**
 * Capacity that would bring the metric back to its target: ceil(running x metric / target).
 * Rounding up is why a service rests a little below its target and why one spare task is not removed.
 *
 * @param reading.metricValue   in the metric's unit (percent for CPUUtilization)
 * @param reading.runningCount  tasks in RUNNING, not the desired count; 0 asks for the smallest step, one task
 * @returns whole tasks, before minimum, maximum and cooldown
 * @source  AWS, "How target tracking scaling for Application Auto Scaling works"; conformance/targetTracking.test.ts
 */
export function targetTrackingCapacity(reading: {
  readonly runningCount: number;
  readonly metricValue: number;
  readonly targetValue: number;
}): number {
  const { runningCount, metricValue, targetValue } = reading;
  if (runningCount === 0) return metricValue > targetValue ? 1 : 0;
  return Math.max(0, Math.ceil((runningCount * metricValue) / targetValue - 1e-9)); // 0, not the -0 of ceil
}

export const targetTracking: Scaler<typeof schema> = {
  schema,
  problems: () => [],
  policies: (written) => [written],
  metric: ({ TargetTrackingScalingPolicyConfiguration: config }) =>
    config.PredefinedMetricSpecification.PredefinedMetricType,

  alarms({ PolicyName, TargetTrackingScalingPolicyConfiguration: config }, { metric, statistic, delayMs }, policyKey) {
    const resourceId = policyKey.slice(0, policyKey.lastIndexOf('/'));
    const common = {
      metric,
      metricDelayMs: delayMs,
      statistic,
      periodMs: MINUTE,
      treatMissingData: 'missing',
      alarmActions: [policyKey],
    } as const;
    const high: MetricAlarm = {
      ...common,
      alarmName: `TargetTracking-${resourceId}-AlarmHigh-${PolicyName}`,
      evaluationPeriods: 3,
      datapointsToAlarm: 3,
      threshold: config.TargetValue,
      comparisonOperator: 'GreaterThanThreshold',
    };
    const low: MetricAlarm = {
      ...common,
      alarmName: `TargetTracking-${resourceId}-AlarmLow-${PolicyName}`,
      evaluationPeriods: 15,
      datapointsToAlarm: 15,
      threshold: lowThreshold(config.TargetValue),
      comparisonOperator: 'LessThanThreshold',
    };
    return config.DisableScaleIn ? [high] : [high, low];
  },

  // Choice: AWS does not say which of the alarm's datapoints counts; the mean of all of them (spec/autoscaling.md 9.2).
  capacity(
    { TargetTrackingScalingPolicyConfiguration: { TargetValue } },
    { datapoints, threshold, comparisonOperator, runningCount },
  ) {
    const metricValue = datapoints.reduce((sum, value) => sum + value, 0) / datapoints.length;
    const acts = comparisonOperator === 'GreaterThanThreshold' ? metricValue > threshold : metricValue < threshold;
    return acts ? targetTrackingCapacity({ runningCount, metricValue, targetValue: TargetValue }) : undefined;
  },

  cooldowns: ({ TargetTrackingScalingPolicyConfiguration: { ScaleOutCooldown, ScaleInCooldown } }) => ({
    outMs: ScaleOutCooldown * SECOND,
    inMs: ScaleInCooldown * SECOND,
  }),

  // Choice: AWS explains what a cooldown deducts by an example of step scaling; the sentence speaks of both kinds.
  countsFromRunning: () => true,

  tracksTarget: true,
};
