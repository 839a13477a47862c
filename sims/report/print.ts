/** What goes to a terminal. Names come from files of others: what a terminal would obey is shown instead. */

import { printable } from './format.ts';

/** To standard output. */
export function print(text: string): void {
  process.stdout.write(printable(text));
}

/** To standard error: what is said beside the result. */
export function printAside(text: string): void {
  process.stderr.write(printable(text));
}
