/**
 * Metrics: who they are, and the datapoints that something can still ask for. AWS services publish a frame per period with
 * a row for each metric that is kept; a metric that nothing reads is neither published nor kept.
 *
 * @source spec/autoscaling.md 1.4, 1.5
 */

import { z } from 'zod';
import {
  event,
  flag,
  HOUR,
  MINUTE,
  number,
  numbers,
  SECOND,
  text,
  texts,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { samplesOf, statisticProblem, type Samples } from './statistic.ts';
import type { CloudWatchWorld } from './world.ts';

export interface Datapoint extends Samples {
  /** A period is stamped with its start. */
  readonly startMs: Millis;
  /** From when on alarms can see it. */
  readonly readableAtMs: Millis;
}

/** What a whole hour has seen: the history that forecasts are made from. */
export interface HourOfData {
  readonly startMs: Millis;
  sampleCount: number;
  sum: number;
  minimum: number;
  maximum: number;
  /** Datapoints of the metric's own period. */
  datapoints: number;
}

export interface MetricIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface Metric extends MetricIdentity {
  /** Its identity but for the values of the dimensions, as in `AWS/ECS CPUUtilization ClusterName,ServiceName`. */
  readonly kind: string;
  /** How far back something may look. */
  keepForMs: Millis;
  /** How far back whole hours are kept; 0 for none. */
  hourlyForMs: Millis;
  /** Whether something asks for a statistic that needs the samples themselves. */
  wantsDistribution: boolean;
  /** Oldest first. */
  readonly datapoints: Datapoint[];
  /** Oldest first; the last one is still being filled. */
  readonly hours: HourOfData[];
}

/** Metrics of AWS services come in periods of one minute, unless they are of high resolution. */
export const METRIC_PERIOD_MS = MINUTE;

/** Of custom metrics with StorageResolution 1. Choice: AWS keeps seconds; no alarm looks at less than ten of them. */
const HIGH_RESOLUTION_MS = 10 * SECOND;

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

/** What a `metricKey` stands for. */
export function metricIdentity(key: string): MetricIdentity {
  const [namespace, name, pairs] = key.split(' ') as [string, string, string];
  const dimensions: Record<string, string> = {};
  for (const pair of pairs === '' ? [] : pairs.split(',')) {
    const at = pair.indexOf('=');
    dimensions[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return { namespace, name, dimensions };
}

/** What metrics have in common that tell the same of different things. */
export function metricKind({ namespace, name, dimensions }: MetricIdentity): string {
  return `${namespace} ${name} ${Object.keys(dimensions).toSorted().join(',')}`;
}

/** Letters that keep a key one text that can be taken apart again; AWS takes more of them. */
const plain = z.string().regex(/^[^\s,=]+$/, 'expected no spaces, commas or equals signs');

export const metricNamespace = plain
  .max(255)
  .describe('AWS/ECS, AWS/EC2, AWS/ApplicationELB, AWS/SQS, ECS/ContainerInsights or your own');
export const metricName = plain.max(255);
export const metricDimensions = z
  .array(z.strictObject({ Name: plain.max(255), Value: plain.max(1024) }))
  .max(30)
  .default([])
  .describe('all of them: a metric with other dimensions is another metric');
/** A text that CloudWatch knows as a statistic. */
export const metricStatistic = z.string().superRefine((found, context) => {
  const message = statisticProblem(found);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
export const metricUnit = z.string().optional().describe('read and kept, without effect: a metric here has one unit');

/** The key of a metric as AWS's shapes name it. */
export function keyOf({
  Namespace,
  MetricName,
  Dimensions,
}: {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
}): string {
  return metricKey(Namespace, MetricName, Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])));
}

export const metricEvents = {
  MetricDataPublished: event('What AWS services published for one period, a row per metric that something reads.', {
    periodStartMs: number('start of the period'),
    periodMs: number('its length'),
    metrics: texts('metricKey of each row'),
    sampleCounts: numbers('samples in the period'),
    sums: numbers("sum of the samples, in the metric's unit"),
    minimums: numbers('smallest sample'),
    maximums: numbers('largest sample'),
    distributionEnds: numbers('where the samples of each row end in the two columns below; empty when no row has any'),
    distributionValues: numbers('the different samples, ascending within a row'),
    distributionCounts: numbers('how often each came'),
  }),
  MetricValuesPut: event('Values of a custom metric came by PutMetricData.', {
    metric: text('metricKey'),
    stampMs: number('the instant they are stamped with'),
    values: numbers("in the metric's unit"),
    counts: numbers('how often each came'),
    highResolution: flag('StorageResolution 1 instead of 60'),
  }),
  MetricsKept: event('Something may ask for these metrics: they are published and kept from now on.', {
    metrics: texts('metricKey of each'),
    keepForMs: number('how far back it may look'),
    hourlyForMs: number('how far back it may look at whole hours; 0 for not at all'),
    withDistribution: flag('whether it asks for a statistic that needs the samples themselves'),
  }),
} as const;
export type MetricEvent = EventsOf<typeof metricEvents>;

/** The rows of a MetricDataPublished. */
export type MetricData = Omit<Extract<MetricEvent, { type: 'MetricDataPublished' }>, 'type'>;
type MetricValues = Omit<Extract<MetricEvent, { type: 'MetricValuesPut' }>, 'type'>;
type KeptMetrics = Omit<Extract<MetricEvent, { type: 'MetricsKept' }>, 'type'>;

export type MetricCommand =
  | ({ readonly type: 'PutMetricData' } & MetricData)
  | ({ readonly type: 'PutMetricValues' } & MetricValues)
  | ({ readonly type: 'KeepMetrics' } & KeptMetrics);

export const decideMetric: Decide<CloudWatchWorld, MetricCommand, MetricEvent> = {
  PutMetricData: (command) => [{ ...command, type: 'MetricDataPublished' }],
  PutMetricValues: (command) => [{ ...command, type: 'MetricValuesPut' }],
  KeepMetrics: (command) => [{ ...command, type: 'MetricsKept' }],
};

export const evolveMetric: Evolve<CloudWatchWorld, MetricEvent> = {
  MetricDataPublished({ cloudwatch }, frame) {
    const { periodStartMs, periodMs, metrics, distributionEnds } = frame;
    for (let row = 0; row < metrics.length; row++) {
      const metric = cloudwatch.metrics.get(metrics[row] as string);
      if (metric === undefined) continue;
      const from = row === 0 ? 0 : distributionEnds[row - 1];
      const to = distributionEnds[row];
      const datapoint: Datapoint = {
        startMs: periodStartMs,
        readableAtMs: periodStartMs + periodMs + publicationDelayMs(cloudwatch.settings, metric, periodMs),
        sampleCount: frame.sampleCounts[row] as number,
        sum: frame.sums[row] as number,
        minimum: frame.minimums[row] as number,
        maximum: frame.maximums[row] as number,
        distribution:
          from === undefined || to === undefined || from === to
            ? undefined
            : {
                values: frame.distributionValues.slice(from, to),
                counts: frame.distributionCounts.slice(from, to),
              },
      };
      store(metric, periodStartMs + periodMs, datapoint);
      countHour(metric, periodStartMs + periodMs, periodStartMs, datapoint, 1);
    }
  },
  MetricValuesPut({ cloudwatch }, { metric: key, stampMs, values, counts, highResolution }, atMs) {
    const metric = cloudwatch.metrics.get(key);
    if (metric !== undefined) putValues(cloudwatch, metric, { stampMs, values, counts, highResolution }, atMs);
  },
  MetricsKept({ cloudwatch }, { metrics, keepForMs, hourlyForMs, withDistribution }) {
    for (const key of metrics) {
      const metric = keptMetric(cloudwatch, key, keepForMs);
      metric.hourlyForMs = Math.max(metric.hourlyForMs, hourlyForMs);
      metric.wantsDistribution ||= withDistribution;
    }
  },
};

/** Values of a custom metric; those of one period become one datapoint, which can be read although it is not over. */
export function putValues(
  cloudwatch: CloudWatchWorld['cloudwatch'],
  metric: Metric,
  { stampMs, values, counts, highResolution }: Omit<MetricValues, 'metric'>,
  atMs: Millis,
): void {
  const resolutionMs = highResolution ? HIGH_RESOLUTION_MS : METRIC_PERIOD_MS;
  const startMs = stampMs - (((stampMs % resolutionMs) + resolutionMs) % resolutionMs);
  const known = metric.datapoints.findIndex((datapoint) => datapoint.startMs === startMs);
  const before = metric.datapoints[known]?.distribution;
  const samples = samplesOf([...(before?.values ?? []), ...values], [...(before?.counts ?? []), ...counts]);
  if (known !== -1) metric.datapoints.splice(known, 1);
  store(metric, atMs, { startMs, readableAtMs: atMs + cloudwatch.settings.delaysMs.custom, ...samples });
  countHour(metric, atMs, startMs, samplesOf(values, counts), known === -1 ? 1 : 0);
}

/** A metric that something reads, from now on for at least this long. */
export function keptMetric(cloudwatch: CloudWatchWorld['cloudwatch'], key: string, keepForMs: Millis): Metric {
  const identity = metricIdentity(key);
  let metric = cloudwatch.metrics.get(key);
  if (metric === undefined) {
    const { namespace, name, dimensions } = identity;
    metric = {
      namespace,
      name,
      dimensions,
      kind: metricKind(identity),
      keepForMs: 0,
      hourlyForMs: 0,
      wantsDistribution: false,
      datapoints: [],
      hours: [],
    };
    cloudwatch.metrics.set(key, metric);
  }
  metric.keepForMs = Math.max(
    metric.keepForMs,
    keepForMs + publicationDelayMs(cloudwatch.settings, identity, METRIC_PERIOD_MS),
  );
  return metric;
}

/** Takes a datapoint in at its place in time, and forgets what nothing can ask for any more. */
function store({ datapoints, keepForMs }: Metric, nowMs: Millis, datapoint: Datapoint): void {
  let place = datapoints.length;
  while (place > 0 && (datapoints[place - 1] as Datapoint).startMs > datapoint.startMs) place--;
  if (place === datapoints.length) datapoints.push(datapoint);
  else datapoints.splice(place, 0, datapoint);
  while (datapoints.length > 0 && (datapoints[0] as Datapoint).startMs < nowMs - keepForMs) datapoints.shift();
}

/** Adds samples to the hour of their period. */
function countHour(metric: Metric, nowMs: Millis, periodStartMs: Millis, samples: Samples, newDatapoints: 0 | 1): void {
  if (metric.hourlyForMs === 0) return;
  const { hours, hourlyForMs } = metric;
  const startMs = Math.floor(periodStartMs / HOUR) * HOUR;
  let hour = hours.findLast((other) => other.startMs === startMs);
  if (hour === undefined) {
    const { minimum, maximum } = samples;
    hour = { startMs, sampleCount: 0, sum: 0, minimum, maximum, datapoints: 0 };
    hours.push(hour);
    hours.sort((a, b) => a.startMs - b.startMs);
    while ((hours[0] as HourOfData).startMs < nowMs - hourlyForMs - HOUR) hours.shift();
  }
  hour.sampleCount += samples.sampleCount;
  hour.sum += samples.sum;
  hour.minimum = Math.min(hour.minimum, samples.minimum);
  hour.maximum = Math.max(hour.maximum, samples.maximum);
  hour.datapoints += newDatapoints;
}

/** End of a period to the moment its datapoint can be read. */
export function publicationDelayMs(
  { delaysMs }: CloudWatchWorld['cloudwatch']['settings'],
  { namespace }: Pick<MetricIdentity, 'namespace'>,
  periodMs: Millis,
): Millis {
  switch (namespace) {
    case 'AWS/ECS':
      return periodMs < METRIC_PERIOD_MS ? delaysMs.serviceHighResolution : delaysMs.service;
    case 'AWS/ApplicationELB':
      return delaysMs.loadBalancer;
    case 'AWS/ECS/ManagedScaling':
      return delaysMs.capacityProvider;
    case 'ECS/ContainerInsights':
      return delaysMs.containerInsights;
    case 'AWS/SQS':
      return delaysMs.queue;
    case 'AWS/EC2':
      return delaysMs.instance;
    default:
      return delaysMs.custom;
  }
}
