/** The command line's manners: help, completion, suggestions, pipes, narrow terminals, pages that are as new as the code. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { commandProblem } from '../../sims/help.ts';
import { scenarioFile, shippedVoyages } from '../../sims/input/voyages.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';
import { outputOf } from '../../sims/report/output.ts';
import { renderSummary } from '../../sims/report/terminal.ts';
import { wrapText, wrapUnder } from '../../sims/report/wrap.ts';
import { sail } from '../../sims/voyage.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const line = 'node --import tsx sims/cli.ts';

function shell(command: string) {
  return spawnSync('bash', ['-c', `set -o pipefail; ${command}`], { cwd: root, encoding: 'utf8' });
}

test('a slip of the finger is answered with what was meant, and exit code 2', () => {
  const { status, stdout, stderr } = shell(`${line} doctr flash-crowd`);
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /found "doctr", expected a command \(did you mean doctor\?\)/);
  assert.throws(() => scenarioFile('flsh-crowd'), /did you mean flash-crowd\?/);
  assert.throws(() => scenarioFile('flash-crowds.yaml'), /did you mean flash-crowd\?/);
  assert.throws(() => scenarioFile('nothing-like-it-at-all'), /found no file of this name.+voyage that ships;/);
  assert.equal(scenarioFile('somewhere/else.yaml'), 'somewhere/else.yaml');
});

test('what others call a command is answered with ours', () => {
  const program = new Command();
  for (const name of ['run', 'doctor', 'explain', 'init']) program.command(name);
  const meant = (first: string) => commandProblem(program, [first, 'more']);
  assert.match(meant('why-not') ?? '', /did you mean explain DIR why-not INSTANT\?/);
  assert.match(meant('validate') ?? '', /did you mean doctor\?/);
  assert.match(meant('new') ?? '', /did you mean init\?/);
  assert.equal(meant('flash-crowd'), undefined);
});

test('a reader that has read enough ends the command quietly', () => {
  const { status, stdout, stderr } = shell(`${line} schema | head -1`);
  assert.deepEqual([status, stdout, stderr], [0, '{\n', '']);
});

test('bash completes commands, options, voyages and values', () => {
  const asked = [
    ['do', 'doctor'],
    ['run --tr', '--trace'],
    ['run flash', 'flash-crowd'],
    ['explain pl', 'placement'],
    ['explain placement port', 'port-eighty'],
    ['init --launch-type F', 'FARGATE'],
    ['init x.yaml --launch', '--launch-type'],
  ] as const;
  const questions = asked.map(([words]) => {
    const all = ['seatrial', ...words.split(' ')];
    return `COMP_WORDS=(${all.join(' ')}); COMP_CWORD=${all.length - 1}; _seatrial; echo "\${COMPREPLY[*]}"`;
  });
  const { status, stdout, stderr } = shell(`source <(${line} completion bash)\n${questions.join('\n')}`);
  assert.equal(status, 0, stderr);
  assert.deepEqual(
    stdout.trim().split('\n'),
    asked.map(([, answer]) => answer),
  );
});

describe('pages that are made from the code', () => {
  let generated: Readonly<Record<string, string>>;
  before(() => {
    const { stdout, stderr } = shell(`${line} schema --show-docs`);
    assert.equal(stderr, '');
    generated = JSON.parse(stdout) as typeof generated;
  });

  test('are as new as the code', () => {
    assert.equal(Object.keys(generated).length, 7);
    for (const [place, text] of Object.entries(generated))
      assert.equal(readFileSync(join(root, 'sims', place), 'utf8'), text, `${place}: npm run docs`);
  });

  test('every command has examples, whose options it knows', () => {
    const sections = (generated['docs/COMMANDS.md'] ?? '').split('\n## ').slice(1);
    assert.ok(sections.length >= 15);
    for (const section of sections) {
      const [words = '', ...rest] = section.split('\n');
      const [told = '', examples = ''] = rest.join('\n').split('\nExamples:\n');
      assert.notEqual(examples, '', `${words}: add an example in sims/help.ts`);
      for (const example of examples.split('\n').filter((row) => row.startsWith('  seatrial '))) {
        const call = (example.split('  #')[0] as string).trim();
        assert.ok(call.startsWith(`seatrial ${words}`), call);
        for (const [flag] of call.matchAll(/--[a-z-]+/g)) assert.ok(told.includes(flag), `${call}: no ${flag}`);
      }
    }
  });

  test('every key of the schema stands in the page of the scenario', () => {
    const page = generated['docs/SCENARIO.md'] ?? '';
    const schema = JSON.parse(generated['input/scenario.schema.json'] ?? '') as { properties: object };
    for (const key of Object.keys(schema.properties)) assert.ok(page.includes(`## ${key}\n`), key);
    for (const key of ['deregistrationDelaySeconds', 'perTaskConcurrency', 'TargetValue', 'forceNewDeployment'])
      assert.match(page, new RegExp(`${key}\``));
  });
});

test('reports fit a terminal of forty columns', async () => {
  const { summary, series } = await sail(loadScenario('fargate-spot-base', { days: 0.05 }), { engineVersion: 'test' });
  for (const width of [40, 41, 59])
    for (const row of renderSummary(summary, series, { width, color: false }).split('\n'))
      assert.ok(row.length <= width, `${width}: ${row}`);
});

describe('output', () => {
  const { NO_COLOR: given } = process.env;
  after(() => {
    if (given !== undefined) process.env['NO_COLOR'] = given;
  });

  test('is coloured on a terminal, unless NO_COLOR is set and not empty, and plain in a pipe', () => {
    delete process.env['NO_COLOR'];
    assert.deepEqual(outputOf({ isTTY: true, columns: 72 }), { width: 72, color: true });
    assert.deepEqual(outputOf({}), { width: 100, color: false });
    process.env['NO_COLOR'] = '';
    assert.equal(outputOf({ isTTY: true }).color, true);
    process.env['NO_COLOR'] = '1';
    assert.equal(outputOf({ isTTY: true }).color, false);
    delete process.env['NO_COLOR'];
  });

  test('keeps numbers with their units, breaks long words, and indents under a title', () => {
    assert.deepEqual(wrapText('it takes 100 ms', 13), ['it takes', '100 ms']);
    assert.deepEqual(wrapText('abcdefgh', 3), ['abc', 'def', 'gh']);
    assert.deepEqual(wrapUnder('why ', 'one two', 8), ['why one', '    two']);
  });
});

test('every voyage is in the table of the README, and says what it teaches', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  for (const { name, teaches } of shippedVoyages()) {
    assert.ok(readme.includes(`sims/scenarios/${name}.yaml`), name);
    assert.ok(teaches.length > 20, name);
  }
});

test('links of the pages lead somewhere', () => {
  const folder = join(root, 'sims/docs');
  const pages = readdirSync(folder).map((name) => join(folder, name));
  for (const page of [...pages, join(root, 'README.md'), join(root, 'CONTRIBUTING.md')])
    for (const [, target = ''] of readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
      if (!target.includes('://')) assert.ok(existsSync(join(page, '..', target)), `${page}: ${target}`);
});
