import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { enableMapSet, produce } from 'immer';
import { createInvariants } from '../core/invariants.ts';
import { EventLog, replay, thaw, Timeline, type Recorded } from '../core/kernel/index.ts';
import { scenarioProblems, scenarioSchema, type Scenario } from '../core/scenario.ts';
import { simulate, startOf, type EcsCheckpoint, type EcsSimulation } from '../core/simulate.ts';
import { createModel, eventDefinitions, type Event, type World } from '../core/world.ts';
import { Simulation } from '../core/kernel/index.ts';
import { endOf, quietScenario, scenarioInputs, scenarios } from './arbitraries.ts';

enableMapSet();

type LoadServed = Extract<Event, { type: 'LoadServed' }>;

const model = createModel();
/** A voyage of some hours takes 20 to 100 ms. */
const runs = { numRuns: 30 };
const fewRuns = { numRuns: 15 };

function sail(scenario: Scenario, seed = scenario.seed): EcsSimulation {
  const simulation = simulate(scenario, { seed });
  simulation.runUntil(endOf(scenario));
  return simulation;
}

/** Where in the run, from its start to its end. */
const moments = fc.double({ min: 0, max: 1, noNaN: true });

function momentOf({ start, duration }: Scenario, moment: number): number {
  return start + Math.floor(moment * duration);
}

/** As people would store it: Maps and `undefined` have no JSON of their own. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (item instanceof Map) return { $map: [...item] };
    return item === undefined ? { $undefined: true } : item;
  });
}

function fromJson(text: string): unknown {
  return revived(JSON.parse(text));
}

/** Not a reviver for JSON.parse: that one deletes what it answers `undefined` for. */
function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(revived);
  if ('$undefined' in value) return undefined;
  if ('$map' in value) return new Map((value.$map as [string, unknown][]).map(([key, item]) => [key, revived(item)]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revived(item)]));
}

test('every drawn scenario is valid, also once it has been written down', () =>
  fc.assert(
    fc.property(scenarioInputs, (input) => {
      const scenario = scenarioSchema.parse(input);
      assert.deepEqual(scenarioProblems(scenario), []);
      assert.deepEqual(scenarioSchema.parse(JSON.parse(JSON.stringify(input))), scenario);
    }),
    { numRuns: 300 },
  ));

test('drawn scenarios meet what they are drawn for', () => {
  const seen = new Set<string>();
  for (const scenario of fc.sample(scenarios, { seed: 2, numRuns: 200 }))
    for (const { event } of sail(scenario).log) seen.add(event.type);
  const ofBranches = ['CapacityProviderUpdated', 'AssumptionsChanged'];
  // What a scenario does not hold itself: rooms/jobs.test.ts draws it.
  const ofRecordedJobs = ['JobQueueCreated', 'JobsSubmitted', 'JobStarted', 'JobsMeasured'];
  for (const type of [...ofBranches, ...ofRecordedJobs]) {
    assert.equal(seen.has(type), false);
    seen.add(type);
  }
  const missing = Object.keys(eventDefinitions).filter((type) => !seen.has(type));
  assert.deepEqual(missing, [], 'event types that no scenario led to');
});

test('replay == live: the log, folded over the start, is the world', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const { log, world } = sail(scenario);
      const folded = thaw(startOf(scenario).world) as World;
      replay(folded, model.evolve, log, 0, log.length);
      assert.deepEqual(folded, world);
    }),
    runs,
  ));

test('one immer produce over the log is the world, and the start stays as it was', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const { log, world } = sail(scenario);
      const start = startOf(scenario).world as World;
      const before = thaw(start);
      const after = produce(start, (draft) => replay(draft as World, model.evolve, log, 0, log.length));
      assert.deepEqual(after, world);
      assert.deepEqual(start, before);
    }),
    fewRuns,
  ));

test('a run that goes on from a checkpoint, also one written as JSON, is the uninterrupted run', () =>
  fc.assert(
    fc.property(scenarios, moments, fc.boolean(), (scenario, moment, written) => {
      const whole = sail(scenario);
      const first = simulate(scenario);
      first.runUntil(momentOf(scenario, moment));
      const taken = first.checkpoint();
      const checkpoint = written ? (fromJson(toJson(taken)) as EcsCheckpoint) : taken;
      const second = new Simulation(model, scenario.seed, checkpoint);
      second.runUntil(endOf(scenario));
      assert.equal(second.log.length, whole.log.length);
      assert.deepEqual([...second.log], [...whole.log].slice(first.log.length));
      assert.equal(second.log.digest(), whole.log.digest());
      assert.deepEqual(second.world, whole.world);
    }),
    runs,
  ));

test('a branch with nothing changed is the original; with a change it is the same until then', () =>
  fc.assert(
    fc.property(scenarios, moments, moments, (scenario, one, other) => {
      const [savedMs, branchMs] = [momentOf(scenario, one), momentOf(scenario, other)];
      const original = simulate(scenario);
      original.runUntil(savedMs);
      const saved = original.checkpoint();
      original.runUntil(endOf(scenario));
      const timeline = new Timeline({
        model,
        seed: scenario.seed,
        checkpoints: [startOf(scenario), saved],
        log: original.log,
      });
      const same = timeline.branch(branchMs);
      assert.deepEqual(same.world, timeline.at(branchMs));
      same.runUntil(endOf(scenario));
      assert.equal(same.log.digest(), original.log.digest());

      const changed = timeline.branch(branchMs);
      const before = changed.log.length;
      changed.submit(branchMs, { type: 'UpdateService', serviceName: 'service-0', desiredCount: 11 });
      changed.runUntil(endOf(scenario));
      assert.equal(changed.log.at(before).event.type, 'ServiceUpdated');
      assert.notEqual(changed.log.digest(), original.log.digest());
    }),
    fewRuns,
  ));

test('the same seed tells the same story, another seed another one', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const digest = sail(scenario).log.digest();
      assert.equal(sail(scenario).log.digest(), digest);
      // Only where something is left to chance: requests arrive independently, at a rate that cannot stay 0.
      const chancy = scenario.load.some(
        ({ arrivals, rate }) => arrivals === 'poisson' && rate.some((part) => 'rate' in part && part.rate > 1),
      );
      if (chancy) assert.notEqual(sail(scenario, scenario.seed + 1).log.digest(), digest);
    }),
    fewRuns,
  ));

test('many hops, and single steps, are one hop', () =>
  fc.assert(
    fc.property(scenarios, fc.array(moments, { maxLength: 30 }), (scenario, hops) => {
      const whole = sail(scenario);
      const hopping = simulate(scenario);
      for (const moment of hops.toSorted((a, b) => a - b)) hopping.runUntil(momentOf(scenario, moment));
      hopping.runUntil(endOf(scenario));
      assert.equal(hopping.log.digest(), whole.log.digest());
      assert.deepEqual(hopping.world, whole.world);
      const stepping = simulate(scenario);
      while (stepping.log.length < whole.log.length) assert.equal(stepping.step(), true);
      assert.equal(stepping.log.digest(), whole.log.digest());
    }),
    fewRuns,
  ));

test('nobody changes an event or the world but evolve, and the invariants hold after every event', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const simulation = simulate(scenario, { check: createInvariants() });
      simulation.runUntil(endOf(scenario));
      assert.equal(simulation.log.digest(), sail(scenario).log.digest());
    }),
    runs,
  ));

test('a log written as JSON keeps its digest', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const { log } = sail(scenario);
      const written = [...log].map((recorded) => JSON.stringify(recorded));
      const again = new EventLog<Event>(eventDefinitions);
      for (const line of written) {
        const { event, atMs, causedBy } = JSON.parse(line) as Recorded<Event>;
        again.append(event, atMs, causedBy);
      }
      assert.equal(again.digest(), log.digest());
    }),
    fewRuns,
  ));

test('every event has a cause before it, at or before its instant, and time never runs back', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const { log } = sail(scenario);
      let lastMs = scenario.start;
      for (const { seq, atMs, causedBy } of log) {
        assert.ok(atMs >= lastMs, `event ${seq} at ${atMs} comes after ${lastMs}`);
        assert.ok(causedBy >= -1 && causedBy < seq, `event ${seq} is caused by ${causedBy}`);
        if (causedBy >= 0) assert.ok(log.at(causedBy).atMs <= atMs, `event ${seq} comes before its cause ${causedBy}`);
        lastMs = atMs;
      }
    }),
    fewRuns,
  ));

test('the invariants notice what they are there for', () => {
  const scenario = scenarioSchema.parse(
    quietScenario({
      cluster: { clusterName: 'demo' },
      autoScalingGroups: [
        { AutoScalingGroupName: 'group', AvailabilityZones: ['a'], MinSize: 1, MaxSize: 1, instanceType: 'm5.large' },
      ],
      taskDefinitions: [
        { family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 256, memory: 256 }] },
      ],
      targetGroups: [{ Name: 'web' }],
      services: [
        {
          serviceName: 'web',
          taskDefinition: 'web',
          desiredCount: 2,
          launchType: 'EC2',
          loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 80 }],
        },
      ],
      load: [{ service: 'web', request: { cpuMs: 1 }, rate: [{ model: 'constant', rate: 5 }] }],
    }),
  );
  const { log, world } = sail(scenario);
  const last = log.at(log.length - 1);
  const broken = (breakIt: (world: World) => void) => {
    const copy = thaw(world) as World;
    breakIt(copy);
    return () => createInvariants()(copy, last);
  };
  const first = <Value>(map: ReadonlyMap<string, Value>): Value => [...map.values()][0] as Value;
  assert.doesNotThrow(broken(() => {}));
  assert.throws(
    broken(({ ecs }) => void first(ecs.services).runningCount++),
    /runningCount of web is 3, expected 2/,
  );
  assert.throws(
    broken(({ ecs }) => void ecs.tasks.delete('task-1')),
    /task-1/,
  );
  assert.throws(
    broken(({ ecs }) => void first(ecs.containerInstances).remaining.cpuUnits--),
    /remaining cpuUnits/,
  );
  assert.throws(
    broken(({ ecs }) => first(ecs.containerInstances).taskGroups.clear()),
    /tasks per group/,
  );
  assert.throws(
    broken(({ ecs }) => void first(ecs.services).zoneCounts.set('b', 1)),
    /tasks per zone/,
  );
  assert.throws(
    broken(({ elb }) => void first(elb.targetGroups).healthyCount++),
    /healthyCount of web/,
  );
  assert.throws(
    broken(({ elb }) => void first(elb.targetGroups).failingCount++),
    /failingCount of web/,
  );
  assert.throws(
    broken(({ elb }) => first(elb.targetGroups).checks.clear()),
    /task-1 of web is healthy and not checked/,
  );
  assert.throws(
    broken(({ ec2 }) => void (first(ec2.groups).desiredCapacity = 7)),
    /desired capacity of group is 7/,
  );
  // A target without a task is forgiven for the instant in which the task went, no longer.
  const check = createInvariants();
  const orphaned = thaw(world) as World;
  first(orphaned.elb.targetGroups).targets.set('task-99', 'unused');
  first(orphaned.elb.targetGroups).zones.set('task-99', 'a');
  check(orphaned, last);
  assert.throws(() => check(orphaned, { ...last, atMs: last.atMs + 1 }), /target task-99 of web is no task/);
  // A request that came and is neither answered, failed nor queued.
  const served = [...log].find(({ event }) => event.type === 'LoadServed') as Recorded<LoadServed>;
  const lossy = { ...served, event: { ...served.event, offered: served.event.offered.map((count) => count + 1) } };
  assert.throws(() => createInvariants()(world, lossy), /requests of web/);
});
