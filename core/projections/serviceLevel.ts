/**
 * What a service's users got: requests answered, refused and lost, latency over requests and over minutes, the minutes in which
 * the objective was missed, and how much of the error budget that took.
 */

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

/**
 * What an objective leaves for errors over the run: failed requests for the availability, slower answers for the latency.
 *
 * @source Google, The Site Reliability Workbook, chapter 5: error budget = 1 - objective; burn rate = share of errors / budget
 */
export interface ErrorBudget {
  readonly of: 'availability' | 'latency';
  readonly allowed: number;
  readonly spent: number;
  /** Over 100: the objective was missed over the run as a whole. Absent when nothing is allowed. */
  readonly spentPercent?: number;
  /** Of the worst hour: 1 spends exactly what is allowed. Absent when nothing is allowed. */
  readonly worstHourBurnRate?: number;
}

/** Minutes in a row, and what became of their requests. */
export interface WorstMinutes {
  readonly startMs: Millis;
  readonly failed: number;
  readonly requests: number;
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
  /** Minutes count alike here, however many requests they have: their 99th percentiles, and which share of minutes has less. */
  readonly minuteP99Ms: { readonly p50: number; readonly p95: number; readonly p99: number; readonly worst: number };
  /** Of each part of the objective. */
  readonly errorBudgets: readonly ErrorBudget[];
  /** The minute with the most requests not answered in time. */
  readonly worstMinute?: WorstMinutes;
  /** Five minutes in a row with the most requests not answered in time, and the worst 99th percentile among them. */
  readonly worstFiveMinutes?: WorstMinutes & { readonly p99Ms: number };
}

/** Answers slower than the objective's latency that a minute may have. */
const SLOW_SHARE = 0.01;
const FIVE = 5;
const HOUR_MINUTES = 60;

export function serviceLevelProjection(
  serviceName: string,
  objective?: ServiceLevelObjective,
): Projection<ServiceLevelReport> {
  const total = { requests: 0, served: 0, timedOut: 0, rejected: 0, unserved: 0, lost: 0, latencyMs: 0 };
  const { latencyP99Ms = Number.POSITIVE_INFINITY } = objective ?? {};
  const judged = new JudgedMinutes(objective ?? {});
  let queued = 0;
  let minute = newMinute(0);
  /** The last step's answers, kept until it is known whether their exact latencies follow. */
  let step: { readonly quantilesMs: readonly number[]; readonly offset: number; readonly served: number } | undefined;

  const takeStep = () => {
    if (step === undefined) return;
    minute.latencies.addQuantiles(step.quantilesMs, step.offset, step.served);
    minute.slow += step.served * shareAbove(step.quantilesMs, step.offset, latencyP99Ms);
    step = undefined;
  };

  return {
    types: ['LoadServed', 'RequestsServed'],

    on({ event }) {
      if (event.type === 'RequestsServed' && event.serviceName === serviceName) {
        step = undefined;
        minute.latencies.addCounts(event.buckets, event.counts);
        for (const [index, bucket] of event.buckets.entries())
          if (bucketValueMs(bucket) > latencyP99Ms) minute.slow += event.counts[index] as number;
      }
      if (event.type !== 'LoadServed') return;
      const row = event.services.indexOf(serviceName);
      if (row === -1) return;
      const startMs = event.fromMs - (event.fromMs % MINUTE);
      takeStep();
      if (startMs !== minute.startMs) {
        judged.take(minute);
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
      // The open minute as if it ended now; asking changes nothing.
      takeStep();
      const soFar = judged.copy();
      soFar.take(minute);
      const { latencies, minuteP99s } = soFar;
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
        minuteP99Ms: {
          p50: minuteP99s.quantileMs(0.5),
          p95: minuteP99s.quantileMs(0.95),
          p99: minuteP99s.quantileMs(0.99),
          worst: minuteP99s.quantileMs(1),
        },
        errorBudgets: soFar.budgets(),
        ...(soFar.worst === undefined ? {} : { worstMinute: soFar.worst }),
        ...(soFar.worstFive === undefined ? {} : { worstFiveMinutes: soFar.worstFive }),
      };
    },
  };
}

interface Minute {
  readonly startMs: Millis;
  served: number;
  failed: number;
  /** Answers slower than the objective's latency. */
  slow: number;
  readonly latencies: LatencyHistogram;
}

function newMinute(startMs: Millis): Minute {
  return { startMs, served: 0, failed: 0, slow: 0, latencies: new LatencyHistogram() };
}

interface Judged {
  readonly startMs: Millis;
  readonly requests: number;
  readonly failed: number;
  readonly slow: number;
  readonly served: number;
  readonly p99Ms: number;
}

/** Minutes that have ended. Of an hour each is held, of those before only what they add up to. */
class JudgedMinutes {
  readonly #objective: ServiceLevelObjective;
  readonly latencies = new LatencyHistogram();
  /** The 99th percentile of each minute with an answer. */
  readonly minuteP99s = new LatencyHistogram();
  minutes = 0;
  sloMinutesLost = 0;
  worst: WorstMinutes | undefined;
  worstFive: ServiceLevelReport['worstFiveMinutes'];
  readonly #hour: Judged[] = [];
  #requests = 0;
  #failed = 0;
  #served = 0;
  #slow = 0;
  /** Shares of the worst hours. */
  #worstFailed = 0;
  #worstSlow = 0;

  constructor(objective: ServiceLevelObjective) {
    this.#objective = objective;
  }

  take({ startMs, served, failed, slow, latencies }: Minute): void {
    const requests = served + failed;
    if (requests === 0) return;
    const p99Ms = latencies.quantileMs(0.99);
    const { availabilityPercent = 0 } = this.#objective;
    const misses = (served > 0 && slow > SLOW_SHARE * served) || (100 * served) / requests < availabilityPercent;
    this.latencies.add(latencies);
    if (served > 0) this.minuteP99s.addOne(p99Ms);
    this.minutes++;
    this.sloMinutesLost += Number(misses);
    this.#requests += requests;
    this.#failed += failed;
    this.#served += served;
    this.#slow += slow;
    if (failed > (this.worst?.failed ?? 0)) this.worst = { startMs, failed, requests };
    const current = { startMs, requests, failed, slow, served, p99Ms };
    while ((this.#hour[0]?.startMs ?? startMs) <= startMs - HOUR_MINUTES * MINUTE) this.#hour.shift();
    this.#hour.push(current);
    this.#takeFive(startMs - (FIVE - 1) * MINUTE);
    this.#takeHour();
  }

  #takeFive(fromMs: Millis): void {
    let [failed, requests, p99Ms] = [0, 0, 0];
    for (let index = this.#hour.length - 1; index >= 0; index--) {
      const past = this.#hour[index] as Judged;
      if (past.startMs < fromMs) break;
      failed += past.failed;
      requests += past.requests;
      p99Ms = Math.max(p99Ms, past.p99Ms);
    }
    const { worstFive } = this;
    const worse =
      worstFive === undefined || failed > worstFive.failed || (failed === worstFive.failed && p99Ms > worstFive.p99Ms);
    if (worse) this.worstFive = { startMs: Math.max(fromMs, this.#hour[0]?.startMs ?? 0), failed, requests, p99Ms };
  }

  #takeHour(): void {
    const sum = { requests: 0, failed: 0, served: 0, slow: 0 };
    for (const past of this.#hour) {
      sum.requests += past.requests;
      sum.failed += past.failed;
      sum.served += past.served;
      sum.slow += past.slow;
    }
    this.#worstFailed = Math.max(this.#worstFailed, sum.failed / sum.requests);
    if (sum.served > 0) this.#worstSlow = Math.max(this.#worstSlow, sum.slow / sum.served);
  }

  budgets(): readonly ErrorBudget[] {
    const { availabilityPercent, latencyP99Ms } = this.#objective;
    return [
      ...(availabilityPercent === undefined
        ? []
        : [budget('availability', 1 - availabilityPercent / 100, this.#requests, this.#failed, this.#worstFailed)]),
      ...(latencyP99Ms === undefined ? [] : [budget('latency', SLOW_SHARE, this.#served, this.#slow, this.#worstSlow)]),
    ];
  }

  copy(): JudgedMinutes {
    const copy = new JudgedMinutes(this.#objective);
    copy.latencies.add(this.latencies);
    copy.minuteP99s.add(this.minuteP99s);
    copy.minutes = this.minutes;
    copy.sloMinutesLost = this.sloMinutesLost;
    copy.worst = this.worst;
    copy.worstFive = this.worstFive;
    copy.#hour.push(...this.#hour);
    copy.#requests = this.#requests;
    copy.#failed = this.#failed;
    copy.#served = this.#served;
    copy.#slow = this.#slow;
    copy.#worstFailed = this.#worstFailed;
    copy.#worstSlow = this.#worstSlow;
    return copy;
  }
}

/** @param share  of all that may be errors @param worstHour  share of errors in the worst hour */
function budget(of: ErrorBudget['of'], share: number, all: number, spent: number, worstHour: number): ErrorBudget {
  const allowed = share * all;
  return {
    of,
    allowed,
    spent,
    ...(allowed > 0 ? { spentPercent: (100 * spent) / allowed, worstHourBurnRate: worstHour / share } : {}),
  };
}
