/** What the laws are tried on: whole scenarios, alarms' periods, clusters with something on them. All of it valid. */

import fc from 'fast-check';
import { newCpuCredits, type Instance } from '../core/ec2/index.ts';
import type { ContainerInstance, QueriedInstanceJson, TaskDemand } from '../core/ecs/index.ts';
import { hostPorts, registeredResources } from '../core/ecs/index.ts';
import type { Slot } from '../core/cloudwatch/index.ts';
import { HOUR, MINUTE, SECOND, type Millis } from '../core/kernel/index.ts';
import { scenarioSchema, type Scenario, type ScenarioInput } from '../core/scenario.ts';
import { surrounding, withSurroundings } from './surrounding.ts';
import { watching, watchingOf } from './watching.ts';

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
  attributes: fc.constantFrom({}, { stack: 'prod' }, { stack: 'test', ssd: '' }),
  reservedMemory: fc.constantFrom(0, 0, 256),
  portRange: fc.constantFrom('32768-60999', '32768-32771'),
  /** Several types and purchase options; a warm pool otherwise. */
  mixed: fc.option(
    fc.record({
      others: fc.uniqueArray(fc.constantFrom('m5a.large', 'm6i.xlarge', 'c5.2xlarge', 't3.xlarge'), { maxLength: 3 }),
      base: fc.nat({ max: 3 }),
      percentage: fc.constantFrom(0, 0, 0, 25, 50, 100),
      onDemand: fc.constantFrom('prioritized', 'lowest-price'),
      spot: fc.constantFrom(
        'lowest-price',
        'capacity-optimized',
        'capacity-optimized-prioritized',
        'price-capacity-optimized',
      ),
      pools: fc.integer({ min: 1, max: 3 }),
      rebalance: fc.boolean(),
      draining: fc.boolean(),
    }),
    { nil: undefined, freq: 2 },
  ),
  warmPool: fc.option(
    fc.record({
      prepared: fc.constantFrom(-1, 0, 3, 6),
      minSize: fc.nat({ max: 2 }),
      state: fc.constantFrom('Stopped', 'Running', 'Hibernated'),
    }),
    { nil: undefined, freq: 3 },
  ),
  hooks: fc.array(
    fc.record({
      transition: fc.constantFrom('autoscaling:EC2_INSTANCE_LAUNCHING', 'autoscaling:EC2_INSTANCE_TERMINATING'),
      heartbeat: fc.constantFrom(30, 120),
      result: fc.constantFrom('CONTINUE', 'CONTINUE', 'ABANDON'),
      completes: fc.option(fc.constantFrom(0, 20, 90), { nil: undefined, freq: 5 }),
    }),
    { maxLength: 2 },
  ),
  policies: fc.uniqueArray(
    fc.constantFrom(
      'AllocationStrategy',
      'OldestLaunchTemplate',
      'OldestLaunchConfiguration',
      'ClosestToNextInstanceHour',
      'NewestInstance',
      'OldestInstance',
    ),
    { maxLength: 2 },
  ),
  balancedOnly: fc.constantFrom(false, false, true),
  credits: fc.constantFrom('standard', 'standard', undefined, 'unlimited'),
  grace: fc.constantFrom(0, 300),
});

/** What a group has of its own: policies, and health checks by the load balancers of the services. */
const groupScaling = fc.record({
  policies: fc.uniqueArray(
    fc.record({
      kind: fc.constantFrom('cpu', 'cpu', 'requests', 'steps', 'simple', 'called'),
      /** Instances are mostly idle: tasks seldom use what fills their memory. */
      target: fc.oneof(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 10, max: 80 })),
      warmup: fc.constantFrom(undefined, 0, 120, 600),
      disableScaleIn: fc.constantFrom(false, false, true),
      percent: fc.boolean(),
    }),
    { maxLength: 3, selector: ({ kind }) => kind },
  ),
  detailed: fc.constantFrom(true, true, false, undefined),
  warmup: fc.constantFrom(undefined, 0, 180),
  cooldown: fc.constantFrom(undefined, 0, 60),
  healthCheckType: fc.constantFrom(undefined, 'EC2' as const, 'ELB' as const),
});
type GroupScalingPlan = typeof groupScaling extends fc.Arbitrary<infer Drawn> ? Drawn : never;

const INSTANCE_TYPES = ['t3.small', 't3.medium', 'm5.large', 'c5.xlarge', 'm5.xlarge', 'm5a.large'];
const optionally = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

/** What goes wrong, `at` as a share of the run. */
const faultPlan = fc.record({
  kind: fc.constantFrom(
    'InsufficientInstanceCapacity',
    'AvailabilityZoneOutage',
    'ApiThrottling',
    'SlowLaunches',
    'InstanceFailure',
    'SpotStorm',
  ),
  at: fc.integer({ min: 2, max: 95 }).map((share) => share / 100),
  minutes: fc.option(fc.integer({ min: 1, max: 90 }), { nil: undefined, freq: 4 }),
  type: optionally(fc.constantFrom(...INSTANCE_TYPES)),
  zone: fc.constantFrom(...ZONES),
  everywhere: fc.constantFrom(true, true, false),
  fargate: fc.boolean(),
  count: fc.integer({ min: 1, max: 3 }),
  impaired: fc.constantFrom(true, true, false),
  percent: fc.constantFrom(0, 50, 100),
});
type FaultPlan = typeof faultPlan extends fc.Arbitrary<infer Drawn> ? Drawn : never;

const placementRule = fc.oneof(
  fc.record({
    type: fc.constant('spread' as const),
    field: fc.constantFrom(
      'attribute:ecs.availability-zone',
      'instanceId',
      'host',
      'attribute:ecs.instance-type',
      'attribute:stack',
    ),
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
  memberOf: fc.option(
    fc.constantFrom(
      'attribute:stack == prod',
      'attribute:stack != prod or attribute:ssd exists',
      'not(task:group == service:service-1)',
      'runningTasksCount < 3 and agentConnected == true',
      "attribute:ecs.instance-type =~ 'm5.*|t3.*' and registeredAt > 2018-02-13",
      'attribute:ecs.availability-zone in [us-east-1a, us-east-1b]',
    ),
    { nil: undefined, freq: 2 },
  ),
  subnets: fc.boolean(),
  loadBalancer: fc.option(
    fc.record({
      interval: fc.constantFrom(5, 10, 30),
      timeout: fc.constantFrom(undefined, undefined, 2),
      thresholds: fc.constantFrom([5, 2], [5, 2], [2, 3], [3, 10]),
      deregistrationDelay: fc.constantFrom(0, 5, 60, 300),
      routing: fc.constantFrom(
        undefined,
        undefined,
        'slowStart',
        'round_robin',
        'least_outstanding_requests',
        'weighted_random',
      ),
      crossZone: fc.constantFrom(true, true, false),
      minimumHealthy: fc.constantFrom(undefined, undefined, 'count', 'percentage'),
      /** Behind the load balancer that several groups share, and its zones. */
      shared: fc.boolean(),
      /** Its tasks are registered with a second group, too. */
      second: fc.constantFrom(false, false, false, true),
    }),
    { nil: undefined },
  ),
  highResolution: fc.boolean(),
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
          metric: fc.constantFrom('CPUUtilization', 'MemoryUtilization', 'RequestCount', 'Math'),
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
          shape: fc.constantFrom('above', 'below', 'intervals', 'called'),
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
      predictive: fc.constantFrom(undefined, undefined, 'ForecastOnly', 'ForecastAndScale'),
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
      serving: fc.constantFrom('fluid', 'fluid', 'fluid', 'requests', 'queue', 'queue'),
      queue: fc.record({
        VisibilityTimeout: fc.constantFrom(0, 30, 600),
        MessageRetentionPeriod: fc.constantFrom(60, 1_800, 345_600),
        ReceiveMessageWaitTimeSeconds: fc.constantFrom(0, 20),
        maxReceiveCount: fc.constantFrom(undefined, 1, 3),
      }),
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
  placement: fc.record({
    tieBreak: fc.constantFrom('lexical', 'lexical', 'seeded'),
    releaseAt: fc.constantFrom('STOPPING', 'STOPPING', 'STOPPED'),
    releaseEniAt: fc.constantFrom('STOPPED', 'STOPPED', 'STOPPING'),
    spreadCounts: fc.constantFrom('desired', 'desired', 'running'),
    stopFirst: fc.constantFrom('pending', 'any'),
    agentVersion: fc.constantFrom('1.99.1', '1.99.1', '1.72.0'),
    portLimit: fc.constantFrom('together', 'each'),
  }),
  trunking: fc.constantFrom('enabled', 'disabled'),
  fleets: fc.array(fleet, { maxLength: 2 }),
  services: fc.array(servicePlan, { minLength: 1, maxLength: 3 }),
  defaultStrategy: fc.boolean(),
  watching,
  surrounding,
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
        'drain',
        'deregister',
      ),
      desired: fc.nat({ max: 10 }),
      revision: fc.constantFrom(1, 2, 2),
      count: fc.integer({ min: 1, max: 4 }),
      yes: fc.boolean(),
    }),
    { maxLength: 5 },
  ),
  taskFaults: fc.array(
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
  sharedLoadBalancer: fc.record({ idleTimeout: fc.constantFrom(1, 60), zones: fc.constantFrom(0, 0, 0, 2) }),
  loadBalancing: fc.record(
    {
      healthChecksUnderOverload: fc.constantFrom('likeRequests', 'unaffected'),
      newTargetNeeds: fc.constantFrom('oneCheck', 'healthyThreshold'),
      failingNewTargets: fc.constantFrom('unhealthy', 'initial'),
      firstCheck: fc.constantFrom('random', 'atOnce', 'afterInterval'),
      deregistrationEnds: fc.constantFrom('afterDelay', 'withLastRequest'),
    },
    { requiredKeys: [] },
  ),
  faults: fc.array(faultPlan, { maxLength: 4, size: 'max' }),
  updates: fc.array(
    fc.record({
      fleet: fc.nat({ max: 1 }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      maxSize: optionally(fc.integer({ min: 2, max: 8 })),
      type: optionally(fc.constantFrom('m5.large', 'm5.xlarge')),
    }),
    { maxLength: 1 },
  ),
  spotPercentPerMonth: fc.constantFrom(200_000, 20_000, 200_000, 5, 0),
  rebalanceLead: fc.constantFrom('0s', '0s', '5m'),
  splitRule: fc.constantFrom('smallest-ratio', 'smallest-ratio', 'largest-remainder'),
  legacyEmptyMetric: fc.constantFrom(false, false, true),
  provisioningLimit: fc.constantFrom(500, 500, 2),
  fargateLaunchBurst: fc.constantFrom(100, 3),
  idleCpu: fc.constantFrom('reserved', 'reserved', 'shared'),
  groupScaling: fc.array(groupScaling, { maxLength: 2, size: 'max' }),
  basicMonitoringAlarms: fc.constantFrom('sameWindow' as const, 'sameWindow' as const, 'samePeriods' as const),
});
type Plan = typeof plan extends fc.Arbitrary<infer Drawn> ? Drawn : never;

/** Whole scenarios, as people write them. Every draw is valid; a test of `laws.test.ts` says so. */
export const scenarioInputs: fc.Arbitrary<ScenarioInput> = plan.map((drawn) => {
  const startMs = MONDAY + drawn.startMinute * MINUTE;
  return withSurroundings(scenarioOf(drawn), drawn.surrounding, { startMs, lengthMs: drawn.minutes * MINUTE });
});

/** Parsed, as the engine takes them. */
export const scenarios: fc.Arbitrary<Scenario> = scenarioInputs.map((input) => scenarioSchema.parse(input));

/** The scenario of a seed number: the swarm's, and what is compared between processes. */
export function drawnScenario(seed: number): Scenario {
  return fc.sample(scenarios, { seed, numRuns: 1 })[0] as Scenario;
}

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
  const scalings = drawn.services.map((item, index) =>
    isDaemon(item, index, places[index] as Place) ? undefined : item.scaling,
  );
  const scalableTargets = drawn.services.flatMap((item, index) =>
    scalings[index] === undefined ? [] : scalableTargetOf(item, index, drawn.step, startMs),
  );
  const happenings = happeningsOf(drawn, places, startMs, lengthMs);
  const { settings, ...watch } = watchingOf(drawn.watching, {
    clusterName: CLUSTER,
    services: drawn.services.map((item, index) => ({
      serviceName: serviceName(index),
      targetGroup: item.loadBalancer === undefined ? undefined : `targets-${index}`,
      isDaemon: isDaemon(item, index, places[index] as Place),
      isScaled: scalings[index] !== undefined,
      policies: (scalings[index]?.policies ?? []).map(({ metric }) => metric),
      called: (scalings[index]?.steps ?? []).flatMap(({ shape }, place) =>
        shape === 'called' ? [`steps-${place}`] : [],
      ),
    })),
    startMs,
    lengthMs,
  });
  return {
    name: 'drawn',
    start: iso(startMs),
    duration: `${drawn.minutes}m`,
    seed: drawn.seed,
    step: drawn.step,
    cluster: {
      clusterName: CLUSTER,
      settings,
      availabilityZones: ZONES.slice(0, drawn.zones),
      capacityProviders: ['FARGATE', 'FARGATE_SPOT', ...providers],
      defaultCapacityProviderStrategy: drawn.defaultStrategy ? [{ capacityProvider: 'FARGATE', weight: 1 }] : [],
    },
    accountSettings: { awsvpcTrunking: drawn.trunking as 'enabled' },
    subnets: [{ SubnetId: 'subnet-a', AvailabilityZone: 'us-east-1a' }],
    autoScalingGroups: drawn.fleets.map((item, index) => ({
      ...groupOf(item, index),
      ...ownScalingOf(drawn.groupScaling[index], drawn.services),
    })),
    capacityProviders: drawn.fleets.map((item, index) => ({
      name: fleetName(index),
      autoScalingGroupProvider: {
        autoScalingGroup: groupName(index),
        managedScaling: item.managedScaling as { status: 'ENABLED' },
        managedTerminationProtection: (item.protectedFromScaleIn && item.managedScaling.status === 'ENABLED'
          ? item.managedTerminationProtection
          : 'DISABLED') as 'ENABLED',
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
    loadBalancers: drawn.services.some((item) => item.loadBalancer?.shared) ? [sharedLoadBalancerOf(drawn)] : [],
    targetGroups: drawn.services.flatMap((item, index) => targetGroupsOf(item, index, places[index] as Place)),
    services: drawn.services.map((item, index) => serviceOf(item, index, drawn.step, places[index] as Place)),
    scalableTargets,
    alarms: [...(watch.alarms ?? []), ...drawn.fleets.flatMap((_, index) => callsOf(drawn.groupScaling[index], index))],
    compositeAlarms: watch.compositeAlarms,
    customMetrics: watch.customMetrics,
    load: drawn.services.flatMap((item, index) => loadOf(item, index, startMs)),
    slo: [{ service: serviceName(0), latencyP99Ms: 400, availabilityPercent: 99.9 }],
    changes: [
      ...happenings.changes,
      ...drawn.updates.flatMap(({ fleet: index, at, maxSize, type }) => {
        const found = drawn.fleets[index];
        if (found === undefined) return [];
        return [
          {
            at: iso(startMs + Math.floor(at * lengthMs)),
            UpdateAutoScalingGroup: {
              AutoScalingGroupName: groupName(index),
              ...(maxSize === undefined ? {} : { MaxSize: Math.max(maxSize, found.minSize) }),
              ...(type === undefined || found.mixed !== undefined ? {} : { instanceType: type }),
            },
          },
        ];
      }),
      ...watch.changes,
    ],
    faults: [...drawn.faults.map((item) => faultOf(item, startMs, lengthMs)), ...happenings.faults],
    assumptions: {
      ...watch.assumptions,
      capacity: {
        spotInterruption: { model: 'hazard', percentPerMonth: drawn.spotPercentPerMonth },
        fargateSpotPercentPerMonth: drawn.spotPercentPerMonth,
        spotRebalanceLead: drawn.rebalanceLead,
        splitRule: drawn.splitRule as 'smallest-ratio',
        legacyEmptyMetric: drawn.legacyEmptyMetric,
        provisioningLimit: drawn.provisioningLimit,
        fargateLaunchBurst: drawn.fargateLaunchBurst,
        basicMonitoringAlarms: drawn.basicMonitoringAlarms,
      },
      start: drawn.start as 'steady',
      placement: drawn.placement,
      metricDelay: { service, loadBalancer, capacityProvider },
      loadBalancing: drawn.loadBalancing,
      tasks: { idleCpu: drawn.idleCpu as 'shared' },
    },
  };
}

function sharedLoadBalancerOf({ sharedLoadBalancer: { idleTimeout, zones } }: Plan): Part<'loadBalancers'> {
  return {
    Name: 'shared',
    ...(zones === 0 ? {} : { AvailabilityZones: ZONES.slice(0, zones) }),
    Attributes: [{ Key: 'idle_timeout.timeout_seconds', Value: String(idleTimeout) }],
  };
}

function targetGroupsOf({ loadBalancer: behind, networkMode }: ServicePlan, index: number, place: Place) {
  if (behind === undefined) return [];
  const { timeout, thresholds, routing, minimumHealthy } = behind;
  const onFargate = place === 'fargate' || place === 'fargateMix';
  type Attribute = NonNullable<Part<'targetGroups'>['Attributes']>[number];
  const algorithm = routing as 'round_robin' | 'slowStart' | undefined;
  const prefix = 'target_group_health.unhealthy_state_routing.minimum_healthy_targets';
  const attributes: Attribute[] = [
    { Key: 'load_balancing.cross_zone.enabled', Value: behind.crossZone ? 'use_load_balancer_configuration' : 'false' },
    ...(algorithm === undefined || algorithm === 'slowStart'
      ? []
      : [{ Key: 'load_balancing.algorithm.type', Value: algorithm } as const]),
    ...(algorithm === 'slowStart' ? [{ Key: 'slow_start.duration_seconds', Value: '120' } as const] : []),
    ...(minimumHealthy === 'count' ? [{ Key: `${prefix}.count`, Value: 3 } as const] : []),
    ...(minimumHealthy === 'percentage' ? [{ Key: `${prefix}.percentage`, Value: '50' } as const] : []),
  ];
  const group: Part<'targetGroups'> = {
    Name: `targets-${index}`,
    ...(behind.shared ? { loadBalancer: 'shared' } : {}),
    TargetType: onFargate || networkMode === 'awsvpc' ? 'ip' : 'instance',
    HealthCheckIntervalSeconds: behind.interval,
    ...(timeout === undefined ? {} : { HealthCheckTimeoutSeconds: timeout }),
    HealthyThresholdCount: thresholds[0],
    UnhealthyThresholdCount: thresholds[1],
    deregistrationDelaySeconds: behind.deregistrationDelay,
    Attributes: attributes,
  };
  return behind.second ? [group, { ...group, Name: `second-${index}`, deregistrationDelaySeconds: 20 }] : [group];
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
): { readonly changes: Part<'changes'>[]; readonly faults: Part<'faults'>[] } {
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
        {
          at,
          RunTask: {
            taskDefinition: family,
            count,
            ...(daemon ? { launchType: 'EC2' } : whereOf(item, place)),
            ...(isOnInstances ? { placementConstraints: constraintsOf(item) } : {}),
          },
        },
      ];
    if (kind === 'start' && isOnInstances)
      return [{ at, StartTask: { taskDefinition: `${family}:1`, containerInstances: [`i-${'1'.padStart(17, '0')}`] } }];
    const instance = `i-${`${count}`.padStart(17, '0')}`;
    if (kind === 'drain') {
      const status = yes ? ('DRAINING' as const) : ('ACTIVE' as const);
      return [{ at, UpdateContainerInstancesState: { containerInstances: [instance], status } }];
    }
    if (kind === 'deregister')
      return [{ at, DeregisterContainerInstance: { containerInstance: instance, force: yes } }];
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
  const faults = drawn.taskFaults.map(({ service, at, minutes, kind, after }): Part<'faults'> => {
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

function groupOf(drawn: Fleet, index: number): Part<'autoScalingGroups'> {
  const { instanceType: type, zones, minSize, spare, desired, protectedFromScaleIn, mixed, warmPool } = drawn;
  const pool = mixed === undefined ? warmPool : undefined;
  return {
    AutoScalingGroupName: groupName(index),
    AvailabilityZones: ZONES.slice(0, zones),
    MinSize: minSize,
    MaxSize: minSize + spare,
    DesiredCapacity: minSize + (spare === 0 ? 0 : desired % (spare + 1)),
    ...(mixed === undefined ? { instanceType: type } : { MixedInstancesPolicy: mixedOf(mixed, type) }),
    TerminationPolicies: [...drawn.policies, 'Default'] as 'Default'[],
    NewInstancesProtectedFromScaleIn: protectedFromScaleIn,
    AvailabilityZoneDistribution: {
      CapacityDistributionStrategy: drawn.balancedOnly ? 'balanced-only' : 'balanced-best-effort',
    },
    CapacityRebalance: mixed?.rebalance ?? false,
    HealthCheckGracePeriod: drawn.grace,
    LifecycleHookSpecificationList: drawn.hooks.map(({ transition, heartbeat, result, completes }, place) => ({
      LifecycleHookName: `hook-${place}`,
      LifecycleTransition: transition as 'autoscaling:EC2_INSTANCE_LAUNCHING',
      HeartbeatTimeout: heartbeat,
      DefaultResult: result as 'CONTINUE',
      ...(completes === undefined ? {} : { completesAfter: seconds(completes) }),
    })),
    ...(pool === undefined
      ? {}
      : {
          warmPool: {
            MaxGroupPreparedCapacity: pool.prepared,
            MinSize: pool.minSize,
            PoolState: pool.state as 'Stopped',
          },
        }),
    ...(drawn.credits === undefined ? {} : { CreditSpecification: { CpuCredits: drawn.credits as 'standard' } }),
    ecsConfig: {
      ECS_CLUSTER: CLUSTER,
      ECS_WARM_POOLS_CHECK: true,
      ECS_ENABLE_SPOT_INSTANCE_DRAINING: mixed?.draining ?? false,
      ECS_INSTANCE_ATTRIBUTES: drawn.attributes,
      ECS_RESERVED_MEMORY: drawn.reservedMemory,
      ECS_DYNAMIC_HOST_PORT_RANGE: drawn.portRange,
    },
  };
}

function ownScalingOf(
  drawn: GroupScalingPlan | undefined,
  services: readonly ServicePlan[],
): Partial<Part<'autoScalingGroups'>> {
  if (drawn === undefined) return {};
  const targetGroups = services.flatMap(({ loadBalancer }, index) =>
    loadBalancer === undefined ? [] : [`targets-${index}`],
  );
  const { policies, detailed, warmup, cooldown, healthCheckType } = drawn;
  return {
    policies: policies.flatMap((policy) => ownPolicyOf(policy, targetGroups[0])),
    ...(detailed === undefined ? {} : { Monitoring: { Enabled: detailed } }),
    ...(warmup === undefined ? {} : { DefaultInstanceWarmup: warmup }),
    ...(cooldown === undefined ? {} : { DefaultCooldown: cooldown }),
    ...(healthCheckType === undefined ? {} : { HealthCheckType: healthCheckType, TargetGroupARNs: targetGroups }),
  };
}

/** The alarm of the scenario that calls a policy without one of its own. */
function callsOf(drawn: GroupScalingPlan | undefined, index: number): Part<'alarms'>[] {
  return (drawn?.policies ?? [])
    .filter(({ kind }) => kind === 'called')
    .map(({ kind, target }) => ({
      AlarmName: `reserved-${index}`,
      Namespace: 'AWS/ECS',
      MetricName: 'CPUReservation',
      Dimensions: [{ Name: 'ClusterName', Value: CLUSTER }],
      Statistic: 'Average',
      Period: 60,
      EvaluationPeriods: 3,
      Threshold: target,
      ComparisonOperator: 'GreaterThanThreshold',
      AlarmActions: [`${groupName(index)}/own-${kind}`],
    }));
}

type GroupPolicy = NonNullable<Part<'autoScalingGroups'>['policies']>[number];

function ownPolicyOf(
  { kind, target, warmup, disableScaleIn, percent: inPercent }: GroupScalingPlan['policies'][number],
  targetGroup: string | undefined,
): GroupPolicy[] {
  const PolicyName = `own-${kind}`;
  const estimated = warmup === undefined ? {} : { EstimatedInstanceWarmup: warmup };
  const AdjustmentType = inPercent ? 'PercentChangeInCapacity' : 'ChangeInCapacity';
  const size = inPercent ? 40 : 1;
  const alarm = (ComparisonOperator: 'GreaterThanThreshold' | 'LessThanThreshold') => ({
    MetricName: 'CPUUtilization',
    Period: 60,
    EvaluationPeriods: 3,
    Threshold: target,
    ComparisonOperator,
  });
  switch (kind) {
    case 'cpu':
    case 'requests': {
      if (kind === 'requests' && targetGroup === undefined) return [];
      const PredefinedMetricSpecification =
        kind === 'cpu'
          ? { PredefinedMetricType: 'ASGAverageCPUUtilization' as const }
          : {
              PredefinedMetricType: 'ALBRequestCountPerTarget' as const,
              ResourceLabel: `app/${targetGroup}/0/targetgroup/${targetGroup}/0`,
            };
      const TargetValue = kind === 'cpu' ? target : 20 * target;
      return [
        {
          PolicyName,
          PolicyType: 'TargetTrackingScaling',
          ...estimated,
          TargetTrackingConfiguration: { TargetValue, PredefinedMetricSpecification, DisableScaleIn: disableScaleIn },
        },
      ];
    }
    case 'steps':
      return [
        {
          PolicyName,
          PolicyType: 'StepScaling',
          ...estimated,
          alarm: alarm('LessThanThreshold'),
          AdjustmentType,
          StepAdjustments: [
            { MetricIntervalUpperBound: -5, ScalingAdjustment: -2 * size },
            { MetricIntervalLowerBound: -5, MetricIntervalUpperBound: 0, ScalingAdjustment: -size },
          ],
        },
      ];
    default:
      return [
        {
          PolicyName,
          PolicyType: 'SimpleScaling',
          ...(kind === 'simple' ? { alarm: alarm('GreaterThanThreshold') } : {}),
          AdjustmentType,
          ScalingAdjustment: size,
          ...(warmup === undefined ? {} : { Cooldown: warmup }),
        },
      ];
  }
}

function mixedOf(
  { others, base, percentage, onDemand, spot, pools }: NonNullable<Fleet['mixed']>,
  type: string,
): NonNullable<Part<'autoScalingGroups'>['MixedInstancesPolicy']> {
  return {
    LaunchTemplate: { Overrides: [type, ...others].map((InstanceType) => ({ InstanceType })) },
    InstancesDistribution: {
      OnDemandBaseCapacity: base,
      OnDemandPercentageAboveBaseCapacity: percentage,
      OnDemandAllocationStrategy: onDemand as 'prioritized',
      SpotAllocationStrategy: spot as 'lowest-price',
      SpotInstancePools: pools,
    },
  };
}

function faultOf(drawn: FaultPlan, startMs: Millis, lengthMs: Millis): Part<'faults'> {
  const { kind, at: share, minutes, type, zone, everywhere, fargate, count, impaired, percent: part } = drawn;
  const at = iso(startMs + Math.floor(share * lengthMs));
  const when = { at, ...(minutes === undefined ? {} : { for: `${minutes}m` }) };
  const where = {
    ...(type === undefined ? {} : { instanceType: type }),
    ...(everywhere ? {} : { availabilityZone: zone }),
  };
  switch (kind) {
    case 'AvailabilityZoneOutage':
      return { kind, ...when, availabilityZone: zone };
    case 'ApiThrottling':
      return { kind, ...when, api: fargate ? 'Fargate' : 'RunInstances' };
    case 'InstanceFailure':
      return { kind, at, ...(everywhere ? {} : where), count, mode: impaired ? 'impaired' : 'terminated' };
    case 'SpotStorm':
      return { kind, ...when, ...where, percent: part };
    default:
      return { kind: kind as 'SlowLaunches', ...when, ...where };
  }
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

/** Steps that 20-second metrics can be made of. */
function mayBeHighResolution({ highResolution }: ServicePlan, step: string): boolean {
  return highResolution && ['2.5s', '4s', '5s', '10s', '20s'].includes(step);
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

function serviceOf(item: ServicePlan, index: number, step: string, place: Place): Service {
  const onFargate = place === 'fargate' || place === 'fargateMix';
  const daemon = isDaemon(item, index, place);
  const { breaker } = item;
  return {
    serviceName: serviceName(index),
    taskDefinition: `family-${index}:1`,
    ...(daemon ? { schedulingStrategy: 'DAEMON' as const } : { desiredCount: item.desired }),
    ...whereOf(item, place),
    placementStrategy: onFargate || daemon ? [] : item.strategies,
    placementConstraints: onFargate ? [] : constraintsOf(item),
    ...(item.subnets && !onFargate && item.networkMode === 'awsvpc'
      ? { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-a', 'us-east-1a'] } } }
      : {}),
    loadBalancers:
      item.loadBalancer === undefined
        ? []
        : [`targets-${index}`, ...(item.loadBalancer.second ? [`second-${index}`] : [])].map((targetGroup) => ({
            targetGroup,
            containerName: 'app',
            containerPort: 8080,
          })),
    ...(mayBeHighResolution(item, step)
      ? { monitoring: { metricConfigurations: [{ metricNames: ['CPUUtilization'], resolutionSeconds: 20 }] } }
      : {}),
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

function constraintsOf({ distinct, memberOf }: ServicePlan): NonNullable<Service['placementConstraints']> {
  return [
    ...(distinct ? [{ type: 'distinctInstance' as const }] : []),
    ...(memberOf === undefined ? [] : [{ type: 'memberOf' as const, expression: memberOf }]),
  ];
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

/** CPU by metric math: of the tasks that run, those that are busy. */
const busyTasks = (index: number) => {
  const Dimensions = [
    { Name: 'ClusterName', Value: CLUSTER },
    { Name: 'ServiceName', Value: serviceName(index) },
  ];
  const stat = (MetricName: string, Stat: string) => ({
    MetricStat: { Metric: { Namespace: 'AWS/ECS', MetricName, Dimensions }, Stat },
    ReturnData: false,
  });
  return [
    { Id: 'sum', ...stat('CPUUtilization', 'Sum') },
    { Id: 'tasks', ...stat('CPUUtilization', 'SampleCount') },
    { Id: 'each', Expression: 'sum / tasks' },
  ];
};

function scalableTargetOf(plan: ServicePlan, index: number, step: string, startMs: Millis): Part<'scalableTargets'>[] {
  const { scaling, loadBalancer } = plan;
  if (scaling === undefined) return [];
  const followed = (metric: keyof typeof METRICS | 'Math') => {
    if (metric === 'Math') return { CustomizedMetricSpecification: { Metrics: busyTasks(index) } };
    const fast = metric === 'CPUUtilization' && mayBeHighResolution(plan, step);
    const PredefinedMetricType = fast ? 'ECSServiceAverageCPUUtilizationHighResolution' : METRICS[metric];
    return { PredefinedMetricSpecification: { PredefinedMetricType } } as const;
  };
  const policies = scaling.policies
    .filter(({ metric }) => metric !== 'RequestCount' || loadBalancer !== undefined)
    .map(({ metric, target, perTarget, outCooldown, inCooldown, disableScaleIn }): Policy => ({
      PolicyName: metric,
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: metric === 'RequestCount' ? perTarget : target,
        ...followed(metric),
        ScaleOutCooldown: outCooldown,
        ScaleInCooldown: inCooldown,
        DisableScaleIn: disableScaleIn,
      },
    }));
  const stepPolicies = scaling.steps.flatMap((drawn, place) => {
    const hasMetric = loadBalancer !== undefined || drawn.shape === 'called' || drawn.metric.endsWith('Utilization');
    return hasMetric ? [stepPolicyOf(drawn, place)] : [];
  });
  const forecasts: Policy[] =
    scaling.predictive === undefined
      ? []
      : [
          {
            PolicyName: 'ahead',
            PolicyType: 'PredictiveScaling',
            PredictiveScalingPolicyConfiguration: {
              MetricSpecifications: [
                {
                  TargetValue: 50,
                  PredefinedMetricPairSpecification: { PredefinedMetricType: 'ECSServiceCPUUtilization' },
                },
              ],
              Mode: scaling.predictive,
            },
          },
        ];
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
      policies: [...policies, ...stepPolicies, ...forecasts],
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
  const called = shape === 'called';
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
    ...(called
      ? {}
      : {
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
                  ComparisonOperator:
                    sign < 0 ? ('LessThanThreshold' as const) : ('GreaterThanOrEqualToThreshold' as const),
                }),
          },
        }),
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
const MOST_REQUESTS_RPS = { fluid: 3_000, requests: 15, queue: 3_000 };

function loadOf({ load, loadBalancer }: ServicePlan, index: number, startMs: Millis): Part<'load'>[] {
  if (load === undefined) return [];
  // Behind a load balancer come requests.
  const serving = load.serving === 'queue' && loadBalancer !== undefined ? 'fluid' : (load.serving as 'queue');
  const { maxReceiveCount, ...queue } = load.queue;
  const redrive = maxReceiveCount === undefined ? {} : { RedrivePolicy: { maxReceiveCount } };
  const rate = Math.min((load.work * 1_000) / load.cpuMs, MOST_REQUESTS_RPS[serving]);
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
      serving,
      ...(serving === 'queue' ? { queue: { ...queue, ...redrive } } : {}),
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
  gpuCount: fc.constantFrom(0, 0, 0, 1),
  tcpPorts: fc.constantFrom([], [], [], [80]),
  udpPorts: fc.constantFrom([], [], [53]),
  enis: fc.constantFrom(0, 0, 1),
});

const RESERVED_PORTS = [22, 2375, 2376, 51678, 51679];

/** What is on an instance: how many tasks of ours, and what others have left of its resources. */
const holding = fc.record({
  type: fc.constantFrom('t3.small', 'm5.large', 'c5.xlarge', 'g4dn.xlarge'),
  stack: fc.constantFrom(undefined, null, 'prod', 'test'),
  connected: fc.constantFrom(true, true, true, false),
  zone: fc.constantFrom(...ZONES),
  provider: fc.constantFrom(undefined, 'fleet-0', 'fleet-1'),
  draining: fc.constantFrom(false, false, false, true),
  ours: fc.nat({ max: 3 }),
  theirs: fc.nat({ max: 2 }),
  cpuShare: fc.constantFrom(0, 0.25, 0.5, 1),
  memoryShare: fc.constantFrom(0, 0.25, 0.5, 1),
  enis: fc.nat({ max: 3 }),
  ports: fc.subarray(['tcp/80', 'udp/53']),
  /** How many static ports others hold: with these, close to the limit. */
  manyPorts: fc.constantFrom(0, 0, 0, 92, 94),
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
      stack: undefined,
      connected: true,
      zone,
      provider: undefined,
      draining: false,
      ours: 0,
      theirs: 0,
      manyPorts: 0,
      cpuShare: 1,
      memoryShare: 1,
      enis: Number.MAX_SAFE_INTEGER,
      ports: [],
    },
    index,
  );
}

export const SERVICE = 'web';
/** Its task group, and another's. */
export const GROUP = 'service:web';
export const OTHER_GROUP = 'service:daemon';

function containerInstance(item: Omit<Holding, 'type'> & { readonly type: string }, index: number): ContainerInstance {
  const registered = registeredResources(item.type, { ECS_ENABLE_GPU_SUPPORT: true });
  if (registered === undefined) throw new RangeError(`no instance type ${item.type}`);
  const ports = [
    ...RESERVED_PORTS.map((port) => `tcp/${port}`),
    ...item.ports,
    ...Array.from({ length: item.manyPorts }, (_, place) => `tcp/${9_000 + place}`),
  ];
  const groups = [
    [GROUP, item.ours],
    [OTHER_GROUP, item.theirs],
  ] as const;
  return {
    ec2InstanceId: instanceId(index),
    ordinal: index,
    instanceType: item.type,
    availabilityZone: item.zone,
    capacityProvider: item.provider,
    registeredAtMs: MONDAY + index * SECOND,
    agentVersion: '1.99.1',
    agentConnected: item.connected,
    attributes: new Map<string, string | null>([
      ['ecs.availability-zone', item.zone],
      ['ecs.instance-type', item.type],
      ...(item.stack === undefined ? [] : [['stack', item.stack] as const]),
    ]),
    missingCapabilities: [],
    registered: { ...registered },
    remaining: {
      cpuUnits: Math.floor(registered.cpuUnits * item.cpuShare),
      memoryMiB: Math.floor(registered.memoryMiB * item.memoryShare),
      gpuCount: registered.gpuCount,
      enis: Math.min(registered.enis, item.enis),
    },
    ports: new Map(ports.map((port) => [port, true])),
    host: {
      ...registered,
      ports: new Map(ports.map((port) => [port, true])),
      portRange: { from: 32_768, to: 60_999 },
      lastPort: 32_767,
      queue: new Map(),
    },
    status: item.draining ? 'DRAINING' : 'ACTIVE',
    tasks: new Map(),
    taskGroups: new Map(groups.filter(([, count]) => count > 0)),
    runningTasksCount: item.ours + item.theirs,
    runningGroups: new Map(item.ours > 1 ? [[GROUP, item.ours - 1]] : []),
    pulled: new Map(),
    registryTokens: new Map(),
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
  instance.remaining.gpuCount -= demand.gpuCount * count;
  instance.remaining.enis -= demand.enis * count;
  for (const port of hostPorts(demand)) instance.ports.set(port, true);
  instance.taskGroups.set(GROUP, (instance.taskGroups.get(GROUP) ?? 0) + count);
  instance.runningTasksCount += count;
}

/** Members of an Auto Scaling group. */
export const groupMembers: fc.Arbitrary<readonly Instance[]> = fc
  .array(fc.record({ zone: fc.constantFrom(...ZONES), protectedFromScaleIn: fc.boolean(), pending: fc.boolean() }), {
    maxLength: 12,
  })
  .map((drawn) =>
    drawn.map(({ zone, protectedFromScaleIn, pending }, index) =>
      groupMember(index, {
        availabilityZone: zone,
        launchedMs: MONDAY + index * HOUR,
        state: pending ? 'Pending' : 'InService',
        protectedFromScaleIn,
      }),
    ),
  );

/** An expression of the cluster query language, and what it means, written down once more from the specification. */
export interface Meant {
  readonly text: string;
  readonly means: (instance: QueriedInstanceJson) => boolean;
}

/** How a text compares, by each way of writing the operator. */
type Compare = (a: string, b: string) => boolean;
const equals: Compare = (a, b) => a === b;
const differs: Compare = (a, b) => a !== b;
const isNumber = (text: string): boolean => text.trim() !== '' && !Number.isNaN(Number(text));
const sign = (a: string, b: string): number =>
  isNumber(a) && isNumber(b) ? Number(a) - Number(b) : a < b ? -1 : Number(a > b);
const EQUALITIES: readonly (readonly [string, Compare])[] = [
  ['==', equals],
  ['equals', equals],
  ['!=', differs],
  ['not_equals', differs],
];
const ORDERS: readonly (readonly [string, (difference: number) => boolean])[] = [
  ['>', (difference) => difference > 0],
  ['greater_than', (difference) => difference > 0],
  ['>=', (difference) => difference >= 0],
  ['greater_than_equal', (difference) => difference >= 0],
  ['<', (difference) => difference < 0],
  ['less_than', (difference) => difference < 0],
  ['<=', (difference) => difference <= 0],
  ['less_than_equal', (difference) => difference <= 0],
  ['==', (difference) => difference === 0],
  ['not_equals', (difference) => difference !== 0],
];

const literal = (text: string): fc.Arbitrary<string> =>
  fc.constantFrom(...(/^[\w.:/+-]+$/.test(text) ? [text] : []), `'${text}'`, `"${text}"`);
const values: fc.Arbitrary<string> = fc.constantFrom(
  'prod',
  'test',
  'm5.large',
  'us-east-1a',
  '7',
  '10',
  'two words',
  'and',
  'service:web',
);
const patterns = fc.constantFrom('m5.*', 'prod|test', '[pt]ro?.*', '(?i)PROD', 'us-east-1[ab]', 'a', 'i-0+2');

/** The right side of a condition on a text, its meaning, and whether it is of the denying kind. */
interface TextTest {
  readonly right: string;
  readonly holds: (value: string) => boolean;
  readonly denies: boolean;
}
const textTests: fc.Arbitrary<TextTest> = fc.oneof(
  fc.tuple(fc.constantFrom(...EQUALITIES), values).chain(([[operator, compare], value]) =>
    literal(value).map((written) => ({
      right: `${operator} ${written}`,
      holds: (found: string) => compare(found, value),
      denies: compare === differs,
    })),
  ),
  fc.tuple(fc.constantFrom('=~', 'matches', '!~', 'not_matches'), patterns).map(([operator, pattern]) => {
    const denies = operator === '!~' || operator === 'not_matches';
    const regex = new RegExp(`^(?:${pattern.replace('(?i)', '')})$`, pattern.startsWith('(?i)') ? 'i' : '');
    return { right: `${operator} '${pattern}'`, holds: (found: string) => regex.test(found) !== denies, denies };
  }),
  fc
    .tuple(fc.constantFrom('in', '!in', 'not_in'), fc.array(values, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([operator, items, tight]) => ({
      right: `${operator}${tight ? '' : ' '}[${items.map((item) => `'${item}'`).join(tight ? ',' : ' , ')}]`,
      holds: (found: string) => items.includes(found) === (operator === 'in'),
      denies: operator !== 'in',
    })),
);

const attributeTests: fc.Arbitrary<Meant> = fc
  .tuple(
    fc.constantFrom('stack', 'ssd', 'ecs.instance-type', 'ecs.availability-zone'),
    fc.oneof(
      textTests,
      fc.tuple(fc.constantFrom(...ORDERS.slice(0, 8)), values).chain(([[operator, compare], value]) =>
        literal(value).map((written) => ({
          right: `${operator} ${written}`,
          holds: (found: string) => compare(sign(found, value)),
          denies: false,
        })),
      ),
      fc.constantFrom('exists', '!exists', 'not_exists'),
    ),
  )
  .map(([name, test]) => {
    const valueOf = ({ attributes }: QueriedInstanceJson) => attributes[name];
    if (typeof test === 'string')
      return {
        text: `attribute:${name} ${test}`,
        means: (instance) => (valueOf(instance) === undefined) !== (test === 'exists'),
      };
    return {
      text: `attribute:${name} ${test.right}`,
      means(instance) {
        const value = valueOf(instance);
        if (value === undefined) return false;
        return value === null ? test.denies : test.holds(value);
      },
    };
  });

const subjectTests: fc.Arbitrary<Meant> = fc.oneof(
  textTests.map(({ right, holds }): Meant => ({
    text: `ec2InstanceId ${right}`,
    means: ({ ec2InstanceId }) => holds(ec2InstanceId),
  })),
  textTests.map(({ right, holds }): Meant => ({
    text: `agentConnected ${right}`,
    means: ({ agentConnected }) => holds(String(agentConnected)),
  })),
  textTests.map(({ right, holds, denies }): Meant => ({
    text: `task:group ${right}`,
    means: ({ taskGroups }) => (denies ? taskGroups.every(holds) : taskGroups.some(holds)),
  })),
  fc.tuple(fc.constantFrom(...ORDERS), fc.nat({ max: 4 })).map(([[operator, compare], count]): Meant => ({
    text: `runningTasksCount ${operator} ${count}`,
    means: ({ runningTasksCount }) => compare(runningTasksCount - count),
  })),
  fc
    .tuple(fc.constantFrom(...ORDERS), fc.constantFrom([1, 99, 1], [1, 100, 0], [1, 9, 12], [2, 0, 0]))
    .map(([[operator, compare], version]): Meant => ({
      text: `agentVersion ${operator} ${version.join('.')}`,
      means: ({ agentVersion }) => {
        const weigh = (numbers: readonly number[]) => numbers.reduce((sum, part) => sum * 1_000 + part, 0);
        return compare(weigh(agentVersion.split('.').map(Number)) - weigh(version));
      },
    })),
  fc
    .tuple(
      fc.constantFrom(...ORDERS),
      fc.constantFrom(
        ['2030-01-07', Date.UTC(2030, 0, 7)],
        ['2030-01-07T00:00:05Z', Date.UTC(2030, 0, 7, 0, 0, 5)],
        ['2030-01-07T01:00:03+01:00', Date.UTC(2030, 0, 7, 0, 0, 3)],
        ['2030-01-07T00:00:02', Date.UTC(2030, 0, 7, 0, 0, 2)],
      ),
    )
    .map(([[operator, compare], [written, atMs]]): Meant => ({
      text: `registeredAt ${operator} ${written}`,
      means: ({ registeredAt }) => compare(Date.parse(registeredAt) - atMs),
    })),
);

/** Expressions with every subject, operator, alias, quote and grouping; all of them valid. */
export const meantExpressions: fc.Arbitrary<Meant> = fc
  .letrec<{ whole: Meant; alternative: Meant; factor: Meant }>((tie) => ({
    whole: fc.array(tie('alternative'), { minLength: 1, maxLength: 2 }).chain((parts) =>
      fc.constantFrom(' or ', ' || ', '||').map((joined) => ({
        text: parts.map(({ text }) => text).join(joined),
        means: (instance: QueriedInstanceJson) => parts.some(({ means }) => means(instance)),
      })),
    ),
    alternative: fc.array(tie('factor'), { minLength: 1, maxLength: 2 }).chain((parts) =>
      fc.constantFrom(' and ', ' && ', '&&').map((joined) => ({
        text: parts.map(({ text }) => text).join(joined),
        means: (instance: QueriedInstanceJson) => parts.every(({ means }) => means(instance)),
      })),
    ),
    factor: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      { weight: 3, arbitrary: attributeTests },
      { weight: 3, arbitrary: subjectTests },
      { weight: 1, arbitrary: tie('whole').map(({ text, means }) => ({ text: `( ${text})`, means })) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie('whole'), fc.constantFrom('not(', 'not (', '!(', '! ('))
          .map(([{ text, means }, open]): Meant => ({
            text: `${open}${text} )`,
            means: (instance) => !means(instance),
          })),
      },
    ),
  }))
  .whole.filter(({ text }) => text.length <= 1_800);

export const expressions: fc.Arbitrary<string> = meantExpressions.map(({ text }) => text);

/** An instance as the cluster query language sees it. */
export const queriedInstances: fc.Arbitrary<QueriedInstanceJson> = fc.record({
  ec2InstanceId: fc.constantFrom('i-1', 'i-02', 'i-002', 'prod'),
  agentConnected: fc.boolean(),
  agentVersion: fc.constantFrom('1.99.1', '1.9.12', '2.0.0', '1.100.0'),
  registeredAt: fc.constantFrom(
    '2030-01-07T00:00:00Z',
    '2030-01-07T00:00:03Z',
    '2018-02-12T23:59:59Z',
    '2031-01-01T00:00:00Z',
  ),
  runningTasksCount: fc.nat({ max: 4 }),
  attributes: fc.record(
    {
      stack: fc.option(values, { nil: null }),
      ssd: fc.option(values, { nil: null, freq: 1 }),
      'ecs.instance-type': fc.constantFrom('m5.large', 'm5.xlarge', 't3.small'),
      'ecs.availability-zone': fc.constantFrom(...ZONES),
    },
    { requiredKeys: ['ecs.instance-type', 'ecs.availability-zone'] },
  ),
  taskGroups: fc.subarray(['service:web', 'prod', 'two words']),
});
/** A member of a group, on demand and in service unless a test says otherwise. */
export function groupMember(index: number, changes: Partial<Instance> = {}): Instance {
  const { launchedMs = index, instanceType: type = 'm5.large' } = changes;
  return {
    instanceId: instanceId(index),
    autoScalingGroupName: 'group-0',
    instanceType: type,
    availabilityZone: ZONES[0] as string,
    purchaseOption: 'on-demand',
    launchTemplateVersion: 1,
    launchedMs,
    runningAtMs: launchedMs,
    bootedAtMs: launchedMs,
    inServiceMs: launchedMs,
    interruptedAtMs: undefined,
    state: 'InService',
    protectedFromScaleIn: false,
    surplus: false,
    atRisk: false,
    interrupted: false,
    impaired: false,
    waitsFor: new Map(),
    cpuCredits: newCpuCredits(type, undefined),
    cpu: undefined,
    ...changes,
  };
}
