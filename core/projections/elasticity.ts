/**
 * Elasticity: how well the supply s of tasks followed the demand d, the smallest number that meets the objective. T is the time
 * measured, R the highest demand: the same for every policy under the same luck. (x)+ is x where it is above 0.
 *
 * @source N. Herbst et al., SPEC RG cloud working group (2016) and BUNGEE (2015): accuracy, timeshare, jitter; A. Ilyushkin et
 *         al., "An Experimental Performance Evaluation of Autoscaling Policies", ICPE 2017, and TOMPECS 3 (2018): normalised
 *         accuracy, instability; A. Bauer et al., "Chameleon", TPDS 30 (2018): accuracy by demand, disagreement, deviation,
 *         elastic speedup; K. Rzadca et al., "Autopilot", EuroSys 2020: slack. Which of these were read in code of their authors
 *         and which are recalled, sims/report/SCORES.md says
 */

import { HOUR, type Millis } from '../kernel/index.ts';
import { DemandTimes, lossOf } from './fixedSize.ts';
import type { Projection } from './projection.ts';
import { Resonance, type ResonanceReport } from './resonance.ts';
import { ServedMinutes, servedMinuteTypes, type ServedMinute, type Supplied } from './servedMinutes.ts';
import type { ServiceLevelObjective } from './serviceLevel.ts';
import { StepResponses, type StepResponseReport } from './stepResponse.ts';

/** Percents are of the time, or of tasks as each says. */
export interface ElasticityReport {
  /** False when no number of tasks meets the objective's latency: demand then goes by the availability alone. */
  readonly isAttainable: boolean;
  readonly minutes: number;
  readonly meanDemand: number;
  readonly peakDemand: number;
  readonly meanSupply: number;
  /** a_U = 100 / (T R) sum of (d - s)+ dt, and a_O with (s - d)+. */
  readonly underPercent: number;
  readonly overPercent: number;
  /** The same of each instant's own: (d - s)+ / d, and (s - d)+ / s. */
  readonly underNormalisedPercent: number;
  readonly overNormalisedPercent: number;
  /** theta_O: (s - d)+ / d. */
  readonly overOfDemandPercent: number;
  /** m_U: supply that no request kept busy, in percent of T R. */
  readonly idlePercent: number;
  /** t_U, t_O, and the rest. */
  readonly underTimePercent: number;
  readonly overTimePercent: number;
  readonly rightTimePercent: number;
  /**
   * k = 100 / (T - 1) sum of min(1, (sgn ds - sgn dd)+): supply rises while demand does not, or stays while demand falls. Of
   * changes from one minute to the next; of the levels themselves, as some code has it, it would be 0 but by chance.
   */
  readonly instabilityPercent: number;
  /** k': the same with demand and supply swapped. */
  readonly lagPercent: number;
  /** upsilon: their changes have different signs. */
  readonly disagreementPercent: number;
  /** j: tasks that supply changed by, up or down, minus tasks that demand did, an hour. Below 0 sluggish, above it nervous. */
  readonly jitterPerHour: number;
  /** sigma: distance from 0 of (theta_U, theta_O, t_U, t_O, upsilon), by the fifth root of the sum of fifth powers. */
  readonly deviation: number;
  /** IAE: integral of |d - s|. */
  readonly absoluteErrorTaskHours: number;
  /** Supply in task-hours, and what of it was more than demand. */
  readonly supplyTaskHours: number;
  readonly overTaskHours: number;
  /** 100 - CPU utilization, over time; and the share of time within 5 % of the limit, of CPU and of memory. */
  readonly cpuSlackPercent: number;
  readonly nearLimitPercent: number;
  readonly memoryNearLimitPercent: number;
  /** The number of tasks that would have been the best without scaling, as fixedSize.ts reckons; and what is lost against it. */
  readonly bestFixedTasks: number;
  readonly fixedRegretTaskHours: number;
  readonly steps: StepResponseReport;
  /** Absent in a run that is too short to tell. */
  readonly resonance?: ResonanceReport;
}

const NEAR_LIMIT_PERCENT = 95;

/** The report is undefined for a service without a load. */
export function elasticityProjection(
  serviceName: string,
  objective?: ServiceLevelObjective,
): Projection<ElasticityReport | undefined> {
  const sums = { ...NOTHING };
  const responses = new StepResponses();
  const demandTimes = new DemandTimes();
  const swings = new Resonance();
  const minutes = new ServedMinutes(serviceName, objective, (minute) => {
    take(sums, minute);
    responses.take(minute);
    demandTimes.take(minute.demand, lengthOf(minute));
    swings.take(minute.demand, meanSupplyOf(minute));
  });
  return {
    types: servedMinuteTypes,
    on: ({ event }) => minutes.on(event),
    report() {
      const { open, isAttainable } = minutes;
      const then = { ...sums };
      const times = demandTimes.copy();
      if (open !== undefined) {
        take(then, open);
        times.take(open.demand, lengthOf(open));
      }
      if (then.minutes === 0) return undefined;
      const resonance = swings.report();
      return {
        isAttainable,
        ...reportOf(then, times),
        steps: responses.report(open),
        ...(resonance === undefined ? {} : { resonance }),
      };
    },
  };
}

function lengthOf({ steps }: ServedMinute): Millis {
  return steps.reduce((sum, { ms }) => sum + ms, 0);
}

function meanSupplyOf(minute: ServedMinute): number {
  return minute.steps.reduce((sum, { tasks, ms }) => sum + tasks * ms, 0) / lengthOf(minute);
}

/** All in tasks x ms, but the shares and times, in ms. Minutes are those in which something is so, of all but the first. */
const NOTHING = {
  minutes: 0,
  ms: 0,
  demand: 0,
  supply: 0,
  under: 0,
  over: 0,
  underShare: 0,
  overShare: 0,
  overOfDemand: 0,
  idle: 0,
  underMs: 0,
  overMs: 0,
  cpuSlack: 0,
  nearLimitMs: 0,
  memoryNearLimitMs: 0,
  peakDemand: 0,
  instableMinutes: 0,
  lagMinutes: 0,
  disagreeingMinutes: 0,
  supplyChanges: 0,
  demandChanges: 0,
  lastDemand: 0,
  lastSupply: 0,
};
type Sums = typeof NOTHING;

function take(sums: Sums, { demand, steps }: ServedMinute): void {
  sums.minutes++;
  sums.peakDemand = Math.max(sums.peakDemand, demand);
  for (const { ms, tasks, cpuPercent, memoryPercent } of steps) {
    const under = Math.max(0, demand - tasks);
    const over = Math.max(0, tasks - demand);
    sums.ms += ms;
    sums.demand += demand * ms;
    sums.supply += tasks * ms;
    sums.under += under * ms;
    sums.over += over * ms;
    sums.underShare += (under / Math.max(demand, 1)) * ms;
    sums.overShare += (over / Math.max(tasks, 1)) * ms;
    sums.overOfDemand += (over / Math.max(demand, 1)) * ms;
    sums.idle += tasks * (1 - cpuPercent / 100) * ms;
    if (under > 0) sums.underMs += ms;
    if (over > 0) sums.overMs += ms;
    sums.cpuSlack += (1 - cpuPercent / 100) * ms;
    if (cpuPercent >= NEAR_LIMIT_PERCENT) sums.nearLimitMs += ms;
    if (memoryPercent >= NEAR_LIMIT_PERCENT) sums.memoryNearLimitMs += ms;
  }
  const supply = (steps.at(-1) as Supplied).tasks;
  if (sums.minutes > 1) {
    const [supplyChange, demandChange] = [supply - sums.lastSupply, demand - sums.lastDemand];
    const [supplySign, demandSign] = [Math.sign(supplyChange), Math.sign(demandChange)];
    if (supplySign > demandSign) sums.instableMinutes++;
    if (demandSign > supplySign) sums.lagMinutes++;
    if (demandSign !== supplySign) sums.disagreeingMinutes++;
    sums.supplyChanges += Math.abs(supplyChange);
    sums.demandChanges += Math.abs(demandChange);
  }
  sums.lastDemand = demand;
  sums.lastSupply = supply;
}

function reportOf(sums: Sums, times: DemandTimes): Omit<ElasticityReport, 'isAttainable' | 'steps' | 'resonance'> {
  const percent = (part: number) => (100 * part) / sums.ms;
  const ofPeak = (part: number) => percent(part) / Math.max(1, sums.peakDemand);
  const ofChanges = (count: number) => (100 * count) / Math.max(1, sums.minutes - 1);
  const underNormalisedPercent = percent(sums.underShare);
  const overOfDemandPercent = percent(sums.overOfDemand);
  const underTimePercent = percent(sums.underMs);
  const overTimePercent = percent(sums.overMs);
  const disagreementPercent = ofChanges(sums.disagreeingMinutes);
  const [meanDemand, meanSupply] = [sums.demand / sums.ms, sums.supply / sums.ms];
  const fixed = times.best() ?? { tasks: 0, lossTasks: 0 };
  const lossTasks = lossOf(meanSupply, meanDemand, underTimePercent / 100);
  const parts = [underNormalisedPercent, overOfDemandPercent, underTimePercent, overTimePercent, disagreementPercent];
  return {
    minutes: sums.minutes,
    meanDemand,
    peakDemand: sums.peakDemand,
    meanSupply,
    underPercent: ofPeak(sums.under),
    overPercent: ofPeak(sums.over),
    underNormalisedPercent,
    overNormalisedPercent: percent(sums.overShare),
    overOfDemandPercent,
    idlePercent: ofPeak(sums.idle),
    underTimePercent,
    overTimePercent,
    rightTimePercent: 100 - underTimePercent - overTimePercent,
    instabilityPercent: ofChanges(sums.instableMinutes),
    lagPercent: ofChanges(sums.lagMinutes),
    disagreementPercent,
    jitterPerHour: ((sums.supplyChanges - sums.demandChanges) * HOUR) / sums.ms,
    deviation: parts.reduce((sum, part) => sum + part ** parts.length, 0) ** (1 / parts.length),
    absoluteErrorTaskHours: (sums.under + sums.over) / HOUR,
    supplyTaskHours: sums.supply / HOUR,
    overTaskHours: sums.over / HOUR,
    cpuSlackPercent: percent(sums.cpuSlack),
    nearLimitPercent: percent(sums.nearLimitMs),
    memoryNearLimitPercent: percent(sums.memoryNearLimitMs),
    bestFixedTasks: fixed.tasks,
    fixedRegretTaskHours: ((lossTasks - fixed.lossTasks) * sums.ms) / HOUR,
  };
}

/** Percent below which a metric of elastic speedup is taken to be this: no policy is infinitely better than another. */
const LEAST_PERCENT = 0.01;

const SPEEDUP_KEYS = ['underNormalisedPercent', 'overOfDemandPercent', 'underTimePercent', 'overTimePercent'] as const;
type Sped = Pick<ElasticityReport, (typeof SPEEDUP_KEYS)[number]>;

/**
 * How many times as elastic a policy is as another one: the geometric mean of the ratios of theta_U, theta_O, t_U and t_O.
 * Above 1, `policy` is better than `base`.
 */
export function elasticSpeedup(base: Sped, policy: Sped): number {
  const product = SPEEDUP_KEYS.reduce(
    (all, key) => (all * Math.max(base[key], LEAST_PERCENT)) / Math.max(policy[key], LEAST_PERCENT),
    1,
  );
  return product ** (1 / SPEEDUP_KEYS.length);
}
