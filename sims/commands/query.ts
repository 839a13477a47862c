/** `seatrial query`: SQL over the events of a run, by DuckDB in this process. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBResult } from '@duckdb/node-api';
import Table from 'cli-table3';
import { eventDefinitions } from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';
import { formatNoun, printable } from '../report/format.ts';
import { writeParquet } from '../store/parquet.ts';
import { RunReader } from '../store/runDirectory.ts';
import { ALL_EVENTS, tableColumns } from '../store/tables.ts';

export interface QueryOptions {
  readonly json?: boolean;
}

/** Rows that a table for people shows at the most. */
const MOST_ROWS = 1_000;

/** @returns the exit code. @throws InputError */
export async function query(path: string, sql: string, { json = false }: QueryOptions): Promise<number> {
  const reader = new RunReader(path);
  const database = await duckDb();
  const folder = mkdtempSync(join(tmpdir(), 'seatrial-query-'));
  const instance = await database.create(':memory:');
  try {
    const connection = await instance.connect();
    // Only what the question names is worth reading; what else there is, is there without rows.
    const asked = new Set((sql.match(/\w+/g) ?? []).map((word) => word.toLowerCase()));
    const stored = new Set(writeParquet(reader, folder, (table) => asked.has(table.toLowerCase())));
    for (const table of [ALL_EVENTS, ...Object.keys(eventDefinitions)])
      await connection.run(
        stored.has(table)
          ? `create view "${table}" as select * from read_parquet('${join(folder, table).replaceAll("'", "''")}.parquet')`
          : `create table "${table}" (${columnsInSql(table)})`,
      );
    await answer(connection, sql, json);
  } finally {
    instance.closeSync();
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
}

async function duckDb(): Promise<typeof DuckDBInstance> {
  try {
    return (await import('@duckdb/node-api')).DuckDBInstance;
  } catch {
    throw new InputError([
      {
        file: '@duckdb/node-api',
        message:
          'found no such package, which query needs and which is optional; export --format parquet works without it',
      },
    ]);
  }
}

async function answer(connection: DuckDBConnection, sql: string, json: boolean): Promise<void> {
  if (sql.trim() === '') throw new InputError([{ file: 'sql', message: 'found nothing, expected a query' }]);
  let result: DuckDBResult;
  try {
    result = await connection.stream(sql);
  } catch (error) {
    // Of DuckDB's answer what was found; then it draws an arrow under the place.
    const [message = ''] = (error as Error).message.split('\n\nLINE');
    throw new InputError([
      { file: 'sql', message: message.replace('Failed to extract statements: ', '').replaceAll('\n', ' ') },
    ]);
  }
  const names = result.deduplicatedColumnNames();
  const print = async (text: string) => {
    if (!process.stdout.write(text)) await new Promise((resume) => process.stdout.once('drain', resume));
  };
  if (json) {
    for await (const rows of result.yieldRowObjectJs())
      await print(rows.map((row) => `${JSON.stringify(row, counted)}\n`).join(''));
    return;
  }
  const table = new Table({ head: names, style: { head: [], border: [] } });
  let count = 0;
  for await (const rows of result.yieldRowsJson())
    for (const row of rows)
      if (++count <= MOST_ROWS)
        table.push(row.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))));
  await print(
    `${printable(table.toString())}\n${formatNoun(count, 'row')}${count > MOST_ROWS ? `, the first ${MOST_ROWS} shown: --json gives all` : ''}\n`,
  );
}

/** JSON has no whole numbers of 64 bits; those that it cannot hold are written as texts. */
function counted(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

const SQL_TYPES = {
  whole: 'bigint',
  instant: 'timestamp',
  number: 'double',
  flag: 'boolean',
  text: 'varchar',
  json: 'varchar',
  numbers: 'double[]',
  texts: 'varchar[]',
} as const;

function columnsInSql(table: string): string {
  return tableColumns(table)
    .map(({ name, kind }) => `"${name}" ${SQL_TYPES[kind]}`)
    .join(', ');
}
