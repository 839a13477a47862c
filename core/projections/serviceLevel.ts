/** What a service's users got: requests answered, refused and lost, latency, and the minutes in which the objective was missed. */

import { MINUTE, type Millis } from '../kernel/index.ts';
import { bucketValueMs, latencyLevels, shareAbove } from '../workload/index.ts';
import { LatencyHistogram } from './latency.ts';
import type { Projection } from './projection.ts';

/** What is promised of each minute; an absent part promises nothing. */
export interface ServiceLevelObjective {
  /** 99 % of the answers within this. */
  readonly latencyP99Ms?: number | undefined;
  /** Share of the requests answered in time. */
  readonly availabilityPercent?: number | undefined;
}

export interface ServiceLevelReport {
  readonly requests: number;
  readonly served: number;
  readonly timedOut: number;
  readonly rejected: number;
  readonly unserved: number;
  readonly lost: number;
  readonly queued: number;
  /** Answered in time, of all that ended; 100 without requests. */
  readonly availabilityPercent: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Minutes with requests, and those of them that missed the objective; absent without one. */
  readonly minutes: number;
  readonly sloMinutesLost?: number;
  /** The minute with the most requests not answered in time. */
  readonly worstMinute?: { readonly startMs: Millis; readonly failed: number; readonly requests: number };
}

export function serviceLevelProjection(
  serviceName: string,
  objective?: ServiceLevelObjective,
): Projection<ServiceLevelReport> {
  const total = { requests: 0, served: 0, timedOut: 0, rejected: 0, unserved: 0, lost: 0, latencyMs: 0 };
  const latencies = new LatencyHistogram();
  const { latencyP99Ms = Number.POSITIVE_INFINITY, availabilityPercent = 0 } = objective ?? {};
  let queued = 0;
  let minutes = 0;
  let sloMinutesLost = 0;
  let worst: { startMs: Millis; failed: number; requests: number } | undefined;
  let minute = newMinute(0);
  /** The last step's answers, kept until it is known whether their exact latencies follow. */
  let step: { readonly quantilesMs: readonly number[]; readonly offset: number; readonly served: number } | undefined;

  const takeStep = () => {
    if (step === undefined) return;
    latencies.addQuantiles(step.quantilesMs, step.offset, step.served);
    minute.slow += step.served * shareAbove(step.quantilesMs, step.offset, latencyP99Ms);
    step = undefined;
  };
  /** The minutes so far with the open one, as if it ended now. */
  const judged = () => {
    takeStep();
    const requests = minute.served + minute.failed;
    if (requests === 0) return { minutes, sloMinutesLost, worst };
    const slow = minute.served > 0 && minute.slow > 0.01 * minute.served;
    const unavailable = (100 * minute.served) / requests < availabilityPercent;
    const worse = minute.failed > (worst?.failed ?? 0);
    return {
      minutes: minutes + 1,
      sloMinutesLost: sloMinutesLost + Number(slow || unavailable),
      worst: worse ? { startMs: minute.startMs, failed: minute.failed, requests } : worst,
    };
  };

  return {
    types: ['LoadServed', 'RequestsServed'],

    on({ event }) {
      if (event.type === 'RequestsServed' && event.serviceName === serviceName) {
        step = undefined;
        latencies.addCounts(event.buckets, event.counts);
        for (const [index, bucket] of event.buckets.entries())
          if (bucketValueMs(bucket) > latencyP99Ms) minute.slow += event.counts[index] as number;
      }
      if (event.type !== 'LoadServed') return;
      const row = event.services.indexOf(serviceName);
      if (row === -1) return;
      const startMs = event.fromMs - (event.fromMs % MINUTE);
      takeStep();
      if (startMs !== minute.startMs) {
        ({ minutes, sloMinutesLost, worst } = judged());
        minute = newMinute(startMs);
      }
      const served = event.served[row] as number;
      const timedOut = event.timedOut[row] as number;
      const rejected = event.rejected[row] as number;
      const unserved = event.unserved[row] as number;
      const lost = event.lost[row] as number;
      total.requests += event.offered[row] as number;
      total.served += served;
      total.timedOut += timedOut;
      total.rejected += rejected;
      total.unserved += unserved;
      total.lost += lost;
      total.latencyMs += served * (event.meanMs[row] as number);
      queued = event.queued[row] as number;
      minute.served += served;
      minute.failed += timedOut + rejected + unserved + lost;
      if (served > 0) step = { quantilesMs: event.quantilesMs, offset: row * latencyLevels.length, served };
    },

    report() {
      const soFar = judged();
      const { requests, served, timedOut, rejected, unserved, lost, latencyMs } = total;
      const ended = requests - queued;
      return {
        requests,
        served,
        timedOut,
        rejected,
        unserved,
        lost,
        queued,
        availabilityPercent: ended === 0 ? 100 : (100 * served) / ended,
        meanMs: served === 0 ? 0 : latencyMs / served,
        p50Ms: latencies.quantileMs(0.5),
        p95Ms: latencies.quantileMs(0.95),
        p99Ms: latencies.quantileMs(0.99),
        p999Ms: latencies.quantileMs(0.999),
        minutes: soFar.minutes,
        ...(objective === undefined ? {} : { sloMinutesLost: soFar.sloMinutesLost }),
        ...(soFar.worst === undefined ? {} : { worstMinute: soFar.worst }),
      };
    },
  };
}

function newMinute(startMs: Millis) {
  return { startMs, served: 0, failed: 0, slow: 0 };
}
