/** What became of the jobs of each queue: how many, how long they waited, how many waited at once, and the CPU they used. */

import { HOUR, MINUTE, type Millis } from '../kernel/index.ts';
import type { Event } from '../world.ts';
import { endsWell } from './failures.ts';
import { LatencyHistogram } from './latency.ts';
import type { Projection } from './projection.ts';

export interface JobQueueReport {
  readonly queue: string;
  readonly submitted: number;
  /** Their containers have started. */
  readonly started: number;
  /** Ended by themselves, all containers with code 0. */
  readonly succeeded: number;
  /** Ended otherwise: stopped, lost with their instance, with another code, or never able to start. */
  readonly failed: number;
  /** At the end: in the queue, and on the way or at work. */
  readonly waiting: number;
  readonly underWay: number;
  /** The most that waited in the queue at once, for want of room, and since when. */
  readonly mostWaiting: number;
  readonly mostWaitingAtMs?: Millis;
  /** From the submission of a job until its containers have started: within 1 %, and in the mean and at the most exact. */
  readonly waitMeanMs: Millis;
  readonly waitP50Ms: Millis;
  readonly waitP95Ms: Millis;
  readonly waitMostMs: Millis;
  /** How often RunTask found no room. */
  readonly refusals: number;
  /** CPU that was used, as far as it was measured: to the last full minute. */
  readonly usedVcpuHours: number;
}

/** A job that is not over. */
interface Job {
  readonly queue: Tally;
  readonly submittedAtMs: Millis;
  isOver: boolean;
}

class Tally {
  submitted = 0;
  started = 0;
  succeeded = 0;
  failed = 0;
  waiting = 0;
  mostWaiting = 0;
  mostWaitingAtMs: Millis | undefined;
  refusals = 0;
  waitMs = 0;
  waitMostMs = 0;
  unitMinutes = 0;
  /** RunTask had no room when it was last called: what is in the queue has to wait. */
  isRefused = false;
  readonly waits = new LatencyHistogram();

  noteWaiting(atMs: Millis): void {
    if (this.waiting <= this.mostWaiting) return;
    this.mostWaiting = this.waiting;
    this.mostWaitingAtMs = atMs;
  }

  report(queue: string): JobQueueReport {
    const { submitted, started, succeeded, failed, waiting, mostWaiting, mostWaitingAtMs, refusals, waits } = this;
    return {
      queue,
      submitted,
      started,
      succeeded,
      failed,
      waiting,
      underWay: submitted - waiting - succeeded - failed,
      mostWaiting,
      ...(mostWaitingAtMs === undefined ? {} : { mostWaitingAtMs }),
      waitMeanMs: started === 0 ? 0 : Math.round(this.waitMs / started),
      waitP50Ms: Math.min(this.waitMostMs, Math.round(waits.quantileMs(0.5))),
      waitP95Ms: Math.min(this.waitMostMs, Math.round(waits.quantileMs(0.95))),
      waitMostMs: this.waitMostMs,
      refusals,
      usedVcpuHours: (this.unitMinutes / 1024) * (MINUTE / HOUR),
    };
  }
}

export function jobsProjection(): Projection<readonly JobQueueReport[]> {
  const queues = new Map<string, Tally>();
  const runs = new Map<string, Job>();
  const tasks = new Map<string, Job>();
  const on = (event: Event, atMs: Millis): void => {
    switch (event.type) {
      case 'JobQueueCreated':
        queues.set(event.queue, new Tally());
        return;
      case 'JobsSubmitted': {
        const queue = queues.get(event.queue) as Tally;
        queue.submitted += event.jobs;
        queue.waiting = event.waiting;
        if (queue.isRefused) queue.noteWaiting(atMs);
        return;
      }
      case 'JobStarted': {
        const queue = queues.get(event.queue) as Tally;
        queue.waiting--;
        runs.set(event.runId, { queue, submittedAtMs: event.submittedAtMs, isOver: false });
        return;
      }
      case 'TaskRunFailed': {
        const queue = runs.get(event.runId)?.queue;
        if (queue === undefined) return;
        runs.delete(event.runId);
        queue.refusals++;
        queue.waiting++;
        queue.isRefused = true;
        queue.noteWaiting(atMs);
        return;
      }
      case 'TaskCreated': {
        const job = runs.get(event.startedBy);
        if (job === undefined) return;
        job.queue.isRefused = false;
        runs.delete(event.startedBy);
        tasks.set(event.taskId, job);
        return;
      }
      case 'TaskRunning': {
        const job = tasks.get(event.taskId);
        if (job === undefined) return;
        const { queue, submittedAtMs } = job;
        const waitMs = atMs - submittedAtMs;
        queue.started++;
        queue.waitMs += waitMs;
        queue.waitMostMs = Math.max(queue.waitMostMs, waitMs);
        queue.waits.addOne(waitMs);
        return;
      }
      case 'TaskStopping':
      case 'TaskStopped': {
        const job = tasks.get(event.taskId);
        if (job === undefined) return;
        if (event.type === 'TaskStopped') tasks.delete(event.taskId);
        if (job.isOver) return;
        job.isOver = true;
        const succeeded = event.type === 'TaskStopping' && endsWell(event);
        job.queue[succeeded ? 'succeeded' : 'failed']++;
        return;
      }
      case 'JobsMeasured': {
        const queue = queues.get(event.queue) as Tally;
        for (const units of event.cpuUnits) queue.unitMinutes += units;
        return;
      }
      default:
    }
  };
  return {
    types: [
      'JobQueueCreated',
      'JobsSubmitted',
      'JobStarted',
      'TaskRunFailed',
      'TaskCreated',
      'TaskRunning',
      'TaskStopping',
      'TaskStopped',
      'JobsMeasured',
    ],
    on: ({ atMs, event }) => on(event, atMs),
    report: () => Array.from(queues, ([name, queue]) => queue.report(name)),
  };
}
