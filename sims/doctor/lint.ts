/** What the doctor looks for: traps that AWS accepts, and that show later. */

import type { Facts } from './facts.ts';

/**
 * serious: something that is written will not happen, or the service will not work. warning: it works until the day it
 * matters. note: worth knowing.
 */
export type Severity = 'serious' | 'warning' | 'note';

export interface Finding {
  readonly severity: Severity;
  /** Where in the scenario. */
  readonly path: readonly (string | number)[];
  /** What will happen. */
  readonly what: string;
  /** By which rule, with the numbers. */
  readonly why: string;
  /** What would help. */
  readonly help: string;
}

export interface Lint {
  /** The trap, in a few words. */
  readonly title: string;
  /** Where the rule is documented, or was observed. */
  readonly source: string;
  readonly find: (facts: Facts) => readonly Finding[];
}
