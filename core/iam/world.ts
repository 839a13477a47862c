/** IAM's slice of the world. */

import type { Role } from './role.ts';

export interface IamWorld {
  readonly iam: IamState;
}

export interface IamState {
  /** By name. */
  readonly roles: Map<string, Role>;
}

export const emptyIam = (): IamState => ({ roles: new Map() });
