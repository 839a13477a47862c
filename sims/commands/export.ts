/** `seatrial export`: the log of a run for other tools, as lines of JSON, CSV or Parquet. */

import { appendFileSync, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { eventDefinitions } from '../../core/index.ts';
import { didYouMean } from '../input/document.ts';
import { InputError } from '../input/inputError.ts';
import { formatNoun } from '../report/format.ts';
import { makeDirectory } from '../store/makeDirectory.ts';
import { writeParquet } from '../store/parquet.ts';
import { RunReader } from '../store/runDirectory.ts';
import { ALL_EVENTS, batches, type Batch } from '../store/tables.ts';
import { print } from '../report/print.ts';

export const EXPORT_FORMATS = ['ndjson', 'csv', 'parquet'] as const;

export interface ExportOptions {
  readonly format: (typeof EXPORT_FORMATS)[number];
  /** Only events of these types. */
  readonly type: readonly string[];
  /** A new directory; without one, standard output. */
  readonly out?: string;
}

/** @returns the exit code. @throws InputError */
export async function exportRun(path: string, { format, type: types, out }: ExportOptions): Promise<number> {
  const names = [...Object.keys(eventDefinitions), ...(format === 'ndjson' ? [] : [ALL_EVENTS])];
  for (const type of types)
    if (!names.includes(type))
      throw new InputError([
        {
          file: path,
          message: `--type: found "${type}", expected a type of event, such as TaskPlaced${didYouMean(type, names)}`,
        },
      ]);
  const reader = new RunReader(path);
  const wanted = (table: string) => types.length === 0 || types.includes(table);
  if (out === undefined) {
    const trouble =
      format === 'parquet'
        ? 'found --format parquet without --out, expected a directory for its files'
        : format === 'csv' && types.length !== 1
          ? `found --format csv with ${formatNoun(types.length, 'type')}, expected one --type, or a directory as --out`
          : undefined;
    if (trouble !== undefined) throw new InputError([{ file: path, message: trouble }]);
    for (const text of format === 'csv' ? csv(batches(reader, wanted)) : lines(reader, wanted))
      if (!process.stdout.write(text)) await new Promise((resume) => process.stdout.once('drain', resume));
    return 0;
  }
  const files = inNewDirectory(out, (part) => {
    if (format === 'parquet') return writeParquet(reader, part, wanted);
    if (format === 'csv') return writeCsv(reader, part, wanted);
    for (const text of lines(reader, wanted)) appendFileSync(join(part, 'events.ndjson'), text);
    return ['events'];
  });
  print(`${out}: ${formatNoun(files.length, 'file')} of ${format}\n`);
  return 0;
}

const LINES_AT_ONCE = 4_096;

/** `{"seq":…,"atMs":…,"causedBy":…,"event":{"type":…}}`, an event a line. */
function* lines(reader: RunReader, wanted: (type: string) => boolean): Iterable<string> {
  let text = '';
  let count = 0;
  for (const recorded of reader.events()) {
    if (!wanted(recorded.event.type)) continue;
    text += `${JSON.stringify(recorded)}\n`;
    if (++count % LINES_AT_ONCE !== 0) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** One table; a head line first. */
function* csv(parts: Iterable<Batch>): Iterable<string> {
  let isFirst = true;
  for (const batch of parts) {
    yield csvText(batch, isFirst);
    isFirst = false;
  }
}

function writeCsv(reader: RunReader, directory: string, wanted: (table: string) => boolean): string[] {
  const started = new Set<string>();
  for (const batch of batches(reader, wanted)) {
    appendFileSync(join(directory, `${batch.table}.csv`), csvText(batch, !started.has(batch.table)));
    started.add(batch.table);
  }
  return [...started];
}

/** Instants in ISO 8601, lists and nested values as JSON, nothing for what is absent. */
function csvText({ columns, values }: Batch, header: boolean): string {
  const cells = values.map((column, index) => {
    if (columns[index]?.kind === 'instant') return column.map((atMs) => new Date(atMs as number).toISOString());
    return column.map((value) => (Array.isArray(value) ? JSON.stringify(value) : value));
  });
  const rows = (cells[0] ?? []).map((_, row) => cells.map((column) => column[row]));
  return stringify(rows, {
    header,
    columns: columns.map(({ name }) => name),
    cast: { boolean: String },
  });
}

/** Nothing is there before all of it is. */
function inNewDirectory<Value>(out: string, write: (part: string) => Value): Value {
  if (existsSync(out) && (!statSync(out).isDirectory() || readdirSync(out).length > 0))
    throw new InputError([{ file: out, message: 'found something there already, expected a new or empty directory' }]);
  const part = `${out}.part`;
  try {
    rmSync(part, { recursive: true, force: true });
    makeDirectory(part);
    const value = write(part);
    renameSync(part, out);
    return value;
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new InputError([{ file: out, message: (error as Error).message }]);
  }
}
