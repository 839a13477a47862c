/**
 * A run on disk: what is needed to repeat it (manifest with the scenario, traces), what happened (the log in chunks, and
 * checkpoints between them), and what it came to (scaling activities as AWS lists them, summary); all of it in one chain.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  MODEL_VERSION,
  Segment,
  SEGMENT_EVENTS,
  startOf,
  type EcsCheckpoint,
  type EcsSimulation,
  type Event,
  type JobTrace,
  type PriceList,
  type Recorded,
  type ScalingActivityDescription,
  type Scenario,
  type TraceSeries,
} from '../../core/index.ts';
import { ENGINE_VERSION } from '../engine.ts';
import { InputError } from '../input/inputError.ts';
import type { LoadedScenario } from '../input/scenarioFile.ts';
import type { RunSummary } from '../report/summary.ts';
import { Chain, readLinked, readLinks, type Link } from './chain.ts';
import { decodeCheckpoint, encodeCheckpoint } from './checkpointFile.ts';
import { decodeChunk, encodeChunk } from './chunk.ts';
import { lockDirectory } from './lock.ts';
import { makeDirectory } from './makeDirectory.ts';

/** Version of this layout. */
const FORMAT = 3;

/** Events between checkpoints at the least: what a look at an instant writes into the world, at about 2 us each. */
const CHECKPOINT_EVENTS = SEGMENT_EVENTS / 2;

/** What a run of an engine before 0.3.0 does not say, which knew no jobs. */
const NO_JOBS = { jobs: [] };

interface Manifest {
  readonly format: number;
  readonly engine: { readonly name: string; readonly version: string };
  /** Version of the rules: what the scenario leads to. */
  readonly modelVersion: number;
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
  /** Of a branch of another run. */
  readonly branches?: LoadedScenario['branches'];
}

/** Writes a run. */
export class RunDirectory {
  readonly #path: string;
  readonly #chain: Chain;
  readonly #unlock: () => void;
  /** How many events the chunks hold. */
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
      const isNew = !existsSync(path);
      if (!isNew && (!statSync(path).isDirectory() || readdirSync(path).length > 0))
        throw new InputError([
          { file: path, message: 'found something there already, expected a new or empty directory' },
        ]);
      makeDirectory(path);
      const unlock = lockDirectory(path);
      try {
        const chain = new Chain(path);
        writeBeginning(path, chain, loaded, engineVersion);
        return new RunDirectory(path, chain, unlock, 0);
      } catch (error) {
        for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
        if (isNew) rmdirSync(path);
        throw error;
      }
    });
  }

  /**
   * Goes on with a run that was interrupted or killed: from the last checkpoint that its whole chunks reach.
   *
   * @returns the directory, and where to go on from; undefined: the run is complete. @throws InputError also when it was sailed
   *   with another engine
   */
  static resume(path: string): { readonly directory: RunDirectory; readonly from: Resumption | undefined } | undefined {
    const reader = new RunReader(path);
    if (reader.isComplete) return undefined;
    if (!reader.isOfThisEngine)
      throw new InputError([
        {
          file: path,
          message: `found a run that was sailed with ${reader.sailedWith}, expected one of this engine: that one goes on with it`,
        },
      ]);
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
    const stored = links.reduce((sum, { events = 0, partial }) => sum + (partial === true ? 0 : events), 0);
    const firstUnfit = links.findIndex(
      ({ file, partial }) => file === 'summary.json' || file === 'scaling-activities.json' || partial === true,
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

  /** Takes the whole chunks and the checkpoints of another run as they are, up to where a branch parts from it. */
  takeOver(reader: RunReader, { atMs, log: { seq: end } }: EcsCheckpoint): void {
    this.#write(() => {
      for (const [index, { sha256: _, file, ...what }] of reader.links.entries()) {
        const { firstSeq = 0, events, partial, seq } = what;
        const isChunk = events !== undefined && partial !== true && firstSeq + events <= end;
        const isCheckpoint = seq !== undefined && (what.atMs as number) <= atMs;
        if (!isChunk && !isCheckpoint) continue;
        this.#chain.append(file, reader.bytes(index), what);
        if (isChunk) this.#written += events;
      }
    });
  }

  /**
   * Writes a segment as a chunk, unless it is stored already. Only the last one of a run may be less than full.
   *
   * @throws InputError when the disk is full: `seatrial resume` goes on from what is written
   */
  append(segment: Segment<Event>): void {
    const { firstSeq, count: events } = segment;
    if (firstSeq < this.#written) return;
    const file = `events/${numbered(firstSeq)}.chunk`;
    const what = { firstSeq, events, ...(segment.isFull ? {} : { partial: true }) };
    this.#write(() => this.#chain.append(file, encodeChunk(segment.columns()), what));
    this.#written += events;
  }

  /**
   * Writes a checkpoint where the run has just filled a chunk and the one before is far back; asked after each hop, so that a
   * run that was resumed, too, has its checkpoints after the hops that fill chunks.
   */
  checkpoint(simulation: EcsSimulation): void {
    const { links } = this.#chain;
    if (links.at(-1)?.events === undefined || simulation.log.length < this.#written) return;
    const before = links.findLast(({ seq }) => seq !== undefined)?.seq ?? 0;
    if (simulation.log.length - before < CHECKPOINT_EVENTS) return;
    this.#write(() => writeCheckpoint(this.#chain, simulation.checkpoint()));
  }

  /** @throws InputError like `append` */
  finish(summary: RunSummary, activities: readonly ScalingActivityDescription[]): void {
    this.#write(() => {
      this.#chain.append('scaling-activities.json', jsonBytes({ ScalingActivities: activities }));
      this.#chain.append('summary.json', jsonBytes(summary), { digest: summary.digest });
    });
    this.#unlock();
  }

  /** When the disk refuses, the directory is given back as it is. */
  #write(action: () => void): void {
    try {
      told(this.#path, action, '; what is written stays, and seatrial resume goes on from there');
    } catch (error) {
      this.#unlock();
      throw error;
    }
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
  /** The segment read last. */
  #decoded: { readonly index: number; readonly segment: Segment<Event> } | undefined;

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
    const summary = JSON.parse(readLinked(this.#path, this.links, index).toString('utf8')) as RunSummary;
    return { ...NO_JOBS, ...summary };
  }

  /** How many events are stored. */
  get length(): number {
    return this.links.reduce((sum, { events = 0 }) => sum + events, 0);
  }

  /** All that repeats the run. @throws InputError */
  loaded(): LoadedScenario {
    const { scenario, traces, prices, notes, branches } = this.#read();
    const ofJobs = new Set(scenario.jobs.map(({ file }) => file));
    const recorded = <Series>(isOfJobs: boolean) =>
      new Map(
        traces
          .filter(({ name }) => ofJobs.has(name) === isOfJobs)
          .map(({ name, series }) => [name, this.#json(series) as Series]),
      );
    return {
      scenario,
      traces: recorded<TraceSeries>(false),
      jobs: recorded<JobTrace>(true),
      traceFiles: traces.map(({ name, copy, sha256 }) => ({ name, file: join(this.#path, copy), sha256 })),
      prices,
      notes,
      ...(branches === undefined ? {} : { branches }),
    };
  }

  /** The segments that hold events from one number to another, which is not included; each is read when its turn comes. @throws InputError */
  *segments(from = 0, to = Number.POSITIVE_INFINITY): Iterable<Segment<Event>> {
    for (const [index, { firstSeq, events }] of this.links.entries())
      if (firstSeq !== undefined && events !== undefined && firstSeq + events > from && firstSeq < to)
        yield this.#segment(index);
  }

  /** Events from one number to another, which is not included. @throws InputError */
  *events(from = 0, to = Number.POSITIVE_INFINITY): Iterable<Recorded<Event>> {
    for (const segment of this.segments(from, to)) {
      const { firstSeq, count } = segment;
      const end = Math.min(to, firstSeq + count);
      for (let seq = Math.max(from, firstSeq); seq < end; seq++) yield segment.read(seq);
    }
  }

  /** @throws InputError */
  event(seq: number): Recorded<Event> {
    const [segment] = this.segments(seq, seq + 1);
    return (segment as Segment<Event>).read(seq);
  }

  /** Version of the rules that it was sailed with. @throws InputError */
  get modelVersion(): number {
    return this.#read().modelVersion;
  }

  /** Its checkpoints are states of this engine. @throws InputError */
  get isOfThisEngine(): boolean {
    return this.modelVersion === MODEL_VERSION && this.#read().engine.version === ENGINE_VERSION;
  }

  /** `model version 1 (seatrial 0.1.0)`. @throws InputError */
  get sailedWith(): string {
    return `model version ${this.modelVersion} (seatrial ${this.#read().engine.version})`;
  }

  /** The newest checkpoint of this engine at or before an instant; when there is none, the start. @throws InputError */
  checkpointAt(atMs: number): EcsCheckpoint {
    const index = this.isOfThisEngine
      ? this.links.findLastIndex(({ seq, atMs: thenMs = 0 }) => seq !== undefined && thenMs <= atMs)
      : -1;
    return index === -1 ? startOf(this.#read().scenario) : decodeCheckpoint(this.bytes(index));
  }

  /** The file of a link. @throws InputError */
  bytes(index: number): Buffer {
    return readLinked(this.#path, this.links, index);
  }

  #segment(index: number): Segment<Event> {
    if (this.#decoded?.index !== index)
      this.#decoded = { index, segment: Segment.of(decodeChunk(readLinked(this.#path, this.links, index))) };
    return this.#decoded.segment;
  }

  #read(): Manifest {
    if (this.#manifest !== undefined) return this.#manifest;
    const manifest = this.#json('manifest.json') as Manifest;
    if (manifest.format !== FORMAT)
      throw new InputError([
        { file: this.#path, message: `found a run of format ${manifest.format}, expected format ${FORMAT}` },
      ]);
    return (this.#manifest = { ...manifest, scenario: { ...NO_JOBS, ...manifest.scenario } });
  }

  #json(file: string): unknown {
    const index = this.links.findIndex((link) => link.file === file);
    if (index === -1) throw new InputError([{ file: this.#path, message: `found no ${file}, expected a run's` }]);
    return JSON.parse(readLinked(this.#path, this.links, index).toString('utf8'));
  }
}

/** What repeats the run. The manifest comes last: what has a manifest has all of it. */
function writeBeginning(path: string, chain: Chain, loaded: LoadedScenario, engineVersion: string): void {
  const { scenario, traceFiles, traces, jobs, prices, notes, branches } = loaded;
  const { node, v8, tz } = process.versions;
  for (const folder of ['events', 'checkpoints', ...(traceFiles.length > 0 ? ['traces'] : [])])
    mkdirSync(join(path, folder));
  const manifest: Manifest = {
    format: FORMAT,
    engine: { name: 'seatrial', version: engineVersion },
    modelVersion: MODEL_VERSION,
    runtime: { node, v8, tz },
    seed: scenario.seed,
    scenario,
    traces: traceFiles.map(({ name, file, sha256 }, index) => {
      const copy = `traces/${index + 1}-${basename(file)}`;
      return { name, copy, series: `${copy}.json`, sha256 };
    }),
    prices,
    notes,
    ...(branches === undefined ? {} : { branches }),
  };
  for (const [index, { name, copy, series }] of manifest.traces.entries()) {
    chain.append(copy, readFileSync((traceFiles[index] as LoadedScenario['traceFiles'][number]).file));
    chain.append(series, jsonBytes(traces.get(name) ?? jobs.get(name)));
  }
  chain.append('manifest.json', jsonBytes(manifest));
}

function writeCheckpoint(chain: Chain, checkpoint: EcsCheckpoint): void {
  const { atMs, log } = checkpoint;
  chain.append(`checkpoints/${numbered(log.seq)}.json.br`, encodeCheckpoint(checkpoint), { seq: log.seq, atMs });
}

function numbered(seq: number): string {
  return String(seq).padStart(12, '0');
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** What the disk refuses is told in a sentence, not as a stack trace. */
function told<Value>(path: string, action: () => Value, hint = ''): Value {
  try {
    return action();
  } catch (error) {
    // Errors of the file system have a code.
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof InputError || code === undefined) throw error;
    const found = code === 'ENOSPC' ? 'found no room left on the disk, expected more' : message;
    throw new InputError([{ file: path, message: `${found}${hint}` }]);
  }
}
