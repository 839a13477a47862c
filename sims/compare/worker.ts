/** A worker of the pool: does one job after another, with what it was given at its start. */

import { workerData } from 'piscina';
import { config } from 'rxjs';
import type { Job, JobResult, WorkerData } from './jobs.ts';
import { runJob } from './runJob.ts';

// An observer's fault ends the worker, and with it the comparison: rxjs itself would only tell a timer of it.
config.onUnhandledError = (error) => {
  throw error;
};

/** What the pool calls, by this name. */
export function work(job: Job): Promise<JobResult> {
  return runJob(job, workerData as WorkerData);
}
