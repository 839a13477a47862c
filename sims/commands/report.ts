/** `seatrial report`: a run, two side by side, or what `compare` wrote, as one HTML file with a viewer in it. */

import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { comparisonFileAt, readComparison, type StoredComparison } from '../compare/comparisonFile.ts';
import type { ComparedScenario, ComparisonReport } from '../compare/comparisonReport.ts';
import { InputError } from '../input/inputError.ts';
import { formatCount } from '../report/format.ts';
import { reportPage, type Recording } from '../report/page/html.ts';
import { recordRun } from '../report/page/recording.ts';
import { printAside } from '../report/print.ts';
import { RunReader } from '../store/runDirectory.ts';

export interface ReportOptions {
  readonly out?: string;
  /** Of a comparison: the name of the one whose run is shown beside the first one's. */
  readonly beside?: string;
}

/**
 * @param paths  one or two run directories, or one comparison: its file, or the directory that it is in
 * @returns the exit code. @throws InputError
 */
export function report(paths: readonly string[], { out, beside }: ReportOptions): number {
  const [path = '', other] = paths;
  if (!existsSync(path))
    throw refused(
      path,
      'found nothing of this name',
      'a directory of run --out or of compare --out, or a file of compare --json',
    );
  const comparison = comparisonFileAt(path);
  const file = out ?? `${resolve(path).replace(/\.json$/, '')}.html`;
  checkReportFile(file);
  if (comparison === undefined) {
    if (beside !== undefined)
      throw refused('--beside', 'found a run', 'what compare wrote: a run has nobody beside it');
    writeReport(paths, file);
    return 0;
  }
  if (other !== undefined)
    throw refused(other, 'found a second path', 'a comparison alone: --beside says whose run is shown');
  const stored = readComparison(comparison);
  const pair = pairOf(stored.report, beside);
  const { recordings, withoutRuns } = recordPair(stored, pair);
  const scenarios = stored.report.scenarios.map(({ runs: _ofEach, ...scenario }) => scenario);
  write(
    file,
    reportPage(recordings, { ...stored.report, scenarios, ...(withoutRuns === undefined ? {} : { withoutRuns }) }),
  );
  return 0;
}

/** The first scenario, and the one beside it: by its name, or the second. @throws InputError */
function pairOf({ scenarios }: ComparisonReport, beside: string | undefined): readonly ComparedScenario[] {
  if (beside === undefined) return scenarios.slice(0, 2);
  const [first, ...others] = scenarios;
  const found = others.find(({ name }) => name === beside);
  if (first !== undefined && found !== undefined) return [first, found];
  const names = others.map(({ name }) => name).join(', ');
  throw refused('--beside', `found "${beside}"`, names === '' ? 'none: nobody was compared' : `one of ${names}`);
}

/** The runs that `compare --out` wrote. @throws InputError when there is one, and it is not the one that was compared */
function recordPair(
  { folder }: StoredComparison,
  pair: readonly ComparedScenario[],
): { readonly recordings: readonly Recording[]; readonly withoutRuns?: string } {
  const missing = pair.filter(
    ({ runDirectory }) => runDirectory === undefined || !existsSync(join(folder, runDirectory)),
  );
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(' and ');
    const withoutRuns = `There are no plots here, for the runs of ${names} are not beside the comparison: compare --out DIR keeps those of the first seed.`;
    return { recordings: [], withoutRuns };
  }
  const recordings = pair.map(({ name, runDirectory = '', runs }) => {
    const path = join(folder, runDirectory);
    const recording = recordRun(path, new RunReader(path), name);
    const [found, expected] = [recording.run.summary.digest, runs[0]?.digest];
    if (found !== expected) throw refused(path, `found a run with digest ${found}`, `${expected}, which was compared`);
    return recording;
  });
  return { recordings };
}

function refused(file: string, found: string, expected: string): InputError {
  return new InputError([{ file, message: `${found}, expected ${expected}` }]);
}

/** Whether a report can be written there is told before the work. @throws InputError */
export function checkReportFile(file: string): void {
  const folder = dirname(resolve(file));
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new InputError([{ file, message: `found no folder ${folder}, expected one to write the report to` }]);
  if (existsSync(file) && !statSync(file).isFile())
    throw new InputError([{ file, message: 'found a folder, expected a file to write the report to' }]);
}

/** @param paths  one or two run directories @throws InputError */
export function writeReport(paths: readonly string[], file: string): void {
  write(file, reportPage(paths.map((path) => recordRun(path, new RunReader(path)))));
}

/** @throws InputError */
function write(file: string, page: string): void {
  const unfinished = `${file}.part`;
  try {
    writeFileSync(unfinished, page);
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw new InputError([{ file, message: `cannot be written: ${(error as Error).message}` }]);
  }
  printAside(`${file}: ${formatCount(Buffer.byteLength(page) / 1024)} KiB, open it in a browser\n`);
}
