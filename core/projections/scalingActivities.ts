/**
 * Scaling activities as `aws application-autoscaling describe-scaling-activities` lists them: newest first, kept six weeks,
 * with AWS's status codes and sentences.
 *
 * @source spec/autoscaling.md 3.11, 5.1 (AWS, "Scaling activities for Application Auto Scaling")
 */

import { DAY, type Millis, type Recorded } from '../kernel/index.ts';
import type { Event } from '../world.ts';
import type { Projection } from './projection.ts';

export interface NotScaledReason {
  readonly Code: string;
  readonly MaxCapacity?: number;
  readonly MinCapacity?: number;
  readonly CurrentCapacity?: number;
}

export interface ScalingActivityDescription {
  readonly ActivityId: string;
  readonly ServiceNamespace: 'ecs';
  readonly ResourceId: string;
  readonly ScalableDimension: 'ecs:service:DesiredCount';
  readonly Description: string;
  readonly Cause: string;
  /** ISO instants. */
  readonly StartTime: string;
  readonly EndTime?: string;
  readonly StatusCode: 'InProgress' | 'Successful' | 'Overridden' | 'Unfulfilled' | 'Failed';
  readonly StatusMessage: string;
  readonly NotScaledReasons?: readonly NotScaledReason[];
}

const KEPT_MS = 42 * DAY;

/** Reasons that AWS reports; the others are ours, and leave no activity. */
const REPORTED: readonly string[] = [
  'AutoScalingAnticipatedFlapping',
  'TargetServicePutResourceAsUnscalable',
  'AlreadyAtMaxCapacity',
  'AlreadyAtMinCapacity',
  'AlreadyAtDesiredCapacity',
];

interface Bounds {
  readonly minCapacity: number;
  readonly maxCapacity: number;
}

/** @param options.includeNotScaled  as --include-not-scaled-activities */
export function scalingActivitiesProjection(
  options: { readonly includeNotScaled?: boolean } = {},
): Projection<readonly ScalingActivityDescription[]> {
  /** Oldest first, by activity id. */
  const activities = new Map<string, ScalingActivityDescription>();
  const bounds = new Map<string, Bounds>();
  let changes = 0;

  const add = (
    ActivityId: string,
    startMs: Millis,
    ResourceId: string,
    rest: Pick<ScalingActivityDescription, 'Description' | 'Cause' | 'StatusCode' | 'StatusMessage' | 'EndTime'> &
      Pick<ScalingActivityDescription, 'NotScaledReasons'>,
  ) => {
    const StartTime = new Date(startMs).toISOString();
    const ScalableDimension = 'ecs:service:DesiredCount';
    const { Description, Cause, ...status } = rest;
    activities.set(ActivityId, {
      ActivityId,
      ServiceNamespace: 'ecs',
      ResourceId,
      ScalableDimension,
      Description,
      Cause,
      StartTime,
      ...status,
    });
    for (const [id, activity] of activities) {
      if (Date.parse(activity.StartTime) >= startMs - KEPT_MS) break;
      activities.delete(id);
    }
  };

  const onChange = ({ atMs, event }: Recorded<Extract<Event, { type: 'ScalableTargetBoundsChanged' }>>) => {
    const { resourceId, minCapacity, maxCapacity } = event;
    bounds.set(resourceId, { minCapacity, maxCapacity });
    changes++;
    add(`bounds-${changes}`, atMs, resourceId, {
      Description: `Setting min capacity to ${minCapacity} and max capacity to ${maxCapacity}`,
      Cause:
        event.scheduledActionName === undefined
          ? `predictive scaling policy ${nameOf(event.policyKey)} was triggered`
          : `scheduled action name ${event.scheduledActionName} was triggered`,
      EndTime: new Date(atMs).toISOString(),
      StatusCode: 'Successful',
      StatusMessage: `Successfully set min capacity to ${minCapacity} and max capacity to ${maxCapacity}`,
    });
  };

  const onFailure = ({ atMs, event }: Recorded<Extract<Event, { type: 'ScheduledActionTriggered' }>>) => {
    if (event.failure === undefined) return;
    changes++;
    add(`bounds-${changes}`, atMs, event.resourceId, {
      Description: 'Setting min capacity and max capacity',
      Cause: `scheduled action name ${event.scheduledActionName} was triggered`,
      EndTime: new Date(atMs).toISOString(),
      StatusCode: 'Failed',
      StatusMessage: `Failed to set min capacity and max capacity. Reason: ${event.failure}`,
    });
  };

  const onNotScaled = ({ atMs, event, seq }: Recorded<Extract<Event, { type: 'ScalingActivityNotScaled' }>>) => {
    const { resourceId, policyKey, alarmName, reason, desiredCount } = event;
    if (options.includeNotScaled !== true || !REPORTED.includes(reason)) return;
    const { minCapacity = 0, maxCapacity = 0 } = bounds.get(resourceId) ?? {};
    const details = {
      AlreadyAtMaxCapacity: { MaxCapacity: maxCapacity },
      AlreadyAtMinCapacity: { MinCapacity: minCapacity },
      AlreadyAtDesiredCapacity: { CurrentCapacity: desiredCount },
    }[reason as string];
    add(`not-scaled-${seq}`, atMs, resourceId, {
      Description: 'Attempting to scale due to alarm triggered',
      Cause: `monitor alarm ${alarmName} in state ALARM triggered policy ${nameOf(policyKey)}`,
      EndTime: new Date(atMs).toISOString(),
      StatusCode: reason === 'AlreadyAtDesiredCapacity' ? 'Successful' : 'Failed',
      StatusMessage: `Desired count stays at ${desiredCount}.`,
      NotScaledReasons: [{ Code: reason, ...details }],
    });
  };

  const onCompleted = ({ atMs, event }: Recorded<Extract<Event, { type: 'ScalingActivityCompleted' }>>) => {
    const activity = activities.get(event.activityId);
    if (activity === undefined) return;
    const set = activity.Description.replace(/^Setting (.*)\.$/, 'Successfully set $1.');
    const messages = {
      Successful: `${set} Change successfully fulfilled by ecs.`,
      Overridden: `${set} Found it was later changed to ${event.foundCapacity}.`,
      Unfulfilled: `${set} Change was not fulfilled by ecs in time.`,
    };
    activities.set(event.activityId, {
      ...activity,
      EndTime: new Date(atMs).toISOString(),
      StatusCode: event.statusCode,
      StatusMessage: messages[event.statusCode],
    });
  };

  return {
    types: [
      'ScalableTargetRegistered',
      'ScalableTargetBoundsChanged',
      'ScheduledActionTriggered',
      'ScalingActivityStarted',
      'ScalingActivityNotScaled',
      'ScalingActivityCompleted',
    ],
    on(recorded) {
      const { atMs, event } = recorded;
      switch (event.type) {
        case 'ScalableTargetRegistered':
          bounds.set(event.resourceId, event);
          return;
        case 'ScalableTargetBoundsChanged':
          return onChange({ ...recorded, event });
        case 'ScheduledActionTriggered':
          return onFailure({ ...recorded, event });
        case 'ScalingActivityNotScaled':
          return onNotScaled({ ...recorded, event });
        case 'ScalingActivityCompleted':
          return onCompleted({ ...recorded, event });
        case 'ScalingActivityStarted':
          return add(event.activityId, atMs, event.resourceId, {
            Description: `Setting desired count to ${event.toCapacity}.`,
            Cause: causeOf(event),
            StatusCode: 'InProgress',
            StatusMessage: `Successfully set desired count to ${event.toCapacity}. Waiting for change to be fulfilled by ecs.`,
          });
        default:
          return;
      }
    },
    report: () => [...activities.values()].toReversed(),
  };
}

function causeOf(event: Extract<Event, { type: 'ScalingActivityStarted' }>): string {
  const { policyKey, alarmName, toCapacity, minCapacity } = event;
  if (alarmName !== undefined) return `monitor alarm ${alarmName} in state ALARM triggered policy ${nameOf(policyKey)}`;
  if (policyKey !== undefined) return `predictive scaling policy ${nameOf(policyKey)} was triggered`;
  return toCapacity === minCapacity
    ? `minimum capacity was set to ${toCapacity}`
    : `maximum capacity was set to ${toCapacity}`;
}

/** The policy of `service/<cluster>/<service>/<policy>`. */
function nameOf(policyKey = ''): string {
  return policyKey.split('/').slice(3).join('/');
}
