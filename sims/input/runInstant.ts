/** An instant of a run as a person writes it: in full, or as the output prints it. */

import { DAY, instant, type Scenario } from '../../core/index.ts';
import { InputError } from './inputError.ts';

type Span = Pick<Scenario, 'start' | 'duration'>;

/** `2030-01-08 12:11:19`, `01-08 12:11`, `12:11:19` */
const SHORT = /^(?:(?:(\d{4})-)?(\d\d-\d\d)[ T])?(\d\d:\d\d(?::\d\d)?)$/;

/** Whether a text is meant as an instant. */
export function looksLikeInstant(text: string): boolean {
  return SHORT.test(text) || /^\d{4}-\d\d-\d\d/.test(text);
}

/**
 * In UTC. The year may be left out, and the day, too, when the run has only one such instant.
 *
 * @param path  where the run is, for the message. @throws InputError
 */
export function runInstant(path: string, { start, duration }: Span, text: string): number {
  const [found, ...others] = candidates({ start, duration }, text).filter(
    (atMs) => atMs >= start && atMs <= start + duration,
  );
  if (found !== undefined && others.length === 0) return found;
  const [from, to] = [start, start + duration].map((ms) => new Date(ms).toISOString());
  if (found === undefined)
    throw new InputError([{ file: path, message: `found "${text}", expected an instant from ${from} to ${to}` }]);
  const shown = new Date(found).toISOString().slice(5, 19).replace('T', ' ');
  const message = `found "${text}", which this run has ${others.length + 1} times, expected the day with it, such as "${shown}"`;
  throw new InputError([{ file: path, message }]);
}

/** What the text may mean; not all of it is in the run. */
function candidates({ start, duration }: Span, text: string): readonly number[] {
  const parsed = instant.safeParse(text);
  if (parsed.success) return [parsed.data];
  const [, year, day, time] = SHORT.exec(text) ?? [];
  if (time === undefined) return [];
  const days = new Set<string>();
  for (let atMs = start - (start % DAY); atMs <= start + duration; atMs += DAY)
    days.add(new Date(atMs).toISOString().slice(0, 10));
  return Array.from(days)
    .filter((date) => (day === undefined || date.slice(5) === day) && (year === undefined || date.startsWith(year)))
    .map((date) => Date.parse(`${date}T${time.length === 5 ? `${time}:00` : time}Z`))
    .filter((atMs) => Number.isSafeInteger(atMs));
}
