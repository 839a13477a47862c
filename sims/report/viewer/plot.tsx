/** One plot: uPlot with the page's view of time, its marks and limits, and a line at the instant that the viewer shows. */

import { useEffect, useMemo, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { colour } from './colours.ts';
import { marksNear, marksOf, type Mark } from './marks.ts';
import { highestOf, tableOf, type Panel } from './panels.ts';
import type { Run } from './run.ts';
import { calmNowMs, follow, goTo, nowMs, pan, selectEvent, show, theme, tip, view, zoom } from './state.ts';
import { fullInstantOf, tickLabel, tickLengths, ticks } from './time.ts';

const HEIGHT = 168;
/** Free on the left, for what the axis says, and on the right, for half a label of the time. */
export const GUTTER = 58;
export const EDGE = 20;
const DASHES = { dashed: [5, 4], dotted: [2, 3] } as const;
const FONT = '11px system-ui, sans-serif';

/** @param highest  the top of the axis: the same for the panels that are compared */
export function Plot({
  run,
  panel,
  highest,
}: {
  run: Run;
  panel: Panel;
  highest: (fromMs: number, toMs: number) => number;
}) {
  const place = useRef<HTMLDivElement>(null);
  const words = useMemo(() => inWords(panel), [panel]);
  useEffect(() => draw(place.current as HTMLDivElement, run, panel, highest), [run, panel, highest]);
  return (
    <figure class="plot" data-panel={panel.id}>
      <figcaption>
        {panel.title}
        <span class="hidden">, {words}</span>
      </figcaption>
      <div ref={place} class="plotted" />
    </figure>
  );
}

/** For who cannot see the curves. */
function inWords(panel: Panel): string {
  return panel.series
    .map(({ label, values }) => {
      const known = values.filter((value) => !Number.isNaN(value));
      if (known.length === 0) return `${label}: nothing`;
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      const most = known.reduce((highest, value) => Math.max(highest, value), 0);
      return `${label}: mean ${panel.format(mean)}, highest ${panel.format(most)}`;
    })
    .join('; ');
}

function draw(place: HTMLDivElement, run: Run, panel: Panel, highest: (fromMs: number, toMs: number) => number) {
  const { startMs } = run.page;
  const marks = marksOf(run, panel);
  let top = 1;
  let isVisible = false;
  let isStale = true;
  const options: UPlot.Options = {
    width: Math.max(120, place.clientWidth),
    height: HEIGHT,
    padding: [6, EDGE, 0, 0],
    pxAlign: 1,
    scales: { x: { time: false, range: () => [view.peek().fromMs, view.peek().toMs] }, y: { range: () => [0, top] } },
    // By the style sheet, so that a change of colours reaches them, too.
    legend: {
      live: true,
      markers: {
        width: 2,
        stroke: (_, index) => `var(--${panel.series[index - 1]?.colour ?? 'ink'})`,
        fill: () => 'none',
        dash: (_, index) => panel.series[index - 1]?.line ?? 'solid',
      },
    },
    cursor: {
      sync: { key: 'seatrial', scales: ['x', null] },
      drag: { x: true, y: false, setScale: false, dist: 4 },
      points: { size: 5 },
      bind: { dblclick: () => () => (show(0, Number.POSITIVE_INFINITY), null) },
    },
    axes: [
      {
        stroke: () => colour('ink-soft'),
        grid: { stroke: () => colour('grid'), width: 1 },
        ticks: { show: false },
        font: FONT,
        size: 26,
        gap: 8,
        space: 64,
        incrs: [...tickLengths],
        splits: (_, __, from, to, length) => ticks(startMs, from, to, length),
        values: (_, splits, __, ___, length) => splits.map((at) => tickLabel(startMs, at, length)),
      },
      {
        stroke: () => colour('ink-soft'),
        grid: { stroke: () => colour('grid'), width: 1 },
        ticks: { show: false },
        font: FONT,
        size: GUTTER,
        gap: 4,
        space: 36,
        values: (_, splits) => splits.map((value) => panel.format(value)),
      },
    ],
    series: [
      { label: 'at', value: (_, at) => (at === null || Number.isNaN(at) ? '' : fullInstantOf(run, at)) },
      ...panel.series.map((series): UPlot.Series => ({
        label: series.label,
        stroke: () => colour(series.colour),
        width: series.colour === 'faint' ? 1 : 1.5,
        points: { show: false },
        spanGaps: false,
        ...(series.line === undefined ? {} : { dash: [...DASHES[series.line]] }),
        ...(series.isFilled === true ? { fill: () => `${colour(series.colour)}22` } : {}),
        ...(series.isStepped === true && UPlot.paths.stepped !== undefined
          ? { paths: UPlot.paths.stepped({ align: 1 }) }
          : {}),
        value: (_, value) => (value === null ? '-' : panel.format(value)),
      })),
    ],
    hooks: {
      drawClear: [(plot) => drawBands(plot, run)],
      draw: [(plot) => (drawLimits(plot, panel), drawMarks(plot, marks))],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          show(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
        },
      ],
    },
  };
  const plot = new UPlot(options, [[], ...panel.series.map(() => [])], place);
  // The caption has it in words.
  for (const drawn of [plot.ctx.canvas, place.querySelector('.u-legend')]) drawn?.setAttribute('aria-hidden', 'true');
  const line = plot.over.appendChild(document.createElement('div'));
  line.className = 'now';
  const moveLine = () => {
    const now = nowMs.peek();
    const x = plot.valToPos(now, 'x');
    line.style.display = x >= 0 && x <= plot.over.clientWidth ? 'block' : 'none';
    line.style.transform = `translateX(${x}px)`;
  };
  // Without a pointer the legend tells of the instant that the viewer shows.
  const tellNow = () => {
    if ((plot.cursor.left ?? -1) < 0 && plot.data[0].length > 0)
      plot.setLegend({ idx: plot.valToIdx(nowMs.peek()) }, false);
  };
  const redraw = () => {
    isStale = !isVisible;
    if (isStale) return;
    const { fromMs, toMs } = view.peek();
    top = highest(fromMs, toMs) * 1.06 || 1;
    plot.setData(tableOf(panel, fromMs, toMs, Math.max(60, plot.over.clientWidth / 3)));
    moveLine();
    tellNow();
  };
  const resized = new ResizeObserver(() => {
    const width = place.clientWidth;
    if (width > 0 && width !== plot.width) {
      plot.setSize({ width, height: HEIGHT });
      redraw();
    }
  });
  resized.observe(place);
  const seen = new IntersectionObserver(([entry]) => {
    isVisible = entry?.isIntersecting === true;
    if (isVisible && isStale) redraw();
  });
  seen.observe(place);
  listen(plot, run, marks);
  const stops = [
    follow([view, theme], redraw),
    follow([nowMs], () => {
      if (isVisible) moveLine();
    }),
    follow([calmNowMs], () => {
      if (isVisible) tellNow();
    }),
    () => resized.disconnect(),
    () => seen.disconnect(),
    () => plot.destroy(),
  ];
  // Paper shows all plots.
  const printed = () => {
    isVisible = true;
    redraw();
  };
  addEventListener('beforeprint', printed);
  return () => {
    removeEventListener('beforeprint', printed);
    for (const stop of stops) stop();
  };
}

/** Click: that instant, or the mark there. Wheel with Ctrl: closer. Shift and wheel, or a sideways one: along. */
function listen(plot: UPlot, run: Run, marks: readonly Mark[]): void {
  const { over } = plot;
  let downX = 0;
  const near = (event: MouseEvent) => {
    const { left } = over.getBoundingClientRect();
    return marksNear(marks, (atMs) => plot.valToPos(atMs, 'x'), event.clientX - left);
  };
  over.addEventListener('mousedown', (event) => (downX = event.clientX));
  over.addEventListener('click', (event) => {
    if (Math.abs(event.clientX - downX) > 4) return;
    const mark = near(event);
    if (mark !== undefined) selectEvent(run, mark.event);
    else goTo(plot.posToVal(event.clientX - over.getBoundingClientRect().left, 'x'));
  });
  over.addEventListener('mousemove', (event) => {
    const mark = near(event);
    tip.value = mark === undefined ? undefined : { x: event.clientX, y: event.clientY, lines: mark.lines() };
  });
  over.addEventListener('mouseleave', () => (tip.value = undefined));
  over.addEventListener('wheel', (event) => onWheel(event, plot.posToVal(event.offsetX, 'x')), { passive: false });
}

export function onWheel(event: WheelEvent, atMs: number): void {
  const along = event.deltaX !== 0 ? event.deltaX : event.shiftKey ? event.deltaY : 0;
  if (along !== 0) pan(along / 800);
  else if (event.ctrlKey || event.metaKey || event.altKey) zoom(Math.exp(event.deltaY / 400), atMs);
  else return;
  event.preventDefault();
}

/** Faults, behind everything. */
function drawBands(plot: UPlot, run: Run): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour('fault');
  for (const { fromMs, toMs } of run.page.faults) {
    const from = Math.max(bbox.left, plot.valToPos(fromMs, 'x', true));
    const to = Math.min(bbox.left + bbox.width, Math.max(from + 1, plot.valToPos(toMs, 'x', true)));
    if (to > from) ctx.fillRect(from, bbox.top, to - from, bbox.height);
  }
  ctx.restore();
}

function drawLimits(plot: UPlot, panel: Panel): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${10 * ratio}px system-ui, sans-serif`;
  ctx.lineWidth = ratio;
  const named = { left: Number.POSITIVE_INFINITY, right: Number.POSITIVE_INFINITY };
  for (const { value, label, isTarget } of panel.limits.toSorted((a, b) => a.value - b.value)) {
    const y = plot.valToPos(value, 'y', true);
    ctx.strokeStyle = ctx.fillStyle = colour(isTarget ? 'target' : 'bad');
    ctx.setLineDash(isTarget ? [] : [4 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    // Targets are named on the left, thresholds on the right; of several that lie together the lowest.
    const side = isTarget ? 'left' : 'right';
    if (Math.abs(named[side] - y) < 11 * ratio) continue;
    named[side] = y;
    ctx.textAlign = side;
    const x = isTarget ? bbox.left + 3 * ratio : bbox.left + bbox.width - 3 * ratio;
    const below = y + (isTarget ? -3 : 10) * ratio;
    // A halo of paper: curves that run through a name leave it legible.
    ctx.setLineDash([]);
    ctx.lineWidth = 4 * ratio;
    ctx.strokeStyle = colour('paper');
    ctx.strokeText(label, x, below);
    ctx.lineWidth = ratio;
    ctx.fillText(label, x, below);
  }
  ctx.restore();
}

function drawMarks(plot: UPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = plot;
  const size = 4 * devicePixelRatio;
  const { fromMs, toMs } = view.peek();
  ctx.save();
  const last = { up: -1, down: -1 };
  for (const { atMs, direction } of marks) {
    if (atMs < fromMs || atMs > toMs) continue;
    const x = plot.valToPos(atMs, 'x', true);
    // Of many in the same place, one is seen.
    const side = direction > 0 ? 'up' : 'down';
    if (x - last[side] < 1.5) continue;
    last[side] = x;
    const y = direction > 0 ? bbox.top + size : bbox.top + 3.2 * size;
    ctx.fillStyle = colour(side);
    ctx.beginPath();
    ctx.moveTo(x - size, y + (direction * size) / 1.5);
    ctx.lineTo(x + size, y + (direction * size) / 1.5);
    ctx.lineTo(x, y - (direction * size) / 1.2);
    ctx.fill();
  }
  ctx.restore();
}

/** The top of a panel's axis over all the runs that are shown, remembered for as long as the view stays. */
export function sharedHighest(panels: readonly Panel[]): (fromMs: number, toMs: number) => number {
  let known = { fromMs: Number.NaN, toMs: Number.NaN, highest: 0 };
  return (fromMs, toMs) => {
    if (known.fromMs !== fromMs || known.toMs !== toMs)
      known = { fromMs, toMs, highest: Math.max(...panels.map((panel) => highestOf(panel, fromMs, toMs))) };
    return known.highest;
  };
}
