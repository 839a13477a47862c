/** Tables of a run as Parquet files, which DuckDB, pandas and polars read: one file for each table, written as a stream. */

import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import type { RunReader } from './runDirectory.ts';
import { batches, type Batch, type TableColumn } from './tables.ts';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

/** Rows that are held back, so that what comes up rarely is not written in crumbs. */
const ROW_GROUP = 65_536;

/** @returns the tables that came up, each in `TABLE.parquet`. @throws InputError */
export function writeParquet(reader: RunReader, directory: string, wanted: (table: string) => boolean): string[] {
  const files = new Map<string, ParquetTable>();
  for (const batch of batches(reader, wanted)) {
    let file = files.get(batch.table);
    if (file === undefined)
      files.set(batch.table, (file = new ParquetTable(join(directory, `${batch.table}.parquet`), batch.columns)));
    file.add(batch);
  }
  for (const file of files.values()) file.finish();
  return [...files.keys()];
}

const COMPRESSION = {
  codec: 'GZIP',
  compressors: { GZIP: (bytes: Uint8Array) => gzipSync(bytes, { level: 1 }) },
} as const;

class ParquetTable {
  readonly #writer: ParquetWriter;
  readonly #columns: readonly TableColumn[];
  #held: unknown[][];

  constructor(path: string, columns: readonly TableColumn[]) {
    const schema = [{ name: 'root', num_children: columns.length }, ...columns.flatMap(schemaOf)] as Schema;
    this.#writer = new ParquetWriter({ writer: fileWriter(path), schema, ...COMPRESSION, createdBy: 'seatrial' });
    this.#columns = columns;
    this.#held = columns.map(() => []);
  }

  add({ values }: Batch): void {
    for (const [index, column] of values.entries()) for (const value of column) this.#held[index]?.push(value);
    if ((this.#held[0]?.length ?? 0) >= ROW_GROUP) this.#write();
  }

  finish(): void {
    this.#write();
    // Only writers over a network answer with a promise.
    void this.#writer.finish();
  }

  #write(): void {
    const columnData = this.#columns.map(({ name, kind }, index) => {
      const data = this.#held[index] as unknown[];
      const whole = kind === 'whole' || kind === 'instant';
      return { name, data: whole ? data.map((value) => (value === null ? null : BigInt(value as number))) : data };
    });
    if (columnData[0]?.data.length === 0) return;
    void this.#writer.write({ columnData, rowGroupSize: ROW_GROUP });
    this.#held = this.#columns.map(() => []);
  }
}

const DOUBLE = { type: 'DOUBLE' };
const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8' };
const ELEMENTS = {
  whole: { type: 'INT64' },
  instant: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  number: DOUBLE,
  flag: { type: 'BOOLEAN' },
  text: TEXT,
  json: TEXT,
  numbers: DOUBLE,
  texts: TEXT,
} as const;

/** A column in Parquet's terms; a list takes three levels. */
function schemaOf({ name, kind, optional }: TableColumn): readonly object[] {
  const element = ELEMENTS[kind];
  if (kind !== 'numbers' && kind !== 'texts')
    return [{ name, repetition_type: optional ? 'OPTIONAL' : 'REQUIRED', ...element }];
  return [
    { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED', ...element },
  ];
}
