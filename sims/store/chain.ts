/**
 * The chain of a run directory: one line for each file in the order of their writing, each with a SHA-256 over the one before it,
 * what the line says and the bytes of the file. Whoever changes, swaps, cuts or removes a file breaks it there.
 */

import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../input/inputError.ts';

const CHAIN_FILE = 'chain.ndjson';

/** A file of the run, and what it holds. */
export interface Link {
  readonly file: string;
  readonly sha256: string;
  /** Of a chunk of the log. */
  readonly firstSeq?: number;
  readonly events?: number;
  /** Of the last chunk of a run that ended before the chunk was full. */
  readonly partial?: boolean;
  /** Of a checkpoint: the number of the next event, and the instant. */
  readonly seq?: number;
  readonly atMs?: number;
  /** Of the last link: the run is over. */
  readonly digest?: string;
}

type What = Omit<Link, 'file' | 'sha256'>;

export class Chain {
  readonly #directory: string;
  readonly #links: Link[];

  /** @param links  those that are there already */
  constructor(directory: string, links: readonly Link[] = []) {
    this.#directory = directory;
    this.#links = [...links];
  }

  get links(): readonly Link[] {
    return this.#links;
  }

  /** Writes a file and its link. A crash in between leaves a file without a link, which is no part of the run. */
  append(file: string, bytes: Uint8Array, what: What = {}): void {
    const path = join(this.#directory, file);
    replaceFile(path, bytes);
    const link = { file, ...what, sha256: linkHash(this.#links.at(-1)?.sha256, { file, ...what }, bytes) };
    appendFileSync(join(this.#directory, CHAIN_FILE), `${JSON.stringify(link)}\n`);
    this.#links.push(link);
  }

  /** Keeps the first links, and forgets those after them and what a crash has left of another. */
  cutTo(count: number): void {
    this.#links.length = count;
    const lines = this.#links.map((link) => `${JSON.stringify(link)}\n`);
    replaceFile(join(this.#directory, CHAIN_FILE), Buffer.from(lines.join('')));
  }
}

/** The file has either its old bytes or all of the new ones, whatever happens. */
function replaceFile(path: string, bytes: Uint8Array): void {
  const part = `${path}.part`;
  try {
    const handle = openSync(part, 'w');
    try {
      for (let offset = 0; offset < bytes.length;) offset += writeSync(handle, bytes, offset);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

function linkHash(before: string | undefined, link: Omit<Link, 'sha256'>, bytes: Uint8Array): string {
  return createHash('sha256')
    .update(`${before ?? ''}\n${JSON.stringify(link)}\n`)
    .update(bytes)
    .digest('hex');
}

const HASH = /^[0-9a-f]{64}$/;

/** The links of a run directory; a last line that a crash has cut short is left out. @throws InputError */
export function readLinks(directory: string): readonly Link[] {
  const path = join(directory, CHAIN_FILE);
  if (!existsSync(path)) throw new InputError([{ file: directory, message: noRun(directory) }]);
  const lines = readFileSync(path, 'utf8').split('\n');
  const links: Link[] = [];
  for (const [index, line] of lines.entries()) {
    // Without its line feed a line was being written.
    if (index === lines.length - 1) break;
    let link: Partial<Link> = {};
    try {
      link = JSON.parse(line) as Partial<Link>;
    } catch {
      // told below, like a link that lacks something
    }
    if (typeof link?.file !== 'string' || !HASH.test(link.sha256 ?? ''))
      throw new InputError([
        { file: path, line: index + 1, message: 'found what is no link, expected a file and its SHA-256' },
      ]);
    links.push(link as Link);
  }
  return links;
}

/** Why there is no run in a directory; of one that holds runs, as that of a comparison, which they are. */
function noRun(directory: string): string {
  if (!existsSync(directory)) return 'found nothing of this name, expected a directory of run --out';
  const isFile = !statSync(directory).isDirectory();
  if (isFile) return 'found a file, expected a directory of run --out';
  const runs = readdirSync(directory).filter((name) => existsSync(join(directory, name, CHAIN_FILE)));
  const within = runs.map((name) => join(directory, name)).join(' and ');
  return `found no ${CHAIN_FILE}, expected a directory of run --out${runs.length === 0 ? '' : `: ${within}`}`;
}

/** Reads the file of a link. @throws InputError when it is not what was written */
export function readLinked(directory: string, links: readonly Link[], index: number): Buffer {
  const { sha256, ...link } = links[index] as Link;
  const { file } = link;
  const path = join(directory, file);
  if (!existsSync(path))
    throw new InputError([{ file: path, message: 'found nothing, expected the file that the run has written' }]);
  const bytes = readFileSync(path);
  if (linkHash(links[index - 1]?.sha256, link, bytes) !== sha256)
    throw new InputError([{ file: path, message: 'found other bytes than the run has written: its SHA-256 differs' }]);
  return bytes;
}
