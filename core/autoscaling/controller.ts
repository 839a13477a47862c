/** When policies are asked and scheduled actions run: an alarm's action calls its policy, a schedule its action. */

import type { Immutable } from 'immer';
import { actionDelayMs, callsOf, metricsOf, type MetricRequest } from '../cloudwatch/index.ts';
import { HOUR, mergeList, SECOND, together, type Controller, type Millis } from '../kernel/index.ts';
import type { CloudWatchEvent, CloudWatchCommand } from '../cloudwatch/index.ts';
import { HISTORY_HOURS, nextApplicationMs, type PredictiveCommand, type PredictiveEvent } from './predictiveScaling.ts';
import type { ScalableTargetCommand, ScalableTargetEvent } from './scalableTarget.ts';
import type { ScheduledActionCommand, ScheduledActionEvent } from './scheduledAction.ts';
import type { AutoscalingWorld } from './world.ts';

type Heard = CloudWatchEvent | ScalableTargetEvent | ScheduledActionEvent | PredictiveEvent;
type Asked =
  | ScalableTargetCommand
  | ScheduledActionCommand
  | PredictiveCommand
  | Extract<CloudWatchCommand, { type: 'PutMetricAlarm' | 'DeleteAlarm' | 'KeepMetrics' }>;

export const autoscalingController: Controller<AutoscalingWorld, Heard, Asked> = (events, world) => {
  const callPolicies = (atMs: number, alarmNames: readonly string[]) =>
    callsOf(world, alarmNames, (policyKey, alarmName) =>
      world.autoscaling.policies.has(policyKey)
        ? {
            atMs: atMs + actionDelayMs(world, alarmName),
            command: { type: 'EvaluateScalingPolicy', policyKey, alarmName } as const,
          }
        : undefined,
    );
  const deleteAlarms = (atMs: number, alarmNames: readonly string[]) =>
    alarmNames.map((alarmName) => ({ atMs, command: { type: 'DeleteAlarm', alarmName } as const }));
  return together(
    events
      .on('ScalingPolicyPut')
      .pipe(
        mergeList(({ atMs, event }) => [
          ...deleteAlarms(atMs, event.replacedAlarms),
          ...event.alarms.map((alarm) => ({ atMs, command: { type: 'PutMetricAlarm', alarm } as const })),
        ]),
      ),
    events.on('ScalingPolicyPut').pipe(mergeList(({ atMs, event }) => firstForecast(atMs, event))),
    events
      .on('ForecastRefreshed')
      .pipe(mergeList(({ event }) => again(world, 'RefreshForecast', event.policyKey, event.nextAtMs))),
    events
      .on('ForecastApplied')
      .pipe(mergeList(({ event }) => again(world, 'ApplyForecast', event.policyKey, event.nextAtMs))),
    events
      .on('ScalingPolicyDeleted', 'ScalableTargetDeregistered')
      .pipe(mergeList(({ atMs, event }) => deleteAlarms(atMs, event.alarmNames))),
    events.on('AlarmStateChanged').pipe(mergeList(({ atMs, event }) => callPolicies(atMs, [event.alarmName]))),
    events.on('AlarmActionsRepeated').pipe(mergeList(({ atMs, event }) => callPolicies(atMs, event.alarmNames))),
    events.on('ScalingActivityStarted').pipe(
      mergeList(({ atMs, event: { resourceId, activityId } }) => {
        const { activityTimeoutMs } = world.autoscaling.settings;
        if (activityTimeoutMs === undefined) return [];
        return [
          {
            atMs: atMs + activityTimeoutMs,
            command: { type: 'ExpireScalingActivity', resourceId, activityId } as const,
          },
        ];
      }),
    ),
    events
      .on('ScheduledActionPut')
      .pipe(mergeList(({ event }) => due(event.resourceId, event.config.ScheduledActionName, event.dueAtMs))),
    events
      .on('ScheduledActionTriggered')
      .pipe(mergeList(({ event }) => due(event.resourceId, event.scheduledActionName, event.nextDueAtMs))),
  );
};

/** The metrics of a forecast are kept by the hour; it is made at once and applied from the next hour on. */
function firstForecast(
  atMs: Millis,
  { policyKey, config, generation, forecastRequests }: Extract<ScalableTargetEvent, { type: 'ScalingPolicyPut' }>,
) {
  if (config.PolicyType !== 'PredictiveScaling' || forecastRequests === null) return [];
  const metrics = Object.values(forecastRequests).flatMap((request: MetricRequest) =>
    metricsOf(request).map(({ metric }) => metric),
  );
  const bufferMs = config.PredictiveScalingPolicyConfiguration.SchedulingBufferTime * SECOND;
  const kept = { keepForMs: 0, hourlyForMs: HISTORY_HOURS * HOUR, withDistribution: false };
  return [
    { atMs, command: { type: 'KeepMetrics', metrics: [...new Set(metrics)], ...kept } as const },
    { atMs, command: { type: 'RefreshForecast', policyKey, generation } as const },
    { atMs: nextApplicationMs(atMs, bufferMs), command: { type: 'ApplyForecast', policyKey, generation } as const },
  ];
}

function again(
  { autoscaling }: Immutable<AutoscalingWorld>,
  type: 'RefreshForecast' | 'ApplyForecast',
  policyKey: string,
  atMs: Millis,
) {
  const generation = autoscaling.policies.get(policyKey)?.generation;
  return generation === undefined ? [] : [{ atMs, command: { type, policyKey, generation } }];
}

function due(resourceId: string, scheduledActionName: string, atMs: number | undefined) {
  if (atMs === undefined) return [];
  return [{ atMs, command: { type: 'RunScheduledAction', resourceId, scheduledActionName } as const }];
}
