/**
 * Runs that were stored by every model version so far: they stay readable, and their events still lead to the world that they
 * led to then. A new version adds its own with CORPUS=write node --import tsx --test property-tests/corpus.test.ts
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MODEL_VERSION, type Event, type Recorded, type World } from '../core/index.ts';
import { explanation } from '../sims/commands/explain.ts';
import { verified } from '../sims/commands/verify.ts';
import { loadScenario } from '../sims/input/scenarioFile.ts';
import { RunDirectory, RunReader } from '../sims/store/runDirectory.ts';
import { batches } from '../sims/store/tables.ts';
import { worldAt } from '../sims/store/worldAt.ts';
import { sail } from '../sims/voyage.ts';

const corpus = fileURLToPath(new URL('corpus/', import.meta.url));
const scenarios = fileURLToPath(new URL('../sims/scenarios/', import.meta.url));

/** Voyages that between them use every room, and how many hours of each are enough. */
const VOYAGES = {
  'bad-deployment': 3,
  'business-day': 2,
  'daemon-and-replicas': 3,
  'flash-crowd': 1,
  'least-privilege': 2,
  'queue-backlog': 2,
  'spot-storm-draining': 3,
  'zone-outage': 3,
} as const;

/** What is told of a world: names and numbers that will mean the same in any version. */
function told({ ecs, ec2 }: World) {
  return {
    services: Array.from(ecs.services, ([name, { desiredCount, runningCount }]) => ({
      name,
      desiredCount,
      runningCount,
    })),
    tasks: ecs.tasks.size,
    instances: ec2.instances.size,
  };
}

async function write(name: keyof typeof VOYAGES): Promise<void> {
  const path = join(corpus, `${MODEL_VERSION}`, name);
  if (existsSync(path)) return;
  mkdirSync(path, { recursive: true });
  const run = join(path, 'run');
  const loaded = loadScenario(join(scenarios, `${name}.yaml`));
  const directory = RunDirectory.create(run, loaded, 'corpus');
  let hours = 0;
  const { summary, activities } = await sail(loaded, {
    engineVersion: 'corpus',
    onSegment: (segment) => directory.append(segment),
    stopped: () => hours++ === VOYAGES[name],
  });
  directory.finish(summary, activities);
  const reader = new RunReader(run);
  const [last] = reader.events(reader.length - 1) as [Recorded<Event>];
  const { world } = worldAt(reader, last.atMs);
  const expected = { events: summary.events, digest: summary.digest, last, end: told(world) };
  writeFileSync(join(path, 'expected.json'), `${JSON.stringify(expected, undefined, 2)}\n`);
}

if (process.env['CORPUS'] === 'write')
  for (const name of Object.keys(VOYAGES)) await write(name as keyof typeof VOYAGES);

const versions = readdirSync(corpus).map(Number);

test('every model version has left logs', () => {
  assert.deepEqual(
    versions.toSorted((a, b) => a - b),
    Array.from({ length: MODEL_VERSION }, (_, index) => index + 1),
  );
});

for (const version of versions)
  for (const name of readdirSync(join(corpus, `${version}`)))
    test(`model version ${version}, ${name}: whole, readable, explained, and leads to the same end`, () => {
      const path = join(corpus, `${version}`, name);
      const run = join(path, 'run');
      const expected = JSON.parse(readFileSync(join(path, 'expected.json'), 'utf8')) as {
        readonly events: number;
        readonly digest: string;
        readonly last: Recorded<Event>;
        readonly end: unknown;
      };
      const { events, difference } = verified(run);
      assert.equal(events, expected.events);
      assert.equal(difference, undefined);
      const reader = new RunReader(run);
      assert.deepEqual([...reader.events(events - 1)], [expected.last]);
      assert.deepEqual(told(worldAt(reader, expected.last.atMs).world), expected.end);
      let rows = 0;
      for (const { table, values } of batches(reader, () => true))
        if (table !== 'events') rows += values[0]?.length ?? 0;
      assert.equal(rows, events);
      assert.ok(explanation(run, [`${events - 1}`], { width: 100 }).length > 0);
    });
