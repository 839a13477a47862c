/** What AWS leaves open about scaling, with the recommended answers. */

import { z } from 'zod';
import { duration, type Millis } from '../kernel/index.ts';
import { forecasters } from './forecasters.ts';

type ForecasterName = keyof typeof forecasters;

export const scalingAssumptions = z.strictObject({
  metricValue: z
    .enum(['mean', 'latest', 'max'])
    .default('mean')
    .describe(
      "which of the alarm's datapoints target tracking reckons with; the largest effect on overshoot of all (3.3, 9.2)",
    ),
  scaleOutCooldown: z
    .enum(['credit', 'absolute'])
    .default('credit')
    .describe(
      'within a scale-out cooldown: credit deducts what the chain of scale-outs has added from what is wanted; absolute only asks for more than is desired (3.4, 9.5)',
    ),
  scaleInDuringScaleOutCooldown: z
    .enum(['allowed', 'blocked'])
    .default('allowed')
    .describe('whether a policy may scale in while its scale-out cooldown runs (3.4)'),
  maxScaleInFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe(
      'the largest share of the running tasks that target tracking takes away at once, one task at least (9.7)',
    ),
  policiesWithoutData: z
    .enum(['veto', 'abstain'])
    .default('veto')
    .describe('whether a target tracking policy whose alarm has no data keeps the others from scaling in (3.5, 9.17)'),
  belowMinimum: z
    .enum(['oneStep', 'twoSteps'])
    .default('oneStep')
    .describe('a scale-out from below the minimum: to what is wanted at once, or to the minimum first (3.6, 9.13)'),
  activityTimeout: duration
    .optional()
    .describe('after which an activity whose tasks do not come is Unfulfilled; never when left out (3.11, 9.6)'),
  scheduledConflict: z
    .enum(['fail', 'clamp'])
    .default('fail')
    .describe(
      'a one-sided scheduled action that would cross the other bound: fails, or moves that bound along (5.1, 9.15)',
    ),
  scheduledScaleInDuringDeployment: z
    .enum(['applied', 'refused'])
    .default('applied')
    .describe('whether a scheduled action may lower the desired count during a deployment (5.1)'),
  nonexistentLocalTime: z
    .enum(['skipped', 'shifted'])
    .default('skipped')
    .describe('a scheduled local time that the clocks skip: not due, or as much later as the clocks go forward (5.3)'),
  ambiguousLocalTime: z
    .enum(['first', 'last', 'both'])
    .default('first')
    .describe('a scheduled local time that comes twice: due the first time, the last time, or both (5.3)'),
  endTime: z
    .enum(['inclusive', 'exclusive'])
    .default('inclusive')
    .describe('whether a recurring action is still due at its EndTime itself (5.4)'),
  forecaster: z
    .enum(Object.keys(forecasters) as [ForecasterName, ...ForecasterName[]])
    .default('seasonalMedian')
    .describe(
      'how predictive scaling forecasts, whose own method is not published: seasonalMedian, what was usual at this hour of the week; seasonalCombination, which follows changes of level (6, 9.18)',
    ),
  cronWithBothDays: z
    .enum(['refused', 'lenient'])
    .default('refused')
    .describe(
      'a cron with * where day-of-month or day-of-week has to be ?, as AWS documented it until 2023: refused, or read as ? (5.2)',
    ),
});
export type ScalingAssumptions = z.output<typeof scalingAssumptions>;

/** The same as plain data that travels in the world. */
export interface ScalingSettings extends Omit<ScalingAssumptions, 'activityTimeout'> {
  readonly activityTimeoutMs?: Millis;
}

export function scalingSettings({ activityTimeout, ...rest }: ScalingAssumptions): ScalingSettings {
  return activityTimeout === undefined ? rest : { ...rest, activityTimeoutMs: activityTimeout };
}

/** As AWS is taken to be when nothing else is said. */
export const defaultScalingSettings = (): ScalingSettings => scalingSettings(scalingAssumptions.parse({}));
