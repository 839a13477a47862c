/** Files that a command writes where there is none yet. */

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { InputError } from './inputError.ts';

/** @throws InputError when there is something of this name: nothing is overwritten */
export function checkNewFile(file: string): void {
  if (existsSync(file)) throw taken(file);
}

/** Writes all of them, or none. @param files  texts by their files @throws InputError */
export function writeNewFiles(files: Readonly<Record<string, string>>): void {
  const written: string[] = [];
  for (const [file, text] of Object.entries(files))
    try {
      writeFileSync(file, text, { flag: 'wx' });
      written.push(file);
    } catch (error) {
      for (const earlier of written) rmSync(earlier);
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') throw taken(file);
      throw new InputError([
        { file, message: `found a place that cannot be written (${code}), expected a new file there` },
      ]);
    }
}

function taken(file: string): InputError {
  return new InputError([{ file, message: 'found a file of this name, expected a new one: nothing is overwritten' }]);
}
