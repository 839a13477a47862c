/** Instants of a run as its reader sees them: UTC. */

import { DAY, HOUR, MINUTE, SECOND } from '../../../core/kernel/index.ts';
import { formatDate, formatDay, formatInstant, formatMinute } from '../format.ts';
import type { Run } from './run.ts';

/** `01-08 12:02:54`, without the day in a run of less than one. */
export function instantOf({ page }: Run, atMs: number): string {
  const at = page.startMs + atMs;
  return page.durationMs >= DAY ? `${formatDay(at)} ${formatInstant(at)}` : formatInstant(at);
}

/** `2030-01-08 12:02:54` */
export function fullInstantOf({ page }: Run, atMs: number): string {
  const at = page.startMs + atMs;
  return `${formatDate(at).slice(0, 10)} ${formatInstant(at)}`;
}

/** Distances of ticks on an axis of time. */
export const tickLengths: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 28, 56].map((days) => days * DAY),
];

/** Ticks at whole hours, minutes and so on of the day, not of the run. */
export function ticks(startMs: number, fromMs: number, toMs: number, lengthMs: number): number[] {
  const found: number[] = [];
  for (let at = Math.ceil((startMs + fromMs) / lengthMs) * lengthMs; at <= startMs + toMs; at += lengthMs)
    found.push(at - startMs);
  return found;
}

/** A tick's label: the day at midnight, else the time. */
export function tickLabel(startMs: number, atMs: number, lengthMs: number): string {
  const at = startMs + atMs;
  if (at % DAY === 0) return formatDay(at);
  return lengthMs < MINUTE ? formatInstant(at) : formatMinute(at);
}

/** A text in which no line ends between a number and its unit. */
export function glued(text: string): string {
  return text.replaceAll(/(?<=\d) (?=(%|ms|s|req\/s)(\W|$))/g, '\u00a0');
}
