/** A worker of a sweep, which does one run after another. */

import { simulate } from '../core/index.ts';
import { fargateScenario, sail } from './voyage.ts';

export interface Run {
  readonly seed: number;
  readonly hours: number;
}

/** What the pool calls, by this name. @returns the digest of the log */
export function work({ seed, hours }: Run): string {
  const scenario = fargateScenario(1, hours);
  return sail(scenario, simulate(scenario, { seed })).log.digest();
}
