/** Amazon EC2: Auto Scaling groups, instances and their types. */

import { Phase, type Phases } from '../kernel/index.ts';
import type { AutoScalingGroupCommand } from './autoScalingGroup.ts';

export {
  autoScalingGroup,
  autoScalingGroupEvents as ec2Events,
  decideAutoScalingGroup as decideEc2,
  evolveAutoScalingGroup as evolveEc2,
  membersOf,
  scaleInVictims,
  type AutoScalingGroupCommand as Ec2Command,
  type AutoScalingGroupEvent as Ec2Event,
  type HoldsTermination,
  type Instance,
} from './autoScalingGroup.ts';
export { ec2Controller } from './controller.ts';
export { ecsConfig, type EcsConfig } from './ecsConfig.ts';
export { instanceType, instanceTypeNames, type InstanceType } from './instanceTypes.ts';
export { emptyEc2, type Ec2State, type Ec2World } from './world.ts';

export const ec2Phases: Phases<AutoScalingGroupCommand> = {
  CreateAutoScalingGroup: Phase.Execute,
  SetDesiredCapacity: Phase.Execute,
  ReconcileAutoScalingGroup: Phase.Execute,
  EnterService: Phase.Environment,
  SetInstanceProtection: Phase.Execute,
  CompleteTermination: Phase.Execute,
};
