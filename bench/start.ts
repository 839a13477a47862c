/** The start of a made-up run, with a world of the benchmark's own. */

import { Digest, Phase, type Checkpoint, type Due, type Message } from '../core/kernel/index.ts';

export function startWith<World, C extends Message>(world: World, due: readonly Due<C>[]): Checkpoint<World, C> {
  return {
    atMs: 0,
    world: world as Checkpoint<World, C>['world'],
    pending: due.map(({ atMs, command }) => ({ atMs, command, phase: Phase.Environment, causedBy: -1 })),
    log: { seq: 0, digest: new Digest().state() },
  };
}
