/** Predictive scaling by AWS's words and numbers. @source spec/autoscaling.md chapter 6 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { capacityForecast, effectiveMaximum } from '../../core/autoscaling/index.ts';

describe('6: the capacity that a load needs', () => {
  for (const [row, load, targetValue, expected] of [
    ['10 tasks at 30 %, target 60: 5', 10 * 30, 60, 5],
    ['a little more load needs one task more', 10 * 30 + 0.1, 60, 6],
    ['an exact quotient is not rounded up by the last bit', 0.1 + 0.2, 0.1, 3],
    ['21 requests a second, 0.7 a task', 21, 0.7, 30],
    ['any load needs a task', 0.001, 60, 1],
    ['no load needs none', 0, 60, 0],
  ] as const)
    test(row, () => assert.equal(capacityForecast(load, targetValue), expected));

  test('whole multiples of any target need as many tasks', () =>
    fc.assert(
      fc.property(fc.nat(5000), fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (tasks, targetValue) =>
        Object.is(capacityForecast(tasks * targetValue, targetValue), tasks),
      ),
    ));
});

describe('6: the maximum that holds', () => {
  for (const [row, forecastCapacity, maxCapacity, bufferPercent, behavior, expected] of [
    ['forecast 50, max 40, buffer 10: 55', 50, 40, 10, 'IncreaseMaxCapacity', 55],
    ['the same, and the maximum is honoured: 40', 50, 40, 10, 'HonorMaxCapacity', 40],
    ['no buffer: the forecast, not more', 50, 40, 0, 'IncreaseMaxCapacity', 50],
    ['the whole forecast once more', 50, 40, 100, 'IncreaseMaxCapacity', 100],
    ['part of a task is a task', 41, 40, 10, 'IncreaseMaxCapacity', 46],
    ['close to the maximum: the buffer exceeds it', 38, 40, 10, 'IncreaseMaxCapacity', 42],
    ['far below it, the maximum is not lowered', 10, 40, 10, 'IncreaseMaxCapacity', 40],
  ] as const)
    test(row, () =>
      assert.equal(effectiveMaximum({ maxCapacity, forecastCapacity, behavior, bufferPercent }), expected),
    );
});
