/** The rows of one event type within a segment, column by column. */

import { ColumnStore, type StoredColumn } from './column.ts';
import type { Message } from './decider.ts';
import type { Dictionary } from './dictionary.ts';
import type { Digest } from './digest.ts';
import { BrokenInvariantError } from './errors.ts';
import type { EventDefinition } from './events.ts';

export interface TableColumns {
  readonly type: string;
  readonly rows: number;
  readonly columns: readonly StoredColumn[];
}

/** How many values each column has held: a guess for the same table of the next segment. */
export type TableRoom = readonly number[];

export class Table {
  readonly #type: string;
  readonly #columns: readonly ColumnStore[];
  /** What events are copied from: with every field, unless some may be absent (a frame in 0.6 us instead of 1.7). */
  readonly #blank: Readonly<Record<string, unknown>>;
  #rows = 0;

  private constructor(type: string, columns: readonly ColumnStore[], hasOptional: boolean) {
    this.#type = type;
    this.#columns = columns;
    const blanks = hasOptional ? [] : columns.map(({ name }) => [name, null] as const);
    this.#blank = JSON.parse(JSON.stringify({ type, ...Object.fromEntries(blanks) })) as Record<string, unknown>;
  }

  /** One without rows. */
  static opened(type: string, { columns }: EventDefinition, dictionary: Dictionary, room?: TableRoom): Table {
    const stores = Object.entries(columns).map(([name, column], index) =>
      ColumnStore.opened(name, column, dictionary, room?.[index] ?? 0),
    );
    return new Table(type, stores, Object.values(columns).some(isOptional));
  }

  /** One that can only be read. */
  static of({ type, columns, rows }: TableColumns, dictionary: Dictionary): Table {
    const stores = columns.map((column) => ColumnStore.of(column, dictionary));
    const table = new Table(type, stores, columns.some(isOptional));
    table.#rows = rows;
    return table;
  }

  /** How many numbers and texts it holds. */
  get size(): number {
    return this.#columns.reduce((sum, { length }) => sum + length, 0);
  }

  get room(): TableRoom {
    return this.#columns.map(({ length }) => length);
  }

  /** @returns the row. @throws BrokenInvariantError when a value does not fit its column */
  append(event: Message, digest: Digest): number {
    const values = event as unknown as Readonly<Record<string, unknown>>;
    for (const column of this.#columns) {
      const trouble = column.append(values[column.name], digest);
      if (trouble !== undefined) throw new BrokenInvariantError(`event ${event.type}: ${column.name} ${trouble}`);
    }
    return this.#rows++;
  }

  read(row: number): Record<string, unknown> {
    const event = { ...this.#blank };
    for (const column of this.#columns) {
      const value = column.read(row);
      if (value !== undefined) event[column.name] = value;
    }
    return event;
  }

  stored(): TableColumns {
    return { type: this.#type, rows: this.#rows, columns: this.#columns.map((column) => column.stored()) };
  }
}

function isOptional({ optional }: { readonly optional: boolean }): boolean {
  return optional;
}
