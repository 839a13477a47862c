import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  alarmAssumptions,
  alarmRuleHolds,
  alarmState,
  cloudWatchSettings,
  comparisonOperators,
  decideCloudWatch,
  evaluatedValues,
  evolveCloudWatch,
  emptyCloudWatch,
  evaluationRange,
  metricDelay,
  metricsOf,
  recentDatapoints,
  requestFor,
  samplesOf,
  statisticOf,
  type AlarmRule,
  type AlarmState,
  type MetricAlarm,
  type Slot,
} from '../../core/cloudwatch/index.ts';
import { keyedRng, MINUTE, SECOND } from '../../core/kernel/index.ts';
import { slotRanges } from '../arbitraries.ts';

const states: readonly AlarmState[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA'];
const missingDataTreatments = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;

/** The rules in words, one after the other, with text and no cleverness: `0` good, `X` breaching, nothing for missing. */
function naiveState(
  slots: readonly Slot[],
  { evaluationPeriods: n, datapointsToAlarm: m, treatMissingData, current }: AlarmRule,
): AlarmState {
  const all = slots.map((slot) => ({ good: '0', breach: 'X', missing: '' })[slot]);
  const real = all.join('');
  const breaching = (text: string) => text.split('X').length - 1;
  if (real.length >= n) return breaching(real.slice(real.length - n)) >= m ? 'ALARM' : 'OK';
  if (treatMissingData === 'breaching') return breaching(real.padEnd(n, 'X')) >= m ? 'ALARM' : 'OK';
  if (treatMissingData === 'notBreaching') return breaching(real.padEnd(n, '0')) >= m ? 'ALARM' : 'OK';
  if (real === '') return treatMissingData === 'missing' ? 'INSUFFICIENT_DATA' : current;
  if (breaching(real) >= m) return 'ALARM';
  if (real.includes('0')) return 'OK';
  if (treatMissingData === 'ignore') return current;
  return all.length - all.indexOf('X') >= m ? 'ALARM' : current;
}

test('the state of an alarm is that of the rules in words', () =>
  fc.assert(
    fc.property(
      slotRanges,
      fc.constantFrom(...missingDataTreatments),
      fc.constantFrom(...states),
      ({ range, evaluationPeriods, datapointsToAlarm }, treatMissingData, current) => {
        const rule = { evaluationPeriods, datapointsToAlarm, treatMissingData, current };
        assert.equal(alarmState(range, rule), naiveState(range, rule));
      },
    ),
    { numRuns: 10_000 },
  ));

test('one more breaching point never takes an alarm out of ALARM', () =>
  fc.assert(
    fc.property(slotRanges, fc.constantFrom(...missingDataTreatments), fc.nat(), (drawn, treatMissingData, place) => {
      const { range, evaluationPeriods, datapointsToAlarm } = drawn;
      const rule = { evaluationPeriods, datapointsToAlarm, treatMissingData, current: 'OK' } as const;
      const worse = range.with(place % range.length, 'breach');
      if (range[place % range.length] !== 'good' || alarmState(range, rule) !== 'ALARM') return;
      assert.equal(alarmState(worse, rule), 'ALARM');
    }),
    { numRuns: 3_000 },
  ));

test('a good datapoint that goes missing never takes an alarm out of ALARM', () =>
  fc.assert(
    fc.property(slotRanges, fc.constantFrom(...missingDataTreatments), fc.nat(), (drawn, treatMissingData, place) => {
      const { range, evaluationPeriods, datapointsToAlarm } = drawn;
      const rule = { evaluationPeriods, datapointsToAlarm, treatMissingData, current: 'ALARM' } as const;
      const without = range.with(place % range.length, 'missing');
      if (range[place % range.length] !== 'good' || alarmState(range, rule) !== 'ALARM') return;
      assert.equal(alarmState(without, rule), 'ALARM');
      assert.equal(alarmState(without, rule), naiveState(without, rule));
    }),
    { numRuns: 3_000 },
  ));

const METRIC = 'Test Metric ';
const delays = fc.constantFrom('0s', '10s', '60s', '150s');
const settingsWith = (delay: string) =>
  cloudWatchSettings('typical', metricDelay.parse({ custom: delay }), alarmAssumptions.parse({}));

const alarms: fc.Arbitrary<MetricAlarm> = fc
  .record({
    alarmName: fc.constantFrom('one', 'other'),
    statistic: fc.constantFrom('Sum', 'Average', 'Minimum', 'Maximum', 'SampleCount'),
    periodMs: fc.constantFrom(1, 1, 1, 5).map((minutes) => minutes * MINUTE),
    evaluationPeriods: fc.integer({ min: 1, max: 15 }),
  })
  .map(({ statistic, ...drawn }) => ({
    ...drawn,
    request: requestFor(METRIC, statistic),
    datapointsToAlarm: 1,
    threshold: 50,
    comparisonOperator: 'GreaterThanThreshold',
    treatMissingData: 'missing',
    scalingActions: {},
  }));

/** A metric's samples, minute by minute; null where there is none. */
const history = fc.array(
  fc.option(
    fc.record({
      count: fc.integer({ min: 1, max: 9 }),
      sum: fc.integer({ min: 0, max: 900 }),
      low: fc.nat({ max: 9 }),
      high: fc.integer({ min: 10, max: 99 }),
    }),
  ),
  { minLength: 1, maxLength: 120 },
);
type Samples = NonNullable<(typeof history extends fc.Arbitrary<infer Drawn> ? Drawn : never)[number]>;

function publish(world: { cloudwatch: ReturnType<typeof emptyCloudWatch> }, minute: number, samples: Samples): void {
  evolveCloudWatch.MetricDataPublished(
    world,
    {
      type: 'MetricDataPublished',
      periodStartMs: minute * MINUTE,
      periodMs: MINUTE,
      metrics: [METRIC, 'one that nobody watches'],
      sampleCounts: [samples.count, 1],
      sums: [samples.sum, 1],
      minimums: [samples.low, 1],
      maximums: [samples.high, 1],
      distributionEnds: [],
      distributionValues: [],
      distributionCounts: [],
    },
    (minute + 1) * MINUTE,
  );
}

/** The plain way: from all that was ever published. */
function naiveValues(
  alarm: MetricAlarm,
  all: readonly (Samples | null)[],
  nowMs: number,
  delayMs: number,
): (number | undefined)[] {
  const endMs = Math.floor((nowMs - 10 * SECOND) / MINUTE) * MINUTE;
  const count = alarm.evaluationPeriods + 2;
  return Array.from({ length: count }, (_, index) => {
    const startMs = endMs - (count - index) * alarm.periodMs;
    const within: Samples[] = [];
    for (const [minute, samples] of all.entries()) {
      const atMs = minute * MINUTE;
      if (samples === null || atMs < startMs || atMs >= startMs + alarm.periodMs) continue;
      if (atMs + MINUTE + delayMs <= nowMs) within.push(samples);
    }
    if (within.length === 0) return undefined;
    const sum = within.reduce((total, samples) => total + samples.sum, 0);
    const samples = within.reduce((total, { count: more }) => total + more, 0);
    const values: Record<string, number> = {
      Sum: sum,
      SampleCount: samples,
      Average: sum / samples,
      Minimum: Math.min(...within.map(({ low }) => low)),
      Maximum: Math.max(...within.map(({ high }) => high)),
    };
    return values[metricsOf(alarm.request)[0]!.statistic];
  });
}

test('what an evaluation sees is what was published in time, although a metric keeps only so many datapoints', () =>
  fc.assert(
    fc.property(
      alarms,
      alarms,
      history,
      fc.integer({ min: 0, max: 59 }),
      delays,
      (alarm, other, all, second, delay) => {
        const settings = settingsWith(delay);
        const delayMs = settings.delaysMs.custom;
        const world = { cloudwatch: emptyCloudWatch(settings) };
        for (const watching of [alarm, other])
          evolveCloudWatch.MetricAlarmPut(world, { type: 'MetricAlarmPut', alarm: watching }, 0);
        for (const [minute, samples] of all.entries()) {
          if (samples !== null) publish(world, minute, samples);
          const nowMs = (minute + 1) * MINUTE + second * SECOND;
          const known = all.slice(0, minute + 1);
          for (const watching of [alarm, other]) {
            const values = evaluatedValues(world.cloudwatch, watching, nowMs);
            assert.deepEqual(values, naiveValues(watching, known, nowMs, delayMs));
            assert.equal(values.length, evaluationRange(watching, settings));
          }
        }
        const longest = Math.max(
          ...[alarm, other].map((item) => ((item.evaluationPeriods + 3) * item.periodMs + delayMs) / MINUTE),
        );
        const { metrics } = world.cloudwatch;
        assert.equal(metrics.get(METRIC)!.datapoints.length <= longest, true, 'a metric forgets');
        assert.equal(metrics.size, 1, 'a metric that nobody watches is not kept');
      },
    ),
    { numRuns: 200 },
  ));

test('an evaluation, which begins with the newest datapoint, comes to the state of all it may look at', () =>
  fc.assert(
    fc.property(
      alarms,
      history,
      fc.constantFrom(...missingDataTreatments),
      fc.nat(),
      delays,
      (drawn, all, treatMissingData, m, delay) => {
        const alarm = { ...drawn, treatMissingData, datapointsToAlarm: 1 + (m % drawn.evaluationPeriods) };
        const world = { cloudwatch: emptyCloudWatch(settingsWith(delay)) };
        evolveCloudWatch.MetricAlarmPut(world, { type: 'MetricAlarmPut', alarm }, 0);
        for (const [minute, samples] of all.entries()) {
          if (samples !== null) publish(world, minute, samples);
          const nowMs = (minute + 1) * MINUTE + 30 * SECOND;
          const breaches = comparisonOperators[alarm.comparisonOperator];
          const slots = evaluatedValues(world.cloudwatch, alarm, nowMs).map((value): Slot => {
            if (value === undefined) return 'missing';
            return breaches(value, alarm.threshold) ? 'breach' : 'good';
          });
          const { state: current } = world.cloudwatch.alarms.get(alarm.alarmName)!;
          const context = { world, nowMs, rng: keyedRng(1) };
          for (const event of decideCloudWatch.EvaluateAlarm(
            { type: 'EvaluateAlarm', alarmName: alarm.alarmName },
            context,
          ))
            if (event.type === 'AlarmStateChanged') evolveCloudWatch.AlarmStateChanged(world, event, nowMs);
          const { state } = world.cloudwatch.alarms.get(alarm.alarmName)!;
          assert.equal(state, alarmState(slots, { ...alarm, current }));
        }
      },
    ),
    { numRuns: 200 },
  ));

test('an action carries the last N datapoints that exist, oldest first', () =>
  fc.assert(
    fc.property(alarms, history, delays, (alarm, all, delay) => {
      const settings = settingsWith(delay);
      const world = { cloudwatch: emptyCloudWatch(settings) };
      evolveCloudWatch.MetricAlarmPut(world, { type: 'MetricAlarmPut', alarm }, 0);
      for (const [minute, samples] of all.entries()) if (samples !== null) publish(world, minute, samples);
      const nowMs = all.length * MINUTE + 30 * SECOND;
      const recent = recentDatapoints(world, alarm.alarmName, nowMs);
      const values = naiveValues(alarm, all, nowMs, settings.delaysMs.custom).filter((value) => value !== undefined);
      assert.deepEqual(
        recent.map(({ value }) => value),
        values.slice(-alarm.evaluationPeriods),
      );
      for (const [index, { startMs }] of recent.entries())
        assert.equal(index === 0 || startMs > recent[index - 1]!.startMs, true);
    }),
    { numRuns: 300 },
  ));

/** Samples spelled out one by one, ascending. */
const sampleLists = fc
  .array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 })
  .map((values) => values.toSorted((a, b) => a - b));

describe('statistics over samples', () => {
  test('a percentile is the smallest sample that its share of them does not exceed', () =>
    fc.assert(
      fc.property(sampleLists, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const place = Math.ceil((percent * values.length) / 100) - 1;
        assert.equal(statisticOf(`p${percent}`, [samplesOf(values)]), values[place]);
      }),
    ));

  test('it does not matter how samples are spread over datapoints', () =>
    fc.assert(
      fc.property(
        sampleLists,
        fc.nat(),
        fc.constantFrom('p50', 'p99', 'tm90', 'TM(10%:90%)', 'wm95', 'TC(3:20)', 'TS(:80%)', 'PR(:7)', 'IQM'),
        (values, cut, statistic) => {
          const at = 1 + (cut % values.length);
          const parts = [values.slice(0, at), values.slice(at)].filter((part) => part.length > 0);
          assert.equal(
            statisticOf(
              statistic,
              parts.map((part) => samplesOf(part)),
            ),
            statisticOf(statistic, [samplesOf(values)]),
          );
        },
      ),
    ));

  test('bounds by value leave the lower one out and take the upper one in', () =>
    fc.assert(
      fc.property(sampleLists, fc.nat({ max: 20 }), fc.integer({ min: 21, max: 45 }), (values, low, high) => {
        const within = values.filter((value) => value > low && value <= high);
        const bounds = `(${low}:${high})`;
        const of = (family: string) => statisticOf(`${family}${bounds}`, [samplesOf(values)]);
        const sum = within.reduce((total, value) => total + value, 0);
        assert.equal(of('TC'), within.length);
        assert.equal(of('TS'), sum);
        assert.equal(of('TM'), within.length === 0 ? undefined : sum / within.length);
        assert.equal(of('PR'), (100 * within.length) / values.length);
        const clamped = values.map((value) => Math.min(Math.max(value, low), high));
        assert.equal(of('WM'), clamped.reduce((total, value) => total + value, 0) / values.length);
      }),
    ));

  test('a trimmed mean of all is the mean, and no trimming leaves the range of the samples', () =>
    fc.assert(
      fc.property(sampleLists, fc.integer({ min: 1, max: 99 }), (values, percent) => {
        const samples = [samplesOf(values)];
        assert.equal(statisticOf('TM(0%:100%)', samples), statisticOf('Average', samples));
        const trimmed = statisticOf(`tm${percent}`, samples) as number;
        assert.equal(trimmed >= values[0]! - 1e-9 && trimmed <= values.at(-1)! + 1e-9, true);
        assert.equal(trimmed <= (statisticOf('Average', samples) as number) + 1e-9, true);
      }),
    ));

  test('a statistic set has no percentile unless its samples follow from it, and nothing negative has one', () => {
    const set = { sampleCount: 3, sum: 6, minimum: 1, maximum: 3 };
    assert.equal(statisticOf('p50', [set]), undefined);
    assert.equal(statisticOf('p50', [{ sampleCount: 3, sum: 6, minimum: 2, maximum: 2 }]), 2);
    assert.equal(statisticOf('p50', [{ sampleCount: 1, sum: 5, minimum: 5, maximum: 5 }]), 5);
    assert.equal(statisticOf('p50', [samplesOf([-1, 2, 3])]), undefined);
  });
});

/** A rule and what it says, for alarms a to d in states that are drawn with it. */
type DrawnRule = { readonly rule: string; readonly holds: (states: Readonly<Record<string, AlarmState>>) => boolean };
const { rule: drawnRules } = fc.letrec<{ rule: DrawnRule }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom<DrawnRule>({ rule: 'TRUE', holds: () => true }, { rule: 'FALSE', holds: () => false }),
    fc.tuple(fc.constantFrom(...states), fc.constantFrom('a', 'b', '"c"', '"d d"')).map(([state, name]): DrawnRule => ({
      rule: `${state}(${name})`,
      holds: (known) => known[name.replaceAll('"', '')] === state,
    })),
    tie('rule').map((inner): DrawnRule => ({ rule: `NOT (${inner.rule})`, holds: (known) => !inner.holds(known) })),
    fc.tuple(tie('rule'), tie('rule')).map(([left, right]): DrawnRule => ({
      rule: `(${left.rule} AND ${right.rule})`,
      holds: (known) => left.holds(known) && right.holds(known),
    })),
    fc.tuple(tie('rule'), tie('rule')).map(([left, right]): DrawnRule => ({
      rule: `(${left.rule} OR ${right.rule})`,
      holds: (known) => left.holds(known) || right.holds(known),
    })),
    fc.tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom(...states)).map(([least, state]): DrawnRule => ({
      rule: `AT_LEAST(${least}, ${state}, (a, b, "c"))`,
      holds: (known) => ['a', 'b', 'c'].filter((name) => known[name] === state).length >= least,
    })),
  ),
}));

test('a composite rule says what its parts say', () =>
  fc.assert(
    fc.property(
      drawnRules,
      fc.array(fc.constantFrom(...states), { minLength: 4, maxLength: 4 }),
      ({ rule, holds }, drawn) => {
        const known = Object.fromEntries(
          ['a', 'b', 'c', 'd d'].map((name, index) => [name, drawn[index] as AlarmState]),
        );
        assert.equal(
          alarmRuleHolds(rule, (name) => known[name]),
          holds(known),
        );
      },
    ),
    { numRuns: 1_000 },
  ));
