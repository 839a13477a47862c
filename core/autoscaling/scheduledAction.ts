/**
 * Scheduled actions: at an instant they move the target's bounds, and with them the desired count if it lies outside.
 *
 * @source spec/autoscaling.md 5.1, 5.4
 */

import type { Immutable } from 'immer';
import {
  event,
  json,
  number,
  optional,
  text,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import {
  activityId,
  capacityNow,
  withinBounds,
  type ScalableNamespace,
  type ScalableTargetEvent,
} from './scalableTarget.ts';
import { nextScheduledTime } from './schedule.ts';
import type { ScalingSettings } from './settings.ts';
import type { AutoscalingWorld } from './world.ts';

/** As `aws application-autoscaling put-scheduled-action` takes it. */
export interface ScheduledActionConfig {
  readonly ScheduledActionName: string;
  readonly Schedule: string;
  /** IANA name. */
  readonly Timezone: string;
  /** A recurring schedule comes due here first, then as it says. */
  readonly StartTime?: Millis | undefined;
  /** A recurring schedule is due for the last time at or before this. The bounds stay as they are then. */
  readonly EndTime?: Millis | undefined;
  readonly ScalableTargetAction: {
    readonly MinCapacity?: number | undefined;
    readonly MaxCapacity?: number | undefined;
  };
}

/** What put-scheduled-action changes of an action that is there: limits that are left out are deleted, the rest is kept. */
export type ScheduledActionUpdate = Pick<ScheduledActionConfig, 'ScheduledActionName' | 'StartTime' | 'EndTime'> & {
  readonly [K in 'Schedule' | 'Timezone' | 'ScalableTargetAction']?: ScheduledActionConfig[K] | undefined;
};

export interface ScheduledAction {
  readonly resourceId: string;
  readonly config: ScheduledActionConfig;
  /** A rate without StartTime counts from here. */
  readonly createdMs: Millis;
  /** Its next occurrence; of several that are due at one instant the action specified first goes first. */
  dueAtMs: Millis | undefined;
}

export const scheduledActionEvents = {
  ScheduledActionPut: event('A scheduled action was created or replaced.', {
    resourceId: text('the scalable target'),
    config: json<ScheduledActionConfig>('as put-scheduled-action takes it'),
    dueAtMs: optional(number('when it is due first; absent when never')),
  }),
  ScheduledActionDeleted: event('A scheduled action is no more.', {
    resourceId: text('the scalable target'),
    scheduledActionName: text('the action'),
  }),
  ScheduledActionTriggered: event('A scheduled action came due.', {
    resourceId: text('the scalable target'),
    scheduledActionName: text('the action'),
    nextDueAtMs: optional(number('when it is due next; absent when never')),
    failure: optional(text("why it changed nothing, AWS's exception first; absent when it took effect")),
  }),
} as const;
export type ScheduledActionEvent = EventsOf<typeof scheduledActionEvents>;

export type ScheduledActionCommand =
  | { readonly type: 'PutScheduledAction'; readonly resourceId: string; readonly config: ScheduledActionUpdate }
  | { readonly type: 'DeleteScheduledAction'; readonly resourceId: string; readonly scheduledActionName: string }
  | { readonly type: 'RunScheduledAction'; readonly resourceId: string; readonly scheduledActionName: string };

export function decideScheduledAction<World extends AutoscalingWorld>(
  namespace: ScalableNamespace<World>,
): Decide<World, ScheduledActionCommand, ScheduledActionEvent | ScalableTargetEvent> {
  return {
    PutScheduledAction({ resourceId, config: written }, { world: { autoscaling }, nowMs }) {
      const known = autoscaling.scheduledActions.get(`${resourceId}/${written.ScheduledActionName}`);
      const { Schedule, Timezone, ScalableTargetAction, ...limits } = written;
      const action = ScalableTargetAction ?? known?.config.ScalableTargetAction;
      const schedule = Schedule ?? known?.config.Schedule;
      if (action === undefined || schedule === undefined) return [];
      const config: ScheduledActionConfig = {
        ...limits,
        Schedule: schedule,
        Timezone: Timezone ?? known?.config.Timezone ?? 'UTC',
        ScalableTargetAction: action,
      };
      return [
        {
          type: 'ScheduledActionPut',
          resourceId,
          config,
          ...dueFrom(config, autoscaling.settings, nowMs, known?.createdMs ?? nowMs, 'dueAtMs'),
        },
      ];
    },

    DeleteScheduledAction({ resourceId, scheduledActionName }, { world: { autoscaling } }) {
      return autoscaling.scheduledActions.has(`${resourceId}/${scheduledActionName}`)
        ? [{ type: 'ScheduledActionDeleted', resourceId, scheduledActionName }]
        : [];
    },

    RunScheduledAction({ resourceId }, context) {
      const { world, nowMs } = context;
      const { settings } = world.autoscaling;
      const action = turnOf(world, resourceId, nowMs);
      const target = world.autoscaling.targets.get(resourceId);
      if (action === undefined || target === undefined) return [];
      const { ScheduledActionName: scheduledActionName, ScalableTargetAction } = action.config;
      const triggered = {
        type: 'ScheduledActionTriggered',
        resourceId,
        scheduledActionName,
        ...dueFrom(action.config, settings, nowMs + 1, action.createdMs, 'nextDueAtMs'),
      } as const;
      if (target.suspended.ScheduledScalingSuspended) return [{ ...triggered, failure: 'ScheduledScalingSuspended' }];
      let { MinCapacity: minCapacity, MaxCapacity: maxCapacity } = ScalableTargetAction;
      minCapacity ??= target.minCapacity;
      maxCapacity ??= target.maxCapacity;
      // Choice: a one-sided action that would cross the other bound fails as a whole (spec/autoscaling.md 9.15).
      if (minCapacity > maxCapacity && settings.scheduledConflict === 'fail') {
        const failure = `ValidationException: minimum ${minCapacity} would be above maximum ${maxCapacity}`;
        return [{ ...triggered, failure }];
      }
      if (ScalableTargetAction.MinCapacity === undefined) minCapacity = Math.min(minCapacity, maxCapacity);
      else maxCapacity = Math.max(minCapacity, maxCapacity);
      const bounds = { resourceId, minCapacity, maxCapacity };
      const capacity = capacityNow(namespace, resourceId, context);
      const isHeld =
        settings.scheduledScaleInDuringDeployment === 'refused' &&
        capacity?.deploymentInProgress === true &&
        capacity.desiredCount > maxCapacity;
      return [
        triggered,
        { type: 'ScalableTargetBoundsChanged', scheduledActionName, ...bounds },
        ...(isHeld ? [] : withinBounds(activityId(world), bounds, capacity, { scheduledActionName })),
      ];
    },
  };
}

/**
 * Whose turn it is: of a target's actions that are due at one instant the one specified first, whichever command comes
 * first. None, when the action has been changed since the command was asked for.
 */
function turnOf(
  { autoscaling }: Immutable<AutoscalingWorld>,
  resourceId: string,
  nowMs: Millis,
): Immutable<ScheduledAction> | undefined {
  for (const action of autoscaling.scheduledActions.values())
    if (action.resourceId === resourceId && action.dueAtMs === nowMs) return action;
  return undefined;
}

function dueFrom<Key extends string>(
  { Schedule, Timezone, StartTime, EndTime }: ScheduledActionConfig,
  settings: ScalingSettings,
  fromMs: Millis,
  createdMs: Millis,
  key: Key,
): { readonly [K in Key]?: Millis } {
  const dueMs = nextScheduledTime(Schedule, {
    timeZone: Timezone,
    fromMs,
    createdMs,
    startMs: StartTime,
    endMs: EndTime === undefined || settings.endTime === 'inclusive' ? EndTime : EndTime - 1,
    ...settings,
  });
  return (dueMs === undefined ? {} : { [key]: dueMs }) as { readonly [K in Key]?: Millis };
}

export const evolveScheduledAction: Evolve<AutoscalingWorld, ScheduledActionEvent> = {
  ScheduledActionPut({ autoscaling }, { resourceId, config, dueAtMs }, atMs) {
    autoscaling.scheduledActions.set(`${resourceId}/${config.ScheduledActionName}`, {
      resourceId,
      config,
      createdMs: autoscaling.scheduledActions.get(`${resourceId}/${config.ScheduledActionName}`)?.createdMs ?? atMs,
      dueAtMs,
    });
  },
  ScheduledActionDeleted({ autoscaling }, { resourceId, scheduledActionName }) {
    autoscaling.scheduledActions.delete(`${resourceId}/${scheduledActionName}`);
  },
  ScheduledActionTriggered({ autoscaling }, { resourceId, scheduledActionName, nextDueAtMs }) {
    const action = autoscaling.scheduledActions.get(`${resourceId}/${scheduledActionName}`);
    if (action !== undefined) action.dueAtMs = nextDueAtMs;
  },
};
