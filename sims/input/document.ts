/** YAML and JSON documents: read, checked against a schema, and every mistake told with its line and column. */

import {
  Composer,
  Lexer,
  LineCounter,
  Parser,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  visit,
  type Document,
  type Node,
} from 'yaml';
import { z } from 'zod';
import { formatPath, type ScenarioProblem } from '../../core/index.ts';
import { decodeLines, readPieces } from './file.ts';
import { InputError, counted, firstProblems, quote, type InputProblem } from './inputError.ts';
import { nearest } from './nearest.ts';

type Path = readonly (string | number)[];

/** Line and column of the value at a path, or of the nearest thing above it that is written down. */
export type Locate = (path: Path) => { readonly line: number; readonly column: number };

export interface ReadDocument<Value> {
  readonly value: Value;
  /** For mistakes that only show once the document makes sense as a whole. */
  readonly locate: Locate;
}

const LIMIT_BYTES = 16 * 1024 * 1024;
const EXPECTED = 'a YAML or JSON document';
/** A document with more mistakes than this was made for something else. */
const MOST_PROBLEMS = 100;

/**
 * A document in YAML 1.2 or JSON, as its schema understands it.
 *
 * @param instead  what is said of a text that is wrong in place of each mistake, when it was meant for something else
 * @throws InputError with every mistake: of syntax first, and when there is none, of keys and values
 */
export function readDocument<S extends z.ZodType>(
  file: string,
  schema: S,
  instead?: (file: string, text: string) => InputProblem | undefined,
): ReadDocument<z.output<S>> {
  const text = decodeLines(file, Buffer.concat([...readPieces(file, LIMIT_BYTES, EXPECTED)]));
  try {
    return documentOf(file, text, schema);
  } catch (error) {
    const other = error instanceof InputError ? instead?.(file, text) : undefined;
    throw other === undefined ? error : new InputError([other]);
  }
}

function documentOf<S extends z.ZodType>(file: string, text: string, schema: S): ReadDocument<z.output<S>> {
  const lines = new LineCounter();
  const source = parse(file, text, lines);
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const locate: Locate = (path) => position(offsetOf(source, path, 'value'));

  const { problems, anchorsHold } = inspectNodes(source);
  const mistakes = problems
    .slice(0, MOST_PROBLEMS)
    .map(({ offset, message }): InputProblem => ({ file, ...position(offset), message }));
  if (!anchorsHold) throw new InputError(firstProblems(file, mistakes, MOST_PROBLEMS, problems.length));

  const raw = toPlain(file, source);
  const result = schema.safeParse(raw, { reportInput: true });
  if (result.success && mistakes.length === 0) return { value: result.data, locate };

  const findings = result.success ? [] : result.error.issues.flatMap((issue) => explain(issue, schema, raw, []));
  for (const { path, at, message } of findings.slice(0, MOST_PROBLEMS)) {
    const offset = at === undefined ? offsetOf(source, path, 'value') : offsetOf(source, at, 'key');
    mistakes.push({ file, ...position(offset), ...written(path), message });
  }
  mistakes.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  throw new InputError(firstProblems(file, mistakes, MOST_PROBLEMS, problems.length + findings.length));
}

/** What a schema finds wrong with plain data, in the words that are used for documents. */
export function schemaProblems(schema: z.ZodType, raw: unknown): readonly ScenarioProblem[] {
  const result = schema.safeParse(raw, { reportInput: true });
  if (result.success) return [];
  return result.error.issues
    .flatMap((issue) => explain(issue, schema, raw, []))
    .slice(0, MOST_PROBLEMS)
    .map(({ path, at, message }) => ({ path: at ?? path, message }));
}

/** Mistakes the kernel found in a document, with the places where they are written. */
export function documentProblems(
  file: string,
  locate: Locate,
  problems: readonly ScenarioProblem[],
): readonly InputProblem[] {
  return problems.map(({ path, message }) => ({
    file,
    ...locate(path),
    ...written(path),
    message,
  }));
}

function written(path: Path): { readonly path?: string } {
  return path.length === 0 ? {} : { path: formatPath(path) };
}

// Syntax ------------------------------------------------------------------------------------------------------------

/** Far above any document people write, and far below the depth at which the composer runs out of stack (about 800). */
const DEEPEST = 200;

/** @throws InputError unless the text is exactly one document of sound YAML */
function parse(file: string, text: string, lines: LineCounter): Document.Parsed {
  const refuse = (offset: number, message: string): InputProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, message };
  };

  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const tokens = function* () {
    for (const lexeme of new Lexer().lex(text)) {
      yield* parser.next(lexeme);
      if (parser.stack.length > DEEPEST)
        throw new InputError([refuse(parser.offset, `found nesting deeper than ${DEEPEST} levels, expected less`)]);
    }
    yield* parser.end();
  };
  const composer = new Composer({
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'silent',
    // Directives in the file must not bring back YAML 1.1, where `no` is false and a date is not text.
    schema: 'core',
    merge: true,
    resolveKnownTags: false,
    // Checked in `inspectNodes`: the parser compares each key with every other, which takes minutes on a large file.
    uniqueKeys: false,
  });
  const [document, second] = [...composer.compose(tokens())];

  if (
    document === undefined ||
    (isScalar(document.contents) && document.contents.value === null && document.contents.source === '')
  )
    throw new InputError([{ file, message: `found nothing in the file, expected ${EXPECTED}` }]);
  const problems = [...document.errors, ...document.warnings].map(({ pos, message }) =>
    refuse(pos[0], `found a mistake of syntax: ${message}`),
  );
  if (second !== undefined) problems.push(refuse(second.range[0], 'found a second document, expected one in a file'));
  // What follows the first mistake of syntax is mostly what the parser made of it.
  const [mistake] = problems;
  if (mistake !== undefined) throw new InputError([mistake]);
  return document;
}

/** Keys written twice in one mapping, and aliases that name no anchor before them or lie inside their own anchor. */
function inspectNodes(document: Document.Parsed) {
  const problems: { readonly offset: number; readonly message: string }[] = [];
  const anchors = new Map<string, Node>();
  let anchorsHold = true;
  visit(document, {
    Node: (_, node) => {
      if (!isAlias(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Map: (_, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      const seen = new Set<string>();
      for (const { key } of node.items) {
        const name = keyName(key);
        if (seen.has(name)) problems.push({ offset: startOf(key), message: `found the key ${quote(name)} twice` });
        seen.add(name);
      }
    },
    Alias: (_, node, ancestors) => {
      const target = anchors.get(node.source);
      if (target !== undefined && !ancestors.includes(target)) return;
      anchorsHold = false;
      const found = target === undefined ? 'with no anchor of that name before it' : 'inside the value it stands for';
      problems.push({ offset: startOf(node), message: `found the alias *${node.source} ${found}` });
    },
  });
  return { problems, anchorsHold };
}

/** @throws InputError when aliases multiply without end, or a merge (`<<`) is not of mappings */
function toPlain(file: string, document: Document.Parsed): unknown {
  try {
    return document.toJS();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new InputError([{ file, message: `found aliases that cannot be followed: ${error.message}` }]);
  }
}

// Places ------------------------------------------------------------------------------------------------------------

/** Where the value, or the key, at a path starts; the nearest thing above it when it is not there. */
function offsetOf(document: Document.Parsed, path: Path, part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [index, step] of path.entries()) {
    const container = isAlias(node) ? node.resolve(document) : node;
    let key: unknown;
    if (isMap(container)) {
      const pair = container.items.find((item) => keyName(item.key) === String(step));
      key = pair?.key;
      node = pair?.value;
    } else {
      node = isSeq(container) ? container.items[Number(step)] : undefined;
    }
    if (!isNode(node)) return isNode(key) ? startOf(key) : offset;
    offset = part === 'key' && index === path.length - 1 && isNode(key) ? startOf(key) : startOf(node);
  }
  return offset;
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function keyName(key: unknown): string {
  return isScalar<string | number | boolean | null>(key) ? String(key.value ?? '') : String(key);
}

// What the schema says ----------------------------------------------------------------------------------------------

/** A mistake at a path. `at` is the path of the key, where the key itself is the mistake. */
interface Finding {
  readonly path: Path;
  readonly at?: Path;
  readonly message: string;
}

type Issue = z.core.$ZodIssue;
type Definition = z.core.$ZodTypes['_zod']['def'];
type Schema = z.core.$ZodType;

/**
 * An issue as sentences. Its path starts at `base`, where `schema` describes the value.
 *
 * @param raw  the whole document
 */
function explain(issue: Issue, schema: Schema, raw: unknown, base: Path): readonly Finding[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  const found = valueAt(raw, path);
  const places = schemasAt(schema, valueAt(raw, base), issue.path);
  const because = (reason: string): Finding[] => [{ path, message: `found ${quote(found)}, ${reason}` }];

  if (issue.code === 'unrecognized_keys') {
    const known = places.flatMap((place) => keysOf(place, found));
    return issue.keys.map((key) => ({
      path,
      at: [...path, key],
      message: `found an unknown key ${quote(key)}, ${suggestion(key, known) ?? `expected ${known.length === 0 ? 'none here' : oneOf(known)}`}`,
    }));
  }
  if (issue.code === 'invalid_key')
    return [
      {
        path: path.slice(0, -1),
        at: path,
        message: `found the key ${quote(path.at(-1))}, ${issue.issues.map(({ message }) => message).join(', ')}`,
      },
    ];
  if (issue.message !== usualMessage(issue)) return because(issue.message);
  if (issue.code === 'invalid_union') return explainUnion(issue, places, raw, path, because);

  const expected = expectation(issue, places);
  return because(
    expected === undefined ? 'which is not allowed here' : `expected ${expected}${hint(found, places, issue)}`,
  );
}

function explainUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  places: readonly Schema[],
  raw: unknown,
  path: Path,
  because: (reason: string) => readonly Finding[],
): readonly Finding[] {
  if ('options' in issue && Array.isArray(issue.options)) {
    const options = issue.options.map(String);
    return because(`expected ${oneOf(options.map(quote))}${nearHint(valueAt(raw, path), options)}`);
  }
  if (issue.inclusive === false) return because('which fits several forms at once, expected one');

  // The form that was meant is the one whose own type fits; of several, the one with the fewest mistakes.
  const options = places.map(optionsOf).find(({ length }) => length === issue.errors.length);
  const meant = issue.errors
    .map((issues, index) => ({ issues, option: options?.[index] }))
    .filter(({ issues }) => issues.every(({ code, path: within }) => within.length > 0 || !TYPE_CODES.has(code)))
    .toSorted((a, b) => a.issues.length - b.issues.length)[0];
  if (meant?.option === undefined) return because(`expected ${describeAll(places)}${hint(valueAt(raw, path), places)}`);
  const { issues, option } = meant;
  return issues.flatMap((inner) => explain(inner, option, raw, path));
}

/** Issues that say "this is not that kind of thing at all". */
const TYPE_CODES: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

/** What should be there instead, as the end of a sentence; undefined when the schema gives no reason. */
function expectation(issue: Issue, places: readonly Schema[]): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return places.length > 0 ? describeAll(places) : `a value of type ${issue.expected}`;
    case 'invalid_value':
      return oneOf(issue.values.map((value) => quote(value)));
    case 'too_small':
    case 'too_big': {
      const [bound, words] = issue.code === 'too_small' ? [issue.minimum, 'at least'] : [issue.maximum, 'at most'];
      if ('note' in issue) return `a whole number of ${words} ${bound}`;
      if (issue.origin === 'number' || issue.origin === 'int') return describeAll(places);
      const unit = issue.origin === 'string' ? 'character' : issue.origin === 'array' ? 'item' : 'key';
      return `${issue.exact === true ? 'exactly' : words} ${bound} ${unit}${Number(bound) === 1 ? '' : 's'}`;
    }
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return issue.format === 'regex' ? `text that matches ${issue.pattern}` : `a valid ${issue.format}`;
    default:
      return undefined;
  }
}

function usualMessage(issue: Issue): string | undefined {
  const message = z.config().localeError?.(issue as z.core.$ZodRawIssue);
  return typeof message === 'object' ? message?.message : (message ?? undefined);
}

/** `did you mean`, where only certain words are allowed and one of them is close. */
function hint(found: unknown, places: readonly Schema[], issue?: Issue): string {
  const allowed = issue?.code === 'invalid_value' ? issue.values : places.flatMap(allowedValues);
  return nearHint(found, allowed.map(String));
}

function nearHint(found: unknown, words: readonly string[]): string {
  return typeof found === 'string' ? didYouMean(found, words) : '';
}

/** `, did you mean "TaskPlaced"?` when one of the words is close, else nothing. */
export function didYouMean(found: string, words: readonly string[]): string {
  const near = suggestion(found, words);
  return near === undefined ? '' : `, ${near}`;
}

function suggestion(found: string, words: readonly string[]): string | undefined {
  const near = nearest(found, words);
  return near === undefined ? undefined : `did you mean ${quote(near)}?`;
}

/** `expected a, b or c`, and which one was probably meant. */
export function choice(found: string, words: readonly string[]): string {
  return `expected ${words.length === 0 ? 'none: there is none' : oneOf(words)}${nearHint(found, words)}`;
}

const LONGEST_CHOICE = 12;

/** `a, b or c`; a long choice is cut. */
function oneOf(words: readonly string[]): string {
  const unique = [...new Set(words)];
  if (unique.length > LONGEST_CHOICE)
    return `${unique.slice(0, LONGEST_CHOICE).join(', ')} or ${counted(unique.length - LONGEST_CHOICE, 'other')}`;
  return unique.length === 1 ? unique.join() : `${unique.slice(0, -1).join(', ')} or ${unique.at(-1)}`;
}

function describeAll(schemas: readonly Schema[]): string {
  return oneOf(schemas.flatMap(describe));
}

/** What a schema accepts, in words; several when it offers a choice. */
function describe(schema: Schema): readonly string[] {
  const definition = definitionOf(schema);
  const own = ownWords(definition);
  if (own !== undefined) return [own];
  switch (definition.type) {
    case 'string':
      return ['a string'];
    case 'number':
      return [describeNumber(schema, definition)];
    case 'boolean':
      return ['true or false'];
    case 'null':
      return ['null'];
    case 'undefined':
    case 'never':
      return ['nothing'];
    case 'object':
    case 'record':
      return ['a mapping'];
    case 'array':
    case 'tuple':
      return ['a list'];
    case 'enum':
    case 'literal':
      return allowedValues(schema).map((value) => quote(value));
    case 'union':
      return definition.options.flatMap(describe);
    case 'nullable':
      return [...describe(definition.innerType), 'null'];
    default: {
      const inner = unwrap(definition);
      return inner.length === 0 ? ['a value'] : inner.flatMap(describe);
    }
  }
}

/** `a whole number from 0 to 5000`. */
function describeNumber(schema: Schema, definition: Definition): string {
  const { minValue = null, maxValue = null, isInt = false } = schema as Partial<z.ZodNumber>;
  const checks = (definition.checks ?? []).map((check) => check._zod.def as z.core.$ZodCheckLessThanDef);
  const excludes = (value: number | null) => checks.some((check) => check.value === value && !check.inclusive);
  const low = minValue !== null && Number.isFinite(minValue) && minValue > Number.MIN_SAFE_INTEGER;
  const high = maxValue !== null && Number.isFinite(maxValue) && maxValue < Number.MAX_SAFE_INTEGER;
  const name = isInt ? 'a whole number' : 'a number';
  if (low && high && !excludes(minValue) && !excludes(maxValue)) return `${name} from ${minValue} to ${maxValue}`;
  const bounds = [
    ...(low ? [`${excludes(minValue) ? 'above' : 'of at least'} ${minValue}`] : []),
    ...(high ? [`${excludes(maxValue) ? 'below' : 'of at most'} ${maxValue}`] : []),
  ];
  return [name, bounds.join(' and ')].filter((words) => words !== '').join(' ');
}

/** What a check of the schema says for itself, when it is written as `expected ...`. */
function ownWords(definition: Definition): string | undefined {
  for (const check of definition.checks ?? []) {
    const said = (check._zod.def.error as (() => unknown) | undefined)?.();
    if (typeof said === 'string' && said.startsWith('expected ')) return said.slice('expected '.length);
  }
  return undefined;
}

function allowedValues(schema: Schema): readonly unknown[] {
  const definition = definitionOf(schema);
  if (definition.type === 'enum') return Object.values(definition.entries);
  if (definition.type === 'literal') return definition.values;
  return unwrap(definition).flatMap(allowedValues);
}

/** Keys of a mapping, in the form that its value names. */
function keysOf(schema: Schema, value: unknown): readonly string[] {
  const definition = definitionOf(schema);
  if (definition.type === 'object') return Object.keys(definition.shape);
  if (definition.type === 'record') return allowedValues(definition.keyType).map(String);
  const inner = definition.type === 'union' ? chosenOptions(definition, value) : unwrap(definition);
  return inner.flatMap((option) => keysOf(option, value));
}

/** Schemas that describe the value at a path below `schema`; a discriminated union narrows to the form the value names. */
function schemasAt(schema: Schema, value: unknown, path: readonly PropertyKey[]): readonly Schema[] {
  const [step, ...rest] = path;
  if (step === undefined) return [schema];
  const definition = definitionOf(schema);
  const below = (child: Schema | null | undefined) =>
    child ? schemasAt(child, valueAt(value, [step as string | number]), rest) : [];
  switch (definition.type) {
    case 'object':
      return below(Object.hasOwn(definition.shape, step) ? definition.shape[step as string] : definition.catchall);
    case 'record':
      return below(definition.valueType);
    case 'array':
      return below(definition.element);
    case 'tuple':
      return below(definition.items[Number(step)] ?? definition.rest);
    case 'union':
      return chosenOptions(definition, value).flatMap((option) => schemasAt(option, value, path));
    default:
      return unwrap(definition).flatMap((inner) => schemasAt(inner, value, path));
  }
}

/** The forms of a union, inside any wrappers. */
function optionsOf(schema: Schema): readonly Schema[] {
  const definition = definitionOf(schema);
  return definition.type === 'union' ? definition.options : unwrap(definition).flatMap(optionsOf);
}

function chosenOptions(union: z.core.$ZodUnionDef, value: unknown): readonly Schema[] {
  if (!('discriminator' in union)) return union.options;
  const discriminator = String(union.discriminator);
  const named = valueAt(value, [discriminator]);
  return union.options.filter((option) =>
    schemasAt(option, value, [discriminator]).some((tag) => allowedValues(tag).includes(named)),
  );
}

/** The schemas a wrapper passes its input to. */
function unwrap(definition: Definition): readonly Schema[] {
  switch (definition.type) {
    case 'optional':
    case 'nonoptional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
      return [definition.innerType];
    case 'pipe':
      return [definitionOf(definition.in).type === 'transform' ? definition.out : definition.in];
    case 'lazy':
      return [definition.getter()];
    case 'union':
      return definition.options;
    case 'intersection':
      return [definition.left, definition.right];
    default:
      return [];
  }
}

function definitionOf(schema: Schema): Definition {
  return (schema as z.core.$ZodTypes)._zod.def;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inside, step) =>
      typeof inside === 'object' && inside !== null && Object.hasOwn(inside, step)
        ? (inside as Readonly<Record<string | number, unknown>>)[step]
        : undefined,
    value,
  );
}
