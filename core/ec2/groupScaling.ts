/**
 * An Auto Scaling group scales itself: its policies set its desired capacity, and know nothing of the tasks on its instances.
 * A new instance does not count until it has warmed up, and nothing is taken away before.
 *
 * @source spec/capacity.md 3.1 (AWS, "Step and simple scaling policies", "Set the default instance warmup", "Scaling cooldowns")
 */

import type { Immutable } from 'immer';
import { agreedScaleIn, readPolicy, scalerOf, type CalledPolicy } from '../autoscaling/index.ts';
import type { MetricAlarm, MetricRequest } from '../cloudwatch/index.ts';
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
import {
  awsTime,
  bounded,
  membersOf,
  type AutoScalingGroup,
  type AutoScalingGroupEvent,
  type Instance,
} from './autoScalingGroup.ts';
import {
  cooldownMs,
  policyForScaler,
  groupCpuMetric,
  groupPolicyKey,
  inPeriodsOfGroup,
  monitoringPeriodMs,
  warmupMs,
  type GroupScalingPolicyConfig,
} from './groupPolicy.ts';
import type { Ec2World } from './world.ts';

export interface GroupScalingPolicy {
  readonly autoScalingGroupName: string;
  readonly config: GroupScalingPolicyConfig;
  /** The alarms it has brought along; of target tracking AlarmHigh, then AlarmLow unless scale-in is disabled. */
  readonly alarmNames: readonly string[];
  /** Why the policy last did not scale; it is written once, not each minute. */
  refusal: GroupNotScaledReason | undefined;
}

/** Why a policy changed nothing; AWS reports none of it. */
export type GroupNotScaledReason =
  | 'AlreadyAtMaxSize'
  | 'AlreadyAtMinSize'
  | 'AlreadyAtDesiredCapacity'
  | 'InstancesWarmingUp'
  | 'NoDataSinceScaleIn'
  | 'ScalingActivityInProgress'
  | 'InCooldown'
  | 'OtherPolicyNotReady'
  | 'MetricBackInRange'
  | 'NoMatchingStep';

export const groupScalingEvents = {
  GroupScalingPolicyPut: event('A group got a scaling policy of its own, with the alarms that it brings along.', {
    policyKey: text('<group>/<policy name>'),
    autoScalingGroupName: text('the group'),
    config: json<GroupScalingPolicyConfig>('as put-scaling-policy takes it'),
    alarms: json<readonly MetricAlarm[]>('AlarmHigh, and AlarmLow unless scale-in is disabled; the one of the others'),
  }),
  GroupScaled: event('A scaling policy of a group changed its desired capacity.', {
    policyKey: text('the policy'),
    autoScalingGroupName: text('the group'),
    alarmName: text('the alarm that called the policy'),
    from: number('desired capacity before'),
    to: number('desired capacity now'),
    instances: number('instances that the formula counts'),
    warmingUp: number('instances that are on their way or warm up, and do not count yet'),
    metricValues: numbers("the alarm's datapoints, in the metric's unit"),
    wantedCapacity: number('what the formula asked for, before MinSize and MaxSize'),
  }),
  GroupNotScaled: event(
    'An alarm called a policy of a group, and nothing was changed. Written when the reason is new.',
    {
      policyKey: text('the policy'),
      autoScalingGroupName: text('the group'),
      alarmName: text('the alarm that called it'),
      reason: text<GroupNotScaledReason>('why'),
      desiredCapacity: number('instances'),
      instances: number('instances that the formula counts'),
      warmingUp: number('instances that are on their way or warm up, and do not count yet'),
      metricValues: numbers("the alarm's datapoints, in the metric's unit"),
      wantedCapacity: optional(number('what the formula asked for')),
    },
  ),
} as const;
export type GroupScalingEvent = EventsOf<typeof groupScalingEvents>;

export type GroupScalingCommand =
  | {
      readonly type: 'PutGroupScalingPolicy';
      readonly autoScalingGroupName: string;
      readonly config: GroupScalingPolicyConfig;
      /** What it follows; absent when alarms of the user's own call it. */
      readonly request?: MetricRequest;
    }
  | { readonly type: 'EvaluateGroupScalingPolicy'; readonly policyKey: string; readonly alarmName: string }
  /** A decision of a policy that another future has made at another instant, for this one. */
  | ({ readonly type: 'ScaleGroup' } & Pick<
      Extract<GroupScalingEvent, { type: 'GroupScaled' }>,
      'policyKey' | 'alarmName' | 'to' | 'metricValues' | 'wantedCapacity'
    >);

export const decideGroupScaling: Decide<Ec2World, GroupScalingCommand, GroupScalingEvent | AutoScalingGroupEvent> = {
  PutGroupScalingPolicy({ autoScalingGroupName, config, request = [] }, { world: { ec2 } }) {
    const group = ec2.groups.get(autoScalingGroupName);
    if (group === undefined) return [];
    const policyKey = groupPolicyKey(autoScalingGroupName, config.PolicyName);
    const policy = policyForScaler(config, autoScalingGroupName);
    const isOfInstances = request.some(
      (query) => 'metric' in query && query.metric === groupCpuMetric(autoScalingGroupName),
    );
    const periodMs =
      config.PolicyType === 'TargetTrackingScaling' && isOfInstances ? monitoringPeriodMs(group.config) : 0;
    const alarms = scalerOf(policy)
      .alarms(policy, request, policyKey, config.PolicyName)
      .map((alarm) => inPeriodsOfGroup(alarm, periodMs, ec2.assumptions.basicMonitoringAlarms));
    return [{ type: 'GroupScalingPolicyPut', policyKey, autoScalingGroupName, config, alarms }];
  },

  EvaluateGroupScalingPolicy({ policyKey, alarmName }, context) {
    const { world, nowMs } = context;
    const policy = world.ec2.scalingPolicies.get(policyKey);
    const group = world.ec2.groups.get(policy?.autoScalingGroupName ?? '');
    if (policy === undefined || group === undefined) return [];
    const { autoScalingGroupName } = policy;
    const counts = countsOf(world, group, warmupMs(policy.config, group.config), nowMs);
    const answer = judge({ policy, policyKey, alarmName, group, counts }, context);
    if (answer === undefined) return [];
    const { instances, metricValues } = answer;
    const common = { policyKey, autoScalingGroupName, alarmName } as const;
    const seen = { instances, warmingUp: counts.warmingUp, metricValues } as const;
    const from = group.desiredCapacity;
    if ('reason' in answer) {
      const { reason, wantedCapacity } = answer;
      if (reason === policy.refusal) return [];
      const wanted = wantedCapacity === undefined ? {} : { wantedCapacity };
      return [{ type: 'GroupNotScaled', ...common, reason, desiredCapacity: from, ...seen, ...wanted }];
    }
    const { to, wantedCapacity } = answer;
    return [
      { type: 'GroupScaled', ...common, from, to, ...seen, wantedCapacity },
      { type: 'DesiredCapacitySet', autoScalingGroupName, from, to },
    ];
  },

  ScaleGroup({ policyKey, alarmName, to: wanted, metricValues, wantedCapacity }, { world, nowMs }) {
    const policy = world.ec2.scalingPolicies.get(policyKey);
    const group = world.ec2.groups.get(policy?.autoScalingGroupName ?? '');
    if (policy === undefined || group === undefined) return [];
    const { autoScalingGroupName } = policy;
    const { desiredCapacity: from, config } = group;
    const to = bounded(config, wanted);
    if (to === from) return [];
    const { settled: instances, warmingUp } = countsOf(world, group, warmupMs(policy.config, config), nowMs);
    const seen = { instances, warmingUp, metricValues, wantedCapacity } as const;
    return [
      { type: 'GroupScaled', policyKey, autoScalingGroupName, alarmName, from, to, ...seen },
      { type: 'DesiredCapacitySet', autoScalingGroupName, from, to },
    ];
  },
};

interface Counts {
  /** In service, and warmed up. */
  readonly settled: number;
  /** On their way, not even launched yet, or warming up. */
  readonly warmingUp: number;
  readonly terminating: number;
}

function countsOf(
  world: Immutable<Ec2World>,
  group: Immutable<AutoScalingGroup>,
  warmMs: Millis,
  nowMs: Millis,
): Counts {
  const { AutoScalingGroupName: name } = group.config;
  const members = membersOf(world, name);
  const settled = members.filter((instance) => hasWarmedUp(instance, warmMs, nowMs, world.ec2.warmStartMs)).length;
  let terminating = 0;
  for (const { autoScalingGroupName, state } of world.ec2.instances.values())
    if (autoScalingGroupName === name && state.startsWith('Terminating')) terminating++;
  // What found no capacity anywhere is not on its way.
  const isRefused = Object.values(group.backoffs).some(({ retryAtMs }) => nowMs < retryAtMs);
  const launched = isRefused ? members.length : Math.max(members.length, group.desiredCapacity);
  return { settled, warmingUp: launched - settled, terminating };
}

/** Whether an instance counts: it is in service, and its warm-up is over. */
export function hasWarmedUp(
  { state, launchedMs, inServiceMs }: Immutable<Instance>,
  warmMs: Millis,
  nowMs: Millis,
  warmStartMs: Millis,
): boolean {
  if (state !== 'InService' || inServiceMs === undefined) return false;
  return launchedMs === warmStartMs || nowMs >= inServiceMs + warmMs;
}

interface Call {
  readonly policy: Immutable<GroupScalingPolicy>;
  readonly policyKey: string;
  readonly alarmName: string;
  readonly group: Immutable<AutoScalingGroup>;
  readonly counts: Counts;
}

interface Seen {
  readonly instances: number;
  readonly metricValues: readonly number[];
  readonly wantedCapacity?: number | undefined;
}
type Answer =
  | (Seen & { readonly reason: GroupNotScaledReason })
  | (Seen & { readonly to: number; readonly wantedCapacity: number });

/** What a policy answers an alarm; undefined when the alarm has no reason to call it any more. */
function judge(call: Call, context: Context<Ec2World>): Answer | undefined {
  const { policy, policyKey, alarmName, group, counts } = call;
  const { desiredCapacity, config } = group;
  const called = calledPolicy(policy);
  const isSimple = policy.config.PolicyType === 'SimpleScaling';
  const read = (capacity: number, sinceMs?: Millis) =>
    readPolicy(called, policyKey, alarmName, context, capacity, sinceMs);
  const instances = isSimple ? desiredCapacity : counts.settled;
  const reading = read(instances);
  if (reading === undefined) return undefined;
  const { tracksTarget } = scalerOf(called.config);
  const { datapoints: metricValues, want } = reading;
  const seen: Seen = { instances, metricValues, wantedCapacity: want };
  if (want === undefined) return { ...seen, reason: tracksTarget ? 'MetricBackInRange' : 'NoMatchingStep' };
  const waits = isSimple ? waitOf(group, context.nowMs) : undefined;
  if (waits !== undefined) return { ...seen, reason: waits };
  if (want > instances) {
    const to = bounded(config, want);
    if (to > desiredCapacity) return { ...seen, to, wantedCapacity: want };
    if (desiredCapacity >= config.MaxSize && want > desiredCapacity) return { ...seen, reason: 'AlreadyAtMaxSize' };
    return { ...seen, reason: counts.warmingUp > 0 && !isSimple ? 'InstancesWarmingUp' : 'AlreadyAtDesiredCapacity' };
  }
  if (isSimple) return taken({ ...seen, wantedCapacity: want }, group);
  if (counts.warmingUp > 0) return { ...seen, reason: 'InstancesWarmingUp' };
  // Instances that are terminating still count, so that no alarm takes them away a second time.
  const present = counts.settled + counts.terminating;
  const sinceMs = context.world.ec2.assumptions.groupScaleInData === 'wholeAlarm' ? 0 : group.shrunkMs;
  const fresh = read(present, sinceMs);
  if (fresh === undefined) return { ...seen, reason: 'NoDataSinceScaleIn' };
  const wanted = tracksTarget
    ? agreedScaleIn(trackersOf(policy, context.world), present, context, sinceMs)
    : fresh.want;
  if (wanted === undefined) return { ...seen, reason: 'OtherPolicyNotReady' };
  return taken({ instances: present, metricValues: fresh.datapoints, wantedCapacity: wanted }, group);
}

function taken(seen: Seen & { readonly wantedCapacity: number }, group: Immutable<AutoScalingGroup>): Answer {
  const { desiredCapacity, config } = group;
  const to = bounded(config, seen.wantedCapacity);
  if (to < desiredCapacity) return { ...seen, to };
  return { ...seen, reason: desiredCapacity <= config.MinSize ? 'AlreadyAtMinSize' : 'AlreadyAtDesiredCapacity' };
}

function calledPolicy({ config, autoScalingGroupName, alarmNames }: Immutable<GroupScalingPolicy>): CalledPolicy {
  return { config: policyForScaler(config, autoScalingGroupName), alarmNames };
}

/** The policies of the same group, which have to agree on a scale-in if they track a target. */
function trackersOf({ autoScalingGroupName }: Immutable<GroupScalingPolicy>, { ec2 }: Immutable<Ec2World>) {
  return Array.from(ec2.scalingPolicies)
    .filter(([, other]) => other.autoScalingGroupName === autoScalingGroupName)
    .map(([key, other]) => [key, calledPolicy(other)] as const);
}

/** Simple policies wait until the last change by one of them has come about, and for its cooldown after that. */
function waitOf({ simpleScaling }: Immutable<AutoScalingGroup>, nowMs: Millis): GroupNotScaledReason | undefined {
  if (simpleScaling === undefined) return undefined;
  const { endedMs, cooldownMs: coolsMs } = simpleScaling;
  if (endedMs === undefined) return 'ScalingActivityInProgress';
  return nowMs < endedMs + coolsMs ? 'InCooldown' : undefined;
}

export const evolveGroupScaling: Evolve<Ec2World, GroupScalingEvent> = {
  GroupScalingPolicyPut({ ec2 }, { policyKey, autoScalingGroupName, config, alarms }) {
    const alarmNames = alarms.map(({ alarmName }) => alarmName);
    ec2.scalingPolicies.set(policyKey, { autoScalingGroupName, config, alarmNames, refusal: undefined });
  },
  GroupScaled({ ec2 }, { policyKey, autoScalingGroupName, alarmName, from, to }, atMs) {
    const policy = ec2.scalingPolicies.get(policyKey);
    const group = ec2.groups.get(autoScalingGroupName);
    if (policy === undefined || group === undefined) return;
    policy.refusal = undefined;
    group.policyChange = {
      atMs,
      cause: `At ${awsTime(atMs)} a monitor alarm ${alarmName} in state ALARM triggered policy ${policy.config.PolicyName} changing the desired capacity from ${from} to ${to}.`,
    };
    if (policy.config.PolicyType === 'SimpleScaling')
      group.simpleScaling = { cooldownMs: cooldownMs(policy.config, group.config), endedMs: undefined };
  },
  GroupNotScaled({ ec2 }, { policyKey, reason }) {
    const policy = ec2.scalingPolicies.get(policyKey);
    if (policy !== undefined) policy.refusal = reason;
  },
};
