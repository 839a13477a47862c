import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import {
  BrokenInvariantError,
  event,
  EventLog,
  flag,
  json,
  number,
  numbers,
  optional,
  SEGMENT_EVENTS,
  SEGMENT_VALUES,
  text,
  texts,
  type EventsOf,
  type Recorded,
} from '../../core/kernel/index.ts';

const runs = { numRuns: 1_000 };

const definitions = {
  Everything: event('One of each kind of column.', {
    amount: number('a number'),
    open: flag('a flag'),
    name: text('a text'),
    levels: numbers('numbers'),
    tags: texts('texts'),
    detail: json<unknown>('anything'),
    limit: optional(number('perhaps a number')),
    note: optional(text('perhaps a text')),
  }),
  Ticked: event('Nothing more to say.', {}),
  Counted: event('Two of a kind.', { first: number('one'), second: number('the other') }),
  Named: event('Two of a kind, perhaps.', { first: optional(text('one')), second: optional(text('the other')) }),
  Measured: event('Two of a kind, perhaps.', { first: optional(number('one')), second: optional(number('the other')) }),
  Listed: event('Two lists.', { first: texts('one'), second: texts('the other') }),
} as const;
type AnyEvent = EventsOf<typeof definitions>;
type Entry = readonly [event: AnyEvent, atMs: number, causedBy: number];

const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true });
const anyText = fc.oneof(fc.constantFrom('', 'a', 'b', 'ab'), fc.string({ unit: 'binary' }));
/** -0 is left out: JSON writes it as 0. */
const anyJson = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const everything: fc.Arbitrary<AnyEvent> = fc.record(
  {
    type: fc.constant('Everything'),
    amount: anyNumber,
    open: fc.boolean(),
    name: anyText,
    levels: fc.array(anyNumber, { maxLength: 5 }),
    tags: fc.array(anyText, { maxLength: 5 }),
    detail: anyJson,
    limit: anyNumber,
    note: anyText,
  },
  { requiredKeys: ['type', 'amount', 'open', 'name', 'levels', 'tags', 'detail'], noNullPrototype: true },
);
const pair = <V>(type: 'Counted' | 'Named' | 'Measured' | 'Listed', value: fc.Arbitrary<V>, mayLack: boolean) =>
  fc.record(
    { type: fc.constant(type), first: value, second: value },
    { requiredKeys: mayLack ? ['type'] : ['type', 'first', 'second'], noNullPrototype: true },
  ) as unknown as fc.Arbitrary<AnyEvent>;
const anyEvent: fc.Arbitrary<AnyEvent> = fc.oneof(
  { weight: 3, arbitrary: everything },
  { weight: 1, arbitrary: fc.constant('Ticked' as const).map((type): AnyEvent => ({ type })) },
  { weight: 1, arbitrary: pair('Counted', anyNumber, false) },
  { weight: 1, arbitrary: pair('Named', anyText, true) },
  { weight: 1, arbitrary: pair('Measured', anyNumber, true) },
  { weight: 1, arbitrary: pair('Listed', fc.array(anyText, { maxLength: 3 }), false) },
);

/** Events with instants that never fall, each caused by an earlier one or by the scenario. */
const entries = (length: fc.ArrayConstraints = {}): fc.Arbitrary<readonly Entry[]> =>
  fc.array(fc.tuple(anyEvent, fc.nat({ max: 3 }), fc.nat()), { maxLength: 20, ...length }).map((list) => {
    let atMs = -3;
    return list.map(([item, afterMs, cause], seq) => [item, (atMs += afterMs), (cause % (seq + 1)) - 1] as const);
  });

function logOf(list: readonly Entry[], options = {}): EventLog<AnyEvent> {
  const log = new EventLog<AnyEvent>(definitions, options);
  for (const entry of list) log.append(...entry);
  return log;
}

test('at(seq) is what was appended: every kind of column, absent ones too, its instant and its cause', () =>
  fc.assert(
    fc.property(entries(), (list) => {
      const log = logOf(list);
      assert.equal(log.length, list.length);
      const expected = list.map(([item, atMs, causedBy], seq) => ({ seq, atMs, causedBy, event: item }));
      assert.deepEqual(
        list.map((_, seq) => log.at(seq)),
        expected,
      );
      assert.deepEqual([...log], expected);
      for (const seq of [-1, list.length, Number.NaN]) assert.throws(() => log.at(seq), RangeError);
    }),
    runs,
  ));

test('fields come back in their declared order, after the type', () => {
  const log = logOf([
    [{ note: 'n', detail: 1, tags: [], levels: [], name: '', open: true, amount: 1, type: 'Everything' }, 0, -1],
  ]);
  const names = ['type', 'amount', 'open', 'name', 'levels', 'tags', 'detail', 'note'];
  assert.deepEqual(Object.keys(log.at(0).event), names);
});

test('no event changes after it was appended: not through the object given in, not through one that was read', () =>
  fc.assert(
    fc.property(entries({ minLength: 1 }), (list) => {
      const log = logOf(list);
      const before = JSON.stringify([...log]);
      const digest = log.digest();
      for (const [item] of list) spoil(item);
      for (const recorded of log) spoil(recorded);
      assert.equal(JSON.stringify([...log]), before);
      assert.equal(log.digest(), digest);
    }),
    runs,
  ));

/** Changes everything that can be changed, from the leaves up. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const item of Object.values(value)) spoil(item);
  if (Array.isArray(value)) value.push('spoilt');
  else Object.assign(value, Object.fromEntries(Object.keys(value).map((key) => [key, 'spoilt'])));
}

test('the digest survives JSON: what was written down and appended again has the same one', () =>
  fc.assert(
    fc.property(entries(), (list) => {
      const log = logOf(list);
      const again = new EventLog<AnyEvent>(definitions);
      for (const line of [...log].map((recorded) => JSON.stringify(recorded))) {
        const { event: item, atMs, causedBy } = JSON.parse(line) as Recorded<AnyEvent>;
        again.append(item, atMs, causedBy);
      }
      assert.equal(again.digest(), log.digest());
      assert.deepEqual(again.position(), log.position());
    }),
    runs,
  ));

test('the digest tells apart logs that differ in one field, instant, cause, in their order or their length', () =>
  fc.assert(
    fc.property(entries({ minLength: 1 }), fc.nat(), anyEvent, (list, choice, other) => {
      const digest = logOf(list).digest();
      const seq = choice % list.length;
      const [item, atMs, causedBy] = list[seq] as Entry;
      const differ = (changed: readonly Entry[], what: string) =>
        assert.notEqual(logOf(changed).digest(), digest, what);
      differ(list.with(seq, [item, atMs + 1, causedBy]), 'the instant');
      differ(list.with(seq, [item, atMs, causedBy + 1]), 'the cause');
      differ(list.toSpliced(seq, 1), 'one fewer');
      differ(list.toSpliced(seq, 0, [item, atMs, causedBy]), 'one more');
      if (!alike(item, other)) differ(list.with(seq, [other, atMs, causedBy]), 'the event');
      const next = list[seq + 1];
      if (next !== undefined && !alike(item, next[0]))
        differ(list.with(seq, [next[0], atMs, causedBy]).with(seq + 1, [item, next[1], next[2]]), 'the order');
      for (const changed of changedFields(item))
        differ(list.with(seq, [changed, atMs, causedBy]), JSON.stringify(changed));
    }),
    runs,
  ));

/** Equal to the log, for which -0 is 0. */
function alike(a: AnyEvent, b: AnyEvent): boolean {
  const sorted = (item: AnyEvent) => JSON.stringify(Object.entries(item).toSorted(([x], [y]) => (x < y ? -1 : 1)));
  return sorted(a) === sorted(b);
}

/** The event with one field changed, once for each field; and with two fields of a kind exchanged. */
function changedFields(item: AnyEvent): AnyEvent[] {
  const fields = item as unknown as Record<string, unknown>;
  const changed = Object.entries(fields)
    .filter(([name]) => name !== 'type')
    .flatMap(([name, value]) => {
      const others: unknown[] = [];
      if (name === 'detail') others.push({ not: value });
      else if (typeof value === 'number') others.push(value === 0 ? Number.MIN_VALUE : 0, value > 1 ? value / 2 : 5e10);
      else if (typeof value === 'boolean') others.push(!value);
      else if (typeof value === 'string') others.push(`${value} `, value === '' ? 'x' : value.slice(1));
      else if (Array.isArray(value)) {
        others.push([...value, name === 'levels' ? 0 : '']);
        if (value.length > 0) others.push(value.slice(1));
      }
      return others.map((other) => ({ ...fields, [name]: other }));
    });
  for (const name of ['limit', 'note', ...(['Named', 'Measured'].includes(item.type) ? ['first', 'second'] : [])])
    if (name in fields) {
      const { [name]: _, ...rest } = fields;
      changed.push(rest);
    }
  if (
    'first' in fields !== 'second' in fields ||
    ('first' in fields && !sameValue(fields['first'], fields['second']))
  ) {
    const { first, second, ...rest } = fields;
    changed.push({
      ...rest,
      ...('second' in fields ? { first: second } : {}),
      ...('first' in fields ? { second: first } : {}),
    });
  }
  return changed as unknown as AnyEvent[];
}

function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

test('a log that goes on from a position ends with the digest of the whole', () =>
  fc.assert(
    fc.property(entries(), fc.nat({ max: 20 }), (list, cut) => {
      const whole = logOf(list);
      const position = logOf(list.slice(0, cut)).position();
      const from = JSON.parse(JSON.stringify(position)) as typeof position;
      const rest = logOf(list.slice(cut), { from });
      assert.equal(rest.digest(), whole.digest());
      assert.equal(rest.length, whole.length);
      assert.deepEqual([...rest], [...whole].slice(cut));
      assert.throws(() => rest.at(from.seq - 1), RangeError);
    }),
    runs,
  ));

test('firstAfter is what a scan would find', () =>
  fc.assert(
    fc.property(entries(), fc.integer({ min: -5, max: 60 }), (list, atMs) => {
      const scanned = list.findIndex(([, instant]) => instant > atMs);
      assert.equal(logOf(list).firstAfter(atMs), scanned === -1 ? list.length : scanned);
    }),
    runs,
  ));

test('what does not fit its column is refused, with the event and the column in the message', () => {
  const good = { type: 'Everything', amount: 1, open: true, name: '', levels: [1], tags: ['a'], detail: null };
  const noNumber = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '1', null, true, [1], {}, 1n];
  const noText = [1, null, true, ['a'], {}];
  const bad: Record<string, readonly unknown[]> = {
    amount: [...noNumber, undefined],
    limit: noNumber,
    open: [0, 1, 'true', null, undefined],
    name: [...noText, undefined],
    note: noText,
    levels: [
      undefined,
      null,
      1,
      '1',
      {},
      [undefined],
      [1, Number.NaN],
      [1, '2'],
      [null],
      Array.from({ length: 3, 0: 1 }),
      new Float64Array(2),
    ],
    tags: [undefined, null, 'a', {}, [undefined], ['a', 1], [null], [['a']]],
    detail: [
      undefined,
      Number.NaN,
      [Number.POSITIVE_INFINITY],
      { inner: { deep: Number.NaN } },
      { inner: undefined },
      [undefined],
      new Date(0),
      { inner: new Map() },
      new Set(),
      () => 1,
      1n,
      Symbol('x'),
      new EventLog({}),
    ],
  };
  logOf([[good as AnyEvent, 0, -1]]);
  for (const [column, values] of Object.entries(bad))
    for (const value of values)
      assert.throws(
        () => logOf([[{ ...good, [column]: value } as AnyEvent, 0, -1]]),
        (error) => error instanceof BrokenInvariantError && error.message.includes(`Everything: ${column} `),
        `${column}: ${String(value)}`,
      );
  assert.throws(() => logOf([[{ type: 'Unheard' } as never, 0, -1]]), /BrokenInvariantError: event type Unheard/);
});

test('only numbers and texts may be optional', () => {
  for (const column of [flag('f'), numbers('n'), texts('t'), json('j')])
    assert.throws(
      () => new EventLog({ Odd: event('?', { odd: optional<unknown>(column) }) }).append({ type: 'Odd' }, 0, -1),
      BrokenInvariantError,
    );
});

/** Cheap events of every kind, told by their number alone, two to a millisecond. */
function numbered(seq: number): Entry {
  const kind = seq % 4;
  const item: AnyEvent =
    kind === 0
      ? { type: 'Counted', first: seq, second: -seq }
      : kind === 1
        ? { type: 'Named', first: `task-${seq % 1_000}` }
        : kind === 2
          ? { type: 'Listed', first: [`${seq}`], second: seq % 3 === 0 ? [] : ['x', 'y'] }
          : { type: 'Measured', second: seq / 7 };
  return [item, Math.floor(seq / 2), seq % 5 === 0 ? -1 : seq - 1];
}

const BORDERS = 2 * SEGMENT_EVENTS + 10;
const expectedAt = (seq: number) => {
  const [item, atMs, causedBy] = numbered(seq);
  return { seq, atMs, causedBy, event: item };
};

test('across the borders of segments: at(seq), iteration and firstAfter know no borders', () => {
  const log = new EventLog<AnyEvent>(definitions);
  for (let seq = 0; seq < BORDERS; seq++) log.append(...numbered(seq));
  for (const border of [0, SEGMENT_EVENTS, 2 * SEGMENT_EVENTS])
    for (let seq = Math.max(0, border - 20); seq < Math.min(border + 20, BORDERS); seq++)
      assert.deepEqual(log.at(seq), expectedAt(seq));
  let next = 0;
  for (const { seq } of log) assert.equal(seq, next++);
  assert.equal(next, BORDERS);
  fc.assert(
    fc.property(fc.integer({ min: -2, max: BORDERS }), fc.nat({ max: BORDERS - 1 }), (atMs, seq) => {
      assert.deepEqual(log.at(seq), expectedAt(seq));
      assert.equal(log.firstAfter(atMs), Math.min(Math.max(0, 2 * (atMs + 1)), BORDERS));
    }),
    runs,
  );
});

test('each full segment is handed over once, in order, as soon as it is full', () => {
  const heard: number[] = [];
  const lengths: number[] = [];
  const log = new EventLog<AnyEvent>(definitions, {
    onSegment: (segment) => {
      lengths.push(log.length);
      for (const recorded of segment) {
        if (recorded.seq % 997 === 0) assert.deepEqual(recorded, expectedAt(recorded.seq));
        heard.push(recorded.seq);
      }
    },
  });
  for (let seq = 0; seq < BORDERS; seq++) log.append(...numbered(seq));
  assert.deepEqual(lengths, [SEGMENT_EVENTS, 2 * SEGMENT_EVENTS]);
  assert.equal(heard.length, 2 * SEGMENT_EVENTS);
  assert.ok(heard.every((seq, index) => seq === index));
});

test('long lists fill a segment before its events are many, and every event is found', () => {
  const firsts: number[] = [];
  const log = new EventLog<AnyEvent>(definitions, { onSegment: ({ firstSeq }) => firsts.push(firstSeq) });
  const first = Array.from({ length: 500 }, (_, index) => `${index}`);
  const events = Math.ceil((2.5 * SEGMENT_VALUES) / 1_000);
  for (let seq = 0; seq < events; seq++) log.append({ type: 'Listed', first, second: first.slice(seq % 2) }, seq, -1);
  assert.equal(firsts.length, 2);
  for (const border of firsts)
    for (const seq of [border, border + 1, border + 4_000].filter((number) => number < events)) {
      assert.equal(log.at(seq).seq, seq);
      assert.equal(log.at(seq).atMs, seq);
      assert.equal(log.firstAfter(seq), seq + 1);
    }
});

test('a log that keeps one closed segment needs no more memory later, and says what it no longer has', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const bytes = () => {
    collect();
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  };
  const log = new EventLog<AnyEvent>(definitions, { keepSegments: 1 });
  const whole = new EventLog<AnyEvent>(definitions, { keepSegments: 0 });
  const used: number[] = [];
  for (let seq = 0; seq < 9.5 * SEGMENT_EVENTS; seq++) {
    log.append(...numbered(seq));
    whole.append(...numbered(seq));
    if (seq % SEGMENT_EVENTS === SEGMENT_EVENTS / 2) used.push(bytes());
  }
  assert.ok((used.at(-1) as number) < 1.15 * (used[1] as number), `bytes grew: ${used.join(', ')}`);
  assert.equal(log.keptFrom, 8 * SEGMENT_EVENTS);
  assert.equal(whole.keptFrom, 9 * SEGMENT_EVENTS);
  assert.equal(log.digest(), whole.digest());
  assert.deepEqual(log.at(log.keptFrom), expectedAt(log.keptFrom));
  for (const seq of [0, log.keptFrom - 1, log.length]) assert.throws(() => log.at(seq), RangeError);
  assert.equal(log.firstAfter(-1), log.keptFrom);
  assert.equal([...log].length, log.length - log.keptFrom);
});
