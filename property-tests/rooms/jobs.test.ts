import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createInvariants } from '../../core/invariants.ts';
import { MINUTE, replay, SECOND, thaw } from '../../core/kernel/index.ts';
import { jobsProjection, project } from '../../core/projections/index.ts';
import { scenarioProblems, scenarioSchema, type Scenario, type ScenarioInput } from '../../core/scenario.ts';
import { restore, simulate, startOf, type EcsSimulation } from '../../core/simulate.ts';
import { cpuUnitMs, type JobTrace, type JobUsage } from '../../core/workload/index.ts';
import { createModel, type World } from '../../core/world.ts';
import { drawnScenario, endOf, quietScenario } from '../arbitraries.ts';
import { at, heard, instances, onFargate, onInstances } from '../schedulerRoom.ts';

const START_MS = Date.UTC(2030, 0, 7);
const FILE = 'jobs.csv';
/** A name that no drawn scenario has. */
const FAMILY = 'batch';
type QueueInput = NonNullable<ScenarioInput['jobs']>[number];

/** Two jobs at a time fit on an instance. */
function scenarioOf(count: number, queue: Partial<QueueInput> = {}, changes: Partial<ScenarioInput> = {}): Scenario {
  return scenarioSchema.parse(
    quietScenario({
      ...instances(count),
      taskDefinitions: [onInstances()],
      services: [],
      jobs: [{ name: 'night', file: FILE, launchType: 'EC2', usagePeriod: '30s', ...queue }],
      duration: '2h',
      ...changes,
    }),
  );
}

function traceOf(jobs: readonly { atS: number; forS: number; cpuUnits?: readonly number[] }[]): JobTrace {
  const begins = [0];
  const cpuUnits: number[] = [];
  for (const { cpuUnits: used = [] } of jobs) begins.push(cpuUnits.push(...used));
  return {
    startMs: START_MS + (jobs[0]?.atS ?? 0) * SECOND,
    offsetsMs: jobs.map(({ atS }) => (atS - (jobs[0]?.atS ?? 0)) * SECOND),
    definitions: jobs.map(() => 0),
    families: ['web'],
    durationsMs: jobs.map(({ forS }) => forS * SECOND),
    ...(cpuUnits.length === 0 ? {} : { usage: { periodMs: 30 * SECOND, begins, cpuUnits } }),
  };
}

const given = (trace: JobTrace) => ({ jobs: new Map([[FILE, trace]]) });

function sail(scenario: Scenario, trace: JobTrace): EcsSimulation {
  const simulation = simulate(scenario, { ...given(trace), check: createInvariants() });
  simulation.runUntil(endOf(scenario));
  return simulation;
}

function reportOf(simulation: EcsSimulation) {
  const jobs = jobsProjection();
  project(simulation.log, [jobs]);
  const [report] = jobs.report(simulation.nowMs);
  assert.ok(report !== undefined);
  return report;
}

/** Up to twenty jobs of up to ten minutes within half an hour. */
const traces = fc
  .array(
    fc.record({
      atS: fc.integer({ min: 0, max: 1_800 }),
      forS: fc.integer({ min: 1, max: 600 }),
      cpuUnits: fc.array(fc.integer({ min: 0, max: 1_500 }), { maxLength: 12 }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((jobs) => traceOf(jobs.toSorted((a, b) => a.atS - b.atS)));

describe('a queue of jobs', () => {
  test('starts them in the order of submission, never before it, each once, and loses none', () =>
    fc.assert(
      fc.property(traces, fc.integer({ min: 0, max: 3 }), (trace, count) => {
        const simulation = sail(scenarioOf(count), trace);
        const refused = new Set(heard(simulation, 'TaskRunFailed').map(({ event }) => event.runId));
        const started = heard(simulation, 'JobStarted').filter(({ event }) => !refused.has(event.runId));
        assert.deepEqual(
          started.map(({ event }) => event.job),
          started.map((_, index) => index),
        );
        for (const { atMs, event } of started) {
          assert.equal(event.submittedAtMs, START_MS + trace.offsetsMs[event.job]!);
          assert.ok(atMs >= event.submittedAtMs);
        }
        const { submitted, succeeded, failed, waiting, underWay } = reportOf(simulation);
        assert.equal(submitted, trace.offsetsMs.length);
        assert.equal(succeeded + failed + waiting + underWay, submitted);
        if (count > 0) assert.equal(succeeded, submitted, 'two hours are enough for all');
        else assert.equal(waiting, submitted, 'there is no instance');
      }),
      { numRuns: 40 },
    ));

  test('replay == live, resume == uninterrupted', () =>
    fc.assert(
      fc.property(traces, fc.double({ min: 0, max: 1, noNaN: true }), (trace, share) => {
        const scenario = scenarioOf(1);
        const whole = simulate(scenario, given(trace));
        whole.runUntil(scenario.start + Math.round(share * 40) * MINUTE);
        const checkpoint = whole.checkpoint();
        whole.runUntil(endOf(scenario));
        const replayed = thaw(startOf(scenario).world) as World;
        replay(replayed, createModel().evolve, whole.log, 0, whole.log.length);
        assert.deepEqual(replayed, whole.world);
        const resumed = restore(scenario, checkpoint, given(trace));
        resumed.runUntil(endOf(scenario));
        assert.equal(resumed.log.digest(), whole.log.digest());
        assert.deepEqual(resumed.world, whole.world);
      }),
      { numRuns: 15 },
    ));

  test('beside everything else that a cluster has and that goes wrong in it, the same', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), traces, fc.boolean(), (seed, trace, polls) => {
        const drawn = drawnScenario(seed);
        fc.pre(drawn.autoScalingGroups.length > 0);
        const { taskDefinitions, jobs } = scenarioOf(0, polls ? { retryAfter: '90s' } : {});
        const scenario = { ...drawn, taskDefinitions: [...drawn.taskDefinitions, ...inFamily(taskDefinitions)], jobs };
        const recorded = given({ ...trace, families: [FAMILY] });
        assert.deepEqual(scenarioProblems(scenario), []);
        const whole = simulate(scenario, { ...recorded, check: createInvariants() });
        whole.runUntil(scenario.start + Math.round(0.6 * scenario.duration));
        const checkpoint = whole.checkpoint();
        whole.runUntil(endOf(scenario));
        const { submitted, succeeded, failed, waiting, underWay } = reportOf(whole);
        assert.equal(succeeded + failed + waiting + underWay, submitted);
        const resumed = restore(scenario, checkpoint, recorded);
        resumed.runUntil(endOf(scenario));
        assert.equal(resumed.log.digest(), whole.log.digest());
      }),
      { numRuns: 12 },
    ));

  test('what its jobs use is measured whole: no period is lost, none counted twice', () =>
    fc.assert(
      fc.property(traces, (trace) => {
        const { usage } = trace;
        const simulation = sail(scenarioOf(2), trace);
        const measured = new Map<number, number>();
        for (const { event } of heard(simulation, 'JobsMeasured'))
          for (const [row, job] of event.jobs.entries())
            measured.set(job, (measured.get(job) ?? 0) + event.cpuUnits[row]! * MINUTE);
        for (const [job, durationMs] of trace.durationsMs.entries()) {
          const minutes = Math.ceil(durationMs / MINUTE) + 1;
          const found = measured.get(job) ?? 0;
          // No more than the task's CPU at once: here a minute may be cut to it.
          const most = usage === undefined ? 1024 * durationMs : cpuUnitMs(usage, job, 0, durationMs);
          const uncut = usage === undefined || mostUsed(usage, job) <= 1024;
          assert.ok(found <= most + (minutes / 2) * MINUTE, `job ${job}: ${found} of ${most}`);
          if (uncut) assert.ok(found >= most - (minutes / 2) * MINUTE, `job ${job}: ${found} of ${most}`);
        }
      }),
      { numRuns: 40 },
    ));

  test('RunTask that finds no room is called again when there may be some, or when retryAfter has passed', () => {
    const trace = traceOf([
      { atS: 0, forS: 600 },
      { atS: 0, forS: 600 },
      { atS: 60, forS: 60 },
      { atS: 90, forS: 60 },
    ]);
    const told = sail(scenarioOf(1), trace);
    assert.equal(heard(told, 'TaskRunFailed').length, 1);
    const { mostWaiting, refusals, waitMostMs } = reportOf(told);
    assert.deepEqual([mostWaiting, refusals], [2, 1]);
    assert.ok(waitMostMs >= 539 * SECOND && waitMostMs < 560 * SECOND, `${waitMostMs}`);

    const polling = sail(scenarioOf(1, { retryAfter: '4m' }), trace);
    assert.deepEqual(
      heard(polling, 'TaskRunFailed').map(({ atMs }) => (atMs - START_MS) / MINUTE),
      [1, 5, 9],
    );
    assert.equal(reportOf(polling).succeeded, 4);
  });

  test('behind a job that does not fit the others wait, also those that would', () => {
    const trace: JobTrace = {
      ...traceOf([
        { atS: 0, forS: 300 },
        { atS: 60, forS: 60 },
        { atS: 60, forS: 60 },
      ]),
      families: ['web', 'wide'],
      definitions: [0, 1, 0],
    };
    const wide = { ...onInstances({ cpu: 2048 }), family: 'wide' };
    const simulation = sail(scenarioOf(1, {}, { taskDefinitions: [onInstances(), wide] }), trace);
    const jobs = heard(simulation, 'TaskRunning').map(({ atMs }) => Math.floor((atMs - START_MS) / MINUTE));
    assert.deepEqual(jobs, [0, 5, 6]);
  });

  test('a job whose task is stopped has failed, and nobody starts it again', () => {
    const trace = traceOf([{ atS: 60, forS: 3_000 }]);
    const simulation = sail(
      scenarioOf(1, { align: 'time' }, { changes: [{ at: at(5), StopTask: { task: 'task-1' } }] }),
      trace,
    );
    const { started, succeeded, failed } = reportOf(simulation);
    assert.deepEqual([started, succeeded, failed], [1, 0, 1]);
    assert.equal(heard(simulation, 'TaskCreated').length, 1);
  });

  test('with managed scaling a job waits in PROVISIONING, and instances come for it', () => {
    const trace = traceOf([
      { atS: 60, forS: 120 },
      { atS: 60, forS: 120 },
      { atS: 60, forS: 120 },
    ]);
    const strategy = [{ capacityProvider: 'fleet', weight: 1 }];
    const simulation = sail(
      scenarioSchema.parse(
        quietScenario({
          ...instances(0),
          cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
          capacityProviders: [{ name: 'fleet', autoScalingGroupProvider: { autoScalingGroup: 'group' } }],
          taskDefinitions: [onInstances()],
          services: [],
          jobs: [{ name: 'night', file: FILE, capacityProviderStrategy: strategy }],
          duration: '2h',
        }),
      ),
      trace,
    );
    assert.equal(heard(simulation, 'TaskWaiting').length, 3);
    const { succeeded, refusals, waitP50Ms } = reportOf(simulation);
    assert.deepEqual([succeeded, refusals], [3, 0]);
    assert.ok(waitP50Ms > MINUTE);
  });

  test('on Fargate no instance is needed', () => {
    const definition = { ...onFargate(), networkMode: 'awsvpc' as const };
    const network = { awsvpcConfiguration: { subnets: ['us-east-1a'] } };
    const scenario = scenarioSchema.parse(
      quietScenario({
        taskDefinitions: [definition],
        services: [],
        jobs: [{ name: 'night', file: FILE, launchType: 'FARGATE', networkConfiguration: network }],
        duration: '1h',
      }),
    );
    assert.equal(reportOf(sail(scenario, traceOf([{ atS: 0, forS: 60 }]))).succeeded, 1);
  });
});

test('the metrics of a cluster count tasks of their own: what they reserve, and what jobs use', () => {
  const alarms = ['CPUUtilization', 'CPUReservation'].map((MetricName) => ({
    AlarmName: MetricName,
    Namespace: 'AWS/ECS',
    MetricName,
    Dimensions: [{ Name: 'ClusterName', Value: 'demo' }],
    Statistic: 'Average' as const,
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 99,
    ComparisonOperator: 'GreaterThanThreshold' as const,
  }));
  // One vCPU of the two that the instance has, half of it used, in whole minutes.
  const trace = traceOf([{ atS: 0, forS: 600, cpuUnits: Array.from({ length: 20 }, () => 512) }]);
  const simulation = sail(scenarioOf(1, {}, { alarms, duration: '15m' }), trace);
  const values = new Map<string, number[]>();
  for (const { event } of heard(simulation, 'MetricDataPublished'))
    for (const [row, key] of event.metrics.entries()) {
      const name = key.includes('CPUReservation') ? 'reserved' : 'used';
      values.set(name, [...(values.get(name) ?? []), event.sums[row]!]);
    }
  assert.deepEqual(
    values.get('reserved')?.slice(1, 9),
    Array.from({ length: 8 }, () => 50),
  );
  assert.deepEqual(
    values.get('used')?.slice(1, 9),
    Array.from({ length: 8 }, () => 25),
  );
  assert.deepEqual([values.get('reserved')?.at(-1), values.get('used')?.at(-1)], [0, 0]);
});

test('what a job uses between two instants is the sum of what it uses up to each', () =>
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 4_096 }), { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 0, max: 9 * 1_000 }), { minLength: 3, maxLength: 3 }),
      (perJob, cuts) => {
        const begins = [0];
        for (const units of perJob) begins.push(begins.at(-1)! + units.length);
        const usage: JobUsage = { periodMs: 1_000, begins, cpuUnits: perJob.flat() };
        const [a, b, c] = cuts.toSorted((x, y) => x - y) as [number, number, number];
        for (const [job, units] of perJob.entries()) {
          assert.equal(cpuUnitMs(usage, job, a, b) + cpuUnitMs(usage, job, b, c), cpuUnitMs(usage, job, a, c));
          let each = 0;
          for (let ms = a; ms < c; ms++) each += units[Math.floor(ms / 1_000)] ?? 0;
          assert.equal(cpuUnitMs(usage, job, a, c), each);
        }
      },
    ),
  ));

test('what cannot be of a queue is told with its place', () => {
  const problems = (changes: Partial<ScenarioInput>) =>
    scenarioProblems(
      scenarioSchema.parse(
        quietScenario({ ...instances(1), taskDefinitions: [onInstances()], services: [], ...changes }),
      ),
    ).map(({ path, message }) => `${path.join('.')}: ${message}`);
  assert.deepEqual(problems({}), ['services: found no service and no jobs, expected one at least']);
  const queue = { name: 'night', file: FILE };
  assert.deepEqual(problems({ jobs: [queue, queue] }), [
    'jobs.1.name: found "night" a second time, expected a name of its own',
  ]);
  assert.deepEqual(problems({ jobs: [queue, { ...queue, name: 'day', usagePeriod: '30s' }] }), [
    'jobs.1.usagePeriod: found 30000 ms, expected 60000 ms as "night" has it for the same file',
  ]);
  const strategy = [{ capacityProvider: 'none', weight: 1 }];
  const [unknown, both] = problems({ jobs: [{ ...queue, launchType: 'EC2', capacityProviderStrategy: strategy }] });
  assert.match(unknown ?? '', /^jobs\.0\.capacityProviderStrategy\.0\.capacityProvider: found "none"/);
  assert.match(both ?? '', /^jobs\.0\.launchType: Specify either Launch Type/);
});

function inFamily(definitions: Scenario['taskDefinitions']): Scenario['taskDefinitions'] {
  return definitions.map((definition) => ({ ...definition, family: FAMILY }));
}

function mostUsed({ begins, cpuUnits }: JobUsage, job: number): number {
  return Math.max(0, ...cpuUnits.slice(begins[job], begins[job + 1]));
}
