/** Every score of the runs that are shown, with what it means: for who wants more than the scorecards. */

import { formatScore } from '../../compare/formatScore.ts';
import { scoreDefinitions, scoreNames } from '../scores.ts';
import { NONE } from '../verdict.ts';
import { runs } from './state.ts';
import { letterOf } from './summary.tsx';

export function AllScores() {
  const all = runs.value;
  const names = [...new Set(all.flatMap((run) => Object.keys(run.page.summary.scores.services)))];
  const columns = names.flatMap((name) =>
    all.map((run) => ({ run, name, scores: run.page.summary.scores.services[name] ?? {} })),
  );
  // With one service, scores of the run are its own, and those of cost have all that is billed.
  const totals = all.map((run) => ({
    run,
    name: names.length > 1 ? 'all services' : 'the run',
    scores: run.page.summary.scores.run,
  }));
  const shown = [...totals, ...(names.length > 1 ? columns : [])];
  const rows = scoreNames.filter((name) => shown.some(({ scores }) => scores[name] !== undefined));
  const cell = (name: (typeof scoreNames)[number], value: number | undefined) =>
    value === undefined ? NONE : formatScore(scoreDefinitions[name].unit, value);
  return (
    <details>
      <summary>all {rows.length} scores, and what they mean</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="All scores">
        <table class="figures meanings">
          <thead>
            <tr>
              <td />
              {shown.map(({ run, name }) => (
                <th scope="col">
                  {all.length > 1 ? <span class={`letter letter-${run.number}`}>{letterOf(run)}</span> : null}
                  {name}
                </th>
              ))}
              <th scope="col">meaning</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((name) => (
              <tr>
                <th scope="row">{scoreDefinitions[name].title}</th>
                {shown.map(({ scores }) => (
                  <td>{cell(name, scores[name])}</td>
                ))}
                <td class="soft">{scoreDefinitions[name].meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
