/** What placement does where AWS is silent: one option each, its default the most likely reading. */

import { z } from 'zod';
import { duration } from '../../kernel/index.ts';

export const placementAssumptions = z.strictObject({
  tieBreak: z
    .enum(['lexical', 'seeded'])
    .default('lexical')
    .describe(
      'among instances that all strategies like equally: the one registered first, or one drawn by chance; when stopping, the newest task, or one drawn. AWS documents neither',
    ),
  spreadCounts: z
    .enum(['desired', 'running'])
    .default('desired')
    .describe(
      'which tasks spread counts when it places: those meant to run, in PENDING too, or those that are RUNNING. The guide says "running", but then a batch would land in one zone',
    ),
  stopFirst: z
    .enum(['pending', 'any'])
    .default('pending')
    .describe('whether scaling in stops tasks that do not run yet before others'),
  releaseEniAt: z
    .enum(['STOPPING', 'STOPPED'])
    .default('STOPPED')
    .describe("when a task's network interface is free for another: AWS detaches it after the task has stopped"),
  releaseAt: z
    .enum(['STOPPING', 'STOPPED'])
    .default('STOPPING')
    .describe(
      'when ECS counts the CPU, memory, GPUs and ports of a stopping task as free: at SIGTERM (since July 2023), or when its containers have ended (before)',
    ),
  agentVersion: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/, 'expected a version such as 1.99.1')
    .default('1.99.1')
    .describe(
      'version of the container agent on every instance: from 1.73.0 on a host starts tasks first in, first out, once the resources are really free; before, once no task on it is stopping. Trunking needs 1.28.1',
    ),
  regexMode: z
    .enum(['full', 'find'])
    .default('full')
    .describe('whether =~ of the cluster query language must match the whole value, or a part of it'),
  portLimit: z
    .enum(['together', 'each'])
    .default('together')
    .describe('whether the 100 reserved host ports of an instance count TCP and UDP together or each'),
  reserved51680: z
    .boolean()
    .default(false)
    .describe('whether the agent also reserves port 51680: the guide says so, the agent only with its own metrics on'),
  trunkProvisioning: duration
    .prefault('10s')
    .describe('how long a new instance is REGISTERING while the trunk for its tasks is attached; AWS gives no number'),
  networkConfiguration: z
    .enum(['optional', 'required'])
    .default('optional')
    .describe(
      'whether a service of awsvpc tasks must name its subnets, as AWS asks; optional: without them it may run in every zone',
    ),
});
export type PlacementAssumptions = z.output<typeof placementAssumptions>;
