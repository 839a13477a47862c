/** Where AWS is silent: each choice of `assumptions.scaling` changes what it says, and the default is the recommended one. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scalers, scheduledTimes } from '../../core/autoscaling/index.ts';
import { MINUTE, SECOND } from '../../core/kernel/index.ts';
import { RESOURCE, ScalingRoom as Room } from '../scalingRoom.ts';

function policy(name: string, target = 50) {
  return scalers.TargetTrackingScaling.schema.parse({
    PolicyName: name,
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: target,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
    },
  });
}

const roomWith = (assumptions: object, count = 10, policies = [policy('cpu')]) =>
  new Room(count, { min: 1, max: 100, assumptions }, ...policies);

describe('target tracking', () => {
  for (const [scaleOutCooldown, expected] of [
    ['credit', 13],
    ['absolute', 15],
  ] as const)
    test(`a scale-out within its cooldown, ${scaleOutCooldown}: ${expected}`, () => {
      const room = roomWith({ scaleOutCooldown });
      room.signal('cpu', 'High', 60);
      room.settle();
      room.wait(MINUTE);
      assert.equal(room.signal('cpu', 'High', (50 * 15) / 12), expected);
    });

  for (const [scaleInDuringScaleOutCooldown, expected] of [
    ['allowed', 6],
    ['blocked', 'InCooldown'],
  ] as const)
    test(`a scale-in within a scale-out cooldown, ${scaleInDuringScaleOutCooldown}: ${expected}`, () => {
      const room = roomWith({ scaleInDuringScaleOutCooldown });
      room.signal('cpu', 'High', 60);
      room.settle();
      room.wait(MINUTE);
      assert.equal(room.signal('cpu', 'Low', 25), expected);
    });

  for (const [maxScaleInFraction, expected] of [
    [1, 1],
    [0.5, 5],
    [0.05, 9],
  ] as const)
    test(`at most ${maxScaleInFraction} of ten tasks go at once: ${expected} stay`, () => {
      assert.equal(roomWith({ maxScaleInFraction }).signal('cpu', 'Low', 1), expected);
    });

  for (const [policiesWithoutData, expected] of [
    ['veto', 'OtherPolicyNotReady'],
    ['abstain', 4],
  ] as const)
    test(`a policy without data: ${policiesWithoutData}`, () => {
      const room = roomWith({ policiesWithoutData }, 10, [policy('cpu'), policy('memory')]);
      assert.equal(room.signal('cpu', 'Low', 20), expected);
    });

  for (const [belowMinimum, expected] of [
    ['oneStep', 6],
    ['twoSteps', 4],
  ] as const)
    test(`a scale-out from below the minimum: ${belowMinimum}`, () => {
      const room = new Room(3, { min: 4, max: 9, assumptions: { belowMinimum } }, policy('cpu'));
      room.wait(MINUTE);
      room.world.web.desiredCount = 3;
      room.world.web.runningCount = 3;
      assert.equal(room.signal('cpu', 'High', 100), expected);
    });

  test('activityTimeout: what does not come in time is Unfulfilled, and starts no cooldown', () => {
    const room = roomWith({ activityTimeout: '10m' });
    room.signal('cpu', 'High', 60);
    const { activityId } = room.world.autoscaling.targets.get(RESOURCE)!.activity!;
    room.wait(10 * MINUTE);
    const [event] = room.carryOutNow({ type: 'ExpireScalingActivity', resourceId: RESOURCE, activityId });
    assert.equal(event?.type === 'ScalingActivityCompleted' && event.statusCode, 'Unfulfilled');
    room.settle();
    assert.equal(room.signal('cpu', 'High', (50 * 15) / 12), 15);
  });
});

describe('scheduled actions', () => {
  const run = (assumptions: object, action: object, deploymentInProgress = false) => {
    const room = new Room(5, { min: 3, max: 9, assumptions });
    room.world.web.deploymentInProgress = deploymentInProgress;
    room.carryOutNow({
      type: 'PutScheduledAction',
      resourceId: RESOURCE,
      config: { ScheduledActionName: 'a', Schedule: 'rate(1 minute)', ScalableTargetAction: action },
    });
    room.wait(MINUTE);
    const events = room.carryOutNow({ type: 'RunScheduledAction', resourceId: RESOURCE, scheduledActionName: 'a' });
    const { minCapacity, maxCapacity } = room.world.autoscaling.targets.get(RESOURCE)!;
    const started = events.find(({ type }) => type === 'ScalingActivityStarted');
    return [minCapacity, maxCapacity, started?.type === 'ScalingActivityStarted' ? started.toCapacity : undefined];
  };

  test('scheduledConflict: one that would cross the other bound fails, or moves it along', () => {
    assert.deepEqual(run({ scheduledConflict: 'fail' }, { MinCapacity: 12 }), [3, 9, undefined]);
    assert.deepEqual(run({ scheduledConflict: 'clamp' }, { MinCapacity: 12 }), [12, 12, 12]);
    assert.deepEqual(run({ scheduledConflict: 'clamp' }, { MaxCapacity: 2 }), [2, 2, 2]);
  });

  test('scheduledScaleInDuringDeployment: applied, or refused while the bounds move all the same', () => {
    assert.deepEqual(run({}, { MaxCapacity: 4 }, true), [3, 4, 4]);
    assert.deepEqual(run({ scheduledScaleInDuringDeployment: 'refused' }, { MaxCapacity: 4 }, true), [3, 4, undefined]);
  });

  test('3.8: an occurrence that is suspended is lost', () => {
    const room = new Room(5, { min: 3, max: 9 });
    room.carryOutNow({
      type: 'RegisterScalableTarget',
      resourceId: RESOURCE,
      suspendedState: { ScheduledScalingSuspended: true },
    });
    room.carryOutNow({
      type: 'PutScheduledAction',
      resourceId: RESOURCE,
      config: { ScheduledActionName: 'a', Schedule: 'rate(1 minute)', ScalableTargetAction: { MinCapacity: 8 } },
    });
    room.wait(MINUTE);
    const events = room.carryOutNow({ type: 'RunScheduledAction', resourceId: RESOURCE, scheduledActionName: 'a' });
    assert.deepEqual(
      events.map(({ type }) => type),
      ['ScheduledActionTriggered'],
    );
  });

  test('5.4: a change deletes the limits that it leaves out, and keeps the rest', () => {
    const room = new Room(5, { min: 3, max: 9 });
    const put = (config: object) =>
      room.carryOutNow({
        type: 'PutScheduledAction',
        resourceId: RESOURCE,
        config: { ScheduledActionName: 'a', ...config },
      })[0];
    const startMs = room.nowMs + MINUTE;
    put({
      Schedule: 'rate(2 minutes)',
      ScalableTargetAction: { MinCapacity: 8 },
      StartTime: startMs,
      EndTime: startMs,
    });
    const changed = put({ ScalableTargetAction: { MinCapacity: 4 } });
    assert.deepEqual(changed?.type === 'ScheduledActionPut' && changed.config, {
      ScheduledActionName: 'a',
      Schedule: 'rate(2 minutes)',
      Timezone: 'UTC',
      ScalableTargetAction: { MinCapacity: 4 },
    });
  });
});

describe('clocks that change', () => {
  const times = (choices: object, day: string) =>
    scheduledTimes('cron(30 2 * * ? *)', {
      timeZone: 'Europe/Berlin',
      fromMs: Date.parse(`${day}T00:00:00Z`) - 12 * 60 * MINUTE,
      toMs: Date.parse(`${day}T00:00:00Z`) + 12 * 60 * MINUTE,
      ...choices,
    }).map((atMs) => new Date(atMs).toISOString().slice(11, 16));

  test('a local time that the clocks skip is not due, or an hour later', () => {
    assert.deepEqual(times({}, '2030-03-31'), []);
    assert.deepEqual(times({ nonexistentLocalTime: 'shifted' }, '2030-03-31'), ['01:30']); // 03:30 in Berlin
  });

  test('a local time that comes twice is due the first time, the last time, or both', () => {
    assert.deepEqual(times({}, '2030-10-27'), ['00:30']);
    assert.deepEqual(times({ ambiguousLocalTime: 'last' }, '2030-10-27'), ['01:30']);
    assert.deepEqual(times({ ambiguousLocalTime: 'both' }, '2030-10-27'), ['00:30', '01:30']);
  });

  test('the cron that AWS once documented is read when it is asked for', () => {
    const options = { timeZone: 'UTC', fromMs: Date.UTC(2030, 0, 6), toMs: Date.UTC(2030, 0, 13) };
    const lenient = scheduledTimes('cron(30 6 * * 2 *)', { ...options, cronWithBothDays: 'lenient' });
    assert.deepEqual(lenient, [Date.UTC(2030, 0, 7, 6, 30)]);
  });
});

describe('policies that come and go', () => {
  test('3.1: a target tracking policy that is replaced gets new alarms, and the old ones go', () => {
    const room = roomWith({});
    const [event] = room.carryOutNow({ type: 'PutScalingPolicy', resourceId: RESOURCE, config: policy('cpu', 70) });
    assert.equal(event?.type, 'ScalingPolicyPut');
    if (event?.type !== 'ScalingPolicyPut') return;
    assert.deepEqual(event.replacedAlarms, [
      `TargetTracking-${RESOURCE}-AlarmHigh-cpu`,
      `TargetTracking-${RESOURCE}-AlarmLow-cpu`,
    ]);
    assert.deepEqual(
      event.alarms.map(({ alarmName }) => alarmName),
      [`TargetTracking-${RESOURCE}-AlarmHigh-cpu#2`, `TargetTracking-${RESOURCE}-AlarmLow-cpu#2`],
    );
  });

  test('3.1: deleting target tracking deletes its alarms, deleting step scaling does not', () => {
    const steps = scalers.StepScaling.schema.parse({
      PolicyName: 'steps',
      PolicyType: 'StepScaling',
      alarm: { MetricName: 'CPUUtilization', Threshold: 50, ComparisonOperator: 'GreaterThanThreshold' },
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ChangeInCapacity',
        StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
      },
    });
    const room = new Room(5, { min: 1, max: 9 }, policy('cpu'), steps);
    const deleted = (name: string) => {
      const [event] = room.carryOutNow({ type: 'DeleteScalingPolicy', policyKey: `${RESOURCE}/${name}` });
      return event?.type === 'ScalingPolicyDeleted' ? event.alarmNames.length : undefined;
    };
    assert.deepEqual([deleted('cpu'), deleted('steps'), deleted('cpu')], [2, 0, undefined]);
  });

  test('3.8: what is suspended is dropped, and resumes with the next minute', () => {
    const room = roomWith({});
    const suspend = (DynamicScalingOutSuspended: boolean) =>
      room.carryOutNow({
        type: 'RegisterScalableTarget',
        resourceId: RESOURCE,
        suspendedState: { DynamicScalingOutSuspended },
      });
    suspend(true);
    assert.equal(room.signal('cpu', 'High', 60), 'ScalingSuspended');
    assert.equal(room.signal('cpu', 'Low', 25), 5);
    room.settle();
    suspend(false);
    room.wait(60 * SECOND);
    assert.equal(room.signal('cpu', 'High', 60), 6);
  });
});
