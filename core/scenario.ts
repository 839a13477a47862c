/**
 * The scenario: what sails. Blocks that AWS has keep AWS's keys and spelling; what AWS does not have is ours, in camelCase.
 * The schema is the definition: types, validation, the published JSON Schema and the defaults follow from it.
 */

import { z } from 'zod';
import {
  scalerOf,
  scalingMetrics,
  scalingPolicy,
  scheduleProblem,
  timeZoneProblem,
  type ScalingPolicyConfig,
} from './autoscaling/index.ts';
import { autoScalingGroup, instanceType, instanceTypeNames } from './ec2/index.ts';
import {
  capacityProvider,
  capacityProviderStrategyItem,
  dependencyCycle,
  fargateCpuSizes,
  fargateMemorySizes,
  isFargate,
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
  type CapacityProviderStrategyItem,
  type ServiceConfig,
} from './ecs/index.ts';
import { targetGroup } from './elb/index.ts';
import { duration, instant, MINUTE, SECOND, type ScenarioProblem } from './kernel/index.ts';
import { load } from './workload/index.ts';

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

const scalableTarget = z.strictObject({
  service: name.describe('serviceName'),
  MinCapacity: capacity,
  MaxCapacity: capacity,
  policies: z.array(scalingPolicy).max(50).default([]),
  scheduledActions: z.array(scheduledAction).max(200).default([]),
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

const actions = {
  UpdateService: serviceUpdate.optional(),
  DeleteService: z.strictObject({ service: name, force: z.boolean().default(false) }).optional(),
  RunTask: runTask.optional(),
  StartTask: startTask.optional(),
  StopTask: z.strictObject({ task: name.describe('task id, such as task-3'), reason: name.optional() }).optional(),
  UpdateTaskProtection: z
    .strictObject({
      service: name.describe('serviceName'),
      tasks: z.array(name).default([]).describe('task ids; every running task of the service when left out'),
      protectionEnabled: z.boolean(),
      expiresInMinutes: z.int().min(1).max(2880).default(120),
    })
    .optional(),
};
const ACTIONS = Object.keys(actions) as readonly (keyof typeof actions)[];

/** One call of the API at an instant. */
const change = z.strictObject({ at: instant, ...actions });

const fault = z.discriminatedUnion('kind', [...taskFaults]);

/** Where AWS is silent, or promises nothing. */
const assumptions = z.strictObject({
  start: z
    .enum(['steady', 'cold'])
    .default('steady')
    .describe('steady: the first instances and tasks are there when the run starts; cold: they have to start'),
  metricDelay: z
    .strictObject({
      service: duration.default(60 * SECOND).describe('end of a period until ECS service metrics can be read'),
      loadBalancer: duration.default(60 * SECOND).describe('the same for load balancer metrics'),
      capacityProvider: duration.default(10 * SECOND).describe('the same for CapacityProviderReservation'),
    })
    .prefault({}),
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
    availabilityZones: z
      .array(name)
      .min(1)
      .default(['us-east-1a', 'us-east-1b', 'us-east-1c'])
      .describe('where Fargate tasks run'),
    capacityProviders: z.array(name).default([]),
    defaultCapacityProviderStrategy: z.array(capacityProviderStrategyItem).default([]),
  }),
  autoScalingGroups: z.array(autoScalingGroup).default([]),
  capacityProviders: z.array(capacityProvider).default([]),
  taskDefinitions: z
    .array(taskDefinition)
    .min(1)
    .describe('a family that is listed again is its next revision: web:1, web:2; web alone is the last one'),
  images: z
    .array(z.strictObject({ name, compressedMiB: z.number().positive().max(100_000) }))
    .default([])
    .describe('ECR: what a pull costs; 200 MiB for an image that is not listed'),
  targetGroups: z.array(targetGroup).default([]),
  services: z.array(service).min(1),
  scalableTargets: z.array(scalableTarget).default([]),
  load: z.array(load).default([]),
  slo: z.array(slo).default([]),
  changes: z.array(change).default([]).describe('what a person or a pipeline does, and when'),
  faults: z.array(fault).default([]).describe('what goes wrong, and when'),
  assumptions: assumptions.prefault({}),
});
/** A scenario as the engine takes it: parsed, every default filled in, times in milliseconds. */
export type Scenario = z.output<typeof scenarioSchema>;
/** A scenario as people write it. */
export type ScenarioInput = z.input<typeof scenarioSchema>;

type Path = readonly (string | number)[];
type Report = (path: Path, message: string) => void;

/** What no schema can see: references that lead nowhere, names used twice, sizes that cannot fit. All of it at once. */
export function scenarioProblems(scenario: Scenario): readonly ScenarioProblem[] {
  const problems: ScenarioProblem[] = [];
  const report: Report = (path, message) => problems.push({ path, message });
  checkTime(scenario, report);
  checkNames(scenario, report);
  checkReferences(scenario, report);
  checkSizes(scenario, report);
  checkScaling(scenario, report);
  return problems;
}

function checkTime({ start, duration: lengthMs, step, changes, faults }: Scenario, report: Report): void {
  if (start % MINUTE !== 0) report(['start'], 'found an instant within a minute, expected a full minute');
  if (lengthMs < MINUTE) report(['duration'], `found ${lengthMs} ms, expected at least 1m`);
  if (step === 0 || MINUTE % step !== 0) report(['step'], `found ${step} ms, expected a length that divides a minute`);
  for (const [list, items] of [
    ['changes', changes],
    ['faults', faults],
  ] as const)
    for (const [index, { at }] of items.entries())
      if (at < start || at > start + lengthMs)
        report([list, index, 'at'], 'found an instant outside the run, expected one between start and end');
}

/** Names that must be told apart, by the list they are in and the key that holds them. */
const NAMED = [
  ['autoScalingGroups', 'AutoScalingGroupName'],
  ['capacityProviders', 'name'],
  ['images', 'name'],
  ['targetGroups', 'Name'],
  ['services', 'serviceName'],
  ['scalableTargets', 'service'],
  ['load', 'service'],
  ['slo', 'service'],
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
}

/** The names of the policies that a written one stands for; its own while they cannot be told. */
function namesOf(policy: ScalingPolicyConfig): readonly string[] {
  const { problems, policies } = scalerOf(policy);
  return problems(policy).length > 0 ? [policy.PolicyName] : policies(policy).map(({ PolicyName }) => PolicyName);
}

function unique(names: readonly string[], path: (index: number) => Path, report: Report): void {
  for (const [index, text] of names.entries())
    if (names.indexOf(text) < index) report(path(index), `found "${text}" a second time, expected a name of its own`);
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
    if (item.capacityProviderStrategy === undefined) continue;
    referStrategy(item.capacityProviderStrategy, [...path, 'capacityProviderStrategy']);
    if (item.launchType !== undefined)
      report(
        [...path, 'launchType'],
        'found a launchType beside a capacityProviderStrategy: Specify either Launch Type or Capacity Provider Strategy, but not both.',
      );
  }
  for (const list of ['scalableTargets', 'load', 'slo'] as const)
    for (const [index, item] of scenario[list].entries()) refer('service', item.service, [list, index, 'service']);
  checkChanges(scenario, refer, referStrategy, report);
  for (const [index, item] of scenario.faults.entries()) {
    if ('service' in item && item.service !== undefined) refer('service', item.service, ['faults', index, 'service']);
    if ('taskDefinition' in item && item.taskDefinition !== undefined)
      refer('task definition', item.taskDefinition, ['faults', index, 'taskDefinition']);
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

function checkChanges(
  scenario: Scenario,
  refer: (kind: 'service' | 'task definition', text: string, path: Path) => void,
  referStrategy: (strategy: readonly CapacityProviderStrategyItem[], path: Path) => void,
  report: Report,
): void {
  // Services as they will be, so that each change is judged by what the ones before it have made of them.
  const configs = new Map(scenario.services.map((item) => [item.serviceName, item]));
  for (const { change: item, index } of inOrder(scenario.changes)) {
    const path = ['changes', index] as const;
    const found = ACTIONS.filter((action) => item[action] !== undefined);
    if (found.length !== 1) {
      const what = found.length === 0 ? 'no action' : found.join(' and ');
      report(path, `found ${what}, expected exactly one of ${ACTIONS.join(', ')}`);
    }
    const { UpdateService: update, DeleteService: deleted, RunTask: run, StartTask: started } = item;
    const { UpdateTaskProtection: protection } = item;
    for (const [action, named] of Object.entries({ UpdateService: update, DeleteService: deleted }))
      if (named !== undefined && !configs.has(named.service)) {
        const known = scenario.services.some(({ serviceName }) => serviceName === named.service);
        if (known)
          report([...path, action, 'service'], `found "${named.service}", which is deleted: Service is not ACTIVE.`);
        else refer('service', named.service, [...path, action, 'service']);
      }
    if (protection !== undefined) refer('service', protection.service, [...path, 'UpdateTaskProtection', 'service']);
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
      const isScaled = scenario.scalableTargets.some((target) => target.service === deleted.service);
      if (desired > 0 && !isScaled && !deleted.force)
        report([...path, 'DeleteService'], 'The service cannot be stopped while it is scaled above 0.');
      configs.delete(deleted.service);
    }
    for (const [action, tasks] of Object.entries({ RunTask: run, StartTask: started }))
      if (tasks !== undefined) refer('task definition', tasks.taskDefinition, [...path, action, 'taskDefinition']);
    if (run === undefined) continue;
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

function inOrder(changes: Scenario['changes']) {
  return changes
    .map((item, index) => ({ change: item, index }))
    .toSorted((a, b) => a.change.at - b.change.at || a.index - b.index);
}

/** A service after an update; and what AWS refuses of it. */
function updated(
  scenario: Scenario,
  before: ServiceConfig,
  update: NonNullable<Scenario['changes'][number]['UpdateService']>,
  path: Path,
  report: Report,
): ServiceConfig {
  const { service: _service, forceNewDeployment: _force, ...changed } = update;
  const given = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined));
  const after: ServiceConfig = { ...before, ...given };
  const known = new Set(serviceProblems(before).map(([, problem]) => problem));
  for (const [key, problem] of serviceProblems(after)) if (!known.has(problem)) report([...path, key], problem);
  if (update.taskDefinition !== undefined || update.capacityProviderStrategy !== undefined)
    checkPlaceable(scenario, after, path, report);
  return after;
}

function checkSizes(scenario: Scenario, report: Report): void {
  for (const [index, group] of scenario.autoScalingGroups.entries()) {
    const path = ['autoScalingGroups', index] as const;
    if (instanceType(group.instanceType) === undefined)
      report(
        [...path, 'instanceType'],
        `found "${group.instanceType}", expected one of the ${instanceTypeNames.length} types of the catalogue, such as m5.large`,
      );
    if (group.MinSize > group.MaxSize)
      report([...path, 'MinSize'], `found ${group.MinSize}, expected at most MaxSize, ${group.MaxSize}`);
    const desired = group.DesiredCapacity ?? group.MinSize;
    if (desired < group.MinSize || desired > group.MaxSize)
      report([...path, 'DesiredCapacity'], `found ${desired}, expected ${group.MinSize} to ${group.MaxSize}`);
  }
  for (const [index, definition] of scenario.taskDefinitions.entries()) {
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
  }
  for (const [index, item] of scenario.services.entries()) checkPlaceable(scenario, item, ['services', index], report);
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
  const names = revisions(scenario);
  const definition =
    scenario.taskDefinitions[names.indexOf(item.taskDefinition)] ??
    scenario.taskDefinitions.findLast(({ family }) => family === item.taskDefinition);
  if (definition === undefined) return;
  const demand = taskDemand(definition);
  const strategy =
    item.capacityProviderStrategy ??
    (item.launchType === undefined && item.schedulingStrategy !== 'DAEMON'
      ? scenario.cluster.defaultCapacityProviderStrategy
      : []);
  const onFargate = item.launchType === 'FARGATE' || strategy.some((entry) => isFargate(entry.capacityProvider));
  const at = [...path, 'taskDefinition'];
  if (scenario.load.some((entry) => entry.service === item.serviceName) && demand.cpuUnits === 0)
    report(at, `found no cpu in "${definition.family}", expected CPU units: its requests need a speed to be served at`);
  if (demand.gpuCount > 0)
    report(
      at,
      `found a GPU requirement in "${definition.family}", expected none: no type of the catalogue offers GPUs`,
    );
  if (onFargate) {
    for (const key of ['placementStrategy', 'placementConstraints'] as const)
      if (item[key].length > 0) report([...path, key], 'found one on Fargate, expected none: Fargate places by itself');
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
  const types = candidates.map((group) => instanceType(group.instanceType)).filter((type) => type !== undefined);
  const fits = types.some(
    (type) =>
      type.vcpu * 1024 >= demand.cpuUnits && type.ecsMemoryMiB >= demand.memoryMiB && type.awsvpcTasks >= demand.enis,
  );
  if (types.length > 0 && !fits) {
    const offers = types.map(
      (type) => `${type.type} registers ${type.vcpu * 1024} CPU units and ${type.ecsMemoryMiB} MiB`,
    );
    report(
      at,
      `found a task of ${demand.cpuUnits} CPU units and ${demand.memoryMiB} MiB, expected one that fits an instance: ${offers.join('; ')}`,
    );
  }
}

function checkScaling(scenario: Scenario, report: Report): void {
  for (const [index, target] of scenario.scalableTargets.entries()) {
    const path = ['scalableTargets', index] as const;
    if (target.MinCapacity > target.MaxCapacity)
      report(
        [...path, 'MinCapacity'],
        `found ${target.MinCapacity}, expected at most MaxCapacity, ${target.MaxCapacity}`,
      );
    const scaled = scenario.services.find(({ serviceName }) => serviceName === target.service);
    if (scaled?.schedulingStrategy === 'DAEMON')
      report([...path, 'service'], `found "${target.service}", a daemon, expected a REPLICA service`);
    const seen = new Set<string>();
    for (const [place, policy] of target.policies.entries()) {
      for (const problem of scalerOf(policy).problems(policy))
        report([...path, 'policies', place, ...problem.path], problem.message);
      const [metric, at] = metricOf(policy, [...path, 'policies', place]);
      if (policy.PolicyType === 'TargetTrackingScaling') {
        if (seen.has(metric))
          report(at, 'Only one TargetTrackingScaling policy for a given metric specification is allowed.');
        seen.add(metric);
      }
      if (scalingMetrics[metric] === 'AWS/ApplicationELB' && scaled?.loadBalancers.length === 0)
        report(at, `found ${metric}, expected service "${target.service}" to have a load balancer`);
    }
    for (const [place, action] of target.scheduledActions.entries()) {
      const at = [...path, 'scheduledActions', place] as const;
      const zone = timeZoneProblem(action.Timezone);
      const problem = zone ?? scheduleProblem(action.Schedule, action.Timezone);
      if (problem !== undefined) report([...at, zone === undefined ? 'Schedule' : 'Timezone'], problem);
      const { StartTime, EndTime } = action;
      if (StartTime !== undefined && EndTime !== undefined && EndTime < StartTime)
        report(
          [...at, 'EndTime'],
          `found ${new Date(EndTime).toISOString()}, expected StartTime, ${new Date(StartTime).toISOString()}, or later`,
        );
      const { MinCapacity, MaxCapacity } = action.ScalableTargetAction;
      if (MinCapacity === undefined && MaxCapacity === undefined)
        report([...at, 'ScalableTargetAction'], 'found neither MinCapacity nor MaxCapacity, expected at least one');
      if (MinCapacity !== undefined && MaxCapacity !== undefined && MinCapacity > MaxCapacity)
        report([...at, 'ScalableTargetAction', 'MinCapacity'], `found ${MinCapacity}, expected at most ${MaxCapacity}`);
    }
  }
}

/** The metric that a policy follows, and where it is written. */
function metricOf(policy: ScalingPolicyConfig, path: Path): readonly [keyof typeof scalingMetrics, Path] {
  if (policy.PolicyType === 'StepScaling') return [policy.alarm.MetricName, [...path, 'alarm', 'MetricName']];
  const { PredefinedMetricType } = policy.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification;
  return [
    PredefinedMetricType,
    [...path, 'TargetTrackingScalingPolicyConfiguration', 'PredefinedMetricSpecification', 'PredefinedMetricType'],
  ];
}
