/**
 * Application Load Balancers: what stands in front of target groups, and how CloudWatch calls the two.
 *
 * @source spec/capacity.md chapter 6 (AWS, "Application Load Balancers")
 */

import { z } from 'zod';
import {
  Digest,
  event,
  hashedText,
  json,
  SECOND,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { attribute, attributeValue, wholeNumber } from './attributes.ts';
import type { ElbWorld } from './world.ts';

const NAME = /^(?!internal-)(?!-)[A-Za-z0-9-]{1,32}(?<!-)$/;

/** @source ELB API, CreateLoadBalancer and CreateTargetGroup, Name */
export const elbName = z
  .string()
  .regex(
    NAME,
    'expected at most 32 letters, digits and hyphens, not beginning with internal-, nor with or ending in a hyphen',
  );

/** A load balancer as `aws elbv2 create-load-balancer` takes it, with its zones for its subnets and its attributes beside it. */
export const loadBalancer = z.strictObject({
  Name: elbName,
  Type: z.literal('application').default('application'),
  Scheme: z.enum(['internet-facing', 'internal']).default('internet-facing'),
  AvailabilityZones: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('the zones of its subnets; targets in other zones are unused. Left out: every zone'),
  SecurityGroups: z
    .array(z.string().min(1))
    .max(5)
    .default([])
    .describe('GroupIds that it carries: what targets may let in'),
  Attributes: z
    .array(
      z.discriminatedUnion('Key', [
        attribute('idle_timeout.timeout_seconds', wholeNumber(1, 4000)),
        // An Application Load Balancer has it on; only a target group can turn it off.
        attribute('load_balancing.cross_zone.enabled', z.literal(['true', true])),
      ]),
    )
    .default([])
    .describe('as modify-load-balancer-attributes takes them'),
});
export type LoadBalancerConfig = z.output<typeof loadBalancer>;

export interface LoadBalancer {
  readonly config: LoadBalancerConfig;
  /** How long it waits for an answer before it gives up itself (HTTP 504). */
  readonly idleTimeoutMs: Millis;
}

const DEFAULT_IDLE_TIMEOUT_S = 60;

export const loadBalancerEvents = {
  LoadBalancerCreated: event('An Application Load Balancer was created.', {
    config: json<LoadBalancerConfig>('as create-load-balancer takes it'),
  }),
} as const;
export type LoadBalancerEvent = EventsOf<typeof loadBalancerEvents>;

export type LoadBalancerCommand = { readonly type: 'CreateLoadBalancer'; readonly config: LoadBalancerConfig };

export const decideLoadBalancer: Decide<ElbWorld, LoadBalancerCommand, LoadBalancerEvent> = {
  CreateLoadBalancer: ({ config }) => [{ type: 'LoadBalancerCreated', config }],
};

export const evolveLoadBalancer: Evolve<ElbWorld, LoadBalancerEvent> = {
  LoadBalancerCreated({ elb }, { config }) {
    const idleS = attributeValue(config.Attributes, 'idle_timeout.timeout_seconds') ?? DEFAULT_IDLE_TIMEOUT_S;
    elb.loadBalancers.set(config.Name, { config, idleTimeoutMs: idleS * SECOND });
  },
};

/**
 * The value of CloudWatch's dimension LoadBalancer, and the first half of a ResourceLabel: `app/my-alb/50dc6c495c0c9188`.
 * AWS draws the id at creation; ours follows from the name, so that it is the same in every run.
 */
export function loadBalancerDimension(name: string): string {
  return `app/${name}/${idOf(`loadbalancer/${name}`)}`;
}

/** The value of CloudWatch's dimension TargetGroup, and the second half of a ResourceLabel. */
export function targetGroupDimension(name: string): string {
  return `targetgroup/${name}/${idOf(`targetgroup/${name}`)}`;
}

function idOf(text: string): string {
  const digest = new Digest();
  digest.text(hashedText(text));
  return digest.toString();
}
