/**
 * A scalable target: its bounds, its policies, and the way from an alarm to a scaling activity: formula, deployment,
 * unanimity for scale-in, cooldowns, bounds. Every answer, also "no", says why.
 *
 * @source spec/autoscaling.md 3.4 to 3.11
 */

import type { Immutable } from 'immer';
import { recentDatapoints, type MetricAlarm } from '../cloudwatch/index.ts';
import {
  event,
  json,
  number,
  numbers,
  optional,
  text,
  type Context,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { PredefinedMetric, ScalableCapacity } from './scaler.ts';
import { scalerOf, type PutScalingPolicy, type ScalingPolicyConfig } from './scalers.ts';
import type { AutoscalingWorld } from './world.ts';

export interface ScalingActivity {
  readonly activityId: string;
  readonly startedMs: Millis;
  /** The policy whose cooldown starts when the activity succeeds; absent for bounds and scheduled actions. */
  readonly policyKey?: string;
  readonly fromCapacity: number;
  readonly toCapacity: number;
}

export interface ScalableTarget {
  readonly resourceId: string;
  minCapacity: number;
  maxCapacity: number;
  /** The newest activity, while it waits for the running count to reach its goal. */
  activity: ScalingActivity | undefined;
}

export interface ScalingPolicy {
  readonly resourceId: string;
  readonly config: PutScalingPolicy;
  /** The alarms that call it; of target tracking AlarmHigh, then AlarmLow unless scale-in is disabled. */
  readonly alarmNames: readonly string[];
  /** Until then a scale-out only adds what the running chain of scale-outs has not added yet. */
  scaleOutCoolsUntilMs: Millis;
  /** Capacity at the start and at the end of that chain. */
  chainFrom: number;
  chainTo: number;
  scaleInCoolsUntilMs: Millis;
  /** Why the policy last did not scale; it is written once, not each minute. */
  refusal: string | undefined;
}

/** AWS's reason codes for an activity that did not scale. */
export type NotScaledReason =
  | 'AutoScalingAnticipatedFlapping'
  | 'TargetServicePutResourceAsUnscalable'
  | 'AlreadyAtMaxCapacity'
  | 'AlreadyAtMinCapacity'
  | 'AlreadyAtDesiredCapacity'
  // Ours: AWS reports nothing for these four.
  | 'InCooldown'
  | 'OtherPolicyNotReady'
  | 'MetricBackInRange'
  | 'NoMatchingStep';

export function policyKey(resourceId: string, policyName: string): string {
  return `${resourceId}/${policyName}`;
}

export const scalableTargetEvents = {
  ScalableTargetRegistered: event('A resource may now be scaled between two bounds.', {
    resourceId: text('service/<cluster>/<service>'),
    minCapacity: number('tasks'),
    maxCapacity: number('tasks'),
  }),
  ScalingPolicyPut: event('A scaling policy was created or replaced, with the alarms that call it.', {
    policyKey: text('<resource id>/<policy name>'),
    resourceId: text('the scalable target'),
    config: json<PutScalingPolicy>('as put-scaling-policy takes it'),
    alarms: json<readonly MetricAlarm[]>(
      'AlarmHigh, and AlarmLow unless scale-in is disabled; the one of step scaling',
    ),
  }),
  ScalableTargetBoundsChanged: event('A scheduled action changed the bounds; they stay until something changes them.', {
    resourceId: text('the scalable target'),
    scheduledActionName: text('the action'),
    minCapacity: number('tasks'),
    maxCapacity: number('tasks'),
  }),
  ScalingActivityStarted: event('The desired count was set; the activity lasts until the running count has followed.', {
    activityId: text('the activity'),
    resourceId: text('the scalable target'),
    policyKey: optional(text('the policy that asked for it')),
    alarmName: optional(text('the alarm that called the policy')),
    scheduledActionName: optional(text('the scheduled action that moved a bound')),
    fromCapacity: number('desired count before'),
    toCapacity: number('desired count now'),
    runningCount: number('tasks in RUNNING, the base of the formula'),
    metricValues: numbers("the alarm's datapoints, in the metric's unit"),
    wantedCapacity: number('what the formula asked for, before cooldown and bounds'),
    minCapacity: number('lower bound at that moment'),
    maxCapacity: number('upper bound at that moment'),
  }),
  ScalingActivityNotScaled: event('An alarm called a policy and nothing was changed. Written when the reason is new.', {
    resourceId: text('the scalable target'),
    policyKey: text('the policy'),
    alarmName: text('the alarm that called it'),
    reason: text<NotScaledReason>("AWS's reason code, or ours where AWS reports nothing"),
    desiredCount: number('tasks'),
    runningCount: number('tasks in RUNNING'),
    metricValues: numbers("the alarm's datapoints, in the metric's unit"),
    wantedCapacity: optional(number('what the formula asked for')),
  }),
  ScalingActivityCompleted: event('The activity has ended. A successful one starts its policy’s cooldown.', {
    activityId: text('the activity'),
    resourceId: text('the scalable target'),
    statusCode: text<'Successful' | 'Overridden'>('Overridden when a newer change came first'),
  }),
} as const;
export type ScalableTargetEvent = EventsOf<typeof scalableTargetEvents>;

export type ScalableTargetCommand =
  | {
      readonly type: 'RegisterScalableTarget';
      readonly resourceId: string;
      readonly minCapacity: number;
      readonly maxCapacity: number;
    }
  | { readonly type: 'PutScalingPolicy'; readonly resourceId: string; readonly config: ScalingPolicyConfig }
  | { readonly type: 'EvaluateScalingPolicy'; readonly policyKey: string; readonly alarmName: string }
  | { readonly type: 'CompleteScalingActivity'; readonly resourceId: string };

/** What the owner of the scalable resources answers; ECS provides it at the roof. */
export interface ScalableNamespace<World> {
  readonly describe: (world: Immutable<World>, resourceId: string) => ScalableCapacity | undefined;
  readonly metric: (
    world: Immutable<World>,
    resourceId: string,
    config: PutScalingPolicy,
  ) => PredefinedMetric | undefined;
}

export function decideScalableTarget<World extends AutoscalingWorld>(
  namespace: ScalableNamespace<World>,
): Decide<World, ScalableTargetCommand, ScalableTargetEvent> {
  return {
    RegisterScalableTarget({ resourceId, minCapacity, maxCapacity }, context) {
      const { world } = context;
      const registered = { type: 'ScalableTargetRegistered', resourceId, minCapacity, maxCapacity } as const;
      const capacity = capacityNow(namespace, resourceId, context);
      return [registered, ...withinBounds(activityId(world), registered, capacity, {})];
    },

    PutScalingPolicy({ resourceId, config: written }, { world }) {
      const { policies, alarms } = scalerOf(written);
      return policies(written).flatMap((config) => {
        const metric = namespace.metric(world, resourceId, config);
        if (metric === undefined) return [];
        const key = policyKey(resourceId, config.PolicyName);
        return [
          {
            type: 'ScalingPolicyPut',
            policyKey: key,
            resourceId,
            config,
            alarms: alarms(config, metric, key),
          } as const,
        ];
      });
    },

    EvaluateScalingPolicy({ policyKey: key, alarmName }, context) {
      const policy = context.world.autoscaling.policies.get(key);
      if (policy === undefined) return [];
      const capacity = capacityNow(namespace, policy.resourceId, context);
      const target = context.world.autoscaling.targets.get(policy.resourceId);
      if (capacity === undefined || target === undefined) return [];
      const reading = read(policy, context, capacity);
      if (reading === undefined || alarmName !== reading.alarmName) return [];
      const answer = judge(policy, target, reading, capacity, context);
      const common = { resourceId: policy.resourceId, policyKey: key, alarmName } as const;
      if ('reason' in answer)
        return answer.reason === policy.refusal
          ? []
          : [
              {
                type: 'ScalingActivityNotScaled',
                ...common,
                reason: answer.reason,
                desiredCount: capacity.desiredCount,
                runningCount: capacity.runningCount,
                metricValues: reading.datapoints,
                ...(reading.want === undefined ? {} : { wantedCapacity: reading.want }),
              },
            ];
      return [
        {
          type: 'ScalingActivityStarted',
          activityId: activityId(context.world),
          ...common,
          fromCapacity: answer.fromCapacity,
          toCapacity: answer.toCapacity,
          runningCount: capacity.runningCount,
          metricValues: reading.datapoints,
          wantedCapacity: reading.want as number,
          minCapacity: target.minCapacity,
          maxCapacity: target.maxCapacity,
        },
      ];
    },

    CompleteScalingActivity({ resourceId }, { world, nowMs }) {
      const activity = world.autoscaling.targets.get(resourceId)?.activity;
      const capacity = namespace.describe(world, resourceId);
      if (activity === undefined || capacity === undefined) return [];
      const { activityId, toCapacity, startedMs } = activity;
      if (capacity.desiredCount !== toCapacity && startedMs === nowMs) return []; // it has not reached the service yet
      if (capacity.desiredCount !== toCapacity)
        return [{ type: 'ScalingActivityCompleted', activityId, resourceId, statusCode: 'Overridden' }];
      if (capacity.runningCount !== toCapacity) return [];
      return [{ type: 'ScalingActivityCompleted', activityId, resourceId, statusCode: 'Successful' }];
    },
  };
}

/**
 * What the resource tells of itself, and what an activity of this very instant has decided but not yet brought to it: of
 * several policies that answer at one instant the largest capacity wins, and a scheduled action sees what they decided.
 */
export function capacityNow<World extends AutoscalingWorld>(
  namespace: ScalableNamespace<World>,
  resourceId: string,
  { world, nowMs }: Context<World>,
): ScalableCapacity | undefined {
  const capacity = namespace.describe(world, resourceId);
  const activity = world.autoscaling.targets.get(resourceId)?.activity;
  if (capacity === undefined || activity?.startedMs !== nowMs) return capacity;
  return { ...capacity, desiredCount: activity.toCapacity };
}

interface PolicyReading {
  readonly alarmName: string;
  readonly datapoints: readonly number[];
  readonly want: number | undefined;
}

/** What a policy asks for right now, from the first of its alarms that is in ALARM; undefined when none is. */
function read(
  policy: Immutable<ScalingPolicy>,
  { world, nowMs }: Context<AutoscalingWorld>,
  { runningCount }: ScalableCapacity,
): PolicyReading | undefined {
  for (const alarmName of policy.alarmNames) {
    const alarm = world.cloudwatch.alarms.get(alarmName);
    if (alarm?.state !== 'ALARM') continue;
    const datapoints = recentDatapoints(world, alarmName, nowMs).map(({ value }) => value);
    if (datapoints.length === 0) return undefined;
    const { threshold, comparisonOperator } = alarm.config;
    const reading = { datapoints, threshold, comparisonOperator, runningCount };
    return { alarmName, datapoints, want: scalerOf(policy.config).capacity(policy.config, reading) };
  }
  return undefined;
}

type Answer = { readonly fromCapacity: number; readonly toCapacity: number } | { readonly reason: NotScaledReason };

/** The pipeline of spec/autoscaling.md 3.10: the capacity to set, or the reason why none is set. */
function judge(
  policy: Immutable<ScalingPolicy>,
  target: Immutable<ScalableTarget>,
  reading: PolicyReading,
  capacity: ScalableCapacity,
  context: Context<AutoscalingWorld>,
): Answer {
  const { nowMs } = context;
  const { desiredCount, runningCount, deploymentInProgress } = capacity;
  const { minCapacity, maxCapacity } = target;
  const { tracksTarget, countsFromRunning } = scalerOf(policy.config);
  const { want } = reading;
  if (want === undefined) return { reason: tracksTarget ? 'MetricBackInRange' : 'NoMatchingStep' };
  if (want === runningCount) {
    const roundedUp = tracksTarget && reading.alarmName === policy.alarmNames[1];
    return { reason: roundedUp ? 'AutoScalingAnticipatedFlapping' : 'AlreadyAtDesiredCapacity' };
  }
  // Of what policies decide at one instant the largest capacity wins; each starts from the capacity before all of them.
  const decided = target.activity?.startedMs === nowMs ? target.activity : undefined;
  const fromCapacity = decided?.policyKey === undefined ? desiredCount : decided.fromCapacity;
  if (want > runningCount) {
    const cooling = nowMs < policy.scaleOutCoolsUntilMs;
    const deducts = cooling && countsFromRunning(policy.config);
    const wanted = deducts ? want - (policy.chainTo - policy.chainFrom) : want;
    const toCapacity = clamp(wanted, minCapacity, maxCapacity);
    if (toCapacity > Math.max(fromCapacity, desiredCount)) return { fromCapacity, toCapacity };
    if (desiredCount >= maxCapacity) return { reason: 'AlreadyAtMaxCapacity' };
    return { reason: cooling ? 'InCooldown' : 'AlreadyAtDesiredCapacity' };
  }
  if (decided !== undefined && decided.toCapacity > decided.fromCapacity) return { reason: 'OtherPolicyNotReady' };
  if (deploymentInProgress) return { reason: 'TargetServicePutResourceAsUnscalable' };
  if (nowMs < policy.scaleInCoolsUntilMs) return { reason: 'InCooldown' };
  const wanted = tracksTarget ? unanimousScaleIn(policy.resourceId, capacity, context) : want;
  if (wanted === undefined) return { reason: 'OtherPolicyNotReady' };
  const toCapacity = clamp(wanted, minCapacity, maxCapacity);
  const isLargest = fromCapacity === desiredCount || toCapacity > desiredCount;
  if (toCapacity < fromCapacity && isLargest) return { fromCapacity, toCapacity };
  return { reason: desiredCount <= minCapacity ? 'AlreadyAtMinCapacity' : 'AlreadyAtDesiredCapacity' };
}

/** Every policy that tracks a target and may scale in must want to; then the largest capacity any of them wants. */
function unanimousScaleIn(
  resourceId: string,
  capacity: ScalableCapacity,
  context: Context<AutoscalingWorld>,
): number | undefined {
  let largest = 0;
  for (const policy of context.world.autoscaling.policies.values()) {
    const [, lowAlarm] = policy.alarmNames;
    if (policy.resourceId !== resourceId || lowAlarm === undefined || !scalerOf(policy.config).tracksTarget) continue;
    const reading = read(policy, context, capacity);
    const ready = reading?.alarmName === lowAlarm && context.nowMs >= policy.scaleInCoolsUntilMs;
    if (!ready || reading.want === undefined) return undefined;
    largest = Math.max(largest, reading.want);
  }
  return largest;
}

/** The activity that brings the desired count inside bounds that have just been set, if it lies outside. */
export function withinBounds(
  activityId: string,
  bounds: { readonly resourceId: string; readonly minCapacity: number; readonly maxCapacity: number },
  capacity: ScalableCapacity | undefined,
  cause: { readonly scheduledActionName?: string },
): readonly Extract<ScalableTargetEvent, { type: 'ScalingActivityStarted' }>[] {
  if (capacity === undefined) return [];
  const { resourceId, minCapacity, maxCapacity } = bounds;
  const toCapacity = clamp(capacity.desiredCount, minCapacity, maxCapacity);
  if (toCapacity === capacity.desiredCount) return [];
  return [
    {
      type: 'ScalingActivityStarted',
      activityId,
      resourceId,
      ...cause,
      fromCapacity: capacity.desiredCount,
      toCapacity,
      runningCount: capacity.runningCount,
      metricValues: [],
      wantedCapacity: toCapacity,
      minCapacity,
      maxCapacity,
    },
  ];
}

export function activityId({ autoscaling }: Immutable<AutoscalingWorld>): string {
  return `activity-${autoscaling.nextActivity}`;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

export const evolveScalableTarget: Evolve<AutoscalingWorld, ScalableTargetEvent> = {
  ScalableTargetRegistered({ autoscaling }, { resourceId, minCapacity, maxCapacity }) {
    const activity = autoscaling.targets.get(resourceId)?.activity;
    autoscaling.targets.set(resourceId, { resourceId, minCapacity, maxCapacity, activity });
  },
  ScalingPolicyPut({ autoscaling }, { policyKey: key, resourceId, config, alarms }) {
    autoscaling.policies.set(key, {
      resourceId,
      config,
      alarmNames: alarms.map(({ alarmName }) => alarmName),
      scaleOutCoolsUntilMs: 0,
      chainFrom: 0,
      chainTo: 0,
      scaleInCoolsUntilMs: 0,
      refusal: undefined,
    });
  },
  ScalableTargetBoundsChanged({ autoscaling }, { resourceId, minCapacity, maxCapacity }) {
    const target = autoscaling.targets.get(resourceId);
    if (target === undefined) return;
    target.minCapacity = minCapacity;
    target.maxCapacity = maxCapacity;
  },
  ScalingActivityStarted({ autoscaling }, activity, atMs) {
    autoscaling.nextActivity++;
    const target = autoscaling.targets.get(activity.resourceId);
    if (target === undefined) return;
    const { activityId, fromCapacity, toCapacity, policyKey: key } = activity;
    const by = key === undefined ? {} : { policyKey: key };
    target.activity = { activityId, startedMs: atMs, fromCapacity, toCapacity, ...by };
    for (const policy of autoscaling.policies.values()) {
      if (policy.resourceId !== activity.resourceId) continue;
      if (toCapacity > fromCapacity) policy.scaleInCoolsUntilMs = 0; // a scale-out ends every scale-in cooldown
    }
    const policy = key === undefined ? undefined : autoscaling.policies.get(key);
    if (policy === undefined) return;
    policy.refusal = undefined;
    if (toCapacity > fromCapacity) {
      if (atMs >= policy.scaleOutCoolsUntilMs) policy.chainFrom = fromCapacity;
      policy.chainTo = toCapacity;
    }
  },
  ScalingActivityNotScaled({ autoscaling }, { policyKey: key, reason }) {
    const policy = autoscaling.policies.get(key);
    if (policy !== undefined) policy.refusal = reason;
  },
  ScalingActivityCompleted({ autoscaling }, { resourceId, statusCode }, atMs) {
    const target = autoscaling.targets.get(resourceId);
    if (target?.activity === undefined) return;
    const { policyKey: key, fromCapacity, toCapacity } = target.activity;
    target.activity = undefined;
    const policy = key === undefined ? undefined : autoscaling.policies.get(key);
    if (policy === undefined || statusCode !== 'Successful') return;
    const { outMs, inMs } = scalerOf(policy.config).cooldowns(policy.config);
    if (toCapacity > fromCapacity) policy.scaleOutCoolsUntilMs = atMs + outMs;
    else policy.scaleInCoolsUntilMs = atMs + inMs;
  },
};
