/** How large a warm pool wants to be. @source spec/capacity.md 3.5 (AWS, "Warm pools for Amazon EC2 Auto Scaling") */

import type { Immutable } from 'immer';
import type { AutoScalingGroupConfig } from './groupConfig.ts';

/** @param pool  MaxGroupPreparedCapacity of -1 stands for the group's MaxSize */
export function warmPoolSize(
  desiredCapacity: number,
  maxSize: number,
  pool: { readonly MaxGroupPreparedCapacity: number; readonly MinSize: number },
): number {
  const prepared = pool.MaxGroupPreparedCapacity === -1 ? maxSize : pool.MaxGroupPreparedCapacity;
  return Math.max(pool.MinSize, prepared - desiredCapacity, 0);
}

export function wantedWarm({ warmPool, MaxSize }: Immutable<AutoScalingGroupConfig>, desiredCapacity: number): number {
  return warmPool === undefined ? 0 : warmPoolSize(desiredCapacity, MaxSize, warmPool);
}
