/** Where AWS is silent about EC2, or promises nothing: how long things take, what Spot does, how often a group tries again. */

import { z } from 'zod';
import { duration, instant } from '../kernel/index.ts';

/** A log-normal length of time; with both numbers the same it always is that long. */
export const spread = (medianSeconds: number, p95Seconds: number) =>
  z
    .strictObject({
      medianSeconds: z.number().positive().default(medianSeconds),
      p95Seconds: z.number().positive().default(p95Seconds).describe('95th percentile'),
    })
    .refine(({ medianSeconds: median, p95Seconds: p95 }) => p95 >= median, 'expected p95Seconds >= medianSeconds')
    .prefault({});
export type Spread = z.output<ReturnType<typeof spread>>;

export const ec2Timings = {
  launch: spread(12, 25).describe('RunInstances until running; daemonology.net 2021, brevdev/ec2-coldboot-research'),
  boot: spread(50, 110).describe(
    'RunInstances until the container agent is ACTIVE; no direct source, from node start-ups on EKS (kube.fm 2026)',
  ),
  warmStart: spread(25, 50).describe(
    'StartInstances on a Stopped or Hibernated instance of a warm pool until the agent is ACTIVE; no source',
  ),
  warmAttach: spread(5, 10).describe('the same for an instance that the warm pool kept Running; no source'),
};
const timings = z.strictObject(ec2Timings);
export type Ec2Timings = z.output<typeof timings>;

const interruption = z.discriminatedUnion('model', [
  z
    .strictObject({
      model: z.literal('hazard'),
      percentPerMonth: z
        .number()
        .min(0)
        .default(5)
        .describe('share of Spot capacity interrupted in 720 h, at a constant hazard; nops.io/blog/aws-spot-facts'),
    })
    .describe('each instance has its own chance'),
  z
    .strictObject({
      model: z.literal('instants'),
      pools: z.array(
        z.strictObject({ instanceType: z.string().min(1), availabilityZone: z.string().min(1), at: z.array(instant) }),
      ),
    })
    .describe('all instances of a pool, at each of its instants'),
]);

const retry = z.strictObject({
  first: duration.prefault('30s'),
  most: duration.prefault('10m').describe('each wait is twice the one before, up to this'),
});

export const ec2Assumptions = {
  launchRetry: retry
    .prefault({})
    .describe('how long a group waits after a failed launch; AWS says that it grows, not how'),
  statusCheckDetection: duration
    .prefault('3m')
    .describe('an impaired instance until the group calls it unhealthy; AWS: a few minutes'),
  spotPricePercent: z
    .number()
    .positive()
    .max(100)
    .default(35)
    .describe('Spot price, percent of on-demand, in the long run; Spot prices are in no data set of ours'),
  spotPriceSpreadPercent: z
    .number()
    .min(0)
    .max(100)
    .default(20)
    .describe('how far the price of a pool strays from that, percent of it'),
  spotInterruption: interruption
    .prefault({ model: 'hazard' })
    .describe(
      'how Spot takes instances back: hazard, each by its own chance, the percentage in 720 h; instants, all of a pool at once',
    ),
  spotRebalanceLead: duration
    .prefault('0s')
    .describe('rebalance recommendation until the two-minute notice; AWS: earlier or together'),
  groupScaleInData: z
    .enum(['sinceLastScaleIn', 'wholeAlarm'])
    .default('sinceLastScaleIn')
    .describe(
      "the datapoints by which a group's target tracking and step policies scale in: those since the group last became smaller, or all of the alarm's, which count what has gone a second time; AWS: scale-in is more conservative",
    ),
  basicMonitoringAlarms: z
    .enum(['sameWindow', 'samePeriods'])
    .default('sameWindow')
    .describe(
      "alarms of a group's target tracking on its CPU with basic monitoring, whose periods have five minutes: sameWindow, one to scale out and three to scale in, about the 3 and 15 minutes of detailed monitoring; samePeriods, 3 and 15 as there",
    ),
};
const assumptions = z.strictObject(ec2Assumptions);
export type Ec2Assumptions = z.output<typeof assumptions>;
