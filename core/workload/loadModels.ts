/** Registry of the load models. The union of what a user may write is derived from it. */

import { z } from 'zod';
import type { Millis } from '../kernel/index.ts';
import type { LoadContext, LoadModel } from './loadModel.ts';
import { burst } from './loadModels/burst.ts';
import { constant } from './loadModels/constant.ts';
import { diurnal } from './loadModels/diurnal.ts';
import { poisson } from './loadModels/poisson.ts';
import { trace } from './loadModels/trace.ts';

export const loadModels = { constant, diurnal, burst, poisson, trace } as const;

type LoadModels = typeof loadModels;
type LoadSchema = LoadModels[keyof LoadModels]['schema'];

/** One part of a service's load, as written in a scenario; parsed, one of the registered models' configurations. */
export const loadPart = z.discriminatedUnion(
  'model',
  Object.values(loadModels).map(({ schema }) => schema) as [LoadSchema, ...LoadSchema[]],
);
export type LoadPart = z.output<typeof loadPart>;

/**
 * Requests that all parts together offer in [fromMs, toMs): their sum, in the order they are written.
 *
 * @returns requests, 0 or more, rounded to a millionth so that the last bit of `Math.sin` or `Math.exp` decides nothing
 */
export function requestsOffered(
  parts: readonly LoadPart[],
  fromMs: Millis,
  toMs: Millis,
  context: LoadContext,
): number {
  let requests = 0;
  for (const part of parts) {
    // The model and its configuration come from one registry entry, which the compiler cannot see through the lookup.
    const model = loadModels[part.model] as LoadModel<z.ZodType<LoadPart>>;
    requests += model.requests(part, fromMs, toMs, context);
  }
  return Math.round(requests * 1e6) / 1e6;
}
