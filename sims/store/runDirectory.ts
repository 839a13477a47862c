/**
 * A run on disk: what is needed to repeat it (manifest with the scenario, traces), what happened (the log in chunks, and
 * checkpoints between them), and what it came to (scaling activities as AWS lists them, summary); all of it in one chain.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type {
  EcsCheckpoint,
  EcsSimulation,
  Event,
  PriceList,
  Recorded,
  ScalingActivityDescription,
  Scenario,
  TraceSeries,
} from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';
import type { LoadedScenario } from '../input/scenarioFile.ts';
import type { RunSummary } from '../report/summary.ts';
import { Chain, readLinked, readLinks, type Link } from './chain.ts';
import { decodeCheckpoint, encodeCheckpoint } from './checkpointFile.ts';
import { decodeChunk, encodeChunk } from './chunk.ts';
import { lockDirectory } from './lock.ts';

/** Version of this layout. */
const FORMAT = 2;
/** Events of a chunk; the last one of a run has fewer. */
export const CHUNK_EVENTS = 65_536;

interface Manifest {
  readonly format: number;
  readonly engine: { readonly name: string; readonly version: string };
  readonly runtime: Readonly<Record<string, string | undefined>>;
  readonly seed: number;
  readonly scenario: Scenario;
  readonly traces: readonly {
    readonly name: string;
    readonly copy: string;
    readonly series: string;
    readonly sha256: string;
  }[];
  readonly prices: PriceList;
  readonly notes: readonly string[];
}

/** Writes a run. */
export class RunDirectory {
  readonly #path: string;
  readonly #chain: Chain;
  readonly #unlock: () => void;
  /** Events that no chunk holds yet. */
  #open: Recorded<Event>[] = [];
  #written: number;

  private constructor(path: string, chain: Chain, unlock: () => void, written: number) {
    this.#path = path;
    this.#chain = chain;
    this.#unlock = unlock;
    this.#written = written;
  }

  /** @throws InputError when the path is taken or cannot be written */
  static create(path: string, loaded: LoadedScenario, engineVersion: string): RunDirectory {
    return told(path, () => {
      if (existsSync(path) && (!statSync(path).isDirectory() || readdirSync(path).length > 0))
        throw new InputError([
          { file: path, message: 'found something there already, expected a new or empty directory' },
        ]);
      mkdirSync(path, { recursive: true });
      const unlock = lockDirectory(path);
      const chain = new Chain(path);
      const { scenario, traceFiles, traces, prices, notes } = loaded;
      const { node, v8, tz } = process.versions;
      for (const folder of ['events', 'checkpoints', ...(traceFiles.length > 0 ? ['traces'] : [])])
        mkdirSync(join(path, folder));
      const manifest: Manifest = {
        format: FORMAT,
        engine: { name: 'seatrial', version: engineVersion },
        runtime: { node, v8, tz },
        seed: scenario.seed,
        scenario,
        traces: traceFiles.map(({ name, file, sha256 }, index) => {
          const copy = `traces/${index + 1}-${basename(file)}`;
          return { name, copy, series: `${copy}.json`, sha256 };
        }),
        prices,
        notes,
      };
      for (const [index, { name, copy, series }] of manifest.traces.entries()) {
        chain.append(copy, readFileSync((traceFiles[index] as LoadedScenario['traceFiles'][number]).file));
        chain.append(series, jsonBytes(traces.get(name)));
      }
      // Last: what has a manifest has all that repeats the run.
      chain.append('manifest.json', jsonBytes(manifest));
      return new RunDirectory(path, chain, unlock, 0);
    });
  }

  /**
   * Goes on with a run that was interrupted or killed: from the last checkpoint that its whole chunks reach.
   *
   * @returns the directory, and where to go on from; undefined: the run is complete. @throws InputError
   */
  static resume(path: string): { readonly directory: RunDirectory; readonly from: Resumption | undefined } | undefined {
    if (new RunReader(path).isComplete) return undefined;
    const unlock = told(path, () => lockDirectory(path));
    try {
      return told(path, () => RunDirectory.#reopen(path, unlock));
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Drops what was not whole when the run ended, and finds where to go on. The directory is ours. */
  static #reopen(
    path: string,
    unlock: () => void,
  ): { readonly directory: RunDirectory; readonly from: Resumption | undefined } {
    const reader = new RunReader(path);
    const { links } = reader;
    const whole = links.filter(({ events }) => events === CHUNK_EVENTS);
    const stored = whole.length * CHUNK_EVENTS;
    const firstUnfit = links.findIndex(
      ({ file, events }) =>
        file === 'summary.json' ||
        file === 'scaling-activities.json' ||
        (events !== undefined && events < CHUNK_EVENTS),
    );
    const chain = new Chain(path, links);
    for (let index = 0; index < links.length; index++) readLinked(path, links, index);
    chain.cutTo(firstUnfit === -1 ? links.length : firstUnfit);
    const known = new Set(chain.links.map(({ file }) => file));
    for (const folder of ['events', 'checkpoints'])
      for (const name of readdirSync(join(path, folder)))
        if (!known.has(`${folder}/${name}`)) rmSync(join(path, folder, name));
    const index = chain.links.findLastIndex(({ seq }) => seq !== undefined && seq <= stored);
    const checkpoint = index === -1 ? undefined : decodeCheckpoint(readLinked(path, chain.links, index));
    const from = checkpoint === undefined ? undefined : { checkpoint, events: reader.events(0, checkpoint.log.seq) };
    return { directory: new RunDirectory(path, chain, unlock, stored), from };
  }

  /** Takes events in their order; those that are stored already are passed over. @throws InputError when the disk is full */
  append(events: Iterable<Recorded<Event>>): void {
    told(this.#path, () => {
      for (const recorded of events) {
        if (recorded.seq < this.#written) continue;
        this.#open.push(recorded);
        if (this.#open.length === CHUNK_EVENTS) this.#writeChunk();
      }
    });
  }

  /**
   * Writes a checkpoint where the run has just filled a chunk; asked after each hop, so that a run that was resumed, too, has its
   * checkpoints after the hops that fill chunks.
   */
  checkpoint(simulation: EcsSimulation): void {
    if (this.#chain.links.at(-1)?.events === undefined || simulation.log.length < this.#written) return;
    const checkpoint = simulation.checkpoint();
    const { atMs, log } = checkpoint;
    const file = `checkpoints/${numbered(log.seq)}.json.br`;
    told(this.#path, () => this.#chain.append(file, encodeCheckpoint(checkpoint), { seq: log.seq, atMs }));
  }

  /** @throws InputError like `append` */
  finish(summary: RunSummary, activities: readonly ScalingActivityDescription[]): void {
    told(this.#path, () => {
      if (this.#open.length > 0) this.#writeChunk();
      this.#chain.append('scaling-activities.json', jsonBytes({ ScalingActivities: activities }));
      this.#chain.append('summary.json', jsonBytes(summary), { digest: summary.digest });
      this.#unlock();
    });
  }

  #writeChunk(): void {
    const firstSeq = this.#written;
    const events = this.#open.length;
    this.#chain.append(`events/${numbered(firstSeq)}.chunk`, encodeChunk(this.#open), { firstSeq, events });
    this.#written += events;
    this.#open = [];
  }
}

/** Where an interrupted run goes on: a checkpoint, and the events before it. */
export interface Resumption {
  readonly checkpoint: EcsCheckpoint;
  readonly events: Iterable<Recorded<Event>>;
}

/** Reads a run. */
export class RunReader {
  readonly links: readonly Link[];
  readonly #path: string;
  #manifest: Manifest | undefined;
  /** The chunk read last. */
  #decoded: { readonly index: number; readonly events: readonly Recorded<Event>[] } | undefined;

  /** @throws InputError when there is no run */
  constructor(path: string) {
    this.#path = path;
    this.links = readLinks(path);
  }

  /** The run has sailed to its end. */
  get isComplete(): boolean {
    return this.summary()?.complete === true;
  }

  /** What the run came to; undefined when it was killed before it could tell. @throws InputError */
  summary(): RunSummary | undefined {
    const index = this.links.findIndex(({ file }) => file === 'summary.json');
    if (index === -1) return undefined;
    return JSON.parse(readLinked(this.#path, this.links, index).toString('utf8')) as RunSummary;
  }

  /** How many events are stored. */
  get length(): number {
    return this.links.reduce((sum, { events = 0 }) => sum + events, 0);
  }

  /** All that repeats the run. @throws InputError */
  loaded(): LoadedScenario {
    const { scenario, traces, prices, notes } = this.#read();
    return {
      scenario,
      traces: new Map(traces.map(({ name, series }) => [name, this.#json(series) as TraceSeries])),
      traceFiles: traces.map(({ name, copy, sha256 }) => ({ name, file: join(this.#path, copy), sha256 })),
      prices,
      notes,
    };
  }

  /** Events from one number to another, which is not included; each chunk is read when its turn comes. @throws InputError */
  *events(from = 0, to = Number.POSITIVE_INFINITY): Iterable<Recorded<Event>> {
    for (const [index, { firstSeq, events }] of this.links.entries()) {
      if (firstSeq === undefined || events === undefined || firstSeq + events <= from || firstSeq >= to) continue;
      for (const recorded of this.#chunk(index)) if (recorded.seq >= from && recorded.seq < to) yield recorded;
    }
  }

  /** @throws InputError */
  event(seq: number): Recorded<Event> {
    const [recorded] = this.events(seq, seq + 1);
    return recorded as Recorded<Event>;
  }

  /** The newest checkpoint at or before an instant; undefined: only the start is. @throws InputError */
  checkpointAt(atMs: number): EcsCheckpoint | undefined {
    const index = this.links.findLastIndex((link) => link.seq !== undefined && (link.atMs as number) <= atMs);
    return index === -1 ? undefined : decodeCheckpoint(readLinked(this.#path, this.links, index));
  }

  #chunk(index: number): readonly Recorded<Event>[] {
    if (this.#decoded?.index !== index)
      this.#decoded = { index, events: decodeChunk(readLinked(this.#path, this.links, index)) };
    return this.#decoded.events;
  }

  #read(): Manifest {
    if (this.#manifest !== undefined) return this.#manifest;
    const manifest = this.#json('manifest.json') as Manifest;
    if (manifest.format !== FORMAT)
      throw new InputError([
        { file: this.#path, message: `found a run of format ${manifest.format}, expected format ${FORMAT}` },
      ]);
    return (this.#manifest = manifest);
  }

  #json(file: string): unknown {
    const index = this.links.findIndex((link) => link.file === file);
    if (index === -1) throw new InputError([{ file: this.#path, message: `found no ${file}, expected a run's` }]);
    return JSON.parse(readLinked(this.#path, this.links, index).toString('utf8'));
  }
}

function numbered(seq: number): string {
  return String(seq).padStart(12, '0');
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** What the disk refuses is told in a sentence, not as a stack trace. */
function told<Value>(path: string, action: () => Value): Value {
  try {
    return action();
  } catch (error) {
    // Errors of the file system have a code, such as ENOSPC.
    if (error instanceof InputError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new InputError([{ file: path, message: (error as Error).message }]);
  }
}
