/** EC2's slice of the world: Auto Scaling groups and their instances, the Spot market, and the faults that are on. */

import type { Immutable } from 'immer';
import type { AutoscalingWorld } from '../autoscaling/index.ts';
import type { ElbWorld } from '../elb/index.ts';
import type { Ec2Assumptions, Ec2Timings } from './assumptions.ts';
import type { AutoScalingGroup, Instance } from './autoScalingGroup.ts';
import type { CapacityFault } from './faults.ts';
import type { GroupScalingPolicy } from './groupScaling.ts';
import type { SpotPool } from './spotMarket.ts';

export interface Ec2World extends Immutable<AutoscalingWorld>, Immutable<ElbWorld> {
  readonly ec2: Ec2State;
}

/** What is settled before the run starts. */
export interface Ec2Settings {
  /** A run that starts in steady state: what is launched at this instant is there at once. */
  readonly warmStartMs: number;
  readonly timings: Ec2Timings;
  readonly assumptions: Ec2Assumptions;
}

export interface Ec2State extends Ec2Settings {
  readonly groups: Map<string, AutoScalingGroup>;
  /** By `groupPolicyKey`. */
  readonly scalingPolicies: Map<string, GroupScalingPolicy>;
  /** By instance id; terminated ones are gone. */
  readonly instances: Map<string, Instance>;
  nextInstance: number;
  /** By type and zone; empty when nobody uses Spot. */
  readonly spotPools: Map<string, SpotPool>;
  /** By place in the scenario's list; only those that last, while they do. */
  readonly faults: Map<number, CapacityFault>;
}

export const emptyEc2 = (settings: Ec2Settings): Ec2State => ({
  ...settings,
  groups: new Map(),
  scalingPolicies: new Map(),
  instances: new Map(),
  nextInstance: 1,
  spotPools: new Map(),
  faults: new Map(),
});
