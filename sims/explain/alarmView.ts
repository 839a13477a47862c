/** An alarm at an instant: the periods it looks at, how far it is from firing, and when it can fire at the earliest. */

import type { Immutable } from 'immer';
import {
  actionDelayMs,
  alarmState,
  comparisonOperators,
  metricIdentity,
  metricsOf,
  MINUTE,
  nextEvaluationMs,
  nextRepeatMs,
  periodsOf,
  publicationDelayMs,
  type Alarm,
  type AlarmState,
  type MetricAlarm,
  type Millis,
  type Slot,
  type World,
} from '../../core/index.ts';
import { alarmTitle, comparisonOf, requestTitle } from '../report/describe.ts';
import { formatDuration, formatExact, formatInstant, formatMinute, formatNear, formatNoun } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';

type View = Immutable<World>;

/** A period as an alarm sees it at an instant. */
export interface SeenPeriod {
  readonly startMs: Millis;
  readonly value: number | undefined;
  readonly breaches: boolean;
  /** From when its datapoint can be read; undefined when there is none so far. */
  readonly readableAtMs: Millis | undefined;
}

/** The periods of an alarm's evaluation at an instant, oldest first. */
export function seenPeriods({ cloudwatch }: View, config: MetricAlarm, nowMs: Millis): readonly SeenPeriod[] {
  const breaches = comparisonOperators[config.comparisonOperator];
  return periodsOf(cloudwatch, config, nowMs).map(({ startMs, value }) => ({
    startMs,
    value,
    breaches: value !== undefined && breaches(value, config.threshold),
    readableAtMs: readableAtMs(cloudwatch, config, startMs),
  }));
}

/** The last datapoint of the period that its metrics had to wait for. */
function readableAtMs({ metrics }: View['cloudwatch'], config: MetricAlarm, startMs: Millis): Millis | undefined {
  let latest: Millis | undefined;
  for (const { metric } of metricsOf(config.request))
    for (const datapoint of metrics.get(metric)?.datapoints ?? [])
      if (datapoint.startMs >= startMs && datapoint.startMs < startMs + config.periodMs)
        latest = Math.max(latest ?? 0, datapoint.readableAtMs);
  return latest;
}

/** Start of a period to the instant all of it can be read; custom values need not wait for its end. */
export function publicationMs(world: View, config: MetricAlarm): Millis {
  return Math.max(0, ...delaysMs(world, config).map(({ delayMs, waits }) => (waits ? config.periodMs : 0) + delayMs));
}

/** Start of a period to the instant something of it can be read: its first datapoint is enough for a value. */
function firstReadableMs(world: View, config: MetricAlarm): Millis {
  // As the metric's datapoints do it, which may be of high resolution; of a metric that has none nothing is known.
  const seen = metricsOf(config.request).map(({ metric }) => {
    const lags = (world.cloudwatch.metrics.get(metric)?.datapoints ?? []).map(
      ({ startMs, readableAtMs: readable }) => readable - startMs,
    );
    return lags.length === 0 ? 0 : Math.min(...lags);
  });
  return Math.min(publicationMs(world, config), Math.max(0, ...seen));
}

/** The delays of an alarm's metrics, and whether they come with the end of a period. */
function delaysMs({ cloudwatch }: View, { request, periodMs }: MetricAlarm) {
  return metricsOf(request).map(({ metric }) => {
    const identity = metricIdentity(metric);
    const delayMs = publicationDelayMs(cloudwatch.settings, identity, Math.min(periodMs, MINUTE));
    return { delayMs, waits: /^(AWS|ECS)\//.test(identity.namespace) };
  });
}

/** With basic monitoring EC2 publishes one datapoint for five minutes, stamped with their start. */
const BASIC_MONITORING_MS = 5 * MINUTE;

/** Evaluations that are looked ahead: beyond them lies more than any alarm can need. */
const MOST_EVALUATIONS = 1_500;

/**
 * When an alarm can call its policies at the earliest, by an evaluation after an instant that brings it to ALARM: if all data to come are past the threshold, come
 * in time, and the alarm is not changed. Undefined when it never can, or needs more than a day.
 */
export function earliestAlarmMs(world: View, alarm: Immutable<Alarm>, nowMs: Millis): Millis | undefined {
  const { cloudwatch } = world;
  const { config } = alarm;
  const { evaluationPeriods, datapointsToAlarm, treatMissingData, periodMs } = config;
  const { youngBreaches } = cloudwatch.settings;
  const readableMs = firstReadableMs(world, config);
  const isLate = config.request.some((query) => 'metric' in query && query.metric.startsWith('AWS/EC2 '));
  const lateMs = isLate ? BASIC_MONITORING_MS : 0;
  const breaches = comparisonOperators[config.comparisonOperator];
  const rule = { evaluationPeriods, datapointsToAlarm, treatMissingData, youngBreaches };
  let current: AlarmState = alarm.state;
  let atMs = nowMs;
  for (let count = 0; count < MOST_EVALUATIONS; count++) {
    atMs = nextEvaluationMs(alarm, atMs);
    const slots = periodsOf(cloudwatch, config, atMs).map(({ startMs, value }): Slot => {
      // What the rest of a period will bring can still turn it.
      if (startMs + periodMs + lateMs > nowMs) return startMs + readableMs <= atMs ? 'breach' : 'missing';
      if (value === undefined) return 'missing';
      return breaches(value, config.threshold) ? 'breach' : 'good';
    });
    current = alarmState(slots, { ...rule, current });
    if (current === 'ALARM') return atMs + actionDelayMs(world, config.alarmName);
  }
  return undefined;
}

/** When an alarm calls its policies next, at or after an instant, if its state lasts. */
export function nextCallMs(
  world: View,
  alarm: Immutable<Alarm>,
  nowMs: Millis,
  notBeforeMs = nowMs,
): Millis | undefined {
  const { cloudwatch } = world;
  const delayMs = actionDelayMs(world, alarm.config.alarmName);
  // The change itself calls, and what it has called may still be on its way.
  if (alarm.stateSinceMs + delayMs > nowMs && alarm.stateSinceMs + delayMs >= notBeforeMs)
    return alarm.stateSinceMs + delayMs;
  let atMs = nextRepeatMs(alarm, cloudwatch.settings, Math.max(alarm.stateSinceMs, nowMs - delayMs));
  while (atMs !== undefined && atMs + delayMs < notBeforeMs) atMs = nextRepeatMs(alarm, cloudwatch.settings, atMs);
  return atMs === undefined ? undefined : atMs + delayMs;
}

/** How many of the datapoints that count are past the threshold. */
export function breaching(periods: readonly SeenPeriod[], { evaluationPeriods }: MetricAlarm): number {
  return counted(periods, evaluationPeriods).filter(({ breaches }) => breaches).length;
}

/** The newest datapoints that can be read: the ones that an evaluation goes by. */
function counted(periods: readonly SeenPeriod[], evaluationPeriods: number): readonly SeenPeriod[] {
  return periods.filter(({ value }) => value !== undefined).slice(-evaluationPeriods);
}

/** `alarm web cpu high is OK since 11:40:19: 2 of 3 datapoints above 60 of CPUUtilization of web, it needs 3` */
export function alarmSentence(world: View, alarm: Immutable<Alarm>, nowMs: Millis): string {
  const { config, state, stateSinceMs } = alarm;
  const { alarmName, request, threshold, evaluationPeriods, datapointsToAlarm, periodMs } = config;
  const periods = seenPeriods(world, config, nowMs);
  const { side } = comparisonOf(alarmName, config.comparisonOperator);
  const real = counted(periods, evaluationPeriods).length;
  const seen = `${breaching(periods, config)} of ${formatNoun(real, 'datapoint')} of ${formatDuration(periodMs)} ${side} ${formatExact(threshold)}`;
  const rule =
    datapointsToAlarm === evaluationPeriods
      ? `it takes ${datapointsToAlarm}`
      : `it takes ${datapointsToAlarm} of ${evaluationPeriods}`;
  const fewer = real < evaluationPeriods ? `, and only ${formatNoun(real, 'datapoint')} can be read` : '';
  return `alarm ${alarmTitle(alarmName)} is ${state} since ${formatNear(stateSinceMs, nowMs)}: ${seen} of ${requestTitle(request)}, ${rule}${fewer}`;
}

/** Datapoints that are listed one by one; of more of them the newest and those nearest to the threshold tell enough. */
const LISTED = 5;

/** The datapoints that count, each with its value, which side it is on, and since when it can be read. */
export function datapointLines(world: View, config: MetricAlarm, nowMs: Millis, indent: number): StoryLine[] {
  const periods = seenPeriods(world, config, nowMs);
  const points = counted(periods, config.evaluationPeriods);
  const { side } = comparisonOf(config.alarmName, config.comparisonOperator);
  const time = config.periodMs < MINUTE ? formatInstant : formatMinute;
  const row = ({ startMs, value, breaches, readableAtMs: readable }: SeenPeriod): StoryLine => {
    const verdict = breaches ? side : `not ${side}`;
    const since = readable === undefined ? '' : `, readable since ${formatNear(readable, nowMs)}`;
    return {
      indent,
      lead: `${time(startMs)}  ${formatExact(value as number).padStart(9)}  `,
      text: `${verdict} ${formatExact(config.threshold)}${since}`,
    };
  };
  const values = points.map(({ value }) => value as number);
  const older = points.slice(0, -LISTED);
  return [
    ...(older.length > 0
      ? [
          {
            indent,
            text: `${formatNoun(older.length, 'datapoint')} from ${time((older[0] as SeenPeriod).startMs)} to ${time((older.at(-1) as SeenPeriod).startMs)}: ${older.filter(({ breaches }) => breaches).length} ${side} ${formatExact(config.threshold)}; of all ${points.length} the smallest is ${formatExact(Math.min(...values))}, the largest ${formatExact(Math.max(...values))}`,
          },
        ]
      : []),
    ...points.slice(-LISTED).map(row),
  ];
}

/** `the newest datapoint is of 12:03, 1m 20s old; the next, of 12:04, can be read from 12:06:00 on` */
export function ageSentence(world: View, config: MetricAlarm, nowMs: Millis): string {
  const newest = seenPeriods(world, config, nowMs).findLast(({ value }) => value !== undefined);
  const time = config.periodMs < MINUTE ? formatInstant : formatMinute;
  if (newest === undefined) return 'none of its metric can be read: what is missing is neither high nor low';
  const stepMs = Math.min(config.periodMs, MINUTE);
  const nextMs = newest.startMs + stepMs;
  const readable = nextMs + publicationMs(world, config);
  const next =
    readable > nowMs
      ? `the next, of ${time(nextMs)}, can be read from ${formatNear(readable, nowMs)} on`
      : `that of ${time(nextMs)} has not come, or is not looked at before the next evaluation`;
  return `the newest datapoint is of ${time(newest.startMs)}, whose period ended ${formatDuration(nowMs - newest.startMs - config.periodMs)} ago; ${next}`;
}
