/** `seatrial report`: one run, or two side by side, as one HTML file with a viewer in it. */

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../input/inputError.ts';
import { formatCount } from '../report/format.ts';
import { printAside } from '../report/print.ts';
import { reportPage } from '../report/page/html.ts';
import { recordRun } from '../report/page/recording.ts';
import { RunReader } from '../store/runDirectory.ts';

/** @param paths  one or two run directories @returns the exit code. @throws InputError */
export function report(paths: readonly string[], out: string | undefined): number {
  const file = out ?? join(paths[0] as string, 'report.html');
  writeReport(paths, file);
  return 0;
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
