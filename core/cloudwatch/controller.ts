/** When alarms are evaluated, each at its own second, and when programs publish their metrics. */

import { filter, map } from 'rxjs';
import { mergeList, periodStart, together, type Controller } from '../kernel/index.ts';
import { turnsOf, turnsWithin, type AlarmCommand, type AlarmEvent } from './alarm.ts';
import type { CompositeAlarmCommand, CompositeAlarmEvent } from './compositeAlarm.ts';
import type { CustomMetricCommand, CustomMetricEvent } from './customMetric.ts';
import { METRIC_PERIOD_MS, type MetricEvent } from './metric.ts';
import type { CloudWatchWorld } from './world.ts';

type Heard = MetricEvent | AlarmEvent | CompositeAlarmEvent | CustomMetricEvent;
type Asked = AlarmCommand | CompositeAlarmCommand | CustomMetricCommand;

export const cloudwatchController: Controller<CloudWatchWorld, Heard, Asked> = (events, world) => {
  const evaluateComposites = (atMs: number, changed: string) =>
    world.cloudwatch.compositeAlarms.size === 0
      ? []
      : [{ atMs, command: { type: 'EvaluateCompositeAlarms', changed } as const }];
  const runActionsAt = (alarmName: string, atMs: number | undefined) =>
    atMs === undefined ? [] : [{ atMs, command: { type: 'RunSuppressedActions', alarmName } as const }];
  return together(
    // The frame of a full minute is the minute's beat.
    events.on('MetricDataPublished').pipe(
      filter(({ event }) => event.periodMs === METRIC_PERIOD_MS),
      mergeList(({ atMs }) =>
        turnsWithin(world.cloudwatch, atMs).map((turnMs) => ({
          atMs: turnMs,
          command: { type: 'EvaluateAlarms' } as const,
        })),
      ),
    ),
    events.on('MetricAlarmPut').pipe(
      mergeList(({ atMs, event: { alarm } }) => {
        const known = world.cloudwatch.alarms.get(alarm.alarmName);
        const turns = known === undefined ? [] : turnsOf(known, periodStart(atMs, METRIC_PERIOD_MS));
        // At once, and at what is left of its turns in this minute, whose beat has not heard of it.
        return [atMs, ...turns.filter((turnMs) => turnMs > atMs)].map((turnMs) => ({
          atMs: turnMs,
          command: { type: 'EvaluateAlarm', alarmName: alarm.alarmName } as const,
        }));
      }),
    ),
    events
      .on('CompositeAlarmPut')
      .pipe(mergeList(({ atMs, event }) => evaluateComposites(atMs, event.alarm.alarmName))),
    events
      .on('AlarmStateChanged', 'CompositeAlarmStateChanged')
      .pipe(mergeList(({ atMs, event }) => evaluateComposites(atMs, event.alarmName))),
    events
      .on('CompositeAlarmStateChanged', 'AlarmActionsExtended')
      .pipe(mergeList(({ event }) => runActionsAt(event.alarmName, event.actionsAtMs))),
    events.on('CustomMetricStarted').pipe(
      map(({ event }) => ({
        atMs: event.dueAtMs,
        command: { type: 'PublishCustomMetric', metric: event.config.metric } as const,
      })),
    ),
    events.on('CustomMetricPublished').pipe(
      map(({ event }) => ({
        atMs: event.dueAtMs,
        command: { type: 'PublishCustomMetric', metric: event.metric } as const,
      })),
    ),
  );
};
