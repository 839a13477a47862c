/** What every load model keeps. */

import fc from 'fast-check';
import { DAY, HOUR, type Millis } from '../../core/kernel/time.ts';
import { keyedRng } from '../../core/kernel/rng.ts';
import type { LoadContext, loadModels, LoadPart, TraceSeries } from '../../core/workload/index.ts';

type ModelName = keyof typeof loadModels;

export const START_MS: Millis = Date.UTC(2030, 0, 7);

/** Three periods, a gap of an hour, and one more. */
export const series: TraceSeries = {
  startMs: START_MS - 7 * DAY,
  endMs: START_MS - 7 * DAY + 6 * HOUR,
  offsetsMs: [0, HOUR, 2 * HOUR, 4 * HOUR],
  periodsMs: [HOUR, HOUR, HOUR, 2 * HOUR],
  requests: [3600, 0, 7200, 100],
};

export function loadContext(key = 0): LoadContext {
  return { traces: new Map([['day.csv', series]]), startMs: START_MS, draws: keyedRng(1).at('load', key) };
}

const rate = fc.double({ min: 0, max: 1e4, noNaN: true });
const minutes = fc.integer({ min: 0, max: 2000 }).map((count) => `${count}m`);

/** What a user may write, for each model. */
export const writtenParts: { readonly [Name in ModelName]: fc.Arbitrary<object> } = {
  constant: fc.record({ model: fc.constant('constant'), rate }),
  diurnal: fc.record({
    model: fc.constant('diurnal'),
    base: rate,
    peak: rate,
    peakHour: fc.double({ min: 0, max: 24, noNaN: true }),
    weekend: fc.double({ min: 0, max: 3, noNaN: true }),
  }),
  burst: fc.record(
    {
      model: fc.constant('burst'),
      at: fc.integer({ min: -30, max: 30 }).map((day) => new Date(START_MS + day * DAY).toISOString()),
      rise: minutes,
      hold: minutes,
      fall: minutes,
      peak: rate,
      every: fc.integer({ min: 100, max: 200 }).map((hours) => `${hours}h`),
    },
    { requiredKeys: ['model', 'at', 'rise', 'hold', 'fall', 'peak'] },
  ),
  poisson: fc.record({ model: fc.constant('poisson'), mean: rate }),
  trace: fc.record({
    model: fc.constant('trace'),
    file: fc.constant('day.csv'),
    scale: fc.double({ min: 0, max: 10, noNaN: true }),
    repeat: fc.boolean(),
    align: fc.constantFrom('start', 'time'),
  }),
};

/** Instants from a month before the start to a month after it. */
const instants = fc.integer({ min: START_MS - 30 * DAY, max: START_MS + 30 * DAY });

export type Offer = (part: LoadPart, fromMs: Millis, toMs: Millis, context: LoadContext) => number;

export const isAmount = (parts: fc.Arbitrary<LoadPart>, offer: Offer): fc.IProperty<unknown> =>
  fc.property(parts, instants, instants, (part, one, other) => {
    const amount = offer(part, Math.min(one, other), Math.max(one, other), loadContext());
    return Number.isFinite(amount) && amount >= 0;
  });

export const isRepeatable = (parts: fc.Arbitrary<LoadPart>, offer: Offer): fc.IProperty<unknown> =>
  fc.property(parts, instants, fc.integer({ min: 0, max: DAY }), (part, fromMs, lengthMs) => {
    const ask = (): number => offer(part, fromMs, fromMs + lengthMs, loadContext(5));
    return Object.is(ask(), ask());
  });

/** Adjacent intervals sum to their union, but for the rounding of each to a millionth. */
export const isAdditive = (parts: fc.Arbitrary<LoadPart>, offer: Offer): fc.IProperty<unknown> =>
  fc.property(parts, fc.array(instants, { minLength: 3, maxLength: 12 }), (part, unordered) => {
    const cuts = unordered.toSorted((one, other) => one - other);
    const first = cuts[0]!;
    const last = cuts.at(-1)!;
    let sum = 0;
    for (let index = 1; index < cuts.length; index++) sum += offer(part, cuts[index - 1]!, cuts[index]!, loadContext());
    const whole = offer(part, first, last, loadContext());
    return Math.abs(sum - whole) <= 1e-9 * whole + 1e-6 * cuts.length;
  });
