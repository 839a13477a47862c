/**
 * Metric alarms: M out of N datapoints over a sliding window, missing data, actions on a change of state and again each
 * minute while it lasts.
 *
 * @source spec/autoscaling.md chapter 2 (AWS, "Using Amazon CloudWatch alarms")
 */

import {
  event,
  hashText,
  json,
  MINUTE,
  number,
  numbers,
  periodStart,
  SECOND,
  text,
  texts,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { Immutable } from 'immer';
import { METRIC_PERIOD_MS, statisticOf, type Datapoint, type Metric, type Statistic } from './metric.ts';
import type { CloudWatchWorld } from './world.ts';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

const comparisonOperators = {
  GreaterThanOrEqualToThreshold: (value: number, threshold: number) => value >= threshold,
  GreaterThanThreshold: (value: number, threshold: number) => value > threshold,
  LessThanThreshold: (value: number, threshold: number) => value < threshold,
  LessThanOrEqualToThreshold: (value: number, threshold: number) => value <= threshold,
} as const;
export type ComparisonOperator = keyof typeof comparisonOperators;

export const missingDataTreatments = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;
export type TreatMissingData = (typeof missingDataTreatments)[number];

/** An alarm as PutMetricAlarm describes it. */
export interface MetricAlarm {
  readonly alarmName: string;
  /** `metricKey` of the metric it watches. */
  readonly metric: string;
  /** End of a period to the moment its datapoint can be read; AWS promises none, see `assumptions.metricDelay`. */
  readonly metricDelayMs: Millis;
  readonly statistic: Statistic;
  /** A multiple of one minute. */
  readonly periodMs: Millis;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly threshold: number;
  readonly comparisonOperator: ComparisonOperator;
  readonly treatMissingData: TreatMissingData;
  /** Auto Scaling actions: run when the state becomes ALARM, and once a minute while it is. */
  readonly alarmActions: readonly string[];
}

export interface Alarm {
  readonly config: MetricAlarm;
  /** After which part of the minute it is evaluated. */
  readonly offsetMs: Millis;
  state: AlarmState;
  stateSinceMs: Millis;
}

/** One period as the evaluation sees it. */
export type Slot = 'good' | 'breach' | 'missing';

export interface AlarmRule {
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: TreatMissingData;
  readonly current: AlarmState;
}

/**
 * The state an alarm goes to, given the periods of its evaluation range.
 *
 * With N real datapoints, missing ones play no part. With fewer, `treatMissingData` fills in; `missing` leaves an alarm as
 * it is while only breaching points exist that are younger than M periods ("premature alarm").
 *
 * @param slots  oldest first
 * @source AWS, "Configuring how CloudWatch alarms treat missing data"; the tables are in conformance/alarms.test.ts
 */
export function alarmState(slots: readonly Slot[], rule: AlarmRule): AlarmState {
  const { evaluationPeriods, datapointsToAlarm, treatMissingData, current } = rule;
  let real = 0;
  let breaching = 0; // among the newest `evaluationPeriods` real ones
  let age = 0; // of the oldest breaching one; the newest period has age 1
  for (let index = slots.length - 1; index >= 0 && real < evaluationPeriods; index--) {
    if (slots[index] === 'missing') continue;
    real++;
    if (slots[index] === 'good') continue;
    breaching++;
    age = slots.length - index;
  }
  const fillers = evaluationPeriods - real;
  if (fillers === 0) return breaching >= datapointsToAlarm ? 'ALARM' : 'OK';
  if (treatMissingData === 'breaching') return breaching + fillers >= datapointsToAlarm ? 'ALARM' : 'OK';
  if (treatMissingData === 'notBreaching') return breaching >= datapointsToAlarm ? 'ALARM' : 'OK';
  if (real === 0) return treatMissingData === 'missing' ? 'INSUFFICIENT_DATA' : current;
  if (breaching >= datapointsToAlarm) return 'ALARM';
  if (breaching < real) return 'OK';
  return treatMissingData === 'missing' && age >= datapointsToAlarm ? 'ALARM' : current;
}

/** Periods that an evaluation fetches: two more than N, so that late datapoints do not leave it short. */
// Choice: AWS says only "more than N"; its tables show 5 for N = 3 (spec/autoscaling.md 2.3).
export function evaluationRange(evaluationPeriods: number): number {
  return evaluationPeriods + 2;
}

/** The newest instants that an evaluation leaves out, so that the last period is whole (observed natively). */
const SETTLE_MS = 10 * SECOND;

/** Start of the oldest period that an evaluation at `nowMs` looks at; the others follow. */
function evaluationStartMs({ periodMs, evaluationPeriods }: MetricAlarm, nowMs: Millis): Millis {
  return periodStart(nowMs - SETTLE_MS, MINUTE) - evaluationRange(evaluationPeriods) * periodMs;
}

/**
 * The values of the periods that an evaluation at `nowMs` looks at, oldest first; undefined where no datapoint is published
 * yet. Periods longer than a minute slide with the minute; they are not aligned to their own length.
 */
export function evaluatedValues(
  alarm: MetricAlarm,
  metric: Immutable<Metric> | undefined,
  nowMs: Millis,
): readonly (number | undefined)[] {
  const { periodMs, statistic, metricDelayMs } = alarm;
  const startMs = evaluationStartMs(alarm, nowMs);
  const values: (number | undefined)[] = Array(evaluationRange(alarm.evaluationPeriods)).fill(undefined);
  const { datapoints } = metric ?? { datapoints: [] };
  for (let from = 0, to = 0; from < datapoints.length; from = to) {
    // All datapoints of one period of the alarm: one, unless the period is longer than a minute.
    const period = Math.floor(((datapoints[from] as Datapoint).startMs - startMs) / periodMs);
    for (to = from; to < datapoints.length; to++) {
      const datapoint = datapoints[to] as Datapoint;
      if (datapoint.startMs + METRIC_PERIOD_MS + metricDelayMs > nowMs) break; // not published yet, nor is what follows
      if (Math.floor((datapoint.startMs - startMs) / periodMs) !== period) break;
    }
    if (to === from) break;
    if (period >= 0 && period < values.length) values[period] = statisticOf(statistic, datapoints, from, to);
  }
  return values;
}

/** A datapoint as an alarm's action carries it. */
export interface RecentDatapoint {
  readonly startMs: Millis;
  readonly value: number;
}

/** The datapoints an alarm's action carries: the last N that exist, oldest first. @source spec/autoscaling.md 3.3 */
export function recentDatapoints(
  { cloudwatch }: Immutable<CloudWatchWorld>,
  alarmName: string,
  nowMs: Millis,
): readonly RecentDatapoint[] {
  const config = cloudwatch.alarms.get(alarmName)?.config;
  if (config === undefined) return [];
  const startMs = evaluationStartMs(config, nowMs);
  const datapoints: RecentDatapoint[] = [];
  for (const [index, value] of evaluatedValues(config, cloudwatch.metrics.get(config.metric), nowMs).entries())
    if (value !== undefined) datapoints.push({ startMs: startMs + index * config.periodMs, value });
  return datapoints.slice(-config.evaluationPeriods);
}

export const alarmEvents = {
  MetricAlarmPut: event('An alarm was created or replaced; it starts in INSUFFICIENT_DATA.', {
    alarm: json<MetricAlarm>('its configuration'),
  }),
  AlarmStateChanged: event('An alarm changed its state; its actions for the new state run.', {
    alarmName: text('the alarm'),
    from: text<AlarmState>('the state before'),
    to: text<AlarmState>('the state now'),
    threshold: number("in the metric's unit"),
    datapointStartsMs: numbers('start of each datapoint that counted, oldest first'),
    datapoints: numbers("their values, in the metric's unit"),
  }),
  AlarmActionsRepeated: event('A minute has passed and these alarms are still in ALARM: their actions run again.', {
    alarmNames: texts('the alarms'),
  }),
} as const;
export type AlarmEvent = EventsOf<typeof alarmEvents>;

export type AlarmCommand =
  | { readonly type: 'PutMetricAlarm'; readonly alarm: MetricAlarm }
  /** Evaluates the alarms whose turn comes `offsetMs` after the full minute. */
  | { readonly type: 'EvaluateAlarms'; readonly offsetMs: Millis };

/**
 * Each alarm has its own second of the minute at which it is evaluated.
 * Choice: AWS shows fixed offsets per alarm but not where they come from; ours is a hash of the name.
 */
export function evaluationOffsetMs(alarmName: string): Millis {
  return (hashText(alarmName) % 60) * SECOND;
}

export const decideAlarm: Decide<CloudWatchWorld, AlarmCommand, AlarmEvent> = {
  PutMetricAlarm: ({ alarm }) => [{ type: 'MetricAlarmPut', alarm }],

  EvaluateAlarms({ offsetMs }, { world, nowMs }) {
    const { cloudwatch } = world;
    const events: AlarmEvent[] = [];
    const repeated: string[] = [];
    for (const { config, state, offsetMs: ownOffsetMs } of cloudwatch.alarms.values()) {
      if (ownOffsetMs !== offsetMs) continue;
      const breach = comparisonOperators[config.comparisonOperator];
      const values = evaluatedValues(config, cloudwatch.metrics.get(config.metric), nowMs);
      const slots = values.map((value): Slot => {
        if (value === undefined) return 'missing';
        return breach(value, config.threshold) ? 'breach' : 'good';
      });
      const to = alarmState(slots, {
        evaluationPeriods: config.evaluationPeriods,
        datapointsToAlarm: config.datapointsToAlarm,
        treatMissingData: config.treatMissingData,
        current: state,
      });
      if (to !== state) {
        const counted = recentDatapoints(world, config.alarmName, nowMs);
        events.push({
          type: 'AlarmStateChanged',
          alarmName: config.alarmName,
          from: state,
          to,
          threshold: config.threshold,
          datapointStartsMs: counted.map(({ startMs }) => startMs),
          datapoints: counted.map(({ value }) => value),
        });
      } else if (to === 'ALARM' && config.alarmActions.length > 0) repeated.push(config.alarmName);
    }
    if (repeated.length > 0) events.push({ type: 'AlarmActionsRepeated', alarmNames: repeated });
    return events;
  },
};

export const evolveAlarm: Evolve<CloudWatchWorld, AlarmEvent> = {
  MetricAlarmPut({ cloudwatch }, { alarm }, atMs) {
    cloudwatch.alarms.set(alarm.alarmName, {
      config: alarm,
      offsetMs: evaluationOffsetMs(alarm.alarmName),
      state: 'INSUFFICIENT_DATA',
      stateSinceMs: atMs,
    });
    const lookBackMs = (evaluationRange(alarm.evaluationPeriods) + 1) * alarm.periodMs + alarm.metricDelayMs;
    const metric = cloudwatch.metrics.get(alarm.metric);
    if (metric === undefined) cloudwatch.metrics.set(alarm.metric, { keepForMs: lookBackMs, datapoints: [] });
    else metric.keepForMs = Math.max(metric.keepForMs, lookBackMs);
  },
  AlarmStateChanged({ cloudwatch }, { alarmName, to }, atMs) {
    const alarm = cloudwatch.alarms.get(alarmName);
    if (alarm === undefined) return;
    alarm.state = to;
    alarm.stateSinceMs = atMs;
  },
  AlarmActionsRepeated() {},
};
