import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { policyKey, scalers } from '../../core/autoscaling/index.ts';
import { HOUR, MINUTE, SECOND } from '../../core/kernel/index.ts';
import { scenarioProblems, scenarioSchema, type Scenario, type ScenarioInput } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import { endOf, quietScenario } from '../arbitraries.ts';
import { RESOURCE, ScalingRoom as Room } from '../scalingRoom.ts';

type Configuration = Parameters<typeof scalers.PredictiveScaling.problems>[0]['PredictiveScalingPolicyConfiguration'];

const PAIR = { PredefinedMetricPairSpecification: { PredefinedMetricType: 'ECSServiceCPUUtilization' as const } };

function ahead(change: Partial<Configuration> = {}, specification: object = PAIR) {
  return scalers.PredictiveScaling.schema.parse({
    PolicyName: 'ahead',
    PolicyType: 'PredictiveScaling',
    PredictiveScalingPolicyConfiguration: {
      MetricSpecifications: [{ TargetValue: 50, ...specification }],
      Mode: 'ForecastAndScale',
      ...change,
    },
  });
}

function tracking(target: number) {
  return scalers.TargetTrackingScaling.schema.parse({
    PolicyName: 'cpu',
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: target,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
    },
  });
}

/** The room with a forecast for the hours from the current one on. */
function forecasting(count: number, max: number, capacities: readonly number[], change: Partial<Configuration> = {}) {
  const room = new Room(count, { min: 1, max }, ahead(change), tracking(50));
  const policy = room.world.autoscaling.policies.get(policyKey(RESOURCE, 'ahead'))!;
  const firstHourMs = Math.floor(room.nowMs / HOUR) * HOUR;
  policy.forecast = { firstHourMs, loads: capacities.map((tasks) => tasks * 50), capacities };
  return room;
}

const apply = (room: Room) =>
  room.carryOutNow({ type: 'ApplyForecast', policyKey: policyKey(RESOURCE, 'ahead'), generation: 1 });
const toCapacity = (room: Room) =>
  apply(room).flatMap((event) => (event.type === 'ScalingActivityStarted' ? [event.toCapacity] : []));

describe('a forecast is applied', () => {
  test('what the hour needs is there, and no less', () => {
    assert.deepEqual(toCapacity(forecasting(5, 100, [8, 8])), [8]);
    assert.deepEqual(toCapacity(forecasting(9, 100, [8, 8])), [], 'a forecast never scales in');
  });

  test('the buffer brings the next hour forward', () => {
    const room = forecasting(5, 100, [4, 12], { SchedulingBufferTime: 300 });
    room.nowMs = Math.floor(room.nowMs / HOUR) * HOUR + 55 * MINUTE - SECOND;
    assert.deepEqual(toCapacity(room), []);
    room.wait(SECOND);
    assert.deepEqual(toCapacity(room), [12]);
  });

  test('P2: target tracking wants 10, the forecast 8: 10', () => {
    const room = forecasting(5, 100, [8, 8]);
    assert.equal(room.signal('cpu', 'High', 100), 10);
    assert.deepEqual(toCapacity(room), []);
    assert.equal(room.desired, 10);
  });

  test('target tracking does not scale in below the forecast of the hour', () => {
    const room = forecasting(12, 100, [8, 3]);
    apply(room);
    assert.equal(room.signal('cpu', 'Low', 10), 8);
    room.settle();
    room.wait(10 * MINUTE);
    assert.equal(room.signal('cpu', 'Low', 10), 'HeldByForecast');
    room.wait(HOUR);
    apply(room);
    assert.equal(room.signal('cpu', 'Low', 10), 3);
  });

  test('ForecastOnly only looks', () => {
    const room = forecasting(5, 100, [8, 8], { Mode: 'ForecastOnly' });
    assert.deepEqual(toCapacity(room), []);
    assert.equal(room.signal('cpu', 'Low', 10), 1);
  });

  for (const [behavior, buffer, expectedMax, expectedTo] of [
    ['HonorMaxCapacity', undefined, 40, 40],
    ['IncreaseMaxCapacity', 10, 55, 50],
    ['IncreaseMaxCapacity', 0, 50, 50],
  ] as const)
    test(`forecast 50, maximum 40, ${behavior} ${buffer ?? ''}: maximum ${expectedMax}, ${expectedTo} tasks`, () => {
      const room = forecasting(20, 40, [50, 50], {
        MaxCapacityBreachBehavior: behavior,
        ...(buffer === undefined ? {} : { MaxCapacityBuffer: buffer }),
      });
      assert.deepEqual(toCapacity(room), [expectedTo]);
      assert.equal(room.world.autoscaling.targets.get(RESOURCE)?.maxCapacity, expectedMax);
      room.world.web.desiredCount = expectedTo;
      room.wait(2 * HOUR);
      apply(room);
      assert.equal(room.world.autoscaling.targets.get(RESOURCE)?.maxCapacity, expectedMax, 'it stays raised');
    });

  test('suspended scale-out holds it', () => {
    const room = forecasting(5, 100, [8, 8]);
    const suspendedState = { DynamicScalingOutSuspended: true };
    room.carryOutNow({ type: 'RegisterScalableTarget', resourceId: RESOURCE, suspendedState });
    assert.deepEqual(toCapacity(room), []);
  });
});

describe('what AWS refuses', () => {
  for (const [row, change, specification, expected] of [
    [
      'a buffer without IncreaseMaxCapacity',
      { MaxCapacityBuffer: 10 },
      PAIR,
      ['MaxCapacityBuffer: found it without IncreaseMaxCapacity, expected none'],
    ],
    [
      'IncreaseMaxCapacity without a buffer',
      { MaxCapacityBreachBehavior: 'IncreaseMaxCapacity' },
      PAIR,
      ['MaxCapacityBreachBehavior: found IncreaseMaxCapacity without MaxCapacityBuffer, expected both'],
    ],
    [
      'a load without a scaling metric',
      {},
      { PredefinedLoadMetricSpecification: { PredefinedMetricType: 'TotalALBRequestCount' } },
      [
        'MetricSpecifications.0: expected either PredefinedMetricPairSpecification, or one load metric and one scaling metric',
      ],
    ],
  ] as const)
    test(row, () => {
      const problems = scalers.PredictiveScaling.problems(ahead(change, specification));
      assert.deepEqual(
        problems.map(({ path, message }) => `${path.slice(1).join('.')}: ${message}`),
        expected,
      );
    });

  test('two predictive policies that scale', () => {
    const scenario = voyage([ahead(), { ...ahead(), PolicyName: 'again' }]);
    assert.deepEqual(
      scenarioProblems(scenario).map(({ message }) => message),
      [
        'found a second predictive policy in mode ForecastAndScale, expected one at most: the others may be ForecastOnly',
      ],
    );
  });
});

type Policies = NonNullable<NonNullable<ScenarioInput['scalableTargets']>[number]['policies']>;

/** Three days and a bit of a load that rises each morning, on tasks that each serve 50 requests a second. */
function voyage(policies: Policies, duration = '80h'): Scenario {
  return scenarioSchema.parse(
    quietScenario({
      duration,
      step: '60s',
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 4, launchType: 'FARGATE' }],
      scalableTargets: [{ service: 'web', MinCapacity: 2, MaxCapacity: 60, policies }],
      load: [
        {
          service: 'web',
          arrivals: 'even',
          request: { cpuMs: 20 },
          rate: [{ model: 'diurnal', base: 60, peak: 600, peakHour: 9 }],
        },
      ],
    }),
  );
}

describe('a whole run', () => {
  const scenario = voyage([ahead(), tracking(50)]);
  const simulation = simulate(scenario);
  simulation.runUntil(endOf(scenario));
  const log = [...simulation.log];
  const of = <T extends (typeof log)[number]['event']['type']>(type: T) =>
    log.flatMap((recorded) =>
      recorded.event.type === type
        ? [{ ...recorded, event: recorded.event as Extract<(typeof recorded)['event'], { type: T }> }]
        : [],
    );

  test('there is no forecast without a day of history, then one of 48 hours every six hours', () => {
    const refreshed = of('ForecastRefreshed');
    const made = refreshed.filter(({ event }) => event.loads.length > 0);
    assert.equal(made[0]!.atMs, scenario.start + 24 * HOUR);
    assert.equal(refreshed.length - made.length, 24);
    for (const [index, { atMs, event }] of made.entries()) {
      assert.equal(atMs, made[0]!.atMs + index * 6 * HOUR);
      assert.equal(event.loads.length, 48);
      assert.equal(event.capacities.length, 48);
      assert.equal(event.firstHourMs, atMs);
      assert.equal(event.errorPercent === undefined, index === 0);
    }
    assert.equal(made.at(-1)!.event.errorPercent! < 5, true, 'each day is like the one before');
  });

  test('from the second day on the capacity of the morning is there before its hour', () => {
    const running = of('LoadServed').map(({ event }) => ({
      atMs: event.toMs,
      tasks: event.runningTasks[0]!,
      needs: event.offered[0]! / 60 / 50 / 0.5,
      hour: Math.floor((event.fromMs - scenario.start) / HOUR),
    }));
    const hourly = (day: number) =>
      Array.from({ length: 7 }, (_, index) => {
        const steps = running.filter(({ hour }) => hour === day * 24 + 2 + index);
        const needs = steps.reduce((sum, step) => sum + step.needs, 0) / steps.length;
        return steps[0]!.tasks - Math.floor(needs);
      });
    assert.equal(Math.min(...hourly(0)) < 0, true, 'without a forecast the first day is late');
    assert.equal(Math.min(...hourly(2)) >= 0, true, `the third day is not: ${hourly(2).join(' ')}`);
  });

  test('an activity of the forecast raises, and comes with the full hour or five minutes ahead of it', () => {
    const raised = of('ScalingActivityStarted').filter(({ event }) => event.policyKey?.endsWith('/ahead') === true);
    assert.equal(raised.length > 5, true);
    for (const { atMs, event } of raised) {
      assert.equal(event.toCapacity > event.fromCapacity, true);
      assert.equal([0, 55 * MINUTE].includes(atMs % HOUR), true);
      assert.equal(event.alarmName, undefined);
    }
  });
});

test('a load of one’s own is brought to the scaling metric by what it has made of it', () => {
  const dimensions = [
    { Name: 'ClusterName', Value: 'demo' },
    { Name: 'ServiceName', Value: 'web' },
  ];
  const stat = (MetricName: string, Stat: string) => ({
    MetricDataQueries: [
      { Id: 'm', MetricStat: { Metric: { Namespace: 'AWS/ECS', MetricName, Dimensions: dimensions }, Stat } },
    ],
  });
  const forecastOf = (specification: object) => {
    const scenario = voyage([ahead({}, specification)], '30h');
    assert.deepEqual(scenarioProblems(scenario), []);
    const simulation = simulate(scenario);
    simulation.runUntil(endOf(scenario));
    return simulation.world.autoscaling.policies.get(policyKey('service/demo/web', 'ahead'))!.forecast!.capacities;
  };
  const pair = forecastOf(PAIR);
  const custom = forecastOf({
    CustomizedLoadMetricSpecification: stat('CPUUtilization', 'Sum'),
    PredefinedScalingMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
  });
  for (const [index, tasks] of pair.entries()) assert.equal(Math.abs(custom[index]! - tasks) <= 1, true);
});
