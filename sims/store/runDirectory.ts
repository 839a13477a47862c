/**
 * A run on disk: what is needed to repeat it (manifest, scenario, traces), what happened (events, one JSON line each,
 * compressed), and what it came to (scaling activities as AWS lists them, summary).
 */

import { appendFileSync, copyFileSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Event, Recorded, ScalingActivityDescription } from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';
import type { LoadedScenario } from '../input/scenarioFile.ts';
import type { RunSummary } from '../report/summary.ts';

/** Version of this layout. */
const FORMAT = 1;

export class RunDirectory {
  readonly #path: string;

  /** @throws InputError when the path is taken or cannot be written */
  constructor(path: string, loaded: LoadedScenario, engineVersion: string) {
    this.#path = path;
    const { scenario, traceFiles } = loaded;
    const { node, v8, tz } = process.versions;
    this.#write(() => {
      if (existsSync(path) && (!statSync(path).isDirectory() || readdirSync(path).length > 0))
        throw new Error('found something there already, expected a new or empty directory');
      mkdirSync(path, { recursive: true });
      this.#writeJson('manifest.json', {
        format: FORMAT,
        engine: { name: 'seatrial', version: engineVersion },
        runtime: { node, v8, tz },
        seed: scenario.seed,
        scenario,
        traces: traceFiles.map(({ name, file, sha256 }) => ({ name, copy: `traces/${basename(file)}`, sha256 })),
      });
      if (traceFiles.length > 0) mkdirSync(join(path, 'traces'));
      for (const { file } of traceFiles) copyFileSync(file, join(path, 'traces', basename(file)));
    });
  }

  /**
   * Appends events as a gzip member of its own: what is written stays readable whatever happens next.
   *
   * @throws InputError when the disk is full or the directory has gone
   */
  append(events: Iterable<Recorded<Event>>): void {
    let lines = '';
    for (const recorded of events) lines += `${JSON.stringify(recorded)}\n`;
    if (lines === '') return;
    this.#write(() => appendFileSync(join(this.#path, 'events.ndjson.gz'), gzipSync(lines, { level: 1 })));
  }

  /** @throws InputError like `append` */
  finish(summary: RunSummary, activities: readonly ScalingActivityDescription[]): void {
    this.#write(() => {
      this.#writeJson('scaling-activities.json', { ScalingActivities: activities });
      this.#writeJson('summary.json', summary);
    });
  }

  #writeJson(name: string, value: unknown): void {
    writeFileSync(join(this.#path, name), `${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** What the disk refuses is told in a sentence, not as a stack trace. */
  #write(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw new InputError([{ file: this.#path, message: (error as Error).message }]);
    }
  }
}
