/**
 * One definition per event type: its columns. The TypeScript type, the log's storage and the documentation follow from it.
 *
 * @example
 * const taskEvents = { TaskRunning: event('The containers have started.', { taskId: text('the task') }) };
 * type TaskEvent = EventsOf<typeof taskEvents>; // { type: 'TaskRunning'; taskId: string }
 */

/** How a column is stored. Numbers are finite doubles; `json` holds any plain JSON value as its text. */
type ColumnKind = 'number' | 'flag' | 'text' | 'numbers' | 'texts' | 'json';

export interface Column<Value = unknown> {
  readonly kind: ColumnKind;
  readonly optional: boolean;
  /** What the value means, with its unit. */
  readonly meaning: string;
  /** Carries the type; never present at run time. */
  readonly value?: Value;
}

type Columns = Readonly<Record<string, Column>>;

export interface EventDefinition<C extends Columns = Columns> {
  readonly meaning: string;
  readonly columns: C;
}

export type EventDefinitions = Readonly<Record<string, EventDefinition>>;

type ValueOf<C> = C extends Column<infer Value> ? Value : never;
type OptionalKeys<C extends Columns> = { [K in keyof C]: C[K]['optional'] extends true ? K : never }[keyof C];
type Fields<C extends Columns> = {
  readonly [K in Exclude<keyof C, OptionalKeys<C>>]: ValueOf<C[K]>;
} & { readonly [K in OptionalKeys<C>]?: ValueOf<C[K]> };

/** The union of the events that a table of definitions describes. */
export type EventsOf<Definitions extends EventDefinitions> = {
  [T in keyof Definitions & string]: { readonly type: T } & Fields<Definitions[T]['columns']>;
}[keyof Definitions & string];

interface Required<Value> extends Column<Value> {
  readonly optional: false;
}
interface Optional<Value> extends Column<Value> {
  readonly optional: true;
}

function column<Value>(kind: ColumnKind, meaning: string): Required<Value> {
  return { kind, optional: false, meaning };
}

export const number = (meaning: string) => column<number>('number', meaning);
export const flag = (meaning: string) => column<boolean>('flag', meaning);
export const text = <Value extends string = string>(meaning: string) => column<Value>('text', meaning);
export const numbers = (meaning: string) => column<readonly number[]>('numbers', meaning);
export const texts = <Value extends string = string>(meaning: string) => column<readonly Value[]>('texts', meaning);
export const json = <Value>(meaning: string) => column<Value>('json', meaning);

/** A column that an event may leave out (numbers and texts only; an empty list needs no absence). */
export function optional<Value>(of: Required<Value>): Optional<Value> {
  return { ...of, optional: true };
}

export function event<C extends Columns>(meaning: string, columns: C): EventDefinition<C> {
  return { meaning, columns };
}
