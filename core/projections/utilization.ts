/** How many tasks a service ran, and how busy they were. */

import { HOUR } from '../kernel/index.ts';
import type { Projection } from './projection.ts';

export interface UtilizationReport {
  /** Hours of tasks in RUNNING. */
  readonly taskHours: number;
  readonly fewestTasks: number;
  readonly mostTasks: number;
  /** CPUUtilization and MemoryUtilization over all running tasks and time, percent. */
  readonly meanCpuPercent: number;
  readonly meanMemoryPercent: number;
}

export function utilizationProjection(serviceName: string): Projection<UtilizationReport> {
  let taskMs = 0;
  let cpuMs = 0;
  let memoryMs = 0;
  let fewestTasks = Number.POSITIVE_INFINITY;
  let mostTasks = 0;
  return {
    types: ['LoadServed'],
    on({ event }) {
      if (event.type !== 'LoadServed') return;
      const row = event.services.indexOf(serviceName);
      if (row === -1) return;
      const tasks = event.runningTasks[row] as number;
      const stepTaskMs = tasks * (event.toMs - event.fromMs);
      taskMs += stepTaskMs;
      cpuMs += stepTaskMs * (event.cpuPercent[row] as number);
      memoryMs += stepTaskMs * (event.memoryPercent[row] as number);
      fewestTasks = Math.min(fewestTasks, tasks);
      mostTasks = Math.max(mostTasks, tasks);
    },
    report: () => ({
      taskHours: taskMs / HOUR,
      fewestTasks: Math.min(fewestTasks, mostTasks),
      mostTasks,
      meanCpuPercent: taskMs === 0 ? 0 : cpuMs / taskMs,
      meanMemoryPercent: taskMs === 0 ? 0 : memoryMs / taskMs,
    }),
  };
}
