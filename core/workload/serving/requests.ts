/**
 * Serving, request by request. Each task is a station of its own that is moved from arrival to arrival; within a station,
 * virtual time makes processor sharing cost the logarithm of the number in service. Only the routing by outstanding requests
 * looks at the tasks, and moves all of them at each arrival: 1.7 us a request with 50 tasks, four times round robin.
 * Measured: 97 ns a request for fixed work in one place, where sorting latencies as floats and a logarithm for each took 131;
 * 184 ns for exponential work that shares the CPU, or 165 since latencies are sorted by their digits.
 *
 * Arrivals and work are whole microseconds from where they are drawn; after that only + - * / touch them.
 */

import type { Draws } from '../../kernel/index.ts';
import { histogramOf } from '../latencyBuckets.ts';
import type { RequestProfile } from '../requestProfile.ts';
import { sortWhole } from '../sortWhole.ts';
import { latencyLevels, nextRequestMs, type Carried, type Served, type Serving, type ServingStep } from '../serving.ts';

const UNITS_PER_VCPU = 1024;

export const requests: Serving = {
  empty: { queued: 0, nextTarget: 0, taskIds: [], ageUs: [], cpuUs: [], otherUs: [] },
  serve(step) {
    const { targets, drainingTargets, draws, profile, offered } = step;
    const flight = new Flight(step);
    const stations = new Map<string, Station>();
    for (const taskId of targets) stations.set(taskId, new Station(taskId, step, flight));
    for (const taskId of drainingTargets) stations.set(taskId, new Station(taskId, step, flight));
    const receiving = Array.from(targets, (taskId) => stations.get(taskId)!);
    const lost = board(step.carried, flight, stations);

    let next = (step.carried.nextTarget ?? 0) % Math.max(1, receiving.length);
    let rejected = 0;
    if (receiving.length > 0) {
      const otherUs = Math.round(profile.otherMs * 1000);
      for (const arrivedUs of arrivalsUs(offered, flight.endUs, draws)) {
        const request = flight.add(arrivedUs, workUs(profile, draws), otherUs);
        const target = pick(step, receiving, next, arrivedUs);
        next = target + 1 === receiving.length ? 0 : target + 1;
        if (!receiving[target]!.arrive(request)) rejected++;
      }
    }
    let busyUs = 0;
    for (const station of stations.values()) station.advance(flight.endUs);
    let nextMs = 0;
    for (const station of receiving) {
      busyUs += station.busyUs;
      nextMs += nextRequestMs(station.held, step.cpuUnits, profile);
    }
    const capacityUs = (receiving.length * flight.endUs * step.cpuUnits) / UNITS_PER_VCPU;
    const carried = land(flight, stations, next);
    return {
      served: flight.served,
      timedOut: flight.timedOut,
      rejected,
      unserved: receiving.length === 0 ? offered : 0,
      lost,
      queued: carried.queued,
      busyPercent: capacityUs === 0 ? 0 : Math.min(100, Math.round((busyUs / capacityUs) * 1e8) / 1e6),
      ...latencies(flight.latenciesUs.subarray(0, flight.served)),
      nextMs: receiving.length === 0 ? 0 : Math.round((nextMs * 1e3) / receiving.length) / 1e3,
      turnsAway: rejected === 0 ? 0 : Math.round((1e6 * rejected) / offered) / 1e6,
      carried,
    };
  },
};

/** @param next  whose turn it is  @returns the place of the target that gets the request */
function pick(
  { routing, weights, draws }: ServingStep,
  receiving: readonly Station[],
  next: number,
  atUs: number,
): number {
  if (routing === 'least_outstanding_requests') return leastOutstanding(receiving, next, atUs);
  let target = routing === 'random' ? draws.int(receiving.length) : next;
  if (weights === undefined) return target;
  // Passed over as often as its weight lacks of 1.
  while (draws.uniform() >= weights[target]!)
    target = routing === 'random' ? draws.int(receiving.length) : target + 1 === receiving.length ? 0 : target + 1;
  return target;
}

/** Choice: of those with equally few, the one whose turn it is. */
function leastOutstanding(receiving: readonly Station[], next: number, atUs: number): number {
  let best = next;
  let fewest = Infinity;
  for (let index = 0; index < receiving.length; index++) {
    const turn = next + index;
    const target = turn < receiving.length ? turn : turn - receiving.length;
    const outstanding = receiving[target]!.outstanding(atUs);
    if (outstanding >= fewest) continue;
    fewest = outstanding;
    best = target;
  }
  return best;
}

/** The requests of one step in parallel arrays, and what became of them. Times are microseconds since the step began. */
class Flight {
  readonly endUs: number;
  readonly timeoutUs: number;
  /** Negative for the requests carried into the step. */
  readonly arrivedUs: Float64Array;
  /** While it waits: its work. From then on: the virtual time of its station at which the work ends. */
  readonly work: Float64Array;
  /** 1 once the work is over or given up. */
  readonly done: Uint8Array;
  /** The wait after the work. */
  readonly otherUs: Float64Array;
  /** Whole, and none longer than `timeoutMs` may be, an hour. */
  readonly latenciesUs: Uint32Array;
  served = 0;
  timedOut = 0;
  #count = 0;

  constructor({ fromMs, toMs, profile, carried, offered }: ServingStep) {
    const most = carried.queued + offered;
    this.endUs = (toMs - fromMs) * 1000;
    this.timeoutUs = profile.timeoutMs * 1000;
    this.arrivedUs = new Float64Array(most);
    this.work = new Float64Array(most);
    this.done = new Uint8Array(most);
    this.otherUs = new Float64Array(most);
    this.latenciesUs = new Uint32Array(most);
  }

  /** @returns the index of the new request */
  add(arrivedUs: number, workUs: number, otherUs: number): number {
    const request = this.#count++;
    this.arrivedUs[request] = arrivedUs;
    this.work[request] = workUs;
    this.otherUs[request] = otherUs;
    return request;
  }

  /**
   * The work of a request is over at `nowUs`; its wait begins.
   *
   * @returns whether it also leaves within the step
   */
  worked(request: number, nowUs: number): boolean {
    const arrivedUs = this.arrivedUs[request]!;
    const answeredUs = nowUs + this.otherUs[request]!;
    const deadlineUs = arrivedUs + this.timeoutUs;
    if (Math.min(answeredUs, deadlineUs) > this.endUs) {
      this.otherUs[request] = answeredUs - this.endUs;
      return false;
    }
    if (answeredUs > deadlineUs) this.timedOut++;
    else this.latenciesUs[this.served++] = Math.round(answeredUs - arrivedUs);
    return true;
  }

  /** When a request leaves whose work is over at `nowUs`. */
  leavesUs(request: number, nowUs: number): number {
    return Math.min(nowUs + this.otherUs[request]!, this.arrivedUs[request]! + this.timeoutUs);
  }
}

/**
 * One task. Everyone in service works at the same speed, so the order of their ends is that of their virtual times (the work
 * each has received since the step began plus what it still needed), and a heap of those is all that is kept.
 *
 * Everyone is given up after the same time, so deadlines fall in order of arrival. The one waiting longest therefore always
 * gets a place before its deadline: it is the oldest in service that is given up, and that frees a place.
 */
class Station {
  readonly taskId: string;
  /** Requests in order of arrival; some of the first `#admitted` are done. */
  readonly #order: number[] = [];
  /** Requests whose work is over and whose wait outlasts the step. */
  readonly away: number[] = [];
  /** When the others leave whose work is over, ascending; those before `#left` have left. Kept where routing asks. */
  readonly #leavesUs: number[] | undefined;
  #left = 0;
  /** CPU time spent, in microseconds of one vCPU. */
  busyUs = 0;
  readonly #flight: Flight;
  readonly #vcpus: number;
  readonly #places: number;
  readonly #room: number;
  readonly #heap: number[] = [];
  #nowUs = 0;
  /** Work that each request in service has received since the step began. */
  #virtualUs = 0;
  #admitted = 0;
  #oldest = 0;
  /** Requests in service; the heap may hold a few more that were given up. */
  #serving = 0;

  constructor(taskId: string, { cpuUnits, profile, routing }: ServingStep, flight: Flight) {
    this.taskId = taskId;
    this.#leavesUs = routing === 'least_outstanding_requests' ? [] : undefined;
    this.#flight = flight;
    this.#vcpus = cpuUnits / UNITS_PER_VCPU;
    this.#places = profile.perTaskConcurrency;
    this.#room = profile.maxQueuedPerTask;
  }

  /** @returns whether there was a place or room to wait */
  arrive(request: number): boolean {
    this.advance(this.#flight.arrivedUs[request]!);
    if (this.isFull) return false;
    this.hold(request);
    return true;
  }

  get isFull(): boolean {
    return this.#serving >= this.#places && this.#order.length - this.#admitted >= this.#room;
  }

  /** Requests that work or wait for a place. */
  get held(): number {
    return this.#serving + this.#order.length - this.#admitted;
  }

  /** Requests not answered at `atUs`, whether they work, wait for a place, or wait for others. Moves the task there. */
  outstanding(atUs: number): number {
    this.advance(atUs);
    const leavesUs = this.#leavesUs!;
    while (this.#left < leavesUs.length && leavesUs[this.#left]! <= atUs) this.#left++;
    return this.held + this.away.length + leavesUs.length - this.#left;
  }

  /** The work of a request is over at `nowUs`: it waits for others, and leaves in this step or a later one. */
  finish(request: number, nowUs: number): void {
    const leavesUs = this.#flight.leavesUs(request, nowUs);
    if (!this.#flight.worked(request, nowUs)) this.away.push(request);
    else if (this.#leavesUs !== undefined && leavesUs > nowUs) insert(this.#leavesUs, leavesUs);
  }

  /** Takes a request in, whatever room there is. */
  hold(request: number): void {
    this.#order.push(request);
    if (this.#serving < this.#places) this.#admit();
  }

  /** Moves the task forward to `untilUs`. */
  advance(untilUs: number): void {
    const { arrivedUs, work, done, timeoutUs } = this.#flight;
    const heap = this.#heap;
    while (this.#serving > 0) {
      while (done[heap[0]!] === 1) this.#dropFirst();
      while (done[this.#order[this.#oldest]!] === 1) this.#oldest++;
      // Without dividing by 1 twice: a request that has its place alone takes 76 ns instead of 82.
      const speed = this.#vcpus >= this.#serving ? 1 : this.#vcpus / this.#serving;
      const first = heap[0]!;
      const oldest = this.#order[this.#oldest]!;
      const leftUs = work[first]! - this.#virtualUs;
      const workedUs = this.#nowUs + (speed === 1 ? leftUs : leftUs / speed);
      const givenUpUs = Math.max(this.#nowUs, arrivedUs[oldest]! + timeoutUs);
      const atUs = Math.min(workedUs, givenUpUs);
      if (atUs > untilUs) {
        this.#spend(untilUs, speed);
        return;
      }
      this.#spend(atUs, speed);
      this.#serving--;
      if (workedUs <= givenUpUs) {
        this.#virtualUs = work[first]!;
        done[first] = 1;
        this.#dropFirst();
        this.finish(first, atUs);
      } else {
        done[oldest] = 1;
        this.#flight.timedOut++;
      }
      if (this.#admitted < this.#order.length) this.#admit();
    }
    this.#nowUs = untilUs;
    this.#heap.length = 0;
  }

  /** Calls `visit` with each request that is not done, in order of arrival, and the work it still needs. */
  eachLeft(visit: (request: number, cpuUs: number) => void): void {
    const { work, done } = this.#flight;
    for (let index = this.#oldest; index < this.#order.length; index++) {
      const request = this.#order[index]!;
      if (done[request] === 0) visit(request, work[request]! - (index < this.#admitted ? this.#virtualUs : 0));
    }
  }

  #spend(untilUs: number, speed: number): void {
    const worked = (untilUs - this.#nowUs) * speed;
    this.#virtualUs += worked;
    this.busyUs += worked * this.#serving;
    this.#nowUs = untilUs;
  }

  /** The first in line gets a place. */
  #admit(): void {
    const request = this.#order[this.#admitted++]!;
    const { work } = this.#flight;
    const endsAt = this.#virtualUs + work[request]!;
    work[request] = endsAt;
    this.#serving++;
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(request);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (work[heap[parent]!]! <= endsAt) break;
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = request;
  }

  #dropFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    const size = heap.length;
    if (size === 0) return;
    const { work } = this.#flight;
    const endsAt = work[last]!;
    let hole = 0;
    for (let child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && work[heap[child + 1]!]! < work[heap[child]!]!) child++;
      if (work[heap[child]!]! >= endsAt) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last;
  }
}

/** Into an ascending list; most come last. */
function insert(ascending: number[], value: number): void {
  let hole = ascending.length;
  ascending.push(value);
  while (hole > 0 && ascending[hole - 1]! > value) {
    ascending[hole] = ascending[hole - 1]!;
    hole--;
  }
  ascending[hole] = value;
}

/** Puts the requests in flight back on their tasks. @returns how many were on a task that is no more */
function board(carried: Carried, flight: Flight, stations: ReadonlyMap<string, Station>): number {
  const { taskIds = [], ageUs = [], cpuUs = [], otherUs = [] } = carried;
  let lost = 0;
  for (let row = 0; row < taskIds.length; row++) {
    const station = stations.get(taskIds[row]!);
    if (station === undefined) {
      lost++;
      continue;
    }
    const request = flight.add(-ageUs[row]!, cpuUs[row]!, otherUs[row]!);
    if (cpuUs[row]! > 0) station.hold(request);
    else station.finish(request, 0);
  }
  return lost;
}

/** Writes down what is in flight at the end of the step. */
function land(flight: Flight, stations: ReadonlyMap<string, Station>, nextTarget: number): Carried {
  const taskIds: string[] = [];
  const ageUs: number[] = [];
  const cpuUs: number[] = [];
  const otherUs: number[] = [];
  let taskId = '';
  const write = (request: number, leftUs: number): void => {
    taskIds.push(taskId);
    ageUs.push(flight.endUs - flight.arrivedUs[request]!);
    cpuUs.push(leftUs);
    otherUs.push(Math.round(flight.otherUs[request]!));
  };
  const writeWorking = (request: number, leftUs: number): void => write(request, Math.max(1, Math.round(leftUs)));
  for (const station of stations.values()) {
    taskId = station.taskId;
    for (const request of station.away) write(request, 0);
    station.eachLeft(writeWorking);
  }
  return { queued: taskIds.length, nextTarget, taskIds, ageUs, cpuUs, otherUs };
}

/** `count` instants, uniform over the step and in order: sums of exponential gaps, scaled so that count + 1 gaps fill it. */
function arrivalsUs(count: number, lengthUs: number, draws: Draws): Float64Array {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let index = 0; index < count; index++) {
    sum += draws.exponential(1);
    sums[index] = sum;
  }
  const scale = lengthUs / (sum + draws.exponential(1));
  for (let index = 0; index < count; index++) sums[index] = Math.floor(sums[index]! * scale);
  return sums;
}

/** Work of one request, at least a microsecond. */
function workUs({ cpuMs, cpuVariation }: RequestProfile, draws: Draws): number {
  const meanUs = cpuMs * 1000;
  return Math.max(1, Math.round(meanUs * relativeWork(cpuVariation, draws)));
}

/** A positive number with mean 1 and the given coefficient of variation. */
function relativeWork(variation: number, draws: Draws): number {
  if (variation === 0) return 1;
  if (variation === 1) return draws.exponential(1);
  const logVariance = Math.log1p(variation * variation);
  return Math.exp(draws.normal(-logVariance / 2, Math.sqrt(logVariance)));
}

/** Mean, exact quantiles (the smallest latency that at least this part does not exceed) and buckets of whole microseconds. */
function latencies(latenciesUs: Uint32Array): Pick<Served, 'meanMs' | 'quantilesMs' | 'histogram'> {
  const count = latenciesUs.length;
  const sortedUs = sortWhole(latenciesUs);
  const histogram = histogramOf(sortedUs);
  if (count === 0) return { meanMs: 0, quantilesMs: latencyLevels.map(() => 0), histogram };
  let sumUs = 0;
  for (let index = 0; index < count; index++) sumUs += sortedUs[index]!;
  return {
    meanMs: Math.round(sumUs / count) / 1000,
    quantilesMs: latencyLevels.map((level) => sortedUs[Math.ceil(level * count) - 1]! / 1000),
    histogram,
  };
}
