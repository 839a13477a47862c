/**
 * The future event list: commands in the total order time, then phase, then arrival.
 *
 * Near commands wait in a wheel of short buckets; when a bucket's time comes, its commands move to a small 4-ary heap that
 * sorts them. What lies beyond the wheel waits in a second heap. Everything is in parallel arrays, so a push allocates
 * nothing. Entries are never removed early: see `Decide` for how stale ones stay harmless.
 */

import type { Message } from './decider.ts';
import { Occupied } from './occupied.ts';
import type { Millis, Phase } from './time.ts';

/** A command and the instant it comes due. */
export interface Due<C> {
  readonly atMs: Millis;
  readonly command: C;
}

/** What waits in the calendar, as plain data. `causedBy` is the sequence number of the event that asked for it, or -1. */
export interface Pending<C> extends Due<C> {
  readonly phase: Phase;
  readonly causedBy: number;
}

/**
 * Short, for the heap to stay small: with 10,000 pending a minute ahead, holds came to 13.7 M/s where buckets of a second
 * had 9.4. With 100 pending most buckets are empty; they are skipped 32 and 1,024 at a time.
 */
const BUCKET_MS = 16;
const BUCKETS = 2 ** 18; // a power of two: about 70 minutes ahead, in 1 MB
const PHASE_STRIDE = 2 ** 44; // arrivals within one phase; 1.7e13 pushes before a phase would overflow into the next

export class Calendar<C extends Message> {
  // One row per pending command, reused through a free list.
  #atMs = new Float64Array(1_024);
  #order = new Float64Array(1_024);
  #causedBy = new Float64Array(1_024);
  #next = new Int32Array(1_024);
  #commands: (C | undefined)[] = [];
  #rows = 0;
  #free = -1;

  #arrivals = 0;
  #size = 0;
  readonly #near = newHeap();
  readonly #far = newHeap();
  /** The last row of each bucket, and from each row on the one filed before it. */
  readonly #wheel = new Int32Array(BUCKETS).fill(-1);
  readonly #occupied = new Occupied(BUCKETS);
  #inWheel = 0;
  /** Number of the bucket that the near heap holds; the wheel holds the `BUCKETS` - 1 that follow. */
  #bucket = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#size;
  }

  /** Instant of the next command; Infinity when none waits. */
  get nextMs(): Millis {
    const row = this.#peek();
    return row === -1 ? Number.POSITIVE_INFINITY : (this.#atMs[row] as number);
  }

  /** What `pop` would take out; undefined when nothing waits. */
  peek(): Pending<C> | undefined {
    const row = this.#peek();
    return row === -1 ? undefined : this.#read(row);
  }

  push(atMs: Millis, phase: Phase, command: C, causedBy: number): void {
    const row = this.#takeRow();
    this.#atMs[row] = atMs;
    this.#order[row] = phase * PHASE_STRIDE + this.#arrivals++;
    this.#causedBy[row] = causedBy;
    this.#commands[row] = command;
    this.#size++;
    this.#file(row);
  }

  /** Takes out the next command. @throws RangeError when none waits */
  pop(): Pending<C> {
    const row = this.#peek();
    if (row === -1) throw new RangeError('the calendar is empty');
    this.#removeTop(this.#near);
    const pending = this.#read(row);
    this.#commands[row] = undefined;
    this.#next[row] = this.#free;
    this.#free = row;
    this.#size--;
    return pending;
  }

  /** Everything that waits, in the order it would come out. The calendar is left as it is. */
  pending(): readonly Pending<C>[] {
    const rows: number[] = [];
    for (let row = 0; row < this.#rows; row++) if (this.#commands[row] !== undefined) rows.push(row);
    rows.sort((a, b) => (this.#before(a, b) ? -1 : 1));
    return rows.map((row) => this.#read(row));
  }

  #read(row: number): Pending<C> {
    const phase = Math.floor((this.#order[row] as number) / PHASE_STRIDE) as Phase;
    return {
      atMs: this.#atMs[row] as number,
      phase,
      command: this.#commands[row] as C,
      causedBy: this.#causedBy[row] as number,
    };
  }

  #takeRow(): number {
    if (this.#free !== -1) {
      const row = this.#free;
      this.#free = this.#next[row] as number;
      return row;
    }
    if (this.#rows === this.#atMs.length) {
      this.#atMs = grown(this.#atMs);
      this.#order = grown(this.#order);
      this.#causedBy = grown(this.#causedBy);
      const next = new Int32Array(this.#next.length * 2);
      next.set(this.#next);
      this.#next = next;
    }
    return this.#rows++;
  }

  /** Puts a row where its time belongs: near heap, wheel, or far heap. */
  #file(row: number): void {
    const bucket = this.#bucketOf(row);
    if (bucket <= this.#bucket) this.#insert(this.#near, row);
    else if (bucket < this.#bucket + BUCKETS) {
      const head = bucket & (BUCKETS - 1);
      this.#next[row] = this.#wheel[head] as number;
      this.#wheel[head] = row;
      this.#occupied.add(head);
      this.#inWheel++;
    } else this.#insert(this.#far, row);
  }

  #bucketOf(row: number): number {
    return Math.floor((this.#atMs[row] as number) / BUCKET_MS);
  }

  /** The next row, after moving on to the next bucket that holds any; -1 when nothing waits. */
  #peek(): number {
    while (this.#near.size === 0) {
      if (this.#inWheel === 0 && this.#far.size === 0) return -1;
      this.#turn();
    }
    return this.#near.rows[0] as number;
  }

  /** Moves to the next bucket with commands, and lets far commands that have come within reach into the wheel. */
  #turn(): void {
    if (this.#inWheel === 0) {
      this.#bucket = this.#bucketOf(this.#far.rows[0] as number);
    } else {
      const here = this.#bucket & (BUCKETS - 1);
      this.#bucket += (this.#occupied.after(here) - here) & (BUCKETS - 1);
    }
    const horizon = this.#bucket + BUCKETS;
    while (this.#far.size > 0 && this.#bucketOf(this.#far.rows[0] as number) < horizon)
      this.#file(this.#removeTop(this.#far));
    const head = this.#bucket & (BUCKETS - 1);
    this.#occupied.delete(head);
    let row = this.#wheel[head] as number;
    this.#wheel[head] = -1;
    while (row !== -1) {
      const next = this.#next[row] as number;
      this.#insert(this.#near, row);
      this.#inWheel--;
      row = next;
    }
  }

  #before(a: number, b: number): boolean {
    const aMs = this.#atMs[a] as number;
    const bMs = this.#atMs[b] as number;
    return aMs < bMs || (aMs === bMs && (this.#order[a] as number) < (this.#order[b] as number));
  }

  #insert(heap: Heap, row: number): void {
    if (heap.size === heap.rows.length) {
      const larger = new Int32Array(heap.size * 2);
      larger.set(heap.rows);
      heap.rows = larger;
    }
    const { rows } = heap;
    let hole = heap.size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      const other = rows[parent] as number;
      if (!this.#before(row, other)) break;
      rows[hole] = other;
      hole = parent;
    }
    rows[hole] = row;
  }

  #removeTop(heap: Heap): number {
    const { rows } = heap;
    const top = rows[0] as number;
    const length = --heap.size;
    const row = rows[length] as number;
    let hole = 0;
    for (;;) {
      const first = hole * 4 + 1;
      if (first >= length) break;
      let least = first;
      const end = Math.min(first + 4, length);
      for (let child = first + 1; child < end; child++)
        if (this.#before(rows[child] as number, rows[least] as number)) least = child;
      const other = rows[least] as number;
      if (!this.#before(other, row)) break;
      rows[hole] = other;
      hole = least;
    }
    rows[hole] = row;
    return top;
  }
}

/** Rows, each before the four below it. An array would be made smaller and larger again with every bucket. */
interface Heap {
  rows: Int32Array<ArrayBuffer>;
  size: number;
}

function newHeap(): Heap {
  return { rows: new Int32Array(64), size: 0 };
}

function grown(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
