/** Schedules against a slow matcher that goes minute by minute, asks the clocks of the zone, and knows nothing else. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scheduledTimes, scheduleProblem } from '../../core/autoscaling/index.ts';
import { DAY, HOUR, MINUTE, type Millis } from '../../core/kernel/index.ts';

const FROM: Millis = Date.UTC(2016, 0, 1);
const TO: Millis = Date.UTC(2020, 0, 1);
/** One over all the years for each zone. Sao Paulo changes at midnight and stops in 2019, Lord Howe by half an hour. */
const ZONES = {
  'Europe/Berlin': 'cron(0/5 0-4 ? * SUN,MON *)',
  'America/New_York': 'cron(30 1,2 * * ? *)',
  'Australia/Lord_Howe': 'cron(0/15 22-3 ? * * *)',
  'Asia/Kolkata': 'cron(* * LW * ? *)',
  UTC: 'cron(* * ? * 6L *)',
  'America/Sao_Paulo': 'cron(0/30 23-1 * * ? *)',
} as const;
const HALF_HOUR = 30 * MINUTE;
const LEAD = 2 * DAY;

/** What clocks show, as if it were UTC, at each half hour: no zone here changes within one. */
const shownAt = new Map(
  Object.keys(ZONES).map((timeZone) => {
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
    const shown = new Float64Array((TO - FROM + 2 * LEAD) / HALF_HOUR);
    for (const index of shown.keys())
      shown[index] = Date.parse(`${format.format(FROM - LEAD + index * HALF_HOUR).replace(' ', 'T')}Z`);
    return [timeZone, shown];
  }),
);

const MONTHS = 'JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC';
const WEEKDAYS = 'SUNMONTUEWEDTHUFRISAT';

/** Whether a plain field holds a value, by walking each part from its first value on, around the end of the field. */
function holds(text: string, value: number, least: number, most: number, names = ''): boolean {
  const read = (word: string) => (/^[A-Z]/.test(word) ? names.indexOf(word) / 3 + least : Number(word));
  return text.split(',').some((part) => {
    const [range = '', step = '1'] = part.split('/');
    const [first = '', last] = range === '*' ? [String(least), String(most)] : range.split('-');
    const end = last ?? (part.includes('/') ? String(most) : first);
    let at = read(first);
    for (let walked = 0; ; walked++) {
      if (at === value && walked % Number(step) === 0) return true;
      if (at === read(end)) return false;
      at = at === most ? least : at + 1;
    }
  });
}

/** Whether a cron names the day that begins at `dayMs`, by looking at all days of its month. */
function namesDay([, , days, months, weekdays, years]: readonly string[], dayMs: Millis): boolean {
  const date = new Date(dayMs);
  const [year, month, today] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (!holds(years!, year, 1970, 2199) || !holds(months!, month + 1, 1, 12, MONTHS)) return false;
  const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const weekdayOf = (day: number) => new Date(Date.UTC(year, month, day)).getUTCDay() + 1;
  const all = Array.from({ length }, (_, index) => index + 1);
  const working = all.filter((day) => weekdayOf(day) > 1 && weekdayOf(day) < 7);
  if (weekdays === '?') {
    if (days === 'L') return today === length;
    if (days === 'LW') return today === working.at(-1);
    if (!days!.endsWith('W')) return holds(days!, today, 1, 31);
    const wanted = Number.parseInt(days!, 10);
    const near = working.toSorted((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted));
    return wanted <= length && today === near[0];
  }
  if (weekdays === 'L') return weekdayOf(today) === 7;
  const special = /^(.+)(L|#.)$/.exec(weekdays!);
  if (special === null) return holds(weekdays!, weekdayOf(today), 1, 7, WEEKDAYS);
  const like = all.filter((day) => holds(special[1]!, weekdayOf(day), 1, 7, WEEKDAYS));
  return today === (special[2] === 'L' ? like.at(-1) : like[Number(special[2]![1]) - 1]);
}

/** Every minute at which clocks show for the first time what the cron asks for. */
function slowTimes(expression: string, timeZone: string, fromMs: Millis, toMs: Millis): Millis[] {
  const fields = expression.slice('cron('.length, -1).split(' ');
  const minutes = Array.from({ length: 60 }, (_, minute) => holds(fields[0]!, minute, 0, 59));
  const hours = Array.from({ length: 24 }, (_, hour) => holds(fields[1]!, hour, 0, 23));
  const days = new Map<Millis, boolean>();
  const shown = shownAt.get(timeZone)!;
  const times: Millis[] = [];
  let latest = Number.NEGATIVE_INFINITY;
  for (let atMs = fromMs - LEAD; atMs < toMs; atMs += MINUTE) {
    const intoHalf = atMs % HALF_HOUR;
    const local = shown[(atMs - intoHalf - (FROM - LEAD)) / HALF_HOUR]! + intoHalf;
    if (local <= latest) continue; // these clocks have been set back, and have shown it before
    latest = local;
    if (atMs < fromMs || !minutes[(local / MINUTE) % 60] || !hours[Math.floor(local / HALF_HOUR / 2) % 24]) continue;
    const dayMs = Math.floor(local / DAY) * DAY;
    let named = days.get(dayMs);
    if (named === undefined) days.set(dayMs, (named = namesDay(fields, dayMs)));
    if (named) times.push(atMs);
  }
  return times;
}

/** A plain field: values, names, ranges that may wrap, steps, lists. */
function plain(least: number, most: number, names = ''): fc.Arbitrary<string> {
  const number = fc.integer({ min: least, max: most });
  const value =
    names === ''
      ? number.map(String)
      : fc.oneof(
          number.map(String),
          number.map((index) => names.slice(3 * (index - least), 3 * (index - least) + 3)),
        );
  const range = fc.tuple(value, value).map(([first, last]) => `${first}-${last}`);
  const step = fc.integer({ min: 1, max: most - least });
  const stepped = fc.tuple(fc.oneof(value, range, fc.constant('*')), step).map((parts) => parts.join('/'));
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 2, arbitrary: fc.array(fc.oneof(value, range, stepped), { minLength: 1, maxLength: 3 }).map(String) },
  );
}

const weekday = fc.constantFrom('1', '2', '3', '4', '5', '6', '7', 'SUN', 'WED', 'SAT');
const dayPair = fc.oneof(
  fc
    .oneof(
      plain(1, 31),
      fc.constantFrom('L', 'LW'),
      fc.nat({ max: 30 }).map((day) => `${day + 1}W`),
    )
    .map((days) => [days, '?']),
  fc
    .oneof(
      plain(1, 7, WEEKDAYS),
      fc.constant('L'),
      weekday.map((day) => `${day}L`),
      fc.tuple(weekday, fc.integer({ min: 1, max: 5 })).map((parts) => parts.join('#')),
    )
    .map((weekdays) => ['?', weekdays]),
);
const crons = fc
  .tuple(
    plain(0, 59),
    plain(0, 23),
    dayPair,
    fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, { weight: 1, arbitrary: plain(1, 12, MONTHS) }),
    fc.constantFrom('*', '*', '*', '2016-2019', '2017', '2016/2', '2015,2018'),
  )
  .map(
    ([minutes, hours, [days, weekdays], months, years]) =>
      `cron(${[minutes, hours, days, months, weekdays, years].join(' ')})`,
  );
const documented = fc
  .constantFrom(
    '0 10 * * ? *',
    '15 12 * * ? *',
    '0 18 ? * MON-FRI *',
    '0 8 1 * ? *',
    '0/15 * * * ? *',
    '0/10 * ? * MON-FRI *',
    '0/5 8-17 ? * MON-FRI *',
    '0/30 20-2 ? * MON-FRI *',
    '5,35 14 * * ? *',
    '15 10 ? * 6L 2019-2022',
  )
  .map((fields) => `cron(${fields})`);

const zones = fc.constantFrom(...Object.keys(ZONES));

/** When the clocks of a zone change, to the half hour. */
const changesOf = new Map(
  [...shownAt].map(([timeZone, shown]) => [
    timeZone,
    [...shown.keys()]
      .filter((index) => index > 0 && shown[index]! - shown[index - 1]! !== HALF_HOUR)
      .map((index) => FROM - LEAD + index * HALF_HOUR),
  ]),
);

/** Four days around a change of the clocks, or a week anywhere. */
const windows = zones.chain((timeZone) => {
  const week = fc
    .nat({ max: (TO - FROM - 7 * DAY) / MINUTE })
    .map((minute) => [FROM + minute * MINUTE, 7 * DAY] as const);
  const changes = changesOf.get(timeZone)!.filter((atMs) => atMs >= FROM && atMs < TO);
  if (changes.length === 0) return fc.tuple(fc.constant(timeZone), week);
  const change = fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: 1, max: 3 * 24 * 60 }))
    .map(([atMs, before]) => [Math.max(FROM, atMs - before * MINUTE), 4 * DAY] as const);
  return fc.tuple(fc.constant(timeZone), fc.oneof(week, change));
});

function agrees(expression: string, timeZone: string, fromMs: Millis, toMs: Millis): number {
  const expected = slowTimes(expression, timeZone, fromMs, toMs);
  const found = scheduledTimes(expression, { timeZone, fromMs, toMs });
  const at = expected.findIndex((atMs, index) => atMs !== found[index]);
  const tell = (atMs: Millis | undefined) => (atMs === undefined ? 'nothing' : new Date(atMs).toISOString());
  if (at !== -1 || found.length !== expected.length) {
    const place = at === -1 ? expected.length : at;
    assert.fail(`${expression} in ${timeZone}: found ${tell(found[place])}, expected ${tell(expected[place])}`);
  }
  return found.length;
}

for (const [timeZone, expression] of Object.entries(ZONES))
  test(`${expression} in ${timeZone} is due, for four years, when clocks first show it`, () => {
    assert.equal(agrees(expression, timeZone, FROM, TO) > 40, true);
  });

test('each special day of a month is the one that a look at the whole month finds, over four years', () => {
  const days = ['L', 'LW', ...Array.from({ length: 31 }, (_, day) => `${day + 1}W`)].map((day) => `${day} * ?`);
  const weekdays = ['1', '2', '3', 'THU', '6', '7'].flatMap((day) =>
    ['L', '#1', '#2', '#4', '#5'].map((suffix) => `? * ${day}${suffix}`),
  );
  for (const fields of [...days, ...weekdays, '? * L']) {
    const cron = ['0', '0', ...fields.split(' '), '*'];
    const expected = Array.from({ length: (TO - FROM) / DAY }, (_, day) => FROM + day * DAY);
    assert.deepEqual(
      scheduledTimes(`cron(${cron.join(' ')})`, { timeZone: 'UTC', fromMs: FROM, toMs: TO }),
      expected.filter((dayMs) => namesDay(cron, dayMs)),
      fields,
    );
  }
});

test('any cron in any zone is due when clocks first show it, around their changes and in any week', () => {
  let due = 0;
  fc.assert(
    fc.property(fc.oneof(crons, crons, documented), windows, (expression, [timeZone, [fromMs, lengthMs]]) => {
      due += agrees(expression, timeZone, fromMs, Math.min(TO, fromMs + lengthMs));
    }),
    { numRuns: 1_500 },
  );
  assert.equal(due > 10_000, true, `only ${due} occurrences were seen`);
});

test('a cron is well formed unless no day of any year fits it', () =>
  fc.assert(
    fc.property(crons, zones, (expression, timeZone) => {
      const problem = scheduleProblem(expression, timeZone);
      if (problem !== undefined) assert.match(problem, /can never fire/);
    }),
    { numRuns: 500 },
  ));

const localTimes = zones.chain((timeZone) => {
  const anywhere = fc.nat({ max: (TO - FROM - 2 * DAY) / MINUTE }).map((minute) => FROM + DAY + minute * MINUTE);
  const changes = changesOf.get(timeZone)!;
  if (changes.length === 0) return fc.tuple(fc.constant(timeZone), anywhere);
  const atChange = fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -120, max: 120 }))
    .map(([atMs, minutes]) => shownAt.get(timeZone)![(atMs - (FROM - LEAD)) / HALF_HOUR - 1]! + minutes * MINUTE);
  return fc.tuple(fc.constant(timeZone), fc.oneof(anywhere, atChange));
});

test('at is due when clocks first show what it names, and one that they skip is refused', () => {
  let skipped = 0;
  fc.assert(
    fc.property(localTimes, ([timeZone, localMs]) => {
      const date = new Date(localMs);
      const expression = `at(${date.toISOString().slice(0, 19)})`;
      const time = [date.getUTCMinutes(), date.getUTCHours(), date.getUTCDate(), date.getUTCMonth() + 1].join(' ');
      const [fromMs, toMs] = [localMs - DAY, localMs + DAY];
      const expected = slowTimes(`cron(${time} ? ${date.getUTCFullYear()})`, timeZone, fromMs, toMs);
      assert.deepEqual(
        scheduledTimes(expression, { timeZone, fromMs, toMs }),
        expected,
        `${expression} in ${timeZone}`,
      );
      assert.equal(scheduleProblem(expression, timeZone) === undefined, expected.length === 1);
      if (expected.length === 0) skipped++;
    }),
    { numRuns: 1_000 },
  );
  assert.equal(skipped > 10, true, `only ${skipped} were skipped`);
});

test('StartTime, EndTime and the beat of a rate are as one would count them', () =>
  fc.assert(
    fc.property(
      fc.record({
        minutes: fc.integer({ min: 2, max: 500 }),
        start: fc.option(fc.integer({ min: -2_000, max: 2_000 }), { nil: undefined }),
        end: fc.option(fc.integer({ min: -500, max: 3_000 }), { nil: undefined }),
        cron: crons,
        length: fc.integer({ min: 0, max: 4_000 }),
      }),
      ({ minutes, start, end, cron, length }) => {
        const fromMs = FROM + 30 * DAY;
        const toMs = fromMs + length * MINUTE;
        const startMs = start === undefined ? undefined : fromMs + start * MINUTE;
        const endMs = end === undefined ? undefined : fromMs + end * MINUTE;
        const options = { timeZone: 'UTC', fromMs, toMs, startMs, endMs };
        const isBeat = (atMs: Millis) => {
          const passed = (atMs - (startMs ?? fromMs)) / MINUTE;
          return passed % minutes === 0 && (startMs === undefined ? passed > 0 : passed >= 0);
        };
        const matches = new Set(slowTimes(cron, 'UTC', fromMs, toMs));
        const inTime = (isDue: (atMs: Millis) => boolean) =>
          Array.from({ length }, (_, minute) => fromMs + minute * MINUTE).filter(
            (atMs) =>
              (endMs === undefined || atMs <= endMs) &&
              (atMs === startMs || ((startMs === undefined || atMs > startMs) && isDue(atMs))),
          );
        assert.deepEqual(scheduledTimes(`rate(${minutes} minutes)`, options), inTime(isBeat));
        assert.deepEqual(
          scheduledTimes(cron, options),
          inTime((atMs) => matches.has(atMs)),
        );
      },
    ),
    { numRuns: 500 },
  ));

test('a rate costs no steps of a calendar: a year of minutes after a century', () => {
  const startMs = Date.UTC(2030, 0, 1);
  const fromMs = Date.UTC(2130, 0, 1);
  const times = scheduledTimes('rate(1 minute)', {
    timeZone: 'Europe/Berlin',
    fromMs,
    toMs: fromMs + 365 * DAY,
    startMs,
  });
  assert.equal(times.length, 365 * (DAY / MINUTE));
  assert.deepEqual([times[0], times[60]], [fromMs, fromMs + HOUR]);
});
