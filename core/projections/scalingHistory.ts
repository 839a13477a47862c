/** How a service was scaled: how often, why not, and how long new capacity took to arrive after the load had risen. */

import { comparisonOperators, type ComparisonOperator } from '../cloudwatch/index.ts';
import { scalableResourceId } from '../ecs/index.ts';
import { SECOND, type Millis } from '../kernel/index.ts';
import type { Projection } from './projection.ts';

/** Seconds; undefined when it never happened. */
export interface DelayReport {
  readonly count: number;
  readonly medianS?: number;
  readonly longestS?: number;
}

export interface ScalingReport {
  readonly scaleOuts: number;
  readonly scaleIns: number;
  /** Decisions that changed nothing, by AWS's reason code; one per change of reason. */
  readonly notScaled: Readonly<Record<string, number>>;
  /** From the start of the first breaching period to the decision. */
  readonly riseToDecision: DelayReport;
  /** From there to the first new task that serves requests. */
  readonly riseToCapacity: DelayReport;
  /** Of predictive scaling, over all forecasts whose hours have come: percent of the load that came. */
  readonly forecast?: { readonly refreshed: number; readonly errorPercent: number; readonly biasPercent: number };
}

interface Episode {
  readonly riseMs: Millis;
  /** Tasks created since the decision. */
  readonly tasks: Set<string>;
}

export function scalingHistoryProjection(
  clusterName: string,
  serviceName: string,
  hasLoadBalancer: boolean,
): Projection<ScalingReport> {
  const resourceId = scalableResourceId(clusterName, serviceName);
  const notScaled = new Map<string, number>();
  const forecasts = { refreshed: 0, judged: 0, error: 0, bias: 0 };
  const operators = new Map<string, ComparisonOperator>();
  const risenAt = new Map<string, Millis>();
  const decisions = new Delays();
  const arrivals = new Delays();
  let scaleOuts = 0;
  let scaleIns = 0;
  let episode: Episode | undefined;

  const serves = (taskId: string, atMs: Millis) => {
    if (episode?.tasks.has(taskId) !== true) return;
    arrivals.add(atMs - episode.riseMs);
    episode = undefined;
  };

  return {
    types: [
      'MetricAlarmPut',
      'AlarmStateChanged',
      'ScalingActivityStarted',
      'ScalingActivityNotScaled',
      'TaskCreated',
      'TaskRunning',
      'TargetHealthy',
      'ForecastRefreshed',
    ],
    on({ atMs, event }) {
      switch (event.type) {
        case 'MetricAlarmPut':
          operators.set(event.alarm.alarmName, event.alarm.comparisonOperator);
          return;
        case 'ForecastRefreshed':
          if (!event.policyKey.startsWith(`${resourceId}/`) || event.loads.length === 0) return;
          forecasts.refreshed++;
          if (event.errorPercent === undefined || event.biasPercent === undefined) return;
          forecasts.judged++;
          forecasts.error += event.errorPercent;
          forecasts.bias += event.biasPercent;
          return;
        case 'AlarmStateChanged': {
          // Of an alarm's episode only the first decision answers the rise; the later ones repeat it.
          const breaches = comparisonOperators[operators.get(event.alarmName) ?? 'GreaterThanThreshold'];
          const first = event.datapoints.findIndex((value) => breaches(value, event.threshold));
          if (event.to === 'ALARM') risenAt.set(event.alarmName, event.datapointStartsMs[first] ?? atMs);
          else risenAt.delete(event.alarmName);
          return;
        }
        case 'ScalingActivityStarted': {
          if (event.resourceId !== resourceId) return;
          if (event.toCapacity < event.fromCapacity) {
            scaleIns++;
            return;
          }
          scaleOuts++;
          const riseMs = event.alarmName === undefined ? undefined : risenAt.get(event.alarmName);
          if (event.alarmName === undefined || riseMs === undefined) return;
          risenAt.delete(event.alarmName);
          decisions.add(atMs - riseMs);
          episode = { riseMs, tasks: new Set() };
          return;
        }
        case 'ScalingActivityNotScaled':
          if (event.resourceId === resourceId) notScaled.set(event.reason, (notScaled.get(event.reason) ?? 0) + 1);
          return;
        case 'TaskCreated':
          if (event.serviceName === serviceName) episode?.tasks.add(event.taskId);
          return;
        case 'TaskRunning':
          if (!hasLoadBalancer) serves(event.taskId, atMs);
          return;
        case 'TargetHealthy':
          serves(event.targetId, atMs);
          return;
        default:
          return;
      }
    },
    report: () => ({
      scaleOuts,
      scaleIns,
      notScaled: Object.fromEntries(notScaled),
      riseToDecision: decisions.report(),
      riseToCapacity: arrivals.report(),
      ...(forecasts.refreshed === 0
        ? {}
        : {
            forecast: {
              refreshed: forecasts.refreshed,
              errorPercent: forecasts.error / Math.max(1, forecasts.judged),
              biasPercent: forecasts.bias / Math.max(1, forecasts.judged),
            },
          }),
    }),
  };
}

/** Delays counted by the second: bounded by the longest, not by their number. */
class Delays {
  readonly #counts = new Map<number, number>();
  #count = 0;

  add(delayMs: Millis): void {
    const seconds = Math.round(delayMs / SECOND);
    this.#counts.set(seconds, (this.#counts.get(seconds) ?? 0) + 1);
    this.#count++;
  }

  report(): DelayReport {
    if (this.#count === 0) return { count: 0 };
    const ascending = [...this.#counts].toSorted(([a], [b]) => a - b);
    let left = this.#count / 2;
    const [medianS] = ascending.find(([, count]) => (left -= count) <= 0) as [number, number];
    const [longestS] = ascending.at(-1) as [number, number];
    return { count: this.#count, medianS, longestS };
  }
}
