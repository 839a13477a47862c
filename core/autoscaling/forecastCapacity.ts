/** From a forecast of the load to tasks, and to the maximum that holds while they are needed. */

/** Of a quotient that is a whole number but for the last bits. */
const NOISE = 1e-9;

/**
 * Tasks that would serve the load at the target: ceil(load / target).
 *
 * @param load         in the unit of the target times tasks: 10 tasks at 30 % are 300
 * @param targetValue  above 0: what a task should carry
 * @source  AWS, "How predictive scaling works": 10 x 30 / 60 = 5; conformance/predictiveScaling.test.ts
 */
export function capacityForecast(load: number, targetValue: number): number {
  return Math.max(0, Math.ceil(load / targetValue - NOISE)); // 0, not the -0 of ceil
}

/**
 * Maximum capacity once a forecast is known. It is never lower than the one that is set, and AWS leaves it raised.
 *
 * @param forecast.bufferPercent  whole percent of the forecast, 0 to 100, as MaxCapacityBuffer; only read when the
 *   maximum may be increased
 * @source  AWS, "PredictiveScalingConfiguration": when the forecast "is close to or exceeds" the maximum, the limit is
 *   the forecast and the buffer on it. Choice: close to it means that both together exceed it. Part of a task is a task.
 */
export function effectiveMaximum(forecast: {
  readonly maxCapacity: number;
  readonly forecastCapacity: number;
  readonly behavior: 'HonorMaxCapacity' | 'IncreaseMaxCapacity';
  readonly bufferPercent: number;
}): number {
  const { maxCapacity, forecastCapacity, behavior, bufferPercent } = forecast;
  if (behavior === 'HonorMaxCapacity') return maxCapacity;
  return Math.max(maxCapacity, Math.ceil((forecastCapacity * (100 + bufferPercent)) / 100));
}
