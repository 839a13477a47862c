/** CloudWatch's slice of the world. */

import type { Alarm } from './alarm.ts';
import type { CompositeAlarm } from './compositeAlarm.ts';
import type { CustomMetric } from './customMetric.ts';
import type { Metric } from './metric.ts';
import { defaultCloudWatchSettings, type CloudWatchSettings } from './settings.ts';

export interface CloudWatchWorld {
  readonly cloudwatch: CloudWatchState;
}

export interface CloudWatchState {
  readonly settings: CloudWatchSettings;
  /** By `metricKey`; only those that something reads. */
  readonly metrics: Map<string, Metric>;
  /** By name. */
  readonly alarms: Map<string, Alarm>;
  readonly compositeAlarms: Map<string, CompositeAlarm>;
  /** By `metricKey`. */
  readonly customMetrics: Map<string, CustomMetric>;
}

export const emptyCloudWatch = (settings: CloudWatchSettings = defaultCloudWatchSettings()): CloudWatchState => ({
  settings,
  metrics: new Map(),
  alarms: new Map(),
  compositeAlarms: new Map(),
  customMetrics: new Map(),
});
