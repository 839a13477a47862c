/**
 * Messages that wait, as a bounded number of cohorts: whole messages whose ages are spread evenly from the youngest's to the
 * oldest's. Every step adds one; beyond `MOST_COHORTS` two neighbours become one, those where it moves the fewest messages.
 * Under a steady load it moves hardly any, and a backlog of days keeps its oldest age to about a cohort's unevenness.
 */

/** Cohorts of a queue: its size in the log and the time of a step depend on it, the length of the backlog does not matter. */
export const MOST_COHORTS = 32;

/** Ages are milliseconds since the messages were sent. */
export interface Cohort {
  readonly count: number;
  youngestMs: number;
  oldestMs: number;
  /** How often they have been received. */
  readonly receives: number;
}

/** Messages received and not deleted whose task went away: nobody sees them until their time has passed. */
export interface HiddenCohort extends Cohort {
  readonly forMs: number;
}

/** Makes all of them older, in place: once per step, for as many as there are. */
export function grow(cohorts: readonly Cohort[], byMs: number): void {
  for (const cohort of cohorts) {
    cohort.youngestMs += byMs;
    cohort.oldestMs += byMs;
  }
}

/** Cohorts as they are carried: rows of four numbers, and of five for hidden ones. */
export function rowsOf(cohorts: readonly Cohort[], hidden: readonly HiddenCohort[] | undefined): number[] {
  const rows: number[] = [];
  for (const [index, { count, youngestMs, oldestMs, receives }] of cohorts.entries()) {
    rows.push(count, Math.round(youngestMs), Math.round(oldestMs), receives);
    if (hidden !== undefined) rows.push((hidden[index] as HiddenCohort).forMs);
  }
  return rows;
}

export function visibleOf(rows: readonly number[]): Cohort[] {
  const cohorts: Cohort[] = [];
  for (let at = 0; at < rows.length; at += 4)
    cohorts.push({ count: rows[at]!, youngestMs: rows[at + 1]!, oldestMs: rows[at + 2]!, receives: rows[at + 3]! });
  return cohorts;
}

export function hiddenOf(rows: readonly number[]): HiddenCohort[] {
  const cohorts: HiddenCohort[] = [];
  for (let at = 0; at < rows.length; at += 5)
    cohorts.push({
      count: rows[at]!,
      youngestMs: rows[at + 1]!,
      oldestMs: rows[at + 2]!,
      receives: rows[at + 3]!,
      forMs: rows[at + 4]!,
    });
  return cohorts;
}

/** Adds messages where their age belongs, the oldest first. A standard queue keeps the order as well as it can. */
export function insertByAge(cohorts: Cohort[], cohort: Cohort): void {
  let place = cohorts.length;
  while (place > 0 && (cohorts[place - 1] as Cohort).oldestMs < cohort.oldestMs) place--;
  cohorts.splice(place, 0, cohort);
}

/** Takes the oldest messages out. @returns what was taken, oldest first */
export function takeOldest(cohorts: Cohort[], count: number): readonly Cohort[] {
  const taken: Cohort[] = [];
  let left = count;
  let whole = 0;
  while (left > 0 && whole < cohorts.length) {
    const cohort = cohorts[whole] as Cohort;
    if (cohort.count > left) {
      const [older, younger] = split(cohort, left);
      taken.push(older);
      cohorts[whole] = younger;
      left = 0;
    } else {
      taken.push(cohort);
      left -= cohort.count;
      whole++;
    }
  }
  cohorts.splice(0, whole);
  return taken;
}

function split(cohort: Cohort, older: number): readonly [Cohort, Cohort] {
  const { count, youngestMs, oldestMs } = cohort;
  const betweenMs = oldestMs - ((oldestMs - youngestMs) * older) / count;
  return [
    { ...cohort, count: older, youngestMs: betweenMs },
    { ...cohort, count: count - older, oldestMs: betweenMs },
  ];
}

/** Takes out what is older than `limitMs`. @returns how many messages */
export function dropOlder(cohorts: Cohort[], limitMs: number): number {
  let dropped = 0;
  for (let index = cohorts.length - 1; index >= 0; index--) {
    const cohort = cohorts[index] as Cohort;
    const { count, youngestMs, oldestMs } = cohort;
    if (oldestMs <= limitMs) continue;
    const old = youngestMs >= limitMs ? count : Math.ceil((count * (oldestMs - limitMs)) / (oldestMs - youngestMs));
    dropped += old;
    if (old === count) cohorts.splice(index, 1);
    else cohorts[index] = { ...cohort, count: count - old, oldestMs: limitMs };
  }
  return dropped;
}

export function countOf(cohorts: readonly { readonly count: number }[]): number {
  let count = 0;
  for (const cohort of cohorts) count += cohort.count;
  return count;
}

/** Merges neighbours until there are no more than `most`. */
export function keepFew(cohorts: Cohort[], most: number): void {
  while (cohorts.length > most) {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index + 1 < cohorts.length; index++) {
      const moved = movedByMerging(cohorts[index] as Cohort, cohorts[index + 1] as Cohort);
      if (moved >= least) continue;
      least = moved;
      best = index;
    }
    cohorts.splice(best, 2, merged(cohorts[best] as Cohort, cohorts[best + 1] as Cohort));
  }
}

/** The same for hidden messages: neighbours are those that become visible one after the other. */
export function keepFewHidden(cohorts: HiddenCohort[], most: number): void {
  cohorts.sort((a, b) => a.forMs - b.forMs);
  while (cohorts.length > most) {
    let best = 0;
    for (let index = 1; index + 1 < cohorts.length; index++) if (gap(cohorts, index) < gap(cohorts, best)) best = index;
    const a = cohorts[best] as HiddenCohort;
    const b = cohorts[best + 1] as HiddenCohort;
    const forMs = Math.round((a.forMs * a.count + b.forMs * b.count) / (a.count + b.count));
    cohorts.splice(best, 2, { ...merged(a, b), forMs });
  }
}

function gap(cohorts: readonly HiddenCohort[], index: number): number {
  return (cohorts[index + 1] as HiddenCohort).forMs - (cohorts[index] as HiddenCohort).forMs;
}

/** How many messages change their place in the queue by at most, when two cohorts become one; a different past costs too. */
function movedByMerging(older: Cohort, younger: Cohort): number {
  const oldestMs = Math.max(older.oldestMs, younger.oldestMs);
  const spanMs = oldestMs - Math.min(older.youngestMs, younger.youngestMs);
  const other = older.receives === younger.receives ? 0 : Math.min(older.count, younger.count);
  if (spanMs === 0) return other;
  const perMs = (older.count + younger.count) / spanMs;
  const atOlder = Math.abs(older.count - perMs * (oldestMs - older.youngestMs));
  const atYounger = Math.abs(older.count - perMs * (oldestMs - younger.oldestMs));
  return Math.max(atOlder, atYounger) + other;
}

function merged(a: Cohort, b: Cohort): Cohort {
  const count = a.count + b.count;
  return {
    count,
    youngestMs: Math.min(a.youngestMs, b.youngestMs),
    oldestMs: Math.max(a.oldestMs, b.oldestMs),
    receives: Math.round((a.receives * a.count + b.receives * b.count) / count),
  };
}
