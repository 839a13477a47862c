/**
 * The hold model: so many commands wait; take the first, put it back about a minute later. In whole milliseconds, with the
 * five phases, so that ties are as common as in a run.
 */

import { Calendar, keyedRng, type Message, type Pending, type Phase } from '../core/kernel/index.ts';
import { fold, hashOf } from './hash.ts';
import type { Bench, Contender } from './suite.ts';

interface Hold extends Message {
  readonly id: number;
}

interface Queue {
  push(atMs: number, phase: Phase, command: Hold, causedBy: number): void;
  pop(): Pending<Hold>;
}

export const calendar: Bench = (smoke) => {
  const holds = smoke ? 1_000 : 20_000;
  return (smoke ? [100, 1_000, 10_000] : [100, 10_000, 1_000_000]).map((pending) => ({
    name: `calendar, ${pending.toLocaleString('en')} pending`,
    amounts: { events: holds },
    contenders: [
      holding('Calendar', () => new Calendar<Hold>(), pending, holds),
      holding('binary heap of objects', () => new BinaryHeap(), pending, holds),
      ...(pending === 100 ? [holding('sorted array of objects', () => new SortedArray(), pending, holds)] : []),
    ],
  }));
};

const TABLE = 2 ** 16;
const draws = keyedRng(1).at('bench.calendar', 0);
const gapsMs = Int32Array.from({ length: TABLE }, () => Math.round(draws.exponential(60_000)));
const phases = Array.from({ length: TABLE }, () => draws.int(5) as Phase);
const commands = Array.from({ length: TABLE }, (_, id): Hold => ({ type: 'Hold', id }));

function holding(name: string, make: () => Queue, pending: number, holds: number): Contender {
  return {
    name,
    start() {
      const queue = make();
      let hash = 0;
      let next = 0;
      const put = (nowMs: number, command: Hold) => {
        const row = next++ % TABLE;
        queue.push(nowMs + (gapsMs[row] as number), phases[row] as Phase, command, -1);
      };
      for (let row = 0; row < pending; row++) put(0, commands[row % TABLE] as Hold);
      return {
        run() {
          for (let hold = 0; hold < holds; hold++) {
            const { atMs, phase, command } = queue.pop();
            hash = fold(fold(hash, atMs), command.id * 8 + phase);
            put(atMs, command);
          }
        },
        hash: () => hashOf(hash),
      };
    },
  };
}

interface Entry extends Pending<Hold> {
  readonly arrival: number;
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && (a.phase - b.phase || a.arrival - b.arrival) < 0);
}

/** What one would write first. */
class BinaryHeap implements Queue {
  readonly #entries: Entry[] = [];
  #arrivals = 0;

  push(atMs: number, phase: Phase, command: Hold, causedBy: number): void {
    const entries = this.#entries;
    const entry = { atMs, phase, command, causedBy, arrival: this.#arrivals++ };
    let hole = entries.push(entry) - 1;
    for (let parent = (hole - 1) >> 1; hole > 0 && before(entry, entries[parent]!); parent = (hole - 1) >> 1) {
      entries[hole] = entries[parent]!;
      hole = parent;
    }
    entries[hole] = entry;
  }

  pop(): Entry {
    const entries = this.#entries;
    const first = entries[0]!;
    const last = entries.pop()!;
    const size = entries.length;
    if (size === 0) return first;
    let hole = 0;
    for (let child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && before(entries[child + 1]!, entries[child]!)) child++;
      if (!before(entries[child]!, last)) break;
      entries[hole] = entries[child]!;
      hole = child;
    }
    entries[hole] = last;
    return first;
  }
}

/** The last is due first; a new one is let in at its place. */
class SortedArray implements Queue {
  readonly #entries: Entry[] = [];
  #arrivals = 0;

  push(atMs: number, phase: Phase, command: Hold, causedBy: number): void {
    const entry = { atMs, phase, command, causedBy, arrival: this.#arrivals++ };
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(entry, this.#entries[middle]!)) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
  }

  pop(): Entry {
    return this.#entries.pop()!;
  }
}
