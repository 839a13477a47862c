/** Scores as people read them. */

import { SECOND } from '../../core/kernel/index.ts';
import { formatCount, formatDuration, formatLatency, formatUsd, formatValue } from '../report/format.ts';
import type { ScoreUnit } from '../report/scores.ts';

export function formatScore(unit: ScoreUnit, value: number): string {
  switch (unit) {
    case 'ms':
      return formatLatency(value);
    case 's':
      return formatDuration(value * SECOND);
    case '%':
      return `${digits(value)} %`;
    case '$':
      return formatUsd(value * 1e6);
    case 'times':
      return `${digits(value)} x`;
    case 'tasks':
    case 'task-hours':
    case 'task-min²':
    case 'count':
    case 'per day':
    case 'per hour':
      return Number.isInteger(value) ? formatCount(value) : digits(value);
  }
}

/** With its sign. */
export function formatDifference(unit: ScoreUnit, value: number): string {
  const text = formatScore(unit, Math.abs(value));
  return value === 0 || isNothing(text) ? text : `${value < 0 ? '-' : '+'}${text}`;
}

/** `0.00 $` has no sign. */
function isNothing(text: string): boolean {
  return !/[1-9]/.test(text);
}

/** `99.987`, `12.3`, `0.04`, `1,204`: three digits, and close to 100 as many as tell of failures; never 100 while there are some. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 1_000) return formatCount(value);
  if (size >= 99 && size < 100) return String(Math.floor(value * 1_000) / 1_000);
  return size >= 10 ? formatValue(value) : String(Math.round(value * 100) / 100);
}
