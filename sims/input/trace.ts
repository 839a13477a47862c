/** Traffic series: how many requests came in each period, in CSV of the many dialects that exports speak, or CloudWatch's JSON. */

import { createHash, type Hash } from 'node:crypto';
import { CsvError, parse } from 'csv-parse/sync';
import { DAY, HOUR, MINUTE, type Millis, SECOND, type TraceSeries } from '../../core/index.ts';
import { cloudWatchRows } from './cloudWatchTrace.ts';
import { decodeLines, readPieces } from './file.ts';
import { InputError, counted, firstProblems, quote, type InputProblem } from './inputError.ts';

/** What a number in the value column counts. */
export type TraceUnit = 'requests-per-period' | 'requests-per-second';

export interface TraceOptions {
  /** Without it the name of the value column decides, and without a telling name it is requests per period. */
  readonly unit?: TraceUnit;
  /** What one row covers, in whole milliseconds above 0. Without it, the usual (median) step between rows. */
  readonly periodMs?: Millis;
}

/** A traffic series, and all that was inferred to read it. */
export interface Trace {
  readonly series: TraceSeries;
  /** `relative` when times are an index, such as minutes: the series has no date and starts at 0. */
  readonly clock: Clock;
  /** Rows of data in the file, repeated ones included. */
  readonly rows: number;
  /** What was inferred, filled and merged, in plain sentences for the output. */
  readonly notes: readonly string[];
  readonly unit: TraceUnit;
  readonly periodMs: Millis;
  /** Of the file's bytes, in hexadecimal. */
  readonly sha256: string;
}

type Clock = 'absolute' | 'relative';

const EXPECTED = 'a CSV file with a time and a number of requests in each row';
const LIMIT_BYTES = 1024 * 1024 * 1024;
/** Of 1 MiB each: JSON is held as a whole. A year of minutes is 60 MiB. */
const MOST_JSON_PIECES = 128;
const LONGEST_LINE_BYTES = 64 * 1024;
/** Four months of seconds, or 95 years of 5 minutes; reading so many takes 20 s and a gigabyte of memory. */
const MOST_ROWS = 10_000_000;
const MOST_PROBLEMS = 20;
/** A step of more usual periods than this is a row and a gap. */
const LONGEST_STEP = 1.5;

/**
 * A traffic series from a CSV file. Each row lasts until the next one; where that is more than 1.5 periods, it lasts one
 * period, and the gap after it carries on its rate. Times are UTC unless they carry a zone.
 *
 * @throws InputError with the first 20 mistakes and the number of the others
 */
export function readTrace(file: string, options: TraceOptions = {}): Trace {
  const hash = createHash('sha256');
  const table = new TraceTable(file);
  const read = readRows(file, hash);
  for (const [line, lineNumber] of read.rows) table.add(line, lineNumber);
  const { times, values, layout, format } = table.finish();

  const usualStepMs = medianStep(times);
  const periodMs = options.periodMs ?? usualStepMs;
  const unit = options.unit ?? (layout.hasRates ? 'requests-per-second' : 'requests-per-period');
  const { series, irregular, gaps } = toSeries(times, values, format.clock, unit, periodMs);
  return {
    series,
    clock: format.clock,
    rows: table.rows,
    notes: [
      ...(read.notes ?? [layout.note]),
      format.note,
      periodNote(periodMs, usualStepMs, options),
      unitNote(unit, layout, options),
      ...(table.merged > 0
        ? [`Merged into the row before: ${counted(table.merged, 'row')} with the same time and value.`]
        : []),
      ...(irregular > 0
        ? [`Irregular steps: rows that last longer or shorter than that are ${irregular} of ${times.length}.`]
        : []),
      ...(gaps.count > 0
        ? [
            `${counted(gaps.count, 'gap')} (${counted(Math.round(gaps.forMs / periodMs), 'missing period')}) ` +
              `filled with the rate before the gap, which adds ${counted(Math.round(gaps.requests), 'request')}.`,
          ]
        : []),
    ],
    unit,
    periodMs,
    sha256: hash.digest('hex'),
  };
}

type NumberedLine = readonly [line: string, lineNumber: number];

/** Rows of CSV: as they stand in the file, or made from what CloudWatch answered, with notes on it. @throws InputError */
function readRows(
  file: string,
  hash: Hash,
): { readonly rows: Iterable<NumberedLine>; readonly notes?: readonly string[] } {
  const pieces = readPieces(file, LIMIT_BYTES, EXPECTED);
  const first = pieces.next().value as Buffer;
  const all = chain(first, pieces);
  if (!/^\s*\{/.test(first.toString('latin1'))) return { rows: readLines(file, hash, all) };
  const held: Buffer[] = [];
  for (const piece of all) {
    hash.update(piece);
    held.push(piece);
    if (held.length > MOST_JSON_PIECES)
      throw new InputError([
        { file, message: `found JSON of more than ${MOST_JSON_PIECES} MiB, expected less, or a CSV` },
      ]);
  }
  const { rows, notes } = cloudWatchRows(file, decodeLines(file, Buffer.concat(held)));
  return { rows: rows.map((row, index) => [row, index + 1] as const), notes };
}

function* chain(first: Buffer, others: Iterable<Buffer>): Generator<Buffer> {
  yield first;
  yield* others;
}

/** Lines of the file with their numbers. Memory holds one piece of the file, never a line over the limit. */
function* readLines(file: string, hash: Hash, pieces: Iterable<Buffer>): Generator<NumberedLine> {
  let lineNumber = 0;
  const refuse = (line: number) =>
    new InputError([{ file, line, message: 'found a line longer than 64 KiB, expected rows of a time and a number' }]);
  const linesOf = function* (bytes: Buffer) {
    for (const line of decodeLines(file, bytes, lineNumber + 1).split('\n')) {
      lineNumber += 1;
      if (Buffer.byteLength(line) > LONGEST_LINE_BYTES) throw refuse(lineNumber);
      yield [line, lineNumber] as const;
    }
  };
  let rest: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    hash.update(piece);
    const bytes = Buffer.concat([rest, piece]);
    const end = bytes.lastIndexOf('\n');
    rest = bytes.subarray(end + 1);
    if (end !== -1) yield* linesOf(bytes.subarray(0, end));
    if (rest.length > LONGEST_LINE_BYTES) throw refuse(lineNumber + 1);
  }
  if (rest.length > 0) yield* linesOf(rest);
}

// Rows --------------------------------------------------------------------------------------------------------------

/** Rows as they are read, and what is wrong with them. */
class TraceTable {
  readonly times: Millis[] = [];
  readonly values: number[] = [];
  rows = 0;
  merged = 0;
  readonly #file: string;
  readonly #mistakes = new ProblemList();
  /** Apart from the others: when every step goes back, they are one mistake. */
  readonly #stepsBack = new ProblemList();
  #stepsOn = 0;
  #fromConsole = false;
  #layout: Layout | undefined;
  #format: TimeFormat | undefined;
  #last: { readonly line: number; readonly time: string } | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  add(rawLine: string, line: number): void {
    const text = rawLine.endsWith('\r') ? rawLine.slice(0, -1) : rawLine;
    const content = text.trim();
    if (content === '' || content.startsWith('#')) return;
    const isFirst = this.#layout === undefined;
    const delimiter = this.#layout?.delimiter ?? delimiterOf(text);
    if (delimiter === undefined)
      throw new InputError([
        this.#problem(line, 'found one column, expected two or more with a comma, semicolon or tab between them'),
      ]);
    const cells = splitLine(text, delimiter);
    if (cells === undefined) {
      this.#mistakes.add(this.#problem(line, 'found a stray quote, expected quotes around a whole value or none'));
      return;
    }
    if (this.#isAboveRows(cells, isFirst)) return this.#readConsoleHeader(cells, delimiter);
    this.#layout ??= layoutOf(cells, delimiter);
    if (isFirst && this.#layout.hasHeader) return;
    this.rows += 1;
    this.#addRow(cells, text, line, this.#layout);
  }

  /** Above its rows the console of CloudWatch writes what they are of, a name and values in each line. */
  #isAboveRows([first = '', second]: readonly string[], isFirst: boolean): boolean {
    const name = first.toLowerCase();
    if (isFirst) this.#fromConsole = name === 'full label' || name === 'label';
    return this.#fromConsole && this.rows === 0 && second !== undefined && CONSOLE_WORDS.has(name);
  }

  #readConsoleHeader([name = '', ...values]: readonly string[], delimiter: string): void {
    if (this.#layout !== undefined && name.toLowerCase() !== 'label') return;
    this.#layout = layoutOf(['timestamp', ...(values.length === 0 ? ['value'] : values)], delimiter);
  }

  /** @throws InputError with the first mistakes in the order of their lines, and the number of the others */
  finish() {
    const allBack = this.#stepsBack.count > 1 && this.#stepsOn === 0;
    const found = [...this.#mistakes.first, ...(allBack ? [] : this.#stepsBack.first)];
    found.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
    const count = this.#mistakes.count + (allBack ? 0 : this.#stepsBack.count);
    const told = firstProblems(this.#file, found, MOST_PROBLEMS, count);
    const newestFirst = 'found the newest row first, expected the oldest first: reverse the file';
    if (allBack) throw new InputError([{ file: this.#file, message: newestFirst }, ...told]);
    if (told.length > 0) throw new InputError(told);
    const { times, values } = this;
    if (this.#layout === undefined || this.#format === undefined || times.length < 2) {
      const message = `found ${counted(times.length, 'row')} of data, expected at least 2`;
      throw new InputError([{ file: this.#file, message }]);
    }
    return { times, values, layout: this.#layout, format: this.#format };
  }

  #addRow(cells: readonly string[], text: string, line: number, layout: Layout): void {
    const timeCell = cells[layout.time];
    const valueCell = cells[layout.value];
    if (timeCell === undefined || valueCell === undefined) {
      const expected = Math.max(layout.time, layout.value) + 1;
      const found = counted(cells.length, 'column');
      this.#mistakes.add(this.#problem(line, `found ${found}, expected at least ${expected}`));
      return;
    }
    const complain = (index: number, expected: string) => {
      const column = columnOf(text, layout.delimiter, index);
      const message = `found ${cells[index] === '' ? 'nothing' : quote(cells[index])}, expected ${expected}`;
      this.#mistakes.add({ ...this.#problem(line, message), column });
    };
    this.#format ??= timeFormatOf(timeCell, layout.timeName);
    const atMs = this.#format?.read(timeCell);
    if (atMs === undefined)
      complain(layout.time, this.#format?.expected ?? 'a time such as 2014-04-10 00:04:00, or a number');
    const value = parseNumber(valueCell);
    if (value === undefined) complain(layout.value, 'a number of at least 0, such as 94.5');
    if (atMs !== undefined && value !== undefined) this.#push(atMs, value, line, timeCell);
  }

  #push(atMs: Millis, value: number, line: number, time: string): void {
    const stepMs = atMs - (this.times.at(-1) ?? Number.NEGATIVE_INFINITY);
    const before = `on line ${this.#last?.line}`;
    if (stepMs === 0) {
      if (value === this.values.at(-1)) {
        this.merged += 1;
        return;
      }
      const message = `found the time ${quote(time)} again, with ${value} where it has ${this.values.at(-1)} ${before}, expected one number`;
      this.#mistakes.add(this.#problem(line, message));
      return;
    }
    if (stepMs < 0) {
      const message = `found the time ${quote(time)}, which is before ${quote(this.#last?.time)} ${before}, expected a later one`;
      this.#stepsBack.add(this.#problem(line, message));
    } else if (this.#last !== undefined) {
      this.#stepsOn += 1;
    }
    if (this.times.length === MOST_ROWS)
      throw new InputError([
        this.#problem(line, 'found more than 10 million rows, expected fewer: use longer periods'),
      ]);
    this.times.push(atMs);
    this.values.push(value);
    this.#last = { line, time };
  }

  #problem(line: number, message: string): InputProblem {
    return { file: this.#file, line, message };
  }
}

/** The first mistakes, and how many there are. */
class ProblemList {
  readonly first: InputProblem[] = [];
  count = 0;

  add(problem: InputProblem): void {
    this.count += 1;
    if (this.first.length < MOST_PROBLEMS) this.first.push(problem);
  }
}

// Columns -----------------------------------------------------------------------------------------------------------

/** Which columns hold what, counted from 0. */
interface Layout {
  readonly delimiter: string;
  readonly hasHeader: boolean;
  readonly time: number;
  readonly value: number;
  /** Names from the header. */
  readonly timeName?: string;
  readonly valueName?: string;
  /** The value column is named like a rate. */
  readonly hasRates: boolean;
  readonly note: string;
}

const UNITS: ReadonlyMap<string, { readonly ms: Millis; readonly name: string }> = new Map(
  [
    { ms: 1, name: 'milliseconds', words: ['ms', 'millis', 'millisecond', 'milliseconds'] },
    { ms: SECOND, name: 'seconds', words: ['s', 'sec', 'secs', 'second', 'seconds'] },
    { ms: MINUTE, name: 'minutes', words: ['min', 'mins', 'minute', 'minutes'] },
    { ms: HOUR, name: 'hours', words: ['h', 'hr', 'hrs', 'hour', 'hours'] },
    { ms: DAY, name: 'days', words: ['d', 'day', 'days'] },
  ].flatMap(({ words, ...unit }) => words.map((word) => [word, unit] as const)),
);
const TIME_WORDS = new Set(['timestamp', 'datetime', 'date', 'time', 'ts', 'epoch', 'index', ...UNITS.keys()]);
const VALUE_WORDS = new Set([
  'value',
  'values',
  'count',
  'counts',
  'sum',
  'total',
  'volume',
  'load',
  'hits',
  'rate',
  'rps',
  'qps',
  'request',
  'requests',
  'requestcount',
  'requestspersecond',
]);
const RATE = /\b(?:rps|qps|rate|requestspersecond)\b|(?:\bper |\/)s(?:ec(?:ond)?)?\b/;

/** First cells of the lines that the console of CloudWatch writes above the rows of a downloaded graph. */
const CONSOLE_WORDS = new Set([
  'full label',
  'label',
  'id',
  'account',
  'accountid',
  'region',
  'period',
  'statistic',
  'unit',
]);

/** Digits and what stands between them in a number or a time, right or wrong: no name looks like that. */
const LIKE_DATA = /^[-+.,:;/\dTZ ]*\d[-+.,:;/\dTZ ]*$/;

/** `RequestsPerSecond`, `requests_per_second` -> `requests per second`. */
function spaced(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/[^a-z/]+/g, ' ');
}

function layoutOf(cells: readonly string[], delimiter: string): Layout {
  if (!cells.some((cell) => /\p{L}/u.test(cell)) || cells.some((cell) => LIKE_DATA.test(cell))) {
    const note = 'No header: time is column 1, requests are column 2.';
    return { delimiter, hasHeader: false, time: 0, value: 1, hasRates: false, note };
  }
  const words = cells.map((name) => spaced(name).split(/[ /]/));
  const namedValue = words.map((parts) => parts.some((part) => VALUE_WORDS.has(part)));
  const namedTime = words.map((parts, index) => !namedValue[index] && parts.some((part) => TIME_WORDS.has(part)));
  const knownTime = namedTime.indexOf(true);
  const time = knownTime === -1 ? Number(namedValue[0] === true && !namedValue[1]) : knownTime;
  const knownValue = namedValue.findIndex((named, index) => named && index !== time);
  const value = knownValue === -1 ? Number(time === 0) : knownValue;
  const name = (index: number, known: number) =>
    `column ${index + 1} (${quote(cells[index])}${known === -1 ? ', taken by its place because no name is known' : ''})`;
  const ignored = cells.filter((_, index) => index !== time && index !== value).map(quote);
  return {
    delimiter,
    hasHeader: true,
    time,
    value,
    timeName: cells[time] ?? '',
    valueName: cells[value] ?? '',
    hasRates: RATE.test(spaced(cells[value] ?? '')),
    note: `Time is ${name(time, knownTime)}, requests are ${name(value, knownValue)}${
      ignored.length > 0 ? `; not used: ${ignored.slice(0, 10).join(', ')}` : ''
    }.`,
  };
}

/** The delimiter that the line holds most often outside quotes; undefined when it holds none. */
function delimiterOf(line: string): string | undefined {
  const bare = line.replace(/"[^"]*"/g, '');
  return ['\t', ';', ',']
    .map((delimiter) => ({ delimiter, count: bare.split(delimiter).length - 1 }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count)[0]?.delimiter;
}

const PLAIN_OR_QUOTED = /^(?:[^"]*|"[^"]*")$/;

/**
 * Cells of one line; undefined when its quotes are wrong. A row is one line: no value here needs a line break.
 * Splitting is exact while no cell holds a quote or a delimiter in quotes, and the parser does the others: it takes
 * 4 to 28 microseconds a line, splitting less than 1.
 */
function splitLine(line: string, delimiter: string): readonly string[] | undefined {
  const cells = line.split(delimiter).map((cell) => cell.trim());
  if (cells.every((cell) => PLAIN_OR_QUOTED.test(cell)))
    return cells.map((cell) => (cell.startsWith('"') ? cell.slice(1, -1).trim() : cell));
  try {
    return parse(line, { delimiter, trim: true })[0];
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
}

/** Where a cell starts in its line, from 1. */
function columnOf(line: string, delimiter: string, index: number): number {
  let cell = 0;
  let quoted = false;
  let start = 0;
  for (let at = 0; at < line.length && cell < index; at += 1) {
    if (line[at] === '"') quoted = !quoted;
    if (line[at] !== delimiter || quoted) continue;
    cell += 1;
    start = at + 1;
  }
  const padding = line.slice(start).search(/[^ ]/);
  return start + Math.max(padding, 0) + 1;
}

// Times and numbers -------------------------------------------------------------------------------------------------

/** How the times of a file are written. The first row of data decides. */
interface TimeFormat {
  readonly clock: Clock;
  /** Whole milliseconds; undefined when the cell is not written this way. */
  readonly read: (cell: string) => Millis | undefined;
  readonly expected: string;
  readonly note: string;
}

const TIMESTAMPS: TimeFormat = {
  clock: 'absolute',
  read: parseTimestamp,
  expected: 'a timestamp such as 2014-04-10 00:04:00',
  note: 'Timestamps are UTC unless they carry a zone.',
};

/** A number is an index below 3 years in seconds, else a Unix time in seconds, else in milliseconds (from 1973 on). */
const INDEX_LIMIT = 1e8;
const SECONDS_LIMIT = 1e11;
const MILLISECONDS_LIMIT = 1e14;

function timeFormatOf(cell: string, columnName: string | undefined): TimeFormat | undefined {
  if (parseTimestamp(cell) !== undefined) return TIMESTAMPS;
  const number = parseNumber(cell) ?? Number.POSITIVE_INFINITY;
  if (number < INDEX_LIMIT) return indexIn(columnName);
  if (number < SECONDS_LIMIT)
    return numbers('absolute', SECOND, SECONDS_LIMIT, 'a Unix time in seconds', 'Times are seconds since 1970, UTC.');
  if (number < MILLISECONDS_LIMIT)
    return numbers(
      'absolute',
      1,
      MILLISECONDS_LIMIT,
      'a Unix time in milliseconds',
      'Times are milliseconds since 1970, UTC.',
    );
  return undefined;
}

function indexIn(columnName: string | undefined): TimeFormat {
  const named = spaced(columnName ?? '')
    .split(/[ /]/)
    .map((word) => UNITS.get(word))
    .find((unit) => unit !== undefined);
  const unit = named ?? { ms: MINUTE, name: 'minutes' };
  const reason = named === undefined ? 'assumed, because no column name says so' : `from the name ${quote(columnName)}`;
  const note = `Times are an index in ${unit.name} (${reason}); the series has no date and starts at its first row.`;
  return numbers('relative', unit.ms, INDEX_LIMIT, `a number of ${unit.name}`, note);
}

function numbers(clock: Clock, unitMs: Millis, limit: number, expected: string, note: string): TimeFormat {
  const read = (cell: string) => {
    const number = parseNumber(cell);
    return number === undefined || number >= limit ? undefined : Math.round(number * unitMs);
  };
  return { clock, read, expected, note };
}

const TIMESTAMP =
  /^(\d{4}-\d\d-\d\d|\d{4}\/\d\d\/\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?(?: ?(?:Z|UTC|([+-])(\d\d):?([0-5]\d)?))?)?$/i;

/** Instant of a date, or a date and time, without a zone in UTC; undefined when it is neither, or not in the calendar. */
function parseTimestamp(text: string): Millis | undefined {
  const parts = TIMESTAMP.exec(text);
  if (parts === null) return undefined;
  const [, written = '', hours = '0', minutes = '0', seconds = '0', fraction = '0', sign, zoneHours, zoneMinutes] =
    parts;
  const date = written.replaceAll('/', '-');
  const midnightMs = Date.parse(`${date}T00:00:00Z`);
  // The 30th of February would be read as the 2nd of March.
  if (Number.isNaN(midnightMs) || new Date(midnightMs).toISOString().slice(0, 10) !== date) return undefined;
  const zoneMs = (sign === '-' ? -1 : 1) * (Number(zoneHours ?? 0) * HOUR + Number(zoneMinutes ?? 0) * MINUTE);
  const clockMs = Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND;
  return midnightMs + clockMs + Math.round(Number(`0.${fraction}`) * SECOND) - zoneMs;
}

const NUMBER = /^\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A number from 0 to 2^53 - 1, written with a decimal point; undefined for anything else. */
function parseNumber(text: string): number | undefined {
  const number = NUMBER.test(text) ? Number(text) : Number.NaN;
  return number <= Number.MAX_SAFE_INTEGER ? number : undefined;
}

// Series ------------------------------------------------------------------------------------------------------------

/** @param times  at least two, ascending */
function medianStep(times: readonly Millis[]): Millis {
  const steps = new Float64Array(times.length - 1);
  for (let index = 0; index < steps.length; index += 1) steps[index] = times[index + 1]! - times[index]!;
  steps.sort();
  return steps[(steps.length - 1) >> 1]!;
}

function toSeries(
  times: readonly Millis[],
  values: readonly number[],
  clock: Clock,
  unit: TraceUnit,
  periodMs: Millis,
) {
  const firstMs = times[0]!;
  const startMs = clock === 'absolute' ? firstMs : 0;
  const offsetsMs: Millis[] = [];
  const requests: number[] = [];
  const periodsMs: Millis[] = [];
  const gaps = { count: 0, forMs: 0, requests: 0 };
  let irregular = 0;
  let endOffsetMs = 0;
  const push = (forMs: Millis, count: number) => {
    offsetsMs.push(endOffsetMs);
    requests.push(count);
    periodsMs.push(forMs);
    endOffsetMs += forMs;
  };
  for (const [index, atMs] of times.entries()) {
    const stepMs = (times[index + 1] ?? atMs + periodMs) - atMs;
    const lastsMs = stepMs > LONGEST_STEP * periodMs ? periodMs : stepMs;
    const value = values[index]!;
    const count = unit === 'requests-per-second' ? (value * lastsMs) / SECOND : value;
    push(lastsMs, count);
    if (lastsMs !== periodMs) irregular += 1;
    if (lastsMs === stepMs) continue;
    // Choice: nothing tells what came in a gap; the rate before it is what an operator would have assumed at the time.
    const gapMs = stepMs - lastsMs;
    const filled = (count / lastsMs) * gapMs;
    push(gapMs, filled);
    gaps.count += 1;
    gaps.forMs += gapMs;
    gaps.requests += filled;
  }
  const series: TraceSeries = { startMs, endMs: startMs + endOffsetMs, offsetsMs, requests, periodsMs };
  return { series, irregular, gaps };
}

// Notes -------------------------------------------------------------------------------------------------------------

function periodNote(periodMs: Millis, usualStepMs: Millis, { periodMs: asked }: TraceOptions): string {
  return asked === undefined
    ? `One row covers ${spell(periodMs)}, the usual step between rows.`
    : `One row covers ${spell(periodMs)}, as asked; the usual step between rows is ${spell(usualStepMs)}.`;
}

function unitNote(unit: TraceUnit, { hasRates, valueName }: Layout, { unit: asked }: TraceOptions): string {
  const reason = asked !== undefined ? 'as asked' : hasRates ? `from the name ${quote(valueName)}` : 'by default';
  return `Values are ${unit === 'requests-per-second' ? 'requests per second' : 'requests in each period'}, ${reason}.`;
}

/** `5 minutes`, `90 seconds`: in the largest unit that fits a whole number of times. */
function spell(durationMs: Millis): string {
  const units = [
    [DAY, 'day'],
    [HOUR, 'hour'],
    [MINUTE, 'minute'],
    [SECOND, 'second'],
  ] as const;
  const [unitMs, name] = units.find(([ms]) => durationMs % ms === 0) ?? [1, 'millisecond'];
  return counted(durationMs / unitMs, name);
}
