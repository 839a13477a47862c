/** Real traffic, where it is at hand: the first days of each trace sail, and tell the same story twice. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createInvariants, simulate } from '../../core/index.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const shared = join(root, '..', 'shared', 'traces');
const folders = ['nab-elb-request-count', 'nasa-http-minute', 'synthetic-nab', 'twitter-volume'];
const voyage = join(root, 'sims/scenarios/flash-crowd.yaml');
const skip = existsSync(shared) ? false : 'the traces are not beside the project (../shared/traces)';

const files = skip === false ? folders.flatMap((folder) => csvFiles(join(shared, folder))) : [join(shared, 'none.csv')];

function csvFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.csv'))
    .map((name) => join(folder, name));
}

for (const trace of files)
  test(`${trace.slice(shared.length + 1)}: same seed, same digest; another seed, another one`, { skip }, () => {
    const digest = (seed: number, days: number, checked = false) => {
      const { scenario, traces } = loadScenario(voyage, { trace, scale: 20, days, seed });
      const simulation = simulate(scenario, { traces, ...(checked ? { check: createInvariants() } : {}) });
      simulation.runUntil(scenario.start + scenario.duration);
      return simulation.log.digest();
    };
    assert.equal(digest(1, 1), digest(1, 1, true));
    assert.notEqual(digest(1, 1), digest(2, 1));
  });
