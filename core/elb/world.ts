/** Elastic Load Balancing's slice of the world. */

import type { LoadBalancingAssumptions } from './assumptions.ts';
import type { LoadBalancer } from './loadBalancer.ts';
import type { TargetGroup } from './targetGroup.ts';

export interface ElbWorld {
  readonly elb: ElbState;
}

export interface ElbState {
  readonly assumptions: LoadBalancingAssumptions;
  /** By name. */
  readonly loadBalancers: Map<string, LoadBalancer>;
  /** By name. */
  readonly targetGroups: Map<string, TargetGroup>;
  /** Targets registered so far: the key of their luck. */
  registrations: number;
  /** A run that starts in steady state: what is registered at this instant is healthy at once. */
  readonly warmStartMs: number;
}

export const emptyElb = (warmStartMs: number, assumptions: LoadBalancingAssumptions): ElbState => ({
  assumptions,
  loadBalancers: new Map(),
  targetGroups: new Map(),
  registrations: 0,
  warmStartMs,
});
