/** What a run comes to from an instant on: the same figures as its summary, without what was before. */

import {
  costProjection,
  jobsProjection,
  queueProjection,
  scalingHistoryProjection,
  serviceLevelProjection,
  utilizationProjection,
  type CostReport,
  type Event,
  type JobQueueReport,
  type Projection,
  type Recorded,
} from '../core/index.ts';
import type { LoadedScenario } from './input/scenarioFile.ts';
import type { Outcome } from './report/comparison.ts';

/** Hears a run from its start, and tells what it came to since an instant. */
export class OutcomeSince {
  readonly #cost: Projection<CostReport>;
  readonly #services: readonly ReturnType<typeof serviceProjections>[];
  /** Of the whole run: a job belongs to the queue that it was submitted to, whenever it ends. */
  readonly #jobs: Projection<readonly JobQueueReport[]> = jobsProjection();
  readonly #fromMs: number;
  readonly #deployments = new Map<string, number>();
  #before: CostReport | undefined;

  constructor({ scenario, prices }: LoadedScenario, fromMs: number) {
    this.#fromMs = fromMs;
    this.#cost = costProjection({ prices, bill: scenario.assumptions.bill });
    this.#services = scenario.services.map(({ serviceName, loadBalancers }) =>
      serviceProjections(scenario, serviceName, loadBalancers.length > 0),
    );
  }

  hear(recorded: Recorded<Event>): void {
    const { atMs, event } = recorded;
    this.#tell(this.#jobs, recorded);
    if (atMs <= this.#fromMs) {
      this.#tell(this.#cost, recorded);
      return;
    }
    this.#before ??= this.#cost.report(this.#fromMs);
    this.#tell(this.#cost, recorded);
    if (event.type === 'DeploymentStarted')
      this.#deployments.set(event.serviceName, (this.#deployments.get(event.serviceName) ?? 0) + 1);
    for (const { serviceLevel, utilization, scaling, queue } of this.#services)
      for (const projection of [serviceLevel, utilization, scaling, queue]) this.#tell(projection, recorded);
  }

  /** Until an instant. */
  report(toMs: number): Outcome {
    const cost = this.#cost.report(toMs);
    return {
      services: this.#services.map(({ serviceName, serviceLevel, utilization, scaling, queue }) => {
        const messages = queue.report(toMs);
        return {
          serviceName,
          serviceLevel: serviceLevel.report(toMs),
          utilization: utilization.report(toMs),
          scaling: scaling.report(toMs),
          ...(messages === undefined ? {} : { queue: messages }),
          deployments: this.#deployments.get(serviceName) ?? 0,
        };
      }),
      jobs: this.#jobs.report(toMs),
      cost: costBetween(this.#before ?? cost, cost),
    };
  }

  #tell(projection: Pick<Projection<unknown>, 'types' | 'on'>, recorded: Recorded<Event>): void {
    if (projection.types.includes(recorded.event.type)) projection.on(recorded);
  }
}

function serviceProjections(scenario: LoadedScenario['scenario'], serviceName: string, hasLoadBalancer: boolean) {
  const objective = scenario.slo.find(({ service }) => service === serviceName);
  return {
    serviceName,
    serviceLevel: serviceLevelProjection(serviceName, objective),
    utilization: utilizationProjection(serviceName),
    scaling: scalingHistoryProjection(scenario.cluster.clusterName, serviceName, hasLoadBalancer),
    queue: queueProjection(serviceName),
  };
}

/** What was added to a bill. */
function costBetween(before: CostReport, after: CostReport): CostReport {
  const amounts = Object.entries(after).flatMap(([key, value]) =>
    typeof value === 'number' ? [[key, value - (before[key as keyof CostReport] as number)] as const] : [],
  );
  return {
    ...after,
    ...Object.fromEntries(amounts),
    byService: after.byService.map(({ serviceName, microUsd, unusedMicroUsd }) => {
      const was = before.byService.find((item) => item.serviceName === serviceName);
      return {
        serviceName,
        microUsd: microUsd - (was?.microUsd ?? 0),
        unusedMicroUsd: unusedMicroUsd - (was?.unusedMicroUsd ?? 0),
      };
    }),
    byProvider: after.byProvider.map(({ capacityProvider, microUsd }) => {
      const was = before.byProvider.find((item) => item.capacityProvider === capacityProvider);
      return { capacityProvider, microUsd: microUsd - (was?.microUsd ?? 0) };
    }),
    byHour: after.byHour
      .slice(before.byHour.length - 1)
      .map((microUsd, index) => (index === 0 ? microUsd - (before.byHour.at(-1) ?? 0) : microUsd)),
  };
}
