/** What a comparison comes to, in tables and sentences: the same on a terminal, in Markdown, and on a page. */

import { formatDate, formatNoun } from '../report/format.ts';
import type { ScoreName } from '../report/scores.ts';
import type { Sheet } from '../report/sheet.ts';
import type { ComparedScenario, ComparedScore, ComparisonReport, ScoreDifference } from './comparisonReport.ts';
import { formatDifference, formatScore } from './formatScore.ts';

type Compared = Omit<ComparedScenario, 'runs'>;
/** What is told of a comparison does not need the scores of every run. */
export type Told = Omit<ComparisonReport, 'scenarios'> & { readonly scenarios: readonly Compared[] };

/** Scores that are shown, in their order; all of them are in the JSON. */
const SHOWN: readonly ScoreName[] = [
  'costUsd',
  'costPerMillionUsd',
  'overProvisioningUsd',
  'churnUsd',
  'sloMinutesLost',
  'errorBudgetPercent',
  'availabilityPercent',
  'p99Ms',
  'minuteP99Ms',
  'worstFiveFailed',
  'oldestMessageS',
  'timeToDemandS',
  'overshootPercent',
  'underTimePercent',
  'overOfDemandPercent',
  'fixedRegretTaskHours',
  'instabilityPercent',
  'resonanceSwingTasks',
  'actionsPerDay',
  'reversals',
  'wastedStarts',
  'tasksMoved',
  'taskHours',
  'instanceHours',
];

/** Of these, scores that tell something only where somebody has them. */
const RARE: ReadonlySet<ScoreName> = new Set<ScoreName>(['resonanceSwingTasks', 'tasksMoved']);

const NONE = '-';

/** Scores of the run as a whole that are shown. */
export function shownScores({ scores }: Told): readonly ComparedScore[] {
  return SHOWN.flatMap((name) => scores.filter(({ score, service }) => score === name && service === undefined)).filter(
    ({ score, means }) => !RARE.has(score) || means.some((mean) => typeof mean === 'number' && mean !== 0),
  );
}

/** The mean of one scenario. */
export function meanText({ unit, means }: ComparedScore, index: number): string {
  const mean = means[index];
  return typeof mean === 'number' ? formatScore(unit, mean) : NONE;
}

/** A table for each scenario that is compared with the first; of the first alone when there is no other. */
export function sheets(report: Told): readonly Sheet[] {
  const { scenarios } = report;
  const shown = shownScores(report);
  const references = indexesOf(scenarios, ({ reference }) => reference !== undefined);
  const candidates = indexesOf(scenarios, ({ reference }, index) => reference === undefined && index > 0);
  const sheet = (candidate: number | undefined): Sheet => {
    const columns = [0, ...(candidate === undefined ? [] : [candidate]), ...references];
    return {
      head: [
        '',
        ...columns.map((index) => scenarios[index]?.name ?? ''),
        ...(candidate === undefined ? [] : ['difference', `${report.confidencePercent} % interval`, '']),
      ],
      rows: shown.map((row) => [
        row.title,
        ...columns.map((index) => meanText(row, index)),
        ...(candidate === undefined ? [] : differenceCells(row, row.differences[candidate - 1] ?? null)),
      ]),
    };
  };
  return candidates.length === 0 ? [sheet(undefined)] : candidates.map(sheet);
}

function indexesOf(
  scenarios: readonly Compared[],
  wanted: (scenario: Compared, index: number) => boolean,
): readonly number[] {
  return scenarios.flatMap((scenario, index) => (wanted(scenario, index) ? [index] : []));
}

/** Difference, interval and judgement. */
export function differenceCells(
  { unit }: ComparedScore,
  difference: ScoreDifference | null,
): readonly [difference: string, interval: string, judgement: string] {
  if (difference === null) return [NONE, NONE, ''];
  const { mean, halfWidth, judgement } = difference;
  if (judgement === 'same') return ['0', '', 'same'];
  const range =
    halfWidth === undefined
      ? NONE
      : `${formatDifference(unit, mean - halfWidth)} to ${formatDifference(unit, mean + halfWidth)}`;
  return [formatDifference(unit, mean), range, judgement];
}

/**
 * Everything but the tables, in sentences.
 *
 * @param hasPartings  whether notes tell where each parts from the first
 */
export function sentences(
  report: Told,
  hasPartings = true,
): {
  readonly verdicts: readonly string[];
  readonly notes: readonly string[];
  readonly failIf: readonly string[];
} {
  const { scenarios, scores, seeds, sloMinuteUsd, failIf } = report;
  const first = scenarios[0]?.name ?? '';
  const own = scenarios.filter(({ reference }) => reference === undefined);
  const verdicts = own.flatMap(({ againstFirst }) => (againstFirst === undefined ? [] : [againstFirst.verdict]));
  const notes = own.flatMap(({ name, againstFirst }, index) => {
    if (againstFirst === undefined) return [];
    const { parting, elasticSpeedup } = againstFirst;
    const speedups = Object.entries(elasticSpeedup).map(
      ([service, times]) => `${formatScore('times', times)} for ${service}`,
    );
    return [
      ...(hasPartings ? [partingNote(seeds[0] as number, [first, name], parting)] : []),
      ...luckNote(scores, index, [first, name]),
      ...(speedups.length === 0
        ? []
        : [`Elastic speedup of ${name} over ${first}, above 1 being better: ${speedups.join(', ')}.`]),
    ];
  });
  const placed = scenarios.flatMap(({ name, reference, costAtSlo }) => {
    if (costAtSlo === undefined) return [];
    const { usd, percent, timesOracle, regretUsd } = costAtSlo;
    const place = percent === undefined ? [] : [`${Math.round(percent)} %`];
    const ratio =
      timesOracle === undefined || reference === 'oracle'
        ? []
        : [`bill ${formatScore('times', timesOracle)} the oracle's`];
    const regret = regretUsd === undefined ? [] : [`${formatDifference('$', regretUsd)} against the best fixed size`];
    const told = [...place, ...ratio, ...regret];
    return [`${name} ${formatScore('$', usd)}${told.length === 0 ? '' : ` (${told.join(', ')})`}`];
  });
  if (sloMinuteUsd !== undefined && placed.length > 0) {
    const price = formatScore('$', sloMinuteUsd);
    notes.push(`Cost at the objective, with ${price} for each minute that misses it: ${placed.join(', ')}.`);
    if (scenarios.some(({ costAtSlo }) => costAtSlo?.percent !== undefined))
      notes.push('0 % is doing nothing, 100 % the oracle, which knows the load ahead.');
    else if (scenarios.some(({ reference }) => reference !== undefined))
      notes.push('Doing nothing costs no more than the oracle, so there is no scale between them.');
  }
  const points = own.flatMap((scenario) =>
    scenario.points === undefined ? [] : [`${scenario.name} ${scenario.points}`],
  );
  if (points.length > 0) notes.push(`Points of the pairwise competition over all scores: ${points.join(', ')}.`);
  return { verdicts, notes, failIf: failIf === undefined ? [] : failIfSentences(failIf) };
}

function failIfSentences({ condition, holds, because }: NonNullable<ComparisonReport['failIf']>): readonly string[] {
  if (!holds) return [`Passed: it is not so that ${condition}.`];
  return because.map(
    ({ scenario, comparisons }) => `Failed: of ${scenario} it is so that ${comparisons.join(', and ')}.`,
  );
}

function partingNote(
  seed: number,
  [first, name]: readonly [string, string],
  parting: NonNullable<Compared['againstFirst']>['parting'],
): string {
  if (parting === undefined) return `Under seed ${seed} ${name} does what ${first} does, to the end.`;
  const at = `${formatDate(Date.parse(parting.at))}:${parting.at.slice(17, 19)} UTC`;
  return (
    `Under seed ${seed} ${name} and ${first} part at ${at}. ` +
    `In ${first}: ${parting.first ?? 'nothing yet'}. In ${name}: ${parting.this ?? 'nothing yet'}.`
  );
}

/** What the shared luck is worth. */
function luckNote(
  scores: readonly ComparedScore[],
  index: number,
  [first, name]: readonly [string, string],
): readonly string[] {
  const cost = scores.find(({ score, service }) => score === 'costUsd' && service === undefined);
  const { halfWidth, independentHalfWidth } = cost?.differences[index - 1] ?? {};
  if (halfWidth === undefined || independentHalfWidth === undefined || independentHalfWidth === 0) return [];
  const [paired, independent] = [halfWidth, independentHalfWidth].map((value) => formatScore('$', value));
  return [
    `What ${name} costs against ${first} is known to ±${paired}; with luck that is not shared it would be ±${independent}.`,
  ];
}

export function heading({ scenarios, seeds }: Told): string {
  const [from, to] = [seeds[0], seeds.at(-1)];
  const luck = scenarios.length === 1 ? '' : ', the same luck for all';
  const under = seeds.length === 1 ? `seed ${from}` : `seeds ${from} to ${to}${luck}`;
  if (scenarios.length === 1) return `${scenarios[0]?.name ?? ''} under ${under}; means`;
  return `${formatNoun(scenarios.length, 'scenario')} under ${under}; means, differences to ${scenarios[0]?.name ?? ''}`;
}
