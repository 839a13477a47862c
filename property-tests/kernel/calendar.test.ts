import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Calendar, keyedRng, Phase, type Millis, type Pending } from '../../core/kernel/index.ts';

const runs = { numRuns: 2_000 };
/** How long the wheels are that an instant can be beyond. */
const wheelsMs = [2 ** 12, 2 ** 27, 2 ** 42];

interface Job {
  readonly type: 'Job';
  readonly id: number;
}

/** The calendar as one would write it without any thought of speed: a list, sorted each time. */
class PlainCalendar {
  readonly #entries: { readonly arrival: number; readonly pending: Pending<Job> }[] = [];
  #arrivals = 0;

  push(pending: Pending<Job>): void {
    this.#entries.push({ arrival: this.#arrivals++, pending });
    this.#entries.sort(
      (a, b) => a.pending.atMs - b.pending.atMs || a.pending.phase - b.pending.phase || a.arrival - b.arrival,
    );
  }

  pop(): Pending<Job> | undefined {
    return this.#entries.shift()?.pending;
  }

  pending(): readonly Pending<Job>[] {
    return this.#entries.map(({ pending }) => pending);
  }
}

type Action =
  | { readonly do: 'push'; readonly afterMs: Millis; readonly phase: Phase; readonly copies: number }
  | { readonly do: 'pop'; readonly count: number }
  | { readonly do: 'look' }
  | { readonly do: 'list' };

const phases = fc.constantFrom(...Object.values(Phase));

/** Distances that meet every corner of the wheels: same instant, same slot, their two ends, their laps, and far beyond. */
const distances: fc.Arbitrary<Millis> = fc.oneof(
  fc.constantFrom(0, 0, 1, 3, 4, 5, 127, 128, 4_095, 4_096, 4_097),
  fc.integer({ min: 0, max: 5_000 }),
  fc
    .tuple(fc.constantFrom(...wheelsMs), fc.integer({ min: -1_500, max: 1_500 }))
    .map(([wheelMs, near]) => wheelMs + near),
  fc
    .tuple(fc.constantFrom(...wheelsMs), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 2_000 }))
    .map(([wheelMs, laps, rest]) => laps * wheelMs + rest),
  fc.integer({ min: 0, max: 1e9 }),
  fc.constantFrom(86_400_000, 31_536_000_000, 4e15),
);

const actions: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('push'),
      afterMs: distances,
      phase: phases,
      copies: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pop'), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'look' } as const) },
  { weight: 1, arbitrary: fc.constant({ do: 'list' } as const) },
);

const starts = fc.constantFrom(0, -1, -1_000, -4e15, 999, 1_893_456_000_123, 4e15);

test('commands come out by time, then phase, then arrival, as from a sorted list', () =>
  fc.assert(
    fc.property(starts, fc.array(actions, { maxLength: 80, size: 'max' }), (startMs, script) => {
      const calendar = new Calendar<Job>();
      const plain = new PlainCalendar();
      let nowMs: Millis = startMs; // what the loop's clock would say: nothing is pushed into the past
      let id = 0;
      for (const action of script) {
        if (action.do === 'push')
          for (let copy = 0; copy < action.copies; copy++) {
            const atMs = Math.min(nowMs + action.afterMs, Number.MAX_SAFE_INTEGER);
            const pending = {
              atMs,
              phase: action.phase,
              command: { type: 'Job', id: id++ },
              causedBy: id - 2,
            } as const;
            calendar.push(pending.atMs, pending.phase, pending.command, pending.causedBy);
            plain.push(pending);
          }
        else if (action.do === 'pop')
          for (let count = 0; count < action.count; count++) {
            const expected = plain.pop();
            if (expected === undefined) assert.throws(() => calendar.pop(), RangeError);
            else {
              assert.deepEqual(calendar.pop(), expected);
              nowMs = expected.atMs;
            }
          }
        // Looking turns the wheels on to the next command; what is pushed after it may be due before, and turns them back.
        else if (action.do === 'look')
          assert.equal(calendar.nextMs, plain.pending()[0]?.atMs ?? Number.POSITIVE_INFINITY);
        else assert.deepEqual(calendar.pending(), plain.pending());
        assert.equal(calendar.size, plain.pending().length);
      }
      for (const expected of plain.pending()) assert.deepEqual(calendar.pop(), expected);
      assert.equal(calendar.size, 0);
      assert.equal(calendar.nextMs, Number.POSITIVE_INFINITY);
    }),
    runs,
  ));

test('pending() is what will come out, says so every time, and takes nothing away', () =>
  fc.assert(
    fc.property(
      starts,
      fc.array(fc.tuple(distances, phases), { maxLength: 40, size: 'max' }),
      fc.nat({ max: 40 }),
      (startMs, pushes, popped) => {
        const calendar = new Calendar<Job>();
        for (const [id, [afterMs, phase]] of pushes.entries())
          calendar.push(startMs + afterMs, phase, { type: 'Job', id }, id);
        for (let count = Math.min(popped, pushes.length); count > 0; count--) calendar.pop();
        const listed = calendar.pending();
        assert.deepEqual(calendar.pending(), listed);
        assert.equal(calendar.size, listed.length);
        assert.deepEqual(
          Array.from(listed, () => calendar.pop()),
          listed,
        );
      },
    ),
    runs,
  ));

test('a calendar filled again from its pending() goes on alike, also with what is pushed later', () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(distances, phases), { maxLength: 30, size: 'max' }),
      fc.array(fc.tuple(distances, phases), { maxLength: 30, size: 'max' }),
      (before, after) => {
        const first = new Calendar<Job>();
        for (const [id, [atMs, phase]] of before.entries()) first.push(atMs, phase, { type: 'Job', id }, id);
        const second = new Calendar<Job>();
        for (const { atMs, phase, command, causedBy } of first.pending()) second.push(atMs, phase, command, causedBy);
        for (const calendar of [first, second])
          for (const [id, [atMs, phase]] of after.entries()) calendar.push(atMs, phase, { type: 'Job', id: -id }, -1);
        assert.deepEqual(second.pending(), first.pending());
        while (first.size > 0) assert.deepEqual(second.pop(), first.pop());
      },
    ),
    runs,
  ));

test('thousands may wait: the order holds while the arrays grow', () => {
  const calendar = new Calendar<Job>();
  const plain: Pending<Job>[] = [];
  const rng = keyedRng(5);
  for (let id = 0; id < 20_000; id++) {
    const draws = rng.at('calendar', id);
    const pending = {
      atMs: draws.int(20_000_000),
      phase: draws.int(5) as Phase,
      command: { type: 'Job', id },
      causedBy: id,
    } as const;
    plain.push(pending);
    calendar.push(pending.atMs, pending.phase, pending.command, pending.causedBy);
  }
  plain.sort((a, b) => a.atMs - b.atMs || a.phase - b.phase || a.causedBy - b.causedBy);
  assert.deepEqual(
    Array.from(plain, () => calendar.pop()),
    plain,
  );
});

test('rows are used again: a loop that holds a hundred commands needs no more memory after a million', () => {
  const calendar = new Calendar<Job>();
  const command = { type: 'Job', id: 0 } as const;
  const rng = keyedRng(6);
  const afterMs = Array.from({ length: 1_024 }, (_, key) => rng.at('hold', key).int(10_000_000));
  for (let count = 0; count < 100; count++) calendar.push(afterMs[count] as number, 0, command, -1);
  const bytes = process.memoryUsage().arrayBuffers;
  for (let count = 0; count < 1_000_000; count++) {
    const { atMs } = calendar.pop();
    calendar.push(atMs + (afterMs[count & 1_023] as number), 0, command, -1);
  }
  assert.equal(calendar.size, 100);
  assert.ok(process.memoryUsage().arrayBuffers - bytes < 1_000_000);
});
