/** The load that a run will have, before it sails: it follows from the scenario and the seed alone. */

import { keyedRng, MINUTE, SECOND, type LoadConfig, type Scenario, type TraceSeries } from '../../core/index.ts';
import { decideWorkload, emptyWorkload, evolveWorkload } from '../../core/workload/index.ts';

export interface LoadAhead {
  readonly config: LoadConfig;
  /** By minute from the start of the run: the highest rate of any step in it. */
  readonly peakRps: readonly number[];
}

/** @returns by service; the same requests that a run with the scenario's seed will be offered */
export function loadAhead(
  scenario: Scenario,
  traces: ReadonlyMap<string, TraceSeries>,
): ReadonlyMap<string, LoadAhead> {
  const { start, step, duration, seed } = scenario;
  const workload = emptyWorkload(start, step);
  const decide = decideWorkload(traces);
  const rng = keyedRng(seed);
  for (const config of scenario.load)
    evolveWorkload.LoadAttached({ workload }, { type: 'LoadAttached', service: config.service, config }, start);
  const peaks = new Map(scenario.load.map(({ service }): [string, number[]] => [service, []]));
  for (let fromMs = start; fromMs + step <= start + duration; fromMs += step) {
    const context = { world: { workload }, nowMs: fromMs + step, rng };
    for (const event of decide.SampleLoad({ type: 'SampleLoad', fromMs }, context)) {
      if (event.type !== 'LoadSampled') continue;
      evolveWorkload.LoadSampled({ workload }, event, event.toMs);
      const minute = Math.floor((fromMs - start) / MINUTE);
      for (const [row, service] of event.services.entries()) {
        const peakRps = peaks.get(service) as number[];
        peakRps[minute] = Math.max(peakRps[minute] ?? 0, ((event.offered[row] as number) * SECOND) / step);
      }
    }
  }
  return new Map(scenario.load.map((config) => [config.service, { config, peakRps: peaks.get(config.service) ?? [] }]));
}
