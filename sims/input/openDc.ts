/**
 * What OpenDC simulates, as jobs and the instances for them: tasks with their fragments of CPU usage, in Parquet, and a topology.
 *
 * @source OpenDC, "Workload" and "Topology" in its documentation: durations in ms, usage and capacity in MHz, memory in MB
 */

import { readFileSync, statSync } from 'node:fs';
import { parquetMetadata, parquetRead } from 'hyparquet';
import { z } from 'zod';
import {
  instanceType,
  instanceTypeNames,
  jobsOfFragments,
  MIB_PER_MB,
  type InstanceType,
  type JobTrace,
  type TaskSize,
} from '../../core/index.ts';
import { readDocument } from './document.ts';
import { InputError } from './inputError.ts';

const LIMIT_MIB = 1024;
const MIB = 1024 * 1024;

/** Hosts that are alike. */
export interface Hosts {
  readonly name: string;
  readonly count: number;
  readonly coreCount: number;
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

/** Tasks and fragments of two Parquet files. @throws InputError */
export async function readOpenDc(tasksFile: string, fragmentsFile: string): Promise<OpenDcWorkload> {
  const tasks = await readColumns(tasksFile, TASK_COLUMNS);
  const fragments = await readColumns(fragmentsFile, ['id', 'duration', 'cpu_usage']);
  return { ...jobsOfFragments(tasks, fragments), fragments: fragments.id.length };
}

const TASK_COLUMNS = ['id', 'submission_time', 'duration', 'cpu_count', 'cpu_capacity', 'mem_capacity'] as const;

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
