import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
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
  const written = RunDirectory.create(directory, loaded, 'test');
  const sailed = await sail(loaded, { engineVersion: 'test', onSegment: (segment) => written.append(segment) });
  written.finish(sailed.summary, sailed.activities);
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

test('tasks of their own and daemons that find no place are told like those of services', async () => {
  const file = join(folder, 'own.yaml');
  writeFileSync(
    file,
    `name: own
start: 2030-01-07T00:00:00Z
duration: 1h
cluster: { clusterName: demo }
autoScalingGroups:
  - { AutoScalingGroupName: group, AvailabilityZones: [a], MinSize: 2, MaxSize: 2, instanceType: c5.large }
taskDefinitions:
  - { family: job, containerDefinitions: [{ name: app, image: job, cpu: 1500, memory: 128 }] }
  - { family: agent, containerDefinitions: [{ name: app, image: agent, cpu: 600, memory: 128 }] }
services:
  - { serviceName: agent, taskDefinition: agent, schedulingStrategy: DAEMON }
changes:
  - { at: 2030-01-07T00:05:00Z, RunTask: { taskDefinition: job, count: 3, group: nightly } }
  - at: 2030-01-07T00:10:00Z
    StartTask: { taskDefinition: job, group: named, containerInstances: [i-00000000000000001, i-gone] }
  - { at: 2030-01-07T00:15:00Z, RunTask: { taskDefinition: agent, count: 2 } }
  - { at: 2030-01-07T00:20:00Z, UpdateService: { service: agent, taskDefinition: agent:1, forceNewDeployment: true } }
`,
  );
  const all = (await placementStory(file)).join('\n');
  assert.match(all, /^agent, a daemon: 4 tasks placed/m);
  assert.match(all, /^tasks of their own in group nightly: 0 tasks placed; refused 3 x RESOURCE:CPU$/m);
  assert.match(all, /^ {2}instances turned away: 2 x RESOURCE:CPU$/m);
  assert.match(all, /^ {2}closest: i-00000000000000001 needs 1500 CPU units, has 1448$/m);
  assert.match(all, /^ {2}what would help: .*add an instance/m);
  assert.match(all, /^tasks of their own in group named: 0 tasks placed; refused 1 x RESOURCE:CPU, 1 x MISSING$/m);
  assert.match(all, /^ {2}closest: i-gone is not registered in the cluster$/m);
  assert.match(all, /^tasks of their own in group family:agent: 2 tasks placed, none refused$/m);

  const named = (await placementStory(file, 'run-2')).join('\n');
  assert.match(named, /^run-2, StartTask on i-00000000000000001, i-gone: 2 tasks of job:1 in group named/m);
  assert.match(named, /^ {2}created: none$/m);
  assert.match(named, /^ {2}what would help: free the difference on that very instance/m);
  assert.match(named, /^ {2}reason: MISSING$/m);
  assert.match((await placementStory(file, 'run-3')).join('\n'), /^ {2}created: task-3, task-4$/m);
  assert.match((await placementStory(file, 'task-3')).join('\n'), /^task-3 of run-3 in group family:agent, agent:1/);
  await assert.rejects(
    placementStory(file, 'run-9'),
    /found "run-9", expected a RunTask or StartTask .*: run-1 to run-3/,
  );
});

test('a daemon whose task finds no place names every instance that has no room, and what would help there', async () => {
  const file = join(folder, 'daemon.yaml');
  writeFileSync(
    file,
    `name: daemon
start: 2030-01-07T00:00:00Z
duration: 1h
cluster: { clusterName: demo }
autoScalingGroups:
  - { AutoScalingGroupName: group, AvailabilityZones: [a], MinSize: 3, MaxSize: 3, instanceType: c5.large }
taskDefinitions:
  - { family: web, containerDefinitions: [{ name: app, image: web, cpu: 1600, memory: 128 }] }
  - { family: agent, containerDefinitions: [{ name: app, image: agent, cpu: 128, memory: 128 }] }
  - { family: agent, containerDefinitions: [{ name: app, image: agent, cpu: 512, memory: 128 }] }
services:
  - { serviceName: agent, taskDefinition: agent:1, schedulingStrategy: DAEMON }
  - { serviceName: web, taskDefinition: web, desiredCount: 2 }
changes:
  - { at: 2030-01-07T00:10:00Z, UpdateService: { service: agent, taskDefinition: agent:2 } }
`,
  );
  const text = (await placementStory(file)).join('\n');
  assert.match(text, /^agent, a daemon: 4 tasks placed; refused \d+ x RESOURCE:CPU$/m);
  assert.match(text, /^ {2}instances turned away: 2 x RESOURCE:CPU$/m);
  assert.match(text, /^ {2}closest: i-0000000000000000\d needs 512 CPU units, has 448$/m);
  assert.match(text, /^ {2}what would help: free the difference on that very instance/m);
});

test('what cannot be explained is refused in a sentence', async () => {
  await assert.rejects(placementStory(portEighty, 'task-99'), /found task "task-99", expected .*: task-1 to task-5/);
  await assert.rejects(placementStory(folder), /found no chain\.ndjson/);
  writeFileSync(join(folder, 'chain.ndjson'), '{"seq":0}\n');
  await assert.rejects(placementStory(folder), /chain\.ndjson:1: found what is no link/);
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
