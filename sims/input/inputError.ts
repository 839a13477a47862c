/** What is wrong with a file, in sentences that say where; and the bounded way in which every file is read. */

import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** One mistake in a file. Lines and columns count from 1, columns in characters. */
export interface InputProblem {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** Where in the document, as people write it: `services[0].desiredCount`. */
  readonly path?: string;
  /** What was found, and what was expected. */
  readonly message: string;
}

/** A file that cannot be used. All its mistakes at once; the message has one line for each. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly problems: readonly InputProblem[];

  constructor(problems: readonly InputProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** `scenario.yaml:11:19 services[0].desiredCount: found "two", expected a whole number`, always on one line. */
export function formatProblem({ file, line, column, path, message }: InputProblem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return printable(`${place}${path ? ` ${path}` : ''}: ${message}`);
}

/** The first `most` of `count` mistakes in a file, and a last line that says how many are left out. */
export function firstProblems(
  file: string,
  problems: readonly InputProblem[],
  most: number,
  count = problems.length,
): readonly InputProblem[] {
  const rest = count - most;
  const told = problems.slice(0, most);
  return rest > 0 ? [...told, { file, message: `and ${counted(rest, 'more problem')}` }] : told;
}

const LONGEST_QUOTE = 60;

/** A value as a message quotes it: short, on one line, and `nothing` when it is not there. */
export function quote(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${counted(value.length, 'item')}`;
  if (typeof value === 'object' && value !== null)
    return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  if (typeof value !== 'string') return `${value as number | boolean | null}`;
  if (value.length <= LONGEST_QUOTE) return JSON.stringify(value);
  const start = Array.from(value.slice(0, 2 * LONGEST_QUOTE)).slice(0, LONGEST_QUOTE);
  return JSON.stringify(`${start.join('')}…`);
}

/** `1 row`, `2 rows`, `4,031 rows`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

const MIB = 1024 * 1024;
const PIECE_BYTES = MIB;

/**
 * The bytes of a file, a piece of at most 1 MiB at a time, so that nothing larger than the limit is ever read.
 * Pipes and devices are read like files.
 *
 * @param expected  what the file should hold, as the end of a sentence: `a scenario in YAML or JSON`
 * @throws InputError when the file is missing, empty, unreadable, a directory, binary, in UTF-16 or over the limit
 */
export function* readPieces(file: string, limitBytes: number, expected: string): Generator<Buffer> {
  const refuse = (found: string) => new InputError([{ file, message: `found ${found}, expected ${expected}` }]);
  const tooLarge = () => refuse(`a file of more than ${limitBytes / MIB} MiB, which is the limit`);
  const attempt = <T>(system: () => T): T => {
    try {
      return system();
    } catch (error) {
      throw error instanceof Error && 'code' in error ? refuse(unreadable(String(error.code))) : error;
    }
  };

  const descriptor = attempt(() => openSync(file, 'r'));
  try {
    if (attempt(() => fstatSync(descriptor)).size > limitBytes) throw tooLarge();
    let total = 0;
    while (true) {
      const buffer = Buffer.allocUnsafe(PIECE_BYTES);
      const piece = buffer.subarray(
        0,
        attempt(() => readSync(descriptor, buffer)),
      );
      if (piece.length === 0) break;
      if (total === 0 && isUtf16(piece)) throw refuse('text in UTF-16 instead of UTF-8');
      if (piece.includes(0)) throw refuse(`a binary file (byte ${total + piece.indexOf(0)} is NUL)`);
      total += piece.length;
      if (total > limitBytes) throw tooLarge();
      yield piece;
    }
    if (total === 0) throw refuse('an empty file');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Whole lines of bytes as text, without a byte order mark at the start of the file.
 *
 * @param firstLine  number of the first of these lines in the file
 * @throws InputError that names the first line which is not UTF-8
 */
export function decodeLines(file: string, bytes: Buffer, firstLine = 1): string {
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    return firstLine === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text;
  }
  let line = firstLine;
  let start = 0;
  let end = bytes.indexOf('\n');
  while (end !== -1 && isUtf8(bytes.subarray(start, end))) {
    line += 1;
    start = end + 1;
    end = bytes.indexOf('\n', start);
  }
  throw new InputError([{ file, line, message: 'found bytes that are not UTF-8, expected text in UTF-8' }]);
}

function unreadable(code: string): string {
  if (code === 'ENOENT') return 'no file of this name';
  if (code === 'EISDIR') return 'a directory';
  if (code === 'EACCES' || code === 'EPERM') return 'a file that we may not read (permission denied)';
  return `a file that cannot be read (${code})`;
}

function isUtf16(bytes: Buffer): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
}

/** Control and direction characters as escapes, so that no file name or value can break a line or a terminal. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
