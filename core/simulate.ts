/** From a scenario to a simulation: the empty world, and the commands that set the scene. */

import { assumedSettings } from './assumptions.ts';
import {
  emptyAutoscaling,
  forecastMetrics,
  forecastRequestsOf,
  HISTORY_HOURS,
  policyKey,
  scalerOf,
} from './autoscaling/index.ts';
import {
  compositeAlarmOf,
  customMetricOf,
  emptyCloudWatch,
  keyOf,
  lookBackMs,
  metricAlarmOf,
  metricsOf,
  wantsDistribution,
  type MetricAlarm,
  type MetricRequest,
  type PutMetricAlarm,
} from './cloudwatch/index.ts';
import {
  emptyEc2,
  faultEndMs,
  groupPolicyKey,
  groupPolicyRequest,
  isCapacityFault,
  policyForScaler,
  usesSpot,
  type GroupScalingPolicyConfig,
} from './ec2/index.ts';
import {
  canonicalRequest,
  DEFAULT_IMAGE_MIB,
  emptyEcs,
  followedRequest,
  scalableResourceId,
  taskFaultEndMs,
} from './ecs/index.ts';
import { emptyEcr } from './ecr/index.ts';
import { emptyElb } from './elb/index.ts';
import { emptyIam, managedPolicy, type PolicyDocument } from './iam/index.ts';
import {
  Calendar,
  Digest,
  HOUR,
  InvalidScenarioError,
  Simulation,
  type Checkpoint,
  type Millis,
  type SimulationOptions,
} from './kernel/index.ts';
import { emptyLogs } from './logs/index.ts';
import { scenarioProblems, type Change, type Scenario } from './scenario.ts';
import { emptyVpc } from './vpc/index.ts';
import { emptyWorkload } from './workload/index.ts';
import { createModel, type Command, type Event, type Recordings, type World } from './world.ts';

export type EcsSimulation = Simulation<World, Command, Event>;
export type EcsCheckpoint = Checkpoint<World, Command>;

export interface SimulateOptions extends SimulationOptions<World, Command, Event>, Recordings {
  /** Another seed than the scenario's. */
  readonly seed?: number;
}

/**
 * A simulation at its start. It sails when asked: `simulation.runUntil(scenario.start + scenario.duration)`.
 *
 * @throws InvalidScenarioError with every mistake and its path
 */
export function simulate(scenario: Scenario, options: SimulateOptions = {}): EcsSimulation {
  return restore(scenario, startOf(scenario), options);
}

/** A simulation that goes on from a checkpoint of a run of the same scenario, seed and traces, as if never interrupted. */
export function restore(scenario: Scenario, from: EcsCheckpoint, options: SimulateOptions = {}): EcsSimulation {
  const { seed = scenario.seed, traces, jobs, ...simulationOptions } = options;
  return new Simulation(createModel({ traces, jobs }), seed, from, simulationOptions);
}

/** The start of a run, as a checkpoint. @throws InvalidScenarioError */
export function startOf(scenario: Scenario): EcsCheckpoint {
  const problems = scenarioProblems(scenario);
  if (problems.length > 0) throw new InvalidScenarioError(problems);
  const { start: atMs } = scenario;
  const calendar = new Calendar<Command>();
  const { phases } = createModel();
  const push = (dueMs: Millis, command: Command) => calendar.push(dueMs, phases[command.type], command, -1);
  for (const command of sceneOf(scenario)) push(atMs, command);
  for (const change of scenario.changes) for (const command of changeOf(scenario, change)) push(change.at, command);
  for (const [dueMs, command] of troubleOf(scenario)) push(dueMs, command);
  push(atMs + scenario.step, { type: 'SampleLoad', fromMs: atMs });
  return {
    atMs,
    world: emptyWorld(scenario),
    pending: calendar.pending(),
    log: { seq: 0, digest: new Digest().state() },
  };
}

function emptyWorld(scenario: Scenario): World {
  const { cluster, assumptions, start } = scenario;
  const warmStartMs = assumptions.start === 'steady' ? start : -1;
  const assumed = assumedSettings(assumptions);
  return {
    iam: emptyIam(),
    vpc: emptyVpc(),
    workload: emptyWorkload(start, scenario.step),
    cloudwatch: emptyCloudWatch(assumed.cloudwatch),
    autoscaling: emptyAutoscaling(assumed.autoscaling),
    ec2: emptyEc2({ warmStartMs, ...assumed.ec2 }),
    ecr: emptyEcr(),
    logs: emptyLogs(scenario.logGroups !== undefined),
    elb: emptyElb(warmStartMs, assumed.elb),
    ecs: emptyEcs({
      clusterName: cluster.clusterName,
      availabilityZones: cluster.availabilityZones,
      defaultCapacityProviderStrategy: cluster.defaultCapacityProviderStrategy,
      containerInsights: cluster.settings.some(({ value }) => value !== 'disabled'),
      ...assumed.ecs,
      subnets: new Map(scenario.subnets.map(({ SubnetId, AvailabilityZone }) => [SubnetId, AvailabilityZone])),
      awsvpcTrunking: scenario.accountSettings.awsvpcTrunking,
      warmStartMs,
    }),
  };
}

/** What an engineer would type, in the order that lets each thing refer to the ones before it. */
function* sceneOf(scenario: Scenario): Iterable<Command> {
  for (const config of scenario.roles) yield { type: 'CreateRole', config };
  for (const { GroupId: groupId, IpPermissions: rules } of scenario.securityGroups)
    yield { type: 'CreateSecurityGroup', groupId, rules };
  for (const { logGroupName } of scenario.logGroups ?? []) yield { type: 'CreateLogGroup', logGroupName };
  for (const image of scenario.images) yield { type: 'PushImage', image };
  const imageMiB = new Map(scenario.images.map(({ name, compressedMiB }) => [name, compressedMiB]));
  for (const definition of scenario.taskDefinitions) {
    const images = new Set(definition.containerDefinitions.map(({ image }) => image));
    let compressedImageMiB = 0;
    for (const image of images) compressedImageMiB += imageMiB.get(image) ?? DEFAULT_IMAGE_MIB;
    yield { type: 'RegisterTaskDefinition', definition, compressedImageMiB };
  }
  for (const config of scenario.capacityProviders) yield { type: 'CreateCapacityProvider', config };
  for (const { policies: _own, ...config } of scenario.autoScalingGroups)
    yield { type: 'CreateAutoScalingGroup', config };
  if (hasSpot(scenario)) yield { type: 'MoveSpotMarket' };
  for (const config of scenario.loadBalancers) yield { type: 'CreateLoadBalancer', config };
  for (const config of scenario.targetGroups) yield { type: 'CreateTargetGroup', config };
  for (const config of scenario.services) yield { type: 'CreateService', config };
  for (const config of scenario.jobs) yield { type: 'CreateJobQueue', config };
  for (const target of scenario.scalableTargets) {
    const resourceId = resourceOf(scenario, target.service);
    yield {
      type: 'RegisterScalableTarget',
      resourceId,
      minCapacity: target.MinCapacity,
      maxCapacity: target.MaxCapacity,
      suspendedState: target.SuspendedState,
    };
    for (const config of target.policies) yield { type: 'PutScalingPolicy', resourceId, config };
    for (const config of target.scheduledActions) yield { type: 'PutScheduledAction', resourceId, config };
  }
  for (const { AutoScalingGroupName: autoScalingGroupName, policies } of scenario.autoScalingGroups)
    for (const config of policies) yield putGroupPolicy(autoScalingGroupName, config);
  for (const written of scenario.customMetrics) {
    const config = customMetricOf(written);
    yield { type: 'StartCustomMetric', config: { ...config, request: canonicalRequest(config.request) } };
  }
  for (const written of scenario.alarms) yield { type: 'PutMetricAlarm', alarm: alarmOf(scenario, written) };
  for (const written of scenario.compositeAlarms) yield { type: 'PutCompositeAlarm', alarm: compositeAlarmOf(written) };
  // CloudWatch has the data of what is put later on: they are kept from the start.
  for (const change of scenario.changes) yield* laterReads(scenario, change);
  for (const config of scenario.load) yield { type: 'AttachLoad', config };
}

export function putGroupPolicy(autoScalingGroupName: string, config: GroupScalingPolicyConfig): Command {
  const request = groupPolicyRequest(policyForScaler(config, autoScalingGroupName));
  const followed = request === undefined ? {} : { request: canonicalRequest(request) };
  return { type: 'PutGroupScalingPolicy', autoScalingGroupName, config, ...followed };
}

export function resourceOf({ cluster }: Scenario, service: string): string {
  return scalableResourceId(cluster.clusterName, service);
}

export function alarmOf(scenario: Scenario, written: PutMetricAlarm): MetricAlarm {
  const ofGroup = (owner: string, policyName: string) =>
    scenario.autoScalingGroups.some(
      ({ AutoScalingGroupName, policies }) =>
        AutoScalingGroupName === owner && policies.some(({ PolicyName }) => PolicyName === policyName),
    );
  const alarm = metricAlarmOf(written, (owner, policyName) =>
    ofGroup(owner, policyName) ? groupPolicyKey(owner, policyName) : policyKey(resourceOf(scenario, owner), policyName),
  );
  return { ...alarm, request: canonicalRequest(alarm.request) };
}

/** What the alarms and forecasts that a change brings along will read. */
function* laterReads(scenario: Scenario, { PutMetricAlarm: alarm, PutScalingPolicy: put }: Change): Iterable<Command> {
  const alarms = alarm === undefined ? [] : [alarmOf(scenario, alarm)];
  if (put !== undefined) {
    const scaler = scalerOf(put.policy);
    const scaled = scenario.services.find(({ serviceName }) => serviceName === put.service);
    const { clusterName } = scenario.cluster;
    const service = { clusterName, serviceName: put.service, targetGroup: scaled?.loadBalancers[0]?.targetGroup };
    for (const policy of scaler.policies(put.policy)) {
      const followed = scaler.follows(policy);
      const request = followed === undefined ? undefined : followedRequest(service, followed);
      const key = policyKey(resourceOf(scenario, put.service), policy.PolicyName);
      if (request !== undefined) alarms.push(...scaler.alarms(policy, request, key, policy.PolicyName));
    }
    if (put.policy.PolicyType === 'PredictiveScaling') {
      const requests = forecastRequestsOf((metric) => followedRequest(service, metric), forecastMetrics(put.policy));
      for (const request of Object.values(requests ?? {}) as MetricRequest[])
        yield keep(request, 0, HISTORY_HOURS * HOUR);
    }
  }
  for (const { request, ...rest } of alarms)
    yield keep(request, lookBackMs({ request, ...rest }, assumedSettings(scenario.assumptions).cloudwatch), 0);
}

function keep(request: MetricRequest, keepForMs: Millis, hourlyForMs: Millis): Command {
  const metrics = metricsOf(request).map(({ metric }) => metric);
  return { type: 'KeepMetrics', metrics, keepForMs, hourlyForMs, withDistribution: wantsDistribution(request) };
}

/** What a person or a pipeline does, as commands. */
export function* changeOf(scenario: Scenario, change: Change): Iterable<Command> {
  const resource = (named: { readonly service: string }) => resourceOf(scenario, named.service);
  if (change.UpdateService !== undefined) {
    const { service: serviceName, ...update } = change.UpdateService;
    yield { type: 'UpdateService', serviceName, ...update };
  }
  if (change.DeleteService !== undefined) {
    const { service: serviceName, force } = change.DeleteService;
    yield { type: 'DeleteService', serviceName, force };
  }
  if (change.RunTask !== undefined) yield { type: 'RunTask', config: change.RunTask };
  if (change.StartTask !== undefined) yield { type: 'StartTask', config: change.StartTask };
  if (change.StopTask !== undefined) {
    const { task: taskId, reason = 'Task stopped by user' } = change.StopTask;
    yield { type: 'StopTask', taskId, stopCode: 'UserInitiated', reason };
  }
  if (change.UpdateContainerInstancesState !== undefined) {
    const { containerInstances, status } = change.UpdateContainerInstancesState;
    for (const ec2InstanceId of containerInstances)
      yield { type: 'UpdateContainerInstanceState', ec2InstanceId, status };
  }
  if (change.DeregisterContainerInstance !== undefined) {
    const { containerInstance: ec2InstanceId, force } = change.DeregisterContainerInstance;
    yield { type: 'DeregisterContainerInstance', ec2InstanceId, force };
  }
  if (change.UpdateTaskProtection !== undefined) {
    const { service: serviceName, tasks: taskIds, ...protection } = change.UpdateTaskProtection;
    yield { type: 'UpdateTaskProtection', serviceName, taskIds, ...protection };
  }
  if (change.RegisterScalableTarget !== undefined) {
    const { MinCapacity, MaxCapacity, SuspendedState } = change.RegisterScalableTarget;
    yield {
      type: 'RegisterScalableTarget',
      resourceId: resource(change.RegisterScalableTarget),
      minCapacity: MinCapacity,
      maxCapacity: MaxCapacity,
      suspendedState: SuspendedState,
    };
  }
  if (change.SuspendScaling !== undefined) {
    const { service, ...suspendedState } = change.SuspendScaling;
    yield { type: 'RegisterScalableTarget', resourceId: resource({ service }), suspendedState };
  }
  if (change.DeregisterScalableTarget !== undefined)
    yield { type: 'DeregisterScalableTarget', resourceId: resource(change.DeregisterScalableTarget) };
  if (change.PutScalingPolicy !== undefined)
    yield {
      type: 'PutScalingPolicy',
      resourceId: resource(change.PutScalingPolicy),
      config: change.PutScalingPolicy.policy,
    };
  if (change.DeleteScalingPolicy !== undefined) {
    const { PolicyName } = change.DeleteScalingPolicy;
    yield { type: 'DeleteScalingPolicy', policyKey: policyKey(resource(change.DeleteScalingPolicy), PolicyName) };
  }
  if (change.PutScheduledAction !== undefined) {
    const { service, ...config } = change.PutScheduledAction;
    yield { type: 'PutScheduledAction', resourceId: resource({ service }), config };
  }
  if (change.DeleteScheduledAction !== undefined) {
    const { ScheduledActionName: scheduledActionName } = change.DeleteScheduledAction;
    const resourceId = resource(change.DeleteScheduledAction);
    yield { type: 'DeleteScheduledAction', resourceId, scheduledActionName };
  }
  if (change.PutMetricAlarm !== undefined)
    yield { type: 'PutMetricAlarm', alarm: alarmOf(scenario, change.PutMetricAlarm) };
  for (const alarmName of change.DeleteAlarms?.AlarmNames ?? []) yield { type: 'DeleteAlarm', alarmName };
  for (const alarmName of change.EnableAlarmActions?.AlarmNames ?? [])
    yield { type: 'SetAlarmActions', alarmName, enabled: true };
  for (const alarmName of change.DisableAlarmActions?.AlarmNames ?? [])
    yield { type: 'SetAlarmActions', alarmName, enabled: false };
  if (change.SetAlarmState !== undefined) {
    const { AlarmName: alarmName, StateValue: stateValue, StateReason: stateReason } = change.SetAlarmState;
    yield { type: 'SetAlarmState', alarmName, stateValue, stateReason };
  }
  for (const datum of change.PutMetricData?.MetricData ?? []) {
    const values = datum.Values ?? [datum.Value as number];
    yield {
      type: 'PutMetricValues',
      metric: keyOf({ ...datum, Namespace: change.PutMetricData?.Namespace as string }),
      stampMs: datum.Timestamp ?? change.at,
      values,
      counts: datum.Counts ?? values.map(() => 1),
      highResolution: datum.StorageResolution === 1,
    };
  }
  yield* surroundingChange(change);
  if (change.UpdateAutoScalingGroup !== undefined) {
    const { AutoScalingGroupName: autoScalingGroupName, ...update } = change.UpdateAutoScalingGroup;
    yield { type: 'UpdateAutoScalingGroup', autoScalingGroupName, update };
  }
}

/** Calls of IAM, EC2 and CloudWatch Logs. */
function* surroundingChange(change: Change): Iterable<Command> {
  const { PutRolePolicy, DeleteRolePolicy, AttachRolePolicy, DetachRolePolicy, UpdateAssumeRolePolicy } = change;
  if (UpdateAssumeRolePolicy !== undefined) {
    const { RoleName: roleName, PolicyDocument: document } = UpdateAssumeRolePolicy;
    yield { type: 'UpdateAssumeRolePolicy', roleName, document };
  }
  if (PutRolePolicy !== undefined) {
    const { RoleName: roleName, PolicyName: policyName, PolicyDocument: document } = PutRolePolicy;
    yield { type: 'PutRolePolicy', roleName, policyName, document };
  }
  if (DeleteRolePolicy !== undefined) {
    const { RoleName: roleName, PolicyName: policyName } = DeleteRolePolicy;
    yield { type: 'RemoveRolePolicy', roleName, policyName };
  }
  if (AttachRolePolicy !== undefined) {
    const { RoleName: roleName, PolicyArn } = AttachRolePolicy;
    const document = managedPolicy(PolicyArn) as PolicyDocument;
    yield { type: 'PutRolePolicy', roleName, policyName: PolicyArn, document };
  }
  if (DetachRolePolicy !== undefined) {
    const { RoleName: roleName, PolicyArn } = DetachRolePolicy;
    yield { type: 'RemoveRolePolicy', roleName, policyName: PolicyArn };
  }
  for (const type of ['AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress'] as const) {
    const made = change[type];
    if (made !== undefined) yield { type, groupId: made.GroupId, rules: made.IpPermissions };
  }
  for (const type of ['CreateLogGroup', 'DeleteLogGroup'] as const) {
    const made = change[type];
    if (made !== undefined) yield { type, logGroupName: made.logGroupName };
  }
}

/** Whether anything is ever launched on Spot: only then there is a market to watch. */
export function hasSpot({ autoScalingGroups, cluster, services, jobs, changes }: Scenario): boolean {
  const changed = changes.flatMap(({ UpdateService, RunTask }) => [UpdateService, RunTask]);
  const strategies = [...services, ...jobs, ...changed].map((item) => item?.capacityProviderStrategy ?? []);
  return (
    autoScalingGroups.some(usesSpot) ||
    changes.some(({ UpdateAutoScalingGroup }) => usesSpot({ ...UpdateAutoScalingGroup })) ||
    [cluster.defaultCapacityProviderStrategy, ...strategies]
      .flat()
      .some((item) => item.capacityProvider === 'FARGATE_SPOT')
  );
}

/** What goes wrong, by the scenario's faults and by the instants at which Spot pools are interrupted. */
export function* troubleOf({ faults, assumptions, start }: Scenario): Iterable<readonly [Millis, Command]> {
  for (const [faultId, fault] of faults.entries()) {
    if (isCapacityFault(fault)) {
      yield [fault.at, { type: 'BeginFault', faultId, fault }];
      const endMs = faultEndMs(fault);
      if (endMs !== undefined) yield [endMs, { type: 'EndFault', faultId }];
    } else {
      const taskFaultId = `fault-${faultId + 1}`;
      yield [fault.at, { type: 'BeginTaskFault', faultId: taskFaultId, fault }];
      const endMs = taskFaultEndMs(fault);
      if (endMs !== undefined) yield [endMs, { type: 'EndTaskFault', faultId: taskFaultId }];
    }
  }
  const { spotInterruption } = assumptions.capacity;
  if (spotInterruption.model !== 'instants') return;
  for (const { at, instanceType, availabilityZone } of spotInterruption.pools)
    for (const atMs of at)
      if (atMs >= start) yield [atMs, { type: 'InterruptSpotPool', instanceType, availabilityZone }];
}
