/**
 * Scores: what a run is judged by, each a number with a name. The one list of them: the table of `compare`, the names that
 * `--fail-if` knows, the `scores` of `--json` and the page SCORES.md follow from it.
 */

import { SECOND } from '../../core/kernel/index.ts';
import type { RunSummary, ServiceSummary } from './summary.ts';

export type ScoreUnit =
  'ms' | 's' | '%' | '$' | 'tasks' | 'task-hours' | 'task-min²' | 'times' | 'count' | 'per day' | 'per hour';

/** A run as it is told, before it is scored. */
export type UnscoredSummary = Omit<RunSummary, 'scores'>;

interface Score {
  /** As a row of a table says it. */
  readonly title: string;
  readonly unit: ScoreUnit;
  readonly better: 'lower' | 'higher' | 'neither';
  readonly meaning: string;
  readonly formula: string;
  readonly source: string;
  /** Of one service; undefined where it has none. Left out: the score is of the whole run only. */
  readonly ofService?: (service: ServiceSummary, summary: UnscoredSummary) => number | undefined;
  /** Of the run: the sum over its services, the worst of them, or as it says. */
  readonly ofRun: 'sum' | 'worst' | ((summary: UnscoredSummary) => number | undefined);
}

const OURS = 'ours';
const SRE = 'Google, Site Reliability Engineering, chapter 4; The Site Reliability Workbook, chapter 5';
const SPEC = 'Herbst et al., SPEC RG 2016; Ilyushkin et al., ICPE 2017';
const CHAMELEON = 'Bauer et al., Chameleon, TPDS 2018';
const CONTROL = 'Ogata, Modern Control Engineering; MATLAB stepinfo';
const MICRO = 1e6;

const ofLevel =
  (tell: (level: ServiceSummary['serviceLevel']) => number | undefined) =>
  ({ serviceLevel }: ServiceSummary) =>
    serviceLevel.requests === 0 ? undefined : tell(serviceLevel);

const ofElasticity =
  (tell: (elasticity: NonNullable<ServiceSummary['elasticity']>) => number | undefined) =>
  ({ elasticity }: ServiceSummary) =>
    elasticity === undefined ? undefined : tell(elasticity);

const ofSteps = (tell: (steps: NonNullable<ServiceSummary['elasticity']>['steps']) => number | undefined) =>
  ofElasticity(({ steps }) => tell(steps));

function microUsdOf({ serviceName }: ServiceSummary, { cost }: UnscoredSummary): number {
  return cost.byService.find((entry) => entry.serviceName === serviceName)?.microUsd ?? 0;
}

function overMicroUsd(service: ServiceSummary, summary: UnscoredSummary): number | undefined {
  const { elasticity } = service;
  if (elasticity === undefined || elasticity.supplyTaskHours === 0) return undefined;
  return (microUsdOf(service, summary) * elasticity.overTaskHours) / elasticity.supplyTaskHours;
}

function largest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((all, value) => all + value, 0);
}

/** Parts of the failed and the slow that the objective leaves, over the run. */
const spent = (which: 'spentPercent' | 'worstHourBurnRate') =>
  ofLevel(({ errorBudgets }) => largest(errorBudgets.map((budget) => budget[which])));

const definitions = {
  costUsd: {
    title: 'cost',
    unit: '$',
    better: 'lower',
    meaning: 'what AWS would bill for the run; of one service: its Fargate tasks, and its part of the instances',
    formula: 'by the second with a minute at least; see core/projections/cost.ts',
    source: 'AWS price list, core/projections/prices.json',
    ofService: (service, summary) => microUsdOf(service, summary) / MICRO,
    ofRun: ({ cost }) => cost.totalMicroUsd / MICRO,
  },
  costPerMillionUsd: {
    title: 'cost of a million requests',
    unit: '$',
    better: 'lower',
    meaning: 'cost for each million requests or messages that were answered in time or done',
    formula: '10^6 x cost / served',
    source: OURS,
    ofService: (service, summary) =>
      service.serviceLevel.served === 0 ? undefined : microUsdOf(service, summary) / service.serviceLevel.served,
    ofRun({ cost, services }) {
      const served = services.reduce((all, { serviceLevel }) => all + serviceLevel.served, 0);
      return served === 0 ? undefined : cost.totalMicroUsd / served;
    },
  },
  overProvisioningUsd: {
    title: 'cost of over-provisioning',
    unit: '$',
    better: 'lower',
    meaning: 'paid for tasks beyond demand, and for instances’ capacity that nobody had reserved',
    formula: 'cost of the service x integral of (s - d)+ / integral of s; of the run, with idle capacity',
    source: OURS,
    ofService(service, summary) {
      const microUsd = overMicroUsd(service, summary);
      return microUsd === undefined ? undefined : microUsd / MICRO;
    },
    ofRun(summary) {
      const over = sum(summary.services.map((service) => overMicroUsd(service, summary)));
      return over === undefined ? undefined : (over + summary.cost.idleMicroUsd) / MICRO;
    },
  },
  churnUsd: {
    title: 'cost of churn',
    unit: '$',
    better: 'lower',
    meaning: 'paid for tasks while they started or stopped',
    formula: 'cost of the service x hours of tasks that do not serve / hours of tasks that are billed',
    source: OURS,
    ofService: (service, summary) =>
      service.churn.billedTaskHours === 0
        ? undefined
        : (microUsdOf(service, summary) * service.churn.notServingTaskHours) / service.churn.billedTaskHours / MICRO,
    ofRun: 'sum',
  },
  sloMinutesLost: {
    title: 'minutes objective missed',
    unit: 'count',
    better: 'lower',
    meaning: 'minutes in which the objective of the service was missed',
    formula:
      'minutes with more than 1 % of the answers slower than latencyP99Ms, or fewer answered than availabilityPercent',
    source: SRE,
    ofService: ofLevel(({ sloMinutesLost }) => sloMinutesLost),
    ofRun: 'sum',
  },
  errorBudgetPercent: {
    title: 'error budget spent',
    unit: '%',
    better: 'lower',
    meaning: 'of what the objective leaves over the run: failed requests, or slow answers, whichever is more',
    formula: '100 x failed / ((1 - availability) x requests); 100 x slow / (1 % x answered)',
    source: SRE,
    ofService: spent('spentPercent'),
    ofRun: 'worst',
  },
  burnRate: {
    title: 'burn rate of the worst hour',
    unit: 'times',
    better: 'lower',
    meaning: 'how many times as fast as allowed the worst hour spent the error budget',
    formula: 'share of errors in the hour / share allowed',
    source: SRE,
    ofService: spent('worstHourBurnRate'),
    ofRun: 'worst',
  },
  availabilityPercent: {
    title: 'answered in time',
    unit: '%',
    better: 'higher',
    meaning: 'requests answered before their clients gave up; messages done',
    formula: '100 x served / ended',
    source: SRE,
    ofService: ofLevel(({ availabilityPercent }) => availabilityPercent),
    ofRun: 'worst',
  },
  failedRequests: {
    title: 'requests failed',
    unit: 'count',
    better: 'lower',
    meaning: 'timed out, rejected, without a target, or lost with their task',
    formula: 'timedOut + rejected + unserved + lost',
    source: OURS,
    ofService: ofLevel(({ timedOut, rejected, unserved, lost }) => timedOut + rejected + unserved + lost),
    ofRun: 'sum',
  },
  p50Ms: percentile('p50', ({ p50Ms }) => p50Ms),
  p95Ms: percentile('p95', ({ p95Ms }) => p95Ms),
  p99Ms: percentile('p99', ({ p99Ms }) => p99Ms),
  p999Ms: percentile('p99.9', ({ p999Ms }) => p999Ms),
  minuteP99Ms: {
    title: 'p99 of 95 % of minutes',
    unit: 'ms',
    better: 'lower',
    meaning: 'percentiles over windows: minutes count alike, however many requests they have',
    formula: '95th percentile of the minutes’ 99th percentiles',
    source: SRE,
    ofService: ofLevel(({ served, minuteP99Ms }) => (served === 0 ? undefined : minuteP99Ms.p95)),
    ofRun: 'worst',
  },
  worstMinuteP99Ms: {
    title: 'p99 of the worst minute',
    unit: 'ms',
    better: 'lower',
    meaning: 'the highest 99th percentile of any minute',
    formula: 'largest of the minutes’ 99th percentiles',
    source: SRE,
    ofService: ofLevel(({ served, minuteP99Ms }) => (served === 0 ? undefined : minuteP99Ms.worst)),
    ofRun: 'worst',
  },
  worstFiveFailed: {
    title: 'failed in the worst 5 minutes',
    unit: 'count',
    better: 'lower',
    meaning: 'requests not answered in time in the five minutes in a row that had most of them',
    formula: 'largest sum over five minutes in a row',
    source: OURS,
    ofService: ofLevel(({ worstFiveMinutes }) => worstFiveMinutes?.failed),
    ofRun: 'worst',
  },
  oldestMessageS: {
    title: 'oldest message',
    unit: 's',
    better: 'lower',
    meaning: 'the oldest that a message of the queue got without being deleted',
    formula: 'largest ApproximateAgeOfOldestMessage',
    source: 'AWS, Amazon SQS metrics',
    ofService: ({ queue }) => (queue === undefined ? undefined : queue.oldestMessageMs / SECOND),
    ofRun: 'worst',
  },
  jobWaitMeanS: {
    title: 'wait of jobs',
    unit: 's',
    better: 'lower',
    meaning: 'from the submission of a job until its containers have started, of the queue that waits longest',
    formula: 'mean over the jobs that have started',
    source: 'Feitelson, Workload Modeling for Computer Systems Performance Evaluation, on wait time',
    ofRun: ({ jobs }) =>
      largest(jobs.map(({ started, waitMeanMs }) => (started === 0 ? undefined : waitMeanMs / SECOND))),
  },
  jobsNotDone: {
    title: 'jobs not done',
    unit: 'count',
    better: 'lower',
    meaning: 'jobs that were submitted and have failed, still wait or still work at the end',
    formula: 'submitted - succeeded',
    source: OURS,
    ofRun: ({ jobs }) =>
      jobs.length === 0 ? undefined : jobs.reduce((all, { submitted, succeeded }) => all + submitted - succeeded, 0),
  },
  underPercent: {
    title: 'supply missing (a_U)',
    unit: '%',
    better: 'lower',
    meaning: 'provisioning accuracy: tasks that were missing, of the highest demand R',
    formula: '100 / (T R) x sum of (d - s)+ dt',
    source: SPEC,
    ofService: ofElasticity(({ underPercent }) => underPercent),
    ofRun: 'worst',
  },
  overPercent: {
    title: 'supply too much (a_O)',
    unit: '%',
    better: 'lower',
    meaning: 'provisioning accuracy: tasks beyond demand, of the highest demand R',
    formula: '100 / (T R) x sum of (s - d)+ dt',
    source: SPEC,
    ofService: ofElasticity(({ overPercent }) => overPercent),
    ofRun: 'worst',
  },
  underNormalisedPercent: {
    title: 'missing of demand (theta_U)',
    unit: '%',
    better: 'lower',
    meaning: 'tasks that were missing, of the demand of the same instant',
    formula: '100 / T x sum of (d - s)+ / d dt',
    source: `${SPEC}; ${CHAMELEON}`,
    ofService: ofElasticity(({ underNormalisedPercent }) => underNormalisedPercent),
    ofRun: 'worst',
  },
  overNormalisedPercent: {
    title: 'too much of supply',
    unit: '%',
    better: 'lower',
    meaning: 'tasks beyond demand, of the supply of the same instant',
    formula: '100 / T x sum of (s - d)+ / s dt',
    source: SPEC,
    ofService: ofElasticity(({ overNormalisedPercent }) => overNormalisedPercent),
    ofRun: 'worst',
  },
  overOfDemandPercent: {
    title: 'too much of demand (theta_O)',
    unit: '%',
    better: 'lower',
    meaning: 'tasks beyond demand, of the demand of the same instant; it may be over 100',
    formula: '100 / T x sum of (s - d)+ / d dt',
    source: CHAMELEON,
    ofService: ofElasticity(({ overOfDemandPercent }) => overOfDemandPercent),
    ofRun: 'worst',
  },
  idlePercent: {
    title: 'idle supply (m_U)',
    unit: '%',
    better: 'lower',
    meaning: 'supply that no request kept busy, of the highest demand R',
    formula: '100 / (T R) x sum of s (1 - CPU utilization) dt',
    source: SPEC,
    ofService: ofElasticity(({ idlePercent }) => idlePercent),
    ofRun: 'worst',
  },
  underTimePercent: {
    title: 'time with too few (t_U)',
    unit: '%',
    better: 'lower',
    meaning: 'timeshare: how long supply was below demand',
    formula: '100 / T x sum of sgn((d - s)+) dt',
    source: `${SPEC}; ${CHAMELEON} (tau_U)`,
    ofService: ofElasticity(({ underTimePercent }) => underTimePercent),
    ofRun: 'worst',
  },
  overTimePercent: {
    title: 'time with too many (t_O)',
    unit: '%',
    better: 'lower',
    meaning: 'timeshare: how long supply was above demand',
    formula: '100 / T x sum of sgn((s - d)+) dt',
    source: `${SPEC}; ${CHAMELEON} (tau_O)`,
    ofService: ofElasticity(({ overTimePercent }) => overTimePercent),
    ofRun: 'worst',
  },
  rightTimePercent: {
    title: 'time just right',
    unit: '%',
    better: 'higher',
    meaning: 'timeshare: how long supply was what demand asked for',
    formula: '100 - t_U - t_O',
    source: OURS,
    ofService: ofElasticity(({ rightTimePercent }) => rightTimePercent),
    ofRun: 'worst',
  },
  instabilityPercent: {
    title: 'instability (k)',
    unit: '%',
    better: 'lower',
    meaning: 'minutes in which supply rose while demand did not, or stayed while demand fell',
    formula: '100 / (T - 1) x sum of min(1, (sgn ds - sgn dd)+), of changes from minute to minute',
    source: `${SPEC}; of changes, where the AtLarge code takes levels`,
    ofService: ofElasticity(({ instabilityPercent }) => instabilityPercent),
    ofRun: 'worst',
  },
  lagPercent: {
    title: 'lag (k’)',
    unit: '%',
    better: 'lower',
    meaning: 'minutes in which demand rose while supply did not, or stayed while supply fell',
    formula: '100 / (T - 1) x sum of min(1, (sgn dd - sgn ds)+)',
    source: SPEC,
    ofService: ofElasticity(({ lagPercent }) => lagPercent),
    ofRun: 'worst',
  },
  disagreementPercent: {
    title: 'disagreement (upsilon)',
    unit: '%',
    better: 'lower',
    meaning: 'minutes in which supply and demand changed with different signs',
    formula: '100 / (T - 1) x sum of min(1, |sgn ds - sgn dd|)',
    source: CHAMELEON,
    ofService: ofElasticity(({ disagreementPercent }) => disagreementPercent),
    ofRun: 'worst',
  },
  jitterPerHour: {
    title: 'jitter (j)',
    unit: 'per hour',
    better: 'neither',
    meaning: 'tasks that supply changed by, less those that demand changed by: below 0 sluggish, above it nervous',
    formula: '(E_S - E_D) / T, with E the sum of |changes| from minute to minute',
    source: 'Herbst et al., BUNGEE, 2015',
    ofService: ofElasticity(({ jitterPerHour }) => jitterPerHour),
    ofRun: 'worst',
  },
  deviation: {
    title: 'auto-scaling deviation (sigma)',
    unit: 'count',
    better: 'lower',
    meaning: 'distance from the perfect policy, whose metrics are all 0',
    formula: '(theta_U^5 + theta_O^5 + t_U^5 + t_O^5 + upsilon^5)^(1/5), in percent',
    source: CHAMELEON,
    ofService: ofElasticity(({ deviation }) => deviation),
    ofRun: 'worst',
  },
  absoluteErrorTaskHours: {
    title: 'absolute error (IAE)',
    unit: 'task-hours',
    better: 'lower',
    meaning: 'tasks too few or too many, over time',
    formula: 'integral of |d - s| dt',
    source: CONTROL,
    ofService: ofElasticity(({ absoluteErrorTaskHours }) => absoluteErrorTaskHours),
    ofRun: 'sum',
  },
  bestFixedTasks: {
    title: 'best fixed size',
    unit: 'tasks',
    better: 'neither',
    meaning: 'the number of tasks that would have been the best without scaling, known only afterwards',
    formula: 'the n with the least n + 10 x mean d x share of time with d > n',
    source: OURS,
    ofService: ofElasticity(({ bestFixedTasks }) => bestFixedTasks),
    ofRun: 'sum',
  },
  fixedRegretTaskHours: {
    title: 'task-hours against best fixed size',
    unit: 'task-hours',
    better: 'lower',
    meaning: 'what is lost against the best fixed size; below 0: scaling was worth it',
    formula: 'T x (mean s + 10 x mean d x t_U - the same of the best fixed size)',
    source: 'ours, after Cesa-Bianchi and Lugosi, Prediction, Learning, and Games, 2006',
    ofService: ofElasticity(({ fixedRegretTaskHours }) => fixedRegretTaskHours),
    ofRun: 'sum',
  },
  resonancePeriodS: {
    title: 'resonance period',
    unit: 's',
    better: 'neither',
    meaning:
      'the period, from four minutes to an hour and a half, at which supply swings most beyond what demand asks for',
    formula: 'where P_s - P_d is largest and P_s >= 2 P_d; P: power by period, in stretches of 256 minutes',
    source: 'power by period: Welch, 1967; resonance: Ogata, Modern Control Engineering; see resonance.ts',
    ofService: ofElasticity(({ resonance }) => resonance?.periodS),
    ofRun: 'worst',
  },
  resonanceSwingTasks: {
    title: 'swing at resonance',
    unit: 'tasks',
    better: 'lower',
    meaning: 'tasks by which supply swings there to either side, beyond what demand asks for; 0: no resonance',
    formula: 'amplitude of P_s - P_d',
    source: 'the same',
    ofService: ofElasticity(({ resonance }) => resonance?.swingTasks),
    ofRun: 'worst',
  },
  cpuSlackPercent: {
    title: 'CPU slack',
    unit: '%',
    better: 'neither',
    meaning: 'CPU that was reserved and not used, over time',
    formula: '100 / T x sum of (limit - usage) / limit dt',
    source: 'Rzadca et al., Autopilot, EuroSys 2020',
    ofService: ofElasticity(({ cpuSlackPercent }) => cpuSlackPercent),
    ofRun: 'worst',
  },
  nearLimitPercent: {
    title: 'time at the CPU’s limit',
    unit: '%',
    better: 'lower',
    meaning: 'how long CPU utilization was within 5 % of its limit',
    formula: '100 / T x time with utilization of 95 % or more',
    source: 'Rzadca et al., Autopilot, EuroSys 2020',
    ofService: ofElasticity(({ nearLimitPercent }) => nearLimitPercent),
    ofRun: 'worst',
  },
  memoryNearLimitPercent: {
    title: 'time at the memory’s limit',
    unit: '%',
    better: 'lower',
    meaning: 'how long memory utilization was within 5 % of its limit',
    formula: '100 / T x time with utilization of 95 % or more',
    source: 'Rzadca et al., Autopilot, EuroSys 2020',
    ofService: ofElasticity(({ memoryNearLimitPercent }) => memoryNearLimitPercent),
    ofRun: 'worst',
  },
  outOfMemoryPerTaskDay: {
    title: 'out of memory, per task and day',
    unit: 'per day',
    better: 'lower',
    meaning: 'containers that were killed for the memory they used, for each day of a task that serves',
    formula: 'OutOfMemoryError / days of tasks that serve',
    source: 'Rzadca et al., Autopilot, EuroSys 2020 (relative OOMs)',
    ofService: ({ churn }) => churn.outOfMemoryPerTaskDay,
    ofRun: 'worst',
  },
  deadTimeS: {
    title: 'dead time after a rise',
    unit: 's',
    better: 'lower',
    meaning: 'median over the rises of demand: until the first new task serves',
    formula: 'first instant with s > s0, less the rise',
    source: CONTROL,
    ofService: ofSteps(({ deadTime }) => deadTime.medianS),
    ofRun: 'worst',
  },
  riseTimeS: {
    title: 'rise time',
    unit: 's',
    better: 'lower',
    meaning: 'median over the rises: how long new tasks took to come, once they came',
    formula: 'from s0 + 10 % to s0 + 90 % of S - s0',
    source: CONTROL,
    ofService: ofSteps(({ riseTime }) => riseTime.medianS),
    ofRun: 'worst',
  },
  timeToDemandS: {
    title: 'time to enough tasks',
    unit: 's',
    better: 'lower',
    meaning: 'median over the rises: until supply was what demand asked for',
    formula: 'first instant with s >= d, less the rise',
    source: OURS,
    ofService: ofSteps(({ timeToDemand }) => timeToDemand.medianS),
    ofRun: 'worst',
  },
  settlingTimeS: {
    title: 'settling time',
    unit: 's',
    better: 'lower',
    meaning: 'median over the rises: until supply stayed within 5 % of where it ended, or half a task',
    formula: 'last instant with |s - S| > max(5 % S, 0.5), less the rise',
    source: CONTROL,
    ofService: ofSteps(({ settlingTime }) => settlingTime.medianS),
    ofRun: 'worst',
  },
  overshootPercent: {
    title: 'overshoot',
    unit: '%',
    better: 'lower',
    meaning: 'worst over the rises: how far supply went beyond where it ended',
    formula: '100 x (max s - S) / (S - s0)',
    source: CONTROL,
    ofService: ofSteps(({ overshootPercent: { worst } }) => worst),
    ofRun: 'worst',
  },
  steadyErrorPercent: {
    title: 'steady-state error',
    unit: '%',
    better: 'neither',
    meaning: 'median over the rises: by how much supply ended above demand; below 0: too few tasks',
    formula: '100 x (S - D) / D',
    source: CONTROL,
    ofService: ofSteps(({ steadyErrorPercent: { median } }) => median),
    ofRun: 'worst',
  },
  timeWeightedErrorTaskMin2: {
    title: 'time-weighted error (ITAE)',
    unit: 'task-min²',
    better: 'lower',
    meaning: 'median over the rises: tasks too few or too many, weighing more the longer after the rise',
    formula: 'integral of |d - s| t dt, t from the rise on',
    source: 'Graham and Lathrop, Trans. AIEE 72, 1953',
    ofService: ofSteps(({ timeWeightedErrorTaskMin2: { median } }) => median),
    ofRun: 'worst',
  },
  riseToCapacityS: {
    title: 'rise to capacity',
    unit: 's',
    better: 'lower',
    meaning: 'median: from the start of the first breaching period of an alarm to the first new task that serves',
    formula: 'see core/projections/scalingHistory.ts',
    source: 'AWS News Blog, 2026-06-18, measures the same',
    ofService: ({ scaling }) => scaling.riseToCapacity.medianS,
    ofRun: 'worst',
  },
  actionsPerDay: {
    title: 'scaling actions',
    unit: 'per day',
    better: 'lower',
    meaning: 'changes of the desired count by Application Auto Scaling',
    formula: 'scaling activities / days',
    source: OURS,
    ofService: ({ churn }) => churn.actionsPerDay,
    ofRun: 'sum',
  },
  reversals: {
    title: 'reversals within a cooldown',
    unit: 'count',
    better: 'lower',
    meaning: 'actions against the direction of the one before, within the longest cooldown of the policies',
    formula: 'count',
    source: OURS,
    ofService: ({ churn }) => churn.reversals,
    ofRun: 'sum',
  },
  taskStarts: {
    title: 'task starts',
    unit: 'count',
    better: 'lower',
    meaning: 'tasks created after the run had begun',
    formula: 'count',
    source: OURS,
    ofService: ({ churn }) => churn.taskStarts,
    ofRun: 'sum',
  },
  wastedStarts: {
    title: 'task starts wasted',
    unit: 'count',
    better: 'lower',
    meaning: 'tasks that ended before they had served twice as long as they took to start',
    formula: 'count of life < 2 x start-up',
    source: OURS,
    ofService: ({ churn }) => churn.wastedStarts,
    ofRun: 'sum',
  },
  taskLifeP10S: {
    title: 'life of a task, shortest tenth',
    unit: 's',
    better: 'higher',
    meaning: 'a tenth of the tasks that ended served no longer than this',
    formula: '10th percentile',
    source: OURS,
    ofService: ({ churn }) => churn.taskLifeP10S,
    ofRun: 'worst',
  },
  tasksMoved: {
    title: 'tasks moved',
    unit: 'count',
    better: 'lower',
    meaning: 'tasks that had to go elsewhere: instance drained, terminated or lost, Spot taken back, zones balanced',
    formula: 'count',
    source: OURS,
    ofService: ({ churn }) => churn.tasksMoved,
    ofRun: 'sum',
  },
  taskHours: {
    title: 'task-hours',
    unit: 'task-hours',
    better: 'neither',
    meaning: 'hours of tasks in RUNNING',
    formula: 'integral of running tasks',
    source: OURS,
    ofService: ({ utilization }) => (utilization.taskHours === 0 ? undefined : utilization.taskHours),
    ofRun: 'sum',
  },
  mostTasks: {
    title: 'most tasks',
    unit: 'tasks',
    better: 'neither',
    meaning: 'the most tasks in RUNNING at once',
    formula: 'maximum',
    source: OURS,
    ofService: ({ utilization }) => (utilization.taskHours === 0 ? undefined : utilization.mostTasks),
    ofRun: 'worst',
  },
  cpuPercent: {
    title: 'mean CPU',
    unit: '%',
    better: 'neither',
    meaning: 'CPUUtilization over all running tasks and time',
    formula: 'mean, weighted by tasks',
    source: 'AWS, Amazon ECS metrics',
    ofService: ({ utilization }) => (utilization.taskHours === 0 ? undefined : utilization.meanCpuPercent),
    ofRun: 'worst',
  },
  instanceHours: {
    title: 'instance-hours',
    unit: 'count',
    better: 'neither',
    meaning: 'hours of EC2 instances',
    formula: 'integral of running instances',
    source: OURS,
    ofRun: ({ cost }) => (cost.instanceHours === 0 ? undefined : cost.instanceHours),
  },
  strandedCpuPercent: {
    title: 'stranded CPU',
    unit: '%',
    better: 'lower',
    meaning: 'free on instances that no task of the scenario fits on, of what they registered, over time',
    formula: 'mean of stranded / registered',
    source: 'Verma et al., Borg, EuroSys 2015',
    ofRun: ({ placement }) => placement.instances?.strandedCpuPercent,
  },
  strandedMemoryPercent: {
    title: 'stranded memory',
    unit: '%',
    better: 'lower',
    meaning: 'the same of memory',
    formula: 'mean of stranded / registered',
    source: 'Verma et al., Borg, EuroSys 2015',
    ofRun: ({ placement }) => placement.instances?.strandedMemoryPercent,
  },
  fragmentationPercent: {
    title: 'fragmentation of memory',
    unit: '%',
    better: 'lower',
    meaning: '0: all free memory is on one instance; towards 100: it is in small pieces',
    formula: '100 x mean of (1 - largest free part / all that is free)',
    source: 'external fragmentation, as of memory allocators',
    ofRun: ({ placement }) => placement.instances?.indexPercent,
  },
  zoneDifference: {
    title: 'zones apart',
    unit: 'tasks',
    better: 'lower',
    meaning: 'tasks of a service in its fullest zone less those in its emptiest, over time',
    formula: 'mean of largest - smallest',
    source: OURS,
    ofService: ({ serviceName }, { placement }) =>
      placement.zones.find((zones) => zones.serviceName === serviceName)?.meanDifference,
    ofRun: 'worst',
  },
  instancesOverBound: {
    title: 'instances against the fewest',
    unit: 'times',
    better: 'lower',
    meaning: 'at the end: instances that hold tasks, against a number that no packing goes below',
    formula: 'used / lower bound (sims/report/packing.ts)',
    source: 'Martello and Toth, Knapsack Problems (1990), bound L1',
    ofRun({ packing }) {
      const used = packing.reduce((all, provider) => all + provider.used, 0);
      const bound = packing.reduce((all, provider) => all + provider.lowerBound, 0);
      return bound === 0 ? undefined : used / bound;
    },
  },
} as const satisfies Readonly<Record<string, Score>>;

export type ScoreName = keyof typeof definitions;
export const scoreDefinitions: Readonly<Record<ScoreName, Score>> = definitions;
export const scoreNames = Object.keys(definitions) as readonly ScoreName[];

/** Scores that a run has; those it does not have are absent. */
export type Scores = Readonly<Partial<Record<ScoreName, number>>>;

export interface RunScores {
  readonly run: Scores;
  readonly services: Readonly<Record<string, Scores>>;
}

export function scoresOf(summary: UnscoredSummary): RunScores {
  const services = Object.fromEntries(
    summary.services.map((service) => [
      service.serviceName,
      valued((name) => scoreDefinitions[name].ofService?.(service, summary)),
    ]),
  );
  const run = valued((name) => {
    const { ofRun, better } = scoreDefinitions[name];
    if (typeof ofRun === 'function') return ofRun(summary);
    const values = Object.values(services).flatMap((scores) => scores[name] ?? []);
    if (values.length === 0) return undefined;
    if (ofRun === 'sum') return sum(values);
    return better === 'higher' ? Math.min(...values) : Math.max(...values);
  });
  return { run, services };
}

function valued(tell: (name: ScoreName) => number | undefined): Scores {
  const scores: Partial<Record<ScoreName, number>> = {};
  for (const name of scoreNames) {
    const value = tell(name);
    if (value !== undefined) scores[name] = value;
  }
  return scores;
}

function percentile(which: string, tell: (level: ServiceSummary['serviceLevel']) => number): Score {
  return {
    title: which,
    unit: 'ms',
    better: 'lower',
    meaning: `latency that ${which.slice(1)} % of the answered requests do not exceed; of messages, their age when done`,
    formula: `${which.slice(1)}th percentile over requests`,
    source: SRE,
    ofService: ofLevel((level) => (level.served === 0 ? undefined : tell(level))),
    ofRun: 'worst',
  };
}
