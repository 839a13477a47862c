/**
 * Edits of a scenario that sails: `services.web.desiredCount=6` from the command line, or a file that repeats the parts of a
 * scenario that are to be other. Paths follow the scenario file, with names in place of places in a list.
 */

import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { formatPath, scenarioProblems, scenarioSchema, type Scenario } from '../../core/index.ts';
import { choice, readDocument, schemaProblems, type Locate } from './document.ts';
import { InputError, quote, type InputProblem } from './inputError.ts';
import { written } from './written.ts';

type Path = readonly (string | number)[];
type Mapping = Record<string, unknown>;

/** One value that is to be other. */
interface Edit {
  /** As the user wrote it: `--set services.web.desiredCount=6`, or the path of a file. */
  readonly file: string;
  /** Its path, as far as it is known in steps; a text from the command line is one step. */
  readonly path: readonly string[];
  /** null takes away what is there. */
  readonly value: unknown;
  readonly locate?: Locate;
}

/** What a scenario becomes, and where in it each edit is. */
export interface EditedScenario {
  readonly scenario: Scenario;
  /** Each as `path: before -> after`. */
  readonly changed: readonly string[];
  /** Problems that the engine finds with the scenario, told where they were written. */
  readonly tell: (problems: readonly { readonly path: Path; readonly message: string }[]) => InputError;
}

/** @param text  `path=value`, the value in YAML; null takes away what is there. @throws InputError */
export function setting(text: string): Edit {
  const file = `--set ${text}`;
  const [, path = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (path.trim() === '' || value.trim() === '')
    throw new InputError([
      { file, message: `found ${quote(text)}, expected a path and a value, such as services.web.desiredCount=6` },
    ]);
  try {
    return { file, path: [path.trim()], value: parse(value, { schema: 'core' }) as unknown };
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    const [mistake = ''] = error.message.split(/ at line|\n/);
    throw new InputError([{ file, message: `found ${quote(value)}, expected a value in YAML: ${mistake}` }]);
  }
}

/** The edits that a file asks for; those under `changes` are made at an instant unless they name another. @throws InputError */
export function editsOf(file: string, atMs: number): readonly Edit[] {
  const { value, locate } = readDocument(file, z.record(z.string(), z.unknown()));
  return leaves(file, locate, value, []).map((edit) =>
    edit.path.length === 1 && edit.path[0] === 'changes' ? { ...edit, value: dated(edit.value, atMs) } : edit,
  );
}

function leaves(file: string, locate: Locate, value: unknown, path: readonly string[]): readonly Edit[] {
  if (isMapping(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, item]) => leaves(file, locate, item, [...path, key]));
  return [{ file, locate, path, value }];
}

function dated(changes: unknown, atMs: number): unknown {
  if (!Array.isArray(changes)) return changes;
  return changes.map((change: unknown) =>
    isMapping(change) ? { at: new Date(atMs).toISOString(), ...change } : change,
  );
}

/** A scenario with edits made. @throws InputError with every mistake, where it was written */
export function edited(scenario: Scenario, edits: readonly Edit[]): EditedScenario {
  // Parts of what is written are parts of the scenario itself, and some stand in two places: none of it may change.
  const draft = JSON.parse(JSON.stringify(written(scenarioSchema, scenario))) as Mapping;
  const made: (Made & { readonly edit: Edit; readonly path: Path })[] = [];
  const unfit: InputProblem[] = [];
  for (const edit of edits) {
    const { path, problem } = stepsOf(draft, edit.path);
    if (problem === undefined) made.push({ edit, path, ...put(draft, path, edit.value) });
    else unfit.push({ file: edit.file, ...edit.locate?.(edit.path), message: problem });
  }
  if (unfit.length > 0) throw new InputError(unfit);
  const tell: EditedScenario['tell'] = (problems) =>
    new InputError(
      problems.map(({ path, message }) => {
        const nearest = made.toSorted((a, b) => shared(b.path, path) - shared(a.path, path))[0];
        if (nearest === undefined) return { file: 'the scenario', path: formatPath(path), message };
        const { edit, path: own, before } = nearest;
        // Of calls that were added, in the list of the file.
        const [first, ...rest] = path.slice(own.length);
        const inside = first === undefined ? [] : [typeof first === 'number' ? first - before : first, ...rest];
        const isOwn = shared(own, path) === own.length && inside.length === 0;
        return {
          file: edit.file,
          ...edit.locate?.([...edit.path, ...(shared(own, path) === own.length ? inside : [])]),
          ...(isOwn && edit.locate === undefined
            ? {}
            : { path: formatPath(before === 0 ? path : [...own, ...inside]) }),
          message,
        };
      }),
    );
  const problems = schemaProblems(scenarioSchema, tidy(draft));
  if (problems.length > 0) throw tell(problems);
  const wanted = scenarioSchema.parse(tidy(draft));
  // A scenario that has sailed for a while may have changes that have been made, and could not be made again.
  const before = new Set(scenarioProblems(scenario).map((problem) => JSON.stringify(problem)));
  const unsound = scenarioProblems(wanted).filter((problem) => !before.has(JSON.stringify(problem)));
  if (unsound.length > 0) throw tell(unsound);
  return { scenario: wanted, changed: made.flatMap(({ what }) => what), tell };
}

/** How many steps two paths have in common from the start. */
function shared(one: Path, other: Path): number {
  const differs = one.findIndex((step, index) => String(step) !== String(other[index]));
  return differs === -1 ? one.length : differs;
}

// Paths ---------------------------------------------------------------------------------------------------------------

/** Keys under which the items of a list have their names. */
const NAMES = [
  'serviceName',
  'service',
  'PolicyName',
  'ScheduledActionName',
  'AutoScalingGroupName',
  'AlarmName',
  'family',
  'name',
  'Name',
  'MetricName',
  'RoleName',
  'GroupId',
  'SubnetId',
  'logGroupName',
];

type Steps = { readonly path: Path; readonly problem?: string };

/** From the names of a path to its steps in a scenario, or why there is none. */
function stepsOf(draft: Mapping, names: readonly string[]): Steps {
  const path: (string | number)[] = [];
  let rest = names.length === 1 ? (names[0] as string) : undefined;
  const given = [...names];
  // A text is taken step by step, and may have names with dots; steps of a file are whole.
  const take = (known: readonly string[]): string => {
    if (rest === undefined) return given.shift() as string;
    const text = rest;
    const whole = known.filter((name) => text === name || text.startsWith(`${name}.`));
    const [first = ''] = text.split('.');
    const step = whole.toSorted((a, b) => b.length - a.length)[0] ?? first;
    rest = text.slice(step.length + 1);
    return step;
  };
  const left = () => (rest === undefined ? given.length > 0 : rest !== '');
  let here: unknown = draft;
  while (left()) {
    if (Array.isArray(here)) {
      const items = here as readonly unknown[];
      const known = items.map((item, index) => nameOf(item) ?? String(index));
      const step = take(known);
      const index = known.indexOf(step) === -1 && /^\d+$/.test(step) ? Number(step) : known.indexOf(step);
      if (items[index] === undefined)
        return { path, problem: `found "${step}" in ${formatPath(path)}, ${choice(step, known)}` };
      path.push(index);
      here = items[index];
      continue;
    }
    if (here !== undefined && !isMapping(here))
      return { path, problem: `found more after ${formatPath(path)}, expected no more: it is ${quote(here)}` };
    const step = take(Object.keys(here ?? {}));
    // As services have them: services.web.scalingPolicies.cpu are those of its scalable target.
    if (path[0] === 'services' && path.length === 2 && (step === 'scalingPolicies' || step === 'scheduledActions')) {
      const service = (here as Mapping)['serviceName'];
      const targets = draft['scalableTargets'] as readonly Mapping[];
      const target = targets.findIndex((item) => item['service'] === service);
      const key = step === 'scalingPolicies' ? 'policies' : step;
      if (target === -1)
        return { path, problem: `found ${step} of "${String(service)}", expected a service with a scalable target` };
      path.splice(0, 2, 'scalableTargets', target, key);
      here = targets[target]?.[key];
      continue;
    }
    const within = inside(here ?? {}, step, path);
    if (typeof within === 'string') return { path, problem: within };
    path.push(...within);
    for (const key of within) here = isMapping(here) ? here[key] : undefined;
  }
  return path.length === 0 ? { path, problem: 'found no path, expected one' } : { path };
}

/** The name that an item of a list goes by. */
function nameOf(item: unknown): string | undefined {
  const key = isMapping(item) ? NAMES.find((name) => typeof item[name] === 'string') : undefined;
  return key === undefined ? undefined : ((item as Mapping)[key] as string);
}

/** Steps to a key in a mapping: the block in between may be left out where only one has it. Else, why there are none. */
function inside(here: Mapping, key: string, path: Path): readonly string[] | string {
  if (key in here || path.length < 2) return [key];
  const found = nested(here, key);
  if (found.length === 1) return found[0] as readonly string[];
  if (found.length > 1)
    return `found ${key} in ${found.map((steps) => steps.join('.')).join(' and ')}, expected one of these paths`;
  const blocks = Object.keys(here).filter((name) => name.endsWith('Configuration') && isMapping(here[name]));
  const [block] = blocks;
  if (block === undefined || blocks.length > 1 || !('PolicyType' in here) || key === 'alarm') return [key];
  // Amazon EC2 Auto Scaling has a shorter name for the block of target tracking.
  return key.endsWith('Configuration') ? [block] : [block, key];
}

function nested(here: Mapping, key: string): readonly (readonly string[])[] {
  return Object.entries(here).flatMap(([name, item]) => {
    if (!isMapping(item)) return [];
    return key in item ? [[name, key]] : nested(item, key).map((steps) => [name, ...steps]);
  });
}

// Values --------------------------------------------------------------------------------------------------------------

/** Fields of the parts of a load that are rates, or factors of them. */
const RATES = ['rate', 'base', 'peak', 'mean', 'scale'];

interface Made {
  /** As `path: before -> after`. */
  readonly what: readonly string[];
  /** Items that were in the list before those that were added. */
  readonly before: number;
}

/** Makes an edit. */
function put(draft: Mapping, path: Path, value: unknown): Made {
  const last = path.at(-1) as string | number;
  let holder = draft as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) holder = (holder[step] ??= {}) as Record<string | number, unknown>;
  const title = titleOf(draft, path);
  if (path[0] === 'load' && path.length === 3 && last === 'scale' && typeof value === 'number') {
    holder['rate'] = (holder['rate'] as readonly Mapping[]).map((part) => multiplied(part, value));
    return { what: [`${title}: x ${value}`], before: 0 };
  }
  // Calls are added to those that are planned.
  if (path.length === 1 && last === 'changes' && Array.isArray(value) && Array.isArray(holder[last])) {
    const planned = holder[last] as readonly unknown[];
    holder[last] = [...planned, ...(value as readonly unknown[])];
    return { what: (value as readonly unknown[]).map(call), before: planned.length };
  }
  const before = holder[last];
  holder[last] = value === null ? undefined : value;
  return { what: [`${title}: ${shown(before)} -> ${shown(value ?? undefined)}`], before: 0 };
}

/** A call of `changes`: `UpdateService {"service":"web","desiredCount":14} at 2030-01-08T11:00:00Z` */
function call(change: unknown): string {
  const { at, ...rest } = isMapping(change) ? change : { at: undefined };
  const calls = Object.entries(rest).map(([name, details]) => `${name} ${shown(details)}`);
  return `${calls.join(', ')} at ${shown(at)}`;
}

function multiplied(part: Mapping, factor: number): Mapping {
  return Object.fromEntries(
    Object.entries(part).map(([key, item]) => [
      key,
      RATES.includes(key) && typeof item === 'number' ? item * factor : item,
    ]),
  );
}

/** A path with names in it again. */
function titleOf(draft: Mapping, path: Path): string {
  let here: unknown = draft;
  return path
    .map((step) => {
      const item = (here as Record<string | number, unknown> | undefined)?.[step];
      here = item;
      return typeof step === 'number' ? (nameOf(item) ?? step) : step;
    })
    .join('.');
}

const LONGEST_VALUE = 100;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 3)}...` : text;
}

/** Without what was taken away. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== undefined).map(tidy);
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, tidy(item)]),
  );
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
