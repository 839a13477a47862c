/** What an event means, in one line: AWS's terms, and the arithmetic where there is one. */

import {
  aggregatedMetric,
  desiredInstances,
  latencyLevels,
  matchingStep,
  serviceNameOf,
  type Event,
  type MetricAlarm,
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
export type AimOf = (policyKey: string) => number | StepScalingPolicy | undefined;

type ComparisonOperator = MetricAlarm['comparisonOperator'];
/** How an alarm compares; undefined when it is not known. */
export type OperatorOf = (alarmName: string) => ComparisonOperator | undefined;

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;
type LoadServed = EventOf<'LoadServed'>;

interface Context {
  readonly atMs: number;
  readonly aimOf: AimOf;
  readonly operatorOf: OperatorOf;
}

/**
 * @param aimOf       names the targets and steps of policies; without it a decision is told without them
 * @param operatorOf  names how alarms compare; without it strictly
 */
export function describe(
  { event, atMs }: Recorded<Event>,
  aimOf: AimOf = () => undefined,
  operatorOf: OperatorOf = () => undefined,
): string {
  const tell = descriptions[event.type] as (event: Event, context: Context) => string;
  return tell(event, { atMs, aimOf, operatorOf });
}

/** One service of a step: `web 312 req/s on 4 tasks, CPU 94 %, p99 2.3 s, 40 requests failed`. */
export function describeServed(event: LoadServed, row: number): string {
  const at = (column: readonly number[]) => column[row] as number;
  const rate = (at(event.offered) * 1_000) / (event.toMs - event.fromMs);
  const failed = failedRequests(event, row);
  const running = at(event.runningTasks);
  const targets = at(event.targets);
  const p99Ms = event.quantilesMs[row * latencyLevels.length + latencyLevels.indexOf(0.99)] as number;
  return [
    `${event.services[row] as string} ${formatAmount(rate)} req/s on ${formatNoun(running, 'task')}`,
    ...(targets < running ? [`${targets} of them ready`] : []),
    ...(running > 0 ? [`CPU ${formatCount(at(event.cpuPercent))} %`] : []),
    ...(at(event.served) > 0 ? [`p99 ${formatLatency(p99Ms)}`] : []),
    ...(failed > 0 ? [`${formatNoun(failed, 'request')} failed`] : []),
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
  const owner = /(?:ServiceName|TargetGroup|CapacityProviderName)=([^,]+)/.exec(dimensions)?.[1];
  return owner === undefined ? name : `${name} of ${owner}`;
}

function policyName(policyKey: string): string {
  return policyKey.slice(policyKey.lastIndexOf('/') + 1);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function arrow(from: number, to: number, noun: string): string {
  return `${formatCount(from)} -> ${formatNoun(to, noun)}`;
}

type Activity = EventOf<'ScalingActivityStarted'>;

function describeActivity(activity: Activity, { aimOf }: Context): string {
  const { resourceId, fromCapacity, toCapacity, scheduledActionName, minCapacity, maxCapacity } = activity;
  const change = `${serviceNameOf(resourceId)} ${arrow(fromCapacity, toCapacity, 'task')}`;
  if (activity.policyKey !== undefined) {
    const aim = aimOf(activity.policyKey);
    return `${change} by policy ${policyName(activity.policyKey)}: ${formula(activity, aim)}${cut(activity)}`;
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
function formula(decision: Decision, target: ReturnType<AimOf>): string {
  const { runningCount, metricValues, wantedCapacity } = decision;
  if (typeof target === 'object') return stepFormula(decision, target);
  const average = mean(metricValues);
  if (target === undefined)
    return `mean ${formatValue(average)}, ${runningCount} running, wants ${wantedCapacity ?? 'no change'}`;
  const side = `mean ${formatValue(average)} ${average > target ? 'over' : 'under'} target ${target}`;
  if (wantedCapacity === undefined) return side;
  if (runningCount === 0) return `${side}, none running: one to begin with`;
  return `${side}, ${ceiling(`${runningCount} running`, runningCount, average, target, wantedCapacity)}`;
}

const aggregations = { Average: 'mean', Minimum: 'minimum', Maximum: 'maximum' } as const;

/** `mean 92.3, 32.3 above threshold 60: +50 % of 4 running = 6` */
function stepFormula({ runningCount, metricValues, wantedCapacity }: Decision, policy: StepScalingPolicy): string {
  const { alarm, StepScalingPolicyConfiguration: configuration } = policy;
  const { AdjustmentType, MetricAggregationType, MinAdjustmentMagnitude } = configuration;
  const { Threshold: threshold, ComparisonOperator: comparisonOperator } = alarm;
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

type NotScaled = EventOf<'ScalingActivityNotScaled'>;

const refusals: Readonly<Record<NotScaled['reason'], (refused: NotScaled) => string>> = {
  AlreadyAtMaxCapacity: () => 'its maximum',
  AlreadyAtMinCapacity: () => 'its minimum',
  AlreadyAtDesiredCapacity: () => 'as many as that, or more, are desired already',
  AutoScalingAnticipatedFlapping: ({ runningCount }) => `rounded up, none of the ${runningCount} can go`,
  TargetServicePutResourceAsUnscalable: () => 'no scale-in during a deployment',
  InCooldown: () => 'its cooldown has not passed',
  OtherPolicyNotReady: () => 'another policy does not agree to scale in',
  MetricBackInRange: () => 'no longer past the threshold',
  NoMatchingStep: () => 'no step holds it',
};

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

function describePlaced({ taskId, ec2InstanceId, availabilityZone, left, runningAtMs }: EventOf<'TaskPlaced'>): string {
  const starts = `containers start ${formatInstant(runningAtMs)}`;
  if (ec2InstanceId === undefined) return `${taskId} placed on Fargate in ${availabilityZone}, ${starts}`;
  const [active, withRoom, allowed, ...byStrategy] = left;
  const strategies = byStrategy.length === 0 ? '' : `, strategies leave ${byStrategy.join(', ')}`;
  const steps = `of ${active} active instances ${withRoom} have room, ${allowed} are allowed${strategies}`;
  return `${taskId} placed on ${ec2InstanceId} in ${availabilityZone}: ${steps}; ${starts}`;
}

function ofService(serviceName: string): string {
  return serviceName === '' ? '' : ` of ${serviceName}`;
}

/** Whom or what a fault is about, as far as it says. */
function faultScope(fault: EventOf<'TaskFaultBegan'>['fault']): string {
  const { kind: _kind, at: _at, for: _for, ...rest } = fault;
  const scope = Object.entries(rest).filter(([, value]) => value !== undefined);
  return scope.length === 0 ? '' : `: ${scope.map(([key, value]) => `${key} ${value}`).join(', ')}`;
}

/** Some of AWS's stopped reasons begin with the stop code. */
function why(stopCode: string, reason: string): string {
  return reason.startsWith(stopCode) ? reason : `${stopCode}: ${reason}`;
}

const descriptions: { readonly [T in Event['type']]: (event: EventOf<T>, context: Context) => string } = {
  LoadAttached: ({ service, config }) =>
    `requests come to ${service}: ${config.rate.map(({ model }) => model).join(' + ')} load, ${config.serving} serving`,
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

  MetricDataPublished: ({ periodStartMs, metrics, sums, sampleCounts }) => {
    const rows = metrics.map((metric, row) => {
      const samples = metric.includes('Count') ? 1 : Math.max(1, sampleCounts[row] as number);
      return `${metricTitle(metric)} ${formatValue((sums[row] as number) / samples)}`;
    });
    return `${formatNoun(metrics.length, 'metric')} of ${formatMinute(periodStartMs)}${rows.length === 0 ? '' : `: ${firstRows(rows)}`}`;
  },
  MetricAlarmPut: ({ alarm }) => {
    const { alarmName, metric, threshold, datapointsToAlarm, evaluationPeriods, periodMs } = alarm;
    const { side } = comparisons[alarm.comparisonOperator];
    return `alarm ${alarmTitle(alarmName)} watches ${metricTitle(metric)}: ${datapointsToAlarm} of ${evaluationPeriods} periods of ${formatDuration(periodMs)} ${side} ${formatValue(threshold)}`;
  },
  AlarmStateChanged: ({ alarmName, from, to, threshold, datapointStartsMs, datapoints }, { operatorOf }) => {
    const points = datapoints.map((value, index) => ({ startMs: datapointStartsMs[index] as number, value }));
    const state = to === 'ALARM' ? '' : ` ${from} -> ${to}`;
    const seen = describeDatapoints(alarmName, threshold, points, operatorOf(alarmName));
    return `alarm ${alarmTitle(alarmName)}${state}: ${seen}`;
  },
  AlarmActionsRepeated: ({ alarmNames }) => `still in ALARM: ${alarmNames.map(alarmTitle).join(', ')}`,

  ScalableTargetRegistered: ({ resourceId, minCapacity, maxCapacity }) =>
    `${serviceNameOf(resourceId)} may scale between ${minCapacity} and ${formatNoun(maxCapacity, 'task')}`,
  ScalingPolicyPut: ({ policyKey, resourceId, config }) =>
    `${serviceNameOf(resourceId)} gets policy ${policyName(policyKey)} (${config.PolicyType})`,
  ScalableTargetBoundsChanged: ({ resourceId, scheduledActionName, minCapacity, maxCapacity }) =>
    `${serviceNameOf(resourceId)} may scale between ${minCapacity} and ${formatNoun(maxCapacity, 'task')} by scheduled action ${scheduledActionName}`,
  ScalingActivityStarted: describeActivity,
  ScalingActivityNotScaled: (refused, { aimOf }) => {
    const { resourceId, policyKey, desiredCount, reason } = refused;
    const stays = `${serviceNameOf(resourceId)} stays at ${formatNoun(desiredCount, 'task')}`;
    return `${stays}, ${reason}: policy ${policyName(policyKey)} ${formula(refused, aimOf(policyKey))}; ${refusals[reason](refused)}`;
  },
  ScalingActivityCompleted: ({ activityId, resourceId, statusCode }) =>
    `${activityId} of ${serviceNameOf(resourceId)} ${statusCode === 'Successful' ? 'is done: the running count has followed' : 'was overridden by a newer change'}`,
  ScheduledActionPut: ({ resourceId, config, dueAtMs }) => {
    const { ScheduledActionName, Schedule, Timezone, StartTime, EndTime } = config;
    const from = StartTime === undefined ? '' : ` from ${formatInstant(StartTime)}`;
    const to = EndTime === undefined ? '' : ` to ${formatInstant(EndTime)}`;
    const never = dueAtMs === undefined ? ', never due' : '';
    return `${serviceNameOf(resourceId)} gets scheduled action ${ScheduledActionName}: ${Schedule} ${Timezone}${from}${to}${never}`;
  },
  ScheduledActionTriggered: ({ resourceId, scheduledActionName, failure }) =>
    `scheduled action ${scheduledActionName} of ${serviceNameOf(resourceId)} is due${failure === undefined ? '' : ` and fails, ${failure}`}`,

  AutoScalingGroupCreated: ({ config, desiredCapacity }) =>
    `Auto Scaling group ${config.AutoScalingGroupName}: ${formatNoun(desiredCapacity, 'instance')} of ${config.instanceType}, ${config.MinSize} to ${config.MaxSize}`,
  DesiredCapacitySet: ({ autoScalingGroupName, from, to }) =>
    `${autoScalingGroupName} desires ${arrow(from, to, 'instance')}`,
  InstanceLaunched: ({ instanceId, autoScalingGroupName, instanceType, availabilityZone, bootedAtMs }, { atMs }) =>
    `${autoScalingGroupName} launched ${instanceId}, ${instanceType} in ${availabilityZone}: boots in ${formatDuration(bootedAtMs - atMs)}`,
  InstanceInService: ({ instanceId, bootedAtMs }, { atMs }) =>
    `${instanceId} InService${bootedAtMs > atMs ? `, booted in ${formatDuration(bootedAtMs - atMs)}` : ''}`,
  InstanceProtectionSet: ({ instanceId, protectedFromScaleIn }) =>
    `${instanceId} ${protectedFromScaleIn ? 'is' : 'is no longer'} protected from scale-in`,
  InstanceTerminating: ({ instanceId, waits }) =>
    `${instanceId} Terminating${waits ? ', waits until it has drained' : ''}`,
  ScaleInPrevented: ({ autoScalingGroupName, surplus }) =>
    `${autoScalingGroupName} keeps ${formatNoun(surplus, 'instance')} too many: all are protected from scale-in`,
  InstanceTerminated: ({ instanceId, autoScalingGroupName }) => `${instanceId} of ${autoScalingGroupName} terminated`,

  TargetGroupCreated: ({ config }) =>
    `target group ${config.Name}: health check every ${config.HealthCheckIntervalSeconds}s, deregistration delay ${formatDuration(config.deregistrationDelaySeconds * 1_000)}`,
  TargetRegistered: ({ targetGroup, targetId, healthyAtMs }) =>
    `${targetId} registered with ${targetGroup}, first passing health check ${formatInstant(healthyAtMs)}`,
  TargetHealthy: ({ targetGroup, targetId }) => `${targetId} is healthy in ${targetGroup}: it gets requests`,
  TargetUnhealthy: ({ targetGroup, targetId, reason }) => `${targetId} is unhealthy in ${targetGroup}: ${reason}`,
  HealthCheckAnswerChanged: ({ targetGroup, targetId, passes, decidedAtMs }) =>
    `${targetId} ${passes ? 'passes' : 'fails'} its health checks in ${targetGroup}, which tells ${formatInstant(decidedAtMs)}`,
  TargetDraining: ({ targetGroup, targetId, untilMs }) =>
    `${targetId} drains from ${targetGroup} until ${formatInstant(untilMs)}`,
  TargetDeregistered: ({ targetGroup, targetId }) => `${targetId} has left ${targetGroup}`,

  TaskDefinitionRegistered: ({ taskDefinition, compressedImageMiB }) =>
    `task definition ${taskDefinition}, ${formatCount(compressedImageMiB)} MiB to pull`,
  CapacityProviderCreated: ({ config, alarms }) => {
    const { autoScalingGroup, managedScaling } = config.autoScalingGroupProvider;
    const scaling =
      alarms.length === 0 ? 'no managed scaling' : `managed scaling to ${managedScaling.targetCapacity} %`;
    return `capacity provider ${config.name} on ${autoScalingGroup}, ${scaling}`;
  },
  CapacityProviderScaled: describeScaledProvider,
  ContainerInstanceRegistered: ({ ec2InstanceId, instanceType, availabilityZone, cpuUnits, memoryMiB }) =>
    `${ec2InstanceId} joined the cluster: ${instanceType} in ${availabilityZone}, ${formatCount(cpuUnits)} CPU units, ${formatCount(memoryMiB)} MiB`,
  ContainerInstanceDraining: ({ ec2InstanceId }) => `${ec2InstanceId} is DRAINING: its tasks are replaced elsewhere`,
  ContainerInstanceDeregistered: ({ ec2InstanceId }) => `${ec2InstanceId} has left the cluster`,

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
  ServiceTaskPlacementFailed: ({ serviceName, count, reason, closest, retryAtMs }) => {
    const near = closest === undefined ? '' : `, closest ${closest}`;
    const again = retryAtMs === undefined ? '' : `; tries again ${formatInstant(retryAtMs)}`;
    const alike = count === 1 ? '' : `, and ${formatNoun(count - 1, 'task')} like it`;
    return `${serviceName} was unable to place a task: ${reason}${near}${alike}${again}`;
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
  TaskRunFailed: ({ runId, reason, ec2InstanceId }) =>
    `a task of ${runId} has no place: ${reason}${ec2InstanceId === undefined ? '' : ` (${ec2InstanceId})`}`,
  TaskFaultBegan: ({ fault }) => `fault ${fault.kind} begins${faultScope(fault)}`,
  TaskFaultEnded: ({ fault }) => `fault ${fault.kind} is over${faultScope(fault)}`,
  ContainerAgentDisconnected: ({ ec2InstanceId }) => `the agent of ${ec2InstanceId} is disconnected`,
  ContainerAgentConnected: ({ ec2InstanceId }) => `the agent of ${ec2InstanceId} is connected again`,

  TaskCreated: ({ taskId, serviceName, group, taskDefinition, capacityProvider }) =>
    `${taskId} of ${serviceName || group} created: ${taskDefinition} for ${capacityProvider ?? 'EC2'}`,
  TaskWaiting: ({ taskId, reason, closest, givesUpAtMs }) =>
    `${taskId} waits in PROVISIONING for an instance: ${reason}${closest === undefined ? '' : `, closest ${closest}`}; gives up ${formatInstant(givesUpAtMs)}`,
  TaskPlaced: describePlaced,
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
