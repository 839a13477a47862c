/** What `npm run grammar` generates from failIfParser.peggy. */

import type { Condition } from './failIf.ts';

/** @throws SyntaxError */
export function parse(text: string): Condition;

export class SyntaxError extends Error {
  readonly location: { readonly start: { readonly offset: number } };
}
