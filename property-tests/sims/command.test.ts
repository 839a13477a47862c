/** `seatrial run` as a user runs it: what it prints, what it leaves on disk, and that it can be stopped. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModel, replay, startOf, type Event, type Recorded, type World } from '../../core/index.ts';
import { EventLog, thaw } from '../../core/kernel/index.ts';
import { assumptionsPage, scenarioJsonSchema } from '../../sims/commands/schema.ts';
import type { RunSummary } from '../../sims/report/summary.ts';
import { RunReader } from '../../sims/store/runDirectory.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
after(() => rmSync(folder, { recursive: true }));

const words = (...rest: readonly string[]) => ['--import', 'tsx', 'sims/cli.ts', ...rest];

/** A day's traffic with a square wave, generated. */
const trace = join(folder, 'wave.csv');
const rows = Array.from({ length: 288 }, (_, index) => {
  const at = new Date(Date.UTC(2024, 0, 1, 0, 5 * index)).toISOString().slice(0, 19).replace('T', ' ');
  return `${at},${Math.floor(index / 36) % 2 === 0 ? 6_000 : 30_000}`;
});
writeFileSync(trace, `timestamp,value\n${rows.join('\n')}\n`);

function run(...rest: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, words('run', ...rest), {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

/** The log of a run directory. */
function readEvents(directory: string): Recorded<Event>[] {
  return [...new RunReader(directory).events()];
}

function digestOf(events: readonly Recorded<Event>[]): string {
  const log = new EventLog<Event>(createModel().events);
  for (const { event, atMs, causedBy } of events) log.append(event, atMs, causedBy);
  return log.digest();
}

test('the same trace and seed give the same digest, another seed another one', () => {
  const digest = (...rest: readonly string[]) =>
    (JSON.parse(run('--trace', trace, '--json', ...rest)) as RunSummary).digest;
  assert.equal(digest('--seed', '7'), digest('--seed', '7'));
  assert.notEqual(digest('--seed', '7'), digest('--seed', '8'));
});

test('--check holds the invariants, and changes nothing', () => {
  const digest = (...rest: readonly string[]) =>
    (JSON.parse(run('--trace', trace, '--json', '--days', '0.3', ...rest)) as RunSummary).digest;
  assert.equal(digest('--check'), digest());
});

test('a run directory holds the whole log, and all that repeats the run', () => {
  const out = join(folder, 'run');
  const printed = JSON.parse(run('--trace', trace, '--out', out, '--json')) as RunSummary;
  assert.deepEqual(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')), printed);
  const events = readEvents(out);
  assert.equal(events.length, printed.events);
  assert.equal(digestOf(events), printed.digest);
  const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as {
    scenario: Parameters<typeof startOf>[0];
    traces: { copy: string }[];
  };
  assert.equal(readFileSync(join(out, manifest.traces[0]?.copy ?? ''), 'utf8'), readFileSync(trace, 'utf8'));

  // The log alone leads from the empty world to the last one.
  const log = new EventLog<Event>(createModel().events);
  for (const { event, atMs, causedBy } of events) log.append(event, atMs, causedBy);
  const world = thaw(startOf(manifest.scenario).world) as World;
  replay(world, createModel().evolve, log, 0, log.length);
  assert.equal(
    world.ecs.tasks.size,
    [...world.ecs.services.values()].reduce((sum, { tasks }) => sum + tasks.size, 0),
  );
});

test('the report of a piped run has no escape codes and says what ran', () => {
  const stdout = run('--trace', trace, '--days', '0.2');
  assert.match(stdout, /flash-crowd/);
  assert.match(stdout, /[0-9a-f]{16}/);
  assert.ok(!stdout.includes('\u001b'), 'no escape codes');
  for (const line of stdout.split('\n')) assert.ok(line.length <= 100, `too wide: ${line}`);
});

test('Ctrl-C leaves a valid partial run and exit code 130', async () => {
  const out = join(folder, 'stopped');
  const child = spawn(process.execPath, words('run', '--days', '3000', '--out', out, '--json'), { cwd: root });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  const started = async () => {
    for (let tries = 0; tries < 200; tries++) {
      try {
        readFileSync(join(out, 'events/000000000000.chunk'));
        return;
      } catch {
        await new Promise((resume) => setTimeout(resume, 100));
      }
    }
    assert.fail('the run has written nothing in twenty seconds');
  };
  await started();
  child.kill('SIGINT');
  const code = await new Promise((resume) => child.on('exit', resume));
  assert.equal(code, 130);
  const summary = JSON.parse(stdout) as RunSummary;
  assert.equal(summary.complete, false);
  const events = readEvents(out);
  assert.equal(events.length, summary.events);
  assert.equal(digestOf(events), summary.digest);
});

test('the published JSON Schema is the one that is enforced', () => {
  const published = readFileSync(join(root, 'sims/input/scenario.schema.json'), 'utf8');
  assert.equal(published, scenarioJsonSchema(), 'npm run sim -- schema > sims/input/scenario.schema.json');
});

test('the page of assumptions is that of the schema, and each key says what it changes', () => {
  const page = readFileSync(join(root, 'sims/input/ASSUMPTIONS.md'), 'utf8');
  assert.equal(page, assumptionsPage(), 'npm run sim -- schema --assumptions > sims/input/ASSUMPTIONS.md');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  assert.equal(rows.length > 20, true);
  for (const row of rows) assert.equal(/\| \w[^|]+ \|$/.test(row.replaceAll('\\|', '')), true, row);
});
