/**
 * Task definitions, and what a task of one reserves on an instance.
 *
 * @source spec/placement.md 1.3 (the container agent's `ToHostResources`)
 */

import { z } from 'zod';
import { event, json, number, text, type Decide, type EventsOf, type Evolve } from '../kernel/index.ts';
import { containerLife } from './container.ts';
import type { EcsWorld } from './world.ts';

const portMapping = z.strictObject({
  containerPort: z.int().min(1).max(65_535),
  hostPort: z.int().min(0).max(65_535).optional().describe('0 or absent: the instance picks one'),
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
});

const containerDefinition = z.strictObject({
  name: z.string().min(1).max(255),
  image: z.string().min(1),
  cpu: z.int().min(0).default(0).describe('CPU units; 1024 are one vCPU'),
  memory: z.int().min(6).optional().describe('hard limit, MiB'),
  memoryReservation: z.int().min(6).optional().describe('soft limit, MiB; when given, this is what is reserved'),
  essential: z.boolean().default(true),
  portMappings: z.array(portMapping).default([]),
  resourceRequirements: z
    .array(z.strictObject({ type: z.literal('GPU'), value: z.string().regex(/^\d+$/) }))
    .default([]),
  ...containerLife,
});

/** CPU and memory of a task: AWS takes numbers as texts too. */
const sizeText = z.union([z.int().min(1), z.string().regex(/^\d+$/, 'expected a whole number')]).transform(Number);

/** As `aws ecs register-task-definition --cli-input-json` takes it. */
export const taskDefinition = z.strictObject({
  family: z.string().min(1).max(255),
  networkMode: z.enum(['bridge', 'host', 'awsvpc', 'none']).default('bridge'),
  requiresCompatibilities: z.array(z.enum(['EC2', 'FARGATE'])).default([]),
  runtimePlatform: z.strictObject({ cpuArchitecture: z.enum(['X86_64', 'ARM64']).default('X86_64') }).optional(),
  cpu: sizeText.optional().describe('CPU units of the whole task; required for Fargate'),
  memory: sizeText.optional().describe('MiB of the whole task; required for Fargate'),
  containerDefinitions: z.array(containerDefinition).min(1).max(10),
  application: z
    .strictObject({
      workFactor: z
        .number()
        .positive()
        .max(1_000)
        .default(1)
        .describe('CPU that a request costs with this revision, as a multiple of the cpuMs of the load'),
    })
    .optional()
    .describe('ours: how the application of this revision differs from the others'),
});
export type TaskDefinition = z.output<typeof taskDefinition>;

/** What a task takes from an instance. */
export interface TaskDemand {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  readonly gpuCount: number;
  /** Static host ports. */
  readonly tcpPorts: readonly number[];
  readonly udpPorts: readonly number[];
  /** Network interfaces of its own: 1 with awsvpc. */
  readonly enis: number;
}

export const NO_DEMAND: TaskDemand = { cpuUnits: 0, memoryMiB: 0, gpuCount: 0, tcpPorts: [], udpPorts: [], enis: 0 };

/** The shape that `taskDemand` needs: AWS's own, everything optional that AWS lets one leave out. */
export interface TaskDefinitionLike {
  readonly networkMode?: string | undefined;
  readonly cpu?: number | string | undefined;
  readonly memory?: number | string | undefined;
  readonly containerDefinitions: readonly {
    readonly name?: string | undefined;
    readonly image?: string | undefined;
    readonly cpu?: number | undefined;
    readonly memory?: number | undefined;
    readonly memoryReservation?: number | undefined;
    readonly portMappings?:
      | readonly {
          readonly containerPort?: number | undefined;
          readonly hostPort?: number | undefined;
          readonly protocol?: string | undefined;
        }[]
      | undefined;
    readonly resourceRequirements?: readonly { readonly type: string; readonly value: string }[] | undefined;
  }[];
}

/**
 * What a task reserves. A size on the task replaces the sum of its containers; of the two memory limits of a container the
 * soft one counts. Ports count only where the host's own are taken: not with awsvpc, and not when the host may choose.
 */
export function taskDemand(definition: TaskDefinitionLike): TaskDemand {
  const { containerDefinitions: containers, networkMode } = definition;
  const cpuUnits = Number(definition.cpu ?? 0) || sum(containers.map(({ cpu }) => cpu ?? 0));
  const memoryMiB =
    Number(definition.memory ?? 0) ||
    sum(containers.map(({ memory, memoryReservation }) => (memoryReservation ?? 0) || (memory ?? 0)));
  const gpus = containers.flatMap(({ resourceRequirements }) => resourceRequirements ?? []);
  const ports = containers
    .flatMap(({ portMappings }) => portMappings ?? [])
    .map(({ containerPort, hostPort, protocol }) => ({
      // In host mode a container port is a port of the host.
      port: networkMode === 'host' ? (hostPort ?? 0) || (containerPort ?? 0) : (hostPort ?? 0),
      udp: protocol === 'udp',
    }))
    .filter(({ port }) => networkMode !== 'awsvpc' && port > 0);
  return {
    cpuUnits,
    memoryMiB,
    gpuCount: sum(gpus.filter(({ type }) => type === 'GPU').map(({ value }) => Number(value))),
    tcpPorts: ports.filter(({ udp }) => !udp).map(({ port }) => port),
    udpPorts: ports.filter(({ udp }) => udp).map(({ port }) => port),
    enis: networkMode === 'awsvpc' ? 1 : 0,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A revision as the cluster keeps it. */
export interface RegisteredTaskDefinition {
  readonly definition: TaskDefinition;
  readonly demand: TaskDemand;
  /** All images of the task together. */
  readonly compressedImageMiB: number;
}

/** The images that a task pulls, each once. */
export function imagesOf({ definition }: { readonly definition: TaskDefinitionLike }): readonly string[] {
  return [...new Set(definition.containerDefinitions.map(({ image }) => image ?? ''))];
}

/** Images that are not listed weigh this much. Choice: a middling application image. */
export const DEFAULT_IMAGE_MIB = 200;

export const taskDefinitionEvents = {
  TaskDefinitionRegistered: event('A task definition was registered.', {
    taskDefinition: text('family:revision'),
    definition: json<TaskDefinition>('as register-task-definition takes it'),
    compressedImageMiB: number('MiB to pull'),
  }),
} as const;
export type TaskDefinitionEvent = EventsOf<typeof taskDefinitionEvents>;

export type TaskDefinitionCommand = {
  readonly type: 'RegisterTaskDefinition';
  readonly definition: TaskDefinition;
  readonly compressedImageMiB: number;
};

export const decideTaskDefinition: Decide<EcsWorld, TaskDefinitionCommand, TaskDefinitionEvent> = {
  RegisterTaskDefinition({ definition, compressedImageMiB }, { world: { ecs } }) {
    let revision = 1;
    while (ecs.taskDefinitions.has(`${definition.family}:${revision}`)) revision++;
    const taskDefinition = `${definition.family}:${revision}`;
    return [{ type: 'TaskDefinitionRegistered', taskDefinition, definition, compressedImageMiB }];
  },
};

export const evolveTaskDefinition: Evolve<EcsWorld, TaskDefinitionEvent> = {
  TaskDefinitionRegistered({ ecs }, { taskDefinition, definition, compressedImageMiB }) {
    const demand = taskDemand(definition);
    ecs.taskDefinitions.set(taskDefinition, { definition, demand, compressedImageMiB });
    ecs.latestRevisions.set(definition.family, taskDefinition);
  },
};
