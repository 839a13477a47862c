/** Elastic Load Balancing: target groups and the health of their targets. */

import { Phase, type Phases } from '../kernel/index.ts';
import type { TargetGroupCommand } from './targetGroup.ts';

export { elbController } from './controller.ts';
export {
  decideTargetGroup as decideElb,
  drainingTargets,
  evolveTargetGroup as evolveElb,
  routableTargets,
  targetGroup,
  targetGroupEvents as elbEvents,
  type TargetGroupCommand as ElbCommand,
  type TargetGroupEvent as ElbEvent,
} from './targetGroup.ts';
export { emptyElb, type ElbState, type ElbWorld } from './world.ts';

export const elbPhases: Phases<TargetGroupCommand> = {
  CreateTargetGroup: Phase.Execute,
  RegisterTarget: Phase.Execute,
  PassHealthCheck: Phase.Environment,
  FailHealthChecks: Phase.Environment,
  TargetFails: Phase.Execute,
  TargetRecovers: Phase.Execute,
  DeregisterTarget: Phase.Execute,
  FinishDeregistration: Phase.Environment,
  RemoveTarget: Phase.Environment,
};
