/**
 * A piece of the log: consecutive events, column by column.
 *
 * A segment holds, for each event type, its columns in growable arrays and a dictionary of its texts; the event objects that
 * readers get are made on demand. An appended event is therefore a copy that nobody can change.
 */

import type { Message } from './decider.ts';
import { Dictionary } from './dictionary.ts';
import type { Digest } from './digest.ts';
import type { EventDefinition } from './events.ts';
import { BrokenInvariantError } from './errors.ts';
import { GrowingList, type NumberList } from './numberList.ts';
import { Table, type TableColumns, type TableRoom } from './table.ts';
import type { Millis } from './time.ts';

/** An event as the log holds it. `causedBy` is the sequence number of the event that led to it; -1 is the scenario. */
export interface Recorded<E> {
  readonly seq: number;
  readonly atMs: Millis;
  readonly causedBy: number;
  readonly event: E;
}

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

/** What a segment holds at the most: so many events, or numbers and texts (16 MB): frames of many services are long. */
export const SEGMENT_EVENTS = 65_536;
export const SEGMENT_VALUES = 2_097_152;
/** How often its values are counted. */
const COUNTED_EVERY = 256;

/** Room that a segment has needed: a guess for the next one. */
export interface SegmentRoom {
  readonly events: number;
  /** By the numbers of types. */
  readonly tables: readonly (TableRoom | undefined)[];
}

export class Segment<E extends Message> implements Iterable<Recorded<E>> {
  readonly firstSeq: number;
  /** It takes no more events. */
  isFull = false;
  readonly #types: GrowingList;
  readonly #atMs: GrowingList;
  readonly #causedBy: GrowingList;
  readonly #rows: GrowingList;
  /** By the numbers of types; a type that has not come up has none. */
  readonly #tables: (Table | undefined)[];
  readonly #dictionary: Dictionary;
  readonly #openTable: (typeId: number) => Table;

  private constructor(
    firstSeq: number,
    dictionary: Dictionary,
    tables: (Table | undefined)[],
    openTable: (typeId: number) => Table,
    types: GrowingList,
    atMs: GrowingList,
    causedBy: GrowingList,
    rows: GrowingList,
  ) {
    this.firstSeq = firstSeq;
    this.#dictionary = dictionary;
    this.#tables = tables;
    this.#openTable = openTable;
    this.#types = types;
    this.#atMs = atMs;
    this.#causedBy = causedBy;
    this.#rows = rows;
  }

  /** One without events yet. @param types  what the numbers of types stand for */
  static opened<E extends Message>(
    firstSeq: number,
    types: readonly (readonly [string, EventDefinition])[],
    room?: SegmentRoom,
  ): Segment<E> {
    const dictionary = new Dictionary();
    const openTable = (typeId: number) => {
      const [type, definition] = types[typeId] as readonly [string, EventDefinition];
      return Table.opened(type, definition, dictionary, room?.tables[typeId]);
    };
    const list = () => GrowingList.withRoom(room?.events);
    const tables = types.map(() => undefined);
    return new Segment<E>(firstSeq, dictionary, tables, openTable, list(), list(), list(), list());
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
      tables.map((columns) => Table.of(columns, dictionary)),
      takesNone,
      GrowingList.of(types),
      GrowingList.of(atMs),
      GrowingList.of(causedBy),
      GrowingList.of(rows),
    );
  }

  get count(): number {
    return this.#types.length;
  }

  get room(): SegmentRoom {
    return { events: this.count, tables: this.#tables.map((table) => table?.room) };
  }

  /** @throws BrokenInvariantError when a value does not fit its column */
  append(typeId: number, event: E, atMs: Millis, causedBy: number, digest: Digest): void {
    const row = (this.#tables[typeId] ??= this.#openTable(typeId)).append(event, digest);
    this.#types.push(typeId);
    this.#atMs.push(atMs);
    this.#causedBy.push(causedBy);
    this.#rows.push(row);
    this.isFull =
      this.count === SEGMENT_EVENTS || (this.count % COUNTED_EVERY === 0 && this.#values() >= SEGMENT_VALUES);
  }

  #values(): number {
    return this.#tables.reduce((sum, table) => sum + (table?.size ?? 0), 0);
  }

  atMs(seq: number): Millis {
    return this.#atMs.at(seq - this.firstSeq);
  }

  read(seq: number): Recorded<E> {
    const index = seq - this.firstSeq;
    const table = this.#tables[this.#types.at(index)] as Table;
    const event = table.read(this.#rows.at(index)) as unknown as E;
    return { seq, atMs: this.#atMs.at(index), causedBy: this.#causedBy.at(index), event };
  }

  *[Symbol.iterator](): Iterator<Recorded<E>> {
    for (let index = 0; index < this.count; index++) yield this.read(this.firstSeq + index);
  }

  /** The columns as they are now. They share the numbers with the segment, which writes only behind them. */
  columns(): SegmentColumns {
    const used = this.#tables.flatMap((table, typeId) => (table === undefined ? [] : [[typeId, table] as const]));
    const places = new Map(used.map(([typeId], place) => [typeId, place]));
    return {
      firstSeq: this.firstSeq,
      count: this.count,
      types: this.#types.all().map((typeId) => places.get(typeId) as number),
      atMs: this.#atMs.all(),
      causedBy: this.#causedBy.all(),
      tables: used.map(([, table]) => table.stored()),
      texts: this.#dictionary.all(),
    };
  }
}

function takesNone(): never {
  throw new BrokenInvariantError('a segment that was read takes no events');
}
