/** The kinds of scaling policy. To add one: a file in scalers/ and a line here. */

import type { Immutable } from 'immer';
import { z } from 'zod';
import type { Scaler } from './scaler.ts';
import { predictive } from './scalers/predictive.ts';
import { stepScaling } from './scalers/stepScaling.ts';
import { targetTracking } from './scalers/targetTracking.ts';

export const scalers = {
  TargetTrackingScaling: targetTracking,
  StepScaling: stepScaling,
  PredictiveScaling: predictive,
} as const;

type Scalers = typeof scalers;
type PolicySchema = Scalers[keyof Scalers]['schema'];

/** A policy as a scenario writes it: as `aws application-autoscaling put-scaling-policy` takes it, or in shorthand. */
export const scalingPolicy = z.discriminatedUnion(
  'PolicyType',
  Object.values(scalers).map(({ schema }) => schema) as [PolicySchema, ...PolicySchema[]],
);
export type ScalingPolicyConfig = z.output<typeof scalingPolicy>;

/** A policy as it is put and evaluated, with no shorthand left in it. */
export type PutScalingPolicy = Immutable<ReturnType<Scalers[keyof Scalers]['policies']>[number]>;

/** A registry entry by a policy's type; the compiler cannot see that the two belong together. */
export function scalerOf({
  PolicyType,
}: Pick<ScalingPolicyConfig, 'PolicyType'>): Scaler<z.ZodType<ScalingPolicyConfig>, PutScalingPolicy> {
  return scalers[PolicyType] as unknown as Scaler<z.ZodType<ScalingPolicyConfig>, PutScalingPolicy>;
}
