/** What is usual at an hour of the day or of the week: the median of what was there before. */

import { HOUR, type Millis } from '../../kernel/index.ts';

export const HOURS_OF_DAY = 24;
export const HOURS_OF_WEEK = 168;

/** Known values at each hour of the period, ascending. */
export type HourProfile = readonly (readonly number[])[];

/** Whole hours from the epoch to an instant: 24 of them are a day and 168 a week, in UTC. */
export function hourOf(atMs: Millis): number {
  return Math.floor(atMs / HOUR);
}

/**
 * @param firstHour    `hourOf` the first value
 * @param periodHours  `HOURS_OF_DAY` or `HOURS_OF_WEEK`
 */
export function hourProfile(
  firstHour: number,
  values: readonly (number | undefined)[],
  periodHours: number,
): HourProfile {
  const profile: number[][] = Array.from({ length: periodHours }, () => []);
  for (const [index, value] of values.entries())
    if (value !== undefined) profile[slotOf(firstHour + index, periodHours)]!.push(value);
  for (const known of profile) known.sort((a, b) => a - b);
  return profile;
}

/** Median of what is known for this hour of the period; undefined when nothing is. */
export function usualAt(profile: HourProfile, hour: number): number | undefined {
  const known = profile[slotOf(hour, profile.length)]!;
  return medianWithout(known, known.length);
}

/** The same from all values but this one: what the others say of it. */
export function usualWithout(profile: HourProfile, hour: number, value: number): number | undefined {
  const known = profile[slotOf(hour, profile.length)]!;
  return medianWithout(known, known.indexOf(value));
}

/** Median of the known ones among values in any order; undefined when none is known. */
export function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  return medianWithout(known, known.length);
}

/** @param rank  of the value that is left out; the length leaves none out */
function medianWithout(ascending: readonly number[], rank: number): number | undefined {
  const count = rank < ascending.length ? ascending.length - 1 : ascending.length;
  if (count === 0) return undefined;
  const lower = (count - 1) >> 1;
  const upper = count >> 1;
  return (ascending[lower < rank ? lower : lower + 1]! + ascending[upper < rank ? upper : upper + 1]!) / 2;
}

function slotOf(hour: number, periodHours: number): number {
  return ((hour % periodHours) + periodHours) % periodHours;
}
