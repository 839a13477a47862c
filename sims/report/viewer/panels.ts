/** The plots of a run: which series each shows, of a service or of the cluster. */

import { HOUR, SECOND } from '../../../core/kernel/index.ts';
import { formatAmount, formatCount, formatLatency, formatUsd, formatValue } from '../format.ts';
import type { PageService } from '../page/data.ts';
import type { Run } from './run.ts';

export interface Series {
  readonly label: string;
  /** A value per point. */
  readonly values: Float64Array;
  /** Name of a colour in the style sheet. */
  readonly colour: string;
  readonly isStepped?: boolean;
  /** How its line is told from others than by its colour. */
  readonly line?: 'dashed' | 'dotted';
  readonly isFilled?: boolean;
}

export interface PanelLimit {
  readonly value: number;
  readonly label: string;
  readonly isTarget: boolean;
}

export interface Panel {
  readonly id: string;
  readonly title: string;
  readonly series: readonly Series[];
  readonly pointMs: number;
  readonly format: (value: number) => string;
  readonly limits: readonly PanelLimit[];
  /** Services whose scaling activities are marked; undefined for none. */
  readonly marks?: 'tasks' | 'instances';
  /** The highest value that the axis shows at least. */
  readonly atLeast: number;
}

/** What was asked and what answered stand side by side. */
const ORDER = [
  'traffic',
  'tasks',
  'latency',
  'errors',
  'cpu',
  'memory',
  'backlog',
  'oldest',
  'instances',
  'reserved',
  'cost',
];

/** All panels of a run, for one of its services. */
export function panelsOf(run: Run, service: number): readonly Panel[] {
  const { page } = run;
  const { pointMs } = page;
  const config = page.services[service];
  const column = (name: string) => run.column(`service.${service}.${name}`);
  const common = { pointMs, limits: [], atLeast: 0 };
  const panels: (Panel | undefined)[] = [
    ...(config?.hasLoad === true ? loadPanels(run, config, column) : []),
    {
      ...common,
      id: 'tasks',
      title: 'tasks',
      series: [
        // What comes later is drawn over what is alike: running over healthy, desired over both.
        ...(column('healthy').some((value) => value > 0)
          ? [{ label: 'healthy', values: column('healthy'), colour: 'kind-0', isStepped: true }]
          : []),
        { label: 'running', values: column('running'), colour: 'good', isStepped: true, isFilled: true },
        { label: 'desired', values: column('desired'), colour: 'ink', isStepped: true, line: 'dashed' },
        { label: 'pending', values: column('pending'), colour: 'warn', isStepped: true, line: 'dotted' },
      ],
      format: formatCount,
      marks: 'tasks',
      atLeast: 1,
    },
    {
      ...common,
      id: 'instances',
      title: 'instances by provider',
      series: page.providers
        .map((label, index) => ({
          label: label.startsWith('FARGATE') ? `${label} tasks` : label,
          values: run.column(`provider.${index}`),
          colour: `kind-${index % 8}`,
          isStepped: true,
        }))
        .filter(({ values }) => values.some((value) => value > 0)),
      format: formatCount,
      marks: 'instances',
      atLeast: 1,
    },
    {
      ...common,
      id: 'reserved',
      title: 'of the cluster reserved, %',
      series: [
        { label: 'CPU', values: run.column('cluster.cpuReserved'), colour: 'kind-1' },
        { label: 'memory', values: run.column('cluster.memoryReserved'), colour: 'kind-3', line: 'dashed' as const },
      ].filter(({ values }) => values.some((value) => value > 0)),
      format: formatCount,
      atLeast: 100,
    },
    {
      ...common,
      id: 'cost',
      title: 'cost an hour',
      pointMs: HOUR,
      series: [
        {
          label: 'all',
          values: Float64Array.from(page.summary.cost.byHour),
          colour: 'kind-6',
          isStepped: true,
          isFilled: true,
        },
      ],
      format: formatUsd,
      atLeast: 0,
    },
  ];
  return panels
    .filter((panel) => panel !== undefined)
    .filter(({ series }) => series.length > 0)
    .toSorted((a, b) => ORDER.indexOf(a.id) - ORDER.indexOf(b.id));
}

function loadPanels(
  run: Run,
  config: PageService,
  column: (name: string) => Float64Array,
): readonly (Panel | undefined)[] {
  const { pointMs, stepMs } = run.page;
  const perSecond = (values: Float64Array) => values.map((value) => (value * SECOND) / pointMs);
  const common = { pointMs, limits: [], atLeast: 0 };
  const [unit, what] = config.hasQueue ? ['messages/s', 'age when done'] : ['req/s', 'latency'];
  const limitsOf = (of: 'cpu' | 'memory') => config.limits.filter((limit) => limit.of === of);
  const errors: readonly Series[] = [
    { label: config.hasQueue ? 'expired' : 'timed out', values: perSecond(column('timedOut')), colour: 'bad' },
    { label: 'rejected', values: perSecond(column('rejected')), colour: 'warn', line: 'dashed' },
    { label: 'no healthy task', values: perSecond(column('unserved')), colour: 'kind-5', line: 'dotted' },
    {
      label: config.hasQueue ? 'dead letters' : 'lost with a task',
      values: perSecond(column('lost')),
      colour: 'kind-4',
      isFilled: true,
    },
  ];
  const told = errors.filter(({ values }) => values.some((value) => value > 0));
  return [
    {
      ...common,
      id: 'traffic',
      title: `traffic, ${unit}`,
      series: [
        ...(pointMs > stepMs ? [{ label: 'highest', values: column('peakRps'), colour: 'faint' }] : []),
        {
          label: pointMs > stepMs ? 'mean' : unit,
          values: perSecond(column('offered')),
          colour: 'kind-0',
          isFilled: true,
        },
      ],
      format: formatAmount,
    },
    {
      ...common,
      id: 'latency',
      title: what,
      series: [
        { label: 'p99', values: column('p99Ms'), colour: 'kind-5' },
        { label: 'p95', values: column('p95Ms'), colour: 'kind-3' },
        { label: 'p50', values: column('p50Ms'), colour: 'kind-0' },
      ],
      format: formatLatency,
    },
    {
      ...common,
      id: 'errors',
      title: `failed, ${unit}`,
      series: told.length > 0 ? told : errors.slice(0, 1),
      format: formatAmount,
      atLeast: 1,
    },
    {
      ...common,
      id: 'cpu',
      title: 'CPU of the tasks, %',
      series: [
        ...(pointMs > stepMs ? [{ label: 'highest', values: column('cpuMost'), colour: 'faint' }] : []),
        { label: 'mean', values: column('cpu'), colour: 'kind-1' },
      ],
      format: formatValue,
      limits: limitsOf('cpu'),
      atLeast: 100,
    },
    {
      ...common,
      id: 'memory',
      title: 'memory of the tasks, %',
      series: [{ label: 'mean', values: column('memory'), colour: 'kind-3' }],
      format: formatValue,
      limits: limitsOf('memory'),
      atLeast: 100,
    },
    config.hasQueue
      ? {
          ...common,
          id: 'backlog',
          title: 'messages that wait',
          series: [{ label: 'visible', values: column('backlog'), colour: 'kind-0', isFilled: true }],
          format: formatCount,
        }
      : undefined,
    config.hasQueue
      ? {
          ...common,
          id: 'oldest',
          title: 'oldest message',
          series: [{ label: 'age', values: column('oldestMs'), colour: 'kind-5' }],
          format: formatLatency,
        }
      : undefined,
  ];
}

/** The highest finite value of the panel's series in a stretch of time. */
export function highestOf({ series, pointMs, limits, atLeast }: Panel, fromMs: number, toMs: number): number {
  let highest = Math.max(atLeast, ...limits.map(({ value }) => value));
  for (const { values } of series) {
    const to = Math.min(values.length - 1, Math.ceil(toMs / pointMs));
    for (let point = Math.max(0, Math.floor(fromMs / pointMs)); point <= to; point++) {
      const value = values[point] as number;
      if (value > highest) highest = value;
    }
  }
  return highest;
}

/** Columns that a plot takes: instants, then a list of values for each series. */
export type Table = [xs: number[], ...ys: (number | null)[][]];

/**
 * What of a panel a plot draws in a stretch of time: every point, or where there are more of them than `buckets` the lowest and
 * the highest of each bucket in their order, so that no peak is lost and a year draws as fast as an hour.
 */
export function tableOf({ series, pointMs }: Panel, fromMs: number, toMs: number, buckets: number): Table {
  const points = Math.max(0, ...series.map(({ values }) => values.length));
  const first = Math.max(0, Math.floor(fromMs / pointMs) - 1);
  const last = Math.min(points - 1, Math.ceil(toMs / pointMs) + 1);
  const xs: number[] = [];
  if (last - first < 2 * buckets) {
    // Steps begin with their points, and the last one has an end; curves go through the middle.
    const isStepped = series.every((item) => item.isStepped === true);
    const shift = isStepped ? 0 : pointMs / 2;
    for (let point = first; point <= last; point++) xs.push(point * pointMs + shift);
    const ys = series.map(({ values }) => Array.from(values.subarray(first, last + 1), orNull));
    if (isStepped && last >= first) {
      xs.push((last + 1) * pointMs);
      for (const column of ys) column.push(column.at(-1) ?? null);
    }
    return [xs, ...ys];
  }
  // Buckets begin at the same points however the view moves, so that a curve does not flicker while one pans.
  const size = 2 ** Math.ceil(Math.log2((last - first) / buckets));
  const start = first - (first % size);
  for (let point = start; point <= last; point += size)
    xs.push((point + size / 4) * pointMs, (point + (3 * size) / 4) * pointMs);
  return [xs, ...series.map(({ values }) => extremes(values, start, last, size))];
}

function extremes(values: Float64Array, start: number, last: number, size: number): (number | null)[] {
  const found: (number | null)[] = [];
  for (let point = start; point <= last; point += size) {
    let low = -1;
    let high = -1;
    const end = Math.min(point + size, last + 1);
    for (let at = point; at < end; at++) {
      const value = values[at] as number;
      if (Number.isNaN(value)) continue;
      if (low === -1 || value < (values[low] as number)) low = at;
      if (high === -1 || value > (values[high] as number)) high = at;
    }
    if (low === -1) found.push(null, null);
    else found.push(values[Math.min(low, high)] as number, values[Math.max(low, high)] as number);
  }
  return found;
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
