/** What every kind of scaling policy can say of itself. */

import type { z } from 'zod';
import type { MetricAlarm } from '../cloudwatch/index.ts';
import type { Millis, ScenarioProblem } from '../kernel/index.ts';

/** What a scalable target tells of itself when it is asked. Application Auto Scaling knows no more of ECS than this. */
export interface ScalableCapacity {
  readonly desiredCount: number;
  /** Tasks in RUNNING, of all deployments. */
  readonly runningCount: number;
  readonly deploymentInProgress: boolean;
}

/** Metrics of a scaled service that a policy can follow, and where they are published. The first three are predefined. */
export const scalingMetrics = {
  ECSServiceAverageCPUUtilization: 'AWS/ECS',
  ECSServiceAverageMemoryUtilization: 'AWS/ECS',
  ALBRequestCountPerTarget: 'AWS/ApplicationELB',
  CPUUtilization: 'AWS/ECS',
  MemoryUtilization: 'AWS/ECS',
  RequestCountPerTarget: 'AWS/ApplicationELB',
  TargetResponseTime: 'AWS/ApplicationELB',
} as const;
export type ScalingMetric = keyof typeof scalingMetrics;

/** A metric that a name of `scalingMetrics` stands for, as the namespace that owns it describes it. */
export interface PredefinedMetric {
  /** `metricKey` */
  readonly metric: string;
  /** How it is read unless an alarm says otherwise. */
  readonly statistic: MetricAlarm['statistic'];
  readonly delayMs: Millis;
}

/** What the alarm that called a policy has seen. */
export interface Reading {
  /** Values of the alarm's recent datapoints, oldest first; at least one. */
  readonly datapoints: readonly number[];
  readonly threshold: number;
  readonly comparisonOperator: MetricAlarm['comparisonOperator'];
  readonly runningCount: number;
}

/** @typeParam Policy  what is put and evaluated, once shorthand is spelled out */
export interface Scaler<Schema extends z.ZodType, Policy = z.output<Schema>> {
  readonly schema: Schema;
  /** What AWS would refuse and the schema cannot see; paths start at the policy. */
  readonly problems: (written: z.output<Schema>) => readonly ScenarioProblem[];
  /** The policies that one without problems stands for: itself, or several that its shorthand spells out to. */
  readonly policies: (written: z.output<Schema>) => readonly Policy[];
  readonly metric: (policy: Policy) => ScalingMetric;
  /** The alarms that call the policy; of two in ALARM the first one is heard. */
  readonly alarms: (policy: Policy, metric: PredefinedMetric, policyKey: string) => readonly MetricAlarm[];
  /** Capacity the policy asks for, before bounds and cooldowns; undefined when the reading gives it no reason to act. */
  readonly capacity: (policy: Policy, reading: Reading) => number | undefined;
  readonly cooldowns: (policy: Policy) => { readonly outMs: Millis; readonly inMs: Millis };
  /** Whether a cooldown deducts what it has seen added: not where the policy names a capacity outright. */
  readonly countsFromRunning: (policy: Policy) => boolean;
  /** Policies that track a target scale in only when all of those that may do so agree (spec/autoscaling.md 3.5). */
  readonly tracksTarget: boolean;
}
