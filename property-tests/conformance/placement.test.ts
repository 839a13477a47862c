/** Placement and the service scheduler by AWS's worked examples. @source spec/placement.md chapter 7 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  chooseTasksToStop,
  deploymentBounds,
  placeTask,
  taskDemand,
  type ContainerInstance,
  type PlacementRequest,
  type TaskDemand,
} from '../../core/ecs/index.ts';
import type { PlacementStrategyConfig } from '../../core/ecs/placement/strategies.ts';
import { keyedRng } from '../../core/kernel/index.ts';
import { scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import { instanceType } from '../../core/ec2/index.ts';
import { emptyInstance, endOf, occupy, quietScenario, SERVICE } from '../arbitraries.ts';

describe('minimum and maximum healthy percent', () => {
  for (const [id, desired, minimum, maximum, expected] of [
    ['W1: 4 at 50 % may fall to 2', 4, 50, 200, { minimumHealthy: 2, maximumTasks: 8 }],
    ['W2: 2 at 75 % may lose none (1.5 up)', 2, 75, 200, { minimumHealthy: 2, maximumTasks: 4 }],
    ['W3: 4 at 200 % may grow to 8', 4, 100, 200, { minimumHealthy: 4, maximumTasks: 8 }],
    ['W4: 3 at 125 % may grow by none (3.75 down)', 3, 100, 125, { minimumHealthy: 3, maximumTasks: 3 }],
    ['W11: 100 and 100', 5, 100, 100, { minimumHealthy: 5, maximumTasks: 5 }],
    ['nothing desired', 0, 100, 200, { minimumHealthy: 0, maximumTasks: 0 }],
  ] as const)
    test(id, () => assert.deepEqual(deploymentBounds(desired, minimum, maximum), expected));
});

const demandOf = (part: Partial<TaskDemand>): TaskDemand => ({
  cpuUnits: 0,
  memoryMiB: 0,
  gpuCount: 0,
  tcpPorts: [],
  udpPorts: [],
  enis: 0,
  ...part,
});

function request(demand: Partial<TaskDemand>, strategies: readonly PlacementStrategyConfig[] = []): PlacementRequest {
  return { serviceName: SERVICE, demand: demandOf(demand), constraints: [], strategies, capacityProvider: undefined };
}

const zoneOf = ({ availabilityZone }: ContainerInstance) => availabilityZone;
const ours = ({ serviceCounts }: ContainerInstance) => serviceCounts.get(SERVICE) ?? 0;

/** Places tasks one by one; the number that found a place, and why the next one did not. */
function placeAll(wanted: PlacementRequest, instances: readonly ContainerInstance[], count: number) {
  for (let placed = 0; placed < count; placed++) {
    const countWhere = (field: string, instance: unknown) => {
      const by = field === 'instanceId' ? ({ ec2InstanceId }: ContainerInstance) => ec2InstanceId : zoneOf;
      return instances
        .filter((other) => by(other) === by(instance as ContainerInstance))
        .reduce((sum, other) => sum + ours(other), 0);
    };
    const place = placeTask(wanted, instances, countWhere, keyedRng(1).at('placement', placed));
    if (!('instance' in place)) return { placed, reason: place.reason };
    occupy(place.instance as ContainerInstance, { demand: wanted.demand });
  }
  return { placed: count, reason: undefined };
}

function sized(cpuUnits: number, memoryMiB: number, zone = 'a', index = 0): ContainerInstance {
  const size = { cpuUnits, memoryMiB, enis: 2 };
  return { ...emptyInstance(index, zone), registered: size, remaining: { ...size } };
}

const catalogued = (type: string) => emptyInstance(0, 'a', type);

describe('room on an instance', () => {
  test('W24: tasks of 1000 MiB, 1024 MiB registered: one to an instance', () =>
    assert.deepEqual(placeAll(request({ memoryMiB: 1000 }), [sized(2048, 1024)], 2), {
      placed: 1,
      reason: 'RESOURCE:MEMORY',
    }));

  test('W25: tasks of 1000 CPU units, 1024 registered: one to an instance', () =>
    assert.deepEqual(placeAll(request({ cpuUnits: 1000 }), [sized(1024, 4096)], 2), {
      placed: 1,
      reason: 'RESOURCE:CPU',
    }));

  test('W26, W53: a static host port 80, two tasks, one instance: one is placed', () =>
    assert.deepEqual(placeAll(request({ tcpPorts: [80] }), [sized(1024, 4096)], 2), {
      placed: 1,
      reason: 'RESOURCE:PORTS',
    }));

  test('the same port number of the other protocol is another port', () => {
    const instance = sized(1024, 4096);
    assert.equal(placeAll(request({ tcpPorts: [80] }), [instance], 1).placed, 1);
    assert.equal(placeAll(request({ udpPorts: [80] }), [instance], 1).placed, 1);
  });

  test('1.2: a port the agent reserves is never free', () =>
    assert.equal(placeAll(request({ tcpPorts: [22] }), [sized(1024, 4096)], 1).reason, 'RESOURCE:PORTS'));

  test('W27: 0.5 vCPU and 2 GB on 2 vCPU and 8 GB: four by the brochure, three on a real m5.large', () => {
    assert.equal(placeAll(request({ cpuUnits: 512, memoryMiB: 2048 }), [sized(2048, 8192)], 9).placed, 4);
    assert.equal(placeAll(request({ cpuUnits: 512, memoryMiB: 2048 }), [catalogued('m5.large')], 9).placed, 3);
  });

  test('W31: c5.large takes two tasks with a network interface each (trunked 10)', () => {
    assert.deepEqual(placeAll(request({ enis: 1 }), [catalogued('c5.large')], 9), {
      placed: 2,
      reason: 'RESOURCE:ENI',
    });
    assert.equal(instanceType('c5.large')?.awsvpcTasksTrunked, 10);
  });

  test('W32: 2048 CPU units and 3767 MiB, less tasks of 60 and 3000, leave 1988 and 767', () => {
    const instance = sized(2048, 3767);
    assert.equal(placeAll(request({ cpuUnits: 60, memoryMiB: 3000 }), [instance], 1).placed, 1);
    assert.equal(instance.remaining.cpuUnits, 1988);
    assert.equal(instance.remaining.memoryMiB, 767);
    assert.deepEqual([...instance.ports.keys()], ['tcp/22', 'tcp/2375', 'tcp/2376', 'tcp/51678', 'tcp/51679']);
  });

  test('W54: a task of 5000 CPU units and 40,000 MiB on 4096 and 7482: none of two is placed', () =>
    assert.deepEqual(placeAll(request({ cpuUnits: 5000, memoryMiB: 40_000 }), [sized(4096, 7482)], 2), {
      placed: 0,
      reason: 'RESOURCE:CPU',
    }));

  test('equal fits', () =>
    assert.equal(placeAll(request({ cpuUnits: 1024, memoryMiB: 512 }), [sized(1024, 512)], 1).placed, 1));
});

describe('what a task reserves', () => {
  const container = <Part extends object>(part: Part) => ({ name: 'app', image: 'app', ...part });

  test('W28: memoryReservation 128 and memory 300: 128', () =>
    assert.equal(
      taskDemand({ containerDefinitions: [container({ memory: 300, memoryReservation: 128 })] }).memoryMiB,
      128,
    ));

  test('W33: the task’s size replaces its containers’; the GPUs add up', () =>
    assert.deepEqual(
      taskDemand({
        cpu: '1024',
        memory: '512',
        containerDefinitions: [
          container({
            cpu: 1200,
            memory: 1200,
            memoryReservation: 400,
            resourceRequirements: [{ type: 'GPU', value: '2' }],
          }),
        ],
      }),
      demandOf({ cpuUnits: 1024, memoryMiB: 512, gpuCount: 2 }),
    ));

  test('without a size of the task, the containers add up, the soft limit before the hard one', () =>
    assert.deepEqual(
      taskDemand({
        containerDefinitions: [
          container({ cpu: 100, memory: 256 }),
          container({ memory: 300, memoryReservation: 50 }),
          container({ cpu: 7, memoryReservation: 20 }),
        ],
      }),
      demandOf({ cpuUnits: 107, memoryMiB: 326 }),
    ));

  test('W36: static tcp ports 10, 11 and udp ports 20, 21 are taken; dynamic ones are not', () =>
    assert.deepEqual(
      taskDemand({
        networkMode: 'bridge',
        cpu: 1024,
        memory: 512,
        containerDefinitions: [
          container({
            portMappings: [
              { containerPort: 1, hostPort: 10 },
              { containerPort: 2, hostPort: 20, protocol: 'udp' },
              { containerPort: 3 },
              { containerPort: 4, hostPort: 0 },
            ],
          }),
          container({
            portMappings: [
              { containerPort: 1, hostPort: 11, protocol: 'tcp' },
              { containerPort: 2, hostPort: 21, protocol: 'udp' },
            ],
          }),
        ],
      }),
      demandOf({ cpuUnits: 1024, memoryMiB: 512, tcpPorts: [10, 11], udpPorts: [20, 21] }),
    ));

  test('1.3, 1.6: with awsvpc an interface instead of ports; in host mode the container’s port', () => {
    const containerDefinitions = [
      container({ portMappings: [{ containerPort: 8080 }, { containerPort: 53, hostPort: 53 }] }),
    ];
    assert.deepEqual(taskDemand({ networkMode: 'awsvpc', containerDefinitions }), demandOf({ enis: 1 }));
    assert.deepEqual(taskDemand({ networkMode: 'host', containerDefinitions }), demandOf({ tcpPorts: [8080, 53] }));
  });
});

describe('strategies', () => {
  const zones = ['a', 'b', 'c'];
  const cluster = () =>
    zones.flatMap((zone, index) => [0, 1].map((place) => sized(2048, 8192, zone, 2 * index + place)));
  const inZones = (instances: readonly ContainerInstance[]) =>
    zones.map((zone) => instances.filter((instance) => zoneOf(instance) === zone).map(ours));

  test('W18: without a strategy, zone A has a task and B and C none: the next goes to B or C', () => {
    const instances = cluster();
    occupy(instances[0]!, { demand: demandOf({}) });
    placeAll(request({ cpuUnits: 64 }), instances, 1);
    assert.deepEqual(inZones(instances)[0], [1, 0]);
    placeAll(request({ cpuUnits: 64 }), instances, 1);
    assert.deepEqual(
      inZones(instances).map((counts) => counts.reduce((sum, count) => sum + count, 0)),
      [1, 1, 1],
    );
  });

  for (const [id, strategies] of [
    ['the default', []],
    [
      'W56: [spread zone, spread instanceId]',
      [
        { type: 'spread', field: 'attribute:ecs.availability-zone' },
        { type: 'spread', field: 'instanceId' },
      ],
    ],
  ] as const)
    test(`${id}: even over zones, then over the instances of each`, () => {
      const instances = cluster();
      placeAll(request({ cpuUnits: 64 }, strategies), instances, 12);
      assert.deepEqual(inZones(instances), [
        [2, 2],
        [2, 2],
        [2, 2],
      ]);
    });

  test('W57: [spread zone, binpack memory]: even over zones, packed inside each', () => {
    const instances = cluster();
    const strategies = [
      { type: 'spread', field: 'attribute:ecs.availability-zone' },
      { type: 'binpack', field: 'memory' },
    ] as const;
    placeAll(request({ memoryMiB: 1024 }, strategies), instances, 12);
    for (const counts of inZones(instances))
      assert.deepEqual(
        counts.toSorted((a, b) => a - b),
        [0, 4],
      );
  });

  test('a zone without room drops out; it does not block', () => {
    const instances = [sized(2048, 512, 'a'), sized(2048, 8192, 'b', 1)];
    assert.equal(placeAll(request({ memoryMiB: 512 }), instances, 4).placed, 4);
    assert.deepEqual(instances.map(ours), [1, 3]);
  });

  test('W19: scaling in by default, A 1, B 2, C 2: the victim is in B or C', () => {
    const instances = cluster();
    const tasks = [0, 2, 3, 4, 5].map((place, number) => {
      const instance = instances[place]!;
      return { taskId: `task-${number}`, number, running: true, instance, availabilityZone: zoneOf(instance) };
    });
    const wanted = { serviceName: SERVICE, demand: demandOf({}), strategies: [] };
    const [victim] = chooseTasksToStop(tasks, 1, wanted, keyedRng(1).at('stop', 1));
    assert.notEqual(victim!.availabilityZone, 'a');
  });
});

/** A fleet of two instances on which a service of four runs; after some minutes the fleet is cut to one, and drains. */
function draining(minimumHealthyPercent: number, maximumPercent: number, behindLoadBalancer: boolean) {
  const input: ScenarioInput = quietScenario({
    duration: '40m',
    cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
    autoScalingGroups: [
      {
        AutoScalingGroupName: 'group',
        AvailabilityZones: ['a'],
        MinSize: 1,
        MaxSize: 2,
        DesiredCapacity: 2,
        instanceType: 'm5.large',
      },
    ],
    capacityProviders: [
      {
        name: 'fleet',
        autoScalingGroupProvider: { autoScalingGroup: 'group', managedScaling: { status: 'DISABLED' } },
      },
    ],
    taskDefinitions: [{ family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 128, memory: 128 }] }],
    targetGroups: [{ Name: 'web', deregistrationDelaySeconds: 30 }],
    services: [
      {
        serviceName: 'web',
        taskDefinition: 'web',
        desiredCount: 4,
        capacityProviderStrategy: [{ capacityProvider: 'fleet', weight: 1 }],
        // Packed: the oldest instance, which scale-in takes, holds all four.
        placementStrategy: [{ type: 'binpack', field: 'cpu' }],
        loadBalancers: behindLoadBalancer ? [{ targetGroup: 'web', containerName: 'app', containerPort: 80 }] : [],
        deploymentConfiguration: { minimumHealthyPercent, maximumPercent },
      },
    ],
  });
  const scenario = scenarioSchema.parse(input);
  const simulation = simulate(scenario);
  simulation.runUntil(scenario.start + 300_000);
  simulation.submit(simulation.nowMs, {
    type: 'SetDesiredCapacity',
    autoScalingGroupName: 'group',
    desiredCapacity: 1,
  });
  const service = () => simulation.world.ecs.services.get('web')!;
  let fewestHealthy = 4;
  let mostTasks = 4;
  let firstStopsAmong = 0;
  while (simulation.nowMs < endOf(scenario) && simulation.step()) {
    const targets = simulation.world.elb.targetGroups.get('web')!.targets;
    let healthy = 0;
    for (const { taskId, status } of simulation.world.ecs.tasks.values())
      if (status === 'RUNNING' && (!behindLoadBalancer || targets.get(taskId) === 'healthy')) healthy++;
    fewestHealthy = Math.min(fewestHealthy, healthy);
    mostTasks = Math.max(mostTasks, service().tasks.size);
    if (firstStopsAmong === 0 && service().stoppingCount > 0) firstStopsAmong = service().tasks.size;
  }
  const instancesLeft = simulation.world.ec2.instances.size;
  return { fewestHealthy, mostTasks, firstStopsAmong, running: service().runningCount, instancesLeft };
}

for (const behindLoadBalancer of [false, true])
  describe(`draining, ${behindLoadBalancer ? 'behind' : 'without'} a load balancer`, () => {
    const drained = { running: 4, instancesLeft: 1 };

    test('W8: 4 tasks, minimum 50 %, maximum 100 %: two stop before two start', () => {
      const { fewestHealthy, mostTasks, firstStopsAmong, ...end } = draining(50, 100, behindLoadBalancer);
      assert.deepEqual(end, drained);
      assert.equal(fewestHealthy, 2);
      assert.equal(mostTasks, 4);
      assert.equal(firstStopsAmong, 4);
    });

    test('W9: 4 tasks, minimum 100 %, maximum 200 %: four new ones before the four drained stop', () => {
      const { fewestHealthy, mostTasks, firstStopsAmong, ...end } = draining(100, 200, behindLoadBalancer);
      assert.deepEqual(end, drained);
      assert.equal(fewestHealthy, 4);
      assert.equal(mostTasks, 8);
      assert.equal(firstStopsAmong, 8);
    });

    test('W10: maximum 100 %: no replacement before draining tasks have stopped', () => {
      const { fewestHealthy, mostTasks, ...end } = draining(0, 100, behindLoadBalancer);
      assert.deepEqual({ running: end.running, instancesLeft: end.instancesLeft }, drained);
      assert.equal(mostTasks, 4);
      assert.equal(fewestHealthy, 0);
    });

    test('W11: minimum and maximum 100 %: draining is blocked', () => {
      const { fewestHealthy, mostTasks, running, instancesLeft } = draining(100, 100, behindLoadBalancer);
      assert.deepEqual(
        { fewestHealthy, mostTasks, running, instancesLeft },
        { fewestHealthy: 4, mostTasks: 4, running: 4, instancesLeft: 2 },
      );
    });
  });

test('W55: a task’s room is taken when it is placed and is back when it stops', () => {
  const scenario = scenarioSchema.parse(
    quietScenario({
      autoScalingGroups: [
        { AutoScalingGroupName: 'group', AvailabilityZones: ['a'], MinSize: 1, MaxSize: 1, instanceType: 'm5.large' },
      ],
      taskDefinitions: [
        {
          family: 'web',
          containerDefinitions: [
            { name: 'app', image: 'web', cpu: 1024, memory: 400, portMappings: [{ containerPort: 80, hostPort: 80 }] },
          ],
        },
      ],
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 1, launchType: 'EC2' }],
      changes: [{ at: '2030-01-07T00:10:00Z', UpdateService: { service: 'web', desiredCount: 0 } }],
    }),
  );
  const simulation = simulate(scenario);
  const left = () => {
    const [instance] = simulation.world.ecs.containerInstances.values();
    const { remaining, registered, ports } = instance!;
    return [registered.cpuUnits - remaining.cpuUnits, registered.memoryMiB - remaining.memoryMiB, ports.has('tcp/80')];
  };
  simulation.runUntil(scenario.start + 60_000);
  assert.deepEqual(left(), [1024, 400, true]);
  simulation.runUntil(endOf(scenario));
  assert.deepEqual(left(), [0, 0, false]);
});
