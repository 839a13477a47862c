/** AWS's tables and captured traces for alarms. @source spec/autoscaling.md 2.2 to 2.6, 8 (A1 to A3) */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  alarmState,
  cloudwatchController,
  cloudwatchEvents,
  cloudwatchPhases,
  decideCloudWatch,
  emptyCloudWatch,
  cloudWatchSettings,
  alarmAssumptions,
  metricDelay,
  requestFor,
  evaluatedValues,
  evaluationPhaseMs,
  evolveCloudWatch,
  type AlarmState,
  type CloudWatchCommand,
  type CloudWatchEvent,
  type CloudWatchWorld,
  type MetricAlarm,
  type Slot,
  type TreatMissingData,
} from '../../core/cloudwatch/index.ts';
import { Digest, MINUTE, SECOND, Simulation, type Millis } from '../../core/kernel/index.ts';

const MEANING: Readonly<Record<string, Slot>> = { '0': 'good', X: 'breach', '-': 'missing' };
const slotsOf = (pattern: string): Slot[] => pattern.split(' ').map((letter) => MEANING[letter] as Slot);
const STATES: readonly AlarmState[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA'];

/** AWS, "Configuring how CloudWatch alarms treat missing data": missing, ignore, breaching, notBreaching. CUR: as it was. */
const tables = [
  {
    datapointsToAlarm: 3,
    rows: [
      ['0 - X - X', 'OK', 'OK', 'OK', 'OK'],
      ['0 - - - -', 'OK', 'OK', 'OK', 'OK'],
      ['- - - - -', 'INSUFFICIENT_DATA', 'CUR', 'ALARM', 'OK'],
      ['0 X X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['- - X - -', 'ALARM', 'CUR', 'ALARM', 'OK'],
    ],
  },
  {
    datapointsToAlarm: 2,
    rows: [
      ['0 - X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['0 0 X 0 X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['0 - X - -', 'OK', 'OK', 'ALARM', 'OK'],
      ['- - - - 0', 'OK', 'OK', 'ALARM', 'OK'],
      ['- - - X -', 'ALARM', 'CUR', 'ALARM', 'OK'],
    ],
  },
] as const;
const TREATMENTS: readonly TreatMissingData[] = ['missing', 'ignore', 'breaching', 'notBreaching'];

describe('A1: the tables of 2.5', () => {
  let cells = 0;
  for (const { datapointsToAlarm, rows } of tables)
    for (const [pattern, ...answers] of rows)
      for (const [column, treatMissingData] of TREATMENTS.entries())
        for (const current of STATES) {
          cells++;
          test(`${datapointsToAlarm} of 3, "${pattern}", ${treatMissingData}, from ${current}`, () => {
            const answer = answers[column];
            assert.equal(
              alarmState(slotsOf(pattern), { evaluationPeriods: 3, datapointsToAlarm, treatMissingData, current }),
              answer === 'CUR' ? current : answer,
            );
          });
        }
  test('all 120 cells', () => assert.equal(cells, 120));

  for (const [pattern, answer] of [
    ['- - - - X', 'CUR'],
    ['- - - X -', 'CUR'],
    ['- - - X 0', 'OK'],
    ['- - X - 0', 'OK'],
  ] as const)
    test(`prose: "${pattern}" does not go to ALARM when missing data is missing`, () => {
      for (const current of STATES)
        assert.equal(
          alarmState(slotsOf(pattern), {
            evaluationPeriods: 3,
            datapointsToAlarm: 3,
            treatMissingData: 'missing',
            current,
          }),
          answer === 'CUR' ? current : answer,
        );
    });

  test('one good point in the range keeps "0 X - - - - - - -" (2 of 3) from a premature alarm (captured natively)', () => {
    const rule = { evaluationPeriods: 3, datapointsToAlarm: 2, treatMissingData: 'missing', current: 'OK' } as const;
    assert.equal(alarmState(slotsOf('0 X - - - - - - -'), rule), 'OK');
  });
});

/** Captured natively: 10-second periods, 3 evaluation periods, a range of 9, the newest 10 s left out; threshold 50. */
const captures: readonly {
  readonly points: Readonly<Record<string, number>>;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: TreatMissingData;
  readonly from: AlarmState;
  readonly transitions: readonly (readonly [string, AlarmState])[];
}[] = [
  {
    points: { '42:20': 100, '42:30': 0, '42:40': 100 },
    datapointsToAlarm: 3,
    treatMissingData: 'missing',
    from: 'INSUFFICIENT_DATA',
    transitions: [
      ['42:58.8', 'OK'],
      ['44:28.8', 'ALARM'],
      ['44:38.8', 'INSUFFICIENT_DATA'],
    ],
  },
  {
    points: { '42:20': 100, '42:30': 0, '42:40': 100 },
    datapointsToAlarm: 2,
    treatMissingData: 'missing',
    from: 'OK',
    transitions: [
      ['43:07.6', 'ALARM'],
      ['44:17.6', 'OK'],
      ['44:27.6', 'ALARM'],
      ['44:37.6', 'INSUFFICIENT_DATA'],
    ],
  },
  {
    points: { '46:50': 100 },
    datapointsToAlarm: 2,
    treatMissingData: 'missing',
    from: 'INSUFFICIENT_DATA',
    transitions: [['47:27.6', 'ALARM']],
  },
  {
    points: { '46:50': 100 },
    datapointsToAlarm: 3,
    treatMissingData: 'missing',
    from: 'INSUFFICIENT_DATA',
    transitions: [
      ['47:38.8', 'ALARM'],
      ['48:48.8', 'INSUFFICIENT_DATA'],
    ],
  },
  {
    points: { '50:50': 0, '51:10': 100, '51:30': 100 },
    datapointsToAlarm: 3,
    treatMissingData: 'missing',
    from: 'OK',
    transitions: [
      ['52:48.8', 'ALARM'],
      ['53:28.8', 'INSUFFICIENT_DATA'],
    ],
  },
  {
    points: { '50:50': 0, '51:10': 100, '51:30': 100 },
    datapointsToAlarm: 3,
    treatMissingData: 'breaching',
    from: 'ALARM',
    transitions: [
      ['51:54.5', 'OK'],
      ['52:44.5', 'ALARM'],
    ],
  },
  {
    points: { '50:50': 0, '51:10': 100, '51:30': 100 },
    datapointsToAlarm: 2,
    treatMissingData: 'missing',
    from: 'OK',
    transitions: [['51:57.6', 'ALARM']],
  },
  {
    points: { '54:10': 0 },
    datapointsToAlarm: 3,
    treatMissingData: 'breaching',
    from: 'ALARM',
    transitions: [
      ['54:34.5', 'OK'],
      ['56:04.5', 'ALARM'],
    ],
  },
  {
    points: { '54:10': 0 },
    datapointsToAlarm: 2,
    treatMissingData: 'missing',
    from: 'INSUFFICIENT_DATA',
    transitions: [['54:37.6', 'OK']],
  },
];

/** Milliseconds into the hour of `mm:ss.s`. */
function clock(text: string): Millis {
  const [minutes, seconds] = text.split(':') as [string, string];
  return Number(minutes) * MINUTE + Math.round(Number(seconds) * SECOND);
}

describe('the captured traces of 2.5', () => {
  const periodMs = 10 * SECOND;
  for (const { points, datapointsToAlarm, treatMissingData, from, transitions } of captures) {
    const times = transitions.map(([at, to]) => `${at} ${to}`).join(', ');
    test(`${JSON.stringify(points)}, ${datapointsToAlarm}/${treatMissingData}: ${times}`, () => {
      const values = new Map(Object.entries(points).map(([at, value]) => [clock(at), value]));
      const lastMs = clock(transitions.at(-1)![0]);
      const firstMs = clock(transitions[0]![0]);
      let state = from;
      const found: (readonly [Millis, AlarmState])[] = [];
      for (let nowMs = firstMs; nowMs <= lastMs; nowMs += periodMs) {
        const endMs = Math.floor((nowMs - 10 * SECOND) / periodMs) * periodMs;
        const slots = Array.from({ length: 9 }, (_, index): Slot => {
          const value = values.get(endMs - (9 - index) * periodMs);
          if (value === undefined) return 'missing';
          return value > 50 ? 'breach' : 'good';
        });
        const to = alarmState(slots, { evaluationPeriods: 3, datapointsToAlarm, treatMissingData, current: state });
        if (to !== state) found.push([nowMs, to]);
        state = to;
      }
      assert.deepEqual(
        found,
        transitions.map(([at, to]) => [clock(at), to]),
      );
    });
  }

  test('the first capture stays INSUFFICIENT_DATA while its only points are one breach, one period old', () => {
    const rule = { evaluationPeriods: 3, datapointsToAlarm: 3, treatMissingData: 'missing' } as const;
    const slots = slotsOf('- - - - - - - - X');
    assert.equal(alarmState(slots, { ...rule, current: 'INSUFFICIENT_DATA' }), 'INSUFFICIENT_DATA');
  });
});

const METRIC = 'Test Metric ';
/** Its values can be read at once. */
const settings = cloudWatchSettings('typical', metricDelay.parse({ custom: '0s' }), alarmAssumptions.parse({}));

const alarm: MetricAlarm = {
  alarmName: 'a',
  request: requestFor(METRIC, 'Sum'),
  periodMs: MINUTE,
  evaluationPeriods: 3,
  datapointsToAlarm: 3,
  threshold: 3,
  comparisonOperator: 'GreaterThanThreshold',
  treatMissingData: 'missing',
  scalingActions: { ALARM: ['act'] },
};
const phaseMs = evaluationPhaseMs(alarm, settings);

/** A world with a metric whose minute n has the value n. */
function countingWorld(minutes: number, delayMs = 0) {
  const cloudwatch = emptyCloudWatch(settings);
  const datapoints = Array.from({ length: minutes }, (_, minute) => ({
    startMs: minute * MINUTE,
    readableAtMs: (minute + 1) * MINUTE + delayMs,
    sampleCount: 1,
    sum: minute + 1,
    minimum: minute + 1,
    maximum: minute + 1,
  }));
  cloudwatch.metrics.set(METRIC, {
    namespace: 'Test',
    name: 'Metric',
    dimensions: {},
    kind: 'Test Metric ',
    keepForMs: Number.MAX_SAFE_INTEGER,
    hourlyForMs: 0,
    wantsDistribution: false,
    datapoints,
    hours: [],
  });
  return cloudwatch;
}

describe('which periods an evaluation looks at', () => {
  test('A2: five-minute periods slide with the minute: at minute 5 minutes 1 to 5, at minute 6 minutes 2 to 6', () => {
    const sliding = { ...alarm, periodMs: 5 * MINUTE, evaluationPeriods: 1, datapointsToAlarm: 1 };
    const newest = (nowMs: Millis) => evaluatedValues(countingWorld(6), sliding, nowMs).at(-1);
    assert.equal(newest(5 * MINUTE + 10 * SECOND), 1 + 2 + 3 + 4 + 5);
    assert.equal(newest(6 * MINUTE + 10 * SECOND), 2 + 3 + 4 + 5 + 6);
  });

  for (const [evaluationPeriods, periodMinutes, interval] of [
    [5, 1, 5],
    [3, 10, 30],
  ] as const)
    test(`A3: ${evaluationPeriods} periods of ${periodMinutes} min are an evaluation interval of ${interval} min`, () => {
      const long = {
        ...alarm,
        request: requestFor(METRIC, 'Minimum'),
        periodMs: periodMinutes * MINUTE,
        evaluationPeriods,
        datapointsToAlarm: 3,
      } as const;
      const values = evaluatedValues(countingWorld(60), long, 60 * MINUTE + 10 * SECOND);
      const counted = values.slice(-evaluationPeriods) as number[];
      assert.equal(Math.min(...counted), 60 - interval + 1);
      assert.equal(counted.length * periodMinutes, interval);
    });

  test('2.2: the newest 10 seconds are left out, so a minute counts from its tenth second on', () => {
    const newest = (nowMs: Millis) => evaluatedValues(countingWorld(9), alarm, nowMs).at(-1);
    assert.equal(newest(5 * MINUTE + 9_999), 4);
    assert.equal(newest(5 * MINUTE + 10_000), 5);
  });

  test('1.5: a datapoint counts once its delay has passed, and the older ones fill in', () => {
    const late = countingWorld(9, 90 * SECOND);
    const seen = (nowMs: Millis) => evaluatedValues(late, alarm, nowMs);
    assert.deepEqual(seen(9 * MINUTE + 20 * SECOND), [5, 6, 7, undefined, undefined]);
    assert.deepEqual(seen(9 * MINUTE + 30 * SECOND), [5, 6, 7, 8, undefined]);
  });

  test('2.2: math over metrics does not leave the newest seconds out', () => {
    const request = [...alarm.request, { id: 'e1', expression: 'm1 * 10' }];
    const newest = (nowMs: Millis) => evaluatedValues(countingWorld(9), { ...alarm, request }, nowMs).at(-1);
    assert.equal(newest(5 * MINUTE), 50);
    assert.equal(newest(5 * MINUTE + 10 * SECOND), 50);
  });

  test('2.3: below a minute the range spans 90 seconds, or N + 2 periods where that is more', () => {
    const range = (periodS: number, evaluationPeriods: number) =>
      evaluatedValues(countingWorld(1), { ...alarm, periodMs: periodS * SECOND, evaluationPeriods }, MINUTE).length;
    assert.deepEqual([range(10, 3), range(20, 3), range(20, 30), range(60, 3)], [9, 5, 32, 5]);
  });
});

/** The room on its own, fed one value a period (undefined: no datapoint). */
function run(
  values: readonly (number | undefined)[],
  config: Partial<MetricAlarm> = {},
  { periodMs = MINUTE, others = [] }: { readonly periodMs?: Millis; readonly others?: readonly Other[] } = {},
) {
  const world: CloudWatchWorld = { cloudwatch: emptyCloudWatch(settings) };
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
  const watched = { ...alarm, ...config };
  simulation.submit(0, { type: 'PutMetricAlarm', alarm: watched });
  for (const [atMs, command] of others) simulation.submit(atMs, command);
  const frame = (startMs: Millis, lengthMs: Millis, value: number | undefined) => {
    const list = (item: number) => (value === undefined ? [] : [item]);
    simulation.submit(startMs + lengthMs, {
      type: 'PutMetricData',
      periodStartMs: startMs,
      periodMs: lengthMs,
      metrics: value === undefined ? [] : [METRIC],
      sampleCounts: list(1),
      sums: list(value ?? 0),
      minimums: list(value ?? 0),
      maximums: list(value ?? 0),
      distributionEnds: [],
      distributionValues: [],
      distributionCounts: [],
    });
  };
  const lengthMs = values.length * periodMs;
  for (const [index, value] of values.entries()) frame(index * periodMs, periodMs, value);
  if (periodMs < MINUTE)
    // the beat of the minutes, with nothing in it
    for (let minute = -1; minute * MINUTE < lengthMs; minute++) frame(minute * MINUTE, MINUTE, undefined);
  simulation.runUntil(lengthMs + MINUTE);
  const states: string[] = [];
  const repeats: number[] = [];
  const changes: (readonly [Millis, AlarmState])[] = [];
  for (const { atMs, event } of simulation.log) {
    const minute = Math.round((atMs - phaseMs) / MINUTE);
    if (event.type === 'AlarmStateChanged') {
      states.push(`${minute} ${event.to}`);
      changes.push([atMs, event.to]);
    }
    if (event.type === 'AlarmActionsRepeated') repeats.push(minute);
  }
  return { states, repeats, changes, simulation };
}
type Other = readonly [Millis, CloudWatchCommand];

describe('an alarm over time', () => {
  test('the figure: 3 of 3 above 3; breaching periods 3, 4, 5 lead to ALARM at 5, a good one to OK at 6, one later breach to nothing', () => {
    // Its second of the minute is past the tenth: each evaluation sees the minute that has just ended.
    assert.equal(phaseMs, 15 * SECOND);
    assert.deepEqual(run([3, 2, 4, 5, 6, 2, 1, 2, 5, 2]).states, ['1 OK', '5 ALARM', '6 OK']);
  });

  test('2.6: an Auto Scaling action runs on the transition and once a minute for as long as the alarm lasts', () => {
    const { states, repeats } = run([9, 9, 9, 9, 9, 9, 1, 1]);
    assert.deepEqual(states, ['3 ALARM', '7 OK']);
    assert.deepEqual(repeats, [4, 5, 6]);
  });

  test('2.6: so does one of the state OK', () => {
    const { states, repeats } = run([1, 1, 1, 1, 1, 1], { scalingActions: { OK: ['act'] } });
    assert.deepEqual(states, ['1 OK']);
    assert.deepEqual(repeats, [2, 3, 4, 5, 6]);
  });

  test('2.6: an alarm without actions repeats nothing, nor does one whose actions are disabled', () => {
    assert.deepEqual(run([9, 9, 9, 9, 9], { scalingActions: {} }).repeats, []);
    assert.deepEqual(run([9, 9, 9, 9, 9], { actionsEnabled: false }).repeats, []);
  });

  test('2.6: actions that are enabled again do not make up for what they missed', () => {
    const others: readonly Other[] = [
      [3 * MINUTE, { type: 'SetAlarmActions', alarmName: 'a', enabled: false }],
      [5 * MINUTE + 30 * SECOND, { type: 'SetAlarmActions', alarmName: 'a', enabled: true }],
    ];
    assert.deepEqual(run([9, 9, 9, 9, 9, 9, 9], {}, { others }).repeats, [6, 7]);
  });

  test('2.1: an alarm that is put again keeps its state', () => {
    const again: Other = [4 * MINUTE + 30 * SECOND, { type: 'PutMetricAlarm', alarm: { ...alarm, threshold: 4 } }];
    assert.deepEqual(run([9, 9, 9, 9, 9, 9], {}, { others: [again] }).states, ['3 ALARM']);
  });

  test('2.1: one that is created over data is judged by them at once', () => {
    const other: Other = [4 * MINUTE + 30 * SECOND, { type: 'PutMetricAlarm', alarm: { ...alarm, alarmName: 'b' } }];
    const { simulation } = run([9, 9, 9, 9, 9], {}, { others: [other] });
    const changes = [...simulation.log].filter(
      ({ event }) => event.type === 'AlarmStateChanged' && event.alarmName === 'b',
    );
    assert.equal(changes[0]?.atMs, 4 * MINUTE + 30 * SECOND);
  });

  test('SetAlarmState sets a state, until the next evaluation', () => {
    const set: Other = [
      4 * MINUTE,
      { type: 'SetAlarmState', alarmName: 'a', stateValue: 'ALARM', stateReason: 'a drill' },
    ];
    const { changes } = run([1, 1, 1, 1, 1], {}, { others: [set] });
    assert.deepEqual(changes.slice(1), [
      [4 * MINUTE, 'ALARM'],
      [4 * MINUTE + phaseMs, 'OK'],
    ]);
  });

  test('2.4: when a metric stops, the alarm goes on with its last points for R - 1 periods, then knows nothing', () => {
    const stops = [9, 9, 9, undefined, undefined, undefined, undefined, undefined, undefined];
    assert.deepEqual(run(stops).states, ['3 ALARM', '8 INSUFFICIENT_DATA']);
    assert.deepEqual(run(stops).repeats, [4, 5, 6, 7]);
  });

  test('2.4: ALARM goes to OK with N - M + 1 good points', () => {
    assert.deepEqual(run([9, 9, 9, 1, 1]).states, ['3 ALARM', '4 OK']);
    assert.deepEqual(run([9, 9, 9, 1, 1], { datapointsToAlarm: 2 }).states, ['2 ALARM', '5 OK']);
  });

  test('2.2: with a period of ten seconds it is evaluated every ten seconds, and repeats its actions once a minute', () => {
    const config = { periodMs: 10 * SECOND };
    const { changes, simulation } = run(Array(24).fill(9), config, { periodMs: 10 * SECOND });
    const [first] = changes;
    assert.equal(first?.[1], 'ALARM');
    const tenths = evaluationPhaseMs({ ...alarm, ...config }, settings);
    assert.equal(tenths < 10 * SECOND && (first[0] - tenths) % (10 * SECOND) === 0, true);
    assert.equal(first[0] < MINUTE, true, 'three periods and the settling of the last are over within a minute');
    const repeats = [...simulation.log].filter(({ event }) => event.type === 'AlarmActionsRepeated');
    assert.deepEqual(
      repeats.map(({ atMs }) => atMs - first[0]),
      [1, 2, 3, 4].map((minute) => minute * MINUTE).filter((lasted) => first[0] + lasted <= 5 * MINUTE),
    );
  });

  test('A4: an alarm of more than a day is evaluated once an hour, over whole hours: a job fails 10:02, 11:03 ALARM, mended 11:43, 12:03 OK', () => {
    const clockOf = (day: number, hour: number, minute: number) => ((day * 24 + hour) * 60 + minute) * MINUTE;
    const watched: MetricAlarm = {
      ...alarm,
      periodMs: 2 * 24 * 60 * MINUTE,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      threshold: 1,
      comparisonOperator: 'LessThanThreshold',
    };
    const named = (name: number) => ({ ...watched, alarmName: `job ${name}` });
    // Evaluated in the fourth minute of the hour.
    const name = Array.from({ length: 1_000 }, (_, index) => index).find(
      (index) => Math.floor(evaluationPhaseMs(named(index), settings) / MINUTE) === 3,
    );
    // It runs every second day at 10:02: its successes, and one failure.
    const runs = [
      [clockOf(1, 10, 2), 1],
      [clockOf(3, 10, 2), 0],
      [clockOf(3, 11, 43), 1],
    ] as const;
    const others: readonly Other[] = runs.map(([stampMs, value]) => [
      stampMs,
      { type: 'PutMetricValues', metric: METRIC, stampMs, values: [value], counts: [1], highResolution: false },
    ]);
    const { changes } = run(Array(clockOf(3, 13, 0) / MINUTE).fill(undefined), named(name!), { others });
    assert.deepEqual(
      changes.slice(-2).map(([atMs, to]) => [Math.floor(atMs / MINUTE) * MINUTE, to]),
      [
        [clockOf(3, 11, 3), 'ALARM'],
        [clockOf(3, 12, 3), 'OK'],
      ],
    );
  });
});

describe('1.4, 2.4: percentiles', () => {
  for (const [samples, expected] of [
    [99, []],
    [100, ['ALARM']],
  ] as const)
    test(`p90 of ${samples} samples, few samples being ignored: ${expected.join() || 'the state is kept'}`, () => {
      const put: Other[] = [0, 1, 2].map((minute) => [
        minute * MINUTE + SECOND,
        {
          type: 'PutMetricValues',
          metric: METRIC,
          stampMs: minute * MINUTE,
          values: [9],
          counts: [samples],
          highResolution: false,
        },
      ]);
      const { changes } = run(
        [undefined, undefined, undefined, undefined],
        {
          request: requestFor(METRIC, 'p90'),
          ignoresFewSamples: true,
        },
        { others: put },
      );
      assert.deepEqual(
        changes.map(([, to]) => to),
        expected,
      );
    });
});
