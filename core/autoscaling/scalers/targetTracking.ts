/**
 * Target tracking: two managed alarms around the target, and the capacity that would bring the metric back to it.
 *
 * @source spec/autoscaling.md chapter 3 (AWS, "How target tracking scaling for Application Auto Scaling works")
 */

import { z } from 'zod';
import {
  customMetricSpecification,
  keyOf,
  metricQueryProblems,
  requestFor,
  requestOf,
  statistics,
  type MetricAlarm,
} from '../../cloudwatch/index.ts';
import { MINUTE, SECOND, type ScenarioProblem } from '../../kernel/index.ts';
import type { Scaler } from '../scaler.ts';
import type { ScalingSettings } from '../settings.ts';

const predefinedMetricTypes = [
  'ECSServiceAverageCPUUtilization',
  'ECSServiceAverageMemoryUtilization',
  'ECSServiceAverageCPUUtilizationHighResolution',
  'ECSServiceAverageMemoryUtilizationHighResolution',
  'ALBRequestCountPerTarget',
] as const;

const cooldown = z.int().min(0).default(300);

const schema = z.strictObject({
  PolicyName: z.string().min(1).max(256),
  PolicyType: z.literal('TargetTrackingScaling'),
  TargetTrackingScalingPolicyConfiguration: z.strictObject({
    TargetValue: z.number().positive().describe('what the metric should stay at, in its unit'),
    PredefinedMetricSpecification: z
      .strictObject({
        PredefinedMetricType: z.enum(predefinedMetricTypes),
        ResourceLabel: z
          .string()
          .max(1023)
          .optional()
          .describe(
            'of ALBRequestCountPerTarget: app/<load balancer>/<id>/targetgroup/<target group>/<id>; follows from the service when left out',
          ),
      })
      .optional(),
    CustomizedMetricSpecification: z
      .strictObject({
        ...customMetricSpecification,
        Statistic: z.enum(statistics as ['Average', ...string[]]).optional(),
      })
      .optional()
      .describe('a metric of your own, or math over several; it must fall when capacity is added'),
    ScaleOutCooldown: cooldown.describe('seconds; 300 when left out'),
    ScaleInCooldown: cooldown.describe('seconds; 300 when left out'),
    DisableScaleIn: z.boolean().default(false),
  }),
});
export type TargetTrackingPolicy = z.output<typeof schema>;

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

/** Which value of the alarm's datapoints target tracking reckons with. */
export function trackedValue(datapoints: readonly number[], which: ScalingSettings['metricValue']): number {
  if (which === 'latest') return datapoints.at(-1) as number;
  if (which === 'max') return Math.max(...datapoints);
  return datapoints.reduce((sum, value) => sum + value, 0) / datapoints.length;
}

/** `app/web/0123456789abcdef/targetgroup/web/0123456789abcdef` */
const RESOURCE_LABEL = /^app\/([^/]+)\/[^/]+\/targetgroup\/([^/]+)\/[^/]+$/;

/** The target group that a resource label names; undefined when it is none. */
export function targetGroupOfLabel(resourceLabel: string): string | undefined {
  return RESOURCE_LABEL.exec(resourceLabel)?.[2];
}

export const targetTracking: Scaler<typeof schema> = {
  schema,

  problems({ TargetTrackingScalingPolicyConfiguration: config }) {
    const problems: ScenarioProblem[] = [];
    const report = (path: ScenarioProblem['path'], message: string) =>
      problems.push({ path: ['TargetTrackingScalingPolicyConfiguration', ...path], message });
    const { PredefinedMetricSpecification: predefined, CustomizedMetricSpecification: customized } = config;
    if ((predefined === undefined) === (customized === undefined))
      report([], 'expected either PredefinedMetricSpecification or CustomizedMetricSpecification, and not both');
    const { PredefinedMetricType: type, ResourceLabel: label } = predefined ?? {};
    if (label !== undefined && type !== 'ALBRequestCountPerTarget')
      report(
        ['PredefinedMetricSpecification', 'ResourceLabel'],
        `found a resource label with ${type ?? ''}, expected it only with ALBRequestCountPerTarget`,
      );
    else if (label !== undefined && targetGroupOfLabel(label) === undefined)
      report(
        ['PredefinedMetricSpecification', 'ResourceLabel'],
        `found "${label}", expected app/<load balancer>/<id>/targetgroup/<target group>/<id>`,
      );
    if (customized !== undefined) {
      const { MetricName, Namespace, Statistic, Metrics } = customized;
      const at = 'CustomizedMetricSpecification';
      if (Metrics === undefined)
        for (const [key, value] of Object.entries({ MetricName, Namespace, Statistic })) {
          if (value === undefined) report([at], `found no ${key}, expected one, or Metrics`);
        }
      else {
        for (const [key, value] of Object.entries({ MetricName, Namespace, Statistic }))
          if (value !== undefined) report([at, key], `found ${key} beside Metrics, expected one or the other`);
        for (const { path, message } of metricQueryProblems(Metrics, undefined))
          report([at, 'Metrics', ...path], message);
      }
    }
    return problems;
  },

  policies: (written) => [written],

  follows({ TargetTrackingScalingPolicyConfiguration: config }) {
    const { PredefinedMetricSpecification: predefined, CustomizedMetricSpecification: customized } = config;
    if (predefined !== undefined)
      return { predefined: predefined.PredefinedMetricType, resourceLabel: predefined.ResourceLabel };
    if (customized === undefined) return undefined;
    const { Metrics, Namespace = '', MetricName = '', Dimensions, Statistic = '' } = customized;
    if (Metrics !== undefined) return { request: requestOf(Metrics) };
    return { request: requestFor(keyOf({ Namespace, MetricName, Dimensions }), Statistic) };
  },

  alarms({ TargetTrackingScalingPolicyConfiguration: config }, request, policyKey, alarmId) {
    const resourceId = policyKey.slice(0, policyKey.lastIndexOf('/'));
    const isHighResolution =
      config.PredefinedMetricSpecification?.PredefinedMetricType.endsWith('HighResolution') === true;
    const common = {
      request,
      periodMs: isHighResolution ? 20 * SECOND : MINUTE,
      treatMissingData: 'missing',
      scalingActions: { ALARM: [policyKey] },
    } as const;
    const high: MetricAlarm = {
      ...common,
      alarmName: `TargetTracking-${resourceId}-AlarmHigh-${alarmId}`,
      evaluationPeriods: 3,
      datapointsToAlarm: 3,
      threshold: config.TargetValue,
      comparisonOperator: 'GreaterThanThreshold',
    };
    const periods = isHighResolution ? 30 : 15;
    const low: MetricAlarm = {
      ...common,
      alarmName: `TargetTracking-${resourceId}-AlarmLow-${alarmId}`,
      evaluationPeriods: periods,
      datapointsToAlarm: periods,
      threshold: lowThreshold(config.TargetValue),
      comparisonOperator: 'LessThanThreshold',
    };
    return config.DisableScaleIn ? [high] : [high, low];
  },

  // Choice: AWS does not say which of the alarm's datapoints counts; the mean of all of them (spec/autoscaling.md 9.2).
  capacity(
    { TargetTrackingScalingPolicyConfiguration: { TargetValue } },
    { datapoints, threshold, comparisonOperator, runningCount },
    settings,
  ) {
    const metricValue = trackedValue(datapoints, settings.metricValue);
    const acts = comparisonOperator === 'GreaterThanThreshold' ? metricValue > threshold : metricValue < threshold;
    if (!acts) return undefined;
    const wanted = targetTrackingCapacity({ runningCount, metricValue, targetValue: TargetValue });
    const mostRemoved = Math.max(1, Math.floor(runningCount * settings.maxScaleInFraction));
    return Math.max(wanted, Math.max(0, runningCount - mostRemoved));
  },

  cooldowns: ({ TargetTrackingScalingPolicyConfiguration: { ScaleOutCooldown, ScaleInCooldown } }) => ({
    outMs: ScaleOutCooldown * SECOND,
    inMs: ScaleInCooldown * SECOND,
  }),

  // Choice: AWS explains what a cooldown deducts by an example of step scaling; the sentence speaks of both kinds.
  countsFromRunning: () => true,

  tracksTarget: true,
  ownsAlarms: true,
};
