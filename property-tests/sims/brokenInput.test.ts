/** Bad input: each mistake gets one clear sentence with its place, exit code 2, and nothing is written. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatProblem, InputError } from '../../sims/input/inputError.ts';
import { RunDirectory } from '../../sims/store/runDirectory.ts';
import { loadScenario, type ScenarioOverrides } from '../../sims/input/scenarioFile.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const sound = readFileSync(join(root, 'sims/scenarios/flash-crowd.yaml'), 'utf8');
const onFargate = readFileSync(join(root, 'sims/scenarios/steps-on-fargate.yaml'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
after(() => rmSync(folder, { recursive: true }));

function replaced(text: string, from: string | RegExp, to: string): string {
  const changed = text.replace(from, to);
  assert.notEqual(changed, text, `the sound scenario no longer holds ${String(from)}`);
  return changed;
}

/** The sentences that a file is refused with, without the folder. */
function refusals(name: string, content: string | Uint8Array, overrides: ScenarioOverrides = {}): readonly string[] {
  const file = join(folder, name);
  writeFileSync(file, content);
  try {
    loadScenario(file, overrides);
  } catch (error) {
    assert.ok(error instanceof InputError, `expected an InputError, got ${String(error)}`);
    return error.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''));
  }
  return [];
}

/** What is broken, and the beginning of the sentence that must say so. */
const brokenScenarios: readonly (readonly [string, string, string | RegExp])[] = [
  ['a missing name', replaced(sound, 'name: flash-crowd\n', ''), /^s\.yaml:\d+:\d+ name: found nothing, expected /],
  [
    'a count that is a text',
    replaced(sound, 'desiredCount: 6', 'desiredCount: six'),
    /^s\.yaml:46:19 services\[0\]\.desiredCount: found "six", expected a whole number/,
  ],
  [
    'a negative count',
    replaced(sound, 'desiredCount: 6', 'desiredCount: -1'),
    /^s\.yaml:46:19 services\[0\]\.desiredCount: found -1, expected .*0/,
  ],
  [
    'a fraction of a task',
    replaced(sound, 'desiredCount: 6', 'desiredCount: 2.5'),
    /services\[0\]\.desiredCount: found 2\.5, expected a whole number/,
  ],
  [
    'a number that is none',
    replaced(sound, 'TargetValue: 60', 'TargetValue: .nan'),
    /TargetValue: found NaN, expected /,
  ],
  [
    'an infinite number',
    replaced(sound, 'peak: 320', 'peak: .inf'),
    /load\[0\]\.rate\[1\]\.peak: found Infinity, expected /,
  ],
  ['a target of 0', replaced(sound, 'TargetValue: 60', 'TargetValue: 0'), /TargetValue: found 0, expected .*above 0/],
  ['a negative work', replaced(sound, 'cpuMs: 20', 'cpuMs: -20'), /load\[0\]\.request\.cpuMs: found -20, expected /],
  [
    'an unknown key',
    replaced(sound, 'placementStrategy:', 'placementStrategies:'),
    /^s\.yaml:48:5 services\[0\]: found an unknown key "placementStrategies", did you mean "placementStrategy"/,
  ],
  [
    'an unknown strategy',
    replaced(sound, 'type: binpack', 'type: binpak'),
    /placementStrategy\[1\]\.type: found "binpak", expected .*binpack/,
  ],
  [
    'an unknown load model',
    replaced(sound, 'model: burst', 'model: brust'),
    /load\[0\]\.rate\[1\]\.model: found "brust", expected .*burst/,
  ],
  [
    'an unknown policy type',
    replaced(sound, 'PolicyType: TargetTrackingScaling', 'PolicyType: TargetTracking'),
    /policies\[0\]\.PolicyType: found "TargetTracking", expected .*TargetTrackingScaling/,
  ],
  [
    'a duration without a unit',
    replaced(sound, 'duration: 3d', 'duration: 3'),
    /duration: found 3, expected a length of time/,
  ],
  [
    'a start that is no instant',
    replaced(sound, 'start: 2030-01-07T00:00:00Z', 'start: monday'),
    /start: found "monday", expected an instant/,
  ],
  [
    'a start within a minute',
    replaced(sound, 'start: 2030-01-07T00:00:00Z', 'start: 2030-01-07T00:00:30Z'),
    /start: found an instant within a minute, expected a full minute/,
  ],
  [
    'a step that does not divide a minute',
    replaced(sound, 'seed: 1\n', 'seed: 1\nstep: 7s\n'),
    /step: found 7000 ms, expected a length that divides a minute/,
  ],
  [
    'two services of one name',
    replaced(sound, 'services:\n', 'services:\n  - { serviceName: web, taskDefinition: web, desiredCount: 1 }\n'),
    /services\[1\]\.serviceName: found "web" a second time/,
  ],
  ['a key written twice', replaced(sound, 'seed: 1\n', 'seed: 1\nseed: 2\n'), /^s\.yaml:11:1/],
  [
    'an unknown task definition',
    replaced(sound, 'taskDefinition: web', 'taskDefinition: wep'),
    /services\[0\]\.taskDefinition: found "wep", expected the name of a task definition: one of web/,
  ],
  [
    'an unknown target group',
    replaced(sound, 'targetGroup: web', 'targetGroup: www'),
    /loadBalancers\[0\]\.targetGroup: found "www", expected the name of a target group/,
  ],
  [
    'an unknown group',
    replaced(sound, 'autoScalingGroup: web-asg', 'autoScalingGroup: asg'),
    /autoScalingGroup: found "asg", expected the name of a Auto Scaling group: one of web-asg/,
  ],
  [
    'an unknown provider',
    replaced(sound, 'capacityProviders: [on-demand]', 'capacityProviders: [spot]'),
    /cluster\.capacityProviders\[0\]: found "spot", expected the name of a capacity provider/,
  ],
  [
    'load for nobody',
    replaced(sound, 'load:\n  - service: web', 'load:\n  - service: shop'),
    /load\[0\]\.service: found "shop", expected the name of a service: one of web/,
  ],
  [
    'an unknown instance type',
    replaced(sound, 'm5.large', 'm5.huge'),
    /instanceType: found "m5\.huge", expected one of the 232 types/,
  ],
  [
    'a task larger than any instance',
    replaced(sound, 'memory: 1024', 'memory: 64000'),
    /services\[0\]\.taskDefinition: found a task of 512 CPU units and 64000 MiB, expected one that fits an instance: m5\.large registers 2048 CPU units and 7633 MiB/,
  ],
  [
    'a size Fargate does not offer',
    replaced(onFargate, 'memory: 2048', 'memory: 1024'),
    /services\[0\]\.taskDefinition: found 1024 MiB with 1024 CPU units in "api", expected 2048, .*No Fargate configuration exists for given values\./,
  ],
  [
    'a minimum above the maximum',
    replaced(sound, 'MaxCapacity: 40', 'MaxCapacity: 2'),
    /scalableTargets\[0\]\.MinCapacity: found 4, expected at most MaxCapacity, 2/,
  ],
  [
    'a group whose minimum is above its maximum',
    replaced(sound, 'MaxSize: 20', 'MaxSize: 1'),
    /autoScalingGroups\[0\]\.MinSize: found 2, expected at most MaxSize, 1/,
  ],
  [
    'a cron with both days set',
    replaced(sound, '0 7 ? * MON-FRI *', '0 7 * * MON-FRI *'),
    /Schedule: found a cron expression with day-of-month and day-of-week both set/,
  ],
  [
    'an unknown time zone',
    replaced(sound, 'Timezone: Europe/Berlin', 'Timezone: Europe/Atlantis'),
    /found the time zone "Europe\/Atlantis", expected an IANA name/,
  ],
  [
    'a strategy without weight',
    replaced(onFargate, /, weight: 1 }\n(.*), weight: 1 }/, ' }\n$1 }'),
    /capacityProviderStrategy: found no capacity provider with a weight above 0/,
  ],
  [
    'a launch type beside a strategy',
    replaced(onFargate, 'desiredCount: 2', 'desiredCount: 2\n    launchType: FARGATE'),
    /launchType: found a launchType beside a capacityProviderStrategy/,
  ],
  [
    'the same metric twice',
    replaced(
      sound,
      '    scheduledActions:',
      '      - { PolicyName: again, PolicyType: TargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: { TargetValue: 50, PredefinedMetricSpecification: { PredefinedMetricType: ECSServiceAverageCPUUtilization } } }\n    scheduledActions:',
    ),
    /Only one TargetTrackingScaling policy for a given metric specification is allowed\./,
  ],
  ['an empty file', '', /^s\.yaml: .*empty/],
  ['a list instead of a mapping', '- a\n- b\n', /found a list/],
  ['broken YAML', 'name: "flash\nstart: [', /^s\.yaml:\d+:\d+/],
];

for (const [what, content, expected] of brokenScenarios)
  test(`a scenario with ${what} is refused with its place`, () => {
    const sentences = refusals('s.yaml', content);
    assert.ok(
      sentences.some((sentence) =>
        typeof expected === 'string' ? sentence.startsWith(expected) : expected.test(sentence),
      ),
      `expected ${String(expected)}, got:\n${sentences.join('\n') || '(nothing)'}`,
    );
  });

for (const [name, content, expected] of [
  [
    'main.tf',
    'resource "aws_ecs_service" "web" {\n  name = "web"\n}\n',
    /found Terraform, expected a scenario: seatrial init/,
  ],
  [
    'stack.yaml',
    'Resources:\n  Web:\n    Type: AWS::ECS::Service\n    Properties: { Task: !Ref T }\n',
    /a template of CloudFormation/,
  ],
  ['web.json', '{"services": [{"serviceArn": "arn:aws:ecs:…"}], "failures": []}', /what the AWS CLI prints/],
  ['traffic.csv', 'timestamp,value\n2020-01-01,1\n', /found a trace.+run --trace .+replays it/],
] as const)
  test(`${name} is told what it is, in one sentence with what to do`, () => {
    const sentences = refusals(name, content);
    assert.equal(sentences.length, 1);
    assert.match(sentences[0] ?? '', expected);
  });

test('a tab is one mistake, not all that a parser makes of it', () => {
  const sentences = refusals('s.yaml', replaced(sound, '    desiredCount: 6', '\tdesiredCount: 6'));
  assert.equal(sentences.length, 1);
  assert.match(sentences[0] ?? '', /^s\.yaml:46:1: found a mistake of syntax: Tabs are not allowed/);
});

test('a binary scenario is refused', () => {
  const [sentence] = refusals('s.yaml', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0));
  assert.match(sentence ?? '', /^s\.yaml: .*binary/i);
});

test('all mistakes of a scenario are told at once', () => {
  const twice = replaced(replaced(sound, 'desiredCount: 6', 'desiredCount: six'), 'TargetValue: 60', 'TargetValue: 0');
  assert.equal(refusals('s.yaml', twice).length, 2);
  const semantic = replaced(replaced(sound, 'm5.large', 'm5.huge'), 'targetGroup: web', 'targetGroup: www');
  assert.equal(refusals('s.yaml', semantic).length, 2);
});

test('a sound scenario is not refused', () => {
  assert.deepEqual(refusals('s.yaml', sound), []);
  assert.deepEqual(refusals('s.yaml', onFargate), []);
});

test('a trace for a service without load is refused, with the services that have one', () => {
  const trace = join(folder, 't.csv');
  writeFileSync(trace, 'minute,count\n0,1\n1,2\n');
  const [sentence] = refusals('s.yaml', sound, { trace, service: 'shop' });
  assert.match(sentence ?? '', /--service: found "shop", expected one of web/);
});

/** Runs the command as a user would. */
function seatrial(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'sims/cli.ts', ...words], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const longLine = join(folder, 'long.csv');
writeFileSync(longLine, `timestamp,value\n2020-01-01 00:00:00,${'9'.repeat(4_000_000)}\n`);
const reversed = join(folder, 'reversed.csv');
writeFileSync(reversed, 'timestamp,value\n2020-01-01 00:05:00,1\n2020-01-01 00:00:00,1\n');
const brokenScenario = join(folder, 'broken.yaml');
writeFileSync(brokenScenario, replaced(sound, 'desiredCount: 6', 'desiredCount: six'));

const brokenCommands: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['a broken scenario', [brokenScenario], /broken\.yaml:46:19 services\[0\]\.desiredCount: found "six", expected /],
  ['a missing scenario', [join(folder, 'none.yaml')], /none\.yaml: /],
  ['a trace with a gigantic line', ['--trace', longLine], /long\.csv:2/],
  ['a trace that runs backwards', ['--trace', reversed], /reversed\.csv:3/],
  ['a seed that is no number', ['--seed', 'one'], /--seed.*found "one", expected a whole number/],
  ['an unknown option', ['--sede', '1'], /unknown option '--sede'[\s\S]*Did you mean --seed/],
];

for (const [what, words, expected] of brokenCommands)
  test(`seatrial run with ${what}: one sentence, exit code 2, nothing written`, () => {
    const out = join(folder, 'out');
    const { status, stdout, stderr } = seatrial('run', ...words, '--out', out);
    assert.match(stderr, expected);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace for a mistake of the user');
    assert.equal(stdout, '');
    assert.equal(status, 2);
    assert.equal(existsSync(out), false);
  });

test('a place where no directory can be made is refused at once', { timeout: 20_000 }, () => {
  for (const place of [join(folder, 'broken.yaml', 'below-a-file'), ...(existsSync('/proc') ? ['/proc/x/y'] : [])])
    assert.throws(
      () => RunDirectory.create(place, loadScenario('steps-on-fargate'), 'test'),
      (error: unknown) => error instanceof InputError && error.message.startsWith(`${place}: E`),
    );
});

test('a directory that holds something is not written to', () => {
  const { status, stderr } = seatrial('run', '--days', '0.1', '--out', folder);
  assert.match(stderr, /found something there already, expected a new or empty directory/);
  assert.equal(status, 2);
  assert.equal(existsSync(join(folder, 'manifest.json')), false);
});
