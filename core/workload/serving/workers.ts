/**
 * Workers in the long run, by queueing theory: how many messages they get done when there is always one to take, and at a part
 * of that, how many they hold and how many wait. Every free place polls, and a message goes to one of them by chance.
 *
 * A message holds its place until it is deleted: `cpuMs` of work that shares the task's vCPUs, then `otherMs` without CPU.
 * A task with all places full is a closed network of a processor-sharing station and a delay, whose throughput is exact
 * whatever the distribution of the work. Below that, it is a machine repairman: free places are the machines that run.
 *
 * @source F. Baskett, K. Chandy, R. Muntz, F. Palacios, "Open, closed, and mixed networks of queues", J. ACM 22 (1975);
 *         P. Schweitzer, "Approximate analysis of multiclass closed networks" (1979); H. Sakasegawa, "An approximation formula
 *         Lq = a rho^b / (1 - rho)", Annals of the Institute for Statistical Mathematics 29 (1977)
 */

import type { RequestProfile } from '../requestProfile.ts';

const UNITS_PER_VCPU = 1024;
/** In-flight messages of a standard queue, beyond which a receive comes back empty. @source AWS, SQS quotas */
const MOST_IN_FLIGHT = 120_000;
/** Weights of a birth and death chain are scaled down beyond this one. */
const LARGE = 1e100;

export class Workers {
  readonly tasks: number;
  /** Messages that all tasks hold at most. */
  readonly places: number;
  /** Milliseconds for a message that shares with nobody. */
  readonly aloneMs: number;
  /** Its work in milliseconds, at the speed of one of `#servers`. */
  readonly workMs: number;
  /** Messages per millisecond that all tasks get done when every place is full. */
  readonly perMs: number;
  readonly workScv: number;
  readonly #perTask: number;
  readonly #servers: number;
  /** Messages in service on average when every place is full and each took `aloneMs`. */
  readonly #inService: number;
  /** Places of a task beyond its vCPUs. */
  readonly #beyond: number;

  constructor(tasks: number, cpuUnits: number, { cpuMs, cpuVariation, otherMs, perTaskConcurrency }: RequestProfile) {
    const vcpus = cpuUnits / UNITS_PER_VCPU;
    this.tasks = tasks;
    this.#servers = Math.max(1, vcpus);
    this.workMs = cpuMs / Math.min(1, vcpus);
    this.aloneMs = this.workMs + otherMs;
    this.workScv = cpuVariation * cpuVariation;
    this.#perTask = Math.min(perTaskConcurrency, Math.max(1, Math.floor(MOST_IN_FLIGHT / Math.max(1, tasks))));
    this.places = tasks * this.#perTask;
    this.perMs = tasks * fullThroughput(this.#perTask, this.#servers, this.workMs, otherMs);
    this.#inService = Math.min(this.places, this.perMs * this.aloneMs);
    this.#beyond = Math.max(0, this.#perTask - this.#servers);
  }

  /** Messages that the tasks hold at a part `load` of their capacity, from 0 to 1. */
  held(load: number): number {
    if (this.tasks === 0) return 0;
    const perTaskMs = (load * this.perMs) / this.tasks;
    const busy = Math.min(1, (perTaskMs * this.workMs) / this.#servers);
    const feedback = this.#feedback(load);
    const spare = 1 - busy * feedback;
    const line = feedback * busy ** Math.sqrt(2 * (this.#servers + 1));
    const held = perTaskMs * this.aloneMs + (spare > 0 ? line / spare : this.#perTask);
    return this.tasks * Math.min(held, this.#perTask);
  }

  /**
   * How much longer the line at the CPU of a task gets for each that waits in it: 1 when all come to one task, whatever it
   * holds; less when others have free places too.
   * Choice: Schweitzer's (n - 1) / n at full load; below, where it is too much, what fits messages one by one.
   */
  #feedback(load: number): number {
    if (this.#beyond === 0) return 0;
    const places = this.#beyond + 1;
    const crowded = load ** (2 * places);
    const elsewhere = (1 - crowded) * (0.55 / Math.sqrt(places)) + crowded / places;
    return 1 - ((this.tasks - 1) / this.tasks) * elsewhere;
  }

  /**
   * Messages that wait in the queue by chance, at a load below 1: those of M/M/c with one server for each in service, as far
   * as there is no place for them. First come first served stretches the line by (1 + scv) / 2.
   */
  waiting(load: number): number {
    const c = this.#inService;
    const noPlace = load ** (this.places - c);
    const scv = this.workScv * (this.workMs / this.aloneMs) ** 2;
    return ((load ** Math.sqrt(2 * (c + 1)) * noPlace) / (1 - load)) * (1 + ((scv - 1) / 2) * noPlace);
  }

  /** Mean milliseconds from the receive of a message to its deletion. */
  processingMs(load: number): number {
    const done = load * this.perMs;
    return done > 0 ? Math.max(this.aloneMs, this.held(load) / done) : this.aloneMs;
  }

  /** Part of the tasks' CPU that works while they get `perMs` messages done per millisecond, in percent. */
  busyPercent(perMs: number, cpuUnits: number, cpuMs: number): number {
    return Math.min(100, (100 * perMs * cpuMs * UNITS_PER_VCPU) / (this.tasks * cpuUnits));
  }
}

/**
 * Messages per millisecond of a task whose places are always full: the chain of those at the CPU, j of them served at
 * min(j, servers), the others in their wait. It is walked from all at the CPU downwards, until nothing more comes.
 */
function fullThroughput(places: number, servers: number, workMs: number, otherMs: number): number {
  let weight = 1;
  let sum = 0;
  let done = 0;
  for (let atCpu = places; ; atCpu--) {
    const rate = Math.min(atCpu, servers) / workMs;
    sum += weight;
    done += weight * rate;
    if (atCpu === 0) break;
    const next = (weight * otherMs * rate) / (places - atCpu + 1);
    if (next < weight && next < sum * 1e-15) break;
    weight = next;
    if (weight > LARGE) {
      weight /= LARGE;
      sum /= LARGE;
      done /= LARGE;
    }
  }
  return done / sum;
}
