/**
 * Demand: the smallest number of tasks that meets a service's objective at a rate of requests, by the model's own theory of
 * serving. Accuracy, timeshare and the oracle are measured against it.
 *
 * Choice: what counts is a load that stays, with tasks that have the CPU they reserve. Tasks that are offered more than they can
 * do meet no objective. Without an objective it is DEFAULT_OBJECTIVE; of one that no number of tasks meets, for a single
 * request takes longer, only the availability counts. Workers of a queue are enough when they get done what is sent.
 *
 * @source N. Herbst et al., "Ready for Rain? A View from SPEC Research on the Future of Cloud Metrics" (2016): the minimal
 *         amount of resources with which the objectives are met at a load
 */

import { SECOND } from '../kernel/index.ts';
import {
  fullRatePerMs,
  fullWorkerRatePerMs,
  settledService,
  type LoadConfig,
  type ServingStep,
} from '../workload/index.ts';
import type { ServiceLevelObjective } from './serviceLevel.ts';

/** What the tasks of a service are, as far as it matters to serving. */
export interface ServedTask {
  readonly cpuUnits: number;
  /** CPU of a request, as a multiple of what the load says. */
  readonly workFactor: number;
  readonly routing: ServingStep['routing'];
}

const DEFAULT_OBJECTIVE: ServiceLevelObjective = { availabilityPercent: 99.9 };
/** The most tasks of a service. @source AWS, ECS quotas, "Tasks per service" */
const MOST_TASKS = 5_000;
/** A share of failed requests that is none: less than one in ten thousand million. */
const NOTHING = 1e-10;
/** Halvings until a capacity is right within a millionth. */
const HALVINGS = 20;
/** A load at which nobody waits. */
const IDLE_LOAD = 1e-6;

export class Demand {
  readonly #load: Pick<LoadConfig, 'serving' | 'request'>;
  readonly #task: ServedTask;
  readonly #objective: ServiceLevelObjective;
  /** Highest rate, in requests per second, that meets the objective, by the number of tasks. */
  readonly #capacities: number[] = [0];
  /** The answer before: the next one is near it. */
  #last = 0;
  /** False when the latency of the objective cannot be met by any number of tasks. */
  readonly isAttainable: boolean;

  constructor(
    load: Pick<LoadConfig, 'serving' | 'request'>,
    task: ServedTask,
    objective: ServiceLevelObjective = DEFAULT_OBJECTIVE,
  ) {
    this.#load = load;
    this.#task = task;
    this.#objective = objective;
    this.isAttainable = load.serving === 'queue' || this.#meets(1, IDLE_LOAD);
    if (!this.isAttainable) this.#objective = { ...objective, latencyP99Ms: undefined };
  }

  /** @param rateRps  requests per second @returns whole tasks; 0 without requests, 5,000 at the most */
  tasksFor(rateRps: number): number {
    if (rateRps <= 0) return 0;
    let tasks = Math.max(1, this.#last);
    while (tasks < MOST_TASKS && this.capacityRps(tasks) < rateRps) tasks++;
    while (tasks > 1 && this.capacityRps(tasks - 1) >= rateRps) tasks--;
    return (this.#last = tasks);
  }

  /** The highest rate at which so many tasks meet the objective, in requests per second. */
  capacityRps(tasks: number): number {
    return (this.#capacities[tasks] ??= this.#capacityRps(tasks));
  }

  #capacityRps(tasks: number): number {
    const { cpuUnits } = this.#task;
    const profile = this.#profile();
    if (this.#load.serving === 'queue') return fullWorkerRatePerMs(tasks, cpuUnits, profile) * SECOND;
    let [low, high] = [0, 1];
    for (let halving = 0; halving < HALVINGS; halving++) {
      const middle = (low + high) / 2;
      if (this.#meets(tasks, middle)) low = middle;
      else high = middle;
    }
    return low * fullRatePerMs(tasks, cpuUnits, profile) * SECOND;
  }

  #profile(): LoadConfig['request'] {
    const { request } = this.#load;
    return { ...request, cpuMs: request.cpuMs * this.#task.workFactor };
  }

  #meets(tasks: number, load: number): boolean {
    const { cpuUnits, routing } = this.#task;
    const { latencyP99Ms = Infinity, availabilityPercent = 0 } = this.#objective;
    const { available, p99Ms } = settledService(load, tasks, cpuUnits, this.#profile(), routing);
    return p99Ms <= latencyP99Ms && 1 - available <= Math.max(1 - availabilityPercent / 100, NOTHING);
  }
}
