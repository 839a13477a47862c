/** When targets change on their own: what their health checks have decided, the end of the deregistration delay. */

import type { Immutable } from 'immer';
import { map } from 'rxjs';
import { mergeList, together, type Controller } from '../kernel/index.ts';
import type { LoadBalancerCommand, LoadBalancerEvent } from './loadBalancer.ts';
import { nextVerdictMs, type TargetGroupCommand, type TargetGroupEvent } from './targetGroup.ts';
import type { ElbWorld } from './world.ts';

type Heard = LoadBalancerEvent | TargetGroupEvent;
type Asked = LoadBalancerCommand | TargetGroupCommand;

export const elbController: Controller<ElbWorld, Heard, Asked> = (events, world) =>
  together(
    events
      .on(
        'TargetRegistered',
        'TargetHealthy',
        'TargetUnhealthy',
        'HealthCheckAnswerChanged',
        'TargetDraining',
        'TargetDeregistered',
      )
      .pipe(mergeList(({ event: { targetGroup } }) => nextVerdict(world, targetGroup))),
    events.on('TargetDraining').pipe(
      map(({ event: { targetGroup, targetId, untilMs } }) => ({
        atMs: untilMs,
        command: { type: 'FinishDeregistration', targetGroup, targetId } as const,
      })),
    ),
  );

/** Nothing is in the calendar for checks that change nothing. */
function nextVerdict({ elb }: Immutable<ElbWorld>, targetGroup: string) {
  const group = elb.targetGroups.get(targetGroup);
  const atMs = group === undefined ? undefined : nextVerdictMs(group);
  return atMs === undefined ? [] : [{ atMs, command: { type: 'ApplyHealthChecks', targetGroup } as const }];
}
