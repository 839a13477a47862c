/** The runs that the page carries, decoded: columns of numbers, and how to find things in them. */

import { unpackColumns, type Columns } from '../page/columns.ts';
import {
  decisionTypes,
  instanceStates,
  taskStates,
  type PageComparison,
  type PageData,
  type PageRun,
} from '../page/data.ts';

/** A run's events, column by column. */
export interface Events {
  readonly count: number;
  readonly seq: Float64Array;
  /** Milliseconds since the start of the run. */
  readonly at: Float64Array;
  readonly type: Float64Array;
  /** How far back the cause is, in numbers of events; 0: the scenario, or time itself. */
  readonly back: Float64Array;
  readonly task: Float64Array;
  readonly instance: Float64Array;
  readonly service: Float64Array;
  readonly from: Float64Array;
  readonly to: Float64Array;
}

/** States of many things over time: those of thing `n` stand from `starts[n]` to `starts[n + 1]`. */
export interface Lives {
  readonly count: number;
  readonly starts: Uint32Array;
  readonly at: Float64Array;
  readonly states: Float64Array;
  /** When each came, and when it was gone. */
  readonly fromMs: Float64Array;
  readonly toMs: Float64Array;
}

const STOPPED = taskStates.indexOf('STOPPED');
const TERMINATED = instanceStates.indexOf('terminated');

export class Run {
  readonly page: PageRun;
  readonly number: number;
  readonly events: Events;
  readonly tasks: Lives;
  readonly instances: Lives;
  /** Indices of the events that decide how many tasks or instances there are. */
  readonly decisions: readonly number[];
  readonly #columns: Columns;

  constructor(page: PageRun, columns: Columns, number: number) {
    this.page = page;
    this.number = number;
    this.#columns = columns;
    const event = (name: string) => this.column(`event.${name}`);
    this.events = {
      count: page.eventTexts.length,
      seq: event('seq'),
      at: event('at'),
      type: event('type'),
      back: event('back'),
      task: event('task'),
      instance: event('instance'),
      service: event('service'),
      from: event('from'),
      to: event('to'),
    };
    this.tasks = this.#lives('task', STOPPED);
    this.instances = this.#lives('instance', TERMINATED);
    const isDecision = page.eventTypes.map((type) => decisionTypes.has(type));
    this.decisions = Array.from(this.events.type.keys()).filter(
      (index) => isDecision[this.events.type[index] as number],
    );
  }

  /** Empty when the run has none of that name. */
  column(name: string): Float64Array {
    return this.#columns.get(name) ?? new Float64Array(0);
  }

  typeOf(event: number): string {
    return this.page.eventTypes[this.events.type[event] as number] as string;
  }

  textOf(event: number): string {
    return this.page.eventTexts[event] as string;
  }

  /** The event that led to an event; undefined for the scenario. */
  causeOf(event: number): number | undefined {
    const back = this.events.back[event] as number;
    return back === 0 ? undefined : this.eventOf((this.events.seq[event] as number) - back);
  }

  /** By its number in the log; undefined when the page does not tell of it. */
  eventOf(seq: number): number | undefined {
    const index = lastAtOrBefore(this.events.seq, seq);
    return this.events.seq[index] === seq ? index : undefined;
  }

  /** The last event at or before an instant; -1 for none. */
  eventAt(atMs: number): number {
    return lastAtOrBefore(this.events.at, atMs);
  }

  /** The point of the series that holds an instant: what it tells is known at its end. */
  pointAt(atMs: number): number {
    const { durationMs, pointMs } = this.page;
    const last = Math.max(0, Math.ceil(durationMs / pointMs) - 1);
    return Math.min(last, Math.max(0, Math.ceil(atMs / pointMs) - 1));
  }

  #lives(kind: 'task' | 'instance', end: number): Lives {
    const changes = this.column(`${kind}.changes`);
    const at = this.column(`${kind}.changedAt`);
    const states = this.column(`${kind}.states`);
    const count = changes.length;
    const starts = new Uint32Array(count + 1);
    const fromMs = new Float64Array(count);
    const toMs = new Float64Array(count);
    for (let index = 0; index < count; index++) {
      const last = (starts[index] as number) + (changes[index] as number);
      starts[index + 1] = last;
      fromMs[index] = at[starts[index] as number] as number;
      toMs[index] = states[last - 1] === end ? (at[last - 1] as number) : Number.POSITIVE_INFINITY;
    }
    return { count, starts, at, states, fromMs, toMs };
  }
}

/** Index of the last value that is not greater; -1 for none. The values ascend. */
export function lastAtOrBefore(values: Float64Array, wanted: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The state of a thing at an instant when it is there. */
export function stateAt({ starts, at, states }: Lives, index: number, atMs: number): number {
  let change = (starts[index + 1] as number) - 1;
  const first = starts[index] as number;
  while (change > first && (at[change] as number) > atMs) change--;
  return states[change] as number;
}

/** Takes the data out of the page: base64, gzip, then JSON and columns. */
export async function decodePage(
  base64: string,
): Promise<{ readonly runs: readonly Run[]; readonly comparison: PageComparison | undefined }> {
  const text = atob(base64);
  const zipped = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) zipped[index] = text.charCodeAt(index);
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream('gzip'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const data = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as PageData;
  let from = 4 + length;
  const runs = data.runs.map((page, index) => {
    const to = from + (data.lengths[index] as number);
    const headers = data.headers[index] as PageData['headers'][number];
    const columns = unpackColumns({ headers, bytes: bytes.subarray(from, to) });
    from = to;
    return new Run(page, columns, index);
  });
  return { runs, comparison: data.comparison };
}
