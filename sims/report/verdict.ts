/** What a run came to, in sentences and figures: the same on a terminal and on a page. */

import type { CostReport, DelayReport, JobQueueReport } from '../../core/index.ts';
import {
  formatAmount,
  formatAvailability,
  formatCount,
  formatDay,
  formatDuration,
  formatLatency,
  formatMinute,
  formatNoun,
  formatRange,
  formatUsd,
  formatValue,
} from './format.ts';
import type { ScoreName } from './scores.ts';
import type { RunSummary, ServiceSummary } from './summary.ts';

export interface Verdict {
  readonly text: string;
  /** Nothing failed, and no minute missed the objective. */
  readonly isGood: boolean;
}

/** What the users of a service got, in a sentence. */
export function verdictOf({ serviceName, serviceLevel, utilization, queue }: ServiceSummary): Verdict {
  const { requests, served, availabilityPercent, p99Ms, sloMinutesLost = 0, minutes } = serviceLevel;
  const parts = [
    queue === undefined
      ? `${serviceName}: ${formatAvailability(availabilityPercent)} of ${formatNoun(requests, 'request')} answered in time`
      : `${serviceName}: ${formatAvailability((100 * served) / requests)} of ${formatNoun(requests, 'message')} done`,
  ];
  if (served > 0) parts.push(`p99 ${formatLatency(p99Ms)}`);
  if (queue !== undefined) {
    parts.push(`largest backlog ${formatCount(queue.largestBacklog)}`);
    if (queue.backlog > 0) parts.push(`${formatCount(queue.backlog)} left at the end`);
  }
  if (sloMinutesLost > 0)
    parts.push(`${formatCount(sloMinutesLost)} of ${formatNoun(minutes, 'minute')} missed the objective`);
  parts.push(`${formatRange(utilization.fewestTasks, utilization.mostTasks)} tasks`);
  return { text: `${parts.join(', ')}.`, isGood: sloMinutesLost === 0 && availabilityPercent >= 100 };
}

/** A figure that a service does not have. */
export const NONE = '-';

/** A row of a table with a column for each service: what a figure is called, and how a service tells it. */
export type Figure = readonly [title: string, tell: (service: ServiceSummary, scores: RunSummary['scores']) => string];

/** What became of the jobs of a queue: how many came to their end, how long they waited, whether there was room. */
export function verdictOfJobs(queue: JobQueueReport): Verdict {
  const { submitted, succeeded, failed, waiting, underWay, started, refusals, mostWaiting, mostWaitingAtMs } = queue;
  const ends = [
    `${formatCount(succeeded)} succeeded`,
    ...(failed === 0 ? [] : [`${formatCount(failed)} failed`]),
    ...(underWay === 0 ? [] : [`${formatCount(underWay)} under way`]),
    ...(waiting === 0 ? [] : [`${formatCount(waiting)} still in the queue`]),
  ];
  const waits =
    started === 0
      ? 'none has started'
      : `from submission to start median ${formatDuration(queue.waitP50Ms)}, p95 ${formatDuration(queue.waitP95Ms)}, at most ${formatDuration(queue.waitMostMs)}`;
  const room =
    mostWaitingAtMs === undefined
      ? 'RunTask always had room'
      : `RunTask had no room ${formatNoun(refusals, 'time')}, at most ${formatNoun(mostWaiting, 'job')} waited for it, ${formatDay(mostWaitingAtMs)} ${formatMinute(mostWaitingAtMs)}`;
  return {
    text: `${queue.queue}: ${formatNoun(submitted, 'job')}, ${ends.join(', ')}; ${waits}; ${room}; they used ${formatAmount(queue.usedVcpuHours)} vCPU-hours.`,
    isGood: failed === 0,
  };
}

/** Figures that are told when some service works off a queue; p50 to p99 are then the age of a message when it was done. */
const queueFigures: readonly Figure[] = [
  ['messages', ofQueue(({ sent }) => formatCount(sent))],
  ['done', ofQueue(({ deleted, sent }) => (sent === 0 ? NONE : formatAvailability((100 * deleted) / sent)))],
  ['largest backlog', ofQueue(({ largestBacklog }) => formatCount(largestBacklog))],
  ['left at the end', ofQueue(({ backlog }) => formatCount(backlog))],
  ['oldest message', ofQueue(({ oldestMessageMs }) => formatLatency(oldestMessageMs))],
  ['received again', ofQueue(({ receivedAgain }) => formatCount(receivedAgain))],
  ['expired, dead letters', ofQueue((queue) => `${formatCount(queue.expired)}, ${formatCount(queue.deadLetters)}`)],
];

const requestFigures: readonly Figure[] = [
  ['requests', ({ serviceLevel, queue }) => (queue === undefined ? formatCount(serviceLevel.requests) : NONE)],
  [
    'answered in time',
    (service) =>
      service.queue === undefined
        ? ofRequests(({ availabilityPercent }) => formatAvailability(availabilityPercent))(service)
        : NONE,
  ],
];

const commonFigures: readonly Figure[] = [
  ['p50', ofRequests(({ served, p50Ms }) => (served === 0 ? NONE : formatLatency(p50Ms)))],
  ['p95', ofRequests(({ served, p95Ms }) => (served === 0 ? NONE : formatLatency(p95Ms)))],
  ['p99', ofRequests(({ served, p99Ms }) => (served === 0 ? NONE : formatLatency(p99Ms)))],
  [
    'minutes objective missed',
    ofRequests(({ sloMinutesLost, minutes }) =>
      sloMinutesLost === undefined ? NONE : `${formatCount(sloMinutesLost)} of ${formatCount(minutes)}`,
    ),
  ],
  ['error budget spent', ofScore('errorBudgetPercent', (percent) => `${formatAmount(percent)} %`)],
  ['failed, worst 5 minutes', ofScore('worstFiveFailed', formatCount)],
  ['task-hours', ofTasks(({ taskHours }) => formatAmount(taskHours))],
  ['tasks, fewest to most', ofTasks(({ fewestTasks, mostTasks }) => formatRange(fewestTasks, mostTasks))],
  ['tasks needed, mean', ofDemand(({ meanDemand }) => formatAmount(meanDemand))],
  ['  most', ofDemand(({ peakDemand }) => formatCount(peakDemand))],
  [
    'time too few, too many',
    ofDemand((demand) => `${formatValue(demand.underTimePercent)}, ${formatValue(demand.overTimePercent)} %`),
  ],
  ['mean CPU', ofTasks(({ meanCpuPercent }) => `${formatCount(meanCpuPercent)} %`)],
  ['scale-outs, scale-ins', ({ scaling }) => `${formatCount(scaling.scaleOuts)}, ${formatCount(scaling.scaleIns)}`],
  ['  soon reversed', ofScore('reversals', formatCount)],
  ['task starts, wasted', ({ churn }) => `${formatCount(churn.taskStarts)}, ${formatCount(churn.wastedStarts)}`],
  ['rise to decision, median', ({ scaling }) => seconds(scaling.riseToDecision, 'medianS')],
  ['  longest', ({ scaling }) => seconds(scaling.riseToDecision, 'longestS')],
  ['rise to capacity, median', ({ scaling }) => seconds(scaling.riseToCapacity, 'medianS')],
  ['  longest', ({ scaling }) => seconds(scaling.riseToCapacity, 'longestS')],
  ['rise to enough, median', ofDemand(({ steps }) => seconds(steps.timeToDemand, 'medianS'))],
  [
    'forecast off by, mean',
    ({ scaling: { forecast } }) => (forecast === undefined ? NONE : `${formatValue(forecast.errorPercent)} %`),
  ],
];

/** The rows that say something of these services. */
export function figuresOf(services: readonly ServiceSummary[]): readonly Figure[] {
  const hasQueue = services.some(({ queue }) => queue !== undefined);
  const hasRequests = services.some(({ queue }) => queue === undefined);
  return [...(hasRequests ? requestFigures : []), ...(hasQueue ? queueFigures : []), ...commonFigures];
}

function ofScore(name: ScoreName, tell: (value: number) => string): Figure[1] {
  return ({ serviceName }, { services }) => {
    const value = services[serviceName]?.[name];
    return value === undefined ? NONE : tell(value);
  };
}

/** What the objective would have needed. */
function ofDemand(tell: (elasticity: NonNullable<ServiceSummary['elasticity']>) => string) {
  return ({ elasticity }: ServiceSummary) =>
    elasticity === undefined || elasticity.peakDemand === 0 ? NONE : tell(elasticity);
}

function ofRequests(tell: (level: ServiceSummary['serviceLevel']) => string) {
  return ({ serviceLevel }: ServiceSummary) => (serviceLevel.requests === 0 ? NONE : tell(serviceLevel));
}

function ofQueue(tell: (queue: NonNullable<ServiceSummary['queue']>) => string) {
  return ({ queue }: ServiceSummary) => (queue === undefined ? NONE : tell(queue));
}

/** Only services with a load are measured. */
function ofTasks(tell: (utilization: ServiceSummary['utilization']) => string) {
  return ({ utilization }: ServiceSummary) => (utilization.taskHours === 0 ? NONE : tell(utilization));
}

function seconds(delay: DelayReport, which: 'medianS' | 'longestS'): string {
  const value = delay[which];
  return value === undefined ? NONE : formatDuration(value * 1_000);
}

export interface CostPart {
  readonly kind: string;
  readonly microUsd: number;
  readonly detail: string;
}

/** What of a bill each kind takes, without those that take nothing. `of that Spot` is part of the one before it. */
export function costParts(report: CostReport): readonly CostPart[] {
  const parts: readonly CostPart[] = [
    {
      kind: 'EC2',
      microUsd: report.ec2MicroUsd + report.ec2SpotMicroUsd,
      detail: ` (${formatAmount(report.instanceHours)} instance-hours)`,
    },
    { kind: 'of that Spot', microUsd: report.ec2SpotMicroUsd, detail: '' },
    { kind: 'CPU credits', microUsd: report.cpuCreditsMicroUsd, detail: '' },
    { kind: 'volumes', microUsd: report.ebsMicroUsd, detail: '' },
    { kind: 'public addresses', microUsd: report.publicIpv4MicroUsd, detail: '' },
    { kind: 'Fargate', microUsd: report.fargateMicroUsd, detail: '' },
    { kind: 'Fargate Spot', microUsd: report.fargateSpotMicroUsd, detail: '' },
    { kind: 'load balancer', microUsd: report.loadBalancerMicroUsd + report.lcuMicroUsd, detail: '' },
    { kind: 'CloudWatch', microUsd: report.cloudWatchMicroUsd, detail: '' },
    { kind: 'logs', microUsd: report.logsMicroUsd, detail: '' },
  ];
  return parts.filter(({ microUsd }) => microUsd > 0);
}

/** `$17.86 for instances' capacity that nobody reserved`, and what was reserved and not used. */
export function wasteOf({ idleMicroUsd, byService }: CostReport): readonly string[] {
  const unused = byService.reduce((sum, { unusedMicroUsd }) => sum + unusedMicroUsd, 0);
  return [
    ...(idleMicroUsd > 0 ? [`${formatUsd(idleMicroUsd)} for instances' capacity that nobody reserved`] : []),
    ...(unused > 0 ? [`${formatUsd(unused)} for what was reserved and not used`] : []),
  ];
}
