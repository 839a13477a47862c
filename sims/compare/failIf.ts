/**
 * `--fail-if`: a condition on the scores of a comparison, such as `p99Ms > 400 or costUsd > +5%`. It is asked of each scenario
 * but the first, by means over the seeds; of the first alone when there is no other. Grammar: failIfParser.peggy.
 */

import { InputError, quote } from '../input/inputError.ts';
import { nearest } from '../input/nearest.ts';
import { scoreDefinitions, scoreNames, type ScoreName } from '../report/scores.ts';
import { parse, SyntaxError } from './failIfParser.js';

export type Condition =
  { readonly kind: 'or' | 'and'; readonly left: Condition; readonly right: Condition } | Comparison;

interface Comparison {
  readonly kind: 'comparison';
  /** Of one service; of the run when it is left out. */
  readonly service?: string;
  readonly score: string;
  readonly offset: number;
  readonly operator: '>' | '>=' | '<' | '<=';
  /** Not a value, but a difference to the first scenario: in percent of it, or in the score's unit. */
  readonly relative: 'percent' | 'unit' | false;
  readonly limit: number;
  /** A value that was written in percent. */
  readonly isPercent?: boolean;
  /** As it was written. */
  readonly text: string;
}

/** A mean over the seeds; undefined where no run has it. */
export type MeanOf = (score: ScoreName, service: string | undefined) => number | undefined;

const OPTION = '--fail-if';

/** @param services  names of the services that every scenario has @throws InputError with the place of what is wrong */
export function parseCondition(text: string, services: readonly string[], isAlone: boolean): Condition {
  const refuse = (offset: number, message: string) =>
    new InputError([{ file: OPTION, line: 1, column: offset + 1, message }]);
  let condition: Condition;
  try {
    condition = parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw refuse(error.location.start.offset, inOurWords(error.message));
    throw error;
  }
  for (const { service, score, offset, relative, isPercent, limit } of comparisonsOf(condition)) {
    if (service !== undefined && !services.includes(service))
      throw refuse(offset, `found the service ${quote(service)}, expected one of ${services.join(', ')}`);
    if (!isScoreName(score))
      throw refuse(offset, `found ${quote(score)}, expected the name of a score; ${hintFor(score)}`);
    const { unit } = scoreDefinitions[score];
    if (isPercent === true && unit !== '%')
      throw refuse(
        offset,
        `found ${limit}%, expected ${limit} (${score} is in ${unit}), or +${limit}% for a difference`,
      );
    if (relative !== false && isAlone)
      throw refuse(offset, 'found a difference to the first scenario, expected a second one to compare with it');
  }
  return condition;
}

function hintFor(typed: string): string {
  const longer = scoreNames.filter((name) => name.toLowerCase().startsWith(typed.toLowerCase()));
  const near = nearest(typed, scoreNames);
  const meant = longer.length > 0 ? longer : near === undefined ? [] : [near];
  return meant.length === 0 ? 'sims/report/SCORES.md lists them' : `did you mean ${meant.join(' or ')}?`;
}

/** peggy says: Expected "(" or a number but "x" found. */
function inOurWords(message: string): string {
  const [, expected, found] = /^Expected (.*) but (.*) found\.$/s.exec(message) ?? [];
  if (expected === undefined || found === undefined) return message;
  const [is, wanted] = [found, expected].map((words) => words.replace('end of input', 'the end'));
  return `found ${is}, expected ${wanted}`;
}

function isScoreName(name: string): name is ScoreName {
  return (scoreNames as readonly string[]).includes(name);
}

function* comparisonsOf(condition: Condition): Iterable<Comparison> {
  if (condition.kind === 'comparison') yield condition;
  else {
    yield* comparisonsOf(condition.left);
    yield* comparisonsOf(condition.right);
  }
}

/** A score that no scenario has cannot be judged. @throws InputError */
export function refuseUnknown(condition: Condition, means: readonly MeanOf[]): void {
  for (const { score, service, offset } of comparisonsOf(condition)) {
    if (means.some((mean) => mean(score as ScoreName, service) !== undefined)) continue;
    const message = `found ${service === undefined ? '' : `${service}.`}${score}, expected a score that some run has: there was nothing to measure it by`;
    throw new InputError([{ file: OPTION, line: 1, column: offset + 1, message }]);
  }
}

/** Whether it holds, and which of its comparisons do. What a run has no score for does not hold. */
export function evaluate(
  condition: Condition,
  first: MeanOf,
  candidate: MeanOf,
): { readonly holds: boolean; readonly because: readonly string[] } {
  if (condition.kind === 'comparison') {
    const holds = compares(condition, first, candidate);
    return { holds, because: holds ? [condition.text] : [] };
  }
  const left = evaluate(condition.left, first, candidate);
  const right = evaluate(condition.right, first, candidate);
  const holds = condition.kind === 'or' ? left.holds || right.holds : left.holds && right.holds;
  return { holds, because: holds ? [...left.because, ...right.because] : [] };
}

function compares(
  { score, service, operator, relative, limit }: Comparison,
  first: MeanOf,
  candidate: MeanOf,
): boolean {
  const own = candidate(score as ScoreName, service);
  const theirs = first(score as ScoreName, service);
  if (own === undefined || (relative !== false && theirs === undefined)) return false;
  const value = relative === false ? own : relativeOf(own, theirs as number, relative);
  switch (operator) {
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
  }
}

/** In percent of nothing, anything is infinitely more. */
function relativeOf(own: number, first: number, relative: 'percent' | 'unit'): number {
  if (relative === 'unit') return own - first;
  if (own === first) return 0;
  return (100 * (own - first)) / Math.abs(first);
}
