/** The page of every key of a scenario, from its schema. */

import { defaultOf, table, valuesOf, type JsonSchema } from './jsonSchema.ts';

const INTRODUCTION = `# The scenario, key by key

One YAML or JSON file says what sails. What AWS has keeps AWS's keys and spelling; names replace ARNs. What AWS does not have
(\`load\`, \`slo\`, \`changes\`, \`faults\`, \`assumptions\`) is ours, in camelCase, with units. \`[]\` stands for each item of a
list, **bold** keys are required, times are UTC unless a zone is written, and lengths of time are written \`90s\`, \`2m\`,
\`1.5h\`, \`3d\` or \`2w\`. Editors know all of it by \`# yaml-language-server: $schema=…/sims/input/scenario.schema.json\` in the
first line. This page is written by \`npm run docs\`.
`;

/** A part of the schema that has more rows than this is told once, and then referred to. */
const LONG = 6;

interface Row {
  readonly path: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
  /** Where the same is told in full. */
  readonly sameAs?: string;
}

/** @param schema  of a scenario, as it is written */
export function scenarioPage({ properties = {}, required = [] }: JsonSchema): string {
  const told = new Map<string, string>();
  const sections = Object.entries(properties).map(([key, block]) => {
    const about = [block.description, required.includes(key) ? 'required' : undefined];
    const rows = rowsOf(key, block, false, told).filter(({ path }) => path !== key);
    if (rows.length === 0) about.push(`${valuesOf(block)}${defaultText(block)}`);
    const sentences = about.flatMap((part) => (part === undefined ? [] : [sentence(part)]));
    const content = key === 'assumptions' ? ELSEWHERE : tableOf(rows);
    return [`## ${key}`, sentences.join(' '), content].filter((part) => part !== '').join('\n\n');
  });
  return `${INTRODUCTION}\n${sections.join('\n\n')}\n`;
}

/** Without the block's own name, which stands above the table. */
const inBlock = (path: string) => path.replace(/^\w+\.?/, '');
const ELSEWHERE = '[Every key](../input/ASSUMPTIONS.md) has a page of its own.';

function tableOf(rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const cells = rows.map(({ path, required, schema, sameAs }) => [
    required ? `**\`${inBlock(path)}\`**` : `\`${inBlock(path)}\``,
    sameAs === undefined ? (isContainer(schema) ? kindOf(schema) : valuesOf(schema)) : `as \`${sameAs}\``,
    isContainer(schema) ? '' : defaultOf(schema),
    schema.description ?? '',
  ]);
  return table(['key', 'values', 'default', 'meaning'], cells);
}

const defaultText = (schema: JsonSchema) => (defaultOf(schema) === '' ? '' : `; ${defaultOf(schema)} when left out`);
const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function isContainer({ properties, items, oneOf }: JsonSchema): boolean {
  return (
    properties !== undefined ||
    (items !== undefined && isBranch(items)) ||
    (oneOf !== undefined && oneOf.every(isBranch))
  );
}

/** Something with keys of its own, or several of that. */
function isBranch({ properties, oneOf, items }: JsonSchema): boolean {
  return properties !== undefined || (oneOf?.every(isBranch) ?? false) || (items !== undefined && isBranch(items));
}

function kindOf({ items }: JsonSchema): string {
  return items === undefined ? 'a mapping' : 'a list';
}

function rowsOf(path: string, schema: JsonSchema, isRequired: boolean, told: Map<string, string>): readonly Row[] {
  const own = { path, required: isRequired, schema };
  if (!isContainer(schema)) return [own];
  const below = childrenOf(path, schema);
  const shape = JSON.stringify([schema.properties, schema.items, schema.oneOf]);
  const before = told.get(shape);
  if (before !== undefined && before !== path) return [{ ...own, sameAs: before }];
  const rows = [own, ...below.flatMap((child) => rowsOf(child.path, child.schema, child.required, told))];
  if (rows.length > LONG) told.set(shape, path);
  return rows;
}

function childrenOf(path: string, { properties, items, oneOf, required = [] }: JsonSchema): readonly Row[] {
  if (properties !== undefined)
    return Object.entries(properties).map(([key, schema]) => ({
      path: `${path}.${key}`,
      required: required.includes(key),
      schema,
    }));
  if (items !== undefined) return childrenOf(`${path}[]`, items);
  return (oneOf ?? []).map((schema) => ({ path: `${path}${variantOf(schema)}`, required: false, schema }));
}

/** Which of several shapes: the key that tells, and its value. */
function variantOf({ properties = {} }: JsonSchema): string {
  const [key, told] = Object.entries(properties).find(([, { const: only }]) => only !== undefined) ?? [];
  return key === undefined ? '' : ` (${key}: ${String(told?.const)})`;
}
