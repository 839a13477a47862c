/**
 * Offered load: once per step, how many requests reached each service. The number is whole and recorded, so that a replay
 * needs neither the trace nor the dice.
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  duration,
  event,
  json,
  number,
  numbers,
  text,
  texts,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { TraceSeries } from './loadModel.ts';
import { loadPart, requestsOffered } from './loadModels.ts';
import { poissonCount } from './loadModels/poisson.ts';
import { queue, usualQueue, type QueueConfig } from './queue.ts';
import { requestProfile } from './requestProfile.ts';
import { servings, type ServingName } from './servings.ts';

/** One service's load, what its requests cost, and how finely they are simulated. */
export const load = z.strictObject({
  service: z.string().min(1).describe('serviceName'),
  serving: z
    .enum(Object.keys(servings) as [ServingName, ...ServingName[]])
    .default('fluid')
    .describe(
      'fluid: queueing theory per step, for months; requests: every request simulated, for exact latency; queue: tasks take messages from an SQS queue, theory per step',
    ),
  queue: queue
    .optional()
    .describe('serving queue: the queue, as set-queue-attributes takes it; one of its own per service'),
  routing: z
    .enum(['round_robin', 'random'])
    .default('round_robin')
    .describe('how a task is picked for a request, unless its target group says so: load_balancing.algorithm.type'),
  arrivals: z
    .enum(['poisson', 'even'])
    .default('poisson')
    .describe('poisson: independent users, the count of a step varies; even: exactly the rate (for recorded counts)'),
  request: requestProfile,
  memory: z
    .strictObject({
      idleMiB: z.number().min(0).optional().describe('what a task uses without requests; a quarter of its memory'),
      perRequestMiB: z.number().min(0).default(0.5).describe('what each request in flight adds'),
    })
    .prefault({}),
  startup: duration.default(0).describe('from container start until the application answers its health check'),
  rate: z.array(loadPart).min(1).describe('requests per second; the parts add up'),
});
export type LoadConfig = z.output<typeof load>;

/** The queue that a service works off, with its name; undefined when requests come to it. */
export function queueOf(config: Immutable<LoadConfig>): (QueueConfig & { readonly QueueName: string }) | undefined {
  if (config.serving !== 'queue') return undefined;
  return { ...(config.queue ?? usualQueue), QueueName: config.queue?.QueueName ?? config.service };
}

export interface WorkloadWorld {
  readonly workload: WorkloadState;
}

export interface OfferedLoad {
  readonly config: LoadConfig;
  /** The part of a request that the steps so far have not offered yet. */
  remainder: number;
}

export interface WorkloadState {
  readonly startMs: Millis;
  readonly stepMs: Millis;
  /** By service name. */
  readonly loads: Map<string, OfferedLoad>;
}

export const emptyWorkload = (startMs: Millis, stepMs: Millis): WorkloadState => ({
  startMs,
  stepMs,
  loads: new Map(),
});

export const workloadEvents = {
  LoadAttached: event('Requests will come to a service.', {
    service: text('the service'),
    config: json<LoadConfig>('its load, as in the scenario'),
  }),
  LoadSampled: event('How many requests came to each service in one step, a row per service.', {
    fromMs: number('start of the step'),
    toMs: number('end of the step'),
    services: texts('the services'),
    offered: numbers('whole requests'),
    remainders: numbers('the part of a request left for the next step'),
  }),
} as const;
export type WorkloadEvent = EventsOf<typeof workloadEvents>;

export type WorkloadCommand =
  | { readonly type: 'AttachLoad'; readonly config: LoadConfig }
  /** Due at the end of the step that starts at `fromMs`. */
  | { readonly type: 'SampleLoad'; readonly fromMs: Millis };

/** @param traces  recorded loads by the name of their file */
export function decideWorkload(
  traces: ReadonlyMap<string, TraceSeries>,
): Decide<WorkloadWorld, WorkloadCommand, WorkloadEvent> {
  return {
    AttachLoad: ({ config }) => [{ type: 'LoadAttached', service: config.service, config }],

    SampleLoad({ fromMs }, { world: { workload }, nowMs: toMs, rng }) {
      const { startMs, stepMs } = workload;
      const step = (fromMs - startMs) / stepMs;
      const offered: number[] = [];
      const remainders: number[] = [];
      for (const [service, { config, remainder }] of workload.loads) {
        const draws = rng.at('workload.offered', step, service);
        const expected = requestsOffered(config.rate, fromMs, toMs, { traces, startMs, draws });
        const count = config.arrivals === 'poisson' ? poissonCount(expected, draws) : Math.floor(expected + remainder);
        offered.push(count);
        remainders.push(config.arrivals === 'poisson' ? 0 : Math.round((expected + remainder - count) * 1e6) / 1e6);
      }
      return [{ type: 'LoadSampled', fromMs, toMs, services: [...workload.loads.keys()], offered, remainders }];
    },
  };
}

export const evolveWorkload: Evolve<WorkloadWorld, WorkloadEvent> = {
  LoadAttached({ workload }, { service, config }) {
    workload.loads.set(service, { config, remainder: 0 });
  },
  LoadSampled({ workload }, { services, remainders }) {
    for (let row = 0; row < services.length; row++) {
      const load = workload.loads.get(services[row] as string);
      if (load !== undefined) load.remainder = remainders[row] as number;
    }
  },
};
