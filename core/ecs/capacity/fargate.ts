/**
 * Fargate: which sizes exist, how fast tasks may start, and how Fargate Spot takes tasks back.
 *
 * @source spec/capacity.md 4; fargateSizes.json, field `source`
 */

import type { Immutable } from 'immer';
import { fargateIsThrottled, fargateTakes } from '../../ec2/index.ts';
import {
  event,
  MINUTE,
  number,
  SECOND,
  text,
  type Context,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../../kernel/index.ts';
import type { Task, TaskEvent } from '../task.ts';
import type { RegisteredTaskDefinition } from '../taskDefinition.ts';
import type { EcsState, EcsWorld } from '../world.ts';
import catalogue from './fargateSizes.json' with { type: 'json' };

const memoryByCpu: ReadonlyMap<number, readonly number[]> = new Map(
  catalogue.sizes.map(({ cpuUnits, memoryMiB }) => [cpuUnits, memoryMiB]),
);

/** Whether Fargate offers a task of this size. */
export function fargateSizeIsValid(cpuUnits: number, memoryMiB: number): boolean {
  return memoryByCpu.get(cpuUnits)?.includes(memoryMiB) ?? false;
}

/** The memory sizes that go with a CPU size; none when Fargate does not offer it. */
export function fargateMemorySizes(cpuUnits: number): readonly number[] {
  return memoryByCpu.get(cpuUnits) ?? [];
}

export const fargateCpuSizes: readonly number[] = [...memoryByCpu.keys()];

/** A token bucket, as full as it was at an instant; below 0 it is owed. */
export interface TokenBucket {
  tokens: number;
  atMs: Millis;
}

interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

const rateOf = ({ capacity }: Immutable<EcsState>): Rate => ({
  burst: capacity.fargateLaunchBurst,
  perSecond: capacity.fargateLaunchPerSecond,
});

function tokensAt(bucket: Immutable<TokenBucket> | undefined, { burst, perSecond }: Rate, nowMs: Millis): number {
  if (bucket === undefined) return burst;
  return Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / SECOND);
}

/** How long the next launch from a provider must wait for its token. On-demand and Spot have a bucket each. */
export function launchDelayMs(ecs: Immutable<EcsState>, provider: string, nowMs: Millis): Millis {
  const rate = rateOf(ecs);
  const tokens = tokensAt(ecs.fargateBuckets.get(provider), rate, nowMs);
  return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * SECOND) / rate.perSecond);
}

/** For `evolve`: a task was launched. */
export function takeToken(ecs: EcsState, provider: string, nowMs: Millis): void {
  if (nowMs === ecs.warmStartMs) return;
  ecs.fargateBuckets.set(provider, {
    tokens: tokensAt(ecs.fargateBuckets.get(provider), rateOf(ecs), nowMs) - 1,
    atMs: nowMs,
  });
}

/** Which of the zones of a service's subnets take tasks of a provider on Fargate right now; all of the cluster's when it names none. */
export function fargateZones(
  { ecs, ec2 }: Immutable<EcsWorld>,
  provider: string | undefined,
  zones: readonly string[] = ecs.availabilityZones,
): readonly string[] {
  if (ec2.faults.size === 0) return zones;
  return zones.filter((zone) => fargateTakes(ec2, zone, provider === 'FARGATE_SPOT'));
}

export type FargateFailure =
  | 'Capacity is unavailable at this time. Please try again later or in a different availability zone'
  | 'ThrottlingException: Rate exceeded';

/** Why Fargate starts nothing from a provider right now; undefined when it does. */
export function fargateFailure(
  world: Immutable<EcsWorld>,
  provider: string,
  zones: readonly string[] | undefined,
): FargateFailure | undefined {
  if (fargateIsThrottled(world.ec2)) return 'ThrottlingException: Rate exceeded';
  if (fargateZones(world, provider, zones).length > 0) return undefined;
  return 'Capacity is unavailable at this time. Please try again later or in a different availability zone';
}

export const fargateEvents = {
  FargateSpotTaskDoomed: event('Chance will take this Fargate Spot task back within the hour.', {
    taskId: text('the task'),
    interruptedAtMs: number('when it gets its notice'),
  }),
  FargateSpotTaskInterrupted: event('Fargate Spot takes a task back: SIGTERM now, and two minutes at most.', {
    taskId: text('the task'),
    serviceName: text('its service'),
    endsAtMs: number('when it will be killed: the stop timeout, two minutes at most'),
  }),
} as const;
export type FargateEvent = EventsOf<typeof fargateEvents>;

export type FargateCommand =
  /** Which tasks chance will interrupt before `untilMs`: all, or one that has just started. */
  | { readonly type: 'DoomFargateSpotTasks'; readonly untilMs: Millis; readonly taskId?: string }
  | { readonly type: 'InterruptFargateSpotTask'; readonly taskId: string }
  /** A storm: a share of all Fargate Spot tasks. */
  | { readonly type: 'InterruptFargateSpot'; readonly percent: number; readonly availabilityZone?: string | undefined }
  /** A zone is out, and its Fargate tasks with it. */
  | { readonly type: 'LoseFargateTasks'; readonly availabilityZone: string };

const MONTH_MS = 720 * 3_600_000;
const MOST_NOTICE_MS = 2 * MINUTE;
/** ECS's default when a container does not say. */
const STOP_TIMEOUT_S = 30;

export const decideFargate: Decide<EcsWorld, FargateCommand, FargateEvent | TaskEvent> = {
  DoomFargateSpotTasks({ untilMs, taskId }, context) {
    const { world, nowMs } = context;
    const events: FargateEvent[] = [];
    const one = taskId === undefined ? undefined : world.ecs.tasks.get(taskId);
    const tasks = taskId === undefined ? world.ecs.tasks.values() : one === undefined ? [] : [one];
    for (const task of tasks) {
      const interruptedAtMs = lifeEnd(task, context);
      if (interruptedAtMs !== undefined && interruptedAtMs >= nowMs && interruptedAtMs < untilMs)
        events.push({ type: 'FargateSpotTaskDoomed', taskId: task.taskId, interruptedAtMs });
    }
    return events;
  },

  InterruptFargateSpotTask({ taskId }, context) {
    const task = context.world.ecs.tasks.get(taskId);
    return task === undefined ? [] : interrupted(task, context);
  },

  InterruptFargateSpot({ percent, availabilityZone }, context) {
    const events: (FargateEvent | TaskEvent)[] = [];
    for (const task of context.world.ecs.tasks.values()) {
      const here = (availabilityZone ?? task.availabilityZone) === task.availabilityZone;
      const luck = context.rng.at('ecs.fargateSpotStorm', task.number).uniform();
      if (here && luck < percent / 100) events.push(...interrupted(task, context));
    }
    return events;
  },

  LoseFargateTasks({ availabilityZone }, { world: { ecs } }) {
    const events: TaskEvent[] = [];
    for (const { taskId, serviceName, ec2InstanceId, ...task } of ecs.tasks.values())
      if (ec2InstanceId === undefined && task.availabilityZone === availabilityZone)
        events.push({
          type: 'TaskStopped',
          taskId,
          serviceName,
          stopCode: 'TerminationNotice',
          reason: `Availability Zone ${availabilityZone} is out.`,
        });
    return events;
  },
};

/** An exponential life from the moment it runs, a task's own whatever else happens. */
function lifeEnd(
  { number: key, capacityProvider, runningSinceMs }: Immutable<Task>,
  { world: { ecs }, rng }: Context<EcsWorld>,
): Millis | undefined {
  const percent = ecs.capacity.fargateSpotPercentPerMonth;
  if (capacityProvider !== 'FARGATE_SPOT' || runningSinceMs === undefined || percent === 0) return undefined;
  return runningSinceMs + Math.ceil(rng.at('ecs.fargateSpotLife', key).exponential(MONTH_MS / (percent / 100)));
}

function interrupted(
  { taskId, serviceName, status, capacityProvider, taskDefinition }: Immutable<Task>,
  { world: { ecs }, nowMs }: Context<EcsWorld>,
): FargateEvent[] {
  if (capacityProvider !== 'FARGATE_SPOT' || status !== 'RUNNING') return [];
  const { definition } = ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const timeouts = definition.containerDefinitions.map(({ stopTimeout = STOP_TIMEOUT_S }) => stopTimeout * SECOND);
  const endsAtMs = nowMs + Math.min(Math.max(...timeouts), MOST_NOTICE_MS);
  return [{ type: 'FargateSpotTaskInterrupted', taskId, serviceName, endsAtMs }];
}

export const evolveFargate: Evolve<EcsWorld, FargateEvent> = {
  FargateSpotTaskDoomed() {},
  FargateSpotTaskInterrupted() {},
};
