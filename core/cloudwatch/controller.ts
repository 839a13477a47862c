/** When alarms are evaluated: once a minute, each at its own second. */

import { mergeMap } from 'rxjs';
import type { Controller } from '../kernel/index.ts';
import type { AlarmCommand } from './alarm.ts';
import type { MetricEvent } from './metric.ts';
import type { CloudWatchWorld } from './world.ts';

export const cloudwatchController: Controller<CloudWatchWorld, MetricEvent, AlarmCommand> = (events, world) =>
  events.on('MetricDataPublished').pipe(
    mergeMap(({ atMs }) => {
      const offsets = new Set(Array.from(world.cloudwatch.alarms.values(), (alarm) => alarm.offsetMs));
      return Array.from(offsets, (offsetMs) => ({
        atMs: atMs + offsetMs,
        command: { type: 'EvaluateAlarms', offsetMs } as const,
      }));
    }),
  );
