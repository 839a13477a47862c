/** CloudWatch's slice of the world. */

import type { Alarm } from './alarm.ts';
import type { CompositeAlarm } from './compositeAlarm.ts';
import type { CustomMetric } from './customMetric.ts';
import type { Millis } from '../kernel/index.ts';
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
  /** The alarms that have a turn at an instant of each minute, by milliseconds since its start; in the order of `alarms`. */
  readonly turns: Map<Millis, Map<string, true>>;
  readonly compositeAlarms: Map<string, CompositeAlarm>;
  /** By `metricKey`. */
  readonly customMetrics: Map<string, CustomMetric>;
}

export const emptyCloudWatch = (settings: CloudWatchSettings = defaultCloudWatchSettings()): CloudWatchState => ({
  settings,
  metrics: new Map(),
  alarms: new Map(),
  turns: new Map(),
  compositeAlarms: new Map(),
  customMetrics: new Map(),
});
