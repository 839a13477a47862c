/**
 * Custom metrics that someone's program computes from other metrics and publishes again and again, such as the backlog per
 * task that a small function derives from a queue and a service.
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  event,
  json,
  number,
  optional,
  SECOND,
  text,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
  type ScenarioProblem,
} from '../kernel/index.ts';
import { keptMetric, keyOf, metricDimensions, metricName, metricNamespace, metricUnit, putValues } from './metric.ts';
import {
  metricDataQuery,
  metricQueryProblems,
  metricsOf,
  readValues,
  requestOf,
  wantsDistribution,
  type MetricRequest,
} from './metricRequest.ts';
import type { CloudWatchWorld } from './world.ts';

export const customMetric = z.strictObject({
  Namespace: metricNamespace,
  MetricName: metricName,
  Dimensions: metricDimensions,
  Unit: metricUnit,
  StorageResolution: z.literal([1, 60]).default(60).describe('1: high resolution'),
  everySeconds: z.int().min(1).max(86_400).default(60).describe('how often the program publishes'),
  Metrics: z
    .array(metricDataQuery)
    .min(1)
    .describe('what it publishes: metric math over the period that has just ended'),
});
export type PutCustomMetric = z.output<typeof customMetric>;

export interface CustomMetricConfig {
  readonly metric: string;
  readonly request: MetricRequest;
  readonly everyMs: Millis;
  readonly highResolution: boolean;
}

export interface CustomMetric {
  readonly config: CustomMetricConfig;
}

/** What is wrong with the math of a custom metric. */
export function customMetricProblems({ Metrics, everySeconds }: PutCustomMetric): readonly ScenarioProblem[] {
  const problems = metricQueryProblems(Metrics, everySeconds);
  return problems.map(({ path, message }) => ({ path: ['Metrics', ...path], message }));
}

export function customMetricOf(written: PutCustomMetric): CustomMetricConfig {
  return {
    metric: keyOf(written),
    request: requestOf(written.Metrics),
    everyMs: written.everySeconds * SECOND,
    highResolution: written.StorageResolution === 1,
  };
}

export const customMetricEvents = {
  CustomMetricStarted: event('A program began to publish a metric that it computes from others.', {
    config: json<CustomMetricConfig>('what it publishes, and how often'),
    dueAtMs: number('when it does so first'),
  }),
  CustomMetricPublished: event('A program computed its metric and published it, if there was something to publish.', {
    metric: text('metricKey'),
    value: optional(number("in the metric's unit; absent when what it is computed from had no data")),
    dueAtMs: number('when it does so next'),
  }),
} as const;
export type CustomMetricEvent = EventsOf<typeof customMetricEvents>;

export type CustomMetricCommand =
  | { readonly type: 'StartCustomMetric'; readonly config: CustomMetricConfig }
  | { readonly type: 'PublishCustomMetric'; readonly metric: string };

export const decideCustomMetric: Decide<CloudWatchWorld, CustomMetricCommand, CustomMetricEvent> = {
  StartCustomMetric({ config }, { nowMs }) {
    const { everyMs } = config;
    return [{ type: 'CustomMetricStarted', config, dueAtMs: (Math.floor(nowMs / everyMs) + 1) * everyMs }];
  },

  PublishCustomMetric({ metric }, { world: { cloudwatch }, nowMs }) {
    const config: Immutable<CustomMetricConfig> | undefined = cloudwatch.customMetrics.get(metric)?.config;
    if (config === undefined) return [];
    // Choice: such programs ask the services themselves, so that publication delays do not matter to them.
    const period = { startMs: nowMs - config.everyMs, periodMs: config.everyMs, count: 1 };
    const [value] = readValues(cloudwatch, config.request, period, Number.POSITIVE_INFINITY);
    return [
      {
        type: 'CustomMetricPublished',
        metric,
        ...(value === undefined ? {} : { value: Math.round(value * 1e9) / 1e9 }),
        dueAtMs: nowMs + config.everyMs,
      },
    ];
  },
};

export const evolveCustomMetric: Evolve<CloudWatchWorld, CustomMetricEvent> = {
  CustomMetricStarted({ cloudwatch }, { config }) {
    cloudwatch.customMetrics.set(config.metric, { config });
    for (const { metric: key } of metricsOf(config.request))
      keptMetric(cloudwatch, key, 2 * config.everyMs).wantsDistribution ||= wantsDistribution(config.request);
  },
  CustomMetricPublished({ cloudwatch }, { metric: key, value }, atMs) {
    const metric = cloudwatch.metrics.get(key);
    const config = cloudwatch.customMetrics.get(key)?.config;
    if (metric === undefined || config === undefined || value === undefined) return;
    // It tells of the period that has just ended.
    const { everyMs, highResolution } = config;
    putValues(cloudwatch, metric, { stampMs: atMs - everyMs, values: [value], counts: [1], highResolution }, atMs);
  },
};
