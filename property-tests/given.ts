/** Given what happened, when a command comes due, then these events follow: one decision, without the loop. */

import assert from 'node:assert/strict';
import type { Immutable } from 'immer';
import { keyedRng, thaw, type Decide, type Evolve, type Message, type Millis } from '../core/kernel/index.ts';

export interface Decider<World, C extends Message, E extends Message> {
  readonly decide: Decide<World, C, E>;
  readonly evolve: Evolve<World, E>;
  /** The world before the given events. It stays untouched. */
  readonly world: World;
  readonly seed?: number;
}

/** @param events  what happened, all of it at the instant of the command; a pair [atMs, event] happened at its own */
export function given<World, C extends Message, E extends Message>(
  events: readonly (E | readonly [Millis, E])[],
  { decide, evolve, world, seed = 1 }: Decider<World, C, E>,
) {
  return {
    when(command: NoInfer<C>, nowMs: Millis = 0) {
      const past = thaw(world);
      for (const entry of events) {
        const [atMs, event] = isTimed(entry) ? entry : [nowMs, entry];
        (evolve[event.type as E['type']] as (world: World, event: E, atMs: Millis) => void)(past, event, atMs);
      }
      const answer = decide[command.type as C['type']] as Decide<World, Message, E>[string];
      const ask = () => answer(command, { world: past as Immutable<World>, nowMs, rng: keyedRng(seed) });
      return {
        // oxlint-disable-next-line unicorn/no-thenable -- it reads as the sentence it is, and nobody awaits it
        then: (expected: readonly NoInfer<E>[]) => assert.deepEqual(ask(), expected),
        thenNothing: () => assert.deepEqual(ask(), []),
        thenThrows: (pattern: RegExp) => assert.throws(ask, pattern),
      };
    },
  };
}

function isTimed<E>(entry: E | readonly [Millis, E]): entry is readonly [Millis, E] {
  return Array.isArray(entry);
}
