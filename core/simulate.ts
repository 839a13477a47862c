/** From a scenario to a simulation: the empty world, and the commands that set the scene. */

import { emptyAutoscaling } from './autoscaling/index.ts';
import { emptyCloudWatch } from './cloudwatch/index.ts';
import { emptyEc2 } from './ec2/index.ts';
import { DEFAULT_IMAGE_MIB, emptyEcs, scalableResourceId, taskFaultEndMs } from './ecs/index.ts';
import { emptyElb } from './elb/index.ts';
import {
  Calendar,
  Digest,
  InvalidScenarioError,
  Simulation,
  type Checkpoint,
  type Millis,
  type SimulationOptions,
} from './kernel/index.ts';
import { scenarioProblems, type Scenario } from './scenario.ts';
import { emptyWorkload, type TraceSeries } from './workload/index.ts';
import { createModel, type Command, type Event, type World } from './world.ts';

export type EcsSimulation = Simulation<World, Command, Event>;
export type EcsCheckpoint = Checkpoint<World, Command>;

export interface SimulateOptions extends SimulationOptions<World, Event> {
  /** Another seed than the scenario's. */
  readonly seed?: number;
  /** Recorded loads by the name of their file. */
  readonly traces?: ReadonlyMap<string, TraceSeries>;
}

const NO_TRACES: ReadonlyMap<string, TraceSeries> = new Map();

/**
 * A simulation at its start. It sails when asked: `simulation.runUntil(scenario.start + scenario.duration)`.
 *
 * @throws InvalidScenarioError with every mistake and its path
 */
export function simulate(scenario: Scenario, options: SimulateOptions = {}): EcsSimulation {
  return restore(scenario, startOf(scenario), options);
}

/** A simulation that goes on from a checkpoint of a run of the same scenario, seed and traces, as if never interrupted. */
export function restore(scenario: Scenario, from: EcsCheckpoint, options: SimulateOptions = {}): EcsSimulation {
  const { seed = scenario.seed, traces = NO_TRACES, ...simulationOptions } = options;
  return new Simulation(createModel(traces), seed, from, simulationOptions);
}

/** The start of a run, as a checkpoint. @throws InvalidScenarioError */
export function startOf(scenario: Scenario): EcsCheckpoint {
  const problems = scenarioProblems(scenario);
  if (problems.length > 0) throw new InvalidScenarioError(problems);
  const { start: atMs } = scenario;
  const calendar = new Calendar<Command>();
  const { phases } = createModel(NO_TRACES);
  const push = (dueMs: Millis, command: Command) => calendar.push(dueMs, phases[command.type], command, -1);
  for (const command of sceneOf(scenario)) push(atMs, command);
  for (const change of scenario.changes) push(change.at, commandOf(change));
  for (const [index, fault] of scenario.faults.entries()) {
    const faultId = `fault-${index + 1}`;
    const endMs = taskFaultEndMs(fault);
    push(fault.at, { type: 'BeginTaskFault', faultId, fault });
    if (endMs !== undefined) push(endMs, { type: 'EndTaskFault', faultId });
  }
  push(atMs + scenario.step, { type: 'SampleLoad', fromMs: atMs });
  return {
    atMs,
    world: emptyWorld(scenario),
    pending: calendar.pending(),
    log: { seq: 0, digest: new Digest().state() },
  };
}

/** What a change of the scenario asks for; it has exactly one action. */
function commandOf(change: Scenario['changes'][number]): Command {
  const { UpdateService, DeleteService, RunTask, StartTask, StopTask, UpdateTaskProtection } = change;
  if (UpdateService !== undefined) {
    const { service: serviceName, ...update } = UpdateService;
    return { type: 'UpdateService', serviceName, ...update };
  }
  if (DeleteService !== undefined)
    return { type: 'DeleteService', serviceName: DeleteService.service, force: DeleteService.force };
  if (RunTask !== undefined) return { type: 'RunTask', config: RunTask };
  if (StartTask !== undefined) return { type: 'StartTask', config: StartTask };
  if (StopTask !== undefined) {
    const { task: taskId, reason = 'Task stopped by user' } = StopTask;
    return { type: 'StopTask', taskId, stopCode: 'UserInitiated', reason };
  }
  const {
    service: serviceName,
    tasks: taskIds,
    ...protection
  } = UpdateTaskProtection as NonNullable<typeof UpdateTaskProtection>;
  return { type: 'UpdateTaskProtection', serviceName, taskIds, ...protection };
}

function emptyWorld(scenario: Scenario): World {
  const { cluster, assumptions, start } = scenario;
  const warmStartMs = assumptions.start === 'steady' ? start : -1;
  const { service, loadBalancer, capacityProvider } = assumptions.metricDelay;
  return {
    workload: emptyWorkload(start, scenario.step),
    cloudwatch: emptyCloudWatch(),
    autoscaling: emptyAutoscaling(),
    ec2: emptyEc2(warmStartMs),
    elb: emptyElb(warmStartMs),
    ecs: emptyEcs({
      clusterName: cluster.clusterName,
      availabilityZones: cluster.availabilityZones,
      defaultCapacityProviderStrategy: cluster.defaultCapacityProviderStrategy,
      metricDelays: { serviceMs: service, loadBalancerMs: loadBalancer, capacityProviderMs: capacityProvider },
      assumptions: { services: assumptions.services, tasks: assumptions.tasks },
      warmStartMs,
    }),
  };
}

/** What an engineer would type, in the order that lets each thing refer to the ones before it. */
function* sceneOf(scenario: Scenario): Iterable<Command> {
  const imageMiB = new Map(scenario.images.map(({ name, compressedMiB }) => [name, compressedMiB]));
  for (const definition of scenario.taskDefinitions) {
    const images = new Set(definition.containerDefinitions.map(({ image }) => image));
    let compressedImageMiB = 0;
    for (const image of images) compressedImageMiB += imageMiB.get(image) ?? DEFAULT_IMAGE_MIB;
    yield { type: 'RegisterTaskDefinition', definition, compressedImageMiB };
  }
  for (const config of scenario.capacityProviders) yield { type: 'CreateCapacityProvider', config };
  for (const config of scenario.autoScalingGroups) yield { type: 'CreateAutoScalingGroup', config };
  for (const config of scenario.targetGroups) yield { type: 'CreateTargetGroup', config };
  for (const config of scenario.services) yield { type: 'CreateService', config };
  for (const { service, MinCapacity, MaxCapacity, policies, scheduledActions } of scenario.scalableTargets) {
    const resourceId = scalableResourceId(scenario.cluster.clusterName, service);
    yield { type: 'RegisterScalableTarget', resourceId, minCapacity: MinCapacity, maxCapacity: MaxCapacity };
    for (const config of policies) yield { type: 'PutScalingPolicy', resourceId, config };
    for (const config of scheduledActions) yield { type: 'PutScheduledAction', resourceId, config };
  }
  for (const config of scenario.load) yield { type: 'AttachLoad', config };
}
