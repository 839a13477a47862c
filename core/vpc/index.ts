/** The VPC: security groups. */

import { Phase, type Phases } from '../kernel/index.ts';
import type { SecurityGroupCommand } from './securityGroup.ts';

export {
  admits,
  decideSecurityGroup as decideVpc,
  evolveSecurityGroup as evolveVpc,
  securityGroup,
  securityGroupChanges,
  securityGroupEvents as vpcEvents,
  type SecurityGroupCommand as VpcCommand,
  type SecurityGroupEvent as VpcEvent,
} from './securityGroup.ts';
export { emptyVpc, type VpcState, type VpcWorld } from './world.ts';

export const vpcPhases: Phases<SecurityGroupCommand> = {
  CreateSecurityGroup: Phase.Execute,
  AuthorizeSecurityGroupIngress: Phase.Execute,
  RevokeSecurityGroupIngress: Phase.Execute,
};
