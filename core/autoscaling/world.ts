/** Application Auto Scaling's slice of the world. */

import type { Immutable } from 'immer';
import type { CloudWatchWorld } from '../cloudwatch/index.ts';
import type { ScalableTarget, ScalingPolicy } from './scalableTarget.ts';
import type { ScheduledAction } from './scheduledAction.ts';
import { defaultScalingSettings, type ScalingSettings } from './settings.ts';

export interface AutoscalingWorld extends Immutable<CloudWatchWorld> {
  readonly autoscaling: AutoscalingState;
}

export interface AutoscalingState {
  readonly settings: ScalingSettings;
  /** By resource id, `service/<cluster>/<service>`. */
  readonly targets: Map<string, ScalableTarget>;
  /** By `policyKey`. */
  readonly policies: Map<string, ScalingPolicy>;
  /** By `<resource id>/<name>`. */
  readonly scheduledActions: Map<string, ScheduledAction>;
  nextActivity: number;
}

export const emptyAutoscaling = (settings: ScalingSettings = defaultScalingSettings()): AutoscalingState => ({
  settings,
  targets: new Map(),
  policies: new Map(),
  scheduledActions: new Map(),
  nextActivity: 1,
});
