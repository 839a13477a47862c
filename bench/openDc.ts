/**
 * The week of a scientific cluster that OpenDC benchmarks itself with: 6,295 tasks, each on a host of its own for its time, and
 * 2.32 million fragments of CPU usage on 277 hosts. As there, a process works it off once to get warm and is timed at the second
 * time, files included. Here the tasks go through all of ECS: RunTask, placement, pull, start, exit, metrics, log.
 *
 * @source OpenDC, opendc-experiments-base/src/jmh, workloadScaling surf_week
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hashOf } from './hash.ts';
import type { OpenDcWork } from './openDcRun.ts';
import type { Bench, Program } from './suite.ts';

const WEEK = fileURLToPath(new URL('../../shared/traces/opendc-surf-week/', import.meta.url));
const FRAGMENTS = 2_323_475;

export const openDc: Bench = (smoke) => {
  const isThere = existsSync(WEEK);
  const work: OpenDcWork = smoke ? 'small' : isThere ? 'week' : 'made-up';
  return [
    {
      name: `openDc, ${smoke ? 'a made-up day' : isThere ? 'its benchmark week' : 'a made-up week'}`,
      amounts: { runs: 1, ...(isThere && !smoke ? { fragments: FRAGMENTS } : {}) },
      contenders: [
        program('files read and sailed', work, 'all'),
        ...(work === 'week' ? [{ ...program('files read', work, 'files'), otherWork: true as const }] : []),
      ],
      ...(isThere || smoke ? {} : { missing: ["OpenDC's benchmark week: its traces are not beside the project"] }),
    },
  ];
};

function program(name: string, work: OpenDcWork, part: 'all' | 'files'): Program {
  const run = () => {
    const script = fileURLToPath(new URL('./openDcRun.ts', import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', script, work, part, WEEK], {
      encoding: 'utf8',
    });
    const [digest, seconds] = stdout.trim().split(' ');
    if (status !== 0 || digest === undefined || !(Number(seconds) > 0)) throw new Error(`${name} failed: ${stderr}`);
    return { digest, seconds: Number(seconds) };
  };
  return { name, hash: () => Promise.resolve(hashOf(run().digest)), runsPerSecond: () => 1 / run().seconds };
}
