/** Where Elastic Load Balancing's documentation is silent or says two things. */

import { z } from 'zod';
import { duration } from '../kernel/index.ts';

export const loadBalancingAssumptions = z.strictObject({
  healthChecksUnderOverload: z
    .enum(['likeRequests', 'unaffected'])
    .default('likeRequests')
    .describe(
      'likeRequests: a health check waits, works and is turned away like any request of the service, as one to the default path / does, though it waits for no other service; unaffected: overload fails no check, as with a check served apart from the requests. Source: ELB API, HealthCheckPath and HealthCheckTimeoutSeconds; what is behind the path is up to the application',
    ),
  newTargetNeeds: z
    .enum(['oneCheck', 'healthyThreshold'])
    .default('oneCheck')
    .describe(
      'passed checks until a new target is healthy. oneCheck: ALB guide, "Health checks"; healthyThreshold: what the ECS best practices reckon with (150 s by default)',
    ),
  failingNewTargets: z
    .enum(['unhealthy', 'initial'])
    .default('unhealthy')
    .describe(
      'unhealthy: a new target that fails UnhealthyThresholdCount checks is unhealthy, which is what healthCheckGracePeriodSeconds is for; initial: it stays initial until it passes one',
    ),
  registration: z
    .strictObject({
      from: duration.prefault('1s'),
      to: duration.prefault('5s'),
    })
    .prefault({})
    .describe('from RegisterTargets until the load balancer knows the target: evenly between the two; no source'),
  firstCheck: z
    .enum(['random', 'atOnce', 'afterInterval'])
    .default('random')
    .describe('when the load balancer first checks a target it knows: within an interval, at once, or after one'),
  deregistrationEnds: z
    .enum(['afterDelay', 'withLastRequest'])
    .default('afterDelay')
    .describe(
      'afterDelay: a target drains for the whole delay, as its state shows, and connections kept alive count as open; withLastRequest: it has left once no request can be in flight. Source: ALB guide, "Deregistration delay"',
    ),
  requestsPerConnection: z
    .number()
    .min(1)
    .max(1_000_000)
    .default(10)
    .describe('requests that share one connection of a client, for the connection metrics; no source'),
});
export type LoadBalancingAssumptions = z.output<typeof loadBalancingAssumptions>;
