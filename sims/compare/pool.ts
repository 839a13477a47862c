/** Jobs on all cores. What comes out does not depend on how many workers there are: each result has the place of its job. */

import { Piscina } from 'piscina';
import { InputError } from '../input/inputError.ts';
import type { Contestant, Job, JobResult, Refused, WorkerData } from './jobs.ts';

type Numbered<Kind extends Job['kind']> = Omit<Extract<Job, { kind: Kind }>, 'number'>;
type ResultOf<Kind extends Job['kind']> = Extract<JobResult, { kind: Kind }>;

/** Otherwise this is the bundle of a package, which has its worker beside it. */
const RUNS_TYPESCRIPT = import.meta.url.endsWith('.ts');
const WORKER = RUNS_TYPESCRIPT ? new URL('./worker.ts', import.meta.url) : new URL('./worker.js', import.meta.url);

export class JobPool {
  readonly #pool: Piscina<Job, JobResult>;
  readonly #progress: Float64Array;
  readonly #stop: Int32Array;
  #jobs = 0;

  /** @param most  the most jobs that will be done */
  constructor(contestants: readonly Contestant[], engineVersion: string, workers: number, most: number) {
    const progress = new SharedArrayBuffer(Math.max(1, most) * Float64Array.BYTES_PER_ELEMENT);
    const stop = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#progress = new Float64Array(progress);
    this.#stop = new Int32Array(stop);
    const workerData: WorkerData = { contestants, engineVersion, progress, stop };
    this.#pool = new Piscina<Job, JobResult>({
      filename: WORKER.href,
      name: 'work',
      minThreads: Math.min(workers, most),
      maxThreads: workers,
      workerData,
      // However this process runs TypeScript, its workers do so through tsx.
      ...(RUNS_TYPESCRIPT ? { execArgv: ['--import', import.meta.resolve('tsx')] } : {}),
    });
  }

  /** Share of the most jobs that is done. */
  get share(): number {
    return this.#progress.reduce((sum, share) => sum + share, 0) / this.#progress.length;
  }

  /** Every run ends after its current hop. */
  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  /** @throws InputError when the disk refuses */
  async do<Kind extends Job['kind']>(jobs: readonly Numbered<Kind>[]): Promise<readonly ResultOf<Kind>[]> {
    const given = jobs.map((job): Job => ({ ...job, number: this.#jobs++ }) as unknown as Job);
    const results = await Promise.all(
      given.map(async (job) => {
        const result = await this.#pool.run(job);
        this.#progress[job.number] = 1;
        return result;
      }),
    );
    const refused = results.filter((result): result is Refused => result.kind === 'refused');
    if (refused.length > 0) throw new InputError(refused.flatMap(({ problems }) => problems));
    return results as unknown as readonly ResultOf<Kind>[];
  }

  async end(): Promise<void> {
    await this.#pool.destroy();
  }
}
