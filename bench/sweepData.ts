/** What the workers of a sweep and the thread that waits for them share. */

/** 32-bit words that worker and main thread share, before the digests, two words for each run. */
export const shared = { round: 0, next: 1, done: 2, ready: 3, digests: 4 } as const;

export interface SweepData {
  readonly words: SharedArrayBuffer;
  readonly runs: number;
  readonly hours: number;
}
