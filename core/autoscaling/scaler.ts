/** What every kind of scaling policy can say of itself. */

import type { z } from 'zod';
import type { ComparisonOperator, MetricAlarm, MetricRequest } from '../cloudwatch/index.ts';
import type { Millis, ScenarioProblem } from '../kernel/index.ts';
import type { ScalingSettings } from './settings.ts';

/** What a scalable target tells of itself when it is asked. Application Auto Scaling knows no more of ECS than this. */
export interface ScalableCapacity {
  readonly desiredCount: number;
  /** Tasks in RUNNING, of all deployments. */
  readonly runningCount: number;
  readonly deploymentInProgress: boolean;
}

/** Metrics of a scaled service that a policy can follow by name, and where they are published. */
export const scalingMetrics = {
  ECSServiceAverageCPUUtilization: 'AWS/ECS',
  ECSServiceAverageMemoryUtilization: 'AWS/ECS',
  ECSServiceAverageCPUUtilizationHighResolution: 'AWS/ECS',
  ECSServiceAverageMemoryUtilizationHighResolution: 'AWS/ECS',
  ALBRequestCountPerTarget: 'AWS/ApplicationELB',
  CPUUtilization: 'AWS/ECS',
  MemoryUtilization: 'AWS/ECS',
  RequestCount: 'AWS/ApplicationELB',
  RequestCountPerTarget: 'AWS/ApplicationELB',
  TargetResponseTime: 'AWS/ApplicationELB',
} as const;
export type ScalingMetric = keyof typeof scalingMetrics;

/** What a policy follows: a metric of the service by its name, or what the user has written out. */
export type FollowedMetric =
  | {
      readonly predefined: ScalingMetric;
      readonly resourceLabel?: string | undefined;
      /** How it is read; as the metric is usually read when left out. */
      readonly statistic?: string | undefined;
    }
  | { readonly request: MetricRequest };

/** What the alarm that called a policy has seen. */
export interface Reading {
  /** Values of the alarm's recent datapoints, oldest first; at least one. */
  readonly datapoints: readonly number[];
  readonly threshold: number;
  readonly comparisonOperator: ComparisonOperator;
  readonly runningCount: number;
}

/** @typeParam Policy  what is put and evaluated, once shorthand is spelled out */
export interface Scaler<Schema extends z.ZodType, Policy = z.output<Schema>> {
  readonly schema: Schema;
  /** What AWS would refuse and the schema cannot see; paths start at the policy. */
  readonly problems: (written: z.output<Schema>) => readonly ScenarioProblem[];
  /** The policies that one without problems stands for: itself, or several that its shorthand spells out to. */
  readonly policies: (written: z.output<Schema>) => readonly Policy[];
  /** What it follows; undefined when only alarms of the user's own call it. */
  readonly follows: (policy: Policy) => FollowedMetric | undefined;
  /**
   * The alarms that the policy brings along; of two in ALARM the first one is heard.
   * @param alarmId  ends their names
   */
  readonly alarms: (
    policy: Policy,
    request: MetricRequest,
    policyKey: string,
    alarmId: string,
  ) => readonly MetricAlarm[];
  /** Capacity the policy asks for, before bounds and cooldowns; undefined when the reading gives it no reason to act. */
  readonly capacity: (policy: Policy, reading: Reading, settings: ScalingSettings) => number | undefined;
  readonly cooldowns: (policy: Policy) => { readonly outMs: Millis; readonly inMs: Millis };
  /** Whether a cooldown deducts what it has seen added: not where the policy names a capacity outright. */
  readonly countsFromRunning: (policy: Policy) => boolean;
  /** Policies that track a target scale in only when all of those that may do so agree (spec/autoscaling.md 3.5). */
  readonly tracksTarget: boolean;
  /** Whether the alarms are the policy's own: they go with it, and are made anew when it is replaced. */
  readonly ownsAlarms: boolean;
}
