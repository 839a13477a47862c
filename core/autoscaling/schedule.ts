/**
 * When a scheduled action is due: `at(...)`, `rate(...)` and `cron(...)` with time zones. The only file that knows
 * calendars; the resolved instant goes into the event, so a replay never asks again.
 *
 * @source spec/autoscaling.md 5.2, 5.3 (AWS, "Schedule recurring scaling actions using cron expressions")
 */

import { Cron } from 'croner';
import { DAY, HOUR, MINUTE, type Millis } from '../kernel/index.ts';

const AT = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/;
const RATE = /^rate\((\d+) (minutes?|hours?|days?)\)$/;
const CRON = /^cron\((.+)\)$/;
const RATE_MS = { minute: MINUTE, hour: HOUR, day: DAY } as const;

/** What is wrong with a schedule; undefined when it is well formed. */
export function scheduleProblem(expression: string, timeZone: string): string | undefined {
  const zone = zoneProblem(timeZone);
  if (zone !== undefined) return zone;
  const at = AT.exec(expression);
  if (at !== null) return exists(at[1] as string) ? undefined : `found "${expression}", expected a date that exists`;
  const rate = RATE.exec(expression);
  if (rate !== null) return rateProblem(Number(rate[1]), rate[2] as string);
  const cron = CRON.exec(expression);
  if (cron !== null) return cronProblem((cron[1] as string).trim().split(/\s+/));
  return `found "${expression}", expected at(yyyy-mm-ddThh:mm:ss), rate(5 minutes) or cron(0 7 ? * MON-FRI *)`;
}

/** Whether a local date and time is on the calendar: `Date.parse` takes 30 February for 2 March. */
function exists(local: string): boolean {
  const asUtcMs = Date.parse(`${local}Z`);
  return !Number.isNaN(asUtcMs) && new Date(asUtcMs).toISOString().startsWith(local);
}

function zoneProblem(timeZone: string): string | undefined {
  try {
    localTime(timeZone).format(0);
    return undefined;
  } catch {
    return `found the time zone "${timeZone}", expected an IANA name such as Europe/Berlin`;
  }
}

function rateProblem(value: number, unit: string): string | undefined {
  if (value < 1) return `found rate(${value} ${unit}), expected a positive whole number`;
  const singular = !unit.endsWith('s');
  if ((value === 1) !== singular)
    return `found rate(${value} ${unit}), expected ${value === 1 ? unit.slice(0, -1) : `${unit}s`}`;
  return undefined;
}

function cronProblem(fields: readonly string[]): string | undefined {
  if (fields.length !== 6)
    return `found ${fields.length} cron fields, expected six: minutes hours day-of-month month day-of-week year`;
  if ((fields[2] === '?') === (fields[4] === '?'))
    return 'found a cron expression with day-of-month and day-of-week both set or both ?, expected exactly one to be ?';
  const weekday = /(?:^|[,-])([08-9])/.exec(fields[4] as string);
  if (weekday !== null) return `found day-of-week ${weekday[1]}, expected 1 to 7 (SUN to SAT)`;
  try {
    cronOf(fields.join(' '), 'UTC');
    return undefined;
  } catch (error) {
    return `found cron(${fields.join(' ')}), which cannot be read: ${(error as Error).message}`;
  }
}

/**
 * The first instant after `afterMs` at which the schedule is due; undefined when there is none.
 *
 * @param timeZone  IANA name; `rate` ignores it, its lengths are fixed
 * @param anchorMs  what a rate counts from: the action's creation
 */
export function nextScheduledTime(
  expression: string,
  timeZone: string,
  afterMs: Millis,
  anchorMs: Millis,
): Millis | undefined {
  const at = AT.exec(expression);
  if (at !== null) {
    const atMs = instantOf(at[1] as string, timeZone);
    return atMs !== undefined && atMs > afterMs ? atMs : undefined;
  }
  const rate = RATE.exec(expression);
  if (rate !== null) {
    const stepMs = Number(rate[1]) * RATE_MS[(rate[2] as string).replace(/s$/, '') as keyof typeof RATE_MS];
    return anchorMs + (Math.floor((afterMs - anchorMs) / stepMs) + 1) * stepMs;
  }
  const fields = (CRON.exec(expression) as RegExpExecArray)[1] as string;
  return nextCronTime(fields.trim().split(/\s+/).join(' '), timeZone, afterMs);
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
/** Smallest and largest value of each field whose ranges may wrap, and the names of its values. */
const WRAPPING: readonly { readonly from: number; readonly to: number; readonly names: readonly string[] }[] = [
  { from: 0, to: 59, names: [] },
  { from: 0, to: 23, names: [] },
  { from: 1, to: 31, names: [] },
  { from: 1, to: 12, names: MONTHS },
  { from: 1, to: 7, names: WEEKDAYS },
];

/** `20-2` in the hours as `20,21,22,23,0,1,2`: AWS lets a range wrap, croner does not. Other parts stay as they are. */
function unwrapped(field: string, index: number): string {
  const values = WRAPPING[index];
  if (values === undefined) return field;
  const { from: least, to: most, names } = values;
  const valueOf = (text: string) => (names.includes(text) ? names.indexOf(text) + least : Number(text));
  const unwrap = (part: string) => {
    const range = /^(\d+|[A-Z]{3})-(\d+|[A-Z]{3})(?:\/(\d+))?$/.exec(part.toUpperCase());
    if (range === null) return part;
    const [from, to, step] = [valueOf(range[1] as string), valueOf(range[2] as string), Number(range[3] ?? 1)];
    if (!(from > to && from <= most && to >= least && step > 0)) return part;
    const length = most - least + 1;
    const list: number[] = [];
    for (let value = from; value <= to + length; value += step) list.push(value > most ? value - length : value);
    return list.join(',');
  };
  return field.split(',').map(unwrap).join(',');
}

function cronOf(fields: string, timeZone: string): Cron {
  return new Cron(`0 ${fields.split(' ').map(unwrapped).join(' ')}`, {
    mode: '7-part',
    domAndDow: true,
    alternativeWeekdays: true,
    sloppyRanges: true,
    timezone: timeZone,
  });
}

/**
 * Choice: AWS does not say what happens around a change of the clocks; we follow EventBridge Scheduler: a local time that
 * does not exist is skipped, one that comes twice fires the first time. croner runs the former late and the latter twice.
 */
function nextCronTime(fields: string, timeZone: string, afterMs: Millis): Millis | undefined {
  const cron = cronOf(fields, timeZone);
  let fromMs = afterMs;
  for (;;) {
    const next = cron.nextRun(new Date(fromMs));
    if (next === null) return undefined;
    const nextMs = next.getTime();
    const wallClock = wallClockMs(nextMs, timeZone);
    const exists = cron.match(new Date(nextMs));
    const repeated = wallClockMs(nextMs - HOUR, timeZone) === wallClock;
    if (exists && !repeated) return nextMs;
    fromMs = nextMs;
  }
}

/** The instant at which clocks in a zone show a local date and time; the first of two, undefined for none. */
function instantOf(local: string, timeZone: string): Millis | undefined {
  const wantedMs = Date.parse(`${local}Z`);
  for (let offsetMs = 14 * HOUR; offsetMs >= -14 * HOUR; offsetMs -= 15 * MINUTE)
    if (wallClockMs(wantedMs - offsetMs, timeZone) === wantedMs) return wantedMs - offsetMs;
  return undefined;
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

/** What clocks in a zone show at an instant, as if it were UTC. */
function wallClockMs(atMs: Millis, timeZone: string): Millis {
  const parts = new Map<string, number>(
    localTime(timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: string) => parts.get(type) as number;
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
}
