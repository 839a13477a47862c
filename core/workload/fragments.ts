/**
 * Jobs from recorded tasks and the fragments of their CPU usage, as OpenDC and the archives it reads keep them: columns with a row
 * for each task, and for each stretch of time in which the usage of a task was the same.
 *
 * @source OpenDC, "Workload" in its documentation: times in ms, usage and capacity in MHz, memory in MB
 */

import { SECOND } from '../kernel/index.ts';
import type { JobTrace, JobUsage } from './jobTrace.ts';

type Column = ArrayLike<number>;

export interface RecordedTasks {
  readonly id: Column;
  readonly submission_time: Column;
  readonly duration: Column;
  readonly cpu_count: Column;
  readonly cpu_capacity: Column;
  readonly mem_capacity: Column;
}

/** Of a task in the order of time; of tasks in any order. */
export interface RecordedFragments {
  readonly id: Column;
  readonly duration: Column;
  readonly cpu_usage: Column;
}

/** Tasks that are alike. */
export interface TaskSize {
  readonly family: string;
  readonly cpuUnits: number;
  readonly memoryMiB: number;
}

const UNITS_PER_VCPU = 1024;
/** A megabyte, as memory is counted here. */
export const MIB_PER_MB = 1e6 / (1024 * 1024);

/**
 * Jobs in the order of their submission, and the sizes of their tasks, a core for a vCPU. A fragment's usage becomes CPU units:
 * its share of the task's capacity. Fragments that are not as long as the usual one are spread over periods of that length.
 */
export function jobsOfFragments(
  tasks: RecordedTasks,
  fragments: RecordedFragments,
): { readonly trace: JobTrace; readonly sizes: readonly TaskSize[] } {
  const { submission_time: submittedMs, cpu_count: cpus, cpu_capacity: capacityMhz, mem_capacity: memoryMb } = tasks;
  const order = Array.from(submittedMs, (_, row) => row).toSorted(
    (a, b) => (submittedMs[a] as number) - (submittedMs[b] as number),
  );
  const startMs = submittedMs[order[0] as number] as number;
  const sizes = new Map<string, TaskSize & { readonly place: number }>();
  const definitions = order.map((row) => {
    const memoryMiB = Math.round((memoryMb[row] as number) * MIB_PER_MB);
    const family = `job-${cpus[row]}vcpu-${memoryMiB}mib`;
    const known = sizes.get(family);
    if (known !== undefined) return known.place;
    const place = sizes.size;
    sizes.set(family, { family, cpuUnits: (cpus[row] as number) * UNITS_PER_VCPU, memoryMiB, place });
    return place;
  });
  return {
    trace: {
      startMs,
      offsetsMs: order.map((row) => (submittedMs[row] as number) - startMs),
      families: [...sizes.keys()],
      definitions,
      durationsMs: order.map((row) => tasks.duration[row] as number),
      usage: usageOf(
        order.map((row) => tasks.id[row] as number),
        order.map((row) => ((cpus[row] as number) * UNITS_PER_VCPU) / (capacityMhz[row] as number)),
        fragments,
      ),
    },
    sizes: Array.from(sizes.values(), ({ place: _place, ...size }) => size),
  };
}

function usageOf(
  ids: readonly number[],
  unitsPerMhz: readonly number[],
  { id, duration, cpu_usage: usage }: RecordedFragments,
): JobUsage {
  const periodMs = usual(duration);
  // A task's fragments mostly lie side by side: stretches of them, by task.
  const stretches = new Map<number, number[]>();
  for (let row = 0; row < id.length;) {
    const first = row;
    const task = id[row] as number;
    while (row < id.length && id[row] === task) row++;
    const known = stretches.get(task);
    if (known === undefined) stretches.set(task, [first, row]);
    else known.push(first, row);
  }
  const cpuUnits: number[] = [];
  const begins = [0];
  for (const [job, task] of ids.entries()) {
    const factor = unitsPerMhz[job] as number;
    const rows = stretches.get(task) ?? [];
    let unitMs = 0;
    let filledMs = 0;
    for (let stretch = 0; stretch < rows.length; stretch += 2)
      for (let row = rows[stretch] as number; row < (rows[stretch + 1] as number); row++)
        for (let leftMs = duration[row] as number; leftMs > 0;) {
          const takenMs = Math.min(leftMs, periodMs - filledMs);
          unitMs += (usage[row] as number) * factor * takenMs;
          filledMs += takenMs;
          leftMs -= takenMs;
          if (filledMs < periodMs) continue;
          cpuUnits.push(Math.round(unitMs / periodMs));
          unitMs = 0;
          filledMs = 0;
        }
    if (filledMs > 0) cpuUnits.push(Math.round(unitMs / filledMs));
    begins.push(cpuUnits.length);
  }
  return { periodMs, begins, cpuUnits };
}

/** The length that most fragments have; half a minute without any. */
function usual(durations: Column): number {
  const counts = new Map<number, number>();
  for (let row = 0; row < durations.length;) {
    const durationMs = durations[row] as number;
    const first = row;
    while (row < durations.length && durations[row] === durationMs) row++;
    counts.set(durationMs, (counts.get(durationMs) ?? 0) + row - first);
  }
  const [most] = [...counts].toSorted(([a, one], [b, other]) => other - one || b - a);
  return most?.[0] ?? 30 * SECOND;
}
