/**
 * A scalable target: its bounds, its policies, and the way from an alarm to a scaling activity: formula, deployment,
 * unanimity for scale-in, cooldowns, bounds. Every answer, also "no", says why.
 *
 * @source spec/autoscaling.md 3.4 to 3.11
 */

import type { Immutable } from 'immer';
import { recentDatapoints, scalingActionsOf, type MetricAlarm, type MetricRequest } from '../cloudwatch/index.ts';
import {
  event,
  flag,
  json,
  number,
  numbers,
  optional,
  text,
  texts,
  type Context,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { FollowedMetric, ScalableCapacity } from './scaler.ts';
import type { Forecast, ForecastRequests } from './predictiveScaling.ts';
import { forecastMetrics, type ForecastMetrics } from './scalers/predictive.ts';
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

/** What is switched off for a target. */
export interface SuspendedState {
  readonly DynamicScalingInSuspended: boolean;
  readonly DynamicScalingOutSuspended: boolean;
  readonly ScheduledScalingSuspended: boolean;
}

export interface ScalableTarget {
  readonly resourceId: string;
  minCapacity: number;
  maxCapacity: number;
  suspended: SuspendedState;
  /** The newest activity, while it waits for the running count to reach its goal. */
  activity: ScalingActivity | undefined;
}

export interface ScalingPolicy {
  readonly resourceId: string;
  readonly config: PutScalingPolicy;
  /** The alarms it has brought along; of target tracking AlarmHigh, then AlarmLow unless scale-in is disabled. */
  readonly alarmNames: readonly string[];
  /** How often it was put: a policy that is replaced gets new alarms of its own. */
  readonly generation: number;
  /** Until then a scale-out only adds what the running chain of scale-outs has not added yet. */
  scaleOutCoolsUntilMs: Millis;
  /** Capacity at the start and at the end of that chain. */
  chainFrom: number;
  chainTo: number;
  scaleInCoolsUntilMs: Millis;
  /** Of predictive scaling: what it is made of, and the newest one. */
  readonly forecastRequests: ForecastRequests | undefined;
  forecast: Forecast | undefined;
  /** What a forecast holds the target up to; no policy scales in below it. */
  floor: number;
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
  // Ours: AWS reports nothing for these.
  | 'InCooldown'
  | 'OtherPolicyNotReady'
  | 'MetricBackInRange'
  | 'NoMatchingStep'
  | 'ScalingSuspended'
  | 'HeldByForecast';

/** What an answer depends on: nothing of it is chance. */
type View<World> = Pick<Context<World>, 'world' | 'nowMs'>;

export function policyKey(resourceId: string, policyName: string): string {
  return `${resourceId}/${policyName}`;
}

export const scalableTargetEvents = {
  ScalableTargetRegistered: event('A resource may now be scaled between two bounds.', {
    resourceId: text('service/<cluster>/<service>'),
    minCapacity: number('tasks'),
    maxCapacity: number('tasks'),
    scaleInSuspended: flag('whether policies may not scale in'),
    scaleOutSuspended: flag('whether policies may not scale out'),
    scheduledSuspended: flag('whether scheduled actions are lost'),
  }),
  ScalableTargetDeregistered: event('A resource is no longer scaled: its policies and scheduled actions are gone.', {
    resourceId: text('service/<cluster>/<service>'),
    alarmNames: texts('the alarms that go with its policies'),
  }),
  ScalingPolicyPut: event('A scaling policy was created or replaced, with the alarms that it brings along.', {
    policyKey: text('<resource id>/<policy name>'),
    resourceId: text('the scalable target'),
    config: json<PutScalingPolicy>('as put-scaling-policy takes it'),
    alarms: json<readonly MetricAlarm[]>(
      'AlarmHigh, and AlarmLow unless scale-in is disabled; the one of step scaling',
    ),
    generation: number('how often it was put'),
    forecastRequests: json<ForecastRequests | null>('what a forecast is made of; null for other policies'),
    replacedAlarms: texts('alarms of the policy before, which are deleted'),
  }),
  ScalingPolicyDeleted: event('A scaling policy is no more.', {
    policyKey: text('the policy'),
    alarmNames: texts('the alarms that go with it: those of target tracking, not those of step scaling'),
  }),
  ScalableTargetBoundsChanged: event('The bounds were changed; they stay until something changes them.', {
    resourceId: text('the scalable target'),
    scheduledActionName: optional(text('the scheduled action')),
    policyKey: optional(text('the policy whose forecast needs a higher maximum')),
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
    statusCode: text<'Successful' | 'Overridden' | 'Unfulfilled'>(
      'Overridden when a newer change came first, Unfulfilled when its tasks did not come in time',
    ),
    foundCapacity: number('desired count at that moment'),
  }),
} as const;
export type ScalableTargetEvent = EventsOf<typeof scalableTargetEvents>;
type ScalingActivityStarted = Extract<ScalableTargetEvent, { type: 'ScalingActivityStarted' }>;

export type ScalableTargetCommand =
  | {
      readonly type: 'RegisterScalableTarget';
      readonly resourceId: string;
      /** As they are when left out. */
      readonly minCapacity?: number | undefined;
      readonly maxCapacity?: number | undefined;
      readonly suspendedState?: { readonly [K in keyof SuspendedState]?: boolean | undefined } | undefined;
    }
  | { readonly type: 'DeregisterScalableTarget'; readonly resourceId: string }
  | { readonly type: 'PutScalingPolicy'; readonly resourceId: string; readonly config: ScalingPolicyConfig }
  | { readonly type: 'DeleteScalingPolicy'; readonly policyKey: string }
  | { readonly type: 'EvaluateScalingPolicy'; readonly policyKey: string; readonly alarmName: string }
  /** A decision of a policy that another future has made at another instant, for this one. */
  | ({ readonly type: 'StartScalingActivity' } & Pick<
      ScalingActivityStarted,
      'resourceId' | 'policyKey' | 'alarmName' | 'toCapacity' | 'metricValues' | 'wantedCapacity'
    >)
  | { readonly type: 'CompleteScalingActivity'; readonly resourceId: string }
  | { readonly type: 'ExpireScalingActivity'; readonly resourceId: string; readonly activityId: string };

/** What the owner of the scalable resources answers; ECS provides it at the roof. */
export interface ScalableNamespace<World> {
  readonly describe: (world: Immutable<World>, resourceId: string) => ScalableCapacity | undefined;
  /** The metrics that a policy follows, as they are published; undefined when the resource has none of that name. */
  readonly request: (
    world: Immutable<World>,
    resourceId: string,
    followed: FollowedMetric,
  ) => MetricRequest | undefined;
}

export function decideScalableTarget<World extends AutoscalingWorld>(
  namespace: ScalableNamespace<World>,
): Decide<World, ScalableTargetCommand, ScalableTargetEvent> {
  return {
    RegisterScalableTarget({ resourceId, suspendedState = {}, ...given }, context) {
      const { world } = context;
      const known = world.autoscaling.targets.get(resourceId);
      const { minCapacity = known?.minCapacity ?? 0, maxCapacity = known?.maxCapacity ?? 0 } = given;
      const suspended = { ...(known?.suspended ?? NOTHING_SUSPENDED), ...suspendedState };
      const registered = {
        type: 'ScalableTargetRegistered',
        resourceId,
        minCapacity,
        maxCapacity,
        scaleInSuspended: suspended.DynamicScalingInSuspended === true,
        scaleOutSuspended: suspended.DynamicScalingOutSuspended === true,
        scheduledSuspended: suspended.ScheduledScalingSuspended === true,
      } as const;
      const capacity = capacityNow(namespace, resourceId, context);
      return [registered, ...withinBounds(activityId(world), registered, capacity, {})];
    },

    DeregisterScalableTarget({ resourceId }, { world: { autoscaling } }) {
      if (!autoscaling.targets.has(resourceId)) return [];
      const policies = Array.from(autoscaling.policies.values()).filter((policy) => policy.resourceId === resourceId);
      return [{ type: 'ScalableTargetDeregistered', resourceId, alarmNames: policies.flatMap(ownAlarms) }];
    },

    PutScalingPolicy({ resourceId, config: written }, { world }) {
      const { policies, alarms, follows, ownsAlarms } = scalerOf(written);
      return policies(written).flatMap((config) => {
        const followed = follows(config);
        const request = followed === undefined ? [] : namespace.request(world, resourceId, followed);
        const forecastRequests =
          config.PolicyType === 'PredictiveScaling'
            ? forecastRequestsOf((metric) => namespace.request(world, resourceId, metric), forecastMetrics(config))
            : null;
        if (request === undefined || forecastRequests === undefined) return [];
        const key = policyKey(resourceId, config.PolicyName);
        const known = world.autoscaling.policies.get(key);
        const generation = (known?.generation ?? 0) + 1;
        const alarmId = ownsAlarms && generation > 1 ? `${config.PolicyName}#${generation}` : config.PolicyName;
        return [
          {
            type: 'ScalingPolicyPut',
            policyKey: key,
            resourceId,
            config,
            alarms: alarms(config, request, key, alarmId),
            generation,
            forecastRequests,
            replacedAlarms: known === undefined ? [] : ownAlarms(known),
          } as const,
        ];
      });
    },

    DeleteScalingPolicy({ policyKey: key }, { world }) {
      const policy = world.autoscaling.policies.get(key);
      return policy === undefined
        ? []
        : [{ type: 'ScalingPolicyDeleted', policyKey: key, alarmNames: ownAlarms(policy) }];
    },

    EvaluateScalingPolicy({ policyKey: key, alarmName }, context) {
      const asked = askScalingPolicy(namespace, key, alarmName, context);
      if (asked === undefined) return [];
      const { policy, target, capacity, reading, answer } = asked;
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

    StartScalingActivity({ type: _type, toCapacity: wanted, ...decided }, context) {
      const { resourceId } = decided;
      const target = context.world.autoscaling.targets.get(resourceId);
      const capacity = capacityNow(namespace, resourceId, context);
      if (target === undefined || capacity === undefined) return [];
      const { minCapacity, maxCapacity } = target;
      const { desiredCount: fromCapacity, runningCount } = capacity;
      const toCapacity = clamp(wanted, minCapacity, maxCapacity);
      if (toCapacity === fromCapacity) return [];
      return [
        {
          type: 'ScalingActivityStarted',
          activityId: activityId(context.world),
          ...decided,
          fromCapacity,
          toCapacity,
          runningCount,
          minCapacity,
          maxCapacity,
        },
      ];
    },

    CompleteScalingActivity({ resourceId }, { world, nowMs }) {
      const activity = world.autoscaling.targets.get(resourceId)?.activity;
      const capacity = namespace.describe(world, resourceId);
      if (activity === undefined || capacity === undefined) return [];
      const { activityId, toCapacity, startedMs } = activity;
      const { desiredCount, runningCount } = capacity;
      if (desiredCount !== toCapacity && startedMs === nowMs) return []; // it has not reached the service yet
      if (desiredCount === toCapacity && runningCount !== toCapacity) return [];
      const statusCode = desiredCount === toCapacity ? 'Successful' : 'Overridden';
      return [{ type: 'ScalingActivityCompleted', activityId, resourceId, statusCode, foundCapacity: desiredCount }];
    },

    ExpireScalingActivity({ resourceId, activityId }, { world }) {
      const activity = world.autoscaling.targets.get(resourceId)?.activity;
      if (activity?.activityId !== activityId) return [];
      const foundCapacity = namespace.describe(world, resourceId)?.desiredCount ?? 0;
      return [{ type: 'ScalingActivityCompleted', activityId, resourceId, statusCode: 'Unfulfilled', foundCapacity }];
    },
  };
}

/** The metrics of a forecast, as they are published; undefined when the resource does not have all of them. */
export function forecastRequestsOf(
  requestOf: (followed: FollowedMetric) => MetricRequest | undefined,
  metrics: ForecastMetrics,
): ForecastRequests | undefined {
  const load = requestOf(metrics.load);
  if (load === undefined) return undefined;
  if (metrics.scaling === undefined || metrics.capacity === undefined) return { load };
  const [scaling, capacity] = [requestOf(metrics.scaling), requestOf(metrics.capacity)];
  return scaling === undefined || capacity === undefined ? undefined : { load, scaling, capacity };
}

const NOTHING_SUSPENDED: SuspendedState = {
  DynamicScalingInSuspended: false,
  DynamicScalingOutSuspended: false,
  ScheduledScalingSuspended: false,
};

/** The alarms that go with a policy. */
function ownAlarms({ config, alarmNames }: Immutable<ScalingPolicy>): readonly string[] {
  return scalerOf(config).ownsAlarms ? alarmNames : [];
}

/**
 * What the resource tells of itself, and what an activity of this very instant has decided but not yet brought to it: of
 * several policies that answer at one instant the largest capacity wins, and a scheduled action sees what they decided.
 */
export function capacityNow<World extends Immutable<AutoscalingWorld>>(
  namespace: ScalableNamespace<World>,
  resourceId: string,
  { world, nowMs }: View<World>,
): ScalableCapacity | undefined {
  const capacity = namespace.describe(world, resourceId);
  const activity = world.autoscaling.targets.get(resourceId)?.activity;
  if (capacity === undefined || activity?.startedMs !== nowMs) return capacity;
  return { ...capacity, desiredCount: activity.toCapacity };
}

/** What an alarm's call needs to know of a policy, of a scalable target's as of an Auto Scaling group's. */
export type CalledPolicy = Immutable<Pick<ScalingPolicy, 'config' | 'alarmNames'>> &
  Partial<Pick<ScalingPolicy, 'scaleInCoolsUntilMs'>>;

interface PolicyReading {
  readonly alarmName: string;
  readonly datapoints: readonly number[];
  readonly want: number | undefined;
}

/**
 * What a policy asks for when an alarm calls it; undefined when the alarm has no reason to any more.
 *
 * @param runningCount  the capacity that its formula starts from
 * @param sinceMs       datapoints of before are not looked at
 */
export function readPolicy(
  policy: CalledPolicy,
  key: string,
  alarmName: string,
  { world, nowMs }: View<AutoscalingWorld>,
  runningCount: number,
  sinceMs = 0,
): PolicyReading | undefined {
  const alarm = world.cloudwatch.alarms.get(alarmName);
  if (alarm === undefined || !scalingActionsOf(world, alarmName).includes(key)) return undefined;
  // Of two alarms of its own that are in ALARM the first one is heard.
  const own = policy.alarmNames.find((name) => world.cloudwatch.alarms.get(name)?.state === 'ALARM');
  if (policy.alarmNames.includes(alarmName) && own !== undefined && own !== alarmName) return undefined;
  const datapoints = recentDatapoints(world, alarmName, nowMs)
    .filter(({ startMs }) => startMs >= sinceMs)
    .map(({ value }) => value);
  if (datapoints.length === 0) return undefined;
  const { threshold, comparisonOperator } = alarm.config;
  const reading = { datapoints, threshold, comparisonOperator, runningCount };
  const want = scalerOf(policy.config).capacity(policy.config, reading, world.autoscaling.settings);
  return { alarmName, datapoints, want };
}

type Answer = { readonly fromCapacity: number; readonly toCapacity: number } | { readonly reason: NotScaledReason };

/** What a policy sees when an alarm calls it, and what it answers. */
export interface AskedPolicy {
  readonly policy: Immutable<ScalingPolicy>;
  readonly target: Immutable<ScalableTarget>;
  readonly capacity: ScalableCapacity;
  readonly reading: PolicyReading;
  readonly answer: Answer;
}

/** A policy's answer to the call of an alarm; undefined when there is nothing to answer: the alarm calls it no longer. */
export function askScalingPolicy<World extends Immutable<AutoscalingWorld>>(
  namespace: ScalableNamespace<World>,
  key: string,
  alarmName: string,
  context: View<World>,
): AskedPolicy | undefined {
  const policy = context.world.autoscaling.policies.get(key);
  if (policy === undefined) return undefined;
  const capacity = capacityNow(namespace, policy.resourceId, context);
  const target = context.world.autoscaling.targets.get(policy.resourceId);
  if (capacity === undefined || target === undefined) return undefined;
  const reading = readPolicy(policy, key, alarmName, context, capacity.runningCount);
  if (reading === undefined) return undefined;
  return { policy, target, capacity, reading, answer: judge(policy, target, reading, capacity, context) };
}

/** The pipeline of spec/autoscaling.md 3.10: the capacity to set, or the reason why none is set. */
function judge(
  policy: Immutable<ScalingPolicy>,
  target: Immutable<ScalableTarget>,
  reading: PolicyReading,
  capacity: ScalableCapacity,
  context: View<AutoscalingWorld>,
): Answer {
  const { nowMs } = context;
  const { settings } = context.world.autoscaling;
  const { desiredCount, runningCount, deploymentInProgress } = capacity;
  const { minCapacity, maxCapacity, suspended } = target;
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
    if (suspended.DynamicScalingOutSuspended) return { reason: 'ScalingSuspended' };
    const cooling = nowMs < policy.scaleOutCoolsUntilMs;
    const deducts = cooling && settings.scaleOutCooldown === 'credit' && countsFromRunning(policy.config);
    const wanted = deducts ? want - (policy.chainTo - policy.chainFrom) : want;
    const toMinimum = settings.belowMinimum === 'twoSteps' && desiredCount < minCapacity;
    const toCapacity = toMinimum ? minCapacity : clamp(wanted, minCapacity, maxCapacity);
    if (toCapacity > Math.max(fromCapacity, desiredCount)) return { fromCapacity, toCapacity };
    if (desiredCount >= maxCapacity) return { reason: 'AlreadyAtMaxCapacity' };
    return { reason: cooling ? 'InCooldown' : 'AlreadyAtDesiredCapacity' };
  }
  if (decided !== undefined && decided.toCapacity > decided.fromCapacity) return { reason: 'OtherPolicyNotReady' };
  if (deploymentInProgress) return { reason: 'TargetServicePutResourceAsUnscalable' };
  if (suspended.DynamicScalingInSuspended) return { reason: 'ScalingSuspended' };
  const scaleOutCools = nowMs < policy.scaleOutCoolsUntilMs && settings.scaleInDuringScaleOutCooldown === 'blocked';
  if (nowMs < policy.scaleInCoolsUntilMs || scaleOutCools) return { reason: 'InCooldown' };
  const wanted = tracksTarget
    ? agreedScaleIn(policiesOf(policy.resourceId, context.world), runningCount, context)
    : want;
  if (wanted === undefined) return { reason: 'OtherPolicyNotReady' };
  const floor = forecastFloor(policy.resourceId, context.world);
  const toCapacity = clamp(Math.max(wanted, floor), minCapacity, maxCapacity);
  if (floor > wanted && toCapacity >= fromCapacity) return { reason: 'HeldByForecast' };
  const isLargest = fromCapacity === desiredCount || toCapacity > desiredCount;
  if (toCapacity < fromCapacity && isLargest) return { fromCapacity, toCapacity };
  return { reason: desiredCount <= minCapacity ? 'AlreadyAtMinCapacity' : 'AlreadyAtDesiredCapacity' };
}

export function policiesOf(resourceId: string, { autoscaling }: Immutable<AutoscalingWorld>) {
  return Array.from(autoscaling.policies).filter(([, policy]) => policy.resourceId === resourceId);
}

/** What a policy that tracks a target says to scale-in: the capacity it would be content with, or why it is not ready. */
type ScaleInVote = { readonly want: number } | { readonly veto: 'NotInAlarm' | 'MetricBackInRange' | 'InCooldown' };

/** The vote of one policy; undefined when it has none: it tracks no target, may not scale in, or abstains without data. */
export function scaleInVote(
  key: string,
  policy: CalledPolicy,
  runningCount: number,
  context: View<AutoscalingWorld>,
  sinceMs?: Millis,
): ScaleInVote | undefined {
  const { autoscaling, cloudwatch } = context.world;
  const [, lowAlarm] = policy.alarmNames;
  if (lowAlarm === undefined || !scalerOf(policy.config).tracksTarget) return undefined;
  const hasNoData = cloudwatch.alarms.get(lowAlarm)?.state === 'INSUFFICIENT_DATA';
  if (hasNoData && autoscaling.settings.policiesWithoutData === 'abstain') return undefined;
  const reading = readPolicy(policy, key, lowAlarm, context, runningCount, sinceMs);
  if (reading === undefined) return { veto: 'NotInAlarm' };
  if (reading.want === undefined) return { veto: 'MetricBackInRange' };
  return context.nowMs < (policy.scaleInCoolsUntilMs ?? 0) ? { veto: 'InCooldown' } : { want: reading.want };
}

/** Every policy that tracks a target and may scale in must want to; then the largest capacity any of them wants. */
export function agreedScaleIn(
  policies: Iterable<readonly [string, CalledPolicy]>,
  runningCount: number,
  context: View<AutoscalingWorld>,
  sinceMs?: Millis,
): number | undefined {
  let largest = 0;
  for (const [key, policy] of policies) {
    const vote = scaleInVote(key, policy, runningCount, context, sinceMs);
    if (vote === undefined) continue;
    if ('veto' in vote) return undefined;
    largest = Math.max(largest, vote.want);
  }
  return largest;
}

/** Of a forecast and a policy the larger capacity counts: what forecasts hold the target up to. */
export function forecastFloor(resourceId: string, { autoscaling }: Immutable<AutoscalingWorld>): number {
  let floor = 0;
  for (const policy of autoscaling.policies.values())
    if (policy.resourceId === resourceId) floor = Math.max(floor, policy.floor);
  return floor;
}

/** The activity that brings the desired count inside bounds that have just been set, if it lies outside. */
export function withinBounds(
  activityId: string,
  bounds: { readonly resourceId: string; readonly minCapacity: number; readonly maxCapacity: number },
  capacity: ScalableCapacity | undefined,
  cause: { readonly scheduledActionName?: string },
): readonly ScalingActivityStarted[] {
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
  ScalableTargetRegistered({ autoscaling }, registered) {
    const { resourceId, minCapacity, maxCapacity } = registered;
    const activity = autoscaling.targets.get(resourceId)?.activity;
    const suspended = {
      DynamicScalingInSuspended: registered.scaleInSuspended,
      DynamicScalingOutSuspended: registered.scaleOutSuspended,
      ScheduledScalingSuspended: registered.scheduledSuspended,
    };
    autoscaling.targets.set(resourceId, { resourceId, minCapacity, maxCapacity, suspended, activity });
  },
  ScalableTargetDeregistered({ autoscaling }, { resourceId }) {
    autoscaling.targets.delete(resourceId);
    for (const [key, policy] of autoscaling.policies)
      if (policy.resourceId === resourceId) autoscaling.policies.delete(key);
    for (const [key, action] of autoscaling.scheduledActions)
      if (action.resourceId === resourceId) autoscaling.scheduledActions.delete(key);
  },
  ScalingPolicyPut({ autoscaling }, { policyKey: key, resourceId, config, alarms, generation, forecastRequests }) {
    const known = autoscaling.policies.get(key);
    autoscaling.policies.set(key, {
      resourceId,
      config,
      alarmNames: alarms.map(({ alarmName }) => alarmName),
      generation,
      scaleOutCoolsUntilMs: known?.scaleOutCoolsUntilMs ?? 0,
      chainFrom: known?.chainFrom ?? 0,
      chainTo: known?.chainTo ?? 0,
      scaleInCoolsUntilMs: known?.scaleInCoolsUntilMs ?? 0,
      forecastRequests: forecastRequests ?? undefined,
      forecast: undefined,
      floor: 0,
      refusal: undefined,
    });
  },
  ScalingPolicyDeleted({ autoscaling }, { policyKey: key }) {
    autoscaling.policies.delete(key);
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
