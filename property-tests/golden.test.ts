/** Every shipped voyage, its first hours: number of events and digest as they were when someone last looked. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HOUR, MODEL_VERSION, simulate } from '../core/index.ts';
import { loadScenario } from '../sims/input/scenarioFile.ts';

const folder = fileURLToPath(new URL('../sims/scenarios/', import.meta.url));
const goldenFile = fileURLToPath(new URL('../sims/golden.json', import.meta.url));
const HORIZON_MS = 38 * HOUR; // past the flash crowd's peak

interface Golden {
  readonly events: number;
  readonly digest: string;
}

const found = new Map<string, Golden>();
for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
  const { scenario, traces, jobs } = loadScenario(`${folder}${file}`);
  const simulation = simulate(scenario, { traces, jobs });
  simulation.runUntil(scenario.start + Math.min(HORIZON_MS, scenario.duration));
  found.set(file, { events: simulation.log.length, digest: simulation.log.digest() });
}

interface GoldenFile {
  readonly modelVersion: number;
  readonly voyages: Readonly<Record<string, Golden>>;
}

const before = JSON.parse(readFileSync(goldenFile, 'utf8')) as GoldenFile;
const hint = 'a change of results needs a new MODEL_VERSION and a line in CHANGELOG.md, then npm run golden';

if (process.env['GOLDEN'] === 'write') {
  if (before.modelVersion === MODEL_VERSION)
    for (const [file, line] of found)
      if (file in before.voyages) assert.deepEqual(line, before.voyages[file], `${file}: ${hint}`);
  const voyages = Object.fromEntries(found);
  writeFileSync(goldenFile, `${JSON.stringify({ modelVersion: MODEL_VERSION, voyages }, undefined, 2)}\n`);
}
const golden = JSON.parse(readFileSync(goldenFile, 'utf8')) as GoldenFile;

for (const [file, { events, digest }] of found)
  test(`${file} tells the story it told before`, () => {
    assert.deepEqual({ events, digest }, golden.voyages[file], hint);
  });

test('golden.json holds the shipped voyages and nothing else, of this model version', () => {
  assert.deepEqual(Object.keys(golden.voyages), [...found.keys()]);
  assert.equal(golden.modelVersion, MODEL_VERSION, hint);
});

test('every model version has its lines in CHANGELOG.md', () => {
  const changes = readFileSync(fileURLToPath(new URL('../CHANGELOG.md', import.meta.url)), 'utf8');
  const versions = Array.from(changes.matchAll(/^## Model version (\d+)$/gm), ([, version]) => Number(version));
  assert.deepEqual(
    versions,
    Array.from({ length: MODEL_VERSION }, (_, index) => MODEL_VERSION - index),
  );
});
