/**
 * Forecasts of predictive scaling: made every six hours for the next 48, and applied hour by hour, a little ahead. They only
 * raise the capacity; of a forecast and a policy that scales in the larger capacity counts.
 *
 * @source spec/autoscaling.md chapter 6 (AWS, "How predictive scaling works")
 */

import type { Immutable } from 'immer';
import { readHours, type MetricRequest } from '../cloudwatch/index.ts';
import {
  event,
  HOUR,
  number,
  numbers,
  optional,
  periodStart,
  SECOND,
  text,
  type Context,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { capacityForecast, effectiveMaximum } from './forecastCapacity.ts';
import { forecastError } from './forecaster.ts';
import { forecasters } from './forecasters.ts';
import {
  activityId,
  capacityNow,
  type ScalableNamespace,
  type ScalableTargetEvent,
  type ScalingPolicy,
} from './scalableTarget.ts';
import type { PredictivePolicy } from './scalers/predictive.ts';
import type { AutoscalingWorld } from './world.ts';

/** AWS uses up to 14 days of history, needs one, forecasts two, and forecasts anew every six hours. */
export const HISTORY_HOURS = 14 * 24;
const FEWEST_HOURS = 24;
const FORECAST_HOURS = 48;
const REFRESH_MS = 6 * HOUR;

export interface Forecast {
  readonly firstHourMs: Millis;
  /** Load by the hour: the scaling metric times tasks, so that it over the target is a number of tasks. */
  readonly loads: readonly number[];
  readonly capacities: readonly number[];
}

/** The metrics of a forecast, as they are published. */
export interface ForecastRequests {
  readonly load: MetricRequest;
  readonly scaling?: MetricRequest;
  readonly capacity?: MetricRequest;
}

export const predictiveEvents = {
  ForecastRefreshed: event('A forecast of the next 48 hours was made, or could not be made yet.', {
    policyKey: text('the policy'),
    historyHours: number('hours of history with data'),
    firstHourMs: number('start of the first hour of the forecast'),
    loads: numbers(
      'mean load of each hour, in the unit of the target times tasks; empty with less than a day of history',
    ),
    capacities: numbers('tasks that each hour needs'),
    errorPercent: optional(number('how far the forecast before was from what came, in percent of it; absent if none')),
    biasPercent: optional(number('the same with its sign: above 0 when too much was forecast')),
    nextAtMs: number('when it is made next'),
  }),
  ForecastApplied: event('The hour that begins, or is about to, has a forecast: no policy scales in below it.', {
    policyKey: text('the policy'),
    capacity: number('tasks that are needed; 0 without a forecast, or one that only looks'),
    nextAtMs: number('when it is applied next'),
  }),
} as const;
export type PredictiveEvent = EventsOf<typeof predictiveEvents>;

export type PredictiveCommand =
  | { readonly type: 'RefreshForecast'; readonly policyKey: string; readonly generation: number }
  | { readonly type: 'ApplyForecast'; readonly policyKey: string; readonly generation: number };

export function decidePredictive<World extends AutoscalingWorld>(
  namespace: ScalableNamespace<World>,
): Decide<World, PredictiveCommand, PredictiveEvent | ScalableTargetEvent> {
  return {
    RefreshForecast({ policyKey, generation }, { world, nowMs }) {
      const policy = world.autoscaling.policies.get(policyKey);
      const config = predictiveConfig(policy, generation);
      if (policy?.forecastRequests === undefined || config === undefined) return [];
      const firstHourMs = periodStart(nowMs, HOUR);
      const history = { firstHourMs: firstHourMs - HISTORY_HOURS * HOUR, values: demand(world, policy, firstHourMs) };
      const known = history.values.findIndex((value) => value !== undefined);
      const historyHours = known === -1 ? 0 : history.values.length - known;
      const common = { type: 'ForecastRefreshed', policyKey, historyHours, firstHourMs } as const;
      // Choice: until there is a day of history, it is tried again with every hour.
      if (historyHours < FEWEST_HOURS) return [{ ...common, loads: [], capacities: [], nextAtMs: firstHourMs + HOUR }];
      const { forecaster } = world.autoscaling.settings;
      const loads = forecasters[forecaster].forecast(
        { firstHourMs: history.firstHourMs + known * HOUR, values: history.values.slice(known) },
        FORECAST_HOURS,
      );
      const target = config.MetricSpecifications[0]?.TargetValue as number;
      return [
        {
          ...common,
          loads,
          capacities: loads.map((load) => capacityForecast(load, target)),
          ...errorOf(policy.forecast, history.values, firstHourMs),
          nextAtMs: nowMs + REFRESH_MS,
        },
      ];
    },

    ApplyForecast({ policyKey, generation }, context) {
      const { world, nowMs } = context;
      const policy = world.autoscaling.policies.get(policyKey);
      const config = predictiveConfig(policy, generation);
      const target = world.autoscaling.targets.get(policy?.resourceId ?? '');
      if (policy === undefined || config === undefined || target === undefined) return [];
      const bufferMs = config.SchedulingBufferTime * SECOND;
      const needed = config.Mode === 'ForecastOnly' ? 0 : neededBetween(policy.forecast, nowMs, nowMs + bufferMs);
      const maxCapacity = effectiveMaximum({
        maxCapacity: target.maxCapacity,
        forecastCapacity: needed,
        behavior: config.MaxCapacityBreachBehavior,
        bufferPercent: config.MaxCapacityBuffer ?? 0,
      });
      const applied: PredictiveEvent = {
        type: 'ForecastApplied',
        policyKey,
        capacity: Math.min(needed, maxCapacity),
        nextAtMs: nextApplicationMs(nowMs, bufferMs),
      };
      const { resourceId } = policy;
      const raised: ScalableTargetEvent[] =
        maxCapacity === target.maxCapacity
          ? []
          : [
              {
                type: 'ScalableTargetBoundsChanged',
                resourceId,
                policyKey,
                minCapacity: target.minCapacity,
                maxCapacity,
              },
            ];
      return [applied, ...raised, ...raise(namespace, policyKey, resourceId, needed, maxCapacity, context)];
    },
  };
}

function predictiveConfig(
  policy: Immutable<ScalingPolicy> | undefined,
  generation: number,
): Immutable<PredictivePolicy['PredictiveScalingPolicyConfiguration']> | undefined {
  if (policy?.generation !== generation || policy.config.PolicyType !== 'PredictiveScaling') return undefined;
  return policy.config.PredictiveScalingPolicyConfiguration;
}

/** When forecasts are applied: with each full hour, and ahead of it. */
export function nextApplicationMs(nowMs: Millis, bufferMs: Millis): Millis {
  const hourMs = periodStart(nowMs, HOUR) + HOUR;
  return nowMs < hourMs - bufferMs ? hourMs - bufferMs : hourMs;
}

/** The activity that raises the desired count to what is forecast, within the bounds. A forecast never lowers it. */
function raise<World extends AutoscalingWorld>(
  namespace: ScalableNamespace<World>,
  policyKey: string,
  resourceId: string,
  needed: number,
  maxCapacity: number,
  context: Context<World>,
): readonly ScalableTargetEvent[] {
  const { autoscaling } = context.world;
  const target = autoscaling.targets.get(resourceId);
  const capacity = capacityNow(namespace, resourceId, context);
  // Choice: AWS does not say whether suspending dynamic scaling holds forecasts, too; it does.
  if (target === undefined || capacity === undefined || target.suspended.DynamicScalingOutSuspended) return [];
  const toCapacity = Math.min(needed, maxCapacity);
  if (toCapacity <= capacity.desiredCount) return [];
  return [
    {
      type: 'ScalingActivityStarted',
      activityId: activityId(context.world),
      resourceId,
      policyKey,
      fromCapacity: capacity.desiredCount,
      toCapacity,
      runningCount: capacity.runningCount,
      metricValues: [],
      wantedCapacity: needed,
      minCapacity: target.minCapacity,
      maxCapacity,
    },
  ];
}

/** The most that the hours of a forecast need between two instants; 0 where it does not reach. */
function neededBetween(forecast: Immutable<Forecast> | undefined, fromMs: Millis, toMs: Millis): number {
  if (forecast === undefined) return 0;
  const hour = (atMs: Millis) => Math.floor((atMs - forecast.firstHourMs) / HOUR);
  return Math.max(0, ...forecast.capacities.slice(Math.max(0, hour(fromMs)), hour(toMs) + 1));
}

/**
 * What the hours before `endMs` have asked for: the scaling metric times the tasks that shared it. A load of its own is
 * brought to that by what it made of the scaling metric so far.
 *
 * @source spec/autoscaling.md 6: 10 tasks at 30 % against a target of 60 % needed 5
 */
function demand(
  { cloudwatch }: Immutable<AutoscalingWorld>,
  { forecastRequests }: Immutable<ScalingPolicy>,
  endMs: Millis,
): readonly (number | undefined)[] {
  const { load, scaling, capacity } = forecastRequests as Immutable<ForecastRequests>;
  const hours = (request: MetricRequest) => readHours(cloudwatch, request, endMs - HISTORY_HOURS * HOUR, HISTORY_HOURS);
  const loads = hours(load);
  if (scaling === undefined || capacity === undefined) return loads;
  const [values, tasks] = [hours(scaling), hours(capacity)];
  let made = 0;
  let from = 0;
  for (const [index, value] of loads.entries()) {
    const [metric, count] = [values[index], tasks[index]];
    if (value === undefined || metric === undefined || count === undefined) continue;
    made += metric * count;
    from += value;
  }
  if (from === 0) return loads.map(() => undefined);
  return loads.map((value) => (value === undefined ? undefined : (value * made) / from));
}

function errorOf(
  forecast: Immutable<Forecast> | undefined,
  history: readonly (number | undefined)[],
  nowHourMs: Millis,
): ReturnType<typeof forecastError> {
  if (forecast === undefined) return undefined;
  const passed = Math.min(forecast.loads.length, Math.round((nowHourMs - forecast.firstHourMs) / HOUR));
  if (passed <= 0) return undefined;
  const from = history.length - Math.round((nowHourMs - forecast.firstHourMs) / HOUR);
  return forecastError(forecast.loads.slice(0, passed), history.slice(Math.max(0, from), Math.max(0, from) + passed));
}

export const evolvePredictive: Evolve<AutoscalingWorld, PredictiveEvent> = {
  ForecastRefreshed({ autoscaling }, { policyKey, firstHourMs, loads, capacities }) {
    const policy = autoscaling.policies.get(policyKey);
    if (policy !== undefined && loads.length > 0) policy.forecast = { firstHourMs, loads, capacities };
  },
  ForecastApplied({ autoscaling }, { policyKey, capacity }) {
    const policy = autoscaling.policies.get(policyKey);
    if (policy !== undefined) policy.floor = capacity;
  },
};
