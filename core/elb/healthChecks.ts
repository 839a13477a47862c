/**
 * Health checks without checking: what a target's checks meet changes rarely, so the check that will change its state is
 * computed. Check k of a target goes out at `firstCheckMs` + k intervals; what it meets then decides it, and it is known at
 * once, or when the timeout has passed. What a check that has gone out has decided stays decided.
 *
 * @source spec/capacity.md 6.1: each result holds for an interval, and how long it takes does not move the next check
 */

import type { Immutable } from 'immer';
import type { Millis } from '../kernel/index.ts';

/** Why a check fails. @source ELB API, TargetHealth */
export type FailedCheck = 'Target.Timeout' | 'Target.FailedHealthChecks' | 'Target.ResponseCodeMismatch';

/** What the checks of a target meet. */
export type CheckResult = 'Passes' | FailedCheck;

export interface CheckSettings {
  readonly intervalMs: Millis;
  readonly timeoutMs: Millis;
  readonly unhealthyAfter: number;
  readonly healthyAfter: number;
  /** For a target that has never been healthy. */
  readonly firstHealthyAfter: number;
  readonly newTargetsTurnUnhealthy: boolean;
}

/** The next change of a target's state. */
export interface Verdict {
  readonly atMs: Millis;
  /** When the check went out that decides it. */
  readonly checkMs: Millis;
  /** Undefined: the target becomes healthy. */
  readonly reason: FailedCheck | undefined;
}

export interface TargetChecks {
  /** Position of the target in the order of registration. */
  readonly number: number;
  readonly firstCheckMs: Millis;
  /** From when the application listens; before that, connections are refused. */
  readonly answersFromMs: Millis;
  /** Checks up to this instant, included, are in `streak`. */
  countedMs: Millis;
  /** Checks in a row that passed, or as a negative number that failed. */
  streak: number;
  /** What the application itself does to its checks. */
  application: CheckResult;
  /** Undefined while nothing that is foreseen changes the state. */
  verdict: Verdict | undefined;
}

export type CheckedState = 'initial' | 'healthy' | 'unhealthy';

/** Counts the checks up to `toMs`, included. @param result  what those after the start of the application have met */
export function countChecks(checks: TargetChecks, result: CheckResult, intervalMs: Millis, toMs: Millis): void {
  const { firstCheckMs, answersFromMs, countedMs } = checks;
  const startedMs = Math.min(Math.max(answersFromMs - 1, countedMs), toMs);
  count(
    checks,
    checksUntil(firstCheckMs, intervalMs, startedMs) - checksUntil(firstCheckMs, intervalMs, countedMs),
    false,
  );
  const rest = checksUntil(firstCheckMs, intervalMs, toMs) - checksUntil(firstCheckMs, intervalMs, startedMs);
  count(checks, rest, result === 'Passes');
  checks.countedMs = toMs;
}

function count(checks: TargetChecks, more: number, passed: boolean): void {
  if (more > 0) checks.streak = lengthened(checks.streak, more, passed);
}

function lengthened(streak: number, more: number, passed: boolean): number {
  return passed ? Math.max(streak, 0) + more : Math.min(streak, 0) - more;
}

function checksUntil(firstCheckMs: Millis, intervalMs: Millis, untilMs: Millis): number {
  return Math.max(0, Math.floor((untilMs - firstCheckMs) / intervalMs) + 1);
}

/** Foresees the next change of state, as long as the checks go on to meet `result`. Those until `countedMs` are counted. */
export function verdictOf(
  checks: Immutable<TargetChecks>,
  state: CheckedState,
  result: CheckResult,
  settings: CheckSettings,
): Verdict | undefined {
  const { firstCheckMs, answersFromMs, countedMs, verdict } = checks;
  if (verdict !== undefined && verdict.checkMs <= countedMs) return verdict;
  const { intervalMs } = settings;
  const canFail = state === 'healthy' || (state === 'initial' && settings.newTargetsTurnUnhealthy);
  const sent = checksUntil(firstCheckMs, intervalMs, countedMs);
  // Checks that find nobody listening.
  const early = checksUntil(firstCheckMs, intervalMs, Math.max(answersFromMs - 1, countedMs)) - sent;
  const failing = Math.max(1, settings.unhealthyAfter + Math.min(checks.streak, 0));
  if (canFail && failing <= early) return verdictBy(checks, settings, sent + failing, 'Target.FailedHealthChecks');
  const streak = early === 0 ? checks.streak : lengthened(checks.streak, early, false);
  if (result !== 'Passes') {
    if (!canFail) return undefined;
    return verdictBy(
      checks,
      settings,
      sent + early + Math.max(1, settings.unhealthyAfter + Math.min(streak, 0)),
      result,
    );
  }
  if (state === 'healthy') return undefined;
  const needed = state === 'initial' ? settings.firstHealthyAfter : settings.healthyAfter;
  return verdictBy(checks, settings, sent + early + Math.max(1, needed - Math.max(streak, 0)), undefined);
}

/** What the check of a number, counted from 1, decides. */
function verdictBy(
  { firstCheckMs }: Immutable<TargetChecks>,
  { intervalMs, timeoutMs }: CheckSettings,
  checkNumber: number,
  reason: FailedCheck | undefined,
): Verdict {
  const checkMs = firstCheckMs + (checkNumber - 1) * intervalMs;
  return { atMs: checkMs + (reason === 'Target.Timeout' ? timeoutMs : 0), checkMs, reason };
}
