/**
 * The event log: append-only, columnar, with a running digest.
 *
 * Events are kept in segments of 65,536. A segment holds, for each event type, its columns in growable arrays and a
 * dictionary of its texts; the event objects that readers get are made on demand. An appended event is therefore a copy
 * that nobody can change. A full segment is closed and handed to `onSegment`; a log that keeps only the last segments
 * uses the same memory after a year as after a day.
 */

import type { Message } from './decider.ts';
import { Digest, hashedText, type HashedText } from './digest.ts';
import { BrokenInvariantError } from './errors.ts';
import type { Column, EventDefinitions } from './events.ts';
import { hashText } from './rng.ts';
import type { Millis } from './time.ts';

/** An event as the log holds it. `causedBy` is the sequence number of the event that led to it; -1 is the scenario. */
export interface Recorded<E> {
  readonly seq: number;
  readonly atMs: Millis;
  readonly causedBy: number;
  readonly event: E;
}

export const SEGMENT_EVENTS = 65_536;

/** Where a log goes on from: the next sequence number, and the digest so far. */
export interface LogPosition {
  readonly seq: number;
  readonly digest: readonly [number, number];
}

export interface EventLogOptions<E> {
  /** Goes on from there (after `restore`); absent for a log that starts at 0. */
  readonly from?: LogPosition;
  /** How many closed segments to keep in memory besides the open one; absent keeps all. */
  readonly keepSegments?: number;
  /** Hears of each segment once it is full and will not change again. */
  readonly onSegment?: (segment: Iterable<Recorded<E>>) => void;
}

export class EventLog<E extends Message> implements Iterable<Recorded<E>> {
  readonly #definitions: EventDefinitions;
  readonly #typeIds: ReadonlyMap<string, number>;
  readonly #typeHashes: readonly number[];
  readonly #options: EventLogOptions<E>;
  readonly #digest: Digest;
  readonly #segments: Segment<E>[] = [];
  readonly #firstSeq: number;
  #keptFrom: number;
  #length: number;

  constructor(definitions: EventDefinitions, options: EventLogOptions<E> = {}) {
    this.#definitions = definitions;
    const types = Object.keys(definitions);
    this.#typeIds = new Map(types.map((type, id) => [type, id]));
    this.#typeHashes = types.map((type) => hashText(type));
    this.#options = options;
    this.#digest = new Digest(options.from?.digest);
    this.#firstSeq = options.from?.seq ?? 0;
    this.#keptFrom = this.#firstSeq;
    this.#length = this.#firstSeq;
  }

  /** Sequence number of the next event; the number of events when the log started at 0. */
  get length(): number {
    return this.#length;
  }

  /** Sequence number of the oldest event still in memory. */
  get keptFrom(): number {
    return this.#keptFrom;
  }

  /** Sequence number of the first event that `onSegment` has not been given yet. */
  get openFrom(): number {
    const open = this.#segments.at(-1);
    return open === undefined || open.count === SEGMENT_EVENTS ? this.#length : open.firstSeq;
  }

  /** @returns the event's sequence number. @throws BrokenInvariantError when a value does not fit its column */
  append(event: E, atMs: Millis, causedBy: number): number {
    const typeId = this.#typeIds.get(event.type);
    if (typeId === undefined) throw new BrokenInvariantError(`event type ${event.type} has no definition`);
    const seq = this.#length;
    let segment = this.#segments[this.#segments.length - 1];
    if (segment === undefined || segment.count === SEGMENT_EVENTS) segment = this.#openSegment(seq);
    this.#digest.word(this.#typeHashes[typeId] as number); // by name: a new event type changes no digest
    this.#digest.number(atMs);
    this.#digest.number(causedBy);
    segment.append(typeId, event, atMs, causedBy, this.#digest);
    this.#length = seq + 1;
    if (segment.count === SEGMENT_EVENTS) this.#options.onSegment?.(segment);
    return seq;
  }

  /** @throws RangeError when `seq` is not in memory */
  at(seq: number): Recorded<E> {
    return this.#segmentOf(seq).read(seq);
  }

  /** Sequence number of the first kept event after the instant `atMs` (= `length` when there is none). */
  firstAfter(atMs: Millis): number {
    let low = this.#keptFrom;
    let high = this.#length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#segmentOf(middle).atMs(middle) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  *[Symbol.iterator](): Iterator<Recorded<E>> {
    for (let seq = this.#keptFrom; seq < this.#length; seq++) yield this.at(seq);
  }

  /** Digest of everything ever appended, sixteen hexadecimal digits. */
  digest(): string {
    return this.#digest.toString();
  }

  position(): LogPosition {
    return { seq: this.#length, digest: this.#digest.state() };
  }

  #openSegment(seq: number): Segment<E> {
    const keep = (this.#options.keepSegments ?? Number.POSITIVE_INFINITY) + 1;
    const segment = new Segment<E>(seq, this.#definitions);
    this.#segments.push(segment);
    while (this.#segments.length > keep) this.#segments.shift();
    this.#keptFrom = (this.#segments[0] as Segment<E>).firstSeq;
    return segment;
  }

  #segmentOf(seq: number): Segment<E> {
    const first = this.#segments[0];
    const index = first === undefined ? -1 : Math.floor((seq - first.firstSeq) / SEGMENT_EVENTS);
    const segment = this.#segments[index];
    if (segment === undefined || seq >= this.#length) throw new RangeError(`event ${seq} is not in memory`);
    return segment;
  }
}

/** Up to 65,536 consecutive events: when, what type, why, and the row in its type's table. */
class Segment<E extends Message> implements Iterable<Recorded<E>> {
  readonly firstSeq: number;
  count = 0;
  readonly #typeIds = new GrowingNumbers();
  readonly #atMs = new GrowingNumbers();
  readonly #causedBy = new GrowingNumbers();
  readonly #rows = new GrowingNumbers();
  readonly #tables: readonly Table[];

  constructor(firstSeq: number, definitions: EventDefinitions) {
    this.firstSeq = firstSeq;
    const dictionary = new Dictionary();
    this.#tables = Object.entries(definitions).map(([type, { columns }]) => new Table(type, columns, dictionary));
  }

  append(typeId: number, event: E, atMs: Millis, causedBy: number, digest: Digest): void {
    const row = (this.#tables[typeId] as Table).append(event, digest);
    this.#typeIds.push(typeId);
    this.#atMs.push(atMs);
    this.#causedBy.push(causedBy);
    this.#rows.push(row);
    this.count++;
  }

  atMs(seq: number): Millis {
    return this.#atMs.at(seq - this.firstSeq);
  }

  read(seq: number): Recorded<E> {
    const index = seq - this.firstSeq;
    const typeId = this.#typeIds.at(index);
    const event = (this.#tables[typeId] as Table).read(this.#rows.at(index)) as unknown as E;
    return { seq, atMs: this.#atMs.at(index), causedBy: this.#causedBy.at(index), event };
  }

  *[Symbol.iterator](): Iterator<Recorded<E>> {
    for (let index = 0; index < this.count; index++) yield this.read(this.firstSeq + index);
  }
}

/** The rows of one event type within a segment. */
class Table {
  readonly #names: readonly string[];
  readonly #stores: readonly Store[];
  /** What events are copied from: with every field, unless some may be absent (a frame in 0.6 us instead of 1.7). */
  readonly #blank: Readonly<Record<string, unknown>>;
  #rows = 0;

  constructor(type: string, columns: Readonly<Record<string, Column>>, dictionary: Dictionary) {
    this.#names = Object.keys(columns);
    this.#stores = Object.values(columns).map(({ kind, optional }) => makeStore[kind](dictionary, optional));
    const hasOptional = Object.values(columns).some(({ optional }) => optional);
    const fields = hasOptional ? [] : this.#names.map((name) => [name, null] as const);
    this.#blank = JSON.parse(JSON.stringify({ type, ...Object.fromEntries(fields) })) as Record<string, unknown>;
    for (const [name, { kind, optional }] of Object.entries(columns))
      if (optional && kind !== 'number' && kind !== 'text')
        throw new BrokenInvariantError(`column ${name} of kind ${kind} cannot be optional`);
  }

  append(event: Message, digest: Digest): number {
    const fields = event as unknown as Record<string, unknown>;
    for (let index = 0; index < this.#names.length; index++) {
      const name = this.#names[index] as string;
      const trouble = (this.#stores[index] as Store).append(fields[name], digest);
      if (trouble !== undefined) throw new BrokenInvariantError(`event ${event.type}: ${name} ${trouble}`);
    }
    return this.#rows++;
  }

  read(row: number): Record<string, unknown> {
    const event = { ...this.#blank };
    for (let index = 0; index < this.#names.length; index++) {
      const value = (this.#stores[index] as Store).read(row);
      if (value !== undefined) event[this.#names[index] as string] = value;
    }
    return event;
  }
}

/** Texts of one segment, each stored and hashed once. Number 0 stands for "absent". */
class Dictionary {
  readonly #texts: HashedText[] = [hashedText('')];
  readonly #ids = new Map<string, number>();

  /** The number of a text, which is also taken into the digest. */
  add(text: string, digest: Digest): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#texts.length;
      this.#texts.push(hashedText(text));
      this.#ids.set(text, id);
    }
    digest.text(this.#texts[id] as HashedText);
    return id;
  }

  text(id: number): string {
    return (this.#texts[id] as HashedText).text;
  }
}

/** One column. `append` answers with what is wrong with the value, or nothing. */
interface Store {
  append(value: unknown, digest: Digest): string | undefined;
  read(row: number): unknown;
}

class NumberStore implements Store {
  readonly #values = new GrowingNumbers();
  readonly #optional: boolean;

  constructor(optional: boolean) {
    this.#optional = optional;
  }

  append(value: unknown, digest: Digest): string | undefined {
    if (value === undefined && this.#optional) {
      this.#values.push(Number.NaN);
      digest.absent();
      return undefined;
    }
    if (!Number.isFinite(value)) return `must be a finite number, got ${String(value)}`;
    this.#values.push(value as number);
    digest.number(value as number);
    return undefined;
  }

  read(row: number): number | undefined {
    const value = this.#values.at(row);
    return Number.isNaN(value) ? undefined : value;
  }
}

class FlagStore implements Store {
  readonly #values = new GrowingNumbers();

  append(value: unknown, digest: Digest): string | undefined {
    if (typeof value !== 'boolean') return `must be true or false, got ${String(value)}`;
    this.#values.push(Number(value));
    digest.word(Number(value));
    return undefined;
  }

  read(row: number): boolean {
    return this.#values.at(row) === 1;
  }
}

class TextStore implements Store {
  readonly #ids = new GrowingNumbers();
  readonly #dictionary: Dictionary;
  readonly #optional: boolean;

  constructor(dictionary: Dictionary, optional: boolean) {
    this.#dictionary = dictionary;
    this.#optional = optional;
  }

  append(value: unknown, digest: Digest): string | undefined {
    if (value === undefined && this.#optional) {
      this.#ids.push(0);
      digest.absent();
      return undefined;
    }
    if (typeof value !== 'string') return `must be a text, got ${String(value)}`;
    this.#ids.push(this.#dictionary.add(value, digest));
    return undefined;
  }

  read(row: number): string | undefined {
    const id = this.#ids.at(row);
    return id === 0 ? undefined : this.#dictionary.text(id);
  }
}

/** Lists: all values in one array, and where each row's values end. */
class NumbersStore implements Store {
  readonly #values = new GrowingNumbers();
  readonly #ends = new GrowingNumbers();

  append(value: unknown, digest: Digest): string | undefined {
    if (!Array.isArray(value)) return `must be a list of numbers, got ${String(value)}`;
    digest.word(value.length);
    for (const item of value as readonly unknown[]) {
      if (!Number.isFinite(item)) return `must hold finite numbers only, got ${String(item)}`;
      this.#values.push(item as number);
      digest.number(item as number);
    }
    this.#ends.push(this.#values.length);
    return undefined;
  }

  read(row: number): number[] {
    return this.#values.slice(row === 0 ? 0 : this.#ends.at(row - 1), this.#ends.at(row));
  }
}

class TextsStore implements Store {
  readonly #ids = new GrowingNumbers();
  readonly #ends = new GrowingNumbers();
  readonly #dictionary: Dictionary;

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  append(value: unknown, digest: Digest): string | undefined {
    if (!Array.isArray(value)) return `must be a list of texts, got ${String(value)}`;
    digest.word(value.length);
    for (const item of value as readonly unknown[]) {
      if (typeof item !== 'string') return `must hold texts only, got ${String(item)}`;
      this.#ids.push(this.#dictionary.add(item, digest));
    }
    this.#ends.push(this.#ids.length);
    return undefined;
  }

  read(row: number): string[] {
    const ids = this.#ids.slice(row === 0 ? 0 : this.#ends.at(row - 1), this.#ends.at(row));
    return ids.map((id) => this.#dictionary.text(id));
  }
}

class JsonStore implements Store {
  readonly #texts: TextStore;

  constructor(dictionary: Dictionary) {
    this.#texts = new TextStore(dictionary, false);
  }

  append(value: unknown, digest: Digest): string | undefined {
    return jsonTrouble(value) ?? this.#texts.append(JSON.stringify(value), digest);
  }

  read(row: number): unknown {
    return JSON.parse(this.#texts.read(row) as string);
  }
}

/** Why a value would not come back from JSON as it went in; undefined when it would. */
function jsonTrouble(value: unknown): string | undefined {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return undefined;
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : `must hold finite numbers only, got ${value}`;
  if (typeof value !== 'object') return `must be plain JSON, got ${typeof value}`;
  const isList = Array.isArray(value);
  if (!isList && Object.getPrototypeOf(value) !== Object.prototype)
    return `must be plain JSON, got ${Object.prototype.toString.call(value)}`;
  for (const item of isList ? (value as readonly unknown[]) : Object.values(value)) {
    const trouble = jsonTrouble(item);
    if (trouble !== undefined) return trouble;
  }
  return undefined;
}

const makeStore: Readonly<Record<Column['kind'], (dictionary: Dictionary, optional: boolean) => Store>> = {
  number: (_, optional) => new NumberStore(optional),
  flag: () => new FlagStore(),
  text: (dictionary, optional) => new TextStore(dictionary, optional),
  numbers: () => new NumbersStore(),
  texts: (dictionary) => new TextsStore(dictionary),
  json: (dictionary) => new JsonStore(dictionary),
};

/** A list of doubles that grows by doubling. */
class GrowingNumbers {
  #values = new Float64Array(4);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  at(index: number): number {
    return this.#values[index] as number;
  }

  slice(from: number, to: number): number[] {
    const values: number[] = []; // ten times as fast as Array.from over a subarray
    for (let index = from; index < to; index++) values.push(this.#values[index] as number);
    return values;
  }
}
