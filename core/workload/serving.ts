/**
 * Serving: what a service's tasks make of the requests that reach them in one step of time. Two servings answer the same
 * question: `fluid` with queueing theory at a microsecond a step, for months; `requests` by simulating each request, for hours.
 * A third, `queue`, is for workers that take messages from a queue; it has a picture of its own.
 *
 * The two share one picture. A request works for `cpuMs` of one vCPU (random, see the profile), then waits `otherMs` without CPU.
 * A task has `cpuUnits` / 1024 vCPUs. Up to `perTaskConcurrency` requests share them equally, none of them faster than one
 * vCPU; up to `maxQueuedPerTask` wait first come first served; a further one is rejected. This is limited processor sharing:
 * M/G/c with as many places as vCPUs, M/G/1 processor sharing with many.
 * A request leaves its place when its work is done; `otherMs` holds none, as in an asynchronous server.
 * `timeoutMs` after its arrival the client gives up: the request leaves at once, wherever it is, and its work so far is wasted.
 * Without a target every request fails at once, as behind a load balancer with no healthy target (HTTP 503).
 */

import type { Draws, Millis } from '../kernel/index.ts';
import type { QueueConfig } from './queue.ts';
import type { RequestProfile } from './requestProfile.ts';

/** Levels of the latency quantiles every serving reports. */
export const latencyLevels = [0.5, 0.9, 0.95, 0.99, 0.999] as const;

/**
 * What one step leaves to the next: plain data, to be given back as it is to the same serving. Besides `queued`, its fields
 * belong to the serving that wrote them.
 */
export interface Carried {
  /** Whole requests in the system. */
  readonly queued: number;

  /** fluid: requests at the tasks, working or waiting for a place, as a real number. */
  readonly atTasks?: number;
  /** fluid: requests in their `otherMs`, as a real number. */
  readonly away?: number;
  /** fluid: milliseconds since the oldest request at a task arrived. */
  readonly oldestMs?: number;
  /** fluid: the parts of a request that timed out or were rejected and not yet counted. */
  readonly timedOutPart?: number;
  readonly rejectedPart?: number;

  /** Of load balancing within zones: what each zone's tasks leave, by zone. `queued` is their sum. */
  readonly zones?: Readonly<Record<string, Carried>>;

  /** requests: place of the next target in the round. */
  readonly nextTarget?: number;
  /** requests: one row per request in flight, in four parallel lists; the rows of a task are in order of arrival. */
  readonly taskIds?: readonly string[];
  /** requests: microseconds since the arrival. */
  readonly ageUs?: readonly number[];
  /** requests: microseconds of one vCPU still to be worked; 0 when only `otherUs` is left. */
  readonly cpuUs?: readonly number[];
  /** requests: microseconds still to be waited after the work. */
  readonly otherUs?: readonly number[];

  /** queue: where its messages are. */
  readonly queue?: QueueState;
}

/** Where the messages of a queue are between two steps: whole messages, and the parts of one that is being worked on. */
export interface QueueState {
  /** Visible messages, oldest first: rows of count, age of the youngest and of the oldest in ms, receives. */
  readonly visibleCohorts: readonly number[];
  /** Messages of tasks that went away: rows of the same, and the milliseconds until they are visible again. */
  readonly hiddenCohorts: readonly number[];
  /** Messages that tasks work on: rows of count and receives. */
  readonly held: readonly number[];
  /** Of these, the ones on tasks that take no more. */
  readonly heldDraining: number;
  /** Mean age of the held messages when they were received, half the width of its spread, and milliseconds since. */
  readonly waitMs: number;
  readonly waitSpreadMs: number;
  readonly heldMs: number;
  /** Parts of a message done and not yet counted, by tasks that take messages, and by those that take no more. */
  readonly donePart: number;
  readonly drainedPart: number;
  /** The tasks that hold the messages. */
  readonly taskIds: readonly string[];
  readonly drainingTaskIds: readonly string[];
}

/** What Amazon SQS would count in a step, besides the messages sent (offered) and deleted (served). */
export interface QueueCounts {
  /** Messages in the queue at the end that a receive would get, and those in flight. */
  readonly visible: number;
  readonly notVisible: number;
  /** Age of the oldest message that is not deleted; 0 without one. */
  readonly oldestMs: number;
  /** Messages received, each time counted. */
  readonly received: number;
  /** Of these, messages that had been received before: their task went away. */
  readonly receivedAgain: number;
  readonly emptyReceives: number;
}

/** Tasks by their ids, in a fixed order. They may be counted only, and listed when somebody asks who they are. */
export interface TaskIds extends Iterable<string> {
  readonly length: number;
}

export interface ServingStep {
  readonly fromMs: Millis;
  readonly toMs: Millis;
  /** Whole requests arriving in the step. */
  readonly offered: number;
  /** The healthy tasks. */
  readonly targets: TaskIds;
  /** Those that get no new requests but finish what they hold. */
  readonly drainingTargets: TaskIds;
  /** Their parts of the requests relative to the largest, which is 1, in the order of `targets`; absent: all alike. */
  readonly weights?: readonly number[] | undefined;
  /** CPU units of each task; 1024 are one vCPU. */
  readonly cpuUnits: number;
  readonly profile: RequestProfile;
  /** Outstanding requests are those at a task and those in their `otherMs`. They are not weighted. */
  readonly routing: 'round_robin' | 'random' | 'least_outstanding_requests';
  /** queue: the queue's attributes. */
  readonly queue?: QueueConfig | undefined;
  /** What the previous step left; at the start, `empty`. */
  readonly carried: Carried;
  /** Chance of this step. */
  readonly draws: Draws;
}

/**
 * The counts are whole requests, and none appears or vanishes:
 * carried.queued + offered = served + timedOut + rejected + unserved + lost + queued.
 */
export interface Served {
  readonly served: number;
  readonly timedOut: number;
  /** Came to a task with no place and no room to wait. */
  readonly rejected: number;
  /** Came while there was no target (HTTP 503). */
  readonly unserved: number;
  /** Were in flight on a task that vanished (HTTP 502); of a queue, once too often, so that they are dead letters. */
  readonly lost: number;
  /** Still in the system at `toMs`. */
  readonly queued: number;
  /** Mean CPU utilization of the targets over the step, from 0 to 100, in percent of their `cpuUnits`. */
  readonly busyPercent: number;
  /** Mean latency of the requests served in the step, rounded to 0.001 ms; 0 when there is none. */
  readonly meanMs: number;
  /** Quantiles of the same latencies at `latencyLevels`. */
  readonly quantilesMs: readonly number[];
  /** requests: the same latencies, counted in the buckets of `bucketOf`; the buckets ascend. */
  readonly histogram?: { readonly buckets: readonly number[]; readonly counts: readonly number[] };
  /** How long the work of one more request would take at a target at the end of the step, waiting included; 0 without one. */
  readonly nextMs: number;
  /** Part of those who came to a target that found neither place nor room. */
  readonly turnsAway: number;
  /** queue: what its metrics count. */
  readonly counts?: QueueCounts;
  readonly carried: Carried;
}

/** Until the mean work of a request is done that comes to a task which holds `held`: shared with them, or in line behind them. */
export function nextRequestMs(held: number, cpuUnits: number, profile: RequestProfile): number {
  const vcpus = cpuUnits / 1024;
  const servers = Math.min(Math.max(1, vcpus), profile.perTaskConcurrency);
  const workMs = profile.cpuMs / Math.min(1, vcpus);
  return Math.round(Math.max(1, (held + 1) / servers) * workMs * 1e3) / 1e3;
}

export interface Serving {
  /** What the first step is given. */
  readonly empty: Carried;
  /** Serves one step. Every step has toMs > fromMs, and begins where the one before it ended. */
  readonly serve: (step: ServingStep) => Served;
}
