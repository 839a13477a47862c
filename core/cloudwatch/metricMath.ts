/**
 * Metric math: an expression over the metrics of a request, evaluated while it is read.
 *
 * @source spec/autoscaling.md 1.6 and 7 (AWS, "Using math expressions with CloudWatch metrics")
 */

import { BrokenInvariantError, SimulationError } from '../kernel/index.ts';

/** An expression that cannot be evaluated. */
export class MetricMathError extends SimulationError {
  override readonly name = 'MetricMathError';
  /** Where, counted from 0; the length of the expression when something is missing at its end. */
  readonly offset: number;

  constructor(offset: number, found: string, expected: string) {
    super(`found ${found} at character ${offset + 1}, expected ${expected}`);
    this.offset = offset;
  }
}

/** Values of a time series, oldest first; undefined where it has no datapoint. */
type Points = readonly (number | undefined)[];

/** What a part of an expression yields. A number may be missing, as MAX of a series without datapoints is. */
type Yield =
  | { readonly kind: 'number'; readonly value: number | undefined }
  | { readonly kind: 'series'; readonly points: Points; readonly isMetric?: true }
  | { readonly kind: 'array'; readonly list: readonly Points[] }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string };
/** The same, and where that part begins. */
type Value = Yield & { readonly at: number };

const KINDS: Readonly<Record<Value['kind'], string>> = {
  number: 'a number',
  series: 'a time series',
  array: 'an array of time series',
  word: 'a word',
  text: 'a text in quotes',
};

const MOST_CHARACTERS = 2048;

/**
 * What a math expression yields for the metrics of a request. Missing values count as 0, and a point that divides by zero is
 * dropped. No value decides whether an expression is sound: to check one before there is data, give it empty series.
 *
 * Choice: AWS says that a value missing in one of two series is 0. Where no series of an operation has a value, its result
 * has no datapoint either; a number alone makes none.
 * Choice: AWS does not say what an overflow or a root of -1 is; as a division by zero, dropped, since no metric can hold it.
 *
 * @param series           by the id that the expression uses, in the order of the request, which METRICS() keeps; all of one
 *                         length, finite values, oldest first
 * @param options.periodS  the period of the metrics in seconds; RATE, DIFF_TIME and PERIOD are refused without it
 * @returns a value for each instant of the series, undefined where the expression yields none
 * @throws MetricMathError when the expression is malformed, asks for more than the series, or yields no single time series
 */
export function evaluateMetricMath(
  expression: string,
  series: { readonly [id: string]: readonly (number | undefined)[] },
  options: { readonly periodS?: number } = {},
): (number | undefined)[] {
  const metrics = new Map(Object.entries(series));
  const [length = 0, ...others] = Array.from(metrics.values(), (points) => points.length);
  if (others.some((other) => other !== length))
    throw new BrokenInvariantError(`metric math over series of ${[length, ...others].join(', ')} values`);
  if (expression.length > MOST_CHARACTERS)
    throw new MetricMathError(MOST_CHARACTERS, `${expression.length} characters`, `at most ${MOST_CHARACTERS}`);
  return [...new Evaluation(expression, { metrics, length, periodS: options.periodS }).result()];
}

/** The ids that an expression names, in their order; words in quotes are none. */
export function metricMathIds(expression: string): readonly string[] {
  return tokensOf(expression).flatMap(({ kind, text }) => (kind === 'word' && /^[a-z]/.test(text) ? [text] : []));
}

/** What an expression is evaluated over. */
interface Request {
  readonly metrics: ReadonlyMap<string, Points>;
  /** Of every series. */
  readonly length: number;
  readonly periodS: number | undefined;
}

const tokenKinds = ['number', 'symbol', 'word', 'text', 'unknown'] as const;
interface Token {
  readonly kind: (typeof tokenKinds)[number] | 'end';
  readonly text: string;
  readonly at: number;
}

// A group for each of the kinds, none for the end. Named ones take ten times as long: 31 us for 23 tokens, so 3 us.
// Choice: AWS does not say how numbers are written; 5, 5.25, .5 and 5e3 are.
const TOKEN =
  /\s*(?:((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(AND\b|OR\b|&&|\|\||[=!<>]=|[<>+\-*/^()[\],])|([A-Za-z]\w*)|("[^"]*"|'[^']*')|(["'].*|\S)|$)/gsu;

function tokensOf(expression: string): readonly Token[] {
  return Array.from(expression.matchAll(TOKEN), (match): Token => {
    const group = match.findIndex((text, index) => index > 0 && text !== undefined);
    const text = group < 0 ? '' : (match[group] as string);
    return { kind: tokenKinds[group - 1] ?? 'end', text, at: match.index + match[0].length - text.length };
  });
}

interface Operator {
  /** The higher, the tighter it binds. */
  readonly power: number;
  readonly of: (left: number, right: number) => number;
  /** Or logic: AWS gives arrays to arithmetic only. */
  readonly isComparison?: true;
  readonly isRightAssociative?: true;
}

const UNARY_MINUS_POWER = 7;

// Choice: AWS documents neither precedence nor associativity; those of C, and ^ as in mathematics: above the unary minus and
// to the right, so that -2^2 is -4 and 2^3^2 is 2^9.
const operators: Readonly<Record<string, Operator>> = {
  OR: { power: 1, isComparison: true, of: (left, right) => Number(left !== 0 || right !== 0) },
  AND: { power: 2, isComparison: true, of: (left, right) => Number(left !== 0 && right !== 0) },
  '==': { power: 3, isComparison: true, of: (left, right) => Number(left === right) },
  '!=': { power: 3, isComparison: true, of: (left, right) => Number(left !== right) },
  '<': { power: 4, isComparison: true, of: (left, right) => Number(left < right) },
  '>': { power: 4, isComparison: true, of: (left, right) => Number(left > right) },
  '<=': { power: 4, isComparison: true, of: (left, right) => Number(left <= right) },
  '>=': { power: 4, isComparison: true, of: (left, right) => Number(left >= right) },
  '+': { power: 5, of: (left, right) => left + right },
  '-': { power: 5, of: (left, right) => left - right },
  '*': { power: 6, of: (left, right) => left * right },
  '/': { power: 6, of: (left, right) => left / right },
  '^': { power: 8, isRightAssociative: true, of: (left, right) => portable(left ** right) },
};
const otherNames: Readonly<Record<string, string>> = { '&&': 'AND', '||': 'OR' };

/** One reading of an expression: what stands to the right of an operator goes on while operators bind tighter (Pratt). */
class Evaluation {
  readonly #tokens: readonly Token[];
  readonly #request: Request;
  #next = 0;

  constructor(expression: string, request: Request) {
    this.#tokens = tokensOf(expression);
    this.#request = request;
  }

  result(): Points {
    const value = this.#expression(0);
    if (this.#token.kind !== 'end') throw unexpected(this.#token, 'an operator or the end');
    if (value.kind === 'number') throw unfit(value, 'a time series; TIME_SERIES makes one of a number');
    // Choice: AWS does not say whether an alarm takes an array of one series; it does not, so that no value decides it.
    if (value.kind === 'array') throw unfit(value, 'a time series; FIRST takes one of an array');
    return expectKind(value, 'series').points;
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #take(symbol: string): boolean {
    const { kind, text } = this.#token;
    const isIt = kind === 'symbol' && text === symbol;
    if (isIt) this.#next++;
    return isIt;
  }

  #expression(least: number): Value {
    let left = this.#prefix();
    for (;;) {
      const { kind, text } = this.#token;
      const operator = kind === 'symbol' ? operators[otherNames[text] ?? text] : undefined;
      if (operator === undefined || operator.power < least) return left;
      this.#next++;
      const right = this.#expression(operator.isRightAssociative ? operator.power : operator.power + 1);
      left = { ...combined(operator, left, right), at: left.at };
    }
  }

  #prefix(): Value {
    const token = this.#token;
    const { kind, text, at } = token;
    this.#next++;
    if (kind === 'number') return { kind, at, value: finite(token) };
    if (kind === 'text') return { kind, at, text: text.slice(1, -1) };
    if (kind === 'word' && /^[a-z]/.test(text)) return { ...this.#metric(token), at };
    if (kind === 'word') return this.#take('(') ? { ...this.#call(token), at } : { kind, at, text };
    if (kind === 'symbol' && text === '-') {
      const operand = this.#expression(UNARY_MINUS_POWER);
      return { ...combined(operators['-'] as Operator, { kind: 'number', at, value: 0 }, operand), at };
    }
    if (kind === 'symbol' && text === '(') {
      const value = this.#expression(0);
      if (!this.#take(')')) throw unexpected(this.#token, 'an operator or )');
      return value;
    }
    if (kind === 'symbol' && text === '[') {
      const values = this.#commaSeparated(']').map((value) => expectKind(value, 'series', 'array'));
      return { kind: 'array', at, list: values.flatMap(listOf) };
    }
    throw unexpected(token, 'a metric, a number, a function, an array, ( or a minus');
  }

  #metric(token: Token): Yield {
    const { metrics } = this.#request;
    const points = metrics.get(token.text);
    if (points === undefined) throw unexpected(token, `a metric of the request (${[...metrics.keys()].join(', ')})`);
    return { kind: 'series', points, isMetric: true };
  }

  #call({ text: name, at }: Token): Yield {
    const called = functions[name];
    if (called === undefined) {
      const needs = beyondTheSeries[name];
      const found = needs === undefined ? name : `${name}, which needs ${needs},`;
      throw new MetricMathError(at, found, `one of the functions ${Object.keys(functions).join(', ')}`);
    }
    const args = this.#take(')') ? [] : this.#commaSeparated(')');
    const [least, most = least] = called.takes;
    if (args.length < least || args.length > most) {
      const takes = least === most ? `${least}` : `${least} to ${most}`;
      throw new MetricMathError(at, `${name} with ${args.length} arguments`, `it to have ${takes}`);
    }
    return called.of(args as unknown as Arguments, { ...this.#request, name, at });
  }

  #commaSeparated(end: string): readonly Value[] {
    const values = [this.#expression(0)];
    while (this.#take(',')) values.push(this.#expression(0));
    if (!this.#take(end)) throw unexpected(this.#token, `an operator, a comma or ${end}`);
    return values;
  }
}

function unexpected({ kind, text, at }: Token, expected: string): MetricMathError {
  return new MetricMathError(at, kind === 'end' ? 'the end' : /^["']./.test(text) ? text : `"${text}"`, expected);
}

function unfit(value: Value, expected: string): MetricMathError {
  return new MetricMathError(value.at, value.kind === 'word' ? value.text : KINDS[value.kind], expected);
}

function finite(token: Token): number {
  const value = Number(token.text);
  if (!Number.isFinite(value)) throw unexpected(token, `a number up to ${Number.MAX_VALUE}`);
  return value;
}

/** The value, which must be of one of these kinds. */
function expectKind<Kind extends Value['kind']>(
  value: Value,
  ...kinds: readonly Kind[]
): Extract<Value, { kind: Kind }> {
  if (!(kinds as readonly string[]).includes(value.kind))
    throw unfit(value, kinds.map((kind) => KINDS[kind]).join(' or '));
  return value as Extract<Value, { kind: Kind }>;
}

/** The word, which must be one of these. */
function expectWord<Word extends string>(value: Value, ...words: readonly Word[]): Word {
  const word = value.kind === 'word' ? words.find((known) => known === value.text) : undefined;
  if (word === undefined) throw unfit(value, words.join(' or '));
  return word;
}

/** A number, perhaps missing, or the points of a series. */
type Operand = number | undefined | Points;

function expectOperand(value: Value): Operand {
  const operand = expectKind(value, 'number', 'series');
  return operand.kind === 'number' ? operand.value : operand.points;
}

function listOf(value: Extract<Value, { kind: 'series' | 'array' }>): readonly Points[] {
  return value.kind === 'series' ? [value.points] : value.list;
}

function valueAt(operand: Operand, index: number): number | undefined {
  return typeof operand === 'object' ? operand[index] : operand;
}

/** Numbers to a number, a series and a series or number to a series, an array and one of these to an array. */
function combined({ of, isComparison }: Operator, left: Value, right: Value): Yield {
  if (!isComparison && left.kind === 'array') {
    const other = expectOperand(right);
    return { kind: 'array', list: left.list.map((points) => zipped(of, points, other)) };
  }
  const first = expectOperand(left);
  if (!isComparison && right.kind === 'array')
    return { kind: 'array', list: right.list.map((points) => zipped(of, first, points)) };
  // Choice: AWS speaks of comparing two series or two numbers, and its examples compare a series with a number; all may mix.
  const second = expectOperand(right);
  if (typeof first === 'object' || typeof second === 'object')
    return { kind: 'series', points: zipped(of, first, second) };
  const isMissing = first === undefined && second === undefined;
  return { kind: 'number', value: isMissing ? undefined : datapoint(of(first ?? 0, second ?? 0)) };
}

/** Instant by instant. At least one of the two is a series, and only a series makes an instant exist. */
function zipped(of: Operator['of'], left: Operand, right: Operand): Points {
  const { length } = (typeof left === 'object' ? left : right) as Points;
  return Array.from({ length }, (_, index) => {
    const [first, second] = [valueAt(left, index), valueAt(right, index)];
    const exists =
      (typeof left === 'object' && first !== undefined) || (typeof right === 'object' && second !== undefined);
    return exists ? datapoint(of(first ?? 0, second ?? 0)) : undefined;
  });
}

/** What is kept of a result: nothing unless it is finite, and 0 for -0, which JSON does not know. */
function datapoint(value: number): number | undefined {
  return Number.isFinite(value) ? value + 0 : undefined;
}

/** Powers and logarithms may differ in the last bit between engines, and 15 digits do not show it. */
function portable(value: number): number {
  return Number(value.toPrecision(15));
}

interface Call extends Request {
  readonly name: string;
  readonly at: number;
}

type Arguments = readonly [Value, Value, ...Value[]];

interface MathFunction {
  /** Fewest arguments, and most where it is another number. */
  readonly takes: readonly [number, number?];
  readonly of: (args: Arguments, call: Call) => Yield;
}

/** A series to a series, an array to an array. */
function mapped(of: (points: Points) => Points): MathFunction {
  return {
    takes: [1],
    of([argument]) {
      const value = expectKind(argument, 'series', 'array');
      if (value.kind === 'series') return { kind: 'series', points: of(value.points) };
      return { kind: 'array', list: value.list.map((points) => of(points)) };
    },
  };
}

/** Each datapoint by itself. */
function each(of: (value: number) => number): MathFunction {
  return mapped((points) => points.map((value) => (value === undefined ? undefined : datapoint(of(value)))));
}

/**
 * Each datapoint and the one before it, from `lengthOf` a period and how many periods ago that is.
 * Choice: AWS says "the preceding value"; the last one that exists. The first datapoint has none, and is dropped.
 */
function changes(
  of: (change: number, length: number) => number,
  lengthOf: (call: Call) => number = periodOf,
): MathFunction {
  return {
    takes: [1],
    of(args, call) {
      const length = lengthOf(call);
      return mapped((points) => {
        let before = -1;
        return points.map((value, index) => {
          if (value === undefined) return undefined;
          const from = points[before];
          const periods = index - before;
          before = index;
          return from === undefined ? undefined : datapoint(of(value - from, periods * length));
        });
      }).of(args, call);
    },
  };
}

function periodOf({ name, at, periodS }: Call): number {
  if (periodS === undefined) throw new MetricMathError(at, name, 'to be given the period of the metrics, periodS');
  return periodS;
}

/** A series to a number, over whatever range was given; an array to a series, instant by instant. */
function aggregated(of: (points: Points) => number | undefined): MathFunction {
  return {
    takes: [1],
    of([argument], { length }) {
      const value = expectKind(argument, 'series', 'array');
      if (value.kind === 'series') return { kind: 'number', value: of(value.points) };
      const points = Array.from({ length }, (_, index) => of(value.list.map((series) => series[index])));
      return { kind: 'series', points };
    },
  };
}

function known(points: Points): readonly number[] {
  return points.filter((value) => value !== undefined);
}

/** Of the values that exist; missing when there are none. */
function ofKnown(of: (values: readonly number[], possible: number) => number) {
  return (points: Points): number | undefined => {
    const values = known(points);
    return values.length === 0 ? undefined : datapoint(of(values, points.length));
  };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

const aggregates = {
  /** AWS: "Missing values are treated as 0"; for the others it does not say, and the Choice is that they play no part. */
  AVG: ofKnown((values, possible) => total(values) / possible),
  MIN: ofKnown((values) => values.reduce((least, value) => Math.min(least, value))),
  MAX: ofKnown((values) => values.reduce((most, value) => Math.max(most, value))),
  SUM: ofKnown(total),
  /** Choice: AWS does not say whether of a sample or of the population; of the population. */
  STDDEV: ofKnown((values) => {
    const mean = total(values) / values.length;
    return Math.sqrt(total(values.map((value) => (value - mean) ** 2)) / values.length);
  }),
} as const;

function nothing(length: number): Points {
  return Array<undefined>(length).fill(undefined);
}

/** Choice: AWS does not say what the end of an empty array is; a series without datapoints. */
function endOf(index: 0 | -1): MathFunction {
  return {
    takes: [1],
    of: ([array], { length }) => ({
      kind: 'series',
      points: expectKind(array, 'array').list.at(index) ?? nothing(length),
    }),
  };
}

function repeated(points: Points): Points {
  let last: number | undefined;
  return points.map((value) => (last = value ?? last));
}

function interpolated(points: Points): Points {
  const filled = [...points];
  let before: number | undefined;
  for (const [index, to] of points.entries()) {
    if (to === undefined) continue;
    if (before !== undefined) {
      const from = points[before] as number;
      for (let gap = before + 1; gap < index; gap++)
        filled[gap] = datapoint(from + ((to - from) * (gap - before)) / (index - before));
    }
    before = index;
  }
  return filled;
}

/** Choice: AWS does not say what fills a gap with nothing before or after it; REPEAT leaves the former, LINEAR both. */
function fillerOf(filler: Value): (points: Points) => Points {
  if (filler.kind === 'word') return expectWord(filler, 'REPEAT', 'LINEAR') === 'REPEAT' ? repeated : interpolated;
  const other = expectOperand(filler);
  return (points) => points.map((value, index) => value ?? valueAt(other, index));
}

/** Choice: AWS does not say where series without datapoints go, and which of two equal ones is first: last, and as given. */
function sorted(list: readonly Points[], by: keyof typeof aggregates, order: 'ASC' | 'DESC'): readonly Points[] {
  const sign = order === 'ASC' ? 1 : -1;
  const ranked = list.map((points, index) => {
    const value = aggregates[by](points);
    return { points, index, rank: value === undefined ? Number.POSITIVE_INFINITY : sign * value };
  });
  ranked.sort((a, b) => (a.rank === b.rank ? a.index - b.index : a.rank < b.rank ? -1 : 1));
  return ranked.map(({ points }) => points);
}

/** Choice: AWS does not say what a position is that is negative, broken or missing: 0, the whole part, 0. */
function positionOf(value: Value): number {
  return Math.max(0, Math.trunc(expectKind(value, 'number').value ?? 0));
}

/** What AWS drops or counts as 0 differs between the branches of IF. */
function chosen(condition: Points, whenTrue: Operand, whenFalse: Operand): Points {
  return condition.map((value, index) => {
    if (value === undefined) return undefined;
    return value === 0 ? valueAt(whenFalse, index) : (valueAt(whenTrue, index) ?? 0);
  });
}

const functions: Readonly<Record<string, MathFunction>> = {
  ABS: each(Math.abs),
  AVG: aggregated(aggregates.AVG),
  CEIL: each(Math.ceil),
  DATAPOINT_COUNT: aggregated((points) => known(points).length),
  DIFF: changes(
    (change) => change,
    () => 1,
  ),
  DIFF_TIME: changes((_, lengthS) => lengthS),
  FILL: { takes: [2], of: ([gappy, filler], call) => mapped(fillerOf(filler)).of([gappy, filler], call) },
  FIRST: endOf(0),
  FLOOR: each(Math.floor),
  IF: {
    takes: [2, 3],
    of([condition, whenTrue, whenFalse], { length }) {
      const test = expectOperand(condition);
      if (typeof test === 'object') {
        const otherwise = whenFalse === undefined ? undefined : expectOperand(whenFalse);
        return { kind: 'series', points: chosen(test, expectOperand(whenTrue), otherwise) };
      }
      const yes = expectKind(whenTrue, 'series').points;
      const no = whenFalse === undefined ? nothing(length) : expectKind(whenFalse, 'series').points;
      return { kind: 'series', points: test === undefined ? nothing(length) : test === 0 ? no : yes };
    },
  },
  LAST: endOf(-1),
  LOG: each((value) => portable(Math.log(value))),
  LOG10: each((value) => portable(Math.log10(value))),
  MAX: aggregated(aggregates.MAX),
  METRICS: {
    takes: [0, 1],
    of([part]: readonly Value[], { metrics }) {
      const text = part === undefined ? '' : expectKind(part, 'text').text;
      return { kind: 'array', list: [...metrics].filter(([id]) => id.includes(text)).map(([, points]) => points) };
    },
  },
  METRIC_COUNT: {
    takes: [1],
    of: ([array]) => ({ kind: 'number', value: expectKind(array, 'array').list.length }),
  },
  MIN: aggregated(aggregates.MIN),
  PERIOD: {
    takes: [1],
    of([metric], call) {
      if (!expectKind(metric, 'series').isMetric)
        throw new MetricMathError(metric.at, 'the result of an expression', 'a metric');
      return { kind: 'number', value: periodOf(call) };
    },
  },
  RATE: changes((change, lengthS) => change / lengthS),
  REMOVE_EMPTY: {
    takes: [1],
    of: ([array]) => ({
      kind: 'array',
      list: expectKind(array, 'array').list.filter((points) => known(points).length > 0),
    }),
  },
  RUNNING_SUM: mapped((points) => {
    let sum = 0;
    return points.map((value) => (value === undefined ? undefined : datapoint((sum += value))));
  }),
  SLICE: {
    takes: [2, 3],
    of([array, from, to]) {
      const end = to === undefined ? undefined : positionOf(to);
      return { kind: 'array', list: expectKind(array, 'array').list.slice(positionOf(from), end) };
    },
  },
  SORT: {
    takes: [3, 4],
    of([array, by, order, limit]) {
      const list = sorted(
        expectKind(array, 'array').list,
        expectWord(by, 'AVG', 'MIN', 'MAX', 'SUM'),
        expectWord(order as Value, 'ASC', 'DESC'),
      );
      return { kind: 'array', list: limit === undefined ? list : list.slice(0, positionOf(limit)) };
    },
  },
  STDDEV: aggregated(aggregates.STDDEV),
  SUM: aggregated(aggregates.SUM),
  TIME_SERIES: {
    takes: [1],
    of([number], { length }) {
      const { value } = expectKind(number, 'number');
      return { kind: 'series', points: Array<number | undefined>(length).fill(value) };
    },
  },
};

const TIMESTAMPS = 'the timestamps of the datapoints';
/** Functions of AWS that are refused, and what they need. */
const beyondTheSeries: Readonly<Record<string, string>> = {
  ANOMALY_DETECTION_BAND: 'a trained model',
  DATE: TIMESTAMPS,
  DAY: TIMESTAMPS,
  DB_PERF_INSIGHTS: 'the counters of a database',
  EPOCH: TIMESTAMPS,
  HOUR: TIMESTAMPS,
  INSIGHT_RULE_METRIC: 'a rule of Contributor Insights',
  LAMBDA: 'a data source of its own',
  MINUTE: TIMESTAMPS,
  MONTH: TIMESTAMPS,
  SEARCH: 'the metrics of the whole account',
  SERVICE_QUOTA: 'the quotas of the account',
  YEAR: TIMESTAMPS,
};
