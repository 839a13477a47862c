/**
 * A combination of six plain forecasts, weighted by how well each of them would have served in the last week.
 *
 * The shape of a day or of a week says how the hours compare; a level says how much there is. The level is what is usual,
 * or smoothed with a memory of days, or of hours. Each of the six is tested on the past, apart for the next 6 hours, for
 * the rest of the first day and for the second day: a short memory follows a change at once, but what it has seen soon says
 * little, and with two weeks at most the shape of a week is not always worth its noise. Two weeks take about 0.2 ms.
 *
 * @source Weights by past errors: Bates and Granger, "The combination of forecasts" (1969). Smoothing of deseasonalised
 *   load: as in Makridakis and Hibon, "The M3-Competition" (2000). Tests apart by lead time: Tashman, "Out-of-sample tests
 *   of forecasting accuracy" (2000). Ours are the levels as ratios of sums, and which six.
 */

import { rounded } from '../../kernel/index.ts';
import type { Forecaster } from '../forecaster.ts';
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

/** One of the plain forecasts: the level it had at an hour, times the shape of the hour ahead. */
interface Member {
  /** Of each hour of the history, as far as the other hours tell, and then of those to come. */
  readonly shape: Hours;
  /** At the end of each hour of the history, as far as the hours before it tell. */
  readonly levels: Hours;
}

/** Mean age of what a smoothed level remembers, longest first. */
const MEMORIES_HOURS = [36, 4];

/** Lead times that share their weights, and the ones of them that are tested. */
const HORIZONS = [
  { untilHour: 6, leads: [1, 3, 6] },
  { untilHour: 24, leads: [7, 15, 24] },
  { untilHour: Number.POSITIVE_INFINITY, leads: [25, 36, 48] },
];

/** Errors below this share of the mean load are noise of the last bits. */
const NOISE = 1e-9;

export const seasonalCombination: Forecaster = {
  forecast({ firstHourMs, values }, hours) {
    const mean = meanOf(values);
    if (mean === 0) return Array.from({ length: hours }, () => 0);
    const members = membersOf(hourOf(firstHourMs), values, hours, mean);
    const horizons = HORIZONS.map(({ untilHour, leads }) => ({
      untilHour,
      weights: weightsOf(members.map((member) => meanError(values, member, leads) / mean)),
    }));
    return Array.from({ length: hours }, (_, ahead) => {
      const { weights } = horizons.find(({ untilHour }) => ahead < untilHour)!;
      let load = 0;
      for (const [index, { shape, levels }] of members.entries())
        load += weights[index]! * levels.at(-1)! * shape[values.length + ahead]!;
      return rounded(load);
    });
  },
};

function membersOf(firstHour: number, values: KnownHours, hours: number, mean: number): readonly Member[] {
  const usual = shapesOf(firstHour, values, hours, mean).map((shape) => ({ shape, levels: values.map(() => 1) }));
  const smoothed = shapesOf(firstHour, relativeToWeek(values), hours, 1).flatMap((shape) => {
    let levels: Hours = values.map(() => mean);
    return MEMORIES_HOURS.map((memoryHours) => {
      levels = smoothedLevels(values, shape, memoryHours, levels);
      return { shape, levels };
    });
  });
  return [...usual, ...smoothed];
}

/**
 * The shape of a day and that of a week, over the history and the hours after it.
 *
 * @param otherwise  for hours of the day of which nothing is known
 */
function shapesOf(firstHour: number, values: KnownHours, hours: number, otherwise: number): readonly Hours[] {
  const day = hourProfile(firstHour, values, HOURS_OF_DAY);
  const week = hourProfile(firstHour, values, HOURS_OF_WEEK);
  const daily: number[] = [];
  const weekly: number[] = [];
  for (let index = 0; index < values.length + hours; index += 1) {
    const hour = firstHour + index;
    const own = values[index];
    daily.push(shapeAt(day, hour, own) ?? own ?? otherwise);
    weekly.push(shapeAt(week, hour, own) ?? daily[index]!);
  }
  return [daily, weekly];
}

/** Without the hour's own value: a shape that has seen it would look better in the test than it is. */
function shapeAt(profile: HourProfile, hour: number, own: number | undefined): number | undefined {
  return own === undefined ? usualAt(profile, hour) : usualWithout(profile, hour, own);
}

/** Each hour by the mean of the week around it, so that a change from week to week is no part of the shape. */
function relativeToWeek(values: KnownHours): KnownHours {
  const length = Math.min(values.length, HOURS_OF_WEEK);
  // Each sum is made anew: running sums would leave the rounding of large hours in small ones.
  const means = Array.from({ length: values.length - length + 1 }, (_, from) =>
    meanOf(values.slice(from, from + length)),
  );
  return values.map((value, index) => {
    const mean = means[Math.max(0, Math.min(index - HOURS_OF_WEEK / 2, values.length - length))]!;
    return value === undefined || mean === 0 ? undefined : value / mean;
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

/** Mean distance of the forecasts that would have been made for the last week; the first day is only learned from. */
function meanError(values: KnownHours, { shape, levels }: Member, leads: Hours): number {
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

/**
 * Weights that fall with the eighth power of the error, and sum to 1: nearly a choice of the best, but one that moves
 * from one member to another by degrees.
 */
function weightsOf(errors: Hours): Hours {
  const least = Math.min(...errors);
  const weights = errors.map((error) => {
    const ratio = (least + NOISE) / (error + NOISE);
    const square = ratio * ratio;
    const fourth = square * square;
    return fourth * fourth;
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
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
