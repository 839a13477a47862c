/** When load is sampled: at the end of each step, and the next step follows. */

import { map } from 'rxjs';
import type { Controller } from '../kernel/index.ts';
import type { WorkloadCommand, WorkloadEvent, WorkloadWorld } from './workload.ts';

export const workloadController: Controller<WorkloadWorld, WorkloadEvent, WorkloadCommand> = (events, world) =>
  events.on('LoadSampled').pipe(
    map(({ atMs }) => ({
      atMs: atMs + world.workload.stepMs,
      command: { type: 'SampleLoad', fromMs: atMs } as const,
    })),
  );
