/** Simulated time: whole milliseconds, and the order of what is due at one of them. */

/** Whole milliseconds since the Unix epoch, in simulated time. */
export type Millis = number;

export const SECOND: Millis = 1_000;
export const MINUTE: Millis = 60 * SECOND;
export const HOUR: Millis = 60 * MINUTE;
export const DAY: Millis = 24 * HOUR;

/** Order of commands due at one instant: the world moves, then is measured, judged, answered, changed. */
export const Phase = { Environment: 0, Monitor: 1, Analyze: 2, Plan: 3, Execute: 4 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Start of the period of `periodMs` that holds the instant `atMs`; periods are counted from the epoch. */
export function periodStart(atMs: Millis, periodMs: Millis): Millis {
  return Math.floor(atMs / periodMs) * periodMs;
}

/** The simulation clock. It only moves forward, and only the loop moves it. */
export class Clock {
  #nowMs: Millis;

  constructor(startMs: Millis) {
    this.#nowMs = startMs;
  }

  get nowMs(): Millis {
    return this.#nowMs;
  }

  /** @throws RangeError when `atMs` is not a whole millisecond, or lies before now */
  advanceTo(atMs: Millis): void {
    if (!Number.isSafeInteger(atMs)) throw new RangeError(`time must be a whole millisecond, got ${atMs}`);
    if (atMs < this.#nowMs) throw new RangeError(`time cannot run back from ${this.#nowMs} to ${atMs}`);
    this.#nowMs = atMs;
  }
}
