/** Buckets of latency, each 1 % wider than the one before it: any quantile from them is right within 0.5 %. */

const GROWTH = 1.01;
const LOG_GROWTH = Math.log(GROWTH);
/** Lower edge of bucket 0: a microsecond. */
const SMALLEST_MS = 0.001;

/** Bucket of a latency; shorter ones than a microsecond share bucket 0. */
export function bucketOf(latencyMs: number): number {
  return latencyMs <= SMALLEST_MS ? 0 : Math.floor(Math.log(latencyMs / SMALLEST_MS) / LOG_GROWTH);
}

/** The latency that stands for a bucket: its geometric middle. */
export function bucketValueMs(bucket: number): number {
  return SMALLEST_MS * GROWTH ** (bucket + 0.5);
}
