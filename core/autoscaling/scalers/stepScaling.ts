/**
 * Step scaling: the further a metric is past its alarm's threshold, the larger the adjustment. The alarm is the user's own.
 * Intervals as aws-cdk writes them (`scalingSteps`) are spelled out into the alarms and policies that it would deploy.
 *
 * @source spec/autoscaling.md chapter 4 (AWS, "How step scaling for Application Auto Scaling works"; aws-cdk, interval-utils.ts)
 */

import { z } from 'zod';
import {
  alarmWindow,
  comparisonOperator,
  customMetricSpecification,
  keyOf,
  metricQueryProblems,
  metricStatistic,
  requestFor,
  requestOf,
  windowProblems,
  type ComparisonOperator,
} from '../../cloudwatch/index.ts';
import { SECOND, type ScenarioProblem } from '../../kernel/index.ts';
import { scalingMetrics, type Scaler, type ScalingMetric } from '../scaler.ts';

const adjustmentTypes = ['ChangeInCapacity', 'ExactCapacity', 'PercentChangeInCapacity'] as const;
const aggregationTypes = ['Average', 'Minimum', 'Maximum'] as const;

const alarm = z.strictObject({
  ...customMetricSpecification,
  MetricName: customMetricSpecification.MetricName.describe(
    `a metric of the scaled service (${Object.keys(scalingMetrics).join(', ')}), from which its namespace and dimensions follow, or any other with its Namespace and Dimensions`,
  ),
  Statistic: metricStatistic
    .optional()
    .describe(
      'over the samples of a period; when left out, Sum for requests and Average for the others; p99 and the like, too',
    ),
  ...alarmWindow,
  EvaluationPeriods: alarmWindow.EvaluationPeriods.default(1),
  Threshold: z.number().optional().describe('in the unit of the metric; scalingSteps imply it'),
  ComparisonOperator: comparisonOperator.optional().describe('statistic, operator, threshold; scalingSteps imply it'),
});

const stepAdjustment = z.strictObject({
  MetricIntervalLowerBound: z.number().optional().describe('of metric less threshold; no lower bound when left out'),
  MetricIntervalUpperBound: z.number().optional().describe('of metric less threshold; no upper bound when left out'),
  ScalingAdjustment: z.int().describe('tasks to add, tasks to have, or percent to add; below 0 takes away'),
});

const scalingInterval = z.strictObject({
  lower: z.number().optional().describe('of the metric itself; follows from the neighbours when left out'),
  upper: z.number().optional().describe('of the metric itself; follows from the neighbours when left out'),
  change: z.int().describe('as ScalingAdjustment; 0 is the interval in which nothing happens'),
});

const schema = z.strictObject({
  PolicyName: z.string().min(1).max(256),
  PolicyType: z.literal('StepScaling'),
  alarm: alarm
    .optional()
    .describe(
      'the alarm that calls the policy, as put-metric-alarm takes it; its name and its action follow. Without it, alarms of the scenario call the policy by name',
    ),
  StepScalingPolicyConfiguration: z.strictObject({
    AdjustmentType: z.enum(adjustmentTypes).describe('what a ScalingAdjustment counts'),
    StepAdjustments: z
      .array(stepAdjustment)
      .optional()
      .describe('intervals beyond the threshold, without gap or overlap'),
    MinAdjustmentMagnitude: z.int().min(1).optional().describe('tasks; only with PercentChangeInCapacity'),
    Cooldown: z.int().min(0).default(300).describe('seconds, in both directions; 300 when left out'),
    MetricAggregationType: z.enum(aggregationTypes).default('Average').describe("over the alarm's datapoints"),
  }),
  scalingSteps: z
    .array(scalingInterval)
    .optional()
    .describe(
      'in place of Threshold, ComparisonOperator and StepAdjustments: intervals of the metric as aws-cdk writes them; they become a policy with its alarm below (-lower) and above (-upper) the interval without change',
    ),
});
type WrittenPolicy = z.output<typeof schema>;

export interface StepAdjustment {
  readonly MetricIntervalLowerBound?: number | undefined;
  readonly MetricIntervalUpperBound?: number | undefined;
  readonly ScalingAdjustment: number;
}

/** As `aws application-autoscaling put-scaling-policy` takes it. */
export interface StepScalingPolicyConfiguration {
  readonly AdjustmentType: (typeof adjustmentTypes)[number];
  readonly StepAdjustments: readonly StepAdjustment[];
  readonly MinAdjustmentMagnitude?: number | undefined;
  readonly Cooldown?: number | undefined;
  readonly MetricAggregationType?: (typeof aggregationTypes)[number] | undefined;
}

type WrittenAlarm = NonNullable<WrittenPolicy['alarm']>;

/** One policy with the one alarm that calls it, if it brings one along: `scalingSteps` are spelled out. */
export interface StepScalingPolicy extends Readonly<Pick<WrittenPolicy, 'PolicyName' | 'PolicyType'>> {
  readonly alarm?: Readonly<WrittenAlarm> & {
    readonly Threshold: number;
    readonly ComparisonOperator: ComparisonOperator;
  };
  readonly StepScalingPolicyConfiguration: PutConfiguration;
}

type PutConfiguration = StepScalingPolicyConfiguration &
  Readonly<Pick<WrittenPolicy['StepScalingPolicyConfiguration'], 'Cooldown' | 'MetricAggregationType'>>;

/** Where the metric is, as the alarm sees it. */
export interface StepReading {
  /** In the metric's unit, as is the threshold. */
  readonly metricValue: number;
  readonly threshold: number;
  readonly comparisonOperator: ComparisonOperator;
}

const lowerBound = (step: StepAdjustment) => step.MetricIntervalLowerBound ?? Number.NEGATIVE_INFINITY;
const upperBound = (step: StepAdjustment) => step.MetricIntervalUpperBound ?? Number.POSITIVE_INFINITY;

/**
 * The step whose interval holds metric less threshold; undefined for none. For an alarm above its threshold an interval
 * holds its lower bound and not its upper one, for an alarm below it the other way round.
 * Choice: AWS says "above" and "below" of the metric; we go by the operator, which differs only at the threshold itself.
 */
export function matchingStep(
  { StepAdjustments }: Pick<StepScalingPolicyConfiguration, 'StepAdjustments'>,
  { metricValue, threshold, comparisonOperator }: StepReading,
): StepAdjustment | undefined {
  const beyond = metricValue - threshold;
  const isAbove = comparisonOperator.startsWith('Greater');
  return StepAdjustments.find((step) =>
    isAbove
      ? lowerBound(step) <= beyond && beyond < upperBound(step)
      : lowerBound(step) < beyond && beyond <= upperBound(step),
  );
}

/**
 * Capacity after one call of a step scaling policy, within the bounds and without cooldowns. It never moves against the
 * step's direction: from outside the bounds, a scale-out does not lower the capacity, nor a scale-in raise it.
 *
 * @param reading.currentCapacity  tasks; the pipeline takes those in RUNNING
 * @returns whole tasks; the current capacity when no step holds the metric
 * @source  AWS, "How step scaling for Application Auto Scaling works"; conformance/stepScaling.test.ts
 */
export function stepScalingCapacity(
  configuration: StepScalingPolicyConfiguration,
  reading: StepReading & {
    readonly currentCapacity: number;
    readonly minCapacity: number;
    readonly maxCapacity: number;
  },
): number {
  const { currentCapacity, minCapacity, maxCapacity } = reading;
  const wanted = adjusted(configuration, matchingStep(configuration, reading), currentCapacity);
  if (wanted === undefined || wanted === currentCapacity) return currentCapacity;
  const within = Math.min(Math.max(wanted, minCapacity), maxCapacity);
  return wanted > currentCapacity ? Math.max(within, currentCapacity) : Math.min(within, currentCapacity);
}

/** Capacity that a step leads to, 0 at least; undefined when there is no step. */
function adjusted(
  { AdjustmentType, MinAdjustmentMagnitude = 0 }: StepScalingPolicyConfiguration,
  step: StepAdjustment | undefined,
  capacity: number,
): number | undefined {
  if (step === undefined) return undefined;
  const adjustment = step.ScalingAdjustment;
  if (AdjustmentType === 'ExactCapacity') return adjustment;
  if (AdjustmentType === 'ChangeInCapacity') return Math.max(0, capacity + adjustment);
  // Choice: AWS does not say whether the minimum magnitude holds for an adjustment of 0 %; it has no direction, so no change.
  const magnitude = Math.max(Math.abs(wholeTasks((capacity * adjustment) / 100)), MinAdjustmentMagnitude);
  return Math.max(0, capacity + Math.sign(adjustment) * magnitude);
}

/** AWS's rounding of a percentage: 12.7 -> 12, 0.67 -> 1, -0.58 -> -1, -6.67 -> -6. */
function wholeTasks(change: number): number {
  return Math.abs(change) < 1 ? Math.sign(change) : Math.trunc(change);
}

/** The alarm's datapoints, at least one, as the one value that the steps are measured by. */
export function aggregatedMetric(
  { MetricAggregationType = 'Average' }: Pick<StepScalingPolicyConfiguration, 'MetricAggregationType'>,
  datapoints: readonly number[],
): number {
  if (MetricAggregationType === 'Minimum') return Math.min(...datapoints);
  if (MetricAggregationType === 'Maximum') return Math.max(...datapoints);
  return datapoints.reduce((sum, value) => sum + value, 0) / datapoints.length;
}

export const stepScaling: Scaler<typeof schema, StepScalingPolicy> = {
  schema,

  problems({ alarm: written, scalingSteps, StepScalingPolicyConfiguration: configuration }) {
    const problems = written === undefined ? [] : alarmProblems(written);
    if (written === undefined && scalingSteps !== undefined)
      problems.push({ path: ['scalingSteps'], message: 'found them without an alarm, expected the metric in `alarm`' });
    const implied = [
      ...(written === undefined
        ? []
        : ([
            [['alarm', 'Threshold'], written.Threshold],
            [['alarm', 'ComparisonOperator'], written.ComparisonOperator],
          ] as const)),
      [['StepScalingPolicyConfiguration', 'StepAdjustments'], configuration.StepAdjustments],
    ] as const;
    for (const [path, value] of implied) {
      const key = path[1];
      if (scalingSteps !== undefined && value !== undefined)
        problems.push({ path, message: `found ${key} beside scalingSteps, expected none: scalingSteps imply it` });
      if (scalingSteps === undefined && value === undefined)
        problems.push({ path, message: `found no ${key}, expected one, or scalingSteps that imply it` });
    }
    const { AdjustmentType, MinAdjustmentMagnitude, StepAdjustments } = configuration;
    if (MinAdjustmentMagnitude !== undefined && AdjustmentType !== 'PercentChangeInCapacity')
      problems.push({
        path: ['StepScalingPolicyConfiguration', 'MinAdjustmentMagnitude'],
        message: `found it with ${AdjustmentType}, expected it only with PercentChangeInCapacity`,
      });
    if (StepAdjustments !== undefined)
      for (const { path, message } of stepProblems(AdjustmentType, StepAdjustments))
        problems.push({ path: ['StepScalingPolicyConfiguration', 'StepAdjustments', ...path], message });
    const sides = scalingSteps === undefined ? [] : sidesOf(scalingSteps, AdjustmentType);
    const wrong =
      typeof sides === 'string'
        ? [sides]
        : sides.flatMap((side) => stepProblems(AdjustmentType, side.StepAdjustments).map(({ message }) => message));
    for (const message of wrong) problems.push({ path: ['scalingSteps'], message });
    return problems;
  },

  policies({ PolicyName, PolicyType, alarm: written, scalingSteps, StepScalingPolicyConfiguration: configuration }) {
    if (written === undefined)
      return [{ PolicyName, PolicyType, StepScalingPolicyConfiguration: configuration as PutConfiguration }];
    const sides =
      scalingSteps === undefined
        ? [{ suffix: '', ...written, StepAdjustments: configuration.StepAdjustments } as Side]
        : (sidesOf(scalingSteps, configuration.AdjustmentType) as readonly Side[]); // `problems` has refused the rest
    return sides.map(({ suffix, Threshold, ComparisonOperator, StepAdjustments }) => ({
      PolicyName: `${PolicyName}${suffix}`,
      PolicyType,
      alarm: { ...written, Threshold, ComparisonOperator },
      StepScalingPolicyConfiguration: { ...configuration, StepAdjustments },
    }));
  },

  follows({ alarm: written }) {
    if (written === undefined) return undefined;
    const { MetricName = '', Namespace, Dimensions, Metrics, Statistic } = written;
    if (Metrics !== undefined) return { request: requestOf(Metrics) };
    if (isOfTheService(written)) return { predefined: MetricName as ScalingMetric, statistic: Statistic };
    return {
      request: requestFor(keyOf({ Namespace: Namespace as string, MetricName, Dimensions }), Statistic ?? 'Average'),
    };
  },

  alarms({ PolicyName, alarm: config }, request, policyKey, alarmId) {
    if (config === undefined) return [];
    const { Period, EvaluationPeriods, DatapointsToAlarm, Threshold, ComparisonOperator } = config;
    const resourceId = policyKey.slice(0, -PolicyName.length - 1);
    const side = ComparisonOperator.startsWith('Greater') ? 'High' : 'Low';
    return [
      {
        alarmName: `StepScaling-${resourceId}-Alarm${side}-${alarmId}`,
        request,
        periodMs: Period * SECOND,
        evaluationPeriods: EvaluationPeriods,
        datapointsToAlarm: DatapointsToAlarm ?? EvaluationPeriods,
        threshold: Threshold,
        comparisonOperator: ComparisonOperator,
        treatMissingData: config.TreatMissingData,
        ...(config.EvaluateLowSampleCountPercentile === 'ignore' ? { ignoresFewSamples: true } : {}),
        scalingActions: { ALARM: [policyKey] },
      },
    ];
  },

  capacity({ StepScalingPolicyConfiguration: configuration }, { datapoints, runningCount, ...alarmed }) {
    const metricValue = aggregatedMetric(configuration, datapoints);
    return adjusted(configuration, matchingStep(configuration, { metricValue, ...alarmed }), runningCount);
  },

  cooldowns: ({ StepScalingPolicyConfiguration: { Cooldown } }) => ({
    outMs: Cooldown * SECOND,
    inMs: Cooldown * SECOND,
  }),

  // Choice: AWS explains what a cooldown deducts by an example that adds; an exact capacity already holds what was added.
  countsFromRunning: ({ StepScalingPolicyConfiguration: { AdjustmentType } }) => AdjustmentType !== 'ExactCapacity',

  tracksTarget: false,
  ownsAlarms: false,
};

/** Whether an alarm names a metric of the scaled service, whose dimensions follow. */
function isOfTheService({ MetricName = '', Namespace, Dimensions }: WrittenAlarm): boolean {
  const published = Object.hasOwn(scalingMetrics, MetricName) ? scalingMetrics[MetricName as ScalingMetric] : undefined;
  return published !== undefined && (Namespace ?? published) === published && Dimensions.length === 0;
}

/** What put-metric-alarm would refuse. */
function alarmProblems(written: WrittenAlarm): ScenarioProblem[] {
  const { MetricName, Namespace, Statistic, Period, Metrics } = written;
  const problems: ScenarioProblem[] = [];
  const report = (path: ScenarioProblem['path'], message: string) =>
    problems.push({ path: ['alarm', ...path], message });
  for (const { path, message } of windowProblems(written)) report(path, message);
  if (Metrics !== undefined) {
    for (const [key, value] of Object.entries({ MetricName, Namespace, Statistic }))
      if (value !== undefined) report([key], `found ${key} beside Metrics, expected one or the other`);
    for (const { path, message } of metricQueryProblems(Metrics, Period)) report(['Metrics', ...path], message);
    return problems;
  }
  if (MetricName === undefined) report([], 'found neither MetricName nor Metrics, expected one of them');
  else if (!isOfTheService(written) && Namespace === undefined)
    report(
      ['MetricName'],
      `found ${MetricName} without a Namespace, expected one, or a metric of the service: ${Object.keys(scalingMetrics).join(', ')}`,
    );
  if (MetricName?.endsWith('RequestCountPerTarget') === true && Statistic !== undefined && Statistic !== 'Sum')
    report(['Statistic'], `found ${Statistic}, expected Sum: the only valid statistic is Sum`);
  return problems;
}

const MOST_STEPS = 20;

/** What put-scaling-policy would refuse, in its words where they are known. The order of the steps does not matter. */
function stepProblems(
  adjustmentType: StepScalingPolicyConfiguration['AdjustmentType'],
  steps: readonly StepAdjustment[],
): readonly ScenarioProblem[] {
  const problems: ScenarioProblem[] = [];
  const report = (path: ScenarioProblem['path'], message: string) => problems.push({ path, message });
  if (steps.length === 0) report([], 'found no step adjustment, expected at least one');
  if (steps.length > MOST_STEPS)
    report([], `found ${steps.length}: There can be at most ${MOST_STEPS} step adjustments per scaling policy`);
  const sound: { readonly index: number; readonly lower: number; readonly upper: number }[] = [];
  for (const [index, step] of steps.entries()) {
    const [lower, upper] = [lowerBound(step), upperBound(step)];
    if (lower === Number.NEGATIVE_INFINITY && upper === Number.POSITIVE_INFINITY)
      report([index], 'Both lower and upper bounds of a step adjustment cannot be left unspecified');
    else if (lower >= upper)
      report(
        [index, 'MetricIntervalUpperBound'],
        `found ${upper}, expected more than MetricIntervalLowerBound, ${lower}`,
      );
    else sound.push({ index, lower, upper });
    if (adjustmentType === 'ExactCapacity' && step.ScalingAdjustment < 0)
      report([index, 'ScalingAdjustment'], `found ${step.ScalingAdjustment}, expected 0 or more with ExactCapacity`);
  }
  for (const [side, bound, sign] of [
    ['lower', 'negative', -1],
    ['upper', 'positive', 1],
  ] as const) {
    const open = sound.filter((step) => !Number.isFinite(step[side]));
    for (const { index } of open.slice(1))
      report([index], `Only one step adjustment can have an unspecified ${side} bound`);
    const beyond = sound.find((step) => Number.isFinite(step[side]) && step[side] * sign > 0);
    if (open.length === 0 && beyond !== undefined)
      report(
        [beyond.index],
        `There must be a StepAdjustment with an unspecified ${side} bound (i.e., ${side} bound is null) when one StepAdjustment has a ${bound} ${side} bound`,
      );
  }
  const ascending = sound.toSorted((a, b) => a.lower - b.lower || a.upper - b.upper || a.index - b.index);
  for (const [place, { index, lower }] of ascending.entries()) {
    const before = ascending[place - 1];
    if (before === undefined || lower === Number.NEGATIVE_INFINITY || before.upper === lower) continue;
    if (before.upper === Number.POSITIVE_INFINITY && upperBound(steps[index] as StepAdjustment) === before.upper)
      continue;
    report(
      [index],
      `found ${lower} after an upper bound of ${before.upper}: The ranges of your step adjustments can't overlap or have a gap`,
    );
  }
  return problems;
}

type ScalingInterval = NonNullable<WrittenPolicy['scalingSteps']>[number];

/** A piece of the metric's axis; without a change nothing happens in it. */
interface Interval {
  readonly lower: number;
  readonly upper: number;
  readonly change: number | undefined;
}

/** What `scalingSteps` imply below, or above, the interval in which nothing happens. */
interface Side {
  readonly suffix: string;
  readonly Threshold: number;
  readonly ComparisonOperator: ComparisonOperator;
  readonly StepAdjustments: readonly StepAdjustment[];
}

const MOST_INTERVALS = 40;

/**
 * The alarms and steps that aws-cdk makes of intervals of the metric, or its message on what is wrong with them. The lowest
 * interval reaches down without end, the highest up without end; without an interval in which nothing happens the two
 * alarms meet in the middle.
 *
 * @source aws-cdk, aws-autoscaling-common/lib/interval-utils.ts and aws-applicationautoscaling/lib/step-scaling-policy.ts
 */
function sidesOf(
  written: readonly ScalingInterval[],
  adjustmentType: StepScalingPolicyConfiguration['AdjustmentType'],
): readonly Side[] | string {
  if (written.length < 2) return 'You must supply at least 2 intervals for autoscaling';
  if (written.length > MOST_INTERVALS)
    return `'scalingSteps' can have at most ${MOST_INTERVALS} steps, got ${written.length}`;
  const intervals = wholeAxis(written, adjustmentType === 'ExactCapacity');
  if (typeof intervals === 'string') return intervals;
  if (intervals.every(({ change }) => change === undefined))
    return 'found no interval that changes anything, expected one';
  const still = intervals.findIndex(({ change }) => change === undefined);
  const middle = Math.floor(intervals.length / 2);
  const below = intervals.slice(0, still === -1 ? middle : still);
  const above = intervals.slice(still === -1 ? middle : still + 1);
  const sides: Side[] = [];
  const [lowest, highest] = [intervals[0], intervals.at(-1)];
  const steps = (side: readonly Interval[], threshold: number) =>
    side.map((interval) => ({
      ...(interval === lowest ? {} : { MetricIntervalLowerBound: interval.lower - threshold }),
      ...(interval === highest ? {} : { MetricIntervalUpperBound: interval.upper - threshold }),
      ScalingAdjustment: interval.change as number,
    }));
  if (below.length > 0) {
    const Threshold = (below.at(-1) as Interval).upper;
    const StepAdjustments = steps(below, Threshold).toReversed();
    sides.push({ suffix: '-lower', Threshold, ComparisonOperator: 'LessThanOrEqualToThreshold', StepAdjustments });
  }
  if (above.length > 0) {
    const Threshold = (above[0] as Interval).lower;
    const StepAdjustments = steps(above, Threshold);
    sides.push({ suffix: '-upper', Threshold, ComparisonOperator: 'GreaterThanOrEqualToThreshold', StepAdjustments });
  }
  return sides;
}

/** The axis from 0 to infinity in ascending intervals without gaps, at most one of them without a change. */
function wholeAxis(written: readonly ScalingInterval[], isExact: boolean): readonly Interval[] | string {
  const complete = completed(written);
  if (typeof complete === 'string') return complete;
  const axis: Interval[] = [];
  const add = (lower: number, upper: number, change: number | undefined) => {
    const last = axis.at(-1);
    if (change === undefined && last !== undefined && last.change === undefined)
      axis[axis.length - 1] = { ...last, upper };
    else axis.push({ lower, upper, change });
  };
  const first = complete[0] as Interval;
  if (first.lower !== 0) add(0, first.lower, undefined);
  for (const [index, { lower, upper, change }] of complete.entries()) {
    const before = complete[index - 1];
    if (before !== undefined && before.upper < lower) add(before.upper, lower, undefined);
    add(lower, upper, change === 0 && !isExact ? undefined : change);
  }
  const last = complete.at(-1) as Interval;
  if (last.upper !== Number.POSITIVE_INFINITY) add(last.upper, Number.POSITIVE_INFINITY, undefined);
  const still = axis.filter(({ change }) => change === undefined);
  return still.length > 1 ? `Can have at most one no-change interval, got ${JSON.stringify(still)}` : axis;
}

/** The intervals in ascending order, with the bounds that follow from their neighbours. */
function completed(written: readonly ScalingInterval[]): readonly Interval[] | string {
  const boundless = written.find(({ lower, upper }) => lower === undefined && upper === undefined);
  if (boundless !== undefined)
    return `Must supply at least one of 'upper' or 'lower', got: ${JSON.stringify(boundless)}`;
  const sorted = written.toSorted((a, b) => ((a.lower ?? a.upper) as number) - ((b.lower ?? b.upper) as number));
  // Each interval has a bound of its own, so that the missing one is the neighbour's if it is anywhere.
  const intervals = sorted.map(({ lower, upper, change }, index) => ({
    lower: lower ?? (index === 0 ? 0 : sorted[index - 1]?.upper),
    upper: upper ?? (index === sorted.length - 1 ? Number.POSITIVE_INFINITY : sorted[index + 1]?.lower),
    change,
  }));
  const open = intervals.find(({ lower, upper }) => lower === undefined || upper === undefined);
  if (open !== undefined) return `Could not determine the lower and upper bounds for ${JSON.stringify(open)}`;
  const complete = intervals as readonly Interval[];
  for (const [index, interval] of complete.entries()) {
    const next = complete[index + 1];
    if (next !== undefined && interval.lower < next.upper && next.lower < interval.upper)
      return `Two intervals overlap: ${JSON.stringify(interval)} and ${JSON.stringify(next)}`;
  }
  return complete;
}
