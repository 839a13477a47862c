/** Jobs that tasks of their own work on: where each queue stands, and what each job uses. */

import type { Immutable } from 'immer';
import { METRIC_PERIOD_MS } from '../cloudwatch/index.ts';
import {
  BrokenInvariantError,
  event,
  numbers,
  text,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { cpuUnitMs, type JobTrace } from '../workload/index.ts';
import type { JobQueueConfig } from './jobQueue.ts';
import type { Task } from './task.ts';
import type { TaskRun } from './taskRun.ts';
import type { EcsWorld } from './world.ts';

/** Recorded jobs by the name of their file. */
export type JobTraces = ReadonlyMap<string, JobTrace>;

/** First come, first started: jobs are places in the queue's trace, in the order in which they were submitted. */
export interface JobQueue {
  readonly config: JobQueueConfig;
  /** The next job to be submitted. */
  nextToSubmit: number;
  /** The next job to be started; from here up to `nextToSubmit` jobs wait. */
  nextToStart: number;
  /** RunTask was called for a job and its task is not created yet. */
  isStarting: boolean;
  /** The run of the next job, when RunTask has found no room for it. */
  refusedRunId: string | undefined;
  /** Jobs whose containers have started and whose CPU is not measured to the end, in the order of their start. */
  readonly working: Map<number, WorkingJob>;
}

export interface WorkingJob {
  readonly startedMs: Millis;
  /** Absent on Fargate. */
  readonly ec2InstanceId: string | undefined;
  /** CPU units of its task. */
  readonly cpuUnits: number;
  endedMs: Millis | undefined;
  /** CPU units in the mean over the last metric period. */
  usedCpuUnits: number;
}

/** The job that a run of a queue's task is for. */
export interface JobOfRun {
  readonly queue: string;
  readonly job: number;
  readonly durationMs: Millis;
}

export const jobEvents = {
  JobsMeasured: event('What the jobs of a queue used in a metric period, a row per job.', {
    queue: text('the queue'),
    jobs: numbers('place of each in the order of submission, from 0'),
    cpuUnits: numbers('CPU units it used, in the mean over the period, whole'),
  }),
} as const;
export type JobEvent = EventsOf<typeof jobEvents>;

/** @throws BrokenInvariantError when the file was not loaded */
export function traceOf(traces: JobTraces, { file }: Immutable<JobQueueConfig>): JobTrace {
  const trace = traces.get(file);
  if (trace === undefined) throw new BrokenInvariantError(`jobs '${file}' were not loaded`);
  return trace;
}

/** What the jobs of every queue have used in the metric period that ends now. */
export function measuredJobs({ ecs }: Immutable<EcsWorld>, traces: JobTraces, toMs: Millis): readonly JobEvent[] {
  const measured: JobEvent[] = [];
  for (const [queue, { config, working }] of ecs.jobQueues) {
    if (working.size === 0) continue;
    const { usage } = traceOf(traces, config);
    const jobs: number[] = [];
    const cpuUnits: number[] = [];
    for (const [job, { startedMs, endedMs, cpuUnits: own }] of working) {
      if (hasEnded(endedMs, toMs)) continue;
      const beginMs = Math.max(0, toMs - METRIC_PERIOD_MS - startedMs);
      const endMs = (endedMs ?? toMs) - startedMs;
      // Choice: a task gets its CPU units at most, and a job takes as long as was recorded all the same.
      const used = usage === undefined ? own * (endMs - beginMs) : cpuUnitMs(usage, job, beginMs, endMs);
      jobs.push(job);
      cpuUnits.push(Math.round(Math.min(own, used / METRIC_PERIOD_MS)));
    }
    measured.push({ type: 'JobsMeasured', queue, jobs, cpuUnits });
  }
  return measured;
}

/** Whether a job has ended before the metric period that ends now. */
function hasEnded(endedMs: Millis | undefined, periodEndMs: Millis): boolean {
  return endedMs !== undefined && endedMs <= periodEndMs - METRIC_PERIOD_MS;
}

export const evolveJobs: Evolve<EcsWorld, JobEvent> = {
  JobsMeasured({ ecs }, { queue, jobs, cpuUnits }, atMs) {
    const { working } = ecs.jobQueues.get(queue) as JobQueue;
    for (const [job, { endedMs }] of working) if (hasEnded(endedMs, atMs)) working.delete(job);
    for (let row = 0; row < jobs.length; row++)
      (working.get(jobs[row] as number) as WorkingJob).usedCpuUnits = cpuUnits[row] as number;
  },
};

/** The queue that a run of tasks belongs to; undefined for one that a person has asked for. */
function jobQueueOf(ecs: EcsWorld['ecs'], run: TaskRun): JobQueue | undefined {
  return run.job === undefined ? undefined : ecs.jobQueues.get(run.job.queue);
}

/** RunTask has answered: with a task, or with a failure, after which the job is the next one still. */
export function noteAnswer(ecs: EcsWorld['ecs'], run: TaskRun, refusedRunId: string | undefined): void {
  const queue = jobQueueOf(ecs, run);
  if (queue === undefined) return;
  queue.isStarting = false;
  queue.refusedRunId = refusedRunId;
  if (refusedRunId !== undefined) queue.nextToStart--;
}

export function noteJobStart(ecs: EcsWorld['ecs'], run: TaskRun, task: Task, cpuUnits: number, atMs: Millis): void {
  const { ec2InstanceId } = task;
  jobQueueOf(ecs, run)?.working.set((run.job as JobOfRun).job, {
    startedMs: atMs,
    ec2InstanceId,
    cpuUnits,
    endedMs: undefined,
    usedCpuUnits: 0,
  });
}

/** The containers have ended, or get their SIGTERM. Once: what follows changes nothing. */
export function noteJobEnd(ecs: EcsWorld['ecs'], run: TaskRun, atMs: Millis): void {
  const job = jobQueueOf(ecs, run)?.working.get((run.job as JobOfRun).job);
  if (job !== undefined) job.endedMs ??= atMs;
}

/** Mean CPU units that jobs used in the last metric period on each container instance that had any. */
export function jobCpuUnits({ ecs }: Immutable<EcsWorld>): ReadonlyMap<string, number> {
  const units = new Map<string, number>();
  for (const { working } of ecs.jobQueues.values())
    for (const { ec2InstanceId, usedCpuUnits } of working.values())
      if (ec2InstanceId !== undefined) units.set(ec2InstanceId, (units.get(ec2InstanceId) ?? 0) + usedCpuUnits);
  return units;
}
