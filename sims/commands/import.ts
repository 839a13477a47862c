/** `seatrial import`: a workload and a topology of OpenDC, as a scenario and the CSV of its jobs. */

import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify as csv } from 'csv-stringify/sync';
import { stringify as yaml } from 'yaml';
import { HOUR, MINUTE, registeredResources, SECOND, type JobTrace, type ScenarioInput } from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';
import { JOB_COLUMNS } from '../input/jobsFile.ts';
import { checkNewFile, writeNewFiles } from '../input/newFile.ts';
import { instanceTypeFor, readOpenDc, readTopology, type Hosts, type OpenDcWorkload } from '../input/openDc.ts';
import { formatNoun } from '../report/format.ts';
import { commandName } from '../report/output.ts';
import { print } from '../report/print.ts';

export interface ImportOptions {
  readonly topology: string;
}

const SCHEMA = fileURLToPath(new URL('../input/scenario.schema.json', import.meta.url));
const QUEUE = 'jobs';

/** @returns the exit code. @throws InputError */
export async function importOpenDc(folder: string, file: string, { topology }: ImportOptions): Promise<number> {
  const jobsFile = join(dirname(file), `${basename(file, extname(file))}.jobs.csv`);
  for (const path of [file, jobsFile]) checkNewFile(path);
  const workload = await readOpenDc(join(folder, 'tasks.parquet'), join(folder, 'fragments.parquet'));
  const scenario = scenarioOf(
    basename(file, extname(file)),
    basename(jobsFile),
    workload,
    readTopology(topology),
    topology,
  );
  const schema = relative(resolve(dirname(file)), SCHEMA);
  const head = `# yaml-language-server: $schema=${schema}\n# ${formatNoun(workload.trace.offsetsMs.length, 'task')} and ${formatNoun(workload.fragments, 'fragment')} of CPU usage of OpenDC.\n`;
  writeNewFiles({ [jobsFile]: jobsTable(workload.trace), [file]: `${head}${yaml(scenario)}` });
  print(
    `${file} and ${jobsFile} are written: ${formatNoun(workload.trace.offsetsMs.length, 'job')}. Next: ${commandName()} run ${file}\n`,
  );
  return 0;
}

/** Long enough for every job to end as recorded, and an hour. */
function lengthMs({ offsetsMs, durationsMs }: JobTrace): number {
  let endMs = 0;
  for (const [job, offsetMs] of offsetsMs.entries()) endMs = Math.max(endMs, offsetMs + (durationsMs[job] as number));
  return Math.ceil(endMs / HOUR) * HOUR + HOUR;
}

/** The scenario, with instances in place of hosts. @throws InputError */
function scenarioOf(
  name: string,
  jobsFile: string,
  { trace, sizes }: OpenDcWorkload,
  hosts: readonly Hosts[],
  topologyFile: string,
): ScenarioInput {
  const groups = hosts.map((kind) => {
    const type = instanceTypeFor(kind)?.type;
    if (type === undefined)
      throw new InputError([
        {
          file: topologyFile,
          message: `found hosts of ${kind.coreCount} cores and ${kind.memoryMiB} MiB, expected some that an instance type has`,
        },
      ]);
    return { kind, type };
  });
  const tooLarge = sizes.find(({ cpuUnits, memoryMiB }) =>
    groups.every(({ type }) => {
      const offer = registeredResources(type);
      return offer === undefined || offer.cpuUnits < cpuUnits || offer.memoryMiB < memoryMiB;
    }),
  );
  if (tooLarge !== undefined)
    throw new InputError([
      {
        file: topologyFile,
        message: `found no host for tasks of ${tooLarge.cpuUnits} CPU units and ${tooLarge.memoryMiB} MiB, expected one`,
      },
    ]);
  return {
    name,
    start: new Date(Math.floor(trace.startMs / MINUTE) * MINUTE).toISOString(),
    duration: `${lengthMs(trace) / HOUR}h`,
    step: '60s',
    cluster: { clusterName: name },
    autoScalingGroups: groups.map(({ kind: { name: group, count }, type }) => ({
      AutoScalingGroupName: group,
      AvailabilityZones: ['us-east-1a'],
      MinSize: count,
      MaxSize: count,
      DesiredCapacity: count,
      instanceType: type,
    })),
    taskDefinitions: sizes.map(({ family, cpuUnits, memoryMiB }) => ({
      family,
      containerDefinitions: [{ name: 'job', image: 'job', cpu: cpuUnits, memory: memoryMiB }],
    })),
    services: [],
    jobs: [
      {
        name: QUEUE,
        file: jobsFile,
        align: 'time',
        ...(trace.usage === undefined ? {} : { usagePeriod: lengthOf(trace.usage.periodMs) }),
      },
    ],
  };
}

function jobsTable({ startMs, offsetsMs, definitions, families, durationsMs, usage }: JobTrace): string {
  const rows = offsetsMs.map((offsetMs, job) => [
    new Date(startMs + offsetMs).toISOString(),
    families[definitions[job] as number],
    lengthOf(durationsMs[job] as number),
    usage?.cpuUnits.slice(usage.begins[job], usage.begins[job + 1]).join(' ') ?? '',
  ]);
  return csv([JOB_COLUMNS, ...rows]);
}

function lengthOf(ms: number): string {
  return ms % SECOND === 0 ? `${ms / SECOND}s` : `${ms}ms`;
}
