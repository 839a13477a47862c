import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  hostPorts,
  isFargate,
  parseClusterQuery,
  splitByStrategy,
  taskDemand,
  type TaskDemand,
} from '../../core/ecs/index.ts';
import { MINUTE, type Recorded } from '../../core/kernel/index.ts';
import { scenarioSchema, type Scenario } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import type { Event, World } from '../../core/world.ts';
import { endOf, quietScenario, scenarios } from '../arbitraries.ts';

const runs = { numRuns: 40 };

function sail(scenario: Scenario, see: (recorded: Recorded<Event>, world: World) => void = () => {}) {
  // As the check of the run: what `see` throws stops it. A subscriber's throw would only surface in a timer.
  const simulation = simulate(scenario, { check: (world, recorded) => see(recorded, world as World) });
  simulation.runUntil(endOf(scenario));
  return simulation;
}

/** What an instance offers, and the tasks that ECS reserves it for, that have an interface on it, that really use it. */
interface Ledger {
  readonly offers: {
    readonly cpuUnits: number;
    readonly memoryMiB: number;
    readonly gpuCount: number;
    readonly enis: number;
  };
  readonly reserved: Map<string, TaskDemand>;
  readonly attached: Map<string, TaskDemand>;
  readonly used: Map<string, TaskDemand>;
}

test('no instance is ever over-committed, in either ledger: placements and stops in the log, added up anew', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const demands = new Map<string, TaskDemand>();
      const { releaseAt, releaseEniAt } = scenario.assumptions.placement;
      const definitionOf = new Map<string, string>();
      const onInstance = new Map<string, string>();
      const ledgers = new Map<string, Ledger>();
      for (const { seq, event } of sail(scenario).log) {
        if (event.type === 'ContainerInstanceRegistered')
          ledgers.set(event.ec2InstanceId, {
            offers: event,
            reserved: new Map(),
            attached: new Map(),
            used: new Map(),
          });
        if (event.type === 'TaskDefinitionRegistered') demands.set(event.taskDefinition, taskDemand(event.definition));
        if (event.type === 'TaskCreated') definitionOf.set(event.taskId, event.taskDefinition);
        if (!('taskId' in event)) continue;
        const { taskId } = event;
        const demand = demands.get(definitionOf.get(taskId)!)!;
        if (event.type === 'TaskPlaced' && event.ec2InstanceId !== undefined)
          onInstance.set(taskId, event.ec2InstanceId);
        const ledger = ledgers.get(onInstance.get(taskId) ?? '');
        if (ledger === undefined) continue;
        if (event.type === 'TaskPlaced') {
          ledger.reserved.set(taskId, demand);
          ledger.attached.set(taskId, demand);
        }
        // The agent starts it now, or when it lets it in.
        const starts = event.type === 'TaskPlaced' ? event.runningAtMs !== undefined : event.type === 'TaskAdmitted';
        if (starts) ledger.used.set(taskId, demand);
        if (event.type === 'TaskStopped' || (event.type === 'TaskStopping' && releaseAt === 'STOPPING'))
          ledger.reserved.delete(taskId);
        if (event.type === 'TaskStopped' || (event.type === 'TaskStopping' && releaseEniAt === 'STOPPING'))
          ledger.attached.delete(taskId);
        if (event.type === 'TaskStopped') ledger.used.delete(taskId);
        const { cpuUnits, memoryMiB, gpuCount, enis } = ledger.offers;
        for (const held of [ledger.reserved, ledger.used]) {
          const total = (key: 'cpuUnits' | 'memoryMiB' | 'gpuCount') =>
            [...held.values()].reduce((sum, item) => sum + item[key], 0);
          assert.equal(total('cpuUnits') <= cpuUnits, true, `event ${seq}: ${total('cpuUnits')} CPU units`);
          assert.equal(total('memoryMiB') <= memoryMiB, true, `event ${seq}: ${total('memoryMiB')} MiB`);
          assert.equal(total('gpuCount') <= gpuCount, true, `event ${seq}: ${total('gpuCount')} GPUs`);
          const ports = [...held.values()].flatMap(hostPorts);
          assert.equal(new Set(ports).size, ports.length, `event ${seq}: ${ports.join(' ')}`);
        }
        const attached = [...ledger.attached.values()].reduce((sum, item) => sum + item.enis, 0);
        assert.equal(attached <= enis, true, `event ${seq}: ${attached} of ${enis} interfaces`);
      }
    }),
    runs,
  ));

/** Every placement keeps the constraints of its service or run, and of its task definition. @returns how many were asked */
function keepsConstraints(scenario: Scenario): ReadonlyMap<string, number> {
  const asked = new Map<string, number>();
  sail(scenario, ({ seq, event }, { ecs }) => {
    if (event.type !== 'TaskPlaced' || event.ec2InstanceId === undefined) return;
    const task = ecs.tasks.get(event.taskId)!;
    const instance = ecs.containerInstances.get(event.ec2InstanceId)!;
    const service = ecs.services.get(task.serviceName);
    const { config } = service ?? ecs.runs.get(task.startedBy)!;
    const { definition } = ecs.taskDefinitions.get(task.taskDefinition)!;
    // The instance as it was before the task came.
    const others = [...instance.tasks.keys()]
      .map((taskId) => ecs.tasks.get(taskId)!)
      .filter(({ taskId, stopping }) => taskId !== task.taskId && stopping === undefined);
    const before = {
      ...instance,
      registeredAt: new Date(instance.registeredAtMs).toISOString(),
      attributes: Object.fromEntries(instance.attributes),
      runningTasksCount: others.length,
      taskGroups: others.map(({ group }) => group),
    };
    assert.equal(instance.status, 'ACTIVE', `event ${seq}`);
    for (const constraint of [...definition.placementConstraints, ...config.placementConstraints]) {
      const kind = `${service?.config.schedulingStrategy ?? 'own'} ${constraint.type}`;
      asked.set(kind, (asked.get(kind) ?? 0) + 1);
      const holds =
        constraint.type === 'distinctInstance'
          ? !before.taskGroups.includes(task.group)
          : parseClusterQuery(constraint.expression).matches(before);
      assert.equal(holds, true, `event ${seq}: ${task.taskId} of ${task.group} on ${instance.ec2InstanceId}`);
    }
  });
  return asked;
}

describe('constraints are never broken', () => {
  test('by services, whatever else happens', () =>
    fc.assert(
      fc.property(scenarios, (scenario) => {
        keepsConstraints(scenario);
      }),
      runs,
    ));

  test('by daemons, by RunTask and by StartTask, on instances that come and go', () => {
    const expression = fc.constantFrom(
      'attribute:stack == prod',
      'not(attribute:stack exists)',
      'task:group == service:daemon or attribute:stack != test',
      'runningTasksCount < 3',
      'attribute:ecs.availability-zone in [a]',
    );
    const memberOf = expression.map((text) => ({ type: 'memberOf' as const, expression: text }));
    const rule = fc.oneof(memberOf, fc.constant({ type: 'distinctInstance' as const }));
    const constraints = fc.array(rule, { minLength: 1, maxLength: 2 });
    const happening = fc.record({
      minute: fc.integer({ min: 1, max: 100 }),
      kind: fc.constantFrom('run', 'run', 'start', 'drain', 'activate', 'stop', 'deploy'),
      count: fc.integer({ min: 1, max: 6 }),
      constraints,
    });
    const total = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.record({
          daemon: memberOf,
          replicas: constraints,
          definition: memberOf,
          story: fc.array(happening, { minLength: 4, maxLength: 14 }),
        }),
        ({ daemon, replicas, definition, story }) => {
          const group = (name: string, attributes: Readonly<Record<string, string>>) => ({
            AutoScalingGroupName: name,
            AvailabilityZones: ['a', 'b'],
            MinSize: 0,
            MaxSize: 3,
            DesiredCapacity: 2,
            instanceType: 'c5.large',
            ecsConfig: { ECS_CLUSTER: 'demo', ECS_INSTANCE_ATTRIBUTES: attributes },
          });
          const container = { name: 'app', image: 'web', cpu: 256, memory: 128 };
          const scenario = scenarioSchema.parse(
            quietScenario({
              duration: '2h',
              step: '60s',
              autoScalingGroups: [
                group('plain', {}),
                group('prod', { stack: 'prod' }),
                group('test', { stack: 'test' }),
              ],
              taskDefinitions: [
                { family: 'web', containerDefinitions: [container] },
                { family: 'tied', placementConstraints: [definition], containerDefinitions: [container] },
              ],
              services: [
                {
                  serviceName: 'daemon',
                  taskDefinition: 'web',
                  schedulingStrategy: 'DAEMON',
                  placementConstraints: [daemon],
                },
                {
                  serviceName: 'web',
                  taskDefinition: 'tied',
                  desiredCount: 4,
                  launchType: 'EC2',
                  placementConstraints: replicas,
                },
              ],
              changes: story.map(({ minute, kind, count, constraints: ruled }) => {
                const at = new Date(Date.UTC(2030, 0, 7) + minute * MINUTE).toISOString();
                const containerInstances = [`i-0000000000000000${count}`];
                switch (kind) {
                  case 'run':
                    return {
                      at,
                      RunTask: { taskDefinition: 'tied', count, group: 'batch', placementConstraints: ruled },
                    };
                  case 'start':
                    return { at, StartTask: { taskDefinition: 'tied', containerInstances } };
                  case 'stop':
                    return { at, StopTask: { task: `task-${count * 2}` } };
                  case 'deploy':
                    return {
                      at,
                      UpdateService: { service: 'daemon', taskDefinition: 'web', forceNewDeployment: true },
                    };
                  default:
                    return {
                      at,
                      UpdateContainerInstancesState: {
                        containerInstances,
                        status: kind === 'drain' ? ('DRAINING' as const) : ('ACTIVE' as const),
                      },
                    };
                }
              }),
            }),
          );
          for (const [kind, count] of keepsConstraints(scenario)) total.set(kind, (total.get(kind) ?? 0) + count);
        },
      ),
      { numRuns: 60 },
    );
    for (const kind of [
      'DAEMON memberOf',
      'REPLICA memberOf',
      'REPLICA distinctInstance',
      'own memberOf',
      'own distinctInstance',
    ])
      assert.equal((total.get(kind) ?? 0) > 50, true, `${kind}: ${total.get(kind)} placements`);
  });
});

test('a host starts tasks in the order of their placement', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const queues = new Map<string, string[]>();
      const onInstance = new Map<string, string>();
      for (const { seq, event } of sail(scenario).log) {
        if (event.type === 'TaskPlaced' && event.ec2InstanceId !== undefined) {
          const queue = queues.get(event.ec2InstanceId) ?? [];
          queues.set(event.ec2InstanceId, queue);
          onInstance.set(event.taskId, event.ec2InstanceId);
          if (event.runningAtMs === undefined) queue.push(event.taskId);
          else assert.deepEqual(queue, [], `event ${seq}: ${event.taskId} overtakes`);
        }
        if (event.type === 'TaskAdmitted') assert.equal(queues.get(event.ec2InstanceId)!.shift(), event.taskId);
        if (event.type !== 'TaskStopped') continue;
        const queue = queues.get(onInstance.get(event.taskId) ?? '') ?? [];
        if (queue.includes(event.taskId)) queue.splice(queue.indexOf(event.taskId), 1);
      }
    }),
    runs,
  ));

/** What may follow what in the life of a task. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  TaskCreated: ['TaskWaiting', 'TaskPlaced', 'TaskStopped'],
  TaskWaiting: ['TaskPlaced', 'TaskStopped'],
  TaskPlaced: [
    'TaskAdmitted',
    'TaskPending',
    'ImagePullDelayed',
    'ContainersStarted',
    'TaskActivating',
    'TaskRunning',
    'TaskStopping',
    'TaskStopped',
  ],
  TaskAdmitted: [
    'TaskPending',
    'ImagePullDelayed',
    'ContainersStarted',
    'TaskActivating',
    'TaskRunning',
    'TaskStopping',
    'TaskStopped',
  ],
  TaskPending: [
    'ImagePullDelayed',
    'ContainersStarted',
    'TaskActivating',
    'TaskRunning',
    'TaskStopping',
    'TaskStopped',
  ],
  ImagePullDelayed: ['ContainersStarted', 'TaskActivating', 'TaskRunning', 'TaskStopping', 'TaskStopped'],
  ContainersStarted: ['ContainersStarted', 'TaskActivating', 'TaskRunning', 'TaskStopping', 'TaskStopped'],
  TaskActivating: ['TaskRunning'],
  TaskRunning: ['TaskDeactivating', 'TaskStopping', 'TaskStopped'],
  TaskDeactivating: ['TaskStopping', 'TaskStopped'],
  TaskStopping: ['TaskDeprovisioning', 'TaskStopped'],
  TaskDeprovisioning: ['TaskStopped'],
  TaskStopped: [],
};

test('every task lives its life in order, and ends STOPPED or is still accounted for', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const lives = new Map<string, string>();
      const simulation = sail(scenario);
      for (const { seq, atMs, event } of simulation.log) {
        if (!Object.hasOwn(NEXT, event.type) || !('taskId' in event)) continue;
        const before = lives.get(event.taskId);
        const allowed = before === undefined ? ['TaskCreated'] : NEXT[before]!;
        assert.equal(allowed.includes(event.type), true, `event ${seq}: ${event.type} after ${before}`);
        lives.set(event.taskId, event.type);
        if (event.type !== 'TaskPlaced' && event.type !== 'TaskAdmitted') continue;
        const { pullStartedAtMs = atMs, runningAtMs = atMs } = event;
        assert.equal(runningAtMs >= pullStartedAtMs && pullStartedAtMs >= atMs, true);
      }
      const alive = [...lives].filter(([, last]) => last !== 'TaskStopped').map(([taskId]) => taskId);
      assert.deepEqual([...simulation.world.ecs.tasks.keys()].toSorted(), alive.toSorted());
      const { waiting } = simulation.world.ecs;
      assert.deepEqual(
        [...waiting.keys()].toSorted(),
        alive.filter((id) => lives.get(id) === 'TaskWaiting').toSorted(),
      );
    }),
    runs,
  ));

test('requests are conserved: what was offered was answered, failed, or is still there', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const came = new Map<string, number>();
      const sampled = new Map<string, number>();
      const gone = new Map<string, number>();
      const queued = new Map<string, number>();
      const add = (to: Map<string, number>, key: string, count: number) => to.set(key, (to.get(key) ?? 0) + count);
      for (const { event } of sail(scenario).log) {
        if (event.type === 'LoadSampled')
          event.services.forEach((name, row) => add(sampled, name, event.offered[row]!));
        if (event.type !== 'LoadServed') continue;
        for (const [row, name] of event.services.entries()) {
          add(came, name, event.offered[row]!);
          for (const column of ['served', 'timedOut', 'rejected', 'unserved', 'lost'] as const) {
            const count: number = event[column][row]!;
            assert.equal(Number.isSafeInteger(count) && count >= 0, true, `${column} ${count}`);
            add(gone, name, count);
          }
          queued.set(name, event.queued[row]!);
        }
      }
      for (const [name, offered] of sampled) {
        assert.equal(came.get(name), offered, name);
        assert.equal(gone.get(name)! + queued.get(name)!, offered, name);
      }
    }),
    runs,
  ));

test('a steady service has its desired count running, split as its strategy says unless a provider had no room', () => {
  let seen = 0;
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const failed = new Set<string>();
      sail(scenario, ({ seq, event }, { ecs }) => {
        if (event.type === 'ServiceTaskPlacementFailed') failed.add(event.serviceName);
        if (event.type !== 'ServiceReachedSteadyState') return;
        const { desiredCount, runningCount, pendingCount, stopping, strategy, providerCounts } = ecs.services.get(
          event.serviceName,
        )!;
        seen++;
        assert.deepEqual([runningCount, pendingCount, stopping.size], [desiredCount, 0, 0], `event ${seq}`);
        // Tasks that run are not moved to another provider: what was lowered while one had no room stays as it came.
        if (strategy.length === 0 || failed.has(event.serviceName)) return;
        assert.deepEqual(
          strategy.map(({ capacityProvider }) => providerCounts.get(capacityProvider) ?? 0),
          splitByStrategy(desiredCount, strategy, scenario.assumptions.capacity.splitRule),
          `event ${seq}`,
        );
      });
    }),
    runs,
  );
  assert.equal(seen > 40, true, `${seen} steady states were seen`);
});

describe('where capacity exists, the desired count is reached', () => {
  const changes = fc.array(fc.record({ minute: fc.integer({ min: 0, max: 60 }), desired: fc.nat({ max: 30 }) }), {
    maxLength: 8,
  });
  const at = (minute: number) => new Date(Date.UTC(2030, 0, 7, 0, minute)).toISOString();
  const updates = (drawn: readonly { readonly minute: number; readonly desired: number }[]) =>
    drawn
      .toSorted((a, b) => a.minute - b.minute)
      .map(({ minute, desired }) => ({ at: at(minute), UpdateService: { service: 'web', desiredCount: desired } }));

  test('on Fargate, spread over its zones, behind a load balancer or not, from a cold start or a steady one', () =>
    fc.assert(
      fc.property(
        changes,
        fc.boolean(),
        fc.constantFrom('cold' as const, 'steady' as const),
        (drawn, behind, start) => {
          const written = updates(drawn);
          const scenario = scenarioSchema.parse(
            quietScenario({
              duration: '90m',
              targetGroups: [{ Name: 'web', deregistrationDelaySeconds: 30 }],
              services: [
                {
                  serviceName: 'web',
                  taskDefinition: 'web',
                  desiredCount: 3,
                  launchType: 'FARGATE',
                  loadBalancers: behind ? [{ targetGroup: 'web', containerName: 'app', containerPort: 8080 }] : [],
                },
              ],
              changes: written,
              assumptions: { start },
            }),
          );
          const { world } = sail(scenario);
          const service = world.ecs.services.get('web')!;
          const desired = written.at(-1)?.UpdateService.desiredCount ?? 3;
          assert.deepEqual([service.runningCount, service.desiredCount], [desired, desired]);
          assert.equal(service.steady, true);
          assert.equal(world.ecs.tasks.size, desired);
          const zones = world.ecs.availabilityZones.map((zone) => service.zoneCounts.get(zone) ?? 0);
          assert.equal(Math.max(...zones) - Math.min(...zones) <= 1, true, `zones ${zones.join(' ')}`);
          if (behind) assert.equal(world.elb.targetGroups.get('web')!.healthyCount, desired);
        },
      ),
      { numRuns: 100 },
    ));

  test('on a managed group that may grow, whatever the strategies; and without need the group shrinks to its minimum', () =>
    fc.assert(
      fc.property(
        changes,
        fc.boolean(),
        fc.constantFrom([], [{ type: 'binpack' as const, field: 'cpu' as const }], [{ type: 'random' as const }]),
        fc.boolean(),
        (drawn, isProtected, placementStrategy, drains) => {
          const written = [...updates(drawn), { at: at(240), UpdateService: { service: 'web', desiredCount: 0 } }];
          const scenario = scenarioSchema.parse(
            quietScenario({
              duration: '8h',
              step: '60s',
              cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
              autoScalingGroups: [
                {
                  AutoScalingGroupName: 'group',
                  AvailabilityZones: ['a', 'b'],
                  MinSize: 0,
                  MaxSize: 40,
                  instanceType: 'm5.large',
                  NewInstancesProtectedFromScaleIn: isProtected,
                },
              ],
              capacityProviders: [
                {
                  name: 'fleet',
                  autoScalingGroupProvider: {
                    autoScalingGroup: 'group',
                    managedTerminationProtection: isProtected ? 'ENABLED' : 'DISABLED',
                    managedDraining: drains ? 'ENABLED' : 'DISABLED',
                  },
                },
              ],
              taskDefinitions: [
                { family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 512, memory: 1024 }] },
              ],
              services: [
                {
                  serviceName: 'web',
                  taskDefinition: 'web',
                  desiredCount: 5,
                  capacityProviderStrategy: [{ capacityProvider: 'fleet', weight: 1 }],
                  placementStrategy: [...placementStrategy],
                },
              ],
              changes: written,
            }),
          );
          const simulation = simulate(scenario);
          const wanted = written.at(-2)?.UpdateService.desiredCount ?? 5;
          simulation.runUntil(scenario.start + 239 * MINUTE);
          assert.equal(simulation.world.ecs.services.get('web')!.runningCount, wanted);
          simulation.runUntil(endOf(scenario));
          assert.equal(simulation.world.ecs.tasks.size, 0);
          assert.equal(simulation.world.ec2.instances.size, 0);
          assert.equal(simulation.world.ecs.containerInstances.size, 0);
        },
      ),
      { numRuns: 30 },
    ));
});

test('Fargate tasks are on no instance, and those of a group on one of that group', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const { world } = sail(scenario);
      for (const { status, capacityProvider, ec2InstanceId, availabilityZone } of world.ecs.tasks.values()) {
        if (status === 'PROVISIONING') continue;
        if (capacityProvider !== undefined && isFargate(capacityProvider)) {
          assert.equal(ec2InstanceId, undefined);
          assert.equal(world.ecs.availabilityZones.includes(availabilityZone!), true);
        } else {
          const instance = world.ecs.containerInstances.get(ec2InstanceId!)!;
          assert.equal(instance.availabilityZone, availabilityZone);
          if (capacityProvider !== undefined) assert.equal(instance.capacityProvider, capacityProvider);
        }
      }
    }),
    runs,
  ));

test('what drains is replaced on its own provider: the split stays', () => {
  const fleets = ['one', 'other'];
  const scenario = scenarioSchema.parse(
    quietScenario({
      cluster: { clusterName: 'demo', capacityProviders: fleets },
      autoScalingGroups: fleets.map((name) => ({
        AutoScalingGroupName: name,
        AvailabilityZones: ['a'],
        MinSize: 1,
        MaxSize: 2,
        DesiredCapacity: 2,
        instanceType: 'm5.large',
      })),
      capacityProviders: fleets.map((name) => ({
        name,
        autoScalingGroupProvider: { autoScalingGroup: name, managedScaling: { status: 'DISABLED' as const } },
      })),
      taskDefinitions: [
        { family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 128, memory: 128 }] },
      ],
      services: [
        {
          serviceName: 'web',
          taskDefinition: 'web',
          desiredCount: 8,
          capacityProviderStrategy: fleets.map((name) => ({ capacityProvider: name, weight: 1 })),
          placementStrategy: [{ type: 'binpack', field: 'cpu' }],
        },
      ],
    }),
  );
  const simulation = simulate(scenario);
  simulation.runUntil(scenario.start + 5 * MINUTE);
  simulation.submit(simulation.nowMs, {
    type: 'SetDesiredCapacity',
    autoScalingGroupName: 'other',
    desiredCapacity: 1,
  });
  simulation.runUntil(endOf(scenario));
  assert.equal(simulation.world.ec2.instances.size, 3);
  assert.deepEqual(Object.fromEntries(simulation.world.ecs.services.get('web')!.providerCounts), { one: 4, other: 4 });
});

test('two runs that share a service do not share what its tasks ask for', () => {
  const tasksPlaced = (cpu: number, shared: Scenario): number => {
    const [definition] = shared.taskDefinitions;
    const [container] = definition!.containerDefinitions;
    const taskDefinitions = [{ ...definition!, containerDefinitions: [{ ...container!, cpu }] }];
    return sail({ ...shared, taskDefinitions }).world.ecs.services.get('web')!.runningCount;
  };
  const scenario = scenarioSchema.parse(
    quietScenario({
      duration: '10m',
      autoScalingGroups: [
        { AutoScalingGroupName: 'group', AvailabilityZones: ['a'], MinSize: 1, MaxSize: 1, instanceType: 'm5.large' },
      ],
      taskDefinitions: [{ family: 'web', containerDefinitions: [{ name: 'app', image: 'web', memory: 64 }] }],
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 20, launchType: 'EC2' }],
    }),
  );
  assert.deepEqual([tasksPlaced(1_024, scenario), tasksPlaced(256, scenario), tasksPlaced(1_024, scenario)], [2, 8, 2]);
});
