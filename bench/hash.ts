/** Hashes of results: a fold for hot loops, and texts of whole worlds. */

import { Digest, hashedText } from '../core/kernel/index.ts';

/** Takes a number into a fold, in about a nanosecond. Only its lower 32 bits count. */
export function fold(into: number, value: number): number {
  return Math.imul(into ^ (value | 0), 0x01000193) ^ (into >>> 15);
}

export function hashOf(...values: readonly (number | string)[]): string {
  const digest = new Digest();
  for (const value of values)
    if (typeof value === 'number') digest.number(value);
    else digest.text(hashedText(value));
  return digest.toString();
}

/** Hash of plain data with Maps in it. */
export function hashOfData(data: unknown): string {
  return hashOf(JSON.stringify(data, (_, value: unknown) => (value instanceof Map ? [...value] : value)));
}
