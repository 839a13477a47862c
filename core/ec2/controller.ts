/** When a group acts: after its desired capacity or its members changed. And when Spot does. */

import { filter, map } from 'rxjs';
import type { Immutable } from 'immer';
import { actionDelayMs, callsOf, type CloudWatchCommand, type CloudWatchEvent } from '../cloudwatch/index.ts';
import { mergeList, together, type Controller, type Due, type EventStreams, type Millis } from '../kernel/index.ts';
import { hookEnd, hooksOf } from './hooks.ts';
import type { Ec2Command, Ec2Event } from './index.ts';
import type { Ec2World } from './world.ts';

type Heard = Ec2Event | CloudWatchEvent;
type Asked = Ec2Command | Extract<CloudWatchCommand, { type: 'PutMetricAlarm' }>;

export const ec2Controller: Controller<Ec2World, Heard, Asked> = (events, world) =>
  together(groups(events, world), scaling(events, world), instances(events, world), spot(events, world));

const due = (atMs: Millis, command: Asked): Due<Asked> => ({ atMs, command });
const reconcile = (atMs: Millis, autoScalingGroupName: string) =>
  due(atMs, { type: 'ReconcileAutoScalingGroup', autoScalingGroupName });

const groups = (events: EventStreams<Heard>, world: Immutable<Ec2World>) =>
  together(
    events
      .on('AutoScalingGroupCreated', 'AutoScalingGroupUpdated')
      .pipe(map(({ atMs, event }) => reconcile(atMs, event.config.AutoScalingGroupName))),
    events
      .on('DesiredCapacitySet', 'InstanceProtectionSet', 'InstanceTerminated')
      .pipe(map(({ atMs, event }) => reconcile(atMs, event.autoScalingGroupName))),
    // Given up by hooks or health checks, not by the group itself: its place is free at once.
    events.on('InstanceTerminating').pipe(
      filter(({ event }) => event.waitsFor.length > 0),
      map(({ atMs, event }) => reconcile(atMs, event.autoScalingGroupName)),
    ),
    events.on('InstanceLaunchFailed').pipe(map(({ event }) => reconcile(event.retryAtMs, event.autoScalingGroupName))),
    events
      .on('SpotRebalanceRecommended', 'SpotInterruptionNoticed')
      .pipe(map(({ atMs, event }) => reconcile(atMs, event.autoScalingGroupName))),
    events.on('InstanceInService').pipe(
      mergeList(({ atMs, event }) => {
        const name = world.ec2.instances.get(event.instanceId)?.autoScalingGroupName ?? '';
        const group = world.ec2.groups.get(name);
        return group?.unbalanced === true || group?.config.CapacityRebalance === true ? [reconcile(atMs, name)] : [];
      }),
    ),
  );

/** A group's policies bring their alarms along, and are called by them as those of Application Auto Scaling are. */
const scaling = (events: EventStreams<Heard>, world: Immutable<Ec2World>) => {
  const callPolicies = (atMs: Millis, alarmNames: readonly string[]) =>
    callsOf(world, alarmNames, (policyKey, alarmName) =>
      world.ec2.scalingPolicies.has(policyKey)
        ? due(atMs + actionDelayMs(world, alarmName), { type: 'EvaluateGroupScalingPolicy', policyKey, alarmName })
        : undefined,
    );
  return together(
    events
      .on('GroupScalingPolicyPut')
      .pipe(mergeList(({ atMs, event }) => event.alarms.map((alarm) => due(atMs, { type: 'PutMetricAlarm', alarm })))),
    events.on('AlarmStateChanged').pipe(mergeList(({ atMs, event }) => callPolicies(atMs, [event.alarmName]))),
    events.on('AlarmActionsRepeated').pipe(mergeList(({ atMs, event }) => callPolicies(atMs, event.alarmNames))),
  );
};

const instances = (events: EventStreams<Heard>, world: Immutable<Ec2World>) =>
  together(
    events
      .on('InstanceLaunched')
      .pipe(
        map(({ event: { instanceId, inServiceAtMs, bootedAtMs, warmed } }) =>
          warmed
            ? due(bootedAtMs, { type: 'WarmInstance', instanceId })
            : due(inServiceAtMs, { type: 'EnterService', instanceId, bootedAtMs }),
        ),
      ),
    events
      .on('WarmInstanceStarted')
      .pipe(
        map(({ event: { instanceId, inServiceAtMs, bootedAtMs } }) =>
          due(inServiceAtMs, { type: 'EnterService', instanceId, bootedAtMs }),
        ),
      ),
    events
      .on('InstanceWaiting')
      .pipe(
        map(({ event: { instanceId, untilMs, result } }) => due(untilMs, { type: 'FinishLaunch', instanceId, result })),
      ),
    events
      .on('InstanceImpaired')
      .pipe(
        map(({ event: { instanceId, unhealthyAtMs } }) =>
          due(unhealthyAtMs, { type: 'MarkInstanceUnhealthy', instanceId }),
        ),
      ),
    // However a terminating hook ends, the instance goes.
    events.on('InstanceTerminating').pipe(
      mergeList(({ atMs, event: { instanceId, autoScalingGroupName, waitsFor } }) => {
        const group = world.ec2.groups.get(autoScalingGroupName);
        if (group === undefined || waitsFor.length === 0) return [];
        return hooksOf(group.config, 'autoscaling:EC2_INSTANCE_TERMINATING').map((hook) =>
          due(atMs + hookEnd(hook).afterMs, {
            type: 'CompleteLifecycleAction',
            instanceId,
            hook: hook.LifecycleHookName,
          }),
        );
      }),
    ),
  );

const spot = (events: EventStreams<Heard>, world: Immutable<Ec2World>) =>
  together(
    events
      .on('SpotMarketMoved')
      .pipe(
        mergeList(({ atMs, event: { untilMs } }) => [
          due(untilMs, { type: 'MoveSpotMarket' }),
          ...Array.from(world.ec2.instances.values()).flatMap(({ instanceId, interruptedAtMs }) =>
            interruptedAtMs === undefined ? [] : interruption(world, instanceId, interruptedAtMs, atMs, untilMs),
          ),
        ]),
      ),
    // One that will not live to see the next hour. The hours' starts look after the others.
    events
      .on('InstanceLaunched')
      .pipe(
        mergeList(({ atMs, event: { instanceId, interruptedAtMs } }) =>
          interruptedAtMs === undefined ? [] : interruption(world, instanceId, interruptedAtMs, atMs, nextHour(atMs)),
        ),
      ),
    events
      .on('SpotInterruptionNoticed')
      .pipe(
        map(({ event: { instanceId, reclaimedAtMs } }) =>
          due(reclaimedAtMs, { type: 'ReclaimSpotInstance', instanceId }),
        ),
      ),
  );

const HOUR_MS = 3_600_000;

function nextHour(atMs: Millis): Millis {
  return (Math.floor(atMs / HOUR_MS) + 1) * HOUR_MS;
}

/** Recommendation and notice of an interruption, when its first step is due from `fromMs` until before `untilMs`. */
function interruption(
  { ec2 }: Immutable<Ec2World>,
  instanceId: string,
  interruptedAtMs: Millis,
  fromMs: Millis,
  untilMs: Millis,
): Due<Asked>[] {
  const leadMs = ec2.assumptions.spotRebalanceLead;
  const firstMs = interruptedAtMs - leadMs;
  // A life shorter than the lead gets its recommendation at once.
  const launchedMs = ec2.instances.get(instanceId)?.launchedMs ?? fromMs;
  const recommendedMs = Math.max(firstMs, launchedMs);
  if (recommendedMs < fromMs || recommendedMs >= untilMs) return [];
  return [
    due(recommendedMs, { type: 'RecommendRebalance', instanceId }),
    due(interruptedAtMs, { type: 'InterruptSpotInstance', instanceId }),
  ];
}
