/** The whole run in one strip, with the slider that moves the instant below it: load, failures, decisions, and what the plots show. */

import { useEffect, useRef } from 'preact/hooks';
import { colour } from './colours.ts';
import { highestOf, panelsOf, tableOf } from './panels.ts';
import { onWheel } from './plot.tsx';
import { durationMs, follow, goTo, nowMs, runs, serviceName, show, theme, view } from './state.ts';
import { fullInstantOf, instantOf } from './time.ts';

const HEIGHT = 46;

export function Overview() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => draw(canvas.current as HTMLCanvasElement), []);
  const run = runs.value[0];
  if (run === undefined) return null;
  return (
    <div class="overview">
      <canvas
        ref={canvas}
        role="img"
        aria-label="The load of the whole run; drag to move the stretch that the plots show"
        style={{ height: `${HEIGHT}px` }}
      />
      <input
        type="range"
        id="slider"
        aria-label="Instant"
        aria-valuetext={fullInstantOf(run, nowMs.value)}
        min={0}
        max={durationMs.value}
        step={1000}
        value={nowMs.value}
        onInput={(event) => goTo(Number(event.currentTarget.value))}
      />
      <div class="ends">
        <span>{instantOf(run, 0)}</span>
        <span>{instantOf(run, durationMs.value)}</span>
      </div>
    </div>
  );
}

function draw(canvas: HTMLCanvasElement) {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  let across = 1;
  const xOf = (atMs: number) => (atMs / durationMs.peek()) * across;
  const redraw = () => {
    const [run] = runs.peek();
    const width = canvas.clientWidth;
    across = width;
    if (run === undefined || width === 0) return;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(HEIGHT * devicePixelRatio);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    const service = run.page.services.findIndex(({ name }) => name === serviceName.peek());
    const panels = panelsOf(run, service);
    const panel = panels.find(({ id }) => id === 'traffic') ?? panels.find(({ id }) => id === 'tasks');
    if (panel !== undefined) {
      const whole = durationMs.peek();
      const last = { ...panel, series: panel.series.slice(-1) };
      const [xs, ys = []] = tableOf(last, 0, whole, width);
      const highest = highestOf(last, 0, whole) || 1;
      context.fillStyle = colour('overview');
      context.beginPath();
      context.moveTo(0, HEIGHT);
      for (const [index, x] of xs.entries())
        context.lineTo(xOf(x), HEIGHT - 1 - ((ys[index] ?? 0) / highest) * (HEIGHT - 6));
      context.lineTo(xOf(Math.min(whole, run.page.durationMs)), HEIGHT);
      context.fill();
    }
    context.fillStyle = colour('bad');
    for (const { series, pointMs } of panels.filter(({ id }) => id === 'errors'))
      for (const { values } of series)
        for (let point = 0; point < values.length; point++)
          if ((values[point] as number) > 0) context.fillRect(xOf(point * pointMs), 0, Math.max(1, xOf(pointMs)), 4);
  };
  const window = canvas.parentElement?.insertBefore(
    document.createElement('div'),
    canvas.nextSibling,
  ) as HTMLDivElement;
  window.className = 'window';
  const line = canvas.parentElement?.insertBefore(document.createElement('div'), canvas.nextSibling) as HTMLDivElement;
  line.className = 'now';
  line.style.height = `${HEIGHT}px`;
  const moveWindow = () => {
    const { fromMs, toMs } = view.peek();
    window.style.transform = `translateX(${xOf(fromMs)}px)`;
    window.style.width = `${Math.max(4, xOf(toMs - fromMs))}px`;
    window.style.height = `${HEIGHT}px`;
    window.hidden = toMs - fromMs >= durationMs.peek();
  };
  const timeAt = (event: MouseEvent) =>
    ((event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth) * durationMs.peek();
  let grabbedMs: number | undefined;
  const down = (event: PointerEvent) => {
    const { fromMs, toMs } = view.peek();
    const atMs = timeAt(event);
    canvas.setPointerCapture(event.pointerId);
    const isWhole = toMs - fromMs >= durationMs.peek();
    if (isWhole || atMs < fromMs || atMs > toMs) goTo(atMs);
    else grabbedMs = atMs - fromMs;
  };
  const move = (event: PointerEvent) => {
    if (grabbedMs === undefined) {
      if (event.buttons === 1) goTo(timeAt(event));
      return;
    }
    const { fromMs, toMs } = view.peek();
    const from = Math.min(Math.max(0, timeAt(event) - grabbedMs), durationMs.peek() - (toMs - fromMs));
    show(from, from + toMs - fromMs);
  };
  const up = () => (grabbedMs = undefined);
  canvas.addEventListener('pointerdown', down);
  canvas.addEventListener('pointermove', move);
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('wheel', (event) => onWheel(event, timeAt(event)), { passive: false });
  const moveLine = () => {
    line.style.transform = `translateX(${xOf(nowMs.peek())}px)`;
  };
  const resized = new ResizeObserver(() => {
    redraw();
    moveWindow();
    moveLine();
  });
  resized.observe(canvas);
  const stops = [
    follow([theme, serviceName], redraw),
    follow([view], moveWindow),
    follow([nowMs], moveLine),
    () => resized.disconnect(),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
