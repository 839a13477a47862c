/** What the tasks of several zones made of their requests, told as one. */

import { shareAbove } from './latencyQuantiles.ts';
import { latencyLevels, type Carried, type Served } from './serving.ts';

export interface ServedPart {
  readonly zone: string;
  /** Tasks that got requests: the weight of what is said of a task. */
  readonly targets: number;
  readonly result: Served;
}

/** Latencies are exact where they were counted, else a mixture of the parts' quantiles. */
export function servedTogether(parts: readonly ServedPart[]): Served {
  const counts = { served: 0, timedOut: 0, rejected: 0, unserved: 0, lost: 0, queued: 0 };
  const zones: Record<string, Carried> = {};
  let targets = 0;
  let busy = 0;
  let latencyMs = 0;
  let nextMs = 0;
  let turnsAway = 0;
  for (const { zone, targets: some, result } of parts) {
    for (const key of Object.keys(counts) as (keyof typeof counts)[]) counts[key] += result[key];
    zones[zone] = result.carried;
    targets += some;
    busy += some * result.busyPercent;
    nextMs += some * result.nextMs;
    turnsAway += some * result.turnsAway;
    latencyMs += result.served * result.meanMs;
  }
  const perTarget = (sum: number) => (targets === 0 ? 0 : Math.round((sum * 1e6) / targets) / 1e6);
  const histogram = histogramOf(parts);
  return {
    ...counts,
    busyPercent: perTarget(busy),
    meanMs: counts.served === 0 ? 0 : Math.round((latencyMs * 1e3) / counts.served) / 1e3,
    quantilesMs: latencyLevels.map((level) => quantileMs(parts, level, counts.served)),
    ...(histogram === undefined ? {} : { histogram }),
    nextMs: perTarget(nextMs),
    turnsAway: perTarget(turnsAway),
    carried: { queued: counts.queued, zones },
  };
}

function quantileMs(parts: readonly ServedPart[], level: number, served: number): number {
  let low = Infinity;
  let high = 0;
  const index = latencyLevels.indexOf(level as (typeof latencyLevels)[number]);
  for (const { result } of parts) {
    if (result.served === 0) continue;
    low = Math.min(low, result.quantilesMs[index] as number);
    high = Math.max(high, result.quantilesMs[index] as number);
  }
  if (served === 0) return 0;
  // The mixture's quantile lies between those of its parts; to a thousandth of a millisecond.
  while (high - low > 1e-3) {
    const middle = (low + high) / 2;
    let slower = 0;
    for (const { result } of parts)
      if (result.served > 0) slower += result.served * shareAbove(result.quantilesMs, 0, middle);
    if (slower > (1 - level) * served) low = middle;
    else high = middle;
  }
  return Math.round(high * 1e3) / 1e3;
}

function histogramOf(parts: readonly ServedPart[]): Served['histogram'] {
  const counts = new Map<number, number>();
  let counted = false;
  for (const { result } of parts) {
    if (result.histogram === undefined) continue;
    counted = true;
    for (const [index, bucket] of result.histogram.buckets.entries())
      counts.set(bucket, (counts.get(bucket) ?? 0) + (result.histogram.counts[index] as number));
  }
  if (!counted) return undefined;
  const ascending = [...counts].toSorted(([a], [b]) => a - b);
  return { buckets: ascending.map(([bucket]) => bucket), counts: ascending.map(([, count]) => count) };
}
