/** Numbers as people read them. Times are UTC. */

import { DAY, HOUR, MINUTE, SECOND, type Millis } from '../../core/kernel/index.ts';

const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `14:03:07` */
export function formatInstant(atMs: Millis): string {
  return new Date(atMs).toISOString().slice(11, 19);
}

/** `14:03`: periods of metrics are whole minutes. */
export function formatMinute(atMs: Millis): string {
  return new Date(atMs).toISOString().slice(11, 16);
}

/** `01-08` */
export function formatDay(atMs: Millis): string {
  return new Date(atMs).toISOString().slice(5, 10);
}

/** `14:03:07`; with its day when that is another one than the reader has in mind: `01-08 14:03:07`. */
export function formatNear(atMs: Millis, besideMs: Millis): string {
  return `${formatDay(atMs) === formatDay(besideMs) ? '' : `${formatDay(atMs)} `}${formatInstant(atMs)}`;
}

/** `01-08 14:03:07` */
export function formatMoment(atMs: Millis): string {
  return `${formatDay(atMs)} ${formatInstant(atMs)}`;
}

/** `2030-01-08 14:03` */
export function formatDate(atMs: Millis): string {
  return new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
}

/** `3m 19s`, `2h`, `1d 4h`: the two largest units; less than a second in milliseconds. */
export function formatDuration(ms: Millis): string {
  if (ms > 0 && ms < SECOND) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / SECOND) * SECOND;
  const units = [
    ['d', DAY, HOUR],
    ['h', HOUR, MINUTE],
    ['m', MINUTE, SECOND],
    ['s', SECOND, SECOND],
  ] as const;
  const at = units.findIndex(([, unitMs]) => seconds >= unitMs);
  const [unit, unitMs, nextMs] = units[at] ?? units[3];
  const next = units[at + 1];
  const rest = Math.floor((seconds % unitMs) / nextMs);
  return `${Math.floor(seconds / unitMs)}${unit}${next === undefined || rest === 0 ? '' : ` ${rest}${next[0]}`}`;
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return counts.format(count);
}

/** `1 task`, `4 tasks` */
export function formatNoun(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A measured value: `94`, `61.6`; one decimal at the most. */
export function formatValue(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A value to reckon with by hand: four decimals at the most. */
export function formatExact(value: number): string {
  return String(Math.round(value * 1e4) / 1e4);
}

/** Rates and hours: `0.4`, `312`, `1,204`. */
export function formatAmount(amount: number): string {
  return amount < 10 ? formatValue(amount) : formatCount(amount);
}

/** `99.98 %`; never 100 while a request failed. */
export function formatAvailability(percent: number): string {
  return `${Math.floor(percent * 1_000) / 1_000} %`;
}

/** `$12.34`, `$1,234`; small sums to a hundredth of a cent. */
export function formatUsd(microUsd: number): string {
  const usd = microUsd / 1e6;
  if (usd >= 1_000) return `$${formatCount(usd)}`;
  return `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`;
}

/** `4.2 ms`, `87 ms`, `2.3 s`, `1m 5s` */
export function formatLatency(ms: Millis): string {
  if (ms < 10) return `${formatValue(ms)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return ms < MINUTE ? `${formatValue(ms / SECOND)} s` : formatDuration(ms);
}

/** `4`, `2 to 5` */
export function formatRange(least: number, most: number): string {
  return least === most ? formatCount(most) : `${formatCount(least)} to ${formatCount(most)}`;
}

/** What a terminal or a page would obey instead of showing it: control characters, escapes, and marks that turn text around. */
// oxlint-disable-next-line no-control-regex
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A text from outside as it may be shown: `\u001b` for an escape and the like. Tabs and ends of lines stay. */
export function printable(text: string): string {
  return text.replaceAll(OBEYED, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
