/** `seatrial packing`: sail a scenario, and tell how well its tasks fill their instances at the end. */

import { simulate, type World } from '../../core/index.ts';
import { loadScenario } from '../input/scenarioFile.ts';
import { formatDate, formatDuration, formatNoun } from '../report/format.ts';
import { print } from '../report/print.ts';
import { packingOf, renderPacking, unplaced, type Packing } from '../report/packing.ts';

export interface PackingOptions {
  readonly services?: string;
  readonly seed?: number;
  readonly json?: boolean;
}

/** Closed log segments kept in memory: only the world at the end is asked. */
const KEPT_SEGMENTS = 1;
/** Services without a place that are told by name. */
const TOLD = 10;

export interface PackingStory {
  readonly packings: readonly Packing[];
  readonly unplaced: readonly string[];
  readonly notes: readonly string[];
  readonly atMs: number;
}

/** @throws InputError */
export function sailAndPack(file: string, options: PackingOptions): PackingStory {
  const { scenario, traces, jobs, notes } = loadScenario(file, { services: options.services, seed: options.seed });
  const simulation = simulate(scenario, { traces, jobs, keepSegments: KEPT_SEGMENTS });
  simulation.runUntil(scenario.start + scenario.duration);
  const world = simulation.world as World;
  return { packings: packingOf(world), unplaced: unplaced(world), notes, atMs: simulation.nowMs };
}

/** @returns the exit code. @throws InputError */
export function packing(file: string, options: PackingOptions): number {
  const began = performance.now();
  const story = sailAndPack(file, options);
  if (options.json === true) {
    print(`${JSON.stringify(story, undefined, 2)}\n`);
    return 0;
  }
  const missing = story.unplaced;
  const more = missing.length > TOLD ? [`and ${formatNoun(missing.length - TOLD, 'more line')}`] : [];
  const lines = [
    ...story.notes.map((note) => `Note: ${note}`),
    `at the end, ${formatDate(story.atMs)} UTC; means are over the used instances`,
    renderPacking(story.packings),
    ...missing.slice(0, TOLD),
    ...more,
    `sailed in ${formatDuration(performance.now() - began)}`,
  ];
  print(`${lines.join('\n')}\n`);
  return 0;
}
