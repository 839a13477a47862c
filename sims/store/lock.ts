/** One writer at a time: a file that names the process. One that a killed process has left behind is taken over. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../input/inputError.ts';

/** @returns what gives it back. @throws InputError when another process writes there */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, 'lock');
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = ownerOf(path);
    if (owner !== undefined && isAlive(owner))
      throw new InputError([
        {
          file: directory,
          message: `found process ${owner} writing here, expected nobody; if that process is no seatrial, remove ${path}`,
        },
      ]);
    rmSync(path, { force: true });
  }
  return () => rmSync(path, { force: true });
}

function ownerOf(path: string): number | undefined {
  try {
    const owner = Number(readFileSync(path, 'utf8'));
    return Number.isSafeInteger(owner) && owner > 0 ? owner : undefined;
  } catch {
    return undefined; // it has just been given back
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
