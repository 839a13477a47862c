/** CloudWatch's slice of the world. */

import type { Alarm } from './alarm.ts';
import type { Metric } from './metric.ts';

export interface CloudWatchWorld {
  readonly cloudwatch: CloudWatchState;
}

export interface CloudWatchState {
  /** By `metricKey`; only those that some alarm watches. */
  readonly metrics: Map<string, Metric>;
  /** By name. */
  readonly alarms: Map<string, Alarm>;
}

export const emptyCloudWatch = (): CloudWatchState => ({ metrics: new Map(), alarms: new Map() });
