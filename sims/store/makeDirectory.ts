/** A directory and those above it, made one by one: in /proc Node 20 never comes back from making them all at once. */

import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** @throws what the disk says, when a directory cannot be made */
export function makeDirectory(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at);
  for (const directory of missing.toReversed()) mkdirSync(directory);
}
