/** Application Auto Scaling: scalable targets, policies, scheduled actions. It knows alarms, not ECS. */

import { Phase, type Decide, type Evolve, type Phases } from '../kernel/index.ts';
import {
  decideScalableTarget,
  evolveScalableTarget,
  scalableTargetEvents,
  type ScalableNamespace,
  type ScalableTargetCommand,
  type ScalableTargetEvent,
} from './scalableTarget.ts';
import {
  decideScheduledAction,
  evolveScheduledAction,
  scheduledActionEvents,
  type ScheduledActionCommand,
  type ScheduledActionEvent,
} from './scheduledAction.ts';
import {
  decidePredictive,
  evolvePredictive,
  predictiveEvents,
  type PredictiveCommand,
  type PredictiveEvent,
} from './predictiveScaling.ts';
import type { AutoscalingWorld } from './world.ts';

export { autoscalingController } from './controller.ts';
export { capacityForecast, effectiveMaximum } from './forecastCapacity.ts';
export { forecastError, type Forecaster, type HourlyHistory } from './forecaster.ts';
export { forecasters } from './forecasters.ts';
export { HISTORY_HOURS } from './predictiveScaling.ts';
export {
  agreedScaleIn,
  askScalingPolicy,
  forecastFloor,
  forecastRequestsOf,
  policiesOf,
  policyKey,
  readPolicy,
  scaleInVote,
  type AskedPolicy,
  type CalledPolicy,
  type NotScaledReason,
  type ScalableNamespace,
  type ScalingPolicy,
} from './scalableTarget.ts';
export type { FollowedMetric, ScalableCapacity, Scaler } from './scaler.ts';
export { scalerOf, scalers, scalingPolicy, type PutScalingPolicy, type ScalingPolicyConfig } from './scalers.ts';
export {
  aggregatedMetric,
  matchingStep,
  stepScalingCapacity,
  type StepAdjustment,
  type StepScalingPolicy,
  type StepScalingPolicyConfiguration,
} from './scalers/stepScaling.ts';
export { forecastMetrics } from './scalers/predictive.ts';
export { lowThreshold, targetGroupOfLabel, targetTrackingCapacity, trackedValue } from './scalers/targetTracking.ts';
export { scheduledTimes, scheduleProblem, timeZoneProblem } from './schedule.ts';
export { scalingAssumptions, scalingSettings } from './settings.ts';
export { emptyAutoscaling, type AutoscalingState, type AutoscalingWorld } from './world.ts';

export type AutoscalingEvent = ScalableTargetEvent | ScheduledActionEvent | PredictiveEvent;
export type AutoscalingCommand = ScalableTargetCommand | ScheduledActionCommand | PredictiveCommand;

export const autoscalingEvents = { ...scalableTargetEvents, ...scheduledActionEvents, ...predictiveEvents } as const;

export function decideAutoscaling<World extends AutoscalingWorld>(
  namespace: ScalableNamespace<World>,
): Decide<World, AutoscalingCommand, AutoscalingEvent> {
  return { ...decideScalableTarget(namespace), ...decideScheduledAction(namespace), ...decidePredictive(namespace) };
}

export const evolveAutoscaling: Evolve<AutoscalingWorld, AutoscalingEvent> = {
  ...evolveScalableTarget,
  ...evolveScheduledAction,
  ...evolvePredictive,
};

export const autoscalingPhases: Phases<AutoscalingCommand> = {
  RegisterScalableTarget: Phase.Execute,
  PutScalingPolicy: Phase.Execute,
  DeregisterScalableTarget: Phase.Execute,
  DeleteScalingPolicy: Phase.Execute,
  EvaluateScalingPolicy: Phase.Plan,
  StartScalingActivity: Phase.Plan,
  CompleteScalingActivity: Phase.Execute,
  ExpireScalingActivity: Phase.Execute,
  PutScheduledAction: Phase.Execute,
  DeleteScheduledAction: Phase.Execute,
  RunScheduledAction: Phase.Plan,
  RefreshForecast: Phase.Analyze,
  ApplyForecast: Phase.Plan,
};
