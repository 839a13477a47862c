/** What every forecaster keeps. */

import fc from 'fast-check';
import { DAY, HOUR } from '../../core/kernel/index.ts';
import type { Forecaster, HourlyHistory } from '../../core/autoscaling/index.ts';

const TWO_WEEKS_HOURS = 14 * 24;

/** Loads in thousandths, quiet hours among them. */
const load = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 1e9 }).map((thousandths) => thousandths / 1000) },
  { weight: 1, arbitrary: fc.constant(0) },
);
const firstHourMs = fc.integer({ min: -1000, max: 600_000 }).map((hour) => hour * HOUR);
const hours = fc.integer({ min: 1, max: 60 });

/** Any length and any gaps: single hours, long ones, and no data at all. */
const history: fc.Arbitrary<HourlyHistory> = fc
  .record({
    firstHourMs,
    loads: fc.array(load, { maxLength: TWO_WEEKS_HOURS, size: 'max' }),
    gaps: fc.array(fc.tuple(fc.nat(TWO_WEEKS_HOURS), fc.nat(200)), { maxLength: 6 }),
  })
  .map((drawn) => ({
    firstHourMs: drawn.firstHourMs,
    values: drawn.loads.map((value, index) =>
      drawn.gaps.some(([from, length]) => index >= from && index < from + length) ? undefined : value,
    ),
  }));

const isNear = (actual: number, expected: number, tolerance: number): boolean =>
  Math.abs(actual - expected) <= tolerance;

const scaled = ({ firstHourMs: first, values }: HourlyHistory, factor: number): HourlyHistory => ({
  firstHourMs: first,
  values: values.map((value) => (value === undefined ? undefined : value * factor)),
});

export const isLoad = ({ forecast }: Forecaster): fc.IProperty<unknown> =>
  fc.property(history, hours, (past, count) => {
    const loads = forecast(past, count);
    return (
      loads.length === count &&
      loads.every((value) => Number.isFinite(value) && value >= 0 && Object.is(value, Math.round(value * 1e6) / 1e6))
    );
  });

export const isRepeatable = ({ forecast }: Forecaster): fc.IProperty<unknown> =>
  fc.property(history, (past) => {
    const before = JSON.stringify(past);
    const answers = [forecast(past, 48), forecast(structuredClone(past), 48)].map((loads) => JSON.stringify(loads));
    return answers[0] === answers[1] && JSON.stringify(past) === before;
  });

/** To a millionth, and a billionth of the largest load. */
export const continuesPeriods = ({ forecast }: Forecaster, periodHours: number): fc.IProperty<unknown> =>
  fc.property(firstHourMs, fc.array(load, { minLength: periodHours, maxLength: periodHours }), (first, period) => {
    const at = (hour: number): number => period[hour % periodHours]!;
    const values = Array.from({ length: TWO_WEEKS_HOURS }, (_, hour) => at(hour));
    const tolerance = 1e-6 + 1e-9 * Math.max(...period);
    return forecast({ firstHourMs: first, values }, 48).every((value, ahead) =>
      isNear(value, at(TWO_WEEKS_HOURS + ahead), tolerance),
    );
  });

export const keepsTheUnit = ({ forecast }: Forecaster): fc.IProperty<unknown> =>
  fc.property(history, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (past, factor) => {
    const loads = forecast(past, 48);
    const tolerance = 1e-6 * (1 + factor) + 1e-9 * factor * Math.max(...loads);
    return forecast(scaled(past, factor), 48).every((value, ahead) => isNear(value, factor * loads[ahead]!, tolerance));
  });

export const continuesConstants = ({ forecast }: Forecaster): fc.IProperty<unknown> =>
  fc.property(history, load, (past, constant) => {
    const values = [...past.values.map((value) => (value === undefined ? undefined : constant)), constant];
    const loads = forecast({ firstHourMs: past.firstHourMs, values }, 48);
    return loads.every((value) => isNear(value, constant, 1e-6 + 1e-9 * constant));
  });

export const knowsNoDateButTheWeek = ({ forecast }: Forecaster): fc.IProperty<unknown> =>
  fc.property(history, fc.integer({ min: -60, max: 60 }), (past, weeks) => {
    const moved = { ...past, firstHourMs: past.firstHourMs + weeks * 7 * DAY };
    return JSON.stringify(forecast(past, 48)) === JSON.stringify(forecast(moved, 48));
  });
