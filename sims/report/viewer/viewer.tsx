/** The page: decodes the runs that it carries, and shows them. */

import { effect } from '@preact/signals';
import { render } from 'preact';
import { useMemo } from 'preact/hooks';
import { DAY, HOUR, MINUTE } from '../../../core/kernel/index.ts';
import { formatDuration } from '../format.ts';
import { taskStates, titleOf } from '../page/data.ts';
import { Cluster } from './cluster.tsx';
import { followTheme, setTheme } from './colours.ts';
import { Compared } from './compared.tsx';
import { Alarms, Counts, EventList, Selected, Services } from './inspector.tsx';
import { Lanes } from './lanes.tsx';
import { Overview } from './overview.tsx';
import { panelsOf } from './panels.ts';
import { Plot, sharedHighest } from './plot.tsx';
import { decodePage, type Run } from './run.ts';
import { AllScores } from './scores.tsx';
import {
  colourBy,
  comparison,
  durationMs,
  eventsShown,
  goTo,
  isPlaying,
  nowMs,
  pan,
  runs,
  serviceName,
  show,
  speed,
  stepDecision,
  theme,
  tip,
  togglePlay,
  view,
  zoom,
} from './state.ts';
import { busiestOf, Cost, Failures, Difference, letterOf, Moments, Notes, RunHead, Scorecards } from './summary.tsx';
import { fullInstantOf } from './time.ts';

const SPEEDS = [1, 10, 60, 600, HOUR / 1_000, (6 * HOUR) / 1_000, DAY / 1_000];

function Page() {
  const all = runs.value;
  const side = all.length > 1 ? 'side two' : 'side';
  const compared = comparison.value;
  return (
    <>
      {all.length === 0 ? null : (
        <a class="skip" href="#viewer">
          to the viewer
        </a>
      )}
      <header>
        <h1>
          <span class="mark">Seatrial</span>{' '}
          {titleOf(
            all.map(({ page }) => page),
            compared,
          )}
        </h1>
        <button type="button" id="theme" onClick={() => setTheme(theme.value === 'dark' ? 'light' : 'dark')}>
          {theme.value === 'dark' ? 'light' : 'dark'}
          <span class="hidden"> colours</span>
        </button>
      </header>
      <main>
        {compared === undefined ? null : <Compared comparison={compared} />}
        {compared === undefined || all.length === 0 ? null : <h2>the runs under seed {compared.seeds[0]}</h2>}
        <div class={side}>
          {all.map((run) => (
            <div>
              <RunHead run={run} />
              <Moments run={run} />
            </div>
          ))}
        </div>
        {all.length === 0 ? null : (
          <>
            <Difference />
            <Viewer />
            <Plots />
            <Scorecards>
              <AllScores />
            </Scorecards>
            <Cost />
          </>
        )}
        {all.map((run) => (
          <Failures run={run} />
        ))}
        {all.map((run) => (
          <Notes run={run} />
        ))}
      </main>
      <footer class="soft">
        Made by seatrial {all[0]?.page.summary.engine.version ?? compared?.engine.version}; this file needs no network.
        Times are UTC.
      </footer>
      <Tooltip />
    </>
  );
}

function Viewer() {
  const all = runs.value;
  const [first] = all;
  if (first === undefined) return null;
  return (
    <section id="viewer" aria-labelledby="viewer-title" tabIndex={-1}>
      <h2 id="viewer-title">{all.length > 1 ? 'the runs' : 'the run'}, instant by instant</h2>
      <div class="bar-of-time">
        <div class="controls">
          <button
            type="button"
            onClick={() => stepDecision(-1)}
            title="to the decision before (p)"
            aria-label="Previous scaling decision"
          >
            ‹ decision
          </button>
          <button
            type="button"
            id="play"
            onClick={togglePlay}
            title="play or pause (space)"
            aria-pressed={isPlaying.value}
          >
            {isPlaying.value ? 'pause' : 'play'}
          </button>
          <button
            type="button"
            id="next"
            onClick={() => stepDecision(1)}
            title="to the next decision (n)"
            aria-label="Next scaling decision"
          >
            decision ›
          </button>
          <label>
            {' '}
            <span class="hidden">Speed</span>
            <select value={speed.value} onChange={(event) => (speed.value = Number(event.currentTarget.value))}>
              {SPEEDS.map((value) => (
                <option value={value}>
                  {value === 1 ? 'as fast as life' : `${formatDuration(value * 1_000)} a second`}
                </option>
              ))}
            </select>
          </label>
          <Instant run={first} />
        </div>
        <Overview />
      </div>
      <div class="legend-row">
        <Legend />
        <label>
          colour running tasks by{' '}
          <select
            value={colourBy.value}
            onChange={(event) => (colourBy.value = event.currentTarget.value as 'state' | 'service')}
          >
            <option value="state">state</option>
            <option value="service">service</option>
          </select>
        </label>
        <label>
          events{' '}
          <select
            value={eventsShown.value}
            onChange={(event) => (eventsShown.value = event.currentTarget.value as 'decisions' | 'all')}
          >
            <option value="all">all</option>
            <option value="decisions">decisions, alarms, faults</option>
          </select>
        </label>
      </div>
      <div class={all.length > 1 ? 'side two' : 'side'}>
        {all.map((run) => (
          <World run={run} isAlone={all.length === 1} />
        ))}
      </div>
      <p class="soft keys">
        Keys: space plays and pauses, ← → a minute back and on (with Shift an hour), n and p the next and previous
        decision, + and - zoom, 0 the whole run.
      </p>
    </section>
  );
}

function World({ run, isAlone }: { run: Run; isAlone: boolean }) {
  return (
    <article
      class={`world ${isAlone ? 'alone' : ''}`}
      aria-label={isAlone ? 'The cluster' : `The cluster of ${letterOf(run)}`}
    >
      <div>
        {isAlone ? null : (
          <h3>
            <span class={`letter letter-${run.number}`}>{letterOf(run)}</span>
            {run.page.label}
          </h3>
        )}
        <Counts run={run} />
        <Cluster run={run} />
        <div
          class="scroll"
          tabIndex={0}
          role="region"
          aria-label={isAlone ? 'Services' : `Services of ${letterOf(run)}`}
        >
          <Services run={run} />
        </div>
        <Alarms run={run} />
      </div>
      <div>
        <EventList run={run} />
        <Selected run={run} />
      </div>
    </article>
  );
}

function Legend() {
  const shown = [
    ['task-waiting', taskStates[0]],
    ['task-starting', 'PENDING, ACTIVATING'],
    ['task-warming', 'not healthy yet'],
    ['task-running', 'RUNNING'],
    ['task-unhealthy', 'unhealthy'],
    ['task-draining', 'DEACTIVATING'],
    ['task-stopping', 'STOPPING'],
  ] as const;
  return (
    <ul class="legend">
      {shown.map(([name, text]) => (
        <li>
          <i class={name} /> {text}
        </li>
      ))}
    </ul>
  );
}

function Plots() {
  const all = runs.value;
  const name = serviceName.value;
  const panels = useMemo(() => {
    const byRun = all.map((run) =>
      panelsOf(
        run,
        run.page.services.findIndex((service) => service.name === name),
      ),
    );
    const ids = [...new Set(byRun.flatMap((list) => list.map(({ id }) => id)))];
    return ids.map((id) => {
      const found = byRun.map((list, index) => ({
        run: all[index] as Run,
        panel: list.find((panel) => panel.id === id),
      }));
      const known = found.flatMap(({ panel }) => panel ?? []);
      return { id, found, highest: sharedHighest(known) };
    });
  }, [all, name]);
  const names = [...new Set(all.flatMap(({ page }) => page.services.map((service) => service.name)))];
  const middle = () => {
    const { fromMs, toMs } = view.peek();
    return nowMs.peek() >= fromMs && nowMs.peek() <= toMs ? nowMs.peek() : (fromMs + toMs) / 2;
  };
  return (
    <section aria-labelledby="plots">
      <h2 id="plots">over time</h2>
      <div class="controls plots-controls">
        {names.length > 1 ? (
          <label>
            service{' '}
            <select id="service" value={name} onChange={(event) => (serviceName.value = event.currentTarget.value)}>
              {names.map((item) => (
                <option value={item}>{item}</option>
              ))}
            </select>
          </label>
        ) : null}
        <button type="button" onClick={() => pan(-0.25)} aria-label="Earlier">
          ←
        </button>
        <button type="button" onClick={() => zoom(0.5, middle())} aria-label="Zoom in">
          +
        </button>
        <button type="button" onClick={() => zoom(2, middle())} aria-label="Zoom out">
          −
        </button>
        <button type="button" onClick={() => pan(0.25)} aria-label="Later">
          →
        </button>
        <button type="button" onClick={() => show(0, durationMs.value)}>
          whole run
        </button>
        <span class="soft">
          <Shown /> shown; drag to zoom, double-click for all, Ctrl and wheel zooms, Shift and wheel moves; ▲▼ are
          scaling activities
        </span>
      </div>
      <div class={all.length > 1 ? 'plots two' : 'plots'}>
        {all.map((run) => (
          <Lanes key={`lanes ${run.number}`} run={run} />
        ))}
        {panels.flatMap(({ id, found, highest }) =>
          found.map(({ run, panel }) =>
            panel === undefined ? (
              <div key={`${id} ${run.number}`} />
            ) : (
              <Plot key={`${id} ${run.number} ${name}`} run={run} panel={panel} highest={highest} />
            ),
          ),
        )}
      </div>
    </section>
  );
}

function Shown() {
  const { fromMs, toMs } = view.value;
  return <>{formatDuration(toMs - fromMs)}</>;
}

function Instant({ run }: { run: Run }) {
  return (
    // A run that plays would be talked about without end.
    <output class="instant" for="slider" aria-live={isPlaying.value ? 'off' : 'polite'}>
      {fullInstantOf(run, nowMs.value)}
    </output>
  );
}

function Tooltip() {
  const shown = tip.value;
  if (shown === undefined) return null;
  const left = Math.min(shown.x + 14, innerWidth - Math.min(420, innerWidth - 16));
  const below = shown.y < innerHeight / 2;
  const place = below ? { top: `${shown.y + 16}px` } : { bottom: `${innerHeight - shown.y + 12}px` };
  return (
    <div class="tip" role="tooltip" style={{ left: `${Math.max(8, left)}px`, ...place }}>
      {shown.lines.map((line) => (
        <p>{line}</p>
      ))}
    </div>
  );
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
  // Space presses what has the focus, arrows scroll a table that is wider than the page.
  if (event.key === ' ' && /^(BUTTON|SUMMARY|A)$/.test(target.tagName)) return;
  if (event.key.startsWith('Arrow') && target.classList.contains('scroll')) return;
  const byMs = event.shiftKey ? HOUR : MINUTE;
  const actions: Readonly<Record<string, () => void>> = {
    ' ': togglePlay,
    ArrowLeft: () => goTo(nowMs.value - byMs),
    ArrowRight: () => goTo(nowMs.value + byMs),
    n: () => stepDecision(1),
    p: () => stepDecision(-1),
    '+': () => zoom(0.5, nowMs.value),
    '-': () => zoom(2, nowMs.value),
    '0': () => show(0, durationMs.value),
    Home: () => goTo(0),
    End: () => goTo(durationMs.value),
  };
  const action = actions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
}

/** Where the viewer begins: in the worst minute of the busiest service, or at the first telling moment. */
function startOf({ page }: Run): number {
  const worst = busiestOf(page.summary)[0]?.serviceLevel.worstMinute?.startMs;
  return (worst ?? page.summary.moments[0]?.atMs ?? page.startMs + page.durationMs / 2) - page.startMs;
}

async function start(): Promise<void> {
  const app = document.getElementById('app') as HTMLElement;
  app.textContent = 'One moment: the page is being unpacked.';
  followTheme();
  try {
    const { runs: decoded, comparison: compared } = await decodePage(
      document.getElementById('data')?.textContent ?? '',
    );
    runs.value = decoded;
    comparison.value = compared;
    const [first] = decoded;
    serviceName.value =
      first === undefined ? '' : (busiestOf(first.page.summary)[0]?.serviceName ?? first.page.services[0]?.name ?? '');
    show(0, durationMs.value);
    // A run in about a minute and a half.
    speed.value = SPEEDS.find((value) => durationMs.value / value <= 100_000) ?? (SPEEDS.at(-1) as number);
    goTo(first === undefined ? 0 : startOf(first));
  } catch (error) {
    app.textContent = `This report cannot be read by this browser: ${String(error)}. Firefox, Chrome, Edge and Safari from 2023 on can.`;
    return;
  }
  app.textContent = '';
  document.addEventListener('keydown', onKey);
  effect(() => {
    document.documentElement.classList.toggle('playing', isPlaying.value);
  });
  render(<Page />, app);
}

void start();
