/** A projection folds the events of a run into a report: live, or over a log. Nobody below reads it. */

import type { Recorded } from '../kernel/index.ts';
import type { Event } from '../world.ts';

export interface Projection<Report> {
  /** The event types it wants to hear. */
  readonly types: readonly Event['type'][];
  readonly on: (recorded: Recorded<Event>) => void;
  /** The report as of an instant at or after the last event. */
  readonly report: (atMs: number) => Report;
}

/** Runs projections over recorded events. */
export function project(events: Iterable<Recorded<Event>>, projections: readonly Projection<unknown>[]): void {
  const wanted = projections.map(({ types, on }) => ({ types: new Set<string>(types), on }));
  for (const recorded of events) for (const { types, on } of wanted) if (types.has(recorded.event.type)) on(recorded);
}
