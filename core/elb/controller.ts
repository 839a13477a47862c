/** When targets change on their own: the first passing check, the end of the deregistration delay. */

import { map, merge } from 'rxjs';
import type { Controller } from '../kernel/index.ts';
import type { TargetGroupCommand, TargetGroupEvent } from './targetGroup.ts';
import type { ElbWorld } from './world.ts';

export const elbController: Controller<ElbWorld, TargetGroupEvent, TargetGroupCommand> = (events) =>
  merge(
    events.on('TargetRegistered').pipe(
      map(({ event: { targetGroup, targetId, healthyAtMs } }) => ({
        atMs: healthyAtMs,
        command: { type: 'PassHealthCheck', targetGroup, targetId } as const,
      })),
    ),
    events.on('HealthCheckAnswerChanged').pipe(
      map(({ event: { targetGroup, targetId, passes, decidedAtMs } }) => ({
        atMs: decidedAtMs,
        command: { type: passes ? 'PassHealthCheck' : 'FailHealthChecks', targetGroup, targetId } as const,
      })),
    ),
    events.on('TargetDraining').pipe(
      map(({ event: { targetGroup, targetId, untilMs } }) => ({
        atMs: untilMs,
        command: { type: 'FinishDeregistration', targetGroup, targetId } as const,
      })),
    ),
  );
