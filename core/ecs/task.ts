/**
 * Tasks: PROVISIONING, PENDING, RUNNING, DEACTIVATING, STOPPING, STOPPED; each change one event.
 *
 * @source spec/placement.md chapter 5, 1.4; timings spec/capacity.md chapter 9
 */

import type { Immutable } from 'immer';
import {
  event,
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
import { fargateZones, launchDelayMs, takeToken } from './capacity/fargate.ts';
import { isFargate } from './capacity/strategy.ts';
import {
  addTo,
  attachEni,
  countRunning,
  countTask,
  hostFits,
  occupyHost,
  reserve,
  type ContainerInstance,
  type ContainerInstanceEvent,
  type HostResources,
} from './containerInstance.ts';
import { pickHostPorts } from './hostPorts.ts';
import type { Placed, PlacementFailure, PlacementRequest, Refused } from './placement/engine.ts';
import { findInIndex } from './placement/placementIndex.ts';
import { versionIsAtLeast } from './placement/query.ts';
import { SERVICE_STRATEGY, type PlacementStrategyConfig } from './placement/strategies.ts';
import type { Service } from './service.ts';
import type { RegisteredTaskDefinition } from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

export type TaskStatus = 'PROVISIONING' | 'PENDING' | 'RUNNING' | 'DEACTIVATING' | 'STOPPING';

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
  readonly serviceName: string;
  readonly taskDefinition: string;
  /** Absent for the launch type EC2. */
  readonly capacityProvider: string | undefined;
  status: TaskStatus;
  availabilityZone: string | undefined;
  /** Absent on Fargate and before placement. */
  ec2InstanceId: string | undefined;
  runningSinceMs: Millis | undefined;
  /** Host ports that the instance picked for it, as `tcp/32768`. */
  hostPorts: readonly string[];
  /** Why it is on its way out. */
  stopping: { readonly stopCode: TaskStopCode; readonly reason: string } | undefined;
}

export const taskEvents = {
  TaskCreated: event('A task was created and looks for a place.', {
    taskId: text('the task'),
    number: number('position in the order of creation'),
    serviceName: text('its service'),
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
  TaskRunning: event('The containers have started.', {
    taskId: text('the task'),
    serviceName: text('its service'),
  }),
  TaskDeactivating: event('ECS takes the task out of its target group before it stops it.', {
    taskId: text('the task'),
    serviceName: text('its service'),
    stopCode: text<TaskStopCode>("AWS's stop code"),
    reason: text("AWS's stopped reason"),
  }),
  TaskStopping: event('SIGTERM was sent; ECS counts the resources as free.', {
    taskId: text('the task'),
    serviceName: text('its service'),
    stoppedAtMs: number('when its containers will have ended'),
  }),
  TaskStopped: event('The task is gone.', {
    taskId: text('the task'),
    serviceName: text('its service'),
    ec2InstanceId: optional(text('the container instance it was on; absent on Fargate and before placement')),
    stopCode: text<TaskStopCode>("AWS's stop code"),
    reason: text("AWS's stopped reason"),
  }),
} as const;
export type TaskEvent = EventsOf<typeof taskEvents>;

export type TaskCommand =
  /** Finds places for waiting tasks, one at a time. */
  | { readonly type: 'PlaceWaitingTask' }
  /** Resources of a host have become free: tasks in its queue may start. */
  | { readonly type: 'AdmitTasks'; readonly ec2InstanceId: string }
  | { readonly type: 'StartTask'; readonly taskId: string }
  | {
      readonly type: 'StopTask';
      readonly taskId: string;
      readonly stopCode: TaskStopCode;
      readonly reason: string;
    }
  /** The load balancer is done with the task. */
  | { readonly type: 'StopContainers'; readonly taskId: string }
  | { readonly type: 'FinishTask'; readonly taskId: string }
  | { readonly type: 'GiveUpTask'; readonly taskId: string }
  /** The instance has gone; its tasks go with it. */
  | { readonly type: 'LoseContainerInstance'; readonly ec2InstanceId: string };

/** Choice: the application ends a second after SIGTERM, well within any stopTimeout. */
const EXIT_MS = 1 * SECOND;
const SERVICE_GROUP = 'service:';

/** The task group of a service's tasks. @source AWS, ECS Developer Guide, "Task groups" */
export function groupOf(serviceName: string): string {
  return `${SERVICE_GROUP}${serviceName}`;
}

/** The service whose tasks a group has, if it is a service's. */
export function serviceOfGroup(group: string): string | undefined {
  return group.startsWith(SERVICE_GROUP) ? group.slice(SERVICE_GROUP.length) : undefined;
}

/** The chain that places and stops the tasks of a service. */
function chainOf(written: readonly PlacementStrategyConfig[]): readonly PlacementStrategyConfig[] {
  return written.length === 0 ? SERVICE_STRATEGY : written;
}

/**
 * Requests by task definition and service, as the world holds them: both are replaced and never changed, and another run
 * has its own. Equal requests need to be written once, and the index knows them again.
 */
const requests = new WeakMap<object, WeakMap<object, Map<string | undefined, PlacementRequest>>>();

/** What a service asks for when it places a task of a revision for a provider. */
export function placementRequest(
  ecs: Immutable<EcsWorld['ecs']>,
  config: Immutable<Service>['config'],
  taskDefinition: string,
  capacityProvider: string | undefined,
): PlacementRequest {
  const definition = ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
  let ofDefinition = requests.get(definition);
  if (ofDefinition === undefined) requests.set(definition, (ofDefinition = new WeakMap()));
  let ofService = ofDefinition.get(config);
  if (ofService === undefined) ofDefinition.set(config, (ofService = new Map<string | undefined, PlacementRequest>()));
  let request = ofService.get(capacityProvider);
  if (request === undefined) {
    request = {
      group: groupOf(config.serviceName),
      demand: definition.demand,
      requiredAttributes: definition.requiredAttributes,
      zones: zonesOf(ecs, config),
      constraints: [...definition.definition.placementConstraints, ...config.placementConstraints],
      strategies: chainOf(config.placementStrategy),
      capacityProvider,
    };
    ofService.set(capacityProvider, request);
  }
  return request;
}

type PlaceFound = Placed<Immutable<ContainerInstance>> | Refused;

/** Where a new task of a service goes, or why nowhere. */
export function findPlace(
  { world, rng }: Context<EcsWorld>,
  { config }: Immutable<Service>,
  task: { readonly number: number; readonly taskDefinition: string; readonly capacityProvider: string | undefined },
): PlaceFound {
  const { ecs } = world;
  const request = placementRequest(ecs, config, task.taskDefinition, task.capacityProvider);
  return findInIndex(ecs, request, ecs.placement, rng.at('ecs.placement', task.number));
}

/** The zones of a service's subnets; undefined when it names none. */
export function zonesOf(
  { subnets }: Immutable<EcsWorld['ecs']>,
  { networkConfiguration }: Immutable<Service>['config'],
): readonly string[] | undefined {
  // A name that is no subnet's is a zone's.
  return networkConfiguration?.awsvpcConfiguration.subnets.map((subnet) => subnets.get(subnet) ?? subnet);
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
  written: readonly PlacementStrategyConfig[],
  task: Starting & { readonly taskId: string },
  context: Context<EcsWorld>,
): TaskEvent {
  const { ecs } = context.world;
  const definition = ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const starts = instance.host.queue.size === 0 && mayStart(ecs, instance, instance.host, definition);
  return {
    type: 'TaskPlaced',
    taskId: task.taskId,
    ec2InstanceId: instance.ec2InstanceId,
    availabilityZone: instance.availabilityZone,
    left,
    strategies: chainOf(written).map((item) => ('field' in item ? `${item.type} ${item.field}` : item.type)),
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
  const { eni, containerStart, cachedPullSeconds, pullMiBPerSecond } = ecs.timings;
  const eniS = definition.demand.enis > 0 ? uniform(draws, eni) : 0;
  const pullS = instance.pulled.has(task.taskDefinition)
    ? cachedPullSeconds
    : definition.compressedImageMiB / pullMiBPerSecond;
  const startS = draws.lognormal(containerStart.medianSeconds, containerStart.p95Seconds);
  const { ports } = pickedPorts(host, definition.dynamicPorts);
  const wanted = definition.dynamicPorts.reduce((sum, { count }) => sum + count, 0);
  // One that will fail for want of a port is not there at once when the run starts: it would be replaced for ever.
  const warmStartMs = ports.length < wanted ? Number.NEGATIVE_INFINITY : ecs.warmStartMs;
  return { ...startTimes(nowMs, warmStartMs, eniS, pullS + startS), hostPorts: ports };
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
      (port) => taken.has(`${protocol}/${port}`) || ports.includes(`${protocol}/${port}`),
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
  service: Immutable<Service>,
  task: {
    readonly taskId: string;
    readonly number: number;
    readonly taskDefinition: string;
    readonly capacityProvider: string | undefined;
  },
  { world, nowMs, rng }: Context<EcsWorld>,
): TaskEvent {
  const { ecs } = world;
  const definition = ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const draws = rng.at('ecs.taskStart', task.number);
  const zones = fargateZones(world, task.capacityProvider, zonesOf(ecs, service.config));
  let availabilityZone = zones[0] as string;
  for (const zone of zones)
    if ((service.zoneCounts.get(zone) ?? 0) < (service.zoneCounts.get(availabilityZone) ?? 0)) availabilityZone = zone;
  const { eni, fargateProvision, pullMiBPerSecond } = ecs.timings;
  const queuedS = launchDelayMs(ecs, task.capacityProvider ?? 'FARGATE', nowMs) / SECOND;
  const provisionS = draws.lognormal(fargateProvision.medianSeconds, fargateProvision.p95Seconds);
  const beforePullS = queuedS + uniform(draws, eni) + provisionS;
  const pullS = definition.compressedImageMiB / pullMiBPerSecond;
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

export const decideTask: Decide<EcsWorld, TaskCommand, TaskEvent | ContainerInstanceEvent> = {
  PlaceWaitingTask(_command, context) {
    const { ecs } = context.world;
    // Tasks of one service and provider are alike: where the first finds no room, the others need not ask.
    const refused = new Set<string>();
    for (const taskId of ecs.waiting.keys()) {
      const task = ecs.tasks.get(taskId) as Immutable<Task>;
      const kind = `${task.serviceName} ${task.taskDefinition} ${task.capacityProvider}`;
      if (refused.has(kind)) continue;
      const service = ecs.services.get(task.serviceName) as Immutable<Service>;
      const place = findPlace(context, service, task);
      if ('instance' in place) return [placedOn(place, service.config.placementStrategy, task, context)];
      refused.add(kind);
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

  StartTask({ taskId }, { world: { ecs } }) {
    const task = ecs.tasks.get(taskId);
    if (task?.status !== 'PENDING') return [];
    const { dynamicPorts } = ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
    const wanted = task.ec2InstanceId === undefined ? 0 : dynamicPorts.reduce((sum, { count }) => sum + count, 0);
    if (task.hostPorts.length < wanted)
      return [stopped(task, 'TaskFailedToStart', 'CannotStartContainerError: a host port is unavailable')];
    return [{ type: 'TaskRunning', taskId, serviceName: task.serviceName }];
  },

  StopTask({ taskId, stopCode, reason }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task === undefined) return [];
    const { serviceName } = task;
    if (task.status === 'PROVISIONING' || task.status === 'PENDING') return [stopped(task, stopCode, reason)];
    if (task.status !== 'RUNNING') return [];
    const deactivating = { type: 'TaskDeactivating', taskId, serviceName, stopCode, reason } as const;
    const service = world.ecs.services.get(serviceName) as Immutable<Service>;
    if (service.config.loadBalancers.length > 0) return [deactivating];
    return [deactivating, { type: 'TaskStopping', taskId, serviceName, stoppedAtMs: nowMs + EXIT_MS }];
  },

  StopContainers({ taskId }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'DEACTIVATING') return [];
    return [{ type: 'TaskStopping', taskId, serviceName: task.serviceName, stoppedAtMs: nowMs + EXIT_MS }];
  },

  FinishTask({ taskId }, { world }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'STOPPING') return [];
    const { stopCode, reason } = task.stopping as NonNullable<Task['stopping']>;
    return [stopped(task, stopCode, reason)];
  },

  GiveUpTask({ taskId }, { world }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'PROVISIONING') return [];
    return [stopped(task, 'TaskFailedToStart', 'TaskFailedToStart: no capacity within the provisioning time-out')];
  },

  LoseContainerInstance({ ec2InstanceId }, { world: { ecs } }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return [];
    const reason = `Host EC2 (instance ${ec2InstanceId}) terminated.`;
    const lost = Array.from(instance.tasks.keys(), (taskId) =>
      stopped(ecs.tasks.get(taskId) as Immutable<Task>, 'TerminationNotice', reason),
    );
    return [...lost, { type: 'ContainerInstanceDeregistered', ec2InstanceId }];
  },
};

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

export const evolveTask: Evolve<EcsWorld, TaskEvent> = {
  TaskCreated({ ecs }, { taskId, number, serviceName, taskDefinition, capacityProvider }) {
    ecs.nextTask = number + 1;
    ecs.tasks.set(taskId, {
      taskId,
      number,
      serviceName,
      taskDefinition,
      capacityProvider,
      status: 'PROVISIONING',
      availabilityZone: undefined,
      ec2InstanceId: undefined,
      runningSinceMs: undefined,
      hostPorts: [],
      stopping: undefined,
    });
    const service = ecs.services.get(serviceName);
    if (service === undefined) return;
    service.tasks.set(taskId, true);
    service.starting--;
    service.pendingCount++;
    service.steady = false;
  },

  TaskWaiting({ ecs }, { taskId }) {
    ecs.waiting.set(taskId, true);
  },

  TaskPlaced({ ecs }, { taskId, ec2InstanceId, availabilityZone, runningAtMs, hostPorts }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    if (isFargate(task.capacityProvider ?? '')) takeToken(ecs, task.capacityProvider as string, atMs);
    const service = ecs.services.get(task.serviceName) as Service;
    ecs.waiting.delete(taskId);
    task.status = 'PENDING';
    task.availabilityZone = availabilityZone;
    task.ec2InstanceId = ec2InstanceId;
    addTo(service.zoneCounts, availabilityZone, 1);
    const instance = ec2InstanceId === undefined ? undefined : ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return;
    const { demand } = ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition;
    instance.tasks.set(taskId, true);
    countTask(ecs, instance, groupOf(task.serviceName), 1);
    reserve(ecs, instance, demand, 1);
    attachEni(ecs, instance, demand, 1);
    if (runningAtMs === undefined) instance.host.queue.set(taskId, true);
    else admit(ecs, instance, task, hostPorts);
  },

  TaskAdmitted({ ecs }, { taskId, ec2InstanceId, hostPorts }) {
    const instance = ecs.containerInstances.get(ec2InstanceId) as ContainerInstance;
    instance.host.queue.delete(taskId);
    admit(ecs, instance, ecs.tasks.get(taskId) as Task, hostPorts);
  },

  TaskRunning({ ecs }, { taskId }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    const service = ecs.services.get(task.serviceName) as Service;
    task.status = 'RUNNING';
    task.runningSinceMs = atMs;
    service.pendingCount--;
    service.runningCount++;
    if (atMs !== ecs.warmStartMs) service.startedCount++;
    const instance = instanceOf(ecs, task);
    if (instance === undefined) return;
    instance.pulled.set(task.taskDefinition, true);
    countRunning(ecs, instance, groupOf(task.serviceName), 1);
  },

  TaskDeactivating({ ecs }, { taskId, stopCode, reason }) {
    const task = ecs.tasks.get(taskId) as Task;
    const service = ecs.services.get(task.serviceName) as Service;
    leaveRunning(ecs, task);
    task.status = 'DEACTIVATING';
    task.stopping = { stopCode, reason };
    service.runningCount--;
    service.stoppingCount++;
    service.steady = false;
    leaveService(ecs, task, service);
  },

  TaskStopping({ ecs }, { taskId }) {
    const task = ecs.tasks.get(taskId) as Task;
    task.status = 'STOPPING';
    if (ecs.placement.releaseAt === 'STOPPING') release(ecs, task);
    if (ecs.placement.releaseEniAt === 'STOPPING') detach(ecs, task);
  },

  TaskStopped({ ecs }, { taskId }) {
    const task = ecs.tasks.get(taskId) as Task;
    const service = ecs.services.get(task.serviceName) as Service;
    const { status } = task;
    leaveRunning(ecs, task);
    if (status === 'PROVISIONING' || status === 'PENDING') service.pendingCount--;
    else if (status === 'RUNNING') service.runningCount--;
    else service.stoppingCount--;
    if (status !== 'DEACTIVATING' && status !== 'STOPPING') leaveService(ecs, task, service);
    if (status !== 'STOPPING' || ecs.placement.releaseAt === 'STOPPED') release(ecs, task);
    if (status !== 'STOPPING' || ecs.placement.releaseEniAt === 'STOPPED') detach(ecs, task);
    leaveHost(ecs, task);
    service.steady = false;
    service.tasks.delete(taskId);
    ecs.tasks.delete(taskId);
    ecs.waiting.delete(taskId);
  },
};

/** The task is no longer meant to run: it stops counting for spread, constraints and the provider split. */
function leaveService(ecs: EcsWorld['ecs'], task: Task, service: Service): void {
  addTo(service.providerCounts, task.capacityProvider ?? '', -1);
  if (task.availabilityZone !== undefined) addTo(service.zoneCounts, task.availabilityZone, -1);
  const instance = instanceOf(ecs, task);
  if (instance !== undefined) countTask(ecs, instance, groupOf(task.serviceName), -1);
}

/** The agent starts the task: the host's resources are its own now. */
function admit(ecs: EcsWorld['ecs'], { host }: ContainerInstance, task: Task, hostPorts: readonly string[]): void {
  const { demand, dynamicPorts } = ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition;
  host.lastPort = pickedPorts(host, dynamicPorts).lastPort;
  occupyHost(host, demand, hostPorts, 1);
  task.hostPorts = hostPorts;
}

/** The containers have ended, or will not be started: nothing of the host is the task's any more. */
function leaveHost(ecs: EcsWorld['ecs'], task: Task): void {
  const instance = instanceOf(ecs, task);
  if (instance === undefined) return;
  const { demand } = ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition;
  instance.tasks.delete(task.taskId);
  if (!instance.host.queue.delete(task.taskId)) occupyHost(instance.host, demand, task.hostPorts, -1);
}

/** The instance a task is on; undefined on Fargate, before placement, and when it has gone. */
function instanceOf(ecs: EcsWorld['ecs'], { ec2InstanceId }: Task): ContainerInstance | undefined {
  return ec2InstanceId === undefined ? undefined : ecs.containerInstances.get(ec2InstanceId);
}

/** A task that is RUNNING is about to be so no longer. */
function leaveRunning(ecs: EcsWorld['ecs'], task: Task): void {
  const instance = instanceOf(ecs, task);
  if (task.status === 'RUNNING' && instance !== undefined) countRunning(ecs, instance, groupOf(task.serviceName), -1);
}

/** Gives back the task's network interface. */
function detach(ecs: EcsWorld['ecs'], task: Task): void {
  const instance = instanceOf(ecs, task);
  if (instance === undefined) return;
  attachEni(ecs, instance, (ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition).demand, -1);
}

/** Gives back what the task reserved, but for its network interface. */
function release(ecs: EcsWorld['ecs'], task: Task): void {
  const instance = instanceOf(ecs, task);
  if (instance === undefined) return;
  reserve(ecs, instance, (ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition).demand, -1);
}
