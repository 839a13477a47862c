import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Clock, DAY, HOUR, MINUTE, periodStart, SECOND } from '../../core/kernel/index.ts';

const runs = { numRuns: 1_000 };

test('units: each is a whole number of the one below', () => {
  assert.deepEqual([SECOND, MINUTE, HOUR, DAY], [1_000, 60_000, 3_600_000, 86_400_000]);
});

test('periodStart: the period holds its instant, starts at a multiple from the epoch, and is its own start', () =>
  fc.assert(
    fc.property(fc.integer({ min: -1e14, max: 1e14 }), fc.integer({ min: 1, max: 40 * DAY }), (atMs, periodMs) => {
      const startMs = periodStart(atMs, periodMs);
      assert.ok(startMs <= atMs && atMs < startMs + periodMs);
      assert.equal(Math.abs(startMs % periodMs), 0);
      assert.equal(periodStart(startMs, periodMs), startMs);
    }),
    runs,
  ));

test('clock: it goes to any later instant and refuses every earlier one', () =>
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.array(fc.maxSafeInteger(), { maxLength: 20 }), (startMs, instants) => {
      const clock = new Clock(startMs);
      let latestMs = startMs;
      for (const atMs of instants) {
        if (atMs < latestMs) assert.throws(() => clock.advanceTo(atMs), /time cannot run back/);
        else clock.advanceTo(atMs);
        latestMs = Math.max(latestMs, atMs);
        clock.advanceTo(latestMs); // to stay is not to run back
        assert.equal(clock.nowMs, latestMs);
      }
    }),
    runs,
  ));

test('clock: an instant that is not a whole millisecond is refused and changes nothing', () =>
  fc.assert(
    fc.property(
      fc.oneof(
        fc.double({ noInteger: true }),
        fc.constantFrom(2 ** 53, -(2 ** 53), Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN),
      ),
      (atMs) => {
        const clock = new Clock(0);
        assert.throws(() => clock.advanceTo(atMs), RangeError);
        assert.equal(clock.nowMs, 0);
      },
    ),
    runs,
  ));
