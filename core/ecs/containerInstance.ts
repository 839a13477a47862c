/**
 * Container instances: what an EC2 instance offers to tasks, what is left of it, and whether it takes more.
 *
 * @source spec/placement.md 1.2, 1.4, 4.11
 */

import { instanceType } from '../ec2/index.ts';
import {
  event,
  number,
  optional,
  text,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { TaskDemand } from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

export interface ContainerInstance {
  /** We name container instances by their EC2 instance. */
  readonly ec2InstanceId: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly capacityProvider: string | undefined;
  readonly registeredAtMs: Millis;
  readonly registered: Resources;
  /** Registered minus what placed tasks reserve. A task's share comes back when it enters STOPPING. */
  readonly remaining: Resources;
  /** Host ports in use, as `tcp/80`. */
  readonly ports: Map<string, true>;
  status: 'ACTIVE' | 'DRAINING';
  /** Without its agent an instance takes no tasks, and tells nothing of those it has. */
  agentConnected: boolean;
  /** Every task on it that is not STOPPED. */
  readonly tasks: Map<string, true>;
  /** Tasks of each service, and of each group of tasks of their own, that are meant to run. */
  readonly serviceCounts: Map<string, number>;
  /** Images that it has pulled before. */
  readonly pulled: Map<string, true>;
}

export interface Resources {
  cpuUnits: number;
  memoryMiB: number;
  enis: number;
}

/** What the agent reserves for itself and the host. @source spec/placement.md 1.2 (the agent's Linux default) */
const RESERVED_PORTS = [22, 2375, 2376, 51678, 51679];

export const containerInstanceEvents = {
  ContainerInstanceRegistered: event('The container agent joined the cluster: tasks can be placed.', {
    ec2InstanceId: text('the instance'),
    instanceType: text('its type'),
    availabilityZone: text('where'),
    capacityProvider: optional(text('the provider whose group it belongs to')),
    cpuUnits: number('registered CPU'),
    memoryMiB: number('registered memory'),
    enis: number('task network interfaces'),
  }),
  ContainerInstanceDraining: event('No more tasks are placed here; service tasks are replaced elsewhere.', {
    ec2InstanceId: text('the instance'),
  }),
  ContainerInstanceDeregistered: event('The instance left the cluster.', {
    ec2InstanceId: text('the instance'),
  }),
} as const;
export type ContainerInstanceEvent = EventsOf<typeof containerInstanceEvents>;

export type ContainerInstanceCommand =
  | { readonly type: 'RegisterContainerInstance'; readonly ec2InstanceId: string }
  | { readonly type: 'DrainContainerInstance'; readonly ec2InstanceId: string };

export const decideContainerInstance: Decide<EcsWorld, ContainerInstanceCommand, ContainerInstanceEvent> = {
  RegisterContainerInstance({ ec2InstanceId }, { world: { ec2, ecs } }) {
    const instance = ec2.instances.get(ec2InstanceId);
    if (instance?.state !== 'InService') return [];
    const group = ec2.groups.get(instance.autoScalingGroupName);
    // The agent joins the cluster that its ecs.config names; another name is an instance that never appears.
    if ((group?.config.ecsConfig?.ECS_CLUSTER ?? ecs.clusterName) !== ecs.clusterName) return [];
    const type = instanceType(instance.instanceType);
    if (type === undefined) return [];
    let capacityProvider: string | undefined;
    for (const [name, { config }] of ecs.capacityProviders)
      if (config.autoScalingGroupProvider.autoScalingGroup === instance.autoScalingGroupName) capacityProvider = name;
    return [
      {
        type: 'ContainerInstanceRegistered',
        ec2InstanceId,
        instanceType: instance.instanceType,
        availabilityZone: instance.availabilityZone,
        ...(capacityProvider === undefined ? {} : { capacityProvider }),
        cpuUnits: type.vcpu * 1024,
        memoryMiB: type.ecsMemoryMiB,
        enis: type.awsvpcTasks,
      },
    ];
  },

  DrainContainerInstance({ ec2InstanceId }, { world: { ecs } }) {
    if (ecs.containerInstances.get(ec2InstanceId)?.status !== 'ACTIVE') return [];
    return [{ type: 'ContainerInstanceDraining', ec2InstanceId }];
  },
};

export const evolveContainerInstance: Evolve<EcsWorld, ContainerInstanceEvent> = {
  ContainerInstanceRegistered({ ecs }, event, atMs) {
    const { ec2InstanceId, cpuUnits, memoryMiB, enis } = event;
    ecs.containerInstances.set(ec2InstanceId, {
      ec2InstanceId,
      instanceType: event.instanceType,
      availabilityZone: event.availabilityZone,
      capacityProvider: event.capacityProvider,
      registeredAtMs: atMs,
      registered: { cpuUnits, memoryMiB, enis },
      remaining: { cpuUnits, memoryMiB, enis },
      ports: new Map(RESERVED_PORTS.map((port) => [`tcp/${port}`, true])),
      status: 'ACTIVE',
      agentConnected: true,
      tasks: new Map(),
      serviceCounts: new Map(),
      pulled: new Map(),
    });
  },
  ContainerInstanceDraining({ ecs }, { ec2InstanceId }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance !== undefined) instance.status = 'DRAINING';
  },
  ContainerInstanceDeregistered({ ecs }, { ec2InstanceId }) {
    ecs.containerInstances.delete(ec2InstanceId);
  },
};

/** Takes what a task reserves, or with `sign` -1 gives it back. For `evolve`. */
export function reserve(instance: ContainerInstance, demand: TaskDemand, sign: 1 | -1): void {
  instance.remaining.cpuUnits -= sign * demand.cpuUnits;
  instance.remaining.memoryMiB -= sign * demand.memoryMiB;
  instance.remaining.enis -= sign * demand.enis;
  for (const port of hostPorts(demand))
    if (sign === 1) instance.ports.set(port, true);
    else instance.ports.delete(port);
}

/** The static host ports of a demand, as `tcp/80`. */
export function hostPorts({ tcpPorts, udpPorts }: TaskDemand): readonly string[] {
  if (tcpPorts.length === 0 && udpPorts.length === 0) return [];
  return [...tcpPorts.map((port) => `tcp/${port}`), ...udpPorts.map((port) => `udp/${port}`)];
}
