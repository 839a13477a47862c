/** How people write lengths of time and instants in a scenario; both become whole milliseconds where they enter. */

import { z } from 'zod';
import { DAY, HOUR, MINUTE, SECOND, type Millis } from './time.ts';

const UNIT_MS: Readonly<Record<string, Millis>> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;

/** `90s`, `2m`, `1.5h`, `3d`, `2w`, `250ms`: a length of time, in milliseconds once parsed. */
export const duration = z
  .string()
  .regex(DURATION, 'expected a length of time such as 90s, 2m, 1.5h, 3d or 2w')
  .transform((text): Millis => {
    const [, amount, unit] = DURATION.exec(text) as unknown as [string, string, string];
    return Math.round(Number(amount) * (UNIT_MS[unit] as Millis));
  });

const INSTANT = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** Milliseconds since the epoch of an ISO date or date and time; without a zone it is UTC. NaN when it is neither. */
export function parseInstant(text: string): Millis {
  if (!INSTANT.test(text)) return Number.NaN;
  const spaced = text.replace(' ', 'T');
  const zoned = /(Z|[+-]\d\d:\d\d)$/.test(spaced) || !spaced.includes('T') ? spaced : `${spaced}Z`;
  const dayMs = Date.parse(text.slice(0, 10));
  // The engine takes 30 February for 2 March; we do not.
  if (!Number.isNaN(dayMs) && new Date(dayMs).toISOString().slice(0, 10) !== text.slice(0, 10)) return Number.NaN;
  return Date.parse(zoned);
}

/** `2030-01-07T00:00:00Z`, `2030-01-07 08:00` (UTC when no zone is written) or `2030-01-07`. */
export const instant = z
  .string()
  .refine((text) => Number.isSafeInteger(parseInstant(text)), 'expected an instant such as 2030-01-07T08:00:00Z')
  .transform(parseInstant);
