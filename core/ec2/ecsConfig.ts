/**
 * The container agent's ecs.config, as user data writes it on the instances of a group. EC2 hands it over unread.
 *
 * @source aws/amazon-ecs-agent, README.md, "Environment Variables"
 */

import { z } from 'zod';

/** The agent takes lists as JSON texts; a scenario may write either. */
function listOf<Item extends z.ZodType>(item: Item) {
  return z.preprocess((value) => (typeof value === 'string' ? jsonOf(value) : value), z.array(item));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // not a list: the schema says what was expected
  }
}

const port = z.int().min(1).max(65_535);

/** @source AWS, ECS API, Attribute */
const attributeName = z
  .string()
  .regex(/^[A-Za-z0-9_./\\-]{1,128}$/, 'expected 1 to 128 letters, digits, _ . / \\ or -');
const attributeValue = z
  .string()
  .max(128)
  .regex(
    /^$|^[A-Za-z0-9_.@/\\:-]([A-Za-z0-9_.@/\\: -]*[A-Za-z0-9_.@/\\:-])?$/,
    'expected letters, digits, blanks inside, _ . @ / \\ : or -',
  );
const instanceAttributes = z
  .preprocess((value) => (typeof value === 'string' ? jsonOf(value) : value), z.record(attributeName, attributeValue))
  .refine(
    (attributes) => Object.keys(attributes).length <= 10,
    'AttributeLimitExceededException: found more than 10 custom attributes, expected 10 at most',
  );

/** ecs.config is a list of texts; a scenario may write a flag as one. */
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

export const ecsConfig = z.strictObject({
  ECS_CLUSTER: z.string().min(1),
  ECS_INSTANCE_ATTRIBUTES: instanceAttributes
    .default({})
    .describe('custom attributes for placement, such as {"stack": "prod"}; an empty value is an attribute without one'),
  ECS_RESERVED_MEMORY: z.int().min(0).default(0).describe('MiB that the agent does not offer to tasks'),
  ECS_RESERVED_PORTS: listOf(port)
    .optional()
    .describe("TCP ports that tasks cannot have; the agent's own when left out"),
  ECS_RESERVED_PORTS_UDP: listOf(port).default([]).describe('the same for UDP'),
  ECS_ENABLE_GPU_SUPPORT: flag.default(false).describe('whether the instance offers its GPUs'),
  ECS_DYNAMIC_HOST_PORT_RANGE: z
    .string()
    .regex(/^\d+-\d+$/, 'expected a range such as 32768-60999')
    .default('32768-60999')
    .describe('where dynamic host ports come from'),
  ECS_AVAILABLE_LOGGING_DRIVERS: listOf(z.string().min(1)).optional(),
  ECS_DISABLE_PRIVILEGED: flag.default(false),
  ECS_ENABLE_TASK_IAM_ROLE: flag.default(true),
  ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST: flag.default(true),
  ECS_ENABLE_TASK_ENI: flag.default(true),
  ECS_ENABLE_SPOT_INSTANCE_DRAINING: flag
    .default(false)
    .describe('the agent sets its instance to DRAINING when it hears the two-minute notice'),
  ECS_IMAGE_PULL_BEHAVIOR: z
    .enum(['default', 'always', 'once', 'prefer-cached'])
    .optional()
    .describe('whether a cached image is pulled again, and used when the pull fails; default when left out'),
  ECS_WARM_POOLS_CHECK: flag.default(false).describe('the agent waits until its instance has left the warm pool'),
});
export type EcsConfig = z.output<typeof ecsConfig>;
