/**
 * The Amazon SQS queue in front of a worker service, with the attributes that SetQueueAttributes takes, in seconds as there.
 *
 * @source AWS, SQS API, SetQueueAttributes: names, bounds and defaults
 */

import { z } from 'zod';

export const queue = z.strictObject({
  QueueName: z
    .string()
    .regex(
      /^[\w-]{1,80}$/,
      'found no name of a standard queue, expected 1 to 80 alphanumeric characters, hyphens or underscores',
    )
    .optional()
    .describe('a standard queue; serviceName when left out'),
  VisibilityTimeout: z
    .int()
    .min(0)
    .max(43_200)
    .default(30)
    .describe('seconds until a message whose task went away is received again; a worker that goes on extends it'),
  MessageRetentionPeriod: z
    .int()
    .min(60)
    .max(1_209_600)
    .default(345_600)
    .describe('seconds after which a message that nobody has taken is dropped'),
  ReceiveMessageWaitTimeSeconds: z
    .int()
    .min(0)
    .max(20)
    .default(0)
    .describe('seconds a receive waits for a message before it comes back empty; 0 polls short, once a second'),
  RedrivePolicy: z
    .strictObject({
      maxReceiveCount: z
        .int()
        .min(1)
        .max(1000)
        .describe('receives after which a message goes to the dead-letter queue'),
    })
    .optional(),
});
export type QueueConfig = z.output<typeof queue>;

/** A queue of which nothing is written but that it is there. */
export const usualQueue: QueueConfig = queue.parse({});

/** Most messages that one worker holds at once here: what it holds is looked at one by one, once per step. */
export const MOST_HELD_PER_TASK = 1_000;
