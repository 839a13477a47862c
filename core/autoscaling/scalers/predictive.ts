/**
 * Predictive scaling: what is forecast, and how a forecast may act. When it is made and acts is in ../predictiveScaling.ts.
 *
 * @source spec/autoscaling.md chapter 6 (AWS, "How predictive scaling works"; PredictiveScalingPolicyConfiguration)
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { metricDataQuery, metricQueryProblems, requestOf } from '../../cloudwatch/index.ts';
import type { ScenarioProblem } from '../../kernel/index.ts';
import type { FollowedMetric, Scaler } from '../scaler.ts';

/** A load, and the scaling metric that it makes when it is shared among the tasks. */
const pairs = {
  ECSServiceCPUUtilization: { load: 'CPUUtilization', scaling: 'CPUUtilization' },
  ECSServiceMemoryUtilization: { load: 'MemoryUtilization', scaling: 'MemoryUtilization' },
  ALBRequestCount: { load: 'RequestCount', scaling: 'RequestCountPerTarget' },
} as const;
const scalingMetrics = {
  ECSServiceAverageCPUUtilization: 'CPUUtilization',
  ECSServiceAverageMemoryUtilization: 'MemoryUtilization',
  ALBRequestCountPerTarget: 'RequestCountPerTarget',
} as const;
const loadMetrics = {
  ECSServiceTotalCPUUtilization: 'CPUUtilization',
  ECSServiceTotalMemoryUtilization: 'MemoryUtilization',
  TotalALBRequestCount: 'RequestCount',
} as const;

const keysOf = <Key extends string>(table: Readonly<Record<Key, unknown>>) => Object.keys(table) as [Key, ...Key[]];
const predefined = <Key extends string>(table: Readonly<Record<Key, unknown>>) =>
  z
    .strictObject({
      PredefinedMetricType: z.enum(keysOf(table)),
      ResourceLabel: z.string().max(1023).optional().describe('follows from the service when left out'),
    })
    .optional();
const customized = z.strictObject({ MetricDataQueries: z.array(metricDataQuery).min(1).max(10) }).optional();

const specification = z.strictObject({
  TargetValue: z.number().positive().describe('what the scaling metric should be, in its unit'),
  PredefinedMetricPairSpecification: predefined(pairs).describe('a load and its scaling metric in one'),
  PredefinedScalingMetricSpecification: predefined(scalingMetrics),
  PredefinedLoadMetricSpecification: predefined(loadMetrics),
  CustomizedScalingMetricSpecification: customized,
  CustomizedLoadMetricSpecification: customized,
  CustomizedCapacityMetricSpecification: customized.describe(
    'how many tasks there were; those in RUNNING when left out',
  ),
});

const schema = z.strictObject({
  PolicyName: z.string().min(1).max(256),
  PolicyType: z.literal('PredictiveScaling'),
  PredictiveScalingPolicyConfiguration: z.strictObject({
    MetricSpecifications: z.array(specification).length(1),
    Mode: z.enum(['ForecastOnly', 'ForecastAndScale']).default('ForecastOnly'),
    SchedulingBufferTime: z
      .int()
      .min(0)
      .max(3600)
      .default(300)
      .describe('seconds by which capacity is there before the hour that needs it'),
    MaxCapacityBreachBehavior: z.enum(['HonorMaxCapacity', 'IncreaseMaxCapacity']).default('HonorMaxCapacity'),
    MaxCapacityBuffer: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe('percent of the forecast; with IncreaseMaxCapacity, and only with it'),
  }),
});
export type PredictivePolicy = z.output<typeof schema>;
type Specification = z.output<typeof specification>;

/** What a forecast is made of. */
export interface ForecastMetrics {
  readonly load: FollowedMetric;
  /** With the capacity, what the load makes of the scaling metric; not needed where the load is the scaling metric's sum. */
  readonly scaling?: FollowedMetric;
  readonly capacity?: FollowedMetric;
}

/** The metrics of a policy without problems. */
export function forecastMetrics({
  PredictiveScalingPolicyConfiguration: config,
}: Immutable<PredictivePolicy>): ForecastMetrics {
  const written = config.MetricSpecifications[0] as Immutable<Specification>;
  const pair = written.PredefinedMetricPairSpecification;
  if (pair !== undefined) return { load: summed(pairs[pair.PredefinedMetricType].load, pair.ResourceLabel) };
  const load = written.PredefinedLoadMetricSpecification;
  const scaling = written.PredefinedScalingMetricSpecification;
  const queries = written.CustomizedCapacityMetricSpecification?.MetricDataQueries;
  return {
    load:
      load === undefined
        ? requested(written.CustomizedLoadMetricSpecification)
        : summed(loadMetrics[load.PredefinedMetricType], load.ResourceLabel),
    scaling:
      scaling === undefined
        ? requested(written.CustomizedScalingMetricSpecification)
        : { predefined: scalingMetrics[scaling.PredefinedMetricType], resourceLabel: scaling.ResourceLabel },
    // A minute's sample count of CPUUtilization is the number of tasks.
    capacity:
      queries === undefined
        ? { predefined: 'CPUUtilization', statistic: 'SampleCount' }
        : { request: requestOf(queries) },
  };
}

function summed(name: 'CPUUtilization' | 'MemoryUtilization' | 'RequestCount', resourceLabel: string | undefined) {
  return { predefined: name, statistic: 'Sum', resourceLabel } as const;
}

function requested(specified: Immutable<Specification>['CustomizedLoadMetricSpecification']): FollowedMetric {
  return { request: requestOf(specified?.MetricDataQueries ?? []) };
}

const MINUTE_S = 60;

export const predictive: Scaler<typeof schema> = {
  schema,

  problems({ PredictiveScalingPolicyConfiguration: config }) {
    const problems: ScenarioProblem[] = [];
    const report = (path: ScenarioProblem['path'], message: string) =>
      problems.push({ path: ['PredictiveScalingPolicyConfiguration', ...path], message });
    const increases = config.MaxCapacityBreachBehavior === 'IncreaseMaxCapacity';
    if (increases && config.MaxCapacityBuffer === undefined)
      report(['MaxCapacityBreachBehavior'], 'found IncreaseMaxCapacity without MaxCapacityBuffer, expected both');
    if (!increases && config.MaxCapacityBuffer !== undefined)
      report(['MaxCapacityBuffer'], 'found it without IncreaseMaxCapacity, expected none');
    const at = ['MetricSpecifications', 0];
    const written = config.MetricSpecifications[0] as Specification;
    const given = (...keys: (keyof Specification)[]) => keys.filter((key) => written[key] !== undefined);
    const loads = given('PredefinedLoadMetricSpecification', 'CustomizedLoadMetricSpecification');
    const scalings = given('PredefinedScalingMetricSpecification', 'CustomizedScalingMetricSpecification');
    const isPair = written.PredefinedMetricPairSpecification !== undefined;
    const isSound = isPair ? loads.length + scalings.length === 0 : loads.length === 1 && scalings.length === 1;
    if (!isSound)
      report(at, 'expected either PredefinedMetricPairSpecification, or one load metric and one scaling metric');
    for (const key of [
      'CustomizedScalingMetricSpecification',
      'CustomizedLoadMetricSpecification',
      'CustomizedCapacityMetricSpecification',
    ] as const)
      if (written[key] !== undefined)
        for (const { path, message } of metricQueryProblems(written[key].MetricDataQueries, MINUTE_S))
          report([...at, key, 'MetricDataQueries', ...path], message);
    return problems;
  },

  policies: (written) => [written],
  follows: () => undefined,
  alarms: () => [],
  capacity: () => undefined,
  cooldowns: () => ({ outMs: 0, inMs: 0 }),
  countsFromRunning: () => false,
  tracksTarget: false,
  ownsAlarms: false,
};
