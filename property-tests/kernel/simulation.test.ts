import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { enableMapSet, produce } from 'immer';
import { map, mergeMap } from 'rxjs';
import {
  BrokenInvariantError,
  Digest,
  event,
  numbers,
  Phase,
  replay,
  Simulation,
  thaw,
  type Controller,
  type EventsOf,
  type Model,
  type Recorded,
} from '../../core/kernel/index.ts';
import { given } from '../given.ts';
import {
  begin,
  fromText,
  longPlan,
  MEASURE_MS,
  plans,
  run,
  startOf,
  toText,
  toy,
  toyWorld,
  type ToyCommand,
  type ToyEvent,
  type ToyModel,
  type ToyPlan,
  type ToySimulation,
  type ToyWorld,
} from './toy.ts';

enableMapSet();
const runs = { numRuns: 1_000 };
type ToyController = Controller<ToyWorld, ToyEvent, ToyCommand>;

/** Two runs are the same when their logs are, event by event, and their digests, worlds (Maps in order) and calendars. */
function assertSame(actual: ToySimulation, expected: ToySimulation): void {
  const from = actual.log.keptFrom;
  assert.deepEqual([...actual.log], [...expected.log].slice(from - expected.log.keptFrom));
  assert.equal(actual.log.digest(), expected.log.digest());
  assert.equal(toText(actual.world), toText(expected.world));
  assert.deepEqual(actual.checkpoint(), expected.checkpoint());
}

test('replay == live: the log, written into a fresh start world, gives the world of the run', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      const { log, world } = run(plan);
      const replayed = toyWorld(plan.benches);
      replay(replayed, toy.evolve, log, 0, log.length);
      assert.deepEqual(replayed, world);
      assert.equal(toText(replayed), toText(world));
    }),
    runs,
  ));

test('one evolve serves twice: raw, and inside one immer produce, it gives the same world', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      const { log, world } = run(plan);
      const start = toyWorld(plan.benches);
      const drafted = produce(start, (draft) => replay(draft as ToyWorld, toy.evolve, log, 0, log.length));
      assert.deepEqual(drafted, world);
      assert.equal(toText(drafted), toText(world));
      assert.deepEqual(start, toyWorld(plan.benches));
    }),
    runs,
  ));

test('the same seed tells the same story; another seed another', () => {
  let others = 0;
  let told = 0;
  fc.assert(
    fc.property(plans, fc.maxSafeNat(), (plan, seed) => {
      const first = run(plan);
      assertSame(run(plan), first);
      if (first.world.ordered === 0 || seed === plan.seed) return;
      told++;
      if (run({ ...plan, seed }).log.digest() !== first.log.digest()) others++;
    }),
    runs,
  );
  assert.ok(told > 500 && others > 0.99 * told, `${others} of ${told} stories differ`);
});

test('a run cut after any step, written down as JSON and taken up again, is the uninterrupted one', () =>
  fc.assert(
    fc.property(plans, fc.nat({ max: 150 }), (plan, steps) => {
      const whole = run(plan);
      const cut = begin(plan);
      // As `runUntil` would, but it may stop in the middle of an instant.
      for (let step = 0; step < steps && (cut.checkpoint().pending[0]?.atMs ?? Infinity) <= plan.endMs; step++)
        cut.step();
      const written = toText(cut.checkpoint());
      const next = new Simulation(toy, plan.seed, fromText(written));
      assert.equal(toText(next.checkpoint()), written);
      next.runUntil(plan.endMs);
      assertSame(next, whole);
    }),
    runs,
  ));

test('a run cut at any instants, each part from the checkpoint of the one before, is the uninterrupted one', () =>
  fc.assert(
    fc.property(plans, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }), (plan, parts) => {
      const whole = run(plan);
      const events: Recorded<ToyEvent>[] = [];
      let simulation = begin(plan);
      for (const part of parts.toSorted((a, b) => a - b)) {
        simulation.runUntil(plan.startMs + Math.floor(part * (plan.endMs - plan.startMs)));
        events.push(...simulation.log);
        simulation = new Simulation(toy, plan.seed, simulation.checkpoint());
      }
      simulation.runUntil(plan.endMs);
      events.push(...simulation.log);
      assertSame(simulation, whole);
      assert.deepEqual(events, [...whole.log]);
    }),
    runs,
  ));

test('a long run cut at any instant is the uninterrupted one', () => {
  const plan = longPlan(3);
  const whole = run(plan);
  assert.ok(whole.log.length > 10_000);
  fc.assert(
    fc.property(fc.nat({ max: plan.endMs }), (cutMs) => {
      const cut = begin(plan);
      cut.runUntil(cutMs);
      const next = new Simulation(toy, plan.seed, fromText(toText(cut.checkpoint())));
      next.runUntil(plan.endMs);
      assertSame(next, whole);
    }),
    { numRuns: 10 },
  );
});

test('a checkpoint shares nothing with its run: the run goes on and the checkpoint stays as it was, and the reverse', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      const simulation = begin(plan);
      simulation.runUntil(Math.floor((plan.startMs + plan.endMs) / 2));
      const checkpoint = simulation.checkpoint();
      const written = toText(checkpoint);
      simulation.runUntil(plan.endMs);
      assert.equal(toText(checkpoint), written);
      new Simulation(toy, plan.seed, checkpoint).runUntil(plan.endMs);
      assert.equal(toText(checkpoint), written);
      assertSame(simulation, run(plan));
    }),
    runs,
  ));

test('many small hops are one large one', () =>
  fc.assert(
    fc.property(plans, fc.array(fc.nat({ max: 3_000 }), { minLength: 1, maxLength: 30, size: 'max' }), (plan, hops) => {
      const hopping = begin(plan);
      for (const hopMs of hops) hopping.runUntil(Math.min(hopping.nowMs + hopMs, plan.endMs));
      hopping.runUntil(plan.endMs);
      assert.equal(hopping.nowMs, plan.endMs);
      assertSame(hopping, run(plan));
    }),
    runs,
  ));

test('runUntil carries out everything due up to and including its instant, and nothing after', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      const simulation = run(plan);
      for (const { atMs } of simulation.log) assert.ok(atMs <= plan.endMs);
      for (const { atMs } of simulation.checkpoint().pending) assert.ok(atMs > plan.endMs);
    }),
    runs,
  ));

test('the clock never runs back, sequence numbers have no gaps, causes come before what they cause', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      let lastMs = plan.startMs;
      const { log } = run(plan);
      for (const [seq, recorded] of [...log].entries()) {
        assert.equal(recorded.seq, seq);
        assert.ok(recorded.atMs >= lastMs);
        assert.ok(recorded.causedBy >= -1 && recorded.causedBy < seq);
        if (recorded.causedBy >= 0) assert.ok(log.at(recorded.causedBy).atMs <= recorded.atMs);
        lastMs = recorded.atMs;
      }
    }),
    runs,
  ));

test('the cause of an event is the event whose controller asked for it', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      const { log } = run(plan);
      for (const { event: item, causedBy } of log) {
        const cause = causedBy === -1 ? undefined : log.at(causedBy).event;
        if (item.type === 'JobFinished')
          assert.ok(cause?.type === 'JobStarted' && cause.jobId === item.jobId, `${item.jobId} finished`);
        else if (item.type === 'BenchRepaired')
          assert.ok(cause?.type === 'BenchBroken' && cause.benchId === item.benchId, `${item.benchId} repaired`);
        else if (item.type === 'JobOrdered') assert.equal(cause, undefined);
      }
    }),
    runs,
  ));

test('what is submitted for the past, or between two milliseconds, is refused and changes nothing', () =>
  fc.assert(
    fc.property(plans, fc.integer({ min: 1, max: 1e6 }), (plan, agoMs) => {
      const simulation = run(plan);
      const before = toText(simulation.checkpoint());
      for (const atMs of [plan.endMs - agoMs, plan.endMs + 0.5, Number.NaN, Number.POSITIVE_INFINITY])
        assert.throws(() => simulation.submit(atMs, { type: 'MeasureShop' }), RangeError);
      assert.throws(() => simulation.runUntil(plan.endMs - agoMs), RangeError);
      assert.equal(toText(simulation.checkpoint()), before);
      simulation.submit(plan.endMs, { type: 'MeasureShop' });
      simulation.runUntil(plan.endMs);
      assert.equal(simulation.log.at(simulation.log.length - 1).event.type, 'ShopMeasured');
    }),
    runs,
  ));

const twice =
  (controller: ToyController): ToyController =>
  (events, world) =>
    controller(events, world).pipe(mergeMap((due) => [due, due]));

test('a stale command leaves no event: whoever asks twice to finish, break and repair gets the same log', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const [work, start, measure] = toy.controllers as [ToyController, ToyController, ToyController];
      const doubled = begin(plan, {}, { ...toy, controllers: [twice(work), start, measure] });
      doubled.runUntil(plan.endMs);
      const once = run(plan);
      assert.deepEqual([...doubled.log], [...once.log]);
      assert.equal(doubled.log.digest(), once.log.digest());
    }),
    runs,
  );
});

test('a command for what is gone leaves no event and no trace in the world', () =>
  fc.assert(
    fc.property(plans, fc.nat({ max: 30 }), (plan, job) => {
      const simulation = run(plan);
      const digest = simulation.log.digest();
      const world = toText(simulation.world);
      const jobId = `job-${simulation.world.ordered + job}`;
      simulation.submit(plan.endMs, { type: 'StartJob', jobId });
      simulation.submit(plan.endMs, { type: 'FinishJob', jobId, attempt: 1 });
      simulation.submit(plan.endMs, { type: 'BreakBench', benchId: 'bench-99' });
      simulation.runUntil(plan.endMs);
      assert.equal(simulation.log.digest(), digest);
      assert.equal(toText(simulation.world), world);
    }),
    runs,
  ));

test('commands due at one instant are carried out in the order of their phases, then as they arrived', () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.nat({ max: 3 }),
          fc.constantFrom('StartJob', 'FinishJob', 'BreakBench', 'RepairBench', 'OrderJobs'),
        ),
        { maxLength: 40, size: 'max' },
      ),
      (asked) => {
        // None of them finds anything to do, so nothing but their order is left.
        const commands = asked.map(([atMs, type], index) => ({
          atMs,
          index,
          command: {
            type,
            jobId: `none-${index}`,
            benchId: `none-${index}`,
            attempt: 0,
            count: 0,
            urgent: false,
          } as ToyCommand,
        }));
        const carriedOut: unknown[] = [];
        const listen =
          (decide: (command: never, context: never) => readonly ToyEvent[]) =>
          (command: ToyCommand, context: { nowMs: number }) => {
            carriedOut.push([context.nowMs, command]);
            return decide(command as never, context as never);
          };
        const decide = Object.fromEntries(Object.entries(toy.decide).map(([type, answer]) => [type, listen(answer)]));
        const model = { ...toy, decide: decide as unknown as ToyModel['decide'] };
        const simulation = new Simulation(model, 1, { ...startOf(empty), pending: [] });
        for (const { atMs, command } of commands) simulation.submit(atMs, command);
        while (simulation.step());
        const sorted = commands.toSorted(
          (a, b) => a.atMs - b.atMs || toy.phases[a.command.type] - toy.phases[b.command.type] || a.index - b.index,
        );
        assert.deepEqual(
          carriedOut,
          sorted.map(({ atMs, command }) => [atMs, command]),
        );
        assert.equal(simulation.log.length, 0);
      },
    ),
    runs,
  ));

const empty: ToyPlan = { seed: 1, startMs: 0, endMs: 0, benches: 1, commands: [] };

test('controllers hear the events of one decision once all of them are written', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      const watching: ToyController = (events, world) =>
        events.on('JobFinished').pipe(
          map(({ seq, atMs, event: { jobId } }) => {
            assert.ok(!world.jobs.has(jobId));
            const freed = simulation.log.at(seq + 1).event;
            assert.ok(freed.type === 'BenchFreed' && world.benches.get(freed.benchId)?.jobId === null);
            return { atMs, command: { type: 'StartJob', jobId } } as const;
          }),
        );
      const simulation = begin(plan, {}, { ...toy, controllers: [watching, ...toy.controllers] });
      simulation.runUntil(plan.endMs);
      assert.equal(simulation.log.digest(), run(plan).log.digest());
    }),
    runs,
  ));

test('`check` sees every event with the world right after it, and stops the run by throwing', () =>
  fc.assert(
    fc.property(plans, fc.nat({ max: 60 }), (plan, stop) => {
      const seen: number[] = [];
      const simulation = begin(plan, {
        check: (world, { seq, event: item }) => {
          seen.push(seq);
          if (item.type === 'JobStarted') assert.equal(world.jobs.get(item.jobId)?.benchId, item.benchId);
          if (seq === stop) throw new BrokenInvariantError(`after event ${seq}: enough`);
        },
      });
      if (run(plan).log.length <= stop) simulation.runUntil(plan.endMs);
      else assert.throws(() => simulation.runUntil(plan.endMs), /^BrokenInvariantError: after event \d+: enough$/);
      assert.deepEqual(
        seen,
        [...simulation.log].map(({ seq }) => seq),
      );
    }),
    runs,
  ));

/** A model whose writer is careless: it keeps the event's own list in the world and changes it there. */
const careless = { Listed: event('A list.', { values: numbers('some') }) } as const;
type Careless = EventsOf<typeof careless>;
type List = { readonly type: 'List'; readonly values: readonly number[] };
const carelessModel: Model<{ values: number[] }, List, Careless> = {
  events: careless,
  decide: { List: ({ values }) => [{ type: 'Listed', values }] },
  evolve: {
    Listed(world, { values }) {
      world.values = values as number[];
      world.values.push(99);
    },
  },
  phases: { List: Phase.Plan },
  controllers: [],
};

test('the log holds what was decided, whatever the writer does with the event afterwards', () => {
  const log = { seq: 0, digest: new Digest().state() };
  const pending = [{ atMs: 0, phase: Phase.Plan, command: { type: 'List', values: [1, 2] }, causedBy: -1 }] as const;
  const simulation = new Simulation(carelessModel, 1, { atMs: 0, world: { values: [] }, pending, log });
  simulation.runUntil(0);
  assert.deepEqual(simulation.log.at(0).event, { type: 'Listed', values: [1, 2] });
});

test('an event that the log refuses stops the run before it is written into the world', () => {
  const log = { seq: 0, digest: new Digest().state() };
  const simulation = new Simulation(carelessModel, 1, { atMs: 0, world: { values: [] }, pending: [], log });
  simulation.submit(0, { type: 'List', values: [Number.NaN] });
  assert.throws(() => simulation.step(), /^BrokenInvariantError: event Listed: values must hold finite numbers only/);
  assert.deepEqual(simulation.world, { values: [] });
});

test('thaw copies objects, arrays and Maps all the way down', () =>
  fc.assert(
    fc.property(
      fc.letrec((tie) => ({
        any: fc.oneof(
          { maxDepth: 4 },
          fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constantFrom(null, undefined)),
          fc.array(tie('any')),
          fc.dictionary(
            fc.string().filter((key) => key !== '__proto__'),
            tie('any'),
            { noNullPrototype: true },
          ),
          fc.array(fc.tuple(fc.string(), tie('any'))).map((pairs) => new Map(pairs)),
        ),
      })).any,
      (value) => {
        const copy = thaw(value);
        assert.deepEqual(copy, value);
        assertApart(copy, value);
      },
    ),
    runs,
  ));

function assertApart(a: unknown, b: unknown): void {
  if (typeof a !== 'object' || a === null) return;
  assert.notEqual(a, b);
  if (a instanceof Map) for (const [key, item] of a) assertApart(item, (b as typeof a).get(key));
  else for (const [key, item] of Object.entries(a)) assertApart(item, (b as Record<string, unknown>)[key]);
}

test('given, when, then: one decision at a time', () => {
  const ordered: ToyEvent = {
    type: 'JobOrdered',
    jobId: 'job-0',
    number: 0,
    urgent: true,
    pieces: [600, 400],
    labels: [],
    options: { colour: null, parts: [] },
  };
  const started: ToyEvent = { type: 'JobStarted', jobId: 'job-0', benchId: 'bench-0', attempt: 1, endsAtMs: 1_500 };
  const shop = { ...toy, world: toyWorld(1), seed: 4 };

  given([ordered], shop).when({ type: 'StartJob', jobId: 'job-0' }, 500).then([started]);
  given([ordered, started], shop).when({ type: 'StartJob', jobId: 'job-0' }).thenNothing();
  given([ordered, [500, started]], shop)
    .when({ type: 'FinishJob', jobId: 'job-0', attempt: 1 }, 1_501)
    .then([
      { type: 'JobFinished', jobId: 'job-0', late: true },
      { type: 'BenchFreed', benchId: 'bench-0' },
    ]);
  given([ordered, started], shop).when({ type: 'FinishJob', jobId: 'job-0', attempt: 2 }).thenNothing();
  given([started], { ...shop, evolve: { ...toy.evolve, JobStarted: () => undefined } })
    .when({ type: 'RepairBench', benchId: 'bench-0' })
    .thenNothing();
  given<ToyWorld, ToyCommand, ToyEvent>([], { ...shop, decide: { ...toy.decide, MeasureShop: fails } })
    .when({ type: 'MeasureShop' }, MEASURE_MS)
    .thenThrows(/^RangeError: no scales$/);
  assert.deepEqual(shop.world, toyWorld(1));
  assert.throws(
    () => given([ordered], shop).when({ type: 'StartJob', jobId: 'job-0' }).then([]),
    assert.AssertionError,
  );
});

function fails(): never {
  throw new RangeError('no scales');
}
