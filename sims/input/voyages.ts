/** The voyages that ship: scenarios that are known by their bare names, from whatever folder one asks. */

import { existsSync, readdirSync } from 'node:fs';
import { basename, extname, isAbsolute, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { duration, type Millis } from '../../core/index.ts';
import { readDocument } from './document.ts';
import { InputError } from './inputError.ts';

const FOLDER = fileURLToPath(new URL('../scenarios/', import.meta.url));
const EXTENSION = '.yaml';

export interface ShippedVoyage {
  readonly name: string;
  /** Where its scenario is. */
  readonly file: string;
  /** What one learns from it, in a sentence. */
  readonly teaches: string;
  readonly durationMs: Millis;
}

const summary = z.looseObject({ teaches: z.string(), duration });

/** By name. */
export function shippedVoyages(): readonly ShippedVoyage[] {
  return voyageNames().map((name) => {
    const file = voyageFile(name);
    const { teaches, duration: durationMs } = readDocument(file, summary).value;
    return { name, file, teaches, durationMs };
  });
}

/**
 * The file of a scenario that is named on the command line: a path, or the bare name of a voyage that ships. A file of that
 * name goes first.
 *
 * @throws InputError for a bare name that is neither, with the voyage that is likely meant
 */
export function scenarioFile(given: string): string {
  const names = voyageNames();
  if (existsSync(given)) return given;
  if (names.includes(given)) return voyageFile(given);
  if (basename(given) !== given || !['', EXTENSION].includes(extname(given))) return given;
  const [likely] = names
    .map((name) => ({ name, edits: distance(basename(given, EXTENSION), name) }))
    .toSorted((a, b) => a.edits - b.edits);
  const meant = likely !== undefined && likely.edits <= MOST_EDITS ? ` (did you mean ${likely.name}?)` : '';
  throw new InputError([
    {
      file: given,
      message: `found no file of this name, expected a scenario file or a voyage that ships${meant}; seatrial scenarios lists them`,
    },
  ]);
}

/** A name that differs more was not a slip of the finger. */
const MOST_EDITS = 4;

function voyageNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => basename(file, EXTENSION))
    .toSorted();
}

/** From where one is, when it lies below. */
function voyageFile(name: string): string {
  const file = `${FOLDER}${name}${EXTENSION}`;
  const below = relative(process.cwd(), file);
  return below.startsWith('..') || isAbsolute(below) ? file : below;
}
