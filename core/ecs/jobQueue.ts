/**
 * A queue of jobs: something outside of ECS, such as AWS Batch or a program of one's own, that calls RunTask for one job after
 * the other, in the order in which they were submitted. When there is no room for the first, the others wait behind it.
 *
 * @source AWS, Batch User Guide, "Job queues": without a scheduling policy, first in first out; ECS Developer Guide,
 *   "Amazon ECS standalone tasks"
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  duration,
  event,
  json,
  MINUTE,
  number,
  optional,
  text,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { JobTrace } from '../workload/index.ts';
import { traceOf, type JobQueue, type JobTraces } from './jobs.ts';
import { providersOf, rulesOf, runTask, strategyOf } from './taskRun.ts';
import type { EcsWorld } from './world.ts';

/** A queue with the RunTask that it calls for each job. */
export const jobQueue = runTask.omit({ count: true, taskDefinition: true, group: true }).extend({
  name: z.string().min(1).describe('name of the queue'),
  file: z
    .string()
    .min(1)
    .describe('CSV with a job in each row: submitted_at, task_definition, duration and, if known, cpu_usage'),
  usagePeriod: duration.default(MINUTE).describe('what each number in cpu_usage covers'),
  align: z
    .enum(['start', 'time'])
    .default('start')
    .describe('start: the first job is submitted as the run starts; time: each keeps its own instant'),
  retryAfter: duration
    .optional()
    .describe(
      'when it calls RunTask again that has found no room; left out, as soon as a task stops or an instance joins, as EventBridge tells it',
    ),
});
export type JobQueueConfig = z.output<typeof jobQueue>;

export const jobQueueEvents = {
  JobQueueCreated: event('Jobs will be submitted to a queue, each of which a task of its own works on.', {
    queue: text('its name'),
    config: json<JobQueueConfig>('the queue, as in the scenario'),
    firstJob: number('the first job that is not submitted before the run starts: its place in the trace'),
    nextAtMs: optional(number('when it is submitted')),
  }),
  JobsSubmitted: event('Jobs were submitted to a queue.', {
    queue: text('the queue'),
    jobs: number('how many'),
    waiting: number('jobs that wait in it now'),
    nextAtMs: optional(number('when the next one is submitted')),
  }),
  JobStarted: event('RunTask was called for the job that has waited the longest.', {
    queue: text('the queue'),
    job: number('its place in the order of submission, from 0'),
    runId: text('what its task is startedBy'),
    group: text('its task group'),
    taskDefinition: text('family:revision'),
    capacityProvider: text('its provider; empty for the launch type EC2'),
    submittedAtMs: number('when it was submitted'),
    durationMs: number('how long it works once its containers have started'),
  }),
} as const;
export type JobQueueEvent = EventsOf<typeof jobQueueEvents>;

export type JobQueueCommand =
  | { readonly type: 'CreateJobQueue'; readonly config: JobQueueConfig }
  | { readonly type: 'SubmitJobs'; readonly queue: string }
  /** Starts the job that is next, unless none waits or one is being started. */
  | { readonly type: 'StartJob'; readonly queue: string };

/** @param traces  recorded jobs by the name of their file */
export function decideJobQueue(traces: JobTraces): Decide<EcsWorld, JobQueueCommand, JobQueueEvent> {
  return {
    CreateJobQueue({ config }, { world: { workload } }) {
      const trace = traceOf(traces, config);
      const firstJob = submittedBy(trace, config, workload.startMs, workload.startMs - 1, 0);
      const next = nextSubmission(trace, config, workload.startMs, firstJob);
      return [{ type: 'JobQueueCreated', queue: config.name, config, firstJob, ...next }];
    },

    SubmitJobs({ queue: name }, { world: { ecs, workload }, nowMs }) {
      const queue = ecs.jobQueues.get(name) as Immutable<JobQueue>;
      const { config, nextToSubmit, nextToStart } = queue;
      const trace = traceOf(traces, config);
      const upTo = submittedBy(trace, config, workload.startMs, nowMs, nextToSubmit);
      const next = nextSubmission(trace, config, workload.startMs, upTo);
      const jobs = upTo - nextToSubmit;
      return [{ type: 'JobsSubmitted', queue: name, jobs, waiting: upTo - nextToStart, ...next }];
    },

    StartJob({ queue: name }, { world: { ecs, workload } }) {
      const queue = ecs.jobQueues.get(name) as Immutable<JobQueue>;
      const { config, nextToStart: job } = queue;
      if (queue.isStarting || job === queue.nextToSubmit) return [];
      const trace = traceOf(traces, config);
      const family = trace.families[trace.definitions[job] as number] as string;
      return [
        {
          type: 'JobStarted',
          queue: name,
          job,
          runId: `run-${ecs.nextRun}`,
          group: `family:${family}`,
          taskDefinition: ecs.latestRevisions.get(family) as string,
          capacityProvider: providersOf(ecs, 1, strategyOf(ecs, config))[0] as string,
          submittedAtMs: submissionMs(trace, config, workload.startMs, job),
          durationMs: trace.durationsMs[job] as number,
        },
      ];
    },
  };
}

function submissionMs(trace: JobTrace, { align }: Immutable<JobQueueConfig>, startMs: Millis, job: number): Millis {
  return (align === 'start' ? startMs : trace.startMs) + (trace.offsetsMs[job] as number);
}

/** The first job, from `job` on, that is submitted after an instant. */
function submittedBy(
  trace: JobTrace,
  config: Immutable<JobQueueConfig>,
  startMs: Millis,
  atMs: Millis,
  job: number,
): number {
  let next = job;
  while (next < trace.offsetsMs.length && submissionMs(trace, config, startMs, next) <= atMs) next++;
  return next;
}

function nextSubmission(trace: JobTrace, config: Immutable<JobQueueConfig>, startMs: Millis, job: number) {
  return job === trace.offsetsMs.length ? {} : { nextAtMs: submissionMs(trace, config, startMs, job) };
}

export const evolveJobQueue: Evolve<EcsWorld, JobQueueEvent> = {
  JobQueueCreated({ ecs }, { queue, config, firstJob }) {
    ecs.jobQueues.set(queue, {
      config: { ...config, ...rulesOf(config) },
      nextToSubmit: firstJob,
      nextToStart: firstJob,
      isStarting: false,
      refusedRunId: undefined,
      working: new Map(),
    });
  },
  JobsSubmitted({ ecs }, { queue, jobs }) {
    (ecs.jobQueues.get(queue) as JobQueue).nextToSubmit += jobs;
  },
  JobStarted({ ecs }, { queue: name, job, runId, group, taskDefinition, durationMs }) {
    const queue = ecs.jobQueues.get(name) as JobQueue;
    queue.nextToStart++;
    queue.isStarting = true;
    queue.refusedRunId = undefined;
    ecs.nextRun++;
    ecs.runs.set(runId, {
      group,
      config: queue.config,
      taskDefinition,
      zoneCounts: new Map(),
      starting: 1,
      tasks: 0,
      runningCount: 0,
      runningOnInstances: 0,
      job: { queue: name, job, durationMs },
    });
  },
};
