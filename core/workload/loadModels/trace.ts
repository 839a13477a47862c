/** A recorded load, played back. */

import { z } from 'zod';
import { BrokenInvariantError, duration } from '../../kernel/index.ts';
import type { LoadModel, TraceSeries } from '../loadModel.ts';

const schema = z.strictObject({
  model: z.literal('trace'),
  file: z.string().min(1).describe('name of the file that holds the recorded load'),
  unit: z
    .enum(['requests-per-period', 'requests-per-second'])
    .optional()
    .describe('what the numbers in the file count; without it, what the file says or requests-per-period'),
  period: duration.optional().describe('length of each period; without it, the distance to the next point'),
  scale: z.number().min(0).max(1e6).default(1).describe('factor on every number of the trace'),
  repeat: z.boolean().default(false).describe('whether the trace starts again where it ends'),
  align: z
    .enum(['start', 'time'])
    .default('start')
    .describe("start: the trace's first point falls on the start of the run; time: each point keeps its own instant"),
});

/** `unit` and `period` are for the reader of the file; the series it makes is already in requests. */
export const trace: LoadModel<typeof schema> = {
  schema,
  requests(config, fromMs, toMs, context) {
    const series = context.traces.get(config.file);
    if (series === undefined) throw new BrokenInvariantError(`trace '${config.file}' was not loaded`);
    const beginMs = config.align === 'start' ? context.startMs : series.startMs;
    const from = fromMs - beginMs;
    const to = toMs - beginMs;
    const lengthMs = series.endMs - series.startMs;
    if (!config.repeat || lengthMs <= 0) return config.scale * (sinceStart(series, to) - sinceStart(series, from));
    const fromTurn = Math.floor(from / lengthMs);
    const toTurn = Math.floor(to / lengthMs);
    const wholeTurns = (toTurn - fromTurn) * sinceStart(series, lengthMs);
    const partTurns = sinceStart(series, to - toTurn * lengthMs) - sinceStart(series, from - fromTurn * lengthMs);
    return config.scale * Math.max(0, wholeTurns + partTurns);
  },
};

/** Requests before each period, and at the end all of them: one more than there are periods. A cache, made once per series. */
const sums = new WeakMap<TraceSeries, Float64Array>();

function sumsOf(series: TraceSeries): Float64Array {
  let prefix = sums.get(series);
  if (prefix === undefined) {
    prefix = new Float64Array(series.requests.length + 1);
    for (let index = 0; index < series.requests.length; index++)
      prefix[index + 1] = prefix[index]! + series.requests[index]!;
    sums.set(series, prefix);
  }
  return prefix;
}

/** Requests from the start of the series to `elapsedMs` later; never falls as `elapsedMs` grows. */
function sinceStart(series: TraceSeries, elapsedMs: number): number {
  const { offsetsMs, periodsMs, requests } = series;
  let low = 0;
  let high = offsetsMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsetsMs[middle]! < elapsedMs) low = middle + 1;
    else high = middle;
  }
  const index = low - 1; // the last period that starts before `elapsedMs`
  if (index < 0) return 0;
  const part = Math.min((elapsedMs - offsetsMs[index]!) / periodsMs[index]!, 1);
  const prefix = sumsOf(series);
  return part === 1 ? prefix[index + 1]! : prefix[index]! + requests[index]! * part;
}
