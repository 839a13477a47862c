import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { scalers, stepScalingCapacity, type StepAdjustment } from '../../core/autoscaling/index.ts';
import { comparisonOperators, stepConfigurations } from '../contracts/scaler.ts';

/** Metrics on a bound, next to one, or anywhere: a threshold of 50 and bounds of whole numbers make them exact. */
const THRESHOLD = 50;
const metricValues = fc.oneof(
  fc.integer({ min: -60, max: 160 }),
  fc.integer({ min: -600, max: 1_600 }).map((tenths) => tenths / 8),
);

/** The bounds of each step as the ends of a half-open interval, tried one after the other. */
function searched(steps: readonly StepAdjustment[], beyond: number, includesLower: boolean): readonly number[] {
  const found: number[] = [];
  for (const { MetricIntervalLowerBound: lower, MetricIntervalUpperBound: upper, ScalingAdjustment } of steps) {
    let holds = true;
    if (lower !== undefined && beyond < lower) holds = false;
    if (lower !== undefined && beyond === lower && !includesLower) holds = false;
    if (upper !== undefined && beyond > upper) holds = false;
    if (upper !== undefined && beyond === upper && includesLower) holds = false;
    if (holds) found.push(ScalingAdjustment);
  }
  return found;
}

/** A percentage of tasks in whole ones, by counting: never more than asked for, but at least one in its direction. */
function percentOf(capacity: number, percent: number, least: number): number {
  if (percent === 0) return 0;
  let tasks = 0;
  while ((tasks + 1) * 100 <= capacity * Math.abs(percent)) tasks++;
  if (tasks === 0 && capacity > 0) tasks = 1;
  return Math.sign(percent) * Math.max(tasks, least);
}

describe('step scaling', () => {
  test('its capacity equals a brute-force interval search', () => {
    let moved = 0;
    fc.assert(
      fc.property(
        stepConfigurations,
        metricValues,
        comparisonOperators,
        fc.nat({ max: 60 }),
        fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 60 })),
        (configuration, metricValue, comparisonOperator, currentCapacity, [minCapacity, room]) => {
          const maxCapacity = minCapacity + room;
          const { AdjustmentType, StepAdjustments } = configuration;
          const least = ('MinAdjustmentMagnitude' in configuration && configuration.MinAdjustmentMagnitude) || 0;
          const isAbove = comparisonOperator.includes('Greater');
          const found = searched(StepAdjustments, metricValue - THRESHOLD, isAbove);
          assert.equal(found.length <= 1, true, 'intervals do not overlap');
          let expected = currentCapacity;
          for (const adjustment of found) {
            let wanted = currentCapacity;
            if (AdjustmentType === 'ChangeInCapacity') wanted += adjustment;
            if (AdjustmentType === 'ExactCapacity') wanted = adjustment;
            if (AdjustmentType === 'PercentChangeInCapacity') wanted += percentOf(currentCapacity, adjustment, least);
            // One task at a time, as far as the step goes and the bounds let it.
            while (expected < Math.min(wanted, maxCapacity)) expected++;
            while (expected > Math.max(wanted, minCapacity)) expected--;
            if (wanted > currentCapacity)
              expected = Math.max(expected, Math.min(minCapacity, maxCapacity), currentCapacity);
            if (wanted < currentCapacity) expected = Math.min(expected, maxCapacity, currentCapacity);
          }
          if (expected !== currentCapacity) moved++;
          const capacity = stepScalingCapacity(configuration, {
            metricValue,
            threshold: THRESHOLD,
            comparisonOperator,
            currentCapacity,
            minCapacity,
            maxCapacity,
          });
          assert.equal(capacity, expected);
        },
      ),
      { numRuns: 1_000 },
    );
    assert.equal(moved > 300, true, `only ${moved} cases move`);
  });

  test('intervals in shorthand ask for what the interval of the metric says, wherever it is', () => {
    const { StepScaling } = scalers;
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 12, maxLength: 12 }),
        fc.nat({ max: 11 }),
        metricValues.filter((value) => value >= 0),
        (drawn, changes, pick, metricValue) => {
          const bounds = drawn.toSorted((a, b) => a - b);
          const still = pick % (bounds.length - 1); // nothing happens from this bound to the next
          const scalingSteps = [...bounds, Number.POSITIVE_INFINITY].flatMap((upper, index) => {
            const lower = bounds[index - 1] ?? 0;
            if (index === still + 1) return [];
            const change = (index <= still ? -1 : 1) * (changes[index % 12] as number);
            return [{ lower, ...(upper === Number.POSITIVE_INFINITY ? {} : { upper }), change }];
          });
          const written = StepScaling.schema.parse({
            PolicyName: 'steps',
            PolicyType: 'StepScaling',
            alarm: { MetricName: 'CPUUtilization' },
            StepScalingPolicyConfiguration: { AdjustmentType: 'ChangeInCapacity' },
            scalingSteps,
          });
          assert.deepEqual(StepScaling.problems(written), []);
          const asked = StepScaling.policies(written).flatMap(
            ({ alarm, StepScalingPolicyConfiguration: configuration }) => {
              const { Threshold: threshold, ComparisonOperator: comparisonOperator } = alarm!;
              const isIn =
                comparisonOperator === 'LessThanOrEqualToThreshold'
                  ? metricValue <= threshold
                  : metricValue >= threshold;
              const reading = {
                metricValue,
                threshold,
                comparisonOperator,
                currentCapacity: 100,
                minCapacity: 0,
                maxCapacity: 200,
              };
              return isIn ? [stepScalingCapacity(configuration, reading) - 100] : [];
            },
          );
          // Below the still interval an upper bound belongs to its interval, above it a lower bound does.
          const holds = ({ lower, upper = Number.POSITIVE_INFINITY, change }: (typeof scalingSteps)[number]) =>
            change < 0
              ? metricValue <= upper && (metricValue > lower || lower === 0)
              : metricValue >= lower && metricValue < upper;
          assert.deepEqual(
            asked,
            scalingSteps.filter(holds).map(({ change }) => change),
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
