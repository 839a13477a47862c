/** A trapezoid on top of the rest: a sale, a push message, a match; once, or again and again. */

import { z } from 'zod';
import { SECOND, duration, instant } from '../../kernel/index.ts';
import type { LoadModel } from '../loadModel.ts';

const schema = z
  .strictObject({
    model: z.literal('burst'),
    at: instant.describe('instant at which the rate begins to rise'),
    rise: duration.describe('time from 0 to the peak, at a steady slope'),
    hold: duration.describe('time at the peak'),
    fall: duration.describe('time from the peak back to 0, at a steady slope'),
    peak: z.number().min(0).max(1e9).describe('requests per second at the top, added to the other parts'),
    every: duration.optional().describe('time from one burst to the next, from `at` on; without it there is one burst'),
  })
  .refine(({ rise, hold, fall, every }) => every === undefined || (every > 0 && every >= rise + hold + fall), {
    path: ['every'],
    message: 'expected at least rise + hold + fall, so that bursts do not overlap',
  });
type Burst = z.output<typeof schema>;

export const burst: LoadModel<typeof schema> = {
  schema,
  requests(config, fromMs, toMs) {
    const from = fromMs - config.at;
    const to = toMs - config.at;
    if (config.every === undefined) return sinceRise(config, to) - sinceRise(config, from);
    const fromTurn = Math.max(0, Math.floor(from / config.every));
    const toTurn = Math.max(0, Math.floor(to / config.every));
    return (
      (toTurn - fromTurn) * sinceRise(config, config.every) +
      sinceRise(config, to - toTurn * config.every) -
      sinceRise(config, from - fromTurn * config.every)
    );
  },
};

/** Requests of one burst from its rise to `elapsedMs` later; 0 before it. */
function sinceRise({ rise, hold, fall, peak }: Burst, elapsedMs: number): number {
  const rising = clamp(elapsedMs, rise);
  const holding = clamp(elapsedMs - rise, hold);
  const falling = clamp(elapsedMs - rise - hold, fall);
  const peakMs =
    (rise > 0 ? (rising * rising) / (2 * rise) : 0) +
    holding +
    (fall > 0 ? falling - (falling * falling) / (2 * fall) : 0);
  return (peak * peakMs) / SECOND;
}

function clamp(valueMs: number, highMs: number): number {
  return Math.min(Math.max(valueMs, 0), highMs);
}
