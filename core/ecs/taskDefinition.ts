/**
 * Task definitions, and what a task of one reserves on an instance.
 *
 * @source spec/placement.md 1.3 (the container agent's `ToHostResources`)
 */

import { z } from 'zod';
import { event, json, number, text, type Decide, type EventsOf, type Evolve } from '../kernel/index.ts';
import { containerLife } from './container.ts';
import { portRangeOf } from './hostPorts.ts';
import { requiredAttributes, type RequiredAttribute } from './placement/capabilities.ts';
import { taskDefinitionConstraint } from './placement/constraints.ts';
import type { EcsWorld } from './world.ts';

const portMapping = z.strictObject({
  containerPort: z.int().min(1).max(65_535).optional(),
  containerPortRange: z
    .string()
    .regex(/^\d{1,5}-\d{1,5}$/, 'expected a range such as 8000-8010')
    .optional()
    .describe('instead of containerPort; with bridge the instance picks as many contiguous ports'),
  hostPort: z.int().min(0).max(65_535).optional().describe('0 or absent: the instance picks one'),
  protocol: z
    .string()
    .default('tcp')
    .transform((protocol): 'tcp' | 'udp' => (protocol === 'udp' ? 'udp' : 'tcp'))
    .describe('tcp or udp; as with AWS, anything else is taken for tcp'),
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
  privileged: z.boolean().default(false),
  logConfiguration: z
    .strictObject({ logDriver: z.string().min(1), options: z.record(z.string(), z.string()).default({}) })
    .optional(),
  secrets: z.array(z.strictObject({ name: z.string().min(1), valueFrom: z.string().min(1) })).default([]),
  ...containerLife,
});

/** How AWS lets one write the size of a task: 1024, "1024", "1 vCPU" or ".5 vCPU", "2 GB" or "0.5GB". */
const SIZES = {
  cpu: { unit: /^(\d+|(\d*\.)?\d+ ?vCPU)$/i, expected: 'CPU units, or a text such as "1 vCPU"' },
  memory: { unit: /^(\d+|(\d*\.)?\d+ ?GB)$/i, expected: 'MiB, or a text such as "2 GB"' },
} as const;
/** CPU units of a vCPU, MiB of a GB. */
const UNITS_OF_ONE = 1024;

const sizeText = (key: keyof typeof SIZES) =>
  z
    .union([z.int().min(1), z.string().regex(SIZES[key].unit, `expected ${SIZES[key].expected}`)])
    .transform((written) => sizeOf(key, written));

/** CPU units or MiB; 0 when left out. @source AWS, ECS API, RegisterTaskDefinition. @throws RangeError for what is no size */
function sizeOf(key: keyof typeof SIZES, written: number | string | null | undefined): number {
  if (typeof written !== 'string') return written ?? 0;
  if (!SIZES[key].unit.test(written))
    throw new RangeError(`${key}: found "${written}", expected ${SIZES[key].expected}`);
  return Math.round(Number.parseFloat(written) * (/[a-z]$/i.test(written) ? UNITS_OF_ONE : 1));
}

/** As `aws ecs register-task-definition --cli-input-json` takes it. */
export const taskDefinition = z.strictObject({
  family: z.string().min(1).max(255),
  networkMode: z.enum(['bridge', 'host', 'awsvpc', 'none']).default('bridge'),
  requiresCompatibilities: z.array(z.enum(['EC2', 'FARGATE'])).default([]),
  runtimePlatform: z
    .strictObject({
      cpuArchitecture: z.enum(['X86_64', 'ARM64']).default('X86_64'),
      operatingSystemFamily: z
        .string()
        .regex(/^(LINUX|WINDOWS_SERVER_\w+)$/, 'expected LINUX')
        .default('LINUX'),
    })
    .optional(),
  taskRoleArn: z.string().min(1).optional(),
  executionRoleArn: z.string().min(1).optional(),
  placementConstraints: z
    .array(taskDefinitionConstraint)
    .max(10)
    .default([])
    .describe('memberOf only; they count towards the 10 of a service'),
  cpu: sizeText('cpu').optional().describe('CPU units of the whole task, or 1 vCPU; required for Fargate'),
  memory: sizeText('memory').optional().describe('MiB of the whole task, or 2 GB; required for Fargate'),
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
          readonly containerPortRange?: string | undefined;
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
 *
 * @throws RangeError for a size of the task that AWS would not take
 */
export function taskDemand(definition: TaskDefinitionLike): TaskDemand {
  const { containerDefinitions: containers, networkMode } = definition;
  const cpuUnits = sizeOf('cpu', definition.cpu) || sum(containers.map(({ cpu }) => cpu ?? 0));
  const memoryMiB =
    sizeOf('memory', definition.memory) ||
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

/**
 * Runs of host ports that the instance picks when the containers start: one for each mapping without a host port, as many
 * as it is long for each range. None where the containers have the host's network or one of their own.
 */
function dynamicPorts({ networkMode, containerDefinitions }: TaskDefinition): readonly DynamicPorts[] {
  if (networkMode !== 'bridge') return [];
  return containerDefinitions
    .flatMap(({ portMappings }) => portMappings)
    .filter(({ hostPort }) => (hostPort ?? 0) === 0)
    .map(({ containerPortRange, protocol }) => {
      if (containerPortRange === undefined) return { protocol, count: 1 };
      const { from, to } = portRangeOf(containerPortRange);
      return { protocol, count: to - from + 1 };
    });
}

export interface DynamicPorts {
  readonly protocol: 'tcp' | 'udp';
  readonly count: number;
}

/** @source AWS, ECS API, PortMapping.containerPortRange */
const MOST_RANGES = 100;

/** What AWS refuses about the ports of a task definition, by container: spec/placement.md 1.5, 1.6, 6.2. */
export function portProblems({
  networkMode,
  containerDefinitions,
}: TaskDefinition): readonly { readonly container: number; readonly message: string }[] {
  const problems: { readonly container: number; readonly message: string }[] = [];
  const held = new Set<string>();
  for (const [container, { portMappings }] of containerDefinitions.entries()) {
    const report = (message: string) => problems.push({ container, message });
    if (networkMode === 'none' && portMappings.length > 0)
      report('found port mappings with networkMode none, expected none: the containers have no network');
    const exposed = new Map<number, string>();
    const ranges: { readonly from: number; readonly to: number }[] = [];
    for (const { containerPort, containerPortRange, hostPort = 0, protocol } of portMappings) {
      if ((containerPort === undefined) === (containerPortRange === undefined)) {
        report('found a port mapping with both or none of containerPort and containerPortRange, expected one of them');
        continue;
      }
      if (containerPortRange !== undefined) {
        const { from, to } = portRangeOf(containerPortRange);
        if (networkMode !== 'bridge' && networkMode !== 'awsvpc')
          report(`found a containerPortRange with networkMode ${networkMode}, expected bridge or awsvpc`);
        if (from < 1 || to > 65_535 || from >= to)
          report(`found the range ${containerPortRange}, expected 1 to 65535, the first below the last`);
        if (ranges.some((other) => from <= other.to && other.from <= to))
          report(`found the range ${containerPortRange}, which overlaps another, expected ranges apart`);
        if (hostPort > 0) report('found a hostPort beside a containerPortRange, expected none: the instance picks');
        ranges.push({ from, to });
        continue;
      }
      const port = containerPort as number;
      if ((networkMode === 'host' || networkMode === 'awsvpc') && hostPort > 0 && hostPort !== port)
        report(
          `found hostPort ${hostPort} for containerPort ${port}, expected the same with networkMode ${networkMode}`,
        );
      if ((exposed.get(port) ?? protocol) !== protocol)
        report(`found containerPort ${port} for tcp and udp, expected one protocol for a container port`);
      exposed.set(port, protocol);
      const holds = `${protocol}/${networkMode === 'host' ? port : hostPort}`;
      if (networkMode !== 'awsvpc' && !holds.endsWith('/0') && held.has(holds))
        report(`found host port ${holds} a second time, expected each once: an instance has it once`);
      held.add(holds);
    }
    if (ranges.length > MOST_RANGES) report(`found ${ranges.length} port ranges, expected at most ${MOST_RANGES}`);
  }
  return problems;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A revision as the cluster keeps it. */
export interface RegisteredTaskDefinition {
  readonly definition: TaskDefinition;
  readonly demand: TaskDemand;
  readonly dynamicPorts: readonly DynamicPorts[];
  /** What an instance must be able to do. */
  readonly requiredAttributes: readonly RequiredAttribute[];
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
    ecs.taskDefinitions.set(taskDefinition, {
      definition,
      demand: taskDemand(definition),
      dynamicPorts: dynamicPorts(definition),
      requiredAttributes: requiredAttributes(definition),
      compressedImageMiB,
    });
    ecs.latestRevisions.set(definition.family, taskDefinition);
  },
};
