/** `seatrial scenarios`: the voyages that ship, and what each teaches. */

import { readFileSync } from 'node:fs';
import { scenarioFile, shippedVoyages } from '../input/voyages.ts';
import { formatDuration } from '../report/format.ts';
import { commandName, outputOf } from '../report/output.ts';
import { wrapText } from '../report/wrap.ts';

/** @returns the exit code. @throws InputError */
export function scenarios(name: string | undefined, { json }: { readonly json?: boolean }): number {
  if (name !== undefined) {
    process.stdout.write(readFileSync(scenarioFile(name), 'utf8'));
    return 0;
  }
  const voyages = shippedVoyages();
  if (json === true) {
    process.stdout.write(`${JSON.stringify(voyages, undefined, 2)}\n`);
    return 0;
  }
  const { width } = outputOf(process.stdout);
  const lines = voyages.flatMap(({ name: title, teaches, durationMs }) => [
    `${title} (${formatDuration(durationMs)})`,
    ...wrapText(teaches, width - INDENT.length).map((line) => `${INDENT}${line}`),
  ]);
  const next = wrapText(
    `Sail one with: ${commandName()} run NAME. Read it, or make it yours: ${commandName('file')} scenarios NAME > mine.yaml`,
    width,
  );
  process.stdout.write(`${[...lines, '', ...next].join('\n')}\n`);
  return 0;
}

const INDENT = '    ';
