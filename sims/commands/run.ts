/** `seatrial run`: sail a scenario to its end, and tell what happened. */

import { fileURLToPath } from 'node:url';
import { SingleBar } from 'cli-progress';
import { duration } from '../../core/index.ts';
import { loadScenario, type LoadedScenario } from '../input/scenarioFile.ts';
import { outputOf } from '../report/output.ts';
import { renderSummary } from '../report/terminal.ts';
import { RunDirectory, RunReader, type Resumption } from '../store/runDirectory.ts';
import { sail } from '../voyage.ts';

export interface RunOptions {
  readonly trace?: string;
  readonly service?: string;
  readonly scale?: number;
  readonly unit?: 'requests-per-period' | 'requests-per-second';
  /** Milliseconds. */
  readonly period?: number;
  readonly seed?: number;
  readonly days?: number;
  readonly out?: string;
  readonly json?: boolean;
}

const DEFAULT_VOYAGE = fileURLToPath(new URL('../scenarios/flash-crowd.yaml', import.meta.url));
const INTERRUPTED = 130;
const QUIET_LINE_EVERY_MS = 5_000;

/** Milliseconds of `5m` and the like; undefined when it is no length of time above 0. */
export function parseLength(text: string): number | undefined {
  const parsed = duration.safeParse(text);
  return parsed.success && parsed.data > 0 ? parsed.data : undefined;
}

/** @returns the exit code. @throws InputError */
export async function run(file: string | undefined, options: RunOptions, engineVersion: string): Promise<number> {
  const { out, period, ...overrides } = options;
  const loaded = loadScenario(file ?? DEFAULT_VOYAGE, { ...overrides, periodMs: period });
  const directory = out === undefined ? undefined : RunDirectory.create(out, loaded, engineVersion);
  return await sailInto(directory, loaded, { json: options.json, out, engineVersion });
}

/** `seatrial resume`: goes on with a run that was interrupted or killed. @returns the exit code. @throws InputError */
export async function resume(path: string, { json }: Pick<RunOptions, 'json'>, engineVersion: string): Promise<number> {
  const resumed = RunDirectory.resume(path);
  if (resumed === undefined) {
    process.stdout.write(`${path} has sailed to its end: there is nothing to resume.\n`);
    return 0;
  }
  const { directory, from } = resumed;
  const seq = from?.checkpoint.log.seq ?? 0;
  process.stderr.write(`${path}: goes on from event ${seq}\n`);
  return await sailInto(directory, new RunReader(path).loaded(), { json, out: path, engineVersion, from });
}

async function sailInto(
  directory: RunDirectory | undefined,
  loaded: LoadedScenario,
  options: {
    readonly json: boolean | undefined;
    readonly out: string | undefined;
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
    onEvents: directory === undefined ? undefined : (events) => directory.append(events),
    onHop: (simulation) => directory?.checkpoint(simulation),
    from,
    onProgress: progress.update,
    stopped: () => interrupted,
  });
  process.off('SIGINT', interrupt);
  progress.end();
  directory?.finish(summary, activities);
  if (options.json === true) process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
  else {
    process.stdout.write(renderSummary(summary, series, outputOf(process.stdout)));
    if (out !== undefined) process.stdout.write(`The log and all that repeats the run: ${out}\n`);
  }
  return interrupted ? INTERRUPTED : 0;
}

interface Progress {
  readonly update: (share: number) => void;
  readonly end: () => void;
}

/** A bar on a terminal; else a line now and then, so that a log file stays readable. Both on standard error. */
function makeProgress(name: string): Progress {
  if (process.stderr.isTTY) {
    const bar = new SingleBar({ format: `${name} [{bar}] {percentage} %`, hideCursor: true, clearOnComplete: true });
    bar.start(1, 0);
    return { update: (share) => bar.update(share), end: () => bar.stop() };
  }
  let nextMs = Date.now() + QUIET_LINE_EVERY_MS;
  return {
    update(share) {
      if (Date.now() < nextMs) return;
      nextMs = Date.now() + QUIET_LINE_EVERY_MS;
      process.stderr.write(`${name}: ${Math.floor(share * 100)} %\n`);
    },
    end() {},
  };
}
