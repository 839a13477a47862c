/** Why a service does not scale at an instant: for each policy its alarms, what holds it back, and when it can act next. */

import type { Immutable } from 'immer';
import {
  askServicePolicy,
  forecastFloor,
  MINUTE,
  policiesOf,
  scaleInVote,
  scalableResourceId,
  scalableServices,
  scalingActionsOf,
  scalerOf,
  serviceNameOf,
  type Alarm,
  type Millis,
  type ScalingPolicy,
  type World,
} from '../../core/index.ts';
import { alarmTitle, comparisonOf, policyName } from '../report/describe.ts';
import { formatDuration, formatExact, formatMoment, formatNear, formatNoun } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';
import { ageSentence, alarmSentence, datapointLines, earliestAlarmMs, nextCallMs } from './alarmView.ts';
import { answerLines } from './policyView.ts';

type View = Immutable<World>;

/** A policy and one of the alarms that call it. */
export interface PolicyOutlook {
  readonly policyKey: string;
  readonly alarmName: string;
  readonly direction: 'out' | 'in';
  /** Why it does not act: AWS's reason code or ours; undefined when nothing holds it back but the wait for its alarm's next call. */
  readonly held: string | undefined;
  /** When it can act at the earliest, for all that is known; undefined when something has to change first. */
  readonly earliestMs: Millis | undefined;
  readonly lines: readonly StoryLine[];
}

export interface ServiceOutlook {
  readonly policies: readonly PolicyOutlook[];
  /** When the service can scale at the earliest; undefined when something has to change first. */
  readonly earliestOutMs: Millis | undefined;
  readonly earliestInMs: Millis | undefined;
}

/** @param world  after all that happened at the instant */
export function serviceOutlook(world: View, serviceName: string, nowMs: Millis): ServiceOutlook {
  const resourceId = scalableResourceId(world.ecs.clusterName, serviceName);
  const policies = policiesOf(resourceId, world).flatMap(([key, policy]) =>
    alarmsOf(world, key).map((alarm) => policyOutlook(world, key, policy, alarm, nowMs)),
  );
  const out = policies.filter(({ direction }) => direction === 'out');
  const alone = policies.filter(({ direction, policyKey }) => direction === 'in' && !tracksTarget(world, policyKey));
  return {
    policies,
    earliestOutMs: earliest(out.map(({ earliestMs }) => earliestMs)),
    earliestInMs: earliest([
      earliestAgreedMs(world, resourceId, policies, nowMs),
      ...alone.map(({ earliestMs }) => earliestMs),
    ]),
  };
}

function earliest(times: readonly (Millis | undefined)[]): Millis | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** Policies that track a target scale in together or not at all: with the first call after all of them are ready. */
function earliestAgreedMs(
  world: View,
  resourceId: string,
  policies: readonly PolicyOutlook[],
  nowMs: Millis,
): Millis | undefined {
  const { runningCount = 0 } = world.ecs.services.get(serviceNameOf(resourceId)) ?? {};
  const voters = policiesOf(resourceId, world).filter(
    ([key, policy]) => scaleInVote(key, policy, runningCount, { world, nowMs }) !== undefined,
  );
  let readyMs = nowMs;
  const alarms: Immutable<Alarm>[] = [];
  for (const [key, policy] of voters) {
    const own = policies.find((other) => other.policyKey === key && other.alarmName === policy.alarmNames[1]);
    const alarm = world.cloudwatch.alarms.get(own?.alarmName ?? '');
    if (own?.earliestMs === undefined || alarm === undefined) return undefined;
    const firesMs = alarm.state === 'ALARM' ? nowMs : (earliestAlarmMs(world, alarm, nowMs) ?? own.earliestMs);
    readyMs = Math.max(readyMs, firesMs, policy.scaleInCoolsUntilMs);
    alarms.push(alarm);
  }
  return earliest(alarms.map((alarm) => firstCallMs(world, alarm, nowMs, readyMs)));
}

/** The first call of an alarm at or after an instant, if it fires as soon as it can. */
function firstCallMs(world: View, alarm: Immutable<Alarm>, nowMs: Millis, notBeforeMs: Millis): Millis | undefined {
  if (alarm.state === 'ALARM') return nextCallMs(world, alarm, nowMs, notBeforeMs);
  const firesMs = earliestAlarmMs(world, alarm, nowMs);
  return firesMs === undefined
    ? undefined
    : firesMs + Math.max(0, Math.ceil((notBeforeMs - firesMs) / MINUTE)) * MINUTE;
}

function tracksTarget({ autoscaling }: View, key: string): boolean {
  const policy = autoscaling.policies.get(key);
  return policy !== undefined && scalerOf(policy.config).tracksTarget;
}

/** The alarms that call a policy, in whatever state. */
function alarmsOf({ cloudwatch }: View, key: string): readonly Immutable<Alarm>[] {
  return Array.from(cloudwatch.alarms.values()).filter(({ config }) =>
    Object.values(config.scalingActions).some((actions) => actions?.includes(key)),
  );
}

function policyOutlook(
  world: View,
  key: string,
  policy: Immutable<ScalingPolicy>,
  alarm: Immutable<Alarm>,
  nowMs: Millis,
): PolicyOutlook {
  const { config, actionsEnabled } = alarm;
  const { alarmName } = config;
  const direction = directionOf(policy, alarm);
  const common = { policyKey: key, alarmName, direction };
  const said = `scale-${direction} by policy ${policyName(key)}`;
  const indent = 4;
  const head: StoryLine[] = [{ indent, text: alarmSentence(world, alarm, nowMs) }];
  const points = datapointLines(world, config, nowMs, indent + 2);
  const bound = boundOf(world, policy, direction);
  const limit: StoryLine[] = bound === undefined ? [] : [{ indent, text: bound }];
  if (!actionsEnabled) {
    const lines = [line(`${said}: held back, for the actions of its alarm are disabled`), ...head];
    return { ...common, held: 'AlarmActionsDisabled', earliestMs: undefined, lines };
  }
  if (!scalingActionsOf(world, alarmName).includes(key)) {
    const alarmMs =
      config.scalingActions.ALARM?.includes(key) === true ? earliestAlarmMs(world, alarm, nowMs) : undefined;
    const isOff = bound !== undefined || isSuspended(world, policy, direction);
    const earliestMs =
      isOff || alarmMs === undefined ? undefined : afterCooldown(world, policy, alarm, direction, alarmMs);
    const held = alarm.state === 'INSUFFICIENT_DATA' ? 'AlarmHasInsufficientData' : 'AlarmNotInAlarm';
    const next =
      alarmMs === undefined
        ? 'it cannot fire as things are'
        : `it can fire at ${formatNear(alarmMs, nowMs)} at the earliest, in ${formatDuration(alarmMs - nowMs)}, if all datapoints until then are ${comparisonOf(alarmName, config.comparisonOperator).side} ${formatExact(config.threshold)}`;
    return {
      ...common,
      held,
      earliestMs,
      lines: [
        line(`${said}: held back, for its alarm is ${alarm.state}`),
        ...head,
        ...points,
        { indent, text: ageSentence(world, config, nowMs) },
        { indent, text: next },
        ...limit,
      ],
    };
  }
  const asked = askServicePolicy(world, key, alarmName, nowMs);
  const callMs = nextCallMs(world, alarm, nowMs);
  const called =
    callMs === undefined
      ? 'its alarm does not call it again'
      : `its alarm calls it again at ${formatNear(callMs, nowMs)}, in ${formatDuration(callMs - nowMs)}`;
  if (asked === undefined) {
    const lines = [
      line(
        `${said}: held back, for its alarm has no datapoint to hand on, or another one of its alarms is heard first`,
      ),
      ...head,
      { indent, text: called },
    ];
    return { ...common, held: 'NothingToRead', earliestMs: bound === undefined ? callMs : undefined, lines };
  }
  const answer = answerLines(world, asked, { key, alarmName, nowMs }, indent);
  const held = 'reason' in asked.answer ? asked.answer.reason : undefined;
  const verdict = held === undefined ? 'nothing holds it back but the wait for the next call' : `held back, ${held}`;
  return {
    ...common,
    held,
    earliestMs:
      bound === undefined && callMs !== undefined && !isSuspended(world, policy, direction)
        ? afterCooldown(world, policy, alarm, direction, callMs)
        : undefined,
    lines: [line(`${said}: ${verdict}`), ...head, ...points, ...answer, ...limit, { indent, text: called }],
  };
}

const line = (text: string): StoryLine => ({ indent: 2, text });

/** Which way an alarm makes a policy go. */
function directionOf(
  { config, alarmNames }: Immutable<ScalingPolicy>,
  { config: alarm }: Immutable<Alarm>,
): 'out' | 'in' {
  if (config.PolicyType === 'TargetTrackingScaling') return alarm.alarmName === alarmNames[1] ? 'in' : 'out';
  if (config.PolicyType === 'StepScaling') {
    const { AdjustmentType, StepAdjustments } = config.StepScalingPolicyConfiguration;
    if (AdjustmentType !== 'ExactCapacity') {
      if (StepAdjustments.every(({ ScalingAdjustment }) => ScalingAdjustment <= 0)) return 'in';
      if (StepAdjustments.every(({ ScalingAdjustment }) => ScalingAdjustment >= 0)) return 'out';
    }
  }
  return alarm.comparisonOperator.startsWith('Greater') ? 'out' : 'in';
}

/** A bound that the desired count has reached that way. */
function boundOf({ autoscaling, ecs }: View, { resourceId }: Immutable<ScalingPolicy>, direction: 'out' | 'in') {
  const target = autoscaling.targets.get(resourceId);
  const service = ecs.services.get(resourceId.slice(resourceId.lastIndexOf('/') + 1));
  if (target === undefined || service === undefined) return undefined;
  if (direction === 'out' && service.desiredCount >= target.maxCapacity)
    return `no scale-out can follow: ${service.desiredCount} are desired, and the maximum is ${target.maxCapacity}`;
  if (direction === 'in' && service.desiredCount <= target.minCapacity)
    return `no scale-in can follow: ${service.desiredCount} are desired, and the minimum is ${target.minCapacity}`;
  return undefined;
}

function isSuspended(
  { autoscaling }: View,
  { resourceId }: Immutable<ScalingPolicy>,
  direction: 'out' | 'in',
): boolean {
  const suspended = autoscaling.targets.get(resourceId)?.suspended;
  return (direction === 'out' ? suspended?.DynamicScalingOutSuspended : suspended?.DynamicScalingInSuspended) === true;
}

/** The first call at or after a cooldown's end; one of scale-out only deducts what it has seen added. */
function afterCooldown(
  world: View,
  policy: Immutable<ScalingPolicy>,
  alarm: Immutable<Alarm>,
  direction: 'out' | 'in',
  fromMs: Millis,
): Millis | undefined {
  if (direction === 'out' || fromMs >= policy.scaleInCoolsUntilMs) return fromMs;
  return nextCallMs(world, alarm, fromMs, policy.scaleInCoolsUntilMs);
}

/** The whole answer. @param changedBefore  its last change, in a sentence */
export function whyServiceNot(
  world: View,
  serviceName: string,
  nowMs: Millis,
  changedBefore: string,
): readonly StoryLine[] {
  const { ecs, autoscaling } = world;
  const service = ecs.services.get(serviceName);
  const resourceId = scalableResourceId(ecs.clusterName, serviceName);
  const target = autoscaling.targets.get(resourceId);
  if (service === undefined) return [];
  const { desiredCount, runningCount, pendingCount } = service;
  const counts = `${formatNoun(desiredCount, 'task')} desired, ${runningCount} running, ${pendingCount} on their way`;
  if (target === undefined)
    return [
      { text: `${formatMoment(nowMs)}  ${serviceName}: ${counts}. Nothing scales it: it is no scalable target.` },
    ];
  const { policies, earliestOutMs, earliestInMs } = serviceOutlook(world, serviceName, nowMs);
  const { activity, minCapacity, maxCapacity, suspended } = target;
  const off = [
    ...(suspended.DynamicScalingOutSuspended ? ['scaling out'] : []),
    ...(suspended.DynamicScalingInSuspended ? ['scaling in'] : []),
    ...(suspended.ScheduledScalingSuspended ? ['scheduled scaling'] : []),
  ];
  return [
    {
      text: `${formatMoment(nowMs)}  why ${serviceName} does not scale: ${counts}; minimum ${minCapacity}, maximum ${maxCapacity}.`,
    },
    line(changedBefore),
    ...(activity === undefined
      ? []
      : [
          line(
            `${activity.activityId}, ${activity.fromCapacity} -> ${activity.toCapacity} since ${formatNear(activity.startedMs, nowMs)}, waits for ${activity.toCapacity} running tasks; a cooldown begins only then.`,
          ),
        ]),
    ...(off.length === 0 ? [] : [line(`Suspended: ${off.join(', ')}.`)]),
    ...policies.flatMap(({ lines }) => lines),
    ...forecastLines(world, resourceId),
    ...(policies.length === 0 ? [line('No alarm calls a policy of it.')] : []),
    ...scheduleLines(world, resourceId, nowMs),
    ...(isDeploying(world, resourceId)
      ? [line('A deployment is in progress: no policy scales in before it is over.')]
      : []),
    line(`The earliest scale-out: ${when(earliestOutMs, nowMs)}. The earliest scale-in: ${when(earliestInMs, nowMs)}.`),
  ];
}

function isDeploying(world: View, resourceId: string): boolean {
  return scalableServices.describe(world, resourceId)?.deploymentInProgress === true;
}

function when(atMs: Millis | undefined, nowMs: Millis): string {
  return atMs === undefined ? 'none, as things are' : `${formatNear(atMs, nowMs)}, in ${formatDuration(atMs - nowMs)}`;
}

function forecastLines(world: View, resourceId: string): StoryLine[] {
  const floor = forecastFloor(resourceId, world);
  return policiesOf(resourceId, world).flatMap(([key, { config }]) =>
    config.PolicyType === 'PredictiveScaling'
      ? [
          line(
            `policy ${policyName(key)}, predictive (${config.PredictiveScalingPolicyConfiguration.Mode}): ${floor === 0 ? 'holds nothing up in this hour' : `holds ${formatNoun(floor, 'task')} or more in this hour`}`,
          ),
        ]
      : [],
  );
}

function scheduleLines({ autoscaling }: View, resourceId: string, nowMs: Millis): StoryLine[] {
  return Array.from(autoscaling.scheduledActions.values())
    .filter((action) => action.resourceId === resourceId)
    .map(({ config, dueAtMs }) => {
      const { MinCapacity, MaxCapacity } = config.ScalableTargetAction;
      const sets = [
        ...(MinCapacity === undefined ? [] : [`minimum ${MinCapacity}`]),
        ...(MaxCapacity === undefined ? [] : [`maximum ${MaxCapacity}`]),
      ].join(', ');
      const due =
        dueAtMs === undefined
          ? 'is not due again'
          : `is due next ${formatMoment(dueAtMs)}, in ${formatDuration(dueAtMs - nowMs)}`;
      return line(`scheduled action ${config.ScheduledActionName} (${sets}) ${due}`);
    });
}

/** One line for the overview: `web: 11 tasks; out: alarm web cpu high is OK …`. */
export function serviceInShort(world: View, serviceName: string, nowMs: Millis): string {
  const { policies, earliestOutMs, earliestInMs } = serviceOutlook(world, serviceName, nowMs);
  const service = world.ecs.services.get(serviceName);
  const desired = formatNoun(service?.desiredCount ?? 0, 'task');
  if (policies.length === 0) return `${serviceName}: ${desired} desired; no alarm calls a policy of it`;
  const told = policies.map(({ policyKey, alarmName, direction, held }) => {
    const why =
      held === undefined
        ? 'acts with the next call'
        : held === 'AlarmNotInAlarm'
          ? `alarm ${alarmTitle(alarmName)} is OK`
          : held;
    return `${direction} by ${policyName(policyKey)}: ${why}`;
  });
  return `${serviceName}: ${desired} desired; ${told.join('; ')}; earliest out ${when(earliestOutMs, nowMs)}, earliest in ${when(earliestInMs, nowMs)}`;
}
