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
import { deploymentEvents, evolveDeployment } from './deployment.ts';
import { decideFault, evolveFault, faultEvents, type FaultCommand } from './fault.ts';
import { decideJobQueue, evolveJobQueue, jobQueueEvents, type JobQueueCommand } from './jobQueue.ts';
import { evolveJobs, jobEvents, type JobTraces } from './jobs.ts';
import { decideRebalancing, type RebalancingCommand } from './rebalancing.ts';
import { decideScheduler, type SchedulerCommand } from './scheduler.ts';
import { decideService, evolveService, serviceEvents, type ServiceCommand } from './service.ts';
import { decideServing, evolveServing, servingEvents, type ServingCommand } from './serving.ts';
import { decideTask, evolveTask, taskEvents, type TaskCommand } from './task.ts';
import {
  decideTaskDefinition,
  evolveTaskDefinition,
  taskDefinitionEvents,
  type TaskDefinitionCommand,
} from './taskDefinition.ts';
import { decideTaskRun, evolveTaskRun, taskRunEvents, type TaskRunCommand } from './taskRun.ts';
import type { EcsWorld } from './world.ts';

export { serviceAssumptions, taskAssumptions } from './assumptions.ts';
export { billAssumptions, ecsCapacityAssumptions, ecsTimings, type BillAssumptions } from './capacity/assumptions.ts';
export {
  askManagedScaling,
  capacityProvider,
  capacityProviderProblem,
  holdsTasks,
  scalingState,
} from './capacity/capacityProvider.ts';
export { fargateCpuSizes, fargateMemorySizes, fargateSizeIsValid } from './capacity/fargate.ts';
export { desiredInstances, managedScaling, type ManagedScalingInput } from './capacity/managedScaling.ts';
export {
  capacityProviderStrategyItem,
  isFargate,
  splitByStrategy,
  strategyProblem,
  type CapacityProviderStrategyItem,
} from './capacity/strategy.ts';
export { dependencyCycle, taskHealth, type HealthStatus } from './container.ts';
export {
  deregisterContainerInstance,
  hostFits,
  isTrunked,
  occupyHost,
  registeredMemoryMiB,
  registeredResources,
  updateContainerInstancesState,
  type ContainerInstance,
} from './containerInstance.ts';
export { ecsController, OUT_OF_MEMORY } from './controller.ts';
export { jobQueue } from './jobQueue.ts';
export type { JobTraces } from './jobs.ts';
export { DRAINING_REASON } from './scheduler.ts';
export { placementAssumptions } from './placement/assumptions.ts';
export { placementConstraints } from './placement/constraints.ts';
export { hostPorts, prepare, scanForPlace, type PlacementRequest } from './placement/engine.ts';
export type { PlacementInstance } from './placement/instance.ts';
export {
  findInIndex,
  newPlacementJournal,
  noteChange,
  noteMembership,
  type PlacementJournal,
} from './placement/placementIndex.ts';
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
export {
  askServicePolicy,
  followedRequest,
  scalableResourceId,
  scalableServices,
  serviceNameOf,
} from './scalableService.ts';
export { IDLE_MEMORY_SHARE } from './serving.ts';
export { circuitBreakerThreshold, deploymentBounds } from './deployment.ts';
export { SERVING_ROUTING } from './serving.ts';
export { taskFaultEndMs, taskFaults } from './fault.ts';
export { availabilityZoneBalanced } from './rebalancing.ts';
export {
  healthyPercents,
  service,
  serviceProblems,
  serviceUpdate,
  type Service,
  type ServiceConfig,
} from './service.ts';
export { rosterOf } from './roster.ts';
export { answerTo, censusByCounts, censusByTasks } from './scheduler.ts';
export { groupOf, hasReleased, placementRequest, pullSeconds } from './task.ts';
export { sharedCpuUnits, type CpuWish } from './capacity/idleCpu.ts';
export {
  DEFAULT_IMAGE_MIB,
  portProblems,
  taskDefinition,
  taskDemand,
  type TaskDefinition,
  type TaskDemand,
} from './taskDefinition.ts';
export { runTask, startTask } from './taskRun.ts';
export { emptyEcs, type EcsState } from './world.ts';

export type EcsCommand =
  | CapacityProviderCommand
  | ContainerInstanceCommand
  | CpuSpeedCommand
  | FargateCommand
  | FaultCommand
  | JobQueueCommand
  | RebalancingCommand
  | SchedulerCommand
  | ServiceCommand
  | ServingCommand
  | TaskCommand
  | TaskRunCommand
  | TaskDefinitionCommand;

export const ecsEvents = {
  ...taskDefinitionEvents,
  ...capacityProviderEvents,
  ...containerInstanceEvents,
  ...cpuSpeedEvents,
  ...fargateEvents,
  ...serviceEvents,
  ...deploymentEvents,
  ...servingEvents,
  ...taskEvents,
  ...taskRunEvents,
  ...jobQueueEvents,
  ...jobEvents,
  ...faultEvents,
} as const;
export type EcsEvent = EventsOf<typeof ecsEvents>;

/** @param jobs  recorded jobs by the name of their file */
export const decideEcs = (jobs: JobTraces): Decide<EcsWorld, EcsCommand, EcsEvent> => ({
  ...decideTaskDefinition,
  ...decideCapacityProvider,
  ...decideContainerInstance,
  ...decideCpuSpeed,
  ...decideFargate,
  ...decideService,
  ...decideScheduler,
  ...decideRebalancing,
  ...decideServing(jobs),
  ...decideTask,
  ...decideTaskRun,
  ...decideJobQueue(jobs),
  ...decideFault,
});

export const evolveEcs: Evolve<EcsWorld, EcsEvent> = {
  ...evolveTaskDefinition,
  ...evolveCapacityProvider,
  ...evolveContainerInstance,
  ...evolveCpuSpeed,
  ...evolveFargate,
  ...evolveService,
  ...evolveDeployment,
  ...evolveServing,
  ...evolveTask,
  ...evolveTaskRun,
  ...evolveJobQueue,
  ...evolveJobs,
  ...evolveFault,
};

export const ecsPhases: Phases<EcsCommand> = {
  RegisterTaskDefinition: Phase.Execute,
  CreateCapacityProvider: Phase.Execute,
  UpdateCapacityProvider: Phase.Execute,
  SizeCapacityProvider: Phase.Plan,
  ScaleCapacityProvider: Phase.Plan,
  RegisterContainerInstance: Phase.Environment,
  ActivateContainerInstance: Phase.Environment,
  DrainContainerInstance: Phase.Execute,
  UpdateContainerInstanceState: Phase.Execute,
  DeregisterContainerInstance: Phase.Execute,
  CreateService: Phase.Execute,
  UpdateService: Phase.Execute,
  DeleteService: Phase.Execute,
  /** Before all else that is executed: a daemon's tasks are the first on an instance. */
  ReconcileDaemon: Phase.Plan,
  ReconcileService: Phase.Execute,
  RebalanceService: Phase.Execute,
  RunServiceTask: Phase.Execute,
  NoteHealthyTask: Phase.Execute,
  RunTask: Phase.Execute,
  StartTask: Phase.Execute,
  LaunchTask: Phase.Execute,
  LaunchTaskOn: Phase.Execute,
  CreateJobQueue: Phase.Execute,
  SubmitJobs: Phase.Environment,
  StartJob: Phase.Execute,
  ServeLoad: Phase.Environment,
  PlaceWaitingTask: Phase.Execute,
  AdmitTasks: Phase.Environment,
  PullImages: Phase.Environment,
  StartContainers: Phase.Environment,
  ContinueStart: Phase.Environment,
  ExpireStart: Phase.Environment,
  CheckContainer: Phase.Environment,
  ExitContainer: Phase.Environment,
  StopTask: Phase.Execute,
  StopContainers: Phase.Environment,
  FinishTask: Phase.Environment,
  DetachInterface: Phase.Environment,
  UpdateTaskProtection: Phase.Execute,
  ExpireTaskProtection: Phase.Environment,
  BeginTaskFault: Phase.Environment,
  EndTaskFault: Phase.Environment,
  DisconnectAgents: Phase.Environment,
  ReviewAgents: Phase.Environment,
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
