/**
 * A task in the long run, by queueing theory: how many requests it holds, how busy it is, how many it turns away, at a given
 * load. The skeleton is the exact birth and death chain of a station that serves n requests at min(n, vCPUs) and holds at
 * most `places + room`: M/M/c/N, and by insensitivity M/G/c/N with processor sharing. Its waiting line is then stretched by
 * what the chain does not know: variation of the work, regular arrivals, first come first served.
 */

import type { RequestProfile } from '../requestProfile.ts';

const UNITS_PER_VCPU = 1024;
/**
 * Tasks that are pooled by routing have lines of their own: with varied work one of them may run idle while others wait.
 * Choice: what fits the simulated requests for 2 to 50 tasks of 1 to 4 vCPUs, at loads from 0.5 to 0.9.
 */
const MISSED = 0.4;

export class SettledTask {
  /** Mean work of a request in milliseconds at the speed of one of `servers`. */
  readonly workMs: number;
  /** Speed of the task in `workMs` of work per millisecond: vCPUs that its places can use, or 1 when it has less than one. */
  readonly servers: number;
  /** Squared coefficient of variation of the work. */
  readonly workScv: number;
  /** Squared coefficient of variation of the time between arrivals: 1 for Poisson. */
  readonly arrivalScv: number;

  /** Part of the task's CPU that its places can use together. */
  readonly usable: number;
  /** Requests that share the servers at once. */
  readonly places: number;

  /** Set by `settle`: requests in the task. */
  level = 0;
  /** Set by `settle`: requests that wait or, under processor sharing, the time lost by sharing in requests. */
  waiting = 0;
  /** Set by `settle`: part of the capacity that works. */
  busy = 0;
  /** Set by `settle`: part of the arrivals that finds neither place nor room. */
  blocked = 0;
  /** Set by `settle`: part of the waiting that is first come first served; the rest is sharing. */
  inLine = 0;

  /** Line of those who did not find the idle one, in requests, when all servers are busy and the load is 1. */
  readonly #missed: number;
  /** What it is settled at. */
  #load = 0;
  readonly #whole: number;
  readonly #fraction: number;
  /** Requests it can hold beyond `#whole`. */
  readonly #beyond: number;

  /** @param pooled  tasks that are taken as a single one, with all their vCPUs, places and room */
  constructor(cpuUnits: number, profile: RequestProfile, arrivalScv: number, pooled = 1) {
    const vcpus = cpuUnits / UNITS_PER_VCPU;
    const servers = Math.min(Math.max(1, vcpus), profile.perTaskConcurrency);
    this.servers = pooled * servers;
    this.usable = Math.min(1, servers / vcpus);
    this.workMs = profile.cpuMs / Math.min(1, vcpus);
    this.workScv = profile.cpuVariation * profile.cpuVariation;
    this.arrivalScv = arrivalScv;
    this.places = pooled * profile.perTaskConcurrency;
    this.#missed = MISSED * Math.min(1, this.workScv) * (pooled - 1 / pooled);
    this.#whole = Math.floor(this.servers);
    this.#fraction = this.servers - this.#whole;
    this.#beyond = pooled * (profile.perTaskConcurrency + profile.maxQueuedPerTask) - this.#whole;
  }

  /** Most requests it holds. */
  get mostHeld(): number {
    return this.#whole + this.#beyond;
  }

  /** @param load work offered per time, in parts of the capacity; above 0, and above 1 in overload */
  settle(load: number): void {
    if (load === this.#load) return;
    this.#load = load;
    const logLoad = Math.log(load);
    const offered = load * this.servers;
    let loss = 1; // Erlang's B, by its recursion
    for (let server = 1; server <= this.#whole; server++) loss = (offered * loss) / (server + offered * loss);

    // Sums over the states beyond `whole`: of load^j, and of (j - fraction) load^j, in units of the largest term.
    const beyond = this.#beyond;
    const f = this.#fraction;
    const excess = load - 1;
    let base = 1;
    let top: number;
    let sum: number;
    let sumLine: number;
    if (Math.abs(excess) * beyond < 1e-3) {
      top = 1 + beyond * excess;
      sum = beyond * (1 + ((beyond + 1) / 2) * excess);
      sumLine = ((beyond * (beyond + 1)) / 2) * (1 + ((2 * beyond + 1) / 3) * excess) - f * sum;
    } else if (load < 1) {
      top = Math.exp(beyond * logLoad);
      sum = (load * (top - 1)) / excess;
      sumLine = (load * (1 + top * (beyond * excess - 1))) / (excess * excess) - f * sum;
    } else {
      base = Math.exp(-beyond * logLoad);
      top = 1;
      sum = (load * (1 - base)) / excess;
      sumLine = (load * (base + beyond * excess - 1)) / (excess * excess) - f * sum;
    }
    const all = base + loss * sum;
    this.blocked = (loss * top) / all;
    this.busy = Math.min(1, (load * (1 - loss) * base + loss * sum) / all);
    const line = (loss * sumLine) / all;
    const room = this.mostHeld - this.servers;
    const stretch = this.#stretch(load, logLoad);
    // A stretched line still fits the room: slope `stretch` while it is short, `room` where it is full.
    this.waiting = room > 0 ? (stretch * line) / (1 + ((stretch - 1) * line) / room) : 0;
    if (this.#missed > 0) {
      const allBusy = (loss * (base + sum)) / all;
      this.waiting = Math.min(room, this.waiting + this.#missed * Math.min(1, load) * allBusy);
    }
    this.level = this.busy * this.servers + this.waiting;
  }

  /**
   * Waiting line relative to exponential work and Poisson arrivals.
   * First come first served: (ca2 + cs2) / 2, with Kraemer and Langenbach-Belz's correction for regular arrivals.
   * Processor sharing: (ca2 + cs2) / (1 + cs2), which is 1 for Poisson arrivals whatever the work.
   * Limited sharing is the first beyond its places and the second within them, weighed by the part of the line beyond them.
   *
   * @source A. Allen, "Probability, Statistics and Queueing Theory" (1990), the Allen-Cunneen formula; W. Kraemer, M.
   *         Langenbach-Belz, "Approximate formulae for the delay in the queueing system GI/G/1", ITC 8 (1976); J. Zhang,
   *         B. Zwart, "Steady state approximations of limited processor sharing queues in heavy traffic", QUESTA 60 (2008)
   */
  #stretch(load: number, logLoad: number): number {
    const { arrivalScv } = this;
    const scv = arrivalScv + this.workScv;
    this.inLine = load >= 1 ? 1 : Math.exp((logLoad * (this.places - this.#whole) * (1 + this.workScv)) / scv);
    const regular =
      arrivalScv < 1 && load < 1
        ? Math.exp((-2 * (1 - load) * (1 - arrivalScv) * (1 - arrivalScv)) / (3 * load * scv))
        : 1;
    return (scv / 2) * regular * (this.inLine + ((1 - this.inLine) * 2) / (1 + this.workScv));
  }
}
