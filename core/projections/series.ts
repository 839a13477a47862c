/** A run's course as a fixed number of points, however long it is: what plots are drawn from. */

import { SECOND, type Millis } from '../kernel/index.ts';
import { latencyLevels } from '../workload/index.ts';
import type { Projection } from './projection.ts';

/** One value per point; all lists have the same length. */
export interface SeriesReport {
  readonly startMs: Millis;
  /** Length of time that one point stands for. */
  readonly pointMs: Millis;
  readonly offeredRps: readonly number[];
  /** The highest rate of any step within the point. */
  readonly peakRps: readonly number[];
  readonly failedRps: readonly number[];
  readonly desiredTasks: readonly number[];
  readonly runningTasks: readonly number[];
  readonly cpuPercent: readonly number[];
  /** The worst 99th percentile of any step within the point. */
  readonly p99Ms: readonly number[];
  /** Of a queue: the most visible messages, and the highest age of the oldest, of any step within the point. */
  readonly backlog?: readonly number[];
  readonly oldestMs?: readonly number[];
}

export function seriesProjection(
  serviceName: string,
  startMs: Millis,
  durationMs: Millis,
  points: number,
): Projection<SeriesReport> {
  const pointMs = Math.max(1, Math.ceil(durationMs / points));
  const columns = {
    ms: new Float64Array(points),
    offered: new Float64Array(points),
    peak: new Float64Array(points),
    failed: new Float64Array(points),
    desired: new Float64Array(points),
    running: new Float64Array(points),
    cpu: new Float64Array(points),
    p99: new Float64Array(points),
    backlog: new Float64Array(points),
    oldest: new Float64Array(points),
  };
  let hasQueue = false;
  const p99Index = latencyLevels.indexOf(0.99);
  return {
    types: ['LoadServed', 'MessagesServed'],
    on({ event, atMs }) {
      if (event.type === 'MessagesServed' && event.serviceName === serviceName) {
        // The step ends now: an instant later it would be the next point's.
        const point = Math.min(points - 1, Math.floor((atMs - 1 - startMs) / pointMs));
        hasQueue = true;
        raise(columns.backlog, point, event.visible);
        raise(columns.oldest, point, event.oldestMs);
      }
      if (event.type !== 'LoadServed') return;
      const row = event.services.indexOf(serviceName);
      if (row === -1) return;
      const point = Math.min(points - 1, Math.floor((event.fromMs - startMs) / pointMs));
      const ms = event.toMs - event.fromMs;
      add(columns.ms, point, ms);
      add(columns.offered, point, at(event.offered, row));
      const refused = at(event.rejected, row) + at(event.unserved, row) + at(event.lost, row);
      add(columns.failed, point, at(event.timedOut, row) + refused);
      add(columns.desired, point, ms * at(event.desiredTasks, row));
      add(columns.running, point, ms * at(event.runningTasks, row));
      add(columns.cpu, point, ms * at(event.cpuPercent, row));
      raise(columns.peak, point, (at(event.offered, row) * SECOND) / ms);
      raise(columns.p99, point, at(event.quantilesMs, row * latencyLevels.length + p99Index));
    },
    report() {
      const filled = columns.ms.findLastIndex((ms) => ms > 0) + 1;
      const perMs = (column: Float64Array, factor = 1) =>
        Array.from(column.subarray(0, filled), (value, point) =>
          columns.ms[point] === 0 ? 0 : (factor * value) / (columns.ms[point] as number),
        );
      return {
        startMs,
        pointMs,
        offeredRps: perMs(columns.offered, SECOND),
        peakRps: Array.from(columns.peak.subarray(0, filled)),
        failedRps: perMs(columns.failed, SECOND),
        desiredTasks: perMs(columns.desired),
        runningTasks: perMs(columns.running),
        cpuPercent: perMs(columns.cpu),
        p99Ms: Array.from(columns.p99.subarray(0, filled)),
        ...(hasQueue
          ? {
              backlog: Array.from(columns.backlog.subarray(0, filled)),
              oldestMs: Array.from(columns.oldest.subarray(0, filled)),
            }
          : {}),
      };
    },
  };
}

function at(column: readonly number[], row: number): number {
  return column[row] as number;
}

function add(column: Float64Array, point: number, value: number): void {
  column[point] = (column[point] as number) + value;
}

function raise(column: Float64Array, point: number, value: number): void {
  column[point] = Math.max(column[point] as number, value);
}
