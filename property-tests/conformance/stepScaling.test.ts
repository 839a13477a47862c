/** Step scaling by AWS's words and numbers, and aws-cdk's intervals. @source spec/autoscaling.md chapter 4, 8 (ST1 to ST12, P1) */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  scalers,
  scalingAssumptions,
  scalingSettings,
  stepScalingCapacity,
  type StepAdjustment,
} from '../../core/autoscaling/index.ts';
import { MINUTE, SECOND } from '../../core/kernel/index.ts';
import { scenarioProblems, scenarioSchema } from '../../core/scenario.ts';
import { quietScenario } from '../arbitraries.ts';
import { RESOURCE, ScalingRoom as Room } from '../scalingRoom.ts';

const { StepScaling } = scalers;
const settings = scalingSettings(scalingAssumptions.parse({}));
type Written = Parameters<typeof StepScaling.policies>[0];
type Configuration = Parameters<typeof stepScalingCapacity>[0];
type AdjustmentType = Configuration['AdjustmentType'];

const above = 'GreaterThanOrEqualToThreshold' as const;
const below = 'LessThanOrEqualToThreshold' as const;

/** `[lower, upper, adjustment]`; undefined is a bound that is left out. */
type Step = readonly [number | undefined, number | undefined, number];

function steps(...written: readonly Step[]): StepAdjustment[] {
  return written.map(([lower, upper, ScalingAdjustment]) => ({
    ...(lower === undefined ? {} : { MetricIntervalLowerBound: lower }),
    ...(upper === undefined ? {} : { MetricIntervalUpperBound: upper }),
    ScalingAdjustment,
  }));
}

interface Options {
  readonly type?: AdjustmentType;
  readonly magnitude?: number;
  readonly cooldown?: number;
  readonly aggregation?: 'Average' | 'Minimum' | 'Maximum';
  readonly operator?: typeof above | typeof below | 'LessThanThreshold';
  readonly periods?: number;
}

/** A policy with its alarm at 50. */
function policy(name: string, adjustments: readonly StepAdjustment[], options: Options = {}): Written {
  const { type = 'ChangeInCapacity', magnitude, cooldown, aggregation, operator = above, periods } = options;
  return StepScaling.schema.parse({
    PolicyName: name,
    PolicyType: 'StepScaling',
    alarm: { MetricName: 'CPUUtilization', Threshold: 50, ComparisonOperator: operator, EvaluationPeriods: periods },
    StepScalingPolicyConfiguration: {
      AdjustmentType: type,
      StepAdjustments: adjustments,
      MinAdjustmentMagnitude: magnitude,
      Cooldown: cooldown,
      MetricAggregationType: aggregation,
    },
  });
}

const wide = { min: 1, max: 100 };
const outSteps = steps([0, 10, 0], [10, 20, 10], [20, undefined, 30]);
const inSteps = steps([-10, 0, 0], [-20, -10, -10], [undefined, -20, -30]);

describe('4.1, 4.2: the capacity of one call', () => {
  const reading = { threshold: 50, minCapacity: 0, maxCapacity: 100 } as const;
  const percent = (StepAdjustments: readonly StepAdjustment[], MinAdjustmentMagnitude?: number): Configuration => ({
    AdjustmentType: 'PercentChangeInCapacity',
    StepAdjustments,
    ...(MinAdjustmentMagnitude === undefined ? {} : { MinAdjustmentMagnitude }),
  });
  const always = (type: AdjustmentType, adjustment: number): Configuration => ({
    AdjustmentType: type,
    StepAdjustments: steps([0, undefined, adjustment]),
  });

  for (const [row, configuration, currentCapacity, metricValue, comparisonOperator, expected] of [
    ['ST1: 60 at 10 tasks adds 10 %', percent(outSteps), 10, 60, above, 11],
    ['ST2: 70 at 11 tasks adds 30 %, 3.3 become 3', percent(outSteps), 11, 70, above, 14],
    ['ST3: 40 at 14 tasks takes 10 %, 1.4 become 1', percent(inSteps), 14, 40, below, 13],
    ['ST4: 30 at 13 tasks takes 30 %, 3.9 become 3', percent(inSteps), 13, 30, below, 10],
    ['ST5: 59.9 is within the first step up', percent(outSteps), 10, 59.9, above, 10],
    ['ST5: 40.1 is within the first step down', percent(inSteps), 10, 40.1, below, 10],
    ['ST6: ChangeInCapacity +5 at 3', always('ChangeInCapacity', 5), 3, 60, above, 8],
    ['ST6: ExactCapacity 5 at 3', always('ExactCapacity', 5), 3, 60, above, 5],
    ['ST6: PercentChangeInCapacity +10 at 10', always('PercentChangeInCapacity', 10), 10, 60, above, 11],
    ['ST7: 12.7 rounds to 12', always('PercentChangeInCapacity', 127), 10, 60, above, 22],
    ['ST7: 0.67 rounds to 1', always('PercentChangeInCapacity', 67), 1, 60, above, 2],
    ['ST7: -0.58 rounds to -1', always('PercentChangeInCapacity', -58), 1, 60, above, 0],
    ['ST7: -6.67 rounds to -6', always('PercentChangeInCapacity', -29), 23, 60, above, 17],
    ['4.2: +10 % of 3 with a minimum magnitude of 2 adds 2', percent(steps([0, undefined, 10]), 2), 3, 60, above, 5],
    ['4.2: -10 % of 10 with a minimum of 4 takes 4', percent(steps([0, undefined, -10]), 4), 10, 60, above, 6],
    ['4.2: a larger change keeps its size', percent(steps([0, undefined, 50]), 2), 10, 60, above, 15],
    ['4.2: 0 % stays 0', percent(steps([0, undefined, 0]), 2), 10, 60, above, 10],
    ['4.2: from nothing, the minimum magnitude', percent(steps([0, undefined, 50]), 2), 0, 60, above, 2],
    ['4.2: 1 % of 500 is 5', always('PercentChangeInCapacity', 1), 500, 60, above, 505],
    ['ST10: 50 is in 0 to 10 of an alarm above', always('ChangeInCapacity', 1), 3, 50, above, 4],
    ['ST10: 60 is not', { AdjustmentType: 'ChangeInCapacity', StepAdjustments: steps([0, 10, 1]) }, 3, 60, above, 3],
    [
      'ST10: 50 is in -10 to 0 of an alarm below',
      { AdjustmentType: 'ChangeInCapacity', StepAdjustments: steps([-10, 0, -1]) },
      3,
      50,
      below,
      2,
    ],
    ['ST10: 40 is not', { AdjustmentType: 'ChangeInCapacity', StepAdjustments: steps([-10, 0, -1]) }, 3, 40, below, 3],
    ['no step holds a metric on the other side', always('ChangeInCapacity', 1), 3, 49, above, 3],
    ['a step that is never reached', percent(outSteps), 10, 20, above, 10],
  ] as const satisfies readonly (readonly [string, Configuration, number, number, string, number])[])
    test(row, () => {
      const bounds = row.includes('500') ? { maxCapacity: 1_000 } : {};
      const given = { ...reading, ...bounds, metricValue, comparisonOperator, currentCapacity };
      assert.equal(stepScalingCapacity(configuration, given), expected);
      const unordered = { ...configuration, StepAdjustments: configuration.StepAdjustments.toReversed() };
      assert.equal(stepScalingCapacity(unordered, given), expected, 'the order of the steps does not matter');
    });

  for (const [row, adjustment, currentCapacity, expected] of [
    ['a step up ends at the maximum', 20, 8, 10],
    ['a step down ends at the minimum', -20, 8, 2],
    ['3.6: a step up from above the maximum changes nothing', 1, 12, 12],
    ['3.6: a step down from above the maximum is held to it', -1, 12, 10],
    ['3.6: a step down from below the minimum changes nothing', -1, 1, 1],
    ['3.6: a step up from below the minimum rises to it at least', 1, 0, 2],
  ] as const)
    test(row, () =>
      assert.equal(
        stepScalingCapacity(always('ChangeInCapacity', adjustment), {
          metricValue: 60,
          threshold: 50,
          comparisonOperator: above,
          currentCapacity,
          minCapacity: 2,
          maxCapacity: 10,
        }),
        expected,
      ),
    );

  for (const [aggregation, expected] of [
    ['Average', 14],
    ['Minimum', 13],
    ['Maximum', 15],
  ] as const)
    test(`${aggregation} of the alarm's datapoints is what the steps are measured by`, () => {
      const [put] = StepScaling.policies(
        policy('up', steps([0, 10, 3], [10, 20, 4], [20, undefined, 5]), { aggregation }),
      );
      const seen = { threshold: 50, comparisonOperator: above, runningCount: 10 };
      assert.equal(StepScaling.capacity(put!, { ...seen, datapoints: [55, 62, 72] }, settings), expected);
    });
});

describe('4.3: what AWS refuses', () => {
  const lower =
    'There must be a StepAdjustment with an unspecified lower bound (i.e., lower bound is null) when one StepAdjustment has a negative lower bound';
  const upper =
    'There must be a StepAdjustment with an unspecified upper bound (i.e., upper bound is null) when one StepAdjustment has a positive upper bound';
  const overlap = "The ranges of your step adjustments can't overlap or have a gap";

  /** `path: message` of every problem of a scenario with one policy, from the policy on. */
  function refusals(written: object): readonly string[] {
    const scenario = scenarioSchema.parse(
      quietScenario({
        scalableTargets: [{ service: 'web', MinCapacity: 1, MaxCapacity: 9, policies: [written as Written] }],
      }),
    );
    return scenarioProblems(scenario).map(({ path, message }) => {
      assert.deepEqual(path.slice(0, 4), ['scalableTargets', 0, 'policies', 0]);
      return `${path.slice(4).join('.')}: ${message}`;
    });
  }
  const at = (path: string) => `StepScalingPolicyConfiguration.StepAdjustments${path}`;

  for (const [row, adjustments, options, expected] of [
    [
      '21 steps',
      Array.from({ length: 21 }, (_, index): Step => [index, index === 20 ? undefined : index + 1, 1]),
      {},
      [`${at('')}: found 21: There can be at most 20 step adjustments per scaling policy`],
    ],
    ['no step', [], {}, [`${at('')}: found no step adjustment, expected at least one`]],
    [
      'a step without bounds',
      [[undefined, undefined, 1]],
      {},
      [`${at('.0')}: Both lower and upper bounds of a step adjustment cannot be left unspecified`],
    ],
    ['a positive upper bound without an open one', [[0, 10, 1]], {}, [`${at('.0')}: ${upper}`]],
    ['a negative lower bound without an open one', [[-10, 0, -1]], {}, [`${at('.0')}: ${lower}`]],
    [
      'bounds the wrong way round',
      [
        [10, 0, 1],
        [10, undefined, 2],
      ],
      {},
      [`${at('.0.MetricIntervalUpperBound')}: found 0, expected more than MetricIntervalLowerBound, 10`],
    ],
    [
      'an overlap',
      [
        [0, 20, 1],
        [10, undefined, 2],
      ],
      {},
      [`${at('.1')}: found 10 after an upper bound of 20: ${overlap}`],
    ],
    [
      'a gap',
      [
        [20, undefined, 2],
        [0, 10, 1],
      ],
      {},
      [`${at('.0')}: found 20 after an upper bound of 10: ${overlap}`],
    ],
    [
      'two open upper bounds',
      [
        [0, undefined, 1],
        [10, undefined, 2],
      ],
      {},
      [`${at('.1')}: Only one step adjustment can have an unspecified upper bound`],
    ],
    [
      'two open lower bounds',
      [
        [undefined, 0, -1],
        [undefined, -10, -2],
      ],
      {},
      [`${at('.1')}: Only one step adjustment can have an unspecified lower bound`],
    ],
    [
      'a negative exact capacity',
      [[0, undefined, -1]],
      { type: 'ExactCapacity' },
      [`${at('.0.ScalingAdjustment')}: found -1, expected 0 or more with ExactCapacity`],
    ],
    [
      'a magnitude without percent',
      [[0, undefined, 1]],
      { magnitude: 2 },
      [
        'StepScalingPolicyConfiguration.MinAdjustmentMagnitude: found it with ChangeInCapacity, expected it only with PercentChangeInCapacity',
      ],
    ],
    [
      'several at once',
      [
        [undefined, undefined, 1],
        [0, 10, -1],
      ],
      { type: 'ExactCapacity', magnitude: 1 },
      [
        'StepScalingPolicyConfiguration.MinAdjustmentMagnitude: found it with ExactCapacity, expected it only with PercentChangeInCapacity',
        `${at('.0')}: Both lower and upper bounds of a step adjustment cannot be left unspecified`,
        `${at('.1.ScalingAdjustment')}: found -1, expected 0 or more with ExactCapacity`,
        `${at('.1')}: ${upper}`,
      ],
    ],
  ] as const satisfies readonly (readonly [string, readonly Step[], Options, readonly string[]])[])
    test(row, () => assert.deepEqual(refusals(policy('bad', steps(...adjustments), options)), expected));

  const sound = policy('sound', steps([0, undefined, 1]));
  for (const [row, change, expected] of [
    [
      'a namespace that does not publish the metric',
      { Namespace: 'AWS/ApplicationELB' },
      [
        'alarm: found metric CPUUtilization, expected one of AWS/ApplicationELB: RequestCount, RequestCountPerTarget, TargetResponseTime, HTTPCode_Target_2XX_Count, HTTPCode_Target_5XX_Count, TargetConnectionErrorCount, HealthyHostCount, UnHealthyHostCount, HTTPCode_ELB_5XX_Count, HTTPCode_ELB_502_Count, HTTPCode_ELB_503_Count, HTTPCode_ELB_504_Count, ActiveConnectionCount, NewConnectionCount, RejectedConnectionCount',
      ],
    ],
    [
      'a metric of a load balancer that is not there',
      { MetricName: 'TargetResponseTime' },
      ['alarm.MetricName: found TargetResponseTime, expected service "web" to have a load balancer'],
    ],
    [
      'more datapoints than periods',
      { DatapointsToAlarm: 2 },
      [
        'alarm.DatapointsToAlarm: datapointsToAlarm must be less than or equal to evaluationPeriods, got datapointsToAlarm: 2, evaluationPeriods: 1',
      ],
    ],
    [
      'no datapoint',
      { DatapointsToAlarm: 0 },
      ['alarm.DatapointsToAlarm: datapointsToAlarm cannot be less than 1, got: 0'],
    ],
    [
      'more than a day',
      { Period: 600, EvaluationPeriods: 145 },
      ['alarm.EvaluationPeriods: found 145 periods of 600 seconds, expected at most a day, 86400 seconds, in all'],
    ],
    [
      'more than a week, with periods of an hour or more',
      { Period: 3_600, EvaluationPeriods: 169 },
      [
        'alarm.EvaluationPeriods: found 169 periods of 3600 seconds, expected at most seven days, 604800 seconds, in all',
      ],
    ],
    [
      'no threshold and no operator',
      { Threshold: undefined, ComparisonOperator: undefined },
      [
        'alarm.Threshold: found no Threshold, expected one, or scalingSteps that imply it',
        'alarm.ComparisonOperator: found no ComparisonOperator, expected one, or scalingSteps that imply it',
      ],
    ],
  ] as const)
    test(row, () => assert.deepEqual(refusals({ ...sound, alarm: { ...sound.alarm!, ...change } }), expected));

  test('requests per target are only summed', () => {
    const alarm = { ...sound.alarm!, MetricName: 'RequestCountPerTarget', Statistic: 'Average' };
    assert.deepEqual(StepScaling.problems({ ...sound, alarm }), [
      { path: ['alarm', 'Statistic'], message: 'found Average, expected Sum: the only valid statistic is Sum' },
    ]);
  });

  test('sound steps are not refused, in any order', () => {
    for (const adjustments of [outSteps, inSteps, outSteps.toReversed(), steps([10, undefined, 1])])
      assert.deepEqual(refusals(policy('sound', adjustments)), []);
  });

  test('scalingSteps beside what they imply, and a name that they imply twice', () => {
    const scalingSteps = [
      { upper: 10, change: -1 },
      { lower: 60, change: 1 },
    ];
    assert.deepEqual(refusals({ ...sound, scalingSteps }), [
      'alarm.Threshold: found Threshold beside scalingSteps, expected none: scalingSteps imply it',
      'alarm.ComparisonOperator: found ComparisonOperator beside scalingSteps, expected none: scalingSteps imply it',
      'StepScalingPolicyConfiguration.StepAdjustments: found StepAdjustments beside scalingSteps, expected none: scalingSteps imply it',
    ]);
    const scenario = scenarioSchema.parse(
      quietScenario({
        scalableTargets: [
          {
            service: 'web',
            MinCapacity: 1,
            MaxCapacity: 9,
            policies: [{ ...sound, PolicyName: 'cpu-upper' }, intervals(scalingSteps)],
          },
        ],
      }),
    );
    assert.deepEqual(scenarioProblems(scenario), [
      {
        path: ['scalableTargets', 0, 'policies', 1, 'PolicyName'],
        message: 'found "cpu-upper" a second time, expected a name of its own',
      },
    ]);
  });
});

interface Interval {
  readonly lower?: number;
  readonly upper?: number;
  readonly change: number;
}

function intervals(scalingSteps: readonly Interval[], type: AdjustmentType = 'ChangeInCapacity'): Written {
  return StepScaling.schema.parse({
    PolicyName: 'cpu',
    PolicyType: 'StepScaling',
    alarm: { MetricName: 'CPUUtilization' },
    StepScalingPolicyConfiguration: { AdjustmentType: type },
    scalingSteps,
  });
}

describe('4.5: the intervals of aws-cdk', () => {
  /** Each policy as `name operator threshold`, and its steps. */
  const spelledOut = (written: Written) => {
    assert.deepEqual(StepScaling.problems(written), []);
    return StepScaling.policies(written).map(
      ({ PolicyName, alarm, StepScalingPolicyConfiguration: { StepAdjustments } }) => [
        `${PolicyName} ${alarm?.ComparisonOperator} ${alarm?.Threshold} ${alarm?.EvaluationPeriods}`,
        StepAdjustments,
      ],
    );
  };

  for (const [row, type, written, expected] of [
    [
      "the documentation's example: the first interval starts at 0",
      'ChangeInCapacity',
      [
        { upper: 0, change: -1 },
        { lower: 100, change: 1 },
        { lower: 500, change: 5 },
      ],
      [
        [`cpu-lower ${below} 0 1`, steps([undefined, 0, -1])],
        [`cpu-upper ${above} 100 1`, steps([0, 400, 1], [400, undefined, 5])],
      ],
    ],
    [
      'bounds follow from the neighbours, in any order',
      'ChangeInCapacity',
      [
        { lower: 90, change: 2 },
        { upper: 10, change: -2 },
        { upper: 20, change: -1 },
        { lower: 80, change: 1 },
      ],
      [
        [`cpu-lower ${below} 20 1`, steps([-10, 0, -1], [undefined, -10, -2])],
        [`cpu-upper ${above} 80 1`, steps([0, 10, 1], [10, undefined, 2])],
      ],
    ],
    [
      'a change of 0 is the interval in which nothing happens, together with the gaps around it',
      'PercentChangeInCapacity',
      [
        { upper: 10, change: -20 },
        { lower: 20, upper: 30, change: 0 },
        { lower: 40, change: 50 },
      ],
      [
        [`cpu-lower ${below} 10 1`, steps([undefined, 0, -20])],
        [`cpu-upper ${above} 40 1`, steps([0, undefined, 50])],
      ],
    ],
    [
      'without such an interval the alarms meet in the middle; an exact capacity of 0 is a change',
      'ExactCapacity',
      [
        { upper: 10, change: 0 },
        { lower: 10, upper: 20, change: 2 },
        { lower: 20, change: 5 },
      ],
      [
        [`cpu-lower ${below} 10 1`, steps([undefined, 0, 0])],
        [`cpu-upper ${above} 10 1`, steps([0, 10, 2], [10, undefined, 5])],
      ],
    ],
    [
      'with nothing to do at the bottom there is no alarm below',
      'ChangeInCapacity',
      [
        { lower: 50, upper: 60, change: 1 },
        { lower: 60, change: 2 },
      ],
      [[`cpu-upper ${above} 50 1`, steps([0, 10, 1], [10, undefined, 2])]],
    ],
  ] as const satisfies readonly (readonly [
    string,
    AdjustmentType,
    readonly Interval[],
    readonly (readonly [string, StepAdjustment[]])[],
  ])[])
    test(row, () => assert.deepEqual(spelledOut(intervals(written, type)), expected));

  for (const [message, written] of [
    ['You must supply at least 2 intervals for autoscaling', [{ lower: 10, change: 1 }]],
    [
      "'scalingSteps' can have at most 40 steps, got 41",
      Array.from({ length: 41 }, (_, lower) => ({ lower, change: 1 })),
    ],
    [`Must supply at least one of 'upper' or 'lower', got: {"change":1}`, [{ change: 1 }, { lower: 10, change: 1 }]],
    [
      'Could not determine the lower and upper bounds for {"lower":10,"change":1}',
      [
        { lower: 10, change: 1 },
        { upper: 20, change: 2 },
      ],
    ],
    [
      'Two intervals overlap: {"lower":0,"upper":20,"change":-1} and {"lower":10,"upper":null,"change":1}',
      [
        { lower: 0, upper: 20, change: -1 },
        { lower: 10, change: 1 },
      ],
    ],
    [
      'Can have at most one no-change interval, got [{"lower":10,"upper":20},{"lower":30,"upper":40}]',
      [
        { upper: 10, change: -1 },
        { lower: 20, upper: 30, change: 1 },
        { lower: 40, change: 2 },
      ],
    ],
    [
      'found no interval that changes anything, expected one',
      [
        { upper: 10, change: 0 },
        { lower: 10, change: 0 },
      ],
    ],
  ] as const satisfies readonly (readonly [string, readonly Interval[]])[])
    test(`refused: ${message}`, () =>
      assert.deepEqual(StepScaling.problems(intervals(written)), [{ path: ['scalingSteps'], message }]));

  test('more than 20 steps on one side are too many for AWS', () =>
    assert.deepEqual(
      StepScaling.problems(intervals(Array.from({ length: 22 }, (_, index) => ({ lower: index + 1, change: 1 })))),
      [{ path: ['scalingSteps'], message: 'found 22: There can be at most 20 step adjustments per scaling policy' }],
    ));
});

describe('3.4, 4.4: cooldown and repetition', () => {
  const up = (options?: Options) => policy('up', steps([0, 10, 2], [10, undefined, 3]), options);
  const down = (options?: Options) => policy('down', steps([undefined, 0, -2]), { operator: below, ...options });

  test('a cooldown that is left out is 300 seconds, in both directions', () => {
    const [put] = StepScaling.policies(up());
    assert.deepEqual(StepScaling.cooldowns(put!), { outMs: 300 * SECOND, inMs: 300 * SECOND });
  });

  test('ST11: +2 done, then a breach of +3 within the cooldown adds 1', () => {
    const room = new Room(10, wide, up());
    assert.equal(room.signal('up', 'High', 55), 12);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('up', 'High', 55), 'InCooldown');
    room.wait(MINUTE);
    assert.equal(room.signal('up', 'High', 65), 13);
  });

  test('an exact capacity is reached also within the cooldown: what was added is part of it', () => {
    const room = new Room(3, wide, policy('up', steps([0, 10, 5], [10, undefined, 8]), { type: 'ExactCapacity' }));
    assert.equal(room.signal('up', 'High', 55), 5);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('up', 'High', 65), 8);
  });

  test('ST12: a scale-out ends the scale-in cooldown of every policy', () => {
    const room = new Room(10, wide, up({ cooldown: 0 }), down());
    assert.equal(room.signal('down', 'Low', 40), 8);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('down', 'Low', 40), 'InCooldown');
    assert.equal(room.signal('up', 'High', 65), 11);
    room.settle();
    room.wait(MINUTE);
    assert.equal(room.signal('down', 'Low', 40), 9);
  });

  test('while the alarm lasts, each minute after the cooldown is a step: +1 with 60 s', () => {
    const room = new Room(1, wide, policy('up', steps([0, undefined, 1]), { cooldown: 60 }));
    const set: (number | string | undefined)[] = [];
    for (let minute = 0; minute < 6; minute++) {
      set.push(room.signal('up', 'High', 80));
      room.wait(30 * SECOND);
      room.settle();
      room.wait(30 * SECOND);
    }
    assert.deepEqual(set, [2, 'InCooldown', 3, 'InCooldown', 4, 'InCooldown']);
  });

  test('while its tasks start, the repeated call asks for the same again', () => {
    const room = new Room(10, wide, up());
    assert.equal(room.signal('up', 'High', 55), 12);
    room.wait(MINUTE);
    assert.equal(room.signal('up', 'High', 55), 'AlreadyAtDesiredCapacity');
  });

  test('a metric that no step holds changes nothing, and says so', () => {
    const room = new Room(10, wide, policy('up', steps([20, undefined, 2])));
    assert.equal(room.signal('up', 'High', 55), 'NoMatchingStep');
  });

  test('a step of 0 leaves the capacity as it is', () => {
    const room = new Room(10, wide, policy('up', outSteps, { type: 'PercentChangeInCapacity' }));
    assert.equal(room.signal('up', 'High', 55), 'AlreadyAtDesiredCapacity');
  });

  test('bounds hold: at the maximum, and at the minimum', () => {
    const room = new Room(10, { min: 9, max: 11 }, up(), down());
    assert.equal(room.signal('up', 'High', 55), 11);
    room.settle();
    room.wait(10 * MINUTE);
    assert.equal(room.signal('up', 'High', 55), 'AlreadyAtMaxCapacity');
    room.calm('up');
    assert.equal(room.signal('down', 'Low', 40), 9);
    room.settle();
    room.wait(10 * MINUTE);
    assert.equal(room.signal('down', 'Low', 40), 'AlreadyAtMinCapacity');
  });

  test('3.7: no scale-in during a deployment', () => {
    const room = new Room(10, wide, down());
    room.world.web.deploymentInProgress = true;
    assert.equal(room.signal('down', 'Low', 40), 'TargetServicePutResourceAsUnscalable');
  });

  test('an alarm below its threshold may add, where less of the metric means more work', () => {
    const room = new Room(10, wide, policy('idle', steps([undefined, 0, 4]), { operator: 'LessThanThreshold' }));
    assert.equal(room.signal('idle', 'Low', 40), 14);
  });
});

describe('3.5: beside other policies', () => {
  const tracking = scalers.TargetTrackingScaling.schema.parse({
    PolicyName: 'cpu',
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 50,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
    },
  });
  const down = (name: string, adjustment: number) =>
    policy(name, steps([undefined, 0, adjustment]), { operator: below });

  test('a target tracking policy that is not ready has no veto against a step down', () => {
    const room = new Room(10, wide, tracking, down('down', -4));
    assert.equal(room.signal('down', 'Low', 40), 6);
  });

  test('a step policy has no veto against target tracking', () => {
    const room = new Room(10, wide, tracking, down('down', -4));
    assert.equal(room.signal('cpu', 'Low', 25), 5);
  });

  test('P1: at one instant +3 and +200 % of 10 tasks make 30', () => {
    const room = new Room(
      10,
      wide,
      policy('three', steps([0, undefined, 3])),
      policy('double', steps([0, undefined, 200]), { type: 'PercentChangeInCapacity' }),
    );
    for (const name of ['three', 'double']) room.breach(name, 'High', 60);
    assert.deepEqual([room.act('three', 'High', 'later'), room.act('double', 'High', 'later')], [13, 30]);
    assert.equal(room.world.autoscaling.targets.get(RESOURCE)?.activity?.fromCapacity, 10);
  });

  for (const [first, second, expected] of [
    ['small', 'large', [8, 'AlreadyAtDesiredCapacity']],
    ['large', 'small', [5, 8]],
  ] as const)
    test(`of two steps down at one instant the larger capacity stays, ${first} first`, () => {
      const room = new Room(10, wide, down('small', -2), down('large', -5));
      for (const name of [first, second]) room.breach(name, 'Low', 40);
      assert.deepEqual([room.act(first, 'Low', 'later'), room.act(second, 'Low', 'later')], expected);
      const { fromCapacity, toCapacity } = room.world.autoscaling.targets.get(RESOURCE)!.activity!;
      assert.deepEqual([fromCapacity, toCapacity], [10, 8]);
    });

  test('a step down at the instant of a scale-out gives way to it, and the other way round', () => {
    for (const order of [
      ['up', 'down'],
      ['down', 'up'],
    ] as const) {
      const room = new Room(10, wide, policy('up', steps([0, undefined, 3])), down('down', -4));
      room.breach('up', 'High', 60);
      room.breach('down', 'Low', 40);
      for (const name of order) room.act(name, name === 'up' ? 'High' : 'Low', 'later');
      assert.equal(room.world.autoscaling.targets.get(RESOURCE)?.activity?.toCapacity, 13);
    }
  });
});
