/** Where AWS is silent about ECS's capacity, or promises nothing: limits, rules of counting, and how long tasks take. */

import { z } from 'zod';
import { spread } from '../../ec2/index.ts';

const range = (fromSeconds: number, toSeconds: number) =>
  z
    .strictObject({
      fromSeconds: z.number().min(0).default(fromSeconds),
      toSeconds: z.number().min(0).default(toSeconds),
    })
    .refine((given) => given.toSeconds >= given.fromSeconds, 'expected toSeconds >= fromSeconds')
    .prefault({});

export const ecsTimings = {
  eni: range(3, 8).describe("attaching a task's network interface; AWS best practices: several seconds"),
  fargateProvision: spread(18, 35).describe(
    'Fargate, from the interface to the image pull; vladionescu.me 2022, serverless-openclaw issue 3',
  ),
  containerStart: spread(1.5, 4).describe('containers, once their images are there; no source'),
  pullMiBPerSecond: z
    .number()
    .positive()
    .default(35)
    .describe('compressed, unpacking included; openclaw cold-start doc'),
  cachedPullSeconds: z.number().min(0).default(0.3).describe('an image that the instance has already; no source'),
};
const timings = z.strictObject(ecsTimings);
export type EcsTimings = z.output<typeof timings>;

export const ecsCapacityAssumptions = {
  splitRule: z
    .enum(['smallest-ratio', 'largest-remainder'])
    .default('smallest-ratio')
    .describe(
      'how a strategy rounds: the provider furthest behind its weight is next; or whole parts, then remainders',
    ),
  legacyEmptyMetric: z
    .boolean()
    .default(false)
    .describe(
      'reservation of an empty group that nobody needs: 100, which below target 100 keeps two idle instances, as in 2020; else the target',
    ),
  provisioningLimit: z
    .int()
    .min(0)
    .default(500)
    .describe('tasks of a cluster that may wait in PROVISIONING; AWS has named 100, 300 and 500'),
  provisioningTimeout: range(600, 1_800).describe('how long one waits; AWS support: 10 to 30 minutes'),
  fargateLaunchBurst: z.int().min(1).default(100).describe('tasks that start at once, on-demand and Spot each'),
  fargateLaunchPerSecond: z.number().positive().default(20).describe('tasks a second after that'),
  fargateSpotPercentPerMonth: z
    .number()
    .min(0)
    .default(5)
    .describe('share of Fargate Spot tasks interrupted in 720 h; taken from EC2 Spot, no source of its own'),
};
const assumptions = z.strictObject(ecsCapacityAssumptions);
export type EcsCapacityAssumptions = z.output<typeof assumptions>;

/** What the bill depends on and no run tells. */
export const billAssumptions = {
  requestsPerConnection: z.number().min(1).default(10).describe('HTTP keep-alive; for load balancer capacity units'),
  kibPerRequest: z.number().min(0).default(8).describe('request and response; for load balancer capacity units'),
  logBytesPerRequest: z.number().min(0).default(0).describe('what the tasks write to CloudWatch Logs'),
};
const bill = z.strictObject(billAssumptions);
export type BillAssumptions = z.output<typeof bill>;
