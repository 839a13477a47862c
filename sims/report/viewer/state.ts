/** What the page shows right now. Everything on it follows these signals. */

import { computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals';
import type { PageComparison } from '../page/data.ts';
import type { Run } from './run.ts';

export type Selection =
  | { readonly kind: 'event'; readonly run: Run; readonly index: number }
  | { readonly kind: 'task'; readonly run: Run; readonly index: number }
  | { readonly kind: 'instance'; readonly run: Run; readonly index: number };

export interface Tip {
  readonly x: number;
  readonly y: number;
  readonly lines: readonly string[];
}

export const runs = signal<readonly Run[]>([]);
/** What the runs are two of, when they were compared. */
export const comparison = signal<PageComparison | undefined>(undefined);
/** Milliseconds since the start; of both runs at once. */
export const nowMs = signal(0);
/** The same, ten times a second at the most: for what is slow to draw. */
export const calmNowMs = signal(0);
/** The stretch of time that the plots show. */
export const view = signal({ fromMs: 0, toMs: 1 });
export const isPlaying = signal(false);
/** Simulated milliseconds in a millisecond. */
export const speed = signal(60);
export const selection = signal<Selection | undefined>(undefined);
export const serviceName = signal('');
export const colourBy = signal<'state' | 'service'>('state');
export const eventsShown = signal<'decisions' | 'all'>('all');
export const theme = signal<'light' | 'dark'>('light');
export const tip = signal<Tip | undefined>(undefined);

export const durationMs = computed(() => Math.max(1, ...runs.value.map(({ page }) => page.durationMs)));

/** What is drawn on canvases, to be drawn at once before the page is printed. */
const drawn = new Set<() => void>();

/** Draws now, and whenever one of the signals has changed: once in a picture, however often they change. */
export function follow(signals: readonly ReadonlySignal<unknown>[], draw: () => void): () => void {
  let frame = 0;
  const drawOnce = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    draw();
  };
  drawn.add(drawOnce);
  const stop = effect(() => {
    const values = signals.map(({ value }) => value);
    if (frame === 0 && values.length > 0) frame = requestAnimationFrame(drawOnce);
  });
  untracked(drawOnce);
  return () => {
    stop();
    cancelAnimationFrame(frame);
    drawn.delete(drawOnce);
  };
}

export function drawAll(): void {
  for (const draw of drawn) draw();
}

const CALM_MS = 100;
const LEAST_VIEW_MS = 60_000;
let calmTimer: ReturnType<typeof setTimeout> | undefined;
effect(() => {
  if (nowMs.value === calmNowMs.peek() || calmTimer !== undefined) return;
  calmTimer = setTimeout(() => {
    calmTimer = undefined;
    calmNowMs.value = nowMs.peek();
  }, CALM_MS);
});

export function goTo(atMs: number): void {
  nowMs.value = Math.min(Math.max(0, atMs), durationMs.value);
}

/** Shows a stretch of time: not beyond the run, and not less than a minute. */
export function show(fromMs: number, toMs: number): void {
  const whole = durationMs.value;
  const length = Math.min(whole, Math.max(Math.min(LEAST_VIEW_MS, whole), toMs - fromMs));
  const from = Math.min(Math.max(0, fromMs), whole - length);
  view.value = { fromMs: from, toMs: from + length };
}

/** @param factor  below 1 to see more closely; around an instant that stays where it is */
export function zoom(factor: number, aroundMs: number): void {
  const { fromMs, toMs } = view.value;
  show(aroundMs - (aroundMs - fromMs) * factor, aroundMs + (toMs - aroundMs) * factor);
}

/** @param share  of the stretch that is shown */
export function pan(share: number): void {
  const { fromMs, toMs } = view.value;
  const by = Math.min(Math.max(share * (toMs - fromMs), -fromMs), durationMs.value - toMs);
  show(fromMs + by, toMs + by);
}

/** Goes to an event, and makes its instant visible in the plots. */
export function selectEvent(run: Run, index: number): void {
  selection.value = { kind: 'event', run, index };
  const atMs = run.events.at[index] as number;
  goTo(atMs);
  const { fromMs, toMs } = view.value;
  if (atMs < fromMs || atMs > toMs) show(atMs - (toMs - fromMs) / 2, atMs + (toMs - fromMs) / 2);
}

/** To the next decision of any run, or the one before. */
export function stepDecision(direction: 1 | -1): void {
  let nearest: { readonly run: Run; readonly index: number; readonly atMs: number } | undefined;
  const selected = selection.value?.kind === 'event' ? selection.value : undefined;
  for (const run of runs.value)
    for (const index of run.decisions) {
      const atMs = run.events.at[index] as number;
      const beyond = direction * (atMs - nowMs.value);
      // Of several at this instant, the ones after the selected one.
      if (beyond < 0 || (beyond === 0 && !comesAfter(selected, run, index, direction))) continue;
      const isNearer = nearest === undefined || direction * (atMs - nearest.atMs) < 0;
      if (isNearer || (nearest?.atMs === atMs && direction === -1)) nearest = { run, index, atMs };
    }
  if (nearest !== undefined) selectEvent(nearest.run, nearest.index);
}

function comesAfter(
  selected: { readonly run: Run; readonly index: number } | undefined,
  run: Run,
  index: number,
  direction: 1 | -1,
): boolean {
  if (selected === undefined || selected.run.events.at[selected.index] !== nowMs.value) return false;
  return direction * (run.number - selected.run.number || index - selected.index) > 0;
}

/** By the clock of the machine: how far time moves from one picture to the next. */
let frameAt = 0;
function play(at: number): void {
  if (!isPlaying.value) return;
  // A page in the background gets no pictures; it goes on from where it was.
  const passed = Math.min(at - frameAt, 250);
  frameAt = at;
  goTo(nowMs.value + passed * speed.value);
  if (nowMs.value >= durationMs.value) isPlaying.value = false;
  else requestAnimationFrame(play);
}

export function togglePlay(): void {
  isPlaying.value = !isPlaying.value;
  if (!isPlaying.value) return;
  if (nowMs.value >= durationMs.value) nowMs.value = 0;
  frameAt = performance.now();
  requestAnimationFrame(play);
}
