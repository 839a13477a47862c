/** Composite alarms and the suppression of their actions. @source spec/autoscaling.md 2.7, 8 (A5) */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  alarmRuleHolds,
  cloudwatchController,
  cloudwatchEvents,
  cloudwatchPhases,
  compositeAlarm,
  compositeAlarmOf,
  compositeAlarmProblems,
  decideCloudWatch,
  emptyCloudWatch,
  evolveCloudWatch,
  requestFor,
  type AlarmState,
  type CloudWatchCommand,
  type CloudWatchEvent,
  type CloudWatchWorld,
} from '../../core/cloudwatch/index.ts';
import { Digest, MINUTE, Simulation } from '../../core/kernel/index.ts';

/** Alarms of both kinds that only SetAlarmState moves: `child`, the only one of the rule, and `suppressor`. */
function run(
  moves: readonly (readonly [number, 'child' | 'suppressor', AlarmState])[],
  suppressed = true,
): readonly string[] {
  const world: CloudWatchWorld = { cloudwatch: emptyCloudWatch() };
  const simulation = new Simulation<CloudWatchWorld, CloudWatchCommand, CloudWatchEvent>(
    {
      events: cloudwatchEvents,
      decide: decideCloudWatch,
      evolve: evolveCloudWatch,
      phases: cloudwatchPhases,
      controllers: [cloudwatchController],
    },
    1,
    { atMs: 0, world, pending: [], log: { seq: 0, digest: new Digest().state() } },
  );
  for (const alarmName of ['child', 'suppressor'])
    simulation.submit(0, {
      type: 'PutMetricAlarm',
      alarm: {
        alarmName,
        request: requestFor('Test Metric ', 'Sum'),
        periodMs: MINUTE,
        evaluationPeriods: 1,
        datapointsToAlarm: 1,
        threshold: 1,
        comparisonOperator: 'GreaterThanThreshold',
        treatMissingData: 'ignore',
        scalingActions: {},
      },
    });
  const written = compositeAlarm.parse({
    AlarmName: 'composite',
    AlarmRule: 'ALARM(child)',
    AlarmActions: ['sns:page'],
    OKActions: ['sns:calm'],
    ...(suppressed
      ? { ActionsSuppressor: 'suppressor', ActionsSuppressorWaitPeriod: 120, ActionsSuppressorExtensionPeriod: 180 }
      : {}),
  });
  const set = (minute: number, alarmName: string, stateValue: AlarmState) =>
    simulation.submit(minute * MINUTE, { type: 'SetAlarmState', alarmName, stateValue, stateReason: 'an example' });
  set(0, 'child', 'OK');
  set(0, 'suppressor', 'OK');
  simulation.submit(0, { type: 'PutCompositeAlarm', alarm: compositeAlarmOf(written) });
  for (const [minute, alarmName, state] of moves) set(minute, alarmName, state);
  simulation.runUntil(20 * MINUTE);
  const acted: string[] = [];
  for (const { atMs, event } of simulation.log) {
    const topics =
      event.type === 'CompositeAlarmStateChanged' || event.type === 'SuppressedAlarmActionsRun' ? event.topics : [];
    for (const topic of topics) acted.push(`${atMs / MINUTE} ${topic.slice(4)}`);
  }
  // The first state is OK, as soon as the alarm is there.
  return acted.filter((line) => line !== '0 calm' && line !== '2 calm');
}

describe('A5: wait 2, extension 3', () => {
  for (const [row, moves, expected] of [
    ['1: the suppressor stays OK', [[5, 'child', 'ALARM']], ['7 page']],
    [
      '2: the suppressor goes to ALARM within the wait',
      [
        [5, 'child', 'ALARM'],
        [6, 'suppressor', 'ALARM'],
      ],
      [],
    ],
    [
      '3: the composite goes back within the wait: a new wait, for OK',
      [
        [5, 'child', 'ALARM'],
        [6, 'child', 'OK'],
      ],
      ['8 calm'],
    ],
    [
      '4: the suppressor is in ALARM already',
      [
        [4, 'suppressor', 'ALARM'],
        [5, 'child', 'ALARM'],
      ],
      [],
    ],
    [
      '5: the suppressor leaves ALARM: an extension, then the actions',
      [
        [5, 'child', 'ALARM'],
        [6, 'suppressor', 'ALARM'],
        [9, 'suppressor', 'OK'],
      ],
      ['12 page'],
    ],
    [
      '6: the composite goes back within the extension: it is dropped, and a wait begins',
      [
        [5, 'child', 'ALARM'],
        [6, 'suppressor', 'ALARM'],
        [9, 'suppressor', 'OK'],
        [10, 'child', 'OK'],
      ],
      ['12 calm'],
    ],
  ] as const)
    test(row, () => assert.deepEqual(run(moves), expected));

  test('without a suppressor the actions run with the state', () =>
    assert.deepEqual(
      run(
        [
          [5, 'child', 'ALARM'],
          [6, 'child', 'OK'],
        ],
        false,
      ),
      ['5 page', '6 calm'],
    ));
});

describe('2.7: the rule', () => {
  const states: Readonly<Record<string, AlarmState>> = { a: 'ALARM', b: 'OK', 'c d': 'INSUFFICIENT_DATA' };
  for (const [rule, expected] of [
    ['ALARM(a)', true],
    ['ALARM(b) OR ALARM(a)', true],
    ['ALARM(a) AND NOT OK(b)', false],
    ['(ALARM(b) OR OK(b)) AND INSUFFICIENT_DATA("c d")', true],
    ['NOT ALARM(a) OR TRUE', true],
    ['TRUE AND FALSE', false],
    ['AT_LEAST(2, ALARM, (a, b, "c d"))', false],
    ['AT_LEAST(2, NOT ALARM, (a, b, "c d"))', true],
    ['AT_LEAST(50%, OK, (a, b))', true],
  ] as const)
    test(`${rule} is ${expected}`, () =>
      assert.equal(
        alarmRuleHolds(rule, (name) => states[name]),
        expected,
      ));

  const rules = new Map([
    ['x', 'ALARM(y)'],
    ['y', 'ALARM(x)'],
  ]);
  for (const [AlarmRule, expected] of [
    ['ALARM(a', 'AlarmRule: found the end at character 8, expected )'],
    ['ALARM a', 'AlarmRule: found "a" at character 7, expected ('],
    ['ALARM(a) OK(b)', 'AlarmRule: found "OK" at character 10, expected AND, OR or the end'],
    [
      'MAYBE(a)',
      'AlarmRule: found "MAYBE" at character 1, expected ALARM(…), OK(…), INSUFFICIENT_DATA(…), AT_LEAST(…), TRUE, FALSE, NOT or (',
    ],
    ['ALARM(nobody)', 'AlarmRule: found "nobody", expected the name of an alarm: one of a, b, x, y'],
    ['ALARM(y)', 'AlarmRule: found a rule that depends on "x" itself, expected no circle'],
  ] as const)
    test(`refused: ${AlarmRule}`, () => {
      const written = compositeAlarm.parse({ AlarmName: 'x', AlarmRule });
      const problems = compositeAlarmProblems(written, new Set(['a', 'b', 'x', 'y']), rules);
      assert.deepEqual(
        problems.map(({ path, message }) => `${path.join('.')}: ${message}`),
        [expected],
      );
    });

  test('refused: a scaling policy as an action, and a suppressor without its periods', () => {
    const written = compositeAlarm.parse({
      AlarmName: 'x',
      AlarmRule: 'TRUE',
      AlarmActions: ['web/steps'],
      ActionsSuppressor: 'a',
    });
    assert.deepEqual(
      compositeAlarmProblems(written, new Set(['a']), rules).map(({ message }) => message),
      [
        'found "web/steps", expected a topic: a composite alarm cannot call a scaling policy',
        'found it without ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod, expected both',
      ],
    );
  });
});
