/**
 * Alarms as `aws cloudwatch put-metric-alarm` takes them, and what CloudWatch refuses about them.
 *
 * @source spec/autoscaling.md 2.1 (AWS, CloudWatch API, PutMetricAlarm)
 */

import { z } from 'zod';
import { DAY, SECOND, type ScenarioProblem } from '../kernel/index.ts';
import { comparisonOperators, missingDataTreatments, type ComparisonOperator, type MetricAlarm } from './alarm.ts';
import { keyOf, metricDimensions, metricName, metricNamespace, metricStatistic, metricUnit } from './metric.ts';
import { metricDataQuery, metricQueryProblems, requestFor, requestOf } from './metricRequest.ts';
import { needsDistribution } from './statistic.ts';

export const alarmName = z.string().min(1).max(255);

const alarmPeriod = z
  .int()
  .refine(
    (found) => found === 10 || found === 20 || found === 30 || (found >= 60 && found % 60 === 0),
    'expected 10, 20, 30 or a multiple of 60 seconds',
  )
  .default(60)
  .describe('seconds: 10, 20, 30 or a multiple of 60');

export const comparisonOperator = z.enum(
  Object.keys(comparisonOperators) as [ComparisonOperator, ...ComparisonOperator[]],
);

/** What every alarm says of its window, here and in a policy that brings its own alarm. */
export const alarmWindow = {
  Period: alarmPeriod,
  EvaluationPeriods: z.int().min(1).describe('N: how many periods are looked at'),
  DatapointsToAlarm: z.int().optional().describe('M: how many of them must breach; all of them when left out'),
  TreatMissingData: z.enum(missingDataTreatments).default('missing'),
  EvaluateLowSampleCountPercentile: z
    .enum(['evaluate', 'ignore'])
    .default('evaluate')
    .describe('ignore: a percentile of too few samples leaves the state as it is'),
};

const actions = z
  .array(z.string().min(1).max(1024))
  .max(5)
  .default([])
  .describe(
    '<service>/<policy>, <group>/<policy> or the ARN of a scaling policy: it is called; sns:<topic> or an ARN: it is notified',
  );

export const metricAlarm = z.strictObject({
  AlarmName: alarmName,
  AlarmDescription: z.string().max(1024).optional(),
  ActionsEnabled: z.boolean().default(true),
  MetricName: metricName.optional().describe('the metric, with Namespace and Dimensions; or Metrics'),
  Namespace: metricNamespace.optional(),
  Dimensions: metricDimensions,
  Statistic: metricStatistic.optional().describe('a simple one; or ExtendedStatistic'),
  ExtendedStatistic: metricStatistic.optional().describe('p99, tm90, TM(10%:90%) and the like'),
  Unit: metricUnit,
  Metrics: z.array(metricDataQuery).min(1).max(20).optional().describe('metric math'),
  ...alarmWindow,
  Threshold: z.number().describe('in the unit of the metric'),
  ComparisonOperator: comparisonOperator.describe('statistic, operator, threshold'),
  AlarmActions: actions,
  OKActions: actions,
  InsufficientDataActions: actions,
});
export type PutMetricAlarm = z.output<typeof metricAlarm>;

/** What put-metric-alarm would refuse and the schema cannot see. */
export function metricAlarmProblems(written: PutMetricAlarm): readonly ScenarioProblem[] {
  const { MetricName, Namespace, Statistic, ExtendedStatistic, Metrics, Period } = written;
  const problems = windowProblems(written);
  const report = (path: ScenarioProblem['path'], message: string) => problems.push({ path, message });
  if (Metrics !== undefined) {
    for (const key of ['MetricName', 'Namespace', 'Statistic', 'ExtendedStatistic'] as const)
      if (written[key] !== undefined) report([key], `found ${key} beside Metrics, expected one or the other`);
    for (const { path, message } of metricQueryProblems(Metrics, Period)) report(['Metrics', ...path], message);
    return problems;
  }
  if (MetricName === undefined) report([], 'found neither MetricName nor Metrics, expected one of them');
  if (MetricName !== undefined && Namespace === undefined)
    report([], 'found no Namespace, expected that of MetricName');
  if ((Statistic === undefined) === (ExtendedStatistic === undefined))
    report(
      Statistic === undefined ? [] : ['ExtendedStatistic'],
      'expected either Statistic or ExtendedStatistic, and not both',
    );
  if (Statistic !== undefined && needsDistribution(Statistic))
    report(['Statistic'], `found ${Statistic}, expected it as ExtendedStatistic`);
  if (ExtendedStatistic !== undefined && !needsDistribution(ExtendedStatistic))
    report(['ExtendedStatistic'], `found ${ExtendedStatistic}, expected it as Statistic`);
  return problems;
}

/** What would be refused about the window; the words on datapoints are aws-cdk's. */
export function windowProblems({
  Period,
  EvaluationPeriods,
  DatapointsToAlarm,
}: {
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number | undefined;
}): ScenarioProblem[] {
  const problems: ScenarioProblem[] = [];
  if (DatapointsToAlarm !== undefined && DatapointsToAlarm < 1)
    problems.push({
      path: ['DatapointsToAlarm'],
      message: `datapointsToAlarm cannot be less than 1, got: ${DatapointsToAlarm}`,
    });
  if (DatapointsToAlarm !== undefined && DatapointsToAlarm > EvaluationPeriods)
    problems.push({
      path: ['DatapointsToAlarm'],
      message: `datapointsToAlarm must be less than or equal to evaluationPeriods, got datapointsToAlarm: ${DatapointsToAlarm}, evaluationPeriods: ${EvaluationPeriods}`,
    });
  const [mostS, most] = Period < 3600 ? [DAY / SECOND, 'a day'] : [(7 * DAY) / SECOND, 'seven days'];
  if (Period * EvaluationPeriods > mostS)
    problems.push({
      path: ['EvaluationPeriods'],
      message: `found ${EvaluationPeriods} periods of ${Period} seconds, expected at most ${most}, ${mostS} seconds, in all`,
    });
  return problems;
}

/**
 * A scaling policy that an action names: of which service or Auto Scaling group. undefined when the action is a topic or
 * the like.
 */
export function scalingActionOf(action: string): { readonly owner: string; readonly policyName: string } | undefined {
  const arn =
    /^arn:aws[\w-]*:autoscaling:.*:(?:resource\/ecs\/service\/[^/]+|autoScalingGroupName)\/([^/:]+):policyName\/([^:]+)/.exec(
      action,
    );
  const short = /^(?!sns:|arn:)([^/]+)\/(.+)$/.exec(action);
  const [, owner, policyName] = arn ?? short ?? [];
  return owner === undefined || policyName === undefined ? undefined : { owner, policyName };
}

/** @param policyKeyOf  the key of a policy of a service or a group */
export function metricAlarmOf(
  written: PutMetricAlarm,
  policyKeyOf: (owner: string, policyName: string) => string,
): MetricAlarm {
  const { MetricName = '', Namespace = '', Dimensions, Metrics, Statistic, ExtendedStatistic } = written;
  const byState = {
    ALARM: written.AlarmActions,
    OK: written.OKActions,
    INSUFFICIENT_DATA: written.InsufficientDataActions,
  };
  const scalingActions: Record<string, string[]> = {};
  const topics: Record<string, string[]> = {};
  for (const [state, named] of Object.entries(byState))
    for (const action of named) {
      const policy = scalingActionOf(action);
      const list = policy === undefined ? topics : scalingActions;
      (list[state] ??= []).push(policy === undefined ? action : policyKeyOf(policy.owner, policy.policyName));
    }
  return {
    alarmName: written.AlarmName,
    request:
      Metrics === undefined
        ? requestFor(keyOf({ Namespace, MetricName, Dimensions }), (Statistic ?? ExtendedStatistic) as string)
        : requestOf(Metrics),
    periodMs: written.Period * SECOND,
    evaluationPeriods: written.EvaluationPeriods,
    datapointsToAlarm: written.DatapointsToAlarm ?? written.EvaluationPeriods,
    threshold: written.Threshold,
    comparisonOperator: written.ComparisonOperator,
    treatMissingData: written.TreatMissingData,
    ...(written.EvaluateLowSampleCountPercentile === 'ignore' ? { ignoresFewSamples: true } : {}),
    scalingActions,
    topics,
    actionsEnabled: written.ActionsEnabled,
  };
}
