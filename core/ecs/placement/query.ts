/**
 * The cluster query language: which container instances an expression selects. The grammar is queryParser.peggy; here is
 * what the words mean.
 *
 * @source AWS, ECS Developer Guide, "Cluster query language"; spec/placement.md 3.3 to 3.5
 */

import type { Immutable } from 'immer';
import { RE2JS } from 're2js';
import { parseInstant, SimulationError, type Millis } from '../../kernel/index.ts';
import { parse, SyntaxError } from './queryParser.js';

export type Query =
  | { readonly kind: 'and' | 'or'; readonly left: Query; readonly right: Query }
  | { readonly kind: 'not'; readonly operand: Query }
  | Condition;

type Operator = '==' | '!=' | '>' | '>=' | '<' | '<=' | '=~' | '!~' | 'in' | '!in' | 'exists' | '!exists';
type Subject = keyof typeof SUBJECTS;

interface Condition {
  readonly kind: 'condition';
  readonly subject: Subject;
  /** The name after `attribute:`; empty for other subjects. */
  readonly attribute: string;
  readonly subjectOffset: number;
  readonly operator: Operator;
  readonly operatorOffset: number;
  readonly values: readonly { readonly text: string; readonly offset: number }[];
}

/** What a query may ask about an instance. */
export interface QueriedInstance {
  readonly ec2InstanceId: string;
  readonly agentConnected: boolean;
  readonly agentVersion: string;
  readonly registeredAtMs: Millis;
  /** Tasks meant to run, in PENDING too. */
  readonly runningTasksCount: number;
  /** Tasks meant to run of each task group. */
  readonly taskGroups: Immutable<Map<string, number>>;
}

/** The same as plain JSON, for callers from outside. */
export interface QueriedInstanceJson {
  readonly ec2InstanceId: string;
  readonly agentConnected: boolean;
  readonly agentVersion: string;
  /** ISO 8601; UTC when no zone is written. */
  readonly registeredAt: string;
  readonly runningTasksCount: number;
  readonly attributes: Readonly<Record<string, string | null>>;
  /** Groups of the tasks that are meant to run on it. */
  readonly taskGroups: readonly string[];
}

export interface QueryOptions {
  /** Whether =~ must match the whole value, as Java's String.matches does, or a part of it. */
  readonly regexMode?: 'full' | 'find';
}

/** The value of an attribute; null when it carries none, undefined when the instance does not have it. */
type AttributeOf<Instance> = (instance: Instance, name: string) => string | null | undefined;
type Predicate<Instance> = (instance: Instance) => boolean;

/** An expression that AWS would not take. The message says at which character it goes wrong; so does `offset`, from 0. */
export class ClusterQueryError extends SimulationError {
  override readonly name = 'ClusterQueryError';
  readonly offset: number;

  constructor(text: string, offset: number, what: string) {
    super(`Invalid expression: ${what} At character ${offset + 1}: ${excerpt(text, offset)}`);
    this.offset = offset;
  }
}

/** `... == t2.small >>>]`: what stands before the place, and what is wrong there. */
function excerpt(text: string, offset: number): string {
  const before = text.slice(Math.max(0, offset - 24), offset);
  return `${offset > 24 ? '...' : ''}${before}>>>${text.slice(offset, offset + 24)}${text.length > offset + 24 ? '...' : ''}`;
}

/** @source AWS, ECS API, PlacementConstraint.expression */
const LONGEST_EXPRESSION = 2000;
const LONGEST_NAME = 128;

const EQUALITY = ['==', '!='] as const;
const MEMBERSHIP = ['in', '!in', '=~', '!~'] as const;
const ORDER = ['>', '>=', '<', '<='] as const;

/** The operators of each subject. Choice: task:group has ==, by example only; it gets what other sets of texts would have. */
const SUBJECTS = {
  agentConnected: [...EQUALITY, ...MEMBERSHIP],
  agentVersion: [...EQUALITY, ...ORDER],
  ec2InstanceId: [...EQUALITY, ...MEMBERSHIP],
  registeredAt: [...EQUALITY, ...ORDER],
  runningTasksCount: [...EQUALITY, ...ORDER],
  'task:group': [...EQUALITY, ...MEMBERSHIP],
  attribute: [...EQUALITY, ...ORDER, ...MEMBERSHIP, 'exists', '!exists'],
} as const satisfies Readonly<Record<string, readonly Operator[]>>;

/**
 * Reads an expression of the cluster query language.
 *
 * @example parseClusterQuery('attribute:stack == prod and runningTasksCount < 3').matches(instance)
 * @throws ClusterQueryError
 */
export function parseClusterQuery(
  text: string,
  options: QueryOptions = {},
): { readonly matches: (instance: QueriedInstanceJson) => boolean } {
  const selects = clusterQuery(text, jsonAttribute, options);
  return {
    matches: (instance) =>
      selects({
        ...instance,
        registeredAtMs: parseInstant(instance.registeredAt),
        taskGroups: new Map(instance.taskGroups.map((group) => [group, 1])),
      }),
  };
}

type Attributed = QueriedInstance & Pick<QueriedInstanceJson, 'attributes'>;

function jsonAttribute({ attributes }: Attributed, name: string): string | null | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

/** The predicate of an expression. @throws ClusterQueryError */
export function clusterQuery<Instance extends QueriedInstance>(
  text: string,
  attributeOf: AttributeOf<Instance>,
  { regexMode = 'full' }: QueryOptions = {},
): Predicate<Instance> {
  return predicateOf(parsed(text), { text, regexMode, attributeOf });
}

/** What may change about an instance after it has registered. */
const CHANGING: readonly Subject[] = ['agentConnected', 'runningTasksCount', 'task:group'];

/**
 * The predicate of an expression in two parts that must both hold: of what is settled when an instance registers, and of
 * what may change. A part that nothing belongs to is left out.
 *
 * @throws ClusterQueryError
 */
export function splitClusterQuery<Instance extends QueriedInstance>(
  text: string,
  attributeOf: AttributeOf<Instance>,
  { regexMode = 'full' }: QueryOptions = {},
): { readonly settled?: Predicate<Instance>; readonly changing?: Predicate<Instance> } {
  const parts = conjuncts(parsed(text));
  const both = (queries: readonly Query[]) =>
    queries.length === 0
      ? undefined
      : predicateOf(
          queries.reduce((left, right) => ({ kind: 'and', left, right })),
          { text, regexMode, attributeOf },
        );
  const settled = both(parts.filter((query) => !mayChange(query)));
  const changing = both(parts.filter(mayChange));
  return { ...(settled === undefined ? {} : { settled }), ...(changing === undefined ? {} : { changing }) };
}

function conjuncts(query: Query): readonly Query[] {
  return query.kind === 'and' ? [...conjuncts(query.left), ...conjuncts(query.right)] : [query];
}

function mayChange(query: Query): boolean {
  switch (query.kind) {
    case 'or':
    case 'and':
      return mayChange(query.left) || mayChange(query.right);
    case 'not':
      return mayChange(query.operand);
    case 'condition':
      return CHANGING.includes(query.subject);
  }
}

/** What is wrong with an expression; undefined when nothing is. */
export function clusterQueryProblem(text: string): string | undefined {
  try {
    clusterQuery(text, () => undefined);
    return undefined;
  } catch (error) {
    if (error instanceof ClusterQueryError) return error.message;
    throw error;
  }
}

/** What the meaning of a condition depends on besides itself. */
interface Reading<Instance> {
  readonly text: string;
  readonly regexMode: 'full' | 'find';
  readonly attributeOf: AttributeOf<Instance>;
}

/** The expression as this file would write it: symbols for operators, quotes and parentheses only where they must be. */
export function printClusterQuery(text: string): string {
  return printed(parsed(text), 0);
}

function parsed(text: string): Query {
  if (text.length > LONGEST_EXPRESSION)
    throw new ClusterQueryError(
      text,
      LONGEST_EXPRESSION,
      `found ${text.length} characters, expected at most ${LONGEST_EXPRESSION}.`,
    );
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ClusterQueryError(text, error.location.start.offset, error.message);
    throw error;
  }
}

function predicateOf<Instance extends QueriedInstance>(query: Query, reading: Reading<Instance>): Predicate<Instance> {
  switch (query.kind) {
    case 'or':
    case 'and': {
      const left = predicateOf(query.left, reading);
      const right = predicateOf(query.right, reading);
      return query.kind === 'or'
        ? (instance) => left(instance) || right(instance)
        : (instance) => left(instance) && right(instance);
    }
    case 'not': {
      const operand = predicateOf(query.operand, reading);
      return (instance) => !operand(instance);
    }
    case 'condition':
      return conditionOf(query, reading);
  }
}

function conditionOf<Instance extends QueriedInstance>(
  condition: Condition,
  { text, regexMode, attributeOf }: Reading<Instance>,
): Predicate<Instance> {
  const { subject, attribute, subjectOffset, operator, operatorOffset, values } = condition;
  const operators: readonly Operator[] = SUBJECTS[subject];
  if (!operators.includes(operator)) {
    const found = `found ${operator} for ${subject}, expected one of ${operators.join(' ')}.`;
    throw new ClusterQueryError(text, operatorOffset, found);
  }
  if (attribute.length > LONGEST_NAME)
    throw new ClusterQueryError(text, subjectOffset, `found a name of ${attribute.length} characters, expected 128.`);
  const literals = values.map((value) => value.text);
  const [first] = values;
  const bad = (expected: string): never => {
    throw new ClusterQueryError(text, first?.offset ?? operatorOffset, `found "${first?.text}", expected ${expected}.`);
  };
  switch (subject) {
    case 'agentConnected': {
      const accepts = accepting(operator, literals, condition, text, regexMode);
      return ({ agentConnected }) => accepts(String(agentConnected));
    }
    case 'ec2InstanceId': {
      const accepts = accepting(operator, literals, condition, text, regexMode);
      return ({ ec2InstanceId }) => accepts(ec2InstanceId);
    }
    case 'agentVersion': {
      const wanted = versionOf(literals[0] as string) ?? bad('a version such as 1.14.5');
      return ({ agentVersion }) => holds(operator, compareVersions(versionOf(agentVersion) ?? [], wanted));
    }
    case 'registeredAt': {
      const wantedMs = parseInstant(literals[0] as string);
      if (Number.isNaN(wantedMs)) bad('an instant such as 2018-06-18T22:28:28+00:00 or 2018-06-18');
      return ({ registeredAtMs }) => holds(operator, registeredAtMs - wantedMs);
    }
    case 'runningTasksCount': {
      const wanted = /^\d+$/.test(literals[0] as string) ? Number(literals[0]) : bad('a whole number');
      return ({ runningTasksCount }) => holds(operator, runningTasksCount - wanted);
    }
    case 'task:group': {
      // Choice: a negated operator asks that no group on the instance is meant; AWS writes not(task:group == g) for that.
      const negated = operator.startsWith('!');
      const plain = (negated ? POSITIVE[operator as keyof typeof POSITIVE] : operator) satisfies Operator;
      const accepts = accepting(plain, literals, condition, text, regexMode);
      return ({ taskGroups }) => someKey(taskGroups, accepts) !== negated;
    }
    case 'attribute': {
      if (operator === 'exists') return (instance) => attributeOf(instance, attribute) !== undefined;
      if (operator === '!exists') return (instance) => attributeOf(instance, attribute) === undefined;
      // "!=" selects instances that have the attribute, with another value. Choice: an attribute without a value differs
      // from every value, and the same holds for !in and !~.
      const withoutValue = operator.startsWith('!');
      const accepts = accepting(operator, literals, condition, text, regexMode);
      return (instance) => {
        const value = attributeOf(instance, attribute);
        return value === null ? withoutValue : value !== undefined && accepts(value);
      };
    }
  }
}

const POSITIVE = { '!=': '==', '!in': 'in', '!~': '=~', '!exists': 'exists' } as const;

function someKey(counts: Immutable<Map<string, number>>, accepts: (key: string) => boolean): boolean {
  for (const key of counts.keys()) if (accepts(key)) return true;
  return false;
}

/** Whether a text stands in the relation to the literals. */
function accepting(
  operator: Operator,
  literals: readonly string[],
  { values }: Condition,
  text: string,
  regexMode: 'full' | 'find',
): (value: string) => boolean {
  const [literal = ''] = literals;
  switch (operator) {
    case '==':
      return (value) => value === literal;
    case '!=':
      return (value) => value !== literal;
    case 'in':
      return (value) => literals.includes(value);
    case '!in':
      return (value) => !literals.includes(value);
    case '=~':
    case '!~': {
      const pattern = regexOf(literal, text, values[0]?.offset ?? 0);
      const wanted = operator === '=~';
      return regexMode === 'full'
        ? (value) => pattern.matches(value) === wanted
        : (value) => pattern.matcher(value).find() === wanted;
    }
    default:
      return (value) => holds(operator, compareTexts(value, literal));
  }
}

/** The language has Java's regular expressions; what a linear-time engine cannot do of them is refused. */
function regexOf(source: string, text: string, offset: number): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ClusterQueryError(
      text,
      offset,
      `found the regular expression "${source}", which Seatrial cannot read: ${why}. Java's possessive quantifiers, look-around, back-references and \\p{Alpha} are not supported.`,
    );
  }
}

function holds(operator: Operator, comparison: number): boolean {
  switch (operator) {
    case '==':
      return comparison === 0;
    case '!=':
      return comparison !== 0;
    case '>':
      return comparison > 0;
    case '>=':
      return comparison >= 0;
    case '<':
      return comparison < 0;
    default:
      return comparison <= 0;
  }
}

const DECIMAL = /^[+-]?\d+(\.\d+)?$/;

/** Choice: AWS says "greater than" only; two decimal numbers compare as numbers, anything else as texts. */
function compareTexts(a: string, b: string): number {
  if (DECIMAL.test(a) && DECIMAL.test(b)) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The numbers of `1.14.5`; what follows them, as in `1.14.5-beta`, does not count. */
function versionOf(text: string): readonly number[] | undefined {
  const numbers = /^v?(\d+(?:\.\d+)*)/.exec(text)?.[1];
  return numbers?.split('.').map(Number);
}

/** What `versionIsAtLeast` has read, by its text: each task that is placed asks for the same two versions. */
const versions = new Map<string, readonly number[]>();

function knownVersion(text: string): readonly number[] {
  let version = versions.get(text);
  if (version === undefined) versions.set(text, (version = versionOf(text) ?? []));
  return version;
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let place = 0; place < Math.max(a.length, b.length); place++) {
    const difference = (a[place] ?? 0) - (b[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether an agent's version is at least the given one. */
export function versionIsAtLeast(version: string, least: string): boolean {
  return compareVersions(knownVersion(version), knownVersion(least)) >= 0;
}

/** How tightly each kind binds: an operand that binds less needs parentheses. */
const STRENGTH = { or: 1, and: 2, not: 3, condition: 4 } as const;

function printed(query: Query, around: number): string {
  const text = printedBare(query);
  return STRENGTH[query.kind] < around ? `(${text})` : text;
}

function printedBare(query: Query): string {
  switch (query.kind) {
    case 'or':
    case 'and': {
      const strength = STRENGTH[query.kind];
      return `${printed(query.left, strength)} ${query.kind} ${printed(query.right, strength + 1)}`;
    }
    case 'not':
      return `not(${printed(query.operand, 0)})`;
    case 'condition': {
      const { subject, attribute, operator, values } = query;
      const what = subject === 'attribute' ? `attribute:${attribute}` : subject;
      if (operator === 'exists' || operator === '!exists') return `${what} ${operator}`;
      const literals = values.map(({ text }) => printedLiteral(text));
      const inList = operator === 'in' || operator === '!in';
      return `${what} ${operator} ${inList ? `[${literals.join(', ')}]` : literals[0]}`;
    }
  }
}

/** A literal that was read holds no more than one of the two quotes. */
function printedLiteral(text: string): string {
  if (/^[\w.@/:*+-]+$/.test(text)) return text;
  return text.includes("'") ? `"${text}"` : `'${text}'`;
}
