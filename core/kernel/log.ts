/**
 * The event log: append-only, columnar, with a running digest.
 *
 * Events are kept in segments. A full segment is closed and handed to `onSegment`; a log that keeps only the last
 * segments uses the same memory after a year as after a day.
 */

import type { Message } from './decider.ts';
import { Digest } from './digest.ts';
import { BrokenInvariantError } from './errors.ts';
import type { EventDefinition, EventDefinitions } from './events.ts';
import { hashText } from './rng.ts';
import { Segment, type Recorded } from './segment.ts';
import type { Millis } from './time.ts';

/** Where a log goes on from: the next sequence number, and the digest so far. */
export interface LogPosition {
  readonly seq: number;
  readonly digest: readonly [number, number];
}

export interface EventLogOptions<E extends Message> {
  /** Goes on from there (after `restore`); absent for a log that starts at 0. */
  readonly from?: LogPosition;
  /** How many closed segments to keep in memory besides the open one; absent keeps all. */
  readonly keepSegments?: number;
  /** Hears of each segment once it is full and will not change again. */
  readonly onSegment?: (segment: Segment<E>) => void;
}

export class EventLog<E extends Message> implements Iterable<Recorded<E>> {
  readonly #types: readonly (readonly [string, EventDefinition])[];
  readonly #typeIds: ReadonlyMap<string, number>;
  readonly #typeHashes: readonly number[];
  readonly #options: EventLogOptions<E>;
  readonly #digest: Digest;
  readonly #segments: Segment<E>[] = [];
  readonly #firstSeq: number;
  #keptFrom: number;
  #length: number;

  constructor(definitions: EventDefinitions, options: EventLogOptions<E> = {}) {
    this.#types = Object.entries(definitions);
    this.#typeIds = new Map(this.#types.map(([type], id) => [type, id]));
    this.#typeHashes = this.#types.map(([type]) => hashText(type));
    this.#options = options;
    this.#digest = new Digest(options.from?.digest);
    this.#firstSeq = options.from?.seq ?? 0;
    this.#keptFrom = this.#firstSeq;
    this.#length = this.#firstSeq;
  }

  /** Sequence number of the next event; the number of events when the log started at 0. */
  get length(): number {
    return this.#length;
  }

  /** Sequence number of the oldest event still in memory. */
  get keptFrom(): number {
    return this.#keptFrom;
  }

  /** What `onSegment` has not been given yet: the segment that is not full; undefined when there is none. */
  get open(): Segment<E> | undefined {
    const last = this.#segments.at(-1);
    return last === undefined || last.isFull ? undefined : last;
  }

  /** @returns the event's sequence number. @throws BrokenInvariantError when a value does not fit its column */
  append(event: E, atMs: Millis, causedBy: number): number {
    const typeId = this.#typeIds.get(event.type);
    if (typeId === undefined) throw new BrokenInvariantError(`event type ${event.type} has no definition`);
    const seq = this.#length;
    let segment = this.#segments[this.#segments.length - 1];
    if (segment === undefined || segment.isFull) segment = this.#openSegment(seq);
    this.#digest.word(this.#typeHashes[typeId] as number); // by name: a new event type changes no digest
    this.#digest.number(atMs);
    this.#digest.number(causedBy);
    segment.append(typeId, event, atMs, causedBy, this.#digest);
    this.#length = seq + 1;
    if (segment.isFull) this.#options.onSegment?.(segment);
    return seq;
  }

  /** @throws RangeError when `seq` is not in memory */
  at(seq: number): Recorded<E> {
    return this.#segmentOf(seq).read(seq);
  }

  /** Sequence number of the first kept event after the instant `atMs` (= `length` when there is none). */
  firstAfter(atMs: Millis): number {
    let low = this.#keptFrom;
    let high = this.#length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#segmentOf(middle).atMs(middle) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  *[Symbol.iterator](): Iterator<Recorded<E>> {
    for (let seq = this.#keptFrom; seq < this.#length; seq++) yield this.at(seq);
  }

  /** Digest of everything ever appended, sixteen hexadecimal digits. */
  digest(): string {
    return this.#digest.toString();
  }

  position(): LogPosition {
    return { seq: this.#length, digest: this.#digest.state() };
  }

  #openSegment(seq: number): Segment<E> {
    const keep = (this.#options.keepSegments ?? Number.POSITIVE_INFINITY) + 1;
    const segment = Segment.opened<E>(seq, this.#types, this.#segments.at(-1)?.room);
    this.#segments.push(segment);
    while (this.#segments.length > keep) this.#segments.shift();
    this.#keptFrom = (this.#segments[0] as Segment<E>).firstSeq;
    return segment;
  }

  #segmentOf(seq: number): Segment<E> {
    let low = 0;
    let high = this.#segments.length - 1;
    if (!(seq >= this.#keptFrom && seq < this.#length)) throw new RangeError(`event ${seq} is not in memory`);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#segments[middle] as Segment<E>).firstSeq <= seq) low = middle;
      else high = middle - 1;
    }
    return this.#segments[low] as Segment<E>;
  }
}
