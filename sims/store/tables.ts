/**
 * The log as tables, for other tools: one for each type of event that came up, with a column for each of its fields, and
 * `events`, which lists all events. Every table starts with `seq`, `time` and `causedBy` (absent: the scenario).
 */

import { eventDefinitions, type NumberList, type StoredColumn } from '../../core/index.ts';
import type { RunReader } from './runDirectory.ts';

/** The table that lists all events. */
export const ALL_EVENTS = 'events';

export interface TableColumn {
  readonly name: string;
  /** `whole` numbers, `instant`s in ms since 1970, or as an event's definition has it. */
  readonly kind: StoredColumn['kind'] | 'whole' | 'instant';
  readonly optional: boolean;
}

/** Rows of one table, column by column. */
export interface Batch {
  readonly table: string;
  readonly columns: readonly TableColumn[];
  /** In the order of `columns`: numbers, texts, flags, lists; JSON as its text; null where nothing is. */
  readonly values: readonly (readonly unknown[])[];
}

const KEYS: readonly TableColumn[] = [
  { name: 'seq', kind: 'whole', optional: false },
  { name: 'time', kind: 'instant', optional: false },
  { name: 'causedBy', kind: 'whole', optional: true },
];

const ALL_COLUMNS: readonly TableColumn[] = [...KEYS, { name: 'type', kind: 'text', optional: false }];

/** The columns of a table, as this version has them. */
export function tableColumns(table: string): readonly TableColumn[] {
  if (table === ALL_EVENTS) return ALL_COLUMNS;
  const { columns } = eventDefinitions[table as keyof typeof eventDefinitions];
  const fields: readonly (readonly [string, Pick<StoredColumn, 'kind' | 'optional'>])[] = Object.entries(columns);
  return [...KEYS, ...fields.map(([name, { kind, optional }]) => ({ name, kind, optional }))];
}

/** The rows of the tables that are wanted, oldest first, some of each table at a time. @throws InputError */
export function* batches(reader: RunReader, wanted: (table: string) => boolean): Iterable<Batch> {
  for (const segment of reader.segments()) {
    const { firstSeq, count, types, atMs, causedBy, tables, texts } = segment.columns();
    const keys = (rows: readonly number[]) => [
      rows.map((row) => firstSeq + row),
      rows.map((row) => atMs[row] as number),
      rows.map((row) => (causedBy[row] === -1 ? null : (causedBy[row] as number))),
    ];
    if (wanted(ALL_EVENTS)) {
      const names = Array.from(types, (type) => (tables[type] as (typeof tables)[number]).type);
      yield {
        table: ALL_EVENTS,
        columns: ALL_COLUMNS,
        values: [...keys(Array.from({ length: count }, (_, row) => row)), names],
      };
    }
    const rowsOf = tables.map(({ type }) => (wanted(type) ? ([] as number[]) : undefined));
    for (let row = 0; row < count; row++) rowsOf[types[row] as number]?.push(row);
    for (const [index, { type, columns }] of tables.entries()) {
      const rows = rowsOf[index];
      if (rows === undefined) continue;
      yield {
        table: type,
        columns: [...KEYS, ...columns.map(({ name, kind, optional }) => ({ name, kind, optional }))],
        values: [...keys(rows), ...columns.map((column) => valuesOf(column, texts))],
      };
    }
  }
}

function valuesOf({ kind, values, ends }: StoredColumn, texts: readonly string[]): unknown[] {
  const text = (number: number) => texts[number] as string;
  switch (kind) {
    case 'number':
      return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
    case 'flag':
      return Array.from(values, (value) => value === 1);
    case 'text':
      return Array.from(values, (value) => (value === 0 ? null : text(value)));
    case 'json':
      return Array.from(values, text);
    case 'numbers':
      return listsOf(values, ends as NumberList);
    case 'texts':
      return listsOf(values, ends as NumberList).map((list) => list.map(text));
  }
}

/** By hand: Array.from over subarrays took a quarter of an export's time. */
function listsOf(values: NumberList, ends: NumberList): number[][] {
  const lists: number[][] = [];
  let next = 0;
  for (let row = 0; row < ends.length; row++) {
    const list: number[] = [];
    for (const end = ends[row] as number; next < end; next++) list.push(values[next] as number);
    lists.push(list);
  }
  return lists;
}
