/**
 * What is read of metrics: a metric under a statistic, or math over several, period by period.
 *
 * @source spec/autoscaling.md 1.6, 2.2, 3.2 (AWS, CloudWatch API, MetricDataQuery)
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { BrokenInvariantError, HOUR, SECOND, type Millis, type ScenarioProblem } from '../kernel/index.ts';
import { evaluateMetricMath, MetricMathError, metricMathIds } from './metricMath.ts';
import {
  keyOf,
  metricDimensions,
  metricName,
  metricNamespace,
  metricStatistic,
  metricUnit,
  type Datapoint,
  type Metric,
} from './metric.ts';
import { fewestSamples, needsDistribution, statisticOf, type Statistic } from './statistic.ts';
import type { CloudWatchState } from './world.ts';

/** One series of a request: a metric under a statistic, or math over the series before it. */
export type MetricQuery =
  | { readonly id: string; readonly metric: string; readonly statistic: Statistic }
  | { readonly id: string; readonly expression: string };

/** Series, each after those that it is computed from; the last one is what the request is for. */
export type MetricRequest = readonly MetricQuery[];

/** The request for one metric. */
export function requestFor(metric: string, statistic: Statistic): MetricRequest {
  return [{ id: 'm1', metric, statistic }];
}

/** The metrics that a request reads. */
export function metricsOf(
  request: MetricRequest,
): readonly { readonly metric: string; readonly statistic: Statistic }[] {
  return request.flatMap((query) => ('metric' in query ? [query] : []));
}

export function wantsDistribution(request: MetricRequest): boolean {
  return metricsOf(request).some(({ statistic }) => needsDistribution(statistic));
}

// As AWS writes it ---------------------------------------------------------------------------------------------------

const metricStat = z.strictObject({
  Metric: z.strictObject({ Namespace: metricNamespace, MetricName: metricName, Dimensions: metricDimensions }),
  Period: z
    .int()
    .optional()
    .describe('seconds; the same for all metrics of an alarm, and never written for target tracking'),
  Stat: metricStatistic.describe('Average, Sum, p99 and the like'),
  Unit: metricUnit,
});

/** `Metrics` of put-metric-alarm and of a customized metric specification. */
export const metricDataQuery = z.strictObject({
  Id: z
    .string()
    .regex(/^[a-z][a-zA-Z0-9_]{0,254}$/, 'expected an id that starts with a lower-case letter')
    .describe('what expressions call it'),
  MetricStat: metricStat.optional(),
  Expression: z.string().min(1).max(2048).optional().describe('metric math over the other ids'),
  Label: z.string().optional(),
  ReturnData: z.boolean().default(true).describe('true for exactly one: the series that counts'),
});
export type MetricDataQuery = z.output<typeof metricDataQuery>;

/** One metric, as a customized metric specification or put-metric-alarm names it. */
export const customMetricSpecification = {
  MetricName: metricName.optional(),
  Namespace: metricNamespace.optional(),
  Dimensions: metricDimensions,
  Unit: metricUnit,
  Metrics: z.array(metricDataQuery).min(1).optional().describe('metric math instead of one metric'),
};

const MOST_METRICS = 10;

/**
 * What AWS would refuse about `Metrics`; paths start there.
 *
 * @param periodS  the period in seconds that all metrics are to have; undefined where none may be written
 */
export function metricQueryProblems(
  queries: readonly MetricDataQuery[],
  periodS: number | undefined,
): readonly ScenarioProblem[] {
  const problems: ScenarioProblem[] = [];
  const report = (path: ScenarioProblem['path'], message: string) => problems.push({ path, message });
  const returned = queries.filter(({ ReturnData }) => ReturnData);
  if (returned.length !== 1)
    report(
      [],
      `found ${returned.length} queries with ReturnData, expected exactly one: set ReturnData: false on the others`,
    );
  if (queries.filter(({ MetricStat }) => MetricStat !== undefined).length > MOST_METRICS)
    report([], `found more than ${MOST_METRICS} metrics, expected at most ${MOST_METRICS}`);
  for (const [index, { Id, MetricStat, Expression }] of queries.entries()) {
    if (queries.findIndex((other) => other.Id === Id) < index)
      report([index, 'Id'], `found the id "${Id}" a second time, expected an id of its own`);
    if ((MetricStat === undefined) === (Expression === undefined))
      report([index], 'expected either MetricStat or Expression, and not both');
    const found = MetricStat?.Period;
    if (periodS === undefined && found !== undefined)
      report([index, 'MetricStat', 'Period'], 'found a Period, expected none: target tracking uses 60 seconds');
    if (periodS !== undefined && found !== undefined && found !== periodS)
      report([index, 'MetricStat', 'Period'], `found ${found}, expected ${periodS}, the period of the alarm`);
  }
  if (problems.length > 0) return problems;
  const ids = queries.map(({ Id }) => Id);
  const known = new Map(queries.filter(({ MetricStat }) => MetricStat !== undefined).map(({ Id }) => [Id, []]));
  for (const { index, query } of inOrder(queries)) {
    if (query.Expression === undefined) continue;
    const waits = metricMathIds(query.Expression).find((id) => ids.includes(id) && !known.has(id));
    if (waits !== undefined) {
      report([index, 'Expression'], `found ${waits}, which is computed from "${query.Id}" itself, expected no circle`);
      continue;
    }
    try {
      evaluateMetricMath(query.Expression, Object.fromEntries(known), { periodS: periodS ?? 60 });
    } catch (error) {
      if (!(error instanceof MetricMathError)) throw error;
      report([index, 'Expression'], error.message);
    }
    known.set(query.Id, []);
  }
  return problems;
}

/** Each query after those that its expression names; those in a circle last, as they are written. */
function inOrder(
  queries: readonly Immutable<MetricDataQuery>[],
): { readonly index: number; readonly query: Immutable<MetricDataQuery> }[] {
  let left = queries.map((query, index) => ({ index, query }));
  const ordered: typeof left = [];
  const ids = new Set(queries.map(({ Id }) => Id));
  while (left.length > 0) {
    const waiting = new Set(left.map(({ query }) => query.Id));
    const ready = left.filter(({ query }) =>
      metricMathIds(query.Expression ?? '').every((id) => !ids.has(id) || !waiting.has(id)),
    );
    if (ready.length === 0) return [...ordered, ...left];
    ordered.push(...ready);
    left = left.filter((item) => !ready.includes(item));
  }
  return ordered;
}

/** The request that sound `Metrics` stand for. */
export function requestOf(queries: readonly Immutable<MetricDataQuery>[]): MetricRequest {
  const ordered = inOrder(queries).map(({ query }) => query);
  const returned = ordered.find(({ ReturnData }) => ReturnData) as Immutable<MetricDataQuery>;
  const request = ordered.map(({ Id, MetricStat, Expression }): MetricQuery => {
    if (MetricStat === undefined) return { id: Id, expression: Expression as string };
    return { id: Id, metric: keyOf(MetricStat.Metric), statistic: MetricStat.Stat };
  });
  const place = request.findIndex(({ id }) => id === returned.Id);
  // What the returned series does not need, nobody reads.
  const needed = new Set([returned.Id]);
  for (const query of request.slice(0, place + 1).toReversed())
    if (needed.has(query.id) && 'expression' in query) {
      const all = query.expression.includes('METRICS(');
      for (const other of request)
        if (all ? 'metric' in other : metricMathIds(query.expression).includes(other.id)) needed.add(other.id);
    }
  return request.slice(0, place + 1).filter(({ id }) => needed.has(id));
}

// Reading ------------------------------------------------------------------------------------------------------------

/** Periods of one length, one after the other. */
export interface Periods {
  readonly startMs: Millis;
  readonly periodMs: Millis;
  readonly count: number;
}

export type Values = readonly (number | undefined)[];

/**
 * What a request yields for some periods as one can see it at `nowMs`, oldest first; undefined where there is no datapoint,
 * or none that can be read yet.
 */
export function readValues(
  { metrics }: Immutable<CloudWatchState>,
  request: MetricRequest,
  periods: Periods,
  nowMs: Millis,
): Values {
  const [only] = request;
  if (request.length === 1 && only !== undefined && 'metric' in only)
    return seriesOf(metrics.get(only.metric), only.statistic, periods, nowMs);
  return computed(request, periods.periodMs / SECOND, ({ metric, statistic }) =>
    seriesOf(metrics.get(metric), statistic, periods, nowMs),
  );
}

/**
 * The same for the whole hours from `startMs` on, of metrics whose hours are kept. Sum and SampleCount are means over the
 * datapoints of the hour, so that an hour with gaps does not look like one with less of everything.
 */
export function readHours(
  { metrics }: Immutable<CloudWatchState>,
  request: MetricRequest,
  startMs: Millis,
  count: number,
): Values {
  return computed(request, HOUR / SECOND, ({ metric, statistic }) => {
    const values: (number | undefined)[] = Array(count).fill(undefined);
    for (const hour of metrics.get(metric)?.hours ?? []) {
      const place = Math.round((hour.startMs - startMs) / HOUR);
      if (place < 0 || place >= count) continue;
      const value = statisticOf(statistic, [hour]);
      const isTotal = statistic === 'Sum' || statistic === 'SampleCount';
      values[place] = value === undefined || !isTotal ? value : value / hour.datapoints;
    }
    return values;
  });
}

type StatQuery = Extract<MetricQuery, { readonly metric: string }>;

function computed(request: MetricRequest, periodS: number, read: (query: StatQuery) => Values): Values {
  const series: Record<string, Values> = {};
  let last: Values | undefined;
  for (const query of request) {
    last = 'metric' in query ? read(query) : evaluateMetricMath(query.expression, series, { periodS });
    series[query.id] = last;
  }
  if (last === undefined) throw new BrokenInvariantError('a metric request without a query');
  return last;
}

function seriesOf(
  metric: Immutable<Metric> | undefined,
  statistic: Statistic,
  { startMs, periodMs, count }: Periods,
  nowMs: Millis,
): Values {
  const values: (number | undefined)[] = Array(count).fill(undefined);
  const datapoints = metric?.datapoints ?? [];
  for (let from = 0, to = 0; from < datapoints.length; from = to) {
    const period = Math.floor(((datapoints[from] as Datapoint).startMs - startMs) / periodMs);
    to = endOfPeriod(datapoints, from, startMs + (period + 1) * periodMs, nowMs);
    if (period >= 0 && period < count && to > from) values[period] = statisticOf(statistic, datapoints, from, to);
    while (to < datapoints.length && (datapoints[to] as Datapoint).startMs < startMs + (period + 1) * periodMs) to++;
  }
  return values;
}

/**
 * Tells the values of those of the periods that have one as one can see it at `nowMs`, newest first.
 *
 * @param hear  whether it has heard enough
 */
export function tellNewest(
  { datapoints }: Immutable<Metric>,
  statistic: Statistic,
  { startMs, periodMs, count }: Periods,
  nowMs: Millis,
  hear: (value: number) => boolean,
): void {
  for (let end = datapoints.length; end > 0;) {
    const period = Math.floor(((datapoints[end - 1] as Datapoint).startMs - startMs) / periodMs);
    if (period < 0) return;
    const fromMs = startMs + period * periodMs;
    let from = end - 1;
    while (from > 0 && (datapoints[from - 1] as Datapoint).startMs >= fromMs) from--;
    const to = period < count ? endOfPeriod(datapoints, from, fromMs + periodMs, nowMs) : from;
    const value = to > from ? statisticOf(statistic, datapoints, from, to) : undefined;
    if (value !== undefined && hear(value)) return;
    end = from;
  }
}

/** All datapoints of one period that can be read: those after the first unreadable one cannot either. */
function endOfPeriod(datapoints: Immutable<Datapoint[]>, from: number, endMs: Millis, nowMs: Millis): number {
  let to = from;
  while (to < datapoints.length) {
    const { startMs, readableAtMs } = datapoints[to] as Datapoint;
    if (startMs >= endMs || readableAtMs > nowMs) break;
    to++;
  }
  return to;
}

/** Whether one of the newest periods with data has too few samples for the request's percentile to mean something. */
export function hasFewSamples(
  { metrics }: Immutable<CloudWatchState>,
  request: MetricRequest,
  periods: Periods,
  newest: number,
  nowMs: Millis,
): boolean {
  const [only] = request;
  if (request.length !== 1 || only === undefined || !('metric' in only)) return false;
  const fewest = fewestSamples(only.statistic);
  if (fewest === undefined) return false;
  const counts = seriesOf(metrics.get(only.metric), 'SampleCount', periods, nowMs);
  const known = counts.filter((count) => count !== undefined);
  return known.slice(-newest).some((count) => count < fewest);
}
