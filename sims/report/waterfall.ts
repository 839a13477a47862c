/** A waterfall on a terminal: a row and a bar for each step. */

import { SECOND, type Millis } from '../../core/index.ts';
import type { TaskWaterfall, Waterfall, WaterfallStep } from '../explain/waterfall.ts';
import { formatDuration, formatInstant, formatMoment } from './format.ts';
import type { StoryLine } from './wrap.ts';

/** Columns between two of the table. */
const GAP = 2;
const LEAST_BAR = 10;

/** @param rank  which of its service's it is. @param width  columns */
export function waterfallLines(waterfall: Waterfall, rank: string, width: number): readonly StoryLine[] {
  const { service, event, fromCapacity, toCapacity, decidedMs, startMs, served, first, last } = waterfall;
  const after = ({ totalMs }: TaskWaterfall) =>
    `${formatDuration(totalMs)} after ${formatMoment(startMs)}: ${formatDuration(decidedMs - startMs)} to decide, ${formatDuration(startMs + totalMs - decidedMs)} to get ready`;
  return [
    {
      text: `${service} ${fromCapacity} -> ${toCapacity} tasks, decided ${formatMoment(decidedMs)} (event ${event}); ${rank}`,
    },
    { text: `${first.task}, the first new task that serves, does so ${after(first)}.` },
    ...table(first, startMs, width),
    ...(served === 1
      ? []
      : [
          { text: `${last.task}, the last of its ${served} new tasks, serves ${after(last)}.` },
          ...table(last, startMs, width),
        ]),
    ...notes(first),
  ];
}

function table({ steps, totalMs }: TaskWaterfall, startMs: Millis, width: number): StoryLine[] {
  const whole = steps.every(({ fromMs, toMs }) => (toMs - fromMs) % SECOND === 0);
  const seconds = (ms: number) => (ms / SECOND).toFixed(whole ? 0 : 3);
  const rows = steps.map(({ what, fromMs, toMs, event: seq }) => ({
    what,
    from: formatInstant(fromMs),
    seconds: seconds(toMs - fromMs),
    seq: seq === undefined ? '' : String(seq),
  }));
  const total = { what: 'total', from: '', seconds: seconds(totalMs), seq: '' };
  const head = { what: 'step', from: 'from', seconds: 'seconds', seq: 'event' };
  const all = [head, ...rows, total];
  const widest = (key: keyof typeof head) => Math.max(...all.map((row) => row[key].length));
  const widths = { what: widest('what'), from: widest('from'), seconds: widest('seconds'), seq: widest('seq') };
  const barWidth = Math.max(LEAST_BAR, width - widths.what - widths.from - widths.seconds - widths.seq - 4 * GAP);
  const line = (row: typeof head, shown: string): StoryLine => ({
    asItIs: true,
    text: [
      row.what.padEnd(widths.what),
      row.from.padEnd(widths.from),
      row.seconds.padStart(widths.seconds),
      row.seq.padStart(widths.seq),
      shown,
    ].join(' '.repeat(GAP)),
  });
  return [
    line(head, ''),
    ...steps.map((step, index) => line(rows[index] as typeof head, bar(step, startMs, totalMs, barWidth))),
    line(total, ''),
  ];
}

/** Where a step lies within the whole; every step that takes time can be seen. */
function bar({ fromMs, toMs }: WaterfallStep, startMs: Millis, totalMs: Millis, width: number): string {
  if (toMs === fromMs || totalMs === 0) return '';
  const column = (atMs: number) => Math.round(((atMs - startMs) / totalMs) * width);
  const from = Math.min(column(fromMs), width - 1);
  return `${' '.repeat(from)}${'█'.repeat(Math.max(1, column(toMs) - from))}`;
}

function notes({ steps }: TaskWaterfall): readonly StoryLine[] {
  return [
    ...(steps.some(({ what }) => what.startsWith('load rises'))
      ? [{ text: 'The load rose at some instant of the first period: it is reckoned from its start.' }]
      : []),
    ...(steps.at(-1)?.what === 'first requests served'
      ? [
          {
            text: 'Traffic is reckoned in steps: the first requests are counted at the end of the step in which the task got them.',
          },
        ]
      : []),
  ];
}
