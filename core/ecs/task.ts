/**
 * Tasks: PROVISIONING, PENDING, ACTIVATING, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED; each change one event.
 *
 * @source spec/placement.md chapter 5, 1.4; timings spec/capacity.md chapter 9
 */

import type { Immutable } from 'immer';
import {
  event,
  flag,
  HOUR,
  MINUTE,
  number,
  numbers,
  optional,
  SECOND,
  text,
  texts,
  type Context,
  type Decide,
  type Draws,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { imageReference, TOKEN_LIFE_HOURS } from '../ecr/index.ts';
import { fargateZones, launchDelayMs, takeToken } from './capacity/fargate.ts';
import { isFargate } from './capacity/strategy.ts';
import {
  blockedStart,
  newContainer,
  startable,
  stopPlan,
  waitsFor,
  type ContainerLife,
  type HealthStatus,
  type TaskContainer,
} from './container.ts';
import {
  addTo,
  attachEni,
  countRunning,
  countTask,
  deniedCall,
  hostFits,
  listDraining,
  occupy,
  occupyHost,
  refusedChange,
  reserve,
  type ContainerInstance,
  type ContainerInstanceEvent,
  type HostResources,
} from './containerInstance.ts';
import { dropInactive, failures, primaryOf, throttle, type Deployment, type DeploymentEvent } from './deployment.ts';
import { agentIsGone, checksFail, pullFault } from './fault.ts';
import { pickHostPorts } from './hostPorts.ts';
import { noteAnswer, noteJobEnd, noteJobStart } from './jobs.ts';
import { mayLogIn, pullRefusal, startRefusal, type AgentAction } from './permissions.ts';
import { allowsBoth, constraintOf } from './placement/constraints.ts';
import {
  prepare,
  scanForPlace,
  type Placed,
  type PlacementFailure,
  type PlacementRequest,
  type Refused,
} from './placement/engine.ts';
import { findInIndex } from './placement/placementIndex.ts';
import { versionIsAtLeast } from './placement/query.ts';
import { SERVICE_STRATEGY, type PlacementStrategyConfig } from './placement/strategies.ts';
import type { Service, ServiceConfig } from './service.ts';
import { imagesOf, type RegisteredTaskDefinition } from './taskDefinition.ts';
import type { TaskRun } from './taskRun.ts';
import type { EcsState, EcsWorld } from './world.ts';

type View = Immutable<EcsState>;

export type TaskStatus =
  'PROVISIONING' | 'PENDING' | 'ACTIVATING' | 'RUNNING' | 'DEACTIVATING' | 'STOPPING' | 'DEPROVISIONING';

export type TaskStopCode =
  | 'TaskFailedToStart'
  | 'EssentialContainerExited'
  | 'UserInitiated'
  | 'ServiceSchedulerInitiated'
  | 'SpotInterruption'
  | 'TerminationNotice';

export interface Task {
  readonly taskId: string;
  /** Position in the order of creation; the key of the task's luck. */
  readonly number: number;
  /** Empty for a task of its own. */
  readonly serviceName: string;
  /** Its task group: `service:<serviceName>`, or for a task of its own what was given, or `family:<family>`. */
  readonly group: string;
  /** The deployment, or the run, that it belongs to. */
  readonly startedBy: string;
  readonly taskDefinition: string;
  /** Absent for the launch type EC2. */
  readonly capacityProvider: string | undefined;
  status: TaskStatus;
  availabilityZone: string | undefined;
  /** Absent on Fargate and before placement. */
  ec2InstanceId: string | undefined;
  /** When the next step of its start or its end comes; a command for another instant is of a plan that has changed. */
  dueAtMs: Millis | undefined;
  /** Why its images cannot be pulled. */
  pullFailure: string | undefined;
  runningSinceMs: Millis | undefined;
  /** Host ports that the instance picked for it, as `tcp/32768`. */
  hostPorts: readonly string[];
  /** By name, in the order of the definition. */
  readonly containers: Map<string, TaskContainer>;
  /** Until when scale-in and deployments leave it alone. */
  protectedUntilMs: Millis | undefined;
  /** Why it is on its way out: its desired status is STOPPED. */
  stopping: { readonly stopCode: TaskStopCode; readonly reason: string } | undefined;
}

export const taskEvents = {
  TaskCreated: event('A task was created and looks for a place.', {
    taskId: text('the task'),
    number: number('position in the order of creation'),
    serviceName: text('its service; empty for a task of its own'),
    group: text('its task group'),
    startedBy: text('the deployment, or the run, that it belongs to'),
    taskDefinition: text('family:revision'),
    capacityProvider: optional(text('its provider; absent for the launch type EC2')),
  }),
  TaskWaiting: event('No instance has room: the task waits in PROVISIONING for its capacity provider.', {
    taskId: text('the task'),
    reason: text<PlacementFailure>('what is missing'),
    closest: optional(text('the instance that came closest')),
    lack: optional(text('what the closest instance lacked')),
    refusedBy: texts("what kept active instances from taking the task, each of ECS's reasons once"),
    refusedCounts: numbers('instances that each reason turned away'),
    givesUpAtMs: number('when ECS stops waiting'),
  }),
  TaskPlaced: event('The task has a place; ECS reserves its resources.', {
    taskId: text('the task'),
    ec2InstanceId: optional(text('the container instance; absent on Fargate')),
    availabilityZone: text('where'),
    left: numbers('instances left after each step: active, fit for it, with room, allowed, then one per strategy'),
    strategies: texts('the strategies in their order; empty on Fargate'),
    scores: numbers(
      "the winner's score by each strategy, before the task came: tasks of the group there for spread, what remained for binpack",
    ),
    pullStartedAtMs: optional(
      number('when the image pull starts; on Fargate, billing too. Absent: its host does not have the room yet'),
    ),
    runningAtMs: optional(number('when its containers will have started')),
    hostPorts: texts('host ports that the instance picked, as tcp/32768'),
  }),
  TaskAdmitted: event('The host has what the task waited for: the agent starts it.', {
    taskId: text('the task'),
    ec2InstanceId: text('the container instance'),
    pullStartedAtMs: number('when the image pull starts'),
    runningAtMs: number('when its containers will have started'),
    hostPorts: texts('host ports that the instance picked, as tcp/32768'),
  }),
  TaskPending: event('The network interface is there: the task is PENDING, its images are being pulled.', {
    taskId: text('the task'),
    serviceName: text('its service; empty for a task of its own'),
  }),
  ImagePullDelayed: event('The pull of an image does not go as usual.', {
    taskId: text('the task'),
    serviceName: text('its service; empty for a task of its own'),
    image: text('the image'),
    untilMs: number('when its containers will have started, or the agent gives up'),
    failure: optional(text("why it gives up, in AWS's words")),
  }),
  ContainersStarted: event('Some containers of a task have started; others wait for them.', {
    taskId: text('the task'),
    serviceName: text('its service; empty for a task of its own'),
    containers: texts('those that have started'),
  }),
  ContainerStopped: event('A container ended by itself.', {
    taskId: text('the task'),
    serviceName: text('its service; empty for a task of its own'),
    container: text('its name'),
    exitCode: number('its exit code'),
    reason: optional(text("why, in AWS's words")),
  }),
  ContainerHealthChecked: event('A container health check failed, or one passed that changes something.', {
    taskId: text('the task'),
    serviceName: text('its service; empty for a task of its own'),
    container: text('its name'),
    passed: flag('whether it passed'),
    failures: number('failures in a row that count'),
    healthStatus: text<HealthStatus>('health of the container now'),
  }),
  TaskActivating: event('The containers have started: the task is registered with its load balancer.', {
    taskId: text('the task'),
    serviceName: text('its service'),
  }),
  TaskRunning: event('The containers have started.', {
    taskId: text('the task'),
    serviceName: text('its service; empty for a task of its own'),
  }),
  TaskDeactivating: event('ECS takes the task out of its target group before it stops it.', {
    taskId: text('the task'),
    serviceName: text('its service'),
    stopCode: text<TaskStopCode>("AWS's stop code"),
    reason: text("AWS's stopped reason"),
  }),
  TaskStopping: event(
    'SIGTERM was sent, or a container that is essential has ended; ECS counts the resources as free.',
    {
      taskId: text('the task'),
      serviceName: text('its service; empty for a task of its own'),
      stopCode: text<TaskStopCode>("AWS's stop code"),
      reason: text("AWS's stopped reason"),
      stoppedAtMs: number('when its containers will have ended'),
      exitCodes: numbers('with which code each container ends, in the order of the definition; -1: it never ran'),
    },
  ),
  TaskDeprovisioning: event('The containers have ended: the network interface is being detached.', {
    taskId: text('the task'),
    serviceName: text('its service; empty for a task of its own'),
    detachedAtMs: number('when that is done'),
  }),
  TaskStopped: event('The task is gone.', {
    taskId: text('the task'),
    serviceName: text('its service; empty for a task of its own'),
    ec2InstanceId: optional(text('the container instance it was on; absent on Fargate and before placement')),
    stopCode: text<TaskStopCode>("AWS's stop code"),
    reason: text("AWS's stopped reason"),
  }),
  TaskProtectionUpdated: event('Scale-in protection of a task was set, cleared, or has expired.', {
    taskId: text('the task'),
    serviceName: text('its service'),
    protectedUntilMs: optional(number('when it expires; absent: not protected')),
  }),
  TaskProtectionRefused: event('Scale-in protection of a task could not be changed.', {
    taskId: text('the task'),
    reason: text<'MISSING' | 'TASK_NOT_VALID' | 'DEPLOYMENT_BLOCKED'>("ECS's failure reason"),
  }),
} as const;
export type TaskEvent = EventsOf<typeof taskEvents>;

export type TaskCommand =
  /** Finds places for waiting tasks, one at a time. */
  | { readonly type: 'PlaceWaitingTask' }
  /** Resources of a host have become free: tasks in its queue may start. */
  | { readonly type: 'AdmitTasks'; readonly ec2InstanceId: string }
  /** The agent begins to pull the images. */
  | { readonly type: 'PullImages'; readonly taskId: string }
  /** The images are there: the containers start, in the order of their dependencies. */
  | { readonly type: 'StartContainers'; readonly taskId: string }
  /** Something that containers waited for has come to pass. */
  | { readonly type: 'ContinueStart'; readonly taskId: string }
  /** A container has had its startTimeout. */
  | { readonly type: 'ExpireStart'; readonly taskId: string; readonly container: string }
  | { readonly type: 'CheckContainer'; readonly taskId: string; readonly container: string }
  | {
      readonly type: 'ExitContainer';
      readonly taskId: string;
      readonly container: string;
      readonly exitCode: number;
      /** Why, in AWS's words; undefined: it just ends. */
      readonly reason: string | undefined;
      /** The fault that makes it end; empty: its own behavior. */
      readonly faultId: string;
    }
  | {
      readonly type: 'StopTask';
      readonly taskId: string;
      readonly stopCode: TaskStopCode;
      readonly reason: string;
    }
  /** The load balancer is done with the task. */
  | { readonly type: 'StopContainers'; readonly taskId: string }
  | { readonly type: 'FinishTask'; readonly taskId: string }
  | { readonly type: 'DetachInterface'; readonly taskId: string }
  | { readonly type: 'GiveUpTask'; readonly taskId: string }
  /** The instance has gone; its tasks go with it. */
  | { readonly type: 'LoseContainerInstance'; readonly ec2InstanceId: string }
  | { readonly type: 'DeregisterContainerInstance'; readonly ec2InstanceId: string; readonly force: boolean }
  | {
      readonly type: 'UpdateTaskProtection';
      /** Which tasks; none: all of the service that run. */
      readonly serviceName: string;
      readonly taskIds: readonly string[];
      readonly protectionEnabled: boolean;
      readonly expiresInMinutes: number;
    }
  | { readonly type: 'ExpireTaskProtection'; readonly taskId: string };

/** Five attempts with a backoff from 1.1 s, doubled, to 5 s. @source spec/placement.md 5.2 (the agent) */
const PULL_RETRIES_MS = 12_700;
/** Each of the five makes no progress for a minute. */
const PULL_TIMEOUT_MS = 5 * MINUTE + PULL_RETRIES_MS;
/** The agent gives up a pull after this. */
const MOST_PULL_MS = 2 * HOUR;
const SERVICE_GROUP = 'service:';

/** Groups by service. Instances count their tasks by them: a text that is one and the same is found without being read. */
const groups = new Map<string, string>();

/** The task group of a service's tasks. @source AWS, ECS Developer Guide, "Task groups" */
export function groupOf(serviceName: string): string {
  let group = groups.get(serviceName);
  if (group === undefined) groups.set(serviceName, (group = `${SERVICE_GROUP}${serviceName}`));
  return group;
}

/** The service whose tasks a group has, if it is a service's. */
export function serviceOfGroup(group: string): string | undefined {
  return group.startsWith(SERVICE_GROUP) ? group.slice(SERVICE_GROUP.length) : undefined;
}

/** Whose tasks are placed together: a service, or a run of tasks of their own. */
export interface PlacedTogether {
  readonly config: Pick<Immutable<ServiceConfig>, 'placementConstraints' | 'placementStrategy'> &
    Partial<Pick<Immutable<ServiceConfig>, 'schedulingStrategy' | 'networkConfiguration'>>;
  /** Their tasks by zone. */
  readonly zoneCounts: ReadonlyMap<string, number>;
}

/** Where a new task goes, or why nowhere. @param instances  those that come into question, in the order of registration */
export function findPlace(
  { world, rng }: Context<EcsWorld>,
  together: PlacedTogether,
  task: ToPlace,
  instances?: readonly Immutable<ContainerInstance>[],
): PlaceFound {
  const { ecs } = world;
  const request = placementRequest(ecs, together.config, task);
  const draws = rng.at('ecs.placement', task.number);
  if (instances === undefined) return findInIndex(ecs, request, ecs.placement, draws);
  return scanForPlace(prepare(request, ecs.placement), instances, draws);
}

type PlaceFound = Placed<Immutable<ContainerInstance>> | Refused;

interface ToPlace {
  readonly number: number;
  readonly group: string;
  readonly taskDefinition: string;
  readonly capacityProvider: string | undefined;
}

/** The chain that places and stops tasks: ECS's default where a service names none. A daemon needs none. */
export function chainOf({
  schedulingStrategy,
  placementStrategy,
}: PlacedTogether['config']): readonly PlacementStrategyConfig[] {
  return placementStrategy.length === 0 && schedulingStrategy === 'REPLICA' ? SERVICE_STRATEGY : placementStrategy;
}

/**
 * Requests by task definition and what is placed together, as the world holds them: both are replaced and never changed, and
 * another run has its own. Equal requests need to be written once, and the index knows them again.
 */
const requests = new WeakMap<object, WeakMap<object, Map<string | undefined, PlacementRequest>>>();

/** What is asked for when a task of a revision is placed for a provider. */
export function placementRequest(
  ecs: View,
  config: PlacedTogether['config'],
  task: Omit<ToPlace, 'number'>,
): PlacementRequest {
  const definition = definitionOf(ecs, task);
  let ofDefinition = requests.get(definition);
  if (ofDefinition === undefined) requests.set(definition, (ofDefinition = new WeakMap()));
  let ofConfig = ofDefinition.get(config);
  if (ofConfig === undefined) ofDefinition.set(config, (ofConfig = new Map<string | undefined, PlacementRequest>()));
  let request = ofConfig.get(task.capacityProvider);
  if (request === undefined) {
    request = {
      group: task.group,
      demand: definition.demand,
      requiredAttributes: definition.requiredAttributes,
      zones: zonesOf(ecs, config),
      constraints: [...definition.definition.placementConstraints, ...config.placementConstraints],
      strategies: chainOf(config),
      capacityProvider: task.capacityProvider,
    };
    ofConfig.set(task.capacityProvider, request);
  }
  return request;
}

/** Whether tasks of a service may run on an instance at all, whatever room there is, and whether or not some do already. */
export function mayRunOn(
  { ecs }: Immutable<EcsWorld>,
  service: Immutable<Service>,
  instance: Immutable<ContainerInstance>,
): boolean {
  const { config, strategy } = service;
  if (strategy.length > 0 && strategy.every(({ capacityProvider }) => capacityProvider !== instance.capacityProvider))
    return false;
  const { definition } = definitionOf(ecs, primaryOf(service));
  const constraints = [...definition.placementConstraints, ...config.placementConstraints];
  if (constraints.length === 0) return true;
  const group = groupOf(config.serviceName);
  const without = withoutGroup(instance, group);
  return constraints.every((constraint) =>
    allowsBoth(constraintOf(constraint).allows(constraint, group, ecs.placement), without),
  );
}

function withoutGroup(instance: Immutable<ContainerInstance>, group: string): Immutable<ContainerInstance> {
  const count = instance.taskGroups.get(group);
  if (count === undefined) return instance;
  const taskGroups = new Map(instance.taskGroups);
  taskGroups.delete(group);
  return { ...instance, taskGroups, runningTasksCount: instance.runningTasksCount - count };
}

/** The zones of the subnets that tasks may be in; undefined when none is named. */
export function zonesOf(
  { subnets }: View,
  { networkConfiguration }: Pick<PlacedTogether['config'], 'networkConfiguration'>,
): readonly string[] | undefined {
  // A name that is no subnet's is a zone's.
  return networkConfiguration?.awsvpcConfiguration.subnets.map((subnet) => subnets.get(subnet) ?? subnet);
}

/** Chains as events write them, by the chain: a service's is replaced and never changed. */
const writtenChains = new WeakMap<object, readonly string[]>();

function writtenChain(chain: readonly PlacementStrategyConfig[]): readonly string[] {
  let written = writtenChains.get(chain);
  if (written === undefined) {
    written = chain.map((item) => ('field' in item ? `${item.type} ${item.field}` : item.type));
    writtenChains.set(chain, written);
  }
  return written;
}

interface Starting {
  readonly number: number;
  readonly taskDefinition: string;
}

/**
 * The event that puts a task on an instance. When the host really has the room, the agent starts it, and the event says
 * how long that takes; else it waits in PENDING behind those that came before.
 */
export function placedOn(
  { instance, left, scores }: Placed<Immutable<ContainerInstance>>,
  config: PlacedTogether['config'],
  task: Starting & { readonly taskId: string },
  context: Context<EcsWorld>,
): TaskEvent {
  const { ecs } = context.world;
  const definition = definitionOf(ecs, task);
  const starts = instance.host.queue.size === 0 && mayStart(ecs, instance, instance.host, definition);
  return {
    type: 'TaskPlaced',
    taskId: task.taskId,
    ec2InstanceId: instance.ec2InstanceId,
    availabilityZone: instance.availabilityZone,
    left,
    strategies: writtenChain(chainOf(config)),
    scores,
    ...(starts ? started(instance, instance.host, task, context) : { hostPorts: [] }),
  };
}

/** What the agent's gate knows of a host: all of it but the tasks that wait. */
type Host = Immutable<Omit<HostResources, 'queue'>>;

/** From this version on the agent looks at resources; before, it waited until no task was stopping. */
const FIFO_AGENT = '1.73.0';

function mayStart(
  ecs: Immutable<EcsWorld['ecs']>,
  instance: Immutable<ContainerInstance>,
  host: Host,
  { demand }: Immutable<RegisteredTaskDefinition>,
): boolean {
  if (!hostFits(host, demand)) return false;
  if (versionIsAtLeast(instance.agentVersion, FIFO_AGENT)) return true;
  for (const taskId of instance.tasks.keys()) if (ecs.tasks.get(taskId)?.status === 'STOPPING') return false;
  return true;
}

/** How long a task on an instance takes to start, and the host ports it gets. */
function started(
  instance: Immutable<ContainerInstance>,
  host: Host,
  task: Starting,
  { world: { ecs }, nowMs, rng }: Context<EcsWorld>,
) {
  const definition = ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const draws = rng.at('ecs.taskStart', task.number);
  const { eni, containerStart } = ecs.timings;
  const eniS = definition.demand.enis > 0 ? uniform(draws, eni) : 0;
  const pullS = pullSeconds(ecs, task.taskDefinition, instance);
  const startS = draws.lognormal(containerStart.medianSeconds, containerStart.p95Seconds);
  const { ports } = pickedPorts(host, definition.dynamicPorts);
  const wanted = definition.dynamicPorts.reduce((sum, { count }) => sum + count, 0);
  // One that will fail for want of a port is not there at once when the run starts: it would be replaced for ever.
  const warmStartMs = ports.length < wanted ? Number.NEGATIVE_INFINITY : ecs.warmStartMs;
  return { hostPorts: ports, ...startTimes(nowMs, warmStartMs, eniS, pullS + startS) };
}

/** How long the pull of a task's images takes: on an instance that has them, only as long as asking. Fargate has none. */
export function pullSeconds(
  { taskDefinitions, timings }: View,
  taskDefinition: string,
  instance: Immutable<ContainerInstance> | undefined,
): number {
  const definition = taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
  return instance !== undefined && imagesOf(definition).every((image) => instance.pulled.has(image))
    ? timings.cachedPullSeconds
    : definition.compressedImageMiB / timings.pullMiBPerSecond;
}

/** The host ports for the dynamic mappings of a task; fewer than it needs when the range has run out. */
function pickedPorts(
  { portRange, ports: taken, lastPort }: Host,
  wanted: Immutable<RegisteredTaskDefinition['dynamicPorts']>,
): { readonly ports: readonly string[]; readonly lastPort: number } {
  const ports: string[] = [];
  let last = lastPort;
  for (const { protocol, count } of wanted) {
    const picked = pickHostPorts(
      portRange,
      last,
      count,
      (port) => taken.has(`${protocol}/${port}`) || (ports.length > 0 && ports.includes(`${protocol}/${port}`)),
    );
    if (picked === undefined) break;
    for (let port = picked.first; port < picked.first + count; port++) ports.push(`${protocol}/${port}`);
    last = picked.last;
  }
  return { ports, lastPort: last };
}

/**
 * Fargate has room everywhere but in zones with a fault: the zone with the fewest tasks of the service. It never has the
 * image cached, and it starts tasks no faster than its launch rate.
 */
export function placedOnFargate(
  { config, zoneCounts }: PlacedTogether,
  task: {
    readonly taskId: string;
    readonly number: number;
    readonly taskDefinition: string;
    readonly capacityProvider: string | undefined;
  },
  { world, nowMs, rng }: Context<EcsWorld>,
): TaskEvent {
  const { ecs } = world;
  const draws = rng.at('ecs.taskStart', task.number);
  const zones = fargateZones(world, task.capacityProvider, zonesOf(ecs, config));
  let availabilityZone = zones[0] as string;
  for (const zone of zones)
    if ((zoneCounts.get(zone) ?? 0) < (zoneCounts.get(availabilityZone) ?? 0)) availabilityZone = zone;
  const { eni, fargateProvision } = ecs.timings;
  const queuedS = launchDelayMs(ecs, task.capacityProvider ?? 'FARGATE', nowMs) / SECOND;
  const provisionS = draws.lognormal(fargateProvision.medianSeconds, fargateProvision.p95Seconds);
  const beforePullS = queuedS + uniform(draws, eni) + provisionS;
  const pullS = pullSeconds(ecs, task.taskDefinition, undefined);
  return {
    type: 'TaskPlaced',
    taskId: task.taskId,
    availabilityZone,
    left: [],
    strategies: [],
    scores: [],
    ...startTimes(nowMs, ecs.warmStartMs, beforePullS, pullS),
    hostPorts: [],
  };
}

function startTimes(nowMs: Millis, warmStartMs: Millis, beforePullS: number, restS: number) {
  if (nowMs === warmStartMs) return { pullStartedAtMs: nowMs, runningAtMs: nowMs };
  const pullStartedAtMs = nowMs + Math.round(beforePullS * 1_000);
  return { pullStartedAtMs, runningAtMs: pullStartedAtMs + Math.round(restS * 1_000) };
}

function uniform(
  draws: Draws,
  { fromSeconds, toSeconds }: { readonly fromSeconds: number; readonly toSeconds: number },
): number {
  return fromSeconds + draws.uniform() * (toSeconds - fromSeconds);
}

/** Whether nothing of a task is on its instance, or will be: it can be STOPPED at once. */
function leavesNothing(ecs: View, task: Immutable<Task>): boolean {
  // It has no place yet, or waits for its host.
  if (task.dueAtMs === undefined) return true;
  const { demand } = definitionOf(ecs, task);
  if (demand.enis > 0) return false;
  for (const { status } of task.containers.values()) if (status !== 'PENDING') return false;
  return true;
}

/** Whether one of the others is a task of the same service or run, revision and provider. */
function isOneLike(others: readonly Immutable<Task>[], task: Immutable<Task>): boolean {
  for (const { serviceName, startedBy, taskDefinition, capacityProvider } of others)
    if (
      serviceName === task.serviceName &&
      (serviceName !== '' || startedBy === task.startedBy) &&
      taskDefinition === task.taskDefinition &&
      capacityProvider === task.capacityProvider
    )
      return true;
  return false;
}

/** Whether its containers have had their SIGTERM. */
function isEnding({ status }: Immutable<Task>): boolean {
  return status === 'STOPPING' || status === 'DEPROVISIONING';
}

function definitionOf(ecs: View, { taskDefinition }: { readonly taskDefinition: string }) {
  return ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
}

/** The instance that a task is on; undefined on Fargate and before placement. */
export function instanceOf(ecs: View, { ec2InstanceId }: Immutable<Task>): Immutable<ContainerInstance> | undefined {
  return ec2InstanceId === undefined ? undefined : ecs.containerInstances.get(ec2InstanceId);
}

/** Whether what happens to a task is not heard of: its agent has lost touch, or may not tell. */
function isOutOfTouch(world: Immutable<EcsWorld>, task: Immutable<Task>): boolean {
  const { ecs } = world;
  if (ecs.faults.size > 0 && agentIsGone(ecs.faults, instanceOf(ecs, task))) return true;
  return silence(world, task, 'ecs:SubmitTaskStateChange').length > 0;
}

/** What the agent of a task hears when it may not tell ECS something of it. */
function silence(world: Immutable<EcsWorld>, { ec2InstanceId }: Immutable<Task>, action: AgentAction) {
  return ec2InstanceId === undefined ? [] : deniedCall(world, ec2InstanceId, action);
}

export const decideTask: Decide<EcsWorld, TaskCommand, TaskEvent | DeploymentEvent | ContainerInstanceEvent> = {
  PlaceWaitingTask(_command, context) {
    const { ecs } = context.world;
    // Tasks of one service and provider are alike: where the first finds no room, the others need not ask.
    const refused: Immutable<Task>[] = [];
    for (const taskId of ecs.waiting.keys()) {
      const task = ecs.tasks.get(taskId) as Immutable<Task>;
      if (isOneLike(refused, task)) continue;
      const together = ecs.services.get(task.serviceName) ?? (ecs.runs.get(task.startedBy) as PlacedTogether);
      const place = findPlace(context, together, task);
      if ('instance' in place) return [placedOn(place, together.config, task, context)];
      refused.push(task);
    }
    return [];
  },

  AdmitTasks({ ec2InstanceId }, context) {
    const { ecs } = context.world;
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return [];
    const events: TaskEvent[] = [];
    const host = { ...instance.host, ports: new Map(instance.host.ports) };
    for (const taskId of instance.host.queue.keys()) {
      const task = ecs.tasks.get(taskId) as Immutable<Task>;
      const definition = ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
      // Head of line: nothing behind a task that does not fit may start.
      if (!mayStart(ecs, instance, host, definition)) break;
      const start = started(instance, host, task, context);
      events.push({ type: 'TaskAdmitted', taskId, ec2InstanceId, ...start });
      host.lastPort = pickedPorts(host, definition.dynamicPorts).lastPort;
      occupyHost(host, definition.demand, start.hostPorts, 1);
    }
    return events;
  },

  PullImages({ taskId }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task === undefined || task.stopping !== undefined) return [];
    const { serviceName } = task;
    const pending: TaskEvent[] = task.status === 'PROVISIONING' ? [{ type: 'TaskPending', taskId, serviceName }] : [];
    const delay = pullDelay(world, task, nowMs);
    const events = [...pending, ...logins(world, task, nowMs)];
    return delay === undefined ? events : [...events, { type: 'ImagePullDelayed', taskId, serviceName, ...delay }];
  },

  StartContainers({ taskId }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'PENDING' || task.dueAtMs === undefined || task.dueAtMs > nowMs) return [];
    if (isOutOfTouch(world, task)) return silence(world, task, 'ecs:SubmitTaskStateChange');
    const failure = task.pullFailure ?? startRefusal(world, task) ?? portFailure(world.ecs, task);
    return failure === undefined
      ? startEvents(world, task, nowMs)
      : stopNow(world, task, 'TaskFailedToStart', failure, nowMs);
  },

  ContinueStart({ taskId }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'PENDING' || isOutOfTouch(world, task)) return [];
    const hasBegun = Array.from(task.containers.values()).some(({ status }) => status !== 'PENDING');
    return hasBegun ? startEvents(world, task, nowMs) : [];
  },

  ExpireStart({ taskId, container }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'PENDING') return [];
    const waiting = waitsFor(definitionOf(world.ecs, task).definition.containerDefinitions, task.containers, container);
    if (waiting === undefined) return [];
    const reason = `dependency graph: container ordering dependency [${container}] for target [${waiting}] has timed out.`;
    return stopNow(world, task, 'TaskFailedToStart', reason, nowMs);
  },

  CheckContainer({ taskId, container: name }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    const container = task?.containers.get(name);
    if (task === undefined || container?.status !== 'RUNNING' || container.checkedAtMs === nowMs) return [];
    if (isEnding(task) || isOutOfTouch(world, task)) return [];
    const { containerDefinitions } = definitionOf(world.ecs, task).definition;
    const definition = containerDefinitions.find((other) => other.name === name);
    if (definition?.healthCheck === undefined) return [];
    const unheard = silence(world, task, 'ecs:StartTelemetrySession');
    if (unheard.length > 0) return unheard;
    const { retries, startPeriod } = definition.healthCheck;
    const { healthStatus, failures: before, hasPassed } = container;
    const startedAtMs = container.startedAtMs as Millis;
    const checked = { type: 'ContainerHealthChecked', taskId, serviceName: task.serviceName, container: name } as const;
    const isAnswered = nowMs >= startedAtMs + answersAfterMs(world, task, definition);
    const passes =
      isAnswered && definition.behavior?.healthChecks !== 'fail' && !checksFail(world.ecs.faults, 'container', task);
    if (passes) {
      if (healthStatus === 'HEALTHY' && before === 0) return [];
      return [{ ...checked, passed: true, failures: 0, healthStatus: 'HEALTHY' }];
    }
    if (healthStatus === 'UNHEALTHY') return [];
    const counts = hasPassed || nowMs > startedAtMs + startPeriod * SECOND;
    const count = counts ? before + 1 : 0;
    return [
      { ...checked, passed: false, failures: count, healthStatus: count >= retries ? 'UNHEALTHY' : healthStatus },
    ];
  },

  ExitContainer({ taskId, container: name, exitCode, reason: cause, faultId }, { world, nowMs }) {
    const { ecs } = world;
    const task = ecs.tasks.get(taskId);
    const container = task?.containers.get(name);
    if (task === undefined || container?.status !== 'RUNNING' || isEnding(task)) return [];
    if ((faultId !== '' && !ecs.faults.has(faultId)) || isOutOfTouch(world, task)) return [];
    const { serviceName } = task;
    const ended: TaskEvent = {
      type: 'ContainerStopped',
      taskId,
      serviceName,
      container: name,
      exitCode,
      ...(cause === undefined ? {} : { reason: cause }),
    };
    const { containerDefinitions } = definitionOf(ecs, task).definition;
    if (containerDefinitions.find((other) => other.name === name)?.essential !== true) return [ended];
    const containers = new Map(task.containers);
    containers.set(name, { ...container, status: 'STOPPED', exitCode });
    const { stopCode, reason } = task.stopping ?? {
      stopCode: 'EssentialContainerExited',
      reason: 'Essential container in task exited',
    };
    return [ended, ...stopNow(world, { ...task, containers }, stopCode, reason, nowMs)];
  },

  StopTask({ taskId, stopCode, reason }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task === undefined || task.stopping !== undefined) return [];
    const { serviceName } = task;
    const service = world.ecs.services.get(serviceName);
    if (task.status === 'RUNNING' && service !== undefined && service.config.loadBalancers.length > 0)
      return [{ type: 'TaskDeactivating', taskId, serviceName, stopCode, reason }];
    return stopNow(world, task, stopCode, reason, nowMs);
  },

  StopContainers({ taskId }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'DEACTIVATING') return [];
    const { stopCode, reason } = task.stopping as NonNullable<Task['stopping']>;
    return stopNow(world, task, stopCode, reason, nowMs);
  },

  FinishTask({ taskId }, { world, nowMs, rng }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'STOPPING' || (task.dueAtMs as Millis) > nowMs || isOutOfTouch(world, task)) return [];
    const { stopCode, reason } = task.stopping as NonNullable<Task['stopping']>;
    if (definitionOf(world.ecs, task).demand.enis === 0) return [stopped(task, stopCode, reason)];
    const { from, to } = world.ecs.assumptions.tasks.interfaceDetach;
    const detachMs = from + rng.at('ecs.interfaceDetach', task.number).int(Math.max(1, to - from + 1));
    const { serviceName } = task;
    return [{ type: 'TaskDeprovisioning', taskId, serviceName, detachedAtMs: nowMs + detachMs }];
  },

  DetachInterface({ taskId }, { world }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'DEPROVISIONING') return [];
    const { stopCode, reason } = task.stopping as NonNullable<Task['stopping']>;
    return [stopped(task, stopCode, reason)];
  },

  GiveUpTask({ taskId }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task === undefined || !world.ecs.waiting.has(taskId)) return [];
    const reason = 'TaskFailedToStart: no capacity within the provisioning time-out';
    return stopNow(world, task, 'TaskFailedToStart', reason, nowMs);
  },

  LoseContainerInstance({ ec2InstanceId }, { world: { ecs } }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return [];
    return leave(ecs, instance, 'TerminationNotice', `Host EC2 (instance ${ec2InstanceId}) terminated.`);
  },

  DeregisterContainerInstance({ ec2InstanceId, force }, { world: { ecs } }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return [refusedChange(ec2InstanceId, 'MISSING')];
    if (instance.tasks.size > 0 && !force)
      return [refusedChange(ec2InstanceId, 'Found running tasks on the instance.')];
    // Its tasks run on as orphans, which ECS no longer sees: to the cluster they have stopped.
    return leave(ecs, instance, 'UserInitiated', 'Container instance deregistration forced by user');
  },

  UpdateTaskProtection({ serviceName, taskIds, protectionEnabled, expiresInMinutes }, { world: { ecs }, nowMs }) {
    const ids = taskIds.length > 0 ? taskIds : Array.from(ecs.services.get(serviceName)?.tasks.keys() ?? []);
    return ids.flatMap((taskId): TaskEvent[] => {
      const task = ecs.tasks.get(taskId);
      if (task === undefined) return [{ type: 'TaskProtectionRefused', taskId, reason: 'MISSING' }];
      const service = ecs.services.get(task.serviceName);
      if (service === undefined) return [{ type: 'TaskProtectionRefused', taskId, reason: 'TASK_NOT_VALID' }];
      if (taskIds.length === 0 && task.status !== 'RUNNING') return [];
      const primary = primaryOf(service);
      const isOld = task.startedBy !== primary.deploymentId;
      // Choice: AWS does not say when a deployment is blocked by it; we refuse to protect what a rollout is to stop.
      if (protectionEnabled && isOld && primary.rolloutState === 'IN_PROGRESS')
        return [{ type: 'TaskProtectionRefused', taskId, reason: 'DEPLOYMENT_BLOCKED' }];
      const until = protectionEnabled ? { protectedUntilMs: nowMs + expiresInMinutes * MINUTE } : {};
      return [{ type: 'TaskProtectionUpdated', taskId, serviceName: task.serviceName, ...until }];
    });
  },

  ExpireTaskProtection({ taskId }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.protectedUntilMs !== nowMs) return [];
    return [{ type: 'TaskProtectionUpdated', taskId, serviceName: task.serviceName }];
  },
};

/** An instance leaves the cluster, and with it every task on it. */
function leave(
  ecs: View,
  { ec2InstanceId, tasks }: Immutable<ContainerInstance>,
  stopCode: TaskStopCode,
  reason: string,
): (TaskEvent | ContainerInstanceEvent)[] {
  const lost = Array.from(tasks.keys(), (taskId) =>
    stopped(ecs.tasks.get(taskId) as Immutable<Task>, stopCode, reason),
  );
  return [...lost, { type: 'ContainerInstanceDeregistered', ec2InstanceId }];
}

/** The containers that start now; the task is RUNNING with the last of them, or stops when one can never start. */
function startEvents(
  world: Immutable<EcsWorld>,
  task: Immutable<Task>,
  nowMs: Millis,
): (TaskEvent | DeploymentEvent)[] {
  const { taskId, serviceName, containers } = task;
  const { containerDefinitions } = definitionOf(world.ecs, task).definition;
  const starting = startable(containerDefinitions, containers);
  let pending = 0;
  for (const { status } of containers.values()) if (status === 'PENDING') pending++;
  if (starting.length < pending && starting.length > 0)
    return [{ type: 'ContainersStarted', taskId, serviceName, containers: starting }];
  if (starting.length < pending) {
    const blocked = blockedStart(containerDefinitions, containers);
    return blocked === undefined ? [] : stopNow(world, task, 'TaskFailedToStart', blocked, nowMs);
  }
  const running = { type: 'TaskRunning', taskId, serviceName } as const;
  const registers = (world.ecs.services.get(serviceName)?.config.loadBalancers.length ?? 0) > 0;
  return registers ? [{ type: 'TaskActivating', taskId, serviceName }, running] : [running];
}

/** What is unusual about the pulls of a task that begin now: the first image whose pull fails, or the slowest. */
function pullDelay(
  world: Immutable<EcsWorld>,
  task: Immutable<Task>,
  nowMs: Millis,
): { readonly image: string; readonly untilMs: Millis; readonly failure?: string } | undefined {
  const { ecs, ec2 } = world;
  const instance = instanceOf(ecs, task);
  const host = ec2.instances.get(task.ec2InstanceId ?? '');
  const { ECS_IMAGE_PULL_BEHAVIOR: behavior = 'default' } =
    ec2.groups.get(host?.autoScalingGroupName ?? '')?.config.ecsConfig ?? {};
  let delay: { readonly image: string; readonly untilMs: Millis; readonly failure?: string } | undefined;
  for (const image of imagesOf(definitionOf(ecs, task))) {
    const isCached = instance?.pulled.has(image) === true;
    if (isCached && (behavior === 'once' || behavior === 'prefer-cached')) continue;
    const fails = !isCached || behavior !== 'default';
    const refusal = fails ? pullRefusal(world, task, image, isLoggedIn(instance, image, nowMs)) : undefined;
    if (refusal !== undefined) return { image, untilMs: nowMs + PULL_RETRIES_MS, failure: refusal };
    const fault = pullFault(ecs.faults, image);
    if (fault === undefined) continue;
    if (fault.kind === 'SlowPull') {
      const pullMs = Math.round(((task.dueAtMs as Millis) - nowMs) * fault.factor);
      const untilMs = nowMs + Math.min(pullMs, MOST_PULL_MS);
      const failure = pullMs > MOST_PULL_MS ? { failure: 'CannotPullContainerError: the pull timed out.' } : {};
      if (untilMs > (delay?.untilMs ?? 0)) delay = { image, untilMs, ...failure };
    } else if (fails) {
      if (fault.kind === 'PullRateExceeded')
        return {
          image,
          untilMs: nowMs + PULL_RETRIES_MS,
          failure:
            'CannotPullContainerError: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading',
        };
      if (fault.kind === 'PullTimeout')
        return {
          image,
          untilMs: nowMs + PULL_TIMEOUT_MS,
          failure: 'CannotPullContainerError: API error (500): net/http: request canceled while waiting for connection',
        };
      const failure = `CannotPullContainerError: API error (404): repository ${image} not found`;
      return { image, untilMs: nowMs + PULL_RETRIES_MS, failure };
    }
  }
  return delay;
}

function isLoggedIn(instance: Immutable<ContainerInstance> | undefined, image: string, nowMs: Millis): boolean {
  return (instance?.registryTokens.get(imageReference(image).registry ?? '') ?? 0) > nowMs;
}

/** The logins to Amazon ECR that pulling the images of a task takes on its instance. On Fargate nobody remembers them. */
function logins(world: Immutable<EcsWorld>, task: Immutable<Task>, nowMs: Millis): readonly ContainerInstanceEvent[] {
  const instance = instanceOf(world.ecs, task);
  if (instance === undefined) return [];
  const registries = new Set<string>();
  for (const image of imagesOf(definitionOf(world.ecs, task))) {
    const { ecr, registry } = imageReference(image);
    const needsLogin = ecr !== undefined && !isLoggedIn(instance, image, nowMs);
    if (needsLogin && mayLogIn(world, task)) registries.add(registry as string);
  }
  const expiresAtMs = nowMs + TOKEN_LIFE_HOURS * HOUR;
  return Array.from(registries, (registry) => ({
    type: 'RegistryTokenIssued',
    ec2InstanceId: instance.ec2InstanceId,
    registry,
    expiresAtMs,
  }));
}

/** From the start of a container until its application answers health checks. */
export function answersAfterMs(
  { ecs, workload }: Immutable<EcsWorld>,
  task: Immutable<Task>,
  definition: Immutable<ContainerLife> | undefined,
): Millis {
  if (task.runningSinceMs === ecs.warmStartMs) return 0;
  return definition?.behavior?.answersAfter ?? workload.loads.get(task.serviceName)?.config.startup ?? 0;
}

/**
 * The task stops now: what of it runs gets its SIGTERM; what has not come so far is STOPPED at once. When it has never been
 * RUNNING, and nobody wanted it to stop, the scheduler takes it for a failure.
 */
function stopNow(
  world: Immutable<EcsWorld>,
  task: Immutable<Task>,
  stopCode: TaskStopCode,
  reason: string,
  nowMs: Millis,
): (TaskEvent | DeploymentEvent)[] {
  const { ecs } = world;
  const { taskId, serviceName } = task;
  const service = ecs.services.get(serviceName);
  const isFailure = stopCode === 'TaskFailedToStart' || stopCode === 'EssentialContainerExited';
  const failed =
    service !== undefined && isFailure && task.runningSinceMs === undefined
      ? [...throttle(world, service, nowMs), ...failures(world, service, task.startedBy, 1, 'start')]
      : [];
  if (leavesNothing(ecs, task)) return [stopped(task, stopCode, reason), ...failed];
  const { containerDefinitions } = definitionOf(ecs, task).definition;
  const plan = stopPlan(containerDefinitions, task.containers, nowMs);
  return [{ type: 'TaskStopping', taskId, serviceName, stopCode, reason, ...plan }, ...failed];
}

/** Why its containers cannot be started; undefined when they can. */
function portFailure(ecs: View, task: Immutable<Task>): string | undefined {
  const { dynamicPorts } = definitionOf(ecs, task);
  const wanted = task.ec2InstanceId === undefined ? 0 : dynamicPorts.reduce((sum, { count }) => sum + count, 0);
  return task.hostPorts.length < wanted ? 'CannotStartContainerError: a host port is unavailable' : undefined;
}

function stopped(
  { taskId, serviceName, ec2InstanceId }: Immutable<Task>,
  stopCode: TaskStopCode,
  reason: string,
): TaskEvent {
  const where = ec2InstanceId === undefined ? {} : { ec2InstanceId };
  return { type: 'TaskStopped', taskId, serviceName, ...where, stopCode, reason };
}

/** What an event says of a task that found no place. */
export function refusalOf({ reason, closest, lack, refusedBy, refusedCounts }: Refused) {
  return {
    reason,
    ...(closest === undefined ? {} : { closest }),
    ...(lack === undefined ? {} : { lack }),
    refusedBy,
    refusedCounts,
  };
}

/** The waiting event of a task that found no place. */
export function waitingFor(
  place: Refused,
  task: { readonly taskId: string; readonly number: number },
  { world: { ecs }, nowMs, rng }: Context<EcsWorld>,
): TaskEvent {
  const draws = rng.at('ecs.provisioningTimeout', task.number);
  return {
    type: 'TaskWaiting',
    taskId: task.taskId,
    ...refusalOf(place),
    givesUpAtMs: nowMs + Math.round(uniform(draws, ecs.capacity.provisioningTimeout) * 1_000),
  };
}

function isDaemonTask(ecs: View, { serviceName }: Immutable<Task>): boolean {
  return ecs.services.get(serviceName)?.config.schedulingStrategy === 'DAEMON';
}

/** How a task on its way out is accounted for: whether its CPU, memory and ports are free for others by now. */
export function hasReleased(ecs: View, task: Immutable<Task>): boolean {
  if (!isEnding(task)) return false;
  // A daemon keeps its room, so that its next task finds it.
  return ecs.placement.releaseAt === 'STOPPING' && !isDaemonTask(ecs, task);
}

/** Whether the network interface of a task on its way out is free for another by now. */
function hasDetached(ecs: View, task: Immutable<Task>): boolean {
  return isEnding(task) && ecs.placement.releaseEniAt === 'STOPPING';
}

export const evolveTask: Evolve<EcsWorld, TaskEvent> = {
  TaskCreated({ ecs }, { taskId, number, serviceName, group, startedBy, taskDefinition, capacityProvider }) {
    ecs.nextTask = number + 1;
    ecs.tasks.set(taskId, {
      taskId,
      number,
      serviceName,
      group,
      startedBy,
      taskDefinition,
      capacityProvider,
      status: 'PROVISIONING',
      availabilityZone: undefined,
      ec2InstanceId: undefined,
      dueAtMs: undefined,
      pullFailure: undefined,
      runningSinceMs: undefined,
      hostPorts: [],
      containers: new Map(),
      protectedUntilMs: undefined,
      stopping: undefined,
    });
    const run = ecs.runs.get(startedBy);
    if (run !== undefined) {
      run.starting--;
      run.tasks++;
      noteAnswer(ecs, run, undefined);
    }
    const service = ecs.services.get(serviceName);
    if (service === undefined) return;
    service.tasks.set(taskId, true);
    service.starting--;
    service.pendingCount++;
    service.steady = false;
    const deployment = deploymentOf(service, startedBy);
    addTo(deployment.starting, capacityProvider ?? '', -1);
    deployment.taskCount++;
  },

  TaskWaiting({ ecs }, { taskId }) {
    ecs.waiting.set(taskId, true);
  },

  TaskPlaced({ ecs }, { taskId, ec2InstanceId, availabilityZone, runningAtMs, hostPorts }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    if (isFargate(task.capacityProvider ?? '')) takeToken(ecs, task.capacityProvider as string, atMs);
    const { definition, demand } = ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition;
    ecs.waiting.delete(taskId);
    if (demand.enis === 0 || runningAtMs === undefined) task.status = 'PENDING';
    task.availabilityZone = availabilityZone;
    task.ec2InstanceId = ec2InstanceId;
    task.dueAtMs = runningAtMs;
    for (const { name } of definition.containerDefinitions) task.containers.set(name, newContainer());
    const counted = ecs.services.get(task.serviceName) ?? ecs.runs.get(task.startedBy);
    if (counted !== undefined) addTo(counted.zoneCounts, availabilityZone, 1);
    const instance = ec2InstanceId === undefined ? undefined : ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return;
    instance.tasks.set(taskId, true);
    if (!isDaemonTask(ecs, task)) occupy(ecs, instance, 1);
    if (instance.status === 'DRAINING') listDraining(ecs, task, true);
    countTask(ecs, instance, task.group, 1);
    reserve(ecs, instance, demand, 1);
    attachEni(ecs, instance, demand, 1);
    if (runningAtMs === undefined) instance.host.queue.set(taskId, true);
    else admit(ecs, instance, task, hostPorts);
  },

  TaskAdmitted({ ecs }, { taskId, ec2InstanceId, runningAtMs, hostPorts }) {
    const instance = ecs.containerInstances.get(ec2InstanceId) as ContainerInstance;
    const task = ecs.tasks.get(taskId) as Task;
    task.dueAtMs = runningAtMs;
    instance.host.queue.delete(taskId);
    admit(ecs, instance, task, hostPorts);
  },

  TaskPending({ ecs }, { taskId }) {
    (ecs.tasks.get(taskId) as Task).status = 'PENDING';
  },

  ImagePullDelayed({ ecs }, { taskId, untilMs, failure }) {
    const task = ecs.tasks.get(taskId) as Task;
    task.dueAtMs = untilMs;
    task.pullFailure = failure;
  },

  ContainersStarted({ ecs }, { taskId, containers }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    for (const name of containers) startContainer(task.containers.get(name) as TaskContainer, atMs);
    rememberImages(ecs, task);
  },

  ContainerStopped({ ecs }, { taskId, container: name, exitCode }) {
    const container = (ecs.tasks.get(taskId) as Task).containers.get(name) as TaskContainer;
    container.status = 'STOPPED';
    container.exitCode = exitCode;
  },

  ContainerHealthChecked({ ecs }, { taskId, container: name, passed, failures: count, healthStatus }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    const container = task.containers.get(name) as TaskContainer;
    container.checkedAtMs = atMs;
    container.failures = count;
    container.hasPassed ||= passed;
    container.healthStatus = healthStatus;
    const service = ecs.services.get(task.serviceName);
    if (service !== undefined && healthStatus === 'UNHEALTHY') service.steady = false;
  },

  TaskActivating({ ecs }, { taskId }) {
    (ecs.tasks.get(taskId) as Task).status = 'ACTIVATING';
  },

  TaskRunning({ ecs }, { taskId }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    task.status = 'RUNNING';
    task.runningSinceMs = atMs;
    for (const container of task.containers.values())
      if (container.status === 'PENDING') startContainer(container, atMs);
    rememberImages(ecs, task);
    const instance = hostOf(ecs, task);
    if (instance !== undefined) countRunning(ecs, instance, task.group, 1);
    const run = ecs.runs.get(task.startedBy);
    if (run !== undefined) {
      countRunningOfRun(run, task, 1);
      const { demand } = ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition;
      noteJobStart(ecs, run, task, demand.cpuUnits, atMs);
    }
    const service = ecs.services.get(task.serviceName);
    if (service === undefined) return;
    service.pendingCount--;
    service.runningCount++;
    if (atMs !== ecs.warmStartMs) service.startedCount++;
    service.startFailures = 0;
    service.throttledUntilMs = 0;
    const deployment = deploymentOf(service, task.startedBy);
    deployment.runningCount++;
    deployment.hasRun = true;
  },

  TaskDeactivating({ ecs }, { taskId, stopCode, reason }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    goOut(ecs, task, stopCode, reason, atMs);
    task.status = 'DEACTIVATING';
  },

  TaskStopping({ ecs }, { taskId, stopCode, reason, stoppedAtMs }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    goOut(ecs, task, stopCode, reason, atMs);
    task.status = 'STOPPING';
    task.dueAtMs = stoppedAtMs;
    if (hasReleased(ecs, task)) release(ecs, task);
    if (hasDetached(ecs, task)) detach(ecs, task);
  },

  TaskDeprovisioning({ ecs }, { taskId }) {
    (ecs.tasks.get(taskId) as Task).status = 'DEPROVISIONING';
  },

  TaskStopped({ ecs }, { taskId, stopCode, reason }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    goOut(ecs, task, stopCode, reason, atMs);
    if (!hasReleased(ecs, task)) release(ecs, task);
    if (!hasDetached(ecs, task)) detach(ecs, task);
    leaveHost(ecs, task);
    ecs.tasks.delete(taskId);
    ecs.waiting.delete(taskId);
    const run = ecs.runs.get(task.startedBy);
    if (run !== undefined) {
      run.tasks--;
      if (run.tasks === 0 && run.starting === 0) ecs.runs.delete(task.startedBy);
    }
    const service = ecs.services.get(task.serviceName);
    if (service === undefined) return;
    service.stopping.delete(taskId);
    if (task.protectedUntilMs !== undefined) service.protectedCount--;
    service.steady = false;
    service.tasks.delete(taskId);
    deploymentOf(service, task.startedBy).taskCount--;
    dropInactive(service);
  },

  TaskProtectionUpdated({ ecs }, { taskId, protectedUntilMs }) {
    const task = ecs.tasks.get(taskId) as Task;
    const service = ecs.services.get(task.serviceName);
    if (service !== undefined)
      service.protectedCount += Number(protectedUntilMs !== undefined) - Number(task.protectedUntilMs !== undefined);
    task.protectedUntilMs = protectedUntilMs;
  },
  TaskProtectionRefused() {},
};

/** The agent starts the task: the host's resources are its own now. */
function admit(ecs: EcsWorld['ecs'], { host }: ContainerInstance, task: Task, hostPorts: readonly string[]): void {
  const { demand, dynamicPorts } = ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition;
  host.lastPort = pickedPorts(host, dynamicPorts).lastPort;
  occupyHost(host, demand, hostPorts, 1);
  task.hostPorts = hostPorts;
}

/** The containers have ended, or will not be started: nothing of the host is the task's any more. */
function leaveHost(ecs: EcsWorld['ecs'], task: Task): void {
  const instance = hostOf(ecs, task);
  if (instance === undefined) return;
  const { demand } = ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition;
  instance.tasks.delete(task.taskId);
  if (!isDaemonTask(ecs, task)) occupy(ecs, instance, -1);
  if (!instance.host.queue.delete(task.taskId)) occupyHost(instance.host, demand, task.hostPorts, -1);
}

/** The instance a task is on; undefined on Fargate, before placement, and when it has gone. */
function hostOf(ecs: EcsWorld['ecs'], { ec2InstanceId }: Task): ContainerInstance | undefined {
  return ec2InstanceId === undefined ? undefined : ecs.containerInstances.get(ec2InstanceId);
}

function deploymentOf(service: Service, deploymentId: string): Deployment {
  return service.deployments.find((deployment) => deployment.deploymentId === deploymentId) as Deployment;
}

function startContainer(container: TaskContainer, atMs: Millis): void {
  container.status = 'RUNNING';
  container.startedAtMs = atMs;
}

/** The instance has the images of the task by now. */
function rememberImages(ecs: EcsWorld['ecs'], task: Task): void {
  const instance = hostOf(ecs, task);
  if (instance === undefined) return;
  const definition = ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition;
  for (const image of imagesOf(definition)) instance.pulled.set(image, true);
}

/**
 * The task is no longer meant to run: it stops counting for spread, constraints and the provider split. Once; the later steps
 * of its end change nothing.
 */
function goOut(ecs: EcsWorld['ecs'], task: Task, stopCode: TaskStopCode, reason: string, atMs: Millis): void {
  if (task.stopping !== undefined) return;
  task.stopping = { stopCode, reason };
  const service = ecs.services.get(task.serviceName);
  const run = service === undefined ? ecs.runs.get(task.startedBy) : undefined;
  if (run !== undefined) {
    if (task.status === 'RUNNING') countRunningOfRun(run, task, -1);
    noteJobEnd(ecs, run, atMs);
  }
  const counted = service ?? run;
  if (task.availabilityZone !== undefined && counted !== undefined)
    addTo(counted.zoneCounts, task.availabilityZone, -1);
  const instance = hostOf(ecs, task);
  if (instance !== undefined) {
    countTask(ecs, instance, task.group, -1);
    if (instance.status === 'DRAINING') listDraining(ecs, task, false);
    if (task.status === 'RUNNING') countRunning(ecs, instance, task.group, -1);
  }
  if (service === undefined) return;
  addTo(service.providerCounts, task.capacityProvider ?? '', -1);
  service.stopping.set(task.taskId, true);
  service.asked.delete(task.taskId);
  service.steady = false;
  if (task.status !== 'RUNNING') service.pendingCount--;
  else {
    service.runningCount--;
    deploymentOf(service, task.startedBy).runningCount--;
  }
}

function countRunningOfRun(run: TaskRun, { ec2InstanceId }: Task, change: number): void {
  run.runningCount += change;
  if (ec2InstanceId !== undefined) run.runningOnInstances += change;
}

/** Gives back the task's network interface. */
function detach(ecs: EcsWorld['ecs'], task: Task): void {
  const instance = hostOf(ecs, task);
  if (instance === undefined) return;
  attachEni(ecs, instance, (ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition).demand, -1);
}

/** Gives back what the task reserved, but for its network interface. */
function release(ecs: EcsWorld['ecs'], task: Task): void {
  const instance = hostOf(ecs, task);
  if (instance === undefined) return;
  reserve(ecs, instance, (ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition).demand, -1);
}
