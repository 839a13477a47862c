/**
 * A service in the long run: what its users get when load and tasks stay as they are. The same theory as `fluid`, without the
 * way there: what each of its steps comes to when nothing has changed for long.
 */

import type { RequestProfile } from '../requestProfile.ts';
import type { ServingStep } from '../serving.ts';
import { SettledTask } from './settledTask.ts';
import { settledMoments, sojourn, sojournQuantile, sojournTail } from './sojourn.ts';
import { Workers } from './workers.ts';

export interface SettledService {
  /** Share of the requests that is answered in time, 0 to 1. */
  readonly available: number;
  /** 99 % of the answers come within this. */
  readonly p99Ms: number;
}

/** Requests per millisecond that tasks get done when they have nothing else to do. */
export function fullRatePerMs(tasks: number, cpuUnits: number, profile: RequestProfile): number {
  const { servers, workMs } = new SettledTask(cpuUnits, profile, 1);
  return (tasks * servers) / workMs;
}

/** Messages per millisecond that workers get done when there is always one to take. */
export function fullWorkerRatePerMs(tasks: number, cpuUnits: number, profile: RequestProfile): number {
  return new Workers(tasks, cpuUnits, profile).perMs;
}

/** @param load  work offered per time in parts of what `fullRatePerMs` is, above 0 and below 1 */
export function settledService(
  load: number,
  tasks: number,
  cpuUnits: number,
  profile: RequestProfile,
  routing: ServingStep['routing'],
): SettledService {
  const pooled = routing === 'least_outstanding_requests';
  const arrivalScv = routing === 'round_robin' ? 1 / tasks : 1;
  const task = new SettledTask(cpuUnits, profile, arrivalScv, pooled ? tasks : 1);
  const { otherMs, timeoutMs } = profile;
  const moments = settledMoments(task, load);
  const time = sojourn(task, moments, moments.meanMs);
  const missed = Math.min(sojournTail(time, Math.max(1, timeoutMs - otherMs)), 0.999);
  const late = ((1 - load) * missed) / (1 - load * missed);
  const level = 0.99 * (1 - missed);
  const taskMs = sojournQuantile(time, level, Math.log(-Math.log(1 - level)));
  return {
    available: (1 - task.blocked) * (1 - late),
    p99Ms: Math.min(Math.max(taskMs, 0) + otherMs, timeoutMs),
  };
}
