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
  ScheduledActionTriggered: event('A scheduled action came due.', {
    resourceId: text('the scalable target'),
    scheduledActionName: text('the action'),
    nextDueAtMs: optional(number('when it is due next; absent when never')),
    failure: optional(text("why it changed nothing, AWS's exception first; absent when it took effect")),
  }),
} as const;
export type ScheduledActionEvent = EventsOf<typeof scheduledActionEvents>;

export type ScheduledActionCommand =
  | { readonly type: 'PutScheduledAction'; readonly resourceId: string; readonly config: ScheduledActionConfig }
  | { readonly type: 'RunScheduledAction'; readonly resourceId: string; readonly scheduledActionName: string };

export function decideScheduledAction<World extends AutoscalingWorld>(
  namespace: ScalableNamespace<World>,
): Decide<World, ScheduledActionCommand, ScheduledActionEvent | ScalableTargetEvent> {
  return {
    PutScheduledAction({ resourceId, config }, { nowMs }) {
      return [{ type: 'ScheduledActionPut', resourceId, config, ...dueFrom(config, nowMs, nowMs, 'dueAtMs') }];
    },

    RunScheduledAction(command, context) {
      const { world, nowMs } = context;
      const { resourceId } = command;
      const action = turnOf(world, command, nowMs);
      const target = world.autoscaling.targets.get(resourceId);
      if (action === undefined || target === undefined) return [];
      const { ScheduledActionName: scheduledActionName, ScalableTargetAction } = action.config;
      const triggered = {
        type: 'ScheduledActionTriggered',
        resourceId,
        scheduledActionName,
        ...dueFrom(action.config, nowMs + 1, action.createdMs, 'nextDueAtMs'),
      } as const;
      const bounds = {
        resourceId,
        minCapacity: ScalableTargetAction.MinCapacity ?? target.minCapacity,
        maxCapacity: ScalableTargetAction.MaxCapacity ?? target.maxCapacity,
      };
      // Choice: a one-sided action that would cross the other bound fails as a whole (spec/autoscaling.md 9.15).
      if (bounds.minCapacity > bounds.maxCapacity) {
        const failure = `ValidationException: minimum ${bounds.minCapacity} would be above maximum ${bounds.maxCapacity}`;
        return [{ ...triggered, failure }];
      }
      return [
        triggered,
        { type: 'ScalableTargetBoundsChanged', scheduledActionName, ...bounds },
        ...withinBounds(activityId(world), bounds, capacityNow(namespace, resourceId, context), {
          scheduledActionName,
        }),
      ];
    },
  };
}

/**
 * Whose turn it is: of a target's actions that are due at one instant the one specified first, whichever command comes
 * first. An instant at which none is due belongs to the action that the command names.
 */
function turnOf(
  { autoscaling }: Immutable<AutoscalingWorld>,
  { resourceId, scheduledActionName }: Extract<ScheduledActionCommand, { type: 'RunScheduledAction' }>,
  nowMs: Millis,
): Immutable<ScheduledAction> | undefined {
  for (const action of autoscaling.scheduledActions.values())
    if (action.resourceId === resourceId && action.dueAtMs === nowMs) return action;
  return autoscaling.scheduledActions.get(`${resourceId}/${scheduledActionName}`);
}

function dueFrom<Key extends string>(
  { Schedule, Timezone, StartTime, EndTime }: ScheduledActionConfig,
  fromMs: Millis,
  createdMs: Millis,
  key: Key,
): { readonly [K in Key]?: Millis } {
  const dueMs = nextScheduledTime(Schedule, {
    timeZone: Timezone,
    fromMs,
    createdMs,
    startMs: StartTime,
    endMs: EndTime,
  });
  return (dueMs === undefined ? {} : { [key]: dueMs }) as { readonly [K in Key]?: Millis };
}

export const evolveScheduledAction: Evolve<AutoscalingWorld, ScheduledActionEvent> = {
  ScheduledActionPut({ autoscaling }, { resourceId, config, dueAtMs }, atMs) {
    autoscaling.scheduledActions.set(`${resourceId}/${config.ScheduledActionName}`, {
      resourceId,
      config,
      createdMs: atMs,
      dueAtMs,
    });
  },
  ScheduledActionTriggered({ autoscaling }, { resourceId, scheduledActionName, nextDueAtMs }) {
    const action = autoscaling.scheduledActions.get(`${resourceId}/${scheduledActionName}`);
    if (action !== undefined) action.dueAtMs = nextDueAtMs;
  },
};
