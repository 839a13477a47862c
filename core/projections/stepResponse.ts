/**
 * Step responses: how supply answered each rise of demand. A rise is one of at least two tasks and a quarter within five minutes;
 * its response is looked at until demand has fallen half way back, for an hour at the most.
 * Choice: less than that is chance; what happens an hour later answers something else.
 *
 * With s0 the supply at the rise, D and S demand and supply in the last quarter of the response:
 * dead time until s > s0; rise time from s0 + 10 % to s0 + 90 % of S - s0; overshoot (max s - S) / (S - s0); settling time until
 * s stays within 5 % of S, or half a task; steady-state error (S - D) / D; ITAE the integral of |d - s| t.
 *
 * @source K. Ogata, "Modern Control Engineering", transient-response specifications; MATLAB stepinfo, for overshoot; ITAE:
 *         D. Graham and R. Lathrop, "The synthesis of optimum transient response", Trans. AIEE 72 (1953)
 */

import { HOUR, MINUTE, type Millis } from '../kernel/index.ts';
import { addDelay, delayReport, WholeNumbers, type DelayReport } from './delays.ts';
import type { ServedMinute, Supplied } from './servedMinutes.ts';

/** Undefined when there was none. */
export interface MedianReport {
  readonly median?: number;
  readonly worst?: number;
}

export interface StepResponseReport {
  readonly rises: number;
  /** Of these, rises for which enough tasks were there already. */
  readonly covered: number;
  /** Of the others, those after which supply did not grow before the response was over. */
  readonly unanswered: number;
  readonly deadTime: DelayReport;
  readonly riseTime: DelayReport;
  /** Until supply was what demand asked for. */
  readonly timeToDemand: DelayReport;
  readonly settlingTime: DelayReport;
  readonly overshootPercent: MedianReport;
  readonly steadyErrorPercent: MedianReport;
  /** ITAE of every rise: integral of |d - s| t, with t from the rise on, in tasks x minutes squared. */
  readonly timeWeightedErrorTaskMin2: MedianReport;
}

const LEAST_TASKS = 2;
const LEAST_SHARE = 0.25;
const RISES_WITHIN = 5;
const LONGEST_MS = HOUR;
const SETTLED = 0.05;
/** Tasks by which supply has grown when it has grown at all: less than half a task on average is tasks that came and went. */
const LEAST_GROWTH = 0.5;

interface Response {
  readonly riseMs: Millis;
  readonly fromDemand: number;
  /** Supply when demand rose. */
  readonly fromTasks: number;
  topDemand: number;
  readonly minutes: ServedMinute[];
}

export class StepResponses {
  /** The minutes before the current one, oldest first. */
  #before: readonly ServedMinute[] = [];
  #response: Response | undefined;
  #counts = { rises: 0, covered: 0, unanswered: 0 };
  #deadTime = new WholeNumbers();
  #riseTime = new WholeNumbers();
  #timeToDemand = new WholeNumbers();
  #settlingTime = new WholeNumbers();
  #overshoot = new WholeNumbers();
  #steadyError = new WholeNumbers();
  #timeWeightedError = new WholeNumbers();

  take(minute: ServedMinute): void {
    if (this.#response === undefined) this.#response = this.#riseAt(minute);
    else {
      const { riseMs, fromDemand, topDemand, minutes } = this.#response;
      const hasFallen = minute.demand <= (fromDemand + topDemand) / 2;
      if (hasFallen || minute.startMs - riseMs >= LONGEST_MS) {
        this.#judge(this.#response);
        this.#response = undefined;
        this.#before = [];
      } else {
        this.#response.topDemand = Math.max(topDemand, minute.demand);
        minutes.push(minute);
      }
    }
    this.#before = [...this.#before.slice(1 - RISES_WITHIN), minute];
  }

  #riseAt(minute: ServedMinute): Response | undefined {
    let lowest = this.#before.length - 1;
    for (let index = lowest; index >= 0; index--)
      if ((this.#before[index] as ServedMinute).demand < (this.#before[lowest] as ServedMinute).demand) lowest = index;
    const low = this.#before[lowest];
    if (low === undefined) return undefined;
    const least = low.demand + Math.max(LEAST_TASKS, LEAST_SHARE * low.demand);
    if (minute.demand < least) return undefined;
    const minutes = [...this.#before.slice(lowest + 1), minute];
    return {
      riseMs: (minutes[0] as ServedMinute).startMs,
      fromDemand: low.demand,
      fromTasks: (low.steps.at(-1) as Supplied).tasks,
      topDemand: minute.demand,
      minutes,
    };
  }

  #judge({ riseMs, fromTasks, topDemand, minutes }: Response): void {
    this.#counts.rises++;
    this.#timeWeightedError.add(Math.round(timeWeightedError(minutes, riseMs)));
    if (fromTasks >= topDemand) {
      this.#counts.covered++;
      return;
    }
    const steps = minutes.flatMap((minute) => minute.steps);
    const firstMs = (is: (tasks: number) => boolean) => steps.find(({ tasks }) => is(tasks))?.fromMs;
    const met = minutes
      .flatMap(({ demand, steps: own }) => own.map((step) => ({ ...step, demand })))
      .find(({ tasks, demand }) => tasks >= demand);
    if (met !== undefined) addDelay(this.#timeToDemand, met.fromMs - riseMs);
    const quarter = steps.slice(Math.floor(steps.length * 0.75));
    const final = mean(quarter.map(({ tasks }) => tasks));
    const grownMs = firstMs((tasks) => tasks > fromTasks);
    if (grownMs === undefined || final < fromTasks + LEAST_GROWTH) {
      this.#counts.unanswered++;
      return;
    }
    const way = final - fromTasks;
    const tenthMs = firstMs((tasks) => tasks >= fromTasks + 0.1 * way) as Millis;
    const mostMs = firstMs((tasks) => tasks >= fromTasks + 0.9 * way) as Millis;
    const band = Math.max(SETTLED * final, 0.5);
    const unsettled = steps.findLast(({ tasks }) => Math.abs(tasks - final) > band);
    const most = steps.reduce((top, { tasks }) => Math.max(top, tasks), 0);
    const asked = mean(minutes.slice(Math.floor(minutes.length * 0.75)).map(({ demand }) => demand));
    addDelay(this.#deadTime, grownMs - riseMs);
    addDelay(this.#riseTime, mostMs - tenthMs);
    addDelay(this.#settlingTime, unsettled === undefined ? 0 : unsettled.fromMs + unsettled.ms - riseMs);
    this.#overshoot.add(Math.round((100 * (most - final)) / way));
    if (asked > 0) this.#steadyError.add(Math.round((100 * (final - asked)) / asked));
  }

  /** As if the response that goes on ended now; asking changes nothing. */
  report(open: ServedMinute | undefined): StepResponseReport {
    const then = this.#copy();
    if (open !== undefined) then.take(open);
    if (then.#response !== undefined) then.#judge(then.#response);
    return {
      ...then.#counts,
      deadTime: delayReport(then.#deadTime),
      riseTime: delayReport(then.#riseTime),
      timeToDemand: delayReport(then.#timeToDemand),
      settlingTime: delayReport(then.#settlingTime),
      overshootPercent: medianReport(then.#overshoot),
      steadyErrorPercent: medianReport(then.#steadyError),
      timeWeightedErrorTaskMin2: medianReport(then.#timeWeightedError),
    };
  }

  #copy(): StepResponses {
    const copy = new StepResponses();
    copy.#before = this.#before;
    copy.#response =
      this.#response === undefined ? undefined : { ...this.#response, minutes: [...this.#response.minutes] };
    copy.#counts = { ...this.#counts };
    copy.#deadTime = this.#deadTime.copy();
    copy.#riseTime = this.#riseTime.copy();
    copy.#timeToDemand = this.#timeToDemand.copy();
    copy.#settlingTime = this.#settlingTime.copy();
    copy.#overshoot = this.#overshoot.copy();
    copy.#steadyError = this.#steadyError.copy();
    copy.#timeWeightedError = this.#timeWeightedError.copy();
    return copy;
  }
}

/** In tasks x minutes squared. */
function timeWeightedError(minutes: readonly ServedMinute[], riseMs: Millis): number {
  const since = (atMs: Millis) => (atMs - riseMs) / MINUTE;
  return minutes
    .flatMap(({ demand, steps }) => steps.map((step) => ({ ...step, error: Math.abs(demand - step.tasks) })))
    .reduce((sum, { fromMs, ms, error }) => sum + (error * (since(fromMs + ms) ** 2 - since(fromMs) ** 2)) / 2, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function medianReport(values: WholeNumbers): MedianReport {
  const [median, worst] = [values.quantile(0.5), values.quantile(1)];
  return median === undefined || worst === undefined ? {} : { median, worst };
}
