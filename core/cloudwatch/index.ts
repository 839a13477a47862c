/** Amazon CloudWatch: metrics and alarms. It knows nobody above it. */

import type { Decide, Evolve, Phases } from '../kernel/index.ts';
import { Phase } from '../kernel/index.ts';
import { alarmEvents, decideAlarm, evolveAlarm, type AlarmCommand, type AlarmEvent } from './alarm.ts';
import {
  compositeAlarmEvents,
  decideCompositeAlarm,
  evolveCompositeAlarm,
  type CompositeAlarmCommand,
  type CompositeAlarmEvent,
} from './compositeAlarm.ts';
import {
  customMetricEvents,
  decideCustomMetric,
  evolveCustomMetric,
  type CustomMetricCommand,
  type CustomMetricEvent,
} from './customMetric.ts';
import { decideMetric, evolveMetric, metricEvents, type MetricCommand, type MetricEvent } from './metric.ts';
import type { CloudWatchWorld } from './world.ts';

export {
  actionDelayMs,
  alarmState,
  comparisonOperators,
  evaluatedValues,
  evaluationPhaseMs,
  evaluationRange,
  lookBackMs,
  nextEvaluationMs,
  nextRepeatMs,
  periodsOf,
  recentDatapoints,
  callsOf,
  scalingActionsOf,
  turnsOf,
  type Alarm,
  type AlarmRule,
  type AlarmState,
  type ComparisonOperator,
  type MetricAlarm,
  type Slot,
  type TreatMissingData,
} from './alarm.ts';
export { alarmRuleHolds, compositeAlarm, compositeAlarmOf, compositeAlarmProblems } from './compositeAlarm.ts';
export { cloudwatchController } from './controller.ts';
export { customMetric, customMetricOf, customMetricProblems } from './customMetric.ts';
export { evaluateMetricMath, MetricMathError } from './metricMath.ts';
export {
  keyOf,
  METRIC_PERIOD_MS,
  metricDimensions,
  metricIdentity,
  metricKey,
  metricKind,
  metricName,
  metricNamespace,
  metricStatistic,
  metricUnit,
  publicationDelayMs,
  type Metric,
  type MetricData,
} from './metric.ts';
export {
  customMetricSpecification,
  metricDataQuery,
  metricQueryProblems,
  metricsOf,
  readHours,
  requestFor,
  requestOf,
  wantsDistribution,
  type MetricRequest,
} from './metricRequest.ts';
export {
  alarmName,
  alarmWindow,
  comparisonOperator,
  metricAlarm,
  metricAlarmOf,
  metricAlarmProblems,
  scalingActionOf,
  windowProblems,
  type PutMetricAlarm,
} from './putMetricAlarm.ts';
export { alarmAssumptions, cloudWatchSettings, metricDelay, timingProfiles } from './settings.ts';
export { samplesOf, statisticOf, statistics, type Samples } from './statistic.ts';
export { emptyCloudWatch, type CloudWatchState, type CloudWatchWorld } from './world.ts';

export type CloudWatchEvent = MetricEvent | AlarmEvent | CompositeAlarmEvent | CustomMetricEvent;
export type CloudWatchCommand = MetricCommand | AlarmCommand | CompositeAlarmCommand | CustomMetricCommand;

export const cloudwatchEvents = {
  ...metricEvents,
  ...alarmEvents,
  ...compositeAlarmEvents,
  ...customMetricEvents,
} as const;
export const decideCloudWatch: Decide<CloudWatchWorld, CloudWatchCommand, CloudWatchEvent> = {
  ...decideMetric,
  ...decideAlarm,
  ...decideCompositeAlarm,
  ...decideCustomMetric,
};
export const evolveCloudWatch: Evolve<CloudWatchWorld, CloudWatchEvent> = {
  ...evolveMetric,
  ...evolveAlarm,
  ...evolveCompositeAlarm,
  ...evolveCustomMetric,
};
export const cloudwatchPhases: Phases<CloudWatchCommand> = {
  PutMetricData: Phase.Monitor,
  PutMetricValues: Phase.Monitor,
  KeepMetrics: Phase.Execute,
  PutMetricAlarm: Phase.Execute,
  DeleteAlarm: Phase.Execute,
  SetAlarmActions: Phase.Execute,
  SetAlarmState: Phase.Execute,
  EvaluateAlarms: Phase.Analyze,
  EvaluateAlarm: Phase.Analyze,
  PutCompositeAlarm: Phase.Execute,
  EvaluateCompositeAlarms: Phase.Analyze,
  RunSuppressedActions: Phase.Analyze,
  StartCustomMetric: Phase.Execute,
  // After the frame of the same instant, whose metrics it is computed from.
  PublishCustomMetric: Phase.Analyze,
};
