import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  hostPorts,
  placementConstraints,
  placementStrategies,
  type ContainerInstance,
  type PlacementRequest,
} from '../../core/ecs/index.ts';
import { placementAssumptions, type PlacementAssumptions } from '../../core/ecs/placement/assumptions.ts';
import { prepare, scanForPlace } from '../../core/ecs/placement/engine.ts';
import { fieldReader } from '../../core/ecs/placement/instance.ts';
import {
  findInIndex,
  newPlacementJournal,
  noteChange,
  noteMembership,
} from '../../core/ecs/placement/placementIndex.ts';
import { clusterQuery } from '../../core/ecs/placement/query.ts';
import { attributeOf } from '../../core/ecs/placement/instance.ts';
import { chooseVictims, type StoppableTask } from '../../core/ecs/placement/scaleIn.ts';
import { SERVICE_STRATEGY, type PlacementStrategyConfig } from '../../core/ecs/placement/strategies.ts';
import { NOBODY, Tournament } from '../../core/ecs/placement/tournament.ts';
import { keyedRng, thaw } from '../../core/kernel/index.ts';
import {
  clusters,
  demands,
  emptyClusters,
  emptyInstance,
  expressions,
  GROUP,
  occupy,
  OTHER_GROUP,
} from '../arbitraries.ts';
import { answersAreStable, writtenConstraints, type AnyConstraint } from '../contracts/placementConstraint.ts';
import { keysAreStable, writtenStrategies, type AnyStrategy } from '../contracts/placementStrategy.ts';

const runs = { numRuns: 200 };
const draws = () => keyedRng(1).at('placement', 1);
const plain: PlacementAssumptions = placementAssumptions.parse({});

for (const [name, strategy] of Object.entries(placementStrategies))
  test(`${name}: a key is a whole number that an index can hold, and the same for the same question`, () =>
    fc.assert(keysAreStable(strategy as AnyStrategy, writtenStrategies[name as 'spread']), runs));
for (const [name, constraint] of Object.entries(placementConstraints))
  test(`${name}: the same answer to the same question, in any order`, () =>
    fc.assert(answersAreStable(constraint as AnyConstraint, writtenConstraints[name as 'distinctInstance']), runs));

const ZONE = 'attribute:ecs.availability-zone';
const orderly: fc.Arbitrary<PlacementStrategyConfig> = fc.constantFrom(
  { type: 'spread', field: ZONE },
  { type: 'spread', field: 'instanceId' },
  { type: 'spread', field: 'host' },
  { type: 'spread', field: 'attribute:ecs.instance-type' },
  { type: 'spread', field: 'attribute:stack' },
  { type: 'binpack', field: 'cpu' },
  { type: 'binpack', field: 'memory' },
);
const anyRule: fc.Arbitrary<PlacementStrategyConfig> = fc.oneof(
  { weight: 5, arbitrary: orderly },
  { weight: 1, arbitrary: fc.constant({ type: 'random' as const }) },
);
function requestsOf(rule: fc.Arbitrary<PlacementStrategyConfig>): fc.Arbitrary<PlacementRequest> {
  return fc.record({
    group: fc.constantFrom(GROUP, GROUP, OTHER_GROUP, 'service:new'),
    demand: demands,
    requiredAttributes: fc.constantFrom([], [], [], [{ name: 'stack' }], [{ name: 'stack', value: 'prod' }]),
    zones: fc.constantFrom(undefined, undefined, undefined, ['us-east-1a', 'us-east-1c']),
    constraints: fc.oneof(
      fc.constant([]),
      fc.constant([{ type: 'distinctInstance' as const }]),
      expressions.map((expression) => [{ type: 'memberOf' as const, expression }]),
      expressions.map((expression) => [
        { type: 'memberOf' as const, expression },
        { type: 'distinctInstance' as const },
      ]),
    ),
    strategies: fc.array(rule, { maxLength: 5 }),
    capacityProvider: fc.constantFrom(undefined, undefined, 'fleet-0'),
  });
}
const requests = requestsOf(orderly);
const rules: fc.Arbitrary<PlacementAssumptions> = fc.record({
  tieBreak: fc.constantFrom('lexical', 'seeded'),
  releaseAt: fc.constant('STOPPING'),
  releaseEniAt: fc.constant('STOPPED'),
  spreadCounts: fc.constantFrom('desired', 'running'),
  stopFirst: fc.constantFrom('pending', 'any'),
  agentVersion: fc.constant('1.99.1'),
  regexMode: fc.constantFrom('full', 'find'),
  portLimit: fc.constantFrom('together', 'each'),
  reserved51680: fc.constant(false),
  trunkProvisioning: fc.constant(0),
  networkConfiguration: fc.constant('optional'),
});

function requestOf(part: Partial<PlacementRequest>): PlacementRequest {
  return {
    group: GROUP,
    demand: small,
    requiredAttributes: [],
    zones: undefined,
    constraints: [],
    strategies: SERVICE_STRATEGY,
    capacityProvider: undefined,
    ...part,
  };
}
const small = { cpuUnits: 32, memoryMiB: 64, gpuCount: 0, tcpPorts: [], udpPorts: [], enis: 0 };

const ours = (instance: ContainerInstance): number => instance.taskGroups.get(GROUP) ?? 0;

function place(request: PlacementRequest, instances: readonly ContainerInstance[], assumptions = plain) {
  return scanForPlace(prepare(request, assumptions), instances, draws());
}

/** Why an instance may not take the task, written down once more from the specification; undefined when it may. */
function obstacle(instance: ContainerInstance, request: PlacementRequest): string | undefined {
  const { demand, constraints } = request;
  const { remaining, ports } = instance;
  const has = (name: string) => attributeOf(instance, name);
  if (!instance.agentConnected) return 'AGENT';
  for (const { name, value } of request.requiredAttributes)
    if (value === undefined ? has(name) === undefined : has(name) !== value) return 'ATTRIBUTE';
  if (request.zones?.includes(instance.availabilityZone) === false) return 'LOCATION';
  if (remaining.cpuUnits < demand.cpuUnits) return 'RESOURCE:CPU';
  if (remaining.memoryMiB < demand.memoryMiB) return 'RESOURCE:MEMORY';
  if (remaining.gpuCount < demand.gpuCount) return 'RESOURCE:GPU';
  const wanted = hostPorts(demand);
  if (wanted.some((port) => ports.has(port))) return 'RESOURCE:PORTS';
  if (wanted.length > 0 && new Set([...ports.keys(), ...wanted]).size > 100) return 'RESOURCE:PORTS';
  if (remaining.enis < demand.enis) return 'RESOURCE:ENI';
  for (const constraint of constraints) {
    if (constraint.type === 'distinctInstance' && instance.taskGroups.has(request.group))
      return 'DistinctInstance placement constraint unsatisfied.';
    if (constraint.type === 'memberOf' && !clusterQuery(constraint.expression, attributeOf)(instance))
      return 'MemberOf placement constraint unsatisfied.';
  }
  return undefined;
}

function isCandidate({ status, capacityProvider }: ContainerInstance, request: PlacementRequest): boolean {
  const { capacityProvider: wanted } = request;
  return status === 'ACTIVE' && (wanted === undefined || wanted === capacityProvider);
}

function mayTake(instance: ContainerInstance, request: PlacementRequest): boolean {
  return isCandidate(instance, request) && obstacle(instance, request) === undefined;
}

/** What the chain minimises, as one vector per instance: the lexicographically smallest is optimal. */
function merit(
  instance: ContainerInstance,
  { strategies, group }: PlacementRequest,
  all: readonly ContainerInstance[],
): number[] {
  return strategies.map((item) => {
    if (item.type === 'spread')
      return all
        .filter((other) => fieldReader(item.field)(other) === fieldReader(item.field)(instance))
        .reduce((sum, other) => sum + (other.taskGroups.get(group) ?? 0), 0);
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
        const chosen = answer.instance;
        assert.equal(able.includes(chosen), true, `${chosen.ec2InstanceId} may not take it`);
        const best = able.toSorted((a, b) => compare(merit(a, request, instances), merit(b, request, instances)))[0]!;
        assert.deepEqual(merit(chosen, request, instances), merit(best, request, instances));
        assert.deepEqual(answer.scores, merit(best, request, instances));
        const active = instances.filter((instance) => isCandidate(instance, request));
        const lacking = (pattern: RegExp) =>
          active.filter((item) => pattern.test(obstacle(item, request) ?? '')).length;
        const fit = active.length - lacking(/^(AGENT|ATTRIBUTE|LOCATION)$/);
        assert.deepEqual(answer.left.slice(0, 4), [active.length, fit, fit - lacking(/^RESOURCE/), able.length]);
        assert.equal(answer.left.length, 4 + request.strategies.length);
        // Each step leaves those that are optimal so far; the first registered of the last ones is chosen.
        let leaves = able;
        for (const [level, left] of answer.left.slice(4).entries()) {
          const upTo = (instance: ContainerInstance) => merit(instance, request, instances).slice(0, level + 1);
          leaves = able.filter((instance) => compare(upTo(instance), upTo(best)) === 0);
          assert.equal(left, leaves.length);
        }
        assert.equal(chosen, leaves[0]);
      }),
      { numRuns: 800 },
    ));

  test('a refusal names the instance that came closest, what it lacked, and how many each reason turned away', () =>
    fc.assert(
      fc.property(clusters, requests, (instances, request) => {
        const answer = place(request, instances);
        if ('instance' in answer) return;
        const active = instances.filter((instance) => isCandidate(instance, request));
        const counts = new Map<string, number>();
        for (const instance of active) {
          const reason = obstacle(instance, request) as string;
          counts.set(reason, (counts.get(reason) ?? 0) + 1);
        }
        const told = new Map(answer.refusedBy.map((reason, index) => [reason as string, answer.refusedCounts[index]]));
        assert.equal(told.size, counts.size);
        for (const [reason, count] of counts) assert.equal(told.get(reason), count, reason);
        const closest = instances.find(({ ec2InstanceId }) => ec2InstanceId === answer.closest);
        if (closest === undefined) {
          assert.equal(active.length, 0);
          const { capacityProvider: wanted } = request;
          const members = instances.filter((item) => wanted === undefined || item.capacityProvider === wanted);
          if (instances.length === 0 && wanted === undefined)
            assert.equal(answer.reason, 'No Container Instances were found in your cluster.');
          else assert.equal(answer.reason, members.length > 0 ? 'NO ACTIVE INSTANCES' : 'EMPTY CAPACITY PROVIDER');
          return;
        }
        assert.equal(answer.reason, obstacle(closest, request));
        assert.match(answer.lack ?? '', /\w/);
        // Nobody else with the same obstacle has more of what is missing.
        const amount = ({ remaining }: ContainerInstance) =>
          ({
            'RESOURCE:CPU': remaining.cpuUnits,
            'RESOURCE:MEMORY': remaining.memoryMiB,
            'RESOURCE:ENI': remaining.enis,
          })[answer.reason as string] ?? 0;
        for (const instance of active)
          if (obstacle(instance, request) === answer.reason) assert.equal(amount(instance) <= amount(closest), true);
      }),
      { numRuns: 500 },
    ));

  /** Places `count` tasks one after the other; stops when there is no place. */
  function fill(request: PlacementRequest, instances: readonly ContainerInstance[], count: number): number {
    for (let placed = 0; placed < count; placed++) {
      const answer = place(request, instances);
      if (!('instance' in answer)) return placed;
      occupy(answer.instance, { demand: request.demand });
    }
    return count;
  }

  test('spread differs by at most one where there is room: over zones, and within each over instances', () =>
    fc.assert(
      fc.property(emptyClusters, fc.integer({ min: 1, max: 40 }), (drawn, count) => {
        const instances = thaw(drawn);
        assert.equal(fill(requestOf({}), instances, count), count);
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
      { numRuns: 200 },
    ));

  test('binpack opens an instance only when no used one has room', () =>
    fc.assert(
      fc.property(emptyClusters, fc.integer({ min: 1, max: 30 }), demands, (drawn, count, demand) => {
        const instances = thaw(drawn);
        const request = requestOf({ demand, strategies: [{ type: 'binpack', field: 'memory' }] });
        for (let placed = 0; placed < count; placed++) {
          const used = instances.filter((instance) => ours(instance) > 0);
          const usedWithRoom = used.filter((instance) => mayTake(instance, request));
          const answer = place(request, instances);
          if (!('instance' in answer)) return;
          if (usedWithRoom.length > 0) assert.equal(ours(answer.instance) > 0, true);
          occupy(answer.instance, { demand });
        }
      }),
      { numRuns: 200 },
    ));

  test('random reaches every instance that may take the task, and no other; so does a tie that chance breaks', () =>
    fc.assert(
      fc.property(clusters, (instances) => {
        const random = prepare(requestOf({ strategies: [{ type: 'random' }] }), plain);
        const seeded = prepare(requestOf({ strategies: [] }), { ...plain, tieBreak: 'seeded' });
        for (const prepared of [random, seeded]) {
          const reached = new Set<unknown>();
          for (let key = 0; key < 300; key++) {
            const answer = scanForPlace(prepared, instances, keyedRng(1).at('placement', key));
            if ('instance' in answer) reached.add(answer.instance);
          }
          const able = instances.filter((instance) => mayTake(instance, prepared.request));
          assert.deepEqual(reached.size, able.length);
        }
      }),
      { numRuns: 50 },
    ));
});

/** What can happen to a cluster between two placements. */
const happenings = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('place' as const), request: fc.nat(), key: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('stop' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disconnect' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('return' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('join' as const), zone: fc.constantFrom('us-east-1a', 'us-east-1b') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('much' as const), asking: fc.boolean() }) },
);

describe('the index', () => {
  test('index == scan, reasons included: whatever happens to the cluster, for every request and in every mood', () =>
    fc.assert(
      fc.property(
        clusters,
        fc
          .array(requestsOf(anyRule), { minLength: 1, maxLength: 3 })
          .map((drawn) => drawn.flatMap((request) => [request, { ...request, group: OTHER_GROUP }])),
        rules,
        fc.array(happenings, { maxLength: 40 }),
        (drawn, wanted, assumptions, story) => {
          const journal = newPlacementJournal();
          const containerInstances = new Map(thaw(drawn).map((instance) => [instance.ec2InstanceId, instance]));
          const cluster = { containerInstances, placementJournal: journal };
          const cameOrWent = ({ ec2InstanceId }: ContainerInstance) => noteMembership(journal, ec2InstanceId);
          const placed: { instance: ContainerInstance; request: PlacementRequest }[] = [];
          let joined = 100;
          const one = (which: number) => Array.from(containerInstances.values())[which % containerInstances.size];
          const both = (request: PlacementRequest, key: number) => {
            const chance = () => keyedRng(1).at('placement', key);
            const scanned = scanForPlace(prepare(request, assumptions), containerInstances.values(), chance());
            assert.deepEqual(findInIndex(cluster, request, assumptions, chance()), scanned);
            return scanned;
          };
          for (const step of story) {
            switch (step.kind) {
              case 'place': {
                const request = wanted[step.request % wanted.length] as PlacementRequest;
                const answer = both(request, step.key);
                if (!('instance' in answer)) break;
                take(answer.instance, request, 1);
                noteChange(journal, answer.instance, request.group);
                placed.push({ instance: answer.instance, request });
                break;
              }
              case 'stop': {
                const [task] = placed.splice(step.which % Math.max(1, placed.length), 1);
                if (task === undefined || !containerInstances.has(task.instance.ec2InstanceId)) break;
                take(task.instance, task.request, -1);
                noteChange(journal, task.instance, task.request.group);
                break;
              }
              case 'drain':
              case 'disconnect':
              case 'leave': {
                const instance = one(step.which);
                if (instance === undefined) break;
                if (step.kind === 'drain') instance.status = 'DRAINING';
                else if (step.kind === 'disconnect') instance.agentConnected = !instance.agentConnected;
                else containerInstances.delete(instance.ec2InstanceId);
                if (step.kind === 'leave') cameOrWent(instance);
                else noteChange(journal, instance);
                break;
              }
              case 'return': {
                // The same id again, as another instance: what was settled about the one before holds no more.
                const instance = one(step.which);
                if (instance === undefined) break;
                const zone = instance.availabilityZone === 'us-east-1a' ? 'us-east-1b' : 'us-east-1a';
                const { ec2InstanceId } = instance;
                containerInstances.delete(ec2InstanceId);
                containerInstances.set(ec2InstanceId, { ...emptyInstance(joined++, zone), ec2InstanceId });
                cameOrWent(instance);
                break;
              }
              case 'join': {
                const instance = emptyInstance(joined++, step.zone);
                containerInstances.set(instance.ec2InstanceId, instance);
                cameOrWent(instance);
                break;
              }
              case 'much': {
                // More changes than the journal holds: the index must notice, and begin anew. Or it is asked meanwhile, and those
                // who do not ask are more changes behind than it remembers.
                const instance = one(0);
                if (instance === undefined) break;
                for (let time = 0; time < 1_100; time++) {
                  noteChange(journal, instance);
                  if (step.asking && time % 500 === 0) both(wanted[0] as PlacementRequest, time);
                }
              }
            }
          }
          for (const [key, request] of wanted.entries()) both(request, key);
        },
      ),
      { numRuns: 300 },
    ));

  /** A placement, or with -1 its end. */
  function take(instance: ContainerInstance, { group, demand }: PlacementRequest, sign: 1 | -1): void {
    const { remaining } = instance;
    remaining.cpuUnits -= sign * demand.cpuUnits;
    remaining.memoryMiB -= sign * demand.memoryMiB;
    remaining.gpuCount -= sign * demand.gpuCount;
    remaining.enis -= sign * demand.enis;
    for (const port of hostPorts(demand))
      if (sign === 1) instance.ports.set(port, true);
      else instance.ports.delete(port);
    const count = (instance.taskGroups.get(group) ?? 0) + sign;
    if (count <= 0) instance.taskGroups.delete(group);
    else instance.taskGroups.set(group, count);
    instance.runningTasksCount += sign;
    // A part of them runs.
    instance.runningGroups.set(group, Math.floor(count / 2));
  }

  test('a cluster that grows to more instances than the index remembers changes gets the answers of a scan', () => {
    const containerInstances = new Map<string, ContainerInstance>();
    const cluster = { containerInstances, placementJournal: newPlacementJournal() };
    const often = requestOf({});
    const seldom = requestOf({ group: OTHER_GROUP });
    for (let index = 0; index < 2_500; index++) {
      const instance = emptyInstance(index, index % 3 === 0 ? 'us-east-1a' : 'us-east-1b');
      containerInstances.set(instance.ec2InstanceId, instance);
      noteMembership(cluster.placementJournal, instance.ec2InstanceId);
      const answer = findInIndex(cluster, often, plain, draws());
      if (!('instance' in answer)) continue;
      take(answer.instance, often, 1);
      noteChange(cluster.placementJournal, answer.instance, often.group);
      if (index % 700 !== 0) continue;
      for (const request of [often, seldom])
        assert.deepEqual(
          findInIndex(cluster, request, plain, draws()),
          place(request, Array.from(containerInstances.values())),
        );
    }
  });

  test('tasks of several groups that come to an instance before the index is asked are all counted', () =>
    fc.assert(
      fc.property(
        emptyClusters,
        fc.array(fc.array(fc.record({ where: fc.nat(), group: fc.nat({ max: 2 }) }), { maxLength: 6 })),
        (drawn, batches) => {
          const instances = thaw(drawn);
          const containerInstances = new Map(instances.map((instance) => [instance.ec2InstanceId, instance]));
          const cluster = { containerInstances, placementJournal: newPlacementJournal() };
          const wanted = ['service:a', 'service:b', 'service:c'].map((group) => requestOf({ group }));
          for (const batch of batches) {
            for (const request of wanted)
              assert.deepEqual(findInIndex(cluster, request, plain, draws()), place(request, instances));
            for (const { where, group } of batch) {
              const instance = instances[where % instances.length] as ContainerInstance;
              const request = wanted[group] as PlacementRequest;
              take(instance, request, 1);
              noteChange(cluster.placementJournal, instance, request.group);
            }
          }
        },
      ),
      runs,
    ));

  test('a request that was not asked for longer than there are views gets the answer of a scan again', () =>
    fc.assert(
      fc.property(clusters, (drawn) => {
        const instances = thaw(drawn);
        const containerInstances = new Map(instances.map((instance) => [instance.ec2InstanceId, instance]));
        const cluster = { containerInstances, placementJournal: newPlacementJournal() };
        const wanted = Array.from({ length: 300 }, (_, index) =>
          requestOf({ demand: { ...small, cpuUnits: 32 + index } }),
        );
        for (const request of [...wanted, ...wanted.slice(0, 20)]) {
          assert.deepEqual(findInIndex(cluster, request, plain, draws()), place(request, instances));
          const [first] = instances;
          if (first === undefined) continue;
          first.remaining.cpuUnits++;
          noteChange(cluster.placementJournal, first);
        }
      }),
      { numRuns: 10 },
    ));

  test('a tournament knows the best keys, how many share them level by level, and each of those in their order', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(
          fc.tuple(fc.nat({ max: 70 }), fc.option(fc.array(fc.nat({ max: 3 }), { minLength: 3, maxLength: 3 }))),
        ),
        (levels, changes) => {
          const tournament = new Tournament(levels);
          const model = new Map<number, number[]>();
          for (const [place, drawn] of changes) {
            if (drawn === null) {
              tournament.clear(place);
              model.delete(place);
            } else {
              tournament.set(place, drawn.slice(0, levels));
              model.set(place, drawn.slice(0, levels));
            }
            let best = [...model].toSorted(([a], [b]) => a - b);
            for (let level = 0; level < levels; level++) {
              const least = best.reduce((least, [, keys]) => Math.min(least, keys[level]!), Infinity);
              best = best.filter(([, keys]) => keys[level] === least);
              assert.equal(tournament.key(level), Math.min(least, NOBODY));
              assert.equal(tournament.count(level), best.length);
            }
            for (const [index, [at]] of best.entries()) {
              assert.equal(tournament.at(index), at);
              assert.equal(tournament.countBefore(at), index);
              assert.equal(tournament.countBefore(at + 1), index + 1);
            }
          }
        },
      ),
      { numRuns: 200 },
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
      return {
        taskId: `task-${number}`,
        number,
        running: place % 7 !== 0,
        unhealthy: place % 11 === 0,
        protectedFromScaleIn: place % 13 === 0,
        instance,
        availabilityZone,
      };
    });
  }
  const places = fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 25 });
  const options = (strategies: readonly PlacementStrategyConfig[], tieBreak: 'lexical' | 'seeded' = 'lexical') => ({
    demand: small,
    strategies,
    assumptions: { ...plain, tieBreak },
    draws: draws(),
  });
  const alike = (task: StoppableTask): StoppableTask => ({
    ...task,
    running: true,
    unhealthy: false,
    protectedFromScaleIn: false,
  });

  test('as many as asked for, each once, never a protected one; unhealthy ones first, then those that do not run yet', () =>
    fc.assert(
      fc.property(
        emptyClusters,
        places,
        fc.nat({ max: 30 }),
        fc.array(anyRule, { maxLength: 3 }),
        fc.constantFrom('lexical' as const, 'seeded' as const),
        (instances, on, count, strategies, tieBreak) => {
          const tasks = tasksOn(instances, on);
          const victims = chooseVictims(tasks, count, options(strategies, tieBreak));
          const free = tasks.filter(({ protectedFromScaleIn }) => protectedFromScaleIn !== true);
          assert.equal(victims.length, Math.min(count, free.length));
          assert.equal(new Set(victims).size, victims.length);
          assert.deepEqual(
            victims.filter((task) => !free.includes(task)),
            [],
          );
          const urgency = ({ unhealthy, running }: StoppableTask) => (unhealthy === true ? 0 : 2) + (running ? 1 : 0);
          const order = victims.map(urgency);
          assert.deepEqual(
            order,
            free
              .map(urgency)
              .toSorted((a, b) => a - b)
              .slice(0, count),
          );
        },
      ),
      runs,
    ));

  test('scale-in keeps the spread: no zone that lost a task has fewer left than another had to spare', () =>
    fc.assert(
      fc.property(emptyClusters, places, fc.nat({ max: 20 }), (instances, on, count) => {
        const tasks = tasksOn(instances, on).map(alike);
        const victims = new Set(chooseVictims(tasks, count, options(SERVICE_STRATEGY)));
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

  test('binpack empties the instance that would have the most left, counting those it has chosen already', () =>
    fc.assert(
      fc.property(emptyClusters, places, fc.integer({ min: 1, max: 10 }), (instances, on, count) => {
        const tasks = tasksOn(instances, on).map(alike);
        const victims = chooseVictims(tasks, count, options([{ type: 'binpack', field: 'cpu' }]));
        const room = new Map(tasks.map(({ instance }) => [instance, instance!.remaining.cpuUnits]));
        const left = new Set(tasks);
        for (const victim of victims) {
          const most = Math.max(...Array.from(left, ({ instance }) => room.get(instance)!));
          assert.equal(room.get(victim.instance), most);
          room.set(victim.instance, most + small.cpuUnits);
          left.delete(victim);
        }
      }),
      runs,
    ));
});
