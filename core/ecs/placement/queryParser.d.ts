/** What `npm run grammar` generates from queryParser.peggy. */

import type { Query } from './query.ts';

/** @throws SyntaxError */
export function parse(text: string): Query;

export class SyntaxError extends Error {
  readonly location: { readonly start: { readonly offset: number } };
}
