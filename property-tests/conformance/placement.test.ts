/** Placement and the service scheduler by AWS's worked examples. @source spec/placement.md chapter 7 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  chooseTasksToStop,
  formatPath,
  placeTask,
  taskDemand,
  type InstanceJson,
  type PlaceTaskRequest,
  type TaskDemand,
} from '../../core/index.ts';
import {
  deploymentBounds,
  hostFits,
  isTrunked,
  occupyHost,
  registeredMemoryMiB,
  registeredResources,
} from '../../core/ecs/index.ts';
import { pickHostPorts } from '../../core/ecs/hostPorts.ts';
import { requiredAttributes } from '../../core/ecs/placement/capabilities.ts';
import { keyedRng, thaw } from '../../core/kernel/index.ts';
import { scenarioProblems, scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import { createModel, type Event, type World } from '../../core/world.ts';
import { endOf, quietScenario } from '../arbitraries.ts';
import { at, heard, instances, onInstances, sail, scenarioWith } from '../schedulerRoom.ts';

describe('minimum and maximum healthy percent', () => {
  for (const [id, desired, minimum, maximum, expected] of [
    ['W1: 4 at 50 % may fall to 2', 4, 50, 200, { minimumHealthy: 2, maximumTasks: 8 }],
    ['W2: 2 at 75 % may lose none (1.5 up)', 2, 75, 200, { minimumHealthy: 2, maximumTasks: 4 }],
    ['W3: 4 at 200 % may grow to 8', 4, 100, 200, { minimumHealthy: 4, maximumTasks: 8 }],
    ['W4: 3 at 125 % may grow by none (3.75 down)', 3, 100, 125, { minimumHealthy: 3, maximumTasks: 3 }],
    ['W11: 100 and 100', 5, 100, 100, { minimumHealthy: 5, maximumTasks: 5 }],
    ['nothing desired', 0, 100, 200, { minimumHealthy: 0, maximumTasks: 0 }],
    ['the lowest percentages', 7, 0, 0, { minimumHealthy: 0, maximumTasks: 0 }],
    ['one task, one per cent', 1, 1, 199, { minimumHealthy: 1, maximumTasks: 1 }],
    ['57 % of 100, which no float may push to 58', 100, 57, 100, { minimumHealthy: 57, maximumTasks: 100 }],
  ] as const)
    test(id, () => assert.deepEqual(deploymentBounds(desired, minimum, maximum), expected));

  test('the minimum is the least number of tasks that is enough, the maximum the greatest that is not too many', () =>
    fc.assert(
      fc.property(fc.nat({ max: 5_000 }), fc.nat({ max: 100 }), fc.nat({ max: 1_000 }), (desired, minimum, maximum) => {
        const { minimumHealthy, maximumTasks } = deploymentBounds(desired, minimum, maximum);
        assert.equal(minimumHealthy * 100 >= desired * minimum && (minimumHealthy - 1) * 100 < desired * minimum, true);
        assert.equal(maximumTasks * 100 <= desired * maximum && (maximumTasks + 1) * 100 > desired * maximum, true);
      }),
    ));
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

const RESERVED = [22, 2375, 2376, 51678, 51679];
const GROUP = 'service:web';

type Instance = Omit<InstanceJson, 'remaining' | 'tcpPorts' | 'udpPorts' | 'taskGroups'> & {
  readonly remaining: { cpuUnits: number; memoryMiB: number; gpuCount: number; enis: number };
  readonly tcpPorts: number[];
  readonly udpPorts: number[];
  readonly taskGroups: Record<string, number>;
};

function sized(cpuUnits: number, memoryMiB: number, zone = 'a', index = 0): Instance {
  return {
    ec2InstanceId: `i-${index}`,
    availabilityZone: zone,
    remaining: { cpuUnits, memoryMiB, gpuCount: 0, enis: 2 },
    tcpPorts: [...RESERVED],
    udpPorts: [],
    taskGroups: {},
  };
}

function catalogued(type: string, trunked = false): Instance {
  return { ...sized(0, 0), instanceType: type, remaining: { ...registeredResources(type, {}, trunked)! } };
}

type Container = PlaceTaskRequest['taskDefinition']['containerDefinitions'][number];
type Definition = PlaceTaskRequest['taskDefinition'];

function request(container: Container, more: Partial<Definition> = {}, rest: Partial<PlaceTaskRequest> = {}) {
  return { taskDefinition: { containerDefinitions: [container], ...more }, group: GROUP, ...rest };
}

const mapped = (hostPort: number, protocol = 'tcp'): Container => ({
  portMappings: [{ containerPort: 80, hostPort, protocol }],
});

const ours = ({ taskGroups }: Instance) => taskGroups[GROUP] ?? 0;
const zoneOf = ({ availabilityZone }: Instance) => availabilityZone;

/** Places tasks one by one; the number that found a place, and why the next one did not. */
function placeAll(wanted: PlaceTaskRequest, instances: readonly Instance[], count: number) {
  const { tcpPorts, udpPorts, ...demand } = taskDemand(wanted.taskDefinition);
  for (let placed = 0; placed < count; placed++) {
    const answer = placeTask(wanted, instances);
    if ('reason' in answer) return { placed, reason: answer.reason };
    const instance = instances.find(({ ec2InstanceId }) => ec2InstanceId === answer.ec2InstanceId)!;
    for (const key of ['cpuUnits', 'memoryMiB', 'gpuCount', 'enis'] as const) instance.remaining[key] -= demand[key];
    instance.tcpPorts.push(...tcpPorts);
    instance.udpPorts.push(...udpPorts);
    instance.taskGroups[GROUP] = ours(instance) + 1;
  }
  return { placed: count, reason: undefined };
}

describe('room on an instance', () => {
  for (const [id, wanted, instance, count, placed, reason] of [
    ['W24: 1000 MiB on 1024', request({ memory: 1000 }), sized(2048, 1024), 2, 1, 'RESOURCE:MEMORY'],
    ['W25: 1000 CPU units on 1024', request({ cpu: 1000 }), sized(1024, 4096), 2, 1, 'RESOURCE:CPU'],
    ['W26, W53: a static host port 80, two tasks', request(mapped(80)), sized(1024, 4096), 2, 1, 'RESOURCE:PORTS'],
    ['1.2: a port the agent reserves', request(mapped(22)), sized(1024, 4096), 1, 0, 'RESOURCE:PORTS'],
    ['1.2: the same number for udp is another port', request(mapped(22, 'udp')), sized(1024, 4096), 1, 1, undefined],
    ['1.5: any other protocol counts as tcp', request(mapped(22, 'UDP')), sized(1024, 4096), 1, 0, 'RESOURCE:PORTS'],
    ['W27: nominal', request({ cpu: 512, memory: 2048 }), sized(2048, 8192), 9, 4, 'RESOURCE:CPU'],
    ['W27: a real m5.large', request({ cpu: 512, memory: 2048 }), catalogued('m5.large'), 9, 3, 'RESOURCE:MEMORY'],
    ['W31: c5.large', request({}, { networkMode: 'awsvpc' }), catalogued('c5.large'), 99, 2, 'RESOURCE:ENI'],
    ['W31: trunked', request({}, { networkMode: 'awsvpc' }), catalogued('c5.large', true), 99, 10, 'RESOURCE:ENI'],
    [
      'W54: 5000 and 40,000 on 4096 and 7482',
      request({ cpu: 5000, memory: 40_000 }),
      sized(4096, 7482),
      2,
      0,
      'RESOURCE:CPU',
    ],
    ['equal fits', request({ cpu: 1024, memory: 512 }), sized(1024, 512), 1, 1, undefined],
    [
      '1.9: GPUs are exclusive',
      request({ resourceRequirements: [{ type: 'GPU', value: '2' }] }),
      { ...sized(1024, 512), remaining: { cpuUnits: 1024, memoryMiB: 512, gpuCount: 4, enis: 0 } },
      9,
      2,
      'RESOURCE:GPU',
    ],
  ] as const)
    test(id, () => assert.deepEqual(placeAll(wanted, [instance], count), { placed, reason }));

  test('W32: 2048 CPU units and 3767 MiB, less tasks of 60 and 3000, leave 1988 and 767', () => {
    const instance = sized(2048, 3767);
    assert.equal(placeAll(request({ cpu: 60, memory: 3000 }), [instance], 1).placed, 1);
    assert.equal(instance.remaining.cpuUnits, 1988);
    assert.equal(instance.remaining.memoryMiB, 767);
  });

  test('1.5: 100 reserved host ports to an instance, the agent’s five included: 95 more', () => {
    const instance = sized(1024, 4096);
    for (let port = 0; port < 95; port++)
      assert.equal(placeAll(request(mapped(9_000 + port)), [instance], 1).placed, 1);
    assert.equal(placeAll(request(mapped(9_095)), [instance], 1).reason, 'RESOURCE:PORTS');
    assert.equal(placeAll(request(mapped(9_095, 'udp')), [instance], 1).reason, 'RESOURCE:PORTS');
    assert.equal('reason' in placeTask(request(mapped(9_095, 'udp')), [instance], { portLimit: 'each' }), false);
    assert.equal(placeAll(request({ portMappings: [{ containerPort: 80 }] }), [instance], 1).placed, 1);
  });

  test('W29, W30: m4.large registers 7985 MiB of 8373026816 bytes, 7729 with 256 reserved', () => {
    assert.equal(registeredMemoryMiB(8_373_026_816), 7985);
    assert.equal(registeredMemoryMiB(8_373_026_816, 256), 7729);
    assert.equal(registeredMemoryMiB(8_589_524_992), 8191);
    const plain = registeredResources('m5.large')!;
    assert.equal(registeredResources('m5.large', { ECS_RESERVED_MEMORY: 256 })!.memoryMiB, plain.memoryMiB - 256);
    assert.equal(registeredResources('m5.large', { ECS_RESERVED_MEMORY: 9_000 }), undefined);
  });

  test('1.7, 1.9: interfaces by the table, GPUs only when the agent offers them', () => {
    for (const [type, plain, trunked] of [
      ['m5.large', 2, 10],
      ['m5.xlarge', 3, 20],
      ['c5.2xlarge', 3, 40],
    ] as const) {
      assert.equal(registeredResources(type)!.enis, plain);
      assert.equal(registeredResources(type, {}, true)!.enis, trunked);
    }
    assert.equal(registeredResources('t3.large', {}, true)!.enis, registeredResources('t3.large')!.enis);
    assert.equal(registeredResources('g4dn.xlarge')!.gpuCount, 0);
    assert.equal(registeredResources('g4dn.xlarge', { ECS_ENABLE_GPU_SUPPORT: true })!.gpuCount, 1);
    assert.equal(isTrunked('enabled', '1.28.1'), true);
    assert.equal(isTrunked('enabled', '1.28.0'), false);
    assert.equal(isTrunked('disabled', '1.99.0'), false);
  });
});

describe('1.1: the filters before the first step, each with its reason', () => {
  const one = sized(1024, 4096);
  for (const [reason, wanted, instances] of [
    ['No Container Instances were found in your cluster.', request({}), []],
    ['EMPTY CAPACITY PROVIDER', request({}, {}, { capacityProvider: 'fleet' }), [one]],
    [
      'NO ACTIVE INSTANCES',
      request({}, {}, { capacityProvider: 'fleet' }),
      [{ ...one, capacityProvider: 'fleet', status: 'DRAINING' }],
    ],
    ['NO ACTIVE INSTANCES', request({}), [{ ...one, status: 'DRAINING' }]],
    ['AGENT', request({}), [{ ...one, agentConnected: false }]],
    ['ATTRIBUTE', request({ logConfiguration: { logDriver: 'sumologic' } }), [one]],
    ['ATTRIBUTE', request({}, { runtimePlatform: { cpuArchitecture: 'ARM64' } }), [one]],
    ['LOCATION', request({}, { networkMode: 'awsvpc' }, { availabilityZones: ['b'] }), [one]],
    [
      'MemberOf placement constraint unsatisfied.',
      request({}, { placementConstraints: [{ type: 'memberOf', expression: 'attribute:stack exists' }] }),
      [one],
    ],
    [
      'DistinctInstance placement constraint unsatisfied.',
      request({}, {}, { placementConstraints: [{ type: 'distinctInstance' }] }),
      [{ ...one, taskGroups: { [GROUP]: 1 } }],
    ],
  ] as const)
    test(reason, () => {
      const answer = placeTask(wanted, instances as readonly InstanceJson[]);
      assert.equal('reason' in answer && answer.reason, reason);
    });

  test('1.8: what a task definition asks of an instance', () => {
    assert.deepEqual(
      requiredAttributes({
        networkMode: 'awsvpc',
        taskRoleArn: 'role',
        executionRoleArn: 'role',
        runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' },
        containerDefinitions: [
          {
            image: '1.dkr.ecr.us-east-1.amazonaws.com/app',
            logConfiguration: { logDriver: 'awslogs' },
            healthCheck: {},
            dependsOn: [{}],
            privileged: true,
            secrets: [{ valueFrom: 'arn:aws:secretsmanager:us-east-1:1:secret:a' }, { valueFrom: 'parameter' }],
          },
        ],
      }),
      [
        { name: 'ecs.capability.task-eni' },
        { name: 'com.amazonaws.ecs.capability.task-iam-role' },
        { name: 'com.amazonaws.ecs.capability.logging-driver.awslogs' },
        { name: 'ecs.capability.execution-role-awslogs' },
        { name: 'ecs.capability.execution-role-ecr-pull' },
        { name: 'com.amazonaws.ecs.capability.privileged-container' },
        { name: 'ecs.capability.container-health-check' },
        { name: 'ecs.capability.container-ordering' },
        { name: 'ecs.capability.secrets.asm.environment-variables' },
        { name: 'ecs.capability.secrets.ssm.environment-variables' },
        { name: 'ecs.cpu-architecture', value: 'arm64' },
        { name: 'ecs.os-type', value: 'linux' },
      ],
    );
    const host = requiredAttributes({ networkMode: 'host', taskRoleArn: 'role', containerDefinitions: [] });
    assert.deepEqual(host, [{ name: 'com.amazonaws.ecs.capability.task-iam-role-network-host' }]);
  });
});

describe('the agent’s side', () => {
  const host = () => ({
    cpuUnits: 2048,
    memoryMiB: 2048,
    gpuCount: 4,
    ports: new Map<string, true>([
      ['tcp/22', true],
      ['udp/1000', true],
    ]),
  });
  const task = demandOf({ cpuUnits: 512, memoryMiB: 768, tcpPorts: [23], udpPorts: [1001], gpuCount: 2 });

  test('W39: what a task takes from the host, and gives back', () => {
    const used = host();
    assert.equal(hostFits(used, task), true);
    occupyHost(used, task, [], 1);
    assert.deepEqual(
      { ...used, ports: [...used.ports.keys()] },
      { cpuUnits: 1536, memoryMiB: 1280, gpuCount: 2, ports: ['tcp/22', 'udp/1000', 'tcp/23', 'udp/1001'] },
    );
    occupyHost(used, task, [], -1);
    assert.deepEqual(used, host());
  });

  test('W40, W42: a port that is taken, GPUs that are not there: refused, and nothing is consumed', () => {
    const untouched = host();
    assert.equal(hostFits(untouched, { ...task, tcpPorts: [22] }), false);
    assert.equal(hostFits(untouched, { ...task, gpuCount: 5 }), false);
    assert.deepEqual(untouched, host());
  });

  test('W44: the host’s ports, one search after the other', () => {
    const range = { from: 40_001, to: 40_080 };
    let last = 40_000;
    const pick = (count: number) => {
      const picked = pickHostPorts(range, last, count, () => false)!;
      ({ last } = picked);
      return picked.first;
    };
    for (const [count, first, then] of [
      [10, 40_001, 40_010],
      [30, 40_011, 40_040],
      [20, 40_041, 40_060],
      [20, 40_061, 40_000],
      [15, 40_001, 40_015],
    ] as const) {
      assert.equal(pick(count), first);
      assert.equal(last, then);
    }
    assert.equal(
      pickHostPorts(range, last, 81, () => false),
      undefined,
    );
    assert.deepEqual(
      pickHostPorts(range, 40_075, 10, (port) => port < 40_004),
      { first: 40_004, last: 40_013 },
    );
  });

  test('W43: 1024 MiB, tasks of 512 at 0, 2 and 4 s that end after 10 s: the third starts when the first has stopped', () => {
    const { world, evolve, decide, admit, stop } = gate([512, 512, 512], 1024);
    // ECS counts the first as free at once; the host does not.
    const third = decide(3);
    assert.equal(third.runningAtMs, undefined);
    evolve(third);
    assert.deepEqual([...world.ecs.containerInstances.get('i-1')!.host.queue.keys()], ['task-3']);
    assert.deepEqual(admit(), []);
    stop();
    assert.deepEqual(
      admit().map((event) => [event.type, (event as { taskId: string }).taskId]),
      [['TaskAdmitted', 'task-3']],
    );
  });
});

/** An instance with two running tasks, the first of which is stopping. */
function gate(sizes: readonly number[], memoryMiB: number, agentVersion = '1.99.1') {
  const scenario = scenarioSchema.parse(
    quietScenario({
      taskDefinitions: sizes.map((memory, index) => ({
        family: `task-${index + 1}`,
        containerDefinitions: [{ name: 'app', image: 'app', memory }],
      })),
      services: sizes.map((_, index) => ({
        serviceName: `service-${index + 1}`,
        taskDefinition: `task-${index + 1}`,
        desiredCount: 0,
        launchType: 'EC2' as const,
      })),
      autoScalingGroups: [
        { AutoScalingGroupName: 'group', AvailabilityZones: ['a'], MinSize: 0, MaxSize: 0, instanceType: 'm5.large' },
      ],
      assumptions: { placement: { agentVersion } },
    }),
  );
  const simulation = simulate(scenario);
  simulation.runUntil(scenario.start);
  const world = thaw(simulation.world) as World;
  const model = createModel();
  const evolve = (event: Event) =>
    (model.evolve[event.type] as (world: World, event: Event, atMs: number) => void)(world, event, scenario.start);
  const context = { world, nowMs: scenario.start + 4_000, rng: keyedRng(1) } as never;
  evolve({
    type: 'ContainerInstanceRegistered',
    ec2InstanceId: 'i-1',
    instanceType: 'm5.large',
    availabilityZone: 'a',
    cpuUnits: 2048,
    memoryMiB,
    gpuCount: 0,
    enis: 2,
    ports: [],
    dynamicPortRange: '32768-60999',
    agentVersion,
    attributes: {},
    missingCapabilities: [],
    activeAtMs: scenario.start,
  });
  const decide = (number: number): Extract<Event, { type: 'TaskPlaced' }> => {
    const serviceName = `service-${number}`;
    const { deploymentId } = world.ecs.services.get(serviceName)!.deployments[0]!;
    const capacityProviders = [''];
    evolve({ type: 'ServiceTasksStarting', serviceName, deploymentId, capacityProviders, replaced: 0 });
    const command = { type: 'RunServiceTask', serviceName, deploymentId, capacityProvider: '' } as const;
    const [created, placed] = model.decide.RunServiceTask(command, context);
    evolve(created as Event);
    return placed as Extract<Event, { type: 'TaskPlaced' }>;
  };
  for (const number of [1, 2]) {
    const placed = decide(number);
    assert.notEqual(placed.runningAtMs, undefined);
    evolve(placed);
    evolve({ type: 'TaskRunning', taskId: placed.taskId, serviceName: `service-${number}` });
  }
  const leaving = { taskId: 'task-1', serviceName: 'service-1', stopCode: 'UserInitiated', reason: 'x' } as const;
  evolve({ type: 'TaskDeactivating', ...leaving });
  evolve({ type: 'TaskStopping', ...leaving, stoppedAtMs: scenario.start + 10_000, exitCodes: [0] });
  const admit = () => model.decide.AdmitTasks({ type: 'AdmitTasks', ec2InstanceId: 'i-1' }, context);
  const stop = () => evolve({ type: 'TaskStopped', ec2InstanceId: 'i-1', ...leaving });
  return { world, evolve, decide, admit, stop };
}

describe('1.4: the host’s gate', () => {
  const ids = (events: readonly object[]) => events.map((event) => (event as { taskId: string }).taskId);

  test('the head waits for what is really free, and those behind it wait with it', () => {
    // 1024 MiB: 512 stopping, 256 running, 256 free. A newcomer of 400 waits; one of 100 behind it would fit, and waits.
    const { evolve, decide, admit, stop } = gate([512, 256, 400, 100], 1024);
    for (const number of [3, 4]) {
      const placed = decide(number);
      assert.equal(placed.runningAtMs, undefined, `task ${number}`);
      evolve(placed);
    }
    assert.deepEqual(admit(), []);
    stop();
    assert.deepEqual(ids(admit()), ['task-3', 'task-4']);
  });

  test('when the head is stopped, the next one is looked at', () => {
    const { evolve, decide, admit } = gate([512, 256, 400, 100], 1024);
    for (const number of [3, 4]) evolve(decide(number));
    evolve({
      type: 'TaskStopped',
      taskId: 'task-3',
      serviceName: 'service-3',
      ec2InstanceId: 'i-1',
      stopCode: 'UserInitiated',
      reason: 'x',
    });
    assert.deepEqual(ids(admit()), ['task-4']);
  });

  test('before agent 1.73.0 a newcomer waits for every stopping task, room or no room', () => {
    const small = gate([512, 256, 100], 1024);
    assert.notEqual(small.decide(3).runningAtMs, undefined);
    const { evolve, decide, admit, stop } = gate([512, 256, 100], 1024, '1.72.9');
    const placed = decide(3);
    assert.equal(placed.runningAtMs, undefined);
    evolve(placed);
    assert.deepEqual(admit(), []);
    stop();
    assert.deepEqual(ids(admit()), ['task-3']);
  });

  test('W55: ECS takes 1024, 400 and port 80 at placement, and gives them back', () => {
    const { world } = gate([400, 100], 1024);
    const { remaining, host } = world.ecs.containerInstances.get('i-1')!;
    assert.equal(remaining.memoryMiB, 924);
    assert.equal(host.memoryMiB, 524);
  });

  test('W61: a task with desired status STOPPED no longer holds its instance against distinctInstance', () => {
    const { world } = gate([400, 100], 1024);
    assert.deepEqual([...world.ecs.containerInstances.get('i-1')!.taskGroups], [['service:service-2', 1]]);
    assert.deepEqual([...world.ecs.containerInstances.get('i-1')!.tasks.keys()], ['task-1', 'task-2']);
  });
});

test('1.7: with awsvpcTrunking a new instance is REGISTERING until its trunk is there; then it takes more tasks', () => {
  const scenario = scenarioSchema.parse(
    quietScenario({
      duration: '20m',
      accountSettings: { awsvpcTrunking: 'enabled' },
      autoScalingGroups: [
        { AutoScalingGroupName: 'group', AvailabilityZones: ['a'], MinSize: 1, MaxSize: 1, instanceType: 'c5.large' },
      ],
      taskDefinitions: [
        { family: 'web', networkMode: 'awsvpc', containerDefinitions: [{ name: 'app', image: 'web', memory: 64 }] },
      ],
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 12, launchType: 'EC2' }],
      assumptions: { start: 'cold', placement: { trunkProvisioning: '30s' } },
    }),
  );
  const simulation = simulate(scenario);
  simulation.runUntil(endOf(scenario));
  const times = new Map<string, number>();
  for (const { atMs, event } of simulation.log)
    if (event.type.startsWith('ContainerInstance') || event.type === 'TaskPlaced')
      times.set(event.type, times.get(event.type) ?? atMs);
  const registeredMs = times.get('ContainerInstanceRegistered')!;
  assert.equal(times.get('ContainerInstanceActivated'), registeredMs + 30_000);
  assert.equal(times.get('TaskPlaced')! >= registeredMs + 30_000, true);
  const [instance] = simulation.world.ecs.containerInstances.values();
  assert.equal(instance!.attributes.has('ecs.awsvpc-trunk-id'), true);
  assert.equal(instance!.tasks.size, 10);
});

describe('what a task reserves', () => {
  const container = <Part extends object>(part: Part) => ({ name: 'app', image: 'app', ...part });

  test('W28: memoryReservation 128 and memory 300: 128', () =>
    assert.equal(
      taskDemand({ containerDefinitions: [container({ memory: 300, memoryReservation: 128 })] }).memoryMiB,
      128,
    ));

  for (const [cpu, memory, cpuUnits, memoryMiB] of [
    ['1 vCPU', '512', 1024, 512],
    ['.5 vCPU', '0.5GB', 512, 512],
    ['2vcpu', '3 GB', 2048, 3072],
    [0, 0, 7, 9],
  ] as const)
    test(`W33: a size of ${cpu} and ${memory}`, () => {
      const containerDefinitions = [container({ cpu: 7, memory: 9 })];
      assert.deepEqual(taskDemand({ cpu, memory, containerDefinitions }), demandOf({ cpuUnits, memoryMiB }));
    });

  test('a size that AWS would not take is an error that says so', () => {
    for (const cpu of ['1 GB', 'many', '1.5', '-1', ''])
      assert.throws(
        () => taskDemand({ cpu, containerDefinitions: [] }),
        /^RangeError: cpu: found ".*", expected CPU units/,
      );
    assert.throws(
      () => taskDemand({ memory: '1 vCPU', containerDefinitions: [] }),
      /memory: found "1 vCPU", expected MiB/,
    );
  });

  test('nothing at all is asked for by a task without containers, and by containers without sizes', () => {
    assert.deepEqual(taskDemand({ containerDefinitions: [] }), demandOf({}));
    assert.deepEqual(taskDemand({ networkMode: 'none', containerDefinitions: [container({})] }), demandOf({}));
  });

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

  test('W36: static tcp ports 10, 11 and udp ports 20, 21 are taken; dynamic ones and ranges are not', () =>
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
              { containerPortRange: '99-999' },
              { containerPortRange: '121-221', protocol: 'udp' },
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
  const inZones = (instances: readonly Instance[]) =>
    zones.map((zone) => instances.filter((instance) => zoneOf(instance) === zone).map(ours));
  const ZONE = { type: 'spread', field: 'attribute:ecs.availability-zone' };

  test('W18: without a strategy, zone A has a task and B and C none: the next goes to B or C', () => {
    const instances = cluster();
    instances[0]!.taskGroups[GROUP] = 1;
    placeAll(request({ cpu: 64 }), instances, 1);
    assert.deepEqual(inZones(instances)[0], [1, 0]);
    placeAll(request({ cpu: 64 }), instances, 1);
    assert.deepEqual(
      inZones(instances).map((counts) => counts.reduce((sum, count) => sum + count, 0)),
      [1, 1, 1],
    );
  });

  for (const [id, placementStrategy] of [
    ['the default', []],
    ['W56: [spread zone, spread instanceId]', [ZONE, { type: 'spread', field: 'instanceId' }]],
  ] as const)
    test(`${id}: even over zones, then over the instances of each`, () => {
      const instances = cluster();
      placeAll(request({ cpu: 64 }, {}, { placementStrategy }), instances, 12);
      assert.deepEqual(inZones(instances), [
        [2, 2],
        [2, 2],
        [2, 2],
      ]);
    });

  test('W57: [spread zone, binpack memory]: even over zones, packed inside each', () => {
    const instances = cluster();
    const placementStrategy = [ZONE, { type: 'binpack', field: 'memory' }];
    placeAll(request({ memory: 1024 }, {}, { placementStrategy }), instances, 12);
    for (const counts of inZones(instances))
      assert.deepEqual(
        counts.toSorted((a, b) => a - b),
        [0, 4],
      );
  });

  test('a zone without room drops out; it does not block', () => {
    const instances = [sized(2048, 512, 'a'), sized(2048, 8192, 'b', 1)];
    assert.equal(placeAll(request({ memory: 512 }), instances, 4).placed, 4);
    assert.deepEqual(instances.map(ours), [1, 3]);
  });

  test('2.2: instances without the attribute are one value', () => {
    const instances = [sized(2048, 8192, 'a', 0), sized(2048, 8192, 'b', 1), sized(2048, 8192, 'c', 2)];
    const racked = instances.map((instance, index) =>
      index === 2 ? { ...instance, attributes: { rack: '1' } } : instance,
    );
    placeAll(request({}, {}, { placementStrategy: [{ type: 'spread', field: 'attribute:rack' }] }), racked, 4);
    assert.deepEqual(racked.map(ours), [2, 0, 2]);
  });

  test('2.2: spread counts PENDING tasks too; with spreadCounts running it does not', () => {
    const pending = { ...sized(2048, 8192, 'a'), taskGroups: { [GROUP]: 1 }, runningGroups: {} };
    const instances = [pending, sized(2048, 8192, 'b', 1)];
    const chosen = (spreadCounts: 'desired' | 'running') => {
      const answer = placeTask(request({}), instances, { spreadCounts });
      return 'reason' in answer ? answer.reason : answer.ec2InstanceId;
    };
    assert.equal(chosen('desired'), 'i-1');
    assert.equal(chosen('running'), 'i-0');
  });

  test('2.3: RunTask without a strategy goes by chance', () => {
    const reached = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const answer = placeTask({ taskDefinition: { family: 'job', containerDefinitions: [{}] } }, cluster(), { seed });
      if (!('reason' in answer)) reached.add(answer.ec2InstanceId);
    }
    assert.equal(reached.size, 6);
  });

  test('W19: scaling in by default, A 1, B 2, C 2: the victim is in B or C', () => {
    const instances = cluster();
    const tasks = [0, 2, 3, 4, 5].map((place, number) => ({
      taskId: `task-${number}`,
      instance: instances[place] as InstanceJson,
    }));
    const [victim] = chooseTasksToStop(tasks, 1);
    assert.notEqual(victim!.instance.availabilityZone, 'a');
  });

  test('2.5: on Fargate only zones are known; without tasks, or with none asked for, nobody is chosen', () => {
    const inZones = ['a', 'b', 'b'].map((availabilityZone, index) => ({ taskId: `task-${index}`, availabilityZone }));
    assert.deepEqual(
      chooseTasksToStop(inZones, 2).map(({ taskId }) => taskId),
      ['task-2', 'task-1'],
    );
    assert.deepEqual(chooseTasksToStop([], 3), []);
    assert.deepEqual(chooseTasksToStop(inZones, 0), []);
    assert.deepEqual(chooseTasksToStop(inZones, 9).length, 3);
    const twins = [inZones[0]!, { ...inZones[0]!, availabilityZone: 'z' }];
    assert.deepEqual(new Set(chooseTasksToStop(twins, 2)), new Set(twins), 'also where two share an id');
  });

  test('placement on its own: one zone, one instance, none; and what it cannot read', () => {
    const web = request({ cpu: 64 });
    assert.deepEqual(placeTask(web, [sized(64, 0)]), {
      ec2InstanceId: 'i-0',
      left: [1, 1, 1, 1, 1, 1],
      scores: [0, 0],
    });
    assert.deepEqual(placeTask(web, []), {
      reason: 'No Container Instances were found in your cluster.',
      refusedBy: [],
      refusedCounts: [],
    });
    const lateFirst = [2, 1].map((day, index) => ({ ...sized(64, 0, 'a', index), registeredAt: `2030-01-0${day}` }));
    const first = placeTask(web, lateFirst);
    assert.equal(
      'reason' in first ? first.reason : first.ec2InstanceId,
      'i-1',
      'a tie goes to the one registered first',
    );
    const describedByAws = { ...sized(64, 0), registeredAt: '2030-01-07T08:00:00.123456+01:00' };
    assert.equal('reason' in placeTask(web, [describedByAws]), false);
    for (const [wrong, expected] of [
      [
        { ...sized(64, 0), registeredAt: 'yesterday' },
        /instances\[0\]\.registeredAt: found "yesterday", expected an instant/,
      ],
      [
        { ...sized(64, 0), remaining: { cpuUnits: 64 } },
        /instances\[0\]\.remaining\.memoryMiB: found undefined, expected a number/,
      ],
    ] as const)
      assert.throws(() => placeTask(web, [wrong as InstanceJson]), expected);
    assert.throws(
      () => placeTask(request({}, {}, { placementStrategy: [{ type: 'spread' }] }), [sized(1, 1)]),
      /field/,
    );
    assert.throws(
      () => placeTask(request({}, { placementConstraints: [{ type: 'distinctInstance' }] }), [sized(1, 1)]),
      /constraint\.type 'distinctInstance' is not supported\./,
    );
  });

  test('2.5: protected tasks never; unhealthy ones first, then pending ones', () => {
    const tasks = [
      { taskId: 'protected', protectedFromScaleIn: true, unhealthy: true },
      { taskId: 'steady' },
      { taskId: 'pending', running: false },
      { taskId: 'sick', unhealthy: true },
    ];
    const order = chooseTasksToStop(tasks, 9, { placementStrategy: [{ type: 'random' }] });
    assert.deepEqual(
      order.map(({ taskId }) => taskId),
      ['sick', 'pending', 'steady'],
    );
  });
});

describe('3.1, 6.2: what is refused', () => {
  const onEc2 = {
    autoScalingGroups: [
      { AutoScalingGroupName: 'group', AvailabilityZones: ['a'], MinSize: 1, MaxSize: 1, instanceType: 'm5.large' },
    ],
  } as const;
  const member = { type: 'memberOf', expression: 'attribute:stack exists' };
  const definition = (part: object) => ({
    taskDefinitions: [{ family: 'web', containerDefinitions: [{ name: 'app', image: 'web', memory: 128 }], ...part }],
  });
  const onPorts = (networkMode: string, ...portMappings: object[]) =>
    definition({ networkMode, containerDefinitions: [{ name: 'app', image: 'web', memory: 128, portMappings }] });
  const service = (part: object) => ({
    services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 1, launchType: 'EC2', ...part }],
  });
  const problemsOf = (part: object): string[] => {
    const parsed = scenarioSchema.safeParse({
      ...quietScenario(),
      ...onEc2,
      ...definition({}),
      ...service({}),
      ...part,
    });
    return parsed.success
      ? scenarioProblems(parsed.data).map(({ path, message }) => `${formatPath(path)}: ${message}`)
      : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

  const runTask = (part: object) => ({
    changes: [{ at: '2030-01-07T00:05:00Z', RunTask: { taskDefinition: 'web', launchType: 'EC2', ...part } }],
  });
  const subnets = { networkConfiguration: { awsvpcConfiguration: { subnets: ['a'] } } };
  const onFargate = (part: object) => ({
    ...definition({ networkMode: 'awsvpc', cpu: '256', memory: '512', ...part }),
    ...service({ launchType: 'FARGATE' }),
  });

  for (const [id, part, expected] of [
    [
      'two services of one name',
      { services: [...service({}).services, ...service({}).services] },
      /^services\[1\]\.serviceName: found "web" a second time/,
    ],
    [
      'launch type and capacity provider strategy together',
      service({ capacityProviderStrategy: [{ capacityProvider: 'FARGATE', weight: 1 }] }),
      /launchType: .*Specify either Launch Type or Capacity Provider Strategy, but not both\.$/,
    ],
    ['a launch type that is none', service({ launchType: 'FARGAT' }), /launchType: .*"EC2"\|"FARGATE"/],
    [
      'updating a service that nobody knows',
      { changes: [{ at: '2030-01-07T00:05:00Z', UpdateService: { service: 'api', desiredCount: 1 } }] },
      /UpdateService\.service: found "api", expected the name of a service: one of web$/,
    ],
    [
      'deleting a service that nobody knows',
      { changes: [{ at: '2030-01-07T00:05:00Z', DeleteService: { service: 'api' } }] },
      /DeleteService\.service: found "api", expected the name of a service: one of web$/,
    ],
    ['RunTask of none', runTask({ count: 0 }), /RunTask\.count: .*>=1/],
    [
      'RunTask of awsvpc tasks without networkConfiguration, when AWS’s rule is asked for',
      {
        ...definition({ networkMode: 'awsvpc' }),
        ...service(subnets),
        ...runTask({}),
        assumptions: { placement: { networkConfiguration: 'required' } },
      },
      /^changes\[0\]\.RunTask: Network Configuration must be provided when networkMode 'awsvpc' is specified\.$/,
    ],
    ['RunTask with networkConfiguration in bridge mode', runTask(subnets), /RunTask\.networkConfiguration: found one/],
    [
      'RunTask with six strategies',
      runTask({ placementStrategy: Array.from({ length: 6 }, () => ({ type: 'random' })) }),
      /RunTask\.placementStrategy: .*5/,
    ],
    [
      'RunTask with an expression on distinctInstance',
      runTask({ placementConstraints: [{ type: 'distinctInstance', expression: 'x' }] }),
      /expression: distinctInstance expression should not be specified\.$/,
    ],
    [
      'a missing revision',
      service({ taskDefinition: 'web:' }),
      /taskDefinition: found "web:", expected the name of a task def/,
    ],
    [
      'a bad revision',
      service({ taskDefinition: 'web:foo' }),
      /taskDefinition: found "web:foo", expected the name of a task/,
    ],
    ['a task definition that nobody knows', runTask({ taskDefinition: 'api' }), /RunTask\.taskDefinition: found "api"/],
    ['a task cpu of 64', definition({ cpu: 64 }), /cpu: found 64 .*Invalid 'cpu' setting for task\.$/],
    ['a task cpu that is no size', definition({ cpu: '1 GB' }), /cpu: expected CPU units, or a text such as "1 vCPU"$/],
    [
      'a task cpu that Fargate does not have',
      onFargate({ cpu: '300' }),
      /found 300 CPU units .*Invalid 'cpu' setting for task\.$/,
    ],
    [
      'a pair of sizes that Fargate does not have',
      onFargate({ memory: '3 GB' }),
      /found 3072 MiB with 256 .*No Fargate configuration exists for given values\.$/,
    ],
    [
      'a task definition for Fargate on EC2',
      definition({ requiresCompatibilities: ['FARGATE'] }),
      /requires FARGATE: Task definition does not support launch_type EC2\.$/,
    ],
    [
      'a task definition for EC2 on Fargate',
      onFargate({ requiresCompatibilities: ['EC2'] }),
      /requires EC2: Task definition does not support launch_type FARGATE\.$/,
    ],
    ['no container name', definition({ containerDefinitions: [{ name: '', image: 'web', memory: 9 }] }), /\.name: /],
    ['no container image', definition({ containerDefinitions: [{ name: 'app', memory: 9 }] }), /\.image: /],
    [
      'a status of an instance other than ACTIVE and DRAINING',
      {
        changes: [
          {
            at: '2030-01-07T00:05:00Z',
            UpdateContainerInstancesState: { containerInstances: ['i-1'], status: 'INACTIVE' },
          },
        ],
      },
      /status: Container instance status should be one of \[ACTIVE, DRAINING\]$/,
    ],
    [
      'an expression on distinctInstance',
      service({ placementConstraints: [{ type: 'distinctInstance', expression: '' }] }),
      /^services.0.placementConstraints.0.expression: distinctInstance expression should not be specified\.$/,
    ],
    [
      'distinctInstance in a task definition',
      definition({ placementConstraints: [{ type: 'distinctInstance' }] }),
      /^taskDefinitions.0.placementConstraints.0.type: constraint\.type 'distinctInstance' is not supported\.$/,
    ],
    [
      'eleven constraints in all',
      {
        ...definition({ placementConstraints: [member] }),
        ...service({ placementConstraints: Array.from({ length: 10 }, () => member) }),
      },
      /placementConstraints: found 11 with those of "web", expected at most 10/,
    ],
    [
      'eleven constraints',
      service({ placementConstraints: Array.from({ length: 11 }, () => member) }),
      /placementConstraints: .*10/,
    ],
    [
      'six strategies',
      service({ placementStrategy: Array.from({ length: 6 }, () => ({ type: 'random' })) }),
      /placementStrategy: .*5/,
    ],
    [
      'an expression of 2001 characters',
      service({ placementConstraints: [{ type: 'memberOf', expression: '('.repeat(2_001) }] }),
      /expression: Invalid expression: found 2001 characters, expected at most 2000/,
    ],
    [
      'a bad expression, with its place',
      service({ placementConstraints: [{ type: 'memberOf', expression: 'attribute:stack = prod' }] }),
      /expression: Invalid expression: .* At character 17: attribute:stack >>>= prod/,
    ],
    [
      'awsvpc without networkConfiguration, when AWS’s rule is asked for',
      { ...definition({ networkMode: 'awsvpc' }), assumptions: { placement: { networkConfiguration: 'required' } } },
      /^services\[0\]: Network Configuration must be provided when networkMode 'awsvpc' is specified\.$/,
    ],
    [
      'no subnets',
      {
        ...definition({ networkMode: 'awsvpc' }),
        ...service({ networkConfiguration: { awsvpcConfiguration: { subnets: [] } } }),
      },
      /subnets: subnets can not be empty\.$/,
    ],
    [
      'a subnet that nobody knows',
      {
        ...definition({ networkMode: 'awsvpc' }),
        ...service({ networkConfiguration: { awsvpcConfiguration: { subnets: ['nowhere'] } } }),
      },
      /subnets\[0\]: found "nowhere", expected the name of a subnet/,
    ],
    [
      'networkConfiguration with another mode',
      service({ networkConfiguration: { awsvpcConfiguration: { subnets: ['a'] } } }),
      /networkConfiguration: found one for networkMode bridge/,
    ],
    [
      'container without memory',
      definition({ containerDefinitions: [{ name: 'app', image: 'web' }] }),
      /Invalid setting for container 'app'\. At least one of 'memory' or 'memoryReservation' must be specified\.$/,
    ],
    [
      'memory not above memoryReservation',
      definition({ containerDefinitions: [{ name: 'app', image: 'web', memory: 100, memoryReservation: 100 }] }),
      /memory: found 100, expected more than memoryReservation, 100$/,
    ],
    ['ports with mode none', onPorts('none', { containerPort: 80 }), /found port mappings with networkMode none/],
    [
      'host mode, another host port',
      onPorts('host', { containerPort: 80, hostPort: 81 }),
      /found hostPort 81 for containerPort 80/,
    ],
    [
      'awsvpc, another host port',
      onPorts('awsvpc', { containerPort: 80, hostPort: 81 }),
      /found hostPort 81 for containerPort 80/,
    ],
    [
      'one container port for both protocols',
      onPorts('bridge', { containerPort: 53 }, { containerPort: 53, protocol: 'udp' }),
      /found containerPort 53 for tcp and udp/,
    ],
    [
      'a host port twice',
      onPorts('bridge', { containerPort: 80, hostPort: 8080 }, { containerPort: 81, hostPort: 8080 }),
      /found host port tcp\/8080 a second time/,
    ],
    ['a range in host mode', onPorts('host', { containerPortRange: '80-90' }), /expected bridge or awsvpc/],
    ['a range backwards', onPorts('bridge', { containerPortRange: '90-80' }), /the first below the last/],
    [
      'ranges that overlap',
      onPorts('bridge', { containerPortRange: '80-90' }, { containerPortRange: '90-99' }),
      /overlaps another/,
    ],
    ['neither port nor range', onPorts('bridge', {}), /both or none of containerPort and containerPortRange/],
    [
      'eleven custom attributes',
      {
        autoScalingGroups: [
          {
            ...onEc2.autoScalingGroups[0],
            ecsConfig: {
              ECS_CLUSTER: 'demo',
              ECS_INSTANCE_ATTRIBUTES: Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`a${index}`, 'x'])),
            },
          },
        ],
      },
      /AttributeLimitExceededException/,
    ],
  ] as const)
    test(id, () => {
      const problems = problemsOf(part);
      assert.equal(
        problems.some((problem) => expected.test(problem)),
        true,
        problems.join('\n'),
      );
    });

  test('sizes as AWS takes them, on either launch type', () => {
    assert.deepEqual(
      problemsOf(onFargate({ cpu: '.25 vCPU', memory: '1 GB', requiresCompatibilities: ['FARGATE'] })),
      [],
    );
    assert.deepEqual(problemsOf(definition({ cpu: '1 vCPU', memory: '2GB', requiresCompatibilities: ['EC2'] })), []);
  });

  test('what AWS takes is taken: constraints, a range, attributes as JSON text', () => {
    assert.deepEqual(
      problemsOf({
        ...onPorts('bridge', { containerPortRange: '80-90' }, { containerPort: 99, hostPort: 99 }),
        ...service({ placementConstraints: [member, { type: 'distinctInstance' }] }),
        autoScalingGroups: [
          {
            ...onEc2.autoScalingGroups[0],
            ecsConfig: {
              ECS_CLUSTER: 'demo',
              ECS_INSTANCE_ATTRIBUTES: '{"stack": "prod"}',
              ECS_RESERVED_PORTS: '[22, 80]',
            },
          },
        ],
      }),
      [],
    );
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
    if (firstStopsAmong === 0 && service().stopping.size > 0) firstStopsAmong = service().tasks.size;
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

test('W61, in a run: a task of a distinctInstance service comes to the instance that the stopping one is still on', () => {
  const simulation = sail(
    scenarioWith(
      { desiredCount: 1, placementConstraints: [{ type: 'distinctInstance' }] },
      {
        ...instances(1),
        taskDefinitions: [onInstances({ cpu: 64, stopTimeout: 120, behavior: { stopsIn: '5m' } })],
        changes: [{ at: at(10), StopTask: { task: 'task-1' } }],
      },
    ),
  );
  const told = heard(simulation, 'TaskStopping', 'TaskPlaced', 'TaskStopped').map(({ event }) => [
    event.type,
    event.taskId,
  ]);
  assert.deepEqual(told, [
    ['TaskPlaced', 'task-1'],
    ['TaskStopping', 'task-1'],
    ['TaskPlaced', 'task-2'],
    ['TaskStopped', 'task-1'],
  ]);
  const homes = heard(simulation, 'TaskPlaced').map(({ event }) => event.ec2InstanceId);
  assert.equal(homes[0], homes[1]);
});

test('W32: an instance reserves the agent’s ports, and reports what tasks have left of it', () => {
  const simulation = sail(
    scenarioWith(
      { desiredCount: 1 },
      { ...instances(1), taskDefinitions: [onInstances({ cpu: 60, memory: 3000 })], duration: '5m' },
    ),
  );
  const [instance] = simulation.world.ecs.containerInstances.values();
  const { registered, remaining, ports } = instance!;
  assert.deepEqual([...ports.keys()], ['tcp/22', 'tcp/2375', 'tcp/2376', 'tcp/51678', 'tcp/51679']);
  assert.deepEqual([remaining.cpuUnits, remaining.memoryMiB], [1988, registered.memoryMiB - 3000]);
});

describe('4.11: container instances by hand', () => {
  const first = 'i-00000000000000001';
  const second = 'i-00000000000000002';
  const simulation = sail(
    scenarioWith(
      { desiredCount: 2 },
      {
        ...instances(3),
        taskDefinitions: [onInstances({ cpu: 512 })],
        changes: [
          {
            at: at(4),
            RunTask: {
              taskDefinition: 'web',
              count: 3,
              launchType: 'EC2',
              placementStrategy: [{ type: 'spread', field: 'instanceId' }],
            },
          },
          { at: at(5), UpdateContainerInstancesState: { containerInstances: [first, 'i-no'], status: 'DRAINING' } },
          { at: at(7), UpdateContainerInstancesState: { containerInstances: [first], status: 'DRAINING' } },
          { at: at(8), DeregisterContainerInstance: { containerInstance: first } },
          { at: at(12), UpdateContainerInstancesState: { containerInstances: [first], status: 'ACTIVE' } },
          { at: at(15), DeregisterContainerInstance: { containerInstance: second, force: true } },
        ],
      },
    ),
  );
  const stopsOn = (instance: string) =>
    heard(simulation, 'TaskStopped')
      .filter(({ event }) => event.ec2InstanceId === instance)
      .map(({ event }) => [event.serviceName, event.stopCode, event.reason]);

  test('DRAINING: the service’s task is replaced, the standalone one stays; ACTIVE again, it takes tasks', () => {
    assert.deepEqual(stopsOn(first), [
      ['web', 'ServiceSchedulerInitiated', 'Task is on a draining container instance'],
    ]);
    const placed = heard(simulation, 'TaskPlaced').map(({ event }) => event.ec2InstanceId);
    assert.equal(placed.at(-1), first, 'what the lost instance held comes to the one that is ACTIVE again');
  });

  test('6.2: DRAINING only from ACTIVE; deregistering with tasks on it needs force', () =>
    assert.deepEqual(
      heard(simulation, 'ContainerInstanceChangeRefused').map(({ event }) => [event.ec2InstanceId, event.reason]),
      [
        ['i-no', 'MISSING'],
        [first, 'The container instance is DRAINING.'],
        [first, 'Found running tasks on the instance.'],
      ],
    ));

  test('5.6: with force its tasks are lost to the cluster, and the service replaces its own', () => {
    const reason = 'Container instance deregistration forced by user';
    assert.deepEqual(stopsOn(second), [
      ['web', 'UserInitiated', reason],
      ['', 'UserInitiated', reason],
    ]);
    assert.equal(simulation.world.ecs.services.get('web')?.runningCount, 2);
    assert.equal(simulation.world.ecs.containerInstances.size, 2);
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
