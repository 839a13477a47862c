/**
 * A sweep: the same voyage under many seeds, shared out among workers as `compare` does it. The reference is a single worker. The
 * suite measures plain calls, so the main thread sleeps until the last run is done. The hash is of every run's digest, by seed.
 */

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import { hashOfData } from './hash.ts';
import type { Bench, Contender } from './suite.ts';
import { shared, type SweepData } from './sweepData.ts';

const WORKERS = 2;
export const sweep: Bench = (smoke) => {
  const [runs, hours] = smoke ? [4, 1] : [16, 12];
  return [
    {
      name: `sweep, ${runs} runs of ${hours} h`,
      amounts: { runs },
      contenders: [sweeping(WORKERS, runs, hours), sweeping(1, runs, hours)],
    },
  ];
};

function sweeping(workers: number, runs: number, hours: number): Contender {
  return {
    name: workers === 1 ? '1 worker' : `${workers} workers`,
    start() {
      const data: SweepData = { words: new SharedArrayBuffer(4 * (shared.digests + 2 * runs)), runs, hours };
      const words = new Int32Array(data.words);
      const code = workerCode();
      for (let worker = 0; worker < workers; worker++)
        new Worker(code, { eval: true, execArgv: [], workerData: data }).unref();
      waitFor(words, shared.ready, workers);
      return {
        run() {
          Atomics.store(words, shared.next, 0);
          Atomics.store(words, shared.done, 0);
          Atomics.add(words, shared.round, 1);
          Atomics.notify(words, shared.round);
          waitFor(words, shared.done, runs);
        },
        hash: () => hashOfData([...words.subarray(shared.digests)]),
      };
    },
  };
}

/** The worker in one piece of JavaScript: loading TypeScript takes the main thread's help, and the main thread sleeps. */
function workerCode(): string {
  const entry = fileURLToPath(new URL('./sweepWorker.ts', import.meta.url));
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  return outputFiles.map(({ text }) => text).join('');
}

/** Sleeps until a shared word has a value. */
function waitFor(words: Int32Array, word: number, value: number): void {
  for (let now = Atomics.load(words, word); now !== value; now = Atomics.load(words, word))
    Atomics.wait(words, word, now);
}
