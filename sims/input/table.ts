/** Tables in CSV with a header, each row held against a schema. */

import { CsvError, parse } from 'csv-parse/sync';
import type { z } from 'zod';
import { decodeLines } from './file.ts';
import { firstProblems, InputError, quote, type InputProblem } from './inputError.ts';

const MOST_PROBLEMS = 20;

/**
 * The rows of a file, in its order. Columns that the schema does not know are not read.
 *
 * @param expected  what the file should hold, as the end of a sentence
 * @param problemOf  what is wrong with a row that the schema lets pass
 * @throws InputError with the first 20 mistakes and the number of the others
 */
export function readTable<Shape extends z.ZodRawShape>(
  file: string,
  bytes: Buffer,
  schema: z.ZodObject<Shape>,
  expected: string,
  problemOf: (row: z.output<z.ZodObject<Shape>>) => string | undefined,
): readonly z.output<z.ZodObject<Shape>>[] {
  const problems: InputProblem[] = [];
  const rows: z.output<z.ZodObject<Shape>>[] = [];
  for (const { record, info } of recordsOf(file, decodeLines(file, bytes), schema, expected)) {
    const problem = (message: string) => problems.push({ file, line: info.lines, message });
    const result = schema.safeParse(record);
    if (!result.success)
      for (const { path, message } of result.error.issues)
        problem(`${String(path[0])}: found ${quote(record[String(path[0])])}, ${message}`);
    else {
      const wrong = problemOf(result.data);
      if (wrong === undefined) rows.push(result.data);
      else problem(wrong);
    }
  }
  if (problems.length > 0) throw new InputError(firstProblems(file, problems, MOST_PROBLEMS));
  if (rows.length === 0) throw new InputError([{ file, message: `found no rows, expected ${expected}` }]);
  return rows;
}

interface CsvRecord {
  readonly record: Readonly<Record<string, string>>;
  readonly info: { readonly lines: number };
}

function recordsOf(file: string, text: string, schema: z.ZodObject, expected: string): readonly CsvRecord[] {
  const all = Object.keys(schema.shape);
  const columns = (header: string[]) => {
    const missing = all.filter(
      (name) => !header.includes(name) && !(schema.shape[name] as z.ZodType).safeParse(undefined).success,
    );
    if (missing.length > 0)
      throw new InputError([
        { file, line: 1, message: `found no column ${missing.join(', ')}, expected ${all.join(', ')}` },
      ]);
    return header;
  };
  try {
    return parse(text, { columns, info: true, skip_empty_lines: true }) as unknown as readonly CsvRecord[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new InputError([
      { file, message: `found a table that cannot be read (${error.message}), expected ${expected}` },
    ]);
  }
}
