/** Packing of a scenario, with services of its own and with those of a file. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sailAndPack } from '../../sims/commands/packing.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';

const top = fileURLToPath(new URL('../../', import.meta.url));
const capped = join(top, 'sims/scenarios/capped-fleet.yaml');
const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
after(() => rmSync(folder, { recursive: true }));

const HEADER = 'instance,role,app_name,cpu_request,gpu_request,memory_request,max_instance_per_node';
function csv(name: string, ...rows: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, [HEADER, ...rows].join('\n'));
  return file;
}
const rowsOf = (count: number, rest: string) => Array.from({ length: count }, (_, index) => `i-${index},${rest}`);

test('the shipped voyage: 12 CPU nodes where 10 could do, and as many GPU nodes as its limit asks for', () => {
  const { packings, unplaced } = sailAndPack(capped, {});
  assert.deepEqual(unplaced, []);
  assert.deepEqual(
    packings.map(({ capacityProvider, used, lowerBound, boundBy }) => [capacityProvider, used, lowerBound, boundBy]),
    [
      ['CN', 12, 10, 'CPU'],
      ['HN', 9, 9, 'distinctInstance of service:model-1'],
    ],
  );
});

test('tasks that are alike become a service, a limit of n becomes n of them; no instance holds more than the limit', () => {
  const services = csv('tasks.csv', ...rowsOf(7, 'HN,model,4,1,40,2'), ...rowsOf(3, 'CN,feed,64,0,100.5,-1'));
  const { scenario, notes } = loadScenario(capped, { services });
  assert.deepEqual(
    scenario.services.map(({ serviceName, desiredCount, placementConstraints }) => [
      serviceName,
      desiredCount,
      placementConstraints.length,
    ]),
    [
      ['model-1-1', 4, 1],
      ['model-1-2', 3, 1],
      ['feed-2', 3, 0],
    ],
  );
  assert.deepEqual(
    scenario.taskDefinitions.map(({ containerDefinitions: [app] }) => [app!.cpu, app!.memory]),
    [
      [4_096, 40_960],
      [65_536, 102_912],
    ],
  );
  assert.match(notes[0]!, /^tasks\.csv: 10 tasks of 2 applications in 2 sizes are 3 services/);
  const { packings, unplaced } = sailAndPack(capped, { services });
  assert.deepEqual(
    packings.map(({ capacityProvider, used, tasks, lowerBound }) => [capacityProvider, used, tasks, lowerBound]),
    [
      ['CN', 2, 3, 1],
      ['HN', 4, 7, 4],
    ],
  );
  assert.deepEqual(unplaced, []);
});

test('tasks without a place are told, and a static host port bounds the packing', () => {
  const { packings, unplaced } = sailAndPack(join(top, 'sims/scenarios/port-eighty.yaml'), {});
  assert.deepEqual(unplaced, ['proxy: 2 tasks without a place']);
  assert.deepEqual(
    packings.map(({ used, tasks, lowerBound, boundBy }) => [used, tasks, lowerBound, boundBy]),
    [[4, 4, 4, 'host port tcp/80']],
  );
});

test('what a file of services cannot say is refused with its line', () => {
  const load = (file: string) => () => loadScenario(capped, { services: file });
  const bad = csv('bad.csv', 'i,CN,feed,64,0,100,-1', 'i,XX,feed,64,0,100,-1', 'i,CN,,many,0,,1.5');
  assert.throws(load(bad), (error) => {
    const text = (error as Error).message;
    assert.match(text, /bad\.csv:3: role: found "XX", expected a capacity provider of the cluster: CN, HN$/m);
    assert.match(text, /bad\.csv:4: app_name: found "", expected the name of an application$/m);
    assert.match(text, /bad\.csv:4: cpu_request: found "many", expected vCPUs$/m);
    assert.match(text, /bad\.csv:4: memory_request: found "", expected GiB$/m);
    assert.match(text, /bad\.csv:4: max_instance_per_node: found "1\.5", /m);
    return true;
  });
  const headless = join(folder, 'headless.csv');
  writeFileSync(headless, 'role,app_name\nCN,feed\n');
  assert.throws(
    load(headless),
    /headless\.csv:1: found no column cpu_request, memory_request, .*, expected app_name, role,/,
  );
  const ragged = csv('ragged.csv', 'i,CN,feed');
  assert.throws(load(ragged), /ragged\.csv: found a table that cannot be read/);
  assert.throws(load(csv('empty.csv')), /empty\.csv: found no rows, expected a CSV file with a task in each row/);
});

test('by the command: a table, JSON, and a sentence and exit code 2 where the trace is not there', () => {
  const run = (...words: readonly string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'sims/cli.ts', 'packing', capped, ...words], {
      cwd: top,
      encoding: 'utf8',
    });
  assert.match(run().stdout, /^ CN +26 +15 +12 +10 +1\.200 +80\.6 % +41\.8 % +- .*CPU$/m);
  assert.equal(JSON.parse(run('--json').stdout).packings.length, 2);
  const { status, stderr } = run('--services', 'nowhere.csv');
  assert.equal(status, 2);
  assert.match(stderr, /^nowhere\.csv: found no file of this name, expected a CSV file with a task in each row$/m);
});
