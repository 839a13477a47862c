/** How a service was scaled: how often, why not, and how long new capacity took to arrive after the load had risen. */

import { comparisonOperators, type ComparisonOperator } from '../cloudwatch/index.ts';
import { scalableResourceId } from '../ecs/index.ts';
import type { Millis } from '../kernel/index.ts';
import { addDelay, delayReport, WholeNumbers, type DelayReport } from './delays.ts';
import type { Projection } from './projection.ts';

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
  const decisions = new WholeNumbers();
  const arrivals = new WholeNumbers();
  let scaleOuts = 0;
  let scaleIns = 0;
  let episode: Episode | undefined;

  const serves = (taskId: string, atMs: Millis) => {
    if (episode?.tasks.has(taskId) !== true) return;
    addDelay(arrivals, atMs - episode.riseMs);
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
          addDelay(decisions, atMs - riseMs);
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
      riseToDecision: delayReport(decisions),
      riseToCapacity: delayReport(arrivals),
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
