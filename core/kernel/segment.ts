/**
 * A piece of the log: consecutive events, column by column.
 *
 * A segment holds, for each event type, its columns in growable arrays and a dictionary of its texts; the event objects that
 * readers get are made on demand. An appended event is therefore a copy that nobody can change.
 */

import type { Message } from './decider.ts';
import { hashedText, type Digest, type HashedText } from './digest.ts';
import { BrokenInvariantError } from './errors.ts';
import type { Column, EventDefinitions } from './events.ts';
import type { Millis } from './time.ts';

/** An event as the log holds it. `causedBy` is the sequence number of the event that led to it; -1 is the scenario. */
export interface Recorded<E> {
  readonly seq: number;
  readonly atMs: Millis;
  readonly causedBy: number;
  readonly event: E;
}

/** Numbers in whatever width holds them. */
export type NumberList = Float64Array | Int32Array | Int16Array | Int8Array;

/** A segment as its columns: what a file is made of, and what can be made into a segment again. */
export interface SegmentColumns {
  readonly firstSeq: number;
  readonly count: number;
  /** Of each event the place of its type in `tables`. */
  readonly types: NumberList;
  readonly atMs: NumberList;
  readonly causedBy: NumberList;
  /** Of each type that comes up. Rows are in the order of the events. */
  readonly tables: readonly TableColumns[];
  /** By their numbers; number 0 is the text that is absent. */
  readonly texts: readonly string[];
}

export interface TableColumns {
  readonly type: string;
  readonly rows: number;
  readonly columns: readonly StoredColumn[];
}

export interface StoredColumn extends Pick<Column, 'kind' | 'optional'> {
  readonly name: string;
  /** A number that is absent is NaN; flags are 0 and 1; texts, and JSON as text, are numbers of `texts`. */
  readonly values: NumberList;
  /** Of lists: where the values of each row end. */
  readonly ends?: NumberList;
}

/** What a segment holds at the most: so many events, or numbers and texts (16 MB): frames of many services are long. */
export const SEGMENT_EVENTS = 65_536;
export const SEGMENT_VALUES = 2_097_152;
/** How often its values are counted. */
const COUNTED_EVERY = 256;

export class Segment<E extends Message> implements Iterable<Recorded<E>> {
  readonly firstSeq: number;
  /** It takes no more events. */
  isFull = false;
  readonly #types: Numbers;
  readonly #atMs: Numbers;
  readonly #causedBy: Numbers;
  readonly #rows: Numbers;
  readonly #tables: readonly Table[];
  readonly #dictionary: Dictionary;

  private constructor(
    firstSeq: number,
    dictionary: Dictionary,
    tables: readonly Table[],
    types = new Numbers(),
    atMs = new Numbers(),
    causedBy = new Numbers(),
    rows = new Numbers(),
  ) {
    this.firstSeq = firstSeq;
    this.#dictionary = dictionary;
    this.#tables = tables;
    this.#types = types;
    this.#atMs = atMs;
    this.#causedBy = causedBy;
    this.#rows = rows;
  }

  /** One without events yet; the numbers of their types are the places in `definitions`. */
  static opened<E extends Message>(firstSeq: number, definitions: EventDefinitions): Segment<E> {
    const dictionary = new Dictionary();
    const tables = Object.entries(definitions).map(([type, { columns }]) => {
      const fields = Object.entries(columns).map(([name, { kind, optional }]) => ({ name, kind, optional }));
      return new Table(type, fields, dictionary);
    });
    return new Segment<E>(firstSeq, dictionary, tables);
  }

  /** One that can only be read. */
  static of<E extends Message>({ firstSeq, types, atMs, causedBy, tables, texts }: SegmentColumns): Segment<E> {
    const dictionary = new Dictionary(texts);
    const taken = tables.map(() => 0);
    const rows = new Float64Array(types.length);
    for (let index = 0; index < types.length; index++) {
      const type = types[index] as number;
      rows[index] = taken[type] as number;
      taken[type] = (taken[type] as number) + 1;
    }
    return new Segment<E>(
      firstSeq,
      dictionary,
      tables.map(({ type, columns, rows: count }) => new Table(type, columns, dictionary, count)),
      new Numbers(types),
      new Numbers(atMs),
      new Numbers(causedBy),
      new Numbers(rows),
    );
  }

  get count(): number {
    return this.#types.length;
  }

  /** @throws BrokenInvariantError when a value does not fit its column */
  append(typeId: number, event: E, atMs: Millis, causedBy: number, digest: Digest): void {
    const row = (this.#tables[typeId] as Table).append(event, digest);
    this.#types.push(typeId);
    this.#atMs.push(atMs);
    this.#causedBy.push(causedBy);
    this.#rows.push(row);
    this.isFull =
      this.count === SEGMENT_EVENTS || (this.count % COUNTED_EVERY === 0 && this.#values() >= SEGMENT_VALUES);
  }

  #values(): number {
    return this.#tables.reduce((sum, table) => sum + table.values, 0);
  }

  atMs(seq: number): Millis {
    return this.#atMs.at(seq - this.firstSeq);
  }

  read(seq: number): Recorded<E> {
    const index = seq - this.firstSeq;
    const event = (this.#tables[this.#types.at(index)] as Table).read(this.#rows.at(index)) as unknown as E;
    return { seq, atMs: this.#atMs.at(index), causedBy: this.#causedBy.at(index), event };
  }

  *[Symbol.iterator](): Iterator<Recorded<E>> {
    for (let index = 0; index < this.count; index++) yield this.read(this.firstSeq + index);
  }

  /** The columns as they are now. They share the numbers with the segment, which writes only behind them. */
  columns(): SegmentColumns {
    const used = this.#tables.flatMap((table, typeId) => (table.rows > 0 ? [typeId] : []));
    const places = new Map(used.map((typeId, place) => [typeId, place]));
    return {
      firstSeq: this.firstSeq,
      count: this.count,
      types: this.#types.all().map((typeId) => places.get(typeId) as number),
      atMs: this.#atMs.all(),
      causedBy: this.#causedBy.all(),
      tables: used.map((typeId) => (this.#tables[typeId] as Table).stored()),
      texts: this.#dictionary.all(),
    };
  }
}

type Field = Pick<StoredColumn, 'name' | 'kind' | 'optional'> & Partial<StoredColumn>;

/** The rows of one event type within a segment. */
class Table {
  readonly #type: string;
  readonly #fields: readonly Field[];
  readonly #names: readonly string[];
  readonly #stores: readonly Store[];
  /** What events are copied from: with every field, unless some may be absent (a frame in 0.6 us instead of 1.7). */
  readonly #blank: Readonly<Record<string, unknown>>;
  rows: number;

  constructor(type: string, fields: readonly Field[], dictionary: Dictionary, rows = 0) {
    this.#type = type;
    this.rows = rows;
    this.#fields = fields;
    this.#names = fields.map(({ name }) => name);
    this.#stores = fields.map((field) => makeStore[field.kind](field, dictionary));
    const hasOptional = fields.some(({ optional }) => optional);
    const blanks = hasOptional ? [] : this.#names.map((name) => [name, null] as const);
    this.#blank = JSON.parse(JSON.stringify({ type, ...Object.fromEntries(blanks) })) as Record<string, unknown>;
    for (const { name, kind, optional } of fields)
      if (optional && kind !== 'number' && kind !== 'text')
        throw new BrokenInvariantError(`column ${name} of kind ${kind} cannot be optional`);
  }

  get values(): number {
    return this.#stores.reduce((sum, { values }) => sum + values.length, 0);
  }

  append(event: Message, digest: Digest): number {
    const values = event as unknown as Record<string, unknown>;
    for (let index = 0; index < this.#names.length; index++) {
      const name = this.#names[index] as string;
      const trouble = (this.#stores[index] as Store).append(values[name], digest);
      if (trouble !== undefined) throw new BrokenInvariantError(`event ${event.type}: ${name} ${trouble}`);
    }
    return this.rows++;
  }

  read(row: number): Record<string, unknown> {
    const event = { ...this.#blank };
    for (let index = 0; index < this.#names.length; index++) {
      const value = (this.#stores[index] as Store).read(row);
      if (value !== undefined) event[this.#names[index] as string] = value;
    }
    return event;
  }

  stored(): TableColumns {
    const columns = this.#fields.map(({ name, kind, optional }, index) => {
      const { values, ends } = this.#stores[index] as Store;
      return { name, kind, optional, values: values.all(), ...(ends === undefined ? {} : { ends: ends.all() }) };
    });
    return { type: this.#type, rows: this.rows, columns };
  }
}

/** Texts of one segment, each stored and hashed once. Number 0 stands for "absent". */
class Dictionary {
  readonly #texts: string[];
  readonly #hashed: HashedText[] = [hashedText('')];
  readonly #ids = new Map<string, number>();

  constructor(texts: readonly string[] = ['']) {
    this.#texts = [...texts];
  }

  /** The number of a text, which is also taken into the digest. */
  add(text: string, digest: Digest): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#texts.length;
      this.#texts.push(text);
      this.#hashed.push(hashedText(text));
      this.#ids.set(text, id);
    }
    digest.text(this.#hashed[id] as HashedText);
    return id;
  }

  text(id: number): string {
    return this.#texts[id] as string;
  }

  all(): readonly string[] {
    return [...this.#texts];
  }
}

/** One column. `append` answers with what is wrong with the value, or nothing. */
interface Store {
  readonly values: Numbers;
  readonly ends?: Numbers;
  append(value: unknown, digest: Digest): string | undefined;
  read(row: number): unknown;
}

class NumberStore implements Store {
  readonly values: Numbers;
  readonly #optional: boolean;

  constructor({ values, optional }: Field) {
    this.values = new Numbers(values);
    this.#optional = optional;
  }

  append(value: unknown, digest: Digest): string | undefined {
    if (value === undefined && this.#optional) {
      this.values.push(Number.NaN);
      digest.absent();
      return undefined;
    }
    if (!Number.isFinite(value)) return `must be a finite number, got ${String(value)}`;
    this.values.push(value as number);
    digest.number(value as number);
    return undefined;
  }

  read(row: number): number | undefined {
    const value = this.values.at(row);
    return Number.isNaN(value) ? undefined : value;
  }
}

class FlagStore implements Store {
  readonly values: Numbers;

  constructor({ values }: Field) {
    this.values = new Numbers(values);
  }

  append(value: unknown, digest: Digest): string | undefined {
    if (typeof value !== 'boolean') return `must be true or false, got ${String(value)}`;
    this.values.push(Number(value));
    digest.word(Number(value));
    return undefined;
  }

  read(row: number): boolean {
    return this.values.at(row) === 1;
  }
}

class TextStore implements Store {
  readonly values: Numbers;
  readonly #dictionary: Dictionary;
  readonly #optional: boolean;

  constructor({ values, optional }: Field, dictionary: Dictionary) {
    this.values = new Numbers(values);
    this.#dictionary = dictionary;
    this.#optional = optional;
  }

  append(value: unknown, digest: Digest): string | undefined {
    if (value === undefined && this.#optional) {
      this.values.push(0);
      digest.absent();
      return undefined;
    }
    if (typeof value !== 'string') return `must be a text, got ${String(value)}`;
    this.values.push(this.#dictionary.add(value, digest));
    return undefined;
  }

  read(row: number): string | undefined {
    const id = this.values.at(row);
    return id === 0 ? undefined : this.#dictionary.text(id);
  }
}

/** Lists: all values in one array, and where each row's values end. */
class NumbersStore implements Store {
  readonly values: Numbers;
  readonly ends: Numbers;

  constructor({ values, ends }: Field) {
    this.values = new Numbers(values);
    this.ends = new Numbers(ends);
  }

  append(value: unknown, digest: Digest): string | undefined {
    if (!Array.isArray(value)) return `must be a list of numbers, got ${String(value)}`;
    const from = this.values.length;
    const list = value as readonly unknown[];
    const values = this.values.grow(list.length);
    for (let index = 0; index < list.length; index++) {
      const item = list[index];
      if (!Number.isFinite(item)) return `must hold finite numbers only, got ${String(item)}`;
      values[from + index] = item as number;
    }
    digest.word(list.length);
    digest.numbers(values, from, from + list.length);
    this.ends.push(from + list.length);
    return undefined;
  }

  read(row: number): number[] {
    return this.values.slice(row === 0 ? 0 : this.ends.at(row - 1), this.ends.at(row));
  }
}

class TextsStore implements Store {
  readonly values: Numbers;
  readonly ends: Numbers;
  readonly #dictionary: Dictionary;

  constructor({ values, ends }: Field, dictionary: Dictionary) {
    this.values = new Numbers(values);
    this.ends = new Numbers(ends);
    this.#dictionary = dictionary;
  }

  append(value: unknown, digest: Digest): string | undefined {
    if (!Array.isArray(value)) return `must be a list of texts, got ${String(value)}`;
    digest.word(value.length);
    for (const item of value as readonly unknown[]) {
      if (typeof item !== 'string') return `must hold texts only, got ${String(item)}`;
      this.values.push(this.#dictionary.add(item, digest));
    }
    this.ends.push(this.values.length);
    return undefined;
  }

  read(row: number): string[] {
    const ids = this.values.slice(row === 0 ? 0 : this.ends.at(row - 1), this.ends.at(row));
    return ids.map((id) => this.#dictionary.text(id));
  }
}

class JsonStore implements Store {
  readonly #texts: TextStore;

  constructor(field: Field, dictionary: Dictionary) {
    this.#texts = new TextStore(field, dictionary);
  }

  get values(): Numbers {
    return this.#texts.values;
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

const makeStore: Readonly<Record<Column['kind'], (field: Field, dictionary: Dictionary) => Store>> = {
  number: (field) => new NumberStore(field),
  flag: (field) => new FlagStore(field),
  text: (field, dictionary) => new TextStore(field, dictionary),
  numbers: (field) => new NumbersStore(field),
  texts: (field, dictionary) => new TextsStore(field, dictionary),
  json: (field, dictionary) => new JsonStore(field, dictionary),
};

/** A list of doubles that grows by doubling, or a list of numbers that is only read. */
class Numbers {
  #values: NumberList;
  length: number;

  constructor(values?: NumberList) {
    this.#values = values ?? new Float64Array(4);
    this.length = values?.length ?? 0;
  }

  push(value: number): void {
    if (this.length === this.#values.length) this.#enlarge(this.length + 1);
    this.#values[this.length++] = value;
  }

  /** Makes the list longer. @returns what holds it: the caller writes the new places */
  grow(by: number): Float64Array {
    this.length += by;
    if (this.length > this.#values.length) this.#enlarge(this.length);
    return this.#values as Float64Array;
  }

  at(index: number): number {
    return this.#values[index] as number;
  }

  slice(from: number, to: number): number[] {
    const values: number[] = []; // ten times as fast as Array.from over a subarray
    for (let index = from; index < to; index++) values.push(this.#values[index] as number);
    return values;
  }

  all(): NumberList {
    return this.#values.subarray(0, this.length);
  }

  #enlarge(least: number): void {
    const larger = new Float64Array(Math.max(least, 2 * this.#values.length));
    larger.set(this.#values);
    this.#values = larger;
  }
}
