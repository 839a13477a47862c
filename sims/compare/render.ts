/** A comparison for people: as text for a terminal, and as Markdown for a pull request. */

import { drawSheet, type Sheet } from '../report/sheet.ts';
import { toText } from '../report/terminal.ts';
import { wrapText } from '../report/wrap.ts';
import type { ComparisonReport } from './comparisonReport.ts';
import { heading, sentences, sheets } from './told.ts';

/** Columns that a sentence takes at least and at most. */
const WIDTH = { least: 60, most: 120 };

/** @param columns  of the terminal: sentences are broken there, tables are not */
export function renderComparison(report: ComparisonReport, columns: number): string {
  const width = Math.min(Math.max(columns, WIDTH.least), WIDTH.most);
  const told = sentences(report);
  const [verdicts, notes, failIf] = [told.verdicts, told.notes, told.failIf].map((lines) =>
    lines.map((line) => wrapText(line, width).join('\n')),
  ) as [string[], string[], string[]];
  const parts = [
    ...verdicts,
    [heading(report), ...sheets(report).map(inText)].join('\n\n'),
    ...(notes.length === 0 ? [] : [notes.join('\n')]),
    ...(failIf.length === 0 ? [] : [failIf.join('\n')]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function inText(sheet: Sheet): string {
  return drawSheet(sheet)
    .map((line) => toText(line, false))
    .join('\n');
}

export function renderMarkdown(report: ComparisonReport): string {
  const { verdicts, notes, failIf } = sentences(report);
  const parts = [
    ...failIf.map((line) => `**${escaped(line)}**`),
    ...verdicts.map((verdict) => `**${escaped(verdict)}**`),
    `${escaped(heading(report))}.`,
    ...sheets(report).map(toMarkdown),
    notes.map((note) => `- ${escaped(note)}`).join('\n'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function toMarkdown({ head, rows }: Sheet): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  const rule = head.map((title, column) => (column === 0 || title === '' ? '---' : '---:'));
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** Names of users' files cannot break a table or become markup. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>#|~]/g, (character) => `\\${character}`).replaceAll(/\s+/g, ' ');
}
