/** How long things took, and other whole numbers, over a whole run: counted, so that memory is bounded by their range. */

import { SECOND, type Millis } from '../kernel/index.ts';

/** Seconds; undefined when it never happened. */
export interface DelayReport {
  readonly count: number;
  readonly medianS?: number;
  readonly longestS?: number;
}

/** Whole numbers, and how often each came. */
export class WholeNumbers {
  readonly #counts = new Map<number, number>();
  count = 0;

  add(value: number): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    this.count++;
  }

  /** What a share `level` of them does not exceed; undefined without any. */
  quantile(level: number): number | undefined {
    let left = level * this.count;
    const ascending = [...this.#counts].toSorted(([a], [b]) => a - b);
    for (const [value, count] of ascending) {
      left -= count;
      if (left <= 0) return value;
    }
    return ascending.at(-1)?.[0];
  }

  copy(): WholeNumbers {
    const copy = new WholeNumbers();
    copy.count = this.count;
    for (const [value, count] of this.#counts) copy.#counts.set(value, count);
    return copy;
  }
}

/** To the second. */
export function addDelay(delays: WholeNumbers, delayMs: Millis): void {
  delays.add(Math.round(delayMs / SECOND));
}

export function delayReport(delays: WholeNumbers): DelayReport {
  const [medianS, longestS] = [delays.quantile(0.5), delays.quantile(1)];
  return medianS === undefined || longestS === undefined ? { count: 0 } : { count: delays.count, medianS, longestS };
}
