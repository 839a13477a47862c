/** `seatrial report`: one run, or two side by side, as one HTML file with a viewer in it. */

import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InputError } from '../input/inputError.ts';
import { formatCount } from '../report/format.ts';
import { reportPage } from '../report/page/html.ts';
import { recordRun } from '../report/page/recording.ts';
import { printAside } from '../report/print.ts';
import { RunReader } from '../store/runDirectory.ts';

/** @param paths  one or two run directories @returns the exit code. @throws InputError */
export function report(paths: readonly string[], out: string | undefined): number {
  const file = out ?? `${resolve(paths[0] as string)}.html`;
  checkReportFile(file);
  writeReport(paths, file);
  return 0;
}

/** Whether a report can be written there is told before the work. @throws InputError */
export function checkReportFile(file: string): void {
  const folder = dirname(resolve(file));
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new InputError([{ file, message: `found no folder ${folder}, expected one to write the report to` }]);
  if (existsSync(file) && !statSync(file).isFile())
    throw new InputError([{ file, message: 'found a folder, expected a file to write the report to' }]);
}

/** @throws InputError */
export function writeReport(paths: readonly string[], file: string): void {
  const page = reportPage(paths.map((path) => recordRun(path, new RunReader(path))));
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
