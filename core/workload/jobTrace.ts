/** Recorded jobs: work that comes to an end. When each was submitted, what runs it, how long it works and how much CPU it uses. */

import type { Millis } from '../kernel/index.ts';

/** Jobs in the order in which they were submitted; the lists have an item for each. */
export interface JobTrace {
  /** When the first one was submitted. */
  readonly startMs: Millis;
  /** When each was submitted, after `startMs`, ascending. */
  readonly offsetsMs: readonly Millis[];
  /** What runs it, as a place in `families`. */
  readonly definitions: readonly number[];
  /** Families of task definitions. */
  readonly families: readonly string[];
  /** How long it works, from the start of its container to its end. */
  readonly durationsMs: readonly Millis[];
  /** Absent: each uses all the CPU of its task. */
  readonly usage?: JobUsage;
}

/** CPU that jobs use, period by period. */
export interface JobUsage {
  readonly periodMs: Millis;
  /** Where the periods of each job begin in `cpuUnits`, and where those of the last one end. */
  readonly begins: readonly number[];
  /** CPU units in each period, 1024 to a vCPU; none are used after the last. */
  readonly cpuUnits: readonly number[];
}

/** CPU units times milliseconds that a job uses from `fromMs` to `toMs` after it has started. */
export function cpuUnitMs({ periodMs, begins, cpuUnits }: JobUsage, job: number, fromMs: Millis, toMs: Millis): number {
  const begin = begins[job] as number;
  const end = begins[job + 1] as number;
  let sum = 0;
  for (let index = begin + Math.floor(fromMs / periodMs); index < end; index++) {
    const periodStartMs = (index - begin) * periodMs;
    if (periodStartMs >= toMs) break;
    const overlapMs = Math.min(toMs, periodStartMs + periodMs) - Math.max(fromMs, periodStartMs);
    sum += (cpuUnits[index] as number) * overlapMs;
  }
  return sum;
}
