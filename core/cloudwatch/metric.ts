/**
 * Metrics: who they are, and the datapoints that some alarm can still ask for. One frame per period carries every metric
 * that AWS services published for it; a metric that no alarm watches is not kept at all.
 */

import {
  event,
  number,
  numbers,
  texts,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { CloudWatchWorld } from './world.ts';

/** How the samples of a datapoint become one value. */
export const statistics = ['SampleCount', 'Sum', 'Average', 'Minimum', 'Maximum'] as const;
export type Statistic = (typeof statistics)[number];

/** The samples of one metric in one period. */
export interface Datapoint {
  /** A period is stamped with its start. */
  readonly startMs: Millis;
  readonly sampleCount: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
}

export interface Metric {
  /** How far back an alarm may look. */
  keepForMs: Millis;
  /** Oldest first. */
  readonly datapoints: Datapoint[];
}

/** Metrics of AWS services come in periods of one minute. */
export const METRIC_PERIOD_MS = 60_000;

/**
 * The identity of a metric: namespace, name and exact set of dimensions. Different dimensions are different metrics.
 *
 * @example metricKey('AWS/ECS', 'CPUUtilization', { ClusterName: 'demo', ServiceName: 'web' })
 *          // 'AWS/ECS CPUUtilization ClusterName=demo,ServiceName=web'
 */
export function metricKey(namespace: string, name: string, dimensions: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(dimensions).map(([dimension, value]) => `${dimension}=${value}`);
  return `${namespace} ${name} ${pairs.toSorted().join(',')}`;
}

export const metricEvents = {
  MetricDataPublished: event('What AWS services published for one period, a row per metric.', {
    periodStartMs: number('start of the period'),
    periodMs: number('its length'),
    metrics: texts('metricKey of each row'),
    sampleCounts: numbers('samples in the period'),
    sums: numbers("sum of the samples, in the metric's unit"),
    minimums: numbers('smallest sample'),
    maximums: numbers('largest sample'),
  }),
} as const;
export type MetricEvent = EventsOf<typeof metricEvents>;

/** The rows of a MetricDataPublished. */
export type MetricData = Omit<Extract<MetricEvent, { type: 'MetricDataPublished' }>, 'type'>;

export type MetricCommand = { readonly type: 'PutMetricData' } & MetricData;

export const decideMetric: Decide<CloudWatchWorld, MetricCommand, MetricEvent> = {
  PutMetricData: (command) => [{ ...command, type: 'MetricDataPublished' }],
};

export const evolveMetric: Evolve<CloudWatchWorld, MetricEvent> = {
  MetricDataPublished({ cloudwatch }, { periodStartMs, periodMs, metrics, sampleCounts, sums, minimums, maximums }) {
    for (const [row, key] of metrics.entries()) {
      const metric = cloudwatch.metrics.get(key);
      if (metric === undefined) continue;
      metric.datapoints.push({
        startMs: periodStartMs,
        sampleCount: sampleCounts[row] as number,
        sum: sums[row] as number,
        minimum: minimums[row] as number,
        maximum: maximums[row] as number,
      });
      const oldestMs = periodStartMs + periodMs - metric.keepForMs;
      while ((metric.datapoints[0] as Datapoint).startMs < oldestMs) metric.datapoints.shift();
    }
  },
};

/** The value under a statistic of the datapoints `from` (included) to `to` (excluded), at least one. */
export function statisticOf(statistic: Statistic, datapoints: readonly Datapoint[], from: number, to: number): number {
  let sampleCount = 0;
  let sum = 0;
  let minimum = Number.POSITIVE_INFINITY;
  let maximum = Number.NEGATIVE_INFINITY;
  for (let index = from; index < to; index++) {
    const datapoint = datapoints[index] as Datapoint;
    sampleCount += datapoint.sampleCount;
    sum += datapoint.sum;
    minimum = Math.min(minimum, datapoint.minimum);
    maximum = Math.max(maximum, datapoint.maximum);
  }
  switch (statistic) {
    case 'SampleCount':
      return sampleCount;
    case 'Sum':
      return sum;
    case 'Average':
      return sum / sampleCount;
    case 'Minimum':
      return minimum;
    case 'Maximum':
      return maximum;
  }
}
