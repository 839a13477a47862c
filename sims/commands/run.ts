/** `seatrial run`: sail a scenario to its end, and tell what happened. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { duration } from '../../core/index.ts';
import { loadScenario, type LoadedScenario } from '../input/scenarioFile.ts';
import { outputOf } from '../report/output.ts';
import { print, printAside } from '../report/print.ts';
import { makeProgress } from '../report/progress.ts';
import { renderSummary } from '../report/terminal.ts';
import { RunDirectory, RunReader, type Resumption } from '../store/runDirectory.ts';
import { sail } from '../voyage.ts';
import { checkReportFile, writeReport } from './report.ts';

/** Traffic to replay in place of a scenario's. */
export interface TraceOptions {
  readonly trace?: string;
  readonly service?: string;
  readonly scale?: number;
  readonly unit?: 'requests-per-period' | 'requests-per-second';
  /** Milliseconds. */
  readonly period?: number;
}

export interface RunOptions extends TraceOptions {
  readonly seed?: number;
  readonly days?: number;
  readonly out?: string;
  /** An HTML file to write. */
  readonly report?: string;
  readonly json?: boolean;
  /** Holds every rule of the invariants against every event. */
  readonly check?: boolean;
}

const DEFAULT_VOYAGE = fileURLToPath(new URL('../scenarios/flash-crowd.yaml', import.meta.url));
/** Exit code after Ctrl-C. */
export const INTERRUPTED = 130;

/** Milliseconds of `5m` and the like; undefined when it is no length of time above 0. */
export function parseLength(text: string): number | undefined {
  const parsed = duration.safeParse(text);
  return parsed.success && parsed.data > 0 ? parsed.data : undefined;
}

/** @returns the exit code. @throws InputError */
export async function run(file: string | undefined, options: RunOptions, engineVersion: string): Promise<number> {
  const { out, period, report, json, check, ...overrides } = options;
  const loaded = loadScenario(file ?? DEFAULT_VOYAGE, { ...overrides, periodMs: period });
  if (report === undefined) {
    const directory = out === undefined ? undefined : RunDirectory.create(out, loaded, engineVersion);
    return await sailInto(directory, loaded, { json, out, check, engineVersion });
  }
  checkReportFile(report);
  // A report is read from a log on disk: from one of its own when none was asked for.
  const path = out ?? mkdtempSync(join(tmpdir(), 'seatrial-'));
  try {
    const directory = RunDirectory.create(path, loaded, engineVersion);
    const exitCode = await sailInto(directory, loaded, { json, out, check, engineVersion });
    writeReport([path], report);
    return exitCode;
  } finally {
    if (out === undefined) rmSync(path, { recursive: true });
  }
}

/** `seatrial resume`: goes on with a run that was interrupted or killed. @returns the exit code. @throws InputError */
export async function resume(path: string, { json }: Pick<RunOptions, 'json'>, engineVersion: string): Promise<number> {
  const resumed = RunDirectory.resume(path);
  if (resumed === undefined) {
    print(`${path} has sailed to its end: there is nothing to resume.\n`);
    return 0;
  }
  const { directory, from } = resumed;
  printAside(`${path}: goes on from event ${from?.checkpoint.log.seq ?? 0}\n`);
  return await sailInto(directory, new RunReader(path).loaded(), { json, out: path, engineVersion, from });
}

async function sailInto(
  directory: RunDirectory | undefined,
  loaded: LoadedScenario,
  options: {
    readonly json: boolean | undefined;
    readonly out: string | undefined;
    readonly check?: boolean | undefined;
    readonly engineVersion: string;
    readonly from?: Resumption | undefined;
  },
): Promise<number> {
  const { out, engineVersion, from } = options;
  const progress = makeProgress(loaded.scenario.name);
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.once('SIGINT', interrupt);
  const { summary, series, activities } = await sail(loaded, {
    engineVersion,
    onSegment: directory === undefined ? undefined : (segment) => directory.append(segment),
    onHop: (simulation) => directory?.checkpoint(simulation),
    from,
    onProgress: progress.update,
    stopped: () => interrupted,
    check: options.check,
  });
  process.off('SIGINT', interrupt);
  progress.end();
  directory?.finish(summary, activities);
  if (options.json === true) print(`${JSON.stringify(summary, undefined, 2)}\n`);
  else {
    process.stdout.write(renderSummary(summary, series, outputOf(process.stdout)));
    if (out !== undefined) print(`The log and all that repeats the run: ${out}\n`);
  }
  return interrupted ? INTERRUPTED : 0;
}
