/**
 * The best fixed size: the number of tasks that would have been the best for a service that never scales, known only afterwards.
 * Regret against it says what scaling was worth.
 *
 * A size of n tasks is reckoned as n, and what its time with too few tasks is taken to cost: for as long as demand is above n, so
 * many times the mean demand as MISSED_TIMES says. It is the reckoning by which `compare` puts a policy between its references,
 * divided by what a task costs.
 *
 * @source ours, after the regret of online learning: N. Cesa-Bianchi and G. Lugosi, Prediction, Learning, and Games (2006), 1.1:
 *         loss less that of the best constant action in hindsight
 */

import type { Millis } from '../kernel/index.ts';

/** Choice: an hour that misses the objective costs ten hours of what demand asks for. */
export const MISSED_TIMES = 10;

export interface FixedSize {
  readonly tasks: number;
  /** Tasks, and what time with too few is taken to cost, in tasks. */
  readonly lossTasks: number;
}

/** How long demand was how many tasks. */
export class DemandTimes {
  readonly #msByTasks = new Map<number, Millis>();

  take(demand: number, ms: Millis): void {
    this.#msByTasks.set(demand, (this.#msByTasks.get(demand) ?? 0) + ms);
  }

  copy(): DemandTimes {
    const copy = new DemandTimes();
    for (const [demand, ms] of this.#msByTasks) copy.take(demand, ms);
    return copy;
  }

  /** @returns undefined before any time has passed; of several that are as good, the smallest */
  best(): FixedSize | undefined {
    const levels = [...this.#msByTasks].toSorted(([a], [b]) => a - b);
    const totalMs = levels.reduce((sum, [, ms]) => sum + ms, 0);
    if (totalMs === 0) return undefined;
    const meanDemand = levels.reduce((sum, [demand, ms]) => sum + demand * ms, 0) / totalMs;
    let aboveMs = totalMs;
    let best: FixedSize | undefined;
    // Between two levels of demand a task more helps nobody: the best is one of them.
    for (const [tasks, ms] of levels) {
      aboveMs -= ms;
      const lossTasks = lossOf(tasks, meanDemand, aboveMs / totalMs);
      if (best === undefined || lossTasks < best.lossTasks) best = { tasks, lossTasks };
    }
    return best;
  }
}

/**
 * What a policy is reckoned as, in tasks.
 *
 * @param underShare  of the time, with too few tasks, 0 to 1
 */
export function lossOf(meanSupply: number, meanDemand: number, underShare: number): number {
  return meanSupply + MISSED_TIMES * meanDemand * underShare;
}
