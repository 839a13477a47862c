/** A day of people: a smooth cosine between a nightly base and a daily peak, scaled at the weekend. */

import { z } from 'zod';
import { DAY, HOUR, SECOND, type Millis } from '../../kernel/index.ts';
import type { LoadModel } from '../loadModel.ts';

const schema = z.strictObject({
  model: z.literal('diurnal'),
  base: z.number().min(0).max(1e9).describe('lowest rate of the day, in requests per second, 12 hours from the peak'),
  peak: z.number().min(0).max(1e9).describe('highest rate of the day, in requests per second'),
  peakHour: z.number().min(0).max(24).default(14).describe('hour of the peak, UTC, from 0 to 24'),
  weekend: z
    .number()
    .min(0)
    .max(1000)
    .default(1)
    .describe('factor on Saturday and Sunday, UTC; 1 makes all days alike'),
});
type Diurnal = z.output<typeof schema>;

const WEEK: Millis = 7 * DAY;
const WEEKDAYS: Millis = 5 * DAY;
/** The first Monday after the epoch, which was a Thursday. */
const FIRST_MONDAY: Millis = 4 * DAY;

/**
 * The weekend factor applies from Saturday 00:00 to Monday 00:00 UTC at once, without a blend.
 * // Choice: a step keeps the integral closed, and midnight is near the base, where the step is small.
 */
export const diurnal: LoadModel<typeof schema> = {
  schema,
  requests(config, fromMs, toMs) {
    const fromWeek = Math.floor((fromMs - FIRST_MONDAY) / WEEK);
    const toWeek = Math.floor((toMs - FIRST_MONDAY) / WEEK);
    const before = sinceMonday(config, fromMs - FIRST_MONDAY - fromWeek * WEEK);
    const after = sinceMonday(config, toMs - FIRST_MONDAY - toWeek * WEEK);
    const wholeWeeks = toWeek === fromWeek ? 0 : (toWeek - fromWeek) * sinceMonday(config, WEEK);
    return Math.max(0, wholeWeeks + after - before); // two sines may differ by a rounding below zero where the rate is 0
  },
};

/** Requests from Monday 00:00 UTC to `elapsedMs` later, at most a week. */
function sinceMonday(config: Diurnal, elapsedMs: number): number {
  if (elapsedMs <= WEEKDAYS) return sinceMidnight(config, elapsedMs);
  const weekdays = sinceMidnight(config, WEEKDAYS);
  return weekdays + config.weekend * (sinceMidnight(config, elapsedMs) - weekdays);
}

/** Integral of the cosine without the weekend, from a midnight to `elapsedMs` later. */
function sinceMidnight({ base, peak, peakHour }: Diurnal, elapsedMs: number): number {
  const turn = (2 * Math.PI) / DAY;
  const peakMs = peakHour * HOUR;
  const swing = (Math.sin(turn * (elapsedMs - peakMs)) + Math.sin(turn * peakMs)) / turn;
  return (((base + peak) / 2) * elapsedMs + ((peak - base) / 2) * swing) / SECOND;
}
