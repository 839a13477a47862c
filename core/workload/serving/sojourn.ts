/**
 * How the time of a request at a task is distributed: a fixed part, plus a random part of known mean and variance. The random
 * part is Weibull, which is exactly exponential for M/M/1 and close to what processor sharing adds to exponential work;
 * where log-normal work dominates, it is log-normal.
 */

import type { SettledTask } from './settledTask.ts';

export interface Sojourn {
  readonly fixedMs: number;
  /** Mean of the random part. */
  readonly randomMs: number;
  readonly shape: number;
  /** Scale of the Weibull distribution. */
  readonly scaleMs: number;
  /** Logarithms' mean and deviation of the log-normal distribution with the same mean and variance. */
  readonly logMean: number;
  readonly logDeviation: number;
  /** Weight of the log-normal quantiles, from 0 to 1; the rest is Weibull. */
  readonly logNormalPart: number;
}

/** The random part's mean and variance, and the weight of the log-normal. */
export interface Moments {
  readonly meanMs: number;
  readonly variance: number;
  readonly logNormalPart: number;
}

/**
 * Sojourn at a task that has settled at `load`, above 0 and below 1.
 *
 * First come first served: wait plus work, with E[W^2] = 2 w (w' + r/c) where w' is the mean wait while all servers are busy
 * and r = E[S^3] / 3 E[S^2]: exact for M/G/1 and M/M/c.
 * Processor sharing: scv = cs2 + (1 + cs2) q / (2 - q), with q the part of the time lost by sharing: exact for M/M/1, where
 * q is the load and the sum is (2 + q) / (2 - q), and in heavy traffic, where the number sharing is exponential and frozen.
 *
 * @source L. Takacs, "A single-server queue with Poisson input" (1962); E. Coffman, R. Muntz, H. Trotter, "Waiting time
 *         distributions for processor-sharing systems", J. ACM 17 (1970)
 */
export function settledMoments(task: SettledTask, load: number): Moments {
  task.settle(load);
  const { servers, workScv, workMs, inLine } = task;
  const waitMs = (task.waiting / (servers * task.busy)) * workMs;
  const meanMs = workMs + waitMs;
  const sharing = waitMs / meanMs;
  const busyWaitMs = (load * (task.arrivalScv + workScv) * workMs) / (2 * servers * (1 - load));
  const residualMs = (residual(workScv) * workMs) / servers;
  const lineVariance = workScv * workMs * workMs + waitMs * Math.max(0, 2 * (busyWaitMs + residualMs) - waitMs);
  const sharingVariance = meanMs * meanMs * (workScv + ((1 + workScv) * sharing) / (2 - sharing));
  const shared = (1 - inLine) ** 2; // Choice: between the two, what fits the simulated requests at 8 and 16 places a task.
  return {
    meanMs,
    variance: (1 - shared) * lineVariance + shared * sharingVariance,
    logNormalPart: workScv === 0 || workScv === 1 ? 0 : 1 - (1 - shared) * sharing,
  };
}

/**
 * Sojourn at a task that holds `level` requests, whatever it would settle at: work shared by all places, and a line whose
 * length wanders about its drift. A diffusion that drifts by load - 1 has wandered by sqrt((load + 1) / (load - 1) x length).
 */
export function crowdedMoments(task: SettledTask, load: number, level: number): Moments {
  const { servers, workScv, workMs, places } = task;
  const sharing = Math.max(Math.min(level, places), servers);
  const serviceMs = (sharing / servers) * workMs;
  const line = load > 1 ? Math.max(0, level - sharing) : 0;
  const wander = line > 0 ? Math.sqrt((line * (task.arrivalScv + workScv) * (load + 1)) / (2 * (load - 1))) : 0;
  const deviationMs = (Math.min(line, wander) / servers) * workMs;
  return {
    meanMs: serviceMs + deviationMs,
    variance: workScv * serviceMs * serviceMs + deviationMs * deviationMs,
    logNormalPart: workScv === 0 || workScv === 1 ? 0 : serviceMs / (serviceMs + deviationMs),
  };
}

/** E[S^3] / 3 E[S^2] for work of mean 1: fixed, exponential or log-normal. */
function residual(workScv: number): number {
  return workScv === 0 || workScv === 1 ? (1 + 2 * workScv) / 3 : ((1 + workScv) * (1 + workScv)) / 3;
}

/** Sojourn of the given mean: what the moments do not account for is a backlog, the same for all. */
export function sojourn(task: Pick<SettledTask, 'workScv' | 'workMs'>, moments: Moments, meanMs: number): Sojourn {
  const part = Math.min(1, meanMs / moments.meanMs);
  const leastMs = task.workScv === 0 ? Math.min(task.workMs, part * moments.meanMs) : 0;
  const randomMs = Math.max(part * moments.meanMs - leastMs, 1e-6);
  const scv = Math.min(Math.max((part * part * moments.variance) / (randomMs * randomMs), 0.0025), 40);
  // Fitted to within 3 % for a coefficient of variation from 0.05 to 6.4, and exact at 1.
  const u = Math.log(scv) / 2;
  const inverseShape = Math.exp(u * (0.98336 - u * (0.11393 + 0.02911 * u)));
  const logVariance = Math.log1p(scv);
  return {
    fixedMs: meanMs - randomMs,
    randomMs,
    shape: 1 / inverseShape,
    scaleMs: randomMs / gammaOf1Plus(inverseShape),
    logMean: Math.log(randomMs) - logVariance / 2,
    logDeviation: Math.sqrt(logVariance),
    logNormalPart: moments.logNormalPart,
  };
}

/** Gamma function of 1 + y, for y of 0 or more, within 1e-4: Stirling's formula two steps further up. */
function gammaOf1Plus(y: number): number {
  const z = y + 3;
  return Math.exp((z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * z)) / ((y + 1) * (y + 2));
}

/**
 * Time that a part `level` of the requests, above 0 and below 1, does not exceed.
 *
 * @param logOdds ln(-ln(1 - level)), which the caller may know
 */
export function sojournQuantile(of: Sojourn, level: number, logOdds: number): number {
  const part = of.logNormalPart;
  let randomMs = 0;
  if (part < 1) randomMs += (1 - part) * of.scaleMs * Math.exp(logOdds / of.shape);
  if (part > 0) randomMs += part * Math.exp(of.logMean + of.logDeviation * normalQuantile(level));
  return of.fixedMs + randomMs;
}

/** Part of the requests that take longer than `limitMs`. */
export function sojournTail(of: Sojourn, limitMs: number): number {
  const randomMs = limitMs - of.fixedMs;
  if (randomMs <= 0) return 1;
  const part = of.logNormalPart;
  let tail = 0;
  if (part < 1) tail += (1 - part) * Math.exp(-((randomMs / of.scaleMs) ** of.shape));
  if (part > 0) tail += part * normalTail((Math.log(randomMs) - of.logMean) / of.logDeviation);
  return tail;
}

/** Part of the standard normal distribution above `z`, within 1e-7. @source Abramowitz and Stegun (1964), 26.2.17 */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z >= 0 ? tail : 1 - tail;
}

/** Quantile of the standard normal distribution, within 5e-4. @source Abramowitz and Stegun (1964), 26.2.23 */
function normalQuantile(level: number): number {
  const t = Math.sqrt(-2 * Math.log(Math.min(level, 1 - level)));
  const above = 2.515517 + t * (0.802853 + t * 0.010328);
  const below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  const z = t - above / below;
  return level < 0.5 ? -z : z;
}
