/**
 * A month of one service with a step and metrics a minute, as a user of the package has it: a process that starts, reads the
 * scenario, sails and prints the summary. All of it counts. The reference does no more than start.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashOfData } from './hash.ts';
import type { Bench } from './suite.ts';
import { fargateInput } from './voyage.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Program {
  readonly command: string;
  readonly scenario: string;
}

export const month: Bench = (smoke) => {
  const days = smoke ? 1 : 30;
  let made: Program | undefined;
  const contender = (name: string, argsFor: (scenario: string) => readonly string[]) => ({
    name,
    start() {
      const { command, scenario } = (made ??= packed(days));
      const args = [command, ...argsFor(scenario)];
      let said = '';
      return {
        run() {
          said = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
        },
        hash: () => hashOfData(said),
      };
    },
  });
  return [
    {
      name: `month, ${days} days of one service, process start included`,
      amounts: { runs: 1 },
      contenders: [
        contender('run', (scenario) => ['run', scenario, '--json']),
        { ...contender('the process alone', () => ['--version']), otherWork: true },
      ],
    },
  ];
};

/**
 * What a package has of the command line, its bundle, and a scenario beside it. Below node_modules, where it finds what it depends on;
 * `npm pack` would put the bundle into the tree for a moment, where tests that run side by side would start it.
 */
function packed(days: number): Program {
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'month.'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  for (const part of ['package.json', 'sims']) cpSync(join(root, part), join(folder, part), { recursive: true });
  const built = join(folder, 'sims', 'built');
  execFileSync('npm', ['run', '--silent', 'bundle', '--', `--outdir=${built}`], { cwd: root, stdio: 'pipe' });
  const scenario = join(folder, 'month.json');
  writeFileSync(scenario, JSON.stringify({ ...fargateInput(1, days * 24), step: '60s' }));
  return { command: join(folder, 'sims', 'seatrial.mjs'), scenario };
}
