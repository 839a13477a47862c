/** A scenario as the doctor reads it: services with all that belongs to them, and what will be asked of them. */

import {
  definitionOf,
  keyedRng,
  MINUTE,
  registeredResources,
  SECOND,
  taskDemand,
  typesOf,
  type LoadConfig,
  type Millis,
  type Scenario,
  type TaskDefinition,
  type TaskDemand,
  type TraceSeries,
} from '../../core/index.ts';
import { onDemandShare } from '../../core/ec2/index.ts';
import {
  healthyPercents,
  IDLE_MEMORY_SHARE,
  isFargate,
  isTrunked,
  type CapacityProviderStrategyItem,
} from '../../core/ecs/index.ts';
import { deregistrationDelayMs, healthCheckTimeoutMs } from '../../core/elb/index.ts';
import { requestsOffered, Workers } from '../../core/workload/index.ts';

type ItemOf<List extends readonly unknown[]> = List[number];
export type ServiceConfig = ItemOf<Scenario['services']>;
export type ScalableTarget = ItemOf<Scenario['scalableTargets']>;

/** An item of a list of the scenario, and its place there. */
export interface Listed<Item> {
  readonly config: Item;
  readonly index: number;
}

export interface GroupFacts extends Listed<ItemOf<Scenario['autoScalingGroups']>> {
  readonly name: string;
  readonly provider: Listed<ItemOf<Scenario['capacityProviders']>> | undefined;
  /** The most instances that it comes to have: MaxSize where something scales it, else what it is given. */
  readonly mostInstances: number;
  /** Managed scaling, or policies of its own, change its size. */
  readonly isScaled: boolean;
  /** What an instance offers to tasks that are no daemon's, by type. */
  readonly offers: readonly Offer[];
  readonly allSpot: boolean;
}

export interface Offer extends Pick<TaskDemand, 'cpuUnits' | 'memoryMiB' | 'gpuCount' | 'enis'> {
  readonly type: string;
}

export interface TargetGroupFacts extends Listed<ItemOf<Scenario['targetGroups']>> {
  readonly timeoutMs: Millis;
  readonly drainsMs: Millis;
}

export interface LoadFacts extends Listed<LoadConfig> {
  /** What a request costs with the revision that the run starts with. */
  readonly request: LoadConfig['request'];
  /** Requests per second, from the start of the run on, each over `lookMs`: a minute, more in runs of more than two weeks. */
  readonly rates: readonly number[];
  readonly lookMs: Millis;
  readonly peakRps: number;
  readonly peakAtMs: Millis;
  /** Time that the mean work of a request takes at a task that has nothing else to do, and its other wait with it. */
  readonly workMs: number;
  readonly aloneMs: number;
  /** What a task can answer at the most. */
  readonly taskRps: number;
  /** CPUUtilization at that rate: below 100 where places are held without work. */
  readonly mostCpuPercent: number;
  /** MemoryUtilization without a request. */
  readonly idleMemoryPercent: number;
}

export interface ServiceFacts extends Listed<ServiceConfig> {
  readonly name: string;
  readonly definition: TaskDefinition;
  readonly definitionIndex: number;
  readonly demand: TaskDemand;
  readonly load: LoadFacts | undefined;
  readonly target: Listed<ScalableTarget> | undefined;
  /** Fewest and most tasks that it may desire, by its target, its schedule and the changes of the scenario. */
  readonly leastTasks: number;
  readonly mostTasks: number;
  readonly minimumHealthyPercent: number;
  readonly maximumPercent: number;
  readonly onFargate: boolean;
  /** Empty for the launch type EC2. */
  readonly strategy: readonly CapacityProviderStrategyItem[];
  readonly strategyPath: readonly (string | number)[];
  /** Whose instances it may run on. */
  readonly groups: readonly GroupFacts[];
  readonly targetGroups: readonly TargetGroupFacts[];
  /** From the start of its containers until the application answers a health check. */
  readonly startupMs: Millis;
}

export interface Facts {
  readonly scenario: Scenario;
  readonly endMs: Millis;
  readonly services: readonly ServiceFacts[];
  readonly groups: readonly GroupFacts[];
}

type Traces = ReadonlyMap<string, TraceSeries>;

/** @param scenario  one without problems */
export function factsOf(scenario: Scenario, traces: Traces): Facts {
  const groups = groupsOf(scenario);
  return {
    scenario,
    endMs: scenario.start + scenario.duration,
    groups,
    services: scenario.services.map((config, index) => serviceOf(scenario, traces, groups, config, index)),
  };
}

function listed<Item>(list: readonly Item[], wanted: (item: Item) => boolean): Listed<Item> | undefined {
  const index = list.findIndex(wanted);
  return index === -1 ? undefined : { config: list[index] as Item, index };
}

function groupsOf(scenario: Scenario): readonly GroupFacts[] {
  const trunked = isTrunked(scenario.accountSettings.awsvpcTrunking, scenario.assumptions.placement.agentVersion);
  return scenario.autoScalingGroups.map((config, index) => {
    const { AutoScalingGroupName: name, MinSize, MaxSize, DesiredCapacity = MinSize } = config;
    const provider = listed(
      scenario.capacityProviders,
      ({ autoScalingGroupProvider }) => autoScalingGroupProvider.autoScalingGroup === name,
    );
    const managed = provider?.config.autoScalingGroupProvider.managedScaling.status === 'ENABLED';
    const isScaled = managed || config.policies.length > 0;
    const updates = scenario.changes.flatMap(({ UpdateAutoScalingGroup: update }) =>
      update?.AutoScalingGroupName === name ? [update] : [],
    );
    const sizes = updates.flatMap(({ MaxSize: most, MinSize: least, DesiredCapacity: desired }) =>
      isScaled ? [most] : [desired, least],
    );
    const daemons = daemonsOf(scenario, provider?.config.name);
    return {
      config,
      index,
      name,
      provider,
      isScaled,
      mostInstances: Math.max(isScaled ? MaxSize : DesiredCapacity, ...sizes.map((size) => size ?? 0)),
      offers: typesOf(config).flatMap((type) => {
        const offer = registeredResources(type, config.ecsConfig, trunked);
        return offer === undefined ? [] : [{ ...less(offer, daemons), type }];
      }),
      allSpot: MaxSize > 0 && onDemandShare(config, MaxSize) === 0,
    };
  });
}

/** What the daemons of a capacity provider take from each of its instances; those without constraints, which run on all. */
function daemonsOf(scenario: Scenario, provider: string | undefined): readonly TaskDemand[] {
  return scenario.services.flatMap((service) => {
    const { capacityProviderStrategy: strategy, schedulingStrategy, placementConstraints, taskDefinition } = service;
    const definition = definitionOf(scenario, taskDefinition);
    const runsThere = strategy?.some((item) => item.capacityProvider === provider) ?? true;
    if (schedulingStrategy !== 'DAEMON' || definition === undefined || !runsThere) return [];
    return placementConstraints.length + definition.placementConstraints.length > 0 ? [] : [taskDemand(definition)];
  });
}

function less(offer: Omit<Offer, 'type'>, taken: readonly TaskDemand[]): Omit<Offer, 'type'> {
  const left = (key: keyof Omit<Offer, 'type'>) => offer[key] - taken.reduce((sum, demand) => sum + demand[key], 0);
  return {
    cpuUnits: left('cpuUnits'),
    memoryMiB: left('memoryMiB'),
    gpuCount: left('gpuCount'),
    enis: left('enis'),
  };
}

function serviceOf(
  scenario: Scenario,
  traces: Traces,
  groups: readonly GroupFacts[],
  config: ServiceConfig,
  index: number,
): ServiceFacts {
  const { serviceName: name, launchType, capacityProviderStrategy, schedulingStrategy } = config;
  const definition = definitionOf(scenario, config.taskDefinition) as TaskDefinition; // the scenario has no problems
  const demand = taskDemand(definition);
  const load = listed(scenario.load, ({ service }) => service === name);
  const isDefault = capacityProviderStrategy === undefined;
  const fromCluster = launchType === undefined && schedulingStrategy !== 'DAEMON';
  const strategy = capacityProviderStrategy ?? (fromCluster ? scenario.cluster.defaultCapacityProviderStrategy : []);
  const onFargate = launchType === 'FARGATE' || strategy.some((item) => isFargate(item.capacityProvider));
  const providers = strategy.map(({ capacityProvider }) => capacityProvider);
  const behavior = definition.containerDefinitions.map((container) => container.behavior?.answersAfter ?? 0);
  return {
    config,
    index,
    name,
    definition,
    definitionIndex: scenario.taskDefinitions.indexOf(definition),
    demand,
    load: load === undefined ? undefined : loadOf(scenario, traces, load, definition, demand),
    target: listed(scenario.scalableTargets, ({ service }) => service === name),
    ...tasksOf(scenario, config),
    ...healthyPercents(config),
    onFargate,
    strategy,
    strategyPath: isDefault
      ? ['cluster', 'defaultCapacityProviderStrategy']
      : ['services', index, 'capacityProviderStrategy'],
    groups: onFargate
      ? []
      : groups.filter(({ provider }) => providers.length === 0 || providers.includes(provider?.config.name ?? '')),
    targetGroups: config.loadBalancers.flatMap(({ targetGroup }) => {
      const group = listed(scenario.targetGroups, ({ Name }) => Name === targetGroup);
      if (group === undefined) return [];
      const [timeoutMs, drainsMs] = [healthCheckTimeoutMs(group.config), deregistrationDelayMs(group.config)];
      return [{ ...group, timeoutMs, drainsMs }];
    }),
    startupMs: Math.max(load?.config.startup ?? 0, ...behavior),
  };
}

function tasksOf({ scalableTargets, changes }: Scenario, { serviceName, desiredCount = 0 }: ServiceConfig) {
  const target = scalableTargets.find(({ service }) => service === serviceName);
  const actions = [
    ...(target?.scheduledActions.map(({ ScalableTargetAction: bounds }) => bounds) ?? []),
    ...changes.flatMap(({ RegisterScalableTarget: put, PutScheduledAction: action }) => [
      ...(put?.service === serviceName ? [put] : []),
      ...(action?.service === serviceName && action.ScalableTargetAction !== undefined
        ? [action.ScalableTargetAction]
        : []),
    ]),
  ];
  const desired = changes.flatMap(({ UpdateService: update }) =>
    update?.service === serviceName && update.desiredCount !== undefined ? [update.desiredCount] : [],
  );
  const isScaled = target !== undefined || actions.length > 0;
  const minima = actions.flatMap(({ MinCapacity }) => MinCapacity ?? []);
  const maxima = actions.flatMap(({ MaxCapacity }) => MaxCapacity ?? []);
  const own = isScaled ? [] : [desiredCount, ...desired];
  return {
    leastTasks: Math.min(...own, ...minima, target?.MinCapacity ?? Number.POSITIVE_INFINITY),
    mostTasks: Math.max(...own, ...maxima, target?.MaxCapacity ?? 0),
  };
}

function loadOf(
  scenario: Scenario,
  traces: Traces,
  { config, index }: Listed<LoadConfig>,
  { application }: TaskDefinition,
  { cpuUnits, memoryMiB }: TaskDemand,
): LoadFacts {
  const vcpus = cpuUnits / 1024;
  const request = { ...config.request, cpuMs: config.request.cpuMs * (application?.workFactor ?? 1) };
  const workMs = request.cpuMs / Math.min(1, vcpus);
  const workers = config.serving === 'queue' ? new Workers(1, cpuUnits, request) : undefined;
  const busyVcpus = Math.min(vcpus, request.perTaskConcurrency);
  const taskRps = workers === undefined ? (busyVcpus * SECOND) / request.cpuMs : workers.perMs * SECOND;
  const idleMiB = config.memory.idleMiB ?? memoryMiB * IDLE_MEMORY_SHARE;
  return {
    config,
    index,
    request,
    ...ratesOf(scenario, traces, config),
    workMs,
    aloneMs: workMs + request.otherMs,
    taskRps,
    mostCpuPercent: (100 * taskRps * request.cpuMs) / SECOND / vcpus,
    idleMemoryPercent: Math.min(100, (100 * idleMiB) / memoryMiB),
  };
}

/** Intervals at which the load of a run is looked at, at the most: two weeks of minutes. */
const MOST_LOOKS = 20_160;

function ratesOf({ start, duration, seed }: Scenario, traces: Traces, { service, rate }: LoadConfig) {
  const rng = keyedRng(seed);
  const lookMs = MINUTE * Math.ceil(duration / MINUTE / MOST_LOOKS);
  const rates = Array.from({ length: Math.ceil(duration / lookMs) }, (_, look) => {
    const fromMs = start + look * lookMs;
    const context = { traces, startMs: start, draws: rng.at(`doctor.${service}`, look) };
    return (requestsOffered(rate, fromMs, fromMs + lookMs, context) * SECOND) / lookMs;
  });
  const peakRps = rates.reduce((most, rps) => Math.max(most, rps), 0);
  return { rates, lookMs, peakRps, peakAtMs: start + Math.max(0, rates.indexOf(peakRps)) * lookMs };
}
