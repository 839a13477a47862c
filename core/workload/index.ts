/** The room's door: offered load, and what it costs to serve it. */

import { Phase, type Phases } from '../kernel/index.ts';
import type { WorkloadCommand } from './workload.ts';

export { jobsOfFragments, MIB_PER_MB, type TaskSize } from './fragments.ts';
export { cpuUnitMs, type JobTrace, type JobUsage } from './jobTrace.ts';
export { type LoadContext, type TraceSeries } from './loadModel.ts';
export { loadModels, loadPart, requestsOffered, type LoadPart } from './loadModels.ts';
export { requestProfile } from './requestProfile.ts';
export { MOST_HELD_PER_TASK, queue } from './queue.ts';
export {
  nextRequestMs,
  latencyLevels,
  type Carried,
  type QueueState,
  type Served,
  type Serving,
  type ServingStep,
  type TaskIds,
} from './serving.ts';
export { fullRatePerMs, fullWorkerRatePerMs, settledService } from './serving/settledService.ts';
export { latencyPositions, shareAbove } from './latencyQuantiles.ts';
export { servedTogether, type ServedPart } from './servedTogether.ts';
export { servings } from './servings.ts';
export { Workers } from './serving/workers.ts';
export { bucketOf, bucketValueMs } from './latencyBuckets.ts';
export { workloadController } from './controller.ts';
export {
  decideWorkload,
  emptyWorkload,
  evolveWorkload,
  load,
  queueOf,
  workloadEvents,
  type LoadConfig,
  type WorkloadCommand,
  type WorkloadEvent,
  type WorkloadState,
  type WorkloadWorld,
} from './workload.ts';

export const workloadPhases: Phases<WorkloadCommand> = { AttachLoad: Phase.Execute, SampleLoad: Phase.Environment };
