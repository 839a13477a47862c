/** `seatrial doctor`: traps of a scenario that AWS accepts, found without sailing it. */

import { styleText } from 'node:util';
import { formatPath, scenarioNotes, scenarioSchema } from '../../core/index.ts';
import { factsOf } from '../doctor/facts.ts';
import type { Finding, Lint, Severity } from '../doctor/lint.ts';
import { lints, type LintId } from '../doctor/lints.ts';
import { readDocument, type Locate } from '../input/document.ts';
import { formatPlace } from '../input/inputError.ts';
import { loadScenario, type LoadedScenario } from '../input/scenarioFile.ts';
import { scenarioFile } from '../input/voyages.ts';
import { formatNoun, printable } from '../report/format.ts';
import { outputOf, type Output } from '../report/output.ts';
import { wrapText, wrapUnder } from '../report/wrap.ts';

/** A gate, as in a pipeline, that did not open. */
const GATE_FAILED = 3;

export interface Diagnosis extends Omit<Finding, 'path'> {
  readonly lint: LintId;
  readonly title: string;
  readonly source: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `services[0].desiredCount` */
  readonly path: string;
}

const SEVERITIES: readonly Severity[] = ['serious', 'warning', 'note'];

/** The most serious first, then as they stand in the file. */
export function diagnose(
  { scenario, traces }: Pick<LoadedScenario, 'scenario' | 'traces'>,
  file: string,
  locate: Locate,
) {
  const facts = factsOf(scenario, traces);
  const found = (Object.entries(lints) as [LintId, Lint][]).flatMap(([lint, { title, source, find }]) =>
    find(facts).map(({ path, ...finding }): Diagnosis => ({
      lint,
      title,
      ...finding,
      source,
      file,
      ...locate(path),
      path: formatPath(path),
    })),
  );
  const rank = ({ severity }: Diagnosis) => SEVERITIES.indexOf(severity);
  return found.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}

/** @returns the exit code: 3 when something is serious. @throws InputError */
export function doctor(given: string, { json }: { readonly json?: boolean }): number {
  const file = scenarioFile(given);
  const loaded = loadScenario(file);
  const found = diagnose(loaded, file, readDocument(file, scenarioSchema).locate);
  process.stdout.write(
    json === true
      ? `${JSON.stringify(found, undefined, 2)}\n`
      : renderDiagnoses(found, scenarioNotes(loaded.scenario), outputOf(process.stdout)),
  );
  return found.some(({ severity }) => severity === 'serious') ? GATE_FAILED : 0;
}

const STYLES = { serious: 'red', warning: 'yellow', note: 'cyan' } as const;
const INDENT = '  ';

export function renderDiagnoses(
  found: readonly Diagnosis[],
  notes: readonly string[],
  { width, color }: Output,
): string {
  const lines = found.flatMap(({ severity, lint, what, why, help, source, ...place }) => {
    const heading = printable(`${severity}: ${what} [${lint}]`);
    const [first = '', ...rest] = wrapText(heading, width);
    const painted = color ? styleText(STYLES[severity], severity, { validateStream: false }) : severity;
    const part = (title: string, text: string) => wrapUnder(`${INDENT}${title.padEnd(8)}`, printable(text), width);
    return [
      `${painted}${first.slice(severity.length)}`,
      ...rest,
      ...part('where', formatPlace(place)),
      ...part('why', why),
      ...part('help', help),
      ...part('source', source),
      '',
    ];
  });
  const counts = SEVERITIES.map(
    (severity) => [severity, found.filter((one) => one.severity === severity).length] as const,
  )
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => (severity === 'serious' ? `${count} serious` : formatNoun(count, severity)));
  const verdict =
    counts.length === 0
      ? `none of the ${Object.keys(lints).length} traps that are looked for is in it`
      : `${counts.join(', ')}, of ${Object.keys(lints).length} traps that are looked for`;
  return `${[...notes.flatMap((note) => wrapText(printable(`Note: ${note}`), width)), ...lines, ...wrapText(verdict, width)].join('\n')}\n`;
}
