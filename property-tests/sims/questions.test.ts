/** docs/QUESTIONS.md and docs/TUTORIAL.md: each command still prints the lines that the page quotes. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scenarioSchema } from '../../core/index.ts';
import { diagnose, renderDiagnoses } from '../../sims/commands/doctor.ts';
import { placementStory } from '../../sims/commands/explainPlacement.ts';
import { newScenario } from '../../sims/commands/init.ts';
import { trafficOf } from '../../sims/commands/traffic.ts';
import { readDocument } from '../../sims/input/document.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';
import { scenarioFile } from '../../sims/input/voyages.ts';
import { outputOf } from '../../sims/report/output.ts';
import { renderSummary } from '../../sims/report/terminal.ts';
import { sail } from '../../sims/voyage.ts';

const page = readFileSync(new URL('../../sims/docs/QUESTIONS.md', import.meta.url), 'utf8');
const answers = [...page.matchAll(/^```console\n\$ seatrial (.+)\n([^`]+)```$/gm)].map(
  ([, command = '', lines = '']) => ({
    command,
    lines: lines.split('\n').filter((line) => line !== '' && line !== '...'),
  }),
);

/** What a command prints into a pipe, without starting it. */
const printed: Readonly<Record<string, (name: string) => Promise<string>>> = {
  async run(name) {
    const { summary, series } = await sail(loadScenario(name), { engineVersion: 'test' });
    return renderSummary(summary, series, outputOf({}));
  },
  async doctor(name) {
    const file = scenarioFile(name);
    const found = diagnose(loadScenario(file), file, readDocument(file, scenarioSchema).locate);
    return await Promise.resolve(renderDiagnoses(found, [], outputOf({})));
  },
  async 'explain placement'(name) {
    return `${(await placementStory(scenarioFile(name))).join('\n')}\n`;
  },
};

const root = fileURLToPath(new URL('../../', import.meta.url));
const runs = mkdtempSync(join(tmpdir(), 'seatrial-questions-'));
after(() => rmSync(runs, { recursive: true }));

/** Commands that need workers, or a run on disk, as a user would start them; `runs/` is where runs go. */
function started(command: string): string {
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const args = words.map((word) => word.replace(/^runs\//, `${runs}/`));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'sims/cli.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

const outputs = new Map<string, Promise<string>>();
function outputOfCommand(command: string): Promise<string> {
  const words = command.split(' ');
  const name = words.pop() as string;
  const needsMore = words[0] === 'compare' || command.includes('runs/');
  const known =
    outputs.get(command) ?? (needsMore ? Promise.resolve(started(command)) : printed[words.join(' ')]?.(name));
  assert.ok(known !== undefined, `${command}: not a command that this test can print`);
  outputs.set(command, known);
  return known;
}

describe('questions answered', () => {
  test('are at least twenty-five', () => {
    assert.ok(answers.length >= 25);
    assert.equal(answers.length, page.split('\n### ').length - 1, 'each question has one command');
  });

  for (const { command, lines } of answers)
    test(command, async () => {
      const [, voyage] = /^explain runs\/(\S+)/.exec(command) ?? [];
      if (voyage !== undefined) started(`run ${voyage} --out runs/${voyage}`);
      let rest = await outputOfCommand(command);
      for (const line of lines) {
        const at = rest.indexOf(`${line}\n`);
        assert.notEqual(at, -1, `no longer printed, or not in this order: ${line}`);
        rest = rest.slice(at + line.length);
      }
    });
});

test('the tutorial leads to what it says', async () => {
  const tutorial = readFileSync(new URL('../../sims/docs/TUTORIAL.md', import.meta.url), 'utf8');
  const folder = mkdtempSync(join(tmpdir(), 'seatrial-tutorial-'));
  after(() => rmSync(folder, { recursive: true }));
  const [csv, shop] = [join(folder, 'traffic.csv'), join(folder, 'shop.yaml')];
  writeFileSync(csv, trafficOf('flash-crowd', {}));
  const written = newScenario(shop, { service: 'shop', trace: csv, min: 4, max: 20 }).content;
  const changed = written
    .replace('HealthCheckIntervalSeconds: 10', 'HealthCheckIntervalSeconds: 10\n    HealthCheckTimeoutSeconds: 9')
    .replace('TargetValue: 60', 'TargetValue: 40');
  let output = '';
  for (const text of [written, changed]) {
    writeFileSync(shop, text);
    for (const command of ['doctor', 'run'])
      output += (await printed[command]?.(shop))?.replaceAll(`${folder}/`, '') ?? '';
  }
  const quoted = [...tutorial.matchAll(/^```console\n\$ npm run sim -- (?:doctor|run) [^`]+```$/gm)]
    .flatMap(([block]) => block.split('\n').slice(1, -1))
    .filter((line) => line !== '...' && !line.startsWith('$'));
  assert.ok(quoted.length > 10);
  for (const line of quoted) assert.ok(output.includes(`${line}\n`), `no longer printed: ${line}`);
});
