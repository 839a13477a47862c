/** Lifecycle hooks: how long they hold an instance, and how they end. @source spec/capacity.md 3.1 */

import type { Immutable } from 'immer';
import { SECOND, type Millis } from '../kernel/index.ts';
import type { AutoScalingGroupConfig, LifecycleHook } from './groupConfig.ts';

/** A hook ends when someone completes it, or with its default result when its heartbeat times out. */
export function hookEnd(hook: Immutable<LifecycleHook>): {
  readonly afterMs: Millis;
  readonly result: 'CONTINUE' | 'ABANDON';
} {
  const timeoutMs = hook.HeartbeatTimeout * SECOND;
  if (hook.completesAfter !== undefined && hook.completesAfter < timeoutMs)
    return { afterMs: hook.completesAfter, result: 'CONTINUE' };
  return { afterMs: timeoutMs, result: hook.DefaultResult };
}

export function hooksOf(
  config: Immutable<AutoScalingGroupConfig>,
  transition: LifecycleHook['LifecycleTransition'],
): readonly Immutable<LifecycleHook>[] {
  return config.LifecycleHookSpecificationList.filter(({ LifecycleTransition }) => LifecycleTransition === transition);
}

/** All hooks of a launch together: the first that abandons ends it, else the last that continues. */
export function launchWait(hooks: readonly Immutable<LifecycleHook>[]): ReturnType<typeof hookEnd> {
  const ends = hooks.map(hookEnd);
  const abandoned = ends.filter(({ result }) => result === 'ABANDON').map(({ afterMs }) => afterMs);
  if (abandoned.length > 0) return { afterMs: Math.min(...abandoned), result: 'ABANDON' };
  return { afterMs: Math.max(0, ...ends.map(({ afterMs }) => afterMs)), result: 'CONTINUE' };
}
