/**
 * The scenario: what sails. Blocks that AWS has keep AWS's keys and spelling; what AWS does not have is ours, in camelCase.
 * The schema is the definition: types, validation, the published JSON Schema and the defaults follow from it.
 */

import { z } from 'zod';
import {
  forecastMetrics,
  forecastRequestsOf,
  scalerOf,
  scalingAssumptions,
  scalingPolicy,
  scheduleProblem,
  targetGroupOfLabel,
  timeZoneProblem,
  type FollowedMetric,
  type ScalingPolicyConfig,
} from './autoscaling/index.ts';
import {
  alarmAssumptions,
  alarmName,
  compositeAlarm,
  compositeAlarmProblems,
  customMetric,
  customMetricProblems,
  keyOf,
  metricAlarm,
  metricAlarmOf,
  metricAlarmProblems,
  metricDelay,
  metricDimensions,
  metricIdentity,
  metricName,
  metricNamespace,
  metricsOf,
  metricUnit,
  requestOf,
  scalingActionOf,
  timingProfiles,
  type MetricRequest,
} from './cloudwatch/index.ts';
import {
  autoScalingGroup,
  autoScalingGroupProblems,
  groupPolicyKey,
  groupPolicyProblems,
  groupPolicyRequest,
  groupScalingPolicy,
  policyForScaler,
  capacityFaults,
  ec2Assumptions,
  ec2Timings,
  groupUpdate,
  instanceType,
  typesOf,
  updatedConfig,
} from './ec2/index.ts';
import {
  billAssumptions,
  capacityProvider,
  capacityProviderProblem,
  capacityProviderStrategyItem,
  canonicalRequest,
  dependencyCycle,
  deregisterContainerInstance,
  ecsCapacityAssumptions,
  ecsTimings,
  fargateCpuSizes,
  fargateMemorySizes,
  followedRequest,
  isFargate,
  isHighResolution,
  metricAssumptions,
  metricProblem,
  resolutionMs,
  isTrunked,
  jobQueue,
  placementAssumptions,
  portProblems,
  registeredResources,
  runTask,
  service,
  serviceAssumptions,
  serviceProblems,
  serviceUpdate,
  startTask,
  strategyProblem,
  taskAssumptions,
  taskDefinition,
  taskDemand,
  taskFaults,
  updateContainerInstancesState,
  type CapacityProviderStrategyItem,
  type JobTraces,
  type ServiceConfig,
} from './ecs/index.ts';
import { image } from './ecr/index.ts';
import {
  loadBalancer,
  loadBalancingAssumptions,
  repeatedAttribute,
  targetGroup,
  targetGroupProblems,
} from './elb/index.ts';
import { role, roleChanges } from './iam/index.ts';
import { DAY, duration, HOUR, instant, MINUTE, SECOND, type ScenarioProblem } from './kernel/index.ts';
import { logChanges, logGroup } from './logs/index.ts';
import { checkSurroundings, unique, type Path, type Report } from './surroundings.ts';
import { securityGroup, securityGroupChanges } from './vpc/index.ts';
import { load, MOST_HELD_PER_TASK, queueOf } from './workload/index.ts';

const name = z.string().min(1);
const capacity = z.int().min(0).max(5000);

const scheduledAction = z.strictObject({
  ScheduledActionName: name.max(256),
  Schedule: name.describe('at(yyyy-mm-ddThh:mm:ss), rate(5 minutes) or cron(0 7 ? * MON-FRI *)'),
  Timezone: name.default('UTC').describe('IANA name; at and cron keep to it, StartTime and EndTime are UTC'),
  StartTime: instant
    .optional()
    .describe('a recurring schedule comes due here first, then as it says; a rate counts from here'),
  EndTime: instant.optional().describe('a recurring schedule is due for the last time at or before this'),
  ScalableTargetAction: z.strictObject({ MinCapacity: capacity.optional(), MaxCapacity: capacity.optional() }),
});

const suspendedState = z.strictObject({
  DynamicScalingInSuspended: z.boolean().optional().describe('policies may not scale in'),
  DynamicScalingOutSuspended: z.boolean().optional().describe('policies may not scale out'),
  ScheduledScalingSuspended: z.boolean().optional().describe('scheduled actions that come due are lost'),
});

const scalableTarget = z.strictObject({
  service: name.describe('serviceName'),
  MinCapacity: capacity,
  MaxCapacity: capacity,
  SuspendedState: suspendedState.optional(),
  policies: z.array(scalingPolicy).max(50).default([]),
  scheduledActions: z.array(scheduledAction).max(200).default([]),
});

const scaledGroup = autoScalingGroup.extend({
  policies: z
    .array(groupScalingPolicy)
    .max(50)
    .default([])
    .describe("the group's own, as put-scaling-policy of autoscaling takes them: they know nothing of tasks"),
});

const slo = z.strictObject({
  service: name.describe('serviceName'),
  latencyP99Ms: z.number().positive().optional().describe('99 % of the requests of a minute are answered within this'),
  availabilityPercent: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe('share of the requests of a minute answered in time'),
});

const ofService = { service: name.describe('serviceName') };
const scheduledActionUpdate = z.strictObject({
  ...ofService,
  ...scheduledAction.shape,
  Schedule: scheduledAction.shape.Schedule.optional(),
  Timezone: name.optional(),
  ScalableTargetAction: scheduledAction.shape.ScalableTargetAction.optional(),
});

/** What can be changed while it sails, by AWS's names: each change is one call of an API. */
const changes = {
  UpdateService: serviceUpdate,
  DeleteService: z.strictObject({ ...ofService, force: z.boolean().default(false) }),
  RunTask: runTask,
  StartTask: startTask,
  StopTask: z.strictObject({ task: name.describe('task id, such as task-3'), reason: name.optional() }),
  UpdateContainerInstancesState: updateContainerInstancesState.describe(
    'DRAINING: no new tasks, and tasks of services are replaced elsewhere; ACTIVE ends it',
  ),
  DeregisterContainerInstance: deregisterContainerInstance,
  UpdateTaskProtection: z.strictObject({
    ...ofService,
    tasks: z.array(name).default([]).describe('task ids; every running task of the service when left out'),
    protectionEnabled: z.boolean(),
    expiresInMinutes: z.int().min(1).max(2880).default(120),
  }),
  ...roleChanges,
  ...securityGroupChanges,
  ...logChanges,
  UpdateAutoScalingGroup: groupUpdate
    .extend({ AutoScalingGroupName: name })
    .describe('what is left out stays; another instanceType or MixedInstancesPolicy is a new launch template version'),
  RegisterScalableTarget: z
    .strictObject({
      ...ofService,
      MinCapacity: capacity.optional(),
      MaxCapacity: capacity.optional(),
      SuspendedState: suspendedState.optional(),
    })
    .describe('what is left out stays as it is'),
  SuspendScaling: suspendedState
    .extend(ofService)
    .describe('RegisterScalableTarget with a SuspendedState alone; false resumes'),
  DeregisterScalableTarget: z.strictObject(ofService),
  PutScalingPolicy: z
    .strictObject({ ...ofService, policy: scalingPolicy })
    .describe('creates a policy or replaces the one of that name'),
  DeleteScalingPolicy: z.strictObject({ ...ofService, PolicyName: name }),
  PutScheduledAction: scheduledActionUpdate.describe(
    'creates an action or changes the one of that name: StartTime and EndTime that are left out are deleted, the rest stays',
  ),
  DeleteScheduledAction: z.strictObject({ ...ofService, ScheduledActionName: name }),
  PutMetricAlarm: metricAlarm,
  DeleteAlarms: z.strictObject({ AlarmNames: z.array(alarmName).min(1).max(100) }),
  EnableAlarmActions: z.strictObject({ AlarmNames: z.array(alarmName).min(1).max(100) }),
  DisableAlarmActions: z.strictObject({ AlarmNames: z.array(alarmName).min(1).max(100) }),
  SetAlarmState: z.strictObject({
    AlarmName: alarmName,
    StateValue: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
    StateReason: z.string().max(1023),
  }),
  PutMetricData: z.strictObject({
    Namespace: metricNamespace,
    MetricData: z
      .array(
        z.strictObject({
          MetricName: metricName,
          Dimensions: metricDimensions,
          Timestamp: instant.optional().describe('the instant of the change when left out'),
          Value: z.number().optional(),
          Values: z.array(z.number()).min(1).max(150).optional(),
          Counts: z
            .array(z.number().positive())
            .min(1)
            .max(150)
            .optional()
            .describe('of each of Values; 1 when left out'),
          Unit: metricUnit,
          StorageResolution: z.literal([1, 60]).default(60),
        }),
      )
      .min(1)
      .max(1000),
  }),
};
type ChangeKind = keyof typeof changes;
const changeKinds = Object.keys(changes) as readonly ChangeKind[];

const change = z.strictObject({
  at: instant,
  ...(Object.fromEntries(Object.entries(changes).map(([kind, schema]) => [kind, schema.optional()])) as {
    [K in ChangeKind]: z.ZodOptional<(typeof changes)[K]>;
  }),
});
export type Change = z.output<typeof change>;

const fault = z.discriminatedUnion('kind', [...capacityFaults, ...taskFaults]);

/** Where AWS is silent, or promises nothing. */
const assumptions = z.strictObject({
  start: z
    .enum(['steady', 'cold'])
    .default('steady')
    .describe('steady: the first instances and tasks are there when the run starts; cold: they have to start'),
  profile: z
    .enum(timingProfiles)
    .default('typical')
    .describe(
      'how slow metrics and alarms are: typical, as users report; aws-benchmark, as AWS measured in 2026 (spec/autoscaling.md 9.1)',
    ),
  metricDelay: metricDelay.prefault({}),
  metrics: metricAssumptions.prefault({}),
  alarms: alarmAssumptions.prefault({}),
  scaling: scalingAssumptions.prefault({}),
  loadBalancing: loadBalancingAssumptions.prefault({}),
  placement: placementAssumptions.prefault({}),
  capacity: z.strictObject({ ...ec2Assumptions, ...ecsCapacityAssumptions }).prefault({}),
  timings: z.strictObject({ ...ec2Timings, ...ecsTimings }).prefault({}),
  bill: z.strictObject(billAssumptions).prefault({}),
  services: serviceAssumptions.prefault({}),
  tasks: taskAssumptions.prefault({}),
});

export const scenarioSchema = z.strictObject({
  $schema: z.string().optional().describe('where editors find this schema, in a JSON scenario'),
  name: name.max(100),
  teaches: z.string().optional().describe('what one learns from it, in a sentence'),
  start: instant.describe('first instant of the run, UTC unless a zone is written; a full minute'),
  duration: duration.describe('how long it sails'),
  seed: z.int().min(0).default(1).describe('everything that is left to chance follows from it'),
  step: duration.default(10 * SECOND).describe('how often load is served and measured; divides a minute'),
  cluster: z.strictObject({
    clusterName: name,
    settings: z
      .array(
        z.strictObject({ name: z.literal('containerInsights'), value: z.enum(['enabled', 'enhanced', 'disabled']) }),
      )
      .default([])
      .describe('metrics of ECS/ContainerInsights are only there when it is enabled'),
    availabilityZones: z
      .array(name)
      .min(1)
      .default(['us-east-1a', 'us-east-1b', 'us-east-1c'])
      .describe('where Fargate tasks run'),
    capacityProviders: z.array(name).default([]),
    defaultCapacityProviderStrategy: z.array(capacityProviderStrategyItem).default([]),
  }),
  accountSettings: z
    .strictObject({
      awsvpcTrunking: z
        .enum(['enabled', 'disabled'])
        .default('disabled')
        .describe('as put-account-setting takes it: tasks of an instance share a trunk, and more of them fit'),
    })
    .prefault({}),
  subnets: z
    .array(z.strictObject({ SubnetId: name, AvailabilityZone: name }))
    .default([])
    .describe("subnets that networkConfiguration may name; without them, a zone's name stands for a subnet in it"),
  autoScalingGroups: z.array(scaledGroup).default([]),
  capacityProviders: z.array(capacityProvider).default([]),
  taskDefinitions: z
    .array(taskDefinition)
    .min(1)
    .describe('a family that is listed again is its next revision: web:1, web:2; web alone is the last one'),
  images: z
    .array(image)
    .default([])
    .describe(
      'what a pull costs; 200 MiB for an image that is not listed. Of a repository of Amazon ECR that is listed, only these are there',
    ),
  roles: z
    .array(role)
    .default([])
    .describe('IAM roles of tasks and instances; a role that is not described here may do everything'),
  securityGroups: z.array(securityGroup).default([]).describe('who lets in whom'),
  logGroups: z
    .array(logGroup)
    .optional()
    .describe('log groups that are there; left out, every one that is named is there'),
  loadBalancers: z.array(loadBalancer).default([]),
  targetGroups: z.array(targetGroup).default([]),
  services: z.array(service).describe('may be empty where there are jobs'),
  scalableTargets: z.array(scalableTarget).default([]),
  alarms: z.array(metricAlarm).default([]).describe('as put-metric-alarm takes them'),
  compositeAlarms: z.array(compositeAlarm).default([]).describe('as put-composite-alarm takes them'),
  customMetrics: z
    .array(customMetric)
    .default([])
    .describe('metrics that a program of yours computes from others and publishes again and again'),
  load: z.array(load).default([]),
  jobs: z
    .array(jobQueue)
    .default([])
    .describe('queues of recorded jobs, each of which a task of its own works on until it is done'),
  slo: z.array(slo).default([]),
  changes: z.array(change).default([]).describe('what a person or a pipeline does, and when'),
  faults: z.array(fault).default([]).describe('what goes wrong, and when'),
  prices: name
    .optional()
    .describe('a YAML or JSON file beside this one, with prices that replace those of prices.json'),
  assumptions: assumptions.prefault({}),
});
/** A scenario as the engine takes it: parsed, every default filled in, times in milliseconds. */
export type Scenario = z.output<typeof scenarioSchema>;
/** A scenario as people write it. */
export type ScenarioInput = z.input<typeof scenarioSchema>;

/** What no schema can see: references that lead nowhere, names used twice, sizes that cannot fit. All of it at once. */
export function scenarioProblems(scenario: Scenario): readonly ScenarioProblem[] {
  const problems: ScenarioProblem[] = [];
  const report: Report = (path, message) => problems.push({ path, message });
  checkTime(scenario, report);
  checkNames(scenario, report);
  checkReferences(scenario, report);
  checkSizes(scenario, report);
  checkLoadBalancing(scenario, report);
  checkScaling(scenario, report);
  checkGroupScaling(scenario, report);
  checkQueues(scenario, report);
  checkAlarms(scenario, report);
  checkChanges(scenario, report);
  checkSurroundings(scenario, report);
  return problems;
}

function checkTime({ start, duration: lengthMs, step, services, changes, faults }: Scenario, report: Report): void {
  if (start % MINUTE !== 0) report(['start'], 'found an instant within a minute, expected a full minute');
  if (lengthMs < MINUTE) report(['duration'], `found ${lengthMs} ms, expected at least 1m`);
  if (step === 0 || MINUTE % step !== 0) report(['step'], `found ${step} ms, expected a length that divides a minute`);
  if (services.some(isHighResolution) && (20 * SECOND) % step !== 0)
    report(['step'], `found ${step} ms, expected a length that divides 20 seconds: a service has 20-second metrics`);
  for (const [list, items] of [['changes', changes] as const, ['faults', faults] as const])
    for (const [index, { at }] of items.entries())
      if (at < start || at > start + lengthMs)
        report([list, index, 'at'], 'found an instant outside the run, expected one between start and end');
}

/** Names that must be told apart, by the list they are in and the key that holds them. */
const NAMED = [
  ['autoScalingGroups', 'AutoScalingGroupName'],
  ['capacityProviders', 'name'],
  ['images', 'name'],
  ['loadBalancers', 'Name'],
  ['subnets', 'SubnetId'],
  ['targetGroups', 'Name'],
  ['services', 'serviceName'],
  ['scalableTargets', 'service'],
  ['load', 'service'],
  ['jobs', 'name'],
  ['slo', 'service'],
  ['alarms', 'AlarmName'],
  ['compositeAlarms', 'AlarmName'],
] as const;

function checkNames(scenario: Scenario, report: Report): void {
  for (const [list, key] of NAMED)
    unique(
      (scenario[list] as readonly Readonly<Record<string, unknown>>[]).map((item) => String(item[key])),
      (index) => [list, index, key],
      report,
    );
  for (const [target, { policies, scheduledActions }] of scenario.scalableTargets.entries()) {
    const put = policies.flatMap((policy, index) => namesOf(policy).map((text) => ({ text, index })));
    unique(
      put.map(({ text }) => text),
      (place) => ['scalableTargets', target, 'policies', put[place]?.index as number, 'PolicyName'],
      report,
    );
    unique(
      scheduledActions.map(({ ScheduledActionName }) => ScheduledActionName),
      (index) => ['scalableTargets', target, 'scheduledActions', index, 'ScheduledActionName'],
      report,
    );
  }
  for (const [group, { policies }] of scenario.autoScalingGroups.entries())
    unique(
      policies.map(({ PolicyName }) => PolicyName),
      (index) => ['autoScalingGroups', group, 'policies', index, 'PolicyName'],
      report,
    );
}

/** The names of the policies that a written one stands for; its own while they cannot be told. */
function namesOf(policy: ScalingPolicyConfig): readonly string[] {
  const { problems, policies } = scalerOf(policy);
  return problems(policy).length > 0 ? [policy.PolicyName] : policies(policy).map(({ PolicyName }) => PolicyName);
}

function checkReferences(scenario: Scenario, report: Report): void {
  const { cluster, capacityProviders, autoScalingGroups, services } = scenario;
  const known = {
    'capacity provider': ['FARGATE', 'FARGATE_SPOT', ...capacityProviders.map((provider) => provider.name)],
    'Auto Scaling group': autoScalingGroups.map(({ AutoScalingGroupName }) => AutoScalingGroupName),
    'task definition': scenario.taskDefinitions.flatMap(({ family }, index) => [
      family,
      revisions(scenario)[index] as string,
    ]),
    subnet: [...scenario.subnets.map(({ SubnetId }) => SubnetId), ...zonesOf(scenario)],
    'target group': scenario.targetGroups.map(({ Name }) => Name),
    service: services.map(({ serviceName }) => serviceName),
    'capacity provider of the cluster': cluster.capacityProviders,
  };
  const refer = (kind: keyof typeof known, text: string, path: Path) => {
    if (known[kind].includes(text)) return;
    const names = known[kind].length === 0 ? 'there is none' : `one of ${known[kind].join(', ')}`;
    report(path, `found "${text}", expected the name of a ${kind}: ${names}`);
  };
  const referStrategy = (strategy: readonly CapacityProviderStrategyItem[], path: Path) => {
    const problem = strategyProblem(strategy);
    if (problem !== undefined) report(path, problem);
    for (const [index, item] of strategy.entries())
      refer('capacity provider of the cluster', item.capacityProvider, [...path, index, 'capacityProvider']);
  };
  for (const [index, text] of cluster.capacityProviders.entries())
    refer('capacity provider', text, ['cluster', 'capacityProviders', index]);
  referStrategy(cluster.defaultCapacityProviderStrategy, ['cluster', 'defaultCapacityProviderStrategy']);
  for (const [index, { autoScalingGroupProvider }] of capacityProviders.entries())
    refer('Auto Scaling group', autoScalingGroupProvider.autoScalingGroup, [
      'capacityProviders',
      index,
      'autoScalingGroupProvider',
      'autoScalingGroup',
    ]);
  for (const [index, { TargetGroupARNs = [] }] of autoScalingGroups.entries())
    for (const [place, text] of TargetGroupARNs.entries())
      refer('target group', text, ['autoScalingGroups', index, 'TargetGroupARNs', place]);
  const taken = new Set<string>();
  for (const [index, item] of services.entries()) {
    const path = ['services', index] as const;
    refer('task definition', item.taskDefinition, [...path, 'taskDefinition']);
    for (const [key, problem] of serviceProblems(item)) report([...path, key], problem);
    for (const [place, { targetGroup: wanted }] of item.loadBalancers.entries()) {
      const at = [...path, 'loadBalancers', place, 'targetGroup'];
      refer('target group', wanted, at);
      if (taken.has(wanted)) report(at, `found "${wanted}" a second time, expected a target group of its own`);
      taken.add(wanted);
    }
    for (const [place, subnet] of (item.networkConfiguration?.awsvpcConfiguration.subnets ?? []).entries())
      refer('subnet', subnet, [...path, 'networkConfiguration', 'awsvpcConfiguration', 'subnets', place]);
    if (item.capacityProviderStrategy === undefined) continue;
    referStrategy(item.capacityProviderStrategy, [...path, 'capacityProviderStrategy']);
    if (item.launchType !== undefined)
      report(
        [...path, 'launchType'],
        'found a launchType beside a capacityProviderStrategy: Specify either Launch Type or Capacity Provider Strategy, but not both.',
      );
  }
  if (services.length === 0 && scenario.jobs.length === 0)
    report(['services'], 'found no service and no jobs, expected one at least');
  for (const [index, item] of scenario.jobs.entries()) {
    const path = ['jobs', index] as const;
    const other = scenario.jobs.find(({ file }) => file === item.file) as typeof item;
    if (other.usagePeriod !== item.usagePeriod)
      report(
        [...path, 'usagePeriod'],
        `found ${item.usagePeriod} ms, expected ${other.usagePeriod} ms as "${other.name}" has it for the same file`,
      );
    if (item.capacityProviderStrategy === undefined) continue;
    referStrategy(item.capacityProviderStrategy, [...path, 'capacityProviderStrategy']);
    if (item.launchType !== undefined)
      report([...path, 'launchType'], 'Specify either Launch Type or Capacity Provider Strategy, but not both.');
  }
  for (const list of ['scalableTargets', 'load', 'slo'] as const)
    for (const [index, item] of scenario[list].entries()) refer('service', item.service, [list, index, 'service']);
  for (const [index, written] of scenario.changes.entries())
    for (const kind of changeKinds) {
      const content = written[kind];
      if (content !== undefined && 'service' in content)
        refer('service', content.service, ['changes', index, kind, 'service']);
    }
  checkServiceChanges(scenario, refer, referStrategy, report);
  for (const [index, item] of scenario.faults.entries()) {
    if ('service' in item && item.service !== undefined) refer('service', item.service, ['faults', index, 'service']);
    if ('taskDefinition' in item && item.taskDefinition !== undefined)
      refer('task definition', item.taskDefinition, ['faults', index, 'taskDefinition']);
    if ('autoScalingGroup' in item && item.autoScalingGroup !== undefined)
      refer('Auto Scaling group', item.autoScalingGroup, ['faults', index, 'autoScalingGroup']);
    if ('instanceType' in item && item.instanceType !== undefined && instanceType(item.instanceType) === undefined)
      report(['faults', index, 'instanceType'], `found "${item.instanceType}", expected a type of the catalogue`);
  }
}

/** `family:revision` of each task definition, in their order. */
function revisions({ taskDefinitions }: Scenario): readonly string[] {
  const counts = new Map<string, number>();
  return taskDefinitions.map(({ family }) => {
    const revision = (counts.get(family) ?? 0) + 1;
    counts.set(family, revision);
    return `${family}:${revision}`;
  });
}

/** What a service or a task means by `family` (its latest revision) or `family:revision`. */
export function definitionOf(scenario: Scenario, text: string): Scenario['taskDefinitions'][number] | undefined {
  return (
    scenario.taskDefinitions[revisions(scenario).indexOf(text)] ??
    scenario.taskDefinitions.findLast(({ family }) => family === text)
  );
}

/** Changes of services, and of tasks of their own. */
function checkServiceChanges(
  scenario: Scenario,
  refer: (kind: 'task definition', text: string, path: Path) => void,
  referStrategy: (strategy: readonly CapacityProviderStrategyItem[], path: Path) => void,
  report: Report,
): void {
  // Services as they will be, so that each change is judged by what the ones before it have made of them.
  const configs = new Map(scenario.services.map((item) => [item.serviceName, item]));
  for (const { change: item, index } of inOrder(scenario.changes)) {
    const path = ['changes', index] as const;
    const { UpdateService: update, DeleteService: deleted, RunTask: run, StartTask: started } = item;
    for (const [action, named] of Object.entries({ UpdateService: update, DeleteService: deleted }))
      if (named !== undefined && !configs.has(named.service)) {
        const known = scenario.services.some(({ serviceName }) => serviceName === named.service);
        if (known)
          report([...path, action, 'service'], `found "${named.service}", which is deleted: Service is not ACTIVE.`);
      }
    if (update !== undefined) {
      const at = [...path, 'UpdateService'] as const;
      if (update.taskDefinition !== undefined)
        refer('task definition', update.taskDefinition, [...at, 'taskDefinition']);
      if (update.capacityProviderStrategy !== undefined)
        referStrategy(update.capacityProviderStrategy, [...at, 'capacityProviderStrategy']);
      const before = configs.get(update.service);
      if (before !== undefined) configs.set(update.service, updated(scenario, before, update, at, report));
    }
    if (deleted !== undefined && configs.has(deleted.service)) {
      const desired = configs.get(deleted.service)?.desiredCount ?? 0;
      const isScaled =
        scenario.scalableTargets.some((target) => target.service === deleted.service) ||
        scenario.changes.some(({ RegisterScalableTarget: target }) => target?.service === deleted.service);
      if (desired > 0 && !isScaled && !deleted.force)
        report([...path, 'DeleteService'], 'The service cannot be stopped while it is scaled above 0.');
      configs.delete(deleted.service);
    }
    for (const [action, tasks] of Object.entries({ RunTask: run, StartTask: started }))
      if (tasks !== undefined) refer('task definition', tasks.taskDefinition, [...path, action, 'taskDefinition']);
    if (started !== undefined) checkNetwork(scenario, started, [...path, 'StartTask'], report);
    if (run === undefined) continue;
    checkNetwork(scenario, run, [...path, 'RunTask'], report);
    if (run.capacityProviderStrategy !== undefined) {
      referStrategy(run.capacityProviderStrategy, [...path, 'RunTask', 'capacityProviderStrategy']);
      if (run.launchType !== undefined)
        report(
          [...path, 'RunTask', 'launchType'],
          'Specify either Launch Type or Capacity Provider Strategy, but not both.',
        );
    }
    checkPlaceable(scenario, { ...run, serviceName: '' }, [...path, 'RunTask'], report);
  }
}

/**
 * What is wrong with the tasks that jobs ask for: they fit nowhere, or lack a network.
 *
 * @param traces  recorded jobs by the name of their file
 */
export function jobProblems(scenario: Scenario, traces: JobTraces): readonly ScenarioProblem[] {
  const problems: ScenarioProblem[] = [];
  for (const [index, queue] of scenario.jobs.entries()) {
    const { families = [], definitions = [] } = traces.get(queue.file) ?? {};
    for (const place of new Set(definitions)) {
      const run = { ...queue, serviceName: '', taskDefinition: families[place] as string };
      const report: Report = (path, message) => problems.push({ path: path.slice(0, 2), message });
      checkNetwork(scenario, run, ['jobs', index], report);
      checkPlaceable(scenario, run, ['jobs', index], report);
    }
  }
  return problems;
}

function inOrder(changes: readonly Change[]) {
  return changes
    .map((item, index) => ({ change: item, index }))
    .toSorted((a, b) => a.change.at - b.change.at || a.index - b.index);
}

/** A service after an update; and what AWS refuses of it. */
function updated(
  scenario: Scenario,
  before: ServiceConfig,
  update: NonNullable<Change['UpdateService']>,
  path: Path,
  report: Report,
): ServiceConfig {
  const { service: _service, forceNewDeployment: _force, ...changed } = update;
  const given = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined));
  const after: ServiceConfig = { ...before, ...given };
  const known = new Set(serviceProblems(before).map(([, problem]) => problem));
  for (const [key, problem] of serviceProblems(after)) if (!known.has(problem)) report([...path, key], problem);
  if (update.taskDefinition !== undefined) {
    for (const [, problem] of incompatibleTargets(scenario, after)) report([...path, 'taskDefinition'], problem);
    checkNetwork(scenario, after, path, report);
  }
  if (update.taskDefinition !== undefined || update.capacityProviderStrategy !== undefined)
    checkPlaceable(scenario, after, path, report);
  return after;
}

function checkLoadBalancing(scenario: Scenario, report: Report): void {
  for (const [index, { Attributes }] of scenario.loadBalancers.entries()) {
    const repeated = repeatedAttribute(Attributes);
    if (repeated !== undefined)
      report(
        ['loadBalancers', index, 'Attributes', repeated.index, 'Key'],
        `found "${repeated.key}" a second time, expected each attribute once`,
      );
  }
  const names = scenario.loadBalancers.map(({ Name }) => Name);
  for (const [index, group] of scenario.targetGroups.entries()) {
    for (const { path, message } of targetGroupProblems(group)) report(['targetGroups', index, ...path], message);
    if (group.loadBalancer !== undefined && !names.includes(group.loadBalancer))
      report(
        ['targetGroups', index, 'loadBalancer'],
        `found "${group.loadBalancer}", expected the name of a load balancer: ${names.length === 0 ? 'there is none' : `one of ${names.join(', ')}`}`,
      );
  }
  for (const [index, item] of scenario.services.entries())
    for (const [place, problem] of incompatibleTargets(scenario, item))
      report(['services', index, 'loadBalancers', place, 'targetGroup'], problem);
}

/** Target groups of a service whose target type its tasks cannot be, by their place in the list. */
function incompatibleTargets(
  scenario: Scenario,
  { loadBalancers, taskDefinition }: Pick<ServiceConfig, 'loadBalancers' | 'taskDefinition'>,
): readonly (readonly [number, string])[] {
  const networkMode = definitionOf(scenario, taskDefinition)?.networkMode;
  return loadBalancers.flatMap(({ targetGroup: wanted }, place) => {
    const TargetType = scenario.targetGroups.find(({ Name }) => Name === wanted)?.TargetType;
    if (networkMode === undefined || TargetType === undefined) return [];
    if ((TargetType === 'ip') === (networkMode === 'awsvpc')) return [];
    const problem = `The provided target group ${wanted} has target type ${TargetType}, which is incompatible with the ${networkMode} network mode specified in the task definition.`;
    return [[place, problem] as const];
  });
}

/** Every zone that the scenario names. */
function zonesOf({ cluster, autoScalingGroups }: Scenario): readonly string[] {
  return [...new Set([...cluster.availabilityZones, ...autoScalingGroups.flatMap((group) => group.AvailabilityZones)])];
}

function checkSizes(scenario: Scenario, report: Report): void {
  for (const [index, group] of scenario.autoScalingGroups.entries()) {
    for (const problem of autoScalingGroupProblems(group))
      report(['autoScalingGroups', index, ...problem.path], problem.message);
  }
  for (const [index, provider] of scenario.capacityProviders.entries()) {
    const { autoScalingGroup: wanted } = provider.autoScalingGroupProvider;
    const group = scenario.autoScalingGroups.find(({ AutoScalingGroupName }) => AutoScalingGroupName === wanted);
    const problem = capacityProviderProblem(provider, group);
    if (problem !== undefined)
      report(['capacityProviders', index, 'autoScalingGroupProvider', 'managedTerminationProtection'], problem);
  }
  for (const [index, definition] of scenario.taskDefinitions.entries()) {
    for (const { container, message } of portProblems(definition))
      report(['taskDefinitions', index, 'containerDefinitions', container, 'portMappings'], message);
    for (const [place, container] of definition.containerDefinitions.entries()) {
      const { memory, memoryReservation } = container;
      const path = ['taskDefinitions', index, 'containerDefinitions', place] as const;
      if (memory === undefined && memoryReservation === undefined && definition.memory === undefined)
        report(
          path,
          `Invalid setting for container '${container.name}'. At least one of 'memory' or 'memoryReservation' must be specified.`,
        );
      if (memory !== undefined && memoryReservation !== undefined && memory <= memoryReservation)
        report([...path, 'memory'], `found ${memory}, expected more than memoryReservation, ${memoryReservation}`);
    }
    checkContainers(definition, ['taskDefinitions', index, 'containerDefinitions'], report);
    const { cpu } = definition;
    if (cpu !== undefined && (cpu < LEAST_TASK_CPU || cpu > MOST_TASK_CPU))
      report(
        ['taskDefinitions', index, 'cpu'],
        `found ${cpu} CPU units, expected ${LEAST_TASK_CPU} to ${MOST_TASK_CPU}: Invalid 'cpu' setting for task.`,
      );
  }
  for (const [index, item] of scenario.services.entries()) {
    checkNetwork(scenario, item, ['services', index], report);
    checkPlaceable(scenario, item, ['services', index], report);
  }
}

/** Which containers wait for which, and that a task has one whose end is its own. */
function checkContainers(
  { containerDefinitions }: Scenario['taskDefinitions'][number],
  path: Path,
  report: Report,
): void {
  const names = containerDefinitions.map(({ name: text }) => text);
  unique(names, (place) => [...path, place, 'name'], report);
  if (containerDefinitions.every(({ essential }) => !essential))
    report(path, 'found no essential container, expected at least one');
  for (const [place, { dependsOn = [] }] of containerDefinitions.entries())
    for (const [entry, { containerName, condition }] of dependsOn.entries()) {
      const at = [...path, place, 'dependsOn', entry] as const;
      const other = containerDefinitions.find((candidate) => candidate.name === containerName);
      if (other === undefined)
        report(
          [...at, 'containerName'],
          `found "${containerName}", expected a container of the task: ${names.join(', ')}`,
        );
      else if (condition === 'HEALTHY' && other.healthCheck === undefined)
        report([...at, 'condition'], `found HEALTHY, expected "${containerName}" to have a health check`);
      else if ((condition === 'COMPLETE' || condition === 'SUCCESS') && other.essential)
        report([...at, 'condition'], `found ${condition}, expected "${containerName}" not to be essential`);
    }
  const cycle = dependencyCycle(containerDefinitions);
  if (cycle !== undefined) report(path, `found containers that wait for each other: ${cycle.join(', ')}`);
}

/** A task must fit some instance it may be placed on, or be a size that Fargate offers. */
function checkPlaceable(
  scenario: Scenario,
  item: Pick<
    ServiceConfig,
    | 'serviceName'
    | 'taskDefinition'
    | 'launchType'
    | 'capacityProviderStrategy'
    | 'placementStrategy'
    | 'placementConstraints'
  > &
    Partial<Pick<ServiceConfig, 'schedulingStrategy'>>,
  path: Path,
  report: Report,
): void {
  const definition = definitionOf(scenario, item.taskDefinition);
  if (definition === undefined) return;
  const demand = taskDemand(definition);
  const strategy =
    item.capacityProviderStrategy ??
    (item.launchType === undefined && item.schedulingStrategy !== 'DAEMON'
      ? scenario.cluster.defaultCapacityProviderStrategy
      : []);
  const onFargate = item.launchType === 'FARGATE' || strategy.some((entry) => isFargate(entry.capacityProvider));
  const at = [...path, 'taskDefinition'];
  const launchType = onFargate ? 'FARGATE' : 'EC2';
  if (definition.requiresCompatibilities.length > 0 && !definition.requiresCompatibilities.includes(launchType))
    report(
      at,
      `found "${definition.family}", which requires ${definition.requiresCompatibilities.join(', ')}: Task definition does not support launch_type ${launchType}.`,
    );
  if (scenario.load.some((entry) => entry.service === item.serviceName) && demand.cpuUnits === 0)
    report(at, `found no cpu in "${definition.family}", expected CPU units: its requests need a speed to be served at`);
  const constraints = item.placementConstraints.length + definition.placementConstraints.length;
  if (constraints > MOST_CONSTRAINTS)
    report(
      [...path, 'placementConstraints'],
      `found ${constraints} with those of "${definition.family}", expected at most ${MOST_CONSTRAINTS} for a task`,
    );
  if (onFargate) {
    for (const key of ['placementStrategy', 'placementConstraints'] as const)
      if (item[key].length > 0) report([...path, key], 'found one on Fargate, expected none: Fargate places by itself');
    if (definition.placementConstraints.length > 0)
      report(at, `found placementConstraints in "${definition.family}", expected none: Fargate places by itself`);
    if (demand.gpuCount > 0)
      report(at, `found a GPU requirement in "${definition.family}", expected none: Fargate has no GPUs`);
    if (definition.networkMode !== 'awsvpc')
      report(at, `found networkMode ${definition.networkMode} in "${definition.family}", expected awsvpc for Fargate`);
    const memorySizes = fargateMemorySizes(demand.cpuUnits);
    if (!memorySizes.includes(demand.memoryMiB))
      report(
        at,
        memorySizes.length === 0
          ? `found ${demand.cpuUnits} CPU units in "${definition.family}", expected ${fargateCpuSizes.join(', ')} for Fargate: Invalid 'cpu' setting for task.`
          : `found ${demand.memoryMiB} MiB with ${demand.cpuUnits} CPU units in "${definition.family}", expected ${memorySizes.join(', ')} for Fargate: No Fargate configuration exists for given values.`,
      );
    return;
  }
  const groups = strategy.map(
    ({ capacityProvider: wanted }) =>
      scenario.capacityProviders.find((provider) => provider.name === wanted)?.autoScalingGroupProvider
        .autoScalingGroup,
  );
  const candidates = scenario.autoScalingGroups.filter(
    ({ AutoScalingGroupName }) => strategy.length === 0 || groups.includes(AutoScalingGroupName),
  );
  if (candidates.length === 0 && strategy.length === 0) {
    report(path, 'found no Auto Scaling group for the launch type EC2, expected one, or a capacity provider strategy');
    return;
  }
  const { awsvpcTrunking } = scenario.accountSettings;
  const trunked = isTrunked(awsvpcTrunking, scenario.assumptions.placement.agentVersion);
  const types = candidates.flatMap((group) =>
    typesOf(group).flatMap((type) => {
      const offer = registeredResources(type, group.ecsConfig, trunked);
      return offer === undefined ? [] : [{ type, ...offer }];
    }),
  );
  const fits = types.some(
    (offer) =>
      offer.cpuUnits >= demand.cpuUnits &&
      offer.memoryMiB >= demand.memoryMiB &&
      offer.gpuCount >= demand.gpuCount &&
      offer.enis >= demand.enis,
  );
  if (types.length > 0 && !fits) {
    const gpus = (count: number) => (demand.gpuCount > 0 ? `, ${count} GPUs` : '');
    const offers = types.map(
      ({ type, cpuUnits, memoryMiB, gpuCount }) =>
        `${type} registers ${cpuUnits} CPU units and ${memoryMiB} MiB${gpus(gpuCount)}`,
    );
    report(
      at,
      `found a task of ${demand.cpuUnits} CPU units and ${demand.memoryMiB} MiB${gpus(demand.gpuCount)}, expected one that fits an instance: ${offers.join('; ')}`,
    );
  }
}

/** What AWS takes but advises against, in sentences. @source AWS, ECS API, PortMapping.hostPort */
export function scenarioNotes(scenario: Scenario): readonly string[] {
  return [...portNotes(scenario), ...twoScalersNotes(scenario)];
}

/** @source AWS, ECS Developer Guide, "Automatically manage Amazon ECS capacity with cluster auto scaling" */
function twoScalersNotes({ capacityProviders, autoScalingGroups }: Scenario): readonly string[] {
  return capacityProviders.flatMap(
    ({ name: provider, autoScalingGroupProvider: { autoScalingGroup: scaled, managedScaling } }) => {
      const policies =
        autoScalingGroups.find(({ AutoScalingGroupName }) => AutoScalingGroupName === scaled)?.policies ?? [];
      return managedScaling.status === 'DISABLED' || policies.length === 0
        ? []
        : [
            `"${scaled}" has scaling policies of its own beside the managed scaling of "${provider}": both set its desired capacity, and neither knows of the other.`,
          ];
    },
  );
}

function portNotes({ taskDefinitions, autoScalingGroups }: Scenario): readonly string[] {
  const from = autoScalingGroups.map(({ ecsConfig }) => ecsConfig?.ECS_DYNAMIC_HOST_PORT_RANGE ?? EPHEMERAL_RANGE);
  const ephemeralFrom = Math.min(...[EPHEMERAL_RANGE, ...from].map((range) => Number(range.split('-')[0])));
  return taskDefinitions.flatMap((definition) => {
    const { tcpPorts, udpPorts } = taskDemand(definition);
    const inside = [...tcpPorts, ...udpPorts].filter((port) => port >= ephemeralFrom);
    return inside.map(
      (port) =>
        `"${definition.family}" takes host port ${port} of the range from ${ephemeralFrom} on, where hosts pick dynamic ports: a task that comes later may find it taken.`,
    );
  });
}

/** Of the ECS-optimised image. */
const EPHEMERAL_RANGE = '32768-60999';

/** CPU units that a task may be given as a whole. @source AWS, ECS API, RegisterTaskDefinition.cpu */
const LEAST_TASK_CPU = 128;
const MOST_TASK_CPU = 196_608;

/** @source AWS, ECS API, RunTaskRequest.placementConstraints */
const MOST_CONSTRAINTS = 10;

function checkNetwork(
  scenario: Scenario,
  { networkConfiguration, taskDefinition: wanted }: Pick<ServiceConfig, 'networkConfiguration' | 'taskDefinition'>,
  path: Path,
  report: Report,
): void {
  const definition = definitionOf(scenario, wanted);
  if (definition === undefined) return;
  const { family, networkMode } = definition;
  const { placement } = scenario.assumptions;
  if (networkMode === 'awsvpc' && networkConfiguration === undefined && placement.networkConfiguration === 'required')
    report(path, "Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  if (networkMode !== 'awsvpc' && networkConfiguration !== undefined)
    report(
      [...path, 'networkConfiguration'],
      `found one for networkMode ${networkMode} of "${family}", expected none: it is for awsvpc only`,
    );
}

function checkScaling(scenario: Scenario, report: Report): void {
  for (const [index, target] of scenario.scalableTargets.entries()) {
    const path = ['scalableTargets', index] as const;
    if (target.MinCapacity > target.MaxCapacity)
      report(
        [...path, 'MinCapacity'],
        `found ${target.MinCapacity}, expected at most MaxCapacity, ${target.MaxCapacity}`,
      );
    checkScaled(scenario, target.service, path, report);
    const seen = new Set<string>();
    const active = target.policies.filter(
      (policy) =>
        policy.PolicyType === 'PredictiveScaling' &&
        policy.PredictiveScalingPolicyConfiguration.Mode === 'ForecastAndScale',
    );
    for (const policy of active.slice(1))
      report(
        [...path, 'policies', target.policies.indexOf(policy)],
        'found a second predictive policy in mode ForecastAndScale, expected one at most: the others may be ForecastOnly',
      );
    for (const [place, policy] of target.policies.entries()) {
      const at = [...path, 'policies', place];
      const followed = checkPolicy(scenario, target.service, policy, at, report);
      if (followed === undefined || policy.PolicyType !== 'TargetTrackingScaling') continue;
      if (seen.has(followed))
        report(
          [...at, 'TargetTrackingScalingPolicyConfiguration'],
          'Only one TargetTrackingScaling policy for a given metric specification is allowed.',
        );
      seen.add(followed);
    }
    for (const [place, action] of target.scheduledActions.entries())
      checkScheduledAction(scenario, action, [...path, 'scheduledActions', place], report);
  }
}

/** Policies that Auto Scaling groups have of their own. */
function checkGroupScaling(scenario: Scenario, report: Report): void {
  const ofServices = servicePolicyNames(scenario);
  for (const [index, { AutoScalingGroupName: group, policies }] of scenario.autoScalingGroups.entries()) {
    const seen = new Set<string>();
    for (const [place, policy] of policies.entries()) {
      const path = ['autoScalingGroups', index, 'policies', place];
      const found = groupPolicyProblems(policy);
      for (const problem of found) report([...path, ...problem.path], problem.message);
      const key = groupPolicyKey(group, policy.PolicyName);
      if (ofServices.includes(key))
        report([...path, 'PolicyName'], `found "${key}", which a service has, too, expected a name of its own`);
      const request = found.length > 0 ? undefined : groupPolicyRequest(policyForScaler(policy, group));
      if (request === undefined) continue;
      const tracked = policy.PolicyType === 'TargetTrackingScaling' ? policy.TargetTrackingConfiguration : undefined;
      const specification =
        tracked?.PredefinedMetricSpecification === undefined
          ? 'CustomizedMetricSpecification'
          : 'PredefinedMetricSpecification';
      const at = tracked === undefined ? ['alarm'] : ['TargetTrackingConfiguration', specification];
      checkRequest(scenario, request, [...path, ...at], report);
      if (tracked === undefined) continue;
      if (seen.has(JSON.stringify(request)))
        report(
          [...path, 'TargetTrackingConfiguration'],
          'Only one TargetTrackingScaling policy for a given metric specification is allowed.',
        );
      seen.add(JSON.stringify(request));
    }
  }
}

/** Daemons have as many tasks as there are instances. */
function checkScaled({ services }: Scenario, wanted: string, path: Path, report: Report): void {
  const scaled = services.find(({ serviceName }) => serviceName === wanted);
  if (scaled?.schedulingStrategy === 'DAEMON')
    report([...path, 'service'], `found "${wanted}", a daemon, expected a REPLICA service`);
}

/** @returns what the policy follows, as one text; undefined when that cannot be told */
function checkPolicy(
  scenario: Scenario,
  serviceName: string,
  policy: ScalingPolicyConfig,
  path: Path,
  report: Report,
): string | undefined {
  const { problems, policies, follows } = scalerOf(policy);
  const found = problems(policy);
  for (const problem of found) report([...path, ...problem.path], problem.message);
  const scaled = scenario.services.find((item) => item.serviceName === serviceName);
  if (found.length > 0 || scaled === undefined) return undefined;
  const { clusterName } = scenario.cluster;
  const targetGroups = scaled.loadBalancers.map((loadBalancer) => loadBalancer.targetGroup);
  const [targetGroup] = targetGroups;
  if (policy.PolicyType === 'PredictiveScaling') {
    const at = [...path, 'PredictiveScalingPolicyConfiguration', 'MetricSpecifications', 0];
    const requestOfMetric = (metric: FollowedMetric) => {
      if ('request' in metric) checkRequest(scenario, metric.request, at, report);
      return followedRequest({ clusterName, serviceName, targetGroup }, metric);
    };
    if (forecastRequestsOf(requestOfMetric, forecastMetrics(policy)) === undefined)
      report(at, `found requests of a load balancer, expected service "${serviceName}" to have one`);
    return undefined;
  }
  const [put] = policies(policy);
  const followed = put === undefined ? undefined : follows(put);
  if (followed === undefined) return undefined;
  if ('request' in followed) checkRequest(scenario, followed.request, metricPath(policy, path), report);
  else {
    const { predefined, resourceLabel } = followed;
    const at = [
      ...metricPath(policy, path),
      policy.PolicyType === 'StepScaling' ? 'MetricName' : 'PredefinedMetricType',
    ];
    const labelled = resourceLabel === undefined ? undefined : targetGroupOfLabel(resourceLabel);
    if (labelled !== undefined && !targetGroups.includes(labelled))
      report(
        [...metricPath(policy, path), 'ResourceLabel'],
        `Target group ${labelled} is not attached to resource service/${clusterName}/${serviceName}`,
      );
    const name = predefined.includes('Memory') ? 'MemoryUtilization' : 'CPUUtilization';
    if (predefined.endsWith('HighResolution') && resolutionMs(scaled, name) === MINUTE)
      report(
        at,
        `found ${predefined}, expected service "${serviceName}" to publish ${name} every 20 seconds by its monitoring: High-resolution metrics are not fully enabled on the ECS service.`,
      );
    if (followedRequest({ clusterName, serviceName, targetGroup }, followed) === undefined)
      report(at, `found ${predefined}, expected service "${serviceName}" to have a load balancer`);
  }
  const request = followedRequest({ clusterName, serviceName, targetGroup }, followed);
  return request === undefined ? undefined : JSON.stringify(request);
}

/** Where a policy says which metric it follows. */
function metricPath(policy: ScalingPolicyConfig, path: Path): Path {
  if (policy.PolicyType !== 'TargetTrackingScaling') return [...path, 'alarm'];
  const { PredefinedMetricSpecification: predefined } = policy.TargetTrackingScalingPolicyConfiguration;
  const specification = predefined === undefined ? 'CustomizedMetricSpecification' : 'PredefinedMetricSpecification';
  return [...path, 'TargetTrackingScalingPolicyConfiguration', specification];
}

/** Metrics that are read must be published by someone. */
function checkRequest(scenario: Scenario, request: MetricRequest, path: Path, report: Report): void {
  for (const { metric } of metricsOf(canonicalRequest(request))) {
    const { namespace, name: metricTitle, dimensions } = metricIdentity(metric);
    const problem = metricProblem(metric);
    if (problem !== undefined) {
      report(path, problem);
      continue;
    }
    const isAws = namespace.startsWith('AWS/') || namespace === 'ECS/ContainerInsights';
    const published = publishedMetrics(scenario);
    if (!isAws && !published.includes(metric))
      report(
        path,
        `found ${namespace} ${metricTitle} of ${JSON.stringify(dimensions)}, expected a metric that customMetrics or PutMetricData publishes: ${published.join('; ') || 'there is none'}`,
      );
    if (isAws)
      for (const [dimension, names] of Object.entries(dimensionValues(scenario))) {
        const value = dimensions[dimension];
        if (value !== undefined && !names.includes(value))
          report(path, `found ${dimension} "${value}", expected one of ${names.join(', ') || 'none: there is none'}`);
      }
  }
}

function publishedMetrics({ customMetrics, changes: written }: Scenario): readonly string[] {
  const put = written.flatMap(({ PutMetricData: data }) =>
    data === undefined ? [] : data.MetricData.map((datum) => keyOf({ ...datum, Namespace: data.Namespace })),
  );
  return [...new Set([...customMetrics.map(keyOf), ...put])];
}

/** What dimensions of AWS's metrics may name. */
function dimensionValues(scenario: Scenario): Readonly<Record<string, readonly string[]>> {
  return {
    ClusterName: [scenario.cluster.clusterName],
    ServiceName: scenario.services.map(({ serviceName }) => serviceName),
    AutoScalingGroupName: scenario.autoScalingGroups.map(({ AutoScalingGroupName }) => AutoScalingGroupName),
    TargetGroup: scenario.targetGroups.map(({ Name }) => Name),
    LoadBalancer: [...new Set(scenario.targetGroups.map(({ Name, loadBalancer: before }) => before ?? Name))],
    QueueName: scenario.load.flatMap((item) => queueOf(item)?.QueueName ?? []),
    CapacityProviderName: scenario.capacityProviders.map((provider) => provider.name),
    DiscoveryName: scenario.services.flatMap(({ serviceConnectConfiguration: connect }) =>
      (connect?.services ?? []).map(({ discoveryName, portName }) => discoveryName ?? portName),
    ),
  };
}

function checkScheduledAction(
  { assumptions: { scaling } }: Scenario,
  action: z.output<typeof scheduledAction>,
  path: Path,
  report: Report,
): void {
  const zone = timeZoneProblem(action.Timezone);
  const problem = zone ?? scheduleProblem(action.Schedule, action.Timezone, scaling);
  if (problem !== undefined) report([...path, zone === undefined ? 'Schedule' : 'Timezone'], problem);
  const { StartTime, EndTime } = action;
  if (StartTime !== undefined && EndTime !== undefined && EndTime < StartTime)
    report(
      [...path, 'EndTime'],
      `found ${new Date(EndTime).toISOString()}, expected StartTime, ${new Date(StartTime).toISOString()}, or later`,
    );
  const { MinCapacity, MaxCapacity } = action.ScalableTargetAction;
  if (MinCapacity === undefined && MaxCapacity === undefined)
    report(
      [...path, 'ScalableTargetAction'],
      'found neither MinCapacity nor MaxCapacity: At least one of minimum capacity and maximum capacity should be provided',
    );
  if (MinCapacity !== undefined && MaxCapacity !== undefined && MinCapacity > MaxCapacity)
    report([...path, 'ScalableTargetAction', 'MinCapacity'], `found ${MinCapacity}, expected at most ${MaxCapacity}`);
}

/** Every policy that exists at some time, as `<service>/<policy>` or `<group>/<policy>`. */
function policyNames(scenario: Scenario): readonly string[] {
  const { autoScalingGroups } = scenario;
  return [
    ...servicePolicyNames(scenario),
    ...autoScalingGroups.flatMap(({ AutoScalingGroupName: owner, policies }) =>
      policies.map(({ PolicyName }) => groupPolicyKey(owner, PolicyName)),
    ),
  ];
}

function servicePolicyNames({ scalableTargets, changes: written }: Scenario): readonly string[] {
  return [
    ...scalableTargets.flatMap(({ service: owner, policies }) =>
      policies.flatMap((policy) => namesOf(policy).map((text) => `${owner}/${text}`)),
    ),
    ...written.flatMap(({ PutScalingPolicy: put }) =>
      put === undefined ? [] : namesOf(put.policy).map((text) => `${put.service}/${text}`),
    ),
  ];
}

function checkAlarms(scenario: Scenario, report: Report): void {
  const { alarms, compositeAlarms, customMetrics, changes: written } = scenario;
  for (const [index, alarm] of alarms.entries()) checkAlarm(scenario, alarm, ['alarms', index], report);
  for (const [index, metric] of customMetrics.entries()) {
    const problems = customMetricProblems(metric);
    for (const { path, message } of problems) report(['customMetrics', index, ...path], message);
    if (metric.Namespace.startsWith('AWS/'))
      report(
        ['customMetrics', index, 'Namespace'],
        `found ${metric.Namespace}, expected one of your own: AWS/ is reserved`,
      );
    if (problems.length === 0)
      checkRequest(scenario, requestOf(metric.Metrics), ['customMetrics', index, 'Metrics'], report);
  }
  const known = new Set([
    ...alarms.map(({ AlarmName }) => AlarmName),
    ...compositeAlarms.map(({ AlarmName }) => AlarmName),
    ...written.flatMap(({ PutMetricAlarm: put }) => (put === undefined ? [] : [put.AlarmName])),
  ]);
  const rules = new Map(compositeAlarms.map(({ AlarmName, AlarmRule }) => [AlarmName, AlarmRule]));
  for (const [index, alarm] of compositeAlarms.entries()) {
    for (const { path, message } of compositeAlarmProblems(alarm, known, rules))
      report(['compositeAlarms', index, ...path], message);
    if (alarms.some(({ AlarmName }) => AlarmName === alarm.AlarmName))
      report(
        ['compositeAlarms', index, 'AlarmName'],
        `found "${alarm.AlarmName}" a second time, expected a name of its own`,
      );
  }
}

function checkAlarm(scenario: Scenario, alarm: z.output<typeof metricAlarm>, path: Path, report: Report): void {
  const problems = metricAlarmProblems(alarm);
  for (const problem of problems) report([...path, ...problem.path], problem.message);
  const policies = policyNames(scenario);
  for (const key of ['AlarmActions', 'OKActions', 'InsufficientDataActions'] as const)
    for (const [index, action] of alarm[key].entries()) {
      const called = scalingActionOf(action);
      if (called !== undefined && !policies.includes(`${called.owner}/${called.policyName}`))
        report(
          [...path, key, index],
          `found "${action}", expected the name of a policy, ${policies.join(', ') || 'but there is none'}, or sns:<topic>`,
        );
    }
  if (problems.length === 0)
    checkRequest(
      scenario,
      metricAlarmOf(alarm, () => '').request,
      [...path, alarm.Metrics === undefined ? 'MetricName' : 'Metrics'],
      report,
    );
}

function checkChanges(scenario: Scenario, report: Report): void {
  for (const [index, written] of scenario.changes.entries()) {
    const kinds = changeKinds.filter((kind) => written[kind] !== undefined);
    if (kinds.length !== 1)
      report(
        ['changes', index],
        `found ${kinds.length === 0 ? 'no change' : kinds.join(' and ')}, expected exactly one of ${changeKinds.join(', ')}`,
      );
    for (const kind of kinds) checkChange(scenario, written, ['changes', index, kind], report);
  }
}

function checkGroupUpdate(
  { autoScalingGroups }: Scenario,
  { AutoScalingGroupName: wanted, ...update }: NonNullable<Change['UpdateAutoScalingGroup']>,
  path: Path,
  report: Report,
): void {
  const group = autoScalingGroups.find(({ AutoScalingGroupName }) => AutoScalingGroupName === wanted);
  const names = autoScalingGroups.map(({ AutoScalingGroupName }) => AutoScalingGroupName);
  if (group === undefined)
    report(
      [...path, 'AutoScalingGroupName'],
      `found "${wanted}", expected an Auto Scaling group: ${names.length === 0 ? 'there is none' : `one of ${names.join(', ')}`}`,
    );
  else
    for (const problem of autoScalingGroupProblems(updatedConfig(group, update)))
      report([...path, ...problem.path], problem.message);
}

function checkChange(scenario: Scenario, written: Change, path: Path, report: Report): void {
  const { RegisterScalableTarget: register, PutScheduledAction: action, UpdateAutoScalingGroup: group } = written;
  if (group !== undefined) checkGroupUpdate(scenario, group, path, report);
  const registered = (owner: string) => scenario.scalableTargets.find((target) => target.service === owner);
  if (register !== undefined) {
    checkScaled(scenario, register.service, path, report);
    const before = registered(register.service);
    const { MinCapacity = before?.MinCapacity, MaxCapacity = before?.MaxCapacity } = register;
    if (MinCapacity === undefined || MaxCapacity === undefined)
      report(
        path,
        `found no ${MinCapacity === undefined ? 'MinCapacity' : 'MaxCapacity'}, expected both for a target that is registered first here`,
      );
    else if (MinCapacity > MaxCapacity)
      report(path, `found minimum ${MinCapacity}, expected at most the maximum, ${MaxCapacity}`);
  }
  for (const kind of [
    'SuspendScaling',
    'PutScalingPolicy',
    'PutScheduledAction',
    'DeregisterScalableTarget',
  ] as const) {
    const owner = written[kind]?.service;
    const isRegistered =
      owner === undefined ||
      registered(owner) !== undefined ||
      scenario.changes.some(({ at, RegisterScalableTarget: other }) => other?.service === owner && at <= written.at);
    if (!isRegistered)
      report(
        [...path, 'service'],
        `No scalable target registered for service namespace: ecs, resource ID: service/${scenario.cluster.clusterName}/${owner}, scalable dimension: ecs:service:DesiredCount`,
      );
  }
  if (written.PutScalingPolicy !== undefined)
    checkPolicy(
      scenario,
      written.PutScalingPolicy.service,
      written.PutScalingPolicy.policy,
      [...path, 'policy'],
      report,
    );
  if (action !== undefined) {
    const before = registered(action.service)?.scheduledActions.find(
      ({ ScheduledActionName }) => ScheduledActionName === action.ScheduledActionName,
    );
    const {
      service: _owner,
      Schedule = before?.Schedule,
      ScalableTargetAction = before?.ScalableTargetAction,
      ...rest
    } = action;
    if (Schedule === undefined) report(path, 'found no Schedule, expected one for an action that is put first here');
    else if (ScalableTargetAction === undefined)
      report(path, 'found no ScalableTargetAction, expected one for an action that is put first here');
    else {
      const { Timezone = before?.Timezone ?? 'UTC' } = rest;
      checkScheduledAction(scenario, { ...rest, Schedule, ScalableTargetAction, Timezone }, path, report);
    }
  }
  if (written.PutMetricAlarm !== undefined) checkAlarm(scenario, written.PutMetricAlarm, path, report);
  for (const [place, datum] of (written.PutMetricData?.MetricData ?? []).entries()) {
    const { Value, Values, Counts, Timestamp = written.at } = datum;
    const at = [...path, 'MetricData', place];
    if ((Value === undefined) === (Values === undefined)) report(at, 'expected either Value or Values, and not both');
    if (Counts !== undefined && Counts.length !== Values?.length)
      report(
        [...at, 'Counts'],
        `found ${Counts.length} counts, expected one for each of Values, ${Values?.length ?? 0}`,
      );
    if (Timestamp < written.at - 14 * DAY || Timestamp > written.at + 2 * HOUR)
      report([...at, 'Timestamp'], 'expected an instant from two weeks before to two hours after the change');
  }
}

/** A service takes messages from a queue of its own, or gets requests; not both. */
function checkQueues({ load: loads, services }: Scenario, report: Report): void {
  const taken = new Set<string>();
  for (const [index, item] of loads.entries()) {
    const path = ['load', index] as const;
    const queue = queueOf(item);
    if (queue === undefined) {
      if (item.queue !== undefined)
        report([...path, 'queue'], `found a queue with serving ${item.serving}, expected serving queue`);
      continue;
    }
    if (taken.has(queue.QueueName))
      report([...path, 'queue', 'QueueName'], `found "${queue.QueueName}" a second time, expected a queue of its own`);
    taken.add(queue.QueueName);
    const { perTaskConcurrency } = item.request;
    if (perTaskConcurrency > MOST_HELD_PER_TASK)
      report(
        [...path, 'request', 'perTaskConcurrency'],
        `found ${perTaskConcurrency}, expected at most ${MOST_HELD_PER_TASK} messages at once with serving queue`,
      );
    if (services.some(({ serviceName, loadBalancers }) => serviceName === item.service && loadBalancers.length > 0))
      report(
        [...path, 'serving'],
        `found queue, expected service "${item.service}" to have no load balancer: its tasks poll the queue`,
      );
  }
}
