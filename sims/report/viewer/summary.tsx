/** The first screen: what sailed, what its users got, what it cost, and the moments that tell most; scorecards further down. */

import type { ComponentChildren } from 'preact';
import {
  formatAvailability,
  formatCount,
  formatDate,
  formatDuration,
  formatLatency,
  formatNoun,
  formatRange,
  formatUsd,
} from '../format.ts';
import { verdictOn } from '../comparison.ts';
import type { RunSummary, ServiceSummary } from '../summary.ts';
import { costParts, figuresOf, NONE, verdictOf, verdictOfJobs, wasteOf } from '../verdict.ts';
import type { Run } from './run.ts';
import { runs, selectEvent, goTo, show } from './state.ts';
import { glued, instantOf } from './time.ts';

/** Services with a sentence of their own. */
const TOLD = 4;

export function busiestOf({ services }: RunSummary): readonly ServiceSummary[] {
  return services
    .filter(({ serviceLevel }) => serviceLevel.requests > 0)
    .toSorted((a, b) => b.serviceLevel.requests - a.serviceLevel.requests);
}

export function RunHead({ run }: { run: Run }) {
  const { summary, label, stepMs, pointMs } = run.page;
  const busiest = busiestOf(summary);
  const [fromMs, toMs] = [Date.parse(summary.from), Date.parse(summary.to)];
  const resolution = pointMs > stepMs ? `, plotted by ${formatDuration(pointMs)}` : '';
  return (
    <section class="head" aria-label={`Run ${label}`}>
      {runs.value.length > 1 ? (
        <h2 class="run">
          <span class={`letter letter-${run.number}`}>{letterOf(run)}</span>
          {label}
        </h2>
      ) : null}
      {summary.teaches === undefined ? null : <p>{summary.teaches}</p>}
      <p class="soft">
        {formatDate(fromMs)} to {formatDate(toMs)} UTC ({formatDuration(toMs - fromMs)}), seed {summary.seed}
        {summary.complete ? '' : ', stopped early'}; steps of {formatDuration(stepMs)}
        {resolution}; {formatNoun(summary.events, 'event')}, digest {summary.digest}
      </p>
      {[...busiest.slice(0, TOLD).map(verdictOf), ...summary.jobs.map(verdictOfJobs)].map(({ text, isGood }) => {
        return (
          <p class={`verdict ${isGood ? 'good' : 'warn'}`}>
            <span aria-hidden="true">{isGood ? '✓' : '!'}</span>
            <span class="hidden">{isGood ? 'kept: ' : 'not kept: '}</span> {glued(text)}
          </p>
        );
      })}
      <Tiles summary={summary} busiest={busiest[0]} />
    </section>
  );
}

export function letterOf(run: Run): string {
  return run.number === 0 ? 'A' : 'B';
}

/** Which of two runs; nothing when there is one. */
function ofLetter(before: string, run: Run): string {
  return runs.value.length > 1 ? `${before}${letterOf(run)}` : '';
}

function Tiles({ summary, busiest }: { summary: RunSummary; busiest: ServiceSummary | undefined }) {
  const tiles: (readonly [title: string, value: string, note: string])[] = [];
  if (busiest !== undefined) {
    const { serviceName, serviceLevel, utilization, scaling, queue } = busiest;
    const many = summary.services.length > 1 ? serviceName : '';
    if (queue === undefined)
      tiles.push(['answered in time', formatAvailability(serviceLevel.availabilityPercent), many]);
    else tiles.push(['largest backlog', formatCount(queue.largestBacklog), queue.queueName]);
    tiles.push(['p99', serviceLevel.served > 0 ? formatLatency(serviceLevel.p99Ms) : NONE, many]);
    if (serviceLevel.sloMinutesLost !== undefined)
      tiles.push([
        'objective missed',
        formatNoun(serviceLevel.sloMinutesLost, 'minute'),
        `of ${formatCount(serviceLevel.minutes)}`,
      ]);
    tiles.push(['tasks', formatRange(utilization.fewestTasks, utilization.mostTasks), many]);
    const { medianS } = scaling.riseToCapacity;
    tiles.push([
      'rise to capacity',
      medianS === undefined ? NONE : formatDuration(medianS * 1_000),
      `${formatNoun(scaling.scaleOuts, 'scale-out')}, ${formatNoun(scaling.scaleIns, 'scale-in')}`,
    ]);
  }
  const { totalMicroUsd, idleMicroUsd } = summary.cost;
  tiles.push(['cost', formatUsd(totalMicroUsd), idleMicroUsd > 0 ? `${formatUsd(idleMicroUsd)} of it idle` : '']);
  return (
    <dl class="tiles">
      {tiles.map(([title, value, note]) => (
        <div>
          <dt>{title}</dt>
          <dd>
            {value}
            <small>{note}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The stretch around a moment that the plots then show. */
const AROUND_MS = 45 * 60_000;

export function Moments({ run }: { run: Run }) {
  const { moments } = run.page.summary;
  if (moments.length === 0) return null;
  const visit = (seq: number, atMs: number) => {
    show(atMs - AROUND_MS, atMs + AROUND_MS);
    const event = run.eventOf(seq);
    if (event === undefined) goTo(atMs);
    else selectEvent(run, event);
    document.getElementById('viewer')?.scrollIntoView({ block: 'start' });
  };
  return (
    <section class="moments" aria-labelledby={`moments-${run.number}`}>
      <h2 id={`moments-${run.number}`}>the most telling moments{ofLetter(' of ', run)}</h2>
      <ul>
        {moments.map(({ seq, atMs, what, because }) => {
          const at = atMs - run.page.startMs;
          return (
            <li>
              <button type="button" class="link" onClick={() => visit(seq, at)}>
                <time>{instantOf(run, at)}</time> {glued(what)}
              </button>
              {because.length === 0 ? null : <p class="soft">because {glued(because.join(' ← '))}</p>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Rows of figures, a column for each service; of two runs, both beside each other. */
export function Scorecards({ children }: { children: ComponentChildren }) {
  const all = runs.value;
  const names = [...new Set(all.flatMap((run) => run.page.summary.services.map(({ serviceName }) => serviceName)))];
  const columns = names.flatMap((name) =>
    all.map((run) => ({
      run,
      name,
      service: run.page.summary.services.find(({ serviceName }) => serviceName === name),
    })),
  );
  const services = columns.flatMap(({ service }) => service ?? []);
  const rows = figuresOf(services)
    .map(([title, tell]) => ({
      title,
      cells: columns.map(({ run, service }) => (service === undefined ? NONE : tell(service, run.page.summary.scores))),
    }))
    .filter(({ cells }) => cells.some((cell) => cell !== NONE));
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby="scorecards">
      <h2 id="scorecards">scorecards</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Scorecards">
        <table class="figures">
          <thead>
            <tr>
              <td />
              {columns.map(({ run, name }) => (
                <th scope="col">
                  {all.length > 1 ? <span class={`letter letter-${run.number}`}>{letterOf(run)}</span> : null}
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ title, cells }) => (
              <tr>
                <th scope="row">{title}</th>
                {cells.map((cell, index) => (
                  <td
                    class={all.length > 1 && cell !== cells[index - (index % 2) + ((index + 1) % 2)] ? 'differs' : ''}
                  >
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {children}
    </section>
  );
}

export function Cost() {
  const all = runs.value;
  const kinds = [...new Set(all.flatMap((run) => costParts(run.page.summary.cost).map(({ kind }) => kind)))];
  const most = Math.max(1, ...all.flatMap((run) => costParts(run.page.summary.cost).map(({ microUsd }) => microUsd)));
  return (
    <section aria-labelledby="cost">
      <h2 id="cost">cost by kind</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Cost by kind">
        <table class="figures cost">
          <thead class="hidden">
            <tr>
              <th scope="col">kind</th>
              <th scope="col">cost</th>
              <th scope="col">what for</th>
            </tr>
          </thead>
          <tbody>
            {kinds.flatMap((kind) =>
              all.map((run) => {
                const part = costParts(run.page.summary.cost).find((item) => item.kind === kind);
                return (
                  <tr>
                    <th scope="row">
                      {all.length > 1 ? <span class={`letter letter-${run.number}`}>{letterOf(run)}</span> : null}
                      {kind}
                    </th>
                    <td>{part === undefined ? NONE : formatUsd(part.microUsd)}</td>
                    <td class="bar">
                      <span
                        class={`fill-${run.number}`}
                        style={{ width: `${(100 * (part?.microUsd ?? 0)) / most}%` }}
                      />
                      <small>{part?.detail.trim()}</small>
                    </td>
                  </tr>
                );
              }),
            )}
          </tbody>
          <tfoot>
            {all.map((run) => (
              <tr>
                <th scope="row">
                  {all.length > 1 ? <span class={`letter letter-${run.number}`}>{letterOf(run)}</span> : null}all
                </th>
                <td>{formatUsd(run.page.summary.cost.totalMicroUsd)}</td>
                <td class="soft">
                  {wasteOf(run.page.summary.cost).length === 0
                    ? ''
                    : `of it ${wasteOf(run.page.summary.cost).join(', ')}`}
                </td>
              </tr>
            ))}
          </tfoot>
        </table>
      </div>
    </section>
  );
}

const LISTED = 24;

export function Failures({ run }: { run: Run }) {
  const { failures } = run.page.summary;
  if (failures.length === 0) return null;
  const often = failures.toSorted((a, b) => b.count - a.count || a.firstAtMs - b.firstAtMs).slice(0, LISTED);
  return (
    <section aria-labelledby={`failures-${run.number}`}>
      <h2 id={`failures-${run.number}`}>what failed, and how often{ofLetter(', in ', run)}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label={`What failed${ofLetter(', in ', run)}`}>
        <table class="failures">
          <thead>
            <tr>
              <th scope="col">times</th>
              <th scope="col">who</th>
              <th scope="col">first, last</th>
              <th scope="col">why</th>
            </tr>
          </thead>
          <tbody>
            {often.map(({ who, reason, count, firstAtMs, lastAtMs }) => {
              const [first, last] = [firstAtMs - run.page.startMs, lastAtMs - run.page.startMs];
              return (
                <tr>
                  <td>{formatCount(count)}</td>
                  <td>{who}</td>
                  <td>
                    <button type="button" class="link" onClick={() => goTo(first)}>
                      {instantOf(run, first)}
                    </button>
                    {count === 1 ? null : `, ${instantOf(run, last)}`}
                  </td>
                  <td>{reason}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {failures.length > LISTED ? (
        <p class="soft">{formatNoun(failures.length - LISTED, 'rarer failure')} more in summary.json.</p>
      ) : null}
    </section>
  );
}

export function Notes({ run }: { run: Run }) {
  const notes = [...run.page.leftOut, ...run.page.summary.notes];
  if (notes.length === 0) return null;
  return (
    <section class="notes" aria-labelledby={`notes-${run.number}`}>
      <h2 id={`notes-${run.number}`}>notes{ofLetter(' on ', run)}</h2>
      <ul>
        {notes.map((note) => (
          <li>{note}</li>
        ))}
      </ul>
    </section>
  );
}

/** How two runs differ: in sum, and the first decision that one took and the other did not. */
export function Difference() {
  const [a, b] = runs.value;
  if (a === undefined || b === undefined) return null;
  let first = 0;
  const textOf = (run: Run) => {
    const event = run.decisions[first];
    return event === undefined ? undefined : `${run.events.at[event] as number} ${run.textOf(event)}`;
  };
  while (textOf(a) !== undefined && textOf(a) === textOf(b)) first++;
  const tell = (run: Run) => {
    const event = run.decisions[first];
    return (
      <p>
        <span class={`letter letter-${run.number}`}>{letterOf(run)}</span>
        {event === undefined ? (
          'decides nothing any more'
        ) : (
          <button type="button" class="link" onClick={() => selectEvent(run, event)}>
            <time>{instantOf(run, run.events.at[event] as number)}</time> {run.textOf(event)}
          </button>
        )}
      </p>
    );
  };
  return (
    <section class="difference" aria-labelledby="difference">
      <h2 id="difference">
        <span class="letter letter-1">B</span>against <span class="letter">A</span>
      </h2>
      <p class="verdict">{verdictOn(a.page.summary, b.page.summary, ['A', 'B'])}</p>
      {textOf(a) === textOf(b) ? (
        <p>Both take the same decisions.</p>
      ) : (
        <>
          <h3>the first decision in which they differ</h3>
          {tell(a)}
          {tell(b)}
        </>
      )}
    </section>
  );
}
