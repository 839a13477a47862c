/** Attributes as modify-load-balancer-attributes and modify-target-group-attributes take them: keys with values, in any order. */

import { z } from 'zod';

/** AWS writes every value as a text; a number does as well. */
export const wholeNumber = (least: number, most: number) =>
  z
    .union([z.number(), z.string().regex(/^\d+$/, 'expected a whole number')])
    .transform(Number)
    .pipe(z.int().min(least).max(most));

export const truth = z
  .union([z.boolean(), z.enum(['true', 'false'])])
  .transform((value) => value === true || value === 'true');

export const attribute = <Key extends string, Value extends z.ZodType>(key: Key, value: Value) =>
  z.strictObject({ Key: z.literal(key), Value: value });

interface Attribute {
  readonly Key: string;
  readonly Value: unknown;
}
type ValueOf<List extends readonly Attribute[], Key> = Extract<List[number], { readonly Key: Key }>['Value'];

/** The value of an attribute; undefined when it was not set. */
export function attributeValue<const List extends readonly Attribute[], Key extends List[number]['Key']>(
  attributes: List,
  key: Key,
): ValueOf<List, Key> | undefined {
  return attributes.find(({ Key }) => Key === key)?.Value;
}

/** An attribute that is set twice. */
export function repeatedAttribute(
  attributes: readonly Attribute[],
): { readonly index: number; readonly key: string } | undefined {
  const keys = attributes.map(({ Key }) => Key);
  const index = keys.findIndex((key, place) => keys.indexOf(key) < place);
  return index === -1 ? undefined : { index, key: keys[index] as string };
}
