/** Two futures of one run, event by event: where they part, and which decision of scaling is the first to be another. */

import type { Event, Recorded } from '../core/index.ts';

/** What each future has at one place; undefined where one has nothing there any more. */
export interface Parting {
  readonly original: Recorded<Event> | undefined;
  readonly branch: Recorded<Event> | undefined;
}

export interface Partings {
  /** The first event that is not the same in every digit; undefined when there is none. */
  readonly first: Parting | undefined;
  /** The first decision of scaling that only one of them makes, whatever its number; undefined when there is none. */
  readonly decision: Parting | undefined;
}

/** Compares a stored future with one that is being told, an instant at a time. */
export class Futures {
  readonly #stored: Iterator<Recorded<Event>>;
  readonly #onStored: (recorded: Recorded<Event>) => void;
  #next: Recorded<Event> | undefined;
  /** What the branch has at the instant that it tells of. */
  #instant: Recorded<Event>[] = [];
  #first: { original: Recorded<Event> | undefined; branch: Recorded<Event> | undefined } | undefined;
  #decision: Parting | undefined;

  /**
   * @param stored    the original, from where the branch is told, too
   * @param onStored  hears of every stored event, until both futures have ended
   */
  constructor(stored: Iterable<Recorded<Event>>, onStored: (recorded: Recorded<Event>) => void) {
    this.#stored = stored[Symbol.iterator]();
    this.#onStored = onStored;
    this.#read();
  }

  /** The next event of the branch. */
  hear(recorded: Recorded<Event>): void {
    if (this.#instant.length > 0 && this.#instant[0]?.atMs !== recorded.atMs) this.#compare();
    if (this.#first !== undefined) this.#first.branch ??= recorded;
    this.#instant.push(recorded);
  }

  /** The branch has ended. */
  end(): Partings {
    if (this.#instant.length > 0) this.#compare();
    if (this.#next !== undefined) this.#first ??= { original: this.#next, branch: undefined };
    while (this.#next !== undefined) {
      if (isDecision(this.#next)) this.#decision ??= { original: this.#next, branch: undefined };
      this.#read();
    }
    return { first: this.#first, decision: this.#decision };
  }

  /** Compares what both have at an instant, and what only the original has before it. */
  #compare(): void {
    const branch = this.#instant;
    this.#instant = [];
    const atMs = (branch[0] as Recorded<Event>).atMs;
    const before = this.#taken((stored) => stored.atMs < atMs);
    const original = [...before, ...this.#taken((stored) => stored.atMs === atMs)];
    if (this.#first === undefined) {
      const length = Math.max(original.length, branch.length);
      for (let place = 0; place < length && this.#first === undefined; place++)
        if (JSON.stringify(original[place]) !== JSON.stringify(branch[place]))
          this.#first = { original: original[place] ?? this.#next, branch: branch[place] };
    }
    if (this.#first === undefined || this.#decision !== undefined) return;
    const decided = [original.filter(isDecision), branch.filter(isDecision)] as const;
    const found = { original: alone(...decided), branch: alone(decided[1], decided[0]) };
    if (found.original !== undefined || found.branch !== undefined) this.#decision = found;
  }

  /** The next stored events as long as they are wanted. */
  #taken(isWanted: (stored: Recorded<Event>) => boolean): Recorded<Event>[] {
    const taken: Recorded<Event>[] = [];
    while (this.#next !== undefined && isWanted(this.#next)) {
      taken.push(this.#next);
      this.#read();
    }
    return taken;
  }

  #read(): void {
    const { done, value } = this.#stored.next();
    this.#next = done === true ? undefined : value;
    if (this.#next !== undefined) this.#onStored(this.#next);
  }
}

/** Types of events that are decisions of scaling: of services, of groups, and of capacity providers. */
export const SCALING_DECISIONS = ['ScalingActivityStarted', 'GroupScaled', 'CapacityProviderScaled'] as const;
export type ScalingDecision = Recorded<Extract<Event, { type: (typeof SCALING_DECISIONS)[number] }>>;

export function isDecision(recorded: Recorded<Event>): recorded is ScalingDecision {
  return (SCALING_DECISIONS as readonly string[]).includes(recorded.event.type);
}

/** The first decision that the others do not have. */
function alone(decisions: readonly ScalingDecision[], others: readonly ScalingDecision[]) {
  const left = others.map(decided);
  return decisions.find((decision) => {
    const index = left.indexOf(decided(decision));
    if (index !== -1) left.splice(index, 1);
    return index === -1;
  });
}

/** What is decided for whom; the datapoints behind it may differ in a digit. */
function decided({ atMs, event }: ScalingDecision): string {
  switch (event.type) {
    case 'ScalingActivityStarted':
      return JSON.stringify([atMs, event.resourceId, event.policyKey, event.fromCapacity, event.toCapacity]);
    case 'GroupScaled':
      return JSON.stringify([atMs, event.policyKey, event.from, event.to]);
    case 'CapacityProviderScaled':
      return JSON.stringify([atMs, event.capacityProvider, event.from, event.to]);
  }
}
