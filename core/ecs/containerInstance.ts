/**
 * Container instances: what an EC2 instance offers to tasks, what is left of it, and whether it takes more.
 *
 * Two ledgers: `remaining` is ECS's, which counts a task's resources as free when it is told to stop; `host` is the
 * agent's, which knows what is really free and holds newcomers in PENDING until then, first in, first out.
 *
 * @source spec/placement.md 1.2 to 1.7, 4.11
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { ecsConfig, instanceType, type EcsConfig } from '../ec2/index.ts';
import {
  event,
  json,
  number,
  optional,
  text,
  texts,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import awsvpcLimits from './awsvpcTaskLimits.json' with { type: 'json' };
import gpus from './gpuCounts.json' with { type: 'json' };
import type { FaultEvent } from './fault.ts';
import { portRangeOf, type PortRange } from './hostPorts.ts';
import { agentDenial, type AgentAction } from './permissions.ts';
import type { PlacementAssumptions } from './placement/assumptions.ts';
import { missingCapabilities } from './placement/capabilities.ts';
import { hostPorts } from './placement/engine.ts';
import type { Resources } from './placement/instance.ts';
import { noteChange, noteMembership } from './placement/placementIndex.ts';
import { versionIsAtLeast } from './placement/query.ts';
import type { TaskDemand } from './taskDefinition.ts';
import type { Task } from './task.ts';
import type { EcsWorld } from './world.ts';

export interface ContainerInstance {
  /** We name container instances by their EC2 instance. */
  readonly ec2InstanceId: string;
  /** A number that no other one has: those of instances that have left are given again, so that lists by it do not grow with time. */
  readonly ordinal: number;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly capacityProvider: string | undefined;
  readonly registeredAtMs: Millis;
  readonly agentVersion: string;
  agentConnected: boolean;
  /** Built-in and custom attributes; null is one without a value. What the agent can do is not among them. */
  readonly attributes: Map<string, string | null>;
  readonly missingCapabilities: readonly string[];
  readonly registered: Resources;
  /** Registered minus what placed tasks reserve. */
  readonly remaining: Resources;
  /** Host ports that are reserved, as `tcp/80`; the agent's own too. */
  readonly ports: Map<string, true>;
  readonly host: HostResources;
  status: 'REGISTERING' | 'ACTIVE' | 'DRAINING';
  /** Every task on it that is not STOPPED. */
  readonly tasks: Map<string, true>;
  /** Tasks of each task group that are meant to run, and of all of them. */
  readonly taskGroups: Map<string, number>;
  runningTasksCount: number;
  /** Those of them that are RUNNING. */
  readonly runningGroups: Map<string, number>;
  /** Images that it has pulled before. */
  readonly pulled: Map<string, true>;
  /** Until when its agent is logged in, by registry. */
  readonly registryTokens: Map<string, Millis>;
}

/** What the agent has to give. Network interfaces are not its business. */
export interface HostResources {
  cpuUnits: number;
  memoryMiB: number;
  gpuCount: number;
  /** Host ports in use: the agent's own, static ones, and those the host picked. */
  readonly ports: Map<string, true>;
  /** Where dynamic host ports come from, and the one it gave last. */
  readonly portRange: PortRange;
  lastPort: number;
  /** Tasks that wait for resources, in the order of their placement. The first one that does not fit holds the others up. */
  readonly queue: Map<string, true>;
}

/** What the agent reserves for itself and the host. @source spec/placement.md 1.2 (the agent's Linux default) */
const RESERVED_PORTS = [22, 2375, 2376, 51678, 51679];
const METRICS_PORT = 51680;

export const containerInstanceEvents = {
  ContainerInstanceRegistered: event('The container agent joined the cluster.', {
    ec2InstanceId: text('the instance'),
    instanceType: text('its type'),
    availabilityZone: text('where'),
    capacityProvider: optional(text('the provider whose group it belongs to')),
    cpuUnits: number('registered CPU'),
    memoryMiB: number('registered memory'),
    gpuCount: number('registered GPUs'),
    enis: number('task network interfaces'),
    ports: texts('host ports that tasks cannot have'),
    dynamicPortRange: text('where dynamic host ports come from'),
    agentVersion: text('version of the container agent'),
    attributes: json<Readonly<Record<string, string | null>>>('built-in and custom attributes'),
    missingCapabilities: texts('what this agent cannot do'),
    activeAtMs: number('when tasks can be placed: later than now while the trunk for their interfaces is provisioned'),
  }),
  ContainerInstanceActivated: event('Tasks can be placed: its trunk is there, or it drains no longer.', {
    ec2InstanceId: text('the instance'),
  }),
  ContainerInstanceDraining: event('No more tasks are placed here; service tasks are replaced elsewhere.', {
    ec2InstanceId: text('the instance'),
  }),
  ContainerInstanceDeregistered: event('The instance left the cluster.', {
    ec2InstanceId: text('the instance'),
  }),
  AgentCallDenied: event('AWS refused a call of a container agent: its instance role lacks a permission.', {
    ec2InstanceId: text('the instance'),
    action: text<AgentAction>('what the agent wanted to do'),
    message: text("why, in AWS's words"),
  }),
  RegistryTokenIssued: event('A container agent has logged in to a registry of Amazon ECR.', {
    ec2InstanceId: text('the instance'),
    registry: text('the registry'),
    expiresAtMs: number('until when it need not do so again'),
  }),
  ContainerInstanceChangeRefused: event('A container instance could not be drained, set ACTIVE, or deregistered.', {
    ec2InstanceId: text('the instance'),
    reason: text("why, in AWS's words where they are known"),
  }),
} as const;
export type ContainerInstanceEvent = EventsOf<typeof containerInstanceEvents>;

export type ContainerInstanceCommand =
  | { readonly type: 'RegisterContainerInstance'; readonly ec2InstanceId: string }
  | { readonly type: 'ActivateContainerInstance'; readonly ec2InstanceId: string }
  /** @param byAgent  the agent calls it itself, when its Spot instance gets notice */
  | { readonly type: 'DrainContainerInstance'; readonly ec2InstanceId: string; readonly byAgent?: boolean }
  | {
      readonly type: 'UpdateContainerInstanceState';
      readonly ec2InstanceId: string;
      readonly status: 'ACTIVE' | 'DRAINING';
    };

/** What a person may change of container instances, as `aws ecs` takes it; EC2 instance ids name them. */
export const updateContainerInstancesState = z.strictObject({
  containerInstances: z.array(z.string().min(1)).min(1, 'Container Instances cannot be empty.').max(10),
  status: z.enum(['ACTIVE', 'DRAINING'], 'Container instance status should be one of [ACTIVE, DRAINING]'),
});
export const deregisterContainerInstance = z.strictObject({
  containerInstance: z.string().min(1),
  force: z.boolean().default(false).describe('also while tasks run there: ECS counts them as stopped'),
});

/** What an instance of a type registers; undefined when the catalogue does not know the type, or memory is reserved away. */
export function registeredResources(
  typeName: string,
  config: Partial<Pick<EcsConfig, 'ECS_RESERVED_MEMORY' | 'ECS_ENABLE_GPU_SUPPORT'>> = {},
  trunked = false,
): Readonly<Resources> | undefined {
  const { ECS_RESERVED_MEMORY: reservedMiB = 0, ECS_ENABLE_GPU_SUPPORT: withGpus = false } = config;
  const type = instanceType(typeName);
  // The agent refuses to register: "reserved memory is higher than available memory on the host".
  if (type === undefined || reservedMiB > type.ecsMemoryMiB) return undefined;
  const limits: Readonly<Record<string, readonly number[]>> = awsvpcLimits.taskLimits;
  // A type that AWS's table does not list takes no trunk, and gives all interfaces but its own to tasks.
  const [plain = type.maxEnis - 1, withTrunk = plain] = limits[typeName] ?? [];
  const counts: Readonly<Record<string, number>> = gpus.gpuCounts;
  return {
    cpuUnits: type.vcpu * 1024,
    memoryMiB: type.ecsMemoryMiB - reservedMiB,
    gpuCount: withGpus ? (counts[typeName] ?? 0) : 0,
    enis: trunked ? withTrunk : plain,
  };
}

/**
 * The memory an agent registers, in MiB.
 *
 * @param totalBytes  what the operating system sees, as `free -b` says; less than advertised
 * @source AWS, ECS Developer Guide, "Container instance memory management"
 */
export function registeredMemoryMiB(totalBytes: number, reservedMiB = 0): number {
  return Math.floor(totalBytes / 1024 / 1024) - reservedMiB;
}

/** Whether tasks on new instances share a trunk. @source spec/placement.md 1.7 */
export function isTrunked(awsvpcTrunking: 'enabled' | 'disabled', agentVersion: string): boolean {
  return awsvpcTrunking === 'enabled' && versionIsAtLeast(agentVersion, '1.28.1');
}

/** As `tcp/80`. */
function reservedPorts(config: Immutable<EcsConfig>, { reserved51680 }: PlacementAssumptions): readonly string[] {
  const tcp = config.ECS_RESERVED_PORTS ?? [...RESERVED_PORTS, ...(reserved51680 ? [METRICS_PORT] : [])];
  return [...tcp.map((port) => `tcp/${port}`), ...config.ECS_RESERVED_PORTS_UDP.map((port) => `udp/${port}`)];
}

/** What a container agent hears when it may not make a call; nothing when it may. */
export function deniedCall(
  world: Immutable<EcsWorld>,
  ec2InstanceId: string,
  action: AgentAction,
): readonly ContainerInstanceEvent[] {
  const message = agentDenial(world, ec2InstanceId, action);
  return message === undefined ? [] : [{ type: 'AgentCallDenied', ec2InstanceId, action, message }];
}

export const decideContainerInstance: Decide<EcsWorld, ContainerInstanceCommand, ContainerInstanceEvent | FaultEvent> =
  {
    RegisterContainerInstance({ ec2InstanceId }, { world, nowMs }) {
      const { ec2, ecs } = world;
      const instance = ec2.instances.get(ec2InstanceId);
      if (instance?.state !== 'InService') return [];
      const group = ec2.groups.get(instance.autoScalingGroupName);
      // The agent joins the cluster that its ecs.config names; another name is an instance that never appears.
      const config = group?.config.ecsConfig ?? ecsConfig.parse({ ECS_CLUSTER: ecs.clusterName });
      if (config.ECS_CLUSTER !== ecs.clusterName) return [];
      const { agentVersion } = ecs.placement;
      const trunked = isTrunked(ecs.awsvpcTrunking, agentVersion);
      const registered = registeredResources(instance.instanceType, config, trunked);
      if (registered === undefined) return [];
      const refused = deniedCall(world, ec2InstanceId, 'ecs:RegisterContainerInstance');
      if (refused.length > 0) return refused;
      const cutOff = deniedCall(world, ec2InstanceId, 'ecs:Poll');
      // Only an instance that takes a trunk carries its attribute, and waits for it.
      const withTrunk = trunked && registered.enis !== registeredResources(instance.instanceType)?.enis;
      const waitMs = withTrunk && nowMs !== ecs.warmStartMs ? ecs.placement.trunkProvisioning : 0;
      let capacityProvider: string | undefined;
      for (const [name, provider] of ecs.capacityProviders)
        if (provider.config.autoScalingGroupProvider.autoScalingGroup === instance.autoScalingGroupName)
          capacityProvider = name;
      const attributes: Record<string, string | null> = {
        ...builtInAttributes(ecs, instance.instanceType, instance.availabilityZone),
        ...(withTrunk ? { 'ecs.awsvpc-trunk-id': `eni-${ec2InstanceId}` } : {}),
      };
      for (const [name, value] of Object.entries(config.ECS_INSTANCE_ATTRIBUTES))
        attributes[name] = value === '' ? null : value;
      return [
        {
          type: 'ContainerInstanceRegistered',
          ec2InstanceId,
          instanceType: instance.instanceType,
          availabilityZone: instance.availabilityZone,
          ...(capacityProvider === undefined ? {} : { capacityProvider }),
          ...registered,
          ports: reservedPorts(config, ecs.placement),
          dynamicPortRange: config.ECS_DYNAMIC_HOST_PORT_RANGE,
          agentVersion,
          attributes,
          missingCapabilities: missingCapabilities(config),
          activeAtMs: nowMs + waitMs,
        },
        ...cutOff,
        ...cutOff.map(() => ({ type: 'ContainerAgentDisconnected', ec2InstanceId }) as const),
      ];
    },

    ActivateContainerInstance({ ec2InstanceId }, { world: { ecs } }) {
      if (ecs.containerInstances.get(ec2InstanceId)?.status !== 'REGISTERING') return [];
      return [{ type: 'ContainerInstanceActivated', ec2InstanceId }];
    },

    DrainContainerInstance({ ec2InstanceId, byAgent = false }, { world }) {
      // Choice: one that is REGISTERING is drained too, or its group would wait for ever to terminate it.
      if ((world.ecs.containerInstances.get(ec2InstanceId)?.status ?? 'DRAINING') === 'DRAINING') return [];
      const refused = byAgent ? deniedCall(world, ec2InstanceId, 'ecs:UpdateContainerInstancesState') : [];
      if (refused.length > 0) return refused;
      return [{ type: 'ContainerInstanceDraining', ec2InstanceId }];
    },
    UpdateContainerInstanceState({ ec2InstanceId, status }, { world: { ecs } }) {
      const found = ecs.containerInstances.get(ec2InstanceId)?.status;
      if (found === undefined) return [refusedChange(ec2InstanceId, 'MISSING')];
      if (status === 'DRAINING' && found === 'ACTIVE') return [{ type: 'ContainerInstanceDraining', ec2InstanceId }];
      if (status === 'ACTIVE' && found === 'DRAINING') return [{ type: 'ContainerInstanceActivated', ec2InstanceId }];
      if (status === 'ACTIVE' && found === 'ACTIVE') return [];
      // AWS takes DRAINING from ACTIVE only. Choice: its text is not known.
      return [refusedChange(ec2InstanceId, `The container instance is ${found}.`)];
    },
  };

/** The event of a change that ECS does not make. */
export function refusedChange(ec2InstanceId: string, reason: string): ContainerInstanceEvent {
  return { type: 'ContainerInstanceChangeRefused', ec2InstanceId, reason };
}

/** Choice: names that AWS would make up, such as the image's, say what they stand for. */
function builtInAttributes(
  { clusterName, subnets }: Immutable<EcsWorld['ecs']>,
  typeName: string,
  availabilityZone: string,
): Readonly<Record<string, string>> {
  const architecture = instanceType(typeName)?.arch ?? 'x86_64';
  let subnet = availabilityZone;
  for (const [name, zone] of subnets)
    if (zone === availabilityZone) {
      subnet = name;
      break;
    }
  return {
    'ecs.ami-id': `ami-ecs-optimized-${architecture}`,
    'ecs.availability-zone': availabilityZone,
    'ecs.instance-type': typeName,
    'ecs.os-type': 'linux',
    'ecs.os-family': 'LINUX',
    'ecs.cpu-architecture': architecture,
    'ecs.vpc-id': `vpc-${clusterName}`,
    'ecs.subnet-id': subnet,
  };
}

export const evolveContainerInstance: Evolve<EcsWorld, ContainerInstanceEvent> = {
  ContainerInstanceRegistered({ ecs }, event, atMs) {
    const { ec2InstanceId, cpuUnits, memoryMiB, gpuCount, enis, ports } = event;
    const portRange = portRangeOf(event.dynamicPortRange);
    const instance: ContainerInstance = {
      ec2InstanceId,
      // When none is free, those that are there have the first ones.
      ordinal: ecs.freeOrdinals.pop() ?? ecs.containerInstances.size,
      instanceType: event.instanceType,
      availabilityZone: event.availabilityZone,
      capacityProvider: event.capacityProvider,
      registeredAtMs: atMs,
      agentVersion: event.agentVersion,
      agentConnected: true,
      attributes: new Map(Object.entries(event.attributes)),
      missingCapabilities: event.missingCapabilities,
      registered: { cpuUnits, memoryMiB, gpuCount, enis },
      remaining: { cpuUnits, memoryMiB, gpuCount, enis },
      ports: new Map(ports.map((port) => [port, true])),
      host: {
        cpuUnits,
        memoryMiB,
        gpuCount,
        ports: new Map(ports.map((port) => [port, true])),
        portRange,
        lastPort: portRange.from - 1,
        queue: new Map(),
      },
      status: event.activeAtMs > atMs ? 'REGISTERING' : 'ACTIVE',
      tasks: new Map(),
      taskGroups: new Map(),
      runningTasksCount: 0,
      runningGroups: new Map(),
      pulled: new Map(),
      registryTokens: new Map(),
    };
    ecs.containerInstances.set(ec2InstanceId, instance);
    countStatus(ecs, instance, 1);
    noteMembership(ecs.placementJournal, ec2InstanceId);
  },
  ContainerInstanceActivated({ ecs }, { ec2InstanceId }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return;
    setStatus(ecs, instance, 'ACTIVE');
    noteChange(ecs.placementJournal, instance);
  },
  ContainerInstanceDraining({ ecs }, { ec2InstanceId }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return;
    setStatus(ecs, instance, 'DRAINING');
    noteChange(ecs.placementJournal, instance);
  },
  ContainerInstanceChangeRefused() {},
  ContainerInstanceDeregistered({ ecs }, { ec2InstanceId }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return;
    countStatus(ecs, instance, -1);
    ecs.containerInstances.delete(ec2InstanceId);
    ecs.freeOrdinals.push(instance.ordinal);
    noteMembership(ecs.placementJournal, ec2InstanceId);
  },
  AgentCallDenied() {},
  RegistryTokenIssued({ ecs }, { ec2InstanceId, registry, expiresAtMs }) {
    ecs.containerInstances.get(ec2InstanceId)?.registryTokens.set(registry, expiresAtMs);
  },
};

function setStatus(ecs: EcsWorld['ecs'], instance: ContainerInstance, status: ContainerInstance['status']): void {
  countStatus(ecs, instance, -1);
  instance.status = status;
  countStatus(ecs, instance, 1);
}

/** Counts an instance as what it is, and if it drains the tasks on it for their services; or with -1 no longer. */
function countStatus(ecs: EcsWorld['ecs'], { status, availabilityZone, tasks }: ContainerInstance, by: 1 | -1): void {
  if (status === 'ACTIVE') addTo(ecs.activeInstances, availabilityZone, by);
  if (status !== 'DRAINING') return;
  ecs.drainingInstances += by;
  for (const taskId of tasks.keys()) {
    const task = ecs.tasks.get(taskId);
    if (task !== undefined && task.stopping === undefined) listDraining(ecs, task, by === 1);
  }
}

/** Lists a task on a draining instance with its service, or no longer. For `evolve`. */
export function listDraining(ecs: EcsWorld['ecs'], { serviceName, taskId }: Task, isThere: boolean): void {
  const service = ecs.services.get(serviceName);
  if (isThere) service?.draining.set(taskId, true);
  else service?.draining.delete(taskId);
}

// What tasks change about an instance goes through the functions below: each tells the placement index.

/** Counts a task of a group as meant to run here, or with -1 no longer. For `evolve`. */
export function countTask(
  { placementJournal }: EcsWorld['ecs'],
  to: ContainerInstance,
  group: string,
  by: 1 | -1,
): void {
  addTo(to.taskGroups, group, by);
  to.runningTasksCount += by;
  noteChange(placementJournal, to, group);
}

/** Counts a task that is not a daemon's on an instance, or with -1 no longer. */
export function occupy(
  { occupiedInstances }: EcsWorld['ecs'],
  { ec2InstanceId, capacityProvider = '' }: ContainerInstance,
  by: 1 | -1,
): void {
  let occupied = occupiedInstances.get(capacityProvider);
  if (occupied === undefined) occupiedInstances.set(capacityProvider, (occupied = new Map<string, number>()));
  addTo(occupied, ec2InstanceId, by);
}

/** Counts a task of a group as RUNNING here, or with -1 no longer. */
export function countRunning(
  { placementJournal }: EcsWorld['ecs'],
  on: ContainerInstance,
  group: string,
  by: 1 | -1,
): void {
  addTo(on.runningGroups, group, by);
  noteChange(placementJournal, on, group);
}

/** Adds to a count, and forgets counts of 0. */
export function addTo(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** Takes what a task reserves from ECS's ledger, or with -1 gives it back: all but its network interface. */
export function reserve(
  { placementJournal }: EcsWorld['ecs'],
  from: ContainerInstance,
  demand: TaskDemand,
  sign: 1 | -1,
): void {
  from.remaining.cpuUnits -= sign * demand.cpuUnits;
  from.remaining.memoryMiB -= sign * demand.memoryMiB;
  from.remaining.gpuCount -= sign * demand.gpuCount;
  for (const port of hostPorts(demand))
    if (sign === 1) from.ports.set(port, true);
    else from.ports.delete(port);
  noteChange(placementJournal, from);
}

/** Takes a task's network interface, or with -1 gives it back: it is detached only when the task has stopped. */
export function attachEni(
  { placementJournal }: EcsWorld['ecs'],
  to: ContainerInstance,
  demand: TaskDemand,
  sign: 1 | -1,
): void {
  if (demand.enis === 0) return;
  to.remaining.enis -= sign * demand.enis;
  noteChange(placementJournal, to);
}

/** Whether the host really has what a task asks for. Equal fits; all of it or nothing. */
export function hostFits(
  host: Immutable<Pick<HostResources, 'cpuUnits' | 'memoryMiB' | 'gpuCount' | 'ports'>>,
  demand: TaskDemand,
): boolean {
  return (
    host.cpuUnits >= demand.cpuUnits &&
    host.memoryMiB >= demand.memoryMiB &&
    host.gpuCount >= demand.gpuCount &&
    hostPorts(demand).every((port) => !host.ports.has(port))
  );
}

/** Takes what a task really uses from the host, or with -1 gives it back. @param picked  ports that the host picked */
export function occupyHost(
  host: Pick<HostResources, 'cpuUnits' | 'memoryMiB' | 'gpuCount' | 'ports'>,
  demand: TaskDemand,
  picked: readonly string[],
  sign: 1 | -1,
): void {
  host.cpuUnits -= sign * demand.cpuUnits;
  host.memoryMiB -= sign * demand.memoryMiB;
  host.gpuCount -= sign * demand.gpuCount;
  for (const port of [...hostPorts(demand), ...picked])
    if (sign === 1) host.ports.set(port, true);
    else host.ports.delete(port);
}
