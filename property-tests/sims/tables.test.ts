/** The log for other tools: what DuckDB and CSV readers find in the tables is what the log holds. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { parse } from 'csv-parse/sync';
import { eventDefinitions } from '../../core/index.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';
import { writeParquet } from '../../sims/store/parquet.ts';
import { RunDirectory, RunReader } from '../../sims/store/runDirectory.ts';
import { ALL_EVENTS, tableColumns } from '../../sims/store/tables.ts';
import { sail } from '../../sims/voyage.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
after(() => rmSync(folder, { recursive: true }));

function seatrial(...rest: readonly string[]) {
  const words = ['--import', 'tsx', 'sims/cli.ts', ...rest];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const run = join(folder, 'run');
const loaded = loadScenario(join(root, 'sims/scenarios/flash-crowd.yaml'), { days: 1.6 });
const directory = RunDirectory.create(run, loaded, 'test');
const { summary, activities } = await sail(loaded, {
  engineVersion: 'test',
  onSegment: (segment) => directory.append(segment),
});
directory.finish(summary, activities);
const events = [...new RunReader(run).events()];

/** An event as a row of its table. */
function rowOf({ seq, atMs, causedBy, event }: (typeof events)[number]): Record<string, unknown> {
  const columns = Object.entries(eventDefinitions[event.type].columns as Record<string, { readonly kind: string }>);
  const fields = columns.map(([name, { kind }]) => {
    const value = (event as unknown as Record<string, unknown>)[name] ?? null;
    return [name, kind === 'json' ? JSON.stringify(value) : value];
  });
  return { seq, time: new Date(atMs), causedBy: causedBy === -1 ? null : causedBy, ...Object.fromEntries(fields) };
}

test('Parquet files, read by DuckDB, hold every event with every field', async () => {
  const out = join(folder, 'parquet');
  mkdirSync(out);
  const tables = writeParquet(new RunReader(run), out, () => true);
  assert.deepEqual(new Set(tables), new Set([ALL_EVENTS, ...events.map(({ event }) => event.type)]));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const table of tables) {
    const result = await connection.runAndReadAll(`from '${join(out, table)}.parquet' order by seq`);
    const rows = result.getRowObjectsJS().map((row) => ({
      ...row,
      seq: Number(row['seq']),
      causedBy: row['causedBy'] === null ? null : Number(row['causedBy']),
    }));
    const expected =
      table === ALL_EVENTS
        ? events.map(({ seq, atMs, causedBy, event: { type } }) => ({
            seq,
            time: new Date(atMs),
            causedBy: causedBy === -1 ? null : causedBy,
            type,
          }))
        : events.filter(({ event }) => event.type === table).map(rowOf);
    assert.deepEqual(rows, expected, table);
    assert.deepEqual(
      result.columnNames(),
      tableColumns(table).map(({ name }) => name),
    );
  }
  instance.closeSync();
});

test('CSV files hold the same', () => {
  const out = join(folder, 'csv');
  assert.equal(seatrial('export', run, '--format', 'csv', '--out', out).status, 0);
  const files = readdirSync(out).map((name) => name.replace('.csv', ''));
  assert.deepEqual(new Set(files), new Set([ALL_EVENTS, ...events.map(({ event }) => event.type)]));
  const written = (value: unknown): unknown => {
    if (value === null) return '';
    if (value instanceof Date) return value.toISOString();
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  for (const type of files.filter((name) => name !== ALL_EVENTS)) {
    const rows = parse(readFileSync(join(out, `${type}.csv`)), { columns: true });
    const expected = events
      .filter(({ event }) => event.type === type)
      .map((recorded) =>
        Object.fromEntries(Object.entries(rowOf(recorded)).map(([key, item]) => [key, written(item)])),
      );
    assert.deepEqual(rows, expected, type);
  }
});

test('query answers in SQL, also about what never came up; what it cannot answer is told with exit code 2', () => {
  const counted = seatrial('query', run, 'select count(*) n, min(time) as earliest from taskplaced', '--json');
  const placed = events.filter(({ event }) => event.type === 'TaskPlaced');
  assert.deepEqual(JSON.parse(counted.stdout), {
    n: placed.length,
    earliest: new Date(placed[0]?.atMs as number).toISOString(),
  });
  const absent = Object.keys(eventDefinitions).find((type) => !events.some(({ event }) => event.type === type));
  assert.match(seatrial('query', run, `select * from ${absent}`).stdout, /│ seq │ time.*\n[^]*0 rows/);
  for (const [sql, expected] of [
    ['selec 1', /^sql: Parser Error: syntax error at or near "selec"$/m],
    ['select * from TaskPlacd', /Did you mean "TaskPlaced"/],
  ] as const) {
    const { status, stderr } = seatrial('query', run, sql);
    assert.equal(status, 2);
    assert.match(stderr, expected);
  }
});

test('an export is whole or not there, and overwrites nothing', () => {
  const out = join(folder, 'taken');
  mkdirSync(out);
  writeFileSync(join(out, 'mine.txt'), 'mine');
  const { status, stderr } = seatrial('export', run, '--format', 'parquet', '--out', out);
  assert.equal(status, 2);
  assert.match(stderr, /found something there already, expected a new or empty directory/);
  assert.deepEqual(readdirSync(out), ['mine.txt']);
  assert.match(seatrial('export', run, '--format', 'parquet').stderr, /without --out, expected a directory/);
  assert.match(seatrial('export', run, '--type', 'TaskPlacd').stderr, /did you mean "TaskPlaced"/);
  const nowhere = join(folder, 'nowhere');
  const broken = join(folder, 'broken');
  mkdirSync(broken);
  assert.equal(seatrial('export', broken, '--format', 'csv', '--out', nowhere).status, 2);
  assert.equal(existsSync(nowhere), false);
});
