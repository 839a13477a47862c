/** What AWS does not say, or does not promise, of the service scheduler and of tasks: named choices with their defaults. */

import { z } from 'zod';
import { duration } from '../kernel/index.ts';

/** @source spec/placement.md 8.1 to 8.3 */
export const serviceAssumptions = z.strictObject({
  placementRetry: z
    .strictObject({
      first: duration.prefault('30s'),
      factor: z.number().min(1).max(10).default(2),
      most: duration.prefault('5m'),
    })
    .prefault({})
    .describe(
      'how long a service waits after a task found no place, unless room appears; AWS documents a back-off only',
    ),
  throttle: z
    .strictObject({
      trigger: z.int().min(1).default(3).describe('failures to start in a row that begin it'),
      first: duration.prefault('60s'),
      factor: z.number().min(1).max(10).default(2),
      most: duration.prefault('27m').describe('AWS: 27 minutes, 15 until 2023'),
    })
    .prefault({})
    .describe(
      'delay between attempts of a service whose tasks repeatedly fail to start; AWS documents its maximum only',
    ),
  circuitBreakerMinimum: z
    .int()
    .min(1)
    .max(200)
    .default(3)
    .describe('least threshold of the deployment circuit breaker; AWS: 3, and 10 until 2023'),
  healthyAfterRunning: duration
    .prefault('40s')
    .describe(
      'a running task without any health check counts towards minimumHealthyPercent after this (AWS: 40 seconds)',
    ),
  stoppingCountsInMaximum: z
    .boolean()
    .default(true)
    .describe(
      'whether tasks on their way out count against maximumPercent; the guide says so, the API reference does not',
    ),
  replaceUnhealthy: z
    .enum(['startFirst', 'stopFirst'])
    .default('startFirst')
    .describe(
      'startFirst: a replacement before the unhealthy task stops, where maximumPercent allows; stopFirst: until 2023',
    ),
  launchesPerMinute: z
    .strictObject({
      ec2: z.int().min(1).default(500).describe('AWS quota: 500, 250 in 2022'),
      fargate: z.int().min(1).default(500).describe('AWS quota: 500, 125 in some regions'),
    })
    .prefault({})
    .describe('tasks that the scheduler starts for one service in a minute; a sixth of it in each cycle'),
  rebalancingDelay: duration
    .prefault('60s')
    .describe('from a steady state, or a new instance, to the look at the balance of zones; AWS documents no interval'),
});
export type ServiceAssumptions = z.output<typeof serviceAssumptions>;

export const taskAssumptions = z.strictObject({
  idleCpu: z
    .enum(['reserved', 'shared'])
    .default('reserved')
    .describe(
      'what tasks without a size of their own may use on an instance: their CPU units, or also what is idle there, which is what AWS documents for Linux. reserved: CPUUtilization ends at 100 %, and says how full the tasks are',
    ),
  agentDisconnectDelay: duration
    .prefault('120s')
    .describe('from the loss of an agent until agentConnected is false; AWS: "within a few minutes"'),
  interfaceDetach: z
    .strictObject({ from: duration.prefault('3s'), to: duration.prefault('8s') })
    .prefault({})
    .describe('DEPROVISIONING: how long it takes to detach a network interface; AWS: "several seconds"'),
});
export type TaskAssumptions = z.output<typeof taskAssumptions>;
