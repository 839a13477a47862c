/**
 * The house rules, as functions from sources to breaches. Each breach says where it is and what to write instead.
 * They read text, not types: a small scanner tells code, strings and comments apart, and imports are found by their form.
 */

/** A file, by its path from the top of the repository. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** What is wrong, as lines of `path:line: what, and what instead`. */
export type Rule = (sources: readonly Source[]) => readonly string[];

const FLOORS: Readonly<Record<string, number>> = {
  kernel: 0,
  cloudwatch: 1,
  workload: 1,
  iam: 1,
  vpc: 1,
  autoscaling: 2,
  elb: 2,
  ecr: 2,
  logs: 2,
  ec2: 3,
  ecs: 4,
  eks: 4,
  roof: 5,
  projections: 6,
  door: 7,
};
const ROOF = [
  'core/world.ts',
  'core/scenario.ts',
  'core/surroundings.ts',
  'core/assumptions.ts',
  'core/simulate.ts',
  'core/branch.ts',
  'core/invariants.ts',
];
const DOOR = 'core/index.ts';

/** A room imports its own files, and the rooms below through their doors; outside of core, only doors are imported. */
export const floors: Rule = (sources) =>
  sources.flatMap((source) =>
    importsOf(source).flatMap(({ line, from, target }) => {
      const trouble = target === undefined ? undefined : mayImport(source.path, target);
      return trouble === undefined ? [] : [`${source.path}:${line}: imports ${from}: ${trouble}`];
    }),
  );

function mayImport(path: string, target: string): string | undefined {
  const [house, into] = [topOf(path), topOf(target)];
  if (house !== 'core') {
    if (house === 'property-tests' || house === into || target === 'package.json') return undefined;
    if (into !== 'core') return `${house} does not know ${into}; move what both need into core`;
    if (target === DOOR || isRoomDoor(target)) return undefined;
    return `import core/index.ts or the door of its room, ${doorOf(target)}`;
  }
  if (into !== 'core') return 'core knows nothing outside of core';
  const [room, other] = [roomOf(path), roomOf(target)];
  if (room === other) return undefined;
  const [floor, below] = [FLOORS[room], FLOORS[other]];
  if (floor === undefined) return `core/${room} is on no floor; give it one in houseRules.ts`;
  if (below === undefined) return `core/${other} is on no floor; give it one in houseRules.ts`;
  if (below === floor) return `${room} and ${other} are neighbours on floor ${floor}; join them on a floor above`;
  if (below > floor) return `${room} is on floor ${floor}, ${other} above it on ${below}; pass what is needed down`;
  if (other === 'roof' || isRoomDoor(target)) return undefined;
  return `import the room through its door, ${doorOf(target)}`;
}

function topOf(path: string): string {
  return path.split('/')[0] as string;
}

function roomOf(path: string): string {
  if (path === DOOR) return 'door';
  const [, room, inside] = path.split('/') as [string, string, string?];
  return inside === undefined ? (ROOF.includes(path) ? 'roof' : room) : room;
}

function isRoomDoor(path: string): boolean {
  return /^core\/\w+\/index\.ts$/.test(path);
}

function doorOf(path: string): string {
  const room = roomOf(path);
  return room === 'roof' || room === 'door' ? DOOR : `core/${room}/index.ts`;
}

/** Core runs in a browser, and each package has its place. */
export const packages: Rule = (sources) =>
  sources
    .filter(({ path }) => topOf(path) === 'core')
    .flatMap((source) =>
      importsOf(source).flatMap(({ line, from, target, isType }) => {
        const trouble = target === undefined ? packageTrouble(source.path, from, isType) : undefined;
        return trouble === undefined ? [] : [`${source.path}:${line}: imports ${from}: ${trouble}`];
      }),
    );

function packageTrouble(path: string, from: string, isType: boolean): string | undefined {
  if (from.startsWith('node:')) return 'core imports nothing from Node; what needs it belongs to sims';
  switch (from) {
    case 'rxjs':
      if (path === 'core/kernel/streams.ts' || path.endsWith('/controller.ts')) return undefined;
      return isType ? undefined : 'pipelines live in controller.ts; elsewhere use what kernel/streams.ts offers';
    case 'immer':
      if (isType || path === 'core/kernel/timeline.ts') return undefined;
      return 'only kernel/timeline.ts calls immer; `import type` its types, and mutate the world in evolve';
    case 'zod':
      return undefined;
    case 'croner':
      return path === 'core/autoscaling/schedule.ts' ? undefined : 'only autoscaling/schedule.ts knows calendars';
    case 're2js':
      return path === 'core/ecs/placement/query.ts'
        ? undefined
        : 'only ecs/placement/query.ts reads expressions of users';
    default:
      return 'core uses rxjs, immer, zod, croner and re2js only';
  }
}

/** What may not stand in core, and what stands there instead. Strings and comments are not looked at. */
export const bannedWords: readonly { readonly word: RegExp; readonly instead: string; readonly allowedIn?: string }[] =
  [
    { word: /\bDate\.now\b/, instead: 'context.nowMs' },
    { word: /\bnew Date\b(?!\s*\(\s*[^)\s])/, instead: 'context.nowMs; `new Date(atMs)` of a given instant is fine' },
    { word: /(?<!\bnew\s+|\.)\bDate\s*\(/, instead: 'context.nowMs' },
    {
      word: /\.[gs]et(FullYear|Month|Date|Day|Hours|Minutes|Seconds|Milliseconds|TimezoneOffset)\(/,
      instead: 'the UTC method of the same name: the other asks the machine for its time zone',
    },
    { word: /\bperformance\b/, instead: 'context.nowMs; measuring belongs to bench' },
    { word: /\bMath\.random\b/, instead: 'rng.at(stream, key)' },
    { word: /\bcrypto\b/, instead: 'rng.at(stream, key), or Digest' },
    {
      word: /\b(set(Timeout|Interval|Immediate)|queueMicrotask|requestAnimationFrame)\b/,
      instead: 'a command in the calendar',
    },
    { word: /\b(async|await)\b|\bPromise\b/, instead: 'a plain function: the run is synchronous' },
    { word: /\bprocess\b\s*(\.|\[)/, instead: 'an argument; processes belong to sims' },
    { word: /\bconsole\b/, instead: 'an event, or an error; printing belongs to sims' },
    { word: /\b(localeCompare|toLocale\w+)\b/, instead: '< on strings, or explicit formatting' },
    {
      word: /\bIntl\b/,
      instead: 'autoscaling/schedule.ts, which resolves zones',
      allowedIn: 'core/autoscaling/schedule.ts',
    },
    { word: /\bstructuredClone\b/, instead: 'thaw from the kernel' },
    { word: /\bfor\s*\(\s*(const|let|var)\s+[\w$]+\s+in\b/, instead: 'for (... of ...) over a Map or Object.keys' },
    { word: /\benum\s+[A-Za-z_$]/, instead: 'an `as const` object with a type of the same name' },
    { word: /\bnamespace\s+[A-Za-z_$][\w$.]*\s*\{/, instead: 'a file' },
    { word: /\bany\b/, instead: '`unknown`, parsed where it enters' },
  ];

export const words: Rule = (sources) =>
  sources
    .filter(({ path }) => topOf(path) === 'core')
    .flatMap((source) => {
      const { code, comments } = partsOf(source);
      return [
        ...bannedWords
          .filter(({ allowedIn }) => allowedIn !== source.path)
          .flatMap(({ word, instead }) =>
            matches(source, code, word).map(({ where, found }) => `${where}: ${found}: write ${instead}`),
          ),
        ...matches(source, comments, /@ts-(ignore|nocheck)/).map(
          ({ where, found }) => `${where}: ${found}: make the types say what is so`,
        ),
      ];
    });

/** Neither memory, which a checkpoint would miss, nor time, which would be the machine's. */
const OPERATORS = new Set(['filter', 'map', 'mergeMap', 'concatMap', 'merge', 'EMPTY', 'of', 'from']);
/** What the streams themselves are made of, `mergeList` and `together`. */
const STREAMS_OWN = new Set(['Subject', 'Observable']);

export const operators: Rule = (sources) =>
  sources
    .filter(({ path }) => topOf(path) === 'core')
    .flatMap((source) =>
      importsOf(source)
        .filter(({ from }) => from === 'rxjs' || from.startsWith('rxjs/'))
        .flatMap(({ line, names, everything }) =>
          [...names, ...(everything === undefined ? [] : [{ name: '*', isType: false }])]
            .filter(({ name, isType }) => !isType && !OPERATORS.has(name))
            .filter(({ name }) => !STREAMS_OWN.has(name) || source.path !== 'core/kernel/streams.ts')
            .map(
              ({ name }) =>
                `${source.path}:${line}: ${name} from rxjs: keep memory in the world, and delay in the command's instant;` +
                ` use ${[...OPERATORS].join(', ')}`,
            ),
        ),
    );

const ROOTS = [DOOR, 'sims/cli.ts', 'sims/seatrial.mjs', 'sims/report/viewer/viewer.tsx', 'bench/run.ts'];

/** Every file of core, sims and bench is reached from the front door, the command line, the bench, or as a worker. */
export const deadFiles: Rule = (sources) => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const ways = ROOTS.filter((path) => byPath.has(path));
  for (let path = ways.pop(); path !== undefined; path = ways.pop()) {
    const source = byPath.get(path);
    if (source === undefined || reached.has(path)) continue;
    reached.add(path);
    ways.push(...importsOf(source).flatMap(({ target }) => target ?? []), ...entriesOf(source));
  }
  return sources
    .map(({ path }) => path)
    .filter((path) => /\.tsx?$/.test(path) && topOf(path) !== 'property-tests' && !path.endsWith('.test.ts'))
    .filter((path) => !reached.has(path))
    .map((path) => `${path}:1: nothing leads here from ${ROOTS.join(', ')}: import it or delete it`);
};

/** Every name that a file of core exports is imported by another file, or listed by the front door. */
export const deadExports: Rule = (sources) => {
  const used = new Set<string>(); // 'path name'
  for (const source of sources)
    for (const { names, target, everything } of importsOf(source))
      if (target !== undefined) {
        for (const { name } of names) used.add(`${target} ${name}`);
        if (everything !== undefined)
          for (const [, name] of partsOf(source).code.matchAll(new RegExp(`\\b${everything}\\.([\\w$]+)`, 'g')))
            used.add(`${target} ${name}`);
      }
  return sources
    .filter(({ path }) => topOf(path) === 'core' && path !== DOOR)
    .flatMap((source) =>
      exportsOf(source)
        .filter(({ name }) => !used.has(`${source.path} ${name}`))
        .map(({ name, line }) => `${source.path}:${line}: nobody imports ${name}: drop the \`export\`, or delete it`),
    );
};

export const fileNames: Rule = (sources) =>
  sources
    .filter(({ path }) => !/^[a-z-]+(\/[a-z][a-zA-Z0-9]*)*\/[a-z][a-zA-Z0-9]*(\.test)?\.(ts|tsx|mjs)$/.test(path))
    .map(({ path }) => `${path}:1: files and folders are named in camelCase, after the noun they hold`);

export const namedExports: Rule = (sources) =>
  sources.flatMap((source) =>
    matches(source, partsOf(source).code, /\bexport\s+default\b|\bexport\s*\*/).map(
      ({ where, found }) => `${where}: ${found}: export by name; a door lists its names`,
    ),
  );

export const leftOvers: Rule = (sources) =>
  sources.flatMap((source) => {
    const { code, comments } = partsOf(source);
    return [
      ...matches(source, comments, /\b(TODO|FIXME|XXX|HACK)\b/).map(
        ({ where, found }) => `${where}: ${found}: do it, or write it down where work is planned`,
      ),
      ...matches(
        source,
        code,
        /\b(test|it|describe|suite)\s*\.\s*(only|skip|todo)\b|\b(only|skip|todo)\s*:\s*true\b/,
      ).map(({ where, found }) => `${where}: ${found}: every test runs`),
    ];
  });

interface Match {
  readonly where: string;
  readonly found: string;
}

/** All places of a pattern. `part` is the source's text with blanks for what is not looked at, so that lines agree. */
function matches(source: Source, part: string, pattern: RegExp): Match[] {
  return [...part.matchAll(new RegExp(pattern, 'g'))].map((match) => ({
    where: `${source.path}:${lineAt(part, match.index)}`,
    found: match[0].trim(),
  }));
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

export interface ImportedName {
  readonly name: string;
  readonly isType: boolean;
}

export interface Import {
  readonly line: number;
  /** What the file wrote, and the path of the file it means; undefined for a package. */
  readonly from: string;
  readonly target: string | undefined;
  readonly names: readonly ImportedName[];
  /** `import * as everything`. */
  readonly everything: string | undefined;
  /** Nothing of it is left at run time. */
  readonly isType: boolean;
}

const FROM =
  /\b(?:import|export)\s+(type\s+)?(\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+(?:\s*,\s*\{[^}]*\})?)\s*from\s*['"]([^'"]+)['"]/g;
const BARE = /\bimport\s*\(?\s*['"]([^'"]+)['"]/g;

/** Static imports, re-exports, and `import()`. */
export function importsOf(source: Source): Import[] {
  const { withStrings } = partsOf(source);
  const found = [...withStrings.matchAll(FROM)].map((match): Import => {
    const [, type, clause, from] = match as unknown as [string, string | undefined, string, string];
    const items = [...clause.matchAll(/[{,]\s*(type\s+)?([\w$]+)(?=\s*[,}]|\s+as\b)/g)];
    const names = items.map(([, inline, name]) => ({
      name: name as string,
      isType: type !== undefined || inline !== undefined,
    }));
    if (/^[\w$]/.test(clause)) names.unshift({ name: 'default', isType: type !== undefined });
    return {
      line: lineAt(withStrings, match.index),
      from,
      target: targetOf(source.path, from),
      names,
      everything: /^\*\s+as\s+([\w$]+)/.exec(clause)?.[1],
      isType: type !== undefined || (names.length > 0 && names.every(({ isType }) => isType)),
    };
  });
  const bare = [...withStrings.matchAll(BARE)].map((match): Import => {
    const from = match[1] as string;
    const line = lineAt(withStrings, match.index);
    return { line, from, target: targetOf(source.path, from), names: [], everything: undefined, isType: false };
  });
  return [...found, ...bare];
}

/** Files that are started rather than imported: `new URL('./worker.ts', import.meta.url)`. */
function entriesOf(source: Source): string[] {
  const { withStrings } = partsOf(source);
  return [...withStrings.matchAll(/\bnew URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g)].flatMap(
    ([, from]) => targetOf(source.path, from as string) ?? [],
  );
}

function targetOf(path: string, from: string): string | undefined {
  if (!from.startsWith('.')) return undefined;
  const parts = path.split('/').slice(0, -1);
  for (const part of from.split('/'))
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  return parts.join('/');
}

/** The names that a file exports, re-exported ones too. */
function exportsOf(source: Source): { readonly name: string; readonly line: number }[] {
  const { code } = partsOf(source);
  // A type of its own file may stand in an exported signature; a door that lists it must have a reader.
  const declared = /\bexport\s+(?:declare\s+)?(?:abstract\s+)?(?:const|let|function\*?|class)\s+([A-Za-z_$][\w$]*)/g;
  const listed = /\bexport\s+(?:type\s+)?\{([^}]*)\}/g;
  return [
    ...[...code.matchAll(declared)].map((match) => ({ name: match[1] as string, line: lineAt(code, match.index) })),
    ...[...code.matchAll(listed)].flatMap((match) =>
      [...(match[1] as string).matchAll(/(?:^|,)\s*(?:type\s+)?(?:[\w$]+\s+as\s+)?([\w$]+)(?=\s*(?:,|$))/g)].map(
        (item) => ({
          name: item[1] as string,
          line: lineAt(code, code.indexOf('{', match.index) + 1 + item.index + item[0].search(/[\w$]/)),
        }),
      ),
    ),
  ];
}

export interface Parts {
  /** Neither comments nor the insides of strings, templates and regular expressions. */
  readonly code: string;
  /** As `code`, with what stands in '...' and "...". */
  readonly withStrings: string;
  readonly comments: string;
}

/** Only so that a text is scanned once, however many rules read it. */
const scanned = new WeakMap<Source, Parts>();

/** The three readings of a text, each as long as the text, with blanks for the rest. */
export function partsOf(source: Source): Parts {
  let parts = scanned.get(source);
  if (parts === undefined) scanned.set(source, (parts = scan(source.text)));
  return parts;
}

type Kind = 'code' | 'string' | 'template' | 'comment';

function scan(text: string): Parts {
  const kinds: Kind[] = [];
  /** Open braces: false for a block's, true for a template's `${`. */
  const braces: boolean[] = [];
  let index = 0;
  const take = (end: number, kind: Kind) => {
    while (index < Math.min(end, text.length)) kinds[index++] = kind;
  };
  const template = () => {
    while (index < text.length && text[index] !== '`') {
      if (text.startsWith('${', index)) {
        take(index + 2, 'code');
        braces.push(true);
        return;
      }
      take(index + (text[index] === '\\' ? 2 : 1), 'template');
    }
    take(index + 1, 'code');
  };
  while (index < text.length) {
    const char = text[index] as string;
    if (text.startsWith('//', index)) take(endOf(text, '\n', index), 'comment');
    else if (text.startsWith('/*', index)) take(endOf(text, '*/', index + 2) + 2, 'comment');
    else if (char === "'" || char === '"') {
      take(index + 1, 'code');
      while (index < text.length && text[index] !== char && text[index] !== '\n')
        take(index + (text[index] === '\\' ? 2 : 1), 'string');
      take(index + 1, 'code');
    } else if (char === '`') {
      take(index + 1, 'code');
      template();
    } else if (char === '/' && startsRegExp(text, kinds, index)) {
      take(index + 1, 'code');
      for (let inClass = false; index < text.length && (inClass || text[index] !== '/') && text[index] !== '\n';) {
        if (text[index] === '[') inClass = true;
        if (text[index] === ']') inClass = false;
        take(index + (text[index] === '\\' ? 2 : 1), 'template');
      }
      take(index + 1, 'code');
    } else {
      take(index + 1, 'code');
      if (char === '{') braces.push(false);
      else if (char === '}' && braces.pop() === true) template();
    }
  }
  const only = (...wanted: readonly Kind[]) =>
    Array.from(kinds, (kind, at) => (text[at] === '\n' || wanted.includes(kind) ? text[at] : ' ')).join('');
  return { code: only('code'), withStrings: only('code', 'string'), comments: only('comment') };
}

function endOf(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at === -1 ? text.length : at;
}

/** A slash divides after a value and begins a regular expression elsewhere. */
function startsRegExp(text: string, kinds: readonly Kind[], index: number): boolean {
  let last = index - 1;
  while (last >= 0 && (kinds[last] === 'comment' || /\s/.test(text[last] as string))) last--;
  if (last < 0 || !/[\w$)\]}'"`]/.test(text[last] as string)) return true;
  return /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|new)$/.test(
    text.slice(Math.max(0, last - 10), last + 1),
  );
}
