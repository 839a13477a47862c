/**
 * The two pieces of work that Seatrial and its peers all do. Times are whole ms. What comes out does not depend on the order
 * in which an engine takes events of one instant, so that all must agree, those without a total order too.
 */

import { keyedRng } from '../../core/kernel/index.ts';

/**
 * The hold model: `pending` entities wait; each, when it comes due, waits again, for a gap of its own row of the table
 * (`gapsIn`). Everything due up to and including `untilMs` is done.
 */
export interface Hold {
  readonly gapsMs: Int32Array;
  readonly pending: number;
  readonly untilMs: number;
}

/** M/M/1, first come first served, until the last of `customers` has left; `gapsMs` has two for each: until it comes, for its service. */
export interface Station {
  readonly gapsMs: Int32Array;
  readonly customers: number;
}

export interface Outcome {
  readonly events: number;
  /** When the last one happened. */
  readonly clockMs: number;
  /** Hold: of `weighed` of all events, modulo 2^32. M/M/1: of the waits in the queue, in ms. */
  readonly sum: number;
  /** How long the events took; getting ready does not count. */
  readonly seconds: number;
}

/** An engine that runs on Node. */
export interface Engine {
  readonly hold: (work: Hold) => Outcome | Promise<Outcome>;
  readonly station: (work: Station) => Outcome | Promise<Outcome>;
}

const MEAN_GAP_MS = 60_000;
const GAPS = 2 ** 16;
const STRIDE = 7_919;
/** Busy for 80 % of the time. */
const ARRIVAL_MS = 1_250;
const SERVICE_MS = 1_000;
/** What a customer waits in the queue in the mean: rho / (mu - lambda). */
export const THEORY_MS = 4_000;

export function holdFor(pending: number, events: number): Hold {
  const draws = keyedRng(1).at('bench.hold', 0);
  const gapsMs = Int32Array.from({ length: GAPS }, () => Math.max(1, Math.round(draws.exponential(MEAN_GAP_MS))));
  return { gapsMs, pending, untilMs: Math.round((events / pending) * MEAN_GAP_MS) };
}

/** The next gap of an entity: each walks through the table from a place of its own, in long steps. */
export function gapsIn({ gapsMs, pending }: Hold): (id: number) => number {
  const rows = Uint16Array.from({ length: pending }, (_, id) => id);
  return (id) => {
    rows[id] = (rows[id] as number) + STRIDE;
    return gapsMs[rows[id]] as number;
  };
}

/** What an event of the hold model adds to the sum. */
export function weighed(nowMs: number, id: number): number {
  return Math.imul(nowMs, id + 1);
}

export function stationFor(customers: number): Station {
  const arrivals = arrivalsOf(STATION_SEED);
  const gapsMs = new Int32Array(2 * customers);
  for (let customer = 0; customer < customers; customer++) {
    gapsMs[2 * customer] = arrivals.untilNextMs(customer);
    gapsMs[2 * customer + 1] = arrivals.serviceMs(customer);
  }
  return { gapsMs, customers };
}

/** `priorityQueue.cpp` draws with the same. */
export const STATION_SEED = 1;

/** Each customer has its own luck, as everything in a simulation of Seatrial has. */
export function arrivalsOf(seed: number) {
  const rng = keyedRng(seed);
  return {
    untilNextMs: (customer: number) => Math.round(rng.at('station.arrival', customer).exponential(ARRIVAL_MS)),
    serviceMs: (customer: number) => Math.round(rng.at('station.service', customer).exponential(SERVICE_MS)),
  };
}
