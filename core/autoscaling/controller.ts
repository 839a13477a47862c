/** When policies are asked and scheduled actions run: an alarm's action calls its policy, a schedule its action. */

import { merge, mergeMap } from 'rxjs';
import { scalingActionsOf } from '../cloudwatch/index.ts';
import type { Controller } from '../kernel/index.ts';
import type { CloudWatchEvent, CloudWatchCommand } from '../cloudwatch/index.ts';
import type { ScalableTargetCommand, ScalableTargetEvent } from './scalableTarget.ts';
import type { ScheduledActionCommand, ScheduledActionEvent } from './scheduledAction.ts';
import type { AutoscalingWorld } from './world.ts';

type Heard = CloudWatchEvent | ScalableTargetEvent | ScheduledActionEvent;
type Asked =
  | ScalableTargetCommand
  | ScheduledActionCommand
  | Extract<CloudWatchCommand, { type: 'PutMetricAlarm' | 'DeleteAlarm' }>;

export const autoscalingController: Controller<AutoscalingWorld, Heard, Asked> = (events, world) => {
  const callPolicies = (atMs: number, alarmNames: readonly string[]) =>
    alarmNames.flatMap((alarmName) =>
      scalingActionsOf(world, alarmName)
        .filter((action) => world.autoscaling.policies.has(action))
        .map((policyKey) => ({
          atMs: atMs + world.cloudwatch.settings.actionDelayMs,
          command: { type: 'EvaluateScalingPolicy', policyKey, alarmName } as const,
        })),
    );
  const deleteAlarms = (atMs: number, alarmNames: readonly string[]) =>
    alarmNames.map((alarmName) => ({ atMs, command: { type: 'DeleteAlarm', alarmName } as const }));
  return merge(
    events
      .on('ScalingPolicyPut')
      .pipe(
        mergeMap(({ atMs, event }) => [
          ...deleteAlarms(atMs, event.replacedAlarms),
          ...event.alarms.map((alarm) => ({ atMs, command: { type: 'PutMetricAlarm', alarm } as const })),
        ]),
      ),
    events
      .on('ScalingPolicyDeleted', 'ScalableTargetDeregistered')
      .pipe(mergeMap(({ atMs, event }) => deleteAlarms(atMs, event.alarmNames))),
    events.on('AlarmStateChanged').pipe(mergeMap(({ atMs, event }) => callPolicies(atMs, [event.alarmName]))),
    events.on('AlarmActionsRepeated').pipe(mergeMap(({ atMs, event }) => callPolicies(atMs, event.alarmNames))),
    events.on('ScalingActivityStarted').pipe(
      mergeMap(({ atMs, event: { resourceId, activityId } }) => {
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
      .pipe(mergeMap(({ event }) => due(event.resourceId, event.config.ScheduledActionName, event.dueAtMs))),
    events
      .on('ScheduledActionTriggered')
      .pipe(mergeMap(({ event }) => due(event.resourceId, event.scheduledActionName, event.nextDueAtMs))),
  );
};

function due(resourceId: string, scheduledActionName: string, atMs: number | undefined) {
  if (atMs === undefined) return [];
  return [{ atMs, command: { type: 'RunScheduledAction', resourceId, scheduledActionName } as const }];
}
