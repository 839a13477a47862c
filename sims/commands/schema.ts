/** `seatrial schema`: what a scenario may say, for editors as a JSON Schema, and its assumptions for people. */

import { z } from 'zod';
import { scenarioSchema } from '../../core/index.ts';

interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: string;
  readonly type?: string;
  readonly pattern?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

export function scenarioJsonSchema(): string {
  return `${JSON.stringify({ title: 'Seatrial scenario', ...scenarioShape() }, undefined, 2)}\n`;
}

function scenarioShape(): JsonSchema {
  return z.toJSONSchema(scenarioSchema, { target: 'draft-7', io: 'input' }) as JsonSchema;
}

const INTRODUCTION = `# Assumptions

Where AWS documents nothing, or promises nothing, a scenario may say what is assumed, under \`assumptions:\`. Each key has the
default that fits best what is documented or has been observed; the number behind it is the chapter of the rule it is about.
This page is written by \`npm run sim -- schema --assumptions\`.
`;

/** Every key under `assumptions`, with what it may be, its default, and what it changes. */
export function assumptionsPage(): string {
  const { assumptions } = scenarioShape().properties ?? {};
  const rows = leaves(assumptions ?? {}, []).map(([path, { description = '', ...leaf }]) => {
    const cells = [`\`${path.join('.')}\``, valuesOf(leaf), defaultOf(leaf), description];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return `${INTRODUCTION}\n| key | values | default | what it changes |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** What has no description of its own is described by what it is in. */
function leaves(schema: JsonSchema, path: readonly string[]): (readonly [readonly string[], JsonSchema])[] {
  const { properties, description = '' } = schema;
  if (properties === undefined) return [[path, schema]];
  return Object.entries(properties).flatMap(([key, value]) => leaves({ description, ...value }, [...path, key]));
}

function valuesOf({ enum: values, const: only, type, pattern, anyOf, oneOf, properties }: JsonSchema): string {
  if (only !== undefined) return `\`${only}\``;
  if (properties !== undefined) {
    const members = Object.entries(properties).map(([key, value]) => `${key}: ${valuesOf(value)}`);
    return `{ ${members.join(', ')} }`;
  }
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (pattern !== undefined) return 'a length of time';
  const choices = anyOf ?? oneOf;
  if (choices !== undefined) return choices.map(valuesOf).join(', or ');
  return type === 'integer' ? 'a whole number' : `a ${type ?? 'value'}`;
}

function defaultOf({ default: value }: JsonSchema): string {
  return value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
