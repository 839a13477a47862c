/**
 * Latency distributions from the quantiles of steps. Between two levels, latency is taken as linear in -ln(1 - level): exact
 * for exponential latencies, close for the others, and monotone for all.
 */

import { bucketOf, bucketValueMs, latencyPositions } from '../workload/index.ts';

/** The points at which a step's mass is put. */
const POINTS = makePoints();

/** Each level lies in the middle of a point's mass: a run of like steps has the quantiles of its steps. */
function makePoints(): readonly { readonly position: number; readonly share: number }[] {
  const edges = [
    0, 0.1, 0.2, 0.3, 0.4, 0.47, 0.53, 0.6, 0.7, 0.8, 0.88, 0.92, 0.94, 0.96, 0.975, 0.985, 0.995, 0.998, 1,
  ];
  return edges.slice(1).map((edge, index) => {
    const from = edges[index] as number;
    const middle = (from + edge) / 2;
    return { position: -Math.log(1 - middle), share: edge - from };
  });
}

/** Latency at a position, by the quantiles that start at `offset`. */
function valueAt(quantilesMs: readonly number[], offset: number, position: number): number {
  let upper = 1;
  while (upper < latencyPositions.length - 1 && (latencyPositions[upper] as number) < position) upper++;
  const lowPosition = latencyPositions[upper - 1] as number;
  const low = quantilesMs[offset + upper - 1] as number;
  const slope = ((quantilesMs[offset + upper] as number) - low) / ((latencyPositions[upper] as number) - lowPosition);
  return Math.max(low + slope * (position - lowPosition), (quantilesMs[offset] as number) * 0.02);
}

/** A distribution in buckets 1 % wide: its size depends on the range of latencies, not on the length of the run. */
export class LatencyHistogram {
  /** From the lowest bucket that was counted in, on: below the requests of a minute lie some five hundred empty ones. */
  readonly #counts: number[] = [];
  #first = 0;
  #total = 0;

  /** Adds all that another one holds. */
  add(other: LatencyHistogram): void {
    const counts = other.#counts;
    for (let index = 0; index < counts.length; index++) {
      const count = counts[index] as number;
      if (count > 0) this.#add(other.#first + index, count);
    }
  }

  /** Adds one latency. */
  addOne(latencyMs: number): void {
    this.#add(bucketOf(latencyMs), 1);
  }

  /** Adds a step's requests, by their quantiles. */
  addQuantiles(quantilesMs: readonly number[], offset: number, requests: number): void {
    for (const { position, share } of POINTS)
      this.#add(bucketOf(valueAt(quantilesMs, offset, position)), share * requests);
  }

  /** Adds requests counted exactly. */
  addCounts(buckets: readonly number[], counts: readonly number[]): void {
    for (const [index, bucket] of buckets.entries()) this.#add(bucket, counts[index] as number);
  }

  /** Latency that `level` of the requests do not exceed; 0 without requests. */
  quantileMs(level: number): number {
    let left = level * this.#total;
    for (let index = 0; index < this.#counts.length; index++) {
      const count = this.#counts[index] as number;
      left -= count;
      if (count > 0 && left <= 0) return bucketValueMs(this.#first + index);
    }
    return this.#counts.length === 0 ? 0 : bucketValueMs(this.#first + this.#counts.length - 1);
  }

  #add(bucket: number, count: number): void {
    if (this.#counts.length === 0) this.#first = bucket;
    for (; bucket < this.#first; this.#first--) this.#counts.unshift(0);
    const index = bucket - this.#first;
    while (this.#counts.length <= index) this.#counts.push(0);
    this.#counts[index] = (this.#counts[index] as number) + count;
    this.#total += count;
  }
}
