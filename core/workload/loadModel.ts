/** What a load model is: a part of a service's offered load, as the exact number of requests in an interval. */

import type { z } from 'zod';
import type { Draws, Millis } from '../kernel/index.ts';

/** A recorded load: the rate is constant within each period, and zero where no period covers the time. */
export interface TraceSeries {
  readonly startMs: Millis;
  readonly endMs: Millis;
  /** Start of each period, ascending, relative to `startMs`. Periods do not overlap and none passes `endMs`. */
  readonly offsetsMs: readonly number[];
  /** Requests in each period, already converted to requests, before `scale`. */
  readonly requests: readonly number[];
  /** Length of each period. */
  readonly periodsMs: readonly number[];
}

export interface LoadContext {
  /** The recorded loads by the name of their file. */
  readonly traces: ReadonlyMap<string, TraceSeries>;
  /** Start of the run. */
  readonly startMs: Millis;
  /** Chance of this service and interval; the parts draw from it in their order. */
  readonly draws: Draws;
}

export interface LoadModel<Schema extends z.ZodType> {
  readonly schema: Schema;
  /**
   * Requests this part offers in [fromMs, toMs): a real number, 0 or more. A model without chance is additive: the numbers of
   * adjacent intervals sum to that of their union, so the length of a step never changes the load.
   */
  readonly requests: (config: z.output<Schema>, fromMs: Millis, toMs: Millis, context: LoadContext) => number;
}
