/** A table of texts, drawn for a terminal: without borders, a line below its head. */

import Table from 'cli-table3';
import { printable } from './format.ts';
import type { Line } from './terminal.ts';

export interface Sheet {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '─',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

/**
 * The first column stands to the left, the others to the right; one without a head holds words, and stands to the left, too.
 *
 * @param columns  widths with two columns of space, so that what is too long is cut; without them, as wide as it takes
 */
export function drawSheet({ head, rows }: Sheet, columns?: readonly number[]): Line[] {
  const table = new Table({
    // It measures text by itself: it must not meet an escape.
    head: head.map(printable),
    ...(columns === undefined ? {} : { colWidths: [...columns] }),
    colAligns: head.map((title, column) => (column === 0 || title === '' ? 'left' : 'right')),
    chars: BORDERLESS,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
  });
  for (const row of rows) table.push(row.map(printable));
  const [titles = '', rule = '', ...lines] = table.toString().split('\n');
  return [[{ text: titles, style: 'bold' }], [{ text: rule, style: 'dim' }], ...lines.map((text): Line => [{ text }])];
}
