/** Elastic Load Balancing: load balancers, target groups and the health of their targets. */

import { Phase, type Decide, type EventsOf, type Evolve, type Phases } from '../kernel/index.ts';
import {
  decideLoadBalancer,
  evolveLoadBalancer,
  loadBalancerEvents,
  type LoadBalancerCommand,
} from './loadBalancer.ts';
import { decideTargetGroup, evolveTargetGroup, targetGroupEvents, type TargetGroupCommand } from './targetGroup.ts';
import type { ElbWorld } from './world.ts';

export { loadBalancingAssumptions } from './assumptions.ts';
export { repeatedAttribute } from './attributes.ts';
export { elbController } from './controller.ts';
export type { CheckResult, FailedCheck } from './healthChecks.ts';
export { elbName, loadBalancer, loadBalancerDimension, targetGroupDimension } from './loadBalancer.ts';
export { routesOf, type Pool, type Routes } from './routing.ts';
export {
  deregistrationDelayMs,
  getsRequests,
  hasFailedTargets,
  healthCheckTimeoutMs,
  targetGroup,
  targetGroupProblems,
  type TargetGroup,
} from './targetGroup.ts';
export { emptyElb, type ElbState, type ElbWorld } from './world.ts';

export type ElbCommand = LoadBalancerCommand | TargetGroupCommand;

export const elbEvents = { ...loadBalancerEvents, ...targetGroupEvents } as const;
export type ElbEvent = EventsOf<typeof elbEvents>;

export const decideElb: Decide<ElbWorld, ElbCommand, ElbEvent> = { ...decideLoadBalancer, ...decideTargetGroup };

export const evolveElb: Evolve<ElbWorld, ElbEvent> = { ...evolveLoadBalancer, ...evolveTargetGroup };

export const elbPhases: Phases<ElbCommand> = {
  CreateLoadBalancer: Phase.Execute,
  CreateTargetGroup: Phase.Execute,
  RegisterTarget: Phase.Execute,
  ApplyHealthChecks: Phase.Environment,
  OverloadTargets: Phase.Environment,
  TargetFails: Phase.Environment,
  TargetRecovers: Phase.Environment,
  DeregisterTarget: Phase.Execute,
  FinishDeregistration: Phase.Environment,
  RemoveTarget: Phase.Environment,
};
