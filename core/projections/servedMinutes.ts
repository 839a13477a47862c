/**
 * Demand and supply of a service, minute by minute: what elasticity and step responses are measured on. A minute, because
 * objectives are of minutes; the load of a few seconds is chance.
 */

import { SERVING_ROUTING, taskDemand } from '../ecs/index.ts';
import { MINUTE, SECOND, type Millis } from '../kernel/index.ts';
import type { LoadConfig } from '../workload/index.ts';
import type { Event } from '../world.ts';
import { Demand, type ServedTask } from './demand.ts';
import type { ServiceLevelObjective } from './serviceLevel.ts';

/** A stretch of time with the same supply. */
export interface Supplied {
  readonly fromMs: Millis;
  readonly ms: Millis;
  /** Tasks that get requests. */
  readonly tasks: number;
  /** Of all running tasks. */
  readonly cpuPercent: number;
  readonly memoryPercent: number;
}

export interface ServedMinute {
  readonly startMs: Millis;
  /** Smallest number of tasks that meets the objective at the minute's load. */
  readonly demand: number;
  /** Its steps, at least one. */
  readonly steps: readonly Supplied[];
}

type Size = Omit<ServedTask, 'routing'>;

export const servedMinuteTypes = [
  'TargetGroupCreated',
  'TaskDefinitionRegistered',
  'ServiceCreated',
  'DeploymentStarted',
  'LoadAttached',
  'LoadServed',
] as const satisfies readonly Event['type'][];

/** Hears the events of `servedMinuteTypes`, and tells of each minute of a service that has ended. */
export class ServedMinutes {
  readonly #serviceName: string;
  readonly #objective: ServiceLevelObjective | undefined;
  readonly #onMinute: (minute: ServedMinute) => void;
  readonly #algorithms = new Map<string, keyof typeof SERVING_ROUTING>();
  readonly #sizes = new Map<string, Size>();
  #targetGroup = '';
  #taskDefinition = '';
  #load: LoadConfig | undefined;
  #demand: Demand | undefined;
  #startMs = 0;
  #offered = 0;
  #steps: Supplied[] = [];

  constructor(
    serviceName: string,
    objective: ServiceLevelObjective | undefined,
    onMinute: (minute: ServedMinute) => void,
  ) {
    this.#serviceName = serviceName;
    this.#objective = objective;
    this.#onMinute = onMinute;
  }

  /** False when no number of tasks would meet the objective's latency. */
  get isAttainable(): boolean {
    return this.#demand?.isAttainable ?? true;
  }

  /** The minute that has not ended, as if it ended now; undefined when nothing of it has been served. */
  get open(): ServedMinute | undefined {
    if (this.#steps.length === 0 || this.#demand === undefined) return undefined;
    const ms = this.#steps.reduce((sum, step) => sum + step.ms, 0);
    const demand = this.#demand.tasksFor((this.#offered * SECOND) / ms);
    return { startMs: this.#startMs, demand, steps: this.#steps };
  }

  on(event: Event): void {
    switch (event.type) {
      case 'TargetGroupCreated': {
        const algorithm = event.config.Attributes.find(({ Key }) => Key === 'load_balancing.algorithm.type')?.Value;
        if (algorithm !== undefined) this.#algorithms.set(event.config.Name, algorithm as keyof typeof SERVING_ROUTING);
        return;
      }
      case 'TaskDefinitionRegistered': {
        const { taskDefinition, definition } = event;
        const workFactor = definition.application?.workFactor ?? 1;
        this.#sizes.set(taskDefinition, { cpuUnits: taskDemand(definition).cpuUnits, workFactor });
        return;
      }
      case 'ServiceCreated':
        if (event.config.serviceName !== this.#serviceName) return;
        this.#targetGroup = event.config.loadBalancers[0]?.targetGroup ?? '';
        this.#taskDefinition = event.taskDefinition;
        this.#reckonAnew();
        return;
      case 'DeploymentStarted':
        if (event.serviceName !== this.#serviceName) return;
        this.#taskDefinition = event.taskDefinition;
        this.#reckonAnew();
        return;
      case 'LoadAttached':
        if (event.service !== this.#serviceName) return;
        this.#load = event.config;
        this.#reckonAnew();
        return;
      case 'LoadServed':
        this.#serve(event);
        return;
      default:
        return;
    }
  }

  #serve(event: Extract<Event, { type: 'LoadServed' }>): void {
    const row = event.services.indexOf(this.#serviceName);
    if (row === -1) return;
    const startMs = event.fromMs - (event.fromMs % MINUTE);
    if (startMs !== this.#startMs) {
      const { open } = this;
      if (open !== undefined) this.#onMinute(open);
      this.#startMs = startMs;
      this.#offered = 0;
      this.#steps = [];
    }
    this.#offered += event.offered[row] as number;
    this.#steps.push({
      fromMs: event.fromMs,
      ms: event.toMs - event.fromMs,
      tasks: event.targets[row] as number,
      cpuPercent: event.cpuPercent[row] as number,
      memoryPercent: event.memoryPercent[row] as number,
    });
  }

  /** Another load or other tasks: another demand. */
  #reckonAnew(): void {
    const size = this.#sizes.get(this.#taskDefinition);
    if (this.#load === undefined || size === undefined) return;
    const routing = SERVING_ROUTING[this.#algorithms.get(this.#targetGroup) ?? this.#load.routing];
    this.#demand = new Demand(this.#load, { ...size, routing }, this.#objective);
  }
}
