/** The cluster at an instant, and where on the picture each instance and task has its place. */

import { formatCount } from '../format.ts';
import { instanceStates, taskStates } from '../page/data.ts';
import { stateAt, type Lives, type Run } from './run.ts';

/** A thing that is there, and the number of its state. */
export interface Present {
  readonly index: number;
  readonly state: number;
}

/** What is there at an instant, in the order in which it came. */
export function presentAt(lives: Lives, atMs: number): Present[] {
  const found: Present[] = [];
  const { count, fromMs, toMs } = lives;
  for (let index = 0; index < count; index++) {
    if ((fromMs[index] as number) > atMs) break;
    if ((toMs[index] as number) <= atMs) continue;
    found.push({ index, state: stateAt(lives, index, atMs) });
  }
  return found;
}

export interface TaskCounts {
  running: number;
  pending: number;
  unhealthy: number;
  leaving: number;
}

export function isRunningState(state: number): boolean {
  return state >= taskStates.indexOf('RUNNING, not healthy yet') && state <= taskStates.indexOf('RUNNING, unhealthy');
}

/** Of each service, by its number. */
export function countTasks(run: Run, tasks: readonly Present[]): readonly TaskCounts[] {
  const services = run.column('task.service');
  const counts = run.page.services.map(() => ({ running: 0, pending: 0, unhealthy: 0, leaving: 0 }));
  for (const { index, state } of tasks) {
    const count = counts[services[index] as number];
    if (count === undefined) continue;
    if (isRunningState(state)) count.running++;
    else if (state < taskStates.indexOf('RUNNING')) count.pending++;
    else count.leaving++;
    if (taskStates[state] === 'RUNNING, unhealthy') count.unhealthy++;
  }
  return counts;
}

/** `9 ACTIVE, 2 booting`, by the numbers of states. */
export function countStates(present: readonly Present[], names: readonly string[]): string {
  const counts = names.map((name, state) => [name, present.filter((item) => item.state === state).length] as const);
  return counts
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${formatCount(count)} ${name}`)
    .join(', ');
}

export function describeInstances(present: readonly Present[]): string {
  return countStates(present, instanceStates);
}

/** Where things stand on the picture: each keeps its slot in its zone for as long as it is there. */
export interface Slots {
  /** By thing: the number of its slot in its zone. */
  readonly slots: Int32Array;
  /** By zone: how many slots it needs. */
  readonly byZone: readonly number[];
}

/** Each gets the lowest slot that is free when it comes. */
export function slotsOf(
  lives: Pick<Lives, 'count' | 'fromMs' | 'toMs'>,
  zoneOf: (index: number) => number,
  zones: number,
): Slots {
  const slots = new Int32Array(lives.count).fill(-1);
  const byZone = Array.from({ length: zones }, () => 0);
  const free: number[][] = Array.from({ length: zones }, () => []);
  const leaving: { readonly atMs: number; readonly zone: number; readonly slot: number }[] = [];
  for (let index = 0; index < lives.count; index++) {
    const zone = zoneOf(index);
    if (zone < 0) continue;
    const fromMs = lives.fromMs[index] as number;
    while (leaving.length > 0 && (leaving.at(-1) as { atMs: number }).atMs <= fromMs) {
      const gone = leaving.pop() as (typeof leaving)[number];
      insert(free[gone.zone] as number[], gone.slot, (a, b) => b - a);
    }
    const slot = (free[zone] as number[]).pop() ?? byZone[zone] ?? 0;
    byZone[zone] = Math.max(byZone[zone] as number, slot + 1);
    slots[index] = slot;
    insert(leaving, { atMs: lives.toMs[index] as number, zone, slot }, (a, b) => b.atMs - a.atMs);
  }
  return { slots, byZone };
}

/** Into a list that stays in order, the greatest by `compare` first. */
function insert<T>(list: T[], item: T, compare: (a: T, b: T) => number): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(list[middle] as T, item) <= 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}

/** Whether an alarm is there at an instant: put, and not deleted. */
export function isAlarmThere(run: Run, index: number, nowMs: number): boolean {
  const { fromMs, toMs } = run.page.alarms[index] as Run['page']['alarms'][number];
  return fromMs <= nowMs && (nowMs < toMs || toMs === run.page.durationMs);
}
