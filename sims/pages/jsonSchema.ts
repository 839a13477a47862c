/** The published JSON Schema as pages tell it: what a key may be, and what it is when left out. */

export interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: string | number | boolean;
  readonly type?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

export function valuesOf({
  enum: values,
  const: only,
  type,
  pattern,
  anyOf,
  oneOf,
  properties,
  items,
}: JsonSchema): string {
  if (only !== undefined) return `\`${String(only)}\``;
  if (properties !== undefined) {
    const members = Object.entries(properties).map(([key, value]) => `${key}: ${valuesOf(value)}`);
    return `{ ${members.join(', ')} }`;
  }
  const alternatives = oneOf ?? anyOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(valuesOf))].join(', or ');
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (pattern?.includes('ms|s|m|h|d|w') === true) return 'a length of time';
  if (type === 'array')
    return items === undefined ? 'a list' : `a list of ${valuesOf(items).replace(/^a (string|number)$/, '$1s')}`;
  return type === 'integer' ? 'a whole number' : `a ${type ?? 'value'}`;
}

export function defaultOf({ default: value }: JsonSchema): string {
  return value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

/** A row of a Markdown table. */
export function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(...head), row(...head.map(() => '---')), ...rows.map((cells) => row(...cells))].join('\n');
}
