/** What every kind of scaling policy keeps. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { z } from 'zod';
import {
  policyKey,
  scalingAssumptions,
  scalingSettings,
  type PutScalingPolicy,
  type scalers,
  type Scaler,
  type ScalingPolicyConfig,
  type StepAdjustment,
} from '../../core/autoscaling/index.ts';
import { requestFor } from '../../core/cloudwatch/index.ts';
import { MINUTE } from '../../core/kernel/index.ts';

type ScalerName = keyof typeof scalers;
export type AnyScaler = Scaler<z.ZodType<ScalingPolicyConfig>, PutScalingPolicy>;

export const comparisonOperators = fc.constantFrom(
  'GreaterThanOrEqualToThreshold',
  'GreaterThanThreshold',
  'LessThanThreshold',
  'LessThanOrEqualToThreshold',
);

/** Steps that AWS takes, in any order: without gap or overlap, and without end on each side that goes past 0. */
export const stepAdjustments = (least: number): fc.Arbitrary<readonly StepAdjustment[]> =>
  fc
    .record({
      cuts: fc.uniqueArray(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 6 }),
      down: fc.boolean(),
      up: fc.boolean(),
      adjustments: fc.array(fc.integer({ min: least, max: 150 }), { minLength: 7, maxLength: 7 }),
    })
    .map(({ cuts, down, up, adjustments }) => {
      const bounds = cuts.toSorted((a, b) => a - b);
      const opensDown = down || (bounds[0] as number) < 0;
      const opensUp = up || (bounds.at(-1) as number) > 0 || (bounds.length === 1 && !opensDown);
      const ends = [...(opensDown ? [undefined] : []), ...bounds, ...(opensUp ? [undefined] : [])];
      return ends.slice(1).map((upper, index) => ({
        ...(ends[index] === undefined ? {} : { MetricIntervalLowerBound: ends[index] }),
        ...(upper === undefined ? {} : { MetricIntervalUpperBound: upper }),
        ScalingAdjustment: adjustments[index] as number,
      }));
    })
    .chain((steps) => fc.shuffledSubarray(steps, { minLength: steps.length }));

/** StepScalingPolicyConfiguration as people write it. */
export const stepConfigurations = fc
  .constantFrom('ChangeInCapacity' as const, 'ExactCapacity' as const, 'PercentChangeInCapacity' as const)
  .chain((AdjustmentType) =>
    fc.record(
      {
        AdjustmentType: fc.constant(AdjustmentType),
        StepAdjustments: stepAdjustments(AdjustmentType === 'ExactCapacity' ? 0 : -150),
        Cooldown: fc.nat({ max: 3_600 }),
        MetricAggregationType: fc.constantFrom('Average' as const, 'Minimum' as const, 'Maximum' as const),
        ...(AdjustmentType === 'PercentChangeInCapacity'
          ? { MinAdjustmentMagnitude: fc.integer({ min: 1, max: 9 }) }
          : {}),
      },
      { requiredKeys: ['AdjustmentType', 'StepAdjustments'] },
    ),
  );

const stepPolicy = fc.record({
  PolicyName: fc.constantFrom('high', 'more / less'),
  PolicyType: fc.constant('StepScaling'),
  alarm: fc.record(
    {
      MetricName: fc.constantFrom('CPUUtilization', 'ALBRequestCountPerTarget', 'TargetResponseTime'),
      Period: fc.constantFrom(60, 300),
      EvaluationPeriods: fc.integer({ min: 2, max: 10 }),
      DatapointsToAlarm: fc.integer({ min: 1, max: 2 }),
      Threshold: fc.double({ min: 0, max: 1e6, noNaN: true }),
      ComparisonOperator: comparisonOperators,
      TreatMissingData: fc.constantFrom('missing', 'ignore', 'breaching', 'notBreaching'),
    },
    { requiredKeys: ['MetricName', 'EvaluationPeriods', 'Threshold', 'ComparisonOperator'] },
  ),
  StepScalingPolicyConfiguration: stepConfigurations,
});

/** One that alarms of the user's own call. */
const calledPolicy = fc.record({
  PolicyName: fc.constant('called'),
  PolicyType: fc.constant('StepScaling'),
  StepScalingPolicyConfiguration: stepConfigurations,
});

/** In shorthand: what is below the lowest bound takes away, what is above the highest adds. */
const steppedIntervals = fc.record({
  PolicyName: fc.constant('steps'),
  PolicyType: fc.constant('StepScaling'),
  alarm: fc.record({ MetricName: fc.constant('CPUUtilization'), EvaluationPeriods: fc.integer({ min: 1, max: 5 }) }),
  StepScalingPolicyConfiguration: fc.record({
    AdjustmentType: fc.constantFrom('ChangeInCapacity', 'PercentChangeInCapacity'),
  }),
  scalingSteps: fc
    .uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 6 })
    .map((bounds) => bounds.toSorted((a, b) => a - b))
    .map(([lowest, ...others]) => [
      { upper: lowest, change: -1 },
      ...others.map((lower, index) => ({ lower, change: index + 1 })),
    ]),
});

/** What a user may write, for each kind. */
export const writtenPolicies: { readonly [Name in ScalerName]: fc.Arbitrary<object> } = {
  TargetTrackingScaling: fc.record({
    PolicyName: fc.constantFrom('cpu', 'keep it at half'),
    PolicyType: fc.constant('TargetTrackingScaling'),
    TargetTrackingScalingPolicyConfiguration: fc.record(
      {
        TargetValue: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
        PredefinedMetricSpecification: fc.record({
          PredefinedMetricType: fc.constantFrom('ECSServiceAverageCPUUtilization', 'ALBRequestCountPerTarget'),
        }),
        ScaleOutCooldown: fc.nat({ max: 3_600 }),
        ScaleInCooldown: fc.nat({ max: 3_600 }),
        DisableScaleIn: fc.boolean(),
      },
      { requiredKeys: ['TargetValue', 'PredefinedMetricSpecification'] },
    ),
  }),
  StepScaling: fc.oneof(stepPolicy, steppedIntervals, calledPolicy),
  PredictiveScaling: fc.record({
    PolicyName: fc.constant('ahead'),
    PolicyType: fc.constant('PredictiveScaling'),
    PredictiveScalingPolicyConfiguration: fc.record({
      MetricSpecifications: fc.tuple(
        fc.record({
          TargetValue: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
          PredefinedMetricPairSpecification: fc.record({
            PredefinedMetricType: fc.constantFrom('ECSServiceCPUUtilization', 'ALBRequestCount'),
          }),
        }),
      ),
      Mode: fc.constantFrom('ForecastOnly', 'ForecastAndScale'),
      SchedulingBufferTime: fc.nat({ max: 3_600 }),
    }),
  }),
};

const REQUEST = requestFor('Some Metric ', 'Average');
const SETTINGS = scalingSettings(scalingAssumptions.parse({}));

/** The policies that a written one stands for: at least one, none with problems or shorthand left. */
function policiesOf(scaler: AnyScaler, written: object): readonly PutScalingPolicy[] {
  const policy = scaler.schema.parse(written);
  assert.deepEqual(scaler.problems(policy), []);
  const policies = scaler.policies(policy);
  assert.equal(policies.length >= 1, true);
  assert.equal(new Set(policies.map(({ PolicyName }) => PolicyName)).size, policies.length);
  for (const put of policies) {
    const again = scaler.schema.parse(put);
    assert.deepEqual(scaler.problems(again), []);
    assert.deepEqual(scaler.policies(again), [put]);
  }
  return policies;
}

/** The alarms watch the policy's metric, call the policy, and differ in their names. */
export const alarmsAreSound = (scaler: AnyScaler, written: fc.Arbitrary<object>): fc.IProperty<unknown> =>
  fc.property(written, (policy) => {
    const names: string[] = [];
    for (const put of policiesOf(scaler, policy)) {
      const key = policyKey('service/demo/web', put.PolicyName);
      const alarms = scaler.alarms(put, REQUEST, key, put.PolicyName);
      assert.equal(alarms.length >= 1, scaler.follows(put) !== undefined);
      for (const alarm of alarms) {
        names.push(alarm.alarmName);
        assert.deepEqual(alarm.request, REQUEST);
        assert.deepEqual(alarm.scalingActions, { ALARM: [key] });
        assert.equal(Number.isFinite(alarm.threshold), true);
        assert.equal(alarm.periodMs % MINUTE === 0 || [10, 20, 30].includes(alarm.periodMs / 1_000), true);
        assert.equal(alarm.datapointsToAlarm >= 1 && alarm.datapointsToAlarm <= alarm.evaluationPeriods, true);
        // Limits of PutMetricAlarm: at most a day of periods shorter than an hour.
        assert.equal(alarm.periodMs * alarm.evaluationPeriods <= 86_400_000, true);
      }
      assert.deepEqual(scaler.alarms(put, REQUEST, key, put.PolicyName), alarms);
      const { outMs, inMs } = scaler.cooldowns(put);
      for (const lengthMs of [outMs, inMs]) assert.equal(Number.isInteger(lengthMs) && lengthMs >= 0, true);
    }
    assert.equal(new Set(names).size, names.length);
  });

const datapoints = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 15 });

/** A capacity is a whole number of tasks, and the same for the same reading, for each alarm that may call the policy. */
export const capacitiesAreSound = (scaler: AnyScaler, written: fc.Arbitrary<object>): fc.IProperty<unknown> =>
  fc.property(written, datapoints, fc.nat({ max: 5_000 }), (policy, values, runningCount) => {
    for (const put of policiesOf(scaler, policy))
      for (const { threshold, comparisonOperator } of scaler.alarms(put, REQUEST, 'service/demo/web/key', 'key')) {
        const reading = { datapoints: values, threshold, comparisonOperator, runningCount };
        const capacity = scaler.capacity(put, reading, SETTINGS);
        assert.equal(scaler.capacity(put, reading, SETTINGS), capacity);
        if (capacity !== undefined)
          assert.equal(Number.isSafeInteger(capacity) && capacity >= 0, true, `capacity ${capacity}`);
      }
  });

/** Of a policy that tracks a target: it moves in its alarm's direction, and more of the metric never asks for less. */
export const capacityFollowsTheMetric = (scaler: AnyScaler, written: fc.Arbitrary<object>): fc.IProperty<unknown> =>
  fc.property(written, datapoints, fc.nat({ max: 5_000 }), (policy, values, runningCount) => {
    for (const put of policiesOf(scaler, policy))
      for (const { threshold, comparisonOperator } of scaler.alarms(put, REQUEST, 'service/demo/web/key', 'key')) {
        const ask = (seen: readonly number[]) =>
          scaler.capacity(put, { datapoints: seen, threshold, comparisonOperator, runningCount }, SETTINGS);
        const capacity = ask(values);
        if (capacity === undefined) continue;
        if (comparisonOperator === 'GreaterThanThreshold')
          assert.equal(capacity >= runningCount, true, `${capacity} of ${runningCount}`);
        else assert.equal(capacity <= runningCount, true, `${capacity} of ${runningCount}`);
        const more = ask(values.map((value) => value * 1.5 + 1));
        if (more !== undefined) assert.equal(more >= capacity, true, `${more} after ${capacity}`);
      }
  });
