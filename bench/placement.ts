/**
 * Choosing an instance in a cluster that is about half full: each step places a task and stops an older one. The index
 * against the plain scan, at ten to a hundred thousand instances, for each strategy, two chains and both constraints; and for
 * one chain the whole way, through a decision, the log and the world.
 */

import {
  findInIndex,
  newPlacementJournal,
  noteChange,
  placementAssumptions,
  prepare,
  scanForPlace,
  type PlacementInstance,
  type PlacementJournal,
  type PlacementRequest,
} from '../core/ecs/index.ts';
import {
  event,
  keyedRng,
  number,
  numbers,
  Phase,
  Simulation,
  text,
  type EventsOf,
  type Model,
} from '../core/kernel/index.ts';
import { fold, hashOf } from './hash.ts';
import { startWith } from './start.ts';
import type { Bench, Case, Contender } from './suite.ts';

const ZONE = { type: 'spread', field: 'attribute:ecs.availability-zone' } as const;
const CHAINS = {
  'binpack memory': { strategies: [{ type: 'binpack', field: 'memory' }] },
  'binpack cpu': { strategies: [{ type: 'binpack', field: 'cpu' }] },
  'spread zone': { strategies: [ZONE] },
  'spread instanceId': { strategies: [{ type: 'spread', field: 'instanceId' }] },
  random: { strategies: [{ type: 'random' }] },
  'spread zone, spread instanceId': { strategies: [ZONE, { type: 'spread', field: 'instanceId' }] },
  'memberOf, binpack memory': {
    strategies: [{ type: 'binpack', field: 'memory' }],
    constraints: [{ type: 'memberOf', expression: 'attribute:ecs.instance-type =~ m5.*' }],
  },
  'distinctInstance, spread zone': { strategies: [ZONE], constraints: [{ type: 'distinctInstance' }] },
  'spread zone, binpack memory': { strategies: [ZONE, { type: 'binpack', field: 'memory' }] },
  'memberOf, distinctInstance, spread zone, binpack cpu': {
    strategies: [ZONE, { type: 'binpack', field: 'cpu' }],
    constraints: [
      { type: 'memberOf', expression: 'attribute:ecs.instance-type =~ m5.* and runningTasksCount < 20' },
      { type: 'distinctInstance' },
    ],
  },
} as const satisfies Readonly<Record<string, Partial<PlacementRequest>>>;

/** The chain that is also decided, evolved and logged. */
const WHOLE_WAY: keyof typeof CHAINS = 'spread zone, binpack memory';
const SIZES = [10, 100, 1_000, 10_000, 100_000];
/** The scan is timed up to here. */
const MOST_SCANNED = 10_000;
/** Services of different sizes take turns, so that instances come to differ. */
const DEMANDS = [
  { cpuUnits: 128, memoryMiB: 256 },
  { cpuUnits: 256, memoryMiB: 300 },
  { cpuUnits: 64, memoryMiB: 1024 },
  { cpuUnits: 512, memoryMiB: 700 },
].map((demand) => ({ ...demand, gpuCount: 0, tcpPorts: [], udpPorts: [], enis: 0 }));

export const placement: Bench = (smoke) =>
  Object.entries(CHAINS).flatMap(([name, part]) =>
    (smoke ? [10] : SIZES).map((instances): Case => {
      const steps = smoke ? 20 : instances >= MOST_SCANNED ? 200 : 1_000;
      const requests = DEMANDS.map((demand, index): PlacementRequest => ({
        group: `service:${index}`,
        demand,
        requiredAttributes: [],
        zones: undefined,
        constraints: [],
        capacityProvider: undefined,
        ...part,
      }));
      const index = placing('index', requests, instances, steps, true);
      const scan = placing('scan', requests, instances, steps, false);
      const inFull = name === WHOLE_WAY ? [placingInFull(requests, instances, steps)] : [];
      return {
        name: `placement, ${name}, ${instances} instances`,
        amounts: { placements: steps },
        contenders: [index, ...(instances <= MOST_SCANNED ? [scan] : []), ...inFull],
      };
    }),
  );

function placing(
  name: string,
  requests: readonly PlacementRequest[],
  size: number,
  steps: number,
  indexed: boolean,
): Contender {
  return {
    name,
    start() {
      const cluster = clusterOf(size);
      const { containerInstances, placementJournal } = cluster;
      const assumptions = placementAssumptions.parse({});
      const prepared = requests.map((request) => prepare(request, assumptions));
      const rng = keyedRng(1);
      // Where each task runs, and which request it was.
      const hosts: BenchInstance[] = [];
      const asked: number[] = [];
      let step = 0;
      let hash = 0;
      const place = (withIndex: boolean) => {
        const which = step % requests.length;
        const request = requests[which] as PlacementRequest;
        const draws = rng.at('bench.placement', step++);
        const answer = withIndex
          ? findInIndex(cluster, request, assumptions, draws)
          : scanForPlace(prepared[which] as (typeof prepared)[number], containerInstances.values(), draws);
        if ('instance' in answer) {
          for (const left of answer.left) hash = fold(hash, left);
          hash = fold(hash, answer.instance.registeredAtMs);
          take(answer.instance, request, 1);
          noteChange(placementJournal, answer.instance, request.group);
          hosts.push(answer.instance);
          asked.push(which);
        } else hash = fold(hash, answer.refusedCounts.length);
      };
      // Three tasks to an instance before the clock runs; which way they are placed changes nothing.
      for (let task = 0; task < 3 * size; task++) place(true);
      return {
        run() {
          for (let turn = 0; turn < steps; turn++) {
            place(indexed);
            if (hosts.length === 0) continue;
            const task = (step * 7_919) % hosts.length;
            const host = hosts[task] as BenchInstance;
            const request = requests[asked[task] as number] as PlacementRequest;
            take(host, request, -1);
            noteChange(placementJournal, host, request.group);
            hosts[task] = hosts[hosts.length - 1] as BenchInstance;
            asked[task] = asked[asked.length - 1] as number;
            hosts.pop();
            asked.pop();
          }
        },
        hash: () => hashOf(hash),
      };
    },
  };
}

interface World {
  readonly containerInstances: Map<string, BenchInstance>;
  readonly placementJournal: PlacementJournal;
  /** Where each task runs, and which request it was. */
  readonly placed: { readonly id: string; readonly request: number }[];
  hash: number;
}
type Command =
  { readonly type: 'PlaceTask'; readonly step: number } | { readonly type: 'StopTask'; readonly step: number };
const events = {
  TaskPlaced: event('A task got an instance.', {
    request: number('which it was'),
    ec2InstanceId: text('the instance'),
    left: numbers('instances left after each step'),
    scores: numbers('how it scored by each strategy'),
  }),
  TaskRefused: event('No instance may take the task.', { reasons: number('how many reasons there are') }),
  TaskStopped: event('A task is gone.', { place: number('its place among those placed') }),
} as const;
type Happened = EventsOf<typeof events>;

/** The same as `placing` with the index, as commands of a simulation. */
function placingInFull(requests: readonly PlacementRequest[], size: number, steps: number): Contender {
  const assumptions = placementAssumptions.parse({});
  const model: Model<World, Command, Happened> = {
    events,
    decide: {
      PlaceTask({ step }, { world, rng }) {
        const request = step % requests.length;
        const wanted = requests[request] as PlacementRequest;
        const answer = findInIndex(world, wanted, assumptions, rng.at('bench.placement', step));
        if (!('instance' in answer)) return [{ type: 'TaskRefused', reasons: answer.refusedCounts.length }];
        const { left, scores, instance } = answer;
        return [{ type: 'TaskPlaced', request, ec2InstanceId: instance.ec2InstanceId, left, scores }];
      },
      StopTask: ({ step }, { world }) =>
        world.placed.length === 0 ? [] : [{ type: 'TaskStopped', place: (step * 7_919) % world.placed.length }],
    },
    evolve: {
      TaskPlaced(world, { request, ec2InstanceId, left }) {
        const instance = world.containerInstances.get(ec2InstanceId) as BenchInstance;
        for (const count of left) world.hash = fold(world.hash, count);
        world.hash = fold(world.hash, instance.registeredAtMs);
        const placed = requests[request] as PlacementRequest;
        take(instance, placed, 1);
        noteChange(world.placementJournal, instance, placed.group);
        world.placed.push({ id: ec2InstanceId, request });
      },
      TaskRefused(world, { reasons }) {
        world.hash = fold(world.hash, reasons);
      },
      TaskStopped(world, { place }) {
        const { id, request } = world.placed[place] as World['placed'][number];
        world.placed[place] = world.placed[world.placed.length - 1] as World['placed'][number];
        world.placed.pop();
        const instance = world.containerInstances.get(id) as BenchInstance;
        const stopped = requests[request] as PlacementRequest;
        take(instance, stopped, -1);
        noteChange(world.placementJournal, instance, stopped.group);
      },
    },
    phases: { PlaceTask: Phase.Execute, StopTask: Phase.Execute },
    controllers: [],
  };
  return {
    name: 'index, decided, evolved, logged',
    start() {
      const world: World = { ...clusterOf(size), placed: [], hash: 0 };
      const simulation = new Simulation(model, 1, startWith<World, Command>(world, []), { keepSegments: 1 });
      let step = 0;
      for (; step < 3 * size; step++) simulation.submit(simulation.nowMs, { type: 'PlaceTask', step });
      simulation.runUntil(simulation.nowMs);
      return {
        run() {
          for (let turn = 0; turn < steps; turn++) {
            simulation.submit(simulation.nowMs, { type: 'PlaceTask', step: step++ });
            simulation.submit(simulation.nowMs, { type: 'StopTask', step });
          }
          simulation.runUntil(simulation.nowMs + 1);
        },
        hash: () => hashOf(simulation.world.hash),
      };
    },
  };
}

type BenchInstance = PlacementInstance & {
  readonly remaining: { cpuUnits: number; memoryMiB: number };
  readonly taskGroups: Map<string, number>;
  runningTasksCount: number;
};

function take(instance: BenchInstance, { group, demand }: PlacementRequest, sign: 1 | -1): void {
  instance.remaining.cpuUnits -= sign * demand.cpuUnits;
  instance.remaining.memoryMiB -= sign * demand.memoryMiB;
  const count = (instance.taskGroups.get(group) ?? 0) + sign;
  if (count === 0) instance.taskGroups.delete(group);
  else instance.taskGroups.set(group, count);
  instance.runningTasksCount += sign;
}

function clusterOf(size: number) {
  const containerInstances = new Map<string, BenchInstance>();
  // What never changes is there once: ten thousand of each would be a benchmark of the processor's cache.
  const none = new Map<string, never>();
  const attributesOf = new Map<string, ReadonlyMap<string, string>>();
  for (let index = 0; index < size; index++) {
    const large = index % 4 === 0;
    const ec2InstanceId = `i-${index.toString(16).padStart(17, '0')}`;
    const availabilityZone = `us-east-1${'abc'[index % 3]}`;
    const instanceType = index % 5 === 0 ? 'c5.xlarge' : 'm5.large';
    const kind = `${availabilityZone} ${instanceType}`;
    const attributes =
      attributesOf.get(kind) ??
      new Map([
        ['ecs.availability-zone', availabilityZone],
        ['ecs.instance-type', instanceType],
      ]);
    attributesOf.set(kind, attributes);
    containerInstances.set(ec2InstanceId, {
      ec2InstanceId,
      ordinal: index,
      instanceType,
      availabilityZone,
      capacityProvider: undefined,
      registeredAtMs: index,
      status: 'ACTIVE',
      agentConnected: true,
      agentVersion: '1.99.1',
      remaining: { cpuUnits: large ? 4_096 : 2_048, memoryMiB: large ? 15_589 : 7_633, gpuCount: 0, enis: 2 },
      ports: none,
      attributes,
      missingCapabilities: [],
      taskGroups: new Map(),
      runningTasksCount: 0,
      runningGroups: none,
    });
  }
  return { containerInstances, placementJournal: newPlacementJournal() };
}
