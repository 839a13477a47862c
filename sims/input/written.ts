/** A parsed scenario as people would write it: instants and lengths of time are texts again, the rest is what it was. */

import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';

type Definition = z.core.$ZodTypes['_zod']['def'];

/** @returns what the schema takes for the value. @throws RangeError when nothing does: the value is none of its schema */
export function written(schema: z.core.$ZodType, value: unknown): unknown {
  const found = writtenForms(schema, value).find((form) => meansValue(schema, form, value));
  if (found === undefined) throw new RangeError(`${JSON.stringify(value)} cannot be written`);
  return found.form;
}

interface Form {
  readonly form: unknown;
}

/** Forms that may be it, the likeliest first. */
function writtenForms(schema: z.core.$ZodType, value: unknown): readonly Form[] {
  if (value === undefined) return [{ form: undefined }];
  const definition: Definition = (schema as z.core.$ZodTypes)._zod.def;
  switch (definition.type) {
    case 'object':
      return [
        {
          form: Object.fromEntries(
            Object.entries(value as object).map(([key, item]) => {
              const inner = definition.shape[key];
              return [key, inner === undefined ? item : written(inner, item)];
            }),
          ),
        },
      ];
    case 'array':
      return [{ form: (value as readonly unknown[]).map((item) => written(definition.element, item)) }];
    case 'record':
      return [
        {
          form: Object.fromEntries(
            Object.entries(value as object).map(([key, item]) => [key, written(definition.valueType, item)]),
          ),
        },
      ];
    case 'union':
      return [{ form: value }, ...definition.options.flatMap((option) => formsIn(option, value))];
    case 'optional':
    case 'nonoptional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return writtenForms(definition.innerType, value);
    case 'pipe':
      return [{ form: value }, ...texts(value)];
    default:
      return [{ form: value }];
  }
}

/** Of an option of a union, which may be no form of the value at all. */
function formsIn(option: z.core.$ZodType, value: unknown): readonly Form[] {
  try {
    return writtenForms(option, value).filter((form) => meansValue(option, form, value));
  } catch {
    return []; // another option is
  }
}

function texts(value: unknown): readonly Form[] {
  if (typeof value === 'boolean') return [{ form: String(value) }];
  if (typeof value !== 'number') return [];
  const instants = Number.isSafeInteger(value) && Math.abs(value) < 8e15 ? [new Date(value).toISOString()] : [];
  return [`${value}ms`, ...instants, String(value)].map((form) => ({ form }));
}

function meansValue(schema: z.core.$ZodType, { form }: Form, value: unknown): boolean {
  const parsed = (schema as z.ZodType).safeParse(form);
  return parsed.success && isDeepStrictEqual(parsed.data, value);
}
