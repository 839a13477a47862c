import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { cpuUnitMs, type JobTrace } from '../../core/workload/index.ts';
import { importOpenDc } from '../../sims/commands/import.ts';
import { InputError } from '../../sims/input/inputError.ts';
import { readJobs } from '../../sims/input/jobsFile.ts';
import { writeNewFiles } from '../../sims/input/newFile.ts';
import { instanceTypeFor, readOpenDc } from '../../sims/input/openDc.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';
import { RunDirectory, RunReader } from '../../sims/store/runDirectory.ts';
import { sail } from '../../sims/voyage.ts';

const folder = mkdtempSync(join(tmpdir(), 'seatrial-jobs-'));
after(() => rmSync(folder, { recursive: true }));

function written(name: string, content: string | ArrayBuffer): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : new Uint8Array(content));
  return file;
}

const HEADER = 'submitted_at,task_definition,duration,cpu_usage';
const read = (rows: readonly string[], header = HEADER) =>
  readJobs(written('jobs.csv', [header, ...rows, ''].join('\n')), ['job', 'wide'], 30_000);

describe('a CSV of jobs', () => {
  test('is read in the order of submission, whatever the order of its rows and columns', () => {
    const { trace } = read(['2030-01-07T02:00:00Z,wide,90s,1 2 3', '2030-01-07 01:00,job,1h,']);
    assert.deepEqual(trace, {
      startMs: Date.UTC(2030, 0, 7, 1),
      offsetsMs: [0, 3_600_000],
      definitions: [0, 1],
      families: ['job', 'wide'],
      durationsMs: [3_600_000, 90_000],
      usage: { periodMs: 30_000, begins: [0, 0, 3], cpuUnits: [1, 2, 3] },
    });
    const without = read(['90s,2030-01-07T02:00:00Z,job'], 'duration,submitted_at,task_definition');
    assert.equal(without.trace.usage, undefined);
    assert.deepEqual(without.trace.durationsMs, [90_000]);
  });

  test('what is wrong in it is told with line and column name, all of it at once', () => {
    const mistakes = (...rows: string[]) => {
      try {
        read(rows);
      } catch (error) {
        assert.ok(error instanceof InputError);
        return error.problems.map(({ line, message }) => `${line}: ${message}`);
      }
      return [];
    };
    assert.deepEqual(
      mistakes(
        'noon,job,1h,',
        '2030-01-07,none,1h,',
        '2030-01-07,job,1,',
        '2030-01-07,job,1h,1 x',
        '2030-01-07,job,1h,-1',
      ),
      [
        '2: submitted_at: found "noon", expected an instant such as 2030-01-07T08:00:00Z',
        '3: task_definition: found "none", expected a family of the scenario: job, wide',
        '4: duration: found "1", expected a length of time such as 90s, 2m, 1.5h, 3d or 2w',
        '5: cpu_usage: found "1 x", expected CPU units, 0 or more, with a space between one period and the next',
        '6: cpu_usage: found "-1", expected CPU units, 0 or more, with a space between one period and the next',
      ],
    );
    assert.throws(() => read([]), /found no rows, expected a CSV file with a job in each row/);
    assert.throws(() => read(['1h'], 'duration'), /:1: found no column submitted_at, task_definition, expected/);
  });
});

test('a scenario whose jobs fit nowhere is refused, and one that leaves some out says so', () => {
  const scenario = (cpu: number) => `
name: s
start: 2030-01-07T00:30:00Z
duration: 2h
cluster: { clusterName: c }
autoScalingGroups:
  - { AutoScalingGroupName: g, AvailabilityZones: [a], MinSize: 1, MaxSize: 1, DesiredCapacity: 1, instanceType: c5.large }
taskDefinitions: [{ family: job, containerDefinitions: [{ name: j, image: i, cpu: ${cpu}, memory: 256 }] }]
services: []
jobs: [{ name: q, file: some.csv, align: time }]
`;
  const at = (hours: readonly number[]) => hours.map((hour) => `2030-01-07T0${hour}:00:00Z,job,1m,`);
  written('some.csv', [HEADER, ...at([0, 1, 2, 3, 4]), ''].join('\n'));
  assert.throws(
    () => loadScenario(written('large.yaml', scenario(4_096))),
    /large\.yaml:\d+:\d+ jobs\[0\]: found a task of 4096 CPU units and 256 MiB, expected one that fits an instance/,
  );
  assert.deepEqual(loadScenario(written('fits.yaml', scenario(1_024))).notes, [
    'some.csv: 1 job submitted before the run starts, and left out.',
    'some.csv: 2 jobs submitted after the run ends, and left out.',
  ]);
});

const START_MS = Date.UTC(2030, 0, 7);

interface Task {
  readonly submission: number;
  readonly cpus: number;
  readonly fragments: readonly (readonly [durationMs: number, mhz: number])[];
}

/** Parquet as OpenDC writes it. */
function openDcFiles(tasks: readonly Task[]): readonly [tasks: string, fragments: string] {
  const rows = tasks.flatMap(({ fragments }, id) => fragments.map((fragment) => ({ id, fragment })));
  const lengthOf = ({ fragments }: Task) => fragments.reduce((sum, [durationMs]) => sum + durationMs, 0);
  const long = (values: readonly number[]) => values.map(BigInt);
  return [
    written(
      'tasks.parquet',
      parquetWriteBuffer({
        columnData: [
          { name: 'id', data: tasks.map((_, id) => id), type: 'INT32' },
          { name: 'submission_time', data: long(tasks.map((task) => START_MS + task.submission)), type: 'INT64' },
          { name: 'duration', data: long(tasks.map(lengthOf)), type: 'INT64' },
          { name: 'cpu_count', data: tasks.map(({ cpus }) => cpus), type: 'INT32' },
          { name: 'cpu_capacity', data: tasks.map(({ cpus }) => cpus * 2_048), type: 'DOUBLE' },
          { name: 'mem_capacity', data: long(tasks.map(() => 1_000)), type: 'INT64' },
        ],
      }),
    ),
    written(
      'fragments.parquet',
      parquetWriteBuffer({
        columnData: [
          { name: 'id', data: rows.map(({ id }) => id), type: 'INT32' },
          { name: 'duration', data: long(rows.map(({ fragment }) => fragment[0])), type: 'INT64' },
          { name: 'cpu_usage', data: rows.map(({ fragment }) => fragment[1]), type: 'DOUBLE' },
        ],
      }),
    ),
  ];
}

const workloads = fc.array(
  fc.record({
    submission: fc.integer({ min: 0, max: 3_600 }).map((s) => s * 1_000),
    cpus: fc.integer({ min: 1, max: 4 }),
    fragments: fc.array(
      fc.tuple(fc.constantFrom(30_000, 30_000, 30_000, 10_000, 45_000, 300_000), fc.integer({ min: 0, max: 2_048 })),
      { minLength: 1, maxLength: 8 },
    ),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('a workload of OpenDC', () => {
  test('keeps its tasks and all of their usage, however long its fragments', () =>
    fc.assert(
      fc.asyncProperty(workloads, async (tasks) => {
        const { trace, sizes, fragments } = await readOpenDc(...openDcFiles(tasks));
        const inOrder = tasks.toSorted((a, b) => a.submission - b.submission);
        assert.equal(fragments, tasks.flatMap((task) => task.fragments).length);
        for (const [job, task] of inOrder.entries()) {
          const size = sizes[trace.definitions[job]!]!;
          assert.deepEqual([size.cpuUnits, size.memoryMiB], [task.cpus * 1_024, 954]);
          assert.equal(trace.startMs + trace.offsetsMs[job]!, START_MS + task.submission);
          const durationMs = trace.durationsMs[job]!;
          let expected = 0;
          for (const [ms, mhz] of task.fragments) expected += (ms * mhz) / 2;
          const periods = trace.usage!.begins[job + 1]! - trace.usage!.begins[job]!;
          const found = cpuUnitMs(trace.usage!, job, 0, durationMs);
          // Each period is rounded to a whole CPU unit.
          const tolerated = (periods * trace.usage!.periodMs) / 2;
          assert.ok(Math.abs(found - expected) <= tolerated, `${found} instead of ${expected}`);
        }
      }),
      { numRuns: 30 },
    ));

  test('is written as a scenario and a CSV that lead to the same jobs, and sails from its directory again', async () => {
    const tasks: Task[] = [
      { submission: 90_000, cpus: 2, fragments: [[30_000, 1_000], [30_000, 2_000], [10_000, 0]] }, // prettier-ignore
      { submission: 30_000, cpus: 1, fragments: [[30_000, 100]] },
    ];
    const [tasksFile, fragmentsFile] = openDcFiles(tasks);
    const topology = written(
      'topology.json',
      '{"clusters":[{"name":"C","hosts":[{"name":"H","count":2,"cpu":{"coreCount":4,"coreSpeed":2048},"memory":{"memorySize":8000}}]}]}',
    );
    const file = join(folder, 'week.yaml');
    assert.equal(await importOpenDc(folder, file, { topology }), 0);
    const { trace } = await readOpenDc(tasksFile, fragmentsFile);
    const loaded = loadScenario(file);
    assert.deepEqual(loaded.jobs.get('week.jobs.csv'), trace);
    assert.equal(
      loaded.scenario.autoScalingGroups[0]?.instanceType,
      instanceTypeFor({ name: 'H', count: 2, coreCount: 4, memoryMiB: 7_629 })?.type,
    );
    const { summary } = await sail(loaded, { engineVersion: '0.0.0' });
    assert.deepEqual(
      summary.jobs.map(({ submitted, succeeded }) => [submitted, succeeded]),
      [[2, 2]],
    );
    assert.deepEqual(summary.failures, []);

    const path = join(folder, 'run');
    const directory = RunDirectory.create(path, loaded, '0.0.0');
    directory.finish(summary, []);
    const again: ReadonlyMap<string, JobTrace> = new RunReader(path).loaded().jobs;
    assert.deepEqual(again, loaded.jobs);
    await assert.rejects(importOpenDc(folder, file, { topology }), /week\.yaml: found a file of this name/);
  });

  test('of files that are written together none is left when one cannot be', () => {
    const [one, other] = [join(folder, 'one.csv'), written('other.yaml.taken', 'kept')];
    assert.throws(() => writeNewFiles({ [one]: 'a', [other]: 'b' }), /other\.yaml\.taken: found a file of this name/);
    assert.equal(existsSync(one), false);
    assert.equal(readFileSync(other, 'utf8'), 'kept');
  });

  test('what cannot be read is told with its file, and nothing is written', async () => {
    const [tasksFile, fragmentsFile] = openDcFiles([{ submission: 0, cpus: 1, fragments: [[30_000, 100]] }]);
    const text = written('text.parquet', 'submitted_at\n');
    await assert.rejects(
      readOpenDc(text, fragmentsFile),
      /text\.parquet: found what cannot be read \(.+\), expected Parquet/,
    );
    await assert.rejects(readOpenDc(fragmentsFile, fragmentsFile), /there is no column submission_time, cpu_count/);
    await assert.rejects(readOpenDc(tasksFile, join(folder, 'none')), /none: found no file of this name, expected/);
    const small = written(
      'small.json',
      '{"clusters":[{"hosts":[{"cpu":{"coreCount":"two"},"memory":{"memorySize":1}}]}]}',
    );
    const file = join(folder, 'other.yaml');
    await assert.rejects(
      importOpenDc(folder, file, { topology: small }),
      /clusters\[0\]\.hosts\[0\]\.cpu\.coreCount: found "two"/,
    );
    const huge = written(
      'huge.json',
      '{"clusters":[{"hosts":[{"cpu":{"coreCount":2000},"memory":{"memorySize":1}}]}]}',
    );
    await assert.rejects(importOpenDc(folder, file, { topology: huge }), /found hosts of 2000 cores/);
    assert.throws(() => readFileSync(file));
  });
});
