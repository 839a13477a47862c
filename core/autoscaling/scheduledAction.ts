/**
 * Scheduled actions: at an instant they move the target's bounds, and with them the desired count if it lies outside.
 *
 * @source spec/autoscaling.md 5.1
 */

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
  readonly ScalableTargetAction: {
    readonly MinCapacity?: number | undefined;
    readonly MaxCapacity?: number | undefined;
  };
}

export interface ScheduledAction {
  readonly resourceId: string;
  readonly config: ScheduledActionConfig;
  /** A rate counts from here. */
  readonly createdMs: Millis;
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
      return [{ type: 'ScheduledActionPut', resourceId, config, ...dueAfter(config, nowMs, nowMs, 'dueAtMs') }];
    },

    RunScheduledAction({ resourceId, scheduledActionName }, context) {
      const { world, nowMs } = context;
      const action = world.autoscaling.scheduledActions.get(`${resourceId}/${scheduledActionName}`);
      const target = world.autoscaling.targets.get(resourceId);
      if (action === undefined || target === undefined) return [];
      const triggered = {
        type: 'ScheduledActionTriggered',
        resourceId,
        scheduledActionName,
        ...dueAfter(action.config, nowMs, action.createdMs, 'nextDueAtMs'),
      } as const;
      const { MinCapacity, MaxCapacity } = action.config.ScalableTargetAction;
      const bounds = {
        resourceId,
        minCapacity: MinCapacity ?? target.minCapacity,
        maxCapacity: MaxCapacity ?? target.maxCapacity,
      };
      // Choice: a one-sided action that would cross the other bound fails as a whole (spec/autoscaling.md 9.15).
      if (bounds.minCapacity > bounds.maxCapacity) return [triggered];
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

function dueAfter<Key extends string>(
  { Schedule, Timezone }: ScheduledActionConfig,
  afterMs: Millis,
  anchorMs: Millis,
  key: Key,
): { readonly [K in Key]?: Millis } {
  const dueMs = nextScheduledTime(Schedule, Timezone, afterMs, anchorMs);
  return (dueMs === undefined ? {} : { [key]: dueMs }) as { readonly [K in Key]?: Millis };
}

export const evolveScheduledAction: Evolve<AutoscalingWorld, ScheduledActionEvent> = {
  ScheduledActionPut({ autoscaling }, { resourceId, config }, atMs) {
    autoscaling.scheduledActions.set(`${resourceId}/${config.ScheduledActionName}`, {
      resourceId,
      config,
      createdMs: atMs,
    });
  },
  ScheduledActionTriggered() {},
};
