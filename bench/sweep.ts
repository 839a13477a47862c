/**
 * A sweep: the same voyage under many seeds, shared out among two workers as `compare` does it. The reference is one core: a single
 * worker in a process that does all of the engine's own work itself, for otherwise helpers collect its garbage and compile its
 * code on the second core. Each is a process whose workers are ready, and their code compiled, before its clock starts; the hash
 * is of every run's digest, by seed.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Bench } from './suite.ts';

const WORKERS = 2;
/** Sweeps of a sample. */
const ROUNDS = 3;

export const sweep: Bench = (smoke) => {
  const [runs, hours] = smoke ? [4, 1] : [16, 12];
  let files: readonly string[] | undefined;
  const sweeping = (name: string, workers: number, flags: readonly string[]) => {
    const swept = (rounds: number) => {
      files ??= built(new URL('./sweepMain.ts', import.meta.url), new URL('./sweepWorker.ts', import.meta.url));
      const args = [...flags, ...files, ...[workers, runs, hours, rounds].map(String)];
      const said = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split(' ');
      const [seconds, cpuSeconds, hash] = said as [string, string, string];
      return { secondsEach: Number(seconds) / rounds, cpuSecondsEach: Number(cpuSeconds) / rounds, hash };
    };
    return {
      name,
      hash: async () => Promise.resolve(swept(1).hash),
      runsPerSecond: () => 1 / swept(ROUNDS).secondsEach,
      cpuSeconds: () => swept(ROUNDS).cpuSecondsEach,
    };
  };
  const ours = sweeping(`${WORKERS} workers`, WORKERS, []);
  const oneCore = sweeping('1 worker on one core', 1, ['--single-threaded']);
  return [
    {
      name: `sweep, ${runs} runs of ${hours} h`,
      amounts: { runs },
      contenders: [ours, oneCore],
      remarks() {
        const [all, one] = [ours.cpuSeconds(), oneCore.cpuSeconds()];
        const most = ((WORKERS * one) / all).toFixed(2);
        return [
          `${all.toFixed(3)} s of CPU on ${WORKERS} workers, ${one.toFixed(3)} on one core: ${most} times as fast at the most`,
        ];
      },
    },
  ];
};

/** Programs as JavaScript, below node_modules, where they find what they depend on: to read them as TypeScript takes a second. */
function built(...programs: readonly URL[]): readonly string[] {
  const cache = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url));
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'sweep.'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  return programs.map((program, index) => {
    const outfile = join(folder, `${index}.mjs`);
    buildSync({
      entryPoints: [fileURLToPath(program)],
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['piscina'],
      outfile,
    });
    return outfile;
  });
}
