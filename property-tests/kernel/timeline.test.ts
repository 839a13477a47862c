import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { applyPatches, type Immutable, type Patch } from 'immer';
import { replay, Timeline, type EventLog, type Recorded } from '../../core/kernel/index.ts';
import {
  begin,
  longPlan,
  plans,
  run,
  startOf,
  toText,
  toy,
  toyWorld,
  type ToyCheckpoint,
  type ToyCommand,
  type ToyEvent,
  type ToyPlan,
  type ToyWorld,
} from './toy.ts';

const runs = { numRuns: 1_000 };
const fewRuns = { numRuns: 40 };

interface Voyage {
  readonly plan: ToyPlan;
  readonly log: EventLog<ToyEvent>;
  readonly world: Immutable<ToyWorld>;
  readonly timeline: Timeline<ToyWorld, ToyCommand, ToyEvent>;
}

/** The plan's whole run, with checkpoints taken at some instants on the way. */
function voyage(plan: ToyPlan, checkpointsMs: readonly number[] = []): Voyage {
  const simulation = begin(plan);
  const checkpoints: [ToyCheckpoint, ...ToyCheckpoint[]] = [startOf(plan)];
  for (const atMs of checkpointsMs.toSorted((a, b) => a - b)) {
    simulation.runUntil(atMs);
    checkpoints.push(simulation.checkpoint());
  }
  simulation.runUntil(plan.endMs);
  const { log, world } = simulation;
  return { plan, log, world, timeline: new Timeline({ model: toy, seed: plan.seed, checkpoints, log }) };
}

/** The plain way to the world before event `seq`: from the start, without immer. */
function folded({ plan, log }: Voyage, seq: number): ToyWorld {
  const world = toyWorld(plan.benches);
  replay(world, toy.evolve, log, 0, seq);
  return world;
}

/** A plan and some instants of it, its start and end (and just beyond) among them. */
const plansWithInstants = plans.chain((plan) =>
  fc.record({
    plan: fc.constant(plan),
    instants: fc.array(
      fc.oneof(
        fc.integer({ min: plan.startMs - 1, max: plan.endMs + 1 }),
        fc.constantFrom(...plan.commands.map(({ atMs }) => Math.min(atMs, plan.endMs)), plan.startMs),
      ),
      { minLength: 2, maxLength: 5 },
    ),
  }),
);

/** More than two snapshots long. Made once; the laws only look at it. */
const long = voyage(longPlan(8), [500_000, 1_200_000]);

test('at(t) is the fold of the log up to and including t, in whatever order one looks', () => {
  fc.assert(
    fc.property(plansWithInstants, ({ plan, instants }) => {
      const whole = voyage(plan);
      for (const atMs of instants)
        assert.equal(toText(whole.timeline.at(atMs)), toText(folded(whole, whole.log.firstAfter(atMs))));
      assert.deepEqual(whole.timeline.at(plan.endMs), whole.world);
    }),
    runs,
  );
  assert.ok(long.log.length > 2 * 128);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: long.plan.endMs }), (atMs) =>
      assert.equal(toText(long.timeline.at(atMs)), toText(folded(long, long.log.firstAfter(atMs)))),
    ),
    fewRuns,
  );
});

test('after(seq) is the fold up to and including event seq, also at the borders of snapshots', () => {
  fc.assert(
    fc.property(plans, fc.array(fc.nat(), { maxLength: 5 }), (plan, choices) => {
      const whole = voyage(plan);
      for (const choice of choices) {
        const seq = (choice % (whole.log.length + 1)) - 1;
        assert.deepEqual(whole.timeline.after(seq), folded(whole, seq + 1));
      }
    }),
    runs,
  );
  for (const seq of [126, 127, 128, 255, 256, 127, long.log.length - 1, -1])
    assert.deepEqual(long.timeline.after(seq), folded(long, seq + 1));
  for (const seq of [-2, long.log.length])
    assert.throws(() => long.timeline.after(seq), /RangeError: event -?\d+ is not in this timeline/);
});

test('where a log is too long for a snapshot every 128 events, they lie further apart', () => {
  const longer = voyage(longPlan(8, 8));
  assert.ok(longer.log.length > 1.2 * 128 * 512);
  for (const seq of [longer.log.length - 1, 50_000, 50_100, 127, 128, 200])
    assert.deepEqual(longer.timeline.after(seq), folded(longer, seq + 1));
});

test('one instant is one object; equal worlds at two instants are one object too', () =>
  fc.assert(
    fc.property(plansWithInstants, ({ plan, instants: [first, second] }) => {
      const { log, timeline } = voyage(plan);
      const [fromMs, toMs] = [first as number, second as number].toSorted((a, b) => a - b) as [number, number];
      const world = timeline.at(fromMs);
      assert.equal(timeline.at(fromMs), world);
      if (log.firstAfter(fromMs) === log.firstAfter(toMs)) assert.equal(timeline.at(toMs), world);
    }),
    runs,
  ));

const share = ({ log, timeline }: Voyage, fromMs: number, toMs: number) => {
  const [before, after] = [timeline.at(fromMs), timeline.at(toMs)];
  const between = Array.from({ length: log.firstAfter(toMs) - log.firstAfter(fromMs) }, (_, index) =>
    touched(log.at(log.firstAfter(fromMs) + index), log),
  ).flat();
  for (const kind of ['jobs', 'benches'] as const)
    for (const [id, item] of after[kind]) if (!between.includes(id)) assert.equal(item, before[kind].get(id), id);
  if (!between.some((id) => id.startsWith('job-'))) assert.equal(after.jobs, before.jobs);
  if (!between.some((id) => id.startsWith('bench-'))) assert.equal(after.benches, before.benches);
  if (!between.includes('measured')) assert.equal(after.lastMeasured, before.lastMeasured);
};

test('two worlds share what did not change between them: jobs and benches that no event touched are the same objects', () => {
  fc.assert(
    fc.property(plansWithInstants, ({ plan, instants: [first, second] }) =>
      share(voyage(plan), Math.min(first as number, second as number), Math.max(first as number, second as number)),
    ),
    runs,
  );
});

/** What an event writes to: what it names, and the benches that its job has been on. */
function touched({ event }: Recorded<ToyEvent>, log: EventLog<ToyEvent>): string[] {
  if (event.type === 'ShopMeasured') return ['measured'];
  if (!('jobId' in event)) return [event.benchId];
  const { jobId } = event;
  return [
    jobId,
    ...[...log].flatMap(({ event: other }) =>
      other.type === 'JobStarted' && other.jobId === jobId && event.type !== 'JobOrdered' ? [other.benchId] : [],
    ),
  ];
}

test('a world that is shown is frozen all through', () =>
  fc.assert(
    fc.property(plansWithInstants, ({ plan, instants }) => {
      const { timeline } = voyage(plan);
      for (const atMs of instants) {
        const world = timeline.at(atMs) as ToyWorld;
        assert.throws(() => world.jobs.set('job-x', undefined as never), /frozen/);
        assert.throws(() => world.benches.delete('bench-0'), /frozen/);
        assert.throws(() => world.ordered++, TypeError);
        for (const item of [...world.jobs.values(), ...world.benches.values(), world.lastMeasured])
          assert.throws(() => Object.assign(item, { finished: 7, atMs: 7, attempts: 7 }), TypeError);
        for (const { pieces } of world.jobs.values()) assert.throws(() => pieces.push(1), TypeError);
      }
    }),
    runs,
  ));

const patched = ({ timeline }: Voyage, fromMs: number, toMs: number) => {
  const patches = timeline.changes(fromMs, toMs) as Patch[];
  assert.deepEqual(applyPatches(timeline.at(fromMs) as ToyWorld, patches), timeline.at(toMs));
  return patches;
};

test('changes(from, to), applied to the world at `from`, give the world at `to`', () => {
  fc.assert(
    fc.property(plansWithInstants, ({ plan, instants }) => {
      const whole = voyage(plan);
      const [fromMs, toMs] = instants.toSorted((a, b) => a - b) as [number, number];
      patched(whole, fromMs, toMs);
      assert.deepEqual(patched(whole, fromMs, fromMs), []);
    }),
    runs,
  );
  const instant = fc.nat({ max: long.plan.endMs });
  fc.assert(
    fc.property(instant, instant, (a, b) => void patched(long, Math.min(a, b), Math.max(a, b))),
    fewRuns,
  );
});

test('why(seq) starts at the event and goes from cause to cause, ever earlier, back to the scenario', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      const { log, timeline } = voyage(plan);
      for (const recorded of log) {
        const chain = timeline.why(recorded.seq);
        assert.deepEqual(chain[0], recorded);
        for (const [index, { seq, causedBy }] of chain.entries()) {
          assert.equal(causedBy, chain[index + 1]?.seq ?? -1);
          assert.ok(causedBy < seq);
        }
      }
    }),
    runs,
  ));

test('why a job finished: it was started, by what freed its bench, ..., by an order', () => {
  const finished = [...long.log].findLast(({ event: { type } }) => type === 'JobFinished') as Recorded<ToyEvent>;
  const types = long.timeline.why(finished.seq).map(({ event: { type } }) => type);
  assert.deepEqual(types.slice(0, 2), ['JobFinished', 'JobStarted']);
  assert.ok(types.at(-1) === 'JobOrdered' || types.at(-1) === 'BenchBroken', types.join(' <- '));
});

const agree = (whole: Voyage, atMs: number) => {
  const digest = whole.log.digest();
  const branch = whole.timeline.branch(atMs);
  assert.equal(branch.nowMs, atMs);
  assert.equal(toText(branch.world), toText(whole.timeline.at(atMs)));
  branch.runUntil(whole.plan.endMs);
  assert.deepEqual([...branch.log], [...whole.log].slice(branch.log.keptFrom));
  assert.equal(branch.log.digest(), digest);
  assert.equal(toText(branch.world), toText(whole.world));
  assert.equal(whole.log.digest(), digest);
};

test('a branch in which nothing is different is the original: the same log tail, digest and world', () => {
  fc.assert(
    fc.property(plansWithInstants, ({ plan, instants }) => {
      const within = instants.map((atMs) => Math.max(plan.startMs, Math.min(atMs, plan.endMs)));
      agree(voyage(plan, within.slice(1)), within[0] as number);
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.nat({ max: long.plan.endMs }), (atMs) => agree(long, atMs)),
    { numRuns: 6 },
  );
});

test('a branch starts from the last checkpoint before its instant', () => {
  for (const [atMs, checkpointMs] of [
    [499_999, 0],
    [500_000, 500_000],
    [1_199_999, 500_000],
    [2_000_000, 1_200_000],
  ] as const)
    assert.equal(long.timeline.branch(atMs).log.keptFrom, checkpointMs === 0 ? 0 : long.log.firstAfter(checkpointMs));
  assert.throws(() => long.timeline.branch(-1), RangeError);
});

test('a branch in which something is different leaves the original as it was, and agrees with it until then', () =>
  fc.assert(
    fc.property(plansWithInstants, fc.nat({ max: 5_000 }), ({ plan, instants }, waitMs) => {
      const within = instants.map((instant) => Math.max(plan.startMs, Math.min(instant, plan.endMs)));
      const atMs = within[0] as number;
      const whole = voyage(plan, within.slice(1));
      const original = JSON.stringify([...whole.log]);
      const differsMs = Math.min(atMs + waitMs, plan.endMs);
      const branch = whole.timeline.branch(atMs);
      branch.submit(differsMs, { type: 'OrderJobs', count: 2, urgent: true, note: 'what if?' });
      branch.runUntil(plan.endMs);

      const events = [...branch.log];
      const first = events.findIndex((recorded) => !sameRecord(recorded, whole.log, recorded.seq));
      assert.notEqual(first, -1);
      assert.ok((events[first] as Recorded<ToyEvent>).atMs >= differsMs);
      const ordered = events.find(({ event }) => event.type === 'JobOrdered' && event.note === 'what if?');
      assert.equal(ordered?.atMs, differsMs);
      assert.equal(ordered?.causedBy, -1);

      assert.equal(JSON.stringify([...whole.log]), original);
      assert.equal(whole.log.digest(), run(plan).log.digest());
      assert.deepEqual(whole.timeline.at(plan.endMs), whole.world);
    }),
    runs,
  ));

function sameRecord(recorded: Recorded<ToyEvent>, log: EventLog<ToyEvent>, seq: number): boolean {
  return seq < log.length && JSON.stringify(recorded) === JSON.stringify(log.at(seq));
}
