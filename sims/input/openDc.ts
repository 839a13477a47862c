/**
 * What OpenDC simulates, as jobs and the instances for them: tasks with their fragments of CPU usage, in Parquet, and a topology.
 *
 * @source OpenDC, "Workload" and "Topology" in its documentation: durations in ms, usage and capacity in MHz, memory in MB
 */

import { readFileSync, statSync } from 'node:fs';
import { parquetMetadata, parquetRead } from 'hyparquet';
import { z } from 'zod';
import { instanceType, instanceTypeNames, SECOND, type InstanceType, type JobTrace } from '../../core/index.ts';
import { readDocument } from './document.ts';
import { InputError } from './inputError.ts';

const LIMIT_MIB = 1024;
const MIB = 1024 * 1024;
/** A megabyte, as OpenDC counts memory. */
const MIB_PER_MB = 1e6 / MIB;
const UNITS_PER_VCPU = 1024;

/** Hosts that are alike. */
export interface Hosts {
  readonly name: string;
  readonly count: number;
  readonly coreCount: number;
  readonly memoryMiB: number;
}

/** Tasks that are alike. */
export interface TaskSize {
  readonly family: string;
  readonly cpuUnits: number;
  readonly memoryMiB: number;
}

export interface OpenDcWorkload {
  readonly trace: JobTrace;
  readonly sizes: readonly TaskSize[];
  /** Fragments of CPU usage that were read. */
  readonly fragments: number;
}

const topology = z.looseObject({
  clusters: z
    .array(
      z.looseObject({
        name: z.string().default('cluster'),
        count: z.int().positive().default(1),
        hosts: z
          .array(
            z.looseObject({
              name: z.string().default('host'),
              count: z.int().positive().default(1),
              cpu: z.looseObject({ coreCount: z.int().positive(), count: z.int().positive().default(1) }),
              memory: z.looseObject({ memorySize: z.number().positive() }),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
});

/** @throws InputError */
export function readTopology(file: string): readonly Hosts[] {
  const { value } = readDocument(file, topology);
  return value.clusters.flatMap(({ name: cluster, count: clusters, hosts }) =>
    hosts.map(({ name, count, cpu, memory }) => ({
      name: `${cluster}-${name}`,
      count: count * clusters,
      coreCount: cpu.coreCount * cpu.count,
      memoryMiB: Math.round(memory.memorySize * MIB_PER_MB),
    })),
  );
}

/** The cheapest instance type that has at least what a host has; undefined when none has. Choice: x86, as the hosts were. */
export function instanceTypeFor({ coreCount, memoryMiB }: Hosts): InstanceType | undefined {
  return instanceTypeNames
    .map((name) => instanceType(name) as InstanceType)
    .filter((type) => type.arch === 'x86_64' && type.cpuCreditsPerHour === undefined)
    .filter((type) => type.vcpu >= coreCount && type.ecsMemoryMiB >= memoryMiB)
    .toSorted((a, b) => a.microUsdPerHour - b.microUsdPerHour)[0];
}

/**
 * Tasks in the order of their submission. A fragment's usage becomes CPU units of a core of that task: its share of the task's
 * capacity. Fragments that are not as long as the usual one are spread over periods of that length.
 *
 * @throws InputError
 */
export async function readOpenDc(tasksFile: string, fragmentsFile: string): Promise<OpenDcWorkload> {
  const tasks = await readColumns(tasksFile, [
    'id',
    'submission_time',
    'duration',
    'cpu_count',
    'cpu_capacity',
    'mem_capacity',
  ]);
  const fragments = await readColumns(fragmentsFile, ['id', 'duration', 'cpu_usage']);
  const submittedMs = tasks.submission_time;
  const order = Array.from(submittedMs, (_, row) => row).toSorted(
    (a, b) => (submittedMs[a] as number) - (submittedMs[b] as number),
  );
  const startMs = submittedMs[order[0] as number] as number;
  const sizes = new Map<string, TaskSize>();
  const definitions = order.map((row) => {
    const cpus = tasks.cpu_count[row] as number;
    const memoryMiB = Math.round((tasks.mem_capacity[row] as number) * MIB_PER_MB);
    const family = `job-${cpus}vcpu-${memoryMiB}mib`;
    if (!sizes.has(family)) sizes.set(family, { family, cpuUnits: cpus * UNITS_PER_VCPU, memoryMiB });
    return [...sizes.keys()].indexOf(family);
  });
  const unitsPerMhz = order.map(
    (row) => ((tasks.cpu_count[row] as number) * UNITS_PER_VCPU) / (tasks.cpu_capacity[row] as number),
  );
  const ids = order.map((row) => tasks.id[row] as number);
  return {
    trace: {
      startMs,
      offsetsMs: order.map((row) => (submittedMs[row] as number) - startMs),
      families: [...sizes.keys()],
      definitions,
      durationsMs: order.map((row) => tasks.duration[row] as number),
      usage: usageOf(ids, unitsPerMhz, fragments),
    },
    sizes: [...sizes.values()],
    fragments: fragments.id.length,
  };
}

interface Fragments {
  readonly id: Column;
  readonly duration: Column;
  readonly cpu_usage: Column;
}

function usageOf(
  ids: readonly number[],
  unitsPerMhz: readonly number[],
  { id, duration, cpu_usage: usage }: Fragments,
): NonNullable<JobTrace['usage']> {
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

type Column = Float64Array;

/** Columns of numbers that are 0 or more. @throws InputError */
async function readColumns<Name extends string>(
  file: string,
  columns: readonly Name[],
): Promise<Readonly<Record<Name, Column>>> {
  const bytes = bytesOf(file);
  const read: Partial<Record<string, Column>> = {};
  try {
    const metadata = parquetMetadata(bytes);
    const names = new Set(metadata.schema.map(({ name }) => name));
    const missing = columns.filter((name) => !names.has(name));
    if (missing.length > 0) throw new Error(`there is no column ${missing.join(', ')}`);
    for (const name of columns) read[name] = new Float64Array(Number(metadata.num_rows));
    await parquetRead({
      file: bytes,
      metadata,
      columns: [...columns],
      onChunk({ columnName, columnData, rowStart }) {
        const values = read[columnName] as Column;
        for (let index = 0; index < columnData.length; index++) {
          const value = Number(columnData[index]);
          if (!(value >= 0))
            throw new Error(`${columnName} of row ${rowStart + index + 1} is ${String(columnData[index])}`);
          values[rowStart + index] = value;
        }
      },
    });
  } catch (error) {
    throw new InputError([
      {
        file,
        message: `found what cannot be read (${(error as Error).message}), expected Parquet with numbers in ${columns.join(', ')}`,
      },
    ]);
  }
  return read as Readonly<Record<Name, Column>>;
}

function bytesOf(file: string): ArrayBuffer {
  const refuse = (found: string) =>
    new InputError([{ file, message: `found ${found}, expected a file in Parquet of at most ${LIMIT_MIB} MiB` }]);
  try {
    const { size } = statSync(file);
    if (size > LIMIT_MIB * MIB) throw refuse(`${Math.ceil(size / MIB)} MiB`);
    const bytes = readFileSync(file);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    throw refuse(code === 'ENOENT' ? 'no file of this name' : code);
  }
}
