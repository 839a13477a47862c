import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  alarmState,
  evaluatedValues,
  evolveCloudWatch,
  emptyCloudWatch,
  evaluationRange,
  missingDataTreatments,
  recentDatapoints,
  type AlarmRule,
  type AlarmState,
  type MetricAlarm,
  type Slot,
} from '../../core/cloudwatch/index.ts';
import { MINUTE, SECOND } from '../../core/kernel/index.ts';
import { slotRanges } from '../arbitraries.ts';

const states: readonly AlarmState[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA'];

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

const alarms: fc.Arbitrary<MetricAlarm> = fc.record({
  alarmName: fc.constantFrom('one', 'other'),
  metric: fc.constant('m'),
  metricDelayMs: fc.constantFrom(0, 10 * SECOND, MINUTE, 150 * SECOND),
  statistic: fc.constantFrom('Sum', 'Average', 'Minimum', 'Maximum', 'SampleCount'),
  periodMs: fc.constantFrom(1, 1, 1, 5).map((minutes) => minutes * MINUTE),
  evaluationPeriods: fc.integer({ min: 1, max: 15 }),
  datapointsToAlarm: fc.constant(1),
  threshold: fc.constant(50),
  comparisonOperator: fc.constant('GreaterThanThreshold' as const),
  treatMissingData: fc.constant('missing' as const),
  alarmActions: fc.constant([]),
});

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
      metrics: ['m', 'one that nobody watches'],
      sampleCounts: [samples.count, 1],
      sums: [samples.sum, 1],
      minimums: [samples.low, 1],
      maximums: [samples.high, 1],
    },
    (minute + 1) * MINUTE,
  );
}

/** The plain way: from all that was ever published. */
function naiveValues(alarm: MetricAlarm, all: readonly (Samples | null)[], nowMs: number): (number | undefined)[] {
  const endMs = Math.floor((nowMs - 10 * SECOND) / MINUTE) * MINUTE;
  const count = alarm.evaluationPeriods + 2;
  return Array.from({ length: count }, (_, index) => {
    const startMs = endMs - (count - index) * alarm.periodMs;
    const within: Samples[] = [];
    for (const [minute, samples] of all.entries()) {
      const atMs = minute * MINUTE;
      if (samples === null || atMs < startMs || atMs >= startMs + alarm.periodMs) continue;
      if (atMs + MINUTE + alarm.metricDelayMs <= nowMs) within.push(samples);
    }
    if (within.length === 0) return undefined;
    const sum = within.reduce((total, samples) => total + samples.sum, 0);
    const samples = within.reduce((total, { count: more }) => total + more, 0);
    return {
      Sum: sum,
      SampleCount: samples,
      Average: sum / samples,
      Minimum: Math.min(...within.map(({ low }) => low)),
      Maximum: Math.max(...within.map(({ high }) => high)),
    }[alarm.statistic];
  });
}

test('what an evaluation sees is what was published in time, although a metric keeps only so many datapoints', () =>
  fc.assert(
    fc.property(alarms, alarms, history, fc.integer({ min: 0, max: 59 }), (alarm, other, all, second) => {
      const world = { cloudwatch: emptyCloudWatch() };
      for (const watching of [alarm, other])
        evolveCloudWatch.MetricAlarmPut(world, { type: 'MetricAlarmPut', alarm: watching }, 0);
      for (const [minute, samples] of all.entries()) {
        if (samples !== null) publish(world, minute, samples);
        const nowMs = (minute + 1) * MINUTE + second * SECOND;
        const metric = world.cloudwatch.metrics.get('m');
        const known = all.slice(0, minute + 1);
        for (const watching of [alarm, other]) {
          const values = evaluatedValues(watching, metric, nowMs);
          assert.deepEqual(values, naiveValues(watching, known, nowMs));
          assert.equal(values.length, evaluationRange(watching.evaluationPeriods));
        }
      }
      const longest = Math.max(
        ...[alarm, other].map((item) => ((item.evaluationPeriods + 3) * item.periodMs + item.metricDelayMs) / MINUTE),
      );
      assert.equal(world.cloudwatch.metrics.get('m')!.datapoints.length <= longest, true, 'a metric forgets');
      assert.equal(world.cloudwatch.metrics.size, 1, 'a metric that nobody watches is not kept');
    }),
    { numRuns: 200 },
  ));

test('an action carries the last N datapoints that exist, oldest first', () =>
  fc.assert(
    fc.property(alarms, history, (alarm, all) => {
      const world = { cloudwatch: emptyCloudWatch() };
      evolveCloudWatch.MetricAlarmPut(world, { type: 'MetricAlarmPut', alarm }, 0);
      for (const [minute, samples] of all.entries()) if (samples !== null) publish(world, minute, samples);
      const nowMs = all.length * MINUTE + 30 * SECOND;
      const recent = recentDatapoints(world, alarm.alarmName, nowMs);
      const values = naiveValues(alarm, all, nowMs).filter((value) => value !== undefined);
      assert.deepEqual(
        recent.map(({ value }) => value),
        values.slice(-alarm.evaluationPeriods),
      );
      for (const [index, { startMs }] of recent.entries())
        assert.equal(index === 0 || startMs > recent[index - 1]!.startMs, true);
    }),
    { numRuns: 300 },
  ));
