/** EC2's slice of the world: Auto Scaling groups and their instances. */

import type { AutoScalingGroup, Instance } from './autoScalingGroup.ts';

export interface Ec2World {
  readonly ec2: Ec2State;
}

export interface Ec2State {
  readonly groups: Map<string, AutoScalingGroup>;
  /** By instance id; terminated ones are gone. */
  readonly instances: Map<string, Instance>;
  nextInstance: number;
  /** A run that starts in steady state: what is launched at this instant is there at once. */
  readonly warmStartMs: number;
}

export const emptyEc2 = (warmStartMs: number): Ec2State => ({
  groups: new Map(),
  instances: new Map(),
  nextInstance: 1,
  warmStartMs,
});
