/** Target tracking by AWS's words and numbers. @source spec/autoscaling.md chapter 3, 8 (T1 to T3, C3, ST11, ST12, D1) */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  lowThreshold,
  scalers,
  scalingAssumptions,
  scalingSettings,
  targetTrackingCapacity,
} from '../../core/autoscaling/index.ts';
import { MINUTE, SECOND } from '../../core/kernel/index.ts';
import { RESOURCE, ScalingRoom as Room } from '../scalingRoom.ts';

interface Cooldowns {
  readonly out?: number;
  readonly in?: number;
  readonly disableScaleIn?: boolean;
}

function policy(name: string, target: number, cooldowns: Cooldowns = {}) {
  const { out, in: back, disableScaleIn } = cooldowns;
  return scalers.TargetTrackingScaling.schema.parse({
    PolicyName: name,
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: target,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      ScaleOutCooldown: out,
      ScaleInCooldown: back,
      DisableScaleIn: disableScaleIn,
    },
  });
}

const wide = { min: 1, max: 100 };
const settings = scalingSettings(scalingAssumptions.parse({}));

describe('3.3: the capacity formula', () => {
  for (const [row, runningCount, metricValue, targetValue, expected] of [
    ['T1: +1.5 becomes +2', 3, 75, 50, 5],
    ['T2: of a possible -1.5, one goes', 3, 25, 50, 2],
    ['T2: a possible -0.5 takes none away', 3, 41.7, 50, 3],
    ['anti-flap: 2 tasks, target 70, metric 40 stay 2', 2, 40, 70, 2],
    ['... until the metric is at most 35', 2, 35, 70, 1],
    ['a hair above 35 keeps both', 2, 35.1, 70, 2],
    ['CPU at 100 with a target of 80 grows by a quarter', 8, 100, 80, 10],
    ['an exact quotient is not rounded up by the last bit', 3, 70, 0.7 * 100, 3],
    ['0.1 x 3 / 0.1 is 3', 3, 0.1, 0.1, 3],
    ['3.9: from nothing, the smallest step', 0, 500, 50, 1],
    ['3.9: from nothing, at the target, none', 0, 50, 50, 0],
    ['no load at all asks for nothing', 7, 0, 50, 0],
  ] as const)
    test(row, () => assert.equal(targetTrackingCapacity({ runningCount, metricValue, targetValue }), expected));

  test('the mean of the datapoints counts; one at the target, or within the tenth below it, gives no reason to act', () => {
    const { capacity } = scalers.TargetTrackingScaling;
    const config = policy('cpu', 50);
    const above = { runningCount: 10, threshold: 50, comparisonOperator: 'GreaterThanThreshold' } as const;
    const below = { runningCount: 10, threshold: 45, comparisonOperator: 'LessThanThreshold' } as const;
    assert.equal(capacity(config, { ...above, datapoints: [40, 60, 80] }, settings), 12);
    assert.equal(capacity(config, { ...above, datapoints: [50] }, settings), undefined);
    assert.equal(capacity(config, { ...above, datapoints: [45] }, settings), undefined);
    assert.equal(capacity(config, { ...below, datapoints: [45] }, settings), undefined);
    assert.equal(capacity(config, { ...below, datapoints: [44.9] }, settings), 9);
  });
});

describe('3.1: the managed alarms', () => {
  for (const [target, low] of [
    [70, 63],
    [80, 72],
    [50, 45],
    [60, 54],
  ] as const)
    test(`T3: target ${target}: above it 3 of 3 minutes, or below ${low} 15 of 15`, () => {
      const [above, below] = new Room(1, wide, policy('cpu', target)).alarms('cpu');
      const common = {
        request: [{ id: 'm1', metric: 'Room cpu ', statistic: 'Average' }],
        periodMs: MINUTE,
        treatMissingData: 'missing',
        scalingActions: { ALARM: [`${RESOURCE}/cpu`] },
      };
      assert.deepEqual(above, {
        ...common,
        alarmName: `TargetTracking-${RESOURCE}-AlarmHigh-cpu`,
        evaluationPeriods: 3,
        datapointsToAlarm: 3,
        threshold: target,
        comparisonOperator: 'GreaterThanThreshold',
      });
      assert.deepEqual(below, {
        ...common,
        alarmName: `TargetTracking-${RESOURCE}-AlarmLow-cpu`,
        evaluationPeriods: 15,
        datapointsToAlarm: 15,
        threshold: low,
        comparisonOperator: 'LessThanThreshold',
      });
      assert.equal(lowThreshold(target), low);
    });

  test('with DisableScaleIn there is only AlarmHigh', () => {
    const [above, below] = new Room(1, wide, policy('cpu', 50, { disableScaleIn: true })).alarms('cpu');
    assert.equal(above?.threshold, 50);
    assert.equal(below, undefined);
  });

  test('3.4: a cooldown that is left out is 300 seconds', () =>
    assert.deepEqual(scalers.TargetTrackingScaling.cooldowns(policy('cpu', 50)), {
      outMs: 300 * SECOND,
      inMs: 300 * SECOND,
    }));
});

describe('3.4: cooldowns', () => {
  test('1: the clock starts when the activity succeeds, not when it starts', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    assert.equal(room.signal('cpu', 'High', 60), 12);
    room.wait(10 * MINUTE); // the tasks take ten minutes to start
    room.settle();
    room.wait(299 * SECOND);
    assert.equal(room.signal('cpu', 'High', 55), 'InCooldown'); // wants 14, and 2 have been added
    room.wait(1 * SECOND);
    assert.equal(room.signal('cpu', 'High', 55), 14);
  });

  test('2: in a scale-out cooldown, what has been added counts: +2 done, then +3, is +1 (ST11)', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    assert.equal(room.signal('cpu', 'High', 60), 12);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('cpu', 'High', (50 * 15) / 12), 13);
  });

  test('2: the credit adds up over the chain, and its clock starts again; at the exact end all of it counts', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    room.signal('cpu', 'High', 60);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('cpu', 'High', (50 * 15) / 12), 13);
    room.settle();
    room.wait(299 * SECOND);
    assert.equal(room.signal('cpu', 'High', (50 * 16) / 13), 'InCooldown'); // wants +3, and 3 have been added
    room.wait(1 * SECOND);
    assert.equal(room.signal('cpu', 'High', (50 * 16) / 13), 16);
  });

  test('3: a scale-in waits for its cooldown', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    assert.equal(room.signal('cpu', 'Low', 40), 8);
    room.settle();
    room.wait(299 * SECOND);
    assert.equal(room.signal('cpu', 'Low', 40), 'InCooldown');
    room.wait(1 * SECOND);
    assert.equal(room.signal('cpu', 'Low', 40), 7);
  });

  test('4: a scale-out does not wait for a scale-in cooldown, and ends it (ST12)', () => {
    const room = new Room(10, wide, policy('cpu', 50, { out: 0 }));
    room.signal('cpu', 'Low', 40);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('cpu', 'High', 100), 16);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('cpu', 'Low', 25), 8); // within 300 s of the first scale-in
  });

  test('5: a scale-in does not wait for a scale-out cooldown', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    room.signal('cpu', 'High', 60);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('cpu', 'Low', 25), 6);
  });

  test('6: a cooldown is of one policy; another policy’s larger scale-out is not blocked', () => {
    const room = new Room(10, wide, policy('cpu', 50), policy('memory', 50));
    room.signal('cpu', 'High', 60);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('memory', 'High', 75), 18);
  });

  test('7: a scheduled action does not wait', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    room.signal('cpu', 'Low', 40);
    room.settle();
    room.carryOutNow({
      type: 'PutScheduledAction',
      resourceId: RESOURCE,
      config: {
        ScheduledActionName: 'night',
        Schedule: 'rate(1 minute)',
        Timezone: 'UTC',
        ScalableTargetAction: { MaxCapacity: 3 },
      },
    });
    room.wait(MINUTE);
    const events = room.carryOutNow({ type: 'RunScheduledAction', resourceId: RESOURCE, scheduledActionName: 'night' });
    assert.deepEqual(
      events.map(({ type }) => type),
      ['ScheduledActionTriggered', 'ScalableTargetBoundsChanged', 'ScalingActivityStarted'],
    );
    assert.equal(events[2]?.type === 'ScalingActivityStarted' && events[2].toCapacity, 3);
  });

  test('8: while tasks start, the repeated action asks for the same capacity again: nothing compounds', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    assert.equal(room.signal('cpu', 'High', 60), 12);
    for (let minute = 0; minute < 5; minute++) {
      room.wait(MINUTE);
      room.breach('cpu', 'High', 60);
      assert.equal(room.act('cpu', 'High'), minute === 0 ? 'AlreadyAtDesiredCapacity' : undefined); // a reason is written once
      assert.equal(room.desired, 12);
    }
  });
});

describe('3.5: several policies', () => {
  test('any of them scales out', () => {
    const room = new Room(10, wide, policy('cpu', 50), policy('memory', 50));
    room.breach('memory', 'Low', 10);
    assert.equal(room.signal('cpu', 'High', 60), 12);
  });

  test('all of them must agree to scale in; then the largest capacity counts', () => {
    const room = new Room(10, wide, policy('cpu', 50), policy('memory', 50));
    assert.equal(room.signal('cpu', 'Low', 20), 'OtherPolicyNotReady');
    room.breach('memory', 'Low', 35);
    assert.equal(room.act('cpu', 'Low'), 7);
  });

  test('one that may not scale in has no veto', () => {
    const room = new Room(10, wide, policy('cpu', 50), policy('memory', 50, { disableScaleIn: true }));
    assert.equal(room.signal('cpu', 'Low', 20), 4);
  });

  test('one in its own scale-in cooldown has a veto', () => {
    const room = new Room(10, wide, policy('cpu', 50, { in: 0 }), policy('memory', 50));
    room.breach('cpu', 'Low', 40);
    assert.equal(room.signal('memory', 'Low', 40), 8);
    room.settle();
    room.wait(MINUTE);
    room.breach('memory', 'Low', 20);
    assert.equal(room.signal('cpu', 'Low', 20), 'OtherPolicyNotReady');
    room.wait(5 * MINUTE);
    room.breach('memory', 'Low', 20);
    assert.equal(room.signal('cpu', 'Low', 20), 4);
  });

  for (const [first, second] of [
    ['cpu', 'memory'],
    ['memory', 'cpu'],
  ] as const)
    test(`P1: of two scale-outs at one instant the larger capacity counts, ${first} first`, () => {
      const room = new Room(10, wide, policy('cpu', 50), policy('memory', 50));
      room.breach('cpu', 'High', 65);
      room.breach('memory', 'High', 150);
      // Neither reaches the service before both have been asked: Plan comes before Execute.
      const answers = [room.act(first, 'High', 'later'), room.act(second, 'High', 'later')];
      const set = answers.filter((answer) => typeof answer === 'number');
      assert.equal(set.at(-1), 30, `the last of ${answers.join(', ')} is what stays`);
    });

  test('a scale-in that comes at the instant of a scale-out changes nothing', () => {
    const room = new Room(10, wide, policy('cpu', 50), policy('memory', 50, { disableScaleIn: true }));
    room.breach('memory', 'High', 60);
    room.breach('cpu', 'Low', 20);
    assert.equal(room.act('memory', 'High', 'later'), 12);
    assert.equal(typeof room.act('cpu', 'Low', 'later'), 'string');
  });
});

describe('3.6: bounds', () => {
  test('C3: at the maximum, an alarm above the target changes nothing: AlreadyAtMaxCapacity', () => {
    const room = new Room(4, { min: 1, max: 4 }, policy('cpu', 50));
    assert.equal(room.signal('cpu', 'High', 90), 'AlreadyAtMaxCapacity');
  });

  test('at the minimum, an alarm below the target changes nothing: AlreadyAtMinCapacity', () => {
    const room = new Room(3, { min: 3, max: 9 }, policy('cpu', 50));
    assert.equal(room.signal('cpu', 'Low', 5), 'AlreadyAtMinCapacity');
  });

  test('a policy stops at the bounds', () => {
    assert.equal(new Room(4, { min: 1, max: 5 }, policy('cpu', 50)).signal('cpu', 'High', 100), 5);
    assert.equal(new Room(4, { min: 3, max: 5 }, policy('cpu', 50)).signal('cpu', 'Low', 1), 3);
  });

  for (const [desired, direction, value, expected] of [
    [1, 'High', 51, 3],
    [1, 'Low', 20, 'AutoScalingAnticipatedFlapping'],
    [2, 'Low', 20, 'AlreadyAtMinCapacity'],
    [12, 'Low', 44, 9],
    [12, 'High', 90, 'AlreadyAtMaxCapacity'],
  ] as const)
    test(`set by hand to ${desired} outside of 3 to 9, ${direction}: ${expected}`, () => {
      const room = new Room(5, { min: 3, max: 9 }, policy('cpu', 50));
      room.world.web.desiredCount = desired;
      room.world.web.runningCount = desired;
      assert.equal(room.signal('cpu', direction, value), expected);
    });

  for (const [count, expected] of [
    [1, 3],
    [12, 9],
    [5, undefined],
  ] as const)
    test(`registering with 3 to 9 brings ${count} to ${expected ?? 'nothing else'}`, () => {
      const room = new Room(count, { min: 0, max: 20 });
      const events = room.carryOutNow({
        type: 'RegisterScalableTarget',
        resourceId: RESOURCE,
        minCapacity: 3,
        maxCapacity: 9,
      });
      assert.equal(events[1]?.type === 'ScalingActivityStarted' ? events[1].toCapacity : undefined, expected);
    });

  test('a scheduled action that lowers the maximum sees what a policy has decided at the same instant', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    room.carryOutNow({
      type: 'PutScheduledAction',
      resourceId: RESOURCE,
      config: {
        ScheduledActionName: 'cap',
        Schedule: 'rate(1 minute)',
        Timezone: 'UTC',
        ScalableTargetAction: { MaxCapacity: 11 },
      },
    });
    room.wait(MINUTE);
    room.breach('cpu', 'High', 75);
    assert.equal(room.act('cpu', 'High', 'later'), 15);
    const events = room.carryOutNow({ type: 'RunScheduledAction', resourceId: RESOURCE, scheduledActionName: 'cap' });
    assert.equal(events[2]?.type === 'ScalingActivityStarted' && events[2].toCapacity, 11);
  });

  test('5.1: a one-sided action that would cross the other bound fails as a whole', () => {
    const room = new Room(5, { min: 3, max: 9 });
    room.carryOutNow({
      type: 'PutScheduledAction',
      resourceId: RESOURCE,
      config: {
        ScheduledActionName: 'odd',
        Schedule: 'rate(1 minute)',
        Timezone: 'UTC',
        ScalableTargetAction: { MinCapacity: 10 },
      },
    });
    room.wait(MINUTE);
    const events = room.carryOutNow({ type: 'RunScheduledAction', resourceId: RESOURCE, scheduledActionName: 'odd' });
    assert.deepEqual(
      events.map(({ type }) => type),
      ['ScheduledActionTriggered'],
    );
    assert.equal(room.world.autoscaling.targets.get(RESOURCE)?.minCapacity, 3);
  });
});

describe('3.7: deployments', () => {
  test('D1: scale-in is off during a deployment, scale-out goes on, and scale-in resumes', () => {
    const room = new Room(4, wide, policy('cpu', 50, { in: 0, out: 0 }));
    room.world.web.deploymentInProgress = true;
    assert.equal(room.signal('cpu', 'Low', 25), 'TargetServicePutResourceAsUnscalable');
    assert.equal(room.signal('cpu', 'High', 75), 6);
    room.settle();
    room.wait(MINUTE);
    room.world.web.deploymentInProgress = false;
    assert.equal(room.signal('cpu', 'Low', 25), 3);
  });
});

describe('3.9: missing data, and zero', () => {
  test('an alarm without datapoints leads nowhere', () => {
    const room = new Room(4, wide, policy('cpu', 50));
    room.breach('cpu', 'Low', 10);
    room.world.cloudwatch.metrics.get('Room cpu ')!.datapoints.length = 0;
    assert.equal(room.act('cpu', 'Low'), undefined);
  });

  test('a policy whose alarms know nothing vetoes a scale-in', () => {
    const room = new Room(4, wide, policy('cpu', 50), policy('requests', 100));
    assert.equal(room.signal('cpu', 'Low', 10), 'OtherPolicyNotReady');
  });

  test('from zero, a metric that exists without tasks adds one task', () => {
    const room = new Room(0, { min: 0, max: 9 }, policy('requests', 100));
    assert.equal(room.signal('requests', 'High', 5_000), 1);
  });

  test('when nothing runs yet, the repeated action adds no second one', () => {
    const room = new Room(0, { min: 0, max: 9 }, policy('requests', 100));
    room.signal('requests', 'High', 5_000);
    room.wait(MINUTE);
    assert.equal(room.signal('requests', 'High', 5_000), 'AlreadyAtDesiredCapacity');
  });
});

describe('3.11: activities', () => {
  test('an activity whose desired count somebody changed was Overridden, and starts no cooldown', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    room.signal('cpu', 'Low', 40);
    room.wait(SECOND);
    room.world.web.desiredCount = 9;
    const [completed] = room.carryOutNow({ type: 'CompleteScalingActivity', resourceId: RESOURCE });
    assert.equal(completed?.type === 'ScalingActivityCompleted' && completed.statusCode, 'Overridden');
    room.world.web.runningCount = 9;
    room.wait(MINUTE);
    assert.equal(room.signal('cpu', 'Low', 40), 8);
  });

  test('an alarm that is no longer in ALARM leads nowhere', () => {
    const room = new Room(10, wide, policy('cpu', 50));
    room.breach('cpu', 'High', 90);
    room.calm('cpu');
    assert.equal(room.act('cpu', 'High'), undefined);
  });
});
