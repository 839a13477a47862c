/** Amazon CloudWatch: metrics and alarms. It knows nobody above it. */

import type { Decide, Evolve, Phases } from '../kernel/index.ts';
import { Phase } from '../kernel/index.ts';
import { alarmEvents, decideAlarm, evolveAlarm, type AlarmCommand, type AlarmEvent } from './alarm.ts';
import { decideMetric, evolveMetric, metricEvents, type MetricCommand, type MetricEvent } from './metric.ts';
import type { CloudWatchWorld } from './world.ts';

export {
  alarmState,
  evaluatedValues,
  evaluationOffsetMs,
  evaluationRange,
  missingDataTreatments,
  recentDatapoints,
  type AlarmRule,
  type AlarmState,
  type MetricAlarm,
  type Slot,
  type TreatMissingData,
} from './alarm.ts';
export { cloudwatchController } from './controller.ts';
export { evaluateMetricMath, MetricMathError } from './metricMath.ts';
export { METRIC_PERIOD_MS, metricKey, statistics, type MetricData } from './metric.ts';
export { emptyCloudWatch, type CloudWatchState, type CloudWatchWorld } from './world.ts';

export type CloudWatchEvent = MetricEvent | AlarmEvent;
export type CloudWatchCommand = MetricCommand | AlarmCommand;

export const cloudwatchEvents = { ...metricEvents, ...alarmEvents } as const;
export const decideCloudWatch: Decide<CloudWatchWorld, CloudWatchCommand, CloudWatchEvent> = {
  ...decideMetric,
  ...decideAlarm,
};
export const evolveCloudWatch: Evolve<CloudWatchWorld, CloudWatchEvent> = { ...evolveMetric, ...evolveAlarm };
export const cloudwatchPhases: Phases<CloudWatchCommand> = {
  PutMetricData: Phase.Monitor,
  PutMetricAlarm: Phase.Execute,
  EvaluateAlarms: Phase.Analyze,
};
