/** The summary of a run on a terminal: what sailed, what users got, how it went over time, what it cost, and why. */

import { styleText } from 'node:util';
// @ts-expect-error -- asciichart ships no types
import { plot } from 'asciichart';
import { DAY, MINUTE, type JobQueueReport, type Millis, type SeriesReport } from '../../core/index.ts';
import {
  formatAmount,
  formatCount,
  formatDate,
  formatDay,
  formatDuration,
  formatInstant,
  formatLatency,
  formatMinute,
  formatNoun,
  formatUsd,
  printable,
} from './format.ts';
import type { Moment, RunSeries, RunSummary, ServiceSummary } from './summary.ts';
import type { Output } from './output.ts';
import { drawSheet } from './sheet.ts';
import { costParts, figuresOf, NONE, verdictOf, verdictOfJobs, wasteOf } from './verdict.ts';
import { wrapText } from './wrap.ts';

const WIDTH = { least: 40, most: 160 };
/** From here on, two plots stand side by side. */
const WIDE = 96;
/** Services that are plotted: those with the most requests. */
const PLOTTED = 3;
const GAP = 3;

type Style = Parameters<typeof styleText>[0];
/** A piece of text in one style. Lines stay lists of them until the end, so that their width is known. */
interface Span {
  readonly text: string;
  readonly style?: Style;
}
export type Line = readonly Span[];

/** @param options.width  columns of the terminal; the report uses 40 to 160 of them */
export function renderSummary(summary: RunSummary, series: RunSeries, options: Output): string {
  const width = usedWidth(options);
  const busiest = summary.services
    .filter(({ serviceLevel }) => serviceLevel.requests > 0)
    .toSorted((a, b) => b.serviceLevel.requests - a.serviceLevel.requests)
    .slice(0, PLOTTED);
  const sections: (readonly Line[])[] = [
    header(summary, width),
    busiest.flatMap((service) => verdict(service, width)),
    ...busiest.flatMap(({ serviceName }) => plots(serviceName, series.get(serviceName), Date.parse(summary.to), width)),
    ...tables(summary, width),
    summary.jobs.flatMap((queue) => jobs(queue, width)),
    cost(summary, width),
    failures(summary, width),
    moments(summary, width),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.map((line) => toText(line, options.color)).join('\n')}\n`)
    .join('\n');
}

export function usedWidth({ width }: Output): number {
  return Math.min(Math.max(Math.floor(width), WIDTH.least), WIDTH.most);
}

export function toText(line: Line, color: boolean): string {
  const paint = ({ text, style }: Span) => {
    const shown = printable(text);
    return color && style !== undefined ? styleText(style, shown, { validateStream: false }) : shown;
  };
  return line.map(paint).join('').trimEnd();
}

function header(summary: RunSummary, width: number): Line[] {
  const fromMs = Date.parse(summary.from);
  const toMs = Date.parse(summary.to);
  const end = summary.complete ? 'complete' : 'stopped early';
  return [
    ...wrap(summary.scenario, width, 'bold'),
    ...(summary.teaches === undefined ? [] : wrap(summary.teaches, width)),
    ...wrap(
      `${formatDate(fromMs)} to ${formatDate(toMs)} UTC (${formatDuration(toMs - fromMs)}), seed ${summary.seed}, ${end}`,
      width,
      summary.complete ? 'dim' : 'yellow',
    ),
    ...wrap(
      `${summary.engine.name} ${summary.engine.version}, ${formatNoun(summary.events, 'event')}, digest ${summary.digest}`,
      width,
      'dim',
    ),
    ...summary.notes.flatMap((note) => wrap(`Note: ${note}`, width, 'dim')),
  ];
}

function verdict(service: ServiceSummary, width: number): Line[] {
  const { text, isGood } = verdictOf(service);
  return wrap(text, width, isGood ? 'green' : 'yellow');
}

interface Curve {
  readonly values: readonly number[];
  readonly style: Style;
  readonly symbols: readonly string[];
}

interface Panel {
  readonly title: string;
  /** The first one is drawn over the others. */
  readonly curves: readonly Curve[];
  readonly max: number;
  readonly format: (value: number) => string;
  /** Below the plot, a mark wherever requests failed. */
  readonly failed?: readonly number[];
}

const SOLID = ['┼', '┤', '╶', '╴', '─', '╰', '╭', '╮', '╯', '│'];
const DOTTED = ['┼', '┤', '·', '·', '·', '·', '·', '·', '·', '·'];
const BARS = '▁▂▃▄▅▆▇█';
/** Columns of the labels at the y axis, and rows above the lowest one. */
const LABEL = 7;
const HEIGHT = 6;

function plots(serviceName: string, series: SeriesReport | undefined, endMs: Millis, width: number): Line[][] {
  if (series === undefined || series.offeredRps.length === 0) return [];
  const perRow = width >= WIDE ? 2 : 1;
  const panelWidth = Math.floor((width - (perRow - 1) * GAP) / perRow);
  const axis = timeAxis(series, endMs, panelWidth);
  const drawn = panelsOf(series, panelWidth - LABEL).map((panel) => draw(panel, axis, panelWidth));
  const rows: Line[] = [...wrap(serviceName, width, 'bold')];
  for (let first = 0; first < drawn.length; first += perRow) {
    const beside = drawn.slice(first, first + perRow);
    const height = Math.max(...beside.map((lines) => lines.length));
    for (let row = 0; row < height; row++)
      rows.push(
        beside.flatMap((lines, index) => [...padded(lines[row] ?? [], panelWidth), ...gapAfter(index, perRow)]),
      );
  }
  return [rows];
}

function gapAfter(index: number, perRow: number): Line {
  return index < perRow - 1 ? [{ text: ' '.repeat(GAP) }] : [];
}

function panelsOf(series: SeriesReport, columns: number): Panel[] {
  const { offeredRps, peakRps, failedRps, desiredTasks, runningTasks, cpuPercent, p99Ms, backlog, oldestMs } = series;
  const curve = (values: readonly number[], combine: Combine, style: Style, symbols = SOLID): Curve => ({
    values: resample(values, columns, combine),
    style,
    symbols,
  });
  const tasks = [curve(runningTasks, largest, 'green'), curve(desiredTasks, largest, 'dim', DOTTED)];
  const failed = resample(failedRps, columns - 1, largest);
  const load = curve(peakRps, largest, 'cyan');
  const p99 = curve(p99Ms, largest, 'magenta');
  return [
    {
      title: `load, ${backlog === undefined ? 'req/s' : 'messages/s'}: mean ${formatAmount(mean(offeredRps))}, highest ${formatAmount(largest(peakRps))}`,
      curves: [load],
      max: largest(load.values),
      format: formatAmount,
      ...(largest(failed) > 0 ? { failed } : {}),
    },
    {
      title: 'tasks: running, and desired (dotted)',
      curves: tasks,
      max: largest(tasks.flatMap(({ values }) => values)),
      format: formatCount,
    },
    {
      title: `CPU, %: mean ${formatCount(mean(cpuPercent))}`,
      curves: [curve(cpuPercent, mean, 'yellow')],
      max: 100,
      format: formatCount,
    },
    {
      title: `${backlog === undefined ? 'p99 latency' : 'p99 age when done'}: highest ${formatLatency(largest(p99Ms))}`,
      curves: [p99],
      max: largest(p99.values),
      format: formatLatency,
    },
    ...queuePanels(backlog, oldestMs, curve),
  ];
}

/** How long a queue was, and how old its oldest message. */
function queuePanels(
  backlog: readonly number[] | undefined,
  oldestMs: readonly number[] | undefined,
  curve: (values: readonly number[], combine: Combine, style: Style) => Curve,
): Panel[] {
  if (backlog === undefined || oldestMs === undefined) return [];
  return [
    {
      title: `messages that wait: most ${formatCount(largest(backlog))}`,
      curves: [curve(backlog, largest, 'blue')],
      max: largest(backlog),
      format: formatCount,
    },
    {
      title: `oldest message: at most ${formatLatency(largest(oldestMs))}`,
      curves: [curve(oldestMs, largest, 'magenta')],
      max: largest(oldestMs),
      format: formatLatency,
    },
  ];
}

type Combine = (values: readonly number[]) => number;

const largest: Combine = (values) => values.reduce((most, value) => Math.max(most, value), 0);
const mean: Combine = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * As many values as there are columns: several points combined into one, or one repeated. Peaks are what one looks for, so
 * all but CPU keep their largest point; a mean would flatten a flash crowd in a plot of days.
 */
function resample(values: readonly number[], columns: number, combine: Combine): readonly number[] {
  return Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / columns));
    return combine(values.slice(from, to));
  });
}

function draw({ title, curves, max, format, failed }: Panel, axis: string, width: number): Line[] {
  const top = max > 0 ? max : 1;
  const label = (_: number, row: number) =>
    (row === 0 ? format(top) : row === HEIGHT ? '0' : '').slice(0, LABEL).padStart(LABEL);
  const drawn = curves.map(({ values, symbols, style }) => ({
    style,
    rows: (plot as Plot)(values, { min: 0, max: top, height: HEIGHT, offset: 2, format: label, symbols }).split('\n'),
  }));
  const lines: Line[] = [[{ text: title.slice(0, width), style: 'bold' }]];
  for (let row = 0; row <= HEIGHT; row++) {
    const line: Span[] = [{ text: (drawn[0]?.rows[row] ?? '').slice(0, LABEL + 1), style: 'dim' }];
    for (let column = LABEL + 1; column < width; column++) {
      const found = drawn.find(({ rows }) => (rows[row]?.[column] ?? ' ') !== ' ');
      line.push(
        found === undefined ? { text: ' ' } : { text: found.rows[row]?.[column] as string, style: found.style },
      );
    }
    lines.push(joined(line));
  }
  lines.push([{ text: axis, style: 'dim' }]);
  if (failed !== undefined) {
    const marks = failed.map((value) => bar(value / largest(failed)));
    lines.push([
      { text: 'failed'.padStart(LABEL).padEnd(LABEL + 1), style: 'dim' },
      { text: marks.join(''), style: 'red' },
    ]);
  }
  return lines;
}

type Plot = (
  values: readonly number[],
  config: {
    readonly min: number;
    readonly max: number;
    readonly height: number;
    readonly offset: number;
    readonly format: (value: number, row: number) => string;
    readonly symbols: readonly string[];
  },
) => string;

function bar(share: number): string {
  return share > 0 ? (BARS[Math.ceil(share * BARS.length) - 1] as string) : ' ';
}

/** Neighbours of one style as one span: fewer escape codes. */
function joined(line: Line): Line {
  const spans: Span[] = [];
  for (const span of line) {
    const last = spans.at(-1);
    if (last?.style === span.style) spans[spans.length - 1] = { ...span, text: `${last?.text ?? ''}${span.text}` };
    else spans.push(span);
  }
  return spans;
}

/** Start, middle and end of the series under its plot. */
function timeAxis({ startMs, pointMs, offeredRps }: SeriesReport, runEndMs: Millis, width: number): string {
  const endMs = Math.min(startMs + offeredRps.length * pointMs, runEndMs);
  const columns = width - LABEL - 1;
  const when = (atMs: Millis) => {
    if (endMs - startMs > DAY) return formatDate(atMs).slice(5);
    return endMs - startMs < 10 * MINUTE ? formatInstant(atMs) : formatMinute(atMs);
  };
  const [start, middle, end] = [when(startMs), when((startMs + endMs) / 2), when(endMs)];
  const middleAt = Math.floor((columns - middle.length) / 2);
  return `${' '.repeat(LABEL + 1)}${start.padEnd(middleAt)}${middle}`.padEnd(width - end.length) + end;
}

function padded(line: Line, width: number): Line {
  const used = line.reduce((sum, { text }) => sum + text.length, 0);
  return [...line, { text: ' '.repeat(Math.max(0, width - used)) }];
}

const NAME_COLUMN = 26;
const LONGEST_NAME = 24;

/** All services, a column each; as many side by side as there is room for. */
function tables({ services, scores }: RunSummary, width: number): Line[][] {
  const shown = figuresOf(services);
  const columns = services.map((service) => {
    const cells = shown.map(([, tell]) => tell(service, scores));
    // Tables measure text by themselves: they must not meet an escape.
    const head = shortened(printable(service.serviceName), LONGEST_NAME);
    return { head, cells, width: Math.max(head.length, ...cells.map((cell) => cell.length)) + 2 };
  });
  const blocks: (typeof columns)[] = [];
  let left = 0;
  for (const column of columns) {
    if (column.width > left) {
      blocks.push([]);
      left = width - NAME_COLUMN;
    }
    blocks.at(-1)?.push(column);
    left -= column.width;
  }
  return blocks.map((block) =>
    drawSheet(
      {
        head: ['', ...block.map(({ head }) => head)],
        rows: shown
          .map(([title], row) => [title, ...block.map(({ cells }) => cells[row] as string)])
          .filter(([, ...cells]) => cells.some((cell) => cell !== NONE)),
      },
      [NAME_COLUMN, ...block.map((column) => column.width)],
    ),
  );
}

export function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 3)}...` : text;
}

function jobs(queue: JobQueueReport, width: number): Line[] {
  const { text, isGood } = verdictOfJobs(queue);
  return wrap(text, width, isGood ? 'green' : 'yellow');
}

function cost({ cost: report, scores: { run: scores }, services }: RunSummary, width: number): Line[] {
  const parts = costParts(report).map(({ kind, microUsd, detail }) => `${kind} ${formatUsd(microUsd)}${detail}`);
  if (report.fargateTaskHours > 0) parts.push(`${formatAmount(report.fargateTaskHours)} task-hours on Fargate`);
  const total = `cost ${formatUsd(report.totalMicroUsd)}`;
  const waste = wasteOf(report);
  const { costPerMillionUsd: perMillion, overProvisioningUsd: over = 0, churnUsd: churn = 0 } = scores;
  const judged = [
    ...(perMillion === undefined ? [] : [`${formatUsd(perMillion * 1e6)} for each million ${servedNoun(services)}`]),
    ...(over > 0 ? [`${formatUsd(over * 1e6)} for more than was needed`] : []),
    ...(churn > 0 ? [`${formatUsd(churn * 1e6)} for tasks that started or stopped`] : []),
  ];
  return [
    ...wrap(parts.length === 0 ? total : `${total}: ${parts.join(', ')}`, width),
    ...(waste.length === 0 ? [] : wrap(`of it ${waste.join(', ')}`, width)),
    ...(judged.length === 0 ? [] : wrap(judged.join(', '), width)),
  ];
}

function servedNoun(services: readonly ServiceSummary[]): string {
  const busy = services.filter(({ serviceLevel }) => serviceLevel.requests > 0);
  const queues = busy.filter(({ queue }) => queue !== undefined).length;
  if (queues === 0) return 'requests';
  return queues === busy.length ? 'messages' : 'requests and messages';
}

/** Failures that are listed: those that came up most often. */
const LISTED = 16;

function failures({ failures: all, from, to }: RunSummary, width: number): Line[] {
  if (all.length === 0) return [];
  const dated = Date.parse(to) - Date.parse(from) > DAY;
  const instant = (atMs: number) => `${dated ? `${formatDay(atMs)} ` : ''}${formatInstant(atMs)}`;
  const often = all.toSorted((a, b) => b.count - a.count || a.firstAtMs - b.firstAtMs).slice(0, LISTED);
  const listed = often.toSorted((a, b) => a.firstAtMs - b.firstAtMs);
  const rest = all.length - listed.length;
  const heading = `what failed, and how often${rest > 0 ? ` (${formatNoun(rest, 'rarer failure')} more with --json)` : ''}`;
  return [
    [{ text: heading, style: 'bold' }],
    ...listed.flatMap(({ who, reason, count, firstAtMs, lastAtMs }) => {
      const when = count === 1 ? instant(firstAtMs) : `${instant(firstAtMs)} to ${instant(lastAtMs)}`;
      const [first = [], ...more] = wrap(`${who}, ${formatCount(count)} x, ${when}: ${reason}`, width - 2);
      return [first, ...more.map((line): Line => [{ text: '  ' }, ...line])];
    }),
  ];
}

function moments({ moments: told, from, to }: RunSummary, width: number): Line[] {
  const dated = Date.parse(to) - Date.parse(from) > DAY;
  const heading: Line = [{ text: 'the most telling moments, and why', style: 'bold' }];
  return told.length === 0 ? [] : [heading, ...told.flatMap((moment) => tellMoment(moment, dated, width))];
}

function tellMoment({ atMs, what, because }: Moment, dated: boolean, width: number): Line[] {
  const when = `${dated ? `${formatDay(atMs)} ` : ''}${formatInstant(atMs)}  `;
  const indent = { text: ' '.repeat(when.length) };
  const [first = [], ...rest] = wrap(what, width - when.length, 'bold');
  const chain = because.length === 0 ? [] : wrap(`because ${because.join(' <- ')}`, width - when.length, 'dim');
  return [[{ text: when, style: 'cyan' }, ...first], ...[...rest, ...chain].map((line) => [indent, ...line])];
}

/** A text in lines of words, all in one style. */
export function wrap(text: string, width: number, style?: Style): Line[] {
  return wrapText(text, width).map((part) => [style === undefined ? { text: part } : { text: part, style }]);
}
