/**
 * Exponential smoothing of the deseasonalised load, with the season and the memory that would have served best lately.
 *
 * The shape of a day, or of a week, or half of each, says how the hours compare; a level, smoothed with a long, middle
 * or short memory, says how much there is at present. Each of the nine pairs is tested on the last week, apart for the
 * next 6 hours, the rest of the first day and the second day, and the best one makes the forecast of those hours: a
 * short memory follows the present, which soon says little, and with two weeks at most a weekly shape is not always
 * worth its noise.
 *
 * @source Deseasonalised smoothing: Makridakis and Hibon, "The M3-Competition" (2000), Assimakopoulos and Nikolopoulos,
 *   "The theta model" (2000). The choice by lead time: Tashman, "Out-of-sample tests of forecasting accuracy" (2000).
 *   Ours are the ratio of sums in place of a sum of ratios, and the shrinking of short memories towards longer ones.
 */

import { roundedToMillionth, type Forecaster } from '../forecaster.ts';
import {
  hourOf,
  hourProfile,
  HOURS_OF_DAY,
  HOURS_OF_WEEK,
  usualAt,
  usualWithout,
  type HourProfile,
} from './hourProfile.ts';

type Hours = readonly number[];
type KnownHours = readonly (number | undefined)[];

/** Of a shape that is between that of the week (1) and that of the day (0). */
const WEEKLY_SHARES = [0.5, 1, 0];

/** Mean age of what a level remembers, longest first. */
const MEMORIES_HOURS = [240, 36, 4];

/** Lead times that share a choice, and the ones of them it is tested on. */
const HORIZONS = [
  { untilHour: 6, leads: [1, 3, 6] },
  { untilHour: 24, leads: [7, 15, 24] },
  { untilHour: Number.POSITIVE_INFINITY, leads: [25, 36, 48] },
];

/** Smaller differences of the errors, as shares of the mean load, are noise of the last bits and decide nothing. */
const NOISE = 1e-9;

interface Candidate {
  /** For each hour of the history, how it compares to the mean as far as the other hours tell; then for those to come. */
  readonly shape: Hours;
  /** For each hour of the history, the load that an hour of shape 1 would have had, as far as one could know by then. */
  readonly levels: Hours;
}

export const seasonalSmoothing: Forecaster = {
  forecast({ firstHourMs, values }, hours) {
    const mean = meanOf(values);
    const shapes = shapesOf(hourOf(firstHourMs), values, hours);
    const candidates = shapes.flatMap((shape) => candidatesOf(values, shape, mean));
    const chosen = HORIZONS.map(({ untilHour, leads }) => ({
      untilHour,
      ...best(values, candidates, leads, NOISE * mean),
    }));
    return Array.from({ length: hours }, (_, ahead) => {
      const { shape, levels } = chosen.find(({ untilHour }) => ahead < untilHour)!;
      return roundedToMillionth((levels.at(-1) ?? 0) * shape[values.length + ahead]!);
    });
  },
};

/** Shapes of the history and the hours after it, one for each weekly share. */
function shapesOf(firstHour: number, values: KnownHours, hours: number): readonly Hours[] {
  const relative = relativeToWeek(values);
  const day = hourProfile(firstHour, relative, HOURS_OF_DAY);
  const week = hourProfile(firstHour, relative, HOURS_OF_WEEK);
  const daily: number[] = [];
  const weekly: number[] = [];
  for (let index = 0; index < values.length + hours; index += 1) {
    const hour = firstHour + index;
    const own = relative[index];
    daily.push(shapeAt(day, hour, own) ?? own ?? 1);
    weekly.push(shapeAt(week, hour, own) ?? daily[index]!);
  }
  return WEEKLY_SHARES.map((share) => daily.map((ofDay, index) => (1 - share) * ofDay + share * weekly[index]!));
}

/** Without the hour's own value: a shape that has seen it would look better in the test than it is. */
function shapeAt(profile: HourProfile, hour: number, own: number | undefined): number | undefined {
  return own === undefined ? usualAt(profile, hour) : usualWithout(profile, hour, own);
}

/** Each hour by the mean of the week around it, so that a change from week to week is no part of the shape. */
function relativeToWeek(values: KnownHours): KnownHours {
  const sums = [0];
  const counts = [0];
  for (const [index, value] of values.entries()) {
    sums.push(sums[index]! + (value ?? 0));
    counts.push(counts[index]! + (value === undefined ? 0 : 1));
  }
  const length = Math.min(values.length, HOURS_OF_WEEK);
  return values.map((value, index) => {
    if (value === undefined) return undefined;
    const from = Math.max(0, Math.min(index - HOURS_OF_WEEK / 2, values.length - length));
    const load = sums[from + length]! - sums[from]!;
    return load > 0 ? (value * (counts[from + length]! - counts[from]!)) / load : undefined;
  });
}

function candidatesOf(values: KnownHours, shape: Hours, mean: number): readonly Candidate[] {
  let levels: Hours = values.map(() => mean);
  return MEMORIES_HOURS.map((memoryHours) => {
    levels = smoothedLevels(values, shape, memoryHours, levels);
    return { shape, levels };
  });
}

/**
 * Discounted load by discounted shape. A ratio of sums: at hours that are nearly quiet the ratios themselves say little.
 *
 * @param slower  levels of a longer memory, which count like one mean hour: a memory of a few quiet hours knows little
 */
function smoothedLevels(values: KnownHours, shape: Hours, memoryHours: number, slower: Hours): Hours {
  const kept = 1 - 1 / memoryHours;
  let load = 0;
  let weight = 0;
  return values.map((value, index) => {
    load = load * kept + (value ?? 0);
    weight = weight * kept + (value === undefined ? 0 : shape[index]!);
    return (load + slower[index]!) / (weight + 1);
  });
}

function best(values: KnownHours, candidates: readonly Candidate[], leads: Hours, noise: number): Candidate {
  let chosen = candidates[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const error = meanError(values, candidate, leads);
    if (error >= least - noise) continue;
    chosen = candidate;
    least = error;
  }
  return chosen;
}

/** Mean distance of the forecasts that would have been made for the last week; the first day is only learned from. */
function meanError(values: KnownHours, { shape, levels }: Candidate, leads: Hours): number {
  let distance = 0;
  let count = 0;
  for (const lead of leads)
    for (let hour = Math.max(values.length - HOURS_OF_WEEK, HOURS_OF_DAY - 1 + lead); hour < values.length; hour += 1) {
      const value = values[hour];
      if (value === undefined) continue;
      distance += Math.abs(value - levels[hour - lead]! * shape[hour]!);
      count += 1;
    }
  return count === 0 ? 0 : distance / count;
}

function meanOf(values: KnownHours): number {
  let load = 0;
  let count = 0;
  for (const value of values) {
    load += value ?? 0;
    count += value === undefined ? 0 : 1;
  }
  return count === 0 ? 0 : load / count;
}
