/** What is wrong with a file, in sentences that say where. */

/** One mistake in a file. Lines and columns count from 1, columns in characters. */
export interface InputProblem {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** Where in the document, as people write it: `services[0].desiredCount`. */
  readonly path?: string;
  /** What was found, and what was expected. */
  readonly message: string;
}

/** A file that cannot be used. All its mistakes at once; the message has one line for each. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly problems: readonly InputProblem[];

  constructor(problems: readonly InputProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** `scenario.yaml:11:19 services[0].desiredCount: found "two", expected a whole number`, always on one line. */
export function formatProblem({ message, ...place }: InputProblem): string {
  return printable(`${formatPlace(place)}: ${message}`);
}

/** `scenario.yaml:11:19 services[0].desiredCount` */
export function formatPlace({ file, line, column, path }: Omit<InputProblem, 'message'>): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return printable(`${place}${path ? ` ${path}` : ''}`);
}

/** The first `most` of `count` mistakes in a file, and a last line that says how many are left out. */
export function firstProblems(
  file: string,
  problems: readonly InputProblem[],
  most: number,
  count = problems.length,
): readonly InputProblem[] {
  const rest = count - most;
  const told = problems.slice(0, most);
  return rest > 0 ? [...told, { file, message: `and ${counted(rest, 'more problem')}` }] : told;
}

const LONGEST_QUOTE = 60;

/** A value as a message quotes it: short, on one line, and `nothing` when it is not there. */
export function quote(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${counted(value.length, 'item')}`;
  if (typeof value === 'object' && value !== null)
    return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  if (typeof value !== 'string') return `${value as number | boolean | null}`;
  if (value.length <= LONGEST_QUOTE) return JSON.stringify(value);
  const start = Array.from(value.slice(0, 2 * LONGEST_QUOTE)).slice(0, LONGEST_QUOTE);
  return JSON.stringify(`${start.join('')}…`);
}

/** `1 row`, `2 rows`, `4,031 rows`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Control and direction characters as escapes, so that no file name or value can break a line or a terminal. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
