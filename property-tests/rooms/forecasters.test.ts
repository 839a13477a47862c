import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { forecastError, forecasters, type Forecaster } from '../../core/autoscaling/index.ts';
import { hourProfile, medianOf, usualWithout } from '../../core/autoscaling/forecasters/hourProfile.ts';
import { HOUR, keyedRng } from '../../core/kernel/index.ts';
import {
  continuesConstants,
  continuesPeriods,
  isLoad,
  isRepeatable,
  keepsTheUnit,
  knowsNoDateButTheWeek,
} from '../contracts/forecaster.ts';

/** A Monday, 00:00 UTC. */
const MONDAY_MS = Date.UTC(2030, 0, 7);
const DAY_HOURS = 24;
const WEEK_HOURS = 168;

for (const [name, forecaster] of Object.entries(forecasters))
  describe(name, () => {
    const numRuns = 150;
    test('a forecast is one load an hour, for any gaps', () => fc.assert(isLoad(forecaster), { numRuns }));
    test('the same history has the same forecast, and is left as it was', () =>
      fc.assert(isRepeatable(forecaster), { numRuns }));
    test('what repeats each day goes on', () => fc.assert(continuesPeriods(forecaster, DAY_HOURS), { numRuns }));
    test('what repeats each week goes on', () => fc.assert(continuesPeriods(forecaster, WEEK_HOURS), { numRuns }));
    test('a load in another unit has the same forecast in that unit', () =>
      fc.assert(keepsTheUnit(forecaster), { numRuns }));
    test('what never changes goes on, whatever was missed', () =>
      fc.assert(continuesConstants(forecaster), { numRuns }));
    test('another week in the calendar changes nothing', () =>
      fc.assert(knowsNoDateButTheWeek(forecaster), { numRuns }));
  });

/** 20 by night, 100 by day; half of it on Saturday and Sunday. */
function usualLoad(hour: number): number {
  const byDay = hour % DAY_HOURS >= 8 && hour % DAY_HOURS < 20 ? 100 : 20;
  return hour % WEEK_HOURS >= 5 * DAY_HOURS ? byDay / 2 : byDay;
}

function loads(fromHour: number, count: number, at: (hour: number) => number | undefined): (number | undefined)[] {
  return Array.from({ length: count }, (_, index) => at(fromHour + index));
}

test('what is usual without an hour is the median of the others at its hour of the period', () =>
  fc.assert(
    fc.property(
      fc.array(fc.nat(20), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: -50, max: 50 }),
      (values, first) =>
        values.every((value, index) => {
          const others = values.filter((_, other) => other !== index && (other - index) % 7 === 0);
          return usualWithout(hourProfile(first, values, 7), first + index, value) === medianOf(others);
        }),
    ),
  ));

test('a median is the middle, or half-way between the two in the middle', () => {
  assert.equal(medianOf([9, undefined, 1, 4]), 4);
  assert.equal(medianOf([9, 1, 4, 7]), 5.5);
  assert.equal(medianOf([undefined]), undefined);
});

describe('the seasonal median', () => {
  const { forecast } = forecasters.seasonalMedian;
  const after = (values: readonly (number | undefined)[], hours = 48) =>
    forecast({ firstHourMs: MONDAY_MS, values }, hours);

  test('one day is all there is: the next two are like it', () => {
    const values = loads(0, DAY_HOURS, (hour) => hour);
    assert.deepEqual(after(values), [...values, ...values]);
  });

  test('the hour of the week comes before the hour of the day: after Friday, a weekend', () => {
    const values = loads(0, WEEK_HOURS + 5 * DAY_HOURS, usualLoad);
    assert.deepEqual(after(values), loads(5 * DAY_HOURS, 48, usualLoad));
  });

  test('a day of the week that was not seen yet is like the median day, not like the day that stood out', () => {
    const values = loads(0, 5 * DAY_HOURS, (hour) => (hour < DAY_HOURS ? 1000 : usualLoad(hour)));
    assert.deepEqual(after(values), [...loads(0, DAY_HOURS, usualLoad), ...loads(0, DAY_HOURS, usualLoad)]);
  });

  test('an hour of the day that was never seen is like the last 24 hours', () => {
    const values = loads(0, 3 * DAY_HOURS, (hour) => (hour % DAY_HOURS < 6 ? undefined : hour));
    assert.deepEqual(after(values, 7), [62.5, 62.5, 62.5, 62.5, 62.5, 62.5, 30]);
  });

  test('when the last 24 hours were not seen either, it is like what was', () => {
    const values = loads(0, 2 * DAY_HOURS, (hour) => (hour < 3 ? 10 * hour : undefined));
    assert.deepEqual(after(values, 5), [0, 10, 20, 10, 10]);
  });

  test('two weeks that differ are met half-way', () => {
    const values = loads(0, 2 * WEEK_HOURS, (hour) => (hour < WEEK_HOURS ? 10 : 20));
    assert.deepEqual(after(values, 2), [15, 15]);
  });
});

describe('the seasonal combination', () => {
  const { forecast } = forecasters.seasonalCombination;

  test('one day is all there is: the next two are like it', () => {
    const values = loads(0, DAY_HOURS, usualLoad);
    assert.deepEqual(forecast({ firstHourMs: MONDAY_MS, values }, 48), [...values, ...values]);
  });

  test('a load that doubled on Monday is known by Wednesday: the error is less than half of what the median makes', () => {
    const at = (hour: number): number => usualLoad(hour) * (hour < 2 * WEEK_HOURS ? 1 : 2);
    const from = 2 * DAY_HOURS;
    const past = { firstHourMs: MONDAY_MS + from * HOUR, values: loads(from, 2 * WEEK_HOURS, at) };
    const came = loads(from + 2 * WEEK_HOURS, 48, at);
    const error = forecastError(forecast(past, 48), came)!;
    const ofMedian = forecastError(forecasters.seasonalMedian.forecast(past, 48), came)!;
    assert.equal(ofMedian.errorPercent, 50);
    assert.ok(error.errorPercent < 25, `${error.errorPercent} %`);
  });

  test('one wild hour moves the days after it by little', () => {
    const wild = 2 * WEEK_HOURS - 30;
    const values = loads(0, 2 * WEEK_HOURS, (hour) => usualLoad(hour) * (hour === wild ? 20 : 1));
    const error = forecastError(forecast({ firstHourMs: MONDAY_MS, values }, 48), loads(0, 48, usualLoad))!;
    assert.ok(error.errorPercent < 10, `${error.errorPercent} %`);
  });
});

/** Mean error over four weeks from the second week on, a forecast every 6 hours, by how many hours ahead. */
function rollingErrors(
  { forecast }: Forecaster,
  series: readonly number[],
  fromAhead: number,
  toAhead: number,
): number {
  const predicted: number[] = [];
  const came: number[] = [];
  for (let now = 2 * WEEK_HOURS; now + toAhead <= series.length; now += 6) {
    const firstHour = now - 2 * WEEK_HOURS;
    const values = series.slice(firstHour, now);
    const ahead = forecast({ firstHourMs: MONDAY_MS + firstHour * HOUR, values }, toAhead);
    predicted.push(...ahead.slice(fromAhead - 1));
    came.push(...series.slice(now + fromAhead - 1, now + toAhead));
  }
  return forecastError(predicted, came)!.errorPercent;
}

describe('rolling forecasts of a noisy service whose load doubles for good', () => {
  const draws = keyedRng(7).at('noise', 0);
  const noise = Array.from({ length: 6 * WEEK_HOURS }, () => 1 + 0.08 * draws.normal(0, 1));
  const steady = noise.map((factor, hour) => usualLoad(hour) * factor);
  const doubled = steady.map((value, hour) => (hour < 3 * WEEK_HOURS + 33 ? value : 2 * value));
  const { seasonalMedian, seasonalCombination } = forecasters;

  for (const [span, from, to, share] of [
    ['the next 6 hours', 1, 6, 0.5],
    ['the rest of the day', 7, 24, 0.7],
    ['the second day', 25, 48, 0.9],
  ] as const)
    test(`${span}: the combination errs less than ${share} times as much as the median`, () => {
      const combined = rollingErrors(seasonalCombination, doubled, from, to);
      const median = rollingErrors(seasonalMedian, doubled, from, to);
      assert.ok(combined < share * median, `${combined} % against ${median} %`);
    });

  test('where nothing happens it errs hardly more', () => {
    const combined = rollingErrors(seasonalCombination, steady, 1, 48);
    const median = rollingErrors(seasonalMedian, steady, 1, 48);
    assert.ok(combined < 1.2 * median, `${combined} % against ${median} %`);
  });
});

describe('the error of a forecast', () => {
  for (const [row, forecast, actual, expected] of [
    ['distances and differences, by the load', [110, 80, 50], [100, 100, 50], { errorPercent: 12, biasPercent: -4 }],
    [
      'hours that are not known count for nothing',
      [110, 7, 9],
      [100, undefined],
      { errorPercent: 10, biasPercent: 10 },
    ],
    ['an exact one', [3, 4], [3, 4], { errorPercent: 0, biasPercent: 0 }],
    ['rounded to a millionth', [2], [3], { errorPercent: 33.333333, biasPercent: -33.333333 }],
    ['no hour is known yet', [1, 2], [undefined], undefined],
    ['no hour at all', [], [5], undefined],
    ['of no load there are no percents', [1, 0], [0, 0], undefined],
  ] as const)
    test(row, () => assert.deepEqual(forecastError(forecast, actual), expected));
});
