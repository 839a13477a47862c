/** The VPC's slice of the world. */

import type { IpPermission } from './securityGroup.ts';

export interface VpcWorld {
  readonly vpc: VpcState;
}

export interface VpcState {
  /** Rules for incoming connections, by the id of the group. */
  readonly securityGroups: Map<string, readonly IpPermission[]>;
}

export const emptyVpc = (): VpcState => ({ securityGroups: new Map() });
