/** Latency between the levels at which quantiles are known: taken as linear in -ln(1 - level). */

import { latencyLevels } from './serving.ts';

/** Positions of `latencyLevels` on the scale -ln(1 - level). */
export const latencyPositions: readonly number[] = latencyLevels.map((level) => -Math.log(1 - level));

/** Share of requests slower than a threshold, 0 to 1, by the quantiles that start at `offset`. */
export function shareAbove(quantilesMs: readonly number[], offset: number, thresholdMs: number): number {
  const last = latencyPositions.length - 1;
  let upper = 1;
  while (upper < last && (quantilesMs[offset + upper] as number) <= thresholdMs) upper++;
  const low = quantilesMs[offset + upper - 1] as number;
  const high = quantilesMs[offset + upper] as number;
  const lowPosition = latencyPositions[upper - 1] as number;
  if (high <= low) return thresholdMs < low ? 1 : Math.exp(-(latencyPositions[upper] as number));
  const position =
    lowPosition + ((thresholdMs - low) / (high - low)) * ((latencyPositions[upper] as number) - lowPosition);
  return Math.min(1, Math.exp(-Math.max(0, position)));
}
