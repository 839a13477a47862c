/** Capacity by AWS's worked examples. @source spec/capacity.md chapter 8, A to D; 6.1, 6.2 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { instanceType, onDemandCount, scaleInVictims, warmPoolSize } from '../../core/ec2/index.ts';
import { fargateSizeIsValid, managedScaling, splitByStrategy } from '../../core/ecs/index.ts';
import { HOUR, MINUTE, SECOND } from '../../core/kernel/index.ts';
import { fargateCostMicroUsd } from '../../core/projections/index.ts';
import { scenarioProblems, scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import { endOf, groupMember, quietScenario } from '../arbitraries.ts';

describe('A: the split over capacity providers', () => {
  const od = { capacityProvider: 'OD', base: 2, weight: 1 };
  const spot = { capacityProvider: 'SPOT', base: 0, weight: 3 };
  const fargate = { capacityProvider: 'FARGATE', base: 1, weight: 1 };
  const fargateSpot = { capacityProvider: 'FARGATE_SPOT', base: 0, weight: 4 };
  const even = ['A', 'B'].map((capacityProvider) => ({ capacityProvider, base: 0, weight: 1 }));
  for (const [id, strategy, desired, expected] of [
    ['A1', [od, spot], 10, [4, 6]],
    ['A2', [od, spot], 22, [7, 15]],
    ['A3: what survives a scale-in from 10 to 4', [od, spot], 4, [3, 1]],
    ['A5', [fargate, fargateSpot], 10, [3, 7]],
    ['W66: weights 1 and 4 after a base of 1', [fargate, fargateSpot], 26, [6, 20]],
    ['A7: halves', even, 8, [4, 4]],
    ['A7: halves of a large number', even, 2 * 1234, [1234, 1234]],
    ['the base comes first', [od, spot], 2, [2, 0]],
    ['one provider, weight left out', [{ capacityProvider: 'A' }], 3, [3]],
    ['nothing desired', [od, spot], 0, [0, 0]],
  ] as const)
    test(id, () => assert.deepEqual(splitByStrategy(desired, strategy), expected));

  test('A9: two providers without weight are an error', () =>
    assert.throws(
      () =>
        splitByStrategy(
          1,
          even.map((item) => ({ ...item, weight: 0 })),
        ),
      RangeError,
    ));

  for (const [what, strategy] of [
    ['two bases', [od, { ...spot, base: 1 }]],
    ['a provider twice', [od, od]],
    ['Fargate beside an Auto Scaling group', [od, fargateSpot]],
    ['a weight above 1000', [{ ...od, weight: 1001 }, spot]],
    ['a base above 100000', [{ ...od, base: 100_001 }, spot]],
    ['21 providers', Array.from({ length: 21 }, (_, index) => ({ capacityProvider: `${index}`, weight: 1 }))],
  ] as const)
    test(`1.1: ${what} is refused`, () => assert.throws(() => splitByStrategy(1, strategy), RangeError));

  test('1.2: the largest remainders fit the same observations, and differ where there is one task for weights 1 and 2', () => {
    for (const [strategy, desired, expected] of [
      [[od, spot], 10, [4, 6]],
      [[od, spot], 22, [7, 15]],
      [[od, spot], 4, [3, 1]],
      [[fargate, fargateSpot], 10, [3, 7]],
    ] as const)
      assert.deepEqual(splitByStrategy(desired, strategy, 'largest-remainder'), expected);
    const oneTwo = [
      { ...even[0]!, weight: 1 },
      { ...even[1]!, weight: 2 },
    ];
    assert.deepEqual(splitByStrategy(1, oneTwo), [1, 0]);
    assert.deepEqual(splitByStrategy(1, oneTwo, 'largest-remainder'), [0, 1]);
  });

  test('1.1: AWS says why it does not mix Fargate and Auto Scaling groups', () =>
    assert.throws(
      () => splitByStrategy(1, [od, fargateSpot]),
      /A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate providers\. Specify one or the other and try again\./,
    ));

  test('A3, in a run: scaling in from 10 to 4 leaves 3 and 1', () => {
    const scenario = scenarioSchema.parse(
      quietScenario({
        services: [
          {
            serviceName: 'web',
            taskDefinition: 'web',
            desiredCount: 10,
            capacityProviderStrategy: [
              { capacityProvider: 'FARGATE', base: 2, weight: 1 },
              { capacityProvider: 'FARGATE_SPOT', weight: 3 },
            ],
          },
        ],
        changes: [{ at: '2030-01-07T00:10:00Z', UpdateService: { service: 'web', desiredCount: 4 } }],
      }),
    );
    const simulation = simulate(scenario);
    const counts = () => Object.fromEntries(simulation.world.ecs.services.get('web')!.providerCounts);
    simulation.runUntil(scenario.start + MINUTE);
    assert.deepEqual(counts(), { FARGATE: 4, FARGATE_SPOT: 6 });
    simulation.runUntil(endOf(scenario));
    assert.deepEqual(counts(), { FARGATE: 3, FARGATE_SPOT: 1 });
  });
});

describe('B: managed scaling', () => {
  const large = { cpuUnits: 2048, memoryMiB: 8192, taskEnis: 2 };
  const base = {
    runningInstances: 0,
    instancesWithTasks: 0,
    provisioningTasks: [],
    instanceTypes: [large],
    targetCapacity: 100,
    minimumScalingStepSize: 1,
    maximumScalingStepSize: 10_000,
  };
  const tasks = (count: number, part: object = {}) =>
    Array.from({ length: count }, () => ({ cpuUnits: 420, memoryMiB: 1680, ...part }));

  for (const [id, part, m, percent, desired] of [
    ['B1: nothing, and no need', {}, 0, 100, undefined],
    ['B2: from nothing, 200 and two instances', { provisioningTasks: tasks(1) }, 1, 200, 2],
    [
      'B3: two full instances, seven waiting, four to an instance',
      { runningInstances: 2, instancesWithTasks: 2, provisioningTasks: tasks(7) },
      4,
      200,
      4,
    ],
    ['B5: one of two in use', { runningInstances: 2, instancesWithTasks: 1 }, 1, 50, 1],
    ['B6: target 80, one in use: two', { runningInstances: 1, instancesWithTasks: 1, targetCapacity: 80 }, 1, 100, 2],
    ['B6: ... where it rests', { runningInstances: 2, instancesWithTasks: 1, targetCapacity: 80 }, 1, 50, undefined],
    ['9-A3: target 80, nothing, and no need', { targetCapacity: 80 }, 0, 80, undefined],
    ['B9: the same in 2020: two idle instances', { targetCapacity: 80, legacyEmptyMetric: true }, 0, 100, 2],
    [
      'B10: no waiting task fits the smallest type: the metric is the target',
      {
        runningInstances: 3,
        instancesWithTasks: 1,
        provisioningTasks: tasks(2, { cpuUnits: 4096 }),
        targetCapacity: 70,
      },
      3,
      70,
      undefined,
    ],
    [
      '2.3: mixed types: as many as on the largest, if it fits the smallest',
      {
        runningInstances: 1,
        instancesWithTasks: 1,
        provisioningTasks: tasks(8),
        instanceTypes: [large, { cpuUnits: 4096, memoryMiB: 16_384, taskEnis: 3 }],
      },
      2,
      200,
      2,
    ],
    [
      'B10: mixed types: what does not fit the smallest never triggers a scale-out',
      {
        runningInstances: 1,
        instancesWithTasks: 1,
        provisioningTasks: tasks(8, { cpuUnits: 3000 }),
        instanceTypes: [large, { cpuUnits: 4096, memoryMiB: 16_384, taskEnis: 3 }],
      },
      1,
      100,
      undefined,
    ],
    [
      'B15: M 3, N 4, target 80: stays',
      { runningInstances: 4, instancesWithTasks: 3, targetCapacity: 80 },
      3,
      75,
      undefined,
    ],
    ['B16: M 4, N 5, target 80', { runningInstances: 5, instancesWithTasks: 4, targetCapacity: 80 }, 4, 80, undefined],
    [
      '2.3: a static port allows one to an instance',
      { runningInstances: 1, instancesWithTasks: 1, provisioningTasks: tasks(3, { tcpPorts: [80] }) },
      4,
      400,
      4,
    ],
    [
      '2.3: so does distinctInstance',
      { runningInstances: 1, instancesWithTasks: 1, provisioningTasks: tasks(3, { distinctInstance: true }) },
      4,
      400,
      4,
    ],
    [
      '2.3: network interfaces bound it too',
      { runningInstances: 1, instancesWithTasks: 1, provisioningTasks: tasks(4, { enis: 1 }) },
      3,
      300,
      3,
    ],
    [
      '2.3: the largest step',
      { runningInstances: 2, instancesWithTasks: 2, provisioningTasks: tasks(70), maximumScalingStepSize: 3 },
      5,
      250,
      5,
    ],
    [
      '2.3: the smallest step',
      { runningInstances: 2, instancesWithTasks: 2, provisioningTasks: tasks(1), minimumScalingStepSize: 3 },
      5,
      250,
      5,
    ],
  ] as const)
    test(id, () => {
      const { capacityProviderReservation, ...rest } = managedScaling({ ...base, ...part });
      assert.equal(rest.m, m);
      assert.equal(capacityProviderReservation, percent);
      assert.equal(rest.desired, desired);
    });

  for (const [m, expected] of [
    [1, 2],
    [3, 4],
    [4, 5],
  ] as const)
    test(`2.5: target 80, M ${m} rests at ${expected}`, () =>
      assert.equal(
        managedScaling({ ...base, runningInstances: 20, instancesWithTasks: m, targetCapacity: 80 }).desired,
        expected,
      ));

  /** A fleet that has to grow: one task to an instance, so many tasks from the tenth minute on. */
  function growing(warmup: number, changes: ScenarioInput['changes'], desiredCount = 1, duration = '1h') {
    const scenario = scenarioSchema.parse(
      quietScenario({
        duration,
        cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
        autoScalingGroups: [
          {
            AutoScalingGroupName: 'group',
            AvailabilityZones: ['a', 'b'],
            MinSize: 0,
            MaxSize: 20,
            DesiredCapacity: desiredCount,
            instanceType: 'm5.large',
          },
        ],
        capacityProviders: [
          {
            name: 'fleet',
            autoScalingGroupProvider: { autoScalingGroup: 'group', managedScaling: { instanceWarmupPeriod: warmup } },
          },
        ],
        taskDefinitions: [
          { family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 2048, memory: 512 }] },
        ],
        services: [
          {
            serviceName: 'web',
            taskDefinition: 'web',
            desiredCount,
            capacityProviderStrategy: [{ capacityProvider: 'fleet', weight: 1 }],
          },
        ],
        changes,
      }),
    );
    const simulation = simulate(scenario);
    simulation.runUntil(endOf(scenario));
    const scaled: { atMs: number; from: number; to: number }[] = [];
    for (const { atMs, event } of simulation.log)
      if (event.type === 'CapacityProviderScaled')
        scaled.push({ atMs: atMs - scenario.start, from: event.from, to: event.to });
    return { scaled, simulation };
  }
  const change = (minute: number, desiredCount: number) => ({
    at: new Date(Date.UTC(2030, 0, 7, 0, minute)).toISOString(),
    UpdateService: { service: 'web', desiredCount },
  });

  test('B12: while an instance warms up the provider waits, then it goes on', () => {
    const { scaled, simulation } = growing(300, [change(10, 3), change(12, 6)]);
    const sizes = scaled.map(({ to }) => to);
    assert.deepEqual(sizes, [3, 6]);
    assert.equal(
      scaled[1]!.atMs - scaled[0]!.atMs >= 300 * SECOND,
      true,
      'not before the warm-up of the first ones is over',
    );
    assert.equal(simulation.world.ecs.services.get('web')!.runningCount, 6);
    const quick = growing(0, [change(10, 3), change(12, 6)]).scaled;
    assert.equal(quick[1]!.atMs - quick[0]!.atMs < 300 * SECOND, true, 'without a warm-up it goes on at once');
  });

  test('B14: a need that comes back within 15 minutes keeps the instances', () => {
    assert.deepEqual(growing(0, [change(10, 1), change(22, 3)], 3).scaled, []);
    const { scaled } = growing(0, [change(10, 1)], 3);
    assert.equal(scaled[0]!.to, 2); // 2.1: at most half in a minute, but one at least
    assert.equal(scaled[0]!.atMs >= 25 * MINUTE, true, `after 15 datapoints, found ${scaled[0]!.atMs / MINUTE} min`);
    assert.equal(scaled.at(-1)!.to, 1);
  });

  test('2.1: the group shrinks by half a minute at most, by one at least', () => {
    const { scaled } = growing(0, [change(5, 0)], 9);
    assert.deepEqual(
      scaled.map(({ from, to }) => [from, to]),
      [
        [9, 5],
        [5, 3],
        [3, 2],
        [2, 1],
        [1, 0],
      ],
    );
  });

  test('B13: an instance with nothing but a daemon is empty: managed scaling gives it up', () => {
    const web = { family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 128, memory: 512 }] };
    const scenario = scenarioSchema.parse(
      quietScenario({
        cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
        autoScalingGroups: [
          {
            AutoScalingGroupName: 'group',
            AvailabilityZones: ['a'],
            MinSize: 0,
            MaxSize: 4,
            DesiredCapacity: 3,
            instanceType: 'm5.large',
            NewInstancesProtectedFromScaleIn: true,
          },
        ],
        capacityProviders: [
          {
            name: 'fleet',
            autoScalingGroupProvider: { autoScalingGroup: 'group', managedTerminationProtection: 'ENABLED' },
          },
        ],
        taskDefinitions: [web, { ...web, family: 'agent' }],
        services: [
          { serviceName: 'agent', taskDefinition: 'agent', schedulingStrategy: 'DAEMON', launchType: 'EC2' },
          {
            serviceName: 'web',
            taskDefinition: 'web',
            desiredCount: 1,
            capacityProviderStrategy: [{ capacityProvider: 'fleet', weight: 1 }],
          },
        ],
      }),
    );
    const simulation = simulate(scenario);
    simulation.runUntil(scenario.start + 10 * MINUTE);
    assert.equal(simulation.world.ecs.services.get('agent')!.runningCount, 3);
    simulation.runUntil(endOf(scenario));
    const { ecs, ec2 } = simulation.world;
    assert.equal(ec2.instances.size, 1);
    assert.deepEqual(
      ['agent', 'web'].map((name) => ecs.services.get(name)!.runningCount),
      [1, 1],
    );
  });

  test('2.7: with termination protection an instance that holds a task is never given up, an empty one is', () => {
    const scenario = scenarioSchema.parse(
      quietScenario({
        cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
        autoScalingGroups: [
          {
            AutoScalingGroupName: 'group',
            AvailabilityZones: ['a'],
            MinSize: 0,
            MaxSize: 4,
            DesiredCapacity: 4,
            instanceType: 'm5.large',
            NewInstancesProtectedFromScaleIn: true,
          },
        ],
        capacityProviders: [
          {
            name: 'fleet',
            autoScalingGroupProvider: { autoScalingGroup: 'group', managedTerminationProtection: 'ENABLED' },
          },
        ],
        taskDefinitions: [
          { family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 128, memory: 512 }] },
        ],
        services: [
          {
            serviceName: 'web',
            taskDefinition: 'web',
            desiredCount: 1,
            capacityProviderStrategy: [{ capacityProvider: 'fleet', weight: 1 }],
          },
        ],
      }),
    );
    const simulation = simulate(scenario);
    simulation.runUntil(endOf(scenario));
    assert.equal(simulation.world.ec2.instances.size, 1);
    for (const { event } of simulation.log) assert.notEqual(event.type, 'TaskStopped');
  });
});

describe('C: the Auto Scaling group', () => {
  for (const [total, expected] of [
    [10, 10],
    [20, 15],
    [30, 20],
    [40, 25],
  ] as const)
    test(`C1: base 10 and 50 % above it, ${total} instances: ${expected} on demand`, () =>
      assert.equal(onDemandCount(total, 10, 50), expected));

  test('C10: a warm pool for 6 desired of at most 10: 4 instances; prepared 8: 2', () => {
    assert.equal(warmPoolSize(6, 10, { MaxGroupPreparedCapacity: -1, MinSize: 0 }), 4);
    assert.equal(warmPoolSize(6, 10, { MaxGroupPreparedCapacity: 8, MinSize: 0 }), 2);
  });

  test('2.7: managed termination protection needs a group that protects its instances', () => {
    const provider = (more: object, group: object) =>
      scenarioProblems(
        scenarioSchema.parse(
          quietScenario({
            autoScalingGroups: [
              {
                AutoScalingGroupName: 'group',
                AvailabilityZones: ['a'],
                MinSize: 0,
                MaxSize: 1,
                instanceType: 'm5.large',
                ...group,
              },
            ],
            capacityProviders: [
              {
                name: 'fleet',
                autoScalingGroupProvider: {
                  autoScalingGroup: 'group',
                  managedTerminationProtection: 'ENABLED',
                  ...more,
                },
              },
            ],
          }),
        ),
      ).map(({ message }) => message);
    assert.deepEqual(provider({}, {}), [
      'The managed termination protection setting for the capacity provider is invalid. To enable managed termination protection for a capacity provider, the Auto Scaling group must have instance protection from scale in enabled.',
    ]);
    assert.deepEqual(provider({}, { NewInstancesProtectedFromScaleIn: true }), []);
    assert.equal(provider({ managedScaling: { status: 'DISABLED' } }, {}).length, 1);
  });

  test('C8: zones with 2 and 1 instances, 3 becomes 2: the victim is where there are two', () => {
    const member = (index: number, availabilityZone: string) => groupMember(index, { availabilityZone });
    const members = [member(0, 'b'), member(1, 'a'), member(2, 'a')];
    assert.deepEqual(
      scaleInVictims(members, 1).map(({ availabilityZone }) => availabilityZone),
      ['a'],
    );
    const guarded = members.map((item) => ({ ...item, protectedFromScaleIn: item.availabilityZone === 'a' }));
    assert.deepEqual(
      scaleInVictims(guarded, 2).map(({ availabilityZone }) => availabilityZone),
      ['b'],
    );
  });
});

describe('D: sizes', () => {
  test('D1: c5.large takes 2 awsvpc tasks, trunked 10', () => {
    const type = instanceType('c5.large');
    assert.equal(type?.awsvpcTasks, 2);
    assert.equal(type?.awsvpcTasksTrunked, 10);
  });

  test('D2: m4.large registers less than its 8 GiB, and within 1 % of the documented 7985 MiB', () => {
    const registered = instanceType('m4.large')!.ecsMemoryMiB;
    assert.equal(registered <= 7985 && registered >= 0.99 * 7985, true, `${registered} MiB`);
    assert.equal(Math.floor(8_373_026_816 / 1024 / 1024), 7985);
  });

  test('D6: four tasks of 2 GB are 8192 MiB, more than the 7633 that m5.large registers', () => {
    const { ecsMemoryMiB } = instanceType('m5.large')!;
    assert.equal(ecsMemoryMiB, 7633);
    assert.equal(Math.floor(ecsMemoryMiB / 2048), 3);
  });

  for (const [cpuUnits, memoryMiB, valid] of [
    [512, 512, false],
    [2048, 3 * 1024, false],
    [8192, 18 * 1024, false],
    [300, 1024, false],
    [256, 512, true],
    [256, 2048, true],
    [256, 3072, false],
    [512, 4096, true],
    [1024, 8192, true],
    [2048, 16 * 1024, true],
    [4096, 30 * 1024, true],
    [8192, 20 * 1024, true],
    [16_384, 120 * 1024, true],
    [16_384, 36 * 1024, false],
  ] as const)
    test(`D8: Fargate ${valid ? 'offers' : 'does not offer'} ${cpuUnits} CPU units with ${memoryMiB} MiB`, () => {
      assert.equal(fargateSizeIsValid(cpuUnits, memoryMiB), valid);
      const scenario = scenarioSchema.parse(
        quietScenario({
          taskDefinitions: [
            {
              family: 'web',
              networkMode: 'awsvpc',
              cpu: cpuUnits,
              memory: memoryMiB,
              containerDefinitions: [{ name: 'app', image: 'web' }],
            },
          ],
        }),
      );
      assert.equal(scenarioProblems(scenario).length, valid ? 0 : 1);
    });

  test('4.4: Fargate is billed by the started second, a minute at least', () => {
    const usage = { cpuUnits: 1024, memoryMiB: 2048, architecture: 'X86_64', spot: false } as const;
    const hour = fargateCostMicroUsd({ ...usage, seconds: HOUR / SECOND });
    assert.equal(hour, 40_480 + 2 * 4_445);
    assert.equal(fargateCostMicroUsd({ ...usage, seconds: 3 }), fargateCostMicroUsd({ ...usage, seconds: 60 }));
    assert.equal(fargateCostMicroUsd({ ...usage, seconds: 60.001 }), Math.round((hour * 61) / 3600));
  });
});
