/** IAM: roles, who may assume them, and what they may do. */

import { Phase, type Phases } from '../kernel/index.ts';
import type { RoleCommand } from './role.ts';

export { managedPolicy, type PolicyDocument } from './policy.ts';
export {
  ACCOUNT_ID,
  decideRole as decideIam,
  denial,
  evolveRole as evolveIam,
  isTrusted,
  nameInArn,
  role,
  roleChanges,
  roleEvents as iamEvents,
  roleName,
  type RoleCommand as IamCommand,
  type RoleEvent as IamEvent,
} from './role.ts';
export { emptyIam, type IamState, type IamWorld } from './world.ts';

export const iamPhases: Phases<RoleCommand> = {
  CreateRole: Phase.Execute,
  PutRolePolicy: Phase.Execute,
  UpdateAssumeRolePolicy: Phase.Execute,
  RemoveRolePolicy: Phase.Execute,
};
