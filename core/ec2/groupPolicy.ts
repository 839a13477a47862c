/**
 * Scaling policies of an Auto Scaling group, as `aws autoscaling put-scaling-policy` takes them. They reckon as those of
 * Application Auto Scaling do: each becomes a policy of a scaler, without cooldowns, in whose place a group has warm-ups.
 *
 * @source spec/capacity.md 3.1 (AWS, "Dynamic scaling for Amazon EC2 Auto Scaling")
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { scalerOf, scalers, type PutScalingPolicy, type ScalingPolicyConfig } from '../autoscaling/index.ts';
import { metricKey, metricName, requestFor, type MetricAlarm, type MetricRequest } from '../cloudwatch/index.ts';
import { MINUTE, SECOND, type Millis, type ScenarioProblem } from '../kernel/index.ts';
import type { AutoScalingGroupConfig } from './groupConfig.ts';

const { TargetTrackingScaling, StepScaling } = scalers;
const tracking = TargetTrackingScaling.schema.shape.TargetTrackingScalingPolicyConfiguration.shape;
const stepping = StepScaling.schema.shape.StepScalingPolicyConfiguration.shape;

const PolicyName = z.string().min(1).max(255);
const EstimatedInstanceWarmup = z
  .int()
  .min(0)
  .max(10_000)
  .optional()
  .describe("seconds; the group's DefaultInstanceWarmup when left out, then its DefaultCooldown");
const alarm = StepScaling.schema.shape.alarm
  .unwrap()
  .extend({
    MetricName: metricName
      .optional()
      .describe('CPUUtilization of the group, or any other metric with its Namespace and Dimensions'),
  })
  .optional()
  .describe(
    'the alarm that calls the policy, as put-metric-alarm takes it; its name and its action follow. Without it, alarms of the scenario call the policy by <group>/<policy>',
  );

const targetTrackingPolicy = z.strictObject({
  PolicyName,
  PolicyType: z.literal('TargetTrackingScaling'),
  EstimatedInstanceWarmup,
  TargetTrackingConfiguration: z.strictObject({
    TargetValue: tracking.TargetValue,
    PredefinedMetricSpecification: z
      .strictObject({
        PredefinedMetricType: z.enum(['ASGAverageCPUUtilization', 'ALBRequestCountPerTarget']),
        ResourceLabel: z
          .string()
          .max(1023)
          .optional()
          .describe('of ALBRequestCountPerTarget: app/<load balancer>/<id>/targetgroup/<target group>/<id>'),
      })
      .optional(),
    CustomizedMetricSpecification: tracking.CustomizedMetricSpecification,
    DisableScaleIn: tracking.DisableScaleIn,
  }),
});

const stepScalingPolicy = z.strictObject({
  PolicyName,
  PolicyType: z.literal('StepScaling'),
  EstimatedInstanceWarmup,
  alarm,
  AdjustmentType: stepping.AdjustmentType,
  StepAdjustments: stepping.StepAdjustments.unwrap().min(1),
  MinAdjustmentMagnitude: stepping.MinAdjustmentMagnitude.describe('instances; only with PercentChangeInCapacity'),
  MetricAggregationType: stepping.MetricAggregationType,
});

const simpleScalingPolicy = z.strictObject({
  PolicyName,
  PolicyType: z.literal('SimpleScaling'),
  alarm,
  AdjustmentType: stepping.AdjustmentType,
  ScalingAdjustment: z.int().describe('instances to add, instances to have, or percent to add; below 0 takes away'),
  MinAdjustmentMagnitude: stepping.MinAdjustmentMagnitude.describe('instances; only with PercentChangeInCapacity'),
  Cooldown: z.int().min(0).optional().describe("seconds; the group's DefaultCooldown when left out"),
});

export const groupScalingPolicy = z.discriminatedUnion('PolicyType', [
  targetTrackingPolicy,
  stepScalingPolicy,
  simpleScalingPolicy,
]);
export type GroupScalingPolicyConfig = z.output<typeof groupScalingPolicy>;

export function groupPolicyKey(autoScalingGroupName: string, policyName: string): string {
  return `${autoScalingGroupName}/${policyName}`;
}

/** CPUUtilization of a group's instances together. */
export function groupCpuMetric(autoScalingGroupName: string): string {
  return metricKey('AWS/EC2', 'CPUUtilization', { AutoScalingGroupName: autoScalingGroupName });
}

/** As the scaler of its kind takes it. */
function writtenForScaler(
  config: Immutable<GroupScalingPolicyConfig>,
  autoScalingGroupName: string,
): ScalingPolicyConfig {
  const { PolicyName: name } = config;
  const written =
    config.PolicyType === 'TargetTrackingScaling'
      ? {
          PolicyName: name,
          PolicyType: config.PolicyType,
          TargetTrackingScalingPolicyConfiguration: {
            ...ofGroup(config.TargetTrackingConfiguration, autoScalingGroupName),
            ScaleOutCooldown: 0,
            ScaleInCooldown: 0,
          },
        }
      : {
          PolicyName: name,
          PolicyType: 'StepScaling',
          ...(config.alarm === undefined ? {} : { alarm: alarmOfGroup(config.alarm, autoScalingGroupName) }),
          StepScalingPolicyConfiguration: {
            AdjustmentType: config.AdjustmentType,
            // A simple policy is the same step on both sides of the threshold.
            StepAdjustments:
              config.PolicyType === 'StepScaling'
                ? config.StepAdjustments
                : [
                    { MetricIntervalUpperBound: 0, ScalingAdjustment: config.ScalingAdjustment },
                    { MetricIntervalLowerBound: 0, ScalingAdjustment: config.ScalingAdjustment },
                  ],
            MinAdjustmentMagnitude: config.MinAdjustmentMagnitude,
            Cooldown: 0,
            MetricAggregationType: config.PolicyType === 'StepScaling' ? config.MetricAggregationType : 'Average',
          },
        };
  return written as ScalingPolicyConfig;
}

/** As it is put and evaluated; only of a policy without problems. */
export function policyForScaler(
  config: Immutable<GroupScalingPolicyConfig>,
  autoScalingGroupName: string,
): PutScalingPolicy {
  const written = writtenForScaler(config, autoScalingGroupName);
  return scalerOf(written).policies(written)[0] as PutScalingPolicy;
}

type Tracking = Immutable<z.output<typeof targetTrackingPolicy>['TargetTrackingConfiguration']>;

/** ASGAverageCPUUtilization is the metric that the group's instances publish together. */
function ofGroup(configuration: Tracking, autoScalingGroupName: string) {
  const { PredefinedMetricSpecification: predefined, ...rest } = configuration;
  if (predefined?.PredefinedMetricType !== 'ASGAverageCPUUtilization') return configuration;
  return {
    ...rest,
    CustomizedMetricSpecification: {
      Namespace: 'AWS/EC2',
      MetricName: 'CPUUtilization',
      Dimensions: [{ Name: 'AutoScalingGroupName', Value: autoScalingGroupName }],
      Statistic: 'Average',
    },
  };
}

function alarmOfGroup(written: Immutable<NonNullable<z.output<typeof alarm>>>, autoScalingGroupName: string) {
  const { MetricName: name, Namespace = 'AWS/EC2', Dimensions } = written;
  if (name !== 'CPUUtilization' || Namespace !== 'AWS/EC2' || Dimensions.length > 0) return written;
  return { ...written, Namespace, Dimensions: [{ Name: 'AutoScalingGroupName', Value: autoScalingGroupName }] };
}

/** What a policy follows; undefined when alarms of the scenario call it. */
export function groupPolicyRequest(policy: PutScalingPolicy): MetricRequest | undefined {
  const { follows } = scalerOf(policy);
  const followed = follows(policy);
  if (followed === undefined) return undefined;
  if ('request' in followed) return followed.request;
  const { resourceLabel = '' } = followed;
  return requestFor(
    metricKey('AWS/ApplicationELB', 'RequestCountPerTarget', { TargetGroup: targetGroupNamed(resourceLabel) }),
    'Sum',
  );
}

function targetGroupNamed(resourceLabel: string): string {
  return resourceLabel.split('/')[4] ?? '';
}

/** What AWS would refuse and the schema cannot see; paths start at the policy. */
export function groupPolicyProblems(config: GroupScalingPolicyConfig): readonly ScenarioProblem[] {
  const problems: ScenarioProblem[] = [];
  if (config.PolicyType === 'TargetTrackingScaling') {
    const { PredefinedMetricSpecification: predefined } = config.TargetTrackingConfiguration;
    const path = ['TargetTrackingConfiguration', 'PredefinedMetricSpecification', 'ResourceLabel'];
    const { PredefinedMetricType: type, ResourceLabel: label } = predefined ?? {};
    if (type === 'ASGAverageCPUUtilization' && label !== undefined)
      problems.push({
        path,
        message: `found a resource label with ${type}, expected it only with ALBRequestCountPerTarget`,
      });
    if (type === 'ALBRequestCountPerTarget' && label === undefined)
      problems.push({
        path,
        message:
          'found none with ALBRequestCountPerTarget, expected app/<load balancer>/<id>/targetgroup/<target group>/<id>',
      });
  }
  // What its scaler finds, under the names that it has here.
  const written = writtenForScaler(config, '');
  for (const { path, message } of scalerOf(written).problems(written)) {
    const [first, ...rest] = path;
    if (first === 'TargetTrackingScalingPolicyConfiguration')
      problems.push({ path: ['TargetTrackingConfiguration', ...rest], message });
    else if (first !== 'StepScalingPolicyConfiguration') problems.push({ path, message });
    else if (config.PolicyType === 'StepScaling' || rest[0] !== 'StepAdjustments')
      problems.push({ path: rest, message });
    // Both sides of a simple policy have the same.
    else if (rest[1] === 0) problems.push({ path: rest.slice(2), message });
  }
  return problems;
}

const BASIC_PERIOD_MS: Millis = 5 * MINUTE;

/** How often the instances of a group publish their metrics: each minute with detailed monitoring, else every five. */
export function monitoringPeriodMs({ Monitoring }: Immutable<Pick<AutoScalingGroupConfig, 'Monitoring'>>): Millis {
  return Monitoring?.Enabled === true ? MINUTE : BASIC_PERIOD_MS;
}

/**
 * The alarms of a policy that tracks a metric of the group: their periods are those of its monitoring.
 * Choice: AWS names 3 minutes to scale out and 15 to scale in, of a metric of every minute; for one of every five it only
 * says that it is slower.
 */
export function inPeriodsOfGroup(
  found: MetricAlarm,
  periodMs: Millis,
  basicMonitoringAlarms: 'sameWindow' | 'samePeriods',
): MetricAlarm {
  if (found.periodMs >= periodMs) return found;
  const periods =
    basicMonitoringAlarms === 'samePeriods'
      ? found.evaluationPeriods
      : Math.ceil((found.evaluationPeriods * found.periodMs) / periodMs);
  return { ...found, periodMs, evaluationPeriods: periods, datapointsToAlarm: periods };
}

/** How long a new instance does not count yet. */
export function warmupMs(
  config: Immutable<GroupScalingPolicyConfig> | undefined,
  { DefaultInstanceWarmup, DefaultCooldown }: Immutable<AutoScalingGroupConfig>,
): Millis {
  const estimated =
    config === undefined || config.PolicyType === 'SimpleScaling' ? undefined : config.EstimatedInstanceWarmup;
  return (estimated ?? DefaultInstanceWarmup ?? DefaultCooldown ?? DEFAULT_COOLDOWN_S) * SECOND;
}

const DEFAULT_COOLDOWN_S = 300;

/** After a change by a simple policy, how long no simple policy makes another one. */
export function cooldownMs(
  { Cooldown }: Immutable<z.output<typeof simpleScalingPolicy>>,
  { DefaultCooldown }: Immutable<AutoScalingGroupConfig>,
): Millis {
  return (Cooldown ?? DefaultCooldown ?? DEFAULT_COOLDOWN_S) * SECOND;
}
