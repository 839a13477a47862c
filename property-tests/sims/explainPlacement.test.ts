import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { imageStories } from '../../sims/commands/explainImage.ts';
import { placementStory } from '../../sims/commands/explainPlacement.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';
import { RunDirectory } from '../../sims/store/runDirectory.ts';
import { sail } from '../../sims/voyage.ts';

const top = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
after(() => rmSync(folder, { recursive: true }));

const portEighty = join(top, 'sims/scenarios/port-eighty.yaml');

test('a refusal is told with its reason, who came closest, and what would help; from a scenario as from its log', async () => {
  const story = await placementStory(portEighty);
  const text = story.join('\n');
  assert.match(text, /^proxy: 5 tasks placed; refused \d+ x RESOURCE:PORTS$/m);
  assert.match(text, /^ {2}instances turned away: 4 x RESOURCE:PORTS$/m);
  assert.match(text, /^ {2}closest: i-00000000000000001 tcp\/80 is taken$/m);
  assert.match(text, /^ {2}what would help: a dynamic host port/m);
  const directory = join(folder, 'run');
  const loaded = loadScenario(portEighty);
  const written = new RunDirectory(directory, loaded, 'test');
  await sail(loaded, { engineVersion: 'test', onEvents: (events) => written.append(events) });
  assert.deepEqual(await placementStory(directory), story);
  assert.deepEqual(await placementStory(directory, 'task-2'), await placementStory(portEighty, 'task-2'));
});

test('images are told with whose role pulls them, and how a person would log in', () => {
  const file = join(top, 'sims/scenarios/least-privilege.yaml');
  const words = ['--import', 'tsx', 'sims/cli.ts', 'explain', 'image', file];
  const { status, stdout } = spawnSync(process.execPath, words, { cwd: top, encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^ {2}123456789012\.dkr\.ecr\.us-east-1\.amazonaws\.com, repository shop, tag 1, 150 MiB compressed$/m,
  );
  assert.match(stdout, /^ {2}pulled by no-image as no-image: AccessDeniedException: .* ecr:BatchGetImage on resource/m);
  assert.match(stdout, /^ {2}pulled by no-secret as no-secret: may do so$/m);
  assert.match(stdout, /^ {2}by hand: aws ecr get-login-password --region us-east-1 \| docker login --username AWS/m);
  assert.match(stdout, /^ {2}before AWS CLI 1\.17\.10: .*docker login -u AWS -p TOKEN https:/m);
  const plain = imageStories(portEighty).join('\n');
  assert.match(plain, /^ {2}Docker Hub, repository \S+, tag \S+, size not listed$/m);
});

test('a placed task is told with what each step left and how the winner scored; by the command', () => {
  const words = ['--import', 'tsx', 'sims/cli.ts', 'explain', 'placement', portEighty, 'task-2'];
  const { status, stdout } = spawnSync(process.execPath, words, { cwd: top, encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /^task-2 of proxy, proxy:1 for edge/);
  assert.match(stdout, /^ {2}ACTIVE instances +4$/m);
  assert.match(stdout, /^ {2}with room +3$/m);
  assert.match(
    stdout,
    /^ {2}spread attribute:ecs.availability-zone +2 {3}the winner's value had 0 tasks of the group$/m,
  );
});

test('what cannot be explained is refused in a sentence', async () => {
  await assert.rejects(placementStory(portEighty, 'task-99'), /found task "task-99", expected .*: task-1 to task-5/);
  await assert.rejects(placementStory(folder), /found no events\.ndjson\.gz/);
  writeFileSync(join(folder, 'events.ndjson.gz'), gzipSync('{"seq":0\n'));
  await assert.rejects(placementStory(folder), /events\.ndjson\.gz:1: found what is no log/);
});

test('a bad expression in a scenario file is told with line, column and character', () => {
  const file = join(folder, 'bad.yaml');
  writeFileSync(
    file,
    `name: bad
start: 2030-01-07T00:00:00Z
duration: 1h
cluster: { clusterName: demo }
taskDefinitions:
  - { family: web, containerDefinitions: [{ name: app, image: web, memory: 128 }] }
services:
  - serviceName: web
    taskDefinition: web
    desiredCount: 1
    placementConstraints:
      - { type: memberOf, expression: 'attribute:stack = prod' }
`,
  );
  assert.throws(
    () => loadScenario(file),
    /bad\.yaml:12:39 services\[0\]\.placementConstraints\[0\]\.expression: found "attribute:stack = prod", Invalid expression: .*At character 17: attribute:stack >>>= prod/,
  );
});

test('a static host port where hosts pick dynamic ones is taken, with a note', () => {
  const file = join(folder, 'ephemeral.yaml');
  writeFileSync(
    file,
    `name: ephemeral
start: 2030-01-07T00:00:00Z
duration: 1h
cluster: { clusterName: demo }
autoScalingGroups:
  - { AutoScalingGroupName: group, AvailabilityZones: [a], MinSize: 1, MaxSize: 1, instanceType: m5.large }
taskDefinitions:
  - family: web
    containerDefinitions:
      - { name: app, image: web, memory: 128, portMappings: [{ containerPort: 80, hostPort: 40000 }] }
services: [{ serviceName: web, taskDefinition: web, desiredCount: 1 }]
`,
  );
  assert.match(loadScenario(file).notes.join(' '), /"web" takes host port 40000 of the range from 32768 on/);
  assert.deepEqual(loadScenario(portEighty).notes, []);
});
