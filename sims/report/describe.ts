/** What an event means, in one line: AWS's terms, and the arithmetic where there is one. */

import type { Immutable } from 'immer';
import {
  aggregatedMetric,
  desiredInstances,
  latencyLevels,
  matchingStep,
  policyForScaler,
  serviceNameOf,
  trackedValue,
  typesOf,
  type EcsSimulation,
  type Event,
  type MetricAlarm,
  type PutScalingPolicy,
  type Recorded,
  type StepScalingPolicy,
} from '../../core/index.ts';
import {
  formatCount,
  formatDuration,
  formatInstant,
  formatLatency,
  formatMinute,
  formatNoun,
  formatAmount,
  formatValue,
} from './format.ts';

/** What a policy goes by: its target value in its metric's unit, or its steps; undefined when it is not known. */
export type AimOf = (policyKey: string) => number | Immutable<StepScalingPolicy> | undefined;

type ComparisonOperator = MetricAlarm['comparisonOperator'];
/** An alarm's configuration; undefined when it is not known. */
export type AlarmOf = (alarmName: string) => Pick<MetricAlarm, 'threshold' | 'comparisonOperator'> | undefined;

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;
type LoadServed = EventOf<'LoadServed'>;

/** Which of an alarm's datapoints target tracking reckons with, as `assumptions` has it. */
type Tracked = Parameters<typeof trackedValue>[1];

interface Context {
  readonly atMs: number;
  readonly aimOf: AimOf;
  readonly alarmOf: AlarmOf;
  readonly tracked: Tracked;
}

/**
 * @param aimOf    names the targets and steps of policies; without it a decision is told without them
 * @param alarmOf  names how alarms compare; without it strictly
 * @param tracked  which datapoints target tracking reckons with
 */
export function describe(
  { event, atMs }: Recorded<Event>,
  aimOf: AimOf = () => undefined,
  alarmOf: AlarmOf = () => undefined,
  tracked: Tracked = 'mean',
): string {
  const tell = descriptions[event.type] as (event: Event, context: Context) => string;
  return tell(event, { atMs, aimOf, alarmOf, tracked });
}

/** What happened, with what the world knows of the policies and alarms in it. */
export function describeIn(
  { autoscaling, cloudwatch, ec2 }: Pick<EcsSimulation['world'], 'autoscaling' | 'cloudwatch' | 'ec2'>,
  recorded: Recorded<Event>,
): string {
  return describe(
    recorded,
    (policyKey) => {
      const own = ec2.scalingPolicies.get(policyKey);
      const config =
        own === undefined
          ? autoscaling.policies.get(policyKey)?.config
          : policyForScaler(own.config, own.autoScalingGroupName);
      return aimOfPolicy(config);
    },
    (alarmName) => cloudwatch.alarms.get(alarmName)?.config,
    autoscaling.settings.metricValue,
  );
}

/** What a policy goes by: its target value, or its steps. */
export function aimOfPolicy(config: Immutable<PutScalingPolicy> | undefined): ReturnType<AimOf> {
  if (config?.PolicyType === 'StepScaling') return config;
  return config?.PolicyType === 'TargetTrackingScaling'
    ? config.TargetTrackingScalingPolicyConfiguration.TargetValue
    : undefined;
}

/**
 * One service of a step: `web 312 req/s on 4 tasks, CPU 94 %, p99 2.3 s, 40 requests failed`.
 *
 * @param what  what comes to the service; the event itself does not say
 */
export function describeServed(event: LoadServed, row: number, what: 'request' | 'message' = 'request'): string {
  const at = (column: readonly number[]) => column[row] as number;
  const rate = (at(event.offered) * 1_000) / (event.toMs - event.fromMs);
  const failed = failedRequests(event, row);
  const running = at(event.runningTasks);
  const targets = at(event.targets);
  const p99Ms = event.quantilesMs[row * latencyLevels.length + latencyLevels.indexOf(0.99)] as number;
  return [
    `${event.services[row] as string} ${formatAmount(rate)} ${what === 'request' ? 'req' : 'messages'}/s on ${formatNoun(running, 'task')}`,
    ...(targets < running ? [`${targets} of them ready`] : []),
    ...(running > 0 ? [`CPU ${formatCount(at(event.cpuPercent))} %`] : []),
    ...(at(event.served) > 0 ? [`p99 ${formatLatency(p99Ms)}`] : []),
    ...(failed > 0 ? [`${formatNoun(failed, what)} failed`] : []),
  ].join(', ');
}

/** Requests of one service of a step that were not answered in time. */
export function failedRequests(event: LoadServed, row: number): number {
  const at = (column: readonly number[]) => column[row] as number;
  return at(event.timedOut) + at(event.rejected) + at(event.unserved) + at(event.lost);
}

/** `web cpu high` for the alarm of a policy, such as target tracking's TargetTracking-service/demo/web-AlarmHigh-cpu. */
export function alarmTitle(alarmName: string): string {
  const parts = /^(?:TargetTracking|StepScaling)-(.+)-Alarm(High|Low)(?:-(.+))?$/.exec(alarmName);
  if (parts === null) return alarmName;
  const [, resource = '', level = '', policy = 'reservation'] = parts;
  return `${serviceNameOf(resource)} ${policy} ${level.toLowerCase()}`;
}

const comparisons: Readonly<
  Record<
    ComparisonOperator,
    { readonly side: string; readonly breaches: (value: number, threshold: number) => boolean }
  >
> = {
  GreaterThanThreshold: { side: 'above', breaches: (value, threshold) => value > threshold },
  GreaterThanOrEqualToThreshold: { side: 'at or above', breaches: (value, threshold) => value >= threshold },
  LessThanThreshold: { side: 'below', breaches: (value, threshold) => value < threshold },
  LessThanOrEqualToThreshold: { side: 'at or below', breaches: (value, threshold) => value <= threshold },
};

/** How an alarm compares; by its title when its operator is not known. */
export function comparisonOf(alarmName: string, operator: ComparisonOperator | undefined) {
  const strict = alarmTitle(alarmName).endsWith(' low') ? 'LessThanThreshold' : 'GreaterThanThreshold';
  return comparisons[operator ?? strict];
}

/** `2 of 3 datapoints above 60 (14:00 55.1, 14:01 92, 14:02 94.3)` */
export function describeDatapoints(
  alarmName: string,
  threshold: number,
  datapoints: readonly { readonly startMs: number; readonly value: number }[],
  operator: ComparisonOperator | undefined,
): string {
  if (datapoints.length === 0) return 'no datapoints';
  const { side, breaches } = comparisonOf(alarmName, operator);
  const breaching = datapoints.filter(({ value }) => breaches(value, threshold)).length;
  const texts = datapoints.map(({ startMs, value }) => `${formatMinute(startMs)} ${formatValue(value)}`);
  const shown = texts.length > 5 ? `${texts[0]} to ${texts.at(-1)}` : texts.join(', ');
  return `${breaching} of ${formatNoun(datapoints.length, 'datapoint')} ${side} ${formatValue(threshold)} (${shown})`;
}

/** Rows of a frame that are told one by one. */
const ROWS = 3;

function firstRows(rows: readonly string[]): string {
  const more = rows.length - ROWS;
  return [...rows.slice(0, ROWS), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** `CPUUtilization of web` for AWS/ECS CPUUtilization ClusterName=demo,ServiceName=web. */
function metricTitle(metric: string): string {
  const [, name = metric, dimensions = ''] = metric.split(' ');
  const owner = /(?:ServiceName|TargetGroup|CapacityProviderName|AutoScalingGroupName)=([^,]+)/.exec(dimensions)?.[1];
  return owner === undefined ? name : `${name} of ${owner}`;
}

/** What an alarm watches: its metric, or its expression over metrics. */
export function requestTitle(request: MetricAlarm['request']): string {
  const returned = request.at(-1);
  if (returned === undefined) return 'nothing';
  return 'metric' in returned ? metricTitle(returned.metric) : returned.expression;
}

export function policyName(policyKey: string): string {
  return policyKey.slice(policyKey.lastIndexOf('/') + 1);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function arrow(from: number, to: number, noun: string): string {
  return `${formatCount(from)} -> ${formatNoun(to, noun)}`;
}

type Activity = EventOf<'ScalingActivityStarted'>;

function describeActivity(activity: Activity, { aimOf, alarmOf, tracked }: Context): string {
  const { resourceId, fromCapacity, toCapacity, scheduledActionName, minCapacity, maxCapacity } = activity;
  const change = `${serviceNameOf(resourceId)} ${arrow(fromCapacity, toCapacity, 'task')}`;
  if (activity.policyKey !== undefined && activity.metricValues.length === 0)
    return `${change} by policy ${policyName(activity.policyKey)}: its forecast needs ${activity.wantedCapacity}${cut(activity)}`;
  if (activity.policyKey !== undefined) {
    const told = formula(activity, aimOf(activity.policyKey), alarmOf(activity.alarmName ?? ''), tracked);
    return `${change} by policy ${policyName(activity.policyKey)}: ${told}${cut(activity)}`;
  }
  const bound = toCapacity > fromCapacity ? `minimum ${minCapacity}` : `maximum ${maxCapacity}`;
  return `${change} by ${scheduledActionName === undefined ? 'its bounds' : `scheduled action ${scheduledActionName}`}: ${bound}`;
}

interface Decision {
  readonly runningCount: number;
  readonly metricValues: readonly number[];
  readonly wantedCapacity?: number;
}

/** `mean 90.5 over target 60, ceil(4 running x 90.5 / 60) = 7` */
function formula(decision: Decision, target: ReturnType<AimOf>, alarm: ReturnType<AlarmOf>, tracked: Tracked): string {
  const { runningCount, metricValues, wantedCapacity } = decision;
  if (typeof target === 'object' && alarm !== undefined) return stepFormula(decision, target, alarm);
  const value = trackedValue(metricValues, tracked);
  const reading = `${trackedNames[tracked]} ${formatValue(value)}`;
  if (typeof target !== 'number') return `${reading}, ${runningCount} running, wants ${wantedCapacity ?? 'no change'}`;
  const side = `${reading} ${value > target ? 'over' : 'under'} target ${target}`;
  if (wantedCapacity === undefined) return side;
  if (runningCount === 0) return `${side}, none running: one to begin with`;
  return `${side}, ${ceiling(`${runningCount} running`, runningCount, value, target, wantedCapacity)}`;
}

const trackedNames = { mean: 'mean', latest: 'latest', max: 'highest' } as const;

const aggregations = { Average: 'mean', Minimum: 'minimum', Maximum: 'maximum' } as const;

/** `mean 92.3, 32.3 above threshold 60: +50 % of 4 running = 6` */
function stepFormula(
  { runningCount, metricValues, wantedCapacity }: Decision,
  { StepScalingPolicyConfiguration: configuration }: Immutable<StepScalingPolicy>,
  { threshold, comparisonOperator }: NonNullable<ReturnType<AlarmOf>>,
): string {
  const { AdjustmentType, MetricAggregationType, MinAdjustmentMagnitude } = configuration;
  const metricValue = aggregatedMetric(configuration, metricValues);
  const beyond = metricValue - threshold;
  const side = `${formatValue(Math.abs(beyond))} ${beyond < 0 ? 'below' : 'above'} threshold ${formatValue(threshold)}`;
  const reading = `${aggregations[MetricAggregationType]} ${formatValue(metricValue)}, ${side}`;
  const step = matchingStep(configuration, { metricValue, threshold, comparisonOperator });
  if (step === undefined || wantedCapacity === undefined) return reading;
  const { ScalingAdjustment: adjustment } = step;
  if (AdjustmentType === 'ExactCapacity') return `${reading}: exactly ${adjustment}`;
  const signed = `${adjustment > 0 ? '+' : ''}${adjustment}`;
  if (AdjustmentType === 'ChangeInCapacity') return `${reading}: ${runningCount} running ${signed} = ${wantedCapacity}`;
  const least = MinAdjustmentMagnitude === undefined ? '' : `, ${MinAdjustmentMagnitude} at least,`;
  return `${reading}: ${signed} %${least} of ${runningCount} running = ${wantedCapacity}`;
}

/** `ceil(4 running x 90.5 / 60) = 7`, with as many decimals of the metric as it takes to come out right. */
function ceiling(base: string, factor: number, metric: number, target: number, wanted: number): string {
  let shown = metric.toFixed(6);
  for (let decimals = 5; decimals >= 1; decimals--) {
    const shorter = metric.toFixed(decimals);
    if (Math.ceil((factor * Number(shorter)) / target - 1e-9) !== wanted) break;
    shown = shorter;
  }
  return `ceil(${base} x ${Number(shown)} / ${target}) = ${wanted}`;
}

/** Why the capacity that was set is not the one the formula wanted. */
function cut({ fromCapacity, toCapacity, wantedCapacity, minCapacity, maxCapacity }: Activity): string {
  if (toCapacity === wantedCapacity) return '';
  if (toCapacity === maxCapacity && wantedCapacity > maxCapacity) return `, maximum ${maxCapacity}`;
  if (toCapacity === minCapacity && wantedCapacity < minCapacity) return `, minimum ${minCapacity}`;
  return toCapacity > fromCapacity
    ? `, less the ${wantedCapacity - toCapacity} that this cooldown has seen added`
    : `, another policy needs ${toCapacity}`;
}

const endings: Readonly<Record<EventOf<'ScalingActivityCompleted'>['statusCode'], string>> = {
  Successful: 'is done: the running count has followed',
  Overridden: 'was overridden by a newer change',
  Unfulfilled: 'was given up: its tasks did not come in time',
};

type NotScaled = EventOf<'ScalingActivityNotScaled'>;

/** What the reasons for not scaling mean. */
export const refusals: Readonly<Record<NotScaled['reason'], (refused: Pick<NotScaled, 'runningCount'>) => string>> = {
  AlreadyAtMaxCapacity: () => 'its maximum',
  AlreadyAtMinCapacity: () => 'its minimum',
  AlreadyAtDesiredCapacity: () => 'as many as that, or more, are desired already',
  AutoScalingAnticipatedFlapping: ({ runningCount }) => `rounded up, none of the ${runningCount} can go`,
  TargetServicePutResourceAsUnscalable: () => 'no scale-in during a deployment',
  InCooldown: () => 'its cooldown has not passed',
  OtherPolicyNotReady: () => 'another policy does not agree to scale in',
  MetricBackInRange: () => 'no longer past the threshold',
  NoMatchingStep: () => 'no step holds it',
  ScalingSuspended: () => 'scaling that way is suspended',
  HeldByForecast: () => 'the forecast of this hour needs as many',
};

/** The same of an Auto Scaling group's own policies. */
export const groupRefusals: Readonly<Record<EventOf<'GroupNotScaled'>['reason'], string>> = {
  AlreadyAtMaxSize: 'its MaxSize',
  AlreadyAtMinSize: 'its MinSize',
  AlreadyAtDesiredCapacity: 'as many as that are desired already',
  InstancesWarmingUp: 'new instances are on their way or warm up',
  NoDataSinceScaleIn: 'its metric has not told yet what the last scale-in did',
  ScalingActivityInProgress: 'its last change has not come about yet',
  InCooldown: 'its cooldown has not passed',
  OtherPolicyNotReady: 'another policy does not agree to scale in',
  MetricBackInRange: 'no longer past the threshold',
  NoMatchingStep: 'no step holds it',
};

function ofGroup<T extends { readonly instances: number }>(decision: T): T & { readonly runningCount: number } {
  return { ...decision, runningCount: decision.instances };
}

/** `web-asg 4 -> 3 instances by its own policy cpu: mean 31.2 under target 50, ceil(4 running x 31.2 / 50) = 3` */
function describeGroupScaled(scaled: EventOf<'GroupScaled'>, { aimOf, alarmOf, tracked }: Context): string {
  const { autoScalingGroupName, policyKey, alarmName, from, to, wantedCapacity, warmingUp } = scaled;
  const told = formula(ofGroup(scaled), aimOf(policyKey), alarmOf(alarmName), tracked);
  return [
    `${autoScalingGroupName} ${arrow(from, to, 'instance')} by its own policy ${policyName(policyKey)}: ${told}`,
    ...(warmingUp > 0 ? [`${warmingUp} more warming up`] : []),
    ...(wantedCapacity === to ? [] : [`${to > wantedCapacity ? 'MinSize' : 'MaxSize'} ${to}`]),
  ].join(', ');
}

function describeProvider({
  config,
  alarms,
}: EventOf<'CapacityProviderCreated'> | EventOf<'CapacityProviderUpdated'>): string {
  const { autoScalingGroup, managedScaling } = config.autoScalingGroupProvider;
  const scaling = alarms.length === 0 ? 'no managed scaling' : `managed scaling to ${managedScaling.targetCapacity} %`;
  return `capacity provider ${config.name} on ${autoScalingGroup}, ${scaling}`;
}

function describeScaledProvider(event: EventOf<'CapacityProviderScaled'>): string {
  const { capacityProvider, reservationPercent, targetCapacity, runningInstances, from, to } = event;
  const wanted = desiredInstances(runningInstances, reservationPercent, targetCapacity);
  const base = runningInstances === 0 ? '1' : `${runningInstances} running`;
  const limit = to > from ? 'MaxSize' : 'MinSize, or by half a group at a time';
  return [
    `${capacityProvider} ${arrow(from, to, 'instance')} by managed scaling: CapacityProviderReservation ${formatValue(reservationPercent)} %`,
    `target ${targetCapacity} %`,
    ceiling(base, Math.max(1, runningInstances), reservationPercent, targetCapacity, wanted),
    ...(wanted === to ? [] : [`held to ${to} by ${limit}`]),
  ].join(', ');
}

function describePlaced(event: EventOf<'TaskPlaced'>): string {
  const { taskId, ec2InstanceId, availabilityZone, left, strategies, scores, runningAtMs } = event;
  const starts =
    runningAtMs === undefined
      ? 'waits there until tasks before it have ended'
      : `containers start ${formatInstant(runningAtMs)}`;
  if (ec2InstanceId === undefined) return `${taskId} placed on Fargate in ${availabilityZone}, ${starts}`;
  const [active, fit, withRoom, allowed, ...byStrategy] = left;
  const chain = strategies.map(
    (strategy, index) =>
      `${strategy} leaves ${formatCount(byStrategy[index] as number)} (${formatCount(scores[index] as number)})`,
  );
  const unfit = fit === active ? '' : `${fit} are fit, `;
  const steps = `of ${active} active instances ${unfit}${withRoom} have room, ${allowed} are allowed, ${chain.join(', ')}`;
  return `${taskId} placed on ${ec2InstanceId} in ${availabilityZone}: ${steps}; ${starts}`;
}

/** `RESOURCE:CPU, closest i-3: needs 512 CPU units, has 256` */
function describeRefusal({ reason, closest, lack }: { reason: string; closest?: string; lack?: string }): string {
  return `${reason}${closest === undefined ? '' : `, closest ${closest}`}${lack === undefined ? '' : `: ${lack}`}`;
}

/** `InsufficientInstanceCapacity, m5.large, us-east-1a` */
function describeFault({ kind, ...fault }: EventOf<'FaultBegan' | 'TaskFaultBegan'>['fault']): string {
  const { at: _at, for: _for, ...rest } = { for: undefined, ...fault };
  return [kind, ...Object.values(rest).filter((value) => value !== undefined)].join(', ');
}

function ofService(serviceName: string): string {
  return serviceName === '' ? '' : ` of ${serviceName}`;
}

function describeRule({
  IpProtocol,
  FromPort,
  ToPort,
  UserIdGroupPairs,
}: EventOf<'SecurityGroupCreated'>['rules'][number]): string {
  const from = UserIdGroupPairs.map(({ GroupId }) => GroupId).join(' and ') || 'anywhere';
  if (IpProtocol === '-1') return `everything from ${from}`;
  return `${IpProtocol} ${FromPort === ToPort ? FromPort : `${FromPort}-${ToPort}`} from ${from}`;
}

/** Some of AWS's stopped reasons begin with the stop code. */
function why(stopCode: string, reason: string): string {
  return reason.startsWith(stopCode) ? reason : `${stopCode}: ${reason}`;
}

const descriptions: { readonly [T in Event['type']]: (event: EventOf<T>, context: Context) => string } = {
  LoadAttached: ({ service, config }) =>
    `${config.serving === 'queue' ? 'messages' : 'requests'} come to ${service}: ${config.rate.map(({ model }) => model).join(' + ')} load, ${config.serving} serving`,
  LoadSampled: ({ services, offered, fromMs, toMs }) =>
    firstRows(
      services.map(
        (name, row) => `${name} ${formatAmount(((offered[row] as number) * 1_000) / (toMs - fromMs))} req/s`,
      ),
    ) || 'no service has a load',
  LoadServed: (event) =>
    firstRows(event.services.map((_, row) => describeServed(event, row))) || 'no service has a load',
  RequestsServed: ({ serviceName, counts, carried }) => {
    const answered = counts.reduce((sum, count) => sum + count, 0);
    return `${serviceName} answered ${formatNoun(answered, 'request')} one by one, ${formatCount(carried.queued)} in flight`;
  },
  MessagesServed: ({ serviceName, queueName, visible, notVisible, oldestMs, received, deleted }) =>
    [
      `queue ${queueName}: ${formatNoun(visible, 'message')} visible, ${formatCount(notVisible)} in flight`,
      ...(visible + notVisible > 0 ? [`the oldest ${formatDuration(oldestMs)}`] : []),
      `${serviceName} received ${formatCount(received)}, deleted ${formatCount(deleted)}`,
    ].join(', '),

  ZonesServed: ({ serviceName, carried }) =>
    `${serviceName} is balanced within ${formatNoun(Object.keys(carried.zones ?? {}).length, 'zone')}, ${formatNoun(carried.queued, 'request')} in flight`,

  MetricDataPublished: ({ periodStartMs, metrics, sums, sampleCounts }) => {
    const rows = metrics.map((metric, row) => {
      const samples = metric.includes('Count') ? 1 : Math.max(1, sampleCounts[row] as number);
      return `${metricTitle(metric)} ${formatValue((sums[row] as number) / samples)}`;
    });
    return `${formatNoun(metrics.length, 'metric')} of ${formatMinute(periodStartMs)}${rows.length === 0 ? '' : `: ${firstRows(rows)}`}`;
  },
  MetricAlarmPut: ({ alarm }) => {
    const { alarmName, request, threshold, datapointsToAlarm, evaluationPeriods, periodMs } = alarm;
    const { side } = comparisons[alarm.comparisonOperator];
    return `alarm ${alarmTitle(alarmName)} watches ${requestTitle(request)}: ${datapointsToAlarm} of ${evaluationPeriods} periods of ${formatDuration(periodMs)} ${side} ${formatValue(threshold)}`;
  },
  AlarmDeleted: ({ alarmName }) => `alarm ${alarmTitle(alarmName)} is deleted`,
  AlarmActionsSet: ({ alarmName, enabled }) =>
    `the actions of alarm ${alarmTitle(alarmName)} are ${enabled ? 'enabled' : 'disabled'}`,
  AlarmStateChanged: ({ alarmName, from, to, threshold, datapointStartsMs, datapoints, setBy }, { alarmOf }) => {
    if (setBy !== undefined) return `alarm ${alarmTitle(alarmName)} ${from} -> ${to}, set by hand: ${setBy}`;
    const points = datapoints.map((value, index) => ({ startMs: datapointStartsMs[index] as number, value }));
    const state = to === 'ALARM' ? '' : ` ${from} -> ${to}`;
    const seen = describeDatapoints(alarmName, threshold, points, alarmOf(alarmName)?.comparisonOperator);
    return `alarm ${alarmTitle(alarmName)}${state}: ${seen}`;
  },
  AlarmActionsRepeated: ({ alarmNames }) => `still in ALARM: ${alarmNames.map(alarmTitle).join(', ')}`,
  CompositeAlarmPut: ({ alarm }) => `composite alarm ${alarm.alarmName}: ${alarm.rule}`,
  CompositeAlarmStateChanged: ({ alarmName, from, to, actions, actionsAtMs, topics }) => {
    const fates = {
      run: topics.length === 0 ? '' : `, ${topics.join(', ')} notified`,
      wait: `, its actions wait for the suppressor until ${formatInstant(actionsAtMs ?? 0)}`,
      suppressed: ', its actions are suppressed',
    };
    return `composite alarm ${alarmName} ${from} -> ${to}${fates[actions]}`;
  },
  AlarmActionsSuppressed: ({ alarmName }) => `the actions of composite alarm ${alarmName} are suppressed`,
  AlarmActionsExtended: ({ alarmName, actionsAtMs }) =>
    `the suppressor of composite alarm ${alarmName} is gone: its actions wait until ${formatInstant(actionsAtMs)}`,
  SuppressedAlarmActionsRun: ({ alarmName, state, topics }) =>
    `composite alarm ${alarmName} still ${state}: ${topics.join(', ') || 'nobody'} notified`,
  MetricValuesPut: ({ metric, values }) => `${metricTitle(metric)}: ${values.map(formatValue).join(', ')} put by hand`,
  MetricsKept: ({ metrics }) => `${metrics.map(metricTitle).join(', ')} kept for later`,
  CustomMetricStarted: ({ config }) =>
    `a program publishes ${metricTitle(config.metric)} every ${formatDuration(config.everyMs)}`,
  CustomMetricPublished: ({ metric, value }) =>
    `${metricTitle(metric)} ${value === undefined ? 'has no data' : formatValue(value)}`,

  ScalableTargetRegistered: ({ resourceId, minCapacity, maxCapacity, ...suspended }) => {
    const off = [
      ...(suspended.scaleInSuspended ? ['scale-in'] : []),
      ...(suspended.scaleOutSuspended ? ['scale-out'] : []),
      ...(suspended.scheduledSuspended ? ['scheduled actions'] : []),
    ];
    const but = off.length === 0 ? '' : `; suspended: ${off.join(', ')}`;
    return `${serviceNameOf(resourceId)} may scale between ${minCapacity} and ${formatNoun(maxCapacity, 'task')}${but}`;
  },
  ScalableTargetDeregistered: ({ resourceId }) => `nothing scales ${serviceNameOf(resourceId)} any more`,
  ScalingPolicyPut: ({ policyKey, resourceId, config, generation }) =>
    `${serviceNameOf(resourceId)} gets ${generation > 1 ? 'another ' : ''}policy ${policyName(policyKey)} (${config.PolicyType})`,
  ScalingPolicyDeleted: ({ policyKey }) => `policy ${policyName(policyKey)} is deleted`,
  ScalableTargetBoundsChanged: ({ resourceId, scheduledActionName, policyKey = '', minCapacity, maxCapacity }) => {
    const by =
      scheduledActionName === undefined ? `policy ${policyName(policyKey)}` : `scheduled action ${scheduledActionName}`;
    return `${serviceNameOf(resourceId)} may scale between ${minCapacity} and ${formatNoun(maxCapacity, 'task')} by ${by}`;
  },
  ForecastRefreshed: ({ policyKey, historyHours, loads, capacities, errorPercent }) => {
    if (loads.length === 0)
      return `policy ${policyName(policyKey)} has ${formatNoun(historyHours, 'hour')} of history, and needs 24 to forecast`;
    const error = errorPercent === undefined ? '' : `; the one before was off by ${formatValue(errorPercent)} %`;
    return `policy ${policyName(policyKey)} forecasts ${Math.min(...capacities)} to ${formatNoun(Math.max(...capacities), 'task')} for the next ${loads.length} hours from ${formatNoun(historyHours, 'hour')} of history${error}`;
  },
  ForecastApplied: ({ policyKey, capacity }) =>
    `policy ${policyName(policyKey)} holds the hour at ${formatNoun(capacity, 'task')} or more`,
  ScalingActivityStarted: describeActivity,
  ScalingActivityNotScaled: (refused, { aimOf, alarmOf, tracked }) => {
    const { resourceId, policyKey, desiredCount, reason } = refused;
    const stays = `${serviceNameOf(resourceId)} stays at ${formatNoun(desiredCount, 'task')}`;
    return `${stays}, ${reason}: policy ${policyName(policyKey)} ${formula(refused, aimOf(policyKey), alarmOf(refused.alarmName), tracked)}; ${refusals[reason](refused)}`;
  },
  ScalingActivityCompleted: ({ activityId, resourceId, statusCode }) =>
    `${activityId} of ${serviceNameOf(resourceId)} ${endings[statusCode]}`,
  ScheduledActionPut: ({ resourceId, config, dueAtMs }) => {
    const { ScheduledActionName, Schedule, Timezone, StartTime, EndTime } = config;
    const from = StartTime === undefined ? '' : ` from ${formatInstant(StartTime)}`;
    const to = EndTime === undefined ? '' : ` to ${formatInstant(EndTime)}`;
    const never = dueAtMs === undefined ? ', never due' : '';
    return `${serviceNameOf(resourceId)} gets scheduled action ${ScheduledActionName}: ${Schedule} ${Timezone}${from}${to}${never}`;
  },
  ScheduledActionDeleted: ({ resourceId, scheduledActionName }) =>
    `scheduled action ${scheduledActionName} of ${serviceNameOf(resourceId)} is deleted`,
  ScheduledActionTriggered: ({ resourceId, scheduledActionName, failure }) =>
    `scheduled action ${scheduledActionName} of ${serviceNameOf(resourceId)} is due${failure === undefined ? '' : ` and fails, ${failure}`}`,

  AutoScalingGroupCreated: ({ config, desiredCapacity }) =>
    `Auto Scaling group ${config.AutoScalingGroupName}: ${formatNoun(desiredCapacity, 'instance')} of ${typesOf(config).join(', ')}, ${config.MinSize} to ${config.MaxSize}`,
  AutoScalingGroupUpdated: ({ config, desiredCapacity, launchTemplateVersion }) =>
    `Auto Scaling group ${config.AutoScalingGroupName} updated: ${formatNoun(desiredCapacity, 'instance')}, ${config.MinSize} to ${config.MaxSize}; launches ${typesOf(config).join(', ')} (version ${launchTemplateVersion})`,
  DesiredCapacitySet: ({ autoScalingGroupName, from, to }) =>
    `${autoScalingGroupName} desires ${arrow(from, to, 'instance')}`,
  GroupScalingPolicyPut: ({ autoScalingGroupName, config }) =>
    `${autoScalingGroupName} gets policy ${config.PolicyName} (${config.PolicyType}) of its own`,
  GroupScaled: describeGroupScaled,
  GroupNotScaled: (refused, { aimOf, alarmOf, tracked }) => {
    const { autoScalingGroupName, policyKey, desiredCapacity, reason, alarmName } = refused;
    const told = formula(ofGroup(refused), aimOf(policyKey), alarmOf(alarmName), tracked);
    return `${autoScalingGroupName} stays at ${formatNoun(desiredCapacity, 'instance')} by its own policy ${policyName(policyKey)}, ${reason} (${groupRefusals[reason]}): ${told}`;
  },
  InstancesMeasured: ({ cpuPercents }) =>
    `CPU of ${formatNoun(cpuPercents.length, 'instance')}${cpuPercents.length === 0 ? '' : `: mean ${formatValue(mean(cpuPercents))} %`}`,
  InstanceLaunched: (event, { atMs }) => {
    const { instanceId, autoScalingGroupName, instanceType, availabilityZone, purchaseOption, bootedAtMs } = event;
    const kind = purchaseOption === 'spot' ? `Spot ${instanceType}` : instanceType;
    const into = event.warmed ? ' into its warm pool' : event.surplus ? ' to replace another one' : '';
    return `${autoScalingGroupName} launched ${instanceId}, ${kind} in ${availabilityZone}${into}: boots in ${formatDuration(bootedAtMs - atMs)}`;
  },
  InstanceLaunchFailed: ({ autoScalingGroupName, purchaseOption, errorCode, statusMessage, retryAtMs, attempt }) =>
    `${autoScalingGroupName} could not launch ${purchaseOption === 'spot' ? 'a Spot' : 'an'} instance, ${errorCode}: ${statusMessage} Failure ${attempt} in a row, tries again ${formatInstant(retryAtMs)}`,
  InstanceWarmed: ({ instanceId, autoScalingGroupName, poolState }) =>
    `${instanceId} is ${poolState} in the warm pool of ${autoScalingGroupName}`,
  WarmInstanceStarted: ({ instanceId, autoScalingGroupName, bootedAtMs }, { atMs }) =>
    `${autoScalingGroupName} takes ${instanceId} from its warm pool: there in ${formatDuration(bootedAtMs - atMs)}`,
  InstanceWaiting: ({ instanceId, hooks, untilMs, result }) =>
    `${instanceId} Pending:Wait for ${hooks.join(', ')}: ${result} ${formatInstant(untilMs)}`,
  InstanceImpaired: ({ instanceId, unhealthyAtMs }) =>
    `status checks of ${instanceId} fail, unhealthy ${formatInstant(unhealthyAtMs)}`,
  InstanceInService: ({ instanceId, bootedAtMs }, { atMs }) =>
    `${instanceId} InService${bootedAtMs > atMs ? `, booted in ${formatDuration(bootedAtMs - atMs)}` : ''}`,
  InstanceProtectionSet: ({ instanceId, protectedFromScaleIn }) =>
    `${instanceId} ${protectedFromScaleIn ? 'is' : 'is no longer'} protected from scale-in`,
  InstanceTerminating: ({ instanceId, waitsFor, cause }) =>
    `${instanceId} Terminating${waitsFor.length > 0 ? `, waits for ${waitsFor.join(', ')}` : ''}: ${cause}`,
  LifecycleActionCompleted: ({ instanceId, hook }) => `${hook} lets ${instanceId} go`,
  ScaleInPrevented: ({ autoScalingGroupName, surplus }) =>
    `${autoScalingGroupName} keeps ${formatNoun(surplus, 'instance')} too many: Could not scale to desired capacity because all remaining instances are protected from scale-in.`,
  InstanceTerminated: ({ instanceId, autoScalingGroupName, cause }) =>
    `${instanceId} of ${autoScalingGroupName} terminated${cause === undefined ? '' : `: ${cause}`}`,
  SpotMarketMoved: ({ pools }) => `a new hour of the Spot market, ${formatNoun(pools.length, 'pool')}`,
  SpotRebalanceRecommended: ({ instanceId }) => `${instanceId} is at risk: EC2 recommends to rebalance`,
  SpotInterruptionNoticed: ({ instanceId, reclaimedAtMs }) =>
    `Spot instance ${instanceId} gets its two-minute notice, gone ${formatInstant(reclaimedAtMs)}`,
  FaultBegan: ({ fault }) => `fault begins: ${describeFault(fault)}`,
  FaultEnded: ({ fault }) => `fault ends: ${describeFault(fault)}`,
  CpuCreditsSettled: ({ instanceIds, balances, surplus, vcpus }) => {
    const least = Math.min(...balances);
    const lent = surplus.reduce((sum, credits) => sum + credits, 0);
    return `CPU credits of ${formatNoun(instanceIds.length, 'instance')}: lowest balance ${formatValue(least)}, ${formatValue(lent)} lent, ${formatValue(Math.min(...vcpus))} vCPUs at least`;
  },

  RoleCreated: ({ config }) => `role ${config.RoleName}`,
  RolePolicyPut: ({ roleName, policyName }) => `role ${roleName} has the policy ${policyName}`,
  RoleTrustUpdated: ({ roleName, document }) =>
    `role ${roleName} may be assumed by ${document.Statement.flatMap(({ Principal }) => Principal.Service).join(', ')}`,
  RolePolicyRemoved: ({ roleName, policyName }) => `role ${roleName} has the policy ${policyName} no longer`,
  SecurityGroupCreated: ({ groupId, rules }) =>
    `security group ${groupId}: ${rules.map(describeRule).join(', ') || 'lets nobody in'}`,
  SecurityGroupIngressAuthorized: ({ groupId, rules }) =>
    `security group ${groupId} lets in ${rules.map(describeRule).join(', ')}`,
  SecurityGroupIngressRevoked: ({ groupId, rules }) =>
    `security group ${groupId} lets in no longer ${rules.map(describeRule).join(', ')}`,
  ImagePushed: ({ image }) => `image ${image.name}, ${formatAmount(image.compressedMiB)} MiB`,
  LogGroupCreated: ({ logGroupName }) => `log group ${logGroupName}`,
  LogGroupDeleted: ({ logGroupName }) => `log group ${logGroupName} is deleted`,
  LogStreamCreated: ({ logGroupName, logStreamName }) => `log stream ${logStreamName} in ${logGroupName}`,
  AgentCallDenied: ({ ec2InstanceId, message }) => `the agent of ${ec2InstanceId} is refused: ${message}`,
  RegistryTokenIssued: ({ ec2InstanceId, registry }) => `the agent of ${ec2InstanceId} has logged in to ${registry}`,
  ServiceTaskConfigurationFailed: ({ serviceName, roleName, count, retryAtMs }) =>
    `${serviceName} failed to launch ${formatNoun(count, 'task')}: ECS was unable to assume the role ${roleName}${retryAtMs === undefined ? '' : `; tries again ${formatInstant(retryAtMs)}`}`,
  LoadBalancerCreated: ({ config }) => `load balancer ${config.Name}, ${config.Scheme}`,
  TargetGroupCreated: ({ config }) =>
    `target group ${config.Name}: health check every ${config.HealthCheckIntervalSeconds}s, unhealthy after ${config.UnhealthyThresholdCount} failed ones`,
  TargetRegistered: ({ targetGroup, targetId, state, firstCheckMs, answersFromMs, healthyAtMs, availabilityZone }) => {
    if (state === 'unused')
      return `${targetId} registered with ${targetGroup}, unused: not enabled in ${availabilityZone}`;
    const answers = answersFromMs > firstCheckMs ? `, its application listens ${formatInstant(answersFromMs)}` : '';
    const checked = healthyAtMs === undefined ? `first health check ${formatInstant(firstCheckMs)}` : 'healthy at once';
    return `${targetId} registered with ${targetGroup}, ${checked}${answers}`;
  },
  TargetHealthy: ({ targetGroup, targetId, fullShareAtMs }) =>
    `${targetId} is healthy in ${targetGroup}: it gets ${fullShareAtMs === undefined ? 'requests' : `more and more requests, its full share ${formatInstant(fullShareAtMs)}`}`,
  TargetUnhealthy: ({ targetGroup, targetId, reason }) => `${targetId} is unhealthy in ${targetGroup}: ${reason}`,
  HealthCheckAnswerChanged: ({ targetGroup, targetId, answer }) => {
    const whose = targetId ?? 'the busy targets';
    return `health checks of ${whose} in ${targetGroup} ${answer === 'Passes' ? 'pass again' : `fail: ${answer}`}`;
  },
  TargetDraining: ({ targetGroup, targetId, untilMs }) =>
    `${targetId} drains from ${targetGroup} until ${formatInstant(untilMs)}`,
  TargetDeregistered: ({ targetGroup, targetId }) => `${targetId} has left ${targetGroup}`,

  TaskDefinitionRegistered: ({ taskDefinition, compressedImageMiB }) =>
    `task definition ${taskDefinition}, ${formatCount(compressedImageMiB)} MiB to pull`,
  AssumptionsChanged: () => 'the run goes on under other assumptions',

  CapacityProviderCreated: describeProvider,
  CapacityProviderUpdated: (event) => `${describeProvider(event)} from now on`,
  CapacityProviderScaled: describeScaledProvider,
  CpuSpeedChanged: ({ serviceName, percent }) =>
    `tasks of ${serviceName} run at ${percent} % of their CPU, by the CPU credits of their instances`,
  FargateSpotTaskDoomed: ({ taskId, interruptedAtMs }) =>
    `chance takes ${taskId} back ${formatInstant(interruptedAtMs)}`,
  FargateSpotTaskInterrupted: ({ taskId, serviceName, endsAtMs }) =>
    `Fargate Spot takes ${taskId} of ${serviceName} back: SIGTERM, killed ${formatInstant(endsAtMs)} at the latest`,
  ContainerInstanceRegistered: ({ ec2InstanceId, instanceType, availabilityZone, cpuUnits, memoryMiB }) =>
    `${ec2InstanceId} joined the cluster: ${instanceType} in ${availabilityZone}, ${formatCount(cpuUnits)} CPU units, ${formatCount(memoryMiB)} MiB`,
  ContainerInstanceActivated: ({ ec2InstanceId }) => `${ec2InstanceId} is ACTIVE: tasks can be placed there`,
  ContainerInstanceDraining: ({ ec2InstanceId }) => `${ec2InstanceId} is DRAINING: its tasks are replaced elsewhere`,
  ContainerInstanceDeregistered: ({ ec2InstanceId }) => `${ec2InstanceId} has left the cluster`,
  ContainerInstanceChangeRefused: ({ ec2InstanceId, reason }) => `${ec2InstanceId} cannot be changed so: ${reason}`,

  ServiceCreated: ({ config, taskDefinition, strategy }) => {
    const on = strategy.length === 0 ? 'EC2' : strategy.map(({ capacityProvider }) => capacityProvider).join(', ');
    const count = config.desiredCount === undefined ? 'a daemon' : formatNoun(config.desiredCount, 'task');
    return `service ${config.serviceName} created: ${count} of ${taskDefinition} on ${on}`;
  },
  ServiceUpdated: ({ serviceName, from, to }) => `${serviceName} desires ${arrow(from, to, 'task')}`,
  ServiceConfigured: ({ serviceName }) => `${serviceName} has other settings`,
  ServiceDeleted: ({ serviceName }) => `${serviceName} is DRAINING: it was deleted`,
  ServiceInactive: ({ serviceName }) => `${serviceName} is INACTIVE`,
  ServiceTasksStarting: ({ serviceName, capacityProviders, replaced, continuesAtMs }) => {
    const providers = [...new Set(capacityProviders.map((provider) => provider || 'EC2'))];
    const unhealthy = replaced === 0 ? '' : `, ${replaced} of them in place of unhealthy ones`;
    const more = continuesAtMs === undefined ? '' : `; goes on ${formatInstant(continuesAtMs)}`;
    return `${serviceName} starts ${formatNoun(capacityProviders.length, 'task')} on ${providers.join(', ')}${unhealthy}${more}`;
  },
  ServiceTasksStopping: ({ serviceName, taskIds, reason }) =>
    `${serviceName} stops ${taskIds.length > ROWS ? formatNoun(taskIds.length, 'task') : taskIds.join(', ')}: ${reason}`,
  ServiceTaskPlacementFailed: ({ serviceName, count, retryAtMs, ...refused }) => {
    const again = retryAtMs === undefined ? '' : `; tries again ${formatInstant(retryAtMs)}`;
    const alike = count === 1 ? '' : `, and ${formatNoun(count - 1, 'task')} like it`;
    return `${serviceName} was unable to place a task: ${describeRefusal(refused)}${alike}${again}`;
  },
  ServiceDeploymentBlocked: ({ serviceName, deploymentId }) =>
    `${serviceName} can neither start nor stop tasks for ${deploymentId}: its minimumHealthyPercent and maximumPercent`,
  ServiceScaleInBlocked: ({ serviceName, deploymentId, protectedTasks }) =>
    `${serviceName} cannot scale ${deploymentId} in: ${formatNoun(protectedTasks, 'task')} under protection`,
  ServiceRebalancingStarted: ({ serviceName, extra, misplaced }) =>
    `${serviceName} is not balanced over zones, ${formatNoun(misplaced, 'task')} misplaced: starts ${extra} where few are`,
  ServiceRebalancingStopped: ({ serviceName }) => `${serviceName} gives rebalancing over zones up`,
  ServiceRebalancingCompleted: ({ serviceName }) => `${serviceName} is balanced over zones`,
  ServiceReachedSteadyState: ({ serviceName, runningCount }) =>
    `${serviceName} has reached a steady state with ${formatNoun(runningCount, 'task')}`,

  DeploymentStarted: ({ serviceName, deploymentId, taskDefinition, rollsBack }) =>
    rollsBack === undefined
      ? `${serviceName} is deployed anew: ${deploymentId} brings ${taskDefinition}`
      : `${serviceName} rolls ${rollsBack} back: ${deploymentId} brings ${taskDefinition}`,
  DeploymentTaskFailed: ({ serviceName, deploymentId, failedTasks, threshold }) =>
    `${deploymentId} of ${serviceName}: ${failedTasks} of ${threshold} failures that it may have`,
  DeploymentFailuresReset: ({ serviceName, deploymentId }) =>
    `${deploymentId} of ${serviceName}: a task became healthy, failures are counted anew`,
  DeploymentCompleted: ({ serviceName, deploymentId, taskDefinition }) =>
    `${deploymentId} of ${serviceName} COMPLETED with ${taskDefinition}`,
  DeploymentFailed: ({ serviceName, deploymentId, failedTasks, reason }) =>
    `${deploymentId} of ${serviceName} FAILED after ${formatNoun(failedTasks, 'task')}: ${reason}`,
  ServiceTaskStartFailed: ({ serviceName, failures, retryAtMs }) => {
    const wait = retryAtMs === undefined ? '' : `: the next attempt is ${formatInstant(retryAtMs)}`;
    return `${serviceName} has seen ${formatNoun(failures, 'attempt')} in a row fail to start${wait}`;
  },

  TaskRunRequested: ({ runId, group, taskDefinition, capacityProviders, containerInstances }) =>
    `${runId} asks for ${formatNoun(capacityProviders.length + containerInstances.length, 'task')} of ${taskDefinition} in ${group}`,
  TaskRunFailed: ({ runId, ...refused }) => `a task of ${runId} has no place: ${describeRefusal(refused)}`,
  JobQueueCreated: ({ queue, config }) => `jobs of ${config.file} will come to queue ${queue}`,
  JobsSubmitted: ({ queue, jobs, waiting }) =>
    `${formatNoun(jobs, 'job')} submitted to ${queue}: ${waiting === 1 ? '1 waits' : `${formatCount(waiting)} wait`}`,
  JobStarted: ({ queue, job, runId, taskDefinition, submittedAtMs, durationMs }, { atMs }) =>
    `${runId} asks for a task of ${taskDefinition} for job ${job} of ${queue}, ${formatDuration(durationMs)} of work, which has waited ${formatDuration(atMs - submittedAtMs)}`,
  JobsMeasured: ({ queue, jobs, cpuUnits }) => {
    const units = cpuUnits.reduce((sum, value) => sum + value, 0);
    return `${formatNoun(jobs.length, 'job')} of ${queue} used ${formatAmount(units / 1024)} vCPUs in the mean of the minute`;
  },
  TaskFaultBegan: ({ fault }) => `fault begins: ${describeFault(fault)}`,
  TaskFaultEnded: ({ fault }) => `fault ends: ${describeFault(fault)}`,
  ContainerAgentDisconnected: ({ ec2InstanceId }) => `the agent of ${ec2InstanceId} is disconnected`,
  ContainerAgentConnected: ({ ec2InstanceId }) => `the agent of ${ec2InstanceId} is connected again`,

  TaskCreated: ({ taskId, serviceName, group, taskDefinition, capacityProvider }) =>
    `${taskId} of ${serviceName || group} created: ${taskDefinition} for ${capacityProvider ?? 'EC2'}`,
  TaskWaiting: ({ taskId, givesUpAtMs, ...refused }) =>
    `${taskId} waits in PROVISIONING for an instance: ${describeRefusal(refused)}; gives up ${formatInstant(givesUpAtMs)}`,
  TaskPlaced: describePlaced,
  TaskAdmitted: ({ taskId, ec2InstanceId, runningAtMs }) =>
    `${taskId} has its resources on ${ec2InstanceId}, containers start ${formatInstant(runningAtMs)}`,
  TaskPending: ({ taskId }) => `${taskId} PENDING: its network interface is there, images are pulled`,
  ImagePullDelayed: ({ taskId, image, untilMs, failure }) =>
    failure === undefined
      ? `${taskId} pulls ${image} until ${formatInstant(untilMs)}`
      : `${taskId} cannot pull ${image}, gives up ${formatInstant(untilMs)}: ${failure}`,
  ContainersStarted: ({ taskId, containers }) => `${taskId} has started ${containers.join(', ')}`,
  ContainerStopped: ({ taskId, container, exitCode, reason }) =>
    `${container} of ${taskId} ended with code ${exitCode}${reason === undefined ? '' : `: ${reason}`}`,
  ContainerHealthChecked: ({ taskId, container, passed, failures, healthStatus }) =>
    `${container} of ${taskId} ${passed ? 'passed' : 'failed'} its health check, ${formatNoun(failures, 'failure')} in a row: ${healthStatus}`,
  TaskActivating: ({ taskId, serviceName }) => `${taskId} of ${serviceName} ACTIVATING: it is registered as a target`,
  TaskRunning: ({ taskId, serviceName }) => `${taskId}${ofService(serviceName)} RUNNING`,
  TaskDeactivating: ({ taskId, serviceName, stopCode, reason }) =>
    `${taskId} of ${serviceName} DEACTIVATING, ${why(stopCode, reason)}`,
  TaskStopping: ({ taskId, serviceName, stopCode, reason, stoppedAtMs, exitCodes }) =>
    `${taskId}${ofService(serviceName)} STOPPING, ${why(stopCode, reason)}; ends ${formatInstant(stoppedAtMs)}, exit ${exitCodes.join(', ')}`,
  TaskDeprovisioning: ({ taskId, detachedAtMs }) =>
    `${taskId} DEPROVISIONING: its network interface is detached ${formatInstant(detachedAtMs)}`,
  TaskStopped: ({ taskId, serviceName, stopCode, reason }) =>
    `${taskId}${ofService(serviceName)} STOPPED, ${why(stopCode, reason)}`,
  TaskProtectionUpdated: ({ taskId, protectedUntilMs }) =>
    protectedUntilMs === undefined
      ? `${taskId} is no longer protected from scale-in`
      : `${taskId} is protected from scale-in until ${formatInstant(protectedUntilMs)}`,
  TaskProtectionRefused: ({ taskId, reason }) => `scale-in protection of ${taskId} stays as it is: ${reason}`,
};
