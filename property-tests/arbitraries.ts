/** What the laws are tried on: whole scenarios, alarms' periods, clusters with something on them. All of it valid. */

import fc from 'fast-check';
import { instanceType, type Instance } from '../core/ec2/index.ts';
import type { ContainerInstance, TaskDemand } from '../core/ecs/index.ts';
import { hostPorts } from '../core/ecs/index.ts';
import type { Slot } from '../core/cloudwatch/index.ts';
import { HOUR, MINUTE, SECOND, type Millis } from '../core/kernel/index.ts';
import { scenarioSchema, type Scenario, type ScenarioInput } from '../core/scenario.ts';

const MONDAY: Millis = Date.UTC(2030, 0, 7);
const CLUSTER = 'demo';
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];

type Part<Key extends keyof ScenarioInput> =
  NonNullable<ScenarioInput[Key]> extends readonly (infer Item)[] ? Item : never;
type Service = Part<'services'>;
type Policy = NonNullable<Part<'scalableTargets'>['policies']>[number];
type ScheduledAction = NonNullable<Part<'scalableTargets'>['scheduledActions']>[number];

const seconds = (count: number): string => `${count}s`;
const iso = (atMs: Millis): string => new Date(atMs).toISOString();
const percent = fc.integer({ min: 1, max: 100 });
/** Where in a run: evenly, which `fc.double` is not, for most of its doubles are next to 0. */
const share = fc.integer({ min: 0, max: 1_000 }).map((thousandths) => thousandths / 1_000);

/** An Auto Scaling group, and the capacity provider in front of it. */
const fleet = fc.record({
  instanceType: fc.constantFrom('t3.small', 't3.medium', 'm5.large', 'c5.xlarge', 'm5.xlarge'),
  zones: fc.integer({ min: 1, max: 3 }),
  minSize: fc.integer({ min: 0, max: 2 }),
  spare: fc.integer({ min: 0, max: 6 }),
  desired: fc.nat({ max: 6 }),
  protectedFromScaleIn: fc.boolean(),
  managedScaling: fc.record({
    status: fc.constantFrom('ENABLED', 'ENABLED', 'ENABLED', 'DISABLED'),
    targetCapacity: fc.oneof(fc.constant(100), percent),
    minimumScalingStepSize: fc.constantFrom(1, 1, 2),
    maximumScalingStepSize: fc.constantFrom(1, 3, 10_000),
    instanceWarmupPeriod: fc.constantFrom(0, 60, 300),
  }),
  managedTerminationProtection: fc.constantFrom('ENABLED', 'DISABLED'),
  managedDraining: fc.constantFrom('ENABLED', 'ENABLED', 'DISABLED'),
});

const placementRule = fc.oneof(
  fc.record({
    type: fc.constant('spread' as const),
    field: fc.constantFrom('attribute:ecs.availability-zone', 'instanceId', 'host', 'attribute:ecs.instance-type'),
  }),
  fc.record({ type: fc.constant('binpack' as const), field: fc.constantFrom('cpu' as const, 'memory' as const) }),
  fc.record({ type: fc.constant('random' as const) }),
);

/** Everything about one service but its name: its tasks, where they run, how it scales, what comes to it. */
const servicePlan = fc.record({
  where: fc.constantFrom('fargate', 'fargateMix', 'provider', 'provider', 'twoProviders', 'ec2'),
  fleet: fc.nat({ max: 1 }),
  base: fc.nat({ max: 3 }),
  weights: fc.tuple(fc.nat({ max: 4 }), fc.integer({ min: 1, max: 4 })),
  fargateSize: fc.constantFrom([256, 512], [512, 1024], [1024, 2048]),
  cpu: fc.constantFrom(64, 128, 256, 512),
  memory: fc.constantFrom(64, 128, 300, 512),
  soft: fc.boolean(),
  networkMode: fc.constantFrom('bridge', 'bridge', 'awsvpc', 'host'),
  staticPort: fc.constantFrom(false, false, false, true),
  architecture: fc.constantFrom('X86_64', 'ARM64'),
  imageMiB: fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined }),
  desired: fc.integer({ min: 0, max: 8 }),
  strategies: fc.oneof(fc.array(placementRule, { maxLength: 3 }), fc.array(placementRule, { maxLength: 0 })),
  distinct: fc.constantFrom(false, false, false, true),
  loadBalancer: fc.option(
    fc.record({ interval: fc.constantFrom(5, 10, 30), deregistrationDelay: fc.constantFrom(0, 5, 60, 300) }),
    { nil: undefined },
  ),
  minimumHealthy: fc.constantFrom(0, 50, 75, 100),
  maximum: fc.constantFrom(100, 100, 125, 150, 200, 200),
  /** Only where instances of its own choice are there, and not for the first service. */
  daemon: fc.constantFrom(false, false, true),
  grace: fc.constantFrom(undefined, undefined, 60),
  rebalancing: fc.constantFrom(undefined, undefined, undefined, 'DISABLED' as const),
  breaker: fc.option(
    fc.record({ rollback: fc.boolean(), resetOnHealthyTask: fc.boolean(), count: fc.integer({ min: 1, max: 4 }) }),
    { nil: undefined },
  ),
  /** A container that starts before the application, and how the application is checked. */
  container: fc.record({
    helper: fc.constantFrom(undefined, undefined, 'init', 'sidecar', 'broken'),
    check: fc.option(fc.record({ interval: fc.constantFrom(5, 30), retries: fc.constantFrom(1, 3) }), {
      nil: undefined,
      freq: 2,
    }),
    answersAfter: fc.constantFrom(undefined, 2, 45),
    stopsIn: fc.constantFrom(undefined, 5, 90),
  }),
  /** The second revision, which `changes` deploy. */
  next: fc.record({
    cpuTimes: fc.constantFrom(1, 1, 2),
    workFactor: fc.constantFrom(1, 1, 1.5),
    flaw: fc.constantFrom(undefined, undefined, 'exits', 'unhealthy', 'outOfMemory'),
  }),
  scaling: fc.option(
    fc.record({
      min: fc.nat({ max: 4 }),
      room: fc.nat({ max: 16 }),
      policies: fc.uniqueArray(
        fc.record({
          metric: fc.constantFrom('CPUUtilization', 'MemoryUtilization', 'RequestCount'),
          target: fc.integer({ min: 15, max: 90 }),
          perTarget: fc.integer({ min: 20, max: 2_000 }),
          outCooldown: fc.constantFrom(0, 30, 60, 300),
          inCooldown: fc.constantFrom(0, 60, 300),
          disableScaleIn: fc.constantFrom(false, false, true),
        }),
        { maxLength: 3, selector: ({ metric }) => metric },
      ),
      steps: fc.array(
        fc.record({
          shape: fc.constantFrom('above', 'below', 'intervals'),
          metric: fc.constantFrom('CPUUtilization', 'MemoryUtilization', 'RequestCountPerTarget', 'TargetResponseTime'),
          level: fc.constantFrom(0.2, 0.5, 0.8),
          type: fc.constantFrom('ChangeInCapacity', 'PercentChangeInCapacity'),
          sizes: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 20, max: 60 })),
          aggregation: fc.constantFrom('Average', 'Minimum', 'Maximum'),
          /** Three minutes of breaching at least, as a law about rises expects of every alarm. */
          window: fc.constantFrom({ minutes: 1, periods: 3 }, { minutes: 1, periods: 4 }, { minutes: 5, periods: 1 }),
          missing: fc.constantFrom('missing', 'ignore', 'notBreaching'),
          cooldown: fc.constantFrom(0, 60, 300),
        }),
        { maxLength: 2 },
      ),
      actions: fc.array(
        fc.record({
          kind: fc.constantFrom('at', 'rate', 'cron'),
          minute: fc.integer({ min: 1, max: 360 }),
          every: fc.constantFrom(7, 30, 90),
          zone: fc.constantFrom('UTC', 'America/New_York', 'Asia/Kolkata', 'Etc/GMT+9'),
          min: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
          max: fc.option(fc.integer({ min: 6, max: 20 }), { nil: undefined }),
        }),
        { maxLength: 2 },
      ),
    }),
    { nil: undefined, freq: 6 },
  ),
  load: fc.option(
    fc.record({
      serving: fc.constantFrom('fluid', 'fluid', 'fluid', 'requests'),
      routing: fc.constantFrom('round_robin', 'random'),
      arrivals: fc.constantFrom('poisson', 'even'),
      cpuMs: fc.constantFrom(1, 20, 100, 400),
      variation: fc.constantFrom(0, 0.5, 1, 2),
      otherMs: fc.constantFrom(0, 30, 2_000),
      timeoutMs: fc.constantFrom(500, 10_000),
      concurrency: fc.constantFrom(1, 8, 64),
      queued: fc.constantFrom(0, 10, 200),
      perRequestMiB: fc.constantFrom(0, 0.5, 8),
      startup: fc.constantFrom(0, 3, 20),
      /** Offered CPU, in vCPUs: what the service has to be sized for. */
      work: fc.double({ min: 0, max: 3, noNaN: true }),
      model: fc.constantFrom('constant', 'diurnal', 'poisson'),
      bursts: fc.array(
        fc.record({
          atMinute: fc.integer({ min: 0, max: 200 }),
          rise: fc.constantFrom(0, 60, 600),
          hold: fc.constantFrom(60, 1_800),
          fall: fc.constantFrom(0, 300),
          times: fc.double({ min: 0.5, max: 4, noNaN: true }),
        }),
        { maxLength: 2 },
      ),
    }),
    { nil: undefined, freq: 8 },
  ),
});
type ServicePlan = typeof servicePlan extends fc.Arbitrary<infer Plan> ? Plan : never;
type Fleet = typeof fleet extends fc.Arbitrary<infer Plan> ? Plan : never;

const plan = fc.record({
  seed: fc.nat({ max: 1_000_000 }),
  startMinute: fc.nat({ max: 7 * 24 * 60 }),
  minutes: fc.integer({ min: 30, max: 360 }),
  step: fc.constantFrom('2.5s', '4s', '5s', '7.5s', '10s', '10s', '15s', '20s', '30s', '60s'),
  start: fc.constantFrom('steady', 'steady', 'cold'),
  delays: fc.constantFrom(['60s', '60s', '10s'], ['0s', '0s', '0s'], ['25s', '150s', '61s']),
  zones: fc.integer({ min: 1, max: 3 }),
  fleets: fc.array(fleet, { maxLength: 2 }),
  services: fc.array(servicePlan, { minLength: 1, maxLength: 3 }),
  defaultStrategy: fc.boolean(),
  /** What most of the changes are about: what is drawn together meets more often than what is drawn apart. */
  theme: fc.constantFrom(undefined, undefined, 'deploy', 'protect', 'scale'),
  changes: fc.array(
    fc.record({
      service: fc.nat({ max: 2 }),
      at: share,
      kind: fc.constantFrom(
        'scale',
        'scale',
        'deploy',
        'deploy',
        'configure',
        'protect',
        'run',
        'start',
        'stop',
        'delete',
      ),
      desired: fc.nat({ max: 10 }),
      revision: fc.constantFrom(1, 2, 2),
      count: fc.integer({ min: 1, max: 4 }),
      yes: fc.boolean(),
    }),
    { maxLength: 5 },
  ),
  faults: fc.array(
    fc.record({
      service: fc.nat({ max: 2 }),
      at: share,
      minutes: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined, freq: 4 }),
      kind: fc.constantFrom(
        'ImageMissing',
        'PullTimeout',
        'SlowPull',
        'ContainerExit',
        'OutOfMemory',
        'HealthCheckFails',
        'AgentDisconnected',
      ),
      after: fc.constantFrom(20, 120),
    }),
    { maxLength: 2 },
  ),
});
type Plan = typeof plan extends fc.Arbitrary<infer Drawn> ? Drawn : never;

/** Whole scenarios, as people write them. Every draw is valid; a test of `laws.test.ts` says so. */
export const scenarioInputs: fc.Arbitrary<ScenarioInput> = plan.map(scenarioOf);

/** Parsed, as the engine takes them. */
export const scenarios: fc.Arbitrary<Scenario> = scenarioInputs.map((input) => scenarioSchema.parse(input));

export const endOf = ({ start, duration }: Scenario): Millis => start + duration;

const fleetName = (index: number): string => `fleet-${index}`;
const groupName = (index: number): string => `group-${index}`;
const serviceName = (index: number): string => `service-${index}`;

function scenarioOf(drawn: Plan): ScenarioInput {
  const startMs = MONDAY + drawn.startMinute * MINUTE;
  const lengthMs = drawn.minutes * MINUTE;
  const [service, loadBalancer, capacityProvider] = drawn.delays as [string, string, string];
  const places = drawn.services.map((item) => placeOf(item, drawn.fleets.length));
  const providers = drawn.fleets.map((_, index) => fleetName(index));
  return {
    name: 'drawn',
    start: iso(startMs),
    duration: `${drawn.minutes}m`,
    seed: drawn.seed,
    step: drawn.step,
    cluster: {
      clusterName: CLUSTER,
      availabilityZones: ZONES.slice(0, drawn.zones),
      capacityProviders: ['FARGATE', 'FARGATE_SPOT', ...providers],
      defaultCapacityProviderStrategy: drawn.defaultStrategy ? [{ capacityProvider: 'FARGATE', weight: 1 }] : [],
    },
    autoScalingGroups: drawn.fleets.map(groupOf),
    capacityProviders: drawn.fleets.map((item, index) => ({
      name: fleetName(index),
      autoScalingGroupProvider: {
        autoScalingGroup: groupName(index),
        managedScaling: item.managedScaling as { status: 'ENABLED' },
        managedTerminationProtection: item.managedTerminationProtection as 'ENABLED',
        managedDraining: item.managedDraining as 'ENABLED',
      },
    })),
    taskDefinitions: drawn.services.flatMap((item, index) => {
      const place = places[index] as Place;
      return [taskDefinitionOf(item, index, place, false), taskDefinitionOf(item, index, place, true)];
    }),
    images: drawn.services.flatMap(({ imageMiB }, index) =>
      imageMiB === undefined ? [] : [{ name: `image-${index}`, compressedMiB: imageMiB }],
    ),
    targetGroups: drawn.services.flatMap(({ loadBalancer: behind }, index) =>
      behind === undefined
        ? []
        : [
            {
              Name: `targets-${index}`,
              HealthCheckIntervalSeconds: behind.interval,
              deregistrationDelaySeconds: behind.deregistrationDelay,
            },
          ],
    ),
    services: drawn.services.map((item, index) => serviceOf(item, index, places[index] as Place)),
    scalableTargets: drawn.services.flatMap((item, index) =>
      isDaemon(item, index, places[index] as Place) ? [] : scalableTargetOf(item, index, startMs),
    ),
    load: drawn.services.flatMap((item, index) => loadOf(item, index, startMs)),
    slo: [{ service: serviceName(0), latencyP99Ms: 400, availabilityPercent: 99.9 }],
    ...happeningsOf(drawn, places, startMs, lengthMs),
    assumptions: {
      start: drawn.start as 'steady',
      metricDelay: { service, loadBalancer, capacityProvider },
    },
  };
}

/** Daemons run where instances do; the first service stays a replica service, so that tests can scale it. */
function isDaemon({ daemon }: ServicePlan, index: number, place: Place): boolean {
  return daemon && index > 0 && (place === 'ec2' || typeof place === 'object');
}

function happeningsOf(
  drawn: Plan,
  places: readonly Place[],
  startMs: Millis,
  lengthMs: Millis,
): Pick<ScenarioInput, 'changes' | 'faults'> {
  const atOf = (part: number) => iso(startMs + Math.floor(part * lengthMs));
  const gone = new Set<number>();
  const ordered = drawn.changes.toSorted((a, b) => a.at - b.at);
  const changes = ordered.flatMap((change): Part<'changes'>[] => {
    const index = change.service % drawn.services.length;
    const item = drawn.services[index] as ServicePlan;
    const place = places[index] as Place;
    const daemon = isDaemon(item, index, place);
    const at = atOf(change.at);
    const family = `family-${index}`;
    const name = serviceName(index);
    const { yes, count } = change;
    const kind = drawn.theme !== undefined && count > 1 ? drawn.theme : change.kind;
    const isOnInstances = place !== 'fargate' && place !== 'fargateMix';
    if (kind === 'run')
      return [
        { at, RunTask: { taskDefinition: family, count, ...(daemon ? { launchType: 'EC2' } : whereOf(item, place)) } },
      ];
    if (kind === 'start' && isOnInstances)
      return [{ at, StartTask: { taskDefinition: `${family}:1`, containerInstances: [`i-${'1'.padStart(17, '0')}`] } }];
    if (kind === 'stop') return [{ at, StopTask: { task: `task-${count * (change.desired + 1)}` } }];
    if (gone.has(index)) return [];
    switch (kind) {
      case 'deploy':
        return [
          {
            at,
            UpdateService: { service: name, taskDefinition: `${family}:${change.revision}`, forceNewDeployment: yes },
          },
        ];
      case 'configure':
        return [{ at, UpdateService: { service: name, healthCheckGracePeriodSeconds: count * 30 } }];
      case 'protect': {
        const UpdateTaskProtection = { service: name, protectionEnabled: yes, expiresInMinutes: count * 10 };
        // Of all, and then fewer are desired; or of one task, which may be gone.
        if (count === 2)
          return [{ at, UpdateTaskProtection: { ...UpdateTaskProtection, tasks: [`task-${change.desired}`] } }];
        const lower = { at, UpdateService: { service: name, desiredCount: 0 } };
        return daemon ? [{ at, UpdateTaskProtection }] : [{ at, UpdateTaskProtection }, lower];
      }
      case 'delete':
        if (index === 0) return [];
        gone.add(index);
        return [{ at, DeleteService: { service: name, force: true } }];
      default:
        return daemon ? [] : [{ at, UpdateService: { service: name, desiredCount: change.desired } }];
    }
  });
  const faults = drawn.faults.map(({ service, at, minutes, kind, after }): Part<'faults'> => {
    const index = service % drawn.services.length;
    const when = { at: atOf(at), ...(minutes === undefined ? {} : { for: `${minutes}m` }) };
    const whom = { service: serviceName(index) };
    switch (kind) {
      case 'ImageMissing':
        return { kind, ...when, image: `image-${index}` };
      case 'PullTimeout':
        return { kind, ...when, image: `image-${index}` };
      case 'SlowPull':
        return { kind, ...when };
      case 'HealthCheckFails':
        return { kind, ...when, ...whom };
      case 'AgentDisconnected':
        return { kind, ...when };
      case 'OutOfMemory':
        return { kind, ...when, taskDefinition: `family-${index}:1`, after: seconds(after) };
      default:
        return { kind: 'ContainerExit', ...when, ...whom, after: seconds(after) };
    }
  });
  return { changes, faults };
}

type Place = 'fargate' | 'fargateMix' | 'twoProviders' | 'ec2' | { readonly provider: number };

/** Where a service can really run, given how many groups there are. */
function placeOf({ where, fleet: wanted }: ServicePlan, fleets: number): Place {
  if (where === 'fargate' || where === 'fargateMix') return where;
  if (fleets === 0) return 'fargate';
  if (where === 'ec2') return 'ec2';
  return where === 'twoProviders' && fleets === 2 ? 'twoProviders' : { provider: wanted % fleets };
}

function groupOf({ instanceType: type, zones, minSize, spare, desired, protectedFromScaleIn }: Fleet, index: number) {
  return {
    AutoScalingGroupName: groupName(index),
    AvailabilityZones: ZONES.slice(0, zones),
    MinSize: minSize,
    MaxSize: minSize + spare,
    DesiredCapacity: minSize + (spare === 0 ? 0 : desired % (spare + 1)),
    instanceType: type,
    NewInstancesProtectedFromScaleIn: protectedFromScaleIn,
    ecsConfig: { ECS_CLUSTER: CLUSTER },
  };
}

function taskDefinitionOf(item: ServicePlan, index: number, place: Place, isNext: boolean): Part<'taskDefinitions'> {
  const onFargate = place === 'fargate' || place === 'fargateMix';
  const image = `image-${index}`;
  const [fargateCpu, fargateMemory] = item.fargateSize as [number, number];
  const cpuTimes = isNext ? item.next.cpuTimes : 1;
  const life = lifeOf(item, isNext);
  const application = isNext && item.next.workFactor > 1 ? { application: { workFactor: item.next.workFactor } } : {};
  if (onFargate)
    return {
      family: `family-${index}`,
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      runtimePlatform: { cpuArchitecture: item.architecture as 'ARM64' },
      cpu: fargateCpu * cpuTimes,
      memory: String(fargateMemory * cpuTimes),
      containerDefinitions: [
        { name: 'app', image, portMappings: [{ containerPort: 8080 }], ...life },
        ...helpersOf(item, {}),
      ],
      ...application,
    };
  const port = item.staticPort && item.networkMode !== 'awsvpc' ? { hostPort: 8_000 + index } : {};
  return {
    family: `family-${index}`,
    networkMode: item.networkMode,
    containerDefinitions: [
      {
        name: 'app',
        image,
        cpu: item.cpu * cpuTimes,
        memory: item.memory * 2,
        ...(item.soft ? { memoryReservation: item.memory } : {}),
        portMappings:
          item.networkMode === 'host' && !item.staticPort ? [] : [{ containerPort: 8_000 + index, ...port }],
        ...life,
      },
      ...helpersOf(item, { memory: 6 }),
    ],
    ...application,
  };
}

type Container = Part<'taskDefinitions'>['containerDefinitions'][number];

/** How the application is checked, how it behaves, and what it waits for. */
function lifeOf({ container, next }: ServicePlan, isNext: boolean): Partial<Container> {
  const { check, answersAfter, stopsIn, helper } = container;
  const flaw = isNext ? next.flaw : undefined;
  const condition = { init: 'SUCCESS', sidecar: 'HEALTHY', broken: 'COMPLETE' } as const;
  return {
    ...(check === undefined ? {} : { healthCheck: { command: ['CMD', 'true'], startPeriod: 20, ...check } }),
    ...(helper === undefined
      ? {}
      : { dependsOn: [{ containerName: 'helper', condition: condition[helper as 'init'] }] }),
    behavior: {
      ...(answersAfter === undefined ? {} : { answersAfter: seconds(answersAfter) }),
      ...(stopsIn === undefined ? {} : { stopsIn: seconds(stopsIn) }),
      ...(flaw === 'exits' ? { exitsAfter: '30s', exitCode: 3 } : {}),
      ...(flaw === 'outOfMemory' ? { exitsAfter: '50s', outOfMemory: true } : {}),
      ...(flaw === 'unhealthy' ? { healthChecks: 'fail' as const } : {}),
    },
  };
}

function helpersOf({ container: { helper } }: ServicePlan, size: Partial<Container>): Container[] {
  const common = { ...size, name: 'helper', image: 'helper', essential: false };
  if (helper === undefined) return [];
  if (helper === 'sidecar')
    return [{ ...common, healthCheck: { command: ['CMD', 'true'], interval: 5 }, startTimeout: 20 }];
  return [{ ...common, behavior: { exitsAfter: '4s', exitCode: helper === 'broken' ? 1 : 0 } }];
}

function serviceOf(item: ServicePlan, index: number, place: Place): Service {
  const onFargate = place === 'fargate' || place === 'fargateMix';
  const daemon = isDaemon(item, index, place);
  const { breaker } = item;
  return {
    serviceName: serviceName(index),
    taskDefinition: `family-${index}:1`,
    ...(daemon ? { schedulingStrategy: 'DAEMON' as const } : { desiredCount: item.desired }),
    ...whereOf(item, place),
    placementStrategy: onFargate || daemon ? [] : item.strategies,
    placementConstraints: item.distinct && !onFargate ? [{ type: 'distinctInstance' }] : [],
    loadBalancers:
      item.loadBalancer === undefined
        ? []
        : [{ targetGroup: `targets-${index}`, containerName: 'app', containerPort: 8080 }],
    ...(item.grace === undefined ? {} : { healthCheckGracePeriodSeconds: item.grace }),
    ...(item.rebalancing === undefined ? {} : { availabilityZoneRebalancing: item.rebalancing }),
    deploymentConfiguration: {
      minimumHealthyPercent: item.minimumHealthy,
      maximumPercent: daemon ? 100 : item.maximum,
      ...(breaker === undefined
        ? {}
        : {
            deploymentCircuitBreaker: {
              enable: true,
              rollback: breaker.rollback,
              resetOnHealthyTask: breaker.resetOnHealthyTask,
              thresholdConfiguration: { type: 'COUNT', value: breaker.count },
            },
          }),
    },
  };
}

function whereOf(
  { base, weights }: ServicePlan,
  place: Place,
): Pick<Service, 'launchType' | 'capacityProviderStrategy'> {
  const both = (first: string, second: string) => ({
    capacityProviderStrategy: [
      { capacityProvider: first, base, weight: weights[0] },
      { capacityProvider: second, weight: weights[1] },
    ],
  });
  if (place === 'fargate') return { launchType: 'FARGATE' };
  if (place === 'ec2') return { launchType: 'EC2' };
  if (place === 'fargateMix') return both('FARGATE', 'FARGATE_SPOT');
  if (place === 'twoProviders') return both(fleetName(0), fleetName(1));
  return { capacityProviderStrategy: [{ capacityProvider: fleetName(place.provider), base, weight: 1 }] };
}

const METRICS = {
  CPUUtilization: 'ECSServiceAverageCPUUtilization',
  MemoryUtilization: 'ECSServiceAverageMemoryUtilization',
  RequestCount: 'ALBRequestCountPerTarget',
} as const;

function scalableTargetOf(
  { scaling, loadBalancer }: ServicePlan,
  index: number,
  startMs: Millis,
): Part<'scalableTargets'>[] {
  if (scaling === undefined) return [];
  const policies = scaling.policies
    .filter(({ metric }) => metric !== 'RequestCount' || loadBalancer !== undefined)
    .map(({ metric, target, perTarget, outCooldown, inCooldown, disableScaleIn }): Policy => ({
      PolicyName: metric,
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: metric === 'RequestCount' ? perTarget : target,
        PredefinedMetricSpecification: { PredefinedMetricType: METRICS[metric] },
        ScaleOutCooldown: outCooldown,
        ScaleInCooldown: inCooldown,
        DisableScaleIn: disableScaleIn,
      },
    }));
  const stepPolicies = scaling.steps
    .filter(({ metric }) => loadBalancer !== undefined || metric.endsWith('Utilization'))
    .map((plan, place) => stepPolicyOf(plan, place));
  const scheduledActions = scaling.actions.map(({ kind, minute, every, zone, min, max }, place): ScheduledAction => {
    const at = iso(startMs + minute * MINUTE).slice(0, 19);
    const cron = `cron(${minute % 60} ${Math.floor(minute / 60)} * * ? *)`;
    return {
      ScheduledActionName: `action-${place}`,
      Schedule: kind === 'at' ? `at(${at})` : kind === 'rate' ? `rate(${every} minutes)` : cron,
      Timezone: zone,
      ScalableTargetAction: {
        ...(min === undefined ? {} : { MinCapacity: min }),
        ...(max === undefined && min !== undefined ? {} : { MaxCapacity: max ?? 8 }),
      },
    };
  });
  return [
    {
      service: serviceName(index),
      MinCapacity: scaling.min,
      MaxCapacity: scaling.min + scaling.room,
      policies: [...policies, ...stepPolicies],
      scheduledActions,
    },
  ];
}

/** The metric's unit in which a step policy's `level` is 1. */
const FULL = {
  CPUUtilization: 100,
  MemoryUtilization: 100,
  RequestCountPerTarget: 500,
  TargetResponseTime: 1,
} as const;

type StepPlan = NonNullable<ServicePlan['scaling']>['steps'][number];

/** Two steps above a threshold that add, two below one that take away, or both of them as intervals. */
function stepPolicyOf(drawn: StepPlan, place: number): Policy {
  const { shape, metric, level, type, sizes, aggregation, window, missing, cooldown } = drawn;
  const full = FULL[metric];
  const [small, large] = sizes.map((size, index) =>
    type === 'ChangeInCapacity' && index === 1 ? Math.ceil(size / 10) : size,
  ) as [number, number];
  const sign = shape === 'below' ? -1 : 1;
  const width = full / 10;
  const intervals = [
    { upper: (level * full) / 4, change: -large },
    { upper: (level * full) / 2, change: -small },
    { lower: level * full, change: small },
    { lower: level * full + width, change: large },
  ];
  const steps = [
    { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: width, ScalingAdjustment: small },
    { MetricIntervalLowerBound: width, ScalingAdjustment: large },
  ];
  const stepsDown = [
    { MetricIntervalUpperBound: -width, ScalingAdjustment: -large },
    { MetricIntervalLowerBound: -width, MetricIntervalUpperBound: 0, ScalingAdjustment: -small },
  ];
  return {
    PolicyName: `steps-${place}`,
    PolicyType: 'StepScaling',
    alarm: {
      MetricName: metric,
      Period: window.minutes * 60,
      EvaluationPeriods: window.periods,
      DatapointsToAlarm: Math.min(window.periods, 3),
      TreatMissingData: missing,
      ...(shape === 'intervals'
        ? {}
        : {
            Threshold: level * full,
            ComparisonOperator: sign < 0 ? 'LessThanThreshold' : 'GreaterThanOrEqualToThreshold',
          }),
    },
    StepScalingPolicyConfiguration: {
      AdjustmentType: type,
      Cooldown: cooldown,
      MetricAggregationType: aggregation,
      ...(shape === 'intervals' ? {} : { StepAdjustments: sign < 0 ? stepsDown : steps }),
    },
    ...(shape === 'intervals' ? { scalingSteps: intervals } : {}),
  };
}

/** A request simulated one by one costs a third of a microsecond, and its task's bookkeeping more. */
const MOST_REQUESTS_RPS = { fluid: 3_000, requests: 15 };

function loadOf({ load }: ServicePlan, index: number, startMs: Millis): Part<'load'>[] {
  if (load === undefined) return [];
  const rate = Math.min((load.work * 1_000) / load.cpuMs, MOST_REQUESTS_RPS[load.serving as 'fluid']);
  const steady = {
    constant: { model: 'constant' as const, rate },
    diurnal: { model: 'diurnal' as const, base: rate / 2, peak: rate, peakHour: 9.5 },
    poisson: { model: 'poisson' as const, mean: rate },
  }[load.model];
  const bursts = load.bursts.map(({ atMinute, rise, hold, fall, times }) => ({
    model: 'burst' as const,
    at: iso(startMs + atMinute * MINUTE),
    rise: seconds(rise),
    hold: seconds(hold),
    fall: seconds(fall),
    peak: rate * times,
  }));
  return [
    {
      service: serviceName(index),
      serving: load.serving,
      routing: load.routing,
      arrivals: load.arrivals,
      request: {
        cpuMs: load.cpuMs,
        cpuVariation: load.variation,
        otherMs: load.otherMs,
        timeoutMs: load.timeoutMs,
        perTaskConcurrency: load.concurrency,
        maxQueuedPerTask: load.queued,
      },
      memory: { perRequestMiB: load.perRequestMiB },
      startup: seconds(load.startup),
      rate: [steady, ...bursts],
    },
  ];
}

/** A quiet service on Fargate under a constant load: what a test changes, it says. */
export function quietScenario(changes: Partial<ScenarioInput> = {}): ScenarioInput {
  return {
    name: 'quiet',
    start: '2030-01-07T00:00:00Z',
    duration: '1h',
    cluster: { clusterName: CLUSTER, capacityProviders: ['FARGATE', 'FARGATE_SPOT'] },
    taskDefinitions: [
      {
        family: 'web',
        networkMode: 'awsvpc',
        cpu: 1024,
        memory: 2048,
        containerDefinitions: [{ name: 'app', image: 'web', portMappings: [{ containerPort: 8080 }] }],
      },
    ],
    services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 2, launchType: 'FARGATE' }],
    ...changes,
  };
}

export const slots: fc.Arbitrary<Slot> = fc.constantFrom('good', 'breach', 'missing');

/** An alarm's evaluation range, M and N. */
export const slotRanges = fc.integer({ min: 1, max: 6 }).chain((evaluationPeriods) =>
  fc.record({
    evaluationPeriods: fc.constant(evaluationPeriods),
    datapointsToAlarm: fc.integer({ min: 1, max: evaluationPeriods }),
    range: fc.array(slots, { minLength: evaluationPeriods, maxLength: evaluationPeriods + 4 }),
  }),
);

/** What a task asks for; small enough for every instance of `clusters` while it is empty. */
export const demands: fc.Arbitrary<TaskDemand> = fc.record({
  cpuUnits: fc.constantFrom(0, 64, 256, 512, 1024),
  memoryMiB: fc.constantFrom(1, 128, 500, 1024),
  gpuCount: fc.constant(0),
  tcpPorts: fc.constantFrom([], [], [], [80]),
  udpPorts: fc.constantFrom([], [], [53]),
  enis: fc.constantFrom(0, 0, 1),
});

const RESERVED_PORTS = [22, 2375, 2376, 51678, 51679];

/** What is on an instance: how many tasks of ours, and what others have left of its resources. */
const holding = fc.record({
  type: fc.constantFrom('t3.small', 'm5.large', 'c5.xlarge'),
  zone: fc.constantFrom(...ZONES),
  provider: fc.constantFrom(undefined, 'fleet-0', 'fleet-1'),
  draining: fc.constantFrom(false, false, false, true),
  ours: fc.nat({ max: 3 }),
  cpuShare: fc.constantFrom(0, 0.25, 0.5, 1),
  memoryShare: fc.constantFrom(0, 0.25, 0.5, 1),
  enis: fc.nat({ max: 3 }),
  ports: fc.subarray(['tcp/80', 'udp/53']),
});

type Holding = typeof holding extends fc.Arbitrary<infer Drawn> ? Drawn : never;

/** Clusters of up to a dozen instances, in the order of registration, with something left on each. */
export const clusters: fc.Arbitrary<readonly ContainerInstance[]> = fc
  .array(holding, { maxLength: 12 })
  .map((held) => held.map((item, index) => containerInstance(item, index)));

/** A cluster whose instances are alike and empty: what a fair strategy must fill evenly. */
export const emptyClusters: fc.Arbitrary<readonly ContainerInstance[]> = fc
  .array(fc.constantFrom(...ZONES), { minLength: 1, maxLength: 9 })
  .map((zones) => zones.map((zone, index) => emptyInstance(index, zone)));

export function emptyInstance(index: number, zone: string, type = 'm5.large'): ContainerInstance {
  return containerInstance(
    {
      type,
      zone,
      provider: undefined,
      draining: false,
      ours: 0,
      cpuShare: 1,
      memoryShare: 1,
      enis: Number.MAX_SAFE_INTEGER,
      ports: [],
    },
    index,
  );
}

export const SERVICE = 'web';

function containerInstance(item: Omit<Holding, 'type'> & { readonly type: string }, index: number): ContainerInstance {
  const type = instanceType(item.type);
  if (type === undefined) throw new RangeError(`no instance type ${item.type}`);
  const registered = { cpuUnits: type.vcpu * 1024, memoryMiB: type.ecsMemoryMiB, enis: type.awsvpcTasks };
  return {
    ec2InstanceId: instanceId(index),
    instanceType: item.type,
    availabilityZone: item.zone,
    capacityProvider: item.provider,
    registeredAtMs: MONDAY + index * SECOND,
    registered,
    remaining: {
      cpuUnits: Math.floor(registered.cpuUnits * item.cpuShare),
      memoryMiB: Math.floor(registered.memoryMiB * item.memoryShare),
      enis: Math.min(registered.enis, item.enis),
    },
    ports: new Map([...RESERVED_PORTS.map((port) => `tcp/${port}`), ...item.ports].map((port) => [port, true])),
    status: item.draining ? 'DRAINING' : 'ACTIVE',
    agentConnected: true,
    tasks: new Map(),
    serviceCounts: new Map(item.ours === 0 ? [] : [[SERVICE, item.ours]]),
    pulled: new Map(),
  };
}

function instanceId(index: number): string {
  return `i-${String(index).padStart(17, '0')}`;
}

/** Takes a demand from an instance, as a placement would. */
export function occupy(
  instance: ContainerInstance,
  { demand, count = 1 }: { demand: TaskDemand; count?: number },
): void {
  instance.remaining.cpuUnits -= demand.cpuUnits * count;
  instance.remaining.memoryMiB -= demand.memoryMiB * count;
  instance.remaining.enis -= demand.enis * count;
  for (const port of hostPorts(demand)) instance.ports.set(port, true);
  instance.serviceCounts.set(SERVICE, (instance.serviceCounts.get(SERVICE) ?? 0) + count);
}

/** Members of an Auto Scaling group. */
export const groupMembers: fc.Arbitrary<readonly Instance[]> = fc
  .array(fc.record({ zone: fc.constantFrom(...ZONES), protectedFromScaleIn: fc.boolean(), pending: fc.boolean() }), {
    maxLength: 12,
  })
  .map((drawn) =>
    drawn.map(({ zone, protectedFromScaleIn, pending }, index) => ({
      instanceId: instanceId(index),
      autoScalingGroupName: 'group-0',
      instanceType: 'm5.large',
      availabilityZone: zone,
      launchedMs: MONDAY + index * HOUR,
      state: pending ? 'Pending' : 'InService',
      protectedFromScaleIn,
    })),
  );
