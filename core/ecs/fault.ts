/**
 * What goes wrong with tasks, by the scenario's `faults`: images that cannot be pulled, containers that end, health checks
 * that fail, agents that lose touch.
 *
 * @source spec/placement.md 4.11, 5.2, 5.6
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  duration,
  event,
  instant,
  json,
  text,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { deniedCall, type ContainerInstance, type ContainerInstanceEvent } from './containerInstance.ts';
import { agentDenial } from './permissions.ts';
import { noteChange } from './placement/placementIndex.ts';
import type { EcsWorld } from './world.ts';

const when = { at: instant, for: duration.optional().describe('until the end of the run when left out') };
const name = z.string().min(1);
const whom = {
  service: name.optional().describe('serviceName; every service when left out'),
  taskDefinition: name.optional().describe('family:revision; every one when left out'),
};
const containerName = name.optional().describe('the first essential container when left out');
const after = duration.default(0).describe('from the start of the container, or of the fault where that is later');

export const taskFaults = [
  z.strictObject({ kind: z.literal('ImageMissing'), ...when, image: name }).describe('the registry has no such image'),
  z
    .strictObject({ kind: z.literal('PullTimeout'), ...when, image: name.optional() })
    .describe('image pulls make no progress, until the agent gives them up'),
  z
    .strictObject({ kind: z.literal('PullRateExceeded'), ...when, image: name.optional() })
    .describe('the registry answers toomanyrequests: its limit for pulls is used up'),
  z
    .strictObject({
      kind: z.literal('SlowPull'),
      ...when,
      image: name.optional(),
      factor: z.number().min(1).max(1000).default(10).describe('times as long'),
    })
    .describe('image pulls take longer'),
  z
    .strictObject({
      kind: z.literal('ContainerExit'),
      ...when,
      ...whom,
      containerName,
      after,
      exitCode: z.int().min(0).max(255).default(1),
    })
    .describe('a container ends by itself: a crash loop, when its service starts it again'),
  z
    .strictObject({ kind: z.literal('OutOfMemory'), ...when, ...whom, containerName, after })
    .describe('a container is killed for exceeding its memory'),
  z
    .strictObject({
      kind: z.literal('HealthCheckFails'),
      ...when,
      ...whom,
      checks: z.enum(['container', 'loadBalancer', 'both']).default('both'),
    })
    .describe('the application runs, but fails its health checks'),
  z
    .strictObject({
      kind: z.literal('AgentDisconnected'),
      ...when,
      ec2InstanceId: name.optional().describe('every instance when left out'),
      availabilityZone: name.optional().describe('every zone when left out'),
    })
    .describe('container agents lose touch with ECS: no placements, and what happens to tasks is not heard of'),
] as const;

const taskFault = z.discriminatedUnion('kind', taskFaults);
export type TaskFault = z.output<typeof taskFault>;
export type TaskFaultOf<Kind extends TaskFault['kind']> = Extract<TaskFault, { kind: Kind }>;

export const faultEvents = {
  TaskFaultBegan: event('A fault of the scenario began.', {
    faultId: text('the fault'),
    fault: json<TaskFault>('as written'),
  }),
  TaskFaultEnded: event('A fault of the scenario is over.', {
    faultId: text('the fault'),
    fault: json<TaskFault>('as written'),
  }),
  ContainerAgentDisconnected: event('ECS has noticed that the agent of an instance is gone: agentConnected is false.', {
    ec2InstanceId: text('the instance'),
  }),
  ContainerAgentConnected: event('The agent of an instance is back, and reports what has happened.', {
    ec2InstanceId: text('the instance'),
  }),
} as const;
export type FaultEvent = EventsOf<typeof faultEvents>;

export type FaultCommand =
  | { readonly type: 'BeginTaskFault'; readonly faultId: string; readonly fault: TaskFault }
  | { readonly type: 'EndTaskFault'; readonly faultId: string }
  | { readonly type: 'DisconnectAgents'; readonly faultId: string }
  /** What container agents may do has changed. */
  | { readonly type: 'ReviewAgents' };

export const decideFault: Decide<EcsWorld, FaultCommand, FaultEvent | ContainerInstanceEvent> = {
  BeginTaskFault: ({ faultId, fault }) => [{ type: 'TaskFaultBegan', faultId, fault }],

  EndTaskFault({ faultId }, { world }) {
    const { ecs } = world;
    const fault = ecs.faults.get(faultId);
    if (fault === undefined) return [];
    const back = Array.from(ecs.containerInstances.values())
      .filter((instance) => !instance.agentConnected && agentFaultsOn(ecs.faults, instance) === 1)
      .filter((instance) => isCutOff(fault, instance))
      .filter(({ ec2InstanceId }) => agentDenial(world, ec2InstanceId, 'ecs:Poll') === undefined)
      .map(({ ec2InstanceId }) => ({ type: 'ContainerAgentConnected', ec2InstanceId }) as const);
    return [{ type: 'TaskFaultEnded', faultId, fault }, ...back];
  },

  DisconnectAgents({ faultId }, { world: { ecs } }) {
    const fault = ecs.faults.get(faultId);
    if (fault === undefined) return [];
    return Array.from(ecs.containerInstances.values())
      .filter((instance) => instance.agentConnected && isCutOff(fault, instance))
      .map(({ ec2InstanceId }) => ({ type: 'ContainerAgentDisconnected', ec2InstanceId }));
  },

  ReviewAgents(_command, { world }) {
    return Array.from(world.ecs.containerInstances.values()).flatMap(
      (instance): readonly (FaultEvent | ContainerInstanceEvent)[] => {
        const { ec2InstanceId, agentConnected } = instance;
        const denied = deniedCall(world, ec2InstanceId, 'ecs:Poll');
        if (agentConnected && denied.length > 0)
          return [...denied, { type: 'ContainerAgentDisconnected', ec2InstanceId }];
        const isBack = !agentConnected && denied.length === 0 && agentFaultsOn(world.ecs.faults, instance) === 0;
        return isBack ? [{ type: 'ContainerAgentConnected', ec2InstanceId }] : [];
      },
    );
  },
};

type Faults = Immutable<ReadonlyMap<string, TaskFault>>;

function isCutOff(
  fault: Immutable<TaskFault>,
  { ec2InstanceId, availabilityZone }: Immutable<Pick<ContainerInstance, 'ec2InstanceId' | 'availabilityZone'>>,
): boolean {
  return (
    fault.kind === 'AgentDisconnected' &&
    (fault.ec2InstanceId ?? ec2InstanceId) === ec2InstanceId &&
    (fault.availabilityZone ?? availabilityZone) === availabilityZone
  );
}

function agentFaultsOn(faults: Faults, instance: Immutable<ContainerInstance>): number {
  let count = 0;
  for (const fault of faults.values()) if (isCutOff(fault, instance)) count++;
  return count;
}

/** Whether the agent of an instance has lost touch: what happens there is not heard of. */
export function agentIsGone(faults: Faults, instance: Immutable<ContainerInstance> | undefined): boolean {
  if (faults.size === 0 || instance === undefined) return false;
  for (const fault of faults.values())
    if (isCutOff(fault, instance) && instance.registeredAtMs <= fault.at) return true;
  return false;
}

/** Whom a fault of tasks is about. */
export function concerns(
  fault: { readonly service?: string | undefined; readonly taskDefinition?: string | undefined },
  task: { readonly serviceName: string; readonly taskDefinition: string },
): boolean {
  return (
    (fault.service ?? task.serviceName) === task.serviceName &&
    (fault.taskDefinition ?? task.taskDefinition) === task.taskDefinition
  );
}

/** Whether the health checks of a kind fail for a task right now. */
export function checksFail(
  faults: Faults,
  checks: 'container' | 'loadBalancer',
  task: { readonly serviceName: string; readonly taskDefinition: string },
): boolean {
  for (const fault of faults.values())
    if (fault.kind === 'HealthCheckFails' && fault.checks !== otherThan(checks) && concerns(fault, task)) return true;
  return false;
}

function otherThan(checks: 'container' | 'loadBalancer'): 'container' | 'loadBalancer' {
  return checks === 'container' ? 'loadBalancer' : 'container';
}

/** What becomes of the pull of an image right now; undefined: nothing unusual. */
export function pullFault(
  faults: Faults,
  image: string,
): Immutable<TaskFaultOf<'ImageMissing' | 'PullTimeout' | 'PullRateExceeded' | 'SlowPull'>> | undefined {
  let slow: Immutable<TaskFaultOf<'SlowPull'>> | undefined;
  for (const fault of faults.values()) {
    if (fault.kind === 'ImageMissing' && fault.image === image) return fault;
    if (fault.kind === 'PullTimeout' && (fault.image ?? image) === image) return fault;
    if (fault.kind === 'PullRateExceeded' && (fault.image ?? image) === image) return fault;
    if (fault.kind === 'SlowPull' && (fault.image ?? image) === image && fault.factor > (slow?.factor ?? 0))
      slow = fault;
  }
  return slow;
}

/** When a fault is over; undefined: with the run. */
export function taskFaultEndMs(fault: TaskFault): Millis | undefined {
  return fault.for === undefined ? undefined : fault.at + fault.for;
}

export const evolveFault: Evolve<EcsWorld, FaultEvent> = {
  TaskFaultBegan({ ecs }, { faultId, fault }) {
    ecs.faults.set(faultId, fault);
  },
  TaskFaultEnded({ ecs }, { faultId }) {
    ecs.faults.delete(faultId);
  },
  ContainerAgentDisconnected({ ecs }, { ec2InstanceId }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return;
    instance.agentConnected = false;
    noteChange(ecs.placementJournal, instance);
  },
  ContainerAgentConnected({ ecs }, { ec2InstanceId }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return;
    instance.agentConnected = true;
    noteChange(ecs.placementJournal, instance);
  },
};
