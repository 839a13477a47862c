/**
 * Serving as a fluid: one unconditionally stable step of the pointwise stationary fluid flow approximation for the number of
 * requests at the tasks, L:  dL/dt = accepted arrivals - capacity x busy(L),  where busy(L) is how busy a task is that has
 * settled at L. It is right in the long run and in deep overload, and joins the two smoothly.
 * Measured: 0.7 us a step under a steady load, 1.4 us under a changing one, 2.9 us when it leaps across the capacity every
 * step; the number of requests does not matter. Error against `requests` for exponential work, loads from 0.2 to 0.9, 1 to 50
 * tasks of 256 to 4096 units: mean at most 6 %, p50 12 %, p95 10 %, p99 13 %; see property-tests/rooms/serving.test.ts.
 * With a coefficient of variation of 2 and round robin it is too high by up to 17 % (mean) and 38 % (p50); with fixed work and
 * round robin, where hardly anything waits, too low by up to 10 % (mean) and 32 % (p99).
 *
 * Not seen: work wasted on requests that are given up. With exponential work it makes no difference to the number served. But
 * fixed work, shared by so many that few end in time, all but stops in `requests` and goes on at full capacity here: after two
 * minutes at 1.5 times the capacity, 64 places of 50 ms and a timeout of 10 s, 20,000 were served here and 11,750 there.
 *
 * Routed by outstanding requests, all tasks together are a single one with all their vCPUs, places and room, as joining the
 * shortest queue comes to in heavy traffic (R. Foley, D. McDonald, Annals of Applied Probability 11, 2001), and a line of those
 * who miss an idle one. Measured for 2 to 50 tasks at loads from 0.2 to 0.9: for exponential work the mean is within 4 %, p99
 * within 7 % (22 % too low for tasks of a single place); fixed work within 2 and 15 %; a coefficient of variation of 2 at most
 * 13 % too low in the mean, and 18 % in p99 (31 % with a single place).
 * Targets with a part of a full share, as in a slow start, count as that part of a task.
 *
 * All tasks share one level: what a vanished task held goes to the others, and draining tasks help nobody while there are
 * targets. Without a target the draining tasks finish what is held; without any task it is lost.
 *
 * @source D. Tipper, M. Sundareshan, "Numerical methods for modeling computer networks under nonstationary conditions", IEEE
 *         JSAC 8 (1990); W. Wang, D. Tipper, S. Banerjee, "A simple approximation for modeling nonstationary queues", INFOCOM 1996
 */

import { latencyLevels, nextRequestMs, type Carried, type Served, type Serving, type ServingStep } from '../serving.ts';
import { SettledTask } from './settledTask.ts';
import { crowdedMoments, settledMoments, sojourn, sojournQuantile, sojournTail, type Sojourn } from './sojourn.ts';

const NO_LATENCIES: readonly number[] = latencyLevels.map(() => 0);
/** ln(-ln(1 - level)) of each level. */
const LOG_ODDS: readonly number[] = latencyLevels.map((level) => Math.log(-Math.log(1 - level)));
/** A load no lower than this one is asked of `SettledTask`, so that it need not divide by zero. */
const LEAST_LOAD = 1e-9;
/** Beyond this many times the mean nobody is looked for: less than one in a thousand, even of log-normal work. */
const FAR = 50;

export const fluid: Serving = {
  empty: { queued: 0, atTasks: 0, away: 0, oldestMs: 0, timedOutPart: 0, rejectedPart: 0 },
  serve(step) {
    const { carried, offered, profile, cpuUnits } = step;
    const targets = weightOf(step);
    const all = targets === 0 ? step.drainingTargets.length : targets;
    if (all === 0) return abandoned(carried, offered);
    const pooled = step.routing === 'least_outstanding_requests' && targets > 0;
    const tasks = pooled ? 1 : all;
    const arriving = targets === 0 ? 0 : offered;
    const lengthMs = step.toMs - step.fromMs;
    const { otherMs, timeoutMs } = profile;

    // The level after the step.
    const arrivalScv = step.routing === 'round_robin' ? 1 / tasks : 1;
    const task = new SettledTask(cpuUnits, profile, arrivalScv, pooled ? all : 1);
    const capacity = (tasks * task.servers * lengthMs) / task.workMs;
    const load = Math.max(arriving / capacity, LEAST_LOAD);
    const before = carried.atTasks ?? carried.queued;
    settleAfter(task, tasks, before, arriving, capacity);
    const { blocked } = task;
    const rejected = arriving * blocked;
    const accepted = arriving - rejected;
    const worked = Math.min(Math.max(0, before + accepted - tasks * task.level), capacity);
    const patient = before + accepted - worked;

    // First come first served: who is left is the youngest, and their ages are spread evenly from 0 to the oldest's.
    const oldestBeforeMs = carried.oldestMs ?? 0;
    const old = patient - accepted;
    let oldestMs = 0;
    let perMs = 0; // requests per millisecond of age, among the oldest
    if (old > 0) {
      oldestMs = lengthMs + (oldestBeforeMs * old) / before;
      perMs = before / Math.max(oldestBeforeMs, 1);
    } else if (accepted > 0) {
      oldestMs = (patient * lengthMs) / accepted;
      perMs = accepted / lengthMs;
    }

    // Who gives up. Without a backlog it is bad luck, and the loss formula of a queue with deadlines tells its share. In a
    // backlog, `tail` of those who start miss the deadline, that is tail / (1 - tail) for each that is served. Offered a load
    // above 1 this comes to rest where tail = (load - 1) / load, and there the oldest are held.
    const patienceMs = Math.max(1, timeoutMs - otherMs);
    const settled = load < 1 ? settledMoments(task, load) : undefined;
    const crowded = crowdedMoments(task, load, patient / tasks);
    const moments = settled === undefined || settled.meanMs < crowded.meanMs ? crowded : settled;
    const restMs = load < 1 ? patienceMs : oldestAtRest(load, moments.meanMs, patienceMs);
    let givenUp = Math.max(0, (oldestMs - restMs) * perMs);
    let late = 0;
    oldestMs = Math.min(oldestMs, restMs);
    if (oldestMs + FAR * moments.meanMs > patienceMs) {
      const time = sojourn(task, moments, Math.max(oldestMs, task.workMs));
      const tail = sojournTail(time, patienceMs);
      const luck = settled === undefined ? 0 : sojournTail(sojourn(task, settled, settled.meanMs), patienceMs);
      const hurried = (worked * Math.max(0, tail - luck)) / Math.max(1 - tail, 0.01);
      givenUp = Math.max(givenUp, load < 1 ? hurried : Math.min(hurried, accepted - worked));
      late = load < 1 ? ((1 - load) * luck) / (1 - load * luck) : 0;
    }
    givenUp = Math.min(givenUp, patient);
    const after = patient - givenUp;

    // The mean time at a task, by Little's law over the step: the time spent there in it, and before it by those who left.
    const change = after - before;
    const drift = Math.abs(capacity - arriving);
    const turn = drift > 0 ? Math.min(1, Math.abs(change) / drift) : 1;
    const spentMs = (after - (change * turn) / 2) * lengthMs + (before * oldestBeforeMs - after * oldestMs) / 2;
    const meanMs = Math.min(Math.max(spentMs / Math.max(worked + givenUp, LEAST_LOAD), task.workMs), restMs);

    // After the work, the other wait; then whole requests. A part of a request stays behind until it is whole.
    const awayBefore = carried.away ?? 0;
    const away = otherMs === 0 ? 0 : (awayBefore + worked) / (1 + lengthMs / otherMs);
    const timedOutSum = (carried.timedOutPart ?? 0) + givenUp + (awayBefore + worked - away) * late;
    const rejectedSum = (carried.rejectedPart ?? 0) + rejected;
    const present = carried.queued + arriving;
    const queued = Math.min(Math.round(after + away), present);
    const timedOut = Math.min(Math.floor(timedOutSum), present - queued);
    const rejections = Math.min(Math.floor(rejectedSum), present - queued - timedOut);
    const served = present - queued - timedOut - rejections;

    const time = sojourn(task, moments, meanMs);
    const missed = meanMs + FAR * moments.meanMs > patienceMs ? Math.min(sojournTail(time, patienceMs), 0.999) : 0;
    const spreadMs = Math.min(Math.abs(oldestMs - oldestBeforeMs), 2 * Math.max(0, meanMs - moments.meanMs));
    return {
      served,
      timedOut,
      rejected: rejections,
      unserved: offered - arriving,
      lost: 0,
      queued,
      busyPercent:
        targets === 0
          ? 0
          : millionth((100 * worked * (1 - late) * task.usable * targets) / (capacity * step.targets.length)),
      meanMs: served === 0 ? 0 : latencyMs(meanInTime(time, missed), otherMs, timeoutMs),
      quantilesMs: served === 0 ? NO_LATENCIES : quantilesMs(time, missed, spreadMs, otherMs, timeoutMs),
      nextMs: targets === 0 ? 0 : nextRequestMs(after / all, cpuUnits, profile),
      turnsAway: targets === 0 ? 0 : millionth(blocked),
      carried: {
        queued,
        atTasks: millionth(after),
        away: millionth(away),
        oldestMs: millionth(oldestMs),
        timedOutPart: millionth(timedOutSum - timedOut),
        rejectedPart: millionth(rejectedSum - rejections),
      },
    };
  },
};

/** No task at all: what was held is lost, what comes fails. */
function abandoned(carried: Carried, offered: number): Served {
  return {
    served: 0,
    timedOut: 0,
    rejected: 0,
    unserved: offered,
    lost: carried.queued,
    queued: 0,
    busyPercent: 0,
    meanMs: 0,
    quantilesMs: NO_LATENCIES,
    nextMs: 0,
    turnsAway: 0,
    carried: fluid.empty,
  };
}

/** Targets that get requests, counted by the part of a full share they get: the slack of the others serves nobody. */
function weightOf({ targets, weights }: ServingStep): number {
  if (weights === undefined) return targets.length;
  let sum = 0;
  for (const weight of weights) sum += weight;
  return sum;
}

/**
 * Settles `task` where the implicit Euler step ends: at the load x with
 *   tasks x level(x) + capacity x busy(x) = before + arriving x (1 - blocked(x)),
 * or, when the tasks hold more than they have room for, at the highest load.
 *
 * Levels explode near load 1, so the search runs in v with ln x = sinh(v) / scale, in which they are smooth: the secant method
 * within a bracket. From a good first guess it takes 2 to 6 evaluations.
 */
function settleAfter(task: SettledTask, tasks: number, before: number, arriving: number, capacity: number): void {
  const scale = task.mostHeld + 10;
  const tolerance = 1e-4 + 1e-6 * (before + arriving);
  let high = Math.asinh(20 * scale);
  let low = -high;

  // The first guess: the settled load, or that of the line which is left when the tasks work throughout.
  const line = (before + arriving - capacity) / tasks;
  const first = Math.min(Math.max(arriving / capacity, line > 0 ? line / (line + 1) : 0, LEAST_LOAD), 1);
  let lastV = Math.asinh(Math.log(first) * scale);
  let last = surplus(task, first, tasks, before, arriving, capacity);
  if (Math.abs(last) <= tolerance) return;
  const slope = capacity + (tasks * (task.servers + task.waiting) ** 2) / task.servers;
  let v = Math.asinh(Math.log(Math.max(first - last / slope, first / 4)) * scale);
  for (let round = 0; round < 60; round++) {
    if (last < 0) low = lastV;
    else high = lastV;
    if (!(v > low && v < high) || round % 4 === 3) v = (low + high) / 2;
    const value = surplus(task, Math.exp(Math.sinh(v) / scale), tasks, before, arriving, capacity);
    if (Math.abs(value) <= tolerance || high - low < 1e-9) return;
    const next = v - (value * (v - lastV)) / (value - last);
    lastV = v;
    last = value;
    v = next;
  }
}

function surplus(
  task: SettledTask,
  load: number,
  tasks: number,
  before: number,
  arriving: number,
  capacity: number,
): number {
  task.settle(load);
  return tasks * task.level + capacity * task.busy - before - arriving * (1 - task.blocked);
}

/** Age of the oldest where as many give up as cannot be served; at load 1 it is half the patience, as in M/M/1 with deadlines. */
function oldestAtRest(load: number, randomMs: number, patienceMs: number): number {
  const restMs = patienceMs - randomMs * (Math.log(load / (load - 1)) - 1);
  return Math.min(Math.max(restMs, patienceMs / 2), patienceMs);
}

/** Mean of the times that do not miss the deadline, as for an exponential random part. */
function meanInTime(time: Sojourn, missed: number): number {
  if (missed < 1e-6) return time.fixedMs + time.randomMs;
  return time.fixedMs + time.randomMs * (1 + (missed * Math.log(missed)) / (1 - missed));
}

/** Quantiles of the times that do not miss the deadline. The backlog's part changed by `spreadMs` in the course of the step. */
function quantilesMs(time: Sojourn, missed: number, spreadMs: number, otherMs: number, timeoutMs: number): number[] {
  const quantiles: number[] = [];
  for (let index = 0; index < latencyLevels.length; index++) {
    const level = latencyLevels[index]! * (1 - missed);
    const logOdds = missed === 0 ? LOG_ODDS[index]! : Math.log(-Math.log(1 - level));
    const taskMs = sojournQuantile(time, level, logOdds) + spreadMs * (level - 0.5);
    quantiles.push(latencyMs(taskMs, otherMs, timeoutMs));
  }
  return quantiles;
}

function latencyMs(taskMs: number, otherMs: number, timeoutMs: number): number {
  return Math.round(Math.min(Math.max(taskMs, 0) + otherMs, timeoutMs) * 1e3) / 1e3;
}

function millionth(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
