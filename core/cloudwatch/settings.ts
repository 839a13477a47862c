/** What AWS leaves open about metrics and alarms, with the defaults that fit what has been observed. */

import { z } from 'zod';
import { duration, MINUTE, SECOND, type Millis } from '../kernel/index.ts';

/** End of a period to the moment its datapoint can be read. AWS promises none (spec/autoscaling.md 1.5, 9.1). */
export const metricDelay = z.strictObject({
  service: duration
    .optional()
    .describe('AWS/ECS at one minute; 60s, and 150s with the profile aws-benchmark (spec/autoscaling.md 1.5, 9.1)'),
  serviceHighResolution: duration
    .prefault('25s')
    .describe('AWS/ECS at 20 seconds; 25s gives the 86 s that AWS measured from a step in load to a scale-out (9.1)'),
  loadBalancer: duration.prefault('60s').describe('AWS/ApplicationELB (1.5)'),
  containerInsights: duration.prefault('60s').describe('ECS/ContainerInsights (1.5)'),
  queue: duration.prefault('60s').describe('AWS/SQS (1.5)'),
  instance: duration
    .prefault('60s')
    .describe('AWS/EC2, after its period of one minute with detailed monitoring, of five with basic'),
  capacityProvider: duration.prefault('10s').describe('CapacityProviderReservation'),
  custom: duration.prefault('5s').describe('from PutMetricData until a custom value can be read (1.5)'),
});

export const alarmAssumptions = z.strictObject({
  evaluationPhase: z
    .enum(['hash', 'zero'])
    .default('hash')
    .describe(
      'hash: each alarm has its own second within its minute (or ten seconds), as observed; zero: all are evaluated with the full minute (2.2)',
    ),
  extraPeriods: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe(
      'periods that an evaluation fetches beyond EvaluationPeriods: slack for late datapoints, and how long an alarm lives on after its data (2.3)',
    ),
  highResolutionSpan: duration
    .prefault('90s')
    .describe(
      'an alarm with a period below a minute fetches at least this much: 9 periods of 10 s were observed (2.3)',
    ),
  youngBreaches: z
    .enum(['retain', 'OK'])
    .default('retain')
    .describe(
      'what an alarm does while its only datapoints breach and are younger than DatapointsToAlarm periods, missing data being missing: keep its state, as observed, or go to OK (2.4, 9.4)',
    ),
  highResolutionRepeat: z
    .literal(['60s', '20s'])
    .default('60s')
    .describe('how often an alarm with a period below a minute repeats its scaling actions while it lasts (2.6, 9.9)'),
  actionDelay: duration
    .optional()
    .describe(
      'from a change of state of an alarm with periods of a minute or more to its policy hearing of it; 0s, and 30s with the profile aws-benchmark (9.1)',
    ),
});

/** The same, resolved: plain data that travels in the world. */
export interface CloudWatchSettings {
  readonly delaysMs: {
    readonly service: Millis;
    readonly serviceHighResolution: Millis;
    readonly loadBalancer: Millis;
    readonly containerInsights: Millis;
    readonly queue: Millis;
    readonly instance: Millis;
    readonly capacityProvider: Millis;
    readonly custom: Millis;
  };
  readonly evaluationPhase: 'hash' | 'zero';
  readonly extraPeriods: number;
  readonly highResolutionSpanMs: Millis;
  readonly youngBreaches: 'retain' | 'OK';
  readonly highResolutionRepeatMs: Millis;
  readonly actionDelayMs: Millis;
}

export const timingProfiles = ['typical', 'aws-benchmark'] as const;
export type TimingProfile = (typeof timingProfiles)[number];

/** Figures that a profile sets unless the scenario does. @source spec/autoscaling.md 9.1 */
const PROFILES: Readonly<Record<TimingProfile, { readonly serviceMs: Millis; readonly actionDelayMs: Millis }>> = {
  typical: { serviceMs: 60 * SECOND, actionDelayMs: 0 },
  'aws-benchmark': { serviceMs: 150 * SECOND, actionDelayMs: 30 * SECOND },
};

export function cloudWatchSettings(
  profile: TimingProfile,
  delays: z.output<typeof metricDelay>,
  alarms: z.output<typeof alarmAssumptions>,
): CloudWatchSettings {
  const { serviceMs, actionDelayMs } = PROFILES[profile];
  return {
    delaysMs: { ...delays, service: delays.service ?? serviceMs },
    evaluationPhase: alarms.evaluationPhase,
    extraPeriods: alarms.extraPeriods,
    highResolutionSpanMs: alarms.highResolutionSpan,
    youngBreaches: alarms.youngBreaches,
    highResolutionRepeatMs: alarms.highResolutionRepeat === '20s' ? 20 * SECOND : MINUTE,
    actionDelayMs: alarms.actionDelay ?? actionDelayMs,
  };
}

/** As AWS is when nothing else is said. */
export const defaultCloudWatchSettings = (): CloudWatchSettings =>
  cloudWatchSettings('typical', metricDelay.parse({}), alarmAssumptions.parse({}));
