/**
 * When a scheduled action is due: `at(...)`, `rate(...)` and `cron(...)` with time zones. The only file that knows
 * calendars; the resolved instant goes into the event, so a replay never asks again.
 *
 * @source spec/autoscaling.md 5.2 to 5.4 (AWS, "Schedule recurring scaling actions using cron expressions")
 */

import { Cron } from 'croner';
import { DAY, HOUR, MINUTE, SECOND, type Millis } from '../kernel/index.ts';

const AT = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/;
const RATE = /^rate\((\d+) (minute|hour|day)(s?)\)$/;
const CRON = /^cron\((.+)\)$/;
const RATE_MS = { minute: MINUTE, hour: HOUR, day: DAY } as const;

/** The years that cron knows. A rate that would first come due after them is refused. */
const YEARS = { least: 1970, most: 2199 } as const;

/** What AWS does not say of clocks that change, and of cron as it once documented it. */
export interface CalendarChoices {
  /** A local time that the clocks skip: not due, the default, or as much later as the clocks go forward. */
  readonly nonexistentLocalTime?: 'skipped' | 'shifted' | undefined;
  /** A local time that comes twice: due the first time, the default, the last time, or both. */
  readonly ambiguousLocalTime?: 'first' | 'last' | 'both' | undefined;
  /** A `*` that has to be `?`: refused, the default, or read as `?`. */
  readonly cronWithBothDays?: 'refused' | 'lenient' | undefined;
}

/** Where a schedule is looked at, and what limits it. */
interface Occurrences extends CalendarChoices {
  /** IANA name, for `at` and `cron`; the lengths of a `rate` are fixed, a day is 24 hours. */
  readonly timeZone: string;
  /** The first instant that counts. */
  readonly fromMs: Millis;
  /** The action's creation: what a rate without StartTime counts from. */
  readonly createdMs: Millis;
  readonly startMs?: Millis | undefined;
  readonly endMs?: Millis | undefined;
}

/**
 * Every instant at which a schedule is due, in order, with `fromMs <= t < toMs`.
 *
 * StartTime is itself an occurrence of a recurring schedule, the recurrence follows; one that has passed before `fromMs`
 * gives only the occurrences that are still to come. EndTime is the last instant that may fire.
 * Choice: AWS calls StartTime and EndTime limits of a recurring schedule, so `at` heeds neither.
 *
 * @param expression      well formed, see `scheduleProblem`
 * @param options.fromMs  the action's creation: a rate without StartTime comes due first one interval after it
 * @param options.toMs    a finite end: a rate goes on for ever
 * @returns milliseconds since the epoch
 * @source  spec/autoscaling.md 5.2 to 5.4; conformance/schedules.test.ts
 */
export function scheduledTimes(
  expression: string,
  options: {
    readonly timeZone: string;
    readonly fromMs: Millis;
    readonly toMs: Millis;
    readonly startMs?: Millis | undefined;
    readonly endMs?: Millis | undefined;
  } & CalendarChoices,
): Millis[] {
  const times: Millis[] = [];
  for (const atMs of occurrences(expression, { ...options, createdMs: options.fromMs })) {
    if (atMs >= options.toMs) break;
    times.push(atMs);
  }
  return times;
}

/** The first instant from `fromMs` on at which a schedule is due; undefined when there is none. */
export function nextScheduledTime(expression: string, options: Occurrences): Millis | undefined {
  for (const atMs of occurrences(expression, options)) return atMs;
  return undefined;
}

function* occurrences(expression: string, options: Occurrences): Generator<Millis, void> {
  const { timeZone, fromMs, createdMs, startMs, endMs = Number.POSITIVE_INFINITY } = options;
  const at = AT.exec(expression);
  if (at !== null) {
    for (const atMs of instantsOf(at[1] as string, timeZone, options)) if (atMs >= fromMs) yield atMs;
    return;
  }
  if (startMs !== undefined && startMs >= fromMs && startMs <= endMs) yield startMs;
  const firstMs = Math.max(fromMs, startMs ?? fromMs);
  const rate = RATE.exec(expression);
  const recurrence =
    rate === null
      ? cronTimes(expression, timeZone, firstMs, options)
      : rateTimes(rateMs(rate), startMs ?? createdMs, Math.max(firstMs, (startMs ?? createdMs) + 1));
  for (const atMs of recurrence) {
    if (atMs > endMs) return;
    if (atMs !== startMs) yield atMs;
  }
}

function rateMs([, value, unit]: readonly string[]): Millis {
  return Number(value) * RATE_MS[unit as keyof typeof RATE_MS];
}

function* rateTimes(stepMs: Millis, anchorMs: Millis, fromMs: Millis): Generator<Millis, void> {
  for (let count = Math.ceil((fromMs - anchorMs) / stepMs); ; count++) yield anchorMs + count * stepMs;
}

/**
 * croner finds the days, arithmetic the times of a day: a step of croner costs 20 us, and a cron may be due 1,440 times a
 * day (four years of `* * * * ? *` take 0.7 s on a slow core, where croner takes 20 us an occurrence).
 *
 * Choice: AWS does not say what happens around a change of the clocks; we follow EventBridge Scheduler: a local time that
 * does not exist is skipped, one that comes twice is due the first time.
 */
function* cronTimes(
  expression: string,
  timeZone: string,
  fromMs: Millis,
  choices: CalendarChoices,
): Generator<Millis, void> {
  const { minutes, hours, days } = readCron(cronFields(expression, choices));
  const offsetAt = offsetsOf(timeZone);
  const shownMs = fromMs + offsetAt(fromMs);
  // Times that the clocks shift into the next day belong to the day before.
  let day = days.nextRun(new Date(Math.floor(shownMs / DAY) * DAY - SECOND));
  for (; day !== null; day = days.nextRun(day)) {
    const dayMs = day.getTime();
    if (day.getUTCFullYear() > YEARS.most) return;
    const offsets = offsetsAround(dayMs, offsetAt);
    const localTimes = hours.flatMap((hour) => minutes.map((minute) => dayMs + hour * HOUR + minute * MINUTE));
    if (offsets[0] === offsets[1]) {
      for (const localMs of localTimes) if (localMs - offsets[0] >= fromMs) yield localMs - offsets[0];
      continue;
    }
    const times = new Set(localTimes.flatMap((localMs) => shownAt(localMs, offsets, offsetAt, choices)));
    for (const atMs of [...times].toSorted((a, b) => a - b)) if (atMs >= fromMs) yield atMs;
  }
}

function cronFields(expression: string, { cronWithBothDays }: CalendarChoices): string[] {
  const fields = (CRON.exec(expression) as RegExpExecArray)[1]!.trim().toUpperCase().split(/\s+/);
  if (cronWithBothDays !== 'lenient' || fields[2] === '?' || fields[4] === '?') return fields;
  const star = fields[2] === '*' ? 2 : 4;
  return fields[star] === '*' ? fields.with(star, '?') : fields;
}

interface CronField {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Texts for the values from `least` on. */
  readonly names: readonly string[];
  /** What may stand in the field instead of values, alone, and how it is written. */
  readonly special?: RegExp;
  readonly examples?: string;
}

const FIELDS: readonly CronField[] = [
  { name: 'minutes', least: 0, most: 59, names: [] },
  { name: 'hours', least: 0, most: 23, names: [] },
  {
    name: 'day-of-month',
    least: 1,
    most: 31,
    names: [],
    special: /^(?:\?|L|LW|(?:0?[1-9]|[12]\d|3[01])W)$/,
    examples: '?, L, LW or 3W',
  },
  {
    name: 'month',
    least: 1,
    most: 12,
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  {
    name: 'day-of-week',
    least: 1,
    most: 7,
    names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
    special: /^(?:\?|(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)?L|(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5])$/,
    examples: '?, L, 6L or 3#2',
  },
  { name: 'year', ...YEARS, names: [] },
];

/** `*`, `5`, `MON-FRI`, each with a step or without. */
const PART = /^(?:\*|([0-9]+|[A-Z]{3})(?:-([0-9]+|[A-Z]{3}))?)(?:\/([0-9]+))?$/;

function valueOf(text: string, { least, names }: CronField): number {
  return names.includes(text) ? names.indexOf(text) + least : Number(text);
}

/** The values of a well-formed field that is not special. A range may wrap: `20-2` are the hours 20 to 23 and 0 to 2. */
function valuesOf(text: string, field: CronField): number[] {
  const { least, most } = field;
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last, step] = PART.exec(part) as RegExpExecArray;
    const from = first === undefined ? least : valueOf(first, field);
    let to = from;
    if (first === undefined || (last === undefined && step !== undefined)) to = most;
    if (last !== undefined) to = valueOf(last, field);
    const length = most - least + 1;
    for (let value = from; value <= (to < from ? to + length : to); value += Number(step ?? 1))
      values.add(value > most ? value - length : value);
  }
  return [...values].toSorted((a, b) => a - b);
}

/** A well-formed cron: minutes and hours as lists, its days as croner finds them in UTC. */
function readCron(fields: readonly string[]): {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: Cron;
} {
  const [minutes, hours, dayOfMonth, months, dayOfWeek, years] = fields.map((text, index) => {
    const field = FIELDS[index] as CronField;
    return index > 1 && (text === '*' || field.special?.test(text) === true) ? text : valuesOf(text, field);
  });
  const weekday = typeof dayOfWeek === 'string' ? dayOfWeek.replace(/^[A-Z]{3}/, weekdayNumber) : dayOfWeek;
  // croner does not know L alone, the last day of the week.
  const ofCroner = [dayOfMonth, months, weekday === 'L' ? '7' : weekday, years].map(String).join(' ');
  return {
    minutes: minutes as readonly number[],
    hours: hours as readonly number[],
    days: new Cron(`0 0 0 ${ofCroner.replace('?', '*')}`, {
      mode: '7-part',
      domAndDow: true,
      alternativeWeekdays: true,
      utcOffset: 0,
    }),
  };
}

function weekdayNumber(name: string): string {
  return String(valueOf(name, FIELDS[4] as CronField));
}

/**
 * What is wrong with a schedule, with what was found and what is expected; undefined when it is well formed.
 *
 * Choice: AWS takes a cron of seven fields, with seconds that it does not promise to keep; we take six.
 */
export function scheduleProblem(
  expression: string,
  timeZone: string,
  choices: CalendarChoices = {},
): string | undefined {
  const zone = timeZoneProblem(timeZone);
  if (zone !== undefined) return zone;
  const at = AT.exec(expression);
  if (at !== null) return atProblem(at[1] as string, timeZone, choices);
  const rate = RATE.exec(expression);
  if (rate !== null) return rateProblem(rate);
  if (CRON.test(expression)) return cronProblem(expression, timeZone, choices);
  return `found "${expression}", expected at(yyyy-mm-ddThh:mm:ss), rate(5 minutes) or cron(0 7 ? * MON-FRI *)`;
}

/** What is wrong with the name of a time zone; undefined when it is known. */
export function timeZoneProblem(timeZone: string): string | undefined {
  try {
    localTime(timeZone);
    return undefined;
  } catch {
    return `found the time zone "${timeZone}", expected an IANA name such as Europe/Berlin`;
  }
}

function atProblem(local: string, timeZone: string, choices: CalendarChoices): string | undefined {
  if (!exists(local)) return `found at(${local}), expected a date that exists`;
  if (instantsOf(local, timeZone, choices).length > 0) return undefined;
  return `found at(${local}), which can never fire: the clocks of ${timeZone} skip it; expected a local time that exists`;
}

/** Whether a local date and time is on the calendar: `Date.parse` takes 30 February for 2 March. */
function exists(local: string): boolean {
  const asUtcMs = Date.parse(`${local}Z`);
  return !Number.isNaN(asUtcMs) && new Date(asUtcMs).toISOString().startsWith(local);
}

function rateProblem(rate: readonly string[]): string | undefined {
  const [found, amount, unit, plural] = rate as readonly [string, string, string, string];
  const value = Number(amount);
  if (value < 1) return `found ${found}, expected a positive whole number`;
  if ((value === 1) !== (plural === ''))
    return `found ${found}, expected ${unit}${value === 1 ? '' : 's'}: the unit is singular for 1, else plural`;
  if (rateMs(rate) > (YEARS.most - YEARS.least) * 365 * DAY)
    return `found ${found}, which can never fire, expected a rate shorter than ${YEARS.most - YEARS.least} years`;
  return undefined;
}

function cronProblem(expression: string, timeZone: string, choices: CalendarChoices): string | undefined {
  const fields = cronFields(expression, choices);
  if (fields.length !== FIELDS.length)
    return `found ${fields.length} cron fields, expected six: minutes hours day-of-month month day-of-week year`;
  for (const [index, field] of FIELDS.entries()) {
    const problem = fieldProblem(fields[index] as string, field);
    if (problem !== undefined) return problem;
  }
  if ((fields[2] === '?') === (fields[4] === '?'))
    return `found a cron expression with day-of-month and day-of-week both ${fields[2] === '?' ? '?' : 'set'}, expected exactly one to be ?`;
  if (cronTimes(expression, timeZone, 0, choices).next().done === true)
    return `found ${expression}, which can never fire, expected a local time that comes between ${YEARS.least} and ${YEARS.most}`;
  return undefined;
}

/**
 * Choice: AWS says only of # that it must be the only expression of its field; we hold L and W to the same, as Quartz does.
 * A W keeps to its month, and a day that a month does not have has no nearest weekday there: 31W skips April.
 */
function fieldProblem(text: string, field: CronField): string | undefined {
  const { name, least, most, names, special, examples } = field;
  if (special?.test(text) === true) return undefined;
  const range = `${least} to ${most}${names.length === 0 ? '' : ` (${names[0]} to ${names.at(-1)})`}`;
  for (const part of text.split(',')) {
    const [matched, first, last, step] = PART.exec(part) ?? [];
    const unknown = [first, last].some((value) => value !== undefined && Number.isNaN(valueOf(value, field)));
    if (matched === undefined || unknown)
      return `found "${text}" as ${name}, expected values, ranges and steps from ${range}${examples === undefined ? '' : `, or ${examples} alone`}`;
    for (const value of [first, last])
      if (value !== undefined && (valueOf(value, field) < least || valueOf(value, field) > most))
        return `found ${name} ${value}, expected ${range}`;
    if (Number(step ?? 1) < 1) return `found ${name} "${part}", expected a step of 1 or more`;
    if (name === 'year' && last !== undefined && valueOf(first as string, field) > valueOf(last, field))
      return `found ${name} "${part}", expected the earlier year first`;
  }
  return undefined;
}

/** The instants at which a local date and time is due, by the clocks of a zone. */
function instantsOf(local: string, timeZone: string, choices: CalendarChoices): readonly Millis[] {
  const localMs = Date.parse(`${local}Z`);
  const offsetAt = offsetsOf(timeZone);
  return shownAt(localMs, offsetsAround(Math.floor(localMs / DAY) * DAY, offsetAt), offsetAt, choices);
}

/** What clocks are ahead of UTC before and after anything that may happen to them on a local day. */
function offsetsAround(dayMs: Millis, offsetAt: (atMs: Millis) => Millis): readonly [Millis, Millis] {
  return [offsetAt(dayMs - DAY), offsetAt(dayMs + 2 * DAY)];
}

/**
 * The instants at which clocks show `localMs`, written as if it were UTC: the larger offset gives the earlier one.
 * Clocks that change twice in the three days around it are not looked for; a scan of every zone, 1970 to 2039, found none.
 */
function shownAt(
  localMs: Millis,
  [before, after]: readonly [Millis, Millis],
  offsetAt: (atMs: Millis) => Millis,
  { nonexistentLocalTime = 'skipped', ambiguousLocalTime = 'first' }: CalendarChoices,
): readonly Millis[] {
  if (before === after) return [localMs - before];
  const candidates = [localMs - Math.max(before, after), localMs - Math.min(before, after)];
  const shown = candidates.filter((atMs) => atMs + offsetAt(atMs) === localMs);
  // Skipped: what the clocks of before would have shown comes as much later as they go forward.
  if (shown.length === 0) return nonexistentLocalTime === 'skipped' ? [] : [localMs - before];
  if (ambiguousLocalTime === 'both') return shown;
  return [(ambiguousLocalTime === 'first' ? shown[0] : shown.at(-1)) as Millis];
}

/** How far clocks in a zone are ahead of UTC at an instant. A formatter costs 60 us to make and 5 us to ask. */
function offsetsOf(timeZone: string): (atMs: Millis) => Millis {
  const format = localTime(timeZone);
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type as string, Number(value)]));
    const part = (type: string) => parts.get(type) as number;
    const shownMs = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return shownMs - Math.floor(atMs / SECOND) * SECOND;
  };
}

function localTime(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}
