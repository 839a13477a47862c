/** A comparison of two in a sentence: money first, then what users felt, and what that comes to. */

import { formatDifference, formatScore } from './formatScore.ts';
import type { ComparedScore, ScoreDifference } from './comparisonReport.ts';
import type { ScoreName } from '../report/scores.ts';
import { CONFIDENCE_PERCENT } from './statistics.ts';

/** What users feel, the first that both have. */
const FELT = ['sloMinutesLost', 'failedRequests', 'p99Ms'] as const satisfies readonly ScoreName[];

type Judgement = ScoreDifference['judgement'];

/** @param names  of the first, and of the one that is judged */
export function verdictOf(
  scores: readonly ComparedScore[],
  index: number,
  [first, name]: readonly [string, string],
  seeds: number,
): string {
  const find = (wanted: ScoreName) => {
    const row = scores.find(({ score, service }) => score === wanted && service === undefined);
    const difference = row?.differences[index - 1];
    return row === undefined || difference === undefined || difference === null ? undefined : { row, difference };
  };
  const money = find('costUsd');
  const ofRequests = FELT.map(find).find((found) => found !== undefined);
  const ofJobs = find('jobWaitMeanS');
  // Where requests are served alike, those who wait for their jobs may still feel it.
  const isAlike = ofRequests === undefined || ofRequests.difference.judgement === 'same';
  const felt = isAlike ? (ofJobs ?? ofRequests) : ofRequests;
  if (money === undefined || felt === undefined) return `${name} has nothing in common with ${first} to be judged by.`;
  const parts = [costs(first, money.difference), feels(felt.row, felt.difference)];
  const conclusion = concluded(money.difference.judgement, felt.difference.judgement);
  const sure = seeds === 1 ? ', by one seed: how sure that is cannot be told' : '';
  return `${name} ${parts.join(', and ')}: ${conclusion}${sure}.`;
}

function costs(first: string, difference: ScoreDifference): string {
  const { mean, percent, judgement } = difference;
  if (judgement === 'same') return `costs the same as ${first}`;
  const much = formatScore('$', Math.abs(mean));
  const share = percent === undefined ? [] : [formatScore('%', Math.abs(percent))];
  return `costs ${much} ${mean < 0 ? 'less' : 'more'} than ${first}${inBrackets([...share, ...interval('$', difference)])}`;
}

function feels({ score, title, unit }: ComparedScore, difference: ScoreDifference): string {
  const { mean, judgement } = difference;
  if (score === 'sloMinutesLost') {
    if (judgement === 'same') return 'misses the objective in as many minutes';
    const much = formatScore('count', Math.abs(mean));
    return `misses the objective in ${much} ${mean < 0 ? 'fewer' : 'more'} minutes${inBrackets(interval(unit, difference))}`;
  }
  const noun = score === 'failedRequests' ? 'failed requests' : title;
  if (judgement === 'same') return `has the same ${noun}`;
  const [less, more] = score === 'failedRequests' ? ['fewer', 'more'] : ['less', 'more'];
  return `has ${formatScore(unit, Math.abs(mean))} ${mean < 0 ? less : more} ${noun}${inBrackets(interval(unit, difference))}`;
}

/** None with a single seed. */
function interval(unit: ComparedScore['unit'], { mean, halfWidth }: ScoreDifference): readonly string[] {
  if (halfWidth === undefined) return [];
  const [low, high] = [mean - halfWidth, mean + halfWidth].map((value) => formatDifference(unit, value));
  return [`${CONFIDENCE_PERCENT} % interval ${low} to ${high}`];
}

function inBrackets(parts: readonly string[]): string {
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function concluded(money: Judgement, felt: Judgement): string {
  if (money === 'unclear' && felt === 'unclear') return 'no clear difference; more seeds may tell';
  if (money === 'same' && felt === 'same') return 'no difference';
  if (felt === 'unclear') {
    const cost = money === 'better' ? 'cheaper' : money === 'worse' ? 'dearer' : 'as dear';
    return `${cost}, and whether users feel it is not clear`;
  }
  if (money === 'unclear')
    return `${felt === 'better' ? 'better' : felt === 'worse' ? 'worse' : 'the same'} for users, and what it costs is not clear`;
  if (money === 'same')
    return felt === 'better' ? 'better for users at the same cost' : 'worse for users at the same cost';
  if (felt === 'same') return money === 'better' ? 'cheaper, and users feel nothing of it' : 'dearer for nothing';
  if (money === felt) return money === 'better' ? 'better in both' : 'worse in both';
  return money === 'better' ? 'cheaper, at the expense of users' : 'better for users, for more money';
}
