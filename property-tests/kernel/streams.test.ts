import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { map, merge, mergeMap, of, take } from 'rxjs';
import { ControllerError, Streams, together, type Controller, type Recorded } from '../../core/kernel/index.ts';
import {
  begin,
  plans,
  run,
  toy,
  toyEvents,
  type ToyCommand,
  type ToyEvent,
  type ToyPlan,
  type ToyWorld,
} from './toy.ts';

const runs = { numRuns: 1_000 };
const types = Object.keys(toyEvents) as ToyEvent['type'][];
const someTypes = fc.subarray(types);

/** Only their type matters here. */
const published: fc.Arbitrary<readonly Recorded<ToyEvent>[]> = fc
  .array(fc.constantFrom(...types), { maxLength: 40 })
  .map((list) => list.map((type, seq) => ({ seq, atMs: seq, causedBy: -1, event: { type } as ToyEvent })));

test('who asks for some types hears exactly those, in the order of the log; `all` hears all', () =>
  fc.assert(
    fc.property(published, fc.array(someTypes, { maxLength: 5 }), (events, wanted) => {
      const streams = new Streams<ToyEvent>(toyEvents);
      const heard = wanted.map((names) => {
        const list: Recorded<ToyEvent>[] = [];
        streams.on(...names).subscribe((recorded) => list.push(recorded));
        return list;
      });
      const all: Recorded<ToyEvent>[] = [];
      streams.all.subscribe((recorded) => all.push(recorded));
      for (const recorded of events) streams.publish(recorded);
      assert.deepEqual(all, events);
      for (const [index, names] of wanted.entries())
        assert.deepEqual(
          heard[index],
          events.filter(({ event: { type } }) => names.includes(type)),
        );
    }),
    runs,
  ));

test('a type asked for twice is heard once; an unknown one is refused', () => {
  const streams = new Streams<ToyEvent>(toyEvents);
  let heard = 0;
  streams.on('JobStarted', 'JobStarted').subscribe(() => heard++);
  streams.publish({ seq: 0, atMs: 0, causedBy: -1, event: { type: 'JobStarted' } as ToyEvent });
  assert.equal(heard, 1);
  assert.throws(() => streams.on('JobForgotten' as ToyEvent['type']), /JobForgotten/);
});

test('who leaves hears no more; who comes later hears what comes later', () =>
  fc.assert(
    fc.property(published, fc.nat({ max: 40 }), fc.nat({ max: 40 }), (events, comes, stays) => {
      const streams = new Streams<ToyEvent>(toyEvents);
      const heard: number[] = [];
      for (const [seq, recorded] of events.entries()) {
        if (seq === comes) {
          const subscription = streams.all.subscribe(({ seq: number }) => {
            heard.push(number);
            if (heard.length > stays) subscription.unsubscribe();
          });
        }
        streams.publish(recorded);
      }
      assert.deepEqual(
        heard,
        events.slice(comes, comes + stays + 1).map(({ seq }) => seq),
      );
    }),
    runs,
  ));

test('during a run, observers hear the log: all of it, and each type its own', () =>
  fc.assert(
    fc.property(plans, someTypes, (plan, names) => {
      const simulation = begin(plan);
      const all: Recorded<ToyEvent>[] = [];
      const some: Recorded<ToyEvent>[] = [];
      simulation.events.all.subscribe((recorded) => all.push(recorded));
      simulation.events.on(...names).subscribe((recorded) => some.push(recorded));
      simulation.runUntil(plan.endMs);
      assert.deepEqual(all, [...simulation.log]);
      assert.deepEqual(
        some,
        all.filter(({ event: { type } }) => names.includes(type)),
      );
    }),
    runs,
  ));

type ToyController = Controller<ToyWorld, ToyEvent, ToyCommand>;

/** Runs until the first event that is heard stops it, and answers with its seq; undefined when none does. */
function stoppedAt(plan: ToyPlan, controller: ToyController): { seq: number; error: Error } | undefined {
  const simulation = begin(plan, {}, { ...toy, controllers: [...toy.controllers, controller] });
  try {
    while (simulation.nowMs <= plan.endMs && simulation.step());
  } catch (error) {
    assert.ok(error instanceof ControllerError, String(error));
    const seq = Number(/^after event (\d+) \(JobStarted\): /.exec(error.message)?.[1]);
    assert.equal(simulation.log.at(seq).event.type, 'JobStarted');
    return { seq, error };
  }
  return undefined;
}

function firstStart(plan: ToyPlan): number | undefined {
  const simulation = begin(plan);
  while (simulation.nowMs <= plan.endMs && simulation.step());
  return [...simulation.log].find(({ event: { type } }) => type === 'JobStarted')?.seq;
}

const faults: Record<string, { controller: ToyController; says: RegExp }> = {
  'throws in an operator': {
    controller: (events) =>
      events.on('JobStarted').pipe(
        map(() => {
          throw new TypeError('a slip');
        }),
      ),
    says: /a slip$/,
  },
  'asks for the past': {
    controller: (events) =>
      events.on('JobStarted').pipe(map(({ atMs }) => ({ atMs: atMs - 1, command: { type: 'MeasureShop' } }) as const)),
    says: /MeasureShop was asked for at -?\d+, but it is/,
  },
  'asks for half a millisecond': {
    controller: (events) =>
      events
        .on('JobStarted')
        .pipe(map(({ atMs }) => ({ atMs: atMs + 0.5, command: { type: 'MeasureShop' } }) as const)),
    says: /MeasureShop was asked for at -?\d+(\.5)?/,
  },
  'asks for no time at all': {
    controller: (events) =>
      events.on('JobStarted').pipe(mergeMap(() => [{ atMs: Number.NaN, command: { type: 'MeasureShop' } } as const])),
    says: /asked for at NaN/,
  },
};

for (const [fault, { controller, says }] of Object.entries(faults))
  test(`a controller that ${fault} stops the run from within step(), with the event's seq`, () =>
    fc.assert(
      fc.property(plans, (plan) => {
        const stopped = stoppedAt(plan, controller);
        assert.equal(stopped?.seq, firstStart(plan));
        if (stopped !== undefined) assert.match(stopped.error.message, says);
      }),
      { numRuns: 500 },
    ));

const hasty: ToyController = () => of({ atMs: -1, command: { type: 'MeasureShop' } });

test('a controller that fails before it has heard anything stops the run before it begins', () => {
  const plan = { seed: 1, startMs: 0, endMs: 0, benches: 1, commands: [] };
  assert.throws(() => begin(plan, {}, { ...toy, controllers: [hasty] }), {
    name: 'ControllerError',
    message: /^before the first event: /,
  });
});

test('an observer cannot change the run: with `check`, what it hears is frozen all through', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      const simulation = begin(plan, { check: () => undefined });
      let refused = 0;
      simulation.events.all.subscribe(({ event }) => {
        for (const value of [event, ...Object.values(event)])
          if (typeof value === 'object' && value !== null) {
            assert.throws(() => Object.assign(value, { 0: 'changed', type: 'Changed' }), TypeError);
            refused++;
          }
      });
      simulation.runUntil(plan.endMs);
      assert.ok(refused >= simulation.log.length);
      assert.equal(simulation.log.digest(), run(plan).log.digest());
    }),
    runs,
  ));

test('an observer cannot change the log, even without `check`', () =>
  fc.assert(
    fc.property(plans, (plan) => {
      const simulation = begin(plan);
      simulation.events.all.subscribe(({ event }) => Object.assign(event, { jobId: 'another', benchId: 'another' }));
      simulation.runUntil(plan.endMs);
      const undisturbed = run(plan);
      assert.equal(simulation.log.digest(), undisturbed.log.digest());
      assert.deepEqual(simulation.world, undisturbed.world);
      assert.deepEqual([...simulation.log], [...undisturbed.log]);
    }),
    runs,
  ));

test('together is merge, until whoever hears it has had enough', () =>
  fc.assert(
    fc.property(published, fc.array(someTypes, { maxLength: 5 }), fc.nat({ max: 40 }), (events, wanted, enough) => {
      const streams = new Streams<ToyEvent>(toyEvents);
      const [ours, merged]: [number[], number[]] = [[], []];
      const sources = () => wanted.map((names) => streams.on(...names).pipe(map(({ seq }) => seq)));
      together(...sources())
        .pipe(take(enough))
        .subscribe((seq) => ours.push(seq));
      merge(...sources())
        .pipe(take(enough))
        .subscribe((seq) => merged.push(seq));
      for (const recorded of events) streams.publish(recorded);
      assert.deepEqual(ours, merged);
    }),
    runs,
  ));

test('together passes on what one of its streams throws, and is silent from then on', () => {
  const streams = new Streams<ToyEvent>(toyEvents);
  const heard: (number | string)[] = [];
  const failing = streams.on('JobStarted').pipe(
    map(({ seq }) => {
      if (seq === 1) throw new Error('failed');
      return seq;
    }),
  );
  together(failing, streams.on('JobStopped').pipe(map(({ seq }) => seq))).subscribe({
    next: (seq) => heard.push(seq),
    error: (error: Error) => heard.push(error.message),
  });
  const said = ['JobStarted', 'JobStarted', 'JobStopped', 'JobStarted'] as const;
  for (const [seq, type] of said.entries())
    streams.publish({ seq, atMs: seq, causedBy: -1, event: { type } as ToyEvent });
  assert.deepEqual(heard, [0, 'failed']);
});

test('nobody can speak into the streams', () => {
  const streams = new Streams<ToyEvent>(toyEvents);
  for (const stream of [streams.all, streams.on('JobStarted'), streams.on('JobStarted', 'JobStopped')])
    assert.ok(!('next' in stream));
});
