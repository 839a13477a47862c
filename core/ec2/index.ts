/** Amazon EC2: Auto Scaling groups, instances and their types, Spot, CPU credits, and what goes wrong with capacity. */

import { Phase, type Decide, type Evolve, type Phases } from '../kernel/index.ts';
import {
  autoScalingGroupEvents,
  decideAutoScalingGroup,
  evolveAutoScalingGroup,
  type AutoScalingGroupCommand,
  type AutoScalingGroupEvent,
  type TerminationHooks,
} from './autoScalingGroup.ts';
import {
  cpuCreditEvents,
  decideCpuCredits,
  evolveCpuCredits,
  type CpuCreditCommand,
  type CpuCreditEvent,
} from './cpuCredits.ts';
import {
  decideGroupScaling,
  evolveGroupScaling,
  groupScalingEvents,
  type GroupScalingCommand,
  type GroupScalingEvent,
} from './groupScaling.ts';
import {
  decideInstanceMetrics,
  evolveInstanceMetrics,
  instanceMetricEvents,
  type InstanceMetricCommand,
  type InstanceMetricEvent,
} from './instanceMetrics.ts';
import { decideSpot, evolveSpot, spotEvents, type SpotCommand, type SpotEvent } from './spot.ts';
import type { Ec2World } from './world.ts';

export { ec2Assumptions, ec2Timings, spread } from './assumptions.ts';
export {
  listensTo,
  isMemberOf,
  membersOf,
  type AutoScalingGroup,
  type Instance,
  type TerminationHooks,
} from './autoScalingGroup.ts';
export { ec2Controller } from './controller.ts';
export { newCpuCredits, settleCredits, usableVcpus } from './cpuCredits.ts';
export { capacityFaults, fargateIsThrottled, fargateTakes, faultEndMs, isCapacityFault } from './faults.ts';
export {
  autoScalingGroup,
  autoScalingGroupProblems,
  groupUpdate,
  typesOf,
  updatedConfig,
  type AutoScalingGroupConfig,
} from './groupConfig.ts';
export {
  policyForScaler,
  groupCpuMetric,
  groupPolicyKey,
  groupPolicyProblems,
  groupPolicyRequest,
  groupScalingPolicy,
  type GroupScalingPolicyConfig,
} from './groupPolicy.ts';
export { groupCpu, watchedPeriodsMs } from './instanceMetrics.ts';
export { ecsConfig, type EcsConfig } from './ecsConfig.ts';
export { instanceType, instanceTypeNames, type InstanceType } from './instanceTypes.ts';
export { onDemandCount, onDemandShare, usesSpot } from './mixedInstances.ts';
export { scaleInVictims } from './termination.ts';
export { warmPoolSize } from './warmPool.ts';
export { emptyEc2, type Ec2State, type Ec2World } from './world.ts';

export type Ec2Event = AutoScalingGroupEvent | GroupScalingEvent | SpotEvent | CpuCreditEvent | InstanceMetricEvent;
export type Ec2Command =
  AutoScalingGroupCommand | GroupScalingCommand | SpotCommand | CpuCreditCommand | InstanceMetricCommand;

export const ec2Events = {
  ...autoScalingGroupEvents,
  ...groupScalingEvents,
  ...spotEvents,
  ...cpuCreditEvents,
  ...instanceMetricEvents,
} as const;

export const decideEc2 = <World extends Ec2World>(
  terminationHooks: TerminationHooks<World>,
): Decide<World, Ec2Command, Ec2Event> => ({
  ...decideAutoScalingGroup(terminationHooks),
  ...decideGroupScaling,
  ...decideSpot,
  ...decideCpuCredits,
  ...decideInstanceMetrics,
});

export const evolveEc2: Evolve<Ec2World, Ec2Event> = {
  ...evolveAutoScalingGroup,
  ...evolveGroupScaling,
  ...evolveSpot,
  ...evolveCpuCredits,
  ...evolveInstanceMetrics,
};

export const ec2Phases: Phases<Ec2Command> = {
  CreateAutoScalingGroup: Phase.Execute,
  UpdateAutoScalingGroup: Phase.Execute,
  SetDesiredCapacity: Phase.Execute,
  ReconcileAutoScalingGroup: Phase.Execute,
  EnterService: Phase.Environment,
  FinishLaunch: Phase.Environment,
  WarmInstance: Phase.Environment,
  SetInstanceProtection: Phase.Execute,
  MarkInstanceUnhealthy: Phase.Execute,
  CheckTargetHealth: Phase.Execute,
  PutGroupScalingPolicy: Phase.Execute,
  EvaluateGroupScalingPolicy: Phase.Plan,
  ScaleGroup: Phase.Plan,
  CompleteLifecycleAction: Phase.Execute,
  // After the groups have been created, before they launch.
  MoveSpotMarket: Phase.Execute,
  RecommendRebalance: Phase.Environment,
  InterruptSpotInstance: Phase.Environment,
  InterruptSpotPool: Phase.Environment,
  ReclaimSpotInstance: Phase.Environment,
  BeginFault: Phase.Environment,
  EndFault: Phase.Environment,
  SettleCpuCredits: Phase.Monitor,
  MeasureInstances: Phase.Monitor,
};
