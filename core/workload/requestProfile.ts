/** What one request of a service costs, and how much of the waiting it and its task put up with. */

import { z } from 'zod';

export const requestProfile = z.strictObject({
  cpuMs: z.number().min(0.01).max(600_000).describe('mean work of a request: milliseconds of one vCPU at full speed'),
  cpuVariation: z
    .number()
    .min(0)
    .max(10)
    .default(1)
    .describe('coefficient of variation of that work: 0 is fixed, 1 exponential, anything else log-normal'),
  otherMs: z
    .number()
    .min(0)
    .max(600_000)
    .default(0)
    .describe('milliseconds a request waits for others after its work (databases, other services), without CPU'),
  timeoutMs: z
    .number()
    .int()
    .min(1)
    .max(3_600_000)
    .default(10_000)
    .describe('milliseconds after its arrival at which the client gives a request up'),
  perTaskConcurrency: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(64)
    .describe('requests that share the CPU of a task at once (threads, workers, connections)'),
  maxQueuedPerTask: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .default(200)
    .describe('requests that wait at a task for a place, first come first served; the next one is rejected'),
});
export type RequestProfile = z.output<typeof requestProfile>;
