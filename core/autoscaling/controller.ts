/** When policies are asked and scheduled actions run: an alarm's action calls its policy, a schedule its action. */

import { filter, merge, mergeMap } from 'rxjs';
import type { AlarmState } from '../cloudwatch/index.ts';
import type { Controller } from '../kernel/index.ts';
import type { CloudWatchEvent, CloudWatchCommand } from '../cloudwatch/index.ts';
import type { ScalableTargetCommand, ScalableTargetEvent } from './scalableTarget.ts';
import type { ScheduledActionCommand, ScheduledActionEvent } from './scheduledAction.ts';
import type { AutoscalingWorld } from './world.ts';

type Heard = CloudWatchEvent | ScalableTargetEvent | ScheduledActionEvent;
type Asked = ScalableTargetCommand | ScheduledActionCommand | Extract<CloudWatchCommand, { type: 'PutMetricAlarm' }>;

const ALARM: AlarmState = 'ALARM';

export const autoscalingController: Controller<AutoscalingWorld, Heard, Asked> = (events, world) => {
  const callPolicies = (atMs: number, alarmNames: readonly string[]) =>
    alarmNames.flatMap((alarmName) =>
      (world.cloudwatch.alarms.get(alarmName)?.config.alarmActions ?? [])
        .filter((action) => world.autoscaling.policies.has(action))
        .map((policyKey) => ({ atMs, command: { type: 'EvaluateScalingPolicy', policyKey, alarmName } as const })),
    );
  return merge(
    events
      .on('ScalingPolicyPut')
      .pipe(
        mergeMap(({ atMs, event }) =>
          event.alarms.map((alarm) => ({ atMs, command: { type: 'PutMetricAlarm', alarm } as const })),
        ),
      ),
    events.on('AlarmStateChanged').pipe(
      filter(({ event }) => event.to === ALARM),
      mergeMap(({ atMs, event }) => callPolicies(atMs, [event.alarmName])),
    ),
    events.on('AlarmActionsRepeated').pipe(mergeMap(({ atMs, event }) => callPolicies(atMs, event.alarmNames))),
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
