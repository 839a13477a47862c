/** The world of a stored run at an instant: the newest checkpoint before it, and the events from there on. */

import type { Immutable } from 'immer';
import { createModel, thaw, type Event, type Recorded, type World } from '../../core/index.ts';
import type { RunReader } from './runDirectory.ts';

type Write = (world: World, event: Event, atMs: number) => void;

/** After everything that happened at the instant. @returns also the number of the next event. @throws InputError */
export function worldAt(reader: RunReader, atMs: number): { readonly world: World; readonly seq: number } {
  const from = reader.checkpointAt(atMs);
  const world = thaw(from.world) as World;
  const seq = writeUntil(reader, world, from.log.seq, atMs);
  return { world, seq };
}

/**
 * Looks at the world just before each of some events: what was decided there has seen it.
 *
 * @param events  in their order
 * @param look    sees a world that goes on changing when it returns
 * @throws InputError
 */
export function lookBefore<Seen>(
  reader: RunReader,
  events: readonly Recorded<Event>[],
  look: (world: Immutable<World>, recorded: Recorded<Event>) => Seen,
): readonly Seen[] {
  const [first] = events;
  if (first === undefined) return [];
  const from = reader.checkpointAt(first.atMs - 1);
  const world = thaw(from.world) as World;
  const { evolve } = createModel();
  const seen: Seen[] = [];
  for (const recorded of reader.events(from.log.seq, (events.at(-1) as Recorded<Event>).seq + 1)) {
    if (recorded.seq === events[seen.length]?.seq) seen.push(look(world, recorded));
    write(evolve, world, recorded);
  }
  return seen;
}

/** Writes the events from a number on until an instant into a world. @returns the number of the next event */
export function writeUntil(reader: RunReader, world: World, from: number, atMs: number): number {
  const { evolve } = createModel();
  let seq = from;
  for (const recorded of reader.events(from)) {
    if (recorded.atMs > atMs) break;
    write(evolve, world, recorded);
    seq = recorded.seq + 1;
  }
  return seq;
}

function write(evolve: ReturnType<typeof createModel>['evolve'], world: World, { event, atMs }: Recorded<Event>): void {
  (evolve[event.type] as Write)(world, event, atMs);
}
