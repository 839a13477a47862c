/**
 * Containers of a task: in which order they start and stop, how they answer their health checks, how they end.
 *
 * @source spec/placement.md 4.4, 5.2, 5.4
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { duration, SECOND, type Millis } from '../kernel/index.ts';

const condition = z.enum(['START', 'COMPLETE', 'SUCCESS', 'HEALTHY']);

/** How the application in a container behaves. AWS has no such block: it is what a bad revision is made of. */
const behavior = z.strictObject({
  answersAfter: duration
    .optional()
    .describe('from its start until it answers health checks; when left out, the startup of the load of its service'),
  healthChecks: z
    .enum(['pass', 'fail'])
    .default('pass')
    .describe('fail: once it should answer, its container and load balancer health checks fail'),
  exitsAfter: duration.optional().describe('it ends by itself this long after its start; when left out, never'),
  exitCode: z.int().min(0).max(255).default(0).describe('with which code it ends by itself'),
  outOfMemory: z.boolean().default(false).describe('it ends because it exceeds its memory: exit code 137'),
  calls: z
    .array(z.string().regex(/^[a-z0-9-]+:[A-Za-z]+$/, 'expected an action such as s3:GetObject'))
    .default([])
    .describe('AWS calls that it makes with the task role when it starts; it ends with exit code 1 when one is denied'),
  stopsIn: duration.default(1 * SECOND).describe('from SIGTERM until it has ended; past stopTimeout it is killed'),
});

/** The keys of a container definition that shape its life; AWS's, and `behavior`. */
export const containerLife = {
  dependsOn: z.array(z.strictObject({ containerName: z.string().min(1), condition })).optional(),
  startTimeout: z
    .int()
    .min(2)
    .max(86_400)
    .optional()
    .describe('seconds it may take to become COMPLETE, SUCCESS or HEALTHY for those that depend on it'),
  stopTimeout: z.int().min(1).max(86_400).optional().describe('seconds from SIGTERM to SIGKILL; 30 when left out'),
  healthCheck: z
    .strictObject({
      command: z.array(z.string()).min(1),
      interval: z.int().min(5).max(300).default(30).describe('seconds'),
      timeout: z.int().min(2).max(60).default(5).describe('seconds'),
      retries: z.int().min(1).max(10).default(3),
      startPeriod: z.int().min(0).max(300).default(0).describe('seconds in which failures do not count'),
    })
    .optional(),
  behavior: behavior.optional().describe('ours: how the application in it behaves'),
} as const;

export type HealthStatus = 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN';

/** A container of a task that has a place. */
export interface TaskContainer {
  status: 'PENDING' | 'RUNNING' | 'STOPPED';
  startedAtMs: Millis | undefined;
  exitCode: number | undefined;
  healthStatus: HealthStatus;
  /** A check has passed before: failures count also within the start period. */
  hasPassed: boolean;
  /** Failures in a row that count. */
  failures: number;
  checkedAtMs: Millis | undefined;
}

export const newContainer = (): TaskContainer => ({
  status: 'PENDING',
  startedAtMs: undefined,
  exitCode: undefined,
  healthStatus: 'UNKNOWN',
  hasPassed: false,
  failures: 0,
  checkedAtMs: undefined,
});

/** What a container definition says of its life. */
type LifeSchema = z.ZodObject<typeof containerLife>;
export type ContainerLife = z.output<LifeSchema> & { readonly name: string; readonly essential: boolean };
type Definitions = readonly Immutable<ContainerLife>[];
type Containers = ReadonlyMap<string, Immutable<TaskContainer>>;

/**
 * Health of a task by its containers: those that are not essential do not matter.
 *
 * @source AWS, ECS API, HealthCheck
 */
export function taskHealth(
  containers: readonly { readonly essential: boolean; readonly healthStatus: HealthStatus }[],
): HealthStatus {
  const essential = containers.filter((container) => container.essential);
  if (essential.some(({ healthStatus }) => healthStatus === 'UNHEALTHY')) return 'UNHEALTHY';
  return essential.every(({ healthStatus }) => healthStatus === 'HEALTHY') ? 'HEALTHY' : 'UNKNOWN';
}

/** Health of a task by those of its containers that have a health check; undefined when none of them that is essential has. */
export function checkedHealth(definitions: Definitions, containers: Containers): HealthStatus | undefined {
  if (!definitions.some(isChecked)) return undefined;
  return taskHealth(
    definitions.filter(isChecked).map(({ name, essential }) => ({
      essential,
      healthStatus: containers.get(name)?.healthStatus ?? 'UNKNOWN',
    })),
  );
}

/** Whether health checks of a container decide on the health of its task. */
export function isChecked({ essential, healthCheck }: Immutable<ContainerLife>): boolean {
  return essential && healthCheck !== undefined;
}

/** Containers that may start now: not started yet, and everything they depend on is as they want it. */
export function startable(definitions: Definitions, containers: Containers): readonly string[] {
  return definitions
    .filter(({ name, dependsOn }) => {
      if (containers.get(name)?.status !== 'PENDING') return false;
      return (dependsOn ?? []).every(({ containerName, condition: wanted }) =>
        isMet(wanted, containers.get(containerName)),
      );
    })
    .map(({ name }) => name);
}

function isMet(wanted: z.output<typeof condition>, container: Immutable<TaskContainer> | undefined): boolean {
  if (container === undefined) return false;
  switch (wanted) {
    case 'START':
      return container.status !== 'PENDING';
    case 'COMPLETE':
      return container.status === 'STOPPED';
    case 'SUCCESS':
      return container.status === 'STOPPED' && container.exitCode === 0;
    case 'HEALTHY':
      return container.status === 'RUNNING' && container.healthStatus === 'HEALTHY';
  }
}

/** Why a container can never start any more, in the agent's words; undefined while all of them still may. */
export function blockedStart(definitions: Definitions, containers: Containers): string | undefined {
  for (const { name, dependsOn = [] } of definitions) {
    if (containers.get(name)?.status !== 'PENDING') continue;
    for (const { containerName, condition: wanted } of dependsOn) {
      if (containers.get(containerName)?.status !== 'STOPPED' || isMet(wanted, containers.get(containerName))) continue;
      const why = wanted === 'SUCCESS' ? 'did not exit successfully' : 'has stopped';
      return `dependency graph: failed to resolve container ordering dependency [${containerName}] for target [${name}] as dependency ${why}.`;
    }
  }
  return undefined;
}

/** A container that waits for another one to become COMPLETE, SUCCESS or HEALTHY, which START does not ask for. */
export function waitsFor(definitions: Definitions, containers: Containers, awaited: string): string | undefined {
  return definitions.find(
    ({ name, dependsOn = [] }) =>
      containers.get(name)?.status === 'PENDING' &&
      dependsOn.some(
        ({ containerName, condition: wanted }) =>
          containerName === awaited && wanted !== 'START' && !isMet(wanted, containers.get(awaited)),
      ),
  )?.name;
}

const DEFAULT_STOP_TIMEOUT_S = 30;
const DEFAULT_STOPS_IN_MS = 1 * SECOND;
/** 128 and SIGKILL. */
export const KILLED = 137;

/**
 * What becomes of the containers that run when a task is stopped now. A container gets its SIGTERM once those that depend on
 * it have ended; one that does not end within its stopTimeout is killed.
 *
 * @returns when the last one has ended, and the exit code of each container in the order of the definitions; -1: never ran
 */
export function stopPlan(
  definitions: Definitions,
  containers: Containers,
  nowMs: Millis,
): { readonly stoppedAtMs: Millis; readonly exitCodes: readonly number[] } {
  const ends = new Map<string, Millis>();
  const isRunning = (name: string) => containers.get(name)?.status === 'RUNNING';
  const endOf = (definition: Immutable<ContainerLife>): Millis => {
    const known = ends.get(definition.name);
    if (known !== undefined) return known;
    let termMs = nowMs;
    for (const other of definitions)
      if (isRunning(other.name) && other.dependsOn?.some(({ containerName }) => containerName === definition.name))
        termMs = Math.max(termMs, endOf(other));
    const endMs = termMs + Math.min(stopsInMs(definition), stopTimeoutMs(definition));
    ends.set(definition.name, endMs);
    return endMs;
  };
  let stoppedAtMs = nowMs;
  const exitCodes = definitions.map((definition) => {
    const container = containers.get(definition.name);
    if (container?.status !== 'RUNNING') return container?.exitCode ?? -1;
    stoppedAtMs = Math.max(stoppedAtMs, endOf(definition));
    return stopsInMs(definition) > stopTimeoutMs(definition) ? KILLED : 0;
  });
  return { stoppedAtMs, exitCodes };
}

function stopsInMs(definition: Immutable<ContainerLife>): Millis {
  return definition.behavior?.stopsIn ?? DEFAULT_STOPS_IN_MS;
}

function stopTimeoutMs({ stopTimeout = DEFAULT_STOP_TIMEOUT_S }: Immutable<ContainerLife>): Millis {
  return stopTimeout * SECOND;
}

/** The instant of the first health check at or after `atMs`: the first is an interval after the start (Docker's way). */
export function nextCheckMs(startedAtMs: Millis, intervalS: number, atMs: Millis): Millis {
  const intervalMs = intervalS * SECOND;
  return startedAtMs + Math.max(1, Math.ceil((atMs - startedAtMs) / intervalMs)) * intervalMs;
}

/** Containers whose dependencies go round in a circle, as AWS would refuse them; undefined when there are none. */
export function dependencyCycle(
  definitions: readonly { readonly name: string; readonly dependsOn?: ContainerLife['dependsOn'] }[],
): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) return path.slice(path.indexOf(name));
    if (done.has(name)) return undefined;
    for (const { containerName } of definitions.find((definition) => definition.name === name)?.dependsOn ?? []) {
      const cycle = visit(containerName, [...path, name]);
      if (cycle !== undefined) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const { name } of definitions) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
