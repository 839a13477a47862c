/** Scaling activities as marks on a plot, which tell their cause. */

import type { Panel } from './panels.ts';
import type { Run } from './run.ts';
import { serviceName } from './state.ts';
import { instantOf } from './time.ts';

export interface Mark {
  readonly event: number;
  readonly atMs: number;
  readonly direction: 1 | -1;
  readonly lines: () => readonly string[];
}

/** How near the pointer must be, in pixels. */
const REACH = 6;
/** Causes that a mark tells of. */
const CAUSES = 4;

export function marksOf(run: Run, { marks }: Pick<Panel, 'marks'>): readonly Mark[] {
  if (marks === undefined) return [];
  const { events, page } = run;
  const service = page.services.findIndex(({ name }) => name === serviceName.peek());
  return run.decisions
    .filter((event) => {
      const type = run.typeOf(event);
      return marks === 'tasks'
        ? type === 'ScalingActivityStarted' && events.service[event] === service
        : type === 'CapacityProviderScaled' || type === 'GroupScaled';
    })
    .map((event) => ({
      event,
      atMs: events.at[event] as number,
      direction: (events.to[event] as number) >= (events.from[event] as number) ? (1 as const) : (-1 as const),
      lines: () => storyOf(run, event),
    }));
}

/** An event and its causes, nearest first. */
export function storyOf(run: Run, event: number): readonly string[] {
  const lines = [`${instantOf(run, run.events.at[event] as number)}  ${run.textOf(event)}`];
  let cause = run.causeOf(event);
  while (cause !== undefined && lines.length <= CAUSES) {
    lines.push(`because ${instantOf(run, run.events.at[cause] as number)}  ${run.textOf(cause)}`);
    cause = run.causeOf(cause);
  }
  return lines;
}

/** The mark nearest to a place on the plot, when one is near. */
export function marksNear(marks: readonly Mark[], positionOf: (atMs: number) => number, x: number): Mark | undefined {
  let nearest: Mark | undefined;
  let least = REACH;
  for (const mark of marks) {
    const distance = Math.abs(positionOf(mark.atMs) - x);
    if (distance > least) continue;
    least = distance;
    nearest = mark;
  }
  return nearest;
}
