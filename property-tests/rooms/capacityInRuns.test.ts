/** Capacity seen from the services: Spot that is taken back, Fargate's limits, zones and CPU credits, in whole runs. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createInvariants } from '../../core/invariants.ts';
import { MINUTE, SECOND, type Recorded } from '../../core/kernel/index.ts';
import { scenarioProblems, scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { simulate, type EcsSimulation } from '../../core/simulate.ts';
import type { Event } from '../../core/world.ts';
import { endOf, quietScenario } from '../arbitraries.ts';

function sail(changes: Partial<ScenarioInput>) {
  const scenario = scenarioSchema.parse(quietScenario(changes));
  assert.deepEqual(scenarioProblems(scenario), []);
  const simulation = simulate(scenario, { check: createInvariants() });
  simulation.runUntil(endOf(scenario));
  return simulation;
}

function happened<T extends Event['type']>({ log }: EcsSimulation, type: T) {
  return [...log].filter(({ event }) => event.type === type) as Recorded<Extract<Event, { type: T }>>[];
}

const at = (minute: number, second = 0) => new Date(Date.UTC(2030, 0, 7, 0, minute, second)).toISOString();
const START = Date.UTC(2030, 0, 7);
const group = (more: object) => ({
  AutoScalingGroupName: 'group',
  AvailabilityZones: ['us-east-1a', 'us-east-1b'],
  MinSize: 0,
  MaxSize: 8,
  DesiredCapacity: 4,
  ...more,
});
const onFleet = {
  cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
  capacityProviders: [{ name: 'fleet', autoScalingGroupProvider: { autoScalingGroup: 'group' } }],
  taskDefinitions: [{ family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 1024, memory: 1024 }] }],
  services: [
    {
      serviceName: 'web',
      taskDefinition: 'web',
      desiredCount: 4,
      capacityProviderStrategy: [{ capacityProvider: 'fleet', weight: 1 }],
      placementStrategy: [{ type: 'spread' as const, field: 'instanceId' }],
    },
  ],
};

describe('Spot instances', () => {
  const storm = (draining: boolean) =>
    sail({
      ...onFleet,
      duration: '30m',
      autoScalingGroups: [
        group({
          MixedInstancesPolicy: {
            LaunchTemplate: { Overrides: [{ InstanceType: 'm5.large' }] },
            InstancesDistribution: { OnDemandBaseCapacity: 2, OnDemandPercentageAboveBaseCapacity: 0 },
          },
          ecsConfig: { ECS_CLUSTER: 'demo', ECS_ENABLE_SPOT_INSTANCE_DRAINING: draining },
        }),
      ],
      faults: [{ kind: 'SpotStorm', at: at(20), for: '5m' }],
      assumptions: { capacity: { spotInterruption: { model: 'hazard', percentPerMonth: 0 } } },
    });

  test('without draining their tasks run until the end of the notice, and are lost', () => {
    const simulation = storm(false);
    assert.equal(happened(simulation, 'ContainerInstanceDraining').length, 0);
    const lost = happened(simulation, 'TaskStopped');
    assert.equal(lost.length, 2);
    for (const { atMs, event } of lost) {
      assert.equal(atMs, START + 22 * MINUTE);
      assert.match(event.reason, /^Host EC2 \(instance i-[0-9a-f]+\) terminated\.$/);
    }
  });

  test('with draining they are replaced before that, on what is left, and nothing is lost', () => {
    const simulation = storm(true);
    const draining = happened(simulation, 'ContainerInstanceDraining');
    assert.deepEqual(
      draining.map(({ atMs }) => atMs),
      [START + 20 * MINUTE + SECOND, START + 20 * MINUTE + SECOND],
    );
    for (const { atMs, event } of happened(simulation, 'TaskStopped')) {
      assert.equal(atMs < START + 22 * MINUTE, true);
      assert.equal(event.stopCode, 'ServiceSchedulerInitiated');
    }
    assert.equal(simulation.world.ecs.services.get('web')!.runningCount, 4);
  });
});

test('a pool can be interrupted at instants that the scenario lists', () => {
  const pool = { instanceType: 'm5.large', availabilityZone: 'us-east-1a' };
  const simulation = sail({
    ...onFleet,
    autoScalingGroups: [
      group({
        MixedInstancesPolicy: {
          LaunchTemplate: { Overrides: [{ InstanceType: 'm5.large' }] },
          InstancesDistribution: { OnDemandPercentageAboveBaseCapacity: 0 },
        },
      }),
    ],
    assumptions: { capacity: { spotInterruption: { model: 'instants', pools: [{ ...pool, at: [at(10), at(40)] }] } } },
  });
  const instants = happened(simulation, 'SpotInterruptionNoticed').map(({ atMs }) => (atMs - START) / MINUTE);
  assert.deepEqual([...new Set(instants)], [10, 40]);
  assert.equal(instants.filter((minute) => minute === 10).length, 2, 'two of four instances are in that zone');
});

describe('Fargate', () => {
  const spot = (count: number) => [
    {
      serviceName: 'web',
      taskDefinition: 'web',
      desiredCount: count,
      capacityProviderStrategy: [
        { capacityProvider: 'FARGATE', base: 1, weight: 1 },
        { capacityProvider: 'FARGATE_SPOT', weight: 4 },
      ],
    },
  ];

  test('Fargate Spot takes tasks back with SIGTERM; while it has no capacity the count stays short, and nothing moves to FARGATE', () => {
    const scenario = scenarioSchema.parse(
      quietScenario({
        services: spot(10),
        faults: [{ kind: 'SpotStorm', at: at(20), for: '10m' }],
        assumptions: { capacity: { fargateSpotPercentPerMonth: 0 } },
      }),
    );
    const simulation = simulate(scenario, { check: createInvariants() });
    const counts = () => Object.fromEntries(simulation.world.ecs.services.get('web')!.providerCounts);
    simulation.runUntil(START + 19 * MINUTE);
    assert.deepEqual(counts(), { FARGATE: 3, FARGATE_SPOT: 7 });
    simulation.runUntil(START + 29 * MINUTE);
    assert.deepEqual(counts(), { FARGATE: 3 });
    const interrupted = happened(simulation, 'TaskStopped');
    assert.equal(interrupted.length, 7);
    for (const { event } of interrupted) {
      assert.equal(event.stopCode, 'TerminationNotice');
      assert.equal(event.reason, 'Your Spot Task was interrupted.');
    }
    const failed = happened(simulation, 'ServiceTaskPlacementFailed');
    assert.match(failed[0]!.event.reason, /^Capacity is unavailable at this time/);
    simulation.runUntil(endOf(scenario));
    assert.deepEqual(counts(), { FARGATE: 3, FARGATE_SPOT: 7 });
  });

  test('behind a load balancer an interrupted task answers on until it is killed: its stop timeout, two minutes at most', () => {
    for (const [stopTimeout, expected] of [
      [undefined, 30],
      [90, 90],
      [600, 120],
    ] as const) {
      const simulation = sail({
        targetGroups: [{ Name: 'web', deregistrationDelaySeconds: 300 }],
        taskDefinitions: [
          {
            family: 'web',
            networkMode: 'awsvpc',
            cpu: 1024,
            memory: 2048,
            containerDefinitions: [
              { name: 'app', image: 'web', ...(stopTimeout === undefined ? {} : { stopTimeout }) },
            ],
          },
        ],
        services: [
          { ...spot(5)[0]!, loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 8080 }] },
        ],
        faults: [{ kind: 'SpotStorm', at: at(20), for: '1m' }],
        assumptions: { capacity: { fargateSpotPercentPerMonth: 0 } },
      });
      for (const { event } of happened(simulation, 'FargateSpotTaskInterrupted'))
        assert.equal(event.endsAtMs, START + 20 * MINUTE + expected * SECOND);
      const stopping = happened(simulation, 'TaskStopping');
      assert.equal(stopping.length, 3);
      for (const { atMs } of stopping) assert.equal(atMs, START + 20 * MINUTE + expected * SECOND);
    }
  });

  test('4.2: 100 tasks start at once, then 20 a second; Spot has a bucket of its own', () => {
    const timings = {
      eni: { fromSeconds: 0, toSeconds: 0 },
      fargateProvision: { medianSeconds: 1, p95Seconds: 1 },
    };
    const simulation = sail({
      duration: '10m',
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 200, launchType: 'FARGATE' }],
      assumptions: { start: 'cold', timings, services: { launchesPerMinute: { fargate: 10_000 } } },
    });
    const delays = happened(simulation, 'TaskPlaced')
      .map(({ atMs, event }) => (event.pullStartedAtMs as number) - atMs - SECOND)
      .toSorted((a, b) => a - b);
    assert.equal(delays.length, 200);
    assert.equal(delays[99], 0);
    for (let extra = 0; extra < 100; extra++) assert.equal(delays[100 + extra], 50 * (extra + 1));
  });

  test('throttled, it starts nothing; in a zone that is out neither', () => {
    const throttled = sail({
      changes: [{ at: at(10), UpdateService: { service: 'web', desiredCount: 4 } }],
      faults: [{ kind: 'ApiThrottling', at: at(5), for: '15m', api: 'Fargate' }],
    });
    assert.equal(
      happened(throttled, 'ServiceTaskPlacementFailed')[0]!.event.reason,
      'ThrottlingException: Rate exceeded',
    );
    for (const { atMs } of happened(throttled, 'TaskPlaced'))
      assert.equal(atMs < START + 5 * MINUTE || atMs >= START + 20 * MINUTE, true);
    assert.equal(throttled.world.ecs.services.get('web')!.runningCount, 4);
    const out = sail({
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 6, launchType: 'FARGATE' }],
      faults: [{ kind: 'AvailabilityZoneOutage', at: at(20), availabilityZone: 'us-east-1b' }],
    });
    assert.equal(happened(out, 'TaskStopped').length, 2);
    assert.equal(out.world.ecs.services.get('web')!.runningCount, 6);
    assert.equal(out.world.ecs.services.get('web')!.zoneCounts.has('us-east-1b'), false);
  });
});

describe('limits and choices', () => {
  const full = (capacity: object) =>
    sail({
      ...onFleet,
      autoScalingGroups: [group({ instanceType: 'm5.large', DesiredCapacity: 1, MaxSize: 1 })],
      services: [{ ...onFleet.services[0]!, desiredCount: 10 }],
      assumptions: { capacity },
    });

  test('2.6: beyond the limit of PROVISIONING a task is not even created, and the scheduler tries again later', () => {
    const simulation = full({ provisioningLimit: 3 });
    let most = 0;
    assert.equal(simulation.world.ecs.waiting.size <= 3, true);
    for (const { event } of simulation.log) if (event.type === 'TaskWaiting') most++;
    assert.equal(most > 0, true);
    assert.equal(happened(simulation, 'ServiceTaskPlacementFailed').length > 0, true);
  });

  test('2.6: who waits in PROVISIONING for too long is stopped', () => {
    const simulation = full({ provisioningTimeout: { fromSeconds: 900, toSeconds: 900 } });
    const waited = happened(simulation, 'TaskWaiting');
    const [first] = happened(simulation, 'TaskStopped');
    assert.equal(first!.atMs - waited[0]!.atMs, 900 * SECOND);
    assert.equal(first!.event.stopCode, 'TaskFailedToStart');
  });

  test('B9: the metric of 2020 keeps two idle instances at target 80; today an empty group rests', () => {
    const empty = (legacyEmptyMetric: boolean) =>
      sail({
        ...onFleet,
        autoScalingGroups: [group({ instanceType: 'm5.large', DesiredCapacity: 0 })],
        capacityProviders: [
          {
            name: 'fleet',
            autoScalingGroupProvider: { autoScalingGroup: 'group', managedScaling: { targetCapacity: 80 } },
          },
        ],
        services: [{ ...onFleet.services[0]!, desiredCount: 0 }],
        assumptions: { capacity: { legacyEmptyMetric } },
      });
    assert.equal(happened(empty(false), 'InstanceLaunched').length, 0);
    assert.equal(happened(empty(true), 'CapacityProviderScaled')[0]!.event.to, 2);
  });
});

describe('CPU credits', () => {
  /** Four tasks of half a vCPU on a t3.medium each, kept busy: more than its baseline of 0.4 vCPUs. */
  const busy = (CpuCredits: 'standard' | 'unlimited') =>
    sail({
      ...onFleet,
      duration: '2h',
      autoScalingGroups: [
        group({ instanceType: 't3.medium', DesiredCapacity: 1, CreditSpecification: { CpuCredits } }),
      ],
      taskDefinitions: [
        { family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 512, memory: 512 }] },
      ],
      load: [
        {
          service: 'web',
          request: { cpuMs: 20, timeoutMs: 10_000 },
          rate: [{ model: 'constant', rate: 60 }],
        },
      ],
    });

  test('a standard instance without credits slows its tasks to its baseline, and requests pay for it', () => {
    const slow = busy('standard');
    const fast = busy('unlimited');
    const percents = happened(slow, 'CpuSpeedChanged').map(({ event }) => event.percent);
    assert.equal(percents.at(-1), 20, 'a baseline of 0.4 of 2 vCPUs');
    const failed = (simulation: EcsSimulation) =>
      happened(simulation, 'LoadServed').reduce((sum, { event }) => sum + event.timedOut[0]! + event.rejected[0]!, 0);
    assert.equal(failed(fast), 0);
    assert.equal(failed(slow) > 0, true);
    const used = happened(slow, 'LoadServed').at(-1)!.event.cpuPercent[0]!;
    assert.equal(used > 18 && used <= 20.001, true, `${used} % of what the tasks reserve`);
    const spent = happened(slow, 'CpuCreditsSettled').map(({ event }) => event.spent[0]!);
    assert.equal(Math.max(...spent.slice(5)) <= 0.41, true, 'vCPU-minutes a minute');
  });

  test('an unlimited one lends, and is as fast as it is', () => {
    const fast = busy('unlimited');
    assert.equal(happened(fast, 'CpuSpeedChanged').length, 0);
    const settled = happened(fast, 'CpuCreditsSettled');
    // 1.2 vCPUs of work a minute, 0.4 earned.
    assert.equal(Math.abs(settled.at(-1)!.event.surplus[0]! - settled.length * 0.8) < 3, true);
  });
});

describe('updates of a group', () => {
  test('a new launch template version is what is launched from then on, and scale-in gives up the old one first', () => {
    const simulation = sail({
      ...onFleet,
      autoScalingGroups: [group({ instanceType: 'm5.large', DesiredCapacity: 2 })],
      capacityProviders: [
        {
          name: 'fleet',
          autoScalingGroupProvider: { autoScalingGroup: 'group', managedScaling: { status: 'DISABLED' } },
        },
      ],
      services: [{ ...onFleet.services[0]!, desiredCount: 0 }],
      changes: [
        {
          at: at(10),
          UpdateAutoScalingGroup: { AutoScalingGroupName: 'group', instanceType: 'm6i.large', DesiredCapacity: 4 },
        },
        { at: at(20), UpdateAutoScalingGroup: { AutoScalingGroupName: 'group', DesiredCapacity: 2 } },
      ],
    });
    const types = Array.from(simulation.world.ec2.instances.values(), ({ instanceType }) => instanceType);
    assert.deepEqual(types, ['m6i.large', 'm6i.large']);
  });
});
