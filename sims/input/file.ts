/** The bounded way in which every file is read. */

import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { InputError } from './inputError.ts';

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
      throw error instanceof Error && 'code' in error ? refuse(unreadable(file, String(error.code))) : error;
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

function unreadable(file: string, code: string): string {
  if (code === 'ENOENT') return 'no file of this name';
  if (code === 'EISDIR') return directory(file);
  if (code === 'EACCES' || code === 'EPERM') return 'a file that we may not read (permission denied)';
  return `a file that cannot be read (${code})`;
}

const MOST_NAMES = 4;

/** With what it holds: one of these may be meant. */
function directory(path: string): string {
  const names = readdirSync(path).filter((name) => !name.startsWith('.'));
  const told = names.toSorted().slice(0, MOST_NAMES).join(', ');
  return `a directory${told === '' ? '' : ` with ${told}${names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''} in it`}`;
}

function isUtf16(bytes: Buffer): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
}
