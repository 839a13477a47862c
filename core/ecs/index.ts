/** Amazon ECS: clusters, tasks, services, placement, capacity. It knows the rooms below it, and none of them knows it. */

import { Phase, type Decide, type EventsOf, type Evolve, type Phases } from '../kernel/index.ts';
import type { TerminationHooks } from '../ec2/index.ts';
import {
  capacityProviderEvents,
  decideCapacityProvider,
  evolveCapacityProvider,
  type CapacityProviderCommand,
} from './capacity/capacityProvider.ts';
import { cpuSpeedEvents, decideCpuSpeed, evolveCpuSpeed, type CpuSpeedCommand } from './capacity/cpuSpeed.ts';
import { MANAGED_DRAINING_HOOK } from './capacity/draining.ts';
import { decideFargate, evolveFargate, fargateEvents, type FargateCommand } from './capacity/fargate.ts';
import {
  containerInstanceEvents,
  decideContainerInstance,
  evolveContainerInstance,
  type ContainerInstanceCommand,
} from './containerInstance.ts';
import { decideService, evolveService, serviceEvents, type ServiceCommand } from './service.ts';
import { decideServing, evolveServing, servingEvents, type ServingCommand } from './serving.ts';
import { decideTask, evolveTask, taskEvents, type TaskCommand } from './task.ts';
import {
  decideTaskDefinition,
  evolveTaskDefinition,
  taskDefinitionEvents,
  type TaskDefinitionCommand,
} from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

export { billAssumptions, ecsCapacityAssumptions, ecsTimings, type BillAssumptions } from './capacity/assumptions.ts';
export { capacityProvider, capacityProviderProblem } from './capacity/capacityProvider.ts';
export { fargateCpuSizes, fargateMemorySizes, fargateSizeIsValid } from './capacity/fargate.ts';
export { desiredInstances, managedScaling, type ManagedScalingInput } from './capacity/managedScaling.ts';
export {
  capacityProviderStrategyItem,
  isFargate,
  splitByStrategy,
  strategyProblem,
  type CapacityProviderStrategyItem,
} from './capacity/strategy.ts';
export {
  hostFits,
  isTrunked,
  occupyHost,
  registeredMemoryMiB,
  registeredResources,
  type ContainerInstance,
} from './containerInstance.ts';
export { ecsController } from './controller.ts';
export { placementAssumptions } from './placement/assumptions.ts';
export { placementConstraints } from './placement/constraints.ts';
export { hostPorts, prepare, scanForPlace, type PlacementRequest } from './placement/engine.ts';
export type { PlacementInstance } from './placement/instance.ts';
export { findInIndex, noteChange } from './placement/placementIndex.ts';
export {
  ClusterQueryError,
  parseClusterQuery,
  printClusterQuery,
  type QueriedInstanceJson,
  type QueryOptions,
} from './placement/query.ts';
export {
  chooseTasksToStop,
  placeTask,
  type ChooseTasksToStopOptions,
  type InstanceJson,
  type PlacementOptions,
  type PlaceTaskAnswer,
  type PlaceTaskRequest,
  type StoppableTaskJson,
} from './placement/standalone.ts';
export { placementStrategies } from './placement/strategies.ts';
export { isHighResolution, resolutionMs } from './metricKeys.ts';
export {
  canonicalRequest,
  metricAssumptions,
  metricProblem,
  reservationPercent,
  utilizationPercent,
} from './metrics.ts';
export { followedRequest, scalableResourceId, scalableServices, serviceNameOf } from './scalableService.ts';
export { deploymentBounds, service } from './service.ts';
export { groupOf, placementRequest } from './task.ts';
export {
  DEFAULT_IMAGE_MIB,
  portProblems,
  taskDefinition,
  taskDemand,
  type TaskDefinition,
  type TaskDemand,
} from './taskDefinition.ts';
export { emptyEcs, type EcsState } from './world.ts';

export type EcsCommand =
  | CapacityProviderCommand
  | ContainerInstanceCommand
  | CpuSpeedCommand
  | FargateCommand
  | ServiceCommand
  | ServingCommand
  | TaskCommand
  | TaskDefinitionCommand;

export const ecsEvents = {
  ...taskDefinitionEvents,
  ...capacityProviderEvents,
  ...containerInstanceEvents,
  ...cpuSpeedEvents,
  ...fargateEvents,
  ...serviceEvents,
  ...servingEvents,
  ...taskEvents,
} as const;
export type EcsEvent = EventsOf<typeof ecsEvents>;

export const decideEcs: Decide<EcsWorld, EcsCommand, EcsEvent> = {
  ...decideTaskDefinition,
  ...decideCapacityProvider,
  ...decideContainerInstance,
  ...decideCpuSpeed,
  ...decideFargate,
  ...decideService,
  ...decideServing,
  ...decideTask,
};

export const evolveEcs: Evolve<EcsWorld, EcsEvent> = {
  ...evolveTaskDefinition,
  ...evolveCapacityProvider,
  ...evolveContainerInstance,
  ...evolveCpuSpeed,
  ...evolveFargate,
  ...evolveService,
  ...evolveServing,
  ...evolveTask,
};

export const ecsPhases: Phases<EcsCommand> = {
  RegisterTaskDefinition: Phase.Execute,
  CreateCapacityProvider: Phase.Execute,
  ScaleCapacityProvider: Phase.Plan,
  RegisterContainerInstance: Phase.Environment,
  ActivateContainerInstance: Phase.Environment,
  DrainContainerInstance: Phase.Execute,
  CreateService: Phase.Execute,
  UpdateService: Phase.Execute,
  ReconcileService: Phase.Execute,
  RunServiceTask: Phase.Execute,
  ServeLoad: Phase.Environment,
  PlaceWaitingTask: Phase.Execute,
  AdmitTasks: Phase.Environment,
  StartTask: Phase.Environment,
  StopTask: Phase.Execute,
  StopContainers: Phase.Environment,
  FinishTask: Phase.Environment,
  GiveUpTask: Phase.Execute,
  LoseContainerInstance: Phase.Environment,
  SetCpuSpeed: Phase.Environment,
  DoomFargateSpotTasks: Phase.Environment,
  InterruptFargateSpotTask: Phase.Environment,
  InterruptFargateSpot: Phase.Environment,
  LoseFargateTasks: Phase.Environment,
};

/** Managed draining: ECS holds the termination of its instances until their tasks have moved. */
export const terminationHooks: TerminationHooks<EcsWorld> = ({ ecs }, autoScalingGroupName) => {
  for (const { config } of ecs.capacityProviders.values()) {
    const { autoScalingGroup, managedDraining } = config.autoScalingGroupProvider;
    if (autoScalingGroup === autoScalingGroupName && managedDraining === 'ENABLED') return [MANAGED_DRAINING_HOOK];
  }
  return [];
};
