/** What every kind of scaling policy keeps. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { z } from 'zod';
import { policyKey, type scalers, type Scaler, type ScalingPolicyConfig } from '../../core/autoscaling/index.ts';
import { MINUTE } from '../../core/kernel/index.ts';

type ScalerName = keyof typeof scalers;
export type AnyScaler = Scaler<z.ZodType<ScalingPolicyConfig>>;

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
};

const METRIC = { metric: 'some metric', statistic: 'Average', delayMs: 60_000 } as const;

/** The alarms watch the policy's metric, call the policy, and differ in their names. */
export const alarmsAreSound = (scaler: AnyScaler, written: fc.Arbitrary<object>): fc.IProperty<unknown> =>
  fc.property(written, (policy) => {
    const config = scaler.schema.parse(policy);
    const key = policyKey('service/demo/web', config.PolicyName);
    const { high, low } = scaler.alarms(config, METRIC, key);
    assert.notEqual(high.alarmName, low?.alarmName);
    for (const alarm of low === undefined ? [high] : [high, low]) {
      assert.equal(alarm.metric, METRIC.metric);
      assert.equal(alarm.metricDelayMs, METRIC.delayMs);
      assert.deepEqual(alarm.alarmActions, [key]);
      assert.equal(Number.isFinite(alarm.threshold), true);
      assert.equal(alarm.periodMs % MINUTE, 0);
      assert.equal(alarm.datapointsToAlarm >= 1 && alarm.datapointsToAlarm <= alarm.evaluationPeriods, true);
      // Limits of PutMetricAlarm: at most a day of periods shorter than an hour.
      assert.equal(alarm.periodMs * alarm.evaluationPeriods <= 86_400_000, true);
    }
    assert.deepEqual(scaler.alarms(config, METRIC, key), { high, low });
    const { outMs, inMs } = scaler.cooldowns(config);
    for (const lengthMs of [outMs, inMs]) assert.equal(Number.isInteger(lengthMs) && lengthMs >= 0, true);
  });

/** A capacity is a whole number, moves in the alarm's direction when it moves, and more of the metric never asks for less. */
export const capacitiesAreSound = (scaler: AnyScaler, written: fc.Arbitrary<object>): fc.IProperty<unknown> =>
  fc.property(
    written,
    fc.constantFrom('out' as const, 'in' as const),
    fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 15 }),
    fc.nat({ max: 5_000 }),
    (policy, direction, datapoints, runningCount) => {
      const config = scaler.schema.parse(policy);
      const ask = (values: readonly number[]) =>
        scaler.capacity(config, { direction, datapoints: values, runningCount });
      const capacity = ask(datapoints);
      assert.equal(ask(datapoints), capacity);
      if (capacity === undefined) return;
      assert.equal(Number.isSafeInteger(capacity) && capacity >= 0, true, `capacity ${capacity}`);
      if (direction === 'out') assert.equal(capacity >= runningCount, true, `${capacity} of ${runningCount}`);
      else assert.equal(capacity <= runningCount, true, `${capacity} of ${runningCount}`);
      const more = ask(datapoints.map((value) => value * 1.5 + 1));
      if (more !== undefined) assert.equal(more >= capacity, true, `${more} after ${capacity}`);
    },
  );
