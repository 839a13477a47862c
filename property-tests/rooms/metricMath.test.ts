import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evaluateMetricMath, MetricMathError } from '../../core/index.ts';

const PERIOD_S = 60;
type Point = number | undefined;
type Request = Readonly<Record<string, readonly Point[]>>;

/** What a part is when it is asked for its value at an instant, or for all series of an array, and how it is written. */
interface Part {
  readonly text: string;
  /** How tightly its outermost operator binds. */
  readonly power: number;
}
interface NumberPart extends Part {
  readonly kind: 'number';
  readonly value: (request: Request) => Point;
}
interface SeriesPart extends Part {
  readonly kind: 'series';
  readonly at: (instant: number, request: Request) => Point;
}
interface ArrayPart extends Part {
  readonly kind: 'array';
  readonly all: (request: Request) => readonly SeriesPart['at'][];
}
type Operand = NumberPart | SeriesPart;

const ATOM = 9;
const lengthOf = (request: Request): number => Object.values(request)[0]?.length ?? 0;
const column = (request: Request, at: SeriesPart['at']): Point[] =>
  Array.from({ length: lengthOf(request) }, (_, instant) => at(instant, request));
const valueOf = (part: Operand, instant: number, request: Request): Point =>
  part.kind === 'number' ? part.value(request) : part.at(instant, request);

/** A value that a metric can hold; 0 for -0. */
function kept(value: number): Point {
  if (Number.isNaN(value) || Math.abs(value) > Number.MAX_VALUE) return undefined;
  return value === 0 ? 0 : value;
}

const powers = {
  OR: 1,
  AND: 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '>': 4,
  '<=': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '^': 8,
};
type Symbol = keyof typeof powers;
const symbols = Object.keys(powers) as Symbol[];

function calculated(symbol: Symbol, a: number, b: number): Point {
  switch (symbol) {
    case 'OR':
      return a || b ? 1 : 0;
    case 'AND':
      return a && b ? 1 : 0;
    case '==':
      return a === b ? 1 : 0;
    case '!=':
      return a === b ? 0 : 1;
    case '<':
      return b > a ? 1 : 0;
    case '>':
      return a > b ? 1 : 0;
    case '<=':
      return a > b ? 0 : 1;
    case '>=':
      return b > a ? 0 : 1;
    case '+':
      return kept(a + b);
    case '-':
      return kept(a - b);
    case '*':
      return kept(a * b);
    case '/':
      return b === 0 ? undefined : kept(a / b);
    case '^':
      return a === 0 && b < 0 ? undefined : kept(Number(Math.pow(a, b).toPrecision(15)));
  }
}

function statistic(name: string, all: readonly Point[]): Point {
  const values: number[] = [];
  for (const value of all) if (value !== undefined) values.push(value);
  if (name === 'DATAPOINT_COUNT') return values.length;
  if (values.length === 0) return undefined;
  const ascending = values.toSorted((a, b) => a - b);
  let sum = 0;
  for (const value of values) sum += value;
  let squares = 0;
  for (const value of values) squares += (value - sum / values.length) ** 2;
  if (name === 'MIN') return ascending[0];
  if (name === 'MAX') return ascending.at(-1);
  if (name === 'SUM') return kept(sum);
  return kept(name === 'AVG' ? sum / all.length : Math.sqrt(squares / values.length));
}

/** A function of one series that looks at it as a whole, by what it is at an instant. */
function mappedAt(name: string, values: readonly Point[], instant: number): Point {
  const value = values[instant];
  const before = values.findLastIndex((other, index) => index < instant && other !== undefined);
  if (name === 'FILL LINEAR' || name === 'FILL REPEAT') {
    if (value !== undefined || before < 0) return value;
    if (name === 'FILL REPEAT') return values[before];
    const after = values.findIndex((other, index) => index > instant && other !== undefined);
    if (after < 0) return undefined;
    const [from, to] = [values[before] as number, values[after] as number];
    return kept(from + ((to - from) * (instant - before)) / (after - before));
  }
  if (value === undefined) return undefined;
  if (name === 'ABS') return kept(value < 0 ? -value : value);
  if (name === 'CEIL') return kept(-Math.floor(-value));
  if (name === 'FLOOR') return kept(-Math.ceil(-value));
  if (name === 'LOG') return kept(Number(Math.log(value).toPrecision(15)));
  if (name === 'LOG10') return kept(Number(Math.log10(value).toPrecision(15)));
  if (name === 'RUNNING_SUM') return statistic('SUM', values.slice(0, instant + 1));
  if (before < 0) return undefined;
  if (name === 'DIFF_TIME') return (instant - before) * PERIOD_S;
  const change = value - (values[before] as number);
  return kept(name === 'DIFF' ? change : change / ((instant - before) * PERIOD_S));
}

const mappings = ['ABS', 'CEIL', 'FLOOR', 'LOG', 'LOG10', 'RUNNING_SUM', 'DIFF', 'DIFF_TIME', 'RATE'];
const fillings = ['FILL LINEAR', 'FILL REPEAT'];
const statisticNames = ['AVG', 'MIN', 'MAX', 'SUM', 'STDDEV', 'DATAPOINT_COUNT'];

const callText = (name: string, argument: string): string => {
  const [called, word] = name.split(' ') as [string, string?];
  return `${called}(${argument}${word === undefined ? '' : `, ${word}`})`;
};

/** Parentheses only where they are needed. */
function joined(symbol: Symbol, left: Part, right: Part): Part {
  const power = powers[symbol];
  const [leftLeast, rightLeast] = symbol === '^' ? [power + 1, power] : [power, power + 1];
  // A minus sign needs none to the right of an operator, whatever the operator's power.
  const rightStands = right.power >= rightLeast || right.text.startsWith('-');
  const text = `${wrapped(left, leftLeast)} ${symbol} ${rightStands && right.power >= 7 ? right.text : wrapped(right, rightLeast)}`;
  return { text, power };
}

function wrapped({ text, power }: Part, least: number): string {
  return power < least ? `(${text})` : text;
}

function binary(symbol: Symbol, left: Operand, right: Operand): Operand {
  const part = joined(symbol, left, right);
  const combine = (a: Point, b: Point) => calculated(symbol, a ?? 0, b ?? 0);
  if (left.kind === 'number' && right.kind === 'number')
    return {
      ...part,
      kind: 'number',
      value(request) {
        const [a, b] = [left.value(request), right.value(request)];
        return a === undefined && b === undefined ? undefined : combine(a, b);
      },
    };
  return {
    ...part,
    kind: 'series',
    at(instant, request) {
      const series = [left, right].filter(({ kind }) => kind === 'series');
      if (series.every((one) => valueOf(one, instant, request) === undefined)) return undefined;
      return combine(valueOf(left, instant, request), valueOf(right, instant, request));
    },
  };
}

function negated(one: SeriesPart): SeriesPart {
  return {
    kind: 'series',
    text: `-${wrapped(one, 7)}`,
    power: 7,
    at(instant, request) {
      const value = one.at(instant, request);
      return value === undefined ? undefined : kept(-value);
    },
  };
}

const IDS = ['m1', 'm2', 'errors_4xx', 'errors_5xx'];
const small = fc.oneof(fc.integer({ min: -4, max: 9 }), fc.constantFrom(0, 0, 0.5, -1.5, 100));
const requests: fc.Arbitrary<Request> = fc.nat({ max: 6 }).chain((length) => {
  const points = fc.array(fc.option(small, { nil: undefined, freq: 3 }), { minLength: length, maxLength: length });
  return fc.record(Object.fromEntries(IDS.map((id) => [id, points])));
});

const numerals: fc.Arbitrary<NumberPart> = fc
  .constantFrom<[string, number]>(['0', 0], ['1', 1], ['2', 2], ['7.25', 7.25], ['.5', 0.5], ['3e1', 30])
  .map(([text, value]) => ({ kind: 'number', text, power: ATOM, value: () => value }));
const metricParts: fc.Arbitrary<SeriesPart> = fc
  .constantFrom(...IDS)
  .map((id) => ({ kind: 'series', text: id, power: ATOM, at: (instant, request) => request[id]?.[instant] }));
const selections: fc.Arbitrary<ArrayPart> = fc.constantFrom('', 'errors', '4', 'm', 'none').map((part) => ({
  kind: 'array',
  text: part === '' ? 'METRICS()' : `METRICS("${part}")`,
  power: ATOM,
  all: (request) =>
    Object.keys(request)
      .filter((id) => id.includes(part))
      .map((id) => (instant: number) => request[id]?.[instant]),
}));

const { number, series, array } = fc.letrec<{
  number: NumberPart;
  series: SeriesPart;
  array: ArrayPart;
  operand: Operand;
}>((tie) => ({
  operand: fc.oneof(tie('series'), tie('number')),
  number: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    numerals,
    fc
      .tuple(fc.constantFrom(...symbols), tie('number'), tie('number'))
      .map(([symbol, a, b]) => binary(symbol, a, b) as NumberPart),
    fc.tuple(fc.constantFrom(...statisticNames), tie('series')).map(([name, one]): NumberPart => ({
      kind: 'number',
      text: `${name}(${one.text})`,
      power: ATOM,
      value: (request) => statistic(name, column(request, one.at)),
    })),
    tie('array').map((array): NumberPart => ({
      kind: 'number',
      text: `METRIC_COUNT(${array.text})`,
      power: ATOM,
      value: (request) => array.all(request).length,
    })),
    metricParts.map(({ text }): NumberPart => ({
      kind: 'number',
      text: `PERIOD(${text})`,
      power: ATOM,
      value: () => PERIOD_S,
    })),
  ),
  series: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    metricParts,
    fc
      .tuple(fc.constantFrom(...symbols), tie('series'), tie('operand'), fc.boolean())
      .map(([symbol, a, b, flip]) => (flip ? binary(symbol, b, a) : binary(symbol, a, b)) as SeriesPart),
    tie('series').map(negated),
    fc.tuple(fc.constantFrom(...mappings, ...fillings), tie('series')).map(([name, one]): SeriesPart => ({
      kind: 'series',
      text: callText(name, one.text),
      power: ATOM,
      at: (instant, request) => mappedAt(name, column(request, one.at), instant),
    })),
    fc.tuple(tie('series'), tie('operand')).map(([one, filler]): SeriesPart => ({
      kind: 'series',
      text: `FILL(${one.text}, ${filler.text})`,
      power: ATOM,
      at: (instant, request) => one.at(instant, request) ?? valueOf(filler, instant, request),
    })),
    fc.tuple(fc.constantFrom(...statisticNames), tie('array')).map(([name, array]): SeriesPart => ({
      kind: 'series',
      text: `${name}(${array.text})`,
      power: ATOM,
      at: (instant, request) =>
        statistic(
          name,
          array.all(request).map((at) => at(instant, request)),
        ),
    })),
    fc.tuple(tie('series'), tie('operand'), fc.option(tie('operand'))).map(([condition, yes, no]): SeriesPart => ({
      kind: 'series',
      text: `IF(${[condition, yes, ...(no === null ? [] : [no])].map(({ text }) => text).join(', ')})`,
      power: ATOM,
      at(instant, request) {
        const value = condition.at(instant, request);
        if (value === undefined) return undefined;
        if (value !== 0) return valueOf(yes, instant, request) ?? 0;
        return no === null ? undefined : valueOf(no, instant, request);
      },
    })),
    fc.tuple(tie('number'), tie('series'), tie('series')).map(([condition, yes, no]): SeriesPart => ({
      kind: 'series',
      text: `IF(${condition.text}, ${yes.text}, ${no.text})`,
      power: ATOM,
      at(instant, request) {
        const value = condition.value(request);
        return value === undefined ? undefined : (value === 0 ? no : yes).at(instant, request);
      },
    })),
    tie('number').map((one): SeriesPart => ({
      kind: 'series',
      text: `TIME_SERIES(${one.text})`,
      power: ATOM,
      at: (_, request) => one.value(request),
    })),
    fc
      .tuple(fc.constantFrom<['FIRST' | 'LAST', 0 | -1]>(['FIRST', 0], ['LAST', -1]), tie('array'))
      .map(([[name, index], array]): SeriesPart => ({
        kind: 'series',
        text: `${name}(${array.text})`,
        power: ATOM,
        at: (instant, request) => array.all(request).at(index)?.(instant, request),
      })),
  ),
  array: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    selections,
    fc
      .tuple(tie('series'), fc.array(fc.oneof(tie('series'), tie('array')), { maxLength: 2 }))
      .map(([first, others]): ArrayPart => ({
        kind: 'array',
        text: `[${[first, ...others].map(({ text }) => text).join(', ')}]`,
        power: ATOM,
        all: (request) => [first, ...others].flatMap((one) => (one.kind === 'series' ? [one.at] : one.all(request))),
      })),
    fc
      .tuple(fc.constantFrom<Symbol>('+', '-', '*', '/', '^'), tie('array'), tie('operand'), fc.boolean())
      .map(([symbol, array, other, flip]): ArrayPart => ({
        ...(flip ? joined(symbol, other, array) : joined(symbol, array, other)),
        kind: 'array',
        all: (request) =>
          array.all(request).map((at) => {
            const one: SeriesPart = { kind: 'series', text: '', power: ATOM, at };
            return ((flip ? binary(symbol, other, one) : binary(symbol, one, other)) as SeriesPart).at;
          }),
      })),
    fc.tuple(fc.constantFrom(...mappings, ...fillings), tie('array')).map(([name, array]): ArrayPart => ({
      kind: 'array',
      text: callText(name, array.text),
      power: ATOM,
      all: (request) =>
        array.all(request).map((at) => (instant: number) => mappedAt(name, column(request, at), instant)),
    })),
    tie('array').map((array): ArrayPart => ({
      kind: 'array',
      text: `REMOVE_EMPTY(${array.text})`,
      power: ATOM,
      all: (request) => array.all(request).filter((at) => statistic('SUM', column(request, at)) !== undefined),
    })),
    fc.tuple(tie('array'), fc.nat({ max: 3 }), fc.option(fc.nat({ max: 3 }))).map(([array, from, to]): ArrayPart => ({
      kind: 'array',
      text: `SLICE(${array.text}, ${from}${to === null ? '' : `, ${to}`})`,
      power: ATOM,
      all: (request) => array.all(request).filter((_, index) => index >= from && (to === null || index < to)),
    })),
    fc
      .tuple(tie('array'), fc.constantFrom('AVG', 'MIN', 'MAX', 'SUM'), fc.boolean(), fc.option(fc.nat({ max: 3 })))
      .map(([array, by, up, limit]): ArrayPart => ({
        kind: 'array',
        text: `SORT(${array.text}, ${by}, ${up ? 'ASC' : 'DESC'}${limit === null ? '' : `, ${limit}`})`,
        power: ATOM,
        all(request) {
          const rest = [...array.all(request)];
          const order: SeriesPart['at'][] = [];
          while (rest.length > 0) {
            const ranks = rest.map((at) => statistic(by, column(request, at)));
            const known = ranks.filter((rank) => rank !== undefined);
            const best = up ? Math.min(...known) : Math.max(...known);
            order.push(...rest.splice(known.length === 0 ? 0 : ranks.indexOf(best), 1));
          }
          return limit === null ? order : order.slice(0, limit);
        },
      })),
  ),
}));

const options = { periodS: PERIOD_S };
const readable = (part: Part): boolean => part.text.length <= 2000;
const wellFormed = series.filter(readable);

test('an expression yields what its parts yield, asked instant by instant', () =>
  fc.assert(
    fc.property(wellFormed, requests, (part, request) => {
      const values = evaluateMetricMath(part.text, request, options);
      assert.deepEqual(values, column(request, part.at), part.text);
      assert.equal(values.length, lengthOf(request));
      for (const value of values) assert.equal(value === undefined || Number.isFinite(value), true);
    }),
    { numRuns: 1_000 },
  ));

const { operation } = fc.letrec<{ operation: SeriesPart }>((tie) => ({
  operation: fc.oneof(
    { maxDepth: 4 },
    metricParts,
    tie('operation').map(negated),
    fc
      .tuple(fc.constantFrom(...symbols), tie('operation'), fc.oneof(tie('operation'), numerals), fc.boolean())
      .map(([symbol, a, b, flip]) => (flip ? binary(symbol, b, a) : binary(symbol, a, b)) as SeriesPart),
  ),
}));

test('parentheses may be left out where an operator binds tighter than its neighbours', () =>
  fc.assert(
    fc.property(operation, requests, (part, request) =>
      assert.deepEqual(evaluateMetricMath(part.text, request), column(request, part.at), part.text),
    ),
    { numRuns: 3_000 },
  ));

test('spaces, and parentheses around the whole, change nothing', () =>
  fc.assert(
    fc.property(wellFormed, requests, fc.constantFrom('', ' ', '\n\t '), (part, request, space) => {
      const loose = `${space}(${space}${part.text.replaceAll(/([-+*/^(),[\]])/g, `${space}$1${space}`)}${space})${space}`;
      fc.pre(loose.length <= 2048);
      assert.deepEqual(evaluateMetricMath(loose, request, options), evaluateMetricMath(part.text, request, options));
    }),
    { numRuns: 300 },
  ));

test('whether an expression is sound does not depend on values: empty series tell', () =>
  fc.assert(
    fc.property(
      fc.oneof(wellFormed, number.filter(readable), array.filter(readable)),
      requests,
      fc.boolean(),
      (part, request, hasPeriod) => {
        const empty = Object.fromEntries(Object.keys(request).map((id) => [id, []]));
        const given = hasPeriod ? options : {};
        assert.equal(trouble(part.text, request, given), trouble(part.text, empty, given));
      },
    ),
    { numRuns: 300 },
  ));

/** The message of the refusal, whose place is in the text; undefined when there is none. Any other error goes through. */
function trouble(text: string, request: Request, given: { periodS?: number }): string | undefined {
  try {
    assert.equal(evaluateMetricMath(text, request, given).length, lengthOf(request));
    return undefined;
  } catch (error) {
    if (!(error instanceof MetricMathError)) throw error;
    assert.equal(Number.isInteger(error.offset) && error.offset >= 0 && error.offset <= text.length, true, text);
    assert.match(error.message, /^found .+ at character \d+, expected .+/s);
    return error.message;
  }
}

const scraps = fc.oneof(
  fc.constantFrom(
    ...symbols,
    '&&',
    '||',
    '(',
    ')',
    '[',
    ']',
    ',',
    '-',
    '"',
    "'",
    '.',
    '=',
    '!',
    ' ',
    '5',
    '1e999',
    'm1',
  ),
  fc.constantFrom(
    'REPEAT',
    'ASC',
    'IF(',
    'SUM(',
    'SEARCH(',
    'METRICS()',
    'FILL(',
    'x',
    '__proto__',
    'toString',
    '😀',
    '\0',
  ),
);
/** Where, how much is taken out, and what is put there. */
const mutations = fc.array(fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 3 }), fc.option(scraps)), {
  minLength: 1,
  maxLength: 3,
});

test('a text that is no expression is refused at a place in it, and nothing else is thrown', () => {
  let refused = 0;
  fc.assert(
    fc.property(wellFormed, requests, mutations, (part, request, changes) => {
      let text = part.text;
      for (const [place, taken, put] of changes) {
        const at = place % (text.length + 1);
        text = text.slice(0, at) + (put ?? '') + text.slice(at + taken);
      }
      if (trouble(text, request, options) !== undefined) refused++;
    }),
    { numRuns: 1_000 },
  );
  assert.equal(refused > 300, true, `only ${refused} were refused`);
});

test('scraps in any order, and any text, are evaluated or refused', () =>
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(scraps).map((parts) => parts.join('')),
        fc.string({ unit: 'binary' }),
      ),
      (text) => {
        trouble(text, { m1: [1, undefined], x: [2, 3] }, {});
      },
    ),
    { numRuns: 1_000 },
  ));
