import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  chooseTasksToStop,
  hostPorts,
  placementConstraints,
  placementStrategies,
  placeTask,
  type ContainerInstance,
  type PlacementRequest,
} from '../../core/ecs/index.ts';
import type { StoppableTask } from '../../core/ecs/placement/engine.ts';
import { attributeOf, type PlacementStrategyConfig } from '../../core/ecs/placement/strategies.ts';
import { keyedRng, thaw } from '../../core/kernel/index.ts';
import { clusters, demands, emptyClusters, occupy, SERVICE } from '../arbitraries.ts';
import { answersAreStable, writtenConstraints, type AnyConstraint } from '../contracts/placementConstraint.ts';
import { ranksAreStable, writtenStrategies, type AnyStrategy } from '../contracts/placementStrategy.ts';

const runs = { numRuns: 1_000 };
const draws = () => keyedRng(1).at('placement', 1);

for (const [name, strategy] of Object.entries(placementStrategies))
  test(`${name}: a rank is finite, and the same for the same question`, () =>
    fc.assert(ranksAreStable(strategy as AnyStrategy, writtenStrategies[name as 'spread']), runs));
for (const [name, constraint] of Object.entries(placementConstraints))
  test(`${name}: the same answer to the same question, in any order`, () =>
    fc.assert(answersAreStable(constraint as AnyConstraint, writtenConstraints[name as 'distinctInstance']), runs));

const ZONE = 'attribute:ecs.availability-zone';
const rule: fc.Arbitrary<PlacementStrategyConfig> = fc.constantFrom(
  { type: 'spread', field: ZONE },
  { type: 'spread', field: 'instanceId' },
  { type: 'spread', field: 'attribute:ecs.instance-type' },
  { type: 'binpack', field: 'cpu' },
  { type: 'binpack', field: 'memory' },
);
const requests: fc.Arbitrary<PlacementRequest> = fc.record({
  serviceName: fc.constant(SERVICE),
  demand: demands,
  constraints: fc.constantFrom([], [], [{ type: 'distinctInstance' as const }]),
  strategies: fc.array(rule, { maxLength: 3 }),
  capacityProvider: fc.constantFrom(undefined, undefined, 'fleet-0'),
});

const ours = (instance: ContainerInstance): number => instance.serviceCounts.get(SERVICE) ?? 0;

/** Tasks of the service where `field` has the same value: a plain scan. */
function counter(instances: readonly ContainerInstance[]) {
  return (field: string, instance: unknown): number =>
    instances
      .filter((other) => attributeOf(field, other) === attributeOf(field, instance as ContainerInstance))
      .reduce((sum, other) => sum + ours(other), 0);
}

function place(request: PlacementRequest, instances: readonly ContainerInstance[]) {
  return placeTask(request, instances, counter(instances), draws());
}

/** Whether an instance may take the task, written down once more from the specification. */
function mayTake(instance: ContainerInstance, { demand, constraints, capacityProvider }: PlacementRequest): boolean {
  const { remaining, ports, status } = instance;
  if (status !== 'ACTIVE') return false;
  if (capacityProvider !== undefined && instance.capacityProvider !== capacityProvider) return false;
  if (remaining.cpuUnits < demand.cpuUnits || remaining.memoryMiB < demand.memoryMiB) return false;
  if (remaining.enis < demand.enis) return false;
  if (demand.tcpPorts.some((port) => ports.has(`tcp/${port}`))) return false;
  if (demand.udpPorts.some((port) => ports.has(`udp/${port}`))) return false;
  return constraints.length === 0 || ours(instance) === 0;
}

/** What the chain minimises, as one vector per instance: the lexicographically smallest is optimal. */
function merit(
  instance: ContainerInstance,
  { strategies }: PlacementRequest,
  all: readonly ContainerInstance[],
): number[] {
  const count = counter(all);
  const chain: readonly PlacementStrategyConfig[] =
    strategies.length > 0
      ? strategies
      : [
          { type: 'spread', field: ZONE },
          { type: 'spread', field: 'instanceId' },
        ];
  return chain.map((item) => {
    if (item.type === 'spread') return count(item.field, instance);
    if (item.type === 'binpack')
      return item.field.toLowerCase() === 'cpu' ? instance.remaining.cpuUnits : instance.remaining.memoryMiB;
    return 0;
  });
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [index, value] of one.entries()) if (value !== other[index]) return value - (other[index] as number);
  return 0;
}

describe('where a task goes', () => {
  test('the instance satisfies everything, and none that does is better: a brute-force oracle over up to 12 instances', () =>
    fc.assert(
      fc.property(clusters, requests, (instances, request) => {
        const able = instances.filter((instance) => mayTake(instance, request));
        const answer = place(request, instances);
        if (!('instance' in answer)) {
          assert.equal(able.length, 0, `${answer.reason}, yet ${able[0]?.ec2InstanceId} may take it`);
          return;
        }
        const chosen = answer.instance as ContainerInstance;
        assert.equal(able.includes(chosen), true, `${chosen.ec2InstanceId} may not take it`);
        const best = able.toSorted((a, b) => compare(merit(a, request, instances), merit(b, request, instances)))[0]!;
        assert.deepEqual(merit(chosen, request, instances), merit(best, request, instances));
        assert.equal(answer.left[2], able.length);
        assert.equal(
          answer.left.length,
          3 + Math.max(request.strategies.length, request.strategies.length === 0 ? 2 : 0),
        );
      }),
      { numRuns: 3_000 },
    ));

  test('a refusal names what the closest instance lacks', () =>
    fc.assert(
      fc.property(clusters, requests, (instances, request) => {
        const answer = place(request, instances);
        if ('instance' in answer) return;
        const closest = instances.find(({ ec2InstanceId }) => ec2InstanceId === answer.closest);
        if (closest === undefined) {
          assert.equal(answer.reason, 'NO ACTIVE INSTANCES');
          const { capacityProvider: wanted } = request;
          for (const { status, capacityProvider } of instances)
            assert.equal(status === 'ACTIVE' && (wanted === undefined || capacityProvider === wanted), false);
          return;
        }
        const { remaining, ports } = closest;
        const { demand } = request;
        const lacks: Readonly<Record<string, boolean>> = {
          'RESOURCE:CPU': remaining.cpuUnits < demand.cpuUnits,
          'RESOURCE:MEMORY': remaining.memoryMiB < demand.memoryMiB,
          'RESOURCE:PORTS': hostPorts(demand).some((port) => ports.has(port)),
          'RESOURCE:ENI': remaining.enis < demand.enis,
          'DistinctInstance placement constraint unsatisfied.': ours(closest) > 0,
          'NO ACTIVE INSTANCES': false,
        };
        assert.equal(lacks[answer.reason], true, answer.reason);
      }),
      runs,
    ));

  /** Places `count` tasks one after the other; stops when there is no place. */
  function fill(request: PlacementRequest, instances: readonly ContainerInstance[], count: number): number {
    for (let placed = 0; placed < count; placed++) {
      const answer = place(request, instances);
      if (!('instance' in answer)) return placed;
      occupy(answer.instance as ContainerInstance, { demand: request.demand });
    }
    return count;
  }

  const small = { cpuUnits: 32, memoryMiB: 64, gpuCount: 0, tcpPorts: [], udpPorts: [], enis: 0 };

  test('spread differs by at most one where there is room: over zones, and within each over instances', () =>
    fc.assert(
      fc.property(emptyClusters, fc.integer({ min: 1, max: 40 }), fc.boolean(), (drawn, count, written) => {
        const instances = thaw(drawn);
        const strategies: PlacementStrategyConfig[] = [
          { type: 'spread', field: ZONE },
          { type: 'spread', field: 'instanceId' },
        ];
        const request = { serviceName: SERVICE, demand: small, constraints: [], capacityProvider: undefined };
        assert.equal(fill({ ...request, strategies: written ? strategies : [] }, instances, count), count);
        const zones = new Map<string, ContainerInstance[]>();
        for (const instance of instances)
          zones.set(instance.availabilityZone, [...(zones.get(instance.availabilityZone) ?? []), instance]);
        const totals = [...zones.values()].map((members) => members.reduce((sum, member) => sum + ours(member), 0));
        assert.equal(Math.max(...totals) - Math.min(...totals) <= 1, true, `zones ${totals.join(' ')}`);
        for (const members of zones.values()) {
          const counts = members.map(ours);
          assert.equal(Math.max(...counts) - Math.min(...counts) <= 1, true, `instances ${counts.join(' ')}`);
        }
      }),
      { numRuns: 300 },
    ));

  test('binpack opens an instance only when no used one has room', () =>
    fc.assert(
      fc.property(emptyClusters, fc.integer({ min: 1, max: 30 }), demands, (drawn, count, demand) => {
        const instances = thaw(drawn);
        const request: PlacementRequest = {
          serviceName: SERVICE,
          demand,
          constraints: [],
          strategies: [{ type: 'binpack', field: 'memory' }],
          capacityProvider: undefined,
        };
        for (let placed = 0; placed < count; placed++) {
          const used = instances.filter((instance) => ours(instance) > 0);
          const usedWithRoom = used.filter((instance) => mayTake(instance, request));
          const answer = place(request, instances);
          if (!('instance' in answer)) return;
          if (usedWithRoom.length > 0) assert.equal(ours(answer.instance as ContainerInstance) > 0, true);
          occupy(answer.instance as ContainerInstance, { demand });
        }
      }),
      { numRuns: 300 },
    ));

  test('random reaches every instance that may take the task, and no other', () =>
    fc.assert(
      fc.property(clusters, (instances) => {
        const request: PlacementRequest = {
          serviceName: SERVICE,
          demand: small,
          constraints: [],
          strategies: [{ type: 'random' }],
          capacityProvider: undefined,
        };
        const able = instances.filter((instance) => mayTake(instance, request));
        const reached = new Set<unknown>();
        for (let key = 0; key < 300; key++) {
          const answer = placeTask(request, instances, counter(instances), keyedRng(1).at('placement', key));
          if ('instance' in answer) reached.add(answer.instance);
        }
        assert.deepEqual(reached.size, able.length);
      }),
      { numRuns: 50 },
    ));
});

describe('which task is stopped', () => {
  /** Tasks placed on a cluster, a few of them not running yet. */
  function tasksOn(drawn: readonly ContainerInstance[], places: readonly number[]): StoppableTask[] {
    const instances = thaw(drawn);
    return places.map((place, number) => {
      const instance = instances[place % instances.length] as ContainerInstance;
      occupy(instance, { demand: small });
      const { availabilityZone } = instance;
      return { taskId: `task-${number}`, number, running: place % 7 !== 0, instance, availabilityZone };
    });
  }
  const small = { cpuUnits: 32, memoryMiB: 64, gpuCount: 0, tcpPorts: [], udpPorts: [], enis: 0 };
  const places = fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 25 });

  test('as many as asked for, each once, those that do not run yet first', () =>
    fc.assert(
      fc.property(
        emptyClusters,
        places,
        fc.nat({ max: 30 }),
        fc.array(rule, { maxLength: 3 }),
        (instances, on, count, strategies) => {
          const tasks = tasksOn(instances, on);
          const request = { serviceName: SERVICE, demand: small, strategies };
          const victims = chooseTasksToStop(tasks, count, request, draws());
          assert.equal(victims.length, Math.min(count, tasks.length));
          assert.equal(new Set(victims).size, victims.length);
          const idle = tasks.filter(({ running }) => !running).length;
          assert.equal(victims.filter(({ running }) => !running).length, Math.min(idle, victims.length));
        },
      ),
      runs,
    ));

  test('scale-in keeps the spread: no zone that lost a running task has fewer left than another had to spare', () =>
    fc.assert(
      fc.property(emptyClusters, places, fc.nat({ max: 20 }), (instances, on, count) => {
        const tasks = tasksOn(instances, on).map((task) => ({ ...task, running: true }));
        const victims = new Set(
          chooseTasksToStop(tasks, count, { serviceName: SERVICE, demand: small, strategies: [] }, draws()),
        );
        const inZone = (zone: string, of: (task: StoppableTask) => boolean) =>
          tasks.filter((task) => task.availabilityZone === zone && of(task)).length;
        const zones = [...new Set(instances.map(({ availabilityZone }) => availabilityZone))];
        const left = new Map(zones.map((zone) => [zone, inZone(zone, (task) => !victims.has(task))]));
        for (const zone of zones)
          if (inZone(zone, (task) => victims.has(task)) > 0)
            for (const other of zones)
              assert.equal(left.get(zone)! + 1 >= left.get(other)!, true, `${[...left].join(' ')} after ${zone} gave`);
      }),
      runs,
    ));

  test('binpack empties the emptiest instance first', () =>
    fc.assert(
      fc.property(emptyClusters, places, (instances, on) => {
        const tasks = tasksOn(instances, on).map((task) => ({ ...task, running: true }));
        const request = {
          serviceName: SERVICE,
          demand: small,
          strategies: [{ type: 'binpack', field: 'cpu' } as const],
        };
        const [victim] = chooseTasksToStop(tasks, 1, request, draws()) as [StoppableTask];
        const most = Math.max(...tasks.map(({ instance }) => instance!.remaining.cpuUnits));
        assert.equal(victim.instance!.remaining.cpuUnits, most);
      }),
      runs,
    ));
});
