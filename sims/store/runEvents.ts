/** The events of a run directory, read back one by one: a run of months does not fit into memory. */

import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { Event, Recorded } from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';

/** @throws InputError when there is no log, or a line of it cannot be read */
export async function* runEvents(directory: string): AsyncIterable<Recorded<Event>> {
  const file = join(directory, 'events.ndjson.gz');
  if (!existsSync(file))
    throw new InputError([
      { file: directory, message: 'found no events.ndjson.gz, expected a directory of run --out' },
    ]);
  // An error of the source does not travel through a pipe: it must be handed on.
  const unpacked = createGunzip();
  createReadStream(file)
    .on('error', (error) => unpacked.destroy(error))
    .pipe(unpacked);
  let line = 0;
  try {
    for await (const text of createInterface({ input: unpacked, crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      yield JSON.parse(text) as Recorded<Event>;
    }
  } catch (error) {
    throw new InputError([{ file, line, message: `found what is no log: ${(error as Error).message}` }]);
  }
}
