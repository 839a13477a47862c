/**
 * Every hour is as usual: the median of this hour of the week, else of this hour of the day.
 *
 * It is plain and hard to fool, and slow: a load that doubles for good is half believed after a week.
 *
 * @source spec/autoscaling.md chapter 6; a choice, because AWS does not publish its method
 */

import { rounded } from '../../kernel/index.ts';
import type { Forecaster } from '../forecaster.ts';
import { hourOf, hourProfile, HOURS_OF_DAY, HOURS_OF_WEEK, medianOf, usualAt } from './hourProfile.ts';

export const seasonalMedian: Forecaster = {
  forecast({ firstHourMs, values }, hours) {
    const firstHour = hourOf(firstHourMs);
    const week = hourProfile(firstHour, values, HOURS_OF_WEEK);
    const day = hourProfile(firstHour, values, HOURS_OF_DAY);
    // An hour of the day that was never seen was not seen yesterday either: the last 24 hours as a whole stand in for it.
    const lately = medianOf(values.slice(-HOURS_OF_DAY)) ?? medianOf(values) ?? 0;
    return Array.from({ length: hours }, (_, ahead) => {
      const hour = firstHour + values.length + ahead;
      return rounded(usualAt(week, hour) ?? usualAt(day, hour) ?? lately);
    });
  },
};
