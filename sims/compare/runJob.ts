/** One job of a comparison, in whatever process it is done: what comes out follows from the job alone. */

import { InputError } from '../input/inputError.ts';
import type { LoadedScenario } from '../input/scenarioFile.ts';
import { RunDirectory } from '../store/runDirectory.ts';
import { sail } from '../voyage.ts';
import { Course, partingIn } from './course.ts';
import type { Contestant, Job, JobResult, WorkerData } from './jobs.ts';
import { referenceOf } from './references.ts';

export async function runJob(job: Job, data: WorkerData): Promise<JobResult> {
  try {
    return await done(job, data);
  } catch (error) {
    if (error instanceof InputError) return { kind: 'refused', problems: error.problems };
    throw error;
  }
}

async function done(job: Job, data: WorkerData): Promise<JobResult> {
  const { contestants, engineVersion } = data;
  const seeded = (index: number) => underSeed(contestants[index] as Contestant, job.seed);
  if (job.kind === 'part') {
    const [first, second] = job.contestants;
    return partingIn([seeded(first), seeded(second)], job.minute);
  }
  const progress = new Float64Array(data.progress);
  const stop = new Int32Array(data.stop);
  const loaded = seeded(job.contestant);
  const { start, duration } = loaded.scenario;
  const course = job.withCourse ? new Course(start, duration) : undefined;
  const directory = job.out === undefined ? undefined : RunDirectory.create(job.out, loaded, engineVersion);
  const { summary, activities } = await sail(loaded, {
    engineVersion,
    onSegment:
      course === undefined && directory === undefined
        ? undefined
        : (segment) => {
            if (course !== undefined) for (const recorded of segment) course.take(recorded);
            directory?.append(segment);
          },
    onHop: (simulation) => directory?.checkpoint(simulation),
    onProgress: (share) => {
      progress[job.number] = share;
    },
    stopped: () => Atomics.load(stop, 0) === 1,
  });
  directory?.finish(summary, activities);
  const { digest, events, complete, scores } = summary;
  return { kind: 'run', digest, events, complete, scores, ...(course === undefined ? {} : { course: course.end() }) };
}

function underSeed({ loaded, reference }: Contestant, seed: number): LoadedScenario {
  const seeded = { ...loaded, scenario: { ...loaded.scenario, seed } };
  return reference === undefined ? seeded : referenceOf(seeded, reference);
}
