/** The kinds of scaling policy. To add one: a file in scalers/ and a line here. */

import { z } from 'zod';
import { targetTracking } from './scalers/targetTracking.ts';

export const scalers = { TargetTrackingScaling: targetTracking } as const;
export type PolicyType = keyof typeof scalers;

/** A policy as `aws application-autoscaling put-scaling-policy` takes it. */
export const scalingPolicy = z.discriminatedUnion('PolicyType', [scalers.TargetTrackingScaling.schema]);
export type ScalingPolicyConfig = z.output<typeof scalingPolicy>;
