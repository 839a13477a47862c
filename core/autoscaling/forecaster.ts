/** What a forecast for predictive scaling is made from, and how good one was once its hours have passed. */

import { rounded, type Millis } from '../kernel/index.ts';

/** Load of the past, by the hour. */
export interface HourlyHistory {
  /** Start of the first hour; a whole hour, UTC. */
  readonly firstHourMs: Millis;
  /** Mean load of each hour from 0 to 1e12, oldest first, 14 days at most; undefined where there are no data. */
  readonly values: readonly (number | undefined)[];
}

export interface Forecaster {
  /**
   * Load of the hours that follow the history.
   *
   * @param hours  48 in predictive scaling
   * @returns one number an hour, finite, 0 or more, rounded to a millionth; 0 for a history without data
   */
  readonly forecast: (history: HourlyHistory, hours: number) => readonly number[];
}

/** How far a forecast was from what came, in percent of the load that came. */
interface ForecastError {
  /** Sum of the distances (weighted MAPE): unlike a mean of percentages, quiet hours count for little. */
  readonly errorPercent: number;
  /** Sum of the differences: above 0 when too much was forecast. */
  readonly biasPercent: number;
}

/**
 * @param forecast  by the hour
 * @param actual    mean load of the same hours; undefined where it is not known, or not yet
 * @returns rounded to a millionth; undefined while no hour is known, and when no load came: there are no percents of it
 */
export function forecastError(
  forecast: readonly number[],
  actual: readonly (number | undefined)[],
): ForecastError | undefined {
  let load = 0;
  let distance = 0;
  let difference = 0;
  for (const [index, predicted] of forecast.entries()) {
    const came = actual[index];
    if (came === undefined) continue;
    load += came;
    distance += Math.abs(predicted - came);
    difference += predicted - came;
  }
  if (load <= 0) return undefined;
  return {
    errorPercent: rounded((100 * distance) / load),
    biasPercent: rounded((100 * difference) / load),
  };
}
