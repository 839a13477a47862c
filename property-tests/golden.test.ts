/** Every shipped voyage, its first hours: number of events and digest as they were when someone last looked. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HOUR, simulate } from '../core/index.ts';
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
  const { scenario, traces } = loadScenario(`${folder}${file}`);
  const simulation = simulate(scenario, { traces });
  simulation.runUntil(scenario.start + Math.min(HORIZON_MS, scenario.duration));
  found.set(file, { events: simulation.log.length, digest: simulation.log.digest() });
}

if (process.env['GOLDEN'] === 'write')
  writeFileSync(goldenFile, `${JSON.stringify(Object.fromEntries(found), undefined, 2)}\n`);
const golden = new Map(Object.entries(JSON.parse(readFileSync(goldenFile, 'utf8')) as Record<string, Golden>));

for (const [file, { events, digest }] of found)
  test(`${file} tells the story it told before`, () => {
    const hint = 'a change of behaviour names its AWS rule in the commit, and writes the new line with npm run golden';
    assert.deepEqual({ events, digest }, golden.get(file), hint);
  });

test('golden.json holds the shipped voyages and nothing else', () => {
  assert.deepEqual([...golden.keys()], [...found.keys()]);
});
