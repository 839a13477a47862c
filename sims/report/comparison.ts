/** Two outcomes side by side: two futures of one run, or the runs of two scenarios. */

import type { CostReport, JobQueueReport } from '../../core/index.ts';
import {
  formatAmount,
  formatAvailability,
  formatCount,
  formatDuration,
  formatLatency,
  formatUsd,
  formatValue,
} from './format.ts';
import type { Sheet } from './sheet.ts';
import type { ServiceSummary } from './summary.ts';

/** What is compared: of a whole run its summary, or what a run came to over a part of its time. */
export interface Outcome {
  readonly services: readonly (Pick<
    ServiceSummary,
    'serviceName' | 'serviceLevel' | 'utilization' | 'scaling' | 'queue'
  > & {
    /** How many deployments began. */
    readonly deployments?: number;
  })[];
  readonly jobs: readonly JobQueueReport[];
  readonly cost: CostReport;
}

/** One figure of both sides; null where a side has none. Money in millionths of a dollar, latency in ms. */
export interface ComparedFigure {
  readonly title: string;
  readonly before: number | null;
  readonly after: number | null;
  readonly difference: number | null;
}

export interface Comparison {
  readonly cost: readonly ComparedFigure[];
  readonly services: readonly { readonly serviceName: string; readonly figures: readonly ComparedFigure[] }[];
  readonly jobs: readonly { readonly queue: string; readonly figures: readonly ComparedFigure[] }[];
}

type Format = (value: number) => string;
interface FigureOf<T> {
  readonly title: string;
  readonly format: Format;
  readonly tell: (side: T) => number | undefined;
}

const usd: Format = (microUsd) => formatUsd(microUsd);
const costFigures: readonly FigureOf<CostReport>[] = [
  { title: 'cost', format: usd, tell: (cost) => cost.totalMicroUsd },
  { title: 'EC2', format: usd, tell: (cost) => cost.ec2MicroUsd },
  { title: 'EC2 Spot', format: usd, tell: (cost) => cost.ec2SpotMicroUsd },
  { title: 'CPU credits', format: usd, tell: (cost) => cost.cpuCreditsMicroUsd },
  { title: 'volumes', format: usd, tell: (cost) => cost.ebsMicroUsd },
  { title: 'public addresses', format: usd, tell: (cost) => cost.publicIpv4MicroUsd },
  { title: 'Fargate', format: usd, tell: (cost) => cost.fargateMicroUsd },
  { title: 'Fargate Spot', format: usd, tell: (cost) => cost.fargateSpotMicroUsd },
  { title: 'load balancer', format: usd, tell: (cost) => cost.loadBalancerMicroUsd + cost.lcuMicroUsd },
  { title: 'CloudWatch', format: usd, tell: (cost) => cost.cloudWatchMicroUsd },
  { title: 'logs', format: usd, tell: (cost) => cost.logsMicroUsd },
  { title: 'idle, of it', format: usd, tell: (cost) => cost.idleMicroUsd },
  { title: 'instance-hours', format: formatAmount, tell: (cost) => cost.instanceHours },
];

type Service = Outcome['services'][number];

/** Of requests, where there are any; a queue has messages. */
function ofLevel(tell: (level: Service['serviceLevel']) => number | undefined, served = false) {
  return ({ serviceLevel }: Service) =>
    serviceLevel.requests === 0 || (served && serviceLevel.served === 0) ? undefined : tell(serviceLevel);
}

function ofQueue(tell: (queue: NonNullable<Service['queue']>) => number) {
  return ({ queue }: Service) => (queue === undefined ? undefined : tell(queue));
}

/** In seconds; absent when it never happened. */
const seconds: Format = (value) => formatDuration(value * 1_000);
const percent: Format = (value) => `${formatValue(value)} %`;

const serviceFigures: readonly FigureOf<Service>[] = [
  { title: 'minutes objective missed', format: formatCount, tell: ofLevel(({ sloMinutesLost }) => sloMinutesLost) },
  { title: 'requests', format: formatCount, tell: ofLevel(({ requests }) => requests) },
  {
    title: 'answered in time',
    format: formatAvailability,
    tell: (service) =>
      service.queue === undefined ? ofLevel(({ availabilityPercent }) => availabilityPercent)(service) : undefined,
  },
  { title: 'failed', format: formatCount, tell: ofLevel(failedOf) },
  { title: 'p50', format: formatLatency, tell: ofLevel(({ p50Ms }) => p50Ms, true) },
  { title: 'p95', format: formatLatency, tell: ofLevel(({ p95Ms }) => p95Ms, true) },
  { title: 'p99', format: formatLatency, tell: ofLevel(({ p99Ms }) => p99Ms, true) },
  { title: 'largest backlog', format: formatCount, tell: ofQueue(({ largestBacklog }) => largestBacklog) },
  { title: 'left at the end', format: formatCount, tell: ofQueue(({ backlog }) => backlog) },
  { title: 'oldest message', format: formatLatency, tell: ofQueue(({ oldestMessageMs }) => oldestMessageMs) },
  { title: 'scale-outs', format: formatCount, tell: ({ scaling }) => scaling.scaleOuts },
  { title: 'scale-ins', format: formatCount, tell: ({ scaling }) => scaling.scaleIns },
  {
    title: 'rise to capacity, longest',
    format: seconds,
    tell: ({ scaling }) => scaling.riseToCapacity.longestS,
  },
  { title: 'deployments', format: formatCount, tell: ({ deployments }) => deployments },
  { title: 'task-hours', format: formatAmount, tell: ({ utilization }) => utilization.taskHours },
  { title: 'fewest tasks', format: formatCount, tell: ({ utilization }) => utilization.fewestTasks },
  { title: 'most tasks', format: formatCount, tell: ({ utilization }) => utilization.mostTasks },
  {
    title: 'mean CPU',
    format: percent,
    tell: ({ utilization }) => (utilization.taskHours === 0 ? undefined : utilization.meanCpuPercent),
  },
];

const jobFigures: readonly FigureOf<JobQueueReport>[] = [
  { title: 'jobs', format: formatCount, tell: ({ submitted }) => submitted },
  { title: 'succeeded', format: formatCount, tell: ({ succeeded }) => succeeded },
  { title: 'failed jobs', format: formatCount, tell: ({ failed }) => failed },
  { title: 'still in the queue', format: formatCount, tell: ({ waiting }) => waiting },
  { title: 'wait, mean', format: formatDuration, tell: waitOf(({ waitMeanMs }) => waitMeanMs) },
  { title: 'wait, p95', format: formatDuration, tell: waitOf(({ waitP95Ms }) => waitP95Ms) },
  { title: 'wait, longest', format: formatDuration, tell: waitOf(({ waitMostMs }) => waitMostMs) },
  { title: 'most that waited', format: formatCount, tell: ({ mostWaiting }) => mostWaiting },
];

function waitOf(tell: (queue: JobQueueReport) => number) {
  return (queue: JobQueueReport) => (queue.started === 0 ? undefined : tell(queue));
}

function failedOf({ timedOut, rejected, unserved, lost }: Service['serviceLevel']): number {
  return timedOut + rejected + unserved + lost;
}

/** Every figure of both sides. Services are matched by their names; one that only one side has is left out. */
export function compareOutcomes(before: Outcome, after: Outcome): Comparison {
  return {
    cost: compared(costFigures, before.cost, after.cost),
    services: before.services.flatMap((service) => {
      const other = after.services.find(({ serviceName }) => serviceName === service.serviceName);
      if (other === undefined) return [];
      return [{ serviceName: service.serviceName, figures: compared(serviceFigures, service, other) }];
    }),
    jobs: before.jobs.flatMap((jobs) => {
      const other = after.jobs.find(({ queue }) => queue === jobs.queue);
      return other === undefined ? [] : [{ queue: jobs.queue, figures: compared(jobFigures, jobs, other) }];
    }),
  };
}

function compared<T>(figures: readonly FigureOf<T>[], one: T, other: T): readonly ComparedFigure[] {
  return figures.flatMap(({ title, tell }) => {
    const [before = null, after = null] = [tell(one), tell(other)];
    if ((before === null && after === null) || (before === 0 && after === 0)) return [];
    // Floats that add up to nothing else than themselves are not told to the last bit.
    const difference = before === null || after === null ? null : Math.round((after - before) * 1e6) / 1e6;
    return [{ title, before, after, difference }];
  });
}

/**
 * As tables: cost, then each service, then each queue of jobs.
 *
 * @param heads  what the two sides are called
 * @returns one without rows where no figure differs
 */
export function comparedSheets(comparison: Comparison, heads: readonly [string, string]): readonly Sheet[] {
  return [
    sheet('all services', comparison.cost, costFigures, heads),
    ...comparison.services.map(({ serviceName, figures }) => sheet(serviceName, figures, serviceFigures, heads)),
    ...comparison.jobs.map(({ queue, figures }) => sheet(`jobs of ${queue}`, figures, jobFigures, heads)),
  ].filter((found) => found !== undefined);
}

const NONE = '-';

function sheet(
  name: string,
  figures: readonly ComparedFigure[],
  known: readonly { readonly title: string; readonly format: Format }[],
  heads: readonly [string, string],
): Sheet | undefined {
  if (figures.length === 0) return undefined;
  const head = [name, ...heads, 'difference'];
  if (figures.every(({ difference }) => difference === 0)) return { head, rows: [] };
  const rows = figures.map(({ title, before, after, difference }) => {
    const { format } = known.find((figure) => figure.title === title) as { readonly format: Format };
    const cell = (value: number | null) => (value === null ? NONE : format(value));
    return [title, cell(before), cell(after), difference === null ? NONE : signed(difference, format)];
  });
  return { head, rows };
}

/** `+$1.20`, `-12`, `=` */
function signed(difference: number, format: Format): string {
  const size = format(Math.abs(difference));
  return size === format(0) ? '=' : `${difference > 0 ? '+' : '-'}${size}`;
}

/** What the second side is worth, in a sentence: money, objective, requests. */
export function verdictOn(
  before: Outcome,
  after: Outcome,
  names: readonly [string, string] = ['the original', 'The branch'],
): string {
  const sum = (side: Outcome, tell: (service: Service) => number) =>
    side.services.reduce((all, service) => all + tell(service), 0);
  const change = (tell: (service: Service) => number) => sum(after, tell) - sum(before, tell);
  const costs = after.cost.totalMicroUsd - before.cost.totalMicroUsd;
  const share =
    before.cost.totalMicroUsd === 0 ? '' : ` (${formatValue((100 * Math.abs(costs)) / before.cost.totalMicroUsd)} %)`;
  const minutes = change(({ serviceLevel }) => serviceLevel.sloMinutesLost ?? 0);
  const failed = change(({ serviceLevel }) => failedOf(serviceLevel));
  const left = change(({ queue }) => queue?.backlog ?? 0);
  const waits = (side: Outcome) => Math.max(0, ...side.jobs.map(({ waitMeanMs }) => waitMeanMs));
  const waitsMs = waits(after) - waits(before);
  const hasObjective = before.services.some(({ serviceLevel }) => serviceLevel.sloMinutesLost !== undefined);
  const more = (value: number) => (value > 0 ? 'more' : 'fewer');
  const count = (value: number, noun: string) =>
    `${formatCount(Math.abs(value))} ${more(value)} ${noun}${Math.abs(value) === 1 ? '' : 's'}`;
  const [one, other] = names;
  const parts = [
    costs === 0
      ? `costs as much as ${one}`
      : `costs ${formatUsd(Math.abs(costs))}${share} ${costs > 0 ? 'more' : 'less'} than ${one}`,
    ...(hasObjective
      ? [
          minutes === 0
            ? 'misses the objective in as many minutes'
            : `misses the objective in ${count(minutes, 'minute')}`,
        ]
      : []),
    failed === 0 ? 'fails as many requests' : `fails ${count(failed, 'request')}`,
    ...(left === 0 ? [] : [`leaves ${count(left, 'message')} in its queues`]),
    ...(waitsMs === 0
      ? []
      : [`lets jobs wait ${formatDuration(Math.abs(waitsMs))} ${waitsMs > 0 ? 'longer' : 'less'} in the mean`]),
  ];
  return `${other} ${parts.slice(0, -1).join(', ')} and ${parts.at(-1) as string}.`;
}
