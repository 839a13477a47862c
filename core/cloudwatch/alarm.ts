/**
 * Metric alarms: M out of N datapoints over a sliding window, missing data, actions on a change of state, and scaling
 * actions again each minute while it lasts.
 *
 * @source spec/autoscaling.md chapter 2 (AWS, "Using Amazon CloudWatch alarms")
 */

import type { Immutable } from 'immer';
import {
  DAY,
  event,
  flag,
  hashText,
  HOUR,
  json,
  MINUTE,
  number,
  numbers,
  optional,
  periodStart,
  SECOND,
  text,
  texts,
  thaw,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { keptMetric } from './metric.ts';
import {
  hasFewSamples,
  metricsOf,
  readValues,
  tellNewest,
  type MetricRequest,
  type Periods,
  type Values,
} from './metricRequest.ts';
import { needsDistribution } from './statistic.ts';
import type { CloudWatchSettings } from './settings.ts';
import type { CloudWatchState, CloudWatchWorld } from './world.ts';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export const comparisonOperators = {
  GreaterThanOrEqualToThreshold: (value: number, threshold: number) => value >= threshold,
  GreaterThanThreshold: (value: number, threshold: number) => value > threshold,
  LessThanThreshold: (value: number, threshold: number) => value < threshold,
  LessThanOrEqualToThreshold: (value: number, threshold: number) => value <= threshold,
} as const;
export type ComparisonOperator = keyof typeof comparisonOperators;

export const missingDataTreatments = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;
export type TreatMissingData = (typeof missingDataTreatments)[number];

/** What an alarm does when it goes to a state: calls scaling policies, which it repeats, or notifies a topic. */
export type AlarmActions = Readonly<Partial<Record<AlarmState, readonly string[]>>>;

/** An alarm as PutMetricAlarm describes it. */
export interface MetricAlarm {
  readonly alarmName: string;
  /** What it watches. */
  readonly request: MetricRequest;
  /** 10, 20 or 30 seconds, or a multiple of one minute. */
  readonly periodMs: Millis;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly threshold: number;
  readonly comparisonOperator: ComparisonOperator;
  readonly treatMissingData: TreatMissingData;
  /** A percentile of too few samples changes nothing. */
  readonly ignoresFewSamples?: boolean;
  /** Auto Scaling actions by state: they run when the state begins, and once a minute while it lasts. */
  readonly scalingActions: AlarmActions;
  /** Topics by state: they hear of it when the state begins. */
  readonly topics?: AlarmActions;
  readonly actionsEnabled?: boolean;
}

export interface Alarm {
  config: MetricAlarm;
  /** It is evaluated when this much of its cadence has passed. */
  readonly phaseMs: Millis;
  state: AlarmState;
  stateSinceMs: Millis;
  actionsEnabled: boolean;
}

/** One period as the evaluation sees it. */
export type Slot = 'good' | 'breach' | 'missing';

export interface AlarmRule {
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: TreatMissingData;
  readonly current: AlarmState;
  /** What happens while the only datapoints breach and are young: `retain` (the default) or `OK`. */
  readonly youngBreaches?: 'retain' | 'OK';
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
  const { evaluationPeriods, datapointsToAlarm, treatMissingData, current, youngBreaches = 'retain' } = rule;
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
  if (treatMissingData === 'ignore') return current;
  if (age >= datapointsToAlarm) return 'ALARM';
  return youngBreaches === 'retain' ? current : 'OK';
}

/** Periods that an evaluation fetches: more than N, so that late datapoints do not leave it short. */
// Choice: AWS says only "more than N"; its tables show 5 for N = 3, and natively 9 periods of 10 s were seen for N = 3.
export function evaluationRange(
  { evaluationPeriods, periodMs }: Pick<MetricAlarm, 'evaluationPeriods' | 'periodMs'>,
  { extraPeriods, highResolutionSpanMs }: CloudWatchSettings,
): number {
  const range = evaluationPeriods + extraPeriods;
  return periodMs >= MINUTE ? range : Math.max(range, Math.ceil(highResolutionSpanMs / periodMs));
}

/** How far back an alarm looks. */
export function lookBackMs(alarm: MetricAlarm, settings: CloudWatchSettings): Millis {
  return (evaluationRange(alarm, settings) + 1) * alarm.periodMs + (cadenceMs(alarm) === HOUR ? HOUR : 0);
}

/** The newest instants that an alarm on a metric leaves out, so that the last period is whole (observed natively). */
const SETTLE_MS = 10 * SECOND;

/** How often an alarm is evaluated: every minute, every ten seconds below a minute, every hour beyond a day. */
function cadenceMs({ periodMs, evaluationPeriods }: MetricAlarm): Millis {
  if (periodMs < MINUTE) return 10 * SECOND;
  return periodMs * evaluationPeriods > DAY ? HOUR : MINUTE;
}

/** How often an alarm has its turn, be it only to repeat its actions. */
function turnMs(alarm: MetricAlarm): Millis {
  return Math.min(cadenceMs(alarm), MINUTE);
}

/**
 * Each alarm has its own second within its cadence.
 * Choice: AWS shows fixed offsets per alarm but not where they come from; ours is a hash of the name.
 */
export function evaluationPhaseMs(
  alarm: MetricAlarm,
  { evaluationPhase }: Pick<CloudWatchSettings, 'evaluationPhase'>,
): Millis {
  if (evaluationPhase === 'zero') return 0;
  return (hashText(alarm.alarmName) % (cadenceMs(alarm) / SECOND)) * SECOND;
}

/** When an alarm is evaluated next, after `nowMs`. */
export function nextEvaluationMs({ config, phaseMs }: Immutable<Alarm>, nowMs: Millis): Millis {
  const cadence = cadenceMs(config);
  return nowMs + cadence - ((((nowMs - phaseMs) % cadence) + cadence) % cadence);
}

/** The instants at which alarms have a turn within the minute that starts at `minuteMs`. */
export function turnsWithin({ turns }: Immutable<CloudWatchState>, minuteMs: Millis): readonly Millis[] {
  return [...turns.keys()].map((turn) => minuteMs + turn);
}

/** The turns of one alarm in the minute that starts at `minuteMs`. */
export function turnsOf({ config, phaseMs }: Immutable<Alarm>, minuteMs: Millis): readonly Millis[] {
  const turn = turnMs(config);
  return Array.from({ length: MINUTE / turn }, (_, index) => minuteMs + (phaseMs % turn) + index * turn);
}

/**
 * The periods that an evaluation at `nowMs` looks at. They slide: with the minute, however long they are, or with their own
 * length below a minute. Math over metrics does not wait for the last seconds to settle; an alarm of more than a day sees
 * whole hours only.
 */
function evaluatedPeriods(alarm: MetricAlarm, settings: CloudWatchSettings, nowMs: Millis): Periods {
  const { periodMs, request } = alarm;
  const count = evaluationRange(alarm, settings);
  const isHourly = cadenceMs(alarm) === HOUR;
  const settleMs = request.length > 1 || isHourly ? 0 : SETTLE_MS;
  const endMs = periodStart(nowMs - settleMs, isHourly ? HOUR : Math.min(periodMs, MINUTE));
  return { startMs: endMs - count * periodMs, periodMs, count };
}

/** Values of the periods that an evaluation at `nowMs` looks at, oldest first; undefined where nothing can be read yet. */
export function evaluatedValues(cloudwatch: Immutable<CloudWatchState>, alarm: MetricAlarm, nowMs: Millis): Values {
  return readValues(cloudwatch, alarm.request, evaluatedPeriods(alarm, cloudwatch.settings, nowMs), nowMs);
}

/** A period as an evaluation looks at it. */
interface EvaluatedPeriod {
  readonly startMs: Millis;
  /** Undefined while it cannot be read, or when there is none. */
  readonly value: number | undefined;
}

/** The periods that an evaluation of an alarm at `nowMs` looks at, oldest first. */
export function periodsOf(
  cloudwatch: Immutable<CloudWatchState>,
  alarm: MetricAlarm,
  nowMs: Millis,
): readonly EvaluatedPeriod[] {
  const { startMs, periodMs } = evaluatedPeriods(alarm, cloudwatch.settings, nowMs);
  return evaluatedValues(cloudwatch, alarm, nowMs).map((value, index) => ({
    startMs: startMs + index * periodMs,
    value,
  }));
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
  const { startMs, periodMs } = evaluatedPeriods(config, cloudwatch.settings, nowMs);
  const datapoints: RecentDatapoint[] = [];
  for (const [index, value] of evaluatedValues(cloudwatch, config, nowMs).entries())
    if (value !== undefined) datapoints.push({ startMs: startMs + index * periodMs, value });
  return datapoints.slice(-config.evaluationPeriods);
}

export const alarmEvents = {
  MetricAlarmPut: event('An alarm was created, in INSUFFICIENT_DATA, or its configuration replaced, its state kept.', {
    alarm: json<MetricAlarm>('its configuration'),
  }),
  AlarmDeleted: event('An alarm is no more.', { alarmName: text('the alarm') }),
  AlarmActionsSet: event('The actions of an alarm were switched on or off; what was missed is not made up for.', {
    alarmName: text('the alarm'),
    enabled: flag('whether they run'),
  }),
  AlarmStateChanged: event('An alarm changed its state; its actions for the new state run.', {
    alarmName: text('the alarm'),
    from: text<AlarmState>('the state before'),
    to: text<AlarmState>('the state now'),
    threshold: number("in the metric's unit"),
    datapointStartsMs: numbers('start of each datapoint that counted, oldest first'),
    datapoints: numbers("their values, in the metric's unit"),
    setBy: optional(text('why SetAlarmState set it; absent when an evaluation did')),
  }),
  AlarmActionsRepeated: event(
    'The state of these alarms lasts: their scaling actions run again, as they do each minute.',
    {
      alarmNames: texts('the alarms'),
    },
  ),
} as const;
export type AlarmEvent = EventsOf<typeof alarmEvents>;

export type AlarmCommand =
  | { readonly type: 'PutMetricAlarm'; readonly alarm: MetricAlarm }
  | { readonly type: 'DeleteAlarm'; readonly alarmName: string }
  | { readonly type: 'SetAlarmActions'; readonly alarmName: string; readonly enabled: boolean }
  | {
      readonly type: 'SetAlarmState';
      readonly alarmName: string;
      readonly stateValue: AlarmState;
      readonly stateReason: string;
    }
  /** The turn of the alarms whose second this is. */
  | { readonly type: 'EvaluateAlarms' }
  /** An alarm that has just been put need not wait for its turn. */
  | { readonly type: 'EvaluateAlarm'; readonly alarmName: string };

export const decideAlarm: Decide<CloudWatchWorld, AlarmCommand, AlarmEvent> = {
  PutMetricAlarm: ({ alarm }) => [{ type: 'MetricAlarmPut', alarm }],

  DeleteAlarm: ({ alarmName }, { world }) =>
    world.cloudwatch.alarms.has(alarmName) ? [{ type: 'AlarmDeleted', alarmName }] : [],

  SetAlarmActions: ({ alarmName, enabled }, { world }) => {
    const known = world.cloudwatch.alarms.get(alarmName);
    return known === undefined || known.actionsEnabled === enabled
      ? []
      : [{ type: 'AlarmActionsSet', alarmName, enabled }];
  },

  SetAlarmState({ alarmName, stateValue, stateReason }, { world, nowMs }) {
    const alarm = world.cloudwatch.alarms.get(alarmName);
    if (alarm === undefined || alarm.state === stateValue) return [];
    return [{ ...stateChange(world, alarm, stateValue, nowMs), setBy: stateReason }];
  },

  EvaluateAlarm({ alarmName }, { world, nowMs }) {
    const alarm = world.cloudwatch.alarms.get(alarmName);
    if (alarm === undefined) return [];
    const to = evaluate(world.cloudwatch, alarm, nowMs);
    return to === alarm.state ? [] : [stateChange(world, alarm, to, nowMs)];
  },

  EvaluateAlarms(_command, { world, nowMs }) {
    const { cloudwatch } = world;
    const events: AlarmEvent[] = [];
    const repeated: string[] = [];
    for (const alarmName of cloudwatch.turns.get(nowMs % MINUTE)?.keys() ?? []) {
      const alarm = cloudwatch.alarms.get(alarmName) as Immutable<Alarm>;
      const { config, phaseMs } = alarm;
      const isDue = (nowMs - phaseMs) % cadenceMs(config) === 0;
      const to = isDue ? evaluate(cloudwatch, alarm, nowMs) : alarm.state;
      if (to !== alarm.state) events.push(stateChange(world, alarm, to, nowMs));
      else if (repeatsNow(alarm, cloudwatch.settings, nowMs)) repeated.push(config.alarmName);
    }
    if (repeated.length > 0) events.push({ type: 'AlarmActionsRepeated', alarmNames: repeated });
    return events;
  },
};

/** The state that the data of this moment give an alarm. */
function evaluate(cloudwatch: Immutable<CloudWatchState>, alarm: Immutable<Alarm>, nowMs: Millis): AlarmState {
  const { config, state } = alarm;
  const { evaluationPeriods, datapointsToAlarm, treatMissingData, request } = config;
  const { settings } = cloudwatch;
  const periods = evaluatedPeriods(config, settings, nowMs);
  if (config.ignoresFewSamples === true && hasFewSamples(cloudwatch, request, periods, evaluationPeriods, nowMs))
    return state;
  const breaches = comparisonOperators[config.comparisonOperator];
  const newest = stateByNewest(cloudwatch, config, periods, nowMs);
  if (newest !== undefined) return newest;
  const slots = readValues(cloudwatch, request, periods, nowMs).map((value): Slot => {
    if (value === undefined) return 'missing';
    return breaches(value, config.threshold) ? 'breach' : 'good';
  });
  const { youngBreaches } = settings;
  return alarmState(slots, { evaluationPeriods, datapointsToAlarm, treatMissingData, current: state, youngBreaches });
}

/**
 * The state that the newest periods of a metric make sure of: N with datapoints decide, or N - M + 1 that do not breach,
 * whatever is missing. Undefined when there are too few.
 */
function stateByNewest(
  { metrics }: Immutable<CloudWatchState>,
  { request, evaluationPeriods, datapointsToAlarm, comparisonOperator, threshold }: Immutable<MetricAlarm>,
  periods: Periods,
  nowMs: Millis,
): AlarmState | undefined {
  const [only] = request;
  const metric = only !== undefined && 'metric' in only ? metrics.get(only.metric) : undefined;
  if (request.length !== 1 || only === undefined || !('metric' in only) || metric === undefined) return undefined;
  const breaches = comparisonOperators[comparisonOperator];
  let good = 0;
  let breaching = 0;
  let state: AlarmState | undefined;
  tellNewest(metric, only.statistic, periods, nowMs, (value) => {
    if (breaches(value, threshold)) breaching++;
    else if (++good > evaluationPeriods - datapointsToAlarm) state = 'OK';
    if (good + breaching === evaluationPeriods) state ??= breaching >= datapointsToAlarm ? 'ALARM' : 'OK';
    return state !== undefined;
  });
  return state;
}

function stateChange(
  world: Immutable<CloudWatchWorld>,
  { config, state }: Immutable<Alarm>,
  to: AlarmState,
  nowMs: Millis,
): Extract<AlarmEvent, { type: 'AlarmStateChanged' }> {
  const counted = recentDatapoints(world, config.alarmName, nowMs);
  return {
    type: 'AlarmStateChanged',
    alarmName: config.alarmName,
    from: state,
    to,
    threshold: config.threshold,
    datapointStartsMs: counted.map(({ startMs }) => startMs),
    datapoints: counted.map(({ value }) => value),
  };
}

/** Scaling actions run again once a minute while the state lasts; those of an alarm below a minute perhaps more often. */
function repeatsNow(
  { config, state, stateSinceMs, actionsEnabled }: Immutable<Alarm>,
  { highResolutionRepeatMs }: CloudWatchSettings,
  nowMs: Millis,
): boolean {
  if (!actionsEnabled || (config.scalingActions[state] ?? []).length === 0) return false;
  if (config.periodMs >= MINUTE) return true;
  const lastedMs = nowMs - stateSinceMs;
  return lastedMs >= highResolutionRepeatMs && lastedMs % highResolutionRepeatMs < turnMs(config);
}

/** When an alarm whose state lasts repeats its scaling actions next, after `nowMs`; undefined when it has none. */
export function nextRepeatMs(alarm: Immutable<Alarm>, settings: CloudWatchSettings, nowMs: Millis): Millis | undefined {
  const { config, phaseMs, state, actionsEnabled } = alarm;
  if (!actionsEnabled || (config.scalingActions[state] ?? []).length === 0) return undefined;
  const turn = turnMs(config);
  let atMs = nowMs + turn - ((((nowMs - phaseMs) % turn) + turn) % turn);
  while (!repeatsNow(alarm, settings, atMs)) atMs += turn;
  return atMs;
}

/** The scaling policies that an alarm calls in the state it is in. */
export function scalingActionsOf({ cloudwatch }: Immutable<CloudWatchWorld>, alarmName: string): readonly string[] {
  const alarm = cloudwatch.alarms.get(alarmName);
  if (alarm === undefined || !alarm.actionsEnabled) return [];
  return alarm.config.scalingActions[alarm.state] ?? [];
}

/** What follows from the calls of alarms. @param ask  undefined for what others are to answer */
export function callsOf<Answer>(
  world: Immutable<CloudWatchWorld>,
  alarmNames: readonly string[],
  ask: (action: string, alarmName: string) => Answer | undefined,
): readonly Answer[] {
  const answers: Answer[] = [];
  for (const alarmName of alarmNames)
    for (const action of scalingActionsOf(world, alarmName)) {
      const answer = ask(action, alarmName);
      if (answer !== undefined) answers.push(answer);
    }
  return answers;
}

/** From a change of an alarm's state, or its repetition, to its policies hearing of it. */
export function actionDelayMs({ cloudwatch }: Immutable<CloudWatchWorld>, alarmName: string): Millis {
  const periodMs = cloudwatch.alarms.get(alarmName)?.config.periodMs ?? 0;
  return periodMs < MINUTE ? 0 : cloudwatch.settings.actionDelayMs;
}

export const evolveAlarm: Evolve<CloudWatchWorld, AlarmEvent> = {
  MetricAlarmPut({ cloudwatch }, { alarm }, atMs) {
    const known = cloudwatch.alarms.get(alarm.alarmName);
    if (known !== undefined) removeTurns(cloudwatch, known);
    cloudwatch.alarms.set(alarm.alarmName, {
      config: thaw(alarm),
      phaseMs: evaluationPhaseMs(alarm, cloudwatch.settings),
      state: known?.state ?? 'INSUFFICIENT_DATA',
      stateSinceMs: known?.stateSinceMs ?? atMs,
      actionsEnabled: alarm.actionsEnabled ?? true,
    });
    addTurns(cloudwatch, cloudwatch.alarms.get(alarm.alarmName) as Alarm, known === undefined);
    const keepForMs = lookBackMs(alarm, cloudwatch.settings);
    for (const { metric: key, statistic } of metricsOf(alarm.request)) {
      const metric = keptMetric(cloudwatch, key, keepForMs);
      metric.wantsDistribution ||= needsDistribution(statistic);
    }
  },
  AlarmDeleted({ cloudwatch }, { alarmName }) {
    const known = cloudwatch.alarms.get(alarmName);
    if (known !== undefined) removeTurns(cloudwatch, known);
    cloudwatch.alarms.delete(alarmName);
  },
  AlarmActionsSet({ cloudwatch }, { alarmName, enabled }) {
    const alarm = cloudwatch.alarms.get(alarmName);
    if (alarm !== undefined) alarm.actionsEnabled = enabled;
  },
  AlarmStateChanged({ cloudwatch }, { alarmName, to }, atMs) {
    const alarm = cloudwatch.alarms.get(alarmName);
    if (alarm === undefined) return;
    alarm.state = to;
    alarm.stateSinceMs = atMs;
  },
  AlarmActionsRepeated() {},
};

/** @param isLast  no alarm has been put after it */
function addTurns({ alarms, turns }: CloudWatchState, alarm: Alarm, isLast: boolean): void {
  for (const turn of turnsOf(alarm, 0)) {
    const there = turns.get(turn);
    const names = there ?? new Map<string, true>();
    names.set(alarm.config.alarmName, true);
    if (there === undefined || isLast) turns.set(turn, names);
    else
      turns.set(
        turn,
        new Map(Array.from(alarms.keys(), (name) => [name, true] as const).filter(([name]) => names.has(name))),
      );
  }
}

function removeTurns({ turns }: CloudWatchState, alarm: Alarm): void {
  for (const turn of turnsOf(alarm, 0)) {
    turns.get(turn)?.delete(alarm.config.alarmName);
    if (turns.get(turn)?.size === 0) turns.delete(turn);
  }
}
