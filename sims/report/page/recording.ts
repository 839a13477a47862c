/** A stored run as a page carries it: one pass over its events, in memory that does not grow with their number. */

import { basename } from 'node:path';
import { InputError } from '../../input/inputError.ts';
import type { RunReader } from '../../store/runDirectory.ts';
import { formatDuration } from '../format.ts';
import { Chronicle } from './chronicle.ts';
import { ColumnPacker, type Packed } from './columns.ts';
import { Course, pointLength } from './course.ts';
import type { PageRun } from './data.ts';
import { Fleet } from './fleet.ts';

/** What is read of a run. */
export type StoredRun = Pick<RunReader, 'loaded' | 'summary' | 'events'>;

/**
 * @param label  what the page calls it; without one, its directory
 * @throws InputError when the run was killed and has no summary
 */
export function recordRun(
  path: string,
  reader: StoredRun,
  label?: string,
): { readonly run: PageRun; readonly packed: Packed } {
  const { scenario } = reader.loaded();
  const summary = reader.summary();
  if (summary === undefined)
    throw new InputError([
      { file: path, message: `found a run without an end, expected seatrial resume ${path} first` },
    ]);
  const { start, step } = scenario;
  const durationMs = Date.parse(summary.to) - start;
  const fleet = new Fleet(start);
  const pointMs = pointLength(durationMs, step, scenario.services.length);
  const course = new Course(fleet, start, durationMs, pointMs);
  const chronicle = new Chronicle(start, fleet, scenario.assumptions.scaling.metricValue);
  for (const recorded of reader.events()) {
    fleet.on(recorded);
    course.on(recorded);
    chronicle.on(recorded);
  }
  const columns = new ColumnPacker();
  fleet.pack(columns);
  course.pack(columns, chronicle.alarmNames);
  chronicle.pack(columns);
  const run: PageRun = {
    label: label ?? (basename(path) || summary.scenario),
    summary,
    startMs: start,
    durationMs,
    pointMs,
    stepMs: step,
    services: fleet.services.all.map((name, index) => ({
      name,
      hasLoad: course.hasLoad(index),
      hasQueue: course.hasQueue(index),
      limits: chronicle.limitsOf(index),
    })),
    ...fleet.page(),
    ...chronicle.page(start + durationMs),
    leftOut: [
      ...(pointMs > step
        ? [
            `Plots have a point for each ${formatDuration(pointMs)} of steps of ${formatDuration(step)}: its highest latency and rate, its mean CPU and memory, its last count of tasks.`,
          ]
        : []),
      ...fleet.leftOut,
      ...chronicle.leftOut,
    ],
  };
  return { run, packed: columns.finish() };
}
