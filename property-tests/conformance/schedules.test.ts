/** When schedules are due. @source spec/autoscaling.md 5.2 to 5.5 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextScheduledTime, scheduleProblem } from '../../core/autoscaling/index.ts';
import { MINUTE } from '../../core/kernel/index.ts';

/** The first so many instants after `from`, as UTC. */
function firings(expression: string, from: string, count: number, timeZone = 'UTC'): string[] {
  assert.equal(scheduleProblem(expression, timeZone), undefined);
  const fromMs = Date.parse(from);
  const found: string[] = [];
  let nextMs: number | undefined = fromMs;
  while (found.length < count) {
    nextMs = nextScheduledTime(expression, timeZone, nextMs, fromMs);
    if (nextMs === undefined) break;
    found.push(new Date(nextMs).toISOString().replace(':00.000Z', 'Z'));
  }
  return found;
}

const MONDAY = '2030-01-07T00:00:00Z';

describe('5.5: the documented expressions', () => {
  for (const [expression, meaning, expected] of [
    ['cron(0 10 * * ? *)', 'daily 10:00', ['2030-01-07T10:00Z', '2030-01-08T10:00Z']],
    ['cron(15 12 * * ? *)', 'daily 12:15', ['2030-01-07T12:15Z', '2030-01-08T12:15Z']],
    [
      'cron(0 18 ? * MON-FRI *)',
      'weekdays 18:00',
      ['07', '08', '09', '10', '11', '14'].map((day) => `2030-01-${day}T18:00Z`),
    ],
    ['cron(0 8 1 * ? *)', 'the 1st of the month 08:00', ['2030-02-01T08:00Z', '2030-03-01T08:00Z']],
    [
      'cron(0/15 * * * ? *)',
      'every 15 minutes',
      ['2030-01-07T00:15Z', '2030-01-07T00:30Z', '2030-01-07T00:45Z', '2030-01-07T01:00Z'],
    ],
    ['cron(1/10 * * * ? *)', 'minutes 1, 11, 21', ['2030-01-07T00:01Z', '2030-01-07T00:11Z', '2030-01-07T00:21Z']],
    ['cron(5,35 14 * * ? *)', 'daily 14:05 and 14:35', ['2030-01-07T14:05Z', '2030-01-07T14:35Z', '2030-01-08T14:05Z']],
    ['cron(0 9 ? * 2#1 *)', 'first Monday 09:00', ['2030-01-07T09:00Z', '2030-02-04T09:00Z']],
    ['cron(0 9 ? * 3#2 *)', 'second Tuesday 09:00', ['2030-01-08T09:00Z', '2030-02-12T09:00Z']],
    ['cron(0 9 L * ? *)', 'last day of the month', ['2030-01-31T09:00Z', '2030-02-28T09:00Z']],
    ['cron(0 9 3W * ? *)', 'weekday nearest the 3rd', ['2030-02-04T09:00Z', '2030-03-04T09:00Z', '2030-04-03T09:00Z']],
    ['cron(30 6 ? * MON *)', 'Monday 06:30', ['2030-01-07T06:30Z', '2030-01-14T06:30Z']],
    ['cron(30 6 ? * 2 *)', '2 is Monday', ['2030-01-07T06:30Z', '2030-01-14T06:30Z']],
    ['cron(30 6 ? * 1 *)', '1 is Sunday', ['2030-01-13T06:30Z', '2030-01-20T06:30Z']],
    ['cron(30 6 ? * 7 *)', '7 is Saturday', ['2030-01-12T06:30Z', '2030-01-19T06:30Z']],
    ['cron(0 9 1 JAN ? 2031)', 'one year only', ['2031-01-01T09:00Z']],
    ['cron(0 9 1 1 ? 2029)', 'a year that has passed', []],
    ['cron(0 9 29 2 ? *)', '29 February', ['2032-02-29T09:00Z', '2036-02-29T09:00Z']],
  ] as const)
    test(`${expression}: ${meaning}`, () =>
      assert.deepEqual(firings(expression, MONDAY, expected.length || 1), expected));

  test('cron(0/10 * ? * MON-FRI *): every ten minutes from Monday to Friday', () => {
    const found = firings('cron(0/10 * ? * MON-FRI *)', '2030-01-11T23:30:00Z', 4);
    assert.deepEqual(found, ['2030-01-11T23:40Z', '2030-01-11T23:50Z', '2030-01-14T00:00Z', '2030-01-14T00:10Z']);
  });

  test('cron(0/5 8-17 ? * MON-FRI *): every five minutes from 08:00 to 17:55', () => {
    const found = firings('cron(0/5 8-17 ? * MON-FRI *)', MONDAY, 121);
    assert.equal(found[0], '2030-01-07T08:00Z');
    assert.equal(found[119], '2030-01-07T17:55Z');
    assert.equal(found[120], '2030-01-08T08:00Z');
  });

  test('cron(0/30 20-2 ? * MON-FRI *): a range may wrap: hours 20 to 23 and 0 to 2', () => {
    const found = firings('cron(0/30 20-2 ? * MON-FRI *)', '2030-01-07T01:45:00Z', 10);
    assert.deepEqual(found, [
      '2030-01-07T02:00Z',
      '2030-01-07T02:30Z',
      ...['20:00', '20:30', '21:00', '21:30', '22:00', '22:30', '23:00', '23:30'].map((time) => `2030-01-07T${time}Z`),
    ]);
  });

  test('cron(15 10 ? * 6L 2019-2022): the last Friday of each month, 2019 to 2022', () => {
    const found = firings('cron(15 10 ? * 6L 2019-2022)', '2018-06-01T00:00:00Z', 99);
    assert.equal(found.length, 48);
    assert.deepEqual(found.slice(0, 3), ['2019-01-25T10:15Z', '2019-02-22T10:15Z', '2019-03-29T10:15Z']);
    assert.equal(found.at(-1), '2022-12-30T10:15Z');
  });

  test('at(2021-03-31T22:00:00) fires once', () => {
    assert.deepEqual(firings('at(2021-03-31T22:00:00)', '2021-03-01T00:00:00Z', 5), ['2021-03-31T22:00Z']);
    assert.deepEqual(firings('at(2021-03-31T22:00:00)', '2021-03-31T22:00:00Z', 5), []);
  });

  test('at(2021-01-31T17:00:00) in America/New_York is 22:00 UTC', () =>
    assert.deepEqual(firings('at(2021-01-31T17:00:00)', '2021-01-01T00:00:00Z', 2, 'America/New_York'), [
      '2021-01-31T22:00Z',
    ]));

  test('rate(5 hours) from 2021-01-30T12:00: 17 and 22 h, then 03, 08, 13, 18 h', () =>
    assert.deepEqual(firings('rate(5 hours)', '2021-01-30T12:00:00Z', 6), [
      '2021-01-30T17:00Z',
      '2021-01-30T22:00Z',
      '2021-01-31T03:00Z',
      '2021-01-31T08:00Z',
      '2021-01-31T13:00Z',
      '2021-01-31T18:00Z',
    ]));

  test('a rate keeps its own beat, whenever it is asked', () => {
    const anchorMs = Date.parse('2030-01-07T00:03:00Z');
    const ask = (afterMs: number) => nextScheduledTime('rate(10 minutes)', 'UTC', afterMs, anchorMs);
    assert.equal(ask(anchorMs), anchorMs + 10 * MINUTE);
    assert.equal(ask(anchorMs + 10 * MINUTE - 1), anchorMs + 10 * MINUTE);
    assert.equal(ask(anchorMs + 10 * MINUTE), anchorMs + 20 * MINUTE);
    assert.equal(ask(anchorMs + 95 * MINUTE), anchorMs + 100 * MINUTE);
  });
});

describe('5.3: time zones', () => {
  test('Etc/GMT+9 is UTC-9: weekdays 18:00 there are 03:00 UTC of the next day', () =>
    assert.deepEqual(firings('cron(0 18 ? * MON-FRI *)', MONDAY, 2, 'Etc/GMT+9'), [
      '2030-01-08T03:00Z',
      '2030-01-09T03:00Z',
    ]));

  test('a local time follows the clocks: 09:00 in New York is 14:00 UTC in winter and 13:00 in summer', () => {
    assert.deepEqual(firings('cron(0 9 * * ? *)', '2030-03-09T00:00:00Z', 3, 'America/New_York'), [
      '2030-03-09T14:00Z',
      '2030-03-10T13:00Z',
      '2030-03-11T13:00Z',
    ]);
    assert.deepEqual(firings('cron(0 9 * * ? *)', '2030-11-02T00:00:00Z', 3, 'America/New_York'), [
      '2030-11-02T13:00Z',
      '2030-11-03T14:00Z',
      '2030-11-04T14:00Z',
    ]);
  });

  test('a local time that the clocks skip is skipped (New York, 10 March 2030, 02:30)', () =>
    assert.deepEqual(firings('cron(30 2 * * ? *)', '2030-03-09T00:00:00Z', 3, 'America/New_York'), [
      '2030-03-09T07:30Z',
      '2030-03-11T06:30Z',
      '2030-03-12T06:30Z',
    ]));

  test('a local time that comes twice fires once, the first time (New York, 3 November 2030, 01:30)', () =>
    assert.deepEqual(firings('cron(30 1 * * ? *)', '2030-11-02T00:00:00Z', 3, 'America/New_York'), [
      '2030-11-02T05:30Z',
      '2030-11-03T05:30Z',
      '2030-11-04T06:30Z',
    ]));

  test('at: the same in the gap and in the overlap', () => {
    assert.deepEqual(firings('at(2030-03-10T02:30:00)', MONDAY, 2, 'America/New_York'), []);
    assert.deepEqual(firings('at(2030-11-03T01:30:00)', MONDAY, 2, 'America/New_York'), ['2030-11-03T05:30Z']);
  });

  test('every 15 minutes over the gap: there is no hour 2, and nothing is lost after it', () =>
    assert.deepEqual(firings('cron(0/30 1-3 * * ? *)', '2030-03-10T05:00:00Z', 4, 'America/New_York'), [
      '2030-03-10T06:00Z',
      '2030-03-10T06:30Z',
      '2030-03-10T07:00Z',
      '2030-03-10T07:30Z',
    ]));

  test('a rate ignores the zone: a day is 24 hours', () =>
    assert.deepEqual(firings('rate(1 day)', '2030-03-09T12:00:00Z', 2, 'America/New_York'), [
      '2030-03-10T12:00Z',
      '2030-03-11T12:00Z',
    ]));

  test('clocks that change by half an hour (Lord Howe, 7 April 2030, 01:45 comes twice)', () =>
    assert.deepEqual(firings('cron(45 1 * * ? *)', '2030-04-05T12:00:00Z', 3, 'Australia/Lord_Howe'), [
      '2030-04-05T14:45Z',
      '2030-04-06T14:45Z',
      '2030-04-07T15:15Z',
    ]));
});

describe('5.2: what is refused', () => {
  for (const [expression, says] of [
    ['rate(1 hours)', /rate\(1 hours\), expected hour/],
    ['rate(5 hour)', /rate\(5 hour\), expected hours/],
    ['rate(0 minutes)', /positive/],
    ['rate(1.5 hours)', /expected at/],
    ['rate(5 seconds)', /expected at/],
    ['cron(30 6 * * 2 *)', /exactly one to be \?/],
    ['cron(30 6 * * * *)', /exactly one to be \?/],
    ['cron(30 6 ? * ? *)', /exactly one to be \?/],
    ['cron(30 6 * * ?)', /found 5 cron fields, expected six/],
    ['cron(0 30 6 * * ? *)', /found 7 cron fields/],
    ['cron(60 6 * * ? *)', /cannot be read/],
    ['cron(0 24 * * ? *)', /cannot be read/],
    ['cron(0 6 32 * ? *)', /cannot be read/],
    ['cron(0 6 ? * 0 *)', /day-of-week 0, expected 1 to 7/],
    ['cron(0 6 ? * 8 *)', /day-of-week 8/],
    ['at(2030-01-07 08:00:00)', /expected at/],
    ['at(2030-13-07T08:00:00)', /a date that exists/],
    ['at(2030-02-30T08:00:00)', /a date that exists/],
    ['every day', /expected at/],
  ] as const)
    test(expression, () => assert.match(scheduleProblem(expression, 'UTC') ?? 'nothing', says));

  test('a time zone that does not exist', () =>
    assert.match(scheduleProblem('rate(1 hour)', 'Mars/Olympus') ?? 'nothing', /IANA name/));
});
