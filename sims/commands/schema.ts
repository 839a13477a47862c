/** `seatrial schema`: what a scenario may say, for editors as a JSON Schema, and its assumptions for people. */

import { z } from 'zod';
import { scenarioSchema } from '../../core/index.ts';
import { defaultOf, table, valuesOf, type JsonSchema } from '../pages/jsonSchema.ts';

export function scenarioJsonSchema(): string {
  return `${JSON.stringify({ title: 'Seatrial scenario', ...scenarioShape() }, undefined, 2)}\n`;
}

export function scenarioShape(): JsonSchema {
  return z.toJSONSchema(scenarioSchema, { target: 'draft-7', io: 'input' }) as JsonSchema;
}

const INTRODUCTION = `# Assumptions

Where AWS documents nothing, or promises nothing, a scenario may say what is assumed, under \`assumptions:\`. Each key has the
default that fits best what is documented or has been observed; the number behind it is the chapter of the rule it is about.
This page is written by \`npm run docs\`.
`;

/** Every key under `assumptions`, with what it may be, its default, and what it changes. */
export function assumptionsPage(): string {
  const { assumptions } = scenarioShape().properties ?? {};
  const rows = leaves(assumptions ?? {}, []).map(([path, { description = '', ...leaf }]) => {
    return [`\`${path.join('.')}\``, valuesOf(leaf), defaultOf(leaf), description];
  });
  return `${INTRODUCTION}\n${table(['key', 'values', 'default', 'what it changes'], rows)}\n`;
}

/** What has no description of its own is described by what it is in. */
function leaves(schema: JsonSchema, path: readonly string[]): (readonly [readonly string[], JsonSchema])[] {
  const { properties, description = '' } = schema;
  if (properties === undefined) return [[path, schema]];
  return Object.entries(properties).flatMap(([key, value]) => leaves({ description, ...value }, [...path, key]));
}
