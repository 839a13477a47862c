/** What lasted, as bands along the time: alarms, deployments and faults, in the view of the plots. */

import { useEffect, useMemo, useRef } from 'preact/hooks';
import { formatDuration } from '../format.ts';
import { alarmStates } from '../page/data.ts';
import { colour } from './colours.ts';
import { EDGE, GUTTER, onWheel } from './plot.tsx';
import type { Run } from './run.ts';
import { follow, goTo, nowMs, selectEvent, theme, tip, view } from './state.ts';
import { instantOf } from './time.ts';

interface Band {
  readonly fromMs: number;
  readonly toMs: number;
  readonly colour: string;
  readonly text: string;
  /** Its event, when the page tells of one. */
  readonly event: number | undefined;
}

interface Lane {
  readonly title: string;
  readonly bands: readonly Band[];
}

/** Height of a lane: its name, and the band below it. */
const ROW = 28;
const NAME = 14;
const MOST_LANES = 16;

/** Alarms that were never in ALARM tell nothing here. */
function lanesOf(run: Run): { readonly lanes: readonly Lane[]; readonly more: number } {
  const { page } = run;
  const [alarm, state, at, seq] = ['alarm', 'state', 'at', 'seq'].map((name) => run.column(`alarmChange.${name}`)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const bands: Band[][] = page.alarms.map(() => []);
  // Being below a threshold is what scale-in waits for: nothing is wrong.
  const isLow = (index: number) => (page.alarms[index] as (typeof page.alarms)[number]).rule.includes(' below ');
  const open = new Map<number, number>();
  const close = (index: number, change: number, toMs: number) => {
    const name = alarmStates[state[change] as number];
    if (name === 'OK') return;
    const fromMs = at[change] as number;
    const { title } = page.alarms[index] as (typeof page.alarms)[number];
    const text = `${title} in ${name} for ${formatDuration(toMs - fromMs)} from ${instantOf(run, fromMs)}`;
    const event = run.eventOf(seq[change] as number);
    const shade = name !== 'ALARM' ? 'faint' : isLow(index) ? 'low' : 'bad';
    bands[index]?.push({ fromMs, toMs, colour: shade, text, event });
  };
  for (let change = 0; change < alarm.length; change++) {
    const index = alarm[change] as number;
    const before = open.get(index);
    if (before !== undefined) close(index, before, at[change] as number);
    open.set(index, change);
  }
  for (const [index, change] of open) close(index, change, (page.alarms[index] as (typeof page.alarms)[number]).toMs);
  const spans = (
    title: string,
    all: typeof page.faults,
    ends: (span: (typeof page.faults)[number]) => string,
  ): Lane => ({
    title,
    bands: all.map((span) => ({
      fromMs: span.fromMs,
      toMs: span.toMs,
      colour: ends(span),
      text: `${span.label}, ${formatDuration(span.toMs - span.fromMs)} from ${instantOf(run, span.fromMs)}${span.outcome === 'failed' ? ', failed' : ''}`,
      event: undefined,
    })),
  });
  const all: readonly Lane[] = [
    spans('faults', page.faults, () => 'fault-strong'),
    spans('deployments', page.deployments, ({ outcome }) => (outcome === 'failed' ? 'bad' : 'kind-0')),
    ...page.alarms.map(({ title }, index) => ({
      title: `alarm ${title}`,
      bands: (bands[index] as Band[]).some((band) => band.colour !== 'faint') ? (bands[index] as Band[]) : [],
    })),
  ];
  const lanes = all.filter((lane) => lane.bands.length > 0);
  return { lanes: lanes.slice(0, MOST_LANES), more: Math.max(0, lanes.length - MOST_LANES) };
}

export function Lanes({ run }: { run: Run }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { lanes, more } = useMemo(() => lanesOf(run), [run]);
  useEffect(() => (lanes.length === 0 ? undefined : draw(canvas.current as HTMLCanvasElement, lanes, run)), [run]);
  if (lanes.length === 0) return null;
  const words = lanes.map(({ title, bands }) => `${title}: ${bands.length}`).join(', ');
  return (
    <figure class="plot lanes">
      <figcaption>alarms, deployments and faults{more > 0 ? `, and ${more} lanes more` : ''}</figcaption>
      <div class="strip">
        <canvas ref={canvas} role="img" aria-label={`Times in ALARM, deployments and faults: ${words}`} />
      </div>
    </figure>
  );
}

function draw(canvas: HTMLCanvasElement, lanes: readonly Lane[], run: Run) {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const line = canvas.parentElement?.appendChild(document.createElement('div')) as HTMLDivElement;
  line.className = 'now';
  let inner = 1;
  const xOf = (atMs: number) => {
    const { fromMs, toMs } = view.peek();
    return GUTTER + ((atMs - fromMs) / (toMs - fromMs)) * inner;
  };
  const timeAt = (x: number) => {
    const { fromMs, toMs } = view.peek();
    return fromMs + ((x - GUTTER) / inner) * (toMs - fromMs);
  };
  canvas.style.height = `${lanes.length * ROW + 2}px`;
  const redraw = () => {
    const ratio = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, lanes.length * ROW + 2];
    inner = Math.max(1, width - GUTTER - EDGE);
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    for (const [row, { title, bands }] of lanes.entries()) {
      const y = row * ROW + 1;
      context.fillStyle = colour('lane');
      context.fillRect(GUTTER, y + NAME, inner, ROW - NAME - 3);
      let drawnTo = 0;
      for (const band of bands) {
        const from = Math.max(GUTTER, xOf(band.fromMs));
        const to = Math.min(GUTTER + inner, Math.max(from + 1.5, xOf(band.toMs)));
        // Of a year of short bands most lie where one is drawn already.
        if (to <= GUTTER || from >= GUTTER + inner || to <= drawnTo) continue;
        drawnTo = to + 0.5;
        context.fillStyle = colour(band.colour);
        context.fillRect(from, y + NAME, to - from, ROW - NAME - 3);
      }
      const shown = title.length > 48 ? `${title.slice(0, 47)}…` : title;
      context.fillStyle = colour('ink');
      context.fillText(shown, GUTTER, y + NAME / 2, inner);
    }
    moveLine();
  };
  const moveLine = () => {
    const x = xOf(nowMs.peek());
    line.hidden = x < GUTTER || x > GUTTER + inner;
    line.style.transform = `translateX(${x}px)`;
  };
  const bandAt = (event: MouseEvent) => {
    const lane = lanes[Math.floor(event.offsetY / ROW)];
    return lane?.bands.findLast(({ fromMs, toMs }) => {
      const [from, to] = [xOf(fromMs), xOf(toMs)];
      return event.offsetX >= from - 2 && event.offsetX <= Math.max(to, from + 1.5) + 2;
    });
  };
  canvas.addEventListener('mousemove', (event) => {
    const band = bandAt(event);
    tip.value = band === undefined ? undefined : { x: event.clientX, y: event.clientY, lines: [band.text] };
  });
  canvas.addEventListener('mouseleave', () => (tip.value = undefined));
  canvas.addEventListener('click', (event) => {
    const band = bandAt(event);
    if (band?.event !== undefined) selectEvent(run, band.event);
    else goTo(band?.fromMs ?? timeAt(event.offsetX));
  });
  canvas.addEventListener('wheel', (event) => onWheel(event, timeAt(event.offsetX)), { passive: false });
  const resized = new ResizeObserver(redraw);
  resized.observe(canvas);
  const stops = [follow([view, theme], redraw), follow([nowMs], moveLine)];
  return () => {
    for (const stop of stops) stop();
    line.remove();
    resized.disconnect();
  };
}
