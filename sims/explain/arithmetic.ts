/** The arithmetic of an event: what was reckoned when it was decided, by the very rules that decided it. */

import type { Immutable } from 'immer';
import { askServicePolicy, scalableServices, type Event, type Recorded, type World } from '../../core/index.ts';
import { formatNear } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';
import { alarmSentence, datapointLines } from './alarmView.ts';
import { managedScalingLines } from './managedScalingView.ts';
import { placementLines, refusalLines } from './placement.ts';
import { decisionLines } from './policyView.ts';

type View = Immutable<World>;
type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

/**
 * Lines under the sentence that tells an event; none for an event that needs none.
 *
 * @param world  as it was just before the event
 */
export function arithmetic(world: View, { event, atMs }: Recorded<Event>, indent: number): StoryLine[] {
  switch (event.type) {
    case 'ScalingActivityStarted':
    case 'ScalingActivityNotScaled':
      return 'scheduledActionName' in event
        ? ofScheduledActivity(world, event, atMs, indent)
        : ofPolicy(world, event, atMs, indent);
    case 'ScheduledActionTriggered':
      return ofSchedule(world, event, atMs, indent);
    case 'AlarmStateChanged': {
      const alarm = world.cloudwatch.alarms.get(event.alarmName);
      if (alarm === undefined || event.setBy !== undefined) return [];
      const { evaluationPeriods, datapointsToAlarm, treatMissingData } = alarm.config;
      return [
        ...datapointLines(world, alarm.config, atMs, indent),
        {
          indent,
          text: `rule: ${datapointsToAlarm} of ${evaluationPeriods} datapoints bring it to ALARM; missing data: ${treatMissingData}`,
        },
      ];
    }
    case 'CapacityProviderScaled': {
      const provider = world.ecs.capacityProviders.get(event.capacityProvider);
      const alarmName = event.to > event.from ? provider?.highAlarm : provider?.lowAlarm;
      return managedScalingLines(world, event.capacityProvider, alarmName ?? '', atMs, indent);
    }
    case 'GroupScaled':
    case 'GroupNotScaled': {
      const alarm = world.cloudwatch.alarms.get(event.alarmName);
      if (alarm === undefined) return [];
      return [
        { indent, text: `datapoints: ${alarmSentence(world, alarm, atMs)}` },
        ...datapointLines(world, alarm.config, atMs, indent + 2),
      ];
    }
    case 'TaskPlaced':
      return placementLines(event, atMs).map((text) => ({ indent, text, asItIs: true }));
    case 'TaskWaiting':
    case 'TaskRunFailed':
    case 'ServiceTaskPlacementFailed':
      return refusalLines(event, false).map((text) => ({ indent, text }));
    default:
      return [];
  }
}

function ofPolicy(
  world: View,
  event: EventOf<'ScalingActivityStarted' | 'ScalingActivityNotScaled'>,
  nowMs: number,
  indent: number,
): StoryLine[] {
  const { policyKey: key, alarmName } = event;
  if (key === undefined || alarmName === undefined) return [];
  const asked = askServicePolicy(world, key, alarmName, nowMs);
  return asked === undefined ? [] : decisionLines(world, asked, { key, alarmName, nowMs }, indent);
}

/** What a scheduled action sets, and what it finds. */
function ofSchedule(
  world: View,
  { resourceId, scheduledActionName, nextDueAtMs }: EventOf<'ScheduledActionTriggered'>,
  nowMs: number,
  indent: number,
): StoryLine[] {
  const action = world.autoscaling.scheduledActions.get(`${resourceId}/${scheduledActionName}`);
  const target = world.autoscaling.targets.get(resourceId);
  const capacity = scalableServices.describe(world, resourceId);
  if (action === undefined || target === undefined || capacity === undefined) return [];
  const { MinCapacity, MaxCapacity } = action.config.ScalableTargetAction;
  const bounds = [
    ...(MinCapacity === undefined ? [] : [`minimum ${target.minCapacity} -> ${MinCapacity}`]),
    ...(MaxCapacity === undefined ? [] : [`maximum ${target.maxCapacity} -> ${MaxCapacity}`]),
  ];
  return [
    scheduleLine(action.config, nextDueAtMs, nowMs, indent),
    { indent, text: `sets: ${bounds.join(', ')}; ${capacity.desiredCount} desired now. Cooldowns do not hold it` },
  ];
}

/** The activity of a scheduled action: the bounds have been set just before. */
function ofScheduledActivity(
  world: View,
  {
    resourceId,
    scheduledActionName = '',
    minCapacity,
    maxCapacity,
    fromCapacity,
    toCapacity,
  }: EventOf<'ScalingActivityStarted'>,
  nowMs: number,
  indent: number,
): StoryLine[] {
  const action = world.autoscaling.scheduledActions.get(`${resourceId}/${scheduledActionName}`);
  if (action === undefined) return [];
  return [
    scheduleLine(action.config, action.dueAtMs, nowMs, indent),
    {
      indent,
      text: `bounds: it has set minimum ${minCapacity} and maximum ${maxCapacity}, and ${fromCapacity} lies outside: ${toCapacity}. Cooldowns do not hold it`,
    },
  ];
}

function scheduleLine(
  { Schedule, Timezone }: { readonly Schedule: string; readonly Timezone: string },
  nextDueAtMs: number | undefined,
  nowMs: number,
  indent: number,
): StoryLine {
  const next = nextDueAtMs === undefined ? 'not due again' : `due again ${formatNear(nextDueAtMs, nowMs)}`;
  return { indent, text: `schedule: ${Schedule} ${Timezone}, due ${formatNear(nowMs, nowMs)} UTC; ${next}` };
}
