/** `seatrial compare`: scenarios under the same luck, many times over, and what their difference is. */

import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import { DAY } from '../../core/index.ts';
import { COMPARISON_FILE } from '../compare/comparisonFile.ts';
import { comparisonReport, meansOf, type ComparedInput, type ComparisonReport } from '../compare/comparisonReport.ts';
import { partingMinute } from '../compare/course.ts';
import { evaluate, parseCondition, refuseUnknown, type Condition, type MeanOf } from '../compare/failIf.ts';
import type { Contestant, Parting, RunResult } from '../compare/jobs.ts';
import { JobPool } from '../compare/pool.ts';
import { REFERENCES } from '../compare/references.ts';
import { renderComparison, renderMarkdown } from '../compare/render.ts';
import { InputError } from '../input/inputError.ts';
import { loadScenario, type LoadedScenario } from '../input/scenarioFile.ts';
import { formatDuration, formatNoun } from '../report/format.ts';
import { makeProgress } from '../report/progress.ts';
import { commandName, outputOf } from '../report/output.ts';
import { INTERRUPTED, type TraceOptions } from './run.ts';
import { print, printAside } from '../report/print.ts';
import { wrapText } from '../report/wrap.ts';
import { makeDirectory } from '../store/makeDirectory.ts';

export interface CompareOptions extends TraceOptions {
  readonly seed?: number;
  readonly days?: number;
  /** How many seeds, from the first on. */
  readonly seeds: number;
  readonly jobs?: number;
  readonly references?: boolean;
  readonly sloMinuteUsd?: number;
  readonly failIf?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly markdown?: boolean;
}

/** Of the condition of `--fail-if`: it holds. */
const CONDITION_HOLDS = 3;
const LOOK_EVERY_MS = 200;
/** Days of simulated time from which on a comparison takes minutes. */
const LONG_DAYS = 300;

/** @returns the exit code. @throws InputError */
export async function compare(files: readonly string[], options: CompareOptions, version: string): Promise<number> {
  const loaded = loadAll(files, options);
  const names = namesOf(files);
  const condition = conditionOf(loaded, options);
  if (options.out !== undefined) claim(options.out);
  const first = loaded[0] as LoadedScenario;
  const contestants: readonly Contestant[] = [
    ...loaded.map((one) => ({ loaded: one })),
    ...(options.references === true ? REFERENCES.map((reference) => ({ loaded: first, reference })) : []),
  ];
  const firstSeed = first.scenario.seed;
  const seeds = Array.from({ length: options.seeds }, (_, index) => firstSeed + index);
  const labels = contestants.map(({ reference }, index) => reference ?? (names[index] as string));
  const directories = labels.map((label, index) => `${index + 1}-${label.replaceAll(/[^\w.-]+/g, '-')}`);

  const days = (contestants.length * seeds.length * first.scenario.duration) / DAY;
  if (days > LONG_DAYS)
    printAside(
      `${formatNoun(contestants.length * seeds.length, 'run')} of ${formatDuration(first.scenario.duration)}: for a first look, --days 7 --seeds 5\n`,
    );
  const began = performance.now();
  const workers = Math.min(options.jobs ?? availableParallelism(), contestants.length * seeds.length);
  const sailed = await sailAll(contestants, seeds, {
    version,
    workers,
    withPartings: loaded.length - 1,
    directories: options.out === undefined ? [] : directories.map((name) => join(options.out as string, name)),
  });
  if (sailed === undefined) {
    const left = options.out === undefined ? '' : `; what was written is in ${options.out}`;
    process.stderr.write(`stopped: nothing can be told of a comparison that is not complete${left}\n`);
    return INTERRUPTED;
  }
  const inputs = contestants.map(({ reference }, index): ComparedInput => {
    const parting = sailed.partings[index];
    return {
      name: labels[index] as string,
      ...(reference === undefined ? { file: files[index] as string } : { reference }),
      ...(options.out === undefined ? {} : { runDirectory: directories[index] as string }),
      results: sailed.results[index] as readonly RunResult[],
      ...(parting === undefined ? {} : { parting }),
    };
  });
  const compared = comparisonReport(inputs, {
    seeds,
    durationMs: first.scenario.duration,
    engineVersion: version,
    sloMinuteUsd: options.sloMinuteUsd,
  });
  const report = withCondition(compared, condition, options.failIf ?? '', loaded.length);
  if (options.out !== undefined) write(join(options.out, COMPARISON_FILE), report);
  if (condition !== undefined) refuseUnknown(condition, meansByScenario(report, loaded.length));
  if (options.json === true) print(`${JSON.stringify(report, undefined, 2)}\n`);
  else if (options.markdown === true) print(renderMarkdown(report));
  else {
    const notes = new Set(loaded.flatMap(({ notes: own }) => own));
    const { width } = outputOf(process.stdout);
    for (const note of notes) print(`${wrapText(`Note: ${note}`, width).join('\n')}\n`);
    print(renderComparison(report, width));
    const runs = formatNoun(contestants.length * seeds.length, 'run');
    const took = formatDuration(performance.now() - began);
    print(`\n${runs} in ${took} on ${formatNoun(workers, 'worker')}\n`);
    print('What each score means: sims/report/SCORES.md\n');
    if (options.out !== undefined) {
      print(`The runs of seed ${firstSeed}, and ${COMPARISON_FILE}: ${options.out}\n`);
      print(`As a page, side by side: ${commandName()} report ${options.out}\n`);
    }
  }
  return report.failIf?.holds === true ? CONDITION_HOLDS : 0;
}

function loadAll(files: readonly string[], { period, trace, service, scale, unit, seed, days }: CompareOptions) {
  const loaded = files.map((file) => loadScenario(file, { trace, service, scale, unit, periodMs: period, seed, days }));
  const [first, ...others] = loaded as [LoadedScenario, ...LoadedScenario[]];
  const problems = others.flatMap(({ scenario }, index) =>
    (['start', 'duration'] as const).flatMap((path) => {
      const tell = (value: number) => (path === 'start' ? new Date(value).toISOString() : formatDuration(value));
      if (scenario[path] === first.scenario[path]) return [];
      const message = `found ${tell(scenario[path])}, expected ${tell(first.scenario[path])} as in ${files[0]}: runs are compared over the same time`;
      return [{ file: files[index + 1] as string, path, message }];
    }),
  );
  if (problems.length > 0) throw new InputError(problems);
  return loaded;
}

/** Names of files without folder and ending, as long as they differ. */
function namesOf(files: readonly string[]): readonly string[] {
  const short = files.map((file) => basename(file, extname(file)));
  return files.map((file, index) => {
    const name = short[index] as string;
    if (short.filter((other) => other === name).length === 1) return name;
    return files.filter((other) => other === file).length === 1 ? file : `${file} (${index + 1})`;
  });
}

function conditionOf(loaded: readonly LoadedScenario[], { failIf }: CompareOptions): Condition | undefined {
  if (failIf === undefined) return undefined;
  const [first, ...others] = loaded.map(({ scenario }) => scenario.services.map(({ serviceName }) => serviceName));
  const shared = (first ?? []).filter((name) => others.every((names) => names.includes(name)));
  return parseCondition(failIf, shared, others.length === 0);
}

function withCondition(
  report: ComparisonReport,
  condition: Condition | undefined,
  text: string,
  count: number,
): ComparisonReport {
  if (condition === undefined) return report;
  const means = meansByScenario(report, count);
  const [first] = means as [MeanOf];
  const because = means.flatMap((mean, index) => {
    if (index === 0 && count > 1) return [];
    const { holds, because: comparisons } = evaluate(condition, first, mean);
    return holds ? [{ scenario: report.scenarios[index]?.name ?? '', comparisons }] : [];
  });
  return { ...report, failIf: { condition: text, holds: because.length > 0, because } };
}

/** Of the scenarios themselves, not of the references after them. */
function meansByScenario({ scenarios, scores }: ComparisonReport, count: number): readonly MeanOf[] {
  return scenarios.slice(0, count).map((_, index) => meansOf(scores, index));
}

interface Sailed {
  /** By contestant, and by seed. */
  readonly results: readonly (readonly RunResult[])[];
  /** By contestant. */
  readonly partings: readonly (Parting | undefined)[];
}

/** @returns undefined when Ctrl-C came before the end */
async function sailAll(
  contestants: readonly Contestant[],
  seeds: readonly number[],
  options: {
    readonly version: string;
    readonly workers: number;
    /** How many after the first are looked at for where they part from it. */
    readonly withPartings: number;
    /** Where the runs of the first seed go; none: nowhere. */
    readonly directories: readonly string[];
  },
): Promise<Sailed | undefined> {
  const { version, workers, withPartings, directories } = options;
  const jobs = seeds.flatMap((seed, run) =>
    contestants.map((_, contestant) => {
      const out = run === 0 ? directories[contestant] : undefined;
      const withCourse = run === 0 && withPartings > 0 && contestant <= withPartings;
      return { kind: 'run' as const, contestant, seed, withCourse, ...(out === undefined ? {} : { out }) };
    }),
  );
  const pool = new JobPool(contestants, version, workers, jobs.length + withPartings);
  const progress = makeProgress('compare');
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
    pool.stop();
  };
  process.once('SIGINT', interrupt);
  const timer = setInterval(() => progress.update(pool.share), LOOK_EVERY_MS);
  try {
    const done = await pool.do<'run'>(jobs);
    if (interrupted) return undefined;
    const results = contestants.map((_, contestant) =>
      seeds.map((__, run) => done[run * contestants.length + contestant] as RunResult),
    );
    const course = (contestant: number) => results[contestant]?.[0]?.course as Uint32Array;
    const seed = seeds[0] as number;
    const parted = contestants.slice(1, 1 + withPartings).flatMap((_, index) => {
      const minute = partingMinute(course(0), course(index + 1));
      return minute === undefined
        ? []
        : [{ kind: 'part' as const, contestants: [0, index + 1] as const, seed, minute }];
    });
    const partings: (Parting | undefined)[] = contestants.map(() => undefined);
    for (const [index, parting] of (await pool.do<'part'>(parted)).entries())
      partings[parted[index]?.contestants[1] as number] = parting;
    return { results, partings };
  } finally {
    clearInterval(timer);
    progress.end();
    process.off('SIGINT', interrupt);
    await pool.end();
  }
}

/** A directory of our own, before anything sails. @throws InputError */
function claim(path: string): void {
  if (existsSync(path) && (!statSync(path).isDirectory() || readdirSync(path).length > 0))
    throw new InputError([{ file: path, message: 'found something there already, expected a new or empty directory' }]);
  told(path, () => makeDirectory(path));
}

/** @throws InputError */
function write(path: string, report: ComparisonReport): void {
  told(path, () => writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`));
}

/** What the disk refuses is told in a sentence. */
function told(path: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new InputError([{ file: path, message: (error as Error).message }]);
  }
}
