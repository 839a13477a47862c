/** Whether the tasks of a service are so busy that they would fail a health check. */

import type { Immutable } from 'immer';
import type { CheckResult, TargetGroup } from '../elb/index.ts';
import type { LoadServed } from './serving.ts';
import type { EcsWorld } from './world.ts';

interface OverloadChange {
  readonly targetGroup: string;
  readonly answer: CheckResult;
}

const NO_CHANGES: readonly OverloadChange[] = [];

/** Target groups whose checks meet another answer since the step. None in nearly every step. */
export function overloadChanges({ ecs, elb }: Immutable<EcsWorld>, frame: LoadServed): readonly OverloadChange[] {
  if (elb.assumptions.healthChecksUnderOverload === 'unaffected') return NO_CHANGES;
  let changes: OverloadChange[] | undefined;
  for (let row = 0; row < frame.services.length; row++) {
    for (const { targetGroup } of ecs.services.get(frame.services[row] as string)?.config.loadBalancers ?? []) {
      const group = elb.targetGroups.get(targetGroup);
      if (group === undefined) continue;
      const answer = answerTo(group, frame.nextMs[row] as number, frame.turnsAway[row] as number);
      if (answer !== group.overload) (changes ??= []).push({ targetGroup, answer });
    }
  }
  return changes ?? NO_CHANGES;
}

/**
 * A check waits its turn and does the work of a request, and is refused (HTTP 503) where the queue is full.
 * Choice: it does not wait for others as requests do in their `otherMs`; it is refused when that is likelier than not; all
 * tasks of a group are judged alike.
 */
function answerTo({ settings }: Immutable<TargetGroup>, nextMs: number, turnsAway: number): CheckResult {
  if (turnsAway > 0.5) return 'Target.ResponseCodeMismatch';
  return nextMs > settings.checks.timeoutMs ? 'Target.Timeout' : 'Passes';
}
