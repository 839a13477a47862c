/** When schedules are due, and what scheduled actions do then. @source spec/autoscaling.md chapter 5, 8 (C2) */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scheduledTimes, scheduleProblem } from '../../core/autoscaling/index.ts';
import { DAY } from '../../core/kernel/index.ts';
import { scenarioProblems, scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import { endOf, quietScenario } from '../arbitraries.ts';

interface Limits {
  readonly start?: string;
  readonly end?: string;
}

/** The first so many instants from `from` on, as UTC. */
function firings(expression: string, from: string, count: number, timeZone = 'UTC', { start, end }: Limits = {}) {
  assert.equal(scheduleProblem(expression, timeZone), undefined);
  const fromMs = Date.parse(from);
  return scheduledTimes(expression, {
    timeZone,
    fromMs,
    toMs: fromMs + 8 * 366 * DAY,
    startMs: start === undefined ? undefined : Date.parse(start),
    endMs: end === undefined ? undefined : Date.parse(end),
  })
    .slice(0, count)
    .map(utc);
}

const utc = (atMs: number): string => new Date(atMs).toISOString().replace(':00.000Z', 'Z');

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
      ['2030-01-07T00:00Z', '2030-01-07T00:15Z', '2030-01-07T00:30Z', '2030-01-07T00:45Z', '2030-01-07T01:00Z'],
    ],
    ['cron(1/10 * * * ? *)', 'minutes 1, 11, 21', ['2030-01-07T00:01Z', '2030-01-07T00:11Z', '2030-01-07T00:21Z']],
    ['cron(5,35 14 * * ? *)', 'daily 14:05 and 14:35', ['2030-01-07T14:05Z', '2030-01-07T14:35Z', '2030-01-08T14:05Z']],
    ['cron(0 9 ? * 2#1 *)', 'first Monday 09:00', ['2030-01-07T09:00Z', '2030-02-04T09:00Z']],
    ['cron(0 9 ? * 3#2 *)', 'second Tuesday 09:00', ['2030-01-08T09:00Z', '2030-02-12T09:00Z']],
    ['cron(0 9 L * ? *)', 'last day of the month', ['2030-01-31T09:00Z', '2030-02-28T09:00Z']],
    ['cron(0 9 3W * ? *)', 'weekday nearest the 3rd', ['2030-02-04T09:00Z', '2030-03-04T09:00Z', '2030-04-03T09:00Z']],
    ['cron(0 9 31W * ? *)', 'never past the month', ['2030-01-31T09:00Z', '2030-03-29T09:00Z', '2030-05-31T09:00Z']],
    ['cron(0 9 1W 6-9 ? *)', 'never before the month', ['2030-06-03T09:00Z', '2030-07-01T09:00Z', '2030-08-01T09:00Z']],
    ['cron(0 9 LW * ? *)', 'last weekday', ['2030-01-31T09:00Z', '2030-02-28T09:00Z', '2030-03-29T09:00Z']],
    ['cron(0 9 ? * L *)', 'last day of the week', ['2030-01-12T09:00Z', '2030-01-19T09:00Z']],
    ['cron(0 9 ? * friL *)', 'last Friday', ['2030-01-25T09:00Z', '2030-02-22T09:00Z']],
    ['cron(0 9 ? * TUE#5 *)', 'fifth Tuesday', ['2030-01-29T09:00Z', '2030-04-30T09:00Z', '2030-07-30T09:00Z']],
    [
      'cron(0 9 ? * SAT-MON *)',
      'a range of weekdays may wrap',
      ['07', '12', '13', '14'].map((day) => `2030-01-${day}T09:00Z`),
    ],
    [
      'cron(0 9 1 NOV-FEB/2 ? *)',
      'months wrap too: 11, 1',
      ['2030-11-01T09:00Z', '2031-01-01T09:00Z', '2031-11-01T09:00Z'],
    ],
    [
      'cron(0 9 1 2/5 ? 2030/3)',
      'months 2, 7, 12; years 2030, 2033',
      ['2030-02', '2030-07', '2030-12', '2033-02'].map((month) => `${month}-01T09:00Z`),
    ],
    ['cron(0 9 * * ? *)', 'daily 09:00', ['2030-01-07T09:00Z', '2030-01-08T09:00Z']],
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
    const found = firings('cron(0/10 * ? * MON-FRI *)', '2030-01-11T23:35:00Z', 4);
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
    assert.deepEqual(firings('at(2021-03-31T22:00:00)', '2021-03-31T22:00:00Z', 5), ['2021-03-31T22:00Z']);
    assert.deepEqual(firings('at(2021-03-31T22:00:00)', '2021-03-31T22:00:01Z', 5), []);
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

  test('rate(5 hours), StartTime 2021-01-30T12:00, EndTime 2021-01-31T22:00: seven firings, the first at StartTime', () =>
    assert.deepEqual(
      firings('rate(5 hours)', '2021-01-30T00:00:00Z', 99, 'UTC', {
        start: '2021-01-30T12:00:00Z',
        end: '2021-01-31T22:00:00Z',
      }),
      ['30T12', '30T17', '30T22', '31T03', '31T08', '31T13', '31T18'].map((time) => `2021-01-${time}:00Z`),
    ));
});

describe('5.4: StartTime and EndTime', () => {
  const daily = 'cron(0 9 * * ? *)';

  test('StartTime fires itself, then the recurrence', () =>
    assert.deepEqual(firings(daily, MONDAY, 3, 'UTC', { start: '2030-01-08T10:30:00Z' }), [
      '2030-01-08T10:30Z',
      '2030-01-09T09:00Z',
      '2030-01-10T09:00Z',
    ]));

  test('StartTime at an occurrence fires once', () =>
    assert.deepEqual(firings(daily, MONDAY, 2, 'UTC', { start: '2030-01-08T09:00:00Z' }), [
      '2030-01-08T09:00Z',
      '2030-01-09T09:00Z',
    ]));

  test('StartTime in the past: the first match to come; a rate keeps its beat', () => {
    const start = '2030-01-06T23:50:00Z';
    assert.deepEqual(firings(daily, MONDAY, 1, 'UTC', { start }), ['2030-01-07T09:00Z']);
    assert.deepEqual(firings('rate(15 minutes)', MONDAY, 2, 'UTC', { start }), [
      '2030-01-07T00:05Z',
      '2030-01-07T00:20Z',
    ]);
  });

  test('EndTime is the last instant that fires', () => {
    const ending = (end: string) => firings(daily, MONDAY, 9, 'UTC', { end }).length;
    assert.equal(ending('2030-01-09T09:00:00Z'), 3);
    assert.equal(ending('2030-01-09T08:59:59Z'), 2);
    assert.equal(ending('2030-01-01T00:00:00Z'), 0);
  });

  test('they are UTC, whatever the zone of the schedule', () =>
    assert.deepEqual(
      firings(daily, MONDAY, 9, 'Asia/Kolkata', { start: '2030-01-08T03:29:00Z', end: '2030-01-09T03:30:00Z' }),
      ['2030-01-08T03:29Z', '2030-01-08T03:30Z', '2030-01-09T03:30Z'],
    ));

  test('at heeds neither', () =>
    assert.deepEqual(
      firings('at(2030-01-08T09:00:00)', MONDAY, 9, 'UTC', {
        start: '2030-02-01T00:00:00Z',
        end: '2030-01-08T00:00:00Z',
      }),
      ['2030-01-08T09:00Z'],
    ));
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
    const [timeZone, fromMs, toMs] = ['America/New_York', Date.parse(MONDAY), Date.parse('2031-01-01T00:00:00Z')];
    assert.deepEqual(scheduledTimes('at(2030-03-10T02:30:00)', { timeZone, fromMs, toMs }), []);
    assert.match(
      scheduleProblem('at(2030-03-10T02:30:00)', timeZone) ?? '',
      /never fire: the clocks of America\/New_York skip/,
    );
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
    ['rate(1 day s)', /expected at/],
    ['rate(99999999999 days)', /never fire/],
    ['rate(1.5 hours)', /expected at/],
    ['rate(5 seconds)', /expected at/],
    ['cron(30 6 * * 2 *)', /exactly one to be \?/],
    ['cron(30 6 * * * *)', /exactly one to be \?/],
    ['cron(30 6 ? * ? *)', /exactly one to be \?/],
    ['cron(30 6 * * ?)', /found 5 cron fields, expected six/],
    ['cron(0 30 6 * * ? *)', /found 7 cron fields/],
    ['cron(60 6 * * ? *)', /found minutes 60, expected 0 to 59/],
    ['cron(0 24 * * ? *)', /found hours 24, expected 0 to 23/],
    ['cron(0 6 32 * ? *)', /found day-of-month 32, expected 1 to 31/],
    ['cron(0 6 ? * 0 *)', /day-of-week 0, expected 1 to 7/],
    ['cron(0 6 ? * 8 *)', /day-of-week 8, expected 1 to 7/],
    ['cron(0 6 ? * 0-3 *)', /day-of-week 0, expected 1 to 7/],
    ['cron(0 6 ? * 8L *)', /found "8L" as day-of-week, expected .* 3#2 alone/],
    ['cron(0 6 ? * 3#6 *)', /found "3#6" as day-of-week/],
    ['cron(0 6 ? * 3#1,6#3 *)', /found "3#1,6#3" as day-of-week/],
    ['cron(0 6 1,L * ? *)', /found "1,L" as day-of-month/],
    ['cron(0 6 32W * ? *)', /found "32W" as day-of-month/],
    ['cron(0 L * * ? *)', /found "L" as hours, expected values, ranges and steps from 0 to 23$/],
    ['cron(? 6 * * ? *)', /found "\?" as minutes/],
    ['cron(0/0 6 * * ? *)', /a step of 1 or more/],
    ['cron(0 6 * JAM ? *)', /found "JAM" as month, expected .*1 to 12 \(JAN to DEC\)/],
    ['cron(0 6 * 13 ? *)', /found month 13/],
    ['cron(0 6 * * ? 1969)', /found year 1969, expected 1970 to 2199/],
    ['cron(0 6 * * ? 2200)', /found year 2200/],
    ['cron(0 6 * * ? 2022-2019)', /the earlier year first/],
    ['cron(0 6 30 2 ? *)', /never fire/],
    ['cron(0 6 31 APR,JUN ? *)', /never fire/],
    ['cron(0 6 29 2 ? 2031)', /never fire/],
    ['cron()', /expected at/],
    ['at(2030-01-07 08:00:00)', /expected at/],
    ['at(2030-13-07T08:00:00)', /a date that exists/],
    ['at(2030-02-30T08:00:00)', /a date that exists/],
    ['every day', /expected at/],
  ] as const)
    test(expression, () => assert.match(scheduleProblem(expression, 'UTC') ?? 'nothing', says));

  test('a time zone that does not exist', () =>
    assert.match(scheduleProblem('rate(1 hour)', 'Mars/Olympus') ?? 'nothing', /IANA name/));
});

type Action = NonNullable<NonNullable<ScenarioInput['scalableTargets']>[number]['scheduledActions']>[number];

function voyage(start: string, duration: string, desiredCount: number, scheduledActions: Action[]) {
  return scenarioSchema.parse(
    quietScenario({
      start,
      duration,
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount, launchType: 'FARGATE' }],
      scalableTargets: [{ service: 'web', MinCapacity: 1, MaxCapacity: 20, scheduledActions }],
    }),
  );
}

function sail(...voyageOf: Parameters<typeof voyage>) {
  const scenario = voyage(...voyageOf);
  assert.deepEqual(scenarioProblems(scenario), []);
  const simulation = simulate(scenario);
  simulation.runUntil(endOf(scenario));
  const log = [...simulation.log].map(({ atMs, event }) => ({ at: utc(atMs).slice(11), ...event }));
  return {
    triggered: log.flatMap((event) => (event.type === 'ScheduledActionTriggered' ? [event] : [])),
    scaled: log.flatMap((event) =>
      event.type === 'ScalingActivityStarted' ? [`${event.at} ${event.fromCapacity} -> ${event.toCapacity}`] : [],
    ),
    bounds: log.flatMap((event) =>
      event.type === 'ScalableTargetBoundsChanged'
        ? [`${event.at} ${event.scheduledActionName} ${event.minCapacity}..${event.maxCapacity}`]
        : [],
    ),
  };
}

const action = (name: string, Schedule: string, min?: number, max?: number, more: Partial<Action> = {}): Action => ({
  ScheduledActionName: name,
  Schedule,
  ScalableTargetAction: {
    ...(min === undefined ? {} : { MinCapacity: min }),
    ...(max === undefined ? {} : { MaxCapacity: max }),
  },
  ...more,
});

describe('5.1: what an occurrence does', () => {
  test('5.5: at 22:00 at least 3, at 22:30 none: out to 3 and in to 0, and the bounds stay', () => {
    const { scaled, bounds } = sail('2021-03-31T21:30:00Z', '3h', 2, [
      action('out', 'at(2021-03-31T22:00:00)', 3),
      action('in', 'at(2021-03-31T22:30:00)', 0, 0),
    ]);
    assert.deepEqual(scaled, ['22:00Z 2 -> 3', '22:30Z 3 -> 0']);
    assert.deepEqual(bounds, ['22:00Z out 3..20', '22:30Z in 0..0']);
  });

  test('5.5: daily 09:00 between 10 and 50; a capacity within the new bounds stays', () => {
    const { scaled, bounds } = sail(MONDAY, '2d', 12, [action('day', 'cron(0 9 * * ? *)', 10, 50)]);
    assert.deepEqual(bounds, ['09:00Z day 10..50', '09:00Z day 10..50']);
    assert.deepEqual(scaled, []);
  });

  test('StartTime and EndTime of a scenario, and nothing is restored after the end', () => {
    const limits = { StartTime: '2030-01-07T00:20:00Z', EndTime: '2030-01-07T01:10:00Z' };
    const { triggered, scaled } = sail(MONDAY, '3h', 2, [action('often', 'rate(25 minutes)', 4, undefined, limits)]);
    assert.deepEqual(
      triggered.map(({ at }) => at),
      ['00:20Z', '00:45Z', '01:10Z'],
    );
    assert.deepEqual(scaled, ['00:20Z 2 -> 4']);
  });

  test('what is due at the first instant of a run fires, and a rate waits its interval', () => {
    const { triggered } = sail(MONDAY, '1h', 2, [
      action('cron', 'cron(0 0 * * ? *)', 3),
      action('start', 'cron(30 5 * * ? *)', 3, undefined, { StartTime: MONDAY }),
      action('rate', 'rate(40 minutes)', 3),
    ]);
    assert.deepEqual(
      triggered.map(({ at, scheduledActionName }) => `${at} ${scheduledActionName}`),
      ['00:00Z cron', '00:00Z start', '00:40Z rate'],
    );
  });

  test('at one instant the actions of a target go in the order specified, however long each has waited', () => {
    // The second one has waited for longer: the first asks for its next occurrence every 15 minutes.
    const { bounds } = sail(MONDAY, '80m', 2, [
      action('often', 'rate(15 minutes)', 2, 5),
      action('once', 'at(2030-01-07T01:00:00)', 4, 9),
    ]);
    assert.deepEqual(
      bounds.filter((text) => text.startsWith('01:')),
      ['01:00Z often 2..5', '01:00Z once 4..9', '01:15Z often 2..5'],
    );
  });

  test('one-sided, and across the other bound: it fails, is used up, and later actions are not affected', () => {
    const { triggered, bounds, scaled } = sail(MONDAY, '3h', 2, [
      action('above', 'at(2030-01-07T00:30:00)', 30),
      action('below', 'cron(0 1 * * ? *)', undefined, 0),
      action('sound', 'at(2030-01-07T02:00:00)', 6),
    ]);
    assert.deepEqual(
      triggered.map(({ at, failure }) => [at, failure]),
      [
        ['00:30Z', 'ValidationException: minimum 30 would be above maximum 20'],
        ['01:00Z', 'ValidationException: minimum 1 would be above maximum 0'],
        ['02:00Z', undefined],
      ],
    );
    assert.deepEqual(bounds, ['02:00Z sound 6..20']);
    assert.deepEqual(scaled, ['02:00Z 2 -> 6']);
  });
});

test('a scenario tells where an action is wrong', () => {
  const said = (more: Partial<Action>) =>
    scenarioProblems(voyage(MONDAY, '1h', 2, [action('odd', 'rate(5 minutes)', 3, undefined, more)])).map(
      ({ path, message }) => `${path.slice(4).join('.')}: ${message}`,
    );
  assert.deepEqual(said({ StartTime: '2030-01-08', EndTime: '2030-01-07' }), [
    'EndTime: found 2030-01-07T00:00:00.000Z, expected StartTime, 2030-01-08T00:00:00.000Z, or later',
  ]);
  assert.deepEqual(said({ StartTime: '2030-01-08', EndTime: '2030-01-08' }), []);
  assert.deepEqual(said({ Timezone: 'Mars/Olympus' }), [
    'Timezone: found the time zone "Mars/Olympus", expected an IANA name such as Europe/Berlin',
  ]);
  assert.deepEqual(said({ Schedule: 'rate(5 minute)' }), [
    'Schedule: found rate(5 minute), expected minutes: the unit is singular for 1, else plural',
  ]);
});
