/** Commands, events, and the two tables that stand between them: `decide` answers, `evolve` writes. */

import type { Immutable } from 'immer';
import type { Millis, Phase } from './time.ts';
import type { Rng } from './rng.ts';

/** A command (imperative: what may happen) or an event (past tense: what did happen). Plain JSON. */
export interface Message {
  readonly type: string;
}

/** What a decision may look at. Nothing else: no wall clock, no unkeyed chance, no memory of its own. */
export interface Context<World> {
  readonly world: Immutable<World>;
  readonly nowMs: Millis;
  readonly rng: Rng;
}

/**
 * One decision per command type. The answer is the events that follow, possibly none: a command that came due too late
 * (its task was stopped, its alarm deleted) is answered with nothing. Calendar entries are never removed; `decide` is the
 * guard that keeps a stale command from becoming a false event.
 */
export type Decide<World, C extends Message, E extends Message> = {
  readonly [T in C['type']]: (command: Extract<C, { type: T }>, context: Context<World>) => readonly E[];
};

/**
 * One writer per event type. It mutates the world it is given (plain in the hot loop, an immer draft in history), reads
 * nothing but its arguments, and is total.
 */
export type Evolve<World, E extends Message> = {
  readonly [T in E['type']]: (world: World, event: Extract<E, { type: T }>, atMs: Millis) => void;
};

/** The phase in which each command type is carried out when several are due at one instant. */
export type Phases<C extends Message> = { readonly [T in C['type']]: Phase };
