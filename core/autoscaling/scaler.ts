/** What every kind of scaling policy can say of itself. */

import type { z } from 'zod';
import type { MetricAlarm } from '../cloudwatch/index.ts';
import type { Millis } from '../kernel/index.ts';

/** What a scalable target tells of itself when it is asked. Application Auto Scaling knows no more of ECS than this. */
export interface ScalableCapacity {
  readonly desiredCount: number;
  /** Tasks in RUNNING, of all deployments. */
  readonly runningCount: number;
  readonly deploymentInProgress: boolean;
}

/** A metric that a predefined specification stands for, as the namespace that owns it describes it. */
export interface PredefinedMetric {
  /** `metricKey` */
  readonly metric: string;
  readonly statistic: MetricAlarm['statistic'];
  readonly delayMs: Millis;
}

/** What the alarm that called a policy has seen. */
export interface Reading {
  readonly direction: 'out' | 'in';
  /** Values of the alarm's recent datapoints, oldest first; at least one. */
  readonly datapoints: readonly number[];
  readonly runningCount: number;
}

export interface Scaler<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** The alarms that Application Auto Scaling manages for the policy. */
  readonly alarms: (
    config: z.output<Schema>,
    metric: PredefinedMetric,
    policyKey: string,
  ) => { readonly high: MetricAlarm; readonly low: MetricAlarm | undefined };
  /** Capacity the policy asks for, before bounds and cooldowns; undefined when the reading gives it no reason to act. */
  readonly capacity: (config: z.output<Schema>, reading: Reading) => number | undefined;
  readonly cooldowns: (config: z.output<Schema>) => { readonly outMs: Millis; readonly inMs: Millis };
}
