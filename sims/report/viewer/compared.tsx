/** A comparison on a page: verdicts, scorecards of all that were compared, and what differs, with its intervals. */

import { differenceCells, heading, meanText, sentences, shownScores } from '../../compare/told.ts';
import { formatNoun } from '../format.ts';
import type { PageComparison } from '../page/data.ts';

type Score = PageComparison['scores'][number];
type Scenario = PageComparison['scenarios'][number];
type Difference = NonNullable<Score['differences'][number]>;

export function Compared({ comparison }: { comparison: PageComparison }) {
  const { verdicts, notes, failIf } = sentences(comparison, false);
  const { scenarios, scores } = comparison;
  const shown = shownScores(comparison);
  const candidates = scenarios.flatMap((scenario, index) =>
    index > 0 && scenario.reference === undefined ? [{ scenario, index }] : [],
  );
  return (
    <>
      <section aria-labelledby="verdict">
        <h2 id="verdict" class="hidden">
          verdict
        </h2>
        <p class="soft">
          {heading(comparison)}; {comparison.engine.name} {comparison.engine.version}
        </p>
        {failIf.map((line) => (
          <p class={`verdict ${comparison.failIf?.holds === true ? 'bad' : 'good'}`}>{line}</p>
        ))}
        {verdicts.map((line) => (
          <p class="verdict">{line}</p>
        ))}
      </section>
      <section aria-labelledby="side-by-side">
        <h2 id="side-by-side">scorecards side by side</h2>
        <Scorecard comparison={comparison} rows={shown} caption="Means over the seeds" />
        {candidates.length > 0 ? (
          <p class="soft">Bold is the best of those that are compared; references are not.</p>
        ) : null}
        <details>
          <summary>all {formatNoun(scores.length, 'score')}, of the run and of each service</summary>
          <Scorecard comparison={comparison} rows={scores} caption="All scores, means over the seeds" />
        </details>
      </section>
      {candidates.map(({ scenario, index }) => (
        <Against key={index} comparison={comparison} scenario={scenario} index={index} rows={shown} />
      ))}
      <section class="notes" aria-labelledby="compared-notes">
        <h2 id="compared-notes">what else there is to know</h2>
        <ul>
          {notes.map((note) => (
            <li>{note}</li>
          ))}
          {comparison.withoutRuns === undefined ? null : <li>{comparison.withoutRuns}</li>}
        </ul>
      </section>
    </>
  );
}

/** Of those that are compared, the places of the best; nobody when all are alike. */
function bestOf({ better, means }: Score, scenarios: readonly Scenario[]): ReadonlySet<number> {
  const own = means.flatMap((mean, index) =>
    typeof mean === 'number' && scenarios[index]?.reference === undefined ? [{ mean, index }] : [],
  );
  const values = own.map(({ mean }) => mean);
  if (better === 'neither' || new Set(values).size < 2) return new Set();
  const best = better === 'lower' ? Math.min(...values) : Math.max(...values);
  return new Set(own.filter(({ mean }) => mean === best).map(({ index }) => index));
}

function Scorecard({
  comparison: { scenarios },
  rows,
  caption,
}: {
  comparison: PageComparison;
  rows: readonly Score[];
  caption: string;
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table class="figures">
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            <td />
            {scenarios.map(({ name, reference }) => (
              <th scope="col">
                {name}
                {reference === undefined ? null : <small> reference</small>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const best = bestOf(row, scenarios);
            return (
              <tr>
                <th scope="row">{row.service === undefined ? row.title : `${row.service}: ${row.title}`}</th>
                {scenarios.map((_, index) => (
                  <td class={best.has(index) ? 'differs' : ''}>
                    {meanText(row, index)}
                    {best.has(index) ? <span class="hidden"> (best)</span> : null}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** One scenario against the first one. */
function Against({
  comparison,
  scenario,
  index,
  rows,
}: {
  comparison: PageComparison;
  scenario: Scenario;
  index: number;
  rows: readonly Score[];
}) {
  const { scenarios, confidencePercent, seeds } = comparison;
  const first = scenarios[0]?.name ?? '';
  const { parting } = scenario.againstFirst ?? {};
  const known = rows.flatMap((row) => {
    const difference = row.differences[index - 1] ?? null;
    return difference === null ? [] : [{ row, difference }];
  });
  const most = scaleOf(known.map(({ row, difference }) => rangeOf(row, difference)));
  const title = `against-${index}`;
  return (
    <section aria-labelledby={title}>
      <h2 id={title}>
        {scenario.name} against {first}
      </h2>
      {parting === undefined ? (
        <p>Under seed {seeds[0]} both do the same, to the end.</p>
      ) : (
        <dl class="parting">
          <div>
            <dt>
              under seed {seeds[0]} they part at <time>{parting.at.slice(0, 19).replace('T', ' ')}</time>; in {first}
            </dt>
            <dd>{parting.first ?? 'nothing yet'}</dd>
          </div>
          <div>
            <dt>in {scenario.name}</dt>
            <dd>{parting.this ?? 'nothing yet'}</dd>
          </div>
        </dl>
      )}
      <div class="scroll" tabIndex={0} role="region" aria-label={`${scenario.name} against ${first}, score by score`}>
        <table class="figures intervals">
          <caption class="hidden">
            Differences of {scenario.name} to {first}
          </caption>
          <thead>
            <tr>
              <td />
              <th scope="col">{first}</th>
              <th scope="col">{scenario.name}</th>
              <th scope="col">difference</th>
              <th scope="col" class="drawn">
                <span class="hidden">interval in </span>
                <span class="ends">
                  <span>-{most} %</span>
                  <span>0</span>
                  <span>+{most} %</span>
                </span>
              </th>
              <th scope="col">{confidencePercent} % interval</th>
              <th scope="col" class="judged">
                judged
              </th>
            </tr>
          </thead>
          <tbody>
            {known.map(({ row, difference }) => {
              const [much, interval, judgement] = differenceCells(row, difference);
              return (
                <tr>
                  <th scope="row">{row.title}</th>
                  <td>{meanText(row, 0)}</td>
                  <td>{meanText(row, index)}</td>
                  <td>{much}</td>
                  <td class="drawn">
                    <Interval range={rangeOf(row, difference)} most={most} judgement={difference.judgement} />
                  </td>
                  <td>{interval}</td>
                  <td class={`judged ${judgement}`}>{judgement}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** In percent of the first one's mean; undefined where that is 0. */
interface Range {
  readonly low: number;
  readonly mean: number;
  readonly high: number;
}

function rangeOf({ means }: Score, { mean, halfWidth = 0 }: Difference): Range | undefined {
  const [first] = means;
  if (typeof first !== 'number' || first === 0) return undefined;
  const percent = (value: number) => (100 * value) / Math.abs(first);
  return { low: percent(mean - halfWidth), mean: percent(mean), high: percent(mean + halfWidth) };
}

/** Ends of the axis, in percent: round, and so that all intervals fit, or what is beyond is drawn as an arrow. */
const SCALES = [1, 2, 5, 10, 20, 50, 100];

function scaleOf(ranges: readonly (Range | undefined)[]): number {
  const most = Math.max(0, ...ranges.flatMap((range) => (range === undefined ? [] : [-range.low, range.high])));
  return SCALES.find((scale) => scale >= most) ?? (SCALES.at(-1) as number);
}

const WIDTH = 168;
const HEIGHT = 14;
const EDGE = 7;
/** In percent. */
const ROUNDING = 1e-6;

/** The words beside it say the same: a filled mark is a clear difference, a hollow one is not. */
function Interval({
  range,
  most,
  judgement,
}: {
  range: Range | undefined;
  most: number;
  judgement: Difference['judgement'];
}) {
  const middle = HEIGHT / 2;
  const x = (percent: number) => WIDTH / 2 + (Math.min(Math.max(percent, -most), most) / most) * (WIDTH / 2 - EDGE);
  return (
    <svg
      class={`interval ${judgement}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      aria-hidden="true"
    >
      <line class="zero" x1={WIDTH / 2} x2={WIDTH / 2} y1={0} y2={HEIGHT} />
      {range === undefined ? null : (
        <>
          <line class="range" x1={x(range.low)} x2={x(range.high)} y1={middle} y2={middle} />
          {range.low < -most - ROUNDING ? <path d={`M0 ${middle}l${EDGE} -4v8z`} /> : null}
          {range.high > most + ROUNDING ? <path d={`M${WIDTH} ${middle}l-${EDGE} -4v8z`} /> : null}
          {Math.abs(range.mean) > most + ROUNDING ? null : <circle cx={x(range.mean)} cy={middle} r={4} />}
        </>
      )}
    </svg>
  );
}
